"""`fit` does what the loop by hand does, keeps a true record, and stops where it should."""

from __future__ import annotations

import gc
import math
import os
import random
import signal
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.engine import Value
from chainrule.functions import mean
from chainrule.optim import SGD, Adam
from chainrule.schedules import LambdaLR
from chainrule.training import History, State, fit

X = [[0.0], [1.0], [2.0], [3.0], [4.0]]
Y = [1.0, 3.0, 5.0, 7.0, 9.0]  # 1 + 2 x


class Line:
    def __init__(self) -> None:
        self.slope, self.offset = Value(0.0, label="slope"), Value(0.0, label="offset")
        self.params = [self.slope, self.offset]

    def loss(self, inputs: Sequence[Sequence[float]], targets: Sequence[float]) -> Value:
        return mean((self.slope * x + self.offset - y) ** 2 for (x,), y in zip(inputs, targets, strict=True))


def test_it_learns() -> None:
    line = Line()
    history = fit(line.loss, (X, Y), optimizer=Adam(line.params, lr=0.1), steps=300, batch_size=2)
    assert (line.slope.data, line.offset.data) == (pytest.approx(2, abs=0.02), pytest.approx(1, abs=0.05))
    assert history.step == list(range(1, 301))
    assert history.loss[-1] < 1e-3 < history.loss[0]
    assert history.learning_rate == [0.1] * 300


def test_full_batches_are_the_loop_by_hand() -> None:
    ours, theirs = Line(), Line()
    history = fit(ours.loss, (X, Y), optimizer=SGD(ours.params, lr=0.01), epochs=7, shuffle=False)
    losses = []
    for _ in range(7):
        loss = theirs.loss(X, Y)
        loss.backward()
        losses.append(loss.data)
        for p in theirs.params:
            p.data -= 0.01 * p.grad
    assert history.loss == losses
    assert [p.data for p in ours.params] == [p.data for p in theirs.params]


@given(st.integers(1, 12), st.integers(1, 15), st.integers(1, 4), st.booleans())
def test_every_epoch_sees_every_sample_once(samples: int, batch_size: int, epochs: int, shuffle: bool) -> None:
    seen: list[list[int]] = []
    states: list[State] = []
    p = Value(0.0)

    def loss(batch: list[int], squares: list[int]) -> Value:
        assert squares == [i * i for i in batch]
        seen.append(batch)
        return p * 1.0

    fit(
        loss,
        (range(samples), [i * i for i in range(samples)]),
        optimizer=SGD([p], lr=0.0),
        epochs=epochs,
        batch_size=batch_size,
        shuffle=shuffle,
        callback=lambda state: states.append(state),
        rng=random.Random(5),
    )
    per_epoch = math.ceil(samples / min(batch_size, samples))
    assert len(seen) == per_epoch * epochs == states[0].steps
    for epoch in range(epochs):
        flat = [i for batch in seen[epoch * per_epoch : (epoch + 1) * per_epoch] for i in batch]
        assert sorted(flat) == list(range(samples))
        if not shuffle:
            assert flat == list(range(samples))
    assert [list(state.batch) for state in states] == seen
    assert [state.epoch for state in states] == [1 + i // per_epoch for i in range(len(seen))]


def test_the_order_is_repeatable() -> None:
    def run(rng: random.Random | None) -> list[float]:
        line = Line()
        return fit(line.loss, (X, Y), optimizer=SGD(line.params, lr=0.01), steps=20, batch_size=2, rng=rng).loss

    assert run(None) == run(None) == run(random.Random(0))
    assert run(random.Random(1)) != run(random.Random(2))


def test_arrays_are_columns_too() -> None:
    ours, theirs = Line(), Line()
    a = fit(ours.loss, (np.array(X), np.array(Y)), optimizer=SGD(ours.params, lr=0.01), steps=5)
    b = fit(theirs.loss, (X, Y), optimizer=SGD(theirs.params, lr=0.01), steps=5)
    assert a.loss == b.loss


def test_a_schedule_sets_the_rate_of_each_step() -> None:
    line = Line()
    optimizer = SGD(line.params, lr=0.01)
    history = fit(line.loss, (X, Y), optimizer=optimizer, steps=4, schedule=LambdaLR(optimizer, lambda t: 1 / (1 + t)))
    assert history.learning_rate == pytest.approx([0.01, 0.005, 0.01 / 3, 0.0025])


def test_gradients_that_a_batch_does_not_reach_are_zero() -> None:
    a, b = Value(1.0), Value(1.0)
    fit(lambda which: (a if which[0] else b) * 1.0, ([True, False],), optimizer=SGD([a, b], lr=1.0), steps=2, batch_size=1, shuffle=False)
    assert (a.data, b.data) == (0.0, 0.0)


def test_an_optimizer_of_ones_own() -> None:
    p = Value(1.0)

    class Half:
        def step(self) -> None:
            p.data /= 2

    history = fit(lambda _: p * 1.0, ([1],), params=[p], optimizer=Half(), steps=3)
    assert (p.data, history.loss) == (0.125, [1.0, 0.5, 0.25])
    assert all(math.isnan(rate) for rate in history.learning_rate)


def test_the_callback_stops_and_records() -> None:
    line = Line()

    def callback(state: State) -> bool:
        if state.step % 2 == 0:
            state.record(even=state.step, double=2.0 * state.loss)
        return state.step == 5

    history = fit(line.loss, (X, Y), optimizer=SGD(line.params, lr=0.01), steps=100, callback=callback)
    assert history.step == [1, 2, 3, 4, 5]
    assert not history.interrupted
    assert history.metrics["even"] == pytest.approx([math.nan, 2, math.nan, 4, math.nan], nan_ok=True)
    assert history.metrics["double"][3] == 2 * history.loss[3]
    assert repr(history) == f"History(5 steps, last loss {history.loss[-1]:.6g})"
    assert repr(History(interrupted=True)) == "History(0 steps, interrupted)"


def test_ctrl_c_stops_between_steps_and_keeps_what_was_learned() -> None:
    line = Line()
    steps_begun: list[int] = []

    def loss(inputs: list[list[float]], targets: list[float]) -> Value:
        steps_begun.append(1)
        if len(steps_begun) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return line.loss(inputs, targets)

    history = fit(loss, (X, Y), optimizer=SGD(line.params, lr=0.01), steps=100)
    assert history.interrupted
    assert len(history.step) == len(history.loss) == len(steps_begun) == 3  # the step under way was finished
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    twin = Line()
    fit(twin.loss, (X, Y), optimizer=SGD(twin.params, lr=0.01), steps=3)
    assert line.slope.data == twin.slope.data


def test_the_garbage_of_operations_made_by_hand_is_collected_on_the_way() -> None:
    p = Value(1.0)
    made, steps = 200, 60

    def loss(batch: list[int]) -> Value:
        out = p * 1.0
        for _ in range(made):
            out = Value(out.data, (out,), "same")
            out._backward = lambda out=out: None  # a reference cycle
        return out

    def alive() -> int:
        return sum(isinstance(thing, Value) for thing in gc.get_objects())

    gc.collect()
    before = alive()
    fit(loss, ([1],), optimizer=SGD([p], lr=0.1), steps=steps)
    assert gc.isenabled()
    assert alive() - before < made * steps / 2


def test_a_second_ctrl_c_does_not_wait() -> None:
    line = Line()

    def loss(inputs: list[list[float]], targets: list[float]) -> Value:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the second one must end this step")

    history = fit(loss, (X, Y), optimizer=SGD(line.params, lr=0.01), steps=100)
    assert history.interrupted
    assert history.step == []


def test_elsewhere_than_in_the_main_thread() -> None:
    line = Line()
    found: list[History] = []
    thread = threading.Thread(target=lambda: found.append(fit(line.loss, (X, Y), optimizer=SGD(line.params, lr=0.01), steps=3)))
    thread.start()
    thread.join()
    assert len(found[0].step) == 3


def test_a_handler_that_the_program_chose_stays() -> None:
    line = Line()
    heard: list[int] = []
    earlier = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        history = fit(
            lambda *batch: os.kill(os.getpid(), signal.SIGINT) or line.loss(*batch), (X, Y), optimizer=SGD(line.params, lr=0.01), steps=2
        )
    finally:
        signal.signal(signal.SIGINT, earlier)
    assert (len(history.step), len(heard), history.interrupted) == (2, 2, False)


def test_divergence_names_the_step_and_the_way_out() -> None:
    line = Line()
    with pytest.raises(FloatingPointError, match=r"the loss became (inf|nan) at step \d+ \(learning rate 10\); lower the learning rate"):
        fit(line.loss, (X, Y), optimizer=SGD(line.params, lr=10.0), steps=1000)


def test_a_parameter_that_the_last_step_broke() -> None:
    p = Value(1.0, label="w")
    with pytest.raises(FloatingPointError, match=r"the parameter w became -inf in step 1"):
        fit(lambda _: p * 1e308, ([0],), optimizer=SGD([p], lr=1e308), steps=1)


@pytest.mark.parametrize(
    ("options", "data", "message"),
    [
        ({}, (X, Y), "give either steps or epochs, to say how long to train; got steps=None, epochs=None"),
        ({"steps": 1, "epochs": 1}, (X, Y), "got steps=1, epochs=1"),
        ({"steps": 0}, (X, Y), "steps must be an integer of 1 or more, got 0"),
        ({"epochs": -1}, (X, Y), "epochs must be an integer of 1 or more, got -1"),
        ({"steps": 1, "batch_size": 0}, (X, Y), "batch_size must be an integer of 1 or more, got 0"),
        ({"steps": 2.5}, (X, Y), r"steps must be an integer of 1 or more, got 2\.5"),
        ({"steps": 1, "batch_size": "all"}, (X, Y), "batch_size must be an integer of 1 or more, got 'all'"),
        ({"steps": 1, "every": 0}, (X, Y), "every must be an integer of 1 or more, got 0"),
        ({"steps": 1}, (X, Y[:-1]), r"columns of equal length, such as \(inputs, targets\); got lengths \[5, 4\]"),
        ({"steps": 1}, (), r"got lengths \[\]"),
        ({"steps": 1}, ([], []), "no samples"),
    ],
)
def test_arguments_that_do_not_fit(options: dict[str, int], data: tuple[list[object], ...], message: str) -> None:
    line = Line()
    with pytest.raises(ValueError, match=message):
        fit(line.loss, data, optimizer=SGD(line.params, lr=0.1), **options)  # type: ignore[arg-type]


def test_a_loss_that_is_no_value() -> None:
    line = Line()
    with pytest.raises(TypeError, match=r"the loss must be a Value, got float: 1\.0"):
        fit(lambda *_: 1.0, (X, Y), optimizer=SGD(line.params, lr=0.1), steps=1)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("zero", [0, 0.0, -0.0, False, np.float32(0)])
def test_a_loss_of_a_plain_zero_has_no_gradients(zero: float) -> None:
    """As `sum(max(0, 1 - score) for ...)` is where every margin is met."""
    w = Value(3.0)
    w.grad = 5.0  # which some other loss has left
    history = fit(lambda x: zero, ([1.0],), optimizer=SGD([w], lr=0.5), steps=2)  # type: ignore[arg-type,return-value]
    assert (history.loss, w.data, w.grad) == ([0.0, 0.0], 3.0, 0.0)


def test_a_hinge_of_max_trains_until_all_margins_are_met_and_stays_there() -> None:
    w = Value(0.0)
    points = [2.0, 3.0]
    history = fit(lambda xs: sum(max(0, 1 - w * x) for x in xs) / len(xs), (points,), optimizer=SGD([w], lr=0.5), steps=20)  # type: ignore[arg-type,return-value]
    assert history.loss[0] == 1.0
    assert history.loss[-1] == 0.0
    assert all(w.data * x >= 1 for x in points)


def test_a_loss_that_is_another_number_is_refused() -> None:
    w = Value(1.0)
    with pytest.raises(
        TypeError, match=r"got float: 1\.0; a number has no gradients: return the Value itself, not its data, and write max"
    ):
        fit(lambda x: (w * w).data, ([1.0],), optimizer=SGD([w]), steps=1)  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match=r"the loss must be a Value, got list: \[\]$"):
        fit(lambda x: [], ([1.0],), optimizer=SGD([w]), steps=1)  # type: ignore[arg-type,return-value]
