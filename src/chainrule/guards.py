"""`guard`: be asked before anything looks at a node's number or changes it; how a compiler notices what a trace cannot follow."""

from __future__ import annotations

from _thread import allocate_lock, get_ident
from functools import wraps
from typing import TYPE_CHECKING, Any

from chainrule.replacing import unwrap, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainrule.value import Value

# What is asked for, by the method that does it.
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
_guards: dict[int, Callable[[Value, str], object]] = {}  # by thread
_leaves: dict[int, list[Value]] = {}  # for each of these threads, the list to which it adds the leaves that it makes
_wrapped: dict[str, Callable[[Any], Any]] = {}  # while there are guards, what replaces the methods by name
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
            _leaves.pop(thread, None)
        else:
            _guards[thread] = function
            _leaves[thread] = [] if leaves is None else leaves
        _wrap()


def forget_other_threads() -> None:
    """After a fork: the guards of threads that are not there any more have ended."""
    global _lock
    _lock = allocate_lock()  # one of them may have held it
    thread = get_ident()
    for other in [other for other in _guards if other != thread]:
        del _guards[other]
        _leaves.pop(other, None)
    _wrap()


def _wrap() -> None:
    """Ask the guards from now on if there are any, and else not."""
    if bool(_guards) == bool(_wrapped):
        return
    if _guards:
        _wrapped.update({name: _guarded(what) for name, what in _ASKED.items()})
        _wrapped.update({"data": _guarded_data, "grad": _guarded_grad, "__init__": _noting, "_bare": _noting_bare})
        for name, wrapper in _wrapped.items():
            wrap(name, wrapper)
    else:
        while _wrapped:
            unwrap(*_wrapped.popitem())


def _ask(node: Value, what: str) -> None:
    function = _guards.get(get_ident())
    if function is not None:
        function(node, what)


def _guarded(what: str) -> Callable[[Any], Any]:
    def wrapper(method: Any) -> Any:
        @wraps(method)
        def guarded(self: Value, *arguments: Any, **options: Any) -> Any:
            _ask(self, what)
            return method(self, *arguments, **options)

        return guarded

    return wrapper


def _guarded_data(own: property) -> property:
    def get(self: Value) -> Any:
        _ask(self, "data")
        return own.__get__(self)

    return property(get, _setter("data=", own), None, own.__doc__)


def _guarded_grad(own: property) -> property:
    return property(own.fget, _setter("grad=", own), None, own.__doc__)


def _setter(what: str, own: property) -> Callable[[Any, Any], None]:
    def set_(self: Value, number: Any) -> None:
        _ask(self, what)
        own.__set__(self, number)

    return set_


def _noting(method: Any) -> Any:
    """`__init__`, which lists the leaf that it makes."""

    @wraps(method)
    def noting(self: Value, *arguments: Any, **options: Any) -> None:
        method(self, *arguments, **options)
        if self._rule is None:
            _note(self)

    return noting


def _noting_bare(method: Any) -> Any:
    def noting(cls: type[Value]) -> Value:
        leaf: Value = method.__func__(cls)
        _note(leaf)
        return leaf

    return classmethod(noting)


def _note(leaf: Value) -> None:
    """List a leaf, if this thread has a guard."""
    leaves = _leaves.get(get_ident())
    if leaves is not None:
        leaves.append(leaf)
