"""The chain rule by `backward()`: the numbers people know, the order of the sweep, operations made by hand, and graphs of any depth."""

from __future__ import annotations

import gc
import math
import random
import sys
import threading
import tracemalloc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule


def test_the_example_people_know(Value: type) -> None:
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    for _ in range(2):  # the second call gives the same numbers
        g.backward()
        assert f"{a.grad:.4f}" == "138.8338"
        assert f"{b.grad:.4f}" == "645.5773"
        assert g.grad == 1.0


def test_contributions_add_up(Value: type) -> None:
    a = Value(3.0)
    (a + a).backward()
    assert a.grad == 2.0
    (a * a).backward()
    assert a.grad == 6.0
    sum([a] * 10, start=Value(0.0)).backward()
    assert a.grad == 10.0
    (a - a).backward()
    assert a.grad == 0.0
    (a / a).backward()
    assert a.grad == 0.0
    (a**a).backward()
    assert a.grad == pytest.approx(27 * (1 + math.log(3)), rel=1e-15)


def test_backward_returns_nothing_and_a_leaf_is_its_own_derivative(Value: type) -> None:
    a = Value(3.0)
    assert a.backward() is None
    assert a.grad == 1.0


def test_every_reached_gradient_is_zeroed_and_no_other(Value: type) -> None:
    a, b, stranger = Value(2.0), Value(3.0), Value(4.0)
    inner = a * b
    out = inner + 1
    for node in (a, b, inner, out, stranger):
        node.grad = 100.0
    out.backward()
    assert [node.grad for node in (a, b, inner, out, stranger)] == [3.0, 2.0, 1.0, 1.0, 100.0]


# --- accumulate -----------------------------------------------------------------------------------------------------------------------


def test_accumulate_adds_minibatches_up(Value: type) -> None:
    w, b = Value(2.0), Value(-1.0)

    def loss(x: float) -> Any:
        return (w * x + b) ** 2

    batches = [0.5, -1.5, 3.0]
    w.grad = b.grad = 0.0
    for x in batches:
        loss(x).backward(accumulate=True)
    summed = w.grad, b.grad
    sum(map(loss, batches)).backward()
    assert summed == (w.grad, b.grad)
    loss(1.0).backward()  # without it, nothing is left of before
    assert (w.grad, b.grad) == (2.0, 2.0)


def test_accumulate_zeroes_what_is_no_leaf(Value: type) -> None:
    a = Value(3.0)
    square = a * a
    out = square * 2
    out.backward(accumulate=True)
    out.backward(accumulate=True)
    assert (a.grad, square.grad, out.grad) == (24.0, 2.0, 1.0)


def test_accumulate_on_a_leaf(Value: type) -> None:
    a = Value(3.0)
    a.backward(accumulate=True)
    a.backward(accumulate=True)
    assert a.grad == 2.0


def test_accumulate_is_a_keyword(Value: type) -> None:
    with pytest.raises(TypeError):
        Value(1.0).backward(True)


# --- the order ------------------------------------------------------------------------------------------------------------------------


def test_parents_come_first_from_left_to_right(Value: type, engine: ModuleType) -> None:
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    left = a * b
    right = b - c
    out = left / right
    assert engine.topological_order(out) == [a, b, left, c, right, out]
    assert engine.topological_order(a) == [a]
    assert engine.topological_order(a + a)[0] is a


def test_a_graph_is_walked_from_a_value(engine: ModuleType) -> None:
    with pytest.raises(TypeError, match=r"^the result of a graph must be a Value, got float: 3\.0$"):
        engine.topological_order(3.0)


@given(seed=st.integers(0, 10_000), size=st.integers(1, 30))
def test_the_order_is_that_of_the_recursive_definition(seed: int, size: int, Value: type, engine: ModuleType) -> None:
    draw = random.Random(seed)
    nodes = [Value(1.0), Value(2.0)]
    for _ in range(size):
        parents = draw.choices(nodes, k=draw.randint(1, 3))
        made = [lambda x: -x, lambda x, y: draw.choice([x + y, x * y, x - y]), lambda *xs: Value(0.0, xs, "three")]
        nodes.append(made[len(parents) - 1](*parents))

    order: list[Any] = []

    def visit(node: Any) -> None:
        if node not in order:
            for parent in node._prev:
                visit(parent)
            order.append(node)

    visit(nodes[-1])
    assert engine.topological_order(nodes[-1]) == order


def test_gradients_add_up_in_reverse_order_operand_by_operand(Value: type) -> None:
    """Float addition is not associative, so that the order shows: the last node of the topological order gives first."""
    a = Value(1.0)
    big, one, minus = a * 1e16, a * 1.0, a * -1e16
    ((big + one) + minus).backward()
    assert a.grad == (0.0 + -1e16 + 1.0) + 1e16  # 0.0
    ((big + minus) + one).backward()
    assert a.grad == (0.0 + 1.0 + -1e16) + 1e16
    ((one + minus) + big).backward()
    assert a.grad == (0.0 + 1e16 + -1e16) + 1.0 == 1.0


# --- operations made by hand ----------------------------------------------------------------------------------------------------------


def sine(x: Any) -> Any:
    out = type(x)(math.sin(x.data), (x,), "sin")

    def push() -> None:
        x.grad += math.cos(x.data) * out.grad

    out._backward = push
    return out


def test_an_operation_made_by_hand(Value: type) -> None:
    x = Value(0.7, label="x")
    inner = x * 2
    out = sine(inner) + sine(inner)
    assert (out.data, out._prev[0]._op, out._prev[0]._prev) == (2 * math.sin(1.4), "sin", (inner,))
    for _ in range(2):
        out.backward()
        assert x.grad == 4 * math.cos(1.4)


def test_an_operation_without_a_rule_passes_nothing_on(Value: type) -> None:
    x = Value(2.0)
    out = Value(5.0, (x,), "opaque")
    out.backward()
    out._backward()
    assert (out._prev, out._op, x.grad, out.grad) == ((x,), "opaque", 0.0, 1.0)


def test_a_rule_may_be_put_on_the_result_of_an_operator(Value: type) -> None:
    a, b = Value(2.0), Value(3.0)
    product, power = a * b, a**2
    product._backward = lambda: setattr(a, "grad", a.grad + 100.0 * product.grad)
    power._backward = lambda: setattr(a, "grad", a.grad + 10.0 * power.grad)
    (product + power).backward()
    assert (a.grad, b.grad) == (110.0, 0.0)
    assert (product._op, product._prev, power._op, power._prev) == ("*", (a, b), "**2", (a,))
    product._backward = lambda: None
    product.backward()
    assert a.grad == 0.0


def test_children_may_be_any_iterable_and_of_any_number(Value: type) -> None:
    xs = [Value(float(i)) for i in range(5)]
    out = Value(10.0, (x for x in xs), "sum")

    def push() -> None:
        for x in xs:
            x.grad += out.grad

    out._backward = push
    out.backward()
    assert [x.grad for x in xs] == [1.0] * 5
    assert out._prev == tuple(xs)


def test_a_rule_must_be_a_function(Value: type) -> None:
    with pytest.raises(TypeError, match=r"^_backward must be a function without arguments, got float: 1\.0$"):
        Value(1.0)._backward = 1.0


def test_going_through_a_graph_by_hand(Value: type, engine: ModuleType) -> None:
    a, b = Value(2.0), Value(-3.0)
    out = (sine(a * b) + b**2).tanh()
    out.backward()
    expected = a.grad, b.grad
    order = engine.topological_order(out)
    for node in order:
        node.grad = 0.0
    out.grad = 1.0
    for node in reversed(order):
        node._backward()  # leaves included
    assert (a.grad, b.grad) == expected
    before = out._prev[0].grad
    out._backward()  # each call pushes once more
    assert out._prev[0].grad == 2 * before


def test_an_error_in_a_rule_comes_through_and_leaves_accumulated_gradients_as_they_were(Value: type) -> None:
    a, b = Value(2.0), Value(3.0)
    bad = Value(1.0, (a,), "bad")
    bad._backward = lambda: 1 / 0
    out = bad + a * b
    (a * b).backward()
    with pytest.raises(ZeroDivisionError):
        out.backward(accumulate=True)
    assert (a.grad, b.grad) == (3.0, 2.0)
    bad._backward = lambda: None
    out.backward(accumulate=True)
    assert (a.grad, b.grad) == (6.0, 4.0)
    bad._backward = lambda: bad.nothing
    with pytest.raises(AttributeError):
        out.backward()
    (a * b).backward()
    assert (a.grad, b.grad) == (3.0, 2.0)


def test_the_cycle_of_an_assigned_rule_is_collected(Value: type) -> None:
    def make() -> None:
        x = Value(0.5)
        for _ in range(50):
            x = sine(x * 1.5)
        x.backward()

    make()
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(3):  # what the first rounds allocate for good is not counted
            make()
            gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            make()
            gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000, f"{grown} bytes are left of 1,000 nodes"


def test_a_graph_without_rules_made_by_hand_is_freed_at_once(Value: type) -> None:
    class Watched(Value):  # type: ignore[misc,valid-type]
        freed = 0

        def __del__(self) -> None:
            Watched.freed += 1

    gc.disable()
    try:
        out = Watched(1.0)
        for _ in range(10):
            out = out.tanh() * 2 + 1
        out.backward()
        del out
        assert Watched.freed == 31
    finally:
        gc.enable()


# --- depth, width, threads ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "slope"),
    [
        (lambda y, x: y + x, 1_000_001.0),
        (lambda y, x: x + y, 1_000_001.0),
        (lambda y, x: y * x, 1_000_001.0),
    ],
    ids=["y + x", "x + y", "y * x"],
)
def test_a_chain_of_a_million_nodes_is_built_swept_and_freed(step: Callable[..., Any], slope: float, Value: type) -> None:
    y = x = Value(1.0)
    for _ in range(1_000_000):
        y = step(y, x)
    y.backward()
    assert x.grad == slope
    del y
    assert x.grad == slope


@pytest.mark.parametrize(
    "step", [lambda y, x: -y, lambda y, x: chainrule.where(1 + x, x, y), lambda y, x: type(x)(1.0, (x, y, x), "by hand")]
)
def test_chains_of_nodes_with_one_or_three_operands_are_freed(step: Callable[..., Any], Value: type) -> None:
    y = x = Value(1.0)
    for _ in range(100_000):
        y = step(y, x)
    y.backward()
    assert y.grad == 1.0
    del y


def test_a_node_with_very_many_children(Value: type, engine: ModuleType) -> None:
    x = Value(1.0)
    children = [x * i for i in range(10_000)]
    out = sum(children)
    out.backward()
    assert x.grad == sum(range(10_000))
    assert len(engine.topological_order(out)) == 2 + 3 * 10_000


def test_threads_with_graphs_of_their_own_do_not_disturb_each_other(Value: type) -> None:
    results: dict[int, list[float]] = {}

    def work(number: int) -> None:
        found = []
        for k in range(50):
            x = Value(number + k)
            y = x
            for _ in range(20):
                y = y + x * x
            y.backward()
            found.append(x.grad - (1 + 40 * x.data))
        results[number] = found

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [0.0] * 50 for number in range(4)}


class _Doubled:
    """A `_backward` that is called with the node, and so need not hold it."""

    takes_node = True

    def __init__(self, x: Any) -> None:
        self.x = x

    def __call__(self, node: Any) -> None:
        self.x.grad += 2.0 * node.grad


def test_a_backward_whose_class_says_so_is_called_with_the_node(Value: Any) -> None:
    x = Value(3.0)
    out = Value(6.0, (x,), "doubled")
    out._backward = _Doubled(x)
    (out * 5.0).backward()
    assert x.grad == 10.0
    x.grad, out.grad = 0.0, 7.0
    out._backward()
    assert x.grad == 14.0


def test_such_a_backward_closes_no_cycle(Value: Any) -> None:
    x = Value(3.0)
    push = _Doubled(x)
    gc.collect()
    gc.disable()
    try:
        before = sys.getrefcount(push)
        for _ in range(10):
            out = Value(6.0, (x,), "doubled")
            out._backward = push
        del out
        assert sys.getrefcount(push) == before
    finally:
        gc.enable()
