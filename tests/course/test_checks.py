"""Every exercise is complete; its solution passes, its blank is not done yet, and every known mistake gets its own sentence."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chainrule.course import judging, running
from chainrule.course.blanks import blanks_in, solved
from chainrule.course.checking import NOT_DONE, PASSED, STOPPED, WRONG, Verdict
from chainrule.course.exercises import EXERCISES, PICTURES, Exercise, is_answer
from chainrule.course.running import Part
from chainrule.course.sandbox import check

BY_SLUG = {exercise.slug: exercise for exercise in EXERCISES}
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)


@cache
def answers(slug: str) -> Any:
    return importlib.import_module(f"answers.{slug}")


def each_answer(kind: str, quick: int = 1) -> list[Any]:
    """All answers; of `quick` each, one is for the quick runs and the others for the slow ones."""
    known = [(slug, name) for slug in BY_SLUG for name in getattr(answers(slug), kind)]
    marks = [[pytest.mark.slow] if number % quick else [] for number in range(len(known))]
    return [pytest.param(slug, name, id=f"{slug}-{name}", marks=mark) for (slug, name), mark in zip(known, marks, strict=True)]


def diagnosed(exercise: Exercise, code: list[Part], folder: Path) -> Verdict:
    """The verdict, from a fork of this process in place of a new one: what is imported is there already."""
    if not hasattr(os, "fork"):
        return check(exercise, code)
    request, answer = folder / "request.json", folder / "answer.json"
    request.write_text(json.dumps({"exercise": exercise.number, "parts": [asdict(part) for part in code], "folder": str(folder)}))
    for module in ("numpy", "chainrule.compiler.training.fit"):
        importlib.import_module(module)
    process = os.fork()
    if process == 0:
        running.MEMORY = -1  # this process may be larger already than a check may grow
        os.chdir(folder)
        judging.main(str(request), str(answer))
    os.waitpid(process, 0)
    return Verdict(**json.loads(answer.read_text()))


def parts(exercise: Exercise, answer: str | list[tuple[str, str]] = ()) -> list[Part]:  # type: ignore[assignment]
    """The code of an answer: a text in place of the work, or changes of the solution."""
    cells = [cell for cell in exercise.solution_cells() if is_answer(cell)]
    if isinstance(answer, str):
        given = [Part("given.py", cell.text) for cell in cells if "given" in cell.tags]
        return [*given, Part("answer.py", answer.lstrip("\n"))]
    texts = [cell.text for cell in cells]
    for old, new in answer:
        assert any(old in text for text in texts), f"the solution does not hold {old!r}"
        texts = [text.replace(old, new) for text in texts]
    return [Part("answer.py", text) for text in texts]


@every_exercise
def test_an_exercise_is_complete(exercise: Exercise) -> None:
    text = "\n\n".join(cell.text for cell in exercise.cells if not cell.is_code)
    assert text.startswith(f"# Exercise {exercise.number} · {exercise.title}\n")
    assert len(exercise.hints) == 3
    assert all("<details>" in cell.text for cell in exercise.of("question"))
    assert len(exercise.of("question")) == 2
    assert exercise.of("work")
    assert exercise.of("try")
    assert len(exercise.checks.mistakes) >= 6
    assert len({mistake.name for mistake in exercise.checks.mistakes}) == len(exercise.checks.mistakes)
    assert all(mistake.says and mistake.name for mistake in exercise.checks.mistakes)
    pictures = re.findall(r"!\[[^\]]+\]\(pictures/([^)]+)\)", text)
    assert pictures
    assert all((PICTURES / picture).is_file() for picture in pictures)


@every_exercise
def test_the_solution_passes(exercise: Exercise) -> None:
    verdict = check(exercise, parts(exercise))
    assert verdict.state == PASSED, verdict


@every_exercise
def test_the_blank_is_not_done_yet(exercise: Exercise) -> None:
    cells = [cell for cell in exercise.blank_cells() if is_answer(cell)]
    for cell in cells:
        ast.parse(cell.text)
    assert any(blanks_in(cell.text) for cell in cells)
    verdict = check(exercise, [Part("blank.py", cell.text) for cell in cells])
    assert verdict.state == NOT_DONE, verdict
    assert verdict.message.startswith("Not done yet: ")
    assert verdict.place.startswith("blank.py, line ")


@every_exercise
def test_nothing_of_the_solution_is_in_the_blank(exercise: Exercise) -> None:
    blank = "\n".join(cell.text for cell in exercise.blank_cells())
    assert "<<<" not in blank
    assert ">>>" not in blank.replace(">>> ", "")
    for cell in exercise.of("work"):
        for marked in re.findall(r"# <<< .*\n((?:.*\n)*?) *# >>>", cell.text + "\n"):
            assert len(marked) < 80 or marked not in blank
        assert solved(cell.text) not in blank


@every_exercise
def test_every_known_mistake_has_a_wrong_answer(exercise: Exercise) -> None:
    assert set(answers(exercise.slug).WRONG) == {mistake.name for mistake in exercise.checks.mistakes}


@pytest.mark.parametrize(("slug", "name"), each_answer("WRONG", quick=4))
def test_a_wrong_answer_gets_its_own_sentence(slug: str, name: str, tmp_path: Path) -> None:
    exercise = BY_SLUG[slug]
    verdict = diagnosed(exercise, parts(exercise, answers(slug).WRONG[name]), tmp_path)
    assert verdict.mistake == name, verdict
    assert verdict.state in (WRONG, STOPPED)
    assert verdict.message
    assert verdict.shows
    assert verdict.got != verdict.expected


@pytest.mark.parametrize(("slug", "name"), each_answer("RIGHT"))
def test_a_right_answer_in_another_style_passes(slug: str, name: str) -> None:
    exercise = BY_SLUG[slug]
    verdict = check(exercise, parts(exercise, answers(slug).RIGHT[name]))
    assert verdict.state == PASSED, verdict
