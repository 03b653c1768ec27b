"""Tracing: the function is called once, on Values in place of its arguments, and the graph that it builds is its program.

A trace follows one path through the function, so nothing may look at a number meanwhile: what it says would become part of the program.
"""

from __future__ import annotations

import linecache
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from chainrule.compiler.errors import TraceError
from chainrule.engine import Value, guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from chainrule.compiler.arguments import Argument

_LIBRARIES = tuple(os.path.dirname(os.path.abspath(file)) + os.sep for file in (os.path.dirname(__file__), np.__file__))
"""Where the code is that a user's line may go through before a Value is looked at."""
_lock = threading.RLock()  # the guard is one for the whole process
tracer: int | None = None
"""The thread that traces a function; None if none does."""

_CHOOSE = (
    "the trace follows one path only, so the program would always take it. Write where(greater(a, b), x, y), maximum(a, b) or minimum(a, b)"
)
_KNOWN_LATER = (
    "the number is known only when the compiled program runs, and what it is now would become part of the program. Compute with the Value "
    "itself; for a choice write where(), maximum() or softmax()"
)
_ADVICE = {
    "data": f"`.data` was read: {_KNOWN_LATER}",
    "float": f"float() of a Value, by a function of `math` or NumPy perhaps: {_KNOWN_LATER}; use chainrule's exp(), log() and so on",
    "int": "int() of a Value: an index must be an argument of integers itself; write take(values, index) or one_hot(index, count)",
    "bool": f"a Value was used as a condition: {_CHOOSE}",
    "data=": "`.data` was assigned: that would happen once, while tracing, and never again. Do it outside the function",
    "grad=": "`.grad` was assigned: that would happen once, while tracing, and never again. Do it outside the function",
    "_prev=": "`_prev` was assigned: the number would be a constant of the program from then on. Do it outside the function",
    "backward": "backward() was called: return the loss, and call backward() on what the compiled function returns",
}
_INDEX = "a traced integer was used as an index: the trace would always take this element. Write take(values, index)"
_EQUAL = (
    "an argument was compared by == or !=, with a number or another argument: the answer would become part of the program. Write "
    "where(equal(a, b), x, y) for a choice, or take(values, index)"
)


_KEY = (
    "a traced integer was looked up in a dict or a set: the trace would always find the same entry. Put the entries in a list, in the "
    "order of their keys, and write take(values, index)"
)


class Input(Value):
    """A traced number: what stands for one in an argument."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if self is not other and isinstance(other, (Input, int, float, np.number, np.bool_)):
            refuse(_EQUAL)
        return self is other

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Value.__hash__


class Index(Input):
    """A traced integer: an argument that may be used as an index by `take` and `one_hot`, or as a number."""

    __slots__ = ()

    def __index__(self) -> int:
        refuse(_INDEX)

    def __hash__(self) -> int:
        refuse(_KEY)


class Trace(NamedTuple):
    """What a trace has found.

    Arguments:
        result: what the function returned.
        places: for the id of each Value that stood for a number of an argument, the number of the argument and the place in it.
        inputs: those Values, by argument, which keeps their ids from being used again.
    """

    result: Any
    places: dict[int, tuple[int, int]]
    inputs: list[Sequence[Value]]


def trace(function: Callable[..., Any], arguments: Sequence[Argument], keywords: Sequence[str]) -> Trace:
    """Call a function on Values that stand for its arguments.

    Arguments:
        function: the function.
        arguments: what to make Values for; their numbers are those that the trace computes with.
        keywords: the names of the last arguments, which are passed by name.

    Raises:
        TraceError: if the function looks at a number.
    """
    made: list[Sequence[Value]] = []
    passed: list[Any] = []
    for argument in arguments:
        kind = Index if argument.integer else Input
        leaves = [kind(number) for number in argument.sample()]
        made.append(leaves)
        passed.append(argument.shaped(leaves))
    positional = len(passed) - len(keywords)
    with watched():
        try:
            result = function(*passed[:positional], **dict(zip(keywords, passed[positional:], strict=True)))
        except (TypeError, IndexError) as error:
            if isinstance(error, TraceError) or not _is_by_index(error):
                raise
            raise TraceError(
                "while chainrule.compile() traces this function, a Value was used as an index or a count, which must be known numbers. For "
                f"an index that is an argument of integers, write take(values, index) or one_hot(index, count)\n{_place(error)}"
            ) from error
    places = {id(leaf): (number, place) for number, leaves in enumerate(made) for place, leaf in enumerate(leaves)}
    return Trace(result, places, made)


def _is_by_index(error: Exception) -> bool:
    """Whether an error is that of a list, an array or range() that was given a Value for an integer."""
    told = str(error)
    if isinstance(error, IndexError):
        return told.startswith("only integers, slices")  # NumPy's, which does not say what it was given
    is_refusal = "indices must be integers" in told or "cannot be interpreted as an integer" in told
    return is_refusal and any(kind in told for kind in ("Value", "Input", "Index"))


def is_tracing() -> bool:
    """Whether the calling thread is in the middle of a trace."""
    return tracer is not None and tracer == threading.get_ident()


@contextmanager
def watched() -> Iterator[None]:
    """Within this block, a Value's number cannot be looked at by the thread that entered it."""
    global tracer
    thread = threading.get_ident()

    def look(node: Value, what: str) -> None:
        if threading.get_ident() == thread:
            refuse(_ADVICE.get(what, f"two Values were compared by {what}: {_CHOOSE}"))

    with _lock:
        guard(look)
        tracer = thread
        try:
            yield
        finally:
            tracer = None
            guard(None)


def refuse(what: str) -> NoReturn:
    """Raise, naming the line of the program."""
    raise TraceError(f"while chainrule.compile() traces this function, {what}\n{_line(sys._getframe(1))}")


def is_of_library(frame: FrameType) -> bool:
    """Whether a frame is one of chainrule's or NumPy's own."""
    return frame.f_code.co_filename.startswith(_LIBRARIES)


def _line(frame: FrameType) -> str:
    while frame.f_back is not None and is_of_library(frame):
        frame = frame.f_back
    return _told(frame.f_code.co_filename, frame.f_lineno)


def _place(error: BaseException) -> str:
    """The innermost line of an error's traceback that is the user's."""
    found = "", 0
    traceback = error.__traceback__
    while traceback is not None:
        if not is_of_library(traceback.tb_frame):
            found = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next
    return _told(*found)


def _told(file: str, line: int) -> str:
    text = linecache.getline(file, line).strip()
    return f"{file}, line {line}: {text}" if text else f"{file}, line {line}"


# --- results ----------------------------------------------------------------------------------------------------------------------------


class Results:
    """The Values that a function returned, in the shape in which it returned them: lists, tuples and dicts.

    Arguments:
        result: what it returned.
    """

    def __init__(self, result: Any, function: str) -> None:
        self.function = function
        self.values: list[Value] = []
        self.shape = self._shape(result)

    @property
    def is_scalar(self) -> bool:
        """Whether it returned one Value."""
        return self.shape == 0 and type(self.shape) is int

    def _shape(self, result: Any) -> Any:
        """What was returned, with the number of each Value in place of it."""
        if isinstance(result, Value):
            self.values.append(result)
            return len(self.values) - 1
        if isinstance(result, dict):
            return {key: self._shape(part) for key, part in result.items()}
        if isinstance(result, tuple):
            return tuple(self._shape(part) for part in result)
        if isinstance(result, (list, np.ndarray)):
            return [self._shape(part) for part in result]
        try:
            self.values.append(Value(result))
        except TypeError:
            raise TypeError(
                f"{self.function} must return Values, numbers, or lists, tuples and dicts of them; it returned {type(result).__name__}"
            ) from None
        return len(self.values) - 1

    def filled(self, numbers: np.ndarray) -> Any:
        """The results in their shape: arrays in place of lists of Values.

        Arguments:
            numbers: one column for each Value, behind any axis for samples; numbers, or Values.
        """
        return self._filled(self.shape, numbers)

    def _filled(self, shape: Any, numbers: np.ndarray) -> Any:
        if isinstance(shape, dict):
            return {key: self._filled(part, numbers) for key, part in shape.items()}
        if isinstance(shape, tuple):
            return tuple(self._filled(part, numbers) for part in shape)
        if isinstance(shape, list):
            columns = _columns(shape)
            return [self._filled(part, numbers) for part in shape] if columns is None else numbers[..., columns]
        if numbers.ndim > 1:
            return numbers[..., shape].copy()
        return numbers[shape] if numbers.dtype == object else float(numbers[shape])


def _columns(shape: Any) -> np.ndarray | None:
    """The numbers of the Values of nested lists, if they are of one length at each depth and hold nothing else."""
    try:
        columns = np.array(shape)
    except ValueError:
        return None
    if not columns.size:
        return columns.astype(np.int64)
    return columns if columns.dtype.kind == "i" else None
