"""What graphs cost and give back: no leak, no recursion, nothing for Python's garbage collector to scan, and no crash when memory ends."""

from __future__ import annotations

import gc
import math
import os
import random
import subprocess
import sys
import threading
import warnings
from array import array
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from chainrule import fast, primitives, reference
from chainrule.caution import GradientWarning
from chainrule.changes import ChangedNumberError

on_linux = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads /proc")

IN_PYTHON = (reference, fast)


def engine_of(V: Any) -> ModuleType:
    """The engine that a Value is of."""
    return reference if V is reference.Value else sys.modules[V.__module__]


def resident() -> int:
    """Bytes of memory this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


# --- leaks -----------------------------------------------------------------------------------------------------------------------------


def many_at_once(V: Any) -> None:
    module = engine_of(V)
    x, y = V(0.3), V(-0.5)
    total = primitives.largest(x * 2.0, y) + primitives.take(x, y, 0.5, x) + x**3
    mine = V(1.0, (total,), "mine")
    leaves, *_, by_hand = module.flatten([mine, total])
    numbers = array("d", [0.5] * len(leaves))
    module.read_data(leaves, numbers)
    module.add_grad(leaves, numbers, 0.5)
    total.backward()
    module.sgd_step([x, y], array("d", [0.0, 0.0]), 0.1, 0.9, 0.0, 0.0, False, False, False)
    module.guard(lambda node, what: by_hand)
    assert x.data > -1.0
    assert bool(x < y) is (x.data < y.data)
    module.guard(None)
    with pytest.raises(ChangedNumberError):
        total.backward()


def plain(V: Any) -> None:
    x, y = V(0.3, label="x"), V(-0.5)
    total = ((x * y + 1).tanh() + x**2 - y / x + 2**x + x.sin() + abs(y) + x.maximum(y)).relu()
    total.backward()
    total.backward(accumulate=True)
    repr(total), total._op, total._prev, total._operands, total._backward, vars(x)


def by_hand(V: Any) -> None:
    x = V(0.3)
    for _ in range(10):
        out = V(math.sin(x.data), (x,), "sin")
        out._backward = lambda x=x, out=out: setattr(x, "grad", x.grad + math.cos(x.data) * out.grad)
        x = out * 1.1
    x.backward()


def late_function(V: Any) -> None:
    """A `_backward` that leads to a node made before it was assigned."""
    x = V(1.0)
    out = x * x
    total = out
    for _ in range(10):
        total = total * 2
    out._backward = lambda: total.data
    total.backward()


def attributes_that_lead_back(V: Any) -> None:
    x = V(1.0)
    total = x * 2 + 1
    x.total = total
    total.notes = {"from": [x, total]}
    total.backward()


def failing(V: Any) -> None:
    def fail() -> None:
        raise RuntimeError

    x = V(0.3)
    out = V(0.5, (x,), "mine")
    out._backward = fail
    total = out * x + out.exp()
    for attempt in (
        lambda: total.backward(),
        lambda: total.backward(accumulate=True),
        lambda: total + "x",
        lambda: V("x"),
        lambda: V(1.0, (x, 2.0), "+"),
        lambda: total.maximum("x"),
        lambda: total**None,
        lambda: V(1.0, name=3),
        lambda: setattr(total, "data", "x"),
    ):
        with pytest.raises((TypeError, RuntimeError)):
            attempt()


def subclassed(V: Any) -> None:
    total = SPECIAL[V](1.0)
    for _ in range(10):
        total = total * 2 + V(1.0)
    total.note = total
    total.backward()


def dots(V: Any) -> None:
    dot = engine_of(V).dot
    x = V(1.0)
    total = dot([x, 2.0, x], [x, x, 3.0], x)
    total.backward()
    for wrong in (([x], [x, x]), ([x, "a"], [x, x]), ([x], ["a"]), (3, [x])):
        with pytest.raises((TypeError, ValueError)):
            dot(*wrong)


def remade(V: Any) -> None:
    x = V(1.0)
    total = x.sin() * x
    total._backward = lambda: total.__init__(3.0)
    (total + x).backward()
    total.__init__(1.0, (x,), "again", "label")


def linked_afterwards(V: Any) -> None:
    """A way back to a result, with no walk through the graph after it was made."""
    x, y, z = V(1.0), V(2.0), V(3.0)
    total = (x * 2 + 1) * y + z * z
    total.backward()
    x.loss = total
    y.seen = (1, [total * 2])
    y.results = [total * 3, total]
    z._backward = lambda: total.data


def linked_everywhere(V: Any) -> None:
    """A way back from every node to what was made of it."""
    x = total = V(1.0)
    for _ in range(20):
        total = total * x + x
    for node in engine_of(V).topological_order(total):
        for parent in node._prev:
            parent.child = node


def linked_roundabout(V: Any) -> None:
    """A way back that cannot be seen where it is made."""
    x, y, z = V(1.0), V(2.0), V(3.0)
    after = x * 2
    vars(x)["after"] = after
    y.children = [[y * 2]]
    z.box = Box()
    z.box.content = z * y + x


def made_of_itself(V: Any) -> None:
    x = V(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GradientWarning)
        x.__init__(1.0, (x * 2, x), "loop")
    x.backward()


SPECIAL: dict[Any, Any] = {}
SCENARIOS = [
    plain,
    many_at_once,
    by_hand,
    late_function,
    attributes_that_lead_back,
    failing,
    subclassed,
    dots,
    remade,
    linked_afterwards,
    linked_everywhere,
    linked_roundabout,
    made_of_itself,
]


@on_linux
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_graphs_that_are_built_and_dropped_leave_nothing(scenario: Callable[[Any], None], engine: ModuleType) -> None:
    V = engine.Value
    SPECIAL[V] = type("Special", (V,), {})
    rounds = 10_000 if engine not in IN_PYTHON else 500
    for _ in range(rounds // 10):
        scenario(V)
    gc.collect()
    grown, objects = [], len(gc.get_objects())
    for _ in range(3):  # what leaks grows every time; what else happens in this process, now and then
        before = resident()
        for _ in range(rounds):
            scenario(V)
        gc.collect()
        grown.append(resident() - before)
        if grown[-1] < 400_000:  # less than an object a round
            break
    assert min(grown) < 400_000 if engine not in IN_PYTHON else min(grown) < 2_000_000
    assert abs(len(gc.get_objects()) - objects) < 100


def test_every_reference_is_returned(engine: ModuleType) -> None:
    """The counts of what is handed in, after the graph is gone: of operands, functions, labels, rows, classes."""
    V = engine.Value
    SPECIAL[V] = type("Special", (V,), {})
    x, number, label, function, weights = V(0.3), 12345.678, "a label of its own", (lambda: None), [V(1.0), V(2.0)]
    from chainrule.primitives import PRIMITIVES

    held = [
        x,
        number,
        label,
        function,
        weights,
        *weights,
        V,
        SPECIAL[V],
        *PRIMITIVES.values(),
        *(row.forward for row in PRIMITIVES.values()),
    ]

    def use() -> None:
        total = engine.dot(weights, [x, number], x) + number * x**number - x.sin() + V(number, (x,), label, label)
        x.grad = weights[0].grad = number
        total.backward()
        hand = x * x
        hand._backward = function
        hand._backward = function
        hand.note = label
        x.grad = number
        hand.backward()
        hand._backward()
        SPECIAL[V](number) * x
        engine.topological_order(total)
        x.backward(accumulate=True)
        for attempt in (lambda: x + label, lambda: V(label), lambda: engine.dot(weights, [x, label]), lambda: x.maximum(label)):
            with pytest.raises(TypeError):
                attempt()

    for _ in range(5):
        use()
    gc.collect()
    before = [sys.getrefcount(thing) for thing in held]
    for _ in range(100):
        use()
    gc.collect()
    # A node on the free list keeps a reference to its class, so that one may differ by what is on it.
    after = [sys.getrefcount(thing) for thing in held]
    assert [(i, b, a) for i, (b, a) in enumerate(zip(before, after, strict=True)) if b != a and held[i] is not V] == []


# --- cycles ----------------------------------------------------------------------------------------------------------------------------


class Box:
    """An object of the user's."""


def make_cycles(V: Any, seed: int, mark: str) -> None:
    """A random program whose nodes lead back to one another in every way there is; each node holds `mark` as its label."""
    choose = random.Random(seed)
    Special = type("Special", (V,), {})
    held: list[Any] = [[], {}, Box()]
    nodes = [V(float(i), label=mark) for i in range(3)]

    def any_node() -> Any:
        return choose.choice(nodes[-8:])

    def add(node: Any) -> None:
        node.label = mark
        nodes.append(node)

    def put(thing: Any) -> None:
        place = choose.choice(held)
        if isinstance(place, list):
            place.append(thing)
        elif isinstance(place, dict):
            place[len(place)] = thing
        else:
            setattr(place, f"thing{len(vars(place))}", thing)

    def wrapped(thing: Any) -> Any:
        for _ in range(choose.randrange(4)):
            box = Box()
            box.content = thing
            thing = choose.choice([[thing], (thing, 1), {"a": thing}, box, lambda thing=thing: thing, held])
        return thing

    def leading_to(thing: Any) -> Callable[[], Any]:
        return choose.choice([lambda: thing, lambda thing=thing: thing, partial(str, thing)])

    def by_hand() -> Any:
        node = any_node()
        out = V(1.0, (node, any_node()), "mine")
        out._backward = choose.choice([lambda: out, lambda: held, lambda: node, leading_to(wrapped(out))])
        return out

    def again() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GradientWarning)
            any_node().__init__(2.0, *choose.choice([(), ((any_node(),), "again"), ((any_node(), any_node()), "again")]))

    def backward() -> None:
        with suppress(ChangedNumberError), warnings.catch_warnings():
            warnings.simplefilter("ignore", GradientWarning)
            any_node().backward()

    actions = [
        lambda: add(any_node() * any_node()),
        lambda: add(any_node() + 1.0),
        lambda: add(any_node().sin().maximum(any_node())),
        lambda: add(engine_of(V).dot([any_node(), any_node()], [any_node(), 2.0], any_node())),
        lambda: add(Special(1.0) * any_node()),
        lambda: add(by_hand()),
        lambda: put(any_node()),
        lambda: put(wrapped(any_node())),
        lambda: setattr(any_node(), choose.choice("ab"), wrapped(any_node())),
        lambda: setattr(any_node(), choose.choice("ab"), choose.choice(held)),
        lambda: vars(any_node()).update(c=wrapped(any_node())),
        lambda: setattr(any_node(), "_backward", leading_to(wrapped(any_node()))),
        backward,
        again,
    ]
    for _ in range(40):
        choose.choice(actions)()


def test_whatever_leads_back_is_freed(engine: ModuleType) -> None:
    mark = "".join(["held by ", "every node"])  # one string, that nothing else refers to
    for seed in range(150):
        make_cycles(engine.Value, seed, mark)
        if seed % 5 == 4:
            gc.collect()
            assert sys.getrefcount(mark) == 2, seed


@pytest.mark.slow
def test_whatever_leads_back_is_freed_in_many_programs(engine: ModuleType) -> None:
    mark = "".join(["held by ", "every node"])
    for seed in range(1000, 6000):
        make_cycles(engine.Value, seed, mark)
        if seed % 50 == 49:
            gc.collect()
            assert sys.getrefcount(mark) == 2, seed


# --- size ------------------------------------------------------------------------------------------------------------------------------


def long_chain(engine: ModuleType, length: int) -> None:
    x = total = engine.Value(1.0)
    for _ in range(length):
        total = total + x
    total.backward()
    assert x.grad == length + 1.0
    del total
    assert x.grad == length + 1.0


def wide_dot(engine: ModuleType, parents: int) -> None:
    x = engine.Value(2.0)
    total = engine.dot([engine.Value(0.5) for _ in range(parents // 2)], [x] * (parents // 2), x)
    total.backward()
    assert (total.data, x.grad) == (2.0 + parents // 2, 1.0 + parents // 4)


def long_chain_of_special_nodes(engine: ModuleType, length: int) -> None:
    """Subclasses, hand-made operations, rows of the table: each is freed in its own way."""
    Special = type("Special", (engine.Value,), {})
    total = engine.Value(0.5)
    for i in range(length // 3):
        total = engine.Value(total.data, (total,), "mine")
        total._backward = lambda: None
        total = total.sin() if i % 2 else total.maximum(0.1)
    for _ in range(length // 3):
        total = Special(0.5) * total
    total.backward()
    del total
    gc.collect()


@pytest.mark.parametrize("work", [long_chain, wide_dot, long_chain_of_special_nodes])
@pytest.mark.parametrize("stack", [None, 256 * 1024], ids=["default stack", "256 KiB"])
def test_no_size_of_a_graph_needs_a_deep_stack(work: Callable[..., None], stack: int | None, engine: ModuleType) -> None:
    if engine in IN_PYTHON and stack:
        pytest.skip("here freeing is CPython's, whose guard against recursion does not fit small stacks in every version")
    size = 1_000_000 if engine not in IN_PYTHON and work is not long_chain_of_special_nodes else 100_000
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work(engine, size)
        except BaseException as error:
            failures.append(error)

    earlier = threading.stack_size(stack or 0)
    try:
        thread = threading.Thread(target=guarded)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(earlier)
    assert not failures


@pytest.mark.parametrize("stack", [0, 256 * 1024], ids=["default stack", "256 KiB"])
def test_a_chain_of_ten_million(stack: int) -> None:
    program = (
        "import threading\nfrom chainrule import Value\n"
        "def work():\n"
        "    x = total = Value(1.0)\n"
        "    for _ in range(10_000_000): total = total + x\n"
        "    total.backward()\n"
        "    del total\n"
        "    print(x.grad)\n"
        f"threading.stack_size({stack})\nthread = threading.Thread(target=work)\nthread.start()\nthread.join()\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == "10000001.0\n", result.stderr


NOTHING_TO_SCAN = """
import gc, sys
from chainrule._value import Value, dot
leaves = [Value(float(i), label=f"x{i}") for i in range(10)]
gc.collect()
before = len(gc.get_objects())
total = Value(0.0)
nodes = [total]
for i in range(3000):
    x = leaves[i % 10]
    total = dot([total, x], [x, 0.5], x) * 0.1 + x**2 - x.sin() + abs(x)
    total.mean = 0.5
    total.made_at = ("file", 3)
    nodes.append(total)
total.backward()
gc.collect()
grown = len(gc.get_objects()) - before
dictionaries = len(nodes) if sys.version_info >= (3, 14) else 0  # 3.14 tracks every dictionary, here those of the two attributes
assert grown - dictionaries < 50, grown
assert not any(map(gc.is_tracked, nodes))
"""


def test_the_garbage_collector_has_nothing_to_scan(engine: ModuleType) -> None:
    """In a process of its own: while a node has attributes that may lead back, which one of another test may, more is tracked."""
    if engine in IN_PYTHON:
        pytest.skip("objects of Python's own classes are tracked, every one")
    result = subprocess.run([sys.executable, "-c", NOTHING_TO_SCAN], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_a_thread_that_waits_in_a_finalizer_holds_up_no_other(engine: ModuleType) -> None:
    V = engine.Value
    entered, leave, freed = threading.Event(), threading.Event(), []

    class Waits:
        def __del__(self) -> None:
            entered.set()
            leave.wait(20)

    class Told:
        def __del__(self) -> None:
            freed.append(1)

    def die() -> None:
        v = V(1.0)
        v.last = Waits()
        total = v * 2
        del v, total

    waiting = threading.Thread(target=die)
    waiting.start()
    assert entered.wait(20)
    x = V(1.0)
    x.note = Told()
    total = x * 2
    del x, total
    assert freed == [1]
    leave.set()
    waiting.join()


def test_what_can_close_a_cycle_is_tracked(engine: ModuleType) -> None:
    V = engine.Value
    for give in (
        lambda v: setattr(v, "_backward", lambda: None),
        lambda v: setattr(v, "note", [v]),
        lambda v: setattr(v, "note", (1, [v])),
        lambda v: vars(v).update(note=v),
        lambda v: setattr(v, "__dict__", {"note": v}),
    ):
        v = V(1.0)
        give(v)
        assert gc.is_tracked(v)
        assert gc.is_tracked(v * 2)


# --- when memory ends ------------------------------------------------------------------------------------------------------------------

STARVE = """
import faulthandler, gc, sys
from array import array
faulthandler.enable()
import _testcapi
from importlib import import_module
from chainrule import logsumexp, take
engine = import_module(sys.argv[1])
Value, dot, topological_order = engine.Value, engine.dot, engine.topological_order
kind = type("Kind", (Value,), {})

def work():
    x, y = Value(0.5), Value(2)
    total = x * y + 1.5 - y / x + x ** 2 + 2 ** x + (-x).tanh() + x.sin() + x.maximum(0.25) + abs(y) + kind(1.0) * x
    total = total + dot([x, 2.0, y], [y, x, 3], x) + Value(1.0, (x, y), "mine", "label")
    hand = x * y
    hand._backward = dict
    hand.note = 3
    for i in range(40):
        total = total + x
    (total + hand.exp()).backward()
    total.backward(accumulate=True)
    order = topological_order(total)
    total + take([x, y, 1.0], x * 2) + logsumexp([x, y])
    leaves = engine.flatten([total, hand])[0]
    numbers = array("d", [0.5] * len(leaves))
    engine.read_data(leaves, numbers)
    engine.add_grad(leaves, numbers, 2)
    engine.adam_step([x, y], array("d", [1, 2]), array("d", [1, 2]), None, 0.1, 0.5, 0.9, 0.99, 1e-8, 0.0, 1.0, False)
    engine.guard(lambda node, what: None)
    try:
        x.data, x < y, bool(x), int(x), engine.constant(1)
    finally:
        engine.guard(None)
    repr(total), total._op, total._prev, total._operands, total._backward
    total.__copy__()
    total._backward = dict
    x.__init__(3.0)
    return len(order)

for _ in range(3):
    work()
full = survived = 0
for start in range(1, int(sys.argv[2])):
    keep = [Value(float(i)) for i in range(start % 7)]
    gc.collect()
    _testcapi.set_nomemory(start, start + 1 + start % 3)
    try:
        work()
        full += 1
    except MemoryError:
        survived += 1
    except Exception as error:
        _testcapi.remove_mem_hooks()
        if not isinstance(error, (TypeError, SystemError)) or "NULL" in str(error):
            raise
    finally:
        _testcapi.remove_mem_hooks()
assert survived > 20, survived
work()
print("ok", survived, full)
"""


def test_a_failed_allocation_is_a_memory_error_and_no_crash(engine: ModuleType) -> None:
    if engine in IN_PYTHON:
        pytest.skip("there it would be CPython that is tested, and some versions do crash")
    pytest.importorskip("_testcapi", reason="the hook of CPython that makes allocations fail")
    result = subprocess.run([sys.executable, "-c", STARVE, engine.__name__, "400"], capture_output=True, text=True)
    assert result.stdout.startswith("ok"), result.stderr[-3000:]
