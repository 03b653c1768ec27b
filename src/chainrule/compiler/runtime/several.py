"""Several results, such as a loss with scores. Each Value among them has a backward() of its own, whose program is made at the first
use."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.compiler.capture.tape import reached, without
from chainrule.compiler.runtime.calls import Push
from chainrule.compiler.runtime.locks import new_lock
from chainrule.compiler.runtime.parameters import filled_in
from chainrule.compiler.runtime.traced import Traced
from chainrule.engine import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainrule.compiler.capture.results import Results
    from chainrule.compiler.capture.tape import Tape
    from chainrule.compiler.runtime.calls import Call
    from chainrule.compiler.runtime.program import Program


class Several:
    """What is kept for the derivatives of each of several results.

    Arguments:
        tape: the graph of all of them.
        results: the shape in which they were returned.
        compile: makes the program of a tape with one result.
    """

    def __init__(self, tape: Tape, results: Results, compile: Callable[[Tape], Program]) -> None:
        self._tape = tape
        self._compile = compile
        self._results = results
        self._lock = new_lock()
        self._traced: dict[int, tuple[Traced, np.ndarray]] = {}
        self._bits = {number: bit for bit, number in enumerate(results.single)}
        self._reached = reached(tape, [int(tape.roots[number]) for number in self._bits])
        self._parents = {
            number: tuple(leaf for position, leaf in tape.parameters.items() if self._reached[position] >> bit & 1)
            for number, bit in self._bits.items()
        }

    def value(self, number: int, data: float, call: Call, given: list[Value]) -> Value | float:
        """A result as a Value whose backward() fills the gradients of the captured Values that it depends on; a float if there are none.

        Arguments:
            number: which of the results.
            data: its number.
            call: the call, with the numbers that parameters and arguments had.
            given: the Values among the arguments.
        """
        parents = (*self._parents[number], *given)
        if not parents:
            return data
        value = Value(data, parents, "compiled")
        value._backward = _Later(self, number, call, given)
        return value

    def traced(self, number: int, leaves: list[Value]) -> tuple[Traced, np.ndarray]:
        """The program of one result, and where its parameters stand among those of all."""
        with self._lock:
            if number not in self._traced:
                tape = self._tape._replace(roots=self._tape.roots[[number]])
                keep = np.array([mask >> self._bits[number] & 1 for mask in self._reached], bool)
                program = self._compile(without(tape, keep, np.arange(tape.size)))
                own = program.lowered.parameters
                place = {leaf: position for position, leaf in enumerate(leaves)}
                places = np.array([0 if leaf is None else place[leaf] for leaf in own], np.int64)
                self._traced[number] = Traced(program, filled_in(own), self._parents[number], self._results), places
            return self._traced[number]


class _Later:
    """The `_backward` of one of several results: what it is computed with is made when it is first called."""

    __slots__ = ("call", "given", "number", "push", "several")
    takes_node = True

    def __init__(self, several: Several, number: int, call: Call, given: list[Value]) -> None:
        self.several, self.number, self.call, self.given = several, number, call, given
        self.push: Push | None = None

    def __call__(self, value: Value) -> None:
        """Add the result's share to the gradients."""
        if self.push is None:
            traced, places = self.several.traced(self.number, self.call.traced.leaves)
            call: Any = copy.copy(self.call)
            call.traced, call.program = traced, traced.program
            if call.parameters is not None:
                call.parameters = call.parameters[places]
            self.push = Push(call, None, self.given)
        self.push(value)


__all__ = ["Several"]
