"""Every row of the table against mpmath over its whole range: value, first and second derivatives, on both engines and compiled.

The table of references gives them as terms to be added up: within 1e-12 of the sum, and where the terms cancel within 1e-15 of the largest.
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
from chainrule.compiler.codegen.expanding import NoCodeError, refuse_without_code
from chainrule.compiler.codegen.operations import has_code
from chainrule.primitives import PRIMITIVES, SMALLEST_NORMAL
from chainrule.row import Primitive
from reference import REFERENCES, Rows, Terms, exact_rows

LARGEST = 1.7976931348623157e308

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


def points(row: Primitive) -> Iterator[tuple[float, ...]]:
    count = 3 if row.arity is None else row.arity
    sizes = SIZES if count == 1 else FEW if count == 2 else FEW[2:12:3]
    axes = [[x * sign for x in sizes for sign in (1.0, -1.0)]] * count
    for position, numbers in REFERENCES[row.name].axes.items():
        axes[position] = numbers
    return (point for point in itertools.product(*axes) if REFERENCES[row.name].domain(*point))


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


every_row = pytest.mark.parametrize("row", PRIMITIVES.values(), ids=PRIMITIVES.keys())


@every_row
@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_values_and_derivatives_are_exact_over_the_whole_range(row: Primitive, every: int, Value: type) -> None:
    wrong = []
    for point in itertools.islice(points(row), 0, None, every):
        value, first, second = exact_rows(row, point)
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


def is_compilable(row: Primitive) -> bool:
    try:
        refuse_without_code([row], has_code)
    except NoCodeError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(
    "row", [row for row in PRIMITIVES.values() if row.arity is not None and is_compilable(row)], ids=lambda row: row.name
)
def test_compiled_derivatives_are_exact_over_the_whole_range(row: Primitive) -> None:
    all_points = list(points(row))
    columns = [np.array(column) for column in zip(*all_points, strict=True)]
    exact = [exact_rows(row, point) for point in all_points]
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
