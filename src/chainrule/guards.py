"""`guard`: be asked before anything looks at a node's number or changes it; how a compiler notices what a trace cannot follow."""

from __future__ import annotations

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


def guard(function: Callable[[Value, str], object] | None, /) -> None:
    """Call a function before a node's number is looked at or changed; every leaf that is made meanwhile is a constant (see `flatten`).

    It is told of reading `.data` ("data"), assigning it ("data=") or `.grad` ("grad="), of `float()`, `int()` and `bool()` by their
    names, of `<`, `<=`, `>` and `>=` by their signs, and of `backward()` ("backward"). What it raises comes out where the program did
    so; else the program goes on. `repr()`, building graphs and walking through them, `_data` and `_grad`, and `read_data` and its like
    ask nobody. There is one guard for the whole process, threads included: a second call replaces it.

    Arguments:
        function: called with the node and what is asked of it; None for no guard.
    """
    value.guarding = function is not None
    for name, method in _METHODS.items():
        setattr(Value, name, method if function is None else _guarded(name, method, function))


def _guarded(name: str, method: Any, function: Callable[[Value, str], object]) -> Any:
    if isinstance(method, property):
        return _guarded_property(name, method, function)
    what = _ASKED[name]

    @wraps(method)
    def guarded(self: Value, *arguments: Any, **options: Any) -> Any:
        function(self, what)
        return method(self, *arguments, **options)

    return guarded


def _guarded_property(name: str, own: property, function: Callable[[Value, str], object]) -> property:
    def get(self: Value) -> Any:
        function(self, name)
        return own.__get__(self)

    def set_(self: Value, number: Any) -> None:
        function(self, f"{name}=")
        own.__set__(self, number)

    return property(get if name == "data" else own.fget, set_, None, own.__doc__)
