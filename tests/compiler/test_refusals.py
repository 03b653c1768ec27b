"""What `compile` does not take, it refuses before anything runs: the message names the value, the place and the way out."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import Value, mean

W = Value(2.0)
TAKES = r"must be a number, an array of numbers, or nested lists of them, got "
WAY_OUT = r"pass other objects by closure, as `self`, or with functools\.partial"


@chainrule.compile
def whole(X: Any, y: Any) -> Any:
    return mean((W * x[0] - t) ** 2 for x, t in zip(X, y, strict=True))


@chainrule.compile(batch="mean")
def batched(x: Any, y: Any) -> Any:
    return (W * x[0] - y) ** 2


both = pytest.mark.parametrize("function", [whole, batched], ids=["whole", "batch"])
X, Y = np.ones((3, 2)), np.zeros(3)


def refused(function: Any, *arguments: Any, match: str, kind: type[Exception]) -> None:
    """Check that the function refuses in both of its ways, and has not been traced."""
    before = function.cache_info().misses
    for call in (function, function.value_and_grad):
        with pytest.raises(kind, match=match):
            call(*arguments)
    assert function.cache_info().misses == before


# --- arguments --------------------------------------------------------------------------------------------------------------------------

NOT_NUMBERS: dict[str, tuple[Any, str]] = {
    "a string": ("abc", "str: 'abc'"),
    "None": (None, "NoneType: None"),
    "a dict": ({"a": 1}, r"dict: \{'a': 1\}"),
    "a set": ({1.0}, r"set: \{1.0\}"),
    "a generator": ((x for x in [1.0]), "generator: <generator"),
    "a function": (len, "builtin_function_or_method: <built-in function len>"),
    "a complex number": (1j, "complex: 1j"),
    "a fraction": (Fraction(1, 3), r"Fraction: Fraction\(1, 3\)"),
    "a decimal number": (Decimal("0.1"), r"Decimal: Decimal\('0.1'\)"),
    "strings in a list": (["a", "b", "c"], r"list: \['a', 'b', 'c'\]"),
    "None in a list": ([1.0, None, 2.0], "NoneType: None"),
    "complex numbers in a list": ([1.0, 2j, 3.0], r"list: \[1.0, 2j, 3.0\]"),
    "a date in a list": ([1.0, datetime.date(2020, 1, 2), 2.0], r"date: datetime.date\(2020, 1, 2\)"),
    "an array of complex numbers": (np.ones(3, complex), r"ndarray: array\(\[1.\+0.j"),
    "an array of objects": (np.array([1.0, "a", None], object), "str: 'a'"),
    "an array of strings": (np.array(["a", "b", "c"]), "ndarray: array"),
    "an array of dates": (np.array(["2020-01-01"] * 3, "M8[D]"), "ndarray: array"),
    "an array of records": (np.zeros(3, [("a", float)]), "ndarray: array"),
}


@both
@pytest.mark.parametrize("name", NOT_NUMBERS)
def test_arguments_that_are_no_numbers(function: Any, name: str) -> None:
    given, told = NOT_NUMBERS[name]
    refused(function, X, given, match=f"^y {TAKES}{told}.*{WAY_OUT}", kind=TypeError)


@both
@pytest.mark.parametrize("ragged", [[[1.0, 2.0], [3.0], [4.0, 5.0]], [[1.0], 2.0, [3.0]], [np.ones(2), np.ones(3), np.ones(2)]])
def test_ragged_lists(function: Any, ragged: Any) -> None:
    message = "^[xX] is a list of parts of different lengths, but compiled functions take arrays and regular lists: pad the parts, or"
    refused(function, ragged, Y, match=message, kind=ValueError)


def test_lists_of_values_that_are_ragged() -> None:
    refused(whole, [[W, W], [W]], Y, match="^X is a list of parts of different lengths", kind=ValueError)


def test_samples_without_a_leading_axis() -> None:
    message = r"^y must have a leading axis for the samples, got a single number: 3\.0; put it in a list$"
    refused(batched, X, 3.0, match=message, kind=TypeError)
    refused(batched, X, np.float64(3.0), match="^y must have a leading axis", kind=TypeError)
    refused(batched, X, W, match="^y must have a leading axis", kind=TypeError)


def test_an_empty_batch() -> None:
    message = "^the batch is empty: there is no sample to compute with$"
    refused(batched, np.ones((0, 2)), np.ones(0), match=message, kind=ValueError)
    refused(batched, [], [], match=message, kind=ValueError)


def test_a_batch_of_different_lengths() -> None:
    refused(batched, X, Y[:2], match="^all arguments must have the same number of samples, but x has 3, y has 2$", kind=ValueError)


def test_a_batch_of_nothing() -> None:
    function = chainrule.compile(lambda: W, batch="sum")
    refused(function, match="needs an argument with samples, but was called without any", kind=ValueError)


@pytest.mark.parametrize("arguments", [(), (X,), (X, Y, Y)], ids=["none", "one", "three"])
def test_too_few_or_too_many_arguments(arguments: Any) -> None:
    with pytest.raises(TypeError, match=r"missing \d required positional argument|takes 2 positional arguments but 3 were given"):
        whole(*arguments)
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        whole(X, Y, z=1.0)


def test_an_integer_that_is_too_large() -> None:
    function = chainrule.compile(lambda x: x * W)
    assert function(10**30).data == 2e30
    with pytest.raises(OverflowError, match="this int is too large for a float: 1000"):
        function(10**400)


# --- results ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "it returned NoneType"),
        ("a", "it returned str"),
        ({1.0}, "it returned set"),
        ([1.0, None], "it returned NoneType"),
        ({"a": ["b"]}, "it returned str"),
        (1j, "it returned complex"),
        (len, "it returned builtin_function_or_method"),
    ],
)
def test_results_that_are_no_numbers(result: Any, message: str) -> None:
    def returns(x: Any) -> Any:
        return result

    for options in ({}, {"batch": "mean"}):
        with pytest.raises(TypeError, match=f"^returns must return Values, numbers, or lists, tuples and dicts of them; {message}"):
            chainrule.compile(returns, **options)([1.0])


@pytest.mark.parametrize("result", [[], (), {}, {"a": []}])
def test_results_of_nothing(result: Any) -> None:
    def returns(x: Any) -> Any:
        return result

    with pytest.raises(TypeError, match=r"^returns returned no Value: there is nothing to compute"):
        chainrule.compile(returns)(1.0)


# --- options ----------------------------------------------------------------------------------------------------------------------------

GRAPH = W * W
OPTIONS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: chainrule.compile(3.0), TypeError, r"takes a Value or a function, got float: 3\.0"),
    (lambda: chainrule.compile([GRAPH]), TypeError, r"takes a Value or a function, got list: \[Value"),
    (lambda: chainrule.compile("loss"), TypeError, r"takes a Value or a function, got str: 'loss'"),
    (lambda: chainrule.compile(len, batch="average"), ValueError, "batch must be 'mean', 'sum' or None, got 'average'"),
    (lambda: chainrule.compile(len, batch=32), ValueError, "batch must be 'mean', 'sum' or None, got 32"),
    (lambda: chainrule.compile(GRAPH, batch="mean"), ValueError, "this is a graph; compile the function that makes it"),
    (lambda: chainrule.compile(len, dtype="float16"), ValueError, "dtype must be 'float64' or 'float32', got 'float16'"),
    (lambda: chainrule.compile(GRAPH, dtype=float), ValueError, "dtype must be 'float64' or 'float32', got <class 'float'>"),
    (lambda: chainrule.compile(GRAPH, dtype=np.float32), ValueError, "dtype must be 'float64' or 'float32', got <class"),
    (lambda: chainrule.compile(len, target="cuda"), ValueError, "target must be 'host' or 'generic', got 'cuda'"),
    (lambda: chainrule.compile(len, target=256), ValueError, "target must be 'host' or 'generic', got 256"),
    (lambda: chainrule.compile(len, batch="sum", threads=0), ValueError, "threads must be an integer of 1 or more, got 0"),
    (lambda: chainrule.compile(len, batch="sum", threads=2.0), ValueError, r"threads must be an integer of 1 or more, got 2\.0"),
    (lambda: chainrule.compile(len, threads=2), ValueError, "write the function for one sample and give batch="),
    (lambda: chainrule.compile(batch="average"), ValueError, "batch must be 'mean', 'sum' or None, got 'average'"),
]


@pytest.mark.parametrize(("attempt", "kind", "message"), OPTIONS, ids=[message for *_, message in OPTIONS])
def test_options_that_do_not_exist(attempt: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        attempt()


# --- operations made by hand ------------------------------------------------------------------------------------------------------------


def triple(x: Any) -> Value:
    out = Value(6.0, (x,), "triple")

    def push() -> None:
        x.grad += 3.0 * out.grad

    out._backward = push
    return out


def test_an_operation_made_by_hand_cannot_be_compiled() -> None:
    message = r"^'triple' was made by hand: its _backward is a Python function, which cannot be compiled\. Write it with the operations of"
    with pytest.raises(TypeError, match=message):
        chainrule.compile(triple(W) * 2.0)
    with pytest.raises(TypeError, match=message):
        chainrule.compile(lambda x: triple(x) + W)(1.0)
    out = triple(W)
    out.backward()
    assert W.grad == 3.0


def test_the_result_of_a_compiled_function_in_a_graph() -> None:
    message = r"^the graph contains the result of a compiled function, and compile\(\) cannot see how it was computed. Compile"
    with pytest.raises(TypeError, match=message):
        chainrule.compile(whole(X, Y) + W * W)
