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
from chainrule.compiler.tape import Tape
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
        members: their positions on the tape, in order; of nodes that are equal, only the first.
        primitive: of an operation.
        number: what belongs to the operation, such as the 2.0 of `x ** 2`.
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
    codes = tape.codes
    absorbed, operands = _chains(tape)
    class_of, count = _intern(tape, absorbed, operands)
    class_of[absorbed] = NOT_A_MEMBER
    terms = _Terms(tape, absorbed, operands)

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
    """Which sums are the beginning of a longer sum, that is the first operand of another and used nowhere else.

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
    """The terms of every sum that is no part of a longer one, and of every largest-of, in order."""

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
        zero = (tape.codes == -2) & (tape.numbers == 0.0)
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


def _intern(tape: Tape, absorbed: np.ndarray, operands: np.ndarray) -> tuple[np.ndarray, int]:
    """Give each node the number of its class: nodes with the same operation and like operands get the same one.

    A sum goes through states, one for each run of like terms; a further term like the last one stays in the state. States and classes
    share their numbers.
    """
    codes = tape.codes
    leaf_codes = np.unique(codes[codes < 0])
    class_of = np.zeros(tape.size, np.int64)
    for number, code in enumerate(leaf_codes[::-1].tolist()):
        class_of[codes == code] = number
    classes: list[int] = class_of.tolist()
    count = len(leaf_codes)
    kind = [_KINDS.get(row, _OPERATION) for row in tape.rows]
    zero = ((codes == -2) & (tape.numbers == 0.0)).tolist()
    inner = absorbed.tolist()
    known: dict[object, int] = {}
    last: dict[int, int | None] = {}  # the kind of term that a state ends with
    start = tape.starts.tolist()
    operand = operands.tolist()
    number = tape.numbers.tolist()

    for node, code in enumerate(codes.tolist()):
        if code < 0:
            continue
        begin, end = start[node], start[node + 1]
        what = kind[code]
        key: object
        if what == _OPERATION:
            if end - begin == 1:
                key = (code, classes[operand[begin]], number[node])
            elif end - begin == 2:
                key = (code, classes[operand[begin]], classes[operand[begin + 1]])
            else:
                key = (code, *[classes[x] for x in operand[begin:end]])
            found = known.get(key)
            if found is None:
                found = known[key] = count
                count += 1
            classes[node] = found
            continue
        state = -2 if what == _MAX else -1
        if what != _MAX and inner[operand[begin]]:
            state = classes[operand[begin]]
            begin += 1
        for position in range(begin, end):
            term = operand[position]
            if zero[term] and what != _MAX:
                continue
            term_class = classes[term]
            if what == _MINUS and position == end - 1:
                term_class = ~term_class
            if state >= 0 and last[state] == term_class:
                continue
            key = (-1, state, term_class)
            found = known.get(key)
            if found is None:
                found = known[key] = count
                last[found] = term_class
                count += 1
            state = found
        if state < 0:  # a sum of nothing but zeros
            key = (-1, state)
            state = known.get(key, count)
            known[key] = state
            last[state] = None
            count = max(count, state + 1)
        classes[node] = state
    return np.array(classes, np.int64), count


_OPERATION, _PLUS, _MINUS, _MAX = range(4)
_KINDS = {primitives.add: _PLUS, primitives.subtract: _MINUS, primitives.largest: _MAX}


def _describe(
    tape: Tape, members: np.ndarray, operands: np.ndarray, class_of: np.ndarray, number_of: np.ndarray, terms: _Terms
) -> Class:
    """What the members of a class have in common, and their operands."""
    node = members[0]
    code = int(tape.codes[node])
    if code < 0:
        return Class({-1: "parameter", -2: "constant"}.get(code, "input"), members)
    row = tape.rows[code]
    if row in _KINDS:
        kind = "max" if row is primitives.largest else "sum"
        return Class(kind, members, runs=_runs(members, class_of, number_of, terms))
    count = int(tape.starts[node + 1] - tape.starts[node])
    if row is primitives.take:
        choices = np.stack([operands[tape.starts[members] + k] for k in range(1, count)], 1)
        kinds = number_of[class_of[choices[0]]]
        slots = [Slot(int(number_of[class_of[operands[tape.starts[node]]]]), operands[tape.starts[members]][:, None])]
        if (kinds == kinds[0]).all():
            slots.append(Slot(int(kinds[0]), choices))
        else:
            slots += [Slot(int(kind), choices[:, k : k + 1]) for k, kind in enumerate(kinds)]
        return Class("operation", members, row, slots=slots)
    columns = [operands[tape.starts[members] + k] for k in range(count)]
    slots = [Slot(int(number_of[class_of[column[0]]]), column[:, None]) for column in columns]
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
        sign = -1 if minus[here[0]] else 1
        of = int(number_of[class_of[term[here[0]]]])
        lengths = np.bincount(owner[here], minlength=len(members))
        if (lengths == lengths[0]).all():
            runs.append(Run(sign, Slot(of, term[here].reshape(len(members), -1)), None))
        else:
            runs.append(Run(sign, Slot(of, term[here][:, None]), owner[here]))
    return runs


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
