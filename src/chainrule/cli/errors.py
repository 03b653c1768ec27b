"""Errors that end the command with one line on standard error."""

from __future__ import annotations

import click


class BadInput(click.ClickException):
    """What was given cannot be used: exit status 2."""

    exit_code = 2


def told(error: Exception) -> str:
    """An error as one line; the file first, where the operating system refused it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
