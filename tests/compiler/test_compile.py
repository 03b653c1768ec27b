"""`compile` in its three forms: what a compiled function takes, what it returns, and what it fills."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import MLP, Layer, Module, Value, cross_entropy, l2_penalty, mean, take
from chainrule.compiler.runtime.function import CACHED, CompiledFunction
from chainrule.compiler.runtime.graph import CompiledGraph
from compare import close

pytestmark = pytest.mark.usefixtures("quick")

X = np.random.default_rng(0).normal(size=(7, 2))
Y = np.random.default_rng(1).normal(size=7)


class Plane:
    """Two weights and an offset, and losses of them."""

    def __init__(self) -> None:
        self.w, self.b = [Value(0.5), Value(-0.25)], Value(0.125)
        self.params = [*self.w, self.b]
        self.traces = 0

    def one(self, x: Sequence[Any], y: Any) -> Any:
        self.traces += 1
        return (self.w[0] * x[0] + self.w[1] * x[1] + self.b - y) ** 2

    def loss(self, X: Sequence[Sequence[Any]], Y: Sequence[Any]) -> Any:
        self.traces += 1
        return mean((self.w[0] * x[0] + self.w[1] * x[1] + self.b - y) ** 2 for x, y in zip(X, Y, strict=True))

    def gradients(self) -> list[float]:
        return [p.grad for p in self.params]

    def by_hand(self, X: np.ndarray, Y: np.ndarray) -> tuple[float, list[float], np.ndarray, np.ndarray]:
        """The mean loss, and its derivatives with respect to parameters, X and Y, as NumPy has it."""
        w = np.array([p.data for p in self.w])
        r = X @ w + self.b.data - Y
        return float(r @ r / len(r)), [*(2 * r @ X / len(r)), 2 * r.mean()], 2 * np.outer(r, w) / len(r), -2 * r / len(r)


# --- the three forms --------------------------------------------------------------------------------------------------------------------


def test_a_graph_becomes_a_function_without_arguments() -> None:
    plane = Plane()
    step = chainrule.compile(plane.loss(X, Y))
    assert isinstance(step, CompiledGraph)
    loss = step()
    expected, gradients, *_ = plane.by_hand(X, Y)
    assert type(loss) is float
    assert close(loss, expected)
    assert close(plane.gradients(), gradients)


def test_a_function_computes_its_loss_from_arrays() -> None:
    plane = Plane()
    loss = chainrule.compile(plane.loss)(X, Y)
    loss.backward()
    expected, gradients, *_ = plane.by_hand(X, Y)
    assert isinstance(loss, Value)
    assert close(loss.data, expected)
    assert close(plane.gradients(), gradients)


@pytest.mark.parametrize("batch", ["mean", "sum"])
def test_a_function_of_one_sample_computes_the_loss_of_a_batch(batch: str) -> None:
    plane = Plane()
    loss = chainrule.compile(batch=batch)(plane.one)(X, Y)
    loss.backward()
    expected, gradients, *_ = plane.by_hand(X, Y)
    times = 1 if batch == "mean" else len(X)
    assert close(loss.data, times * expected)
    assert close(plane.gradients(), times * np.array(gradients))


def test_a_function_of_one_sample_computes_the_result_of_each() -> None:
    plane = Plane()
    losses = chainrule.compile(plane.one, batch=None)(X, Y)
    assert losses.shape == (7,)
    assert close(losses, [plane.one(x, y).data for x, y in zip(X, Y, strict=True)])


def test_as_a_decorator_with_and_without_options() -> None:
    w = Value(3.0)

    @chainrule.compile
    def plain(x: Any) -> Any:
        """What it does."""
        return w * x

    @chainrule.compile(batch="sum")
    def batched(x: Any) -> Any:
        return w * x

    assert plain(2.0).data == 6.0
    assert batched([1.0, 2.0]).data == 9.0
    assert (plain.__name__, plain.__doc__) == ("plain", "What it does.")
    assert repr(plain) == "<compiled plain, 1 program>"
    assert repr(batched) == "<compiled batched, batch='sum', 1 program>"


def test_a_module_is_a_function_too() -> None:
    model = MLP(2, [5, 3], activation="tanh")
    predict = chainrule.compile(model, batch=None)
    assert close(predict(X), [[out.data for out in model(x)] for x in X])
    model.parameters()[0].data += 1.0
    assert close(predict(X[:1]), [[out.data for out in model(X[0])]])
    single = chainrule.compile(MLP(2, [1]), batch=None)
    assert single(X).shape == (7,)


def test_a_leaf_is_a_graph() -> None:
    w = Value(2.0)
    step = chainrule.compile(w)
    w.data = 5.0
    assert (step(), w.grad) == (5.0, 1.0)


# --- the loss and its gradients ---------------------------------------------------------------------------------------------------------

CALLS_BEFORE = pytest.mark.parametrize("calls_before", [0, 2], ids=["first", "third"])
"""From the second call that is followed by backward() on, the gradients are computed together with the loss."""


def called(plane: Plane, calls_before: int, **options: Any) -> tuple[CompiledFunction, Value]:
    function = chainrule.compile(plane.one if options else plane.loss, **options)
    for _ in range(calls_before):
        function(X, Y).backward()
    return function, function(X, Y)


@CALLS_BEFORE
@pytest.mark.parametrize("options", [{}, {"batch": "mean"}], ids=["whole", "batch"])
class TestBackward:
    def test_gradients_are_zeroed_first(self, calls_before: int, options: dict[str, Any]) -> None:
        plane = Plane()
        _, loss = called(plane, calls_before, **options)
        bystander = Value(1.0)
        bystander.grad = 7.0
        for p in plane.params:
            p.grad = 7.0
        loss.backward()
        assert close(plane.gradients(), plane.by_hand(X, Y)[1])
        assert (loss.grad, bystander.grad) == (1.0, 7.0)

    def test_backward_twice_gives_the_same(self, calls_before: int, options: dict[str, Any]) -> None:
        plane = Plane()
        _, loss = called(plane, calls_before, **options)
        loss.backward()
        once = plane.gradients()
        loss.backward()
        assert plane.gradients() == once

    def test_accumulate_adds(self, calls_before: int, options: dict[str, Any]) -> None:
        plane = Plane()
        function, first = called(plane, calls_before, **options)
        second = function(X[:3], Y[:3])
        first.backward()
        second.backward(accumulate=True)
        assert close(plane.gradients(), np.add(plane.by_hand(X, Y)[1], plane.by_hand(X[:3], Y[:3])[1]))

    def test_the_loss_is_part_of_a_larger_graph(self, calls_before: int, options: dict[str, Any]) -> None:
        plane = Plane()
        _, loss = called(plane, calls_before, **options)
        total = 3.0 * loss + l2_penalty(plane.params, 0.1)
        total.backward()
        assert loss.grad == 3.0
        assert close(plane.gradients(), [3.0 * g + 0.2 * p.data for g, p in zip(plane.by_hand(X, Y)[1], plane.params, strict=True)])

    def test_backward_uses_the_numbers_of_the_call(self, calls_before: int, options: dict[str, Any]) -> None:
        plane = Plane()
        function = called(plane, calls_before, **options)[0]
        inputs, targets = X.copy(), Y.copy()
        loss = function(inputs, targets)
        expected = plane.by_hand(X, Y)[1]
        for p in plane.params:
            p.data *= 2.0
        inputs[:] = targets[:] = 9.0
        loss.backward()
        assert close(plane.gradients(), expected)

    def test_two_losses_keep_their_gradients_apart(self, calls_before: int, options: dict[str, Any]) -> None:
        plane = Plane()
        function, loss = called(plane, calls_before, **options)
        other = function(2.0 * X, Y)
        loss.backward()
        assert close(plane.gradients(), plane.by_hand(X, Y)[1])
        other.backward()
        assert close(plane.gradients(), plane.by_hand(2.0 * X, Y)[1])

    def test_captured_values_are_read_at_every_call(self, calls_before: int, options: dict[str, Any]) -> None:
        plane = Plane()
        function, _ = called(plane, calls_before, **options)
        traces = plane.traces
        for number in (0.75, -3.0):
            plane.w[1].data = number
            loss = function(X, Y)
            loss.backward()
            assert close(loss.data, plane.by_hand(X, Y)[0])
            assert close(plane.gradients(), plane.by_hand(X, Y)[1])
        assert plane.traces == traces


def test_a_graph_reads_its_leaves_at_every_call() -> None:
    plane = Plane()
    inputs = [[Value(a), Value(b)] for a, b in X.tolist()]
    step = chainrule.compile(plane.loss(inputs, Y))
    plane.b.data, inputs[0][0].data = 2.0, 5.0
    moved = X.copy()
    moved[0, 0] = 5.0
    loss, gradients, of_inputs, _ = plane.by_hand(moved, Y)
    assert close(step(), loss)
    assert close(plane.gradients(), gradients)
    assert close([[v.grad for v in row] for row in inputs], of_inputs)
    assert set(step.parameters) == {*plane.params, *(v for row in inputs for v in row)}


def test_a_loss_without_captured_values_is_a_number() -> None:
    loss = chainrule.compile(lambda x: x * x)(3.0)
    loss.backward()
    assert (loss.data, loss._prev) == (9.0, ())


def test_values_among_the_arguments_get_gradients() -> None:
    plane = Plane()
    function = chainrule.compile(plane.loss)
    for _ in range(2):
        values = [[Value(a), Value(b)] for a, b in X.tolist()]
        function(values, Y).backward()
        assert close([[v.grad for v in row] for row in values], plane.by_hand(X, Y)[2])
        assert close(plane.gradients(), plane.by_hand(X, Y)[1])
    array = np.array(values)
    (2.0 * function(array, Y)).backward()
    assert close([v.grad for v in array.ravel()], 2.0 * plane.by_hand(X, Y)[2])


def test_a_value_that_is_several_arguments_and_captured_too() -> None:
    w = Value(3.0)
    function = chainrule.compile(lambda x: w * x[0] + x[1] * x[1] * x[2])
    function([w, w, 2.0]).backward()
    assert w.grad == 2 * 3.0 + 2 * 3.0 * 2.0  # of w * w + w * w * 2


# --- results ----------------------------------------------------------------------------------------------------------------------------


def test_results_come_in_the_structure_of_what_is_returned() -> None:
    w = Value(2.0)

    def results(x: Any) -> Any:
        return {"rows": [[w * x[0], x[1]], [x[0], 1.0]], "pair": (x[0] + x[1], [w]), "ragged": [x[0], [x[1]]]}

    found = chainrule.compile(results)(np.array([3.0, 4.0]))
    assert np.array_equal(found["rows"], [[6.0, 4.0], [3.0, 1.0]])
    assert found["pair"][0] == 7.0
    assert type(found["pair"][0]) is float
    assert np.array_equal(found["pair"][1], [2.0])
    assert found["ragged"][0] == 3.0
    assert np.array_equal(found["ragged"][1], [4.0])
    each = chainrule.compile(results, batch=None)(X)
    assert each["rows"].shape == (7, 2, 2)
    assert np.array_equal(each["pair"][0], X[:, 0] + X[:, 1])
    assert np.array_equal(each["ragged"][1][:, 0], X[:, 1])


def test_results_are_the_callers_own() -> None:
    double = chainrule.compile(lambda x: [2.0 * a for a in x])
    first = double(np.ones(3))
    double(np.zeros(3))
    assert np.array_equal(first, [2.0, 2.0, 2.0])
    first[:] = 7.0
    assert np.array_equal(double(np.ones(3)), [2.0, 2.0, 2.0])


@pytest.mark.parametrize("form", ["array", "number", "subclass", "in single precision"])
def test_a_late_backward_goes_by_the_numbers_of_the_call(form: str) -> None:
    w = Value(2.0)
    memory = np.array([1.0, 2.0])
    given: Any = memory[:1].reshape(()) if form == "number" else memory.view(Plain) if form == "subclass" else memory
    dtype = "float32" if form == "in single precision" else "float64"
    function = chainrule.compile((lambda x: w * x) if form == "number" else (lambda x: w * x[0] * x[1]), dtype=dtype)
    loss = function(given)
    memory[:] = 9.0
    loss.backward()
    assert w.grad == (1.0 if form == "number" else 2.0)


class Plain(np.ndarray):
    """As an array that is mapped from a file is one."""


def test_one_sample_without_its_axis() -> None:
    model = MLP(3, [4, 1], rng=random.Random(1))
    predict = chainrule.compile(model, batch=None)
    with pytest.raises(TypeError) as caught:
        predict([1.0, 2.0, 3.0])
    (note,) = caught.value.__notes__
    assert note.endswith("each number of x was taken as a sample; to pass one sample, put it in a list: [x]")
    assert predict([[1.0, 2.0, 3.0]]).shape == (1,)


def test_another_list_of_layers_is_noticed() -> None:
    model = MLP(2, [3, 3], activation="tanh", rng=random.Random(0))
    more = Layer(3, 1, rng=random.Random(1))
    predict = chainrule.compile(model, batch=None)
    assert predict([[0.3, -0.5]]).shape == (1, 3)
    model.layers = [*model.layers, more]
    assert predict([[0.3, -0.5]])[0] == pytest.approx(model([0.3, -0.5]).data, rel=1e-12)


# --- arguments --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda X: X.tolist(),
        lambda X: [tuple(row) for row in X],
        lambda X: [*X],
        np.asfortranarray,
        lambda X: np.repeat(X, 2, 1)[:, ::2],
        lambda X: X[::-1][::-1],
        lambda X: X.astype(np.float32).astype(np.longdouble),
    ],
    ids=["lists", "tuples", "arrays in a list", "columns first", "with gaps", "backwards twice", "long doubles"],
)
@pytest.mark.parametrize("batch", [None, "mean"])
def test_the_numbers_count_and_not_what_holds_them(make: Callable[[np.ndarray], Any], batch: str | None) -> None:
    plane, rows = Plane(), X.astype(np.float32).astype(np.float64)
    function = chainrule.compile(plane.one, batch=batch) if batch else chainrule.compile(plane.loss)
    for _ in range(2):
        loss = function(make(rows), Y.tolist())
        loss.backward()
        assert close(loss.data, plane.by_hand(rows, Y)[0])
        assert close(plane.gradients(), plane.by_hand(rows, Y)[1])


def test_lists_are_lists_and_arrays_arrays_inside_the_function() -> None:
    seen: list[type] = []

    @chainrule.compile
    def double(x: Any) -> Any:
        seen.append(type(x))
        return x + x

    assert np.array_equal(double(np.array([1.0, 2.0])), [2.0, 4.0])
    assert np.array_equal(double([1.0, 2.0]), [1.0, 2.0, 1.0, 2.0])
    assert seen == [np.ndarray, list]


@pytest.mark.parametrize("number", [3, 3.0, np.float32(3), np.int64(3), np.array(3.0), np.array(3)], ids=lambda x: type(x).__name__)
def test_single_numbers_are_arguments(number: Any) -> None:
    assert chainrule.compile(lambda x: x * x + 1.0)(number).data == 10.0


def test_truth_values_are_numbers() -> None:
    count = chainrule.compile(lambda x: sum(x))
    assert count([True, False, True]).data == 2.0
    assert count(np.array([True, True, True])).data == 3.0


def test_integers_are_numbers_and_indices() -> None:
    table = [[Value(float(10 * row + column)) for column in range(3)] for row in range(4)]

    def loss(tokens: Any, targets: Any, weight: Any) -> Any:
        return mean(weight * cross_entropy(take(table, token), target) for token, target in zip(tokens, targets, strict=True))

    tokens, targets = np.array([3, 0, 3]), np.array([2, 1, 0])
    expected = loss(tokens.tolist(), targets.tolist(), 2)
    expected.backward()
    gradients = [[v.grad for v in row] for row in table]
    compiled = chainrule.compile(loss)
    for dtype in (np.int64, np.int8, np.uint32):
        found = compiled(tokens.astype(dtype), targets.astype(dtype), 2)
        found.backward()
        assert close(found.data, expected.data)
        assert close([[v.grad for v in row] for row in table], gradients)


def test_arguments_by_name_and_defaults() -> None:
    w = Value(2.0)

    @chainrule.compile
    def function(x: Any, y: Any = 10.0, *, scale: Any = 100.0) -> Any:
        return w * x + 3.0 * y + scale

    assert function(1.0).data == 132.0
    assert function(1.0, 2.0).data == function(1.0, y=2.0).data == function(y=2.0, x=1.0).data == 108.0
    assert function(1.0, scale=0.5).data == 32.5
    value, gradients = function.value_and_grad(1.0, y=2.0)
    assert (value, gradients) == (108.0, (2.0, 3.0))
    for y in (2.0, 3.0, 5.0):  # repeated calls go a shorter way
        found = function(1.0, y=y), function(y=y, x=1.0), function(1.0), function(1.0, scale=y)
        assert [loss.data for loss in found] == [102.0 + 3.0 * y, 102.0 + 3.0 * y, 132.0, 32.0 + y]


def test_any_number_of_arguments() -> None:
    total = chainrule.compile(lambda *numbers: sum(numbers))
    assert total(1.0, 2.0).data == 3.0
    assert total(1.0, 2.0, 3.0).data == 6.0
    assert chainrule.compile(lambda: Value(2.0) * 3.0)().data == 6.0


def test_partial_functions() -> None:
    w = Value(2.0)
    assert chainrule.compile(functools.partial(lambda a, x: a * x, w))(3.0).data == 6.0


# --- one trace for a shape --------------------------------------------------------------------------------------------------------------


def test_a_function_is_traced_once_for_a_shape() -> None:
    plane = Plane()
    function = chainrule.compile(plane.loss)
    for _ in range(3):
        function(X, Y).backward()
    assert plane.traces == 1
    function(X[:4], Y[:4])
    assert plane.traces == 2
    function(X, Y)
    function(X[:4], Y[:4])
    assert plane.traces == 2
    assert function.cache_info() == (4, 2, CACHED, 2)


def test_one_program_serves_every_length_of_a_batch() -> None:
    plane = Plane()
    function = chainrule.compile(batch="mean")(plane.one)
    for length in (7, 1, 3, 7):
        function(X[:length], Y[:length]).backward()
    assert plane.traces == 1
    assert function.cache_info()[:2] == (3, 1)


def test_clearing_the_cache_traces_anew() -> None:
    layers = [Value(2.0)]
    function = chainrule.compile(lambda x: sum(w * x for w in layers))
    assert function(1.0).data == 2.0
    layers.append(Value(3.0))
    function.cache_clear()
    assert function.cache_info() == (0, 0, CACHED, 0)
    assert function.program is None
    assert function(1.0).data == 5.0


def test_the_oldest_programs_are_forgotten() -> None:
    traced: list[int] = []

    @chainrule.compile
    def total(x: Any) -> Any:
        traced.append(len(x))
        return sum(x)

    for length in range(1, CACHED + 3):
        assert total(np.ones(length)).data == length
    assert total.cache_info().currsize == CACHED
    traced.clear()
    total(np.ones(CACHED))
    assert traced == []
    total(np.ones(1))
    assert traced == [1]


def test_the_program_is_that_of_the_last_call() -> None:
    w = Value(2.0)
    function = chainrule.compile(lambda X: sum(w * x for x in X))
    assert function.program is None
    function(np.ones(3)).backward()
    function(np.ones(3)).backward()
    three = function.program
    function(np.ones(5)).backward()
    assert function.program is not three
    function(np.ones(3))
    assert function.program is three
    assert function.trace(np.ones(3)).program is three


# --- methods ----------------------------------------------------------------------------------------------------------------------------


class Line(Module):
    def __init__(self, slope: float) -> None:
        self.slope = Value(slope)

    @chainrule.compile
    def loss(self, X: Any) -> Any:
        """The sum."""
        return sum(self.slope * x for x in X)

    @chainrule.compile(batch="mean")
    def one(self, x: Any) -> Any:
        return self.slope * x


def test_each_instance_has_its_own_compiled_methods() -> None:
    a, b = Line(2.0), Line(3.0)
    assert a.loss(np.ones(3)).data == 6.0
    assert b.loss(np.ones(4)).data == 12.0
    assert a.one([1.0, 3.0]).data == 4.0
    assert a.loss is a.loss
    assert a.loss.cache_info().currsize == b.loss.cache_info().currsize == 1
    assert a.parameters() == [a.slope]
    a.loss(np.ones(3)).backward()
    assert (a.slope.grad, b.slope.grad) == (3.0, 0.0)
    assert isinstance(Line.loss, CompiledFunction)
    assert Line.loss.__doc__ == "The sum."


def test_a_compiled_call_of_a_module() -> None:
    class Double(Module):
        def __init__(self) -> None:
            self.w = Value(2.0)

        @chainrule.compile
        def __call__(self, x: Any) -> Any:
            return self.w * x

    assert Double()(3.0).data == 6.0


def test_a_class_with_slots_has_no_place_for_compiled_methods() -> None:
    class Slotted:
        __slots__ = ("w",)

        @chainrule.compile
        def loss(self, x: Any) -> Any:
            return self.w * x

    with pytest.raises(TypeError, match="Slotted has __slots__, so the compiled loss cannot be stored in it: add '__dict__'"):
        Slotted().loss(1.0)


# --- value_and_grad ---------------------------------------------------------------------------------------------------------------------


def test_derivatives_with_respect_to_arrays() -> None:
    plane = Plane()
    value, (of_x, of_y) = chainrule.compile(plane.loss).value_and_grad(X, Y)
    expected, _, expected_x, expected_y = plane.by_hand(X, Y)
    assert type(value) is float
    assert close(value, expected)
    assert close(of_x, expected_x)
    assert close(of_y, expected_y)
    assert plane.gradients() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("batch", "times"), [("mean", 1), ("sum", 7), (None, 7)])
def test_derivatives_with_respect_to_a_batch(batch: str | None, times: int) -> None:
    plane = Plane()
    value, (of_x, of_y) = chainrule.compile(plane.one, batch=batch).value_and_grad(X, Y)
    expected, _, expected_x, expected_y = plane.by_hand(X, Y)
    if batch is None:
        assert value.shape == (7,)
        assert close(value.mean(), expected)
    else:
        assert type(value) is float
        assert close(value, times * expected)
    assert close(of_x, times * expected_x)
    assert close(of_y, times * expected_y)


def test_integers_have_no_derivatives_and_unused_arguments_have_zeros() -> None:
    table = [Value(1.0), Value(2.0)]
    function = chainrule.compile(lambda i, x, unused: take(table, i) * x)
    value, (of_i, of_x, of_unused) = function.value_and_grad(1, 3.0, np.ones((2, 2)))
    assert (value, of_i, float(of_x)) == (6.0, None, 2.0)
    assert np.array_equal(of_unused, np.zeros((2, 2)))


def test_derivatives_of_lists_and_numbers_have_their_shape() -> None:
    value, (of_x, of_s) = chainrule.compile(lambda x, s: s * (x[0][0] + 2.0 * x[1][0])).value_and_grad([[1.0], [2.0]], 3.0)
    assert (value, of_x.tolist(), of_s.shape, float(of_s)) == (15.0, [[3.0], [6.0]], (), 5.0)
    assert chainrule.compile(lambda: Value(1.0) * 2.0).value_and_grad() == (2.0, ())


def test_derivatives_are_of_one_value_only() -> None:
    @chainrule.compile
    def pair(x: Any) -> Any:
        return [x, x]

    with pytest.raises(TypeError, match=r"needs a function that returns one Value, but pair returns 2"):
        pair.value_and_grad(1.0)


# --- the length of a batch --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deep() -> tuple[Any, Any, list[Value]]:
    """A function of one sample that is large enough for its block of samples to be small."""
    model = MLP(2, [24, 24, 1], activation="tanh")
    return chainrule.compile(batch="mean")(lambda x, y: (model(x) - y) ** 2), model, model.parameters()


def test_every_length_of_a_batch_gives_the_same_numbers(deep: tuple[Any, Any, list[Value]]) -> None:
    """From 1 to 40, and around the number of samples that are computed at a time."""
    function, _, parameters = deep
    inputs = np.random.default_rng(2).normal(size=(3000, 2))
    targets = np.random.default_rng(3).normal(size=3000)
    function(inputs[:1], targets[:1]).backward()
    capacity = function.program.kernel(parameters=True).capacity
    assert 16 <= capacity < 1000
    each = []  # the loss and gradients of every sample by itself
    for n in range(40):
        loss = function(inputs[n : n + 1], targets[n : n + 1])
        loss.backward()
        each.append([loss.data, *(p.grad for p in parameters)])
    for length in range(1, 41):
        loss = function(inputs[:length], targets[:length])
        loss.backward()
        assert close([loss.data, *(p.grad for p in parameters)], np.mean(each[:length], axis=0))
    for length in (capacity - 1, capacity, capacity + 1, 2 * capacity, 2 * capacity + 1):
        halves = [(inputs[: length // 2], targets[: length // 2]), (inputs[length // 2 : length], targets[length // 2 : length])]
        expected: Any = 0.0
        for half_inputs, half_targets in halves:
            loss = function(half_inputs, half_targets)
            loss.backward()
            expected = expected + len(half_inputs) / length * np.array([loss.data, *(p.grad for p in parameters)])
        loss = function(inputs[:length], targets[:length])
        loss.backward()
        assert close([loss.data, *(p.grad for p in parameters)], expected)


def test_derivatives_for_samples_beyond_one_block(deep: tuple[Any, Any, list[Value]]) -> None:
    function, model, _ = deep
    inputs, targets = np.random.default_rng(4).normal(size=(1500, 2)), np.zeros(1500)
    _, (of_x, of_y) = function.value_and_grad(inputs, targets)
    for n in (0, 777, 1499):
        x = [Value(number) for number in inputs[n]]
        out = model(x)
        ((out - 0.0) ** 2 / 1500).backward()
        assert close(of_x[n], [v.grad for v in x])
        assert close(of_y[n], -2.0 * out.data / 1500)


# --- one compiled function in another ---------------------------------------------------------------------------------------------------


def test_a_compiled_function_inside_a_traced_one_becomes_part_of_it() -> None:
    w = Value(2.0)
    square = chainrule.compile(lambda x: w * x * x)
    rows = chainrule.compile(lambda x: [w * x, x])
    each = chainrule.compile(lambda x: w * x, batch=None)
    average = chainrule.compile(lambda x: w * x, batch="mean")
    square(1.0).backward()  # compiled already

    @chainrule.compile
    def outer(x: Any) -> Any:
        scaled = 10.0 * rows(x)
        return square(x) + scaled[0] + scaled[1] + sum(each([x, x])) + average([x, 3.0])

    for number in (3.0, 4.0):
        found = outer(number)
        found.backward()
        assert found.data == 2 * number**2 + 20 * number + 10 * number + 4 * number + (2 * number + 6) / 2
        assert w.grad == number**2 + 10 * number + 2 * number + (number + 3) / 2


def test_methods_may_call_those_of_the_parent_class() -> None:
    class Twice(Line):
        @chainrule.compile
        def loss(self, X: Any) -> Any:
            return super().loss(X) * 2.0

    twice = Twice(3.0)
    assert twice.loss(np.ones(2)).data == 12.0
    assert twice.loss(np.full(2, 2.0)).data == 24.0
