"""Nothing that a learner writes can crash or hang a check, and each such thing is named."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chainrule.course.checking import ERROR, NOT_DONE, PASSED, STOPPED, WRONG, Case, Checks, Diagnosis, Mistake, Verdict
from chainrule.course.exercises import by_number
from chainrule.course.judging import Judge
from chainrule.course.outcomes import Raises
from chainrule.course.running import MOST_PRINTED, Part
from chainrule.course.sandbox import check, temporary_folder
from chainrule.course.telling import as_html, as_rich, as_text
from harm import HARM

EXERCISE = by_number("2")


def verdict_on(code: str) -> Verdict:
    return check(EXERCISE, [Part("mine.py", code)])


@pytest.mark.parametrize("name", HARM)
def test_harm_is_named(name: str) -> None:
    code, state, words = HARM[name]
    begin = time.perf_counter()
    verdict = verdict_on(code)
    assert time.perf_counter() - begin < 9
    assert verdict.state == state
    assert words in verdict.message
    assert len(verdict.printed) <= MOST_PRINTED
    for told in (as_text(verdict), as_html(verdict)):
        assert words.split("'")[0] in told.replace("\n", " ")
    assert as_rich(verdict)


LOOPS = {
    "plain": ("while True:\n    pass", "mine.py, line 1"),
    "that catches everything": (
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        "mine.py, line",
    ),
    "in a method": (
        "class Value:\n    def __init__(self, data):\n        while True: pass\n    def __repr__(self): return ''",
        "mine.py, line 3",
    ),
    "in machine code": ("x = 10 ** 10 ** 10", ""),
}


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.skipif(os.name != "posix", reason="needs timers")
def test_endless_loops_are_stopped_and_the_line_is_named(name: str) -> None:
    code, place = LOOPS[name]
    verdict = verdict_on(code)
    assert verdict.state == STOPPED
    assert "still running after 4 seconds" in verdict.message
    assert bool(verdict.example) == (name == "in a method")
    assert verdict.place.startswith(place)
    assert verdict.seconds < 9


@pytest.mark.skipif(os.name != "posix", reason="needs process groups")
def test_programs_that_a_learner_starts_are_gone_afterwards(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"import subprocess, pathlib\np = subprocess.Popen(['sleep', '60'])\npathlib.Path({str(note)!r}).write_text(str(p.pid))\n1/0"
    assert verdict_on(code).state == ERROR
    time.sleep(0.2)
    stat = Path(f"/proc/{note.read_text()}/stat")
    assert not stat.exists() or " Z " in stat.read_text()


def test_lines_are_those_of_the_file() -> None:
    parts = [Part("a.py", "x = 1", 10), Part("a.py", "\ny = 1 / 0", 20)]
    assert check(EXERCISE, parts).place == "a.py, line 21"


def test_modules_beside_the_file_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("ANSWER = 42")
    assert "42" in check(EXERCISE, [Part("x.py", "from mine import ANSWER\nraise ValueError(ANSWER)")], tmp_path).message


# --- verdicts on examples, in this process ------------------------------------------------------------------------------------------------


def judged(code: str, checks: Checks, solution: str = "def f(x): return 2 * x") -> Verdict:
    exercise: Any = SimpleNamespace(number="2", checks=checks, solution_cells=lambda: [SimpleNamespace(text=solution, tags=("work",))])
    return Judge(exercise, [Part("mine.py", code)]).verdict()


CHECKS = Checks(
    requires=("f",),
    diagnoses=(
        Diagnosis(Case("x = 3", "f(x)", look="f"), Mistake("squared", 9, "It squares.")),
        Diagnosis(Case("", "f('a')", "aa", look="f"), Mistake("words", Raises("TypeError", "unsupported"), "Words too.")),
    ),
    cases=(Case("", "f(0)", look="f"), Case("", "f(1)"), Case("x = 0.5", "[f(x), f(-x)]")),
    more=lambda: (Case("", f"f({n})") for n in range(5, 8)),
)


def test_what_a_check_says_of_an_answer() -> None:
    assert judged("def f(x): return x + x", CHECKS).state == PASSED
    known = judged("\n\ndef f(x): return x ** 2", CHECKS)
    assert (known.state, known.mistake, known.got, known.expected, known.place) == (WRONG, "squared", "9", "6", "mine.py, line 3")
    raised = judged("def f(x): return 2 * x if x != 'a' else x - 1", CHECKS)
    assert (raised.mistake, raised.got) == ("words", "TypeError: unsupported operand type(s) for -: 'str' and 'int'")
    unknown = judged("def f(x): return abs(2 * x) if not isinstance(x, str) else 2 * x", CHECKS)
    assert (unknown.state, unknown.mistake, unknown.got, unknown.expected) == (WRONG, "", "[1.0, 1.0]", "[1.0, -1.0]")
    later = judged("def f(x): return 2 * x if x != 6 else 13", CHECKS)
    assert (later.shows, later.got, later.expected) == ("f(6)", "13", "12")
    failing = judged("def f(x): return 2 * x if x != 1 else {}['no']", CHECKS)
    assert (failing.state, failing.shows, failing.place) == (ERROR, "f(1)", "mine.py, line 1")
    assert "raises KeyError: 'no'" in failing.message
    blank = judged('def f(x): raise NotImplementedError("Exercise 2: double it")', CHECKS)
    assert (blank.state, blank.message, blank.place) == (NOT_DONE, "Not done yet: double it.", "mine.py, line 1")


def test_what_was_done_is_checked_though_something_is_left() -> None:
    verdict = judged('def f(x):\n    if x == 0: raise NotImplementedError("Exercise 2: zero")\n    return x + 1', CHECKS)
    assert (verdict.state, verdict.shows) == (WRONG, "[f(x), f(-x)]")


def test_a_repr_that_fails_does_not_matter() -> None:
    verdict = judged("class A:\n    def __repr__(self): raise ValueError\ndef f(x): return A()", CHECKS)
    assert (verdict.state, verdict.got) == (WRONG, "a A whose repr raises ValueError")


def test_what_is_printed_cannot_change_the_terminal() -> None:
    verdict = verdict_on("print('\\x1b[2J\\rhello\\tyou\\n' * 20)\n1 / 0")
    assert "\x1b" in verdict.printed
    for told in (as_text(verdict), as_html(verdict)):
        assert "\x1b" not in told
        assert "·hello\tyou" in told
        assert "… and 10 more lines" in told


def test_a_folder_is_removed_whatever_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_folder() as folder:
        monkeypatch.chdir(folder)
        for _ in range(300):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        os.chdir(tmp_path)
        Path(folder, "closed", "in").mkdir(parents=True)
        Path(folder, "closed").chmod(0)
        os.symlink(tmp_path, Path(folder, "link"))
    assert (os.path.exists(folder), tmp_path.is_dir()) == (False, True)
