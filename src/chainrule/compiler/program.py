"""A program: the recovered statements of a graph, and the kernels that are compiled from them when they are first needed."""

from __future__ import annotations

import ctypes
import time
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.compiler.adjoint import Adjoint
from chainrule.compiler.classes import find_classes
from chainrule.compiler.expanding import refuse_without_code
from chainrule.compiler.expressions import ONE, ZERO, Access, Buffer, Expression, Load
from chainrule.compiler.locks import new_lock
from chainrule.compiler.lowering import Layout, Lowered, lower
from chainrule.compiler.native import Code, Target, host, memory_of, module
from chainrule.compiler.packing import packed
from chainrule.compiler.pieces import Pieces
from chainrule.compiler.scalars import has_code
from chainrule.compiler.schedule import Part, group, schedule
from chainrule.compiler.statements import BATCH, Group, Statement
from chainrule.compiler.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.checks import Checks
    from chainrule.compiler.diagram import Diagram
    from chainrule.compiler.tape import Tape

MOST_STATEMENTS = 2000
CACHE = 384 * 1024  # bytes that the values of one block of samples may take
SMALLEST_BLOCK, LARGEST_BLOCK = 16, 4096


class TooIrregularError(Exception):
    """A graph in which no arrays were found: as statements it would be about as long as it is."""


class Parts(NamedTuple):
    """The statements of a kernel: what comes before the samples, what is done for each block of them, and what comes after.

    Without a batch, all is in `block`.
    """

    start: list[Statement]
    block: list[Statement]
    end: list[Statement]


class Program:
    """What a graph computes, as statements.

    Arguments:
        tape: the graph; of one sample, if `batched`.
        inputs: the name of each argument, and how many numbers it has; for one sample, if `batched`.
        batched: whether the arguments have a leading axis for the samples.
        reduction: "mean" or "sum" over the samples, or None to keep the result of each.
        dtype: "float64" or "float32".
        target: the machine; this one by default.
        layout: where parameters lie that other programs have too.
        shown: how many of the tape's last roots are no results, but only to be shown.

    Raises:
        TooIrregularError: if there are more than about 2,000 statements.
        NoCodeError: if the compiler has no code for an operation, and its row no expansion.
    """

    def __init__(
        self,
        tape: Tape,
        inputs: Sequence[tuple[str, int]] = (),
        *,
        batched: bool = False,
        reduction: str | None = None,
        dtype: str = "float64",
        target: Target | None = None,
        layout: Layout | None = None,
        shown: int = 0,
    ) -> None:
        self.nodes = tape.size
        self.seconds: dict[str, float] = {}
        self.batched, self.reduction, self.dtype = batched, reduction, dtype
        self.target = target or host()
        refuse_without_code(tape.rows, has_code)
        with self._timed("classes"):
            found = find_classes(tape)
        with self._timed("statements"):
            self.lowered: Lowered = lower(tape, found, inputs, batched=batched, layout=layout, shown=shown)
        if len(self.lowered.statements) > MOST_STATEMENTS:
            raise TooIrregularError(f"{self.nodes:,} nodes became {len(self.lowered.statements):,} statements")
        self.parameters = next((buffer for buffer in self.lowered.buffers if buffer.role == "parameter"), None)
        self.loss = Buffer("loss", 1, "output")
        self.seed = Buffer("seed", 1, "seed")
        self.checks: Checks | None = None  # of numbers that must meet a condition at every call
        self.loops: dict[Any, Any] = {}  # training loops around it, as machine code
        self._kernels: dict[tuple[bool, bool, bool], Kernel] = {}
        self._lock = new_lock()

    def _timed(self, stage: str) -> _Stopwatch:
        return _Stopwatch(self.seconds, stage)

    def __str__(self) -> str:
        from chainrule.compiler.listing import listing

        return listing(self)

    def __repr__(self) -> str:
        return f"<Program of {self.nodes:,} nodes, {len(self.lowered.statements):,} statements: print it, or .draw() it>"

    def draw(self, *, rankdir: str = "TB") -> Diagram:
        """A picture of the arrays and of what is done with them; see `chainrule.compiler.diagram.diagram`."""
        from chainrule.compiler.diagram import diagram

        return diagram(self, rankdir=rankdir)

    def kernel(self, *, parameters: bool = False, inputs: bool = False, one_block: bool = False) -> Kernel:
        """The compiled program, which computes the results and the gradients that are asked for.

        Arguments:
            parameters: compute the gradients of the parameters.
            inputs: compute the gradients of the inputs.
            one_block: it will never get more samples than its `capacity`.
        """
        key = (parameters and self.parameters is not None, inputs, one_block)
        with self._lock:
            if key not in self._kernels:
                self._kernels[key] = Kernel(self, *self.parts(*key))
            return self._kernels[key]

    def parts(self, parameters: bool, inputs: bool, one_block: bool = False) -> tuple[Parts, dict[Buffer, Buffer]]:
        """The statements of a kernel, and the buffers of the gradients that it computes."""
        forward = self.lowered.statements
        wanted: list[Buffer] = []
        if parameters and self.parameters is not None:
            wanted.append(self.parameters)
        if inputs:
            wanted += [buffer for buffer in self.lowered.inputs if buffer is not None]
        seed: Expression = ONE
        if self.reduction is not None:
            seed = Load(Access(self.seed, 0, (0,)))
            if self.batched:
                out = Load(Access(self.lowered.output, 0, (self.lowered.output.size,)))
                forward = [
                    Statement((), Access(self.loss, 0, ()), ZERO),
                    *forward,
                    Statement((BATCH,), Access(self.loss, 0, (0,)), out * seed, accumulate=True),
                ]
                forward.sort(key=lambda statement: statement.per_sample)
        backward: list[Statement] = []
        start: list[Statement] = []
        gradients: dict[Buffer, Buffer] = {}
        if wanted:
            with self._timed("adjoint"):
                adjoint = Adjoint(self.lowered.statements, self.lowered.output, seed, wanted, one_block=one_block)
            start, backward = adjoint.start, adjoint.statements
            gradients = {buffer: adjoint.of[buffer] for buffer in wanted}
        if not self.batched:
            return Parts([], [*forward, *start, *backward], []), gradients
        block = [statement for statement in forward if statement.per_sample] + [s for s in backward if s.per_sample]
        before = [statement for statement in forward if not statement.per_sample] + start
        return Parts(before, block, [s for s in backward if not s.per_sample]), gradients


class Kernel:
    """Machine code for a program, and the memory it needs.

    Arguments:
        program: what it was made from.
        parts: its statements.
        gradients: for each buffer whose gradient it computes, that of the gradient.
    """

    def __init__(self, program: Program, parts: Parts, gradients: dict[Buffer, Buffer]) -> None:
        self.program = program
        self.gradients = gradients
        self.parts = parts
        with program._timed("schedule"):
            grouped = self.grouped()
            self.capacity = _capacity(grouped[1].groups, program.dtype) if program.batched else 1
            self.steps, self.buffers = schedule(grouped, self.capacity)
        self._free: list[Workspace] = []
        self._lock = new_lock()
        self._function: Any = None

    def grouped(self) -> list[Part]:
        """The groups of each part, with the buffers as they are before they get their places in memory."""
        program = self.program
        copies, block = packed(self.parts.block, program.target.lanes(program.dtype))
        parts = self.parts._replace(start=[*self.parts.start, *copies], block=block)
        return group(parts, [program.lowered.output, program.lowered.shown, program.loss, *self.gradients.values()])

    def run(self, table: int, samples: int) -> None:
        """Run the machine code, which is made the first time."""
        if self._function is None:
            self.function()
        self._function(table, samples)

    def function(self) -> Any:
        """The machine code, as ctypes calls it."""
        with self._lock:
            if self._function is None:
                self._function = self._compiled()
        return self._function

    def _compiled(self) -> Any:
        with self.program._timed("emit"):
            needed: set[tuple[str, str, int]] = set()
            text = module(self.functions(needed), needed, self.program.target)
        with self.program._timed("LLVM"):
            return Code(text, self.program.target).function("run", ctypes.c_void_p, ctypes.c_int64)

    @property
    def bytes(self) -> int:
        """How much memory a workspace takes."""
        size = 8 if self.program.dtype == "float64" else 4
        return sum(buffer.size * size for buffer in self.buffers if not buffer.per_sample)

    def functions(self, needed: set[tuple[str, str, int]], samples: int | None = None) -> list[str]:
        """The text of the kernel's functions; the one to call is `run`, with the addresses of the buffers and the number of samples.

        Arguments:
            needed: gets the elementary functions that they call.
            samples: how many samples there will always be, at most `capacity`; None if that is not known.
        """
        pieces = Pieces(self.buffers, self.program.dtype, self.program.target, needed, samples)
        written = [pieces.write(name, steps) for name, steps in zip(("before", "block", "after"), self.steps, strict=True)]
        return [*chain.from_iterable(written), self._driver()]

    def _driver(self) -> str:
        """The function that Python calls: all samples, block by block."""
        text = Text(self.program.dtype)
        pointers = [text.get(f"load ptr, ptr {text.get(f'getelementptr ptr, ptr %table, i64 {k}')}") for k in range(len(self.buffers))]
        plain = ", ".join(f"ptr {pointer}" for pointer in pointers)
        text.do(f"call void @before({plain}, i64 %n)")

        def body(first: str | int) -> None:
            rest = text.get(f"sub i64 %n, {first}")
            fits = text.get(f"icmp slt i64 {rest}, {self.capacity}")
            count = text.get(f"select i1 {fits}, i64 {rest}, i64 {self.capacity}")

            def here(buffer: Buffer, pointer: str) -> str:
                if not buffer.per_sample:
                    return pointer
                return text.get(f"getelementptr {text.number}, ptr {pointer}, i64 {text.multiply(first, buffer.size)}")

            moved = [here(buffer, pointer) for buffer, pointer in zip(self.buffers, pointers, strict=True)]
            text.do(f"call void @block({', '.join(f'ptr {pointer}' for pointer in moved)}, i64 {count})")

        text.loop(0, "%n", self.capacity, body)
        text.do(f"call void @after({plain}, i64 %n)")
        return text.function("void @run(ptr %table, i64 %n) #0")

    def workspace(self) -> Workspace:
        """Memory to run in, for one thread at a time."""
        try:
            return self._free.pop()
        except IndexError:
            return Workspace(self)

    def give_back(self, workspace: Workspace) -> None:
        """Keep a workspace for the next call."""
        self._free.append(workspace)


class Workspace:
    """The memory of one run of a kernel at a time.

    Arguments:
        kernel: whose.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.arrays: dict[Buffer, np.ndarray] = {
            buffer: memory_of(buffer, kernel.program.dtype) for buffer in kernel.buffers if not buffer.per_sample
        }
        self._table = np.zeros(len(kernel.buffers) + 1, np.uint64)  # the last place is for what nobody reads
        self._number = {buffer: k for k, buffer in enumerate(kernel.buffers)}
        for buffer, array in self.arrays.items():
            self._table[self._number[buffer]] = array.ctypes.data
        self.address = self._table.ctypes.data

    def bind(self, buffer: Buffer, array: np.ndarray) -> None:
        """Let a buffer be an array of the caller's."""
        if buffer in self._number:
            self.arrays[buffer] = array
            self._table[self._number[buffer]] = array.__array_interface__["data"][0]

    def run(self, samples: int = 1) -> None:
        """Run the kernel."""
        self.kernel.run(self.address, samples)


class _Stopwatch:
    """Adds the time that a block takes to an entry."""

    def __init__(self, seconds: dict[str, float], stage: str) -> None:
        self.seconds, self.stage = seconds, stage

    def __enter__(self) -> None:
        self.begin = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds[self.stage] = self.seconds.get(self.stage, 0.0) + time.perf_counter() - self.begin


def _capacity(groups: list[Group], dtype: str) -> int:
    """For how many samples at a time the arenas have room, so that they stay in the cache."""
    size = 8 if dtype == "float64" else 4
    used = {
        access.buffer
        for group in groups
        for statement, kept in zip(group.statements, group.kept, strict=True)
        for access in (*([statement.store] if kept else []), *statement.value.loads())
    }
    per_sample = sum(buffer.size * size for buffer in used if buffer.per_sample and buffer.role in ("value", "adjoint", "mark"))
    if not per_sample:
        return LARGEST_BLOCK
    return max(SMALLEST_BLOCK, min(LARGEST_BLOCK, CACHE // per_sample // 16 * 16))


__all__ = ["Kernel", "Program", "TooIrregularError", "Workspace"]
