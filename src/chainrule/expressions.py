"""Reading an expression such as `(a*b + c).tanh()` into a graph of Values, without running anything that it says.

Python's own parser makes a syntax tree; this module computes what the tree says, node by node, and refuses all that is not arithmetic.
"""

from __future__ import annotations

import ast
import keyword
import unicodedata
import warnings
from typing import TYPE_CHECKING, Any

from chainrule import elementary, functions, operators, primitives
from chainrule.engine import Value
from chainrule.ieee import INFINITY
from chainrule.primitives import PRIMITIVES
from chainrule.reals import real

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import SupportsFloat

    from chainrule.row import Primitive

MAX_LENGTH = 1000  # characters
MAX_DEPTH = 200  # levels of nesting


def _operator_of(row: Primitive) -> type[ast.AST]:
    """How Python's parser calls the operator of a row."""
    tree: Any = ast.parse(f"{row.sign}x" if row.arity == 1 else f"x {row.sign} x", mode="eval").body
    return type(tree.op)


OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    **{_operator_of(row): row for row in PRIMITIVES.values() if row.special and row.sign},
    ast.UAdd: lambda a: a,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{row.name: getattr(elementary, row.name) for row in operators.public_rows()},
    "where": functions.where,
    "abs": lambda x: primitives.absolute(x),
}
METHODS = set(FUNCTIONS) & set(dir(Value))


class ExpressionError(ValueError):
    """An expression that cannot be read; the message shows the place."""


def parse(expression: str, values: Mapping[str, SupportsFloat]) -> Value:
    """Compute an expression, and keep how.

    It may hold numbers, names, `+ - * / **`, parentheses, and the functions of chainrule as `tanh(x)` or `x.tanh()`.

        parse("(a*b + c).tanh()", {"a": 2, "b": -3, "c": 10})

    Arguments:
        expression: at most 1,000 characters, nested at most 200 deep.
        values: a number for each name in the expression.

    Returns:
        The result; the leaves are labelled with their names.

    Raises:
        ExpressionError: if the expression holds anything else, or a name is unknown, or a value is given that it does not use.
        TypeError: if a value is not a real number.
    """
    text = expression.replace("\n", " ").strip()
    if not text:
        raise ExpressionError("the expression is empty; write one such as 'a*b + 1'")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression has {len(text):,} characters; at most {MAX_LENGTH:,} can be read")
    if "#" in text:  # Python would leave out the rest, silently
        raise _error(text, text.index("#"), "'#' is not arithmetic")
    # Python's parser reads names in this normal form.
    leaves = {unicodedata.normalize("NFKC", name): Value(real(number), label=name) for name, number in values.items()}
    for name in leaves:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ExpressionError(
                f"{name!r} cannot be a name; names consist of letters, digits and _, and are not keywords of Python such as 'if'"
            )
    reader = _Reader(text, leaves)
    result = reader.compute(_tree(text), 0)
    unused = [name for name in leaves if name not in reader.used]
    if unused:
        verb = "is" if len(unused) == 1 else "are"
        raise ExpressionError(f"{', '.join(unused)} {verb} given a value, but not used in {text!r}")
    return result if isinstance(result, Value) else Value(result)


def _tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():  # such as that of `2if`, which is refused below
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        place = error.offset - 1 if error.offset else len(text)
        raise _error(text, place, f"this cannot be read: {error.msg}") from None
    except (ValueError, UnicodeError):
        raise ExpressionError("the expression contains characters that are not text") from None
    except (MemoryError, RecursionError):
        raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep; split it into parts") from None


def _error(text: str, place: int, problem: str) -> ExpressionError:
    """An error that shows the text around the place, with a caret below it."""
    begin, end = max(0, place - 50), place + 50
    before = "..." if begin else ""
    shown = before + text[begin:end] + ("..." if end < len(text) else "")
    return ExpressionError(f"{problem}\n  {shown}\n  {' ' * (len(before) + min(place, len(text)) - begin)}^")


class _Reader:
    """One walk over a syntax tree: `used` collects the names that it met."""

    def __init__(self, text: str, leaves: dict[str, Value]) -> None:
        self.text = text
        self.leaves = leaves
        self.used: set[str] = set()

    def error(self, node: ast.AST, problem: str) -> ExpressionError:
        place = len(self.text.encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore"))  # Python counts bytes
        return _error(self.text, place, problem)

    def compute(self, node: ast.AST, depth: int) -> Any:
        """The value of a part of the expression: a Value, or a float where it has no names in it."""
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep; split it into parts")
        if isinstance(node, ast.Constant):
            return self.number(node)
        if isinstance(node, ast.Name):
            return self.leaf(node)
        if isinstance(node, ast.BinOp):
            operator = OPERATORS.get(type(node.op))
            if operator is None:
                hint = "; write a power as **" if isinstance(node.op, ast.BitXor) else ""
                raise self.error(node.right, f"the operator before this is not one of + - * / **{hint}")
            return operator(self.compute(node.left, depth + 1), self.compute(node.right, depth + 1))
        if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](self.compute(node.operand, depth + 1))
        if isinstance(node, ast.Call):
            return self.call(node, depth)
        raise self.error(node, "this is not arithmetic; numbers, names, + - * / **, parentheses and functions can be used")

    def number(self, node: ast.Constant) -> float:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            raise self.error(node, f"{node.value!r} is not a real number")
        try:
            number = float(node.value)
        except OverflowError:
            number = INFINITY
        if number == INFINITY:
            raise self.error(node, "this number is too large for a float")
        return number

    def leaf(self, node: ast.Name) -> Value:
        if node.id not in self.leaves:
            if node.id in FUNCTIONS:
                raise self.error(node, f"{node.id} is a function; write {node.id}(...)")
            given = ", ".join(self.leaves) or "none"
            raise self.error(node, f"the name {node.id!r} has no value (given: {given}); add {node.id}=...")
        self.used.add(node.id)
        return self.leaves[node.id]

    def call(self, node: ast.Call, depth: int) -> Any:
        """A function of its arguments, or a method, which is the same function of the number before the dot and its arguments."""
        first: list[ast.expr] = []
        if isinstance(node.func, ast.Name):
            name, known = node.func.id, set(FUNCTIONS)
        elif isinstance(node.func, ast.Attribute):
            name, known = node.func.attr, METHODS
            first = [node.func.value]
        else:
            raise self.error(node, "this cannot be called")
        if name not in known:
            raise self.error(node, f"there is no function {name!r}; the functions are {', '.join(sorted(known))}")
        if node.keywords:
            raise self.error(node.keywords[0].value, f"{name}() takes its arguments by position, not by name")
        arguments = first + node.args
        code, defaults = FUNCTIONS[name].__code__, FUNCTIONS[name].__defaults__ or ()
        most = code.co_argcount
        if not most - len(defaults) <= len(arguments) <= most:
            wanted = f"{most - len(defaults)} or {most}" if defaults else str(most)
            plural = "argument" if wanted == "1" else "arguments"
            counted = ", counting the number before the dot" if first else ""
            raise self.error(node, f"{name}() takes {wanted} {plural}, got {len(arguments)}{counted}")
        return FUNCTIONS[name](*(self.compute(argument, depth + 1) for argument in arguments))
