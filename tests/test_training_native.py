"""`fit` with a compiled loss makes the steps that `fit` on the eager engine makes, as machine code."""

from __future__ import annotations

import json
import math
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule
from chainrule import MLP, SGD, Adam, AdamW, Value, fit, mean, take
from chainrule.compiler.training.fit import NativeFit
from chainrule.compiler.training.steps import MOST_FUNCTIONS
from chainrule.schedules import CosineAnnealingLR, ExponentialLR, LambdaLR, StepLR
from chainrule.training import History, State

pytestmark = pytest.mark.usefixtures("quick")

X = np.random.default_rng(0).normal(size=(23, 3))
Y = np.random.default_rng(1).normal(size=23)
CLOSE = 1e-10


class Model:
    """A small network; its output is scaled by a number that is not trained, and one parameter is not used."""

    def __init__(self) -> None:
        self.network = MLP(3, [4, 1], activation="tanh", rng=random.Random(5))
        self.unused, self.frozen = Value(0.7), Value(0.3)
        self.params = [*self.network.parameters(), self.unused]
        self.calls = 0

    def one(self, x: Any, y: Any) -> Any:
        self.calls += 1
        return (self.network(x) * self.frozen - y) ** 2

    def mean(self, X: Any, Y: Any) -> Any:
        return mean(self.one(x, y) for x, y in zip(X, Y, strict=True))

    def sum(self, X: Any, Y: Any) -> Any:
        return sum(self.one(x, y) for x, y in zip(X, Y, strict=True))


START = [leaf.data for model in [Model()] for leaf in (*model.params, model.frozen)]


class Result(NamedTuple):
    """What a training has left behind."""

    history: History
    optimizer: Any
    numbers: list[float]
    gradients: list[float]
    calls: int
    rng: object


FORMS = ("whole", "batch mean", "batch sum")


def eager_model(form: str) -> tuple[Model, Any]:
    model = Model()
    return model, model.sum if form == "batch sum" else model.mean


def compiled_model(form: str) -> tuple[Model, Any]:
    """A model as new, with a loss that may have been compiled before."""
    model, loss = compiled_once(form)
    for leaf, start in zip([*model.params, model.frozen], START, strict=True):
        leaf.data, leaf.grad = start, 0.0
    model.calls = 0
    return model, loss


@cache
def compiled_once(form: str) -> tuple[Model, Any]:
    model = Model()
    return model, chainrule.compile(model.mean) if form == "whole" else chainrule.compile(model.one, batch=form.split()[1])


def trained(form: str, make: Callable[[list[Value]], Any], *, native: bool, schedule: Any = None, **options: Any) -> Result:
    """Train a fresh model, compiled or on the eager engine."""
    model, loss = compiled_model(form) if native else eager_model(form)
    optimizer = make(model.params)
    if schedule is not None:
        options["schedule"] = schedule(optimizer)
    if "callback" in options:
        callback = options["callback"]
        options["callback"] = lambda state: callback(state, model, optimizer)
    rng = random.Random(3)
    data = (X, Y) if native else (X.tolist(), Y.tolist())
    history = fit(loss, data, optimizer=optimizer, rng=rng, **options)
    numbers = [p.data for p in [*model.params, model.frozen]]
    return Result(history, optimizer, numbers, [p.grad for p in [*model.params, model.frozen]], model.calls, rng.getstate())


def assert_same(native: Result, eager: Result) -> None:
    assert native.history.step == eager.history.step
    assert native.history.interrupted == eager.history.interrupted
    assert native.history.loss == pytest.approx(eager.history.loss, rel=CLOSE, abs=CLOSE)
    assert native.history.learning_rate == eager.history.learning_rate
    assert native.numbers == pytest.approx(eager.numbers, rel=CLOSE, abs=CLOSE)
    assert native.gradients == pytest.approx(eager.gradients, rel=CLOSE, abs=CLOSE)
    assert native.rng == eager.rng
    ours, theirs = native.optimizer.state_dict(), eager.optimizer.state_dict()
    assert ours.keys() == theirs.keys()
    for name, kept in ours.items():
        assert kept == (pytest.approx(theirs[name], rel=CLOSE, abs=CLOSE) if isinstance(kept, list) else theirs[name]), name
    assert native.calls < eager.calls / 2  # it was traced, and not called at every step


OPTIMIZERS: dict[str, Callable[[list[Value]], Any]] = {
    "SGD": lambda p: SGD(p, lr=0.05),
    "SGD, weight decay": lambda p: SGD(p, lr=0.05, weight_decay=0.1),
    "SGD, momentum": lambda p: SGD(p, lr=0.05, momentum=0.9),
    "SGD, Nesterov": lambda p: SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "SGD, dampening": lambda p: SGD(p, lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.1),
    "SGD, maximize": lambda p: SGD(p, lr=0.01, maximize=True, weight_decay=0.1),
    "Adam": lambda p: Adam(p, lr=0.05),
    "Adam, weight decay, AMSGrad": lambda p: Adam(p, lr=0.05, weight_decay=0.1, amsgrad=True, betas=(0.8, 0.95), eps=1e-6),
    "Adam, maximize": lambda p: Adam(p, lr=0.01, maximize=True),
    "AdamW": lambda p: AdamW(p, lr=0.05, weight_decay=0.1),
    "AdamW, AMSGrad, maximize": lambda p: AdamW(p, lr=0.01, weight_decay=0.1, amsgrad=True, maximize=True),
}

# --- the same numbers -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_makes_the_same_steps(name: str) -> None:
    """In shuffled minibatches of 5, of which the last of an epoch has 3, and with all samples in each step."""
    for form, options in (("batch mean", {"epochs": 4, "batch_size": 5}), ("whole", {"steps": 12})):
        results = [trained(form, OPTIMIZERS[name], native=native, **options) for native in (True, False)]
        assert_same(*results)


BATCHES: dict[str, dict[str, Any]] = {
    "in order": {"steps": 17, "batch_size": 5, "shuffle": False},
    "in order, one sample": {"epochs": 2, "batch_size": 1, "shuffle": False},
    "shuffled, one sample": {"epochs": 2, "batch_size": 1},
    "all but one": {"epochs": 3, "batch_size": 22},
    "all": {"epochs": 5, "batch_size": 23},
    "more than all": {"epochs": 5, "batch_size": 100},
    "no remainder": {"steps": 9, "batch_size": 23, "shuffle": False},
    "in the middle of an epoch": {"steps": 7, "batch_size": 4},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", BATCHES)
def test_every_way_to_make_batches(name: str, form: str) -> None:
    results = [trained(form, OPTIMIZERS["Adam"], native=native, **BATCHES[name]) for native in (True, False)]
    assert_same(*results)


def test_many_steps() -> None:
    """So many that they are made in runs of growing length."""
    options: dict[str, Any] = {"steps": 900, "batch_size": 5}
    assert_same(*(trained("batch mean", OPTIMIZERS["SGD, momentum"], native=native, **options) for native in (True, False)))


SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "step": lambda o: StepLR(o, 4, gamma=0.5),
    "exponential": lambda o: ExponentialLR(o, 0.9),
    "cosine": lambda o: CosineAnnealingLR(o, 12),
    "of one's own": lambda o: LambdaLR(o, lambda step: 1.0 / (1.0 + step)),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("optimizer", ["SGD, momentum", "AdamW"])
def test_schedules(name: str, optimizer: str) -> None:
    results = [
        trained("whole", OPTIMIZERS[optimizer], native=native, schedule=SCHEDULES[name], steps=20, batch_size=5) for native in (True, False)
    ]
    assert_same(*results)
    assert results[0].optimizer.lr == results[1].optimizer.lr
    assert len(set(results[0].history.learning_rate)) > 3


def test_a_compiled_graph() -> None:
    results = []
    for native in (True, False):
        model = Model()
        optimizer = SGD(model.params, lr=0.05, momentum=0.9, weight_decay=0.1)
        if native:
            step = chainrule.compile(model.mean(X.tolist(), Y.tolist()))
            model.calls = 0
            history = fit(step, optimizer=optimizer, steps=30)
        else:
            history = fit(model.mean, (X.tolist(), Y.tolist()), optimizer=optimizer, steps=30)
        numbers = [p.data for p in [*model.params, model.frozen]]
        results.append(Result(history, optimizer, numbers, [p.grad for p in [*model.params, model.frozen]], model.calls, None))
    assert_same(*results)


def test_epochs_of_a_graph_are_steps() -> None:
    w = Value(1.0)
    assert fit(chainrule.compile(w * w), optimizer=SGD([w], lr=0.1), epochs=3).step == [1, 2, 3]


def test_parameters_that_the_loss_does_not_use_decay_all_the_same() -> None:
    result = trained("batch mean", lambda p: SGD(p, lr=0.1, weight_decay=0.5), native=True, steps=10)
    assert result.numbers[-2] == pytest.approx(0.7 * (1 - 0.1 * 0.5) ** 10)
    assert result.gradients[-2] == 0.0  # of the parameter that is not used


def test_values_that_the_optimizer_does_not_have_stay_as_they_are() -> None:
    w, frozen, apart = Value(1.0), Value(2.0), Value(3.0)
    loss = chainrule.compile(lambda x: (w * x + frozen * apart) ** 2, batch="mean")
    fit(loss, (X[:, 0],), optimizer=AdamW([apart, w], lr=0.1), steps=5)
    assert frozen.data == 2.0
    assert w.data != 1.0
    assert apart.data != 3.0
    moved = (w.data, apart.data)
    fit(loss, (X[:, 0],), optimizer=SGD([frozen], lr=0.1), steps=5)
    assert (w.data, apart.data) == moved
    assert frozen.data != 2.0


def test_a_loss_that_depends_on_no_parameter() -> None:
    w = Value(1.0)
    history = fit(chainrule.compile(lambda x: x * x, batch="mean"), (X[:, 0],), optimizer=SGD([w], lr=0.1, weight_decay=1.0), steps=3)
    assert history.loss == pytest.approx([float(np.mean(X[:, 0] ** 2))] * 3)
    assert w.data == pytest.approx(0.9**3)


def test_the_order_of_the_optimizers_parameters_does_not_matter() -> None:
    results = []
    for backwards in (False, True):
        model = Model()
        params = model.params[::-1] if backwards else model.params
        fit(chainrule.compile(model.one, batch="mean"), (X, Y), optimizer=Adam(params, lr=0.05), epochs=3, batch_size=5)
        results.append([p.data for p in model.params])
    assert results[0] == pytest.approx(results[1], rel=1e-12)


@pytest.mark.parametrize("name", ["SGD, dampening", "Adam, weight decay, AMSGrad"])
def test_training_goes_on_where_it_was(name: str) -> None:
    """Two fits in a row, then a step by hand, are one training."""
    states = []
    for native in (True, False):
        model = Model()
        optimizer = OPTIMIZERS[name](model.params)
        loss = chainrule.compile(model.mean) if native else model.mean
        for options in ({"steps": 7, "batch_size": 5}, {"epochs": 2, "batch_size": 4}):
            fit(loss, (X, Y) if native else (X.tolist(), Y.tolist()), optimizer=optimizer, **options)
        state = optimizer.state_dict()
        json.dumps(state)
        model.mean(X.tolist(), Y.tolist()).backward()
        optimizer.step()
        other = OPTIMIZERS[name](model.params)
        other.load_state_dict(optimizer.state_dict())
        fit(loss, (X, Y) if native else (X.tolist(), Y.tolist()), optimizer=other, steps=2)
        states.append([*[p.data for p in model.params], other.steps])
    assert states[0] == pytest.approx(states[1], rel=CLOSE, abs=CLOSE)
    assert states[0][-1] == 7 + 2 * 6 + 1 + 2


def test_single_precision_trains_too() -> None:
    losses = []
    for dtype in ("float32", "float64"):
        model = Model()
        loss = chainrule.compile(model.one, batch="mean", dtype=dtype)
        losses.append(fit(loss, (X, Y), optimizer=Adam(model.params, lr=0.05), epochs=8, batch_size=5).loss)
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_embeddings_and_targets_are_data() -> None:
    tokens, targets = np.array([0, 2, 1, 2, 0, 1, 2]), np.array([1, 0, 1, 1, 0, 0, 1])

    def run(native: bool) -> tuple[list[float], list[float]]:
        rng = random.Random(1)
        table = [[Value(rng.uniform(-1, 1)) for _ in range(2)] for _ in range(3)]
        leaves = [v for row in table for v in row]

        def one(token: Any, target: Any) -> Any:
            return chainrule.cross_entropy(take(table, token), target)

        loss: Any = chainrule.compile(one, batch="mean") if native else lambda T, Y: mean(map(one, T, Y))
        data = (tokens, targets) if native else (tokens.tolist(), targets.tolist())
        history = fit(loss, data, optimizer=SGD(leaves, lr=0.5), epochs=5, batch_size=3)
        return history.loss, [v.data for v in leaves]

    for ours, theirs in zip(run(True), run(False), strict=True):
        assert ours == pytest.approx(theirs, rel=CLOSE)


def test_data_may_be_lists() -> None:
    models = Model(), Model()
    for model, data in zip(models, ((X, Y), (X.tolist(), Y.tolist())), strict=True):
        fit(chainrule.compile(model.one, batch="mean"), data, optimizer=Adam(model.params), epochs=2, batch_size=5)
    assert [p.data for p in models[0].params] == [p.data for p in models[1].params]


def test_values_among_the_data_change_from_step_to_step() -> None:
    w = [Value(0.5), Value(0.25)]
    history = fit(chainrule.compile(lambda x: (x - 1.0) ** 2, batch="mean"), (w,), optimizer=SGD(w, lr=0.1), steps=20)
    twin = [Value(0.5), Value(0.25)]
    expected = fit(lambda X: mean((x - 1.0) ** 2 for x in X), (twin,), optimizer=SGD(twin, lr=0.1), steps=20)
    assert history.loss == pytest.approx(expected.loss, rel=CLOSE)
    assert [p.data for p in w] == pytest.approx([p.data for p in twin], rel=CLOSE)


def test_a_program_keeps_no_more_loops_than_it_may() -> None:
    model = Model()
    loss = chainrule.compile(model.one, batch="mean")
    for samples in range(1, 9):
        for momentum in (0.0, 0.5, 0.9):
            fit(loss, (X[:samples], Y[:samples]), optimizer=SGD(model.params, lr=0.01, momentum=momentum), steps=1)
    assert len(loss.program.step_functions) == MOST_FUNCTIONS


def test_data_stay_as_they_are() -> None:
    inputs, targets = X.copy(), Y.copy()
    model = Model()
    fit(chainrule.compile(model.one, batch="mean"), (inputs, targets), optimizer=Adam(model.params), epochs=2, batch_size=5)
    assert np.array_equal(inputs, X)
    assert np.array_equal(targets, Y)


# --- the callback -----------------------------------------------------------------------------------------------------------------------


def recording(
    change: Callable[[State, Model, Any], Any],
) -> tuple[list[Any], Callable[[State, Model, Any], Any]]:
    """A callback that notes all it is told and all it sees, and then does something."""
    seen: list[Any] = []

    def callback(state: State, model: Model, optimizer: Any) -> Any:
        assert state.history.step == list(range(1, state.step + 1))
        assert state.history.loss[-1] == state.loss
        seen.append((state.step, state.steps, state.epoch, list(state.batch), optimizer.steps, optimizer.lr))
        seen.append([state.loss, *(p.data for p in model.params), *(p.grad for p in model.params)])
        return change(state, model, optimizer)

    return seen, callback


CHANGES: dict[str, Callable[[State, Model, Any], Any]] = {
    "nothing": lambda state, model, optimizer: None,
    "the learning rate": lambda state, model, optimizer: setattr(optimizer, "lr", 0.2) if state.step == 8 else None,
    "a parameter": lambda state, model, optimizer: setattr(model.params[2], "data", 0.25) if state.step == 8 else None,
    "a parameter that is not used": lambda state, model, optimizer: setattr(model.unused, "data", 5.0) if state.step == 8 else None,
    "a number that is not trained": lambda state, model, optimizer: setattr(model.frozen, "data", 0.9) if state.step == 8 else None,
    "no momentum": lambda state, model, optimizer: setattr(optimizer, "momentum", 0.0) if state.step == 8 else None,
    "momentum": lambda state, model, optimizer: setattr(optimizer, "momentum", 0.5) if state.step == 8 else None,
    "weight decay": lambda state, model, optimizer: setattr(optimizer, "weight_decay", 0.0) if state.step == 8 else None,
    "the direction": lambda state, model, optimizer: setattr(optimizer, "maximize", True) if state.step == 8 else None,
    "the optimizer's state": lambda state, model, optimizer: (
        optimizer.load_state_dict({**optimizer.state_dict(), "steps": 0, "momentum_buffer": []}) if state.step == 8 else None
    ),
}


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("name", CHANGES)
def test_the_callback_sees_everything_and_may_change_it(name: str, every: int) -> None:
    results, logs = [], []
    for native in (True, False):
        seen, callback = recording(CHANGES[name])
        options: dict[str, Any] = {"steps": 18, "batch_size": 5, "every": every, "callback": callback}
        results.append(trained("batch mean", lambda p: SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1), native=native, **options))
        logs.append(seen)
    ours, theirs = logs
    assert ours[::2] == theirs[::2]
    assert [step for step, *_ in ours[::2]] == (list(range(1, 19)) if every == 1 else [4, 8, 12, 16, 18])
    for numbers, expected in zip(ours[1::2], theirs[1::2], strict=True):
        assert numbers == pytest.approx(expected, rel=CLOSE, abs=CLOSE)
    assert_same(*results)


def test_momentum_may_begin_later() -> None:
    results = []
    for native in (True, False):
        _, callback = recording(CHANGES["momentum"])
        options: dict[str, Any] = {"steps": 18, "batch_size": 5, "every": 4, "callback": callback}
        results.append(trained("batch mean", lambda p: SGD(p, lr=0.05, dampening=0.3), native=native, **options))
    assert_same(*results)


def test_adams_options_may_be_changed_too() -> None:
    def change(state: State, model: Model, optimizer: Any) -> None:
        if state.step == 6:
            optimizer.betas, optimizer.eps = (0.5, 0.6), 1e-3
        if state.step == 12:
            optimizer.amsgrad = True

    results = [
        trained("batch mean", OPTIMIZERS["Adam"], native=native, steps=18, batch_size=5, every=3, callback=change)
        for native in (True, False)
    ]
    assert_same(*results)


@pytest.mark.parametrize("every", [1, 5])
def test_the_callback_may_stop_and_leave_other_parameters(every: int) -> None:
    def stop(state: State, model: Model, optimizer: Any) -> bool:
        if state.step == 10:
            model.params[0].data = 7.0
        return state.step == 10

    results = [
        trained("whole", OPTIMIZERS["Adam"], native=native, steps=50, batch_size=5, every=every, callback=stop) for native in (True, False)
    ]
    assert_same(*results)
    assert results[0].history.step[-1] == 10
    assert results[0].numbers[0] == 7.0
    assert not results[0].history.interrupted


@pytest.mark.parametrize("error", [RuntimeError("enough"), KeyboardInterrupt()], ids=["an error", "Ctrl-C"])
def test_a_callback_that_raises_leaves_what_it_has_done(error: BaseException) -> None:
    model = Model()
    optimizer = SGD(model.params, lr=0.05, momentum=0.5)

    def callback(state: State) -> None:
        if state.step == 10:
            model.params[0].data = 7.0
            raise error

    loss = chainrule.compile(model.one, batch="mean")
    if isinstance(error, KeyboardInterrupt):
        history = fit(loss, (X, Y), optimizer=optimizer, steps=50, callback=callback)
        assert history.interrupted
    else:
        with pytest.raises(RuntimeError, match="enough"):
            fit(loss, (X, Y), optimizer=optimizer, steps=50, callback=callback)
    twin = Model()
    other = SGD(twin.params, lr=0.05, momentum=0.5)
    fit(chainrule.compile(twin.one, batch="mean"), (X, Y), optimizer=other, steps=10)
    assert model.params[0].data == 7.0
    assert [p.data for p in model.params[1:]] == pytest.approx([p.data for p in twin.params[1:]], rel=1e-12)
    assert optimizer.steps == 10
    assert list(optimizer.momentum_buffer) == pytest.approx(list(other.momentum_buffer), rel=1e-12)


def test_the_callback_records_metrics() -> None:
    def record(state: State, model: Model, optimizer: Any) -> None:
        state.record(double=2.0 * state.loss)

    history = trained("batch mean", OPTIMIZERS["SGD"], native=True, steps=10, every=4, callback=record).history
    numbers = history.metrics["double"]
    assert [k for k, number in enumerate(numbers, 1) if not math.isnan(number)] == [4, 8, 10]
    assert numbers[3] == 2.0 * history.loss[3]


# --- losses that are not finite ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_a_loss_that_is_nan_ends_the_training_before_its_step(native: bool, whole: bool) -> None:
    w, b = Value(1.0), Value(0.0)

    def one(x: Any) -> Any:
        return chainrule.log(w * x + b)

    def of_all(batch: Sequence[Any]) -> Any:
        return mean(map(one, batch))

    loss: Any = (chainrule.compile(of_all) if whole else chainrule.compile(one, batch="mean")) if native else of_all
    optimizer = SGD([w, b], lr=0.1, momentum=0.5)
    data = [1.0, 2.0, 3.0, -1.0, 1.0]
    with pytest.raises(FloatingPointError, match=r"the loss became nan at step 4 \(learning rate 0\.1\); lower the learning rate"):
        fit(loss, (data,), optimizer=optimizer, epochs=3, batch_size=1, shuffle=False)
    twin = Value(1.0), Value(0.0)
    other = SGD(twin, lr=0.1, momentum=0.5)
    fit(
        lambda batch: mean(chainrule.log(twin[0] * x + twin[1]) for x in batch),
        (data[:3],),
        optimizer=other,
        epochs=1,
        batch_size=1,
        shuffle=False,
    )
    assert [w.data, b.data] == pytest.approx([p.data for p in twin], rel=1e-12)
    assert list(optimizer.momentum_buffer) == pytest.approx(list(other.momentum_buffer), rel=1e-12)
    assert optimizer.steps == 3


def test_the_schedule_stands_where_the_steps_ended() -> None:
    schedules = []
    for native in (True, False):
        w = Value(1.0)
        loss: Any = chainrule.compile(lambda x, w=w: chainrule.log(w * x), batch="mean")
        if not native:
            loss = lambda X, w=w: mean(chainrule.log(w * x) for x in X)  # noqa: E731
        optimizer = SGD([w], lr=0.1)
        schedules.append(StepLR(optimizer, step_size=2))
        with pytest.raises(FloatingPointError, match="at step 4"):
            fit(loss, ([1.0, 2.0, 3.0, -1.0, 1.0],), optimizer=optimizer, schedule=schedules[-1], epochs=3, batch_size=1, shuffle=False)
        assert optimizer.lr == pytest.approx(0.01)
    assert schedules[0].state_dict() == schedules[1].state_dict()


def test_a_loss_that_becomes_infinite_says_when() -> None:
    w = Value(1.0)
    loss = chainrule.compile(lambda x: (w * x) ** 2, batch="mean")
    with pytest.raises(FloatingPointError, match=r"the loss became inf at step \d+ \(learning rate 1e\+30\)"):
        fit(loss, (X[:, 0],), optimizer=SGD([w], lr=1e30), steps=1000)
    assert math.isfinite(w.data)


def test_a_parameter_that_the_last_step_broke() -> None:
    w = Value(1.0, label="w")
    with pytest.raises(FloatingPointError, match=r"the parameter w became -inf in step 1; lower the learning rate"):
        fit(chainrule.compile(lambda x: w * 1e308, batch="mean"), ([1.0],), optimizer=SGD([w], lr=1e308), steps=1)


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------------------------


@contextmanager
def ctrl_c_when(ready: Callable[[], bool]) -> Iterator[list[float]]:
    """Press Ctrl-C as soon as something holds; the list gets the time at which that was."""
    pressed: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.001):
            if ready():
                pressed.append(time.perf_counter())
                signal.raise_signal(signal.SIGINT)
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield pressed
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("graph", [False, True])
def test_ctrl_c_while_machine_code_runs(graph: bool) -> None:
    model, twin = Model(), Model()
    optimizer, other = Adam(model.params, lr=1e-3), Adam(twin.params, lr=1e-3)

    def run(model: Model, optimizer: Any, steps: int) -> History:
        if graph:
            return fit(chainrule.compile(model.mean(X.tolist(), Y.tolist())), optimizer=optimizer, steps=steps)
        return fit(chainrule.compile(model.one, batch="mean"), (X, Y), optimizer=optimizer, steps=steps, batch_size=5)

    with ctrl_c_when(lambda: optimizer.steps > 100) as pressed:
        history = run(model, optimizer, 10**9)
        ended = time.perf_counter()
    assert history.interrupted
    assert ended - pressed[0] < 2.0
    assert len(history.step) == len(history.loss) == optimizer.steps > 100
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    run(twin, other, len(history.step))
    assert [p.data for p in model.params] == pytest.approx([p.data for p in twin.params], rel=1e-12)
    assert list(optimizer.exp_avg_sq) == pytest.approx(list(other.exp_avg_sq), rel=1e-12)


def test_ctrl_c_in_a_callback_ends_after_its_step() -> None:
    def interrupt(state: State, model: Model, optimizer: Any) -> None:
        if state.step == 6:
            signal.raise_signal(signal.SIGINT)

    results = [trained("whole", OPTIMIZERS["SGD"], native=native, steps=60, batch_size=5, callback=interrupt) for native in (True, False)]
    assert results[0].history.interrupted
    assert results[0].history.step[-1] == 6
    assert results[0].numbers == pytest.approx(results[1].numbers, rel=CLOSE)


def test_elsewhere_than_in_the_main_thread() -> None:
    found: list[Result] = []
    thread = threading.Thread(target=lambda: found.append(trained("whole", OPTIMIZERS["Adam"], native=True, steps=20, batch_size=5)))
    thread.start()
    thread.join()
    assert_same(found[0], trained("whole", OPTIMIZERS["Adam"], native=False, steps=20, batch_size=5))


# --- optimisers of one's own ------------------------------------------------------------------------------------------------------------


class SignDescent(SGD):
    """Has a rule of its own, which machine code does not know."""

    def step(self) -> None:
        for p in self.params:
            p.data -= self.lr * math.copysign(1.0, p.grad)
        self.steps += 1


class Halving:
    """No optimiser of chainrule's at all."""

    def __init__(self, params: list[Value]) -> None:
        self.params = params

    def step(self) -> None:
        for p in self.params:
            p.data -= 0.5 * p.grad


@pytest.mark.parametrize("kind", [lambda p: SignDescent(p, lr=0.01), Halving], ids=["subclass", "of one's own"])
@pytest.mark.parametrize("form", [*FORMS[:2], "graph"])
def test_other_optimizers_run_with_the_compiled_loss_step_by_step(form: str, kind: Callable[[list[Value]], Any]) -> None:
    numbers = []
    for native in (True, False):
        model = Model()
        optimizer = kind(model.params)
        data: Any = (X, Y) if native else (X.tolist(), Y.tolist())
        options: dict[str, Any] = {"steps": 12, "optimizer": optimizer, **({"batch_size": 5} if form != "graph" else {})}
        if native and form == "graph":
            history = fit(chainrule.compile(model.mean(X.tolist(), Y.tolist())), **options)
        else:
            loss: Any = model.mean
            if native:
                loss = chainrule.compile(model.mean) if form == "whole" else chainrule.compile(model.one, batch="mean")
            history = fit(loss, data, **options)
        numbers.append([*history.loss, *(p.data for p in model.params)])
    assert numbers[0] == pytest.approx(numbers[1], rel=CLOSE, abs=CLOSE)


def test_a_subclass_that_changes_nothing_is_the_same() -> None:
    class Named(Adam):
        pass

    results = [
        trained("batch mean", kind, native=True, steps=12, batch_size=5) for kind in (lambda p: Named(p, lr=0.05), OPTIMIZERS["Adam"])
    ]
    assert results[0].history.loss == pytest.approx(results[1].history.loss, rel=1e-12)


# --- data that do not fit ---------------------------------------------------------------------------------------------------------------


def whole(model: Model) -> Any:
    return chainrule.compile(model.mean)


def batched(model: Model) -> Any:
    return chainrule.compile(model.one, batch="mean")


RAGGED = [[1.0, 2.0, 3.0], [1.0, 2.0], [1.0, 2.0, 3.0]]


def test_samples_that_differ_in_length_are_of_the_loss_of_one_sample() -> None:
    model = Model()
    with pytest.raises(
        ValueError, match=r"^the samples of X differ in length, but mean takes 3 of them at a time.*Write it for one sample"
    ):
        fit(whole(model), (RAGGED, [1.0, 2.0, 3.0]), optimizer=SGD(model.params), steps=3)
    with pytest.raises(ValueError, match="expects 3 inputs, got 2"):  # as the model says of such a sample
        fit(batched(model), (RAGGED, [1.0, 2.0, 3.0]), optimizer=SGD(model.params), steps=3)


@pytest.mark.parametrize("compiled", [whole, batched])
@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ((["a", "b"], [1.0, 2.0]), TypeError, "[xX] must be a number, an array of numbers, or nested lists of them, got list: "),
        ((X[:2], [None, 1.0]), TypeError, "[yY] must be a number, an array of numbers, or nested lists of them, got NoneType: None"),
        ((X * 1j, Y), TypeError, "[xX] must be a number, .* got ndarray"),
        ((X, Y[:5]), ValueError, r"columns of equal length, such as \(inputs, targets\); got lengths \[23, 5\]"),
        (([], []), ValueError, "there are no samples to learn from"),
        ((), ValueError, r"got lengths \[\]"),
        ((X,), TypeError, "missing 1 required positional argument"),
        ((X, Y, Y), TypeError, "takes 3 positional arguments but 4 were given"),
        ((X[:, :2], Y), ValueError, "expects 3 inputs, got 2"),
    ],
)
def test_data_that_do_not_fit(compiled: Any, data: Any, kind: type[Exception], message: str) -> None:
    model = Model()
    before = [p.data for p in model.params]
    with pytest.raises(kind, match=message):
        fit(compiled(model), data, optimizer=SGD(model.params), steps=3)
    assert [p.data for p in model.params] == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_an_index_out_of_range_is_found_before_the_first_step(batch_size: int) -> None:
    table = [Value(1.0), Value(2.0)]
    data = (np.array([0, 1, 0, 1, 2]),)
    for loss in (
        chainrule.compile(lambda i: take(table, i) ** 2, batch="mean"),
        chainrule.compile(lambda i: mean(take(table, k) ** 2 for k in i)),
    ):
        with pytest.raises(
            IndexError, match=r"^i\[4\] is 2, but is used as an index into 2 values: it must be a whole number from 0 to 1$"
        ):
            fit(loss, data, optimizer=SGD(table, lr=0.1), epochs=1, batch_size=batch_size, shuffle=False)
        assert [v.data for v in table] == [1.0, 2.0]


def test_losses_that_are_none() -> None:
    def pair(x: Any, y: Any) -> Any:
        return [x[0], y]

    model = Model()
    options: dict[str, Any] = {"optimizer": SGD(model.params), "steps": 1}
    each, several = chainrule.compile(model.one, batch=None), chainrule.compile(pair, batch="mean")
    with pytest.raises(
        TypeError, match="one is compiled with batch=None, which gives a loss for each sample; compile it with batch='mean'"
    ):
        fit(each, (X, Y), **options)
    with pytest.raises(
        TypeError, match="needs a function that returns one Value for each sample, but pair returns 2: compile it with batch=None"
    ):
        fit(several, (X, Y), **options)
    with pytest.raises(ValueError, match=r"a compiled graph holds its data already; call fit\(step, optimizer=\.\.\., steps=\.\.\.\)"):
        fit(chainrule.compile(model.frozen * 2.0), (X, Y), **options)


# --- what may change meanwhile ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [5, 23])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("width", [3, 8])
def test_data_that_a_callback_changes_are_those_of_the_beginning(form: str, batch_size: int, width: int) -> None:
    results = []
    for change in (False, True):
        for offset in (0, 1):  # in cache lines or not
            inputs = np.zeros(23 * width + offset)[offset:].reshape(23, width)
            inputs[:, :3] = X
            targets = Y.copy()
            model = Model()
            model.network = MLP(width, [4, 1], activation="tanh", rng=random.Random(5))
            model.params = model.network.parameters()
            loss = chainrule.compile(model.mean) if form == "whole" else chainrule.compile(model.one, batch=form.split()[1])

            def disturb(state: State, inputs: np.ndarray = inputs, targets: np.ndarray = targets, change: bool = change) -> None:
                if change:
                    inputs *= 1.5
                    targets[:] = math.nan

            options: dict[str, Any] = {"steps": 9, "batch_size": batch_size, "callback": disturb}
            results.append(fit(loss, (inputs, targets), optimizer=SGD(model.params, lr=0.01), **options).loss)
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("batch_size", [5, 10])
def test_indices_that_a_callback_spoils_are_not_looked_up(batch_size: int) -> None:
    table = [[Value(random.Random(k).random())] for k in range(10)]
    which = np.arange(10.0)

    def spoil(state: State) -> None:
        which[3] = 4e12

    loss = chainrule.compile(lambda k: sum(v * v for v in take(table, k)), batch="mean")
    history = fit(loss, (which,), optimizer=SGD([v for row in table for v in row], lr=0.1), steps=5, batch_size=batch_size, callback=spoil)
    assert len(history.step) == 5


def test_a_function_of_the_batch_gets_lists_where_the_data_are_lists() -> None:
    def loss(xs: Any, ys: Any) -> Any:
        return sum((w * v) ** 2 for v in (xs + ys))

    losses = []
    for function in (loss, chainrule.compile(loss)):
        w = Value(2.0)
        losses.append(fit(function, ([1.0, 2.0], [5.0, 6.0]), optimizer=SGD([w], lr=1e-3), steps=3, shuffle=False).loss)
    assert losses[0] == pytest.approx(losses[1], rel=CLOSE)
    assert losses[0][0] == 264.0


@pytest.mark.parametrize("others", [1, 2])
def test_a_callback_may_choose_other_parameters(others: int) -> None:
    results = []
    for native in (True, False):
        a, b, c = Value(1.0), Value(2.0), Value(0.5)

        def one(x: Any, y: Any, a: Value = a, b: Value = b, c: Value = c) -> Any:
            return (a * x + b - c * y) ** 2

        optimizer = SGD([a], lr=0.1)

        def thaw(state: State, optimizer: SGD = optimizer, b: Value = b, c: Value = c) -> None:
            if state.step == 3:
                optimizer.params = [b, c][:others]

        data = ([1.0, 2.0, 3.0], [1.0, 5.0, 2.0])
        loss = chainrule.compile(one, batch="mean") if native else lambda xs, ys, one=one: mean(map(one, xs, ys))
        history = fit(loss, data, optimizer=optimizer, steps=6, callback=thaw)
        results.append([*history.loss, a.data, b.data, c.data])
    assert results[0] == pytest.approx(results[1], rel=CLOSE)


def test_a_schedule_of_ones_own_is_called_after_each_step() -> None:
    class Cyclical:
        """Changes the momentum, and sets a rate that depends on a parameter."""

        def __init__(self, optimizer: SGD) -> None:
            self.optimizer = optimizer
            self.count = 0

        def step(self) -> None:
            self.count += 1
            self.optimizer.momentum = 0.5 + 0.3 * math.sin(self.count)
            self.optimizer.lr = 0.01 / (1.0 + abs(self.optimizer.params[0].data))

    make = OPTIMIZERS["SGD, momentum"]
    native, eager = (trained("batch mean", make, native=native, schedule=Cyclical, steps=17, batch_size=5) for native in (True, False))
    assert native.history.learning_rate == pytest.approx(eager.history.learning_rate, rel=CLOSE)
    assert native.history.loss == pytest.approx(eager.history.loss, rel=CLOSE)
    assert native.numbers == pytest.approx(eager.numbers, rel=CLOSE, abs=CLOSE)


def test_a_step_that_is_set_on_a_schedule_is_used() -> None:
    def halving(optimizer: SGD) -> Any:
        schedule = LambdaLR(optimizer, lambda t: 1.0)

        def step() -> None:
            optimizer.lr *= 0.5

        schedule.step = step  # type: ignore[method-assign]
        return schedule

    native, eager = (trained("batch mean", OPTIMIZERS["SGD"], native=n, schedule=halving, steps=9, batch_size=5) for n in (True, False))
    assert_same(native, eager)
    assert native.history.learning_rate[-1] == 0.05 * 0.5**8


def test_a_step_of_ones_own_on_an_optimizer_is_used() -> None:
    def clipped(params: list[Value]) -> SGD:
        optimizer = SGD(params, lr=0.05)
        whole = optimizer.step

        def step() -> None:
            for p in params:
                p.grad = max(-0.01, min(0.01, p.grad))
            whole()

        optimizer.step = step  # type: ignore[method-assign]
        return optimizer

    native, eager = (trained("batch mean", clipped, native=native, steps=9, batch_size=5) for native in (True, False))
    assert native.numbers == pytest.approx(eager.numbers, rel=CLOSE, abs=CLOSE)


def test_the_first_run_is_of_one_step() -> None:
    """Ctrl-C waits for it, however slow a step is."""
    model, loss = compiled_model("whole")
    native = NativeFit(loss, (X, Y), SGD(model.params, lr=0.01), iter([range(23)]), 23)
    assert native.take_batches(native.steps_at_once)[3] == 1
