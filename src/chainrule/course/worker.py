"""The process that runs a learner's code apart from the judge: it reads one question a line, and writes one answer a line.

It gets code, examples and expressions, and answers with results. The process that asks (`apart.py`) knows the right answers and makes the
verdict.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from chainrule.course.running import OutOfTime, Part, Run, limit
from chainrule.course.wire import packed, packed_error

if TYPE_CHECKING:
    from types import FrameType


def answered(run: Run, asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to a question."""
    match asked:
        case {"define": place}:
            return _of_error(run, run.define(run.parts[place]))
        case {"missing": names}:
            return {"names": run.missing(names)}
        case {"borrowed": names}:
            return {"names": run.borrowed(names)}
        case {"add": names}:
            run.add({name: _named(where) for name, where in names.items()})
            return {}
        case {"example": example, "shows": shows}:
            found = run.outcome(example, shows)
            return _of_error(run, found) if isinstance(found, BaseException) else {"found": packed(found)}
    return {}


def _of_error(run: Run, error: BaseException | None) -> dict[str, Any]:
    return {} if error is None else {"error": packed_error(error, run.place_of(error))}


def _named(where: str) -> Any:
    """What "module" or "module:name" stands for."""
    module, _, name = where.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


def main() -> None:
    """Answer one question a line until there are no more."""
    questions = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    limit()
    task = json.loads(questions.readline())
    os.chdir(task["folder"])
    sys.path.insert(0, task["folder"])
    run = Run([Part(**part) for part in task["parts"]], task["file"])
    ticks = 0

    process = os.getpid()

    def answer(what: dict[str, Any]) -> None:
        if os.getpid() != process:  # a copy that the learner's code has made by os.fork()
            os._exit(0)
        answers.write(json.dumps(what | {"printed": run.printed.text}) + "\n")
        answers.flush()

    def tick(number: int, frame: FrameType | None) -> None:
        nonlocal ticks
        ticks += 1
        if ticks > 3:  # whatever catches everything is still at it
            answer({"late": run.place_in(frame)})
            os._exit(0)
        raise OutOfTime

    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, tick)
        signal.setitimer(signal.ITIMER_REAL, task["seconds"], 0.2)
    try:
        for line in questions:
            answer(answered(run, json.loads(line)))
    except OutOfTime as error:
        answer({"late": run.place_of(error)})
    os._exit(0)


if __name__ == "__main__":
    main()
