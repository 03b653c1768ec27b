"""Long axes are cut into several where that is the shape of what they go through: 1600 points in [100, 16] are 100 times 16."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from chainrule.compiler.ir.statements import Group
from chainrule.compiler.show.arrays import registers_of
from chainrule.compiler.show.shapes import LOOKED_UP, cost, factors

if TYPE_CHECKING:
    from chainrule.compiler.show.arrays import Arrays

MOST_CUTS = 6


class Cut(NamedTuple):
    """An axis of a group, or one along which a single statement of it sums, that might be several."""

    statement: int | None
    axis: int
    sizes: tuple[int, ...]


def split(groups: list[Group], arrays: Arrays) -> list[Group]:
    """The same groups with long axes cut into several where that is the shape of what they go through.

    Arguments:
        groups: a group, in each iteration of a loop.
        arrays: the names and shapes.
    """
    before = _costs(groups[0], arrays)
    for _ in range(MOST_CUTS):
        for cut in _cuts(groups[0], arrays):
            changed = _cut_group(groups[0], cut)
            after = _costs(changed, arrays)
            if after < before:
                before, groups = after, [changed, *(_cut_group(group, cut) for group in groups[1:])]
                break
        else:
            break
    return groups


def _cuts(group: Group, arrays: Arrays) -> dict[Cut, None]:
    """The axes that might be cut, and into what."""
    found: dict[Cut, None] = {}
    for number, statement in enumerate(group.statements):
        for access in statement.accesses():
            array, _, terms = arrays.of(access, statement.sizes)
            for term in terms:
                sizes = factors(array.shape, term) if term.text != LOOKED_UP else []
                if sizes:
                    shared = int(term.text) < len(group.sizes)
                    found[Cut(None if shared else number, int(term.text), tuple(sizes))] = None
    return found


def _costs(group: Group, arrays: Arrays) -> float:
    total = 0.0
    registers = registers_of(group)
    for statement in group.statements:
        for access in statement.accesses():
            if access.buffer in registers:
                continue
            array, base, terms = arrays.of(access, statement.sizes)
            total += cost(array.shape, base, terms)
    return total


def _cut_group(group: Group, cut: Cut) -> Group:
    def strides(old: tuple[int, ...]) -> tuple[int, ...]:
        steps = (old[cut.axis] * math.prod(cut.sizes[k + 1 :]) for k in range(len(cut.sizes)))
        return (*old[: cut.axis], *steps, *old[cut.axis + 1 :])

    def sizes(old: tuple[int, ...]) -> tuple[int, ...]:
        return (*old[: cut.axis], *cut.sizes, *old[cut.axis + 1 :])

    statements = tuple(
        replace(statement.map(lambda access: access.with_strides(strides)), sizes=sizes(statement.sizes))
        if cut.statement in (None, number)
        else statement
        for number, statement in enumerate(group.statements)
    )
    return Group(sizes(group.sizes) if cut.statement is None else group.sizes, statements, group.kept)


__all__ = ["split"]
