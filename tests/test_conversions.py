"""A Value that becomes a plain number: silent where the number is meant, and told where its gradient is lost."""

from __future__ import annotations

import array
import cmath
import functools
import json
import math
import statistics
import struct
import sys
import warnings
from collections.abc import Callable
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest

from chainrule import GradientWarning, conversions

m = math
FUNCTIONS = {"exp": math.exp}


class Holder:
    """Keeps a function where a name alone does not lead to it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


def through(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def stored(v: Any) -> Any:
    numbers = np.zeros(3)
    numbers[0] = v
    return numbers


def stored_slice(v: Any) -> Any:
    numbers = np.zeros(3)
    numbers[0:2] = [v, v]
    return numbers


def looped(v: Any) -> Any:
    total = 0.0
    for x in map(math.exp, [v, v]):
        total += x
    return total


def looped_later(v: Any) -> Any:
    results = map(math.exp, [v])
    return [x for x in results]  # noqa: C416


LOST: dict[str, Callable[[Any], Any]] = {
    "math.exp": lambda v: math.exp(v),
    "another name of math": lambda v: m.exp(v),
    "from math": lambda v: exp(v),
    "in an expression": lambda v: 2.0 * exp(v) + 1.0,
    "within print": lambda v: max(0.0, sqrt(v)),
    "two arguments": lambda v: math.hypot(v, 1.0),
    "pow": lambda v: math.pow(v, 2),
    "starred": lambda v: math.hypot(*[v, v]),
    "fsum": lambda v: math.fsum([v, v]),
    "map": lambda v: list(map(math.exp, [v])),
    "max of a map": lambda v: max(map(math.exp, [v, v])),
    "starred map": lambda v: [*map(math.exp, [v])],
    "unpacked map": lambda v: (lambda pair: pair)(*map(math.exp, [v])),
    "key": lambda v: sorted([v, v], key=math.exp),
    "reduce": lambda v: functools.reduce(math.hypot, [v, v]),
    "partial": lambda v: functools.partial(math.pow, 2.0)(v),
    "argument": lambda v: through(math.exp, v),
    "attribute": lambda v: Holder(math.exp).function(v),
    "dictionary": lambda v: FUNCTIONS["exp"](v),
    "comprehension": lambda v: [math.exp(x) for x in (v, v)],
    "generator": lambda v: sum(math.exp(x) for x in (v, v)),
    "loop": looped,
    "loop over a map made before": looped_later,
    "cmath": lambda v: cmath.exp(v),
    "statistics": lambda v: statistics.fmean([v, v]),
    "np.float64": lambda v: np.float64(v),
    "np.float32": lambda v: np.float32(v),
    "np.array": lambda v: np.array([v, v], dtype=float),
    "np.asarray": lambda v: np.asarray([v], np.float64),
    "np.fromiter": lambda v: np.fromiter([v], float),
    "np.full": lambda v: np.full(2, v, dtype=float),
    "np.interp": lambda v: np.interp(v, [0.0, 1.0], [0.0, 2.0]),
    "array[0] = v": stored,
    "array[0:2] = [v, v]": stored_slice,
    "fill": lambda v: np.zeros(2).fill(v),
    "astype": lambda v: np.array([v], dtype=object).astype(float),
    "after a silent one": lambda v: (float(v), math.exp(v)),
    "before a silent one": lambda v: (math.exp(v), float(v)),
    "within a silent one": lambda v: float(math.exp(v)),
    "exec": lambda v: exec("import math\nx = math.exp(v)", {"v": v}),
    "eval": lambda v: eval("exp(v)", {"v": v, "exp": exp}),
}


class Numbers:
    """A container of the user's own that has methods named as those of math."""

    def exp(self, v: Any) -> float:
        return float(v)


MEANT: dict[str, Callable[[Any], Any]] = {
    "float": lambda v: float(v),
    "map of float": lambda v: list(map(float, [v, v])),
    "sum of floats": lambda v: sum(map(float, [v, v])),
    "float of a sum beside math": lambda v: float(v) + math.exp(1.0),
    "float as an argument of math": lambda v: math.exp(float(v)),
    "data as an argument of math": lambda v: math.exp(v.data),
    "int": lambda v: int(v),
    "complex": lambda v: complex(v),
    "round": lambda v: round(float(v), 2),
    "f-string": lambda v: f"{v:.3f} {v} {v!r}",
    "percent": lambda v: "%.3f %s" % (v, v),  # noqa: UP031
    "percent beside math": lambda v: "%.3f %.3f" % (v, math.exp(1.0)),  # noqa: UP031
    "format": lambda v: format(v, ".3f"),
    "str.format": lambda v: "{:.3f} {:.2f}".format(v, math.pi),  # noqa: UP032
    "print": lambda v: str(v) + repr(v),
    "compare": lambda v: (v < 1.0, v > math.pi, v < np.float64(2.0), min(v, 3.0)),
    "isnan": lambda v: (math.isnan(v), math.isfinite(v), math.isinf(v), math.isclose(v, 0.5)),
    "isnan of a map": lambda v: all(map(math.isfinite, [v])),
    "floor": lambda v: (math.floor(v), math.ceil(v), math.trunc(float(v))),
    "a method of the user's": lambda v: Numbers().exp(v),
    "struct": lambda v: struct.pack("d", v),
    "array": lambda v: array.array("d", [v]),
    "json": lambda v: json.dumps([float(v)]),
    "object array": lambda v: np.array([v, v], dtype=object),
    "float in an array": lambda v: np.array([float(v)], dtype=float),
}


@pytest.mark.parametrize("lose", LOST.values(), ids=LOST.keys())
def test_a_lost_gradient_is_told(lose: Callable[[Any], Any], Value: type) -> None:
    for _ in range(3):
        with pytest.warns(
            GradientWarning, match=r"turned a Value into a plain number, so its gradient is lost; write .*, or v.data"
        ) as told:
            lose(Value(0.5))
        assert all(each.filename in (__file__, "<string>") for each in told)


@pytest.mark.parametrize("mean", MEANT.values(), ids=MEANT.keys())
def test_a_number_that_is_meant_is_had_in_silence(mean: Callable[[Any], Any], Value: type) -> None:
    for _ in range(3):
        mean(Value(0.5))


def test_the_message_says_what_to_write(Value: type) -> None:
    for lose, text in (
        (lambda v: math.exp(v), r"^math.exp\(\) turned .*; write chainrule.exp\(v\), or v.data if you want only the number$"),
        (lambda v: math.pow(v, 2), r"write v \*\* w, or"),
        (lambda v: np.float64(v), r"^numpy.float64\(\) turned"),
    ):
        with pytest.warns(GradientWarning, match=text):
            lose(Value(0.5))


def test_a_line_is_told_of_once_and_each_line_of_its_own(Value: type) -> None:
    v = Value(0.5)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default", GradientWarning)
        for _ in range(3):
            math.exp(v)
            math.sqrt(v)
            float(v)
    assert [each.lineno - told[0].lineno for each in told] == [0, 1]


def test_one_place_may_take_a_number_now_and_a_function_then(Value: type) -> None:
    v = Value(0.5)
    for function in (float, math.isfinite, math.exp, float, math.sqrt):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", GradientWarning)
            function(v)
        assert len(told) == (function in (math.exp, math.sqrt)), function


def test_a_place_where_the_number_is_meant_is_looked_at_once(Value: type) -> None:
    v = Value(0.5)
    looks = []
    conversions._silent.clear()  # what the other engines that are written in Python know of this very place
    conversions.recent.clear()

    def count(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.endswith("conversions.py"):
            looks.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for _ in range(100):
            float(v)
            "%.2f" % v  # noqa: UP031
    finally:
        sys.setprofile(before)
    assert looks.count("look") == 2
