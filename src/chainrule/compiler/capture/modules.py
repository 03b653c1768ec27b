"""Notice when the Modules that a function uses get other parameters: its traces are then out of date.

Module counts every attribute that is set on any Module (`Module.changes`), so that a call compares one number. Only if it has changed are
the parameters themselves compared.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from chainrule.finding import attributes, is_object
from chainrule.nn import Module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainrule.engine import Value

DEEPEST = 3


class Structure:
    """The parameters of the Modules that a function can see: in its closure, its globals, its defaults, or as its `self`.

    Arguments:
        function: the function.
    """

    def __init__(self, function: Any) -> None:
        self._function = function
        self._changes = -1
        self._parameters: list[list[Value]] | None = None

    def has_changed(self) -> bool:
        """Whether the Modules have other parameters than when this was last asked; False the first time."""
        if self._changes == Module.changes:
            return False
        self._changes = Module.changes
        found = [module.parameters() for module in modules_of(self._function)]
        before, self._parameters = self._parameters, found
        return before is not None and not _same(before, found)


def _same(a: list[list[Value]], b: list[list[Value]]) -> bool:
    """Whether both list the very same Values; some classes of Values compare by data."""
    return [[id(value) for value in values] for values in a] == [[id(value) for value in values] for values in b]


def modules_of(thing: Any) -> list[Module]:
    """The Modules that a function can see, each once."""
    found: dict[int, Module] = {}
    for module in _modules(thing, 0):
        found.setdefault(id(module), module)
    return list(found.values())


def _modules(thing: Any, depth: int) -> Iterator[Module]:
    if depth > DEEPEST:
        return
    if isinstance(thing, Module):
        yield thing
        return
    parts: list[Any] = []
    if isinstance(thing, (list, tuple)):
        parts += thing[:100]
    elif isinstance(thing, dict):
        parts += list(thing.values())[:100]
    elif isinstance(thing, functools.partial):
        parts += [thing.func, *thing.args, *thing.keywords.values()]
    else:
        parts += _surroundings(thing) if callable(thing) else []
        parts += [part for _, part in attributes(thing)[:100]] if is_object(thing) else []
    for part in parts:
        yield from _modules(part, depth + 1)


def _surroundings(function: Any) -> list[Any]:
    """What the code of a function can reach by name."""
    function = getattr(function, "_function", function)  # of a compiled function
    owner = getattr(function, "__self__", None)
    plain = getattr(function, "__func__", function)
    code = getattr(plain, "__code__", None)
    if code is None:
        return [owner] if owner is not None else []
    parts = [] if owner is None else [owner]
    for cell in plain.__closure__ or ():
        try:
            parts.append(cell.cell_contents)
        except ValueError:  # a name that is not bound yet
            continue
    parts += [plain.__globals__[name] for name in code.co_names if name in plain.__globals__]
    parts += [*(plain.__defaults__ or ()), *(plain.__kwdefaults__ or {}).values()]
    return [part for part in parts if not isinstance(part, type)]


__all__ = ["Structure", "modules_of"]
