"""A function becomes a program: it is traced for arguments, and what the trace has recorded is compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.compiler.analysis.lowered import Layout
from chainrule.compiler.capture.arguments import Argument, columns_among
from chainrule.compiler.capture.results import Results
from chainrule.compiler.capture.tape import record, settled
from chainrule.compiler.capture.tracing import trace
from chainrule.compiler.errors import CannotLowerError, TraceError
from chainrule.compiler.pipeline import TooIrregularError
from chainrule.compiler.runtime.checks import Checks, poisoned
from chainrule.compiler.runtime.eager import warn_irregular
from chainrule.compiler.runtime.parameters import filled_in
from chainrule.compiler.runtime.program import Program
from chainrule.compiler.runtime.several import Several
from chainrule.compiler.runtime.traced import Traced, kind_of_loss
from chainrule.engine import constant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chainrule.compiler.capture.tape import Tape
    from chainrule.compiler.capture.tracing import Trace
    from chainrule.compiler.runtime.definition import Definition


def compiled(definition: Definition, arguments: list[Argument], keywords: tuple[str, ...], layout: Layout | None = None) -> Traced:
    """Trace a function, and compile what it computes.

    Arguments:
        definition: the function.
        arguments: what to trace it for.
        keywords: the names of the last arguments, which are passed by name.
        layout: where parameters lie that other programs have too; then the program is that of one sample.
    """
    found = _traced(definition, arguments, keywords)
    results = Results(found.result, definition.name)
    checks = Checks(definition, found, keywords) if found.conditions else None
    results.values = poisoned(results.values, found)
    found = found._replace(result=None, conditions=[])
    _check_results(definition, results)
    tape = record(results.values, found.places)
    results.values = [constant(0.0)] * len(results.values)  # the graph is not needed any more
    tape = settled(tape, found.leaves)
    inputs = [(argument.name, int(np.prod(argument.shape))) for argument in arguments]
    batched, reduction = (definition.batched, definition.reduction) if layout is None else (False, None)

    def program_of(tape: Tape, reduction: str | None) -> Program:
        dtype, target = definition.dtype, definition.target
        return Program(tape, inputs, batched=batched, reduction=reduction, dtype=dtype, target=target, layout=layout)

    several = None
    try:
        program = program_of(tape, reduction if results.is_scalar else None)
        if not results.is_scalar and not definition.keeps_samples and layout is None:
            several = Several(tape, results, lambda tape: program_of(tape, reduction)).value
    except (TooIrregularError, CannotLowerError, RecursionError) as error:
        warn_irregular(definition.name, error)
        captured = tuple(tape.parameters.values())
        return Traced(None, list(captured), captured, results)
    program.lowered.bound(found.indices)
    program.refuse = None if checks is None else checks.refuse
    leaves = filled_in(program.lowered.parameters)
    captured = tuple(leaf for leaf in program.lowered.parameters if leaf is not None)
    return Traced(program, leaves, captured, results, several, kind_of_loss(captured))


def _traced(definition: Definition, arguments: list[Argument], keywords: tuple[str, ...]) -> Trace:
    """Trace a function; an error that it raises says what may be wrong with the shapes of the arguments."""
    try:
        return trace(definition.function, arguments, keywords)
    except (TypeError, ValueError) as error:
        if not isinstance(error, TraceError) and (message := columns_among(arguments, error)):
            raise TypeError(message) from error
        if definition.batched and arguments and not any(argument.shape for argument in arguments):
            error.add_note(
                f"The first axis of an argument counts the samples, so each number of {arguments[0].name} was taken as a sample; to "
                f"pass one sample, put it in a list: [{arguments[0].name}]"
            )
        raise


def _check_results(definition: Definition, results: Results) -> None:
    """Check that there is something to compute, and that the results of samples can be joined if they are to be."""
    if not results.values:
        raise TypeError(f"{definition.name} returned no Value: there is nothing to compute")
    if definition.reduction is None:
        return
    results.join()
    if not results.single:
        raise TypeError(
            f"batch={definition.reduction!r} needs a function that returns one Value for each sample, but {definition.name} returns "
            f"{len(results.values)}: compile it with batch=None, which keeps the results of each sample"
        )


def shared_programs(definition: Definition, arguments: Mapping[Any, list[Argument]]) -> dict[Any, Program] | None:
    """Programs for several shapes of arguments that can work on the same parameters in memory, each for one sample.

    Arguments:
        definition: the function.
        arguments: for each key, arguments of one shape; the shape with the most parameters first.

    Returns:
        For each key its program; None if one cannot be compiled.

    Raises:
        TypeError: if the function does not return one Value.
    """
    layout = Layout()
    programs: dict[Any, Program] = {}
    for again in (False, True):  # those made before all parameters had a place are made again
        for shape, given in arguments.items():
            if again and len(programs[shape].lowered.parameters) == layout.size:
                continue
            traced = compiled(definition, given, (), layout)
            check_is_loss(definition, traced)
            if traced.program is None:
                return None
            programs[shape] = traced.program
    return programs


def check_is_loss(definition: Definition, traced: Traced) -> None:
    """Check that a function can be trained.

    Raises:
        TypeError: if its loss is returned together with other results.
    """
    if not traced.results.is_scalar:
        raise TypeError(
            f"the loss must be one Value, but {definition.name} returns {len(traced.results.values)}. For training, compile a function "
            "that returns only the loss; to report scores, call the other function in a callback"
        )


def arguments_of(definition: Definition, names: Sequence[str], given: Sequence[Any]) -> list[Argument]:
    """The arguments of a call, as arrays.

    Arguments:
        definition: the function.
        names: what the function calls them.
        given: what was passed.
    """
    return [Argument(name, one, batched=definition.batched) for name, one in zip(names, given, strict=True)]


__all__ = ["arguments_of", "check_is_loss", "compiled", "shared_programs"]
