"""Check derivatives by measuring them: change an input a little and see how far the output moves."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.engine import Value, topological_order
from chainrule.reals import real

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


STEP = 1e-6  # relative to the size of a number over 1


def numerical_derivative(f: Callable[[float], Any], x: float, h: float | None = None, *, central: bool = False) -> float:
    """Estimate the derivative of `f` at `x` from two values of `f`.

    Arguments:
        f: a function of one float that returns a number.
        x: the point at which to estimate the derivative.
        h: the step; by default 1e-6 * max(1, |x|). Since `x + h` is rounded, the difference is divided by the step that was really made.
        central: use `(f(x + h) - f(x - h)) / 2h`, whose error shrinks as h squared, in place of the forward difference
            `(f(x + h) - f(x)) / h`, whose error shrinks as h.

    Returns:
        The difference quotient.

    Raises:
        ValueError: if `h` is 0 or not finite, or so small that `x + h` is `x`.
        TypeError: if `x` is not a real number.
    """
    x = real(x)
    if h is None:
        h = STEP * max(1.0, abs(x)) if math.isfinite(x) else STEP
    elif h == 0 or not math.isfinite(h):
        raise ValueError(f"the step h must be a finite number other than 0, got {h!r}")
    end, begin = x + h, x - h if central else x
    if end == begin and math.isfinite(x):
        raise ValueError(f"the step h={h!r} is lost in rounding: x + h is x for x={x!r}; leave h out, or give at least {math.ulp(x)!r}")
    return (float(f(end)) - float(f(begin))) / (end - begin)


class InputCheck(NamedTuple):
    """One input of `check_gradients`, with its derivative by `backward()` and by central differences."""

    name: str
    backward: float
    numerical: float
    ok: bool

    @property
    def error(self) -> float:
        """The difference of the two derivatives."""
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
    atol: float | None = None,
    raise_error: bool = True,
) -> GradientReport:
    """Compare `backward()` with central differences, input by input.

    Besides `rtol`, the comparison allows for the error of the difference quotient itself: the effect of rounding in `f` and on the way to
    it, and the change of the quotient when the step is halved, up to 1e-7. So gradients of any size are checked, tiny ones too.

    Arguments:
        f: a function that takes one Value for each input and returns a Value. It is called with new Values.
        inputs: the point to check at; Values keep their labels, which name them in the report.
        h: the step; it is multiplied by the size of an input that is greater than 1.
        rtol: the error that is allowed, relative to the larger of the two derivatives.
        atol: an error that is allowed in any case.
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
    noise = _noise(output)
    rows = []
    for position, leaf in enumerate(leaves):
        sizes = [abs(output.data), noise]

        def along(x: float, position: int = position, sizes: list[float] = sizes) -> float:
            number = f(*(Value(x if i == position else other.data) for i, other in enumerate(leaves))).data
            sizes.append(abs(number))
            return number

        step = h * max(1.0, abs(leaf.data))
        numerical = numerical_derivative(along, leaf.data, step, central=True)
        if atol is None:
            change = numerical - numerical_derivative(along, leaf.data, step / 2, central=True)
            curvature = min(MOST_CURVATURE, 2.0 * abs(change))
        else:
            curvature = atol
        rounding = 10 * sys.float_info.epsilon * max(sizes) / step
        name = leaf.label or f"input {position}"
        rows.append(InputCheck(name, leaf.grad, numerical, _agree(leaf.grad, numerical, rtol, curvature + rounding)))
    report = GradientReport(tuple(rows))
    if raise_error and not report:
        wrong = GradientReport(tuple(row for row in rows if not row.ok))
        raise AssertionError(f"{len(wrong.rows)} of {len(rows)} gradients are off:\n{wrong}")
    return report


MOST_CURVATURE = 1e-7


def _noise(output: Value) -> float:
    """How large the numbers on the way to a result are, each by what its rounding makes of the result."""
    shares = [node.grad * node.data for node in topological_order(output) if node._rule is not None]
    size = math.hypot(*shares)
    return size if math.isfinite(size) else 0.0


def _agree(a: float, b: float, rtol: float, atol: float) -> bool:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return math.isfinite(a) and math.isfinite(b) and abs(a - b) <= atol + rtol * max(abs(a), abs(b))
