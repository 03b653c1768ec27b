"""Exercise 5: the diagnoses that every operation of one operand needs."""

from __future__ import annotations

from typing import NamedTuple

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.outcomes import PLAIN_NUMBER, Raises, about


class Operation(NamedTuple):
    """An operation of one operand, which needs the same diagnoses as the others.

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


def kind_of(expression: str, look: str, name: str) -> Diagnosis:
    """The mistakes of returning nothing, or a plain number."""
    return Diagnosis(
        Case(f"a = Value(2.0)\nb = {expression}", "type(b).__name__", "Value", look=look),
        Mistake(
            f"nothing is returned by {name}",
            wrong="NoneType",
            says="A method without a return gives None: end it with return out.",
        ),
        Mistake(
            f"a float instead of a Value, in {name}",
            wrong=PLAIN_NUMBER,
            says=f"{expression} is a plain number here, so no gradient can flow back from it to a. "
            "Make a Value from the result, with its parents, and return that.",
        ),
    )


def made(operation: Operation) -> tuple[Diagnosis, ...]:
    """The mistakes in how the result is made."""
    expression, at, slope, look, name = operation
    return (
        Diagnosis(
            Case(f"a = Value({at})\nL = {expression}\nL.backward()", "a.grad", slope, look=look),
            Mistake(
                f"parents without a comma in {name}",
                wrong=Raises("TypeError", "'Value' object is not iterable"),
                says="(self) is just self; the comma makes a tuple with one element: (self,).",
            ),
            Mistake(
                f"the rule is called, not kept, in {name}",
                wrong=Raises("TypeError", "'NoneType' object is not callable"),
                says="_backward() with parentheses calls the function at once and stores its result, None. Store the function itself, "
                "without parentheses: out._backward = _backward.",
            ),
        ),
        kind_of(expression, look, name),
    )


def passed_on(operation: Operation) -> tuple[Diagnosis, ...]:
    """The mistakes in what is passed on, whatever the derivative."""
    expression, at, slope, look, name = operation
    return (
        Diagnosis(
            Case(f"a = Value({at})\nL = {expression}\nL.backward()", "a.grad", slope, look=look),
            Mistake(
                f"nothing is passed on by {name}",
                wrong=0.0,
                says="The number is right, but a gets no gradient. The result needs its parent, Value(..., (self,), ...), and its rule, "
                "out._backward = _backward; a sum or product of plain numbers, .data, has neither.",
            ),
        ),
        Diagnosis(
            Case(f"a = Value({at})\nb = {expression}\nL = 5 * b\nL.backward()", "a.grad", 5 * slope, look=look),
            Mistake(
                f"the gradient from above is missing in {name}",
                wrong=about(slope),
                says="This is db/da, and it should be dL/da. L grows 5 times as fast as b, so the gradient that arrives at b, 5, is "
                "missing. Multiply by out.grad.",
            ),
        ),
        Diagnosis(
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
                says=f"{expression} has changed the rule of a: the function was stored in self._backward. An operand can hold only one "
                "rule, so the second use of a replaces the first. Store the rule in the result: out._backward = _backward.",
            ),
        ),
        Diagnosis(
            Case(f"a = Value({at})\nb = {expression}\nc = {expression}\nL = b + 3 * c\nL.backward()", "a.grad", 4 * slope, look=look),
            Mistake(
                f"= instead of += in {name}",
                wrong=about(slope, 3 * slope),
                says="a is used twice: one use adds the slope once, the other three times, and the gradient is their sum. One of them is "
                "lost: with =, the later one replaces the earlier one. Write +=.",
            ),
        ),
    )
