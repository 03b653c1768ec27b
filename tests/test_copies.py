"""Copies and pickles of Values: a graph is copied whole, at any depth; only leaves travel to another process."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest

import chainrule
from chainrule.caution import GradientWarning


def test_a_shallow_copy_is_a_new_node_with_the_same_parents(Value: type) -> None:
    a, b = Value(2.0, label="a"), Value(3.0)
    for node in (a, a * b, a - b, a**2, a.exp(), Value(1.0, (a, b), "opaque")):
        node.grad = 5.0
        node.colour = ["red"]
        twin = copy.copy(node)
        assert twin is not node
        assert (twin.data, twin.grad, twin.label, twin._op, twin._prev) == (node.data, 5.0, node.label, node._op, node._prev)
        assert twin.colour is node.colour
        twin.data, twin.label = 7.0, "twin"
        assert node.data != 7.0
        assert node.label != "twin"
    product = copy.copy(a * b)
    product.backward()
    assert (a.grad, b.grad) == (3.0, 2.0)


def test_a_deep_copy_is_a_graph_of_its_own(Value: type) -> None:
    a, b = Value(2.0, label="a"), Value(3.0)
    inner = a * b
    out = (inner + inner**2).maximum(a) / Value(2.0, (a, b, inner), "opaque")
    out.m = [1.0]
    twin = copy.deepcopy(out)
    out.backward()
    twin.backward()
    originals, twins = [out], [twin]
    for nodes in (originals, twins):
        for node in nodes:
            nodes.extend(parent for parent in node._prev if parent not in nodes)
    assert len(originals) == len(twins)
    assert not set(originals) & set(twins)
    for one, other in zip(originals, twins, strict=True):
        assert (repr(one), one._op, one.label) == (repr(other), other._op, other.label)
    twin.m.append(2.0)
    assert out.m == [1.0]


def test_a_deep_copy_shares_what_was_shared(Value: type) -> None:
    shared = Value(2.0)
    model = {"first": [shared, shared * 2], "second": shared}
    twin = copy.deepcopy(model)
    assert twin["second"] is twin["first"][0] is twin["first"][1]._prev[0]
    assert twin["second"] is not shared


def test_attributes_may_lead_back_to_the_graph(Value: type) -> None:
    a = Value(2.0)
    out = a * a
    a.itself, a.result, out.first = a, out, [a]
    for root in (out, a):
        twin = copy.deepcopy(root)
        leaf = twin._prev[0] if root is out else twin
        assert leaf.itself is leaf is leaf.result.first[0] is leaf.result._prev[1]
        assert leaf is not a


def test_a_graph_100_000_deep_is_copied(Value: type) -> None:
    y = x = Value(1.0)
    for _ in range(100_000):
        y = y + x
    twin = copy.deepcopy(y)
    del y
    twin.backward()
    assert (twin.data, x.grad) == (100_001.0, 0.0)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_an_operation_made_by_hand_is_not_copied(copied: Any, Value: type) -> None:
    x = Value(0.5)
    out = Value(math.sin(0.5), (x,), "sin")
    out._backward = lambda: None
    message = "^cannot copy the operation 'sin': its _backward was made by hand and refers to the original nodes; copy the leaves and build"
    with pytest.raises(TypeError, match=message):
        copied(out)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_leaves_are_pickled_with_all_they_hold(protocol: int, Value: type) -> None:
    a, b = Value(0.1, label="a"), Value(math.inf)
    a.grad, a.m, a.itself = -0.0, {"x": 1}, a
    back, other, again = pickle.loads(pickle.dumps([a, b, a], protocol))
    assert back is again is back.itself
    assert (type(back), repr(back), back.label, back.m) == (Value, "Value(data=0.1, grad=-0.0)", "a", {"x": 1})
    assert (repr(other), vars(other)) == (repr(b), {})
    (back * other).backward()


def test_results_are_not_pickled(Value: type) -> None:
    a = Value(2.0)
    message = (
        r"^cannot pickle Value\(data=4\.0, grad=0\.0\): it is the result of '\*\*2', and only leaves can be pickled; "
        "pickle its leaves, or its data$"
    )
    with pytest.raises(TypeError, match=message):
        pickle.dumps(a**2)


class Better(chainrule.Value):
    pass


def test_kinds_survive_copies_and_pickles() -> None:
    x = Better(2.0)
    for back in (copy.copy(x), copy.deepcopy(x * 2), pickle.loads(pickle.dumps(x))):
        assert type(back) is Better


def test_a_graph_with_a_cycle_is_not_copied(Value: type) -> None:
    a = Value(1.0, label="a")
    b = a * 2
    with pytest.warns(GradientWarning):
        a.__init__(1.0, (b + 1,), "loop")
    for node in (a, b, b.exp()):
        with pytest.raises(ValueError, match=r"cannot copy a graph with a cycle: .* depends on .*, which depends on it in turn"):
            copy.deepcopy(node)
