"""Reverse mode on statements: the form is closed under it.

For each number that a statement reads, one statement goes the other way: what was loaded becomes the store, what was stored is loaded as an
adjoint, and the value is that adjoint times the partial derivative, which is the table's own, applied to expressions. So a broadcast
becomes a reduction, a reduction a broadcast, a gather a scatter, and a contraction two contractions.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chainrule import primitives
from chainrule.compiler.expressions import ONE, ZERO, Access, Apply, Buffer, Constant, Expression, Load, apply, expression
from chainrule.compiler.statements import BATCH, Statement
from chainrule.primitives import zero

if TYPE_CHECKING:
    from collections.abc import Sequence


class Adjoint:
    """The statements of the backward sweep: `statements`, and `start`, what to do before the first sample; `of` has the adjoints' buffers.

    Arguments:
        forward: the program.
        output: the buffer of its results.
        seed: the adjoint of each result; an access is read at every point of the statement that stores the results.
        wanted: the buffers whose adjoints are asked for: parameters, inputs.
    """

    def __init__(self, forward: list[Statement], output: Buffer, seed: Expression, wanted: Sequence[Buffer]) -> None:
        self.seed = seed
        self.output = output
        self.of: dict[Buffer, Buffer] = {}
        self.active = set(wanted)
        for statement in forward:
            if statement.reduction == "sum" and any(access.buffer in self.active for access in statement.value.loads()):
                self.active.add(statement.store.buffer)
        self.stores = Counter(statement.store.buffer for statement in forward)
        self.written: set[Buffer] = set()
        self.start: list[Statement] = []
        self.statements: list[Statement] = []
        for statement in reversed(forward):
            self._reverse(statement)
        for buffer in wanted:
            if buffer not in self.of:
                (self.statements if buffer.per_sample else self.start).append(_filled(self._adjoint_of(buffer)))

    def _reverse(self, statement: Statement) -> None:
        arriving: Expression
        if statement.store.buffer is self.output:
            arriving = self.seed
        elif statement.store.buffer in self.of:
            arriving = Load(statement.store._replace(buffer=self.of[statement.store.buffer]))
        else:
            return
        if statement.reduction == "max":
            return
        is_result = self.stores[statement.store.buffer] == 1 and not statement.reduced
        result = Load(statement.store) if is_result and isinstance(statement.value, Apply) else None
        for access, slope in slopes(statement.value, result, self.active).items():
            adjoint = self._adjoint_of(access.buffer)
            there = access._replace(buffer=adjoint)
            accumulate = True
            if access.buffer not in self.written:
                self.written.add(access.buffer)
                if _covers(statement, access):
                    accumulate = False
                else:  # what all samples add to is filled before the first of them
                    early = statement.per_sample and not adjoint.per_sample
                    (self.start if early else self.statements).append(_filled(adjoint))
            self.statements.append(Statement(statement.sizes, there, arriving * slope, accumulate))

    def _adjoint_of(self, buffer: Buffer) -> Buffer:
        if buffer not in self.of:
            self.of[buffer] = Buffer(f"d{buffer.name}", buffer.size, "adjoint", per_sample=buffer.per_sample, of=buffer)
        return self.of[buffer]


def _filled(adjoint: Buffer) -> Statement:
    """Set an adjoint to 0, to be added to."""
    if adjoint.per_sample:
        return Statement((BATCH, adjoint.size), Access(adjoint, 0, (adjoint.size, 1)), ZERO)
    return Statement((adjoint.size,), Access(adjoint, 0, (1,)), ZERO)


def slopes(value: Expression, result: Expression | None, active: set[Buffer]) -> dict[Access, Expression]:
    """The partial derivatives of an expression with respect to the places it reads.

    Arguments:
        value: the expression.
        result: what to read in place of the value itself, if it is kept in memory.
        active: the buffers that count; others are constants.

    Returns:
        The derivative for each access to an active buffer that can pass a gradient.
    """
    order = list(value.parts())
    depends = {part: _depends(part, active) for part in order}
    arriving: dict[Expression, Expression] = {value: ONE}
    out: dict[Access, Expression] = {}
    for part in reversed(order):
        adjoint = arriving.get(part)
        if adjoint is None or not depends[part]:
            continue
        if isinstance(part, Load):
            out[part.access] = adjoint
            continue
        assert isinstance(part, Apply)
        operands = part.operands()
        kept = result if part is value and result is not None else part
        known = [operand.number if isinstance(operand, Constant) else operand for operand in operands]
        for position, operand in enumerate(operands):
            if not depends[operand] or part.primitive.partials[position] is zero:
                continue
            share = apply(primitives.multiply, _with_reciprocals(expression(part.primitive.partial(position, known, kept))), adjoint)
            arriving[operand] = share if operand not in arriving else arriving[operand] + share
    return out


def _with_reciprocals(slope: Expression) -> Expression:
    """The same expression with `a / b` as `a * (1 / b)`: the partial derivatives of one quotient then share one division."""
    if not isinstance(slope, Apply):
        return slope
    operands = [_with_reciprocals(operand) for operand in slope.operands()]
    if slope.primitive is primitives.divide and operands[0] != ONE:
        return apply(primitives.multiply, operands[0], apply(primitives.divide, ONE, operands[1]))
    return apply(slope.primitive, *operands)


def _depends(part: Expression, active: set[Buffer]) -> bool:
    return any(access.buffer in active for access in part.loads())


def _covers(statement: Statement, access: Access) -> bool:
    """Whether storing there, for every point, writes the whole buffer, each element once or by one reduction."""
    if access.lookup is not None:
        return False
    expected = 1
    for stride, size in sorted((stride, size) for stride, size in zip(access.strides, statement.sizes, strict=True) if stride):
        if stride != expected:
            return False
        if size < 0:  # the axis of samples is the outermost of a buffer of samples
            return access.base == 0 and access.buffer.per_sample and expected == access.buffer.size
        expected *= size
    return access.base == 0 and expected == access.buffer.size and not access.buffer.per_sample and not statement.per_sample


__all__ = ["Adjoint", "slopes"]
