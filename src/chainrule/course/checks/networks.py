"""Exercise 7: layers and networks."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

from chainrule.course.checking import Case, Checks, Diagnosis, Mistake
from chainrule.course.outcomes import has, one_of, other_than, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LAYER = "layer = Layer(2, 3)\n"
RELU_LAYER = """layer = Layer(2, 2, "relu")
for neuron in layer.neurons:
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 1.0, -0.5, 0.5
"""
COUNTING = """layer = Layer(2, 3, "relu")
for neuron, bias in zip(layer.neurons, [1.0, 2.0, 4.0]):
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 0.0, 0.0, bias
out = layer([1.0, 1.0])"""  # the neurons give 1, 2 and 4
COUNTED = "[value.data for value in out] if isinstance(out, (list, tuple)) else out.data"
RNG = "import random\n\n"
SHAPE = "[(len(layer.neurons[0].w), len(layer.neurons)) for layer in model.layers]"
DEEP = "model = MLP(2, [3, 4, 1])"


def _set(sizes: str, more: str, weights: str) -> str:
    """A network of neurons with two inputs, all of which have the same weights."""
    return (
        f"model = MLP(2, {sizes}{more})\n"
        "for layer in model.layers:\n"
        "    for neuron in layer.neurons:\n"
        f"        neuron.w[0].data, neuron.w[1].data, neuron.b.data = {weights}\n"
    )


TWO = f"{_set('[2, 1]', '', '1.0, -0.5, 0.5')}out = model([2.0, 1.0])"  # the hidden neurons' sums are 2
HIDDEN = math.tanh(2.0)
OUT = 0.5 * HIDDEN + 0.5
RELU = f"""{_set("[2, 1]", ', "relu"', "1.0, -2.0, 0.5")}out = model([3.0, 1.0])"""  # the hidden neurons' sums are 1.5, and the last -1


def _all_of(combined: Callable[[list[float]], float]) -> Callable[[Any], bool]:
    """Whether the layer that gives 1, 2 and 4 gave one number made of these, be it in a list; with relu, or with tanh all the same."""
    numbers = [combined([bend(number) for number in (1.0, 2.0, 4.0)]) for bend in (float, math.tanh)]
    return lambda found: any(same(found, made) for number in numbers for made in (number, [number]))


DIAGNOSES = (
    # --- the layer
    Diagnosis(
        Case(LAYER, "len({id(neuron) for neuron in layer.neurons})", 3, look="Layer.__init__"),
        Mistake(
            "one neuron in all places",
            wrong=1,
            says="A list multiplied by 3 holds the same neuron three times, so all outputs will be the same. Make a new neuron for each "
            "output: [Neuron(...) for _ in range(outputs)].",
        ),
    ),
    Diagnosis(
        Case(LAYER, "(len(layer.neurons), len(layer.neurons[0].w))", (3, 2), look="Layer.__init__"),
        Mistake(
            "inputs and outputs exchanged",
            wrong=(2, 3),
            says="Layer(2, 3) takes 2 inputs and gives 3 outputs: three neurons, with two weights each. These are two neurons with three "
            "weights.",
        ),
        Mistake(
            "as many weights as outputs",
            wrong=(3, 3),
            says="There are three neurons, as there should be, but each of them has two inputs and needs two weights: Neuron(inputs, ...).",
        ),
        Mistake(
            "as many neurons as inputs",
            wrong=(2, 2),
            says="A layer has a neuron for each output, and Layer(2, 3) has three. The number of neurons does not depend on the inputs.",
        ),
    ),
    Diagnosis(
        Case(
            f"{RNG}a = Layer(2, 1, rng=random.Random(1))\nb = Layer(2, 1, rng=random.Random(1))",
            "[u.data == v.data for u, v in zip(a.neurons[0].w, b.neurons[0].w)]",
            [True, True],
            look="Layer.__init__",
        ),
        Mistake(
            "the rng is not passed on",
            wrong=has(False),
            says="Two layers that draw from generators with the same seed should start with the same weights. The layer has to pass its "
            "rng to each neuron: Neuron(inputs, activation, rng).",
        ),
    ),
    Diagnosis(
        Case(
            f"{RNG}layer = Layer(2, 3, rng=random.Random(1))",
            "len({neuron.w[0].data for neuron in layer.neurons})",
            3,
            look="Layer.__init__",
        ),
        Mistake(
            "neurons that begin alike",
            wrong=1,
            says="Three neurons with the same weights stay the same for ever, because they get the same gradients. Let all of them draw "
            "from the same rng, and do not make a new one for each neuron.",
        ),
    ),
    Diagnosis(
        Case(COUNTING, COUNTED, [1.0, 2.0, 4.0], look="Layer.__call__"),
        Mistake(
            "the outputs are added up",
            wrong=_all_of(sum),
            says="The three outputs were added. A neuron adds up its inputs; a layer returns the outputs of its neurons in a list: "
            "[neuron(x) for neuron in self.neurons].",
        ),
        Mistake(
            "only the first neuron",
            wrong=_all_of(lambda outputs: outputs[0]),
            says="The layer has three neurons, and returns only the output of the first. Is there a return inside a loop? There it ends "
            "the loop in its first round.",
        ),
        Mistake(
            "only the last neuron",
            wrong=_all_of(lambda outputs: outputs[-1]),
            says="The layer has three neurons, and returns only the output of the last. A name that is assigned in each round of a loop "
            "has the value of the last round afterwards: collect the outputs in a list.",
        ),
    ),
    Diagnosis(
        Case("layer = Layer(2, 1)\nout = layer([1.0, 2.0])", "type(out).__name__", "list", look="Layer.__call__"),
        Mistake(
            "a Value instead of a list",
            wrong="Value",
            says="A layer returns a list, even if it has only one neuron, because the next layer goes through its inputs one by one. "
            "Only MLP takes the single element out of the list, at the very end.",
        ),
    ),
    Diagnosis(
        Case(f"{LAYER}out = layer([1.0, 2.0])", "type(out).__name__", "list", look="Layer.__call__"),
        Mistake(
            "a generator instead of a list",
            wrong=one_of("generator", "map"),
            says="A generator can be read only once, and would be empty for the second neuron of the next layer. Put the outputs into a "
            "list, with square brackets or list(...).",
        ),
    ),
    Diagnosis(
        Case(f"{RELU_LAYER}out = layer([2.0, 1.0])", "[value.data for value in out]", [2.0, 2.0], look="Layer.__init__"),
        Mistake(
            "a layer without the activation",
            wrong=[HIDDEN, HIDDEN],
            says="This is tanh(2), but the layer was made with relu, which gives 2. The layer has to pass its activation to each neuron: "
            "Neuron(inputs, activation, rng).",
        ),
    ),
    Diagnosis(
        Case(LAYER, "[type(p).__name__ for p in layer.parameters()]", ["Value"] * 9, look="Layer.parameters"),
        Mistake(
            "lists in a layer's parameters",
            wrong=has("list", "Neuron"),
            says="Training goes through the parameters one by one, and all of them must be Values. Put the Values of each neuron's list "
            "into one flat list: += or extend, not append.",
        ),
    ),
    Diagnosis(
        Case("layer = Layer(3, 2)", "len(list(layer.parameters()))", 8, look="Layer.parameters"),
        Mistake(
            "parameters of one neuron only",
            wrong=4,
            says="Two neurons with three weights and a bias each have eight parameters; these are only those of one neuron. Is there a "
            "return inside the loop, or does the loop make a new list in each round?",
        ),
    ),
    Diagnosis(
        Case(LAYER, "len(list(layer.parameters()))", 9, look="Layer"),
        Mistake(
            "a layer without parameters",
            wrong=0,
            says="These are the parameters of a bare Module, which has none. Layer needs a parameters() of its own.",
        ),
    ),
    # --- the network
    Diagnosis(
        Case("sizes = [3, 1]\nmodel = MLP(2, sizes)", "sizes", [3, 1], look="MLP.__init__"),
        Mistake(
            "the sizes are changed",
            wrong=other_than([3, 1]),
            says="The list belongs to the caller of MLP, who may use it for another network. Make a new list: [inputs, *sizes].",
        ),
    ),
    Diagnosis(
        Case(DEEP, SHAPE, [(2, 3), (3, 4), (4, 1)], look="MLP.__init__"),
        Mistake(
            "every layer takes the network's inputs",
            wrong=[(2, 3), (2, 4), (2, 1)],
            says="These are pairs of inputs and neurons: each layer was made for the 2 inputs of the network. Only the first layer gets "
            "those; the others get the outputs of the layer before.",
        ),
        Mistake(
            "a layer's inputs and outputs exchanged",
            wrong=[(3, 2), (4, 3), (1, 4)],
            says="These are pairs of inputs and neurons, and each is the wrong way round. The first argument of Layer is the number of "
            "inputs, the second the number of neurons: Layer(inputs, size, ...).",
        ),
        Mistake(
            "the first layer is missing",
            wrong=[(3, 4), (4, 1)],
            says="These are pairs of inputs and neurons: the layer from the 2 inputs to the first 3 neurons is missing. Three sizes make "
            "three layers; go through the pairs of neighbours in [inputs, *sizes].",
        ),
        Mistake(
            "the last layer is missing",
            wrong=[(2, 3), (3, 4)],
            says="These are pairs of inputs and neurons: the layer with the one output is missing. Three sizes make three layers; "
            "range(3) gives 0, 1 and 2.",
        ),
    ),
    Diagnosis(
        Case(
            "model = MLP(2, [3, 1])\nfirst, second = model([1.0, 2.0]), model([1.0, 2.0])",
            "[p.data for p in ([first] if isinstance(first, Value) else first)]"
            " == [p.data for p in ([second] if isinstance(second, Value) else second)]",
            True,
            look="MLP.__call__",
        ),
        Mistake(
            "new layers at each call",
            wrong=False,
            says="The same network gives different outputs for the same inputs, because each call makes new layers with new weights. "
            "Whatever it learns would be lost. Make the layers once, in __init__.",
        ),
    ),
    Diagnosis(
        Case("model = MLP(2, [3, 1])\nout = model([1.0, 2.0])", "type(out).__name__", "Value", look="MLP.__call__"),
        Mistake(
            "a list with one element",
            wrong=one_of("list", "tuple"),
            says="The last layer is a single neuron. In this case the network returns its Value itself, not a list with one element.",
        ),
    ),
    Diagnosis(
        Case("model = MLP(2, [3, 2])\nout = model([1.0, 2.0])", "type(out).__name__", "list", look="MLP.__call__"),
        Mistake(
            "one output of two",
            wrong="Value",
            says="The last layer has two neurons, so the network should return both outputs, in a list. Take the Value out of the list "
            "only if the list has one element.",
        ),
    ),
    Diagnosis(
        Case(TWO, "out.data", OUT, look="MLP.__call__"),
        Mistake(
            "every layer gets the network's inputs",
            wrong=2.0,
            says="2 - 0.5 * 1 + 0.5 = 2 is the last neuron's output for the inputs of the network. It should get the outputs of the "
            "layer before: write x = layer(x) in the loop.",
        ),
    ),
    Diagnosis(
        Case(TWO, "out.data", OUT, look="MLP.__init__"),
        Mistake(
            "an activation on the last layer",
            wrong=math.tanh(OUT),
            says=f"The last neuron's sum is {OUT:.3f}, and this is tanh of it. The last layer is linear, "
            "so that the network can give any number.",
        ),
        Mistake(
            "no layer has an activation",
            wrong=1.5,
            says="Every layer is linear here, so the whole network can do no more than one linear neuron. Only the last layer is linear; "
            "the others get the activation.",
        ),
        Mistake(
            "the first layer is linear",
            wrong=math.tanh(1.5),
            says="The first layer is linear and the last has a tanh; it should be the other way round.",
        ),
    ),
    Diagnosis(
        Case(RELU, "out.data", -1.0, look="MLP.__init__"),
        Mistake(
            "tanh, whatever the network was asked for",
            wrong=0.5 - math.tanh(1.5),
            says="The hidden neurons give tanh(1.5), but the network was made with relu. MLP has to pass its activation to the layers.",
        ),
    ),
    Diagnosis(
        Case(
            f"{RNG}a = MLP(2, [1], rng=random.Random(1))\nb = MLP(2, [1], rng=random.Random(1))",
            "a([1.0, 2.0]).data == b([1.0, 2.0]).data",
            True,
            look="MLP.__init__",
        ),
        Mistake(
            "the network's rng is not passed on",
            wrong=False,
            says="Two networks that draw from generators with the same seed should be the same. MLP has to pass its rng to each layer.",
        ),
    ),
    Diagnosis(
        Case(f"{TWO}\nout.backward()", "model.layers[0].neurons[0].w[0].grad", look="MLP.__call__"),
        Mistake(
            "the graph is cut between the layers",
            wrong=0.0,
            says="The output is right, but no gradient reaches the first layer: between the layers Values were turned into plain "
            "numbers. Pass the Values themselves to the next layer.",
        ),
    ),
    Diagnosis(
        Case("model = MLP(2, [3, 1])", "[type(p).__name__ for p in model.parameters()]", ["Value"] * 13, look="MLP.parameters"),
        Mistake(
            "lists in the network's parameters",
            wrong=has("list", "Layer"),
            says="Training goes through the parameters one by one, and all of them must be Values. Put the Values of each layer's list "
            "into one flat list.",
        ),
    ),
    Diagnosis(
        Case("model = MLP(2, [3, 1])", "len(list(model.parameters()))", 13, look="MLP.parameters"),
        Mistake(
            "parameters of one layer only",
            wrong=one_of(9, 4),
            says="The first layer has 9 parameters and the second 4, which makes 13; those of one layer are missing. Is there a return "
            "inside the loop, or does the loop make a new list in each round?",
        ),
    ),
    Diagnosis(
        Case("model = MLP(2, [3, 1])", "len(list(model.parameters()))", 13, look="MLP"),
        Mistake(
            "a network without parameters",
            wrong=0,
            says="These are the parameters of a bare Module, which has none. MLP needs a parameters() of its own.",
        ),
    ),
)

CHECKS = Checks(
    requires=("Value", "Module", "Neuron", "Layer", "MLP"),
    diagnoses=DIAGNOSES,
    cases=(
        Case(LAYER, "(len(layer.neurons), len(layer.neurons[0].w))", (3, 2), look="Layer.__init__"),
        Case(
            f"{LAYER}out = layer([1.0, 2.0])",
            "len(out) if hasattr(out, '__len__') else type(out).__name__",
            3,
            "The result should be a list with an output for each of the three neurons.",
            look="Layer.__call__",
        ),
        Case(
            f"{LAYER}x = [1.0, 2.0]\nout = layer(x)",
            "[value.data for value in out] == [neuron(x).data for neuron in layer.neurons]",
            True,
            "The outputs are those of the neurons, in their order.",
            look="Layer.__call__",
        ),
        Case(f"{RELU_LAYER}out = layer([2.0, 1.0])", "[value.data for value in out]", [2.0, 2.0], look="Layer.__call__"),
        Case(f"{RELU_LAYER.replace('relu', 'linear')}out = layer([-2.0, 1.0])", "[value.data for value in out]", look="Layer.__init__"),
        Case(
            LAYER,
            "{id(p) for p in layer.parameters()} == {id(p) for neuron in layer.neurons for p in [*neuron.w, neuron.b]}",
            True,
            "The parameters are the Values in the neurons themselves, not copies.",
            look="Layer.parameters",
        ),
        Case(LAYER, "len(list(layer.parameters()))", 9, look="Layer.parameters"),
        Case("model = MLP(2, [1])", SHAPE, [(2, 1)], look="MLP.__init__"),
        Case(DEEP, SHAPE, [(2, 3), (3, 4), (4, 1)], look="MLP.__init__"),
        Case("model = MLP(2, [1, 2])\nout = model([1.0, 2.0])", "len(out)", 2, "A hidden layer may have one neuron.", look="MLP.__call__"),
        Case("model = MLP(2, [3, 2])\nout = model([1.0, 2.0])", "len(out)", 2, look="MLP.__call__"),
        Case(TWO, "out.data", look="MLP.__call__"),
        Case(RELU, "out.data", look="MLP.__init__"),
        Case(
            f"{_set('[2, 2, 1]', '', '0.5, -1.0, 0.25')}out = model([2.0, -1.0])",
            "out.data",
            look="MLP.__call__",
        ),
        Case(
            f"{TWO}\nout.backward()\nfirst = model.layers[0].neurons[0]",
            "(first.w[0].grad, first.w[1].grad, first.b.grad)",
            look="MLP.__call__",
        ),
        Case(DEEP, "len(list(model.parameters()))", 30, look="MLP.parameters"),
        Case(DEEP, "len({id(p) for p in model.parameters()})", 30, "Each parameter must be in the list once.", look="MLP.parameters"),
        Case(f"{TWO}\nout.backward()\nmodel.zero_grad()", "[p.grad for p in model.parameters()]", [0.0] * 9, look="MLP"),
        Case(
            f"{RNG}model = MLP(2, [3, 3], rng=random.Random(1))",
            "len({p.data for p in model.parameters()})",
            16,
            "There should be 16 different numbers: 15 weights, all different, and 0 for the biases.",
            look="MLP.__init__",
        ),
    ),
    more=lambda: _random_networks(),
)


def _random_networks() -> Iterator[Case]:
    rng = random.Random(7)
    for sizes in ([1], [2], [2, 1], [3, 2], [2, 3, 1], [2, 1, 3, 2]):
        for activation in ("tanh", "relu"):
            x: list[Any] = [round(rng.uniform(-2, 2), 1) for _ in range(rng.choice((1, 2)))]
            lines = [
                f'model = MLP({len(x)}, {sizes}, "{activation}")',
                "numbers = iter(0.1 * (7 * k % 19 - 9) for k in range(100))",
                "for layer in model.layers:",
                "    for neuron in layer.neurons:",
                "        for value in [*neuron.w, neuron.b]:",
                "            value.data = next(numbers)",
                f"out = model({x})",
            ]
            yield Case("\n".join(lines), "out.data" if sizes[-1] == 1 else "[value.data for value in out]", look="MLP.__call__")
