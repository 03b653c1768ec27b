"""The warning that `backward()` gives when it throws away gradients that nobody has looked at."""

from __future__ import annotations

import os
import sys
import warnings

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class GradientWarning(UserWarning):
    """Gradients of one result were replaced by those of another before anybody read or set one."""


def warn() -> None:
    """Say so, at the line of the program that called `backward()`."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    warnings.warn(
        "backward() starts from zero: it replaced the gradients that the backward() of another result had left, and which nobody has read "
        "or set since. To add them up, write backward(accumulate=True), or import Value from chainrule.micrograd, where backward() always "
        "adds; to use them, step the optimiser or read them before the next backward(); if they are not wanted, call zero_grad() before it",
        GradientWarning,
        stacklevel=level,
    )
