"""`compile`, the public function of the compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from chainrule.arguments import integer
from chainrule.engine import Value

try:
    import llvmlite  # noqa: F401
    import numpy  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise ImportError(
        f"chainrule.compile() needs {error.name}, which is not installed: pip install 'chainrule[compile]'", name=error.name
    ) from error

from chainrule.compiler.function import CompiledFunction
from chainrule.compiler.graphs import CompiledGraph
from chainrule.compiler.native import Target, generic, host

if TYPE_CHECKING:
    from collections.abc import Callable

_EACH = "each"
_UNSET: Any = object()


@overload
def compile(what: Value, *, dtype: str = ..., target: str | Target | None = ...) -> CompiledGraph: ...
@overload
def compile(
    what: Callable[..., Any], *, batch: str | None = ..., dtype: str = ..., target: str | Target | None = ..., threads: int = ...
) -> CompiledFunction: ...
@overload
def compile(
    *, batch: str | None = ..., dtype: str = ..., target: str | Target | None = ..., threads: int = ...
) -> Callable[[Callable[..., Any]], CompiledFunction]: ...
def compile(
    what: Any = None,
    *,
    batch: Any = _UNSET,
    dtype: str = "float64",
    target: str | Target | None = None,
    threads: int = 1,
) -> Any:
    """Compile scalar code to machine code that computes with arrays.

    Three forms, one engine:

        step = compile(loss)                # a graph: step() computes it anew, returns the number and fills its leaves' gradients

        @compile                            # a function of numbers, arrays or nested lists; traced once for each shape of them
        def loss(X, y): ...
        L = loss(X, y)
        L.backward()                        # fills the gradients of the Values that it captures

        @compile(batch="mean")              # written for one sample; the arguments have a leading axis, of any length
        def loss(x, y): ...

    The numbers of captured Values are read at every call. While the function is traced it must not read the numbers of Values: see
    `TraceError`.

    Arguments:
        what: a Value, or a function; a Module counts as a function.
        batch: for a function of one sample: "mean" or "sum" of its results over the samples, or None for the result of each.
        dtype: the type to compute in, "float64" or "float32".
        target: "host" for this machine, or "generic" for any machine of the same architecture.
        threads: how many threads compute the samples of a batch; with another number, the result differs only by rounding.

    Returns:
        For a graph, a function without arguments. For a function, a function of the same arguments, with `value_and_grad()` for derivatives
        with respect to them, `program`, which can be printed, and `cache_info()`.

    Raises:
        TypeError: if `what` is neither a Value nor a function, or an operation in the graph was made by hand.
        ValueError: if an option has a value that does not exist.
    """
    if batch is not _UNSET and batch not in ("mean", "sum", None, _EACH):
        raise ValueError(f"batch must be 'mean', 'sum' or None, got {batch!r}")
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype must be 'float64' or 'float32', got {dtype!r}")
    threads = integer("threads", threads, 1)
    machine = _target(target)
    options: dict[str, Any] = {"dtype": dtype, "target": machine}
    if isinstance(what, Value):
        if batch is not _UNSET:
            raise ValueError("batch= is for a function of one sample, but this is a graph; compile the function that makes it")
        return CompiledGraph(what, **options)
    mode = None if batch is _UNSET else _EACH if batch is None else batch
    if threads > 1 and mode is None:
        raise ValueError("threads= spreads the samples of a batch; write the function for one sample and give batch=")
    if what is None:
        return lambda function: compile(function, batch=batch, dtype=dtype, target=machine, threads=threads)
    if not callable(what):
        raise TypeError(f"compile() takes a Value or a function, got {type(what).__name__}: {what!r:.60}")
    return CompiledFunction(what, batch=mode, threads=threads, **options)


def _target(target: str | Target | None) -> Target:
    if target is None or target == "host":
        return host()
    if target == "generic":
        return generic()
    if isinstance(target, Target):
        return target
    raise ValueError(f"target must be 'host' or 'generic', got {target!r}")
