"""Where buffers lie: all values in one arena and all adjoints in another, so that regular programs have regular addresses.

A run of steps whose addresses advance regularly can then become a loop: layers, time steps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule.compiler.expressions import Access, Buffer, Lookup
from chainrule.compiler.statements import Group, Loop, Statement, Step, statements_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ALIGNED = 8


class Placed(NamedTuple):
    """Steps whose accesses are to a few large buffers.

    Arguments:
        parts: the steps of each part of the program.
        buffers: what they access, each once.
    """

    parts: list[list[Step]]
    buffers: list[Buffer]


def place(parts: Sequence[Sequence[Group]], capacity: int) -> Placed:
    """Give each buffer its place in an arena, unless it is seen from outside.

    Arguments:
        parts: the groups of each part of the program.
        capacity: for how many samples the arenas have room.
    """
    moved: dict[Buffer, tuple[Buffer, int]] = {}
    arenas: dict[tuple[str, bool], Buffer] = {}
    numbers: dict[str, list[np.ndarray]] = {"constant": [], "table": []}

    def settle(buffer: Buffer) -> None:
        if buffer in moved:
            return
        role = buffer.role
        if role not in ("value", "adjoint", "constant", "table") or (role == "adjoint" and _is_outside(buffer)):
            moved[buffer] = (buffer, 0)
            return
        if role == "adjoint" and buffer.of is not None:
            settle(buffer.of)  # in the same place as the value, in the other arena
        arena = arenas.setdefault((role, buffer.per_sample), Buffer(_NAMES[role, buffer.per_sample], 0, role))
        begin = moved[buffer.of][1] if role == "adjoint" and buffer.of is not None else arena.size
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

    placed: list[list[Step]] = [[group.map(change) for group in groups] for groups in parts]
    buffers = dict.fromkeys(buffer for buffer, _ in moved.values())
    return Placed(placed, list(buffers))


_NAMES = {
    ("value", False): "values",
    ("value", True): "sample_values",
    ("adjoint", False): "adjoints",
    ("adjoint", True): "sample_adjoints",
    ("constant", False): "constants",
    ("table", False): "tables",
}


def _is_outside(buffer: Buffer) -> bool:
    return buffer.of is None or buffer.of.role in ("parameter", "input", "output")


# --- loops ------------------------------------------------------------------------------------------------------------------------------

LEAST_ITERATIONS = 3
LONGEST_PERIOD = 400
MOST_PERIODS = 12  # candidates that are tried at each step


def roll(steps: Sequence[Step]) -> list[Step]:
    """Turn runs of steps that repeat, with addresses that advance regularly, into loops."""
    known: dict[object, int] = {}
    code = np.array([known.setdefault(_shape(step), len(known)) for step in steps])
    bases = [np.array(_bases(step)) for step in steps]
    out: list[Step] = []
    begin = 0
    while begin < len(steps):
        found = _repetition(code, bases, begin)
        if found is None:
            out.append(steps[begin])
            begin += 1
            continue
        period, count = found
        body = tuple(_advancing(steps[begin + k], bases[begin + period + k] - bases[begin + k]) for k in range(period))
        out.append(Loop(count, body))
        begin += period * count
    return out


def _repetition(code: np.ndarray, bases: list[np.ndarray], begin: int) -> tuple[int, int] | None:
    """The period and the count of the repetition that begins here and covers most."""
    best: tuple[int, int] | None = None
    periods = np.flatnonzero(code[begin + 1 : begin + LONGEST_PERIOD] == code[begin]) + 1
    for period in periods[:MOST_PERIODS].tolist():
        if begin + LEAST_ITERATIONS * period > len(code):
            break
        first = code[begin : begin + period]
        steps = [bases[begin + period + k] - bases[begin + k] for k in range(period)] if (
            code[begin + period : begin + 2 * period] == first
        ).all() else None
        if steps is None:
            continue
        count = 2
        while begin + (count + 1) * period <= len(code) and _goes_on(code, bases, begin + count * period, period, first, steps):
            count += 1
        if count >= LEAST_ITERATIONS and (best is None or count * period > best[0] * best[1]):
            best = (period, count)
    return best


def _goes_on(code: np.ndarray, bases: list[np.ndarray], at: int, period: int, first: np.ndarray, steps: list[np.ndarray]) -> bool:
    if not (code[at : at + period] == first).all():
        return False
    return all((bases[at + k] - bases[at - period + k] == steps[k]).all() for k in range(period))


def _shape(step: Step) -> object:
    """All of a step but the bases of its accesses."""
    if isinstance(step, Group):
        return (step.sizes, step.kept, tuple(_shape(statement) for statement in step.statements))
    assert isinstance(step, Statement)
    order = _accesses(step)
    number = {access: k for k, access in enumerate(dict.fromkeys(order))}  # which accesses are the same one

    def change(access: Access) -> Access:
        lookup = access.lookup
        return access._replace(base=number[access], lookup=lookup._replace(base=0) if lookup is not None else None)

    plain = step.map(change)
    return (plain.sizes, plain.store, plain.value, plain.accumulate, plain.reduction)


def _accesses(statement: Statement) -> list[Access]:
    return [statement.store, *statement.value.loads()]


def _bases(step: Step) -> list[int]:
    """The bases of all accesses of a step, in order."""
    bases = []
    for statement in statements_of([step]):
        for access in _accesses(statement):
            bases += [access.base, access.lookup.base if access.lookup is not None else 0]
    return bases


def _advancing(step: Step, by: np.ndarray) -> Step:
    """The step as the first iteration of a loop in which its accesses advance."""
    steps = iter(by.tolist())

    def one(statement: Statement) -> Statement:
        advance = {}
        for access in _accesses(statement):
            advance[access] = (next(steps), next(steps))

        def change(access: Access) -> Access:
            more, lookup_more = advance[access]
            lookup: Lookup | None = access.lookup
            if lookup is not None:
                lookup = lookup._replace(advance=lookup_more)
            return access._replace(advance=more, lookup=lookup)

        return statement.map(change)

    if isinstance(step, Group):
        return replace(step, statements=tuple(one(statement) for statement in step.statements))
    assert isinstance(step, Statement)
    return one(step)


__all__ = ["Placed", "place", "roll"]
