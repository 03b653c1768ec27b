"""Text from elsewhere (names of files, columns and labels, messages of exceptions, what a program printed), made safe to show.

A terminal obeys some characters instead of showing them: escape sequences move the cursor, rename the window or hide what was written,
a carriage return writes over the line, and the controls of bidirectional text turn the order of what follows around. And a text may be
megabytes long. What is foreign therefore passes through `clean` or `quoted` before it becomes part of a message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LONGEST = 2000  # characters of a text that are shown
LONGEST_QUOTED = 60  # characters of a cell or a name that are shown within a message

# Controls (C0, DEL, C1), the controls of bidirectional text, separators of lines and paragraphs, halves of characters, invisible marks.
_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def clean(text: object, *, lines: bool = False, longest: int = LONGEST) -> str:
    """Make a text safe for a terminal: control characters are escaped as in Python, such as `\\x1b`.

    Letters of all languages, symbols and emoji stay as they are.

    Arguments:
        text: the text; of anything else, `str` of it.
        lines: whether it may have several lines: ends of lines and tabs are kept.
        longest: how many characters are shown; a longer text is shortened to its beginning and its end, with `...` between them.

    Returns:
        The text, at most `longest` characters.
    """
    shown = _cut(text if isinstance(text, str) else str(text), longest)
    if lines:
        shown = shown.replace("\r\n", "\n")
    return _cut(_STEERING.sub(_as_kept if lines else _as_escape, shown), longest)


def quoted(text: object, longest: int = LONGEST_QUOTED) -> str:
    """Put a text in quotation marks, as Python writes it, for use in a message; a long text is shortened to its beginning and its end."""
    return _cut(repr(_cut(text if isinstance(text, str) else str(text), longest)), 2 * longest)


def several(names: Sequence[str], show: Callable[[str], str] = quoted, most: int = 10) -> str:
    """List names, separated by commas; of many names, the first ones and how many there are."""
    shown = ", ".join(map(show, names[:most]))
    return f"{shown}, ... ({len(names):,} in all)" if len(names) > most else shown


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    head = (longest - 3) * 2 // 3
    return f"{text[:head]}...{text[len(text) - (longest - 3 - head) :]}"


def _as_escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _as_kept(found: re.Match[str]) -> str:
    return found[0] if found[0] in "\n\t" else _as_escape(found)
