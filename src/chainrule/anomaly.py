"""`detect_anomaly`: stop at the operation that first makes a nan or an infinity, and say where it stands in the user's program."""

from __future__ import annotations

import math
import os
import sys
from _thread import allocate_lock
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chainrule import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chainrule.value import Value

_depth = 0
_lock = allocate_lock()  # for _depth, and what is done when it leaves 0 or returns to it
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Within `with detect_anomaly():`, raise at the operation that first makes a nan or an infinity.

    Both directions are watched: results as they are computed, and gradients during `backward()`. The check costs several times the
    computation itself, and nothing outside the `with` block. It holds for the whole process, threads included.

    Raises:
        FloatingPointError: when it happens, with the operation, its operands, and the line that made the node.
    """
    global _depth
    with _lock:
        if _depth == 0:
            _watch()
        _depth += 1
    try:
        yield
    finally:
        with _lock:
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
    """The method of Value that makes a node, followed by a look at the number it made."""

    def watched(self: Value, *arguments: Any, **options: Any) -> Any:
        made = method(self, *arguments, **options)
        node = self if made is None else made
        if node is not NotImplemented and node._rule is not None:
            _check(node)
        return made

    return watched


def _check(node: Value) -> None:
    """Remember the line of the program that made a node, and look at its number."""
    node._made_at = _users_line()
    if not math.isfinite(node._data):
        operands = ", ".join(_told(operand) for operand in node._operands)
        raise FloatingPointError(f"{node._op!r} made {node._data} from {operands}\n{_place(node)}")


def _watched_sweep(order: list[Value]) -> None:
    for node in reversed(order):
        before = [parent.grad for parent in node._prev]
        node._backward()
        for parent, grad in zip(node._prev, before, strict=True):
            if math.isfinite(grad) and not math.isfinite(parent.grad):
                raise FloatingPointError(
                    f"in backward(), the gradient of {_told(parent)} became {parent.grad}: {node._op!r} passed it on, "
                    f"with gradient {node.grad} arriving\n{_place(node)}"
                )


def _told(operand: Value | float) -> str:
    if isinstance(operand, float):
        return repr(operand)
    return f"{operand.label or operand._op or 'leaf'} = {operand._data!r}"


def _users_line() -> tuple[str, int]:
    """The innermost line of the program that is not in this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def _place(node: Value) -> str:
    if not hasattr(node, "_made_at"):
        return "the node was made before detect_anomaly() was entered; build the graph inside the block to see the line"
    import linecache  # with `re` and `tokenize` behind it, half of what importing chainrule would cost

    file, line = node._made_at
    text = linecache.getline(file, line).strip()  # nothing is known of lines typed at Python's prompt
    return f"{file}, line {line}: {text}" if text else f"{file}, line {line}"
