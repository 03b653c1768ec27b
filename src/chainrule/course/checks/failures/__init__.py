"""Exercise 10: why training fails."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from chainrule import MLP, Value
from chainrule.course.checking import Case, Checks
from chainrule.course.checks.failures import remedies, symptoms
from chainrule.course.checks.failures.examples import CLIP, DEEPER, DRAWN, DRAWN_RIGHT, DRAWN_SHOWS, NORMS, RELU, TANH

if TYPE_CHECKING:
    from collections.abc import Iterator


def _more() -> Iterator[Case]:
    """Networks and gradients at random."""
    rng = random.Random(10)
    for sizes in ([4, 1], [3, 5, 1], [1, 2]):
        seed = rng.randrange(100)
        places = [[round(rng.uniform(-1, 1), 1)] for _ in range(3)]
        for name, activation in (("dead_relus", "relu"), ("saturated", "tanh")):
            limit = ", limit=0.5" if name == "saturated" else ""
            yield Case(
                f'model = MLP(1, {sizes}, activation="{activation}", rng=random.Random({seed}))',
                f"{name}(model, {places}{limit})",
                look=name,
            )
        yield Case(
            f"model = MLP(1, {sizes}, rng=random.Random({seed}))\nout = model([0.7])\n"
            "(out[0] if isinstance(out, list) else out).backward()",
            "gradient_norms(model)",
            look="gradient_norms",
        )
    for largest in (0.5, 4.0):
        gradients = [round(rng.uniform(-2, 2), 1) for _ in range(4)]
        yield Case(
            f"values = [Value(0.0) for _ in range(4)]\nfor p, g in zip(values, {gradients}):\n    p.grad = g\n"
            f"norm = clip_gradients(values, {largest})",
            "(norm, [p.grad for p in values])",
            look="clip_gradients",
        )


CHECKS = Checks(
    requires=("dead_relus", "saturated", "gradient_norms", "clip_gradients", "initial_weight", "best_learning_rate"),
    names={"MLP": MLP, "Value": Value, "math": math, "random": random},
    diagnoses=(*symptoms.DIAGNOSES, *remedies.DIAGNOSES),
    cases=(
        Case(RELU, "dead_relus(model, [[1.0]])", 2 / 3, look="dead_relus"),
        Case(RELU, "dead_relus(model, [[1.0], [-1.0]])", 0.0, look="dead_relus"),
        Case(DEEPER, "dead_relus(model, [[1.0]])", 1 / 6, look="dead_relus"),
        Case(TANH, "saturated(model, [[1.0], [0.0]])", 1 / 3, look="saturated"),
        Case(TANH, "saturated(model, [[1.0], [0.0]], limit=0.05)", 1 / 2, look="saturated"),
        Case(NORMS, "gradient_norms(model)", [7.0, 5.0], look="gradient_norms"),
        Case(CLIP.format("1.0"), "(norm, p.grad, q.grad)", (5.0, 0.6, 0.8), look="clip_gradients"),
        Case(CLIP.format("2.0"), "(norm, p.grad, q.grad)", (5.0, 1.2, 1.6), look="clip_gradients"),
        Case(CLIP.format("10.0"), "(norm, p.grad, q.grad)", (5.0, 3.0, 4.0), look="clip_gradients"),
        Case(
            "p, q = Value(7.0), Value(7.0)\np.grad, q.grad = -3.0, 4.0\nclip_gradients([p, q], 1.0)",
            "(p.grad, q.grad)",
            (-0.6, 0.8),
            "Clipping keeps the signs.",
            look="clip_gradients",
        ),
        Case(
            DRAWN,
            DRAWN_SHOWS,
            DRAWN_RIGHT,
            "With 100 inputs, the mean should be 0 and the standard deviation 1/10; both are shown times 10.",
            look="initial_weight",
        ),
        Case(
            DRAWN.replace("100, 4", "4, 100"),
            "(round(abs(2 * mean), 1), round(2 * deviation, 1))",
            DRAWN_RIGHT,
            "With 4 inputs, the mean should be 0 and the standard deviation 1/2; both are shown times 2.",
            look="initial_weight",
        ),
        Case("losses = {0.01: [2.0, 1.9], 0.1: [2.0, 0.5]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Case("losses = {0.1: [2.0, 0.5], 1.0: [2.0, 1.9]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Case("losses = {0.1: [2.0, 0.5], 10.0: [2.0, math.nan]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Case(
            "losses = {0.1: [2.0, 0.5], 10.0: [2.0, math.nan], 1.0: [2.0, math.inf], 0.3: [2.0, 0.2]}",
            "best_learning_rate(losses)",
            0.3,
            look="best_learning_rate",
        ),
    ),
    more=_more,
)
