"""What a program computes eagerly, what it computes compiled, and how far the two are apart."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import chainrule
from chainrule import Value
from registry import Built, Program

TOLERANCE = 1e-12
FLOOR = 1e-3


def error(found: Sequence[float], expected: Sequence[float]) -> float:
    """The largest difference of two lists of numbers, relative to the largest number that is expected, or to FLOOR if that is more.

    A gradient is measured as a whole: where terms of size 1 cancel, digits are lost in one order of summation as in another, and FLOOR
    does the same for gradients that vanish altogether. Infinities and nans differ from everything but themselves.
    """
    assert len(found) == len(expected), f"{len(found)} numbers where {len(expected)} are expected"
    scale = max([FLOOR, *(abs(b) for b in expected if math.isfinite(b))])
    return max((_apart(float(a), b) for a, b in zip(found, expected, strict=True)), default=0.0) / scale


def _apart(a: float, b: float) -> float:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    return abs(a - b) if math.isfinite(a) and math.isfinite(b) else math.inf


def close(found: Sequence[float] | float, expected: Sequence[float] | float, tolerance: float = TOLERANCE) -> bool:
    """Whether `|found - expected| <= tolerance * max(FLOOR, max |expected|)` for every number of two lists, or for two numbers."""
    return error(np.ravel(found).tolist(), np.ravel(expected).tolist()) <= tolerance


# --- eagerly ----------------------------------------------------------------------------------------------------------------------------


def evaluate(built: Built, arguments: Sequence[Any]) -> Any:
    """The loss as plain Python computes it; for a program of one sample, the mean or the sum over the samples."""
    if not built.batched:
        return built.loss(*arguments)
    losses = [built.loss(*sample) for sample in zip(*arguments, strict=True)]
    return sum(losses) / len(losses) if built.reduction == "mean" else sum(losses)


def eager(built: Built, arguments: Sequence[Any] | None = None) -> tuple[float, list[float]]:
    """The loss and the gradients of the parameters; 0 for those that the loss does not depend on."""
    loss = as_value(evaluate(built, built.arguments if arguments is None else arguments))
    for parameter in built.parameters:
        parameter.grad = 0.0
    loss.backward()
    return loss.data, [parameter.grad for parameter in built.parameters]


def eager_for_arguments(built: Built) -> tuple[float, list[Any]]:
    """The loss and its gradients with respect to the arguments, which must be floats: one array for each argument."""
    arguments = [as_values(argument) for argument in built.arguments]
    loss = as_value(evaluate(built, arguments))
    loss.backward()
    return loss.data, [gradients_of(argument) for argument in arguments]


def as_value(x: Any) -> Value:
    return x if isinstance(x, Value) else Value(x)


def as_values(x: Any, integers: bool = False) -> Any:
    """A Value for each float of an argument; integers, which may be indexes, as they are, or Values too."""
    if isinstance(x, np.ndarray):
        x = x.tolist()
    if isinstance(x, list):
        return [as_values(part, integers) for part in x]
    return Value(x) if integers or isinstance(x, float) else x


def gradients_of(x: Any) -> Any:
    return np.array([gradients_of(part) for part in x]) if isinstance(x, list) else x.grad


# --- compiled ---------------------------------------------------------------------------------------------------------------------------


def compile_function(built: Built) -> Any:
    """The program's function, decorated as its user would."""
    if built.batched:
        return chainrule.compile(batch=built.reduction)(built.loss)
    return chainrule.compile(built.loss)


@cache
def traced(program: Program) -> chainrule.compiler.runtime.program.Program:
    """What the compiler makes of a program; one that it does not compile is a failure."""
    built = program.build(random.Random(1))
    found = compile_function(built).trace(*built.arguments).program
    assert found is not None, f"{program.name} is not compiled"
    return found


def call(function: Any, built: Built, arguments: Sequence[Any] | None = None) -> tuple[float, list[float]]:
    """The loss and the gradients of a compiled function; 0 for parameters that it does not fill."""
    loss = function(*(built.arguments if arguments is None else arguments))
    for parameter in built.parameters:
        parameter.grad = 0.0
    loss.backward()
    return float(loss.data), [parameter.grad for parameter in built.parameters]


def compiled(built: Built) -> tuple[float, list[float]]:
    """The loss and the gradients of the decorated function."""
    return call(compile_function(built), built)


def compiled_graph(built: Built) -> tuple[float, list[float]]:
    """The loss and the gradients of the graph that exists once the program has run on plain numbers."""
    step = chainrule.compile(as_value(evaluate(built, built.arguments)))
    for parameter in built.parameters:
        parameter.grad = 0.0
    return step(), [parameter.grad for parameter in built.parameters]


# --- several outputs --------------------------------------------------------------------------------------------------------------------


def numbers(outputs: Any) -> list[float]:
    """The numbers in Values, arrays, lists, tuples and dicts of them, nested, in order."""
    if isinstance(outputs, dict):
        return [number for part in outputs.values() for number in numbers(part)]
    if isinstance(outputs, list | tuple):
        return [number for part in outputs for number in numbers(part)]
    if isinstance(outputs, np.ndarray):
        return outputs.ravel().tolist()
    return [float(outputs)]


class Array(NamedTuple):
    """What stands for a Value, or for a list of equal things that are Values in the end."""

    shape: tuple[int, ...]


def structure(outputs: Any) -> Any:
    """The dicts, tuples and ragged lists of outputs, with an `Array` for each Value and each list that is one."""
    if isinstance(outputs, dict):
        return {key: structure(part) for key, part in outputs.items()}
    if isinstance(outputs, tuple):
        return tuple(structure(part) for part in outputs)
    if isinstance(outputs, list):
        parts = [structure(part) for part in outputs]
        if all(isinstance(part, Array) and part == parts[0] for part in parts):
            return Array((len(parts), *parts[0].shape))
        return parts
    return Array(np.shape(outputs) if isinstance(outputs, np.ndarray) else ())


def sample(outputs: Any, n: int) -> Any:
    """The part of batched outputs that belongs to one sample."""
    if isinstance(outputs, dict):
        return {key: sample(part, n) for key, part in outputs.items()}
    if isinstance(outputs, tuple):
        return tuple(sample(part, n) for part in outputs)
    if isinstance(outputs, list):
        return [sample(part, n) for part in outputs]
    return outputs[n]
