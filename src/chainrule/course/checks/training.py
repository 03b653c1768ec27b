"""Exercise 8: training."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from chainrule.course.checking import Case, Checks, Diagnosis, Mistake
from chainrule.course.outcomes import COLLECTION, PLAIN_NUMBER, Raises, has, one_of, other_than, same

if TYPE_CHECKING:
    from collections.abc import Iterator

SAYS_BACK = "def model(x):\n    return x[0] * Value(1.0)\n\n"
LOSS = f"{SAYS_BACK}loss = loss_of(model, [[1.0], [2.0], [3.0]], [-4.0, 4.0, -1.0])"  # the differences are 5, -2 and 4

NEURON = """model = MLP(1, [1])
neuron = model.layers[0].neurons[0]
neuron.w[0].data, neuron.b.data = 1.0, 0.0
"""
TWO_STEPS = f"{NEURON}losses = train(model, [[2.0]], [0.0], 2, 0.05)"  # w: 1, 0.6, 0.4; b: 0, -0.2, -0.3; losses 4, 1
THREE_STEPS = f"{NEURON}losses = train(model, [[2.0]], [0.0], 3, 0.05)"
NO_RATE = f"{NEURON}losses = train(model, [[2.0]], [0.0], 1, 0.0)"
TWO_POINTS = f"{NEURON}losses = train(model, [[2.0], [0.0]], [0.0, -1.0], 1, 0.1)"
PARAMETERS = "(neuron.w[0].data, neuron.b.data)"


DIAGNOSES = (
    # --- the loss
    Diagnosis(
        Case(LOSS, "type(loss).__name__", "Value", look="loss_of"),
        Mistake(
            "a loss that is a plain number",
            wrong=PLAIN_NUMBER,
            says="A plain number has no backward(), so there would be no gradients. Calculate with the Values that the model gives, not "
            "with their data.",
        ),
        Mistake(
            "no loss",
            wrong="NoneType",
            says="A function without a return gives None.",
        ),
        Mistake(
            "a list of errors",
            wrong=COLLECTION,
            says="Gradient descent needs one number that it makes smaller. Add up the squared differences, and divide by how many there "
            "are.",
        ),
    ),
    Diagnosis(
        Case(LOSS, "loss.data", look="loss_of"),
        Mistake(
            "absolute differences",
            wrong=Raises("TypeError", "bad operand type for abs"),
            says="Your Values have no abs(). Use the square, which also makes every difference positive.",
        ),
        Mistake(
            "differences that are not squared",
            wrong=one_of(7, -7, 7 / 3, -7 / 3),
            says="The differences are 5, -2 and 4, and were added without squaring, so that too much and too little cancel out. Square "
            "each of them first.",
        ),
        Mistake(
            "the square of the sum",
            wrong=one_of(49, 49 / 3, 49 / 9),
            says="The differences 5, -2 and 4 were added first, and the sum was squared, so that too much and too little cancel out. "
            "Square each difference first, and then add.",
        ),
        Mistake(
            "one point only",
            wrong=one_of(25, 25 / 3, 16, 16 / 3),
            says="The differences are 5, -2 and 4, and only one of them is in this loss. Is there a return inside the loop, or an = in "
            "place of +=?",
        ),
        Mistake(
            "the sum instead of the mean",
            wrong=45.0,
            says="This is 25 + 4 + 16, the sum. Divide it by the number of points, which is 3.",
        ),
        Mistake(
            "the mean absolute error",
            wrong=one_of(11, 11 / 3),
            says="The differences are 5, -2 and 4, and this comes from 5 + 2 + 4 = 11, their absolute values. It should come from 25 + 4 "
            "+ 16: add the squares of the differences, and do not take roots.",
        ),
        Mistake(
            "the root of the mean square",
            wrong=one_of(15**0.5),
            says="The mean of the squares 25, 4 and 16 is 15, and this is the root of it. It has the same minimum, but other gradients. "
            "Leave out the root.",
        ),
        Mistake(
            "half of the mean",
            wrong=7.5,
            says="The mean of the squares 25, 4 and 16 is 15, and this is half of it. Some books divide by 2 * n, so that the 2 of the "
            "derivative goes away; here the loss is the mean itself; with half of it, each step would be half as long. Divide by "
            "the number of points.",
        ),
        Mistake(
            "divided by 2",
            wrong=22.5,
            says="The sum of the squares 25, 4 and 16 is 45, and it was divided by 2. There are three points: divide by their number, "
            "len(points).",
        ),
    ),
    Diagnosis(
        Case(
            f"{NEURON}loss = loss_of(model, [[2.0]], [0.0])\nloss.backward()",
            "(neuron.w[0].grad, neuron.b.grad)",
            (8.0, 4.0),
            look="loss_of",
        ),
        Mistake(
            "a loss without a graph",
            wrong=(0.0, 0.0),
            says="The loss is right, but no gradient reaches the parameters: the loss was calculated from data, which are plain numbers, "
            "and wrapped in a new Value. Calculate with the Values that the model gives.",
        ),
    ),
    # --- what train returns
    Diagnosis(
        Case(TWO_STEPS, "type(losses).__name__", "list", look="train"),
        Mistake(
            "train returns nothing",
            wrong="NoneType",
            says="train should return the losses, which show whether the training works. Collect them in a list, and return it after the "
            "loop.",
        ),
        Mistake(
            "only the last loss",
            wrong=one_of("float", "int", "Value"),
            says="train should return a list with the loss of each step: a single number does not show whether the loss has fallen.",
        ),
        Mistake(
            "yield instead of a list",
            wrong="generator",
            says="A function with yield does nothing until somebody asks for its results, so nothing has been trained yet. Collect the "
            "losses in a list.",
        ),
    ),
    Diagnosis(
        Case(TWO_STEPS, "[type(loss).__name__ for loss in losses]", ["float", "float"], look="train"),
        Mistake(
            "Values in the list",
            wrong=has("Value"),
            says="Each Value keeps the whole graph behind it, for every step. The number is enough: append loss.data.",
        ),
    ),
    Diagnosis(
        Case(THREE_STEPS, "len(losses)", 3, look="train"),
        Mistake(
            "one loss for three steps",
            wrong=1,
            says="Three steps were asked for, and the list holds one loss. A return inside the loop ends it in its first round; an "
            "append after the loop adds only the last loss.",
        ),
        Mistake(
            "a loss too many",
            wrong=4,
            says="Three steps gave four losses. The list should hold the loss before each step, and none after the last step.",
        ),
        Mistake(
            "a step too few",
            wrong=2,
            says="Three steps were asked for, and two losses came back. range(3) counts three times, range(1, 3) twice.",
        ),
    ),
    # --- what train does
    Diagnosis(
        Case(TWO_STEPS, "(neuron.w[0].data, neuron.w[0].grad)", (0.4, 4.0), look="train"),
        Mistake(
            "the loop's variable is changed, not the parameter",
            wrong=(1.0, 8.0),
            says="The gradient is there, and w is still 1: the network has not changed. parameter = parameter - ... and parameter -= ... "
            "only make the loop variable refer to another Value. Change the number itself: parameter.data -= ...",
        ),
    ),
    Diagnosis(
        Case(TWO_STEPS, "(losses, neuron.w[0].data)", ([4.0, 1.0], 0.4), look="train"),
        Mistake(
            "another model is trained",
            wrong=lambda found: found[1] == 1.0 and not same(found[0], [4.0, 4.0]),
            says="The losses change, but the model that was passed has not changed: a new network or a copy was trained. Train the model "
            "itself, and make no new one.",
        ),
    ),
    Diagnosis(
        Case(TWO_STEPS, "(neuron.w[0].data, neuron.w[0].grad)", (0.4, 4.0), look="train"),
        Mistake(
            "the gradients are zero when they are used",
            wrong=(1.0, 0.0),
            says="w has not moved, and its gradient is 0. Either backward() is not called on the loss that loss_of gives, or zero_grad() "
            "comes after backward() and sets its gradients to 0.",
        ),
    ),
    Diagnosis(
        Case(TWO_STEPS, f"(losses, *{PARAMETERS})", ([4.0, 1.0], 0.4, -0.3), look="train"),
        Mistake(
            "uphill",
            wrong=([4.0, 9.0], 2.0, 0.5),
            says="The loss has grown from 4 to 9. The gradient points in the direction in which the loss grows, and descent goes the "
            "other way: use -=, not +=.",
        ),
    ),
    Diagnosis(
        Case(TWO_STEPS, PARAMETERS, (0.4, -0.3), look="train"),
        Mistake(
            "=- instead of -=",
            wrong=(0.2, 0.1),
            says="The parameter became -learning_rate * gradient, and its old value is lost. `a =- b` sets a to -b; `a -= b` subtracts b "
            "from a.",
        ),
    ),
    Diagnosis(
        Case(NO_RATE, PARAMETERS, (1.0, 0.0), look="train"),
        Mistake(
            "the learning rate is not used",
            wrong=other_than((1.0, 0.0)),
            says="With a learning rate of 0 nothing should change, but the parameters have changed. Multiply each gradient by "
            "learning_rate.",
        ),
    ),
    Diagnosis(
        Case(TWO_STEPS, PARAMETERS, (0.4, -0.3), look="train"),
        Mistake(
            "the bias stays",
            wrong=lambda found: found[0] != 1.0 and found[1] == 0.0,
            says="The weight has moved, and the bias has not. Go through all of model.parameters(), and change each of them.",
        ),
    ),
    Diagnosis(
        Case(TWO_STEPS, f"(losses, *{PARAMETERS})", ([4.0, 1.0], 0.4, -0.3), look="train"),
        Mistake(
            "the loss is computed only once",
            wrong=([4.0, 4.0], 0.2, -0.4),
            says="Both steps used the gradients 8 and 4 of the starting point, and the loss is 4 twice: it does not change by itself "
            "when the parameters change. Call loss_of and backward() inside the loop.",
        ),
        Mistake(
            "the step comes before the gradient",
            wrong=([4.0, 4.0], 0.6, -0.2),
            says="The first step changed nothing, because backward() had not been called yet. First calculate the loss, then call "
            "backward(), then change the parameters.",
        ),
    ),
    Diagnosis(
        Case(TWO_STEPS, "losses", [4.0, 1.0], look="train"),
        Mistake(
            "the loss after the step",
            wrong=[1.0, 0.25],
            says="The list begins with the loss after the first step. It should begin with the loss of the model as it was passed, which "
            "is 4: append the loss on which backward() was called.",
        ),
    ),
    Diagnosis(
        Case(TWO_POINTS, PARAMETERS, (0.6, -0.3), look="train"),
        Mistake(
            "only the last point counts",
            wrong=one_of((1.0, -0.2), (1.0, -0.1)),
            says="backward() was called for each point, and each call begins by setting the gradients to zero, so that only the "
            "gradients of the last point are left. Call backward() once, on the loss of all points.",
        ),
        Mistake(
            "a step for each point",
            wrong=(0.2, -0.52),
            says="The parameters changed after each of the two points. Each step should use the loss of all points together: "
            "loss_of(model, points, targets).",
        ),
        Mistake(
            "training on the sum",
            wrong=(0.2, -0.6),
            says="The step is twice as long as it should be, as if the errors of the two points were added and not divided by 2. Let "
            "train call loss_of, which divides.",
        ),
    ),
)

CHECKS = Checks(
    requires=("Value", "MLP", "loss_of", "train"),
    diagnoses=DIAGNOSES,
    cases=(
        Case(f"{SAYS_BACK}loss = loss_of(model, [[3.0]], [1.0])", "loss.data", 4.0, look="loss_of"),
        Case(f"{SAYS_BACK}loss = loss_of(model, [[1.0], [3.0]], [1.0, 2.0])", "loss.data", 0.5, look="loss_of"),
        Case(LOSS, "loss.data", look="loss_of"),
        Case(
            f"{NEURON}loss = loss_of(model, [[2.0], [0.0]], [0.0, -1.0])\nloss.backward()",
            "(neuron.w[0].grad, neuron.b.grad)",
            (4.0, 3.0),
            look="loss_of",
        ),
        Case(
            f"{NEURON}loss_of(model, [[2.0]], [0.0])",
            PARAMETERS,
            (1.0, 0.0),
            "Calculating the loss must not change the model.",
            look="loss_of",
        ),
        Case(f"{NEURON}losses = train(model, [[2.0]], [0.0], 1, 0.05)", PARAMETERS, (0.6, -0.2), look="train"),
        Case(f"{NEURON}losses = train(model, [[2.0]], [0.0], 1, 0.05)", "list(losses)", [4.0], look="train"),
        Case(TWO_STEPS, PARAMETERS, (0.4, -0.3), look="train"),
        Case(TWO_STEPS, "list(losses)", [4.0, 1.0], look="train"),
        Case(THREE_STEPS, "list(losses)", [4.0, 1.0, 0.25], look="train"),
        Case(f"{NEURON}losses = train(model, [[2.0]], [0.0], 3, 0.1)", "list(losses)", [4.0, 0.0, 0.0], look="train"),
        Case(TWO_POINTS, PARAMETERS, (0.6, -0.3), look="train"),
        Case(
            f"{NEURON}train(model, [[2.0]], [0.0], 1, 0.05)\nlosses = train(model, [[2.0]], [0.0], 1, 0.05)",
            "list(losses)",
            [1.0],
            "A second training continues where the first has ended.",
            look="train",
        ),
    ),
    more=lambda: _random_trainings(),
)


def _random_trainings() -> Iterator[Case]:
    rng = random.Random(8)
    for sizes, count in (([1], 2), ([1], 3), ([2, 1], 2), ([3, 1], 4), ([2, 2, 1], 3)):
        points: list[Any] = [[round(rng.uniform(-1, 1), 1) for _ in range(2)] for _ in range(count)]
        targets = [rng.choice((-1, 1)) for _ in range(count)]
        lines = [
            f"model = MLP(2, {sizes})",
            "numbers = iter(0.1 * (7 * k % 19 - 9) for k in range(100))",
            "values = [v for layer in model.layers for neuron in layer.neurons for v in [*neuron.w, neuron.b]]",
            "for value in values:",
            "    value.data = next(numbers)",
            f"losses = train(model, {points}, {targets}, 3, 0.1)",
        ]
        yield Case("\n".join(lines), "(list(losses), [value.data for value in values])", look="train")
