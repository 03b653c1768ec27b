"""`fit`: the training loop. Draw a minibatch, compute the loss, run backward(), let the optimiser step, and keep a record.

optimizer = Adam(model.parameters(), lr=0.01)
history = fit(loss, (inputs, targets), optimizer=optimizer, epochs=20, batch_size=32)
"""

from __future__ import annotations

import gc
import math
import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from chainrule.ctrl_c import handled_by
from chainrule.engine import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


class Optimizer(Protocol):
    """What `fit` needs of an optimiser: to change the parameters by their gradients."""

    def step(self) -> object:
        """Change every parameter once."""


class Schedule(Protocol):
    """What `fit` needs of a learning-rate schedule: to set the optimiser's learning rate for the next step."""

    def step(self) -> object:
        """Set the next learning rate."""


@dataclass
class History:
    """What happened in training: one entry in each list for each step done.

    Arguments:
        step: the numbers of the steps, from 1.
        loss: the loss of each step's batch, before the step changed the parameters.
        learning_rate: the optimiser's learning rate in that step; nan if it has no `lr`.
        metrics: lists of the user's own, filled by `State.record`; nan for the steps that recorded nothing.
        interrupted: whether Ctrl-C ended the training before its last step.
    """

    step: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    interrupted: bool = False

    def __repr__(self) -> str:
        last = f", last loss {self.loss[-1]:.6g}" if self.loss else ""
        return f"History({len(self.step)} steps{last}{', interrupted' if self.interrupted else ''})"


class State(NamedTuple):
    """Where the training stands after a step; what `fit` passes to its callback.

    Arguments:
        step: the number of steps done.
        steps: how many there will be.
        epoch: how many times the data have been gone through, this one included.
        loss: the loss of this step's batch.
        batch: the indices of the samples in it.
        history: all steps up to and with this one.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    batch: Sequence[int]
    history: History

    def record(self, **metrics: float) -> None:
        """Keep numbers of your own for this step, such as `accuracy=0.93`, in `history.metrics`."""
        for name, number in metrics.items():
            column = self.history.metrics.setdefault(name, [])
            column += [math.nan] * (self.step - 1 - len(column))
            column[self.step - 1 :] = [float(number)]


def fit(
    loss: Callable[..., Value],
    data: Sequence[Sequence[Any]],
    *,
    optimizer: Optimizer,
    params: Iterable[Value] | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    shuffle: bool = True,
    schedule: Schedule | None = None,
    callback: Callable[[State], bool | None] | None = None,
    rng: random.Random | None = None,
) -> History:
    """Train: for each minibatch compute the loss, its gradients, and let the optimiser change the parameters.

    Ctrl-C ends the training after the step that is under way; what was learned is kept, and `History.interrupted` is set.

    Arguments:
        loss: a function of the batch, one argument for each column of `data` (a list with an entry for each sample), to a Value.
        data: the columns, a tuple of equally long sequences: `(inputs, targets)`.
        optimizer: an optimiser over the parameters, from `chainrule.optim` or your own; its `step()` is called after each backward().
        params: the parameters, whose gradients are set to zero before each backward(); those of the optimiser by default.
        steps: how many steps to make; say this or `epochs`.
        epochs: how many times to go through all of the data.
        batch_size: how many samples make a batch; all of them by default. The last batch of an epoch may be smaller.
        shuffle: go through the samples in a new random order in each epoch.
        schedule: a learning-rate schedule; its `step()` is called after the optimiser's.
        callback: called after each step with a `State`; training ends when it returns True.
        rng: where the random orders come from; `random.Random(0)` by default, so that a run can be repeated.

    Returns:
        The history of the steps that were done.

    Raises:
        ValueError: if the arguments do not fit together: columns of different lengths, no samples, steps and epochs both or neither.
        TypeError: if `loss` does not return a Value.
        FloatingPointError: if the loss or a parameter becomes nan or infinite; the message names the step.
    """
    samples = _sample_count(data)
    batch_size = samples if batch_size is None else min(batch_size, samples)
    steps = _step_count(steps, epochs, batch_size, samples)
    params = list(optimizer.params if params is None else params)  # type: ignore[attr-defined]
    history = History()
    batches = _batches(samples, batch_size, shuffle, rng or random.Random(0))
    with _ctrl_c() as asked_to_stop:
        try:
            for step, (epoch, batch) in zip(range(1, steps + 1), batches, strict=False):
                number = _one_step(loss, [[column[i] for i in batch] for column in data], params, optimizer, step)
                history.step.append(step)
                history.loss.append(number)
                history.learning_rate.append(getattr(optimizer, "lr", math.nan))
                if schedule is not None:
                    schedule.step()
                if callback is not None and callback(State(step, steps, epoch, number, batch, history)):
                    break
                if asked_to_stop():
                    history.interrupted = step < steps
                    break
        except KeyboardInterrupt:  # a second Ctrl-C, or one where the signal is not ours to handle
            history.interrupted = True
    for column in history.metrics.values():
        column += [math.nan] * (len(history.step) - len(column))
    _check_finite(params, len(history.step))
    return history


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause Python's cyclic garbage collector while a graph is built and swept.

    It would walk the whole graph again and again, in search of cycles that graphs do not have, and take as long as the step itself.
    What cycles there are, from operations made by hand, are collected after the step.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_collector_paused()
def _one_step(loss: Callable[..., Value], batch: list[list[Any]], params: list[Value], optimizer: Optimizer, step: int) -> float:
    """One step of gradient descent; returns the loss before it."""
    result = loss(*batch)
    if not isinstance(result, Value):
        raise TypeError(f"the loss must be a Value, got {type(result).__name__}: {result!r}")
    if not math.isfinite(result.data):
        rate = getattr(optimizer, "lr", None)
        raise FloatingPointError(
            f"the loss became {result.data} at step {step}{'' if rate is None else f' (learning rate {rate:g})'}; lower the learning rate, "
            "or find the operation that made it with `with chainrule.detect_anomaly():`"
        )
    for parameter in params:  # backward() zeroes only those that this loss depends on
        parameter.grad = 0.0
    result.backward()
    optimizer.step()
    return result.data


def _sample_count(data: Sequence[Sequence[Any]]) -> int:
    lengths = [len(column) for column in data]
    if not lengths or len(set(lengths)) > 1:
        raise ValueError(f"data must be a tuple of columns of equal length, such as (inputs, targets); got lengths {lengths}")
    if lengths[0] == 0:
        raise ValueError("there are no samples to learn from: the columns of data are empty")
    return lengths[0]


def _step_count(steps: int | None, epochs: int | None, batch_size: int, samples: int) -> int:
    for name, number in (("steps", steps), ("epochs", epochs), ("batch_size", batch_size)):
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if (steps is None) == (epochs is None):
        raise ValueError(f"say how long to train, by steps or by epochs; got steps={steps}, epochs={epochs}")
    return steps if steps is not None else (epochs or 0) * math.ceil(samples / batch_size)


def _batches(samples: int, batch_size: int, shuffle: bool, rng: random.Random) -> Iterator[tuple[int, list[int]]]:
    """The epoch and the indices of each minibatch, without end."""
    epoch = 0
    while True:
        epoch += 1
        order = list(range(samples))
        if shuffle:
            rng.shuffle(order)
        for begin in range(0, samples, batch_size):
            yield epoch, order[begin : begin + batch_size]


def _check_finite(params: list[Value], step: int) -> None:
    for position, parameter in enumerate(params):
        if not math.isfinite(parameter.data):
            raise FloatingPointError(
                f"the parameter {parameter.label or position} became {parameter.data} in step {step}; lower the learning rate, or find "
                "the operation that made it with `with chainrule.detect_anomaly():`"
            )


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C only be noted, so that no step is cut in half; the second one raises KeyboardInterrupt as ever."""
    asked: list[bool] = []

    def note(signum: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)

    with handled_by(note):
        yield lambda: bool(asked)
