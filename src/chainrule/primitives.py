"""The operations chainrule knows: one row each, with a forward value and its partial derivatives.

A partial derivative is written once, with ordinary operators and the functions of this module, and takes the operands and the result:
`lambda a, b, out: b` is the derivative of `a * b` with respect to `a`. The same row is used on floats (`Value.backward`), on Values
(derivatives of derivatives), on formulas (`explain`), and on anything else whose class has an `_apply(primitive, operands)` method.

Arithmetic is IEEE 754, as in NumPy: `log(0)` is -inf, `1 / 0` is inf, `exp(1000)` is inf and `(-1) ** 0.5` is nan. Python's own operators
raise instead in some of these cases, so rows write `divide(a, b)` and `power(a, b)` where they could meet them.

To add an operation, add a row: the function, the method and all else follow from it. `row.py` says what the columns mean.
"""

from __future__ import annotations

import copyreg
import math
from typing import TYPE_CHECKING, Any

from chainrule import ieee, special
from chainrule.ieee import INFINITY, LOG_2
from chainrule.reals import real
from chainrule.row import COMPARISON, POWER, PRODUCT, SIGN, SUM, Primitive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    Operand: TypeAlias = Any  # a float, a Value, or anything with an `_apply` method

UNBOUNDED = -INFINITY, INFINITY


def _factor(position: int, operands: Sequence[Operand], out: Operand) -> Operand:
    """What the operand at `position` of `dot` is multiplied by: the other of its pair, or 1 for the bias."""
    start = len(operands) % 2
    if position < start:
        return 1.0
    return operands[position - 1] if (position - start) % 2 else operands[position + 1]


def _is_taken(position: int, operands: Sequence[Operand], out: Operand) -> Operand:
    """1 for the operand that `take` chose, 0 for the others and for the index."""
    return equal(operands[0], position - 1.0) if position else 0.0


def passing_positions(row: Primitive, data: Sequence[float]) -> Sequence[int]:
    """The positions of the operands to which a row passes a gradient, in the order of the sweep; if a row takes any number of operands, the
    last comes first.

    To the others nothing passes, which is more than to pass a 0 on: times an infinite derivative, that would be nan.
    """
    if row.arity is not None:
        return [position for position, partial in enumerate(row.partials) if partial is not zero]
    if row.each is zero:
        return ()
    if row is take:
        return (int(data[0]) + 1,) if ieee.counts(data[0], len(data) - 1) else ()
    return range(len(data) - 1, -1, -1)


def _slope_of_sigmoid(a: Operand, out: Operand) -> Operand:
    """`s (1 - s)`, computed from `a` where 1 - s would lose digits."""
    if type(a) is not float:
        return sigmoid_slope(a)
    return out * (1.0 - out) if a < 2.0 else ieee.sigmoid_slope(a)


def _slope_of_tanh(a: Operand, out: Operand) -> Operand:
    """`1 - t^2`, computed from `a` where that would lose digits."""
    if type(a) is not float:
        return tanh_slope(a)
    return 1.0 - out * out if -2.0 < a < 2.0 else ieee.tanh_slope(a)


def _slope_of_atan(a: Operand, out: Operand) -> Operand:
    """`1 / (1 + a^2)`, written so that the derivatives of it keep their digits where `a^2` overflows."""
    if type(a) is float:
        return 1.0 / (1.0 + a * a)
    return divide(divide(1.0, hypot(1.0, a)), hypot(1.0, a))


def _difference(a: Operand, b: Operand) -> Operand:
    """`a - b`, and 0 where both are the same infinity."""
    return where(equal(a, b) * (1.0 - equal(a - b, 0.0)), 0.0, a - b)


def _clipped(x: Operand, low: Operand = None, high: Operand = None) -> Operand:
    """What `clip` does: a bound that is None is none, and bounds that are numbers must be in order."""
    if not any(bound is None or hasattr(bound, "_apply") for bound in (low, high)) and real(low) > real(high):
        raise ValueError(f"clip() needs low <= high, got low={low!r} and high={high!r}")
    if low is None and high is None:
        return x if hasattr(x, "_apply") else real(x)
    return minimum(x, high) if low is None else maximum(x, low) if high is None else clip(x, low, high)


def zero(*_: Operand) -> float:
    """The partial derivative that is 0 at every point, as of a condition: no gradient passes, not even an infinite one."""
    return 0.0


def _power_slope(a: Operand, b: Operand, out: Operand) -> Operand:
    """The derivative of `a ** b` in `a`. Where `b` is 0 it is 0 for every `a`, yet its own derivative in `b` is `1 / a`."""
    if type(b) is float:
        return b * power(a, b - 1.0) if b != 0.0 else 0.0
    pole = equal(b, 0.0) * (1.0 - greater(absolute(a), SMALLEST_NORMAL))  # here 1 / a is infinite or nan
    return b * power(where(pole, 1.0, a), b - 1.0)


def _power_slope_in_exponent(a: Operand, b: Operand, out: Operand) -> Operand:
    """The derivative of `a ** b` in `b`. Where `a` is 0 and `b` is not negative, it is 0, and so are its own derivatives."""
    at_zero = equal(a, 0.0) * (1.0 - greater(0.0, b))
    return out * where(at_zero, 0.0, log(where(at_zero, 1.0, a)))


SMALLEST_NORMAL = 2.0**-1022
SQRT_HALF = math.sqrt(0.5)
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
ONE_OVER_SQRT_TWO_PI = 1.0 / math.sqrt(2.0 * math.pi)
ONE_OVER_LOG_2 = 1.0 / math.log(2.0)
ONE_OVER_LOG_10 = 1.0 / math.log(10.0)

# The table is laid out by hand, so that a row can be taken in at a glance.
# fmt: off

# --- arithmetic ---------------------------------------------------------------------------------------------------------------------
add: Primitive = Primitive("+", lambda a, b: a + b, lambda a, b, out: 1.0, lambda a, b, out: 1.0, special="add", bounds=UNBOUNDED, sign="+",
    binds=SUM, commutes=True)
subtract: Primitive = Primitive("-", lambda a, b: a - b, lambda a, b, out: 1.0, lambda a, b, out: -1.0, special="sub", bounds=UNBOUNDED,
    sign="-", binds=SUM)
multiply: Primitive = Primitive("*", lambda a, b: a * b, lambda a, b, out: b, lambda a, b, out: a, special="mul", bounds=UNBOUNDED,
    sign="*", binds=PRODUCT, commutes=True)
divide: Primitive = Primitive("/", ieee.divide, lambda a, b, out: divide(1.0, b), lambda a, b, out: -divide(out, b), special="truediv",
    sign="/", binds=PRODUCT)
negative: Primitive = Primitive("neg", lambda a: -a, lambda a, out: -1.0, special="neg", bounds=UNBOUNDED, sign="-", binds=SIGN)

power: Primitive = Primitive("**", ieee.power, _power_slope, _power_slope_in_exponent, parametric=True, special="pow", sign="**",
    binds=POWER, ulp=(1.3, 0.6))

# bias + w1 * x1 + w2 * x2 + ..., added in this order; the operands are bias, w1, x1, w2, x2, ..., without a bias w1, x1, w2, x2, ...
dot: Primitive = Primitive("dot", ieee.dot, each=_factor, bounds=UNBOUNDED)

# --- choosing: derivatives that jump, written with `greater`, `equal` and `where` so that they can be traced ------------------------
greater: Primitive = Primitive("greater", lambda a, b: 1.0 if a > b else 0.0, zero, zero,
    text="1.0 if `a > b`, else 0.0, as a number of the graph; its derivative is 0. For conditions in `where`.", operands=("a", "b"),
    is_method=False, bounds=(0.0, 1.0), sign=">", binds=COMPARISON)
equal: Primitive = Primitive("equal", lambda a, b: 1.0 if a == b else 0.0, zero, zero,
    text="1.0 if `a == b`, else 0.0, as a number of the graph; its derivative is 0. For conditions in `where`.", operands=("a", "b"),
    is_method=False, bounds=(0.0, 1.0), sign="==", binds=COMPARISON, commutes=True)
select: Primitive = Primitive("where", lambda c, a, b: a if c else b, zero, lambda c, a, b, out: where(c, 1.0, 0.0),
    lambda c, a, b, out: where(c, 0.0, 1.0), choices=(1, 2), bounds=UNBOUNDED)


def where(condition: Operand, a: Operand, b: Operand) -> Operand:
    """Return `a` where the condition holds (is not 0), else `b`. A condition that is a plain number or bool is decided at once."""
    if hasattr(condition, "_apply"):
        return select(condition, a, b)
    return a if condition else b


# Of operands i, v0, v1, ...: v0 where i is 0, v1 where it is 1, and so on; nan where there is none. To the others no gradient passes, not
# even an infinite one.
take: Primitive = Primitive("take", ieee.take, each=_is_taken, bounds=UNBOUNDED)

# A constant by which to shift its operands: the largest of them, or 0 if one is nan or the largest infinite. No gradient passes, since what
# is shifted by it does not depend on it.
largest: Primitive = Primitive("largest", ieee.largest, each=zero, bounds=UNBOUNDED, commutes=True)

stop_gradient: Primitive = Primitive("stop_gradient", lambda a: a, zero, text="`x` itself, as a constant: no gradient passes through it.",
    bounds=UNBOUNDED)
absolute: Primitive = Primitive("abs", abs, lambda a, out: greater(a, 0.0) - greater(0.0, a), choices=(0,), special="abs",
    bounds=(0.0, INFINITY))
maximum: Primitive = Primitive("maximum", ieee.maximum, lambda a, b, out: greater(a, b) + 0.5 * equal(a, b),
    lambda a, b, out: greater(b, a) + 0.5 * equal(a, b), choices=(0, 1),
    text="The larger of `a` and `b`; nan if either is nan. At a tie each gets half of the gradient.", operands=("a", "b"), bounds=UNBOUNDED,
    commutes=True)
minimum: Primitive = Primitive("minimum", ieee.minimum, lambda a, b, out: greater(b, a) + 0.5 * equal(a, b),
    lambda a, b, out: greater(a, b) + 0.5 * equal(a, b), choices=(0, 1),
    text="The smaller of `a` and `b`; nan if either is nan. At a tie each gets half of the gradient.", operands=("a", "b"),
    bounds=UNBOUNDED, commutes=True)
clip: Primitive = Primitive("clip", lambda a, low, high: ieee.minimum(ieee.maximum(a, low), high),
    lambda a, low, high, out: maximum.partial(0, (a, low), out) * minimum.partial(0, (maximum(a, low), high), out),
    lambda a, low, high, out: maximum.partial(1, (a, low), out) * minimum.partial(0, (maximum(a, low), high), out),
    lambda a, low, high, out: minimum.partial(1, (maximum(a, low), high), out), choices=(0, 1, 2),
    text="`x`, but not less than `low` and not more than `high`; None means no bound. At a bound each of the two gets half the gradient.",
    operands=("x", "low", "high"), defaults=(None, None), call=_clipped, bounds=UNBOUNDED,
    expansion=lambda a, low, high: minimum(maximum(a, low), high))
sign: Primitive = Primitive("sign", ieee.sign, zero, text="1 if `x` is positive, -1 if it is negative, 0 if it is 0; its derivative is 0.",
    bounds=(-1.0, 1.0), expansion=lambda a: where(equal(a, a), greater(a, 0.0) - greater(0.0, a), a))
floor: Primitive = Primitive("floor", ieee.floor, zero, text="The largest whole number that is not above `x`; its derivative is 0.",
    bounds=UNBOUNDED, ulp=(0.0, 0.0))
nearest: Primitive = Primitive("round", lambda a: round(a, 0), zero,
    text="The whole number nearest to `x`, of two the even one; its derivative is 0.", aliases=("rint",), bounds=UNBOUNDED, ulp=(0.0, 0.0))

# --- exponentials and logarithms ----------------------------------------------------------------------------------------------------
exp: Primitive = Primitive("exp", ieee.of_math(math.exp), lambda a, out: out, text="e raised to `x`.", ulp=(1.1, 1.1))
expm1: Primitive = Primitive("expm1", ieee.of_math(math.expm1), lambda a, out: exp(a), text="e raised to `x`, less 1; exact near 0.",
    ulp=(1.7, 1.7))
exp2: Primitive = Primitive("exp2", ieee.of_math(math.exp2), lambda a, out: LOG_2 * out, text="2 raised to `x`.",
    expansion=lambda a: power(2.0, a))
log: Primitive = Primitive("log", ieee.log, lambda a, out: divide(1.0, a), text="The natural logarithm of `x`; -inf at 0, nan below.",
    ulp=(1.0, 1.1))
log2: Primitive = Primitive("log2", ieee.of_math(math.log2, {0.0: -INFINITY}), lambda a, out: divide(ONE_OVER_LOG_2, a),
    text="The logarithm of `x` to base 2; -inf at 0, nan below.", expansion=lambda a: ONE_OVER_LOG_2 * log(a))
log10: Primitive = Primitive("log10", ieee.of_math(math.log10, {0.0: -INFINITY}), lambda a, out: divide(ONE_OVER_LOG_10, a),
    text="The logarithm of `x` to base 10; -inf at 0, nan below.", expansion=lambda a: ONE_OVER_LOG_10 * log(a))
# The logarithm of a sum of exponentials: 0 if none of them counts, and then all derivatives are 0.
log_total: Primitive = Primitive("log_total", ieee.log, lambda a, out: divide(1.0, where(equal(a, 0.0), INFINITY, a)),
    expansion=lambda a: log(a))
# a log(b), and 0 where a is 0. Where both are 0, the derivatives are 0.
xlogy: Primitive = Primitive("xlogy", ieee.xlogy, lambda a, b, out: log(where(equal(a, 0.0) * equal(b, 0.0), 1.0, b)),
    lambda a, b, out: divide(a, where(equal(a, 0.0) * equal(b, 0.0), 1.0, b)),
    text="`x * log(y)`, and 0 where `x` is 0. Where both are 0, the derivatives are 0. An entropy is `-sum(xlogy(p, p) for p in ...)`.")
log1p: Primitive = Primitive("log1p", ieee.of_math(math.log1p, {-1.0: -INFINITY}), lambda a, out: divide(1.0, 1.0 + a),
    text="The natural logarithm of `1 + x`; exact near 0.", ulp=(1.6, 1.6))
logaddexp: Primitive = Primitive("logaddexp", ieee.logaddexp, lambda a, b, out: sigmoid(_difference(a, b)),
    lambda a, b, out: sigmoid(_difference(b, a)), text="`log(exp(x) + exp(y))`; never overflows.", commutes=True, bounds=UNBOUNDED,
    expansion=lambda a, b: maximum(a, b) + log1p(exp(-absolute(_difference(a, b)))))
sqrt: Primitive = Primitive("sqrt", ieee.of_math(math.sqrt), lambda a, out: divide(0.5, out), text="The square root of `x`; nan below 0.",
    ulp=(0.5, 0.5))

# --- trigonometry -------------------------------------------------------------------------------------------------------------------
sin: Primitive = Primitive("sin", ieee.of_math(math.sin), lambda a, out: cos(a), text="The sine of `x`, an angle in radians.",
    bounds=(-1.0, 1.0), ulp=(1.9, 1.9))
cos: Primitive = Primitive("cos", ieee.of_math(math.cos), lambda a, out: -sin(a), text="The cosine of `x`, an angle in radians.",
    bounds=(-1.0, 1.0), ulp=(2.0, 1.9))
tan: Primitive = Primitive("tan", ieee.of_math(math.tan), lambda a, out: 1.0 + out * out, text="The tangent of `x`, an angle in radians.",
    ulp=(2.2, 0.6))
asin: Primitive = Primitive("asin", ieee.of_math(math.asin), lambda a, out: divide(1.0, sqrt((1.0 - a) * (1.0 + a))),
    text="The inverse sine of `x`, in radians from -pi/2 to pi/2.", aliases=("arcsin",), ulp=(0.7, 0.7))
acos: Primitive = Primitive("acos", ieee.of_math(math.acos), lambda a, out: -divide(1.0, sqrt((1.0 - a) * (1.0 + a))),
    text="The inverse cosine of `x`, in radians from 0 to pi.", aliases=("arccos",), ulp=(1.1, 1.1))
atan: Primitive = Primitive("atan", math.atan, _slope_of_atan, written=(lambda a, out: divide(1.0, 1.0 + a * a),),
    text="The inverse tangent of `x`, in radians from -pi/2 to pi/2.", aliases=("arctan",), bounds=(-2.0, 2.0), ulp=(2.0, 2.0))
atan2: Primitive = Primitive("atan2", math.atan2, lambda a, b, out: divide(divide(b, hypot(a, b)), hypot(a, b)),
    lambda a, b, out: -divide(divide(a, hypot(a, b)), hypot(a, b)), text="The angle of the point `(x, y)`, in radians from -pi to pi.",
    operands=("y", "x"), aliases=("arctan2",), ulp=(2.0, 2.0))
# At the origin, where hypot has a corner, all derivatives are 0, as for abs.
hypot: Primitive = Primitive("hypot", math.hypot, lambda a, b, out: divide(a, where(equal(out, 0.0), INFINITY, out)),
    lambda a, b, out: divide(b, where(equal(out, 0.0), INFINITY, out)),
    text="The square root of `x ** 2 + y ** 2`, without overflow on the way; the derivative at the origin is 0.", bounds=(0.0, INFINITY),
    commutes=True, ulp=(1.3, 1.3))

# --- hyperbolic functions and activations -------------------------------------------------------------------------------------------
sinh: Primitive = Primitive("sinh", ieee.of_math(math.sinh), lambda a, out: cosh(a), text="The hyperbolic sine of `x`.", ulp=(2.0, 2.0))
cosh: Primitive = Primitive("cosh", ieee.of_math(math.cosh), lambda a, out: sinh(a), text="The hyperbolic cosine of `x`.", ulp=(2.0, 2.0))
tanh: Primitive = Primitive("tanh", math.tanh, _slope_of_tanh, written=(lambda a, out: 1.0 - out * out,),
    text="The hyperbolic tangent of `x`.", bounds=(-1.0, 1.0), ulp=(2.3, 2.3))
tanh_slope: Primitive = Primitive("tanh_slope", ieee.tanh_slope, lambda a, out: -2.0 * (out * tanh(a)), bounds=(0.0, 1.0), ulp=(4.0, 4.0))
softsign: Primitive = Primitive("softsign", lambda a: a / (1.0 + abs(a)),
    lambda a, out: divide(divide(1.0, 1.0 + absolute(a)), 1.0 + absolute(a)), text="`x / (1 + abs(x))`, from -1 to 1.",
    written=(lambda a, out: divide(1.0, power(1.0 + absolute(a), 2.0)),), bounds=(-1.0, 1.0),
    expansion=lambda a: divide(a, 1.0 + absolute(a)))
erf: Primitive = Primitive("erf", math.erf, lambda a, out: TWO_OVER_SQRT_PI * exp(-(a * a)), text="The error function of `x`.",
    bounds=(-1.0, 1.0), ulp=(2.2, 2.3))
erfc: Primitive = Primitive("erfc", math.erfc, lambda a, out: -TWO_OVER_SQRT_PI * exp(-(a * a)),
    text="`1 - erf(x)`, exact also where that is small.", bounds=(0.0, 2.0), ulp=(6.9, 6.5))
normal_cdf: Primitive = Primitive("normal_cdf", lambda a: 0.5 * math.erfc(-a * SQRT_HALF),
    lambda a, out: ONE_OVER_SQRT_TWO_PI * exp(-0.5 * a * a),
    text="The normal distribution function: how probable it is that a standard normal variable is below `x`.", bounds=(0.0, 1.0),
    expansion=lambda a: 0.5 * erfc(-a * SQRT_HALF))
# The derivative of order n of digamma. The order is a whole number, and no gradient passes to it.
polygamma: Primitive = Primitive("polygamma", special.polygamma, zero, lambda n, a, out: polygamma(n + 1.0, a))
digamma: Primitive = Primitive("digamma", special.digamma, lambda a, out: polygamma(1.0, a),
    text="The derivative of `lgamma(x)`; -inf at 0, nan at negative whole numbers.")
lgamma: Primitive = Primitive("lgamma", special.lgamma, lambda a, out: digamma(a),
    text="The logarithm of the absolute value of the gamma function of `x`; inf at 0 and at negative whole numbers.")
sigmoid: Primitive = Primitive("sigmoid", ieee.sigmoid, _slope_of_sigmoid, written=(lambda a, out: out * (1.0 - out),),
    text="`1 / (1 + exp(-x))`; never overflows.", bounds=(0.0, 1.0), ulp=(2.1, 2.1))
sigmoid_slope: Primitive = Primitive("sigmoid_slope", ieee.sigmoid_slope, lambda a, out: -out * tanh(0.5 * a), bounds=(0.0, 1.0),
    ulp=(4.1, 4.1))
softplus: Primitive = Primitive("softplus", ieee.softplus, lambda a, out: sigmoid(a), text="`log(1 + exp(x))`; never overflows.",
    bounds=(0.0, INFINITY), ulp=(1.9, 1.9))
relu: Primitive = Primitive("relu", lambda a: 0.0 if a < 0 else a, lambda a, out: greater(out, 0.0), choices=(0,), shown="ReLU",
    text="`x` if it is positive, else 0; the derivative at 0 is 0.", bounds=(0.0, INFINITY))
leaky_relu: Primitive = Primitive("leaky_relu", lambda a, slope: a if a > 0 else slope * a,
    lambda a, slope, out: where(greater(a, 0.0), 1.0, slope), lambda a, slope, out: where(greater(a, 0.0), 0.0, a), parametric=True,
    choices=(1,), text="`x` if it is positive, else `negative_slope * x`; the derivative at 0 is the slope.",
    operands=("x", "negative_slope"), defaults=(0.01,), bounds=UNBOUNDED)
elu: Primitive = Primitive("elu", lambda a, alpha: a if a > 0 else alpha * math.expm1(a),
    lambda a, alpha, out: where(greater(a, 0.0), 1.0, alpha * exp(where(greater(a, 0.0), 0.0, a))),
    lambda a, alpha, out: expm1(where(greater(a, 0.0), 0.0, a)), parametric=True, choices=(1,),
    text="`x` if it is positive, else `alpha * (exp(x) - 1)` (Clevert, Unterthiner, Hochreiter, arXiv:1511.07289).",
    operands=("x", "alpha"), defaults=(1.0,), bounds=UNBOUNDED)
# silu: Elfwing, Uchibe, Doya, arXiv:1702.03118. gelu: Hendrycks, Gimpel, arXiv:1606.08415, with the exact normal distribution.
silu: Primitive = Primitive("silu", lambda a: a * ieee.sigmoid(a), lambda a, out: sigmoid(a) * (1.0 + a * sigmoid(-a)),
    written=(lambda a, out: sigmoid(a) * (1.0 + a * (1.0 - sigmoid(a))),),
    text="`x * sigmoid(x)`, also called swish (Elfwing, Uchibe, Doya, arXiv:1702.03118).", bounds=UNBOUNDED, ulp=(2.9, 2.9))
mish: Primitive = Primitive("mish", lambda a: a * math.tanh(ieee.softplus(a)),
    lambda a, out: tanh(softplus(a)) + a * (tanh_slope(softplus(a)) * sigmoid(a)),
    text="`x * tanh(softplus(x))` (Misra, arXiv:1908.08681).", bounds=UNBOUNDED, expansion=lambda a: a * tanh(softplus(a)))
gelu: Primitive = Primitive("gelu", lambda a: 0.5 * a * math.erfc(-a * SQRT_HALF),
    lambda a, out: 0.5 * erfc(-a * SQRT_HALF) + a * ONE_OVER_SQRT_TWO_PI * exp(-0.5 * a * a),
    text="`x` times the normal distribution function of `x` (Hendrycks, Gimpel, arXiv:1606.08415; exact, not the tanh form).",
    bounds=UNBOUNDED, ulp=(6.5, 8.0))

# fmt: on

PRIMITIVES: dict[str, Primitive] = {row.name: row for row in list(vars().values()) if isinstance(row, Primitive)}
"""Every operation, by name."""


def by_name(name: str) -> Primitive:
    """Find a row by its name; a row is pickled as that."""
    return PRIMITIVES[name]


copyreg.pickle(Primitive, lambda row: (by_name, (row.name,)))
