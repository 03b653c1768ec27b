"""Exercise 1: a smart number."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks, Diagnosis, Mistake
from chainrule.course.outcomes import Raises, has, is_none

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE, RIGHT = "a = Value(2.0)", "Value(data=2.0, grad=0.0)"


def more() -> Iterator[Case]:
    """Numbers that nobody thought of."""
    rng = random.Random(1)
    for _ in range(20):
        data, grad = rng.randint(-99, 99) / rng.choice((1, 2, 8)), rng.randint(-9, 9) / 4
        yield Case(f"a = Value({data!r})", "(a.data, a.grad, repr(a))", look="Value")
        yield Case(f"a = Value({data!r})\na.grad = {grad!r}", "repr(a)", look="Value.__repr__")


DIAGNOSES = (
    Diagnosis(
        Case(ONE, "a.data", look="Value"),
        Mistake(
            "__init__ has another name",
            wrong=Raises("TypeError", "takes no arguments"),
            says="Value(2.0) makes an object and passes the 2.0 to its __init__, but the class has no __init__. The name has two "
            "underscores on either side: __init__, not _init_ or __int__.",
        ),
    ),
    Diagnosis(
        Case(ONE, "a.data", look="Value.__init__"),
        Mistake(
            "__init__ lacks an argument",
            wrong=Raises("TypeError", "takes 1 positional argument but 2 were given"),
            says="Python passes two arguments to __init__, the new object and the 2.0, and yours takes one. The object comes first: "
            "__init__(self, data).",
        ),
        Mistake(
            "__init__ returns something",
            wrong=Raises("TypeError", "should return None"),
            says="__init__ fills an object that exists already, and must not return anything. Remove the return; it is enough to assign "
            "to self.",
        ),
    ),
    Diagnosis(
        Case(ONE, "(hasattr(a, 'data'), sorted(vars(a)))", (True, ["data", "grad"]), look="Value.__init__"),
        Mistake(
            "the number is kept under another name",
            wrong=lambda found: not found[0] and bool(set(found[1]) - {"grad"}),
            says="The object has these attributes, and none of them is called data. All later exercises read a.data, so assign to "
            "self.data.",
        ),
    ),
    Diagnosis(
        Case(ONE, "a.data", look="Value.__init__"),
        Mistake(
            "the number is not kept",
            wrong=Raises("AttributeError", "'data'"),
            says="a has no attribute data. A variable inside __init__ is gone when __init__ ends; only what is assigned to self stays: "
            "write self.data = ..., with one =.",
        ),
    ),
    Diagnosis(
        Case(ONE, "a.grad", look="Value.__init__"),
        Mistake(
            "no gradient",
            wrong=Raises("AttributeError", "'grad'"),
            says="a has no attribute grad. Its value is not known yet, but it must exist: write self.grad = 0.0 in __init__.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nb = Value(-3.0)", "(a.data, b.data)", look="Value.__init__"),
        Mistake(
            "all Values share one number",
            wrong=(-3.0, -3.0),
            says="Making b has changed a: the number belongs to the class, not to the object. Assign to self.data, not to Value.data.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.5)", "a.data", look="Value.__init__"),
        Mistake(
            "the number is cut to an integer",
            wrong=lambda found: isinstance(found, (int, float)) and found in (2, 3),
            says="2.5 has lost its fractional part. Numbers here are floats: write float(data), not int(data) or round(data).",
        ),
    ),
    Diagnosis(
        Case("a = Value(2)", "type(a.data).__name__", "float", look="Value.__init__"),
        Mistake(
            "an integer stays an integer",
            wrong="int",
            says="Value(2) should hold the float 2.0, so that all Values calculate in the same way. Write self.data = float(data).",
        ),
    ),
    Diagnosis(
        Case(ONE, "a.grad", look="Value.__init__"),
        Mistake(
            "the gradient is None",
            wrong=is_none,
            says="Gradients will be added up, and nothing can be added to None. Begin with the number 0.0.",
        ),
        Mistake(
            "the gradient begins at one",
            wrong=1.0,
            says="A gradient of 1 would mean that a result grows as fast as a, and there is no result yet. Begin with 0.0.",
        ),
        Mistake(
            "the gradient begins as the data",
            wrong=2.0,
            says="This is the number, not its gradient: how a result depends on a has nothing to do with how large a is. Begin with 0.0.",
        ),
    ),
    Diagnosis(
        Case(ONE, "(str(a), repr(a)[:7])", ("Value(data=2.0, grad=0.0)", "Value(d"), look="Value.__str__"),
        Mistake(
            "__str__ instead of __repr__",
            wrong=lambda found: found[0].startswith("Value(") and found[1].startswith("<"),
            says="print(a) is readable now, but a list of Values still shows addresses in memory: lists, the prompt and notebooks use "
            "__repr__. Name the method __repr__; print uses it too.",
        ),
    ),
    Diagnosis(
        Case(ONE, "repr(a)[:7]", "Value(d", look="Value"),
        Mistake(
            "no __repr__",
            wrong=lambda found: found.startswith("<"),
            says="Python shows an address in memory, because the class does not say how a Value is written. Define __repr__(self), with "
            "two underscores on either side.",
        ),
    ),
    Diagnosis(
        Case(ONE, "repr(a)", look="Value.__repr__"),
        Mistake(
            "__repr__ lacks self",
            wrong=Raises("TypeError", "takes 0 positional arguments"),
            says="Python passes the object to __repr__, and yours takes no argument. Write __repr__(self).",
        ),
        Mistake(
            "data instead of self.data",
            wrong=Raises("NameError", "'data'"),
            says="data was an argument of __init__ and is not known in __repr__. The object keeps it: write self.data, and also self.grad.",
        ),
        Mistake(
            "__repr__ prints instead of returning",
            wrong=Raises("TypeError", "__repr__ returned non-string (type NoneType)"),
            says="__repr__ gives None, which is what a function without a return gives. It must return the text, not print it.",
        ),
        Mistake(
            "__repr__ returns no text",
            wrong=Raises("TypeError", "__repr__ returned non-string"),
            says="__repr__ must return a text. Put the numbers into a text, for example with an f-string.",
        ),
        Mistake(
            "a text without its numbers",
            wrong=has("{"),
            says="The text contains the braces themselves. Python replaces them by numbers only if there is an f before the quotes: "
            'f"Value(data={self.data}, ...".',
        ),
    ),
    Diagnosis(
        Case("b = Value(-3.5)", "repr(b)", look="Value.__repr__"),
        Mistake(
            "the text is always the same",
            wrong="Value(data=2.0, grad=0.0)",
            says="This is the text of the example in the task, whatever the number is. Put this Value's own number in: {self.data}.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\na.grad = 0.5", "repr(a)", look="Value.__repr__"),
        Mistake(
            "the text has a gradient of its own",
            wrong="Value(data=2.0, grad=0.0)",
            says="The gradient has changed to 0.5, and the text still says 0.0. Use the gradient that the object has now: {self.grad}.",
        ),
    ),
    Diagnosis(
        Case("a = Value(0.12345)", "repr(a)", look="Value.__repr__"),
        Mistake(
            "the text rounds",
            wrong=lambda found: re.fullmatch(r"Value\(data=0\.1[0-9]*, grad=0\.0+\)", found) and found != "Value(data=0.12345, grad=0.0)",
            says="The number is 0.12345, and the text shows another one, which would be misleading when you look for an error. Leave out "
            "the format: {self.data} shows all digits.",
        ),
    ),
    Diagnosis(
        Case(ONE, "repr(a)", look="Value.__repr__"),
        Mistake(
            "the text has other spaces or quotes",
            wrong=lambda found: re.sub(r"[\s'\"]", "", found).lower() == RIGHT.replace(" ", "").lower() and found != RIGHT,
            says="Only spaces, quotes or capitals differ. Compare the two letter by letter: no space beside =, one after the comma.",
        ),
        Mistake(
            "the text lacks the gradient",
            wrong="Value(data=2.0)",
            says="The number is there; the gradient is missing. In exercise 4 you will want to see both: Value(data=..., grad=...).",
        ),
    ),
)

CHECKS = Checks(
    requires=("Value",),
    diagnoses=DIAGNOSES,
    cases=(
        Case(ONE, "a.data", look="Value.__init__"),
        Case(ONE, "a.grad", look="Value.__init__"),
        Case("a = Value(2)", "a.data", look="Value.__init__"),
        Case("a = Value(-0.5)", "a.data", look="Value.__init__"),
        Case("a = Value(2.0)\nb = Value(-3.0)", "(a.data, b.data)", look="Value.__init__"),
        Case("a = Value(2.0)\na.data = 5.0\na.grad = 0.5", "(a.data, a.grad)", look="Value.__init__"),
        Case(ONE, "repr(a)", look="Value.__repr__"),
        Case("a = Value(2)", "repr(a)", look="Value.__repr__"),
        Case("a = Value(-3.5)", "repr(a)", look="Value.__repr__"),
        Case("a = Value(2.0)\na.grad = 0.5", "repr(a)", look="Value.__repr__"),
        Case("both = [Value(1.0), Value(0.1)]", "str(both)", look="Value.__repr__"),
    ),
    more=more,
)
