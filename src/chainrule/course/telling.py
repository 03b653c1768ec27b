"""A verdict as text: plain, for the terminal, and for a notebook."""

from __future__ import annotations

import re
import textwrap
from html import escape
from typing import TYPE_CHECKING, Any

from chainrule.course.checking import ERROR, NOT_DONE, PASSED, STOPPED, WRONG
from chainrule.course.exercises import by_number

if TYPE_CHECKING:
    from chainrule.course.checking import Verdict

WIDTH = 88
HEADS = {PASSED: "right", NOT_DONE: "not done yet", WRONG: "not right yet", ERROR: "does not run yet", STOPPED: "had to be stopped"}
COLOURS = {PASSED: "green", NOT_DONE: "blue", WRONG: "red", ERROR: "red", STOPPED: "red"}


def head(verdict: Verdict) -> str:
    """The verdict in a line."""
    mistake = f": {verdict.mistake}" if verdict.mistake else ""
    return f"Exercise {verdict.exercise}, {by_number(verdict.exercise).title}: {HEADS[verdict.state]}{mistake}"


def example(verdict: Verdict) -> str:
    """The example that shows it, with what it gave and what it should give."""
    if not verdict.example and not verdict.shows:
        return ""
    lines = verdict.example.splitlines()
    if verdict.shows:
        lines.append("")
        if verdict.got or verdict.expected:
            width = len(verdict.shows)
            lines += [f"{verdict.shows}  is         {verdict.got}", f"{'':{width}}  should be  {verdict.expected}"]
        else:
            lines.append(verdict.shows)
    return "\n".join(lines)


def where(verdict: Verdict) -> str:
    """Where to look."""
    if verdict.look and verdict.place:
        return f"Look at {verdict.look}: {verdict.place}."
    if verdict.look or verdict.place:
        return f"Look at {verdict.look or verdict.place}."
    return ""


def message(verdict: Verdict) -> str:
    """What is wrong, and what to do."""
    if verdict.message or verdict.passed:
        return verdict.message
    return "This example does not give what it should. It shows none of the known mistakes, so follow the numbers by hand."


def printed(verdict: Verdict, most: int = 10) -> str:
    """What the learner's code printed while it was checked."""
    lines = re.sub(r"[^\S\n\t ]|[\x00-\x08\x0e-\x1f\x7f]", "·", verdict.printed).rstrip().split("\n")
    if lines == [""]:
        return ""
    return "\n".join(lines[:most] + ([f"… and {len(lines) - most} more lines"] if len(lines) > most else []))


def as_text(verdict: Verdict) -> str:
    """The verdict as plain text."""
    parts = [head(verdict)]
    if shown := example(verdict):
        parts.append(textwrap.indent(shown, "    ", lambda line: True).replace("    \n", "\n"))
    if said := message(verdict):
        parts.append(textwrap.fill(said, WIDTH, break_long_words=False, break_on_hyphens=False))
    if place := where(verdict):
        parts.append(place)
    if output := printed(verdict):
        parts.append("Your code printed:\n" + textwrap.indent(output, "    "))
    return "\n\n".join(parts)


def as_rich(verdict: Verdict) -> Any:
    """The verdict for the terminal, with colours."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.syntax import Syntax
    from rich.text import Text

    parts: list[Any] = [Text(head(verdict), style=f"bold {COLOURS[verdict.state]}")]
    if shown := example(verdict):
        parts.append(Padding(Syntax(shown, "python", background_color="default", word_wrap=True), (1, 4)))
    elif message(verdict):
        parts.append(Text())
    if said := message(verdict):
        parts.append(Text(said))
    if place := where(verdict):
        parts.append(Text(place, style="bold"))
    if output := printed(verdict):
        parts += [Text("\nYour code printed:", style="dim"), Padding(Text(output), (0, 4))]
    return Group(*parts)


def as_html(verdict: Verdict) -> str:
    """The verdict for a notebook."""
    colour = {"green": "#2f7d32", "blue": "#1f5fb0", "red": "#b3261e"}[COLOURS[verdict.state]]
    parts = [f'<div style="font-weight:bold;color:{colour}">{escape(head(verdict))}</div>']
    if shown := example(verdict):
        parts.append(f'<pre style="margin:0.6em 2em">{escape(shown)}</pre>')
    if said := message(verdict):
        parts.append(f"<div>{escape(said)}</div>")
    if place := where(verdict):
        parts.append(f'<div style="font-weight:bold">{escape(place)}</div>')
    if output := printed(verdict):
        parts.append(f'<div>Your code printed:</div><pre style="margin:0.3em 2em">{escape(output)}</pre>')
    return f'<div style="border-left:4px solid {colour};padding:0.3em 1em;max-width:60em">{"".join(parts)}</div>'


__all__ = ["as_html", "as_rich", "as_text", "head"]
