"""Timing rows side by side: each row in a process of its own, pinned to one core, in turns; minimum, median and ratio.

A row is a function that prepares its work, checks its result against a reference, and returns one timed round as a dict of numbers.
Absolute times mean little on a shared machine: compare rows of one run.
"""

from __future__ import annotations

import ctypes
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

clock = time.process_time if os.environ.get("BENCHMARK_CLOCK") == "cpu" else time.perf_counter
"""What rows are timed with. The processor time of a row that keeps one core busy is its time on an idle machine, even if others are at
work."""

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
    start = clock()
    yield
    into[name] = into.get(name, 0.0) + (clock() - start) / scale


def keep_memory() -> None:
    """Let glibc keep freed memory instead of handing it back to the system, and clearing it again page by page for the next array.

    For a program that makes large arrays at every call this may be half the time, and whether it happens is a matter of chance.
    """
    mmap_max, trim_threshold = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD of malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or not (mallopt(mmap_max, 0) and mallopt(trim_threshold, 2**31 - 1)):
        raise SystemExit("only glibc's malloc can be told to keep memory")


@contextmanager
def collector_off() -> Iterator[None]:
    """Switch Python's cyclic garbage collector off."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def repeated(call: Callable[[], object], unit: str, scale: float, work: int, at_least: float = 0.1) -> Iterator[dict[str, float]]:
    """Time a call over and over: each round is of so many calls that it takes `at_least` seconds.

    Arguments:
        call: what to time.
        unit: the name of the number that a round gives.
        scale: how many seconds one of the unit is.
        work: how many steps, or samples, a call goes through; the number is for one of them.
        at_least: seconds in a round, about.
    """
    call()
    start = clock()
    call()
    calls = max(1, round(at_least / (clock() - start)))
    while True:
        start = clock()
        for _ in range(calls):
            call()
        yield {unit: (clock() - start) / (calls * work * scale)}


class RowError(Exception):
    """A row could not be measured, or its result was wrong; says what the row's process did."""


def _measure(script: str, name: str, rounds: int, environment: dict[str, str] | None) -> list[dict[str, float]]:
    command = [sys.executable, script, "--row", name, "--rounds", str(rounds)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        raise RowError(result.stderr)
    return [json.loads(line) for line in result.stdout.splitlines()]


def child(rows: dict[str, Row], name: str, rounds: int) -> None:
    """Run one row here and print a line of JSON for each round; the first, which warms up, is left out."""
    pin()
    for number, measured in zip(range(rounds + 1), rows[name](), strict=False):
        if number:
            print(json.dumps(measured), flush=True)


def compare(
    script: str,
    title: str,
    names: list[str],
    turns: int,
    rounds: int,
    environment: dict[str, str] | None = None,
    failed: dict[str, str] | None = None,
    brief: bool = False,
) -> dict[str, dict[str, float]]:
    """Measure rows in turns and print a table; each number is the minimum and, in brackets, the median.

    Arguments:
        script: the benchmark's own path, which is run again for every row.
        title: the table's.
        names: rows; the ratios are of each row to the first. What stands before a colon is not printed.
        turns: how often to go through the rows.
        rounds: measurements of a row in each turn.
        environment: of the rows' processes; this process's own by default.
        failed: where to note rows that fail, with what they printed; without it, the first such row ends everything.
        brief: print neither medians nor ratios.

    Returns:
        The minima, by row and quantity.
    """
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(turns):
        for name in list(measured):
            try:
                measured[name] += _measure(script, name, rounds, environment)
            except RowError as error:
                if failed is None:
                    raise SystemExit(f"{name} failed:\n{error}") from None
                failed[name] = str(error)
                del measured[name]
    best = {name: {key: min(m[key] for m in found) for key in found[0]} for name, found in measured.items()}
    if best:
        _print_table(title, measured, best, brief)
    return best


def _told(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.4g}"


def _print_table(title: str, measured: dict[str, list[dict[str, float]]], best: dict[str, dict[str, float]], brief: bool) -> None:
    table = Table()
    table.add_column("")
    first = next(iter(best.values()))
    for key in first:
        table.add_column(key, justify="right")
        if not brief:
            table.add_column("ratio", justify="right")
    for name in best:
        cells = []
        for key in first:
            if key not in best[name]:
                cells += [""] * (1 if brief else 2)
                continue
            median = statistics.median(m[key] for m in measured[name])
            cells.append(_told(best[name][key]) + ("" if brief else f" ({_told(median)})"))
            if not brief:
                cells.append(f"{best[name][key] / first[key]:.2f}" if first[key] else "")
        table.add_row(name.partition(": ")[2] or name, *cells)
    console = Console(width=150)
    console.print(f"\n[bold]{title}[/bold]", highlight=False)
    console.print(table)
