"""`numerical_derivative` with its orders of error, and `check_gradients`, which must find a wrong derivative and pass a right one."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from chainrule import check_gradients, numerical_derivative


def test_the_notebook_example() -> None:
    assert numerical_derivative(lambda x: 3 * x**2 - 4 * x + 5, 3.0) == pytest.approx(14.0, abs=1e-5)
    assert numerical_derivative(lambda x: 3 * x**2 - 4 * x + 5, 2 / 3, 1e-6, central=True) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize(("central", "order"), [(False, 1), (True, 2)])
def test_the_error_shrinks_with_the_known_power_of_the_step(central: bool, order: int) -> None:
    errors = [abs(numerical_derivative(math.exp, 1.0, h, central=central) - math.e) for h in (1e-2, 5e-3, 2.5e-3)]
    for larger, smaller in itertools.pairwise(errors):
        assert larger / smaller == pytest.approx(2**order, rel=0.01)


def test_steps_may_be_negative_but_not_zero_and_numbers_of_any_kind(Value: type) -> None:
    assert numerical_derivative(abs, 0, -1e-3) == -1.0
    assert numerical_derivative(abs, 0, 1e-3) == 1.0
    assert numerical_derivative(lambda x: Value(x) * 2, 1.0) == pytest.approx(2.0)
    for h in (0, 0.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=rf"^the step h must be a finite number other than 0, got {h!r}$"):
            numerical_derivative(math.exp, 1.0, h)


def test_right_derivatives_pass(Value: type) -> None:
    report = check_gradients(lambda a, b, c: (a * b + c).tanh() * a**2, [0.5, Value(-0.3, label="b"), 1])
    assert report
    assert report.ok
    assert [row.name for row in report.rows] == ["input 0", "b", "input 2"]
    assert all(row.error < 1e-8 for row in report.rows)
    assert str(report).count(": ok") == 3


@pytest.mark.parametrize("size", [1e-150, 1e-6, 1.0, 1e6, 1e150])
def test_right_derivatives_pass_at_any_size(size: float) -> None:
    """Rounding of a large result is not an error of a small derivative."""
    assert check_gradients(lambda a, b: a * size + b, [1.5, 2.5])
    assert check_gradients(lambda a: a * a, [size])


def wrong_sine(factor: float):
    def f(x, y):
        out = type(x)(math.sin(x.data), (x,), "sin")

        def push() -> None:
            x.grad += factor * math.cos(x.data) * out.grad

        out._backward = push
        return out * y

    return f


def test_a_wrong_derivative_is_found_and_told_with_the_input_and_by_how_much(Value: type) -> None:
    with pytest.raises(AssertionError) as caught:
        check_gradients(wrong_sine(1.5), [Value(0.0, label="angle"), 2.0])
    lines = str(caught.value).splitlines()
    assert lines[0] == "1 of 2 gradients are off:"
    assert re.fullmatch(r"angle: backward\(\) gives 3, central differences (2|1\.9999999\d*): OFF by 1", lines[1])
    assert len(lines) == 2
    report = check_gradients(wrong_sine(1.5), [0.0, 2.0], raise_error=False)
    assert not report
    assert [row.ok for row in report.rows] == [False, True]
    assert report.rows[0].error == pytest.approx(1.0)


@pytest.mark.parametrize("factor", [1.0 + 1e-4, 1.0 - 1e-4, -1.0, 0.0, math.nan, math.inf])
def test_small_and_wild_errors_are_found(factor: float) -> None:
    assert not check_gradients(wrong_sine(factor), [0.3, 1.0], raise_error=False)
    assert check_gradients(wrong_sine(1.0), [0.3, 1.0], raise_error=False)


def test_the_tolerance_is_the_users(Value: type) -> None:
    assert check_gradients(wrong_sine(1.001), [0.3, 1.0], rtol=0.01)
    assert check_gradients(wrong_sine(1.001), [0.3, 1.0], atol=0.01)


def test_the_users_own_values_are_left_alone(Value: type) -> None:
    a = Value(2.0, label="a")
    a.grad = 5.0
    check_gradients(lambda x: x * x, [a])
    assert (a.data, a.grad) == (2.0, 5.0)


def test_an_input_that_does_not_matter_is_right_at_zero() -> None:
    assert check_gradients(lambda a, b: a + 0 * b, [1.0, 2.0])
    assert check_gradients(lambda a, b: a, [1.0, 2.0])


def test_wrong_arguments_are_named(Value: type) -> None:
    with pytest.raises(TypeError, match=r"^f must return a Value, got float: 1\.0$"):
        check_gradients(lambda a: a.data, [1.0])
    with pytest.raises(TypeError, match=r"^expected a real number or a Value, got str: '1\.0'$"):
        check_gradients(lambda a: a, ["1.0"])


def test_inputs_that_are_no_list_and_points_that_are_no_number_are_named() -> None:
    with pytest.raises(TypeError, match=r"inputs must be a list .*, got float: 1\.0"):
        check_gradients(lambda x: x, 1.0)
    with pytest.raises(TypeError, match="expected a real number or a Value, got str: '3'"):
        numerical_derivative(lambda x: x, "3")


@pytest.mark.parametrize("central", [False, True])
@pytest.mark.parametrize("x", [0.0, 1e-300, 0.3, -1.0, 1e3, 1e6, -1e9, 1e10, 1e12, 1e100, 1e300])
def test_the_derivative_of_a_line_is_its_slope_wherever_it_is_measured(x: float, central: bool) -> None:
    """The step grows with x, and what is divided by is the step that was made."""
    assert numerical_derivative(lambda t: t, x, central=central) == 1.0
    assert numerical_derivative(lambda t: 3.0 * t, x, central=central) == pytest.approx(3.0, rel=1e-8)
    if x:
        assert numerical_derivative(math.log, abs(x) + 1.0, central=True) == pytest.approx(1.0 / (abs(x) + 1.0), rel=1e-8)


def test_a_step_that_is_made_is_divided_by_and_one_that_is_lost_is_named() -> None:
    assert numerical_derivative(lambda t: t, 1e9, 1e-6) == 1.0
    assert numerical_derivative(lambda t: t, 1e9, 1e-6, central=True) == 1.0
    with pytest.raises(
        ValueError, match=r"^the step h=1e-06 is lost in rounding: x \+ h is x for x=1000000000000\.0; leave h out, or give at least"
    ):
        numerical_derivative(lambda t: t, 1e12, 1e-6)


def scaled(f, scale: float, factor: float = 1.0):
    """`scale * f`, with a derivative that is wrong by a factor."""

    def g(x):
        y = f(x)
        out = type(y)(scale * y.data, (y,), "scale")

        def push() -> None:
            y.grad += factor * scale * out.grad

        out._backward = push
        return out

    return g


@pytest.mark.parametrize("scale", [1e-250, 1e-30, 1e-12, 1e-8, 1.0, 1e8, 1e250])
@pytest.mark.parametrize("x", [1e-3, 0.3, 3.0, 40.0])
def test_gradients_of_every_size_are_checked_as_strictly(scale: float, x: float) -> None:
    for f in (lambda t: t * t, lambda t: t.sin() + 2.0 * t, lambda t: t.tanh() + t.log(), lambda t: (t + 100.0).log() * t):
        assert check_gradients(scaled(f, scale), [x])
        for factor in (0.5, -1.0, 1.001):
            assert not check_gradients(scaled(f, scale, factor), [x], raise_error=False)


@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1.0])
def test_a_derivative_of_0_is_right_where_curvature_or_rounding_moves_the_quotient(scale: float) -> None:
    for f, x in ((lambda t: t**3, 0.0), (lambda t: t.cos(), 0.0), (lambda t: t.sin(), math.pi / 2), (lambda t: (t + 1e3) - 1e3 - t, 0.3)):
        assert check_gradients(scaled(f, scale), [x])
