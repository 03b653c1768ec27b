"""Replace methods of the Python engines for a while, for guards and `detect_anomaly`; at other times this costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Wrapper = Callable[[Any], Any]

CLASSES: list[type] = []
"""The Value of each Python engine that was loaded; a method that one inherits from the other is replaced in both."""

_wrappers: dict[str, list[Wrapper]] = {}
_originals: dict[tuple[type, str], Any] = {}


def wrap(name: str, wrapper: Wrapper) -> None:
    """Wrap a method, property or class method of every engine with a function, until `unwrap`."""
    if not _wrappers.get(name):
        _originals.update({(kind, name): _find(kind, name) for kind in CLASSES})
    _wrappers.setdefault(name, []).append(wrapper)
    _renew(name)


def unwrap(name: str, wrapper: Wrapper) -> None:
    """Undo `wrap`, whatever has been wrapped since."""
    _wrappers[name].remove(wrapper)
    _renew(name)
    if not _wrappers[name]:
        for kind in CLASSES:
            _originals.pop((kind, name), None)


def _find(kind: type, name: str) -> tuple[Any, bool]:
    """An attribute of a class, its own or an inherited one, and whether it is its own."""
    owner = next(each for each in kind.__mro__ if name in vars(each))
    return vars(owner)[name], owner is kind


def _renew(name: str) -> None:
    for kind in CLASSES:
        if (kind, name) not in _originals:  # of an engine that was loaded in between
            continue
        method, is_own = _originals[kind, name]
        for wrapper in _wrappers[name]:
            method = wrapper(method)
        if _wrappers[name] or is_own:
            setattr(kind, name, method)
        else:
            delattr(kind, name)
