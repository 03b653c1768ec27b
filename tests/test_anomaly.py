"""`detect_anomaly`: the first nan or infinity stops the program, in either direction, at the line that made it."""

from __future__ import annotations

import inspect
import math
import re
import threading
from typing import Any

import pytest

import chainrule
from chainrule import detect_anomaly, grad


def line() -> int:
    """The number of the line it is called from."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_a_result_that_is_not_finite_stops_at_its_line(Value: type) -> None:
    x = Value(0.0, label="x")
    with pytest.raises(FloatingPointError) as caught, detect_anomaly():
        y, here = x.log(), line()  # noqa: F841
    here = line() - 1
    text = str(caught.value)
    assert text.startswith("'log' made -inf from x = 0.0\n")
    assert text.endswith(f"{__file__}, line {here}: y, here = x.log(), line()  # noqa: F841")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda a, b: a / b, "'/' made inf from leaf = 1.0, b = 0.0"),
        (lambda a, b: a * b * math.inf, "'*' made nan from * = 0.0, leaf = inf"),
        (lambda a, b: (a * 1000).exp(), "'exp' made inf from * = 1000.0"),
        (lambda a, b: a + math.inf, "'+' made inf from leaf = 1.0, leaf = inf"),
        (lambda a, b: math.inf + a, "'+' made inf from leaf = inf, leaf = 1.0"),
        (lambda a, b: b**-1, "'**-1' made inf from b = 0.0, -1.0"),
        (lambda a, b: a - math.nan, "'-' made nan from leaf = 1.0, leaf = nan"),
        (lambda a, b: chainrule.sqrt(-a), "'sqrt' made nan from neg = -1.0"),
        (lambda a, b: type(a)(math.nan, (a,), "mine"), "'mine' made nan from leaf = 1.0"),
        (lambda a, b: chainrule.softmax([a, b + math.inf]), "'+' made inf from b = 0.0, leaf = inf"),
    ],
)
def test_every_way_to_make_a_node_is_watched(make: Any, told: str, Value: type) -> None:
    a, b = Value(1.0), Value(0.0, label="b")
    make(a, b)
    with detect_anomaly(), pytest.raises(FloatingPointError, match=f"^{re.escape(told)}\n{re.escape(__file__)}, line "):
        make(a, b)
    make(a, b)


def test_leaves_and_finite_results_pass(Value: type) -> None:
    with detect_anomaly():
        a = Value(math.nan)
        b = Value(2.0)
        (b * 3 - 1).tanh().backward()
    assert math.isnan(a.data)
    assert b.grad != 0.0


def test_a_gradient_that_is_not_finite_stops_backward_at_the_nodes_line(Value: type) -> None:
    x = Value(0.0, label="x")
    with detect_anomaly():
        y, here = x.sqrt(), line()
        with pytest.raises(FloatingPointError) as caught:
            y.backward()
    assert str(caught.value) == (
        "in backward(), the gradient of x = 0.0 became inf: 'sqrt' passed it on, and its own gradient is 1.0\n"
        f"{__file__}, line {here}: y, here = x.sqrt(), line()"
    )


def test_a_node_made_before_says_so(Value: type) -> None:
    y = Value(0.0).sqrt()
    y.backward()
    with (
        detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"\nthe node was made before detect_anomaly\(\) was entered; build the graph inside"),
    ):
        y.backward()


def test_a_gradient_that_overflows_by_adding_up_is_found(Value: type) -> None:
    a = Value(0.0, label="a")
    with detect_anomaly():
        out = a * 1e308 + a * 1e308
        with pytest.raises(FloatingPointError, match=r"of a = 0\.0 became inf: '\*' passed it on, and its own gradient is 1\.0"):
            out.backward()


def test_grad_is_watched_too(Value: type) -> None:
    x = Value(0.0, label="x")
    with detect_anomaly():
        y = x.sqrt()
        with pytest.raises(FloatingPointError, match=r"'/' made inf from leaf = 0\.5, sqrt = 0\.0"):
            grad(y, x)


def test_blocks_nest_and_everything_is_restored(Value: type) -> None:
    before = {name: vars(Value)[name] for name in ("__init__", "__add__", "__mul__", "_apply")}
    with detect_anomaly():
        with detect_anomaly(), pytest.raises(FloatingPointError):
            Value(0.0).log()
        with pytest.raises(FloatingPointError):
            Value(0.0).log()
    assert Value(0.0).log().data == -math.inf
    with pytest.raises(ZeroDivisionError), detect_anomaly():
        1 / 0  # noqa: B018
    assert Value(0.0).log().data == -math.inf
    assert {name: vars(Value)[name] for name in before} == before


def test_accumulated_gradients_survive_an_anomaly(Value: type) -> None:
    x = Value(0.0)
    (x * 3).backward()
    with detect_anomaly(), pytest.raises(FloatingPointError):
        x.sqrt().backward(accumulate=True)
    assert x.grad == 3.0


def test_code_without_a_file_is_still_placed(Value: type) -> None:
    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"\n<typed>, line 2$"):
        exec(compile("\nx.log()", "<typed>", "exec"), {"x": Value(0.0)})


def test_many_threads_may_enter_and_leave(Value: type) -> None:
    def work() -> None:
        for _ in range(200):
            with detect_anomaly():
                assert (Value(1.0) * 2).data == 2.0

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Value(0.0).log().data == -math.inf


def test_subclasses_and_user_attributes_live_inside(Value: type) -> None:
    class Better(Value):  # type: ignore[misc,valid-type]
        pass

    with detect_anomaly():
        out = Better(2.0) * 3
        out.colour = "red"
        out.backward()
        with pytest.raises(FloatingPointError):
            out * math.inf
    assert type(out) is Better


# --- masked numbers, and nan alone ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: chainrule.softmax([a, b])[1],
        lambda a, b: chainrule.log_softmax([a, b])[1],
        lambda a, b: chainrule.logsumexp([a, b]),
        lambda a, b: chainrule.softmax([b, a, b])[0],
        lambda a, b: chainrule.cross_entropy([[a, b], [b, a]], [1, 0]),
    ],
)
def test_masked_numbers_may_go_through_a_softmax(function: Any, Value: type) -> None:
    with detect_anomaly():
        a, b = Value(-math.inf), Value(0.5)
        function(a, b).backward()
    assert math.isfinite(a.grad)
    assert math.isfinite(b.grad)


def test_what_a_softmax_makes_of_infinities_that_are_no_mask_still_stops(Value: type) -> None:
    with detect_anomaly(), pytest.raises(FloatingPointError, match="'/' made nan from "):
        chainrule.softmax([Value(-math.inf), Value(-math.inf)])
    with detect_anomaly(), pytest.raises(FloatingPointError, match="made nan from "):
        chainrule.softmax([Value(math.inf), Value(1.0)])
    with detect_anomaly(), pytest.raises(FloatingPointError, match="'-' made inf from "):
        chainrule.cross_entropy([[Value(-math.inf), Value(1.0)]], [0])
    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"'\*' made -inf from "):
        chainrule.log_softmax([Value(-math.inf), Value(1.0)])[0] * 2.0


def test_infinities_pass_where_only_nan_is_watched(Value: type) -> None:
    with detect_anomaly(nan_only=True):
        x = Value(0.0, label="x")
        y = x.log() + x.sqrt()
        y.backward()
        assert (y.data, x.grad) == (-math.inf, math.inf)
        with pytest.raises(FloatingPointError, match=r"'\*' made nan from log = -inf, x = 0\.0"):
            x.log() * x
        with detect_anomaly(), pytest.raises(FloatingPointError, match="'log' made -inf"):
            x.log()
        with pytest.raises(FloatingPointError, match=r"in backward\(\), the gradient of x = 0\.0 became nan: 'sqrt'"):
            (x.sqrt() * 0.0).backward()
        x.log()


def test_nothing_that_a_choice_leaves_out_stops_backward(Value: type) -> None:
    with detect_anomaly(nan_only=True):
        x = Value(0.0)
        y = chainrule.where(chainrule.greater(x.sqrt(), 1.0), x.sqrt(), 3.0 * x)
        y.backward()
    assert x.grad == 3.0
    with detect_anomaly():
        x = Value(0.0)
        chainrule.maximum(x.sqrt(), 3.0 * x + 1.0).backward()
    assert x.grad == 3.0
