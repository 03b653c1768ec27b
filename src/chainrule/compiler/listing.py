"""`print(program)`: the arrays that were found in a scalar program, and what is done with them, in index notation.

What is listed is what runs: statements as they are fused and rolled into loops. Two things are written together that are steps apart: a
sum and what it starts from, and a number that is used once and never stored stands where it is used.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from chainrule.compiler.expressions import Access, Apply, Buffer, Constant, Expression, Load
from chainrule.compiler.fuse import fuse, parallel_sizes
from chainrule.compiler.notation import (
    ADDED,
    ATOM,
    ITERATION,
    LETTERS,
    MULTIPLIED,
    SAMPLE,
    Array,
    Arrays,
    Term,
    Written,
    added,
    direct,
    place_text,
    split,
    write,
    wrapped,
)
from chainrule.compiler.place import place, roll
from chainrule.compiler.statements import BATCH, Group, Loop, Statement
from chainrule.formulas import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.compiler.program import Program

MOST_STATEMENTS = 60  # that are written out, in each direction
MOST_ARRAYS = 24  # of a kind, that are named
WIDTH = 108
LONGEST_INLINED = 84
LONGEST = 240


def listing(program: Program, *, times: bool = True) -> str:
    """A program in readable notation: counts, arrays, and statements, forward and backward.

    Arguments:
        program: the program.
        times: whether to say how long each stage of the compilation took; without, the same graph gives the same text.
    """
    view = View(program)
    forward = [line for part in view.parts for line in _section(view, part, backward=False)]
    backward = [line for part in view.parts for line in _section(view, part, backward=True)]
    sections = [*_head(view, times=times), "", *_arrays(view), "", "forward", *_laid_out(view, backward=False)]
    if backward:
        sections += ["", "backward", *_laid_out(view, backward=True)]
    del forward
    notes = view.notes
    if notes:
        sections += ["", "notation", *(f"  {note}" for note in notes)]
    return "\n".join(sections)
