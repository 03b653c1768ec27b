"""The checks of many submissions at once, and the table of their results.

Whatever is wrong with one submission is in its own row, and does not affect the others.
"""

from __future__ import annotations

import csv
import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.course.checking import PASSED, STOPPED, Verdict
from chainrule.course.folder import FILES, FolderError, parts_of
from chainrule.course.sandbox import check, temporary_folder
from chainrule.course.submissions import UNREADABLE, Submission
from chainrule.course.telling import as_text
from chainrule.foreign import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chainrule.course.running import Part


@dataclass(frozen=True)
class Row:
    """The result of a submission: the columns of the table."""

    submission: str
    student: str
    exercise: str
    title: str
    state: str
    mistake: str = ""
    message: str = ""
    example: str = ""
    got: str = ""
    expected: str = ""
    place: str = ""
    notes: str = ""
    seconds: float = 0.0
    said: str = ""  # the message that the student would get, which is in the report and not in the table

    @property
    def passed(self) -> bool:
        """Whether all is right."""
        return self.state == PASSED


LONGEST_CELL = 8000  # characters
COLUMNS = [field.name for field in fields(Row) if field.name != "said"]


def grade(
    submissions: Sequence[Submission], jobs: int = 1, done: Callable[[Row], None] = lambda row: None, *, isolate: bool = False
) -> list[Row]:
    """Check submissions, each in a process of its own.

    Arguments:
        submissions: what was handed in.
        jobs: how many to check at the same time.
        done: is called with each row when it is finished.
        isolate: whether a submission's code runs in another process than the one that judges it.

    Returns:
        A row for each, in their order.
    """

    def graded(submission: Submission) -> Row:
        row = _graded(submission, nowhere, isolate)
        if row.state != STOPPED or jobs == 1:  # that one ran out of time beside others says nothing; it is checked again alone
            done(row)
        return row

    with temporary_folder() as temporary:
        nowhere = Path(temporary)
        executor = ThreadPoolExecutor(jobs)
        try:
            rows = list(executor.map(graded, submissions))
        finally:
            executor.shutdown(cancel_futures=True)
        for place, row in enumerate(rows):
            if row.state == STOPPED and jobs > 1:
                rows[place] = _graded(submissions[place], nowhere, isolate)
                done(rows[place])
    return rows


def _graded(submission: Submission, nowhere: Path, isolate: bool) -> Row:
    """Check a submission; whatever happens, there is a row."""
    exercise = submission.exercise
    row = Row(
        submission=str(submission.path),
        student=submission.student,
        exercise=exercise.number if exercise is not None else "",
        title=exercise.title if exercise is not None else "",
        state=submission.state,
        message=submission.trouble,
    )
    if exercise is None or submission.trouble:
        return replace(row, said=f"{submission.path.name}: {submission.trouble}")
    try:
        parts = _parts(submission)
        folder = submission.folder or nowhere
        file = str(folder.resolve() / submission.path.name) if submission.path.suffix == FILES else ""
        verdict = check(exercise, parts, folder, file=file, isolate=isolate)
        return _row(row, verdict)
    except FolderError as error:
        trouble = str(error)
    except Exception as error:  # what nobody has thought of must not cost the others their rows
        trouble = f"This could not be checked ({type(error).__name__}: {error})."
    return replace(row, state=UNREADABLE, message=trouble, said=f"{submission.path.name}: {trouble}")


def _parts(submission: Submission) -> list[Part]:
    parts = parts_of(submission.path)
    if not any(part.code.strip() for part in parts):
        raise FolderError(f"{submission.path} has no code in it")
    return parts


def _row(row: Row, verdict: Verdict) -> Row:
    example = "\n".join(part for part in (verdict.example, verdict.shows) if part)
    return replace(
        row,
        state=verdict.state,
        mistake=verdict.mistake,
        message=verdict.message,
        example=example,
        got=verdict.got,
        expected=verdict.expected,
        place=verdict.place,
        notes=verdict.notes,
        seconds=round(verdict.seconds, 2),
        said=as_text(verdict),
    )


def as_csv(rows: Sequence[Row]) -> bytes:
    """The table, for a spreadsheet. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(getattr(row, column)) for column in COLUMNS])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(content: str | float) -> str:
    text = clean(content, lines=True, longest=LONGEST_CELL)
    is_number = re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", text, re.IGNORECASE) is not None
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠") and not is_number else text


__all__ = ["COLUMNS", "Row", "as_csv", "grade"]
