"""Exercise 12, attend, rmsnorm and attention."""

from __future__ import annotations

import math
from typing import Any

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.transformer.examples import APART, ATTEND, MODEL, NO_ATTENTION, NORM, NUMBERS, SHOWN, TINY, XS
from chainrule.course.outcomes import Raises, about, one_of


def attended(score: float) -> list[float]:
    """What that gives if the first of the two scores is `score`, and the other 0."""
    weight = 1 / (1 + math.exp(-score))
    return [weight * 10 + (1 - weight) * 5, (1 - weight) * 20]


def close(found: Any, expected: list[float], tolerance: float = 1e-4) -> bool:
    """Whether a list of numbers is the expected one, nearly."""
    return len(found) == len(expected) and all(abs(a - b) < tolerance for a, b in zip(found, expected, strict=True))


RIGHT = attended(2.0)
NORMAL = [1.3416394445136132, 0.4472131481712044]


def attended_apart(*parts: tuple[int, ...]) -> list[float]:
    """What the second position finds there if the heads use these places of the vectors, one head's results after another's."""
    first, second = (1.0, 2.0, 3.0, 4.0), (2.0, 0.0, 0.0, 1.0)
    found = []
    for part in parts:
        a, b = (math.exp(sum(second[i] * x[i] for i in part) / len(part) ** 0.5) for x in (first, second))
        found += [(a * first[i] + b * second[i]) / (a + b) for i in part]
    return found


def is_interleaved(found: Any) -> bool:
    """Whether each head has taken every second number, and its results were put one after another, or back where they were from."""
    second = attended_apart((0, 2), (1, 3))
    joined, put_back = [1.0, 3.0, 2.0, 4.0], [1.0, 2.0, 3.0, 4.0]
    return (close(found[0], joined) and close(found[1], second)) or (
        close(found[0], put_back) and close(found[1], [second[i] for i in (0, 2, 1, 3)])
    )


def _is_not_zero(found: Any) -> bool:
    """Not all numbers of these vectors are 0."""
    return any(abs(number) > 1e-9 for row in found for number in row)


DIAGNOSES = (
    # --- attend
    Diagnosis(
        Case(ATTEND, SHOWN, RIGHT, look="attend"),
        Mistake(
            "no softmax",
            wrong=one_of([20.0, 0.0], [40.0, 0.0]),
            says="The values are multiplied by the scores themselves, 2 and 0. First turn them into weights, which are positive and add "
            "up to 1: softmax(scores).",
        ),
        Mistake(
            "the scores are not scaled",
            wrong=attended(4.0),
            says="The weights here are the softmax of 4 and 0. Divide each score by sqrt(d), where d is the length of the query: 4 / "
            "sqrt(4) is 2.",
        ),
        Mistake(
            "scaled by d, not by its root",
            wrong=attended(1.0),
            says="The score 4 was divided by 4, the length of the query. Divide by the root of it, 2.",
        ),
        Mistake(
            "scaled by the number of keys",
            wrong=attended(4 / 2**0.5),
            says="The score 4 was divided by sqrt(2), and 2 is the number of keys. Use the length of the query, 4: a score is the sum of "
            "that many products.",
        ),
        Mistake(
            "the keys are mixed in place of the values",
            wrong=lambda found: isinstance(found, list) and len(found) == 4,
            says="The result has 4 numbers, as many as a key; it should have 2, as many as a value. The keys only determine the weights. "
            "Multiply the values by the weights, and add them up.",
        ),
        Mistake(
            "one number for each position",
            wrong=[8.807970779778824, 6.788043830331766],
            says="This is the product of the weights with each value. The result should be a sum over the positions, for each place i in "
            "a value: dot(weights, [value[i] for value in values]).",
        ),
    ),
    # --- rmsnorm
    Diagnosis(
        Case("result = rmsnorm(vector(0, 0))", SHOWN, [0.0, 0.0], look="rmsnorm"),
        Mistake(
            "division by zero",
            wrong=lambda found: not all(map(math.isfinite, found)),
            says="The mean of the squares of zeros is 0, and 0 / 0 is nan. Add 0.00001 to the mean before you take the root.",
        ),
    ),
    Diagnosis(
        Case(NORM, SHOWN, NORMAL, look="rmsnorm", tolerance=1e-4),
        Mistake(
            "a sum of squares instead of their mean",
            wrong=[0.9486832980505138, 0.31622776601683794],
            says="The numbers were divided by the root of 10, the sum of the squares 9 and 1. It should be the root of their mean, 5: "
            "divide by len(x).",
        ),
        Mistake(
            "the root is forgotten",
            wrong=[0.6, 0.2],
            says="The numbers were divided by 5, the mean of the squares itself. Divide by its root.",
        ),
        Mistake(
            "multiplied instead of divided",
            wrong=[6.70820393249937, 2.23606797749979],
            says="The numbers were multiplied by the root of 5, and should be divided by it: the exponent is -0.5.",
        ),
        Mistake(
            "the mean is subtracted",
            wrong=[1.0, -1.0],
            says="This is the layer normalisation of older transformers, which subtracts the mean first. Here nothing is subtracted: "
            "only divide, by the root of the mean of the squares.",
        ),
    ),
    Diagnosis(
        Case(TINY, SHOWN, [0.7745966692414834, 0.25819888974716115], look="rmsnorm", tolerance=1e-6),
        Mistake(
            "0.00001 outside the root",
            wrong=about([0.003 / (5e-6**0.5 + 1e-5), 0.001 / (5e-6**0.5 + 1e-5)]),
            says="The mean of the squares is 0.000005. Here 0.00001 was added to its root; it is added to the mean itself, before the "
            "root: sqrt(0.000005 + 0.00001).",
        ),
    ),
    # --- attention
    Diagnosis(
        Case(f"{MODEL}result = attention(model, [vector(1, 0, 2, 0)])", "len(result)", 1, look="attention"),
        Mistake(
            "a position does not see itself",
            wrong=Raises("ValueError", "at least one value"),
            says="Position 0 got no keys at all: keys[:t] ends before t. A position sees itself and the positions before it: keys[: t + "
            "1].",
        ),
    ),
    Diagnosis(
        Case(
            f"{MODEL}{XS}alone = attention(model, xs[:1])[0]\nfirst = attention(model, xs)[0]",
            "max(abs(a.data - b.data) for a, b in zip(alone, first)) < 1e-9",
            True,
            look="attention",
        ),
        Mistake(
            "a position sees the future",
            wrong=False,
            says="The result of position 0 changes when others come after it, so it sees them. In training it would see the answer, and "
            "learn nothing. Give attend only keys[: t + 1] and values[: t + 1].",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}{XS}result = attention(model, xs)", NUMBERS, look="attention"),
        Mistake(
            "the heads are not joined",
            wrong=Raises("ValueError", "got 4 weights and 2 inputs"),
            says="model.out takes 4 numbers and got 2, those of a single head. Put the results of the heads one after another: found += "
            "attend(...).",
        ),
    ),
    Diagnosis(
        Case(APART, NUMBERS, look="attention"),
        Mistake(
            "every second number for a head",
            wrong=is_interleaved,
            says="Head 0 used the numbers 0 and 2 of the vectors, and head 1 the numbers 1 and 3. Head 0 should use 0 and 1, and head 1 "
            "should use 2 and 3: the numbers of each head are next to each other, slice(head * size, (head + 1) * size).",
        ),
    ),
    Diagnosis(
        Case(
            f"{MODEL}{XS}two = attention(model, xs)[2]\nmodel.heads = 1\none = attention(model, xs)[2]",
            "max(abs(a.data - b.data) for a, b in zip(one, two)) > 1e-9",
            True,
            look="attention",
        ),
        Mistake(
            "the heads make no difference",
            wrong=False,
            says="One head and two heads give the same result. Each head must attend with its own part of the queries, keys and values, "
            "so that each has its own weights.",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}{XS}{NO_ATTENTION}result = attention(model, xs)", NUMBERS, [[0.0] * 4] * 3, look="attention"),
        Mistake(
            "model.out is forgotten",
            wrong=_is_not_zero,
            says="model.out is all zeros here, and the results are not: the joined results of the heads must go through "
            "linear(model.out, ...).",
        ),
    ),
    Diagnosis(
        Case(
            f"{MODEL}{XS}model.value = [vector(0, 0, 0, 0) for _ in range(4)]\nresult = attention(model, xs)",
            NUMBERS,
            [[0.0] * 4] * 3,
            look="attention",
        ),
        Mistake(
            "values without model.value",
            wrong=_is_not_zero,
            says="model.value is all zeros here, so every value is zero, and so must be their mean. The values are linear(model.value, "
            "x), and neither x itself nor the keys.",
        ),
    ),
)
