"""A learner's code kept apart from the checks: the same verdicts, and no answer that writes its own. And what a verdict is read from."""

from __future__ import annotations

import json
import math
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from chainrule.course.apart import bubblewrap
from chainrule.course.borrowing import notes_on
from chainrule.course.checking import NOT_DONE, PASSED, STATES, STOPPED, WRONG, Verdict
from chainrule.course.exercises import EXERCISES, Exercise, by_number, is_answer
from chainrule.course.running import Part
from chainrule.course.sandbox import LARGEST, check, read_verdict
from chainrule.course.wire import packed, packed_error, unpacked, unpacked_error
from harm import HARM

EXERCISE = by_number("2")
HEAD = "class Value:\n    def __init__(self, data): self.data = data\n"
plain = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.lists(inner).map(tuple) | some.dictionaries(some.text() | some.integers(), inner),
    max_leaves=20,
)


def parts(exercise: Exercise, change: tuple[str, str] = ("", "")) -> list[Part]:
    return [Part("mine.py", cell.text.replace(*change)) for cell in exercise.solution_cells() if is_answer(cell)]


def without_time(verdict: Verdict) -> dict[str, Any]:
    return verdict.as_dict() | {"seconds": 0.0}


# --- the same verdicts --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "exercise", [pytest.param(one, marks=[] if one.number == "5" else pytest.mark.slow, id=one.slug) for one in EXERCISES]
)
def test_verdicts_are_the_same(exercise: Exercise) -> None:
    blank = [Part("mine.py", cell.text) for cell in exercise.blank_cells() if is_answer(cell)]
    wrong = parts(exercise, ("return", "return 1 if True else"))
    for code in (parts(exercise), blank, wrong):
        assert without_time(check(exercise, code, isolate=True)) == without_time(check(exercise, code))
    assert check(exercise, parts(exercise), isolate=True).state == PASSED
    assert check(exercise, blank, isolate=True).state == NOT_DONE


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in ("os._exit", "a blank", "much text") else pytest.mark.slow) for name in HARM]
)
def test_harm_is_named_there_too(name: str) -> None:
    code, state, words = HARM[name]
    verdict = check(EXERCISE, [Part("mine.py", code)], isolate=True)
    if name not in ("os.abort", "no built-in functions", "a signal to the group"):
        assert (verdict.state, words in verdict.message) == (state, True), verdict
    assert verdict.state != PASSED


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["while True: pass", "while True:\n    try:\n        while True: pass\n    except BaseException: pass"])
def test_endless_loops_are_stopped_there_too(loop: str) -> None:
    verdict = check(EXERCISE, [Part("mine.py", f"x = 1\n{loop}")], isolate=True)
    assert (verdict.state, "still running" in verdict.message, verdict.place[:13]) == (STOPPED, True, "mine.py, line")
    assert verdict.seconds < 12


# --- answers that write their own verdict -------------------------------------------------------------------------------------------------

VERDICT = """
import glob, json, os, sys, tempfile
fields = dict.fromkeys("mistake message example shows got expected look place printed notes".split(), "")
verdict = json.dumps(dict(fields, exercise="2", state="passed", seconds=0.0))
"""
WEAKEN = "checks.__dict__.update(diagnoses=(), cases=(), more=tuple)"
FAKES = {
    "writes the file of the verdict": f"{VERDICT}\nopen(sys.argv[2], 'w').write(verdict)\nos._exit(0)",
    "finds the file of the verdict": f"""{VERDICT}
for request in glob.glob(os.path.join(tempfile.gettempdir(), "chainrule-*", "request.json")):
    open(request.replace("request", "answer"), "w").write(verdict)
os._exit(0)
""",
    "changes what is the same": """
import sys
for module in list(sys.modules.values()):
    if hasattr(module, "same"):
        module.same = lambda *a: True
    if hasattr(module, "gives"):
        module.gives = lambda *a: False
""",
    "changes the judge": """
import sys
sys.modules["__main__"].Judge._of_examples = lambda self: self._told("passed", "")
""",
    "finds the judge": f"""
import gc
for thing in gc.get_objects():
    if type(thing).__name__ == "Judge":
        thing.exercise.{WEAKEN}
""",
    "climbs to the judge": f"""
import sys
frame = sys._getframe()
while frame:
    for thing in list(frame.f_locals.values()):
        if type(thing).__name__ == "Judge":
            thing.exercise.{WEAKEN}
    frame = frame.f_back
""",
    "reads the solution": "from chainrule.course.exercises import by_number\nexec(by_number('2').work)",
    "takes modules from another": "from sys import modules as m\nm['__main__'].Judge._of_examples = lambda self: self._told('passed', '')",
    "takes the arguments": f"""{VERDICT}
from pathlib import Path
Path(sys.argv[-1]).write_text(verdict)
os.kill(os.getpid(), 9)
""",
    "takes a module out of one": """
import dataclasses
dataclasses.sys.modules["__main__"].Judge._of_examples = lambda self: self._told("passed", "")
""",
    "takes an inner name": """
from random import _os
_os.sys.modules["__main__"].Judge._of_examples = lambda self: self._told("passed", "")
""",
    "changes a module by another name": "import math\nm = math\nm.isclose = lambda *a, **k: True\n",
    "puts names together": """
import dataclasses
getattr(getattr(dataclasses, "s" + "ys"), "mod" + "ules")["__main__"].Judge._of_examples = lambda self: self._told("passed", "")
""",
    "matches attributes": "match (lambda: 0):\n    case object(__globals__=names): pass\n",
    "changes what writes": """
import json
old = json.dumps
json.dumps = lambda data, **how: old({**data, "state": "passed"} if isinstance(data, dict) and "state" in data else data)
""",
}


@pytest.mark.parametrize("name", FAKES)
def test_fakes_do_not_pass_apart_and_are_noted_anywhere(name: str) -> None:
    code = [Part("mine.py", HEAD + FAKES[name])]
    assert notes_on(EXERCISE, code)
    if bubblewrap() or name not in ("reads the solution", "finds the file of the verdict"):
        verdict = check(EXERCISE, code, isolate=True)
        assert verdict.state != PASSED
        assert verdict.notes


@pytest.mark.parametrize(
    "code",
    ["class Same(float):\n    def __eq__(self, other): return True\n", "class Same(str):\n    def __eq__(self, other): return True\n"],
)
def test_what_says_that_it_is_equal_to_everything_is_not(code: str) -> None:
    exercise = by_number("1")
    answer = (
        f"{code}    __hash__ = None\nclass Value:\n    def __init__(self, data): self.data = Same(0)\n"
        "    def __repr__(self): return Same('')\n"
    )
    assert check(exercise, [Part("mine.py", answer)]).state == WRONG


def test_much_code_is_not_looked_through() -> None:
    assert notes_on(EXERCISE, [Part("mine.py", "x = 1\n" * 100_000)]) == "It has 600,000 characters, which are too many to look through."


ODD = {
    "attributes": "class Odd:\n    def __getattr__(self, name): raise KeyError(name)\n",
    "a list": "class Odd(list):\n    def __len__(self): raise KeyError\n    def __iter__(self): raise KeyError\n",
    "a number": "class Odd(float):\n    dtype = 1\n    def __float__(self): raise KeyError\n",
    "a class": "class Odd(type):\n    def __getattribute__(cls, name): raise KeyError(name)\nOdd = Odd('Odd', (), {})\n",
    "a group": "raise ExceptionGroup('two', [KeyError(), ValueError()])\n",
    "a copy": "import os\nos.fork()\n",
}


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in ("attributes", "a group") else pytest.mark.slow) for name in ODD])
def test_odd_results_and_exceptions_do_not_end_the_check(name: str, isolate: bool) -> None:
    answer = "class Value:\n    def __init__(self, data): self.data, self.grad = Odd(), 0.0\n    def __repr__(self): return 'Value'\n"
    verdict = check(by_number("1"), [Part("mine.py", ODD[name] + answer)], isolate=isolate)
    assert verdict.state != PASSED
    assert "could not be carried out" not in verdict.message


@pytest.mark.skipif(not bubblewrap(), reason="needs bubblewrap")
def test_behind_walls_there_are_no_files_of_others_and_no_network(tmp_path: Path) -> None:
    (tmp_path / "beside.txt").write_text("beside")
    secret = tmp_path.parent / f"secret-{os.getpid()}.txt"
    secret.write_text("secret")
    code = (
        "import os, pathlib, socket, chainrule\nfound = [open('beside.txt').read()]\n"
        f"for path in ({str(secret)!r}, os.path.expanduser('~/.bashrc'), '/etc/passwd'):\n    found.append(os.path.exists(path))\n"
        "found.append(len(list((pathlib.Path(chainrule.__file__).parent / 'course/exercises').iterdir())))\n"
        "try: open('beside.txt', 'w')\nexcept OSError: found.append('kept')\n"
        "try: socket.create_connection(('127.0.0.1', PORT), 1)\nexcept OSError: found.append('alone')\n"
        "raise ValueError(found)"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        part = Part("mine.py", code.replace("PORT", str(server.getsockname()[1])))
        assert "['beside', False, False, False, 0, 'kept', 'alone']" in check(EXERCISE, [part], tmp_path, isolate=True).message
        assert "['beside', True, " in check(EXERCISE, [part], tmp_path).message


@pytest.mark.skipif(not bubblewrap(), reason="needs bubblewrap")
def test_behind_walls_there_are_no_variables_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hush-4711")
    monkeypatch.setenv("LANG", "C.UTF-8")
    code = (
        "import glob, os\nfound = [name for name in os.environ if 'hush' in os.environ[name]]\n"
        "for path in glob.glob('/proc/[0-9]*/environ'):\n    try: found += [path] if b'hush' in open(path, 'rb').read() else []\n"
        "    except OSError: pass\n"
        "raise ValueError(found, os.environ['LANG'], len(glob.glob('/proc/[0-9]*')) > 0)"
    )
    assert "([], 'C.UTF-8', True)" in check(EXERCISE, [Part("mine.py", code)], isolate=True).message
    assert "(['SECRET_TOKEN', " in check(EXERCISE, [Part("mine.py", code)]).message


# --- what comes out of the other process --------------------------------------------------------------------------------------------------


@given(plain)
@settings(max_examples=40)
def test_plain_results_come_out_as_they_are(found: Any) -> None:
    again = unpacked(json.loads(json.dumps(packed(found))))
    assert repr(again) == repr(found)


def test_other_results_come_out_as_they_look() -> None:
    import numpy as np

    class Cheat(float):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    assert repr(unpacked(packed([object, {1}]))) == "[<class 'object'>, {1}]"
    assert (type(unpacked(packed(Cheat(2)))), type(unpacked(packed(np.float32(2)))), unpacked(packed(np.bool_(True)))) == (
        float,
        float,
        True,
    )
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert len(json.dumps(packed(deep))) < 2000


def test_exceptions_come_out_with_their_names() -> None:
    class MineError(KeyError):
        pass

    error: Any = unpacked_error(packed_error(MineError("no"), "mine.py, line 3"))
    assert (type(error).__name__, isinstance(error, KeyError), str(error), error.place) == ("MineError", True, "'no'", "mine.py, line 3")
    assert unpacked_error(packed_error(NameError("no x", name="x"), "")).name == "x"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "data", [[], {"a": 1}, {"list": 3}, {"list": [], "tuple": []}, {"looks": 1}, {"dict": [[1]]}, {"dict": [[{"list": []}, 1]]}]
)
def test_what_is_not_packed_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="packed"):
        unpacked(data)
    with pytest.raises(ValueError, match="packed"):
        unpacked_error(data)


# --- what a verdict is read from ----------------------------------------------------------------------------------------------------------

RIGHT = Verdict("2", PASSED).as_dict()
CONTENTS: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "a number": b"1e999",
    "too few fields": json.dumps({"exercise": "2", "state": "passed"}).encode(),
    "too many fields": json.dumps(RIGHT | {"more": ""}).encode(),
    "a field of another kind": json.dumps(RIGHT | {"message": {"a": 1}}).encode(),
    "a field without end": json.dumps(RIGHT | {"message": "x" * 100_000}).encode(),
    "an unknown state": json.dumps(RIGHT | {"state": "perfect"}).encode(),
    "an unlikely time": json.dumps(RIGHT | {"seconds": math.nan}).encode(),
    "another exercise": json.dumps(RIGHT | {"exercise": "3"}).encode(),
    "too much": json.dumps(RIGHT).encode() + b" " * LARGEST,
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_damaged_verdict_is_none(name: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_bytes(CONTENTS[name])
    assert read_verdict(path, EXERCISE) is None


@pytest.mark.skipif(os.name != "posix", reason="needs special files")
@pytest.mark.parametrize("kind", ["pipe", "link to a device", "link to a verdict", "folder", "nothing"])
def test_only_a_regular_file_holds_a_verdict(kind: str, tmp_path: Path) -> None:
    path, other = tmp_path / "answer.json", tmp_path / "other.json"
    other.write_text(json.dumps(RIGHT))
    {
        "pipe": lambda: os.mkfifo(path),
        "link to a device": lambda: path.symlink_to("/dev/zero"),
        "link to a verdict": lambda: path.symlink_to(other),
        "folder": path.mkdir,
        "nothing": lambda: None,
    }[kind]()
    begin = time.perf_counter()
    assert read_verdict(path, EXERCISE) is None
    assert time.perf_counter() - begin < 1
    assert read_verdict(other, EXERCISE) == Verdict("2", PASSED)


@pytest.mark.parametrize(
    "trap", ["os.mkfifo(path)", "os.symlink('/dev/zero', path)", "os.mkdir(path)", "[os.mkdir('d') or os.chdir('d') for _ in range(3000)]"]
)
def test_traps_in_place_of_the_verdict_do_no_harm(trap: str) -> None:
    verdict = check(
        EXERCISE, [Part("mine.py", f"import os, sys\npath = sys.argv[2]\nos.chdir(os.path.dirname(path))\n{trap}\nos._exit(0)")]
    )
    assert (verdict.state, verdict.seconds < 8) == (STOPPED, True)
    assert set(STATES) >= {verdict.state}


# --- what to look at ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("from chainrule import Value", "chainrule.Value (line 1)"),
        ("import math\nfrom chainrule.engine import Value as V", "chainrule.engine.Value (line 2)"),
        ("import chainrule", "chainrule (line 1)"),
        ("from chainrule.course.exercises import by_number", "chainrule.course.exercises (line 1)"),
        ("import importlib\nimportlib.import_module('chain' + 'rule')", "importlib (line 1)"),
        ("m = __import__('chainrule')", "__import__ (line 1)"),
        ("import sys\nsys.modules", "modules (line 2)"),
        ("import math as m\nm.exp = abs", "m.exp = ... (line 2)"),
        ("from chainrule.course import draw, show", ""),
        ("import math, random, collections, numpy", ""),
    ],
)
def test_what_is_borrowed_is_noted(code: str, words: str) -> None:
    note = notes_on(EXERCISE, [Part("mine.py", code)])
    assert words in note
    assert bool(words) == bool(note)


def test_a_value_of_chainrule_is_noted_by_what_it_is() -> None:
    verdict = check(by_number("2"), [Part("mine.py", "import chainrule as c\nclass Value(c.Value): pass")])
    assert "Value is chainrule's own" in verdict.notes


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.slug)
def test_solutions_have_nothing_to_look_at(exercise: Exercise) -> None:
    assert notes_on(exercise, parts(exercise)) == ""
