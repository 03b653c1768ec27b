"""The errors that Value raises, with the same messages in all engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

standing_in: Callable[[Any, Any, Any], bool] = lambda node, data, label: False  # noqa: E731
"""Makes a Value stand for another one where a number would be expected, and says whether it did: only the compiler has an occasion."""


def refuse_data(data: object) -> NoReturn:
    """Refuse a Value where a number belongs."""
    raise TypeError(
        f"{data!r} is a Value already, and a new Value made from it would not be connected to it; use it as it is, or write Value(v.data) "
        "for a new leaf"
    )


def stand_for(node: object, data: object, label: object) -> None:
    """Refuse a Value where a number belongs, unless it stands for a number of the user's: an argument of a function that is traced."""
    if not standing_in(node, data, label):
        refuse_data(data)


def refuse_child(child: object) -> NoReturn:
    """Refuse an operand that is not a Value."""
    instead = "; to name the Value, write label=..." if isinstance(child, str) else ""
    raise TypeError(f"_children must be Values, got {type(child).__name__}: {child!r}{instead}")


def refuse_name(op: object) -> NoReturn:
    """Refuse what is neither an operation's name nor its local gradients."""
    raise TypeError(
        f"_op must be a string, the name of an operation, got {type(op).__name__}: {op!r:.60}; for local gradients, give a number for "
        "each child: Value(data, children, local_grads)"
    )


def refuse_parents(node: object) -> NoReturn:
    """Refuse new parents for a node whose parents are its operands."""
    raise TypeError(
        f"the parents of {node!r} are the operands of {getattr(node, '_op', '')!r}, and cannot be replaced; `_prev = ()` makes it a leaf. "
        "For an operation made by hand, write Value(data, parents, 'name')"
    )


def refuse_label(text: object) -> NoReturn:
    """Refuse a label that is not a string."""
    raise TypeError(f"a label must be a string, got {type(text).__name__}: {text!r}")


def refuse_backward(function: object) -> NoReturn:
    """Refuse a `_backward` that cannot be called."""
    raise TypeError(f"_backward must be a function without arguments, got {type(function).__name__}: {function!r}")


def refuse_root(root: object) -> NoReturn:
    """Refuse a root of a graph that is not a Value."""
    raise TypeError(f"the result of a graph must be a Value, got {type(root).__name__}: {root!r}")


def refuse_lengths(weights: int, inputs: int) -> NoReturn:
    """Refuse weights and inputs that do not pair up."""
    raise ValueError(f"dot() multiplies weights and inputs in pairs, got {weights} weights and {inputs} inputs")


def refuse_node(position: int, thing: object) -> NoReturn:
    """Refuse an object that is not a list of Values (position -1), or an entry of such a list that is not a Value."""
    if position < 0:
        raise TypeError(f"nodes must be a list or tuple of Values, got {type(thing).__name__}")
    raise TypeError(f"node {position} must be a Value, got {type(thing).__name__}: {thing!r:.60}")


def refuse_numbers(thing: object, writable: bool) -> NoReturn:
    """Refuse a buffer that is not contiguous float64, or cannot be written to."""
    wanted = "a contiguous buffer of float64" + (" that can be written to" if writable else "")
    raise TypeError(f"expected {wanted}, such as numpy.zeros(n) or array.array('d', ...), got {type(thing).__name__}")


def refuse_count(nodes: int, numbers: int) -> NoReturn:
    """Refuse a number of nodes and a number of numbers that differ."""
    raise ValueError(f"there must be one number for each node, got {nodes} nodes and {numbers} numbers")
