"""Whose the files are that students hand in, and which exercises they answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.course import submissions
from chainrule.course.checking import PASSED
from chainrule.course.exercises import by_number
from chainrule.course.exporting import exported
from chainrule.course.folder import NOTEBOOKS
from chainrule.course.grading import grade
from chainrule.course.submissions import MISSING, UNREADABLE, submissions_in
from handing_in import GRAPH, NAME, OPERATORS, RIGHT, TITLED, write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("anna/02_operators.py", "anna"),
        ("anna_02_operators.py", "anna"),
        ("Anna Smith-2_Operators.py", "Anna Smith"),
        ("anna_02_operators (1).py", "anna"),
        ("anna_02_operators_final.py", "anna"),
        ("ben/02_operators (2).py", "ben"),
        ("02_operators_ben.py", "ben"),
        ("ben02-operators.py", "ben"),
    ],
)
def test_names(path: str, student: str) -> None:
    ((found,), *_) = submissions_in([write(path)])
    assert (found.student, found.exercise, found.trouble) == (student, OPERATORS, "")


def test_a_number_inside_a_number_is_no_exercise() -> None:
    assert submissions_in([write("anna_12_operators.py")])[0][0].exercise is None
    assert submissions_in([write("10_derivatives.py")])[0][0].exercise is None
    assert submissions_in([write("010_failures.py")])[0][0].exercise is by_number("10")
    assert submissions_in([write("05b_inspecting.py")])[0][0].exercise is by_number("5b")


def test_the_title_and_the_option_say_which_exercise_it_is() -> None:
    write("homework.py", OPERATORS.stem)
    titled = write("titled.py", "# %% [markdown]\n# # Exercise 2 · Operators\n\n# %%\n" + RIGHT)
    ((found,), *_) = submissions_in([titled])
    assert (found.student, found.exercise) == ("titled", OPERATORS)
    ((found,), *_) = submissions_in(["homework.py"])
    assert "--exercise" in found.trouble
    ((found,), *_) = submissions_in(["homework.py"], [GRAPH])
    assert found.exercise is GRAPH
    assert submissions_in([titled], [GRAPH])[:2] == ([], [titled])


def test_a_folder_is_a_student_s_or_a_class_s() -> None:
    for path in ("class/anna/02_operators.py", "class/anna/03_graph.py", "class/anna/helper.py", "class/anna/copies/02_operators.py"):
        write(path)
    for path in ("class/ben/02_operators.py", "class/ben/.hidden/02_operators.py", "class/notes/todo.txt"):
        write(path)
    found, left_out, _ = submissions_in(["class", "class/anna/02_operators.py"])
    assert [(submission.student, submission.exercise) for submission in found] == [("anna", OPERATORS), ("anna", GRAPH), ("ben", OPERATORS)]
    assert not left_out
    found, left_out, _ = submissions_in(["class"], [GRAPH])
    assert [(submission.student, submission.state) for submission in found] == [("anna", UNREADABLE), ("ben", MISSING)]
    assert [path.name for path in left_out] == [NAME, NAME]
    assert submissions_in(["class/notes"])[0][0].trouble == "There is no exercise in this folder."


def test_students_whose_folders_have_the_same_name_are_told_apart() -> None:
    found, *_ = submissions_in([write("anna/work/02_operators.py"), write("ben/work/02_operators.py")])
    assert [submission.student for submission in found] == ["anna/work", "ben/work"]
    found, *_ = submissions_in([write("anna/answer.py"), write("ben/answer.py"), write("ben/own.py")], [OPERATORS])
    assert [submission.student for submission in found] == ["anna/answer", "ben/answer", "own"]


@pytest.mark.parametrize("name", ["final.py", "3.py", "value.py", "ex02.py", "02.py", "operators.py"])
def test_titles_are_read_in_folders_too(name: str) -> None:
    write("class/anna/03_graph.py")
    write(f"class/anna/{name}", TITLED)
    write(f"class/ben/{name}", TITLED.replace("# %% [markdown]\n", ""))  # of an editor that knows no cells
    for paths in (["class"], ["class/anna", "class/ben"]):
        found, *_ = submissions_in(paths)
        assert {(each.student, each.exercise, each.folder) for each in found} == {
            ("anna", GRAPH, Path("class/anna").absolute()),
            ("anna", OPERATORS, Path("class/anna").absolute()),
            ("ben", OPERATORS, Path("class/ben").absolute()),
        }
    assert [row.state for row in grade(submissions_in(["class/ben"], [OPERATORS])[0])] == [PASSED]
    assert submissions_in(["class/ben"], [GRAPH])[0][0].state == MISSING


def test_titles_of_notebooks_are_read_in_folders_too() -> None:
    pytest.importorskip("jupytext")
    write("class/anna/mine.ipynb", exported([OPERATORS], [NOTEBOOKS])["solution/02_operators.ipynb"])
    assert [(row.student, row.exercise, row.state) for row in grade(submissions_in(["class"])[0])] == [("anna", "2", PASSED)]


def test_folders_are_searched_below_those_of_students() -> None:
    for path in (
        f"deep/anna/handin/x/{NAME}",
        f"deep/ben/2/{NAME}",
        "deep/ben/3/03_graph.py",
        f"deep/carl/{NAME}",
        "deep/carl/3/03_graph.py",
    ):
        write(path)
    found, *_ = submissions_in(["deep"])
    assert [(each.student, each.exercise) for each in found] == [
        ("anna", OPERATORS),
        ("ben", OPERATORS),
        ("ben", GRAPH),
        ("carl", OPERATORS),
        ("carl", GRAPH),
    ]
    assert found[0].folder == Path("deep/anna/handin/x").absolute()
    assert [row.state for row in grade(submissions_in(["deep/anna"])[0])] == [PASSED]
    found, *_ = submissions_in(["deep"], [GRAPH])
    assert [(each.student, each.state) for each in found] == [("anna", MISSING), ("ben", UNREADABLE), ("carl", UNREADABLE)]


def test_students_in_a_folder_of_a_folder_are_not_taken_for_one() -> None:
    for path in (
        f"term/monday/anna/{NAME}",
        f"term/monday/ben/{NAME}",
        f"term/carl_{NAME}",
        f"term/dora_{NAME}",
        f"other/monday/anna/{NAME}",
    ):
        write(path)
    write("term/emil.py", TITLED)
    found, *_ = submissions_in(["term"])
    assert [each.student for each in found] == ["carl", "dora", "emil", "monday/anna", "monday/ben"]
    found, *_ = submissions_in(["other", "term/monday"])
    assert [each.student for each in found] == ["monday", "anna", "ben"]
    write(f"other/monday/ben/{NAME}")
    found, *_ = submissions_in(["other", "term"])
    assert [each.student for each in found if "anna" in each.student] == ["other/monday/anna", "term/monday/anna"]


def test_the_search_ends() -> None:
    write(f"class/anna/{NAME}")
    Path("class/anna/again").symlink_to(Path("class").absolute())
    write("class/anna/env/pyvenv.cfg", "")
    write("class/anna/env/lib/thing.py")
    write(f"class/ben/2/3/4/5/6/{NAME}")
    write(f"class/carl/2/3/4/5/6/7/{NAME}")
    found, _, over = submissions_in(["class"])
    assert [each.student for each in found] == ["anna", "ben", "carl"]
    assert found[2].trouble == "There is no exercise in this folder."
    assert list(map(str, over)) == ["class/carl/2/3/4/5/6/7 (folders are searched 6 levels deep)"]


def test_a_folder_that_cannot_be_read_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    write(f"class/anna/{NAME}")
    write(f"class/ben/{NAME}")
    visible = submissions._visible

    def closed(folder: Path) -> list[Path]:
        if folder.name == "ben":
            raise PermissionError(13, "Permission denied")
        return visible(folder)

    monkeypatch.setattr(submissions, "_visible", closed)
    found, _, over = submissions_in(["class"])
    assert [(each.student, each.trouble) for each in found] == [("anna", ""), ("ben", "There is no exercise in this folder.")]
    assert list(map(str, over)) == ["class/ben (this folder cannot be read: Permission denied)"]
