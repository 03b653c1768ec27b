"""The exercises: for each one text, from which the learner's file, the notebook, the solution and the page in the documentation are made.

A text is in the percent format (`cells.py`). The tags of its cells say what they are for:

    work        the learner writes here; lines between marks are left out (`blanks.py`)
    given       the learner's work of an earlier exercise, as it is; the text itself is empty
    from-N      with `work` or `given`: starts from the work of exercise N
    try         code to play with, once the work is done; checks do not run it
    hint        a hint, of three
    question    a question to think about, with its answer in <details>
    solution    a remark that is shown only with the solution
"""

from __future__ import annotations

import importlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.course.blanks import blanked, carried, solved
from chainrule.course.cells import read_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainrule.course.cells import Cell
    from chainrule.course.checking import Checks

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
QUESTIONS = "## To think about"  # what stands above the questions
HINTS = ("A hint", "A second hint", "A third hint")  # what hints are called where they are folded


class Exercise:
    """An exercise.

    Arguments:
        number: "0", "1", ..., as the learner knows it.
        slug: its name in files.
        title: its name in lists.
    """

    def __init__(self, number: str, slug: str, title: str) -> None:
        self.number = number
        self.slug = slug
        self.title = title

    def __repr__(self) -> str:
        return f"Exercise({self.number!r}, {self.slug!r}, {self.title!r})"

    @property
    def stem(self) -> str:
        """The name of its file, without the ending."""
        return f"{self.number.zfill(3 if self.number.endswith('b') else 2)}_{self.slug}"

    @cached_property
    def cells(self) -> list[Cell]:
        """The text it is made from."""
        return read_cells((HERE / "exercises" / f"{self.stem}.py").read_text(encoding="utf-8"))

    def of(self, tag: str) -> list[Cell]:
        """The cells with a tag."""
        return [cell for cell in self.cells if tag in cell.tags]

    @property
    def hints(self) -> list[str]:
        """Three hints, each saying more than the one before."""
        return [cell.text for cell in self.of("hint")]

    @property
    def checks(self) -> Checks:
        """What its check looks at."""
        return importlib.import_module(f"chainrule.course.checks.{self.slug}").CHECKS

    # --- code ---------------------------------------------------------------------------------------------------------------------------

    @property
    def work(self) -> str:
        """The solution of what the learner writes here, without what is given."""
        return "\n\n\n".join(solved(cell.text) for cell in self.of("work"))

    def solution_cells(self) -> list[Cell]:
        """All cells, with the solution in place."""
        return [cell._replace(text=self._solution(cell)) if is_answer(cell) else cell for cell in self.cells]

    def blank_cells(self, earlier: Mapping[str, str] | None = None) -> list[Cell]:
        """What a learner begins with.

        Arguments:
            earlier: what the learner has written for other exercises, by their numbers; where there is nothing, it is their solution.
        """
        cells = [cell for cell in self.cells if "solution" not in cell.tags]
        return [cell._replace(text=self._blank(cell, earlier or {})) if is_answer(cell) else cell for cell in cells]

    def _solution(self, cell: Cell) -> str:
        """The solution's text of a cell of the answer."""
        source = source_of(cell)
        return by_number(source).work if "given" in cell.tags and source is not None else solved(cell.text)

    def _blank(self, cell: Cell, earlier: Mapping[str, str]) -> str:
        """The text with which a learner begins a cell of the answer."""
        source = source_of(cell)
        if source is None:
            return blanked(cell.text, self.number)
        work = by_number(source).work
        if "given" in cell.tags:
            return earlier.get(source, work)
        try:
            return carried(earlier.get(source, work), cell.text, self.number, source)
        except ValueError:
            return carried(work, cell.text, self.number, source)


def is_answer(cell: Cell) -> bool:
    """Whether a cell is a part of the answer, which is checked: what the learner writes, and what is given for it."""
    return "work" in cell.tags or "given" in cell.tags


def source_of(cell: Cell) -> str | None:
    """The exercise from whose work a cell starts."""
    return next((tag.removeprefix("from-") for tag in cell.tags if tag.startswith("from-")), None)


EXERCISES = (
    Exercise("0", "derivatives", "Derivatives as sensitivity"),
    Exercise("1", "value", "A smart number"),
    Exercise("2", "operators", "Operators"),
    Exercise("3", "graph", "The computation graph"),
    Exercise("4", "backpropagation", "Backpropagation"),
    Exercise("5", "operations", "More operations"),
    Exercise("5b", "inspecting", "Inspecting the graph"),
    Exercise("6", "neuron", "A neuron"),
    Exercise("7", "networks", "Layers and networks"),
    Exercise("8", "training", "Training"),
    Exercise("9", "classification", "Classification"),
    Exercise("10", "failures", "Why training fails"),
    Exercise("11", "tensors", "From scalars to tensors"),
    Exercise("12", "transformer", "A tiny transformer"),
)


def by_number(number: str) -> Exercise:
    """The exercise with a number.

    Raises:
        LookupError: if there is none.
    """
    asked = number.strip().lower()
    for exercise in EXERCISES:
        if asked and (exercise.number == (asked.lstrip("0") or "0") or exercise.stem == asked):
            return exercise
    raise LookupError(f"there is no exercise {number}; they are {', '.join(exercise.number for exercise in EXERCISES)}")


__all__ = ["EXERCISES", "HINTS", "PICTURES", "QUESTIONS", "Exercise", "by_number", "is_answer", "source_of"]
