"""Sums on the tape: a chain of additions is one sum, whose terms stand in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule import primitives
from chainrule.compiler.capture.tape import CONSTANT

if TYPE_CHECKING:
    from chainrule.compiler.capture.tape import Tape
    from chainrule.row import Primitive


def are(tape: Tape, *rows: Primitive) -> np.ndarray:
    """Which nodes are one of these operations."""
    wanted = [code for code, row in enumerate(tape.rows) if row in rows]
    return np.isin(tape.codes, wanted)


def chains(tape: Tape) -> tuple[np.ndarray, np.ndarray]:
    """Which sums are the beginning of a longer sum: the first operand of another sum, and used nowhere else.

    Returns:
        A flag for each node, and the operands: those of `a + b` change places where only `b` begins a longer sum.
    """
    starts, operands = tape.starts, tape.operands.copy()
    is_sum = are(tape, primitives.add, primitives.subtract)
    uses = np.bincount(operands, minlength=tape.size)
    np.add.at(uses, tape.roots, 1)
    once = is_sum & (uses == 1)
    pairs = np.flatnonzero(are(tape, primitives.add) & (np.diff(starts) == 2))
    left, right = starts[pairs], starts[pairs] + 1
    turn = ~once[operands[left]] & once[operands[right]]
    left, right = left[turn], right[turn]
    operands[left], operands[right] = operands[right], operands[left]
    sums = np.flatnonzero(is_sum)
    first = operands[starts[sums]]
    absorbed = np.zeros(tape.size, bool)
    absorbed[first[once[first]]] = True
    return absorbed, operands


class SumTerms:
    """The terms of every sum that is not part of a longer one, and of every maximum, in order."""

    def __init__(self, tape: Tape, absorbed: np.ndarray, operands: np.ndarray) -> None:
        starts = tape.starts
        is_sum = are(tape, primitives.add, primitives.subtract)
        joined = np.flatnonzero(is_sum | are(tape, primitives.largest))
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
        minus = are(tape, primitives.subtract)[owner] & (within == 1)
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


__all__ = ["SumTerms", "are", "chains"]
