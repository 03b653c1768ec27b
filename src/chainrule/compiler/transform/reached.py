"""Which numbers of a program a gradient reaches, and where it matters that one is not reached.

A number that only a condition looks at, or that a choice leaves out, gets no gradient. In memory that is a 0, and 0 times an infinite
derivative further back would be nan. So where such a derivative follows, a buffer of marks says beside the adjoint which numbers were
reached: its statements run along with those of the adjoint, and are few, since most numbers are reached in any case, and most
derivatives are finite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.compiler.ir.expressions import Access, Apply, Buffer, Expression, Load
from chainrule.compiler.ir.statements import BATCH, Statement
from chainrule.compiler.transform.ranges import ALWAYS, IF_GIVEN_SO, Ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.compiler.transform.slopes import Share

MOST_PLACES = 10_000_000  # of an irregular access that are looked at one by one


class Reached:
    """The marks of a program.

    Arguments:
        forward: its statements.
        shares: for each of them, what it passes to each place it reads.
        output: the buffer of its results.
    """

    def __init__(self, forward: Sequence[Statement], shares: Sequence[dict[Access, Share]], output: Buffer) -> None:
        self._output = output
        self._ranges = Ranges(forward)
        self._worst = ALWAYS if any(map(_is_contraction, forward)) else IF_GIVEN_SO
        self._asks: set[Buffer] = set()  # those at which, or further back, a derivative may be infinite
        for statement, of_statement in zip(forward, shares, strict=True):
            if any(access.buffer in self._asks or self.may_be_infinite(statement, share.slope) for access, share in of_statement.items()):
                self._asks.add(statement.store.buffer)
        self._asks.discard(output)
        self._sure: dict[Buffer, np.ndarray] = {buffer: np.zeros(buffer.size, bool) for buffer in self._asks}
        self._partly: set[Buffer] = set()
        self._marks: dict[Buffer, Buffer] = {}
        for statement, of_statement in zip(reversed(forward), reversed(shares), strict=True):
            buffer = statement.store.buffer
            unsure = buffer in self._asks and of_statement and not self._is_sure(statement)
            if unsure:
                self._partly.add(buffer)
            for access, share in of_statement.items():
                if access.buffer in self._asks and not unsure and share.passes is None:
                    self._cover(statement, access)

    def may_be_infinite(self, statement: Statement, slope: Expression) -> bool:
        """Whether a derivative may be infinite or nan; in programs without sums of products, also where a number that is given is so."""
        return self._ranges.of(slope).special <= self._worst

    def marks_of(self, statement: Statement) -> Buffer | None:
        """The marks to read for the results of a statement; None if a gradient reaches them all, or it does not matter."""
        buffer = statement.store.buffer
        if buffer not in self._partly or self._is_sure(statement):
            return None
        return self.marks_for(buffer)

    def marks_for(self, buffer: Buffer) -> Buffer | None:
        """The marks to keep for a buffer, if any."""
        if buffer not in self._partly:
            return None
        if buffer not in self._marks:
            self._marks[buffer] = Buffer(f"{buffer.name}.reached", buffer.size, "mark", per_sample=buffer.per_sample, of=buffer)
        return self._marks[buffer]

    def _is_sure(self, statement: Statement) -> bool:
        """Whether a gradient is known to reach every result of a statement."""
        sure = self._sure[statement.store.buffer]
        begin, end = span(statement, statement.store)
        return bool(sure[begin:end].all()) or bool(sure[places(statement, statement.store)].all())

    def _cover(self, statement: Statement, access: Access) -> None:
        sure = self._sure[access.buffer]
        if is_dense(statement, access):
            begin, end = span(statement, access)
            sure[begin:end] = True
        else:
            sure[places(statement, access)] = True


def _is_contraction(statement: Statement) -> bool:
    """Whether a statement is a sum of products, in which numbers meet more than one other each."""
    long = [axis for axis, size in enumerate(statement.sizes) if size not in (1, BATCH)]
    if not any(isinstance(part, Apply) and len(part.loads()) > 1 for part in statement.value.parts()):
        return False
    return any(axis in statement.reduced or any(_stands(access, axis) for access in statement.value.loads()) for axis in long)


def _stands(access: Access, axis: int) -> bool:
    return access.strides[axis] == 0 and (access.lookup is None or access.lookup.strides[axis] == 0)


def span(statement: Statement, access: Access) -> tuple[int, int]:
    """The part of a buffer, or of one sample's share in it, that an access may reach: its beginning and its end."""
    if access.lookup is not None:
        return 0, access.buffer.size
    low = high = access.base
    for size, stride in zip(statement.sizes, access.strides, strict=True):
        if size != BATCH:
            low += min(stride, 0) * (size - 1)
            high += max(stride, 0) * (size - 1)
    return low, high + 1


def is_dense(statement: Statement, access: Access) -> bool:
    """Whether an access reaches every place of its span, each at one point of the axes that are not reduced."""
    if access.lookup is not None:
        return False
    expected = 1
    for stride, size in sorted((s, n) for s, n in zip(access.strides, statement.sizes, strict=True) if s and n not in (1, BATCH)):
        if stride != expected:
            return False
        expected *= size
    return True


def places(statement: Statement, access: Access) -> np.ndarray:
    """The places that an access is known to reach in any case, in one sample's share; none, where they depend on what is given."""
    lookup = access.lookup
    if lookup is not None and lookup.buffer.numbers is None:
        return np.zeros(0, np.int64)
    moving = [axis for axis, size in enumerate(statement.sizes) if size not in (1, BATCH) and not _stands(access, axis)]
    sizes = [statement.sizes[axis] for axis in moving]
    if np.prod([float(size) for size in sizes]) > MOST_PLACES:
        return np.zeros(0, np.int64)
    index = np.full((1,) * len(sizes), access.base)
    rows = np.full((1,) * len(sizes), 0 if lookup is None else lookup.base)
    for k, (axis, size) in enumerate(zip(moving, sizes, strict=True)):
        steps = np.arange(size).reshape([-1 if j == k else 1 for j in range(len(sizes))])
        index = index + steps * access.strides[axis]
        if lookup is not None:
            rows = rows + steps * lookup.strides[axis]
    if lookup is not None:
        index = index + lookup.scale * np.asarray(lookup.buffer.numbers)[rows].astype(np.int64)
    return np.asarray(index.ravel())


def restricted(statement: Statement) -> Iterator[Statement]:
    """The same marks with the least work: without axes along which nothing changes, and reduced before they are spread."""
    accesses = statement.value.loads()
    read = {axis for axis in range(len(statement.sizes)) if any(not _stands(access, axis) for access in accesses)}
    stored = {axis for axis in range(len(statement.sizes)) if not _stands(statement.store, axis)}
    batch = {axis for axis, size in enumerate(statement.sizes) if size == BATCH}
    if not read - stored - batch or not stored - read - batch:
        yield _along(statement, read | stored | batch)
        return
    common = sorted((read & stored) | batch)
    sizes = [statement.sizes[axis] for axis in common]
    strides = np.cumprod([1, *(size for size in sizes[::-1] if size != BATCH)])[::-1].tolist()
    between = Buffer(f"{statement.store.buffer.name}.any", strides[0], "mark", per_sample=bool(batch))
    at = {axis: (between.size if axis in batch else strides.pop(1)) for axis in common}
    there = Access(between, 0, tuple(at.get(axis, 0) for axis in range(len(statement.sizes))))
    first = Statement(statement.sizes, there, statement.value)
    yield _along(first, read | batch)
    yield _along(Statement(statement.sizes, statement.store, Load(there)), stored | batch)


def _along(statement: Statement, axes: set[int]) -> Statement:
    """A statement along some of its axes only; nothing moves along the others."""

    def along(of: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(of[axis] for axis in sorted(axes))

    value = statement.value.map(lambda access: access.with_strides(along))
    return Statement(along(statement.sizes), statement.store.with_strides(along), value)


__all__ = ["Reached", "is_dense", "places", "restricted", "span"]
