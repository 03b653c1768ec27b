"""Random programs of index patterns agree with the eager engine, and so does every group of their schedules.

More of them: `python tests/support/compiler/index_programs.py FIRST LAST`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest

import chainrule
import emitted
import pattern_programs
from chainrule import Value, tanh
from chainrule.compiler.ir.interpret import Memory
from chainrule.compiler.runtime.program import Kernel, Program
from chainrule.compiler.transform import fusion as fuse
from chainrule.compiler.transform.dependence import Reach, at_same_point, may_meet
from compare import TOLERANCE
from index_programs import EXACTLY, IndexProgram, index_program, largest_error
from programs import chunks
from registry import Built

FEW, PROGRAMS, CHUNK = 8, 1000, 24
FEW_CHECKED, CHECKED = 4, 200


@pytest.mark.parametrize("seeds", chunks(FEW, PROGRAMS, CHUNK))
def test_compiled_programs_of_index_patterns_agree_with_the_eager_engine(seeds: range, quick: None) -> None:
    wrong = []
    for seed in seeds:
        built = index_program(seed)
        if not (apart := largest_error(built)) <= TOLERANCE:
            wrong.append(f"seed {seed}: {built.told}: {apart:.3g}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("seeds", chunks(FEW, PROGRAMS, EXACTLY * CHUNK))
def test_they_do_with_all_that_llvm_does(seeds: range) -> None:
    wrong = []
    for seed in seeds[::EXACTLY]:
        built = index_program(seed)
        if not (apart := largest_error(built)) <= TOLERANCE:
            wrong.append(f"seed {seed}: {built.told}: {apart:.3g}")
    assert not wrong, "\n".join(wrong)


# --- group by group ---------------------------------------------------------------------------------------------------------------------


def check_function(built: IndexProgram) -> None:
    """Check every group of the function of one sample; of some, in single precision, with twice as many lanes, or as `fit` has it."""
    indices = [built.indices] if built.indices.size else []
    dtype = "float32" if built.seed % 2 else "float64"
    traced = chainrule.compile(built.loss, batch=built.reduction, target=built.target, dtype=dtype).trace(*built.samples, *indices)
    assert traced.program is not None
    kernel = traced.program.kernel(parameters=True, inputs=True, one_block=built.seed % 3 == 0)
    emitted.check(kernel, start(traced.program, [*built.samples, *indices]), len(built.indices))


def check_graph(loss: Value) -> Kernel:
    """Check every group of a graph."""
    program = chainrule.compile(loss).program
    kernel = program.kernel(parameters=True)
    emitted.check(kernel, start(program, []))
    return kernel


def start(program: Program, arguments: list[np.ndarray]) -> Callable[[Memory], None]:
    """What puts parameters and arguments into memory."""

    def put(memory: Memory) -> None:
        if program.parameters is not None:
            memory[program.parameters] = [0.0 if leaf is None else leaf.data for leaf in program.lowered.parameters]
        for buffer, argument in zip(program.lowered.inputs, arguments, strict=True):
            if buffer is not None:
                memory[buffer] = argument
        memory[program.seed] = 1.0

    return put


@pytest.mark.parametrize("seeds", chunks(FEW_CHECKED, CHECKED, CHUNK))
def test_every_group_stores_what_the_statements_do(seeds: range, quick: None) -> None:
    for seed in seeds:
        built = index_program(seed)
        check_graph(built.sample(0)[0])
        check_function(built)


def test_blocks_of_samples_are_checked_one_after_another(quick: None) -> None:
    b = [Value(0.1 * k) for k in range(4)]

    def loss(x: Any) -> Any:
        h: Any = 0.0
        for t in range(8):
            h = tanh(h * x[t % 3] + b[t % 4])
        return h * b[1]

    with mock.patch("chainrule.compiler.transform.arenas.CACHE", 1):
        traced = chainrule.compile(loss, batch="mean").trace(np.zeros((37, 3)))
        kernel = traced.program.kernel(parameters=True, inputs=True)
    assert kernel.capacity < 37
    emitted.check(kernel, start(traced.program, [np.random.default_rng(1).normal(size=(37, 3))]), 37)


@pytest.mark.parametrize(
    "build",
    [
        pattern_programs.state_and_output_share_their_biases,
        pattern_programs.products_at_two_strides,
        pattern_programs.queue_read_at_half_the_speed_at_which_it_grows,
        pattern_programs.ring_of_weights_there_and_back,
    ],
)
def test_the_check_finds_groups_that_are_right_in_the_first_iteration_only(build: Callable[[random.Random], Built], quick: None) -> None:
    loss = build(random.Random(1)).loss
    check_graph(loss())

    def at_rest(reach: Reach) -> Reach:
        return reach._replace(advance=0)

    with (
        mock.patch.object(fuse, "may_meet", lambda a, b, count: may_meet(at_rest(a), at_rest(b), 1)),
        mock.patch.object(fuse, "at_same_point", lambda a, b, parallel: at_same_point(at_rest(a), at_rest(b), parallel)),
        pytest.raises(AssertionError, match=r"part 1.* is .*, not "),
    ):
        check_graph(loss())
