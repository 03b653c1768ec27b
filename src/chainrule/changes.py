"""Numbers that were changed after others were computed from them: derivatives of such a graph belong to no point at all.

A node's number follows from those of its operands if its operation makes it of them again, but for the rounding of a number that was
changed and changed back. Both engines look only at nodes that are older than the last assignment of a number, so that a training loop,
which computes everything anew after each step, looks at none. The number of a result that was itself assigned is right for all that is
computed from it afterwards.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from chainrule.primitives import add, dot, multiply, subtract, zero
from chainrule.value import BY_HAND, Value, topological_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    Change: TypeAlias = tuple[Any, Any, bool]

_ROUNDING = 1e-12  # relative: a change that is no more than this may come from changing a number and changing it back
_MOST_OPERANDS = 6  # that are written out


class ChangedNumberError(RuntimeError):
    """A number was changed after others had been computed from it, and before their derivatives were asked for."""


# --- the Python engine's part -----------------------------------------------------------------------------------------------------------


def changed(root: Value, /) -> list[Change]:
    """The nodes below a result whose numbers are not what their operations make of those of their operands, to the last bit.

    Arguments:
        root: the result.

    Returns:
        For each such node, in topological order: the node; the number that would follow or, of an operation made by hand, the numbers that
        its operands had when its `_backward` was assigned; and whether the node's own number was assigned.

    Raises:
        TypeError: if `root` is not a Value.
    """
    return list(_changed(topological_order(root)))


def refuse_changed(root: Value, suspects: Sequence[Value]) -> None:
    """Report what is wrong below `root` if there is anything wrong with some nodes.

    Raises:
        ChangedNumberError: if the number of an operand was changed.
    """
    if any(_changed(suspects)):
        report(root, changed(root))


def _changed(nodes: Iterable[Value]) -> Iterable[Change]:
    for node in nodes:
        rule, number = node._rule, node._data
        if rule is None:
            continue
        if rule is multiply:
            follows = node._a._data * node._b._data
        elif rule is add:
            follows = node._a._data + node._b._data
        elif rule is BY_HAND:
            seen = getattr(node, "_seen", None)
            if seen is not None and not all(map(_same, seen, [parent._data for parent in node._prev])):
                yield node, tuple(seen), False
            continue
        else:
            follows = rule.forward(*_numbers(node))
        if follows != number and not _same(follows, number):
            yield node, follows, hasattr(node, "_is_set")


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


# --- both engines -----------------------------------------------------------------------------------------------------------------------


def find(root: Any) -> list[Change]:
    """What `changed` finds, but for rounding."""
    from chainrule.engine import changed

    return [change for change in changed(root) if _is_more_than_rounding(*change)]


def check(root: Any) -> None:
    """Look at the numbers of a graph before its derivatives are computed.

    Raises:
        ChangedNumberError: if the number of an operand was changed.
    """
    from chainrule.engine import changed

    if changes := changed(root):
        report(root, changes, refuses=True)


def report(root: Any, changes: Sequence[Change], refuses: bool = False) -> None:
    """Refuse a graph in which a number was changed, or warn if only results were set to other numbers.

    A class whose `_checks_numbers` is False wants no report. The `backward()` of a Value with micrograd's rules only warns, and goes on
    with micrograd's numbers.

    Arguments:
        root: the result whose derivatives are computed.
        changes: what `changed` found below it.
        refuses: whether a Value with micrograd's rules is refused as well.

    Raises:
        ChangedNumberError: if the number of an operand was changed.
    """
    wrong = [change for change in changes if _is_more_than_rounding(*change)]
    if not wrong or not root._checks_numbers:
        return
    passing = _passing(root)
    wrong = [change for change in wrong if id(change[0]) in passing]
    if not wrong:
        return
    from chainrule.caution import caution

    set_nodes = _set(changes)
    for node, known, is_set in wrong:
        if is_set:
            continue
        if getattr(root, "_adds_up", False) and not refuses:
            caution(
                f"a number was changed after {_name(node)} was computed from it, and before backward(): the gradients are those that "
                f"micrograd computes, which are derivatives at no point. Compute {_name(node)} again after the change"
            )
            return
        raise ChangedNumberError(
            f"{told(node, known, set_nodes)}; the derivatives would be those at no point. Compute {_name(node)} again after the "
            "change, or ask for the derivatives before it"
        )
    caution(  # without numbers, which change at every step: Python shows the same text once
        f"{_name(wrong[0][0])} was set to another number than its operation makes: what is computed from it has the right derivatives, but "
        "those that it passes on to its operands are not of this number. If it is to be a number of its own, such as a parameter, "
        "make it a leaf: Value(v.data)"
    )


def refuse_or_find_set(root: Any) -> dict[int, float]:
    """The numbers that would follow of results that were set to others, by the nodes' ids, for a text in which everything must add up.

    Raises:
        ChangedNumberError: if the number of an operand was changed.
    """
    changes = find(root)
    for node, known, is_set in changes:
        if not is_set:
            raise ChangedNumberError(
                f"{told(node, known, _set(changes))}. Compute {_name(node)} again after the change, or explain it before"
            )
    return {id(node): known for node, known, _ in changes}


def mark(root: Any) -> dict[int, str]:
    """What a picture of a graph puts behind the numbers that no longer follow from those of their operands, by the nodes' ids.

    A warning says what was changed first.
    """
    changes = find(root)
    if not changes:
        return {}
    from chainrule.caution import caution

    node, known, is_set = changes[0]
    what = (
        f"{_name(node)} was set to {node._data!r}, but {_told_operation(node)} is {known!r}" if is_set else told(node, known, _set(changes))
    )
    caution(f"{what}; the numbers that are shown do not all belong together")
    return {
        id(node): " (operands changed)" if isinstance(known, tuple) else f" (set, not {known:.6g})" if is_set else f" (now {known:.6g})"
        for node, known, is_set in changes
    }


def _passing(root: Any) -> set[int]:
    """The ids of a result and of the nodes that pass a gradient on: what is behind a `stop_gradient` or a condition is a constant."""
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


def _set(changes: Sequence[Change]) -> set[int]:
    return {id(node) for node, _, is_set in changes if is_set}


def told(node: Any, known: Any, set_nodes: set[int]) -> str:
    """What was changed, as far as it can be known, and what no longer follows.

    Arguments:
        node: the first node in topological order whose number does not follow.
        known: what `changed` knows of it.
        set_nodes: the ids of the results that were set to other numbers.
    """
    if isinstance(known, tuple):
        parent, old = next((parent, old) for parent, old in zip(node._prev, known, strict=True) if not _same(parent._data, old))
        return f"{_name(parent)} was changed from {old!r} to {parent._data!r} after the _backward of {_name(node)} was assigned"
    names = dict.fromkeys(_name(parent) for parent in node._prev if parent._rule is None or id(parent) in set_nodes)
    who = " or ".join(names) if 0 < len(names) <= _MOST_OPERANDS else "one of its operands"
    return f"{who} was changed after {_name(node)} was computed: {_told_operation(node)} is {known!r}, and not {node._data!r}"


def _is_more_than_rounding(node: Any, known: Any, is_set: bool) -> bool:
    if isinstance(known, tuple):
        return any(_differ(old, parent._data, 0.0) for old, parent in zip(known, node._prev, strict=True))
    numbers = _numbers(node)
    summed = numbers if node._rule in (add, subtract) else ()
    if node._rule is dot:
        start = len(numbers) % 2
        summed = [*numbers[:start], *(w * x for w, x in zip(numbers[start::2], numbers[start + 1 :: 2], strict=True))]
    return _differ(known, node._data, max(map(abs, summed), default=0.0))


def _differ(a: float, b: float, scale: float) -> bool:
    """Whether two numbers are further from each other than rounding explains, in a sum of numbers up to `scale`."""
    gap = abs(a - b)
    return not (_same(a, b) or (gap < math.inf and gap <= _ROUNDING * max(abs(a), abs(b), scale)))


def _numbers(node: Any) -> list[float]:
    return [operand if isinstance(operand, float) else operand._data for operand in node._operands]


def _told_operation(node: Any) -> str:
    """The operation with the numbers that its operands have now: `5.0 * 3.0`."""
    numbers = [*map(repr, _numbers(node))]
    rule = node._rule
    if rule.special and rule.sign and len(numbers) == 2:
        return f" {rule.sign} ".join(f"({text})" if text.startswith("-") else text for text in numbers)
    if len(numbers) > _MOST_OPERANDS:
        numbers[_MOST_OPERANDS - 1 : -1] = ["..."]
    return f"{rule.name}({', '.join(numbers)})"


def _name(node: Any) -> str:
    if node.label:
        return " ".join(node.label.split())
    return f"the result of {node._op!r}" if node._rule is not None else f"Value(data={node._data!r})"
