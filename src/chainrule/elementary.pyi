"""The elementary functions and the methods of Value as type checkers and documentation see them.

Written by tests/support/derived.py from the table of primitives; do not edit.
"""

from typing import Any, SupportsFloat, TypeAlias, TypeVar

from chainrule.value import Value

Scalar: TypeAlias = Value | float
S = TypeVar("S", Value, float)

__all__ = [
    "acos",
    "asin",
    "atan",
    "atan2",
    "clip",
    "cos",
    "cosh",
    "digamma",
    "elu",
    "equal",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "gelu",
    "greater",
    "hypot",
    "leaky_relu",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "maximum",
    "minimum",
    "mish",
    "normal_cdf",
    "relu",
    "round",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softplus",
    "softsign",
    "sqrt",
    "stop_gradient",
    "tan",
    "tanh",
    "xlogy",
]

def greater(a: Scalar, b: Scalar) -> Any:
    """1.0 if `a > b`, else 0.0, as a number of the graph; its derivative is 0. For conditions in `where`."""

def equal(a: Scalar, b: Scalar) -> Any:
    """1.0 if `a == b`, else 0.0, as a number of the graph; its derivative is 0. For conditions in `where`."""

def stop_gradient(x: S) -> S:
    """`x` itself, as a constant: no gradient passes through it."""

def maximum(a: Scalar, b: Scalar) -> Any:
    """The larger of `a` and `b`; nan if either is nan. At a tie each gets half of the gradient."""

def minimum(a: Scalar, b: Scalar) -> Any:
    """The smaller of `a` and `b`; nan if either is nan. At a tie each gets half of the gradient."""

def clip(x: Scalar, low: Scalar | None = None, high: Scalar | None = None) -> Any:
    """`x`, but not less than `low` and not more than `high`; None means no bound. At a bound each of the two gets half the gradient."""

def sign(x: S) -> S:
    """1 if `x` is positive, -1 if it is negative, 0 if it is 0; its derivative is 0."""

def floor(x: S) -> S:
    """The largest whole number that is not above `x`; its derivative is 0."""

def round(x: S) -> S:
    """The whole number nearest to `x`, of two the even one; its derivative is 0."""

def exp(x: S) -> S:
    """e raised to `x`."""

def expm1(x: S) -> S:
    """e raised to `x`, less 1; exact near 0."""

def exp2(x: S) -> S:
    """2 raised to `x`."""

def log(x: S) -> S:
    """The natural logarithm of `x`; -inf at 0, nan below."""

def log2(x: S) -> S:
    """The logarithm of `x` to base 2; -inf at 0, nan below."""

def log10(x: S) -> S:
    """The logarithm of `x` to base 10; -inf at 0, nan below."""

def xlogy(x: Scalar, y: Scalar) -> Any:
    """`x * log(y)`, and 0 where `x` is 0. Where both are 0, the derivatives are 0. An entropy is `-sum(xlogy(p, p) for p in ...)`."""

def log1p(x: S) -> S:
    """The natural logarithm of `1 + x`; exact near 0."""

def logaddexp(x: Scalar, y: Scalar) -> Any:
    """`log(exp(x) + exp(y))`; never overflows."""

def sqrt(x: S) -> S:
    """The square root of `x`; nan below 0."""

def sin(x: S) -> S:
    """The sine of `x`, an angle in radians."""

def cos(x: S) -> S:
    """The cosine of `x`, an angle in radians."""

def tan(x: S) -> S:
    """The tangent of `x`, an angle in radians."""

def asin(x: S) -> S:
    """The inverse sine of `x`, in radians from -pi/2 to pi/2."""

def acos(x: S) -> S:
    """The inverse cosine of `x`, in radians from 0 to pi."""

def atan(x: S) -> S:
    """The inverse tangent of `x`, in radians from -pi/2 to pi/2."""

def atan2(y: Scalar, x: Scalar) -> Any:
    """The angle of the point `(x, y)`, in radians from -pi to pi."""

def hypot(x: Scalar, y: Scalar) -> Any:
    """The square root of `x ** 2 + y ** 2`, without overflow on the way; the derivative at the origin is 0."""

def sinh(x: S) -> S:
    """The hyperbolic sine of `x`."""

def cosh(x: S) -> S:
    """The hyperbolic cosine of `x`."""

def tanh(x: S) -> S:
    """The hyperbolic tangent of `x`."""

def softsign(x: S) -> S:
    """`x / (1 + abs(x))`, from -1 to 1."""

def erf(x: S) -> S:
    """The error function of `x`."""

def erfc(x: S) -> S:
    """`1 - erf(x)`, exact also where that is small."""

def normal_cdf(x: S) -> S:
    """The normal distribution function: how probable it is that a standard normal variable is below `x`."""

def digamma(x: S) -> S:
    """The derivative of `lgamma(x)`; -inf at 0, nan at negative whole numbers."""

def lgamma(x: S) -> S:
    """The logarithm of the absolute value of the gamma function of `x`; inf at 0 and at negative whole numbers."""

def sigmoid(x: S) -> S:
    """`1 / (1 + exp(-x))`; never overflows."""

def softplus(x: S) -> S:
    """`log(1 + exp(x))`; never overflows."""

def relu(x: S) -> S:
    """`x` if it is positive, else 0; the derivative at 0 is 0."""

def leaky_relu(x: Scalar, negative_slope: Scalar = 0.01) -> Any:
    """`x` if it is positive, else `negative_slope * x`; the derivative at 0 is the slope."""

def elu(x: Scalar, alpha: Scalar = 1.0) -> Any:
    """`x` if it is positive, else `alpha * (exp(x) - 1)` (Clevert, Unterthiner, Hochreiter, arXiv:1511.07289)."""

def silu(x: S) -> S:
    """`x * sigmoid(x)`, also called swish (Elfwing, Uchibe, Doya, arXiv:1702.03118)."""

def mish(x: S) -> S:
    """`x * tanh(softplus(x))` (Misra, arXiv:1908.08681)."""

def gelu(x: S) -> S:
    """`x` times the normal distribution function of `x` (Hendrycks, Gimpel, arXiv:1606.08415; exact, not the tanh form)."""

class Methods:
    """The operators and methods of Value that the table has."""

    def __add__(self, other: Value | SupportsFloat, /) -> Value: ...
    def __radd__(self, other: SupportsFloat, /) -> Value: ...
    def __sub__(self, other: Value | SupportsFloat, /) -> Value: ...
    def __rsub__(self, other: SupportsFloat, /) -> Value: ...
    def __mul__(self, other: Value | SupportsFloat, /) -> Value: ...
    def __rmul__(self, other: SupportsFloat, /) -> Value: ...
    def __truediv__(self, other: Value | SupportsFloat, /) -> Value: ...
    def __rtruediv__(self, other: SupportsFloat, /) -> Value: ...
    def __neg__(self) -> Value: ...
    def __pow__(self, other: Value | SupportsFloat, /) -> Value: ...
    def __rpow__(self, other: SupportsFloat, /) -> Value: ...
    def __abs__(self) -> Value: ...
    def stop_gradient(self) -> Value:
        """`self` itself, as a constant: no gradient passes through it."""

    def maximum(self, other: Value | SupportsFloat) -> Value:
        """The larger of `self` and `other`; nan if either is nan. At a tie each gets half of the gradient."""

    def minimum(self, other: Value | SupportsFloat) -> Value:
        """The smaller of `self` and `other`; nan if either is nan. At a tie each gets half of the gradient."""

    def clip(self, low: Value | SupportsFloat | None = None, high: Value | SupportsFloat | None = None) -> Value:
        """`self`, but not less than `low` and not more than `high`; None means no bound. At a bound each of the two gets half the
        gradient.
        """

    def sign(self) -> Value:
        """1 if `self` is positive, -1 if it is negative, 0 if it is 0; its derivative is 0."""

    def floor(self) -> Value:
        """The largest whole number that is not above `self`; its derivative is 0."""

    def round(self) -> Value:
        """The whole number nearest to `self`, of two the even one; its derivative is 0."""

    def rint(self) -> Value:
        """The same as `round`, by NumPy's name."""

    def exp(self) -> Value:
        """e raised to `self`."""

    def expm1(self) -> Value:
        """e raised to `self`, less 1; exact near 0."""

    def exp2(self) -> Value:
        """2 raised to `self`."""

    def log(self) -> Value:
        """The natural logarithm of `self`; -inf at 0, nan below."""

    def log2(self) -> Value:
        """The logarithm of `self` to base 2; -inf at 0, nan below."""

    def log10(self) -> Value:
        """The logarithm of `self` to base 10; -inf at 0, nan below."""

    def xlogy(self, other: Value | SupportsFloat) -> Value:
        """`self * log(other)`, and 0 where `self` is 0. Where both are 0, the derivatives are 0. An entropy is `-sum(xlogy(p, p) for p in
        ...)`.
        """

    def log1p(self) -> Value:
        """The natural logarithm of `1 + self`; exact near 0."""

    def logaddexp(self, other: Value | SupportsFloat) -> Value:
        """`log(exp(self) + exp(other))`; never overflows."""

    def sqrt(self) -> Value:
        """The square root of `self`; nan below 0."""

    def sin(self) -> Value:
        """The sine of `self`, an angle in radians."""

    def cos(self) -> Value:
        """The cosine of `self`, an angle in radians."""

    def tan(self) -> Value:
        """The tangent of `self`, an angle in radians."""

    def asin(self) -> Value:
        """The inverse sine of `self`, in radians from -pi/2 to pi/2."""

    def arcsin(self) -> Value:
        """The same as `asin`, by NumPy's name."""

    def acos(self) -> Value:
        """The inverse cosine of `self`, in radians from 0 to pi."""

    def arccos(self) -> Value:
        """The same as `acos`, by NumPy's name."""

    def atan(self) -> Value:
        """The inverse tangent of `self`, in radians from -pi/2 to pi/2."""

    def arctan(self) -> Value:
        """The same as `atan`, by NumPy's name."""

    def atan2(self, other: Value | SupportsFloat) -> Value:
        """The angle of the point `(other, self)`, in radians from -pi to pi."""

    def arctan2(self, other: Value | SupportsFloat) -> Value:
        """The same as `atan2`, by NumPy's name."""

    def hypot(self, other: Value | SupportsFloat) -> Value:
        """The square root of `self ** 2 + other ** 2`, without overflow on the way; the derivative at the origin is 0."""

    def sinh(self) -> Value:
        """The hyperbolic sine of `self`."""

    def cosh(self) -> Value:
        """The hyperbolic cosine of `self`."""

    def tanh(self) -> Value:
        """The hyperbolic tangent of `self`."""

    def softsign(self) -> Value:
        """`self / (1 + abs(self))`, from -1 to 1."""

    def erf(self) -> Value:
        """The error function of `self`."""

    def erfc(self) -> Value:
        """`1 - erf(self)`, exact also where that is small."""

    def normal_cdf(self) -> Value:
        """The normal distribution function: how probable it is that a standard normal variable is below `self`."""

    def digamma(self) -> Value:
        """The derivative of `lgamma(self)`; -inf at 0, nan at negative whole numbers."""

    def lgamma(self) -> Value:
        """The logarithm of the absolute value of the gamma function of `self`; inf at 0 and at negative whole numbers."""

    def sigmoid(self) -> Value:
        """`1 / (1 + exp(-self))`; never overflows."""

    def softplus(self) -> Value:
        """`log(1 + exp(self))`; never overflows."""

    def relu(self) -> Value:
        """`self` if it is positive, else 0; the derivative at 0 is 0."""

    def leaky_relu(self, negative_slope: Value | SupportsFloat = 0.01) -> Value:
        """`self` if it is positive, else `negative_slope * self`; the derivative at 0 is the slope."""

    def elu(self, alpha: Value | SupportsFloat = 1.0) -> Value:
        """`self` if it is positive, else `alpha * (exp(self) - 1)` (Clevert, Unterthiner, Hochreiter, arXiv:1511.07289)."""

    def silu(self) -> Value:
        """`self * sigmoid(self)`, also called swish (Elfwing, Uchibe, Doya, arXiv:1702.03118)."""

    def mish(self) -> Value:
        """`self * tanh(softplus(self))` (Misra, arXiv:1908.08681)."""

    def gelu(self) -> Value:
        """`self` times the normal distribution function of `self` (Hendrycks, Gimpel, arXiv:1606.08415; exact, not the tanh form)."""
