"""Compiled functions behave like other objects: from several threads, in copies, in pickles, after a fork, and when they are dropped."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import random
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import MLP, Module, Value, mean
from chainrule.compiler.ir import machine
from compare import call, close, eager, error
from programs import PROGRAMS

# --- pickles and copies -----------------------------------------------------------------------------------------------------------------

WEIGHT = Value(2.0)


@chainrule.compile
def by_name(x: Any) -> Any:
    return WEIGHT * x


def plain(x: Any) -> Any:
    return WEIGHT * x


class Line(Module):
    def __init__(self, slope: float) -> None:
        self.slope = Value(slope)

    @chainrule.compile
    def loss(self, X: Any) -> Any:
        return sum(self.slope * x for x in X)

    def __call__(self, x: Any) -> Any:
        return self.slope * x


def through_pickle(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


every_copy = pytest.mark.parametrize("copied", [through_pickle, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])


@every_copy
def test_a_decorated_function_is_the_one_of_its_module(copied: Callable[[Any], Any]) -> None:
    by_name(3.0)
    assert copied(by_name) is by_name


@every_copy
def test_a_function_that_was_compiled_on_the_way_is_compiled_again(copied: Callable[[Any], Any]) -> None:
    function = chainrule.compile(plain, batch="sum", dtype="float32", threads=2)
    function(np.ones(3))
    twin = copied(function)
    assert twin is not function
    assert twin(np.ones(4)).data == 8.0
    assert twin.cache_info().currsize == 1
    assert repr(twin) == "<compiled plain, batch='sum', 1 program>"
    assert twin.value_and_grad(np.ones(4))[1][0].dtype == np.float32


@every_copy
def test_a_compiled_module_is_that_of_the_copied_module(copied: Callable[[Any], Any]) -> None:
    model = MLP(2, [3, 1], rng=random.Random(1))
    predict = chainrule.compile(model, batch=None)
    X = np.random.default_rng(0).normal(size=(5, 2))
    before = predict(X)
    twin = copied(predict)
    assert np.array_equal(twin(X), before)
    model.parameters()[-1].data += 1.0
    shared = copied is copy.copy
    assert np.array_equal(twin(X), predict(X)) is shared


@every_copy
def test_a_compiled_method_belongs_to_the_copied_instance(copied: Callable[[Any], Any]) -> None:
    line = Line(2.0)
    line.loss(np.ones(3)).backward()
    twin = copied(line)
    twin.slope = Value(5.0)
    assert twin.loss(np.ones(3)).data == 15.0
    assert line.loss(np.ones(3)).data == 6.0
    assert twin.loss is not line.loss


def test_a_copied_graph_has_leaves_of_its_own_if_it_is_deep() -> None:
    w = Value(3.0)
    step = chainrule.compile(w * w)
    shallow, deep = copy.copy(step), copy.deepcopy(step)
    w.data = 4.0
    assert (step(), shallow(), deep()) == (16.0, 16.0, 9.0)
    assert shallow.parameters == [w]
    assert w.grad == 8.0
    assert deep.parameters[0].grad == 6.0


def test_a_graph_is_not_pickled_because_values_are_not() -> None:
    step = chainrule.compile(WEIGHT * WEIGHT)
    with pytest.raises(TypeError, match=r"cannot pickle .*: it is the result of '\*', and only leaves can be pickled"):
        pickle.dumps(step)


def test_a_function_inside_another_is_pickled_as_any_other_is_not() -> None:
    function = chainrule.compile(lambda x: x)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(function)


# --- memory -----------------------------------------------------------------------------------------------------------------------------


def used() -> tuple[Any, weakref.ref[Any], weakref.ref[Any], weakref.ref[Any]]:
    """A compiled function that has done everything, and references to what it consists of."""
    weights = [Value(random.random()) for _ in range(4)]
    function = chainrule.compile(lambda X: sum((w * x).tanh() for w, x in zip(weights, X, strict=True)))
    for _ in range(2):
        function(np.ones(4)).backward()
    function.value_and_grad(np.ones(4))
    code = function.program.kernel(parameters=True).function().code
    return function, weakref.ref(function.program), weakref.ref(code), weakref.ref(function)


def test_a_dropped_function_frees_its_programs_and_their_code() -> None:
    function, *references = used()
    assert all(reference() is not None for reference in references)
    del function
    gc.collect()
    assert [reference() for reference in references] == [None, None, None]


def test_a_dropped_graph_frees_its_code() -> None:
    step = chainrule.compile(WEIGHT.tanh() * 3.0)
    step()
    references = [weakref.ref(step), weakref.ref(step.program), weakref.ref(step._kernel.function().code)]
    del step
    gc.collect()
    assert [reference() for reference in references] == [None, None, None]


def test_clearing_the_cache_frees_programs() -> None:
    function, program, code, _ = used()
    function.cache_clear()
    gc.collect()
    assert (program(), code()) == (None, None)


def test_a_loss_keeps_what_its_backward_needs() -> None:
    function = chainrule.compile(lambda x: WEIGHT * x)
    loss = function(3.0)
    del function
    gc.collect()
    loss.backward()
    assert WEIGHT.grad == 3.0


def test_the_pool_of_a_dropped_function_ends() -> None:
    before = threading.active_count()
    function = chainrule.compile(plain, batch="sum", threads=2)
    function(np.ones(100))
    assert threading.active_count() > before
    pool = function.definition.pool()
    threads = list(pool._threads)
    del function, pool
    gc.collect()
    for thread in threads:
        thread.join(10.0)
    assert threading.active_count() == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_compiling_and_dropping_again_and_again_does_not_need_more_and_more_memory() -> None:
    def resident() -> int:
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cycles(count: int) -> None:
        for k in range(count):
            chainrule.compile(WEIGHT * 1.5 + 0.25)()
            if k % 10 == 9:
                gc.collect()

    cycles(50)
    before = resident()
    cycles(200)
    assert resident() - before < 0.8e6  # 4 kB each


# --- threads and processes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", ["mean", "sum", None])
def test_threads_give_the_same_result_to_rounding(batch: str | None) -> None:
    model = MLP(3, [6, 1], activation="tanh", rng=random.Random(2))
    parameters = model.parameters()

    def one(x: Any, y: Any) -> Any:
        return (model(x) - y) ** 2

    X, Y = np.random.default_rng(0).normal(size=(701, 3)), np.zeros(701)
    alone, together = (chainrule.compile(one, batch=batch, threads=threads) for threads in (1, 3))
    for length in (1, 2, 3, 5, 701):
        a, b = alone.value_and_grad(X[:length], Y[:length]), together.value_and_grad(X[:length], Y[:length])
        assert close(b[0], a[0])
        assert all(close(x, y) for x, y in zip(b[1], a[1], strict=True))
        if batch is None:
            assert close(alone(X[:length], Y[:length]), together(X[:length], Y[:length]))
            continue
        found = []
        for function in (alone, together):
            function(X[:length], Y[:length]).backward()
            found.append([p.grad for p in parameters])
        assert close(*found)
    assert together(X, Y).data == together(X, Y).data if batch else True  # the split is the same each time


def test_several_threads_may_call_a_function_at_once() -> None:
    w = Value(2.0)
    batch = chainrule.compile(lambda x, y: (w * x - y) ** 2, batch="mean")
    whole = chainrule.compile(lambda X: mean((w * x).tanh() for x in X))
    several = chainrule.compile(lambda x: [w * x, x * x])
    start = threading.Barrier(4)

    def work(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        start.wait(10.0)
        right = True
        for _ in range(60):
            X, Y = rng.normal(size=(2, rng.integers(1, 50)))
            value, (of_x, of_y) = batch.value_and_grad(X, Y)
            r = 2 * X - Y
            right &= close(value, float(np.mean(r * r))) and close(of_x, 4 * r / len(r)) and close(of_y, -2 * r / len(r))
            Z = rng.normal(size=30)
            right &= close(whole(Z).data, float(np.tanh(2 * Z).mean()))
            right &= np.array_equal(several(Z[0]), [2 * Z[0], Z[0] * Z[0]])
        return bool(right)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [True] * 4


def test_machine_code_lets_other_threads_run() -> None:
    model = MLP(16, [64, 64, 1], activation="tanh", rng=random.Random(2))
    function = chainrule.compile(model, batch=None)
    X = np.zeros((100_000, 16))
    function(X[:1])
    woken, done = [0], threading.Event()

    def wake() -> None:
        while not done.is_set():
            time.sleep(1e-4)
            woken[0] += 1

    thread = threading.Thread(target=wake)
    thread.start()
    before, begin = woken[0], time.perf_counter()
    function(X)
    times, seconds = woken[0] - before, time.perf_counter() - begin
    done.set()
    thread.join()
    assert seconds > 0.02
    assert times > 100 * seconds  # thousands a second if it runs, two in the whole call if not


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_process_goes_on_computing(threads: int) -> None:
    w = Value(2.0)
    function = chainrule.compile(lambda x: (w * x).tanh(), batch="sum", threads=threads)
    X = np.linspace(-1.0, 2.0, 101)
    expected = function(X).data
    child = os.fork()
    if child == 0:  # no assertions here: the child must not go on as a second pytest
        code = 1
        try:
            signal.alarm(20)
            loss = function(X)
            loss.backward()
            new = chainrule.compile(lambda x: w * x * x)(3.0).data
            code = 0 if loss.data == expected and new == 18.0 and abs(w.grad - (X * (1 - np.tanh(2 * X) ** 2)).sum()) < 1e-12 else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert function(X).data == expected


# --- the code depends on the graph alone ------------------------------------------------------------------------------------------------


def kernels(program: Any, *, inputs: bool = False) -> list[str]:
    return program.kernel(parameters=True, inputs=inputs).functions(set())


@pytest.mark.parametrize("name", ["moons", "causal_attention", "rnn", "every_function_of_the_arguments", "bigrams"])
def test_the_same_graph_becomes_the_same_code(name: str) -> None:
    program = next(program for program in PROGRAMS if program.name == name)

    def text(seed: int) -> list[str]:
        built = program.build(random.Random(seed))
        function = chainrule.compile(built.loss, batch=built.reduction) if built.batched else chainrule.compile(built.loss)
        return kernels(function.trace(*built.arguments).program)

    first = text(1)
    waste = [Value(random.random()) for _ in range(1000)]  # the next Values are elsewhere in memory
    assert text(1) == first
    del waste


def test_numbers_of_parameters_and_arguments_are_not_in_the_code() -> None:
    def text(number: float) -> list[str]:
        w = Value(number)
        return kernels(chainrule.compile(lambda x: (w * x).tanh() + 0.125).trace(number).program)

    assert text(1.0) == text(2.0)
    assert any("0x3FC0000000000000" in part for part in text(1.0))  # 0.125, which is part of the program


# --- machines ---------------------------------------------------------------------------------------------------------------------------

TARGETS = {
    "generic": "generic",
    "128 bits": machine.host()._replace(vector_bits=128),
    "256 bits": machine.host()._replace(vector_bits=256),
    "512 bits": machine.host()._replace(vector_bits=512),
    "512 bits, no fused multiply-add": machine.host()._replace(vector_bits=512, fma=False),
}
ON_EVERY_MACHINE = (
    "moons",
    "softmax_written_plainly",
    "causal_attention",
    "convolution",
    "rnn",
    "clipped_and_robust",
    "factorization_of_ratings_as_arguments",
    "batch_norm",
    "black_scholes",
    "sparse_wiring_of_any_degree",
)


@pytest.mark.parametrize("program", [program for program in PROGRAMS if program.name in ON_EVERY_MACHINE], ids=lambda program: program.name)
def test_vectors_of_every_size_give_the_same_numbers(program: Any) -> None:
    built = program.build(random.Random(1))
    loss, gradients = eager(built)
    options = {"batch": built.reduction} if built.batched else {}
    texts = set()
    for name, target in TARGETS.items():
        function = chainrule.compile(built.loss, target=target, **options)
        found = call(function, built)
        assert error([found[0]], [loss]) <= 1e-12, name
        assert error(found[1], gradients) <= 1e-12, name
        texts.add("\n".join(kernels(function.program)))
    assert len(texts) >= 3  # that the programs differ


def test_all_programs_for_machines_are_there() -> None:
    assert {program.name for program in PROGRAMS} >= set(ON_EVERY_MACHINE)


# --- single precision -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ON_EVERY_MACHINE)
def test_single_precision_is_single_precision(name: str) -> None:
    built = next(program for program in PROGRAMS if program.name == name).build(random.Random(1))
    loss, gradients = eager(built)
    options = {"batch": built.reduction} if built.batched else {}
    found = call(chainrule.compile(built.loss, dtype="float32", **options), built)
    assert error([found[0]], [loss]) <= 2e-5
    assert error(found[1], gradients) <= 2e-4


def test_arrays_of_single_precision() -> None:
    w = Value(1.0 / 3.0)
    single = chainrule.compile(lambda x: [w * x, x], batch=None, dtype="float32")
    found = single(np.array([1.0, 0.1]))
    assert found.dtype == np.float32
    assert found[0, 0] == np.float32(1.0 / 3.0)
    loss = chainrule.compile(lambda x: w * x, dtype="float32")
    value, (gradient,) = loss.value_and_grad(0.1)
    assert (type(value), gradient.dtype) == (float, np.float32)
    result = loss(3.0)
    result.backward()
    assert (type(result.data), w.grad) == (float, 3.0)
    step = chainrule.compile(w * w, dtype="float32")
    assert step() == float(np.float32(1 / 3) ** 2)
    assert w.grad == float(np.float32(2) * np.float32(1 / 3))
