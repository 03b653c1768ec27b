"""The verdict on a learner's code: which examples are right, and which mistake explains what is not.

`python -m chainrule.course.judging REQUEST ANSWER` reads what to check from one file and writes the verdict into the other. The learner's
code runs in this process (`running.py`) or, if that is asked for, in another one (`apart.py`), which knows neither what is right nor
where the verdict goes. Everything that a learner's code may do is caught here, as far as Python can; `sandbox.py` sees to the rest from
outside.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from chainrule.course.blanks import blanks_in
from chainrule.course.checking import ERROR, LONGEST, NOT_DONE, PASSED, STOPPED, WRONG, Verdict
from chainrule.course.exercises import by_number, is_answer
from chainrule.course.outcomes import same
from chainrule.course.running import OutOfTime, Part, Run, limit, shortened, told, words_of
from chainrule.course.wire import EndedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType

    from chainrule.course.apart import Apart
    from chainrule.course.checking import Case, Mistake
    from chainrule.course.exercises import Exercise


DISTURBED = (
    "The process that runs the code does not answer as it should. Remove code that closes files, or writes to files, which it has not "
    "opened."
)


class Judge:
    """The check of one learner's code.

    Arguments:
        exercise: the exercise.
        parts: the learner's code.
        run: what runs it; this process if that is left out.
    """

    def __init__(self, exercise: Exercise, parts: Sequence[Part], run: Run | Apart | None = None) -> None:
        self.exercise = exercise
        self.parts = parts
        self.run: Run | Apart = Run(parts) if run is None else run
        self.doing = ""
        self.notes = ""
        self._solution: tuple[Run, dict[str, Any]] | None = None

    def verdict(self) -> Verdict:
        """Run everything, until something is wrong."""
        try:
            return self._of_code() or self._of_examples()
        except OutOfTime as error:
            return self.out_of_time(error)

    def _told(self, state: str, message: str, **more: Any) -> Verdict:
        return Verdict(self.exercise.number, state, message=message, notes=self.notes, **more)

    # --- the code itself ----------------------------------------------------------------------------------------------------------------

    def _of_code(self) -> Verdict | None:
        """Define what the learner defines. None if that works."""
        for part in self.parts:
            try:
                part.compiled()
            except (RecursionError, MemoryError):
                return self._told(ERROR, "Python cannot read this: something in it is nested too deeply.", place=part.name)
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None)
                place = f"{part.name}, line {line}" if line else part.name
                return self._told(ERROR, f"This is not Python yet: {getattr(error, 'msg', error)}.", place=place)
            failure = self.run.define(part)
            if failure is not None:
                return self._failed(failure)
        required = self.exercise.checks.requires
        if missing := self.run.missing(required):
            return self._told(ERROR, f"There is no {missing[0]}: the check needs a definition of {' and '.join(missing)}.")
        if borrowed := self.run.borrowed(required):
            self.notes = f"{' and '.join(borrowed)} {'is' if len(borrowed) == 1 else 'are'} chainrule's own; the exercise is to write one."
        return None

    def _failed(self, error: BaseException, case: Case | None = None) -> Verdict:
        """The verdict on an exception that ends the learner's code."""
        example = {"example": case.example, "shows": case.shows} if case is not None else {}
        place = self.run.place_of(error)
        if _is_blank(error):
            return self._not_done()
        if isinstance(error, SystemExit):
            message = "The code ends Python itself, by exit(): remove that line."
            return self._told(STOPPED, message, place=place, **example)
        if isinstance(error, KeyboardInterrupt):
            return self._told(STOPPED, "The code raises KeyboardInterrupt, which stops whatever runs it.", place=place, **example)
        if isinstance(error, RecursionError):
            message = "A function calls itself again and again without end (RecursionError)."
        elif isinstance(error, MemoryError):
            message = "The code asks for more memory than the check allows (MemoryError)."
        elif isinstance(error, EOFError):
            message = "The code waits for input(), and in a check nobody answers: remove that line."
        elif isinstance(error, NameError) and isinstance(name := getattr(error, "name", None), str):
            message = f"The name {shortened(name)!r} is not defined where it is used: define or import it in the same cell."
        else:
            words = words_of(error)
            message = f"The code raises {shortened(type(error).__name__)}" + (f": {shortened(words)}" if words else "") + "."
        look = case.look if case is not None else ""
        return self._told(ERROR, message, place=place, look=look, **example)

    def _not_done(self) -> Verdict:
        """The verdict on code in which blanks are left."""
        left = [(part, line + part.line - 1, task) for part in self.parts for line, task in blanks_in(part.code)]
        if not left:
            return self._told(NOT_DONE, "Not done yet: a function still raises NotImplementedError.")
        part, line, task = left[0]
        more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
        return self._told(NOT_DONE, f"Not done yet: {task}{more}.", place=f"{part.name}, line {line}")

    # --- the examples -------------------------------------------------------------------------------------------------------------------

    def _of_examples(self) -> Verdict:
        checks = self.exercise.checks
        self.run.add(checks.names)
        blank = False
        for diagnosis in checks.diagnoses:
            found = self._outcome(diagnosis.case)
            blank |= _is_blank(found)
            if not _is_blank(found) and (mistake := diagnosis.mistake_in(found)) is not None:
                return self._wrong(diagnosis.case, found, mistake)
        for case in _each(checks.cases, checks.more if not blank else None):
            found = self._outcome(case)
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

    def _outcome(self, case: Case) -> Any:
        """What an example gives: a value, or the exception that ends it."""
        self.doing = case.example
        found = self.run.outcome(case.example, case.shows)
        self.doing = ""
        return found

    def right(self, case: Case) -> Any:
        """What an example should give."""
        if case.right is not ...:
            return case.right
        if self._solution is None:
            sys.modules["solution"] = module = ModuleType("solution")
            for cell in filter(is_answer, self.exercise.solution_cells()):
                exec(compile(cell.text, "<solution>", "exec"), module.__dict__)
            self._solution = Run([]), module.__dict__ | self.exercise.checks.names
        run, names = self._solution
        found = run.outcome(case.example, case.shows, names)
        if isinstance(found, BaseException):
            raise AssertionError(f"the solution fails on {case.example!r}, {case.shows!r}") from found
        return found

    def _wrong(self, case: Case, found: Any, mistake: Mistake | None = None) -> Verdict:
        is_error = isinstance(found, BaseException)
        return self._told(
            WRONG,
            mistake.says if mistake is not None else case.says,
            mistake=mistake.name if mistake is not None else "",
            example=case.example,
            shows=case.shows,
            got=f"{shortened(type(found).__name__)}: {shortened(words_of(found))}" if is_error else shortened(told(found), LONGEST),
            expected=shortened(told(self.right(case)), LONGEST),
            look=case.look,
            place=self.where(case.look) or (self.run.place_of(found) if is_error else ""),
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
        """The verdict when the time is up."""
        place = self.run.place_of(error) if error is not None else ""
        place = place or self.run.place_in(frame)
        message = f"The code was still running after {self.exercise.checks.seconds:g} seconds. Is there a loop that never ends?"
        return self._told(STOPPED, message, place=place, example=self.doing)


def _each(cases: Iterable[Case], more: Any) -> Iterable[Case]:
    yield from cases
    if more is not None:
        yield from more()


def _is_blank(found: Any) -> bool:
    return isinstance(found, NotImplementedError) and words_of(found).startswith("Exercise ")


def _runner(asked: dict[str, Any], parts: list[Part], seconds: float) -> tuple[Run | Apart, float]:
    """What runs the code, and after how many seconds the judge stops it."""
    file = asked.get("file", "")
    if asked.get("isolate"):
        from chainrule.course.apart import Apart

        return Apart(parts, asked["folder"], file, seconds), seconds + 1.0  # the other process keeps the time, and says where it was
    limit()
    sys.path.insert(0, asked["folder"])
    os.chdir(asked["folder"])  # so that the code finds the files beside it
    return Run(parts, file), seconds


def main(request: str, answer: str) -> None:
    """Check what the file `request` holds, and write the verdict into the file `answer`."""
    asked = json.loads(Path(request).read_text(encoding="utf-8"))
    parts = [Part(**part) for part in asked["parts"]]
    exercise = by_number(asked["exercise"])
    run, seconds = _runner(asked, parts, exercise.checks.seconds)
    judge = Judge(exercise, parts, run)
    ticks = 0

    process = os.getpid()

    def write(verdict: Verdict) -> None:
        if os.getpid() != process:  # a copy that the learner's code has made by os.fork()
            os._exit(0)
        verdict.printed = judge.run.printed.text
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
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
    try:
        verdict = judge.verdict()
    except OutOfTime as error:
        verdict = judge.out_of_time(error)
    except EndedError as error:
        from chainrule.course.sandbox import how_it_ended

        ended = (STOPPED, "", DISTURBED) if error.status is None else how_it_ended(error.status, exercise.checks.seconds)
        verdict = Verdict(exercise.number, *ended)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    write(verdict)
    os._exit(0)  # threads that a learner started do not matter any more


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
