"""Exercise 2: operators."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks, Mistake, Raises

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


CHECKS = Checks(
    requires=("Value",),
    mistakes=(
        Mistake(
            name="a method that begins with async def",
            example=f"{TWO}made = (a + b, a * b, 1 + a, 3 * a)",
            shows="[type(c).__name__ for c in made]",
            right=["Value", "Value", "Value", "Value"],
            wrong=lambda found: "coroutine" in found,
            says="What an async def gives is a coroutine, a calculation that has not begun. Here nothing has to wait: write def.",
            look="Value",
        ),
        Mistake(
            name="a float instead of a Value",
            example=f"{TWO}c = a + b",
            shows="type(c).__name__",
            right="Value",
            wrong=lambda found: found in ("float", "int"),
            says="The sum of two Values is a Value, so that one can go on calculating with it. Wrap the number: return Value(...).",
            look="Value.__add__",
        ),
        Mistake(
            name="a float instead of a Value, in the product",
            example=f"{TWO}c = a * b",
            shows="type(c).__name__",
            right="Value",
            wrong=lambda found: found in ("float", "int"),
            says="The product of two Values is a Value, so that one can go on calculating with it. Wrap the number: return Value(...).",
            look="Value.__mul__",
        ),
        Mistake(
            name="nothing is returned",
            example=f"{TWO}c = a + b",
            shows="type(c).__name__",
            right="Value",
            wrong="NoneType",
            says="A method without a return gives None. End it with return Value(...).",
            look="Value.__add__",
        ),
        Mistake(
            name="nothing is returned from the product",
            example=f"{TWO}c = a * b",
            shows="type(c).__name__",
            right="Value",
            wrong="NoneType",
            says="A method without a return gives None. End it with return Value(...), as in __add__.",
            look="Value.__mul__",
        ),
        Mistake(
            name="the operand is changed",
            example=f"{TWO}c = a + b\nd = a * b",
            shows="(a.data, b.data)",
            right=(2.0, -3.0),
            wrong=lambda found: found != (2.0, -3.0),
            says="Calculating must not change the operands: a is needed again later. Make a new Value with the result.",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="a Value is made of a Value",
            example=f"{TWO}c = a + b\nd = a * b",
            shows="(c.data, d.data)",
            wrong=Raises("TypeError", "not 'Value'"),
            says="float() was given a Value: b is one already, and you make one of it again. Do so only if it is none: "
            "other = other if isinstance(other, Value) else Value(other).",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="a plain number on the right",
            example="a = Value(2.0)\nc = a + 1",
            shows="c.data",
            wrong=Raises("AttributeError", "'int' object has no attribute 'data'"),
            says="1 is no Value and has no data. Make one of it before anything else: "
            "other = other if isinstance(other, Value) else Value(other).",
            look="Value.__add__",
        ),
        Mistake(
            name="a plain number on the right of a product",
            example="a = Value(2.0)\nc = a * 3",
            shows="c.data",
            wrong=Raises("AttributeError", "'int' object has no attribute 'data'"),
            says="3 is no Value and has no data. What you wrote in __add__ is needed in __mul__ too.",
            look="Value.__mul__",
        ),
        Mistake(
            name="with a plain number, no Value is returned",
            example="a = Value(2.0)\nc = a + 1\nd = a * 3",
            shows="(type(c).__name__, type(d).__name__)",
            right=("Value", "Value"),
            wrong=lambda found: any(name in ("float", "int", "NoneType") for name in found),
            says="With a Value on the right you return a Value, and with a plain number you do not. The result is a Value in both cases: "
            "return Value(...).",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="no reflected sum",
            example="a = Value(2.0)\nc = 1 + a",
            shows="c.data",
            wrong=Raises("TypeError", "unsupported operand type(s) for +: 'int' and 'Value'"),
            says="Python asks 1 first, which does not know Values, and then calls a.__radd__(1). There is none, or it "
            "returns NotImplemented. Define it: return self + other.",
            look="Value",
        ),
        Mistake(
            name="no reflected product",
            example="a = Value(2.0)\nc = 3 * a",
            shows="c.data",
            wrong=Raises("TypeError", "unsupported operand type(s) for *: 'int' and 'Value'"),
            says="Python asks 3 first, which does not know Values, and then calls a.__rmul__(3). There is none, or it "
            "returns NotImplemented. Define it: return self * other.",
            look="Value",
        ),
        Mistake(
            name="a reflected form that gives no Value",
            example="a = Value(2.0)\nc = 1 + a\nd = 3 * a",
            shows="(type(c).__name__, type(d).__name__)",
            right=("Value", "Value"),
            wrong=lambda found: any(name in ("float", "int", "NoneType") for name in found),
            says="A reflected form gives a Value, as + and * do: return self + other, and return self * other. It is no Value if the data "
            "are returned without Value(...) around them, or if return is missing (NoneType).",
            look="Value.__radd__ and Value.__rmul__",
        ),
        Mistake(
            name="a reflected form that reads other.data",
            example="a = Value(2.0)\nc = 1 + a\nd = 3 * a",
            shows="(c.data, d.data)",
            wrong=Raises("AttributeError", "'int' object has no attribute 'data'"),
            says="In __radd__ and __rmul__, other is the plain number on the left, which has no data. Turn the two round, self + other: "
            "then __add__ makes a Value of the number.",
            look="Value.__radd__ and Value.__rmul__",
        ),
        Mistake(
            name="a reflected form that calls itself",
            example="a = Value(2.0)\nc = 1 + a\nd = 3 * a",
            shows="(c.data, d.data)",
            wrong=Raises("RecursionError"),
            says="other + self asks other first, which does not know Values, and so comes back to this method, without end. "
            "Turn the two round: self + other.",
            look="Value.__radd__ and Value.__rmul__",
        ),
        Mistake(
            name="a product that adds",
            example=f"{TWO}c = a * b",
            shows="c.data",
            wrong=-1.0,
            says="This is the sum of 2 and -3, and should be their product. Copied from __add__, with the + still in it?",
            look="Value.__mul__",
        ),
        Mistake(
            name="a reflected product that adds",
            example="a = Value(2.0)\nc = 5 * a",
            shows="c.data",
            wrong=7.0,
            says="This is the sum of 5 and 2, and should be their product. Copied from __radd__, with the + still in it?",
            look="Value.__rmul__",
        ),
        Mistake(
            name="sum is the name of something else",
            example="total = sum([1, 2, 3])",
            shows="total",
            right=6,
            wrong=Raises("TypeError", "not callable"),
            says="These are plain numbers, and yet it fails: your code calls something else sum, and Python's own sum is out of reach. "
            "Take another name for it.",
        ),
        Mistake(
            name="the gradients are calculated with too",
            example="a = Value(2.0)\na.grad = 0.5\nb = Value(-3.0)\nb.grad = 0.25\nc = a + b\nd = a * b",
            shows="(c.grad, d.grad)",
            wrong=lambda found: found != (0.0, 0.0),
            says="The result is a new number, about which nothing is known yet: its gradient is 0.0. Only the data are added or "
            "multiplied.",
            look="Value.__add__ and Value.__mul__",
        ),
    ),
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
