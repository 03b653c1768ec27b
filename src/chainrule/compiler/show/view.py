"""A view of a program as it is scheduled: its groups and loops, with names for arrays and each statement in index notation.

Two things are written together that are steps apart: a sum and what it starts from, and a number that is used once and never stored stands
where it is used.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from chainrule.compiler.ir.expressions import Access, Buffer, Constant
from chainrule.compiler.ir.statements import BATCH, Group, Loop, Statement
from chainrule.compiler.pipeline import arrange, differentiate, fuse
from chainrule.compiler.show.arrays import LETTERS, Arrays, direct, registers_of
from chainrule.compiler.show.cuts import split
from chainrule.compiler.show.notation import ADDED, ATOM, COMPARED, DIVIDED, Written, added, occurrences, plain, wrapped, write
from chainrule.compiler.show.shapes import ITERATION, LOOKED_UP, SAMPLE, Array, Term, in_step, place_text
from chainrule.compiler.transform.fusion import parallel_sizes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.compiler.pipeline import Recovered

LONGEST_INSIDE = 84  # a number that is used once and is longer gets a line of its own
SOME_SAMPLES = 16  # the number makes no difference to which loops there are


class Passage(NamedTuple):
    """A group of statements, or a loop of them.

    Arguments:
        times: how often it is done.
        body: for each group of the body, what it is in each iteration.
    """

    times: int
    body: list[list[Group]]


class View:
    """A program as it is scheduled, with names for its arrays.

    Arguments:
        program: the program; it need not have run.
    """

    def __init__(self, program: Recovered) -> None:
        self.program = program
        scalar = program.lowered.output.size == 1
        parameters = scalar and program.parameters is not None
        sweeps = differentiate(program, parameters=parameters, inputs=scalar and not parameters)
        self.statements = [statement for part in sweeps.parts for statement in part]
        grouped = fuse(program, sweeps, transpose=False)
        steps = arrange(program, grouped, SOME_SAMPLES).steps
        arrays = Arrays(program.lowered, [each for part in grouped for each in part.groups])
        self.parts = [
            [Passage(times, [split(each, arrays) for each in body]) for times, body in _passages(part.groups, found)]
            for part, found in zip(grouped, steps, strict=True)
        ]
        self.groups = [group for part in self.parts for _, body in part for each in body for group in each]
        self.arrays = Arrays(program.lowered, self.groups)  # once more: cut axes show the shapes of other arrays

    @property
    def memory(self) -> dict[Array, None]:
        """Every array that is in memory, in the order of its first use."""
        found: dict[Array, None] = {}
        for each in self.groups:
            registers = registers_of(each)
            for statement in each.statements:
                for access in (*statement.value.loads(), statement.store):
                    if access.buffer not in registers:
                        found[self.arrays.of(access, statement.sizes)[0]] = None
                        if access.lookup is not None:
                            found[self.arrays.of(direct(access.lookup), statement.sizes)[0]] = None
        return found


def is_backward(statement: Statement) -> bool:
    """Whether a statement computes a derivative."""
    return statement.store.buffer.of is not None or statement.store.buffer.role == "mark"


def _passages(groups: list[Group], rolled: Sequence[object]) -> Iterator[Passage]:
    """The loops that were found once everything had its place, with the buffers as they were before."""
    begin = 0
    for step in rolled:
        count, period = (step.count, len(step.body)) if isinstance(step, Loop) else (1, 1)
        yield Passage(count, [groups[begin + k : begin + period * count : period] for k in range(period)])
        begin += period * count


# --- a group ----------------------------------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A statement, or several that are written as one.

    Arguments:
        text: the statement.
        axes: the axes along which it sums, with their sizes.
        backward: whether it computes a derivative.
        name: what it stores to.
    """

    text: str
    axes: tuple[str, ...]
    backward: bool
    name: str


@dataclass
class _Draft:
    """Statements that add to the same place, one after another."""

    terms: list[tuple[int, Statement]]

    @property
    def last(self) -> Statement:
        return self.terms[-1][1]

    def loads(self) -> Iterator[Access]:
        """Every load, as often as it is written, though not over and over."""
        for _, statement in self.terms:
            for access, times in occurrences(statement.value).items():
                yield from [access] * min(times, 2)


@dataclass
class GroupText:
    """A group, or what a loop makes of it in its iterations, in index notation.

    Arguments:
        groups: the group in each iteration; one outside a loop.
        arrays: the names of the arrays.
    """

    groups: list[Group]
    arrays: Arrays
    axes: list[str] = field(init=False)
    lines: list[Line] = field(init=False)

    def __post_init__(self) -> None:
        self.groups = split(self.groups, self.arrays)
        group = self.groups[0]
        letters = iter([*LETTERS, *(f"i{k}" for k in range(1000))])
        self._parallel = [SAMPLE if size == BATCH else next(letters) for size in group.sizes]
        self._letters = letters
        self._reduced: dict[tuple[int, int], str] = {}
        self.axes = [_axis(letter, size) for letter, size in zip(self._parallel, group.sizes, strict=True)]
        self._registers = registers_of(group)
        self._stores = Counter(point.buffer for point in {_point(statement) for statement in group.statements})
        self._inside: dict[Buffer, tuple[Written, tuple[str, ...]]] = {}
        self.lines = self._written(self._drafts())

    def _drafts(self) -> list[_Draft]:
        """The statements, those that go on with a sum joined to those that begin it."""
        drafts: list[_Draft] = []
        for number, statement in enumerate(self.groups[0].statements):
            statement = replace(statement, value=plain(statement.value))
            begun = self._begun(drafts, statement) if statement.accumulate else None
            if begun is not None:
                drafts.remove(begun)
            drafts.append(_Draft([*(begun.terms if begun is not None else []), (number, statement)]))
        return drafts

    def _begun(self, drafts: list[_Draft], statement: Statement) -> _Draft | None:
        for draft in reversed(drafts):
            if _point(draft.last) == _point(statement) and is_backward(draft.last) == is_backward(statement):
                kinds = {one.reduction for _, one in draft.terms} | {statement.reduction}
                is_start = draft.terms[0][1].value == Constant(-float("inf")) and len(draft.terms) == 1
                return draft if kinds == {"sum"} or is_start else None
            if any(access.buffer is statement.store.buffer for access in (draft.last.store, *draft.loads())):
                return None
        return None

    def _written(self, drafts: list[_Draft]) -> list[Line]:
        uses = Counter(access.buffer for draft in drafts for access in draft.loads())
        sides = {(access.buffer, is_backward(draft.last)) for draft in drafts for access in draft.loads()}
        lines = []
        for draft in drafts:
            buffer, backward = draft.last.store.buffer, is_backward(draft.last)
            right, axes = self._right(draft)
            begins = not draft.terms[0][1].accumulate
            used_once = uses[buffer] == 1 and self._stores[buffer] == 1 and (buffer, backward) in sides
            if buffer in self._registers and begins and used_once and len(right[0]) <= LONGEST_INSIDE:
                self._inside[buffer] = right, axes
                continue
            number, statement = draft.terms[-1]
            name = self._load(number, statement, statement.store, [])[0]
            sign = "=" if begins else "max=" if statement.reduction == "max" else "+="
            text = f"{'let ' if buffer in self._registers else ''}{name} {sign} {right[0]}"
            lines.append(Line(text, axes, backward, name))
        return lines

    def _right(self, draft: _Draft) -> tuple[Written, tuple[str, ...]]:
        """What a draft stores, and the axes it sums over."""
        terms = draft.terms
        inside: list[Buffer] = []
        if (
            len(terms) > 1
            and isinstance(terms[0][1].value, Constant)
            and (terms[0][1].value == Constant(0.0) or terms[1][1].reduction == "max")
        ):
            terms = terms[1:]
        summands: list[Written] = []
        axes: list[str] = []
        for number, statement in terms:
            value = write(statement.value, lambda access, n=number, s=statement: self._load(n, s, access, inside))  # type: ignore[misc]
            names = self._letters_of(statement)[len(self._parallel) :]
            if names:
                over = names[0] if len(names) == 1 else f"{{{', '.join(names)}}}"
                value = f"{statement.reduction}_{over} {wrapped(value, DIVIDED)}", COMPARED
                axes += [_axis(*axis) for axis in zip(names, statement.sizes[len(self._parallel) :], strict=True)]
            summands.append(value)
        for buffer in inside:
            axes = [*self._inside[buffer][1], *axes]
        return _sum(summands), tuple(sorted(set(axes)))

    def _letters_of(self, statement: Statement) -> list[str]:
        letters = list(self._parallel)
        occurrences: Counter[int] = Counter()
        for size in statement.sizes[len(self._parallel) :]:
            key = size, occurrences[size]
            occurrences[size] += 1
            if key not in self._reduced:
                self._reduced[key] = SAMPLE if size == BATCH else next(self._letters)
            letters.append(self._reduced[key])
        return letters

    def _load(self, number: int, statement: Statement, access: Access, inside: list[Buffer]) -> Written:
        """What to write for an access of a statement."""
        everywhere = self._everywhere(number, access)
        if access.buffer in self._inside:
            inside.append(access.buffer)
            return self._inside[access.buffer][0]
        array, base, terms = reached(self.arrays, everywhere, statement.sizes, self._letters_of(statement))
        if access.buffer in self._registers and self._stores[access.buffer] == 1:
            return array.name, ATOM
        return place_text(array, base, terms), ATOM

    def _everywhere(self, number: int, access: Access) -> list[Access]:
        """An access in each iteration of the loop."""
        if len(self.groups) == 1:
            return [access]
        position = self.groups[0].statements[number].accesses().index(access)
        return [group.statements[number].accesses()[position] for group in self.groups]


def _sum(summands: list[Written]) -> Written:
    """The sum of all; one over an axis stands in parentheses unless it is the last."""
    *first, last = summands
    if not first:
        return last
    total = first[0][0] if first[0][1] > COMPARED else f"({first[0][0]})", ADDED
    for summand in first[1:]:
        total = added(total, summand)
    return (f"{total[0]} + {last[0]}", COMPARED) if last[1] == COMPARED else added(total, last)


def _axis(letter: str, size: int) -> str:
    return letter if size == BATCH else f"{letter} < {size}"


def _point(statement: Statement) -> Access:
    parallel = len(parallel_sizes(statement))
    return statement.store._replace(strides=statement.store.strides[:parallel])


def reached(arrays: Arrays, accesses: Sequence[Access], sizes: Sequence[int], letters: Sequence[str]) -> tuple[Array, int, list[Term]]:
    """Where an access goes, in all iterations of a loop: to one array from which it moves on, or to another array each time.

    Arguments:
        arrays: the arrays of the program.
        accesses: the access in each iteration; one outside a loop.
        sizes: the axes of the statement.
        letters: what they are called.
    """
    found = [arrays.of(access, sizes) for access in accesses]
    array, base, terms = found[0]
    terms = [term._replace(text=letters[int(term.text)]) if term.text != LOOKED_UP else term for term in terms]
    if accesses[0].lookup is not None:
        lookups = [direct(access.lookup) for access in accesses if access.lookup is not None]
        there = place_text(*reached(arrays, lookups, sizes, letters))
        terms = [term._replace(text=there) if term.text == LOOKED_UP else term for term in terms]
    if len(found) > 1:
        if all(one.name == array.name for one, _, _ in found):
            if found[1][1] != base:
                terms.insert(0, Term(found[1][1] - base, ITERATION, 0, len(found) - 1))
        else:
            array = array._replace(name=in_step([one.name for one, _, _ in found]))
    return array, base, terms


__all__ = ["GroupText", "Line", "Passage", "View", "is_backward", "reached"]
