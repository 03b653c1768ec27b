"""How a group of statements is carried out: along which axis in vectors, and in blocks of how many points, so that loads are shared."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from chainrule.compiler.functions.table import FUNCTIONS
from chainrule.compiler.ir.expressions import Apply
from chainrule.compiler.ir.machine import lanes, length
from chainrule.compiler.ir.statements import BATCH

if TYPE_CHECKING:
    from chainrule.compiler.ir.expressions import Access, Expression
    from chainrule.compiler.ir.statements import Group, Statement

# These numbers are for speed alone. `benchmarks/compiled.py --only digits mnist` shows what the sizes of blocks do, which decide the speed
# of matrix products, and `--only options` what SIDE_BY_SIDE does.
ACCUMULATORS = 8  # sums that are under way at the same time, one vector each
# By the number of registers: sums that are under way side by side, as vectors and rows. What is multiplied takes the other registers.
TILES = {16: (2, 6), 32: (2, 8)}
# By how many elementary functions are called, up to: vectors side by side. Many calls, one after another, would wait for each other's
# results; of a few, those of the next points are under way meanwhile; and very many copies take LLVM long.
SIDE_BY_SIDE = {3: 1, 8: 4, 24: 2}
DOT_ROWS = 4  # sums whose vectors lie along the reduced axis are taken in blocks of 4 by so many:
DOT_BLOCK = {16: 3, 32: 4}


class Plan(NamedTuple):
    """The way a group is carried out.

    Arguments:
        vector: the parallel axis whose points fill vectors; None if there is none.
        width: how many points a vector has at most.
        within: for each statement, the reduced axis along which its vectors lie instead; None for the others.
        blocks: for parallel axes, how many points are taken together.
        vectors: how many vectors are taken together along the axis whose points fill them.
    """

    vector: int | None
    width: int
    within: tuple[int | None, ...]
    blocks: dict[int, int]
    vectors: int = 1

    def order(self, group: Group) -> list[int]:
        """The axes of the loops around the code of a point, the outermost first.

        What a point of the second-last axis reads along the reduced axes stays in the cache while the loop over the last axis runs. What
        the last axis reads is read again each time, so the last axis is the shorter of the two.
        """
        last = [*([] if self.vector is None else [self.vector]), *self.blocks]
        others = [axis for axis in range(len(group.sizes)) if axis not in last]
        return others + sorted(last, key=lambda axis: -length(group.sizes[axis]))


def choose(group: Group, width: int, registers: int) -> Plan:
    """Choose the plan with the least estimated cost.

    Arguments:
        group: the statements.
        width: how many numbers a vector register holds.
        registers: how many of these there are.
    """
    parallel = len(group.sizes)
    free = [axis for axis in range(parallel) if _is_free(group, axis)]
    best = min(((_cost_across(group, axis, width), axis) for axis in free), default=(math.inf, None))
    scalar = _cost_across(group, None, width)
    across, axis = best if best[0] < scalar else (scalar, None)
    within = tuple(_best_within(statement, parallel, width) for statement in group.statements)
    if any(r is not None for r in within) and _cost_within(group, within, width) < across:
        rows = _unit_axis(group, free)
        return Plan(rows, DOT_ROWS, within, _blocks(group, rows, DOT_BLOCK[registers]))
    nothing = tuple(None for _ in group.statements)
    if axis is None:
        return Plan(None, 1, nothing, _blocks(group, None, ACCUMULATORS))
    vectors, rows_of_tile = TILES[registers]
    tile = _blocks(group, axis, rows_of_tile)
    calls = sum(_calls(statement.value) for statement in group.statements)
    if tile and not calls and _is_long(group.sizes[axis], vectors * width) and _shares_rows(group, axis):
        return Plan(axis, width, nothing, tile, vectors)
    if not any(statement.reduced for statement in group.statements):
        vectors = _side_by_side(calls)
        return Plan(axis, width, nothing, {}, vectors if _is_long(group.sizes[axis], vectors * width) else 1)
    return Plan(axis, width, nothing, _blocks(group, axis, ACCUMULATORS))


def _looked_up(access: Access, axis: int) -> bool:
    return access.lookup is not None and access.lookup.strides[axis] != 0


def _is_free(group: Group, axis: int) -> bool:
    """Whether an axis has several points, and none of its accesses is looked up along it."""
    if group.sizes[axis] == 1:
        return False
    return not any(_looked_up(access, axis) for statement in group.statements for access in statement.accesses())


def _effort(statement: Statement, axis: int | None, count: float) -> float:
    """The cost of a point if vectors of `count` points lie along an axis."""
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
    """The reduced axis along which all loads of a statement are contiguous, and which fills vectors best."""
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
    """Block the points along an axis along which a reduced statement reads the same number again."""
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
            return {axis: most if group.sizes[axis] == BATCH else min(group.sizes[axis], most)}
    return {}


def _is_long(size: int, count: int) -> bool:
    return size == BATCH or size >= count


def _shares_rows(group: Group, vector: int) -> bool:
    """Whether a reduced statement reads the same number for all points of a vector, and so for those of the next vector."""
    return any(s.reduced and any(a.strides[vector] == 0 for a in s.value.loads()) for s in group.statements)


def _side_by_side(calls: int) -> int:
    """How many vectors to compute together, if this many elementary functions are called and no numbers are shared."""
    return next((vectors for most, vectors in SIDE_BY_SIDE.items() if calls <= most), 1)


def _calls(value: Expression) -> int:
    """How many elementary functions are called, of which each point of a block has a copy."""
    return sum(times for part, times in value.occurrences().items() if isinstance(part, Apply) and part.primitive.name in FUNCTIONS)


__all__ = ["Plan", "choose"]
