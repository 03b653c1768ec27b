"""Exercise 9, SGD and Adam."""

from __future__ import annotations

import math

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.classification.examples import ADAM, MOMENTUM, ONE_STEP, PLAIN, THREE_STEPS, TWO_PARAMETERS, TWO_STEPS
from chainrule.course.outcomes import Raises, about

DIAGNOSES = (
    # --- SGD
    Diagnosis(
        Case(ONE_STEP.format(PLAIN), "p.data", 0.8, look="SGD.step"),
        Mistake(
            "the parameter is not changed",
            wrong=1.0,
            says="The step has not changed the parameter. A line such as p = p - ... makes a new Value, and the network still has the "
            "old one: change p.data.",
        ),
        Mistake(
            "the learning rate twice",
            wrong=about(0.98),
            says="This is a step of 0.1 * 0.1 * 2: the learning rate was used twice, in m and in the change. Use it only in the change.",
        ),
        Mistake(
            "uphill",
            wrong=1.2,
            says="The gradient is 2, so the loss grows with p, and p should become smaller: 1 - 0.1 * 2. This step went the other way.",
        ),
    ),
    Diagnosis(
        Case(ONE_STEP.format("optimizer = SGD([p], lr=0.1, momentum=0.5)"), "p.data", 0.8, look="SGD.step"),
        Mistake(
            "momentum as an average",
            wrong=about(0.9),
            says="Only half of the gradient was added to m, as (1 - momentum) * g, which belongs to Adam's averages. Here m = momentum * "
            "m + g.",
        ),
    ),
    Diagnosis(
        Case(THREE_STEPS.format(MOMENTUM), "p.data", -0.122, look="SGD.step"),
        Mistake(
            "momentum forgotten",
            wrong=about(0.4),
            says="These are three steps of 0.1 * 2, each as if it were the first. m must be kept from one step to the next: store it in "
            "self, one for each parameter, and do not set it to 0 in step().",
        ),
        Mistake(
            "only the last gradient is remembered",
            wrong=about(0.04),
            says="From the second step on, each is 0.1 * (2 + 0.9 * 2): the last gradient is kept instead of m. Keep m itself, so that "
            "it contains the earlier gradients times 0.9, 0.81, 0.729 and so on.",
        ),
        Mistake(
            "the sign of the momentum",
            wrong=about(1 - 0.1 * (2 + 0.2 + 1.82)),
            says="Here the old m is subtracted from the new gradient, so the steps slow down where they should gather speed. m = "
            "momentum * m + g, with a plus.",
        ),
    ),
    Diagnosis(
        Case(TWO_PARAMETERS.format("optimizer = SGD([p, q], lr=0.1, momentum=0.9)"), "(p.data, q.data)", (0.8, 1.1), look="SGD.step"),
        Mistake(
            "one m for all parameters",
            wrong=about((0.8, 0.92)),
            says="q moved the wrong way: its gradient of -1 was added to the m of p. Each parameter needs an m of its own, for instance a "
            "list self.m with one number for each.",
        ),
    ),
    # --- Adam
    Diagnosis(
        Case(ONE_STEP.format(ADAM), "p.data", 0.9, look="Adam.step", tolerance=1e-7),
        Mistake(
            "steps counted from 0",
            wrong=Raises("ZeroDivisionError"),
            says="At t = 0 the correction 1 - beta**t is 0. In the first step t is 1: add 1 to the counter before you use it.",
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
            "gradient the root would not even exist.",
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
            says="The gradient is positive, so the loss grows with p, and p should become smaller. This step went the other way.",
        ),
    ),
    Diagnosis(
        Case(f"p = Value(1.0)\n{ADAM}\np.grad = 0.0\noptimizer.step()", "p.data", 1.0, look="Adam.step"),
        Mistake(
            "division by 0 where the gradient is 0",
            wrong=Raises("ZeroDivisionError"),
            says="A gradient of 0 makes m and v 0, and 0 / 0 fails: that is what eps is for. Add it in the denominator: sqrt(v) + eps. "
            "Such gradients are common, for example behind a relu that is off.",
        ),
    ),
    Diagnosis(
        Case(f"p = Value(1.0)\n{ADAM}\np.grad = 1e-8\noptimizer.step()", "p.data", 0.95, look="Adam.step"),
        Mistake(
            "eps inside the root",
            wrong=about(1 - 0.1 * 1e-8 / math.sqrt(1e-16 + 1e-8)),
            says="With eps inside, the root is sqrt(1e-16 + 1e-8), about 1e-4, and small gradients have almost no effect. Add eps after "
            "the root: sqrt(v) + eps, here 2e-8.",
        ),
        Mistake(
            "eps before the bias correction",
            wrong=about(1 - 0.1 * math.sqrt(0.001) * 1e-8 / (math.sqrt(0.001) * 1e-8 + 1e-8)),
            says="eps was added to the root of v before the correction, so its effect is thirty times as large in the first step. First "
            "divide v by 1 - beta2**t, then take the root, then add eps.",
        ),
    ),
    Diagnosis(
        Case(TWO_PARAMETERS.format("optimizer = Adam([p, q], lr=0.1)"), "(p.data, q.data)", (0.9, 1.1), look="Adam.step", tolerance=1e-7),
        Mistake(
            "steps counted for each parameter",
            wrong=about((0.9, 1 + 0.1 * (0.1 / 0.19) / math.sqrt(0.001 / 0.001999))),
            says="p moved by 0.1 and q by less, as if it were in its second step: the counter grows inside the loop. Add 1 to it once "
            "for each call of step(), before the loop.",
        ),
        Mistake(
            "one m and v for all parameters",
            wrong=lambda found: isinstance(found, tuple) and found[1] < 1,
            says="q moved the wrong way: its gradient of -1 was mixed with the gradient 2 of p. Each parameter needs an m and a v of its "
            "own: two lists with one number for each.",
        ),
    ),
    Diagnosis(
        Case(TWO_STEPS.format(ADAM), "p.data", look="Adam.step", tolerance=1e-7),
        Mistake(
            "the averages start again in each step",
            wrong=about(0.9 - 0.1 * (0.1 / 0.19) / math.sqrt(0.001 / 0.001999)),
            says="The second step used only the second gradient: m and v were 0 again. They must be kept from one step to the next: make "
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
            says="The corrected averages of the first step were stored, so the second step corrected them again. Store m and v without "
            "the correction, and use corrected copies for the change.",
        ),
        Mistake(
            "beta1 and beta2 the wrong way round",
            wrong=about(0.9 - 0.1 * (0.002998 / 0.001999) / math.sqrt(0.46 / 0.19)),
            says="Here m was averaged with 0.999 and v with 0.9. betas is (beta1, beta2): the first, 0.9, is for m, and the second, "
            "0.999, for v.",
        ),
    ),
)
