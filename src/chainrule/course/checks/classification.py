"""Exercise 9: classification."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

from chainrule import Value
from chainrule.course.checking import Case, Checks, Mistake, Question
from chainrule.course.outcomes import PLAIN_NUMBER, Raises, about, has_nan, is_nan

if TYPE_CHECKING:
    from collections.abc import Iterator

TWO = "a, b = Value(0.0), Value(math.log(3))\n"  # the probabilities are 1/4 and 3/4
ONE_STEP = "p = Value(1.0)\n{}\np.grad = 2.0\noptimizer.step()"
THREE_STEPS = "p = Value(1.0)\n{}\nfor g in (2.0, 2.0, 2.0):\n    p.grad = g\n    optimizer.step()"
TWO_STEPS = "p = Value(1.0)\n{}\nfor g in (2.0, 1.0):\n    p.grad = g\n    optimizer.step()"
TWO_PARAMETERS = "p, q = Value(1.0), Value(1.0)\n{}\np.grad, q.grad = 2.0, -1.0\noptimizer.step()"
PLAIN, MOMENTUM = "optimizer = SGD([p], lr=0.1)", "optimizer = SGD([p], lr=0.1, momentum=0.9)"
ADAM = "optimizer = Adam([p], lr=0.1)"


def _not_normalised(found: Any) -> bool:
    """Exponentials that were divided by nothing, or by the largest of them."""
    return _pair(found) and (_near(found, 1.0, 3.0) or _near(found, 1 / 3, 1.0))


def _another_sum(found: Any) -> bool:
    """The ratio is right, and the sum is not."""
    return _pair(found) and found[0] > 0 and math.isclose(found[1], 3 * found[0], rel_tol=1e-6) and not math.isclose(sum(found), 1.0)


def _pair(found: Any) -> bool:
    return isinstance(found, list) and len(found) == 2 and all(isinstance(x, (int, float)) and math.isfinite(x) for x in found)


def _near(found: Any, *numbers: float) -> bool:
    return all(math.isclose(x, number, rel_tol=1e-6) for x, number in zip(found, numbers, strict=True))


def _is_nan(found: Any) -> bool:
    return isinstance(found, float) and math.isnan(found)


def _more() -> Iterator[Case]:
    """Random logits, and walks of both optimisers."""
    rng = random.Random(9)
    for count in (2, 3, 5):
        logits = ", ".join(f"Value({rng.uniform(-3, 3):.2f})" for _ in range(count))
        target = rng.randrange(count)
        yield Case(f"logits = [{logits}]", "[p.data for p in softmax(logits)]", look="softmax")
        yield Case(
            f"logits = [{logits}]\nloss = cross_entropy(logits, {target})\nloss.backward()",
            "(loss.data, [x.grad for x in logits])",
            look="cross_entropy",
        )
    for kind, options in (("SGD", "lr=0.05, momentum=0.7"), ("Adam", "lr=0.05, betas=(0.8, 0.95), eps=0.01")):
        gradients = [(round(rng.uniform(-2, 2), 1), round(rng.uniform(-2, 2), 1)) for _ in range(4)]
        walk = f"for p.grad, q.grad in {gradients}:\n    optimizer.step()"
        yield Case(
            f"p, q = Value(0.5), Value(-0.5)\noptimizer = {kind}([p, q], {options})\n{walk}", "(p.data, q.data)", look=f"{kind}.step"
        )


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
            wrong=_not_normalised,
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
    # --- SGD
    Question(
        Case(ONE_STEP.format(PLAIN), "p.data", 0.8, look="SGD.step"),
        Mistake(
            "the parameter is not changed",
            wrong=1.0,
            says="After the step the parameter is what it was. A line such as p = p - ... makes a new Value, and the network still has "
            "the old one: change p.data.",
        ),
        Mistake(
            "the learning rate twice",
            wrong=about(0.98),
            says="This is a step of 0.1 * 0.1 * 2: the learning rate is in it twice, in m and in the change. Leave it out of one of them.",
        ),
        Mistake(
            "uphill",
            wrong=1.2,
            says="The gradient is 2, so the loss grows with p, and p should become smaller: 1 - 0.1 * 2. This step went up.",
        ),
    ),
    Question(
        Case(ONE_STEP.format("optimizer = SGD([p], lr=0.1, momentum=0.5)"), "p.data", 0.8, look="SGD.step"),
        Mistake(
            "momentum as an average",
            wrong=about(0.9),
            says="Only half of the gradient went into m: that is (1 - momentum) * g, as in Adam's averages. Here it is m = momentum * m + "
            "g.",
        ),
    ),
    Question(
        Case(THREE_STEPS.format(MOMENTUM), "p.data", -0.122, look="SGD.step"),
        Mistake(
            "momentum forgotten",
            wrong=about(0.4),
            says="Three steps of 0.1 * 2: each as if it were the first. m must live from one step to the next: keep it in self, one for "
            "each parameter, and do not set it to 0 in step().",
        ),
        Mistake(
            "only the last gradient is remembered",
            wrong=about(0.04),
            says="From the second step on, each is 0.1 * (2 + 0.9 * 2): the last gradient is kept instead of m. Keep m itself, so that "
            "what came before is in it with 0.9, 0.81, 0.729 ...",
        ),
        Mistake(
            "the sign of the momentum",
            wrong=about(1 - 0.1 * (2 + 0.2 + 1.82)),
            says="Here the old m is taken away from the new gradient, so the steps brake where they should gather speed. m = momentum * m "
            "+ g, with a plus.",
        ),
    ),
    Question(
        Case(TWO_PARAMETERS.format("optimizer = SGD([p, q], lr=0.1, momentum=0.9)"), "(p.data, q.data)", (0.8, 1.1), look="SGD.step"),
        Mistake(
            "one m for all parameters",
            wrong=lambda found: isinstance(found, tuple) and _near(found, 0.8, 0.92),
            says="q moved the wrong way: its gradient of -1 was added to the m of p. Each parameter needs an m of its own, for instance a "
            "list self.m with one number for each.",
        ),
    ),
    # --- Adam
    Question(
        Case(ONE_STEP.format(ADAM), "p.data", 0.9, look="Adam.step", tolerance=1e-7),
        Mistake(
            "steps counted from 0",
            wrong=Raises("ZeroDivisionError"),
            says="At t = 0 the correction 1 - beta**t is 0. The first step is t = 1: add 1 to the counter before it is used.",
        ),
        Mistake(
            "no bias correction",
            wrong=about(1 - 0.02 / (math.sqrt(0.004) + 1e-8)),
            says="m = 0.2 and v = 0.004 were used as they are. They begin at 0 and are far too small in the first steps: divide m by 1 - "
            "beta1**t and v by 1 - beta2**t.",
        ),
        Mistake(
            "bias correction of only one of the two",
            wrong=about(1 - 0.2 / (math.sqrt(0.004) + 1e-8), 1 - 0.02 / 2),
            says="One of m and v was corrected and the other was not, so the first step is ten times too short or thirty times too long. "
            "m is divided by 1 - beta1**t, and v by 1 - beta2**t.",
        ),
        Mistake(
            "the gradient in place of its square",
            wrong=about(1 - 0.2 / math.sqrt(2)),
            says="This is a step of 0.1 * 2 / sqrt(2): v holds the gradient, and should hold its square, p.grad**2. With a negative "
            "gradient there would be no root at all.",
        ),
        Mistake(
            "the root is missing",
            wrong=about(0.95),
            says="This is a step of 0.1 * 2 / 4: divided by the average of the square, 4, instead of its root, 2. The root brings v back "
            "to the size of a gradient.",
        ),
        Mistake(
            "Adam goes uphill",
            wrong=about(1.1),
            says="The gradient is positive, so the loss grows with p, and p should become smaller. This step went up.",
        ),
    ),
    Question(
        Case(f"p = Value(1.0)\n{ADAM}\np.grad = 0.0\noptimizer.step()", "p.data", 1.0, look="Adam.step"),
        Mistake(
            "division by 0 where nothing pulls",
            wrong=Raises("ZeroDivisionError"),
            says="A gradient of 0 makes m and v 0, and 0 / 0 fails: that is what eps is for. It is added below: sqrt(v) + eps. A relu "
            "that is off gives such gradients all the time.",
        ),
    ),
    Question(
        Case(f"p = Value(1.0)\n{ADAM}\np.grad = 1e-8\noptimizer.step()", "p.data", 0.95, look="Adam.step"),
        Mistake(
            "eps inside the root",
            wrong=about(1 - 0.1 * 1e-8 / math.sqrt(1e-16 + 1e-8)),
            says="With eps inside, the root is sqrt(1e-16 + 1e-8), about 1e-4, and small gradients do not count. eps is added after the "
            "root: sqrt(v) + eps, here 2e-8.",
        ),
        Mistake(
            "eps before the bias correction",
            wrong=about(1 - 0.1 * math.sqrt(0.001) * 1e-8 / (math.sqrt(0.001) * 1e-8 + 1e-8)),
            says="eps was added to the root of a v that had not been corrected yet, and so counts thirty times as much in the first step. "
            "First divide v by 1 - beta2**t, then take the root, then add eps.",
        ),
    ),
    Question(
        Case(TWO_PARAMETERS.format("optimizer = Adam([p, q], lr=0.1)"), "(p.data, q.data)", (0.9, 1.1), look="Adam.step", tolerance=1e-7),
        Mistake(
            "steps counted for each parameter",
            wrong=lambda found: isinstance(found, tuple) and _near(found, 0.9, 1 + 0.1 * (0.1 / 0.19) / math.sqrt(0.001 / 0.001999)),
            says="p moved by 0.1 and q by less, as if it were in its second step: the counter grows inside the loop. Count once for each "
            "call of step(), before the loop.",
        ),
        Mistake(
            "one m and v for all parameters",
            wrong=lambda found: isinstance(found, tuple) and found[1] < 1,
            says="q moved the wrong way: its gradient of -1 was mixed with the gradient 2 of p. Each parameter needs an m and a v of its "
            "own: two lists with one number for each.",
        ),
    ),
    Question(
        Case(TWO_STEPS.format(ADAM), "p.data", look="Adam.step", tolerance=1e-7),
        Mistake(
            "the averages begin anew in each step",
            wrong=about(0.9 - 0.1 * (0.1 / 0.19) / math.sqrt(0.001 / 0.001999)),
            says="The second step knows only the second gradient: m and v were 0 again. They must live from one step to the next: make "
            "them in __init__, not in step().",
        ),
        Mistake(
            "the corrected averages are kept",
            wrong=about(
                *(
                    0.9 - 0.1 * m / math.sqrt(v)
                    for m, v in ((10.0, 0.004996 / 0.001999), (10.0, 3.997 / 0.001999), (0.28 / 0.19, 3.997 / 0.001999))
                )
            ),
            says="The bias correction of the first step went into the average that the second step goes on with, and was made again "
            "there. Keep m and v as they are in self, and use corrected copies for the change.",
        ),
        Mistake(
            "beta1 and beta2 the wrong way round",
            wrong=about(0.9 - 0.1 * (0.002998 / 0.001999) / math.sqrt(0.46 / 0.19)),
            says="Here m was averaged with 0.999 and v with 0.9. betas is (beta1, beta2): the first, 0.9, is for m, and the second, "
            "0.999, for v.",
        ),
    ),
)

CHECKS = Checks(
    requires=("sigmoid", "softmax", "cross_entropy", "SGD", "Adam"),
    names={"Value": Value, "math": math},
    questions=QUESTIONS,
    cases=(
        Case("y = sigmoid(Value(0.0))", "y.data", 0.5, look="sigmoid"),
        Case("y = sigmoid(Value(2.0))", "y.data", look="sigmoid"),
        Case("y = sigmoid(Value(-2.0))", "y.data", look="sigmoid"),
        Case("x = Value(2.0)\ny = sigmoid(x)\ny.backward()", "x.grad", look="sigmoid"),
        Case("x = Value(-2.0)\ny = sigmoid(x)\ny.backward()", "x.grad", look="sigmoid"),
        Case("x = Value(1000.0)\ny = sigmoid(x)\ny.backward()", "(y.data, x.grad)", (1.0, 0.0), look="sigmoid"),
        Case("x = Value(-1000.0)\ny = sigmoid(x)\ny.backward()", "(y.data, x.grad)", (0.0, 0.0), look="sigmoid"),
        Case(f"{TWO}probabilities = softmax([a, b])", "[p.data for p in probabilities]", [0.25, 0.75], look="softmax"),
        Case("probabilities = softmax([Value(1.0), Value(2.0), Value(-1.0)])", "[p.data for p in probabilities]", look="softmax"),
        Case("probabilities = softmax([Value(1000.0), Value(1001.0)])", "[p.data for p in probabilities]", look="softmax"),
        Case("probabilities = softmax([Value(-1000.0), Value(-1001.0)])", "[p.data for p in probabilities]", look="softmax"),
        Case(f"{TWO}p, q = softmax([a, b])\np.backward()", "(a.grad, b.grad)", (0.1875, -0.1875), look="softmax"),
        Case(f"{TWO}loss = cross_entropy([a, b], 0)", "loss.data", math.log(4), look="cross_entropy"),
        Case(f"{TWO}loss = cross_entropy([a, b], 1)", "loss.data", math.log(4 / 3), look="cross_entropy"),
        Case(
            f"{TWO}loss = cross_entropy([a, b], 0)\nloss.backward()",
            "(a.grad, b.grad)",
            (-0.75, 0.75),
            "The gradients are the probabilities, 1/4 and 3/4, less 1 for the target.",
            look="cross_entropy",
        ),
        Case("loss = cross_entropy([Value(2.0), Value(1.0), Value(-1.0)], 2)", "loss.data", look="cross_entropy"),
        Case(
            "a, b = Value(0.0), Value(1000.0)\nloss = cross_entropy([a, b], 0)\nloss.backward()",
            "(loss.data, a.grad, b.grad)",
            (1000.0, -1.0, 1.0),
            look="cross_entropy",
        ),
        Case("loss = cross_entropy([Value(-1000.0), Value(-1000.0)], 1)", "loss.data", math.log(2), look="cross_entropy"),
        Case(ONE_STEP.format(PLAIN), "p.data", 0.8, look="SGD.step"),
        Case(ONE_STEP.format(MOMENTUM), "p.data", 0.8, look="SGD.step"),
        Case(THREE_STEPS.format(PLAIN), "p.data", 0.4, "Without momentum, each step is lr times the gradient.", look="SGD.step"),
        Case(THREE_STEPS.format(MOMENTUM), "p.data", -0.122, look="SGD.step"),
        Case(TWO_PARAMETERS.format("optimizer = SGD([p, q], lr=0.1, momentum=0.9)"), "(p.data, q.data)", (0.8, 1.1), look="SGD.step"),
        Case(ONE_STEP.format(PLAIN), "p.grad", 2.0, "step() reads the gradient, and leaves it as it is.", look="SGD.step"),
        Case(ONE_STEP.format(ADAM), "p.data", look="Adam.step"),
        Case(ONE_STEP.format("optimizer = Adam([p])"), "p.data", says="Without lr, it is 0.001.", look="Adam.__init__"),
        Case(TWO_STEPS.format(ADAM), "p.data", look="Adam.step"),
        Case(f"p = Value(1.0)\n{ADAM}\np.grad = -1e-8\noptimizer.step()", "p.data", 1.05, look="Adam.step"),
        Case(TWO_PARAMETERS.format("optimizer = Adam([p, q], lr=0.1)"), "(p.data, q.data)", look="Adam.step"),
        Case(ONE_STEP.format(ADAM), "p.grad", 2.0, "step() reads the gradient, and leaves it as it is.", look="Adam.step"),
    ),
    more=_more,
)
