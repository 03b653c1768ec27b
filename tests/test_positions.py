"""Data are read by position, on both engines and compiled, whatever they come in; what has no positions is refused by name."""

import array
import collections
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import SGD, Value, fit, mean, mean_squared_error, take
from chainrule.data import Dataset, standardization, train_test_split
from chainrule.positions import by_position, listed

X = np.linspace(-1.0, 1.0, 12)
Y = 2.0 * X


class Labelled:
    """Answers `[i]` by a label that is no position, and iterates over its labels, as tables of other libraries do."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.array(numbers)
        self.labels = list(range(len(self.numbers)))[::-1]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, label: int) -> Any:
        return self.numbers[self.labels.index(label)]

    def __iter__(self) -> Iterator[int]:
        return iter(self.labels)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.numbers


class Sequence:
    def __init__(self, numbers: Any) -> None:
        self.numbers = list(numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, position: int) -> Any:
        return self.numbers[position]


FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": lambda y: y,
    "labelled": Labelled,
    "rows of one": lambda y: Labelled(y[:, None]),
    "list of labelled": lambda y: [Labelled([t]) for t in y],
    "sequence": Sequence,
    "deque": collections.deque,
    "array.array": lambda y: array.array("d", y),
    "memoryview": lambda y: memoryview(array.array("d", y)),
    "memoryview of rows": lambda y: memoryview(np.array(y[:, None])),
    "values of a dict": lambda y: dict(enumerate(y.tolist())).values(),
    "keys of a dict": lambda y: dict.fromkeys(y.tolist()).keys(),
    "matrix": lambda y: y[:, None].view(np.matrix),
    "nothing masked": np.ma.array,
    "objects": lambda y: y.astype(object),
}


def of_pandas(y: np.ndarray) -> list[Any]:
    pandas = pytest.importorskip("pandas")
    shuffled = np.random.default_rng(0).permutation(len(y))
    two_levels = pandas.MultiIndex.from_tuples([(k // 2, k % 2) for k in range(len(y))])
    labels = (shuffled, [0] * len(y), list("abcdefghijkl"), two_levels, pandas.date_range("2020", periods=len(y)), shuffled - 6.0)
    return [pandas.Series(y, index=index) for index in labels] + [pandas.DataFrame({"y": y}, index=index) for index in labels]


def single(target: Any) -> Any:
    return target[0] if hasattr(target, "__len__") else target


def slopes(targets: Any) -> list[float]:
    """What the slope of a line becomes in training, eagerly and compiled."""
    found = []
    for compiled in (False, True):
        w = Value(0.0)
        loss = (
            chainrule.compile(lambda x, t, w=w: (w * x - single(t)) ** 2, batch="mean")
            if compiled
            else lambda xs, ts, w=w: mean((w * x - single(t)) ** 2 for x, t in zip(xs, ts, strict=True))
        )
        fit(loss, (X, targets), optimizer=SGD([w], lr=0.3), steps=40, batch_size=5)  # type: ignore[arg-type]
        found.append(w.data)
    return found


@pytest.mark.parametrize("form", FORMS)
def test_rows_and_targets_stay_together(form: str) -> None:
    assert slopes(FORMS[form](Y)) == pytest.approx([2.0, 2.0], abs=1e-3)


def test_rows_and_targets_stay_together_whatever_the_index_of_a_pandas_object() -> None:
    for targets in of_pandas(Y):
        assert slopes(targets) == pytest.approx([2.0, 2.0], abs=1e-3)
        assert [single(take(targets, i)) for i in range(len(Y))] == Y.tolist()


def test_eager_and_compiled_losses_get_the_same() -> None:
    """The numbers that a loss gets, one after another: as they are seen by a loss of the batch that adds them up with powers as weights."""
    table = Labelled(np.arange(12.0).reshape(4, 3))

    def weighted(rows: Any) -> Value:
        return sum((2.0**k * x for k, x in enumerate(x for row in rows for x in row)), 0.0 * w)

    w = Value(1.0)
    losses = [fit(loss, (table,), optimizer=SGD([w]), steps=1).loss for loss in (weighted, chainrule.compile(weighted))]
    assert losses[0] == losses[1] == [sum(2.0**k * k for k in range(12))]


REFUSED: dict[str, tuple[Any, str]] = {
    "a set": ({1.0, 2.0}, r"is a set, but data are read by position: its order may differ from run to run"),
    "a dict": ({0: 1.0, 1: 2.0}, r"is a dict, but data are read by position: its entries have keys"),
    "a generator": ((x for x in Y), r"is an iterator \(generator\), which can be read only once; give a list of all"),
    "a number": (3.0, "must be a sequence, such as a list or an array, got float: 3.0"),
    "an array of no axis": (np.array(3.0), "is a single number"),
    "a Value": (Value(3.0), "must be a sequence, such as a list or an array, got Value"),
    "None": (None, "must be a sequence, such as a list or an array, got NoneType"),
    "masked numbers": (np.ma.array(Y, mask=Y > 1.5), "has 2 masked numbers"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_positions_is_refused_by_name(what: str) -> None:
    given, why = REFUSED[what]
    for loss in (lambda x, t: mean(x), chainrule.compile(lambda x, t: x * t, batch="mean")):
        with pytest.raises((TypeError, ValueError), match=f"column 1 of data {why}"):
            fit(loss, (X, given), optimizer=SGD([Value(1.0)]), steps=1)
    with pytest.raises((TypeError, ValueError), match=f"what take.. chooses from {why}"):
        take(given, 0)


def test_an_array_that_cannot_be_made_is_refused_by_name() -> None:
    class Remote(Labelled):
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            raise RuntimeError("detach() it first")

    with pytest.raises(TypeError, match=r"column 0 of data, a Remote, cannot be read as an array: detach\(\) it first"):
        fit(lambda x: mean(x), (Remote(Y),), optimizer=SGD([Value(1.0)]), steps=1)


@pytest.mark.parametrize("data", [{"x": X, "y": Y}, zip(X, Y, strict=True), "xy", 3, None, Labelled(Y)])
def test_data_that_are_no_tuple_of_columns_are_refused(data: Any) -> None:
    with pytest.raises(TypeError, match="data must be a tuple of columns"):
        fit(lambda *columns: Value(1.0), data, optimizer=SGD([Value(1.0)]), steps=1)


def test_take_counts_by_position() -> None:
    labelled, rows = Labelled([10.0, 20.0, 30.0]), Labelled([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert [take(labelled, i) for i in range(3)] == [take(labelled, Value(i)).data for i in range(3)] == [10.0, 20.0, 30.0]
    assert take(rows, 2).tolist() == [x.data for x in take(rows, Value(2.0))] == [5.0, 6.0]


def test_losses_pair_by_position() -> None:
    wanted = mean_squared_error([Value(x) for x in X], Y.tolist()).data
    for form in FORMS.values():
        assert mean_squared_error(form(X), form(Y)).data == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(TypeError, match="targets is a set, but data are read by position"):
        mean_squared_error([Value(1.0), Value(2.0)], {1.0, 2.0})
    with pytest.raises(TypeError, match="predictions is a dict, but data are read by position"):
        mean_squared_error({0: Value(1.0)}, [1.0])


def test_datasets_are_divided_by_position() -> None:
    rows = np.stack([X, X**2], axis=1)
    data = Dataset("line", Labelled(rows), Labelled(Y), ["x", "square"], None)  # type: ignore[arg-type]
    for part in train_test_split(data, 0.5, seed=0):
        assert len(part.targets) == 6
        assert all(2.0 * row[0] == target for row, target in zip(part.inputs, part.targets, strict=True))
    found = standardization(Labelled(rows))  # type: ignore[arg-type]
    assert found == standardization(rows.tolist())
    assert found.apply(Labelled(rows)) == found.apply(rows.tolist()) == found.apply(iter(rows.tolist()))  # type: ignore[arg-type]


def test_what_has_positions_is_not_copied() -> None:
    for given in ([1.0], (1.0,), range(3), np.arange(3), "text", collections.deque([1.0]), Sequence([1.0])):
        assert by_position("x", given) is given
    assert listed("x", iter([1, 2])) == [1, 2]


# --- the order of samples ----------------------------------------------------------------------------------------------------------------


class Leaves(random.Random):
    """Leaves an order of its own."""

    def __init__(self, order: list[Any]) -> None:
        self.order = order

    def shuffle(self, order: Any) -> None:
        order[:] = self.order


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("order", "mistake", "why"),
    [
        ([100, *range(1, 10)], IndexError, "left 100 at position 0 of the samples' order, but the samples are 0 to 9"),
        ([10**30, *range(1, 10)], IndexError, "left 10{30} at position 0"),
        ([*range(9), -1], IndexError, "left -1 at position 9"),
        ([*range(9), 8], ValueError, "left 10 numbers, with sample 9 missing"),
        ([1, *range(1, 10)], ValueError, "left 10 numbers, with sample 0 missing"),
        ([*range(10), 3], ValueError, "left 11 numbers, with one of them twice"),
        ([], ValueError, "left 0 numbers, with sample 0 missing"),
        ([0.0, *range(1, 10)], TypeError, "left 0.0 at position 0 of the samples' order, but it must be an integer"),
        (["a", *range(1, 10)], TypeError, "left 'a' at position 0"),
    ],
)
def test_an_order_that_is_none_of_all_samples_is_refused(compiled: bool, order: list[Any], mistake: type[Exception], why: str) -> None:
    w = Value(1.0)
    loss = chainrule.compile(lambda x: (w * x - 1) ** 2, batch="mean") if compiled else lambda xs: mean((w * x - 1) ** 2 for x in xs)
    with pytest.raises(mistake, match=why):
        fit(loss, (np.ones(10),), optimizer=SGD([w]), steps=3, batch_size=3, rng=Leaves(order))
    assert w.data == 1.0


@pytest.mark.parametrize("compiled", [False, True])
def test_an_order_belongs_to_the_training_alone(compiled: bool) -> None:
    """A generator that keeps the list and changes it later changes nothing."""

    class Keeps(random.Random):
        kept: list[int]

        def shuffle(self, order: Any) -> None:
            super().shuffle(order)
            self.kept = order

    batches: list[int] = []
    rng = Keeps(0)

    def spoil(state: Any) -> None:
        batches.extend(state.batch)
        rng.kept[:] = [10**9] * 10

    w = Value(1.0)
    loss = chainrule.compile(lambda x: (w * x - 1) ** 2, batch="mean") if compiled else lambda xs: mean((w * x - 1) ** 2 for x in xs)
    fit(loss, (np.ones(10),), optimizer=SGD([w], lr=0.01), epochs=1, batch_size=2, rng=rng, callback=spoil)
    assert sorted(batches) == list(range(10))


def test_generators_of_numpy_shuffle_too() -> None:
    w = Value(0.0)
    loss = chainrule.compile(lambda x: (w * x - x) ** 2, batch="mean")
    history = fit(loss, (X,), optimizer=SGD([w], lr=0.5), steps=100, batch_size=5, rng=np.random.default_rng(0))  # type: ignore[arg-type]
    assert math.isclose(w.data, 1.0, abs_tol=1e-3)
    assert len(history.loss) == 100
