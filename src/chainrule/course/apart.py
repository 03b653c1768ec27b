"""Running a learner's code in another process than the one that judges it.

That process knows neither the right answers nor where the verdict goes. Where bubblewrap is installed and allowed
(https://github.com/containers/bubblewrap), it sees no files but Python's, chainrule's without the course's exercises and checks, and those
in the learner's folder, and it has no network; elsewhere it has its user's rights.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import chainrule
from chainrule.course.running import OutOfTime, Part, Printed
from chainrule.course.wire import EndedError, unpacked, unpacked_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

LONGEST = 8 << 20  # bytes of an answer
WITHOUT_WALLS = (
    "bubblewrap (the command bwrap) is not installed, or may not be used here, so the code runs in a second process with your rights: "
    "it cannot change the verdict, but it can use your files and the network"
)
VARIABLES = (
    *("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "CHAINRULE_ENGINE"),
    *("PYTHONIOENCODING", "PYTHONDONTWRITEBYTECODE", "OMP_NUM_THREADS", "MPLBACKEND"),  # which sandbox.py sets
)
SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")


class Apart:
    """A learner's code, run in another process.

    Arguments:
        parts: the code.
        folder: where it runs, and finds modules that it imports.
        file: the learner's file; "" if there is none.
        seconds: how long it may run.
    """

    def __init__(self, parts: Sequence[Part], folder: str, file: str, seconds: float) -> None:
        self.parts = list(parts)
        self.printed = Printed()
        self.until = time.monotonic() + seconds + 0.9
        command, environment = [sys.executable, "-m", "chainrule.course.worker"], None
        if bubblewrap():
            command, environment = [*_walls(folder), *command], _environment()
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        self.lines: queue.Queue[bytes] = queue.Queue(1)
        threading.Thread(target=self._listen, daemon=True).start()
        self._tell({"parts": [asdict(part) for part in parts], "folder": folder, "file": file, "seconds": seconds})

    def _tell(self, what: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended, and there will be no answer
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            self.process.stdin.flush()

    def _ask(self, **what: Any) -> dict[str, Any]:
        self._tell(what)
        try:
            answer = json.loads(self._line())
        except (ValueError, RecursionError):
            raise EndedError(None) from None
        if not isinstance(answer, dict) or not isinstance(answer.get("printed"), str):
            raise EndedError(None)
        self.printed.text = ""
        self.printed.write(answer["printed"])
        if "late" in answer:
            late = OutOfTime()
            late.place = str(answer["late"])[:300]  # type: ignore[attr-defined]
            raise late
        return answer

    def _line(self) -> bytes:
        """One line of what the process says, before its time is up."""
        try:
            line = self.lines.get(timeout=max(self.until - time.monotonic(), 0.0))
        except queue.Empty:
            raise OutOfTime from None
        if not line.endswith(b"\n"):  # the end, or too much
            raise EndedError(self._status())
        return line

    def _listen(self) -> None:
        """Hand on what the process says, line by line; a thread does that, because Windows cannot wait for a pipe with a limit of time."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline(LONGEST):
            self.lines.put(line)
        self.lines.put(b"")

    def _status(self) -> int | None:
        try:
            return self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            return None

    def define(self, part: Part) -> BaseException | None:
        """Define what a part defines; the exception that ends it, if one does."""
        answer = self._ask(define=self.parts.index(part))
        return _error(answer) if "error" in answer else None

    def missing(self, names: Sequence[str]) -> list[str]:
        """Those of some names that are not defined."""
        return self._names(names, missing=list(names))

    def borrowed(self, names: Sequence[str]) -> list[str]:
        """Those of some names that stand for what chainrule defines."""
        return self._names(names, borrowed=list(names))

    def _names(self, known: Sequence[str], **what: Any) -> list[str]:
        found = self._ask(**what).get("names")
        return [name for name in known if isinstance(found, list) and name in found]

    def add(self, names: dict[str, Any]) -> None:
        """Let examples use more names, where the learner has not defined them."""
        self._ask(add={name: _place_of_name(thing) for name, thing in names.items()})

    def outcome(self, example: str, shows: str) -> Any:
        """What an example gives: plain data, what it looks like, or the exception that it ends with."""
        answer = self._ask(example=example, shows=shows)
        if "error" in answer:
            return _error(answer)
        try:
            return unpacked(answer.get("found"))
        except (ValueError, RecursionError):
            raise EndedError(None) from None

    def place_of(self, error: BaseException) -> str:
        """Where in the learner's code an exception was raised."""
        return str(getattr(error, "place", ""))

    def place_in(self, frame: FrameType | None) -> str:
        """Nowhere: frames of this process are not the learner's."""
        return ""


def _error(answer: dict[str, Any]) -> BaseException:
    try:
        return unpacked_error(answer["error"])
    except ValueError:
        raise EndedError(None) from None


def _place_of_name(thing: Any) -> str:
    return thing.__name__ if isinstance(thing, ModuleType) else f"{thing.__module__}:{thing.__qualname__}"


@cache
def bubblewrap() -> bool:
    """Whether bubblewrap is installed, and may be used by this user."""
    if shutil.which("bwrap") is None:
        return False
    try:
        command = [*_walls("/usr"), sys.executable, "-c", ""]
        return subprocess.run(command, env=_environment(), capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _walls(folder: str) -> list[str]:
    """The beginning of a command that runs the rest of it behind walls: with some files, which it cannot change, and without network."""
    seen = [sys.prefix, sys.base_prefix, *filter(os.path.isdir, sys.path)]
    here = os.getcwd()  # where the verdict will be
    seen = [place for place in dict.fromkeys(map(os.path.abspath, seen)) if place not in ("/", here)]
    home = str(Path(chainrule.__file__).parent)
    walls = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for place in SYSTEM:
        walls += ["--ro-bind-try", place, place]
    for place in (*seen, home, os.path.abspath(folder)):
        walls += ["--ro-bind", place, place]
    for hidden in ("exercises", "checks", "pictures"):
        walls += ["--tmpfs", f"{home}/course/{hidden}"]
    return [*walls, "--setenv", "PYTHONPATH", os.pathsep.join(seen), "--chdir", os.path.abspath(folder)]


def _environment() -> dict[str, str]:
    """The variables that go behind walls: those that Python needs, and no others, for they may hold passwords.

    bubblewrap itself runs behind its walls, where its variables can be read, so it gets no others either; its option --clearenv is not
    enough.
    """
    return {name: os.environ[name] for name in VARIABLES if name in os.environ} | {"HOME": "/tmp"}


__all__ = ["WITHOUT_WALLS", "Apart", "bubblewrap"]
