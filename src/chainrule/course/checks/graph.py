"""Exercise 3: the computation graph."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks, Diagnosis, Mistake
from chainrule.course.outcomes import Raises, has

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


DIAGNOSES = (
    Diagnosis(
        Case("a = Value(2.0)", "a.data", look="Value.__init__"),
        Mistake(
            "the new arguments have no defaults",
            wrong=Raises("TypeError", "missing"),
            says="A leaf has no parents and no operation, so Value(2.0) must still work. Give the new arguments defaults: parents=(), "
            'operation="", label="".',
        ),
    ),
    Diagnosis(
        Case('a = Value(2.0)\nc = Value(4.0, (a,), "*")', "c.data", look="Value.__init__"),
        Mistake(
            "__init__ does not take the parents",
            wrong=Raises("TypeError", "positional argument"),
            says="The second argument is the parents and the third the operation. Add them to the first line of __init__: parents=(), "
            'operation="".',
        ),
    ),
    Diagnosis(
        Case('a = Value(2.0)\nb = Value(-3.0, label="b")', "b.label", look="Value.__init__"),
        Mistake(
            "__init__ does not take a label",
            wrong=Raises("TypeError", "unexpected keyword argument 'label'"),
            says='A label is given by name, as in Value(-3.0, label="b"). Add it to the first line of __init__, as the last argument: '
            'label="".',
        ),
    ),
    Diagnosis(
        Case(
            'a = Value(2.0)\nb = Value(-3.0, label="b")',
            '[name for name in ("parents", "operation", "label") if not hasattr(b, name)]',
            [],
            look="Value.__init__",
        ),
        Mistake(
            "something is not kept, or has another name",
            wrong=lambda found: bool(found),
            says="These attributes are missing from b. An argument of __init__ is lost when it ends, unless it is assigned to self. The "
            "attributes must have these names, because pictures and later exercises use them.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)", "len(a.parents)", 0, look="Value.__init__"),
        Mistake(
            "a leaf has parents",
            wrong=lambda found: found > 0,
            says="Nothing has been calculated yet, and a has a parent already. __init__ adds one, perhaps the Value itself. Keep the "
            "parents that are passed, and add none: self.parents = tuple(parents).",
        ),
    ),
    Diagnosis(
        Case(SUM, "(len(a.parents), len(c.parents))", (0, 2), look="Value.__init__"),
        Mistake(
            "all Values share one list of parents",
            wrong=lambda found: min(found) > 0,
            says="a is a leaf, and yet it has parents: all Values share one list. A default such as parents=[] is made once, not for "
            "each call. Use () as the default, and pass (self, other) to the new Value.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)", "a.parents is None", False, look="Value.__init__"),
        Mistake(
            "the parents are None",
            wrong=True,
            says="Code that goes through the graph loops over a.parents, and a loop over None fails. If there are no parents, use an "
            "empty tuple: ().",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)", "(a.operation, a.label)", look="Value.__init__"),
        Mistake(
            "the operation or the label is None",
            wrong=has(None),
            says='Where there is no operation or no label, the text is empty: "". Then code that prints it needs no special case.',
        ),
    ),
    Diagnosis(
        Case('a = Value(2.0)\nb = Value(-3.0, label="b")', "b.label", look="Value.__init__"),
        Mistake(
            "the label is not the one given",
            wrong="",
            says='b was given the label "b", and its label is empty: __init__ sets self.label to "" whatever it is given. Write '
            "self.label = label.",
        ),
    ),
    Diagnosis(
        Case(BOTH, "[type(v.operation).__name__ for v in (c, d)]", ["str", "str"], look="Value.__add__ and Value.__mul__"),
        Mistake(
            "parents and operation have changed places",
            wrong=has("tuple", "list", "set"),
            says="The operation should be a text, and here it is the parents. The order is Value(data, parents, operation): first (self, "
            'other), then "+" or "*".',
        ),
    ),
    Diagnosis(
        Case(SUM, "len(c.parents)", 2, look="Value.__add__"),
        Mistake(
            "the parents are passed one by one",
            wrong=Raises("TypeError", "'Value' object is not iterable"),
            says="The second argument should be a tuple of parents, and is a single Value. Put both into parentheses: Value(..., (self, "
            "other), ...).",
        ),
    ),
    Diagnosis(
        Case(SUM, "type(c.parents).__name__", "tuple", look="Value.__add__"),
        Mistake(
            "the parents are a single Value",
            wrong="Value",
            says="c.parents should be a tuple of Values, and is a single Value. (self) is self, with parentheses that do nothing: write "
            "(self, other), both in one argument.",
        ),
    ),
    Diagnosis(
        Case(SUM, "(len(a.parents), len(c.parents))", (0, 2), look="Value.__add__"),
        Mistake(
            "the operands get the parents",
            wrong=lambda found: found[0] > 0 and found[1] == 0,
            says="a is a leaf, and has a parent now; c was made from a and b, and has none. It should be the other way round: the result "
            "remembers its operands, and they do not know it.",
        ),
    ),
    Diagnosis(
        Case(SUM, "len(c.parents)", 2, look="Value.__add__"),
        Mistake(
            "a sum without parents",
            wrong=0,
            says="c was made from a and b, but has no parents. Pass them to the new Value, as its second argument: (self, other).",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}c = a * b", "len(c.parents)", 2, look="Value.__mul__"),
        Mistake(
            "a product without parents",
            wrong=0,
            says="c was made from a and b, but has no parents. The sum has them; pass (self, other) to the new Value in __mul__ too.",
        ),
    ),
    Diagnosis(
        Case(
            BOTH, "[type(parent).__name__ for v in (c, d) for parent in v.parents]", ["Value"] * 4, look="Value.__add__ and Value.__mul__"
        ),
        Mistake(
            "numbers as parents",
            wrong=has("float", "int"),
            says="There are plain numbers among the parents. They say how large a and b were, but not which Values they were: pass the "
            "Values, (self, other), not their data.",
        ),
    ),
    Diagnosis(
        Case(BOTH, "(len(c.parents), len(d.parents))", (2, 2), look="Value.__add__ and Value.__mul__"),
        Mistake(
            "only one parent",
            wrong=has(1),
            says="A sum or product of two Values has two parents, and here one of them has a single parent. Pass both operands: (self, "
            "other).",
        ),
    ),
    Diagnosis(
        Case(
            BOTH,
            "[sorted(parent.data for parent in v.parents) for v in (c, d)]",
            [[-3.0, 2.0], [-3.0, 2.0]],
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            "the same parent twice",
            wrong=has([2.0, 2.0], [-3.0, -3.0]),
            says="One operand is there twice, and the other is missing. Both are parents: (self, other).",
        ),
    ),
    Diagnosis(
        Case(
            f"{BOTH}\n\ndef has(made, v):\n    return any(parent is v for parent in made.parents)",
            "[has(c, a), has(c, b), has(d, a), has(d, b)]",
            [True, True, True, True],
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            "copies as parents",
            wrong=has(False),
            says="There are parents with the right numbers that are not a and b but copies of them. A gradient that is written to a copy "
            "never reaches a: put self and other themselves into the tuple.",
        ),
    ),
    Diagnosis(
        Case(
            "a = Value(2.0)\nc = a + 1\nd = a * 3",
            "[type(parent).__name__ for v in (c, d) for parent in v.parents]",
            ["Value"] * 4,
            look="Value.__add__ and Value.__mul__",
        ),
        Mistake(
            "the plain number itself as a parent",
            wrong=has("int"),
            says="All parents are Values, and here the plain number is one. Turn it into a Value first, as in exercise 2, under the same "
            "name: other = other if isinstance(other, Value) else Value(other).",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nc = a + 1\nd = a * 3", "(len(c.parents), len(d.parents))", (2, 2), look="Value.__add__ and Value.__mul__"),
        Mistake(
            "a plain number is left out",
            wrong=has(1),
            says="c was made from a and 1, so it has two parents: a, and the Value that was made from 1. Without the second one, nobody "
            "could calculate c from its parents.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nc = 1 + a\nd = 3 * a", "(len(c.parents), len(d.parents))", (2, 2), look="Value.__radd__ and Value.__rmul__"),
        Mistake(
            "a reflected form without parents",
            wrong=has(0),
            says="1 + a or 3 * a makes a new Value without parents. Let the reflected form use the plain one, as in return self + other: "
            "then the result has its parents and its operation.",
        ),
    ),
    Diagnosis(
        Case(BOTH, "(c.operation, d.operation)", look="Value.__add__ and Value.__mul__"),
        Mistake(
            "no operation",
            wrong=has(""),
            says="The result of an operation has no operation. The operation says how the result was calculated from the parents: pass "
            '"+" in __add__ and "*" in __mul__, as the third argument of the new Value.',
        ),
    ),
    Diagnosis(
        Case(f"{TWO}d = a * b", "d.operation", look="Value.__mul__"),
        Mistake(
            "the operation is that of the sum",
            wrong="+",
            says='d is a product, and its operation says that it is a sum. Did you copy __add__, and leave the "+" in it?',
        ),
    ),
    Diagnosis(
        Case(BOTH, "(c.operation, d.operation)", look="Value.__add__ and Value.__mul__"),
        Mistake(
            "the operation is a word",
            wrong=lambda found: all(isinstance(name, str) and name.strip("_").isalpha() for name in found),
            says='The operation is the sign that you write in a formula, "+" or "*". Pictures show it, and later exercises look for it.',
        ),
    ),
    Diagnosis(
        Case(BOTH, "[type(v.operation).__name__ for v in (c, d)]", ["str", "str"], look="Value.__add__ and Value.__mul__"),
        Mistake(
            "the operation is a function",
            wrong=lambda found: any("function" in name or "method" in name or name == "wrapper_descriptor" for name in found),
            says='The operation is a text, "+" or "*", not a function: it is only there to be read.',
        ),
    ),
)

CHECKS = Checks(
    requires=("Value",),
    diagnoses=DIAGNOSES,
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
