"""What an optimiser does in a step, as statements over all parameters: the rules of `optim.py`, in the form that programs have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import primitives, updates
from chainrule.compiler.ir.expressions import Access, Buffer, Expression, Load, apply
from chainrule.compiler.ir.statements import Statement
from chainrule.optim import SGD, Adam, AdamW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.optim import Optimizer

STATES: dict[type[Optimizer], tuple[str, ...]] = {kind: kind.BUFFERS for kind in (SGD, Adam, AdamW)}
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
        rows[:, 0], rows[:, 1] = updates.adam_factors(rates, optimizer.betas, step, np.sqrt)
        rows[:, 2] = updates.decay_factor(rates, optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0)
        return rows

    def _scalar(self, number: int) -> Expression:
        return Load(Access(self.scalars, number, (0,)))

    def _stored(self, buffer: Buffer, value: Expression) -> Statement:
        return Statement((self.parameters.size,), Access(buffer, 0, (1,)), value)

    def _sgd(self) -> list[Statement]:
        optimizer: Any = self.optimizer
        p, g, lr, kept, new = _at(self.parameters), _at(self.gradients), *map(self._scalar, range(3))
        options = optimizer.momentum, kept, new, optimizer.weight_decay, optimizer.nesterov, optimizer.maximize, False
        moved, momentum = updates.sgd(lr, *options)(p, g, _at(self.states[0]) if self.states else 0.0)
        return self._stores(moved, [momentum])

    def _adam(self) -> list[Statement]:
        optimizer: Any = self.optimizer
        decoupled = isinstance(optimizer, AdamW)
        l2, decay = (0.0, self._scalar(2)) if decoupled else (optimizer.weight_decay, 1.0)
        states = [*map(_at, self.states), 0.0][:3]
        options = *optimizer.betas, optimizer.eps, l2, decay, optimizer.maximize, optimizer.amsgrad
        update = updates.adam(self._scalar(0), self._scalar(1), *options)
        moved, *kept = update(_at(self.parameters), _at(self.gradients), *states)
        return self._stores(moved, kept)

    def _stores(self, moved: Expression, kept: Sequence[Expression]) -> list[Statement]:
        """Statements that store the states and then the parameters; what is stored is loaded from there for what comes after it."""
        statements = []
        stored: dict[int, Expression] = {}
        for state, value in zip(self.states, kept, strict=False):
            statements.append(self._stored(state, value.replaced(lambda leaf: leaf, dict(stored))))
            stored[id(value)] = _at(state)
        return [*statements, self._stored(self.parameters, moved.replaced(lambda leaf: leaf, stored))]


def _at(buffer: Buffer) -> Expression:
    return Load(Access(buffer, 0, (1,)))


__all__ = ["STATES", "Rule", "options_of"]
