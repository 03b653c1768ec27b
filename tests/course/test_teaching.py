"""For teachers: what is handed out, and that whatever is handed in costs only its own row."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from chainrule.course import grading, submissions
from chainrule.course.checking import ERROR, NOT_DONE, PASSED, STOPPED, WRONG, Verdict
from chainrule.course.exercises import EXERCISES
from chainrule.course.exporting import exported
from chainrule.course.folder import FILES, NOTEBOOKS
from chainrule.course.grading import COLUMNS, Row, grade
from chainrule.course.reporting import UNTOLD, as_report
from chainrule.course.submissions import MISSING, UNREADABLE, Submission, submissions_in
from handing_in import ADDS, NAME, OPERATORS, RIGHT, TITLED, one, run, table, write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- export -------------------------------------------------------------------------------------------------------------------------------


def test_export_writes_what_to_hand_out_and_what_to_keep() -> None:
    result = run("export", "out", "-e", "2", "--exercise", "3", "--format", "files")
    assert result.stdout == "2 exercises in out/student, with solutions in out/solution\n"
    names = {"02_operators.py", "03_graph.py", "README.md", "pictures"}
    assert {path.name for path in Path("out/student").iterdir()} == names
    assert {path.name for path in Path("out/solution").iterdir()} == names
    assert "02_operators.svg" in {path.name for path in Path("out/student/pictures").iterdir()}
    student, solution = Path("out/student", NAME).read_text(), Path("out/solution", NAME).read_text()
    assert "NotImplementedError" in student
    assert "<details>" not in student
    assert "NotImplementedError" not in solution
    assert RIGHT in solution
    assert OPERATORS.hints[0].splitlines()[0] in solution
    assert [row.state for row in grade(submissions_in(["out/student"])[0])] == [NOT_DONE, NOT_DONE]
    assert [row.state for row in grade(submissions_in(["out/solution"])[0])] == [PASSED, PASSED]


def test_export_of_notebooks() -> None:
    pytest.importorskip("jupytext")
    run("export", "out", "-e", "2", "--format", "notebooks")
    assert {path.name for path in Path("out/student").glob("02*")} == {"02_operators.ipynb"}
    solution = json.loads(Path("out/solution/02_operators.ipynb").read_text())
    assert any("self.data * other.data" in "".join(cell["source"]) for cell in solution["cells"])
    rows = grade(submissions_in(["out/student", "out/solution"])[0])
    assert [(row.student, row.state) for row in rows] == [("student", NOT_DONE), ("solution", PASSED)]


def test_export_makes_both_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jupytext")
    run("export", "out", "-e", "2")
    assert {path.name for path in Path("out/student").glob("02*")} == {NAME, "02_operators.ipynb"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    run("export", "plain", "-e", "2")
    assert {path.name for path in Path("plain/student").glob("02*")} == {NAME}


def test_export_without_jupytext_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert "pip install" in run("export", "out", "-e", "2", "--format", "notebooks", status=2).stderr
    assert not Path("out").exists()


def test_export_never_overwrites() -> None:
    run("export", "out", "-e", "2", "--format", "files")
    run("export", "out", "-e", "2", "--format", "files")  # the same again is no loss
    write(f"out/solution/{NAME}", "mine")
    Path("out/student/README.md").unlink()
    result = run("export", "out", "-e", "2", "--format", "files", status=2)
    assert result.stderr == f"Error: out/solution/{NAME} is there already, and is never overwritten; choose another folder\n"
    assert Path("out/solution", NAME).read_text() == "mine"
    assert not Path("out/student/README.md").exists()


@pytest.mark.parametrize(
    "arguments", [["export"], ["export", "out", "-e", "99"], ["export", "out", "--format", "pdf"], ["grade"], ["grade", "x.py", "-j", "0"]]
)
def test_wrong_usage(arguments: list[str]) -> None:
    run(*arguments, status=2)


def test_export_into_a_file() -> None:
    write("out", "a file")
    run("export", "out", "-e", "2", status=2)


def test_everything_can_be_exported() -> None:
    files = exported(EXERCISES, [FILES])
    assert {f"{side}/{exercise.stem}.py" for side in ("student", "solution") for exercise in EXERCISES} <= files.keys()


# --- which files are checked --------------------------------------------------------------------------------------------------------------


def test_what_is_passed_over_is_named() -> None:
    for path in (f"class/anna/{NAME}", "class/anna/helper.py", "class/anna/deeper/final.py", "class/ben/mine.ipynb", "class/ben/essay.txt"):
        write(path)
    write("class/carl/notes.txt")
    write("class/anna/large_title.py", TITLED + "#" * submissions.LARGEST)
    os.mkfifo("class/anna/pipe.py")
    result = run("grade", "class")
    files = [
        "class/anna/deeper/final.py",
        "class/anna/helper.py",
        "class/anna/large_title.py",
        "class/anna/pipe.py",
        "class/ben/mine.ipynb",
    ]
    assert result.stderr == f"not checked, because {UNTOLD}: {', '.join(files)}\n"
    assert [(row["student"], row["state"], row["message"]) for row in table()] == [
        ("anna", PASSED, ""),
        ("ben", UNREADABLE, "There is no exercise in this folder."),
    ]
    report = Path("report.md").read_text()
    assert f"## Not checked\n\n{UNTOLD.capitalize()}." in report
    assert all(f"- {path}".replace("_", "\\_") in report for path in files)
    assert "essay" not in report + result.stderr
    result = run("grade", "class", "class/anna/helper.py", "-e", "2", "--force")  # what is named by itself is no longer passed over
    assert "helper.py" not in result.stderr
    for number in range(9):
        write(f"many/{number}.py")
    assert "many/4.py and 4 more\n" in run("grade", "many", "--force").stderr
    assert "- many/8.py" in Path("report.md").read_text()


def test_a_folder_without_exercises_says_what_is_in_it() -> None:
    write("anna/final.py")
    result = run("grade", "anna")
    assert "anna/final.py" in result.stderr
    assert "- anna/final.py" in Path("report.md").read_text()
    found, _, over = submissions_in([write(f"ben/{NAME}")])
    assert "Not checked" not in as_report(grade(found), over).decode()


# --- grading ------------------------------------------------------------------------------------------------------------------------------


def test_grading_writes_a_table_and_a_report() -> None:
    write(f"anna/{NAME}")
    write(f"ben/{NAME}", ADDS)
    result = run("grade", "anna", "ben", "-o", "graded")
    assert result.stdout == "1 of 2 are right: graded/grades.csv, graded/report.md\n"
    anna, ben = table("graded/grades.csv")
    assert (
        list(anna)
        == COLUMNS
        == [
            "submission",
            "student",
            "exercise",
            "title",
            "state",
            "mistake",
            "message",
            "example",
            "got",
            "expected",
            "place",
            "notes",
            "seconds",
        ]
    )
    assert (anna["submission"], anna["student"], anna["exercise"], anna["title"]) == (f"anna/{NAME}", "anna", "2", "Operators")
    assert (anna["state"], anna["mistake"], anna["message"]) == (PASSED, "", "")
    assert float(anna["seconds"]) > 0
    assert (ben["state"], ben["mistake"], ben["got"], ben["expected"]) == (WRONG, "a product that adds", "-1.0", "-6.0")
    assert ben["example"].endswith("c = a * b\nc.data")
    assert ben["place"].startswith(f"{NAME}, line ")
    report = Path("graded/report.md").read_text()
    assert "| anna | ✓ | 1 |" in report
    assert "| ben | ✗ | 0 |" in report
    assert "| 1 | 2, Operators | a product that adds | ben |" in report
    assert "Exercise 2, Operators: not right yet: a product that adds" in report
    assert report.count("## ") == 3


def test_results_are_replaced_only_when_asked() -> None:
    write(f"anna/{NAME}")
    write("report.md", "my notes")
    result = run("grade", "anna", status=2)
    assert result.stderr.startswith("Error: report.md is there already; ")
    assert not Path("grades.csv").exists()
    run("grade", "anna", "--force")
    assert table()[0]["state"] == PASSED


def test_exercises_can_be_chosen() -> None:
    write(f"anna/{NAME}")
    write("anna/03_graph.py", "raise SystemExit")
    result = run("grade", "anna", "-e", "2")
    assert result.stderr == "left out, because they belong to other exercises: anna/03_graph.py\n"
    assert [row["exercise"] for row in table()] == ["2"]
    assert "nothing to check" in run("grade", "anna/03_graph.py", "-e", "2", "--force", status=2).stderr


BROKEN = {
    "not Python": ("def f(:\n", ERROR, "not Python"),
    "empty": ("", UNREADABLE, "no code"),
    "binary": (b"\x89PNG\x00\xff\xfe", UNREADABLE, "cannot be read"),
    "zeros": (b"\x00" * 100, ERROR, "not Python"),
    "damaged tags": ('# %% tags=["work"\nx = 1\n', ERROR, "no Value"),
    "tags that are no texts": ("# %% tags=[1, {}]\nx = 1\n", UNREADABLE, "line 1: the tags of a cell are written as"),
    "tags without end": ("x = 1\n# %% tags=" + "[" * 100_000 + "]\n", UNREADABLE, "line 2: the tags of a cell are written as"),
    "deep": ("(" * 100_000, ERROR, ""),
    "exit": ("exit()\n", STOPPED, "exit()"),
    "kills itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", STOPPED, "ended by the system"),
    "ends at once": ("import os\nos._exit(0)\n", STOPPED, "os._exit"),
    "crashes": ("import ctypes\nctypes.string_at(0)\n", STOPPED, "SIGSEGV"),
    "memory bomb": ("x = bytearray(1 << 40)\n", ERROR, "MemoryError"),
    "input": ("input()\n", ERROR, "input()"),
    "prints a lot": (f"for _ in range(100_000): print('spam' * 20)\n{ADDS}", WRONG, "product"),
    "writes past print": (f"import os\nos.write(1, b'x' * 1_000_000)\n{RIGHT}", PASSED, ""),
    "nothing defined": ("x = 1\n", ERROR, "There is no Value"),
}


def test_what_python_runs_the_grader_runs() -> None:
    write(f"cookie/{NAME}", ("# -*- coding: cp1252 -*-\n# Größe\n" + RIGHT).encode("cp1252"))
    write(f"opens/{NAME}", f"text = open('numbers.txt').read()\nassert text == '1 2 3'\n{RIGHT}")
    write("opens/numbers.txt", "1 2 3")
    write(f"place/{NAME}", f"import pathlib\nassert pathlib.Path(__file__).parent.name == 'place'\n{RIGHT}")
    write(f"mark/{NAME}", b"\xef\xbb\xbf" + RIGHT.encode())
    write(f"windows/{NAME}", RIGHT.replace("\n", "\r\n"))
    run("grade", "cookie", "opens", "place", "mark", "windows")
    assert {row["student"]: row["message"] or row["state"] for row in table()} == dict.fromkeys(
        ("cookie", "opens", "place", "mark", "windows"), PASSED
    )


def test_a_notebook_with_a_byte_order_mark() -> None:
    pytest.importorskip("jupytext")
    run("export", "out", "-e", "2", "--format", "notebooks")
    write("anna/02_operators.ipynb", b"\xef\xbb\xbf" + Path("out/solution/02_operators.ipynb").read_bytes())
    assert one("anna/02_operators.ipynb").state == PASSED


def test_what_should_be_looked_at_is_in_the_table_and_the_report() -> None:
    write(f"anna/{NAME}", "from chainrule import Value\n")
    result = run("grade", "anna", "--isolate")
    assert "1 of 1 are right, and you should look at 1 of these (see their notes)" in result.stdout
    (row,) = table()
    assert "Value is chainrule's own" in row["notes"]
    assert "chainrule.Value (line 1)" in row["notes"]
    assert "## To be looked at" in Path("report.md").read_text()


def test_a_broken_submission_costs_only_its_own_row() -> None:
    for name, (content, _, _) in BROKEN.items():
        write(f"{name}_{NAME}", content)
    write(f"sound_{NAME}")
    Path(f"folder_{NAME}").mkdir()
    Path(f"dangling_{NAME}").symlink_to("nowhere")
    os.mkfifo(f"pipe_{NAME}")
    write("not json_02_operators.ipynb", "{")
    write("no notebook_02_operators.ipynb", "[1]")
    write("word_02_operators.docx", "dear teacher")
    more = {
        "folder": (UNREADABLE, "no exercise in this folder"),
        "dangling": (MISSING, "no such file"),
        "gone": (MISSING, "no such file"),
        "pipe": (UNREADABLE, "not a regular file"),
        "not json": (UNREADABLE, "cannot be read"),
        "no notebook": (UNREADABLE, "cannot be read"),
        "word": (UNREADABLE, "ends in .py or .ipynb"),
        "sound": (PASSED, ""),
    }
    names = [*(path.name for path in sorted(Path().iterdir())), f"gone_{NAME}", "x" * 5000]
    result = run("grade", *names, "--jobs", "2")
    assert result.exit_code == 0
    rows = {row["student"].removesuffix("_02_operators.py"): row for row in table()}
    assert len(rows) == len(names)
    for name, (state, words) in {**{name: (state, words) for name, (_, state, words) in BROKEN.items()}, **more}.items():
        assert rows[name]["state"] == state, rows[name]
        assert words in rows[name]["message"], rows[name]
    report = Path("report.md").read_text()
    assert len(report) < 60_000
    assert "… and" in report


def test_an_endless_loop_and_what_it_started_are_ended() -> None:
    write(f"anna_{NAME}", "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', SLEEP])\nwhile True: pass\n")
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    pid = Path("pid").absolute()
    text = Path(f"anna_{NAME}").read_text().replace("SLEEP", repr(code.replace("'pid'", repr(str(pid)))))
    write(f"anna_{NAME}", text)
    row = one(f"anna_{NAME}")
    assert row.state == STOPPED
    assert "still running after" in row.message
    assert row.place == f"anna_{NAME}, line 3"
    assert _is_gone(int(pid.read_text()))


def test_a_child_that_sleeps_is_gone_afterwards() -> None:
    pid = Path("pid").absolute()
    child = (
        f"import os, time\nif os.fork() == 0:\n    open({str(pid)!r}, 'w').write(str(os.getpid()))\n    time.sleep(60)\n    os._exit(0)\n"
    )
    wait = f"while not os.path.exists({str(pid)!r}) or not open({str(pid)!r}).read(): time.sleep(0.01)\n"
    row = one(write(f"anna_{NAME}", child + wait + RIGHT))
    assert row.state == PASSED
    assert _is_gone(int(pid.read_text()))


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has asked for its status counts."""
    for _ in range(100):
        try:
            status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] if Path("/proc").exists() else "?"
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        if status == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_module_of_one_student_does_not_reach_the_others() -> None:
    write("random.py", "raise SystemExit('mine')")
    write(f"anna_{NAME}", "import random\n" + RIGHT)
    write(f"ben/{NAME}", "from helper import TWO\n" + RIGHT)
    write("ben/helper.py", "TWO = 2")
    assert one(f"anna_{NAME}").state == PASSED
    assert one("ben").state == PASSED


def test_many_at_once_give_the_same_table() -> None:
    for number, content in enumerate([RIGHT, ADDS, "", "exit()", RIGHT.replace("__radd__", "radd")]):
        write(f"s{number}_{NAME}", content)
    for jobs in ("1", "3"):
        run("grade", ".", "-o", f"graded{jobs}", "-j", jobs)
    first, second = ([{**row, "seconds": ""} for row in table(f"graded{jobs}/grades.csv")] for jobs in (1, 3))
    assert first == second
    assert [row["state"] for row in first] == [PASSED, WRONG, UNREADABLE, STOPPED, WRONG]


def test_what_ran_out_of_time_beside_others_is_checked_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def check(exercise: object, parts: object, folder: Path, **how: object) -> Verdict:
        calls.append(folder)
        return Verdict("2", STOPPED if len(calls) == 1 else PASSED)

    monkeypatch.setattr(grading, "check", check)
    done: list[Row] = []
    submissions, *_ = submissions_in([write(f"anna/{NAME}"), write(f"ben/{NAME}")])
    assert [row.state for row in grade(submissions, 2, done.append)] == [PASSED, PASSED]
    assert len(calls) == 3
    assert len(done) == 2


def test_an_error_of_ours_costs_only_its_own_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(*arguments: object, **how: object) -> Verdict:
        raise RuntimeError("no idea")

    monkeypatch.setattr(grading, "check", check)
    row = one(write(f"anna/{NAME}"))
    assert row.state == UNREADABLE
    assert "RuntimeError: no idea" in row.message


def test_a_formula_in_a_file_s_name_and_in_an_error() -> None:
    write(f"=1+1_{NAME}", "raise ValueError('=1+1')")
    run("grade", f"=1+1_{NAME}")
    (found,) = table()
    assert found["student"] == "'=1+1"
    assert found["submission"] == f"'=1+1_{NAME}"
    assert found["message"].endswith("ValueError: =1+1.")


def test_a_submission_keeps_its_trouble() -> None:
    (found,) = grade([Submission(Path("x.py"), "x", None, trouble="It is a sketch.")])
    assert (found.exercise, found.state, found.message) == ("", UNREADABLE, "It is a sketch.")


def test_notebooks_and_files_of_a_student_are_both_checked() -> None:
    pytest.importorskip("jupytext")
    files = exported([OPERATORS], [NOTEBOOKS])
    write("anna/02_operators.ipynb", files["solution/02_operators.ipynb"])
    write(f"anna/{NAME}", ADDS)
    assert [(row.student, row.state) for row in grade(submissions_in(["anna"])[0])] == [("anna", PASSED), ("anna", WRONG)]
