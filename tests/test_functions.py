"""Functions of several Values: mean, softmax and its relatives, `where`, `take` and `one_hot`; each for Values and for plain numbers."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference  # noqa: F401  (JAX in float64)
from chainrule import equal, grad, greater, log_softmax, logsumexp, mean, one_hot, softmax, take, topological_order, where

REFERENCE = {
    logsumexp: jax.scipy.special.logsumexp,
    softmax: lambda x: jnp.dot(jax.nn.softmax(x), jnp.arange(1.0, len(x) + 1.0)),
    log_softmax: lambda x: jnp.dot(jax.nn.log_softmax(x), jnp.arange(1.0, len(x) + 1.0)),
    mean: jnp.mean,
}
GRADIENT = {function: jax.jit(jax.value_and_grad(theirs)) for function, theirs in REFERENCE.items()}  # compiled once for each length
every_function = pytest.mark.parametrize("function", REFERENCE, ids=lambda function: function.__name__)


def weighed(result: Any) -> Any:
    """One number: the k-th of several results counts k times, so that none can stand for another."""
    return sum(k * x for k, x in enumerate(result, 1)) if isinstance(result, list) else result


@every_function
@given(numbers=st.lists(st.floats(-1000.0, 1000.0), min_size=1, max_size=6))
def test_values_and_gradients_are_those_of_jax(function: Any, numbers: list[float], Value: type) -> None:
    values = [Value(x) for x in numbers]
    out = weighed(function(values))
    out.backward()
    theirs, gradient = GRADIENT[function](jnp.array(numbers))
    assert out.data == pytest.approx(float(theirs), rel=1e-12, abs=1e-12)
    assert [v.grad for v in values] == pytest.approx(gradient.tolist(), rel=1e-10, abs=1e-12)
    assert weighed(function(numbers)) == out.data


@every_function
def test_at_a_thousand_nothing_overflows(function: Any, Value: type) -> None:
    for numbers in ([1000.0, -1000.0, 999.0], [-1000.0] * 3, [1e308, 1e308]):
        values = [Value(x) for x in numbers]
        out = weighed(function(values))
        out.backward()
        gradient = GRADIENT[function](jnp.array(numbers))[1].tolist()
        if function is not mean or numbers[0] < 1e308:
            assert math.isfinite(out.data)
        assert [v.grad for v in values] == pytest.approx(gradient, rel=1e-12, abs=1e-15)


def test_log_softmax_keeps_its_digits_beside_large_logits() -> None:
    assert log_softmax([1000.0, 999.0]) == log_softmax([1.0, 0.0])
    assert log_softmax([0.0, -1000.0]) == [0.0, -1000.0]


def test_softmax_of_nothing_but_minus_infinity_is_nan(Value: type) -> None:
    numbers = [-math.inf, -math.inf]
    assert all(math.isnan(x) for x in softmax(numbers))
    assert all(math.isnan(x.data) for x in softmax(map(Value, numbers)))
    assert logsumexp(numbers) == -math.inf


def test_infinite_and_nan_logits() -> None:
    assert logsumexp([math.inf, 0.0]) == math.inf
    assert softmax([-math.inf, 0.0]) == [0.0, 1.0]
    for numbers in ([math.nan, 0.0], [0.0, math.nan]):
        assert math.isnan(logsumexp(numbers))
        assert all(math.isnan(x) for x in softmax(numbers))


@every_function
def test_of_nothing_is_an_error_that_names_the_function(function: Any) -> None:
    message = rf"^{function.__name__}\(\) needs at least one value; check that the list or generator is not empty$"
    for nothing in ([], iter(())):
        with pytest.raises(ValueError, match=message):
            function(nothing)


@every_function
def test_any_iterable_and_mixed_numbers_will_do(function: Any, Value: type) -> None:
    expected = weighed(function([1.0, 2.0, 0.5]))
    x = Value(2.0)
    for numbers in ((1, x, 0.5), (y for y in [True, x, np.float32(0.5)])):
        out = weighed(function(numbers))
        assert type(out) is Value
        assert out.data == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("function", [softmax, log_softmax, logsumexp])
def test_no_number_of_the_values_is_baked_into_the_graph(function: Any, Value: type) -> None:
    """Computed anew from other numbers, the nodes are those of a graph that is built from them."""
    x, y, other_x, other_y = Value(1.0), Value(700.0), Value(900.0), Value(-3.0)
    graph, wanted = weighed(function([x, y, 2.0])), weighed(function([other_x, other_y, 2.0]))
    x.data, y.data = other_x.data, other_y.data
    for node in topological_order(graph):
        if node._rule is not None:
            node.data = node._rule.forward(*(operand.data for operand in node._operands))
    for node, other in zip(topological_order(graph), topological_order(wanted), strict=True):
        assert (node._op, node.data) == (other._op, other.data)


@pytest.mark.parametrize("function", [softmax, log_softmax, logsumexp])
def test_the_shift_takes_no_part_in_derivatives_of_derivatives(function: Any, Value: type) -> None:
    x = Value(0.5)
    first = grad(weighed(function([x, 1.0, x * x])), x)
    second = grad(first, x).data
    step = 1e-5

    def slope(at: float) -> float:
        x = Value(at)
        weighed(function([x, 1.0, x * x])).backward()
        return x.grad

    assert second == pytest.approx((slope(0.5 + step) - slope(0.5 - step)) / (2 * step), rel=1e-6)


# --- take -----------------------------------------------------------------------------------------------------------------------------


def test_take_of_an_integer_is_the_element_itself(Value: type) -> None:
    a, b = Value(1.0), Value(2.0)
    row = [a, b]
    for index in (1, True, np.int64(1), np.uint8(1)):
        assert take(row, index) is b
        assert take((3.0, row), index) is row
    assert take([0.5, 1.5], 0) == 0.5


def test_take_of_a_value_is_part_of_the_graph(Value: type) -> None:
    index, a, b = Value(1.0), Value(5.0), Value(7.0)
    out = take((a, b, 3), index)
    assert (out._op, out.data, out._prev[:3]) == ("take", 7.0, (index, a, b))
    (out * 2.0).backward()
    assert (index.grad, a.grad, b.grad) == (0.0, 0.0, 2.0)
    for wrong in (-1.0, 3.0, 0.5, math.nan, math.inf):
        out = take([a, b, 3], Value(wrong))
        out.backward()
        assert math.isnan(out.data)
        assert (a.grad, b.grad) == (0.0, 0.0)
    assert take(np.array([1.0, 2.0]), index).data == 2.0


def test_a_row_of_a_matrix_is_looked_up(Value: type) -> None:
    matrix = [[Value(10.0 * i + k) for k in range(3)] for i in range(4)]
    row = take(matrix, Value(2.0))
    assert [x.data for x in row] == [20.0, 21.0, 22.0]
    sum(k * x for k, x in enumerate(row, 1)).backward()
    assert [[x.grad for x in row] for row in matrix] == [[0.0] * 3, [0.0] * 3, [1.0, 2.0, 3.0], [0.0] * 3]
    assert [[x.data for x in row] for row in take([matrix, matrix[::-1]], Value(1.0))] == [[x.data for x in row] for row in matrix[::-1]]
    assert take([[], []], Value(1.0)) == []


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda V: take([1.0, 2.0], 2), IndexError, r"^take\(\) got index 2, but there are 2, with indices from 0 to 1$"),
        (lambda V: take([1.0, 2.0], -1), IndexError, r"^take\(\) counts from 0, got index -1; of 2 the last has index 1$"),
        (lambda V: take([], 0), IndexError, r"^take\(\) got index 0, but there are none$"),
        (lambda V: take([1.0], 0.0), TypeError, r"^the index of take\(\) must be an integer or a Value, got float: 0\.0$"),
        (lambda V: take([1.0], "0"), TypeError, r"got str: '0'$"),
        (lambda V: take([], V(0.0)), ValueError, r"^take\(\) needs at least one value"),
        (lambda V: take([[1.0], [1.0, 2.0]], V(0.0)), ValueError, r"values\[0\] is a row of 1 and values\[1\] is a row of 2$"),
        (lambda V: take([[1.0], V(1.0)], V(0.0)), TypeError, r"values\[0\] is a row of 1 and values\[1\] is a single number$"),
        (lambda V: take([1.0, "a"], V(0.0)), TypeError, r"values\[0\] is a single number and values\[1\] is a row of 1$"),
        (lambda V: take([1.0, None], V(0.0)), TypeError, "^expected a real number or a Value, got NoneType: None$"),
        (lambda V: one_hot(3, 3), IndexError, r"^one_hot\(\) got index 3, but there are 3, with indices from 0 to 2$"),
        (lambda V: one_hot(-3, 3), IndexError, r"^one_hot\(\) counts from 0, got index -3; of 3 the last has index 2$"),
        (lambda V: one_hot(1.0, 3), TypeError, r"^the index of one_hot\(\) must be an integer or a Value, got float: 1\.0$"),
        (lambda V: one_hot(1, 3.0), TypeError, r"^the count of one_hot\(\) must be an integer, got float: 3\.0$"),
    ],
)
def test_what_cannot_be_taken_is_told(mistake: Any, error: type[Exception], message: str, Value: type) -> None:
    with pytest.raises(error, match=message):
        mistake(Value)


def test_one_hot(Value: type) -> None:
    assert one_hot(1, 3) == one_hot(np.int64(1), np.int64(3)) == [0.0, 1.0, 0.0]
    index = Value(2.0)
    hot = one_hot(index, 4)
    assert [x.data for x in hot] == [0.0, 0.0, 1.0, 0.0]
    assert {x._op for x in hot} == {"equal"}
    for number, told in ((0.5, "0.5"), (2.0, "2"), (-1.0, "-1"), (math.nan, "nan")):
        with pytest.raises(IndexError, match=rf"the index of one_hot\(\) must be a whole number from 0 to 1, got {told}$"):
            one_hot(Value(number), 2)
    sum(k * x for k, x in enumerate(hot)).backward()
    assert index.grad == 0.0


# --- where ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [True, 1, -0.5, np.bool_(True), math.nan])
def test_where_with_a_plain_condition_decides_at_once(condition: Any, Value: type) -> None:
    a, b = Value(1.0), Value(2.0)
    assert where(condition, a, b) is a
    assert where(not condition, a, b) is b
    assert (type(where(condition, 1, 2)), where(condition, 1, 2)) == (float, 1.0)


def test_where_with_a_value_is_part_of_the_graph(Value: type) -> None:
    x, a, b = Value(3.0), Value(1.0), Value(2.0)
    for condition, gradients in ((greater(x, 2), (1.0, 0.0)), (equal(x, 2), (0.0, 1.0)), (x - 3.0, (0.0, 1.0))):
        out = where(condition, a, b)
        assert (out._op, out._prev) == ("where", (condition, a, b))
        out.backward()
        assert (a.grad, b.grad, x.grad) == (*gradients, 0.0)


@pytest.mark.parametrize("arguments", [("yes", 1.0, 2.0), (True, "a", 2.0), (True, 1.0, None), ([], 1.0, 2.0), (np.array([1]), 1.0, 2.0)])
def test_where_refuses_what_is_no_number_even_if_it_is_not_chosen(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"^expected a real number or a Value, got "):
        where(*arguments)
