"""The pages of the course in the documentation, which are made when it is built."""

from __future__ import annotations

import importlib.util
import json
import logging
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from chainrule.course.exercises import EXERCISES, Exercise, by_number

DOCS = Path(__file__).parents[2] / "docs"
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)


@pytest.fixture
def hook(tmp_path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("course_pages", DOCS / "hooks" / "course.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.KEPT = tmp_path / "kept"
    return module


@every_exercise
def test_a_page_has_all_of_an_exercise(hook: ModuleType, exercise: Exercise) -> None:
    codes = [cell for cell in exercise.cells if cell.is_code]
    came = [{"texts": [f"printed by {number}\n", ""], "pictures": [f"drawn-{number}.svg"], "error": ""} for number in range(len(codes))]
    page = hook.page(exercise, came)
    assert page.startswith(f"# Exercise {exercise.number} · {exercise.title}\n")
    assert page.count('\n??? tip "') == 3
    assert page.count('\n??? success "A solution"') == 1
    assert page.count('\n??? question "An answer"') == 2
    for number, cell in enumerate(codes):
        is_shown = "try" in cell.tags
        assert (f"    printed by {number}\n" in page) == is_shown
        assert (f"(drawn/{exercise.stem}/drawn-{number}.svg)" in page) == is_shown
    begin, _, rest = page.partition('??? success "A solution"')
    solution = rest.partition("\n## To think about")[0]
    for line in exercise.work.splitlines():
        assert f"    {line}".rstrip() in solution
    assert "raise NotImplementedError" in begin
    assert "raise NotImplementedError(" not in solution or "raise NotImplementedError(" in exercise.work
    assert "<details>" not in page
    assert "<<<" not in page


@every_exercise
def test_every_list_has_an_empty_line_before_it(hook: ModuleType, exercise: Exercise) -> None:
    lines = [line for cell in exercise.cells if not cell.is_code for line in [*hook.for_markdown(cell.text).splitlines(), ""]]
    is_code = False
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("- ") and not is_code:
            assert not before.strip() or before.startswith(("- ", "  ")), line
        is_code ^= line.startswith("```")


def test_what_the_code_gives_is_kept(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    exercise = by_number("3")
    came = hook.what_came(exercise)
    assert [len(cell["texts"]) for cell in came["cells"]] == [len(cell["pictures"]) + 1 for cell in came["cells"]]
    assert not any(cell["error"] for cell in came["cells"])
    drawn = {name for cell in came["cells"] for name in cell["pictures"]}
    assert drawn
    assert came["files"].keys() == drawn
    (kept,) = hook.KEPT.iterdir()
    monkeypatch.setattr("subprocess.run", None)
    assert hook.what_came(exercise) == came == json.loads(kept.read_text())


def test_a_cell_that_fails_is_told(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    exercise = by_number("2")
    cells = [cell._replace(text="1 / 0") if "try" in cell.tags else cell for cell in exercise.solution_cells()]
    monkeypatch.setattr(Exercise, "solution_cells", lambda self: cells)
    came = hook.what_came(exercise)
    assert "ZeroDivisionError" in came["cells"][-1]["error"]
    assert not hook.KEPT.exists()


def test_the_navigation_has_every_exercise(hook: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    config = hook.on_config(SimpleNamespace(nav=[{"Guide": []}, {"Course": ["course/index.md"]}]))
    assert [next(iter(page.values())) for page in config.nav[1]["Course"][1:]] == [f"course/{exercise.stem}.md" for exercise in EXERCISES]
    assert not caplog.records
    monkeypatch.setattr(hook, "written", lambda: list(EXERCISES[1:]))
    with caplog.at_level(logging.WARNING):
        hook.on_config(config)
    assert "Exercise 0 has no text" in caplog.text


def test_the_page_of_the_course_names_every_exercise() -> None:
    rows = re.findall(r"^\| (\w+) \| \[(.*)\]\((.*)\.md\) \| .* \|$", (DOCS / "course" / "index.md").read_text(), re.MULTILINE)
    assert rows == [(exercise.number, exercise.title, exercise.stem) for exercise in EXERCISES]
