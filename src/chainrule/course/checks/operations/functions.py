"""Exercise 5, exp, tanh and relu."""

from __future__ import annotations

import math

from chainrule.course.checking import Case, Mistake, Question
from chainrule.course.checks.operations.families import Operation, made, passed_on
from chainrule.course.outcomes import Raises, about, one_of

E, T = math.exp(0.5), math.tanh(0.5)
EXP = Operation("a.exp()", 0.5, E, "Value.exp", "exp")
TANH = Operation("a.tanh()", 0.5, 1 - T**2, "Value.tanh", "tanh")
RELU = Operation("a.relu()", 3.0, 1.0, "Value.relu", "relu")

QUESTIONS = (
    # --- functions
    *made(EXP),
    Question(
        Case("a = Value(2.0)\nL = a.exp()\nL.backward()", "a.grad", math.exp(2), look="Value.exp"),
        Mistake(
            "exp with the slope of a power",
            wrong=about(2 * math.e),
            says="This is 2 * e**1, the rule of a power, in which the base moves. In exp the exponent moves, and exp is its own slope: "
            "e**2, which is out.data.",
        ),
    ),
    Question(
        Case("a = Value(0.5)\nL = a.exp()\nL.backward()", "a.grad", E, look="Value.exp"),
        Mistake(
            "exp with the input for its slope",
            wrong=about(0.5),
            says="This is the number that went in. The slope of exp is what came out, e**0.5: out.data, not self.data.",
        ),
    ),
    *passed_on(EXP),
    *made(TANH),
    Question(
        Case("a = Value(1000.0)\nb = Value(-1000.0)\nc = a.tanh()\nd = b.tanh()", "(c.data, d.data)", (1.0, -1.0), look="Value.tanh"),
        Mistake(
            "tanh overflows",
            wrong=Raises("OverflowError"),
            says="exp(1000) and exp(2000) are larger than any float, though their quotient would be 1. math.tanh knows; use it.",
        ),
    ),
    Question(
        Case("a = Value(0.5)\nL = a.tanh()\nL.backward()", "a.grad", 1 - T**2, look="Value.tanh"),
        Mistake(
            "tanh with the input in its slope",
            wrong=about(1 - 0.5**2),
            says="This is 1 - 0.5**2, with the number that went in. The slope of tanh is 1 - tanh(x)**2, with the number that came out: "
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
    Question(
        Case("a = Value(3.0)\nb = a.relu()", "b is a", False, look="Value.relu"),
        Mistake(
            "relu gives back the operand itself",
            wrong=True,
            says="What comes out is a itself. A label that b gets is a's label then, and the graph shows no relu. Every operation makes a "
            "new Value, also where the number stays the same.",
        ),
    ),
    Question(
        Case("a = Value(-2.0)\nL = a.relu()", "L.data", 0.0, look="Value.relu"),
        Mistake(
            "relu lets negative numbers through",
            wrong=one_of(-2.0, 2.0),
            says="relu of a negative number is 0: max(0.0, self.data).",
        ),
    ),
    Question(
        Case("a = Value(-2.0)\nL = a.relu()\nL.backward()", "a.grad", 0.0, look="Value.relu"),
        Mistake(
            "relu with a slope below zero",
            wrong=one_of(1.0, -1.0, -2.0),
            says="At -2 the result is 0, and it stays 0 if a moves a little: the slope is 0 there, and nothing is passed on.",
        ),
    ),
    Question(
        Case("a = Value(3.0)\nL = a.relu()\nL.backward()", "a.grad", 1.0, look="Value.relu"),
        Mistake(
            "relu with the number for its slope",
            wrong=3.0,
            says="This is the number itself. Where it is positive, relu gives back what went in, so it grows as fast as that: the slope "
            "is 1.",
        ),
    ),
    Question(
        Case("a = Value(0.0)\nL = a.relu()\nL.backward()", "a.grad", 0.0, look="Value.relu"),
        Mistake(
            "relu with a slope of 1 at zero",
            wrong=1.0,
            says="At 0 there is a corner, and one has to choose; this course takes 0 there, as PyTorch does. Compare with > and not with "
            ">=.",
        ),
    ),
    *passed_on(RELU),
    Question(
        Case("a = Value(-2.0)\nM = 3 * a\nM.backward()\nL = a.relu()\nL.backward()", "a.grad", 0.0, look="Value.relu"),
        Mistake(
            "relu of a negative number has no parent",
            wrong=3.0,
            says="L was made from a, so L.backward() sets a's gradient, to 0. Here a still has the 3 that M left: L does not know of a. "
            "The result needs its parent also where nothing is passed on: Value(0.0, (self,), ...).",
        ),
    ),
)
