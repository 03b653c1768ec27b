"""Tell two moons apart: the demonstration of karpathy/micrograd, a network with two hidden layers of 16 trained on 100 points.

    pip install scikit-learn
    python examples/moons.py

With seed 1337, which draws the points and then the weights, all 100 points end on the right side.
"""

from __future__ import annotations

import random

from sklearn.datasets import make_moons

from chainrule import MLP, l2_penalty, max_margin

SEED = 1337
STEPS = 100


def main() -> float:
    """Train, print loss and accuracy, and return the accuracy, from 0 to 1."""
    points, classes = make_moons(n_samples=100, noise=0.1, random_state=SEED)
    targets = [2 * int(c) - 1 for c in classes]  # classes 0 and 1 become -1 and +1
    random.seed(SEED)
    model = MLP(2, [16, 16, 1])
    print(f"{model} with {len(model.parameters())} parameters")

    for step in range(STEPS):
        scores = [model(point) for point in points]
        loss = max_margin(scores, targets) + l2_penalty(model.parameters(), 1e-4)
        loss.backward()
        learning_rate = 1.0 - 0.9 * step / STEPS
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        if step % 10 == 0 or step == STEPS - 1:
            print(f"step {step:2d}  loss {loss.data:.6f}  accuracy {accuracy(scores, targets):.0%}")

    reached = accuracy([model(point) for point in points], targets)
    print(f"after {STEPS} steps  accuracy {reached:.0%}")
    return reached


def accuracy(scores: list, targets: list[int]) -> float:
    """The share of scores with the sign of their target."""
    return sum((score > 0) == (target > 0) for score, target in zip(scores, targets, strict=True)) / len(targets)


if __name__ == "__main__":
    main()
