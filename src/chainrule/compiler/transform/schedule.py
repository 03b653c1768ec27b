"""From statements to steps: repetitions that repeat become loops, neighbours become groups, and all buffers get their place in memory.

Loops are found first, among single statements, so that where groups begin and end cannot hide them; then the iterations are gathered into
groups that are right for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chainrule.compiler.ir.statements import Group, Statement, Step
from chainrule.compiler.transform.arenas import lay_out
from chainrule.compiler.transform.fusion import gather, parallel_first, parallel_sizes, read_from_memory
from chainrule.compiler.transform.rolling import Repetition, addresses, find_repetitions, rolled, with_coefficients

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chainrule.compiler.ir.expressions import Buffer


class Part(NamedTuple):
    """The groups of one part of a program.

    Arguments:
        groups: in order.
        repetitions: which of them repeat.
    """

    groups: list[Group]
    repetitions: list[Repetition]


def group(parts: Sequence[Sequence[Statement]], kept: Iterable[Buffer]) -> list[Part]:
    """Gather the statements of each part into groups, with their own buffers.

    Arguments:
        parts: the statements of each part of the program, in order.
        kept: the buffers whose contents matter when all is done.
    """
    gathered = [_gathered(with_coefficients([parallel_first(statement) for statement in part])) for part in parts]
    read = set(kept).union(*(read_from_memory(statements) for groups, _ in gathered for statements in groups))
    out = []
    for groups, repetitions in gathered:
        flags = [[statement.store.buffer in read for statement in statements] for statements in groups]
        for begin, period, count in repetitions:  # every iteration stores what one of them must
            for k in range(period):
                same = [flags[begin + k + period * i] for i in range(count)]
                joined = [any(flag) for flag in zip(*same, strict=True)]
                for i in range(count):
                    flags[begin + k + period * i] = joined
        out.append(
            Part(
                [Group(parallel_sizes(s[0]), tuple(s), tuple(f)) for s, f in zip(groups, flags, strict=True)],
                repetitions,
            )
        )
    return out


def _gathered(statements: list[Statement]) -> tuple[list[list[Statement]], list[Repetition]]:
    """Groups of statements, and which groups repeat."""
    groups: list[list[Statement]] = []
    repetitions: list[Repetition] = []
    done = 0
    address = addresses(statements).__getitem__
    for begin, period, count in find_repetitions(statements, address):
        groups += gather([statements[done:begin]])[0]
        done = begin + period * count
        iterations = gather([statements[first : first + period] for first in range(begin, done, period)], address)
        repetitions.append(Repetition(len(groups), len(iterations[0]), count))
        for iteration in iterations:
            groups += iteration
    return groups + gather([statements[done:]])[0], repetitions


def schedule(parts: Sequence[Part], capacity: int) -> tuple[list[list[Step]], list[Buffer]]:
    """Give all buffers their place, and turn repetitions of groups into loops.

    Arguments:
        parts: the groups of each part of the program.
        capacity: for how many samples there is room.

    Returns:
        The steps of each part, and the buffers that they use.
    """
    placed, buffers = lay_out([part.groups for part in parts], capacity)
    return [rolled(groups, part.repetitions) for groups, part in zip(placed, parts, strict=True)], buffers


__all__ = ["Part", "group", "schedule"]
