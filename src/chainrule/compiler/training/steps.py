"""The training loop as machine code: gather a minibatch, run the kernel, let the optimiser change the parameters, and again."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.compiler.codegen.emit import Emitter
from chainrule.compiler.codegen.llvm_text import Text
from chainrule.compiler.codegen.memory import aligned
from chainrule.compiler.codegen.native import Code, module
from chainrule.compiler.runtime.program import Workspace
from chainrule.compiler.training.updates import Rule, options_of
from chainrule.compiler.transform.schedule import group
from chainrule.engine import read_data

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chainrule.compiler.ir.machine import Target
    from chainrule.compiler.runtime.program import Program
    from chainrule.engine import Value
    from chainrule.optim import Optimizer


class Trained:
    """The memory that training changes: parameters, gradients, and what the optimiser keeps.

    Arguments:
        leaves: the Value behind each place of the programs' parameters; None for padding.
        optimizer: an SGD, Adam or AdamW.
        dtype: "float64" or "float32".
        target: the machine.
    """

    def __init__(self, leaves: Sequence[Value | None], optimizer: Optimizer, dtype: str, target: Target) -> None:
        self.dtype = dtype
        self.target = target
        own = {leaf: k for k, leaf in enumerate(leaves) if leaf is not None}
        more = [p for p in optimizer.params if p not in own]  # that the loss does not depend on; their gradients are 0
        place = own | {p: len(leaves) + k for k, p in enumerate(more)}
        self.places = np.array([place[p] for p in optimizer.params])
        changed = set(optimizer.params)
        self.frozen_leaves = [leaf for leaf in own if leaf not in changed]
        self.frozen = [own[leaf] for leaf in self.frozen_leaves]
        self.rule = Rule(optimizer, len(leaves) + len(more), frozen=bool(self.frozen))
        self.memory = {buffer: aligned(max(1, buffer.size), dtype) for buffer in self.rule.buffers}
        self.memory[self.rule.trained][self.places] = 1.0
        self.options = options_of(optimizer)
        self.key = (self.options, self.rule.parameters.size, bool(self.frozen))

    def fits(self, optimizer: Optimizer) -> bool:
        """Whether the machine code does what the optimiser would, with the options that it has now."""
        return self.options == options_of(optimizer)

    def share(self, workspace: Workspace) -> None:
        """Let a kernel work on this memory."""
        kernel = workspace.kernel
        parameters = kernel.program.parameters
        if parameters is not None:
            workspace.bind(parameters, self.memory[self.rule.parameters])
            workspace.bind(kernel.gradients[parameters], self.memory[self.rule.gradients])

    def load(self, parameters: np.ndarray, states: Sequence[np.ndarray]) -> None:
        """Take parameters and the optimiser's lists over, in the order of the optimiser's parameters."""
        self.memory[self.rule.parameters][self.places] = parameters
        if self.frozen:
            numbers = np.empty(len(self.frozen))
            read_data(self.frozen_leaves, numbers)
            self.memory[self.rule.parameters][self.frozen] = numbers
        for buffer, state in zip(self.rule.states, states, strict=True):
            self.memory[buffer][self.places] = state

    def save(self) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
        """The parameters, the optimiser's lists, and the last gradients, in the order of the optimiser's parameters."""
        taken = [self.memory[b][self.places].astype(np.float64) for b in (self.rule.parameters, *self.rule.states, self.rule.gradients)]
        return taken[0], taken[1:-1], taken[-1]

    def addresses(self) -> np.ndarray:
        """Where the memory is, as the machine code takes it."""
        return np.array([self.memory[buffer].ctypes.data for buffer in self.rule.buffers], np.uint64)

    def update(self, needed: set[tuple[str, str, int]]) -> str:
        """The text of the function that changes the parameters once."""
        text = Text(self.dtype)
        names = {buffer: f"%b{k}" for k, buffer in enumerate(self.rule.buffers)}
        (part,) = group([self.rule.statements], self.rule.buffers)
        Emitter(text, names, self.target.lanes(self.dtype), self.target.registers, needed).steps(part.groups)
        return text.function(f"internal void @update({', '.join(f'ptr noalias {name}' for name in names.values())}) noinline #0")

    def steps(self, text: Text, once: Callable[[str | int], str]) -> None:
        """Write the loop over the steps. It ends early, before the update, where the loss is not finite.

        Arguments:
            text: the function, with the arguments %memory, %scalars, %losses, %done and %steps.
            once: writes the computation of the loss and the gradients, given the number of the step; returns the address of the loss.
        """
        number, size = text.number, text.bytes
        rule = [pointer(text, "%memory", k) for k in range(len(self.rule.buffers))]

        def step(k: str | int) -> None:
            loss = once(k)
            found = text.fresh(f"load {number}, ptr {loss}, align {size}")
            text.do(f"store {number} {found}, ptr {text.get(f'getelementptr {number}, ptr %losses, i64 {k}')}, align {size}")
            difference = text.fresh(f"fsub {number} {found}, {found}")
            text.unless(text.fresh(f"fcmp oeq {number} {difference}, {text.constant(0.0)}"), "stop")
            scalars = text.get(f"getelementptr {number}, ptr %scalars, i64 {text.multiply(k, self.rule.scalars.size)}")
            passed = [scalars if buffer is self.rule.scalars else name for buffer, name in zip(self.rule.buffers, rule, strict=True)]
            text.do(f"call void @update({', '.join(f'ptr {name}' for name in passed)})")
            text.do(f"store i64 {text.add(k, 1)}, ptr %done")

        text.loop(0, "%steps", 1, step)
        text.here("stop")

    def run(self, function: Callable[..., None], leading: Sequence[int | None], scalars: np.ndarray) -> np.ndarray:
        """Call the function that makes the steps.

        Arguments:
            function: the machine code.
            leading: its first arguments, before the memory.
            scalars: a row for each step, from `Rule.step_scalars`.

        Returns:
            The losses of the steps. If the last one is not finite, that step did not change the parameters.
        """
        memory = self.addresses()
        rows = np.ascontiguousarray(scalars, self.dtype)
        losses = np.zeros(len(rows), self.dtype)
        done = np.zeros(1, np.int64)
        function(*leading, memory.ctypes.data, rows.ctypes.data, losses.ctypes.data, done.ctypes.data, len(rows))
        return losses[: min(len(rows), int(done[0]) + 1)].astype(np.float64)


def pointer(text: Text, table: str, k: str | int) -> str:
    """An address from a table of them."""
    return text.get(f"load ptr, ptr {text.get(f'getelementptr ptr, ptr {table}, i64 {k}')}")


MOST_FUNCTIONS = 16  # that a program keeps, for other optimisers and batch sizes
_POINTER, _INTEGER = ctypes.c_void_p, ctypes.c_int64


class NativeSteps:
    """Steps of training with one program, many in one call.

    Arguments:
        program: computes the loss.
        optimizer: an SGD, Adam or AdamW.
        samples: how many samples a step takes.
        rows: for each argument how many numbers one sample has.
    """

    def __init__(self, program: Program, optimizer: Optimizer, samples: int, rows: Sequence[int]) -> None:
        self.program = program
        self.samples = samples
        self.rows = rows
        self.trained = Trained(program.lowered.parameters, optimizer, program.dtype, program.target)
        self.kernel = program.kernel(parameters=True)
        self.fits = program.batched and samples <= self.kernel.capacity
        if self.fits:
            self.kernel = program.kernel(parameters=True, one_block=True)
        self.workspace = Workspace(self.kernel)
        self.trained.share(self.workspace)
        self._bind()
        key = (*self.trained.key, samples, tuple(rows))
        if key not in program.step_functions:
            program.step_functions[key] = self._compiled()
            if len(program.step_functions) > MOST_FUNCTIONS:
                program.step_functions.pop(next(iter(program.step_functions)))
        self._function = program.step_functions[key]

    def _bind(self) -> None:
        """Give the kernel memory for what it reads and writes once a step."""
        program, dtype = self.program, self.program.dtype
        count = self.samples if program.batched else 1
        self.inputs = {
            k: (buffer, aligned(max(1, buffer.size) * count, dtype))
            for k, buffer in enumerate(program.lowered.inputs)
            if buffer is not None and buffer in self.kernel.buffers
        }
        self.output = aligned(count * program.lowered.output.size, dtype)
        self.workspace.bind(program.lowered.output, self.output)
        if program.seed in self.workspace.arrays:
            self.workspace.arrays[program.seed][0] = 1.0 / self.samples if program.reduction == "mean" else 1.0
        self.loss = self.workspace.arrays[program.loss] if program.batched else self.output

    def _compiled(self) -> Any:
        program = self.program
        needed: set[tuple[str, str, int]] = set()
        functions = [*self.kernel.functions(needed, self.samples if self.fits else None), self.trained.update(needed), self._train()]
        code = Code(module(functions, needed, program.target), program.target)
        return code.function("train", *[_POINTER] * 7, _INTEGER)

    def _train(self) -> str:
        """The function that Python calls: some steps."""
        text = Text(self.program.dtype)
        number = text.number
        columns = {k: (pointer(text, "%data", 2 * k), pointer(text, "%data", 2 * k + 1)) for k in self.inputs}
        places = {k: self.kernel.buffers.index(buffer) for k, (buffer, _) in self.inputs.items()}
        loss = pointer(text, "%data", 2 * len(self.rows))
        gathers = text.get("icmp ne ptr %order, null")

        def row_of(k: int, column: str, row: str | int) -> str:
            return text.get(f"getelementptr {number}, ptr {column}, i64 {text.multiply(row, self.rows[k])}")

        def once(step: str | int) -> str:
            begin = text.multiply(step, self.samples)

            def sample(i: str | int) -> None:
                row = text.fresh(f"load i64, ptr {text.get(f'getelementptr i64, ptr %order, i64 {text.add(begin, i)}')}")
                for k, (source, target) in columns.items():
                    _copy(text, row_of(k, source, row), row_of(k, target, i), self.rows[k])

            def gather() -> None:
                first = text.fresh(f"load i64, ptr {text.get(f'getelementptr i64, ptr %order, i64 {begin}')}")
                in_line = text.get(f"icmp slt i64 {first}, 0")  # rows that follow each other are read where they are
                row = text.get(f"select i1 {in_line}, i64 {text.get(f'sub i64 -1, {first}')}, i64 0")
                for k, (source, target) in columns.items():
                    here = text.get(f"select i1 {in_line}, ptr {row_of(k, source, row)}, ptr {target}")
                    text.do(f"store ptr {here}, ptr {text.get(f'getelementptr ptr, ptr %table, i64 {places[k]}')}")
                text.when(text.get(f"icmp sge i64 {first}, 0"), lambda: text.loop(0, self.samples, 1, sample))

            text.when(gathers, gather)
            text.do(f"call void @run(ptr %table, i64 {self.samples if self.program.batched else 1})")
            return loss

        self.trained.steps(text, once)
        return text.function(
            "void @train(ptr %table, ptr %data, ptr %order, ptr %memory, ptr %scalars, ptr %losses, ptr %done, i64 %steps) #0"
        )

    def run(self, columns: Sequence[np.ndarray], orders: np.ndarray | None, scalars: np.ndarray) -> np.ndarray:
        """Make some steps.

        Arguments:
            columns: the data, a row for each sample, in the program's dtype.
            orders: for each step the numbers of its samples; None if each step takes all of them as they are.
            scalars: a row for each step, from `Rule.step_scalars`.

        Returns:
            The losses of the steps. If the last one is not finite, that step did not change the parameters.
        """
        data = np.zeros(2 * len(self.rows) + 1, np.uint64)
        for k, (buffer, array) in self.inputs.items():
            self.workspace.bind(buffer, array)
            if orders is None:
                array[:] = columns[k].ravel()
            data[2 * k], data[2 * k + 1] = columns[k].ctypes.data, array.ctypes.data
        data[-1] = self.loss.ctypes.data
        order = None if orders is None else _marked(orders)
        leading = (self.workspace.address, data.ctypes.data, None if order is None else order.ctypes.data)
        return self.trained.run(self._function, leading, scalars)


class RaggedSteps:
    """Steps of training where samples differ in shape: a program for each shape, all on the same memory, and one sample after another.

    Arguments:
        programs: those of all shapes, with one layout of parameters.
        which: for each sample the number of its program.
        samples: for each sample its arrays, one for each argument.
        optimizer: an SGD, Adam or AdamW.
        batch: how many samples a step takes.
        weight: what the loss of each is multiplied by in their sum.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        which: Sequence[int],
        samples: Sequence[Sequence[np.ndarray]],
        optimizer: Optimizer,
        batch: int,
        weight: float,
    ) -> None:
        self.batch, self.weight = batch, weight
        program = max(programs, key=lambda program: len(program.lowered.parameters))
        self.trained = Trained(program.lowered.parameters, optimizer, program.dtype, program.target)
        self.programs, self.which = programs, which
        self.kernels = [program.kernel(parameters=True) for program in programs]
        self.workspaces = [Workspace(kernel) for kernel in self.kernels]
        self.samples = samples  # keeps the memory that the records point to
        arguments = len(samples[0])
        self.records = np.zeros((len(samples), 3 + 2 * arguments), np.uint64)
        functions = [ctypes.cast(kernel.function(), ctypes.c_void_p).value or 0 for kernel in self.kernels]
        for workspace in self.workspaces:
            self.trained.share(workspace)
        for record, number, arrays in zip(self.records, which, samples, strict=True):
            workspace = self.workspaces[number]
            lowered = workspace.kernel.program.lowered
            record[:3] = functions[number], workspace.address, workspace.arrays[lowered.output].ctypes.data
            for k, (buffer, array) in enumerate(zip(lowered.inputs, arrays, strict=True)):
                buffers = workspace.kernel.buffers
                place = len(buffers) if buffer is None or buffer not in buffers else buffers.index(buffer)  # the last: nobody looks
                record[3 + 2 * k : 5 + 2 * k] = place, array.ctypes.data
        needed: set[tuple[str, str, int]] = set()
        gradients = self.trained.memory[self.trained.rule.gradients]
        self.sums = [gradients, aligned(gradients.size, program.dtype), aligned(1, program.dtype)]  # of the batch, in the last two
        self.addresses = np.array([memory.ctypes.data for memory in self.sums], np.uint64)
        code = Code(module([self.trained.update(needed), self._train(arguments)], needed, program.target), program.target)
        self._function = code.function("train", *[_POINTER] * 6, _INTEGER)

    def _train(self, arguments: int) -> str:
        text = Text(self.trained.dtype)
        width = 3 + 2 * arguments

        def sample(number: str | int) -> str:
            record = text.get(f"getelementptr i64, ptr %records, i64 {text.multiply(number, width)}")
            function, table, loss = (pointer(text, record, k) for k in range(3))
            for k in range(arguments):
                place = text.get(f"load i64, ptr {text.get(f'getelementptr i64, ptr {record}, i64 {3 + 2 * k}')}")
                address = pointer(text, record, 4 + 2 * k)
                text.do(f"store ptr {address}, ptr {text.get(f'getelementptr ptr, ptr {table}, i64 {place}')}")
            text.do(f"call void {function}(ptr {table}, i64 1)")
            return loss

        def together(step: str | int) -> str:
            gradients, sums, total = (pointer(text, "%sums", k) for k in range(3))
            begin, count = text.multiply(step, self.batch), self.sums[0].size
            _add(text, "", sums, count, 0.0)
            _add(text, "", total, 1, 0.0)

            def add(k: str | int) -> None:
                _add(text, sample(text.add(begin, k)), total, 1, self.weight)
                _add(text, gradients, sums, count, self.weight)

            text.loop(0, self.batch, 1, add)
            _copy(text, sums, gradients, count)
            return total

        self.trained.steps(text, sample if self.batch == 1 else together)
        return text.function("void @train(ptr %records, ptr %sums, ptr %memory, ptr %scalars, ptr %losses, ptr %done, i64 %steps) #0")

    def program_of(self, sample: int) -> Program:
        """The program that a sample goes through."""
        return self.programs[self.which[sample]]

    def run(self, columns: object, orders: np.ndarray, scalars: np.ndarray) -> np.ndarray:
        """Make some steps: see `NativeSteps.run`; `columns` is not looked at."""
        records = np.ascontiguousarray(self.records[orders.ravel()])
        return self.trained.run(self._function, (records.ctypes.data, self.addresses.ctypes.data), scalars)


def _copy(text: Text, source: str, target: str, count: int) -> None:
    """Copy some numbers, in vectors as far as they go."""
    width = 64 // text.bytes

    def copy(i: str | int, width: int) -> None:
        a = text.get(f"getelementptr {text.number}, ptr {source}, i64 {i}")
        b = text.get(f"getelementptr {text.number}, ptr {target}, i64 {i}")
        x = text.fresh(f"load {text.type(width)}, ptr {a}, align {text.bytes}")
        text.do(f"store {text.type(width)} {x}, ptr {b}, align {text.bytes}")

    begin = 0
    while begin < count:
        if whole := (count - begin) // width * width:
            text.loop(begin, begin + whole, width, lambda i, width=width: copy(i, width))  # type: ignore[misc]
            begin += whole
        width //= 2


def _add(text: Text, source: str, target: str, count: int, weight: float) -> None:
    """Add some numbers times a weight to others, in vectors as far as they go; without a source, set these to the weight."""
    width = 64 // text.bytes

    def add(i: str | int, width: int) -> None:
        b = text.get(f"getelementptr {text.number}, ptr {target}, i64 {i}")
        kind, result = text.type(width), text.constant(weight, width)
        if source:
            a = text.get(f"getelementptr {text.number}, ptr {source}, i64 {i}")
            x, y = (text.fresh(f"load {kind}, ptr {place}, align {text.bytes}") for place in (a, b))
            result = text.fresh(f"fadd {kind} {y}, {text.fresh(f'fmul {kind} {x}, {result}')}")
        text.do(f"store {kind} {result}, ptr {b}, align {text.bytes}")

    begin = 0
    while begin < count:
        if whole := (count - begin) // width * width:
            text.loop(begin, begin + whole, width, lambda i, width=width: add(i, width))  # type: ignore[misc]
            begin += whole
        width //= 2


def _marked(orders: np.ndarray) -> np.ndarray:
    """The samples of each step; if they are consecutive, the first is marked, and they need not be gathered."""
    marked = np.array(orders, np.int64)
    in_line = (np.diff(marked, axis=1) == 1).all(1)
    marked[in_line, 0] = -1 - marked[in_line, 0]
    return marked


__all__ = ["NativeSteps", "RaggedSteps", "Trained"]
