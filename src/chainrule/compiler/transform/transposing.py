"""Weights are copied with their axes turned where that lets vectors lie along the outputs of a layer instead of along its inputs.

Along the inputs, each output needs the lanes of a vector added up, which takes longer than the products themselves where a layer has few
inputs. The copy is made once in a call, and pays where many samples share it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from chainrule.compiler.ir.expressions import Access, Buffer, Load
from chainrule.compiler.ir.machine import lanes, length
from chainrule.compiler.ir.statements import Statement
from chainrule.compiler.transform.fusion import parallel_first, parallel_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

# Where a copy pays. `benchmarks/compiled.py --only four moons digits` has layers of 2 to 64 inputs, for 4, 100 and 128 samples.
MOST_INPUTS = 64
LEAST_SHARED = 24  # how many times each weight must be used at least


def packed(statements: Sequence[Statement], width: int) -> tuple[list[Statement], list[Statement]]:
    """Let statements read turned copies of weights where that is quicker.

    Arguments:
        statements: a part of a program.
        width: how many numbers a vector holds.

    Returns:
        The statements that make the copies, and the statements.
    """
    copies: dict[Access, tuple[Statement, Access]] = {}
    out = []
    for statement in map(parallel_first, statements):
        found = _weights(statement, width)
        if found is None:
            out.append(statement)
            continue
        access, output = found
        reduced = len(statement.sizes) - 1
        inputs, outputs = statement.sizes[reduced], statement.sizes[output]
        key = Access(access.buffer, access.base, (inputs, outputs, access.strides[reduced], access.strides[output]))
        if key not in copies:
            buffer = Buffer(f"{access.buffer.name}.turned", inputs * outputs, "value")
            there = Access(buffer, 0, (outputs, 1))
            here = Access(access.buffer, access.base, (access.strides[reduced], access.strides[output]))
            copies[key] = Statement((inputs, outputs), there, Load(here)), there
        turned = copies[key][1]
        strides = [0] * len(statement.sizes)
        strides[reduced], strides[output] = outputs, 1
        instead = turned._replace(strides=tuple(strides))

        def change(old: Access, access: Access = access, instead: Access = instead) -> Access:
            return instead if old == access else old

        out.append(replace(statement, value=statement.value.map(change)))
    return [copy for copy, _ in copies.values()], out


def _weights(statement: Statement, width: int) -> tuple[Access, int] | None:
    """The access to weights that had better be turned, and the axis of the outputs."""
    sizes = parallel_sizes(statement)
    if len(statement.sizes) != len(sizes) + 1 or statement.reduction != "sum" or statement.scattered:
        return None
    inputs = statement.sizes[-1]
    if not 2 <= inputs <= MOST_INPUTS:
        return None
    for output, outputs in enumerate(sizes):
        if statement.store.strides[output] != 1 or outputs < width or lanes(outputs, width) < 0.7 * width:
            continue
        shared = math.prod(length(size) for axis, size in enumerate(sizes) if axis != output)
        varying = [access for access in statement.value.loads() if access.strides[output]]
        if shared < LEAST_SHARED or len(varying) != 1:
            continue
        (access,) = varying
        others = [stride for axis, stride in enumerate(access.strides[:-1]) if axis != output]
        is_matrix = not any(others) and access.lookup is None and access.strides[-1] == 1 and access.strides[output] != 1
        if is_matrix and access.buffer.role in ("parameter", "constant"):
            return access, output
    return None


__all__ = ["packed"]
