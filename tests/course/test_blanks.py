"""Blanks: what is taken out of a solution, and how a learner's own code is gone on from."""

from __future__ import annotations

import ast
import textwrap

import pytest

from chainrule.course.blanks import blanked, blanks_in, carried, solved
from chainrule.course.cells import Cell, read_cells, write_cells

MARKED = textwrap.dedent("""\
    import math


    class Number:
        \"\"\"A number.\"\"\"

        def __init__(self, data, label=""):
            # <<< keep the label too
            self.data = data
            self.label = label
            # >>>

        def known(self):
            return self.data

        def root(self):
            \"\"\"The square root.\"\"\"
            # <<< return the square root
            return math.sqrt(self.data)
            # >>>


    def double(x):
        # <<< twice x
        return 2 * x
        # >>>""")


def functions(code: str) -> dict[str, str]:
    return {node.name: ast.unparse(node) for node in ast.walk(ast.parse(code)) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def test_marked_lines_are_taken_out_and_kept() -> None:
    blank, solution = blanked(MARKED, "7"), solved(MARKED)
    assert 'raise NotImplementedError("Exercise 7: return the square root")' in blank
    assert "math.sqrt" not in blank
    assert "<<<" not in solution
    assert functions(solution)["double"] == "def double(x):\n    return 2 * x"
    assert [task for _, task in blanks_in(blank)] == ["keep the label too", "return the square root", "twice x"]
    assert blank.splitlines()[blanks_in(blank)[1][0] - 1].endswith('square root")')
    assert blanks_in(solution) == []
    assert blanks_in("def (") == []


MINE = [
    "class Number:\n    def __init__(self, data):\n        self.data = data  # mine\n",
    'class Number:\n  """Mine."""\n  def __init__(self, data):\n    "Mine."\n    # a note of mine\n    self.data = data  # mine\n',
    "import math\nclass Base: pass\n\nclass Number(Base):\n\tdef __init__(self, data):\n\t\tself.data = data  # mine\n\nHELP = 1\n",
    "@str\ndef helper(): pass\n\nclass Number:\n    def __init__(self, data): self.data = data  # mine\n    known = __init__\n",
]


@pytest.mark.parametrize("mine", MINE)
def test_going_on_from_ones_own_code_keeps_all_of_it(mine: str) -> None:
    found = carried(mine, MARKED, "7", "6")
    ast.parse(found)
    for line in mine.splitlines():
        if not line.strip().startswith("def __init__(self, data): "):  # which is two lines now
            assert line in found.splitlines()
    assert "self.data = data  # mine" in found
    assert {"Number", "__init__", "root", "double"} <= functions(found).keys()
    assert functions(found)["root"].count("Exercise 7: return the square root") == 1
    assert "Exercise 7: keep the label too" in functions(found)["__init__"]
    assert "Below is yours, from exercise 6" in found
    assert found.count("import math") == 1
    assert [task for _, task in blanks_in(found)].count("keep the label too") == 1


def test_what_is_there_already_is_not_added_again() -> None:
    mine = "import math\nclass Number:\n    def __init__(self, data): pass\n    def known(self): return 5\n    root = known\ndouble = int\n"
    found = carried(mine, MARKED, "7", "6")
    assert "def root" not in found
    assert "def double" not in found
    assert found.count("def known") == 1


def test_cells_are_read_and_written() -> None:
    text = '# %% [markdown]\n# # Title\n#\n# a line\n\n# %% tags=["work"]\nx = 1\n\n\ny = 2\n\n# %% tags=["given", "from-1"]\n\n'
    cells = read_cells(text)
    assert cells == [
        Cell("# Title\n\na line", (), False, 2),
        Cell("x = 1\n\n\ny = 2", ("work",), True, 7),
        Cell("", ("given", "from-1"), True, 13),
    ]
    assert [cell[:3] for cell in read_cells(write_cells(cells))] == [cell[:3] for cell in cells]
    assert read_cells("x = 1\n") == [Cell("x = 1", (), True, 1)]
    assert read_cells("") == []
