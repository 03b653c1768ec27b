"""Train a small network on four points, with nothing but Values and a for loop.

    python examples/four_points.py

With seed 1337 the network ends with every sign right.
"""

from __future__ import annotations

import random

from chainrule import MLP

SEED = 1337
STEPS = 50
LEARNING_RATE = 0.1

xs = [[2.0, 3.0], [3.0, -1.0], [-0.5, -1.0], [-1.0, 1.5]]
ys = [1.0, -1.0, -1.0, 1.0]


def main() -> list[float]:
    """Train, print the losses and predictions, and return the predictions."""
    random.seed(SEED)
    model = MLP(2, [4, 4, 1])
    print(f"{model} with {len(model.parameters())} parameters")

    for step in range(STEPS):
        # forward: what does the network say, and how far off is it?
        predictions = [model(x) for x in xs]
        loss = sum((prediction - y) ** 2 for prediction, y in zip(predictions, ys, strict=True)) / len(ys)

        # backward: how does the loss change with each parameter?
        loss.backward()

        # update: a small step downhill
        for p in model.parameters():
            p.data -= LEARNING_RATE * p.grad

        if step % 10 == 0 or step == STEPS - 1:
            print(f"step {step:2d}  loss {loss.data:.6f}")

    predictions = [model(x) for x in xs]
    for x, y, prediction in zip(xs, ys, predictions, strict=True):
        print(f"{x!s:>12}  target {y:+.0f}  prediction {prediction.data:+.4f}")
    return [prediction.data for prediction in predictions]


if __name__ == "__main__":
    main()
