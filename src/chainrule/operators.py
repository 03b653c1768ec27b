"""Operators, methods and functions, made from the rows of the table of primitives.

A row with a text gets a function, such as `chainrule.exp`, and a method of the same name; a row with the name of an operator gets that
operator, such as `__sub__` and `__rsub__`. `elementary.py` holds the functions, and `value.py` gives the methods to `Value`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.primitives import PRIMITIVES
from chainrule.row import Primitive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Binary = Callable[[Any, Primitive, Any, Any], Any]

MOST_OPERANDS = 3


def public_rows() -> list[Primitive]:
    """The rows of the table that people call by name."""
    return [row for row in PRIMITIVES.values() if row.text]


def function_of(row: Primitive) -> Callable[..., Any]:
    """The function that applies a row to Values or numbers, with the signature and the docstring that the row says."""
    act: Callable[..., Any] = row.call or row

    def one(a: Any) -> Any:
        return act(a)

    def two(a: Any, b: Any) -> Any:
        return act(a, b)

    def three(a: Any, b: Any, c: Any) -> Any:
        return act(a, b, c)

    return _named(_of_arity(row, (one, two, three)), row.name, row.operands, row, row.text, "chainrule.functions")


def method_of(row: Primitive, kind: type) -> Callable[..., Any]:
    """The method that applies a row to a Value and the other operands."""
    act = row.call

    def one(self: Any) -> Any:
        return self._apply(row, (self,))

    def two(self: Any, a: Any) -> Any:
        return self._apply(row, (self, a))

    def three(self: Any, a: Any, b: Any) -> Any:
        return self._apply(row, (self, a, b))

    def two_as_called(self: Any, a: Any) -> Any:
        assert act is not None
        return act(self, a)

    def three_as_called(self: Any, a: Any, b: Any) -> Any:
        assert act is not None
        return act(self, a, b)

    chosen = _of_arity(row, (one, two, three) if act is None else (act, two_as_called, three_as_called))
    return _named(chosen, row.name, method_operands(row), row, method_text(row), kind.__module__, kind.__qualname__)


def alias_of(row: Primitive, alias: str, kind: type) -> Callable[..., Any]:
    """The same method by another name; it calls the method, so that a subclass needs to override only that one."""
    name = row.name

    def one(self: Any) -> Any:
        return getattr(self, name)()

    def two(self: Any, a: Any) -> Any:
        return getattr(self, name)(a)

    def three(self: Any, a: Any, b: Any) -> Any:
        return getattr(self, name)(a, b)

    return _named(_of_arity(row, (one, two, three)), alias, method_operands(row), row, alias_text(row), kind.__module__, kind.__qualname__)


def method_operands(row: Primitive) -> tuple[str, ...]:
    """The names of a method's arguments."""
    return ("self", "other") if row.arity == 2 and not row.defaults else ("self", *row.operands[1:])


def method_text(row: Primitive) -> str:
    """The docstring of a row's method: that of the function, but for the names of the operands."""
    names = dict(zip(row.operands, method_operands(row), strict=True))
    parts = row.text.split("`")  # every second one is code
    for position in range(1, len(parts), 2):
        word, code = "", ""
        for character in parts[position] + " ":
            if character.isalnum() or character == "_":
                word += character
            else:
                code += names.get(word, word) + character
                word = ""
        parts[position] = code[:-1]
    return "`".join(parts)


def alias_text(row: Primitive) -> str:
    """The docstring of a method by another name."""
    return f"The same as `{row.name}`, by NumPy's name."


def add_to(kind: type, rows: Iterable[Primitive], binary: Binary) -> None:
    """Give a class the operators and methods of rows, except those that it defines itself.

    Arguments:
        kind: the class.
        rows: the rows.
        binary: applies a row to two operands, one of which is the first argument; returns NotImplemented if the other is not a number.
    """
    own = {*vars(kind)}

    def give(name: str, method: Callable[..., Any]) -> None:
        if name not in own:
            setattr(kind, name, method)

    for row in rows:
        if row.special:
            for name, method in _operators_of(row, binary):
                give(name, _named(method, name, method.__code__.co_varnames, row, "", kind.__module__, kind.__qualname__))
        if row.text and row.is_method:
            give(row.name, method_of(row, kind))
            for alias in row.aliases:
                give(alias, alias_of(row, alias, kind))


def _operators_of(row: Primitive, binary: Binary) -> list[tuple[str, Any]]:
    def alone(self: Any) -> Any:
        return self._apply(row, (self,))

    def forward(self: Any, other: Any) -> Any:
        return binary(self, row, self, other)

    def reflected(self: Any, other: Any) -> Any:
        return binary(self, row, other, self)

    name = f"__{row.special}__"
    return [(name, alone)] if row.arity == 1 else [(name, forward), (f"__r{row.special}__", reflected)]


def _of_arity(row: Primitive, functions: tuple[Any, ...]) -> Any:
    if row.arity is None or not 1 <= row.arity <= MOST_OPERANDS:
        raise ValueError(
            f"the row {row.name!r} has a text, so it gets a function, and that has 1 to {MOST_OPERANDS} operands, not {row.arity}"
        )
    if len(row.operands) != row.arity:
        raise ValueError(
            f"the row {row.name!r} has {row.arity} partial derivatives, one for each operand, but names {row.operands} as operands"
        )
    return functions[row.arity - 1]


def _named(function: Any, name: str, operands: tuple[str, ...], row: Primitive, text: str, module: str, owner: str = "") -> Any:
    """Give a function made above its name, the names of its arguments, their defaults and its docstring."""
    qualified = f"{owner}.{name}" if owner else name
    function.__code__ = function.__code__.replace(co_name=name, co_qualname=qualified, co_varnames=operands)
    function.__name__, function.__qualname__, function.__module__ = name, qualified, module
    function.__doc__, function.__defaults__ = text or None, row.defaults or None
    function.__annotations__ = {}
    return function
