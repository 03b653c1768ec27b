"""Results as plain data, so that they can come out of another process without anything that runs there.

Numbers, texts, and lists, tuples and dictionaries of these are themselves; of anything else there is what it looks like. An exception is
its class's name, its nearest built-in class, and what it says.
"""

from __future__ import annotations

import builtins
from typing import Any

from chainrule.course.running import OutOfTime, shortened, told, words_of

DEEPEST, LONGEST = 20, 100_000  # levels of a result, and its parts and characters, that are passed on


class EndedError(Exception):
    """The other process has ended, or does not answer as it should.

    Arguments:
        status: its exit status; None if it goes on, and what it says is not an answer.
    """

    def __init__(self, status: int | None) -> None:
        super().__init__(f"the process of the learner's code ended with status {status}")
        self.status = status


class Opaque:
    """What is known of a result that is not plain data: how it looks."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def packed(found: Any) -> Any:
    """A result as JSON can hold it."""
    try:
        return _packed(found, 0)
    except OutOfTime:
        raise
    except BaseException:  # of a learner's object that is asked for its attributes or its length
        return {"looks": told(found)}


def _packed(found: Any, depth: int) -> Any:
    if hasattr(found, "dtype") and hasattr(found, "item") and not getattr(found, "shape", ()):
        found = found.item()  # a number of NumPy's
    if found is None or isinstance(found, bool):
        return found
    if isinstance(found, str):
        return shortened(str.__str__(found), LONGEST)
    if isinstance(found, float):
        return float.__pos__(found)
    if isinstance(found, int) and int.bit_length(found) <= 4096:
        return int.__pos__(found)
    if depth < DEEPEST and isinstance(found, (list, tuple, dict)) and len(found) <= LONGEST:
        if isinstance(found, dict):
            return {"dict": [[_packed(key, depth + 1), _packed(value, depth + 1)] for key, value in dict.items(found)]}
        return {"list" if isinstance(found, list) else "tuple": [_packed(part, depth + 1) for part in found]}
    return {"looks": told(found)}


def unpacked(data: Any, depth: int = 0) -> Any:
    """A result from its packed form.

    Raises:
        ValueError: if it is not what `packed` makes.
    """
    if data is None or isinstance(data, (bool, int, float, str)):
        return data
    if not isinstance(data, dict) or len(data) != 1 or depth > DEEPEST:
        raise ValueError("this is not a packed result")
    ((kind, parts),) = data.items()
    if kind == "looks" and isinstance(parts, str):
        return Opaque(shortened(parts))
    if kind not in ("list", "tuple", "dict") or not isinstance(parts, list):
        raise ValueError("this is not a packed result")
    if kind != "dict":
        return (list if kind == "list" else tuple)(unpacked(part, depth + 1) for part in parts)
    try:
        return {unpacked(key, depth + 1): unpacked(value, depth + 1) for key, value in parts}
    except (TypeError, ValueError):
        raise ValueError("this is not a packed dictionary") from None


def packed_error(error: BaseException, place: str) -> dict[str, Any]:
    """An exception as JSON can hold it."""
    kinds = [kind for kind in type(error).__mro__ if not issubclass(kind, BaseExceptionGroup)]  # groups hold more than words
    known = next(kind.__name__ for kind in kinds if getattr(builtins, kind.__name__, None) is kind)
    name = getattr(error, "name", None) if isinstance(error, NameError) else None
    words = shortened(words_of(error), 1000)
    return {"kind": type(error).__name__, "known": known, "words": words, "place": place, "name": name if isinstance(name, str) else ""}


def unpacked_error(data: Any) -> BaseException:
    """An exception of the same name, with the same words, and `place` as an attribute.

    Raises:
        ValueError: if it is not what `packed_error` makes.
    """
    if not isinstance(data, dict) or not all(isinstance(data.get(part), str) for part in ("kind", "known", "words", "place", "name")):
        raise ValueError("this is not a packed exception")
    known = getattr(builtins, data["known"], None)
    if not (isinstance(known, type) and issubclass(known, BaseException)) or issubclass(known, BaseExceptionGroup):
        raise ValueError("this is not a packed exception")
    words = data["words"]
    kind: Any = type(shortened(data["kind"]), (known,), {"__str__": lambda self: words, "__init__": lambda self: None})
    error: BaseException = kind()
    error.place = data["place"]  # type: ignore[attr-defined]
    if isinstance(error, NameError) and data["name"]:
        error.name = data["name"]
    return error


__all__ = ["EndedError", "Opaque", "packed", "packed_error", "unpacked", "unpacked_error"]
