"""What lowering makes of a graph: statements, buffers, and where each parameter lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.ir.expressions import Buffer
    from chainrule.compiler.ir.statements import Statement
    from chainrule.engine import Value


class Lowered(NamedTuple):
    """A program without its adjoint.

    Arguments:
        statements: what to compute, in order.
        buffers: all memory, outputs included.
        parameters: which Value each place of the parameters' buffer belongs to; None where there is padding.
        names: for each array of parameters its place, its size, and the labels of its first and last Value.
        inputs: the buffer of each argument, or None for one that is not used.
        output: where the results go, in the order of the roots.
        shown: where the last roots go, if they are only shown: they are not results, and have no derivatives.
        bounds: for each argument, how large an index each of its numbers may be used for; None if for none.
    """

    statements: list[Statement]
    buffers: list[Buffer]
    parameters: list[Value | None]
    arrays: list[tuple[int, int]]
    inputs: list[Buffer | None]
    output: Buffer
    shown: Buffer
    bounds: list[np.ndarray | None]

    def bound(self, indices: Sequence[tuple[tuple[int, int], int]]) -> None:
        """Let numbers of arguments be checked as indices.

        Arguments:
            indices: for each the number of the argument and the place in it, and how many things it is the index of.
        """
        for (argument, place), count in indices:
            buffer, bounds = self.inputs[argument], self.bounds[argument]
            if buffer is None:
                continue
            if bounds is None:
                bounds = self.bounds[argument] = np.full(buffer.size, np.iinfo(np.int64).max)
            bounds[place] = min(bounds[place], count)


class Layout:
    """Where each parameter lies. Programs that share one can work on the same memory.

    Arguments:
        places: of the parameters that have one.
        size: of the whole, padding included.
    """

    def __init__(self) -> None:
        self.places: dict[Value, int] = {}
        self.size = 0

    def leaves(self) -> list[Value | None]:
        """Which Value each place belongs to; None where there is padding."""
        out: list[Value | None] = [None] * self.size
        for leaf, place in self.places.items():
            out[place] = leaf
        return out


__all__ = ["Layout", "Lowered"]
