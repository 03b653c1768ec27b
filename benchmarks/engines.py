"""The two engines against each other, micrograd, and the floor: `python benchmarks/engines.py`.

The floor (`_floor.c`, compiled here) is a C type whose operators do nothing but make an object: what an interpreter has to pay for a graph
in any case. Needs the `micrograd` package and a C compiler; PyTorch is measured where it is installed. The garbage collector is as Python
ships it, unless a row says otherwise; every row checks its numbers before it is timed.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import shlex
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness import Row, child, collector_off, compare, pin, resident, timed
from workloads import (
    LEARNING_RATE,
    PENALTY,
    POINTS,
    SIZES,
    chain_row,
    import_row,
    moons,
    operations_row,
    random_graph,
    reference_parameters,
    sum_of_products,
)

HERE = Path(__file__).parent
FLOOR = HERE.parent / "build" / "floor"
sys.path.insert(0, str(FLOOR))
C, PYTHON, MICROGRAD = "chainrule._value", "chainrule.fast", "micrograd.engine"


def build_floor() -> None:
    """Compile the floor type for this interpreter."""
    FLOOR.mkdir(parents=True, exist_ok=True)
    target = FLOOR / f"_floor{sysconfig.get_config_var('EXT_SUFFIX')}"
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    include = sysconfig.get_paths()["include"]
    subprocess.run([*compiler, "-O2", "-fPIC", "-shared", f"-I{include}", str(HERE / "_floor.c"), "-o", str(target)], check=True)


# --- the moons step, written once for all engines, as micrograd's own network is ---------------------------------------------------------


def network(module: Any, fused: bool) -> tuple[Any, list[Any]]:
    """MLP(2, [16, 16, 1]): (a function from inputs to a score, parameters)."""
    value = module.Value
    random.seed(1337)

    class Neuron:
        def __init__(self, count: int, is_linear: bool) -> None:
            self.w = [value(random.uniform(-1, 1)) for _ in range(count)]
            self.b = value(0.0)
            self.is_linear = is_linear

    class Sum(Neuron):
        def __call__(self, x: list[Any]) -> Any:
            act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
            return act if self.is_linear else act.relu()

    class Dot(Neuron):
        def __call__(self, x: list[Any]) -> Any:
            act = dot(self.w, x, self.b)
            return act if self.is_linear else act.relu()

    if fused:
        dot = module.dot
    kind = Dot if fused else Sum
    layers = [[kind(a, depth == len(SIZES) - 2) for _ in range(b)] for depth, (a, b) in enumerate(pairwise(SIZES))]

    def model(x: list[Any]) -> Any:
        for layer in layers:
            x = [neuron(x) for neuron in layer]
        return x[0]

    return model, [p for layer in layers for neuron in layer for p in (*neuron.w, neuron.b)]


def own_network(package: str) -> tuple[Any, list[Any]]:
    """The same from the package's own MLP, as its users write it."""
    nn = import_module("micrograd.nn" if package == MICROGRAD else "chainrule.nn")
    random.seed(1337)
    model = nn.MLP(SIZES[0], list(SIZES[1:]))
    return model, model.parameters()


def moons_loss(model: Any, parameters: list[Any], value: type) -> Any:
    """The loss of micrograd's demo: the margins of the scores, and a penalty on the parameters."""
    points, labels = moons()
    inputs = [list(map(value, point)) for point in points]
    scores = list(map(model, inputs))
    losses = [(1 + -yi * score).relu() for yi, score in zip(labels, scores, strict=True)]
    return sum(losses) * (1.0 / len(losses)) + PENALTY * sum(p * p for p in parameters)


def moons_row(package: str, fused: bool = False, collect: bool = False, own: bool = False) -> Iterator[dict[str, float]]:
    """Milliseconds of a step: inputs, forward, backward, update; with `collect`, a run of the garbage collector at its end too."""
    if own:
        os.environ["CHAINRULE_ENGINE"] = "c" if package == C else "python"
    module = import_module(package)
    value = module.Value
    model, parameters = own_network(package) if own else network(module, fused)

    def step() -> None:
        total = moons_loss(model, parameters, value)
        for p in parameters:
            p.grad = 0.0
        total.backward()
        for p in parameters:
            p.data -= LEARNING_RATE * p.grad

    for _ in range(3):
        step()
    for got, want in zip([p.data for p in parameters], reference_parameters(), strict=True):
        if package != "_floor" and abs(got - want) > 1e-10:
            raise SystemExit(f"{package}: wrong parameters after 3 steps: {got} for {want}")
    while True:
        measured: dict[str, float] = {}
        with timed(measured, "ms/step", 1e-3):
            step()
            if collect:
                gc.collect()
        yield measured


def collected(package: str, fused: bool = False) -> Iterator[dict[str, float]]:
    """The step with the collector off, but for one run at its end, without which micrograd's memory would grow."""
    with collector_off():
        yield from moons_row(package, fused, collect=True)


def off(package: str, fused: bool = False) -> Iterator[dict[str, float]]:
    """The step with the collector off. Graphs of the C engine are freed without it."""
    with collector_off():
        yield from moons_row(package, fused)


def torch_row() -> Iterator[dict[str, float]]:
    """The same step on PyTorch's tensors, in double precision, on one thread."""
    import torch

    torch.set_num_threads(1)
    _, flat = network(import_module(PYTHON), fused=False)
    numbers = iter([p.data for p in flat])
    layers = []
    for a, b in pairwise(SIZES):
        rows = [[next(numbers) for _ in range(a + 1)] for _ in range(b)]
        layers.append(torch.tensor(rows, dtype=torch.float64, requires_grad=True))
    points, labels = moons()
    inputs, targets = torch.tensor(points, dtype=torch.float64), torch.tensor(labels, dtype=torch.float64)

    def step() -> None:
        x = inputs
        for depth, layer in enumerate(layers):
            x = x @ layer[:, :-1].T + layer[:, -1]
            x = x if depth == len(layers) - 1 else x.relu()
        total = (1 - targets * x[:, 0]).relu().sum() * (1.0 / POINTS) + PENALTY * sum((layer * layer).sum() for layer in layers)
        for layer in layers:
            layer.grad = None
        total.backward()
        with torch.no_grad():
            for layer in layers:
                layer -= LEARNING_RATE * layer.grad

    for _ in range(3):
        step()
    got = [number for layer in layers for row in layer.tolist() for number in row]
    if max(abs(a - b) for a, b in zip(got, reference_parameters(), strict=True)) > 1e-10:
        raise SystemExit("torch: wrong parameters after 3 steps")
    while True:
        measured: dict[str, float] = {}
        with timed(measured, "ms/step", 1e-3):
            step()
        yield measured


# --- memory ------------------------------------------------------------------------------------------------------------------------------


def memory_row(package: str) -> Iterator[dict[str, float]]:
    """Bytes of resident memory for each node of a chain of 1,000,000 additions; a fresh process each, so one round."""
    value = import_module(package).Value
    with collector_off():
        before = resident()
        x = y = value(1.0)
        for _ in range(1_000_000):
            y = y + x
        grown = resident() - before
    yield {"bytes/node": grown / 1e6}
    yield {"bytes/node": grown / 1e6}


def moons_memory_row(package: str) -> Iterator[dict[str, float]]:
    """Bytes of resident memory for each node of the graph of one moons step, in the sum form; a fresh process each, so one round."""
    module = import_module(package)
    model, parameters = network(module, fused=False)
    with collector_off():
        before = resident()
        total = moons_loss(model, parameters, module.Value)
        grown = resident() - before
    nodes, stack = {total}, [total]
    while stack:
        for parent in stack.pop()._prev:
            if parent not in nodes:
                nodes.add(parent)
                stack.append(parent)
    yield {"bytes/node": grown / len(nodes)}
    yield {"bytes/node": grown / len(nodes)}


ROWS: dict[str, Row] = {
    "moons: C engine, sum": partial(moons_row, C),
    "moons: C engine, dot": partial(moons_row, C, True),
    "moons: C engine, sum, gc off": partial(off, C),
    "moons: C engine, dot, gc off": partial(off, C, True),
    "moons: floor, sum": partial(moons_row, "_floor"),
    "moons: floor, sum, gc off": partial(off, "_floor"),
    "moons: Python engine, sum": partial(moons_row, PYTHON),
    "moons: Python engine, dot": partial(moons_row, PYTHON, True),
    "moons: Python engine, sum, gc off": partial(off, PYTHON),
    "moons: C engine, the library's MLP": partial(moons_row, C, own=True),
    "moons: Python engine, the library's MLP": partial(moons_row, PYTHON, own=True),
    "moons: micrograd": partial(moons_row, MICROGRAD, own=True),
    "moons: micrograd, gc off, one collection a step": partial(collected, MICROGRAD),
    **({"moons: PyTorch tensors": torch_row} if find_spec("torch") else {}),
    "sum of products: C engine": partial(operations_row, C, sum_of_products),
    "sum of products: floor": partial(operations_row, "_floor", sum_of_products),
    "sum of products: Python engine": partial(operations_row, PYTHON, sum_of_products),
    "sum of products: float": partial(operations_row, "float", sum_of_products),
    "random graph: C engine": partial(operations_row, C, random_graph),
    "random graph: floor": partial(operations_row, "_floor", random_graph),
    "random graph: Python engine": partial(operations_row, PYTHON, random_graph),
    "random graph: micrograd": partial(operations_row, MICROGRAD, random_graph),
    "random graph: float": partial(operations_row, "float", random_graph),
    "graph: C engine": partial(moons_memory_row, C),
    "graph: Python engine": partial(moons_memory_row, PYTHON),
    "graph: micrograd": partial(moons_memory_row, MICROGRAD),
    "memory: C engine": partial(memory_row, C),
    "memory: Python engine": partial(memory_row, PYTHON),
    "memory: micrograd": partial(memory_row, MICROGRAD),
    "chain: C engine": partial(chain_row, C),
    "chain: Python engine": partial(chain_row, PYTHON),
    "import: nothing": partial(import_row, "pass"),
    "import: chainrule": partial(import_row, "import chainrule"),
}


def main() -> None:
    """Print every table, or run one row for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", choices=ROWS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    if options.row:
        child(ROWS, options.row, options.rounds)
        return
    pin()
    build_floor()
    started = time.perf_counter()
    tables = {
        "moons": "One step of micrograd's moons demo: MLP(2, [16, 16, 1]), 100 points, 65,818 nodes in the sum form",
        "sum of products": "A sum of 100,000 products, collector off (the leaves are made before)",
        "random graph": "A random graph of 100,000 additions and multiplications, collector off",
        "graph": "Resident memory of the graph of the moons step",
        "memory": "Resident memory of a chain of 1,000,000 additions",
        "chain": "A chain of 1,000,000 additions",
        "import": "A new interpreter",
    }
    for prefix, title in tables.items():
        names = [name for name in ROWS if name.startswith(prefix + ":")]
        rounds = {"graph": 1, "memory": 1, "import": 10}.get(prefix, options.rounds)
        best = compare(__file__, f"{title}: minimum (median)", names, options.turns, rounds)
        if prefix == "moons":
            summarize({name.removeprefix("moons: "): row["ms/step"] for name, row in best.items()})
        if prefix == "import":
            extra = best["import: chainrule"]["ms"] - best["import: nothing"]["ms"]
            print(f"import chainrule takes {extra:.1f} ms over a bare interpreter")
    print(f"({time.perf_counter() - started:.0f} s)")


def summarize(step: dict[str, float]) -> None:
    """Print the ratios that matter."""
    shipped, collected = step["micrograd"], step["micrograd, gc off, one collection a step"]
    print(f"the floor: the C engine's sum form takes {step['C engine, sum'] / step['floor, sum']:.2f} times as long, ", end="")
    print(f"with gc off {step['C engine, sum, gc off'] / step['floor, sum, gc off']:.2f}")
    for name in ("C engine, sum", "C engine, dot", "Python engine, sum"):
        print(f"{name}: {shipped / step[name]:.1f} times micrograd; {collected / step[name]:.1f} times micrograd with gc off", end="")
        print(f", {collected / step[name + ', gc off']:.1f} if ours is off too")
    for name in ("C engine, the library's MLP", "Python engine, the library's MLP"):
        print(f"{name}: {shipped / step[name]:.1f} times micrograd; {collected / step[name]:.1f} times micrograd with gc off")


if __name__ == "__main__":
    main()
