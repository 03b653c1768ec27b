"""Exercise 5: more operations."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

from chainrule.course.checking import Case, Checks, Mistake, Raises

if TYPE_CHECKING:
    from collections.abc import Iterator

E, T = math.exp(0.5), math.tanh(0.5)


DIFFERENCES = (("-a", "Value.__neg__", "-a"), ("a - 1", "Value.__sub__", "a - b"), ("1 - a", "Value.__rsub__", "2 - a"))
QUOTIENTS = (("a / 4", "Value.__truediv__", "a / b"), ("4 / a", "Value.__rtruediv__", "2 / a"))


def _near(wrong: float) -> Any:
    """Whether a number came out, and is this one but for rounding."""
    return lambda found: isinstance(found, float) and math.isclose(found, wrong, rel_tol=1e-6, abs_tol=1e-12)


def _comma(expression: str, at: float, slope: float, look: str, name: str) -> Mistake:
    """The mistake of a Value in parentheses in place of a tuple."""
    return Mistake(
        name=f"parents without a comma in {name}",
        example=f"a = Value({at})\nL = {expression}\nL.backward()",
        shows="a.grad",
        right=slope,
        wrong=Raises("TypeError", "'Value' object is not iterable"),
        says="(self) is self in parentheses, which do nothing; the comma makes the tuple with one element: (self,).",
        look=look,
    )


def _called(expression: str, at: float, slope: float, look: str, name: str) -> Mistake:
    """The mistake of calling the rule in place of keeping it."""
    return Mistake(
        name=f"the rule is called, not kept, in {name}",
        example=f"a = Value({at})\nL = {expression}\nL.backward()",
        shows="a.grad",
        right=slope,
        wrong=Raises("TypeError", "'NoneType' object is not callable"),
        says="_backward() with parentheses calls the function at once and keeps what it returns, None. "
        "Keep the function itself, without parentheses: out._backward = _backward.",
        look=look,
    )


def _none(expression: str, look: str, name: str) -> Mistake:
    """The mistake of returning nothing."""
    return Mistake(
        name=f"nothing is returned by {name}",
        example=f"a = Value(2.0)\nb = {expression}",
        shows="type(b).__name__",
        right="Value",
        wrong="NoneType",
        says="A method without a return gives None: end it with return out.",
        look=look,
    )


def _float(expression: str, look: str, name: str) -> Mistake:
    """The mistake of giving back a plain number."""
    return Mistake(
        name=f"a float instead of a Value, in {name}",
        example=f"a = Value(2.0)\nb = {expression}",
        shows="type(b).__name__",
        right="Value",
        wrong=lambda found: found in ("float", "int"),
        says=f"{expression} is a plain number here, and a calculation that goes on from it has lost its way back to a. "
        "Make a Value of the result, with its parents, and return that.",
        look=look,
    )


def _nothing(expression: str, at: float, slope: float, look: str, name: str) -> Mistake:
    """The mistake of a result that passes nothing on."""
    return Mistake(
        name=f"nothing is passed on by {name}",
        example=f"a = Value({at})\nL = {expression}\nL.backward()",
        shows="a.grad",
        right=slope,
        wrong=0.0,
        says="The number is there, but a gets no gradient. The result needs its parent, Value(..., (self,), ...), and its rule, "
        "out._backward = _backward; a sum or product of plain numbers, .data, has neither.",
        look=look,
    )


def _no_chain(expression: str, at: float, slope: float, look: str, name: str) -> Mistake:
    """The mistake of leaving out what arrives from above."""
    return Mistake(
        name=f"the chain is missing in {name}",
        example=f"a = Value({at})\nb = {expression}\nL = 5 * b\nL.backward()",
        shows="a.grad",
        right=5 * slope,
        wrong=_near(slope),
        says="This is db/da. What is wanted is dL/da, and L grows 5 times as fast as b: the gradient that arrives at b, 5, is missing. "
        "Multiply by out.grad.",
        look=look,
    )


def _in_the_operand(expression: str, at: float, slope: float, look: str, name: str) -> Mistake:
    """The mistake of keeping the rule in the operand in place of the result."""
    return Mistake(
        name=f"the rule is kept in the operand, in {name}",
        example=f'a = Value({at})\nbefore = getattr(a, "_backward", None)\nb = {expression}\n'
        f'changed = getattr(a, "_backward", None) != before\nc = {expression}\nL = b + 3 * c\nL.backward()',
        shows="(changed, a.grad)",
        right=(False, 4 * slope),
        wrong=lambda found: found[0] is True and not _near(4 * slope)(found[1]),
        says=f"{expression} has changed the rule of a: the function was kept in self._backward. There is room for one there, so the second "
        "use of a replaces the first. A rule belongs to the result: out._backward = _backward.",
        look=look,
    )


def _last_only(expression: str, at: float, slope: float, look: str, name: str) -> Mistake:
    """The mistake of = in place of +=."""
    return Mistake(
        name=f"= instead of += in {name}",
        example=f"a = Value({at})\nb = {expression}\nc = {expression}\nL = b + 3 * c\nL.backward()",
        shows="a.grad",
        right=4 * slope,
        wrong=lambda found: _near(slope)(found) or _near(3 * slope)(found),
        says="a is used twice: one use brings the slope once, the other three times, and the gradient is their sum. "
        "One of them is lost: with =, the later wipes out the earlier. Write +=.",
        look=look,
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


CHECKS = Checks(
    requires=("Value",),
    mistakes=(
        # --- first what comes from exercise 4, on which all examples rest ---
        Mistake(
            name="the rule of a sum or product is kept in an operand",
            example='a = Value(2.0)\nb = Value(-3.0)\nbefore = [getattr(node, "_backward", None) for node in (a, b)]\n'
            "L = (a + b) + (a * b) + (a * b)\n"
            'changed = before != [getattr(node, "_backward", None) for node in (a, b)]\nL.backward()',
            shows="(changed, a.grad, b.grad)",
            right=(False, -5.0, 5.0),
            wrong=lambda found: found[0] is True and found[1:] != (-5.0, 5.0),
            says="A sum or a product has changed the rule of one of its operands: the function was kept in self._backward or "
            "other._backward. There is room for one there, so a second use of the operand replaces the first. "
            "A rule belongs to the result: out._backward = _backward.",
            look="Value.__add__ and Value.__mul__",
        ),
        # --- differences ---
        *(_none(*row) for row in DIFFERENCES),
        *(_float(*row) for row in DIFFERENCES),
        Mistake(
            name="-a passes on 1",
            example="a = Value(3.0)\nL = -a\nL.backward()",
            shows="(L.data, a.grad)",
            right=(-3.0, -1.0),
            wrong=lambda found: found[0] == -3.0 and found[1] in (1.0, 0.0),
            says="If a grows by 1, -a falls by 1: its slope is -1. As self * -1, the rule of the product sees to it.",
            look="Value.__neg__",
        ),
        Mistake(
            name="a difference without end",
            example="a = Value(3.0)\nL = 2 - a",
            shows="L.data",
            wrong=Raises("RecursionError"),
            says="Written as other - self, this asks 2 first, which does not know Values, and Python comes back to this method, without "
            "end. "
            "Turn it into a sum: 2 + (-a).",
            look="Value.__rsub__",
        ),
        Mistake(
            name="a - b is turned round",
            example="a = Value(5.0)\nb = Value(3.0)\nL = a - b",
            shows="L.data",
            right=2.0,
            wrong=-2.0,
            says="This is b - a. In __sub__, self stands on the left of the sign, and other on the right.",
            look="Value.__sub__",
        ),
        Mistake(
            name="2 - a gives a - 2",
            example="a = Value(3.0)\nL = 2 - a",
            shows="L.data",
            right=-1.0,
            wrong=1.0,
            says="This is a - 2. In a reflected method, other is what stood on the left: __rsub__ is other - self. "
            "For + and * the order made no difference; here it does.",
            look="Value.__rsub__",
        ),
        Mistake(
            name="a difference passes on 1 to both",
            example="a = Value(5.0)\nb = Value(3.0)\nL = a - b\nL.backward()",
            shows="(a.grad, b.grad)",
            right=(1.0, -1.0),
            wrong=(1.0, 1.0),
            says="If b grows by 1, a - b falls by 1: the second operand's slope is -1. As self + (-other), nothing new has to be derived.",
            look="Value.__sub__",
        ),
        Mistake(
            name="2 - a passes on 1",
            example="a = Value(3.0)\nL = 2 - a\nL.backward()",
            shows="(L.data, a.grad)",
            right=(-1.0, -1.0),
            wrong=lambda found: found[0] == -1.0 and found[1] in (1.0, 0.0),
            says="If a grows by 1, 2 - a falls by 1: its slope is -1. As 2 + (-a), the rule of the product inside -a sees to it.",
            look="Value.__rsub__",
        ),
        # --- powers ---
        _comma("a**3", 2.0, 12.0, "Value.__pow__", "a power"),
        _called("a**3", 2.0, 12.0, "Value.__pow__", "a power"),
        _none("a**3", "Value.__pow__", "a power"),
        _float("a**3", "Value.__pow__", "a power"),
        Mistake(
            name="a power by repeated multiplication",
            example="a = Value(2.0)\nb = a**-1",
            shows="b.data",
            right=0.5,
            wrong=lambda found: found in (1.0, 2.0),
            says="2**-1 is 1/2. A loop that multiplies has no round to go for a negative exponent. Let Python work it out: "
            "self.data**exponent.",
            look="Value.__pow__",
        ),
        Mistake(
            name="a power by way of the logarithm",
            example="a = Value(-2.0)\nb = a**2",
            shows="b.data",
            right=4.0,
            wrong=Raises("ValueError"),
            says="There is no logarithm of a negative number, but there is a square of it, 4. Let Python work it out: self.data**exponent.",
            look="Value.__pow__",
        ),
        Mistake(
            name="the power's slope without its factor",
            example="a = Value(2.0)\nL = a**3\nL.backward()",
            shows="a.grad",
            right=12.0,
            wrong=4.0,
            says="This is a**2. The slope of a**3 is 3 * a**2: the exponent comes down as a factor.",
            look="Value.__pow__",
        ),
        Mistake(
            name="the power's slope with the old exponent",
            example="a = Value(2.0)\nL = a**3\nL.backward()",
            shows="a.grad",
            right=12.0,
            wrong=24.0,
            says="This is 3 * a**3. The slope of a**3 is 3 * a**2: the exponent gets smaller by 1.",
            look="Value.__pow__",
        ),
        Mistake(
            name="the power's slope without parentheses",
            example="a = Value(2.0)\nL = a**3\nL.backward()",
            shows="a.grad",
            right=12.0,
            wrong=23.0,
            says="This is 3 * 2**3 - 1: Python takes the power before it subtracts. The exponent is k - 1 as a whole, so put it into "
            "parentheses: x ** (k - 1).",
            look="Value.__pow__",
        ),
        Mistake(
            name="the power's slope loses the sign of the exponent",
            example="a = Value(2.0)\nL = a**-1\nL.backward()",
            shows="(L.data, a.grad)",
            right=(0.5, -0.25),
            wrong=(0.5, 0.25),
            says="If a grows, 1 / a falls, so its slope is negative: -1 * a**-2. The exponent is the factor, with its sign.",
            look="Value.__pow__",
        ),
        Mistake(
            name="the power's slope with the exponent of the base",
            example="a = Value(2.0)\nL = a**3\nL.backward()",
            shows="a.grad",
            right=12.0,
            wrong=8 * math.log(2),
            says="This is a**3 * log(a), the slope in the exponent. Here the exponent is fixed and the base moves: 3 * a**2.",
            look="Value.__pow__",
        ),
        _nothing("a**3", 2.0, 12.0, "Value.__pow__", "a power"),
        _no_chain("a**3", 2.0, 12.0, "Value.__pow__", "a power"),
        _in_the_operand("a**3", 2.0, 12.0, "Value.__pow__", "a power"),
        _last_only("a**3", 2.0, 12.0, "Value.__pow__", "a power"),
        # --- quotients ---
        *(_none(*row) for row in QUOTIENTS),
        *(_float(*row) for row in QUOTIENTS),
        Mistake(
            name="a quotient without end",
            example="a = Value(4.0)\nL = 2 / a",
            shows="L.data",
            wrong=Raises("RecursionError"),
            says="Written as other / self, this asks 2 first, which does not know Values, and Python comes back to this method, without "
            "end. "
            "Turn it into a product: 2 * a**-1.",
            look="Value.__rtruediv__",
        ),
        Mistake(
            name="a plain number below the line",
            example="a = Value(6.0)\nL = a / 2",
            shows="L.data",
            wrong=Raises("AttributeError", "'int' object has no attribute"),
            says="2 is no Value and has no data. As in __add__, make a Value of it first.",
            look="Value.__truediv__",
        ),
        Mistake(
            name="2 / a gives a / 2",
            example="a = Value(4.0)\nL = 2 / a",
            shows="L.data",
            right=0.5,
            wrong=2.0,
            says="This is a / 2. In a reflected method, other is what stood on the left: __rtruediv__ is other / self.",
            look="Value.__rtruediv__",
        ),
        Mistake(
            name="a / b drops its remainder",
            example="a = Value(7.0)\nb = Value(2.0)\nL = a / b",
            shows="L.data",
            right=3.5,
            wrong=3.0,
            says="// rounds down to a whole number; a / b is 3.5.",
            look="Value.__truediv__",
        ),
        Mistake(
            name="a quotient grows with its denominator",
            example="a = Value(6.0)\nb = Value(2.0)\nL = a / b\nL.backward()",
            shows="(a.grad, b.grad)",
            right=(0.5, -1.5),
            wrong=(0.5, 1.5),
            says="A larger denominator makes a quotient smaller: the slope of a / b in b is -a / b**2, with a minus. "
            "As self * other**-1, the rule of the power sees to it.",
            look="Value.__truediv__",
        ),
        # --- functions ---
        _comma("a.exp()", 0.5, E, "Value.exp", "exp"),
        _called("a.exp()", 0.5, E, "Value.exp", "exp"),
        _none("a.exp()", "Value.exp", "exp"),
        _float("a.exp()", "Value.exp", "exp"),
        Mistake(
            name="exp with the slope of a power",
            example="a = Value(2.0)\nL = a.exp()\nL.backward()",
            shows="a.grad",
            right=math.exp(2),
            wrong=_near(2 * math.e),
            says="This is 2 * e**1, the rule of a power, in which the base moves. In exp the exponent moves, and exp is its own slope: "
            "e**2, "
            "which is out.data.",
            look="Value.exp",
        ),
        Mistake(
            name="exp with the input for its slope",
            example="a = Value(0.5)\nL = a.exp()\nL.backward()",
            shows="a.grad",
            right=E,
            wrong=_near(0.5),
            says="This is the number that went in. The slope of exp is what came out, e**0.5: out.data, not self.data.",
            look="Value.exp",
        ),
        _nothing("a.exp()", 0.5, E, "Value.exp", "exp"),
        _no_chain("a.exp()", 0.5, E, "Value.exp", "exp"),
        _in_the_operand("a.exp()", 0.5, E, "Value.exp", "exp"),
        _last_only("a.exp()", 0.5, E, "Value.exp", "exp"),
        _comma("a.tanh()", 0.5, 1 - T**2, "Value.tanh", "tanh"),
        _called("a.tanh()", 0.5, 1 - T**2, "Value.tanh", "tanh"),
        _none("a.tanh()", "Value.tanh", "tanh"),
        _float("a.tanh()", "Value.tanh", "tanh"),
        Mistake(
            name="tanh overflows",
            example="a = Value(1000.0)\nb = Value(-1000.0)\nc = a.tanh()\nd = b.tanh()",
            shows="(c.data, d.data)",
            right=(1.0, -1.0),
            wrong=Raises("OverflowError"),
            says="exp(1000) and exp(2000) are larger than any float, though their quotient would be 1. math.tanh knows; use it.",
            look="Value.tanh",
        ),
        Mistake(
            name="tanh with the input in its slope",
            example="a = Value(0.5)\nL = a.tanh()\nL.backward()",
            shows="a.grad",
            right=1 - T**2,
            wrong=_near(1 - 0.5**2),
            says="This is 1 - 0.5**2, with the number that went in. The slope of tanh is 1 - tanh(x)**2, "
            "with the number that came out: out.data, not self.data.",
            look="Value.tanh",
        ),
        Mistake(
            name="tanh without the square in its slope",
            example="a = Value(0.5)\nL = a.tanh()\nL.backward()",
            shows="a.grad",
            right=1 - T**2,
            wrong=_near(1 - T),
            says="This is 1 - tanh(0.5). The slope is 1 - tanh(0.5)**2: the square is missing.",
            look="Value.tanh",
        ),
        Mistake(
            name="tanh of tanh in its slope",
            example="a = Value(0.5)\nL = a.tanh()\nL.backward()",
            shows="a.grad",
            right=1 - T**2,
            wrong=_near(1 - math.tanh(T) ** 2),
            says="This is 1 - tanh(tanh(0.5))**2. out.data is tanh(0.5) already, so the slope is 1 - out.data**2, without another tanh.",
            look="Value.tanh",
        ),
        _nothing("a.tanh()", 0.5, 1 - T**2, "Value.tanh", "tanh"),
        _no_chain("a.tanh()", 0.5, 1 - T**2, "Value.tanh", "tanh"),
        _in_the_operand("a.tanh()", 0.5, 1 - T**2, "Value.tanh", "tanh"),
        _last_only("a.tanh()", 0.5, 1 - T**2, "Value.tanh", "tanh"),
        _comma("a.relu()", 3.0, 1.0, "Value.relu", "relu"),
        _called("a.relu()", 3.0, 1.0, "Value.relu", "relu"),
        _none("a.relu()", "Value.relu", "relu"),
        _float("a.relu()", "Value.relu", "relu"),
        Mistake(
            name="relu gives back the operand itself",
            example="a = Value(3.0)\nb = a.relu()",
            shows="b is a",
            right=False,
            wrong=True,
            says="What comes out is a itself. A label that b gets is a's label then, and the graph shows no relu. Every operation makes "
            "a new Value, also where the number stays the same.",
            look="Value.relu",
        ),
        Mistake(
            name="relu lets negative numbers through",
            example="a = Value(-2.0)\nL = a.relu()",
            shows="L.data",
            right=0.0,
            wrong=lambda found: found in (-2.0, 2.0),
            says="relu of a negative number is 0: max(0.0, self.data).",
            look="Value.relu",
        ),
        Mistake(
            name="relu with a slope below zero",
            example="a = Value(-2.0)\nL = a.relu()\nL.backward()",
            shows="a.grad",
            right=0.0,
            wrong=lambda found: found in (1.0, -1.0, -2.0),
            says="At -2 the result is 0, and it stays 0 if a moves a little: the slope is 0 there, and nothing is passed on.",
            look="Value.relu",
        ),
        Mistake(
            name="relu with the number for its slope",
            example="a = Value(3.0)\nL = a.relu()\nL.backward()",
            shows="a.grad",
            right=1.0,
            wrong=3.0,
            says="This is the number itself. Where it is positive, relu gives back what went in, so it grows as fast as that: the slope "
            "is 1.",
            look="Value.relu",
        ),
        Mistake(
            name="relu with a slope of 1 at zero",
            example="a = Value(0.0)\nL = a.relu()\nL.backward()",
            shows="a.grad",
            right=0.0,
            wrong=1.0,
            says="At 0 there is a corner, and one has to choose; this course takes 0 there, as PyTorch does. Compare with > and not with "
            ">=.",
            look="Value.relu",
        ),
        _nothing("a.relu()", 3.0, 1.0, "Value.relu", "relu"),
        _no_chain("a.relu()", 3.0, 1.0, "Value.relu", "relu"),
        _in_the_operand("a.relu()", 3.0, 1.0, "Value.relu", "relu"),
        _last_only("a.relu()", 3.0, 1.0, "Value.relu", "relu"),
        Mistake(
            name="relu of a negative number has no parent",
            example="a = Value(-2.0)\nM = 3 * a\nM.backward()\nL = a.relu()\nL.backward()",
            shows="a.grad",
            right=0.0,
            wrong=3.0,
            says="L was made from a, so L.backward() sets a's gradient, to 0. Here a still has the 3 that M left: L does not know of a. "
            "The result needs its parent also where nothing is passed on: Value(0.0, (self,), ...).",
            look="Value.relu",
        ),
    ),
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
