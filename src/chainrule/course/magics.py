"""In a notebook: `%%exercise N` runs a cell and checks it, `%solution N` shows a solution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule.course.checking import Verdict
from chainrule.course.exercises import Exercise, by_number
from chainrule.course.folder import NOTEBOOKS, RECORD, Folder
from chainrule.course.notebooks import part_names
from chainrule.course.running import Part
from chainrule.course.sandbox import check
from chainrule.course.telling import as_html, as_text


class Answers:
    """The cells of answers that have been run, by exercise and name."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.cells: dict[str, dict[str, str]] = {}

    def exercise(self, line: str, text: str | None = None) -> Any:
        """`%%exercise N`: run this cell, and check it.

        The code is checked in a process of its own, so that an endless loop or a crash does no harm to the notebook.
        """
        number, _, label = line.strip().partition(" ")
        exercise = _found(number)
        if exercise is None or text is None:
            return print(
                f"There is no exercise {number!r}." if text is not None else "%%exercise checks the cell in which it is the first line."
            )
        label = " ".join(label.split())
        names = part_names(exercise)
        if label not in (*names["given"], *names["work"]):
            return print(f"The first line should be %%exercise {number}, as it was.")
        mine = self.cells.setdefault(number, {})
        mine[label] = text
        verdict = None
        if label in names["work"]:
            order = [*names["given"], *names["work"]]
            missing = [name for name in order if name not in mine]
            if missing:
                where = "above" if missing[0] in names["given"] else "with the other parts"
                print(f"First run the cells {where}: this one needs them. Then run this one again.")
            else:
                verdict = self._check(exercise, [mine[name] for name in order], [mine[name] for name in names["work"]])
        # A loop that does not end would keep the notebook busy; the check has stopped it, and said so.
        if verdict is None or verdict.state != "stopped":
            self.shell.run_cell(text, store_history=False)
        return None

    def _check(self, exercise: Exercise, texts: list[str], work: list[str]) -> Verdict:
        from IPython.display import display

        verdict = check(exercise, [Part("your cell", text) for text in texts], Path.cwd())
        display(Shown(verdict))
        if Path(RECORD).exists():
            folder = Folder(Path.cwd(), NOTEBOOKS)
            changed = folder.note(verdict, "\n\n\n".join(work))
            following = folder.next()
            if verdict.passed and following is not None:
                print(f"Next: {folder.file(following).name}" + (", which starts from your code." if changed else "."))
        return verdict

    def solution(self, line: str) -> Any:
        """`%solution N`: show a solution."""
        from IPython.display import Markdown

        exercise = _found(line.strip())
        if exercise is None:
            return print(f"There is no exercise {line.strip()!r}; write %solution and its number.")
        if exercise.number not in self.cells:
            return print(
                f"Try it first: run the cell that begins with %%exercise {exercise.number}. Then %solution {exercise.number} shows one."
            )
        return Markdown(f"One solution of exercise {exercise.number}; yours may look different.\n\n```python\n{exercise.work}\n```")


class Shown:
    """A verdict that shows itself."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def __repr__(self) -> str:
        return as_text(self.verdict)

    def _repr_html_(self) -> str:
        return as_html(self.verdict)


def _found(number: str) -> Exercise | None:
    try:
        return by_number(number)
    except LookupError:
        return None


def register(shell: Any) -> None:
    """Make the magics known."""
    answers = Answers(shell)
    shell.register_magic_function(answers.exercise, "line_cell", "exercise")
    shell.register_magic_function(answers.solution, "line", "solution")


__all__ = ["register"]
