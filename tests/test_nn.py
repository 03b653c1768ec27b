"""Modules find their parameters; networks compute what they say, as micrograd does, and refuse what does not fit."""

import copy
import json
import math
import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import MLP, Layer, Module, Neuron, Value, nn
from chainrule.engine import flatten

numbers = st.floats(-10, 10)
sizes = st.lists(st.integers(1, 4), min_size=1, max_size=3)


def names(module: Module) -> list[str]:
    return [name for name, _ in module.named_parameters()]


def network(seed: int, nin: int, nouts: list[int], **options: object) -> MLP:
    return MLP(nin, nouts, rng=random.Random(seed), **options)


# --- Module ---------------------------------------------------------------------------------------------------------------------------


class Net(Module):
    def __init__(self) -> None:
        self.name = "net"
        self.scale = Value(2.0)
        self.blocks = {"first": Neuron(1), "rest": (Neuron(2), [Value(3.0)])}
        self.tied = self.scale
        self.last_output = self.scale * 2  # a result, not a parameter
        self.owner = self  # a cycle


def test_parameters_are_found_in_attributes_lists_tuples_and_dicts_each_once() -> None:
    net = Net()
    assert names(net) == [
        "scale",
        "blocks.first.w.0",
        "blocks.first.b",
        "blocks.rest.0.w.0",
        "blocks.rest.0.w.1",
        "blocks.rest.0.b",
        "blocks.rest.1.0",
    ]
    assert net.parameters() == [parameter for _, parameter in net.named_parameters()]
    assert repr(net) == "Net(7 parameters)"
    assert Module().parameters() == []


class Micrograd(Module):
    def __init__(self) -> None:
        self.layer = Layer(2, 1)
        self.frozen = Value(1.0)
        self.hidden = (lambda extra: lambda: extra)(Value(5.0))  # in no attribute that is looked at

    def parameters(self) -> list[Value]:
        return [*self.layer.parameters(), self.hidden()]


def test_a_module_that_overrides_parameters_decides_itself() -> None:
    module = Micrograd()
    own = ["layer.neurons.0.w.0", "layer.neurons.0.w.1", "layer.neurons.0.b", "parameters.3"]
    assert names(module) == own

    class Outer(Module):
        def __init__(self) -> None:
            self.inner = module
            self.scale = Value(1.0)

    outer = Outer()
    assert names(outer) == [*(f"inner.{name}" for name in own), "scale"]
    for parameter in (*outer.parameters(), module.frozen):
        parameter.grad = 1.0
    outer.zero_grad()
    assert [parameter.grad for parameter in outer.parameters()] == [0.0] * 5
    assert module.frozen.grad == 1.0


def test_a_module_may_extend_the_parameters_that_are_found() -> None:
    extra = Value(1.0)

    class Extended(Neuron):
        def parameters(self) -> list[Value]:
            return [*super().parameters(), extra]

    neuron = Extended(2)
    assert neuron.parameters() == [*neuron.w, neuron.b, extra]


def test_names_that_clash_are_an_error() -> None:
    module = Module()
    module.table = {"a.b": Value(1.0), "a": {"b": Value(2.0)}}  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"two parameters are called 'table\.a\.b'; rename"):
        module.state_dict()


def test_modules_nested_deeply_are_walked() -> None:
    outermost = innermost = Module()
    for _ in range(5_000):
        innermost.inner = Module()  # type: ignore[attr-defined]
        innermost = innermost.inner  # type: ignore[attr-defined]
    innermost.weight = Value(1.0)  # type: ignore[attr-defined]
    assert len(outermost.parameters()) == 1


@given(sizes, st.integers(0, 9))
def test_a_state_goes_through_json_bit_for_bit(nouts: list[int], seed: int) -> None:
    model, other = network(seed, 2, nouts), network(seed + 1, 2, nouts)
    other.load_state_dict(json.loads(json.dumps(model.state_dict())))
    assert other.state_dict() == model.state_dict()
    assert [v.data for v in other.parameters()] == [v.data for v in model.parameters()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("w.1"), r"missing: w\.1$"),
        (lambda state: state.update(extra=1.0), r"unexpected: extra$"),
        (lambda state: state.update({"w.0": "1.0"}), r"not real numbers: w\.0 \('1\.0'\)$"),
        (lambda state: state.update({"b": None}), r"not real numbers: b \(None\)$"),
        (lambda state: (state.clear(), state.update(a=1j)), r"missing: w\.0, w\.1, b; unexpected: a; not real numbers: a \(1j\)$"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message: str) -> None:
    neuron = Neuron(2)
    before = neuron.state_dict()
    state = {name: number + 1 for name, number in before.items()}
    change(state)
    with pytest.raises(ValueError, match=message):
        neuron.load_state_dict(state)
    assert neuron.state_dict() == before


def test_a_long_complaint_is_cut() -> None:
    with pytest.raises(ValueError, match=r"missing: w\.0, w\.1, w\.2, w\.3, w\.4 and 3 more$"):
        Neuron(7).load_state_dict({})


# --- networks -------------------------------------------------------------------------------------------------------------------------


@given(sizes, st.integers(0, 99), st.data())
def test_a_network_computes_its_formula(nouts: list[int], seed: int, data: st.DataObject) -> None:
    x = data.draw(st.lists(numbers, min_size=3, max_size=3))
    model = network(seed, 3, nouts, activation="tanh")
    out = model(x)
    expected = x
    for number, layer in enumerate(model.layers):
        sums = [neuron.b.data + sum(w.data * xi for w, xi in zip(neuron.w, expected, strict=True)) for neuron in layer.neurons]
        expected = sums if number == len(nouts) - 1 else [math.tanh(s) for s in sums]
    assert [v.data for v in (out if nouts[-1] > 1 else [out])] == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_weights_are_drawn_as_micrograd_draws_them() -> None:
    random.seed(1337)
    model = MLP(2, [3, 1])
    random.seed(1337)
    expected = []
    for nin, nout in [(2, 3), (3, 1)]:
        for _ in range(nout):
            expected += [random.uniform(-1, 1) for _ in range(nin)] + [0.0]
    assert [v.data for v in model.parameters()] == expected
    assert MLP(2, [3, 1], rng=random.Random(1337)).state_dict() == model.state_dict()


def test_the_sum_begins_with_the_bias() -> None:
    neuron = Neuron(2, nonlin=False)
    neuron.load_state_dict({"w.0": 1.0, "w.1": -1.0, "b": 1e-16})
    assert neuron([1.0, 1.0]).data == 0.0  # (1e-16 + 1) - 1; any other order gives 1e-16


def test_labels_are_the_outermost_names() -> None:
    model = MLP(2, [4, 1])
    assert model.layers[0].neurons[3].w[1].label == "layers.0.neurons.3.w.1"
    assert model.layers[1].neurons[0].b.label == "layers.1.neurons.0.b"
    assert [v.label for v in Layer(1, 2).parameters()] == ["neurons.0.w.0", "neurons.0.b", "neurons.1.w.0", "neurons.1.b"]
    assert [v.label for v in Neuron(2).parameters()] == ["w.0", "w.1", "b"]
    net = Net()
    net.label_parameters()
    assert net.blocks["first"].b.label == "blocks.first.b"  # type: ignore[union-attr]


def test_single_outputs_come_unwrapped() -> None:
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    assert len(Layer(2, 3)([1.0, 2.0])) == 3
    assert isinstance(MLP(2, [3, 1, 1, 2, 1])([1.0, 2.0]), Value)


def test_every_kind_of_input_gives_the_same_numbers() -> None:
    model = MLP(2, [3, 1], rng=random.Random(0))
    row = [0.5, -2.0]
    expected = model(row).data
    for x in (tuple(row), np.array(row), [Value(v) for v in row], [Value(0.5), -2], (v for v in row), np.array([row])[0]):
        assert model(x).data == expected
    neuron = model.layers[0].neurons[0]
    assert neuron(np.array(row)).data == neuron(v for v in row).data == neuron(row).data


def test_a_layer_makes_one_leaf_for_an_input_and_all_neurons_share_it() -> None:
    first, second = Layer(1, 2, nonlin=False)([3.0])
    assert first._prev[2] is second._prev[2]


def test_inputs_that_are_numbers_are_constants_of_the_graph() -> None:
    for model in (MLP(2, [3, 1]), MLP(2, [3, 1], fused=False), Neuron(2)):
        _, _, _, codes, *_ = flatten([model([1.5, 2])])
        assert list(codes).count(-1) == len(model.parameters())


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_every_activation_can_be_named(name: str) -> None:
    neuron = Neuron(1, activation=name, rng=random.Random(1))
    plain = {"relu": lambda v: max(v, 0.0), "identity": lambda v: v, "linear": lambda v: v}
    act = neuron.w[0].data * 0.7
    expected = plain[name](act) if name in plain else getattr(Value(act), name)().data
    assert neuron([0.7]).data == expected
    assert Neuron(1, nonlin=False, activation=name, rng=random.Random(1))([0.7]).data == act


def test_an_activation_may_be_a_function() -> None:
    def square(v: Value) -> Value:
        return v * v

    layer = Layer(1, 1, activation=square, rng=random.Random(1))
    assert layer([2.0]).data == (layer.neurons[0].w[0].data * 2.0) ** 2
    assert repr(layer) == "Layer(1, 1, activation=square)"


@pytest.mark.parametrize(
    ("init", "bound"),
    [
        ("uniform", 1.0),
        ("xavier", math.sqrt(6 / (30 + 20))),
        ("he", math.sqrt(6 / 30)),
        (lambda rng, nin, nout: rng.uniform(-nin, nout), 30.0),
    ],
)
def test_initial_weights_fill_their_range(init, bound: float) -> None:
    layer = Layer(30, 20, init=init, rng=random.Random(0))
    weights = [w.data for neuron in layer.neurons for w in neuron.w]
    assert min(weights) == pytest.approx(-bound, rel=0.05)
    assert all(-bound <= w <= bound for w in weights)
    if init in ("xavier", "he"):
        variance = 2 / (30 + 20) if init == "xavier" else 2 / 30
        assert sum(w * w for w in weights) / len(weights) == pytest.approx(variance, rel=0.15)
    assert all(neuron.b.data == 0.0 for neuron in layer.neurons)


def test_reprs_are_short() -> None:
    assert repr(MLP(784, [50, 10], activation="tanh")) == "MLP(784, [50, 10], activation=tanh)"
    assert repr(MLP(2, [1])) == "MLP(2, [1])"
    assert repr(Layer(2, 16)) == "Layer(2, 16, activation=relu)"
    assert repr(Neuron(3)) == "Neuron(3, activation=relu)"
    assert repr(Neuron(3, nonlin=False)) == "Neuron(3, nonlin=False)"


def test_models_can_be_copied_and_pickled() -> None:
    model = MLP(2, [3, 1])
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.state_dict() == model.state_dict()
        assert not set(twin.parameters()) & set(model.parameters())
        assert twin([1.0, 2.0]).data == model([1.0, 2.0]).data


def test_gradients_reach_parameters_and_inputs() -> None:
    neuron = Neuron(2, nonlin=False)
    x = [Value(3.0), Value(4.0)]
    neuron(x).backward()
    assert [v.grad for v in neuron.parameters()] == [3.0, 4.0, 1.0]
    assert [v.grad for v in x] == [w.data for w in neuron.w]
    neuron.zero_grad()
    assert [v.grad for v in neuron.parameters()] == [0.0, 0.0, 0.0]


# --- wrong input ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda: MLP(2, [3, 1])([1.0]), ValueError, r"Layer\(2, 3, activation=relu\) expects 2 inputs, got 1$"),
        (lambda: Neuron(2)([1.0, 2.0, 3.0]), ValueError, r"Neuron\(2, activation=relu\) expects 2 inputs, got 3$"),
        (lambda: Neuron(2)(x for x in [1.0]), ValueError, "expects 2 inputs, got 1$"),
        (lambda: Layer(2, 3)(np.zeros((5, 2))), ValueError, r"expects 2 inputs, got 5; .* \[model\(row\) for row in rows\]$"),
        (lambda: Layer(2, 3)(np.zeros((2, 2))), TypeError, r"input 0 of Layer\(2, 3, .*expected a real number or a Value, got ndarray"),
        (lambda: Layer(2, 3)([1.0, "b"]), TypeError, "input 1 of .* got str: 'b'"),
        (lambda: Neuron(2)([1.0, [2.0]]), TypeError, r"input 1 of Neuron\(2, activation=relu\): expected .* got list"),
        (lambda: Neuron(2).load_state_dict([1.0]), TypeError, "a state must be a dict from names to numbers, got list"),
        (lambda: MLP(1, [1])(2.0), TypeError, "takes a sequence of 1 inputs, got float: 2.0; put a single input in a list"),
        (lambda: Neuron(1)(Value(2.0)), TypeError, "takes a sequence of 1 inputs, got Value"),
        (lambda: MLP(1, [2, 1])(Value(2.0)), TypeError, "takes a sequence of 1 inputs, got Value"),
        (lambda: Neuron(1)(np.array(2.0)), TypeError, "takes a sequence of 1 inputs, got ndarray"),
        (lambda: Neuron(0), ValueError, "nin must be at least 1, got 0"),
        (lambda: Neuron(2.0), TypeError, "nin must be an integer, got float: 2.0"),
        (lambda: Layer(2, 0), ValueError, "nout must be at least 1, got 0"),
        (lambda: MLP(2, []), ValueError, "at least one layer"),
        (lambda: MLP(2, 3), TypeError, r"got 3; for one layer, write \[3\]"),
        (lambda: MLP(2, [3, "1"]), TypeError, "nout must be an integer, got str"),
        (
            lambda: MLP(2, [3, 1], activation="rleu"),
            ValueError,
            "unknown activation 'rleu'; choose one of relu, tanh, .*, or pass a function",
        ),
        (lambda: MLP(2, [3, 1], init="glorot"), ValueError, "unknown init 'glorot'; choose one of uniform, xavier, he"),
        (lambda: Neuron(2, activation=3), TypeError, "activation must be a name or a function, got int: 3"),
        (lambda: MLP(2, [3, 1], rng=1337), TypeError, r"got int: 1337; for a seed, write random.Random\(seed\)"),
        (lambda: MLP(2, [3, 1], actvation="tanh"), TypeError, "actvation"),
    ],
)
def test_a_mistake_is_told(mistake, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mistake()
