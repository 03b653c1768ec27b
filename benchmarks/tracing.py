"""How long the compiler itself takes: graphs of more and more nodes, built eagerly and then compiled."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator

import chainrule
from harness import clock
from ours import network, whole_batch_loss
from problems import TRAININGS

GRAPHS = {
    "the moons graph, fused": (100, [16, 16, 1], True),
    "the moons graph": (100, [16, 16, 1], False),
    "10^4": (15, [16, 16, 1], False),
    "10^5": (153, [16, 16, 1], False),
    "10^6": (1535, [16, 16, 1], False),
    "10^6, deeper": (100, [50, 50, 50, 1], False),
}
"""Points, layers, and whether a neuron's sum is one node of the graph."""


def row(name: str) -> Iterator[dict[str, float]]:
    """Milliseconds to build a graph, and to compile it until it can be run, the stages also one by one; nanoseconds for each node."""
    points, layers, fused = GRAPHS[name]
    rng = random.Random(0)
    inputs = [[rng.uniform(-1, 2), rng.uniform(-1, 1)] for _ in range(points)]
    targets = [rng.choice([-1.0, 1.0]) for _ in range(points)]
    training = TRAININGS["moons"]()
    while True:
        random.seed(1337)
        model = network(training, fused) if layers == [16, 16, 1] else chainrule.MLP(2, layers, fused=fused)
        gc.collect()
        start = clock()
        loss = whole_batch_loss(training, model)(inputs, targets)
        built = clock()
        compiled = chainrule.compile(loss)
        end = clock()
        if abs(compiled() - loss.data) > 1e-10 * abs(loss.data):
            raise SystemExit(f"{name}: wrong loss")
        if compiled.program is None:
            raise SystemExit(f"{name}: not compiled")
        nodes = len(chainrule.topological_order(loss))
        yield {
            "nodes": nodes,
            "ms build": (built - start) * 1e3,
            "ms compile": (end - built) * 1e3,
            "ns/node": (end - built) / nodes * 1e9,
            **{f"ms {stage}": seconds * 1e3 for stage, seconds in compiled.program.seconds.items()},
        }
        del compiled, loss
