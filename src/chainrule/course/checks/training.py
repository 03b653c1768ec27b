"""Exercise 8: training."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from chainrule.course.checking import Case, Checks, Mistake, Question
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


QUESTIONS = (
    # --- the loss
    Question(
        Case(LOSS, "type(loss).__name__", "Value", look="loss_of"),
        Mistake(
            "a loss that is a plain number",
            wrong=PLAIN_NUMBER,
            says="A plain number has no backward(), so nobody can say how the parameters should change. Calculate with the Values that "
            "the model gives, not with their data.",
        ),
        Mistake(
            "no loss",
            wrong="NoneType",
            says="A function without a return gives None.",
        ),
        Mistake(
            "a list of errors",
            wrong=COLLECTION,
            says="Descent needs one number to make smaller. Add up the squared differences, and divide by how many there are.",
        ),
    ),
    Question(
        Case(LOSS, "loss.data", look="loss_of"),
        Mistake(
            "absolute differences",
            wrong=Raises("TypeError", "bad operand type for abs"),
            says="Your Values have no abs(). The square does what it would do here: it makes a positive number of every difference.",
        ),
        Mistake(
            "differences that are not squared",
            wrong=one_of(7, -7, 7 / 3, -7 / 3),
            says="The differences are 5, -2 and 4, and were added up as they are, so that too much and too little cancel out. Square each "
            "of them first.",
        ),
        Mistake(
            "the square of the sum",
            wrong=one_of(49, 49 / 3, 49 / 9),
            says="The differences 5, -2 and 4 were added up, and then squared: too much and too little have cancelled out by then. Square "
            "each of them, and then add up.",
        ),
        Mistake(
            "one point only",
            wrong=one_of(25, 25 / 3, 16, 16 / 3),
            says="The differences are 5, -2 and 4, and only one of them is in this loss. Is there a return inside the loop, or an = where "
            "+= should be?",
        ),
        Mistake(
            "the sum instead of the mean",
            wrong=45.0,
            says="This is 25 + 4 + 16, the sum. Divide it by the number of points, which is 3.",
        ),
        Mistake(
            "the mean absolute error",
            wrong=one_of(11, 11 / 3),
            says="The differences are 5, -2 and 4, and this is made of 5 + 2 + 4 = 11: they lost their signs, and were not squared. It "
            "should be made of 25 + 4 + 16. Add up the squares, and take no root of them.",
        ),
        Mistake(
            "the root of the mean square",
            wrong=one_of(15**0.5),
            says="The mean of the squares 25, 4 and 16 is 15, and this is the root of it. It has its minimum at the same place, but other "
            "gradients. Leave the root out.",
        ),
        Mistake(
            "half of the mean",
            wrong=7.5,
            says="The mean of the squares 25, 4 and 16 is 15, and this is half of it. Some books divide by 2 * n, so that the 2 of the "
            "derivative goes away; here the loss is the mean itself, and each step would be half as long. Divide by the number of "
            "points.",
        ),
        Mistake(
            "divided by 2",
            wrong=22.5,
            says="The sum of the squares 25, 4 and 16 is 45, and it was divided by 2. There are three points: divide by their number, "
            "len(points).",
        ),
    ),
    Question(
        Case(
            f"{NEURON}loss = loss_of(model, [[2.0]], [0.0])\nloss.backward()",
            "(neuron.w[0].grad, neuron.b.grad)",
            (8.0, 4.0),
            look="loss_of",
        ),
        Mistake(
            "a loss without a graph",
            wrong=(0.0, 0.0),
            says="The loss is right, but no gradient reaches the parameters: it was made of data, which are plain numbers, and wrapped in "
            "a new Value. Calculate with the Values that the model gives.",
        ),
    ),
    # --- what train returns
    Question(
        Case(TWO_STEPS, "type(losses).__name__", "list", look="train"),
        Mistake(
            "train returns nothing",
            wrong="NoneType",
            says="The losses are wanted, to see whether the training works. Collect them in a list, and return it after the loop.",
        ),
        Mistake(
            "only the last loss",
            wrong=one_of("float", "int", "Value"),
            says="One loss for each step is wanted, in a list: one number alone does not show whether the loss has fallen.",
        ),
        Mistake(
            "yield instead of a list",
            wrong="generator",
            says="A function with yield does nothing until somebody asks for its results, so nothing has been trained yet. Collect the "
            "losses in a list.",
        ),
    ),
    Question(
        Case(TWO_STEPS, "[type(loss).__name__ for loss in losses]", ["float", "float"], look="train"),
        Mistake(
            "Values in the list",
            wrong=has("Value"),
            says="Each Value keeps the whole graph behind it, for every step. For looking at, the number is enough: append loss.data.",
        ),
    ),
    Question(
        Case(THREE_STEPS, "len(losses)", 3, look="train"),
        Mistake(
            "one loss for three steps",
            wrong=1,
            says="Three steps were asked for, and the list holds one loss. A return inside the loop ends it in its first round; an append "
            "after the loop keeps only the last.",
        ),
        Mistake(
            "a loss too many",
            wrong=4,
            says="Three steps, and four losses: the list holds the loss before each step, and nothing after the last.",
        ),
        Mistake(
            "a step too few",
            wrong=2,
            says="Three steps were asked for, and two losses came back. range(3) counts three times, range(1, 3) twice.",
        ),
    ),
    # --- what train does
    Question(
        Case(TWO_STEPS, "(neuron.w[0].data, neuron.w[0].grad)", (0.4, 4.0), look="train"),
        Mistake(
            "the loop's variable is changed, not the parameter",
            wrong=(1.0, 8.0),
            says="The gradient is there, and w is still 1: the network has not noticed anything. parameter = parameter - ... and "
            "parameter -= ... give another Value to the loop's variable. Change the number: parameter.data -= ...",
        ),
    ),
    Question(
        Case(TWO_STEPS, "(losses, neuron.w[0].data)", ([4.0, 1.0], 0.4), look="train"),
        Mistake(
            "another model is trained",
            wrong=lambda found: found[1] == 1.0 and not same(found[0], [4.0, 4.0]),
            says="The losses change, but the model that was given is as it was: something else was trained, a new network or a copy. Work "
            "with the model itself, and make no new one.",
        ),
    ),
    Question(
        Case(TWO_STEPS, "(neuron.w[0].data, neuron.w[0].grad)", (0.4, 4.0), look="train"),
        Mistake(
            "the gradients are zero when they are used",
            wrong=(1.0, 0.0),
            says="w has not moved, and its gradient is 0. Either backward() is not called on the loss that loss_of gives, or zero_grad() "
            "comes after backward() and wipes out what it found.",
        ),
    ),
    Question(
        Case(TWO_STEPS, f"(losses, *{PARAMETERS})", ([4.0, 1.0], 0.4, -0.3), look="train"),
        Mistake(
            "uphill",
            wrong=([4.0, 9.0], 2.0, 0.5),
            says="The loss has grown from 4 to 9. The gradient points to where it grows, and descent goes the other way: -=, not +=.",
        ),
    ),
    Question(
        Case(TWO_STEPS, PARAMETERS, (0.4, -0.3), look="train"),
        Mistake(
            "=- instead of -=",
            wrong=(0.2, 0.1),
            says="The parameter became -learning_rate * gradient, and what it was before is forgotten. `a =- b` sets a to -b; `a -= b` "
            "takes b away from it.",
        ),
    ),
    Question(
        Case(NO_RATE, PARAMETERS, (1.0, 0.0), look="train"),
        Mistake(
            "the learning rate is not used",
            wrong=other_than((1.0, 0.0)),
            says="With a learning rate of 0 nothing may move, but the parameters have. Multiply each gradient by learning_rate.",
        ),
    ),
    Question(
        Case(TWO_STEPS, PARAMETERS, (0.4, -0.3), look="train"),
        Mistake(
            "the bias stays",
            wrong=lambda found: found[0] != 1.0 and found[1] == 0.0,
            says="The weight has moved, and the bias has not. Go through all of model.parameters(), and move each.",
        ),
    ),
    Question(
        Case(TWO_STEPS, f"(losses, *{PARAMETERS})", ([4.0, 1.0], 0.4, -0.3), look="train"),
        Mistake(
            "the loss is computed only once",
            wrong=([4.0, 4.0], 0.2, -0.4),
            says="Both steps went by the gradients 8 and 4 of the starting point, and the loss is 4 twice: it does not follow the "
            "parameters by itself. Call loss_of and backward() inside the loop.",
        ),
        Mistake(
            "the step comes before the gradient",
            wrong=([4.0, 4.0], 0.6, -0.2),
            says="The first step went nowhere, because backward() had not been called yet. First the loss, then backward(), then the "
            "parameters.",
        ),
    ),
    Question(
        Case(TWO_STEPS, "losses", [4.0, 1.0], look="train"),
        Mistake(
            "the loss after the step",
            wrong=[1.0, 0.25],
            says="The list begins with the loss after the first step. It should begin with that of the model as it was given, which is 4: "
            "keep the loss from which backward() went.",
        ),
    ),
    Question(
        Case(TWO_POINTS, PARAMETERS, (0.6, -0.3), look="train"),
        Mistake(
            "only the last point counts",
            wrong=one_of((1.0, -0.2), (1.0, -0.1)),
            says="backward() was called for each point, and each call begins by setting the gradients to zero, so that only the last is "
            "left. Call it once, on the loss of all points.",
        ),
        Mistake(
            "a step for each point",
            wrong=(0.2, -0.52),
            says="The parameters moved after each of the two points. One step follows the loss of all points together: loss_of(model, "
            "points, targets).",
        ),
        Mistake(
            "training by the sum",
            wrong=(0.2, -0.6),
            says="The step is twice as long as it should be, as it is if the errors of the two points are added up and not divided by 2. "
            "train can call loss_of, which does it.",
        ),
    ),
)

CHECKS = Checks(
    requires=("Value", "MLP", "loss_of", "train"),
    questions=QUESTIONS,
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
        Case(f"{NEURON}loss_of(model, [[2.0]], [0.0])", PARAMETERS, (1.0, 0.0), "To compute the loss changes nothing.", look="loss_of"),
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
            "A second training goes on from where the first has ended.",
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
