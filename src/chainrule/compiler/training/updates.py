"""What an optimiser does in a step, as statements over all parameters: the rules of `optim.py`, in the form that programs have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import primitives
from chainrule.compiler.ir.expressions import Access, Buffer, Expression, Load, apply
from chainrule.compiler.ir.statements import Statement
from chainrule.optim import SGD, Adam, AdamW

if TYPE_CHECKING:
    from chainrule.optim import Optimizer

STATES = {SGD: ("momentum_buffer",), Adam: ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"), AdamW: ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")}
"""The optimisers whose rule is known here, and the names of the lists that each keeps. A subclass may have another rule."""


def options_of(optimizer: Optimizer) -> tuple[Any, ...]:
    """What a rule depends on: the kind of optimiser and its options. The learning rate is given at each step."""
    return type(optimizer), *(getattr(optimizer, name) for name in optimizer.OPTIONS if name != "lr")


class Rule:
    """An optimiser's step, as statements over all parameters.

    Arguments:
        optimizer: an SGD, Adam or AdamW.
        size: how many parameters there are, padding included.
        frozen: whether there are some that the optimiser does not change.
    """

    def __init__(self, optimizer: Optimizer, size: int, *, frozen: bool) -> None:
        self.optimizer = optimizer
        self.parameters, self.gradients = Buffer("p", size, "parameter"), Buffer("g", size, "adjoint")
        self.trained = Buffer("trained", size, "constant")
        self.scalars = Buffer("scalars", 8, "input")
        self.states = [Buffer(name, size, "value") for name in STATES[type(optimizer)] if self._uses(name)]
        self.statements = self._sgd() if isinstance(optimizer, SGD) else self._adam()
        if frozen:
            *others, last = self.statements
            kept = apply(primitives.select, _at(self.trained), last.value, _at(self.parameters))
            self.statements = [*others, self._stored(self.parameters, kept)]

    def _uses(self, name: str) -> bool:
        optimizer: Any = self.optimizer
        if name == "momentum_buffer":
            return bool(optimizer.momentum)
        return name != "max_exp_avg_sq" or bool(optimizer.amsgrad)

    @property
    def buffers(self) -> list[Buffer]:
        """All that the statements use."""
        return [self.parameters, self.gradients, self.trained, self.scalars, *self.states]

    def step_scalars(self, rates: np.ndarray, made: int, *, first: bool) -> np.ndarray:
        """The numbers that change from step to step.

        Arguments:
            rates: the learning rate of each step.
            made: how many steps were made before.
            first: whether the first step begins a momentum.

        Returns:
            A row for each step.
        """
        optimizer: Any = self.optimizer
        rows = np.zeros((len(rates), self.scalars.size))
        step = np.arange(made + 1, made + 1 + len(rates), dtype=np.float64)
        if isinstance(optimizer, SGD):
            rows[:, :3] = np.transpose([rates, np.full(len(rates), optimizer.momentum), np.full(len(rates), 1.0 - optimizer.dampening)])
            if first:
                rows[0, 1:3] = 0.0, 1.0
            return rows
        beta1, beta2 = optimizer.betas
        rows[:, 0] = rates / (1.0 - beta1**step)
        rows[:, 1] = np.sqrt(1.0 - beta2**step)
        rows[:, 2] = 1.0 - rates * (optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0)
        return rows

    def _scalar(self, number: int) -> Expression:
        return Load(Access(self.scalars, number, (0,)))

    def _stored(self, buffer: Buffer, value: Expression) -> Statement:
        return Statement((self.parameters.size,), Access(buffer, 0, (1,)), value)

    def _direction(self, weight_decay: float) -> Expression:
        optimizer: Any = self.optimizer
        gradient: Expression = -_at(self.gradients) if optimizer.maximize else _at(self.gradients)
        return gradient + weight_decay * _at(self.parameters) if weight_decay else gradient

    def _sgd(self) -> list[Statement]:
        optimizer: Any = self.optimizer
        g = self._direction(optimizer.weight_decay)
        statements = []
        if self.states:
            (m,) = self.states
            statements.append(self._stored(m, self._scalar(1) * _at(m) + self._scalar(2) * g))
            g = g + optimizer.momentum * _at(m) if optimizer.nesterov else _at(m)
        return [*statements, self._stored(self.parameters, _at(self.parameters) - self._scalar(0) * g)]

    def _adam(self) -> list[Statement]:
        optimizer: Any = self.optimizer
        beta1, beta2 = optimizer.betas
        decoupled = isinstance(optimizer, AdamW)
        g = self._direction(0.0 if decoupled else optimizer.weight_decay)
        m, v, *largest = self.states
        p: Expression = _at(self.parameters)
        if decoupled:
            p = p * self._scalar(2)
        statements = [
            self._stored(m, beta1 * _at(m) + (1.0 - beta1) * g),
            self._stored(v, beta2 * _at(v) + (1.0 - beta2) * g * g),
        ]
        scale = v
        if largest:
            statements.append(self._stored(largest[0], apply(primitives.maximum, _at(largest[0]), _at(v))))
            scale = largest[0]
        root = apply(primitives.divide, apply(primitives.sqrt, _at(scale)), self._scalar(1))
        step = apply(primitives.divide, _at(m), root + optimizer.eps)
        return [*statements, self._stored(self.parameters, p - self._scalar(0) * step)]


def _at(buffer: Buffer) -> Expression:
    return Load(Access(buffer, 0, (1,)))


__all__ = ["STATES", "Rule", "options_of"]
