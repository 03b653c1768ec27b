"""Choose the class of the results of operations on a subclass of Value, by the subclass's constructor.

If the constructor takes Value's arguments, `(data, _children=(), _op="", ...)`, the results are of the same class, and are made without
calling it. If it takes others, such as `Weight(data, decay)`, the class is for leaves only: a result would lack what the constructor sets,
so it is of the nearest base class whose constructor takes Value's arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def result_class(kind: type, base: type) -> type:
    """Return the class of the results of operations on objects of a subclass.

    Arguments:
        kind: the subclass.
        base: the engine's Value.
    """
    return next((each for each in kind.__mro__ if issubclass(each, base) and _is_made_like(each, base)), base)


def kind_of_result(operands: Iterable[Any], base: Any) -> Any:
    """The class of the result of an operation: the most special one that its operands ask for, the first of them if there are several.

    Arguments:
        operands: Values, and numbers that belong to the operation.
        base: the engine's Value.
    """
    kind = base
    for operand in operands:
        if isinstance(operand, base) and issubclass(operand._kind, kind):
            kind = operand._kind
    return kind


def _is_made_like(kind: type, base: type) -> bool:
    if kind is base:
        return True
    for name in ("__init__", "__new__"):
        function = getattr(kind, name)
        if function is not getattr(base, name) and not _takes_what_value_takes(function):
            return False
    return True


def _takes_what_value_takes(function: Any) -> bool:
    """Whether a constructor can be called with a number, parents and the name of an operation: its own, in order or by name."""
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    positional = code.co_varnames[1 : code.co_argcount]
    if len(positional) - len(function.__defaults__ or ()) > 1:  # more than the number has to be given
        return False
    only_named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    if any(name not in (function.__kwdefaults__ or {}) for name in only_named):
        return False
    takes_any = code.co_flags & 0x04  # *args
    takes_names = code.co_flags & 0x08  # **kwargs
    if takes_any or takes_names:
        return True
    return len(positional) > 2 and positional[1].strip("_") in ("children", "prev", "parents")
