"""The course: from the derivative to a trained network, exercise by exercise, with checks that know the usual mistakes.

A learner begins with `chainrule learn`. What is here is for the code of the exercises: pictures of graphs that are built of the learner's
own Values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.course.seeing import draw, dump_graph, explain, mirror, show

__all__ = ["draw", "dump_graph", "explain", "load_ipython_extension", "mirror", "show"]


def __getattr__(name: str) -> Any:
    """Load pictures when they are first asked for (PEP 562): no check needs them to begin."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from chainrule.course import seeing

    return getattr(seeing, name)


def load_ipython_extension(shell: Any) -> None:
    """Make the cell magic `%%exercise` known to IPython, for `%load_ext chainrule.course`."""
    from chainrule.course.magics import register

    register(shell)
