"""What Ctrl-C does while `train` runs: it ends what is under way, and never takes away what was learned.

Each phase says how many times Ctrl-C is only noted before it raises KeyboardInterrupt, and no phase has a handler of its own, so that
there is no moment between two of them in which Ctrl-C would do something else.
"""

from __future__ import annotations

import math
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TRAINING = 1  # the first lets the step under way end, the second does not
KEEPING = math.inf  # the model and the options are written, whatever comes
DRAWING = 0  # pictures can be made again


class Interrupts:
    """The handler of Ctrl-C.

    Arguments:
        asked: whether Ctrl-C was pressed in this phase.
        patience: how many times more it is only noted.
    """

    def __init__(self) -> None:
        self.enter(TRAINING)

    def enter(self, phase: float) -> None:
        """Begin a phase: `TRAINING`, `KEEPING` or `DRAWING`."""
        self.patience, self.asked = phase, False

    def __call__(self, signum: int, frame: object) -> None:
        """Note it, or raise KeyboardInterrupt; only once in a phase, so that what cleans up is left in peace."""
        self.asked = True
        if self.patience <= 0:
            self.patience = math.inf
            raise KeyboardInterrupt
        self.patience -= 1


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Handle Ctrl-C by phases, beginning with `TRAINING`.

    Only the main thread may do this, and only where the program has not chosen a way of its own.
    """
    handler = Interrupts()
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, handler)
    try:
        yield handler
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
