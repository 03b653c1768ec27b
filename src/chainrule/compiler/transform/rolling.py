"""Runs of steps that repeat, with addresses that advance regularly, become loops: layers, time steps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule import primitives
from chainrule.compiler.ir.expressions import Access, Apply, Buffer, Constant, Expression, Load, Place
from chainrule.compiler.ir.statements import Group, Loop, Statement, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chainrule.compiler.transform.dependence import Address

LEAST_ITERATIONS = 3
LONGEST_PERIOD = 1200  # statements of one iteration
MOST_PERIODS = 12  # candidates that are tried at each step


class Repetition(NamedTuple):
    """A repetition: where it begins, how many steps it has, and how often it comes."""

    begin: int
    period: int
    times: int


def with_coefficients(statements: Sequence[Statement]) -> list[Statement]:
    """Put numbers into memory where many statements differ in nothing else, such as the time in each step of an integration.

    What is left differs only in its addresses, and can become a loop.
    """
    address = addresses(statements)
    alike: dict[object, list[tuple[int, Statement, list[float]]]] = {}
    for place, statement in enumerate(statements):
        numbers: list[float] = []
        open_ = replace(statement, value=_opened(statement.value, numbers, len(statement.sizes), {}))
        if numbers:
            alike.setdefault(_shape(open_, lambda buffer: address.get(buffer, (buffer, 0))[0]), []).append((place, open_, numbers))
    out = list(statements)
    for members in alike.values():
        table = np.array([numbers for _, _, numbers in members])
        varies = (table.view(np.int64) != table.view(np.int64)[0]).any(0)
        if len(members) < LEAST_ALIKE or not varies.any():
            continue
        kept = np.flatnonzero(varies)
        buffer = Buffer("coefficients", table[:, kept].size, "constant", numbers=table[:, kept].ravel())
        for row, (place, statement, numbers) in enumerate(members):
            out[place] = replace(
                statement, value=_filled(statement.value, numbers, {int(k): row * len(kept) + j for j, k in enumerate(kept)}, buffer)
            )
    return out


def _opened(value: Expression, numbers: list[float], axes: int, known: dict[int, Expression]) -> Expression:
    """The expression without its constants, which are added to a list. Exponents stay, since each is computed in its own way."""
    if isinstance(value, Constant):
        numbers.append(value.number)
        return Load(Access(_OPEN, len(numbers) - 1, (0,) * axes))
    if not isinstance(value, Apply) or value.primitive is primitives.power:
        return value
    if id(value) not in known:
        known[id(value)] = Apply(value.primitive, tuple([_opened(operand, numbers, axes, known) for operand in value.operands()]))
    return known[id(value)]


def _filled(value: Expression, numbers: list[float], places: dict[int, int], buffer: Buffer) -> Expression:
    """The expression with its constants filled in again, from memory if they have a place there."""

    def fill(leaf: Expression) -> Expression:
        if not isinstance(leaf, Load) or leaf.access.buffer is not _OPEN:
            return leaf
        number = leaf.access.base
        return Load(leaf.access._replace(buffer=buffer, base=places[number])) if number in places else Constant(numbers[number])

    return value.replaced(fill, {})


_OPEN = Buffer("open", 0, "constant")
LEAST_ALIKE = 6


def find_repetitions(statements: Sequence[Statement], address: Address) -> list[Repetition]:
    """Find the statements that repeat, in every access further on by the same distance each time.

    Arguments:
        statements: in order.
        address: from `addresses`.
    """
    known: dict[object, int] = {}
    shapes = [_shape(statement, lambda buffer: address(buffer)[0]) for statement in statements]
    code = np.array([known.setdefault(shape, len(known)) for shape in shapes])
    bases = [np.array(_bases(statement, lambda buffer: address(buffer)[1])) for statement in statements]
    repetitions = []
    begin = 0
    while begin < len(statements):
        found = _repetition(code, bases, begin)
        if found is not None:
            repetitions.append(found)
            begin += found.period * found.times
        else:
            begin += 1
    return repetitions


def rolled(groups: Sequence[Group], repetitions: Sequence[Repetition]) -> list[Step]:
    """Turn repetitions of groups into loops, where their addresses advance regularly."""
    out: list[Step] = []
    done = 0
    for begin, period, count in repetitions:
        out += groups[done:begin]
        done = begin + period * count
        iterations = [groups[begin + period * i : begin + period * (i + 1)] for i in range(count)]
        bases = np.array([[base for group in iteration for s in group.statements for base in _bases(s, _zero)] for iteration in iterations])
        steps = np.diff(bases, axis=0)
        first, last = _regular(steps)
        if last - first + 1 < LEAST_ITERATIONS:
            out += groups[begin:done]
            continue
        by = iter(steps[first].tolist())
        body = tuple(replace(group, statements=tuple(_advancing(s, by.__next__) for s in group.statements)) for group in iterations[first])
        out += [group for iteration in iterations[:first] for group in iteration]
        out.append(Loop(last - first + 1, body))
        out += [group for iteration in iterations[last + 1 :] for group in iteration]
    return [*out, *groups[done:]]


def _regular(steps: np.ndarray) -> tuple[int, int]:
    """The first and the last iteration of the longest part in which all steps are the same: at the ends, neighbours may be missing."""
    changes = [0, *(np.flatnonzero((steps[1:] != steps[:-1]).any(1)) + 1).tolist(), len(steps)]
    begin, end = max(pairwise(changes), key=lambda pair: pair[1] - pair[0])
    return begin, end


def _zero(buffer: Buffer) -> int:
    return 0


def addresses(statements: Sequence[Statement]) -> dict[Buffer, tuple[object, int]]:
    """For each buffer an arena and a place in it, as they will be if all are kept. No two buffers share a place."""
    ends: dict[object, int] = {}
    found: dict[Buffer, tuple[object, int]] = {}

    def settle(buffer: Buffer) -> None:
        if buffer in found:
            return
        of_value = buffer.of is not None and buffer.of.role == "value"
        if buffer.role not in ("value", "adjoint", "mark", "constant", "table") or (buffer.role in ("adjoint", "mark") and not of_value):
            found[buffer] = (buffer, 0)
            return
        arena = (buffer.role, buffer.per_sample)
        if buffer.of is not None:  # where its value is, in another arena
            settle(buffer.of)
            begin = found[buffer.of][1]
        else:
            begin = ends.get(arena, 0)
        found[buffer] = (arena, begin)
        ends[arena] = max(ends.get(arena, 0), begin + buffer.size + -buffer.size % 8)

    for statement in statements:
        for access in statement.accesses():
            settle(access.buffer)
            if access.lookup is not None:
                settle(access.lookup.buffer)
    return found


def _repetition(code: np.ndarray, bases: list[np.ndarray], begin: int) -> Repetition | None:
    """The period and the count of the repetition that begins here and covers most."""
    best: Repetition | None = None
    periods = np.flatnonzero(code[begin + 1 : begin + LONGEST_PERIOD] == code[begin]) + 1
    for period in periods[:MOST_PERIODS].tolist():
        if begin + LEAST_ITERATIONS * period > len(code):
            break
        first = code[begin : begin + period]
        if not (code[begin + period : begin + 2 * period] == first).all():
            continue
        steps = [bases[begin + period + k] - bases[begin + k] for k in range(period)]
        count = 2
        while begin + (count + 1) * period <= len(code) and _goes_on(code, bases, begin + count * period, period, first, steps):
            count += 1
        if count >= LEAST_ITERATIONS and (best is None or count * period > best.times * best.period):
            best = Repetition(begin, period, count)
    return best


def _goes_on(code: np.ndarray, bases: list[np.ndarray], at: int, period: int, first: np.ndarray, steps: list[np.ndarray]) -> bool:
    if not (code[at : at + period] == first).all():
        return False
    return all((bases[at + k] - bases[at - period + k] == steps[k]).all() for k in range(period))


def _shape(statement: Statement, arena: Callable[[Buffer], object]) -> object:
    """A statement without the exact places of its accesses."""
    accesses = statement.accesses()
    number: dict[object, int] = {access: k for k, access in enumerate(dict.fromkeys(accesses))}  # which accesses are the same one

    def blank(place: Place) -> Place:
        return place._replace(base=number.get(place, 0), buffer=_stand_in(arena(place.buffer), _STAND_INS))

    plain = statement.map(lambda access: access.map(blank))
    return (plain.sizes, plain.store, plain.value, plain.accumulate, plain.reduction)


_STAND_INS: dict[object, Buffer] = {}


def _stand_in(arena: object, known: dict[object, Buffer]) -> Buffer:
    """A buffer for an arena, the same one each time."""
    if isinstance(arena, Buffer):
        return arena
    return known.setdefault(arena, Buffer("arena", 0, "value"))


def _bases(statement: Statement, offset: Callable[[Buffer], int]) -> list[int]:
    """Where the accesses of a statement begin, in order."""
    bases = []
    for access in statement.accesses():
        lookup = access.lookup
        bases += [access.base + offset(access.buffer), 0 if lookup is None else lookup.base + offset(lookup.buffer)]
    return bases


def _advancing(statement: Statement, step: Callable[[], int]) -> Statement:
    """The statement in a loop, in which its accesses advance."""
    advances = {access: (step(), step()) for access in statement.accesses()}

    def advancing(access: Access) -> Access:
        more = iter(advances[access])  # its own, and that of what it looks up
        return access.map(lambda place: place._replace(advance=next(more)))

    return statement.map(advancing)


__all__ = ["Repetition", "addresses", "find_repetitions", "rolled", "with_coefficients"]
