"""Exercise 10: wrong answers, for each known mistake one, and right ones in other styles."""

DEAD = "    return sum(all(output == 0 for output in neuron) for neuron in neurons) / len(neurons)\n"
SATURATED = "    return sum(abs(y) > limit for y in outputs) / len(outputs)\n"
NORMS = "    return [math.sqrt(sum(p.grad * p.grad for p in layer.parameters())) for layer in model.layers]\n"
CLIP = """    if norm > largest:
        for p in params:
            p.grad *= largest / norm  # the same factor for all: the direction stays
"""
WEIGHT = "    return rng.gauss(0, 1 / math.sqrt(nin))\n"
RATE = "    return min(numbers, key=numbers.get)"
WITH_OUTPUT = """    rows = []
    for point in points:
        out = model(point)
        rows.append(sum(hidden_outputs(model, point), []) + [out.data])
"""
ROWS = """    rows = []
    for point in points:
        rows.append([output for layer in hidden_outputs(model, point) for output in layer])
"""

WRONG = {
    "the share that is alive": [(DEAD, "    return sum(any(neuron) for neuron in neurons) / len(neurons)\n")],
    "looking for negative outputs": [("all(output == 0 for", "all(output < 0 for")],
    "a number of neurons instead of a share": [(DEAD, DEAD.replace(" / len(neurons)", ""))],
    "dead relus in percent": [(DEAD, DEAD.replace("return ", "return 100 * "))],
    "the output neuron among the relus": [(ROWS, WITH_OUTPUT)],
    "a neuron that is off at one point counts as dead": [("all(output == 0", "any(output == 0")],
    "zeros counted instead of neurons": [
        (DEAD, "    return sum(output == 0 for row in rows for output in row) / sum(len(row) for row in rows)\n")
    ],
    "one point decides": [(DEAD, "    return sum(neuron[-1] == 0 for neuron in neurons) / len(neurons)\n")],
    "only one hidden layer": [("hidden_outputs(model, point) for output", "hidden_outputs(model, point)[:1] for output")],
    "a mean over layers": [
        (
            DEAD,
            "    shares = [sum(not any(column) for column in zip(*rows)) / len(rows[0])\n"
            "              for rows in zip(*(hidden_outputs(model, point) for point in points))]\n"
            "    return sum(shares) / len(shares)\n",
        )
    ],
    "the negative side forgotten": [("abs(y) > limit", "y > limit")],
    "a number of outputs instead of a share": [(SATURATED, SATURATED.replace(" / len(outputs)", " / len(points)"))],
    "saturated outputs in percent": [(SATURATED, SATURATED.replace("return ", "return 100 * "))],
    "neurons counted instead of outputs": [
        (
            SATURATED,
            "    neurons = list(zip(*(sum(hidden_outputs(model, point), []) for point in points)))\n"
            "    return sum(all(abs(output) > limit for output in neuron) for neuron in neurons) / len(neurons)\n",
        )
    ],
    "the slope in place of the output": [("abs(y) > limit", "1 - y**2 > limit")],
    "the output neuron among the tanhs": [(SATURATED, "    outputs += [model(point).data for point in points]\n" + SATURATED)],
    "the limit is not used": [("abs(y) > limit", "abs(y) > 0.99")],
    "no root": [(NORMS, "    return [sum(p.grad * p.grad for p in layer.parameters()) for layer in model.layers]\n")],
    "a sum without squares": [(NORMS, "    return [sum(abs(p.grad) for p in layer.parameters()) for layer in model.layers]\n")],
    "the root of a mean": [
        (
            NORMS,
            "    layers = [layer.parameters() for layer in model.layers]\n"
            "    return [math.sqrt(sum(p.grad * p.grad for p in layer) / len(layer)) for layer in layers]\n",
        )
    ],
    "the biases left out": [
        (NORMS, "    return [math.sqrt(sum(p.grad**2 for n in layer.neurons for p in n.w)) for layer in model.layers]\n")
    ],
    "the data in place of the gradients": [(NORMS, NORMS.replace("p.grad", "p.data"))],
    "one norm for the whole network": [(NORMS, "    return math.sqrt(sum(p.grad * p.grad for p in model.parameters()))\n")],
    "the gradients stay as they are": [(CLIP, "    grads = [p.grad for p in params]\n    for g in grads:\n        g *= largest / norm\n")],
    "each gradient clipped by itself": [(CLIP, "    for p in params:\n        p.grad = max(-largest, min(largest, p.grad))\n")],
    "the norm changes on the way": [
        (
            CLIP,
            "    for p in params:\n        now = math.sqrt(sum(p.grad * p.grad for p in params))\n"
            "        p.grad *= min(1, largest / now)\n",
        )
    ],
    "the limit forgotten in the factor": [("p.grad *= largest / norm", "p.grad /= norm")],
    "small gradients are scaled up": [(CLIP, "    for p in params:\n        p.grad *= largest / norm\n")],
    "the parameters are changed": [
        ("            p.grad *= largest / norm", "            p.data *= largest / norm\n            p.grad *= largest / norm")
    ],
    "the norm is not returned": [("    return norm\n", "")],
    "the norm after clipping": [("    return norm\n", "    return min(norm, largest)\n")],
    "division by a norm of 0": [(CLIP, "    for p in params:\n        p.grad *= min(1.0, largest / norm)\n")],
    "a list of weights": [(WEIGHT, "    return [rng.gauss(0, 1 / math.sqrt(nin)) for _ in range(nin)]\n")],
    "random numbers from elsewhere": [(WEIGHT, "    import random\n\n    return random.gauss(0, 1 / math.sqrt(nin))\n")],
    "all weights are the same": [(WEIGHT, "    return 1 / math.sqrt(nin)\n")],
    "weights of one sign": [(WEIGHT, "    return rng.random() / math.sqrt(nin)\n")],
    "divided by nin without the root": [(WEIGHT, "    return rng.gauss(0, 1 / nin)\n")],
    "not scaled by the inputs": [(WEIGHT, "    return rng.uniform(-1, 1)\n")],
    "nout in place of nin": [("math.sqrt(nin)", "math.sqrt(nout)")],
    "a bound taken for a standard deviation": [(WEIGHT, "    bound = 1 / math.sqrt(nin)\n    return rng.uniform(-bound, bound)\n")],
    "the loss instead of the rate": [(RATE, "    return min(numbers.values())")],
    "the largest loss, or the first": [(RATE, "    return max(numbers, key=numbers.get)")],
    "good only for a moment": [("rate: column[-1] for", "rate: min(column) for")],
    "nan taken for the smallest": [(" if not math.isnan(column[-1])", "")],
}

RIGHT = {
    "loops and flags": """
from math import hypot, inf


def dead_relus(model, points):
    alive, total = set(), 0
    for point in points:
        values = point
        for number, layer in enumerate(model.layers[:-1]):
            values = [neuron(values) for neuron in layer.neurons]
            alive |= {(number, i) for i, value in enumerate(values) if value.data > 0}
    for layer in model.layers[:-1]:
        total += len(layer.neurons)
    return 1 - len(alive) / total


def saturated(model, points, limit=0.99):
    far = count = 0
    for point in points:
        for layer in model.layers[:-1]:
            point = [neuron(point) for neuron in layer.neurons]
            for value in point:
                count += 1
                if value.data > limit or value.data < -limit:
                    far += 1
    return far / count


def gradient_norms(model):
    norms = []
    for layer in model.layers:
        total = 0
        for neuron in layer.neurons:
            total += neuron.b.grad ** 2
            for w in neuron.w:
                total += w.grad * w.grad
        norms.append(total ** 0.5)
    return norms


def clip_gradients(params, largest):
    norm = hypot(*[p.grad for p in params])
    factor = 1.0 if norm <= largest else largest / norm
    for p in params:
        p.grad = p.grad * factor
    return norm


def initial_weight(rng, nin, nout):
    bound = (3 / nin) ** 0.5
    return rng.uniform(-bound, bound)


def best_learning_rate(losses):
    best, least = None, inf
    for rate in losses:
        if losses[rate][-1] < least:
            best, least = rate, losses[rate][-1]
    return best
""",
    "with NumPy": """
import numpy as np


def _hidden(model, points):
    rows = []
    for point in points:
        row, values = [], list(point)
        for layer in model.layers[:-1]:
            values = layer(values)
            values = values if isinstance(values, list) else [values]
            row += [float(v.data) for v in values]
        rows.append(row)
    return np.array(rows)


def dead_relus(model, points):
    return float((_hidden(model, points) <= 0).all(axis=0).mean())


def saturated(model, points, limit=0.99):
    return (np.abs(_hidden(model, points)) > limit).mean()


def gradient_norms(model):
    return [float(np.linalg.norm([p.grad for p in layer.parameters()])) for layer in model.layers]


def clip_gradients(params, largest):
    g = np.array([p.grad for p in params])
    norm = np.sqrt(g @ g)
    for p, x in zip(params, g * (largest / max(norm, largest))):
        p.grad = x
    return float(norm)


def initial_weight(rng, nin, nout):
    return rng.normalvariate(0.0, 1.0) * nin ** -0.5


def best_learning_rate(losses):
    rates = list(losses)
    return rates[int(np.nanargmin([losses[rate][-1] for rate in rates]))]
""",
}
