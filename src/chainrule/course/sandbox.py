"""A check in a process of its own, with a limit on time and memory. A learner's code can end that process, and nothing else.

It is no protection against code that means harm: the process has its user's rights on files and the network.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.course.checking import ERROR, STOPPED, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.course.exercises import Exercise
    from chainrule.course.judging import Part

GRACE = 4.0  # seconds beyond the check's own limit, in which it may start and end


def check(exercise: Exercise, parts: Sequence[Part], folder: str | os.PathLike[str] = ".") -> Verdict:
    """Check a learner's code.

    Arguments:
        exercise: what it is to do.
        parts: the code.
        folder: where it finds modules that it imports.

    Returns:
        The verdict; whatever the code does, there is one, after a few seconds.
    """
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="chainrule-", ignore_cleanup_errors=True) as temporary:
        request, answer = Path(temporary, "request.json"), Path(temporary, "answer.json")
        asked = {"exercise": exercise.number, "parts": [asdict(part) for part in parts], "folder": str(Path(folder).resolve())}
        request.write_text(json.dumps(asked), encoding="utf-8")
        status = _run([sys.executable, "-m", "chainrule.course.judging", str(request), str(answer)], temporary, exercise.checks.seconds)
        verdict = _read(answer, exercise) or Verdict(exercise.number, *_how_it_ended(status, exercise.checks.seconds))
    verdict.seconds = time.perf_counter() - begin
    return verdict


def _run(command: list[str], folder: str, seconds: float) -> int | None:
    """Run a command in a folder; its exit status, or None if it had to be stopped."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONSTARTUP", "PYTHONINSPECT")}
    environment |= {"PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    is_posix = os.name == "posix"
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=is_posix,
    )
    try:
        return process.wait(seconds + GRACE)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if is_posix:
                os.killpg(process.pid, signal.SIGKILL)  # and all that it has started
            else:
                process.kill()
        process.wait()


def _read(answer: Path, exercise: Exercise) -> Verdict | None:
    """The verdict that the process wrote; None if it did not come to that."""
    try:
        return Verdict(**json.loads(answer.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _how_it_ended(status: int | None, seconds: float) -> tuple[str, str, str]:
    """The state, no mistake, and what to say of a process that left no verdict."""
    if status is None:
        return STOPPED, "", f"This was still running after {seconds:g} seconds, and could not be interrupted: a loop or a power too large?"
    if status in (-9, -6, 137):
        return STOPPED, "", "The process of the check was ended by the system; most often that is for want of memory."
    if status < 0:
        what = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        return STOPPED, "", f"Python itself crashed ({what}), as it does when functions call themselves too often."
    if status == 0:
        return STOPPED, "", "The code ends the process of the check (os._exit, or a program that it starts): take that out."
    return (
        ERROR,
        "",
        (
            f"The check could not be carried out: its process ended with status {status}. Does the code change Python itself, "
            "such as its built-in functions or sys.modules?"
        ),
    )


__all__ = ["check"]
