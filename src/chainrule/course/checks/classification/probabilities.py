"""Exercise 9, sigmoid, softmax and cross_entropy."""

from __future__ import annotations

import math
from typing import Any

from chainrule.course.checking import Case, Mistake, Question
from chainrule.course.checks.classification.examples import TWO
from chainrule.course.outcomes import PLAIN_NUMBER, Raises, about, has_nan, is_nan


def _another_sum(found: Any) -> bool:
    """The ratio of the two probabilities is right, and their sum is not 1."""
    first, second = found
    return 0 < first < second < math.inf and math.isclose(second, 3 * first, rel_tol=1e-6) and not math.isclose(first + second, 1.0)


QUESTIONS = (
    # --- sigmoid
    Question(
        Case("x = Value(2.0)\ny = sigmoid(x)", "type(y).__name__", "Value", look="sigmoid"),
        Mistake(
            "the sigmoid is a float",
            wrong=PLAIN_NUMBER,
            says="The sigmoid of a Value must be a Value, or no gradient finds its way back: use x.exp(), which math.exp is not a match "
            "for.",
        ),
    ),
    Question(
        Case("y = sigmoid(Value(2.0))", "y.data", look="sigmoid"),
        Mistake(
            "the sigmoid is upside down",
            wrong=about(1 / (1 + math.exp(2))),
            says="This falls where it should rise: 0.12 is the sigmoid of -2. The exponent is -x: a large x makes exp(-x) small, and 1 / "
            "(1 + something small) is near 1.",
        ),
    ),
    Question(
        Case("y = sigmoid(Value(1000.0))", "y.data", look="sigmoid"),
        Mistake(
            "the sigmoid of a large number is nan",
            wrong=is_nan,
            says="exp(1000) is inf, and inf / inf is nan. For a positive x use the form with exp(-x): 1 / (1 + exp(-x)).",
        ),
    ),
    Question(
        Case("x = Value(-1000.0)\ny = sigmoid(x)\ny.backward()", "(y.data, x.grad)", look="sigmoid"),
        Mistake(
            "the sigmoid's gradient is nan far to the left",
            wrong=has_nan,
            says="Forward all seems well, but exp(1000) on the way is inf, and backward inf is multiplied by 0, which is nan. For a "
            "negative x use exp(x) / (1 + exp(x)): there nothing is large.",
        ),
    ),
    Question(
        Case("x = Value(-1000.0)\ny = sigmoid(x)", "y.data", look="sigmoid"),
        Mistake(
            "the sigmoid overflows far to the left",
            wrong=Raises("OverflowError"),
            says="The exponential of 1000 is too large for a float. For a negative x use exp(x) / (1 + exp(x)), and x.exp() rather than "
            "math.exp.",
        ),
    ),
    # --- softmax
    Question(
        Case(f"{TWO}first = list(softmax([a, b]))[0]", "type(first).__name__", "Value", look="softmax"),
        Mistake(
            "the softmax is made of floats",
            wrong=PLAIN_NUMBER,
            says="Probabilities of Values are Values, so that gradients find their way back: use logit.exp(), and leave .data to the "
            "largest.",
        ),
    ),
    Question(
        Case(f"{TWO}probabilities = softmax([a, b])", "[p.data for p in probabilities]", [0.25, 0.75], look="softmax"),
        Mistake(
            "exponentials that are not divided by their sum",
            wrong=about([1.0, 3.0], [1 / 3, 1.0]),
            says="These are positive but do not add up to 1. Divide each by the sum of all exponentials: subtracting the largest logit "
            "only keeps them from overflowing.",
        ),
        Mistake(
            "the sum is of other exponentials",
            wrong=_another_sum,
            says="The second is three times the first, as it should be, but they do not add up to 1. The sum below must be of the same "
            "exponentials as above: the largest logit is subtracted in both or in neither.",
        ),
        Mistake(
            "the softmax is upside down",
            wrong=[0.75, 0.25],
            says="The smaller logit has got the larger probability. The exponent is logit - largest, and not largest - logit.",
        ),
    ),
    Question(
        Case("probabilities = softmax([Value(1.0), Value(3.0)])", "[p.data for p in probabilities]", look="softmax"),
        Mistake(
            "shares of the logits, without exp",
            wrong=[0.25, 0.75],
            says="This is each logit divided by their sum, 1/4 and 3/4. With a negative logit it would be no probability: take exp of "
            "each first.",
        ),
    ),
    Question(
        Case("probabilities = softmax([Value(1000.0), Value(0.0)])", "[p.data for p in probabilities]", [1.0, 0.0], look="softmax"),
        Mistake(
            "large logits are nan",
            wrong=has_nan,
            says="exp(1000) is inf, and inf / inf is nan. Subtract the largest logit from each before exp: then the largest exponential "
            "is exp(0) = 1, and the probabilities are the same.",
        ),
    ),
    Question(
        Case("probabilities = softmax([Value(-1000.0), Value(-1000.0)])", "[p.data for p in probabilities]", [0.5, 0.5], look="softmax"),
        Mistake(
            "very negative logits are nan",
            wrong=has_nan,
            says="Both exponentials are rounded to 0, and 0 / 0 is nan. What is subtracted must be the largest logit itself, here -1000, "
            "not the largest absolute value and not 0.",
        ),
    ),
    # --- cross_entropy
    Question(
        Case(f"{TWO}loss = cross_entropy([a, b], 0)", "getattr(loss, 'data', loss)", math.log(4), look="cross_entropy"),
        Mistake(
            "the most probable class, in the loss",
            wrong=lambda found: isinstance(found, (bool, int, float)) and found in (0, 1),
            says="Right or wrong is no loss to learn from: it does not change when a weight changes a little, so its derivative is 0. "
            "Count right answers afterwards; the loss is -log of the probability of the target.",
        ),
    ),
    Question(
        Case(f"{TWO}loss = cross_entropy([a, b], 0)", "type(loss).__name__", "Value", look="cross_entropy"),
        Mistake(
            "the cross-entropy is a float",
            wrong=PLAIN_NUMBER,
            says="The loss must be a Value, or there is nothing to call backward() on. Use .log() and .exp() of the Values, not those of "
            "math.",
        ),
    ),
    Question(
        Case(f"{TWO}loss = cross_entropy([a, b], 0)", "loss.data", look="cross_entropy"),
        Mistake(
            "the sign of the cross-entropy",
            wrong=about(-math.log(4)),
            says="The probability of the target is 1/4, and this is log(1/4). A loss has to become smaller when the probability grows: "
            "the minus is missing, or target and sum are the wrong way round.",
        ),
    ),
    Question(
        Case("logits = [Value(1.0), Value(2.0), Value(4.0)]\nloss = cross_entropy(logits, 0)", "loss.data", look="cross_entropy"),
        Mistake(
            "the largest logit is not given back",
            wrong=about(math.log(math.exp(1) + math.exp(2) + math.exp(4)) - 5, math.log(math.exp(1) + math.exp(2) + math.exp(4)) + 3),
            says="This is 4 off, by the largest logit. It was subtracted inside the sum and must be added outside, or be subtracted from "
            "the target's logit too: log(sum of exp(x - m)) + m - x[target].",
        ),
    ),
    Question(
        Case(f"{TWO}loss = cross_entropy([a, b], 0)", "loss.data", look="cross_entropy"),
        Mistake(
            "the loss of the other class",
            wrong=about(math.log(4 / 3), -math.log(4 / 3)),
            says="This is made from 3/4, the probability of class 1, and the target is class 0. Classes count from 0: the logit is "
            "logits[target], not logits[target - 1], and not the largest.",
        ),
        Mistake(
            "all classes in the loss",
            wrong=about(math.log(4) + math.log(4 / 3), (math.log(4) + math.log(4 / 3)) / 2),
            says="Here -log(1/4) and -log(3/4) both went in, as a sum or a mean. Only the probability of the target counts: the others "
            "are in it already, because all add up to 1.",
        ),
        Mistake(
            "divided by the number of classes",
            wrong=about(math.log(4) / 2),
            says="This is half of -log(1/4), so it was divided by 2, the number of classes. One sample has one loss; a mean is for "
            "several samples, and whoever calls this function takes it.",
        ),
        Mistake(
            "a probability instead of its logarithm",
            wrong=about(0.25, -0.25, 0.75),
            says="This is the probability 1/4 itself, or what is missing to 1, without a logarithm. -log makes a loss of it that grows "
            "beyond all bounds as the target becomes impossible.",
        ),
        Mistake(
            "the squared error of the probabilities",
            wrong=about(1.125, 0.5625),
            says="This is made of (1/4 - 1)**2 and (3/4 - 0)**2: the squared error. It is flat where the network is badly wrong, and so "
            "learns least where it should learn most. What is asked for is -log of the target's probability.",
        ),
        Mistake(
            "softmax applied twice",
            wrong=about(math.log(1 + math.exp(0.5))),
            says="Softmax was applied to probabilities, which are numbers between 0 and 1, and so come out nearly equal. Once is enough: "
            "the formula log(sum of exp) - logit has it in it.",
        ),
    ),
    Question(
        Case("a, b = Value(0.0), Value(1000.0)\nloss = cross_entropy([a, b], 0)", "loss.data", 1000.0, look="cross_entropy"),
        Mistake(
            "an epsilon inside the logarithm",
            wrong=lambda found: isinstance(found, (int, float)) and 0 < found < 100,
            says="A small number added to a probability of 0 hides the infinity, and all that is worse than it: the loss stops there and "
            "the gradient is 0. log(sum of exp) - logit needs no such thing.",
        ),
        Mistake(
            "the logarithm of 0",
            wrong=lambda found: isinstance(found, float) and not math.isfinite(found),
            says="The probability of class 0 is exp(-1000), which is rounded to 0, and log(0) is infinite; or exp(1000) was computed, "
            "which is inf. Do not go by way of probabilities: log(sum of exp) - logit, with the largest logit taken out of the sum.",
        ),
    ),
)
