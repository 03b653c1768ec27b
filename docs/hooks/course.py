"""The pages of the course, made from the exercises when the documentation is built, with what the code prints and draws.

MkDocs calls the functions whose names begin with `on_`. The output of an exercise's code is kept in build/course, under a digest of
everything on which it depends, so that the next build is fast.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.course.exercises import EXERCISES, HERE, HINTS, PICTURES, QUESTIONS, Exercise, source_of
from chainrule.course.folder import question_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainrule.course.cells import Cell

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("cells.py")
KEPT = ROOT / "build" / "course"
SECONDS = 120

log = logging.getLogger("mkdocs.hooks.course")  # a warning is an error with --strict


def on_config(config: Any) -> Any:
    """Put the pages into the navigation, and warn of exercises that are missing."""
    for exercise in EXERCISES:
        if exercise not in written():
            log.warning("Exercise %s has no text: %s.py", exercise.number, exercise.stem)
    for section in config.nav:
        if "Course" in section:
            section["Course"] += [{f"{exercise.number} · {exercise.title}": f"course/{exercise.stem}.md"} for exercise in written()]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages, and their pictures."""
    from mkdocs.structure.files import File

    for picture in PICTURES.glob("*.svg"):
        files.append(File.generated(config, f"course/pictures/{picture.name}", content=picture.read_bytes()))
    with ThreadPoolExecutor(2) as executor:
        for exercise, came in zip(written(), executor.map(what_came, written()), strict=True):
            for error in filter(None, (cell["error"] for cell in came["cells"])):
                log.warning("Exercise %s: a cell of its solution fails:\n%s", exercise.number, error)
            files.append(File.generated(config, f"course/{exercise.stem}.md", content=page(exercise, came["cells"])))
            for name, content in came["files"].items():
                files.append(File.generated(config, f"course/drawn/{exercise.stem}/{name}", content=content.encode()))
    return files


def written() -> list[Exercise]:
    """The exercises whose texts are there."""
    return [exercise for exercise in EXERCISES if (HERE / "exercises" / f"{exercise.stem}.py").is_file()]


# --- what the code gives ------------------------------------------------------------------------------------------------------------------


def what_came(exercise: Exercise) -> dict[str, Any]:
    """What the cells of code of an exercise print and draw with the solution in place: `cells`, and the pictures in `files`."""
    codes = json.dumps([cell.text for cell in exercise.solution_cells() if cell.is_code])
    digest = hashlib.sha256(f"{sys.version} {RUNNER.read_text()} {library()} {codes}".encode()).hexdigest()
    kept = KEPT / f"{exercise.stem}-{digest[:24]}.json"
    if kept.is_file():
        return json.loads(kept.read_text())
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "matplotlibrc").write_text("backend: agg\nsvg.hashsalt: chainrule\n")
        environment = os.environ | {"SOURCE_DATE_EPOCH": "0", "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(RUNNER)]
        result = subprocess.run(
            command, cwd=folder, env=environment, input=codes.encode(), capture_output=True, check=False, timeout=SECONDS
        )
        if result.returncode:
            return {"cells": [{"texts": [], "pictures": [], "error": result.stderr.decode()}], "files": {}}
        drawn = {path.name: path.read_text() for path in sorted(Path(folder, "pictures").glob("*.svg"))}
    came = {"cells": json.loads(result.stdout), "files": drawn}
    if not any(cell["error"] for cell in came["cells"]):
        KEPT.mkdir(parents=True, exist_ok=True)
        for old in KEPT.glob(f"{exercise.stem}-*.json"):
            old.unlink(missing_ok=True)
        kept.write_text(json.dumps(came))
    return came


def library() -> str:
    """A digest of the library, on which all depends that the exercises print."""
    sources = sorted(
        path for path in HERE.parent.rglob("*") if path.suffix in (".py", ".c", ".h") and not {"exercises", "checks"} & set(path.parts)
    )
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


# --- the page -----------------------------------------------------------------------------------------------------------------------------


def page(exercise: Exercise, came: list[Mapping[str, Any]]) -> str:
    """An exercise as a page: what a learner begins with, what the solution gives, and hints, solution and answers folded."""
    results = iter(came)
    blanks = [cell for cell in exercise.blank_cells() if cell.is_code]
    blank_of = dict(zip((number for number, cell in enumerate(exercise.cells) if is_blank(cell)), blanks, strict=True))
    hints = iter(HINTS)
    parts = []
    for number, cell in enumerate(exercise.cells):
        result = next(results, {}) if cell.is_code else {}
        if "solution" in cell.tags:
            continue
        if "hint" in cell.tags:
            if cell == exercise.of("hint")[0]:
                parts.append("## Stuck?")
            parts.append(folded("tip", next(hints, "A hint"), for_markdown(cell.text)))
            if cell == exercise.of("hint")[-1]:
                parts.append(folded("success", "A solution", solution_of(exercise)))
        elif "question" in cell.tags:
            question, answer = question_of(cell)
            if cell == exercise.of("question")[0]:
                parts.append(QUESTIONS)
            parts += [for_markdown(question), folded("question", "An answer", for_markdown(answer))]
        elif not cell.is_code:
            parts.append(for_markdown(cell.text))
        elif "given" in cell.tags:
            parts.append(folded("note", f"Your answer to exercise {source_of(cell)}, as it is", code(blank_of[number].text)))
        elif "work" in cell.tags:
            parts.append(code(blank_of[number].text))
        else:
            parts += [code(cell.text), *gives(exercise, result)]
    return "\n\n".join([*parts, neighbours(exercise)]) + "\n"


def is_blank(cell: Cell) -> bool:
    """Whether a cell is of code and in what a learner begins with."""
    return cell.is_code and "solution" not in cell.tags


def solution_of(exercise: Exercise) -> str:
    """The solution, with the remarks on it."""
    cells = [cell for cell in exercise.solution_cells() if {"work", "solution"} & set(cell.tags)]
    told = [code(cell.text) if cell.is_code else for_markdown(cell.text) for cell in cells]
    return "\n\n".join(["This is one of many solutions; yours may look different.", *told])


def gives(exercise: Exercise, result: Mapping[str, Any]) -> list[str]:
    """What a cell prints and draws."""
    parts = []
    pictures = [f"![What this draws](drawn/{exercise.stem}/{name})" for name in result.get("pictures", [])]
    for k, text in enumerate(result.get("texts", [])):
        parts += [code(text.strip("\n"), "text")] if text.strip() else []
        parts += pictures[k : k + 1]
    return [folded("example", "With the solution, this gives", "\n\n".join(parts), is_open=True)] if parts else []


def neighbours(exercise: Exercise) -> str:
    """Links to the exercises before and after."""
    place = EXERCISES.index(exercise)
    before, after = EXERCISES[max(place - 1, 0) : place], EXERCISES[place + 1 : place + 2]
    links = [f"← [{other.number} · {other.title}]({other.stem}.md)" for other in before]
    links += [f"[{other.number} · {other.title}]({other.stem}.md) →" for other in after]
    return "---\n\n" + " &nbsp;&nbsp; ".join(links)


def folded(kind: str, title: str, text: str, is_open: bool = False) -> str:
    """A text that opens on a click."""
    return f'???{"+" if is_open else ""} {kind} "{title}"\n\n{textwrap.indent(text, "    ")}'


def code(text: str, language: str = "python") -> str:
    """A block of code."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`{3,}", text))])
    return f"{fence}{language}\n{text}\n{fence}"


def for_markdown(text: str) -> str:
    """A text for Python-Markdown, which wants an empty line before a list, and HTML to say that there is Markdown in it."""
    lines: list[str] = []
    is_code = False
    for line in text.replace("<details>", '<details markdown="1">').splitlines():
        is_item = re.match(r"([-*]|\d+\.) ", line)
        before = lines[-1] if lines else ""
        if is_item and not is_code and before.strip() and not re.match(r"([-*]|\d+\.) |  ", before):
            lines.append("")
        is_code ^= line.lstrip().startswith("```")
        lines.append(line)
    return "\n".join(lines)
