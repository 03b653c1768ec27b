"""For teachers: the exercises to hand out, and their solutions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chainrule.course.cells import write_cells
from chainrule.course.exercises import PICTURES, Exercise
from chainrule.course.folder import FILES, NOTEBOOKS, content_of
from chainrule.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def exported(exercises: Sequence[Exercise], kinds: Sequence[str]) -> dict[str, bytes]:
    """What to hand out, and what to keep: the files of `student` and `solution`, by their paths.

    Arguments:
        exercises: which.
        kinds: FILES, NOTEBOOKS, or both.

    Raises:
        ImportError: if notebooks are asked for, and Jupytext is not installed.
    """
    files: dict[str, bytes] = {}
    for exercise in exercises:
        solution = exercise.solution_cells()
        for kind in kinds:
            name = f"{exercise.stem}{kind}"
            files[f"student/{name}"] = content_of(exercise, exercise.blank_cells(), kind)
            files[f"solution/{name}"] = write_cells(solution).encode() if kind == FILES else content_of(exercise, solution, kind)
        for picture in re.findall(r"\(pictures/([\w.-]+)\)", "\n".join(cell.text for cell in solution if not cell.is_code)):
            for folder in ("student", "solution"):
                files[f"{folder}/pictures/{picture}"] = (PICTURES / picture).read_bytes()
    files["student/README.md"] = _for_students(kinds).encode()
    files["solution/README.md"] = _for_teachers().encode()
    return files


def _for_students(kinds: Sequence[str]) -> str:
    ways = []
    if FILES in kinds:
        ways.append(
            "The files ending in `.py` are for an editor of your own. `chainrule learn --terminal .`, typed in this folder, checks the\n"
            "current exercise whenever you save it; `hint`, `next` and `help` are commands there."
        )
    if NOTEBOOKS in kinds:
        ways.append(
            "The files ending in `.ipynb` are notebooks. `chainrule learn .`, typed in this folder, opens them in JupyterLab. A cell that\n"
            "begins with `%%exercise` is checked whenever you run it."
        )
    return (
        "# The course\n\nEach file is an exercise, and says what to do. Write your lines in place of those that say\n"
        "`raise NotImplementedError(...)`.\n\n" + "\n\n".join(ways) + "\n\nKeep the names of the files: they say which exercise is which.\n"
    )


def _for_teachers() -> str:
    return (
        "# The course, with solutions\n\nThese are the files of the folder `student` with the solutions in place. They run as they are.\n\n"
        "`chainrule course grade` checks what students hand in.\n"
    )


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files into a folder, if none of them is there already with something else in it.

    Raises:
        FileExistsError: if one is; nothing is written then.
        OSError: if one cannot be written.
    """
    for name, content in files.items():
        path = folder / name
        if path.is_dir() or (path.exists() and path.read_bytes() != content):
            raise FileExistsError(f"{path} is there already, and is never overwritten; choose another folder")
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, content)


__all__ = ["exported", "write_files"]
