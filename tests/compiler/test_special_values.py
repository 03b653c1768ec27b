"""Infinities, nans, zeros of both signs, huge and tiny numbers: compiled programs treat them as the eager engine does."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import Value, log_softmax, logsumexp, mean, one_hot, primitives, softmax, take, where
from chainrule.primitives import PRIMITIVES
from chainrule.row import Primitive
from reference import WITHOUT_CODE

INFINITE = [math.nan, math.inf, -math.inf]
ZERO = [0.0, -0.0]
MODERATE = [1.0, -1.0, 0.5, -2.5, 3.0]
HUGE = [1e300, -1e300, 1.7976931348623157e308, 710.0]
TINY = [1e-300, -1e-300, 2.2250738585072014e-308, -745.2]
SUBNORMAL = [5e-324, -1e-310]
SPECIAL = INFINITE + ZERO + MODERATE + HUGE + TINY
DIVIDING = ("/", "atan2", "hypot")
"""Rows whose derivatives share one reciprocal, which is infinite for divisors below 2**-1022; these then count as 0."""

EXPONENTS = [0.0, 1.0, 2.0, 3.0, 4.0, 8.0, 9.0, 0.5, 1.5, 1 / 3, -0.5, -1.0, -2.0, -3.0, -8.0, math.inf, -math.inf, math.nan]


def assert_alike(function: Callable[..., Any], points: Sequence[tuple[float, ...]]) -> None:
    """Compare a function and its derivatives, at each point by itself, with the eager engine."""
    columns = [np.array(column) for column in zip(*points, strict=True)]
    found, gradients = chainrule.compile(function, batch=None).value_and_grad(*columns)
    wrong = []
    for n, point in enumerate(points):
        operands = [Value(x) for x in point]
        out = function(*operands)
        out.backward()
        expected = [out.data, *(x.grad for x in operands)]
        compiled = [float(found[n]), *(float(gradient[n]) for gradient in gradients)]
        wrong += [(point, *pair) for pair in zip(compiled, expected, strict=True) if not alike(*pair)]
    assert not wrong, f"{len(wrong)} wrong: (point, compiled, eager) = {wrong[:5]}"


def alike(a: float, b: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or (math.isfinite(a) and math.isfinite(b) and abs(a - b) <= max(1e-12 * abs(b), 1e-305))


def points(arity: int, numbers: Sequence[float]) -> list[tuple[float, ...]]:
    return list(itertools.product(numbers, repeat=arity))


every_row = pytest.mark.parametrize(
    "row", [row for row in PRIMITIVES.values() if row.arity is not None and row.name not in WITHOUT_CODE], ids=lambda row: row.name
)


@every_row
def test_every_primitive_and_its_derivatives(row: Primitive) -> None:
    assert row.arity is not None
    numbers = SPECIAL if row.name in DIVIDING else SPECIAL + SUBNORMAL
    assert_alike(row, points(row.arity, numbers if row.arity < 3 else INFINITE + ZERO + MODERATE))


@every_row
def test_every_primitive_inside_a_larger_program(row: Primitive) -> None:
    """Where derivatives meet adjoints that are special themselves."""
    assert row.arity is not None
    numbers = INFINITE + ZERO + [1.0, -2.5, 1e300]
    assert_alike(lambda a, *rest: a * row(*rest), points(row.arity + 1, numbers if row.arity < 3 else numbers[:5]))


@pytest.mark.parametrize("name", sorted(WITHOUT_CODE))
def test_what_has_no_code_runs_eagerly_and_the_warning_says_so(name: str) -> None:
    row = PRIMITIVES[name]
    function = chainrule.compile(lambda x: row(*[1.0, x][-(row.arity or 0) :]) * 2.0)
    x = Value(2.5)
    with pytest.warns(chainrule.CompileWarning, match=rf"runs on the eager engine.* no code for the operation '{name}'"):
        out = function(x)
    assert out.data == row(*[1.0, 2.5][-(row.arity or 0) :]) * 2.0


def test_there_are_primitives_of_every_kind() -> None:
    assert {row.arity for row in PRIMITIVES.values()} == {1, 2, 3, None}
    assert {row.name for row in PRIMITIVES.values() if row.arity is None} == {"dot", "take", "largest"}


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_powers_with_known_exponents(exponent: float) -> None:
    assert_alike(lambda a: a**exponent, points(1, SPECIAL + SUBNORMAL))


@pytest.mark.parametrize("base", [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, math.inf, -math.inf, math.nan])
def test_powers_of_known_bases(base: float) -> None:
    assert_alike(lambda a: base**a, points(1, SPECIAL + SUBNORMAL))


@pytest.mark.parametrize("parameter", [0.0, -0.5, 1.0, math.inf, math.nan])
@pytest.mark.parametrize("row", [primitives.leaky_relu, primitives.elu], ids=lambda row: row.name)
def test_rows_with_a_known_parameter(row: Primitive, parameter: float) -> None:
    assert_alike(lambda a: row(a, parameter), points(1, SPECIAL + SUBNORMAL))


@pytest.mark.parametrize("number", INFINITE + ZERO + [2.0, 1e300], ids=repr)
@pytest.mark.parametrize("row", [primitives.add, primitives.subtract, primitives.multiply, primitives.divide], ids=lambda row: row.name)
def test_arithmetic_with_known_numbers(row: Primitive, number: float) -> None:
    """Zeros added are left out, and factors of 1: what counts is that nothing else is."""
    assert_alike(lambda a: row(a, number), points(1, SPECIAL))
    assert_alike(lambda a: row(number, a), points(1, SPECIAL))


# --- operations of any number of operands -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [False, True])
def test_weighted_sums(bias: bool) -> None:
    few = [math.nan, math.inf, -math.inf, 0.0, 1.0, -2.0]
    if bias:
        assert_alike(lambda a, b, c: chainrule.dot([a], [b], c), points(3, few))
    else:
        assert_alike(lambda a, b, c, d: chainrule.dot([a, b], [c, d]), points(4, few[:5]))


def test_sums_and_means() -> None:
    assert_alike(lambda a, b, c: mean([a, b, c]), points(3, [*INFINITE, 0.0, 1.0, -2.5]))
    assert_alike(lambda a, b, c: sum([a, b, -c]) * b, points(3, [*INFINITE, 0.0, 1.0, -2.5]))


@pytest.mark.parametrize("function", [softmax, log_softmax, one_hot], ids=lambda function: function.__name__)
def test_softmaxes(function: Callable[..., Any]) -> None:
    if function is one_hot:
        assert_alike(
            lambda a, b: chainrule.dot(one_hot(a, 3), [b, 2.0, 3.0]), np.array([(i, x) for i in (0.0, -0.0, 1.0, 2.0) for x in SPECIAL])
        )
        return
    assert_alike(lambda a, b, c: function([a, b, c])[1], points(3, INFINITE + ZERO + [1.0, -2.5, 710.0, -745.2, 1e300]))


def test_logsumexp() -> None:
    assert_alike(lambda a, b, c: logsumexp([a, b, c]), points(3, INFINITE + ZERO + [1.0, -2.5, 710.0, -745.2, 1e300]))


@pytest.mark.parametrize("number", [math.inf, 0.0, -1.0])
def test_what_is_not_taken_or_chosen_passes_no_gradient(number: float) -> None:
    w, v = Value(number), Value(2.0)
    function = chainrule.compile(lambda i: take([w.log(), v * 3.0], i) + where(i, v, w * 0.0))
    expected = take([w.log(), v * 3.0], Value(1)) + where(Value(1), v, w * 0.0)
    expected.backward()
    gradients = [w.grad, v.grad]
    found = function(1)
    found.backward()
    assert (found.data, [*map(str, [w.grad, v.grad])]) == (expected.data, [*map(str, gradients)])


# --- chains ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "x"),
    [((1e200, 1e200), 1e-300), ((1e-200, 1e-200), 1e300), ((1e-200, 1e200), 1e-200), ((1e200, 1e-200), 1e200), ((-1e-200, 1e200), 1e-200)],
)
def test_numbers_on_the_way_overflow_and_vanish_as_they_do_eagerly(numbers: tuple[float, float], x: float) -> None:
    """Factors are not multiplied with each other first if that could make a difference."""
    p, q = numbers
    three = [(x, 1.0, x), (1.0, x, 2.0 * x)]  # three different numbers: LLVM is allowed to gather terms of the same one
    assert_alike(lambda a: a * p * q, [(x,), (1.0,)])
    assert_alike(lambda a: (a * p).tanh() * q, [(x,), (1.0,)])
    assert_alike(lambda a, b, c: sum((v * p) * q for v in (a, b, c)), three)
    assert_alike(lambda a, b, c: sum(-(v * p) * q for v in (a, b, c)), three)
    assert_alike(lambda a, b, c: sum((v * p) * (w * q) for v, w in ((a, b), (b, c), (c, a))), three)
    assert_alike(lambda a, b, c: sum((v / 2.0**-700) / 2.0**700 for v in (a, b, c)), three)


def test_losses_of_infinite_scores() -> None:
    scores = [math.inf, -math.inf, 1e300, -1e300, 710.0, -745.0]
    assert_alike(lambda a, b: chainrule.cross_entropy([a, b], 1), points(2, scores))
    assert_alike(lambda a: chainrule.max_margin([a], [-1.0]), points(1, scores))


def test_a_whole_array_of_specials_in_vectors_and_in_the_rest_of_them() -> None:
    """The same number at every place of a vector, and beyond the last whole one."""
    for length in (1, 2, 3, 5, 8, 13, 16, 19):
        for special in SPECIAL:
            x = np.full(length, special)
            found = chainrule_activations(x)
            expected = np.array([activation(Value(special)).data for activation in ACTIVATIONS])
            assert all(alike(float(a), float(b)) for row in found for a, b in zip(row, expected, strict=True)), (length, special)


ACTIVATIONS: list[Callable[[Any], Any]] = [
    primitives.relu,
    primitives.tanh,
    primitives.sigmoid,
    primitives.softplus,
    primitives.silu,
    primitives.gelu,
    primitives.exp,
    primitives.log,
    primitives.sqrt,
    primitives.erf,
]
chainrule_activations = chainrule.compile(lambda x: [activation(x) for activation in ACTIVATIONS], batch=None)


@pytest.mark.parametrize(
    "row", [row for row in PRIMITIVES.values() if row.arity == 1 and row.name not in WITHOUT_CODE], ids=lambda row: row.name
)
def test_single_precision_has_the_same_specials(row: Primitive) -> None:
    numbers = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5]
    found, (gradient,) = chainrule.compile(row, batch=None, dtype="float32").value_and_grad(np.array(numbers))
    for n, number in enumerate(numbers):
        x = Value(number)
        out = row(x)
        out.backward()
        for a, b in ((found[n], out.data), (gradient[n], x.grad)):
            assert (math.isnan(a) and math.isnan(b)) or a == b or (math.isfinite(b) and abs(a - b) <= 1e-6 * max(abs(b), 1e-3)), number
