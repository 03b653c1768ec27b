"""Exercise 5: more operations."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, NamedTuple

from chainrule.course.checking import Case, Checks, Mistake, Question
from chainrule.course.outcomes import PLAIN_NUMBER, Raises, about, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

E, T = math.exp(0.5), math.tanh(0.5)
DIFFERENCES = (("-a", "Value.__neg__", "-a"), ("a - 1", "Value.__sub__", "a - b"), ("1 - a", "Value.__rsub__", "2 - a"))
QUOTIENTS = (("a / 4", "Value.__truediv__", "a / b"), ("4 / a", "Value.__rtruediv__", "2 / a"))


class Operation(NamedTuple):
    """An operation of one operand, about which the same questions are asked as about the others.

    Arguments:
        expression: how it is written.
        at: the operand's number.
        slope: the derivative there.
        look: the method.
        name: what it is called in the names of mistakes.
    """

    expression: str
    at: float
    slope: float
    look: str
    name: str


POWER = Operation("a**3", 2.0, 12.0, "Value.__pow__", "a power")
EXP = Operation("a.exp()", 0.5, E, "Value.exp", "exp")
TANH = Operation("a.tanh()", 0.5, 1 - T**2, "Value.tanh", "tanh")
RELU = Operation("a.relu()", 3.0, 1.0, "Value.relu", "relu")


def _kind(expression: str, look: str, name: str) -> Question:
    """The mistakes of returning nothing, or a plain number."""
    return Question(
        Case(f"a = Value(2.0)\nb = {expression}", "type(b).__name__", "Value", look=look),
        Mistake(
            f"nothing is returned by {name}",
            wrong="NoneType",
            says="A method without a return gives None: end it with return out.",
        ),
        Mistake(
            f"a float instead of a Value, in {name}",
            wrong=PLAIN_NUMBER,
            says=f"{expression} is a plain number here, and a calculation that goes on from it has lost its way back to a. "
            "Make a Value of the result, with its parents, and return that.",
        ),
    )


def _made(operation: Operation) -> tuple[Question, ...]:
    """The mistakes in how the result is made."""
    expression, at, slope, look, name = operation
    return (
        Question(
            Case(f"a = Value({at})\nL = {expression}\nL.backward()", "a.grad", slope, look=look),
            Mistake(
                f"parents without a comma in {name}",
                wrong=Raises("TypeError", "'Value' object is not iterable"),
                says="(self) is self in parentheses, which do nothing; the comma makes the tuple with one element: (self,).",
            ),
            Mistake(
                f"the rule is called, not kept, in {name}",
                wrong=Raises("TypeError", "'NoneType' object is not callable"),
                says="_backward() with parentheses calls the function at once and keeps what it returns, None. "
                "Keep the function itself, without parentheses: out._backward = _backward.",
            ),
        ),
        _kind(expression, look, name),
    )


def _passed_on(operation: Operation) -> tuple[Question, ...]:
    """The mistakes in what is passed on, whatever the derivative."""
    expression, at, slope, look, name = operation
    return (
        Question(
            Case(f"a = Value({at})\nL = {expression}\nL.backward()", "a.grad", slope, look=look),
            Mistake(
                f"nothing is passed on by {name}",
                wrong=0.0,
                says="The number is there, but a gets no gradient. The result needs its parent, Value(..., (self,), ...), and its rule, "
                "out._backward = _backward; a sum or product of plain numbers, .data, has neither.",
            ),
        ),
        Question(
            Case(f"a = Value({at})\nb = {expression}\nL = 5 * b\nL.backward()", "a.grad", 5 * slope, look=look),
            Mistake(
                f"the chain is missing in {name}",
                wrong=about(slope),
                says="This is db/da. What is wanted is dL/da, and L grows 5 times as fast as b: the gradient that arrives at b, 5, is "
                "missing. Multiply by out.grad.",
            ),
        ),
        Question(
            Case(
                f'a = Value({at})\nbefore = getattr(a, "_backward", None)\nb = {expression}\n'
                f'changed = getattr(a, "_backward", None) != before\nc = {expression}\nL = b + 3 * c\nL.backward()',
                "(changed, a.grad)",
                (False, 4 * slope),
                look=look,
            ),
            Mistake(
                f"the rule is kept in the operand, in {name}",
                wrong=lambda found: found[0] is True and not about(4 * slope)(found[1]),
                says=f"{expression} has changed the rule of a: the function was kept in self._backward. There is room for one there, so "
                "the second use of a replaces the first. A rule belongs to the result: out._backward = _backward.",
            ),
        ),
        Question(
            Case(f"a = Value({at})\nb = {expression}\nc = {expression}\nL = b + 3 * c\nL.backward()", "a.grad", 4 * slope, look=look),
            Mistake(
                f"= instead of += in {name}",
                wrong=about(slope, 3 * slope),
                says="a is used twice: one use brings the slope once, the other three times, and the gradient is their sum. "
                "One of them is lost: with =, the later wipes out the earlier. Write +=.",
            ),
        ),
    )


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


QUESTIONS = (
    # --- first what comes from exercise 4, on which all examples rest
    Question(
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
            says="A sum or a product has changed the rule of one of its operands: the function was kept in self._backward or "
            "other._backward. There is room for one there, so a second use of the operand replaces the first. A rule belongs to the "
            "result: out._backward = _backward.",
        ),
    ),
    # --- differences
    *(_kind(*row) for row in DIFFERENCES),
    Question(
        Case("a = Value(3.0)\nL = -a\nL.backward()", "(L.data, a.grad)", (-3.0, -1.0), look="Value.__neg__"),
        Mistake(
            "-a passes on 1",
            wrong=one_of((-3.0, 1.0), (-3.0, 0.0)),
            says="If a grows by 1, -a falls by 1: its slope is -1. As self * -1, the rule of the product sees to it.",
        ),
    ),
    Question(
        Case("a = Value(3.0)\nL = 2 - a", "L.data", look="Value.__rsub__"),
        Mistake(
            "a difference without end",
            wrong=Raises("RecursionError"),
            says="Written as other - self, this asks 2 first, which does not know Values, and Python comes back to this method, without "
            "end. Turn it into a sum: 2 + (-a).",
        ),
    ),
    Question(
        Case("a = Value(5.0)\nb = Value(3.0)\nL = a - b", "L.data", 2.0, look="Value.__sub__"),
        Mistake(
            "a - b is turned round",
            wrong=-2.0,
            says="This is b - a. In __sub__, self stands on the left of the sign, and other on the right.",
        ),
    ),
    Question(
        Case("a = Value(3.0)\nL = 2 - a", "L.data", -1.0, look="Value.__rsub__"),
        Mistake(
            "2 - a gives a - 2",
            wrong=1.0,
            says="This is a - 2. In a reflected method, other is what stood on the left: __rsub__ is other - self. For + and * the order "
            "made no difference; here it does.",
        ),
    ),
    Question(
        Case("a = Value(5.0)\nb = Value(3.0)\nL = a - b\nL.backward()", "(a.grad, b.grad)", (1.0, -1.0), look="Value.__sub__"),
        Mistake(
            "a difference passes on 1 to both",
            wrong=(1.0, 1.0),
            says="If b grows by 1, a - b falls by 1: the second operand's slope is -1. As self + (-other), nothing new has to be derived.",
        ),
    ),
    Question(
        Case("a = Value(3.0)\nL = 2 - a\nL.backward()", "(L.data, a.grad)", (-1.0, -1.0), look="Value.__rsub__"),
        Mistake(
            "2 - a passes on 1",
            wrong=one_of((-1.0, 1.0), (-1.0, 0.0)),
            says="If a grows by 1, 2 - a falls by 1: its slope is -1. As 2 + (-a), the rule of the product inside -a sees to it.",
        ),
    ),
    # --- powers
    *_made(POWER),
    Question(
        Case("a = Value(2.0)\nb = a**-1", "b.data", 0.5, look="Value.__pow__"),
        Mistake(
            "a power by repeated multiplication",
            wrong=one_of(1.0, 2.0),
            says="2**-1 is 1/2. A loop that multiplies has no round to go for a negative exponent. Let Python work it out: "
            "self.data**exponent.",
        ),
    ),
    Question(
        Case("a = Value(-2.0)\nb = a**2", "b.data", 4.0, look="Value.__pow__"),
        Mistake(
            "a power by way of the logarithm",
            wrong=Raises("ValueError"),
            says="There is no logarithm of a negative number, but there is a square of it, 4. Let Python work it out: self.data**exponent.",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nL = a**3\nL.backward()", "a.grad", 12.0, look="Value.__pow__"),
        Mistake(
            "the power's slope without its factor",
            wrong=4.0,
            says="This is a**2. The slope of a**3 is 3 * a**2: the exponent comes down as a factor.",
        ),
        Mistake(
            "the power's slope with the old exponent",
            wrong=24.0,
            says="This is 3 * a**3. The slope of a**3 is 3 * a**2: the exponent gets smaller by 1.",
        ),
        Mistake(
            "the power's slope without parentheses",
            wrong=23.0,
            says="This is 3 * 2**3 - 1: Python takes the power before it subtracts. The exponent is k - 1 as a whole, so put it into "
            "parentheses: x ** (k - 1).",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nL = a**-1\nL.backward()", "(L.data, a.grad)", (0.5, -0.25), look="Value.__pow__"),
        Mistake(
            "the power's slope loses the sign of the exponent",
            wrong=(0.5, 0.25),
            says="If a grows, 1 / a falls, so its slope is negative: -1 * a**-2. The exponent is the factor, with its sign.",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nL = a**3\nL.backward()", "a.grad", 12.0, look="Value.__pow__"),
        Mistake(
            "the power's slope with the exponent of the base",
            wrong=8 * math.log(2),
            says="This is a**3 * log(a), the slope in the exponent. Here the exponent is fixed and the base moves: 3 * a**2.",
        ),
    ),
    *_passed_on(POWER),
    # --- quotients
    *(_kind(*row) for row in QUOTIENTS),
    Question(
        Case("a = Value(4.0)\nL = 2 / a", "L.data", look="Value.__rtruediv__"),
        Mistake(
            "a quotient without end",
            wrong=Raises("RecursionError"),
            says="Written as other / self, this asks 2 first, which does not know Values, and Python comes back to this method, without "
            "end. Turn it into a product: 2 * a**-1.",
        ),
    ),
    Question(
        Case("a = Value(6.0)\nL = a / 2", "L.data", look="Value.__truediv__"),
        Mistake(
            "a plain number below the line",
            wrong=Raises("AttributeError", "'int' object has no attribute"),
            says="2 is no Value and has no data. As in __add__, make a Value of it first.",
        ),
    ),
    Question(
        Case("a = Value(4.0)\nL = 2 / a", "L.data", 0.5, look="Value.__rtruediv__"),
        Mistake(
            "2 / a gives a / 2",
            wrong=2.0,
            says="This is a / 2. In a reflected method, other is what stood on the left: __rtruediv__ is other / self.",
        ),
    ),
    Question(
        Case("a = Value(7.0)\nb = Value(2.0)\nL = a / b", "L.data", 3.5, look="Value.__truediv__"),
        Mistake(
            "a / b drops its remainder",
            wrong=3.0,
            says="// rounds down to a whole number; a / b is 3.5.",
        ),
    ),
    Question(
        Case("a = Value(6.0)\nb = Value(2.0)\nL = a / b\nL.backward()", "(a.grad, b.grad)", (0.5, -1.5), look="Value.__truediv__"),
        Mistake(
            "a quotient grows with its denominator",
            wrong=(0.5, 1.5),
            says="A larger denominator makes a quotient smaller: the slope of a / b in b is -a / b**2, with a minus. As self * other**-1, "
            "the rule of the power sees to it.",
        ),
    ),
    # --- functions
    *_made(EXP),
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
    *_passed_on(EXP),
    *_made(TANH),
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
    *_passed_on(TANH),
    *_made(RELU),
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
    *_passed_on(RELU),
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

CHECKS = Checks(
    requires=("Value",),
    questions=QUESTIONS,
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
            says="tanh is asked for every number, and far from 0 it is flat.",
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
