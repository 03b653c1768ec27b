"""Exercise 2: operators."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks, Diagnosis, Mistake
from chainrule.course.outcomes import PLAIN_NUMBER, Raises, has, other_than

if TYPE_CHECKING:
    from collections.abc import Iterator

TWO = "a = Value(2.0)\nb = Value(-3.0)\n"


def more() -> Iterator[Case]:
    """Random formulas, the short ones first."""
    rng = random.Random(2)
    for size in (1, 1, 1, 2, 2, 2, 3, 4, 5, 6):
        a, b = rng.randint(-9, 9) / 4, rng.randint(-9, 9) / 4
        formula = "a"
        for _ in range(size):
            other = rng.choice(("a", "b", "3", "0.5", "-1", "(b + 2)", "(a * b)"))
            left, right = rng.choice(((formula, other), (other, formula)))
            formula = f"({left} {rng.choice('+*')} {right})"
        yield Case(f"a = Value({a})\nb = Value({b})\nL = {formula[1:-1]}", "(L.data, L.grad, a.data, b.data)")


DIAGNOSES = (
    Diagnosis(
        Case(
            f"{TWO}made = (a + b, a * b, 1 + a, 3 * a)",
            "[type(c).__name__ for c in made]",
            ["Value", "Value", "Value", "Value"],
            look="Value",
        ),
        Mistake(
            "a method that begins with async def",
            wrong=has("coroutine"),
            says="A function that begins with async def returns a coroutine, which has not started yet. Nothing has to wait here: write "
            "def.",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}c = a + b", "type(c).__name__", "Value", look="Value.__add__"),
        Mistake(
            "a float instead of a Value",
            wrong=PLAIN_NUMBER,
            says="The sum of two Values is a Value, so that you can continue to calculate with it. Wrap the number: return Value(...).",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}c = a * b", "type(c).__name__", "Value", look="Value.__mul__"),
        Mistake(
            "a float instead of a Value, in the product",
            wrong=PLAIN_NUMBER,
            says="The product of two Values is a Value, so that you can continue to calculate with it. Wrap the number: return Value(...).",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}c = a + b", "type(c).__name__", "Value", look="Value.__add__"),
        Mistake(
            "nothing is returned",
            wrong="NoneType",
            says="A method without a return gives None. End it with return Value(...).",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}c = a * b", "type(c).__name__", "Value", look="Value.__mul__"),
        Mistake(
            "nothing is returned from the product",
            wrong="NoneType",
            says="A method without a return gives None. End it with return Value(...), as in __add__.",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}c = a + b\nd = a * b", "(a.data, b.data)", (2.0, -3.0), look="Value.__add__ and Value.__mul__"),
        Mistake(
            "the operand is changed",
            wrong=other_than((2.0, -3.0)),
            says="Calculating must not change the operands: a is needed again later. Make a new Value with the result.",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}c = a + b\nd = a * b", "(c.data, d.data)", look="Value.__add__ and Value.__mul__"),
        Mistake(
            "a Value is made from a Value",
            wrong=Raises("TypeError", "not 'Value'"),
            says="float() got a Value: b is a Value already, and you turn it into one again. Do so only if it is not a Value yet: other "
            "= other if isinstance(other, Value) else Value(other).",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nc = a + 1", "c.data", look="Value.__add__"),
        Mistake(
            "a plain number on the right",
            wrong=Raises("AttributeError", "'int' object has no attribute 'data'"),
            says="1 is not a Value and has no data. Turn it into a Value first: other = other if isinstance(other, Value) else "
            "Value(other).",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nc = a * 3", "c.data", look="Value.__mul__"),
        Mistake(
            "a plain number on the right of a product",
            wrong=Raises("AttributeError", "'int' object has no attribute 'data'"),
            says="3 is not a Value and has no data. The line that you wrote in __add__ for this is needed in __mul__ too.",
        ),
    ),
    Diagnosis(
        Case(
            "a = Value(2.0)\nc = a + 1\nd = a * 3",
            "(type(c).__name__, type(d).__name__)",
            ("Value", "Value"),
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            "with a plain number, no Value is returned",
            wrong=has("float", "int", "NoneType"),
            says="If the right operand is a Value, you return a Value; if it is a plain number, you do not. Return a Value in both "
            "cases: return Value(...).",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nc = 1 + a", "c.data", look="Value"),
        Mistake(
            "no reflected sum",
            wrong=Raises("TypeError", "unsupported operand type(s) for +: 'int' and 'Value'"),
            says="Python first asks 1, which does not know Values, and then calls a.__radd__(1). Your class does not define __radd__, or "
            "it returns NotImplemented. Define it: return self + other.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nc = 3 * a", "c.data", look="Value"),
        Mistake(
            "no reflected product",
            wrong=Raises("TypeError", "unsupported operand type(s) for *: 'int' and 'Value'"),
            says="Python first asks 3, which does not know Values, and then calls a.__rmul__(3). Your class does not define __rmul__, or "
            "it returns NotImplemented. Define it: return self * other.",
        ),
    ),
    Diagnosis(
        Case(
            "a = Value(2.0)\nc = 1 + a\nd = 3 * a",
            "(type(c).__name__, type(d).__name__)",
            ("Value", "Value"),
            look="Value.__radd__ and Value.__rmul__",
        ),
        Mistake(
            "a reflected form that gives no Value",
            wrong=has("float", "int", "NoneType"),
            says="A reflected form returns a Value, as + and * do: write return self + other, and return self * other. If Value(...) is "
            "missing, the result is a plain number; if return is missing, it is None (NoneType).",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nc = 1 + a\nd = 3 * a", "(c.data, d.data)", look="Value.__radd__ and Value.__rmul__"),
        Mistake(
            "a reflected form that reads other.data",
            wrong=Raises("AttributeError", "'int' object has no attribute 'data'"),
            says="In __radd__ and __rmul__, other is the plain number on the left, which has no data. Swap the two, self + other: then "
            "__add__ turns the number into a Value.",
        ),
        Mistake(
            "a reflected form that calls itself",
            wrong=Raises("RecursionError"),
            says="other + self first asks other, which does not know Values, and so Python calls this method again, without end. Swap "
            "the two: self + other.",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}c = a * b", "c.data", look="Value.__mul__"),
        Mistake(
            "a product that adds",
            wrong=-1.0,
            says="This is the sum of 2 and -3, and should be their product. Did you copy __add__, and leave the + in it?",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nc = 5 * a", "c.data", look="Value.__rmul__"),
        Mistake(
            "a reflected product that adds",
            wrong=7.0,
            says="This is the sum of 5 and 2, and should be their product. Did you copy __radd__, and leave the + in it?",
        ),
    ),
    Diagnosis(
        Case("total = sum([1, 2, 3])", "total", 6),
        Mistake(
            "sum is the name of something else",
            wrong=Raises("TypeError", "not callable"),
            says="These are plain numbers, and yet sum fails, because your code uses the name sum for something else and so hides "
            "Python's own. Choose another name for yours.",
        ),
    ),
    Diagnosis(
        Case(
            "a = Value(2.0)\na.grad = 0.5\nb = Value(-3.0)\nb.grad = 0.25\nc = a + b\nd = a * b",
            "(c.grad, d.grad)",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            "the gradients are added or multiplied too",
            wrong=other_than((0.0, 0.0)),
            says="The result is a new number, whose gradient is not known yet: it is 0.0. Add and multiply only the data.",
        ),
    ),
)

CHECKS = Checks(
    requires=("Value",),
    diagnoses=DIAGNOSES,
    cases=(
        Case(f"{TWO}c = a + b", "c.data", look="Value.__add__"),
        Case(f"{TWO}c = a * b", "c.data", look="Value.__mul__"),
        Case("a = Value(2.5)\nb = Value(0.25)\nc = a + b", "c.data", look="Value.__add__"),
        Case("a = Value(2.5)\nb = Value(0.25)\nc = a * b", "c.data", look="Value.__mul__"),
        Case("a = Value(2.0)\nc = a + 1", "c.data", look="Value.__add__"),
        Case("a = Value(2.0)\nc = a * 3", "c.data", look="Value.__mul__"),
        Case("a = Value(2.0)\nc = a * 0.5 + 1.5", "c.data", look="Value.__mul__"),
        Case("a = Value(2.0)\nc = 1 + a", "c.data", look="Value.__radd__"),
        Case("a = Value(2.0)\nc = 3 * a", "c.data", look="Value.__rmul__"),
        Case("total = sum([Value(1.0), Value(2.0), Value(3.0)])", "total.data", look="Value.__radd__"),
        Case("a = Value(2.0)\nc = a + a", "(c.data, a.data)", look="Value.__add__"),
        Case(f"{TWO}L = (a * b + 10) * a + 2 * b", "L.data"),
        Case("a = Value(2.0)\nc = a + 1", "c.grad", look="Value.__add__"),
    ),
    more=more,
)
