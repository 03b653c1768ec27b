"""Expressions compute what Python computes, and nothing else gets through."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import functions
from chainrule.engine import Value
from chainrule.expressions import FUNCTIONS, METHODS, ExpressionError, parse
from chainrule.graph import topological_order

NAMES = ("a", "b", "c")
leaves = st.sampled_from(NAMES) | st.floats(0, 9, width=16).map(lambda x: repr(round(x, 2)))
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda e: f"-{e}"),
        st.tuples(st.sampled_from(["tanh", "exp", "sigmoid"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
        inner.map(lambda e: f"({e}).sin()"),
        st.tuples(inner, st.integers(0, 3)).map(lambda t: f"{t[0]}**{t[1]}"),
    ),
    max_leaves=12,
)


@given(expressions, st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_the_same_as_python(text: str, numbers: list[float]) -> None:
    """The oracle is Python's own eval, over Values; a sum at the end uses every name."""
    text = f"{text} + a*b*c"
    values = dict(zip(NAMES, numbers, strict=True))
    ours = parse(text, values)
    scope = {name: Value(number) for name, number in values.items()}
    try:
        theirs = eval(text, {**scope, **{name: getattr(functions, name) for name in ("tanh", "exp", "sigmoid")}})
    except (ZeroDivisionError, OverflowError, AttributeError):  # of two plain numbers, where Python is not IEEE, or has no method
        return
    assert ours.data == theirs.data or (math.isnan(ours.data) and math.isnan(theirs.data))
    ours.backward()
    theirs.backward()
    found = {node.label: node for node in topological_order(ours)}
    for name in NAMES:
        assert found[name].grad == scope[name].grad or math.isnan(scope[name].grad)


def test_the_notebooks_example() -> None:
    root = parse("(a*b + c).tanh()", {"a": 2, "b": -3, "c": 10})
    root.backward()
    assert root.data == math.tanh(4)
    assert {node.label for node in topological_order(root)} == {"a", "b", "c", ""}
    assert root.label == ""


def test_arithmetic_is_ieee() -> None:
    assert parse("a + 1/0", {"a": 1}).data == math.inf
    assert parse("log(0) + a", {"a": 1}).data == -math.inf
    assert parse("2*3", {}).data == 6.0


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function(name: str) -> None:
    count = FUNCTIONS[name].__code__.co_argcount
    arguments = ", ".join(["a", "0.25", "0.5"][:count])
    expected = abs(0.75) if name == "abs" else getattr(functions, name)(*[0.75, 0.25, 0.5][:count])
    assert parse(f"{name}({arguments})", {"a": 0.75}).data == expected
    if name in METHODS:
        rest = ", ".join(["0.25", "0.5"][: count - 1])
        assert parse(f"a.{name}({rest})", {"a": 0.75}).data == expected


def test_names_are_read_as_python_reads_them() -> None:
    assert parse("µ * 2", {"µ": 3}).data == 6.0  # the micro sign, which Python turns into the letter mu


@pytest.mark.parametrize(
    ("text", "message", "caret"),
    [
        ("a +", "invalid syntax", 3),
        ("(a", "never closed", 0),
        ("a b", "invalid syntax", 2),
        ("a + q", "'q' has no value (given: a); add q=...", 4),
        ("ä + a", "'ä' has no value", 0),
        ("a + (ä*2)", "'ä' has no value", 5),
        ("a^2", "a power is written **", 2),
        ("a @ a", "not one of", 4),
        ("a if a else a", "not arithmetic", 0),
        ("a + [a]", "not arithmetic", 4),
        ("a + (lambda: a)()", "cannot be called", 4),
        ("a + 1j", "1j is not a real number", 4),
        ("a + 'x'", "'x' is not a real number", 4),
        ("a * True", "True is not a real number", 4),
        ("a * 1e999", "too large", 4),
        ("a * 1" + "0" * 400, "too large", 4),
        ("tanh + a", "write tanh(...)", 0),
        ("a + tanh(a, a)", "takes 1 argument, got 2", 4),
        ("a.leaky_relu(1, 2)", "takes 1 or 2 arguments, got 3", 0),
        ("tanh(x=a)", "by position", 7),
        ("tanh(*a)", "not arithmetic", 5),
        ("a # b", "'#'", 2),
        ("a < 2", "not arithmetic", 0),
        ("a := 2", "invalid syntax", 2),
        ("not a", "not arithmetic", 0),
        ("a.data", "not arithmetic", 0),
        ("a.backward()", "no function 'backward'", 0),
        ("a.__class__()", "no function '__class__'", 0),
        ("__import__('os').system('ls')", "no function 'system'", 0),
        ("().__class__.__bases__[0]", "not arithmetic", 0),
        ("f'{a}'", "not arithmetic", 0),
    ],
)
def test_refused_with_the_place(text: str, message: str, caret: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, {"a": 1})
    problem, shown, marks = str(caught.value).split("\n")
    assert message in problem
    assert shown.removesuffix("...").strip() in text
    assert marks == " " * (2 + caret) + "^"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 300 + "a" + ")" * 300,
        "-" * 900 + "a",
        "a" + "+a" * 400,
        "a" + "**a" * 300,
        "tanh(" * 180 + "a",
        "[" * 900,
        "a" * 5000,
        "\0",
        "\ud800",
    ],
)
def test_hostile_text_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, {"a": 1})
    assert max(len(line) for line in str(caught.value).splitlines()) < 160


PIECES = [*"ab()+-*/.,=<>:[]{}'\"\\\n\t#1e9 _é²\x0c", "tanh", "**", "a", "a", "1j", "0x1"]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_no_text_crashes(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert isinstance(parse(text, {"a": 1}), Value)


def test_values_must_be_used_and_named_properly() -> None:
    with pytest.raises(ExpressionError, match=r"b, c are given a value, and not used in 'a\*2'"):
        parse("a*2", {"a": 1, "b": 2, "c": 3})
    with pytest.raises(ExpressionError, match="'if' cannot be a name"):
        parse("a", {"if": 1})
    with pytest.raises(ExpressionError, match="empty"):
        parse("  ", {})
    with pytest.raises(TypeError, match="real number"):
        parse("a", {"a": "2"})


def test_the_place_in_a_long_expression_is_shown_with_what_is_around_it() -> None:
    text = "a + " * 60 + "q" + " + a" * 60
    with pytest.raises(ExpressionError) as caught:
        parse(text, {"a": 1})
    _, shown, marks = str(caught.value).split("\n")
    assert shown[marks.index("^")] == "q"
