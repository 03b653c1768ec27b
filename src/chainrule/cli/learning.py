"""Train a network for the command `train`: as machine code if the compiler is installed, else eagerly.

Both ways make the same steps, show the same progress, and give the same weights, up to rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from chainrule.cli.interrupts import Interrupts
    from chainrule.data import Dataset
    from chainrule.engine import Value
    from chainrule.models import SavedModel
    from chainrule.training import History, State

SHOWN = 200  # samples on which the accuracy shown during training is measured
BETWEEN = 2000  # samples to learn from between looks at it, at most: a look costs little beside that, and Ctrl-C does not wait long


class Plan(NamedTuple):
    """The options of a training, as given or chosen by default."""

    dataset: str
    hidden: tuple[int, ...]
    activation: str
    loss: str
    optimizer: str
    learning_rate: float
    steps: int
    batch_size: int
    l2: float
    seed: int
    test_split: float


class Learned(NamedTuple):
    """The result of a training: the model, its history, and the network as a function of many rows."""

    saved: SavedModel
    history: History
    outputs: Callable[[Sequence[Sequence[float]]], list[list[float]]]


def learn(data: Dataset, plan: Plan, rng: random.Random, ctrl_c: Interrupts) -> Learned:
    """Train a network on samples, with live progress, until Ctrl-C or the last step.

    Raises:
        FloatingPointError: if the training diverges.
    """
    from chainrule.cli.compiling import outputs_of
    from chainrule.cli.interrupts import KEEPING
    from chainrule.cli.progress import LINES, progress
    from chainrule.cli.scores import accuracy
    from chainrule.data import standardization
    from chainrule.losses import l2_penalty
    from chainrule.models import SavedModel, class_of
    from chainrule.nn import MLP
    from chainrule.schedules import CosineAnnealingLR
    from chainrule.training import fit

    scale = standardization(data.inputs)
    loss_of, targets, target_scale = _loss(data, plan.loss)
    outputs = len(data.class_names) if data.class_names is not None and len(data.class_names) > 2 else 1
    init = "he" if "relu" in plan.activation else "xavier"
    model = MLP(len(data.feature_names), [*plan.hidden, outputs], activation=plan.activation, init=init, rng=rng)
    parameters = model.parameters()
    optimizer = _optimizer(plan.optimizer, parameters, plan.learning_rate)
    rows = scale.apply(data.inputs)
    predict = outputs_of(model)
    look = max(1, min(plan.steps // LINES, BETWEEN // min(plan.batch_size, len(rows))))

    def loss(inputs: Sequence[Sequence[Value]], targets: Sequence[float]) -> Value:
        value = loss_of([model(row) for row in inputs], targets)
        return value + l2_penalty(parameters, plan.l2) if plan.l2 else value

    def callback(state: State) -> bool:
        if state.step % look == 0 or state.step == state.steps:
            right = None
            if data.class_names is not None:
                right = accuracy([class_of(found) for found in predict(rows[:SHOWN])], data.targets[:SHOWN])
                state.record(accuracy=right)
            watch(state.step, state.loss, right)
        stop = ctrl_c.asked
        if stop or state.step == state.steps:  # no step is under way any more that a second Ctrl-C could end
            ctrl_c.enter(KEEPING)
        return stop

    with progress(plan.steps) as watch:
        history = fit(
            **_run(loss, rows, targets, look),
            optimizer=optimizer,
            steps=plan.steps,
            batch_size=plan.batch_size,
            schedule=CosineAnnealingLR(optimizer, plan.steps),
            callback=callback,
            rng=rng,
        )
    history.interrupted = len(history.step) < plan.steps
    saved = SavedModel(model, data.task, data.feature_names, data.target_name, data.class_names, scale, target_scale)
    return Learned(saved, history, predict)


def _run(loss: Callable[..., Value], rows: list[list[float]], targets: Sequence[float], look: int) -> dict[str, Any]:
    """The loss, the data in the form that it takes, and after how many steps to ask for Ctrl-C, which is soon in either case."""
    from chainrule.cli.compiling import compiler
    from chainrule.engine import Value

    compile, _ = compiler()
    if compile is None:
        return {"loss": loss, "data": ([[Value(x) for x in row] for row in rows], targets), "every": 1}
    of_one = compile(lambda row, target: loss([row], [target]), batch="mean")
    return {"loss": of_one, "data": (rows, targets), "every": look}


def _loss(data: Dataset, name: str) -> tuple[Callable[..., Value], Sequence[float], Any]:
    """The loss, the targets in the form that it takes, and what numbers to predict were scaled by."""
    from chainrule import losses
    from chainrule.data import standardization

    if data.class_names is None:
        scale = standardization([[target] for target in data.targets])
        return losses.mean_squared_error, [row[0] for row in scale.apply([[target] for target in data.targets])], scale
    if name == "cross-entropy":
        return (losses.cross_entropy if len(data.class_names) > 2 else losses.binary_cross_entropy), data.targets, None
    signs = [2 * target - 1 for target in data.targets]
    return (losses.max_margin if name == "max-margin" else losses.mean_squared_error), signs, None


def _optimizer(name: str, parameters: list[Value], learning_rate: float) -> Any:
    from chainrule.optim import SGD, Adam, AdamW

    if name == "sgd":
        return SGD(parameters, lr=learning_rate, momentum=0.9)
    return {"adam": Adam, "adamw": AdamW}[name](parameters, lr=learning_rate)
