"""A learner's folder: laid out once, gone on from, reset with a copy, and found again as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainrule.course.exercises import EXERCISES
from chainrule.course.folder import COPIES, FILES, NOTEBOOKS, RECORD, Folder, FolderError, cells_of, parts_of
from learner import GRAPH, MINE, OPERATORS, VALUE, answer


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "course")
    folder.lay_out()
    return folder


@pytest.mark.parametrize("kind", [FILES, NOTEBOOKS])
def test_a_folder_has_a_file_for_each_exercise_and_the_pictures(tmp_path: Path, kind: str) -> None:
    folder = Folder(tmp_path / "course", kind)
    made = folder.lay_out()
    assert made == [folder.file(exercise) for exercise in EXERCISES]
    assert list((folder.path / "pictures").glob("*.svg"))
    assert folder.lay_out() == []
    for exercise in EXERCISES:
        assert folder.is_untouched(exercise)
        cells = cells_of(folder.file(exercise))
        assert cells[0].text.startswith(f"# Exercise {exercise.number} · ")
        assert "## To think about" in "\n".join(cell.text for cell in cells)
        work = [part for part in parts_of(folder.file(exercise)) if "Exercise" in part.code]
        assert work
        text = folder.file(exercise).read_text()
        assert exercise.hints[2].splitlines()[0] in text if kind == NOTEBOOKS else exercise.hints[2] not in text


def test_the_same_folder_is_laid_out_twice_the_same(tmp_path: Path) -> None:
    for kind in (FILES, NOTEBOOKS):
        texts = []
        for name in "ab":
            Folder(tmp_path / name, kind).lay_out()
            texts.append([path.read_bytes() for path in sorted((tmp_path / name).glob(f"*{kind}"))])
        assert texts[0] == texts[1]


def test_lines_of_parts_are_those_of_the_file(folder: Folder) -> None:
    path = folder.file(OPERATORS)
    (part,) = parts_of(path)
    lines = path.read_text().splitlines()
    for number, line in enumerate(part.code.splitlines(), part.line):
        assert lines[number - 1] == line


def test_what_follows_goes_on_from_the_learners_code(folder: Folder) -> None:
    answer(folder.file(VALUE), MINE)
    verdict, changed = folder.check(VALUE)
    assert verdict.passed, verdict
    assert folder.file(OPERATORS) in changed
    text = folder.file(OPERATORS).read_text()
    assert "my_own = 42" in text
    assert "return a new Value with the sum" in text
    assert folder.is_untouched(OPERATORS)
    assert folder.next() == OPERATORS
    folder.go_to(VALUE)
    assert folder.next() == OPERATORS


def test_files_that_were_written_in_stay_as_they_are(folder: Folder) -> None:
    folder.file(OPERATORS).write_text(folder.file(OPERATORS).read_text() + "\n# a note\n")
    answer(folder.file(VALUE), MINE)
    _, changed = folder.check(VALUE)
    assert folder.file(OPERATORS) not in changed
    assert "my_own" not in folder.file(OPERATORS).read_text()
    assert folder.lay_out() == []
    assert "# a note" in folder.file(OPERATORS).read_text()


def test_reset_keeps_a_copy(folder: Folder) -> None:
    path = folder.file(VALUE)
    begin = path.read_text()
    assert folder.reset(VALUE) is None
    copies = []
    for text in ("first", "second", "third"):
        path.write_text(text)
        copies.append(folder.reset(VALUE))
        assert path.read_text() == begin
    assert [copy.read_text() for copy in copies if copy is not None] == ["first", "second", "third"]
    assert len(list((folder.path / COPIES).iterdir())) == 3
    path.unlink()
    assert folder.reset(VALUE) is None
    assert path.read_text() == begin


def test_everything_is_found_as_it_was(folder: Folder) -> None:
    answer(folder.file(VALUE), MINE)
    folder.check(VALUE)
    folder.go_to(OPERATORS)
    assert folder.hint(OPERATORS) == (1, OPERATORS.hints[0])
    again = Folder(folder.path)
    assert again.progress == folder.progress
    assert (again.current, again.progress.passed) == (OPERATORS, ["1"])
    assert again.hint(OPERATORS) == (2, OPERATORS.hints[1])
    assert not again.may_see_solution(OPERATORS)
    assert again.hint(OPERATORS) == (3, OPERATORS.hints[2])
    assert again.hint(OPERATORS) is None
    assert again.may_see_solution(OPERATORS)


def test_an_answer_that_is_spoilt_later_is_not_done_any_more(folder: Folder) -> None:
    answer(folder.file(VALUE), MINE)
    folder.check(VALUE)
    answer(folder.file(VALUE), "class Value: pass")
    verdict, _ = folder.check(VALUE)
    assert not verdict.passed
    assert folder.progress.passed == []
    assert "my_own" in folder.progress.work["1"]


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"current": "99"}', '{"current": "1", "passed": 3, "work": {}, "hints": {}, "written": {}}']
)
def test_a_damaged_record_is_kept_and_told(folder: Folder, damage: str) -> None:
    answer(folder.file(VALUE), MINE)
    (folder.path / RECORD).write_text(damage)
    again = Folder(folder.path)
    assert again.lay_out() == []
    assert "could not be read" in again.notes[0]
    assert (folder.path / f"{RECORD}.damaged").read_text() == damage
    assert "my_own" in folder.file(VALUE).read_text()
    assert json.loads((folder.path / RECORD).read_text())["passed"] == []


def test_files_that_cannot_be_read(folder: Folder, tmp_path: Path) -> None:
    folder.file(VALUE).unlink()
    with pytest.raises(FolderError, match="does not exist any more; 'reset' writes it again"):
        folder.check(VALUE)
    folder.file(VALUE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FolderError, match="cannot be read"):
        folder.check(VALUE)
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="is a file; give the name of a folder"):
        Folder(tmp_path / "file")
    notebook = tmp_path / "01_value.ipynb"
    for content in ("", "{", "[]", '{"cells": 3}'):
        notebook.write_text(content)
        with pytest.raises(FolderError, match="cannot be read"):
            parts_of(notebook)


def test_a_file_whose_cells_have_lost_their_marks_is_read_all_the_same(folder: Folder) -> None:
    folder.file(VALUE).write_text(MINE)
    verdict, _ = folder.check(VALUE)
    assert verdict.passed


def test_two_windows_do_not_lose_each_others_progress(folder: Folder) -> None:
    other = Folder(folder.path)
    other.go_to(GRAPH)
    answer(folder.file(VALUE), MINE)
    folder.check(VALUE)
    other.hint(OPERATORS)
    folder.go_to(OPERATORS)
    found = Folder(folder.path).progress
    assert (found.passed, found.hints, found.current) == (["1"], {"2": 1}, "2")
    assert other.current == GRAPH


def test_work_is_carried_on_after_the_record_was_damaged(folder: Folder) -> None:
    folder.file(GRAPH).write_text(folder.file(GRAPH).read_text() + "\n# a note\n")
    (folder.path / RECORD).write_text("{")
    again = Folder(folder.path)
    again.lay_out()
    answer(again.file(VALUE), MINE)
    _, changed = again.check(VALUE)
    assert again.file(OPERATORS) in changed
    assert again.file(GRAPH) not in changed


def test_a_cell_that_was_cut_in_two_is_one_answer(folder: Folder) -> None:
    answer(folder.file(VALUE), MINE)
    method = MINE[MINE.index("    def __repr__") : MINE.index("    my_own")]
    pieces = [
        MINE.replace(method, ""),
        "# %%\nhelper = 3",
        "# %% [markdown]\n# a note",
        f"# %%\nif True:\n{method}Value.__repr__ = __repr__",
    ]
    text = folder.file(VALUE).read_text()
    folder.file(VALUE).write_text(text.replace(MINE.rstrip("\n"), "\n\n".join(pieces)))
    verdict, _ = folder.check(VALUE)
    assert verdict.passed, verdict
    assert "helper = 3" in folder.progress.work["1"]
    assert "Value.__repr__ = __repr__" in folder.file(OPERATORS).read_text()
    folder.file(VALUE).write_text(folder.file(VALUE).read_text().replace('# %% tags=["work"]', "# %%"))
    assert folder.check(VALUE)[0].passed


def test_a_folder_that_cannot_be_written_in_is_told(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("chainrule.course.folder.write_atomically", refuse)
    assert folder.hint(VALUE) == (1, VALUE.hints[0])
    assert "progress could not be saved" in folder.notes[0]
