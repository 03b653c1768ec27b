"""The memory that machine code works on, held by NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from chainrule.compiler.ir.expressions import Buffer


def aligned(size: int, dtype: Any) -> np.ndarray:
    """Zeros that begin at a cache line, with one line to spare behind them."""
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(size * itemsize + 192, np.uint8)
    begin = -raw.ctypes.data % 64
    return raw[begin : begin + size * itemsize].view(dtype)


def copied(numbers: np.ndarray, dtype: Any) -> np.ndarray:
    """A copy that starts at a cache line."""
    copy = aligned(numbers.size, dtype).reshape(numbers.shape)
    copy[...] = numbers
    return copy


def memory_of(buffer: Buffer, dtype: str, samples: int = 1) -> np.ndarray:
    """Memory for a buffer, with its numbers if it has any."""
    kind: Any = np.int32 if buffer.role == "table" else dtype
    memory = aligned(max(1, buffer.size) * (samples if buffer.per_sample else 1), kind)
    if buffer.numbers is not None:
        memory[: len(buffer.numbers)] = buffer.numbers
    return memory


__all__ = ["aligned", "copied", "memory_of"]
