"""The warning that `backward()` gives if it overwrites gradients that were not read."""

from __future__ import annotations

from chainrule.caution import caution


def warn() -> None:
    """Give the warning at the line of the program that called `backward()`."""
    caution(
        "backward() starts from zero: it replaced gradients that the backward() of another result had computed, and that were not read or "
        "set since. To add them up, write backward(accumulate=True), or import Value from chainrule.micrograd, where backward() always "
        "adds; to use them, call the optimiser's step() or read them before the next backward(); to drop them, call zero_grad() before it"
    )
