"""Operations made by hand, as microgpt and EurekaLabs' micrograd write them, and what may be changed of a graph."""

from __future__ import annotations

import copy
import gc
import math
import weakref
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import explain
from chainrule.primitives import PRIMITIVES
from chainrule.row import Primitive

FORMS = [
    lambda V, data, parents, slopes: V(data, parents, slopes),
    lambda V, data, parents, slopes: V(data, list(parents), list(slopes)),
    lambda V, data, parents, slopes: V(data, children=parents, local_grads=slopes),
    lambda V, data, parents, slopes: V(data, _prev=parents, _local_grads=slopes, _op="mine"),
    lambda V, data, parents, slopes: V(data, _children=parents, _op=(V(x) for x in slopes)),
]


@pytest.mark.parametrize("form", FORMS)
@given(data=st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=4))
def test_local_gradients_pass_the_gradient_on(form: Any, data: list[tuple[float, float]], Value: type) -> None:
    leaves = [Value(x) for x, _ in data]
    parents = [leaf * 2.0 for leaf in leaves]
    out = form(Value, 1.5, tuple(parents), tuple(slope for _, slope in data))
    total = out * 3.0 + leaves[0]
    for _ in range(2):
        total.backward()
        assert [leaf.grad for leaf in leaves] == [slope * 3.0 * 2.0 + (not i) for i, (_, slope) in enumerate(data)]
    assert out._local_grads == tuple(slope for _, slope in data)
    assert out._children == out._prev == tuple(parents)
    for twin in (copy.copy(total), copy.deepcopy(total)):
        twin.backward()
        assert [node.grad for node in twin._prev[0]._prev[0]._prev] == [slope * 3.0 for _, slope in data]


def test_local_gradients_without_an_order_are_refused(Value: type) -> None:
    a, b = Value(2.0), Value(3.0)
    for children, slopes in (((a, b), {3.0, 2.0}), ({a, b}, (3.0, 2.0)), (dict.fromkeys((a, b)), [3.0, 2.0]), ((a,), frozenset({1.0}))):
        for make in FORMS[0], FORMS[2], FORMS[3]:
            with pytest.raises(TypeError, match="by position"):
                make(Value, 6.0, children, slopes)
    assert set(Value(6.0, {a, b}, "mine")._prev) == {a, b}


def test_local_gradients_may_be_of_any_number_type_and_of_one_parent_twice(Value: type) -> None:
    a = Value(2.0)
    out = Value(np.float32(8.0), (a, a, a), (1, np.float64(2.0), True))
    out.backward()
    assert (out.data, a.grad, out._op) == (8.0, 4.0, "")
    assert Value(2.0, (), ())._prev == ()
    a.grad = None
    out._backward()
    assert a.grad == 4.0


@pytest.mark.parametrize("row", PRIMITIVES.values(), ids=PRIMITIVES.keys())
def test_every_node_tells_its_local_gradients(row: Primitive, engine: ModuleType) -> None:
    operands = [engine.Value(x) for x in (1.0, 0.6, 0.9)[: row.arity or 3]]
    out = row(*operands)
    out.backward()
    assert [*out._local_grads] == pytest.approx([operand.grad for operand in operands])
    assert all(type(slope) is float for slope in out._local_grads)
    before = [operand.grad for operand in operands]
    by_hand = engine.Value(out.data, tuple(operands), "mine")
    by_hand._backward = lambda: [setattr(x, "grad", x.grad + slope * by_hand.grad) for x, slope in zip(operands, before, strict=True)]
    assert [*by_hand._local_grads] == before
    assert [operand.grad for operand in operands] == before


def test_a_leaf_has_no_local_gradients(Value: type) -> None:
    assert (Value(1.0)._local_grads, Value(1.0)._children) == ((), ())
    assert (Value(1.0) ** 2)._local_grads == (2.0,)
    assert Value(1.0, (Value(2.0),), "nothing")._local_grads == (0.0,)


def test_a_graph_may_be_cut(Value: type) -> None:
    a = Value(3.0)
    for empty in ((), [], set()):
        middle = a * 2.0
        middle.label = "middle"
        total = middle * middle
        middle._prev = empty
        middle._op = ""
        a.grad = 0.0
        total.backward()
        assert (middle._prev, middle._op, middle.label, middle.data) == ((), "", "middle", 6.0)
        assert (middle.grad, a.grad) == (12.0, 0.0)
        assert len(list(chainrule.topological_order(total) if Value is chainrule.Value else [middle, total])) == 2
    with pytest.raises(TypeError, match=r"^the parents of .* are the operands of '\*', and cannot be replaced"):
        total._prev = (a,)
    total._prev = total._prev
    made = Value(1.0, (a,), (2.0,))
    made._prev = (middle,)
    made.backward()
    assert middle.grad == 2.0
    with pytest.raises(ValueError, match=r"^there must be one local gradient for each child, got 2 children and 1 local gradients$"):
        made._children = (a, middle)


def test_an_operation_may_be_called_something_else(Value: type) -> None:
    a = Value(3.0)
    out = a.relu()
    assert out._op == "ReLU"
    out._op = "neuron"
    out.backward()
    assert (out._op, copy.copy(out)._op, a.grad) == ("neuron", "neuron", 1.0)
    out._op = "ReLU"
    assert (out._op, vars(out).get("_named")) == ("ReLU", None)


def test_a_gradient_may_be_none(engine: ModuleType) -> None:
    a, b = engine.Value(2.0), engine.Value(3.0)
    out = a * b + a
    for node in (a, b, out):
        node.grad = None
    assert (a.grad, repr(a), copy.copy(a).grad) == (None, "Value(data=2.0, grad=None)", None)
    out.backward()
    assert (a.grad, b.grad) == (4.0, 2.0)
    a.grad = None
    out.backward(accumulate=True)
    assert (a.grad, b.grad) == (4.0, 4.0)
    a.grad = None
    numbers = np.ones(2)
    engine.read_grad([a, b], numbers)
    assert numbers.tolist() == [0.0, 4.0]
    engine.add_grad([a, b], numbers, 1.0)
    assert (a.grad, b.grad) == (0.0, 8.0)
    b.grad = None
    out._prev[0].grad = 5.0
    out._prev[0]._backward()
    assert (a.grad, b.grad) == (15.0, 10.0)


def test_local_gradients_are_explained() -> None:
    x = chainrule.Value(0.5, label="x")
    told = str(explain(chainrule.Value(math.log(0.5), (x,), (2.0,)) * 3))
    assert "2.0, as given" in told
    assert "= 6.0" in told


def test_a_value_made_from_an_int_is_good_as_an_index(Value: type) -> None:
    words = ["a", "b", "c"]
    for number in (2, np.int64(2), np.uint8(2)):
        v = Value(number)
        assert words[v.data] == words[copy.copy(v).data] == words[copy.deepcopy(v).data] == "c"
        assert (v.data / 4, v.data + 0.5, repr(v)) == (0.5, 2.5, "Value(data=2.0, grad=0.0)")
        v.data -= 0.5
        with pytest.raises(TypeError):
            words[v.data]
    with pytest.raises(TypeError):
        words[Value(2.0).data]


def test_a_node_that_becomes_a_leaf_lets_go_of_its_function(Value: type) -> None:
    x = Value(1.0)
    out = Value(2.0, (x,), "mine")

    class Push:
        def __call__(self) -> None:
            x.grad += out.grad

    push = Push()
    seen = weakref.ref(push)
    out._backward = push
    out._prev = ()
    del push
    gc.collect()
    assert seen() is None
