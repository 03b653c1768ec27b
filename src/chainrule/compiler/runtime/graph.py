"""`compile(loss)`: a graph that exists becomes a function without arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from chainrule.compiler.capture.tape import record
from chainrule.compiler.capture.tracing import is_tracing, refuse
from chainrule.compiler.errors import CannotLowerError
from chainrule.compiler.pipeline import TooIrregularError
from chainrule.compiler.runtime.eager import warn_irregular
from chainrule.compiler.runtime.parameters import filled_in, read_parameters
from chainrule.compiler.runtime.program import Program
from chainrule.engine import Value, topological_order, write_data, write_grad

if TYPE_CHECKING:
    from chainrule.compiler.ir.machine import Target
    from chainrule.compiler.runtime.program import Workspace


_Memory: TypeAlias = "tuple[Workspace, np.ndarray | None, np.ndarray]"


class CompiledGraph:
    """A compiled graph: each call computes it anew from its leaves' `data` and fills their `grad`.

    Arguments:
        loss: the result of the graph.
        dtype: "float64" or "float32".
        target: the machine; this one by default.

    Raises:
        TypeError: if an operation in the graph was made by hand.
    """

    compiled = is_graph = True

    def __init__(self, loss: Value, *, dtype: str = "float64", target: Target | None = None) -> None:
        self._loss = loss
        self._options = {"dtype": dtype, "target": target}
        self.program: Program | None = None
        self._dtype = dtype
        self._shown = [node for node in topological_order(loss) if node.label and node._operands and node is not loss]
        tape = record([loss, *self._shown])
        try:
            self.program = Program(tape, dtype=dtype, target=target, shown=len(self._shown))
        except (TooIrregularError, CannotLowerError, RecursionError) as error:
            warn_irregular("this graph", error)
            self._order = topological_order(loss)
            self._leaves = list(tape.parameters.values())
            return
        self._leaves = filled_in(self.program.lowered.parameters)
        self._kernel = self.program.kernel(parameters=True)
        self._kernel.function()
        self._free: list[_Memory] = []

    @property
    def parameters(self) -> list[Value]:
        """The leaves that are read at each call, and whose gradients are filled; the program's constants are not among them."""
        if self.program is None:
            return list(self._leaves)
        return [leaf for leaf in self.program.lowered.parameters if leaf is not None]

    def __call__(self) -> float:
        """Compute the result, and the gradients of the leaves.

        The result's node, and the nodes that have a label, get their new `data`.

        Returns:
            The result.
        """
        if is_tracing():
            refuse("a compiled graph was called, but its result would be a constant. Call the function that makes the graph")
        if self.program is None:
            return self._eagerly()
        memory = self._free.pop() if self._free else self._memory()
        workspace, gradients, output = memory
        read_parameters(self._kernel, workspace, self._leaves)
        workspace.run()
        if gradients is not None:
            write_grad(self._leaves, gradients if self._dtype == "float64" else gradients.astype(np.float64))
        self._loss.data = result = output.item(0)
        if self._shown:
            self.show(workspace)
        self._free.append(memory)
        return result

    def _memory(self) -> _Memory:
        """Memory to run in, with its gradients and its result."""
        program, kernel, workspace = self.program, self._kernel, self._kernel.workspace()
        assert program is not None
        gradients = None if program.parameters is None else workspace.arrays[kernel.gradients[program.parameters]]
        return workspace, gradients, workspace.arrays[program.lowered.output]

    def show(self, workspace: Workspace) -> None:
        """Write the numbers of a run to the result's node and to the nodes that have a label."""
        assert self.program is not None
        lowered = self.program.lowered
        self._loss.data = workspace.arrays[lowered.output].item(0)
        if self._shown:
            write_data(self._shown, workspace.arrays[lowered.shown][: len(self._shown)].astype(np.float64))

    def _eagerly(self) -> float:
        """Compute every node of the graph anew, on the eager engine."""
        for node in self._order:
            if (rule := node._primitive) is not None:
                node.data = rule.forward(*(float(operand) for operand in node._operands))
        self._loss.backward()
        return self._loss.data

    def __reduce__(self) -> tuple[Any, ...]:
        return again, (self._loss, self._options)

    def __repr__(self) -> str:
        return "<graph that runs eagerly>" if self.program is None else f"<compiled graph of {self.program.nodes:,} nodes>"


def again(loss: Value, options: dict[str, Any]) -> CompiledGraph:
    """Compile again, from a pickle or a copy."""
    return CompiledGraph(loss, **options)
