"""Datasets: generated points, the datasets that come with scikit-learn, and CSV files.

train, test = train_test_split(moons(100, seed=1), 0.2, seed=1)
"""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chainrule.foreign import clean, quoted, several
from chainrule.labels import check_varied, class_targets, look_like_classes
from chainrule.positions import by_position, listed
from chainrule.tables import DataError, read_table

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    Seed: TypeAlias = int | random.Random | None

CLASSIFICATION, REGRESSION = "classification", "regression"
TASKS = (CLASSIFICATION, REGRESSION)
LARGEST_NOISE = 1e290  # so that no coordinate is beyond what can be computed with


class Dataset(NamedTuple):
    """Samples and what to predict for each.

    Arguments:
        name: what the data are called.
        inputs: a row of features for each sample.
        targets: for each sample the index of its class, or the number to predict.
        feature_names: what each feature is called.
        class_names: the names of the classes, in the order of their indices; None if the targets are numbers.
        target_name: what the target is called.
    """

    name: str
    inputs: list[list[float]]
    targets: list[int] | list[float]
    feature_names: list[str]
    class_names: list[str] | None
    target_name: str = "class"

    @property
    def task(self) -> str:
        """`"classification"` or `"regression"`."""
        return REGRESSION if self.class_names is None else CLASSIFICATION

    def take(self, indices: Iterable[int]) -> Dataset:
        """The samples at these positions."""
        indices = list(indices)
        inputs, targets = by_position("inputs", self.inputs), by_position("targets", self.targets)
        return self._replace(inputs=[inputs[i] for i in indices], targets=[targets[i] for i in indices])


# --- made on the spot ---------------------------------------------------------------------------------------------------------------


def moons(points: int = 100, noise: float = 0.1, seed: Seed = None) -> Dataset:
    """Two interleaved half circles of radius 1, as in scikit-learn's `make_moons`.

    Arguments:
        points: how many in all, half of them (rounded up) in the upper moon.
        noise: the standard deviation of what is added to each coordinate.
        seed: an int or a `random.Random`, to get the same points again; None for new ones.

    Returns:
        Points with two features, in two classes, in random order.

    Raises:
        ValueError: if there are fewer points than classes, or the noise is negative, not finite, or more than 1e290.
    """

    def point(label: int, t: float, rng: random.Random) -> tuple[float, float]:
        x, y = math.cos(math.pi * t), math.sin(math.pi * t)
        return (x, y) if label == 0 else (1.0 - x, 0.5 - y)

    return _points("moons", point, points, noise, seed)


def circles(points: int = 100, noise: float = 0.05, seed: Seed = None) -> Dataset:
    """A circle of radius 1 around one of radius 1/2; arguments and result as for `moons`."""

    def point(label: int, t: float, rng: random.Random) -> tuple[float, float]:
        angle, radius = 2.0 * math.pi * t, 0.5 if label else 1.0
        return radius * math.cos(angle), radius * math.sin(angle)

    return _points("circles", point, points, noise, seed, closed=True)


def xor(points: int = 100, noise: float = 0.25, seed: Seed = None) -> Dataset:
    """Points around the corners (+-1, +-1); the class is 1 where the signs differ. Arguments and result as for `moons`."""

    def point(label: int, t: float, rng: random.Random) -> tuple[float, float]:
        x = rng.choice((-1.0, 1.0))
        return x, -x if label else x

    return _points("xor", point, points, noise, seed)


def spiral(points: int = 150, noise: float = 0.02, seed: Seed = None) -> Dataset:
    """Two arms that wind once around the origin, out to radius 1; arguments and result as for `moons`."""

    def point(label: int, t: float, rng: random.Random) -> tuple[float, float]:
        radius, angle = 0.1 + 0.9 * t, 2.0 * math.pi * t + math.pi * label
        return radius * math.cos(angle), radius * math.sin(angle)

    return _points("spiral", point, points, noise, seed)


def _points(
    name: str,
    point: Callable[[int, float, random.Random], tuple[float, float]],
    points: int,
    noise: float,
    seed: Seed,
    closed: bool = False,
) -> Dataset:
    """Two classes of points along two curves, each run through from t = 0 to t = 1 in even steps (`closed`: 1 is 0 again)."""
    if points < 2:
        raise ValueError(f"{name} needs at least 2 points, one of each class, got {points}")
    if not 0 <= noise <= LARGEST_NOISE:
        raise ValueError(f"the noise must be a standard deviation, a finite number from 0 to {LARGEST_NOISE:g}, got {noise}")
    rng = generator(seed)
    samples = []
    for label, count in ((0, points - points // 2), (1, points // 2)):
        steps = max(1, count if closed else count - 1)
        for i in range(count):
            x, y = point(label, i / steps, rng)
            samples.append(([x + rng.gauss(0.0, noise), y + rng.gauss(0.0, noise)], label))
    rng.shuffle(samples)
    return Dataset(name, [row for row, _ in samples], [label for _, label in samples], ["x", "y"], ["0", "1"])


def generator(seed: Seed) -> random.Random:
    """Return a generator of random numbers: `seed` itself if it is one, else a new one with that seed."""
    return seed if isinstance(seed, random.Random) else random.Random(seed)


# --- shipped with scikit-learn ------------------------------------------------------------------------------------------------------


def digits() -> Dataset:
    """1,797 handwritten digits, 8 x 8 pixels each, brightness 0 to 16 (UCI Optical Recognition of Handwritten Digits).

    Raises:
        ImportError: if scikit-learn is not installed.
    """
    return _bundled("digits", "digit")


def iris() -> Dataset:
    """150 iris flowers of three species: length and width of sepals and petals in cm (Fisher, 1936).

    Raises:
        ImportError: if scikit-learn is not installed.
    """
    return _bundled("iris", "species")


def _bundled(name: str, target_name: str) -> Dataset:
    try:
        from sklearn import datasets  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(f'the {name} come with scikit-learn, which is not installed: pip install "chainrule[data]"') from None
    bunch = getattr(datasets, f"load_{name}")()
    classes = [str(label) for label in bunch.target_names]
    return Dataset(name, bunch.data.tolist(), bunch.target.tolist(), [str(f) for f in bunch.feature_names], classes, target_name)


GENERATED: dict[str, Callable[..., Dataset]] = {"moons": moons, "circles": circles, "xor": xor, "spiral": spiral}
BUNDLED: dict[str, Callable[[], Dataset]] = {"digits": digits, "iris": iris}

# --- read from a CSV file -----------------------------------------------------------------------------------------------------------


def load_csv(path: str | os.PathLike[str], label: str | None = None, task: str | None = None) -> Dataset:
    """Read a dataset from a CSV file with a header; all columns but the label hold numbers.

    If `task` is None, the labels decide. They are classes if most of them are not numbers; if all are whole numbers, and there are two
    different ones, or at most 20 with five rows each on average; or if some are identifiers, which are whole numbers that begin with 0,
    such as 02134, or that a float cannot hold, such as 900000000000000001. Otherwise they are numbers to predict, from -1e300 to 1e300,
    written with the digits 0 to 9. The name of a class is the text of its label, without white space around it; where both `1` and `1.0`
    occur, they are one class.

    Arguments:
        path: the file; comma, semicolon or tab separate its cells.
        label: the name of the column to predict; the last by default.
        task: `"classification"` or `"regression"`.

    Returns:
        The dataset, named after the file.

    Raises:
        DataError: if the file cannot be used; the message names file, row and column.
        ValueError: if `task` is neither.
    """
    if task not in (None, *TASKS):
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    table = read_table(path)
    if label is None:
        label = table.columns[-1]
    elif label not in table.columns:
        columns = several(table.columns, _shortly)
        raise DataError(f"{clean(path)}: there is no column {quoted(label)} to predict; the columns are {columns}")
    features = [column for column in table.columns if column != label]
    if not features:
        alone = f"{clean(path)}: {quoted(label)} is the only column, so there is nothing to predict it from"
        raise DataError(f"{alone}; columns are separated by commas, semicolons or tabs")
    targets: list[int] | list[float]
    if task == CLASSIFICATION or (task is None and look_like_classes(table, label)):
        targets, classes = class_targets(table, label)
    else:
        targets, classes = [row[0] for row in table.floats([label])], None
    inputs = table.floats(features)
    check_varied(table, label, targets, classes)
    return Dataset(Path(path).stem, inputs, targets, features, classes, label)


def _shortly(name: str) -> str:
    return clean(name, longest=60)


# --- before training ----------------------------------------------------------------------------------------------------------------


def train_test_split(dataset: Dataset, fraction: float = 0.2, seed: Seed = None) -> tuple[Dataset, Dataset]:
    """Divide a dataset at random into training samples and test samples.

    Arguments:
        dataset: what to divide. Each class is divided in the same proportion, and keeps at least one training sample.
        fraction: the share to test with, 0 or more and less than 1.
        seed: an int or a `random.Random`, to get the same division again.

    Returns:
        The training samples and the test samples; there may be no test samples.

    Raises:
        ValueError: if the fraction is out of range.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"the share of samples to test with must be at least 0 and less than 1, got {fraction}")
    rng = generator(seed)
    groups: dict[float, list[int]] = {}
    for i, target in enumerate(listed("targets", dataset.targets)):
        groups.setdefault(target if dataset.class_names is not None else 0.0, []).append(i)
    train: list[int] = []
    test: list[int] = []
    for _, group in sorted(groups.items()):
        rng.shuffle(group)
        count = min(round(len(group) * fraction), len(group) - 1)
        test += group[:count]
        train += group[count:]
    rng.shuffle(train)
    rng.shuffle(test)
    return dataset.take(train), dataset.take(test)


class Standardization(NamedTuple):
    """How each feature is shifted and scaled to mean 0 and standard deviation 1; computed from the training samples and applied to all."""

    mean: list[float]
    scale: list[float]

    def apply(self, rows: Iterable[Sequence[float]]) -> list[list[float]]:
        """The rows with every feature standardised."""
        return [[(x - m) / s for x, m, s in zip(row, self.mean, self.scale, strict=True)] for row in listed("rows", rows)]

    def undo(self, row: Sequence[float]) -> list[float]:
        """Return the row whose standardised form this is."""
        return [x * s + m for x, m, s in zip(row, self.mean, self.scale, strict=True)]


def standardization(rows: Sequence[Sequence[float]]) -> Standardization:
    """Find the mean and the standard deviation (of the population) of each feature; the scale of a constant feature is 1.

    Raises:
        ValueError: if there are no rows.
    """
    rows = listed("rows", rows)
    if not rows:
        raise ValueError("standardization() needs at least one row")
    found = [_mean_and_scale(column) for column in zip(*rows, strict=True)]
    return Standardization([mean for mean, _ in found], [scale for _, scale in found])


def _mean_and_scale(column: Sequence[float]) -> tuple[float, float]:
    # A power of two brings the largest near 1: that rounds nothing, and squares neither overflow nor vanish.
    exponent = math.frexp(max(map(abs, column)))[1]
    column = [math.ldexp(x, -exponent) for x in column]
    mean = math.fsum(column) / len(column)
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in column) / len(column))
    if not deviation > 1e-12 * abs(mean):  # rounding leaves a constant column with a deviation that is tiny beside its mean
        return math.ldexp(mean, exponent), 1.0
    return math.ldexp(mean, exponent), math.ldexp(deviation, exponent) or math.ulp(0.0)
