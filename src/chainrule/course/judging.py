"""Inside the process of a check: run a learner's code and the examples, and write the verdict to a file.

`python -m chainrule.course.judging REQUEST ANSWER` reads what to check from one file and writes the verdict into the other. Everything
that a learner's code may do is caught here, as far as Python can; `sandbox.py` sees to the rest from outside.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import signal
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from chainrule.course.blanks import blanks_in
from chainrule.course.checking import ERROR, NOT_DONE, PASSED, STOPPED, WRONG, Mistake, Verdict, is_mistake, same
from chainrule.course.exercises import by_number, is_answer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FrameType

    from chainrule.course.checking import Case
    from chainrule.course.exercises import Exercise

MOST_PRINTED = 4000  # characters that are kept of what a learner's code prints
MEMORY = 4 << 30  # bytes of address space
LARGEST_FILE = 64 << 20
EXAMPLE = "<example>"


class OutOfTime(BaseException):
    """The time for a check is up; no `except Exception` of a learner's catches it."""


class Printed(io.TextIOBase):
    """Keeps the first characters that are printed."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Keep a text, as far as there is room."""
        self.text += text[: MOST_PRINTED - len(self.text)]
        return len(text)


@dataclass
class Part:
    """A piece of a learner's code.

    Arguments:
        name: the file it is in, or what the learner calls it.
        code: its text.
        line: the line of the file where it begins.
    """

    name: str
    code: str
    line: int = 1


@dataclass
class Judge:
    """The check of one learner's code.

    Arguments:
        exercise: the exercise.
        parts: the learner's code.
    """

    exercise: Exercise
    parts: list[Part]
    printed: Printed = field(default_factory=Printed)
    doing: str = ""
    names: dict[str, Any] = field(default_factory=dict)
    solution: dict[str, Any] = field(default_factory=dict)

    def verdict(self) -> Verdict:
        """Run everything, until something is wrong."""
        try:
            return self._of_code() or self._of_examples()
        except OutOfTime as error:
            return self.out_of_time(error)

    def _told(self, state: str, message: str, **more: Any) -> Verdict:
        return Verdict(self.exercise.number, state, message=message, **more)

    # --- the code itself ----------------------------------------------------------------------------------------------------------------

    def _of_code(self) -> Verdict | None:
        """Define what the learner defines. None if that works."""
        sys.modules["learner"] = module = ModuleType("learner")
        self.names = module.__dict__
        for part in self.parts:
            try:
                code = compile("\n" * (part.line - 1) + part.code, part.name, "exec")
            except (RecursionError, MemoryError):
                return self._told(ERROR, "Python cannot read this: something in it is nested too deeply.", place=part.name)
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None)
                place = f"{part.name}, line {line}" if line else part.name
                return self._told(ERROR, f"This is not Python yet: {getattr(error, 'msg', error)}.", place=place)
            failure = self._run(code)
            if failure is not None:
                return self._failed(failure)
        missing = [name for name in self.exercise.checks.requires if name not in self.names]
        if missing:
            return self._told(ERROR, f"There is no {missing[0]}: the check needs a definition of {' and '.join(missing)}.")
        return None

    def _run(self, code: CodeType) -> BaseException | None:
        """Run code with the learner's names; the exception that ends it, if one does."""
        try:
            with self._quietly():
                exec(code, self.names)
        except OutOfTime:
            raise
        except BaseException as error:
            return error
        return None

    @contextlib.contextmanager
    def _quietly(self) -> Any:
        """Keep what is printed."""
        with contextlib.redirect_stdout(self.printed), contextlib.redirect_stderr(self.printed):
            yield

    def _failed(self, error: BaseException, case: Case | None = None) -> Verdict:
        """What to say of an exception that the learner's code ends with."""
        example = {"example": case.example, "shows": case.shows} if case is not None else {}
        place = self._place_of(error)
        if _is_blank(error):
            return self._not_done()
        if isinstance(error, SystemExit):
            message = "The code ends Python itself, by exit(): take that line out."
            return self._told(STOPPED, message, place=place, **example)
        if isinstance(error, KeyboardInterrupt):
            return self._told(STOPPED, "The code raises KeyboardInterrupt, which stops whatever runs it.", place=place, **example)
        if isinstance(error, RecursionError):
            message = "A function calls itself again and again without end (RecursionError)."
        elif isinstance(error, MemoryError):
            message = "The code asks for more memory than the check allows (MemoryError)."
        elif isinstance(error, EOFError):
            message = "The code waits for input(), and in a check nobody answers: take that line out."
        elif isinstance(error, NameError) and getattr(error, "name", None):
            message = f"There is no name {error.name!r} where it is used: define or import it in the same cell."
        else:
            words = _message(error)
            message = f"The code raises {type(error).__name__}" + (f": {_shortened(words)}" if words else "") + "."
        look = case.look if case is not None else ""
        return self._told(ERROR, message, place=place, look=look, **example)

    def _place_of(self, error: BaseException) -> str:
        """Where in the learner's code an exception was raised: the innermost line of it."""
        place = ""
        for frame, line in traceback.walk_tb(error.__traceback__):
            if any(frame.f_code.co_filename == part.name for part in self.parts):
                place = f"{frame.f_code.co_filename}, line {line}"
        return place

    def _not_done(self) -> Verdict:
        """The blanks that are left."""
        left = [(part, line + part.line - 1, task) for part in self.parts for line, task in blanks_in(part.code)]
        if not left:
            return self._told(NOT_DONE, "Not done yet: a function still raises NotImplementedError.")
        part, line, task = left[0]
        more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
        return self._told(NOT_DONE, f"Not done yet: {task}{more}.", place=f"{part.name}, line {line}")

    # --- the examples -------------------------------------------------------------------------------------------------------------------

    def _of_examples(self) -> Verdict:
        checks = self.exercise.checks
        self.names.update({name: value for name, value in checks.names.items() if name not in self.names})
        blank = False
        for mistake in checks.mistakes:
            found = self.outcome(mistake, self.names)
            blank |= _is_blank(found)
            if not _is_blank(found) and is_mistake(mistake, found):
                return self._wrong(mistake, found)
        for case in _each(checks.cases, checks.more if not blank else None):
            found = self.outcome(case, self.names)
            blank |= _is_blank(found)
            if _is_blank(found):
                continue
            if isinstance(found, BaseException):
                return self._failed(found, case)
            if not same(found, self.right(case), case.tolerance):
                return self._wrong(case, found)
        if blank:
            return self._not_done()
        return self._told(PASSED, "")

    def outcome(self, case: Case, names: dict[str, Any]) -> Any:
        """What an example gives: a value, or the exception that it ends with."""
        self.doing = case.example
        mine = dict(names)
        try:
            with self._quietly():
                exec(compile(case.example, EXAMPLE, "exec"), mine)
                found = eval(compile(case.shows, EXAMPLE, "eval"), mine)
        except OutOfTime:
            raise
        except BaseException as error:
            found = error
        self.doing = ""
        return found

    def right(self, case: Case) -> Any:
        """What an example should give."""
        if case.right is not ...:
            return case.right
        if not self.solution:
            sys.modules["solution"] = module = ModuleType("solution")
            for cell in filter(is_answer, self.exercise.solution_cells()):
                exec(compile(cell.text, "<solution>", "exec"), module.__dict__)
            self.solution = module.__dict__ | self.exercise.checks.names
        found = self.outcome(case, self.solution)
        if isinstance(found, BaseException):
            raise AssertionError(f"the solution fails on {case.example!r}, {case.shows!r}") from found
        return found

    def _wrong(self, case: Case, found: Any) -> Verdict:
        is_error = isinstance(found, BaseException)
        return self._told(
            WRONG,
            case.says,
            mistake=case.name if isinstance(case, Mistake) else "",
            example=case.example,
            shows=case.shows,
            got=f"{type(found).__name__}: {_shortened(_message(found))}" if is_error else told(found),
            expected=told(self.right(case)),
            look=case.look,
            place=self.where(case.look) or (self._place_of(found) if is_error else ""),
        )

    def where(self, name: str) -> str:
        """Where a class, function or method is defined; "" if it is not."""
        found = ""
        for part in self.parts:
            with contextlib.suppress(StopIteration, SyntaxError, ValueError, RecursionError):
                body: list[ast.stmt] = ast.parse(part.code).body
                for step in name.split("."):
                    node = next(node for node in body if getattr(node, "name", None) == step)
                    body = getattr(node, "body", [])
                    line = node.lineno
                found = f"{part.name}, line {line + part.line - 1}"
        return found

    # --- time ---------------------------------------------------------------------------------------------------------------------------

    def out_of_time(self, error: OutOfTime | None = None, frame: FrameType | None = None) -> Verdict:
        """What to say when the time is up."""
        place = self._place_of(error) if error is not None else ""
        while frame is not None and not place:
            if any(frame.f_code.co_filename == part.name for part in self.parts):
                place = f"{frame.f_code.co_filename}, line {frame.f_lineno}"
            frame = frame.f_back
        message = f"This was still running after {self.exercise.checks.seconds:g} seconds: a loop that does not end?"
        return self._told(STOPPED, message, place=place, example=self.doing)


def _each(cases: Iterable[Case], more: Any) -> Iterable[Case]:
    yield from cases
    if more is not None:
        yield from more()


def _is_blank(found: Any) -> bool:
    return isinstance(found, NotImplementedError) and _message(found).startswith("Exercise ")


def _message(error: BaseException) -> str:
    """What an exception says, if it can."""
    try:
        return str(error)
    except OutOfTime:
        raise
    except BaseException:
        return ""


def told(found: Any) -> str:
    """A result as a learner would write it; numbers without the digits that rounding makes."""
    if isinstance(found, float):
        short = f"{found:.12g}"
        return repr(float(short)) if float(short) == float(f"{found:.15g}") else repr(found)
    if isinstance(found, (list, tuple)) and type(found) in (list, tuple):
        inner = ", ".join(map(told, found))
        return f"[{inner}]" if isinstance(found, list) else f"({inner}{',' if len(found) == 1 else ''})"
    try:
        return _shortened(repr(found))
    except OutOfTime:
        raise
    except BaseException as error:
        return f"a {type(found).__name__} whose repr raises {type(error).__name__}"


def _shortened(text: str, most: int = 300) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def limit() -> None:
    """Limit what this process may use, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, LARGEST_FILE), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def main(request: str, answer: str) -> None:
    """Check what the file `request` holds, and write the verdict into the file `answer`."""
    limit()
    asked = json.loads(Path(request).read_text(encoding="utf-8"))
    sys.path.insert(0, asked["folder"])
    judge = Judge(by_number(asked["exercise"]), [Part(**part) for part in asked["parts"]])
    ticks = 0

    def write(verdict: Verdict) -> None:
        verdict.printed = judge.printed.text
        Path(answer).write_text(json.dumps(verdict.as_dict()), encoding="utf-8", errors="replace")

    def tick(number: int, frame: FrameType | None) -> None:
        nonlocal ticks
        ticks += 1
        if ticks > 3:  # whatever catches everything is still at it
            write(judge.out_of_time(None, frame))
            os._exit(0)
        raise OutOfTime

    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, tick)
        signal.setitimer(signal.ITIMER_REAL, judge.exercise.checks.seconds, 0.2)
    try:
        verdict = judge.verdict()
    except OutOfTime as error:
        verdict = judge.out_of_time(error)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    write(verdict)
    os._exit(0)  # threads that a learner started do not matter any more


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
