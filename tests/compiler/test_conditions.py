"""Targets are checked at every call of a compiled function, as they are eagerly, in whatever way it is called."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import MLP, SGD, Value, binary_cross_entropy, cross_entropy, dot, fit, max_margin, one_hot, relu

pytestmark = pytest.mark.usefixtures("quick")

LOGITS = np.array([1.0, -0.5, 2.0, 40.0, -40.0])
w = Value(1.0)

# For each loss: good targets, bad ones, and what the message says of them.
LOSSES: dict[Callable[..., Value], tuple[list[float], list[float], str]] = {
    binary_cross_entropy: (
        [0.0, 1.0, 0.25, 1.0, 0.5],
        [-1.0, 2.0, 1.0000001, -1e-300, np.nan],
        "must be 0 or 1, or a probability between them",
    ),
    max_margin: ([1.0, -1.0, -1.0, 1.0, 1.0], [0.0, 0.5, 2.0, 0.9999999, np.inf], r"must be -1 or 1"),
}
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)


def gradient_of(result: Value) -> float:
    w.grad = 0.0
    result.backward()
    return w.grad


def batched(loss: Callable[..., Value], **options: Any) -> Any:
    return chainrule.compile(lambda z, t: loss([w * z], [t]), batch="mean", **options)


def within(inner: Any) -> Any:
    return chainrule.compile(lambda z, t: inner(z, t) * 1.0)


# Each is called with logits and targets, and computes the loss.
WAYS: dict[str, Callable[[Callable[..., Value]], Callable[[np.ndarray, np.ndarray], Any]]] = {
    "the mean of samples": lambda loss: batched(loss),
    "in two threads": lambda loss: batched(loss, threads=2),
    "in single precision": lambda loss: batched(loss, dtype="float32"),
    "of lists": lambda loss: lambda z, t: batched(loss)(z.tolist(), t.tolist()),
    "the targets by name": lambda loss: lambda z, t: batched(loss)(z, t=t),
    "with gradients": lambda loss: lambda z, t: batched(loss).value_and_grad(z, t)[0],
    "each sample": lambda loss: lambda z, t: chainrule.compile(lambda z, t: loss([w * z], [t]), batch=None)(z, t).mean(),
    "all at once": lambda loss: chainrule.compile(lambda z, t: loss([w * x for x in z], t)),
    "a column": lambda loss: lambda z, t: chainrule.compile(lambda z, t: loss([w * x for x in z], t))(z, t[:, None]),
    "columns of samples": lambda loss: lambda z, t: batched(loss)(z, t[:, None]),
    "with other results": lambda loss: lambda z, t: chainrule.compile(lambda z, t: (loss([w * x for x in z], t), w * 2.0))(z, t)[0],
    "the mean, with other results": lambda loss: (
        lambda z, t: chainrule.compile(lambda z, t: {"loss": loss([w * z], [t]), "score": w * z}, batch="mean")(z, t)["loss"]
    ),
    "computed": lambda loss: lambda z, t: chainrule.compile(lambda z, t: loss([w * z], [(3.0 * t - t) * 0.5]), batch="mean")(z, t),
    "within another": lambda loss: within(batched(loss)),
    "less a flood": lambda loss: lambda z, t: chainrule.compile(lambda z, t: relu(loss([w * z], [t]) + 9.0) - 9.0, batch="mean")(z, t),
}


def ways() -> list[Any]:
    """Each loss in every other way; the rest is left to the slow runs."""
    pairs = [(way, loss) for way in WAYS for loss in LOSSES]
    return [
        pytest.param(way, loss, id=f"{loss.__name__}-{way}", marks=[pytest.mark.slow] if number % 4 in (1, 2) else [])
        for number, (way, loss) in enumerate(pairs)
    ]


@pytest.mark.parametrize(("way", "loss"), ways())
def test_targets_are_checked_in_every_way_of_calling(way: str, loss: Callable[..., Value]) -> None:
    good, bad, told = LOSSES[loss]
    targets = np.array(good)
    call = WAYS[way](loss)
    wanted = loss([w * z for z in LOGITS], good)
    for _ in range(3):  # the ways of later calls are shorter than that of the first
        result = call(LOGITS, targets)
        assert float(result) == pytest.approx(wanted.data, rel=1e-6)
        if isinstance(result, Value):
            assert gradient_of(result) == pytest.approx(gradient_of(wanted), rel=1e-6)
    for number in bad:
        if way == "in single precision" and np.float32(number) in np.float32([0.0, 1.0, -1.0]):
            continue
        wrong = targets.copy()
        wrong[3] = number
        with pytest.raises(ValueError, match=told) as error:
            call(LOGITS, wrong)
        name = {"computed": "the computed target of sample 3 ", "a column": "t[3][0] ", "columns of samples": "t[3][0] "}.get(way, "t[3] ")
        assert str(error.value).startswith(name)
        with pytest.raises(ValueError, match=told):
            loss([w * z for z in LOGITS], wrong)
    assert float(call(LOGITS, targets)) == pytest.approx(wanted.data, rel=1e-6)


@every_loss
@pytest.mark.parametrize("batch", ["mean", "sum", None])
@pytest.mark.parametrize("ragged", [False, True])
def test_fit_refuses_targets_as_the_eager_engine_does(loss: Callable[..., Value], batch: str | None, ragged: bool) -> None:
    good, bad, told = LOSSES[loss]
    model = Value(0.5)

    def of_one(z: Any, t: Any) -> Value:
        return loss([model * (sum(z) if ragged else z)], [t])

    def of_many(zs: Any, ts: Any) -> Value:
        return loss([model * (sum(z) if ragged else z) for z in zs], list(ts))

    compiled = chainrule.compile(of_many) if batch is None else chainrule.compile(of_one, batch=batch)
    logits = [[z] * (1 + k % 2) for k, z in enumerate([1.0, -0.5, 2.0, 0.7, -0.3])] if ragged else LOGITS[[0, 1, 2, 0, 1]]
    for targets, fits in ((good, True), ([*good[:4], bad[0]], False)):
        for function in (of_many, compiled):
            options: dict[str, Any] = {"steps": 10, "batch_size": 1 if ragged and batch is None else 2}
            data: tuple[Any, Any] = (logits, np.array(targets))
            if fits:
                assert len(fit(function, data, optimizer=SGD([model], lr=0.01), **options).loss) == 10  # type: ignore[arg-type]
            else:
                with pytest.raises(ValueError, match=told):
                    fit(function, data, optimizer=SGD([model], lr=0.01), **options)  # type: ignore[arg-type]


def test_fit_names_the_sample_whose_target_is_wrong() -> None:
    targets = np.zeros(50)
    targets[37] = -1.0
    loss = chainrule.compile(lambda z, t: binary_cross_entropy([w * z], [t]), batch="mean")
    with pytest.raises(ValueError, match=r"^t\[37\] must be 0 or 1, or a probability between them, got -1; for classes -1 and \+1"):
        fit(loss, (np.ones(50), targets), optimizer=SGD([w], lr=0.0), epochs=2, batch_size=8)


def test_a_loss_that_is_nan_for_another_reason_stays_nan() -> None:
    loss = chainrule.compile(lambda z, t: binary_cross_entropy([w * z], [2.0 * t - t]), batch="mean")
    assert np.isnan(loss([1.0, np.nan], [0.0, 1.0]).data)
    with pytest.raises(FloatingPointError, match="the loss became nan at step 1"):
        fit(loss, ([1.0, np.nan], [0.0, 1.0]), optimizer=SGD([w], lr=0.1), steps=3)


def test_a_check_holds_no_leaf_of_the_trace() -> None:
    """A leaf that only the trace knows is a constant of the program, also where a target was computed from it."""
    loss = chainrule.compile(lambda z, t: binary_cross_entropy([w * z], [t * Value(0.5)]), batch="mean")
    result = loss([1.0, 2.0], [0.0, 1.0])
    assert set(result._prev) == {w}
    with pytest.raises(ValueError, match="the computed target of sample 1 must be 0 or 1, or a probability between them, got 1"):
        loss([1.0, 2.0], [0.0, 3.0])


@given(st.lists(st.tuples(st.floats(-700, 700), st.floats(0, 1)), min_size=1, max_size=5))
def test_soft_labels_are_the_same_everywhere(pairs: list[tuple[float, float]]) -> None:
    """To the last digits: `softplus(z) - t * z` itself would lose them."""
    logits, targets = [z for z, _ in pairs], [t for _, t in pairs]
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(400):
        right = float(sum(mpmath.log1p(mpmath.exp(z)) - mpmath.mpf(t) * mpmath.mpf(z) for z, t in pairs) / len(pairs))
        slopes = [float((1 / (1 + mpmath.exp(-z)) - mpmath.mpf(t)) / len(pairs)) for z, t in pairs]
    values = [Value(z) for z in logits]
    plain = binary_cross_entropy(values, targets)
    plain.backward()
    assert plain.data == pytest.approx(right, rel=1e-12, abs=1e-300)
    assert [v.grad for v in values] == pytest.approx(slopes, rel=1e-9, abs=1e-16)
    assert binary_cross_entropy(logits, [Value(t) for t in targets]).data == pytest.approx(right, rel=1e-12, abs=1e-300)
    number, (gradient, by_target) = SOFT.value_and_grad(logits, targets)
    assert number == pytest.approx(right, rel=1e-12, abs=1e-300)
    assert gradient == pytest.approx(np.array([v.grad for v in values]), rel=1e-12, abs=1e-16)
    assert by_target == pytest.approx(-np.array(logits) / len(pairs), rel=1e-12)


SOFT = chainrule.compile(lambda z, t: binary_cross_entropy([z], [t]), batch="mean")


# --- numbers of classes ---------------------------------------------------------------------------------------------------------------

OUT_OF_RANGE = [-1, 3, 10**12, 0.5, np.nan, np.inf]


@pytest.mark.parametrize("number", OUT_OF_RANGE)
@pytest.mark.parametrize("batch", ["mean", None])
def test_one_hot_of_an_index_out_of_range_is_an_index_error(number: float, batch: str | None) -> None:
    weights = [Value(1.0), Value(2.0), Value(3.0)]
    function = chainrule.compile(lambda i: dot(one_hot(i, 3), weights), batch=batch)
    assert np.mean(function([2, 0]) if batch is None else function([2, 0]).data) == 2.0
    for kind in (np.float64, np.int64) if number == np.floor(number) and abs(number) < 2**62 else (np.float64,):
        for _ in range(2):
            with pytest.raises(IndexError, match=r"i\[1\] is .* but is used as an index into 3 values"):
                function(np.array([1, number], kind))
        with pytest.raises(IndexError, match=r"i\[1\] is .* but is used as an index into 3 values"):
            fit(
                chainrule.compile(lambda i: dot(one_hot(i, 3), weights), batch="mean"),
                (np.array([1, number], kind),),
                optimizer=SGD(weights),
                steps=1,
            )
    with pytest.raises(IndexError, match=r"the index of one_hot\(\) must be a whole number from 0 to 2"):
        one_hot(Value(number), 3)


def test_one_hot_of_an_index_that_is_computed() -> None:
    weights = [Value(1.0), Value(2.0), Value(3.0)]
    function = chainrule.compile(lambda i: dot(one_hot(2 - i, 3), weights), batch=None)
    assert function([2, 0, 1]).tolist() == [1.0, 3.0, 2.0]
    with pytest.raises(IndexError, match="the computed target of sample 1 must be a whole number from 0 to 2, got -1"):
        function([2, 3])


@pytest.mark.parametrize("number", OUT_OF_RANGE)
def test_a_class_out_of_range_is_refused_by_cross_entropy(number: float) -> None:
    model = MLP(2, [3], rng=random.Random(0))
    rows = np.ones((4, 2))
    targets = np.array([0.0, 1.0, number, 2.0])
    loss = chainrule.compile(lambda x, t: cross_entropy(model(x), t), batch="mean")
    loss(rows, [0.0, 1.0, 2.0, 0.0])
    with pytest.raises(IndexError, match=r"t\[2\] is"):
        loss(rows, targets)
    with pytest.raises(IndexError, match=r"t\[2\] is"):
        fit(loss, (rows, targets), optimizer=SGD(model.parameters()), steps=1)
    with pytest.raises(IndexError, match="target 2 must be a whole number from 0 to 2"):
        cross_entropy([model(row) for row in rows], [Value(t) for t in targets])


def test_targets_of_every_loss_may_be_a_column() -> None:
    model = MLP(2, [3], rng=random.Random(0))
    rows, classes = np.eye(2), np.array([2, 0])
    wanted = cross_entropy([model(row) for row in rows], classes).data
    assert cross_entropy([model(row) for row in rows], classes[:, None]).data == wanted
    functions: Sequence[Any] = (
        chainrule.compile(lambda x, t: cross_entropy(model(x), t), batch="mean"),
        chainrule.compile(lambda x, t: cross_entropy([model(row) for row in x], t)),
    )
    for function in functions:
        assert function(rows, classes[:, None]).data == pytest.approx(wanted, rel=1e-12)
        assert function(rows, classes).data == pytest.approx(wanted, rel=1e-12)
