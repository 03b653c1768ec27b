"""Make the pictures of the documentation: a neuron's graph, what a network learned, and how its loss fell.

    python examples/pictures.py docs/images

They are the same on every machine, but for the fonts of the plots.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from chainrule import MLP, SGD, Value, draw, fit, l2_penalty, max_margin
from chainrule.data import moons
from chainrule.plots import plot_decision_boundary, plot_loss
from chainrule.training import State


def neuron() -> Value:
    """The graph of tanh(x1 * w1 + x2 * w2 + b), after backward()."""
    x1, x2 = Value(2.0, label="x1"), Value(-1.0, label="x2")
    w1, w2, b = Value(-0.5, label="w1"), Value(1.5, label="w2"), Value(2.0, label="b")
    out = (x1 * w1 + x2 * w2 + b).tanh()
    out.label = "out"
    out.backward()
    return out


def main(folder: str = ".") -> None:
    """Write neuron.svg, boundary.png and loss.png into a folder."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    draw(neuron()).save(target / "neuron.svg")

    data = moons(points=100, noise=0.1, seed=1337)
    signs = [2 * label - 1 for label in data.targets]
    model = MLP(2, [16, 16, 1], rng=random.Random(1337))
    parameters = model.parameters()

    def loss(inputs: list, targets: list) -> Value:
        return max_margin([model(x) for x in inputs], targets) + l2_penalty(parameters, 1e-4)

    def slower(state: State) -> None:
        optimizer.lr = 1.0 - 0.9 * state.step / 100

    optimizer = SGD(parameters, lr=1.0)
    history = fit(loss, (data.inputs, signs), optimizer=optimizer, steps=100, callback=slower)
    right = sum((model(x) > 0) == (sign > 0) for x, sign in zip(data.inputs, signs, strict=True))
    print(f"{right} of {len(signs)} points on the right side")
    plot_decision_boundary(model, data.inputs, signs).savefig(target / "boundary.png", dpi=110)
    plot_loss(history).savefig(target / "loss.png", dpi=110)
    print(f"pictures in {target}")


if __name__ == "__main__":
    main(*sys.argv[1:])
