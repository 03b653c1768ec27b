"""Exercise 1: a smart number."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks, Mistake, Raises

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


CHECKS = Checks(
    requires=("Value",),
    mistakes=(
        Mistake(
            name="__init__ has another name",
            example=ONE,
            shows="a.data",
            wrong=Raises("TypeError", "takes no arguments"),
            says="Value(2.0) makes an object and hands the 2.0 to its __init__, but the class has none. "
            "The name has two underscores on either side: __init__, not _init_ or __int__.",
            look="Value",
        ),
        Mistake(
            name="__init__ lacks an argument",
            example=ONE,
            shows="a.data",
            wrong=Raises("TypeError", "takes 1 positional argument but 2 were given"),
            says="Python hands __init__ two things, the new object and the 2.0, and yours takes one. The object comes first: "
            "__init__(self, data).",
            look="Value.__init__",
        ),
        Mistake(
            name="__init__ returns something",
            example=ONE,
            shows="a.data",
            wrong=Raises("TypeError", "should return None"),
            says="__init__ fills an object that is there already, and must not return anything. Take the return out; assigning to "
            "self is enough.",
            look="Value.__init__",
        ),
        Mistake(
            name="the number is kept under another name",
            example=ONE,
            shows="(hasattr(a, 'data'), sorted(vars(a)))",
            right=(True, ["data", "grad"]),
            wrong=lambda found: not found[0] and bool(set(found[1]) - {"grad"}),
            says="The object has these attributes, and none of them is called data. All exercises that follow read a.data: assign "
            "to self.data.",
            look="Value.__init__",
        ),
        Mistake(
            name="the number is not kept",
            example=ONE,
            shows="a.data",
            wrong=Raises("AttributeError", "'data'"),
            says="a has no data. A variable inside __init__ is gone when __init__ ends; only what is assigned to self stays: "
            "write self.data = ..., with one =.",
            look="Value.__init__",
        ),
        Mistake(
            name="no gradient",
            example=ONE,
            shows="a.grad",
            wrong=Raises("AttributeError", "'grad'"),
            says="a has no grad. Nobody knows it yet, but there must be a place for it: self.grad = 0.0 in __init__.",
            look="Value.__init__",
        ),
        Mistake(
            name="all Values share one number",
            example="a = Value(2.0)\nb = Value(-3.0)",
            shows="(a.data, b.data)",
            wrong=(-3.0, -3.0),
            says="Making b has changed a: the number belongs to the class, not to the object. Assign to self.data, not to Value.data.",
            look="Value.__init__",
        ),
        Mistake(
            name="the number is cut to an integer",
            example="a = Value(2.5)",
            shows="a.data",
            wrong=lambda found: isinstance(found, (int, float)) and found in (2, 3),
            says="2.5 has lost what is behind its point. Numbers here are floats: float(data), not int(data) or round(data).",
            look="Value.__init__",
        ),
        Mistake(
            name="an integer stays an integer",
            example="a = Value(2)",
            shows="type(a.data).__name__",
            right="float",
            wrong="int",
            says="Value(2) should hold the float 2.0, so that all Values calculate in the same way. Write self.data = float(data).",
            look="Value.__init__",
        ),
        Mistake(
            name="the gradient is None",
            example=ONE,
            shows="a.grad",
            wrong=lambda found: found is None,
            says="Gradients will be added up, and nothing can be added to None. Begin with the number 0.0.",
            look="Value.__init__",
        ),
        Mistake(
            name="the gradient begins at one",
            example=ONE,
            shows="a.grad",
            wrong=1.0,
            says="1 would say that a result follows a one to one, and there is no result yet. Begin with 0.0.",
            look="Value.__init__",
        ),
        Mistake(
            name="the gradient begins as the number",
            example=ONE,
            shows="a.grad",
            wrong=2.0,
            says="This is the number, not its gradient: how a result depends on a has nothing to do with how large a is. Begin with 0.0.",
            look="Value.__init__",
        ),
        Mistake(
            name="__str__ instead of __repr__",
            example=ONE,
            shows="(str(a), repr(a)[:7])",
            right=("Value(data=2.0, grad=0.0)", "Value(d"),
            wrong=lambda found: found[0].startswith("Value(") and found[1].startswith("<"),
            says="print(a) is readable now, but a list of Values still shows addresses in memory: lists, the prompt and notebooks "
            "ask __repr__. "
            "Call the method __repr__; print uses it too.",
            look="Value.__str__",
        ),
        Mistake(
            name="no __repr__",
            example=ONE,
            shows="repr(a)[:7]",
            right="Value(d",
            wrong=lambda found: found.startswith("<"),
            says="Python shows an address in memory, because the class does not say how a Value is written. "
            "Define __repr__(self), with two underscores on either side.",
            look="Value",
        ),
        Mistake(
            name="__repr__ lacks self",
            example=ONE,
            shows="repr(a)",
            wrong=Raises("TypeError", "takes 0 positional arguments"),
            says="Python hands the object to __repr__, and yours takes nothing. Its head is __repr__(self).",
            look="Value.__repr__",
        ),
        Mistake(
            name="data instead of self.data",
            example=ONE,
            shows="repr(a)",
            wrong=Raises("NameError", "'data'"),
            says="data was an argument of __init__ and is not known in __repr__. The object has kept it: self.data, and self.grad "
            "likewise.",
            look="Value.__repr__",
        ),
        Mistake(
            name="__repr__ prints instead of returning",
            example=ONE,
            shows="repr(a)",
            wrong=Raises("TypeError", "__repr__ returned non-string (type NoneType)"),
            says="__repr__ gives None, which is what a function without a return gives. It must return the text, not print it.",
            look="Value.__repr__",
        ),
        Mistake(
            name="__repr__ returns no text",
            example=ONE,
            shows="repr(a)",
            wrong=Raises("TypeError", "__repr__ returned non-string"),
            says="__repr__ must return a text. Put the numbers into one: an f-string does that.",
            look="Value.__repr__",
        ),
        Mistake(
            name="a text without its numbers",
            example=ONE,
            shows="repr(a)",
            wrong=lambda found: "{" in found,
            says="The braces are in the text as they stand. They are filled with numbers only if there is an f before the quotes: "
            'f"Value(data={self.data}, ...".',
            look="Value.__repr__",
        ),
        Mistake(
            name="the text is always the same",
            example="b = Value(-3.5)",
            shows="repr(b)",
            wrong="Value(data=2.0, grad=0.0)",
            says="This is the text of the example in the task, whatever the number is. Put this Value's own number in: {self.data}.",
            look="Value.__repr__",
        ),
        Mistake(
            name="the text has a gradient of its own",
            example="a = Value(2.0)\na.grad = 0.5",
            shows="repr(a)",
            wrong="Value(data=2.0, grad=0.0)",
            says="The gradient has changed to 0.5, and the text still says 0.0. It must look: {self.grad}.",
            look="Value.__repr__",
        ),
        Mistake(
            name="the text rounds",
            example="a = Value(0.12345)",
            shows="repr(a)",
            wrong=lambda found: re.fullmatch(r"Value\(data=0\.1[0-9]*, grad=0\.0+\)", found) and found != "Value(data=0.12345, grad=0.0)",
            says="The number is 0.12345, and the text shows another one: whoever looks for an error later is led astray. "
            "Leave the format out, {self.data}: Python then writes all digits that matter.",
            look="Value.__repr__",
        ),
        Mistake(
            name="the text has other spaces or quotes",
            example=ONE,
            shows="repr(a)",
            wrong=lambda found: re.sub(r"[\s'\"]", "", found).lower() == RIGHT.replace(" ", "").lower() and found != RIGHT,
            says="Only spaces, quotes or capitals differ. Compare the two letter by letter: no space beside =, one after the comma.",
            look="Value.__repr__",
        ),
        Mistake(
            name="the text lacks the gradient",
            example=ONE,
            shows="repr(a)",
            wrong="Value(data=2.0)",
            says="The number is there; the gradient is missing. In exercise 4 you will want to see both: Value(data=..., grad=...).",
            look="Value.__repr__",
        ),
    ),
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
