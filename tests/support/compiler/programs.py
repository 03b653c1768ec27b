"""All programs that the compiler is tested with, written as different people write them."""

from itertools import pairwise

import pytest

import formula_programs  # noqa: F401 (each of these enters its programs)
import loop_programs  # noqa: F401
import network_programs  # noqa: F401
import output_programs  # noqa: F401
import pattern_programs  # noqa: F401
import sequence_programs  # noqa: F401
from registry import OUTPUTS, PROGRAMS, Built, Program

LONG = {"euler_integration", "heat_equation", "kalman_filter", "random_wiring", "rnn_of_a_hundred_steps", "runge_kutta", "shortest_paths"}
"""Programs of hundreds of statements."""


def named(programs: list[Program]) -> list:
    """Programs as parameters of a test that looks at all of them closely; the long ones are left to the slow runs."""
    return [pytest.param(p, id=p.name, marks=[pytest.mark.slow] if p.name in LONG else []) for p in programs]


def some(programs: list[Program], which: tuple[int, ...] = (0,), of: int = 3) -> list:
    """Some of each three programs as parameters of a test; the others are left to the slow runs, for other tests look at all of them."""
    return [pytest.param(p, id=p.name, marks=[] if number % of in which else [pytest.mark.slow]) for number, p in enumerate(programs)]


def chunks(few: int, count: int, size: int) -> list:
    """Chunks of seeds; those after the first few are left to the slow runs."""
    begins = [0, *range(few, count, size), count]
    return [pytest.param(range(a, b), marks=[pytest.mark.slow] if a else [], id=f"{a} to {b}") for a, b in pairwise(begins)]


__all__ = ["LONG", "OUTPUTS", "PROGRAMS", "Built", "Program", "chunks", "named", "some"]
