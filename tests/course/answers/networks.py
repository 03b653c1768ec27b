"""Exercise 7: wrong answers, for each known mistake one, and right ones in other styles."""

NEURONS = "[Neuron(inputs, activation, rng) for _ in range(outputs)]"
OF_LAYER = "return [parameter for neuron in self.neurons for parameter in neuron.parameters()]"
LAYERS = """        self.layers = []
        for number, size in enumerate(sizes):
            is_last = number == len(sizes) - 1
            self.layers.append(Layer(inputs, size, "linear" if is_last else activation, rng))
            # What this layer gives is what the next one takes.
            inputs = size
"""
CALL = """        for layer in self.layers:
            x = layer(x)
"""
OPENED = "return x[0] if len(x) == 1 else x"
OF_MODEL = "return [parameter for layer in self.layers for parameter in layer.parameters()]"

WRONG = {
    "one neuron in all places": [(NEURONS, "[Neuron(inputs, activation, rng)] * outputs")],
    "inputs and outputs exchanged": [(NEURONS, "[Neuron(outputs, activation, rng) for _ in range(inputs)]")],
    "as many weights as outputs": [(NEURONS, "[Neuron(outputs, activation, rng) for _ in range(outputs)]")],
    "as many neurons as inputs": [(NEURONS, "[Neuron(inputs, activation, rng) for _ in range(inputs)]")],
    "the rng is not passed on": [(NEURONS, "[Neuron(inputs, activation) for _ in range(outputs)]")],
    "neurons that begin alike": [(NEURONS, "[Neuron(inputs, activation, random.Random(1)) for _ in range(outputs)]")],
    "only the first neuron": [
        ("        return [neuron(x) for neuron in self.neurons]", "        for neuron in self.neurons:\n            return neuron(x)")
    ],
    "the outputs are added up": [("[neuron(x) for neuron in self.neurons]", "sum(neuron(x) for neuron in self.neurons)")],
    "only the last neuron": [
        (
            "        return [neuron(x) for neuron in self.neurons]",
            "        for neuron in self.neurons:\n            out = [neuron(x)]\n        return out",
        )
    ],
    "a Value instead of a list": [
        (
            "return [neuron(x) for neuron in self.neurons]",
            "out = [neuron(x) for neuron in self.neurons]\n        return out[0] if len(out) == 1 else out",
        )
    ],
    "a generator instead of a list": [("[neuron(x) for neuron in self.neurons]", "(neuron(x) for neuron in self.neurons)")],
    "a layer without the activation": [(NEURONS, "[Neuron(inputs, rng=rng) for _ in range(outputs)]")],
    "lists in a layer's parameters": [(OF_LAYER, "return [neuron.parameters() for neuron in self.neurons]")],
    "parameters of one neuron only": [(OF_LAYER, "for neuron in self.neurons:\n            return neuron.parameters()")],
    "a layer without parameters": [(OF_LAYER, "return super().parameters()")],
    "the sizes are changed": [
        (LAYERS, f"        sizes.insert(0, inputs)\n{LAYERS.replace('enumerate(sizes)', 'enumerate(sizes[1:], 1)')}")
    ],
    "every layer takes the network's inputs": [("            inputs = size\n", "")],
    "a layer's inputs and outputs exchanged": [("Layer(inputs, size, ", "Layer(size, inputs, ")],
    "the first layer is missing": [
        (LAYERS, "        self.layers = [Layer(a, b, activation, rng) for a, b in zip(sizes, sizes[1:])]\n"),
    ],
    "the last layer is missing": [(LAYERS, f"{LAYERS}        del self.layers[-1]\n")],
    "new layers at each call": [
        (
            CALL,
            "        inputs, layers = len(x), []\n"
            "        for size in [len(layer.neurons) for layer in self.layers]:\n"
            "            layers.append(Layer(inputs, size))\n"
            "            inputs = size\n"
            f"{CALL.replace('self.layers', 'layers')}",
        )
    ],
    "a list with one element": [(OPENED, "return x")],
    "one output of two": [(OPENED, "return x[0]")],
    "every layer gets the network's inputs": [
        (
            CALL,
            "        for layer in self.layers:\n            out = layer(x)\n        x = out\n",
        )
    ],
    "an activation on the last layer": [('"linear" if is_last else activation', "activation")],
    "no layer has an activation": [('"linear" if is_last else activation', '"linear"')],
    "the first layer is linear": [("is_last = number == len(sizes) - 1", "is_last = number == 0")],
    "tanh, whatever the network was asked for": [("else activation, rng", 'else "tanh", rng')],
    "the network's rng is not passed on": [("else activation, rng", "else activation")],
    "the graph is cut between the layers": [("x = layer(x)", "x = layer([getattr(value, 'data', value) for value in x])")],
    "lists in the network's parameters": [(OF_MODEL, "return [layer.parameters() for layer in self.layers]")],
    "parameters of one layer only": [(OF_MODEL, "for layer in self.layers:\n            found = layer.parameters()\n        return found")],
    "a network without parameters": [(OF_MODEL, "return Module.parameters(self)")],
}

RIGHT = {
    "reduce, pairs and chains": """
import random
from functools import reduce
from itertools import chain, pairwise


class Module:
    def parameters(self):
        return []

    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0.0


class Neuron(Module):
    def __init__(self, inputs, activation="tanh", rng=random):
        self.w, self.b = [Value(rng.uniform(-1, 1)) for _ in range(inputs)], Value(0)
        self.activation = activation

    def __call__(self, x):
        out = sum((w * xi for w, xi in zip(self.w, x, strict=True)), self.b)
        return out if self.activation == "linear" else getattr(Value, self.activation)(out)

    def parameters(self):
        return self.w + [self.b]


class Layer(Module):
    def __init__(self, inputs, outputs, activation="tanh", rng=random):
        self.neurons = tuple(Neuron(inputs, activation=activation, rng=rng) for _ in range(outputs))

    def __call__(self, x):
        return list(map(lambda neuron: neuron(x), self.neurons))

    def parameters(self):
        return sum((neuron.parameters() for neuron in self.neurons), [])


class MLP(Module):
    def __init__(self, inputs, sizes, activation="tanh", rng=random):
        kinds = [activation] * (len(sizes) - 1) + ["linear"]
        self.layers = [Layer(*pair, kind, rng) for pair, kind in zip(pairwise([inputs, *sizes]), kinds)]

    def __call__(self, x):
        out = reduce(lambda values, layer: layer(values), self.layers, x)
        if len(out) > 1:
            return out
        (only,) = out
        return only

    def parameters(self):
        return list(chain.from_iterable(layer.parameters() for layer in self.layers))
""",
    "a Module that finds everything below it": """
import random


class Module:
    def parameters(self):
        return list(self.walk(self))

    @staticmethod
    def walk(thing):
        if isinstance(thing, Value):
            yield thing
        elif isinstance(thing, (list, tuple)):
            for part in thing:
                yield from Module.walk(part)
        elif isinstance(thing, Module):
            for part in vars(thing).values():
                yield from Module.walk(part)

    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0


class Neuron(Module):
    def __init__(self, inputs, activation="tanh", rng=random):
        self.w = [Value(rng.uniform(-1, 1)) for _ in range(inputs)]
        self.b = Value(0)
        self.activation = activation

    def __call__(self, x):
        assert len(x) == len(self.w)
        out = self.b + sum(self.w[i] * x[i] for i in range(len(x)))
        return {"tanh": out.tanh, "relu": out.relu, "linear": lambda: out}[self.activation]()


class Layer(Module):
    def __init__(self, inputs, outputs, activation="tanh", rng=random):
        self.neurons = []
        while len(self.neurons) < outputs:
            self.neurons.append(Neuron(inputs, activation, rng))

    def __call__(self, x):
        outputs = []
        for neuron in self.neurons:
            outputs.append(neuron(x))
        return outputs


class MLP(Module):
    def __init__(self, inputs, sizes, activation="tanh", rng=random):
        *hidden, last = sizes
        self.layers = []
        for size in hidden:
            self.layers += [Layer(inputs, size, activation, rng)]
            inputs = size
        self.layers += [Layer(inputs, last, "linear", rng)]

    def __call__(self, x):
        first, *others = self.layers
        out = first(x)
        for layer in others:
            out = layer(out)
        return out if len(out) != 1 else out[0]
""",
    "a recursive call, without inheritance": """
import random


class Module:
    def parameters(self):
        return []

    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0.0


class Neuron(Module):
    def __init__(self, inputs, activation="tanh", rng=random):
        self.w = [Value(rng.uniform(-1, 1)) for _ in range(inputs)]
        self.b = Value(0.0)
        self.activation = activation

    def __call__(self, x):
        out = self.b
        for w, xi in zip(self.w, x, strict=True):
            out += w * xi
        return getattr(out, self.activation, lambda: out)()

    def parameters(self):
        return [*self.w, self.b]


class Layer:
    zero_grad = Module.zero_grad

    def __init__(self, inputs, outputs, activation="tanh", rng=random):
        self.neurons = [Neuron(inputs, activation, rng) for _ in range(outputs)]

    def __call__(self, x):
        return tuple(neuron(x) for neuron in self.neurons)

    def parameters(self):
        for neuron in self.neurons:
            yield from neuron.parameters()


class MLP:
    def __init__(self, inputs, sizes, activation="tanh", rng=random):
        widths = [inputs] + list(sizes)
        count = len(sizes)
        self.layers = [Layer(widths[i], widths[i + 1], "linear" if i + 1 == count else activation, rng) for i in range(count)]

    def __call__(self, x, at=0):
        if at < len(self.layers):
            return self(self.layers[at](x), at + 1)
        return list(x) if len(x) > 1 else x[0]

    def zero_grad(self):
        for layer in self.layers:
            layer.zero_grad()

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]
""",
}
