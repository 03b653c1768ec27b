"""Checking derivatives by measuring them: nudge an input, see how far the output moves."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.engine import Value
from chainrule.primitives import real

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def numerical_derivative(f: Callable[[float], Any], x: float, h: float = 1e-6, *, central: bool = False) -> float:
    """Estimate the derivative of `f` at `x` from two values of `f`.

    Arguments:
        f: a function of one float that returns a number.
        x: where.
        h: the step.
        central: use `(f(x + h) - f(x - h)) / 2h`, whose error shrinks as h squared, in place of the forward difference
            `(f(x + h) - f(x)) / h`, whose error shrinks as h.

    Returns:
        The difference quotient.

    Raises:
        ValueError: if `h` is 0 or not finite.
        TypeError: if `x` is not a real number.
    """
    x = real(x)
    if h == 0 or not math.isfinite(h):
        raise ValueError(f"the step h must be a finite number other than 0, got {h!r}")
    if central:
        return (float(f(x + h)) - float(f(x - h))) / (2 * h)
    return (float(f(x + h)) - float(f(x))) / h


class InputCheck(NamedTuple):
    """One input of `check_gradients`: its derivative by `backward()` and by central differences."""

    name: str
    backward: float
    numerical: float
    ok: bool

    @property
    def error(self) -> float:
        """How far the two are apart."""
        return abs(self.backward - self.numerical)


class GradientReport(NamedTuple):
    """What `check_gradients` found, one row for each input; true if all agree. Print it to read it."""

    rows: tuple[InputCheck, ...]

    @property
    def ok(self) -> bool:
        """Whether every input's derivative agrees."""
        return all(row.ok for row in self.rows)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = []
        for row in self.rows:
            verdict = "ok" if row.ok else f"OFF by {row.error:.3g}"
            lines.append(f"{row.name}: backward() gives {row.backward:.10g}, central differences {row.numerical:.10g}: {verdict}")
        return "\n".join(lines)


def check_gradients(
    f: Callable[..., Value],
    inputs: Sequence[float | Value],
    *,
    h: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    raise_error: bool = True,
) -> GradientReport:
    """Compare `backward()` with central differences, input by input.

    Arguments:
        f: a function of as many Values as there are inputs, that returns a Value. It is called with fresh Values.
        inputs: the point to check at; Values keep their labels, which name them in the report.
        h: the step, relative to an input's size where that is over 1.
        rtol: the error that is allowed, relative to the larger of the two derivatives.
        atol: the error that is allowed in any case, besides what rounding of `f` itself makes of its size divided by the step.
        raise_error: raise if an input is off; if False, only report it.

    Returns:
        The report.

    Raises:
        AssertionError: if a derivative is off, with the report's lines for the inputs that are.
        TypeError: if `inputs` is not a list of numbers, or `f` does not return a Value.
    """
    if not hasattr(inputs, "__iter__"):
        raise TypeError(f"inputs must be a list with a number for each argument of f, got {type(inputs).__name__}: {inputs!r}")
    leaves = [Value(real(x), label=getattr(x, "label", "")) for x in inputs]
    output = f(*leaves)
    if not isinstance(output, Value):
        raise TypeError(f"f must return a Value, got {type(output).__name__}: {output!r}")
    output.backward()
    rows = []
    for position, leaf in enumerate(leaves):

        def along(x: float, position: int = position) -> float:
            return f(*(Value(x if i == position else other.data) for i, other in enumerate(leaves))).data

        step = h * max(1.0, abs(leaf.data))
        numerical = numerical_derivative(along, leaf.data, step, central=True)
        rounding = 10 * sys.float_info.epsilon * abs(output.data) / step
        name = leaf.label or f"input {position}"
        rows.append(InputCheck(name, leaf.grad, numerical, _agree(leaf.grad, numerical, rtol, atol + rounding)))
    report = GradientReport(tuple(rows))
    if raise_error and not report:
        wrong = GradientReport(tuple(row for row in rows if not row.ok))
        raise AssertionError(f"{len(wrong.rows)} of {len(rows)} gradients are off:\n{wrong}")
    return report


def _agree(a: float, b: float, rtol: float, atol: float) -> bool:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return math.isfinite(a) and math.isfinite(b) and abs(a - b) <= atol + rtol * max(abs(a), abs(b))
