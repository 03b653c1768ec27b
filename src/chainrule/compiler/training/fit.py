"""`fit` for compiled losses: many steps at a time run as machine code; between them, Python checks the clock, Ctrl-C and the callback."""

from __future__ import annotations

import math
import time
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.compiler.capture.arguments import Argument, names_of
from chainrule.compiler.codegen.memory import copied
from chainrule.compiler.runtime.compiling import check_is_loss
from chainrule.compiler.runtime.function import CompiledFunction
from chainrule.compiler.runtime.graph import CompiledGraph
from chainrule.compiler.training.steps import NativeSteps, RaggedSteps
from chainrule.compiler.training.updates import STATES
from chainrule.engine import Value, read_data, write_data, write_grad

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.compiler.runtime.program import Program
    from chainrule.optim import Optimizer

PATIENCE = 0.005  # seconds between looks at what happens outside
MOST_STEPS = 8192  # in one run


class Chunk(NamedTuple):
    """Some steps that were made.

    Arguments:
        losses: the loss of each.
        failed: whether the last of them changed nothing, because its loss is not finite.
    """

    losses: list[float]
    failed: bool


class NativeFit:
    """Training a compiled loss with an optimiser whose rule is known.

    Arguments:
        loss: a compiled function or graph.
        data: the columns, which are read only here.
        optimizer: an SGD, Adam or AdamW.
        orders: the order of the samples in each epoch.
        batch_size: how many samples make a batch; the last of an epoch may be smaller.

    Raises:
        TypeError: if the loss is not one Value, or the mean or sum of one Value for each sample.
        ValueError: if samples differ in shape, and a step takes more than one.
    """

    def __init__(
        self,
        loss: CompiledFunction | CompiledGraph,
        data: Sequence[Any],
        optimizer: Optimizer,
        orders: Iterator[Sequence[int]],
        batch_size: int,
    ) -> None:
        self.loss = loss
        self.orders = orders
        self.batch_size = batch_size
        self.epoch = 0
        self.rest = np.zeros(0, np.int64)  # the samples of this epoch that are still to come
        self.optimizer: Any = optimizer
        self.names = names_of(loss._function, len(data)) if isinstance(loss, CompiledFunction) else []
        self.data = data
        self.is_ragged = any(_is_ragged(column) for column in data)
        self.by_shape: tuple[list[Program], list[int], list[list[np.ndarray]]] | None = None
        self.columns = [] if self.is_ragged else [Argument(n, column, batched=True) for n, column in zip(self.names, data, strict=False)]
        for column in self.columns:
            column.array = copied(column.array, column.array.dtype)  # which nobody else can change
        self.arrays = [c.array if c.array.dtype == loss._dtype else copied(c.array, loss._dtype) for c in self.columns]
        self.params = list(optimizer.params)
        self.made: dict[int, NativeSteps | RaggedSteps] = {}
        self.current: NativeSteps | RaggedSteps | None = None
        self.begins_momentum = False
        self.steps_at_once = 1
        self._samples: list[list[Argument]] = []  # where they differ in shape

    @staticmethod
    def can(loss: object, optimizer: object, data: Sequence[Any]) -> bool:
        """Whether training can run natively: the loss is compiled, the optimiser's rule is known, and the data are plain numbers."""
        is_compiled = isinstance(loss, (CompiledFunction, CompiledGraph))
        is_known = type(optimizer) in STATES and "step" not in vars(optimizer)
        return is_compiled and is_known and not any(_holds_values(column) for column in data)

    # --- machine code -------------------------------------------------------------------------------------------------------------------

    def steps(self, samples: int) -> NativeSteps | RaggedSteps | None:
        """The machine code for steps with this many samples; None if the loss could not be compiled."""
        if samples not in self.made or not self.made[samples].trained.fits(self.optimizer):
            steps = self._ragged(samples) if self.is_ragged else self._regular(samples)
            if steps is None:
                return None
            self.made[samples] = steps
        return self.made[samples]

    def _regular(self, samples: int) -> NativeSteps | None:
        program = self.loss.program if isinstance(self.loss, CompiledGraph) else self._traced(self.loss, samples)
        if program is None:
            return None
        return NativeSteps(program, self.optimizer, samples, [int(np.prod(column.shape)) for column in self.columns])

    def _traced(self, loss: CompiledFunction, samples: int) -> Program | None:
        """The program of a function, for so many samples."""
        _check_reduces(loss)
        arguments = [column.first(samples) for column in self.columns] if not loss.definition.batched else self.columns
        traced = loss._traced(arguments, ())
        check_is_loss(loss.definition, traced)
        if traced.program is not None:
            for column, numbers, bounds in zip(self.columns, self.arrays, traced.program.lowered.bounds, strict=True):
                if bounds is not None:
                    column.check(bounds if loss.definition.batched else bounds.reshape(samples, -1).min(0), column.array, numbers)
        return traced.program

    def _ragged(self, samples: int) -> RaggedSteps | None:
        """Steps with so many samples of all shapes."""
        loss = self.loss
        assert isinstance(loss, CompiledFunction)
        _check_reduces(loss)
        if not loss.definition.batched and samples > 1:
            names = " and ".join(name for name, column in zip(self.names, self.data, strict=False) if _is_ragged(column))
            raise ValueError(
                f"the samples of {names} differ in length, but {loss._name} takes {samples} of them at a time, so they would have to be "
                "padded. Write it for one sample and compile it with batch='mean' or 'sum': then each sample keeps its length"
            )
        if self.by_shape is None:
            self.by_shape = self._programs_by_shape(loss)
        if self.by_shape is None:
            return None
        return RaggedSteps(*self.by_shape, self.optimizer, samples, 1.0 / samples if loss.definition.reduction == "mean" else 1.0)

    def _programs_by_shape(self, loss: CompiledFunction) -> tuple[list[Program], list[int], list[list[np.ndarray]]] | None:
        """Programs for all shapes of samples, for each sample the number of its program, and its arrays."""
        self._samples = samples = [
            [
                Argument(name, [column[k]] if not loss.definition.batched else column[k], batched=False)
                for name, column in zip(self.names, self.data, strict=True)
            ]
            for k in range(len(self.data[0]))
        ]
        keys = [tuple(argument.key for argument in arguments) for arguments in samples]
        first = dict(zip(reversed(keys), reversed(samples), strict=True))
        order = sorted(first, key=lambda key: (-sum(argument.array.size for argument in first[key]), repr(key)))
        programs = loss.shared_programs({key: first[key] for key in order})
        if programs is None:
            return None
        for arguments in samples:
            for argument in arguments:
                argument.array = copied(argument.array, argument.array.dtype)  # which nobody else can change
        arrays = [[copied(argument.array, loss._dtype) for argument in arguments] for arguments in samples]
        for key, arguments, copies in zip(keys, samples, arrays, strict=True):
            for argument, numbers, bounds in zip(arguments, copies, programs[key].lowered.bounds, strict=True):
                if bounds is not None:
                    argument.check(bounds, argument.array, numbers)
        return [programs[key] for key in order], [order.index(key) for key in keys], arrays

    # --- runs of steps ------------------------------------------------------------------------------------------------------------------

    def take_batches(self, most: int) -> tuple[int, Sequence[int], np.ndarray | None, int]:
        """The next batches, as long as they are of one size.

        Arguments:
            most: how many at most.

        Returns:
            The epoch and the samples of the last of them; the samples of each, a row for each batch, or None if each is of all samples as
            they are; and the number of batches.
        """
        found: list[np.ndarray] = []
        count = 0
        while count < most:
            if not len(self.rest):
                order = next(self.orders)
                self.epoch += 1
                if isinstance(order, range) and self.batch_size == len(order) and not self.is_ragged:
                    self.epoch += most - 1
                    return self.epoch, order, None, most
                self.rest = np.array(order, np.int64)
            size = min(self.batch_size, len(self.rest))
            if found and size != found[0].shape[1]:
                break
            batches = min(most - count, len(self.rest) // size)
            found.append(self.rest[: batches * size].reshape(batches, size))
            self.rest = self.rest[batches * size :]
            count += batches
        joined = np.concatenate(found)
        return self.epoch, joined[-1].tolist(), joined, count

    def run(self, batches: np.ndarray | None, rates: Sequence[float], samples: int) -> Chunk:
        """Make steps with batches of one size.

        Arguments:
            batches: the samples of each step; None if each takes all as they are.
            rates: the learning rate of each step.
            samples: how many samples a step takes.
        """
        if self.current is None and list(self.optimizer.params) != self.params:
            self.params = list(self.optimizer.params)
            self.made.clear()
        steps = self.steps(samples)
        assert steps is not None
        self._change_to(steps)
        scalars = steps.trained.rule.step_scalars(np.array(rates), self.optimizer.steps, first=self.begins_momentum)
        self.begins_momentum = False
        begin = time.perf_counter()
        losses = steps.run(self.arrays, batches, scalars)  # type: ignore[arg-type]
        self._pace(len(rates), time.perf_counter() - begin)
        failed = not math.isfinite(losses[-1])
        self.optimizer.steps += len(losses) - failed
        return Chunk(losses.tolist(), failed)

    def _pace(self, steps: int, seconds: float) -> None:
        """Choose how many steps to make at once, so that a run takes a few milliseconds."""
        if seconds < PATIENCE / 2:
            self.steps_at_once = min(MOST_STEPS, max(self.steps_at_once, 2 * steps))
        elif seconds > 2 * PATIENCE:
            self.steps_at_once = max(1, steps // 2)

    def _change_to(self, steps: NativeSteps | RaggedSteps) -> None:
        if self.current is steps:
            return
        if self.current is not None:
            self.write_back()
        parameters = np.empty(len(self.optimizer.params))
        read_data(self.optimizer.params, parameters)
        states = []
        self.begins_momentum = not len(getattr(self.optimizer, "momentum_buffer", [0]))
        for buffer in steps.trained.rule.states:
            kept = getattr(self.optimizer, buffer.name)
            states.append(np.array(kept) if len(kept) else np.zeros(len(parameters)))
        steps.trained.load(parameters, states)
        self.current = steps

    def write_back(self, params: Sequence[Value] = ()) -> None:
        """Write the results of the machine code to the Values and the optimiser.

        Arguments:
            params: those whose gradients are 0 where the loss does not depend on them.
        """
        if self.current is None:
            return
        trained = self.current.trained
        if isinstance(self.loss, CompiledGraph) and isinstance(self.current, NativeSteps):
            self.loss.show(self.current.workspace)
        parameters, states, gradients = trained.save()
        write_data(self.optimizer.params, parameters)
        write_grad(params, np.zeros(len(params)))
        write_grad(self.optimizer.params, gradients)
        write_grad(trained.frozen_leaves, trained.memory[trained.rule.gradients][trained.frozen].astype(np.float64))
        for buffer, state in zip(self.current.trained.rule.states, states, strict=True):
            setattr(self.optimizer, buffer.name, array("d", state.tolist()))

    def check(self, batch: Sequence[int]) -> None:
        """Check the numbers that must meet a condition, such as labels, after a loss that is not finite.

        Arguments:
            batch: the samples of the step that went wrong.

        Raises:
            ValueError: if one of them does not meet its condition.
        """
        steps = self.made.get(len(batch))
        if not isinstance(self.loss, CompiledFunction) or steps is None:
            return
        if isinstance(steps, RaggedSteps):
            calls = [(steps.program_of(k), self._samples[k]) for k in batch]
        else:
            calls = [(steps.program, self.columns if self.loss.definition.batched else [column.at(batch) for column in self.columns])]
        for program, arguments in calls:
            if program.refuse is not None:
                program.refuse(arguments)

    def hand_over(self, params: Sequence[Value]) -> None:
        """Write back, and read the Values and the optimiser again before the next step, since the user's code may change them."""
        self.write_back(params)
        self.current = None


def _check_reduces(loss: CompiledFunction) -> None:
    if loss.definition.keeps_samples:
        raise TypeError(
            f"{loss._name} is compiled with batch=None, which gives a loss for each sample; compile it with batch='mean' or 'sum'"
        )


def _holds_values(column: Any) -> bool:
    """Whether there are Values among the data: they may change from step to step."""
    if isinstance(column, Value):
        return True
    if isinstance(column, np.ndarray):
        return column.dtype == object and any(map(_holds_values, column.ravel().tolist()))
    return isinstance(column, (list, tuple)) and any(map(_holds_values, column))


def _is_ragged(column: Any) -> bool:
    """Whether the samples of a column differ in shape."""
    if isinstance(column, np.ndarray) and column.dtype != object:
        return False
    return len({np.shape(sample) for sample in column}) > 1


__all__ = ["Chunk", "NativeFit"]
