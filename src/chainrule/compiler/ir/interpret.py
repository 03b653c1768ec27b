"""The oracle: statements carried out by NumPy, plainly and slowly, with the scalar functions of the table.

Tests compare every later stage with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.compiler.ir.expressions import Access, Apply, Buffer, Constant, Expression, Load, Lookup
from chainrule.compiler.ir.statements import BATCH, Group, Loop, Statement, Step

if TYPE_CHECKING:
    from collections.abc import Sequence


class Memory:
    """The numbers of every buffer, as flat arrays.

    Arguments:
        samples: the length of the batch.
    """

    def __init__(self, samples: int = 1) -> None:
        self.samples = samples
        self.arrays: dict[Buffer, np.ndarray] = {}

    def __getitem__(self, buffer: Buffer) -> np.ndarray:
        if buffer not in self.arrays:
            size = buffer.size * (self.samples if buffer.per_sample else 1)
            self.arrays[buffer] = np.full(size, np.nan) if buffer.numbers is None else np.array(buffer.numbers)
        return self.arrays[buffer]

    def __setitem__(self, buffer: Buffer, numbers: object) -> None:
        self[buffer][:] = np.asarray(numbers, float).ravel()


def interpret(steps: Sequence[Step], memory: Memory, iteration: int = 0) -> None:
    """Carry out statements, loops and groups."""
    for step in steps:
        if isinstance(step, Statement):
            _statement(step, memory, iteration)
        elif isinstance(step, Group):
            interpret(step.statements, memory, iteration)
        else:
            for index in range(step.count):
                interpret(step.body, memory, index)


def _statement(statement: Statement, memory: Memory, iteration: int) -> None:
    sizes = tuple(memory.samples if size == BATCH else size for size in statement.sizes)
    target = memory[statement.store.buffer]
    places = np.broadcast_to(_places(statement.store, sizes, memory, iteration), sizes).ravel()
    with np.errstate(all="ignore"):
        values = np.broadcast_to(_evaluate(statement.value, sizes, memory, iteration), sizes).ravel()
        if statement.reduction == "max":
            if not statement.accumulate:
                target[places] = -np.inf
            np.maximum.at(target, places, values)
        else:
            if not statement.accumulate:
                target[places] = 0.0
            np.add.at(target, places, values)


def _places(access: Access | Lookup, sizes: tuple[int, ...], memory: Memory, iteration: int) -> np.ndarray:
    """The index into the flat buffer, for every point of the axes."""
    index = np.array(access.base + access.advance * iteration)
    for axis, (size, stride) in enumerate(zip(sizes, access.strides, strict=True)):
        index = index + np.expand_dims(np.arange(size) * stride, [k for k in range(len(sizes)) if k != axis])
    if isinstance(access, Access) and access.lookup is not None:
        found = memory[access.lookup.buffer][_places(access.lookup, sizes, memory, iteration)]
        index = index + access.lookup.scale * found.astype(np.int64)
    return index


def _evaluate(value: Expression, sizes: tuple[int, ...], memory: Memory, iteration: int) -> np.ndarray:
    found: dict[Expression, np.ndarray] = {}
    for part in value.parts():
        if isinstance(part, Constant):
            found[part] = np.array(part.number)
        elif isinstance(part, Load):
            found[part] = memory[part.access.buffer][_places(part.access, sizes, memory, iteration)]
        elif isinstance(part, Apply):
            found[part] = _applied(part, [found[operand] for operand in part.operands()])
    return found[value]


def _applied(part: Apply, operands: list[np.ndarray]) -> np.ndarray:
    function = np.frompyfunc(lambda *numbers: part.primitive.forward(*map(float, numbers)), len(operands), 1)
    return np.asarray(function(*operands), float)


__all__ = ["Loop", "Memory", "interpret"]
