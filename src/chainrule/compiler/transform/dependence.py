"""Whether two accesses may meet in memory: at any points of their axes and, in the body of a loop, in any of its iterations.

What is done together is decided once for all iterations, so it must be right for all of them. Statements change places within an iteration
only, and iterations follow one another; so it is enough to compare two accesses in the same iteration `t`, for every `t` below the count.

An access then is at `base + advance * t + sum(stride * index)`. Two tests are made. Both are conservative: they may say that accesses meet
that do not, never the other way round.

- *Intervals.* In iteration `t` an access lies between `low + advance * t` and `high + advance * t`, where `low` and `high` add up the most
  negative and the most positive steps along its axes. Those of `a` and `b` have a place in common if and only if
  `b.low - a.high <= (a.advance - b.advance) * t <= b.high - a.low`, which is solved for `t`.
- *Divisors.* If they meet, `a.low - b.low` is a sum of multiples of their strides and of `a.advance - b.advance`, and so a multiple of the
  greatest common divisor of these.

They are at the same point, in every iteration, if they have the same base, the same advance and the same strides.

The numbers of all samples are compared within one sample: what two samples own lies apart. An access whose place is looked up may be
anywhere in its buffer. Buffers that a loop moves through are compared by their addresses, at which they lie side by side.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, NamedTuple

from chainrule.compiler.ir.statements import BATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from chainrule.compiler.ir.expressions import Access, Buffer, Lookup
    from chainrule.compiler.ir.statements import Statement

    Address: TypeAlias = Callable[[Buffer], tuple[object, int]]

STORED, LOADED, LOOKED_UP = range(3)


class Reach(NamedTuple):
    """Which places of memory an access may touch.

    Arguments:
        how: STORED, LOADED, or LOOKED_UP for an offset, which is read from memory even if the number is in a register.
        space: the memory: a buffer, or what stands for several.
        low: the first place, in the first iteration.
        high: the last place, in the first iteration.
        advance: how much further on it is in each iteration.
        divisor: the greatest common divisor of the steps between its places in one iteration; 0 if there is only one place.
        strides: the strides along all axes of the statement; None if they are not known.
    """

    how: int
    space: object
    low: int
    high: int
    advance: int
    divisor: int
    strides: tuple[int, ...] | None


def at_home(buffer: Buffer) -> tuple[object, int]:
    """The address of a buffer in straight code: each has a memory of its own."""
    return buffer, 0


def reaches(iterations: Sequence[Statement], address: Address = at_home) -> list[Reach]:
    """What a statement touches: first the store, then the loads, then what is looked up.

    Arguments:
        iterations: the statement in each iteration of a loop; they differ only in their places, which advance regularly. Or only one.
        address: for each buffer its memory, and its place there; no two have a place in common.
    """
    accesses = [statement.accesses() for statement in iterations[:2]]
    found = []
    for k, access in enumerate(accesses[0]):
        how = LOADED if k else STORED
        if access.lookup is None:
            found.append(_regular(how, iterations[0], [row[k] for row in accesses], address))
        else:
            found.append(_anywhere(how, [statement.accesses()[k].buffer for statement in iterations], address))
    for k, access in enumerate(accesses[0]):
        if access.lookup is not None:
            found.append(_regular(LOOKED_UP, iterations[0], [row[k].lookup for row in accesses], address))  # type: ignore[misc]
    return found


def _regular(how: int, statement: Statement, places: Sequence[Access | Lookup], address: Address) -> Reach:
    """The places of an access; of its first two iterations, if there are several."""
    space, begin = address(places[0].buffer)
    low = high = begin + places[0].base
    divisor = 0
    for size, stride in zip(statement.sizes, places[0].strides, strict=True):
        if size not in (1, BATCH):
            low += min(stride, 0) * (size - 1)
            high += max(stride, 0) * (size - 1)
            divisor = gcd(divisor, stride)
    advance = address(places[-1].buffer)[1] + places[-1].base - begin - places[0].base
    return Reach(how, space, low, high, advance, divisor, places[0].strides)


def _anywhere(how: int, buffers: Sequence[Buffer], address: Address) -> Reach:
    """The whole of a buffer; of all of them, if they do not advance regularly from one iteration to the next."""
    space = address(buffers[0])[0]
    begins = [address(buffer)[1] for buffer in buffers]
    ends = [begin + buffer.size - 1 for begin, buffer in zip(begins, buffers, strict=True)]
    advance = begins[min(1, len(begins) - 1)] - begins[0]
    if all(begins[t] == begins[0] + advance * t and ends[t] == ends[0] + advance * t for t in range(len(begins))):
        return Reach(how, space, begins[0], ends[0], advance, 1, None)
    return Reach(how, space, min(begins), max(ends), 0, 1, None)


def may_meet(a: Reach, b: Reach, count: int) -> bool:
    """Whether two accesses may touch the same place in the same one of `count` iterations, and one of them stores there."""
    if a.space != b.space or STORED not in (a.how, b.how):
        return False
    apart = a.advance - b.advance
    least, most = b.low - a.high, b.high - a.low
    if apart < 0:
        apart, least, most = -apart, -most, -least
    near = least <= 0 <= most if apart == 0 else max(0, -(-least // apart)) <= min(count - 1, most // apart)
    if not near:
        return False
    divisor = gcd(a.divisor, b.divisor, apart)
    return divisor == 0 or (a.low - b.low) % divisor == 0


def at_same_point(a: Reach, b: Reach, parallel: int) -> bool:
    """Whether two accesses are at the same place at every point of the parallel axes, in every iteration."""
    if a.strides is None or b.strides is None or any(a.strides[parallel:]) or any(b.strides[parallel:]):
        return False
    return (a.space, a.low, a.advance, a.strides[:parallel]) == (b.space, b.low, b.advance, b.strides[:parallel])


__all__ = ["LOADED", "LOOKED_UP", "STORED", "Reach", "at_home", "at_same_point", "may_meet", "reaches"]
