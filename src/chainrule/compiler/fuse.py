"""Statements over the same axes are done together, so that what one computes the next need not fetch from memory.

A statement joins an earlier group if nothing between them stands in the way, and if every number that it shares with the group is met at
the same point of the axes. What no other group reads is never stored.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from chainrule.compiler.expressions import Access
from chainrule.compiler.statements import BATCH, Statement, is_injective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.expressions import Buffer

WINDOW = 8  # how many groups back a statement looks for one to join
MOST_STATEMENTS = 48  # in a group: what is at hand must fit registers, more or less


def gather(statements: Sequence[Statement]) -> list[list[Statement]]:
    """Gather statements, whose parallel axes come first, into groups."""
    groups: list[_Growing] = []
    begins = [_begins_sum(*pair) for pair in pairwise(statements)] + [False] * bool(statements)
    for statement, begins_sum in zip(statements, begins, strict=True):
        joined = False
        for group in [] if begins_sum else reversed(groups[-WINDOW:]):
            if group.take(statement):
                joined = True
                break
            if group.conflicts(statement):
                break
        if not joined:
            groups.append(_Growing(statement))
    return [group.statements for group in groups]


def _begins_sum(statement: Statement, following: Statement) -> bool:
    """Whether a statement stores what the next one adds a sum to: they had better stay together."""
    return bool(following.accumulate and following.reduced and not statement.reduced and statement.store.buffer is following.store.buffer)


def parallel_first(statement: Statement) -> Statement:
    """The same statement with its reduced axes last, and without axes of one point."""
    reduced = statement.reduced
    axes = [axis for axis in range(len(statement.sizes)) if axis not in reduced and statement.sizes[axis] != 1]
    axes += [axis for axis in reduced if statement.sizes[axis] != 1]

    def change(access: Access) -> Access:
        lookup = access.lookup
        if lookup is not None:
            lookup = lookup._replace(strides=tuple(lookup.strides[axis] for axis in axes))
        return access._replace(strides=tuple(access.strides[axis] for axis in axes), lookup=lookup)

    return replace(statement.map(change), sizes=tuple(statement.sizes[axis] for axis in axes))


class _Growing:
    """A group that may still take statements."""

    def __init__(self, statement: Statement) -> None:
        self.statements: list[Statement] = []
        self.sizes = parallel_sizes(statement)
        self.touched: dict[Buffer, list[tuple[Statement, Access, int]]] = {}  # every access, and how
        self._add(statement)

    def _add(self, statement: Statement) -> None:
        self.statements.append(statement)
        for access, how in _touches(statement):
            self.touched.setdefault(access.buffer, []).append((statement, access, how))

    def take(self, statement: Statement) -> bool:
        """Take a statement in, if it fits."""
        first = self.statements[0]
        if len(self.statements) == MOST_STATEMENTS or statement.per_sample != first.per_sample:
            return False
        if statement.scattered or first.scattered or not is_injective(statement, len(parallel_sizes(statement))):
            return False
        if statement.reduced and self.sizes and any(other.reduced for other in self.statements):
            return False
        sizes, mine = self.sizes, parallel_sizes(statement)
        if len(mine) > len(sizes):
            return self._take_and_split(statement, mine)
        if sizes != mine:
            split = split_axes(statement, sizes)
            if split is None:
                return False
            statement = split
        if _looked_up_axes(statement) != _looked_up_axes(first) or not self._fits(statement):
            return False
        self._add(statement)
        return True

    def _take_and_split(self, statement: Statement, sizes: tuple[int, ...]) -> bool:
        """Take a statement with more axes in, by splitting those of the others."""
        split = [split_axes(other, sizes) for other in self.statements]
        if any(other is None for other in split):
            return False
        changed = _Growing(split[0])  # type: ignore[arg-type]
        for other in split[1:]:
            changed._add(other)  # type: ignore[arg-type]
        if not changed.take(statement):
            return False
        self.statements, self.sizes, self.touched = changed.statements, changed.sizes, changed.touched
        return True

    def _fits(self, statement: Statement) -> bool:
        """Whether the statement meets what it shares with the group at the same point of the axes."""
        parallel = len(self.sizes)
        for access, how in _touches(statement):
            for other, met, before in self.touched.get(access.buffer, ()):
                if STORED not in (how, before) or not _overlap(other, met, statement, access):
                    continue
                if LOOKED_UP in (how, before):
                    return False
                if not _same_point(met, access, parallel) or (before == STORED and not is_injective(other, parallel)):
                    return False
                if before == STORED and statement.reduced and how == LOADED:
                    return False  # the sum would read what is not yet in memory
                if before == LOADED and other.reduced:
                    return False
        return True

    def conflicts(self, statement: Statement) -> bool:
        """Whether the statement must come after the group."""
        return any(
            STORED in (how, before) and _overlap(other, met, statement, access)
            for access, how in _touches(statement)
            for other, met, before in self.touched.get(access.buffer, ())
        )


STORED, LOADED, LOOKED_UP = range(3)


def _touches(statement: Statement) -> list[tuple[Access, int]]:
    """What a statement touches, and how; a lookup reads memory, even where the number is in a register."""
    found = [(access, LOADED if number else STORED) for number, access in enumerate(statement.accesses())]
    found += [(Access(a.lookup.buffer, a.lookup.base, a.lookup.strides), LOOKED_UP) for a, _ in found if a.lookup is not None]
    return found


def parallel_sizes(statement: Statement) -> tuple[int, ...]:
    """The sizes of the axes that are not reduced."""
    return statement.sizes[: len(statement.sizes) - len(statement.reduced)]


def split_axes(statement: Statement, sizes: tuple[int, ...]) -> Statement | None:
    """The same statement with its parallel axes cut into others: 1600 points into 100 times 16; None if it cannot be."""
    mine = parallel_sizes(statement)
    first = 1 if mine[:1] == (BATCH,) == sizes[:1] else 0
    if len(mine) != first + 1 or BATCH in sizes[first:] or mine[first] == BATCH or mine[first] != math.prod(sizes[first:]):
        return None
    if any(access.lookup is not None and access.lookup.strides[first] for access in statement.accesses()):
        return None

    def strides(old: tuple[int, ...]) -> tuple[int, ...]:
        steps = [old[first] * math.prod(sizes[axis + 1 :]) for axis in range(first, len(sizes))]
        return (*old[:first], *steps, *old[first + 1 :])

    def change(access: Access) -> Access:
        lookup = access.lookup
        if lookup is not None:
            lookup = lookup._replace(strides=strides(lookup.strides))
        return access._replace(strides=strides(access.strides), lookup=lookup)

    return replace(statement.map(change), sizes=(*sizes, *statement.sizes[first + 1 :]))


def _looked_up_axes(statement: Statement) -> set[int]:
    """The axes along which a place is looked up: no vectors lie along them, so others had better not share them."""
    return {
        axis
        for access in statement.accesses()
        if access.lookup is not None
        for axis, stride in enumerate(access.lookup.strides[: len(parallel_sizes(statement))])
        if stride
    }


def _same_point(a: Access, b: Access, parallel: int) -> bool:
    if a.lookup is not None or b.lookup is not None or any(a.strides[parallel:]) or any(b.strides[parallel:]):
        return False
    return (a.buffer, a.base, a.strides[:parallel]) == (b.buffer, b.base, b.strides[:parallel])


def _overlap(one: Statement, a: Access, other: Statement, b: Access) -> bool:
    """Whether accesses of two statements may meet; those whose place is looked up may meet any other of their buffer."""
    if a.buffer is not b.buffer:
        return False
    if a.lookup is not None or b.lookup is not None:
        return True
    (low, high), (low_b, high_b) = _span(one, a), _span(other, b)
    return low <= high_b and low_b <= high


def _span(statement: Statement, access: Access) -> tuple[int, int]:
    """The first and the last place of an access, in a buffer of samples within one sample."""
    low = high = access.base
    for size, stride in zip(statement.sizes, access.strides, strict=True):
        if size != BATCH:
            low += min(stride, 0) * (size - 1)
            high += max(stride, 0) * (size - 1)
    return low, high


def read_from_memory(statements: list[Statement]) -> set[Buffer]:
    """What a group reads that it has not itself stored at the same point before."""
    read = set()
    written: set[Access] = set()
    for statement in statements:
        parallel = len(parallel_sizes(statement))
        for access, how in _touches(statement):
            if how == LOOKED_UP or (how == LOADED and (_at_point(access, parallel) not in written or any(access.strides[parallel:]))):
                read.add(access.buffer)
        store = _at_point(statement.store, parallel)
        if statement.accumulate and store not in written:
            read.add(store.buffer)
        written.add(store)
    return read


def _at_point(access: Access, parallel: int) -> Access:
    return access._replace(strides=access.strides[:parallel])


__all__ = ["gather", "parallel_first", "parallel_sizes", "read_from_memory", "split_axes"]
