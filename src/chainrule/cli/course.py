"""`chainrule course`: teachers export the exercises for students, and check the students' work."""

from __future__ import annotations

import importlib.util
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chainrule.course.exercises import Exercise


def _exercises(context: click.Context, parameter: click.Parameter, numbers: tuple[str, ...]) -> list[Exercise]:
    """The exercises that were asked for, in the order of the course."""
    from chainrule.course.exercises import EXERCISES, by_number

    try:
        chosen = [by_number(number) for number in numbers]
    except LookupError as error:
        raise click.BadParameter(str(error)) from None
    return [exercise for exercise in EXERCISES if exercise in chosen]


@click.group(short_help="For teachers: hand out the exercises, and check what comes back.")
def course() -> None:
    """Hand out the exercises of `chainrule learn`, and check what students hand in."""


@course.command(short_help="Write the exercises, for students and with solutions.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("-e", "--exercise", "exercises", multiple=True, metavar="N", callback=_exercises, help="Only exercise N; can be given again.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["files", "notebooks", "both"]),
    help="Plain Python files, Jupyter notebooks, or both; by default both, if Jupytext is installed, and else files.",
)
def export(folder: Path, exercises: list[Exercise], kind: str | None) -> None:
    """Write the exercises into FOLDER: to hand out, in FOLDER/student, and with their solutions, in FOLDER/solution.

    Nothing is overwritten: if a file is there already and differs, nothing is written.
    """
    from chainrule.course.exercises import EXERCISES
    from chainrule.course.exporting import exported, write_files
    from chainrule.course.folder import FILES, NOTEBOOKS

    if kind is None:
        kind = "both" if importlib.util.find_spec("jupytext") is not None else "files"
    kinds = {"files": [FILES], "notebooks": [NOTEBOOKS], "both": [FILES, NOTEBOOKS]}[kind]
    chosen = exercises or list(EXERCISES)
    try:
        write_files(folder, exported(chosen, kinds))
    except FileExistsError as error:
        raise BadInput(str(error)) from None
    told = "1 exercise" if len(chosen) == 1 else f"{len(chosen)} exercises"
    click.echo(f"{told} in {folder / 'student'}, with solutions in {folder / 'solution'}")


@course.command(short_help="Check what students hand in.")
@click.argument("submissions", nargs=-1, required=True, metavar="SUBMISSION...", type=click.Path(path_type=Path))
@click.option("-e", "--exercise", "exercises", multiple=True, metavar="N", callback=_exercises, help="Only exercise N; can be given again.")
@click.option(
    "-o",
    "--output",
    default=".",
    show_default="the current folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for grades.csv and report.md.",
)
@click.option("-j", "--jobs", type=click.IntRange(1, 64), help="How many to check at the same time; one for each processor by default.")
@click.option("--isolate", is_flag=True, help="Run each submission's code in a process of its own, away from the checks and the verdict.")
@click.option("--force", is_flag=True, help="Replace grades.csv and report.md if they are there.")
def grade(submissions: tuple[Path, ...], exercises: list[Exercise], output: Path, jobs: int | None, isolate: bool, force: bool) -> None:
    """Check each SUBMISSION, and write a table, grades.csv, and a report, report.md.

    A SUBMISSION is a student's file or notebook, a student's folder, or a folder of students' folders. Names say which exercise a file is
    and whose: anna_04_backpropagation.py is Anna's, and so is 04_backpropagation.py in a folder anna.

    Each check runs in a process of its own, with limits on time and memory; a broken submission affects only its own row. This does not
    protect against malicious code: the process has your permissions, and code that knows the checks can write its own verdict. With
    --isolate, the code and its judge run in different processes and, if bubblewrap is installed, the code has no access to your files and
    the network. The column "notes" says what you should look at in an answer, even if it is right.

    \b
    Example:
      chainrule course grade handed-in/* --exercise 4 --output graded
    """
    from chainrule.course.apart import WITHOUT_WALLS, bubblewrap
    from chainrule.course.grading import as_csv
    from chainrule.course.grading import grade as graded
    from chainrule.course.reporting import REPORT, TABLE, UNTOLD, as_report
    from chainrule.course.submissions import submissions_in
    from chainrule.files import write_atomically
    from chainrule.foreign import clean

    for name in (TABLE, REPORT):
        if (output / name).exists() and not force:
            raise BadInput(f"{clean(output / name)} is there already; --output chooses another folder, and --force replaces it")
    found, left_out, over = submissions_in(submissions, exercises)
    if left_out:
        more = f" and {len(left_out) - 1} more" if left_out[1:] else ""
        click.echo(f"left out, because they belong to other exercises: {clean(left_out[0])}{more}", err=True)
    if not found:
        raise BadInput("there is nothing to check")
    if over:
        more = f" and {len(over) - 5} more" if over[5:] else ""
        click.echo(f"not checked, because {UNTOLD}: {', '.join(clean(each) for each in over[:5])}{more}", err=True)
    if isolate and not bubblewrap():
        click.echo(f"note: {WITHOUT_WALLS}", err=True)
    output.mkdir(parents=True, exist_ok=True)
    with _progress(len(found)) as done:
        rows = graded(found, min(jobs or _processors(), len(found)), done, isolate=isolate)
    write_atomically(output / TABLE, as_csv(rows))
    write_atomically(output / REPORT, as_report(rows, over))
    right = sum(row.passed for row in rows)
    noted = sum(row.passed and bool(row.notes) for row in rows)
    look = f", and you should look at {noted} of these (see their notes)" if noted else ""
    click.echo(f"{right} of {len(rows)} are right{look}: {clean(output / TABLE)}, {clean(output / REPORT)}")


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Any], None]]:
    """Show on standard error how far the checks are; only in a terminal."""
    if not sys.stderr.isatty():
        yield lambda row: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("checking"), MofNCompleteColumn(), BarColumn(None), TimeRemainingColumn(), "left")
    with Progress(*columns, console=Console(stderr=True), expand=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda row: bar.advance(task)
