"""The reference engine, whole: `value.py` with what belongs to every engine. The C engine takes its docstrings from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.bulk import (
    adam_step,
    add_grad,
    changed,
    flatten,
    mark_gradients,
    read_data,
    read_grad,
    settle_gradients,
    sgd_step,
    write_data,
    write_grad,
)
from chainrule.by_hand import BY_HAND
from chainrule.guards import forget_other_threads, guard
from chainrule.naming import operation_name
from chainrule.products import dot
from chainrule.reals import real
from chainrule.refusals import refuse_data
from chainrule.replacing import CLASSES
from chainrule.value import Value, topological_order

if TYPE_CHECKING:
    from typing import SupportsFloat

__all__ = [
    "BY_HAND",
    "Value",
    "adam_step",
    "add_grad",
    "changed",
    "constant",
    "dot",
    "flatten",
    "forget_other_threads",
    "guard",
    "mark_gradients",
    "operation_name",
    "read_data",
    "read_grad",
    "settle_gradients",
    "sgd_step",
    "topological_order",
    "write_data",
    "write_grad",
]


def constant(number: SupportsFloat, /) -> Value:
    """A leaf for a constant of the program, such as the 2.0 of `2.0 * x`; `flatten` marks it, and a compiled graph keeps its number.

    Raises:
        TypeError: if it is not a real number.
    """
    if isinstance(number, Value):
        refuse_data(number)
    return Value._constant(real(number))


CLASSES.append(Value)
