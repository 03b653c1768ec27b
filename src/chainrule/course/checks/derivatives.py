"""Exercise 0: derivatives as sensitivity."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from chainrule.course.checking import Case, Checks, Diagnosis, Mistake
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


DIAGNOSES = (
    # --- one input
    Diagnosis(
        Case(SQUARE, AT_THREE, look=ONE),
        Mistake(
            "nothing is returned",
            wrong=is_none,
            says="A function without a return gives None. End it with return and the quotient; print only shows a number and does not "
            "return it.",
        ),
        Mistake(
            "h is added to the result, not to x",
            wrong=1.0,
            says="This gives 1 for every function: f(x) + h and f(x) - h are 2h apart, whatever f is. Nudge the argument of f instead: "
            "f(x + h) and f(x - h).",
        ),
        Mistake(
            "the two results are added",
            wrong=_about(36.25, 18.125, 9.0625, 72.5),
            says="This was made from the sum of the two results, 3.25² + 2.75², which says how high the curve is. Their difference says "
            "how fast it rises: f(x + h) - f(x - h).",
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
            says="This is twice as large as it should be. x - h and x + h are 2 * h apart, so divide the difference by 2 * h.",
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
            says="The square grows at 3, and this says that it falls. Subtract the value at x - h from the value at x + h, not the other "
            "way round.",
        ),
        Mistake(
            "one side only",
            wrong=_about(6.25, 5.75),
            says="This compares f(x) with one neighbour. The curve bends between the two points, which gives an error of about the size "
            "of h, here 0.25. With both neighbours, f(x + h) and f(x - h), the bends cancel.",
        ),
        Mistake(
            "one side only, and divided by 2h",
            wrong=_about(3.125, 2.875),
            says="f(x) and its neighbour are one h apart, and you divide by 2 * h. Use both neighbours, f(x + h) - f(x - h): then 2 * h "
            "is right.",
        ),
    ),
    Diagnosis(
        Case(SQUARE, f"{ONE}(square, -3.0, h=0.25)", look=ONE),
        Mistake(
            "the sign is lost",
            wrong=6.0,
            says="At -3 the square falls when x grows, so its derivative is negative. Do not use abs: the sign says whether the function "
            "rises or falls.",
        ),
    ),
    Diagnosis(
        Case("def f(x):\n    return x * x / 4\n", f"{ONE}(f, 3.0, h=0.25)", look=ONE),
        Mistake(
            "the result is cut to an integer",
            wrong=_about(1.0, 2.0),
            says="1.5 has lost its fractional part. Divide with /, not //, and do not round: most derivatives are not integers.",
        ),
    ),
    Diagnosis(
        Case(SEEN_ONE, "max(seen) - min(seen)", 0.5, look=ONE),
        Mistake(
            "the h that is given is not used",
            wrong=lambda found: found < 0.01,
            says="f was called at points that are much closer together than 2 * 0.25, so the function uses another h than the one that "
            "it was given. Use the argument h, and do not assign to h in the function.",
        ),
    ),
    Diagnosis(
        Case("def f(x):\n    return 3 * x\n", f"{ONE}(f, 100.0)", 3.0, look=ONE),
        Mistake(
            "h is far too small",
            wrong=lambda found: isinstance(found, (int, float)) and NEARLY < abs(found - 3.0) < 1e6,
            says="A float has about 16 digits. With such a small h, 100 + h and 100 - h agree in nearly all digits or in all, and their "
            "difference is mostly rounding error. The default should be h=1e-6.",
        ),
    ),
    Diagnosis(
        Case(CUBE, f"{ONE}(cube, 0.1)", 0.03, look=ONE),
        Mistake(
            "h is far too large",
            wrong=lambda found: isinstance(found, (int, float)) and 5e-7 < found - 0.03 < 10,
            says="With such a large h, this is the slope of a long chord, not of the curve at x; for a cube it is too large by h². The "
            "default should be h=1e-6.",
        ),
    ),
    # --- several inputs
    Diagnosis(
        Case(THREE, f"{SEVERAL}(f, [2.0, -4.0, 10.0])", [-4.0, 2.0, 1.0], look=SEVERAL),
        Mistake(
            "f is not given all its inputs",
            wrong=Raises("TypeError", "missing"),
            says="f takes three numbers and got a single argument: a list, or only one of the inputs. Pass all inputs, each as a "
            "separate argument: f(*values).",
        ),
    ),
    Diagnosis(
        Case(THREE, f"type({SEVERAL}(f, [2.0, -4.0, 10.0])).__name__", "list", look=SEVERAL),
        Mistake(
            "no list is returned",
            wrong=one_of("NoneType", "generator", "map", "dict"),
            says="The function should return a list with one number for each input, in the order of the inputs. Collect the numbers, and "
            "return the list at the end.",
        ),
    ),
    Diagnosis(
        Case(THREE, f"{SEVERAL}(f, [2.0, -4.0, 10.0])", [-4.0, 2.0, 1.0], look=SEVERAL),
        Mistake(
            "the loop ends in its first round",
            wrong=_about(-4.0, [-4.0]),
            says="Only the derivative for the first input is there. A return inside the loop ends the loop in its first round: indent it "
            "less, so that it comes after the loop.",
        ),
        Mistake(
            "all inputs are nudged at once",
            wrong=_about([-1.0, -1.0, -1.0]),
            says="-1 is the result if a, b and c all move together: -4 + 2 + 1. Nudge one input at a time, and leave the others as they "
            "are.",
        ),
        Mistake(
            "the last input is nudged in each round",
            wrong=_about([1.0, 1.0, 1.0]),
            says="1 is the slope in c, the last input, and it is there three times, so c was nudged in each round. A function that is "
            "defined in a loop reads i only when it is called; if that is after the loop, i has its last value. Call the function "
            "in the same round, or give it its own i: lambda v, i=i: ...",
        ),
    ),
    Diagnosis(
        Case(SQUARES, f"{SEVERAL}(f, [3.0, 1.0], h=0.25)", [6.0, 2.0], look=SEVERAL),
        Mistake(
            "one number for all inputs",
            wrong=8.0,
            says="This is one number, 6 + 2: the derivatives were added up, or all inputs were nudged together, which gives the same. "
            "Nudge one input at a time, and put each derivative into the list.",
        ),
    ),
    Diagnosis(
        Case(THREE, f"{SEVERAL}(f, [2.0, -4.0, 10.0])", [-4.0, 2.0, 1.0], look=SEVERAL),
        Mistake(
            "earlier nudges stay",
            wrong=_about([-4.0, -2.0, -1.0]),
            says="The first number is right; the second is -4 + 2, because a is still nudged when b is. Begin each round with a new copy "
            "of the inputs, or set the input back at the end of the round.",
        ),
    ),
    Diagnosis(
        Case(f"{THREE}\ninputs = [2.0, -4.0, 10.0]\nsensitivities(f, inputs, h=0.25)", "inputs", [2.0, -4.0, 10.0], look=SEVERAL),
        Mistake(
            "the caller's list is changed",
            wrong=other_than([2.0, -4.0, 10.0], 1e-6),
            says="inputs belongs to the caller, who would continue with changed numbers without knowing it. Nudge a copy: nudged = "
            "list(inputs). nudged = inputs is not a copy, only a second name.",
        ),
    ),
    Diagnosis(
        Case(SUM, f"{SEVERAL}(f, [3.0, 3.0])", [1.0, 10.0], look=SEVERAL),
        Mistake(
            "equal inputs are confused",
            wrong=_about([1.0, 1.0], [11.0, 11.0]),
            says="Both inputs are 3, so they cannot be told apart by their value: inputs.index(x) finds the first 3 each time, and == "
            "finds both. Use positions: for i in range(len(inputs)).",
        ),
    ),
    Diagnosis(
        Case(SQUARES, f"{SEVERAL}(f, [3.0, 1.0], h=0.25)", [6.0, 2.0], look=SEVERAL),
        Mistake(
            "one side only, for several inputs",
            wrong=_about([6.25, 2.25], [5.75, 1.75]),
            says="This compares the value in the middle with one neighbour. As for a single input, compare both neighbours: nudge each "
            "input up and down.",
        ),
        Mistake(
            "the differences are not divided by 2h",
            wrong=_about([3.0, 1.0], [12.0, 4.0]),
            says="Each difference must be divided by how far its input moved: 2 * h, as for one input.",
        ),
    ),
    Diagnosis(
        Case(SEEN_TWO, "max(seen) - min(seen)", 0.5, look=SEVERAL),
        Mistake(
            "h is not passed on",
            wrong=lambda found: 0 < found < 0.01,
            says="The caller gave h=0.25, so a should move from 2.75 to 3.25, but it moved far less. If you call numerical_derivative, "
            "pass h to it.",
        ),
    ),
)

CHECKS = Checks(
    requires=(ONE, SEVERAL),
    diagnoses=DIAGNOSES,
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
