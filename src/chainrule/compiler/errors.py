"""The errors and the warning of `compile`. Importing this module loads nothing heavy."""

from __future__ import annotations

__all__ = ["CannotLowerError", "CompileWarning", "TraceError"]


class TraceError(TypeError):
    """A traced function asked for a number that is known only when the compiled program runs."""


class CompileWarning(UserWarning):
    """A program was not compiled, and runs on the eager engine."""


class CannotLowerError(Exception):
    """A graph that has a part without a form as statements; the program then runs on the eager engine."""
