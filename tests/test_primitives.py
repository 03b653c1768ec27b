"""Every row of the table of primitives, found by walking it: values, first and second derivatives, and IEEE arithmetic at the edges."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import pytest

from chainrule import functions, grad, numerical_derivative, primitives
from chainrule.operators import function_of, public_rows
from chainrule.primitives import PRIMITIVES, clip, maximum, minimum, take, zero
from chainrule.reals import real
from chainrule.row import Primitive
from reference import JAX, REFERENCES, Difference, arity

INF, NAN = math.inf, math.nan

GENERIC = [-1.7, -0.45, 0.3, 0.8, 2.6]
DELICATE = {
    1: [-INF, -1e300, -1000.0, -40.0, -1.0, -1e-8, -1e-300, -0.0, 0.0, 1e-300, 1e-8, 0.5, 1.0, 20.0, 1000.0, 1e300, INF, NAN],
    2: [-INF, -1e300, -3.0, -1.0, -0.5, -0.0, 0.0, 1e-300, 0.5, 1.0, 2.0, 1e300, INF, NAN],
    3: [-2.0, -0.0, 0.0, 1.0, 1e300, INF, NAN],
}
PARAMETERS = [-1.0, 0.0, 0.01, 0.5, 1.0, 2.0]  # slopes and the like, which nobody makes infinite


def delicate_points(row: Primitive) -> list[tuple[float, ...]]:
    operands = [DELICATE[arity(row)]] * arity(row)
    if row.parametric and row.name != "**":
        operands[1] = PARAMETERS
    return list(itertools.product(*operands))


def generic_points(row: Primitive) -> Iterator[tuple[float, ...]]:
    axes = REFERENCES[row.name].axes
    return itertools.product(*([*axes[k], 0.3] if k in axes else GENERIC for k in range(arity(row))))


def different(row: Primitive, order: int, point: tuple[float, ...]) -> list[Difference]:
    return [entry for entry in REFERENCES[row.name].differs if entry.order == order and entry.where(*point)]


def reference(row: Primitive) -> Callable[..., Any]:
    if row.name not in JAX:
        pytest.fail(f"the row {row.name!r} of primitives.py has no independent reference: add one to tests/support/reference.py")
    return JAX[row.name]


def table(function: Callable[..., Any], points: list[tuple[float, ...]]) -> Iterator[Any]:
    """Call a JAX function of scalars at all points at once; yield its result, as nested lists of floats, for each point."""
    leaves, shape = jax.tree.flatten(jax.vmap(function)(*np.array(points).T))
    for numbers in np.stack(leaves, axis=-1).tolist():
        yield jax.tree.unflatten(shape, numbers)


def same(ours: float, theirs: float, rtol: float = 1e-13, atol: float = 1e-15) -> bool:
    if ours != ours or theirs != theirs:
        return ours != ours and theirs != theirs
    return ours == theirs or abs(ours - theirs) <= atol + rtol * max(abs(ours), abs(theirs)) < INF


every_row = pytest.mark.parametrize("row", PRIMITIVES.values(), ids=PRIMITIVES.keys())


def test_every_row_has_a_reference() -> None:
    for row in PRIMITIVES.values():
        reference(row)
    assert JAX.keys() == PRIMITIVES.keys(), "a reference in tests/support/reference.py belongs to no row"


@every_row
def test_values_are_those_of_jax(row: Primitive) -> None:
    points = delicate_points(row) + list(generic_points(row))
    for point, theirs in zip(points, table(reference(row), points), strict=True):
        ours = row(*point)
        assert type(ours) is float
        known = different(row, 0, point)
        expected = known[0].ours if known else theirs
        assert expected is None or same(ours, expected), f"{row.name} at {point}: {ours}, JAX {theirs}"


@every_row
def test_first_derivatives_are_those_of_jax(row: Primitive, Value: type) -> None:
    points = delicate_points(row) + list(generic_points(row))
    gradient = jax.grad(reference(row), tuple(range(arity(row))))
    for point, theirs in zip(points, table(gradient, points), strict=True):
        operands = [Value(x) for x in point]
        out = row(*operands)
        out.backward()
        known = different(row, 1, point)
        for i, operand in enumerate(operands):
            place = f"{row.name} at {point}, operand {i}: {operand.grad}, JAX {theirs[i]}"
            if known:
                assert known[0].ours in (None, operand.grad), place
            else:
                assert same(operand.grad, theirs[i]), place
            assert same(grad(out, operand).data, operand.grad), f"{place}: grad() and backward() differ"


@every_row
def test_second_derivatives_are_those_of_jax(row: Primitive, Value: type) -> None:
    """Where JAX's are finite. Numbers such as 1e300 stay out: their squares are no longer floats, and in JAX's rules other squares meet."""
    points = [point for point in delicate_points(row) if not any(abs(x) in (1e-300, 1e300) for x in point)]
    points += list(generic_points(row))
    function, everything = reference(row), tuple(range(arity(row)))

    @jax.jit  # compiled once, not operation by operation
    def second(*x: Any) -> Any:
        return [jax.grad(lambda *x, i=i: jax.grad(function, i)(*x), everything)(*x) for i in everything]

    compared = 0
    for point, theirs in zip(points, table(second, points), strict=True):
        operands = [Value(x) for x in point]
        first = grad(row(*operands), operands)
        known = different(row, 2, point)
        for i, j in itertools.product(everything, everything):
            ours = grad(first[i], operands[j]).data
            place = f"{row.name} at {point}, operands {i} and {j}: {ours}, JAX {theirs[i][j]}"
            if known:
                assert known[0].ours is None or same(ours, known[0].ours), place
            elif math.isfinite(theirs[i][j]):
                compared += 1
                assert same(ours, theirs[i][j], rtol=1e-12, atol=1e-13), place
    assert compared >= 0.3 * sum(not different(row, 2, point) for point in points) * arity(row) ** 2


@every_row
def test_derivatives_agree_with_central_differences(row: Primitive, Value: type) -> None:
    """Independent of JAX, and so of tests/support/reference.py: a new row meets it as soon as it is written."""
    compared = 0
    for point in generic_points(row):
        operands = [Value(x) for x in point]
        row(*operands).backward()
        for i, operand in enumerate(operands):

            def along(x: float, point: tuple[float, ...] = point, i: int = i) -> float:
                return row(*point[:i], x, *point[i + 1 :])

            central = numerical_derivative(along, point[i], central=True)
            jump = abs(along(point[i] + 1e-6) - 2.0 * along(point[i]) + along(point[i] - 1e-6)) > 1e-9  # a corner, or outside the domain
            jump |= row is clip and len(set(point)) == 1  # a tie of three, which these do not see
            if row.each is zero or (row.each is None and row.partials[i] is zero):  # a constant by decree
                compared += 1
                assert operand.grad == 0.0
            elif math.isfinite(central) and not jump:
                compared += 1
                assert operand.grad == pytest.approx(central, rel=1e-7, abs=1e-8), f"{row.name} at {point}, operand {i}"
    assert compared > 0


@every_row
def test_a_plain_parameter_gives_the_derivatives_of_a_value(row: Primitive, Value: type) -> None:
    """`x ** 2` and `x ** Value(2)` must agree, though the 2 is a node in one only."""
    if row.arity is None:
        assert row(*[1.0] * 4) == (2.0 if row.name == "dot" else 1.0)
        return
    if row.arity != 2:
        with pytest.raises(TypeError):
            row(*[1.0] * (row.arity + 1))
        return
    for a, b in delicate_points(row):
        x, y, x_alone = Value(a), Value(b), Value(a)
        both, alone = row(x, y), row(x_alone, b)
        both.backward()
        alone.backward()
        assert (len(alone._prev) == 1) is row.parametric
        assert same(alone.data, both.data)
        assert same(x_alone.grad, x.grad), f"{row.name} at {(a, b)}"
        assert same(grad(alone, x_alone).data, x.grad), f"{row.name} at {(a, b)}"


@every_row
def test_no_point_raises(row: Primitive, Value: type) -> None:
    numbers = [-INF, -1e308, -2.5, -1.0, -5e-324, -0.0, 0.0, 5e-324, 1.0, 3.0, 1e16, 1e308, INF, NAN]
    for point in itertools.product(numbers, repeat=arity(row)):
        out = row(*map(Value, point))
        out.backward()
        assert type(out.data) is float
        assert all(type(operand.grad) is float for operand in out._prev)


@every_row
def test_a_row_is_one_object_by_name(row: Primitive) -> None:
    assert PRIMITIVES[row.name] is row
    assert pickle.loads(pickle.dumps(row)) is row
    assert copy.deepcopy(row) is row
    assert repr(row) == f"<primitive {row.name}>"


def test_every_name_belongs_to_one_row_and_its_function_and_method_apply_that_row(Value: type) -> None:
    """A name of which Value or the package has something else already would lead to that, without a word."""
    rows = [row for row in vars(primitives).values() if isinstance(row, Primitive)]
    assert [row for row in rows if PRIMITIVES[row.name] is not row] == []
    for row in public_rows():
        operands = [Value(0.25), Value(0.5), Value(0.75)][: row.arity]
        results = [getattr(functions, row.name)(*operands)]
        if row.is_method:
            results += [getattr(operands[0], name)(*operands[1:]) for name in (row.name, *row.aliases)]
        for result in results:
            assert (result._rule, len(result._prev)) == (row, row.arity), row.name


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            Primitive("two", lambda a, b: a, lambda a, b, out: 1.0, primitives.zero, text="`x`.", operands=("x",)),
            r"the row 'two' has 2 partial derivatives, one for each operand, but names \('x',\) as operands",
        ),
        (
            Primitive("four", lambda a, b, c, d: a, *[primitives.zero] * 4, text="`x`."),
            "the row 'four' has a text, so it gets a function, and that has 1 to 3 operands, not 4",
        ),
    ],
    ids=["names", "count"],
)
def test_a_row_whose_columns_do_not_fit_is_refused(row: Primitive, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function_of(row)


# --- IEEE arithmetic ------------------------------------------------------------------------------------------------------------------

SPECIAL = [0.0, 5e-324, 1e-300, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 1e15 + 1, 2.0**53 - 1, 1e16, 1e300, 1.7976931348623157e308, INF, NAN]
SPECIAL += [-x for x in SPECIAL]


@pytest.mark.parametrize(
    ("name", "ufunc"),
    [("**", np.float_power), ("/", np.divide), ("*", np.multiply), ("+", np.add), ("-", np.subtract), ("atan2", np.arctan2)],
)
def test_special_numbers_give_what_numpy_gives(name: str, ufunc: np.ufunc) -> None:
    """Sign, infinity and nan bit for bit, the sign of zero too."""
    for a, b in itertools.product(SPECIAL, SPECIAL):
        with np.errstate(all="ignore"):
            theirs = float(ufunc(a, b))
        ours = PRIMITIVES[name](a, b)
        assert same(ours, theirs, rtol=1e-14), f"{a} {name} {b} is {ours}, NumPy {theirs}"
        assert ours != ours or math.copysign(1.0, ours) == math.copysign(1.0, theirs), f"{a} {name} {b} is {ours}, NumPy {theirs}"


@pytest.mark.parametrize(
    "name", ["exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan"]
)
def test_special_numbers_of_one_operand_give_what_numpy_gives(name: str) -> None:
    ufunc = getattr(np, {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}.get(name, name))
    for a in SPECIAL:
        with np.errstate(all="ignore"):
            theirs = float(ufunc(a))
        ours = PRIMITIVES[name](a)
        assert same(ours, theirs, rtol=1e-14), f"{name}({a}) is {ours}, NumPy {theirs}"
        assert ours != ours or math.copysign(1.0, ours) == math.copysign(1.0, theirs), f"{name}({a}) is {ours}, NumPy {theirs}"


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("log", (0.0,), -INF),
        ("log", (-0.0,), -INF),
        ("log", (-1.0,), NAN),
        ("log1p", (-1.0,), -INF),
        ("/", (1.0, 0.0), INF),
        ("/", (-1.0, 0.0), -INF),
        ("/", (1.0, -0.0), -INF),
        ("/", (0.0, 0.0), NAN),
        ("exp", (1000.0,), INF),
        ("expm1", (1000.0,), INF),
        ("*", (0.0, INF), NAN),
        ("**", (-1.0, 0.5), NAN),
        ("**", (0.0, -1.0), INF),
        ("**", (-0.0, -3.0), -INF),
        ("**", (-0.0, -2.0), INF),
        ("**", (-10.0, 309.0), -INF),
        ("**", (-10.0, 310.0), INF),
        ("**", (NAN, 0.0), 1.0),
        ("**", (1.0, NAN), 1.0),
        ("sqrt", (-1.0,), NAN),
        ("asin", (2.0,), NAN),
        ("acos", (-2.0,), NAN),
        ("sin", (INF,), NAN),
        ("atan2", (0.0, -1.0), math.pi),
        ("atan2", (-0.0, -1.0), -math.pi),
        ("sinh", (-1000.0,), -INF),
        ("cosh", (-1000.0,), INF),
        ("hypot", (1e308, 1.7e308), INF),
        ("hypot", (INF, NAN), INF),
        ("sigmoid", (-1000.0,), 0.0),
        ("sigmoid", (1000.0,), 1.0),
        ("softplus", (1000.0,), 1000.0),
        ("relu", (NAN,), NAN),
        ("maximum", (NAN, 1.0), NAN),
        ("maximum", (1.0, NAN), NAN),
        ("minimum", (NAN, 1.0), NAN),
        ("minimum", (1.0, NAN), NAN),
        ("take", (0.0, 3.0, 4.0), 3.0),
        ("take", (-0.0, 3.0, 4.0), 3.0),
        ("take", (1.0, 3.0, 4.0), 4.0),
        ("take", (2.0, 3.0, 4.0), NAN),
        ("take", (-1.0, 3.0, 4.0), NAN),
        ("take", (0.5, 3.0, 4.0), NAN),
        ("take", (NAN, 3.0), NAN),
        ("take", (INF, 3.0), NAN),
        ("take", (0.0,), NAN),
        ("largest", (1.0, 3.0, 2.0), 3.0),
        ("largest", (-3.0,), -3.0),
        ("largest", (-INF, -3.0), -3.0),
        ("largest", (-INF, -INF), 0.0),
        ("largest", (INF, 1.0), 0.0),
        ("largest", (NAN, 1.0), 0.0),
        ("largest", (1.0, NAN), 0.0),
        ("largest", (), 0.0),
    ],
)
def test_the_edges_people_know(name: str, point: tuple[float, ...], expected: float) -> None:
    assert same(PRIMITIVES[name](*point), expected, rtol=1e-15)


# --- derivatives where a function has a corner, a tie or a hole -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("relu", (0.0,), (0.0,)),
        ("relu", (-0.0,), (0.0,)),
        ("abs", (0.0,), (0.0,)),
        ("leaky_relu", (0.0, 0.01), (0.01, 0.0)),
        ("elu", (0.0, 2.0), (2.0, 0.0)),
        ("maximum", (1.5, 1.5), (0.5, 0.5)),
        ("minimum", (1.5, 1.5), (0.5, 0.5)),
        ("hypot", (0.0, 0.0), (0.0, 0.0)),
        ("**", (0.0, 0.0), (0.0, 0.0)),
        ("**", (0.0, 1.0), (1.0, 0.0)),
        ("**", (0.0, 2.0), (0.0, 0.0)),
        ("**", (0.0, 0.5), (INF, 0.0)),
        ("**", (NAN, 0.0), (0.0, NAN)),
        ("**", (5e-324, 0.0), (0.0, math.log(5e-324))),
        ("sqrt", (0.0,), (INF,)),
        ("log", (0.0,), (INF,)),
        ("asin", (1.0,), (INF,)),
        ("acos", (1.0,), (-INF,)),
        ("tanh", (1000.0,), (0.0,)),
        ("sigmoid", (-1000.0,), (0.0,)),
        ("where", (0.0, 3.0, 4.0), (0.0, 0.0, 1.0)),
        ("where", (NAN, 3.0, 4.0), (0.0, 1.0, 0.0)),
        ("take", (1.0, 3.0, 4.0), (0.0, 0.0, 1.0)),
        ("take", (0.5, 3.0, 4.0), (0.0, 0.0, 0.0)),
        ("largest", (1.0, 3.0, 2.0), (0.0, 0.0, 0.0)),
    ],
)
def test_derivatives_at_delicate_points(name: str, point: tuple[float, ...], expected: tuple[float, ...], Value: type) -> None:
    operands = [Value(x) for x in point]
    PRIMITIVES[name](*operands).backward()
    for operand, slope in zip(operands, expected, strict=True):
        assert same(operand.grad, slope, rtol=1e-15)


@pytest.mark.parametrize("row", [maximum, minimum], ids=["maximum", "minimum"])
def test_a_tie_gives_the_whole_gradient_to_a_node_that_meets_itself(row: Primitive, Value: type) -> None:
    x = Value(2.0)
    row(x, x).backward()
    assert x.grad == 1.0


def test_the_mixed_derivative_of_power_at_exponent_zero_is_that_of_the_formula(Value: type) -> None:
    a, b = Value(2.0), Value(0.0)
    first = grad(a**b, [a, b])
    assert grad(first[0], b).data == 0.5
    assert grad(first[1], a).data == 0.5


def test_mixed_derivatives_of_the_units_agree_at_their_corner(Value: type) -> None:
    for name in ("leaky_relu", "elu"):
        a, parameter = Value(0.0), Value(0.3)
        first = grad(PRIMITIVES[name](a, parameter), [a, parameter])
        assert (grad(first[0], parameter).data, grad(first[1], a).data) == (1.0, 1.0)


def test_no_gradient_passes_through_a_condition_not_even_an_infinite_one(Value: type) -> None:
    x, y = Value(1.0), Value(0.0)
    out = PRIMITIVES["sqrt"](PRIMITIVES["where"](PRIMITIVES["greater"](x, 0.0), y, 2.0))
    out.backward()
    assert (x.grad, y.grad) == (0.0, INF)
    assert grad(out, x).data == 0.0


def test_no_gradient_passes_to_what_is_not_taken_not_even_an_infinite_one(Value: type) -> None:
    index, a, b, c = Value(1.0), Value(5.0), Value(0.0), Value(7.0)
    out = PRIMITIVES["sqrt"](take(index, a, b, c))
    out.backward()
    assert [v.grad for v in (index, a, b, c)] == [0.0, 0.0, INF, 0.0]
    assert [g.data for g in grad(out, [index, a, b, c])] == [0.0, 0.0, INF, 0.0]


def test_what_is_taken_may_be_taken_again_and_be_the_index(Value: type) -> None:
    x, y = Value(1.0), Value(3.0)
    out = take(x, y, x, x) * x
    out.backward()
    assert (out.data, x.grad, y.grad) == (1.0, 2.0, 0.0)
    first = grad(out, x)
    assert (first.data, grad(first, x).data) == (2.0, 2.0)


def test_the_largest_passes_nothing_and_grad_makes_no_node_for_it(Value: type) -> None:
    x, y = Value(1.0), Value(0.0)
    shift = PRIMITIVES["largest"](x, y)
    out = PRIMITIVES["sqrt"](shift - 1.0) + x
    out.backward()
    assert (shift.grad, x.grad, y.grad) == (INF, 1.0, 0.0)
    assert [g.data for g in grad(out, [x, y, shift])] == [1.0, 0.0, INF]
    assert grad(shift * x, x)._op == "*"  # by 1, so as to be no node of the graph; no sum with a product by 0


def test_a_row_of_any_number_of_operands_may_pass_nothing(Value: type) -> None:
    count = Primitive("count", lambda *data: float(len(data)), each=zero)
    x = Value(INF)
    out = count(x, x, 1.0) * x
    out.backward()
    assert (out.data, x.grad) == (INF, 3.0)


# --- what counts as a number ----------------------------------------------------------------------------------------------------------


def test_a_primitive_of_numbers_is_a_float() -> None:
    for number in (1, True, np.float32(1), np.int64(1)):
        assert type(PRIMITIVES["exp"](number)) is float
        assert PRIMITIVES["exp"](number) == math.e


def test_real_returns_floats_as_they_are_and_reads_no_strings() -> None:
    x = 1.5
    assert real(x) is x
    with pytest.raises(TypeError, match=r"^expected a real number or a Value, got str: '1\.5'$"):
        real("1.5")


def test_errors_stay_readable_for_things_without_a_short_repr() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError

    with pytest.raises(TypeError, match=r"^expected a real number or a Value, got Shy: <no repr: RuntimeError>$"):
        real(Shy())
    with pytest.raises(TypeError, match=r"^expected a real number or a Value, got list: \[0, 1, 2, .*\.\.\.$") as caught:
        real(list(range(1000)))
    assert len(str(caught.value)) < 120
    with pytest.raises(OverflowError, match=r"^this int is too large for a float: <no repr: ValueError>$"):
        real(10**5000)
