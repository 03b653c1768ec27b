"""Datasets: repeatable points, splits that keep every sample, and CSV files whose errors name the place."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import (
    BUNDLED,
    GENERATED,
    Dataset,
    circles,
    digits,
    iris,
    load_csv,
    moons,
    spiral,
    standardization,
    train_test_split,
    xor,
)
from chainrule.tables import DataError, read_table


def file(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# --- made on the spot


@pytest.mark.parametrize("name", GENERATED)
def test_points_are_repeatable_and_balanced(name: str) -> None:
    make = GENERATED[name]
    data = make(51, seed=3)
    assert data == make(51, seed=random.Random(3))
    assert data != make(51, seed=4)
    assert (data.name, len(data.inputs), data.task, data.class_names) == (name, 51, "classification", ["0", "1"])
    assert Counter(data.targets) == {0: 26, 1: 25}
    assert all(len(row) == 2 for row in data.inputs)


def test_points_without_noise_lie_on_their_curves() -> None:
    for (x, y), label in zip(*moons(60, noise=0)[1:3], strict=True):
        centre = (1.0, 0.5) if label else (0.0, 0.0)
        assert math.dist((x, y), centre) == pytest.approx(1)
        assert (y - centre[1]) * (-1 if label else 1) >= -1e-12
    for row, label in zip(*circles(60, noise=0)[1:3], strict=True):
        assert math.hypot(*row) == pytest.approx(0.5 if label else 1)
    for (x, y), label in zip(*xor(60, noise=0)[1:3], strict=True):
        assert (abs(x), abs(y), x != y) == (1, 1, bool(label))
    radii = [math.hypot(*row) for row in spiral(60, noise=0).inputs]
    assert (min(radii), max(radii)) == (pytest.approx(0.1), pytest.approx(1))


def test_moons_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import make_moons

    theirs, labels = make_moons(40, shuffle=False)
    expected = sorted((round(x, 9), round(y, 9), int(label)) for (x, y), label in zip(theirs, labels, strict=True))
    ours = moons(40, noise=0)
    assert sorted((round(x, 9), round(y, 9), int(c)) for (x, y), c in zip(ours.inputs, ours.targets, strict=True)) == expected


def test_points_that_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least 2 points"):
        moons(1)
    for noise in (-1, math.nan, math.inf):
        with pytest.raises(ValueError, match="standard deviation"):
            xor(10, noise=noise)


def test_bundled() -> None:
    assert (len(digits().inputs), len(digits().inputs[0]), digits().class_names) == (1797, 64, [str(i) for i in range(10)])
    flowers = iris()
    assert (len(flowers.inputs), flowers.class_names) == (150, ["setosa", "versicolor", "virginica"])
    assert type(flowers.inputs[0][0]) is float
    assert type(flowers.targets[0]) is int


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_without_scikit_learn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r'pip install "chainrule\[data\]"'):
        BUNDLED[name]()


# --- CSV files


@given(
    st.lists(st.tuples(st.floats(-1e50, 1e50), st.floats(-1e50, 1e50), st.sampled_from(["a", "b c", 'q"uote', "co,mma", "é"])), min_size=2),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_way_of_writing_a_table(rows: list[tuple[float, float, str]], delimiter: str, end: str, encoding: str) -> None:
    if len({row[2] for row in rows}) < 2:
        rows = [*rows, (1.0, 2.0, "other")]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerow(["x", "a column", "label"])
    writer.writerows([(repr(x), repr(y), label) for x, y, label in rows])
    with tempfile.TemporaryDirectory() as folder:
        data = load_csv(file(Path(folder), text.getvalue().encode(encoding)))
    assert data.inputs == [[x, y] for x, y, _ in rows]
    assert data.feature_names == ["x", "a column"]
    assert data.class_names == sorted({label for *_, label in rows})
    assert [data.class_names[int(target)] for target in data.targets] == [label for *_, label in rows]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["yes", "no", "yes"], ["no", "yes"]),
        (["0", "1", "1", "0"], ["0", "1"]),
        (["1.0", "-1", "01"], ["-1", "1"]),
        (["0.5", "1.5", "0.5"], None),
        (["1", "2", "3"], None),
        (["1", "2", "3"] * 5, ["1", "2", "3"]),
        (["10", "9", "2"] * 5, ["2", "9", "10"]),
        ([str(i) for i in range(21)] * 10, None),
        ([str(i) for i in range(20)] * 10, [str(i) for i in range(20)]),
        (["a", "7", "b", "7"], ["7", "a", "b"]),
    ],
)
def test_classes_or_numbers(tmp_path: Path, labels: list[str], classes: list[str] | None) -> None:
    path = file(tmp_path, "x,y\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels)))
    data = load_csv(path)
    assert data.class_names == classes
    assert data.task == ("regression" if classes is None else "classification")
    if classes is None:
        assert data.targets == [float(label) for label in labels]


def test_the_task_can_be_said(tmp_path: Path) -> None:
    path = file(tmp_path, "x,y\n1,0\n2,1\n3,0\n")
    assert load_csv(path, task="regression").targets == [0.0, 1.0, 0.0]
    assert load_csv(file(tmp_path, "x,y\n1,0.5\n2,1\n"), task="classification").class_names == ["0.5", "1"]
    with pytest.raises(ValueError, match="task must be one of classification, regression, got 'guess'"):
        load_csv(path, task="guess")


def test_the_label_can_be_any_column(tmp_path: Path) -> None:
    data = load_csv(file(tmp_path, "kind,x,y\na,1,2\nb,3,4\n", "pets.csv"), label="kind")
    assert data == Dataset("pets", [[1, 2], [3, 4]], [0, 1], ["x", "y"], ["a", "b"], "kind")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "data.csv: the file is empty"),
        ("\n \n", "data.csv: the file is empty"),
        ("a,b\n", "data.csv: there is a header and no row below it"),
        ("1,2\n3,4\n", "row 1: the first row must name the columns"),
        ("a,b,a\n1,2,3\n", "row 1: two columns are called 'a' (1 and 3)"),
        ("a,,b\n1,2,3\n", "row 1: column 2 has no name"),
        ("a,b\n1,2\n\n3\n", "row 4: 1 cell, where the header has 2 columns"),
        ("a,b\n1,2,3\n", "row 2: 3 cells, where the header has 2 columns"),
        ('a,b\n"1\n",2\n3,4,5\n', "row 4: 3 cells"),
        ('a,b\n1,"2\n3,4\n', "row 2: a quotation mark is opened and not closed"),
        ("a,b\n1,2\nx,3\n", "row 3, column 'a': 'x' is not a number"),
        ("a,b\r\n1,2\r\n\r\n,3\r\n", "row 4, column 'a': the cell is empty"),
        ("a,b\n1,2\nnan,3\n", "row 3, column 'a': nan is not a finite number"),
        ("a,b\n1,2\n-inf,3\n", "row 3, column 'a': -inf is not a finite number"),
        ("a,b\n1e301,2\n1,3\n", "row 2, column 'a': 1e301 is too large"),
        ("a,b\n1_0,2\n1,3\n", "row 2, column 'a': '1_0' is not a number"),
        ("a;b\n1,5;2\n1;3\n", "row 2, column 'a': '1,5' is not a number; write the decimal point as '.'"),
        ("a,b\n1,2.5\n2,oops\n3,4.5\n", "row 3, column 'b': 'oops' is not a number, as most labels are"),
        ("a,b\n1,2.5\n2,nan\n3,4.5\n", "row 3, column 'b': nan is not a finite number"),
        ("a,b\n1,x\n2,\n3,y\n", "row 3, column 'b': the label is missing"),
        ("a,b\n1,x\n2,NaN\n3,y\n", "row 3, column 'b': the label is NaN"),
        ("a,b\n1,x\n2,x\n", "column 'b': there is one class only, 'x' in all 2 rows"),
        ("a,b\n1,2.5\n2,2.5\n", "column 'b': the label is constant, 2.5 in all 2 rows"),
        ("a,b\n1,2\n", "data.csv: there is one row only"),
        ("b\n1\n2\n", "'b' is the only column"),
        ("a,name\n" + "".join(f"{i},n{i}\n" for i in range(30)), "column 'name': 30 different labels in 30 rows are too many"),
        (b"a,b\n1,\xff\n", "row 2: this is not text in UTF-8"),
        (b"a,b\n1,2\n\0\0", "row 3: this is a binary file"),
    ],
)
def test_errors_name_the_place(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load_csv(file(tmp_path, content))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match="there is no column 'c' to predict; the columns are a, b"):
        load_csv(file(tmp_path, "a,b\n1,2\n"), label="c")


@given(st.binary(max_size=60) | st.text(st.sampled_from(list('ab1,;\t"\n\r .-é')), max_size=40).map(str.encode))
def test_no_file_crashes(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = file(Path(folder), content)
        with contextlib.suppress(DataError):
            data = load_csv(path)
            assert all(math.isfinite(x) for row in data.inputs for x in row)
            assert len(set(data.targets)) > 1


# --- before training


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.floats(0, 0.99), st.integers())
def test_a_split_keeps_every_sample_once(targets: list[int], fraction: float, seed: int) -> None:
    data = Dataset("d", [[float(i)] for i in range(len(targets))], targets, ["x"], ["0", "1", "2", "3"])
    train, test = train_test_split(data, fraction, seed)
    assert (train, test) == train_test_split(data, fraction, random.Random(seed))
    together = [*zip(train.inputs, train.targets, strict=True), *zip(test.inputs, test.targets, strict=True)]
    assert sorted(together) == sorted(zip(data.inputs, targets, strict=True))
    assert set(train.targets) == set(targets)
    for label, count in Counter(targets).items():
        assert Counter(test.targets)[label] == min(round(count * fraction), count - 1)


def test_a_split_of_numbers() -> None:
    data = Dataset("d", [[float(i)] for i in range(10)], [float(i) for i in range(10)], ["x"], None)
    train, test = train_test_split(data, 0.3, 0)
    assert (len(train.targets), len(test.targets)) == (7, 3)
    for fraction in (-0.1, 1, math.nan):
        with pytest.raises(ValueError, match="less than 1"):
            train_test_split(data, fraction)


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2), min_size=1, max_size=30))
def test_standardization(rows: list[list[float]]) -> None:
    scale = standardization(rows)
    standardised = scale.apply(rows)
    for column, original in zip(zip(*standardised, strict=True), zip(*rows, strict=True), strict=True):
        assert abs(math.fsum(column) / len(column)) < 1e-3
        if max(original) - min(original) > 1e-3:
            assert math.fsum(x * x for x in column) / len(column) == pytest.approx(1, rel=1e-3)
    for row, back in zip(rows, map(scale.undo, standardised), strict=True):
        assert back == pytest.approx(row, rel=1e-9, abs=1e-6)


def test_standardization_of_a_constant_column() -> None:
    assert standardization([[0.1, 0.0], [0.1, 0.0], [0.1, 0.0]]).scale == [1.0, 1.0]
    with pytest.raises(ValueError, match="no rows"):
        standardization([])


@pytest.mark.parametrize("size", [1e300, 1e200, 1.0, 1e-200, 1e-300, 5e-324])
def test_standardization_of_huge_and_tiny_columns(size: float) -> None:
    rows = [[size], [0.0], [-size], [0.0]]
    scale = standardization(rows)
    assert scale.mean == [0.0]
    found = [row[0] for row in scale.apply(rows)]
    # What has no more digits than one, as 5e-324, is scaled as well as it can be.
    assert found == pytest.approx([2**0.5, 0.0, -(2**0.5), 0.0] if size > 5e-324 else [1.0, 0.0, -1.0, 0.0], rel=1e-12)
    assert scale.undo(found[:1]) == pytest.approx(rows[0], rel=1e-12, abs=0.0)


def test_the_mean_of_a_huge_column_does_not_overflow() -> None:
    assert standardization([[1e300]] * 10).mean == pytest.approx([1e300], rel=1e-15)
    assert standardization([[1.7e308], [1.7e308]]).mean == pytest.approx([1.7e308], rel=1e-15)
