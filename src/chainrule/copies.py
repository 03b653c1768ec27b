"""Copying graphs and pickling leaves, for both engines."""

from __future__ import annotations

import copy
from typing import Any

from chainrule.by_hand import LocalGradients


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
                    f"cannot copy a graph with a cycle: {_told(node)} depends on {_told(parent)}, which depends on it in turn; "
                    "do not call __init__ on a node with parents that were computed from it"
                )
        before.add(id(node))


def _told(node: Any) -> str:
    return f"{node.label} ({node!r})" if node.label else repr(node)


def caution_of_cycle(node: Any) -> None:
    """Warn if a node has been given parents that depend on it: such a graph does not describe a computation, and has no derivatives."""
    from chainrule.engine import topological_order

    if any(parent is node for other in topological_order(node) for parent in other._prev):
        from chainrule.caution import caution

        caution(
            f"{_told(node)} was given parents by __init__ that were computed from it, so it depends on itself: "
            "the gradients of such a graph are meaningless; make a new Value instead"
        )


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
    from chainrule.engine import Value

    # None stands for the running engine's own type, so that a leaf pickled with one engine can be read with the other.
    kind = None if type(node) is Value else type(node)
    return restored, (kind, node.data, node.grad), node._attributes() or None


def restored(kind: Any, data: float, grad: float) -> Any:
    """The leaf that was pickled; pickle adds its attributes."""
    if kind is None:
        from chainrule.engine import Value as kind  # noqa: N813
    leaf = kind._bare()
    leaf.data, leaf.grad = data, grad
    return leaf
