"""Exercise 10: why training fails."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

from chainrule import MLP, Value
from chainrule.course.checking import Case, Checks, Mistake, Question
from chainrule.course.outcomes import COLLECTION, Raises, about, is_none, one_of, other_than

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RELU = (
    "model = MLP(1, [3, 1], rng=random.Random(0))\n"
    "for neuron, weight in zip(model.layers[0].neurons, (1.0, -1.0, -1.0)):\n    neuron.w[0].data = weight\n"
)
DEEPER = "model = MLP(1, [2, 4, 1])\nfor p in model.parameters():\n    p.data = 0.5\nmodel.layers[0].neurons[1].w[0].data = -1.0\n"
TANH = (
    'model = MLP(1, [3, 1], activation="tanh", rng=random.Random(0))\n'
    "for neuron, weight in zip(model.layers[0].neurons, (9.0, -9.0, 0.1)):\n    neuron.w[0].data = weight\n"
)
NORMS = "model = MLP(2, [1, 1])\nfor p, g in zip(model.parameters(), (2, -3, 6, 3, -4)):\n    p.data, p.grad = 1.0, g\n"
CLIP = "p, q = Value(7.0), Value(7.0)\np.grad, q.grad = 3.0, 4.0\nnorm = clip_gradients([p, q], {})"
DRAWN = (
    "rng = random.Random(0)\nweights = [initial_weight(rng, 100, 4) for _ in range(5000)]\n"
    "mean = sum(weights) / 5000\ndeviation = math.sqrt(sum((w - mean) ** 2 for w in weights) / 5000)"
)
DRAWN_SHOWS = "(round(abs(10 * mean), 1), round(10 * deviation, 1))"  # of what should be 0 and 1/10
DRAWN_RIGHT = (0.0, 1.0)


def _deviation(*times: float) -> Callable[[Any], bool]:
    """Whether the mean is right, and the standard deviation is one of these times what it should be."""

    def is_one(found: Any) -> bool:
        return abs(found[0]) < 0.06 * max(1.0, found[1]) + 0.05 and any(math.isclose(found[1], time, rel_tol=0.05) for time in times)

    return is_one


def _more() -> Iterator[Case]:
    """Networks and gradients at random."""
    rng = random.Random(10)
    for sizes in ([4, 1], [3, 5, 1], [1, 2]):
        seed = rng.randrange(100)
        places = [[round(rng.uniform(-1, 1), 1)] for _ in range(3)]
        for name, activation in (("dead_relus", "relu"), ("saturated", "tanh")):
            limit = ", limit=0.5" if name == "saturated" else ""
            yield Case(
                f'model = MLP(1, {sizes}, activation="{activation}", rng=random.Random({seed}))',
                f"{name}(model, {places}{limit})",
                look=name,
            )
        yield Case(
            f"model = MLP(1, {sizes}, rng=random.Random({seed}))\nout = model([0.7])\n"
            "(out[0] if isinstance(out, list) else out).backward()",
            "gradient_norms(model)",
            look="gradient_norms",
        )
    for largest in (0.5, 4.0):
        gradients = [round(rng.uniform(-2, 2), 1) for _ in range(4)]
        yield Case(
            f"values = [Value(0.0) for _ in range(4)]\nfor p, g in zip(values, {gradients}):\n    p.grad = g\n"
            f"norm = clip_gradients(values, {largest})",
            "(norm, [p.grad for p in values])",
            look="clip_gradients",
        )


QUESTIONS = (
    # --- dead_relus
    Question(
        Case(RELU, "dead_relus(model, [[1.0], [2.0]])", 2 / 3, look="dead_relus"),
        Mistake(
            "the share that is alive",
            wrong=about(1 / 3),
            says="One of the three hidden neurons is above 0 at these points and two are not; this is the share of those that are. Count "
            "the columns of zeros.",
        ),
        Mistake(
            "looking for negative outputs",
            wrong=about(0.0),
            says="None was found, and two of the three hidden neurons are 0 at both points. What a relu gives is never negative: compare "
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
            says="Two of three neurons are dead, and this says so in percent. A share is a number from 0 to 1, here 2/3: do not multiply "
            "by 100.",
        ),
        Mistake(
            "the output neuron among the relus",
            wrong=about(2 / 4, 3 / 4),
            says="This is out of 4, so the output neuron was counted. It is linear and cannot be dead: look at model.layers[:-1] only, as "
            "hidden_outputs does.",
        ),
    ),
    Question(
        Case(RELU, "dead_relus(model, [[1.0], [-1.0]])", 0.0, look="dead_relus"),
        Mistake(
            "off at one point taken for dead",
            wrong=about(1.0),
            says="Each of the three neurons is 0 at one of the points and above 0 at the other, so each still learns. Dead is what is 0 "
            "at all points: all(...), not any(...).",
        ),
        Mistake(
            "zeros counted instead of neurons",
            wrong=about(0.5),
            says="Three of the six outputs are 0, but no neuron is 0 at both points. A relu is meant to be 0 sometimes: ask of each "
            "neuron whether it is 0 at all points.",
        ),
        Mistake(
            "one point decides",
            wrong=about(1 / 3, 2 / 3),
            says="This is what only the first or only the last of the two points says. What was found at one point must not be "
            "overwritten at the next: a neuron that was alive once is alive.",
        ),
    ),
    Question(
        Case(DEEPER, "dead_relus(model, [[1.0]])", 1 / 6, look="dead_relus"),
        Mistake(
            "only one hidden layer",
            wrong=about(1 / 2, 0.0),
            says="One of two neurons is dead in the first hidden layer, and none of four in the second: together one of six. This is only "
            "one of the layers.",
        ),
        Mistake(
            "a mean over layers",
            wrong=about(1 / 4),
            says="This is the mean of 1/2 and 0, the shares of two layers of different size. Count neurons over all hidden layers, one of "
            "six, and divide once.",
        ),
    ),
    # --- saturated
    Question(
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
            says="Two of six outputs are saturated, three neurons at two points. Divide by the number of outputs, and not by that of "
            "points.",
        ),
        Mistake(
            "saturated outputs in percent",
            wrong=about(100 / 3, 33.33, 33.3, 33),
            says="Two of six outputs are saturated, and this says so in percent. A share is a number from 0 to 1, here 1/3: do not "
            "multiply by 100.",
        ),
    ),
    Question(
        Case(TANH, "saturated(model, [[1.0], [40.0]])", 5 / 6, look="saturated"),
        Mistake(
            "neurons counted instead of outputs",
            wrong=about(2 / 3, 1.0),
            says="Here each neuron was counted once, if it is saturated at all points or at any. Every neuron at every point counts by "
            "itself: five of six outputs are beyond the limit.",
        ),
        Mistake(
            "the slope in place of the output",
            wrong=about(1 / 6),
            says="Only the output 0.1 was counted, which is the one that is not saturated: where the derivative is near 1, all is well. "
            "Compare the absolute value of the output with the limit.",
        ),
    ),
    Question(
        Case(TANH, "saturated(model, [[1.0], [0.0]])", 1 / 3, look="saturated"),
        Mistake(
            "the output neuron among the tanhs",
            wrong=about(2 / 8, 3 / 8, 4 / 8),
            says="This is out of 8, so the output neuron was counted. It has no tanh, and may be as large as it likes: use hidden_outputs.",
        ),
    ),
    Question(
        Case(TANH, "saturated(model, [[1.0], [0.0]], limit=0.05)", 1 / 2, look="saturated"),
        Mistake(
            "the limit is not used",
            wrong=about(1 / 3),
            says="With a limit of 0.05, the output 0.1 is beyond it too. Compare with limit, not with a number written into the function.",
        ),
    ),
    # --- gradient_norms
    Question(
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
            says="This is the norm over both layers, which does not say where the gradients grow. One number for each of model.layers.",
        ),
    ),
    # --- clip_gradients
    Question(
        Case(CLIP.format("1.0"), "(p.grad, q.grad)", (0.6, 0.8), look="clip_gradients"),
        Mistake(
            "the gradients stay as they are",
            wrong=(3.0, 4.0),
            says="Their norm is 5, and nothing was changed. A loop over numbers changes the loop's variable only: write p.grad *= ... for "
            "each parameter.",
        ),
        Mistake(
            "each gradient clipped by itself",
            wrong=(1.0, 1.0),
            says="Each was cut to 1, and now they point another way, halfway between the two. Multiply all by the same number, largest / "
            "norm: 3/5 and 4/5.",
        ),
        Mistake(
            "the norm changes on the way",
            wrong=lambda found: about(0.6)(found[0]) and not about(0.8)(found[1]),
            says="The first gradient is right and the second is not: the norm was computed again after the first had been changed. "
            "Compute it once, before the loop.",
        ),
    ),
    Question(
        Case(CLIP.format("2.0"), "(p.grad, q.grad)", (1.2, 1.6), look="clip_gradients"),
        Mistake(
            "the limit forgotten in the factor",
            wrong=(0.6, 0.8),
            says="Their norm is 1 now, whatever the limit was. The factor is largest / norm, here 2 / 5.",
        ),
    ),
    Question(
        Case(CLIP.format("10.0"), "(p.grad, q.grad)", (3.0, 4.0), look="clip_gradients"),
        Mistake(
            "small gradients are blown up",
            wrong=(6.0, 8.0),
            says="The norm was 5, less than the limit of 10, and was made 10. Near the goal gradients are small, and must stay so: scale "
            "only if the norm is over the limit.",
        ),
    ),
    Question(
        Case(CLIP.format("1.0"), "(p.data, q.data)", (7.0, 7.0), look="clip_gradients"),
        Mistake(
            "the parameters are changed",
            wrong=other_than((7.0, 7.0)),
            says="Clipping is about gradients, and the step comes later: leave p.data alone, and change p.grad.",
        ),
    ),
    Question(
        Case(CLIP.format("1.0"), "norm", 5.0, look="clip_gradients"),
        Mistake(
            "the norm is not returned",
            wrong=is_none,
            says="The function returns nothing. Return the norm, also where nothing was clipped: it is what one wants to watch.",
        ),
        Mistake(
            "the norm afterwards",
            wrong=about(1.0),
            says="This is the norm after clipping, which is known: it is the limit. Return what it was before.",
        ),
    ),
    Question(
        Case("p = Value(7.0)\nnorm = clip_gradients([p], 1.0)", "(norm, p.grad)", (0.0, 0.0), look="clip_gradients"),
        Mistake(
            "division by a norm of 0",
            wrong=Raises("ZeroDivisionError"),
            says="All gradients are 0, and so is their norm. Divide by it only if it is over the limit.",
        ),
    ),
    # --- initial_weight
    Question(
        Case("weight = initial_weight(random.Random(0), 4, 1)", "type(weight).__name__", "float", look="initial_weight"),
        Mistake(
            "a list of weights",
            wrong=COLLECTION,
            says="The network asks for one weight at a time, as often as it has weights. Return one number.",
        ),
    ),
    Question(
        Case(
            "a = initial_weight(random.Random(1), 4, 1)\nb = initial_weight(random.Random(1), 4, 1)", "a == b", True, look="initial_weight"
        ),
        Mistake(
            "random numbers from elsewhere",
            wrong=False,
            says="The same seed gave two different weights, so they do not come from rng, and no run could be repeated. Draw from rng: "
            "rng.gauss(...).",
        ),
    ),
    Question(
        Case("rng = random.Random(1)\na, b = initial_weight(rng, 4, 1), initial_weight(rng, 4, 1)", "a == b", False, look="initial_weight"),
        Mistake(
            "all weights are the same",
            wrong=True,
            says="Two weights drawn one after the other are the same. Then all neurons of a layer compute the same, and stay the same for "
            "ever. Draw a new one each time, from the rng that is given.",
        ),
    ),
    Question(
        Case(DRAWN, DRAWN_SHOWS, DRAWN_RIGHT, look="initial_weight"),
        Mistake(
            "weights of one sign",
            wrong=lambda found: abs(found[0]) > 0.2 * found[1] + 0.05,
            says="The mean of 5000 weights is not 0, most have the same sign: rng.random() is between 0 and 1, for instance. Draw around "
            "0, as rng.gauss(0, ...) does.",
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
            says="The standard deviation is that of numbers between -1 and 1, or 1, however many inputs there are. With 100 it should be "
            "1/10: 1 / sqrt(nin).",
        ),
        Mistake(
            "nout in place of nin",
            wrong=_deviation(5.0),
            says="The standard deviation is 1 / sqrt(4), and 4 is the number of neurons. What is added up in a neuron are its inputs, of "
            "which there are 100: 1 / sqrt(nin).",
        ),
        Mistake(
            "a bound taken for a standard deviation",
            wrong=_deviation(0.6),
            says="Numbers drawn evenly between -s and s have the standard deviation s / sqrt(3), so these are too small by 1.73. Use "
            "rng.gauss(0, s), or the bounds sqrt(3) * s.",
        ),
    ),
    # --- best_learning_rate
    Question(
        Case("losses = {0.01: [2.0, 1.9], 0.1: [2.0, 0.5]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Mistake(
            "the loss instead of the rate",
            wrong=about(0.5),
            says="This is the smallest last loss. Return the rate that it belongs to: min(..., key=...) over the rates.",
        ),
        Mistake(
            "the largest loss, or the first",
            wrong=about(0.01),
            says="This rate has the larger last loss, 1.9. Look for the smallest, and at the end of the lists, column[-1]: in the "
            "beginning all are the same.",
        ),
    ),
    Question(
        Case("losses = {0.1: [2.0, 1.0, 0.5], 1.0: [2.0, 0.3, 40.0]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Mistake(
            "good only on the way",
            wrong=about(1.0),
            says="This run was at 0.3 for a moment, on its way up to 40. What counts is where it ended: the last loss, not the smallest.",
        ),
    ),
    Question(
        Case("losses = {10.0: [2.0, math.nan], 0.1: [2.0, 0.5]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Mistake(
            "nan taken for the smallest",
            wrong=about(10.0),
            says="The run with 10 ended at nan. min() keeps what it met first unless something is smaller, and nothing is smaller than "
            "nan: leave such runs out before you compare, by math.isnan.",
        ),
    ),
)

CHECKS = Checks(
    requires=("dead_relus", "saturated", "gradient_norms", "clip_gradients", "initial_weight", "best_learning_rate"),
    names={"MLP": MLP, "Value": Value, "math": math, "random": random},
    questions=QUESTIONS,
    cases=(
        Case(RELU, "dead_relus(model, [[1.0]])", 2 / 3, look="dead_relus"),
        Case(RELU, "dead_relus(model, [[1.0], [-1.0]])", 0.0, look="dead_relus"),
        Case(DEEPER, "dead_relus(model, [[1.0]])", 1 / 6, look="dead_relus"),
        Case(TANH, "saturated(model, [[1.0], [0.0]])", 1 / 3, look="saturated"),
        Case(TANH, "saturated(model, [[1.0], [0.0]], limit=0.05)", 1 / 2, look="saturated"),
        Case(NORMS, "gradient_norms(model)", [7.0, 5.0], look="gradient_norms"),
        Case(CLIP.format("1.0"), "(norm, p.grad, q.grad)", (5.0, 0.6, 0.8), look="clip_gradients"),
        Case(CLIP.format("2.0"), "(norm, p.grad, q.grad)", (5.0, 1.2, 1.6), look="clip_gradients"),
        Case(CLIP.format("10.0"), "(norm, p.grad, q.grad)", (5.0, 3.0, 4.0), look="clip_gradients"),
        Case(
            "p, q = Value(7.0), Value(7.0)\np.grad, q.grad = -3.0, 4.0\nclip_gradients([p, q], 1.0)",
            "(p.grad, q.grad)",
            (-0.6, 0.8),
            "Clipping keeps the signs.",
            look="clip_gradients",
        ),
        Case(
            DRAWN,
            DRAWN_SHOWS,
            DRAWN_RIGHT,
            "With 100 inputs, the mean should be 0 and the standard deviation 1/10; both are shown times 10.",
            look="initial_weight",
        ),
        Case(
            DRAWN.replace("100, 4", "4, 100"),
            "(round(abs(2 * mean), 1), round(2 * deviation, 1))",
            DRAWN_RIGHT,
            "With 4 inputs, the mean should be 0 and the standard deviation 1/2; both are shown times 2.",
            look="initial_weight",
        ),
        Case("losses = {0.01: [2.0, 1.9], 0.1: [2.0, 0.5]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Case("losses = {0.1: [2.0, 0.5], 1.0: [2.0, 1.9]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Case("losses = {0.1: [2.0, 0.5], 10.0: [2.0, math.nan]}", "best_learning_rate(losses)", 0.1, look="best_learning_rate"),
        Case(
            "losses = {0.1: [2.0, 0.5], 10.0: [2.0, math.nan], 1.0: [2.0, math.inf], 0.3: [2.0, 0.2]}",
            "best_learning_rate(losses)",
            0.3,
            look="best_learning_rate",
        ),
    ),
    more=_more,
)
