"""`take(values, index)`: an access whose offset is read from memory, where the index is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.compiler.analysis.ordering import irregular
from chainrule.compiler.analysis.strides import factor
from chainrule.compiler.capture.tape import FIRST_INPUT
from chainrule.compiler.errors import CannotLowerError
from chainrule.compiler.ir.expressions import Access, Buffer, Load, Lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.analysis.building import Builder
    from chainrule.compiler.analysis.classes import Class, Slot


class Takes:
    """Lowers the classes of `take`.

    Arguments:
        builder: gets their statements.
        inputs: the buffer of each argument.
    """

    def __init__(self, builder: Builder, inputs: Sequence[Buffer]) -> None:
        self.builder, self.rows, self.inputs = builder, builder.rows, inputs
        self.bounds: list[np.ndarray | None] = [None for _ in inputs]  # how large an index each number of an argument may be used for

    def lower(self, found: Class, buffer: Buffer) -> None:
        """`values[index]`: an access whose offset is looked up where the index is."""
        index, *values = found.slots
        if self.rows.classes[index.of].kind != "input":
            raise CannotLowerError("the index of take() is computed; only an argument of integers can be compiled")
        index_nodes = index.nodes[:, 0]
        self._bound(index_nodes, sum(slot.nodes.shape[1] for slot in values))
        index_of, index_places = self.rows.buffers[index.of], self.rows.place_of[index_nodes]
        of, places, scale = self._in_line(values)
        if irregular(factor(np.stack([np.arange(found.size), index_places, places]))):
            index_of, index_places = self._indices(index, buffer)
            of, places, scale = self._in_line(values, copied=True)
        self.rows.begin(np.arange(found.size))
        self.rows.rows += [index_places, places]
        lookup = Lookup(index_of, 1, (), scale)
        self.builder.add(buffer, Load(Access(of, 2, (), lookup)))

    def _indices(self, index: Slot, taken: Buffer) -> tuple[Buffer, np.ndarray]:
        """Copy the indices of a `take` next to each other, if they follow no pattern."""
        copies = Buffer(f"{taken.name}.indices", len(index.nodes), "value", per_sample=self.builder.slot_depends(index))
        self.rows.buffers[-1 - len(self.builder.statements)] = copies
        self.rows.begin(np.arange(copies.size))
        self.builder.add(copies, self.rows.operand(index.of, index.nodes[:, 0]))
        return copies, np.arange(copies.size)

    def _in_line(self, choices: list[Slot], *, copied: bool = False) -> tuple[Buffer, np.ndarray, int]:
        """Where the choices of a `take` are: a buffer, the place of the first for each member, and the step from one to the next.

        Arguments:
            choices: the operands, in one slot, or in one for each column if they are computed differently.
            copied: whether to copy them, so that those of one member follow those of the one before.
        """
        kinds = {slot.of for slot in choices}
        of = choices[0].of
        if not copied and len(kinds) == 1 and self.rows.classes[of].kind != "constant" and of not in self.rows.inlined:
            nodes = choices[0].nodes
            self.rows.assign(of, nodes.ravel())
            places = self.rows.places(of, nodes)
            steps = np.diff(places, axis=1)
            if not steps.size or (steps == steps[0, 0]).all():
                return self.rows.buffers[of], places[:, 0], int(steps[0, 0]) if steps.size else 1
        table = np.concatenate([slot.nodes for slot in choices], 1)
        rows, which = (table, np.arange(len(table))) if copied else np.unique(table, axis=0, return_inverse=True)
        samples = any(self.builder.slot_depends(slot) for slot in choices)
        copies = Buffer(f"v{len(self.builder.statements)}.choices", rows.size, "value", per_sample=samples)
        self.rows.buffers[-1 - len(self.builder.statements)] = copies
        place = np.arange(rows.size).reshape(rows.shape)
        kind_of = np.repeat([slot.of for slot in choices], [slot.nodes.shape[1] for slot in choices])
        for kind in sorted(kinds):
            columns = kind_of == kind
            self.rows.begin(place[:, columns].ravel())
            self.builder.add(copies, self.rows.operand(kind, rows[:, columns].ravel()))
        return copies, which.ravel() * rows.shape[1], 1

    def _bound(self, nodes: np.ndarray, count: int) -> None:
        for argument, buffer in enumerate(self.inputs):
            here = nodes[self.rows.tape.codes[nodes] == FIRST_INPUT - argument]
            if len(here):
                bounds = self.bounds[argument]
                if bounds is None:
                    bounds = self.bounds[argument] = np.full(buffer.size, np.iinfo(np.int64).max)
                np.minimum.at(bounds, self.rows.tape.places[here], count)


__all__ = ["Takes"]
