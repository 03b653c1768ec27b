"""The function that is compiled and its options, for its calls, traces and checks."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from chainrule.compiler.runtime.locks import new_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainrule.compiler.ir.machine import Target


class Definition:
    """A function that is compiled.

    Arguments:
        function: a function of numbers, arrays or nested lists that computes with Values.
        batched: whether it is written for one sample, and the arguments have a leading axis.
        reduction: then, how the results of the samples are joined: "mean" or "sum"; None keeps the result of each.
        dtype: "float64" or "float32".
        target: the machine; this one by default.
        threads: how many threads compute the samples of a batch.
    """

    __slots__ = ("_lock", "_pool", "_process", "batched", "dtype", "expects_backward", "function", "name", "reduction", "target", "threads")

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        batched: bool = False,
        reduction: str | None = None,
        dtype: str = "float64",
        target: Target | None = None,
        threads: int = 1,
    ) -> None:
        self.function = function
        self.batched, self.reduction = batched, reduction
        self.dtype, self.target, self.threads = dtype, target, threads
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.expects_backward = False  # whether gradients are computed together with the loss: once one was asked for, they all are
        self._lock = new_lock()
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    @property
    def keeps_samples(self) -> bool:
        """Whether each sample keeps a result of its own."""
        return self.batched and self.reduction is None

    @property
    def options(self) -> dict[str, Any]:
        """The options, to compile another function in the same way."""
        names = ("batched", "reduction", "dtype", "target", "threads")
        return {name: getattr(self, name) for name in names}

    def pool(self) -> ThreadPoolExecutor:
        """The threads that compute the samples; a process that was just forked has none yet."""
        with self._lock:
            if self._pool is None or self._process != os.getpid():
                self._pool, self._process = ThreadPoolExecutor(self.threads, "chainrule"), os.getpid()
            return self._pool


__all__ = ["Definition"]
