"""Timing rows side by side: each row in a process of its own, pinned to one core, in turns; minimum, median and ratio.

A row is a function that prepares its work, checks its result against a reference, and returns one timed round as a dict of numbers.
Absolute times mean little on a shared machine: compare rows of one run.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

Row = Callable[[], Iterator[dict[str, float]]]


def pin() -> None:
    """Keep this process on one core, where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def resident() -> int:
    """Bytes of memory this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@contextmanager
def timed(into: dict[str, float], name: str, scale: float) -> Iterator[None]:
    """Add the time the block takes to `into[name]`, in units of `scale` seconds."""
    start = time.perf_counter()
    yield
    into[name] = into.get(name, 0.0) + (time.perf_counter() - start) / scale


@contextmanager
def collector_off() -> Iterator[None]:
    """Switch Python's cyclic garbage collector off."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _measure(script: str, name: str, rounds: int) -> list[dict[str, float]]:
    command = [sys.executable, script, "--row", name, "--rounds", str(rounds)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{name} failed:\n{result.stderr}")
    return [json.loads(line) for line in result.stdout.splitlines()]


def child(rows: dict[str, Row], name: str, rounds: int) -> None:
    """Run one row here and print a line of JSON for each round; the first, which warms up, is left out."""
    pin()
    for number, measured in zip(range(rounds + 1), rows[name](), strict=False):
        if number:
            print(json.dumps(measured), flush=True)


def compare(script: str, title: str, names: list[str], turns: int, rounds: int) -> dict[str, dict[str, float]]:
    """Measure rows in turns and print a table; each number is the minimum and, in brackets, the median.

    Arguments:
        script: the benchmark's own path, which is run again for every row.
        title: the table's.
        names: rows; the ratios are of each row to the first.
        turns: how often to go through the rows.
        rounds: measurements of a row in each turn.

    Returns:
        The minima, by row and quantity.
    """
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(turns):
        for name in names:
            measured[name] += _measure(script, name, rounds)
    best = {name: {key: min(m[key] for m in found) for key in found[0]} for name, found in measured.items()}
    table = Table(title=title, title_justify="left")
    table.add_column("")
    keys = list(best[names[0]])
    for key in keys:
        table.add_column(key, justify="right")
        table.add_column("ratio", justify="right")
    for name in names:
        cells = []
        for key in keys:
            median = statistics.median(m[key] for m in measured[name])
            cells.append(f"{best[name][key]:,.4g} ({median:,.4g})")
            cells.append(f"{best[name][key] / best[names[0]][key]:.2f}" if best[names[0]][key] else "")
        table.add_row(name, *cells)
    Console(width=150).print(table)
    return best
