"""Errors that end the command with one line on standard error."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chainrule.foreign import clean

if TYPE_CHECKING:
    from collections.abc import Iterator


class BadInput(click.ClickException):
    """The user's input cannot be used: exit status 2."""

    exit_code = 2


def check_file(output: str) -> None:
    """Check that a file can be written there, before anything is computed.

    Raises:
        BadInput: if its folder is missing, if it is a folder itself, or if the system refuses to write it.
    """
    from chainrule.files import check_place

    name, folder = clean(output), Path(output).parent
    if os.path.isdir(output):
        raise BadInput(f"{name} is a folder; give the name of a file")
    if not os.path.isdir(folder):
        raise BadInput(f"{name}: there is no folder {clean(folder)}")
    try:
        check_place(output)
    except (OSError, ValueError) as error:
        raise BadInput(f"{name} cannot be written: {reason(error)}") from None


def reason(error: Exception) -> str:
    """Say why the operating system refused something, without the file's name."""
    return clean(getattr(error, "strerror", None) or error)


def told(error: Exception) -> str:
    """Write an error as one line, with the file first if the operating system refused it."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{clean(error.filename)}: {clean(error.strerror)}"
    return reason(error)


@contextmanager
def cleaned() -> Iterator[None]:
    """Clean the messages of errors, since click repeats in them what was typed."""
    try:
        yield
    except click.UsageError as error:
        error.message = clean(error.message)  # type: ignore[misc]
        raise
    except click.ClickException as error:
        error.message = clean(error.message, lines=True)  # type: ignore[misc]
        raise
