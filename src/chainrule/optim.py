"""Optimisers, which change parameters along their gradients; names, arguments and update rules are those of `torch.optim`."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, ClassVar

from chainrule.arguments import at_least_zero, finite, integer, number
from chainrule.engine import Value, adam_step, mark_gradients, sgd_step
from chainrule.updates import adam_factors, decay_factor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Optimizer:
    """What all optimisers share: the parameters, the learning rate, and saving and loading.

    Arguments:
        params: Values to change, such as `model.parameters()`; leaves, each once.
        lr: the learning rate.

    Raises:
        TypeError: if `params` is not a list of Values.
        ValueError: if there are no parameters, if one is listed twice or is the result of an operation, or if an option is out of its
            range.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("lr",)
    BUFFERS: ClassVar[tuple[str, ...]] = ()
    """The names of the arrays of floats that are kept from step to step, parallel to `params`; empty until they are needed."""

    def __init__(self, params: Iterable[Value], lr: float) -> None:
        self.params = _checked(params)
        self._mark = mark_gradients(self.params)  # one that nothing reaches from now to the next step counts as one of gradient 0
        self.lr = lr
        self.steps = 0

    @property
    def lr(self) -> float:
        """The learning rate. It may be set at any time."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = at_least_zero("lr", lr)

    def step(self) -> None:
        """Change every parameter once, by its gradient."""
        raise NotImplementedError(f"{type(self).__name__} does not define step()")

    def __getstate__(self) -> dict[str, Any]:
        return {name: attribute for name, attribute in vars(self).items() if name != "_mark"}  # it holds for these Values, in this process

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._mark = mark_gradients(self.params)

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for p in self.params:
            p.grad = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on later: options, number of steps, and buffers. It can be written as JSON."""
        options = {name: getattr(self, name) for name in self.OPTIONS}
        buffers = {name: list(getattr(self, name)) for name in self.BUFFERS}
        return {"optimizer": type(self).__name__, **options, "steps": self.steps, **buffers}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict()` returned. Either all of it is loaded, or nothing.

        Raises:
            ValueError: if an entry is missing, unknown or does not fit, or a buffer is not as long as `params`.
        """
        here = type(self).__name__
        if not hasattr(state, "get") or state.get("optimizer") != here:
            whose = state.get("optimizer") if hasattr(state, "get") else state
            raise ValueError(f"this is a state of {whose!r:.60}, not of {here}")
        if unfit := sorted(set(self.state_dict()) ^ set(state)):
            raise ValueError(f"this state does not fit {here}: these entries are missing or unexpected: {', '.join(unfit)}")
        buffers: dict[str, array[float]] = {}
        for name in self.BUFFERS:
            if not isinstance(state[name], list) or len(state[name]) not in (0, len(self.params)):
                raise ValueError(f"{name} must be a list of {len(self.params)} numbers, one for each parameter, got {_told(state[name])}")
            buffers[name] = array("d", [number(name, x) for x in state[name]])
        steps = integer("steps", state["steps"], 0)
        checked = type(self)(self.params, **{name: state[name] for name in self.OPTIONS})  # raises if an option is out of its range
        vars(self).update(vars(checked), **buffers, steps=steps)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.OPTIONS)
        return f"{type(self).__name__}({len(self.params)} parameters, {options})"


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

        g = gradient + weight_decay * p
        m = momentum * m + (1 - dampening) * g      (at the first step, m = g)
        p = p - lr * m                              (with nesterov, p - lr * (g + momentum * m); without momentum, p - lr * g)

    Sources: Polyak, Some methods of speeding up the convergence of iteration methods, 1964; Sutskever, Martens, Dahl and Hinton, On the
    importance of initialization and momentum in deep learning, ICML 2013, in the form that torch.optim.SGD documents.

    Arguments:
        params: Values to change, such as `model.parameters()`.
        lr: the learning rate.
        momentum: how much of the last step's direction is kept.
        dampening: how much of the gradient is left out of the momentum.
        weight_decay: the strength of an L2 penalty.
        nesterov: use Nesterov's momentum; it needs momentum > 0 and dampening = 0.
        maximize: climb instead of descend.

    Raises:
        TypeError: if `params` is not a list of Values.
        ValueError: if there are none or one is listed twice, if an option is out of its range, or `nesterov` lacks momentum.
    """

    OPTIONS = ("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize")
    BUFFERS = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr)
        self.momentum = at_least_zero("momentum", momentum)
        self.dampening = finite("dampening", dampening)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(f"nesterov=True needs momentum > 0 and dampening = 0, got momentum={momentum} and dampening={dampening}")
        self.nesterov = nesterov
        self.maximize = maximize
        self.momentum_buffer = array("d")

    def step(self) -> None:
        """Change every parameter once, by its gradient."""
        first = not self.momentum_buffer
        buffer = _zeros(self.params) if first and self.momentum else self.momentum_buffer
        options = self.lr, self.momentum, self.dampening, self.weight_decay, self.nesterov, self.maximize
        self._mark = sgd_step(self.params, buffer, *options, first, self._mark)
        self.momentum_buffer = buffer
        self.steps += 1


class Adam(Optimizer):
    """Steps that are scaled, for each parameter, by the recent size of its gradient.

        g = gradient + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g         (with amsgrad, the largest v so far is used in the last line)
        p = p - lr * (m / (1 - beta1 ** t)) / (sqrt(v / (1 - beta2 ** t)) + eps)        at step t = 1, 2, ...

    Sources: Kingma and Ba, Adam: a method for stochastic optimization, arXiv:1412.6980; amsgrad: Reddi, Kale and Kumar, On the
    convergence of Adam and beyond, arXiv:1904.09237, in the form that torch.optim.Adam documents.

    Arguments:
        params: Values to change, such as `model.parameters()`.
        lr: the learning rate.
        betas: how much of `m` and of `v` is kept from step to step, each from 0 up to but not including 1.
        eps: added to the denominator.
        weight_decay: the strength of an L2 penalty.
        amsgrad: never let a denominator shrink.
        maximize: climb instead of descend.

    Raises:
        TypeError: if `params` is not a list of Values.
        ValueError: if there are none or one is listed twice, or if an option is out of its range.
    """

    OPTIONS = ("lr", "betas", "eps", "weight_decay", "amsgrad", "maximize")
    BUFFERS = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr)
        self.betas = _betas(betas)
        self.eps = at_least_zero("eps", eps)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)
        self.amsgrad = amsgrad
        self.maximize = maximize
        self.exp_avg, self.exp_avg_sq, self.max_exp_avg_sq = array("d"), array("d"), array("d")

    def step(self) -> None:
        """Change every parameter once, by its gradient."""
        self._descend(self.weight_decay, 1.0)

    def _descend(self, l2: float, decay: float) -> None:
        for name in self.BUFFERS:
            if not getattr(self, name) and (name != "max_exp_avg_sq" or self.amsgrad):
                setattr(self, name, _zeros(self.params))
        self.steps += 1
        largest = self.max_exp_avg_sq if self.amsgrad else None
        factors = *adam_factors(self.lr, self.betas, self.steps, math.sqrt), *self.betas, self.eps, l2, decay
        self._mark = adam_step(self.params, self.exp_avg, self.exp_avg_sq, largest, *factors, self.maximize, self._mark)


class AdamW(Adam):
    """Adam with decoupled weight decay: each step first multiplies every parameter by `1 - lr * weight_decay`.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization, arXiv:1711.05101, with the decay scaled by the learning rate as
    torch.optim.AdamW does.

    Arguments:
        params: Values to change, such as `model.parameters()`.
        lr: the learning rate.
        betas: how much of `m` and of `v` is kept from step to step, each from 0 up to but not including 1.
        eps: added to the denominator.
        weight_decay: the rate of decay; no penalty enters the gradient.
        amsgrad: never let a denominator shrink.
        maximize: climb instead of descend.

    Raises:
        TypeError: if `params` is not a list of Values.
        ValueError: if there are none or one is listed twice, or if an option is out of its range.
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)

    def step(self) -> None:
        """Change every parameter once, by its gradient."""
        self._descend(0.0, decay_factor(self.lr, self.weight_decay))


def zero_grad(params: Iterable[Value]) -> None:
    """Set the gradient of every parameter to 0: call it before `backward()` if there is no optimiser and a loss may not reach them all."""
    for p in params:
        p.grad = 0.0


def _checked(params: Iterable[Value]) -> list[Value]:
    if not hasattr(params, "__iter__"):
        raise TypeError(f"params must be a list of Values, such as model.parameters(), got {type(params).__name__}: {params!r}")
    params = list(params)
    if not params:
        raise ValueError("there are no parameters to optimise: params is empty (a generator can be used only once)")
    seen: dict[Value, int] = {}
    for position, p in enumerate(params):
        if not isinstance(p, Value):
            raise TypeError(f"parameter {position} must be a Value, got {type(p).__name__}: {p!r:.60}")
        name = f"parameter {position}" + (f" ({p.label})" if p.label else "")
        if p._prev:
            raise ValueError(f"{name} is the result of {p._op!r}: a step would be lost when it is computed again; optimise its leaves")
        if p in seen:
            raise ValueError(f"{name} is parameter {seen[p]} again: it would be changed twice in a step; list each once")
        seen[p] = position
    return params


def _zeros(params: list[Value]) -> array[float]:
    return array("d", bytes(8 * len(params)))


def _told(x: object) -> str:
    return f"{len(x)} numbers" if isinstance(x, list) else repr(x)


def _betas(betas: Any) -> tuple[float, float]:
    if not hasattr(betas, "__len__") or len(betas) != 2:
        raise ValueError(f"betas must be two numbers, got {betas!r}")
    beta1, beta2 = (at_least_zero("a beta", beta) for beta in betas)
    if not (beta1 < 1 and beta2 < 1):
        raise ValueError(f"betas must be at least 0 and less than 1, got {betas!r}")
    return beta1, beta2
