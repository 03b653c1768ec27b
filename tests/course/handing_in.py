"""What students hand in, and the commands of their teachers, for the tests of both."""

from __future__ import annotations

import csv
from pathlib import Path

from click.testing import CliRunner, Result

from chainrule.cli.commands import commands
from chainrule.course.exercises import by_number
from chainrule.course.grading import Row, grade
from chainrule.course.submissions import submissions_in

OPERATORS, GRAPH = by_number("2"), by_number("3")
RIGHT = OPERATORS.work
ADDS = RIGHT.replace("self.data * other.data", "self.data + other.data")
NAME = "02_operators.py"
TITLED = "# %% [markdown]\n# # Exercise 2 · Operators\n\n# %%\n" + RIGHT


def write(path: str, content: str | bytes = RIGHT) -> Path:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    return target


def run(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(commands, ["course", *arguments], prog_name="chainrule")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def table(path: str = "grades.csv") -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def one(path: str | Path) -> Row:
    """The row of the only submission that a path means."""
    (row,) = grade(submissions_in([path])[0])
    return row
