"""The course in a terminal: a learner types commands, and files are checked when they are saved."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from chainrule.course.exercises import EXERCISES, Exercise, by_number
from chainrule.course.folder import Folder, FolderError
from chainrule.course.terminal import COMMANDS, Terminal
from learner import MINE, OPERATORS, VALUE, answer


class Session:
    """A learner at a terminal."""

    def __init__(self, path: Path) -> None:
        self.folder = Folder(path)
        self.folder.lay_out()
        self.output = StringIO()
        self.terminal = Terminal(self.folder, Console(file=self.output, width=400))

    def type(self, line: str) -> str:
        """What a command prints."""
        begin = len(self.output.getvalue())
        self.terminal.obey(line)
        return self.output.getvalue()[begin:]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    session = Session(tmp_path / "course")
    session.folder.go_to(VALUE)
    return session


def test_an_exercise_from_its_blank_to_the_next(session: Session) -> None:
    assert "not done yet" in session.type("check")
    assert "Exercise 1 is not done yet" in session.type("next")
    answer(session.folder.file(VALUE), MINE.replace("0.0", "1.0"))
    assert "not right yet" in session.type("check")
    answer(session.folder.file(VALUE), MINE)
    told = session.type("check")
    assert "right" in told
    assert "02_operators.py" in told
    told = session.type("next")
    assert "Exercise 2 · Operators" in told
    assert "Not done yet" in told
    assert "✓   1  A smart number" in session.type("list")
    assert "←" in next(line for line in session.type("list").splitlines() if "Operators" in line)


@pytest.mark.skipif(os.name != "posix", reason="needs special files")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "tags", "controls"])
def test_what_is_no_file_in_place_of_the_exercise_is_named(session: Session, kind: str) -> None:
    path = session.folder.file(VALUE)
    path.unlink()
    words = "it is not a regular file"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
        words = "cannot be read: Is a directory"
    elif kind == "tags":
        path.write_text("# %% tags=" + "[" * 100_000 + "]")
        words = "line 1: the tags of a cell are written as in # %% tags="
    else:
        path.write_text("raise ValueError('\\x1b[2J\\x9b2J\\r' + '\\u202e' + 'x' * 10**7)")
        words = "raises ValueError: \\x1b[2J\\x9b2J\\r\\u202exxx"
    begin = time.perf_counter()
    told = session.type("check")
    assert words in told
    assert len(told) < 2000
    if kind in ("pipe", "device"):
        assert "is not a regular file; remove it" in session.type("reset")
    assert time.perf_counter() - begin < 5


@pytest.mark.skipif(os.name != "posix", reason="needs special files")
def test_a_record_that_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".progress.json")
    with pytest.raises(FolderError, match="is not a regular file"):
        Folder(tmp_path)


def test_hints_come_one_by_one_and_then_the_solution(session: Session) -> None:
    assert "There are 3 hints left" in session.type("solution")
    for number in (1, 2, 3):
        assert f"Hint {number} of 3" in session.type("hint")
    assert "There are no more hints" in session.type("hint")
    assert "class Value" in session.type("solution")


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)
def test_hints_look_as_they_are_written(session: Session, exercise: Exercise) -> None:
    session.folder.go_to(exercise)
    for hint in exercise.hints:
        told = session.type("hint")
        assert "```" not in told
        for line in re.findall(r"^ *((?:def|class) .*:)$", hint, re.MULTILINE):
            assert line in told


def test_what_fails_in_the_file_system_is_told(session: Session) -> None:
    session.folder.file(VALUE).unlink()
    session.folder.file(VALUE).mkdir()
    for command in ("check", "reset"):
        told = session.type(command)
        assert "01_value.py" in told
        assert "Is a directory" in told


def test_the_solution_can_be_seen_anyway(session: Session) -> None:
    assert "class Value" in session.type("solution anyway")


def test_other_commands(session: Session) -> None:
    for command in ("answers", "help", "list"):
        assert session.type(command).strip()
    assert all(name in session.type("help") for name in COMMANDS)
    assert "Operators" in session.type("go 2")
    assert session.folder.current == OPERATORS
    assert "there is no exercise 77" in session.type("go 77")
    assert "Say which" in session.type("go")
    assert "is no command" in session.type("dance")
    assert "is no command" in session.type("h")  # hint or help?
    assert session.type("") == ""
    assert "nothing to keep" in session.type("reset")
    assert "check all" in session.type("check everything")
    session.folder.file(OPERATORS).write_text("mine")
    assert "What you wrote is in" in session.type("reset")
    session.folder.file(OPERATORS).unlink()
    assert "does not exist any more" in session.type("check")


def test_saving_the_file_checks_it_and_coming_back_finds_everything(tmp_path: Path) -> None:
    path = tmp_path / "course"
    folder = Folder(path)
    folder.lay_out()
    folder.go_to(VALUE)

    def learner() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "chainrule", "learn", "--terminal", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
        )

    process = learner()
    assert process.stdin is not None
    try:
        time.sleep(1.5)
        answer(folder.file(VALUE), MINE)
        for _ in range(100):
            time.sleep(0.1)
            if Folder(path).progress.passed == ["1"]:
                break
        time.sleep(0.5)
        output, _ = process.communicate("next\nquit\n", timeout=30)
    finally:
        process.kill()
    assert "not done yet" in output
    assert "right" in output
    assert "Exercise 2 · Operators" in output
    assert "Until next time" in output
    output, _ = learner().communicate("list\n", timeout=30)
    assert f"1 of {len(EXERCISES)} exercises are done" in output
    assert by_number("2").title in output


def test_ctrl_c_leaves_in_good_order(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "chainrule", "learn", "--terminal", str(tmp_path / "course")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert process.stdout is not None
    while "[0] >" not in (line := process.stdout.readline()):
        if "Look at" in line:
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert "Until next time" in output
    assert process.returncode == 0
