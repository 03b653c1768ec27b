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
        one_block: whether all samples are done in one block.
    """

    def __init__(
        self, forward: list[Statement], output: Buffer, seed: Expression, wanted: Sequence[Buffer], *, one_block: bool = False
    ) -> None:
        self.seed = seed
        self.output = output
        self.one_block = one_block
        self.of: dict[Buffer, Buffer] = {}
        self.active = set(wanted)
        for statement in forward:
            if statement.reduction == "sum" and any(access.buffer in self.active for access in statement.value.loads()):
                self.active.add(statement.store.buffer)
        self.stores = Counter(statement.store.buffer for statement in forward)
        self.ready: dict[Buffer, list[tuple[int, int]]] = {}  # which parts of an adjoint hold numbers, in order
        self.start: list[Statement] = []
        self.statements: list[Statement] = []
        for statement in reversed(forward):
            self._reverse(statement)
        for buffer in wanted:
            adjoint = self._adjoint_of(buffer)
            self._fill(adjoint, 0, adjoint.size, early=not self.ready[adjoint] and not adjoint.per_sample)

    def _reverse(self, statement: Statement) -> None:
        store = statement.store
        if statement.reduction == "max" or (store.buffer is not self.output and store.buffer not in self.of):
            return
        arriving = self.seed
        if store.buffer is not self.output:
            adjoint = self.of[store.buffer]
            self._fill(adjoint, *_span(statement, store), early=False)
            arriving = Load(store._replace(buffer=adjoint))
        is_result = self.stores[store.buffer] == 1 and not statement.reduced
        result = Load(store) if is_result and isinstance(statement.value, Apply) else None
        for access, slope in slopes(statement.value, result, self.active).items():
            there = access._replace(buffer=self._adjoint_of(access.buffer))
            accumulate = not self._begins(statement, there)
            self.statements.append(Statement(statement.sizes, there, arriving * slope, accumulate))

    def _begins(self, statement: Statement, there: Access) -> bool:
        """Whether a statement is the first to store there, and stores everywhere in its part of the buffer; else that must hold numbers."""
        adjoint = there.buffer
        of_samples = statement.per_sample and not adjoint.per_sample
        if of_samples and not self.one_block:  # what all blocks of samples add to is filled before the first
            self._fill(adjoint, 0, adjoint.size, early=True)
            return False
        begin, end = _span(statement, there)
        if _is_dense(statement, there) and all(end <= low or high <= begin for low, high in self.ready[adjoint]):
            self._mark(adjoint, begin, end)
            return True
        self._fill(adjoint, begin, end, early=of_samples)
        return False

    def _adjoint_of(self, buffer: Buffer) -> Buffer:
        if buffer not in self.of:
            self.of[buffer] = Buffer(f"d{buffer.name}", buffer.size, "adjoint", per_sample=buffer.per_sample, of=buffer)
            self.ready[self.of[buffer]] = []
        return self.of[buffer]

    def _fill(self, adjoint: Buffer, begin: int, end: int, *, early: bool) -> None:
        """Set what holds no numbers yet to 0."""
        for low, high in [*self.ready[adjoint], (end, end)]:
            if begin < min(low, end):
                (self.start if early else self.statements).append(_zeros(adjoint, begin, min(low, end)))
                self._mark(adjoint, begin, min(low, end))
            begin = max(begin, high)

    def _mark(self, adjoint: Buffer, begin: int, end: int) -> None:
        """Note that a part of an adjoint holds numbers; parts that touch become one, so that there are few."""
        apart = []
        for low, high in self.ready[adjoint]:
            if high < begin or end < low:
                apart.append((low, high))
            else:
                begin, end = min(begin, low), max(end, high)
        self.ready[adjoint] = sorted([*apart, (begin, end)])


def _zeros(adjoint: Buffer, begin: int, end: int) -> Statement:
    """Set a part of an adjoint to 0, to be added to."""
    if adjoint.per_sample:
        return Statement((BATCH, end - begin), Access(adjoint, begin, (adjoint.size, 1)), ZERO)
    return Statement((end - begin,), Access(adjoint, begin, (1,)), ZERO)


def _span(statement: Statement, access: Access) -> tuple[int, int]:
    """The part of a buffer, or of one sample's share in it, that an access may reach: its beginning and its end."""
    if access.lookup is not None:
        return 0, access.buffer.size
    low = high = access.base
    for size, stride in zip(statement.sizes, access.strides, strict=True):
        if size != BATCH:
            low += min(stride, 0) * (size - 1)
            high += max(stride, 0) * (size - 1)
    return low, high + 1


def _is_dense(statement: Statement, access: Access) -> bool:
    """Whether an access reaches every place of its span, each at one point of the axes that are not reduced."""
    if access.lookup is not None:
        return False
    expected = 1
    for stride, size in sorted((s, n) for s, n in zip(access.strides, statement.sizes, strict=True) if s and n not in (1, BATCH)):
        if stride != expected:
            return False
        expected *= size
    return True


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


__all__ = ["Adjoint", "slopes"]
