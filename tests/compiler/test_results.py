"""What compiled functions return beside a loss, and what is current after a compiled graph has run."""

from __future__ import annotations

import random
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import MLP, SGD, Adam, TraceError, Value, cross_entropy, equal, fit, greater, mean, where
from compare import close, numbers

pytestmark = pytest.mark.usefixtures("quick")

Step = namedtuple("Step", "loss accuracy")
X = np.random.default_rng(0).normal(size=(6, 2))
Y = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])


class Learner:
    """A network, and functions of a sample that return the loss among other things."""

    def __init__(self) -> None:
        self.model = MLP(2, [3, 1], activation="tanh", rng=random.Random(3))
        self.scale = Value(0.5)
        self.leaves = [*self.model.parameters(), self.scale]

    def parts(self, x: Any, y: Any) -> tuple[Any, Any, Any]:
        score = self.model(x)
        return (score - y) ** 2, where(equal(greater(score, 0.5), y), 1.0, 0.0), score * self.scale

    def a_tuple(self, x: Any, y: Any) -> Any:
        return self.parts(x, y)

    def a_dict(self, x: Any, y: Any) -> Any:
        loss, accuracy, score = self.parts(x, y)
        return {"scores": [score, score * 2.0], "loss": loss, "more": {"accuracy": accuracy}}

    def named(self, x: Any, y: Any) -> Any:
        return Step(*self.parts(x, y)[:2])

    def nested(self, x: Any, y: Any) -> Any:
        loss, accuracy, score = self.parts(x, y)
        return (loss, {"both": (accuracy, [[score], [loss]])}), 7

    def loss_in(self, returned: Any) -> Any:
        """Where each of these has its loss."""
        if isinstance(returned, dict):
            return returned["loss"]
        return returned[0][0] if isinstance(returned[0], tuple) else returned[0]


NAMES = ["a_tuple", "a_dict", "named", "nested"]


def gradients(learner: Learner, loss: Any) -> list[float]:
    for leaf in learner.leaves:
        leaf.grad = -5.0
    loss.backward()
    return [leaf.grad for leaf in learner.leaves]


def same_shape(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return list(found) == list(expected) and all(same_shape(found[key], expected[key]) for key in expected)
    if isinstance(expected, tuple):
        return type(found) is type(expected) and all(map(same_shape, found, expected))
    return isinstance(found, np.ndarray) if isinstance(expected, list) else type(found) is type(expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_loss_among_other_results_is_connected(name: str, dtype: str) -> None:
    """The results, their shape and the gradients are those of the plain function; what the loss does not reach keeps its gradient."""
    learner = Learner()
    function = getattr(learner, name)
    compiled = chainrule.compile(function, dtype=dtype)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for x, y in zip(X, Y, strict=True):
        expected, found = function(x.tolist(), y), compiled(x, y)
        assert same_shape(found, expected)
        assert close(numbers(found), numbers(expected), tolerance)
        assert close(gradients(learner, learner.loss_in(found)), gradients(learner, learner.loss_in(expected)), tolerance)
        assert learner.scale.grad == -5.0
    assert compiled.cache_info().misses == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", ["mean", "sum"])
@pytest.mark.parametrize("threads", [1, 3])
def test_with_a_batch_each_value_is_joined_and_lists_are_kept(name: str, batch: str, threads: int) -> None:
    learner = Learner()
    function = getattr(learner, name)
    compiled = chainrule.compile(function, batch=batch, threads=threads)
    each = [function(x, y) for x, y in zip(X.tolist(), Y.tolist(), strict=True)]
    total = sum(learner.loss_in(one) for one in each) / (len(X) if batch == "mean" else 1)
    found = compiled(X, Y)
    assert close(learner.loss_in(found).data, total.data)
    assert close(gradients(learner, learner.loss_in(found)), gradients(learner, total))
    if name == "a_dict":
        assert close(found["scores"], [[score.data for score in one["scores"]] for one in each])
        assert close(found["more"]["accuracy"].data, sum(one["more"]["accuracy"].data for one in each) / (6 if batch == "mean" else 1))
    if name == "nested":
        assert found[1] == (7 if batch == "mean" else 42)
        assert found[0][1]["both"][1].shape == (6, 2, 1)


def test_results_of_each_sample_are_arrays() -> None:
    learner = Learner()
    found = chainrule.compile(learner.nested, batch=None)(X, Y)
    each = [learner.nested(x, y) for x, y in zip(X.tolist(), Y.tolist(), strict=True)]
    assert close(found[0][0], [one[0][0].data for one in each])
    assert found[1].tolist() == [7] * 6


def test_backward_has_the_numbers_of_the_call() -> None:
    """Each result has a backward() of its own, whatever is changed and called meanwhile, and however often."""
    w, v = Value(2.0), Value(3.0)
    compiled = chainrule.compile(lambda x: ((w * x[0]) ** 2, v * x[1] * w, x[0]))
    x = np.array([3.0, 5.0])
    square, product, plain = compiled(x)
    assert (square.data, product.data, plain) == (36.0, 30.0, 3.0)
    w.data, x[:] = 7.0, 0.0
    compiled(np.ones(2))[0].backward()
    for _ in range(2):
        square.backward()
        assert w.grad == 36.0
        v.grad = -1.0
        product.backward()
        assert (w.grad, v.grad) == (15.0, 10.0)
    (square + 2.0 * product).backward()
    assert (w.grad, v.grad) == (66.0, 20.0)
    given = Value(1.0)
    first, second, last = compiled([given, 2.0])
    (first + second + last).backward()
    assert given.grad == 2.0 * 7.0**2 + 1.0


def test_several_results_within_a_trace_and_on_the_eager_engine() -> None:
    learner = Learner()
    for batch in (None, "mean"):
        inner = chainrule.compile(learner.nested, **({} if batch is None else {"batch": batch}))

        def outer(x: Any, y: Any, inner: Any = inner) -> Any:
            (loss, more), seven = inner(x, y)
            return loss * seven + more["both"][0]

        given = (X[0], Y[0]) if batch is None else (X, Y)
        (loss, more), seven = inner(*given)
        assert close(chainrule.compile(outer)(*given).data, loss.data * seven + more["both"][0].data)


def test_an_irregular_function_with_several_results() -> None:
    w = Value(0.5)

    def irregular(x: Any) -> Any:
        rng = random.Random(1)
        values = [x * w, x * 2.0]
        for _ in range(4000):
            a, b = rng.choice(values), rng.choice(values)
            values.append(rng.choice([lambda a, b: a * b, lambda a, b: (a + b).tanh(), lambda a, b: a - 0.5 * b])(a, b).tanh() * w)
        return sum(values[-30:]), [values[-1]], 3

    expected = irregular(0.3)
    expected[0].backward()
    gradient = w.grad
    for options, given in (({}, 0.3), ({"batch": "mean"}, [0.3, 0.3])):
        with pytest.warns(chainrule.CompileWarning):
            loss, last, three = chainrule.compile(irregular, **options)(given)
        loss.backward()
        assert (close(loss.data, expected[0].data), close(w.grad, gradient), three) == (True, True, 3)
        assert close(last, [expected[1][0].data] * np.size(last))


def test_what_takes_the_loss_alone_says_so() -> None:
    learner = Learner()

    def returns(X: Any, Y: Any) -> Any:
        return learner.a_tuple(X[0], Y[0])

    for compiled in (chainrule.compile(returns), chainrule.compile(learner.a_tuple, batch="mean")):
        with pytest.raises(
            TypeError, match=r"the loss must be one Value, but \w+ returns 3\. For training, compile a function that returns"
        ):
            fit(compiled, (X, Y), optimizer=SGD(learner.leaves, lr=0.1), steps=1, batch_size=1)
        with pytest.raises(TypeError, match=r"value_and_grad\(\) needs a function that returns one Value, but \w+ returns 3\. Compile"):
            compiled.value_and_grad(X, Y)


# --- columns of targets -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"batch": "mean"}])
def test_a_column_of_targets_is_right_or_named(options: dict[str, Any]) -> None:
    model = MLP(2, [1], rng=random.Random(0))
    one = lambda x, y: (model(x) - y) ** 2  # noqa: E731
    compiled = chainrule.compile(one if options else lambda X, Y: mean(one(x, y) for x, y in zip(X, Y, strict=True)), **options)
    try:
        found = compiled(X, Y[:, None])
    except TypeError as error:
        assert "[:, 0]" in str(error)  # noqa: PT017
        assert "shape (n, 1)" in str(error)  # noqa: PT017
    else:
        assert close(np.ravel(found.data if isinstance(found, Value) else found), compiled(X, Y).data)


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: [[v]], lambda v: np.array([v], object)])
def test_a_list_of_one_value_is_the_loss_of_a_batch(wrap: Callable[[Any], Any]) -> None:
    w = Value(2.0)
    loss = chainrule.compile(lambda x: wrap(w * x), batch="mean")([1.0, 3.0])
    loss.backward()
    assert (loss.data, w.grad) == (4.0, 2.0)


# --- a compiled graph -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_after_a_step_the_result_and_labelled_nodes_are_current(dtype: str) -> None:
    model = MLP(2, [3, 3], activation="tanh", rng=random.Random(1))

    def graph() -> list[Any]:
        scores = model([0.3, -0.8])
        nodes = [scores[0], sum(s * s for s in scores), cross_entropy(scores, 1)]
        nodes.append(nodes[1] * 0.1 + nodes[2])
        return nodes

    nodes = graph()
    for node, label in zip(nodes, ["first score", "penalty", "error", "loss"], strict=True):
        node.label = label
    step = chainrule.compile(nodes[-1], dtype=dtype)
    optimizer = Adam(model.parameters(), lr=0.1)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for _ in range(3):
        expected = graph()
        assert close(step(), expected[-1].data, tolerance)
        assert close([node.data for node in nodes], [node.data for node in expected], tolerance)
        expected[-1].backward()
        gradient = [p.grad for p in model.parameters()]
        step()
        assert close([p.grad for p in model.parameters()], gradient, tolerance)
        optimizer.step()
    history = fit(step, optimizer=optimizer, steps=4)
    assert nodes[-1].data == history.loss[-1]
    assert close(nodes[-1].data, nodes[1].data * 0.1 + nodes[2].data, tolerance)


# --- samples of different lengths -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", ["mean", "sum"])
@pytest.mark.parametrize("optimizer", [lambda p: SGD(p, lr=0.01, momentum=0.5), lambda p: Adam(p, lr=0.02)])
def test_training_on_batches_of_samples_of_different_lengths(batch: str, optimizer: Callable[[Any], Any]) -> None:
    rng = random.Random(0)
    rows = [[rng.gauss(0.0, 1.0) for _ in range(rng.choice([1, 2, 3, 5]))] for _ in range(11)]
    targets = [sum(row) for row in rows]
    runs = []
    for is_compiled in (True, False):
        leaves = [Value(0.1 * k) for k in range(6)]

        def one(row: Any, target: Any, leaves: Any = leaves) -> Any:
            return (sum((w * x for w, x in zip(leaves, row, strict=False)), leaves[5]) - target) ** 2

        def whole(rows: Any, targets: Any, one: Any = one) -> Any:
            losses = [one(row, target) for row, target in zip(rows, targets, strict=True)]
            return sum(losses) / (len(losses) if batch == "mean" else 1)

        loss = chainrule.compile(one, batch=batch) if is_compiled else whole
        history = fit(loss, (rows, targets), optimizer=optimizer(leaves), epochs=4, batch_size=4, rng=random.Random(5))
        runs.append((history.loss, [w.data for w in leaves], [w.grad for w in leaves]))
    for found, expected in zip(*runs, strict=True):
        assert close(found, expected)


def test_a_function_of_many_samples_of_different_lengths_is_told_how() -> None:
    w = Value(1.0)
    compiled = chainrule.compile(lambda rows: sum(w * x for row in rows for x in row))
    rows = [[1.0], [1.0, 2.0], [3.0]]
    with pytest.raises(ValueError, match=r"^the samples of rows differ in length, but <lambda> takes 2 of them at a time.*batch='mean'"):
        fit(compiled, (rows,), optimizer=SGD([w], lr=0.1), steps=1, batch_size=2)
    with pytest.raises(ValueError, match=r"fit\(\) takes samples of different lengths as they are, if the loss is written for one sample"):
        chainrule.compile(lambda row: w * sum(row), batch="mean")(rows)


def test_reading_data_for_a_report_is_told_to_return_it() -> None:
    reports: list[float] = []
    w = Value(2.0)

    def loss(x: Any) -> Any:
        score = w * x
        reports.append(score.data)
        return score**2

    with pytest.raises(TraceError, match=r"`\.data` was read: .* to report it, return it beside the loss, as in `return loss, score`"):
        chainrule.compile(loss)(1.0)
