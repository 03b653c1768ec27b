"""Random programs for the engines: numbers at the edges of IEEE arithmetic among them, and any row of the table of operations."""

from __future__ import annotations

import math
import struct
from typing import Any

from hypothesis import strategies as st

from chainrule.primitives import PRIMITIVES

INF, NAN = math.inf, math.nan
EDGES = [0.0, 5e-324, 1e-300, 0.5, 1.0, 1.5, 2.0, 3.0, 1e16, 1e300, 1.7976931348623157e308, INF]
EDGES += [-x for x in EDGES] + [NAN]


def bits(x: float) -> bytes:
    """What makes a float: its 64 bits; all nans are one."""
    return b"nan" if math.isnan(x) else struct.pack("d", x)


NUMBERS = st.one_of(st.sampled_from(EDGES), st.floats(-3, 3), st.floats(), st.integers(-3, 3), st.booleans())
ROWS = sorted(PRIMITIVES)


@st.composite
def programs(draw: Any) -> tuple[list[Any], list[tuple[Any, ...]], list[Any]]:
    """Leaves; steps (operation, positions or numbers of its operands); and other data for the leaves."""
    leaves = draw(st.lists(NUMBERS, min_size=1, max_size=5))
    steps = []
    for made in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(ROWS))
        row = PRIMITIVES[name]
        count = draw(st.integers(1, 5)) if row.arity is None else row.arity
        node = st.integers(0, len(leaves) + made - 1)
        first, *rest = [draw(node), *(draw(st.one_of(node.map(lambda i: ("node", i)), NUMBERS)) for _ in range(count - 1))]
        operands = [*rest, ("node", first)] if draw(st.booleans()) else [("node", first), *rest]
        steps.append((name, operands))
    return leaves, steps, draw(st.lists(NUMBERS, min_size=len(leaves), max_size=len(leaves)))
