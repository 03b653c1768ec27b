"""A check in a process of its own, with a limit on time and memory. A learner's code can end that process, and nothing else.

It does not protect against malicious code: the process has its user's rights on files and the network. With `isolate`, the learner's
code runs in one process more, away from the verdict (`apart.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.course.borrowing import notes_on
from chainrule.course.checking import ERROR, STOPPED, Verdict
from chainrule.foreign import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.course.exercises import Exercise
    from chainrule.course.running import Part

GRACE = 4.0  # seconds beyond the check's own limit, in which it may start and end
TIDYING = 3.0  # seconds in which what a check has left in its folder is removed
LARGEST = 1 << 20  # bytes of a verdict


def check(
    exercise: Exercise, parts: Sequence[Part], folder: str | os.PathLike[str] = ".", *, file: str = "", isolate: bool = False
) -> Verdict:
    """Check a learner's code.

    Arguments:
        exercise: what it is to do.
        parts: the code.
        folder: where it runs, and finds modules that it imports.
        file: the learner's file, which `__file__` names; "" if there is none.
        isolate: whether the code runs in another process than the one that judges it.

    Returns:
        The verdict; whatever the code does, there is one, after a few seconds.
    """
    begin = time.perf_counter()
    with temporary_folder() as temporary:
        request, answer = Path(temporary, "request.json"), Path(temporary, "answer.json")
        asked = {
            "exercise": exercise.number,
            "parts": [asdict(part) for part in parts],
            "folder": str(Path(folder).resolve()),
            "file": file,
            "isolate": isolate,
        }
        request.write_text(json.dumps(asked), encoding="utf-8")
        status = _run([sys.executable, "-m", "chainrule.course.judging", str(request), str(answer)], temporary, exercise.checks.seconds)
        verdict = read_verdict(answer, exercise) or Verdict(exercise.number, *how_it_ended(status, exercise.checks.seconds))
    verdict.notes = " ".join(note for note in (verdict.notes, notes_on(exercise, parts)) if note)
    for name in ("mistake", "message", "example", "shows", "got", "expected", "look", "place", "notes"):
        setattr(verdict, name, clean(getattr(verdict, name), lines=True))
    verdict.seconds = time.perf_counter() - begin
    return verdict


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """A folder for checks. It is removed afterwards, as far as that is possible in TIDYING seconds: a learner's code may fill it."""
    folder = tempfile.mkdtemp(prefix="chainrule-")
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):
            _empty(folder)
            os.rmdir(folder)


def _empty(folder: str) -> None:
    """Remove all that is in a folder, however deep it is: paths that are too long and recursion that is too deep do not occur."""
    if os.rmdir not in os.supports_dir_fd:
        shutil.rmtree(folder, ignore_errors=True)
        return
    until = time.monotonic() + TIDYING
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    here = os.open(folder, flags)
    way = [("", _folders_left(here, until))]  # the folders from the first one to `here`, each with the folders in it that are left
    try:
        while way and time.monotonic() < until:
            name, left = way[-1]
            next_one = left.pop() if left else ".."
            if next_one == "..":
                way.pop()
            else:
                os.chmod(next_one, stat.S_IRWXU, dir_fd=here)
            if not way:
                break
            here, before = os.open(next_one, flags, dir_fd=here), here
            os.close(before)
            if next_one == "..":
                os.rmdir(name, dir_fd=here)
            else:
                way.append((next_one, _folders_left(here, until)))
    finally:
        os.close(here)


def _folders_left(folder: int, until: float) -> list[str]:
    """Remove the files in a folder; the names of the folders in it."""
    left = []
    for name in os.listdir(folder):
        if time.monotonic() > until:
            break
        if stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
            left.append(name)
        else:
            os.unlink(name, dir_fd=folder)
    return left


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


def read_verdict(answer: Path, exercise: Exercise) -> Verdict | None:
    """The verdict that the process of a check wrote; None if it did not come to that.

    The learner's code may have put anything in its place, so it is read only if it is a regular file of a modest size, and taken only if
    every field is of its type.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        if not stat.S_ISREG(os.lstat(answer).st_mode):
            return None
        descriptor = os.open(answer, flags)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return None
            verdict = Verdict.from_data(json.loads(file.read(LARGEST + 1)))
    except (OSError, ValueError, RecursionError):
        return None
    return verdict if verdict.exercise == exercise.number else None


def how_it_ended(status: int | None, seconds: float) -> tuple[str, str, str]:
    """The state, no mistake, and the message for a process that left no verdict."""
    if status is not None and status > 128:  # of a shell, or of what runs the process behind walls
        status = 128 - status
    if status is None:
        return (
            STOPPED,
            "",
            f"The code was still running after {seconds:g} seconds, and could not be interrupted. Is there a very large loop or power?",
        )
    if status in (-9, -6):
        return STOPPED, "", "The process of the check was ended by the system, most often because there was not enough memory."
    if status < 0:
        what = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        return STOPPED, "", f"Python itself crashed ({what}), as it does when functions call themselves too often."
    if status == 0:
        return STOPPED, "", "The code ends the process of the check, by os._exit or by a program that it starts: remove that."
    return (
        ERROR,
        "",
        (
            f"The check could not be carried out: its process ended with status {status}. Does the code change Python itself, "
            "such as its built-in functions or sys.modules?"
        ),
    )


__all__ = ["check", "how_it_ended", "read_verdict", "temporary_folder"]
