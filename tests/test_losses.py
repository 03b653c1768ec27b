"""Losses agree with their formulas, stay exact at extreme logits, and refuse labels that mean something else."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import Value, binary_cross_entropy, check_gradients, cross_entropy, l2_penalty, max_margin, mean_squared_error

numbers = st.floats(-20, 20)


def samples(targets: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(st.tuples(numbers, targets), min_size=1, max_size=6)


def loss_and_gradients(loss: Callable[..., Value], data: list[float], targets: list) -> tuple[float, list[float]]:
    values = [Value(x) for x in data]
    out = loss(values, targets)
    assert isinstance(out, Value)
    out.backward()
    return out.data, [v.grad for v in values]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


# For each loss: its targets, the loss of one sample, and the derivative of that.
FORMULAS = {
    mean_squared_error: (numbers, lambda p, t: (p - t) ** 2, lambda p, t: 2 * (p - t)),
    max_margin: (st.sampled_from([-1, 1]), lambda p, t: max(0.0, 1 - t * p), lambda p, t: -t if 1 - t * p > 0 else 0.0),
    binary_cross_entropy: (
        st.sampled_from([0, 1]),
        lambda p, t: -math.log(sigmoid(p) if t else 1 - sigmoid(p)),
        lambda p, t: sigmoid(p) - t,
    ),
}


@pytest.mark.parametrize("loss", FORMULAS, ids=lambda loss: loss.__name__)
@given(data=st.data())
def test_a_loss_is_the_mean_of_its_formula(loss: Callable[..., Value], data: st.DataObject) -> None:
    targets, formula, derivative = FORMULAS[loss]
    pairs = data.draw(samples(targets))
    predictions = [p for p, _ in pairs]
    out, gradients = loss_and_gradients(loss, predictions, [t for _, t in pairs])
    assert out == pytest.approx(sum(formula(p, t) for p, t in pairs) / len(pairs), rel=1e-6, abs=1e-7)  # 1 - sigmoid(20) loses digits
    assert gradients == pytest.approx([derivative(p, t) / len(pairs) for p, t in pairs], rel=1e-9, abs=1e-9)


@given(
    st.integers(2, 4).flatmap(
        lambda classes: st.lists(
            st.tuples(st.lists(numbers, min_size=classes, max_size=classes), st.integers(0, classes - 1)), min_size=1, max_size=4
        )
    )
)
def test_cross_entropy_is_the_mean_of_its_formula(pairs: list[tuple[list[float], int]]) -> None:
    rows = [[Value(x) for x in row] for row, _ in pairs]
    targets = [target for _, target in pairs]
    loss = cross_entropy(rows, targets)
    loss.backward()
    expected = 0.0
    for (logits, target), row in zip(pairs, rows, strict=True):
        exponentials = [math.exp(x) for x in logits]
        softmax = [e / sum(exponentials) for e in exponentials]
        expected -= math.log(softmax[target]) / len(pairs)
        gradients = [(p - (i == target)) / len(pairs) for i, p in enumerate(softmax)]
        assert [v.grad for v in row] == pytest.approx(gradients, rel=1e-9, abs=1e-12)
    assert loss.data == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(st.lists(numbers, min_size=1, max_size=6), st.floats(0, 2))
def test_l2_penalty_is_the_sum_of_squares(data: list[float], strength: float) -> None:
    out, gradients = loss_and_gradients(l2_penalty, data, strength)  # type: ignore[arg-type]
    assert out == pytest.approx(strength * sum(x * x for x in data), rel=1e-12)
    assert gradients == pytest.approx([2 * strength * x for x in data], rel=1e-12)


@pytest.mark.parametrize(
    ("logit", "target", "loss", "gradient"),
    [
        (1000.0, 1, 0.0, 0.0),
        (1000.0, 0, 1000.0, 1.0),
        (-1000.0, 1, 1000.0, -1.0),
        (-1000.0, 0, 0.0, 0.0),
        (40.0, 1, math.exp(-40), -math.exp(-40)),
    ],
)
def test_binary_cross_entropy_is_exact_at_extreme_logits(logit: float, target: int, loss: float, gradient: float) -> None:
    out, gradients = loss_and_gradients(binary_cross_entropy, [logit], [target])
    assert (out, gradients[0]) == (pytest.approx(loss, rel=1e-12), pytest.approx(gradient, rel=1e-12))


@pytest.mark.parametrize(
    ("logits", "target", "loss", "gradients"),
    [
        ([1000.0, -1000.0], 0, 0.0, [0.0, 0.0]),
        ([1000.0, -1000.0], 1, 2000.0, [1.0, -1.0]),
        ([-1000.0, -1000.0], 1, math.log(2), [0.5, -0.5]),
        ([1000.0, 1000.0, 1000.0, 1000.0], 2, math.log(4), [0.25, 0.25, -0.75, 0.25]),
    ],
)
def test_cross_entropy_is_exact_at_extreme_logits(logits: list[float], target: int, loss: float, gradients: list[float]) -> None:
    row = [Value(x) for x in logits]
    out = cross_entropy([row], [target])
    out.backward()
    assert (out.data, [v.grad for v in row]) == (pytest.approx(loss, rel=1e-12), pytest.approx(gradients, rel=1e-12))


def test_two_classes_of_cross_entropy_are_binary_cross_entropy() -> None:
    binary = binary_cross_entropy([Value(1.5), Value(-0.3)], [1, 1])
    assert cross_entropy([[0.0, Value(1.5)], [Value(0.0), Value(-0.3)]], [1, 1]).data == pytest.approx(binary.data, rel=1e-15)


def test_a_single_sample_needs_no_list() -> None:
    row = [Value(1.0), Value(2.0), Value(-1.0)]
    expected = cross_entropy([row], [1]).data
    assert cross_entropy(row, 1).data == cross_entropy(row, np.int64(1)).data == expected


def test_a_target_of_cross_entropy_may_be_a_value() -> None:
    rows = [[Value(0.5), Value(-1.0), Value(2.0)], [Value(1.5), Value(0.3), 0.0]]
    wanted, classes = cross_entropy(rows, [2, 0]), [Value(2.0), Value(0.0)]
    wanted.backward()
    gradients = [x.grad for row in rows for x in row if isinstance(x, Value)]
    loss = cross_entropy(rows, classes)
    loss.backward()
    assert loss.data == wanted.data
    assert [x.grad for row in rows for x in row if isinstance(x, Value)] == gradients
    assert [c.grad for c in classes] == [0.0, 0.0]
    assert cross_entropy(rows[0], classes[0]).data == cross_entropy(rows[0], 2).data
    for wrong in (3.0, -1.0, 0.5, math.nan):
        with pytest.raises(IndexError, match=f"target 0 must be a whole number from 0 to 2, got {wrong:g}$"):
            cross_entropy(rows, [Value(wrong), 0])


def test_predictions_and_targets_come_in_many_forms() -> None:
    expected = mean_squared_error([Value(1.0), Value(2.0)], [0.0, 4.0]).data
    assert expected == 2.5
    assert mean_squared_error([[Value(1.0)], (Value(2.0),)], np.array([0, 4])).data == expected
    assert mean_squared_error([[Value(1.0)], [Value(2.0)]], np.array([[0.0], [4.0]])).data == expected
    assert mean_squared_error((Value(x) for x in (1.0, 2.0)), (t for t in (0, 4))).data == expected
    assert mean_squared_error([1.0, 2], [Value(0.0), Value(4.0)]).data == expected
    assert max_margin([Value(0.5)], [np.float64(-1)]).data == 1.5
    assert binary_cross_entropy([Value(0.0)], [True]).data == math.log(2)
    assert cross_entropy(iter([[Value(0.0), Value(0.0)]]), np.array([1])).data == math.log(2)


def test_targets_that_are_values_are_differentiated_too() -> None:
    check_gradients(lambda p, t: mean_squared_error([p], [t]), [0.3, 0.7])
    check_gradients(lambda z, t: binary_cross_entropy([z], [t]), [0.3, 0.7])
    score, target = Value(0.3), Value(-1.0)
    max_margin([score], [target]).backward()
    assert (score.grad, target.grad) == (1.0, -0.3)


def one(*data: float) -> list[Value]:
    return [Value(x) for x in data]


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (
            lambda: max_margin(one(1, 2), [1, 0.5]),
            ValueError,
            r"target 1 must be -1 or 1, got 0.5; for classes 0 and 1, write 2 \* target - 1",
        ),
        (lambda: max_margin(one(1, 2), [0, 1]), ValueError, "target 0 must be -1 or 1, got 0"),
        (
            lambda: binary_cross_entropy(one(1, 2), [1, -1]),
            ValueError,
            r"target 1 must be 0 or 1, or a probability between them, got -1; for classes -1 and \+1, write \(target \+ 1\) / 2",
        ),
        (lambda: binary_cross_entropy(one(1), [math.nan]), ValueError, "target 0 must be 0 or 1, or a probability between them, got nan"),
        (lambda: mean_squared_error(one(1, 2), [1.0]), ValueError, "2 predictions but 1 targets"),
        (lambda: mean_squared_error([], []), ValueError, "at least one sample"),
        (lambda: mean_squared_error(Value(1.0), [1.0]), TypeError, "predictions must be a list, one for each sample, got Value"),
        (lambda: mean_squared_error(one(1), 1.0), TypeError, "targets must be a list, one for each sample, got float: 1.0"),
        (lambda: mean_squared_error([one(1, 2)], [1.0]), ValueError, "prediction 0 must be one number, got 2"),
        (lambda: mean_squared_error(one(1), ["a"]), TypeError, "target 0: expected a real number or a Value, got str: 'a'"),
        (lambda: max_margin([None], [1]), TypeError, "score 0: expected a real number or a Value, got NoneType"),
        (lambda: cross_entropy([one(1, 2, 3)], [3]), ValueError, "target 0 is 3, but there are 3 logits: classes are counted from 0 to 2"),
        (lambda: cross_entropy([one(1, 2), one(1, 2)], [0, -1]), ValueError, "target 1 is -1, but"),
        (
            lambda: cross_entropy([one(1, 2)], [1.0]),
            TypeError,
            "target 0 must be an integer, the number of a class counted from 0, got float: 1.0",
        ),
        (lambda: cross_entropy(one(1, 2), 1.0), TypeError, "target 0 must be an integer, the number of a class"),
        (lambda: cross_entropy(one(1, 2), [0, 1]), TypeError, "the logits of sample 0 must be a list.*binary_cross_entropy"),
        (lambda: cross_entropy([one(1)], [0]), ValueError, "sample 0 has 1 logits.*binary_cross_entropy"),
        (lambda: cross_entropy([one(1, 2)], [0, 1]), ValueError, "1 rows of logits but 2 targets"),
        (lambda: cross_entropy([[Value(1.0), "b"]], [0]), TypeError, "logit 1 of sample 0: expected a real number or a Value, got str"),
        (lambda: l2_penalty([], 1e-4), ValueError, "at least one parameter"),
        (lambda: l2_penalty(one(1), -1e-4), ValueError, "strength must be 0 or more, got -0.0001"),
        (lambda: l2_penalty(one(1), "a"), TypeError, "strength: expected a real number"),
        (lambda: l2_penalty(one(1), math.nan), ValueError, "strength must be 0 or more, got nan"),
        (lambda: l2_penalty([Value(1.0), 2.0], 1e-4), TypeError, "parameter 1 must be a Value, got float: 2.0"),
        (lambda: l2_penalty(Value(1.0), 1e-4), TypeError, r"a list of Values, such as model.parameters\(\), got Value"),
    ],
)
def test_a_mistake_is_told(mistake: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mistake()
