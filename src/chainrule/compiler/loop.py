"""The training loop as machine code: gather a minibatch, run the kernel, let the optimiser change the parameters, and again.

The rule of each optimiser is one or two statements over the parameters, in the form that all programs have; they are those of `optim.py`.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import primitives
from chainrule.compiler.emit import Emitter
from chainrule.compiler.expressions import Access, Buffer, Expression, Load, apply
from chainrule.compiler.native import Code, aligned, module
from chainrule.compiler.schedule import group
from chainrule.compiler.program import Kernel, Program, Workspace
from chainrule.compiler.statements import Statement
from chainrule.compiler.text import Text
from chainrule.optim import SGD, Adam, AdamW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.engine import Value
    from chainrule.optim import Optimizer

STATES = {SGD: ("momentum_buffer",), Adam: ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"), AdamW: ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")}
"""The optimisers whose rule is known here, and the names of the lists that each keeps. A subclass may have another rule."""


class Rule:
    """An optimiser's step, as statements over all parameters.

    Arguments:
        optimizer: an SGD, Adam or AdamW.
        size: how many parameters there are, padding included.
        frozen: whether there are some that the optimiser does not change.
    """

    def __init__(self, optimizer: Optimizer, size: int, *, frozen: bool) -> None:
        self.optimizer = optimizer
        self.parameters, self.gradients = Buffer("p", size, "parameter"), Buffer("g", size, "adjoint")
        self.trained = Buffer("trained", size, "constant")
        self.scalars = Buffer("scalars", 8, "input")
        self.states = [Buffer(name, size, "value") for name in STATES[type(optimizer)] if self._uses(name)]
        self.statements = self._sgd() if isinstance(optimizer, SGD) else self._adam()
        if frozen:
            *others, last = self.statements
            kept = apply(primitives.select, _at(self.trained), last.value, _at(self.parameters))
            self.statements = [*others, self._stored(self.parameters, kept)]

    def _uses(self, name: str) -> bool:
        optimizer: Any = self.optimizer
        if name == "momentum_buffer":
            return bool(optimizer.momentum)
        return name != "max_exp_avg_sq" or bool(optimizer.amsgrad)

    @property
    def buffers(self) -> list[Buffer]:
        """All that the statements use."""
        return [self.parameters, self.gradients, self.trained, self.scalars, *self.states]

    def step_scalars(self, rates: np.ndarray, made: int) -> np.ndarray:
        """The numbers that change from step to step.

        Arguments:
            rates: the learning rate of each step.
            made: how many steps were made before.

        Returns:
            A row for each step.
        """
        optimizer: Any = self.optimizer
        rows = np.zeros((len(rates), self.scalars.size))
        step = np.arange(made + 1, made + 1 + len(rates), dtype=np.float64)
        if isinstance(optimizer, SGD):
            rows[:, :3] = np.transpose([rates, np.full(len(rates), optimizer.momentum), np.full(len(rates), 1.0 - optimizer.dampening)])
            if made == 0:
                rows[0, 1:3] = 0.0, 1.0
            return rows
        beta1, beta2 = optimizer.betas
        rows[:, 0] = rates / (1.0 - beta1**step)
        rows[:, 1] = np.sqrt(1.0 - beta2**step)
        rows[:, 2] = 1.0 - rates * (optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0)
        return rows

    def _scalar(self, number: int) -> Expression:
        return Load(Access(self.scalars, number, (0,)))

    def _stored(self, buffer: Buffer, value: Expression) -> Statement:
        return Statement((self.parameters.size,), Access(buffer, 0, (1,)), value)

    def _direction(self, weight_decay: float) -> Expression:
        optimizer: Any = self.optimizer
        gradient: Expression = -_at(self.gradients) if optimizer.maximize else _at(self.gradients)
        return gradient + weight_decay * _at(self.parameters) if weight_decay else gradient

    def _sgd(self) -> list[Statement]:
        optimizer: Any = self.optimizer
        g = self._direction(optimizer.weight_decay)
        statements = []
        if self.states:
            (m,) = self.states
            statements.append(self._stored(m, self._scalar(1) * _at(m) + self._scalar(2) * g))
            g = g + optimizer.momentum * _at(m) if optimizer.nesterov else _at(m)
        return [*statements, self._stored(self.parameters, _at(self.parameters) - self._scalar(0) * g)]

    def _adam(self) -> list[Statement]:
        optimizer: Any = self.optimizer
        beta1, beta2 = optimizer.betas
        decoupled = isinstance(optimizer, AdamW)
        g = self._direction(0.0 if decoupled else optimizer.weight_decay)
        m, v, *largest = self.states
        p: Expression = _at(self.parameters)
        if decoupled:
            p = p * self._scalar(2)
        statements = [
            self._stored(m, beta1 * _at(m) + (1.0 - beta1) * g),
            self._stored(v, beta2 * _at(v) + (1.0 - beta2) * g * g),
        ]
        scale = v
        if largest:
            statements.append(self._stored(largest[0], apply(primitives.maximum, _at(largest[0]), _at(v))))
            scale = largest[0]
        root = apply(primitives.divide, apply(primitives.sqrt, _at(scale)), self._scalar(1))
        step = apply(primitives.divide, _at(m), root + optimizer.eps)
        return [*statements, self._stored(self.parameters, p - self._scalar(0) * step)]


def _at(buffer: Buffer) -> Expression:
    return Load(Access(buffer, 0, (1,)))


class NativeLoop:
    """Steps of training, many in one call.

    Arguments:
        program: computes the loss.
        leaves: the Value behind each place of the program's parameters; None for padding.
        optimizer: an SGD, Adam or AdamW.
        samples: how many samples a step takes.
        rows: for each argument how many numbers one sample has, or None if the program does not use it.
    """

    def __init__(self, program: Program, leaves: Sequence[Value | None], optimizer: Optimizer, samples: int, rows: Sequence[int]) -> None:
        self.program = program
        self.optimizer = optimizer
        self.samples = samples
        self.rows = rows
        own = {leaf: k for k, leaf in enumerate(leaves) if leaf is not None}
        more = [p for p in optimizer.params if p not in own]  # that the loss does not depend on; their gradients are 0
        place = own | {p: len(leaves) + k for k, p in enumerate(more)}
        self.places = np.array([place[p] for p in optimizer.params])
        changed = set(optimizer.params)
        self.frozen_leaves = [leaf for leaf in own if leaf not in changed]
        self.frozen = [own[leaf] for leaf in self.frozen_leaves]
        size = len(leaves) + len(more)
        self.rule = Rule(optimizer, size, frozen=bool(self.frozen))
        self.kernel = program.kernel(parameters=True)
        self.workspace = Workspace(self.kernel)
        dtype = program.dtype
        self.memory = {buffer: aligned(max(1, buffer.size), dtype) for buffer in self.rule.buffers}
        self.memory[self.rule.trained][self.places] = 1.0
        if program.parameters is not None:
            self._share(program.parameters, self.memory[self.rule.parameters])
            self._share(self.kernel.gradients[program.parameters], self.memory[self.rule.gradients])
        self._bind()
        options = tuple(getattr(optimizer, name) for name in optimizer.OPTIONS if name != "lr")
        key = (type(optimizer), options, size, bool(self.frozen), samples, tuple(rows))
        if key not in program.loops:
            program.loops[key] = self._compiled()
        self._function = program.loops[key]

    def _share(self, buffer: Buffer, array: np.ndarray) -> None:
        self.workspace.bind(buffer, array)

    def _bind(self) -> None:
        """Give the kernel memory for what it reads and writes once a step."""
        program, dtype = self.program, self.program.dtype
        count = self.samples if program.batched else 1
        self.inputs = [
            None if buffer is None else aligned(max(1, buffer.size) * count, dtype) for buffer in program.lowered.inputs
        ]
        for buffer, array in zip(program.lowered.inputs, self.inputs, strict=True):
            if buffer is not None and array is not None:
                self.workspace.bind(buffer, array)
        self.output = aligned(count * program.lowered.output.size, dtype)
        self.workspace.bind(program.lowered.output, self.output)
        if program.seed in self.workspace.arrays:
            self.workspace.arrays[program.seed][0] = 1.0 / self.samples if program.reduction == "mean" else 1.0
        self.loss = self.workspace.arrays[program.loss] if program.batched else self.output

    def _compiled(self) -> Any:
        program = self.program
        needed: set[tuple[str, str, int]] = set()
        functions = [*self.kernel.functions(needed), self._update(needed), self._train()]
        code = Code(module(functions, needed, program.target), program.target)
        pointer, integer = ctypes.c_void_p, ctypes.c_int64
        return code.function("train", pointer, pointer, pointer, pointer, pointer, pointer, pointer, integer)

    def _update(self, needed: set[tuple[str, str, int]]) -> str:
        """The function that changes the parameters once."""
        text = Text(self.program.dtype)
        names = {buffer: f"%b{k}" for k, buffer in enumerate(self.rule.buffers)}
        (part,) = group([self.rule.statements], self.rule.buffers)
        Emitter(text, names, self.program.target.lanes(self.program.dtype), needed).steps(part.groups)
        return text.function(f"internal void @update({', '.join(f'ptr noalias {name}' for name in names.values())}) noinline #0")

    def _train(self) -> str:
        """The function that Python calls: some steps. It ends early, before the update, where the loss is not finite."""
        text = Text(self.program.dtype)
        number, size = text.number, text.bytes

        def pointer(table: str, k: int) -> str:
            return text.get(f"load ptr, ptr {text.get(f'getelementptr ptr, ptr {table}, i64 {k}')}")

        rule = [pointer("%memory", k) for k in range(len(self.rule.buffers))]
        used = [k for k, array in enumerate(self.inputs) if array is not None]
        columns = {k: (pointer("%data", 2 * k), pointer("%data", 2 * k + 1)) for k in used}
        places = [None if b is None else self.kernel.buffers.index(b) if b in self.kernel.buffers else None for b in self.program.lowered.inputs]
        used = [k for k in used if places[k] is not None]
        loss = pointer("%data", 2 * len(self.inputs))
        gathers = text.get("icmp ne ptr %order, null")

        def step(number_of_step: str | int) -> None:
            begin = text.multiply(number_of_step, self.samples)

            def sample(i: str | int) -> None:
                place = text.get(f"getelementptr i64, ptr %order, i64 {text.add(begin, i)}")
                row = text.fresh(f"load i64, ptr {place}")
                for k in used:
                    source, target = columns[k]
                    source = text.get(f"getelementptr {number}, ptr {source}, i64 {text.multiply(row, self.rows[k])}")
                    target = text.get(f"getelementptr {number}, ptr {target}, i64 {text.multiply(i, self.rows[k])}")
                    self._copy(text, source, target, self.rows[k])

            def look() -> None:
                first = text.fresh(f"load i64, ptr {text.get(f'getelementptr i64, ptr %order, i64 {begin}')}")
                in_line = text.get(f"icmp slt i64 {first}, 0")
                row = text.get(f"select i1 {in_line}, i64 {text.get(f'sub i64 -1, {first}')}, i64 0")
                for k in used:
                    source, target = columns[k]
                    there = text.get(f"getelementptr {number}, ptr {source}, i64 {text.multiply(row, self.rows[k])}")
                    from_here = text.get(f"select i1 {in_line}, ptr {there}, ptr {target}")
                    text.do(f"store ptr {from_here}, ptr {text.get(f'getelementptr ptr, ptr %table, i64 {places[k]}')}")
                text.when(text.get(f"icmp sge i64 {first}, 0"), lambda: text.loop(0, self.samples, 1, sample))

            text.when(gathers, look)
            text.do(f"call void @run(ptr %table, i64 {self.samples if self.program.batched else 1})")
            found = text.fresh(f"load {number}, ptr {loss}, align {size}")
            text.do(f"store {number} {found}, ptr {text.get(f'getelementptr {number}, ptr %losses, i64 {number_of_step}')}, align {size}")
            difference = text.fresh(f"fsub {number} {found}, {found}")
            finite = text.fresh(f"fcmp oeq {number} {difference}, {text.constant(0.0)}")
            text.unless(finite, "stop")
            scalars = text.get(f"getelementptr {number}, ptr %scalars, i64 {text.multiply(number_of_step, self.rule.scalars.size)}")
            passed = [scalars if buffer is self.rule.scalars else name for buffer, name in zip(self.rule.buffers, rule, strict=True)]
            text.do(f"call void @update({', '.join(f'ptr {name}' for name in passed)})")
            text.do(f"store i64 {text.add(number_of_step, 1)}, ptr %done")

        text.loop(0, "%steps", 1, step)
        text.place("stop")
        return text.function(
            "void @train(ptr %table, ptr %memory, ptr %data, ptr %order, ptr %scalars, ptr %losses, ptr %done, i64 %steps) #0"
        )

    @staticmethod
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

    # --- state ----------------------------------------------------------------------------------------------------------------------------

    def load(self, parameters: np.ndarray, states: Sequence[np.ndarray]) -> None:
        """Take parameters and the optimiser's lists over, in the order of the optimiser's parameters."""
        from chainrule.engine import read_data

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

    def run(self, columns: Sequence[np.ndarray], orders: np.ndarray | None, scalars: np.ndarray) -> np.ndarray:
        """Make some steps.

        Arguments:
            columns: the data, a row for each sample, in the program's dtype.
            orders: for each step the numbers of its samples; None if each step takes all of them as they are.
            scalars: a row for each step, from `Rule.step_scalars`.

        Returns:
            The losses of the steps. If the last one is not finite, that step did not change the parameters.
        """
        steps = len(scalars)
        pointers = np.zeros(2 * len(self.inputs) + 1, np.uint64)
        for k, (column, array) in enumerate(zip(columns, self.inputs, strict=True)):
            if array is not None:
                self.workspace.bind(self.program.lowered.inputs[k], array)
                if orders is None:
                    array[:] = column.ravel()
                pointers[2 * k], pointers[2 * k + 1] = column.ctypes.data, array.ctypes.data
        pointers[-1] = self.loss.ctypes.data
        memory = np.array([self.memory[buffer].ctypes.data for buffer in self.rule.buffers], np.uint64)
        rows = np.ascontiguousarray(scalars, self.program.dtype)
        losses = np.zeros(steps, self.program.dtype)
        done = np.zeros(1, np.int64)
        order = None if orders is None else _marked(orders)
        self._function(
            self.workspace.address,
            memory.ctypes.data,
            pointers.ctypes.data,
            None if order is None else order.ctypes.data,
            rows.ctypes.data,
            losses.ctypes.data,
            done.ctypes.data,
            steps,
        )
        return losses[: min(steps, int(done[0]) + 1)].astype(np.float64)


def _marked(orders: np.ndarray) -> np.ndarray:
    """The samples of each step; where they follow each other, the first is marked, and none need be gathered."""
    marked = np.array(orders, np.int64)
    in_line = (np.diff(marked, axis=1) == 1).all(1)
    marked[in_line, 0] = -1 - marked[in_line, 0]
    return marked


__all__ = ["STATES", "Kernel", "NativeLoop"]
