"""Classes become statements: a buffer for each class, and for each operand of its members a place in another buffer.

Three things are decided here: which classes need no buffer, because they are cheap and used by one sum alone (`inlining`); in which order
the members of a class and the parameters are laid out, so that operands are regular (`ordering`); and what remains irregular and needs a
table (`accesses`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule import primitives
from chainrule.compiler.analysis.building import Builder
from chainrule.compiler.analysis.lookups import Takes
from chainrule.compiler.analysis.lowered import Layout, Lowered
from chainrule.compiler.analysis.ordering import breaks, order_members, sorted_terms
from chainrule.compiler.analysis.rows import Rows, added, applied
from chainrule.compiler.capture.tape import FIRST_INPUT
from chainrule.compiler.ir.expressions import Access, Buffer, Load, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.analysis.classes import Class, Classes, Terms
    from chainrule.compiler.capture.tape import Tape
    from chainrule.compiler.ir.statements import Statement

MOST_TERMS = 32  # of different kinds, in one statement


def lower(
    tape: Tape, found: Classes, inputs: Sequence[tuple[str, int]], *, batched: bool, layout: Layout | None = None, shown: int = 0
) -> Lowered:
    """Turn the classes of a tape into statements.

    Arguments:
        tape: the graph.
        found: its classes.
        inputs: the name of each argument, and how many numbers it has; for one sample, if `batched`.
        batched: whether the graph is that of one sample, and its inputs have a leading axis for the samples.
        layout: where parameters lie that other programs have too; those that have no place in it get one.
        shown: how many of the last roots are only to be shown.
    """
    return _Lowering(tape, found, inputs, batched, layout or Layout()).lowered(shown)


class _Lowering:
    def __init__(self, tape: Tape, found: Classes, inputs: Sequence[tuple[str, int]], batched: bool, layout: Layout) -> None:
        self.tape = tape
        self.layout = layout
        self.rows = Rows(tape, found, layout)
        self.builder = Builder(self.rows, batched=batched)
        self.inputs = [Buffer(name, size, "input", per_sample=batched) for name, size in inputs]
        self.takes = Takes(self.builder, self.inputs)

    def lowered(self, shown: int) -> Lowered:
        """All statements, and what belongs to them; the last roots are only to be shown."""
        rows, accesses = self.rows, self.builder.accesses
        for number, found in enumerate(rows.classes):
            if found.kind == "parameter":
                rows.buffers[number] = rows.parameter_buffer
            elif found.kind == "input":
                argument = FIRST_INPUT - int(self.tape.codes[found.members[0]])
                rows.buffers[number] = self.inputs[argument]
                rows.place_of[found.members] = self.tape.places[found.members]
            elif found.kind != "constant" and number not in rows.inlined:
                order_members(rows, number)
                self._lower_class(number)
        results = len(self.tape.roots) - shown
        output = self._outputs("output", self.tape.roots[:results])
        aside = self._outputs("shown", self.tape.roots[results:])
        self._settle_layout()
        statements = self.builder.statements
        used = {access.buffer for statement in statements for access in statement.accesses()}
        used |= {a.lookup.buffer for s in statements for a in s.accesses() if a.lookup is not None}
        buffers = [b for b in (rows.parameter_buffer, *self.inputs) if b in used]
        buffers += [*accesses.constants.values(), *accesses.tables.values(), *rows.buffers.values(), output, aside]
        return Lowered(
            _samples_last(statements),
            list(dict.fromkeys(buffers)),
            self.layout.leaves(),
            rows.arrays,
            [b if b in used else None for b in self.inputs],
            output,
            aside,
            self.takes.bounds,
        )

    def _settle_layout(self) -> None:
        """Note where the parameters lie, for other programs."""
        for node, leaf in self.tape.parameters.items():
            if self.rows.place_of[node] >= 0:
                self.layout.places[leaf] = int(self.rows.place_of[node])
        self.layout.size = self.rows.parameter_buffer.size

    def _lower_class(self, number: int) -> None:
        found = self.rows.classes[number]
        buffer = Buffer(f"v{number}", found.size, "value", per_sample=self.builder.batched and self.builder.depends_on_samples(found))
        self.rows.buffers[number] = buffer
        store = np.arange(found.size)
        if found.primitive is primitives.take:
            self.takes.lower(found, buffer)
        elif found.kind == "operation":
            self.rows.begin(store)
            operands = [self.rows.operand(slot.of, slot.nodes[:, 0]) for slot in found.slots]
            self.builder.add(buffer, applied(found, operands))
        elif found.kind == "max":
            self._lower_max(found, buffer, store)
        else:
            self._lower_sum(found, buffer, store)

    def _lower_sum(self, found: Class, buffer: Buffer, store: np.ndarray) -> None:
        single = [each for each in found.terms if each.sums is None and each.slot.nodes.shape[1] == 1]
        many = [sorted_terms(self.rows, each, store) for each in found.terms if each.sums is None and each.slot.nodes.shape[1] > 1]
        ragged = [each for each in found.terms if each.sums is not None]
        written = False
        for begin in range(0, len(single), MOST_TERMS):
            self.rows.begin(store)
            terms = [(each.sign, self.rows.operand(each.slot.of, each.slot.nodes[:, 0])) for each in single[begin : begin + MOST_TERMS]]
            self.builder.add(buffer, added(terms), written)
            written = True
        if not single and (ragged or not found.terms or any(breaks(self.rows, each, store) for each in many)):
            self.builder.fill(buffer, 0.0)
            written = True
        for each in [*many, *ragged]:
            self._reduce(each, buffer, store, "sum", written)
            written = True

    def _lower_max(self, found: Class, buffer: Buffer, store: np.ndarray) -> None:
        """The largest of the terms; 0 where that is not finite, as the primitive has it."""
        largest = Buffer(f"{buffer.name}.largest", found.size, "value", per_sample=buffer.per_sample)
        self.builder.fill(largest, -np.inf)
        for each in found.terms:
            self._reduce(each, largest, store, "max", True)
        self.rows.begin(store)
        self.rows.rows.append(store)
        x = Load(Access(largest, 1, ()))
        finite = apply(primitives.equal, x - x, 0.0)
        self.builder.add(buffer, apply(primitives.select, finite, x, 0.0))

    def _reduce(self, terms: Terms, buffer: Buffer, store: np.ndarray, reduction: str, accumulate: bool) -> None:
        """Join terms of one kind into their sums."""
        nodes = terms.slot.nodes
        self.rows.begin(terms.sums if terms.sums is not None else np.repeat(store, nodes.shape[1]))
        self.builder.add(buffer, added([(terms.sign, self.rows.operand(terms.slot.of, nodes.ravel()))]), accumulate, reduction)

    def _outputs(self, name: str, roots: np.ndarray) -> Buffer:
        """Copy results to where the caller finds them."""
        output = Buffer(name, len(roots), "output", per_sample=self.builder.batched)
        if not len(roots):
            return output
        kinds = self.rows.class_of[roots]
        ends = np.flatnonzero(np.append(kinds[1:] != kinds[:-1], True)) + 1
        begin = 0
        for end in ends.tolist():
            self.rows.begin(np.arange(begin, end))
            self.builder.add(output, self.rows.operand(int(kinds[begin]), roots[begin:end]))
            begin = end
        return output


def _samples_last(statements: list[Statement]) -> list[Statement]:
    """Put the statements that are the same for every sample first: they cannot depend on the others."""
    return sorted(statements, key=lambda statement: statement.per_sample)


__all__ = ["lower"]
