"""Functions without a program: they run on the eager engine, because they are too irregular, or because another function is traced."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.compiler.capture.results import Results
from chainrule.compiler.capture.tracing import is_of_library, untraced
from chainrule.compiler.codegen.expanding import NoCodeError
from chainrule.compiler.errors import CompileWarning
from chainrule.engine import Value, topological_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.capture.arguments import Argument
    from chainrule.compiler.runtime.definition import Definition


def warn_irregular(what: str, error: Exception) -> None:
    """Warn that a program runs on the eager engine, and why, at the user's line."""
    hint = " Programs that repeat themselves, with loops over samples, neurons or time steps, can be compiled"
    if isinstance(error, NoCodeError):
        hint = " Compute that part with other operations, or outside of what is compiled"
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and is_of_library(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(
        f"{what} was not compiled and runs on the eager engine, with the same numbers: {error}.{hint}",
        CompileWarning,
        stacklevel=level,
    )


def within_a_trace(definition: Definition, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call the function while another one is being traced: its graph becomes part of the other's."""
    rows = list(zip(*args, *kwargs.values(), strict=True)) if definition.batched else [(*args, *kwargs.values())]
    results = [
        Results(definition.function(*row[: len(args)], **dict(zip(kwargs, row[len(args) :], strict=True))), definition.name) for row in rows
    ]
    numbers = np.empty((len(results), len(results[0].values)), object)  # arrays in place of lists, as ever, but of Values
    for row, result in zip(numbers, results, strict=True):
        row[:] = result.values
    return _filled(definition, results, numbers)


def called(definition: Definition, arguments: list[Argument], keywords: tuple[str, ...]) -> Any:
    """What a call of the function returns.

    Arguments:
        definition: the function.
        arguments: what it is called with.
        keywords: the names of the last arguments, which are passed by name.
    """
    results = _results(definition, arguments, [argument.leaves() for argument in arguments], keywords)
    return _filled(definition, results, np.array([[value._data for value in result.values] for result in results]))


def value_and_grad(
    definition: Definition, arguments: list[Argument], keywords: tuple[str, ...]
) -> tuple[Any, tuple[np.ndarray | None, ...]]:
    """What a call of the function returns, and the derivatives with respect to its arguments; None for an argument of integers."""
    leaves = [
        argument.array.ravel().tolist() if argument.integer else [Value(x) for x in argument.array.ravel().tolist()]
        for argument in arguments
    ]
    results = _results(definition, arguments, leaves, keywords)
    total = _joined(definition, results)
    nodes = [node for node in topological_order(total) if not node._operands]
    before = [node.grad for node in nodes]
    total.backward()
    gradients = [
        None if argument.integer else np.reshape([value.grad for value in values], argument.array.shape)
        for argument, values in zip(arguments, leaves, strict=True)
    ]
    for node, grad in zip(nodes, before, strict=True):  # those of captured Values stay as they were
        node.grad = grad
    value = np.array([result.values[0].data for result in results]) if definition.keeps_samples else total.data
    return value, tuple(gradients)


def joined_number(definition: Definition, number: Any, samples: int) -> Any:
    """The mean or the sum, over the samples, of a number that is the same for every sample."""
    return number * samples if definition.reduction == "sum" else number


def _results(definition: Definition, arguments: list[Argument], leaves: Sequence[list[Any]], keywords: tuple[str, ...]) -> list[Results]:
    """The results of the function itself on the eager engine: for each sample, or once."""
    columns = [argument.for_samples(values) for argument, values in zip(arguments, leaves, strict=True)]
    positional = len(columns) - len(keywords)
    rows: list[tuple[Any, ...]] = list(zip(*columns, strict=True)) if columns else [()]
    with untraced():
        found = [definition.function(*row[:positional], **dict(zip(keywords, row[positional:], strict=True))) for row in rows]
    return [Results(result, definition.name) for result in found]


def _filled(definition: Definition, results: list[Results], numbers: np.ndarray) -> Any:
    """The results of the samples in their shape; `numbers` holds the numbers in lists."""
    samples = len(results)
    if definition.keeps_samples:
        return results[0].filled(numbers, lambda k: numbers[:, k].copy(), lambda number: np.full(samples, number))
    if definition.batched:
        for result in results:
            result.join()
    return results[0].filled(
        numbers if definition.batched else numbers[0],
        lambda k: _joined(definition, results, k),
        lambda number: joined_number(definition, number, samples),
    )


def _joined(definition: Definition, results: list[Results], place: int = 0) -> Value:
    """One of the results, for the whole batch: the loss."""
    total = sum((result.values[place] for result in results[1:]), results[0].values[place])
    return total / len(results) if definition.reduction == "mean" else total


__all__ = ["called", "joined_number", "value_and_grad", "warn_irregular", "within_a_trace"]
