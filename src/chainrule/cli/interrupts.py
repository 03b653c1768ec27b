"""Handle Ctrl-C while `train` runs: it ends the current phase, and never loses what was learned.

Each phase says how many times Ctrl-C is only noted before it raises KeyboardInterrupt. All phases share one handler, so that there is no
moment between two of them in which Ctrl-C would do something else.
"""

from __future__ import annotations

import math
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chainrule.ctrl_c import handled_by

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESS = "process"  # the object of the command where it is all that the process does
TRAINING = 1  # the first lets the step under way end, the second does not
KEEPING = math.inf  # the model and the options are written, whatever comes
DRAWING = 0  # pictures can be made again


class Interrupts:
    """The handler of Ctrl-C.

    Arguments:
        asked: whether Ctrl-C was pressed in this phase.
        patience: how many more times it is only noted.
    """

    def __init__(self) -> None:
        self.enter(TRAINING)

    def enter(self, phase: float) -> None:
        """Begin a phase: `TRAINING`, `KEEPING` or `DRAWING`."""
        self.patience, self.asked = phase, False

    def __call__(self, signum: int, frame: object) -> None:
        """Note Ctrl-C, or raise KeyboardInterrupt; it is raised only once in a phase, so that it cannot interrupt the cleaning up."""
        self.asked = True
        if self.patience <= 0:
            self.patience = math.inf
            raise KeyboardInterrupt
        self.patience -= 1


@contextmanager
def interrupts(is_last: bool = False) -> Iterator[Interrupts]:
    """Handle Ctrl-C by phases, beginning with `TRAINING`.

    Arguments:
        is_last: whether the process ends after this; then Ctrl-C does nothing afterwards.
    """
    handler = Interrupts()
    with handled_by(handler, signal.SIG_IGN if is_last else signal.default_int_handler):
        yield handler
