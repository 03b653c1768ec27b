"""`fit` for compiled losses: runs of steps as machine code, with a look at the clock, Ctrl-C and the callback in between."""

from __future__ import annotations

import math
import time
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.compiler.arguments import Argument, names_of
from chainrule.compiler.function import CompiledFunction
from chainrule.compiler.graphs import CompiledGraph
from chainrule.compiler.loop import STATES, NativeLoop
from chainrule.engine import Value, read_data, write_data, write_grad

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        data: the columns.
        optimizer: an SGD, Adam or AdamW.
        orders: the order of the samples in each epoch.
        batch_size: how many samples make a batch; the last of an epoch may be smaller.

    Raises:
        TypeError: if the loss is not one Value, or the mean or sum of one Value for each sample.
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
        names = names_of(loss._function, len(data)) if isinstance(loss, CompiledFunction) else []
        self.columns = [Argument(name, column, batched=True) for name, column in zip(names, data, strict=False)]
        self.arrays = [column.numbers(loss._dtype) for column in self.columns]
        self.loops: dict[int, NativeLoop] = {}
        self.current: NativeLoop | None = None
        self.steps_at_once = 8

    @staticmethod
    def can(loss: object, optimizer: object) -> bool:
        """Whether training can run natively: the loss is compiled, and the optimiser's rule is known."""
        return isinstance(loss, (CompiledFunction, CompiledGraph)) and type(optimizer) in STATES

    def loop(self, samples: int) -> NativeLoop | None:
        """The machine code for steps of so many samples; None if the loss could not be compiled."""
        if samples in self.loops:
            return self.loops[samples]
        loss = self.loss
        if isinstance(loss, CompiledGraph):
            if loss.program is None:
                return None
            program = loss.program
        else:
            program = self._traced(loss, samples)
            if program is None:
                return None
        rows = [int(np.prod(column.shape)) for column in self.columns]
        loop = self.loops[samples] = NativeLoop(program, program.lowered.parameters, self.optimizer, samples, rows)
        return loop

    def _traced(self, loss: CompiledFunction, samples: int) -> Any:
        """The program of a function, for so many samples."""
        if loss._batch == "each":
            raise TypeError(
                f"{loss._name} is compiled with batch=None, which gives a loss for each sample; compile it with batch='mean' or 'sum'"
            )
        if loss._batch is None:
            arguments = [Argument(column.name, column.array[:samples], batched=False) for column in self.columns]
        else:
            arguments = self.columns
        traced = loss._traced(arguments, ())
        if not traced.results.is_scalar:
            raise TypeError(f"the loss must be one Value; {loss._name} returns {len(traced.results.values)}")
        if traced.program is not None:
            for column, bounds in zip(self.columns, traced.program.lowered.bounds, strict=True):
                if bounds is not None:
                    column.check(bounds if loss._batch is not None else bounds.reshape(samples, -1).min(0))
        return traced.program

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
                if isinstance(order, range) and self.batch_size == len(order):
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
        loop = self.loop(samples)
        assert loop is not None
        self._change_to(loop)
        made = self.optimizer.steps
        scalars = loop.rule.step_scalars(np.array(rates), made)
        begin = time.perf_counter()
        losses = loop.run(self.arrays, batches, scalars)
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

    def _change_to(self, loop: NativeLoop) -> None:
        if self.current is loop:
            return
        if self.current is not None:
            self.write_back()
        parameters = np.empty(len(self.optimizer.params))
        read_data(self.optimizer.params, parameters)
        states = []
        for buffer in loop.rule.states:
            kept = getattr(self.optimizer, buffer.name)
            states.append(np.array(kept) if len(kept) else np.zeros(len(parameters)))
        loop.load(parameters, states)
        self.current = loop

    def write_back(self) -> None:
        """Give the Values and the optimiser what the machine code has made of them."""
        if self.current is None:
            return
        parameters, states, gradients = self.current.save()
        write_data(self.optimizer.params, parameters)
        write_grad(self.optimizer.params, gradients)
        for buffer, state in zip(self.current.rule.states, states, strict=True):
            setattr(self.optimizer, buffer.name, array("d", state.tolist()))

    def forget(self) -> None:
        """Read the Values and the optimiser anew before the next step: a callback may have changed them."""
        self.current = None


__all__ = ["Chunk", "NativeFit", "Value"]
