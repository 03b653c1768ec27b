"""Exercise 4: backpropagation."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks
from chainrule.course.checks.backpropagation import order, rules, sweep
from chainrule.course.checks.backpropagation.examples import AB, CHAIN, LADDER, SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator


def random_programs() -> Iterator[Case]:
    """Formulas in which Values are used again and again, the short ones first."""
    rng = random.Random(4)
    for lines in (1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 10, 12):
        names = ["a", "b"]
        text = f"a = Value({rng.choice((2.0, -1.5, 3.0))})\nb = Value({rng.choice((-3.0, 0.5, 4.0))})\n"
        for number in range(lines):
            new = "L" if number == lines - 1 else f"v{number}"
            left = names[-1] if number else rng.choice(names)
            right = rng.choice([*names, *names, "2", "0.5"])
            if rng.random() < 0.5 and left != right and right in names:
                left, right = right, left
            text += f"{new} = {left} {rng.choice('+*')} {right}\n"
            names.append(new)
        shown = ", ".join(f"{name}.grad" for name in names if name in ("a", "b", *text.partition("L = ")[2].split()))
        yield Case(f"{text}L.backward()", f"({shown})", look="Value.backward")


CHECKS = Checks(
    requires=("Value",),
    diagnoses=(*order.DIAGNOSES, *rules.DIAGNOSES, *sweep.DIAGNOSES),
    cases=(
        Case(f"{AB}L = a + b", "L.data", look="Value.__add__"),
        Case(f"{AB}L = a * b", "L.data", look="Value.__mul__"),
        Case(
            'a = Value(2.0, label="a")\nb = Value(-3.0, label="b")\nL = a * b',
            "(sorted(node.label for node in L.parents), L.operation)",
            says="A product still has its parents and its operation, as in exercise 3.",
            look="Value.__mul__",
        ),
        Case(
            'a = Value(2.0, label="a")\nb = Value(-3.0, label="b")\nL = a + b',
            "(sorted(node.label for node in L.parents), L.operation)",
            says="A sum still has its parents and its operation, as in exercise 3.",
            look="Value.__add__",
        ),
        Case("a = Value(2.0)", "len(list(a.topological_order()))", look="Value.topological_order"),
        Case(
            'a = Value(2.0, label="a")\nb = Value(2.0, label="b")\nL = a * b\nL.label = "L"',
            "sorted(node.label for node in L.topological_order())",
            says="a and b hold the same number, but they are two different Values.",
            look="Value.topological_order",
        ),
        Case(LADDER, "order", look="Value.topological_order"),
        Case("a = Value(2.0)\na.backward()", "a.grad", says="The derivative of a Value by itself is 1.", look="Value.backward"),
        Case(f"{AB}L = a + b\nL.backward()", "(L.grad, a.grad, b.grad)", look="Value.__add__"),
        Case(f"{AB}L = a * b\nL.backward()", "(L.grad, a.grad, b.grad)", look="Value.__mul__"),
        Case("a = Value(2.0)\nL = 3 * a\nL.backward()", "a.grad", look="Value.__rmul__"),
        Case("a = Value(2.0)\nL = 1 + a\nL.backward()", "a.grad", look="Value.__radd__"),
        Case("a = Value(3.0)\nL = a + a\nL.backward()", "a.grad", look="Value.__add__"),
        Case("a = Value(3.0)\nL = a * a\nL.backward()", "a.grad", look="Value.__mul__"),
        Case("a = Value(0.0)\nL = a * a + a\nL.backward()", "a.grad", look="Value.__mul__"),
        Case(CHAIN, "(b.grad, a.grad)", look="Value.backward"),
        Case(SHARED, "(b.grad, a.grad)", look="Value.backward"),
        Case("a = Value(2.0)\nb = a * a\nc = a * b\nL = b * c\nL.backward()", "(c.grad, b.grad, a.grad)", look="Value.backward"),
        Case(f"{AB}c = a * b\nd = c + a\nL = d * c\nL.backward()\nL.backward()", "(d.grad, c.grad, a.grad, b.grad)", look="Value.backward"),
        Case(
            "a = Value(1.0)\nb = a\nfor _ in range(30):\n    b = b + b\nb.backward()",
            "(b.data, a.grad)",
            says="Each sum doubles both the number and the slope. There are only 31 Values, and each is visited once.",
            look="Value.topological_order",
        ),
        Case(
            f"{AB}L = a * b\nL.backward()\nM = a + b\nM.backward()",
            "(a.grad, b.grad)",
            says="After M.backward() the gradients are those of M, whatever was calculated before.",
            look="Value.backward",
        ),
        Case(
            f"{AB}L = a * b\nL.backward()",
            "(a.data, b.data, L.data)",
            says="backward() does not change the data.",
            look="Value.backward",
        ),
    ),
    more=random_programs,
)
