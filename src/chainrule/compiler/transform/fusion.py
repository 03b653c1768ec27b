"""Fuse statements over the same axes into groups, so that the next statement finds in a register what the one before computed.

A statement joins an earlier group if it does not depend on a statement between them, and if it uses every number that it shares with the
group at the same point of the axes; in the body of a loop, this must hold in every iteration. A number that no other group reads is never
stored.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from chainrule.compiler.ir.statements import BATCH, Statement, is_injective
from chainrule.compiler.transform.dependence import LOADED, LOOKED_UP, STORED, Reach, at_home, at_same_point, may_meet, reaches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.ir.expressions import Access, Buffer
    from chainrule.compiler.transform.dependence import Address

WINDOW = 8  # how many groups back a statement looks for one to join
MOST_TOGETHER = 48  # in a group: what is at hand must fit registers, more or less


def gather(iterations: Sequence[Sequence[Statement]], address: Address = at_home) -> list[list[list[Statement]]]:
    """Gather statements, whose parallel axes come first, into groups.

    Arguments:
        iterations: the statements of each iteration of a loop; they differ only in the places of their accesses, which advance regularly.
            Straight code is a loop of one iteration.
        address: for each buffer its memory, and its place there; see `dependence.reaches`.

    Returns:
        For each iteration its groups, the same ones in all of them.
    """
    groups: list[_Growing] = []
    first = iterations[0]
    begins = [_begins_sum(*pair) for pair in pairwise(first)] + [False] * bool(first)
    for number, (statement, begins_sum) in enumerate(zip(first, begins, strict=True)):
        member = _Member(number, statement, reaches([statements[number] for statements in iterations], address))
        joined = False
        for group in [] if begins_sum else reversed(groups[-WINDOW:]):
            if group.take(member):
                joined = True
                break
            if group.conflicts(member):
                break
        if not joined:
            groups.append(_Growing(member, len(iterations)))
    own = [[member.statement for member in group.members] for group in groups]
    others = [
        [[_with_sizes(statements[member.number], group.sizes) for member in group.members] for group in groups]
        for statements in iterations[1:]
    ]
    return [own, *others]


def _begins_sum(statement: Statement, following: Statement) -> bool:
    """Whether a statement stores the number to which the next one adds a sum: they should stay together."""
    return bool(following.accumulate and following.reduced and not statement.reduced and statement.store.buffer is following.store.buffer)


def parallel_first(statement: Statement) -> Statement:
    """The same statement with its reduced axes last, and without axes of one point."""
    reduced = statement.reduced
    axes = [axis for axis in range(len(statement.sizes)) if axis not in reduced and statement.sizes[axis] != 1]
    axes += [axis for axis in reduced if statement.sizes[axis] != 1]
    if axes == list(range(len(statement.sizes))):
        return statement

    def in_order(of: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(of[axis] for axis in axes)

    return replace(statement.map(lambda access: access.with_strides(in_order)), sizes=in_order(statement.sizes))


class _Member(NamedTuple):
    """A statement of a group: its number, and what it touches."""

    number: int
    statement: Statement
    reaches: list[Reach]

    def split(self, sizes: tuple[int, ...]) -> _Member | None:
        """The same with its parallel axes cut into others; None if it cannot be."""
        statement = split_axes(self.statement, sizes)
        if statement is None:
            return None
        strides = [access.strides for access in statement.accesses()]
        exact = [r if r.strides is None else r._replace(strides=s) for r, s in zip(self.reaches, strides, strict=False)]
        return _Member(self.number, statement, [*exact, *self.reaches[len(exact) :]])


class _Growing:
    """A group to which statements may still be added; in a loop, the same in each of `count` iterations."""

    def __init__(self, member: _Member, count: int) -> None:
        self.members: list[_Member] = []
        self.count = count
        self.sizes = parallel_sizes(member.statement)
        self.touched: dict[object, list[tuple[_Member, Reach]]] = {}  # for each memory every access
        self._add(member)

    def _add(self, member: _Member) -> None:
        self.members.append(member)
        for reach in member.reaches:
            self.touched.setdefault(reach.space, []).append((member, reach))

    def take(self, member: _Member) -> bool:
        """Add a statement if it fits."""
        statement, first = member.statement, self.members[0].statement
        if len(self.members) == MOST_TOGETHER or statement.per_sample != first.per_sample:
            return False
        if statement.scattered or first.scattered or not is_injective(statement, len(parallel_sizes(statement))):
            return False
        if statement.reduced and self.sizes and any(other.statement.reduced for other in self.members):
            return False
        sizes, mine = self.sizes, parallel_sizes(statement)
        if len(mine) > len(sizes):
            return self._take_and_split(member, mine)
        if sizes != mine:
            split = member.split(sizes)
            if split is None:
                return False
            member = split
        if _looked_up_axes(member.statement) != _looked_up_axes(first) or not self._fits(member):
            return False
        self._add(member)
        return True

    def _take_and_split(self, member: _Member, sizes: tuple[int, ...]) -> bool:
        """Add a statement with more axes, by splitting the axes of the others."""
        split = [other.split(sizes) for other in self.members]
        if any(other is None for other in split):
            return False
        changed = _Growing(split[0], self.count)  # type: ignore[arg-type]
        for other in split[1:]:
            changed._add(other)  # type: ignore[arg-type]
        if not changed.take(member):
            return False
        self.members, self.sizes, self.touched = changed.members, changed.sizes, changed.touched
        return True

    def _fits(self, member: _Member) -> bool:
        """Whether the statement uses the numbers that it shares with the group at the same point of the axes."""
        parallel = len(self.sizes)
        for reach in member.reaches:
            for other, met in self.touched.get(reach.space, ()):
                if not may_meet(met, reach, self.count):
                    continue
                if LOOKED_UP in (reach.how, met.how):
                    return False
                if not at_same_point(met, reach, parallel) or (met.how == STORED and not is_injective(other.statement, parallel)):
                    return False
                if met.how == STORED and member.statement.reduced and reach.how == LOADED:
                    return False  # the sum would read what is not yet in memory
                if met.how == LOADED and other.statement.reduced:
                    return False
        return True

    def conflicts(self, member: _Member) -> bool:
        """Whether the statement must come after the group."""
        return any(may_meet(met, reach, self.count) for reach in member.reaches for _, met in self.touched.get(reach.space, ()))


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

    return replace(statement.map(lambda access: access.with_strides(strides)), sizes=(*sizes, *statement.sizes[first + 1 :]))


def _with_sizes(statement: Statement, sizes: tuple[int, ...]) -> Statement:
    if parallel_sizes(statement) == sizes:
        return statement
    split = split_axes(statement, sizes)
    assert split is not None
    return split


def _looked_up_axes(statement: Statement) -> set[int]:
    """The axes along which a place is looked up: vectors cannot lie along them, so other statements should not share them."""
    return {
        axis
        for access in statement.accesses()
        if access.lookup is not None
        for axis, stride in enumerate(access.lookup.strides[: len(parallel_sizes(statement))])
        if stride
    }


def read_from_memory(statements: list[Statement]) -> set[Buffer]:
    """What a group reads that it has not itself stored at the same point before."""
    read = set()
    written: set[Access] = set()
    for statement in statements:
        parallel = len(parallel_sizes(statement))
        for access in statement.accesses():
            if access.lookup is not None:
                read.add(access.lookup.buffer)
        for access in statement.value.loads():
            if _at_point(access, parallel) not in written or any(access.strides[parallel:]):
                read.add(access.buffer)
        store = _at_point(statement.store, parallel)
        if statement.accumulate and store not in written:
            read.add(store.buffer)
        written.add(store)
    return read


def _at_point(access: Access, parallel: int) -> Access:
    return access._replace(strides=access.strides[:parallel])


__all__ = ["gather", "parallel_first", "parallel_sizes", "read_from_memory"]
