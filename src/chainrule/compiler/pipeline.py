"""The stages of the compiler, in order. A graph goes in at the top, and machine code comes out at the bottom:

    Recovered        the tape's nodes become classes, and these become statements over arrays
    differentiate    the statements of the backward sweep are added
    fuse             statements that are done together become groups
    arrange          groups that repeat become loops, and each buffer gets its place in memory
    write            LLVM's assembly language
    build            machine code

`Program` and `Kernel` call them when they are first needed; the listing and the diagram call those that they show.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.compiler.analysis.classes import find_classes
from chainrule.compiler.analysis.lowering import lower
from chainrule.compiler.codegen.expanding import refuse_without_code
from chainrule.compiler.codegen.native import Code, module
from chainrule.compiler.codegen.operations import has_code
from chainrule.compiler.codegen.pieces import Pieces, driver
from chainrule.compiler.ir.expressions import ONE, ZERO, Access, Buffer, Load
from chainrule.compiler.ir.machine import host
from chainrule.compiler.ir.statements import BATCH, Statement
from chainrule.compiler.transform.adjoint import Adjoint
from chainrule.compiler.transform.arenas import room
from chainrule.compiler.transform.schedule import group, schedule
from chainrule.compiler.transform.transposing import packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.compiler.analysis.lowered import Layout, Lowered
    from chainrule.compiler.capture.tape import Tape
    from chainrule.compiler.ir.expressions import Expression
    from chainrule.compiler.ir.machine import Target
    from chainrule.compiler.ir.statements import Step
    from chainrule.compiler.transform.schedule import Part

MOST_STATEMENTS = 2000


class TooIrregularError(Exception):
    """No arrays were found in a graph: it would have about as many statements as nodes."""


class Recovered:
    """What a graph computes, as statements, and what it is compiled for. The constructor is the first stage.

    Arguments:
        tape: the graph; of one sample, if `batched`.
        inputs: the name of each argument, and how many numbers it has; for one sample, if `batched`.
        batched: whether the arguments have a leading axis for the samples.
        reduction: "mean" or "sum" over the samples, or None to keep the result of each.
        dtype: "float64" or "float32".
        target: the machine; this one by default.
        layout: where parameters lie that other programs have too.
        shown: how many of the tape's last roots are not results, and are only shown.

    Raises:
        TooIrregularError: if there are more than about 2,000 statements.
        NoCodeError: if the compiler has no code for an operation, and its row no expansion.
    """

    def __init__(
        self,
        tape: Tape,
        inputs: Sequence[tuple[str, int]] = (),
        *,
        batched: bool = False,
        reduction: str | None = None,
        dtype: str = "float64",
        target: Target | None = None,
        layout: Layout | None = None,
        shown: int = 0,
    ) -> None:
        self.nodes = tape.size
        self.seconds: dict[str, float] = {}
        self.batched, self.reduction, self.dtype = batched, reduction, dtype
        self.target = target or host()
        refuse_without_code(tape.rows, has_code)
        self.lowered = self._recover(tape, inputs, layout, shown)
        self.parameters = next((buffer for buffer in self.lowered.buffers if buffer.role == "parameter"), None)
        self.loss = Buffer("loss", 1, "output")
        self.seed = Buffer("seed", 1, "seed")

    def _recover(self, tape: Tape, inputs: Sequence[tuple[str, int]], layout: Layout | None, shown: int) -> Lowered:
        """The first stage: nodes that are computed alike become classes, and classes become statements."""
        with self.timed("classes"):
            found = find_classes(tape)
        with self.timed("statements"):
            lowered = lower(tape, found, inputs, batched=self.batched, layout=layout, shown=shown)
        if len(lowered.statements) > MOST_STATEMENTS:
            raise TooIrregularError(f"{self.nodes:,} nodes became {len(lowered.statements):,} statements")
        return lowered

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time that a block takes to that of a stage."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin


class Parts(NamedTuple):
    """The statements of a kernel: those before the samples, those for each block of samples, and those after them.

    Without a batch, all statements are in `block`.
    """

    start: list[Statement]
    block: list[Statement]
    end: list[Statement]


class Sweeps(NamedTuple):
    """The forward and the backward sweep.

    Arguments:
        parts: the statements of both.
        gradients: for each buffer whose gradient they compute, that of the gradient.
    """

    parts: Parts
    gradients: dict[Buffer, Buffer]


class Schedule(NamedTuple):
    """What a kernel does, in order.

    Arguments:
        steps: the steps of each part.
        buffers: those that the steps use.
        capacity: for how many samples at a time there is room.
    """

    steps: list[list[Step]]
    buffers: list[Buffer]
    capacity: int


def differentiate(program: Recovered, *, parameters: bool, inputs: bool, one_block: bool = False) -> Sweeps:
    """Add the statements of the backward sweep.

    Arguments:
        program: the statements.
        parameters: compute the gradients of the parameters.
        inputs: compute the gradients of the inputs.
        one_block: whether all samples are done in one block.
    """
    lowered = program.lowered
    wanted = [program.parameters] if parameters and program.parameters is not None else []
    wanted += [buffer for buffer in lowered.inputs if buffer is not None] if inputs else []
    forward, seed = _with_loss(program)
    start: list[Statement] = []
    backward: list[Statement] = []
    gradients: dict[Buffer, Buffer] = {}
    if wanted:
        adjoint = Adjoint(lowered.statements, lowered.output, seed, wanted, one_block=one_block)
        start, backward = adjoint.start, adjoint.statements
        gradients = {buffer: adjoint.of[buffer] for buffer in wanted}
    if not program.batched:
        return Sweeps(Parts([], [*forward, *start, *backward], []), gradients)
    before = [statement for statement in forward if not statement.per_sample] + start
    block = [statement for statement in (*forward, *backward) if statement.per_sample]
    return Sweeps(Parts(before, block, [statement for statement in backward if not statement.per_sample]), gradients)


def _with_loss(program: Recovered) -> tuple[list[Statement], Expression]:
    """The forward statements, those that join the losses of the samples included, and the derivative of the result in each loss."""
    forward, output = program.lowered.statements, program.lowered.output
    if program.reduction is None:
        return forward, ONE
    seed = Load(Access(program.seed, 0, (0,)))
    if program.batched:
        of_sample = Load(Access(output, 0, (output.size,)))
        begin = Statement((), Access(program.loss, 0, ()), ZERO)
        add = Statement((BATCH,), Access(program.loss, 0, (0,)), of_sample * seed, accumulate=True)
        forward = sorted([begin, *forward, add], key=lambda statement: statement.per_sample)
    return forward, seed


def fuse(program: Recovered, sweeps: Sweeps, *, transpose: bool = True) -> list[Part]:
    """Gather statements that are done together into groups; the buffers are those of the statements still.

    Arguments:
        program: what the sweeps were made from.
        sweeps: the statements.
        transpose: whether to copy weights with their axes turned where that is quicker.
    """
    parts, lowered = sweeps.parts, program.lowered
    if transpose:
        copies, block = packed(parts.block, program.target.lanes(program.dtype))
        parts = parts._replace(start=[*parts.start, *copies], block=block)
    return group(parts, [lowered.output, lowered.shown, program.loss, *sweeps.gradients.values()])


def arrange(program: Recovered, grouped: Sequence[Part], capacity: int | None = None) -> Schedule:
    """Turn groups that repeat into loops, and give each buffer its place in memory.

    Arguments:
        program: what the groups were made from.
        grouped: the groups of each part.
        capacity: for how many samples at a time to make room; by default so many that their values stay in the cache.
    """
    if not program.batched:
        capacity = 1
    elif capacity is None:
        capacity = room(grouped[1].groups, program.dtype)
    return Schedule(*schedule(grouped, capacity), capacity)


def write(program: Recovered, steps: Schedule, needed: set[tuple[str, str, int]], samples: int | None = None) -> list[str]:
    """The text of a kernel's functions; the one to call is `run`, with the addresses of the buffers and the number of samples.

    Arguments:
        program: what the steps were made from.
        steps: what the kernel does.
        needed: gets the elementary functions that are called.
        samples: how many samples there will always be, at most as many as there is room for; None if that is not known.
    """
    pieces = Pieces(steps.buffers, program.dtype, program.target, needed, samples)
    functions = [text for name, part in zip(("before", "block", "after"), steps.steps, strict=True) for text in pieces.write(name, part)]
    return [*functions, driver(steps.buffers, steps.capacity, program.dtype)]


def build(functions: Sequence[str], needed: set[tuple[str, str, int]], target: Target, name: str, *arguments: Any) -> Any:
    """Machine code for functions, and for the elementary functions that they call.

    Arguments:
        functions: their text.
        needed: the elementary functions.
        target: the machine.
        name: which of the functions to return.
        arguments: the ctypes of its arguments.
    """
    return Code(module(functions, needed, target), target).function(name, *arguments)


__all__ = ["Parts", "Recovered", "Schedule", "Sweeps", "TooIrregularError", "arrange", "build", "differentiate", "fuse", "write"]
