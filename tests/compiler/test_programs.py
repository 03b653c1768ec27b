"""Compiled programs compute what the eager engine computes, to the rounding of sums."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest

import chainrule
from chainrule import check_gradients
from compare import (
    TOLERANCE,
    as_value,
    as_values,
    call,
    compile_function,
    eager,
    eager_for_arguments,
    error,
    evaluate,
    numbers,
    sample,
    structure,
)
from programs import OUTPUTS, PROGRAMS, Built, Program, some
from registry import flat

every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)


def build(program: Program, seed: int = 1) -> Built:
    return program.build(random.Random(seed))


def other_arguments(program: Program) -> tuple:
    return build(program, seed=2).arguments


def assert_same(found: tuple[float, list[float]], expected: tuple[float, list[float]]) -> None:
    assert error([found[0]], [expected[0]]) <= TOLERANCE, f"loss {found[0]!r}, eagerly {expected[0]!r}"
    assert error(found[1], expected[1]) <= TOLERANCE, f"gradients {found[1]}, eagerly {expected[1]}"


def test_programs_have_names_of_their_own() -> None:
    assert [name for name, count in Counter(program.name for program in PROGRAMS + OUTPUTS).items() if count > 1] == []


@every_program
def test_the_eager_gradients_are_those_of_differences(program: Program) -> None:
    """Of some parameters, or arguments: that the programs are worth comparing with."""
    built = build(program)
    arguments = built.arguments if built.parameters else tuple(as_values(argument) for argument in built.arguments)
    leaves = built.parameters or flat(arguments)
    some = random.Random(3).sample(leaves, min(4, len(leaves)))
    report = check_gradients(lambda *_: as_value(evaluate(built, arguments)), some, h=1e-5)
    assert len(report.rows) == min(4, len(leaves)) > 0
    assert report, report


@pytest.mark.parametrize("program", some(PROGRAMS, (1, 2)))
def test_a_compiled_function_agrees_with_the_eager_engine_on_every_call(program: Program) -> None:
    """A second call, other arguments of the same shape, parameters changed by hand, and the first arguments again."""
    built, others = build(program), other_arguments(program)
    function = compile_function(built)
    for arguments in (built.arguments, built.arguments, others):
        assert_same(call(function, built, arguments), eager(built, arguments))
    for position, parameter in enumerate(built.parameters):
        parameter.data *= 0.99 if position % 2 else 1.01
    for arguments in (others, built.arguments):
        assert_same(call(function, built, arguments), eager(built, arguments))


@pytest.mark.parametrize("program", some(PROGRAMS))
def test_a_compiled_graph_agrees_with_the_eager_engine(program: Program) -> None:
    built = build(program)
    arguments = built.arguments if built.parameters else tuple(as_values(argument) for argument in built.arguments)
    leaves = built.parameters or flat(arguments)
    step = chainrule.compile(as_value(evaluate(built, arguments)))
    for scale in (1.0, 1.0, 0.99):
        for leaf in leaves:
            leaf.data *= scale
        loss = as_value(evaluate(built, arguments))
        for leaf in leaves:
            leaf.grad = 0.0
        loss.backward()
        expected = loss.data, [leaf.grad for leaf in leaves]
        for leaf in leaves:
            leaf.grad = 0.0
        found = step()
        assert type(found) is float
        assert_same((found, [leaf.grad for leaf in leaves]), expected)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("program", [program for program in PROGRAMS if build(program).batched], ids=lambda program: program.name)
def test_a_function_of_one_sample_serves_batches_of_any_length(program: Program) -> None:
    built = build(program)
    function = compile_function(built)
    longest = len(built.arguments[0])
    for length in (longest, 1, 2, longest // 2 + 1, 3 * longest + 1):
        arguments = tuple((argument.tolist() if isinstance(argument, np.ndarray) else argument) * 4 for argument in built.arguments)
        arguments = tuple(argument[:length] for argument in arguments)
        assert_same(call(function, built, arguments), eager(built, arguments))


def reached(built: Built) -> list[bool]:
    """Of each parameter, whether a sweep from the loss comes by; an index that is a Value reaches all rows that it could choose."""
    for parameter in built.parameters:
        parameter.grad = math.inf
    as_value(evaluate(built, [as_values(argument, integers=True) for argument in built.arguments])).backward()
    return [parameter.grad != math.inf for parameter in built.parameters]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("program", [program for program in PROGRAMS if not all(reached(build(program)))], ids=lambda program: program.name)
def test_gradients_of_parameters_that_the_loss_does_not_reach_stay_as_they_are(program: Program) -> None:
    built = build(program)
    expected = [gradient if by_sweep else 7.0 for gradient, by_sweep in zip(eager(built)[1], reached(built), strict=True)]
    loss = compile_function(built)(*built.arguments)
    for parameter in built.parameters:
        parameter.grad = 7.0
    loss.backward()
    assert error([parameter.grad for parameter in built.parameters], expected) <= TOLERANCE


def floating(program: Program) -> bool:
    arguments = build(program).arguments
    return bool(arguments) and all(np.asarray(argument).dtype == float for argument in arguments)


@pytest.mark.slow
@pytest.mark.parametrize("program", [*filter(floating, PROGRAMS)], ids=lambda program: program.name)
def test_gradients_with_respect_to_arguments_agree_with_the_eager_engine(program: Program) -> None:
    built = build(program)
    loss, gradients = compile_function(built).value_and_grad(*built.arguments)
    expected_loss, expected = eager_for_arguments(built)
    assert error([float(loss)], [expected_loss]) <= TOLERANCE
    assert [np.shape(gradient) for gradient in gradients] == [np.shape(argument) for argument in built.arguments]
    assert error(numbers([*gradients]), numbers(expected)) <= TOLERANCE


@pytest.mark.parametrize("program", OUTPUTS, ids=lambda program: program.name)
def test_several_outputs_come_as_arrays_in_the_structure_that_the_function_returns(program: Program) -> None:
    built = build(program)
    function = compile_function(built)
    for arguments in (built.arguments, other_arguments(program)):
        found = function(*arguments)
        if built.batched:
            for n, row in enumerate(zip(*arguments, strict=True)):
                assert_outputs(sample(found, n), built.loss(*row))
        else:
            assert_outputs(found, built.loss(*arguments))


def assert_outputs(found: object, expected: object) -> None:
    assert structure(found) == structure(expected)
    assert error(numbers(found), numbers(expected)) <= TOLERANCE
