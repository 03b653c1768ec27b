"""Exercise 0: derivatives as sensitivity."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks, Mistake, Question
from chainrule.course.outcomes import Raises, is_none, one_of, other_than

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE, SEVERAL = "numerical_derivative", "sensitivities"
SQUARE = "def square(x):\n    return x * x\n"
CUBE = "def cube(x):\n    return x * x * x\n"
THREE = "def f(a, b, c):\n    return a * b + c\n"
SUM = "def f(a, b):\n    return a + 10 * b\n"
SQUARES = "def f(a, b):\n    return a * a + b * b\n"
SEEN_ONE = "seen = []\ndef f(x):\n    seen.append(x)\n    return x * x\n\nnumerical_derivative(f, 3.0, h=0.25)"
SEEN_TWO = "seen = []\ndef f(a, b):\n    seen.append(a)\n    return a * b\n\nsensitivities(f, [3.0, 2.0], h=0.25)"
AT_THREE, NEARLY = f"{ONE}(square, 3.0, h=0.25)", 1e-4


_about = partial(one_of, tolerance=1e-5)  # the accuracy of a numerical derivative


def more() -> Iterator[Case]:
    """Functions that nobody thought of: of one input, then of more."""
    rng = random.Random(0)
    for _ in range(6):
        p, q, x = (rng.randint(-4, 4) for _ in range(3))
        yield Case(f"def f(x):\n    return {p} * x * x + {q} * x", f"{ONE}(f, {x / 2})", look=ONE, tolerance=NEARLY)
    for count in (1, 2, 3, 5):
        names = "abcde"[:count]
        terms = [f"{rng.randint(-4, 4)} * {name} * {rng.choice(names)}" for name in names]
        inputs = [rng.randint(-6, 6) / 2 for _ in names]
        yield Case(f"def f({', '.join(names)}):\n    return {' + '.join(terms)}", f"{SEVERAL}(f, {inputs})", look=SEVERAL, tolerance=NEARLY)


QUESTIONS = (
    # --- one input
    Question(
        Case(SQUARE, AT_THREE, look=ONE),
        Mistake(
            "nothing is returned",
            wrong=is_none,
            says="A function without a return gives None. End it with return and the quotient; print only shows a number and does not "
            "hand it on.",
        ),
        Mistake(
            "h is added to the result, not to x",
            wrong=1.0,
            says="This is 1 for every function: f(x) + h and f(x) - h are 2h apart, whatever f does. Nudge what goes into f: f(x + h), "
            "f(x - h).",
        ),
        Mistake(
            "the two results are added",
            wrong=_about(36.25, 18.125, 9.0625, 72.5),
            says="This was made from the sum of the two results, 3.25² + 2.75², which says how high the curve is. How fast it rises is in "
            "their difference: f(x + h) - f(x - h).",
        ),
        Mistake(
            "the difference is not divided",
            wrong=_about(3.0, 3.25 * 3.25 - 9.0, 9.0 - 2.75 * 2.75),
            says="This is how far the result moved, not yet how fast: 3.25² - 2.75² is 3. Divide by how far the input moved, which is "
            "from x - h to x + h: 2 * h.",
        ),
        Mistake(
            "divided by h instead of 2h",
            wrong=12.0,
            says="This is twice as much as it should be. Between x - h and x + h lie two steps of h, so the difference is divided by 2 * "
            "h.",
        ),
        Mistake(
            "the quotient lacks its parentheses",
            wrong=_about(3.0 / 2 * 0.25, 3.25 * 3.25 - 2.75 * 2.75 / 0.5, 3.25 * 3.25 - 2.75 * 2.75 / 2 * 0.25),
            says="Python divides before it subtracts, and from left to right: a / 2 * h is (a / 2) * h. Put the difference into "
            "parentheses, and 2 * h too: (...) / (2 * h).",
        ),
        Mistake(
            "the difference is the wrong way round",
            wrong=-6.0,
            says="The square grows at 3, and this says that it falls. The value at x + h comes first, and that at x - h is taken from it.",
        ),
        Mistake(
            "one side only",
            wrong=_about(6.25, 5.75),
            says="This compares f(x) with one neighbour. A curve bends on the way there, which costs an error in the size of h, here "
            "0.25. With both neighbours, f(x + h) and f(x - h), the bends cancel.",
        ),
        Mistake(
            "one side only, and divided by 2h",
            wrong=_about(3.125, 2.875),
            says="From f(x) to its neighbour is one step of h, and you divide by two. Take both neighbours, f(x + h) - f(x - h): then 2 * "
            "h is right.",
        ),
    ),
    Question(
        Case(SQUARE, f"{ONE}(square, -3.0, h=0.25)", look=ONE),
        Mistake(
            "the sign is lost",
            wrong=6.0,
            says="At -3 the square falls when x grows, so its derivative is negative. Leave abs out: the sign says which way to go.",
        ),
    ),
    Question(
        Case("def f(x):\n    return x * x / 4\n", f"{ONE}(f, 3.0, h=0.25)", look=ONE),
        Mistake(
            "the result is cut to an integer",
            wrong=_about(1.0, 2.0),
            says="1.5 has lost what is behind its point. Divide with /, not //, and do not round: most derivatives are no integers.",
        ),
    ),
    Question(
        Case(SEEN_ONE, "max(seen) - min(seen)", 0.5, look=ONE),
        Mistake(
            "the h that is given is not used",
            wrong=lambda found: found < 0.01,
            says="f was asked at points that are much closer together than 2 * 0.25: the h in use is another one than the caller gave. "
            "Use the argument, and do not set h in the function.",
        ),
    ),
    Question(
        Case("def f(x):\n    return 3 * x\n", f"{ONE}(f, 100.0)", 3.0, look=ONE),
        Mistake(
            "h is far too small",
            wrong=lambda found: isinstance(found, (int, float)) and NEARLY < abs(found - 3.0) < 1e6,
            says="A float has about 16 digits. If h is so small, 100 + h and 100 - h agree in nearly all of them or in all, and the "
            "difference is made of rounding. The default should be h=1e-6.",
        ),
    ),
    Question(
        Case(CUBE, f"{ONE}(cube, 0.1)", 0.03, look=ONE),
        Mistake(
            "h is far too large",
            wrong=lambda found: isinstance(found, (int, float)) and 5e-7 < found - 0.03 < 10,
            says="With so large an h, this is the slope of a long chord, not of the curve at x: h² too much, for a cube. The default "
            "should be h=1e-6.",
        ),
    ),
    # --- several inputs
    Question(
        Case(THREE, f"{SEVERAL}(f, [2.0, -4.0, 10.0])", [-4.0, 2.0, 1.0], look=SEVERAL),
        Mistake(
            "f is not given all its inputs",
            wrong=Raises("TypeError", "missing"),
            says="f wants three numbers and got one thing: a list, or one of the inputs alone. Hand it all of them, each as an argument "
            "of its own: f(*values).",
        ),
    ),
    Question(
        Case(THREE, f"type({SEVERAL}(f, [2.0, -4.0, 10.0])).__name__", "list", look=SEVERAL),
        Mistake(
            "no list is returned",
            wrong=one_of("NoneType", "generator", "map", "dict"),
            says="One number for each input is asked for, in a list and in the inputs' order. Collect them, and return the list at the "
            "end.",
        ),
    ),
    Question(
        Case(THREE, f"{SEVERAL}(f, [2.0, -4.0, 10.0])", [-4.0, 2.0, 1.0], look=SEVERAL),
        Mistake(
            "the loop ends in its first round",
            wrong=_about(-4.0, [-4.0]),
            says="Only the first input is there. A return inside the loop ends it in its first round: move it out, to the left.",
        ),
        Mistake(
            "all inputs are nudged at once",
            wrong=_about([-1.0, -1.0, -1.0]),
            says="-1 is what comes out if a, b and c all move together: -4 + 2 + 1. Nudge one input and leave the others where they are.",
        ),
        Mistake(
            "the last input is nudged in each round",
            wrong=_about([1.0, 1.0, 1.0]),
            says="1 is the slope in c, the last input, and it is there three times: c was nudged in each round. A function that is made "
            "in a loop looks i up only when it is called, and if that is after the loop, i is the last. Call it in the same round, or "
            "give it an i of its own: lambda v, i=i: ...",
        ),
    ),
    Question(
        Case(SQUARES, f"{SEVERAL}(f, [3.0, 1.0], h=0.25)", [6.0, 2.0], look=SEVERAL),
        Mistake(
            "one number for all inputs",
            wrong=8.0,
            says="This is one number, 6 + 2: the derivatives added up, or all inputs nudged together, which is the same. Nudge one input "
            "at a time, and give each derivative its own place in the list.",
        ),
    ),
    Question(
        Case(THREE, f"{SEVERAL}(f, [2.0, -4.0, 10.0])", [-4.0, 2.0, 1.0], look=SEVERAL),
        Mistake(
            "earlier nudges stay",
            wrong=_about([-4.0, -2.0, -1.0]),
            says="The first number is right; the second is -4 + 2, for a is still nudged when b's turn comes. Begin each round with a "
            "fresh copy of the inputs, or put the input back.",
        ),
    ),
    Question(
        Case(f"{THREE}\ninputs = [2.0, -4.0, 10.0]\nsensitivities(f, inputs, h=0.25)", "inputs", [2.0, -4.0, 10.0], look=SEVERAL),
        Mistake(
            "the caller's list is changed",
            wrong=other_than([2.0, -4.0, 10.0], 1e-6),
            says="inputs belongs to the caller, who goes on with other numbers now and does not know it. Nudge a copy: nudged = "
            "list(inputs). A second name, nudged = inputs, is no copy.",
        ),
    ),
    Question(
        Case(SUM, f"{SEVERAL}(f, [3.0, 3.0])", [1.0, 10.0], look=SEVERAL),
        Mistake(
            "equal inputs are confused",
            wrong=_about([1.0, 1.0], [11.0, 11.0]),
            says="Both inputs are 3, and are told apart by their value: inputs.index(x) finds the first 3 each time, and == finds both. "
            "Go by position: for i in range(len(inputs)).",
        ),
    ),
    Question(
        Case(SQUARES, f"{SEVERAL}(f, [3.0, 1.0], h=0.25)", [6.0, 2.0], look=SEVERAL),
        Mistake(
            "one side only, for several inputs",
            wrong=_about([6.25, 2.25], [5.75, 1.75]),
            says="For one input, both neighbours are compared; here the value in the middle is compared with one. Nudge each input up and "
            "down.",
        ),
        Mistake(
            "the differences are not divided by 2h",
            wrong=_about([3.0, 1.0], [12.0, 4.0]),
            says="Each difference must be divided by how far its input moved: 2 * h, as for one input.",
        ),
    ),
    Question(
        Case(SEEN_TWO, "max(seen) - min(seen)", 0.5, look=SEVERAL),
        Mistake(
            "h is not handed on",
            wrong=lambda found: 0 < found < 0.01,
            says="The caller gave h=0.25, and a moved far less than from 2.75 to 3.25. If you call numerical_derivative, hand h on to it.",
        ),
    ),
)

CHECKS = Checks(
    requires=(ONE, SEVERAL),
    questions=QUESTIONS,
    cases=(
        Case("def f(x):\n    return 3 * x", f"{ONE}(f, 2.0)", 3.0, look=ONE, tolerance=NEARLY),
        Case("def f(x):\n    return 7.0", f"{ONE}(f, 2.0)", 0.0, look=ONE, tolerance=NEARLY),
        Case(SQUARE, f"{ONE}(square, 3.0)", 6.0, look=ONE, tolerance=NEARLY),
        Case(SQUARE, f"{ONE}(square, 3)", 6.0, look=ONE, tolerance=NEARLY),
        Case(SQUARE, AT_THREE, 6.0, look=ONE),
        Case(SQUARE, f"{ONE}(square, -3.0, 0.25)", -6.0, look=ONE),
        Case(SQUARE, f"{ONE}(square, 0.0)", 0.0, look=ONE, tolerance=NEARLY),
        Case(CUBE, f"{ONE}(cube, 2.0)", 12.0, look=ONE, tolerance=NEARLY),
        Case("from math import sin", f"{ONE}(sin, 0.0)", 1.0, look=ONE, tolerance=NEARLY),
        Case("from math import exp", f"{ONE}(exp, 1.0)", look=ONE, tolerance=NEARLY),
        Case(SQUARE, f"{SEVERAL}(square, [3.0])", [6.0], look=SEVERAL, tolerance=NEARLY),
        Case("def f(a, b):\n    return a * b", f"{SEVERAL}(f, [2.0, -3.0])", [-3.0, 2.0], look=SEVERAL, tolerance=NEARLY),
        Case(SUM, f"{SEVERAL}(f, [3.0, 3.0])", [1.0, 10.0], look=SEVERAL, tolerance=NEARLY),
        Case(THREE, f"{SEVERAL}(f, [2, -3, 10])", [-3.0, 2.0, 1.0], look=SEVERAL, tolerance=NEARLY),
        Case(SQUARES, f"{SEVERAL}(f, [3.0, 1.0], h=0.25)", [6.0, 2.0], look=SEVERAL),
        Case(CUBE, f"{SEVERAL}(cube, [0.1])", [0.03], look=SEVERAL, tolerance=NEARLY),
        Case(f"{SUM}\ninputs = [3.0, 3.0]\nsensitivities(f, inputs)", "inputs", [3.0, 3.0], look=SEVERAL),
    ),
    more=more,
)
