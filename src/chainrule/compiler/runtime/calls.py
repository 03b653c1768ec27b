"""One call of a compiled function: read the parameters, run the kernel, and pass the gradients back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.compiler.capture.arguments import Argument
from chainrule.compiler.runtime.parameters import read_into, read_parameters
from chainrule.compiler.runtime.program import Workspace
from chainrule.engine import Value, add_grad, read_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.runtime.definition import Definition
    from chainrule.compiler.runtime.program import Kernel
    from chainrule.compiler.runtime.traced import Traced


def refuse_again(loss: Value, push: _QuickPush | Push) -> None:
    """Refuse to pass on the gradient of a loss with micrograd's rules twice: the nodes inside, whose gradients would add up, are not kept.

    Raises:
        TypeError: if that was done before.
    """
    if push.used:
        raise TypeError(
            "backward() was called twice on one result of a compiled function, with micrograd's rules: the second call would add to the "
            "gradients of the nodes inside, which are not kept. Call the function again before backward(), or do not compile it"
        )
    push.used = True


class Quick:
    """A fast path for a training step: a loss of arrays whose shapes are known, with its gradients.

    Arguments:
        definition: the function.
        traced: its trace for these shapes.
        arguments: arguments of these shapes.
    """

    def __init__(self, definition: Definition, traced: Traced, arguments: Sequence[Argument]) -> None:
        assert traced.program is not None
        self.definition = definition
        self.traced = traced
        self.program = traced.program
        self.kernel = self.program.kernel(parameters=True)
        self.shapes = [argument.array.shape for argument in arguments]
        self.bounds = [(number, bounds) for number, bounds in enumerate(self.program.lowered.bounds) if bounds is not None]
        self.names = [argument.name for argument in arguments]
        self.free: list[Any] = []

    @staticmethod
    def can(traced: Traced, arguments: Sequence[Argument], definition: Definition) -> bool:
        """Whether calls like this one can take the fast path."""
        if definition.batched or not all(argument.is_array for argument in arguments):
            return False
        assert traced.program is not None
        pairs = zip(arguments, traced.program.lowered.bounds, strict=True)
        return all(bounds is None or np.can_cast(argument.array.dtype, definition.dtype) for argument, bounds in pairs)

    def _memory(self) -> tuple[Workspace, np.ndarray, list[np.ndarray], np.ndarray, np.ndarray]:
        """A workspace with views of its parameters, its arguments, the gradients and the loss."""
        workspace, lowered = Workspace(self.kernel), self.program.lowered
        assert self.program.parameters is not None
        views = [
            np.empty(shape) if buffer is None or buffer not in workspace.arrays else workspace.arrays[buffer][: buffer.size].reshape(shape)
            for buffer, shape in zip(lowered.inputs, self.shapes, strict=True)
        ]
        gradients = workspace.arrays[self.kernel.gradients[self.program.parameters]]
        return workspace, workspace.arrays[self.program.parameters], views, gradients, workspace.arrays[lowered.output]

    def loss(self, args: Sequence[np.ndarray]) -> Value:
        """The loss, as a Value whose backward() passes the gradients on."""
        memory = self.free.pop() if self.free else self._memory()
        workspace, parameters, views, gradients, output = memory
        read_into(parameters, self.traced.leaves)
        for view, array in zip(views, args, strict=True):
            view[...] = array
        for number, bounds in self.bounds:  # of the copy, which nobody else can change
            Argument(self.names[number], args[number], batched=False).check(bounds, views[number], views[number])
        workspace.run()
        number = output.item(0)
        if number != number and self.program.refuse is not None:
            self.program.refuse([Argument(name, view, batched=False) for name, view in zip(self.names, views, strict=True)])
        loss = self.traced.kind(number, self.traced.captured, "compiled")
        loss._backward = _QuickPush(self.traced.leaves, gradients.astype(np.float64))
        self.free.append(memory)
        return loss


class _QuickPush:
    """The `_backward` of a loss whose gradients are computed. It is called with the loss, and holds no reference to it."""

    __slots__ = ("gradients", "leaves", "used")
    takes_node = True

    def __init__(self, leaves: list[Value], gradients: np.ndarray) -> None:
        self.leaves = leaves
        self.gradients = gradients
        self.used = False

    def __call__(self, loss: Value) -> None:
        if type(loss) is not Value:
            refuse_again(loss, self)
        add_grad(self.leaves, self.gradients, loss.grad)


class Push:
    """The `_backward` of a compiled loss: adds its share to the gradients of what it was computed from.

    The first time that it is called, the gradients are computed, with the numbers of the call; from then on the function computes them
    together with the loss.
    """

    __slots__ = ("call", "given", "gradients", "used")
    takes_node = True

    def __init__(self, call: Call, gradients: list[np.ndarray] | None, given: list[Value]) -> None:
        self.call = call
        self.gradients = gradients
        self.given = given
        self.used = False

    def __call__(self, loss: Value) -> None:
        """Add the loss's share to the gradients."""
        if type(loss) is not Value:
            refuse_again(loss, self)
        call = self.call
        call.definition.expects_backward = True
        if self.gradients is None:
            self.gradients = call.gradients(inputs=bool(self.given))[1]
        if call.traced.leaves:
            add_grad(call.traced.leaves, self.gradients[0], loss.grad)
        if self.given:
            columns = [gradient.ravel() for gradient, a in zip(self.gradients[1:], call.arguments, strict=True) if a.values is not None]
            add_grad(self.given, np.concatenate(columns), loss.grad)


class Call:
    """One call of a compiled function: its arguments, and what is computed from them."""

    def __init__(self, definition: Definition, kernel: Kernel | None, traced: Traced, arguments: list[Argument], samples: int) -> None:
        assert traced.program is not None
        self.definition = definition
        self.program = traced.program
        self.kernel = kernel
        self.traced = traced
        self.arguments = arguments
        self.samples = samples
        lowered, dtype = self.program.lowered, definition.dtype
        self.numbers = [
            None if buffer is None else argument.numbers(dtype, bounds)
            for argument, buffer, bounds in zip(arguments, lowered.inputs, lowered.bounds, strict=True)
        ]
        self.parameters: np.ndarray | None = None

    def snapshot(self) -> Call:
        """A copy of this call with the present numbers of parameters and arguments, to be repeated later."""
        if self.parameters is None and self.traced.leaves:
            self.parameters = np.empty(len(self.traced.leaves))
            read_data(self.traced.leaves, self.parameters)
        self.numbers = [
            numbers.copy() if numbers is not None and not argument.is_own and np.may_share_memory(numbers, argument.array) else numbers
            for numbers, argument in zip(self.numbers, self.arguments, strict=True)
        ]
        return self

    def value(self) -> float:
        """The loss."""
        self.kernel = self.program.kernel()
        output = np.empty(self.samples, self.definition.dtype)
        loss = self.go({self.program.lowered.output: output})
        return loss if self.definition.batched else float(output[0])

    def gradients(self, *, inputs: bool) -> tuple[float, list[np.ndarray]]:
        """The loss and the gradients: of the parameters, then of each argument."""
        self.kernel = kernel = self.program.kernel(parameters=True, inputs=inputs)
        output = np.empty(self.samples, self.definition.dtype)
        bound = {self.program.lowered.output: output}
        found: list[np.ndarray] = [np.zeros(0)]
        if inputs:
            for argument, buffer in zip(self.arguments, self.program.lowered.inputs, strict=True):
                found.append(np.zeros(argument.array.shape, self.definition.dtype))
                if buffer is not None:
                    bound[kernel.gradients[buffer]] = found[-1]
        total: list[np.ndarray] = []
        loss = self.go(bound, total)
        if total:
            found[0] = total[0].astype(np.float64)
        found[1:] = [np.asarray(array, np.float64) for array in found[1:]]
        return (loss if self.definition.batched else float(output[0])), found

    def go(self, bound: dict[Any, np.ndarray], gradients: list[np.ndarray] | None = None) -> float:
        """Run the kernel on all samples.

        Arguments:
            bound: arrays for buffers of results; with a batch, each has a row for a sample.
            gradients: gets the gradients of the parameters.

        Returns:
            The loss of a batch.
        """
        threads = min(self.definition.threads, self.samples)
        if threads == 1:
            return self._part(bound, 0, self.samples, gradients)
        ends = [self.samples * (k + 1) // threads for k in range(threads)]
        parts = [[] if gradients is not None else None for _ in ends]  # type: ignore[var-annotated]
        jobs = [
            self.definition.pool().submit(self._part, bound, begin, end, part)
            for begin, end, part in zip([0, *ends], ends, parts, strict=False)
        ]
        loss = sum(job.result() for job in jobs)
        if gradients is not None and parts[0]:
            gradients.append(np.sum([part[0] for part in parts if part], axis=0))
        return loss

    def _part(self, bound: dict[Any, np.ndarray], begin: int, end: int, gradients: list[np.ndarray] | None) -> float:
        """Run the kernel on some of the samples."""
        kernel, program = self.kernel, self.program
        assert kernel is not None
        workspace = kernel.workspace()
        if self.parameters is None:
            read_parameters(kernel, workspace, self.traced.leaves)
        elif program.parameters is not None and program.parameters in workspace.arrays:
            workspace.arrays[program.parameters][:] = self.parameters
        batched = self.definition.batched
        for buffer, numbers in zip(program.lowered.inputs, self.numbers, strict=True):
            if buffer is not None and numbers is not None:
                workspace.bind(buffer, numbers[begin:end] if batched else numbers)
        for buffer, array in bound.items():
            workspace.bind(buffer, array[begin:end] if batched else array)
        if program.seed in workspace.arrays:
            workspace.arrays[program.seed][0] = 1.0 / self.samples if self.definition.reduction == "mean" else 1.0
        workspace.run(end - begin)
        if gradients is not None and program.parameters in kernel.gradients:
            gradients.append(workspace.arrays[kernel.gradients[program.parameters]].copy())
        loss = float(workspace.arrays[program.loss][0]) if program.loss in workspace.arrays else 0.0
        kernel.give_back(workspace)
        return loss


__all__ = ["Call", "Push", "Quick"]
