"""Exercise 8: wrong answers, for each known mistake one, and right ones in other styles."""

LOSS = """    errors = [(model(point) - target) ** 2 for point, target in zip(points, targets, strict=True)]
    return sum(errors) / len(errors)
"""
ONE_LOSS = """        loss = loss_of(model, points, targets)
        loss.backward()
"""
MOVE = """        for parameter in model.parameters():
            # The Value stays, and its number changes. The minus is what makes it a descent.
            parameter.data -= learning_rate * parameter.grad
"""
UPDATE = "parameter.data -= learning_rate * parameter.grad"
KEPT = "losses.append(loss.data)"
AT_THE_END = f"        {KEPT}\n    return losses"
EACH_POINT = """        total = 0.0
        for point, target in zip(points, targets):
            loss = loss_of(model, [point], [target])
            loss.backward()
            total += loss.data
"""

WRONG = {
    "a loss that is a plain number": [("(model(point) - target)", "(model(point).data - target)")],
    "no loss": [("return sum(errors)", "loss = sum(errors)")],
    "a list of errors": [("return sum(errors) / len(errors)", "return errors")],
    "absolute differences": [("(model(point) - target) ** 2", "abs(model(point) - target)")],
    "differences that are not squared": [("(model(point) - target) ** 2", "model(point) - target")],
    "the square of the sum": [("(model(point) - target) ** 2", "model(point) - target"), ("return sum(errors)", "return sum(errors) ** 2")],
    "one point only": [
        (
            LOSS,
            "    for point, target in zip(points, targets):\n        loss = (model(point) - target) ** 2\n    return loss / len(points)\n",
        )
    ],
    "the sum instead of the mean": [(" / len(errors)", "")],
    "the mean absolute error": [("(model(point) - target) ** 2", "((model(point) - target) ** 2) ** 0.5")],
    "the root of the mean square": [("sum(errors) / len(errors)", "(sum(errors) / len(errors)) ** 0.5")],
    "half of the mean": [(" / len(errors)", " / (2 * len(errors))")],
    "divided by 2": [(" / len(errors)", " / 2")],
    "a loss without a graph": [
        ("(model(point) - target)", "(model(point).data - target)"),
        ("sum(errors) / len(errors)", "Value(sum(errors) / len(errors))"),
    ],
    "train returns nothing": [("\n    return losses", "")],
    "only the last loss": [("return losses", "return losses[-1]")],
    "yield instead of a list": [(KEPT, "yield loss.data"), ("\n    return losses", "")],
    "Values in the list": [(KEPT, "losses.append(loss)")],
    "one loss for three steps": [("    return losses", "        return losses")],
    "a loss too many": [("    return losses", "    return [*losses, loss_of(model, points, targets).data]")],
    "a step too few": [("range(steps)", "range(1, steps)")],
    "the loop's variable is changed, not the parameter": [(UPDATE, "parameter = parameter - learning_rate * parameter.grad")],
    "another model is trained": [("        # A new graph", "        model = MLP(len(points[0]), [1])\n        # A new graph")],
    "the gradients are zero when they are used": [("loss.backward()\n", "loss.backward()\n        model.zero_grad()\n")],
    "uphill": [("parameter.data -=", "parameter.data +=")],
    "=- instead of -=": [("parameter.data -=", "parameter.data = -")],
    "the learning rate is not used": [("learning_rate * parameter.grad", "0.05 * parameter.grad")],
    "the bias stays": [("in model.parameters()", "in [w for layer in model.layers for neuron in layer.neurons for w in neuron.w]")],
    "the loss is computed only once": [(ONE_LOSS, ""), ("    losses = []\n", f"    losses = []\n{ONE_LOSS.replace('        ', '    ')}")],
    "the step comes before the gradient": [("        loss.backward()\n", ""), (KEPT, f"loss.backward()\n        {KEPT}")],
    "the loss after the step": [(KEPT, "losses.append(loss_of(model, points, targets).data)")],
    "only the last point counts": [(ONE_LOSS, EACH_POINT), (KEPT, "losses.append(total / len(points))")],
    "a step for each point": [
        (ONE_LOSS + MOVE, EACH_POINT + "".join(f"    {line}\n" for line in MOVE.splitlines())),
        (KEPT, "losses.append(total / len(points))"),
    ],
    "training on the sum": [
        (
            "        loss = loss_of(model, points, targets)\n",
            "        loss = sum((model(point) - target) ** 2 for point, target in zip(points, targets))\n",
        ),
        (KEPT, "losses.append(loss.data / len(points))"),
    ],
}

RIGHT = {
    "step by step": """
def loss_of(model, points, targets):
    total = Value(0.0)
    for i in range(len(points)):
        difference = targets[i] - model(points[i])
        total = total + difference * difference
    return total * (1 / len(points))


def train(model, points, targets, steps, learning_rate):
    losses = [0.0] * steps
    step = 0
    while step < steps:
        model.zero_grad()
        loss = loss_of(model, points, targets)
        losses[step] = loss.data
        loss.backward()
        for p in model.parameters():
            p.data = p.data - learning_rate * p.grad
        step += 1
    return losses
""",
    "a function for the step": """
from functools import reduce


def loss_of(model, points, targets):
    predictions = map(model, points)
    return reduce(lambda total, pair: total + (pair[0] + -1 * pair[1]) ** 2 / len(points), zip(predictions, targets), 0)


def train(model, points, targets, steps, learning_rate):
    parameters = list(model.parameters())

    def step():
        loss = loss_of(model, points, targets)
        loss.backward()
        for p, change in [(p, -learning_rate * p.grad) for p in parameters]:
            p.data += change
        return loss.data

    return [step() for _ in range(steps)]
""",
    "recursion, and gradients collected point by point": """
def loss_of(model, points, targets):
    squares = [(model(p) - t) ** 2 for p, t in zip(points, targets)]
    total = squares[0]
    for square in squares[1:]:
        total += square
    return total / len(squares)


def train(model, points, targets, steps, learning_rate):
    if steps == 0:
        return []
    parameters, found, collected = model.parameters(), 0.0, {}
    for p, t in zip(points, targets):
        loss = loss_of(model, [p], [t])
        loss.backward()
        found += loss.data / len(points)
        for parameter in parameters:
            collected[parameter] = collected.get(parameter, 0.0) + parameter.grad / len(points)
    for parameter, gradient in collected.items():
        parameter.data -= learning_rate * gradient
    return [found] + train(model, points, targets, steps - 1, learning_rate)
""",
}
