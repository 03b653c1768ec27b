"""Loads and stores of one function: where an access is in memory, and what is there as a vector along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from chainrule.compiler.codegen.operations import Scalars
from chainrule.compiler.ir.expressions import Access, Buffer, Lookup
from chainrule.compiler.ir.statements import BATCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainrule.compiler.codegen.llvm_text import Text

RELAXED = "reassoc nsz contract"  # how terms are added up

Index: TypeAlias = tuple[str | int, int]
"""An index along an axis: a variable, or 0, and what is added to it."""


class Cursor(NamedTuple):
    """Where the code stands: the index along each axis, and along which axis, if any, a vector of `width` points lies."""

    indices: dict[int, Index]
    vector: int | None
    width: int

    def at(self, axis: int, index: Index) -> Cursor:
        """The same place with one index changed."""
        return self._replace(indices={**self.indices, axis: index})


def index(i: str | int) -> Index:
    """An index along an axis."""
    return (0, i) if isinstance(i, int) else (i, 0)


class Writer:
    """Writes loads and stores into a function.

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

    def _cut_samples(self, count: int) -> list[tuple[int, str | int, str | int]]:
        if count == 1:
            return [(1, 0, self.samples)]
        rest = self.text.get(f"urem i64 {self.samples}, {count}")
        whole = self.text.get(f"sub i64 {self.samples}, {rest}")
        return [(count, 0, whole), (1, whole, self.samples)]

    # --- memory -------------------------------------------------------------------------------------------------------------------------

    def address(self, access: Access | Lookup, cursor: Cursor) -> tuple[str, int]:
        """A pointer, and an offset from it, counted in numbers."""
        kind = "i32" if access.buffer.role == "table" else self.text.number
        offset, known = self.offset(access, cursor)
        pointer = self.pointers[access.buffer]
        if offset != 0:
            pointer = self.text.get(f"getelementptr inbounds {kind}, ptr {pointer}, i64 {offset}")
        return pointer, known

    def offset(self, access: Access | Lookup, cursor: Cursor) -> tuple[str | int, int]:
        """The offset of an access from the beginning of its buffer: a variable part, and a number."""
        text = self.text
        variable: str | int = 0
        known = access.base
        for axis, stride in enumerate(access.strides):
            if stride:
                start, more = cursor.indices[axis]
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
            variable = text.add(variable, self._looked_up(access.lookup, cursor))
        return variable, known

    def _looked_up(self, lookup: Lookup, cursor: Cursor) -> str | int:
        text = self.text
        pointer, known = self.address(lookup, cursor)
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

    def load(self, access: Access, cursor: Cursor) -> str:
        """Load an access as a vector along the place's axis."""
        text, width = self.text, cursor.width
        pointer, known = self.address(access, cursor)
        stride = 0 if width == 1 or cursor.vector is None else access.strides[cursor.vector]
        if stride == 1:
            return text.fresh(f"load {text.type(width)}, ptr {self.element(pointer, known)}, align {text.bytes}")
        if stride == 0:
            return text.splat(text.fresh(f"load {text.number}, ptr {self.element(pointer, known)}, align {text.bytes}"), width)
        vector = "poison"
        for lane in range(width):
            x = text.fresh(f"load {text.number}, ptr {self.element(pointer, known + lane * stride)}, align {text.bytes}")
            vector = text.fresh(f"insertelement {text.type(width)} {vector}, {text.number} {x}, i32 {lane}")
        return vector

    def store(self, access: Access, value: str, cursor: Cursor) -> None:
        """Store a value, a vector along the place's axis."""
        text, width = self.text, cursor.width
        pointer, known = self.address(access, cursor)
        stride = 1 if width == 1 or cursor.vector is None else access.strides[cursor.vector]
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


__all__ = ["Cursor", "Index", "Writer", "index"]
