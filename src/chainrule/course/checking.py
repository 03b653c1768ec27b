"""The tables that a check is made of, and the verdict on a learner's work.

An example is a few lines of code and an expression, both of which the learner sees exactly as they were run. A known mistake is a wrong
answer that an example may give; a diagnosis is an example with the mistakes that it shows. The right answer is what the solution gives, if
the table does not say it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from chainrule.course.outcomes import gives

PASSED, NOT_DONE, WRONG, ERROR, STOPPED = STATES = ("passed", "not done", "wrong", "error", "stopped")
LONGEST = 5000  # characters of a text in a verdict


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
class Mistake:
    """A known mistake, and the wrong answer that the example of its diagnosis gives then.

    Arguments:
        name: what the mistake is called, in a few words.
        wrong: the answer that it gives: a number, a text, a list of these, an exception (`Raises`), or a predicate, which is called with
            whatever the example gave.
        says: why that is the answer, and what to do instead.
    """

    name: str
    wrong: Any
    says: str


class Diagnosis:
    """An example, and the known mistakes that it shows.

    Arguments:
        case: the example.
        mistakes: the known mistakes, the most basic first.
    """

    def __init__(self, case: Case, *mistakes: Mistake) -> None:
        self.case = case
        self.mistakes = mistakes

    def mistake_in(self, found: Any) -> Mistake | None:
        """The mistake that gives this answer, a value or an exception; None if no known mistake does."""
        return next((mistake for mistake in self.mistakes if gives(found, mistake.wrong, self.case.tolerance)), None)


@dataclass(frozen=True)
class Checks:
    """How an exercise is checked.

    Arguments:
        requires: names that must be defined.
        diagnoses: examples that show known mistakes, the most basic first. The verdict names the first mistake that is found.
        cases: more examples, the smallest first. If no known mistake is found, the learner is shown the first of these that is not right.
        more: further examples, which are made and run when all of those before are right.
        seconds: how long a check may take.
        names: more names that examples may use, with what they stand for.
    """

    requires: tuple[str, ...]
    diagnoses: tuple[Diagnosis, ...]
    cases: tuple[Case, ...]
    more: Callable[[], Iterable[Case]] = tuple
    seconds: float = 4.0
    names: dict[str, Any] = field(default_factory=dict)

    @property
    def mistakes(self) -> list[Mistake]:
        """All known mistakes, in the order in which they are looked for."""
        return [mistake for diagnosis in self.diagnoses for mistake in diagnosis.mistakes]


@dataclass
class Verdict:
    """What a check found.

    Attributes:
        exercise: the exercise's number.
        state: "passed", "not done", "wrong", "error" (the code itself fails) or "stopped" (it took too long, or ended the process).
        mistake: the name of a known mistake; "" if there is none.
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
            ValueError: if it is not what `as_dict` makes.
        """
        if not isinstance(data, dict) or data.keys() != {field.name for field in fields(cls)}:
            raise ValueError("these are not the fields of a verdict")
        for name, content in data.items():
            if not isinstance(content, float if name == "seconds" else str) or (isinstance(content, str) and len(content) > LONGEST):
                raise ValueError(f"the {name} of a verdict has another type, or is too long")
        if data["state"] not in STATES or not 0 <= data["seconds"] < math.inf:
            raise ValueError("there is no such state")
        return cls(**data)


__all__ = ["ERROR", "LONGEST", "NOT_DONE", "PASSED", "STATES", "STOPPED", "WRONG", "Case", "Checks", "Diagnosis", "Mistake", "Verdict"]
