"""`Value` with the rules of micrograd: `backward()` adds up, and `-`, `/` and unary minus are built from `+`, `*` and `**`."""

from __future__ import annotations

from typing import Any, SupportsFloat

from chainrule import engine
from chainrule.primitives import negative, power
from chainrule.reals import Whole


class Value(engine.Value):
    """A number in a computation graph, as micrograd has it.

    It does all that chainrule's Value does, also in compiled programs, with these differences:

    - `backward()` sets nothing to zero. It sets the gradient of this Value to 1, and adds to the gradients of all Values that it depends
      on. Before the next `backward()`, set `grad = 0` by hand, or call `zero_grad()`.
    - `a - b`, `a / b` and `-a` are `a + b * -1`, `a * b ** -1` and `a * -1`, with the nodes and the rounding of these operations.
    - The `data` of a Value that was made from an int is that int, and `repr` shows a gradient that was never changed as `0`.
    """

    __slots__ = ()
    _adds_up = True

    def backward(self) -> None:  # type: ignore[override]
        """Add the derivatives of this Value to the gradients of all Values that it depends on; its own gradient becomes 1."""
        self._add_up()

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + _negative(other)

    def __rsub__(self, other: Any) -> Any:
        return other + (-self)

    def __truediv__(self, other: Any) -> Any:
        return self * _inverse(other)

    def __rtruediv__(self, other: Any) -> Any:
        return other * self**-1

    def __repr__(self) -> str:
        grad: SupportsFloat = self.grad
        data: SupportsFloat = self.data
        return f"Value(data={int(data) if isinstance(data, Whole) else data}, grad={0 if grad == 0 else grad})"


def _inverse(number: Any) -> Any:
    """A number, a Value or an array to the power of -1."""
    return number**-1.0 if _is_of_values(number) else power(number, -1.0)


def _negative(number: Any) -> Any:
    return -number if _is_of_values(number) else negative(number)


def _is_of_values(x: Any) -> bool:
    return hasattr(x, "_apply") or (hasattr(x, "__array__") and hasattr(x, "__len__"))
