"""Handling Ctrl-C in a way of one's own, for a while."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def handled_by(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Let `handler` be called on Ctrl-C within the block.

    Only the main thread may do this, and only where the program has not chosen a way of its own; elsewhere nothing changes.
    """
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
