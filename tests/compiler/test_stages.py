"""At each stage of the compiler the statements, carried out by NumPy, compute what the eager engine computes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule
import emitted
from chainrule import MLP, Value, l2_penalty, mean
from chainrule.compiler.ir.expressions import Access, Buffer, Constant, Load
from chainrule.compiler.ir.interpret import Memory, interpret
from chainrule.compiler.ir.statements import BATCH, Group, Loop, Statement, Step
from chainrule.compiler.pipeline import Parts
from chainrule.compiler.runtime.program import Kernel
from chainrule.compiler.runtime.program import Program as Compiled
from chainrule.compiler.runtime.traced import Traced
from chainrule.compiler.transform.schedule import group
from compare import TOLERANCE, compile_function, eager, eager_for_arguments, error, numbers
from programs import LONG, PROGRAMS, Built, Program, named, some

SAMPLES = 3

every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)


class Case(NamedTuple):
    """A program with a few samples, its statements, and what the eager engine makes of it.

    Arguments:
        inputs: whether the gradients of the arguments are computed too, which all must be floats then.
        parts: the statements of the kernel that computes the gradients.
        of: for each buffer whose gradient it computes, that of the gradient.
    """

    built: Built
    traced: Traced
    program: Compiled
    inputs: bool
    parts: Parts
    of: dict[Buffer, Buffer]

    @property
    def samples(self) -> int:
        return len(self.built.arguments[0]) if self.built.batched else 1

    def memory(self) -> Memory:
        """Fresh memory with parameters and arguments; all else is nan."""
        memory = Memory(self.samples)
        if self.program.parameters is not None:
            memory[self.program.parameters] = [leaf.data for leaf in self.traced.leaves]
        for buffer, argument in zip(self.program.lowered.inputs, self.built.arguments, strict=True):
            if buffer is not None:
                memory[buffer] = argument
        memory[self.program.seed] = 1.0 / self.samples if self.built.reduction == "mean" else 1.0
        return memory


@cache
def case(program: Program) -> Case:
    built = program.build(random.Random(1))
    if built.batched:
        built = replace(built, arguments=tuple(argument[:SAMPLES] for argument in built.arguments))
    traced = compile_function(built).trace(*built.arguments)
    assert traced.program is not None
    inputs = bool(built.arguments) and all(np.asarray(argument).dtype == float for argument in built.arguments)
    return Case(built, traced, traced.program, inputs, *traced.program.parts(True, inputs))


@cache
def expected(program: Program) -> tuple[float, list[float], list[float]]:
    """The loss, the gradients of the parameters, and those of the arguments if all are floats."""
    at_hand = case(program)
    of_arguments = numbers(eager_for_arguments(at_hand.built)[1]) if at_hand.inputs else []
    return *eager(at_hand.built), of_arguments


def assert_same(program: Program, memory: Memory, kernel: Kernel | None = None) -> None:
    """Check the loss and the gradients in memory, where the case's own statements have put them, or those of a kernel."""
    at_hand, (loss, of_parameters, of_arguments) = case(program), expected(program)
    of = at_hand.of if kernel is None else kernel.gradients
    found = memory[at_hand.program.loss if at_hand.built.batched else at_hand.program.lowered.output]
    assert error(found.tolist(), [loss]) <= TOLERANCE, f"loss {found}, eagerly {loss!r}"
    gradients = dict.fromkeys(at_hand.built.parameters, 0.0)
    if at_hand.program.parameters is not None:
        gradients.update(zip(at_hand.traced.leaves, memory[of[at_hand.program.parameters]].tolist(), strict=True))
    in_order = [gradients[parameter] for parameter in at_hand.built.parameters]
    assert error(in_order, of_parameters) <= TOLERANCE, f"gradients {in_order}, eagerly {of_parameters}"
    if at_hand.inputs:
        buffers = zip(at_hand.program.lowered.inputs, at_hand.built.arguments, strict=True)
        columns = [np.zeros(np.size(argument)) if buffer is None else memory[of[buffer]] for buffer, argument in buffers]
        assert error(np.concatenate(columns).tolist(), of_arguments) <= TOLERANCE, f"gradients of arguments, eagerly {of_arguments}"


# --- the stages -------------------------------------------------------------------------------------------------------------------------


@every_program
def test_the_statements_compute_the_results(program: Program) -> None:
    at_hand = case(program)
    built, memory = at_hand.built, at_hand.memory()
    interpret(at_hand.program.lowered.statements, memory)
    losses = [built.loss(*sample) for sample in zip(*built.arguments, strict=True)] if built.batched else [built.loss(*built.arguments)]
    assert error(memory[at_hand.program.lowered.output].tolist(), [float(loss) for loss in losses]) <= TOLERANCE


@pytest.mark.parametrize("program", some(PROGRAMS))
def test_the_adjoint_computes_the_gradients(program: Program) -> None:
    memory = case(program).memory()
    for statements in case(program).parts:
        interpret(statements, memory)
    assert_same(program, memory)


@pytest.mark.parametrize("program", named(PROGRAMS))
def test_groups_may_be_carried_out_in_any_order_of_their_points(program: Program) -> None:
    """And what a group does not keep, no other group needs."""
    at_hand, memory = case(program), case(program).memory()
    outside = [at_hand.program.lowered.output, at_hand.program.loss, *at_hand.of.values()]
    for part in group(at_hand.parts, outside):
        carry_out(part.groups, memory, halves)
    assert_same(program, memory)


@pytest.mark.parametrize("program", some(PROGRAMS))
def test_the_schedule_computes_the_same_in_the_arenas(program: Program) -> None:
    at_hand, memory = case(program), case(program).memory()
    kernel = Kernel(at_hand.program, at_hand.parts, at_hand.of)
    assert kernel.capacity >= at_hand.samples
    for steps in kernel.steps:
        carry_out(steps, memory, halves if program.name in LONG else whole)
    assert_same(program, memory)


@pytest.mark.parametrize("program", some(PROGRAMS, (1,), of=9))
def test_every_group_stores_what_the_statements_do_in_the_order_in_which_it_is_emitted(program: Program) -> None:
    at_hand = case(program)
    for one_block in (False, True) if at_hand.built.batched else (False,):
        kernel = at_hand.program.kernel(parameters=True, inputs=at_hand.inputs, one_block=one_block)
        memory = emitted.check(kernel, lambda memory: memory.arrays.update(at_hand.memory().arrays), at_hand.samples)
        assert_same(program, memory, kernel)


# --- groups, point by point -------------------------------------------------------------------------------------------------------------


def carry_out(steps: Sequence[Step], memory: Memory, pieces: Callable[[Group, int], list[Group]], iteration: int = 0) -> None:
    """Carry out steps as machine code may: all statements of a group at some of its points before they are done at the others."""
    for step in steps:
        if isinstance(step, Loop):
            for index in range(step.count):
                carry_out(step.body, memory, pieces, index)
        elif isinstance(step, Group):
            for some in reversed(pieces(step, memory.samples)):
                carry_out_together(some, memory, iteration)
        else:
            interpret([step], memory, iteration)


def carry_out_together(group: Group, memory: Memory, iteration: int) -> None:
    """Carry out a group at its points.

    What a statement stores, others get from registers, if they read it at the same point and do not add up; it reaches memory when all
    is done, if it is kept, and is nan if not.
    """
    stored = {statement.store.buffer for statement in group.statements}
    loaded = {access.buffer for statement in group.statements for access in statement.value.loads()}
    before = {buffer: Buffer(f"{buffer.name} before", buffer.size, buffer.role, per_sample=buffer.per_sample) for buffer in stored & loaded}
    for buffer, old in before.items():
        memory.arrays[old] = memory[buffer].copy()
    at_hand: set[Access] = set()
    for statement in group.statements:

        def found(access: Access, statement: Statement = statement) -> Access:
            in_register = not statement.reduced and access in at_hand
            return access if in_register or access.buffer not in before else access._replace(buffer=before[access.buffer])

        interpret([replace(statement, value=statement.value.map(found))], memory, iteration)
        at_hand.add(statement.store._replace(strides=statement.store.strides[: len(group.sizes)]))
    forgotten = [
        replace(statement, value=Constant(math.nan), accumulate=False, reduction="sum")
        for statement, kept in zip(group.statements, group.kept, strict=True)
        if not kept
    ]
    interpret(forgotten, memory, iteration)
    for old in before.values():
        del memory.arrays[old]


def whole(group: Group, samples: int) -> list[Group]:
    """The group as it is."""
    return [group]


def halves(group: Group, samples: int) -> list[Group]:
    """The group in parts: every parallel axis is cut in the middle."""
    pieces = []
    for size in group.sizes:
        length = samples if size == BATCH else size
        middle = (length + 1) // 2
        pieces.append([(0, middle), (middle, length - middle)] if length > 1 else [(0, length)])
    return [cut(group, [begin for begin, _ in corner], [length for _, length in corner]) for corner in product(*pieces)]


def cut(group: Group, begins: list[int], lengths: list[int]) -> Group:
    """Some points of a group."""

    def moved(access: Access) -> Access:
        lookup = access.lookup
        if lookup is not None:
            lookup = lookup._replace(base=lookup.base + sum(b * stride for b, stride in zip(begins, lookup.strides, strict=False)))
        return access._replace(base=access.base + sum(b * stride for b, stride in zip(begins, access.strides, strict=False)), lookup=lookup)

    statements = tuple(replace(statement.map(moved), sizes=(*lengths, *statement.sizes[len(lengths) :])) for statement in group.statements)
    return Group(tuple(lengths), statements, group.kept)


def test_carrying_out_by_halves_notices_groups_that_should_not_be() -> None:
    """That the check can fail: a statement that reads its neighbour's result, and one that reads what was not kept."""
    x, y, z = (Buffer(name, 4, "value") for name in "xyz")

    def load(buffer: Buffer, base: int, stride: int) -> Any:
        return Load(Access(buffer, base, (stride,)))

    first = Statement((4,), Access(y, 0, (1,)), load(x, 0, 1))
    backwards = Statement((4,), Access(z, 0, (1,)), load(y, 3, -1))
    total = Statement((4, 2), Access(z, 0, (1, 0)), Load(Access(y, 0, (1, 0))))
    for steps, right, message in (
        ([Group((4,), (first,), (True,)), Group((4,), (backwards,), (True,))], [4.0, 3.0, 2.0, 1.0], ""),
        ([Group((4,), (first, backwards), (True, True))], [4.0, 3.0, 2.0, 1.0], "the second reads what the first stores at other points"),
        ([Group((4,), (first,), (False,)), Group((4,), (backwards,), (True,))], [4.0, 3.0, 2.0, 1.0], "the first is not kept"),
        ([Group((4,), (first,), (True,)), Group((4,), (total,), (True,))], [2.0, 4.0, 6.0, 8.0], ""),
        ([Group((4,), (first, total), (True, True))], [2.0, 4.0, 6.0, 8.0], "the second adds up what the first has not yet stored"),
    ):
        memory = Memory()
        memory[x] = [1.0, 2.0, 3.0, 4.0]
        carry_out(steps, memory, halves)
        assert (memory[z].tolist() != right) == bool(message), message


# --- how many statements ----------------------------------------------------------------------------------------------------------------


def statements(program: Compiled | None) -> int:
    assert program is not None
    return len(program.lowered.statements)


def groups(steps: Sequence[Step]) -> int:
    """How many groups there are, those in loops counted once."""
    return sum(groups(step.body) if isinstance(step, Loop) else 1 for step in steps)


def moons(points: int) -> Any:
    """The notebook's loss as a graph."""
    rng = random.Random(1)
    model = MLP(2, [16, 16, 1], rng=rng)
    X = [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(points)]
    y = [rng.choice([-1, 1]) for _ in range(points)]
    data_loss = mean((1 + -yi * model(xi)).relu() for xi, yi in zip(X, y, strict=True))
    return chainrule.compile(data_loss + l2_penalty(model.parameters(), 1e-4))


def test_the_moons_graph_is_fourteen_statements_at_most() -> None:
    step = moons(100)
    assert step.program.nodes > 10_000
    assert statements(step.program) <= 14


def test_a_larger_batch_needs_no_more_statements() -> None:
    counts = {points: statements(moons(points).program) for points in (20, 50, 100, 200)}
    assert len(set(counts.values())) == 1, counts


def test_a_wider_layer_needs_no_more_statements() -> None:
    def count(width: int) -> int:
        model = MLP(width, [width, 1], activation="tanh", rng=random.Random(2))
        rng = np.random.default_rng(3)
        X = rng.normal(size=(10, width)).tolist()
        return statements(chainrule.compile(sum((model(x) - 1.0) ** 2 for x in X)).program)

    assert count(8) == count(16) == count(24)


def named(name: str) -> Program:
    return next(program for program in PROGRAMS if program.name == name)


@pytest.mark.parametrize("name", ["rnn_of_a_hundred_steps", "euler_integration", "deep_mlp", "deep_residual_network", "runge_kutta"])
def test_time_steps_and_layers_become_loops(name: str) -> None:
    kernel = case(named(name)).program.kernel(parameters=True)
    assert any(isinstance(step, Loop) for steps in kernel.steps for step in steps)
    assert sum(groups(steps) for steps in kernel.steps) <= 60


def test_more_time_steps_make_longer_loops_and_no_more_code() -> None:
    w, b = Value(0.3), Value(0.1)

    def kernel(count: int) -> Kernel:
        def recurrence(xs: Sequence[Value]) -> Value:
            h: Any = 0.0
            for x in xs:
                h = (w * h + b * x).tanh()
            return h * h

        program = chainrule.compile(recurrence).trace(np.zeros(count)).program
        return program.kernel(parameters=True)

    short, long = kernel(60), kernel(120)
    assert any(isinstance(step, Loop) for step in long.steps[1])
    assert groups(long.steps[1]) == groups(short.steps[1])
