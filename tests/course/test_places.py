"""An exercise has a place in several files; these tests name the places that a new one lacks, or that one which is gone has left behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from chainrule.course.exercises import EXERCISES, HERE, PICTURES, Exercise

ROOT = Path(__file__).parents[2]
MAKERS = PICTURES / "make"
SHARED = {"__main__", "figures", "schemes"}  # files in pictures/make that draw no picture of their own
INDEX = ROOT / "docs" / "course" / "index.md"
ANSWERS = Path(__file__).parent / "answers"


def row_of(exercise: Exercise) -> str:
    return f"| {exercise.number} | [{exercise.title}]({exercise.stem}.md) |"


PLACES: dict[str, Callable[[Exercise], bool]] = {
    "exercises.py": lambda exercise: exercise in EXERCISES,
    "exercises/NN_name.py": lambda exercise: (HERE / "exercises" / f"{exercise.stem}.py").is_file(),
    "checks/name.py": lambda exercise: find_spec(f"chainrule.course.checks.{exercise.slug}") is not None,
    "pictures/make/name.py": lambda exercise: (MAKERS / f"{exercise.slug}.py").is_file(),
    "pictures/NN_name.svg": lambda exercise: any(PICTURES.glob(f"{exercise.stem[:2]}*.svg")),
    "tests/course/answers/name.py": lambda exercise: (ANSWERS / f"{exercise.slug}.py").is_file(),
    "docs/course/index.md": lambda exercise: row_of(exercise) in INDEX.read_text(),
}


def missing(exercise: Exercise) -> list[str]:
    """The places that an exercise lacks, each with what belongs there."""
    names = {"NN_name": exercise.stem, "name": exercise.slug}
    return [re.sub("NN_name|name", lambda match: names[match[0]], place) for place, has in PLACES.items() if not has(exercise)]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)
def test_an_exercise_is_in_all_its_places(exercise: Exercise) -> None:
    places = missing(exercise)
    assert not places, f"exercise {exercise.number} is not in {', '.join(places)}: course/README.md says what belongs in each place"


def test_a_new_exercise_is_told_all_its_places() -> None:
    assert missing(Exercise("99", "dreams", "Dreams")) == [
        "exercises.py",
        "exercises/99_dreams.py",
        "checks/dreams.py",
        "pictures/make/dreams.py",
        "pictures/99_dreams.svg",
        "tests/course/answers/dreams.py",
        "docs/course/index.md",
    ]


def test_no_file_is_left_of_an_exercise_that_is_not_in_the_list() -> None:
    stems, slugs = {exercise.stem for exercise in EXERCISES}, {exercise.slug for exercise in EXERCISES}
    assert {path.stem for path in (HERE / "exercises").glob("*.py")} == stems
    assert {path.stem for path in (HERE / "checks").iterdir() if not path.name.startswith("__")} == slugs
    assert {path.stem for path in MAKERS.glob("*.py")} - SHARED == slugs
    assert {path.stem for path in ANSWERS.iterdir() if not path.name.startswith("__")} == slugs
    used = {name for exercise in EXERCISES for cell in exercise.cells for name in re.findall(r"\(pictures/([\w.-]+)\)", cell.text)}
    assert {path.name for path in PICTURES.glob("*.svg")} == used


def test_the_readme_lists_the_places() -> None:
    table = re.findall(r"^\| `([^`]+)` \| .+ \|$", (HERE / "README.md").read_text(), re.MULTILINE)
    assert table == list(PLACES)
