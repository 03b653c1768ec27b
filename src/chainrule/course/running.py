"""Running a learner's code and the examples of a check, in the process that asks for it.

Nothing here knows what is right: `judging.py` does, which may be in another process (`apart.py`).
"""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

MOST_PRINTED = 4000  # characters that are kept of what a learner's code prints
MEMORY = 4 << 30  # bytes of address space
LARGEST_FILE = 64 << 20
EXAMPLE = "<example>"


class OutOfTime(BaseException):
    """The time for a check is up; no `except Exception` of a learner's code catches it."""


class Printed(io.TextIOBase):
    """Keeps the first characters that are printed."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Keep a text, as far as there is room."""
        self.text += text[: MOST_PRINTED - len(self.text)]
        return len(text)


@dataclass
class Part:
    """A piece of a learner's code.

    Arguments:
        name: the file it is in, or what the learner calls it.
        code: its text.
        line: the line of the file where it begins.
    """

    name: str
    code: str
    line: int = 1

    def compiled(self) -> Any:
        """The code as Python runs it, with the lines of the file.

        Raises:
            SyntaxError, ValueError: if it is not Python.
            RecursionError, MemoryError: if it is nested too deeply.
        """
        return compile("\n" * (self.line - 1) + self.code, self.name, "exec")


class Run:
    """A learner's code, run in this process.

    Arguments:
        parts: the code.
        file: the learner's file, which `__file__` names; "" if there is none.
    """

    def __init__(self, parts: Sequence[Part], file: str = "") -> None:
        self.parts = parts
        self.printed = Printed()
        sys.modules["learner"] = module = ModuleType("learner")
        if file:
            module.__file__ = file
        self.names = module.__dict__

    def define(self, part: Part) -> BaseException | None:
        """Define what a part defines; the exception that ends it, if one does."""
        try:
            with self._quietly():
                exec(part.compiled(), self.names)
        except OutOfTime:
            raise
        except BaseException as error:
            return error
        return None

    def missing(self, names: Sequence[str]) -> list[str]:
        """Those of some names that are not defined."""
        return [name for name in names if name not in self.names]

    def borrowed(self, names: Sequence[str]) -> list[str]:
        """Those of some names that stand for what chainrule defines by the same name, or for a class that is derived from it."""
        return [name for name in names if _is_borrowed(self.names.get(name), name)]

    def add(self, names: dict[str, Any]) -> None:
        """Let examples use more names, where the learner has not defined them."""
        self.names.update({name: value for name, value in names.items() if name not in self.names})

    def outcome(self, example: str, shows: str, names: dict[str, Any] | None = None) -> Any:
        """What an example gives: a value, or the exception that it ends with.

        Arguments:
            example: lines of code.
            shows: an expression.
            names: what they may use; the learner's names if this is left out.
        """
        mine = dict(self.names if names is None else names)
        try:
            with self._quietly():
                exec(compile(example, EXAMPLE, "exec"), mine)
                return eval(compile(shows, EXAMPLE, "eval"), mine)
        except OutOfTime:
            raise
        except BaseException as error:
            return error

    def place_of(self, error: BaseException) -> str:
        """Where in the learner's code an exception was raised: the innermost line of it."""
        place = ""
        for frame, line in traceback.walk_tb(error.__traceback__):
            if self._is_mine(frame):
                place = f"{frame.f_code.co_filename}, line {line}"
        return place or str(getattr(error, "place", ""))

    def place_in(self, frame: FrameType | None) -> str:
        """Where in the learner's code a frame is."""
        while frame is not None:
            if self._is_mine(frame):
                return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
            frame = frame.f_back
        return ""

    def _is_mine(self, frame: FrameType) -> bool:
        return any(frame.f_code.co_filename == part.name for part in self.parts)

    @contextlib.contextmanager
    def _quietly(self) -> Any:
        """Keep what is printed."""
        with contextlib.redirect_stdout(self.printed), contextlib.redirect_stderr(self.printed):
            yield


def _is_borrowed(thing: Any, name: str) -> bool:
    kinds = type.mro(thing) if isinstance(thing, type) else [thing]
    try:
        return any(
            f"{getattr(kind, '__module__', '')}".startswith("chainrule.") and getattr(kind, "__name__", "") == name for kind in kinds
        )
    except OutOfTime:
        raise
    except BaseException:  # of a learner's own __getattribute__
        return False


def words_of(error: BaseException) -> str:
    """What an exception says, if it can."""
    try:
        return str(error)
    except OutOfTime:
        raise
    except BaseException:
        return ""


def told(found: Any, levels: int = 20) -> str:
    """A result as a learner would write it; numbers without the digits that rounding makes, and lists to so many levels."""
    if isinstance(found, float):
        plain = float.__pos__(found)
        short = f"{plain:.12g}"
        return repr(float(short)) if float(short) == float(f"{plain:.15g}") else repr(plain)
    if type(found) in (list, tuple):
        inner = ", ".join(told(part, levels - 1) for part in found) if levels > 0 or not found else "…"
        return f"[{inner}]" if type(found) is list else f"({inner}{',' if len(found) == 1 else ''})"
    try:
        return shortened(repr(found))
    except OutOfTime:
        raise
    except BaseException as error:
        return f"a {type(found).__name__} whose repr raises {type(error).__name__}"


def shortened(text: str, most: int = 300) -> str:
    """A text, or its beginning."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def limit() -> None:
    """Limit what this process may use, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, LARGEST_FILE), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


__all__ = ["EXAMPLE", "OutOfTime", "Part", "Printed", "Run", "limit", "shortened", "told", "words_of"]
