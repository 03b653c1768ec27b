"""Notebooks: made from the same cells, and checked while they are worked in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from chainrule.course import load_ipython_extension
from chainrule.course.exercises import by_number
from chainrule.course.folder import NOTEBOOKS, Folder, cells_of
from learner import MINE, OPERATORS, VALUE


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    load_ipython_extension(shell)
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def test_a_cell_is_run_and_checked(shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Folder(tmp_path, NOTEBOOKS)
    folder.lay_out()
    shell.run_cell(f"%%exercise 1\n{MINE.replace('0.0', '5.0')}")
    assert "not right yet" in capsys.readouterr().out
    shell.run_cell(f"%%exercise 1\n{MINE}")
    told = capsys.readouterr().out
    assert "right" in told
    assert "Next:" in told
    assert shell.user_ns["Value"](2).data == 2.0
    assert Folder(tmp_path, NOTEBOOKS).progress.passed == ["1"]
    assert any("my_own = 42" in cell.text for cell in cells_of(folder.file(OPERATORS)))


def test_a_loop_without_end_does_not_reach_the_notebook(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("%%exercise 1\nwhile True: pass")
    assert "still running" in capsys.readouterr().out


def test_cells_that_are_given_must_be_run_first(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("%%exercise 6\nclass Neuron: pass")
    assert "First run the cells above" in capsys.readouterr().out
    shell.run_cell(f"%%exercise 6 given 5\n{by_number('5').work}")
    assert capsys.readouterr().out == ""
    shell.run_cell(f"%%exercise 6\n{by_number('6').work}")
    assert "right" in capsys.readouterr().out


def test_the_solution_is_shown_after_a_try(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("%solution 2")
    assert "Try it first" in capsys.readouterr().out
    shell.run_cell("%%exercise 2\npass")
    capsys.readouterr()
    shell.run_cell("shown = get_ipython().run_line_magic('solution', '2')")
    assert "def __radd__" in shell.user_ns["shown"].data
    shell.run_cell("%solution 99")
    assert "There is no exercise '99'" in capsys.readouterr().out
    shell.run_cell("%%exercise 99\npass")
    assert "There is no exercise '99'" in capsys.readouterr().out
    shell.run_cell("%%exercise 2 something\npass")
    assert "should be %%exercise 2" in capsys.readouterr().out


def test_running_a_notebook_does_not_count_as_writing_in_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path, NOTEBOOKS)
    folder.lay_out()
    path = folder.file(VALUE)
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 3
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["hello\n"]}]
    path.write_text(json.dumps(notebook))
    assert folder.is_untouched(VALUE)
    notebook["cells"][-1]["source"] = "# a note"
    path.write_text(json.dumps(notebook))
    assert not folder.is_untouched(VALUE)


def test_a_cell_that_has_lost_its_tags_is_known_by_its_first_line(tmp_path: Path) -> None:
    folder = Folder(tmp_path, NOTEBOOKS)
    folder.lay_out()
    path = folder.file(OPERATORS)
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    path.write_text(json.dumps(notebook))
    (work,) = [cell for cell in cells_of(path) if "work" in cell.tags]
    assert work.text.startswith("class Value")
    (setup,) = [cell for cell in cells_of(path) if "load_ext" in cell.text and cell.is_code]
    assert setup.text == "# %load_ext chainrule.course"
