"""Networks made of Values: `Module`, which finds its own parameters, and `Neuron`, `Layer` and `MLP`."""

from __future__ import annotations

import math
import operator
import random
from typing import TYPE_CHECKING, Any, ClassVar

from chainrule.engine import Value, constant, dot
from chainrule.finding import found
from chainrule.reals import real

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import SupportsFloat, SupportsIndex, TypeAlias

    Activation: TypeAlias = Callable[[Value], Value]
    Initializer: TypeAlias = Callable[[Any, int, int], float]


class Module:
    """Something with parameters.

    A subclass sets attributes and is callable. Its parameters are the leaf Values in its attributes: directly, in Modules and other
    objects, and in lists, tuples, dicts and arrays of them, in the order in which the attributes were set. A Value that is found twice
    counts once, and results of earlier computations do not count. Values that only the code of a function can reach are not found. To have
    other parameters, override `parameters()`.

        class Line(Module):
            def __init__(self):
                self.slope, self.offset = Value(0.0), Value(0.0)

            def __call__(self, x):
                return self.slope * x + self.offset
    """

    changes: ClassVar[int] = 0
    """How many attributes have been set on Modules so far: while it stays, no Module has got other parameters in this way."""

    def __setattr__(self, name: str, value: object) -> None:
        Module.changes += 1
        super().__setattr__(name, value)

    def parameters(self) -> list[Value]:
        """List the parameters, each once.

        Raises:
            TypeError: if a Value is in a place that has no fixed name, such as a set, whose order may differ from run to run.
        """
        return [parameter for _, parameter in found(self)]

    parameters.finds_all = True  # type: ignore[attr-defined]

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yield each parameter with its name, the path to it from this module, such as `layers.0.neurons.3.w.1`.

        If a class overrides `parameters()`, a parameter that is in no attribute gets the name `parameters.` and its position.

        Raises:
            ValueError: if two parameters have the same name, because a key of a dict contains a dot or is a number and a string.
            TypeError: if a Value is in a place that has no fixed name, such as a set.
        """
        if type(self).parameters is Module.parameters:
            yield from _distinct(found(self))
            return
        names = {parameter: name for name, parameter in found(self, complete=False)}
        chosen = dict.fromkeys(self.parameters())  # each once, in order
        yield from _distinct((names.get(p, f"parameters.{position}"), p) for position, p in enumerate(chosen))

    def label_parameters(self) -> None:
        """Set the label of every parameter to its name, for pictures and tables. Neuron, Layer and MLP do so when they are made."""
        for name, parameter in self.named_parameters():
            parameter.label = name

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """Return the data of all parameters, by name."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, SupportsFloat]) -> None:
        """Set the parameters to the numbers that `state_dict()` returned. Either all of them are set, or none.

        Arguments:
            state: a real number for the name of each parameter.

        Raises:
            ValueError: if a name is missing or unknown, or its entry is not a real number.
            TypeError: if `state` is not a dict.
        """
        if not hasattr(state, "items"):
            raise TypeError(f"a state must be a dict from names to numbers, got {type(state).__name__}")
        parameters = dict(self.named_parameters())
        numbers: dict[str, float] = {}
        unfit: list[str] = []
        for name, number in state.items():
            try:
                numbers[name] = real(number)
            except (TypeError, OverflowError):
                unfit.append(f"{name} ({number!r})")
        complaints = {
            "missing": [name for name in parameters if name not in state],
            "unexpected": [str(name) for name in state if name not in parameters],
            "not real numbers": unfit,
        }
        if any(complaints.values()):
            told = "; ".join(f"{what}: {_some(names)}" for what, names in complaints.items() if names)
            raise ValueError(f"this state does not fit {self!r}, which was not changed; {told}")
        for name, parameter in parameters.items():
            parameter.data = numbers[name]

    def __repr__(self) -> str:
        own = type(self).parameters is not Module.parameters
        count = len(self.parameters()) if own else sum(1 for _ in found(self, complete=False))
        return f"{type(self).__name__}({count} parameters)"


class Neuron(Module):
    """A weighted sum of its inputs and a bias, then an activation: `activation(b + w[0] * x[0] + w[1] * x[1] + ...)`.

    Arguments:
        nin: how many inputs it takes.
        nonlin: whether to apply the activation; without it the neuron is linear.
        activation: a name in `ACTIVATIONS`, or a function from a Value to a Value.
        init: how to draw the weights; a name in `INITIALIZERS`, or a function `(rng, nin, nout)` that returns a float. The bias is 0.
        rng: a `random.Random`, or anything with its methods; the functions of Python's module `random` by default, which
            `random.seed(k)` seeds.
        nout: how many neurons share the inputs, for initializers that need it; `Layer` passes it.
        fused: compute the weighted sum as one node of the graph, `dot(w, x, b)`. False makes a node for each product and sum, which is
            slower and gives the same numbers, but shows every step in pictures.

    Raises:
        ValueError: for a number of inputs below 1, or an unknown name.
        TypeError: if an argument has the wrong type.
    """

    w: list[Value]
    b: Value

    def __init__(
        self,
        nin: SupportsIndex,
        nonlin: bool = True,
        *,
        activation: str | Activation = "relu",
        init: str | Initializer = "uniform",
        rng: Any = None,
        nout: SupportsIndex = 1,
        fused: bool = True,
    ) -> None:
        nin, nout = _count(nin, "nin"), _count(nout, "nout")
        self.activation: Activation = _choose(activation, ACTIVATIONS, "activation")
        draw: Initializer = _choose(init, INITIALIZERS, "init")
        if rng is None:
            rng = random
        elif not hasattr(rng, "uniform"):
            raise TypeError(f"rng must be a random.Random, got {type(rng).__name__}: {rng!r}; for a seed, write random.Random(seed)")
        self.nonlin = nonlin
        self.fused = fused
        self.w = [Value(draw(rng, nin, nout)) for _ in range(nin)]
        self.b = Value(0.0)
        self.label_parameters()

    def __call__(self, x: Iterable[Value | SupportsFloat]) -> Value:
        """Apply the neuron to its inputs: Values, numbers, or both, in any sequence."""
        if type(x) is not list or len(x) != len(self.w):
            x = _expect(x, len(self.w), self)
        try:
            act: Value = dot(self.w, x, self.b) if self.fused else sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        except TypeError:
            for position, xi in enumerate(x):
                _input(xi, position, self)  # raises at the input that is not a number
            raise
        return self.activation(act) if self.nonlin else act

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, {_told(self)})"


class Layer(Module):
    """Neurons that share their inputs.

    Arguments:
        nin: how many inputs each takes.
        nout: how many neurons there are.
        kwargs: passed on to every `Neuron`.
    """

    def __init__(self, nin: SupportsIndex, nout: SupportsIndex, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, nout=nout, **kwargs) for _ in range(_count(nout, "nout"))]
        self.label_parameters()

    def __call__(self, x: Iterable[Value | SupportsFloat]) -> Any:
        """Apply every neuron to the inputs: Values, numbers, or both, in any sequence.

        Returns:
            A list with each neuron's output; for a layer of one neuron, the output itself.
        """
        x = _expect(x, len(self.neurons[0].w), self)
        # one leaf for a number, shared by all neurons
        values = [xi if isinstance(xi, Value) else _input(xi, position, self) for position, xi in enumerate(x)]
        out = [neuron(values) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def __repr__(self) -> str:
        neuron = self.neurons[0]
        return f"Layer({len(neuron.w)}, {len(self.neurons)}, {_told(neuron)})"


class MLP(Module):
    """A multi-layer perceptron: layers one after another, the last of them linear.

    Arguments:
        nin: how many inputs the first layer takes.
        nouts: how many neurons each layer has.
        kwargs: passed on to every `Layer` and `Neuron`: activation, init, rng, fused.

    Raises:
        ValueError: if there are no layers, or a layer has no neurons.
        TypeError: if `nouts` is not a sequence of integers.
    """

    def __init__(self, nin: SupportsIndex, nouts: Sequence[SupportsIndex], **kwargs: Any) -> None:
        if not hasattr(nouts, "__len__") or isinstance(nouts, str):
            raise TypeError(f"nouts must list how many neurons each layer has, got {nouts!r}; for one layer, write [{nouts!r}]")
        if not len(nouts):
            raise ValueError("an MLP needs at least one layer, but nouts is empty")
        sizes = [nin, *nouts]
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=i != len(nouts) - 1, **kwargs) for i in range(len(nouts))]
        self.label_parameters()

    def __call__(self, x: Iterable[Value | SupportsFloat]) -> Any:
        """Apply the layers to the inputs: Values, numbers, or both, in any sequence.

        Returns:
            A list with the outputs of the last layer; if it has one neuron, the output itself.
        """
        out: Any = x
        for number, layer in enumerate(self.layers):
            out = layer([out] if number and isinstance(out, Value) else out)  # a hidden layer of one neuron
        return out

    def __repr__(self) -> str:
        first = self.layers[0].neurons[0]
        activation = f", {_told(first)}" if len(self.layers) > 1 else ""
        return f"MLP({len(first.w)}, {[len(layer.neurons) for layer in self.layers]}{activation})"


# --- the tables of names ----------------------------------------------------------------------------------------------------------------


def identity(x: Value) -> Value:
    """Return `x` itself: the activation of a linear neuron."""
    return x


ACTIVATIONS: dict[str, Activation] = {
    "relu": Value.relu,
    "tanh": Value.tanh,
    "sigmoid": Value.sigmoid,
    "leaky_relu": Value.leaky_relu,
    "elu": Value.elu,
    "softplus": Value.softplus,
    "silu": Value.silu,
    "gelu": Value.gelu,
    "sin": Value.sin,
    "identity": identity,
    "linear": identity,
}
"""The activations that have a name."""

INITIALIZERS: dict[str, Initializer] = {
    "uniform": lambda rng, nin, nout: rng.uniform(-1, 1),
    "xavier": lambda rng, nin, nout: _within(rng, math.sqrt(6 / (nin + nout))),
    "he": lambda rng, nin, nout: _within(rng, math.sqrt(6 / nin)),
}
"""How a weight is drawn, by name; all are uniform.

- `uniform`: between -1 and 1.
- `xavier`: between -sqrt(6 / (nin + nout)) and sqrt(6 / (nin + nout)), which has variance 2 / (nin + nout); the "normalized
  initialization" of Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010, eq. 16.
- `he`: between -sqrt(6 / nin) and sqrt(6 / nin), which has the variance 2 / nin of He, Zhang, Ren and Sun, Delving deep into
  rectifiers, ICCV 2015, arXiv:1502.01852, eq. 10; the paper draws from a normal distribution with that variance.
"""


def _within(rng: Any, bound: float) -> float:
    return rng.uniform(-bound, bound)


def _choose(given: Any, table: Mapping[str, Any], what: str) -> Any:
    if isinstance(given, str):
        if given not in table:
            raise ValueError(f"unknown {what} {given!r}; choose one of {', '.join(table)}, or pass a function")
        return table[given]
    if not callable(given):
        raise TypeError(f"{what} must be a name or a function, got {type(given).__name__}: {given!r}")
    return given


def _distinct(named: Iterable[tuple[str, Value]]) -> Iterator[tuple[str, Value]]:
    taken = set()
    for name, parameter in named:
        if name in taken:
            raise ValueError(f"two parameters are called {name!r}; rename a key of the dict that holds one of them")
        taken.add(name)
        yield name, parameter


# --- checking what is given -------------------------------------------------------------------------------------------------------------


def _count(n: SupportsIndex, what: str) -> int:
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"{what} must be an integer, got {type(n).__name__}: {n!r}") from None
    if count < 1:
        raise ValueError(f"{what} must be at least 1, got {count}")
    return count


def _expect(x: Any, expected: int, module: Module) -> Any:
    """The inputs as a sequence of the expected length."""
    try:
        given = len(x)
    except TypeError:
        try:
            iterator = iter(x)
        except TypeError:
            raise TypeError(
                f"{module!r} takes a sequence of {expected} inputs, got {type(x).__name__}: {x!r}; put a single input in a list"
            ) from None
        x = list(iterator)
        given = len(x)
    if given != expected:
        rows = given and hasattr(next(iter(x)), "__len__")
        hint = "; it takes one sample at a time: [model(row) for row in rows]" if rows else ""
        raise ValueError(f"{module!r} expects {expected} inputs, got {given}{hint}")
    return x


def _input(x: Any, position: int, module: Module) -> Value:
    if isinstance(x, Value):
        return x
    try:
        return constant(x)
    except (TypeError, OverflowError) as error:
        raise type(error)(f"input {position} of {module!r}: {error}") from None


def _told(neuron: Neuron) -> str:
    return f"activation={getattr(neuron.activation, '__name__', repr(neuron.activation))}" if neuron.nonlin else "nonlin=False"


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
