"""Exercise 9: classification."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from chainrule import Value
from chainrule.course.checking import Case, Checks
from chainrule.course.checks.classification import optimisers, probabilities
from chainrule.course.checks.classification.examples import ADAM, MOMENTUM, ONE_STEP, PLAIN, THREE_STEPS, TWO, TWO_PARAMETERS, TWO_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator


def _more() -> Iterator[Case]:
    """Random logits, and walks of both optimisers."""
    rng = random.Random(9)
    for count in (2, 3, 5):
        logits = ", ".join(f"Value({rng.uniform(-3, 3):.2f})" for _ in range(count))
        target = rng.randrange(count)
        yield Case(f"logits = [{logits}]", "[p.data for p in softmax(logits)]", look="softmax")
        yield Case(
            f"logits = [{logits}]\nloss = cross_entropy(logits, {target})\nloss.backward()",
            "(loss.data, [x.grad for x in logits])",
            look="cross_entropy",
        )
    for kind, options in (("SGD", "lr=0.05, momentum=0.7"), ("Adam", "lr=0.05, betas=(0.8, 0.95), eps=0.01")):
        gradients = [(round(rng.uniform(-2, 2), 1), round(rng.uniform(-2, 2), 1)) for _ in range(4)]
        walk = f"for p.grad, q.grad in {gradients}:\n    optimizer.step()"
        yield Case(
            f"p, q = Value(0.5), Value(-0.5)\noptimizer = {kind}([p, q], {options})\n{walk}", "(p.data, q.data)", look=f"{kind}.step"
        )


CHECKS = Checks(
    requires=("sigmoid", "softmax", "cross_entropy", "SGD", "Adam"),
    names={"Value": Value, "math": math},
    diagnoses=(*probabilities.DIAGNOSES, *optimisers.DIAGNOSES),
    cases=(
        Case("y = sigmoid(Value(0.0))", "y.data", 0.5, look="sigmoid"),
        Case("y = sigmoid(Value(2.0))", "y.data", look="sigmoid"),
        Case("y = sigmoid(Value(-2.0))", "y.data", look="sigmoid"),
        Case("x = Value(2.0)\ny = sigmoid(x)\ny.backward()", "x.grad", look="sigmoid"),
        Case("x = Value(-2.0)\ny = sigmoid(x)\ny.backward()", "x.grad", look="sigmoid"),
        Case("x = Value(1000.0)\ny = sigmoid(x)\ny.backward()", "(y.data, x.grad)", (1.0, 0.0), look="sigmoid"),
        Case("x = Value(-1000.0)\ny = sigmoid(x)\ny.backward()", "(y.data, x.grad)", (0.0, 0.0), look="sigmoid"),
        Case(f"{TWO}probabilities = softmax([a, b])", "[p.data for p in probabilities]", [0.25, 0.75], look="softmax"),
        Case("probabilities = softmax([Value(1.0), Value(2.0), Value(-1.0)])", "[p.data for p in probabilities]", look="softmax"),
        Case("probabilities = softmax([Value(1000.0), Value(1001.0)])", "[p.data for p in probabilities]", look="softmax"),
        Case("probabilities = softmax([Value(-1000.0), Value(-1001.0)])", "[p.data for p in probabilities]", look="softmax"),
        Case(f"{TWO}p, q = softmax([a, b])\np.backward()", "(a.grad, b.grad)", (0.1875, -0.1875), look="softmax"),
        Case(f"{TWO}loss = cross_entropy([a, b], 0)", "loss.data", math.log(4), look="cross_entropy"),
        Case(f"{TWO}loss = cross_entropy([a, b], 1)", "loss.data", math.log(4 / 3), look="cross_entropy"),
        Case(
            f"{TWO}loss = cross_entropy([a, b], 0)\nloss.backward()",
            "(a.grad, b.grad)",
            (-0.75, 0.75),
            "The gradients are the probabilities, 1/4 and 3/4, minus 1 for the target.",
            look="cross_entropy",
        ),
        Case("loss = cross_entropy([Value(2.0), Value(1.0), Value(-1.0)], 2)", "loss.data", look="cross_entropy"),
        Case(
            "a, b = Value(0.0), Value(1000.0)\nloss = cross_entropy([a, b], 0)\nloss.backward()",
            "(loss.data, a.grad, b.grad)",
            (1000.0, -1.0, 1.0),
            look="cross_entropy",
        ),
        Case("loss = cross_entropy([Value(-1000.0), Value(-1000.0)], 1)", "loss.data", math.log(2), look="cross_entropy"),
        Case(ONE_STEP.format(PLAIN), "p.data", 0.8, look="SGD.step"),
        Case(ONE_STEP.format(MOMENTUM), "p.data", 0.8, look="SGD.step"),
        Case(THREE_STEPS.format(PLAIN), "p.data", 0.4, "Without momentum, each step is lr times the gradient.", look="SGD.step"),
        Case(THREE_STEPS.format(MOMENTUM), "p.data", -0.122, look="SGD.step"),
        Case(TWO_PARAMETERS.format("optimizer = SGD([p, q], lr=0.1, momentum=0.9)"), "(p.data, q.data)", (0.8, 1.1), look="SGD.step"),
        Case(ONE_STEP.format(PLAIN), "p.grad", 2.0, "step() reads the gradient, and does not change it.", look="SGD.step"),
        Case(ONE_STEP.format(ADAM), "p.data", look="Adam.step"),
        Case(ONE_STEP.format("optimizer = Adam([p])"), "p.data", says="The default of lr is 0.001.", look="Adam.__init__"),
        Case(TWO_STEPS.format(ADAM), "p.data", look="Adam.step"),
        Case(f"p = Value(1.0)\n{ADAM}\np.grad = -1e-8\noptimizer.step()", "p.data", 1.05, look="Adam.step"),
        Case(TWO_PARAMETERS.format("optimizer = Adam([p, q], lr=0.1)"), "(p.data, q.data)", look="Adam.step"),
        Case(ONE_STEP.format(ADAM), "p.grad", 2.0, "step() reads the gradient, and does not change it.", look="Adam.step"),
    ),
    more=_more,
)
