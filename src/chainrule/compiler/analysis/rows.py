"""Index rows: where each operand of a class's members is, as one row of numbers for each number that a statement reads or stores.

A statement is begun with the row of its store; each operand that is asked for adds the rows of what it reads. They are factored into axes
when the statement is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.compiler.analysis.inlining import choose_inlined
from chainrule.compiler.ir.expressions import Access, Buffer, Constant, Expression, Load, apply

if TYPE_CHECKING:
    from chainrule.compiler.analysis.classes import Class, Classes
    from chainrule.compiler.analysis.lowered import Layout
    from chainrule.compiler.capture.tape import Tape

ALIGNED = 8  # larger arrays of parameters begin at a multiple of this, so that vectors do not straddle cache lines


class Rows:
    """The index rows of the statement at hand, and the places of all that they can name.

    Arguments:
        tape: the graph.
        found: its classes.
        layout: where parameters lie that other programs have too.
    """

    def __init__(self, tape: Tape, found: Classes, layout: Layout) -> None:
        self.tape = tape
        self.classes = found.classes
        self.class_of = found.class_of
        self.position = found.position
        self.place_of = np.full(tape.size, -1, np.int64)  # of parameters and inputs, in their buffer
        self.arrays: list[tuple[int, int]] = []
        self.assigned: list[np.ndarray] = []
        for node, leaf in tape.parameters.items():
            self.place_of[node] = layout.places.get(leaf, -1)
        self.parameter_buffer = Buffer("parameters", layout.size, "parameter")
        self.buffers: dict[int, Buffer] = {}
        self.rows: list[np.ndarray] = []  # the first is that of the store; a Load's base is the number of its row
        self.known: list[tuple[int, np.ndarray]] = []  # those of them that are constants, with the numbers
        self.buffer_of: dict[int, Buffer] = {}  # of rows that may be read again
        self.inlined = choose_inlined(self.classes, {int(k) for k in self.class_of[tape.roots]})

    def begin(self, store: np.ndarray) -> None:
        """Start a statement, with the index row of its store."""
        self.rows = [np.asarray(store)]
        self.known = []
        self.buffer_of = {}

    def operand(self, of: int, nodes: np.ndarray) -> Expression:
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
                return added([(each.sign, self.operand(each.slot.of, each.slot.nodes[index, 0])) for each in found.terms])
            return applied(found, [self.operand(slot.of, slot.nodes[index, 0]) for slot in found.slots])
        self.assign(of, nodes)
        row = self.places(of, nodes)
        for number, known in enumerate(self.rows[1:], 1):  # x * x reads one place
            if known is row or (len(known) == len(row) and self.buffer_of.get(number) is self.buffers[of] and (known == row).all()):
                return Load(Access(self.buffers[of], number, ()))
        self.rows.append(row)
        self.buffer_of[len(self.rows) - 1] = self.buffers[of]
        return Load(Access(self.buffers[of], len(self.rows) - 1, ()))

    def places(self, of: int, nodes: np.ndarray) -> np.ndarray:
        """Where nodes are in the buffer of their class."""
        places = (self.place_of if self.classes[of].kind in ("parameter", "input") else self.position)[nodes]
        if places.size and places.min() < 0:
            raise AssertionError("a number has no place in memory: this is a bug in chainrule's compiler")
        return places

    def assign(self, of: int, nodes: np.ndarray) -> None:
        """Give parameters that have no place yet one, in the order in which they are used here: they form an array."""
        if self.classes[of].kind != "parameter":
            return
        new = nodes[self.place_of[nodes] < 0]
        if not len(new):
            return
        unique, first = np.unique(new, return_index=True)
        unique = unique[np.argsort(first)]
        begin = self.parameter_buffer.size
        if len(unique) >= 4 * ALIGNED:
            begin += -begin % ALIGNED
        self.place_of[unique] = np.arange(begin, begin + len(unique))
        self.arrays.append((begin, len(unique)))
        self.assigned.append(unique)
        self.parameter_buffer.size = begin + len(unique)

    def unassign(self, size: int, arrays: int) -> None:
        """Undo the places that parameters were given since."""
        for nodes in self.assigned[arrays:]:
            self.place_of[nodes] = -1
        self.parameter_buffer.size = size
        del self.arrays[arrays:], self.assigned[arrays:]


def applied(found: Class, operands: list[Expression]) -> Expression:
    """The operation of a class, applied to expressions."""
    assert found.primitive is not None
    if found.number is not None:
        operands = [*operands, Constant(found.number)]
    return apply(found.primitive, *operands)


def added(terms: list[tuple[int, Expression]]) -> Expression:
    """The sum of signed terms, those of each half first, so that no expression is deep."""
    if len(terms) == 1:
        sign, term = terms[0]
        return term if sign > 0 else -term
    middle = (len(terms) + 1) // 2
    first, second = added(terms[:middle]), terms[middle:]
    if all(sign < 0 for sign, _ in second):
        return first - added([(1, term) for _, term in second])
    return first + added(second)


__all__ = ["Rows", "added", "applied"]
