"""What the eager engines are measured on: points, reference results, graphs to build, an import."""

from __future__ import annotations

import gc
import math
import random
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise

from harness import collector_off, timed

POINTS = 100
SIZES = (2, 16, 16, 1)
LEARNING_RATE = 0.1
PENALTY = 1e-4
OPERATIONS = 100_000


@cache
def moons() -> tuple[list[list[float]], list[int]]:
    """Two interleaved half circles with some noise: points, and labels -1 or 1."""
    rng = random.Random(1337)
    points, labels = [], []
    for i in range(POINTS):
        angle, label = math.pi * (i // 2) / (POINTS // 2 - 1), 1 if i % 2 else -1
        x, y = (math.cos(angle), math.sin(angle)) if label < 0 else (1 - math.cos(angle), 0.5 - math.sin(angle))
        points.append([x + rng.gauss(0, 0.1), y + rng.gauss(0, 0.1)])
        labels.append(label)
    return points, labels


def reference_parameters(steps: int = 3) -> list[float]:
    """The parameters after some steps, computed on plain floats without any autodiff."""
    rng = random.Random(1337)
    layers = [[[[rng.uniform(-1, 1) for _ in range(fan_in)], 0.0] for _ in range(fan_out)] for fan_in, fan_out in pairwise(SIZES)]
    points, labels = moons()
    for _ in range(steps):
        gradients = [[[[2 * PENALTY * w for w in weights], 2 * PENALTY * bias] for weights, bias in layer] for layer in layers]
        for point, label in zip(points, labels, strict=True):
            activations = [point]
            for depth, layer in enumerate(layers):
                out = [math.fsum(w * x for w, x in zip(weights, activations[-1], strict=True)) + bias for weights, bias in layer]
                activations.append(out if depth == len(layers) - 1 else [max(x, 0.0) for x in out])
            arriving = [-label / POINTS if 1 - label * activations[-1][0] > 0 else 0.0]
            for depth in reversed(range(len(layers))):
                below = [0.0] * len(activations[depth])
                for neuron, gradient, g in zip(layers[depth], gradients[depth], arriving, strict=True):
                    for i, x in enumerate(activations[depth]):
                        gradient[0][i] += g * x
                        below[i] += g * neuron[0][i]
                    gradient[1] += g
                arriving = [g if x > 0 else 0.0 for g, x in zip(below, activations[depth], strict=True)]
        for layer, gradient in zip(layers, gradients, strict=True):
            for neuron, slope in zip(layer, gradient, strict=True):
                neuron[0] = [w - LEARNING_RATE * g for w, g in zip(neuron[0], slope[0], strict=True)]
                neuron[1] -= LEARNING_RATE * slope[1]
    return [p for layer in layers for weights, bias in layer for p in (*weights, bias)]


def sum_of_products(value: type) -> tuple[list[object], int, int]:
    """a[0] b[0] + a[1] b[1] + ..., added from the left: (a function that builds it, operations, leaves)."""
    rng = random.Random(0)
    left = [value(rng.uniform(-1, 1)) for _ in range(OPERATIONS)]
    right = [value(rng.uniform(-1, 1)) for _ in range(OPERATIONS)]

    def build() -> list[object]:
        total = left[0] * right[0]
        for a, b in zip(left[1:], right[1:], strict=True):
            total = total + a * b
        return [total]

    return build, 2 * OPERATIONS - 1, 2 * OPERATIONS


def random_graph(value: type) -> tuple[list[object], int, int]:
    """Additions and multiplications of any two of the nodes so far; the unused results are added up in pairs at the end."""
    rng = random.Random(0)
    numbers = [rng.uniform(-1, 1) for _ in range(1000)]
    leaves = [value(x) for x in numbers]
    program, used = [], set()
    for _ in range(OPERATIONS):
        i, j = rng.randrange(len(numbers)), rng.randrange(len(numbers))
        is_sum = rng.random() < 0.5 and abs(numbers[i] + numbers[j]) <= 1
        program.append((is_sum, i, j))
        numbers.append(numbers[i] + numbers[j] if is_sum else numbers[i] * numbers[j])
        used |= {i, j}
    ends = [i for i in range(len(leaves), len(numbers)) if i not in used]
    while len(ends) > 1:
        pairs = list(zip(ends[::2], ends[1::2], strict=False))
        rest = ends[-1:] if len(ends) % 2 else []
        first = len(leaves) + len(program)
        program += [(True, i, j) for i, j in pairs]
        ends = [*range(first, first + len(pairs)), *rest]

    def build() -> list[object]:
        nodes = list(leaves)
        append = nodes.append
        for is_sum, i, j in program:
            append(nodes[i] + nodes[j] if is_sum else nodes[i] * nodes[j])
        return nodes

    return build, len(program), len(leaves)


def operations_row(package: str, workload: object) -> Iterator[dict[str, float]]:
    """Nanoseconds to build one operation (with the loop around it) and to sweep one node; the collector is off."""
    value = float if package == "float" else import_module(package).Value
    build, operations, leaves = workload(value)
    sys.setrecursionlimit(10**7)
    with collector_off():
        while True:
            measured: dict[str, float] = {}
            with timed(measured, "ns/operation", 1e-9 * operations):
                results = build()
            if package == "float":
                measured["ns/node backward"] = 0.0
            else:
                with timed(measured, "ns/node backward", 1e-9 * (operations + leaves)):
                    results[-1].backward()
            del results
            gc.collect()
            yield measured


def chain_row(package: str) -> Iterator[dict[str, float]]:
    """Milliseconds to build, sweep and free a chain of 1,000,000 additions."""
    value = import_module(package).Value
    while True:
        measured: dict[str, float] = {}
        with timed(measured, "ms build", 1e-3):
            x = y = value(1.0)
            for _ in range(1_000_000):
                y = y + x
        with timed(measured, "ms backward", 1e-3):
            y.backward()
        with timed(measured, "ms free", 1e-3):
            del y
        if x.grad != 1_000_001:
            raise SystemExit(f"wrong gradient: {x.grad}")
        yield measured


def import_row(statement: str) -> Iterator[dict[str, float]]:
    """Milliseconds of a new interpreter that runs one statement."""
    while True:
        measured: dict[str, float] = {}
        with timed(measured, "ms", 1e-3):
            subprocess.run([sys.executable, "-c", statement], check=True)
        yield measured
