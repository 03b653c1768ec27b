"""What the operations of chainrule are called in JAX: the independent source of values and derivatives that tests compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from chainrule.primitives import Primitive

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


def arity(row: Primitive) -> int:
    """How many operands to test a row of the table with; 3 if it takes any number."""
    return 3 if row.arity is None else row.arity


JAX: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "neg": lambda a: -a,
    "**": jnp.power,
    "dot": lambda bias, w, x: bias + w * x,
    "greater": lambda a, b: jnp.where(a > b, 1.0, 0.0),
    "equal": lambda a, b: jnp.where(a == b, 1.0, 0.0),
    "where": lambda c, a, b: jnp.where(c != 0.0, a, b),
    "take": lambda index, a, b: jnp.where(index == 0.0, a, jnp.where(index == 1.0, b, jnp.nan)),
    "largest": lambda a, b, c: jax.lax.stop_gradient(_finite(jnp.maximum(jnp.maximum(a, b), c))),
    "stop_gradient": jax.lax.stop_gradient,
    "abs": jnp.abs,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "exp": jnp.exp,
    "expm1": jnp.expm1,
    "log": jnp.log,
    "log_total": lambda a: jnp.where(a == 0.0, -jnp.inf, jnp.log(jnp.where(a == 0.0, 1.0, a))),
    "xlogy": lambda a, b: jax.scipy.special.xlogy(jnp.asarray(a, float), jnp.asarray(b, float)),
    "log1p": jnp.log1p,
    "sqrt": jnp.sqrt,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "tan": jnp.tan,
    "asin": jnp.arcsin,
    "acos": jnp.arccos,
    "atan": jnp.arctan,
    "atan2": lambda a, b: jnp.arctan2(a / _scale(a, b), b / _scale(a, b)),
    "hypot": lambda a, b: jnp.sqrt((a / _scale(a, b)) ** 2 + (b / _scale(a, b)) ** 2) * _scale(a, b),
    "sinh": jnp.sinh,
    "cosh": jnp.cosh,
    "tanh": tanh,
    "tanh_slope": _tanh_slope,
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
    "sigmoid": sigmoid,
    "sigmoid_slope": _sigmoid_slope,
    "softplus": jax.nn.softplus,
    "relu": jax.nn.relu,
    "leaky_relu": lambda a, slope: jnp.where(a > 0.0, a, slope * jnp.where(a > 0.0, 0.0, a)),  # at 0, jax.nn's has the slope 1
    "elu": jax.nn.elu,
    "silu": jax.nn.silu,
    "gelu": lambda a: jax.nn.gelu(a, approximate=False),
}
