"""What a test program is, and the register that each `@program` and `@returns` function enters."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from chainrule import Module, Value


@dataclass(frozen=True)
class Built:
    """A program with its numbers drawn.

    Arguments:
        parameters: the Values it captures.
        loss: the function that a user would decorate with `@chainrule.compile`.
        arguments: what to call it with: arrays, nested lists of numbers, numbers.
        batched: whether the function is written for one sample, and the arguments carry a leading batch axis.
        reduction: what becomes of the samples' losses: `"mean"`, `"sum"`, or None, which keeps them.
    """

    parameters: list[Value]
    loss: Callable[..., Any]
    arguments: tuple[Any, ...] = field(default=())
    batched: bool = False
    reduction: str | None = "mean"


class Program(NamedTuple):
    """A program as somebody would write it. Two calls of `build` give arguments of the same shapes."""

    name: str
    build: Callable[[random.Random], Built]


PROGRAMS: list[Program] = []
"""Programs that return a loss."""

OUTPUTS: list[Program] = []
"""Programs that return several Values: lists, tuples and dicts of them, nested."""


def program(build: Callable[[random.Random], Built]) -> Callable[[random.Random], Built]:
    """Enter a program that returns a loss."""
    PROGRAMS.append(Program(build.__name__, build))
    return build


def returns(build: Callable[[random.Random], Built]) -> Callable[[random.Random], Built]:
    """Enter a program that returns several Values."""
    OUTPUTS.append(Program(build.__name__, build))
    return build


# --- drawing numbers --------------------------------------------------------------------------------------------------------------------


def vector(rng: random.Random, size: int, spread: float = 0.5) -> list[Value]:
    return [Value(rng.uniform(-spread, spread)) for _ in range(size)]


def matrix(rng: random.Random, rows: int, columns: int, spread: float = 0.5) -> list[list[Value]]:
    return [vector(rng, columns, spread) for _ in range(rows)]


def samples(rng: random.Random, *shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    return np.array([rng.uniform(low, high) for _ in range(int(np.prod(shape)))]).reshape(shape)


def labels(rng: random.Random, *shape: int, below: int) -> np.ndarray:
    return np.array([rng.randrange(below) for _ in range(int(np.prod(shape)))]).reshape(shape)


def signs(rng: random.Random, size: int) -> np.ndarray:
    return np.array([rng.choice([-1, 1]) for _ in range(size)])


def flat(*things: Any) -> list[Value]:
    """The parameters among Values, Modules, and nested lists of both."""
    found: list[Value] = []
    for thing in things:
        if isinstance(thing, Value):
            found.append(thing)
        elif isinstance(thing, Module):
            found += thing.parameters()
        else:
            found += flat(*thing)
    return found
