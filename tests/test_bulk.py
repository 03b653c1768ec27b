"""Many nodes at once: graphs as arrays, numbers read and written in one call, and the optimisers' steps, in both engines."""

from __future__ import annotations

import gc
import math
import random
import struct
import sys
import threading
from array import array
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import SGD, Adam, AdamW, fast, primitives, reference
from chainrule.primitives import PRIMITIVES
from engine_programs import NUMBERS, bits, programs

NAN, INF = math.nan, math.inf


# --- flatten ---------------------------------------------------------------------------------------------------------------------------


class Flat(NamedTuple):
    """What flatten returns, with Python's own lists."""

    leaves: list[Any]
    leaf_positions: list[int]
    rows: list[Any]
    codes: list[int]
    starts: list[int]
    operands: list[int]
    parameters: list[float]
    data: list[float]
    root_positions: list[int]
    by_hand: list[Any]


FORMATS = ["i", "i", "q", "i", "d", "d", "i"]


def flat(module: ModuleType, roots: Any) -> Flat:
    parts = module.flatten(roots)
    arrays = [part for part in parts if isinstance(part, memoryview)]
    assert [view.format for view in arrays] == FORMATS
    for view in arrays:
        assert np.array_equal(np.frombuffer(view, view.format), list(view), equal_nan=True)
    return Flat(*(list(part) for part in parts))


def test_a_graph_as_arrays(engine: ModuleType) -> None:
    V = engine.Value
    x, y = V(3.0), V(2.0)
    total = 5.0 * x**2 + (x**y).exp()
    other = engine.dot([x, y], [y, 4], total)
    f = flat(engine, [total, other, total])
    order = engine.topological_order(other)
    assert f.rows == [primitives.power, primitives.multiply, primitives.exp, primitives.add, primitives.dot]
    assert f.codes == [-2, -1, 0, 1, -1, 0, 2, 3, -2, 4]
    assert [order[i] for i in f.leaf_positions] == f.leaves
    assert f.leaves == [order[0], x, y, order[8]]
    assert f.starts == [0, 0, 0, 1, 3, 3, 5, 6, 8, 8, 13]
    assert f.operands == [1, 0, 2, 1, 4, 5, 3, 6, 7, 1, 4, 4, 8]
    assert f.parameters == [0.0, 0.0, 2.0] + [0.0] * 7
    assert f.data == [node.data for node in order]
    assert f.root_positions == [7, 9, 7]
    assert f.by_hand == []


def test_operations_made_by_hand_are_named(engine: ModuleType) -> None:
    V = engine.Value
    x = V(1.0)
    mine = V(2.0, (x, x), "mine")
    taken_over, leaf = x.tanh(), V(3.0)
    taken_over._backward = leaf._backward = lambda: None
    total = mine * taken_over + leaf
    f = flat(engine, (total,))
    assert f.by_hand == [mine, taken_over, leaf]
    assert f.codes == [-1, -3, -3, 0, -3, 1]
    assert (f.starts, f.operands) == ([0, 0, 2, 3, 5, 5, 7], [0, 0, 0, 1, 2, 3, 4])


def test_parameters_of_other_operations(engine: ModuleType) -> None:
    x, row = engine.Value(-3.0), primitives.leaky_relu
    total = row(x, 0.5) + row(x, engine.Value(0.25)) + row(2.0, x)
    f = flat(engine, [total])
    assert f.rows == [row, primitives.add]
    assert f.codes == [-1, 0, -1, 0, 1, -2, 0, 1]
    assert f.parameters == [0.0, 0.5, *[0.0] * 6]
    assert [b - a for a, b in zip(f.starts, f.starts[1:], strict=False)] == [0, 1, 0, 2, 2, 0, 2, 2]


def test_of_no_roots_and_of_a_leaf(engine: ModuleType) -> None:
    assert flat(engine, []) == ([], [], [], [], [0], [], [], [], [], [])
    x = engine.Value(2.5)
    assert flat(engine, (x, x)) == ([x], [0], [], [-1], [0, 0], [], [0.0], [2.5], [0, 0], [])


def test_only_values_have_a_graph(engine: ModuleType) -> None:
    x = engine.Value(1.0)
    with pytest.raises(TypeError, match=r"^the result of a graph must be a Value, got float: 2\.0$"):
        engine.flatten([x, 2.0])
    with pytest.raises(TypeError, match="not iterable"):
        engine.flatten(x)


@given(program=programs(), count=st.integers(1, 4))
def test_random_graphs_are_the_same_in_both_engines(engine: ModuleType, program: Any, count: int) -> None:
    seen = []
    for module in (engine, reference):
        leaves, steps, _ = program
        nodes = [module.Value(x) for x in leaves]
        for name, operands in steps:
            nodes.append(PRIMITIVES[name](*(nodes[x[1]] if isinstance(x, tuple) else x for x in operands)))
        roots = nodes[-count:]
        joint = module.Value(0.0, roots, "joint")
        grads = [node.grad for node in nodes]
        f = flat(module, roots)
        order = module.topological_order(joint)[:-1]
        assert f.leaves == [node for node in order if node._rule is None]
        assert f.root_positions == [order.index(root) for root in roots]
        assert grads == [node.grad for node in nodes]
        for i, node in enumerate(order):
            operands = [order[k] for k in f.operands[f.starts[i] : f.starts[i + 1]]]
            assert operands == list(node._prev)
            assert node._rule is (None if f.codes[i] < 0 else f.rows[f.codes[i]])
            assert [bits(x) for x in node._operands if isinstance(x, float)] in ([], [bits(f.parameters[i])])
        position = {id(leaf): i for i, leaf in enumerate(f.leaves)}
        seen.append(
            f._replace(leaves=[position[id(leaf)] for leaf in f.leaves], data=[*map(bits, f.data)], parameters=[*map(bits, f.parameters)])
        )
    assert seen[0] == seen[1]


def test_deep_and_wide_graphs(engine: ModuleType) -> None:
    length = 100_000 if engine not in (reference, fast) else 20_000
    x = total = engine.Value(1.0)
    for _ in range(length):
        total = total + x
    wide = engine.dot([x] * length, [2.0] * length)
    f = engine.flatten([total, wide])
    codes, starts, operands = (np.frombuffer(view, view.format) for view in f[3:6])
    assert np.array_equal(np.unique(codes, return_counts=True), [[-2, -1, 0, 1], [length, 1, length, 1]])
    assert (len(codes), starts[-1], len(operands)) == (2 * length + 2, 4 * length, 4 * length)
    assert all(operands[starts[i]] < i for i in range(1, length))
    gc.collect()


def test_walks_go_on_after_flatten(engine: ModuleType) -> None:
    """The C engine numbers nodes where walks leave their marks."""
    x = engine.Value(2.0)
    total = (x * x + x) * x
    for _ in range(3):
        f = flat(engine, [total])
        assert len(engine.topological_order(total)) == len(f.codes) == 4
        total.backward()
        assert x.grad == 3 * 4.0 + 2 * 2.0
        assert flat(engine, [total, x * x])[3:] == ([*f.codes, f.codes[1]], *[ANYTHING] * 6)


class Anything:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


ANYTHING = Anything()


# --- constants -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda m, x: x + 1,
        lambda m, x: 2.0 * x,
        lambda m, x: x - np.float64(3.0),
        lambda m, x: 1 / x,
        lambda m, x: 2**x,
        lambda m, x: m.dot([x, 2.0], [x, 3]),
        lambda m, x: x.maximum(0.5),
        lambda m, x: primitives.add(x, 1.5),
        lambda m, x: primitives.take(x, 1.0, 2.0),
        lambda m, x: primitives.leaky_relu(0.5, x),
        lambda m, x: x * m.constant(2),
    ],
)
def test_numbers_among_the_operands_are_constants(make: Callable[..., Any], engine: ModuleType) -> None:
    x = engine.Value(0.5)
    f = flat(engine, [make(engine, x)])
    constants = [leaf for leaf, i in zip(f.leaves, f.leaf_positions, strict=True) if f.codes[i] == -2]
    assert constants
    assert x in f.leaves
    assert x not in constants
    assert len(constants) + 1 == len(f.leaves)


def test_what_the_user_makes_is_no_constant(engine: ModuleType) -> None:
    kind = type("Kind", (engine.Value,), {})
    for leaf in (engine.Value(1.0), engine.Value(1, label="x"), kind(1.0), engine.Value._bare()):
        assert flat(engine, [leaf]).codes == [-1]
    result = engine.Value(1.0) * 2.0
    result.__init__(3.0)
    assert flat(engine, [result]).codes == [-1]


def test_a_constant_is_a_leaf_like_any_other(engine: ModuleType) -> None:
    c = engine.constant(True)
    assert (type(c), c.data, c.grad, c._op, c._prev, c.label) == (engine.Value, 1.0, 0.0, "", (), "")
    c.label = "c"
    (c * 3.0).backward()
    assert (c.grad, flat(engine, [c]).codes) == (3.0, [-2])
    for wrong, message in ((engine.Value(1.0), "is a Value already"), ("1", "expected a real number or a Value, got str: '1'")):
        with pytest.raises(TypeError, match=message):
            engine.constant(wrong)


# --- numbers of many nodes -------------------------------------------------------------------------------------------------------------


@given(numbers=st.lists(NUMBERS.map(float), max_size=8))
def test_reading_and_writing(engine: ModuleType, numbers: list[float]) -> None:
    nodes = [engine.Value(0.0) for _ in numbers]
    given_numbers = array("d", numbers)
    engine.write_data(nodes, given_numbers)
    engine.write_grad(tuple(nodes), np.array(numbers[::-1], float))
    assert [bits(node.data) for node in nodes] == [bits(x) for x in numbers]
    assert [bits(node.grad) for node in nodes] == [bits(x) for x in numbers[::-1]]
    out = np.full(len(nodes), 7.0)
    engine.read_data(nodes, out)
    assert [bits(x) for x in out] == [bits(x) for x in numbers]
    engine.read_grad(nodes, out)
    assert [bits(x) for x in out] == [bits(x) for x in numbers[::-1]]
    engine.add_grad(nodes, given_numbers, 0.5)
    assert [bits(node.grad) for node in nodes] == [bits(a + 0.5 * b) for a, b in zip(numbers[::-1], numbers, strict=True)]


def test_many_kinds_of_buffers(engine: ModuleType) -> None:
    nodes = [engine.Value(float(i)) for i in range(6)]
    for out in (np.zeros((2, 3)), array("d", [0.0] * 6), memoryview(bytearray(48)).cast("d"), np.zeros(9)[:6]):
        engine.read_data(nodes, out)
        assert np.asarray(out).ravel().tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    engine.write_data(nodes[:1], np.array(5.0))
    engine.write_data(nodes[1:2], memoryview(struct.pack("d", 6.0)).cast("d"))
    engine.read_data([], np.zeros((0, 3)))
    assert [node.data for node in nodes[:2]] == [5.0, 6.0]


def test_a_node_that_is_listed_twice_gets_both(engine: ModuleType) -> None:
    x, y = engine.Value(1.0), engine.Value(2.0)
    engine.add_grad([x, y, x], array("d", [1.0, 2.0, 4.0]), 3)
    assert (x.grad, y.grad) == (15.0, 6.0)


def test_subclasses_are_read_and_written_as_they_are(engine: ModuleType) -> None:
    class Doubled(engine.Value):  # type: ignore[misc,name-defined]
        @property
        def data(self) -> float:
            return 2.0 * super().data

    x = Doubled(3.0)
    out = array("d", [0.0])
    engine.read_data([x], out)
    assert (out[0], x.data, x._data) == (3.0, 6.0, 3.0)
    engine.write_data([x], array("d", [4.0]))
    assert x.data == 8.0


def read_only() -> Any:
    numbers = np.zeros(1)
    numbers.flags.writeable = False
    return numbers


BUFFER = r"a contiguous buffer of float64"


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("read_data", lambda x: ([x, 2.0], np.zeros(2)), TypeError, r"^node 1 must be a Value, got float: 2\.0$"),
        ("read_data", lambda x: (x, np.zeros(1)), TypeError, r"^nodes must be a list or tuple of Values, got Value$"),
        ("write_data", lambda x: ([x], np.zeros(2)), ValueError, "^there must be one number for each node, got 1 nodes and 2 numbers$"),
        ("read_grad", lambda x: ([x, x], array("d", [1.0])), ValueError, "got 2 nodes and 1 numbers$"),
        ("write_grad", lambda x: ([x], [1.0]), TypeError, rf"^expected {BUFFER}, such as numpy\.zeros\(n\) or .*, got list$"),
        ("read_grad", lambda x: ([x], [1.0]), TypeError, rf"^expected {BUFFER} that can be written to, such as .*, got list$"),
        ("read_data", lambda x: ([x], read_only()), TypeError, "that can be written to, .*, got ndarray$"),
        ("add_grad", lambda x: ([x], np.zeros(1, np.float32), 1.0), TypeError, "^expected .*, got ndarray$"),
        ("add_grad", lambda x: ([x, x], np.zeros(4)[::2], 1.0), TypeError, "^expected .*, got ndarray$"),
        ("add_grad", lambda x: ([x], np.zeros(1)), TypeError, "argument"),
        ("add_grad", lambda x: ([x], np.zeros(1), "a"), TypeError, "^expected a real number or a Value, got str: 'a'$"),
        ("write_data", lambda x: ([x],), TypeError, "argument"),
    ],
)
def test_wrong_arguments_are_refused(
    name: str, arguments: Callable[[Any], Any], error: type[Exception], message: str, engine: ModuleType
) -> None:
    x = engine.Value(1.0)
    x.grad = 2.0
    with pytest.raises(error, match=message):
        getattr(engine, name)(*arguments(x))
    assert (x.data, x.grad) == (1.0, 2.0)


# --- the optimisers' steps -------------------------------------------------------------------------------------------------------------

OPTIONS: list[tuple[type[Any], dict[str, Any]]] = [
    (SGD, {}),
    (SGD, {"weight_decay": 0.1, "maximize": True}),
    (SGD, {"momentum": 0.9}),
    (SGD, {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    (SGD, {"momentum": 0.5, "nesterov": True, "maximize": True}),
    (Adam, {}),
    (Adam, {"amsgrad": True, "weight_decay": 0.1, "eps": 0.0}),
    (AdamW, {"maximize": True, "betas": (0.0, 0.5)}),
    (AdamW, {"amsgrad": True, "weight_decay": 0.0}),
]


@pytest.mark.parametrize(("kind", "options"), OPTIONS)
@given(data=st.data())
def test_steps_are_the_same_in_both_engines(kind: type[Any], options: dict[str, Any], data: st.DataObject, engine: ModuleType) -> None:
    """The engine's own, and the Python loops, which run for parameters of a class of the user's."""
    lists = st.lists(NUMBERS, min_size=3, max_size=3)
    start, gradients = data.draw(lists), data.draw(st.lists(lists, min_size=1, max_size=4))

    class Own(engine.Value):  # type: ignore[misc,name-defined]
        pass

    seen = []
    for make in (engine.Value, Own):
        optimizer = kind([make(x) for x in start], lr=0.1, **options)
        for drawn in gradients:
            for p, gradient in zip(optimizer.params, drawn, strict=True):
                p.grad = gradient
            optimizer.step()
        buffers = [x for name in kind.BUFFERS for x in optimizer.state_dict()[name]]
        seen.append([bits(x) for x in [*(p.data for p in optimizer.params), *(p.grad for p in optimizer.params), *buffers]])
    assert seen[0] == seen[1]


def test_a_parameter_may_decide_what_its_data_are(engine: ModuleType) -> None:
    class Clipped(engine.Value):  # type: ignore[misc,name-defined]
        @property
        def data(self) -> float:
            return engine.Value.data.__get__(self)

        @data.setter
        def data(self, number: float) -> None:
            engine.Value.data.__set__(self, min(max(number, -1.0), 1.0))

    for kind in (SGD, Adam, AdamW):
        optimizer = kind([Clipped(0.5), engine.Value(0.5)], lr=3.0)
        for p in optimizer.params:
            p.grad = -10.0
        optimizer.step()
        assert optimizer.params[0].data == 1.0
        assert optimizer.params[1].data > 1.0


def test_a_buffer_that_does_not_fit_is_an_error(engine: ModuleType) -> None:
    x, y = engine.Value(1.0), engine.Value(2.0)
    with pytest.raises(IndexError):
        engine.sgd_step([x, y], array("d", [0.0]), 0.1, 0.9, 0.0, 0.0, False, False, False)
    with pytest.raises(TypeError, match="argument"):
        engine.sgd_step([x, y])
    with pytest.raises(TypeError, match="argument"):
        engine.adam_step([x, y], 1)
    engine.sgd_step((x, y), array("d"), 1, 0, 0, 0, 0, 1, 1)  # numbers of other types, through the Python loop
    assert (x.data, y.data) == (1.0, 2.0)


def test_states_are_lists_and_buffers_are_arrays() -> None:
    x = chainrule.Value(1.0)
    optimizer = SGD([x], lr=0.1, momentum=0.9)
    x.grad = 2.0
    optimizer.step()
    assert optimizer.momentum_buffer == array("d", [2.0])
    assert optimizer.state_dict()["momentum_buffer"] == [2.0]


# --- what it costs ---------------------------------------------------------------------------------------------------------------------


def test_every_reference_is_returned(engine: ModuleType) -> None:
    V = engine.Value
    x, number, text = V(0.3), 12345.678, "some text"
    out, names = array("d", [0.0, 0.0]), [x, V(1.0)]
    optimizer = Adam(names, amsgrad=True)

    def use() -> None:
        total = x * number + x.sin() ** number
        mine = V(1.0, (total, x), "mine")
        engine.flatten([total, mine])
        engine.constant(number)
        for name in ("read_data", "write_data", "read_grad", "write_grad"):
            getattr(engine, name)(names, out)
        engine.add_grad(names, out, number)
        optimizer.step()
        SGD(names, momentum=0.5).step()
        for attempt in (
            lambda: engine.flatten([x, text]),
            lambda: engine.read_data([x, text], out),
            lambda: engine.read_data(names, text),
            lambda: engine.read_data(text, out),
            lambda: engine.constant(text),
            lambda: engine.constant(x),
        ):
            with pytest.raises(TypeError):
                attempt()
        with pytest.raises(ValueError, match="one number for each node"):
            engine.write_grad([x], out)
        out.append(1.0)  # a BufferError if somebody held on to it
        out.pop()

    for _ in range(5):
        use()
    gc.collect()
    held = [x, number, text, out, names, *names, *PRIMITIVES.values()]
    before = [sys.getrefcount(thing) for thing in held]
    for _ in range(100):
        use()
    gc.collect()
    assert [sys.getrefcount(thing) for thing in held] == before


def test_threads_may_flatten_what_they_share(engine: ModuleType) -> None:
    shared = [engine.Value(float(i)) for i in range(10)]
    failures: list[Any] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        try:
            for _ in range(50):
                nodes = [*shared]
                for _ in range(50):
                    nodes.append((rng.choice(nodes) * rng.choice(nodes)).tanh() + 0.1)
                total = sum(nodes[10:], engine.Value(0.0))
                order, f = engine.topological_order(total), flat(engine, [total])
                position = {node: i for i, node in enumerate(order)}
                if f.operands != [position[p] for node in order for p in node._prev]:
                    failures.append(seed)
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
