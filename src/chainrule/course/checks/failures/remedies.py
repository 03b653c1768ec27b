"""Exercise 10, clip_gradients, initial_weight and best_learning_rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.failures.examples import CLIP, DRAWN, DRAWN_RIGHT, DRAWN_SHOWS
from chainrule.course.outcomes import COLLECTION, Raises, about, is_none, other_than

if TYPE_CHECKING:
    from collections.abc import Callable


def _deviation(*times: float) -> Callable[[Any], bool]:
    """Whether the mean is right, and the standard deviation is one of these times what it should be."""

    def is_one(found: Any) -> bool:
        return abs(found[0]) < 0.06 * max(1.0, found[1]) + 0.05 and any(math.isclose(found[1], time, rel_tol=0.05) for time in times)

    return is_one


DIAGNOSES = (
    # --- clip_gradients
    Diagnosis(
        Case(CLIP.format("1.0"), "(p.grad, q.grad)", (0.6, 0.8), look="clip_gradients"),
        Mistake(
            "the gradients stay as they are",
            wrong=(3.0, 4.0),
            says="Their norm is 5, and nothing was changed. An assignment to the loop variable changes only that variable: write p.grad "
            "*= ... for each parameter.",
        ),
        Mistake(
            "each gradient clipped by itself",
            wrong=(1.0, 1.0),
            says="Each was cut to 1, which changes the direction of the gradient. Multiply all by the same number, largest / norm: 3/5 "
            "and 4/5.",
        ),
        Mistake(
            "the norm changes on the way",
            wrong=lambda found: about(0.6)(found[0]) and not about(0.8)(found[1]),
            says="The first gradient is right and the second is not: the norm was computed again after the first had been changed. "
            "Compute it once, before the loop.",
        ),
    ),
    Diagnosis(
        Case(CLIP.format("2.0"), "(p.grad, q.grad)", (1.2, 1.6), look="clip_gradients"),
        Mistake(
            "the limit forgotten in the factor",
            wrong=(0.6, 0.8),
            says="Their norm is 1 now, whatever the limit was. The factor is largest / norm, here 2 / 5.",
        ),
    ),
    Diagnosis(
        Case(CLIP.format("10.0"), "(p.grad, q.grad)", (3.0, 4.0), look="clip_gradients"),
        Mistake(
            "small gradients are scaled up",
            wrong=(6.0, 8.0),
            says="The norm was 5, less than the limit of 10, and was made 10. Near the minimum gradients are small, and must stay small: "
            "scale only if the norm is larger than the limit.",
        ),
    ),
    Diagnosis(
        Case(CLIP.format("1.0"), "(p.data, q.data)", (7.0, 7.0), look="clip_gradients"),
        Mistake(
            "the parameters are changed",
            wrong=other_than((7.0, 7.0)),
            says="Clipping changes gradients, and the step comes later: do not change p.data, change p.grad.",
        ),
    ),
    Diagnosis(
        Case(CLIP.format("1.0"), "norm", 5.0, look="clip_gradients"),
        Mistake(
            "the norm is not returned",
            wrong=is_none,
            says="The function returns nothing. Return the norm, also if nothing was clipped: it is useful to watch during training.",
        ),
        Mistake(
            "the norm after clipping",
            wrong=about(1.0),
            says="This is the norm after clipping, which is always the limit. Return the norm before clipping.",
        ),
    ),
    Diagnosis(
        Case("p = Value(7.0)\nnorm = clip_gradients([p], 1.0)", "(norm, p.grad)", (0.0, 0.0), look="clip_gradients"),
        Mistake(
            "division by a norm of 0",
            wrong=Raises("ZeroDivisionError"),
            says="All gradients are 0, and so is their norm. Divide by the norm only if it is larger than the limit.",
        ),
    ),
    # --- initial_weight
    Diagnosis(
        Case("weight = initial_weight(random.Random(0), 4, 1)", "type(weight).__name__", "float", look="initial_weight"),
        Mistake(
            "a list of weights",
            wrong=COLLECTION,
            says="The network calls this function once for each weight. Return one number.",
        ),
    ),
    Diagnosis(
        Case(
            "a = initial_weight(random.Random(1), 4, 1)\nb = initial_weight(random.Random(1), 4, 1)", "a == b", True, look="initial_weight"
        ),
        Mistake(
            "random numbers from elsewhere",
            wrong=False,
            says="The same seed gave two different weights, so they do not come from rng, and a run could not be repeated. Draw from "
            "rng: rng.gauss(...).",
        ),
    ),
    Diagnosis(
        Case("rng = random.Random(1)\na, b = initial_weight(rng, 4, 1), initial_weight(rng, 4, 1)", "a == b", False, look="initial_weight"),
        Mistake(
            "all weights are the same",
            wrong=True,
            says="Two weights drawn one after the other are the same. If all weights are the same, all neurons of a layer compute the "
            "same and stay the same. Draw a new number each time, from the rng that is passed.",
        ),
    ),
    Diagnosis(
        Case(DRAWN, DRAWN_SHOWS, DRAWN_RIGHT, look="initial_weight"),
        Mistake(
            "weights of one sign",
            wrong=lambda found: abs(found[0]) > 0.2 * found[1] + 0.05,
            says="The mean of 5000 weights is not 0: most of them have the same sign, as numbers from rng.random() do, for example. Draw "
            "around 0, with rng.gauss(0, ...).",
        ),
        Mistake(
            "divided by nin without the root",
            wrong=_deviation(0.1, 0.058),
            says="With 100 inputs the standard deviation is 1/100, and should be 1/10. Positive and negative products cancel, so a sum of "
            "100 of them is 10 times as large as one, not 100 times: 1 / sqrt(nin).",
        ),
        Mistake(
            "not scaled by the inputs",
            wrong=_deviation(10.0, 5.8),
            says="The standard deviation is that of numbers between -1 and 1, or 1, however many inputs there are. With 100 inputs it "
            "should be 1/10: 1 / sqrt(nin).",
        ),
        Mistake(
            "nout in place of nin",
            wrong=_deviation(5.0),
            says="The standard deviation is 1 / sqrt(4), and 4 is the number of neurons. A neuron adds up its inputs, and there are 100 "
            "of them: use 1 / sqrt(nin).",
        ),
        Mistake(
            "a bound taken for a standard deviation",
            wrong=_deviation(0.6),
            says="Numbers drawn evenly between -s and s have the standard deviation s / sqrt(3), so these weights are too small by a "
            "factor of 1.73. Use rng.gauss(0, s), or the bounds sqrt(3) * s.",
        ),
    ),
    # --- best_learning_rate
    Diagnosis(
        Case("losses = {0.01: [2.0, 1.9], 0.1: [2.0, 0.5]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Mistake(
            "the loss instead of the rate",
            wrong=about(0.5),
            says="This is the smallest last loss. Return the rate to which it belongs: use min(..., key=...) over the rates.",
        ),
        Mistake(
            "the largest loss, or the first",
            wrong=about(0.01),
            says="This rate has the larger last loss, 1.9. Find the smallest loss, and compare the ends of the lists, column[-1]: at the "
            "beginning all are the same.",
        ),
    ),
    Diagnosis(
        Case("losses = {0.1: [2.0, 1.0, 0.5], 1.0: [2.0, 0.3, 40.0]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Mistake(
            "good only for a moment",
            wrong=about(1.0),
            says="The loss of this run was 0.3 for a moment, and 40 at the end. Compare the last losses, not the smallest ones.",
        ),
    ),
    Diagnosis(
        Case("losses = {10.0: [2.0, math.nan], 0.1: [2.0, 0.5]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Mistake(
            "nan taken for the smallest",
            wrong=about(10.0),
            says="The run with rate 10 ended at nan. min() keeps the first number unless another one is smaller, and no number is "
            "smaller than nan: remove such runs with math.isnan before you compare.",
        ),
    ),
)
