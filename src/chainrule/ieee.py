"""Operations on floats as IEEE 754 has them; Python's own raise exceptions for division by 0, for overflow and outside a domain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from chainrule.reals import LARGEST_WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable

INFINITY = math.inf
NAN = math.nan
LOG_2 = math.log(2.0)


def of_math(function: Callable[[float], float], poles: dict[float, float] | None = None) -> Callable[[float], float]:
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


log = of_math(math.log, {0.0: -INFINITY})


def divide(a: float, b: float) -> float:
    """`a / b`; by 0 it is infinite, with the sign of both, or nan."""
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0 or a != a:
            return NAN
        return math.copysign(INFINITY, a) * math.copysign(1.0, b)


def power(a: float, b: float) -> float:
    """`a ** b`; nan for a negative base and an exponent that is not whole."""
    try:
        return math.pow(a, b)
    except (ValueError, OverflowError):  # a negative base with a fraction as exponent, a pole (0 ** -3), or an overflow
        if a < 0 and b != math.floor(b):
            return NAN
        return math.copysign(INFINITY, a) if abs(math.fmod(b, 2.0)) == 1.0 else INFINITY


def dot(*operands: float) -> float:
    """`bias + w1 * x1 + w2 * x2 + ...`, added in this order; without a bias if the number of operands is even."""
    start = len(operands) % 2
    total = operands[0] if start else 0.0
    for i in range(start, len(operands), 2):
        total += operands[i] * operands[i + 1]
    return total


def largest(*operands: float) -> float:
    """The largest operand; 0 if it is infinite, or if one is nan."""
    top = max(operands, default=0.0)
    return top if math.isfinite(top) and not any(map(math.isnan, operands)) else 0.0


def counts(index: float, count: int) -> bool:
    """Whether `index` is the number of one of `count` things, counted from 0."""
    return 0.0 <= index < count and index == math.floor(index)


def take(index: float, *values: float) -> float:
    """The value at `index`, counted from 0; nan if there is none."""
    return values[int(index)] if counts(index, len(values)) else NAN


def sigmoid(a: float) -> float:
    """`1 / (1 + exp(-a))`, without overflow."""
    if a >= 0:
        return 1.0 / (1.0 + math.exp(-a))
    e = math.exp(a)
    return e / (1.0 + e)


def sigmoid_slope(a: float) -> float:
    """The derivative of `sigmoid`, which keeps its digits far from 0."""
    e = math.exp(-abs(a))
    return e / ((1.0 + e) * (1.0 + e))


def tanh_slope(a: float) -> float:
    """The derivative of `tanh`, which keeps its digits far from 0."""
    e = math.exp(-2.0 * abs(a))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


def xlogy(a: float, b: float) -> float:
    """`a * log(b)`, and 0 if `a` is 0."""
    return 0.0 if a == 0.0 and b == b else a * log(b)


def softplus(a: float) -> float:
    """`log(1 + exp(a))`, without overflow."""
    return (a if a > 0 else 0.0) + math.log1p(math.exp(-abs(a))) if a == a else a


def logaddexp(a: float, b: float) -> float:
    """`log(exp(a) + exp(b))`, without overflow."""
    if a == b:
        return a + LOG_2  # two infinities too
    difference = a - b
    if difference != difference:
        return difference
    return (a if difference > 0 else b) + math.log1p(math.exp(-abs(difference)))


def floor(a: float) -> float:
    """The largest whole number that is not above `a`."""
    return float(math.floor(a)) if a and -LARGEST_WHOLE < a < LARGEST_WHOLE else a


def sign(a: float) -> float:
    """1, -1 or 0; nan for nan."""
    return 1.0 if a > 0 else -1.0 if a < 0 else 0.0 if a == 0 else a


def maximum(a: float, b: float) -> float:
    """The larger number; nan if either is nan."""
    return a if a > b or a != a else b


def minimum(a: float, b: float) -> float:
    """The smaller number; nan if either is nan."""
    return a if a < b or a != a else b
