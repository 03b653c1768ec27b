"""Reverse mode on statements: the form is closed under it.

For each load of a statement, the adjoint has one statement in the other direction: it stores to the adjoint of the loaded number, loads the
adjoint of the stored number, and its value is that adjoint times the partial derivative, which is a row of the table applied to
expressions. So a broadcast becomes a reduction, a reduction a broadcast, a gather a scatter, and a contraction two contractions.

An operand that a choice does not choose gets no gradient. This is not the same as the gradient 0, which would give nan where it meets an
infinite derivative. Where that can happen, separate statements compute for each number whether a gradient has reached it; see `reached.py`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from chainrule import primitives
from chainrule.compiler.expressions import ONE, ZERO, Access, Apply, Buffer, Constant, Expression, Load, apply, expression
from chainrule.compiler.reached import Reached, is_dense, restricted, span
from chainrule.compiler.statements import BATCH, Statement
from chainrule.primitives import zero

if TYPE_CHECKING:
    from collections.abc import Sequence


class Adjoint:
    """The statements of the backward sweep: `statements`, and `start`, the statements before the first sample; `of` holds the adjoints'
    buffers.

    Arguments:
        forward: the program.
        output: the buffer of its results.
        seed: the adjoint of each result; an access is read at every point of the statement that stores the results.
        wanted: the buffers whose adjoints are wanted: parameters and inputs.
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
        shares = [self._shares(statement) for statement in forward]
        self.reached = Reached(forward, shares, output)
        for statement, of_statement in zip(reversed(forward), reversed(shares), strict=True):
            self._reverse(statement, of_statement)
        for buffer in wanted:
            adjoint = self._adjoint_of(buffer)
            self._fill(adjoint, 0, adjoint.size, early=not self.ready[adjoint] and not adjoint.per_sample)

    def _shares(self, statement: Statement) -> dict[Access, Share]:
        """The share of a statement's adjoint that goes to each place it reads."""
        store = statement.store
        if statement.reduction == "max" or (store.buffer is not self.output and store.buffer not in self.active):
            return {}
        is_result = self.stores[store.buffer] == 1 and not statement.reduced
        result = Load(store) if is_result and isinstance(statement.value, Apply) else None
        return slopes(statement.value, result, self.active)

    def _reverse(self, statement: Statement, shares: dict[Access, Share]) -> None:
        store = statement.store
        if store.buffer is not self.output and store.buffer not in self.of:
            return
        arriving, reached = self.seed, None
        if shares and store.buffer is not self.output:
            adjoint = self.of[store.buffer]
            self._fill(adjoint, *span(statement, store), early=False)
            arriving = Load(store._replace(buffer=adjoint))
            marks = self.reached.marks_of(statement)
            if marks is not None:
                self._fill(marks, *span(statement, store), early=False)
                reached = Load(store._replace(buffer=marks))
        for access, (slope, passes) in shares.items():
            there = access._replace(buffer=self._adjoint_of(access.buffer))
            value = arriving * slope
            if passes is not None or (reached is not None and self.reached.may_be_infinite(statement, slope)):
                value = apply(primitives.select, both(reached, passes), value, ZERO)
            accumulate = not self._begins(statement, there)
            self.statements.append(Statement(statement.sizes, there, value, accumulate))
            marks = self.reached.marks_for(access.buffer)
            if marks is not None:
                self._mark_reached(statement, access._replace(buffer=marks), both(reached, passes))

    def _mark_reached(self, statement: Statement, there: Access, passes: Expression | None) -> None:
        """Note which numbers a gradient reaches: those that it is passed to where the condition holds, or everywhere."""
        value = ONE if passes is None else apply(primitives.select, passes, ONE, ZERO)
        self.ready.setdefault(there.buffer, [])
        for part in restricted(Statement(statement.sizes, there, value)):
            accumulate = part.store.buffer is there.buffer and not self._begins(part, part.store)
            self.statements.append(Statement(part.sizes, part.store, part.value, accumulate))

    def _begins(self, statement: Statement, there: Access) -> bool:
        """Whether a statement is the first to store there, and fills its whole part of the buffer; if not, that part must be set first."""
        adjoint = there.buffer
        of_samples = statement.per_sample and not adjoint.per_sample
        if of_samples and not self.one_block:  # what all blocks of samples add to is filled before the first
            self._fill(adjoint, 0, adjoint.size, early=True)
            return False
        begin, end = span(statement, there)
        if is_dense(statement, there) and all(end <= low or high <= begin for low, high in self.ready[adjoint]):
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
        """Set the parts that hold no numbers yet to 0."""
        for low, high in [*self.ready[adjoint], (end, end)]:
            if begin < min(low, end):
                (self.start if early else self.statements).append(_zeros(adjoint, begin, min(low, end)))
                self._mark(adjoint, begin, min(low, end))
            begin = max(begin, high)

    def _mark(self, adjoint: Buffer, begin: int, end: int) -> None:
        """Note that a part of an adjoint holds numbers; adjacent parts are joined, so that there are few."""
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


__all__ = ["Adjoint", "Share", "slopes"]
