"""`dot`: a sum of products as one node of the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.primitives import dot as row
from chainrule.refusals import refuse_lengths

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import SupportsFloat

    from chainrule.value import Value


def dot(
    weights: Iterable[Value | SupportsFloat], inputs: Iterable[Value | SupportsFloat], bias: Value | SupportsFloat | None = None
) -> Any:
    """`bias + weights[0] * inputs[0] + weights[1] * inputs[1] + ...`, added in this order, as one node of the graph.

    The result has the very number of `sum((w * x for w, x in zip(weights, inputs)), bias)` for a fraction of the time and memory.
    `backward()` adds to the gradients from the last product to the first, then to the bias's.

    Arguments:
        weights: Values or numbers.
        inputs: as many Values or numbers.
        bias: where the sum starts; None is 0.

    Returns:
        A Value; a float if there is no Value among the operands.

    Raises:
        ValueError: if there are not as many weights as inputs.
        TypeError: if an operand is neither a real number nor a Value.
    """
    weights, inputs = list(weights), list(inputs)
    if len(weights) != len(inputs):
        refuse_lengths(len(weights), len(inputs))
    operands = [] if bias is None else [bias]
    for pair in zip(weights, inputs, strict=True):
        operands += pair
    return row(*operands)
