"""Errors that end the command with one line on standard error."""

from __future__ import annotations

from pathlib import Path

import click


class BadInput(click.ClickException):
    """What was given cannot be used: exit status 2."""

    exit_code = 2


def check_file(output: str) -> None:
    """Find out whether a file can be written there, before anything is computed.

    Raises:
        BadInput: if its folder is missing, or it is a folder itself.
    """
    if Path(output).is_dir():
        raise BadInput(f"{output} is a folder; give the name of a file")
    if not Path(output).parent.is_dir():
        raise BadInput(f"{output}: there is no folder {Path(output).parent}")


def told(error: Exception) -> str:
    """An error as one line; the file first, where the operating system refused it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
