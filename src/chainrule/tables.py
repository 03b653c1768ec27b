"""Reading a CSV file: a header that names the columns, and a number in every cell that is asked for."""

from __future__ import annotations

import csv
import io
import math
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

LARGEST = 1e300  # numbers beyond it might overflow when they are added up


class DataError(ValueError):
    """Data that cannot be used; the message names file, row and column."""


class Table(NamedTuple):
    """The cells of a CSV file, as text.

    Arguments:
        path: where it was read from, for messages.
        columns: the names in the header.
        rows: the cells of each row, as many as there are columns.
        numbers: for each row, the line of the file on which it begins, counted from 1 as an editor does.
    """

    path: str
    columns: list[str]
    rows: list[list[str]]
    numbers: list[int]

    def error(self, row: int, column: str, problem: str) -> DataError:
        """An error about one cell; `row` counts from 0 in `rows`."""
        return DataError(f"{self.path}, row {self.numbers[row]}, column {column!r}: {problem}")

    def texts(self, column: str) -> list[str]:
        """The cells of one column."""
        index = self.columns.index(column)
        return [cells[index] for cells in self.rows]

    def floats(self, columns: Sequence[str]) -> list[list[float]]:
        """The numbers in the columns named, row by row.

        Raises:
            DataError: at the first cell that does not hold a finite number.
        """
        indices = [self.columns.index(column) for column in columns]
        result = []
        for row, cells in enumerate(self.rows):
            numbers = []
            for column, index in zip(columns, indices, strict=True):
                number = number_in(cells[index])
                if number is None or not abs(number) <= LARGEST:
                    raise self.error(row, column, _complaint(cells[index], number))
                numbers.append(number)
            result.append(numbers)
        return result


def number_in(cell: str) -> float | None:
    """The number that a cell holds, which may be nan or inf; None if it holds none."""
    if "_" in cell:  # Python reads 1_000 as a number; nobody else does
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _complaint(cell: str, number: float | None) -> str:
    if number is not None:
        if math.isfinite(number):
            return f"{cell} is too large; numbers up to {LARGEST:g} can be used"
        return f"{cell} is not a finite number; remove the row, or fill the cell in"
    if not cell:
        return "the cell is empty; remove the row, or fill the cell in"
    shown = repr(cell if len(cell) <= 40 else cell[:37] + "...")
    if number_in(cell.replace(",", ".", 1)) is not None:
        return f"{shown} is not a number; write the decimal point as '.'"
    return f"{shown} is not a number"


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a CSV file with a header.

    The delimiter is the one of comma, semicolon and tab that splits the header into most columns. Cells may be quoted; blank lines
    are skipped; white space around a cell is dropped. The encoding is UTF-8, or UTF-16 with a byte order mark.

    Raises:
        DataError: if the file is missing, empty, not text or not a table; the message names file and row.
    """
    name = str(path)
    text = _text(name)
    header_line = next((line for line in text.splitlines() if line.strip()), "")
    if not header_line:
        raise DataError(f"{name}: the file is empty; a header with the names of the columns is needed, then a row for each sample")
    delimiter = max(",;\t", key=lambda candidate: len(next(csv.reader([header_line], delimiter=candidate))))
    records = _records(name, text, delimiter)
    first, columns = records[0]
    _check_header(name, first, columns)
    for number, cells in records[1:]:
        if len(cells) != len(columns):
            raise DataError(f"{name}, row {number}: {_count(len(cells), 'cell')}, where the header has {_count(len(columns), 'column')}")
    if len(records) == 1:
        raise DataError(f"{name}: there is a header and no row below it")
    return Table(name, columns, [cells for _, cells in records[1:]], [number for number, _ in records[1:]])


def _text(name: str) -> str:
    try:
        raw = Path(name).read_bytes()
    except FileNotFoundError:
        raise DataError(f"{name}: there is no such file") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder; a CSV file is needed") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    encoding = "utf-16" if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise DataError(f"{name}, row {row}: this is not text in UTF-8; save the file as CSV in UTF-8") from None
    if "\0" in text:
        raise DataError(f"{name}, row {text.count(chr(10), 0, text.index(chr(0))) + 1}: this is a binary file, not CSV")
    return text


def _records(name: str, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Every row that is not blank, with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    records = []
    begins = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped) or len(stripped) > 1:
                records.append((begins, stripped))
            begins = reader.line_num + 1
    except csv.Error as error:
        problem = "a quotation mark is opened and not closed" if "unexpected end" in str(error) else error
        raise DataError(f"{name}, row {begins}: {problem}") from None
    return records


def _check_header(name: str, row: int, columns: list[str]) -> None:
    if all(number_in(column) is not None for column in columns):
        raise DataError(f"{name}, row {row}: the first row must name the columns, and this one holds numbers only")
    for position, column in enumerate(columns, start=1):
        if not column:
            raise DataError(f"{name}, row {row}: column {position} has no name")
        if column in columns[: position - 1]:
            raise DataError(f"{name}, row {row}: two columns are called {column!r} ({columns.index(column) + 1} and {position})")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
