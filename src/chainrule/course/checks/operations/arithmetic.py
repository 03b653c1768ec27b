"""Exercise 5, differences, powers and quotients."""

from __future__ import annotations

import math

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.operations.families import Operation, kind_of, made, passed_on
from chainrule.course.outcomes import Raises, one_of

DIFFERENCES = (("-a", "Value.__neg__", "-a"), ("a - 1", "Value.__sub__", "a - b"), ("1 - a", "Value.__rsub__", "2 - a"))
QUOTIENTS = (("a / 4", "Value.__truediv__", "a / b"), ("4 / a", "Value.__rtruediv__", "2 / a"))
POWER = Operation("a**3", 2.0, 12.0, "Value.__pow__", "a power")

DIAGNOSES = (
    # --- first what comes from exercise 4, on which all examples rest
    Diagnosis(
        Case(
            'a = Value(2.0)\nb = Value(-3.0)\nbefore = [getattr(node, "_backward", None) for node in (a, b)]\n'
            "L = (a + b) + (a * b) + (a * b)\n"
            'changed = before != [getattr(node, "_backward", None) for node in (a, b)]\nL.backward()',
            "(changed, a.grad, b.grad)",
            (False, -5.0, 5.0),
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            "the rule of a sum or product is kept in an operand",
            wrong=lambda found: found[0] is True and found[1:] != (-5.0, 5.0),
            says="A sum or a product has changed the rule of one of its operands: the function was stored in self._backward or "
            "other._backward. An operand can hold only one rule, so a second use of it replaces the first. Store the rule in the "
            "result: out._backward = _backward.",
        ),
    ),
    # --- differences
    *(kind_of(*row) for row in DIFFERENCES),
    Diagnosis(
        Case("a = Value(3.0)\nL = -a\nL.backward()", "(L.data, a.grad)", (-3.0, -1.0), look="Value.__neg__"),
        Mistake(
            "-a passes on 1",
            wrong=one_of((-3.0, 1.0), (-3.0, 0.0)),
            says="If a grows by 1, -a falls by 1: its slope is -1. If you write it as self * -1, the rule of the product gives this slope.",
        ),
    ),
    Diagnosis(
        Case("a = Value(3.0)\nL = 2 - a", "L.data", look="Value.__rsub__"),
        Mistake(
            "a difference that calls itself without end",
            wrong=Raises("RecursionError"),
            says="other - self first asks 2, which does not know Values, and so Python calls this method again, without end. Turn it "
            "into a sum: 2 + (-a).",
        ),
    ),
    Diagnosis(
        Case("a = Value(5.0)\nb = Value(3.0)\nL = a - b", "L.data", 2.0, look="Value.__sub__"),
        Mistake(
            "a - b gives b - a",
            wrong=-2.0,
            says="This is b - a. In __sub__, self stands on the left of the minus sign, and other on the right.",
        ),
    ),
    Diagnosis(
        Case("a = Value(3.0)\nL = 2 - a", "L.data", -1.0, look="Value.__rsub__"),
        Mistake(
            "2 - a gives a - 2",
            wrong=1.0,
            says="This is a - 2. In a reflected method, other is the operand on the left: __rsub__ is other - self. For + and * the "
            "order made no difference; here it does.",
        ),
    ),
    Diagnosis(
        Case("a = Value(5.0)\nb = Value(3.0)\nL = a - b\nL.backward()", "(a.grad, b.grad)", (1.0, -1.0), look="Value.__sub__"),
        Mistake(
            "a difference passes on 1 to both",
            wrong=(1.0, 1.0),
            says="If b grows by 1, a - b falls by 1: the second operand's slope is -1. If you write it as self + (-other), you need not "
            "derive anything.",
        ),
    ),
    Diagnosis(
        Case("a = Value(3.0)\nL = 2 - a\nL.backward()", "(L.data, a.grad)", (-1.0, -1.0), look="Value.__rsub__"),
        Mistake(
            "2 - a passes on 1",
            wrong=one_of((-1.0, 1.0), (-1.0, 0.0)),
            says="If a grows by 1, 2 - a falls by 1: its slope is -1. If you write it as 2 + (-a), the rule of the product inside -a "
            "gives this slope.",
        ),
    ),
    # --- powers
    *made(POWER),
    Diagnosis(
        Case("a = Value(2.0)\nb = a**-1", "b.data", 0.5, look="Value.__pow__"),
        Mistake(
            "a power by repeated multiplication",
            wrong=one_of(1.0, 2.0),
            says="2**-1 is 1/2. A loop that multiplies does nothing for a negative exponent. Let Python calculate the power: "
            "self.data**exponent.",
        ),
    ),
    Diagnosis(
        Case("a = Value(-2.0)\nb = a**2", "b.data", 4.0, look="Value.__pow__"),
        Mistake(
            "a power calculated by the logarithm",
            wrong=Raises("ValueError"),
            says="A negative number has no logarithm, but it has a square, 4. Let Python calculate the power: self.data**exponent.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nL = a**3\nL.backward()", "a.grad", 12.0, look="Value.__pow__"),
        Mistake(
            "the power's slope without its factor",
            wrong=4.0,
            says="This is a**2. The slope of a**3 is 3 * a**2: the exponent becomes a factor.",
        ),
        Mistake(
            "the power's slope with the old exponent",
            wrong=24.0,
            says="This is 3 * a**3. The slope of a**3 is 3 * a**2: the exponent gets smaller by 1.",
        ),
        Mistake(
            "the power's slope without parentheses",
            wrong=23.0,
            says="This is 3 * 2**3 - 1: Python takes the power before it subtracts. Put the exponent into parentheses: x ** (k - 1).",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nL = a**-1\nL.backward()", "(L.data, a.grad)", (0.5, -0.25), look="Value.__pow__"),
        Mistake(
            "the power's slope loses the sign of the exponent",
            wrong=(0.5, 0.25),
            says="If a grows, 1 / a falls, so its slope is negative: -1 * a**-2. The factor is the exponent with its sign.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nL = a**3\nL.backward()", "a.grad", 12.0, look="Value.__pow__"),
        Mistake(
            "the power's slope in the exponent",
            wrong=8 * math.log(2),
            says="This is a**3 * log(a), the slope in the exponent. Here the exponent is fixed and the base changes, so the slope is 3 * "
            "a**2.",
        ),
    ),
    *passed_on(POWER),
    # --- quotients
    *(kind_of(*row) for row in QUOTIENTS),
    Diagnosis(
        Case("a = Value(4.0)\nL = 2 / a", "L.data", look="Value.__rtruediv__"),
        Mistake(
            "a quotient that calls itself without end",
            wrong=Raises("RecursionError"),
            says="other / self first asks 2, which does not know Values, and so Python calls this method again, without end. Turn it "
            "into a product: 2 * a**-1.",
        ),
    ),
    Diagnosis(
        Case("a = Value(6.0)\nL = a / 2", "L.data", look="Value.__truediv__"),
        Mistake(
            "a plain number as the denominator",
            wrong=Raises("AttributeError", "'int' object has no attribute"),
            says="2 is not a Value and has no data. Turn it into a Value first, as in __add__.",
        ),
    ),
    Diagnosis(
        Case("a = Value(4.0)\nL = 2 / a", "L.data", 0.5, look="Value.__rtruediv__"),
        Mistake(
            "2 / a gives a / 2",
            wrong=2.0,
            says="This is a / 2. In a reflected method, other is the operand on the left: __rtruediv__ is other / self.",
        ),
    ),
    Diagnosis(
        Case("a = Value(7.0)\nb = Value(2.0)\nL = a / b", "L.data", 3.5, look="Value.__truediv__"),
        Mistake(
            "a / b drops its remainder",
            wrong=3.0,
            says="// rounds down to a whole number; a / b is 3.5.",
        ),
    ),
    Diagnosis(
        Case("a = Value(6.0)\nb = Value(2.0)\nL = a / b\nL.backward()", "(a.grad, b.grad)", (0.5, -1.5), look="Value.__truediv__"),
        Mistake(
            "a quotient grows with its denominator",
            wrong=(0.5, 1.5),
            says="A larger denominator makes a quotient smaller: the slope of a / b in b is -a / b**2, with a minus. If you write it as "
            "self * other**-1, the rule of the power gives this slope.",
        ),
    ),
)
