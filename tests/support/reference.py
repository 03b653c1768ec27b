"""The operations of chainrule in JAX and in mpmath: the independent sources of values and derivatives that tests compare with.

One row for each row of `primitives.py`. The mpmath side is the value alone, whose derivatives mpmath computes, or, where the terms cancel,
the value with its first and second derivatives as terms to be added up.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mpmath as mp

from chainrule.ieee import INFINITY, NAN
from chainrule.row import Primitive

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # every function is compiled once and called once


def _scale(a: Any, b: Any) -> Any:
    """The larger of |a| and |b|: a constant that keeps their squares in range and cancels in the end, so its derivative does not matter.

    (jnp.hypot divides by it too, but differentiates it, and is wrong where |a| = |b|.)
    """
    largest = jnp.maximum(jnp.abs(a), jnp.abs(b))
    return jax.lax.stop_gradient(jnp.where((largest > 0.0) & jnp.isfinite(largest), largest, 1.0))


def _with_slope(function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
    """A function of JAX with a derivative that keeps its digits far from 0, where JAX's own, from 1 - t * t or s * (1 - s), loses them."""
    exact = jax.custom_jvp(function)
    exact.defjvp(lambda primals, tangents: (exact(*primals), jnp.where(slope(*primals) == 0.0, 0.0, slope(*primals)) * tangents[0]))
    return exact


def _sigmoid_slope(a: Any) -> Any:
    return sigmoid(a) * sigmoid(-a)


def _tanh_slope(a: Any) -> Any:
    return 4.0 * _sigmoid_slope(2.0 * a)


sigmoid = _with_slope(jax.nn.sigmoid, _sigmoid_slope)
tanh = _with_slope(jnp.tanh, _tanh_slope)


def _finite(a: Any) -> Any:
    return jnp.where(jnp.isfinite(a), a, 0.0)


def _polygamma(n: Any, a: Any) -> Any:
    """JAX's takes a whole number as order that is known; here those that are tested with."""
    chosen = jnp.where(n == 0.0, jax.scipy.special.digamma(a), jnp.nan)
    for order in (1, 2, 3, 4):  # two derivatives of those that are drawn
        chosen = jnp.where(n == order, jax.scipy.special.polygamma(order, a), chosen)
    return chosen


def arity(row: Primitive) -> int:
    """How many operands to test a row of the table with; 3 if it takes any number."""
    return 3 if row.arity is None else row.arity


Terms = list[Any]
Rows = tuple[Terms, list[Terms], list[list[Terms]]]  # the value, the first derivatives, the second derivatives


class Difference(NamedTuple):
    """Where we differ from JAX, and why."""

    order: int  # 0 for values, 1 for first derivatives, 2 for second
    where: Callable[..., bool]
    ours: float | None  # the value or every derivative there; None if it depends, and other tests pin it
    reason: str


class Reference(NamedTuple):
    """What an operation is elsewhere.

    Arguments:
        jax: in JAX.
        exact: in mpmath: the value, or `Rows`.
        domain: where the two are compared over the whole range of floats; everywhere, if not said.
        differs: where ours and JAX's differ.
        axes: for some of the operands, by position, the numbers to test with, where most are not meant.
        jump: how far a point is from the nearest one where the operation or a derivative jumps, or has not the derivative of its formula.
        agrees_there: whether JAX has the same derivatives where that is 0.
        is_exact: whether results are operands, or whole numbers: then nothing is rounded.
        is_compiled: whether the compiler has code for it, or its row an expansion; else programs with it run eagerly, with a warning.
    """

    jax: Callable[..., Any]
    exact: Callable[..., Any]
    domain: Callable[..., bool] = lambda *point: True
    differs: tuple[Difference, ...] = ()
    axes: dict[int, list[float]] = {}  # noqa: RUF012
    jump: Callable[..., float] = lambda *point: math.inf
    agrees_there: bool = True
    is_exact: bool = False
    is_compiled: bool = True


@functools.cache
def exact_rows(row: Primitive, point: tuple[float, ...]) -> Rows:
    """The value of a row at a point, and its first and second derivatives, each as terms to be added up."""
    exact = REFERENCES[row.name].exact
    with mp.workprec(300):
        x = [mp.mpf(number) for number in point]
        found = exact(*x)
        if isinstance(found, tuple):
            return found
    with mp.workprec(1400):  # beside 1e-324, what a difference of second order takes away is 1,300 bits
        units = [tuple(int(i == k) for k in range(len(x))) for i in range(len(x))]

        def derivative(orders: tuple[int, ...]) -> Terms:
            free = [k for k, order in enumerate(orders) if order]
            step = min(abs(x[k]) if x[k] else mp.mpf(1) for k in free) * mp.mpf(2) ** -40
            return [mp.diff(exact, tuple(x), orders, h=step) if len(x) > 1 else mp.diff(exact, x[0], orders[0], h=step)]

        firsts = [derivative(unit) for unit in units]
        return [found], firsts, [[derivative(tuple(map(sum, zip(a, b, strict=True)))) for b in units] for a in units]


def one(value: Terms, first: Terms, second: Terms) -> Rows:
    return value, [first], [[second]]


def two(value: Terms, first: list[Terms], aa: Terms, ab: Terms, bb: Terms) -> Rows:
    return value, first, [[aa, ab], [ab, bb]]


def s(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def phi(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def root(x: Any) -> Any:
    return mp.sqrt((1 - x) * (1 + x))


def sech(x: Any) -> Any:
    return 1 / mp.cosh(x)


def flat(*first: Any) -> tuple[list[Terms], list[list[Terms]]]:
    """First derivatives, and second derivatives of 0."""
    return [[x] for x in first], [[[0]] * len(first)] * len(first)


def half(a: Any, b: Any) -> Any:
    """1 where a is above b, and one half where they are the same."""
    return mp.mpf(a > b) + mp.mpf(a == b) / 2


def is_regular(a: float) -> bool:
    """Whether the gamma function has no pole here, and mpmath computes it in no time."""
    return abs(a) < 1e16 and (a > 0.0 or (a > -50.0 and a != math.floor(a)))


def positive_but_between(low: float, high: float) -> Callable[..., float]:
    """The points where JAX's gamma functions have all their digits: positive, and away from where they are 0."""
    return lambda *point: 0.0 if point[-1] <= 0.0 or low < point[-1] < high else point[-1]


def psi(n: Any, x: Any) -> Any:
    return mp.polygamma(int(n), x)


def bell(x: Any) -> Any:
    return mp.exp(-x * x) / mp.sqrt(mp.pi)


def cumulative(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2 if abs(x) < 100 else mp.mpf(x > 0)


def hypot_rows(a: Any, b: Any, h: Any) -> Rows:
    return two([h], [[a / h], [b / h]], [1 / h, -a * a / h**3], [-a * b / h**3], [1 / h, -b * b / h**3])


REFERENCES: dict[str, Reference] = {
    "+": Reference(lambda a, b: a + b, lambda a, b: ([a, b], *flat(1, 1))),
    "-": Reference(lambda a, b: a - b, lambda a, b: ([a, -b], *flat(1, -1))),
    "*": Reference(lambda a, b: a * b, lambda a, b: two([a * b], [[b], [a]], [0], [1], [0])),
    "/": Reference(
        lambda a, b: a / b,
        lambda a, b: two([a / b], [[1 / b], [-a / b**2]], [0], [-1 / b**2], [2 * a / b**3]),
        differs=(Difference(1, lambda a, b: abs(b) in (1e-300, 1e300), None, "JAX squares the divisor, out of the range of floats"),),
    ),
    "neg": Reference(lambda a: -a, lambda a: ([-a], *flat(-1)), is_exact=True),
    "**": Reference(
        jnp.power,
        lambda a, b: two(
            [a**b],
            [[b * a ** (b - 1)], [a**b * mp.log(a)]],
            [b * (b - 1) * a ** (b - 2)],
            [a ** (b - 1), b * a ** (b - 1) * mp.log(a)],
            [a**b * mp.log(a) ** 2],
        ),
        domain=lambda a, b: a > 0 and max(abs(b), abs(b - 2)) * abs(math.log(a)) < 700,
        differs=(
            Difference(1, lambda a, b: b == 0, None, "x ** 0 has derivative 0 everywhere; JAX gives nan at 0"),
            Difference(1, lambda a, b: a == 0 and b < 0, None, "0 ** b is infinite and falls in b; JAX gives nan"),
        ),
        jump=lambda a, *rest: abs(a),
        agrees_there=False,
    ),
    "dot": Reference(
        lambda bias, w, x: bias + w * x, lambda a, w, x: ([a, w * x], [[1], [x], [w]], [[[0]] * 3, [[0], [0], [1]], [[0], [1], [0]]])
    ),
    "greater": Reference(
        lambda a, b: jnp.where(a > b, 1.0, 0.0), lambda a, b: ([int(a > b)], *flat(0, 0)), jump=lambda a, b: abs(a - b), is_exact=True
    ),
    "equal": Reference(
        lambda a, b: jnp.where(a == b, 1.0, 0.0), lambda a, b: ([int(a == b)], *flat(0, 0)), jump=lambda a, b: abs(a - b), is_exact=True
    ),
    "where": Reference(
        lambda c, a, b: jnp.where(c != 0.0, a, b),
        lambda c, a, b: ([a if c else b], *flat(0, int(c != 0), int(c == 0))),
        jump=lambda a, *rest: abs(a),
        is_exact=True,
    ),
    "take": Reference(
        lambda index, a, b: jnp.where(index == 0.0, a, jnp.where(index == 1.0, b, jnp.nan)),
        lambda i, a, b: ([b if i else a], *flat(0, int(i == 0), int(i != 0))),
        domain=lambda i, a, b: i in (0.0, 1.0),
        axes={0: [0.0, 1.0]},
        jump=lambda *point: 0.0,
        is_exact=True,
    ),
    "largest": Reference(
        lambda a, b, c: jax.lax.stop_gradient(_finite(jnp.maximum(jnp.maximum(a, b), c))),
        lambda a, b, c: ([max(a, b, c)], *flat(0, 0, 0)),
        jump=lambda *point: 0.0,
        is_exact=True,
    ),
    "stop_gradient": Reference(jax.lax.stop_gradient, lambda a: ([a], *flat(0))),
    "abs": Reference(
        jnp.abs,
        lambda a: ([abs(a)], *flat(mp.sign(a))),
        differs=(Difference(1, lambda a: a == 0 or a != a, 0.0, "a corner: the mean of the slopes on both sides, as in torch"),),
        jump=abs,
        agrees_there=False,
        is_exact=True,
    ),
    "maximum": Reference(
        jnp.maximum,
        lambda a, b: ([max(a, b)], *flat(mp.mpf(a > b) + mp.mpf(a == b) / 2, mp.mpf(b > a) + mp.mpf(a == b) / 2)),
        jump=lambda a, b: abs(a - b),
        is_exact=True,
    ),
    "minimum": Reference(
        jnp.minimum,
        lambda a, b: ([min(a, b)], *flat(mp.mpf(a < b) + mp.mpf(a == b) / 2, mp.mpf(b < a) + mp.mpf(a == b) / 2)),
        jump=lambda a, b: abs(a - b),
        is_exact=True,
    ),
    "clip": Reference(
        lambda a, low, high: jnp.minimum(jnp.maximum(a, low), high),
        lambda a, low, high: (
            [min(max(a, low), high)],
            *flat(half(a, low) * half(high, max(a, low)), half(low, a) * half(high, max(a, low)), half(max(a, low), high)),
        ),
        jump=lambda a, low, high: min(abs(a - low), abs(max(a, low) - high)),
        is_exact=True,
    ),
    "sign": Reference(jnp.sign, lambda a: ([mp.sign(a)], *flat(0)), jump=abs, is_exact=True),
    "floor": Reference(jnp.floor, lambda a: ([mp.floor(a)], *flat(0)), jump=lambda a: abs(a - round(a)), is_exact=True),
    "round": Reference(jnp.round, lambda a: ([mp.nint(a)], *flat(0)), jump=lambda a: abs(a - math.floor(a) - 0.5), is_exact=True),
    "exp": Reference(jnp.exp, lambda a: one([mp.exp(a)], [mp.exp(a)], [mp.exp(a)])),
    "expm1": Reference(jnp.expm1, lambda a: one([mp.expm1(a)], [mp.exp(a)], [mp.exp(a)])),
    "exp2": Reference(jnp.exp2, lambda a: mp.mpf(2) ** a),
    "log": Reference(jnp.log, lambda a: one([mp.log(a)], [1 / a], [-1 / a**2]), domain=lambda a: a > 0),
    "log2": Reference(jnp.log2, lambda a: mp.log(a, 2), domain=lambda a: a > 0),
    "log10": Reference(jnp.log10, mp.log10, domain=lambda a: a > 0),
    "log_total": Reference(
        lambda a: jnp.where(a == 0.0, -jnp.inf, jnp.log(jnp.where(a == 0.0, 1.0, a))),
        lambda a: one([mp.log(a)], [1 / a], [-1 / a**2]),
        domain=lambda a: a > 0,
    ),
    "xlogy": Reference(
        lambda a, b: jax.scipy.special.xlogy(jnp.asarray(a, float), jnp.asarray(b, float)),
        lambda a, b: two([a * mp.log(b)], [[mp.log(b)], [a / b]], [0], [1 / b], [-a / b**2]),
        domain=lambda a, b: b > 0,
        jump=math.hypot,
        agrees_there=False,
        differs=(Difference(1, lambda a, b: a == 0 and b == 0, 0.0, "so that an entropy has a gradient; JAX gives -inf and nan"),),
    ),
    "log1p": Reference(jnp.log1p, lambda a: one([mp.log1p(a)], [1 / (1 + a)], [-1 / (1 + a) ** 2]), domain=lambda a: a > -1),
    "logaddexp": Reference(
        jnp.logaddexp,
        lambda a, b: two(
            [max(a, b), mp.log1p(mp.exp(-abs(a - b)))],
            [[s(a - b)], [s(b - a)]],
            [s(a - b) * s(b - a)],
            [-s(a - b) * s(b - a)],
            [s(a - b) * s(b - a)],
        ),
        differs=(
            Difference(1, lambda a, b: max(abs(a), abs(b)) >= 1e300, None, "JAX subtracts from infinity, or loses log(2)"),
            Difference(2, lambda a, b: INFINITY in (abs(a), abs(b)), None, "JAX subtracts from infinity"),
        ),
    ),
    "sqrt": Reference(jnp.sqrt, lambda a: one([mp.sqrt(a)], [1 / (2 * mp.sqrt(a))], [-1 / (4 * a * mp.sqrt(a))]), domain=lambda a: a > 0),
    "sin": Reference(jnp.sin, lambda a: one([mp.sin(a)], [mp.cos(a)], [-mp.sin(a)])),
    "cos": Reference(jnp.cos, lambda a: one([mp.cos(a)], [-mp.sin(a)], [-mp.cos(a)])),
    "tan": Reference(jnp.tan, lambda a: one([mp.tan(a)], [1, mp.tan(a) ** 2], [2 * mp.tan(a), 2 * mp.tan(a) ** 3])),
    "asin": Reference(
        jnp.arcsin,
        lambda a: one([mp.asin(a)], [1 / root(a)], [(1 + a) / root(a) ** 3 / 2, -(1 - a) / root(a) ** 3 / 2]),
        domain=lambda a: abs(a) < 1,
        differs=(Difference(2, lambda a: abs(a) == 1, NAN, "the edge of the domain, infinite minus infinite; JAX gives inf"),),
    ),
    "acos": Reference(
        jnp.arccos,
        lambda a: one([mp.acos(a)], [-1 / root(a)], [-(1 + a) / root(a) ** 3 / 2, (1 - a) / root(a) ** 3 / 2]),
        domain=lambda a: abs(a) < 1,
        differs=(Difference(2, lambda a: abs(a) == 1, NAN, "the edge of the domain, infinite minus infinite; JAX gives inf"),),
    ),
    "atan": Reference(jnp.arctan, lambda a: one([mp.atan(a)], [1 / (1 + a * a)], [-2 * a / (1 + a * a) ** 2])),
    "atan2": Reference(
        lambda a, b: jnp.arctan2(a / _scale(a, b), b / _scale(a, b)),
        lambda a, b: two(
            [mp.atan2(a, b)],
            [[b / (a * a + b * b)], [-a / (a * a + b * b)]],
            [-2 * a * b / (a * a + b * b) ** 2],
            [a * a / (a * a + b * b) ** 2, -b * b / (a * a + b * b) ** 2],
            [2 * a * b / (a * a + b * b) ** 2],
        ),
        domain=lambda a, b: 1e-140 < max(abs(a), abs(b)) < 1e140,
        jump=lambda a, *rest: abs(a),
        agrees_there=False,
    ),
    "hypot": Reference(
        lambda a, b: jnp.sqrt((a / _scale(a, b)) ** 2 + (b / _scale(a, b)) ** 2) * _scale(a, b),
        lambda a, b: hypot_rows(a, b, mp.sqrt(a * a + b * b)),
        domain=lambda a, b: max(abs(a), abs(b)) > 1e-160,
        differs=(
            Difference(0, lambda a, b: INFINITY in (abs(a), abs(b)), INFINITY, "IEEE 754: infinite even beside a nan"),
            Difference(1, lambda a, b: a == 0 and b == 0, 0.0, "a corner, as of abs; JAX gives nan"),
        ),
        jump=math.hypot,
        agrees_there=False,
    ),
    "sinh": Reference(jnp.sinh, lambda a: one([mp.sinh(a)], [mp.cosh(a)], [mp.sinh(a)])),
    "cosh": Reference(jnp.cosh, lambda a: one([mp.cosh(a)], [mp.sinh(a)], [mp.cosh(a)])),
    "tanh": Reference(tanh, lambda a: one([mp.tanh(a)], [sech(a) ** 2], [-2 * mp.tanh(a) * sech(a) ** 2])),
    "tanh_slope": Reference(
        _tanh_slope,
        lambda a: one([sech(a) ** 2], [-2 * mp.tanh(a) * sech(a) ** 2], [4 * mp.tanh(a) ** 2 * sech(a) ** 2, -2 * sech(a) ** 4]),
    ),
    "softsign": Reference(
        jax.nn.soft_sign,
        lambda a: a / (1 + abs(a)),
        differs=(
            Difference(1, lambda a: abs(a) == INFINITY, 0.0, "the limit; JAX gives nan"),
            Difference(2, lambda a: a == 0, 0.0, "the slope has a corner: the mean of both sides; JAX takes one of them"),
        ),
        jump=abs,
        agrees_there=False,
    ),
    "erf": Reference(jax.scipy.special.erf, lambda a: one([mp.erf(a)], [2 * bell(a)], [-4 * a * bell(a)])),
    "erfc": Reference(
        jax.scipy.special.erfc, lambda a: one([mp.erfc(a) if abs(a) < 100 else 1 - mp.sign(a)], [-2 * bell(a)], [4 * a * bell(a)])
    ),
    "normal_cdf": Reference(
        lambda a: 0.5 * jax.scipy.special.erfc(-a * math.sqrt(0.5)), lambda a: one([cumulative(a)], [phi(a)], [-a * phi(a)])
    ),
    "polygamma": Reference(
        _polygamma,
        lambda n, a: two([psi(n, a)], [[0], [psi(n + 1, a)]], [0], [0], [psi(n + 2, a)]),
        domain=lambda n, a: 1e-20 < a < 1e16,
        differs=tuple(
            Difference(
                order,
                lambda n, a, order=order: not 1e-300 < a < INFINITY or n not in (0.0, 1.0, 2.0)[order > 0 :],
                None,
                "JAX has nan for negative arguments",
            )
            for order in (0, 1, 2)
        ),
        axes={0: [1.0, 2.0]},
        jump=lambda n, a: a if n in (1.0, 2.0) and a > 0.0 else 0.0,
        agrees_there=False,
        is_compiled=False,
    ),
    "digamma": Reference(
        jax.scipy.special.digamma,
        lambda a: one([psi(0, a)], [psi(1, a)], [psi(2, a)]),
        domain=is_regular,
        differs=(
            Difference(0, lambda a: a == 0.0, None, "infinite, with a sign against that of 0, as in SciPy; JAX gives nan"),
            Difference(1, lambda a: a <= 0.0 or a == INFINITY, None, "JAX has nan for negative arguments"),
            Difference(2, lambda a: a <= 0.0 or a == INFINITY, None, "JAX has nan for negative arguments"),
        ),
        jump=positive_but_between(0.8, 2.5),
        agrees_there=False,
        is_compiled=False,
    ),
    "lgamma": Reference(
        jax.scipy.special.gammaln,
        lambda a: one([mp.re(mp.loggamma(a))], [psi(0, a)], [psi(1, a)]),
        domain=is_regular,
        differs=(
            Difference(1, lambda a: a == 0.0, None, "infinite, with a sign against that of 0, as in SciPy; JAX gives nan"),
            Difference(2, lambda a: a <= 0.0 or a == INFINITY, None, "JAX has nan for negative arguments"),
        ),
        jump=positive_but_between(0.5, 3.5),
        agrees_there=False,
        is_compiled=False,
    ),
    "sigmoid": Reference(sigmoid, lambda a: one([s(a)], [s(a) * s(-a)], [s(a) * s(-a) ** 2, -(s(a) ** 2) * s(-a)])),
    "sigmoid_slope": Reference(
        _sigmoid_slope,
        lambda a: one(
            [s(a) * s(-a)],
            [s(a) * s(-a) ** 2, -(s(a) ** 2) * s(-a)],
            [s(a) * s(-a) ** 3, -4 * s(a) ** 2 * s(-a) ** 2, s(a) ** 3 * s(-a)],
        ),
    ),
    "softplus": Reference(jax.nn.softplus, lambda a: one([max(a, 0), mp.log1p(mp.exp(-abs(a)))], [s(a)], [s(a) * s(-a)])),
    "relu": Reference(jax.nn.relu, lambda a: ([max(a, 0)], *flat(int(a > 0))), jump=abs, is_exact=True),
    "leaky_relu": Reference(
        lambda a, slope: jnp.where(a > 0.0, a, slope * jnp.where(a > 0.0, 0.0, a)),  # at 0, jax.nn's has the slope 1
        lambda a, b: two([a], [[1], [0]], [0], [0], [0]) if a > 0 else two([a * b], [[b], [a]], [0], [1], [0]),
        jump=lambda a, *rest: abs(a),
    ),
    "elu": Reference(
        jax.nn.elu,
        lambda a, b: (
            two([a], [[1], [0]], [0], [0], [0])
            if a > 0
            else two([b * mp.expm1(a)], [[b * mp.exp(a)], [mp.expm1(a)]], [b * mp.exp(a)], [mp.exp(a)], [0])
        ),
        jump=lambda a, *rest: abs(a),
    ),
    "silu": Reference(
        jax.nn.silu,
        lambda a: one(
            [a * s(a)],
            [s(a), a * s(a) * s(-a)],
            [2 * s(a) * s(-a), a * s(a) * s(-a) ** 2, -a * s(a) ** 2 * s(-a)],
        ),
    ),
    "mish": Reference(jax.nn.mish, lambda a: a * mp.tanh(mp.log1p(mp.exp(a)))),
    "gelu": Reference(
        lambda a: jax.nn.gelu(a, approximate=False),
        lambda a: one([a * cumulative(a)], [cumulative(a), a * phi(a)], [2 * phi(a), -a * a * phi(a)]),
    ),
}

JAX: dict[str, Callable[..., Any]] = {name: reference.jax for name, reference in REFERENCES.items()}

WITHOUT_CODE = {name for name, reference in REFERENCES.items() if not reference.is_compiled}
"""The rows that the compiler has neither code nor an expansion for: programs with them run eagerly, and a warning says so."""
