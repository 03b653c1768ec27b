"""Groups of statements become loops over vectors, in LLVM's assembly language.

A group's parallel axes become loops; at the innermost point, which is a vector of points or a block of such vectors, the statements are
written one after another, and what one stores the next takes from a register. Reductions have loops of their own inside, with a sum for
each point of the block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.compiler.codegen.innermost import Point
from chainrule.compiler.codegen.loads import Cursor, Writer, index
from chainrule.compiler.codegen.vectorize import choose
from chainrule.compiler.ir.statements import Group, Loop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.codegen.vectorize import Plan
    from chainrule.compiler.ir.statements import Step


class Emitter(Writer):
    """Writes statements into a function."""

    def steps(self, steps: Sequence[Step]) -> None:
        """Write groups and loops, in order."""
        for step in steps:
            if isinstance(step, Loop):
                self._loop(step)
            else:
                self._group(step if isinstance(step, Group) else Group(step.sizes[: len(step.sizes) - len(step.reduced)], (step,), (True,)))

    def _loop(self, loop: Loop) -> None:
        def body(iteration: str | int) -> None:
            self.iteration = iteration
            self.steps(loop.body)
            self.iteration = 0

        self.text.loop(0, loop.count, 1, body)

    # --- the loops around a group -------------------------------------------------------------------------------------------------------

    def _group(self, group: Group) -> None:
        plan = choose(group, self.width, self.registers)
        axes = plan.order(group)

        def nest(depth: int, cursor: Cursor, counts: dict[int, int]) -> None:
            if depth == len(axes):
                Point(self, group, plan, cursor, counts).write()
                return
            axis = axes[depth]
            is_vector = axis == plan.vector
            size = group.sizes[axis]
            cut = self._cut_tiles(size, plan) if is_vector else [(1, *piece) for piece in self._cut_evenly(size, plan.blocks.get(axis, 1))]
            for vectors, points, begin, end in cut:

                def body(i: str | int, points: int = points, vectors: int = vectors) -> None:
                    there = cursor.at(axis, index(i))
                    if is_vector:
                        nest(depth + 1, there._replace(width=points), {**counts, axis: vectors})
                    else:
                        nest(depth + 1, there, {**counts, axis: points})

                self.text.loop(begin, end, vectors * points, body)

        nest(0, Cursor({}, plan.vector, 1), {})

    def _cut_tiles(self, size: int, plan: Plan) -> list[tuple[int, int, str | int, str | int]]:
        """Cut an axis into several vectors at a time, and what is left into single ones: (vectors, width, begin, end)."""
        pieces = [(1, *piece) for piece in self.cut(size, plan.width)]
        length = self.length(size)
        if plan.vectors == 1 or (isinstance(length, int) and length < plan.vectors * plan.width):
            return pieces
        _, begin, middle = self.cut(size, plan.vectors * plan.width)[0]
        (_, width, _, end), *rest = pieces
        return [(plan.vectors, width, begin, middle), (1, width, middle, end), *rest]

    def _cut_evenly(self, size: int, count: int) -> list[tuple[int, str | int, str | int]]:
        """Cut an axis into as few blocks of at most `count` points as there can be, all of about the same size."""
        length = self.length(size)
        if isinstance(length, str):
            return self._cut_samples(count)
        blocks = -(-length // count)
        larger = -(-length // blocks)
        middle = larger * (length - blocks * (larger - 1))
        pieces: list[tuple[int, str | int, str | int]] = [(larger, 0, middle)]
        if middle < length:
            pieces.append((larger - 1, middle, length))
        return pieces


__all__ = ["Emitter"]
