"""Interning: nodes with the same operation and operands of the same classes get the same number, in one pass over the tape.

What repeats along the tape, such as the nodes of one sample after those of another, is looked at once where it provably comes out alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from chainrule import primitives
from chainrule.compiler.capture.tape import CONSTANT

if TYPE_CHECKING:
    from chainrule.compiler.analysis.sums import SumTerms
    from chainrule.compiler.capture.tape import Tape

LEAST_REPETITIONS = 2
SUM = -1  # in place of the code of an operation

_OPERATION, _PLUS, _MINUS, _MAX = range(4)
KINDS = {primitives.add: _PLUS, primitives.subtract: _MINUS, primitives.largest: _MAX}


class OneOperand(NamedTuple):
    """What nodes with one operand have in common: the operation, the operand's class, and the number that belongs to the operation.

    The number is not a class: tuples of any kind are equal by what they hold, and `nothing` keeps it apart from a second operand's class.
    """

    code: int
    operand: int
    nothing: None
    number: float


class TwoOperands(NamedTuple):
    """What nodes with two operands have in common: the operation and the classes of the operands."""

    code: int
    first: int
    second: int


class Operands(NamedTuple):
    """What nodes with any other number of operands have in common."""

    code: int
    operands: tuple[int, ...]


class SumState(NamedTuple):
    """How far a sum has come: the state before, and the kind of the terms that follow; None if there are none."""

    code: int
    before: int
    term: int | None


Key: TypeAlias = OneOperand | TwoOperands | Operands | SumState
"""Keys are looked up as plain tuples, which are equal to these: a named tuple for each node would cost half as much time again."""


class Stretch(NamedTuple):
    """A part of the tape in which every node is like the one a period before."""

    begin: int
    end: int
    period: int


def _repeated(tape: Tape, absorbed: np.ndarray, operands: np.ndarray, terms: SumTerms) -> list[Stretch]:
    """Stretches of the tape in which every node is like the one a period before; whether its class is the same depends on the beginning.

    The period is the distance between the terms of the longest sum: the nodes of one sample. A node is like the one before if both apply
    the same operation, and each operand is the same leaf or kind of leaf, the same node, or itself one period further.
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
    return [Stretch(begin, end, period) for begin, end in stretches if end - begin >= LEAST_REPETITIONS * period]


def intern(tape: Tape, absorbed: np.ndarray, operands: np.ndarray, terms: SumTerms) -> tuple[np.ndarray, int]:
    """Give each node the number of its class: nodes with the same operation and like operands get the same one.

    Arguments:
        tape: the graph.
        absorbed: the sums that are the beginning of a longer one.
        operands: those of all nodes, as `chains` has turned them.
        terms: those of the sums.

    Returns:
        The numbers, and how many there are.
    """
    interner = _Interner(tape, absorbed, operands)
    done = 0
    for begin, end, period in _repeated(tape, absorbed, operands, terms):
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

    A sum goes through states, one for each kind of term; a further term like the last one stays in the state. States and classes
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
        self.kinds = [KINDS.get(row, _OPERATION) for row in tape.rows]
        self.zero = (tape.codes == CONSTANT) & (tape.numbers == 0.0)
        self.known: dict[tuple[object, ...], int] = {}  # by what they are, a `Key`
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
            if end - begin == 1:
                one = (code, classes[operand[begin]], None, number)
                found = known.get(one)
                classes[node] = self._new(OneOperand(*one)) if found is None else found
            elif end - begin == 2:
                two = (code, classes[operand[begin]], classes[operand[begin + 1]])
                found = known.get(two)
                classes[node] = self._new(TwoOperands(*two)) if found is None else found
            else:
                several = (code, tuple([classes[x] for x in operand[begin:end]]))
                found = known.get(several)
                classes[node] = self._new(Operands(*several)) if found is None else found

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
            key = (SUM, state, like)
            found = known.get(key)
            if found is None:
                found = self._new(SumState(*key))
                last[found] = like
            state = found
        if state < 0:  # a sum of nothing but zeros
            key_of_nothing = SumState(SUM, state, None)
            found = known.get(key_of_nothing)
            if found is None:
                found = self._new(key_of_nothing)
                last[found] = None
            state = found
        return state

    def _new(self, key: Key) -> int:
        self.known[key] = self.count
        self.count += 1
        return self.count - 1


__all__ = ["KINDS", "intern"]
