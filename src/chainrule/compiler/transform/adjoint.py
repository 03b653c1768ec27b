"""Reverse mode on statements: the form is closed under it.

For each load of a statement, the adjoint has one statement in the other direction: it stores to the adjoint of the loaded number, loads the
adjoint of the stored number, and its value is that adjoint times the partial derivative, which is a row of the table applied to
expressions. So a broadcast becomes a reduction, a reduction a broadcast, a gather a scatter, and a contraction two contractions.

An operand that a choice does not choose gets no gradient. This is not the same as the gradient 0, which would give nan where it meets an
infinite derivative. Where that can happen, separate statements compute for each number whether a gradient has reached it; see `reached.py`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chainrule import primitives
from chainrule.compiler.ir.expressions import ONE, ZERO, Access, Apply, Buffer, Expression, Load, apply
from chainrule.compiler.ir.statements import BATCH, Statement
from chainrule.compiler.transform.reached import Reached, is_dense, restricted, span
from chainrule.compiler.transform.slopes import Share, both, slopes

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


__all__ = ["Adjoint"]
