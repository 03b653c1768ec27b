"""Conditions that a number must meet, such as being a label of a loss or an index.

A number that is known is checked at once. While a function is traced for the compiler no number is known, so its condition is noted, and
checked at every call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule import primitives

if TYPE_CHECKING:
    from chainrule.engine import Value


class Condition(NamedTuple):
    """A condition that a number must meet.

    Arguments:
        holds: whether a number meets it.
        poison: a function from a number of the graph to one that is 0 if the condition holds, and nan otherwise.
        text: what the number must be, for a message.
        way_out: what to write instead, for a message; "" if there is nothing to say.
        things: if the number must be an index, how many things it indexes; else 0.
    """

    holds: Callable[[float], bool]
    poison: Callable[[Any], Any]
    text: str
    way_out: str = ""
    things: int = 0

    def mistake(self, what: str, number: float) -> Exception:
        """The error for a number that does not meet it."""
        kind = IndexError if self.things else ValueError
        return kind(f"{what} must be {self.text}, got {number:g}{self.way_out and '; '}{self.way_out}")


noting: Callable[[Value, Condition], bool] = lambda number, condition: False  # noqa: E731
"""Notes what a number must be, and says whether it did: that of the compiler does while the calling thread traces a function."""


def require(number: Any, what: str, condition: Condition) -> None:
    """Check a number, now or at every call.

    Arguments:
        number: a Value or a float.
        what: the name of the number, for a message.
        condition: the condition that it must meet.

    Raises:
        ValueError: if the number is known, and does not meet the condition.
        IndexError: likewise, if it must be an index.
    """
    if hasattr(number, "_apply"):
        if noting(number, condition):
            return
        number = number._data
    if not condition.holds(number):
        raise condition.mistake(what, number)


SIGN = Condition(
    lambda t: t in (-1.0, 1.0),
    lambda t: primitives.where(primitives.equal(t * t, 1.0), 0.0, math.nan),
    "-1 or 1",
    "for classes 0 and 1, write 2 * target - 1",
)
PROBABILITY = Condition(
    lambda t: 0.0 <= t <= 1.0,
    lambda t: primitives.where(primitives.greater(0.0, t * (1.0 - t)), math.nan, 0.0),
    "0 or 1, or a probability between them",
    "for classes -1 and +1, write (target + 1) / 2",
)


def number_of(count: int) -> Condition:
    """The condition that a number is a whole number from 0 to `count - 1`."""
    return Condition(
        lambda i: 0.0 <= i < count and i == math.floor(i),
        lambda i: primitives.where(sum(primitives.equal(i, float(k)) for k in range(count)), 0.0, math.nan),
        f"a whole number from 0 to {count - 1}",
        things=count,
    )
