"""Bounds for the numbers of a program, and whether they can be infinite or nan, found from its expressions without running it.

A gradient that does not pass a choice must not meet an infinite derivative, since 0 times infinity is nan. Derivatives that are known here
to be finite need no guard. Overflow of sums and products is not taken into account.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from chainrule import primitives
from chainrule.compiler.ir.expressions import ZERO, Apply, Constant, Expression, Load
from chainrule.ieee import INFINITY
from chainrule.primitives import SMALLEST_NORMAL
from chainrule.row import Primitive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chainrule.compiler.ir.expressions import Buffer
    from chainrule.compiler.ir.statements import Statement

NEVER, IF_GIVEN_SO, ALWAYS = 2, 1, 0
LARGEST_EXPONENT = 700.0  # its exponential is a float


class Range(NamedTuple):
    """Where a number lies.

    Arguments:
        low: the least it can be, if it is not nan.
        high: the most it can be, if it is not nan.
        special: whether it can be infinite or nan: NEVER, IF_GIVEN_SO (if a parameter or an input is), or ALWAYS, whatever is given.
        part: of a softmax, what part: "exponent", less the largest, so that one of them is 0; "exponential", of which one is 1; or
            their "total", which is 1 at least.
    """

    low: float = -INFINITY
    high: float = INFINITY
    special: int = IF_GIVEN_SO
    part: str = ""


class Ranges:
    """The ranges of all buffers of a program.

    Arguments:
        forward: its statements.
    """

    def __init__(self, forward: Sequence[Statement]) -> None:
        self._of: dict[Buffer, Range] = {}
        self._largest: set[Buffer] = set()  # those that hold the largest of several numbers
        for statement in forward:
            found = self.of(statement.value)
            loads = statement.value.loads()
            if statement.reduction == "max" or (_is_finite(statement.value) and loads[0].buffer in self._largest):
                self._largest.add(statement.store.buffer)
            if statement.reduction == "sum" and (statement.reduced or statement.scattered):
                found = _summed(found, some=not statement.scattered)
            buffer = statement.store.buffer
            before = self._of.get(buffer)
            if before is not None:
                found = found if statement.reduction == "max" else _together(before, found, adds=statement.accumulate)
            self._of[buffer] = found

    def of(self, value: Expression) -> Range:
        """The range of an expression."""
        known: dict[Expression, Range] = {}
        for part in value.parts():
            known[part] = self._one(part, known)
        return known[value]

    def _one(self, part: Expression, known: dict[Expression, Range]) -> Range:
        if isinstance(part, Constant):
            return Range(part.number, part.number, NEVER if math.isfinite(part.number) else ALWAYS)
        if isinstance(part, Load):
            return self._loaded(part.access.buffer)
        assert isinstance(part, Apply)
        row, operands = part.primitive, part.operands()
        ranges = [known[operand] for operand in operands]
        if row is primitives.subtract and isinstance(operands[1], Load) and operands[1].access.buffer in self._largest:
            return Range(high=0.0, special=_add(*ranges).special, part="exponent")
        if row is primitives.multiply and operands[0] == operands[1]:
            return _square(ranges[0])
        if row is primitives.select:
            return _selected(operands, ranges)
        if row is primitives.divide and (divisor := _never_zero(operands[1])) is not None:
            return Range(special=min(ranges[0].special, known[divisor].special))
        if row in _RULES:
            return _RULES[row](*ranges)
        return Range(special=ALWAYS) if row.bounds is None else _within(*row.bounds)(*ranges)

    def _loaded(self, buffer: Buffer) -> Range:
        if buffer in self._of:
            return self._of[buffer]
        if buffer.numbers is None or not len(buffer.numbers):
            return Range()
        low, high = float(buffer.numbers.min()), float(buffer.numbers.max())
        return Range(low, high, NEVER) if math.isfinite(low) and math.isfinite(high) else Range(special=ALWAYS)


def _is_finite(value: Expression) -> bool:
    """Whether it is a number from memory, or 0 where that is infinite or nan."""
    return (
        isinstance(value, Apply)
        and value.primitive is primitives.select
        and isinstance(value.operands()[1], Load)
        and len(value.loads()) == 1
    )


def _never_zero(divisor: Expression) -> Expression | None:
    """The divisor in an expression that replaces a divisor of 0 by infinity."""
    if not isinstance(divisor, Apply) or divisor.primitive is not primitives.select:
        return None
    condition, a, b = divisor.operands()
    stands_in = isinstance(condition, Apply) and condition.primitive is primitives.equal and condition.operands() == (b, ZERO)
    return b if stands_in and a == Constant(INFINITY) else None


def _selected(operands: tuple[Expression, ...], ranges: list[Range]) -> Range:
    """Either of two; of `where(x > 0, 0, x)` it is known that it is not positive."""
    condition, a, b = operands
    _, of_a, of_b = ranges
    if isinstance(condition, Apply) and condition.primitive is primitives.greater and isinstance(condition.operands()[1], Constant):
        compared, bound = condition.operands()
        if compared == b:
            of_b = of_b._replace(high=min(of_b.high, bound.number))  # type: ignore[attr-defined]
        if compared == a:
            of_a = of_a._replace(low=max(of_a.low, bound.number))  # type: ignore[attr-defined]
    return Range(min(of_a.low, of_b.low), max(of_a.high, of_b.high), min(of_a.special, of_b.special))


def _together(before: Range, found: Range, *, adds: bool) -> Range:
    """The range of a buffer to which another statement stores or adds."""
    if adds and found.part == "total":
        return found._replace(special=min(before.special, found.special))
    return _joined(before, _add(before, found) if adds else found)


def _summed(a: Range, *, some: bool) -> Range:
    """The sum of any number of such numbers; of one at least, if there are some."""
    if a.part == "exponential":
        return Range(1.0, INFINITY, a.special, "total")
    low = -INFINITY if a.low < 0.0 else a.low if some else 0.0
    high = INFINITY if a.high > 0.0 else a.high if some else 0.0
    return Range(low, high, a.special)


def _add(a: Range, b: Range) -> Range:
    return Range(_plain(a.low + b.low, -INFINITY), _plain(a.high + b.high, INFINITY), min(a.special, b.special))


def _plain(x: float, unknown: float) -> float:
    return unknown if math.isnan(x) else x


def _negative(a: Range) -> Range:
    return Range(-a.high, -a.low, a.special)


def _multiply(a: Range, b: Range) -> Range:
    special = min(a.special, b.special)
    corners = [x * y if x and y else 0.0 for x in (a.low, a.high) for y in (b.low, b.high)]
    return Range(min(corners), max(corners), special)


def _square(a: Range) -> Range:
    ends = (a.low * a.low, a.high * a.high)
    return Range(0.0 if a.low <= 0.0 <= a.high else min(ends), max(ends), a.special)


def _divide(a: Range, b: Range) -> Range:
    if b.low < SMALLEST_NORMAL and b.high > -SMALLEST_NORMAL:
        return Range(special=ALWAYS)
    return _multiply(a, Range(1.0 / b.high, 1.0 / b.low, b.special))


def _power(a: Range, b: Range) -> Range:
    exponent = b.low
    if not math.isfinite(exponent) or exponent != b.high:
        return Range(special=ALWAYS)
    if exponent >= 0.0 and exponent == math.floor(exponent):
        return Range(0.0 if exponent % 2.0 == 0.0 or a.low >= 0.0 else -INFINITY, INFINITY, a.special)
    finite = a.low >= 0.0 and math.isfinite(primitives.power(a.low, exponent))
    return Range(0.0, INFINITY, a.special) if finite else Range(special=ALWAYS)


def _above(bound: float, low: float, closed: bool = False) -> Callable[[Range], Range]:
    """A function that is finite for operands above a bound."""

    def rule(a: Range) -> Range:
        inside = a.low > bound or (closed and a.low == bound)
        return Range(low, INFINITY, a.special if inside else ALWAYS)

    return rule


def _within(low: float, high: float) -> Callable[..., Range]:
    """A function that is finite, and between two bounds, for all finite operands."""
    return lambda *operands: Range(low, high, min(operand.special for operand in operands))


def _growing(low: float, least: float = -INFINITY) -> Callable[[Range], Range]:
    """An exponential, which is finite for operands that are not too large."""

    def rule(a: Range) -> Range:
        inside = a.high <= LARGEST_EXPONENT and a.low >= least
        return Range(low, INFINITY, a.special if inside else ALWAYS)

    return rule


def _inverse(a: Range) -> Range:
    return Range(special=a.special if a.low >= -1.0 and a.high <= 1.0 else ALWAYS)


def _joined(a: Range, b: Range) -> Range:
    return Range(min(a.low, b.low), max(a.high, b.high), min(a.special, b.special))


_RULES: dict[Primitive, Callable[..., Range]] = {
    primitives.add: _add,
    primitives.subtract: lambda a, b: _add(a, _negative(b)),
    primitives.negative: _negative,
    primitives.multiply: _multiply,
    primitives.divide: _divide,
    primitives.power: _power,
    primitives.stop_gradient: lambda a: a,
    primitives.maximum: lambda a, b: _joined(a, b)._replace(low=max(a.low, b.low)),
    primitives.minimum: lambda a, b: _joined(a, b)._replace(high=min(a.high, b.high)),
    primitives.greater: lambda a, b: Range(0.0, 1.0, NEVER),
    primitives.equal: lambda a, b: Range(0.0, 1.0, NEVER),
    primitives.exp: lambda a: Range(0.0, 1.0, a.special, "exponential") if a.part == "exponent" else _growing(0.0)(a),
    primitives.expm1: _growing(-1.0),
    primitives.sinh: _growing(-INFINITY, -LARGEST_EXPONENT),
    primitives.cosh: _growing(1.0, -LARGEST_EXPONENT),
    primitives.log: _above(0.0, -INFINITY),
    primitives.log_total: _above(0.0, -INFINITY),
    primitives.log1p: _above(-1.0, -INFINITY),
    primitives.sqrt: _above(0.0, 0.0, closed=True),
    primitives.xlogy: lambda a, b: Range(special=min(a.special, b.special) if b.low > 0.0 else ALWAYS),
    primitives.tan: _within(-INFINITY, INFINITY),
    primitives.asin: _inverse,
    primitives.acos: _inverse,
    primitives.atan2: _within(-4.0, 4.0),
    primitives.hypot: lambda a, b: Range(max(a.low, b.low, 0.0), INFINITY, min(a.special, b.special)),
}

__all__ = ["ALWAYS", "IF_GIVEN_SO", "NEVER", "Range", "Ranges"]
