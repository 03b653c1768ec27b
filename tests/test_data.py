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
        (["1.0", "-1", "01"], ["-1", "01", "1.0"]),
        (["1.0", "-1", "1"], ["-1", "1"]),
        (["1.0", "0.0", "1.0"], ["0.0", "1.0"]),
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


LABELS = {  # each set of labels stays as it is, whatever they look like
    "identifiers of 18 digits": ["100000000000000000", "100000000000000001", "900000000000000000"],
    "neighbours beyond 2**53": ["9007199254740992", "9007199254740993"],
    "hashes": ["1e5", "100000", "a3f", "b70"],
    "postcodes": ["02134", "2134", "90210"],
    "agents": ["007", "7"],
    "versions": ["1.0", "1.00", "1.1"],
    "languages": ["nan", "cmn", "yue"],
    "sizes": ["Infinity", "Zero", "-inf"],
    "words of Python": ["None", "True", "False"],
    "zeros": ["0", "-0", "+0", "0.0"],
    "signs": ["1", "+1", "-1"],
    "hexadecimal": ["0x1F", "0x1f", "31"],
    "underscores": ["1_000", "1000"],
    "digits of other scripts": ["١", "1", "１"],
    "apostrophes": ["'quoted'", "'-5", "-5"],
    "formulas": ["=1+1", "@home", "-x", "'-x"],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_lose_nothing(tmp_path: Path, labels: list[str]) -> None:
    rows = [(str(i), label) for i, label in enumerate(labels * 6)]
    path = file(tmp_path, "x,y\n" + "".join(f"{x},{label}\n" for x, label in rows))
    data = load_csv(path, task="classification")
    assert data.class_names is not None
    assert sorted(data.class_names) == sorted(labels)
    assert [data.class_names[int(target)] for target in data.targets] == [label for _, label in rows]


@given(st.lists(st.text(st.sampled_from("0123456789.-+eEnaif_xX١ ")).map(str.strip).filter(bool), min_size=2, unique=True))
def test_whatever_looks_like_a_number_loses_nothing(labels: list[str]) -> None:
    """Two labels are one class only where one is the other and `.0`, and all are whole numbers."""
    with tempfile.TemporaryDirectory() as folder:
        path = file(Path(folder), "x,y\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels * 2)))
        names = None
        with contextlib.suppress(DataError):
            names = load_csv(path, task="classification").class_names
    if names is None:
        assert "nan" in map(str.lower, labels) or len({label.removesuffix(".0") for label in labels}) == 1
    elif len(names) == len(labels):
        assert set(names) == set(labels)
    else:
        assert {label.removesuffix(".0") for label in labels} == set(names)


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (["02134"] * 3 + [f"9{i:04}" for i in range(27)], "classification"),
        ([str(2**53 + 2 + i) for i in range(40)], "classification"),
        ([str(2**53 - 40 + i) for i in range(40)], "regression"),
        (["0", "0.5", "10", "07.5"] * 9, "regression"),
        ([str(i) for i in range(40)], "regression"),
        (["Infinity", "Zero", "Infinity"], "classification"),
        (["nan", "inf"], "classification"),
    ],
)
def test_labels_are_numbers_only_beyond_doubt(tmp_path: Path, labels: list[str], task: str) -> None:
    path = file(tmp_path, "x,y\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels * 2)))
    assert load_csv(path).task == task


@pytest.mark.parametrize("cell", ["1_000", "0x10", "１２", "١٢", "1,5", "ten", "nan", "inf", "1e301", "1e400", "1" * 5000, "1 000", ""])
def test_what_is_no_number_is_no_target(tmp_path: Path, cell: str) -> None:
    with pytest.raises(DataError, match="row 3, column 'y'") as caught:
        load_csv(file(tmp_path, f'x,y\n1,2.5\n2,"{cell}"\n3,4.5\n'), task="regression")
    assert len(str(caught.value).replace(str(tmp_path), "")) < 200


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
        ("a,b\n", "data.csv: there is a header but no row below it"),
        ("1,2\n3,4\n", "row 1: the first row must name the columns"),
        ("a,b,a\n1,2,3\n", "row 1: two columns are called 'a' (1 and 3)"),
        ("a,,b\n1,2,3\n", "row 1: column 2 has no name"),
        ("a,b\n1,2\n\n3\n", "row 4: 1 cell, but the header has 2 columns"),
        ("a,b\n1,2,3\n", "row 2: 3 cells, but the header has 2 columns"),
        ('a,b\n"1\n",2\n3,4,5\n', "row 4: 3 cells"),
        ('a,b\n1,"2\n3,4\n', "row 2: a quotation mark is opened and not closed"),
        ("a,b\n1,2\nx,3\n", "row 3, column 'a': 'x' is not a number"),
        ("a,b\r\n1,2\r\n\r\n,3\r\n", "row 4, column 'a': the cell is empty"),
        ("a,b\n1,2\nnan,3\n", "row 3, column 'a': nan is not a finite number"),
        ("a,b\n1,2\n-inf,3\n", "row 3, column 'a': -inf is not a finite number"),
        ("a,b\n1e301,2\n1,3\n", "row 2, column 'a': 1e301 is too large"),
        ("a,b\n1_0,2\n1,3\n", "row 2, column 'a': '1_0' is not a number"),
        ("a;b\n1,5;2\n1;3\n", "row 2, column 'a': '1,5' is not a number; write the decimal point as '.'"),
        ("a,b\n1,2.5\n2,oops\n3,4.5\n", "row 3, column 'b': 'oops' is not a number, but most labels are"),
        ("a,b\n1,2.5\n2,nan\n3,4.5\n", "row 3, column 'b': nan is not a finite number"),
        ("a,b\n1,x\n2,\n3,y\n", "row 3, column 'b': the label is missing"),
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


@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        ("1,234", "write 1234 if the comma groups thousands, or 1.234 if it is the decimal comma"),
        ("-12,345", "write -12345 if the comma groups thousands, or -12.345 if it is the decimal comma"),
        ("1,234,567", "write 1234567, without commas between thousands"),
        ("1,234.5", "write 1234.5, without commas between thousands"),
        ("1.234.567", "write 1234567, without points between thousands"),
        ("1.234,5", "write 1234.5, without points between thousands"),
        ("1 234", "write 1234, with nothing between thousands"),
        ("1\xa0234", "write 1234, with nothing between thousands"),
        ("1'234.5", "write 1234.5, with nothing between thousands"),
        ("12,34", "write the decimal point as '.'"),
        ("1_000", "write it with the digits 0 to 9 only"),
        ("−12", "write the minus sign as '-'"),
        ("１２", "write it with the digits 0 to 9 only"),
        ("NA", "it stands for a number that is missing: remove the row, or fill the cell in"),
        ("\\N", "it stands for a number that is missing: remove the row, or fill the cell in"),
        ("#DIV/0!", "it stands for a number that is missing: remove the row, or fill the cell in"),
        ("10%", "write it without the percent sign, in all rows of the column"),
        ("$5", "write it without the currency sign"),
    ],
)
def test_a_number_of_another_country_is_told_both_ways(tmp_path: Path, cell: str, advice: str) -> None:
    with pytest.raises(DataError) as caught:
        load_csv(file(tmp_path, f'a,b\n"{cell}",2\n1,3\n'))
    assert f"{cell!r} is not a number; {advice}" in str(caught.value)


def test_the_index_of_pandas_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"column 1 has no name; if it is the index that pandas writes, leave it out with to_csv\(\.\.\., index"
    ):
        load_csv(file(tmp_path, ",a,b\n0,1,x\n1,2,y\n"))


@pytest.mark.parametrize("place", ["header", "cell", "label", "column"])
def test_messages_repeat_only_a_piece_of_a_cell(tmp_path: Path, place: str) -> None:
    long = "\x1b[31m" + "y" * 100_000
    content = {
        "header": f"{long},{long},b\n1,2,3\n",
        "cell": f"a,b\n{long},1\n2,3\n",
        "label": "a,b\n" + f"1,{long}\n" * 2,
        "column": f"{long},b\n1,x\n2,x\n",
    }[place]
    with pytest.raises(DataError) as caught:
        load_csv(file(tmp_path, content), label=long if place == "column" else None)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 400
    assert str(caught.value).isprintable()


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
    with pytest.raises(ValueError, match="at least one row"):
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
