"""Real numbers of all kinds as floats, and what is kept of those that were ints."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def real(x: object) -> float:
    """Convert a real number to a float: int, bool, float, Fraction, Decimal, a NumPy scalar, or anything that only has `__float__`.

    Raises:
        TypeError: for everything else. Strings, complex numbers and arrays are refused even where `float()` would take them.
        OverflowError: for an integer too large for a float.
    """
    kind = type(x)
    if kind is float:
        return x  # type: ignore[return-value]
    is_complex = isinstance(x, numbers.Complex) and not isinstance(x, numbers.Real)
    if not hasattr(kind, "__float__") or hasattr(kind, "__len__") or is_complex:
        raise TypeError(f"expected a real number or a Value, got {kind.__name__}: {_shorten(x)}")
    try:
        return float(x)  # type: ignore[arg-type]
    except OverflowError:
        raise OverflowError(f"this {kind.__name__} is too large for a float: {_shorten(x)}") from None


class Whole(float):
    """The number of a Value that was made from an int: a float like any other, and good as an index."""

    __slots__ = ()

    def __index__(self) -> int:
        return int(self)

    def __reduce__(self) -> tuple[type[Whole], tuple[float]]:
        return Whole, (float(self),)


LARGEST_WHOLE = 2.0**53  # up to which a float holds every int


def is_whole(x: object, number: float) -> bool:
    """Whether what was given is an int, of whatever type, and the float it became is the same number."""
    return hasattr(type(x), "__index__") and -LARGEST_WHOLE <= number <= LARGEST_WHOLE


def _shorten(x: object, limit: int = 60) -> str:
    try:
        text = " ".join(repr(x).split())
    except Exception as error:  # a repr that fails, or an int with more digits than Python prints
        text = f"<no repr: {type(error).__name__}>"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def numbers_of(operands: Iterable[Any]) -> list[float]:
    """The numbers of the operands of a node, which are Values of any engine, or floats."""
    return [operand if isinstance(operand, float) else operand._data for operand in operands]
