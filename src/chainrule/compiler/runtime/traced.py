"""What is kept of a trace: the program, and what it takes to call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.engine import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chainrule.compiler.capture.results import Results
    from chainrule.compiler.runtime.program import Program


class Traced(NamedTuple):
    """What is kept of a trace.

    Arguments:
        program: the compiled program; None if it is too irregular.
        leaves: the captured Values, in the order of the program's parameters.
        captured: the same, without padding.
        results: the shape of what the function returned.
        result: makes one of several results a Value with a backward() of its own, from its number among them, what it is, the call, and
            the Values among the arguments; None if there is one result, or one for each sample.
        kind: the class of the loss.
    """

    program: Program | None
    leaves: list[Value]
    captured: tuple[Value, ...]
    results: Results
    result: Callable[[int, float, Any, list[Value]], Value | float] | None = None
    kind: type[Value] = Value


def kind_of_loss(leaves: Iterable[Value]) -> type[Value]:
    """The class of a loss that is computed from some leaves: micrograd's Value, whose `backward()` adds up, if one of them is of that
    class."""
    for leaf in leaves:
        if type(leaf) is not Value and getattr(leaf, "_adds_up", False):
            return next(kind for kind in type(leaf).__mro__ if "_adds_up" in vars(kind))
    return Value


__all__ = ["Traced", "kind_of_loss"]
