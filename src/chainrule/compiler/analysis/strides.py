"""Index rows become axes and strides: the numbers 0, 1, 2, 10, 11, 12 are `10 * i + j` for i below 2 and j below 3.

All rows of a statement are factored together, by their first differences, from the innermost axis outwards.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MOST_PIECES = 6


class Nest(NamedTuple):
    """Rows of indices as `base + sum(stride * index)`.

    Arguments:
        sizes: the axes, outermost first.
        bases: for each row its first number.
        strides: for each axis, the stride of each row.
        table: what is left: for each row, the numbers along one more, outermost axis; None if nothing is left.
    """

    sizes: tuple[int, ...]
    bases: np.ndarray
    strides: list[np.ndarray]
    table: np.ndarray | None

    @property
    def irregular(self) -> int:
        """How long the table is; 0 without one."""
        return 0 if self.table is None else self.table.shape[1]


def factor(rows: np.ndarray) -> list[Nest]:
    """Find the axes of index rows.

    Arguments:
        rows: integers, one row for each access, one column for each point.

    Returns:
        One nest; or several, one after another, if the rows are regular except for a few breaks.
    """
    sizes: list[int] = []
    strides: list[np.ndarray] = []
    current = rows
    while (points := current.shape[1]) > 1:
        steps = current[:, 1:] - current[:, :-1]
        breaks = np.flatnonzero((steps != steps[:, :1]).any(0)) + 1
        length = int(np.gcd(np.gcd.reduce(breaks), points)) if len(breaks) else points
        if length == 1:
            break
        sizes.insert(0, length)
        strides.insert(0, steps[:, 0])
        current = current[:, ::length]
    if current.shape[1] == 1:
        return [Nest(tuple(sizes), current[:, 0], strides, None)]
    pieces = _pieces(current)
    if pieces is None:
        return [Nest(tuple(sizes), current[:, 0], strides, current)]
    nests = []
    for piece in pieces:
        length = piece.shape[1]
        outer = [length] if length > 1 else []
        step = [piece[:, 1] - piece[:, 0]] if length > 1 else []
        nests.append(Nest((*outer, *sizes), piece[:, 0], [*step, *strides], None))
    return nests


def _pieces(rows: np.ndarray) -> list[np.ndarray] | None:
    """Cut the rows where their step changes; None if that takes more than a few pieces."""
    steps = rows[:, 1:] - rows[:, :-1]
    changes = np.flatnonzero((steps[:, 1:] != steps[:, :-1]).any(0)) + 1  # the step at this index differs from the one before
    pieces: list[np.ndarray] = []
    begin = 0
    while begin < rows.shape[1]:
        if len(pieces) == MOST_PIECES:
            return None
        further = changes[np.searchsorted(changes, begin, side="right") :]
        end = int(further[0]) + 1 if len(further) else rows.shape[1]
        pieces.append(rows[:, begin:end])
        begin = end
    return pieces
