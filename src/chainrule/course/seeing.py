"""Pictures and explanations of a learner's own graphs, which are copied into chainrule's Values; and where pictures go."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule import drawing, explaining, graph
from chainrule.course.exercises import EXERCISES
from chainrule.engine import Value
from chainrule.functions import exp, log, relu, sigmoid, tanh
from chainrule.layout import lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "neg": lambda a: -a,
    "tanh": tanh,
    "relu": relu,
    "ReLU": relu,
    "exp": exp,
    "log": log,
    "sigmoid": sigmoid,
}


def mirror(value: Any) -> Value:
    """The graph behind a learner's Value, copied into chainrule's Values with the same labels and gradients.

    Arguments:
        value: anything with `data`, and with `grad`, `parents` (or `_prev`), `operation` (or `_op`) and `label` where it has them.

    Returns:
        The result of the same operations. Where an operation is not known, or gives another number than the learner's, the node holds
        the learner's number, and what it passes on is not known.

    Raises:
        TypeError: if `value` has no data.
        ValueError: if a Value is among its own parents.
    """
    if isinstance(value, Value):
        return value
    if not hasattr(value, "data"):
        raise TypeError(f"a Value has data; this is a {type(value).__name__}: {value!r}")
    made: dict[int, Value] = {}
    open_nodes: set[int] = set()
    stack = [value]
    while stack:
        node = stack[-1]
        waiting = [parent for parent in _parents(node) if id(parent) not in made]
        if id(node) in made or not waiting:
            stack.pop()
            open_nodes.discard(id(node))
            if id(node) not in made:
                made[id(node)] = _copy(node, [made[id(parent)] for parent in _parents(node)])
            continue
        if id(node) in open_nodes:
            raise ValueError(f"{node!r} is among the parents of its own parents: a graph of calculations has no cycles")
        open_nodes.add(id(node))
        stack += waiting
    return made[id(value)]


def _parents(node: Any) -> list[Any]:
    found = getattr(node, "parents", None) or getattr(node, "_prev", None) or ()
    if isinstance(found, (set, frozenset)):  # which has no order: one that is the same every time
        return sorted(found, key=lambda parent: (str(getattr(parent, "label", "")), parent.data))
    return list(found)


def _copy(node: Any, parents: list[Value]) -> Value:
    operation = str(getattr(node, "operation", "") or getattr(node, "_op", "") or "")
    data = float(node.data)
    copy = _again(operation, parents, data) or Value(data, tuple(parents), operation)
    copy.label = str(getattr(node, "label", "") or "")
    copy.grad = float(getattr(node, "grad", 0.0) or 0.0)
    return copy


def _again(operation: str, parents: Sequence[Value], data: float) -> Value | None:
    """The operation done again; None if it is not known, or another number comes out."""
    power = re.fullmatch(r"\*\*\s*\(?(-?[\d.e+-]+)\)?", operation)
    if power and len(parents) == 1:
        candidates: list[Callable[[], Any]] = [lambda: parents[0] ** float(power[1])]
    elif operation in _OPERATIONS:
        orders = [[*parents], [*reversed(parents)], [*parents, *parents]]  # a set of parents has lost the order, and what is there twice
        candidates = [lambda order=order: _OPERATIONS[operation](*order) for order in orders]  # type: ignore[misc]
    else:
        return None
    for candidate in candidates:
        try:
            found = candidate()
        except TypeError:
            continue
        if isinstance(found, Value) and found.data == data:
            return found
    return None


def draw(value: Any, **options: Any) -> drawing.Drawing:
    """Draw the graph behind a Value, the learner's or chainrule's; see `chainrule.draw`."""
    return drawing.draw(mirror(value), **options)


def dump_graph(value: Any, **options: Any) -> str | None:
    """Print the graph behind a Value, the learner's or chainrule's; see `chainrule.dump_graph`."""
    return graph.dump_graph(mirror(value), **options)


def explain(value: Any, **options: Any) -> explaining.Explanation:
    """Explain the chain rule for a Value, the learner's or chainrule's; see `chainrule.explain`."""
    return explaining.explain(mirror(value), **options)


class DotPicture:
    """What Graphviz makes of a text in the DOT language.

    Arguments:
        dot: the text.
    """

    def __init__(self, dot: str) -> None:
        self.dot = dot

    def _repr_svg_(self) -> str:
        return lay_out(self.dot)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture into a file."""
        Path(path).write_text(lay_out(self.dot), encoding="utf-8")


def show(picture: Any, name: str = "picture") -> Any:
    """Show a picture: in a notebook below the cell, elsewhere as a file.

    Arguments:
        picture: a `draw(...)`, a figure of Matplotlib's, or a text in the DOT language.
        name: that of the file, without an ending.

    Returns:
        The picture in a notebook, which shows it; else None.
    """
    if isinstance(picture, str):
        picture = DotPicture(picture)
    if _in_notebook():
        return picture
    folder = _place() / "pictures"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.svg"
    try:
        picture.savefig(path) if hasattr(picture, "savefig") else picture.save(path)
    except ImportError as error:  # the code goes on without pictures
        print(f"no picture: {error}")
    else:
        print(f"picture: {path}")
    return None


def _place() -> Path:
    """Where pictures go: beside the file of an exercise, if one is being run; else where we are."""
    script = Path(getattr(sys.modules.get("__main__"), "__file__", None) or "")
    if not any(script.stem.endswith(exercise.stem) for exercise in EXERCISES):
        return Path()
    return Path(os.path.relpath(script.parent))


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


__all__ = ["draw", "dump_graph", "explain", "mirror", "show"]
