"""`chainrule train`: from a dataset to a folder with a model and pictures."""

from __future__ import annotations

import itertools
import math
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from chainrule import __version__
from chainrule.cli.learning import Learned, Plan, learn
from chainrule.cli.scores import in_words, scores
from chainrule.data import BUNDLED, GENERATED, LARGEST_NOISE, TASKS
from chainrule.foreign import clean, quoted, several
from chainrule.nn import ACTIVATIONS

if TYPE_CHECKING:
    from chainrule.cli.interrupts import Interrupts
    from chainrule.data import Dataset

LOSSES = ("cross-entropy", "max-margin", "squared-error")
MOST_POINTS = 1_000_000
MOST_STEPS = 1_000_000_000
MOST_WEIGHTS = 4_000_000
MOST_LAYERS = 100
LARGEST_RATE = 1e100
BYTES, BYTES_PER_WEIGHT = 200_000, 60  # that the results take: pictures and options, and weights in model.json
MISSING = ("na", "n/a", "nan", "none", "null", "nil", "?", "-")  # labels by which some programs mean that there is none


class Defaults(NamedTuple):
    """The values of options that are not given."""

    hidden: tuple[int, ...]
    steps: int
    batch_size: int
    l2: float
    learning_rates: dict[str, float]


USUAL = Defaults((16, 16), 400, 16, 0.0, {"adam": 0.02, "adamw": 0.02, "sgd": 0.05})
DIGITS = Defaults((128, 64), 600, 32, 7e-4, {"adam": 0.01, "adamw": 0.01, "sgd": 0.05})  # 97 % and more of the test samples are right


def _sizes(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(part.isascii() and part.isdecimal() and len(part) <= 5 and 0 < int(part) <= 10_000 for part in parts):
        raise click.BadParameter(f"{quoted(text)} is not a list of layer sizes such as 16,16, each from 1 to 10,000")
    if len(parts) > MOST_LAYERS:
        raise click.BadParameter(f"there are {len(parts):,} hidden layers, but at most {MOST_LAYERS} can be trained")
    return tuple(int(part) for part in parts)


def _default(option: str) -> str:
    return f"; {getattr(USUAL, option):g} by default, {getattr(DIGITS, option):g} for digits"


class Finite(click.FloatRange):
    """A finite number in a range; click itself accepts nan and infinities."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the number."""
        number = click.FLOAT.convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return super().convert(number, param, ctx)


@click.command(short_help="Train a network on a dataset.")
@click.argument("dataset")
@click.option("--label", metavar="COLUMN", help="Which column of a CSV file to predict; the last by default.")
@click.option("--task", type=click.Choice(TASKS), help="Whether the labels are classes or numbers; by default the labels decide.")
@click.option("--points", type=click.IntRange(min=4, max=MOST_POINTS), help="How many points to make, for moons, circles, xor and spiral.")
@click.option("--noise", type=Finite(min=0, max=LARGEST_NOISE), help="The standard deviation of the noise in these points.")
@click.option("--hidden", callback=_sizes, metavar="SIZES", help='Neurons in the hidden layers; "16,16" by default, "128,64" for digits.')
@click.option("--activation", type=click.Choice(list(ACTIVATIONS)), default="relu", show_default=True)
@click.option("--loss", type=click.Choice(LOSSES), help="By default cross-entropy for classes, squared-error for numbers.")
@click.option("--optimizer", type=click.Choice(list(USUAL.learning_rates)), default="adam", show_default=True)
@click.option(
    "--learning-rate",
    "--lr",
    type=Finite(min=0, min_open=True, max=LARGEST_RATE),
    help="The first learning rate; it falls to 0 along a cosine.",
)
@click.option("--steps", type=click.IntRange(min=1, max=MOST_STEPS), help=f"How many steps to make{_default('steps')}.")
@click.option("--epochs", type=click.IntRange(min=1, max=MOST_STEPS), help="How many times to go through the data, in place of --steps.")
@click.option("--batch-size", type=click.IntRange(min=1), help=f"Samples in each step{_default('batch_size')}.")
@click.option("--l2", type=Finite(min=0, max=LARGEST_RATE), help=f"The strength of the L2 penalty on the weights{_default('l2')}.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same result.")
@click.option(
    "--test-split", type=Finite(min=0, max=1, max_open=True), default=0.2, show_default=True, help="The share of samples to test with."
)
@click.option("--output", "-o", metavar="FOLDER", help="The folder for the results; runs/NAME by default, or NAME-2 if that has results.")
def train(dataset: str, label: str | None, task: str | None, points: int | None, noise: float | None, **options: Any) -> None:
    """Train a network on DATASET: moons, circles, xor, spiral, digits, iris, or a CSV file with a header.

    Ctrl-C stops the training early and keeps what was learned.

    \b
    Examples:
      chainrule train moons
      chainrule train flowers.csv --label species --hidden 8 --epochs 50
    """
    from chainrule.cli.interrupts import KEEPING, PROCESS, interrupts
    from chainrule.cli.results import check_folder
    from chainrule.data import train_test_split

    epochs, wanted = options.pop("epochs"), options.pop("output")
    if epochs is not None and options["steps"] is not None:
        raise click.UsageError("give --steps or --epochs, not both")
    rng = random.Random(options["seed"])
    data = _load(dataset, label, task, points, noise, rng)
    learn_from, test_with = train_test_split(data, options["test_split"], rng)
    plan = _plan(dataset, learn_from, epochs, options)
    folder = Path(wanted or Path("runs") / data.name)
    check_folder(folder, BYTES + BYTES_PER_WEIGHT * _weights(data, plan))
    _say_what(data, learn_from, test_with)
    used = {"chainrule": __version__, **plan._asdict(), "label": label, "task": data.task, "points": points, "noise": noise}
    with interrupts(is_last=click.get_current_context().obj == PROCESS) as ctrl_c:
        learned = learn(learn_from, plan, rng, ctrl_c)
        ctrl_c.enter(KEEPING)
        if not learned.history.step:
            raise click.ClickException("stopped before the first step; nothing was learned, and nothing is written")
        _keep(folder, learned, learn_from, test_with, used, ctrl_c)


def _keep(folder: Path, learned: Learned, learn_from: Dataset, test_with: Dataset, used: dict[str, Any], ctrl_c: Interrupts) -> None:
    """Write the results, the model first, and say how good it is."""
    from chainrule.cli.results import add_pictures, keep, write_model

    saved, history, _ = learned
    judged = {"train": _judge(learned, learn_from), "test": _judge(learned, test_with)}
    used |= {"steps_done": len(history.step), "scores": {part: _as_json(found) for part, found in judged.items()}}
    place, problem = keep(folder, lambda new: write_model(new, saved, used))
    if history.interrupted:
        click.echo(f"Stopped after step {len(history.step)} of {used['steps']}; what was learned is kept.", err=True)
    for part, found in judged.items():
        click.echo(f"{part.ljust(5)}  {in_words(found)}")
    told = {"model.json": "the model, for `chainrule predict`", "options.json": "the options used, and the scores"}
    told |= add_pictures(place, saved, learn_from, history, ctrl_c)
    click.echo(f"{clean(place)}/")
    for name, what in told.items():
        click.echo(f"  {name.ljust(12)}  {what}")
    if problem:
        raise click.ClickException(f"the folder {clean(folder)} could not be made ({problem}); the results are in {clean(place)} instead")


def _load(name: str, label: str | None, task: str | None, points: int | None, noise: float | None, rng: random.Random) -> Dataset:
    """Load the dataset of this name, or the CSV file."""
    from chainrule.data import load_csv
    from chainrule.tables import DataError

    made = {key: value for key, value in (("points", points), ("noise", noise)) if value is not None}
    if made and name not in GENERATED:
        raise click.UsageError(f"--{next(iter(made))} is for {', '.join(GENERATED)}; the points of {clean(name)} are fixed")
    if name in GENERATED or name in BUNDLED:
        if label or task:
            raise click.UsageError(f"--{'label' if label else 'task'} is for CSV files; what to predict in {name} is fixed")
        return GENERATED[name](seed=rng, **made) if name in GENERATED else BUNDLED[name]()
    if not os.path.exists(name) and not Path(name).suffix:
        raise DataError(f"{clean(name)}: there is no such dataset ({', '.join([*GENERATED, *BUNDLED])}) and no such file")
    return load_csv(name, label, task)


def _plan(name: str, data: Dataset, epochs: int | None, options: dict[str, Any]) -> Plan:
    """The options as given, and the defaults of the others."""
    defaults = DIGITS if name == "digits" else USUAL
    if epochs is None and options["steps"] is None:
        options["steps"] = defaults.steps
    for option in ("hidden", "batch_size", "l2"):
        if options[option] is None:
            options[option] = getattr(defaults, option)
    if epochs is not None:
        options["steps"] = epochs * -(-len(data.targets) // options["batch_size"])
    if options["learning_rate"] is None:
        options["learning_rate"] = defaults.learning_rates[options["optimizer"]]
    if options["loss"] is None:
        options["loss"] = "squared-error" if data.class_names is None else "cross-entropy"
    if data.class_names is None and options["loss"] != "squared-error":
        raise click.UsageError(f"--loss {options['loss']} is for classes, but {quoted(data.target_name)} holds numbers; use squared-error")
    if data.class_names is not None and len(data.class_names) > 2 and options["loss"] != "cross-entropy":
        raise click.UsageError(f"--loss {options['loss']} is for two classes, but there are {len(data.class_names)}; use cross-entropy")
    plan = Plan(dataset=name, **options)
    if plan.steps > MOST_STEPS:
        raise click.UsageError(f"--epochs {epochs} means {plan.steps:,} steps, but at most {MOST_STEPS:,} are possible")
    if (weights := _weights(data, plan)) > MOST_WEIGHTS:
        raise click.UsageError(
            f"this network would have {weights:,} weights, but at most {MOST_WEIGHTS:,} can be trained; choose smaller --hidden"
        )
    return plan


def _weights(data: Dataset, plan: Plan) -> int:
    """How many weights and biases the network has."""
    outputs = len(data.class_names) if data.class_names is not None and len(data.class_names) > 2 else 1
    sizes = [len(data.feature_names), *plan.hidden, outputs]
    return sum((fan_in + 1) * size for fan_in, size in itertools.pairwise(sizes))


def _judge(learned: Learned, data: Dataset) -> dict[str, float]:
    saved = learned.saved
    rows = saved.standardization.apply(data.inputs) if saved.standardization else data.inputs
    return scores(data.task, [saved.prediction(outputs) for outputs in learned.outputs(rows)], data.targets)


def _say_what(data: Dataset, learn_from: Dataset, test_with: Dataset) -> None:
    if data.class_names is None:
        what = f"{quoted(data.target_name)} is a number"
    else:
        shown = ", ".join(clean(name, longest=60) for name in data.class_names[:10]) + (", ..." if len(data.class_names) > 10 else "")
        what = f"{quoted(data.target_name)} is one of {len(data.class_names)} classes: {shown}"
    click.echo(
        f"{clean(data.name)}: {len(data.targets):,} samples, {len(learn_from.targets):,} to learn from, {len(test_with.targets):,} to test"
    )
    missing = [name for name in data.class_names or () if name.lower() in MISSING]
    click.echo(f"{what}; it is predicted from {len(data.feature_names)} feature{'s' * (len(data.feature_names) != 1)}")
    if missing:
        count = "counts as a class" if len(missing) == 1 else "count as classes"
        click.echo(f"note: {several(missing)} {count}; remove these rows if it means that the label is missing", err=True)


def _as_json(found: dict[str, float]) -> dict[str, float | None]:
    """The scores in a form that JSON can hold."""
    return {name: score if math.isfinite(score) else None for name, score in found.items()}
