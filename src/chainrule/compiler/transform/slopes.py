"""The partial derivatives of what a statement computes, with respect to each number that it reads.

They are the table's own partial derivatives, applied to expressions. What a choice leaves out gets no gradient, which is more than the
gradient 0; so each derivative comes with the condition under which a gradient passes at all.
"""

from __future__ import annotations

from typing import NamedTuple

from chainrule import primitives
from chainrule.compiler.ir.expressions import ONE, ZERO, Access, Apply, Buffer, Constant, Expression, Load, apply, expression
from chainrule.primitives import zero


class Share(NamedTuple):
    """The share of an expression's gradient that goes to one of the numbers it reads.

    Arguments:
        slope: the partial derivative, which is used only where the gradient passes.
        passes: an expression that is not 0 where the gradient passes; None if it always does.
    """

    slope: Expression
    passes: Expression | None


def slopes(value: Expression, result: Expression | None, active: set[Buffer]) -> dict[Access, Share]:
    """The partial derivatives of an expression with respect to the places it reads.

    Arguments:
        value: the expression.
        result: what to read in place of the value itself, if it is kept in memory.
        active: the buffers to differentiate with respect to; others are constants.

    Returns:
        The derivative for each access to an active buffer that can pass a gradient, and where it does.
    """
    order = list(value.parts())
    depends = {part: _depends(part, active) for part in order}
    arriving: dict[Expression, Share] = {value: Share(ONE, None)}
    out: dict[Access, Share] = {}
    for part in reversed(order):
        if part not in arriving or not depends[part]:
            continue
        adjoint, passes = arriving[part]
        if isinstance(part, Load):
            out[part.access] = arriving[part]
            continue
        assert isinstance(part, Apply)
        operands = part.operands()
        kept = result if part is value and result is not None else part
        known = [operand.number if isinstance(operand, Constant) else operand for operand in operands]
        for position, operand in enumerate(operands):
            if not depends[operand] or part.primitive.partials[position] is zero:
                continue
            slope, here = expression(part.primitive.partial(position, known, kept)), passes
            if position in part.primitive.choices:
                if slope == ZERO:
                    continue
                slope, chosen = _choice(slope)
                here = both(passes, chosen)
            if len(part.primitive.partials) > 1 and part.primitive is not primitives.xlogy:
                slope = _with_reciprocals(slope)
            share = Share(apply(primitives.multiply, slope, adjoint), here)
            arriving[operand] = share if operand not in arriving else _joined(arriving[operand], share)
    return out


def _choice(slope: Expression) -> tuple[Expression, Expression | None]:
    """The derivative of a choice with respect to an operand: a number, and a condition that is not 0 where the number is used."""
    if isinstance(slope, Constant):
        return slope, None
    if isinstance(slope, Apply):
        row, operands = slope.primitive, slope.operands()
        if row in (primitives.greater, primitives.equal) or (row is primitives.select and operands[1:] == (ZERO, ONE)):
            return ONE, slope
        if row is primitives.select and operands[1:] == (ONE, ZERO):
            return ONE, operands[0]
    return slope, slope


def both(a: Expression | None, b: Expression | None) -> Expression | None:
    """An expression that is not 0 where neither operand is 0."""
    return b if a is None else a if b is None else apply(primitives.select, a, b, ZERO)


def _joined(a: Share, b: Share) -> Share:
    """Join two shares that go to the same place."""
    if a.passes is None and b.passes is None:
        return Share(a.slope + b.slope, None)
    slopes = [share.slope if share.passes is None else apply(primitives.select, share.passes, share.slope, ZERO) for share in (a, b)]
    passes = None if a.passes is None or b.passes is None else apply(primitives.select, a.passes, ONE, b.passes)
    return Share(slopes[0] + slopes[1], passes)


def _with_reciprocals(slope: Expression) -> Expression:
    """The same expression with `a / b` as `a * (1 / b)`: the partial derivatives of one quotient then share one division."""
    known: dict[Expression, Expression] = {}
    for part in slope.parts():
        operands = tuple(known[operand] for operand in part.operands())
        if isinstance(part, Apply) and part.primitive is primitives.divide and operands[0] != ONE:
            known[part] = apply(primitives.multiply, operands[0], apply(primitives.divide, ONE, operands[1]))
        elif isinstance(part, Apply) and operands != part.operands():
            known[part] = apply(part.primitive, *operands)
        else:
            known[part] = part
    return known[slope]


def _depends(part: Expression, active: set[Buffer]) -> bool:
    return any(access.buffer in active for access in part.loads())


__all__ = ["Share", "both", "slopes"]
