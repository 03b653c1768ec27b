"""All engines, bit for bit: each is compared with the reference, over random graphs and at the edges of IEEE arithmetic."""

from __future__ import annotations

import gc
import inspect
import itertools
import math
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import MLP, fast, reference
from chainrule.changes import ChangedNumberError
from chainrule.primitives import PRIMITIVES
from chainrule.row import Primitive
from engine_programs import EDGES, NUMBERS, bits, programs

INF, NAN = math.inf, math.nan


def picture(engine: ModuleType, root: Any) -> list[tuple[Any, ...]]:
    """All that a graph holds, node by node."""
    order = engine.topological_order(root)
    place = {node: i for i, node in enumerate(order)}
    return [
        (
            node._op,
            bits(node.data),
            bits(node.grad),
            [bits(operand) if isinstance(operand, float) else place[operand] for operand in node._operands],
            node._rule if node._rule is None else node._rule.name,
        )
        for node in order
    ]


# --- random graphs ---------------------------------------------------------------------------------------------------------------------

OPERATORS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "neg": lambda a: -a,
    "abs": abs,
}


def run(engine: ModuleType, program: tuple[Any, ...]) -> list[Any]:
    leaves, steps, others = program
    nodes = [engine.Value(x) for x in leaves]
    for name, operands in steps:
        given = [nodes[x[1]] if isinstance(x, tuple) else x for x in operands]
        nodes.append(OPERATORS.get(name, PRIMITIVES[name])(*given))
    total = nodes[-1]
    pictures = [picture(engine, total)]
    total.backward()
    pictures.append(picture(engine, total))
    total.backward(accumulate=True)
    pictures.append(picture(engine, total))
    for node, number in zip(nodes, others, strict=False):
        node.data = number
    try:  # numbers that changed since the graph was built
        total.backward()
    except ChangedNumberError as error:
        pictures.append([str(error)])
    pictures.append(picture(engine, total))
    nodes[len(nodes) // 2]._backward()
    return [*pictures, picture(engine, total)]


@given(program=programs())
def test_random_graphs(engine: ModuleType, program: Any) -> None:
    assert run(engine, program) == run(reference, program)


@pytest.mark.parametrize("row", PRIMITIVES.values(), ids=PRIMITIVES.keys())
def test_every_operation_at_the_edges(row: Primitive, engine: ModuleType) -> None:
    count = 3 if row.arity is None else row.arity
    numbers = EDGES if count < 3 else EDGES[::4]
    for point in itertools.product(numbers, repeat=count):
        for plain in {None, *range(count)} if count > 1 else {None}:  # one operand as a number
            both = []
            for module in {engine, reference}:
                operands = [x if i == plain else module.Value(x) for i, x in enumerate(point)]
                out = row(*operands)
                out.backward()
                both.append(picture(module, out))
            assert both[0] == both[-1], f"{row.name} at {point}"


def test_a_long_random_graph(engine: ModuleType) -> None:
    def build(module: ModuleType) -> Any:
        rng = random.Random(1)
        nodes = [module.Value(rng.uniform(0.5, 1.0)) for _ in range(10)]
        for _ in range(3000):
            a, b = rng.choice(nodes[-20:]), rng.choice(nodes[-20:])
            step = rng.choice([lambda a, b: a * b, lambda a, b: a + b, lambda a, b: (a - b).tanh(), lambda a, b: a.sigmoid() / (b * b + 1)])
            nodes.append(step(a, b) if abs(a.data) < 2 else a * 0.1)
        total = module.dot(nodes[-20:], nodes[-40:-20], 1.5)
        total.backward()
        return picture(module, total)

    assert build(engine) == build(reference)


# --- dot -------------------------------------------------------------------------------------------------------------------------------


@given(pairs=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6), start=st.one_of(st.none(), NUMBERS))
def test_dot_is_the_sum_of_products_to_the_last_bit(engine: ModuleType, pairs: Any, start: Any) -> None:
    Value = engine.Value
    weights, inputs = [Value(w) for w, _ in pairs], [Value(x) for _, x in pairs]
    bias = None if start is None else Value(start)
    elementary = sum((w * x for w, x in zip(weights, inputs, strict=True)), 0 if bias is None else bias)
    elementary.backward()
    leaves = [*weights, *inputs, *([] if bias is None else [bias])]
    expected = [bits(elementary.data), *(bits(leaf.grad) for leaf in leaves)]
    fused = engine.dot(weights, inputs, bias)
    fused.backward()
    assert [bits(fused.data), *(bits(leaf.grad) for leaf in leaves)] == expected
    assert fused._op == "dot"
    assert len(fused._prev) == len(leaves)


def test_dot_takes_what_the_sum_takes(engine: ModuleType) -> None:
    Value, dot = engine.Value, engine.dot
    x = Value(2.0)
    for weights, inputs, bias in [
        ([x, 3], [0.5, True], 1),
        ((x, Fraction(3)), [0.5, 1.0], np.float64(1)),
        (np.array([2.0, 3.0]), iter([0.5, 1]), Value(1)),
        ((w for w in (x, 3)), (0.5, x * 0.5), 1.0),
    ]:
        assert dot(weights, inputs, bias).data == 5.0
    assert dot(inputs=[x], weights=[x]).data == 4.0
    assert dot([x, x], [x, x], bias=x)._operands == (x,) * 5
    assert (type(dot([1, 2], [3.0, 4])), dot([1, 2], [3.0, 4])) == (float, 11.0)
    assert (dot([], []), dot([], [], 2)) == (0.0, 2.0)
    assert dot([], [], x)._prev == (x,)
    total = dot([x, x, 3.0], [x, 2.0, x], x)
    total.backward()
    assert (total.data, x.grad) == (16.0, 2 * 2 + 2 + 3 + 1)


def test_dot_refuses_what_it_cannot_add(engine: ModuleType) -> None:
    Value, dot = engine.Value, engine.dot
    with pytest.raises(ValueError, match=r"^dot\(\) multiplies weights and inputs in pairs, got 2 weights and 1 inputs$"):
        dot([Value(1.0), 2.0], [3.0])
    for weights, inputs, bias in [(["a"], [Value(1.0)], None), ([Value(1.0)], [1.0], "b"), ([1.0], ["c"], None), ([1j], [1.0], Value(0.0))]:
        with pytest.raises(TypeError, match=r"^expected a real number or a Value, got (str|complex): "):
            dot(weights, inputs, bias)
    with pytest.raises(OverflowError, match="too large for a float"):
        dot([Value(1.0)], [10**400])


def test_a_subclass_among_the_operands_of_dot_is_the_kind_of_the_result(engine: ModuleType) -> None:
    class Special(engine.Value):  # type: ignore[misc,name-defined]
        pass

    assert type(engine.dot([engine.Value(1.0)], [Special(2.0)])) is Special


def test_networks_train_alike_fused_and_elementary(engine: ModuleType) -> None:
    points = [([0.5, -1.0], 1.0), ([1.5, 0.3], -1.0), ([-0.7, 0.9], 1.0)]

    def train(fused: bool) -> list[bytes]:
        model = MLP(2, [4, 4, 1], rng=random.Random(3), activation=lambda v: v.tanh(), fused=fused)
        for _ in range(5):
            loss = sum((model(x) - y) ** 2 for x, y in points)
            loss.backward()
            for p in model.parameters():
                p.data -= 0.1 * p.grad
        return [bits(p.data) for p in model.parameters()]

    assert train(fused=True) == train(fused=False)
    assert type(MLP(2, [1])([1.0, 2.0])) is chainrule.nn.Value is engine.Value


# --- one behaviour ---------------------------------------------------------------------------------------------------------------------


class Refuses:
    def __float__(self) -> float:
        raise ValueError("not today")


def wrong() -> dict[str, Callable[[Any], Any]]:
    """Things that fail, by what they are."""
    return {
        "no data": lambda V: V(),
        "too many": lambda V: V(1.0, (), "", "", 5),
        "twice": lambda V: V(1.0, data=2.0),
        "unknown": lambda V: V(1.0, name="x"),
        "string": lambda V: V("1.0"),
        "complex": lambda V: V(1j),
        "array": lambda V: V(np.array([1.0])),
        "value": lambda V: V(V(1.0)),
        "huge": lambda V: V(10**400),
        "refuses": lambda V: V(Refuses()),
        "refuses in arithmetic": lambda V: V(1.0) + Refuses(),
        "children": lambda V: V(1.0, (2.0,), "+"),
        "children of no sequence": lambda V: V(1.0, 3, "+"),
        "label": lambda V: V(1.0, label=3),
        "label set": lambda V: setattr(V(1.0), "label", 3),
        "data set": lambda V: setattr(V(1.0), "data", "x"),
        "grad set": lambda V: setattr(V(1.0), "grad", "x"),
        "data deleted": lambda V: delattr(V(1.0), "data"),
        "label deleted": lambda V: delattr(V(1.0), "label"),
        "_backward deleted": lambda V: delattr(V(1.0), "_backward"),
        "_backward set": lambda V: setattr(V(1.0), "_backward", 3),
        "_prev set": lambda V: setattr(V(1.0) * 2, "_prev", (V(1.0),)),
        "_op set": lambda V: setattr(V(1.0), "_op", 3),
        "attribute": lambda V: V(1.0).nothing,
        "attribute deleted": lambda V: delattr(V(1.0), "nothing"),
        "plus string": lambda V: V(1.0) + "x",
        "string plus": lambda V: "x" + V(1.0),
        "times list": lambda V: [1] * V(1.0),
        "power string": lambda V: V(1.0) ** "x",
        "power complex": lambda V: V(1.0) ** np.complex64(1),
        "plus complex": lambda V: V(1.0) + np.complex64(1),
        "complex times": lambda V: np.complex64(1) * V(1.0),
        "parents that are none": lambda V: setattr(V(1.0), "_prev", (2.0,)),
        "local gradients": lambda V: V(1.0, (V(2.0),), (1.0, 2.0)),
        "local gradients of none": lambda V: V(1.0, (), (1.0,)),
        "local gradients of text": lambda V: V(1.0, (V(2.0),), ("x",)),
        "local gradients twice": lambda V: V(1.0, (V(2.0),), local_grads=(1.0,), _local_grads=(1.0,)),
        "children twice": lambda V: V(1.0, (V(2.0),), children=(V(2.0),)),
        "name": lambda V: V(1.0, (V(2.0),), 3),
        "plus huge": lambda V: V(1.0) + 10**400,
        "huge power": lambda V: (10**400) ** V(1.0),
        "modulus": lambda V: pow(V(1.0), 2, 3),
        "floor division": lambda V: V(1.0) // 2,
        "compared": lambda V: V(1.0) < "x",
        "compared with huge": lambda V: V(1.0) < 10**400,
        "tanh of two": lambda V: V(1.0).tanh(2.0),
        "exp by name": lambda V: V(1.0).exp(x=2.0),
        "sin of two": lambda V: V(1.0).sin(2.0),
        "maximum of string": lambda V: V(1.0).maximum("x"),
        "backward of two": lambda V: V(1.0).backward(True),
        "backward by name": lambda V: V(1.0).backward(accumulated=True),
        "int of nan": lambda V: int(V(NAN)),
        "int of inf": lambda V: int(V(INF)),
        "index": lambda V: [1, 2][V(1.0)],
        "length": lambda V: len(V(1.0)),
        "call": lambda V: V(1.0)(2.0),
        "json": lambda V: __import__("json").dumps(V(1.0)),
        "pickle": lambda V: __import__("pickle").dumps(V(1.0) + 1),
        "no leaf": lambda V: __import__("copy").deepcopy(by_hand(V)),
    }


def by_hand(V: Any) -> Any:
    out = V(1.0, (V(2.0),), "mine")
    out._backward = lambda: None
    return out


@pytest.mark.parametrize("what", wrong())
def test_errors_have_the_same_type_and_words(what: str, engine: ModuleType) -> None:
    told = []
    for module in (engine, reference):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            wrong()[what](module.Value)
        assert caught.type in (TypeError, ValueError, AttributeError, OverflowError)  # and no slip of the test
        told.append((caught.type, re.sub(r"chainrule\.(_value|fast)\b", "chainrule.value", str(caught.value))))
    assert told[0] == told[1]


def test_public_names_and_their_words_are_the_same(engine: ModuleType) -> None:
    ours, theirs = engine.Value, reference.Value
    assert {name for name in dir(ours) if name[0] != "_"} == {name for name in dir(theirs) if name[0] != "_"}
    assert ours.__doc__ == theirs.__doc__
    assert (ours.__name__, ours.__qualname__) == ("Value", "Value")
    for name in dir(theirs):
        if name[0] != "_" and callable(getattr(theirs, name)):
            assert getattr(ours, name).__doc__ == getattr(theirs, name).__doc__, name
            assert [*inspect.signature(getattr(ours, name)).parameters] == [*inspect.signature(getattr(theirs, name)).parameters], name
    for name in chainrule.engine.SHARED[1:]:
        assert getattr(engine, name).__doc__ == getattr(reference, name).__doc__
        assert [*inspect.signature(getattr(engine, name)).parameters] == [*inspect.signature(getattr(reference, name)).parameters]


def test_a_method_may_be_added_and_replaced(engine: ModuleType) -> None:
    Value = engine.Value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Value, "cube", lambda self: self * self * self, raising=False)
        patch.setattr(Value, "__mod__", lambda self, other: self - other, raising=False)
        patch.setattr(Value, "__add__", lambda self, other: "sum")
        assert Value(2.0).cube().data == 8.0
        assert (Value(2.0) % 0.5).data == 1.5
        assert Value(2.0) + 1 == "sum"
    assert (Value(2.0) + 1).data == 3.0
    assert not hasattr(Value, "cube")


def test_a_value_may_be_made_anew(engine: ModuleType) -> None:
    a, b = engine.Value(2.0), engine.Value(3.0)
    out = a * b
    out.__init__(5.0)
    assert (out.data, out.grad, out._op, out._prev) == (5.0, 0.0, "", ())
    out.__init__(6.0, (a,), "mine", "label")
    assert (out.data, out._op, out._prev, out.label) == (6.0, "mine", (a,), "label")


# --- the sweep, disturbed --------------------------------------------------------------------------------------------------------------


def disturbed(module: ModuleType, push: Callable[..., None]) -> tuple[Any, ...]:
    """A graph with a hand-made operation in the middle: (nodes, total)."""
    Value = module.Value
    x, y = Value(0.5), Value(-1.5)
    before = x * y + x
    middle = Value(before.data * 2.0, (before, y), "mine")
    middle._backward = lambda: push(x, y, before, middle)
    return (x, y, before, middle), (middle * y).tanh() + middle * x


def test_a_failing_backward_leaves_the_same_numbers_and_a_graph_that_works(engine: ModuleType) -> None:
    def fail(x: Any, y: Any, before: Any, middle: Any) -> None:
        before.grad += 1.0
        if armed:
            raise RuntimeError("mine")
        before.grad += 2.0 * middle.grad - 1.0

    for accumulate in (False, True):
        seen = []
        for module in (engine, reference):
            armed = True
            nodes, total = disturbed(module, fail)
            nodes[0].grad = 7.0
            with pytest.raises(RuntimeError, match=r"^mine$"):
                total.backward(accumulate=accumulate)
            broken = picture(module, total)
            armed = False
            total.backward()
            seen.append((broken, picture(module, total)))
        assert seen[0] == seen[1]


def test_a_backward_within_a_backward(engine: ModuleType) -> None:
    def nested(x: Any, y: Any, before: Any, middle: Any) -> None:
        (x * y + before).backward()
        before.grad += 2.0 * middle.grad

    seen = []
    for module in (engine, reference):
        _, total = disturbed(module, nested)
        total.backward()
        seen.append(picture(module, total))
    assert seen[0] == seen[1]


def test_a_graph_that_changes_under_the_sweep(engine: ModuleType) -> None:
    """Whatever a `_backward` does to the graph, the sweep goes on with the nodes it set out with."""

    def change(x: Any, y: Any, before: Any, middle: Any) -> None:
        product = before._prev[0]
        before._backward = lambda: setattr(x, "grad", 100.0)
        middle._backward = lambda: None
        product.__init__(1.0)
        before.__init__(2.0)
        gc.collect()

    seen = []
    for module in (engine, reference):
        nodes, total = disturbed(module, change)
        total.backward()
        seen.append([bits(node.grad) for node in nodes] + picture(module, total))
    assert seen[0] == seen[1]


def test_nodes_that_the_sweep_has_yet_to_visit_outlive_their_graph(engine: ModuleType) -> None:
    seen = []
    for module in (engine, reference):
        x = module.Value(0.5)
        product = (x * 2.0).exp() * (x * 3.0).sin() * x.maximum(0.1)
        total = module.Value(product.data, (product,), "mine")

        def forget(product: Any = product, x: Any = x) -> None:
            product.__init__(1.0)
            gc.collect()
            [x * float(i) for i in range(100)]  # takes the places of nodes that were freed too early

        total._backward = forget
        total.backward()
        seen.append((bits(x.grad), picture(module, total)))
    assert seen[0] == seen[1]


def chain(module: ModuleType, length: int) -> tuple[Any, Any]:
    x = out = module.Value(1.0)
    for _ in range(length):
        out = out + x
    return x, out


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs the timers of Unix")
def test_an_interrupt_stops_a_long_sweep_and_harms_nothing(engine: ModuleType) -> None:
    length = 100_000 if engine is not reference else 20_000
    x, out = chain(engine, length)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    earlier = signal.signal(signal.SIGALRM, interrupt)
    stopped = 0
    try:
        for delay in (0.0003, 0.0006, 0.001, 0.002, 0.004, 0.008):
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                for _ in range(100_000):
                    out.backward()
            except KeyboardInterrupt:
                stopped += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
    assert stopped == 6
    out.backward()
    assert x.grad == length + 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs the timers of Unix")
def test_a_signal_handler_may_walk_the_same_graph(engine: ModuleType) -> None:
    length = 100_000 if engine is not reference else 20_000
    x, out = chain(engine, length)
    calls = []

    def handler(*_: Any) -> None:
        calls.append(len(engine.topological_order(out)))

    earlier = signal.signal(signal.SIGALRM, handler)
    try:
        for delay in (0.0003, 0.0006, 0.001, 0.002, 0.004):
            made = len(calls)  # before the timer is set: it may be up at once
            signal.setitimer(signal.ITIMER_REAL, delay)
            while len(calls) == made:
                out.backward()
                assert x.grad == length + 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
    assert calls == [length + 1] * 5


def test_threads_share_leaves(engine: ModuleType) -> None:
    Value = engine.Value
    shared = [Value(float(i)) for i in range(10)]
    sums, failures = [], []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        try:
            for _ in range(100):
                nodes = [*shared]
                for _ in range(50):
                    nodes.append((rng.choice(nodes) * rng.choice(nodes)).tanh() + 0.1)
                own = Value(0.0)
                total = sum(nodes[10:], own)
                made = Value(total.data, (total,), "mine")
                made._backward = lambda total=total, made=made: setattr(total, "grad", total.grad + made.grad)
                made.backward()
                if own.grad != 1.0:
                    failures.append(own.grad)
            sums.append(total.data)
        except Exception as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures
    assert len(sums) == 4


# --- the choice ------------------------------------------------------------------------------------------------------------------------


def chosen(asked: str | None, before: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: text for name, text in os.environ.items() if name != "CHAINRULE_ENGINE"}
    if asked is not None:
        environment["CHAINRULE_ENGINE"] = asked
    program = f"import sys\n{before}\nimport chainrule.engine as e\nprint(e.ENGINE, e.REASON, e.Value, sep='|')"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)


def test_the_environment_chooses_the_engine() -> None:
    assert chosen("python").stdout.startswith("python|CHAINRULE_ENGINE=python asks for it|<class 'chainrule.fast.Value'>")
    bad = chosen("rust")
    assert bad.returncode
    assert "ImportError: CHAINRULE_ENGINE is 'rust'; set it to 'c' or 'python', or leave it unset" in bad.stderr


def test_without_the_extension_the_python_engine_runs_and_says_why() -> None:
    missing = "sys.modules['chainrule._value'] = None"
    for asked in (None, "", "python"):
        assert chosen(asked, missing).stdout.startswith("python|")
    assert "not built" in chosen(None, missing).stdout
    refused = chosen("c", missing)
    assert refused.returncode
    assert "CHAINRULE_ENGINE=c asks for the C engine, but" in refused.stderr
    assert "C compiler" in refused.stderr


def test_a_named_engine_is_the_one_that_runs(engine: ModuleType) -> None:
    if engine is reference:
        pytest.skip("the reference is read, and not chosen")
    name = "python" if engine is fast else "c"
    result = chosen(name)
    assert result.stdout.startswith(f"{name}|CHAINRULE_ENGINE={name} asks for it|<class '{engine.__name__}.Value'>"), result.stderr
