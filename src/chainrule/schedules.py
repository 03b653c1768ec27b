"""Learning-rate schedules, which change an optimiser's learning rate; names and arguments are those of `torch.optim.lr_scheduler`."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING

from chainrule.arguments import at_least_zero, finite, integer
from chainrule.optim import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class LRScheduler:
    """A learning rate that follows a formula: it is set when the schedule is made, and again at each `step()`.

    The formula computes the rate from the optimiser's first rate. So an optimiser can follow only one schedule at a time; write a
    combination as one `LambdaLR`.

    Arguments:
        optimizer: the optimiser whose `lr` to set; it may be one of your own.
        formula: a function of the first rate and the number of steps so far that returns the rate.
    """

    def __init__(self, optimizer: Optimizer, formula: Callable[[float, int], float]) -> None:
        if not hasattr(optimizer, "lr"):
            raise TypeError(f"a schedule needs an optimizer with a learning rate, `lr`, such as SGD; got {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.base_lr = optimizer.lr
        self.formula = formula
        self.last_epoch = 0
        optimizer.lr = formula(self.base_lr, 0)

    def step(self) -> None:
        """Go on to the next learning rate. Call it after `optimizer.step()`, once for each step or epoch, as the formula counts them."""
        lr = self.formula(self.base_lr, self.last_epoch + 1)
        self.optimizer.lr = lr
        self.last_epoch += 1

    def get_last_lr(self) -> list[float]:
        """Return the learning rate that the schedule set last, in a list of one as torch does."""
        return [self.formula(self.base_lr, self.last_epoch)]

    def state_dict(self) -> dict[str, float]:
        """Return all that is needed to go on later."""
        return {"base_lr": self.base_lr, "last_epoch": self.last_epoch}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Go on from what `state_dict()` returned, and set the learning rate.

        Raises:
            ValueError: if the state has other entries, or they do not fit.
        """
        if set(state) != {"base_lr", "last_epoch"}:
            raise ValueError(f"the state of a schedule must have base_lr and last_epoch, got {', '.join(map(str, state)) or 'nothing'}")
        base_lr, last_epoch = at_least_zero("base_lr", state["base_lr"]), integer("last_epoch", state["last_epoch"], 0)
        self.optimizer.lr = self.formula(base_lr, last_epoch)
        self.base_lr, self.last_epoch = base_lr, last_epoch


class LambdaLR(LRScheduler):
    """The first rate times a function of the number of steps.

    Arguments:
        optimizer: the optimiser whose `lr` to set.
        lr_lambda: a function of the number of steps so far that returns a factor.
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        if not callable(lr_lambda):
            raise TypeError(f"lr_lambda must be a function of the number of steps, got {type(lr_lambda).__name__}: {lr_lambda!r}")
        super().__init__(optimizer, lambda lr, t: lr * lr_lambda(t))


class StepLR(LRScheduler):
    """The first rate times `gamma` for every `step_size` steps.

    Arguments:
        optimizer: the optimiser whose `lr` to set.
        step_size: after how many steps the rate changes; 1 or more.
        gamma: the factor.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        step_size, gamma = integer("step_size", step_size, 1), at_least_zero("gamma", gamma)
        super().__init__(optimizer, lambda lr, t: lr * gamma ** (t // step_size))


class MultiStepLR(LRScheduler):
    """The first rate times `gamma` for every milestone reached.

    Arguments:
        optimizer: the optimiser whose `lr` to set.
        milestones: numbers of steps after which the rate changes.
        gamma: the factor.
    """

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        if not hasattr(milestones, "__iter__"):
            raise TypeError(f"milestones must be a list of numbers of steps, got {type(milestones).__name__}: {milestones!r}")
        passed, gamma = sorted(integer("a milestone", milestone, 0) for milestone in milestones), at_least_zero("gamma", gamma)
        super().__init__(optimizer, lambda lr, t: lr * gamma ** bisect_right(passed, t))


class ExponentialLR(LRScheduler):
    """The first rate times `gamma` for every step.

    Arguments:
        optimizer: the optimiser whose `lr` to set.
        gamma: the factor.
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        gamma = at_least_zero("gamma", gamma)
        super().__init__(optimizer, lambda lr, t: lr * gamma**t)


class LinearLR(LRScheduler):
    """The first rate times a factor that goes in a straight line from `start_factor` to `end_factor`, and stays there.

    Arguments:
        optimizer: the optimiser whose `lr` to set.
        start_factor: the first factor, greater than 0 and at most 1.
        end_factor: the factor after `total_iters` steps, from 0 to 1.
        total_iters: how many steps it takes; 1 or more.
    """

    def __init__(self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5) -> None:
        total_iters = integer("total_iters", total_iters, 1)
        start_factor, end_factor = finite("start_factor", start_factor), finite("end_factor", end_factor)
        if not 0 < start_factor <= 1:
            raise ValueError(f"start_factor must be greater than 0 and at most 1, got {start_factor!r}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"end_factor must be from 0 to 1, got {end_factor!r}")
        slope = (end_factor - start_factor) / total_iters
        super().__init__(optimizer, lambda lr, t: lr * (start_factor + slope * min(t, total_iters)))


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the first rate down to `eta_min` in `T_max` steps; beyond, it rises again, as a cosine does.

    Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, arXiv:1608.03983, eq. 5, without restarts.

    Arguments:
        optimizer: the optimiser whose `lr` to set.
        T_max: how many steps it takes; 1 or more.
        eta_min: the lowest rate.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        T_max, eta_min = integer("T_max", T_max, 1), at_least_zero("eta_min", eta_min)
        super().__init__(optimizer, lambda lr, t: eta_min + (lr - eta_min) * (1.0 + math.cos(math.pi * t / T_max)) / 2.0)


# --- checking what is given -------------------------------------------------------------------------------------------------------------
