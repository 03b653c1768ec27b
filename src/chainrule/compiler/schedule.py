"""From statements to steps: runs that repeat become loops, neighbours become groups, and all buffers get their place in memory.

Loops are found first, among single statements, so that where groups begin and end cannot hide them; then each iteration is gathered into
the same groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chainrule.compiler.fuse import gather, parallel_first, parallel_sizes, read_from_memory, split_axes
from chainrule.compiler.loops import Run, find_runs, rolled, with_coefficients
from chainrule.compiler.place import place
from chainrule.compiler.statements import Group, Statement, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chainrule.compiler.expressions import Buffer


class Part(NamedTuple):
    """The groups of one part of a program.

    Arguments:
        groups: in order.
        runs: which of them repeat.
    """

    groups: list[Group]
    runs: list[Run]


def group(parts: Sequence[Sequence[Statement]], kept: Iterable[Buffer]) -> list[Part]:
    """Gather the statements of each part into groups, with their own buffers.

    Arguments:
        parts: the statements of each part of the program, in order.
        kept: the buffers whose contents matter when all is done.
    """
    gathered = [_gathered(with_coefficients([parallel_first(statement) for statement in part])) for part in parts]
    read = set(kept).union(*(read_from_memory(statements) for groups, _ in gathered for statements in groups))
    out = []
    for groups, runs in gathered:
        flags = [[statement.store.buffer in read for statement in statements] for statements in groups]
        for begin, period, count in runs:  # every iteration stores what one of them must
            for k in range(period):
                same = [flags[begin + k + period * i] for i in range(count)]
                joined = [any(flag) for flag in zip(*same, strict=True)]
                for i in range(count):
                    flags[begin + k + period * i] = joined
        out.append(
            Part(
                [Group(parallel_sizes(s[0]), tuple(s), tuple(f)) for s, f in zip(groups, flags, strict=True)],
                runs,
            )
        )
    return out


def _gathered(statements: list[Statement]) -> tuple[list[list[Statement]], list[Run]]:
    """Groups of statements, and which groups repeat."""
    groups: list[list[Statement]] = []
    runs: list[Run] = []
    done = 0
    for begin, period, count in find_runs(statements):
        groups += gather(statements[done:begin])
        body = _numbered(statements[begin : begin + period])
        runs.append(Run(len(groups), len(body), count))
        for iteration in range(count):
            first = begin + iteration * period
            for members, sizes in body:
                groups.append([_with_sizes(statements[first + k], sizes) for k in members])
        done = begin + period * count
    return groups + gather(statements[done:]), runs


def _numbered(statements: list[Statement]) -> list[tuple[list[int], tuple[int, ...]]]:
    """The groups of an iteration: the numbers of their statements, and their axes."""
    waiting: dict[tuple[object, ...], list[int]] = {}
    for number, statement in enumerate(statements):
        waiting.setdefault(_identity(statement), []).append(number)
    return [([waiting[_identity(s)].pop(0) for s in members], parallel_sizes(members[0])) for members in gather(statements)]


def _identity(statement: Statement) -> tuple[object, ...]:
    """What tells a statement from others, however its axes are split."""
    return (
        statement.store.buffer,
        statement.store.base,
        statement.accumulate,
        statement.reduction,
        tuple((access.buffer, access.base) for access in statement.value.loads()),
    )


def _with_sizes(statement: Statement, sizes: tuple[int, ...]) -> Statement:
    if parallel_sizes(statement) == sizes:
        return statement
    split = split_axes(statement, sizes)
    assert split is not None
    return split


def schedule(parts: Sequence[Part], capacity: int) -> tuple[list[list[Step]], list[Buffer]]:
    """Give all buffers their place, and turn runs of groups into loops.

    Arguments:
        parts: the groups of each part of the program.
        capacity: for how many samples there is room.

    Returns:
        The steps of each part, and the buffers that they use.
    """
    placed, buffers = place([part.groups for part in parts], capacity)
    return [rolled(groups, part.runs) for groups, part in zip(placed, parts, strict=True)], buffers


__all__ = ["Part", "group", "schedule"]
