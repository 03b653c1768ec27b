"""Random graphs, with shared nodes, every operation and constants on either side: values and derivatives against JAX.

A graph is drawn step by step beside its numbers, so that each step can stay where derivatives exist: inside domains, away from overflow,
and off corners, unless both libraries meet the corner exactly. (Corners and edges are the business of test_primitives.) No graph is
thrown away.

How far two correct programs may differ is not guessed. Each node is rounded once, by at most a few units in the last place, and what
that does to a result is, to first order, the rounding times the derivative of the result with respect to the node: the sum is the bound.
"""

from __future__ import annotations

import math
import operator
import random
import sys
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import jax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import grad
from chainrule.primitives import PRIMITIVES
from reference import JAX, REFERENCES, arity

ROUNDINGS = 32 * sys.float_info.epsilon  # of one node; XLA's elementary functions err by several units in the last place
SYMBOLS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "neg": operator.neg,
    "abs": operator.abs,
}
OURS: dict[str, Callable[..., Any]] = PRIMITIVES | SYMBOLS


class Node(NamedTuple):
    """The result of an earlier step, as an operand; anything else among operands is a constant."""

    position: int


class Program(NamedTuple):
    """A graph to be built, by chainrule or by JAX."""

    leaves: list[float]
    steps: list[tuple[str, list[Any]]]
    replaced: int  # steps that stand in for one that would have left the domain

    def run(self, leaves: Any, functions: dict[str, Callable[..., Any]]) -> Any:
        """Apply the steps to the leaves; the last result is the output."""
        nodes = list(leaves)
        for name, operands in self.steps:
            nodes.append(functions[name](*(nodes[x.position] if isinstance(x, Node) else x for x in operands)))
        return nodes[-1]


def tame(name: str, numbers: list[float], operands: list[Any], exact: bool) -> bool:
    """Whether both libraries have moderate derivatives here, and the same ones."""
    row = PRIMITIVES[name]
    out = row(*numbers)
    slopes = [row.partial(i, numbers, out) for i, x in enumerate(operands) if isinstance(x, Node)]
    if not abs(out) < 1e4 or not all(abs(slope) < 1e4 for slope in slopes):
        return False
    reference = REFERENCES[name]
    return reference.jump(*numbers) > 1e-4 or (exact and reference.agrees_there)


def random_program(seed: int, size: int) -> Program:
    """Draw a graph of `size` steps, and a few more additions: hypothesis, which draws seed and size, shrinks the latter."""
    draw = random.Random(seed)

    def number() -> float | int:
        return draw.randint(-3, 3) if draw.random() < 0.3 else draw.uniform(-3.0, 3.0)

    leaves = [float(number()) for _ in range(draw.randint(1, 4))]
    data, exact, unused = list(leaves), [True] * len(leaves), set(range(len(leaves)))
    steps: list[tuple[str, list[Any]]] = []
    replaced = 0

    def append(name: str, operands: list[Any], numbers: list[float]) -> None:
        used = [x.position for x in operands if isinstance(x, Node)]
        steps.append((name, operands))
        exact.append(REFERENCES[name].is_exact and all(exact[position] for position in used))
        unused.difference_update(used)
        unused.add(len(data))
        data.append(PRIMITIVES[name](*numbers))

    for _ in range(size):
        name = draw.choice(list(PRIMITIVES))
        operands = [Node(draw.randrange(len(data))) if draw.random() < 0.75 else number() for _ in range(arity(PRIMITIVES[name]))]
        for position, choice in REFERENCES[name].axes.items():
            operands[position] = draw.choice(choice)
        operands[draw.randrange(len(operands))] = some = Node(draw.randrange(len(data)))
        numbers = [data[x.position] if isinstance(x, Node) else float(x) for x in operands]
        if tame(name, numbers, operands, all(exact[x.position] for x in operands if isinstance(x, Node))):
            append(name, operands, numbers)
        else:
            append("tanh", [some], [data[some.position]])
            replaced += 1
    while len(unused) > 1:  # what nobody used is added up, so that every node matters
        last = sorted(unused)[-2:]
        append("+", [Node(position) for position in last], [data[position] for position in last])
    return Program(leaves, steps, replaced)


def rounding_bound(result: Any, engine: ModuleType) -> float:
    """How far rounding may have moved a result: see above."""
    result.backward()
    return ROUNDINGS * sum(abs(node.grad * node.data) for node in engine.topological_order(result) if node.grad != 0)


class Tally(NamedTuple):
    """What a run has compared, to be sure that it compared."""

    operations: Counter[str]
    outcomes: Counter[str]

    def compare(self, ours: Any, theirs: float, engine: ModuleType, what: str) -> None:
        bound = rounding_bound(ours, engine)
        if not math.isfinite(bound):
            self.outcomes["not comparable"] += 1
            return
        difference = abs(ours.data - theirs)
        assert difference <= bound, f"{what}: {ours.data!r}, JAX {theirs!r}, {difference:.3g} apart, rounding explains {bound:.3g}"
        self.outcomes["sharp" if bound <= 1e-9 * (1.0 + abs(theirs)) else "blunt"] += 1

    def check(self, every_operation: bool) -> None:
        assert self.outcomes["sharp"] > 0.95 * self.outcomes.total(), self.outcomes
        assert self.operations["replaced"] < 0.4 * self.operations.total(), self.operations
        if every_operation:
            assert self.operations.keys() >= PRIMITIVES.keys(), PRIMITIVES.keys() - self.operations.keys()

    def count(self, program: Program) -> None:
        self.operations.update(name for name, _ in program.steps)
        self.operations["replaced"] += program.replaced


def tally() -> Tally:
    return Tally(Counter(), Counter())


@pytest.mark.parametrize("graphs", [60, pytest.param(50, marks=pytest.mark.slow)])
def test_values_and_gradients_are_those_of_jax(graphs: int, Value: type, engine: ModuleType) -> None:
    compared = tally()

    @settings(max_examples=graphs)
    @given(seed=st.integers(0, 2**32), size=st.integers(2, 20))
    def every(seed: int, size: int) -> None:
        program = random_program(seed, size)
        leaves = [Value(x) for x in program.leaves]
        out = program.run(leaves, OURS)
        value, gradient = jax.value_and_grad(lambda x: program.run(x, JAX))(program.leaves)
        compared.count(program)
        compared.compare(out, float(value), engine, "value")
        out.backward()
        by_backward = [leaf.grad for leaf in leaves]
        for i, (mine, theirs) in enumerate(zip(grad(out, leaves), gradient, strict=True)):
            assert mine.data == pytest.approx(by_backward[i], rel=1e-9, abs=1e-9), f"leaf {i}: grad() and backward() differ"
            compared.compare(mine, float(theirs), engine, f"leaf {i}")

    every()
    compared.check(every_operation=True)


@pytest.mark.parametrize("graphs", [20, pytest.param(30, marks=pytest.mark.slow)])
def test_second_derivatives_are_those_of_jax(graphs: int, Value: type, engine: ModuleType) -> None:
    """The Hessian times a fixed direction, which is one gradient of one sum."""
    compared = tally()
    direction = [1.0, -0.5, 0.75, 2.0]

    def directional(derivatives: Any) -> Any:
        return sum(weight * derivative for weight, derivative in zip(direction, derivatives, strict=False))

    @settings(max_examples=graphs)
    @given(seed=st.integers(0, 2**32), size=st.integers(2, 8))
    def every(seed: int, size: int) -> None:
        program = random_program(seed, size)
        leaves = [Value(x) for x in program.leaves]
        second = grad(directional(grad(program.run(leaves, OURS), leaves)), leaves)
        gradient = jax.grad(lambda x: program.run(x, JAX))
        compared.count(program)
        for i, (mine, theirs) in enumerate(zip(second, jax.grad(lambda x: directional(gradient(x)))(program.leaves), strict=True)):
            compared.compare(mine, float(theirs), engine, f"leaf {i}")

    every()
    compared.check(every_operation=False)
