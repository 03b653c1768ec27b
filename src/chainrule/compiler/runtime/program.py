"""A program: the recovered statements of a graph, and the kernels that are compiled from them when they are first needed."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.compiler import pipeline
from chainrule.compiler.codegen.memory import memory_of
from chainrule.compiler.pipeline import Parts, Recovered, Sweeps
from chainrule.compiler.runtime.locks import new_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chainrule.compiler.capture.arguments import Argument
    from chainrule.compiler.ir.expressions import Buffer
    from chainrule.compiler.show.diagram import Diagram
    from chainrule.compiler.transform.schedule import Part


class Program(Recovered):
    """What a graph computes, as statements.

    Arguments:
        tape: the graph; of one sample, if `batched`.
        inputs: the name of each argument, and how many numbers it has; for one sample, if `batched`.
        batched: whether the arguments have a leading axis for the samples.
        reduction: "mean" or "sum" over the samples, or None to keep the result of each.
        dtype: "float64" or "float32".
        target: the machine; this one by default.
        layout: where parameters lie that other programs have too.
        shown: how many of the tape's last roots are not results, but are only shown.

    Raises:
        TooIrregularError: if there are more than about 2,000 statements.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.refuse: Callable[[Sequence[Argument]], None] | None = None  # where a result is nan, looks at the numbers that must not be so
        self.step_functions: dict[Any, Any] = {}  # training loops around it, as machine code
        self._kernels: dict[tuple[bool, bool, bool], Kernel] = {}
        self._lock = new_lock()

    def __str__(self) -> str:
        from chainrule.compiler.show.listing import listing

        return listing(self)

    def __repr__(self) -> str:
        return f"<Program of {self.nodes:,} nodes, {len(self.lowered.statements):,} statements: print it, or .draw() it>"

    def draw(self, *, rankdir: str = "TB") -> Diagram:
        """A picture of the arrays and of what is done with them; see `chainrule.compiler.show.diagram.diagram`."""
        from chainrule.compiler.show.diagram import diagram

        return diagram(self, rankdir=rankdir)

    def kernel(self, *, parameters: bool = False, inputs: bool = False, one_block: bool = False) -> Kernel:
        """Compile the program, with the gradients that are wanted.

        Arguments:
            parameters: compute the gradients of the parameters.
            inputs: compute the gradients of the inputs.
            one_block: whether it never gets more samples than its `capacity`.
        """
        key = (parameters and self.parameters is not None, inputs, one_block)
        with self._lock:
            if key not in self._kernels:
                self._kernels[key] = Kernel(self, *self.parts(*key))
            return self._kernels[key]

    def parts(self, parameters: bool, inputs: bool, one_block: bool = False) -> Sweeps:
        """The statements of a kernel, and the buffers of the gradients that it computes."""
        if not (inputs or (parameters and self.parameters is not None)):
            return pipeline.differentiate(self, parameters=False, inputs=False)
        with self.timed("adjoint"):
            return pipeline.differentiate(self, parameters=parameters, inputs=inputs, one_block=one_block)


class Kernel:
    """Machine code for a program, and the memory it needs.

    Arguments:
        program: what it was made from.
        parts: its statements.
        gradients: for each buffer whose gradient it computes, the buffer of the gradient.
    """

    def __init__(self, program: Program, parts: Parts, gradients: dict[Buffer, Buffer]) -> None:
        self.program = program
        self.gradients = gradients
        self.parts = parts
        with program.timed("schedule"):
            self.steps, self.buffers, self.capacity = self._schedule = pipeline.arrange(program, self.grouped())
        self._free: list[Workspace] = []
        self._lock = new_lock()
        self._function: Any = None

    def grouped(self) -> list[Part]:
        """The groups of each part, with the buffers as they are before they get their places in memory."""
        return pipeline.fuse(self.program, Sweeps(self.parts, self.gradients))

    def run(self, table: int, samples: int) -> None:
        """Run the machine code, which is made the first time."""
        if self._function is None:
            self.function()
        self._function(table, samples)

    def function(self) -> Any:
        """The machine code, to be called with ctypes."""
        with self._lock:
            if self._function is None:
                self._function = self._compiled()
        return self._function

    def _compiled(self) -> Any:
        needed: set[tuple[str, str, int]] = set()
        with self.program.timed("emit"):
            functions = self.functions(needed)
        with self.program.timed("LLVM"):
            return pipeline.build(functions, needed, self.program.target, "run", ctypes.c_void_p, ctypes.c_int64)

    @property
    def bytes(self) -> int:
        """How much memory a workspace takes."""
        size = 8 if self.program.dtype == "float64" else 4
        return sum(buffer.size * size for buffer in self.buffers if not buffer.per_sample)

    def functions(self, needed: set[tuple[str, str, int]], samples: int | None = None) -> list[str]:
        """The text of the kernel's functions; the one to call is `run`, with the addresses of the buffers and the number of samples.

        Arguments:
            needed: collects the elementary functions that they call.
            samples: how many samples there will always be, at most `capacity`; None if that is not known.
        """
        return pipeline.write(self.program, self._schedule, needed, samples)

    def workspace(self) -> Workspace:
        """Memory to run in, for one thread at a time."""
        try:
            return self._free.pop()
        except IndexError:
            return Workspace(self)

    def give_back(self, workspace: Workspace) -> None:
        """Return a workspace, so that the next call can use it."""
        self._free.append(workspace)


class Workspace:
    """The memory of one run of a kernel at a time.

    Arguments:
        kernel: the kernel this memory belongs to.
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
        """Use an array of the caller as a buffer."""
        if buffer in self._number:
            self.arrays[buffer] = array
            self._table[self._number[buffer]] = array.__array_interface__["data"][0]

    def run(self, samples: int = 1) -> None:
        """Run the kernel."""
        self.kernel.run(self.address, samples)


__all__ = ["Kernel", "Program", "Workspace"]
