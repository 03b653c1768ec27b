"""The walk and the sweep of the Python engine: those of `value.py`, made fast.

The walk that finds the order sets the gradients to zero on its way, and tells by them which nodes it has met. Additions and
multiplications, which make up nearly every graph, are written out in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import changes
from chainrule.by_hand import BY_HAND, run
from chainrule.copies import CONSTANT
from chainrule.primitives import add, multiply, passing_positions
from chainrule.primitives import dot as dot_row
from chainrule.primitives import zero as nowhere
from chainrule.value import Value, topological_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EVERY = object()
"""All gradients, which `zeroed_order` is to list."""


# --- the walk ---------------------------------------------------------------------------------------------------------------------------


def zeroed_order(root: Any, newest: float, checks: bool, keep: object) -> tuple[list[Any], float, list[tuple[Any, float]]]:
    """Set the gradient of every node to 0, and list the nodes in topological order but for the leaves, which pass nothing on.

    This is the walk of `topological_order`, faster: each call has a zero object of its own, and a node that holds it has been seen. A leaf
    keeps it as the mark of the last call that reached it, in the place of the second operand, which a leaf has not.

    Arguments:
        root: the result.
        newest: the gradient that results start with since a number was last assigned.
        checks: whether numbers may have been assigned, so that older nodes are to be checked.
        keep: which gradients to list that were there: EVERY one, or the first of a leaf with this mark, or none if it is None.

    Returns:
        The nodes; that zero, which a node that has been passed nothing still holds in the sweep; and the gradients to `keep` that were
        not 0, with their nodes.
    """
    zero = float("0")
    order: list[Any] = []
    suspects: list[Any] = []
    before: list[tuple[Any, float]] = []
    stack: list[Any] = [root]
    pop, push, done = stack.pop, stack.append, order.append
    while stack:
        node = pop()
        if node is None:
            done(pop())
            continue
        grad = node._grad
        if grad is not newest:
            if grad is zero:
                continue
            suspects.append(node)
            if keep is not None and grad:
                keep = _list(node, keep, before)
        node._grad = zero
        rule = node._rule
        if rule is add or rule is multiply:
            a, b = node._a, node._b
            if a._rule is None:
                if keep is not None and a._grad:
                    keep = _list(a, keep, before)
                a._grad = a._b = zero
            if b._rule is None:
                if keep is not None and b._grad:
                    keep = _list(b, keep, before)
                b._grad = b._b = zero
            if a._grad is zero and b._grad is zero:
                done(node)
                continue
            push(node)
            push(None)
            if b._grad is not zero:
                push(b)
            if a._grad is not zero:
                push(a)
        elif rule is None:
            node._b = zero
        else:
            push(node)
            push(None)
            if rule.arity == 1:
                push(node._a)
            elif rule is dot_row:
                stack += [operand for operand in reversed(node._a) if operand._grad is not zero]
            else:
                stack += reversed(node._prev)
    if checks:
        try:
            if _is_any_wrong(suspects):
                changes.report(root, changes.found(topological_order(root)))
        except BaseException:
            if keep is EVERY:
                put_back(before)
            raise
    return order, zero, before


def _is_any_wrong(nodes: Iterable[Any]) -> bool:
    """Whether the number of a node may be out of date; `changes.py` decides."""
    for node in nodes:
        rule = node._rule
        if rule is multiply:
            follows = node._a._data * node._b._data == node._data
        elif rule is add:
            follows = node._a._data + node._b._data == node._data
        else:
            follows = rule is None
        if not follows and changes.found((node,)):
            return True
    return False


def put_back(before: Iterable[tuple[Any, float]]) -> None:
    """Give nodes back the gradients they had."""
    for node, grad in before:
        node._grad = grad


def _list(node: Any, keep: object, before: list[tuple[Any, float]]) -> object:
    """List the gradient of a node if it is one to keep, and return which ones are to be kept from then on."""
    if keep is EVERY:
        before.append((node, node._grad))
    elif node._rule is None and getattr(node, "_b", None) is keep and getattr(node, "_a", None) is not CONSTANT:
        before.append((node, node._grad))
        return None
    return keep


# --- the sweep --------------------------------------------------------------------------------------------------------------------------


def sweep(order: Sequence[Any], nothing: float | None) -> None:
    """That of `value.py`, with the usual operations written out; all others are read from the table."""
    for node in reversed(order):
        grad = node._grad
        if grad is nothing:
            continue
        rule = node._rule
        if rule is multiply:
            a, b = node._a, node._b
            a._grad += b._data * grad
            b._grad += a._data * grad
        elif rule is add:
            node._a._grad += grad
            node._b._grad += grad
        elif rule is dot_row:
            _push_dot(node._a, grad)
        else:
            push(node)


def push(node: Any) -> None:
    """Add a node's share to its parents' gradients, as the `_push` of `value.py`."""
    rule = node._rule
    if rule is None:
        return
    if rule is BY_HAND:
        run(node)
        return
    if rule.arity == 1:
        slope = rule.partials[0](node._a._data, node._data)
        if slope != 0.0 or not (rule.choices or rule.partials[0] is nowhere):
            node._a._grad += slope * node._grad
        return
    operands = node._operands
    data = [operand._data if isinstance(operand, Value) else operand for operand in operands]
    if rule.arity is None:
        for position in passing_positions(rule, data):
            operands[position]._grad += rule.partial(position, data, node._data) * node._grad
        return
    for position, (operand, partial) in enumerate(zip(operands, rule.partials, strict=True)):
        if isinstance(operand, Value) and partial is not nowhere:
            slope = partial(*data, node._data)
            if slope != 0.0 or position not in rule.choices:
                operand._grad += slope * node._grad


def _push_dot(operands: tuple[Any, ...], grad: float) -> None:
    """The share of a dot product's operands: from the last product to the first, then the bias, as its elementary graph would be swept."""
    start = len(operands) % 2
    for i in range(len(operands) - 2, start - 1, -2):
        weight, x = operands[i], operands[i + 1]
        weight._grad += x._data * grad
        x._grad += weight._data * grad
    if start:
        operands[0]._grad += grad
