"""Statements are made from index rows: one for each nest that the rows have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.compiler.analysis.accesses import Accesses, with_table
from chainrule.compiler.analysis.strides import Nest, factor
from chainrule.compiler.errors import CannotLowerError
from chainrule.compiler.ir.expressions import Access, Constant, Expression, Lookup
from chainrule.compiler.ir.statements import BATCH, Statement

if TYPE_CHECKING:
    from chainrule.compiler.analysis.classes import Class, Slot
    from chainrule.compiler.analysis.rows import Rows
    from chainrule.compiler.ir.expressions import Buffer


class Builder:
    """The statements of a program in the making.

    Arguments:
        rows: the index rows of the statement at hand.
        batched: whether the graph is that of one sample, and its inputs have a leading axis for the samples.
    """

    def __init__(self, rows: Rows, *, batched: bool) -> None:
        self.rows = rows
        self.batched = batched
        self.statements: list[Statement] = []
        self.accesses = Accesses()

    def add(self, buffer: Buffer, value: Expression, accumulate: bool = False, reduction: str = "sum") -> None:
        """Make the statements for the rows at hand.

        Arguments:
            buffer: what they store to.
            value: what they store; each of its loads names its row.
            accumulate: add to what is there.
            reduction: how values that go to the same place are joined: "sum", or "max".
        """
        rows = np.stack(self.rows.rows)
        samples = buffer.per_sample
        for nest in factor(rows):
            sizes, strides, tables = with_table(nest)
            store = self.accesses.access(buffer, nest, 0, strides, tables[0], samples)
            axes = (BATCH, *sizes) if samples else sizes
            there = _Nested(self, nest, sizes, strides, tables, samples)
            self.statements.append(Statement(axes, store, value.map(there.access), accumulate, reduction))

    def fill(self, buffer: Buffer, number: float) -> None:
        """Set all of a buffer to a number."""
        self.rows.begin(np.arange(buffer.size))
        self.add(buffer, Constant(number))

    def depends_on_samples(self, found: Class) -> bool:
        """Whether a class differs from sample to sample."""
        return any(self.slot_depends(slot) for slot in [*found.slots, *(each.slot for each in found.terms)])

    def slot_depends(self, slot: Slot) -> bool:
        """Whether an operand differs from sample to sample."""
        rows = self.rows
        if slot.of in rows.inlined:
            return self.depends_on_samples(rows.classes[slot.of])
        return rows.classes[slot.of].kind != "constant" and rows.buffers[slot.of].per_sample


class _Nested:
    """The accesses along one nest of the rows at hand."""

    def __init__(
        self,
        builder: Builder,
        nest: Nest,
        sizes: tuple[int, ...],
        strides: list[np.ndarray],
        tables: list[np.ndarray | None],
        samples: bool,
    ) -> None:
        self.accesses, self.known = builder.accesses, dict(builder.rows.known)
        self.nest, self.sizes, self.strides, self.tables, self.samples = nest, sizes, strides, tables, samples

    def access(self, named: Access) -> Access:
        """The access for one that names its row."""
        row, nest, samples = named.base, self.nest, self.samples
        if row in self.known:
            strides = [stride[row] for stride in self.strides]
            return self.accesses.constant(self.known[row], int(nest.bases[row]), self.sizes, strides, self.tables[row], samples)
        place = self.accesses.access(named.buffer, nest, row, self.strides, self.tables[row], samples)
        if named.lookup is not None:
            at = self.accesses.access(named.lookup.buffer, nest, named.lookup.base, self.strides, None, samples)
            if place.lookup is not None or self.tables[named.lookup.base] is not None:
                raise CannotLowerError("take()'s indices follow no pattern that can be compiled")
            place = place._replace(lookup=Lookup(at.buffer, at.base, at.strides, named.lookup.scale))
        return place


__all__ = ["Builder"]
