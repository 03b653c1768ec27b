"""Exercise 6: wrong answers, for each known mistake one, and right ones in other styles."""

DRAWN = "[Value(rng.uniform(-1, 1)) for _ in range(inputs)]"
SUM = """        total = self.b
        for weight, number in zip(self.w, x, strict=True):
            total = total + weight * number
"""
ENDING = """        if self.activation == "tanh":
            return total.tanh()
        if self.activation == "relu":
            return total.relu()
        return total
"""

WRONG = {
    "parameters that are plain numbers": [(DRAWN, "[rng.uniform(-1, 1) for _ in range(inputs)]")],
    "weights that are not a list": [(DRAWN, "(Value(rng.uniform(-1, 1)) for _ in range(inputs))")],
    "one weight in all places": [(DRAWN, "[Value(rng.uniform(-1, 1))] * inputs")],
    "weights that are all alike": [(DRAWN, "[Value(0.0) for _ in range(inputs)]")],
    "every neuron begins with the same weights": [("        self.w =", "        rng = random.Random(0)\n        self.w =")],
    "the rng is not used": [("rng.uniform", "random.uniform")],
    "weights from 0 to 1": [("rng.uniform(-1, 1)", "rng.random()")],
    "new weights at each call": [(SUM, f"        self.w = [Value(random.uniform(-1, 1)) for _ in x]\n{SUM}")],
    "a float is returned": [
        (SUM, "        total = self.b.data + sum(w.data * number for w, number in zip(self.w, x, strict=True))\n"),
        (ENDING, "        import math\n        return math.tanh(total)\n"),
    ],
    "the output is a list": [
        (SUM + ENDING, "        return [(w * number + self.b).tanh() for w, number in zip(self.w, x, strict=True)]\n")
    ],
    "nothing is returned": [("return total.tanh()", "total.tanh()"), ("        return total\n", "")],
    "no activation": [(ENDING, "        return total\n")],
    "the bias is left out": [("total = self.b\n", "total = Value(0.0)\n")],
    "the bias after the activation": [("total = self.b\n", "total = 0\n"), ("total.tanh()", "total.tanh() + self.b")],
    "the bias once for each input": [
        ("total = self.b\n", "total = 0\n"),
        ("total + weight * number", "total + weight * number + self.b"),
    ],
    "the activation is applied to each product": [
        ("total + weight * number", "total + (weight * number).tanh()"),
        ("return total.tanh()", "return total"),
    ],
    "no method of that name": [(ENDING, "        return getattr(total, self.activation)()\n")],
    "tanh, whatever is asked for": [(ENDING, "        return total.tanh()\n")],
    "relu, whatever else is asked for": [("        return total\n", "        return total.relu()\n")],
    "no relu": [("return total.relu()", "pass")],
    "a graph that is cut": [
        (SUM, "        total = Value(self.b.data + sum(w.data * getattr(n, 'data', n) for w, n in zip(self.w, x, strict=True)))\n")
    ],
    "lists in the list of parameters": [("[*self.w, self.b]", "[self.w, self.b]")],
    "parameters without the bias": [("return [*self.w, self.b]", "return self.w")],
    "the parameters of a bare Module": [("        return [*self.w, self.b]", "        return super().parameters()")],
    "the bias among the weights": [("return [*self.w, self.b]", "self.w.append(self.b)\n        return self.w")],
    "copies of the parameters": [("[*self.w, self.b]", "[Value(w.data) for w in [*self.w, self.b]]")],
    "zero_grad changes the data": [("parameter.grad = 0.0", "parameter.data = parameter.grad = 0.0")],
    "zero_grad changes nothing": [("            parameter.grad = 0.0", "            parameter = 0.0")],
    "inputs that are dropped without an error": [(", strict=True", "")],
}

RIGHT = {
    "sums and dictionaries": """
import random

IDENTITY = lambda total: total
ACTIVATIONS = {"tanh": Value.tanh, "relu": Value.relu, "linear": IDENTITY}


class Module:
    def parameters(self):
        return []

    def zero_grad(self):
        [setattr(p, "grad", 0) for p in self.parameters()]


class Neuron(Module):
    def __init__(self, inputs, activation="tanh", rng=random):
        self.w = tuple(Value(2 * rng.random() - 1, label=f"w{i}") for i in range(inputs))
        self.b = Value(0, label="b")
        self.bend = ACTIVATIONS[activation]

    def __call__(self, x):
        if len(x) != len(self.w):
            raise ValueError(f"{len(self.w)} inputs are expected, and {len(x)} were given")
        return self.bend(sum([w * xi for w, xi in zip(self.w, x)], start=self.b))

    def parameters(self):
        return list(self.w) + [self.b]
""",
    "a Module that finds its parameters": """
import random


class Module:
    def parameters(self):
        found = []
        for thing in vars(self).values():
            found += [part for part in (thing if isinstance(thing, list) else [thing]) if isinstance(part, Value)]
        return found

    def zero_grad(self):
        for p in self.parameters():
            p.grad *= 0


class Neuron(Module):
    def __init__(self, inputs, activation="tanh", rng=random):
        self.b = Value(0.0)
        self.w = []
        for i in range(inputs):
            self.w.append(Value(rng.uniform(-1, 1)))
        self.activation = activation

    def __call__(self, x):
        if len(x) != len(self.w):
            raise ValueError
        total = 0
        for i in range(len(x)):
            total += x[i] * self.w[i]
        total += self.b
        return total if self.activation == "linear" else getattr(total, self.activation)()
""",
    "without inheritance, with match": """
import functools
import operator
import random as chance
import random


class Module:
    def parameters(self):
        return []

    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0.0


class Neuron:
    zero_grad = Module.zero_grad

    def __init__(self, inputs, activation="tanh", rng=chance):
        self.b, self.w = Value(0.0), list(map(Value, (rng.uniform(-1, 1) for _ in range(inputs))))
        self.activation = activation

    def __call__(self, x):
        products = [a * b for a, b in zip(x, self.w, strict=True)]
        total = functools.reduce(operator.add, products, self.b)
        match self.activation:
            case "relu":
                return total.relu()
            case "tanh":
                return total.tanh()
            case "linear":
                return total

    def parameters(self):
        yield self.b
        yield from self.w
""",
}
