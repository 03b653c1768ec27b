"""Expressions of a program as they are written by hand: `relu(b[j] + w[j, k] * x[k])`."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from chainrule import primitives
from chainrule.compiler.ir.expressions import ONE, ZERO, Access, Apply, Constant, Expression, Load
from chainrule.formulas import short
from chainrule.row import COMPARISON, POWER, PRODUCT, SUM, Primitive

if TYPE_CHECKING:
    from collections.abc import Callable

COMPARED, ADDED, DIVIDED, MULTIPLIED, RAISED, ATOM = range(6)  # how tightly a text holds together
LONGEST = 300  # characters; what is longer is not written out

Written = tuple[str, int]


def wrapped(written: Written, least: int) -> str:
    """A text, in parentheses if it would fall apart."""
    text, binding = written
    return text if binding >= least else f"({text})"


FINITE = Primitive("finite", lambda x: x if math.isfinite(x) else 0.0, primitives.zero)


def plain(value: Expression) -> Expression:
    """An expression as one would say it: `a / b` for `a * (1 / b)`, `x` for `x**1`, `finite(x)` for the choice that guards a largest."""
    said: dict[Expression, Expression] = {}
    for part in value.parts():
        said[part] = _said(part, tuple(said[operand] for operand in part.operands()))
    return said[value]


def _said(value: Expression, operands: tuple[Expression, ...]) -> Expression:
    if not isinstance(value, Apply):
        return value
    first, last = operands[0], operands[-1]
    if value.primitive is primitives.multiply and isinstance(last, Apply) and last.primitive is primitives.divide:
        above, below = last.operands()
        if above == ONE:
            return Apply(primitives.divide, (first, below))
    if value.primitive is primitives.power and last == ONE:
        return first
    if value.primitive is primitives.add and first == last:
        return Apply(primitives.multiply, (Constant(2.0), first))
    if value.primitive is primitives.select and last == ZERO:
        x = operands[1]
        if first == Apply(primitives.equal, (Apply(primitives.subtract, (x, x)), ZERO)):
            return Apply(FINITE, (x,))
    return Apply(value.primitive, operands)


def occurrences(value: Expression) -> Counter[Access]:
    """How often each load is written."""
    return Counter({part.access: times for part, times in value.occurrences().items() if isinstance(part, Load)})


def write(value: Expression, load: Callable[[Access], Written]) -> Written:
    """An expression as it is written by hand.

    Arguments:
        value: the expression.
        load: what to write for a number in memory.
    """
    texts: dict[Expression, Written] = {}
    for part in value.parts():
        texts[part] = _written(part, [texts[operand] for operand in part.operands()], load)
        if len(texts[part][0]) > LONGEST:
            texts[part] = "(…)", ATOM
    return texts[value]


def _written(value: Expression, operands: list[Written], load: Callable[[Access], Written]) -> Written:
    if isinstance(value, Constant):
        return short(value.number), ADDED if value.number < 0 else ATOM
    if isinstance(value, Load):
        return load(value.access)
    assert isinstance(value, Apply)
    row = value.primitive
    if row in _INFIX:
        return _INFIX[row](*operands)
    if row.sign and len(operands) == 2:
        binds = _BINDS[row.binds]
        left, right = wrapped(operands[0], max(binds, ADDED)), wrapped(operands[1], binds + 1)
        return f"{left} {row.sign} {right}", binds
    return f"{value.primitive.name}({', '.join(text for text, _ in operands)})", ATOM


def added(a: Written, b: Written) -> Written:
    """The sum of two."""
    if b[0].startswith("-") and b[1] >= ADDED:
        return f"{wrapped(a, ADDED)} - {b[0][1:]}", ADDED
    return f"{wrapped(a, ADDED)} + {wrapped(b, ADDED)}", ADDED


def _multiplied(a: Written, b: Written) -> Written:
    if a == b:
        return _raised(a, ("2", ATOM))
    if a[0] == "1":
        return b
    if b[0] == "1":
        return a
    if _is_negative_number(a):
        return f"{a[0]} * {wrapped(b, MULTIPLIED)}", ADDED
    return f"{wrapped(a, DIVIDED)} * {wrapped(b, MULTIPLIED)}", DIVIDED if a[1] == DIVIDED else MULTIPLIED


def _divided(a: Written, b: Written) -> Written:
    return f"{wrapped(a, DIVIDED)} / {wrapped(b, RAISED)}", DIVIDED


def _raised(a: Written, b: Written) -> Written:
    return f"{wrapped(a, ATOM)}**{b[0] if _is_negative_number(b) else wrapped(b, ATOM)}", RAISED


def _is_negative_number(written: Written) -> bool:
    return written[0].startswith("-") and written[0][1:].replace(".", "").isdigit()


_BINDS = {COMPARISON: COMPARED, SUM: ADDED, PRODUCT: DIVIDED, POWER: RAISED}
_INFIX: dict[Primitive, Callable[..., Written]] = {
    primitives.add: added,
    primitives.multiply: _multiplied,
    primitives.divide: _divided,
    primitives.negative: lambda a: (f"-{wrapped(a, DIVIDED)}", ADDED),
    primitives.power: _raised,
}
