"""Exercises as Jupyter notebooks, by way of Jupytext: made from the same cells as the plain files, and read back into them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chainrule.course.cells import Cell, write_cells
from chainrule.course.exercises import HINTS, QUESTIONS, is_answer, source_of
from chainrule.course.texts import text_of

if TYPE_CHECKING:
    from pathlib import Path

    from chainrule.course.exercises import Exercise

MAGIC = re.compile(r"^%%exercise\b[ \t]*(?P<line>.*)\n?")
SETUP = "%load_ext chainrule.course"
MISSING = 'notebooks need JupyterLab and Jupytext: pip install "chainrule[learn]", or work with plain files: chainrule learn --terminal'


def notebook_of(exercise: Exercise, cells: list[Cell]) -> bytes:
    """Cells as a notebook.

    Raises:
        ImportError: if Jupytext is not installed.
    """
    jupytext = _jupytext()
    labels = {kind: iter(names) for kind, names in part_names(exercise).items()}
    made: list[Cell] = [cells[0], Cell(SETUP, ("setup",))]
    hints = [cell for cell in cells if "hint" in cell.tags]
    for cell in cells[1:]:
        if "hint" in cell.tags:
            if cell is hints[-1]:
                made.append(Cell(_hints(exercise, hints), ("hints",), is_code=False))
            continue
        if is_answer(cell):
            label = next(labels["work" if "work" in cell.tags else "given"])
            cell = cell._replace(text=f"%%exercise {exercise.number} {label}".rstrip() + f"\n{cell.text}")
        if "question" in cell.tags and cell == exercise.of("question")[0]:
            made.append(Cell(QUESTIONS, is_code=False))
        made.append(cell)
    notebook = jupytext.reads(_escaped(made), fmt="py:percent")
    for number, (cell, node) in enumerate(zip(made, notebook.cells, strict=True)):
        node.source = cell.text
        node.id = f"{exercise.stem}-{number}".replace("_", "-")
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return str(jupytext.writes(notebook, fmt="ipynb")).encode()


def _escaped(cells: list[Cell]) -> str:
    """Cells as a text in which no line of code looks like the beginning of a cell."""
    return write_cells([cell._replace(text="pass") if cell.is_code else cell for cell in cells])


def part_names(exercise: Exercise) -> dict[str, list[str]]:
    """What the cells that make up an answer are called after `%%exercise N`: those given, and those to work on."""
    given = [f"given {source_of(cell)}" for cell in exercise.of("given")]
    count = len(exercise.of("work"))
    return {"given": given, "work": [""] if count == 1 else [f"part {k + 1} of {count}" for k in range(count)]}


def _hints(exercise: Exercise, hints: list[Cell]) -> str:
    parts = [f"<details><summary>{name}</summary>\n\n{hint.text}\n\n</details>" for name, hint in zip(HINTS, hints, strict=True)]
    last = f"Once you have tried, `%solution {exercise.number}` in a cell of its own shows a solution."
    return "## Stuck?\n\n" + "\n\n".join([*parts, last])


def read_notebook(path: Path) -> list[Cell]:
    """The cells of a notebook, without what only Jupyter understands.

    Raises:
        ImportError: if Jupytext is not installed.
        ValueError: if it is not a notebook.
        OSError: if it cannot be read.
    """
    jupytext = _jupytext()
    text = text_of(path)
    try:
        notebook = jupytext.reads(text, fmt="ipynb")
        found = [_read(cell) for cell in notebook.cells]
    except Exception as error:
        raise ValueError(f"this is not a notebook that can be read ({type(error).__name__}: {str(error)[:200]})") from None
    return found


def _read(cell: Any) -> Cell:
    source, tags = str(cell.source), tuple(map(str, cell.metadata.get("tags", [])))
    if cell.cell_type != "code":
        return Cell(source, tags, is_code=False)
    if (magic := MAGIC.match(source)) is not None:
        source = source[magic.end() :]
        if not is_answer(Cell("", tags)):
            tags = (*tags, "given" if "given" in magic["line"] else "work")
    lines = [f"# {line}" if line.startswith(("%", "!")) else line for line in source.splitlines()]
    return Cell("\n".join(lines), tags)


def _jupytext() -> Any:
    try:
        import jupytext
    except ImportError:
        raise ImportError(MISSING) from None
    return jupytext


__all__ = ["MISSING", "notebook_of", "part_names", "read_notebook"]
