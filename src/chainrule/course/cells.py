"""A text in the percent format: cells of text and of code, which editors and Jupyter know how to show.

A cell begins with a line `# %%`; text is in comments, after `# %% [markdown]`. Tags say what a cell is for, as in `# %% tags=["work"]`.
The format is Jupytext's: https://jupytext.readthedocs.io/en/latest/formats-scripts.html#the-percent-format
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_BEGIN = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?: tags=(?P<tags>\[.*\]))?\s*$")


class Cell(NamedTuple):
    """A cell.

    Arguments:
        text: what it holds; of text, without the marks of comments.
        tags: what it is for.
        is_code: whether it is code.
        line: the line of the text in its file, from 1 on.
    """

    text: str
    tags: tuple[str, ...] = ()
    is_code: bool = True
    line: int = 1


def read_cells(text: str) -> list[Cell]:
    """The cells of a text. What comes before the first mark is a cell of code, if there is anything.

    Raises:
        ValueError: if the tags of a cell are not a list of texts.
    """
    cells: list[Cell] = []
    lines: list[str] = []
    tags, is_code, begin = (), True, 1  # type: tuple[str, ...], bool, int

    def end() -> None:
        body = "\n".join(lines if is_code else [line[2:] if line.startswith("# ") else line.removeprefix("#") for line in lines])
        if body.strip() or tags:
            skipped = len(body) - len(body.lstrip("\n"))
            cells.append(Cell(body.strip("\n"), tags, is_code, begin + skipped))

    for number, line in enumerate(text.splitlines(), 1):
        if mark := _BEGIN.match(line):
            end()
            lines, begin = [], number + 1
            tags, is_code = _tags(mark["tags"] or "[]", number), mark["markdown"] is None
        else:
            lines.append(line)
    end()
    return cells


def _tags(text: str, line: int) -> tuple[str, ...]:
    try:
        tags = json.loads(text)
    except (ValueError, RecursionError):
        tags = None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError(f'line {line}: the tags of a cell are written as in # %% tags=["work"], and not as {text[:40]!r}')
    return tuple(tags)


def write_cells(cells: list[Cell]) -> str:
    """Cells as a text."""
    parts = []
    for cell in cells:
        head = "# %%" + ("" if cell.is_code else " [markdown]") + (f" tags={json.dumps(list(cell.tags))}" if cell.tags else "")
        body = cell.text if cell.is_code else "\n".join(f"# {line}".rstrip() for line in cell.text.splitlines())
        parts.append(f"{head}\n{body}\n")
    return "\n".join(parts)


__all__ = ["Cell", "read_cells", "write_cells"]
