"""The captured Values, whose numbers a program reads at every call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.engine import Value, read_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.runtime.program import Kernel, Workspace


def read_parameters(kernel: Kernel, workspace: Workspace, leaves: Sequence[Value]) -> None:
    """Copy the parameters' data into a workspace."""
    buffer = kernel.program.parameters
    if buffer is not None and buffer in workspace.arrays:
        read_into(workspace.arrays[buffer], leaves)


def read_into(array: np.ndarray, leaves: Sequence[Value]) -> None:
    """Read the data of Values into an array of any precision."""
    if array.dtype == np.float64:
        read_data(leaves, array)
    else:
        numbers = np.empty(len(leaves))
        read_data(leaves, numbers)
        array[:] = numbers


def filled_in(parameters: Sequence[Value | None]) -> list[Value]:
    """The parameters, with a new Value for each place of padding."""
    return [Value(0.0) if parameter is None else parameter for parameter in parameters]


__all__ = ["filled_in", "read_into", "read_parameters"]
