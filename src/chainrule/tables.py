"""Read and write CSV files: a header names the columns, and the cells of features hold numbers."""

from __future__ import annotations

import csv
import math
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.files import read_file
from chainrule.foreign import clean, quoted

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

LARGEST = 1e300  # numbers beyond it might overflow when they are added up
LONGEST_HEADER = 1 << 22  # characters
LONGEST_LINE = 1 << 24
ENCODINGS = {BOM_UTF32_LE: "utf-32", BOM_UTF32_BE: "utf-32", BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16", BOM_UTF8: "utf-8-sig"}

_JSON = re.compile(r'\s*(\{\s*["}\n\r]|\[\s*[\[{"\n\r])')
_LINE = re.compile(r"[^\n\r]++(?:\r\n?|\n)?|\r\n?|\n")  # as csv and editors divide a text, which is not as str.splitlines does
_MISSING = {
    "na",
    "n/a",
    "<na>",
    "null",
    "none",
    "nil",
    "\\n",
    "nat",
    "missing",
    "?",
    "-",
    "--",
    ".",
    "#n/a",
    "#div/0!",
    "#value!",
    "#ref!",
    "#null!",
}
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_POINTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?")


class DataError(ValueError):
    """The data cannot be used; the message names file, row and column."""


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
        return DataError(f"{clean(self.path)}, row {self.numbers[row]}, column {quoted(column)}: {problem}")

    def texts(self, column: str) -> list[str]:
        """The cells of one column."""
        index = self.columns.index(column)
        return [cells[index] for cells in self.rows]

    def floats(self, columns: Sequence[str]) -> list[list[float]]:
        """The numbers in the columns named, row by row.

        Raises:
            DataError: at the first cell that does not hold a finite number.
        """
        places = {column: index for index, column in enumerate(self.columns)}
        indices = [places[column] for column in columns]
        result = []
        for row, cells in enumerate(self.rows):
            numbers = []
            for column, index in zip(columns, indices, strict=True):
                number = number_in(cells[index])
                if number is None or not abs(number) <= LARGEST:
                    raise self.error(row, column, not_usable(cells[index]))
                numbers.append(number)
            result.append(numbers)
        return result


def number_in(cell: str) -> float | None:
    """The number that a cell holds, which may be nan or inf; None if it holds none.

    A number is written with the digits 0 to 9, a decimal point and an exponent. Python also reads 1_000 and digits of other scripts as
    numbers; nearly no other program does.
    """
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def usable_number(cell: str) -> float | None:
    """The number that a cell holds, if it can be used: finite, and not too large."""
    number = number_in(cell)
    return number if number is not None and abs(number) <= LARGEST else None


def not_usable(cell: str) -> str:
    """Say why a cell does not hold a number that can be used, and what to write instead."""
    number = number_in(cell)
    shown = quoted(cell)
    if number is not None:
        if math.isfinite(number) or any(character.isdigit() for character in cell):
            return f"{shown[1:-1]} is too large; numbers up to {LARGEST:g} can be used"
        return f"{shown[1:-1]} is not a finite number; remove the row, or fill the cell in"
    if not cell:
        return "the cell is empty; remove the row, or fill the cell in"
    return f"{shown} is not a number{_advice(cell)}"


def _advice(cell: str) -> str:
    """What was probably meant, where that can be said."""
    if len(cell) > 40:
        return ""
    if _THOUSANDS.fullmatch(cell):
        plain = cell.replace(",", "")
        if cell.count(",") == 1 and "." not in cell:
            return f"; write {plain} if the comma groups thousands, or {cell.replace(',', '.')} if it is the decimal comma"
        return f"; write {plain}, without commas between thousands"
    if _POINTS.fullmatch(cell) and number_in(cell) is None:
        return f"; write {cell.replace('.', '').replace(',', '.')}, without points between thousands"
    if number_in(cell.replace(",", ".", 1)) is not None:
        return "; write the decimal point as '.'"
    ungrouped = re.sub(r"(?<=\d)[\s'’](?=\d{3})", "", cell)
    if ungrouped != cell and number_in(ungrouped) is not None:
        return f"; write {ungrouped}, with nothing between thousands"
    if cell.lower() in _MISSING:
        return "; it stands for a number that is missing: remove the row, or fill the cell in"
    if cell.endswith("%") and number_in(cell[:-1]) is not None:
        return "; write it without the percent sign, in all rows of the column"
    if number_in(cell.strip("$€£¥ ")) is not None:
        return "; write it without the currency sign"
    if number_in(cell.replace("−", "-").replace("–", "-")) is not None:
        return "; write the minus sign as '-'"
    if "_" in cell or any(character.isdigit() and not character.isascii() for character in cell):
        return "; write it with the digits 0 to 9 only"
    return ""


# --- reading ------------------------------------------------------------------------------------------------------------------------


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a CSV file with a header.

    The delimiter is the one of comma, semicolon and tab that splits the header into most columns. Cells may be quoted; blank lines
    are skipped; white space around a cell is dropped. The encoding is UTF-8, or UTF-16 or UTF-32 with a byte order mark. A file is read
    up to a limit of 256 MiB, which the environment variable `CHAINRULE_MAX_BYTES` changes.

    If `write_table` put an apostrophe before a text that a spreadsheet would run as a formula, it is removed again.

    Raises:
        DataError: if the file is missing, empty, too large, not text or not a table; the message names file and row.
    """
    name = clean(path)
    text = _text(name, path)
    header = text[: LONGEST_HEADER + 1]
    if not header.strip() and not text.strip():
        raise DataError(f"{name}: the file is empty; a header with the names of the columns is needed, then a row for each sample")
    if _JSON.match(header):
        raise DataError(
            f"{name}: this looks like JSON, not CSV; a header with the names of the columns is needed, then a row for each sample"
        )
    if len(header) > LONGEST_HEADER and not re.search(r"[\n\r]", header.lstrip()):
        raise DataError(f"{name}: the first row has more than {LONGEST_HEADER:,} characters, which cannot be the names of columns")
    records = _records(name, text, _delimiter(name, header))
    first, columns = records[0]
    _check_header(name, first, columns)
    for number, cells in records[1:]:
        if len(cells) != len(columns):
            raise DataError(f"{name}, row {number}: {_count(len(cells), 'cell')}, but the header has {_count(len(columns), 'column')}")
    if len(records) == 1:
        raise DataError(f"{name}: there is a header but no row below it")
    rows = [cells for _, cells in records]
    _take_apostrophes_away(rows)
    _check_header(name, first, rows[0])
    return Table(str(path), rows[0], rows[1:], [number for number, _ in records[1:]])


def _text(name: str, path: str | os.PathLike[str]) -> str:
    try:
        raw = read_file(path)
    except FileNotFoundError:
        raise DataError(f"{name}: there is no such file") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder; a CSV file is needed") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    encoding = next((encoding for mark, encoding in ENCODINGS.items() if raw.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in raw:
        row = raw.count(b"\n", 0, raw.index(b"\0")) + 1
        raise DataError(f"{name}, row {row}: this is a binary file, not CSV, or text in another encoding; save it as CSV in UTF-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}, row {row}: this is not text in {encoding.removesuffix('-sig').upper()}; save the file as CSV in UTF-8"
        ) from None
    if "\0" in text:
        raise DataError(f"{name}, row {text.count(chr(10), 0, text.index(chr(0))) + 1}: this is a binary file, not CSV")
    return text.lstrip("\ufeff")


def _delimiter(name: str, header: str) -> str:
    """The delimiter that splits the first record of the text into most cells."""
    found: dict[str, int] = {}
    problem = ""
    for candidate in ",;\t":
        try:
            found[candidate] = len(next(cells for cells in _reader(header, candidate) if any(map(str.strip, cells))))
        except csv.Error as error:
            problem = _problem(error)
        except StopIteration:
            problem = "the first row is blank"
    if not found:
        raise DataError(f"{name}, row 1: the names of the columns cannot be read: {problem}")
    return max(found, key=lambda candidate: found[candidate])


def _reader(text: str, delimiter: str) -> Any:
    return csv.reader(_lines(text), delimiter=delimiter, skipinitialspace=True, strict=True)


def _lines(text: str) -> Iterator[str]:
    for line in _LINE.finditer(text):
        if line.end() - line.start() > LONGEST_LINE:
            raise csv.Error(f"the line has more than {LONGEST_LINE:,} characters")
        yield line[0]


def _problem(error: csv.Error) -> str:
    said = str(error)
    if "unexpected end" in said:
        return "a quotation mark is opened and not closed"
    if "field limit" in said:
        return f"a cell has more than {csv.field_size_limit():,} characters; perhaps a quotation mark is opened and not closed"
    return said


def _records(name: str, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Every row that is not blank, with the line it begins on."""
    reader = _reader(text, delimiter)
    records = []
    begins = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped) or len(stripped) > 1:
                records.append((begins, stripped))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{name}, row {begins}: {_problem(error)}") from None
    return records


def _check_header(name: str, row: int, columns: list[str]) -> None:
    if all(number_in(column) is not None for column in columns):
        raise DataError(f"{name}, row {row}: the first row must name the columns, and this one holds numbers only")
    places: dict[str, int] = {}
    for position, column in enumerate(columns, start=1):
        if not column and columns[0].lower() == "sep=":
            raise DataError(f"{name}, row {row}: this line tells a spreadsheet which separator to use; remove it")
        if not column:
            index = "; if it is the index that pandas writes, leave it out with to_csv(..., index=False)" if position == 1 else ""
            raise DataError(f"{name}, row {row}: column {position} has no name{index}")
        if column in places:
            raise DataError(f"{name}, row {row}: two columns are called {quoted(column)} ({places[column]} and {position})")
        places[column] = position


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


# --- writing, so that spreadsheets run nothing --------------------------------------------------------------------------------------

_FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]|'*[\t\r\n]")
_NUMBER = re.compile(r"'*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|'*[+-]", re.IGNORECASE | re.ASCII)


def write_table(rows: Iterable[Sequence[str]]) -> str:
    """Write rows as CSV that a spreadsheet does not run as formulas.

    A text that a spreadsheet would run, because it begins with `=`, `+`, `-`, `@`, a tab or an end of line, gets an apostrophe before it;
    numbers stay as they are. `read_table` removes the apostrophe again.
    """
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n")  # so that both are quoted within a cell
    writer.writerows([f"'{cell}" if _is_formula(cell) else cell for cell in row] for row in rows)
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


def _is_formula(cell: str) -> bool:
    """Whether a spreadsheet would run it, or what is left when apostrophes before it are taken away."""
    return _FORMULA.match(cell) is not None and _NUMBER.fullmatch(cell) is None


def _take_apostrophes_away(rows: list[list[str]]) -> None:
    """Undo what `write_table` does, column by column; one that holds a formula without an apostrophe was not written by it."""
    for index in {index for row in rows for index, cell in enumerate(row) if cell[:1] == "'" and _is_formula(cell)}:
        column = [row[index] for row in rows]
        if not any(cell[:1] != "'" and _is_formula(cell) for cell in column):
            for row in rows:
                if row[index][:1] == "'" and _is_formula(row[index]):
                    row[index] = row[index][1:]
