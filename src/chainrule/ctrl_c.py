"""Handle Ctrl-C with a function of one's own within a block."""

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
    """Call `handler` on Ctrl-C within the block, and `afterwards` on Ctrl-C after it.

    This works in the main thread only, and only if the program has not set a handler itself; otherwise nothing changes.
    """
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, afterwards)
