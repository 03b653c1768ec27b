"""Nodes share a class only if they are computed alike; what machine code reads for one of them, it reads for all."""

from __future__ import annotations

import random
from itertools import permutations

import numpy as np
import pytest

import chainrule
from chainrule import Value
from chainrule.compiler.analysis.classes import _check_alike, find_classes
from chainrule.compiler.capture.tape import record
from compare import TOLERANCE, as_value, as_values, error, evaluate
from programs import PROGRAMS, Program


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_members_apply_one_operation_to_operands_of_the_same_classes(program: Program) -> None:
    built = program.build(random.Random(1))
    arguments = built.arguments if built.parameters else tuple(as_values(argument) for argument in built.arguments)
    tape = record([as_value(evaluate(built, arguments))])
    found = find_classes(tape)
    for one in found.classes:
        if one.kind != "operation":
            continue
        seen = set()
        for node in one.members.tolist():
            operands = tape.operands[tape.starts[node] : tape.starts[node + 1]]
            number = tape.numbers[node] if len(operands) == 1 else 0.0
            seen.add((int(tape.codes[node]), float(number), *found.class_of[operands].tolist()))
        assert len(seen) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_an_exponent_is_no_class(order: tuple[int, ...]) -> None:
    """Classes are numbered from 0, as exponents may be."""
    b, c = Value(0.7), Value(-0.4)
    powers = (lambda x: x**b + x**c, lambda x: x**0 + x**1 + x**2 + x**3 + x**4, lambda x: x ** (b * c) + x**x)

    def formula(x: Value) -> Value:
        return sum(powers[k](x) for k in order)

    points = np.linspace(0.5, 2.0, 9)
    compiled = chainrule.compile(formula, batch="sum")
    loss = compiled(points)
    loss.backward()
    gradients = [b.grad, c.grad]
    eagerly = sum(formula(Value(x)) for x in points.tolist())
    eagerly.backward()
    assert error([loss.data, *gradients], [eagerly.data, b.grad, c.grad]) <= TOLERANCE


def test_unlike_nodes_in_one_class_are_never_compiled() -> None:
    _check_alike(np.array([3, 3, 3]))
    with pytest.raises(AssertionError, match="bug in chainrule's compiler"):
        _check_alike(np.array([3, 3, 2]))
