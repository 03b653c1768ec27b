"""Turn the rows of a nest into accesses: to buffers, to arrays of constants, and through tables where no stride fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.compiler.ir.expressions import Access, Buffer, Lookup

if TYPE_CHECKING:
    from chainrule.compiler.analysis.strides import Nest


class Accesses:
    """Makes accesses, and the constants and tables that they need; equal constants and tables are made only once."""

    def __init__(self) -> None:
        self.constants: dict[bytes, Buffer] = {}
        self.tables: dict[bytes, Buffer] = {}

    def access(self, buffer: Buffer, nest: Nest, row: int, strides: list[np.ndarray], table: np.ndarray | None, samples: bool) -> Access:
        """The access of one row of a nest."""
        front = (buffer.size if buffer.per_sample else 0,) if samples else ()
        along = (*front, *(int(stride[row]) for stride in strides))
        lookup = None
        if table is not None:
            first = (0,) * len(front) + (1,) + (0,) * (len(strides) - 1)
            lookup = Lookup(self.table(table), 0, first)
        return Access(buffer, int(nest.bases[row]), along, lookup)

    def constant(
        self, numbers: np.ndarray, base: int, sizes: tuple[int, ...], strides: list[int], table: np.ndarray | None, samples: bool
    ) -> Access:
        """An array with the numbers of a constant operand, without the axes along which they are the same."""
        index = np.full(sizes, base)
        for axis, (size, stride) in enumerate(zip(sizes, strides, strict=True)):
            index += np.expand_dims(np.arange(size) * stride, [k for k in range(len(sizes)) if k != axis])
        if table is not None:
            index += np.expand_dims(table, list(range(1, len(sizes))))
        values = np.ascontiguousarray(numbers[index])
        bits = values.view(np.int64)
        kept = []
        for axis in range(len(sizes)):
            if (bits == bits.take([0], axis)).all():
                values, bits = values.take([0], axis), bits.take([0], axis)
            else:
                kept.append(axis)
        flat = np.ascontiguousarray(values).ravel()
        key = flat.tobytes()
        if key not in self.constants:
            self.constants[key] = Buffer(f"c{len(self.constants)}", len(flat), "constant", numbers=flat)
        steps = np.cumprod([1, *[values.shape[axis] for axis in reversed(kept)]]).tolist()
        along = [0] * len(sizes)
        for axis, step in zip(reversed(kept), steps, strict=False):
            along[axis] = step
        return Access(self.constants[key], 0, (*((0,) if samples else ()), *along))

    def table(self, offsets: np.ndarray) -> Buffer:
        """A table of offsets."""
        key = offsets.tobytes()
        if key not in self.tables:
            self.tables[key] = Buffer(f"t{len(self.tables)}", len(offsets), "table", numbers=offsets.astype(np.int32))
        return self.tables[key]


def with_table(nest: Nest) -> tuple[tuple[int, ...], list[np.ndarray], list[np.ndarray | None]]:
    """The axes of a nest, its table included: rows that are regular along it get a stride, the others offsets."""
    rows = len(nest.bases)
    if nest.table is None:
        return nest.sizes, nest.strides, [None] * rows
    steps = np.diff(nest.table, axis=1)
    regular = (steps == steps[:, :1]).all(1)
    outer = np.where(regular, steps[:, 0], 0)
    tables = [None if regular[row] else nest.table[row] - nest.table[row, 0] for row in range(rows)]
    return (nest.table.shape[1], *nest.sizes), [outer, *nest.strides], tables
