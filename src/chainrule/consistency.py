"""Check that the numbers of a graph are up to date before it is shown or differentiated; see `changes.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.caution import caution
from chainrule.changes import ChangedNumberError, is_more_than_rounding, name_of, operation_now, report, set_nodes_of, told
from chainrule.engine import changed

if TYPE_CHECKING:
    from chainrule.changes import Change


def find(root: Any) -> list[Change]:
    """Return what `changed` finds, without differences that rounding explains."""
    return [change for change in changed(root) if is_more_than_rounding(*change)]


def check(root: Any) -> None:
    """Check the numbers of a graph before its derivatives are computed.

    Raises:
        ChangedNumberError: if the number of an operand was changed.
    """
    if changes := changed(root):
        report(root, changes, refuses=True)


def refuse_or_find_set(root: Any) -> dict[int, float]:
    """Find what the operations of results that were set by hand give, by the nodes' ids, so that `explain` can show both numbers.

    Raises:
        ChangedNumberError: if the number of an operand was changed.
    """
    changes = find(root)
    for node, known, is_set in changes:
        if not is_set:
            raise ChangedNumberError(
                f"{told(node, known, set_nodes_of(changes))}. Compute {name_of(node)} again after the change, or call explain() before it"
            )
    return {id(node): known for node, known, _ in changes}


def mark(root: Any) -> dict[int, str]:
    """Return the notes that a picture puts after numbers that no longer follow from their operands, by the nodes' ids.

    A warning says what was changed first.
    """
    changes = find(root)
    if not changes:
        return {}
    node, known, is_set = changes[0]
    what = (
        f"{name_of(node)} was set to {node._data!r}, but {operation_now(node)} is {known!r}"
        if is_set
        else told(node, known, set_nodes_of(changes))
    )
    caution(f"{what}; the numbers that are shown mix old and new ones")
    return {
        id(node): " (operands changed)" if isinstance(known, tuple) else f" (set, not {known:.6g})" if is_set else f" (now {known:.6g})"
        for node, known, is_set in changes
    }
