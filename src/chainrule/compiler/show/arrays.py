"""Names for a program's memory: arrays with names and shapes, and places in them as indices.

A statement knows a place as `base + sum(stride * index)` in a buffer. Here that becomes `w[j, k]`: the parameters' buffer is cut into
arrays named after the labels of their Values, each buffer gets the shape in which most statements go through it, and the strides are
read as steps along its dimensions. If they are not, the place is written as one number, `w.flat[16*j + k + 5]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.compiler.ir.expressions import Access, Buffer, Lookup
from chainrule.compiler.ir.statements import BATCH, Group, Statement
from chainrule.compiler.show.labels import names_of, number_unnamed, segments_of, shapes_of
from chainrule.compiler.show.shapes import LOOKED_UP, Array, Term, shape_of, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.compiler.analysis.lowered import Lowered

LETTERS = "ijklmpqrsuwxyz"


class Arrays:
    """The arrays of a program.

    Arguments:
        lowered: the program.
        groups: everything that is done, in order.
    """

    def __init__(self, lowered: Lowered, groups: Sequence[Group]) -> None:
        self._steps: dict[Buffer, int] = {}
        labels = [None if leaf is None else leaf.label for leaf in lowered.parameters]
        uses: dict[tuple[Buffer, int, int], list[tuple[int, list[Term]]]] = {}
        found = [(access, sizes) for group in groups for statement in group.statements for access, sizes in _accesses(statement)]
        inside = {
            (base, tuple(terms))
            for access, sizes in found
            if _origin(access.buffer).role == "parameter" and (access.lookup is None or access.lookup.buffer.numbers is not None)
            for base, terms in [self._line(access, sizes)]
        }
        inner = {buffer for group in groups for buffer in registers_of(group)}
        self._segments = segments_of(lowered.arrays, labels, inside)
        for access, sizes in sorted(found, key=lambda use: use[0].buffer in inner):
            base, terms = self._line(access, sizes)
            buffer, begin, size = self._area(access, base, terms)
            if access.buffer not in inner or (buffer, begin, size) not in uses:  # registers are written without indices
                uses.setdefault((buffer, begin, size), []).append((base - begin, terms))
        names = names_of(lowered.arrays, self._segments, labels)
        self._known: dict[tuple[Buffer, int, int], Array] = {}
        for number, (area, places) in enumerate(uses.items()):
            buffer, begin, size = area
            is_segment = buffer.role == "parameter" and (begin, size) in names
            shapes = shapes_of(labels[begin : begin + size]) if is_segment else []
            shape = shape_of(size, places, shapes)
            name = names[begin, size] if is_segment else buffer.name
            self._known[area] = Array(name or f"{'W' if len(shape) > 1 else 'w'}{number}", shape, buffer, begin)
        number_unnamed(self._known, names)

    # --- arrays ---------------------------------------------------------------------------------------------------------------------------

    def of(self, access: Access, sizes: Sequence[int]) -> tuple[Array, int, list[Term]]:
        """The array that an access goes to, and how: the first place within the array, and the steps from there."""
        base, terms = self._line(access, sizes)
        area = self._area(access, base, terms)
        array = self._known[area]
        if access.buffer is not array.buffer:  # the adjoint of a buffer is laid out as that is
            array = array._replace(name="d" * _order(access.buffer) + array.name, buffer=access.buffer)
        return array, base - area[1], terms

    def table(self, buffer: Buffer) -> np.ndarray:
        """The numbers of a table, in the unit in which they are written."""
        assert buffer.numbers is not None
        return buffer.numbers // self._unit(buffer)

    def _unit(self, table: Buffer) -> int:
        """The largest number that divides all offsets of a table: it counts rows rather than numbers."""
        if table not in self._steps:
            self._steps[table] = int(np.gcd.reduce(table.numbers)) or 1 if table.numbers is not None else 1
        return self._steps[table]

    def _line(self, access: Access, sizes: Sequence[int]) -> tuple[int, list[Term]]:
        terms = [
            Term(stride, str(axis), 0, size - 1)
            for axis, (size, stride) in enumerate(zip(sizes, access.strides, strict=True))
            if stride and size != BATCH
        ]
        lookup = access.lookup
        if lookup is not None:
            unit = self._unit(lookup.buffer) if lookup.buffer.numbers is not None else 1
            low, high = (
                (0, 0)
                if lookup.buffer.numbers is None
                else (int(lookup.buffer.numbers.min()) // unit, int(lookup.buffer.numbers.max()) // unit)
            )
            terms.append(Term(lookup.scale * unit, LOOKED_UP, low, high))
        return access.base, terms

    def _area(self, access: Access, base: int, terms: list[Term]) -> tuple[Buffer, int, int]:
        buffer = _origin(access.buffer)
        if buffer.role == "parameter":
            low, high = span(base, terms)
            for begin, size in self._segments:
                if begin <= low and high < begin + size:
                    return buffer, begin, size
        return buffer, 0, buffer.size


def registers_of(group: Group) -> set[Buffer]:
    """The buffers that a group stores to and that never reach memory."""
    return {statement.store.buffer for statement, kept in zip(group.statements, group.kept, strict=True) if not kept}


def _origin(buffer: Buffer) -> Buffer:
    while buffer.of is not None:
        buffer = buffer.of
    return buffer


def _order(buffer: Buffer) -> int:
    return 0 if buffer.of is None else 1 + _order(buffer.of)


def _accesses(statement: Statement) -> Iterator[tuple[Access, tuple[int, ...]]]:
    """Every access of a statement, those of lookups included, and the sizes of its axes."""
    for access in statement.accesses():
        yield access, statement.sizes
        if access.lookup is not None:
            yield direct(access.lookup), statement.sizes


def direct(lookup: Lookup) -> Access:
    """The access that a lookup makes to find its offset."""
    return Access(lookup.buffer, lookup.base, lookup.strides, None, lookup.advance)
