"""Groups of statements become loops over vectors, in LLVM's assembly language.

A group's parallel axes become loops; at the innermost point, which is a vector of points or a block of such vectors, the statements are
written one after another, and what one stores the next takes from a register. Reductions have loops of their own inside, with a sum for
each point of the block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.compiler.expressions import Access, Buffer, Lookup
from chainrule.compiler.plan import Plan, choose
from chainrule.compiler.points import Place, Point, index
from chainrule.compiler.scalars import Scalars
from chainrule.compiler.statements import BATCH, Group, Loop, Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chainrule.compiler.text import Text

RELAXED = "reassoc nsz contract"  # how terms are added up


class Emitter:
    """Writes statements into a function.

    Arguments:
        text: the function.
        pointers: for each buffer the name of its address.
        width: how many numbers a vector register holds.
        registers: how many of these there are.
        needed: collects the elementary functions that are called.
        samples: the number of samples, or the name of a variable that holds it.
        iteration: the number of the iteration of the loop around the function, or the name of a variable that holds it.
    """

    def __init__(
        self,
        text: Text,
        pointers: Mapping[Buffer, str],
        width: int,
        registers: int,
        needed: set[tuple[str, str, int]],
        samples: str | int = "%n",
        iteration: str | int = 0,
    ) -> None:
        self.text = text
        self.pointers = pointers
        self.width = width
        self.registers = registers
        self.samples = samples
        self.scalars = Scalars(text, needed)
        self.iteration = iteration

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

        def nest(depth: int, place: Place, counts: dict[int, int]) -> None:
            if depth == len(axes):
                Point(self, group, plan, place, counts).write()
                return
            axis = axes[depth]
            is_vector = axis == plan.vector
            size = group.sizes[axis]
            cut = self._cut_tiles(size, plan) if is_vector else [(1, *piece) for piece in self._cut_evenly(size, plan.blocks.get(axis, 1))]
            for vectors, points, begin, end in cut:

                def body(i: str | int, points: int = points, vectors: int = vectors) -> None:
                    there = place.at(axis, index(i))
                    if is_vector:
                        nest(depth + 1, there._replace(width=points), {**counts, axis: vectors})
                    else:
                        nest(depth + 1, there, {**counts, axis: points})

                self.text.loop(begin, end, vectors * points, body)

        nest(0, Place({}, plan.vector, 1), {})

    def length(self, size: int) -> str | int:
        """How many points an axis has: a number where it is known."""
        return self.samples if size == BATCH else size

    def cut(self, size: int, width: int) -> list[tuple[int, str | int, str | int]]:
        """Cut an axis into vectors: (width, begin, end), the widest first."""
        length = self.length(size)
        if isinstance(length, str):
            return self._cut_samples(width)
        pieces: list[tuple[int, str | int, str | int]] = []
        begin = 0
        while begin < length:
            if whole := (length - begin) // width * width:
                pieces.append((width, begin, begin + whole))
                begin += whole
            width //= 2
        return pieces

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

    def _cut_samples(self, count: int) -> list[tuple[int, str | int, str | int]]:
        if count == 1:
            return [(1, 0, self.samples)]
        rest = self.text.get(f"urem i64 {self.samples}, {count}")
        whole = self.text.get(f"sub i64 {self.samples}, {rest}")
        return [(count, 0, whole), (1, whole, self.samples)]

    # --- memory -------------------------------------------------------------------------------------------------------------------------

    def address(self, access: Access | Lookup, place: Place) -> tuple[str, int]:
        """A pointer, and an offset from it, counted in numbers."""
        kind = "i32" if access.buffer.role == "table" else self.text.number
        offset, known = self.offset(access, place)
        pointer = self.pointers[access.buffer]
        if offset != 0:
            pointer = self.text.get(f"getelementptr inbounds {kind}, ptr {pointer}, i64 {offset}")
        return pointer, known

    def offset(self, access: Access | Lookup, place: Place) -> tuple[str | int, int]:
        """The offset of an access from the beginning of its buffer: a variable part, and a number."""
        text = self.text
        variable: str | int = 0
        known = access.base
        for axis, stride in enumerate(access.strides):
            if stride:
                start, more = place.indices[axis]
                known += stride * more
                moved = text.multiply(start, stride)
                if isinstance(moved, int):
                    known += moved
                else:
                    variable = text.add(variable, moved)
        if access.advance:
            moved = text.multiply(self.iteration, access.advance)
            if isinstance(moved, int):
                known += moved
            else:
                variable = text.add(variable, moved)
        if isinstance(access, Access) and access.lookup is not None:
            variable = text.add(variable, self._looked_up(access.lookup, place))
        return variable, known

    def _looked_up(self, lookup: Lookup, place: Place) -> str | int:
        text = self.text
        pointer, known = self.address(lookup, place)
        if lookup.buffer.role == "table":
            at = text.get(f"getelementptr inbounds i32, ptr {pointer}, i64 {known}")
            found = text.get(f"sext i32 {text.get(f'load i32, ptr {at}, align 4')} to i64")
        else:
            at = text.get(f"getelementptr inbounds {text.number}, ptr {pointer}, i64 {known}")
            found = text.get(f"fptosi {text.number} {text.get(f'load {text.number}, ptr {at}, align {text.bytes}')} to i64")
        return text.multiply(found, lookup.scale)

    def element(self, pointer: str, offset: int) -> str:
        """The address of the number at an offset from a pointer."""
        return self.text.get(f"getelementptr inbounds {self.text.number}, ptr {pointer}, i64 {offset}") if offset else pointer

    def load(self, access: Access, place: Place) -> str:
        """Load an access as a vector along the place's axis."""
        text, width = self.text, place.width
        pointer, known = self.address(access, place)
        stride = 0 if width == 1 or place.vector is None else access.strides[place.vector]
        if stride == 1:
            return text.fresh(f"load {text.type(width)}, ptr {self.element(pointer, known)}, align {text.bytes}")
        if stride == 0:
            return text.splat(text.fresh(f"load {text.number}, ptr {self.element(pointer, known)}, align {text.bytes}"), width)
        vector = "poison"
        for lane in range(width):
            x = text.fresh(f"load {text.number}, ptr {self.element(pointer, known + lane * stride)}, align {text.bytes}")
            vector = text.fresh(f"insertelement {text.type(width)} {vector}, {text.number} {x}, i32 {lane}")
        return vector

    def store(self, access: Access, value: str, place: Place) -> None:
        """Store a value, a vector along the place's axis."""
        text, width = self.text, place.width
        pointer, known = self.address(access, place)
        stride = 1 if width == 1 or place.vector is None else access.strides[place.vector]
        if stride == 1:
            text.do(f"store {text.type(width)} {value}, ptr {self.element(pointer, known)}, align {text.bytes}")
            return
        for lane in range(width):
            x = text.get(f"extractelement {text.type(width)} {value}, i32 {lane}")
            text.do(f"store {text.number} {x}, ptr {self.element(pointer, known + lane * stride)}, align {text.bytes}")

    def joined(self, reduction: str, a: str, b: str, width: int) -> str:
        """The sum of two values, or the larger one."""
        kind = self.text.type(width)
        if reduction == "sum":
            return self.text.fresh(f"fadd {RELAXED} {kind} {a}, {b}")
        larger = self.text.fresh(f"fcmp ogt {kind} {b}, {a}")
        return self.text.fresh(f"select {self.text.truth(width)} {larger}, {kind} {b}, {kind} {a}")


__all__ = ["Emitter"]
