"""Show the progress of a training: a live bar in a terminal, ten plain lines elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click

from chainrule.cli.scores import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = 10  # if there is no terminal


class Watcher(Protocol):
    """A function that is called from time to time after a step; the accuracy is None if the task has none."""

    def __call__(self, step: int, loss: float, accuracy: float | None) -> None:
        """Show it."""


@contextmanager
def progress(steps: int) -> Iterator[Watcher]:
    """Show the progress of a training with this many steps, on standard error."""
    if not sys.stderr.isatty():
        yield _lines(steps)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    bar_itself = (BarColumn(None),) if console.width >= 72 else ()  # the numbers come first
    columns = (TextColumn("step"), MofNCompleteColumn(), *bar_itself, TextColumn("{task.description}"), TimeRemainingColumn(), "left")
    with Progress(*columns, console=console, expand=bool(bar_itself)) as bar:
        task = bar.add_task("", total=steps)

        def update(step: int, loss: float, accuracy: float | None) -> None:
            bar.update(task, completed=step, description=_numbers(loss, accuracy))

        yield update


def _numbers(loss: float, accuracy: float | None) -> str:
    return f"loss {loss:.4f}" + ("" if accuracy is None else f"  accuracy {percent(accuracy)}")


def _lines(steps: int) -> Watcher:
    """A line for the first reported step in each tenth of the training."""
    tenths = 0

    def line(step: int, loss: float, accuracy: float | None) -> None:
        nonlocal tenths
        if step * LINES // steps > tenths:
            tenths = step * LINES // steps
            click.echo(f"step {step}/{steps}  {_numbers(loss, accuracy)}", err=True)

    return line
