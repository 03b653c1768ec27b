"""Exercise 9, sigmoid, softmax and cross_entropy."""

from __future__ import annotations

import math
from typing import Any

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.classification.examples import TWO
from chainrule.course.outcomes import PLAIN_NUMBER, Raises, about, has_nan, is_nan


def _another_sum(found: Any) -> bool:
    """The ratio of the two probabilities is right, and their sum is not 1."""
    first, second = found
    return 0 < first < second < math.inf and math.isclose(second, 3 * first, rel_tol=1e-6) and not math.isclose(first + second, 1.0)


DIAGNOSES = (
    # --- sigmoid
    Diagnosis(
        Case("x = Value(2.0)\ny = sigmoid(x)", "type(y).__name__", "Value", look="sigmoid"),
        Mistake(
            "the sigmoid is a float",
            wrong=PLAIN_NUMBER,
            says="The sigmoid of a Value must be a Value, or no gradient flows back to x: use x.exp(), not math.exp.",
        ),
    ),
    Diagnosis(
        Case("y = sigmoid(Value(2.0))", "y.data", look="sigmoid"),
        Mistake(
            "the sigmoid is upside down",
            wrong=about(1 / (1 + math.exp(2))),
            says="This falls where it should rise: it is the sigmoid of -2. The exponent is -x: a large x makes exp(-x) small, and 1 / "
            "(1 + something small) is near 1.",
        ),
    ),
    Diagnosis(
        Case("y = sigmoid(Value(1000.0))", "y.data", look="sigmoid"),
        Mistake(
            "the sigmoid of a large number is nan",
            wrong=is_nan,
            says="exp(1000) is inf, and inf / inf is nan. For a positive x use the form with exp(-x): 1 / (1 + exp(-x)).",
        ),
    ),
    Diagnosis(
        Case("x = Value(-1000.0)\ny = sigmoid(x)\ny.backward()", "(y.data, x.grad)", look="sigmoid"),
        Mistake(
            "the sigmoid's gradient is nan far to the left",
            wrong=has_nan,
            says="The forward value seems right, but exp(1000) is inf on the way, and the backward pass multiplies inf by 0, which gives "
            "nan. For a negative x use exp(x) / (1 + exp(x)), in which nothing is large.",
        ),
    ),
    Diagnosis(
        Case("x = Value(-1000.0)\ny = sigmoid(x)", "y.data", look="sigmoid"),
        Mistake(
            "the sigmoid overflows far to the left",
            wrong=Raises("OverflowError"),
            says="The exponential of 1000 is too large for a float. For a negative x use exp(x) / (1 + exp(x)), and x.exp() rather than "
            "math.exp.",
        ),
    ),
    # --- softmax
    Diagnosis(
        Case(f"{TWO}first = list(softmax([a, b]))[0]", "type(first).__name__", "Value", look="softmax"),
        Mistake(
            "the softmax is made of floats",
            wrong=PLAIN_NUMBER,
            says="The probabilities must be Values, so that gradients flow back to the logits: use logit.exp(), and use .data only for "
            "the largest logit.",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}probabilities = softmax([a, b])", "[p.data for p in probabilities]", [0.25, 0.75], look="softmax"),
        Mistake(
            "exponentials that are not divided by their sum",
            wrong=about([1.0, 3.0], [1 / 3, 1.0]),
            says="These are positive but do not add up to 1. Divide each by the sum of all exponentials; subtracting the largest logit "
            "does not do that, it only prevents an overflow.",
        ),
        Mistake(
            "the sum is over other exponentials",
            wrong=_another_sum,
            says="The second is three times the first, as it should be, but they do not add up to 1. The denominator must be the sum of "
            "the same exponentials as in the numerator: subtract the largest logit in both or in neither.",
        ),
        Mistake(
            "the softmax is upside down",
            wrong=[0.75, 0.25],
            says="The smaller logit has the larger probability. The exponent is logit - largest, and not largest - logit.",
        ),
    ),
    Diagnosis(
        Case("probabilities = softmax([Value(1.0), Value(3.0)])", "[p.data for p in probabilities]", look="softmax"),
        Mistake(
            "shares of the logits, without exp",
            wrong=[0.25, 0.75],
            says="This is each logit divided by their sum, 1/4 and 3/4. With a negative logit this would not be a probability: take exp "
            "of each logit first.",
        ),
    ),
    Diagnosis(
        Case("probabilities = softmax([Value(1000.0), Value(0.0)])", "[p.data for p in probabilities]", [1.0, 0.0], look="softmax"),
        Mistake(
            "large logits are nan",
            wrong=has_nan,
            says="exp(1000) is inf, and inf / inf is nan. Subtract the largest logit from each before exp: then the largest exponential "
            "is exp(0) = 1, and the probabilities are the same.",
        ),
    ),
    Diagnosis(
        Case("probabilities = softmax([Value(-1000.0), Value(-1000.0)])", "[p.data for p in probabilities]", [0.5, 0.5], look="softmax"),
        Mistake(
            "very negative logits are nan",
            wrong=has_nan,
            says="Both exponentials are rounded to 0, and 0 / 0 is nan. Subtract the largest logit itself, here -1000, not the largest "
            "absolute value and not 0.",
        ),
    ),
    # --- cross_entropy
    Diagnosis(
        Case(f"{TWO}loss = cross_entropy([a, b], 0)", "getattr(loss, 'data', loss)", math.log(4), look="cross_entropy"),
        Mistake(
            "the most probable class, in the loss",
            wrong=lambda found: isinstance(found, (bool, int, float)) and found in (0, 1),
            says="A loss that only says right or wrong cannot be learned from: it does not change when a weight changes a little, so its "
            "derivative is 0. Count right answers after the training; the loss is -log of the probability of the target.",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}loss = cross_entropy([a, b], 0)", "type(loss).__name__", "Value", look="cross_entropy"),
        Mistake(
            "the cross-entropy is a float",
            wrong=PLAIN_NUMBER,
            says="The loss must be a Value, or there is nothing to call backward() on. Use the methods .log() and .exp() of Values, not "
            "math.log and math.exp.",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}loss = cross_entropy([a, b], 0)", "loss.data", look="cross_entropy"),
        Mistake(
            "the sign of the cross-entropy",
            wrong=about(-math.log(4)),
            says="The probability of the target is 1/4, and this is log(1/4). A loss must become smaller when the probability grows: the "
            "minus is missing, or the target's logit and the logarithm of the sum are swapped.",
        ),
    ),
    Diagnosis(
        Case("logits = [Value(1.0), Value(2.0), Value(4.0)]\nloss = cross_entropy(logits, 0)", "loss.data", look="cross_entropy"),
        Mistake(
            "the largest logit is not added back",
            wrong=about(math.log(math.exp(1) + math.exp(2) + math.exp(4)) - 5, math.log(math.exp(1) + math.exp(2) + math.exp(4)) + 3),
            says="This is wrong by 4, the largest logit. It was subtracted inside the sum, so it must be added outside, or be subtracted "
            "from the target's logit too: log(sum of exp(x - m)) + m - x[target].",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}loss = cross_entropy([a, b], 0)", "loss.data", look="cross_entropy"),
        Mistake(
            "the loss of the other class",
            wrong=about(math.log(4 / 3), -math.log(4 / 3)),
            says="This was calculated from 3/4, the probability of class 1, and the target is class 0. Classes are counted from 0: use "
            "logits[target], not logits[target - 1], and not the largest logit.",
        ),
        Mistake(
            "all classes in the loss",
            wrong=about(math.log(4) + math.log(4 / 3), (math.log(4) + math.log(4 / 3)) / 2),
            says="This is the sum or the mean of -log(1/4) and -log(3/4). Use only the probability of the target: it depends on the "
            "others already, because all add up to 1.",
        ),
        Mistake(
            "divided by the number of classes",
            wrong=about(math.log(4) / 2),
            says="This is half of -log(1/4), so it was divided by 2, the number of classes. One sample has one loss; the caller takes "
            "the mean over several samples.",
        ),
        Mistake(
            "a probability instead of its logarithm",
            wrong=about(0.25, -0.25, 0.75),
            says="This is the probability 1/4 itself, or 1 minus it, without a logarithm. -log turns it into a loss that grows without "
            "bound as the target becomes less probable.",
        ),
        Mistake(
            "the squared error of the probabilities",
            wrong=about(1.125, 0.5625),
            says="This is the squared error, from (1/4 - 1)**2 and (3/4 - 0)**2. It is flat where the network is badly wrong, so the "
            "network learns least where it should learn most. Use -log of the target's probability.",
        ),
        Mistake(
            "softmax applied twice",
            wrong=about(math.log(1 + math.exp(0.5))),
            says="Softmax was applied to probabilities. These are numbers between 0 and 1, so the results are nearly equal. Apply it "
            "once: the formula log(sum of exp) - logit already contains it.",
        ),
    ),
    Diagnosis(
        Case("a, b = Value(0.0), Value(1000.0)\nloss = cross_entropy([a, b], 0)", "loss.data", 1000.0, look="cross_entropy"),
        Mistake(
            "an epsilon inside the logarithm",
            wrong=lambda found: isinstance(found, (int, float)) and 0 < found < 100,
            says="A small number that is added to a probability of 0 hides the infinity, but the loss cannot grow any more there and the "
            "gradient is 0. log(sum of exp) - logit needs no such number.",
        ),
        Mistake(
            "the logarithm of 0",
            wrong=lambda found: isinstance(found, float) and not math.isfinite(found),
            says="The probability of class 0 is exp(-1000), which is rounded to 0, and log(0) is infinite; or exp(1000) was computed, "
            "which is inf. Do not calculate the probabilities: use log(sum of exp) - logit, with the largest logit taken out of the "
            "sum.",
        ),
    ),
)
