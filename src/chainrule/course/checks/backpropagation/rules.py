"""Exercise 4, the rules of sums and products."""

from __future__ import annotations

from typing import Any

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.backpropagation.examples import AB
from chainrule.course.outcomes import Raises, has, one_of

BY_HAND = "a.grad, b.grad, L.grad = 10.0, 10.0, 1.0\nL._backward()"


def _only_one(found: Any) -> bool:
    """Only one of the operands got a gradient."""
    return 0.0 in found and found != (0.0, 0.0)


def _in_an_operand(operation: str, right: tuple[float, float], look: str, name: str) -> Diagnosis:
    """The mistake of keeping the rule in an operand in place of the result."""
    example = (
        f'{AB}before = [getattr(node, "_backward", None) for node in (a, b)]\n'
        f"L = (a {operation} b) + (a {operation} b)\n"
        'changed = before != [getattr(node, "_backward", None) for node in (a, b)]\nL.backward()'
    )
    return Diagnosis(
        Case(example, "(changed, a.grad, b.grad)", (False, *right), look=look),
        Mistake(
            f"the {name}'s rule is kept in an operand",
            wrong=lambda found: found[0] is True and found[1:] != right,
            says=f"a {operation} b has changed the rule of one of its operands: the function was stored in self._backward or "
            "other._backward. An operand can hold only one rule, so a second use of it replaces the first. Store the rule in the result: "
            "out._backward = _backward.",
        ),
    )


def _too_early(operation: str, right: tuple[float, float], look: str, name: str) -> Diagnosis:
    """The mistake of reading the result's gradient when the rule is made, not when it is called."""
    example = (
        f"{AB}L = a {operation} b\n"
        "kept = [cell.cell_contents for cell in L._backward.__closure__ or ()] + list(L._backward.__defaults__ or ())\n"
        "numbers = [number for number in kept if isinstance(number, (int, float))]\nL.backward()"
    )
    return Diagnosis(
        Case(example, "(0.0 in numbers, a.grad, b.grad)", (False, *right), look=look),
        Mistake(
            f"the {name} reads its gradient too early",
            wrong=(True, 0.0, 0.0),
            says="The rule multiplies by 0.0, which was the value of out.grad when out was made. The gradient arrives later, during "
            "backward(), so read out.grad inside the inner function, which runs at that time.",
        ),
    )


def _never(operation: str, right: tuple[float, float], look: str, name: str) -> Diagnosis:
    """The mistake of a rule that does not run, or does nothing."""
    return Diagnosis(
        Case(f"{AB}L = a {operation} b\nL.backward()", "(L.grad, a.grad, b.grad)", (1.0, *right), look=look),
        Mistake(
            f"the {name}'s rule is never called",
            wrong=(1.0, 0.0, 0.0),
            says="L has its gradient, 1, but a and b got none. There are three possible reasons: the function is never stored "
            "(out._backward = _backward, without parentheses); backward() never calls it (node._backward(), with parentheses); or "
            "it does not add what it calculates (self.grad += ..., and the same for other.grad).",
        ),
    )


DIAGNOSES = (
    # --- what backward starts with
    Diagnosis(
        Case(f"{AB}L = a * b\nL.backward()", "(a.grad, b.grad)", look="Value.__mul__"),
        Mistake(
            "the rule is called, not kept",
            wrong=Raises("TypeError", "'NoneType' object is not callable"),
            says="_backward() with parentheses calls the function at once and stores its result, None. Store the function itself, "
            "without parentheses: out._backward = _backward.",
        ),
    ),
    _in_an_operand("+", (2.0, 2.0), "Value.__add__", "sum"),
    _in_an_operand("*", (-6.0, 4.0), "Value.__mul__", "product"),
    Diagnosis(
        Case(
            f"{AB}L = a * b\nrule, seen = L._backward, []\ndef watched():\n    rule()\n    seen.extend([L.grad, a.grad])\n\n"
            "L._backward = watched\nL.backward()",
            "(seen, [L.grad, a.grad])",
            ([1.0, -3.0], [1.0, -3.0]),
            look="Value.backward",
        ),
        Mistake(
            "the gradients are wiped out after use",
            wrong=lambda found: len(found[0]) == 2 and found[0][0] == 1.0 and any(b == 0.0 != a for a, b in zip(*found, strict=True)),
            says="The first list has the gradients right after L's rule had run, the second those after backward(): some have become 0. "
            "The gradients are the result of backward(), so they must stay. Set all of them to zero before the sweep, in a loop of "
            "its own, and none of them during the sweep or after it.",
        ),
    ),
    Diagnosis(
        Case(f"{AB}L = a * b\nL.backward()", "(L.grad, a.grad, b.grad)", (1.0, -3.0, 2.0), look="Value.backward"),
        Mistake(
            "no seed",
            wrong=lambda found: found[0] == 0.0,
            says="dL/dL is 1, but L.grad is 0 after backward(). Either it was never set to 1, or it was set to 0 again later. First set "
            "the gradients of all nodes to zero, then set self.grad = 1.0, and only then begin the sweep, which must not set any "
            "gradient to zero.",
        ),
    ),
    Diagnosis(
        Case(f"{AB}L = a + b\nL.backward()", "(L.grad, a.grad, b.grad)", (1.0, 1.0, 1.0), look="Value.backward"),
        Mistake(
            "every gradient begins at 1",
            wrong=(1.0, 2.0, 2.0),
            says="a got 1 from L, and its gradient was 1 before. Only the gradient of the result begins at 1, since dL/dL is 1; all "
            "others begin at 0.",
        ),
    ),
    Diagnosis(
        Case(
            f"{AB}L = a * b\nL.backward()\nfound = a.grad, b.grad\na.grad, b.grad, L.grad = 0.0, 0.0, 1.0\n"
            "L._backward()\nrule_alone = a.grad, b.grad",
            "(found, rule_alone)",
            ((-3.0, 2.0), (-3.0, 2.0)),
            look="Value.backward",
        ),
        Mistake(
            "every node's backward is called",
            wrong=((1.0, 1.0), (-3.0, 2.0)),
            says="The product's rule alone is right, but after L.backward() the gradients of a and b are 1, as if each of them were the "
            "result. Call backward() only on the result; for every node in the order, it calls _backward(), with the underscore.",
        ),
    ),
    # --- the rules, one operation at a time
    Diagnosis(
        Case(f"{AB}L = a + b\n{BY_HAND}", "(a.grad, b.grad)", (11.0, 11.0), look="Value.__add__"),
        Mistake(
            "the sum's rule takes the wrong gradient",
            wrong=has(20.0),
            says="L.grad is 1, so the gradient of each operand should grow by 1. Here an operand's own gradient was added in place of "
            "the result's: the gradient that arrives from the result is out.grad.",
        ),
    ),
    Diagnosis(
        Case(f"{AB}L = a * b\n{BY_HAND}", "(a.grad, b.grad)", (7.0, 12.0), look="Value.__mul__"),
        Mistake(
            "the product's rule takes the wrong gradient",
            wrong=has(-20.0, -30.0, 30.0, 20.0),
            says="L.grad is 1, so the gradient of a should grow by b.data * 1 = -3. Here an operand's own gradient was multiplied in "
            "place of the result's: the gradient that arrives from the result is out.grad.",
        ),
    ),
    _too_early("*", (-3.0, 2.0), "Value.__mul__", "product"),
    _too_early("+", (1.0, 1.0), "Value.__add__", "sum"),
    _never("*", (-3.0, 2.0), "Value.__mul__", "product"),
    _never("+", (1.0, 1.0), "Value.__add__", "sum"),
    Diagnosis(
        Case(f"{AB}L = a * b\nL.backward()", "(a.grad, b.grad)", (-3.0, 2.0), look="Value.__mul__"),
        Mistake(
            "the product's factors are swapped",
            wrong=(2.0, -3.0),
            says="Each operand got its own number. If a grows by 1, a * b grows by b: the slope of a product in one factor is the other "
            "factor.",
        ),
        Mistake(
            "the product multiplies by out.data",
            wrong=(18.0, -12.0),
            says="Each slope, -3 and 2, was multiplied by -6, which is out.data, the product itself. Multiply by the gradient of the "
            "result instead: out.grad, which is 1 here.",
        ),
        Mistake(
            "the product uses its own number as the slope",
            wrong=(-6.0, -6.0),
            says="Each operand got -6, which is the product itself. If a grows by 1, a * b grows by b: the slope in one factor is the "
            "other factor.",
        ),
        Mistake(
            "the product passes on 1",
            wrong=(1.0, 1.0),
            says="This is the rule of the sum. If a grows by 1, a * b grows by b: multiply out.grad by the other factor.",
        ),
    ),
    Diagnosis(
        Case(f"{AB}L = a + b\nL.backward()", "(a.grad, b.grad)", (1.0, 1.0), look="Value.__add__"),
        Mistake(
            "the sum passes on the operands",
            wrong=one_of((-3.0, 2.0), (2.0, -3.0)),
            says="If a grows by 1, a + b grows by 1, whatever the numbers are: the sum passes out.grad on unchanged.",
        ),
        Mistake(
            "the sum passes on its own number",
            wrong=(-1.0, -1.0),
            says="Each operand got -1, which is out.data, the sum itself. A sum passes on the gradient of the result: out.grad, which is "
            "1 here.",
        ),
    ),
    Diagnosis(
        Case(f"{AB}L = a * b\nL.backward()", "(a.grad, b.grad)", (-3.0, 2.0), look="Value.__mul__"),
        Mistake(
            "only the first factor gets a gradient",
            wrong=_only_one,
            says="L depends on both factors, so _backward needs two lines: one for self.grad and one for other.grad.",
        ),
    ),
    Diagnosis(
        Case(f"{AB}L = a + b\nL.backward()", "(a.grad, b.grad)", (1.0, 1.0), look="Value.__add__"),
        Mistake(
            "only the first summand gets a gradient",
            wrong=_only_one,
            says="L depends on both summands, so _backward needs two lines: one for self.grad and one for other.grad.",
        ),
    ),
)
