"""How a group of statements is carried out: along which axis in vectors, and in blocks of how many points, so that loads are shared."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from chainrule.compiler.statements import BATCH

if TYPE_CHECKING:
    from chainrule.compiler.expressions import Access
    from chainrule.compiler.statements import Group, Statement

ASSUMED_BATCH = 64
ACCUMULATORS = 8  # sums that are under way at the same time
DOT_BLOCK = 4  # of sums whose vectors lie along the reduced axis: blocks of 4 by 4


class Plan(NamedTuple):
    """The way a group is carried out.

    Arguments:
        vector: the parallel axis whose points fill vectors; None if there is none.
        width: how many points a vector has at most.
        within: for each statement, the reduced axis along which its vectors lie instead; None for the others.
        blocks: for parallel axes, how many points are taken together.
    """

    vector: int | None
    width: int
    within: tuple[int | None, ...]
    blocks: dict[int, int]


def choose(group: Group, width: int) -> Plan:
    """Choose the plan with the least estimated cost.

    Arguments:
        group: the statements.
        width: how many numbers a vector register holds.
    """
    parallel = len(group.sizes)
    free = [axis for axis in range(parallel) if _is_free(group, axis)]
    best = min(((_cost_across(group, axis, width), axis) for axis in free), default=(math.inf, None))
    scalar = _cost_across(group, None, width)
    across, axis = best if best[0] < scalar else (scalar, None)
    within = tuple(_best_within(statement, parallel, width) for statement in group.statements)
    if any(r is not None for r in within) and _cost_within(group, within, width) < across:
        rows = _unit_axis(group, free)
        return Plan(rows, DOT_BLOCK, within, _blocks(group, rows, DOT_BLOCK))
    nothing = tuple(None for _ in group.statements)
    return Plan(axis, 1 if axis is None else width, nothing, _blocks(group, axis, ACCUMULATORS))


def lanes(size: int, width: int) -> float:
    """How many points an average vector holds, if an axis is cut into vectors of `width` and of smaller powers of two."""
    if size == BATCH:
        return width
    return size / (size // width + (size % width).bit_count())


def length(size: int) -> int:
    """The size of an axis, or a guess for that of the samples."""
    return ASSUMED_BATCH if size == BATCH else size


def _looked_up(access: Access, axis: int) -> bool:
    return access.lookup is not None and access.lookup.strides[axis] != 0


def _is_free(group: Group, axis: int) -> bool:
    """Whether an axis has several points, and none of its accesses is looked up along it."""
    if group.sizes[axis] == 1:
        return False
    return not any(_looked_up(access, axis) for statement in group.statements for access in statement.accesses())


def _effort(statement: Statement, axis: int | None, count: float) -> float:
    """What a point costs where vectors of `count` lie along an axis."""
    effort = 1.0
    for access in statement.accesses():
        if axis is None:
            effort += 1.0
        elif access is statement.store and access.strides[axis] == 0:
            continue
        else:
            effort += 1.0 if access.strides[axis] in (0, 1) else 1.5 * count
    return effort / count


def _points(statement: Statement, parallel: int) -> int:
    return math.prod(length(size) for size in statement.sizes[parallel:])


def _cost_across(group: Group, axis: int | None, width: int) -> float:
    count = 1.0 if axis is None else lanes(group.sizes[axis], width)
    parallel = len(group.sizes)
    return sum(_points(statement, parallel) * _effort(statement, axis, count) for statement in group.statements)


def _cost_within(group: Group, within: tuple[int | None, ...], width: int) -> float:
    parallel = len(group.sizes)
    cost = 0.0
    for statement, axis in zip(group.statements, within, strict=True):
        if axis is None:
            cost += _points(statement, parallel) * _effort(statement, None, 2.0)
        else:
            count = lanes(statement.sizes[axis], width)
            cost += _points(statement, parallel) * _effort(statement, axis, count) + 4.0  # to add up the lanes
    return cost


def _best_within(statement: Statement, parallel: int, width: int) -> int | None:
    """The reduced axis along which all loads of a statement are in line, and that fills vectors best."""
    axes = []
    for axis in range(parallel, len(statement.sizes)):
        size = statement.sizes[axis]
        inputs = statement.value.loads()
        if (
            size != 1
            and all(a.strides[axis] in (0, 1) and not _looked_up(a, axis) for a in inputs)
            and any(a.strides[axis] for a in inputs)
        ):
            axes.append((lanes(size, width), axis))
    return max(axes)[1] if axes else None


def _unit_axis(group: Group, free: list[int]) -> int | None:
    """The parallel axis along which results lie next to each other."""
    for axis in free:
        if all(statement.store.strides[axis] == 1 for statement in group.statements):
            return axis
    return None


def _blocks(group: Group, vector: int | None, most: int) -> dict[int, int]:
    """Take points together along an axis along which a reduced statement reads the same number again."""
    for statement in group.statements:
        if not statement.reduced:
            continue
        axes = [
            axis
            for axis in range(len(group.sizes))
            if axis != vector and _is_free(group, axis) and any(a.strides[axis] == 0 for a in statement.value.loads())
        ]
        if axes:
            axis = max(axes, key=lambda axis: (length(group.sizes[axis]) >= most, statement.store.strides[axis] != 1, axis))
            return {axis: _even(group.sizes[axis], most)}
    return {}


def _even(size: int, most: int) -> int:
    """How many to take together, at most `most`, so that little is left over."""
    if size == BATCH or size <= most:
        return most if size == BATCH else size
    return min(range(1, most + 1), key=lambda n: (size // n * max(n, 3) + (max(size % n, 3) if size % n else 0), -n))


__all__ = ["Plan", "choose"]
