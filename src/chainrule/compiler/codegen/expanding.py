"""Operations for which the compiler has no code: they are expanded into others, as their rows say, or refused with the reason.

A row of the table that the compiler has no instructions for, neither in `operations.py` nor in `functions/`, may say what it is in terms
of other rows: its `expansion`. Statements keep the operation itself, so that its own partial derivatives hold and the listing shows its
name; it is expanded when its instructions are written.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from chainrule.compiler.errors import CannotLowerError
from chainrule.compiler.ir.expressions import Access, Apply, Buffer, Expression, Load, apply, expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chainrule.row import Primitive

    HasCode = Callable[[Primitive], bool]


class NoCodeError(CannotLowerError):
    """The compiler has no code for an operation, and its row has no expansion."""


def expanded(value: Expression, has_code: HasCode) -> Expression:
    """The same expression in terms of operations that have code; the expression itself if all of them have."""
    known: dict[Expression, Expression] = {}
    for part in value.parts():
        operands = tuple(known[operand] for operand in part.operands())
        if not isinstance(part, Apply):
            known[part] = part
        elif has_code(part.primitive):
            is_same = all(a is b for a, b in zip(operands, part.operands(), strict=True))
            known[part] = part if is_same else apply(part.primitive, *operands)
        elif part.primitive.expansion is None:
            raise NoCodeError(_reason(part.primitive))
        else:
            known[part] = expanded(expression(part.primitive.expansion(*operands)), has_code)
    return known[value]


def refuse_without_code(rows: Iterable[Primitive], has_code: HasCode) -> None:
    """Check that the operations of a program, and those in their derivatives, can be written as instructions.

    Raises:
        NoCodeError: if one of them cannot.
    """
    for row in rows:
        if reason := _reason_against(row, has_code):
            raise NoCodeError(reason)


@cache
def _reason_against(row: Primitive, has_code: HasCode) -> str:
    """Why an operation cannot be compiled; "" if it can."""
    if row.arity is None:  # those of any number of operands are statements of their own
        return ""
    operands = [Load(Access(Buffer(f"x{k}", 1, "input"), 0, ())) for k in range(row.arity)]
    out = Apply(row, tuple(operands))
    where = ""
    try:
        expanded(out, has_code)
        where = f"the derivative of {row.name!r} cannot be compiled: "
        for position in range(row.arity):
            expanded(expression(row.partial(position, operands, out)), has_code)
    except NoCodeError as error:
        return f"{where}{error}"
    return ""


def _reason(row: Primitive) -> str:
    return f"the compiler has no code for the operation {row.name!r}, and its row in primitives.py has no expansion in other operations"
