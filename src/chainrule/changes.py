"""Finds numbers that were changed after others were computed from them: the derivatives of such a graph are wrong.

A number is up to date if its operation, applied to the operands' present numbers, gives it again, up to rounding, since a number may be
changed and changed back. The C engine and the fast one check only the nodes that are older than the last assignment of a number; in a
training loop, which computes everything anew after each step, there are none. The reference checks all nodes. If a result was itself
assigned, its number is right for all that is computed from it afterwards.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from chainrule.by_hand import BY_HAND
from chainrule.caution import caution
from chainrule.primitives import add, dot, subtract, zero
from chainrule.reals import numbers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    Change: TypeAlias = tuple[Any, Any, bool]

_ROUNDING = 1e-12  # relative: a change that is no more than this may come from changing a number and changing it back
_MOST_OPERANDS = 6  # that are written out


class ChangedNumberError(RuntimeError):
    """A number was changed after others had been computed from it, and before their derivatives were asked for."""


renew: Callable[[], None] = lambda: None  # noqa: E731
"""What is called at each assignment of a number: the fast engine takes note of when that was."""


def note_assignment(nodes: Iterable[Any]) -> None:
    """Note that nodes were given other numbers, so that earlier results may be out of date.

    Where an operation was made by hand, the number of its node is the right one, whatever it is.
    """
    renew()
    for node in nodes:
        if node._rule is BY_HAND:
            if getattr(node, "_seen", None) is not None:
                node._seen = [parent._data for parent in node._prev]
        elif node._rule is not None:
            node._is_set = True


def found(nodes: Iterable[Any]) -> list[Change]:
    """Find the nodes whose numbers differ from what their operations now give for their operands, to the last bit.

    Arguments:
        nodes: the nodes to look at, in topological order.

    Returns:
        For each such node: the node; the number that its operation now gives or, for an operation made by hand, the numbers that its
        operands had when its `_backward` was assigned; and whether the node's own number was assigned.
    """
    return list(_wrong(nodes))


def _wrong(nodes: Iterable[Any]) -> Iterable[Change]:
    for node in nodes:
        rule, number = node._rule, node._data
        if rule is None:
            continue
        if rule is BY_HAND:
            seen = getattr(node, "_seen", None)
            if seen is not None and not all(map(_same, seen, [parent._data for parent in node._prev])):
                yield node, tuple(seen), False
            continue
        follows = rule.forward(*numbers_of(node._operands))
        if not _same(follows, number):
            yield node, follows, hasattr(node, "_is_set")


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


def report(root: Any, changes: Sequence[Change], refuses: bool = False) -> None:
    """Refuse a graph in which a number was changed, or warn if only results were set to other numbers.

    A class whose `_checks_numbers` is False is not checked. The `backward()` of a Value with micrograd's rules only warns, and goes on with
    micrograd's numbers.

    Arguments:
        root: the result whose derivatives are computed.
        changes: what `changed` found below it.
        refuses: whether a Value with micrograd's rules is refused as well.

    Raises:
        ChangedNumberError: if the number of an operand was changed.
    """
    wrong = [change for change in changes if is_more_than_rounding(*change)]
    if not wrong or not getattr(root, "_checks_numbers", True):
        return
    passing = _passing(root)
    wrong = [change for change in wrong if id(change[0]) in passing]
    if not wrong:
        return
    set_nodes = set_nodes_of(changes)
    for node, known, is_set in wrong:
        if is_set:
            continue
        if getattr(root, "_adds_up", False) and not refuses:
            caution(
                f"a number was changed after {name_of(node)} was computed from it, and before backward(): the gradients are "
                f"micrograd's, which mix the old and the new number. Compute {name_of(node)} again after the change"
            )
            return
        raise ChangedNumberError(
            f"{told(node, known, set_nodes)}; the derivatives would mix old and new numbers. Compute {name_of(node)} again after the "
            "change, or compute the derivatives before it"
        )
    caution(  # without numbers, which change at every step: Python shows the same text once
        f"{name_of(wrong[0][0])} was set to a number that its operation does not give: what is computed from it has right derivatives, but "
        "the gradients that it passes on to its operands do not belong to this number. If it should be a number of its own, such as a "
        "parameter, make it a leaf: Value(v.data)"
    )


def _passing(root: Any) -> set[int]:
    """The ids of a result and of the nodes that pass a gradient on: the operands of a `stop_gradient` or a condition are constants."""
    found: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        rule = node._rule
        if id(node) in found or rule is None:
            continue
        if not rule.partials:  # of any number of operands, or made by hand
            reached = [] if rule.each is zero else node._prev
        else:
            pairs = zip(node._operands, rule.partials, strict=True)
            reached = [operand for operand, partial in pairs if partial is not zero and type(operand) is not float]
        if reached:
            found.add(id(node))
            stack += reached
    return {id(root), *found}


def set_nodes_of(changes: Sequence[Change]) -> set[int]:
    """The ids of the nodes whose own numbers were assigned."""
    return {id(node) for node, _, is_set in changes if is_set}


def told(node: Any, known: Any, set_nodes: set[int]) -> str:
    """Say what was changed, as far as it can be known, and which number no longer follows.

    Arguments:
        node: the first node in topological order whose number does not follow.
        known: what `changed` knows of it.
        set_nodes: the ids of the results that were set to other numbers.
    """
    if isinstance(known, tuple):
        parent, old = next((parent, old) for parent, old in zip(node._prev, known, strict=True) if not _same(parent._data, old))
        return f"{name_of(parent)} was changed from {old!r} to {parent._data!r} after the _backward of {name_of(node)} was assigned"
    names = dict.fromkeys(name_of(parent) for parent in node._prev if parent._rule is None or id(parent) in set_nodes)
    who = " or ".join(names) if 0 < len(names) <= _MOST_OPERANDS else "one of its operands"
    return f"{who} was changed after {name_of(node)} was computed: {operation_now(node)} is {known!r}, and not {node._data!r}"


def is_more_than_rounding(node: Any, known: Any, is_set: bool) -> bool:
    """Whether a change that `found` reports is more than the rounding of a number that was changed and changed back."""
    if isinstance(known, tuple):
        return any(_differ(old, parent._data, 0.0) for old, parent in zip(known, node._prev, strict=True))
    numbers = numbers_of(node._operands)
    summed = numbers if node._rule in (add, subtract) else ()
    if node._rule is dot:
        start = len(numbers) % 2
        summed = [*numbers[:start], *(w * x for w, x in zip(numbers[start::2], numbers[start + 1 :: 2], strict=True))]
    return _differ(known, node._data, max(map(abs, summed), default=0.0))


def _differ(a: float, b: float, scale: float) -> bool:
    """Whether two numbers differ by more than rounding explains, if they are sums of numbers up to `scale`."""
    gap = abs(a - b)
    return not (_same(a, b) or (gap < math.inf and gap <= _ROUNDING * max(abs(a), abs(b), scale)))


def operation_now(node: Any) -> str:
    """The operation with the present numbers of its operands: `5.0 * 3.0`."""
    numbers = [*map(repr, numbers_of(node._operands))]
    rule = node._rule
    if rule.special and rule.sign and len(numbers) == 2:
        return f" {rule.sign} ".join(f"({text})" if text.startswith("-") else text for text in numbers)
    if len(numbers) > _MOST_OPERANDS:
        numbers[_MOST_OPERANDS - 1 : -1] = ["..."]
    return f"{rule.name}({', '.join(numbers)})"


def name_of(node: Any) -> str:
    """The name of a node in messages about changes."""
    if node.label:
        return " ".join(node.label.split())
    return f"the result of {node._op!r}" if node._rule is not None else f"Value(data={node._data!r})"
