"""Checks of numeric arguments, each with an error that names the argument."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from chainrule.reals import real

if TYPE_CHECKING:
    from typing import SupportsFloat


def number(name: str, x: SupportsFloat) -> float:
    """Return `x` as a float; ValueError if it is not a real number."""
    try:
        return real(x)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"{name}: {error}") from None


def finite(name: str, x: float) -> float:
    """Return `x` as a float; ValueError if it is not a finite real number."""
    result = number(name, x)
    if not math.isfinite(result):
        raise ValueError(f"{name} must be finite, got {result}")
    return result


def at_least_zero(name: str, x: float) -> float:
    """Return `x` as a float; ValueError if it is not a finite real number of 0 or more."""
    result = finite(name, x)
    if result < 0:
        raise ValueError(f"{name} must be 0 or more, got {result}")
    return result


def integer(name: str, x: Any, least: int) -> int:
    """Return `x` as an int; ValueError if it is not a whole number of `least` or more."""
    if not hasattr(x, "__index__") or (result := operator.index(x)) < least:
        raise ValueError(f"{name} must be an integer of {least} or more, got {x!r}")
    return result
