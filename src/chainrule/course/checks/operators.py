"""Exercise 2: operators."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks, Mistake, Question
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


QUESTIONS = (
    Question(
        Case(
            f"{TWO}made = (a + b, a * b, 1 + a, 3 * a)",
            "[type(c).__name__ for c in made]",
            ["Value", "Value", "Value", "Value"],
            look="Value",
        ),
        Mistake(
            "a method that begins with async def",
            wrong=has("coroutine"),
            says="What an async def gives is a coroutine, a calculation that has not begun. Here nothing has to wait: write def.",
        ),
    ),
    Question(
        Case(f"{TWO}c = a + b", "type(c).__name__", "Value", look="Value.__add__"),
        Mistake(
            "a float instead of a Value",
            wrong=PLAIN_NUMBER,
            says="The sum of two Values is a Value, so that one can go on calculating with it. Wrap the number: return Value(...).",
        ),
    ),
    Question(
        Case(f"{TWO}c = a * b", "type(c).__name__", "Value", look="Value.__mul__"),
        Mistake(
            "a float instead of a Value, in the product",
            wrong=PLAIN_NUMBER,
            says="The product of two Values is a Value, so that one can go on calculating with it. Wrap the number: return Value(...).",
        ),
    ),
    Question(
        Case(f"{TWO}c = a + b", "type(c).__name__", "Value", look="Value.__add__"),
        Mistake(
            "nothing is returned",
            wrong="NoneType",
            says="A method without a return gives None. End it with return Value(...).",
        ),
    ),
    Question(
        Case(f"{TWO}c = a * b", "type(c).__name__", "Value", look="Value.__mul__"),
        Mistake(
            "nothing is returned from the product",
            wrong="NoneType",
            says="A method without a return gives None. End it with return Value(...), as in __add__.",
        ),
    ),
    Question(
        Case(f"{TWO}c = a + b\nd = a * b", "(a.data, b.data)", (2.0, -3.0), look="Value.__add__ and Value.__mul__"),
        Mistake(
            "the operand is changed",
            wrong=other_than((2.0, -3.0)),
            says="Calculating must not change the operands: a is needed again later. Make a new Value with the result.",
        ),
    ),
    Question(
        Case(f"{TWO}c = a + b\nd = a * b", "(c.data, d.data)", look="Value.__add__ and Value.__mul__"),
        Mistake(
            "a Value is made of a Value",
            wrong=Raises("TypeError", "not 'Value'"),
            says="float() was given a Value: b is one already, and you make one of it again. Do so only if it is none: other = other if "
            "isinstance(other, Value) else Value(other).",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nc = a + 1", "c.data", look="Value.__add__"),
        Mistake(
            "a plain number on the right",
            wrong=Raises("AttributeError", "'int' object has no attribute 'data'"),
            says="1 is no Value and has no data. Make one of it before anything else: other = other if isinstance(other, Value) else "
            "Value(other).",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nc = a * 3", "c.data", look="Value.__mul__"),
        Mistake(
            "a plain number on the right of a product",
            wrong=Raises("AttributeError", "'int' object has no attribute 'data'"),
            says="3 is no Value and has no data. What you wrote in __add__ is needed in __mul__ too.",
        ),
    ),
    Question(
        Case(
            "a = Value(2.0)\nc = a + 1\nd = a * 3",
            "(type(c).__name__, type(d).__name__)",
            ("Value", "Value"),
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            "with a plain number, no Value is returned",
            wrong=has("float", "int", "NoneType"),
            says="With a Value on the right you return a Value, and with a plain number you do not. The result is a Value in both cases: "
            "return Value(...).",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nc = 1 + a", "c.data", look="Value"),
        Mistake(
            "no reflected sum",
            wrong=Raises("TypeError", "unsupported operand type(s) for +: 'int' and 'Value'"),
            says="Python asks 1 first, which does not know Values, and then calls a.__radd__(1). There is none, or it returns "
            "NotImplemented. Define it: return self + other.",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nc = 3 * a", "c.data", look="Value"),
        Mistake(
            "no reflected product",
            wrong=Raises("TypeError", "unsupported operand type(s) for *: 'int' and 'Value'"),
            says="Python asks 3 first, which does not know Values, and then calls a.__rmul__(3). There is none, or it returns "
            "NotImplemented. Define it: return self * other.",
        ),
    ),
    Question(
        Case(
            "a = Value(2.0)\nc = 1 + a\nd = 3 * a",
            "(type(c).__name__, type(d).__name__)",
            ("Value", "Value"),
            look="Value.__radd__ and Value.__rmul__",
        ),
        Mistake(
            "a reflected form that gives no Value",
            wrong=has("float", "int", "NoneType"),
            says="A reflected form gives a Value, as + and * do: return self + other, and return self * other. It is no Value if the data "
            "are returned without Value(...) around them, or if return is missing (NoneType).",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nc = 1 + a\nd = 3 * a", "(c.data, d.data)", look="Value.__radd__ and Value.__rmul__"),
        Mistake(
            "a reflected form that reads other.data",
            wrong=Raises("AttributeError", "'int' object has no attribute 'data'"),
            says="In __radd__ and __rmul__, other is the plain number on the left, which has no data. Turn the two round, self + other: "
            "then __add__ makes a Value of the number.",
        ),
        Mistake(
            "a reflected form that calls itself",
            wrong=Raises("RecursionError"),
            says="other + self asks other first, which does not know Values, and so comes back to this method, without end. Turn the two "
            "round: self + other.",
        ),
    ),
    Question(
        Case(f"{TWO}c = a * b", "c.data", look="Value.__mul__"),
        Mistake(
            "a product that adds",
            wrong=-1.0,
            says="This is the sum of 2 and -3, and should be their product. Copied from __add__, with the + still in it?",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nc = 5 * a", "c.data", look="Value.__rmul__"),
        Mistake(
            "a reflected product that adds",
            wrong=7.0,
            says="This is the sum of 5 and 2, and should be their product. Copied from __radd__, with the + still in it?",
        ),
    ),
    Question(
        Case("total = sum([1, 2, 3])", "total", 6),
        Mistake(
            "sum is the name of something else",
            wrong=Raises("TypeError", "not callable"),
            says="These are plain numbers, and yet it fails: your code calls something else sum, and Python's own sum is out of reach. "
            "Take another name for it.",
        ),
    ),
    Question(
        Case(
            "a = Value(2.0)\na.grad = 0.5\nb = Value(-3.0)\nb.grad = 0.25\nc = a + b\nd = a * b",
            "(c.grad, d.grad)",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            "the gradients are calculated with too",
            wrong=other_than((0.0, 0.0)),
            says="The result is a new number, about which nothing is known yet: its gradient is 0.0. Only the data are added or "
            "multiplied.",
        ),
    ),
)

CHECKS = Checks(
    requires=("Value",),
    questions=QUESTIONS,
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
