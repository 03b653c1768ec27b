"""The operations chainrule knows: one row each, with a forward value and its partial derivatives.

A partial derivative is written once, with ordinary operators and the functions of this module, and takes the operands and the result:
`lambda a, b, out: b` is the derivative of `a * b` with respect to `a`. The same row is used on floats (`Value.backward`), on Values
(derivatives of derivatives), on formulas (`explain`), and on anything else whose class has an `_apply(primitive, operands)` method.

Arithmetic is IEEE 754, as in NumPy: `log(0)` is -inf, `1 / 0` is inf, `exp(1000)` is inf and `(-1) ** 0.5` is nan. Python's own operators
raise instead in some of these cases, so rows write `divide(a, b)` and `power(a, b)` where they could meet them.

To add an operation, add a row at the end of the table and a method or function that calls it; the tests find every row by themselves.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from chainrule import special

if TYPE_CHECKING:
    from typing import TypeAlias

    Operand: TypeAlias = Any  # a float, a Value, or anything with an `_apply` method

INFINITY = math.inf
NAN = math.nan
UNBOUNDED = -INFINITY, INFINITY

COMPARISON, SUM, PRODUCT, SIGN, POWER, CALL = range(6)  # how tightly Python's operators bind; a call or a name binds tightest


class Primitive:
    """One operation: its name, its value, and its partial derivatives.

    Arguments:
        name: its name, such as `"*"` or `"tanh"`.
        forward: the operation on floats; returns a float and never raises.
        partials: for each operand, a function of the operands and the result that returns the partial derivative.
        parametric: whether a plain number as the second operand belongs to the operation, as the 2 of `x ** 2` does, and is not a node.
        each: for an operation of any number of operands, in place of `partials`: a function of an operand's position, the operands and
            the result that returns the partial derivative with respect to that operand; `zero` if no gradient passes to any operand.
            Such a row has None as its arity.
        choices: the positions of the operands among which the operation chooses: where such a partial derivative is 0, no gradient passes.
            This differs from a gradient of 0, which an infinite derivative further back would turn into nan.
        written: the partial derivatives as people write them, for `explain`, if `partials` look different because they compute more
            exactly.
        shown: the name in graphs, if it is another one.
        text: the docstring of the function and of the method of this name, with the operands between backticks. A row without one is
            internal: there is no such function.
        operands: the names of the function's arguments.
        defaults: the default values of the last operands.
        is_method: whether a Value has a method of this name too.
        aliases: other names of the method.
        special: the operator that applies the row, by the name of Python's method for it without underscores, such as `"sub"`.
        call: the function to call instead of applying the row to the arguments, if more than that is to be done.
        sign: the sign with which people write the operation, if it has one.
        binds: the precedence of the sign.
        commutes: whether the order of the operands does not matter.
        bounds: the bounds of the results for finite operands; None if a result or a derivative can be infinite or nan.
        expansion: the operation in terms of others, for the compiler, if it has no code of its own for it.
        ulp: the largest error of the compiler's own code for it, in units in the last place, in double and in single precision.
    """

    __slots__ = (
        *("aliases", "arity", "binds", "bounds", "call", "choices", "commutes", "defaults", "each", "expansion", "forward", "is_method"),
        *("name", "operands", "parametric", "partials", "shown", "sign", "special", "text", "ulp", "written"),
    )

    def __init__(
        self,
        name: str,
        forward: Callable[..., float],
        *partials: Callable[..., Operand],
        parametric: bool = False,
        each: Callable[[int, Sequence[Operand], Operand], Operand] | None = None,
        choices: tuple[int, ...] = (),
        written: tuple[Callable[..., Operand], ...] | None = None,
        shown: str = "",
        text: str = "",
        operands: tuple[str, ...] = (),
        defaults: tuple[float | None, ...] = (),
        is_method: bool = True,
        aliases: tuple[str, ...] = (),
        special: str = "",
        call: Callable[..., Operand] | None = None,
        sign: str = "",
        binds: int = CALL,
        commutes: bool = False,
        bounds: tuple[float, float] | None = None,
        expansion: Callable[..., Operand] | None = None,
        ulp: tuple[float, float] | None = None,
    ) -> None:
        self.name = name
        self.shown = shown or name
        self.forward = forward
        self.partials = partials
        self.each = each
        self.arity = len(partials) if each is None else None
        self.parametric = parametric
        self.choices = choices
        self.written = partials if written is None else written
        self.text = text
        self.operands = operands or ("x", "y", "z")[: self.arity]
        self.defaults = defaults
        self.is_method = is_method
        self.aliases = aliases
        self.special = special
        self.call = call
        self.sign = sign
        self.binds = binds
        self.commutes = commutes
        self.bounds = bounds
        self.expansion = expansion
        self.ulp = ulp

    def partial(self, position: int, operands: Sequence[Operand], out: Operand) -> Operand:
        """The partial derivative with respect to the operand at `position`."""
        if self.each is not None:
            return self.each(position, operands, out)
        return self.partials[position](*operands, out)

    def as_written(self, position: int, operands: Sequence[Operand], out: Operand) -> Operand:
        """The same as people write it."""
        return self.partial(position, operands, out) if self.each is not None else self.written[position](*operands, out)

    def __call__(self, *operands: Operand) -> Operand:
        """Apply the operation to floats, Values, or a mixture.

        Returns:
            A float if every operand is a number, else what the first operand that is none makes of it: a Value for Values.

        Raises:
            TypeError: if an operand is neither a real number nor a Value.
        """
        for operand in operands:
            if type(operand) is not float:
                break
        else:
            return self.forward(*operands)
        for operand in operands:
            if hasattr(operand, "_apply"):
                return operand._apply(self, operands)
        return self.forward(*map(real, operands))

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        return _by_name, (self.name,)


def _by_name(name: str) -> Primitive:
    return PRIMITIVES[name]


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


def _ieee(function: Callable[[float], float], poles: dict[float, float] | None = None) -> Callable[[float], float]:
    """Make a function of `math` follow IEEE 754: nan outside its domain, an infinity at a pole and on overflow."""
    poles = poles or {}

    def forward(a: float) -> float:
        try:
            return function(a)
        except ValueError:
            return poles.get(a, NAN)
        except OverflowError:
            return -INFINITY if a < 0 and function is not math.cosh else INFINITY

    return forward


def _divide(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0 or a != a:
            return NAN
        return math.copysign(INFINITY, a) * math.copysign(1.0, b)


def _power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except (ValueError, OverflowError):  # a negative base with a fraction as exponent, a pole (0 ** -3), or an overflow
        if a < 0 and b != math.floor(b):
            return NAN
        return math.copysign(INFINITY, a) if abs(math.fmod(b, 2.0)) == 1.0 else INFINITY


def _dot(*operands: float) -> float:
    start = len(operands) % 2
    total = operands[0] if start else 0.0
    for i in range(start, len(operands), 2):
        total += operands[i] * operands[i + 1]
    return total


def _factor(position: int, operands: Sequence[Operand], out: Operand) -> Operand:
    """What the operand at `position` of `dot` is multiplied by: the other of its pair, or 1 for the bias."""
    start = len(operands) % 2
    if position < start:
        return 1.0
    return operands[position - 1] if (position - start) % 2 else operands[position + 1]


def _largest(*operands: float) -> float:
    top = max(operands, default=0.0)
    return top if math.isfinite(top) and not any(map(math.isnan, operands)) else 0.0


def _counts(index: float, count: int) -> bool:
    """Whether `index` is the number of one of `count` things, counted from 0."""
    return 0.0 <= index < count and index == math.floor(index)


def _take(index: float, *values: float) -> float:
    return values[int(index)] if _counts(index, len(values)) else NAN


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
        return (int(data[0]) + 1,) if _counts(data[0], len(data) - 1) else ()
    return range(len(data) - 1, -1, -1)


def _sigmoid(a: float) -> float:
    if a >= 0:
        return 1.0 / (1.0 + math.exp(-a))
    e = math.exp(a)
    return e / (1.0 + e)


def _sigmoid_slope(a: float) -> float:
    e = math.exp(-abs(a))
    return e / ((1.0 + e) * (1.0 + e))


def _tanh_slope(a: float) -> float:
    e = math.exp(-2.0 * abs(a))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


def _slope_of_sigmoid(a: Operand, out: Operand) -> Operand:
    """`s (1 - s)`, computed from `a` where 1 - s would lose digits."""
    if type(a) is not float:
        return sigmoid_slope(a)
    return out * (1.0 - out) if a < 2.0 else _sigmoid_slope(a)


def _slope_of_tanh(a: Operand, out: Operand) -> Operand:
    """`1 - t^2`, computed from `a` where that would lose digits."""
    if type(a) is not float:
        return tanh_slope(a)
    return 1.0 - out * out if -2.0 < a < 2.0 else _tanh_slope(a)


def _slope_of_atan(a: Operand, out: Operand) -> Operand:
    """`1 / (1 + a^2)`, written so that the derivatives of it keep their digits where `a^2` is no float."""
    if type(a) is float:
        return 1.0 / (1.0 + a * a)
    return divide(divide(1.0, hypot(1.0, a)), hypot(1.0, a))


def _xlogy(a: float, b: float) -> float:
    return 0.0 if a == 0.0 and b == b else a * _log(b)


def _softplus(a: float) -> float:
    return (a if a > 0 else 0.0) + math.log1p(math.exp(-abs(a))) if a == a else a


def _logaddexp(a: float, b: float) -> float:
    if a == b:
        return a + LOG_2  # two infinities too
    difference = a - b
    if difference != difference:
        return difference
    return (a if difference > 0 else b) + math.log1p(math.exp(-abs(difference)))


def _difference(a: Operand, b: Operand) -> Operand:
    """`a - b`, and 0 where both are the same infinity."""
    return where(equal(a, b) * (1.0 - equal(a - b, 0.0)), 0.0, a - b)


def _floor(a: float) -> float:
    return float(math.floor(a)) if a and -LARGEST_WHOLE < a < LARGEST_WHOLE else a


def _sign(a: float) -> float:
    return 1.0 if a > 0 else -1.0 if a < 0 else 0.0 if a == 0 else a


def _clipped(x: Operand, low: Operand = None, high: Operand = None) -> Operand:
    """What `clip` does: a bound that is None is none, and bounds that are numbers must be in order."""
    if not any(bound is None or hasattr(bound, "_apply") for bound in (low, high)) and real(low) > real(high):
        raise ValueError(f"clip() needs low <= high, got low={low!r} and high={high!r}")
    if low is None and high is None:
        return x if hasattr(x, "_apply") else real(x)
    return minimum(x, high) if low is None else maximum(x, low) if high is None else clip(x, low, high)


def _maximum(a: float, b: float) -> float:
    return a if a > b or a != a else b


def _minimum(a: float, b: float) -> float:
    return a if a < b or a != a else b


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
LOG_2 = math.log(2.0)
ONE_OVER_LOG_2 = 1.0 / math.log(2.0)
ONE_OVER_LOG_10 = 1.0 / math.log(10.0)

# --- arithmetic ---------------------------------------------------------------------------------------------------------------------
add: Primitive = Primitive(
    "+",
    lambda a, b: a + b,
    lambda a, b, out: 1.0,
    lambda a, b, out: 1.0,
    special="add",
    bounds=UNBOUNDED,
    sign="+",
    binds=SUM,
    commutes=True,
)
subtract: Primitive = Primitive(
    "-", lambda a, b: a - b, lambda a, b, out: 1.0, lambda a, b, out: -1.0, special="sub", bounds=UNBOUNDED, sign="-", binds=SUM
)
multiply: Primitive = Primitive(
    "*",
    lambda a, b: a * b,
    lambda a, b, out: b,
    lambda a, b, out: a,
    special="mul",
    bounds=UNBOUNDED,
    sign="*",
    binds=PRODUCT,
    commutes=True,
)
divide: Primitive = Primitive(
    "/", _divide, lambda a, b, out: divide(1.0, b), lambda a, b, out: -divide(out, b), special="truediv", sign="/", binds=PRODUCT
)
negative: Primitive = Primitive("neg", lambda a: -a, lambda a, out: -1.0, special="neg", bounds=UNBOUNDED, sign="-", binds=SIGN)

power: Primitive = Primitive(
    "**", _power, _power_slope, _power_slope_in_exponent, parametric=True, special="pow", sign="**", binds=POWER, ulp=(1.3, 0.6)
)

# bias + w1 * x1 + w2 * x2 + ..., added in this order; the operands are bias, w1, x1, w2, x2, ..., without a bias w1, x1, w2, x2, ...
dot: Primitive = Primitive("dot", _dot, each=_factor, bounds=UNBOUNDED)

# --- choosing: derivatives that jump, written with `greater`, `equal` and `where` so that they can be traced ------------------------
greater: Primitive = Primitive(
    "greater",
    lambda a, b: 1.0 if a > b else 0.0,
    zero,
    zero,
    text="1.0 if `a > b`, else 0.0, as a number of the graph; its derivative is 0. For conditions in `where`.",
    operands=("a", "b"),
    is_method=False,
    bounds=(0.0, 1.0),
    sign=">",
    binds=COMPARISON,
)
equal: Primitive = Primitive(
    "equal",
    lambda a, b: 1.0 if a == b else 0.0,
    zero,
    zero,
    text="1.0 if `a == b`, else 0.0, as a number of the graph; its derivative is 0. For conditions in `where`.",
    operands=("a", "b"),
    is_method=False,
    bounds=(0.0, 1.0),
    sign="==",
    binds=COMPARISON,
    commutes=True,
)
select: Primitive = Primitive(
    "where",
    lambda c, a, b: a if c else b,
    zero,
    lambda c, a, b, out: where(c, 1.0, 0.0),
    lambda c, a, b, out: where(c, 0.0, 1.0),
    choices=(1, 2),
    bounds=UNBOUNDED,
)


def where(condition: Operand, a: Operand, b: Operand) -> Operand:
    """Return `a` where the condition holds (is not 0), else `b`. A condition that is a plain number or bool is decided at once."""
    if hasattr(condition, "_apply"):
        return select(condition, a, b)
    return a if condition else b


# Of operands i, v0, v1, ...: v0 where i is 0, v1 where it is 1, and so on; nan where there is none. To the others no gradient passes, not
# even an infinite one.
take: Primitive = Primitive("take", _take, each=_is_taken, bounds=UNBOUNDED)

# A constant by which to shift its operands: the largest of them, or 0 if one is nan or the largest infinite. No gradient passes, since what
# is shifted by it does not depend on it.
largest: Primitive = Primitive("largest", _largest, each=zero, bounds=UNBOUNDED, commutes=True)

stop_gradient: Primitive = Primitive(
    "stop_gradient", lambda a: a, zero, text="`x` itself, as a constant: no gradient passes through it.", bounds=UNBOUNDED
)
absolute: Primitive = Primitive(
    "abs", abs, lambda a, out: greater(a, 0.0) - greater(0.0, a), choices=(0,), special="abs", bounds=(0.0, INFINITY)
)
maximum: Primitive = Primitive(
    "maximum",
    _maximum,
    lambda a, b, out: greater(a, b) + 0.5 * equal(a, b),
    lambda a, b, out: greater(b, a) + 0.5 * equal(a, b),
    choices=(0, 1),
    text="The larger of `a` and `b`; nan if either is nan. At a tie each gets half of the gradient.",
    operands=("a", "b"),
    bounds=UNBOUNDED,
    commutes=True,
)
minimum: Primitive = Primitive(
    "minimum",
    _minimum,
    lambda a, b, out: greater(b, a) + 0.5 * equal(a, b),
    lambda a, b, out: greater(a, b) + 0.5 * equal(a, b),
    choices=(0, 1),
    text="The smaller of `a` and `b`; nan if either is nan. At a tie each gets half of the gradient.",
    operands=("a", "b"),
    bounds=UNBOUNDED,
    commutes=True,
)
clip: Primitive = Primitive(
    "clip",
    lambda a, low, high: _minimum(_maximum(a, low), high),
    lambda a, low, high, out: maximum.partial(0, (a, low), out) * minimum.partial(0, (maximum(a, low), high), out),
    lambda a, low, high, out: maximum.partial(1, (a, low), out) * minimum.partial(0, (maximum(a, low), high), out),
    lambda a, low, high, out: minimum.partial(1, (maximum(a, low), high), out),
    choices=(0, 1, 2),
    text="`x`, but not less than `low` and not more than `high`; None is no bound. At a bound each of the two gets half of the gradient.",
    operands=("x", "low", "high"),
    defaults=(None, None),
    call=_clipped,
    bounds=UNBOUNDED,
    expansion=lambda a, low, high: minimum(maximum(a, low), high),
)
sign: Primitive = Primitive(
    "sign",
    _sign,
    zero,
    text="1 if `x` is positive, -1 if it is negative, 0 if it is 0; its derivative is 0.",
    bounds=(-1.0, 1.0),
    expansion=lambda a: where(equal(a, a), greater(a, 0.0) - greater(0.0, a), a),
)
floor: Primitive = Primitive(
    "floor", _floor, zero, text="The largest whole number that is not above `x`; its derivative is 0.", bounds=UNBOUNDED, ulp=(0.0, 0.0)
)
nearest: Primitive = Primitive(
    "round",
    lambda a: round(a, 0),
    zero,
    text="The whole number nearest to `x`, of two the even one; its derivative is 0.",
    aliases=("rint",),
    bounds=UNBOUNDED,
    ulp=(0.0, 0.0),
)

# --- exponentials and logarithms ----------------------------------------------------------------------------------------------------
exp: Primitive = Primitive("exp", _ieee(math.exp), lambda a, out: out, text="e raised to `x`.", ulp=(1.1, 1.1))
expm1: Primitive = Primitive(
    "expm1", _ieee(math.expm1), lambda a, out: exp(a), text="e raised to `x`, less 1; exact near 0.", ulp=(1.7, 1.7)
)
exp2: Primitive = Primitive(
    "exp2", _ieee(math.exp2), lambda a, out: LOG_2 * out, text="2 raised to `x`.", expansion=lambda a: power(2.0, a)
)
_log = _ieee(math.log, {0.0: -INFINITY})
log: Primitive = Primitive(
    "log", _log, lambda a, out: divide(1.0, a), text="The natural logarithm of `x`; -inf at 0, nan below.", ulp=(1.0, 1.1)
)
log2: Primitive = Primitive(
    "log2",
    _ieee(math.log2, {0.0: -INFINITY}),
    lambda a, out: divide(ONE_OVER_LOG_2, a),
    text="The logarithm of `x` to base 2; -inf at 0, nan below.",
    expansion=lambda a: ONE_OVER_LOG_2 * log(a),
)
log10: Primitive = Primitive(
    "log10",
    _ieee(math.log10, {0.0: -INFINITY}),
    lambda a, out: divide(ONE_OVER_LOG_10, a),
    text="The logarithm of `x` to base 10; -inf at 0, nan below.",
    expansion=lambda a: ONE_OVER_LOG_10 * log(a),
)
# The logarithm of a sum of exponentials: 0 if none of them counts, and then all derivatives are 0.
log_total: Primitive = Primitive(
    "log_total",
    _log,
    lambda a, out: divide(1.0, where(equal(a, 0.0), INFINITY, a)),
    expansion=lambda a: log(a),
)
# a log(b), and 0 where a is 0. Where both are 0, the derivatives are 0.
xlogy: Primitive = Primitive(
    "xlogy",
    _xlogy,
    lambda a, b, out: log(where(equal(a, 0.0) * equal(b, 0.0), 1.0, b)),
    lambda a, b, out: divide(a, where(equal(a, 0.0) * equal(b, 0.0), 1.0, b)),
    text="`x * log(y)`, and 0 where `x` is 0. Where both are 0, the derivatives are 0. An entropy is `-sum(xlogy(p, p) for p in ...)`.",
)
log1p: Primitive = Primitive(
    "log1p",
    _ieee(math.log1p, {-1.0: -INFINITY}),
    lambda a, out: divide(1.0, 1.0 + a),
    text="The natural logarithm of `1 + x`; exact near 0.",
    ulp=(1.6, 1.6),
)
logaddexp: Primitive = Primitive(
    "logaddexp",
    _logaddexp,
    lambda a, b, out: sigmoid(_difference(a, b)),
    lambda a, b, out: sigmoid(_difference(b, a)),
    text="`log(exp(x) + exp(y))`; never overflows.",
    commutes=True,
    bounds=UNBOUNDED,
    expansion=lambda a, b: maximum(a, b) + log1p(exp(-absolute(_difference(a, b)))),
)
sqrt: Primitive = Primitive(
    "sqrt", _ieee(math.sqrt), lambda a, out: divide(0.5, out), text="The square root of `x`; nan below 0.", ulp=(0.5, 0.5)
)

# --- trigonometry -------------------------------------------------------------------------------------------------------------------
sin: Primitive = Primitive(
    "sin", _ieee(math.sin), lambda a, out: cos(a), text="The sine of `x`, an angle in radians.", bounds=(-1.0, 1.0), ulp=(1.9, 1.9)
)
cos: Primitive = Primitive(
    "cos", _ieee(math.cos), lambda a, out: -sin(a), text="The cosine of `x`, an angle in radians.", bounds=(-1.0, 1.0), ulp=(2.0, 1.9)
)
tan: Primitive = Primitive(
    "tan", _ieee(math.tan), lambda a, out: 1.0 + out * out, text="The tangent of `x`, an angle in radians.", ulp=(2.2, 0.6)
)
asin: Primitive = Primitive(
    "asin",
    _ieee(math.asin),
    lambda a, out: divide(1.0, sqrt((1.0 - a) * (1.0 + a))),
    text="The inverse sine of `x`, in radians from -pi/2 to pi/2.",
    aliases=("arcsin",),
    ulp=(0.7, 0.7),
)
acos: Primitive = Primitive(
    "acos",
    _ieee(math.acos),
    lambda a, out: -divide(1.0, sqrt((1.0 - a) * (1.0 + a))),
    text="The inverse cosine of `x`, in radians from 0 to pi.",
    aliases=("arccos",),
    ulp=(1.1, 1.1),
)
atan: Primitive = Primitive(
    "atan",
    math.atan,
    _slope_of_atan,
    written=(lambda a, out: divide(1.0, 1.0 + a * a),),
    text="The inverse tangent of `x`, in radians from -pi/2 to pi/2.",
    aliases=("arctan",),
    bounds=(-2.0, 2.0),
    ulp=(2.0, 2.0),
)
atan2: Primitive = Primitive(
    "atan2",
    math.atan2,
    lambda a, b, out: divide(divide(b, hypot(a, b)), hypot(a, b)),
    lambda a, b, out: -divide(divide(a, hypot(a, b)), hypot(a, b)),
    text="The angle of the point `(x, y)`, in radians from -pi to pi.",
    operands=("y", "x"),
    aliases=("arctan2",),
    ulp=(2.0, 2.0),
)
# At the origin, where hypot has a corner, all derivatives are 0, as for abs.
hypot: Primitive = Primitive(
    "hypot",
    math.hypot,
    lambda a, b, out: divide(a, where(equal(out, 0.0), INFINITY, out)),
    lambda a, b, out: divide(b, where(equal(out, 0.0), INFINITY, out)),
    text="The square root of `x ** 2 + y ** 2`, without overflow on the way; the derivative at the origin is 0.",
    bounds=(0.0, INFINITY),
    commutes=True,
    ulp=(1.3, 1.3),
)

# --- hyperbolic functions and activations -------------------------------------------------------------------------------------------
sinh: Primitive = Primitive("sinh", _ieee(math.sinh), lambda a, out: cosh(a), text="The hyperbolic sine of `x`.", ulp=(2.0, 2.0))
cosh: Primitive = Primitive("cosh", _ieee(math.cosh), lambda a, out: sinh(a), text="The hyperbolic cosine of `x`.", ulp=(2.0, 2.0))
tanh: Primitive = Primitive(
    "tanh",
    math.tanh,
    _slope_of_tanh,
    written=(lambda a, out: 1.0 - out * out,),
    text="The hyperbolic tangent of `x`.",
    bounds=(-1.0, 1.0),
    ulp=(2.3, 2.3),
)
tanh_slope: Primitive = Primitive("tanh_slope", _tanh_slope, lambda a, out: -2.0 * (out * tanh(a)), bounds=(0.0, 1.0), ulp=(4.0, 4.0))
softsign: Primitive = Primitive(
    "softsign",
    lambda a: a / (1.0 + abs(a)),
    lambda a, out: divide(divide(1.0, 1.0 + absolute(a)), 1.0 + absolute(a)),
    text="`x / (1 + abs(x))`, from -1 to 1.",
    written=(lambda a, out: divide(1.0, power(1.0 + absolute(a), 2.0)),),
    bounds=(-1.0, 1.0),
    expansion=lambda a: divide(a, 1.0 + absolute(a)),
)
erf: Primitive = Primitive(
    "erf", math.erf, lambda a, out: TWO_OVER_SQRT_PI * exp(-(a * a)), text="The error function of `x`.", bounds=(-1.0, 1.0), ulp=(2.2, 2.3)
)
erfc: Primitive = Primitive(
    "erfc",
    math.erfc,
    lambda a, out: -TWO_OVER_SQRT_PI * exp(-(a * a)),
    text="`1 - erf(x)`, exact also where that is small.",
    bounds=(0.0, 2.0),
    ulp=(6.9, 6.5),
)
normal_cdf: Primitive = Primitive(
    "normal_cdf",
    lambda a: 0.5 * math.erfc(-a * SQRT_HALF),
    lambda a, out: ONE_OVER_SQRT_TWO_PI * exp(-0.5 * a * a),
    text="The normal distribution function: how probable it is that a standard normal variable is below `x`.",
    bounds=(0.0, 1.0),
    expansion=lambda a: 0.5 * erfc(-a * SQRT_HALF),
)
# The derivative of order n of digamma. The order is a whole number, and no gradient passes to it.
polygamma: Primitive = Primitive("polygamma", special.polygamma, zero, lambda n, a, out: polygamma(n + 1.0, a))
digamma: Primitive = Primitive(
    "digamma",
    special.digamma,
    lambda a, out: polygamma(1.0, a),
    text="The derivative of `lgamma(x)`; -inf at 0, nan at negative whole numbers.",
)
lgamma: Primitive = Primitive(
    "lgamma",
    special.lgamma,
    lambda a, out: digamma(a),
    text="The logarithm of the absolute value of the gamma function of `x`; inf at 0 and at negative whole numbers.",
)
sigmoid: Primitive = Primitive(
    "sigmoid",
    _sigmoid,
    _slope_of_sigmoid,
    written=(lambda a, out: out * (1.0 - out),),
    text="`1 / (1 + exp(-x))`; never overflows.",
    bounds=(0.0, 1.0),
    ulp=(2.1, 2.1),
)
sigmoid_slope: Primitive = Primitive(
    "sigmoid_slope", _sigmoid_slope, lambda a, out: -out * tanh(0.5 * a), bounds=(0.0, 1.0), ulp=(4.1, 4.1)
)
softplus: Primitive = Primitive(
    "softplus", _softplus, lambda a, out: sigmoid(a), text="`log(1 + exp(x))`; never overflows.", bounds=(0.0, INFINITY), ulp=(1.9, 1.9)
)
relu: Primitive = Primitive(
    "relu",
    lambda a: 0.0 if a < 0 else a,
    lambda a, out: greater(out, 0.0),
    choices=(0,),
    shown="ReLU",
    text="`x` if it is positive, else 0; the derivative at 0 is 0.",
    bounds=(0.0, INFINITY),
)
leaky_relu: Primitive = Primitive(
    "leaky_relu",
    lambda a, slope: a if a > 0 else slope * a,
    lambda a, slope, out: where(greater(a, 0.0), 1.0, slope),
    lambda a, slope, out: where(greater(a, 0.0), 0.0, a),
    parametric=True,
    choices=(1,),
    text="`x` if it is positive, else `negative_slope * x`; the derivative at 0 is the slope.",
    operands=("x", "negative_slope"),
    defaults=(0.01,),
    bounds=UNBOUNDED,
)
elu: Primitive = Primitive(
    "elu",
    lambda a, alpha: a if a > 0 else alpha * math.expm1(a),
    lambda a, alpha, out: where(greater(a, 0.0), 1.0, alpha * exp(where(greater(a, 0.0), 0.0, a))),
    lambda a, alpha, out: expm1(where(greater(a, 0.0), 0.0, a)),
    parametric=True,
    choices=(1,),
    text="`x` if it is positive, else `alpha * (exp(x) - 1)` (Clevert, Unterthiner, Hochreiter, arXiv:1511.07289).",
    operands=("x", "alpha"),
    defaults=(1.0,),
    bounds=UNBOUNDED,
)
# silu: Elfwing, Uchibe, Doya, arXiv:1702.03118. gelu: Hendrycks, Gimpel, arXiv:1606.08415, with the exact normal distribution.
silu: Primitive = Primitive(
    "silu",
    lambda a: a * _sigmoid(a),
    lambda a, out: sigmoid(a) * (1.0 + a * sigmoid(-a)),
    written=(lambda a, out: sigmoid(a) * (1.0 + a * (1.0 - sigmoid(a))),),
    text="`x * sigmoid(x)`, also called swish (Elfwing, Uchibe, Doya, arXiv:1702.03118).",
    bounds=UNBOUNDED,
    ulp=(2.9, 2.9),
)
mish: Primitive = Primitive(
    "mish",
    lambda a: a * math.tanh(_softplus(a)),
    lambda a, out: tanh(softplus(a)) + a * (tanh_slope(softplus(a)) * sigmoid(a)),
    text="`x * tanh(softplus(x))` (Misra, arXiv:1908.08681).",
    bounds=UNBOUNDED,
    expansion=lambda a: a * tanh(softplus(a)),
)
gelu: Primitive = Primitive(
    "gelu",
    lambda a: 0.5 * a * math.erfc(-a * SQRT_HALF),
    lambda a, out: 0.5 * erfc(-a * SQRT_HALF) + a * ONE_OVER_SQRT_TWO_PI * exp(-0.5 * a * a),
    text="`x` times the normal distribution function of `x` (Hendrycks, Gimpel, arXiv:1606.08415; exact, not the tanh form).",
    bounds=UNBOUNDED,
    ulp=(6.5, 8.0),
)

PRIMITIVES: dict[str, Primitive] = {row.name: row for row in list(vars().values()) if isinstance(row, Primitive)}
"""Every operation, by name."""
