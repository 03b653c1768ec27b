"""Handling Ctrl-C in a way of one's own, for a while."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Handler: TypeAlias = Callable[[int, Any], Any] | signal.Handlers


@contextmanager
def handled_by(handler: Callable[[int, object], None], afterwards: Handler = signal.default_int_handler) -> Iterator[None]:
    """Let `handler` be called on Ctrl-C within the block, and `afterwards` after it.

    Only the main thread may do this, and only where the program has not chosen a way of its own; elsewhere nothing changes.
    """
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, afterwards)
