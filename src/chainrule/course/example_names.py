"""Names that the examples of some checks use beside the learner's own.

They are not with the checks, because the process in which a learner's code runs may not read those.
"""

from __future__ import annotations

from chainrule import Value


def vector(*numbers: float) -> list[Value]:
    """Numbers as a list of Values."""
    return [Value(number) for number in numbers]


__all__ = ["vector"]
