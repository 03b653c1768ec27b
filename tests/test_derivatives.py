"""`grad`: derivatives of any order, as Values; of leaves and of what is no leaf."""

from __future__ import annotations

import math

import pytest

from chainrule import grad


def test_derivatives_of_every_order_of_a_polynomial(Value: type) -> None:
    for x0 in (2.0, -1.5, 0.0):
        x = Value(x0)
        y = x**5 - 2 * x**3 + x
        for expected in (5 * x0**4 - 6 * x0**2 + 1, 20 * x0**3 - 12 * x0, 60 * x0**2 - 12, 120 * x0, 120.0, 0.0, 0.0):
            y = grad(y, x)
            assert y.data == pytest.approx(expected, rel=1e-14, abs=1e-14)


def test_derivatives_of_the_sine_go_round(Value: type) -> None:
    x = Value(0.7)
    y = x.sin()
    for order in range(1, 9):
        y = grad(y, x)
        assert y.data == pytest.approx(math.sin(0.7 + order * math.pi / 2), rel=1e-14)


def test_one_input_gives_a_value_and_several_give_a_list(Value: type) -> None:
    a, b = Value(2.0), Value(3.0)
    out = a * b**2
    assert grad(out, a).data == 9.0
    assert [v.data for v in grad(out, [a, b])] == [9.0, 12.0]
    assert [v.data for v in grad(out, (b, a, b))] == [12.0, 9.0, 12.0]
    assert [v.data for v in grad(out, (v for v in (a, b)))] == [9.0, 12.0]
    assert grad(out, []) == []


def test_the_second_derivatives_of_a_product_are_symmetric(Value: type) -> None:
    a, b = Value(0.4), Value(1.3)
    first = grad((a * b).exp() * b.sin(), [a, b])
    hessian = [[second.data for second in grad(g, [a, b])] for g in first]
    assert hessian[0][1] == pytest.approx(hessian[1][0], rel=1e-15)


def test_grad_agrees_with_backward_and_touches_no_grad(Value: type) -> None:
    a, b = Value(0.4), Value(1.3)
    inner = a / b
    out = (inner.tanh() + a).hypot(b)
    out.backward()
    expected = {node: node.grad for node in (a, b, inner, out)}
    for node in expected:
        node.grad = 77.0
    for node, derivative in zip(expected, grad(out, list(expected)), strict=True):
        assert derivative.data == pytest.approx(expected[node], rel=1e-15)
    assert all(node.grad == 77.0 for node in expected)


def test_an_input_that_is_not_reached_has_the_derivative_zero(Value: type) -> None:
    a, b = Value(2.0), Value(3.0)
    zero = grad(a * 2, b)
    assert (type(zero), zero.data, zero._prev) == (Value, 0.0, ())
    assert grad(grad(a * 2, a), a).data == 0.0


def test_the_output_itself_has_the_derivative_one(Value: type) -> None:
    a = Value(2.0)
    out = a * a
    assert grad(a, a).data == 1.0
    assert [v.data for v in grad(out, [out, a])] == [1.0, 4.0]


def test_inputs_need_not_be_leaves_and_may_depend_on_each_other(Value: type) -> None:
    a = Value(2.0)
    b = a * a
    out = a * b
    assert [v.data for v in grad(out, [a, b])] == [12.0, 2.0]  # through b as well
    assert grad(grad(out, b), b).data == 0.0


def test_a_gradient_is_a_term_of_a_loss_like_any_other(Value: type) -> None:
    """A gradient penalty: d/dw of (df/dx) ** 2, with f = sin(w x)."""
    w, x = Value(0.8), Value(0.5)
    penalty = grad((w * x).sin(), x) ** 2
    penalty.backward()
    wx = 0.4
    expected = 2 * 0.8 * math.cos(wx) * (math.cos(wx) - wx * math.sin(wx))
    assert w.grad == pytest.approx(expected, rel=1e-14)


def test_newton_finds_a_root(Value: type) -> None:
    x = Value(1.0)
    for _ in range(6):
        y = x**2 - 2
        x = Value(x.data - y.data / grad(y, x).data)
    assert x.data == pytest.approx(math.sqrt(2), rel=1e-15)


def test_an_operation_made_by_hand_is_refused_only_where_it_matters(Value: type) -> None:
    x, y = Value(0.5, label="x"), Value(2.0)
    by_hand = Value(math.sin(0.5), (x,), "sin")
    message = (
        r"^grad\(\) cannot differentiate 'sin', an operation made by hand: its _backward computes numbers, not Values\. "
        r"Use backward\(\), or write the operation with chainrule's own$"
    )
    with pytest.raises(TypeError, match=message):
        grad(by_hand * y, x)
    assert grad(by_hand * y, y).data == by_hand.data
    assert grad(by_hand * y, by_hand).data == 2.0
    overridden = x * y
    overridden._backward = lambda: None
    with pytest.raises(TypeError, match=r"cannot differentiate '\*'"):
        grad(overridden + 1, x)


def test_wrong_arguments_are_named(Value: type) -> None:
    x = Value(1.0)
    for output, inputs in ((2.0, x), (x, [2.0]), (x, [x, 2.0])):
        with pytest.raises(TypeError, match=r"^grad\(\) takes Values, got float: 2\.0$"):
            grad(output, inputs)
    with pytest.raises(TypeError):
        grad(x, 2.0)


def test_a_deep_graph_is_differentiated_without_recursion(Value: type) -> None:
    x = Value(1.0)
    y = x
    for _ in range(100_000):
        y = y * 1.0 + x
    assert grad(y, x).data == 100_001.0


def test_derivatives_are_values_of_their_own(Value: type) -> None:
    a, b, c = Value(2.0), Value(3.0), Value(5.0)
    product_rule = grad(a * b, a)
    assert product_rule is not b
    assert product_rule.data == b.data
    left, right = grad((a + b) * c, [a, b])
    assert left is not right
    assert grad(product_rule, b).data == 1.0
