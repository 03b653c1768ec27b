"""The report on many submissions: who has done what, which mistakes are common, and which messages each student would get."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from chainrule.course.checking import ERROR, NOT_DONE, PASSED, STOPPED, WRONG
from chainrule.course.exercises import EXERCISES, by_number
from chainrule.course.grading import Row
from chainrule.course.submissions import MISSING, UNREADABLE, PassedOver
from chainrule.course.telling import HEADS
from chainrule.foreign import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TABLE, REPORT = "grades.csv", "report.md"
MARKS = {PASSED: "✓", WRONG: "✗", ERROR: "!", STOPPED: "!", NOT_DONE: "○", UNREADABLE: "?", MISSING: "–"}  # the best first
UNTOLD = "neither their names nor their titles say which exercise they are"
LEGEND = "✓ right, ✗ not right yet, ! does not run or had to be stopped, ○ not done yet, ? cannot be read, – not there"


def as_report(rows: Sequence[Row], passed_over: Sequence[PassedOver] = ()) -> bytes:
    """The report in Markdown: who has done what, which mistakes are the most common, and which messages each student would get."""
    students: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        students[row.student].append(row)
    count = f"{_count(len(rows), 'submission')} of {_count(len(students), 'student')}"
    parts = ["# Grades", f"{count}; {sum(row.passed for row in rows)} are right. The table `{TABLE}` has a row for each."]
    parts += [_overview(students), LEGEND + "."]
    parts += ["## Mistakes, the most common first", _mistakes(rows)]
    if noted := [row for row in rows if row.notes]:
        parts += ["## To be looked at", "What these use is a sign that an answer is borrowed, or writes its own verdict, but not a proof."]
        parts += ["\n".join(f"- {_inline(row.student)}, exercise {row.exercise}, {row.state}: {_inline(row.notes)}" for row in noted)]
    if passed_over:
        parts += ["## Not checked", f"{UNTOLD[0].upper()}{UNTOLD[1:]}. Rename a file, or say it with `--exercise N`."]
        parts += ["\n".join(f"- {_inline(str(each))}" for each in passed_over)]
    for student, mine in students.items():
        parts += [f"## {_inline(student)}", *_of_student(mine)]
    return ("\n\n".join(parts) + "\n").encode("utf-8", "backslashreplace")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _best(rows: Iterable[Row]) -> Row:
    """The row of the best state: a student may have handed in a file and a notebook."""
    return min(rows, key=lambda row: list(MARKS).index(row.state))


def _overview(students: dict[str, list[Row]]) -> str:
    """Students by exercises."""
    numbers = [
        exercise.number for exercise in EXERCISES if any(row.exercise == exercise.number for rows in students.values() for row in rows)
    ]
    lines = [f"| student | {' | '.join([*numbers, 'right'])} |", "|---|" + ":-:|" * len(numbers) + "--:|"]
    for student, rows in students.items():
        best = {number: _best(mine) for number in numbers if (mine := [row for row in rows if row.exercise == number])}
        marks = [MARKS[best[number].state] if number in best else "–" for number in numbers]
        if any(not row.exercise for row in rows):
            marks.append(f"{sum(row.passed for row in best.values())} ?")
        else:
            marks.append(str(sum(row.passed for row in best.values())))
        lines.append(f"| {_inline(student)} | {' | '.join(marks)} |")
    return "\n".join(lines)


def _mistakes(rows: Sequence[Row]) -> str:
    """Known mistakes, and what else went wrong, by how many students it happened to."""
    who: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.state in (WRONG, ERROR, STOPPED):
            what = row.mistake or ("an answer that no known mistake explains" if row.state == WRONG else HEADS[row.state])
            who[row.exercise, what].add(row.student)
    if not who:
        return "There are none."
    counts = Counter({key: len(names) for key, names in who.items()})
    lines = ["| students | exercise | mistake | who |", "|--:|---|---|---|"]
    for (number, what), count in counts.most_common():
        names = sorted(who[number, what])
        told = ", ".join(map(_inline, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        lines.append(f"| {count} | {number}, {by_number(number).title} | {_inline(what)} | {told} |")
    return "\n".join(lines)


def _of_student(rows: Sequence[Row]) -> list[str]:
    """The messages that a student would get."""
    parts = []
    for state, words in ((PASSED, "Right"), (NOT_DONE, "Not done yet")):
        numbers = list(dict.fromkeys(row.exercise for row in rows if row.state == state))
        if numbers:
            parts.append(f"{words}: {', '.join(numbers)}.")
    for row in rows:
        if row.state not in (PASSED, NOT_DONE):
            parts.append(_fenced(f"{row.said}\n\nin {row.submission}" if row.said else row.submission))
    return parts


def _fenced(text: str) -> str:
    """A text as it is, in a fence that nothing in it ends."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{clean(text, lines=True, longest=20_000)}\n{fence}"


def _inline(text: str) -> str:
    """A text inside a line of Markdown, with nothing in it that Markdown or HTML would act on."""
    return re.sub(r"([\\`*_\[\]<>|#~!&])", r"\\\1", " ".join(clean(text, lines=True).split()))


__all__ = ["REPORT", "TABLE", "UNTOLD", "as_report"]
