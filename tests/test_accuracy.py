"""Every row of the table against mpmath over its whole range: value, first and second derivatives, on both engines and compiled.

Each entry of `EXACT` gives them as terms to be added up: within 1e-12 of the sum, and where the terms cancel within 1e-15 of the largest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from chainrule import Value as AnyValue
from chainrule import grad
from chainrule.compiler.api import compile as compile_program
from chainrule.primitives import PRIMITIVES, SMALLEST_NORMAL, Primitive

LARGEST = 1.7976931348623157e308
Terms = list[Any]
Rows = tuple[Terms, list[Terms], list[list[Terms]]]  # the value, the first derivatives, the second derivatives


def one(value: Terms, first: Terms, second: Terms) -> Rows:
    return value, [first], [[second]]


def two(value: Terms, first: list[Terms], aa: Terms, ab: Terms, bb: Terms) -> Rows:
    return value, first, [[aa, ab], [ab, bb]]


def s(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def phi(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def root(x: Any) -> Any:
    return mp.sqrt((1 - x) * (1 + x))


def sech(x: Any) -> Any:
    return 1 / mp.cosh(x)


def flat(*first: Any) -> tuple[list[Terms], list[list[Terms]]]:
    """First derivatives, and second derivatives of 0."""
    return [[x] for x in first], [[[0]] * len(first)] * len(first)


EXACT: dict[str, Callable[..., Rows]] = {
    "+": lambda a, b: ([a, b], *flat(1, 1)),
    "-": lambda a, b: ([a, -b], *flat(1, -1)),
    "*": lambda a, b: two([a * b], [[b], [a]], [0], [1], [0]),
    "/": lambda a, b: two([a / b], [[1 / b], [-a / b**2]], [0], [-1 / b**2], [2 * a / b**3]),
    "neg": lambda a: ([-a], *flat(-1)),
    "**": lambda a, b: two(
        [a**b],
        [[b * a ** (b - 1)], [a**b * mp.log(a)]],
        [b * (b - 1) * a ** (b - 2)],
        [a ** (b - 1), b * a ** (b - 1) * mp.log(a)],
        [a**b * mp.log(a) ** 2],
    ),
    "dot": lambda a, w, x: ([a, w * x], [[1], [x], [w]], [[[0]] * 3, [[0], [0], [1]], [[0], [1], [0]]]),
    "greater": lambda a, b: ([int(a > b)], *flat(0, 0)),
    "equal": lambda a, b: ([int(a == b)], *flat(0, 0)),
    "where": lambda c, a, b: ([a if c else b], *flat(0, int(c != 0), int(c == 0))),
    "take": lambda i, a, b: ([b if i else a], *flat(0, int(i == 0), int(i != 0))),
    "largest": lambda a, b, c: ([max(a, b, c)], *flat(0, 0, 0)),
    "stop_gradient": lambda a: ([a], *flat(0)),
    "abs": lambda a: ([abs(a)], *flat(mp.sign(a))),
    "maximum": lambda a, b: ([max(a, b)], *flat(mp.mpf(a > b) + mp.mpf(a == b) / 2, mp.mpf(b > a) + mp.mpf(a == b) / 2)),
    "minimum": lambda a, b: ([min(a, b)], *flat(mp.mpf(a < b) + mp.mpf(a == b) / 2, mp.mpf(b < a) + mp.mpf(a == b) / 2)),
    "exp": lambda a: one([mp.exp(a)], [mp.exp(a)], [mp.exp(a)]),
    "expm1": lambda a: one([mp.expm1(a)], [mp.exp(a)], [mp.exp(a)]),
    "log": lambda a: one([mp.log(a)], [1 / a], [-1 / a**2]),
    "log_total": lambda a: one([mp.log(a)], [1 / a], [-1 / a**2]),
    "xlogy": lambda a, b: two([a * mp.log(b)], [[mp.log(b)], [a / b]], [0], [1 / b], [-a / b**2]),
    "log1p": lambda a: one([mp.log1p(a)], [1 / (1 + a)], [-1 / (1 + a) ** 2]),
    "sqrt": lambda a: one([mp.sqrt(a)], [1 / (2 * mp.sqrt(a))], [-1 / (4 * a * mp.sqrt(a))]),
    "sin": lambda a: one([mp.sin(a)], [mp.cos(a)], [-mp.sin(a)]),
    "cos": lambda a: one([mp.cos(a)], [-mp.sin(a)], [-mp.cos(a)]),
    "tan": lambda a: one([mp.tan(a)], [1, mp.tan(a) ** 2], [2 * mp.tan(a), 2 * mp.tan(a) ** 3]),
    "asin": lambda a: one([mp.asin(a)], [1 / root(a)], [(1 + a) / root(a) ** 3 / 2, -(1 - a) / root(a) ** 3 / 2]),
    "acos": lambda a: one([mp.acos(a)], [-1 / root(a)], [-(1 + a) / root(a) ** 3 / 2, (1 - a) / root(a) ** 3 / 2]),
    "atan": lambda a: one([mp.atan(a)], [1 / (1 + a * a)], [-2 * a / (1 + a * a) ** 2]),
    "atan2": lambda a, b: two(
        [mp.atan2(a, b)],
        [[b / (a * a + b * b)], [-a / (a * a + b * b)]],
        [-2 * a * b / (a * a + b * b) ** 2],
        [a * a / (a * a + b * b) ** 2, -b * b / (a * a + b * b) ** 2],
        [2 * a * b / (a * a + b * b) ** 2],
    ),
    "hypot": lambda a, b: hypot_rows(a, b, mp.sqrt(a * a + b * b)),
    "sinh": lambda a: one([mp.sinh(a)], [mp.cosh(a)], [mp.sinh(a)]),
    "cosh": lambda a: one([mp.cosh(a)], [mp.sinh(a)], [mp.cosh(a)]),
    "tanh": lambda a: one([mp.tanh(a)], [sech(a) ** 2], [-2 * mp.tanh(a) * sech(a) ** 2]),
    "tanh_slope": lambda a: one([sech(a) ** 2], [-2 * mp.tanh(a) * sech(a) ** 2], [4 * mp.tanh(a) ** 2 * sech(a) ** 2, -2 * sech(a) ** 4]),
    "erf": lambda a: one([mp.erf(a)], [2 * bell(a)], [-4 * a * bell(a)]),
    "erfc": lambda a: one([mp.erfc(a) if abs(a) < 100 else 1 - mp.sign(a)], [-2 * bell(a)], [4 * a * bell(a)]),
    "sigmoid": lambda a: one([s(a)], [s(a) * s(-a)], [s(a) * s(-a) ** 2, -(s(a) ** 2) * s(-a)]),
    "sigmoid_slope": lambda a: one(
        [s(a) * s(-a)],
        [s(a) * s(-a) ** 2, -(s(a) ** 2) * s(-a)],
        [s(a) * s(-a) ** 3, -4 * s(a) ** 2 * s(-a) ** 2, s(a) ** 3 * s(-a)],
    ),
    "softplus": lambda a: one([max(a, 0), mp.log1p(mp.exp(-abs(a)))], [s(a)], [s(a) * s(-a)]),
    "relu": lambda a: ([max(a, 0)], *flat(int(a > 0))),
    "leaky_relu": lambda a, b: two([a], [[1], [0]], [0], [0], [0]) if a > 0 else two([a * b], [[b], [a]], [0], [1], [0]),
    "elu": lambda a, b: (
        two([a], [[1], [0]], [0], [0], [0])
        if a > 0
        else two([b * mp.expm1(a)], [[b * mp.exp(a)], [mp.expm1(a)]], [b * mp.exp(a)], [mp.exp(a)], [0])
    ),
    "silu": lambda a: one(
        [a * s(a)],
        [s(a), a * s(a) * s(-a)],
        [2 * s(a) * s(-a), a * s(a) * s(-a) ** 2, -a * s(a) ** 2 * s(-a)],
    ),
    "gelu": lambda a: one([a * cumulative(a)], [cumulative(a), a * phi(a)], [2 * phi(a), -a * a * phi(a)]),
}


def bell(x: Any) -> Any:
    return mp.exp(-x * x) / mp.sqrt(mp.pi)


def cumulative(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2 if abs(x) < 100 else mp.mpf(x > 0)


def hypot_rows(a: Any, b: Any, h: Any) -> Rows:
    return two([h], [[a / h], [b / h]], [1 / h, -a * a / h**3], [-a * b / h**3], [1 / h, -b * b / h**3])


# --- where ----------------------------------------------------------------------------------------------------------------------------

SIZES = [5e-324, 3e-320, 1e-310, 2.3e-308, 1e-300, 1e-200, 1e-154, 1e-100, 1e-30, 1e-20, 1e-16, 3e-11, 1e-8, 1e-5, 1e-3, 0.1]
SIZES += [0.25, 0.4142, 0.5, 0.7071, 0.75, 0.9, 1.0, 1.2784645, 1.5, 2.0, 2.5, 3.0, 4.5, 5.0, 7.0, 9.0, 12.0, 16.5, 19.0, 20.0, 27.0, 36.0]
SIZES += [38.0, 40.0, 100.0, 236.0, 350.0, 354.0, 500.0, 700.0, 709.0, 744.0, 1e3, 1e5, 1e10, 1e16, 1e22, 1e50, 1e100, 1e154, 1e200, 1e300]
SIZES += [
    math.pi / 4,
    math.pi / 2,
    math.pi,
    11 * math.pi / 2,
    1e6 * math.pi,
    1.0 - 2.0**-53,
    1.0 - 1e-9,
    1.0 - 1e-4,
    1.0 + 2.0**-52,
    1.0 + 1e-9,
]
SIZES += [6381956970095103 * 2.0**797, LARGEST / 2]
FEW = [1e-310, 1e-200, 1e-50, 1e-5, 0.3, 1.0, 1.0 + 1e-9, 2.0, 3.5, 30.0, 1e5, 1e40, 1e150, 1e300]
DOMAIN: dict[str, Callable[..., bool]] = {
    "log": lambda a: a > 0,
    "log_total": lambda a: a > 0,
    "sqrt": lambda a: a > 0,
    "log1p": lambda a: a > -1,
    "asin": lambda a: abs(a) < 1,
    "acos": lambda a: abs(a) < 1,
    "**": lambda a, b: a > 0 and max(abs(b), abs(b - 2)) * abs(math.log(a)) < 700,  # else its neighbours in the rules are no floats
    "xlogy": lambda a, b: b > 0,
    "take": lambda i, a, b: i in (0.0, 1.0),
    "hypot": lambda a, b: max(abs(a), abs(b)) > 1e-160,  # else the second derivatives of its own steps are no floats
    "atan2": lambda a, b: 1e-140 < max(abs(a), abs(b)) < 1e140,
}


def points(row: Primitive) -> Iterator[tuple[float, ...]]:
    count = 3 if row.arity is None else row.arity
    sizes = SIZES if count == 1 else FEW if count == 2 else FEW[2:12:3]
    axes = [[x * sign for x in sizes for sign in (1.0, -1.0)]] * count
    if row.name in ("take", "where"):
        axes = [[0.0, 1.0], *axes[1:]]
    inside = DOMAIN.get(row.name, lambda *point: True)
    return (point for point in itertools.product(*axes) if inside(*point))


# --- comparing --------------------------------------------------------------------------------------------------------------------------


def is_near(ours: float, terms: Terms) -> bool:
    exact, largest = mp.fsum(terms), max(map(abs, terms))
    if abs(exact) > LARGEST:
        return math.isinf(ours) and (ours > 0) == (exact > 0)
    if largest > LARGEST:
        return True  # a term of it is no float
    if abs(exact) < SMALLEST_NORMAL and largest < 1e-290:
        return abs(ours) <= 4 * SMALLEST_NORMAL
    return bool(abs(mp.mpf(ours) - exact) <= 1e-12 * abs(exact) + 1e-15 * largest) if math.isfinite(ours) else False


def exact_at(row: Primitive, point: tuple[float, ...]) -> Rows:
    with mp.workprec(300):
        return EXACT[row.name](*map(mp.mpf, point))


every_row = pytest.mark.parametrize("row", PRIMITIVES.values(), ids=PRIMITIVES.keys())


@every_row
@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_values_and_derivatives_are_exact_over_the_whole_range(row: Primitive, every: int, Value: type) -> None:
    wrong = []
    for point in itertools.islice(points(row), 0, None, every):
        value, first, second = exact_at(row, point)
        operands = [Value(x) for x in point]
        out = row(*operands)
        out.backward()
        found = [(out.data, value), *zip((x.grad for x in operands), first, strict=True)]
        slopes = grad(out, operands)
        found += zip((x.data for x in slopes), first, strict=True)
        for slope, terms in zip(slopes, second, strict=True):
            found += zip((x.data for x in grad(slope, operands)), terms, strict=True)
        wrong += [(point, n, ours, float(mp.fsum(terms))) for n, (ours, terms) in enumerate(found) if not is_near(ours, terms)]
    assert not wrong, f"{len(wrong)} wrong: (point, which, ours, exact) = {wrong[:8]}"


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in PRIMITIVES.values() if row.arity is not None], ids=lambda row: row.name)
def test_compiled_derivatives_are_exact_over_the_whole_range(row: Primitive) -> None:
    all_points = list(points(row))
    columns = [np.array(column) for column in zip(*all_points, strict=True)]
    exact = [exact_at(row, point) for point in all_points]
    wrong = []

    def compare(ours: Any, terms_of: Callable[[Rows], Terms], what: str) -> None:
        for number, rows, point in zip(np.broadcast_to(ours, len(all_points)).tolist(), exact, all_points, strict=True):
            if not is_near(number, terms_of(rows)):
                wrong.append((point, what, number, float(mp.fsum(terms_of(rows)))))

    values, slopes = compile_program(row, batch=None).value_and_grad(*columns)
    compare(values, lambda rows: rows[0], "value")
    for i, slope in enumerate(slopes):
        compare(slope, lambda rows, i=i: rows[1][i], f"derivative {i}")

        def derivative(*x: AnyValue, i: int = i) -> Any:
            return grad(row(*x), x[i])

        firsts, seconds = compile_program(derivative, batch=None).value_and_grad(*columns)
        compare(firsts, lambda rows, i=i: rows[1][i], f"grad {i}")
        for j, second in enumerate(seconds):
            compare(second, lambda rows, i=i, j=j: rows[2][i][j], f"derivative {i}, {j}")
    assert not wrong, f"{len(wrong)} wrong: (point, which, ours, exact) = {wrong[:8]}"
