"""The guard: it is asked before anything looks at a node's number or changes it, and by nothing else."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import MLP, SGD, cross_entropy, detect_anomaly, grad, primitives, softmax


class Told(Exception):  # noqa: N818
    pass


@pytest.fixture
def asked(engine: ModuleType) -> Iterator[list[tuple[Any, str]]]:
    """What the guard of this test has been asked."""
    questions: list[tuple[Any, str]] = []
    engine.guard(lambda node, what: questions.append((node, what)))
    yield questions
    engine.guard(None)


LOOKS: list[tuple[str, Callable[[Any], Any], Any]] = [
    ("data", lambda v: v.data, 2.5),
    ("data=", lambda v: setattr(v, "data", 3), None),
    ("grad=", lambda v: setattr(v, "grad", 3), None),
    ("float", float, 2.5),
    ("int", int, 2),
    ("bool", bool, True),
    ("<", lambda v: v < 3, True),
    ("<=", lambda v: v <= 2.0, False),
    (">", lambda v: v > v * 1.0, False),
    (">=", lambda v: v >= np.float64(2.5), True),
    (">", lambda v: 2 < v, True),  # noqa: SIM300
    ("backward", lambda v: v.backward(), None),
    ("backward", lambda v: v.backward(accumulate=True), None),
    ("data", lambda v: f"{v:.1f}", "2.5"),
]


@pytest.mark.parametrize(("what", "look", "result"), LOOKS)
def test_it_is_asked_and_then_the_program_goes_on(
    what: str, look: Callable[[Any], Any], result: Any, engine: ModuleType, asked: list[Any]
) -> None:
    v = engine.Value(2.5)
    assert look(v) == result
    assert asked == [(v, what)]
    asked.clear()
    engine.guard(None)
    v.data = 2.5
    assert look(v) == result
    assert not asked


@pytest.mark.parametrize(("what", "look", "result"), LOOKS)
def test_what_it_raises_comes_out_and_nothing_has_happened(what: str, look: Callable[[Any], Any], result: Any, engine: ModuleType) -> None:
    x = engine.Value(1.0)
    v = x * 2.5
    x.grad = v.grad = 7.0

    def refuse(node: Any, asked: str) -> None:
        assert (node, asked) == (v, what)
        raise Told

    engine.guard(refuse)
    try:
        with pytest.raises(Told):
            look(v)
    finally:
        engine.guard(None)
    assert (v.data, v.grad, x.data, x.grad) == (2.5, 7.0, 1.0, 7.0)


def test_of_a_subclass_too(engine: ModuleType, asked: list[Any]) -> None:
    class Own(engine.Value):  # type: ignore[misc,name-defined]
        def __bool__(self) -> bool:
            return super().__bool__()

    v = Own(1.0)
    assert v
    assert v.data == 1.0
    v.backward()
    assert asked == [(v, "bool"), (v, "data"), (v, "backward")]


def test_what_asks_nobody(engine: ModuleType, asked: list[Any]) -> None:
    V = engine.Value
    x, y = V(0.5, label="x"), V(2)
    total = (x * y + 1).tanh() + x**2 - y / x + 2**x + x.sin() + abs(y) + x.maximum(y) + engine.dot([x, 2.0], [y, x], 1)
    total = total + primitives.where(primitives.greater(x, 0.0), x, y) + chainrule.take([x, y], x)
    total = total + sum(softmax([x, y, 3.0])) + chainrule.logsumexp([x, 1.0]) + chainrule.mean([x, y]) + chainrule.l2_penalty([x], 0.1)
    total = (
        total
        + cross_entropy([[x, y]], [V(1.0)])
        + chainrule.max_margin([x], [V(1.0)])
        + MLP(2, [3, 1], activation=lambda v: v.tanh())([x, 0.5])
    )
    grad(total, [x, y])
    total = total + V(1.0, (x,), "mine")
    repr(total), str(total), hash(total), total == x, total != x, total in {x}
    for name in ("_prev", "_operands", "_op", "_rule", "_backward", "label", "grad", "_data", "_grad"):
        getattr(total, name)
    engine.topological_order(total), engine.flatten([total])
    copy.copy(total), copy.deepcopy(x * y)
    out = np.zeros(2)
    engine.read_data([x, y], out), engine.write_data([x, y], out), engine.read_grad([x, y], out), engine.write_grad([x, y], out)
    engine.add_grad([x, y], out, 1.0)
    assert not asked


def test_leaves_made_under_it_are_listed_and_stay_parameters(engine: ModuleType) -> None:
    Own = type("Own", (engine.Value,), {})
    makers: list[Callable[[], Any]] = [
        lambda: engine.Value(1.0),
        lambda: engine.Value(np.float32(1.0), label="x"),
        lambda: Own(1.0),
        lambda: engine.Value._bare(),
        lambda: Own._bare(),
        lambda: copy.copy(outside),
        lambda: pickle.loads(pickled),
    ]
    outside = engine.Value(1.0)
    pickled = pickle.dumps(outside)

    listed: list[Any] = []
    engine.guard(lambda node, what: None, listed)
    try:
        made = [make() for make in makers]
        assert [id(leaf) for leaf in listed] == [id(leaf) for leaf in made]
        assert [engine.flatten([leaf])[3][0] for leaf in made] == [-1] * len(makers)
        engine.Value(1.0, (outside,), "mine"), outside * 2.0, engine.constant(3.0), outside + outside
        assert len(listed) == len(makers)
    finally:
        engine.guard(None)
    assert [engine.flatten([make()])[3][0] for make in makers] == [-1] * len(makers)
    assert len(listed) == len(makers)


def test_a_second_guard_takes_the_place_of_the_first(engine: ModuleType, asked: list[Any]) -> None:
    others: list[Any] = []
    engine.guard(lambda node, what: others.append(what))
    assert engine.Value(1.0).data == 1.0
    engine.guard(None)
    engine.guard(None)
    assert engine.Value(1.0).data == 1.0
    assert (asked, others) == ([], ["data"])


def test_a_guard_may_end_itself(engine: ModuleType) -> None:
    told = []

    def once(node: Any, what: str) -> None:
        engine.guard(None)
        told.append((node.data, what))

    engine.guard(once)
    v = engine.Value(1.0)
    assert (v.data, float(v), told) == (1.0, 1.0, [(1.0, "data")])


def test_it_holds_for_one_thread(engine: ModuleType, asked: list[Any]) -> None:
    """Each thread has its own, and another's concerns it as little as the leaves that the other makes."""
    v = engine.Value(1.0)
    theirs: list[Any] = []
    made: tuple[list[Any], list[Any]] = [], []

    def other() -> None:
        v.data, v.grad = 1.0, 0.0
        engine.Value(2.0)
        engine.guard(lambda node, what: theirs.append((node, what)), made[1])
        try:
            assert float(v) == 1.0
            engine.Value(3.0)
        finally:
            engine.guard(None)
        assert v < 2.0

    engine.guard(lambda node, what: asked.append((node, what)), made[0])
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    mine = engine.Value(4.0)
    assert v.data == 1.0
    assert (asked, theirs) == ([(v, "data")], [(v, "float")])
    assert (made[0], [leaf._data for leaf in made[1]]) == ([mine], [3.0])


def test_after_a_fork_only_the_own_guard_is_left(engine: ModuleType, asked: list[Any]) -> None:
    v = engine.Value(1.0)
    guarded, done = threading.Event(), threading.Event()

    def other() -> None:
        engine.guard(lambda node, what: None)
        guarded.set()
        done.wait(10.0)
        engine.guard(None)

    thread = threading.Thread(target=other)
    thread.start()
    assert guarded.wait(10.0)
    engine.forget_other_threads()  # as the child of a fork does
    assert v.data == 1.0
    assert asked == [(v, "data")]
    done.set()
    thread.join()
    engine.forget_other_threads()
    engine.guard(None)
    assert v.data == 1.0
    assert len(asked) == 1


def test_with_the_watch_for_anomalies(engine: ModuleType) -> None:
    asked: list[Any] = []
    x = engine.Value(2.0)
    with detect_anomaly():
        engine.guard(lambda node, what: asked.append(what))
        total = x * 3.0 + 1.0
        with pytest.raises(FloatingPointError, match=r"'/' made inf from .* = 6\.0, leaf = 0\.0"):
            (x * 3.0) / 0.0
    with detect_anomaly():
        engine.guard(None)
        assert not asked
        total.backward()
        with pytest.raises(FloatingPointError, match="made nan"):
            engine.Value(float("inf")) * 0.0
    assert (total.data, x.grad) == (7.0, 3.0)


def test_an_optimizer_asks_like_anybody_else(engine: ModuleType, asked: list[Any]) -> None:
    x = engine.Value(1.0)
    SGD([x], lr=0.1).step()
    assert asked == [(x, "data"), (x, "data=")]


def test_without_a_guard_the_methods_are_the_plain_ones(engine: ModuleType) -> None:
    before = dict(vars(engine.Value))
    engine.guard(lambda node, what: None)
    engine.guard(None)
    assert dict(vars(engine.Value)) == before


def test_the_words_stay_while_it_is_on(engine: ModuleType, asked: list[Any]) -> None:
    assert engine.Value.data.__doc__ == "The number itself."
    assert "Compute the derivative" in engine.Value.backward.__doc__
    with pytest.raises(AttributeError, match="has no deleter"):
        del engine.Value(1.0).data
    with pytest.raises(TypeError, match="'<' not supported"):
        engine.Value(1.0) < "x"  # noqa: B015
