"""Classes become statements: a buffer for each class, and for each operand of its members a place in another buffer.

Three things are decided here: which classes need no buffer, because they are cheap and used by one sum alone; in which order the members
of a class and the parameters are laid out, so that operands are regular; and what remains irregular and needs a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule import primitives
from chainrule.compiler.analysis.accesses import Accesses, with_table
from chainrule.compiler.analysis.classes import NOT_A_MEMBER, Class, Classes, Run, Slot
from chainrule.compiler.analysis.inlining import choose_inlined
from chainrule.compiler.analysis.strides import Nest, factor
from chainrule.compiler.capture.tape import FIRST_INPUT, Tape
from chainrule.compiler.ir.expressions import Access, Buffer, Constant, Expression, Load, Lookup, apply
from chainrule.compiler.ir.statements import BATCH, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.engine import Value

MOST_TERMS = 32  # of different kinds, in one statement
ALIGNED = 8  # larger arrays of parameters begin at a multiple of this, so that vectors do not straddle cache lines


class Lowered(NamedTuple):
    """A program without its adjoint.

    Arguments:
        statements: what to compute, in order.
        buffers: all memory, outputs included.
        parameters: which Value each place of the parameters' buffer belongs to; None where there is padding.
        names: for each array of parameters its place, its size, and the labels of its first and last Value.
        inputs: the buffer of each argument, or None for one that is not used.
        output: where the results go, in the order of the roots.
        shown: where the last roots go, if they are only shown: they are not results, and have no derivatives.
        bounds: for each argument, how large an index each of its numbers may be used for; None if for none.
    """

    statements: list[Statement]
    buffers: list[Buffer]
    parameters: list[Value | None]
    arrays: list[tuple[int, int]]
    inputs: list[Buffer | None]
    output: Buffer
    shown: Buffer
    bounds: list[np.ndarray | None]

    def bound(self, indices: Sequence[tuple[tuple[int, int], int]]) -> None:
        """Let numbers of arguments be checked as indices.

        Arguments:
            indices: for each the number of the argument and the place in it, and how many things it is the index of.
        """
        for (argument, place), count in indices:
            buffer, bounds = self.inputs[argument], self.bounds[argument]
            if buffer is None:
                continue
            if bounds is None:
                bounds = self.bounds[argument] = np.full(buffer.size, np.iinfo(np.int64).max)
            bounds[place] = min(bounds[place], count)


class Layout:
    """Where each parameter lies. Programs that share one can work on the same memory.

    Arguments:
        places: of the parameters that have one.
        size: of the whole, padding included.
    """

    def __init__(self) -> None:
        self.places: dict[Value, int] = {}
        self.size = 0

    def leaves(self) -> list[Value | None]:
        """Which Value each place belongs to; None where there is padding."""
        out: list[Value | None] = [None] * self.size
        for leaf, place in self.places.items():
            out[place] = leaf
        return out


class CannotLowerError(Exception):
    """A graph that has a part without a form as statements."""


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
    return _Lowering(tape, found, inputs, batched, layout or Layout()).run(shown)


class _Lowering:
    def __init__(self, tape: Tape, found: Classes, inputs: Sequence[tuple[str, int]], batched: bool, layout: Layout) -> None:
        self.tape = tape
        self.classes = found.classes
        self.class_of = found.class_of
        self.position = found.position
        self.batched = batched
        self.statements: list[Statement] = []
        self.accesses = Accesses()
        self.place = np.full(tape.size, -1, np.int64)  # of parameters, in their buffer
        self.arrays: list[tuple[int, int]] = []
        self.assigned: list[np.ndarray] = []
        self.layout = layout
        for node, leaf in tape.parameters.items():
            self.place[node] = layout.places.get(leaf, -1)
        self.parameter_buffer = Buffer("parameters", layout.size, "parameter")
        self.inputs = [Buffer(name, size, "input", per_sample=batched) for name, size in inputs]
        self.bounds: list[np.ndarray | None] = [None for _ in inputs]
        self.buffers: dict[int, Buffer] = {}
        self.rows: list[np.ndarray] = []  # the index rows of the statement at hand; a Load's base is the number of its row
        self.known: list[tuple[int, np.ndarray]] = []  # those of them that are constants, with the numbers
        self.inlined = choose_inlined(self.classes, {int(k) for k in self.class_of[tape.roots]})

    def run(self, shown: int) -> Lowered:
        for number, found in enumerate(self.classes):
            if found.kind == "parameter":
                self.buffers[number] = self.parameter_buffer
            elif found.kind == "input":
                argument = FIRST_INPUT - int(self.tape.codes[found.members[0]])
                self.buffers[number] = self.inputs[argument]
                self.place[found.members] = self.tape.places[found.members]
            elif found.kind != "constant" and number not in self.inlined:
                self._order(number)
                self._lower_class(number)
        results = len(self.tape.roots) - shown
        output = self._outputs("output", self.tape.roots[:results])
        aside = self._outputs("shown", self.tape.roots[results:])
        for node, leaf in self.tape.parameters.items():
            if self.place[node] >= 0:
                self.layout.places[leaf] = int(self.place[node])
        self.layout.size = self.parameter_buffer.size
        used = {access.buffer for statement in self.statements for access in statement.accesses()}
        used |= {a.lookup.buffer for s in self.statements for a in s.accesses() if a.lookup is not None}
        buffers = [b for b in (self.parameter_buffer, *self.inputs) if b in used]
        buffers += dict.fromkeys([*self.accesses.constants.values(), *self.accesses.tables.values(), *self.buffers.values(), output, aside])
        return Lowered(
            _samples_last(self.statements),
            list(dict.fromkeys(buffers)),
            self.layout.leaves(),
            self.arrays,
            [b if b in used else None for b in self.inputs],
            output,
            aside,
            self.bounds,
        )

    # --- one class ----------------------------------------------------------------------------------------------------------------------

    def _lower_class(self, number: int) -> None:
        found = self.classes[number]
        buffer = Buffer(f"v{number}", found.size, "value", per_sample=self.batched and self._depends_on_samples(found))
        self.buffers[number] = buffer
        store = np.arange(found.size)
        if found.primitive is primitives.take:
            self._lower_take(found, buffer)
        elif found.kind == "operation":
            self._begin(store)
            operands = [self._operand(slot.of, slot.nodes[:, 0]) for slot in found.slots]
            self._emit(buffer, _applied(found, operands))
        elif found.kind == "max":
            self._lower_max(found, buffer, store)
        else:
            self._lower_sum(found, buffer, store)

    def _lower_sum(self, found: Class, buffer: Buffer, store: np.ndarray) -> None:
        single = [run for run in found.runs if run.sums is None and run.slot.nodes.shape[1] == 1]
        many = [self._sorted_terms(run, store) for run in found.runs if run.sums is None and run.slot.nodes.shape[1] > 1]
        ragged = [run for run in found.runs if run.sums is not None]
        written = False
        for begin in range(0, len(single), MOST_TERMS):
            self._begin(store)
            terms = single[begin : begin + MOST_TERMS]
            self._emit(buffer, _added([(run.sign, self._operand(run.slot.of, run.slot.nodes[:, 0])) for run in terms]), written)
            written = True
        if not single and (ragged or not found.runs or any(self._breaks(run, store) for run in many)):
            self._fill(buffer, 0.0)
            written = True
        for run in [*many, *ragged]:
            self._reduce(run, buffer, store, "sum", written)
            written = True

    def _lower_max(self, found: Class, buffer: Buffer, store: np.ndarray) -> None:
        """The largest of the terms; 0 where that is not finite, as the primitive has it."""
        largest = Buffer(f"{buffer.name}.largest", found.size, "value", per_sample=buffer.per_sample)
        self._fill(largest, -np.inf)
        for run in found.runs:
            self._reduce(run, largest, store, "max", True)
        self._begin(store)
        self.rows.append(store)
        x = Load(Access(largest, len(self.rows) - 1, ()))
        finite = apply(primitives.equal, x - x, 0.0)
        self._emit(buffer, apply(primitives.select, finite, x, 0.0))

    def _reduce(self, run: Run, buffer: Buffer, store: np.ndarray, reduction: str, accumulate: bool) -> None:
        """Join the terms of one run into their sums."""
        nodes = run.slot.nodes
        self._begin(run.sums if run.sums is not None else np.repeat(store, nodes.shape[1]))
        self._emit(buffer, _added([(run.sign, self._operand(run.slot.of, nodes.ravel()))]), accumulate, reduction)

    def _sorted_terms(self, run: Run, store: np.ndarray) -> Run:
        """The terms of a run, reordered if that makes them regular, since the order of a sum's terms does not matter."""
        nodes = run.slot.nodes
        if self._breaks(run, store) == 0:
            return run
        self._begin(np.repeat(store, nodes.shape[1]))
        self._operand(run.slot.of, nodes.ravel())
        keys = [row.reshape(nodes.shape) for row in self.rows[1:]]
        order = np.lexsort(keys[::-1], axis=-1)
        changed = Run(run.sign, Slot(run.slot.of, np.take_along_axis(nodes, order, 1)), None)
        return changed if self._breaks(changed, store) < self._breaks(run, store) else run

    def _breaks(self, run: Run, store: np.ndarray) -> int:
        """How irregular a run is: 0 if one nest holds it."""
        self._begin(np.repeat(store, run.slot.nodes.shape[1]))
        self._operand(run.slot.of, run.slot.nodes.ravel())
        return _irregular(factor(np.stack(self.rows)))

    def _lower_take(self, found: Class, buffer: Buffer) -> None:
        """`values[index]`: an access whose offset is looked up where the index is."""
        index, *values = found.slots
        if self.classes[index.of].kind != "input":
            raise CannotLowerError("the index of take() is computed; only an argument of integers can be compiled")
        index_nodes = index.nodes[:, 0]
        self._bound(index_nodes, sum(slot.nodes.shape[1] for slot in values))
        index_of, index_places = self.buffers[index.of], self.place[index_nodes]
        of, places, scale = self._in_line(values)
        if _irregular(factor(np.stack([np.arange(found.size), index_places, places]))):
            index_of, index_places = self._indices(index, buffer)
            of, places, scale = self._in_line(values, copied=True)
        self._begin(np.arange(found.size))
        self.rows += [index_places, places]
        lookup = Lookup(index_of, 1, (), scale)
        self._emit(buffer, Load(Access(of, 2, (), lookup)))

    def _indices(self, index: Slot, taken: Buffer) -> tuple[Buffer, np.ndarray]:
        """Copy the indices of a `take` next to each other, if they follow no pattern."""
        copies = Buffer(f"{taken.name}.indices", len(index.nodes), "value", per_sample=self._slot_depends(index))
        self.buffers[-1 - len(self.statements)] = copies
        self._begin(np.arange(copies.size))
        self._emit(copies, self._operand(index.of, index.nodes[:, 0]))
        return copies, np.arange(copies.size)

    def _in_line(self, choices: list[Slot], *, copied: bool = False) -> tuple[Buffer, np.ndarray, int]:
        """Where the choices of a `take` are: a buffer, the place of the first for each member, and the step from one to the next.

        Arguments:
            choices: the operands, in one slot, or in one for each column if they are computed differently.
            copied: whether to copy them, so that those of one member follow those of the one before.
        """
        kinds = {slot.of for slot in choices}
        of = choices[0].of
        if not copied and len(kinds) == 1 and self.classes[of].kind != "constant" and of not in self.inlined:
            nodes = choices[0].nodes
            self._assign(of, nodes.ravel())
            places = self._places(of, nodes)
            steps = np.diff(places, axis=1)
            if not steps.size or (steps == steps[0, 0]).all():
                return self.buffers[of], places[:, 0], int(steps[0, 0]) if steps.size else 1
        table = np.concatenate([slot.nodes for slot in choices], 1)
        rows, which = (table, np.arange(len(table))) if copied else np.unique(table, axis=0, return_inverse=True)
        samples = any(self._slot_depends(slot) for slot in choices)
        copies = Buffer(f"v{len(self.statements)}.choices", rows.size, "value", per_sample=samples)
        self.buffers[-1 - len(self.statements)] = copies
        place = np.arange(rows.size).reshape(rows.shape)
        kind_of = np.repeat([slot.of for slot in choices], [slot.nodes.shape[1] for slot in choices])
        for kind in sorted(kinds):
            columns = kind_of == kind
            self._begin(place[:, columns].ravel())
            self._emit(copies, self._operand(kind, rows[:, columns].ravel()))
        return copies, which.ravel() * rows.shape[1], 1

    def _bound(self, nodes: np.ndarray, count: int) -> None:
        for argument, buffer in enumerate(self.inputs):
            here = nodes[self.tape.codes[nodes] == FIRST_INPUT - argument]
            if len(here):
                bounds = self.bounds[argument]
                if bounds is None:
                    bounds = self.bounds[argument] = np.full(buffer.size, np.iinfo(np.int64).max)
                np.minimum.at(bounds, self.tape.places[here], count)

    def _outputs(self, name: str, roots: np.ndarray) -> Buffer:
        """Copy results to where the caller finds them."""
        output = Buffer(name, len(roots), "output", per_sample=self.batched)
        if not len(roots):
            return output
        kinds = self.class_of[roots]
        ends = np.flatnonzero(np.append(kinds[1:] != kinds[:-1], True)) + 1
        begin = 0
        for end in ends.tolist():
            self._begin(np.arange(begin, end))
            self._emit(output, self._operand(int(kinds[begin]), roots[begin:end]))
            begin = end
        return output

    # --- expressions over index rows --------------------------------------------------------------------------------------------------

    def _begin(self, store: np.ndarray) -> None:
        """Start a statement, with the index row of its store."""
        self.rows = [np.asarray(store)]
        self.known = []

    def _operand(self, of: int, nodes: np.ndarray) -> Expression:
        """The expression for some nodes of a class, one at each point; its loads name their rows."""
        found = self.classes[of]
        if found.kind == "constant":
            numbers = self.tape.numbers[nodes]
            if (numbers.view(np.int64) == numbers.view(np.int64)[0]).all():
                return Constant(float(numbers[0]))
            self.known.append((len(self.rows), numbers))
            self.rows.append(np.arange(len(nodes)))
            return Load(Access(self.parameter_buffer, len(self.rows) - 1, ()))  # its buffer is made when its axes are known
        if of in self.inlined:
            index = self.position[nodes]
            if found.kind == "sum":
                return _added([(run.sign, self._operand(run.slot.of, run.slot.nodes[index, 0])) for run in found.runs])
            return _applied(found, [self._operand(slot.of, slot.nodes[index, 0]) for slot in found.slots])
        self._assign(of, nodes)
        row = self._places(of, nodes)
        for number, known in enumerate(self.rows[1:], 1):  # x * x reads one place
            if known is row or (len(known) == len(row) and self._buffer_of.get(number) is self.buffers[of] and (known == row).all()):
                return Load(Access(self.buffers[of], number, ()))
        self.rows.append(row)
        self._buffer_of[len(self.rows) - 1] = self.buffers[of]
        return Load(Access(self.buffers[of], len(self.rows) - 1, ()))

    @property
    def _buffer_of(self) -> dict[int, Buffer]:
        if not hasattr(self, "_row_buffers") or self._row_buffers[0] is not self.rows:
            self._row_buffers: tuple[list[np.ndarray], dict[int, Buffer]] = (self.rows, {})
        return self._row_buffers[1]

    def _places(self, of: int, nodes: np.ndarray) -> np.ndarray:
        """Where nodes are in the buffer of their class."""
        places = (self.place if self.classes[of].kind in ("parameter", "input") else self.position)[nodes]
        if places.size and places.min() < 0:
            raise AssertionError("a number has no place in memory: this is a bug in chainrule's compiler")
        return places

    def _assign(self, of: int, nodes: np.ndarray) -> None:
        """Give parameters that have no place yet one, in the order in which they are used here: they form an array."""
        if self.classes[of].kind != "parameter":
            return
        new = nodes[self.place[nodes] < 0]
        if not len(new):
            return
        unique, first = np.unique(new, return_index=True)
        unique = unique[np.argsort(first)]
        begin = self.parameter_buffer.size
        if len(unique) >= 4 * ALIGNED:
            begin += -begin % ALIGNED
        self.place[unique] = np.arange(begin, begin + len(unique))
        self.arrays.append((begin, len(unique)))
        self.assigned.append(unique)
        self.parameter_buffer.size = begin + len(unique)

    # --- the order of members -----------------------------------------------------------------------------------------------------------

    def _order(self, number: int) -> None:
        """Order the members by their operands, data before parameters, if this order is regular and that of the tape is not."""
        found = self.classes[number]
        if found.size < 4 or found.kind == "max" or found.primitive is primitives.take or any(run.sums is not None for run in found.runs):
            return
        before = self.parameter_buffer.size, len(self.arrays)
        natural, keys = self._irregularity(found)
        if natural == 0:
            return
        self._unassign(*before)
        order = np.lexsort(keys[::-1])
        changed = _reordered(found, order)
        better, _ = self._irregularity(changed)
        if better >= natural:
            self._unassign(*before)
            return
        rank = np.empty(found.size, np.int64)
        rank[order] = np.arange(found.size)
        nodes = np.flatnonzero(self.class_of == number)
        self.position[nodes] = rank[self.position[nodes]]
        found.members, found.slots, found.runs = changed.members, changed.slots, changed.runs

    def _unassign(self, size: int, arrays: int) -> None:
        """Undo the places that parameters were given since."""
        for nodes in self.assigned[arrays:]:
            self.place[nodes] = -1
        self.parameter_buffer.size = size
        del self.arrays[arrays:], self.assigned[arrays:]

    def _irregularity(self, found: Class) -> tuple[int, list[np.ndarray]]:
        """How irregular the operands of a class are, and for each member what to sort it by: its first places, data first."""
        worst = 0
        data: list[np.ndarray] = []
        weights: list[np.ndarray] = []
        columns = [(slot.of, slot.nodes) for slot in found.slots] + [(run.slot.of, run.slot.nodes) for run in found.runs]
        for of, nodes in columns:
            self._begin(np.repeat(np.arange(found.size), nodes.shape[1]))
            self._operand(of, nodes.ravel())
            worst += _irregular(factor(np.stack(self.rows)))
            constants = {row for row, _ in self.known}
            for number, row in enumerate(self.rows[1:], 1):
                first = row.reshape(found.size, -1)[:, 0]
                if number not in constants:
                    (weights if self._buffer_of.get(number) is self.parameter_buffer else data).append(first)
        return worst, [*data, *weights] or [np.arange(found.size)]

    # --- statements -----------------------------------------------------------------------------------------------------------------------

    def _emit(self, buffer: Buffer, value: Expression, accumulate: bool = False, reduction: str = "sum") -> None:
        """Make the statements for the rows at hand."""
        rows = np.stack(self.rows)
        known = dict(self.known)
        samples = buffer.per_sample
        for nest in factor(rows):
            sizes, strides, tables = with_table(nest)

            def access(placeholder: Access, nest: Nest = nest, sizes=sizes, strides=strides, tables=tables) -> Access:  # type: ignore[no-untyped-def]
                row = placeholder.base
                if row in known:
                    return self.accesses.constant(known[row], int(nest.bases[row]), sizes, [s[row] for s in strides], tables[row], samples)
                place = self.accesses.access(placeholder.buffer, nest, row, strides, tables[row], samples)
                if placeholder.lookup is not None:
                    at = self.accesses.access(placeholder.lookup.buffer, nest, placeholder.lookup.base, strides, None, samples)
                    if place.lookup is not None or tables[placeholder.lookup.base] is not None:
                        raise CannotLowerError("take()'s indices follow no pattern that can be compiled")
                    place = place._replace(lookup=Lookup(at.buffer, at.base, at.strides, placeholder.lookup.scale))
                return place

            store = self.accesses.access(buffer, nest, 0, strides, tables[0], samples)
            axes = (BATCH, *sizes) if samples else sizes
            self.statements.append(Statement(axes, store, value.map(access), accumulate, reduction))

    def _fill(self, buffer: Buffer, number: float) -> None:
        self._begin(np.arange(buffer.size))
        self._emit(buffer, Constant(number))

    # --- samples --------------------------------------------------------------------------------------------------------------------------

    def _depends_on_samples(self, found: Class) -> bool:
        return any(self._slot_depends(slot) for slot in [*found.slots, *(run.slot for run in found.runs)])

    def _slot_depends(self, slot: Slot) -> bool:
        if slot.of in self.inlined:
            return self._depends_on_samples(self.classes[slot.of])
        return self.classes[slot.of].kind != "constant" and self.buffers[slot.of].per_sample


def _samples_last(statements: list[Statement]) -> list[Statement]:
    """Put the statements that are the same for every sample first: they cannot depend on the others."""
    return sorted(statements, key=lambda statement: statement.per_sample)


def _applied(found: Class, operands: list[Expression]) -> Expression:
    assert found.primitive is not None
    if found.number is not None:
        operands = [*operands, Constant(found.number)]
    return apply(found.primitive, *operands)


def _added(terms: list[tuple[int, Expression]]) -> Expression:
    """The sum of signed terms, those of each half first, so that no expression is deep."""
    if len(terms) == 1:
        sign, term = terms[0]
        return term if sign > 0 else -term
    middle = (len(terms) + 1) // 2
    first, second = _added(terms[:middle]), terms[middle:]
    if all(sign < 0 for sign, _ in second):
        return first - _added([(1, term) for _, term in second])
    return first + _added(second)


def _irregular(nests: list[Nest]) -> int:
    return sum(nest.irregular for nest in nests) + len(nests) - 1


def _reordered(found: Class, order: np.ndarray) -> Class:
    return Class(
        found.kind,
        found.members[order],
        found.primitive,
        found.number,
        [Slot(slot.of, slot.nodes[order]) for slot in found.slots],
        [Run(run.sign, Slot(run.slot.of, run.slot.nodes[order]), None) for run in found.runs],
    )


__all__ = ["NOT_A_MEMBER", "CannotLowerError", "Lowered", "lower"]
