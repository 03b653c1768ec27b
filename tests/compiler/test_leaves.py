"""Leaves that are made while a function is traced: numbers of the program if they go with the trace, parameters if they stay."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import functools
import os
import random
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import MLP, SGD, Layer, Module, TraceError, Value, fit, mean, take
from chainrule.compiler.capture.tracing import is_tracing
from compare import close

pytestmark = pytest.mark.usefixtures("quick")

X, Y = np.arange(10.0).reshape(5, 2) / 10.0, np.arange(5.0)


class Made:
    """A place where something that a traced function makes is kept."""

    found: Any = None


CONTEXT: contextvars.ContextVar[Any] = contextvars.ContextVar("weights")
GLOBAL: list[Any] = []


class Holder(Module):
    """Keeps what it makes when it is first called."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make, self.kept = make, None

    def __call__(self) -> Any:
        if self.kept is None:
            self.kept = self.make()
        return self.kept


def in_a_closure(make: Callable[[], Any]) -> Callable[[], Any]:
    kept = None

    def get() -> Any:
        nonlocal kept
        kept = make() if kept is None else kept
        return kept

    return get


def in_a_list(make: Callable[[], Any]) -> Callable[[], Any]:
    kept: list[Any] = []

    def get() -> Any:
        if not kept:
            kept.append(make())
        return kept[0]

    return get


def in_an_attribute_of_the_function(make: Callable[[], Any]) -> Callable[[], Any]:
    def get() -> Any:
        if not hasattr(get, "kept"):
            get.kept = make()  # type: ignore[attr-defined]
        return get.kept  # type: ignore[attr-defined]

    return get


def in_a_class(make: Callable[[], Any]) -> Callable[[], Any]:
    Made.found = None

    def get() -> Any:
        Made.found = Made.found or make()
        return Made.found

    return get


def in_a_global(make: Callable[[], Any]) -> Callable[[], Any]:
    GLOBAL.clear()

    def get() -> Any:
        if not GLOBAL:
            GLOBAL.append(make())
        return GLOBAL[0]

    return get


def in_a_generator(make: Callable[[], Any]) -> Callable[[], Any]:
    def again() -> Iterator[Any]:
        kept = make()
        while True:
            yield kept

    return again().__next__


def in_a_context(make: Callable[[], Any]) -> Callable[[], Any]:
    context = contextvars.copy_context()

    def get() -> Any:
        if CONTEXT not in context:
            context.run(CONTEXT.set, make())
        return context[CONTEXT]

    return get


def in_an_array(make: Callable[[], Any]) -> Callable[[], Any]:
    kept = np.empty(1, object)

    def get() -> Any:
        kept[0] = kept[0] or make()
        return kept[0]

    return get


KEEPERS = [
    Holder,
    in_a_closure,
    in_a_list,
    in_an_attribute_of_the_function,
    in_a_class,
    in_a_global,
    in_a_generator,
    in_a_context,
    in_an_array,
    functools.cache,
]


@pytest.mark.parametrize("keep", KEEPERS, ids=lambda keep: keep.__name__)
@pytest.mark.parametrize("batch", [None, "mean"], ids=["whole", "batch"])
def test_weights_made_at_the_first_call_are_parameters(keep: Callable[[Any], Callable[[], Any]], batch: str | None) -> None:
    """Wherever they are kept: their gradients are those of the plain function, and what they hold is read at each call."""
    rng = random.Random(0)
    get = keep(lambda: [Value(rng.gauss(0.0, 1.0)) for _ in range(2)])

    def one(x: Any, y: Any) -> Any:
        scale = Value(2.0)  # of the program: it goes with the trace
        return (sum(w * a for w, a in zip(get(), x, strict=True)) * scale - y) ** 2

    def whole(X: Any, Y: Any) -> Any:
        return mean(one(x, y) for x, y in zip(X, Y, strict=True))

    compiled = chainrule.compile(whole) if batch is None else chainrule.compile(one, batch=batch)
    for _ in range(3):
        found = compiled(X, Y)
        found.backward()
        weights = get()
        gradients = [w.grad for w in weights]
        expected = whole(X.tolist(), Y.tolist())
        expected.backward()
        assert close(found.data, expected.data)
        assert close(gradients, [w.grad for w in weights])
        for w in weights:
            w.data -= 0.01 * w.grad
    assert {*compiled._last.captured} == {*weights}


def test_a_network_made_at_the_first_call_is_trained() -> None:
    class Lazy(Module):
        def __init__(self) -> None:
            self.layers: list[Any] = []

        def __call__(self, x: Any) -> Any:
            if not self.layers:
                rng = random.Random(1)
                self.layers = [Layer(len(x), 3, activation="tanh", rng=rng), Layer(3, 1, rng=rng)]
            for layer in self.layers:
                x = layer(x)
            return x

    losses = []
    for is_compiled in (True, False):
        net = Lazy()
        whole = lambda X, Y, net=net: mean((net(x) - y) ** 2 for x, y in zip(X, Y, strict=True))  # noqa: E731
        loss = chainrule.compile(lambda x, y, net=net: (net(x) - y) ** 2, batch="mean") if is_compiled else whole
        loss(X, Y)
        losses.append(fit(loss, (X, Y), optimizer=SGD(net.parameters(), lr=0.1), steps=20).loss)
    assert close(*losses)
    assert losses[0][-1] < 0.2 * losses[0][0]


def test_copies_that_outlive_the_trace_are_parameters() -> None:
    model = MLP(2, [1], rng=random.Random(0))
    get = in_a_list(lambda: copy.deepcopy(model))
    chainrule.compile(lambda x: get()(x) * model(x))([1.0, 2.0]).backward()
    assert [p.grad for p in get().parameters()] == [p.grad for p in model.parameters()]
    assert model.parameters()[0].grad != 0.0


def test_numbers_of_the_program_stay_constants() -> None:
    w = Value(3.0)

    def function(x: Any) -> Any:
        total, half = Value(0.0), Value(0.5)
        for _ in range(3):
            total = total + half * w * x
        return total + take([Value(1.0), Value(2.0)], 1)

    compiled = chainrule.compile(function)
    assert compiled(2.0).data == 11.0
    assert compiled._last.captured == (w,)


def test_a_trace_that_fails_leaves_parameters() -> None:
    get = in_a_list(lambda: Value(2.0))

    def fails(x: Any) -> Any:
        get()
        raise KeyError

    def looks(x: Any) -> Any:
        return get() if x > 0.0 else x

    for function, kind in ((fails, KeyError), (looks, TraceError)):
        with pytest.raises(kind):
            chainrule.compile(function)(1.0)
        assert not is_tracing()
        step = chainrule.compile(get() * 3.0)
        assert (step(), get().grad, step.parameters) == (6.0, 3.0, [get()])


def test_a_trace_within_a_trace() -> None:
    inner_weight, outer_weight = in_a_list(lambda: Value(2.0)), in_a_list(lambda: Value(3.0))
    inner = chainrule.compile(lambda x: inner_weight() * x)

    def outer(x: Any) -> Any:
        first = outer_weight()
        assert chainrule.compile(lambda x: x * first * Value(1.0)).trace(1.0).captured == (first,)
        assert is_tracing()
        return inner(x) * first + Value(1.0) * chainrule.compile(lambda x: x * x)(x)

    compiled = chainrule.compile(outer)
    compiled(5.0).backward()
    assert (inner_weight().grad, outer_weight().grad) == (15.0, 10.0)
    assert not is_tracing()


# --- other threads, tasks and processes -------------------------------------------------------------------------------------------------


def test_what_other_threads_make_meanwhile_are_parameters() -> None:
    made: dict[str, Any] = {}
    tracing, done = threading.Event(), threading.Event()

    def other() -> None:
        tracing.wait(10.0)
        made["model"] = MLP(2, [1], rng=random.Random(0))
        made["loss"] = chainrule.compile(lambda x: made["model"]([x, Value(1.0)]))(2.0)  # both trace at the same time
        made["step"] = chainrule.compile(made["model"]([Value(4.0), 1.0]))
        done.set()

    thread = threading.Thread(target=other)
    thread.start()

    def function(x: Any) -> Any:
        tracing.set()
        assert done.wait(10.0)
        return x * 2

    assert chainrule.compile(function)(1.0).data == 2.0
    thread.join()
    made["loss"].backward()
    assert [p.grad for p in made["model"].parameters()] == [2.0, 1.0, 1.0]
    made["step"]()
    assert [p.grad for p in made["model"].parameters()] == [4.0, 1.0, 1.0]
    assert len(made["step"].parameters) == 4


def test_independent_jobs_in_a_pool_are_as_if_one_after_another() -> None:
    def job(seed: int) -> tuple[float, list[float]]:
        model = MLP(2, [9, 9, 1], activation="tanh", rng=random.Random(seed))
        loss = chainrule.compile(lambda X, Y: mean((model(x) - y) ** 2 for x, y in zip(X, Y, strict=True)))
        optimizer = SGD(model.parameters(), lr=0.05)
        for _ in range(3):
            found = loss(X, Y)
            found.backward()
            optimizer.step()
        return found.data, [p.data for p in model.parameters()]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(job, range(5)))
    assert together == [job(seed) for seed in range(5)]


def test_tasks_take_turns_with_a_trace() -> None:
    made: list[Value] = []
    w = Value(2.0)

    async def makes() -> None:
        for _ in range(5):
            made.append(Value(1.0))
            await asyncio.sleep(0)

    async def compiles() -> None:
        for k in range(5):
            assert chainrule.compile(lambda x, k=k: w * x + k)(1.0).data == 2.0 + k
            await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(makes(), compiles())

    asyncio.run(both())
    step = chainrule.compile(sum(made) * w)
    step()
    assert [leaf.grad for leaf in made] == [2.0] * 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_while_another_thread_traces_leaves_nothing_on() -> None:
    """In the child nothing is traced, no leaf is marked, and what the other thread had locked is free."""
    tracing, done = threading.Event(), threading.Event()
    w = Value(2.0)

    def slow(x: Any) -> Any:
        tracing.set()
        if threading.current_thread() is thread:
            assert done.wait(10.0)
        return w * x

    compiled = chainrule.compile(slow)
    thread = threading.Thread(target=lambda: compiled(1.0))
    thread.start()
    assert tracing.wait(10.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are other threads, by Python, and by JAX where other tests have used it
        child = os.fork()
    if child == 0:
        code = 1
        try:
            v = Value(5.0)
            step = chainrule.compile(v * 3.0)
            step()
            right = (v.data, float(v), v > 1.0, v.grad, is_tracing(), len(step.parameters)) == (5.0, 5.0, True, 3.0, False, 1)
            compiled(3.0).backward()
            code = 0 if right and w.grad == 3.0 else 2
        finally:
            os._exit(code)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
