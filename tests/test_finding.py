"""Parameters are found wherever an object keeps them, with names that stay the same, or they are refused by name."""

import collections
import dataclasses
import functools
import itertools
import json
import math
import random
import subprocess
import sys
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import MLP, SGD, Adam, Module, Neuron, Value, load_safetensors, save_safetensors


class Plain:
    """A layer that is no Module, as programs written for micrograd have them."""

    def __init__(self, *values: Any) -> None:
        for name, value in zip("wvu", values, strict=False):
            setattr(self, name, value)


class Slots:
    __slots__ = ("v", "w", "__u")  # noqa: RUF023 - two of which are never set

    def __init__(self, value: Any) -> None:
        self.w = value


class MoreSlots(Slots):
    __slots__ = "a"

    def __init__(self, value: Any, more: Any) -> None:
        super().__init__(value)
        self.a = more


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclasses.dataclass
class Record:
    w: Any
    v: Any = 1.0


@dataclasses.dataclass(slots=True, frozen=True)
class Slotted:
    w: Any


class Items(list):  # type: ignore[type-arg]
    """A list with attributes."""


class Lazy:
    """Its properties must not be asked."""

    def __init__(self, value: Any) -> None:
        self._w = value

    @property
    def w(self) -> Any:
        raise AssertionError("a property was asked")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AssertionError(f"{name} was asked")


class OfMicrograd:
    """Says itself what its parameters are."""

    def __init__(self, value: Any) -> None:
        self.w, self.eps = value, Value(1e-5)

    def parameters(self) -> list[Any]:
        return [self.w]


def items_with(value: Any) -> Items:
    items = Items([1.0])
    items.extra = value  # type: ignore[attr-defined]
    return items


def objects(*values: Any) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


# How a value can be held, and what it is called there.
HOLDERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "itself": (lambda x: x, ""),
    "list": (lambda x: [1.0, x], ".1"),
    "tuple": (lambda x: (x, None), ".0"),
    "namedtuple": (lambda x: Pair(1.0, x), ".1"),
    "dict": (lambda x: {"a": 1.0, "key": x}, ".key"),
    "dict with numbers as keys": (lambda x: {7: x}, ".7"),
    "dict with pairs as keys": (lambda x: {(1, 2): x}, ".(1, 2)"),
    "OrderedDict": (lambda x: collections.OrderedDict(key=x), ".key"),
    "defaultdict": (lambda x: collections.defaultdict(list, {"key": x}), ".key"),
    "ChainMap": (lambda x: collections.ChainMap({"key": x}), ".key"),
    "MappingProxyType": (lambda x: types.MappingProxyType({"key": x}), ".key"),
    "UserDict": (lambda x: collections.UserDict({"key": x}), ".key"),
    "UserList": (lambda x: collections.UserList([x]), ".0"),
    "values of a dict": (lambda x: {"key": x}.values(), ".0"),
    "deque": (lambda x: collections.deque([1.0, x]), ".1"),
    "list with attributes": (items_with, ".extra"),
    "array": (lambda x: objects(1.0, x), ".1"),
    "array of two axes": (lambda x: objects(1.0, 2.0, x, 3.0).reshape(2, 2), ".1.0"),
    "array of no axis": (lambda x: objects(x).reshape(()), ""),
    "masked array": (lambda x: np.ma.array(objects(x), mask=[True]), ".0"),
    "structured array": (lambda x: np.array([(1.0, x)], dtype=[("a", float), ("b", object)]), ".0.1"),
    "object": (Plain, ".w"),
    "namespace": (lambda x: types.SimpleNamespace(w=x), ".w"),
    "slots": (Slots, ".w"),
    "inherited slots": (lambda x: MoreSlots(x, 1.0), ".w"),
    "slots of a subclass": (lambda x: MoreSlots(1.0, x), ".a"),
    "dataclass": (Record, ".w"),
    "dataclass with slots": (Slotted, ".w"),
    "object with properties": (Lazy, "._w"),
    "object with parameters() of its own": (OfMicrograd, ".w"),
    "partial": (lambda x: functools.partial(max, x, key=abs), ".args.0"),
    "keyword of a partial": (lambda x: functools.partial(max, key=x), ".keywords.key"),
}


def holding(name: str, thing: Any) -> Module:
    """A Module with a parameter before and behind."""
    module = Module()
    module.first, module.last = Value(0.0), Value(0.0)  # type: ignore[attr-defined]
    del module.last  # type: ignore[attr-defined]
    setattr(module, name, thing)
    module.last = Value(0.0)  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_value_is_found_in_everything_that_holds_it(holder: str) -> None:
    make, name = HOLDERS[holder]
    value = Value(3.0)
    module = holding("it", make(value))
    assert [n for n, _ in module.named_parameters()] == ["first", f"it{name}", "last"]
    assert module.parameters()[1] is value
    optimizer = SGD(module.parameters(), lr=1.0)
    (value * 2.0).backward()
    optimizer.step()
    assert value.data == 1.0
    state = module.state_dict()
    module.load_state_dict({n: number + 1.0 for n, number in state.items()})
    assert value.data == 2.0


def test_what_methods_belong_to_is_looked_into_at_last(Value: type) -> None:
    class Scale:
        def __init__(self, factor: Any) -> None:
            self.factor = factor

        def apply(self, x: Any) -> Any:
            return self.factor * x

    module = Module()
    known = Scale(Value(1.0))
    module.first, module.known, module.apply, module.append = known.apply, known, Scale(Value(2.0)).apply, [Value(3.0)].append
    module.both = [len, math.exp, Scale(Scale(Value(4.0)).apply).apply]
    names = ["known.factor", "apply.__self__.factor", "append.__self__.0", "both.2.__self__.factor.__self__.factor"]
    assert [name for name, _ in module.named_parameters()] == names
    assert [p.data for p in module.parameters()] == [1.0, 2.0, 3.0, 4.0]


@given(st.lists(st.sampled_from(sorted(HOLDERS)), max_size=6))
def test_a_value_is_found_however_deep_it_is(way: list[str]) -> None:
    value = Value(1.0)
    thing: Any = value
    name = ""
    for holder in reversed(way):
        if holder == "object with parameters() of its own" and not isinstance(thing, Value):
            continue
        make, step = HOLDERS[holder]
        thing, name = make(thing), step + name
    assert dict(holding("it", thing).named_parameters())[f"it{name}"] is value


def test_a_value_is_found_in_tables() -> None:
    pandas = pytest.importorskip("pandas")
    net = Module()
    net.series = pandas.Series([Value(1.0), 5.0], index=[5, 3])  # type: ignore[attr-defined]
    net.table = pandas.DataFrame({"a": [1.0], "b": [Value(2.0)]})  # type: ignore[attr-defined]
    net.numbers, net.index = pandas.DataFrame({"a": [1.0]}), pandas.Index([1, 2])  # type: ignore[attr-defined]
    assert net.state_dict() == {"series.0": 1.0, "table.0.1": 2.0}


def test_names_are_those_of_always() -> None:
    """State dicts that were saved must fit."""
    net = Module()
    net.w = [Value(0.0), (Value(1.0), {"a": Value(2.0), 3: [Value(3.0)]})]  # type: ignore[attr-defined]
    net.layers = [Neuron(2), MLP(1, [2, 1])]  # type: ignore[attr-defined]
    assert list(net.state_dict())[:9] == [
        *("w.0", "w.1.0", "w.1.1.a", "w.1.1.3.0"),
        *("layers.0.w.0", "layers.0.w.1", "layers.0.b", "layers.1.layers.0.neurons.0.w.0", "layers.1.layers.0.neurons.0.b"),
    ]


def test_slots_of_a_module_come_before_its_other_attributes() -> None:
    class Net(Module):
        __slots__ = ("z", "__hidden", "a")  # noqa: RUF023

        def __init__(self) -> None:
            self.b, self.a, self.z, self.__hidden = Value(1.0), Value(2.0), Value(3.0), Value(4.0)

    assert list(Net().state_dict().items()) == [("z", 3.0), ("_Net__hidden", 4.0), ("a", 2.0), ("b", 1.0)]


def test_a_value_of_the_class_is_a_parameter() -> None:
    class Line(Module):
        slope = Value(2.0)
        offset = Value(1.0)

        def __init__(self) -> None:
            self.offset = Value(5.0)

    class Steep(Line):
        slope = Value(9.0)

    assert Line().state_dict() == {"offset": 5.0, "slope": 2.0}
    assert Steep().state_dict() == {"offset": 5.0, "slope": 9.0}


def test_what_is_reached_twice_counts_once_and_cycles_end() -> None:
    shared = Value(1.0)
    net, layer = Module(), Plain(shared)
    layer.net, layer.me, layer.array = net, layer, objects(shared, layer)  # type: ignore[attr-defined]
    net.layers = [layer, layer, {"again": layer}]  # type: ignore[attr-defined]
    net.layers.append(net.layers)  # type: ignore[attr-defined]
    assert dict(net.named_parameters()) == {"layers.0.w": shared}


def test_results_do_not_count() -> None:
    net = Module()
    net.kept = Plain(Value(1.0) * 2.0, objects(Value(2.0) + 1.0), {"a": {Value(1.0) * 3.0}})  # type: ignore[attr-defined]
    assert net.parameters() == []


def test_deep_nesting_is_no_recursion() -> None:
    thing: Any = Value(1.0)
    for k in range(3000):
        thing = [thing] if k % 2 else Plain(thing)
    net = Module()
    net.it = thing  # type: ignore[attr-defined]
    assert len(net.parameters()) == 1


class OddKey:
    """A key whose text is its address."""


class Weights:
    shared: list[Any]


REFUSED: dict[str, tuple[Callable[[Value], Any], str]] = {
    "a set": (lambda x: {x, 1.0}, r"Module\.it is a set, whose order may differ from run to run: keep Values in a list"),
    "a frozenset in a list": (lambda x: [frozenset([x])], r"Module\.it\.0 is a set"),
    "a set of layers": (lambda x: {Plain(x)}, r"Module\.it is a set"),
    "keys of a dict": (lambda x: {x: 1.0}, r"Module\.it is a dict with Values in its keys"),
    "keys of a dict, in a tuple": (lambda x: {(x, 1): 1.0}, r"Module\.it is a dict with Values in its keys"),
    "keys of a dict, as a view": (lambda x: {x: 1.0}.keys(), r"Module\.it is a set"),
    "under a key without a name": (lambda x: {OddKey(): x}, r"Module\.it is a dict with keys whose names may differ"),
    "under a Value as key": (lambda x: {Value(1.0): x}, r"Module\.it is a dict with"),
    "under a function as key": (lambda x: {abs: 1.0, len: [x]}, r"Module\.it is a dict with keys whose names may differ"),
}


@pytest.mark.parametrize("place", REFUSED)
def test_a_value_without_a_name_is_refused(place: str) -> None:
    make, why = REFUSED[place]
    module = holding("it", make(Value(1.0)))
    for look in (module.parameters, module.state_dict, module.zero_grad, module.label_parameters, lambda: Adam(module.parameters())):
        with pytest.raises(TypeError, match=why):
            look()
    assert repr(module) == "Module(2 parameters)"


def test_a_value_without_a_name_that_has_one_elsewhere_is_no_matter() -> None:
    value = Value(1.0)
    module = holding("it", {"a set": {value}, "velocity": {value: 0.0}, "odd": {OddKey(): [value]}, "later": value})
    assert [name for name, _ in module.named_parameters()] == ["first", "it.later", "last"]


def test_a_list_that_belongs_to_the_class_is_refused() -> None:
    class Net(Module):
        weights = [Value(1.0)]  # noqa: RUF012
        made: list[Any] = []  # noqa: RUF012 - all objects, which is common

        def __init__(self) -> None:
            self.b = Value(0.0)
            self.made.append(self)

    Net()
    with pytest.raises(TypeError, match=r"Net\.weights is an attribute of .*: set it in __init__\(\), as self\.weights = \.\.\."):
        Net().parameters()
    Net.weights = []
    assert list(Net().state_dict()) == ["b"]


def test_parameters_of_ones_own_are_taken_as_they_are() -> None:
    class Chosen(Module):
        def __init__(self) -> None:
            self.w, self.it = Value(1.0), {Value(2.0)}

        def parameters(self) -> list[Value]:
            return [self.w]

    assert list(Chosen().state_dict()) == ["w"]
    net = Module()
    net.inner = [Chosen(), Plain(Chosen())]  # type: ignore[attr-defined]
    assert list(net.state_dict()) == ["inner.0.w", "inner.1.w.w"]


def test_what_knows_parameters_of_others_is_not_looked_into() -> None:
    other = MLP(2, [1])
    net = Module()
    net.optimizer = SGD(other.parameters())  # type: ignore[attr-defined]
    net.function = chainrule.compile(lambda x: other(x))  # type: ignore[attr-defined]
    net.function([1.0, 2.0])  # type: ignore[attr-defined]
    net.code = lambda x: other(x)  # type: ignore[attr-defined]
    net.way = itertools.chain(other.parameters())  # type: ignore[attr-defined]
    net.module, net.rng, net.numbers = chainrule, random.Random(0), np.zeros(3)  # type: ignore[attr-defined]
    assert net.parameters() == []


def test_a_method_that_is_compiled_leaves_the_parameters_as_they_are() -> None:
    class Net(Module):
        def __init__(self) -> None:
            self.layer = Plain(Value(2.0))

        @chainrule.compile
        def forward(self, x: Any) -> Any:
            return self.layer.w * x

    net = Net()
    assert net.forward(3.0).data == 6.0
    assert list(net.state_dict()) == ["layer.w"]


def test_modules_of_the_same_name_as_pythons_own_are_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("token")
    module.__file__ = "/elsewhere/token.py"
    monkeypatch.setitem(sys.modules, "token", module)
    kind = type("Layer", (Plain,), {"__module__": "token"})
    assert list(holding("it", kind(Value(1.0))).state_dict()) == ["first", "it.w", "last"]


def test_classes_that_pythons_own_code_makes_are_looked_into() -> None:
    made: dict[str, Any] = {}
    exec("class Layer:\n    def __init__(self, w): self.w = w", made)
    kinds = [made["Layer"], dataclasses.make_dataclass("Layer", ["w"]), types.new_class("Layer", (Plain,))]
    assert {kind.__module__ for kind in kinds} <= {"builtins", "types", __name__}
    for kind in kinds:
        assert list(holding("it", kind(Value(1.0))).state_dict()) == ["first", "it.w", "last"]


def test_names_and_order_are_the_same_in_each_run() -> None:
    program = """
import json, numpy as np
from chainrule import Module, Value
class Plain: pass
net = Module()
net.layer = Plain()
net.layer.w = np.array([[Value(1.0), Value(2.0)]])
net.table = {("a", 1): Value(3.0), 2: Value(4.0), None: Value(5.0)}
print(json.dumps(net.state_dict()))
"""
    found = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": str(seed)}
        ).stdout
        for seed in (1, 2)
    }
    assert [json.loads(text) for text in found] == [
        {"layer.w.0.0": 1.0, "layer.w.0.1": 2.0, "table.('a', 1)": 3.0, "table.2": 4.0, "table.None": 5.0}
    ]


def test_what_was_found_can_be_saved_and_loaded(tmp_path: Any) -> None:
    net = holding("it", [make(Value(float(k))) for k, (make, _) in enumerate(HOLDERS.values())])
    state = net.state_dict()
    save_safetensors(tmp_path / "w", state)
    net.load_state_dict(dict.fromkeys(state, 0.0))
    net.load_state_dict(load_safetensors(tmp_path / "w"))
    assert net.state_dict() == state


def test_a_compiled_function_notices_other_parameters_behind_an_object() -> None:
    trainer = Plain(Module())
    trainer.w.slope = Value(2.0)
    function = chainrule.compile(lambda x: trainer.w.slope * x)
    assert function(1.0).data == 2.0
    trainer.w.slope = Value(5.0)
    assert function(1.0).data == 5.0
