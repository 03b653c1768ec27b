"""Finding parameters: every leaf Value in what an object holds, with the way to it as its name.

Looked into are attributes (in `__dict__` and `__slots__`, of Modules and of any other objects), lists, tuples, dicts and their like,
arrays of objects, and at last the objects that methods belong to. Not looked into are functions, iterators, and objects of Python's
library and of the compiler. Where a Value is in something without an order or a name that stays the same from run to run, it is refused:
it could be neither trained in order nor saved.
"""

from __future__ import annotations

import os
import sys
import types
from collections import deque
from collections.abc import Mapping, Sequence, Set, ValuesView
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.engine import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Parts = Iterable[tuple[object, object]]
    Hidden = list[tuple[str, str, list[Any]]]

_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
_NOTHING = _PLAIN | {types.FunctionType}
"""Types that are passed over at once."""

_METHODS = (types.MethodType, types.BuiltinMethodType)
"""Types of methods; a function of a module that is written in C is one, too, and belongs to the module."""

_MADE_BY_PYTHON = 1 << 9
"""The flag of a type that was made when its code ran (Py_TPFLAGS_HEAPTYPE)."""

_OPEN = (types.SimpleNamespace, partial)
"""Types of Python's own library that are looked into, besides those that have elements."""

_CLOSED = ("chainrule.compiler.", "chainrule.optim", "chainrule.schedules", "chainrule.training", "chainrule.engine")
"""Modules whose objects know parameters of others."""

_IN_A_SET = "is a set, whose order may differ from run to run: keep Values in a list"
_IN_KEYS = "is a dict with Values in its keys, which have no names: keep Values in its values, or in a list"
_IN_A_CLASS = "is an attribute of the class, so all objects of the class would share its Values: set it in __init__(), as self.{name} = ..."
_WITHOUT_NAME = "is a dict with keys whose names may differ from run to run: use strings or numbers as keys"


def found(root: Any, *, complete: bool = True) -> Iterator[tuple[str, Value]]:
    """Give every leaf that an object holds with the way to it, each once, in the order of the attributes.

    Arguments:
        root: the object.
        complete: whether to refuse Values that cannot be named; they are left out otherwise.

    Raises:
        TypeError: if a Value is where it has no name, such as in a set.
    """
    seen: dict[int, object] = {}  # by id, and kept alive so that no id is used twice
    hidden: Hidden = []
    yield from _walk("", root, root, seen, hidden)
    while hidden and complete:
        where, why, things = hidden.pop()
        for thing in things:
            if next(_walk(where, thing, root, seen, hidden), None) is not None:
                raise TypeError(f"{type(root).__name__}.{where} {why}")


def attributes(thing: Any) -> list[tuple[str, object]]:
    """The attributes that are kept in an object itself, in its `__slots__` and its `__dict__`; nothing is called."""
    kind: Any = type(thing)
    slots = _slots(kind)
    own = [(name, slot.__get__(thing)) for name, slot in slots if _is_set(slot, thing)] if slots else []
    kept = getattr(thing, "__dict__", None)
    return [*own, *kept.items()] if isinstance(kept, dict) else own


class _Kind(NamedTuple):
    """What is known of a type in a walk.

    Arguments:
        parts_of: gives the parts of a thing with their names.
        chooses: whether it may have a `parameters()` of its own.
        shared: the Values that are attributes of the class, directly or in lists.
    """

    parts_of: Callable[[Any], Parts]
    chooses: bool
    shared: dict[str, object]


def is_object(thing: Any) -> bool:
    """Whether a thing is looked into for its attributes, as objects are that a program makes from classes of its own."""
    kind: Any = type(thing)
    return _looked_into(kind) is _of_object


def _walk(name: str, thing: object, root: object, seen: dict[int, object], hidden: Hidden) -> Iterator[tuple[str, Value]]:
    kinds: dict[type, _Kind | None] = {}
    methods: list[tuple[object, object]] = []  # looked into at last, so that what has another name is found by that
    stack: list[tuple[str, Iterator[tuple[object, object]]]] = [("", iter(methods)), ("", iter([(name, thing)]))]
    while stack:
        prefix, parts = stack[-1]
        for key, part in parts:
            kind = type(part)
            if kind in _NOTHING or id(part) in seen:
                continue
            seen[id(part)] = part
            if isinstance(part, Value):
                if not part._operands:  # no result of an operation
                    yield f"{prefix}{key}" if key != "" else prefix[:-1], part
                continue
            if kind in _METHODS:
                methods.append((f"{prefix}{key}.__self__", part.__self__))  # type: ignore[attr-defined]
                continue
            if kind is list or kind is tuple:
                inner: Parts = enumerate(part)  # type: ignore[arg-type]
                name = f"{prefix}{key}" if key != "" else prefix[:-1]
            else:
                known = kinds[kind] if kind in kinds else kinds.setdefault(kind, _kind(kind))
                if known is None:
                    continue
                name = f"{prefix}{key}" if key != "" else prefix[:-1]
                inner = _parts(part, name, known, root, hidden)
            stack.append((f"{name}." if name else "", iter(inner)))
            break
        else:
            stack.pop()


def _parts(thing: object, name: str, kind: _Kind, root: object, hidden: Hidden) -> Parts:
    """What is in a thing, as far as it can be named; the rest is added to what is hidden."""
    if kind.chooses and thing is not root and (chosen := _chosen(thing)) is not None:
        return chosen
    parts = kind.parts_of(thing)
    if kind.shared:
        return _with_shared(parts, name, kind.shared, hidden)
    if kind.parts_of is _of_mapping:
        return _with_names(parts, name, hidden)
    if kind.parts_of is _of_set:
        hidden.append((name, _IN_A_SET, [part for _, part in parts]))
        return []
    return parts


# --- what is in a thing, by its type ----------------------------------------------------------------------------------------------------


def _kind(kind: Any) -> _Kind | None:
    parts_of = _looked_into(kind)
    if parts_of is None:
        return None
    method = getattr(kind, "parameters", None)
    chooses = isinstance(method, types.FunctionType) and not hasattr(method, "finds_all")
    return _Kind(parts_of, chooses, _shared(kind) if parts_of is _of_object else {})


@lru_cache(512)
def _looked_into(kind: Any) -> Callable[[Any], Parts] | None:
    """What gives the parts of things of a type, with their names; None if they are not looked into."""
    if kind in _NOTHING or issubclass(kind, (type, types.ModuleType, str, bytes)):
        return None
    if issubclass(kind, (list, tuple, deque)):
        return _of_sequence
    if issubclass(kind, dict):
        return _of_mapping
    if issubclass(kind, (set, frozenset)):
        return _of_set
    if issubclass(kind, partial):
        return _of_partial
    if hasattr(kind, "__array__") and (hasattr(kind, "dtype") or hasattr(kind, "dtypes")):
        return _of_array
    if _is_standard(kind):
        if issubclass(kind, Mapping):
            return _of_mapping
        if issubclass(kind, Set):
            return _of_set
        if issubclass(kind, (Sequence, ValuesView)) and not issubclass(kind, (range, memoryview, bytearray)):
            return _of_sequence
        return _of_object if issubclass(kind, _OPEN) else None
    return None if str(kind.__module__).startswith(_CLOSED) else _of_object


@lru_cache(512)
def _is_standard(kind: Any) -> bool:
    """Whether a type is of Python itself or its library, whatever modules of the same name there are, and whatever makes types there."""
    root = str(kind.__module__).partition(".")[0]
    if root not in sys.stdlib_module_names:
        return False
    there: Any = sys.modules.get(kind.__module__)
    for part in kind.__qualname__.split("."):
        there = getattr(there, part, None)
    if there is not kind and kind.__flags__ & _MADE_BY_PYTHON:  # as make_dataclass() and exec() make them
        return False
    file = getattr(sys.modules.get(root), "__file__", None)
    return file is None or os.path.dirname(os.path.abspath(file)).startswith(os.path.dirname(os.path.abspath(os.__file__)))


def _own(thing: Any) -> list[tuple[str, object]]:
    """The attributes of what has elements too, such as an object of a subclass of list."""
    kind: Any = type(thing)
    return attributes(thing) if not _is_standard(kind) else []


def _of_sequence(thing: Any) -> Parts:
    return enumerate(thing) if type(thing) in (list, tuple) else [*enumerate(thing), *_own(thing)]


def _of_mapping(thing: Any) -> Parts:
    return [*thing.items(), *_own(thing)]


def _of_set(thing: Any) -> Parts:
    return [*enumerate(thing), *_own(thing)]


def _of_partial(thing: Any) -> Parts:
    return [("func", thing.func), ("args", thing.args), ("keywords", thing.keywords), *attributes(thing)]


def _of_array(thing: Any) -> Parts:
    """The elements of an array of objects, as nested lists have them, and the attributes of its subclasses."""
    kinds = [thing.dtype] if hasattr(thing, "dtype") else list(thing.dtypes)
    if not any("O" in str(kind) or "object" in str(kind) for kind in kinds):
        return []
    import numpy as np

    return [("", np.asarray(thing).tolist()), *(_own(thing) if isinstance(thing, np.ndarray) else [])]


def _of_object(thing: Any) -> Parts:
    return attributes(thing)


@lru_cache(512)
def _slots(kind: Any) -> list[tuple[str, types.MemberDescriptorType]]:
    """The `__slots__` of a class and of those that it is derived from, which come first."""
    slots = []
    for owner in reversed(kind.__mro__):
        declared = vars(owner).get("__slots__")
        if declared is None or _is_standard(owner):
            continue
        names = [declared] if isinstance(declared, str) else list(declared) if isinstance(declared, (list, tuple, dict)) else []
        private = f"_{owner.__name__.lstrip('_')}"  # which goes before a name of two underscores
        order = {f"{private}{name}" if name[:2] == "__" else name: position for position, name in enumerate(names)}
        members = [(name, slot) for name, slot in vars(owner).items() if isinstance(slot, types.MemberDescriptorType)]
        slots += sorted(members, key=lambda member: order.get(member[0], len(order)))
    return slots


def _is_set(slot: types.MemberDescriptorType, thing: object) -> bool:
    try:
        slot.__get__(thing)
    except AttributeError:
        return False
    return True


# --- what has a say in it ---------------------------------------------------------------------------------------------------------------


def _chosen(thing: Any) -> Parts | None:
    """The parameters that an object names itself, by a `parameters()` of its own; None if it does not."""
    try:
        if hasattr(thing, "named_parameters"):
            named = list(thing.named_parameters())
            return named if all(isinstance(p, Value) for _, p in named) else None
        chosen = thing.parameters()
    except TypeError:  # a method that takes arguments, and means something else
        return None
    if not isinstance(chosen, (list, tuple)) or not chosen or not all(isinstance(p, Value) for p in chosen):
        return None
    names = {id(p): name for name, p in found(thing, complete=False)}
    return [(names.get(id(p), f"parameters.{position}"), p) for position, p in enumerate(chosen)]


def _shared(kind: Any) -> dict[str, object]:
    """The attributes of a class that hold Values, which all its objects share."""
    kept = {key: part for owner in reversed(kind.__mro__) if not _is_standard(owner) for key, part in vars(owner).items()}
    return {key: part for key, part in kept.items() if type(part) not in _NOTHING and key[:2] != "__" and _values(part)}


def _with_shared(parts: Parts, name: str, shared: dict[str, object], hidden: Hidden) -> Parts:
    """The parts of an object, with the Values that are attributes of its class."""
    parts = list(parts)
    own = {key for key, _ in parts}
    for key, part in shared.items():
        if key in own:
            continue
        if isinstance(part, Value):
            parts.append((key, part))
        else:
            hidden.append((f"{name}.{key}" if name else key, _IN_A_CLASS.format(name=key), _values(part)))
    return parts


def _values(thing: object, depth: int = 3) -> list[Value]:
    """The leaves among a thing, or directly in lists, tuples, sets and dicts of them."""
    if isinstance(thing, Value):
        return [] if thing._operands else [thing]
    if not depth or not isinstance(thing, (list, tuple, set, frozenset, dict)):
        return []
    return [value for part in (thing.values() if isinstance(thing, dict) else thing) for value in _values(part, depth - 1)]


def _with_names(parts: Parts, name: str, hidden: Hidden) -> Parts:
    """The entries of a dict whose keys are names, or as good as names."""
    named = []
    for key, part in parts:
        if type(key) in _PLAIN:
            named.append((key, part))
            continue
        hidden.append((name, _IN_KEYS, [key]))
        if type(part) in _NOTHING:
            continue
        if _stays(key):
            named.append((key, part))
        else:
            hidden.append((name, _WITHOUT_NAME, [part]))
    return named


def _stays(key: object) -> bool:
    """Whether the text of a key is the same in each run."""
    if isinstance(key, (tuple, frozenset)):
        return all(map(_stays, key))
    kind = type(key)
    without_text = kind.__repr__ is object.__repr__ and kind.__str__ is object.__str__
    return not (without_text or isinstance(key, (Value, types.FunctionType, types.MethodType, types.BuiltinFunctionType)))
