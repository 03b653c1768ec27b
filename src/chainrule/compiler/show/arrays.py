"""How a program's memory is called: arrays with names and shapes, and places in them as indices.

A statement knows a place as `base + sum(stride * index)` in a buffer. Here that becomes `w[j, k]`: the parameters' buffer is cut into
arrays named after the labels of their Values, each buffer gets the shape in which most statements go through it, and the strides are
read as steps along its dimensions. Where they are none, the place is written as one number, `w.flat[16*j + k + 5]`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule.compiler.ir.expressions import Access, Buffer, Lookup
from chainrule.compiler.ir.statements import BATCH, Group, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from chainrule.compiler.analysis.lowered import Lowered

SAMPLE, ITERATION = "n", "t"
LETTERS = "ijklmpqrsuwxyz"
LOOKED_UP = "@"  # stands for what is looked up, until that is written
MOST_CUTS = 6
MOST_SHAPES = 8  # candidates for the shape of one array


class Array(NamedTuple):
    """A part of memory that has a name.

    Arguments:
        name: what it is called.
        shape: its dimensions; for one sample, if `buffer.per_sample`.
        buffer: where it lies.
        begin: from which place on.
    """

    name: str
    shape: tuple[int, ...]
    buffer: Buffer
    begin: int

    @property
    def size(self) -> int:
        """How many numbers it holds; for one sample, if `buffer.per_sample`."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        sizes = [*([SAMPLE] if self.buffer.per_sample else []), *map(str, self.shape)]
        return f"{self.name}[{', '.join(sizes)}]" if sizes else self.name


class Term(NamedTuple):
    """What an index moves by: `step` times an axis or a number that is looked up, which goes from `low` to `high`."""

    step: int
    text: str
    low: int
    high: int


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
        self._segments = _segments(lowered.arrays, labels, inside)
        for access, sizes in sorted(found, key=lambda use: use[0].buffer in inner):
            base, terms = self._line(access, sizes)
            buffer, begin, size = self._area(access, base, terms)
            if access.buffer not in inner or (buffer, begin, size) not in uses:  # registers are written without indices
                uses.setdefault((buffer, begin, size), []).append((base - begin, terms))
        names = _names(lowered.arrays, self._segments, labels)
        self._known: dict[tuple[Buffer, int, int], Array] = {}
        for number, (area, places) in enumerate(uses.items()):
            buffer, begin, size = area
            is_segment = buffer.role == "parameter" and (begin, size) in names
            shapes = _label_shapes(labels[begin : begin + size]) if is_segment else []
            shape = _shape(size, places, shapes)
            name = names[begin, size] if is_segment else buffer.name
            self._known[area] = Array(name or f"{'W' if len(shape) > 1 else 'w'}{number}", shape, buffer, begin)
        _number(self._known, names)

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
            low, high = _span(base, terms)
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


def _span(base: int, terms: Iterable[Term]) -> tuple[int, int]:
    low = high = base
    for step, _, first, last in terms:
        low += min(step * first, step * last)
        high += max(step * first, step * last)
    return low, high


# --- shapes -------------------------------------------------------------------------------------------------------------------------------


def _shape(size: int, places: list[tuple[int, list[Term]]], more: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape in which the places of an array are most simply written."""
    if size == 1 and not any(terms for _, terms in places):
        return ()
    candidates = dict.fromkeys([*filter(None, (_natural_shape(size, terms) for _, terms in places)), *more, (size,)])
    counted = Counter((base, tuple(terms)) for base, terms in places)
    return min(
        list(candidates)[:MOST_SHAPES],
        key=lambda shape: sum(count * _cost_when_cut(shape, base, terms) for (base, terms), count in counted.items()),
    )


def _natural_shape(size: int, terms: list[Term]) -> tuple[int, ...] | None:
    """The shape that these steps go through row by row, if they are those of one."""
    steps = sorted({abs(term.step) for term in terms}, reverse=True)
    if not steps or steps[-1] != 1 or size % steps[0] or any(a % b for a, b in pairwise(steps)):
        return None
    return (size // steps[0], *(a // b for a, b in pairwise(steps)))


def _cost(shape: tuple[int, ...], base: int, terms: Sequence[Term]) -> float:
    """How far from plain a place is in an array of this shape."""
    found = coordinates(shape, base, terms)
    if found is None:
        return 1.0 if [term.text for term in terms] == [LOOKED_UP] else 3.0
    return sum(max(0, len(moved) - 1) + 0.5 * any(abs(term.step) != 1 for term in moved) for _, moved in found)


def _cost_when_cut(shape: tuple[int, ...], base: int, terms: Sequence[Term]) -> float:
    """The same, where axes may still be cut."""
    cost = _cost(shape, base, terms)
    return 0.4 if cost == 3.0 and any(term.text != LOOKED_UP and factors(shape, term) for term in terms) else cost


def coordinates(shape: Sequence[int], base: int, terms: Sequence[Term]) -> list[tuple[int, list[Term]]] | None:
    """Read a place as one of an array of this shape: for each dimension, where it begins and by what it moves; None if it leaves one."""
    found = []
    rest = list(terms)
    for dimension, size in enumerate(shape):
        step = math.prod(shape[dimension + 1 :])
        begin, base = divmod(base, step) if step > 1 else (base, 0)
        moved = [term._replace(step=int(term.step / step)) for term in rest]
        rest = [term._replace(step=term.step - whole.step * step) for term, whole in zip(rest, moved, strict=True)]
        moved = [term for term in moved if term.step]
        low, high = _span(begin, moved)
        if low < 0 or high >= size:
            return None
        found.append((begin, moved))
    return None if base or any(term.step for term in rest) else found


def place_text(array: Array, base: int, terms: Sequence[Term], sample: str = SAMPLE) -> str:
    """A place in an array, in index notation."""
    found = coordinates(array.shape, base, terms)
    indices = [linear(begin, moved) for begin, moved in found] if found is not None else [linear(base, terms)]
    if array.buffer.per_sample:
        indices.insert(0, sample)
    flat = ".flat" if found is None else ""
    return f"{array.name}{flat}[{', '.join(indices)}]" if indices else array.name


def linear(begin: int, terms: Iterable[Term]) -> str:
    """`2*i + k + 1`."""
    text = ""
    for step, name, *_ in sorted(terms, key=lambda term: term.step < 0):
        size = name if abs(step) == 1 else f"{abs(step)}*{name}"
        text += f" {'-' if step < 0 else '+'} {size}" if text else size if step > 0 else f"-{size}"
    if not text:
        return str(begin)
    return (
        text
        if not begin
        else f"{begin} {text.replace('-', '- ', 1)}"
        if text[0] == "-"
        else f"{text} {'+' if begin > 0 else '-'} {abs(begin)}"
    )


def in_step(names: Sequence[str]) -> str:
    """One name for arrays that take turns in a loop: `v(3+2t)` for v3, v5, v7, ..."""
    tokens = [re.split(r"(\d+)", name) for name in names]
    if len({tuple(row[::2]) for row in tokens}) == 1:
        columns = [[int(token) for token in column] for column in list(zip(*tokens, strict=True))[1::2]]
        if all(len({b - a for a, b in pairwise(column)}) == 1 for column in columns):
            digits = [_moving(column[0], column[1] - column[0]) for column in columns]
            return "".join(a + b for a, b in zip(tokens[0][::2], [*digits, ""], strict=True))
    return f"{names[0]}…{names[-1]}"


def _moving(begin: int, step: int) -> str:
    if step == 0:
        return str(begin)
    size = ITERATION if abs(step) == 1 else f"{abs(step)}{ITERATION}"
    return f"({begin}{'+' if step > 0 else '-'}{size})" if begin or step < 0 else f"({size})"


def factors(shape: Sequence[int], term: Term) -> list[int]:
    """How a long axis goes on from one dimension to the next: 1600 points in [100, 16] are 100 times 16. None, if it stays in one."""
    step, count = abs(term.step), term.high + 1
    strides = [math.prod(shape[dimension + 1 :]) for dimension in range(len(shape))]
    dimension = next((k for k, stride in enumerate(strides) if step % stride == 0), None)
    if dimension is None or term.low:
        return []
    found: list[int] = []
    size = shape[dimension] * strides[dimension] // step
    while dimension >= 0 and 0 < size < count and count % size == 0:
        found.insert(0, size)
        count //= size
        dimension -= 1
        size = shape[dimension]
    return [count, *found] if found else []


class Cut(NamedTuple):
    """An axis of a group, or one along which a single statement of it sums, that might be several."""

    statement: int | None
    axis: int
    sizes: tuple[int, ...]


def split(groups: list[Group], arrays: Arrays) -> list[Group]:
    """The same groups with long axes cut into several where that is the shape of what they go through.

    Arguments:
        groups: a group, in each iteration of a loop.
        arrays: the names and shapes.
    """
    before = _costs(groups[0], arrays)
    for _ in range(MOST_CUTS):
        for cut in _cuts(groups[0], arrays):
            changed = _cut_group(groups[0], cut)
            after = _costs(changed, arrays)
            if after < before:
                before, groups = after, [changed, *(_cut_group(group, cut) for group in groups[1:])]
                break
        else:
            break
    return groups


def _cuts(group: Group, arrays: Arrays) -> dict[Cut, None]:
    """The axes that might be cut, and into what."""
    found: dict[Cut, None] = {}
    for number, statement in enumerate(group.statements):
        for access in statement.accesses():
            array, _, terms = arrays.of(access, statement.sizes)
            for term in terms:
                sizes = factors(array.shape, term) if term.text != LOOKED_UP else []
                if sizes:
                    shared = int(term.text) < len(group.sizes)
                    found[Cut(None if shared else number, int(term.text), tuple(sizes))] = None
    return found


def _costs(group: Group, arrays: Arrays) -> float:
    total = 0.0
    registers = registers_of(group)
    for statement in group.statements:
        for access in statement.accesses():
            if access.buffer in registers:
                continue
            array, base, terms = arrays.of(access, statement.sizes)
            total += _cost(array.shape, base, terms)
    return total


def _cut_group(group: Group, cut: Cut) -> Group:
    def strides(old: tuple[int, ...]) -> tuple[int, ...]:
        steps = (old[cut.axis] * math.prod(cut.sizes[k + 1 :]) for k in range(len(cut.sizes)))
        return (*old[: cut.axis], *steps, *old[cut.axis + 1 :])

    def sizes(old: tuple[int, ...]) -> tuple[int, ...]:
        return (*old[: cut.axis], *cut.sizes, *old[cut.axis + 1 :])

    statements = tuple(
        replace(statement.map(lambda access: access.with_strides(strides)), sizes=sizes(statement.sizes))
        if cut.statement in (None, number)
        else statement
        for number, statement in enumerate(group.statements)
    )
    return Group(sizes(group.sizes) if cut.statement is None else group.sizes, statements, group.kept)


# --- parameters -------------------------------------------------------------------------------------------------------------------------


def _segments(
    arrays: list[tuple[int, int]], labels: Sequence[str | None], places: set[tuple[int, tuple[Term, ...]]]
) -> list[tuple[int, int]]:
    """Cut the parameters' buffer into arrays: where labels change, unless a statement goes through both sides as through one."""
    spans = [(*_span(base, terms), len(terms)) for base, terms in places]
    segments = []
    for begin, size in arrays:
        end = begin + size
        here = [(low, high + 1) for low, high, axes in spans if axes > 1 and begin <= low and high < end]
        patterns = [_pattern(label or "") for label in labels[begin:end]]
        cuts = {begin + k for k in range(1, size) if patterns[k] != patterns[k - 1]}
        if not cuts:
            cuts = {edge for span in here for edge in span}
        kept = sorted(cut for cut in cuts if begin < cut < end and not any(low < cut < high for low, high in here))
        segments += [(a, b - a) for a, b in pairwise([begin, *kept, end])]
    return segments


def _pattern(label: str) -> tuple[str, ...]:
    """A label without its last numbers, by which the parts of one array differ: `layers.0.neurons.*.w.*`."""
    tokens = re.split(r"(\d+)", label)
    if tokens[0] == "layers.":
        return (*tokens[:2], *tokens[2::2])
    return tuple(tokens[::2])


def _names(arrays: list[tuple[int, int]], segments: list[tuple[int, int]], labels: Sequence[str | None]) -> dict[tuple[int, int], str]:
    """A name for each segment of the parameters; "" for those without labels."""
    found = {segment: _name([label or "" for label in labels[segment[0] : segment[0] + segment[1]]]) for segment in segments}
    plain = {segment: re.sub(r"\bneurons\.\d+\.", "", name) for segment, name in found.items()}
    used = list(plain.values())
    return {segment: plain[segment] if used.count(plain[segment]) == 1 else name for segment, name in found.items()}


def _name(labels: list[str]) -> str:
    """What the labels of an array have in common: `layers.0.w` of `layers.0.neurons.3.w.1` and others."""
    runs = list(dict.fromkeys(_pattern(label) for label in labels))
    if len(runs) > 1:
        names = [_name([label for label in labels if _pattern(label) == run]) for run in runs]
        return "|".join(names) if all(names) and len("|".join(names)) <= 30 else f"{names[0]}…{names[-1]}" if names[0] and names[-1] else ""
    tokens = [re.split(r"(\d+)", label) for label in labels]
    same = [len({row[k] for row in tokens}) == 1 for k in range(len(tokens[0]))]
    words = "".join(token if fixed else "*" for token, fixed in zip(tokens[0], same, strict=True)).split(".")
    last = max((k for k, word in enumerate(words) if word.strip("*")), default=-1)
    kept = [word for k, word in enumerate(words) if word != "*" and (k == last or words[k + 1 : k + 2] != ["*"])]
    return re.sub(r"\[\*\]|\(\*[, *]*\)|[_, ]?\*", "", ".".join(kept)).strip("._")


def _label_shapes(labels: Sequence[str | None]) -> list[tuple[int, ...]]:
    """The shape that the numbers in labels count through, row by row; none if they do not."""
    rows = [[int(digits) for digits in re.findall(r"\d+", label or "")] for label in labels]
    if not rows[0] or len({len(row) for row in rows}) != 1:
        return []
    columns = [column for column in zip(*rows, strict=True) if len(set(column)) > 1]
    shape = tuple(max(column) - min(column) + 1 for column in columns)
    places = [
        sum((x - min(column)) * math.prod(shape[k + 1 :]) for k, (x, column) in enumerate(zip(point, columns, strict=True)))
        for point in zip(*columns, strict=True)
    ]
    return [shape] if shape and places == list(range(len(labels))) else []


def _number(known: dict[tuple[Buffer, int, int], Array], names: dict[tuple[int, int], str]) -> None:
    """Give arrays of parameters without labels a number, and those of the same name different ones."""
    taken = {array.name for (buffer, begin, size), array in known.items() if buffer.role != "parameter" or (begin, size) not in names}
    count = 0
    for area in sorted((area for area in known if area[0].role == "parameter" and area[1:] in names), key=lambda area: area[1]):
        array = known[area]
        name = names[area[1:]]
        if not name:
            count += 1
            name = f"{'W' if len(array.shape) > 1 else 'w'}{count}"
        unique, again = name, 2
        while unique in taken:
            unique, again = f"{name}_{again}", again + 1
        taken.add(unique)
        known[area] = array._replace(name=unique)
