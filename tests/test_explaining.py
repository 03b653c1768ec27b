"""The chain rule in words: its numbers are those of backward(), and its formulas say what the numbers are."""

from __future__ import annotations

import io
import math
import re
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import Value, explain, greater, where
from chainrule.engine import topological_order
from chainrule.formulas import Formula
from chainrule.primitives import PRIMITIVES, zero
from chainrule.row import Primitive
from reference import arity

NUMBERS = st.floats(min_value=-3.0, max_value=3.0, allow_nan=False) | st.sampled_from([0.0, 1.0, -1.0, 2.0, math.inf, math.nan])
ROWS = sorted(PRIMITIVES.values(), key=lambda row: row.name)


def bits(x: float) -> bytes:
    return b"nan" if math.isnan(x) else struct.pack("d", x)


def gradient_lines(value: Value) -> list[str]:
    return [step.gradient for step in explain(value).steps]


@st.composite
def graphs(draw: st.DrawFn) -> Value:
    """A random graph: every operation, shared nodes, constants, some labels."""
    nodes: list[Value] = [
        Value(draw(NUMBERS), label=label) for label in draw(st.sampled_from([["a", "b"], ["a", ""], ["", ""], ["x", "x"]]))
    ]
    for _ in range(draw(st.integers(1, 12))):
        row = draw(st.sampled_from(ROWS))
        operands: list[Any] = [draw(st.sampled_from(nodes)) for _ in range(arity(row))]
        if arity(row) == 2 and draw(st.booleans()):
            operands[draw(st.integers(0, 1))] = draw(NUMBERS)
        if not any(isinstance(operand, Value) for operand in operands):
            operands[0] = nodes[0]
        node = row(*operands)
        if draw(st.integers(0, 4)) == 0:
            node.label = draw(st.sampled_from(["c", "L", "a", "a*b", "weird [bold] label"]))
        nodes.append(node)
    return nodes[-1]


@given(root=graphs())
def test_gradients_are_those_of_backward_to_the_bit(root: Value) -> None:
    for node in topological_order(root):
        node.grad = 12.5
    explanation = explain(root, max_steps=10_000)
    assert all(node.grad == 12.5 for node in topological_order(root))
    root.backward()
    assert {node: bits(node.grad) for node in topological_order(root)} == {node: bits(g) for node, g in explanation.gradients.items()}


@given(root=graphs())
def test_every_line_ends_with_the_number_that_its_factors_give(root: Value) -> None:
    explanation = explain(root)
    assert explanation.steps[0].gradient.endswith("= 1")
    for step in explanation.steps[1:]:
        parts = step.gradient.split(" = ")
        if len(parts) < 2 or " · " not in parts[-2]:
            continue
        arriving, derivative = map(float, parts[-2].split(" · "))
        expected, told = arriving * derivative, float(parts[-1])
        assert told == pytest.approx(expected, rel=1e-4, nan_ok=True) or min(abs(arriving), abs(derivative)) < 1e-300
    assert len({step.number for step in explanation.steps}) == len(explanation.steps)


def as_python(text: str) -> str:
    """A formula as a Python expression, for the test to evaluate."""
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda match: "**" + match[0].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")), text)
    return re.sub(r"\|([^|]*)\|", r"abs(\1)", text.replace("·", "*").replace("^", "**"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@given(data=st.data())
def test_the_formula_of_every_partial_derivative_says_its_number(row: Primitive, data: st.DataObject) -> None:
    numbers = [data.draw(NUMBERS) for _ in range(arity(row))]
    names = ["p", "q", "r"][: arity(row)]
    operands: list[Any] = [Formula.named(name, number) for name, number in zip(names, numbers, strict=True)]
    parametric = row.parametric and data.draw(st.booleans())
    if parametric:
        operands[1] = numbers[1]
    result = row.forward(*numbers)
    out = data.draw(st.sampled_from([Formula.named("out", result), operands[0]._apply(row, tuple(operands))]))
    for position in range(1 if parametric else arity(row)):
        expected = row.partial(position, numbers, result)
        formula = row.as_written(position, operands, out)
        if not isinstance(formula, Formula):
            assert bits(formula) == bits(expected)
            continue
        assert bits(formula.data) == bits(expected) or formula.data == pytest.approx(expected)
        if zero in row.partials[position : position + 1] or not all(map(math.isfinite, [*numbers, result, expected])):
            continue
        known = {name: primitive for name, primitive in PRIMITIVES.items() if name.isidentifier()}
        try:
            told = eval(as_python(str(formula)), {**known, **dict(zip(names, numbers, strict=True)), "out": result})
        except (ZeroDivisionError, OverflowError):
            continue
        if isinstance(told, float | int) and math.isfinite(told):
            assert told == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "partial", "expected"),
    [
        ("*", 0, "q"),
        ("/", 0, "1/q"),
        ("/", 1, "-p/q²"),
        ("tanh", 0, "1 - tanh(p)²"),
        ("sigmoid", 0, "sigmoid(p)·(1 - sigmoid(p))"),
        ("exp", 0, "exp(p)"),
        ("erf", 0, "1.12838·exp(-p²)"),
        ("cos", 0, "-sin(p)"),
        ("relu", 0, "1"),
        ("**", 0, "q·p^(q - 1)"),
        ("**", 1, "p^q·log(p)"),
        ("acos", 0, "-1/sqrt((1 - p)·(1 + p))"),
        ("atan2", 1, "-p/hypot(p, q)²"),
    ],
)
def test_formulas_are_written_as_by_hand(name: str, partial: int, expected: str) -> None:
    row = PRIMITIVES[name]
    operands = [Formula.named("p", 0.5), Formula.named("q", 0.25)][: arity(row)]
    assert str(row.as_written(partial, operands, operands[0]._apply(row, tuple(operands)))) == expected


@pytest.mark.parametrize(("exponent", "expected"), [(2, "2·x"), (3, "3·x²"), (1, "1"), (0, "0"), (-1, "-1/x²"), (0.5, "0.5/x^0.5")])
def test_the_derivative_of_a_power(exponent: float, expected: str) -> None:
    local = explain(Value(4.0, label="x") ** exponent).steps[1].local
    assert local.split(" = ")[1] == expected


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("relu", 2.0, "dL/dx = 1, as x > 0"),
        ("relu", -2.0, "dL/dx = 0, as x ≤ 0"),
        ("relu", math.nan, "dL/dx = 0, as x or 0 is nan"),
        ("abs", -2.0, "dL/dx = -1, as x < 0"),
        ("abs", 0.0, "dL/dx = 0, as x = 0"),
        ("leaky_relu", -2.0, "dL/dx = 0.01, as x ≤ 0"),
    ],
)
def test_a_choice_says_why(name: str, x: float, expected: str) -> None:
    arguments = [Value(x, label="x"), 0.01][: PRIMITIVES[name].arity]
    assert explain(PRIMITIVES[name](*arguments)).steps[1].local == expected


@pytest.mark.parametrize("row", [row for row in ROWS if row.arity in (1, 2)], ids=lambda row: row.name)
def test_a_condition_is_given_only_where_the_formula_depends_on_it(row: Primitive) -> None:
    """The same formula does not come with one condition here and another, or none, there."""
    for number in (2.0, 10.0, 0.5, -2.0, 0.25):
        for place in range(row.arity or 0):
            conditions: dict[str, set[str]] = {}
            for x in (-3.0, -0.75, 0.75, 3.0):
                operands = [number] * ((row.arity or 0) - 1)
                operands.insert(place, Value(x, label="x"))
                for step in explain(row(*operands)).steps[1:]:
                    formula, _, condition = step.local.partition(", as ")
                    if formula.startswith("dL/dx"):
                        conditions.setdefault(formula.split(" = ")[1], set()).add(condition)
            assert all(len(each) == 1 for each in conditions.values()), (number, place, conditions)


def test_the_derivative_in_an_exponent_has_a_condition_for_a_base_of_0_only() -> None:
    for base in (2.0, 10.0, 0.5, -2.0, 1.0, Value(2.0)):
        for x in (3.0, 0.0, -3.0):
            assert " as " not in explain(base ** Value(x, label="x")).steps[1].local
    assert explain(0.0 ** Value(3.0, label="x")).steps[1].local == "dL/dx = 0, as x ≥ 0"


def test_the_line_that_a_learner_writes() -> None:
    a, b, f = Value(2.0, label="a"), Value(-3.0, label="b"), Value(6.0, label="f")
    assert gradient_lines(a * b * f) == [
        "dL/dL = 1",
        "dL/d(a*b) = dL/dL · f = 1.0 · 6.0 = 6.0",
        "dL/df = dL/dL · a*b = 1.0 · -6.0 = -6.0".replace("a*b", "(a*b)"),
        "dL/da = dL/d(a*b) · b = 6.0 · -3.0 = -18.0",
        "dL/db = dL/d(a*b) · a = 6.0 · 2.0 = 12.0",
    ]


def test_what_is_taken_and_what_is_largest() -> None:
    a, b, i = Value(2.0, label="a"), Value(3.0, label="b"), Value(1.0, label="i")
    steps = explain(PRIMITIVES["take"](i, a, b)).steps
    assert [step.local for step in steps] == ["", "dL/db = 1, as i = 1"]
    i.data = 5.0
    assert explain(PRIMITIVES["take"](i, a, b)).steps[1][1:] == (
        "L = take(i, a, b) = take(5.0, 2.0, 3.0) = nan",
        "0, as no value is taken",
        "passes nothing on",
    )
    assert explain(PRIMITIVES["largest"](a, b)).steps[1][1:] == (
        "L = largest(a, b) = largest(2.0, 3.0) = 3.0",
        "0, as it counts as a constant",
        "passes nothing on",
    )
    many = [Value(float(k), label=f"x{k}") for k in range(20)]
    told = "L = largest(x0, x1, x2, x3, … (20 operands), x19) = largest(0.0, 1.0, 2.0, 3.0, … (20 operands), 19.0) = 19.0"
    assert explain(PRIMITIVES["largest"](*many)).steps[1].operation == told


def test_contributions_of_a_node_used_twice_are_summed() -> None:
    a = Value(2.0, label="a")
    assert gradient_lines(3 * a + a * 4)[-3:] == [
        "dL/da += dL/d(a*4) · 4 = 1.0 · 4.0 = 4.0",
        "dL/da += dL/d(3*a) · 3 = 1.0 · 3.0 = 3.0",
        "dL/da = 4.0 + 3.0 = 7.0",
    ]


def test_a_long_expression_gets_a_name_that_its_own_line_defines() -> None:
    first, second = Value(1.0, label="first_number"), Value(2.0, label="second_number")
    steps = explain((first + second).exp()).steps
    assert steps[1].operation == "L = exp(v2) = exp(3.0) = 20.0855"
    assert steps[1].local == "dL/dv2 = L = 20.0855"
    assert steps[2].operation == "v2 = first_number + second_number = 1.0 + 2.0 = 3.0"


def test_without_any_label_the_leaves_are_told_of_too() -> None:
    assert gradient_lines(Value(2.0) * Value(5.0))[1:] == [
        "dL/dv0 = dL/dL · v1 = 1.0 · 5.0 = 5.0",
        "dL/dv1 = dL/dL · v0 = 1.0 · 2.0 = 2.0",
    ]


def test_two_nodes_never_share_a_name() -> None:
    a, b, other = Value(2.0, label="a"), Value(3.0, label="b"), Value(4.0, label="a")
    lines = "\n".join(gradient_lines(a * b + a * b + other))
    assert "dL/da#0 " in lines
    assert "dL/da#" in lines.replace("dL/da#0", "")


def test_the_root_goes_by_its_label_or_by_a_name_that_is_free() -> None:
    a = Value(2.0, label="L")
    assert gradient_lines(a * 2)[0] == "dv2/dv2 = 1"
    out = a.exp()
    out.label = "out"
    assert gradient_lines(out)[1] == "dout/dL = dout/dout · out = 1.0 · 7.38906 = 7.38906"


def test_an_operation_made_by_hand_is_not_run_and_not_made_up() -> None:
    x, y = Value(1.0, label="x"), Value(2.0, label="y")
    out = Value(math.sin(1.0), (x,), "my sin")
    runs = []
    out._backward = lambda: runs.append(1)
    explanation = explain(out * y + x)
    text = str(explanation)
    assert "its _backward was not run" in text
    assert "dL/dx = 1.0 + ? = ?" in text
    assert not runs
    assert x not in explanation.gradients
    assert explanation.gradients[y] == math.sin(1.0)
    assert "passes nothing on" in str(explain(Value(1.0, (x,), "no backward")))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("stop_gradient", "0, as it counts as a constant"), *((name, "0 at every point") for name in ("floor", "round", "sign"))],
)
def test_what_passes_nothing_on_is_not_always_a_condition(name: str, expected: str) -> None:
    x = Value(1.5, label="x")
    (step,) = (step for step in explain(getattr(x, name)() * x).steps if step.operation.startswith(name))
    assert step[2:] == (expected, "passes nothing on")


def test_a_condition_passes_nothing_on() -> None:
    x = Value(2.0, label="x")
    assert "passes nothing on" in str(explain(where(greater(x, 0), x, -x)))


def test_a_long_explanation_is_cut_and_counts_what_is_left_out() -> None:
    x = Value(1.0, label="x")
    y = x
    for _ in range(500):
        y = y * x
    explanation = explain(y, max_steps=10)
    assert 10 <= len(explanation.steps) <= 13
    assert explanation.note == "… and so on, through 496 more nodes (see max_steps)"
    assert str(explanation).endswith(explanation.note)
    assert x not in explanation.gradients


def test_a_leaf_is_its_own_derivative() -> None:
    assert gradient_lines(Value(3.0)) == ["dL/dL = 1"]


def test_rich_and_html_show_the_same_lines_without_taking_labels_for_markup() -> None:
    from rich.console import Console

    x = Value(1.0, label="<i>[red]x[/red] & co")
    explanation = explain(x * 2)
    console = Console(file=io.StringIO(), width=200)
    console.print(explanation)
    assert "[red]x[/red]" in console.file.getvalue()
    html = explanation._repr_html_()
    assert "&lt;i&gt;[red]x[/red] &amp; co" in html
    assert "<i>" not in html
    assert repr(explanation) == str(explanation)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match=r"explain\(\) takes a Value, got float: 3.0"):
        explain(3.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_steps must be at least 1, got 0"):
        explain(Value(1.0), max_steps=0)


def test_explain_is_a_public_name() -> None:
    assert chainrule.explain is explain


def test_a_power_of_zero_shows_no_stand_in() -> None:
    for exponent in (0.0, 2.0):
        text = str(explain(Value(0.0, label="a") ** Value(exponent, label="b")))
        assert "log(1)" not in text
        assert "1^" not in text
        assert "dL/db = dL/dL · 0 = 1.0 · 0.0 = 0.0" in text


def test_a_label_of_two_lines_stays_on_one() -> None:
    text = str(explain(Value(1.0, label="two\nlines") * 2))
    assert len(text.splitlines()) == 3
    assert "d(two lines)" in text
