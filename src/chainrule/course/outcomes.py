"""What an example gives, compared with the right answer and with the answers that mistakes give.

A mistake says which answer it gives: a number, a text, a list of these, an exception (`Raises`), or a predicate, which is called with
whatever the example gave. The predicates that several exercises need have names here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Predicate = Callable[[Any], bool]


@dataclass(frozen=True)
class Raises:
    """An exception that an example ends with.

    Arguments:
        kind: the name of its class.
        words: a part of its message.
    """

    kind: str
    words: str = ""

    def matches(self, error: BaseException) -> bool:
        """Whether an exception has this class and these words in its message."""
        try:
            return type(error).__name__ == self.kind and self.words in str(error)
        except Exception:  # raised by the __str__ of a learner's own exception
            return False


def same(found: Any, expected: Any, tolerance: float = 1e-9) -> bool:
    """Whether an example gave what was expected: numbers may differ by rounding, everything else must be equal."""
    try:
        return _same(found, expected, tolerance)
    except Exception:  # raised by a learner's object when it is asked for its attributes, its length or its number
        return False


def _same(found: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return found is expected
    if isinstance(expected, (int, float)):
        if not isinstance(found, (int, float)) and not hasattr(found, "dtype"):
            return False
        if math.isnan(expected) or math.isinf(expected):
            return math.isnan(found) if math.isnan(expected) else found == expected
        return math.isclose(found, expected, rel_tol=tolerance, abs_tol=max(1e-12, tolerance * 1e-3))
    if isinstance(expected, (list, tuple)):
        if not isinstance(found, (list, tuple)) or len(found) != len(expected):
            return False
        return all(_same(a, b, tolerance) for a, b in zip(found, expected, strict=True))
    if isinstance(expected, dict):
        return (
            isinstance(found, dict) and found.keys() == expected.keys() and all(_same(found[k], expected[k], tolerance) for k in expected)
        )
    kind: Any = type(expected)
    return isinstance(found, kind) and kind.__eq__(expected, found) is True  # a learner's __eq__ is not asked


def gives(found: Any, wrong: Any, tolerance: float = 1e-9) -> bool:
    """Whether an example gave the wrong answer that a mistake gives.

    Arguments:
        found: a value, or the exception that the example ended with.
        wrong: the wrong answer; see this module.
        tolerance: how far numbers may be apart, relative to the larger.
    """
    if isinstance(wrong, Raises):
        return isinstance(found, BaseException) and wrong.matches(found)
    if isinstance(found, BaseException):
        return False
    if callable(wrong):
        try:
            return bool(wrong(found))
        except Exception:  # the predicate expects another type: numbers, and this is a list
            return False
    return same(found, wrong, max(tolerance, 1e-9))


# --- predicates ---------------------------------------------------------------------------------------------------------------------------


def one_of(*answers: Any, tolerance: float = 1e-9) -> Predicate:
    """The answer is one of these, for a mistake that shows in several ways."""
    return lambda found: any(same(found, answer, tolerance) for answer in answers)


def about(*numbers: Any) -> Predicate:
    """The answer is one of these numbers to six digits, or one of these lists of numbers."""
    return one_of(*numbers, tolerance=1e-6)


def other_than(right: Any, tolerance: float = 1e-9) -> Predicate:
    """The answer is anything but the right one."""
    return lambda found: not same(found, right, tolerance)


def has(*parts: Any) -> Predicate:
    """The answer has one of these parts in it: elements of a list, or a piece of a text."""
    return lambda found: any(part in found for part in parts)


def is_none(found: Any) -> bool:
    """The answer is None."""
    return found is None


def is_nan(found: Any) -> bool:
    """The answer is the float nan."""
    return isinstance(found, float) and math.isnan(found)


def has_nan(found: Any) -> bool:
    """The answer is a list or tuple with a nan in it."""
    return isinstance(found, (list, tuple)) and any(map(is_nan, found))


PLAIN_NUMBER = one_of("float", "int")
"""The name of a type is that of a plain number."""
COLLECTION = one_of("list", "tuple", "generator")
"""The name of a type is that of a collection, where there should be a single thing."""


__all__ = [
    "COLLECTION",
    "PLAIN_NUMBER",
    "Predicate",
    "Raises",
    "about",
    "gives",
    "has",
    "has_nan",
    "is_nan",
    "is_none",
    "one_of",
    "other_than",
    "same",
]
