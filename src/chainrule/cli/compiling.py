"""The compiler, for commands that use it if it is installed and work without it otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chainrule.nn import MLP


def compiler() -> tuple[Callable[..., Any] | None, str]:
    """Return `chainrule.compile` and a description of the compiler; or None, and the reason why there is no compiler."""
    try:
        from chainrule.compiler.api import compile
    except ImportError as error:
        if error.name not in ("llvmlite", "numpy"):
            raise
        return None, str(error)
    import llvmlite

    from chainrule.compiler.ir.machine import host

    return compile, f"llvmlite {llvmlite.__version__}, for vectors of {host().vector_bits} bits"


def outputs_of(model: MLP) -> Callable[[Sequence[Sequence[float]]], list[list[float]]]:
    """A function of many rows of inputs that gives the outputs of a network for each; it reads the weights at every call."""
    compile, _ = compiler()
    if compile is None:
        return lambda rows: [[value.data for value in (out if isinstance(out, list) else [out])] for out in map(model, rows)]
    compiled = compile(model, batch=None)
    return lambda rows: compiled(rows).reshape(len(rows), -1).tolist() if rows else []
