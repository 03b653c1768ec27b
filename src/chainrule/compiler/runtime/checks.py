"""Numbers that must meet a condition at every call of a compiled function, such as the labels that a loss is given.

The program adds 0 to its results if all numbers meet their conditions, and nan otherwise, which costs next to nothing. Only if a result is
nan are the numbers themselves checked, to name the wrong one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.compiler.capture.results import Results
from chainrule.compiler.capture.tape import record
from chainrule.compiler.capture.tracing import Trace, trace
from chainrule.compiler.errors import CannotLowerError
from chainrule.compiler.pipeline import TooIrregularError
from chainrule.compiler.runtime.calls import Call
from chainrule.compiler.runtime.definition import Definition
from chainrule.compiler.runtime.parameters import filled_in
from chainrule.compiler.runtime.program import Program
from chainrule.compiler.runtime.traced import Traced
from chainrule.engine import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.capture.arguments import Argument


class Checks:
    """The conditions that a trace has found.

    Arguments:
        definition: the compiled function.
        found: its trace.
        keywords: the names of the arguments that are passed by name.
    """

    def __init__(self, definition: Definition, found: Trace, keywords: tuple[str, ...]) -> None:
        self.definition = definition
        self.keywords = keywords
        self.conditions = [condition for _, condition in found.conditions]
        self.places = [found.places.get(id(number)) for number, _ in found.conditions]
        self._computed: Traced | None = None

    def refuse(self, arguments: Sequence[Argument]) -> None:
        """Check the numbers of a call.

        Raises:
            ValueError: if one of them does not meet its condition.
        """
        batched = arguments[0].batched if arguments else False
        computed = self._numbers(arguments) if None in self.places else None
        for k, (condition, place) in enumerate(zip(self.conditions, self.places, strict=True)):
            if place is None:
                numbers = np.zeros(0) if computed is None else computed[:, k]
            else:
                array = arguments[place[0]].array
                numbers = array.reshape(len(array), -1)[:, place[1]] if batched else array.ravel()[place[1] : place[1] + 1]
            for sample, number in enumerate(numbers.tolist()):
                if not condition.holds(number):
                    raise condition.mistake(self._called(arguments, place, sample, batched), number)

    def _called(self, arguments: Sequence[Argument], place: tuple[int, int] | None, sample: int, batched: bool) -> str:
        """The name of a number in messages: its place in the argument, if it is a number of one."""
        if place is None:
            return f"the computed target of sample {sample}" if batched else "a computed target"
        argument = arguments[place[0]]
        at = [int(i) for i in np.unravel_index(place[1], argument.shape)] if argument.shape else []
        return argument.name + "".join(f"[{i}]" for i in ([sample, *at] if batched else at))

    def _numbers(self, arguments: Sequence[Argument]) -> np.ndarray | None:
        """All numbers to check, including computed ones: a row for each sample. The function is traced once more to compute them."""
        batched = arguments[0].batched if arguments else False
        if self._computed is None:
            self._computed = self._traced(arguments, batched)
        if self._computed is None or self._computed.program is None:
            return None
        program = self._computed.program
        samples = len(arguments[0].array) if batched else 1
        output = np.empty((samples, len(self.conditions)))
        each = Definition(self.definition.function, batched=batched)  # whose results a call keeps
        Call(each, program.kernel(), self._computed, list(arguments), samples).go({program.lowered.output: output})
        return output

    def _traced(self, arguments: Sequence[Argument], batched: bool) -> Traced | None:
        """A program that computes the numbers that must meet conditions; None if it cannot be compiled."""
        found = trace(self.definition.function, arguments, self.keywords)
        numbers: list[Value] = [number for number, _ in found.conditions]
        if len(numbers) != len(self.conditions):
            return None
        inputs = [(argument.name, int(np.prod(argument.shape))) for argument in arguments]
        try:
            program = Program(record(numbers, found.places), inputs, batched=batched, target=self.definition.target)
        except (TooIrregularError, CannotLowerError, RecursionError):
            return None
        return Traced(program, filled_in(program.lowered.parameters), (), Results(numbers, self.definition.name))


def poisoned(results: Sequence[Value], found: Trace) -> list[Value]:
    """The results of a trace, with nan added where a number does not meet its condition."""
    if not found.conditions:
        return list(results)
    first, *others = (condition.poison(number) for number, condition in found.conditions)
    total: Any = sum(others, first)
    return [result + total for result in results]


__all__ = ["Checks", "poisoned"]
