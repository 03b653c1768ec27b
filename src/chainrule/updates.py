"""The rules of the optimisers: what one step makes of one parameter, written once, with ordinary operators.

`sgd` and `adam` take the options and the factors of a step, and return the function that is then called for each parameter: it takes the
old numbers and returns the new ones. The same function runs on floats (`bulk.py`), on C text (for the C engine: `value_c/write_rows.py`),
and on the compiler's expressions.
"""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule import primitives

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Number: TypeAlias = Any  # a float, or whatever else the operators and the functions below take


class Arithmetic(NamedTuple):
    """What a rule computes with beyond operators, as IEEE 754 has it."""

    divide: Callable[..., Number]
    sqrt: Callable[..., Number]
    maximum: Callable[..., Number]


def _sqrt(a: float) -> float:
    return sqrt(a) if not a < 0.0 else nan


ON_FLOATS = Arithmetic(primitives.divide.forward, _sqrt, primitives.maximum.forward)
ON_ANYTHING = Arithmetic(primitives.divide, primitives.sqrt, primitives.maximum)


def sgd(
    lr: Number,
    momentum: Number,
    kept: Number,
    new: Number,
    weight_decay: Number,
    nesterov: Number,
    maximize: Number,
    first: Number,
) -> Callable[[Number, Number, Number], tuple[Number, Number]]:
    """A step of `SGD`.

    Arguments:
        lr: the learning rate.
        momentum: how much of the last step's direction is kept.
        kept: the same, in this step.
        new: how much of the gradient enters the momentum in this step, such as `1 - dampening`.
        weight_decay: the strength of an L2 penalty.
        nesterov: use Nesterov's momentum.
        maximize: climb instead of descend.
        first: this is the first step, at which the momentum is the gradient.

    Returns:
        A function of a parameter, its gradient and its momentum that returns the parameter and the momentum.
    """

    def update(p: Number, g: Number, m: Number) -> tuple[Number, Number]:
        if maximize:
            g = -g
        if weight_decay:
            g = g + weight_decay * p
        if momentum:
            m = g if first else kept * m + new * g
            g = g + momentum * m if nesterov else m
        return p - lr * g, m

    return update


def adam(
    rate: Number,
    correction: Number,
    beta1: Number,
    beta2: Number,
    eps: Number,
    weight_decay: Number,
    decay_factor: Number,
    maximize: Number,
    amsgrad: Number,
    arithmetic: Arithmetic = ON_ANYTHING,
) -> Callable[[Number, Number, Number, Number, Number], tuple[Number, Number, Number, Number]]:
    """A step of `Adam` and `AdamW`.

    Arguments:
        rate: the learning rate over `1 - beta1 ** steps`.
        correction: the square root of `1 - beta2 ** steps`.
        beta1: how much of `m` is kept.
        beta2: how much of `v` is kept.
        eps: added to the denominator.
        weight_decay: the strength of an L2 penalty.
        decay_factor: what the parameter is multiplied by first.
        maximize: climb instead of descend.
        amsgrad: never let the denominator shrink.
        arithmetic: the functions for such numbers.

    Returns:
        A function of a parameter, its gradient, the mean `m` of its gradients, the mean `v` of their squares, and the largest such mean so
        far, which is not looked at without `amsgrad`. It returns the parameter, `m`, `v` and the largest.
    """
    divide, root, maximum = arithmetic
    new1, new2 = 1.0 - beta1, 1.0 - beta2

    def update(p: Number, g: Number, m: Number, v: Number, largest: Number) -> tuple[Number, Number, Number, Number]:
        if decay_factor != 1.0:
            p = p * decay_factor
        if maximize:
            g = -g
        if weight_decay:
            g = g + weight_decay * p
        m = beta1 * m + new1 * g
        v = scale = beta2 * v + new2 * g * g
        if amsgrad:
            largest = scale = maximum(largest, v)
        return p - rate * divide(m, root(scale) / correction + eps), m, v, largest

    return update


def adam_factors(lr: Number, betas: tuple[float, float], steps: Number, root: Callable[[Number], Number]) -> tuple[Number, Number]:
    """The `rate` and the `correction` of step number `steps`, counted from 1; of many steps at once for arrays."""
    beta1, beta2 = betas
    return lr / (1.0 - beta1**steps), root(1.0 - beta2**steps)


def decay_factor(lr: Number, weight_decay: float) -> Number:
    """What a step of `AdamW` multiplies each parameter by."""
    return 1.0 - lr * weight_decay
