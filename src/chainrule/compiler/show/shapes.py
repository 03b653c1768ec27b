"""In which shape the places of an array are most simply written, and how a place is written in it."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chainrule.compiler.ir.expressions import Buffer

SAMPLE, ITERATION = "n", "t"
LOOKED_UP = "@"  # stands for what is looked up, until that is written
MOST_SHAPES = 8  # candidates for the shape of one array


class Array(NamedTuple):
    """A part of memory that has a name.

    Arguments:
        name: what it is called.
        shape: its dimensions; for one sample, if `buffer.per_sample`.
        buffer: where it lies.
        begin: its first place in the buffer.
    """

    name: str
    shape: tuple[int, ...]
    buffer: Buffer
    begin: int

    @property
    def size(self) -> int:
        """How many numbers it holds; for one sample, if `buffer.per_sample`."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        sizes = [*([SAMPLE] if self.buffer.per_sample else []), *map(str, self.shape)]
        return f"{self.name}[{', '.join(sizes)}]" if sizes else self.name


class Term(NamedTuple):
    """What an index moves by: `step` times an axis or a number that is looked up, which goes from `low` to `high`."""

    step: int
    text: str
    low: int
    high: int


def span(base: int, terms: Iterable[Term]) -> tuple[int, int]:
    """The first and the last place that an index goes to."""
    low = high = base
    for step, _, first, last in terms:
        low += min(step * first, step * last)
        high += max(step * first, step * last)
    return low, high


def shape_of(size: int, places: list[tuple[int, list[Term]]], more: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape in which the places of an array are most simply written."""
    if size == 1 and not any(terms for _, terms in places):
        return ()
    candidates = dict.fromkeys([*filter(None, (_natural_shape(size, terms) for _, terms in places)), *more, (size,)])
    counted = Counter((base, tuple(terms)) for base, terms in places)
    return min(
        list(candidates)[:MOST_SHAPES],
        key=lambda shape: sum(count * _cost_when_cut(shape, base, terms) for (base, terms), count in counted.items()),
    )


def _natural_shape(size: int, terms: list[Term]) -> tuple[int, ...] | None:
    """The shape that these steps go through row by row, if they are those of one."""
    steps = sorted({abs(term.step) for term in terms}, reverse=True)
    if not steps or steps[-1] != 1 or size % steps[0] or any(a % b for a, b in pairwise(steps)):
        return None
    return (size // steps[0], *(a // b for a, b in pairwise(steps)))


def cost(shape: tuple[int, ...], base: int, terms: Sequence[Term]) -> float:
    """The complexity of writing a place in an array of this shape."""
    found = coordinates(shape, base, terms)
    if found is None:
        return 1.0 if [term.text for term in terms] == [LOOKED_UP] else 3.0
    return sum(max(0, len(moved) - 1) + 0.5 * any(abs(term.step) != 1 for term in moved) for _, moved in found)


def _cost_when_cut(shape: tuple[int, ...], base: int, terms: Sequence[Term]) -> float:
    """The same, where axes may still be cut."""
    plain = cost(shape, base, terms)
    return 0.4 if plain == 3.0 and any(term.text != LOOKED_UP and factors(shape, term) for term in terms) else plain


def coordinates(shape: Sequence[int], base: int, terms: Sequence[Term]) -> list[tuple[int, list[Term]]] | None:
    """Read a place as one of an array of this shape: for each dimension, where it begins and by what it moves; None if it leaves one."""
    found = []
    rest = list(terms)
    for dimension, size in enumerate(shape):
        step = math.prod(shape[dimension + 1 :])
        begin, base = divmod(base, step) if step > 1 else (base, 0)
        moved = [term._replace(step=int(term.step / step)) for term in rest]
        rest = [term._replace(step=term.step - whole.step * step) for term, whole in zip(rest, moved, strict=True)]
        moved = [term for term in moved if term.step]
        low, high = span(begin, moved)
        if low < 0 or high >= size:
            return None
        found.append((begin, moved))
    return None if base or any(term.step for term in rest) else found


def factors(shape: Sequence[int], term: Term) -> list[int]:
    """How a long axis goes on from one dimension to the next: 1600 points in [100, 16] are 100 times 16. None, if it stays in one."""
    step, count = abs(term.step), term.high + 1
    strides = [math.prod(shape[dimension + 1 :]) for dimension in range(len(shape))]
    dimension = next((k for k, stride in enumerate(strides) if step % stride == 0), None)
    if dimension is None or term.low:
        return []
    found: list[int] = []
    size = shape[dimension] * strides[dimension] // step
    while dimension >= 0 and 0 < size < count and count % size == 0:
        found.insert(0, size)
        count //= size
        dimension -= 1
        size = shape[dimension]
    return [count, *found] if found else []


def place_text(array: Array, base: int, terms: Sequence[Term], sample: str = SAMPLE) -> str:
    """A place in an array, in index notation."""
    found = coordinates(array.shape, base, terms)
    indices = [linear(begin, moved) for begin, moved in found] if found is not None else [linear(base, terms)]
    if array.buffer.per_sample:
        indices.insert(0, sample)
    flat = ".flat" if found is None else ""
    return f"{array.name}{flat}[{', '.join(indices)}]" if indices else array.name


def linear(begin: int, terms: Iterable[Term]) -> str:
    """`2*i + k + 1`."""
    text = ""
    for step, name, *_ in sorted(terms, key=lambda term: term.step < 0):
        size = name if abs(step) == 1 else f"{abs(step)}*{name}"
        text += f" {'-' if step < 0 else '+'} {size}" if text else size if step > 0 else f"-{size}"
    if not text:
        return str(begin)
    return (
        text
        if not begin
        else f"{begin} {text.replace('-', '- ', 1)}"
        if text[0] == "-"
        else f"{text} {'+' if begin > 0 else '-'} {abs(begin)}"
    )


def in_step(names: Sequence[str]) -> str:
    """One name for arrays that take turns in a loop: `v(3+2t)` for v3, v5, v7, ..."""
    tokens = [re.split(r"(\d+)", name) for name in names]
    if len({tuple(row[::2]) for row in tokens}) == 1:
        columns = [[int(token) for token in column] for column in list(zip(*tokens, strict=True))[1::2]]
        if all(len({b - a for a, b in pairwise(column)}) == 1 for column in columns):
            digits = [_moving(column[0], column[1] - column[0]) for column in columns]
            return "".join(a + b for a, b in zip(tokens[0][::2], [*digits, ""], strict=True))
    return f"{names[0]}…{names[-1]}"


def _moving(begin: int, step: int) -> str:
    if step == 0:
        return str(begin)
    size = ITERATION if abs(step) == 1 else f"{abs(step)}{ITERATION}"
    return f"({begin}{'+' if step > 0 else '-'}{size})" if begin or step < 0 else f"({size})"
