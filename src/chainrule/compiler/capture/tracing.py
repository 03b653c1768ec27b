"""Tracing: the function is called once, on Values in place of its arguments, and the graph that it builds is its program.

A trace follows one path through the function, so the function must not look at a number: the number would become part of the program.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from chainrule import conditions, refusals
from chainrule.compiler.errors import TraceError
from chainrule.engine import Value, guard
from chainrule.users_line import PACKAGE, line_of, users_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from chainrule.compiler.capture.arguments import Argument
    from chainrule.conditions import Condition

_LIBRARIES = (PACKAGE, os.path.dirname(os.path.abspath(np.__file__)) + os.sep)
"""Where the code is that a user's line may go through before a Value is looked at."""
MOST_LINES = 20  # that a TraceError lists
MOST_LOOKS = 10_000  # after so many the trace ends: it may be in a loop that never does

_CHOOSE = (
    "the trace follows one path only, so the program would always take it. Write where(greater(a, b), x, y), maximum(a, b) or minimum(a, b)"
)
_KNOWN_LATER = (
    "the number is known only when the compiled program runs, and its present value would become a constant of the program. Compute with "
    "the Value itself; for a choice write where(), maximum() or softmax()"
)
_ADVICE = {
    "data": f"`.data` was read: {_KNOWN_LATER}; to report it, return it beside the loss, as in `return loss, score`",
    "float": f"float() of a Value, perhaps by a function of `math` or NumPy: {_KNOWN_LATER}; use chainrule's exp(), log() and so on",
    "int": "int() of a Value: an index must itself be an argument of integers. Write take(values, index) or one_hot(index, count)",
    "bool": f"a Value was used as a condition: {_CHOOSE}",
    "data=": "`.data` was assigned: that would happen once, while tracing, and never again. Do it outside the function",
    "grad=": "`.grad` was assigned: that would happen once, while tracing, and never again. Do it outside the function",
    "_prev=": "`_prev` was assigned: the number would be a constant of the program from then on. Do it outside the function",
    "backward": "backward() was called: return the loss, and call backward() on what the compiled function returns",
}
_INDEX = "a traced integer was used as an index: the trace would always take this element. Write take(values, index)"
_EQUAL = (
    "an argument was compared by == or != with a number or another argument: the answer would become a constant of the program. Write "
    "where(equal(a, b), x, y) for a choice, or take(values, index)"
)


_KEY = (
    "a traced integer was looked up in a dict or a set: the trace would always find the same entry. Put the entries in a list, in the "
    "order of their keys, and write take(values, index)"
)


_COUNT = (
    "a Value was used as an index or a count, which must be known numbers. For an index that is an argument of integers, write "
    "take(values, index) or one_hot(index, count)"
)
_CHANGES = ("data=", "grad=", "backward")  # which the trace does not go on from


class Input(Value):
    """A traced number: a Value that stands for a number of an argument."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, (Input, int, float, np.number, np.bool_)):
            return self is other
        note(_EQUAL)
        return bool(self._data == (other._data if isinstance(other, Input) else other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Value.__hash__


class Index(Input):
    """A traced integer: an argument that may be used as an index by `take` and `one_hot`, or as a number."""

    __slots__ = ()

    def __index__(self) -> int:
        note(_INDEX)
        return int(self._data)

    def __hash__(self) -> int:
        note(_KEY)
        return hash(int(self._data))


Input.__name__ = Index.__name__ = "Value"  # as which Python's own messages tell of them


class Trace(NamedTuple):
    """What a trace has found.

    Arguments:
        result: what the function returned.
        places: for the id of each Value that stood for a number of an argument, the number of the argument and the place in it.
        inputs: those Values, by argument, which keeps their ids from being used again.
        leaves: the leaves that the function made.
        conditions: numbers that must be checked at every call, with their conditions.
        indices: the numbers of arguments that must be valid indices: their arguments and places, and how many things they index.
    """

    result: Any
    places: dict[int, tuple[int, int]]
    inputs: list[Sequence[Value]]
    leaves: list[Value]
    conditions: list[tuple[Value, Condition]]
    indices: list[tuple[tuple[int, int], int]]


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
    with watched() as watch:
        try:
            result = function(*passed[:positional], **dict(zip(keywords, passed[positional:], strict=True)))
        except Exception as error:
            if isinstance(error, TraceError):
                raise
            if isinstance(error, (TypeError, IndexError)) and _is_by_index(error):
                watch.refused.setdefault(_COUNT, {})[_line_of_error(error)] = None
            if watch.refused:
                raise watch.error() from error
            raise
    places = {id(leaf): (number, place) for number, leaves in enumerate(made) for place, leaf in enumerate(leaves)}
    noted = [*watch.conditions.values()]
    indices = [(places[id(number)], of.things) for number, of in noted if of.things and id(number) in places]
    others = [(number, of) for number, of in noted if not (of.things and id(number) in places)]
    return Trace(result, places, made, watch.leaves, others, indices)


def _is_by_index(error: Exception) -> bool:
    """Whether an error is that of a list, an array or range() that was given a Value for an integer."""
    told = str(error)
    if isinstance(error, IndexError):
        return told.startswith("only integers, slices")  # NumPy's, which does not say what it was given
    is_refusal = "indices must be integers" in told or "cannot be interpreted as an integer" in told
    return is_refusal and "Value" in told


class Watch:
    """The state of a trace: the lines that looked at numbers, and the leaves that the function made.

    The trace goes on after a line that looked at a number, so that one error lists all such lines.
    """

    def __init__(self) -> None:
        self.refused: dict[str, dict[str, None]] = {}  # the lines, by what is wrong with them
        self.leaves: list[Value] = []
        self.conditions: dict[tuple[int, str], tuple[Value, Condition]] = {}
        self._looks = 0

    def note(self, what: str, place: str) -> None:
        """Keep a line that looks at a number; raise TraceError if there are too many of them."""
        self._looks += 1
        if what is _EQUAL and place in self.refused.get(_KEY, ()):
            return  # it was looked up by its hash, and then compared
        self.refused.setdefault(what, {})[place] = None
        if self._looks >= MOST_LOOKS:
            raise self.error()

    def error(self) -> TraceError:
        """What is wrong with the lines."""
        told = "\nand ".join("\n".join([what, *lines]) for what, lines in self._listed())
        return TraceError(f"while chainrule.compile() traces this function, {told}")

    def _listed(self) -> Iterator[tuple[str, list[str]]]:
        left = MOST_LINES
        for what, lines in self.refused.items():
            listed = list(lines)[: max(left, 1)]
            left -= len(listed)
            more = len(lines) - len(listed)
            yield what, [*listed, *([f"and {more} more lines"] if more else [])]


_watches: dict[int, Watch] = {}
"""The trace of each thread that traces a function."""


def is_tracing() -> bool:
    """Whether the calling thread is in the middle of a trace."""
    return False if not _watches else get_ident() in _watches


@contextmanager
def watched() -> Iterator[Watch]:
    """Within this block, the thread that entered it cannot look at a Value's number.

    Raises:
        TraceError: at the end of the block, or at once if the function tries to change a number; it lists all lines that looked at numbers.
    """
    thread = get_ident()
    outer, watch = _watches.get(thread), Watch()
    _start(thread, watch)
    try:
        yield watch
        if watch.refused:
            raise watch.error()
    finally:
        _start(thread, outer)


def _start(thread: int, watch: Watch | None) -> None:
    """Let a thread's trace be this one; None for none."""
    if watch is None:
        del _watches[thread]
        guard(None)
        return

    def look(node: Value, what: str) -> None:
        told = _ADVICE.get(what, f"two Values were compared by {what}: {_CHOOSE}")
        if what in _CHANGES:
            refuse(told)
        watch.note(told, _line(sys._getframe(1)))

    _watches[thread] = watch
    guard(look, watch.leaves)


class Passing:
    """The `_backward` of a Value around an argument: passes its gradient on. It is called with the node, and does not hold it."""

    __slots__ = ()
    takes_node = True

    def __call__(self, node: Value) -> None:
        """Add the node's gradient to that of the Value in it."""
        (inner,) = node._prev
        inner.grad += node.grad


passing = Passing()
_untraced: set[int] = set()
"""The threads that run a function which was traced and could not be compiled."""


@contextmanager
def untraced() -> Iterator[None]:
    """Within this block, a function that was traced runs on Values that stand for its arguments, and may write `Value(argument)`."""
    thread = get_ident()
    if thread in _untraced:
        yield
        return
    _untraced.add(thread)
    try:
        yield
    finally:
        _untraced.discard(thread)


def _stand_in(node: Any, data: Value, label: str) -> bool:
    """Let `Value(x)` be x, where x stands for an argument, or is computed from one: called with numbers, the function would make a leaf."""
    thread = get_ident()
    if not (isinstance(data, Input) if thread in _watches else thread in _untraced):
        return False
    Value.__init__(node, data._data, (data,), "Value", label)
    node._backward = passing
    return True


refusals.standing_in = _stand_in


def _note_condition(number: Value, condition: Condition) -> bool:
    """Let a number be checked at every call, if a function is being traced."""
    watch = _watches.get(get_ident())
    if watch is None:
        return False
    watch.conditions[id(number), condition.text] = number, condition
    return True


conditions.noting = _note_condition


def _forget_other_threads() -> None:
    """After a fork: other threads do not trace any more."""
    for thread in set(_watches) - {get_ident()}:
        del _watches[thread]
    _untraced.intersection_update({get_ident()})


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)


def note(what: str) -> None:
    """Keep the line of the program that looks at a number, for the TraceError at the end of the trace; outside a trace, raise it at
    once."""
    watch = _watches.get(get_ident())
    if watch is None:
        refuse(what)
    watch.note(what, _line(sys._getframe(1)))


def refuse(what: str) -> NoReturn:
    """Raise TraceError with the line of the program, and the lines that looked at numbers before."""
    watch = _watches.get(get_ident()) or Watch()
    watch.note(what, _line(sys._getframe(1)))
    raise watch.error()


def is_of_library(frame: FrameType) -> bool:
    """Whether a frame is one of chainrule's or NumPy's own."""
    return frame.f_code.co_filename.startswith(_LIBRARIES)


def _line(frame: FrameType) -> str:
    frame, _ = users_frame(frame, _LIBRARIES)
    return line_of(frame.f_code.co_filename, frame.f_lineno)


def _line_of_error(error: BaseException) -> str:
    """The innermost line of an error's traceback that is the user's."""
    found = "", 0
    traceback = error.__traceback__
    while traceback is not None:
        if not is_of_library(traceback.tb_frame):
            found = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next
    return line_of(*found)
