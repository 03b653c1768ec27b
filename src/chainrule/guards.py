"""`guard`: be asked before anything looks at a node's number or changes it; how a compiler notices what a trace cannot follow."""

from __future__ import annotations

from _thread import allocate_lock, get_ident
from functools import wraps
from typing import TYPE_CHECKING, Any

from chainrule import value
from chainrule.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable

# What is asked for, by the method that does it. As for `detect_anomaly`, the methods are wrapped: without a guard they cost nothing.
_ASKED = {
    "__float__": "float",
    "__int__": "int",
    "__bool__": "bool",
    "__lt__": "<",
    "__le__": "<=",
    "__gt__": ">",
    "__ge__": ">=",
    "backward": "backward",
    "_add_up": "backward",
}
_METHODS: dict[str, Any] = {name: vars(Value)[name] for name in (*_ASKED, "data", "grad")}
_guards: dict[int, Callable[[Value, str], object]] = {}  # by thread
_lock = allocate_lock()


def guard(function: Callable[[Value, str], object] | None, leaves: list[Value] | None = None, /) -> None:
    """Call a function before this thread looks at a node's number or changes it, and list the leaves that it makes meanwhile.

    It is told of reading `.data` ("data"), assigning it ("data=") or `.grad` ("grad="), of `float()`, `int()` and `bool()` by their
    names, of `<`, `<=`, `>` and `>=` by their signs, and of `backward()` ("backward"). What it raises comes out where the program did
    so; else the program goes on. `repr()`, building graphs and walking through them, `_data` and `_grad`, and `read_data` and its like
    ask nobody. Each thread has a guard of its own, or none: what other threads do is not its concern. A second call replaces it.

    Arguments:
        function: called with the node and what is asked of it; None for no guard.
        leaves: a list to which the leaves that this thread makes are added. Numbers of the program, such as the 2.0 of `2.0 * x`, are not.
    """
    thread = get_ident()
    with _lock:
        if function is None:
            _guards.pop(thread, None)
            value.watching.pop(thread, None)
        else:
            _guards[thread] = function
            value.watching[thread] = [] if leaves is None else leaves
        _wrap()


def forget_other_threads() -> None:
    """After a fork: the guards of threads that are not there any more have ended."""
    global _lock
    _lock = allocate_lock()  # one of them may have held it
    thread = get_ident()
    for other in [other for other in _guards if other != thread]:
        del _guards[other]
        value.watching.pop(other, None)
    _wrap()


def note_leaf(leaf: Value) -> None:
    """List a leaf, if this thread has a guard."""
    leaves = value.watching.get(get_ident())
    if leaves is not None:
        leaves.append(leaf)


def _wrap() -> None:
    """Ask the guards from now on if there are any, and else not."""
    if bool(_guards) == (vars(Value)["data"] is not _METHODS["data"]):
        return
    for name, method in _METHODS.items():
        setattr(Value, name, _guarded(name, method) if _guards else method)


def _ask(node: Value, what: str) -> None:
    function = _guards.get(get_ident())
    if function is not None:
        function(node, what)


def _guarded(name: str, method: Any) -> Any:
    if isinstance(method, property):
        return _guarded_property(name, method)
    what = _ASKED[name]

    @wraps(method)
    def guarded(self: Value, *arguments: Any, **options: Any) -> Any:
        _ask(self, what)
        return method(self, *arguments, **options)

    return guarded


def _guarded_property(name: str, own: property) -> property:
    def get(self: Value) -> Any:
        _ask(self, name)
        return own.__get__(self)

    def set_(self: Value, number: Any) -> None:
        _ask(self, f"{name}=")
        own.__set__(self, number)

    return property(get if name == "data" else own.fget, set_, None, own.__doc__)
