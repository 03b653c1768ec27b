"""Labels, the cells of the column to predict: whether they are classes or numbers, and which class each belongs to.

The name of a class is the text of its label, character by character: `007` is not `7`, `1e5` is not `100000`, and an identifier of 18
digits keeps all its digits.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from chainrule.foreign import clean, quoted, several
from chainrule.tables import DataError, number_in, usable_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chainrule.tables import Table

MOST_CLASSES = 20  # whole numbers with more different values than this are taken for numbers, not for classes
EXACT = 2.0**53  # whole numbers beyond it are identifiers: as floats they would be merged with their neighbours

_WHOLE = re.compile(r"(0|-?[1-9][0-9]*)(\.0)?")
_PADDED = re.compile(r"[+-]?0[0-9]+")


def look_like_classes(table: Table, label: str) -> bool:
    """Whether the labels of a table look like classes rather than like numbers to predict, by the rule in `load_csv`.

    Raises:
        DataError: if most of them are numbers, but a few are not.
    """
    texts = table.texts(label)
    numbers = [number_in(text) for text in texts]
    odd = [row for row, number in enumerate(numbers) if number is None]
    words = [row for row, text in enumerate(texts) if numbers[row] is not None and not any(map(str.isdigit, text))]
    if odd or len(words) == len(texts):  # among words, nan and Infinity are words
        odd = sorted(odd + words)
    if odd and 2 * len(odd) < len(numbers):
        shown = quoted(texts[odd[0]])
        raise table.error(odd[0], label, f"{shown} is not a number, but most labels are; correct it, or choose the task 'classification'")
    if odd or any(_is_identifier(text, number) for text, number in zip(texts, numbers, strict=True) if number is not None):
        return True
    if not all(number is not None and number.is_integer() for number in numbers):
        return False
    different = len(set(_names(texts)))
    return different <= 2 or different <= min(MOST_CLASSES, len(numbers) // 5)


def _is_identifier(text: str, number: float) -> bool:
    """Whether a text of digits must be an identifier, since a number would lose some of its digits."""
    return _PADDED.fullmatch(text) is not None or (abs(number) > EXACT and text.lstrip("+-").isdigit())


def class_targets(table: Table, label: str) -> tuple[list[int], list[str]]:
    """The index of each row's class, and the names of the classes, sorted.

    If all labels are whole numbers, `1` and `1.0` are one class, with the name `1`; otherwise different texts are different classes.

    Raises:
        DataError: at the first label that is missing.
    """
    names = table.texts(label)
    for row, name in enumerate(names):
        if not name:
            raise table.error(row, label, "the label is missing; remove the row, or fill the cell in")
    different = set(names)
    no_numbers = {name for name in different if (number := number_in(name)) is not None and math.isnan(number)}
    others = different - no_numbers
    if no_numbers and others and _whole(others) is not None:  # among words it is one of them, such as the language nan
        row = next(row for row, name in enumerate(names) if name in no_numbers)
        raise table.error(row, label, f"the label is {names[row]}, but the others are numbers; remove the row, or fill the cell in")
    names = _names(names)
    found = _sorted_names(set(names))
    index = {name: i for i, name in enumerate(found)}
    return [index[name] for name in names], found


def _names(labels: list[str]) -> list[str]:
    """What the class of each label is called."""
    different = set(labels)
    whole = _whole(different)
    return labels if whole is None or len(set(whole.values())) == len(different) else [whole[label] for label in labels]


def _whole(names: Iterable[str]) -> dict[str, str] | None:
    """Each name as a whole number without `.0`, if all of them are whole numbers, written as people write them."""
    found = {name: _WHOLE.fullmatch(name) for name in names}
    if any(match is None for match in found.values()):
        return None
    return {name: match[1] for name, match in found.items() if match is not None}


def _sorted_names(names: set[str]) -> list[str]:
    """Numbers by their size, where all are finite numbers; else as text."""
    numbers = {name: usable_number(name) for name in names}
    if any(number is None for number in numbers.values()):
        return sorted(names)
    return sorted(names, key=lambda name: (numbers[name] or 0.0, len(name), name))


# --- labels of a table that a model predicts ----------------------------------------------------------------------------------------


class Known(NamedTuple):
    """The rows of a table whose labels say what the predictions should be.

    Arguments:
        rows: their indices.
        targets: for each of them the index of its class, or its number.
        rest: a sentence about the other rows; empty if there are none.
    """

    rows: list[int]
    targets: list[int] | list[float]
    rest: str


def known_labels(table: Table, label: str, classes: Sequence[str] | None) -> Known:
    """Find the labels of a table that a model knows: its classes or, if it predicts numbers, all finite numbers.

    Arguments:
        table: the table.
        label: the column that the model predicts.
        classes: the names of its classes; None if it predicts numbers.
    """
    targets = _numbers(table.texts(label)) if classes is None else _indices(table.texts(label), classes)
    rows = [row for row, target in enumerate(targets) if target is not None]
    return Known(rows, [target for target in targets if target is not None], _rest(table, label, targets, classes))


def _numbers(texts: Sequence[str]) -> list[float | None]:
    return [usable_number(text) for text in texts]


def _indices(texts: Sequence[str], classes: Sequence[str]) -> list[int | None]:
    """The class of each label; `1.0` is the class `1`, and the other way round, where all classes are whole numbers."""
    index = {name: i for i, name in enumerate(classes)}
    whole = _whole(classes)
    if whole is not None and len(set(whole.values())) == len(classes):
        index |= {whole[name]: i for i, name in enumerate(classes)} | {f"{whole[name]}.0": i for i, name in enumerate(classes)}
    return [index.get(text) for text in texts]


def _rest(table: Table, label: str, targets: Sequence[float | None], classes: Sequence[str] | None) -> str:
    """A sentence about the rows whose labels are missing, or not known."""
    texts = table.texts(label)
    without = [row for row, target in enumerate(targets) if target is None and not texts[row]]
    others = [row for row, target in enumerate(targets) if target is None and texts[row]]
    told = []
    if others:
        what = "that is not a finite number" if classes is None else "that the model does not know"
        different = [f"{quoted(text)} in row {table.numbers[row]}" for text, row in _first_rows(texts, others)]
        told.append(f"{_rows(others)} a label {what}: {several(different, clean, most=3)}")
    if without:
        told.append(f"{_rows(without)} no label: row {table.numbers[without[0]]}{' and others' if without[1:] else ''}")
    return ", and ".join(told)


def _first_rows(texts: Sequence[str], rows: Sequence[int]) -> list[tuple[str, int]]:
    """Each different text, and the first row that holds it."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(texts[row], row)
    return list(first.items())


def _rows(rows: Sequence[int]) -> str:
    return "1 row has" if len(rows) == 1 else f"{len(rows):,} rows have"


# --- before training ----------------------------------------------------------------------------------------------------------------


def check_varied(table: Table, label: str, targets: Sequence[float], classes: Sequence[str] | None) -> None:
    """Refuse labels from which nothing can be learned.

    Raises:
        DataError: if there is only one row, if all rows have the same label, or if there are nearly as many classes as rows.
    """
    place = f"{clean(table.path)}, column {quoted(label)}"
    if len(targets) < 2:
        raise DataError(f"{clean(table.path)}: there is one row only; at least two with different labels are needed")
    if len(set(targets)) == 1:
        cell = quoted(classes[0]) if classes else f"{targets[0]:g}"
        what = "there is one class only" if classes else "the label is constant"
        raise DataError(f"{place}: {what}, {cell} in all {len(targets)} rows; there is nothing to learn")
    if classes and 2 * len(classes) > len(targets) and len(classes) > MOST_CLASSES:
        otherwise = ", or the task 'regression'" if all(number_in(name) is not None for name in classes) else ""
        raise DataError(
            f"{place}: {len(classes)} different labels in {len(targets)} rows are too many for classes; "
            f"choose another column as the label{otherwise}"
        )
