"""Choose the engine: the C extension if it can be imported, else the Python engine, `fast.py`. The reference, `value.py`, is there to be
read.

The environment variable CHAINRULE_ENGINE, set to `c` or `python` before the import, asks for one of them.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule import copies

if TYPE_CHECKING:
    from chainrule.bulk import (
        adam_step,
        add_grad,
        changed,
        flatten,
        mark_gradients,
        read_data,
        read_grad,
        settle_gradients,
        sgd_step,
        write_data,
        write_grad,
    )
    from chainrule.guards import forget_other_threads, guard
    from chainrule.products import dot
    from chainrule.reference import constant
    from chainrule.value import Value, topological_order

__all__ = [
    "ENGINE",
    "REASON",
    "Value",
    "adam_step",
    "add_grad",
    "changed",
    "constant",
    "dot",
    "flatten",
    "forget_other_threads",
    "guard",
    "mark_gradients",
    "read_data",
    "read_grad",
    "settle_gradients",
    "sgd_step",
    "topological_order",
    "write_data",
    "write_grad",
]
SHARED = __all__[2:]
"""What every engine has, by name."""


def _choose(asked: str) -> tuple[Any, str, str]:
    """The engine's module, its name, and the reason for the choice in a sentence.

    Raises:
        ImportError: if the engine that is asked for does not exist, or cannot be loaded.
    """
    if asked not in ("", "c", "python"):
        raise ImportError(f"CHAINRULE_ENGINE is {asked!r}; set it to 'c' or 'python', or leave it unset")
    if asked == "python":
        return import_module("chainrule.fast"), "python", "CHAINRULE_ENGINE=python asks for it"
    try:
        module = import_module("chainrule._value")
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) or "cannot import name" in str(error)
        reason = "the C extension was not built when chainrule was installed" if missing else str(error)
        if asked == "c":
            raise ImportError(
                f"CHAINRULE_ENGINE=c asks for the C engine, but {reason}; install chainrule again with a C compiler and Python's "
                "headers at hand, or unset CHAINRULE_ENGINE to use the Python engine"
            ) from error
        return import_module("chainrule.fast"), "python", reason
    return module, "c", "CHAINRULE_ENGINE=c asks for it" if asked else "the C engine is installed"


_module, ENGINE, REASON = _choose(os.environ.get("CHAINRULE_ENGINE", "").strip().lower())
"""ENGINE is "c" or "python"; REASON says why."""

if not TYPE_CHECKING:
    globals().update({name: getattr(_module, name) for name in SHARED})
    copies.Value = Value

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_module.forget_other_threads)
