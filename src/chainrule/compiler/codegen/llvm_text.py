"""Writes LLVM's assembly language, line by line: names, loops, and each instruction only once while its result is available."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Text:
    """The body of one function.

    Arguments:
        dtype: "float64" or "float32", the type of numbers.
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.number = "double" if dtype == "float64" else "float"
        self.bytes = 8 if dtype == "float64" else 4
        self.lines: list[str] = []
        self.variables: list[str] = []
        self._count = 0
        self._known: dict[str, str] = {}

    # --- instructions -------------------------------------------------------------------------------------------------------------------

    def name(self) -> str:
        """A new name for a result."""
        self._count += 1
        return f"%v{self._count}"

    def do(self, instruction: str) -> None:
        """An instruction without a result."""
        self.lines.append(f"  {instruction}")

    def get(self, instruction: str) -> str:
        """The result of an instruction; if the same instruction was written before and is still available, its name."""
        known = self._known.get(instruction)
        if known is None:
            known = self._known[instruction] = self.fresh(instruction)
        return known

    def fresh(self, instruction: str) -> str:
        """The result of an instruction that may differ each time, such as a load."""
        name = self.name()
        self.lines.append(f"  {name} = {instruction}")
        return name

    def forget(self) -> None:
        """Forget the earlier results: the control flow has left the place where they are available."""
        self._known = {}

    @contextmanager
    def inside(self) -> Iterator[None]:
        """A region that can use earlier results, while its own results are not available after it."""
        before = dict(self._known)
        yield
        self._known = before

    # --- types and constants ----------------------------------------------------------------------------------------------------------

    def type(self, width: int) -> str:
        """The type of `width` numbers."""
        return self.number if width == 1 else f"<{width} x {self.number}>"

    def truth(self, width: int) -> str:
        """The type of `width` truth values."""
        return "i1" if width == 1 else f"<{width} x i1>"

    def constant(self, x: float, width: int = 1) -> str:
        """A number, or a vector of it."""
        bits = literal(x, self.dtype)
        return bits if width == 1 else "<" + ", ".join([f"{self.number} {bits}"] * width) + ">"

    def splat(self, x: str, width: int) -> str:
        """A vector of one number."""
        if width == 1:
            return x
        one = self.get(f"insertelement {self.type(width)} poison, {self.number} {x}, i32 0")
        return self.get(f"shufflevector {self.type(width)} {one}, {self.type(width)} poison, <{width} x i32> zeroinitializer")

    def shuffle(self, a: str, b: str, width: int, lanes: list[int]) -> str:
        """A vector of some lanes of two vectors of `width`."""
        mask = ", ".join(f"i32 {lane}" for lane in lanes)
        return self.get(f"shufflevector {self.type(width)} {a}, {self.type(width)} {b}, <{len(lanes)} x i32> <{mask}>")

    # --- integers -------------------------------------------------------------------------------------------------------------------------

    def multiply(self, x: str | int, k: int) -> str | int:
        """`x * k`, of 64 bits."""
        if isinstance(x, int):
            return x * k
        return x if k == 1 else self.get(f"mul nsw i64 {x}, {k}")

    def add(self, x: str | int, y: str | int) -> str | int:
        """`x + y`, of 64 bits."""
        if isinstance(x, int) and isinstance(y, int):
            return x + y
        if x == 0:
            return y
        if y == 0:
            return x
        return self.get(f"add nsw i64 {x}, {y}")

    # --- control flow -----------------------------------------------------------------------------------------------------------------

    def variable(self, kind: str) -> str:
        """A place on the stack; LLVM makes a register of it."""
        name = self.name()
        self.variables.append(f"  {name} = alloca {kind}, align 64")
        return name

    def label(self) -> str:
        """A new name for a place in the program."""
        self._count += 1
        return f"L{self._count}"

    def loop(self, begin: str | int, end: str | int, step: int, body: Callable[[str | int], None]) -> None:
        """`for i in range(begin, end, step): body(i)`; no loop where it is known to run once, nothing where it does not run."""
        if isinstance(begin, int) and isinstance(end, int):
            if begin >= end:
                return
            if begin + step >= end:
                body(begin)
                return
        counter = self.variable("i64")
        self.do(f"store i64 {begin}, ptr {counter}")
        head, inside, after = self.label(), self.label(), self.label()
        self.do(f"br label %{head}")
        self.lines.append(f"{head}:")
        i = self.fresh(f"load i64, ptr {counter}")
        self.do(f"br i1 {self.fresh(f'icmp slt i64 {i}, {end}')}, label %{inside}, label %{after}")
        self.lines.append(f"{inside}:")
        with self.inside():
            body(i)
            self.do(f"store i64 {self.fresh(f'add nuw nsw i64 {i}, {step}')}, ptr {counter}")
        self.do(f"br label %{head}")
        self.lines.append(f"{after}:")

    def when(self, condition: str, body: Callable[[], None]) -> None:
        """What is done only where a condition holds."""
        inside, after = self.label(), self.label()
        self.do(f"br i1 {condition}, label %{inside}, label %{after}")
        self.lines.append(f"{inside}:")
        with self.inside():
            body()
        self.here(after)

    def unless(self, condition: str, label: str) -> None:
        """Leave for a label where a condition does not hold."""
        go_on = self.label()
        self.do(f"br i1 {condition}, label %{go_on}, label %{label}")
        self.lines.append(f"{go_on}:")

    def here(self, label: str) -> None:
        """Put a label here, and jump to it from the code above."""
        self.do(f"br label %{label}")
        self.lines.append(f"{label}:")

    def function(self, signature: str) -> str:
        """The whole function."""
        return "\n".join(
            [f"define {signature} {{", "entry:", *self.variables, "  br label %start", "start:", *self.lines, "  ret void", "}"]
        )


def literal(x: float, dtype: str) -> str:
    """A number as LLVM reads it, to the last bit."""
    if dtype == "float32":
        with np.errstate(over="ignore"):
            x = float(np.float32(x))
    return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"


__all__ = ["Text", "literal"]
