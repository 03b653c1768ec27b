"""`detect_anomaly`: stop at the operation that first makes a nan or an infinity, and name its line in the user's program."""

from __future__ import annotations

import math
import os
import sys
from _thread import allocate_lock
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chainrule import functions, value
from chainrule.primitives import log_total, passing_positions, zero

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from chainrule.value import Value

_depth = 0
_for_infinities = 0  # how many of the blocks watch for infinities too
_lock = allocate_lock()  # for these two, and what is done when _depth leaves 0 or returns to it
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


@contextmanager
def detect_anomaly(*, nan_only: bool = False) -> Iterator[None]:
    """Within `with detect_anomaly():`, raise at the operation that first makes a nan or an infinity.

    It checks results as they are computed, and gradients during `backward()`. Inside the `with` block the check takes several times as long
    as the computation itself; outside it costs nothing. It holds for the whole process, including other threads. `softmax`, `log_softmax`,
    `logsumexp` and `cross_entropy` accept numbers that are -inf on purpose, such as those of masked positions.

    Arguments:
        nan_only: accept infinities. In nested blocks, infinities are accepted only if all the blocks accept them.

    Raises:
        FloatingPointError: when it happens, with the operation, its operands, and the line that made the node.
    """
    global _depth, _for_infinities
    with _lock:
        if _depth == 0:
            _watch()
        _depth += 1
        _for_infinities += not nan_only
    try:
        yield
    finally:
        with _lock:
            _for_infinities -= not nan_only
            _depth -= 1
            if _depth == 0:
                _unwatch()


# The reference engine is watched by wrapping what makes its nodes; the C engine has a hook for the purpose.
_METHODS: dict[str, Callable[..., Any]] = {name: vars(value.Value)[name] for name in ("__init__", "__add__", "__mul__", "_apply")}
_SWEEP = value.sweep


def _watch() -> None:
    for name, method in _METHODS.items():
        setattr(value.Value, name, _watched(method))
    value.sweep = _watched_sweep
    if c_engine := sys.modules.get("chainrule._value"):
        c_engine.watch(_check, _watched_sweep)


def _unwatch() -> None:
    for name, method in _METHODS.items():
        setattr(value.Value, name, method)
    value.sweep = _SWEEP
    if c_engine := sys.modules.get("chainrule._value"):
        c_engine.watch(None, None)


def _watched(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the method of Value that makes a node, so that the new number is checked."""

    def watched(self: Value, *arguments: Any, **options: Any) -> Any:
        made = method(self, *arguments, **options)
        node = self if made is None else made
        if node is not NotImplemented and node._rule is not None:
            _check(node)
        return made

    return watched


def _check(node: Value) -> None:
    """Remember the line of the program that made a node, and check its number."""
    frame, inside = _users_frame()
    node._made_at = frame.f_code.co_filename, frame.f_lineno
    if _is_anomaly(node._data) and not (inside and _is_masked(node)):
        operands = ", ".join(_told(operand) for operand in node._operands)
        raise FloatingPointError(f"{node._op!r} made {node._data} from {operands}\n{_place(node)}")


def _is_anomaly(number: float) -> bool:
    return math.isnan(number) or (_for_infinities > 0 and math.isinf(number))


def _is_masked(node: Value) -> bool:
    """Whether a result of the package's own functions is infinite because an operand is."""
    numbers = [operand if isinstance(operand, float) else operand._data for operand in node._operands]
    return math.isinf(node._data) and (node._rule is log_total or any(map(math.isinf, numbers)))


def _watched_sweep(order: list[Value], nothing: float = 0.0) -> None:
    reached = {id(node) for node in order[-1:]}
    for node in reversed(order):
        if id(node) not in reached:  # only a condition looks at it, or a choice left it out
            continue
        reached.update(map(id, _receivers(node)))
        before = [parent.grad for parent in node._prev]
        node._backward()
        for parent, grad in zip(node._prev, before, strict=True):
            if not _is_anomaly(grad) and _is_anomaly(parent.grad):
                raise FloatingPointError(
                    f"in backward(), the gradient of {_told(parent)} became {parent.grad}: {node._op!r} passed it on, "
                    f"and its own gradient is {node.grad}\n{_place(node)}"
                )


def _receivers(node: Value) -> list[Any]:
    """The operands to which a node passes a gradient."""
    rule, operands = node._rule, node._operands
    if rule is None or rule is value.BY_HAND:
        return list(node._prev)
    data = [operand if isinstance(operand, float) else operand._data for operand in operands]
    if rule.each is not None:
        return [operands[position] for position in passing_positions(rule, data)]
    return [
        operands[position]
        for position, partial in enumerate(rule.partials)
        if partial is not zero and (position not in rule.choices or rule.partial(position, data, node._data) != 0.0)
    ]


def _told(operand: Value | float) -> str:
    if isinstance(operand, float):
        return repr(operand)
    return f"{operand.label or operand._op or 'leaf'} = {operand._data!r}"


_MASKING = {function.__code__ for function in (functions.softmax, functions.log_softmax, functions.logsumexp)}


def _users_frame() -> tuple[FrameType, bool]:
    """The innermost frame of the user's program, and whether a function that accepts masked numbers was called from it."""
    frame, inside = sys._getframe(1), False
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        inside = inside or frame.f_code in _MASKING
        frame = frame.f_back
    return frame, inside


def _place(node: Value) -> str:
    if not hasattr(node, "_made_at"):
        return "the node was made before detect_anomaly() was entered; build the graph inside the block to see the line"
    import linecache  # with `re` and `tokenize` behind it, half of what importing chainrule would cost

    file, line = node._made_at
    text = linecache.getline(file, line).strip()  # nothing is known of lines typed at Python's prompt
    return f"{file}, line {line}: {text}" if text else f"{file}, line {line}"
