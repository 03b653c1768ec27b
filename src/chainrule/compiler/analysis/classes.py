"""Nodes that are computed alike form a class: the elements of one array.

Two nodes are alike if they apply the same operation to operands that are alike. One pass over the tape finds the classes exactly: each node
is interned by its operation and the classes of its operands. A chain of additions is one sum, and sums of like terms are alike whatever
their number of terms; that is what collapses ragged, triangular programs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from chainrule import primitives
from chainrule.compiler.capture.tape import CONSTANT, PARAMETER, Tape
from chainrule.primitives import Primitive

NOT_A_MEMBER = -1


class Slot(NamedTuple):
    """One operand of every member of a class.

    Arguments:
        of: the class that the operands are in.
        nodes: which nodes they are: one row for each member; several columns in a sum.
    """

    of: int
    nodes: np.ndarray


class Run(NamedTuple):
    """Terms of one kind that follow each other in every sum of a class.

    Arguments:
        sign: 1 or -1, the sign of the terms.
        slot: the terms, a column for each. If the sums differ in their number of terms, all terms in one column.
        sums: then, for each term, which member's sum it belongs to; else None.
    """

    sign: int
    slot: Slot
    sums: np.ndarray | None


@dataclass
class Class:
    """Nodes that are computed alike.

    Arguments:
        kind: "parameter", "constant", "input", "sum", "max" (of any number of terms), or "operation".
        members: their positions on the tape, in order; only the first of equal nodes.
        primitive: of an operation.
        number: the constant of the operation, such as the 2.0 of `x ** 2`.
        slots: the operands of an operation.
        runs: the terms of a sum or max.
    """

    kind: str
    members: np.ndarray
    primitive: Primitive | None = None
    number: float | None = None
    slots: list[Slot] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many members there are."""
        return len(self.members)


class Classes(NamedTuple):
    """The classes of a tape, each after those that it depends on.

    Arguments:
        classes: all of them.
        class_of: for each node of the tape its class; NOT_A_MEMBER for the inner nodes of a sum.
        position: for each node its number among the members.
    """

    classes: list[Class]
    class_of: np.ndarray
    position: np.ndarray


def find_classes(tape: Tape) -> Classes:
    """Sort the nodes of a tape into classes."""
    absorbed, operands = _chains(tape)
    terms = _Terms(tape, absorbed, operands)
    class_of, count = _intern(tape, absorbed, operands, _repeated(tape, absorbed, operands, terms))
    class_of[absorbed] = NOT_A_MEMBER

    order = np.argsort(class_of, kind="stable")
    order = order[np.searchsorted(class_of[order], 0) :]
    bounds = np.searchsorted(class_of[order], np.arange(count + 1))
    position = np.full(tape.size, -1, np.int64)
    classes: list[Class] = []
    number_of = np.full(count, -1, np.int64)  # classes that have no members, as inner states of sums, get no number
    for k in range(count):
        members = order[bounds[k] : bounds[k + 1]]
        if not len(members):
            continue
        number_of[k] = len(classes)
        classes.append(_describe(tape, members, operands, class_of, number_of, terms))
        found = classes[-1]
        position[members] = np.arange(len(members))
        if found.kind in ("operation", "sum") and len(members) > 1:
            _merge_equal(found, position)
    return Classes(classes, np.where(class_of >= 0, number_of[class_of], NOT_A_MEMBER), position)


# --- sums -------------------------------------------------------------------------------------------------------------------------------


def _is(tape: Tape, *rows: Primitive) -> np.ndarray:
    """Which nodes are one of these operations."""
    wanted = [code for code, row in enumerate(tape.rows) if row in rows]
    return np.isin(tape.codes, wanted)


def _chains(tape: Tape) -> tuple[np.ndarray, np.ndarray]:
    """Which sums are the beginning of a longer sum: the first operand of another sum, and used nowhere else.

    Returns:
        A flag for each node, and the operands: those of `a + b` change places where only `b` begins a longer sum.
    """
    starts, operands = tape.starts, tape.operands.copy()
    is_sum = _is(tape, primitives.add, primitives.subtract)
    uses = np.bincount(operands, minlength=tape.size)
    np.add.at(uses, tape.roots, 1)
    once = is_sum & (uses == 1)
    pairs = np.flatnonzero(_is(tape, primitives.add) & (np.diff(starts) == 2))
    left, right = starts[pairs], starts[pairs] + 1
    turn = ~once[operands[left]] & once[operands[right]]
    left, right = left[turn], right[turn]
    operands[left], operands[right] = operands[right], operands[left]
    sums = np.flatnonzero(is_sum)
    first = operands[starts[sums]]
    absorbed = np.zeros(tape.size, bool)
    absorbed[first[once[first]]] = True
    return absorbed, operands


class _Terms:
    """The terms of every sum that is not part of a longer one, and of every maximum, in order."""

    def __init__(self, tape: Tape, absorbed: np.ndarray, operands: np.ndarray) -> None:
        starts = tape.starts
        is_sum = _is(tape, primitives.add, primitives.subtract)
        joined = np.flatnonzero(is_sum | _is(tape, primitives.largest))
        root = np.arange(tape.size)
        sums = np.flatnonzero(is_sum)
        first = operands[starts[sums]]
        absorbs = absorbed[first]
        root[first[absorbs]] = sums[absorbs]
        while not np.array_equal(further := root[root], root):  # each round doubles the length of the chains that are resolved
            root = further

        count = np.diff(starts)[joined]
        owner = np.repeat(joined, count)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        term = operands[starts[owner] + within]
        minus = _is(tape, primitives.subtract)[owner] & (within == 1)
        zero = (tape.codes == CONSTANT) & (tape.numbers == 0.0)
        keep = ~(absorbed[term] & (within == 0) & is_sum[owner]) & ~(zero[term] & is_sum[owner])
        owner, within, term, minus = owner[keep], within[keep], term[keep], minus[keep]
        order = np.lexsort((within, owner, root[owner]))
        self.term = term[order]
        self.minus = minus[order]
        roots = root[owner[order]]
        self.start = np.searchsorted(roots, np.arange(tape.size + 1))

    def of(self, members: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The number of terms of each member, and all their terms and signs one after another."""
        count = self.start[members + 1] - self.start[members]
        index = np.repeat(self.start[members] - (np.cumsum(count) - count), count) + np.arange(count.sum())
        return count, self.term[index], self.minus[index]


# --- interning --------------------------------------------------------------------------------------------------------------------------


def _repeated(tape: Tape, absorbed: np.ndarray, operands: np.ndarray, terms: _Terms) -> list[tuple[int, int, int]]:
    """Stretches of the tape in which every node is like the one a period before; whether its class is the same depends on the beginning.

    The period is the distance between the terms of the longest sum: the nodes of one sample. A node is like the one before if both apply
    the same operation, and each operand is the same leaf or kind of leaf, the same node, or itself one period further.

    Returns:
        For each stretch its beginning, its end, and the period.
    """
    lengths = np.diff(terms.start)
    if not len(lengths) or lengths.max() < 4 * LEAST_REPETITIONS:
        return []
    longest = int(lengths.argmax())
    distances = np.diff(terms.term[terms.start[longest] : terms.start[longest + 1]])
    period = int(np.median(distances))
    if period < 4:
        return []
    codes, starts, numbers = tape.codes, tape.starts, tape.numbers
    count = np.diff(starts)
    zero = (codes == CONSTANT) & (numbers == 0.0)  # which sums leave out
    like = np.zeros(tape.size, bool)
    like[period:] = (
        (codes[period:] == codes[:-period])
        & (count[period:] == count[:-period])
        & (absorbed[period:] == absorbed[:-period])
        & (zero[period:] == zero[:-period])
        & ((codes[period:] < 0) | (numbers[period:] == numbers[:-period]))
    )
    owner = np.repeat(np.arange(tape.size), count)
    known = like[owner]
    here = np.flatnonzero(known)
    before = starts[owner[here] - period] + (here - starts[owner[here]])
    operand, earlier = operands[here], operands[before]
    same_leaf = (codes[operand] < 0) & (codes[operand] == codes[earlier]) & (zero[operand] == zero[earlier])
    moved = (operand - earlier == period) & (owner[here] - operand <= period)
    differs = ~(same_leaf | (operand == earlier) | moved)
    like[owner[here[differs]]] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], like, [False]]).astype(np.int8)))
    stretches = zip((edges[::2] + period).tolist(), edges[1::2].tolist(), strict=True)  # operands of the first period may lie outside
    return [(begin, end, period) for begin, end in stretches if end - begin >= LEAST_REPETITIONS * period]


LEAST_REPETITIONS = 2


def _intern(tape: Tape, absorbed: np.ndarray, operands: np.ndarray, repeated: list[tuple[int, int, int]]) -> tuple[np.ndarray, int]:
    """Give each node the number of its class: nodes with the same operation and like operands get the same one."""
    interner = _Interner(tape, absorbed, operands)
    done = 0
    for begin, end, period in repeated:
        interner.stretch(done, begin)
        done = begin
        like = interner.classes[begin - period : begin]
        if like == interner.classes[begin - 2 * period : begin - period]:  # what goes in is alike, so all that follows is
            whole, rest = divmod(end - begin, period)
            interner.classes[begin:end] = like * whole + like[:rest]
            done = end
    interner.stretch(done, tape.size)
    return np.array(interner.classes, np.int64), interner.count


class _Interner:
    """The classes found so far.

    A sum goes through states, one for each run of like terms; a further term like the last one stays in the state. States and classes
    share their numbers.
    """

    def __init__(self, tape: Tape, absorbed: np.ndarray, operands: np.ndarray) -> None:
        self.tape, self.absorbed, self.operands = tape, absorbed, operands
        leaf_codes = np.unique(tape.codes[tape.codes < 0])[::-1]
        class_of = np.zeros(tape.size, np.int64)
        for number, code in enumerate(leaf_codes.tolist()):
            class_of[tape.codes == code] = number
        self.classes: list[int] = class_of.tolist()
        self.count = len(leaf_codes)
        self.kinds = [_KINDS.get(row, _OPERATION) for row in tape.rows]
        self.zero = (tape.codes == CONSTANT) & (tape.numbers == 0.0)
        self.known: dict[object, int] = {}
        self.last: dict[int, int | None] = {}  # the kind of term that a state ends with

    def stretch(self, first: int, last: int) -> None:
        """Find the classes of the nodes from `first` up to `last`."""
        tape, classes, known, kinds = self.tape, self.classes, self.known, self.kinds
        offset, limit = tape.starts[first], tape.starts[last]
        operand = self.operands[offset:limit].tolist()
        is_zero = self.zero[self.operands[offset:limit]].tolist()
        continues = self.absorbed[self.operands[offset:limit]].tolist()
        starts = (tape.starts[first : last + 1] - offset).tolist()
        rows = zip(range(first, last), tape.codes[first:last].tolist(), tape.numbers[first:last].tolist(), starts, starts[1:], strict=False)
        for node, code, number, begin, end in rows:
            if code < 0:
                continue
            kind = kinds[code]
            if kind != _OPERATION:
                classes[node] = self._sum(kind, operand[begin:end], is_zero[begin:end], continues[begin])
                continue
            key: object
            if end - begin == 1:
                key = (code, classes[operand[begin]], None, number)  # a number that belongs to the operation is no class
            elif end - begin == 2:
                key = (code, classes[operand[begin]], classes[operand[begin + 1]])
            else:
                key = (code, *[classes[x] for x in operand[begin:end]])
            found = known.get(key)
            classes[node] = self._new(key) if found is None else found

    def _sum(self, kind: int, terms: list[int], is_zero: list[bool], continues: bool) -> int:
        """The state that a sum ends in; the first of its terms may be the sum that it continues."""
        classes, known, last = self.classes, self.known, self.last
        state = -2 if kind == _MAX else -1
        if kind != _MAX and continues:
            state = classes[terms[0]]
        for position, term in enumerate(terms):
            if kind != _MAX and (is_zero[position] or (continues and position == 0)):
                continue
            like = ~classes[term] if kind == _MINUS and position == 1 else classes[term]
            if state >= 0 and last[state] == like:
                continue
            key = (-1, state, like)
            found = known.get(key)
            if found is None:
                found = self._new(key)
                last[found] = like
            state = found
        if state < 0:  # a sum of nothing but zeros
            found = known.get((-1, state))
            if found is None:
                found = self._new((-1, state))
                last[found] = None
            state = found
        return state

    def _new(self, key: object) -> int:
        self.known[key] = self.count
        self.count += 1
        return self.count - 1


_OPERATION, _PLUS, _MINUS, _MAX = range(4)
_KINDS = {primitives.add: _PLUS, primitives.subtract: _MINUS, primitives.largest: _MAX}


def _describe(tape: Tape, members: np.ndarray, operands: np.ndarray, class_of: np.ndarray, number_of: np.ndarray, terms: _Terms) -> Class:
    """What the members of a class have in common, and their operands."""
    node = members[0]
    code = int(tape.codes[node])
    if code < 0:
        return Class({PARAMETER: "parameter", CONSTANT: "constant"}.get(code, "input"), members)
    row = tape.rows[code]
    if row in _KINDS:
        kind = "max" if row is primitives.largest else "sum"
        return Class(kind, members, runs=_runs(members, class_of, number_of, terms))
    count = int(tape.starts[node + 1] - tape.starts[node])
    columns = [operands[tape.starts[members] + k] for k in range(count)]
    for column in columns:
        _check_alike(class_of[column])
    slots = [Slot(int(number_of[class_of[column[0]]]), column[:, None]) for column in columns]
    if row is primitives.take and len({slot.of for slot in slots[1:]}) == 1:
        slots[1:] = [Slot(slots[1].of, np.stack(columns[1:], 1))]
    number = float(tape.numbers[node]) if row.parametric and count == 1 else None
    return Class("operation", members, row, number, slots)


def _runs(members: np.ndarray, class_of: np.ndarray, number_of: np.ndarray, terms: _Terms) -> list[Run]:
    """The runs of like terms that every sum of the class has."""
    count, term, minus = terms.of(members)
    if not len(term):
        return []
    kind = np.where(minus, ~class_of[term], class_of[term])
    owner = np.repeat(np.arange(len(members)), count)
    new = np.ones(len(term), bool)
    new[1:] = (kind[1:] != kind[:-1]) | (owner[1:] != owner[:-1])
    number = np.cumsum(new)
    first = np.cumsum(count) - count
    run = number - np.repeat(number[first], count)  # the number of the run within its sum
    runs = []
    for k in range(int(run.max()) + 1):
        here = np.flatnonzero(run == k)
        _check_alike(kind[here])
        sign = -1 if minus[here[0]] else 1
        of = int(number_of[class_of[term[here[0]]]])
        lengths = np.bincount(owner[here], minlength=len(members))
        if (lengths == lengths[0]).all():
            runs.append(Run(sign, Slot(of, term[here].reshape(len(members), -1)), None))
        else:
            runs.append(Run(sign, Slot(of, term[here][:, None]), owner[here]))
    return runs


def _check_alike(kinds: np.ndarray) -> None:
    """Check that the operands of a class are of one class themselves; otherwise machine code would read wrong numbers."""
    if (kinds != kinds[0]).any():
        raise AssertionError("nodes that are computed differently were sorted into one class: this is a bug in chainrule's compiler")


# --- equal nodes ------------------------------------------------------------------------------------------------------------------------


def _merge_equal(found: Class, position: np.ndarray) -> None:
    """Merge members with the same operands: they are the same number. Operands that were merged already count as the same."""
    if any(run.sums is not None for run in found.runs):
        return
    slots = found.slots or [run.slot for run in found.runs]
    if not slots:
        return
    rows = np.concatenate([position[slot.nodes] for slot in slots], 1)
    # rows that differ nearly always differ in this number; those that do not are compared
    mixed = (rows * _WEIGHTS[np.arange(rows.shape[1]) % len(_WEIGHTS)] * (np.arange(rows.shape[1]) + 1)).sum(1)
    _, first, which = np.unique(mixed, return_index=True, return_inverse=True)
    if len(first) == found.size or not (rows == rows[first[which]]).all():
        return
    order = np.argsort(first)
    rank = np.empty(len(first), np.int64)
    rank[order] = np.arange(len(first))
    position[found.members] = rank[which]
    keep = np.sort(first)
    found.members = found.members[keep]
    found.slots = [Slot(slot.of, slot.nodes[keep]) for slot in found.slots]
    found.runs = [Run(run.sign, Slot(run.slot.of, run.slot.nodes[keep]), None) for run in found.runs]


_WEIGHTS = np.random.default_rng(1).integers(1, 2**62, 64)
