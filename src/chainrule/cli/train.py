"""`chainrule train`: from a dataset to a folder with a model and pictures."""

from __future__ import annotations

import math
import random
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from chainrule import __version__
from chainrule.cli.scores import in_words, scores
from chainrule.data import BUNDLED, GENERATED, TASKS
from chainrule.nn import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chainrule.cli.interrupts import Interrupts
    from chainrule.data import Dataset
    from chainrule.engine import Value
    from chainrule.models import SavedModel
    from chainrule.training import History, State

HIDDEN, STEPS, BATCH_SIZE = (16, 16), 400, 16
DIGITS_HIDDEN, DIGITS_STEPS = (16,), 300  # 64 inputs take longer than 2
LEARNING_RATES = {"adam": 0.02, "adamw": 0.02, "sgd": 0.05}
LOSSES = ("cross-entropy", "max-margin", "squared-error")


def _sizes(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(part.isdecimal() and 0 < int(part) <= 10_000 for part in parts):
        raise click.BadParameter(f"{text!r} is not a list of layer sizes such as 16,16")
    return tuple(int(part) for part in parts)


class Finite(click.FloatRange):
    """A number in a range that is neither nan nor infinite, both of which click lets pass."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the number."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class Plan(NamedTuple):
    """The options of a training, as they were said or chosen."""

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


@click.command(short_help="Train a network on a dataset.")
@click.argument("dataset")
@click.option("--label", metavar="COLUMN", help="Which column of a CSV file to predict; the last by default.")
@click.option("--task", type=click.Choice(TASKS), help="Whether its labels are classes or numbers; found out by default.")
@click.option("--points", type=click.IntRange(min=4), help="How many points to make, for moons, circles, xor and spiral.")
@click.option("--noise", type=Finite(min=0), help="The standard deviation of their noise.")
@click.option("--hidden", callback=_sizes, metavar="SIZES", help='Neurons in the hidden layers: "16,16"; "" for none.')
@click.option("--activation", type=click.Choice(list(ACTIVATIONS)), default="relu", show_default=True)
@click.option("--loss", type=click.Choice(LOSSES), help="By default cross-entropy for classes, squared-error for numbers.")
@click.option("--optimizer", type=click.Choice(list(LEARNING_RATES)), default="adam", show_default=True)
@click.option("--learning-rate", "--lr", type=Finite(min=0, min_open=True), help="At first; it falls to 0, along a cosine.")
@click.option("--steps", type=click.IntRange(min=1), help=f"How many steps to make; {STEPS} by default, {DIGITS_STEPS} for digits.")
@click.option("--epochs", type=click.IntRange(min=1), help="How many times to go through the data, in place of --steps.")
@click.option("--batch-size", type=click.IntRange(min=1), default=BATCH_SIZE, show_default=True, help="Samples in each step.")
@click.option("--l2", type=Finite(min=0), default=0.0, show_default=True, help="The strength of the L2 penalty on the weights.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same result.")
@click.option("--test-split", type=Finite(min=0, max=1, max_open=True), default=0.2, show_default=True, help="The share to test with.")
@click.option("--output", "-o", metavar="FOLDER", help="Where to; by default runs/NAME. One with results is kept: NAME-2 is used.")
def train(dataset: str, label: str | None, task: str | None, points: int | None, noise: float | None, **options: Any) -> None:
    """Train a network on DATASET: moons, circles, xor, spiral, digits, iris, or a CSV file with a header.

    Ctrl-C stops early, and keeps what was learned.

    \b
    Examples:
      chainrule train moons
      chainrule train flowers.csv --label species --hidden 8 --epochs 50
    """
    from chainrule.cli.interrupts import KEEPING, interrupts
    from chainrule.cli.results import check_place
    from chainrule.data import train_test_split

    epochs, wanted = options.pop("epochs"), options.pop("output")
    if epochs is not None and options["steps"] is not None:
        raise click.UsageError("say --steps or --epochs, not both")
    rng = random.Random(options["seed"])
    data = _load(dataset, label, task, points, noise, rng)
    learn_from, test_with = train_test_split(data, options["test_split"], rng)
    plan = _plan(dataset, learn_from, epochs, options)
    folder = Path(wanted or Path("runs") / data.name)
    check_place(folder)
    _say_what(data, learn_from, test_with)
    used = {"chainrule": __version__, **plan._asdict(), "label": label, "task": data.task, "points": points, "noise": noise}
    with interrupts() as ctrl_c:
        saved, history = learn(learn_from, plan, rng, ctrl_c)
        ctrl_c.enter(KEEPING)
        if not history.step:
            raise click.ClickException("stopped before the first step; nothing was learned, and nothing is written")
        _keep(folder, saved, history, learn_from, test_with, used, ctrl_c)


def _keep(
    folder: Path, saved: SavedModel, history: History, learn_from: Dataset, test_with: Dataset, used: dict[str, Any], ctrl_c: Interrupts
) -> None:
    """Write the results, the model first, and say how good it is."""
    from chainrule.cli.results import add_pictures, publish, write_model

    judged = {"train": _judge(saved, learn_from), "test": _judge(saved, test_with)}
    used |= {"steps_done": len(history.step), "scores": {part: _as_json(found) for part, found in judged.items()}}
    place = publish(folder, lambda new: write_model(new, saved, used))
    if history.interrupted:
        click.echo(f"Stopped after step {len(history.step)} of {used['steps']}; what was learned is kept.", err=True)
    for part, found in judged.items():
        click.echo(f"{part.ljust(5)}  {in_words(found)}")
    told = {"model.json": "the model, for `chainrule predict`", "options.json": "the options used, and the scores"}
    told |= add_pictures(place, saved, learn_from, history, ctrl_c)
    click.echo(f"{place}/")
    for name, what in told.items():
        click.echo(f"  {name.ljust(12)}  {what}")


def _load(name: str, label: str | None, task: str | None, points: int | None, noise: float | None, rng: random.Random) -> Dataset:
    """The dataset by its name, or from the CSV file of that name."""
    from chainrule.data import load_csv
    from chainrule.tables import DataError

    made = {key: value for key, value in (("points", points), ("noise", noise)) if value is not None}
    if made and name not in GENERATED:
        raise click.UsageError(f"--{next(iter(made))} is for {', '.join(GENERATED)}; {name} has the points it has")
    if name in GENERATED or name in BUNDLED:
        if label or task:
            raise click.UsageError(f"--{'label' if label else 'task'} is for CSV files; what to predict in {name} is fixed")
        return GENERATED[name](seed=rng, **made) if name in GENERATED else BUNDLED[name]()
    if not Path(name).exists() and not Path(name).suffix:
        raise DataError(f"{name}: there is no such dataset ({', '.join([*GENERATED, *BUNDLED])}) and no such file")
    return load_csv(name, label, task)


def _plan(name: str, data: Dataset, epochs: int | None, options: dict[str, Any]) -> Plan:
    """The options as said, and the defaults for the others."""
    digits = name == "digits"
    if options["hidden"] is None:
        options["hidden"] = DIGITS_HIDDEN if digits else HIDDEN
    if epochs is not None:
        options["steps"] = epochs * -(-len(data.targets) // options["batch_size"])
    elif options["steps"] is None:
        options["steps"] = DIGITS_STEPS if digits else STEPS
    if options["learning_rate"] is None:
        options["learning_rate"] = LEARNING_RATES[options["optimizer"]]
    if options["loss"] is None:
        options["loss"] = "squared-error" if data.class_names is None else "cross-entropy"
    if data.class_names is None and options["loss"] != "squared-error":
        raise click.UsageError(f"--loss {options['loss']} is for classes, and {data.target_name!r} holds numbers; use squared-error")
    if data.class_names is not None and len(data.class_names) > 2 and options["loss"] != "cross-entropy":
        raise click.UsageError(f"--loss {options['loss']} is for two classes, and there are {len(data.class_names)}; use cross-entropy")
    return Plan(dataset=name, **options)


def learn(data: Dataset, plan: Plan, rng: random.Random, ctrl_c: Interrupts) -> tuple[SavedModel, History]:
    """Train a network on samples, with live progress, until Ctrl-C or the last step.

    Raises:
        FloatingPointError: if the training diverges.
    """
    from chainrule.cli.interrupts import KEEPING
    from chainrule.cli.progress import progress
    from chainrule.data import standardization
    from chainrule.engine import Value
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
    latest: list[Any] = []  # the outputs for the batch under way
    right: deque[bool] = deque(maxlen=len(data.targets))

    def loss(inputs: Sequence[Sequence[Value]], targets: Sequence[float]) -> Value:
        latest[:] = [model(row) for row in inputs]
        value = loss_of(latest, targets)
        return value + l2_penalty(parameters, plan.l2) if plan.l2 else value

    def callback(state: State) -> bool:
        accuracy = None
        if data.class_names is not None:
            found = [class_of([value.data for value in (out if isinstance(out, list) else [out])]) for out in latest]
            right.extend(a == data.targets[i] for a, i in zip(found, state.batch, strict=True))
            accuracy = sum(right) / len(right)
            state.record(accuracy=accuracy)
        watch(state.step, state.loss, accuracy)
        stop = ctrl_c.asked
        if stop or state.step == state.steps:  # no step is under way any more that a second Ctrl-C could end
            ctrl_c.enter(KEEPING)
        return stop

    rows = [[Value(x) for x in row] for row in scale.apply(data.inputs)]
    with progress(plan.steps) as watch:
        history = fit(
            loss,
            (rows, targets),
            optimizer=optimizer,
            steps=plan.steps,
            batch_size=plan.batch_size,
            schedule=CosineAnnealingLR(optimizer, plan.steps),
            callback=callback,
            rng=rng,
        )
    history.interrupted = len(history.step) < plan.steps
    saved = SavedModel(model, data.task, data.feature_names, data.target_name, data.class_names, scale, target_scale)
    return saved, history


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


def _judge(saved: SavedModel, data: Dataset) -> dict[str, float]:
    return scores(data.task, [saved.predict(row) for row in data.inputs], data.targets)


def _say_what(data: Dataset, learn_from: Dataset, test_with: Dataset) -> None:
    if data.class_names is None:
        what = f"{data.target_name!r} is a number"
    else:
        shown = ", ".join(data.class_names[:10]) + (", ..." if len(data.class_names) > 10 else "")
        what = f"{data.target_name!r} is one of {len(data.class_names)} classes: {shown}"
    click.echo(f"{data.name}: {len(data.targets):,} samples, {len(learn_from.targets):,} to learn from, {len(test_with.targets):,} to test")
    click.echo(f"{what}; it is predicted from {len(data.feature_names)} feature{'s' * (len(data.feature_names) != 1)}")


def _as_json(found: dict[str, float]) -> dict[str, float | None]:
    """The scores as JSON can hold them."""
    return {name: score if math.isfinite(score) else None for name, score in found.items()}
