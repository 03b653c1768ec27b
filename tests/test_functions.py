"""Functions of several Values: mean, softmax and its relatives, and `where`; each for Values and for plain numbers."""

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
from chainrule import equal, greater, log_softmax, logsumexp, mean, softmax, where

REFERENCE = {
    logsumexp: jax.scipy.special.logsumexp,
    softmax: lambda x: jnp.dot(jax.nn.softmax(x), jnp.arange(1.0, len(x) + 1.0)),
    log_softmax: lambda x: jnp.dot(jax.nn.log_softmax(x), jnp.arange(1.0, len(x) + 1.0)),
    mean: jnp.mean,
}
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
    theirs, gradient = jax.value_and_grad(REFERENCE[function])(jnp.array(numbers))
    assert out.data == pytest.approx(float(theirs), rel=1e-12, abs=1e-12)
    assert [v.grad for v in values] == pytest.approx(gradient.tolist(), rel=1e-10, abs=1e-12)
    assert weighed(function(numbers)) == out.data


@every_function
def test_at_a_thousand_nothing_overflows(function: Any, Value: type) -> None:
    for numbers in ([1000.0, -1000.0, 999.0], [-1000.0] * 3, [1e308, 1e308]):
        values = [Value(x) for x in numbers]
        out = weighed(function(values))
        out.backward()
        gradient = jax.grad(REFERENCE[function])(jnp.array(numbers)).tolist()
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
    message = rf"^{function.__name__}\(\) of no values: it is not defined; check that the list or generator is not empty$"
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
