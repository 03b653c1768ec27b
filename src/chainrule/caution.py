"""`GradientWarning`: what the library says where a gradient is probably not what the program means, at the line of the program."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class GradientWarning(UserWarning):
    """A gradient is probably not what the program means: it is lost on the way, or belongs to other numbers."""


def caution(message: str, at: FrameType | None = None) -> None:
    """Warn at the line that a frame is at; if none is given, at the innermost line of the program that is not in this package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and (frame is not at if at is not None else frame.f_code.co_filename.startswith(_HERE)):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, GradientWarning, stacklevel=level)
