"""A command that compares random programs with the eager engine: the main of `random_programs.py` and of `index_programs.py`."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from chainrule.compiler.errors import CompileWarning
from compare import TOLERANCE

PROGRESS = 1000


def compare_programs(
    build: Callable[[int], Any],
    largest_error: Callable[[Any], float],
    block: Callable[[int], AbstractContextManager[Any]] = lambda seed: nullcontext(),
) -> int:
    """Compare the programs of the seeds that the command line names, and print those that fail, how many there were, and the largest error.

    Arguments:
        build: draws the program of a seed, whose `told` says what it does.
        largest_error: of the program's values and gradients.
        block: a context in which the program of a seed is compiled.

    Returns:
        What the command ends with: 1 if a program failed, else 0.
    """
    first, last = map(int, sys.argv[1:])
    failures, fallen, worst, begin = 0, 0, 0.0, time.perf_counter()
    for seed in range(first, last):
        if seed > first and (seed - first) % PROGRESS == 0:
            print(f"{seed - first} so far, {failures} failed, {time.perf_counter() - begin:.0f} s", flush=True)
        built = build(seed)
        try:
            with warnings.catch_warnings(), block(seed):
                warnings.simplefilter("error")
                wrong = largest_error(built)
        except CompileWarning:
            fallen += 1
            continue
        except Exception as problem:
            failures += 1
            print(f"seed {seed}: {built.told}\n    {type(problem).__name__}: {problem}", flush=True)
            continue
        worst = max(worst, wrong)
        if not wrong <= TOLERANCE:
            failures += 1
            print(f"seed {seed}: {built.told}\n    error {wrong:.3g}", flush=True)
    took = time.perf_counter() - begin
    print(f"{last - first} programs, {failures} failed, {fallen} not compiled, largest error {worst:.3g}, {took:.0f} s")
    return 1 if failures else 0
