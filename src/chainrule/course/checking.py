"""What checks are made of: tables of examples, some of which show a known mistake, and the verdict on a learner's work.

An example is a few lines of code and an expression. Both are shown to the learner exactly as they were run. What the expression should
give is worked out by running the same lines with the solution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

PASSED, NOT_DONE, WRONG, ERROR, STOPPED = STATES = ("passed", "not done", "wrong", "error", "stopped")
LONGEST = 5000  # characters of a text in a verdict


@dataclass(frozen=True)
class Raises:
    """An exception, as what an example gives.

    Arguments:
        kind: the name of its class.
        words: what its message contains.
    """

    kind: str
    words: str = ""

    def matches(self, error: BaseException) -> bool:
        """Whether an exception is such a one."""
        try:
            return type(error).__name__ == self.kind and self.words in str(error)
        except Exception:  # of a learner's own __str__
            return False


@dataclass(frozen=True)
class Case:
    """An example.

    Arguments:
        example: lines of code, run where the learner's names are known.
        shows: an expression, or several that are joined in a tuple.
        right: what it should give; the solution says it if this is left out.
        says: what is being asked, in a sentence; "" if the numbers say it.
        look: the function or method that is to blame, such as "Value.__add__".
        tolerance: how far numbers may be apart, relative to the larger.
    """

    example: str
    shows: str
    right: Any = ...
    says: str = ""
    look: str = ""
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Mistake(Case):
    """An example that shows a known mistake.

    Arguments:
        name: what the mistake is called, in a few words.
        wrong: what the example gives if the mistake is there: a number, a text, a list of these, an exception (`Raises`), or a function
            that is given what came out, and says whether it is that mistake.
    """

    name: str = ""
    wrong: Any = None


@dataclass(frozen=True)
class Checks:
    """How an exercise is checked.

    Arguments:
        requires: names that must be defined.
        mistakes: known mistakes, the most basic first. The first that is found is told.
        cases: examples, the smallest first. The first that is not right is told, if no mistake explains it.
        more: more examples, which are made when those before are right.
        seconds: how long a check may take.
        names: more names that examples may use, by what they stand for.
    """

    requires: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    cases: tuple[Case, ...]
    more: Callable[[], Iterable[Case]] = tuple
    seconds: float = 4.0
    names: dict[str, Any] = field(default_factory=dict)


@dataclass
class Verdict:
    """What a check found.

    Attributes:
        exercise: the exercise's number.
        state: "passed", "not done", "wrong", "error" (the code itself fails) or "stopped" (it took too long, or ended the process).
        mistake: the name of a known mistake; "" if it is none.
        message: what is wrong and what to do, in a sentence or two.
        example: the code that shows it; "" if there is none.
        shows: the expression in the example.
        got: what it gave.
        expected: what it should give.
        look: the function that is to blame.
        place: where that is: a file and a line.
        printed: what the learner's code printed.
        notes: what a teacher should look at, though the examples may be right; "" if there is nothing.
        seconds: how long the check took.
    """

    exercise: str
    state: str
    mistake: str = ""
    message: str = ""
    example: str = ""
    shows: str = ""
    got: str = ""
    expected: str = ""
    look: str = ""
    place: str = ""
    printed: str = ""
    notes: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether all is right."""
        return self.state == PASSED

    def as_dict(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Any) -> Verdict:
        """A verdict from plain data.

        Raises:
            ValueError: if it is nothing that `as_dict` makes.
        """
        if not isinstance(data, dict) or data.keys() != {field.name for field in fields(cls)}:
            raise ValueError("these are not the fields of a verdict")
        for name, content in data.items():
            if not isinstance(content, float if name == "seconds" else str) or (isinstance(content, str) and len(content) > LONGEST):
                raise ValueError(f"the {name} of a verdict is of another kind")
        if data["state"] not in STATES or not 0 <= data["seconds"] < math.inf:
            raise ValueError("there is no such state")
        return cls(**data)


def same(found: Any, expected: Any, tolerance: float = 1e-9) -> bool:
    """Whether what came out is what was expected: numbers to rounding, everything else exactly."""
    try:
        return _same(found, expected, tolerance)
    except Exception:  # of a learner's object that is asked for its attributes, its length or its number
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


def one_of(*numbers: Any, tolerance: float = 1e-9) -> Callable[[Any], bool]:
    """What says whether a result is one of these, as the `wrong` of a mistake that shows in several ways."""
    return lambda found: any(same(found, number, tolerance) for number in numbers)


def is_mistake(mistake: Mistake, found: Any) -> bool:
    """Whether what came out, a value or an exception, is what a mistake gives."""
    if isinstance(mistake.wrong, Raises):
        return isinstance(found, BaseException) and mistake.wrong.matches(found)
    if isinstance(found, BaseException):
        return False
    if callable(mistake.wrong):
        try:
            return bool(mistake.wrong(found))
        except Exception:  # what came out is of another kind than the mistake's function looks for: a list where it takes numbers
            return False
    return same(found, mistake.wrong, max(mistake.tolerance, 1e-9))


__all__ = [
    "ERROR",
    "LONGEST",
    "NOT_DONE",
    "PASSED",
    "STOPPED",
    "WRONG",
    "Case",
    "Checks",
    "Mistake",
    "Raises",
    "Verdict",
    "is_mistake",
    "one_of",
    "same",
]
