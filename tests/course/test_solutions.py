"""Every solution runs from top to bottom as it is handed out: the file as a program, and the notebook in Jupyter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from chainrule.course.exercises import EXERCISES, Exercise
from chainrule.course.exporting import exported, write_files
from chainrule.course.folder import FILES, NOTEBOOKS

pytestmark = pytest.mark.slow
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)


def environment() -> dict[str, str]:
    return os.environ | {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}


@every_exercise
def test_a_solution_runs_as_a_file(exercise: Exercise, tmp_path: Path) -> None:
    write_files(tmp_path, exported([exercise], [FILES]))
    command = [sys.executable, "-W", "error", f"{exercise.stem}.py"]
    result = subprocess.run(
        command, cwd=tmp_path / "solution", env=environment(), capture_output=True, encoding="utf-8", timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr
    assert not result.stderr
    assert result.stdout.strip()
    for line in result.stdout.splitlines():
        if line.startswith("picture: "):
            assert (tmp_path / "solution" / line.removeprefix("picture: ")).read_text(encoding="utf-8").rstrip().endswith("</svg>")


@every_exercise
def test_a_solution_runs_as_a_notebook(exercise: Exercise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jupytext")
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    write_files(tmp_path, exported([exercise], [NOTEBOOKS]))
    notebook: Any = nbformat.read(tmp_path / "solution" / f"{exercise.stem}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in code)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path / "solution")}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Jupyter
        client.execute()
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    told = json.dumps(outputs, ensure_ascii=False)
    assert f"Exercise {exercise.number}, {exercise.title}: right" in told, told[:2000]
    assert "not right yet" not in told
    assert "not done yet" not in told
