"""Where buffers lie: all values in one arena and all adjoints in another, so that regular programs have regular addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.compiler.ir.expressions import Buffer, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.ir.statements import Group

ALIGNED = 8
# `benchmarks/compiled.py --only options digits` shows what the size of blocks does: for very many samples, and for large ones.
CACHE = 384 * 1024  # bytes that the values of one block of samples may take
SMALLEST_BLOCK, LARGEST_BLOCK = 16, 4096


def room(groups: Sequence[Group], dtype: str) -> int:
    """For how many samples at a time the arenas have room, so that they stay in the cache.

    Arguments:
        groups: what is done for each block of samples.
        dtype: "float64" or "float32".
    """
    size = 8 if dtype == "float64" else 4
    used = {
        access.buffer
        for group in groups
        for statement, kept in zip(group.statements, group.kept, strict=True)
        for access in (*([statement.store] if kept else []), *statement.value.loads())
    }
    per_sample = sum(buffer.size * size for buffer in used if buffer.per_sample and buffer.role in ("value", "adjoint", "mark"))
    if not per_sample:
        return LARGEST_BLOCK
    return max(SMALLEST_BLOCK, min(LARGEST_BLOCK, CACHE // per_sample // 16 * 16))


def lay_out(parts: Sequence[Sequence[Group]], capacity: int) -> tuple[list[list[Group]], list[Buffer]]:
    """Give each buffer its place in an arena, unless the caller uses the buffer.

    Arguments:
        parts: the groups of each part of the program.
        capacity: for how many samples the arenas have room.

    Returns:
        The groups, with accesses to a few large buffers, and these buffers.
    """
    moved: dict[Buffer, tuple[Buffer, int]] = {}
    arenas: dict[tuple[str, bool], Buffer] = {}
    numbers: dict[str, list[np.ndarray]] = {"constant": [], "table": []}

    def settle(buffer: Buffer) -> None:
        if buffer in moved:
            return
        role = buffer.role
        if role not in ("value", "adjoint", "mark", "constant", "table") or (role == "adjoint" and _is_outside(buffer)):
            moved[buffer] = (buffer, 0)
            return
        if buffer.of is not None:
            settle(buffer.of)  # in the same place as the value, in the other arena
        arena = arenas.setdefault((role, buffer.per_sample), Buffer(_NAMES[role, buffer.per_sample], 0, role))
        begin = arena.size if buffer.of is None else moved[buffer.of][1]
        size = buffer.size * (capacity if buffer.per_sample else 1)
        moved[buffer] = (arena, begin)
        arena.size = max(arena.size, begin + size + -size % ALIGNED)
        if buffer.numbers is not None:
            numbers[role].append(np.pad(buffer.numbers, (0, -size % ALIGNED)))

    for groups in parts:
        for group in groups:
            for statement, kept in zip(group.statements, group.kept, strict=True):
                for access in (*([statement.store] if kept else []), *statement.value.loads()):
                    settle(access.buffer)
                    if access.lookup is not None:
                        settle(access.lookup.buffer)
    for (role, _), arena in arenas.items():
        if numbers.get(role):
            arena.numbers = np.concatenate(numbers[role])

    def moved_there(place: Place) -> Place:
        buffer, more = moved.get(place.buffer, (place.buffer, 0))
        return place._replace(buffer=buffer, base=place.base + more)

    placed = [[group.map(lambda access: access.map(moved_there)) for group in groups] for groups in parts]
    return placed, list(dict.fromkeys(buffer for buffer, _ in moved.values()))


_NAMES = {
    ("value", False): "values",
    ("value", True): "sample_values",
    ("adjoint", False): "adjoints",
    ("adjoint", True): "sample_adjoints",
    ("mark", False): "marks",
    ("mark", True): "sample_marks",
    ("constant", False): "constants",
    ("table", False): "tables",
}


def _is_outside(buffer: Buffer) -> bool:
    return buffer.of is None or buffer.of.role in ("parameter", "input", "output")


__all__ = ["lay_out", "room"]
