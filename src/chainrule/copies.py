"""Nodes made without their constructor: copies of graphs, constants, and leaves that were pickled; for all engines."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from chainrule.by_hand import LocalGradients, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

Value: Any = None
"""The Value of the engine that runs, which `engine.py` sets. A leaf of it is pickled so that it can be read with another engine."""

CONSTANT = type("Constant", (tuple,), {})()
"""The operands of a leaf that stands for a number of the program, such as the 2.0 of `2.0 * x`: none."""

_OWN = {"_b", "_by_hand", "_seen", "_is_set", "_whole", "_reached_by"}
"""The attributes that engines keep in a node's dictionary."""


def deep_copy(order: list[Any], memo: dict[int, Any]) -> Any:
    """Copy a graph, node by node, without recursion.

    Arguments:
        order: its nodes in topological order.
        memo: the objects that `copy.deepcopy` has copied so far, by `id`; the copies are added.

    Returns:
        The copy of the last node.

    Raises:
        TypeError: for an operation made by hand, whose function refers to the original nodes.
        ValueError: if a node depends on itself.
    """
    originals = [node for node in order if id(node) not in memo]
    _refuse_cycle(originals, memo)
    for node in originals:
        _refuse_function(node)
        memo[id(node)] = node._copy([operand if type(operand) is float else memo[id(operand)] for operand in node._operands])
    for node in originals:  # only now, since an attribute may lead back to any node of the graph
        twin = memo[id(node)]
        for name, attribute in twin._attributes().items():
            setattr(twin, name, copy.deepcopy(attribute, memo))
    return memo[id(order[-1])]


def _refuse_cycle(order: list[Any], memo: dict[int, Any]) -> None:
    """Refuse a graph in which a node comes before one of its parents, as it does in every order if it depends on itself."""
    before: set[int] = set()
    for node in order:
        for parent in node._prev:
            if id(parent) not in before and id(parent) not in memo:
                raise ValueError(
                    f"cannot copy a graph with a cycle: {shown(node)} depends on {shown(parent)}, which depends on it in turn; "
                    "do not call __init__ on a node with parents that were computed from it"
                )
        before.add(id(node))


def shallow_copy(node: Any) -> Any:
    """A node of the same operation, operands, data, gradient and attributes.

    Raises:
        TypeError: for an operation made by hand, whose function refers to the original node.
    """
    _refuse_function(node)
    return node._copy(node._operands)


def _refuse_function(node: Any) -> None:
    if node._function is not None and not isinstance(node._function, LocalGradients):
        raise TypeError(
            f"cannot copy the operation {node._op!r}: its _backward was made by hand and refers to the original nodes; "
            "copy the leaves and build the graph again"
        )


def reduce(node: Any) -> tuple[Any, ...]:
    """What pickle keeps of a leaf.

    Raises:
        TypeError: for the result of an operation.
    """
    if node._rule is not None:
        raise TypeError(
            f"cannot pickle {node!r}: it is the result of {node._op!r}, and only leaves can be pickled; pickle its leaves, or its data"
        )
    kind = None if type(node) is Value else type(node)
    return restored, (kind, node.data, node.grad), node._attributes() or None


def restored(kind: Any, data: float, grad: float) -> Any:
    """The leaf that was pickled; pickle adds its attributes."""
    leaf = (Value if kind is None else kind)._bare()
    leaf.data, leaf.grad = data, grad
    return leaf


class Copyable:
    """The part of Value for copying."""

    __slots__ = ()

    @classmethod
    def _bare(cls) -> Self:
        """A leaf of this class with data 0, made without `__init__`."""
        leaf: Any = object.__new__(cls)
        leaf._data = leaf._grad = 0.0
        leaf._hold(None, ())
        return leaf

    @classmethod
    def _constant(cls, number: float) -> Self:
        """A leaf of this class that stands for a number of the program."""
        leaf: Any = object.__new__(cls)
        leaf._data, leaf._grad = number, 0.0
        leaf._hold(None, CONSTANT)
        return leaf

    def _attributes(self) -> dict[str, Any]:
        """The attributes that this node has beside those of every node, in a new dictionary."""
        return {name: attribute for name, attribute in vars(self).items() if name not in _OWN}

    def _copy(self: Any, operands: Sequence[Any]) -> Any:
        """A node of the same operation, data, gradient and attributes, with these operands."""
        twin = self._bare()
        twin._data, twin._grad = self._data, self._grad
        vars(twin).update(vars(self))
        if self._rule is not None:
            twin._hold(self._rule, tuple(operands))
        return twin

    def __copy__(self) -> Any:
        return shallow_copy(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return reduce(self)
