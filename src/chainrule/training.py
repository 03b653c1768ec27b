"""`fit`: the training loop. Draw a minibatch, compute the loss, run backward(), let the optimiser step, and keep a record.

optimizer = Adam(model.parameters(), lr=0.01)
history = fit(loss, (inputs, targets), optimizer=optimizer, epochs=20, batch_size=32)
"""

from __future__ import annotations

import gc
import math
import operator
import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol

from chainrule.arguments import integer
from chainrule.ctrl_c import handled_by
from chainrule.engine import Value
from chainrule.positions import by_position
from chainrule.reals import real
from chainrule.schedules import LRScheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from chainrule.compiler.training.fit import NativeFit


class Optimizer(Protocol):
    """What `fit` needs of an optimiser."""

    def step(self) -> object:
        """Change every parameter once."""


class Schedule(Protocol):
    """What `fit` needs of a learning-rate schedule."""

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
        epoch: the number of the current epoch, from 1.
        loss: the loss of this step's batch.
        batch: the indices of the samples in it.
        history: all steps so far, including this one.
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
    data: Sequence[Sequence[Any]] = (),
    *,
    optimizer: Optimizer,
    params: Iterable[Value] | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    shuffle: bool = True,
    schedule: Schedule | None = None,
    callback: Callable[[State], bool | None] | None = None,
    every: int = 1,
    rng: random.Random | None = None,
) -> History:
    """Train: for each minibatch compute the loss, its gradients, and let the optimiser change the parameters.

    With a loss compiled by `chainrule.compile` and one of chainrule's optimisers, the whole training runs as machine code: batches,
    gradients and updates. With any other loss it runs on the eager engine; the numbers are the same, up to rounding.

    Ctrl-C ends the training after the current step; what was learned is kept, and `History.interrupted` is set.

    Arguments:
        loss: a function of the batch, one argument for each column of `data` (a list with an entry for each sample), to a Value; or a
            function of one sample that is compiled with batch="mean" or "sum"; or a compiled graph, which has no data.
        data: the columns, a tuple of equally long sequences: `(inputs, targets)`. They are read by position, and the index of a pandas
            Series is ignored; a DataFrame becomes an array of its rows. Training as machine code reads them once, at the beginning.
        optimizer: an optimiser over the parameters, from `chainrule.optim` or your own; its `step()` is called after each backward().
        params: the parameters, whose gradients are set to zero before each backward(); those of the optimiser by default.
        steps: how many steps to make; give this or `epochs`.
        epochs: how many times to go through all of the data.
        batch_size: how many samples make a batch; all of them by default. The last batch of an epoch may be smaller.
        shuffle: go through the samples in a new random order in each epoch; batches of all samples are left as they are.
        schedule: a learning-rate schedule; its `step()` is called after the optimiser's.
        callback: called after each step with a `State`; training ends when it returns True.
        every: call `callback` after each `every`-th step, and after the last one in any case.
        rng: the generator of the random orders, with a method `shuffle` that reorders a list in place; `random.Random(0)` by default, so
            that a run can be repeated.

    Returns:
        The history of the steps that were done.

    Raises:
        ValueError: if the arguments do not fit together: columns of different lengths, no samples, steps and epochs both or neither; if
            `rng` leaves out or repeats a sample.
        IndexError: if `rng` adds a sample that does not exist.
        TypeError: if `loss` does not return a Value (a plain 0 is accepted as a loss without gradients), or a column has no positions.
        FloatingPointError: if the loss or a parameter becomes nan or infinite; the message names the step.
    """
    every = integer("every", every, 1)
    counts = {"steps": steps, "epochs": epochs, "batch_size": batch_size}
    steps, epochs, batch_size = (number if number is None else integer(name, number, 1) for name, number in counts.items())
    data = _columns(data)
    samples = 1 if _needs_no_data(loss, data) else _sample_count(data)
    batch_size = samples if batch_size is None else min(batch_size, samples)
    steps = _step_count(steps, epochs, batch_size, samples)
    params = list(optimizer.params if params is None else params)  # type: ignore[attr-defined]
    orders = _orders(samples, shuffle and batch_size < samples, rng or random.Random(0))
    native = _native(loss, data, optimizer, orders, batch_size)
    run = _Run(loss, data, optimizer, params, schedule, _batches(orders, batch_size), steps)
    with _ctrl_c() as asked_to_stop:
        try:
            while len(run.history.step) < steps:
                due = min(steps, (len(run.history.step) // every + 1) * every) if callback is not None else steps
                if native is None:
                    run.step()
                else:
                    run.native_steps(native, due)
                done = len(run.history.step)
                if callback is not None and done == due:
                    stop = run.call(callback, native)
                    if stop:
                        break
                if asked_to_stop():
                    run.history.interrupted = done < steps
                    break
        except KeyboardInterrupt:  # a second Ctrl-C, or one where the signal is not ours to handle
            run.history.interrupted = True
        finally:
            if native is not None:
                native.write_back(params)
    history = run.history
    for column in history.metrics.values():
        column += [math.nan] * (len(history.step) - len(column))
    _check_finite(params, len(history.step))
    return history


@dataclass
class _Run:
    """A training under way."""

    loss: Callable[..., Value]
    data: Sequence[Sequence[Any]]
    optimizer: Any
    params: list[Value]
    schedule: Schedule | None
    batches: Iterator[tuple[int, Sequence[int]]]
    steps: int
    history: History = field(default_factory=History)
    epoch: int = 0
    batch: Sequence[int] = ()

    def step(self) -> None:
        """Make one step, on the eager engine."""
        self.epoch, self.batch = next(self.batches)
        number = len(self.history.step) + 1
        loss = _one_step(self.loss, [[column[i] for i in self.batch] for column in self.data], self.params, self.optimizer, number)
        self.history.step.append(number)
        self.history.loss.append(loss)
        self.history.learning_rate.append(getattr(self.optimizer, "lr", math.nan))
        if self.schedule is not None:
            self.schedule.step()

    def native_steps(self, native: NativeFit, due: int) -> None:
        """Make some steps as machine code, all with batches of one size, up to the step `due`."""
        done = len(self.history.step)
        looks = self._schedule_looks()
        self.epoch, self.batch, batches, count = native.take_batches(1 if looks else min(native.steps_at_once, due - done))
        state = self.schedule.state_dict() if self.schedule is not None and not looks else None  # type: ignore[attr-defined]
        rates = [self.optimizer.lr] if looks else self._rates(count)
        chunk = native.run(batches, rates, len(self.batch))
        made = len(chunk.losses) - chunk.failed
        self.history.step.extend(range(done + 1, done + made + 1))
        self.history.loss.extend(chunk.losses[:made])
        self.history.learning_rate.extend(rates[:made])
        if chunk.failed:
            if state is not None:  # as if the steps had been made one by one
                self.schedule.load_state_dict(state)  # type: ignore[union-attr]
                self._rates(made)
            native.hand_over(self.params)
            for parameter in self.params:
                parameter.grad = 0.0
            native.check(self.batch if batches is None else batches[made].tolist())
            _refuse_loss(chunk.losses[-1], done + made + 1, rates[made])
        if looks:
            native.hand_over(self.params)
            self.schedule.step()  # type: ignore[union-attr]

    def _schedule_looks(self) -> bool:
        """Whether the schedule may look at more than the number of steps, and so must be called after each."""
        return self.schedule is not None and getattr(self.schedule.step, "__func__", None) is not LRScheduler.step

    def _rates(self, count: int) -> list[float]:
        """The learning rates of the next steps; the schedule goes on as it does after each."""
        if self.schedule is None:
            return [self.optimizer.lr] * count
        rates = []
        for _ in range(count):
            rates.append(self.optimizer.lr)
            self.schedule.step()
        return rates

    def call(self, callback: Callable[[State], bool | None], native: NativeFit | None) -> bool | None:
        """Tell the callback where the training stands."""
        done = len(self.history.step)
        if native is not None:
            native.hand_over(self.params)
        return callback(State(done, self.steps, self.epoch, self.history.loss[-1], self.batch, self.history))


def _native(loss: Any, data: Any, optimizer: Any, orders: Iterator[Sequence[int]], batch_size: int) -> NativeFit | None:
    """What runs the training as machine code; None if the loss is not compiled, or the optimiser is not one of chainrule's."""
    if not getattr(loss, "compiled", False):
        return None
    from chainrule.compiler.training.fit import NativeFit

    if not NativeFit.can(loss, optimizer, data):
        return None
    native = NativeFit(loss, data, optimizer, orders, batch_size)
    return native if native.steps(batch_size) is not None else None


def _needs_no_data(loss: Any, data: Any) -> bool:
    """Whether the loss is a compiled graph, whose data are in the graph."""
    if not getattr(loss, "is_graph", False):
        return False
    if len(data):
        raise ValueError("a compiled graph holds its data already; call fit(step, optimizer=..., steps=...) without data")
    return True


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
    for parameter in params:  # backward() zeroes only those that this loss depends on
        parameter.grad = 0.0
    result = loss(*batch)
    is_graph = getattr(loss, "is_graph", False)  # a compiled one, which has filled the gradients
    if not isinstance(result, Value) and not is_graph:
        result = _constant_loss(result)
    number = float(result)
    if not math.isfinite(number):
        _refuse_loss(number, step, getattr(optimizer, "lr", None))
    if not is_graph:
        result.backward()
    optimizer.step()
    return number


def _constant_loss(loss: Any) -> Value:
    """A loss of 0 that is not a Value, as of `sum(max(0, 1 - score) for ...)` where every margin is met: it has no gradients."""
    try:
        number = real(loss)
    except (TypeError, OverflowError):
        raise TypeError(f"the loss must be a Value, got {type(loss).__name__}: {loss!r:.60}") from None
    if number == 0.0:
        return Value(0.0)
    raise TypeError(
        f"the loss must be a Value, got {type(loss).__name__}: {loss!r:.60}; a number has no gradients: return the Value itself, not its "
        "data, and write maximum(a, b) for max(a, b)"
    )


def _refuse_loss(loss: float, step: int, rate: float | None) -> NoReturn:
    raise FloatingPointError(
        f"the loss became {loss} at step {step}{'' if rate is None else f' (learning rate {rate:g})'}; lower the learning rate, "
        "or find the operation that made it with `with chainrule.detect_anomaly():`"
    )


def _columns(data: Any) -> list[Any]:
    """The columns of the data, each read by position."""
    if not isinstance(data, (list, tuple)) and type(data).__module__ != "numpy":
        raise TypeError(
            f"data must be a tuple of columns, such as (inputs, targets), got {type(data).__name__}; give a column for each argument "
            "of the loss, in their order, such as (table[['width', 'height']], table['price'])"
        )
    return [by_position(f"column {k} of data", column) for k, column in enumerate(data)]


def _sample_count(data: Sequence[Sequence[Any]]) -> int:
    lengths = [len(column) for column in data]
    if not lengths or len(set(lengths)) > 1:
        raise ValueError(f"data must be a tuple of columns of equal length, such as (inputs, targets); got lengths {lengths}")
    if lengths[0] == 0:
        raise ValueError("there are no samples to learn from: the columns of data are empty")
    return lengths[0]


def _step_count(steps: int | None, epochs: int | None, batch_size: int, samples: int) -> int:
    if (steps is None) == (epochs is None):
        raise ValueError(f"give either steps or epochs, to say how long to train; got steps={steps}, epochs={epochs}")
    return steps if steps is not None else (epochs or 0) * math.ceil(samples / batch_size)


def _orders(samples: int, shuffle: bool, rng: random.Random) -> Iterator[Sequence[int]]:
    """The order of the samples in each epoch, without end."""
    trusted = getattr(getattr(rng, "shuffle", None), "__func__", None) is random.Random.shuffle  # which only exchanges
    while True:
        if shuffle:
            order = list(range(samples))
            rng.shuffle(order)
            yield order if trusted else _checked_order(order, samples)
        else:
            yield range(samples)


def _checked_order(order: list[Any], samples: int) -> list[int]:
    """Check that an order has every sample once, since the user's own generator may leave anything, and return a copy."""
    checked = []
    for position, sample in enumerate(list(order)):
        try:
            checked.append(operator.index(sample))
        except TypeError:
            raise TypeError(
                f"rng.shuffle() left {sample!r:.60} at position {position} of the samples' order, but it must be an integer"
            ) from None
        if not 0 <= checked[-1] < samples:
            raise IndexError(
                f"rng.shuffle() left {checked[-1]} at position {position} of the samples' order, but the samples are 0 to {samples - 1}"
            )
    if len(set(checked)) < samples or len(checked) != samples:
        missing = next((k for k, sample in enumerate(sorted(set(checked))) if k != sample), len(set(checked)))
        raise ValueError(
            f"rng.shuffle() must only reorder the {samples} samples, but left {len(checked)} numbers, "
            + (f"with sample {missing} missing" if missing < samples else "with one of them twice")
        )
    return checked


def _batches(orders: Iterator[Sequence[int]], batch_size: int) -> Iterator[tuple[int, Sequence[int]]]:
    """The epoch and the indices of each minibatch, without end."""
    for epoch, order in enumerate(orders, 1):
        for begin in range(0, len(order), batch_size):
            yield epoch, list(order[begin : begin + batch_size])


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
