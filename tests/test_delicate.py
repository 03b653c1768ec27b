"""Where derivatives are delicate: the guide's table line by line, here and in JAX; what a choice leaves out; masked numbers."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import chainrule
from chainrule import (
    check_gradients,
    clip,
    equal,
    grad,
    greater,
    hypot,
    leaky_relu,
    log,
    log_softmax,
    logsumexp,
    maximum,
    minimum,
    norm,
    primitives,
    relu,
    sin,
    softmax,
    sqrt,
    stop_gradient,
    where,
    xlogy,
)
from chainrule.compiler.api import compile as compile_program
from reference import JAX  # noqa: F401  # for doubles, and one core

INF = math.inf
GUIDE = (Path(__file__).parents[1] / "docs" / "guide" / "trusting.md").read_text(encoding="utf-8")
Function = Callable[..., Any]


def jax_softmax(*x: Any) -> Any:
    return jax.nn.softmax(jnp.array(x))


def jax_entropy(*x: Any) -> Any:
    p = jax_softmax(*x)
    return -jnp.sum(jax.scipy.special.xlogy(p, p))


TABLE: list[tuple[str, list[tuple[Function, Function]]]] = [
    ("| `relu(x)` | 0 |", [(relu, jax.nn.relu)]),
    ("| `leaky_relu(x, 0.1)` | 0 |", [(lambda x: leaky_relu(x, 0.1), lambda x: jax.nn.leaky_relu(x, 0.1))]),
    ("| `abs(x)` | 0 |", [(abs, jnp.abs)]),
    ("| `maximum(x, y)`, `minimum(x, y)` | (1, 1) |", [(maximum, jnp.maximum), (minimum, jnp.minimum)]),
    ("| `clip(x, 0, 1)` | 0 |", [(lambda x: clip(x, 0, 1), lambda x: jnp.clip(x, 0.0, 1.0))]),
    ("| `x ** 0` | 0 |", [(lambda x: x**0, lambda x: x**0)]),
    ("| `x ** 1` | 0 |", [(lambda x: x**1, lambda x: x**1)]),
    ("| `sqrt(x)` | 0 |", [(sqrt, jnp.sqrt)]),
    ("| `hypot(x, y)` | (0, 0) |", [(hypot, jnp.hypot)]),
    ("| `norm([x, y])` | (0, 0) |", [(lambda x, y: norm([x, y]), lambda x, y: jnp.linalg.norm(jnp.array([x, y])))]),
    ("| `sqrt(x*x + y*y)` | (0, 0) |", [(lambda x, y: sqrt(x * x + y * y), lambda x, y: jnp.sqrt(x * x + y * y))]),
    ("| `xlogy(x, x)` | 0 |", [(lambda x: xlogy(x, x), lambda x: jax.scipy.special.xlogy(x, x))]),
    ("| `x * log(x)` | 0 |", [(lambda x: x * log(x), lambda x: x * jnp.log(x))]),
    ("| `sqrt(x) * sqrt(x)` | 0 |", [(lambda x: sqrt(x) * sqrt(x), lambda x: jnp.sqrt(x) * jnp.sqrt(x))]),
    ("| `0 * sqrt(x)` | 0 |", [(lambda x: 0.0 * sqrt(x), lambda x: 0.0 * jnp.sqrt(x))]),
    (
        "| `where(greater(x, 0), sqrt(x), 0)` | -1 |",
        [(lambda x: where(greater(x, 0), sqrt(x), 0), lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0))],
    ),
    (
        "| `where(equal(x, 0), 1, sin(x) / x)` | 0 |",
        [(lambda x: where(equal(x, 0), 1, sin(x) / x), lambda x: jnp.where(x == 0, 1.0, jnp.sin(x) / x))],
    ),
    (
        "| `where(greater(log(x), 1), x, 3 * x)` | 0 |",
        [(lambda x: where(greater(log(x), 1), x, 3 * x), lambda x: jnp.where(jnp.log(x) > 1, x, 3 * x))],
    ),
    (
        "| `maximum(log(x), 0)`, `relu(log(x))`, `clip(log(x), -1, 1)` | 0 |",
        [
            (lambda x: maximum(log(x), 0), lambda x: jnp.maximum(jnp.log(x), 0.0)),
            (lambda x: relu(log(x)), lambda x: jax.nn.relu(jnp.log(x))),
            (lambda x: clip(log(x), -1, 1), lambda x: jnp.clip(jnp.log(x), -1.0, 1.0)),
        ],
    ),
    ("| `abs(sqrt(x))` | 0 |", [(lambda x: abs(sqrt(x)), lambda x: jnp.abs(jnp.sqrt(x)))]),
    ("| `softmax([x, y])[0]` | (-inf, 1) |", [(lambda x, y: softmax([x, y])[0], lambda x, y: jax_softmax(x, y)[0])]),
    ("| `logsumexp([x, y])` | (-inf, 1) |", [(lambda x, y: logsumexp([x, y]), lambda x, y: jax.nn.logsumexp(jnp.array([x, y])))]),
    ("| `logsumexp([x, y])` | (-inf, -inf) |", [(lambda x, y: logsumexp([x, y]), lambda x, y: jax.nn.logsumexp(jnp.array([x, y])))]),
    (
        "| `log_softmax([x, y])[1]` | (-inf, 1) |",
        [(lambda x, y: log_softmax([x, y])[1], lambda x, y: jax.nn.log_softmax(jnp.array([x, y]))[1])],
    ),
    (
        "| `-sum(xlogy(p, p) for p in softmax([x, y, z]))` | (-inf, 0, 0) |",
        [(lambda *x: -sum(xlogy(p, p) for p in softmax(x)), jax_entropy)],
    ),
    ("| `stop_gradient(x) * x` | 2 |", [(lambda x: stop_gradient(x) * x, lambda x: jax.lax.stop_gradient(x) * x)]),
]


def written(numbers: list[float]) -> str:
    return ", ".join(f"{number + 0.0:g}" for number in numbers)


def point_of(line: str) -> list[float]:
    return [float(number) for number in line.split("|")[2].strip(" ()").split(",")]


@cache
def of_jax(function: Function, point: tuple[float, ...]) -> str:
    return written([float(x) for x in jax.grad(function, tuple(range(len(point))))(*point)])


def three_ways(function: Function, point: list[float], Value: type) -> list[list[float]]:
    """The derivatives by `backward()`, by `grad()`, and of the compiled graph."""
    x = [Value(number) for number in point]
    out = function(*x)
    out.backward()
    ways = [[leaf.grad for leaf in x], [slope.data for slope in grad(out, x)]]
    if Value is chainrule.Value:
        compile_program(out)()
        ways.append([leaf.grad for leaf in x])
    return ways


@pytest.mark.parametrize("line", TABLE, ids=lambda line: line[0])
def test_the_guides_table_of_delicate_points(line: tuple[str, list[tuple[Function, Function]]], Value: type) -> None:
    start, functions = line
    point = point_of(start)
    for ours, theirs in functions:
        ways = {written(way) for way in three_ways(ours, point, Value)}
        assert len(ways) == 1, ways
        assert f"{start} {ways.pop()} | {of_jax(theirs, tuple(point))} |\n" in GUIDE


def test_every_line_of_the_guides_table_is_tested() -> None:
    lines = [line for line in GUIDE.splitlines() if line.startswith("| `")]
    assert len(lines) == len(TABLE) == len({start for start, _ in TABLE})


# --- what a choice leaves out -------------------------------------------------------------------------------------------------------------

SINGULAR: list[tuple[Function, float]] = [
    (sqrt, 0.0),
    (sqrt, -1.0),
    (log, 0.0),
    (log, -2.0),
    (chainrule.log1p, -1.0),
    (lambda x: 1.0 / x, 0.0),
    (lambda x: x / (x - x), 1.0),
    (lambda x: x**0.5, 0.0),
    (lambda x: x**-2, 0.0),
    (lambda x: x**x, -0.5),
    (lambda x: x * log(x), 0.0),
    (chainrule.acos, 1.0),
    (chainrule.asin, 3.0),
    (lambda x: chainrule.atan2(x, x), 0.0),
    (lambda x: (x * 1e3).exp() * x, 1.0),
    (lambda x: norm([x * INF, x]), 0.0),
    (lambda x: softmax([x * INF, x])[0], 0.0),
]
CHOICES: list[Function] = [
    lambda x, y: where(greater(x, INF), y, 3.0 * x),
    lambda x, y: where(where(greater(x, -INF), 1.0, y), 3.0 * x, sin(y) * y),
    lambda x, y: where(greater(x, INF), y.exp() + y * y, 3.0 * x),
    lambda x, y: 3.0 * x + where(greater(x, INF), y, 0.0) * x + relu(-1.0 - abs(where(greater(x, INF), y, 2.0))),
    lambda x, y: 3.0 * x + stop_gradient(greater(y, 1.0)) * 0.0,
    lambda x, y: where(greater(x, INF), leaky_relu(x - INF, x) + chainrule.elu(x * math.nan, x), 3.0 * x),
]


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize(("singular", "at"), SINGULAR)
def test_a_branch_that_is_not_taken_passes_no_nan(choice: Function, singular: Function, at: float, Value: type) -> None:
    for way in three_ways(lambda x: choice(x, singular(x)), [at], Value):
        assert way == [3.0]


def test_many_branches_that_are_not_taken_in_one_compiled_program() -> None:
    """In vectors, over a batch, and behind a sum of products."""
    numbers = np.array([-2.0, -1.0, 0.0, 0.25, 1.0, 4.0] * 3)
    weights = [chainrule.Value(w) for w in (0.5, -1.0, 2.0)]

    def loss(x: Any) -> Any:
        hidden = [where(greater(x, 0.0), w * sqrt(x) + x * log(x), w) for w in weights]
        return where(greater(x, 0.5), sum(v * h for v, h in zip(weights, hidden, strict=True)), 0.0) + x

    compiled = compile_program(loss, batch="sum")(numbers)
    compiled.backward()
    found = [w.grad for w in weights]
    sum(loss(chainrule.Value(x)) for x in numbers.tolist()).backward()
    assert found == pytest.approx([w.grad for w in weights], rel=1e-12)
    assert all(map(math.isfinite, found))
    _, (slopes,) = compile_program(loss, batch=None).value_and_grad(numbers)
    for x, slope in zip(numbers.tolist(), slopes.tolist(), strict=True):
        v = chainrule.Value(x)
        loss(v).backward()
        assert slope == pytest.approx(v.grad, rel=1e-12)


def test_second_derivatives_keep_a_0_that_is_a_number(Value: type) -> None:
    """A guard that looks at numbers instead of conditions would lose these."""
    x, z = Value(0.0), Value(2.0)
    y = where(greater(z, 1.0), x * log(z), sqrt(x))
    (by_z,) = grad(y, [z])
    assert by_z.data == 0.0
    assert grad(by_z, x).data == 0.5
    assert grad(grad(where(greater(z, 1.0), z**3, sqrt(x)), z), z).data == 12.0


def test_an_operation_by_hand_that_nothing_arrives_at_is_not_run(Value: type) -> None:
    x = Value(0.0)
    out = Value(1.0, (x.log(),), "mine")
    out._backward = lambda: pytest.fail("nothing was passed to this node")
    where(greater(out, 5.0), out, 3.0 * x).backward()
    assert (x.grad, out.grad) == (3.0, 0.0)
    assert math.copysign(1.0, out.grad) == 1.0


UNARY = ["sqrt", "log", "exp", "tanh", "relu", "absolute", "asin", "acos", "log1p", "sigmoid", "sin", "negative", "gelu", "silu"]
UNARY += ["softplus", "stop_gradient", "atan"]
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "hypot", "xlogy"]


def random_program(seed: int) -> tuple[list[float], Function]:
    """Choices between branches that are singular at the numbers it is given."""
    rng = random.Random(seed)
    point = [rng.choice([0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 0.3]) for _ in range(rng.randint(1, 3))]
    steps: list[tuple[Any, ...]] = []
    for count in range(len(point), len(point) + rng.randint(3, 9)):
        kind = rng.random()
        if kind < 0.4:
            steps.append((getattr(primitives, rng.choice(UNARY)), rng.randrange(count)))
        elif kind < 0.7:
            first = rng.randrange(count)
            steps.append(
                (getattr(primitives, rng.choice(BINARY)), first, (first + rng.randrange(1, count)) % count if count > 1 else first)
            )
        else:
            condition = rng.choice([greater, equal])
            steps.append((where, condition, rng.choice([0.0, 0.5, 1.0]), *(rng.randrange(count) for _ in range(3))))

    def function(*x: Any) -> Any:
        values = list(x)
        for operation, *of in steps:
            if operation is where:
                condition, number, a, b, c = of
                values.append(where(condition(values[a], number), values[b], values[c]))
            else:
                values.append(operation(*(values[k] for k in of)))
        return values[-1] + 0.5 * values[-2] * values[0]

    return point, function


def alike(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-3)


@pytest.mark.parametrize("programs", [40, pytest.param(1_500, marks=pytest.mark.slow)])
def test_random_programs_of_choices_agree_in_every_way(programs: int, Value: type) -> None:
    finite = cancelled = 0
    for seed in range(programs):
        point, function = random_program(seed)
        backward, by_grad, compiled = three_ways(function, point, Value)
        finite += all(map(math.isfinite, backward))
        assert all(map(alike, backward, by_grad)), f"program {seed} at {point}: {backward}, {by_grad}"
        if not all(map(alike, backward, compiled)):  # in the compiled sum, an infinite term may have met its opposite
            assert all(math.isnan(a) or alike(a, b) for a, b in zip(backward, compiled, strict=True)), (
                f"program {seed} at {point}: {backward}, {compiled}"
            )
            cancelled += 1
    assert finite >= 0.6 * programs
    assert cancelled <= programs / 500


# --- new functions ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_a_norm_neither_overflows_nor_vanishes(size: float, Value: type) -> None:
    x = [Value(3.0 * size), Value(-4.0 * size), Value(0.0)]
    length = norm(x)
    length.backward()
    assert length.data == pytest.approx(5.0 * size, rel=1e-15)
    assert [leaf.grad for leaf in x] == pytest.approx([0.6, -0.8, 0.0], rel=1e-14)
    assert norm([3.0, 4.0]) == 5.0
    assert math.isnan(norm([Value(math.nan), Value(1.0)]).data)
    assert norm([Value(INF), Value(1.0)]).data == INF
    with pytest.raises(ValueError, match=r"^norm\(\) needs at least one value"):
        norm([])


def test_gradients_of_the_new_functions(Value: type) -> None:
    assert check_gradients(lambda a, b, c: norm([a, b, c]), [0.3, -2.0, 0.0])
    assert check_gradients(xlogy, [0.3, 2.0])
    assert check_gradients(lambda p: -xlogy(p, p), [0.2])
    assert check_gradients(lambda x: clip(x, -1.0, 1.0) + x.clip(0.0), [0.3])
    assert check_gradients(lambda x: x.erfc() * chainrule.erfc(-x), [0.3])


def test_clip_and_its_bounds(Value: type) -> None:
    for x, expected, slope in ((-2.0, -1.0, 0.0), (-1.0, -1.0, 0.5), (0.25, 0.25, 1.0), (3.0, 2.0, 0.0)):
        leaf = Value(x)
        out = leaf.clip(-1.0, 2.0)
        out.backward()
        assert (out.data, leaf.grad, clip(x, -1.0, 2.0)) == (expected, slope, expected)
    assert clip(5.0) == 5.0
    assert clip(Value(5.0), high=Value(3.0)).data == 3.0
    with pytest.raises(ValueError, match=r"^clip\(\) needs low <= high, got low=2 and high=1$"):
        clip(Value(0.0), 2, 1)


def test_stop_gradient_is_a_constant_for_derivatives_only(Value: type) -> None:
    x = Value(3.0)
    out = stop_gradient(x) * x
    out.backward()
    assert (out.data, x.grad, grad(out, x).data) == (9.0, 3.0, 3.0)
    assert (x.stop_gradient().data, stop_gradient(2.0)) == (3.0, 2.0)
