"""The warning that `backward()` gives if it overwrites gradients that were not read.

A `backward()` leaves a mark at the leaves that it reaches. The next one, of another result, throws gradients away if it finds that mark at
a leaf with a gradient, unless a gradient has been read or set since.
"""

from __future__ import annotations

from _thread import get_ident
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.caution import caution
from chainrule.copies import CONSTANT

if TYPE_CHECKING:
    from collections.abc import Sequence


class Call(NamedTuple):
    """A `backward()` in one of the Python engines.

    Arguments:
        one: the gradient that its result got.
        mark: what the leaves hold that it reached.
        thread: that it ran in.
        has_lost: whether it threw gradients away.
    """

    one: float
    mark: float
    thread: int
    has_lost: bool


unread: list[Call | None] = [None]
"""The last call, until a gradient is read or set; in a list, since that is quick to change from another module."""


def looked_at() -> None:
    """Note that a gradient was read or set, so that overwriting it needs no warning."""
    unread[0] = None


def at_stake(root: Any, accumulate: bool) -> Call | None:
    """The last call, if a `backward()` of this result may overwrite its gradients."""
    (last,) = unread
    return last if last is not None and not accumulate and root._grad is not last.one and last.thread == get_ident() else None


def begin(root: Any, order: Sequence[Any], mark: float, accumulate: bool) -> tuple[Call | None, bool]:
    """Mark the leaves that a `backward()` reaches, before it changes any gradient.

    Arguments:
        root: its result.
        order: the nodes that this depends on.
        mark: an object of its own.
        accumulate: whether gradients are added to.

    Returns:
        What `end` is to be given: the last call, and whether its gradients will be thrown away.
    """
    last, leaves = at_stake(root, accumulate), [node for node in order if node._rule is None]
    loses = last is not None and any(leaf._grad and getattr(leaf, "_reached_by", None) is last.mark for leaf in leaves)
    for leaf in leaves:
        if leaf._operands is not CONSTANT:
            leaf._reached_by = mark
    return unread[0], loses


def end(begun: tuple[Call | None, bool], one: float, mark: float) -> None:
    """At the end of a `backward()`: remember it, and warn if it overwrote gradients of the last one that were not read.

    Arguments:
        begun: what `begin` returned.
        one: the gradient that the result has now.
        mark: that of the leaves which it reached.
    """
    last, loses = begun
    unread[0] = Call(one, mark, get_ident(), loses)
    if loses and not (last is not None and last.has_lost):  # that one lost gradients itself, which was said then
        warn()


def warn() -> None:
    """Give the warning at the line of the program that called `backward()`."""
    caution(
        "backward() starts from zero: it replaced gradients that the backward() of another result had computed, and that were not read or "
        "set since. To add them up, write backward(accumulate=True), or import Value from chainrule.micrograd, where backward() always "
        "adds; to use them, call the optimiser's step() or read them before the next backward(); to drop them, call zero_grad() before it"
    )
