"""Carries out the steps of a kernel by NumPy, in the order in which they are emitted, and compares every group with the plain statements.

The order is the emitter's own: it writes its loops and blocks into a `_Loops`, which goes through them at once. What a block of points does
is `_Block`: numbers are taken from registers or from memory as the machine code takes them, and stored when it stores them.

The plain statements, one after another, give each place of each buffer one value after another. A group must store the same values in the
same order, both in what it computes and in what is in memory when it is done. So a lost update, or a number that is read too early, is
found in the group where it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import numpy as np

from chainrule.compiler.codegen import emit
from chainrule.compiler.codegen.emit import Emitter
from chainrule.compiler.codegen.innermost import Point
from chainrule.compiler.ir.expressions import Access, Apply, Buffer, Constant, Expression, Load, Lookup
from chainrule.compiler.ir.interpret import Memory, _places, interpret
from chainrule.compiler.ir.statements import BATCH, Group, Statement, is_injective
from chainrule.compiler.runtime.program import Kernel

TOLERANCE = 1e-9  # of the largest number that a buffer takes, or of 1


def check(kernel: Kernel, start: Callable[[Memory], None], samples: int = 1) -> Memory:
    """Check every group of a kernel.

    Arguments:
        kernel: what is checked.
        start: puts parameters and arguments into memory.
        samples: how many there are.

    Returns:
        The memory when all is done.

    Raises:
        AssertionError: at the first group that stores something else than the plain statements do.
    """
    history = History()
    start(plain := Memory(samples))
    start(memory := Memory(samples))
    ends = range(0, samples, kernel.capacity)
    blocks = [(begin, min(begin + kernel.capacity, samples)) for begin in ends]
    whole = (0, samples)
    runs = [(0, whole), *[(1, block) for block in blocks], (2, whole)]
    for number, (begin, end) in runs:
        _plainly(kernel.parts[number], _Part(plain, begin, end), history, begin)
    with mock.patch.object(emit, "Point", _Block):
        groups = [part.groups for part in kernel.grouped()]
        for number, (begin, end) in runs:
            carrying = _Carrying(kernel, groups[number], _Part(memory, begin, end), history, number, begin, end - begin)
            carrying.steps(kernel.steps[number])
            assert not carrying.waiting, "fewer groups are carried out than there are"
    history.finish()
    return memory


class History:
    """The values that each place of each buffer takes, one after another."""

    def __init__(self) -> None:
        self.values: dict[Buffer, dict[int, list[float]]] = {}
        self.done: dict[Buffer, dict[int, int]] = {}  # how many of them have been stored so far

    def add(self, buffer: Buffer, places: np.ndarray, values: np.ndarray) -> None:
        """Note what is stored."""
        known = self.values.setdefault(buffer, {})
        for place, value in zip(places.tolist(), values.tolist(), strict=True):
            known.setdefault(place, []).append(value)

    def next(self, buffer: Buffer, places: np.ndarray) -> np.ndarray:
        """What is to be stored next at some places, which may be named several times."""
        known, done = self.values[buffer], self.done.setdefault(buffer, {})
        for place in set(places.tolist()):
            done[place] = done.get(place, 0) + 1
            assert done[place] <= len(known.get(place, [])), f"{buffer}[{place}] is stored {done[place]} times"
        return np.array([known[place][done[place] - 1] for place in places.tolist()])

    def finish(self) -> None:
        """Check that nothing is missing."""
        for buffer, known in self.values.items():
            for place, values in known.items():
                found = self.done.get(buffer, {}).get(place, 0)
                assert found == len(values), f"{buffer}[{place}] is stored {found} times, not {len(values)}"

    def same(self, buffer: Buffer, found: np.ndarray, expected: np.ndarray) -> np.ndarray:
        """Which numbers of a buffer are as they should be."""
        scale = max([1.0, *(abs(values[-1]) for values in self.values[buffer].values() if np.isfinite(values[-1]))])
        with np.errstate(invalid="ignore"):
            near = np.abs(found - expected) <= TOLERANCE * scale
        return near | (found == expected) | (np.isnan(found) & np.isnan(expected))


class _Part(Memory):
    """The memory as a block of samples sees it."""

    def __init__(self, whole: Memory, begin: int, end: int) -> None:
        super().__init__(end - begin)
        self.whole, self.begin, self.end = whole, begin, end

    def __getitem__(self, buffer: Buffer) -> np.ndarray:
        array = self.whole[buffer]
        return array[self.begin * buffer.size : self.end * buffer.size] if buffer.per_sample else array


def _plainly(statements: list[Statement], memory: Memory, history: History, begin: int) -> None:
    """Carry out statements one after another, and note what they store."""
    for statement in statements:
        interpret([statement], memory)
        sizes = tuple(memory.samples if size == BATCH else size for size in statement.sizes)
        buffer = statement.store.buffer
        places = np.unique(_places(statement.store, sizes, memory, 0))
        history.add(buffer, places + _first(buffer, begin), memory[buffer][places])


def _first(buffer: Buffer, begin: int) -> int:
    """Where a block of samples begins in a buffer."""
    return begin * buffer.size if buffer.per_sample else 0


class _Loops:
    """What the emitter writes its loops into: it goes through them at once."""

    def loop(self, begin: int, end: int, step: int, body: Callable[[int], None]) -> None:
        """Carry out the body, once for each index."""
        for index in range(begin, end, step):
            body(index)


class _Carrying(Emitter):
    """An emitter that carries out what it would write.

    Arguments:
        kernel: whose.
        groups: those of the part, with the buffers as they were before they got their places.
        memory: that of a block of samples.
        history: what is to be stored.
        part: which of the kernel's parts this is.
        begin: the first sample.
        count: how many samples there are.
    """

    def __init__(
        self, kernel: Kernel, groups: Sequence[Group], memory: Memory, history: History, part: int, begin: int, count: int
    ) -> None:
        target, dtype = kernel.program.target, kernel.program.dtype
        super().__init__(_Loops(), {}, target.lanes(dtype), target.registers, set())  # type: ignore[arg-type]
        self.memory, self.history, self.part, self.begin, self.count = memory, history, part, begin, count
        self.waiting = list(groups)
        self.made: list[list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = []

    def _cut_samples(self, count: int) -> list[tuple[int, Any, Any]]:
        middle = self.count - self.count % count
        return [(count, 0, middle), (1, middle, self.count)] if count > 1 else [(1, 0, self.count)]

    def _group(self, group: Group) -> None:
        self.before = self.waiting.pop(0)
        self.made = [[] for _ in group.statements]
        super()._group(group)
        where = f"part {self.part}, {len(self.waiting)} groups before its end, iteration {self.iteration}"
        final: dict[tuple[Buffer, int], tuple[Buffer, int, float]] = {}
        for statement, plain, kept, made in zip(group.statements, self.before.statements, group.kept, self.made, strict=True):
            buffer = plain.store.buffer
            if buffer not in self.history.values:  # a copy that only the schedule makes
                continue
            addresses, places, values = (np.concatenate(parts) for parts in zip(*made, strict=True))
            places = places + _first(buffer, self.begin)
            expected = self.history.next(buffer, places)
            if is_injective(statement, len(group.sizes)):
                self._compare(f"{where}: what is computed", buffer, places, values, expected)
            if kept:
                stored = zip(addresses.tolist(), places.tolist(), expected.tolist(), strict=True)
                final |= {(statement.store.buffer, address): (buffer, place, value) for address, place, value in stored}
        for (arena, address), (buffer, place, value) in final.items():
            found = self.memory[arena][address : address + 1]
            self._compare(f"{where}: what is in memory", buffer, np.array([place]), found, np.array([value]))

    def _compare(self, where: str, buffer: Buffer, places: np.ndarray, found: np.ndarray, expected: np.ndarray) -> None:
        wrong = np.flatnonzero(~self.history.same(buffer, found, expected))
        assert not len(wrong), f"{where}: {buffer}[{places[wrong[0]]}] is {found[wrong[0]]!r}, not {expected[wrong[0]]!r}"


class _Block(Point):
    """A block of points: arrays with a row for each spot and a column for each lane of its vector, and an axis for each that is reduced."""

    writer: _Carrying  # type: ignore[assignment]

    def write(self) -> None:
        """Carry the statements out."""
        indices = [self._at(spot).indices for spot in self.spots]
        lanes = np.arange(self.cursor.width)
        self.indices = [
            np.array([sum(row[axis]) for row in indices])[:, None] + (lanes if axis == self.cursor.vector else 0 * lanes)  # type: ignore[arg-type]
            for axis in range(len(self.group.sizes))
        ]
        self.registers: dict[Access, np.ndarray] = {}
        self.fetched: dict[Access, np.ndarray] = {}
        for number, statement in enumerate(self.group.statements):
            self._carry_out(number, statement)
        last = {statement.store: kept for statement, kept in zip(self.group.statements, self.group.kept, strict=True)}
        for store, kept in last.items():
            if kept and self._trimmed(store) in self.registers:
                self._memory(store)[self._places(self._trimmed(store))] = self.registers[self._trimmed(store)]

    def _carry_out(self, number: int, statement: Statement) -> None:
        """Carry one of the statements out."""
        store = self._trimmed(statement.store)
        places = self._places(store)
        values = self._values(number, statement)
        if statement.accumulate and not is_injective(statement, len(self.group.sizes)):
            for row, value in zip(places, values, strict=True):  # one vector after another
                self._memory(store)[row] = self._joined(statement.reduction, self._memory(store)[row], value)
        else:
            if statement.accumulate:
                values = self._joined(statement.reduction, self._load(store, {}), values)
            self.registers[store] = values
        before = self.writer.before.statements[number].store.base
        moved = before - store.base - store.advance * self.writer.iteration  # type: ignore[operator]
        self.writer.made[number].append((places.ravel(), places.ravel() + moved, values.ravel()))

    def _values(self, number: int, statement: Statement) -> np.ndarray:
        """What a statement computes, before it is added to what is there."""
        parallel = len(self.group.sizes)
        sizes = tuple(self.writer.count if size == BATCH else size for size in statement.sizes[parallel:])
        shape = (len(self.spots), self.cursor.width, *sizes)
        if not statement.reduced:
            return np.broadcast_to(_computed(statement.value, lambda access: self._load(access, self.fetched)), shape)
        inside = self.plan.within[number] is not None  # then its vectors do not lie as those in the registers

        def load(access: Access) -> np.ndarray:
            known = self.registers.get(self._trimmed(access))
            if known is not None and not inside and not any(access.strides[parallel:]):
                return known.reshape(*known.shape, *[1] * len(sizes))
            return self._memory(access)[self._places(access, sizes)]

        values = np.broadcast_to(_computed(statement.value, load), shape)
        axes = tuple(range(2, len(shape)))
        return values.sum(axes) if statement.reduction == "sum" else values.max(axes)

    def _load(self, access: Access, fetched: dict[Access, np.ndarray]) -> np.ndarray:
        """From a register, or from memory, from which the same number is fetched once."""
        access = self._trimmed(access)
        if access in self.registers:
            return self.registers[access]
        if access not in fetched:
            fetched[access] = self._memory(access)[self._places(access)]
        return fetched[access]

    def _joined(self, reduction: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a + b if reduction == "sum" else np.where(b > a, b, a)

    def _memory(self, access: Access | Lookup) -> np.ndarray:
        return self.writer.memory[access.buffer]

    def _places(self, access: Access | Lookup, sizes: tuple[int, ...] = ()) -> np.ndarray:
        """Where an access is, at all points of the block and of reduced axes of these sizes."""
        places = np.full((len(self.spots), self.cursor.width), access.base + access.advance * self.writer.iteration)  # type: ignore[operator]
        parallel = len(self.group.sizes)
        for index, stride in zip(self.indices, access.strides[:parallel], strict=True):
            places = places + stride * index
        for size, stride in zip(sizes, access.strides[parallel:], strict=True):
            places = places[..., None] + stride * np.arange(size)
        if isinstance(access, Access) and access.lookup is not None:
            found = self._memory(access.lookup)[self._places(access.lookup, sizes)]
            places = places + access.lookup.scale * found.astype(np.int64)
        assert places.min() >= 0, "a place before the beginning of a buffer"
        return places


def _computed(value: Expression, load: Callable[[Access], np.ndarray]) -> np.ndarray:
    """An expression of what is loaded."""
    if isinstance(value, Constant):
        return np.array(value.number)
    if isinstance(value, Load):
        return load(value.access)
    assert isinstance(value, Apply)
    operands = [_computed(operand, load) for operand in value.operands()]
    function = np.frompyfunc(lambda *numbers: value.primitive.forward(*map(float, numbers)), len(operands), 1)
    return np.asarray(function(*operands), float)
