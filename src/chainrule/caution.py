"""`GradientWarning`: what the library says where a gradient is probably not what the program means, at the line of the program."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

from chainrule.users_line import users_frame

if TYPE_CHECKING:
    from types import FrameType


class GradientWarning(UserWarning):
    """A gradient is probably not what the program means: it is lost on the way, or belongs to other numbers."""


def caution(message: str, at: FrameType | None = None) -> None:
    """Warn at the line that a frame is at; if none is given, at the innermost line of the program that is not in this package."""
    frame, level = sys._getframe(1), 2  # that of the caller, by the count of `warnings.warn`
    if at is None:
        level += len(users_frame(frame)[1])
    else:
        while frame is not at and frame.f_back is not None:
            frame, level = frame.f_back, level + 1
    warnings.warn(message, GradientWarning, stacklevel=level)
