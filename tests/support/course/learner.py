"""What a learner writes into the files of the course."""

from __future__ import annotations

from pathlib import Path

from chainrule.course.cells import read_cells, write_cells
from chainrule.course.exercises import by_number

VALUE, OPERATORS, GRAPH = by_number("1"), by_number("2"), by_number("3")
MINE = """class Value:
    "My own."

    def __init__(self, data):
        self.data, self.grad = float(data), 0.0

    def __repr__(self):
        return "Value(data=%s, grad=%s)" % (self.data, self.grad)

    my_own = 42
"""


def answer(path: Path, code: str) -> None:
    """Write code into the cell of a learner's file."""
    cells = [cell._replace(text=code) if "work" in cell.tags else cell for cell in read_cells(path.read_text())]
    path.write_text(write_cells(cells))
