"""What Value refuses, in the same words in both engines."""

from __future__ import annotations

from typing import NoReturn


def refuse_data(data: object) -> NoReturn:
    """Refuse a Value where a number belongs."""
    raise TypeError(
        f"{data!r} is a Value already, and a Value around it would not be connected to it; use it as it is, or Value(v.data) for a new leaf"
    )


def refuse_child(child: object) -> NoReturn:
    """Refuse an operand that is no Value."""
    raise TypeError(f"_children must be Values, got {type(child).__name__}: {child!r}")


def refuse_label(text: object) -> NoReturn:
    """Refuse a label that is no string."""
    raise TypeError(f"a label is a string, got {type(text).__name__}: {text!r}")


def refuse_backward(function: object) -> NoReturn:
    """Refuse a `_backward` that cannot be called."""
    raise TypeError(f"_backward must be a function without arguments, got {type(function).__name__}: {function!r}")


def refuse_root(root: object) -> NoReturn:
    """Refuse to walk a graph from what is no Value."""
    raise TypeError(f"a graph is walked from a Value, got {type(root).__name__}: {root!r}")


def refuse_lengths(weights: int, inputs: int) -> NoReturn:
    """Refuse weights and inputs that do not pair up."""
    raise ValueError(f"dot() multiplies weights and inputs in pairs, got {weights} weights and {inputs} inputs")
