"""Exercise 3: the computation graph."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks, Mistake, Raises

if TYPE_CHECKING:
    from collections.abc import Iterator

TWO = "a = Value(2.0)\nb = Value(-3.0)\n"
SUM, BOTH = f"{TWO}c = a + b", f"{TWO}c = a + b\nd = a * b"

# Parents may be kept in a set, where there is no order, and where a + a has one parent: an example must not tell the difference.
FORMULA = """

def formula(v):
    if not v.parents:
        return str(v.data)
    return f" {v.operation} ".join(sorted({f"({formula(parent)})" for parent in v.parents}))
"""


def more() -> Iterator[Case]:
    """Random formulas, the short ones first."""
    rng = random.Random(3)
    for size in (1, 1, 2, 2, 3, 3, 4, 5, 6, 8):
        formula = rng.choice("ab")
        for _ in range(size):
            other = rng.choice(("a", "b", "2", "0.5", "(a + 1)", "(a * b)"))
            left, right = rng.choice(((formula, other), (other, formula)))
            formula = f"({left} {rng.choice('+*')} {right})"
        yield Case(f"{TWO}L = {formula[1:-1]}{FORMULA}", "(L.data, formula(L))")


CHECKS = Checks(
    requires=("Value",),
    mistakes=(
        Mistake(
            name="the new arguments have no defaults",
            example="a = Value(2.0)",
            shows="a.data",
            wrong=Raises("TypeError", "missing"),
            says="A number that is given has no parents and no operation, and Value(2.0) must go on working. "
            'Give the new arguments defaults: parents=(), operation="", label="".',
            look="Value.__init__",
        ),
        Mistake(
            name="__init__ does not take the parents",
            example='a = Value(2.0)\nc = Value(4.0, (a,), "*")',
            shows="c.data",
            wrong=Raises("TypeError", "positional argument"),
            says="The second argument is the parents and the third the operation. Write them into the head of __init__: "
            'parents=(), operation="".',
            look="Value.__init__",
        ),
        Mistake(
            name="__init__ does not take a label",
            example='a = Value(2.0)\nb = Value(-3.0, label="b")',
            shows="b.label",
            wrong=Raises("TypeError", "unexpected keyword argument 'label'"),
            says='A label is given by name, as in Value(-3.0, label="b"). Write it into the head of __init__, at its end: label="".',
            look="Value.__init__",
        ),
        Mistake(
            name="something is not kept, or has another name",
            example='a = Value(2.0)\nb = Value(-3.0, label="b")',
            shows='[name for name in ("parents", "operation", "label") if not hasattr(b, name)]',
            right=[],
            wrong=lambda found: bool(found),
            says="These attributes are missing from b. What __init__ is given is gone when it ends, unless it is assigned to self; "
            "and the names must be these, because pictures and later exercises ask for them.",
            look="Value.__init__",
        ),
        Mistake(
            name="a Value that was given has parents",
            example="a = Value(2.0)",
            shows="len(a.parents)",
            right=0,
            wrong=lambda found: found > 0,
            says="Nothing has been calculated yet, and a has a parent already. __init__ puts one in, perhaps the Value itself. "
            "Keep what it is given and nothing else: self.parents = tuple(parents).",
            look="Value.__init__",
        ),
        Mistake(
            name="all Values share one list of parents",
            example=SUM,
            shows="(len(a.parents), len(c.parents))",
            right=(0, 2),
            wrong=lambda found: min(found) > 0,
            says="a was given, not made, and has parents all the same: one list serves all Values. A default like parents=[] is "
            "made once, "
            "not for each call. Use () as the default, and hand (self, other) to the new Value.",
            look="Value.__init__",
        ),
        Mistake(
            name="the parents are None",
            example="a = Value(2.0)",
            shows="a.parents is None",
            right=False,
            wrong=True,
            says="Whoever walks through the graph will loop over a.parents, and None cannot be looped over. No parents are an "
            "empty tuple: ().",
            look="Value.__init__",
        ),
        Mistake(
            name="the operation or the label is None",
            example="a = Value(2.0)",
            shows="(a.operation, a.label)",
            wrong=lambda found: None in found,
            says='Where there is no operation or no label, the text is empty: "". Then whoever prints it need not ask first.',
            look="Value.__init__",
        ),
        Mistake(
            name="the label is not the one given",
            example='a = Value(2.0)\nb = Value(-3.0, label="b")',
            shows="b.label",
            wrong="",
            says='b was given the label "b", and has an empty one: __init__ sets self.label to "" whatever it is given. '
            "Write self.label = label.",
            look="Value.__init__",
        ),
        Mistake(
            name="parents and operation have changed places",
            example=BOTH,
            shows="[type(v.operation).__name__ for v in (c, d)]",
            right=["str", "str"],
            wrong=lambda found: "tuple" in found or "list" in found or "set" in found,
            says="The operation is a text, and holds the parents here. The order is Value(data, parents, operation): "
            'first (self, other), then "+" or "*".',
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="the parents are passed one by one",
            example=SUM,
            shows="len(c.parents)",
            right=2,
            wrong=Raises("TypeError", "'Value' object is not iterable"),
            says="The second argument is a tuple of parents, and was given a single Value. Put both into parentheses: Value(..., "
            "(self, other), ...).",
            look="Value.__add__",
        ),
        Mistake(
            name="the parents are a Value alone",
            example=SUM,
            shows="type(c.parents).__name__",
            right="tuple",
            wrong="Value",
            says="c.parents should be a tuple of Values, and is a single Value. (self) is self, with parentheses that do nothing: "
            "write (self, other), both in one argument.",
            look="Value.__add__",
        ),
        Mistake(
            name="the operands get the parents",
            example=SUM,
            shows="(len(a.parents), len(c.parents))",
            right=(0, 2),
            wrong=lambda found: found[0] > 0 and found[1] == 0,
            says="a was given, and has a parent now; c was made from a and b, and has none. It is the other way round: "
            "the result remembers its operands, and they know nothing of it.",
            look="Value.__add__",
        ),
        Mistake(
            name="a sum without parents",
            example=SUM,
            shows="len(c.parents)",
            right=2,
            wrong=0,
            says="c was made from a and b and does not know it. Hand them to the new Value, as its second argument: (self, other).",
            look="Value.__add__",
        ),
        Mistake(
            name="a product without parents",
            example=f"{TWO}c = a * b",
            shows="len(c.parents)",
            right=2,
            wrong=0,
            says="c was made from a and b and does not know it. The sum does; hand (self, other) to the new Value in __mul__ too.",
            look="Value.__mul__",
        ),
        Mistake(
            name="numbers as parents",
            example=BOTH,
            shows="[type(parent).__name__ for v in (c, d) for parent in v.parents]",
            right=["Value"] * 4,
            wrong=lambda found: "float" in found or "int" in found,
            says="There are plain numbers among the parents. They say how large a and b were, but lead back to neither: "
            "put the Values in, (self, other), not their data.",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="only one parent",
            example=BOTH,
            shows="(len(c.parents), len(d.parents))",
            right=(2, 2),
            wrong=lambda found: 1 in found,
            says="A sum or product of two Values has two parents, and here is one with a single one. Both operands count: (self, other).",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="the same parent twice",
            example=BOTH,
            shows="[sorted(parent.data for parent in v.parents) for v in (c, d)]",
            right=[[-3.0, 2.0], [-3.0, 2.0]],
            wrong=lambda found: [2.0, 2.0] in found or [-3.0, -3.0] in found,
            says="One operand is there twice, and the other is missing. Both are parents: (self, other).",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="copies as parents",
            example=f"{BOTH}\n\ndef has(made, v):\n    return any(parent is v for parent in made.parents)",
            shows="[has(c, a), has(c, b), has(d, a), has(d, b)]",
            right=[True, True, True, True],
            wrong=lambda found: False in found,
            says="There are parents with the right numbers that are not a and b but copies of them. "
            "What is written into a copy never reaches a: put self and other themselves into the tuple.",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="the plain number itself as a parent",
            example="a = Value(2.0)\nc = a + 1\nd = a * 3",
            shows="[type(parent).__name__ for v in (c, d) for parent in v.parents]",
            right=["Value"] * 4,
            wrong=lambda found: "int" in found,
            says="All parents are Values, and here the plain number is one. Make a Value of it first, as in exercise 2, under the "
            "same name: "
            "other = other if isinstance(other, Value) else Value(other).",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="a plain number is left out",
            example="a = Value(2.0)\nc = a + 1\nd = a * 3",
            shows="(len(c.parents), len(d.parents))",
            right=(2, 2),
            wrong=lambda found: 1 in found,
            says="c was made from a and 1, so it has two parents: a, and the Value that was made from 1. "
            "Without it, nobody could work out c again from its parents.",
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="a reflected form without parents",
            example="a = Value(2.0)\nc = 1 + a\nd = 3 * a",
            shows="(len(c.parents), len(d.parents))",
            right=(2, 2),
            wrong=lambda found: 0 in found,
            says="1 + a or 3 * a makes a Value of its own, without parents. Let the reflected form go through the other one, "
            "as in return self + other: then it remembers everything too.",
            look="Value.__radd__ and Value.__rmul__",
        ),
        Mistake(
            name="no operation",
            example=BOTH,
            shows="(c.operation, d.operation)",
            wrong=lambda found: "" in found,
            says="A Value that was made has no operation. It says how the parents were put together: "
            'hand the new Value "+" in __add__ and "*" in __mul__, as its third argument.',
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="the operation is that of the sum",
            example=f"{TWO}d = a * b",
            shows="d.operation",
            wrong="+",
            says='d is a product and says that it is a sum. Copied from __add__, with the "+" still in it?',
            look="Value.__mul__",
        ),
        Mistake(
            name="the operation is a word",
            example=BOTH,
            shows="(c.operation, d.operation)",
            wrong=lambda found: all(isinstance(name, str) and name.strip("_").isalpha() for name in found),
            says='The operation is the sign that one writes in a formula, "+" or "*". Pictures show it, and later exercises look for it.',
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            name="the operation is a function",
            example=BOTH,
            shows="[type(v.operation).__name__ for v in (c, d)]",
            right=["str", "str"],
            wrong=lambda found: any("function" in name or "method" in name or name == "wrapper_descriptor" for name in found),
            says='The operation is a text, "+" or "*", which is only there to be read.',
            look="Value.__add__ and Value.__mul__",
        ),
    ),
    cases=(
        Case('a = Value(2.0)\nb = Value(-3.0, label="b")', "(a.label, b.label, b.data, b.grad, b.operation)", look="Value.__init__"),
        Case("a = Value(2.0)", "list(a.parents)", look="Value.__init__"),
        Case('a = Value(2.0)\na.label = "width"', "a.label", look="Value.__init__"),
        Case(
            'a = Value(2.0)\nc = Value(4.0, (a,), "*", "c")',
            "(c.data, list(c.parents) == [a], c.operation, c.label)",
            look="Value.__init__",
        ),
        Case(SUM, "(c.data, c.grad, c.operation, c.label)", look="Value.__add__"),
        Case(SUM, "sorted(parent.data for parent in c.parents)", look="Value.__add__"),
        Case(f"{TWO}c = a * b", "(c.data, c.grad, c.operation, c.label)", look="Value.__mul__"),
        Case(f"{TWO}c = a * b", "sorted(parent.data for parent in c.parents)", look="Value.__mul__"),
        Case("a = Value(2.0)\nc = a + 1", "(c.data, c.operation, sorted(parent.data for parent in c.parents))", look="Value.__add__"),
        Case("a = Value(2.0)\nc = a * 3", "(c.data, c.operation, sorted(parent.data for parent in c.parents))", look="Value.__mul__"),
        Case("a = Value(2.0)\nc = 1 + a", "(c.data, c.operation, sorted(parent.data for parent in c.parents))", look="Value.__radd__"),
        Case("a = Value(2.0)\nc = 3 * a", "(c.data, c.operation, sorted(parent.data for parent in c.parents))", look="Value.__rmul__"),
        Case("a = Value(2.0)\nc = a + a", "(c.data, all(parent is a for parent in c.parents), len(a.parents))", look="Value.__add__"),
        Case(f"{TWO}d = a * b\nL = d + 10", "any(parent is d for parent in L.parents)", look="Value.__add__"),
        Case(f"{TWO}L = a * b + 10{FORMULA}", "(L.data, formula(L))"),
        Case(f"{TWO}L = 2 * (a + b) * a{FORMULA}", "(L.data, formula(L))"),
    ),
    more=more,
)
