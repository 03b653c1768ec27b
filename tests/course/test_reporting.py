"""What a student's text may do to the table and the report."""

from __future__ import annotations

import csv
import io

import pytest

from chainrule.course.checking import ERROR, NOT_DONE, PASSED, WRONG
from chainrule.course.grading import Row, as_csv
from chainrule.course.reporting import as_report
from chainrule.course.submissions import UNREADABLE


def row(**more: str) -> Row:
    return Row(**{"submission": "a.py", "student": "a", "exercise": "2", "title": "Operators", "state": ERROR, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1+cmd|' /C calc'!A0", "-1+1", "@SUM(1)", "\t=1", " =1", "\r=1", "＝1", "-", "=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    (found,) = csv.DictReader(io.StringIO(as_csv([row(student=text, got=text)]).decode(), newline=""))
    for cell in (found["student"], found["got"]):
        assert cell[0] == "'" or cell.startswith("\\r")


@pytest.mark.parametrize("text", ["-6", "-0.5", "1e-12", "-1.5e+20", "plain", "a = b", "\u00e4", ""])
def test_numbers_and_words_stay_as_they_are(text: str) -> None:
    (found,) = csv.DictReader(io.StringIO(as_csv([row(got=text)]).decode(), newline=""))
    assert found["got"] == text


def test_names_that_are_not_text_and_marks_of_markdown() -> None:
    rows = [row(student="a|b<script>\n*", mistake="x|y", said="```\nnot the end\x1b[31m\n````", submission="\udcff.py")]
    assert b"\\udcff.py" in as_csv(rows)
    report = as_report(rows).decode()
    assert "| a\\|b\\<script\\> \\* | ! | 0 |" in report
    assert "`````text\n```\nnot the end\\x1b[31m\n````\n\nin \\udcff.py\n`````" in report


def test_the_report_counts_students_and_takes_the_best() -> None:
    rows = [row(student=name, state=WRONG, mistake="adds") for name in "abcdefg"]
    rows += [row(student="a", state=PASSED), row(student="b", state=NOT_DONE, exercise="3"), row(student="h", state=NOT_DONE)]
    rows += [row(student="i", exercise="", state=UNREADABLE, said="i.py: no idea")]
    report = as_report(rows).decode()
    assert "11 submissions of 9 students; 1 are right." in report
    assert "| student | 2 | 3 | right |" in report
    assert "| a | ✓ | – | 1 |" in report
    assert "| b | ✗ | ○ | 0 |" in report
    assert "| i | – | – | 0 ? |" in report
    assert "| 7 | 2, Operators | adds | a, b, c, d, e and 2 more |" in report
    assert "Not done yet: 3." in report
    assert "There are none." in as_report([row(state=PASSED)]).decode()
