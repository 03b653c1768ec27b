"""While a function is traced nothing may look at numbers; what may be said instead works eagerly and compiled alike."""

from __future__ import annotations

import inspect
import math
import os
import pickle
import random
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import (
    SGD,
    CompileWarning,
    TraceError,
    Value,
    binary_cross_entropy,
    cross_entropy,
    equal,
    fit,
    greater,
    log_softmax,
    logsumexp,
    maximum,
    minimum,
    one_hot,
    relu,
    softmax,
    take,
    where,
)
from compare import close

pytestmark = pytest.mark.usefixtures("quick")

W = Value(2.0)
TABLE = [Value(1.0), Value(10.0), Value(100.0)]

# --- what cannot be traced --------------------------------------------------------------------------------------------------------------


def reads_data(x: Any) -> Any:
    return W * x.data  # here


def makes_a_float(x: Any) -> Any:
    return W * float(x)  # here


def uses_math(x: Any) -> Any:
    return W * math.exp(x)  # here


def makes_an_integer(x: Any) -> Any:
    return TABLE[int(x)]  # here


def asks_if(x: Any) -> Any:
    if x:  # here
        return W
    return x


def asks_not(x: Any) -> Any:
    return x * (not x)  # here


def compares_less(x: Any) -> Any:
    return W if x * 2.0 < 1.0 else x  # here


def compares_at_most(x: Any) -> Any:
    return W if x <= W else x  # here


def compares_greater(x: Any) -> Any:
    return W if x < W else x  # here


def compares_at_least(x: Any) -> Any:
    return W if x >= 1.0 else x  # here


def compares_equal(x: Any) -> Any:
    return W if x == 1.0 else x  # here


def compares_unequal(x: Any) -> Any:
    return W if x != np.float64(1.0) else x  # here


def is_one_of(x: Any) -> Any:
    return W if x in (1, 2) else x  # here


def takes_the_max(x: Any) -> Any:
    return max(x, W)  # here


def sorts(x: Any) -> Any:
    return sorted([x, W, x * 2.0])[0]  # here


def indexes_a_list(x: Any) -> Any:
    return TABLE[x]  # here


def counts(x: Any) -> Any:
    return sum(W for _ in range(x))  # here


def assigns_data(x: Any) -> Any:
    W.data = 3.0  # here
    return x


def assigns_a_gradient(x: Any) -> Any:
    W.grad = 3.0  # here
    return x


def sweeps_back(x: Any) -> Any:
    out = W * x
    out.backward()  # here
    return out


def formats(x: Any) -> Any:
    return W * len(f"{x:.3f}")  # here


def pickles(x: Any) -> Any:
    return W * len(pickle.dumps(x))  # here


def makes_an_array_of_floats(x: Any) -> Any:
    return W * np.array([x, x], float)[0]  # here


def asks_for_derivatives(x: Any) -> Any:
    return W * square.value_and_grad(x)[0]  # here


def calls_a_compiled_graph(x: Any) -> Any:
    return x * step()  # here


@chainrule.compile
def square(x: Any) -> Any:
    return x * x


step = chainrule.compile(W * W)

CASES: list[tuple[Callable[[Any], Any], str]] = [
    (reads_data, r"`\.data` was read: .* Compute with the Value itself; for a choice write where\(\), maximum\(\) or softmax\(\)"),
    (makes_a_float, r"float\(\) of a Value.* Compute with the Value itself"),
    (uses_math, r"float\(\) of a Value, perhaps by a function of `math` or NumPy: .* use chainrule's exp\(\), log\(\)"),
    (makes_an_integer, r"int\(\) of a Value: an index must itself be an argument of integers\. Write take\(values, index\) or one_hot"),
    (asks_if, r"used as a condition: .* Write where\(greater\(a, b\), x, y\), maximum\(a, b\) or minimum\(a, b\)"),
    (asks_not, r"used as a condition: .* Write where\(greater"),
    (compares_less, r"two Values were compared by <: .* Write where\(greater"),
    (compares_at_most, r"two Values were compared by <=: .* Write where\(greater"),
    (compares_greater, r"two Values were compared by [<>]: .* Write where\(greater"),
    (compares_at_least, r"two Values were compared by >=: .* Write where\(greater"),
    (compares_equal, r"compared by == or != .* Write where\(equal\(a, b\), x, y\)"),
    (compares_unequal, r"compared by == or != .* Write where\(equal\(a, b\), x, y\)"),
    (is_one_of, r"compared by == or != .* Write where\(equal\(a, b\), x, y\)"),
    (takes_the_max, r"two Values were compared by [<>]: .* maximum\(a, b\)"),
    (sorts, r"two Values were compared by [<>]: .* Write where"),
    (indexes_a_list, r"a Value was used as an index .* write take\(values, index\) or one_hot\(index, count\)"),
    (counts, r"a Value was used as an index or a count, which must be known numbers"),
    (assigns_data, r"`\.data` was assigned: that would happen once, while tracing, and never again. Do it outside the function"),
    (assigns_a_gradient, r"`\.grad` was assigned: .* Do it outside the function"),
    (sweeps_back, r"backward\(\) was called: return the loss, and call backward\(\) on what the compiled function returns"),
    (formats, r"`\.data` was read"),
    (pickles, r"`\.data` was read"),
    (makes_an_array_of_floats, r"float\(\) of a Value"),
    (
        asks_for_derivatives,
        r"value_and_grad\(\) of the compiled square was called, but its results would be constants\. Call square itself",
    ),
    (calls_a_compiled_graph, r"a compiled graph was called, but its result would be a constant\. Call the function that makes the graph"),
]


def line_of(function: Callable[..., Any]) -> str:
    """Where the line of a function is that says `# here`."""
    lines, first = inspect.getsourcelines(function)
    (offset,) = [number for number, line in enumerate(lines) if "# here" in line]
    return f"{__file__}, line {first + offset}: {lines[offset].strip()}"


def assert_sound() -> None:
    """That no trace has left anything behind."""
    assert (W.data, float(W), W < 3.0, bool(W)) == (2.0, 2.0, True, True)
    leaf = Value(1.0)
    product = leaf * 3.0
    product.backward()
    assert leaf.grad == 3.0
    assert chainrule.compile(leaf * leaf).parameters == [leaf]  # it counts as a parameter, not as a number of the program


@pytest.mark.parametrize(("function", "message"), CASES, ids=lambda case: getattr(case, "__name__", ""))
@pytest.mark.parametrize("batch", [None, "mean"], ids=["whole", "batch"])
def test_looking_at_a_number_names_the_line_and_the_replacement(function: Callable[[Any], Any], message: str, batch: str | None) -> None:
    compiled = chainrule.compile(function, batch=batch) if batch else chainrule.compile(function)
    for _ in range(2):  # the second call does not find half a trace
        with pytest.raises(TraceError, match=message) as caught:
            compiled([1.0, 2.0] if batch else 1.0)
        assert str(caught.value).endswith(line_of(function))
        assert_sound()
    assert compiled.cache_info().currsize == 0


@pytest.mark.parametrize("function", [indexes_a_list, counts], ids=lambda function: function.__name__)
def test_an_argument_of_integers_is_no_index_of_lists_either(function: Callable[[Any], Any]) -> None:
    with pytest.raises(TraceError, match=r"a traced integer was used as an index: .* Write take\(values, index\)") as caught:
        chainrule.compile(function)(1)
    assert str(caught.value).endswith(line_of(function))


def test_indexing_an_array_by_a_value() -> None:
    def index(x: Any, i: Any) -> Any:
        return x[i]  # here

    for i in (1, 1.0):
        with pytest.raises(TraceError, match=r"was used as an index.* [Ww]rite take\(values, index\)") as caught:
            chainrule.compile(index)(np.ones(3), i)
        assert str(caught.value).endswith(line_of(index))
    assert_sound()


def test_the_line_is_the_users_though_numpy_did_it() -> None:
    def largest(x: Any) -> Any:
        return x.max()  # here

    with pytest.raises(TraceError, match="were compared by") as caught:
        chainrule.compile(largest)(np.ones(3))
    assert str(caught.value).endswith(line_of(largest))


def test_the_line_is_that_of_a_helper_which_the_function_calls() -> None:
    with pytest.raises(TraceError) as caught:
        chainrule.compile(lambda x: [makes_a_float(a) for a in x])([1.0])
    assert str(caught.value).endswith(line_of(makes_a_float))


def test_a_trace_error_is_a_type_error() -> None:
    assert issubclass(TraceError, TypeError)
    assert chainrule.TraceError is TraceError


def test_errors_of_the_functions_own_come_out_as_they_are() -> None:
    def fails(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        chainrule.compile(fails)(1.0)
    assert_sound()
    with pytest.raises(TypeError, match="unsupported operand") as caught:
        chainrule.compile(lambda x: x + "a")(1.0)
    assert not isinstance(caught.value, TraceError)
    with pytest.raises(IndexError, match="list index out of range"):
        chainrule.compile(lambda x: [x][1])(1.0)


def test_arguments_are_not_compared_with_each_other() -> None:
    for compare in (lambda x: x[0] == x[1], lambda x: x[0] != x[1], lambda x: x[0] in x[1:]):
        with pytest.raises(TraceError, match="compared by == or != with a number or another argument"):
            chainrule.compile(lambda x, compare=compare: x[0] if compare(x) else x[1])([1.0, 1.0])
        with pytest.raises(TraceError, match="compared by == or !="):
            chainrule.compile(lambda x, compare=compare: x[0] if compare(x) else x[1], batch=None)([[1, 1]])


def test_what_asks_nothing_is_allowed() -> None:
    def harmless(x: Any) -> Any:
        assert repr(x).endswith("(data=1.5, grad=0.0)")
        assert x == x
        assert x != W
        assert x in {x}
        assert x.grad == 0.0
        x.label = "x"
        return abs(-x) + W

    assert chainrule.compile(harmless)(1.5).data == 3.5


def test_other_threads_may_look_at_numbers_meanwhile() -> None:
    traced, looked = threading.Event(), threading.Event()
    found: list[Any] = []

    def look() -> None:
        traced.wait(10.0)
        try:
            v = Value(3.0)
            product = v * W
            product.backward()
            found.extend([W.data, float(W), W > 1.0, v.grad, bool(v), chainrule.Value(1.0) < 2.0])
        except BaseException as error:
            found.append(error)
        looked.set()

    def slow(x: Any) -> Any:
        traced.set()
        assert looked.wait(10.0)
        return W * x

    thread = threading.Thread(target=look)
    thread.start()
    assert chainrule.compile(slow)(3.0).data == 6.0
    thread.join()
    assert found == [2.0, 2.0, True, 2.0, True, True]


def test_other_threads_may_compile_meanwhile() -> None:
    """They trace at the same time."""
    started = threading.Event()

    def traced(x: Any) -> Any:
        started.set()
        return sum((W * x + float(k)).tanh() for k in range(300))

    functions = [chainrule.compile(traced) for _ in range(4)]
    found: list[float] = []
    threads = [threading.Thread(target=lambda function=function: found.append(function(0.5).data)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert close(found, [traced(0.5).data] * 4)
    assert_sound()


def test_a_trace_in_a_forked_process_is_watched_too() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other tests have left threads, of Python or of JAX
        child = os.fork()
    if child == 0:
        code = 1
        try:
            chainrule.compile(makes_a_float)(1.0)
        except TraceError:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# --- what to write instead --------------------------------------------------------------------------------------------------------------

INSTEAD: dict[str, Callable[..., Any]] = {
    "where": lambda a, b, c: where(greater(a, b), a * W, c),
    "where equal": lambda a, b, c: where(equal(a, 1.0), b, c * W),
    "maximum": lambda a, b, c: maximum(a, maximum(b, c)) * W,
    "minimum": lambda a, b, c: minimum(a * W, minimum(b, c)),
    "relu": lambda a, b, c: relu(a - b) + (W * c).relu(),
    "abs": lambda a, b, c: abs(a - W * b) + abs(c),
    "softmax": lambda a, b, c: [W * p for p in softmax([a, b, c])],
    "log_softmax": lambda a, b, c: [W * p for p in log_softmax([a, b, c])],
    "logsumexp": lambda a, b, c: logsumexp([a, b * W, c]),
    "binary_cross_entropy": lambda a, b, c: binary_cross_entropy([a * W, b, c], [1, 0, 1]),
}
POINTS = [(1.0, 2.0, 3.0), (3.0, 2.0, 1.0), (-1.0, 0.5, -2.0), (1.0, 1.0, 1.0), (70.0, 80.0, -90.0)]


@pytest.mark.parametrize("name", INSTEAD)
def test_choices_are_the_same_eagerly_and_compiled(name: str) -> None:
    """On plain numbers, on Values, compiled, and compiled for a batch."""
    function = INSTEAD[name]
    compiled, each = chainrule.compile(function), chainrule.compile(function, batch=None)

    def total(*point: Any) -> Any:
        result = function(*point)
        return sum(result) if isinstance(result, list) else result

    of_batch = each(*map(np.array, zip(*POINTS, strict=True)))
    for n, point in enumerate(POINTS):
        expected = function(*point)
        numbers = [float(out) for out in (expected if isinstance(expected, list) else [expected])]
        found = compiled(*point)
        assert close(found if isinstance(found, np.ndarray) else float(found), numbers)
        assert close(of_batch[n], numbers)
        values = [Value(x) for x in point]
        out = total(*values)
        out.backward()
        value, gradients = chainrule.compile(total).value_and_grad(*point)
        assert close(value, out.data)
        assert close([float(gradient) for gradient in gradients], [x.grad for x in values])


WITH_INTEGERS: dict[str, Callable[..., Any]] = {
    "take": lambda i: take(TABLE, i) * W,
    "take of numbers": lambda i: take([5.0, 6.0, 7.0], i) * W,
    "take of rows": lambda i: sum(take([[v, v * W] for v in TABLE], i)),
    "one_hot": lambda i: sum(h * v for h, v in zip(one_hot(i, 3), TABLE, strict=True)),
    "cross_entropy": lambda i: cross_entropy([v / 100.0 for v in TABLE], i),
    "softmax of the target": lambda i: -take(softmax([v / 100.0 for v in TABLE]), i).log(),
    "as a number": lambda i: i * TABLE[0] + W**2 * i,
    "a choice": lambda i: where(equal(i, 1), TABLE[1], TABLE[2] * i),
}


@pytest.mark.parametrize("name", WITH_INTEGERS)
def test_integers_choose_the_same_eagerly_and_compiled(name: str) -> None:
    function, leaves = WITH_INTEGERS[name], [W, *TABLE]
    compiled, each = chainrule.compile(function), chainrule.compile(function, batch=None)
    for i in range(3):
        for given in (i, Value(i)):  # eagerly, an integer is decided at once, and a Value is part of the graph
            for leaf in leaves:
                leaf.grad = 0.0
            expected = function(given)
            expected.backward()
            gradients = [leaf.grad for leaf in leaves]
            for leaf in leaves:
                leaf.grad = 0.0
            found = compiled(i)
            found.backward()
            assert close(found.data, expected.data)
            assert close([leaf.grad for leaf in leaves], gradients)
    assert close(each([0, 1, 2, 1]), [function(i).data for i in (0, 1, 2, 1)])
    assert compiled.cache_info().misses == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 3], [0, 0]), r"^tokens\[1\] is 3, but is used as an index into 3 values: it must be a whole number from 0 to 2$"),
        (([0, -1], [0, 0]), r"^tokens\[1\] is -1, but"),
        (([0, 1], [2, 0]), r"^targets\[0\] is 2, but is used as an index into 2 values: it must be a whole number from 0 to 1$"),
        (([0.5, 1.0], [0, 0]), r"^tokens\[0\] is 0\.5, but is used as an index into 3 values: it must be a whole number"),
        (([0.0, math.nan], [0, 0]), r"^tokens\[1\] is nan, but"),
        (([0.0, math.inf], [0, 0]), r"^tokens\[1\] is inf, but"),
    ],
)
@pytest.mark.parametrize("calls_before", [0, 3])
@pytest.mark.parametrize("batch", [None, "mean"], ids=["whole", "batch"])
def test_an_index_out_of_range_names_the_argument_and_the_place(arguments: Any, message: str, calls_before: int, batch: str | None) -> None:
    tokens, targets = map(np.array, arguments)
    ran: list[int] = []

    def one(token: Any, target: Any) -> Any:
        return take(TABLE, token) * cross_entropy([W, 1.0], target)

    def loss(tokens: Any, targets: Any) -> Any:
        ran.append(1)
        return sum(one(token, target) for token, target in zip(tokens, targets, strict=True))

    if batch:

        @chainrule.compile(batch=batch)
        def compiled(tokens: Any, targets: Any) -> Any:
            return one(tokens, targets)
    else:
        compiled = chainrule.compile(loss)
    for _ in range(calls_before):  # from the second on, calls go a shorter way
        compiled(np.zeros_like(tokens), np.zeros_like(targets)).backward()
    with pytest.raises(IndexError, match=message):
        compiled(tokens, targets)
    with pytest.raises(IndexError, match=message):
        compiled.value_and_grad(tokens, targets)


def test_an_index_in_a_matrix_is_named_by_row_and_column() -> None:
    function = chainrule.compile(lambda T: sum(take(TABLE, i) for row in T for i in row))
    with pytest.raises(IndexError, match=r"^T\[1\]\[0\] is 4, but is used as an index into 3 values"):
        function(np.array([[0, 1], [4, 2]]))
    batched = chainrule.compile(lambda T: sum(take(TABLE, i) for i in T), batch="sum")
    with pytest.raises(IndexError, match=r"^T\[1\]\[0\] is 4, but is used as an index into 3 values"):
        batched([[0, 1], [4, 2]])


def test_integers_that_are_only_numbers_have_no_range() -> None:
    function = chainrule.compile(lambda i, k: take(TABLE, i) + k)
    assert function(2, -50).data == 50.0


# --- programs in which no arrays are found ----------------------------------------------------------------------------------------------


def irregular(x: Any) -> Any:
    """Thousands of operations, no two alike."""
    rng = random.Random(1)
    values = [x, x * 2.0]
    for _ in range(4000):
        a, b = rng.choice(values), rng.choice(values)
        values.append(rng.choice([lambda a, b: a * b, lambda a, b: (a + b).tanh(), lambda a, b: a - 0.5 * b])(a, b).tanh() * W)
    return sum(values[-30:])


TOLD = r"irregular was not compiled and runs on the eager engine, with the same numbers: \d?\d,\d{3} nodes became \d,\d{3} statements"


@pytest.fixture
def eagerly() -> tuple[float, float, float]:
    """The result for 0.3 with its derivatives with respect to x and W."""
    x = Value(0.3)
    out = irregular(x)
    out.backward()
    return out.data, x.grad, W.grad


def test_an_irregular_function_runs_eagerly_with_one_warning(eagerly: tuple[float, float, float]) -> None:
    compiled = chainrule.compile(irregular)
    with pytest.warns(CompileWarning, match=TOLD) as caught:
        found = compiled(0.3)
    assert [warning.filename for warning in caught] == [__file__]
    found.backward()
    assert (found.data, W.grad) == (eagerly[0], eagerly[2])
    assert compiled(0.3).data == eagerly[0]  # warnings are errors here: there is no second one
    value, (of_x,) = compiled.value_and_grad(0.3)
    assert (value, float(of_x)) == eagerly[:2]
    x = Value(0.3)
    with pytest.warns(CompileWarning):
        compiled([x][0:1][0])
    assert compiled.program is None
    compiled(x).backward()
    assert x.grad == eagerly[1]


def test_an_irregular_graph_runs_eagerly_with_one_warning(eagerly: tuple[float, float, float]) -> None:
    x = Value(0.7)
    graph = irregular(x)
    with pytest.warns(CompileWarning, match=TOLD.replace("irregular", "this graph")) as caught:
        step = chainrule.compile(graph)
    assert [warning.filename for warning in caught] == [__file__]
    x.data = 0.3
    assert (step(), x.grad, W.grad) == eagerly
    assert set(step.parameters) == {x, W}
    assert repr(step) == "<graph that runs eagerly>"


def test_an_irregular_function_of_one_sample(eagerly: tuple[float, float, float]) -> None:
    with pytest.warns(CompileWarning, match=TOLD):
        loss = chainrule.compile(irregular, batch="mean")([0.3, 0.3])
    loss.backward()
    assert close([loss.data, W.grad], [eagerly[0], eagerly[2]])
    each = chainrule.compile(lambda x: {"both": [irregular(x), x]}, batch=None)
    with pytest.warns(CompileWarning):
        assert np.array_equal(each([0.3, 0.3])["both"], [[eagerly[0], 0.3]] * 2)
    several = chainrule.compile(irregular, batch="sum")
    with pytest.warns(CompileWarning):
        value, (of_x,) = several.value_and_grad([0.3, 0.3])
    assert close([value, *of_x], [2 * eagerly[0], eagerly[1], eagerly[1]])


def test_an_irregular_function_by_name_and_with_arrays() -> None:
    def shaped(x: Any, *, scale: Any) -> Any:
        return irregular(x[0, 0]) * scale[1]

    compiled = chainrule.compile(shaped)
    with pytest.warns(CompileWarning, match=r"shaped was not compiled"):
        found = compiled(np.array([[0.3]]), scale=[1.0, 3.0])
    x = Value(0.3)
    expected = irregular(x) * 3.0
    expected.backward()
    assert found.data == expected.data
    value, (of_x, of_scale) = compiled.value_and_grad(np.array([[0.3]]), scale=[1.0, 3.0])
    assert (value, of_x.tolist(), of_scale.tolist()) == (expected.data, [[x.grad]], [0.0, expected.data / 3.0])


def test_training_an_irregular_function() -> None:
    w = Value(0.5)

    def loss(x: Any) -> Any:
        return (irregular(w * x) - 1.0) ** 2

    with pytest.warns(CompileWarning):
        history = fit(chainrule.compile(loss, batch="mean"), ([0.3, 0.4],), optimizer=SGD([w], lr=1e-3), steps=2)
    twin = Value(0.5)
    expected = fit(
        lambda X: sum((irregular(twin * x) - 1.0) ** 2 for x in X) / len(X), ([0.3, 0.4],), optimizer=SGD([twin], lr=1e-3), steps=2
    )
    assert close(history.loss, expected.loss)
    assert close(w.data, twin.data)


@pytest.mark.parametrize(
    "function", [lambda i: {0: Value(1.0), 1: Value(2.0)}[i], lambda i: Value(2.0 if i in {1, 2} else 1.0)], ids=["dict", "set"]
)
def test_looking_up_an_integer_is_refused(function: Any) -> None:
    with pytest.raises(TraceError, match=r"a traced integer was looked up in a dict or a set.*write take\(values, index\)"):
        chainrule.compile(function)(np.array(1))


@pytest.mark.parametrize("count", [600, pytest.param(2000, marks=pytest.mark.slow)])
def test_a_sum_of_hundreds_of_unlike_terms_is_compiled(count: int) -> None:
    rng = random.Random(3)
    functions = [chainrule.exp, chainrule.tanh, chainrule.sin, chainrule.cos, lambda a: a * a, lambda a: (a * a + 1.0).log()]
    leaves = [Value(rng.uniform(-1, 1)) for _ in range(count)]
    loss = sum(rng.choice(functions)(rng.choice(functions)(a) * rng.choice(leaves)) for a in leaves)
    loss.backward()
    expected = [a.grad for a in leaves]
    compiled = chainrule.compile(loss)
    for leaf in leaves:
        leaf.grad = 0.0
    assert close(compiled(), loss.data)
    assert close([a.grad for a in leaves], expected)


def test_a_computed_index_is_not_compiled() -> None:
    function = chainrule.compile(lambda i: take(TABLE, i + 1))
    with pytest.warns(CompileWarning, match=r"the index of take\(\) is computed; only an argument of integers can be compiled"):
        assert function(1).data == 100.0


# --- all at once, and Values around arguments -------------------------------------------------------------------------------------------


def looks_here_and_there(x: Any, k: Any) -> Any:
    number = x.data  # 1
    if x > 0.0:  # 2
        number += float(x)  # 3
    for _ in range(k):  # 4
        number += TABLE[int(k)].data  # 5
    return W * number if x != 1.0 else max(x, W)  # 6


def test_all_that_a_function_looks_at_is_told_at_once() -> None:
    with pytest.raises(TraceError) as caught:
        chainrule.compile(looks_here_and_there)(0.5, 1)
    told = str(caught.value)
    lines, first = inspect.getsourcelines(looks_here_and_there)
    for number, line in enumerate(lines):
        if "# " in line:
            place = f"{__file__}, line {first + number}: {line.strip()}"
            assert place in told
            assert told.count(place) == (2 if "# 5" in line else 1)  # int() and .data
    for advice in ("`.data` was read", "compared by >", "float() of a Value", "was used as an index", "int() of a Value", "compared by =="):
        assert told.count(advice) == 1
    assert_sound()


def test_what_fails_after_a_look_is_told_with_it() -> None:
    def fails(x: Any) -> Any:
        return [W][len(f"{x:.1f}")]  # here

    with pytest.raises(TraceError, match=r"`\.data` was read") as caught:
        chainrule.compile(fails)(1.0)
    assert isinstance(caught.value.__cause__, IndexError)
    assert str(caught.value).endswith(line_of(fails))


def test_a_look_whose_error_is_caught_is_told_all_the_same() -> None:
    def catches(x: Any) -> Any:
        try:
            W.data = 3.0  # here
        except TypeError:
            return W * 2.0
        return x

    with pytest.raises(TraceError, match=r"`\.data` was assigned") as caught:
        chainrule.compile(catches)(1.0)
    assert str(caught.value).endswith(line_of(catches))
    assert W.data == 2.0


def test_a_loop_that_looks_and_never_ends_is_ended() -> None:
    def loops(x: Any) -> Any:
        while x > 0.0:  # here
            x = x * 1.0
        return x

    with pytest.raises(TraceError, match="compared by >") as caught:
        chainrule.compile(loops)(1.0)
    assert str(caught.value).endswith(line_of(loops))


def test_a_value_around_an_argument_is_the_argument() -> None:
    """As in programs that wrap every input: with plain numbers it makes a leaf, traced it is the number that was passed."""

    class Own(Value):
        pass

    def total(xs: Any, k: Any) -> Any:
        wrapped = [Value(x * 2.0 - 1.0) if n % 2 else Own(x, label="x") for n, x in enumerate(xs)]
        return sum((W * x * x for x in wrapped), Value(0.0)) + take(TABLE, Value(k)) * Value(xs[0])

    xs = [1.0, -2.0, 3.0, 0.5]
    plain = [Value(x) for x in xs]
    W.grad = 0.0
    expected = 2.0 * (1.0 + 25.0 + 9.0 + 0.0) + 10.0
    compiled = chainrule.compile(total)
    for _ in range(3):
        found = compiled(np.array(xs), 1)
        found.backward()
        assert close([found.data, W.grad], [expected, 35.0])
    value, (slopes, _) = compiled.value_and_grad(xs, 1)
    assert close(value, expected)
    assert close(slopes, [4.0 * 1.0 + 10.0, 8.0 * -5.0, 4.0 * 3.0, 0.0])
    assert close(compiled(plain, 1).data, expected)
    batched = chainrule.compile(lambda x: Value(x) * W, batch="mean")
    assert close(batched(xs).data, 2.0 * sum(xs) / 4)
    for refused in (lambda x: Value(W) * x, lambda x: Value(W * 2.0) * x):
        with pytest.raises(TypeError, match="is a Value already"):
            chainrule.compile(refused)(1.0)
    assert_sound()
    with pytest.raises(TypeError, match="is a Value already"):
        Value(W)


def test_a_value_around_an_argument_on_the_eager_engine() -> None:
    compiled = chainrule.compile(lambda x: irregular(Value(x)) + Value(x * 2.0))
    with pytest.warns(CompileWarning):
        value, (slope,) = compiled.value_and_grad(0.3)
    x = Value(0.3)
    expected = irregular(x) + x * 2.0
    expected.backward()
    assert (value, float(slope)) == (expected.data, x.grad)
