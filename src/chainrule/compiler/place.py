"""Where buffers lie: all values in one arena and all adjoints in another, so that regular programs have regular addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.compiler.expressions import Access, Buffer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.statements import Group

ALIGNED = 8


def place(parts: Sequence[Sequence[Group]], capacity: int) -> tuple[list[list[Group]], list[Buffer]]:
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

    def change(access: Access) -> Access:
        buffer, base = moved.get(access.buffer, (access.buffer, 0))
        lookup = access.lookup
        if lookup is not None:
            there, more = moved[lookup.buffer]
            lookup = lookup._replace(buffer=there, base=lookup.base + more)
        return access._replace(buffer=buffer, base=access.base + base, lookup=lookup)

    placed = [[group.map(change) for group in groups] for groups in parts]
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


__all__ = ["place"]
