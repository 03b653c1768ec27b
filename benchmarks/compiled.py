"""Compiled scalar programs against their peers, on one core: `python benchmarks/compiled.py [--only moons ...] [--dtype both]`.

Every row runs in a process of its own, pinned and with one thread, in turns with the others; every row first reproduces a reference
(NumPy's result, or the eager engine's for the transformer) within 1e-10 in double and 1e-4 in single precision. How rows are timed:

- "in fit": a long call of `fit` less a short one, for each step more; so what `fit` does once does not count.
- "in a loop of its own": JAX's `fori_loop` around a `scan` over the batches, about 1,000 steps in a call (200 of mnist's size).
- "memory kept": malloc keeps what is freed (see `keep_memory`), for programs that make arrays of 8 MB at every call; C writes into its own.
- "called": a loop in Python, one step after another, the optimiser's update included.

PyTorch is measured where it is installed, C where there is gcc. Ratios are to the first row of a table; the summary below the tables
compares like with like.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from harness import Row, child, compare, pin

TITLES = {
    "moons": "100 moons in one batch, MLP(2, [16, 16, 1]), hinge loss and penalty",
    "four": "Four points, MLP(2, [4, 4, 1]), squared error",
    "digits": "Digits, MLP(64, [32, 10]), cross-entropy, batches of 128",
    "mnist": "MNIST's size, MLP(784, [50, 10]), cross-entropy, batches of 128",
    "options": "Price of an option and its five derivatives, 1,000,000 options",
    "transformer": "Transformer of examples/, 1 to 16 positions (8.5 on average), one document a step, Adam",
    "compile": "Tracing and compiling",
}
DTYPES = ("float64", "float32")

# The peers use one thread each. OPENBLAS_CORETYPE, where a machine sets it, slows NumPy down.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")} | {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}


def _lazily(module: str, function: str, *arguments: Any) -> Row:
    """A row whose module is imported only in the row's own process."""

    def row() -> Iterator[dict[str, float]]:
        yield from getattr(import_module(module), function)(*arguments)

    return row


def _rows(workload: str, dtype: str) -> dict[str, Row]:
    """The rows of one table; the first is what the others are compared with."""
    rows: dict[str, Row] = {}
    if workload == "options":
        for suffix, kept in (("", False), (", memory kept", True)):
            rows[f"chainrule{suffix}"] = _lazily("ours", "options_row", dtype, kept)
            rows[f"JAX, vmap of value_and_grad{suffix}"] = _lazily("peers_jax", "options_row", dtype, kept)
        rows["NumPy and SciPy by hand"] = _lazily("peers_numpy", "options_row", dtype)
        if find_spec("torch"):
            rows["PyTorch, eager"] = _lazily("peers_torch", "options_row", dtype)
        if shutil.which("gcc"):
            rows["C, -ffast-math"] = _lazily("peers_c", "options_row", dtype, True)
            rows["C"] = _lazily("peers_c", "options_row", dtype, False)
    elif workload == "transformer":
        rows["chainrule, in fit"] = _lazily("ours", "transformer_row", dtype, "fit")
        rows["chainrule, called"] = _lazily("ours", "transformer_row", dtype, "called")
        rows["JAX, padded, called"] = _lazily("peers_jax_transformer", "row", dtype, False)
        rows["JAX, padded, in a loop of its own"] = _lazily("peers_jax_transformer", "row", dtype, True)
    else:
        rows["chainrule, in fit"] = _lazily("ours", "fit_row", workload, dtype)
        rows["chainrule, called"] = _lazily("ours", "called_row", workload, dtype)
        if workload in ("moons", "four"):
            rows["chainrule, a compiled graph, called"] = _lazily("ours", "graph_row", workload, dtype)
        if workload != "mnist" and dtype == "float64":
            rows["chainrule, eager"] = _lazily("ours", "eager_row", workload)
        rows["JAX, in a loop of its own"] = _lazily("peers_jax", "training_row", workload, dtype, True)
        rows["JAX, called"] = _lazily("peers_jax", "training_row", workload, dtype, False)
        rows["NumPy by hand"] = _lazily("peers_numpy", "training_row", workload, dtype)
        if find_spec("torch"):
            rows["PyTorch, eager"] = _lazily("peers_torch", "training_row", workload, dtype)
    return rows


def _compile_rows() -> dict[str, Row]:
    graphs = ("the moons graph", "the moons graph, fused", "10^4", "10^5", "10^6", "10^6, deeper")
    rows = {f"chainrule, {graph}": _lazily("tracing", "row", graph) for graph in graphs}
    return {**rows, "JAX, the moons step": _lazily("peers_jax", "compile_row", "moons")}


def tables() -> dict[tuple[str, str], dict[str, Row]]:
    """All rows, by workload and precision, under names that tell them apart."""
    found = {}
    for workload in TITLES:
        for dtype in DTYPES[:1] if workload == "compile" else DTYPES:
            rows = _compile_rows() if workload == "compile" else _rows(workload, dtype)
            found[workload, dtype] = {f"{workload}, {dtype}: {name}": row for name, row in rows.items()}
    return found


# --- what is aimed at --------------------------------------------------------------------------------------------------------------------


class Target(NamedTuple):
    """A row of ours is to be at least so many times as fast as the fastest of some peers' rows."""

    workload: str
    row: str
    peers: tuple[str, ...]
    at_least: float


TARGETS = [
    Target("moons", "chainrule, in fit", ("JAX, in a loop of its own",), 1.7),
    Target("moons", "chainrule, called", ("JAX, called",), 2.0),
    Target("moons", "chainrule, a compiled graph, called", ("JAX, called",), 2.0),
    Target("four", "chainrule, in fit", ("JAX, in a loop of its own",), 2.0),
    Target("digits", "chainrule, in fit", ("JAX, in a loop of its own",), 1.3),
    Target("mnist", "chainrule, in fit", ("JAX, in a loop of its own", "JAX, called"), 1.2),
    Target("options", "chainrule", ("JAX, vmap of value_and_grad",), 5.0),
    Target("options", "chainrule, memory kept", ("JAX, vmap of value_and_grad, memory kept",), 5.0),
    Target("options", "chainrule", ("C, -ffast-math",), 1 / 1.3),
    Target("options", "chainrule, memory kept", ("C, -ffast-math",), 1 / 1.3),
    Target("transformer", "chainrule, in fit", ("JAX, padded, called",), 4.0),
    Target("transformer", "chainrule, in fit", ("JAX, padded, in a loop of its own",), 4.0),
]
MILLISECONDS = {"the moons graph": 200.0, "10^6": 2000.0}


def judge(best: dict[str, dict[str, float]]) -> None:
    """Print how the measured rows stand to their targets."""
    for workload, ours, peers, at_least in TARGETS:
        for dtype in DTYPES:
            numbers = {name: next(iter(best[key].values())) for name in (ours, *peers) if (key := f"{workload}, {dtype}: {name}") in best}
            if ours not in numbers or len(numbers) < 2:
                continue
            peer = min((name for name in numbers if name != ours), key=numbers.__getitem__)
            ratio = numbers[peer] / numbers[ours]
            verdict = "reached" if ratio >= at_least else "MISSED"
            print(f"{workload}, {dtype}: {ours}: {ratio:.2f} times as fast as {peer} (at least {at_least:.3g}): {verdict}")
    for graph, most in MILLISECONDS.items():
        if numbers := best.get(f"compile, float64: chainrule, {graph}"):
            taken = numbers["ms build"] + numbers["ms compile"]
            print(
                f"compile: {graph}: built and compiled in {taken:.0f} ms (at most {most:.0f}): {'reached' if taken <= most else 'MISSED'}"
            )


def main() -> None:
    """Print every table asked for, or run one row for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES), help="workloads to measure")
    parser.add_argument("--dtype", choices=(*DTYPES, "both"), default="both")
    parser.add_argument("--rows", default="", help="measure only rows whose names contain this, such as chainrule")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu on a machine where others are at work")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of a row in each turn")
    parser.add_argument("--turns", type=int, default=2, help="how often to go through the rows")
    options = parser.parse_args()
    found = tables()
    if options.row:
        child({name: row for rows in found.values() for name, row in rows.items()}, options.row, options.rounds)
        return
    pin()
    ENVIRONMENT["BENCHMARK_CLOCK"] = options.clock
    started = time.perf_counter()
    best: dict[str, dict[str, float]] = {}
    failed: dict[str, str] = {}
    for (workload, dtype), rows in found.items():
        names = [name for name in rows if options.rows in name]
        if workload in options.only and options.dtype in (dtype, "both") and names:
            title = f"{TITLES[workload]}; {dtype}: minimum{'' if workload == 'compile' else ' (median)'}"
            rounds = 2 if workload == "compile" else options.rounds
            best |= compare(__file__, title, names, options.turns, rounds, ENVIRONMENT, failed, brief=workload == "compile")
    judge(best)
    for name, printed in failed.items():
        print(f"{name} FAILED: {(printed.strip().splitlines() or ['(nothing said)'])[-1]}")
    print(f"({time.perf_counter() - started:.0f} s)")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
