"""The line of the program that a message is about: the innermost one that belongs neither to this package nor to another library."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
"""The folder of this package."""


def is_own(frame: FrameType) -> bool:
    """Whether a frame runs code of this package."""
    return frame.f_code.co_filename.startswith(PACKAGE)


def users_frame(frame: FrameType, libraries: tuple[str, ...] = (PACKAGE,)) -> tuple[FrameType, list[FrameType]]:
    """Find the line at which the program is.

    Arguments:
        frame: where to start.
        libraries: the folders whose code is not the program's.

    Returns:
        The innermost frame of the program, or the outermost of all if there is none; and the frames inside of it that were passed over.
    """
    passed = []
    while frame.f_back is not None and frame.f_code.co_filename.startswith(libraries):
        passed.append(frame)
        frame = frame.f_back
    return frame, passed


def line_of(file: str, line: int) -> str:
    """A line as messages name it: its file, its number and, if that can be read, its text."""
    import linecache  # with `re` and `tokenize` behind it, half of what importing chainrule would cost

    text = linecache.getline(file, line).strip()  # nothing is known of lines typed at Python's prompt
    return f"{file}, line {line}: {text}" if text else f"{file}, line {line}"
