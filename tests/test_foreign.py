"""What comes from elsewhere is shown without steering a terminal, and never at length."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.foreign import clean, quoted, several

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "a\rb",
    "a\b\bb",
    "a\x7f",
    "\u202egpj.exe",
    "\u2066a\u2069",
    "a\u2028b",
    "\ufeffa",
    "a\nb",
    "a\tb",
    "\udc80",
]


def steers(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in (
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"),
    )


@given(st.text() | st.sampled_from(HOSTILE))
def test_what_is_shown_steers_nothing(text: str) -> None:
    assert not any(map(steers, clean(text) + quoted(text) + several([text, text])))
    assert not any(steers(character) for character in clean(text, lines=True) if character not in "\n\t")


@pytest.mark.parametrize("text", ["", "plain", "Größe", "名前", "שלום", "👩‍👩‍👧", "می‌خواهم", "a\xa0b", "\\x1b", "C:\\new"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert clean(text) == clean(text, lines=True) == text


def test_it_is_written_as_in_python() -> None:
    assert clean("\x1b[1m\r\n\u202e") == "\\x1b[1m\\r\\n\\u202e"
    assert clean("a\r\nb\tc\rd\n", lines=True) == "a\nb\tc\\rd\n"
    assert clean(ValueError("no\x07")) == "no\\x07"
    assert quoted("it's\x07") == '"it\'s\\x07"'


@given(st.text(), st.integers(10, 40))
def test_it_has_an_end(text: str, longest: int) -> None:
    for long in (text, text * 50):
        assert len(clean(long, longest=longest)) <= longest
        assert len(quoted(long, longest)) <= 2 * longest
    assert clean("begin" + "x" * 10_000_000 + "end", longest=20) == "beginxxxxxx...xxxend"


def test_a_list_of_names_has_an_end() -> None:
    assert several(["a", "b"]) == "'a', 'b'"
    assert several(["a", "b"], clean) == "a, b"
    assert several([str(i) for i in range(2000)], clean, most=2) == "0, 1, ... (2,000 in all)"
