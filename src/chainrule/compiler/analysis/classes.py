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
from chainrule.compiler.analysis.interning import KINDS, intern
from chainrule.compiler.analysis.sums import SumTerms, chains
from chainrule.compiler.capture.tape import CONSTANT, PARAMETER, Tape
from chainrule.row import Primitive

NOT_A_MEMBER = -1


class Slot(NamedTuple):
    """One operand of every member of a class.

    Arguments:
        of: the class that the operands are in.
        nodes: which nodes they are: one row for each member; several columns in a sum.
    """

    of: int
    nodes: np.ndarray


class Terms(NamedTuple):
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
        terms: those of a sum or max, one kind after another.
    """

    kind: str
    members: np.ndarray
    primitive: Primitive | None = None
    number: float | None = None
    slots: list[Slot] = field(default_factory=list)
    terms: list[Terms] = field(default_factory=list)

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
    absorbed, operands = chains(tape)
    terms = SumTerms(tape, absorbed, operands)
    class_of, count = intern(tape, absorbed, operands, terms)
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


def _describe(tape: Tape, members: np.ndarray, operands: np.ndarray, class_of: np.ndarray, number_of: np.ndarray, terms: SumTerms) -> Class:
    """What the members of a class have in common, and their operands."""
    node = members[0]
    code = int(tape.codes[node])
    if code < 0:
        return Class({PARAMETER: "parameter", CONSTANT: "constant"}.get(code, "input"), members)
    row = tape.rows[code]
    if row in KINDS:
        kind = "max" if row is primitives.largest else "sum"
        return Class(kind, members, terms=_terms(members, class_of, number_of, terms))
    count = int(tape.starts[node + 1] - tape.starts[node])
    columns = [operands[tape.starts[members] + k] for k in range(count)]
    for column in columns:
        _check_alike(class_of[column])
    slots = [Slot(int(number_of[class_of[column[0]]]), column[:, None]) for column in columns]
    if row is primitives.take and len({slot.of for slot in slots[1:]}) == 1:
        slots[1:] = [Slot(slots[1].of, np.stack(columns[1:], 1))]
    number = float(tape.numbers[node]) if row.parametric and count == 1 else None
    return Class("operation", members, row, number, slots)


def _terms(members: np.ndarray, class_of: np.ndarray, number_of: np.ndarray, terms: SumTerms) -> list[Terms]:
    """The terms that every sum of the class has, one kind after another."""
    count, term, minus = terms.of(members)
    if not len(term):
        return []
    kind = np.where(minus, ~class_of[term], class_of[term])
    owner = np.repeat(np.arange(len(members)), count)
    new = np.ones(len(term), bool)
    new[1:] = (kind[1:] != kind[:-1]) | (owner[1:] != owner[:-1])
    number = np.cumsum(new)
    first = np.cumsum(count) - count
    place = number - np.repeat(number[first], count)  # of the kind within its sum
    found = []
    for k in range(int(place.max()) + 1):
        here = np.flatnonzero(place == k)
        _check_alike(kind[here])
        sign = -1 if minus[here[0]] else 1
        of = int(number_of[class_of[term[here[0]]]])
        lengths = np.bincount(owner[here], minlength=len(members))
        if (lengths == lengths[0]).all():
            found.append(Terms(sign, Slot(of, term[here].reshape(len(members), -1)), None))
        else:
            found.append(Terms(sign, Slot(of, term[here][:, None]), owner[here]))
    return found


def _check_alike(kinds: np.ndarray) -> None:
    """Check that the operands of a class are of one class themselves; otherwise machine code would read wrong numbers."""
    if (kinds != kinds[0]).any():
        raise AssertionError("nodes that are computed differently were sorted into one class: this is a bug in chainrule's compiler")


def _merge_equal(found: Class, position: np.ndarray) -> None:
    """Merge members with the same operands: they are the same number. Operands that were merged already count as the same."""
    if any(each.sums is not None for each in found.terms):
        return
    slots = found.slots or [each.slot for each in found.terms]
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
    found.terms = [Terms(each.sign, Slot(each.slot.of, each.slot.nodes[keep]), None) for each in found.terms]


_WEIGHTS = np.random.default_rng(1).integers(1, 2**62, 64)
