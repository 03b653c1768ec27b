"""Exercise 5: more operations."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks
from chainrule.course.checks.operations import arithmetic, functions

if TYPE_CHECKING:
    from collections.abc import Iterator


def random_programs() -> Iterator[Case]:
    """Formulas of all operations, the short ones first."""
    rng = random.Random(5)
    kinds = (
        "-{0}", "{0} - {1}", "{1} - {0}", "{2} - {0}", "{0} - {2}", "{0}**2", "{0}**3", "{0}.tanh()", "{0}.relu()", "({0} * 0.5).exp()",
        "{0} / {2}", "{0} / ({1}**2 + 1)", "{2} / ({0}**2 + 1)", "({0}**2 + 2)**-0.5", "({0}**2 + 1)**-1", "{0} * {1}", "{0} + {1}",
    )  # fmt: skip
    for lines in (1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8):
        names = ["a", "b"]
        text = f"a = Value({rng.choice((2.0, -1.5, 0.75))})\nb = Value({rng.choice((-3.0, 0.5, 1.25))})\n"
        for number in range(lines):
            new = "L" if number == lines - 1 else f"v{number}"
            left = f"{names[-1]}.tanh()" if number and number % 3 == 0 else names[-1]
            text += f"{new} = {rng.choice(kinds).format(left, rng.choice(names[:-1]), rng.choice((2, 0.5, 3)))}\n"
            names.append(new)
        shows = "(L.data, a.grad, b.grad)"
        yield Case(f"{text}L.backward()", shows, tolerance=1e-7)


CHECKS = Checks(
    requires=("Value",),
    diagnoses=(*arithmetic.DIAGNOSES, *functions.DIAGNOSES),
    cases=(
        Case("a = Value(3.0)\nL = -a\nL.backward()", "(L.data, a.grad)", look="Value.__neg__"),
        Case("a = Value(5.0)\nb = Value(3.0)\nL = a - b\nL.backward()", "(L.data, a.grad, b.grad)", look="Value.__sub__"),
        Case("a = Value(5.0)\nL = a - 3\nL.backward()", "(L.data, a.grad)", look="Value.__sub__"),
        Case("a = Value(5.0)\nL = 3 - a\nL.backward()", "(L.data, a.grad)", look="Value.__rsub__"),
        Case("a = Value(5.0)\nL = a - a\nL.backward()", "(L.data, a.grad)", look="Value.__sub__"),
        Case("a = Value(2.0)\nL = a**3\nL.backward()", "(L.data, a.grad)", look="Value.__pow__"),
        Case("a = Value(-2.0)\nL = a**2\nL.backward()", "(L.data, a.grad)", look="Value.__pow__"),
        Case("a = Value(2.0)\nL = a**-1\nL.backward()", "(L.data, a.grad)", look="Value.__pow__"),
        Case("a = Value(4.0)\nL = a**0.5\nL.backward()", "(L.data, a.grad)", look="Value.__pow__"),
        Case("a = Value(4.0)\nL = a**-1.5\nL.backward()", "(L.data, a.grad)", look="Value.__pow__"),
        Case("a = Value(0.0)\nL = a**2\nL.backward()", "(L.data, a.grad)", look="Value.__pow__"),
        Case("a = Value(6.0)\nb = Value(2.0)\nL = a / b\nL.backward()", "(L.data, a.grad, b.grad)", look="Value.__truediv__"),
        Case("a = Value(6.0)\nb = Value(-4.0)\nL = a / b\nL.backward()", "(L.data, a.grad, b.grad)", look="Value.__truediv__"),
        Case("a = Value(6.0)\nL = a / 4\nL.backward()", "(L.data, a.grad)", look="Value.__truediv__"),
        Case("a = Value(4.0)\nL = 6 / a\nL.backward()", "(L.data, a.grad)", look="Value.__rtruediv__"),
        Case("a = Value(3.0)\nL = a / a\nL.backward()", "(L.data, a.grad)", look="Value.__truediv__"),
        Case("a = Value(0.0)\nL = a.exp()\nL.backward()", "(L.data, a.grad)", look="Value.exp"),
        Case("a = Value(-1.5)\nL = a.exp()\nL.backward()", "(L.data, a.grad)", look="Value.exp"),
        Case("a = Value(0.5)\nL = a.tanh()\nL.backward()", "(L.data, a.grad)", look="Value.tanh"),
        Case("a = Value(-2.0)\nL = a.tanh()\nL.backward()", "(L.data, a.grad)", look="Value.tanh"),
        Case(
            "a = Value(1000.0)\nL = a.tanh()\nL.backward()\nb = Value(-1000.0)\nM = b.tanh()\nM.backward()",
            "(L.data, a.grad, M.data, b.grad)",
            says="tanh must work for every number, and far from 0 it is flat.",
            look="Value.tanh",
        ),
        Case("a = Value(3.0)\nL = a.relu()\nL.backward()", "(L.data, a.grad)", look="Value.relu"),
        Case("a = Value(-2.0)\nL = a.relu()\nL.backward()", "(L.data, a.grad)", look="Value.relu"),
        Case("a = Value(0.25)\nL = a.relu()\nL.backward()", "(L.data, a.grad)", look="Value.relu"),
        Case("a = Value(2.0)\nL = a**1\nL.backward()", "(L is a, L.data, a.grad)", look="Value.__pow__"),
        Case("a = Value(2.0)\nL = a / 1\nL.backward()", "(L is a, L.data, a.grad)", look="Value.__truediv__"),
        Case("a = Value(0.5)\nL = -3 * a.exp()\nL.backward()", "a.grad", look="Value.exp"),
        Case("a = Value(0.5)\nL = -3 * a.tanh()\nL.backward()", "a.grad", look="Value.tanh"),
        Case("a = Value(0.5)\nL = -3 * a.relu()\nL.backward()", "a.grad", look="Value.relu"),
        Case("a = Value(0.5)\nL = a * a.exp() + a.tanh() * a.relu()\nL.backward()", "(L.data, a.grad)"),
        Case("a = Value(-2.0)\nb = a.relu()\nc = a.exp()\nd = a.tanh()\ne = a**3", "a.data", says="The operand keeps its number."),
        Case(
            "a = Value(2.0)\nL = 3 * a**2\nL.backward()\nL.backward()",
            "a.grad",
            says="A second backward() gives the same.",
            look="Value.backward",
        ),
    ),
    more=random_programs,
)
