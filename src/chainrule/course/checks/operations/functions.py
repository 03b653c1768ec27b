"""Exercise 5, exp, tanh and relu."""

from __future__ import annotations

import math

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.operations.families import Operation, made, passed_on
from chainrule.course.outcomes import Raises, about, one_of

E, T = math.exp(0.5), math.tanh(0.5)
EXP = Operation("a.exp()", 0.5, E, "Value.exp", "exp")
TANH = Operation("a.tanh()", 0.5, 1 - T**2, "Value.tanh", "tanh")
RELU = Operation("a.relu()", 3.0, 1.0, "Value.relu", "relu")

DIAGNOSES = (
    # --- functions
    *made(EXP),
    Diagnosis(
        Case("a = Value(2.0)\nL = a.exp()\nL.backward()", "a.grad", math.exp(2), look="Value.exp"),
        Mistake(
            "exp with the slope of a power",
            wrong=about(2 * math.e),
            says="This is 2 * e**1, the rule of a power, in which the base changes. In exp the exponent changes, and exp is its own "
            "slope: e**2, which is out.data.",
        ),
    ),
    Diagnosis(
        Case("a = Value(0.5)\nL = a.exp()\nL.backward()", "a.grad", E, look="Value.exp"),
        Mistake(
            "exp with its input as its slope",
            wrong=about(0.5),
            says="This is the input. The slope of exp is its output, e**0.5: out.data, not self.data.",
        ),
    ),
    *passed_on(EXP),
    *made(TANH),
    Diagnosis(
        Case("a = Value(1000.0)\nb = Value(-1000.0)\nc = a.tanh()\nd = b.tanh()", "(c.data, d.data)", (1.0, -1.0), look="Value.tanh"),
        Mistake(
            "tanh overflows",
            wrong=Raises("OverflowError"),
            says="exp(1000) and exp(2000) are larger than any float, though their quotient would be 1. Use math.tanh, which avoids this.",
        ),
    ),
    Diagnosis(
        Case("a = Value(0.5)\nL = a.tanh()\nL.backward()", "a.grad", 1 - T**2, look="Value.tanh"),
        Mistake(
            "tanh with the input in its slope",
            wrong=about(1 - 0.5**2),
            says="This is 1 - 0.5**2, calculated from the input. The slope of tanh is 1 - tanh(x)**2, calculated from the output: use "
            "out.data, not self.data.",
        ),
        Mistake(
            "tanh without the square in its slope",
            wrong=about(1 - T),
            says="This is 1 - tanh(0.5). The slope is 1 - tanh(0.5)**2: the square is missing.",
        ),
        Mistake(
            "tanh of tanh in its slope",
            wrong=about(1 - math.tanh(T) ** 2),
            says="This is 1 - tanh(tanh(0.5))**2. out.data is tanh(0.5) already, so the slope is 1 - out.data**2, without another tanh.",
        ),
    ),
    *passed_on(TANH),
    *made(RELU),
    Diagnosis(
        Case("a = Value(3.0)\nb = a.relu()", "b is a", False, look="Value.relu"),
        Mistake(
            "relu gives back the operand itself",
            wrong=True,
            says="The result is a itself. If b gets a label, a has it too, and the graph shows no relu. Every operation makes a new "
            "Value, also if the number stays the same.",
        ),
    ),
    Diagnosis(
        Case("a = Value(-2.0)\nL = a.relu()", "L.data", 0.0, look="Value.relu"),
        Mistake(
            "relu lets negative numbers through",
            wrong=one_of(-2.0, 2.0),
            says="relu of a negative number is 0: max(0.0, self.data).",
        ),
    ),
    Diagnosis(
        Case("a = Value(-2.0)\nL = a.relu()\nL.backward()", "a.grad", 0.0, look="Value.relu"),
        Mistake(
            "relu with a slope below zero",
            wrong=one_of(1.0, -1.0, -2.0),
            says="At -2 the result is 0, and it stays 0 if a changes a little: the slope is 0 there, so no gradient is passed on.",
        ),
    ),
    Diagnosis(
        Case("a = Value(3.0)\nL = a.relu()\nL.backward()", "a.grad", 1.0, look="Value.relu"),
        Mistake(
            "relu with its input as its slope",
            wrong=3.0,
            says="This is the input itself. Where the input is positive, relu returns it, so the result grows as fast as the input: the "
            "slope is 1.",
        ),
    ),
    Diagnosis(
        Case("a = Value(0.0)\nL = a.relu()\nL.backward()", "a.grad", 0.0, look="Value.relu"),
        Mistake(
            "relu with a slope of 1 at zero",
            wrong=1.0,
            says="relu has a corner at 0, so its slope there has to be chosen; this course chooses 0, as PyTorch does. Compare with >, "
            "not with >=.",
        ),
    ),
    *passed_on(RELU),
    Diagnosis(
        Case("a = Value(-2.0)\nM = 3 * a\nM.backward()\nL = a.relu()\nL.backward()", "a.grad", 0.0, look="Value.relu"),
        Mistake(
            "relu of a negative number has no parent",
            wrong=3.0,
            says="L was made from a, so L.backward() sets a's gradient, to 0. Here the gradient of a is still 3, from M.backward(), so a "
            "is not a parent of L. The result needs its parent even where it passes no gradient on: Value(0.0, (self,), ...).",
        ),
    ),
)
