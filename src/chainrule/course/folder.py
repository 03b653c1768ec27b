"""A learner's folder: the files of the exercises, going on from one to the next, and how far the learner has come.

Nothing that a learner has written is ever overwritten. A file that is still as it was laid out is brought up to date, when an earlier
exercise is done, so that it starts from the learner's own code; a file that is reset is kept in the folder `copies`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.course.cells import Cell, read_cells, write_cells
from chainrule.course.exercises import EXERCISES, PICTURES, QUESTIONS, Exercise, by_number, is_answer, source_of
from chainrule.course.running import Part
from chainrule.course.sandbox import check
from chainrule.course.texts import text_of
from chainrule.files import write_atomically

if TYPE_CHECKING:
    from chainrule.course.checking import Verdict

FILES, NOTEBOOKS = ".py", ".ipynb"
RECORD = ".progress.json"
COPIES = "copies"


class FolderError(Exception):
    """A learner's folder cannot be used as it is."""


@dataclass
class Progress:
    """How far a learner has come.

    Attributes:
        current: the exercise that the learner is at.
        passed: those whose checks have been passed.
        work: what the learner wrote, by exercise, when its check was last passed.
        hints: how many hints have been shown, by exercise.
        written: a digest of each file as it was laid out.
    """

    current: str = EXERCISES[0].number
    passed: list[str] = field(default_factory=list)
    work: dict[str, str] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)


class Folder:
    """A learner's folder.

    Arguments:
        path: where it is; it is made if it is not there.
        kind: FILES or NOTEBOOKS.

    Attributes:
        progress: how far the learner has come.
        notes: messages for the learner about the folder.
    """

    def __init__(self, path: str | Path, kind: str = FILES) -> None:
        self.path = Path(path)
        self.kind = kind
        self.notes: list[str] = []
        if self.path.exists() and not self.path.is_dir():
            raise FolderError(f"{self.path} is a file; give the name of a folder")
        self.progress = self._read_progress() or Progress()

    # --- files --------------------------------------------------------------------------------------------------------------------------

    def file(self, exercise: Exercise) -> Path:
        """The learner's file of an exercise."""
        return self.path / f"{exercise.stem}{self.kind}"

    def lay_out(self) -> list[Path]:
        """Make the files and pictures that are missing.

        Returns:
            The files that were made.
        """
        self._reload()
        self.path.mkdir(parents=True, exist_ok=True)
        pictures = self.path / "pictures"
        pictures.mkdir(exist_ok=True)
        for picture in PICTURES.glob("*.svg"):
            if not (pictures / picture.name).exists():
                shutil.copyfile(picture, pictures / picture.name)
        made = []
        for exercise in EXERCISES:
            if not self.file(exercise).exists():
                self._write(exercise)
                made.append(self.file(exercise))
        self.save()
        return made

    def _carry_on(self) -> list[Path]:
        """Bring files that are still as they were laid out up to date with what the learner has written before them.

        Returns:
            The files that have changed.
        """
        changed = []
        for exercise in EXERCISES:
            path = self.file(exercise)
            goes_on = any(source_of(cell) in self.progress.work for cell in exercise.cells)
            if goes_on and path.exists() and self.is_untouched(exercise):
                before = _digest(path)
                self._write(exercise)
                if _digest(path) != before:
                    changed.append(path)
        return changed

    def is_untouched(self, exercise: Exercise) -> bool:
        """Whether a file is as it was laid out; if that is not on record, whether it is as it would be laid out now."""
        path = self.file(exercise)
        if path.name in self.progress.written:
            return self.progress.written[path.name] == _digest(path)
        with tempfile.TemporaryDirectory() as temporary:
            fresh = Path(temporary, path.name)
            fresh.write_bytes(content_of(exercise, exercise.blank_cells(), self.kind))
            return _digest(fresh) == _digest(path)

    def reset(self, exercise: Exercise) -> Path | None:
        """Write a file again, as it was at the beginning.

        Returns:
            Where the copy of what was there is; None if it was as it had been laid out, or not there.
        """
        self._reload()
        path = self.file(exercise)
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise FolderError(f"{path} is not a regular file; remove it, and 'reset' writes the exercise again")
        copy = None
        if path.exists() and not self.is_untouched(exercise):
            copies = self.path / COPIES
            copies.mkdir(exist_ok=True)
            stamp = datetime.now().strftime("%Y-%m-%d %H-%M-%S")
            number = 0
            while copy is None or copy.exists():
                copy = copies / f"{path.stem} {stamp}{f' {number}' if number else ''}{self.kind}"
                number += 1
            write_atomically(copy, path.read_bytes())
        self._write(exercise)
        self.progress.passed = [number for number in self.progress.passed if number != exercise.number]
        self.save()
        return copy

    def _write(self, exercise: Exercise) -> None:
        path = self.file(exercise)
        write_atomically(path, content_of(exercise, exercise.blank_cells(self.progress.work), self.kind))
        self.progress.written[path.name] = _digest(path)

    # --- the learner's work -------------------------------------------------------------------------------------------------------------

    def check(self, exercise: Exercise) -> tuple[Verdict, list[Path]]:
        """Check an exercise, and let later ones start from it if it is right.

        Returns:
            The verdict, and the files that now start from this work.

        Raises:
            FolderError: if the file is missing or cannot be read.
        """
        path = self.file(exercise)
        answer = answer_of(cells_of(path))
        file = str(path.resolve()) if path.suffix == FILES else ""
        verdict = check(exercise, _parts(path, answer), self.path, file=file)
        work = [cell.text for cell in answer if "given" not in cell.tags]
        return verdict, self.note(verdict, "\n\n\n".join(work))

    def note(self, verdict: Verdict, work: str) -> list[Path]:
        """Remember a verdict.

        Arguments:
            verdict: what the check said.
            work: the code that is the learner's own.

        Returns:
            The files that now start from this work.
        """
        self._reload()
        changed = []
        passed = self.progress.passed
        if verdict.passed and verdict.exercise not in passed:
            passed.append(verdict.exercise)
            passed.sort(key=[exercise.number for exercise in EXERCISES].index)
        elif not verdict.passed and verdict.exercise in passed:
            passed.remove(verdict.exercise)
        if verdict.passed and work.strip():
            self.progress.work[verdict.exercise] = work
            changed = self._carry_on()
        self.save()
        return changed

    # --- progress -----------------------------------------------------------------------------------------------------------------------

    @property
    def current(self) -> Exercise:
        """The exercise that the learner is at."""
        return by_number(self.progress.current)

    def go_to(self, exercise: Exercise) -> None:
        """Turn to an exercise."""
        self._reload()
        self.progress.current = exercise.number
        self.save()

    def next(self) -> Exercise | None:
        """The next exercise that is not done: after the current one, or else the first; None if all are."""
        place = EXERCISES.index(self.current)
        order = [*EXERCISES[place + 1 :], *EXERCISES[: place + 1]]
        return next((exercise for exercise in order if exercise.number not in self.progress.passed), None)

    def hint(self, exercise: Exercise) -> tuple[int, str] | None:
        """One more hint, with its number; None if all have been shown."""
        self._reload()
        shown = self.progress.hints.get(exercise.number, 0)
        if shown >= len(exercise.hints):
            return None
        self.progress.hints[exercise.number] = shown + 1
        self.save()
        return shown + 1, exercise.hints[shown]

    def may_see_solution(self, exercise: Exercise) -> bool:
        """Whether the solution may be shown: the exercise is done, or all hints have been seen."""
        return exercise.number in self.progress.passed or self.progress.hints.get(exercise.number, 0) >= len(exercise.hints)

    def save(self) -> None:
        """Write the progress down."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path / RECORD, json.dumps(asdict(self.progress), indent=1).encode())
        except OSError as error:
            self.notes.append(f"your progress could not be saved: {error}")

    def _reload(self) -> None:
        """Take over what another window has written down meanwhile; which exercise this one is at stays."""
        found = self._read_progress()
        if found is not None:
            found.current = self.progress.current
            self.progress = found

    def _read_progress(self) -> Progress | None:
        """The saved progress; None if there is none, or if it is damaged, which a note says."""
        path = self.path / RECORD
        if not path.exists():
            return None
        if not path.is_file():
            raise FolderError(f"{path} is not a regular file; remove it, or choose another folder")
        try:
            found = json.loads(text_of(path))
            progress = Progress(
                current=by_number(str(found["current"])).number,
                passed=[by_number(str(number)).number for number in found["passed"]],
                work={by_number(number).number: str(code) for number, code in dict(found["work"]).items()},
                hints={by_number(number).number: max(0, int(count)) for number, count in dict(found["hints"]).items()},
                written={str(name): str(digest) for name, digest in dict(found["written"]).items()},
            )
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
            copy = path.with_name(f"{RECORD}.damaged")
            shutil.copyfile(path, copy)
            self.notes.append(
                f"{path} could not be read; it is kept as {copy.name}. Your exercises are unchanged: 'check all' finds out which are done."
            )
            path.unlink()
            return None
        return progress


def content_of(exercise: Exercise, cells: list[Cell], kind: str) -> bytes:
    """Cells as a learner's file."""
    if kind == NOTEBOOKS:
        from chainrule.course.notebooks import notebook_of

        return notebook_of(exercise, cells)
    return write_cells(_plain(exercise, cells)).encode()


def _plain(exercise: Exercise, cells: list[Cell]) -> list[Cell]:
    """Cells as a file for the terminal, where nothing can be folded: hints and answers are commands there."""
    kept = []
    for cell in cells:
        if "hint" in cell.tags or "solution" in cell.tags:
            continue
        if "question" in cell.tags:
            if cell == exercise.of("question")[0]:
                kept.append(Cell(QUESTIONS, is_code=False))
            cell = cell._replace(text=question_of(cell)[0], tags=())
        kept.append(cell)
    return kept


def question_of(cell: Cell) -> tuple[str, str]:
    """A question and its answer."""
    question, _, answer = cell.text.partition("<details>")
    return question.strip(), answer.partition("</summary>")[2].partition("</details>")[0].strip()


def cells_of(path: Path) -> list[Cell]:
    """The cells of a learner's file or notebook.

    Raises:
        FolderError: if it is missing or cannot be read.
    """
    try:
        if path.suffix == NOTEBOOKS:
            from chainrule.course.notebooks import read_notebook

            return read_notebook(path)
        return read_cells(text_of(path))
    except FileNotFoundError:
        raise FolderError(f"{path} does not exist any more; 'reset' writes it again") from None
    except (OSError, ValueError) as error:
        raise FolderError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def answer_of(cells: list[Cell]) -> list[Cell]:
    """The code that is the answer: cells with the tags `work` and `given`, and those without a tag that a learner has put among them.

    If no cell has such a tag any more, it is all that is not there to be tried.
    """
    code = [cell for cell in cells if cell.is_code]
    marked = [place for place, cell in enumerate(code) if is_answer(cell)]
    if not marked:
        return [cell for cell in code if "try" not in cell.tags]
    end = next((place for place, cell in enumerate(code) if "try" in cell.tags and place > marked[-1]), len(code))
    return [cell for place, cell in enumerate(code) if place in marked or (marked[0] < place < end and not cell.tags)]


def parts_of(path: Path) -> list[Part]:
    """The code of a learner's file that checks look at, see `answer_of`.

    Raises:
        FolderError: if the file is missing or cannot be read.
    """
    return _parts(path, answer_of(cells_of(path)))


def _parts(path: Path, chosen: list[Cell]) -> list[Part]:
    name = path.name if path.suffix == FILES else "your cell"
    return [Part(name, cell.text, cell.line if path.suffix == FILES else 1) for cell in chosen]


def _digest(path: Path) -> str:
    """A digest of what is written in a file; of a notebook without what its cells have printed. "" if it cannot be read."""
    try:
        texts = [[cell.text, cell.is_code] for cell in cells_of(path)]
    except FolderError:
        return ""
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


__all__ = ["COPIES", "FILES", "NOTEBOOKS", "Folder", "FolderError", "answer_of", "cells_of", "content_of", "parts_of", "question_of"]
