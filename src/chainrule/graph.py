"""Walking a graph: its nodes in order, how many there are, and what they hold, as text."""

from __future__ import annotations

from collections import Counter

from chainrule.consistency import mark
from chainrule.engine import Value, topological_order

__all__ = ["count_operations", "dump_graph", "names", "topological_order"]


def names(order: list[Value]) -> dict[Value, str]:
    """Give every node a name: its label, or, if it has none or shares it with another node, a name with its number.

    Arguments:
        order: nodes in topological order.

    Returns:
        A different name for each node.
    """
    label = {node: " ".join(node.label.split()) for node in order}  # on one line, whatever it holds
    labels = Counter(label.values())
    taken = set(labels)
    result = {}
    for number, node in enumerate(order):
        name = label[node]
        if not name or labels[name] > 1:
            name = f"{name}#{number}" if name else f"v{number}"
            while name in taken:
                name += "'"
        taken.add(name)
        result[node] = name
    return result


def count_operations(root: Value) -> dict[str, int]:
    """Count the nodes that `root` depends on, by operation; leaves count as `""`.

    Returns:
        The counts, the most frequent operation first.
    """
    return dict(Counter(node._op for node in topological_order(root)).most_common())


def dump_graph(root: Value, *, max_nodes: int = 200, as_text: bool = False) -> str | None:
    """Print a line for each node, in topological order: name, operation, data, gradient and parents.

    Arguments:
        root: the result whose graph to show.
        max_nodes: show at most this many nodes, the last ones, which are nearest the root, and count those left out.
        as_text: return the text instead of printing it.

    If a number was changed after others had been computed from it, a warning says so, and the line shows the old and the new number:
    `6 (now 15)`.

    Returns:
        The text if `as_text`, else None.

    Raises:
        TypeError: if `root` is not a Value.
        ValueError: if `max_nodes` is less than 1.
    """
    if not isinstance(root, Value):
        raise TypeError(f"dump_graph() shows the graph of a Value, got {type(root).__name__}: {root!r}")
    if max_nodes < 1:
        raise ValueError(f"max_nodes must be at least 1, got {max_nodes}")
    order = topological_order(root)
    name = names(order)
    shown = order[-max_nodes:]
    changed = mark(root)
    rows = [("name", "op", "data", "grad", "parents")]
    rows += [
        (
            name[node],
            node._op or ("by hand" if node._prev else "leaf"),
            f"{node.data:.6g}{changed.get(id(node), '')}",
            "None" if node.grad is None else f"{node.grad:.6g}",
            ", ".join(name[parent] for parent in node._prev),
        )
        for node in shown
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]).rstrip() for row in rows]
    if len(shown) < len(order):
        lines.insert(1, f"... {len(order) - len(shown):,} of {len(order):,} nodes left out, the farthest from the root; see max_nodes")
    text = "\n".join(lines)
    if as_text:
        return text
    print(text)
    return None
