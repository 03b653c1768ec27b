"""Exercise 10, dead_relus, saturated and gradient_norms."""

from __future__ import annotations

import math

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.failures.examples import DEEPER, NORMS, RELU, TANH
from chainrule.course.outcomes import about, one_of

DIAGNOSES = (
    # --- dead_relus
    Diagnosis(
        Case(RELU, "dead_relus(model, [[1.0], [2.0]])", 2 / 3, look="dead_relus"),
        Mistake(
            "the share that is alive",
            wrong=about(1 / 3),
            says="One of the three hidden neurons is above 0 at these points and two are not; this is the share of neurons above 0. "
            "Count the columns of zeros.",
        ),
        Mistake(
            "looking for negative outputs",
            wrong=about(0.0),
            says="This is 0, but two of the three hidden neurons are 0 at both points. The output of a relu is never negative: compare "
            "with == 0.",
        ),
        Mistake(
            "a number of neurons instead of a share",
            wrong=about(2.0),
            says="Two neurons are dead, and the share is 2 out of 3: divide by the number of hidden neurons, so that small and large "
            "networks can be compared.",
        ),
        Mistake(
            "dead relus in percent",
            wrong=about(200 / 3, 66.67, 66.7, 67, 66),
            says="Two of three neurons are dead, and this is the share in percent. A share is a number from 0 to 1, here 2/3: do not "
            "multiply by 100.",
        ),
        Mistake(
            "the output neuron among the relus",
            wrong=about(2 / 4, 3 / 4),
            says="This was divided by 4, so the output neuron was counted. It is linear and cannot be dead: look at model.layers[:-1] "
            "only, as hidden_outputs does.",
        ),
    ),
    Diagnosis(
        Case(RELU, "dead_relus(model, [[1.0], [-1.0]])", 0.0, look="dead_relus"),
        Mistake(
            "a neuron that is off at one point counts as dead",
            wrong=about(1.0),
            says="Each of the three neurons is 0 at one of the points and above 0 at the other, so each still learns. A neuron is dead "
            "if it is 0 at all points: use all(...), not any(...).",
        ),
        Mistake(
            "zeros counted instead of neurons",
            wrong=about(0.5),
            says="Three of the six outputs are 0, but no neuron is 0 at both points. A relu may be 0 at some points: check for each "
            "neuron whether it is 0 at all points.",
        ),
        Mistake(
            "one point decides",
            wrong=about(1 / 3, 2 / 3),
            says="This uses only the first or only the last of the two points. Do not overwrite the result of one point with that of the "
            "next: a neuron that is above 0 at any point is alive.",
        ),
    ),
    Diagnosis(
        Case(DEEPER, "dead_relus(model, [[1.0]])", 1 / 6, look="dead_relus"),
        Mistake(
            "only one hidden layer",
            wrong=about(1 / 2, 0.0),
            says="One of two neurons is dead in the first hidden layer, and none of four in the second: together one of six. This counts "
            "only one of the layers.",
        ),
        Mistake(
            "a mean over layers",
            wrong=about(1 / 4),
            says="This is the mean of 1/2 and 0, the shares of two layers of different size. Count neurons over all hidden layers, one of "
            "six, and divide once.",
        ),
    ),
    # --- saturated
    Diagnosis(
        Case(TANH, "saturated(model, [[1.0], [0.0]])", 1 / 3, look="saturated"),
        Mistake(
            "the negative side forgotten",
            wrong=about(1 / 6),
            says="At 1.0 the outputs are 1, -1 and 0.1, and two of them are in the flat part of tanh. Take the absolute value: -1 is as "
            "flat as 1.",
        ),
        Mistake(
            "a number of outputs instead of a share",
            wrong=about(2.0, 1.0),
            says="Two of six outputs are saturated: three neurons at two points give six outputs. Divide by the number of outputs, not "
            "by the number of points.",
        ),
        Mistake(
            "saturated outputs in percent",
            wrong=about(100 / 3, 33.33, 33.3, 33),
            says="Two of six outputs are saturated, and this is the share in percent. A share is a number from 0 to 1, here 1/3: do not "
            "multiply by 100.",
        ),
    ),
    Diagnosis(
        Case(TANH, "saturated(model, [[1.0], [40.0]])", 5 / 6, look="saturated"),
        Mistake(
            "neurons counted instead of outputs",
            wrong=about(2 / 3, 1.0),
            says="Here each neuron was counted once, if it is saturated at all points or at any point. Count the output of every neuron "
            "at every point: five of six outputs are beyond the limit.",
        ),
        Mistake(
            "the slope in place of the output",
            wrong=about(1 / 6),
            says="Only the output 0.1 was counted, which is not saturated: a derivative near 1 is good. Compare the absolute value of "
            "the output with the limit.",
        ),
    ),
    Diagnosis(
        Case(TANH, "saturated(model, [[1.0], [0.0]])", 1 / 3, look="saturated"),
        Mistake(
            "the output neuron among the tanhs",
            wrong=about(2 / 8, 3 / 8, 4 / 8),
            says="This was divided by 8, so the output neuron was counted. It has no tanh, so its output may be large: use hidden_outputs.",
        ),
    ),
    Diagnosis(
        Case(TANH, "saturated(model, [[1.0], [0.0]], limit=0.05)", 1 / 2, look="saturated"),
        Mistake(
            "the limit is not used",
            wrong=about(1 / 3),
            says="With a limit of 0.05, the output 0.1 is beyond it too. Compare with limit, not with a number written into the function.",
        ),
    ),
    # --- gradient_norms
    Diagnosis(
        Case(NORMS, "gradient_norms(model)", [7.0, 5.0], look="gradient_norms"),
        Mistake(
            "no root",
            wrong=[49.0, 25.0],
            says="These are the sums of the squares. Their roots are the norms: math.sqrt of each sum.",
        ),
        Mistake(
            "a sum without squares",
            wrong=one_of([5, -1], [11, 7], [5, 1]),
            says="The gradients of the first layer are 2, -3 and 6, and this adds them, with or without their signs. The norm is "
            "sqrt(2**2 + 3**2 + 6**2) = 7.",
        ),
        Mistake(
            "the root of a mean",
            wrong=[math.sqrt(49 / 3), math.sqrt(25 / 2)],
            says="This is the root of the mean square, 49 / 3 and 25 / 2. It is a useful number, but the norm is the root of the sum.",
        ),
        Mistake(
            "the biases left out",
            wrong=[math.sqrt(13), 3.0],
            says="Only the weights went in, and 6 and -4 are the gradients of the biases. layer.parameters() has both.",
        ),
        Mistake(
            "the data in place of the gradients",
            wrong=[math.sqrt(3), math.sqrt(2)],
            says="This is the norm of the weights, which are all 1 here. The gradients are in p.grad.",
        ),
        Mistake(
            "one norm for the whole network",
            wrong=lambda found: any(math.isclose(x, math.sqrt(74)) for x in (found if isinstance(found, list) else [found])),
            says="This is the norm over both layers, which does not say where the gradients grow. Return one number for each of "
            "model.layers.",
        ),
    ),
)
