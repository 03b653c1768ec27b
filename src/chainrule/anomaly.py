"""`detect_anomaly`: stop at the operation that first makes a nan or an infinity, and name its line in the user's program."""

from __future__ import annotations

import math
import sys
from _thread import allocate_lock
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chainrule import functions
from chainrule.by_hand import BY_HAND
from chainrule.primitives import log_total, passing_positions
from chainrule.reals import numbers_of
from chainrule.replacing import CLASSES, unwrap, wrap
from chainrule.users_line import line_of, users_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

    from chainrule.value import Value

_depth = 0
_for_infinities = 0  # how many of the blocks watch for infinities too
_lock = allocate_lock()  # for these two, and what is done when _depth leaves 0 or returns to it


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


# The Python engines are watched by replacing what makes their nodes; the C engine has a hook for the purpose.
_MAKERS = ("__init__", "__add__", "__mul__", "_apply")
_sweeps: dict[ModuleType, Callable[..., None]] = {}  # of the Python engines, while they are replaced


def _watch() -> None:
    for name in _MAKERS:
        wrap(name, _watched)
    for kind in CLASSES:
        module: Any = sys.modules[kind.__module__]
        _sweeps[module] = module.sweep
        module.sweep = _watched_sweep
    if c_engine := sys.modules.get("chainrule._value"):
        c_engine.watch(_check, _watched_sweep)


def _unwatch() -> None:
    for name in _MAKERS:
        unwrap(name, _watched)
    while _sweeps:
        module, sweep = _sweeps.popitem()
        vars(module)["sweep"] = sweep
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


def _check(node: Any) -> None:
    """Remember the line of the program that made a node, and check its number."""
    frame, passed = users_frame(sys._getframe(1))
    inside = any(each.f_code in _MASKING for each in passed)
    node._made_at = frame.f_code.co_filename, frame.f_lineno
    if _is_anomaly(node._data) and not (inside and _is_masked(node)):
        operands = ", ".join(_told(operand) for operand in node._operands)
        raise FloatingPointError(f"{node._op!r} made {node._data} from {operands}\n{_place(node)}")


def _is_anomaly(number: float) -> bool:
    return math.isnan(number) or (_for_infinities > 0 and math.isinf(number))


def _is_masked(node: Value) -> bool:
    """Whether a result of the package's own functions is infinite because an operand is."""
    return math.isinf(node._data) and (node._rule is log_total or any(map(math.isinf, numbers_of(node._operands))))


def _watched_sweep(order: Sequence[Value], nothing: float | None = 0.0) -> None:
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
    if rule is None or rule is BY_HAND:
        return list(node._prev)
    data = numbers_of(operands)
    return [
        operands[position]
        for position in passing_positions(rule, data)
        if position not in rule.choices or rule.partial(position, data, node._data) != 0.0
    ]


def _told(operand: Value | float) -> str:
    if isinstance(operand, float):
        return repr(operand)
    return f"{operand.label or operand._op or 'leaf'} = {operand._data!r}"


# The functions that take masked numbers.
_MASKING = {function.__code__ for function in (functions.softmax, functions.log_softmax, functions.logsumexp)}


def _place(node: Any) -> str:
    if not hasattr(node, "_made_at"):
        return "the node was made before detect_anomaly() was entered; build the graph inside the block to see the line"
    return line_of(*node._made_at)
