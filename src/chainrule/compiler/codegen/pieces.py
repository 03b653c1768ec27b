"""Steps become functions, none of them long: LLVM takes more than twice as long for a function of twice the length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.compiler.codegen.emit import Emitter
from chainrule.compiler.codegen.llvm_text import Text
from chainrule.compiler.ir.statements import Loop, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.compiler.ir.expressions import Buffer
    from chainrule.compiler.ir.machine import Target

MOST_GROUPS = 32  # in one function; for the time that LLVM takes, see `benchmarks/compiled.py --only compile`


class Pieces:
    """Writes functions that carry out steps, and call others for parts of them where there are many.

    Each takes the addresses of all buffers and the number of samples, as `before(ptr %b0, ptr %b1, i64 %n)`.

    Arguments:
        buffers: all that the steps use.
        dtype: "float64" or "float32", the type of numbers.
        target: the machine.
        needed: gets the elementary functions that are called.
        samples: how many samples there always are; None if that is not known.
    """

    def __init__(
        self, buffers: Sequence[Buffer], dtype: str, target: Target, needed: set[tuple[str, str, int]], samples: int | None
    ) -> None:
        self.pointers = {buffer: f"%b{k}" for k, buffer in enumerate(buffers)}
        self.dtype, self.target, self.needed, self.samples = dtype, target, needed, samples
        aligned = [(4 if buffer.role == "table" else 8, name) for buffer, name in self.pointers.items()]
        self._parameters = ", ".join([*(f"ptr noalias align {size} {name}" for size, name in aligned), "i64 %n"])
        self._arguments = ", ".join([*(f"ptr {name}" for name in self.pointers.values()), "i64 %n"])

    def write(self, name: str, steps: Sequence[Step]) -> list[str]:
        """The text of a function, and of those that it calls.

        Arguments:
            name: of the function.
            steps: what it does.
        """
        return self._write(name, steps, None)

    def _write(self, name: str, steps: Sequence[Step], iteration: str | None) -> list[str]:
        """The same; in a loop, the number of the iteration is one more parameter, of this name."""
        text = Text(self.dtype)
        functions = []
        if count(steps) <= MOST_GROUPS:
            target = self.target
            samples = self.samples or "%n"
            emitter = Emitter(text, self.pointers, target.lanes(self.dtype), target.registers, self.needed, samples, iteration or 0)
            emitter.steps(steps)
        else:
            for number, piece in enumerate(_cut(steps)):
                part = f"{name}.{number}"
                if isinstance(piece, Loop):
                    text.loop(0, piece.count, 1, lambda i, part=part: self._call(text, part, i))  # type: ignore[misc]
                    functions += self._write(part, piece.body, "%i")
                else:
                    self._call(text, part, iteration)
                    functions += self._write(part, piece, iteration)
        parameters = self._parameters if iteration is None else f"{self._parameters}, i64 %i"
        return [*functions, text.function(f"internal void @{name}({parameters}) noinline #0")]

    def _call(self, text: Text, name: str, iteration: str | int | None) -> None:
        arguments = self._arguments if iteration is None else f"{self._arguments}, i64 {iteration}"
        text.do(f"call void @{name}({arguments})")


def driver(buffers: Sequence[Buffer], capacity: int, dtype: str) -> str:
    """The text of the function that Python calls: all samples, block by block.

    Arguments:
        buffers: those of the functions that it calls.
        capacity: how many samples make a block.
        dtype: "float64" or "float32", the type of numbers.
    """
    text = Text(dtype)
    pointers = [text.get(f"load ptr, ptr {text.get(f'getelementptr ptr, ptr %table, i64 {k}')}") for k in range(len(buffers))]
    plain = ", ".join(f"ptr {pointer}" for pointer in pointers)
    text.do(f"call void @before({plain}, i64 %n)")

    def body(first: str | int) -> None:
        rest = text.get(f"sub i64 %n, {first}")
        fits = text.get(f"icmp slt i64 {rest}, {capacity}")
        count = text.get(f"select i1 {fits}, i64 {rest}, i64 {capacity}")

        def here(buffer: Buffer, pointer: str) -> str:
            if not buffer.per_sample:
                return pointer
            return text.get(f"getelementptr {text.number}, ptr {pointer}, i64 {text.multiply(first, buffer.size)}")

        moved = [here(buffer, pointer) for buffer, pointer in zip(buffers, pointers, strict=True)]
        text.do(f"call void @block({', '.join(f'ptr {pointer}' for pointer in moved)}, i64 {count})")

    text.loop(0, "%n", capacity, body)
    text.do(f"call void @after({plain}, i64 %n)")
    return text.function("void @run(ptr %table, i64 %n) #0")


def count(steps: Sequence[Step]) -> int:
    """How many groups there are, those in loops included."""
    return sum(count(step.body) if isinstance(step, Loop) else 1 for step in steps)


def _cut(steps: Sequence[Step]) -> Iterator[list[Step] | Loop]:
    """Runs of steps that make short functions, and loops that are long themselves."""
    taken: list[Step] = []
    for step in steps:
        if taken and count([*taken, step]) > MOST_GROUPS:
            yield taken
            taken = []
        if isinstance(step, Loop) and count([step]) > MOST_GROUPS:
            yield step
        else:
            taken.append(step)
    if taken:
        yield taken


__all__ = ["MOST_GROUPS", "Pieces", "count", "driver"]
