"""Exercise 6: a neuron."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

from chainrule.course.checking import Case, Checks, Diagnosis, Mistake
from chainrule.course.outcomes import COLLECTION, PLAIN_NUMBER, Raises, has, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SET = "n.w[0].data, n.w[1].data, n.b.data = 0.5, -1.0, 0.25\n"
N = f"n = Neuron(2)\n{SET}"
OUT = f"{N}out = n([2.0, 3.0])"
ZEROED = f"{OUT}\nout.backward()\nn.zero_grad()"
TOLD = "n = Neuron(2)\ntry:\n    n({})\n    told = 'nothing'\nexcept Exception as error:\n    told = type(error).__name__"
TANH = math.tanh(-1.75)

DIAGNOSES = (
    Diagnosis(
        Case("n = Neuron(2)", "[type(p).__name__ for p in [*n.w, n.b]]", ["Value", "Value", "Value"], look="Neuron.__init__"),
        Mistake(
            "parameters that are plain numbers",
            wrong=has("float", "int"),
            says="A plain number has no gradient, so it cannot be trained. Make every weight and the bias a Value.",
        ),
    ),
    Diagnosis(
        Case("n = Neuron(3)", "len(n.w)", 3, look="Neuron.__init__"),
        Mistake(
            "weights that are not a list",
            wrong=Raises("TypeError", "has no len()"),
            says="n.w must be a list of three Values, one for each input: [Value(...) for _ in range(inputs)], in square brackets. "
            "Parentheses make a generator, which can be read only once.",
        ),
    ),
    Diagnosis(
        Case("n = Neuron(3)", "len({id(weight) for weight in n.w})", 3, look="Neuron.__init__"),
        Mistake(
            "one weight in all places",
            wrong=1,
            says="A list multiplied by 3 holds the same Value three times, so a change of one weight changes all. Make a new Value for "
            "each input: [Value(...) for _ in range(inputs)].",
        ),
    ),
    Diagnosis(
        Case("n = Neuron(3)", "len({weight.data for weight in n.w})", 3, look="Neuron.__init__"),
        Mistake(
            "weights that are all alike",
            wrong=1,
            says="All three weights start with the same number, and so would those of every other neuron. Equal neurons get equal "
            "gradients, and never become different. Draw a random number for each weight.",
        ),
    ),
    Diagnosis(
        Case("a = Neuron(3)\nb = Neuron(3)", "[u.data == v.data for u, v in zip(a.w, b.w)]", [False, False, False], look="Neuron.__init__"),
        Mistake(
            "every neuron begins with the same weights",
            wrong=[True, True, True],
            says="Two neurons have the same weights, as happens if each of them makes a random generator with the same seed. Draw from "
            "the rng that is passed; each draw gives a new number.",
        ),
    ),
    Diagnosis(
        Case(
            "import random\n\na = Neuron(3, rng=random.Random(1))\nb = Neuron(3, rng=random.Random(1))",
            "[u.data == v.data for u, v in zip(a.w, b.w)]",
            [True, True, True],
            look="Neuron.__init__",
        ),
        Mistake(
            "the rng is not used",
            wrong=has(False),
            says="Two generators with the same seed give the same numbers, so both neurons should start with the same weights. Draw the "
            "weights with rng.uniform, not with random.uniform.",
        ),
    ),
    Diagnosis(
        Case("n = Neuron(100)", "min(weight.data for weight in n.w) < 0", True, look="Neuron.__init__"),
        Mistake(
            "weights from 0 to 1",
            wrong=False,
            says="None of a hundred weights is negative, so no input can lower the output at the start. random() draws from 0 to 1; "
            "uniform(-1, 1) draws from -1 to 1.",
        ),
    ),
    Diagnosis(
        Case("n = Neuron(2)\nfirst, second = n([2.0, 3.0]), n([2.0, 3.0])", "first.data == second.data", True, look="Neuron.__call__"),
        Mistake(
            "new weights at each call",
            wrong=False,
            says="The same neuron gives different outputs for the same inputs, because its weights are drawn again at each call. "
            "Whatever it learns would be lost. Draw them once, in __init__.",
        ),
    ),
    Diagnosis(
        Case(OUT, "type(out).__name__", "Value", look="Neuron.__call__"),
        Mistake(
            "a float is returned",
            wrong=PLAIN_NUMBER,
            says="The output is a plain number, from which no backward() can start. Calculate with the Values themselves, not with their "
            "data.",
        ),
        Mistake(
            "the output is a list",
            wrong=COLLECTION,
            says="A neuron has one output, however many inputs: the products are added up to a single Value.",
        ),
        Mistake(
            "nothing is returned",
            wrong="NoneType",
            says="A call without a return gives None. Does every path through __call__ end with a return?",
        ),
    ),
    Diagnosis(
        Case(OUT, "out.data", TANH, look="Neuron.__call__"),
        Mistake(
            "no activation",
            wrong=-1.75,
            says="This is the sum, 0.5 * 2 - 1 * 3 + 0.25 = -1.75. If no other activation is given, the neuron should apply tanh to it.",
        ),
        Mistake(
            "the bias is left out",
            wrong=math.tanh(-2.0),
            says="This is tanh(0.5 * 2 - 1 * 3) = tanh(-2). The bias, 0.25, is not in it: let the sum begin with self.b.",
        ),
        Mistake(
            "the bias after the activation",
            wrong=math.tanh(-2.0) + 0.25,
            says="This is tanh(-2) + 0.25. The bias belongs in the sum, before the activation: tanh(-2 + 0.25).",
        ),
        Mistake(
            "the bias once for each input",
            wrong=math.tanh(-1.5),
            says="This is tanh(-1.5): the bias, 0.25, was added with each of the two products. Add it to the sum only once.",
        ),
        Mistake(
            "the activation is applied to each product",
            wrong=one_of(*(math.tanh(1.0) + math.tanh(-3.0) + bias for bias in (0.0, 0.25))),
            says="tanh was applied to each product, and the results were added. First calculate the whole sum, with the bias, and then "
            "apply tanh once.",
        ),
    ),
    Diagnosis(
        Case(f'n = Neuron(2, "linear")\n{SET}out = n([2.0, 3.0])', "out.data", -1.75, look="Neuron.__call__"),
        Mistake(
            "no method of that name",
            wrong=Raises("AttributeError", "linear"),
            says='A Value has methods tanh and relu, but none called linear. With the activation "linear", return the sum as it is.',
        ),
        Mistake(
            "tanh, whatever is asked for",
            wrong=TANH,
            says="A linear neuron gives the sum itself, -1.75; this is tanh of it. Store the activation in __init__, and use it in "
            "__call__.",
        ),
        Mistake(
            "relu, whatever else is asked for",
            wrong=0.0,
            says="A linear neuron gives the sum itself, -1.75, and relu has turned it into 0. There are three activations: if it is not "
            'tanh, it is not always relu. With "linear", return the sum as it is.',
        ),
    ),
    Diagnosis(
        Case(f'n = Neuron(2, "relu")\n{SET}out = n([2.0, 3.0])', "out.data", 0.0, look="Neuron.__call__"),
        Mistake(
            "no relu",
            wrong=one_of(-1.75, TANH),
            says='The sum is -1.75, and relu turns every negative number into 0. What does __call__ do if the activation is "relu"?',
        ),
    ),
    Diagnosis(
        Case(f"{OUT}\nout.backward()", "[n.w[0].grad, n.w[1].grad, n.b.grad]", look="Neuron.__call__"),
        Mistake(
            "a graph that is cut",
            wrong=[0.0, 0.0, 0.0],
            says="The output is right, but no gradient reaches the weights: the sum was calculated from their data, which are plain "
            "numbers. Multiply and add the Values themselves.",
        ),
    ),
    Diagnosis(
        Case("n = Neuron(2)", "[type(p).__name__ for p in n.parameters()]", ["Value", "Value", "Value"], look="Neuron.parameters"),
        Mistake(
            "lists in the list of parameters",
            wrong=has("list"),
            says="There is a list among the parameters, and a list has no gradient. Join the two lists into one flat list: self.w + "
            "[self.b].",
        ),
    ),
    Diagnosis(
        Case("n = Neuron(2)", "len(list(n.parameters()))", 3, look="Neuron.parameters"),
        Mistake(
            "parameters without the bias",
            wrong=2,
            says="Two weights and a bias are three parameters; the bias is missing, and would never be trained.",
        ),
    ),
    Diagnosis(
        Case("n = Neuron(2)", "len(list(n.parameters()))", 3, look="Neuron"),
        Mistake(
            "the parameters of a bare Module",
            wrong=0,
            says="These are the parameters of Module, which has none. Neuron needs a parameters() of its own, which returns them.",
        ),
    ),
    Diagnosis(
        Case("n = Neuron(2)\nn.parameters()\nn.parameters()", "len(n.w)", 2, look="Neuron.parameters"),
        Mistake(
            "the bias among the weights",
            wrong=4,
            says="append changes the list on which it is called, so each call of parameters() adds the bias to the weights. Make a new "
            "list: self.w + [self.b].",
        ),
    ),
    Diagnosis(
        Case("n = Neuron(2)", "all(any(p is own for own in [*n.w, n.b]) for p in n.parameters())", True, look="Neuron.parameters"),
        Mistake(
            "copies of the parameters",
            wrong=False,
            says="parameters() gives new Values with the same numbers. A change of these changes nothing in the neuron. Return the "
            "Values in self.w and self.b themselves.",
        ),
    ),
    Diagnosis(
        Case(ZEROED, "[n.w[0].data, n.w[1].data, n.b.data]", [0.5, -1.0, 0.25], look="Module.zero_grad"),
        Mistake(
            "zero_grad changes the data",
            wrong=has(0.0),
            says="zero_grad() has set the data to 0, so everything that the neuron has learned is lost. Set only grad to 0.",
        ),
    ),
    Diagnosis(
        Case(ZEROED, "[n.w[0].grad, n.w[1].grad, n.b.grad]", [0.0, 0.0, 0.0], look="Module.zero_grad"),
        Mistake(
            "zero_grad changes nothing",
            wrong=lambda found: all(grad != 0.0 for grad in found),
            says="The gradients are still those of backward(). Write parameter.grad = 0.0 for each parameter, with one =; parameter = "
            "0.0 only changes the loop variable.",
        ),
    ),
    Diagnosis(
        Case(TOLD.format("[1.0, 2.0, 3.0]"), "told", "ValueError", look="Neuron.__call__"),
        Mistake(
            "inputs that are dropped without an error",
            wrong="nothing",
            says="A neuron with two weights gets three inputs, ignores the last, and raises no error: zip stops at the end of the "
            "shorter list, and range(len(self.w)) at the number of weights. zip(self.w, x, strict=True) raises the ValueError.",
        ),
    ),
)

CHECKS = Checks(
    requires=("Value", "Module", "Neuron"),
    diagnoses=DIAGNOSES,
    cases=(
        Case("n = Neuron(2)", "len(n.w)", 2, look="Neuron.__init__"),
        Case("n = Neuron(2)", "n.b.data", 0.0, "The bias begins at 0.", look="Neuron.__init__"),
        Case(
            "n = Neuron(100)", "max(abs(weight.data) for weight in n.w) <= 1", True, "Weights are between -1 and 1.", look="Neuron.__init__"
        ),
        Case("n = Neuron(100)", "len({weight.data for weight in n.w})", 100, "Each weight is drawn separately.", look="Neuron.__init__"),
        Case("n = Neuron(1)\nn.w[0].data = 2.0\nout = n([0.5])", "out.data", look="Neuron.__call__"),
        Case(OUT, "out.data", look="Neuron.__call__"),
        Case(f'n = Neuron(2, "linear")\n{SET}out = n([2.0, 3.0])', "out.data", look="Neuron.__call__"),
        Case(f'n = Neuron(2, "relu")\n{SET}out = n([2.0, 3.0])', "out.data", look="Neuron.__call__"),
        Case(f'n = Neuron(2, activation="relu")\n{SET}out = n([2.0, -3.0])', "out.data", look="Neuron.__call__"),
        Case(f"{N}x = [Value(2.0), Value(3.0)]\nout = n(x)", "out.data", says="The inputs may be Values.", look="Neuron.__call__"),
        Case(f"{OUT}\nout.backward()", "[n.w[0].grad, n.w[1].grad, n.b.grad]", look="Neuron.__call__"),
        Case(f"{N}x = [Value(2.0), Value(3.0)]\nn(x).backward()", "[x[0].grad, x[1].grad]", look="Neuron.__call__"),
        Case(
            f"{N}first, second = n([2.0, 3.0]), n([2.0, 3.0])",
            "second.data",
            says="A call does not change the neuron.",
            look="Neuron.__call__",
        ),
        Case("m = Module()", "list(m.parameters())", [], look="Module.parameters"),
        Case("n = Neuron(2)", "[type(p).__name__ for p in n.parameters()]", ["Value"] * 3, look="Neuron.parameters"),
        Case(
            "n = Neuron(2)",
            "{id(p) for p in n.parameters()} == {id(n.w[0]), id(n.w[1]), id(n.b)}",
            True,
            "The parameters are the Values in w and b themselves, not copies.",
            look="Neuron.parameters",
        ),
        Case(
            "n = Neuron(2)",
            "isinstance(n, Module) or hasattr(n, 'zero_grad')",
            True,
            "A Neuron is a Module, and inherits zero_grad() from it: class Neuron(Module).",
            look="Neuron",
        ),
        Case(ZEROED, "[n.w[0].grad, n.w[1].grad, n.b.grad]", [0.0, 0.0, 0.0], look="Module.zero_grad"),
        Case(ZEROED, "[n.w[0].data, n.w[1].data, n.b.data]", [0.5, -1.0, 0.25], look="Module.zero_grad"),
        *(
            Case(
                TOLD.format(x),
                "told",
                "ValueError",
                f"There are two weights and {count}, so the call should raise a ValueError.",
                look="Neuron.__call__",
            )
            for x, count in (("[1.0, 2.0, 3.0]", "three inputs"), ("[1.0]", "one input"))
        ),
    ),
    more=lambda: _random_neurons(),
)


def _random_neurons() -> Iterator[Case]:
    rng = random.Random(6)
    for size in (1, 2, 3, 5):
        for activation in ("tanh", "relu", "linear"):
            numbers: list[Any] = [[round(rng.uniform(-2, 2), 1) for _ in range(size)] for _ in range(2)]
            lines = [
                f'n = Neuron({size}, "{activation}")',
                f"for weight, number in zip(n.w, {numbers[0]}):",
                "    weight.data = number",
                f"n.b.data = {round(rng.uniform(-1, 1), 1)}",
                f"out = n({numbers[1]})",
                "out.backward()",
            ]
            yield Case("\n".join(lines), "(out.data, [weight.grad for weight in n.w], n.b.grad)", look="Neuron.__call__")
