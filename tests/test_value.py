"""`Value` as a number among numbers: what it holds, what it mixes with, what it refuses, and in which words."""

from __future__ import annotations

import abc
import inspect
import math
import operator
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import grad
from chainrule.caution import GradientWarning
from chainrule.primitives import PRIMITIVES
from chainrule.reals import Whole

OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow}


class OnlyFloat:
    def __float__(self) -> float:
        return 2.0

    def __repr__(self) -> str:
        return "OnlyFloat()"


TWOS = [
    2,
    2.0,
    np.int64(2),
    np.uint8(2),
    np.float16(2),
    np.float32(2),
    np.float64(2),
    np.longdouble(2),
    Fraction(2),
    Decimal(2),
    OnlyFloat(),
]
ONES = [True, np.bool_(True)]
REFUSED = [
    "2",
    b"2",
    2j,
    None,
    [2.0],
    (2.0,),
    {},
    np.array([2.0]),
    np.array(2.0),
    np.array([2.0, 3.0]),
    np.complex64(2),
    np.str_("2"),
    float,
]
ARRAYS = [np.array([2.0]), np.array(2.0), np.array([2.0, 3.0])]

operators = pytest.mark.parametrize("symbol", OPERATORS)


def named(things: list[Any]) -> dict[str, Any]:
    """Parameters for pytest, told apart by type and repr."""
    return {"argvalues": things, "ids": [f"{type(x).__name__}-{x!r}" for x in things]}


# --- what it holds --------------------------------------------------------------------------------------------------------------------


def test_a_new_value_is_a_leaf(Value: type) -> None:
    v = Value(2.0)
    assert (v.data, v.grad, v.label, v._op, v._prev) == (2.0, 0.0, "", "", ())
    assert v._backward() is None
    assert v.grad == 0.0
    assert repr(v) == "Value(data=2.0, grad=0.0)"
    assert str(v) == "Value(data=2.0, grad=0.0)"


@pytest.mark.parametrize("number", **named(TWOS))
def test_data_and_grad_become_floats(number: Any, Value: type) -> None:
    v = Value(number)
    assert type(v.data) is (Whole if hasattr(number, "__index__") else float)  # a float that is good as an index
    assert isinstance(v.data, float)
    assert (v.data, repr(v.data)) == (2.0, "2.0")
    v.data, v.grad = 7, number
    assert (type(v.data), v.data) == (float, 7.0)
    assert (type(v.grad), v.grad) == (float, 2.0)
    v.data -= np.float32(0.5)
    assert (type(v.data), v.data) == (float, 6.5)


@pytest.mark.parametrize("thing", **named(REFUSED))
def test_data_and_grad_refuse_what_is_no_real_number(thing: Any, Value: type) -> None:
    message = f"^expected a real number or a Value, got {type(thing).__name__}: {re.escape(repr(thing))}$"
    v = Value(1.0)
    with pytest.raises(TypeError, match=message):
        Value(thing)
    with pytest.raises(TypeError, match=message):
        v.data = thing
    if thing is not None:  # which a gradient may be
        with pytest.raises(TypeError, match=message):
            v.grad = thing
    assert (v.data, v.grad) == (1.0, 0.0)


def test_an_integer_beyond_floats_is_an_overflow_at_once(Value: type) -> None:
    v = Value(2.0)
    for use in (Value, v.__add__, v.__radd__, v.__pow__, v.__lt__, v.maximum, lambda x: v * x, lambda x: x / v):
        with pytest.raises(OverflowError, match=r"^this int is too large for a float: 1000000000000.*\.\.\.$"):
            use(10**400)


class Fails:
    """A number that cannot be had."""

    def __float__(self) -> float:
        raise ArithmeticError("no number")


UNFIT = [10**400, "x", None, 1j, Fails(), Fraction(10**400)]


@pytest.mark.parametrize("thing", UNFIT, ids=lambda thing: type(thing).__name__)
def test_what_is_refused_leaves_everything_as_it_was(thing: Any, Value: type) -> None:
    x = Value(2.0)
    for kind in (Value, type("Special", (Value,), {})):
        for make in (lambda kind=kind: kind(3.0, label="v"), lambda kind=kind: kind(3.0, (x,), "mine", "v")):
            v = make()
            v.grad = 4.0
            before = v._prev, v._op
            for attempt in (
                lambda v=v: setattr(v, "data", thing),
                *([] if thing is None else [lambda v=v: setattr(v, "grad", thing)]),
                lambda v=v: v.__init__(thing, (), "", "other"),
                lambda v=v: v.__init__(5.0, (x, 2.0), "other", "other"),
                lambda v=v: v.__init__(5.0, (x, x), "other", 7),
                lambda v=v: v.__init__(5.0, (), "", ["other"]),
            ):
                with pytest.raises((TypeError, OverflowError, ArithmeticError)):
                    attempt()
                assert (v.data, v.grad, v.label, v._prev, v._op) == (3.0, 4.0, "v", *before)


def test_init_once_more_makes_the_node_anew(Value: type) -> None:
    x = Value(2.0)
    for node in (Value(1.0), x * 3.0, x.sin(), x**2, x.maximum(1.0), Value(1.0, (x,), "mine"), 2.0 * x):
        node.grad = 5.0
        node.__init__(4.0)
        assert (node.data, node.grad, node._prev, node._op) == (4.0, 0.0, (), "")
        node.__init__(6.0, (x,), "mine")
        assert (node.data, node._prev, node._op) == (6.0, (x,), "mine")
        node.backward()
        assert (node.grad, x.grad) == (1.0, 0.0)


def test_a_node_that_is_made_to_depend_on_itself_is_noticed(Value: type) -> None:
    for kind in (Value, type("Special", (Value,), {})):
        a = kind(1.0, label="a")
        b = a * 2
        with pytest.warns(GradientWarning, match=r"^a \(.*\) was given parents by __init__ that were computed from it") as told:
            a.__init__(1.0, (b,), "loop")
        assert told[0].filename == __file__
        with pytest.warns(GradientWarning):
            a.__init__(1.0, (a,), "loop")
        a.backward()
        a.__init__(1.0, (kind(2.0),), "again")


def test_a_value_around_a_value_is_refused(Value: type) -> None:
    message = (
        "Value(data=2.0, grad=0.0) is a Value already, and a new Value made from it would not be connected to it; "
        "use it as it is, or write Value(v.data) for a new leaf"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Value(Value(2.0))


def test_labels(Value: type) -> None:
    a, b = Value(1.0, label="a"), Value(2.0, (), "", "b")
    c = a * b
    c.label = "c"
    assert [v.label for v in (a, b, c)] == ["a", "b", "c"]
    a.label = ""
    assert a.label == ""
    for wrong in (3, None):
        with pytest.raises(TypeError, match=rf"^a label must be a string, got {type(wrong).__name__}: {wrong}$"):
            b.label = wrong
    with pytest.raises(TypeError, match="a label must be a string, got int: 5"):
        Value(1.0, label=5)


def test_attributes_of_the_users_own(Value: type) -> None:
    a, b = Value(1.0), Value(2.0)
    for node in (a, b, a + b, a - b, (a * b).exp(), chainrule.where(a, a, b)):
        before = repr(node), node._prev, node._op
        node.m = node.v = 0.5
        node.colour = "red"
        assert (node.m, node.v, node.colour) == (0.5, 0.5, "red")
        assert (repr(node), node._prev, node._op) == before
        node.backward()
        del node.colour
        assert not hasattr(node, "colour")
    with pytest.raises(AttributeError):
        a.nothing  # noqa: B018


def test_children_must_be_values(Value: type) -> None:
    with pytest.raises(TypeError, match=r"^_children must be Values, got str: 'x'; to name the Value, write label=\.\.\.$"):
        Value(2.0, "x")
    with pytest.raises(TypeError, match=r"^_children must be Values, got float: 1\.0$"):
        Value(1.0, (1.0,), "sin")


# --- operators ------------------------------------------------------------------------------------------------------------------------


@operators
def test_operators_of_two_values(symbol: str, Value: type) -> None:
    a, b = Value(3.0), Value(2.0)
    out = OPERATORS[symbol](a, b)
    assert type(out) is Value
    assert out.data == OPERATORS[symbol](3.0, 2.0)
    assert out._prev == (a, b)
    assert out._op == symbol
    assert repr(out) == f"Value(data={out.data}, grad=0.0)"


@operators
@pytest.mark.parametrize("number", **named(TWOS + ONES))
def test_numbers_mix_freely_on_either_side(symbol: str, number: Any, Value: type) -> None:
    v, operation = Value(3.0), OPERATORS[symbol]
    for out, expected, derivative in (
        (operation(v, number), operation(3.0, float(number)), 0),
        (operation(number, v), operation(float(number), 3.0), 1),
    ):
        assert type(out) is Value
        assert type(out.data) is float
        assert out.data == expected
        out.backward()
        arguments = [(3.0, float(number)), (float(number), 3.0)][derivative]
        partial = PRIMITIVES[symbol].partials[derivative]
        assert v.grad == partial(*arguments, out.data)


@operators
def test_a_number_becomes_a_leaf_but_for_a_plain_exponent(symbol: str, Value: type) -> None:
    v = Value(3.0)
    right, left = OPERATORS[symbol](v, 2), OPERATORS[symbol](2, v)
    if symbol == "**":
        assert right._prev == (v,)
        assert right._op == "**2"
    else:
        assert right._prev[0] is v
        assert (right._prev[1].data, right._op) == (2.0, symbol)
    assert left._prev[1] is v
    assert (left._prev[0].data, left._op) == (2.0, symbol)


@pytest.mark.parametrize(
    ("exponent", "text"),
    [
        (2, "**2"),
        (-1.0, "**-1"),
        (0.5, "**0.5"),
        (1 / 3, "**0.3333333333333333"),
        (1234567.0, "**1234567"),
        (123456.5, "**123456.5"),
        (1e22, "**1e+22"),
        (1e-7, "**1e-07"),
        (math.inf, "**inf"),
        (math.nan, "**nan"),
        (-0.0, "**-0"),
    ],
)
def test_the_name_of_a_power_gives_the_exponent_in_full(exponent: float, text: str, Value: type) -> None:
    assert (Value(3.0) ** exponent)._op == text


def test_names_of_operations_with_a_parameter(Value: type) -> None:
    v = Value(-3.0)
    assert v.leaky_relu()._op == "leaky_relu(0.01)"
    assert v.leaky_relu(Value(0.2))._op == "leaky_relu"
    assert v.elu(2)._op == "elu(2)"
    assert len(v.elu(2)._prev) == 1


def test_unary_operators(Value: type) -> None:
    v = Value(-3.0)
    assert +v is v
    for out, data, op, slope in ((-v, 3.0, "neg", -1.0), (abs(v), 3.0, "abs", -1.0)):
        assert (out.data, out._op, out._prev) == (data, op, (v,))
        out.backward()
        assert v.grad == slope


def test_in_place_operators_make_new_nodes(Value: type) -> None:
    v = original = Value(3.0)
    v += 1
    v *= original
    v -= 2
    v /= 5
    v **= 2
    assert v.data == 4.0
    assert original.data == 3.0


def test_sum_starts_from_zero_as_in_python(Value: type) -> None:
    a, b = Value(1.0), Value(2.0)
    total = sum([a, b])
    assert total.data == 3.0
    assert total._prev[1] is b
    assert total._prev[0]._prev[0].data == 0.0
    assert total._prev[0]._prev[1] is a


@operators
@pytest.mark.parametrize("thing", **named([x for x in REFUSED if not isinstance(x, np.ndarray)]))
def test_operators_refuse_what_is_no_real_number(symbol: str, thing: Any, Value: type) -> None:
    v = Value(3.0)
    for operands in ((v, thing), (thing, v)):
        with pytest.raises(TypeError) as caught:
            OPERATORS[symbol](*operands)
        told = str(caught.value)
        if symbol == "*" and hasattr(thing, "__len__") and not isinstance(thing, dict):  # to multiply a sequence is Python's own matter
            assert told == "can't multiply sequence by non-int of type 'Value'"
        elif symbol == "+" and operands[0] is thing and isinstance(thing, str):
            assert told == 'can only concatenate str (not "Value") to str'
        else:
            assert type(thing).__name__ in told


@operators
@pytest.mark.parametrize("array", **named(ARRAYS))
def test_arrays_are_gone_through_element_by_element(symbol: str, array: Any, Value: type) -> None:
    operation = OPERATORS[symbol]
    for given in (array, array.astype(int), np.vectorize(Value, otypes=[object])(array)):
        for order in (lambda a, b: (a, b), lambda a, b: (b, a)):
            v = Value(3.0)
            out = operation(*order(v, given))
            expected = [operation(*order(3.0, x)) for x in array.ravel().tolist()]
            assert [x.data for x in np.ravel(out)] == expected
            assert np.shape(out) == array.shape
            np.sum(out).backward()
            single = []
            for x in array.ravel().tolist():
                one = Value(3.0)
                operation(*order(one, x)).backward()
                single.append(one.grad)
            assert v.grad == math.fsum(single)


@operators
def test_complex_scalars_of_numpy_are_refused_in_our_words(symbol: str, Value: type) -> None:
    for operands in ((Value(3.0), np.complex64(2)), (np.complex64(2), Value(3.0))):
        with pytest.raises(TypeError, match=r"^expected a real number or a Value, got complex64: "):
            OPERATORS[symbol](*operands)


def test_functions_of_numpy(Value: type) -> None:
    for name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "abs"):
        v, w = Value(0.3), Value(0.3)
        out, mine = getattr(np, name)(v), abs(w) if name == "abs" else getattr(w, name)()
        assert type(out) is Value
        out.backward()
        mine.backward()
        assert (out.data, v.grad) == (mine.data, w.grad)
        assert [x.data for x in getattr(np, name)(np.array([v, w]))] == [mine.data] * 2
    v = Value(0.3)
    assert np.maximum(v, 0.0) is v
    assert np.where(np.array([v, Value(-1.0)]) > 0, 1.0, 2.0).tolist() == [1.0, 2.0]
    assert (np.ones((2, 2)) @ np.array([v, v]))[1].data == np.sum([v, v]).data == 0.6
    for scalar in (np.float64(2), np.int64(2), np.float32(2), np.uint8(2)):
        assert (type(scalar * v), (scalar - v).data, (v - scalar).data) == (Value, 1.7, -1.7)
        assert scalar > v
    with pytest.raises(TypeError, match="no callable cbrt method"):
        np.cbrt(v)
    column = np.array([1.0, 2.0])
    with pytest.raises(TypeError, match="Cannot cast ufunc 'multiply' output"):
        column *= v


def test_another_type_may_answer(Value: type) -> None:
    class Other:
        def __radd__(self, left: object) -> str:
            return "other"

    assert Value(1.0) + Other() == "other"
    with pytest.raises(TypeError, match=r"^unsupported operand type\(s\) for -: '.*Value' and 'Other'$"):
        Value(1.0) - Other()


@pytest.mark.parametrize("symbol", ["%", "//", "@"])
def test_operators_that_have_no_derivative_are_not_there(symbol: str, Value: type) -> None:
    operation = {"%": operator.mod, "//": operator.floordiv, "@": operator.matmul}[symbol]
    with pytest.raises(TypeError, match="unsupported operand"):
        operation(Value(1.0), Value(2.0))


def methods() -> list[tuple[str, int]]:
    inside = {"log_total", "tanh_slope", "sigmoid_slope", "polygamma"}  # what other functions and derivatives are made of
    rows = {name: row for name, row in PRIMITIVES.items() if name.isidentifier() and name not in inside}
    return [(name, row.arity) for name, row in rows.items() if row.arity is not None]


@pytest.mark.parametrize(("name", "arity"), methods())
def test_functions_have_a_method_form_and_a_function_form(name: str, arity: int, Value: type) -> None:
    without = {"neg", "abs", "where", "greater", "equal"}  # operators, or functions only
    operands = [Value(0.3), Value(0.6), Value(0.9)][:arity]
    expected = PRIMITIVES[name](*operands)
    forms = [getattr(Value, name)] if name not in without else []
    if name not in ("neg", "abs"):
        forms.append(getattr(chainrule, name))
        number = getattr(chainrule, name)(*(v.data for v in operands))
        assert (type(number), number) == (float, expected.data)
    for form in forms:
        out = form(*operands)
        assert (type(out), out.data, out._op, out._prev) == (Value, expected.data, PRIMITIVES[name].shown, tuple(operands))
        if arity > 1:
            with pytest.raises(TypeError, match=r"^expected a real number or a Value, got str: 'x'$"):
                form(*operands[:-1], "x")


# --- comparisons, identity, conversion ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", **named(TWOS))
def test_order_is_that_of_the_data(other: Any, Value: type) -> None:
    small, equal, large = Value(1.0), Value(2.0), Value(3.0)
    assert small < other <= equal <= other < large
    assert large > other >= equal >= other > small
    assert not large <= other
    assert not small >= other
    assert small < equal < large
    assert large >= equal >= small
    assert max(small, large, equal) is large
    assert sorted([large, small, equal]) == [small, equal, large]
    assert type(other < large) is bool


def test_nothing_is_in_order_with_nan(Value: type) -> None:
    v, nan = Value(1.0), Value(math.nan)
    assert not any((v < nan, v <= nan, v > nan, v >= nan, v < math.nan, v >= math.nan))


@pytest.mark.parametrize("thing", **named([x for x in REFUSED if x is not float and not isinstance(x, np.ndarray)]))
@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_no_order_with_what_is_no_real_number(compare: Callable[..., bool], thing: Any, Value: type) -> None:
    for operands in ((Value(1.0), thing), (thing, Value(1.0))):
        with pytest.raises(TypeError, match=rf"not supported between instances of .*{type(operands[1]).__name__}'"):
            compare(*operands)


def test_equality_and_hash_are_identity(Value: type) -> None:
    a, b = Value(2.0), Value(2.0)
    assert a == a
    assert a != b
    assert a != 2.0
    assert len({a, b, a}) == 2
    assert {a: 1}[a] == 1
    before = hash(a)
    a.data = 5.0
    assert hash(a) == before
    assert b not in [a]


def test_float_and_truth(Value: type) -> None:
    v = Value(2.5)
    assert (type(float(v)), float(v)) == (float, 2.5)
    assert math.floor(float(v * 2)) == 5
    assert bool(Value(0.0))  # a Value is an object, not a condition


@pytest.mark.parametrize(
    ("data", "grad", "text"),
    [(-0.0, 1.0, "data=-0.0, grad=1.0"), (math.nan, math.inf, "data=nan, grad=inf"), (0.1, 1e-9, "data=0.1, grad=1e-09")],
)
def test_repr_gives_both_numbers_in_full(data: float, grad: float, text: str, Value: type) -> None:
    v = Value(data)
    v.grad = grad
    assert repr(v) == f"Value({text})"


# --- subclasses -----------------------------------------------------------------------------------------------------------------------


def test_a_subclass_with_methods_keeps_its_kind_in_results(Value: type) -> None:
    class Better(Value):  # type: ignore[misc,valid-type]
        def __init__(self, data: float, _children: tuple[Any, ...] = (), _op: str = "") -> None:
            super().__init__(data, _children, _op)

        def square(self) -> Any:
            return self * self

    x, plain = Better(3.0), Value(2.0)
    for out in (
        x + x,
        x + 1,
        1 + x,
        x + plain,
        plain + x,
        x * plain,
        plain * x,
        plain - x,
        2**x,
        -x,
        x.exp(),
        x.maximum(plain),
        x.square(),
    ):
        assert type(out) is Better
    assert repr(x) == "Better(data=3.0, grad=0.0)"
    y = (x + plain).square()
    y.backward()
    assert (y.data, x.grad, plain.grad) == (25.0, 10.0, 10.0)
    by_hand = Better(9.0, (x,), "square")
    assert (by_hand._prev, by_hand._op) == ((x,), "square")


def test_the_most_derived_of_two_subclasses_wins(Value: type) -> None:
    class One(Value):  # type: ignore[misc,valid-type]
        pass

    class Two(One):
        pass

    assert type(One(1.0) + Two(2.0)) is Two
    assert type(Two(1.0) / One(2.0)) is Two


def test_format_is_that_of_the_number(Value: type) -> None:
    v = Value(2.5)
    assert f"{v:.3f}" == "2.500"
    assert f"{v:>8.1e}" == " 2.5e+00"
    assert f"{v}" == "Value(data=2.5, grad=0.0)"
    with pytest.raises(ValueError, match="format code"):
        f"{v:d}"


def test_values_that_compare_by_data_are_still_told_apart(Value: type) -> None:
    class Number(Value):
        def __eq__(self, other: object) -> bool:
            return self.data == other

        __hash__ = None  # type: ignore[assignment]

    a, b = Number(2.0), Number(2.0)
    c = a * b
    for _ in range(2):
        c.backward(accumulate=True)
    assert (a.grad, b.grad) == (4.0, 4.0)
    assert [slope.data for slope in grad(c, [a, b])] == [2.0, 2.0]


def test_a_number_is_converted_once(Value: type) -> None:
    class Counter:
        calls = 0

        def __float__(self) -> float:
            self.calls += 1
            return 2.0

    counter = Counter()
    assert (Value(3.0) * counter).data == (counter - Value(1.0)).data * 6 == 6.0
    assert counter.calls == 2


def test_classes_are_made_as_python_makes_them(Value: type) -> None:
    class Abstract(Value, abc.ABC):
        @abc.abstractmethod
        def missing(self) -> None: ...

    with pytest.raises(TypeError, match="abstract"):
        Abstract(1.0)

    class Passing(Value):
        def __new__(cls, *arguments: object) -> Any:
            return super().__new__(cls, *arguments)

    with pytest.raises(TypeError, match="exactly one argument"):
        Passing(1.0)


def test_signatures_and_docstrings_can_be_read(Value: type) -> None:
    assert list(inspect.signature(Value).parameters) == ["data", "_children", "_op", "label", "named"]
    assert "computation graph" in Value.__doc__
    for name in ("data", "grad", "label", "_prev", "_backward"):
        assert getattr(Value, name).__doc__ == getattr(chainrule.value.Value, name).__doc__


def test_dot_reads_its_lists_when_it_is_called(engine: Any) -> None:
    weights = [engine.Value(1.0), engine.Value(2.0)]

    def inputs() -> Iterator[float]:
        yield 1.0
        weights[1] = engine.Value(100.0)
        yield 2.0

    assert engine.dot(weights, inputs()).data == 5.0
