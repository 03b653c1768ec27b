"""The course in a terminal: the file of an exercise is watched, and checked whenever it is saved; commands are typed meanwhile."""

from __future__ import annotations

import queue
import shlex
import sys
import threading
from typing import TYPE_CHECKING, Any

from chainrule.course.exercises import EXERCISES, Exercise, by_number
from chainrule.course.folder import Folder, FolderError, question_of
from chainrule.course.telling import as_rich
from chainrule.foreign import clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Console

PAUSE = 0.3  # seconds between looks at the file

COMMANDS = {
    "check": "check the file again ('check all': all of them)",
    "hint": "show the next hint",
    "solution": "show a solution, once you have seen the hints",
    "answers": "show answers to the questions",
    "next": "go to the next exercise that is not done",
    "go N": "go to exercise N",
    "list": "show all exercises, and which are done",
    "reset": "start this exercise again; what you wrote is kept in copies/",
    "help": "show these commands",
    "quit": "leave; you can continue later where you stopped",
}


class Terminal:
    """The course in a terminal.

    Arguments:
        folder: the learner's.
        console: where to write.
    """

    def __init__(self, folder: Folder, console: Console) -> None:
        self.folder = folder
        self.console = console
        self.seen: tuple[float, int] | None = None
        self.commands: dict[str, Callable[[str], None]] = {
            "check": self.check,
            "hint": self.hint,
            "solution": self.solution,
            "answers": self.answers,
            "next": self.next,
            "go": self.go,
            "list": self.list,
            "reset": self.reset,
            "help": self.help,
        }

    @property
    def exercise(self) -> Exercise:
        """The exercise that the learner is at."""
        return self.folder.current

    @property
    def path(self) -> Path:
        """Its file."""
        return self.folder.file(self.exercise)

    def run(self) -> None:
        """Watch, check and answer until the learner leaves."""
        try:
            self._run()
        except KeyboardInterrupt:
            self.console.print()
        self._say("\nUntil next time. `chainrule learn --terminal` continues from here.", "dim")

    def _run(self) -> None:
        self.welcome()
        lines = _typed()
        while True:
            try:
                line = lines.get(timeout=PAUSE)
            except queue.Empty:
                if self._stamp() != self.seen:
                    self.check("")
                    self._prompt()
                continue
            if line is None or line.strip().lower() in ("quit", "exit", "q"):
                break
            self.obey(line)
            self._prompt()

    def obey(self, line: str) -> None:
        """Carry a command out."""
        word, _, rest = line.strip().partition(" ")
        if not word:
            return
        found = [name for name in self.commands if name.startswith(word.lower())]
        if word.lower() not in self.commands and len(found) != 1:
            self._say(f"There is no command {word!r}. The commands are: {', '.join(COMMANDS)}.", "yellow")
            return
        try:
            self.commands[word.lower() if word.lower() in self.commands else found[0]](rest.strip())
        except (FolderError, OSError) as error:
            self._say(str(error), "red")

    def welcome(self) -> None:
        """Say where the learner stands, and check the file."""
        done = len(self.folder.progress.passed)
        self._say(f"chainrule: the course. {done} of {len(EXERCISES)} exercises are done. 'help' shows the commands.", "bold")
        self.turn_to(self.exercise)
        self._prompt()

    def turn_to(self, exercise: Exercise) -> None:
        """Turn to an exercise."""
        self.folder.go_to(exercise)
        self.console.print()
        self._say(f"Exercise {exercise.number} · {exercise.title}", "bold")
        self._say(f"Open {self.path} in your editor: the file says what to do. It is checked whenever you save it.")
        self.console.print()
        self.check("")

    # --- commands -----------------------------------------------------------------------------------------------------------------------

    def check(self, which: str) -> None:
        """Check the file, or all of them."""
        if which == "all":
            for exercise in EXERCISES:
                verdict, _ = self.folder.check(exercise)
                self._row(exercise, verdict.state)
            return
        if which:
            self._say("'check' checks this exercise, 'check all' all of them.", "yellow")
            return
        self.seen = self._stamp()
        try:
            with self.console.status("checking …"):
                verdict, changed = self.folder.check(self.exercise)
        except (FolderError, OSError) as error:
            self._say(str(error), "red")
            return
        for note in self.folder.notes:
            self._say(note, "yellow")
        self.folder.notes.clear()
        self.console.print(as_rich(verdict))
        if verdict.passed:
            self._passed(changed)

    def _passed(self, changed: list[Path]) -> None:
        names = ", ".join(path.name for path in changed[:3]) + (", …" if len(changed) > 3 else "")
        if names:
            self._say(f"These files now start from your code: {names}.", "dim")
        following = self.folder.next()
        if following is None:
            self._say("That was the last exercise: all are done.", "bold green")
        else:
            self._say(f"Run the file to see what it draws and prints: python {shlex.quote(str(self.path))}", "dim")
            self._say(f"'answers' answers its questions; 'next' goes to exercise {following.number}, {following.title}.")

    def hint(self, _: str) -> None:
        """One more hint."""
        found = self.folder.hint(self.exercise)
        if found is None:
            for number, text in enumerate(self.exercise.hints, 1):
                self._markdown(f"**Hint {number}.**\n\n{text}")
            self._say("There are no more hints. 'solution' shows a solution.")
            return
        number, text = found
        self._markdown(f"**Hint {number} of {len(self.exercise.hints)}.**\n\n{text}")

    def solution(self, how: str) -> None:
        """The solution, when it is time for it."""
        if not self.folder.may_see_solution(self.exercise) and how != "anyway":
            left = len(self.exercise.hints) - self.folder.progress.hints.get(self.exercise.number, 0)
            count = "is a hint" if left == 1 else f"are {left} hints"
            self._say(f"There {count} left: try 'hint' first. 'solution anyway' shows the solution now.")
            return
        self._markdown(f"One solution; yours may look different.\n\n```python\n{self.exercise.work}\n```")

    def answers(self, _: str) -> None:
        """The answers to the questions."""
        for number, cell in enumerate(self.exercise.of("question"), 1):
            question, answer = question_of(cell)
            self.console.print()
            self._markdown(f"**Question {number}.** {question}\n\n{answer}")

    def next(self, _: str) -> None:
        """The next exercise that is not done."""
        if self.exercise.number not in self.folder.progress.passed:
            self._say(f"Exercise {self.exercise.number} is not done yet. 'go N' goes to another exercise anyway.", "yellow")
            return
        following = self.folder.next()
        if following is None:
            self._say("All exercises are done. 'go N' goes back to one.", "bold green")
            return
        self.turn_to(following)

    def go(self, number: str) -> None:
        """Another exercise."""
        try:
            self.turn_to(by_number(number))
        except LookupError as error:
            self._say(f"{error}." if number else "Say which exercise, as in 'go 4'.", "yellow")

    def list(self, _: str) -> None:
        """All exercises."""
        for exercise in EXERCISES:
            self._row(exercise, "passed" if exercise.number in self.folder.progress.passed else "")

    def reset(self, _: str) -> None:
        """Start the exercise again."""
        copy = self.folder.reset(self.exercise)
        self._say(
            f"{self.path} is as it was at the beginning. "
            + (f"What you wrote is in {copy}." if copy is not None else "There was nothing to keep.")
        )
        self.check("")

    def help(self, _: str) -> None:
        """The commands."""
        from rich.table import Table

        table = Table.grid(padding=(0, 3))
        for name, what in COMMANDS.items():
            table.add_row(name, what)
        self.console.print(table)

    # --- writing ------------------------------------------------------------------------------------------------------------------------

    def _row(self, exercise: Exercise, state: str) -> None:
        mark = {"passed": "✓", "": "·"}.get(state, "✗")
        here = "  ← you are here" if exercise.number == self.exercise.number else ""
        self._say(
            f" {mark} {exercise.number:>3}  {exercise.title}{f' ({state})' if mark == '✗' else ''}{here}", "green" if mark == "✓" else ""
        )

    def _say(self, text: str, style: str = "") -> None:
        self.console.print(clean(text, lines=True), style=style or None, markup=False, highlight=False, soft_wrap=True)

    def _markdown(self, text: str) -> None:
        from rich.markdown import Markdown

        self.console.print(Markdown(text))

    def _prompt(self) -> None:
        self.console.print(f"\n[{self.exercise.number}] > ", end="", markup=False, highlight=False)

    def _stamp(self) -> tuple[float, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime, status.st_size


def _typed() -> Any:
    """A queue of the lines that are typed; None at their end."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


__all__ = ["Terminal"]
