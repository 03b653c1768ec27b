"""`print(program)`: the arrays that were found in a scalar program, and what is done with them, in index notation.

What is listed is what runs: statements as they are fused and rolled into loops.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from chainrule.compiler.show.shapes import ITERATION, Array
from chainrule.compiler.show.view import GroupText, Passage, View, is_backward
from chainrule.formulas import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainrule.compiler.pipeline import Recovered

MOST_LISTED = 60  # that are written out, in each direction
MOST_ARRAYS = 24  # of a kind, that are named
MOST_NUMBERS = 4  # of a constant
WIDTH = 108
COLUMN = 76  # where the sizes of axes stand, unless a statement is longer


def listing(program: Recovered, *, times: bool = True) -> str:
    """A program in readable notation: counts, arrays, and statements, forward and backward.

    Arguments:
        program: the program.
        times: whether to say how long each stage of the compilation took; without, the same graph gives the same text.
    """
    view = View(program)
    forward, backward = (_statements(view, backward=backward) for backward in (False, True))
    body = [*_arrays(view), "", "forward", *forward]
    if backward:
        body += ["", "backward", *backward]
    text = "\n".join(body)
    notes = [f"  {note}" for mark, note in _NOTES if re.search(mark, text)]
    return "\n".join([*_head(view, times=times), "", text, "", "notation", *notes])


def _head(view: View, *, times: bool) -> list[str]:
    program = view.program
    backward = sum(map(is_backward, view.statements))
    loops = sum(passage.times > 1 for part in view.parts for passage in part)
    size = 8 if program.dtype == "float64" else 4
    whole, each = 0, 0
    for buffer in {array.buffer: None for array in view.memory}:
        if buffer.per_sample:
            each += buffer.size * size
        else:
            whole += buffer.size * (4 if buffer.role == "table" else size)
    lines = [
        f"{program.nodes:,} nodes -> {_count(len(view.statements) - backward, 'statement')} forward, {backward:,} backward "
        f"-> {_count(len(view.groups), 'group')}, {_count(loops, 'loop')}",
        f"{program.dtype}, {program.target.lanes(program.dtype)} numbers to a vector; arrays of {whole:,} bytes"
        + (f", and {each:,} for each sample" if each else ""),
    ]
    if times and program.seconds:
        lines.append("time: " + ", ".join(f"{stage} {_time(seconds)}" for stage, seconds in program.seconds.items()))
    return lines


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1.0 else f"{seconds * 1e3:.1f} ms"


_KINDS = {
    "parameter": "parameters",
    "input": "inputs",
    "seed": "inputs",
    "constant": "constants",
    "table": "tables",
    "value": "values",
    "output": "results",
}


def _arrays(view: View) -> list[str]:
    """The arrays of each kind; of constants and tables also the first numbers."""
    kinds: dict[str, list[str]] = {kind: [] for kind in _KINDS.values()}
    for array in sorted(view.memory, key=_order):
        if array.buffer.role not in _KINDS:
            continue
        text = str(array)
        if array.buffer.role == "table":
            text += f" = {_numbers(view.arrays.table(array.buffer).tolist())}"
        elif array.buffer.numbers is not None:
            text += f" = {_numbers(array.buffer.numbers.tolist())}"
        kinds[_KINDS[array.buffer.role]].append(text)
    lines = ["arrays"]
    for kind, names in kinds.items():
        if names:
            more = [f"… {len(names) - MOST_ARRAYS:,} more"] if len(names) > MOST_ARRAYS else []
            between = ";  " if kind in ("constants", "tables") else ", "
            shown = between.join([*(name.replace(" ", "\0") for name in names[:MOST_ARRAYS]), *more])
            wrapped_lines = textwrap.wrap(shown, WIDTH, initial_indent=f"  {kind:<12}", subsequent_indent=" " * 14, break_long_words=False)
            lines += [line.replace("\0", " ") for line in wrapped_lines]
    return lines


def _order(array: Array) -> tuple[bool, int]:
    """Parameters by their place, and all of them together last."""
    return (array.name == array.buffer.name, array.begin) if array.buffer.role == "parameter" else (False, 0)


def _numbers(numbers: list[float]) -> str:
    shown = ", ".join(short(number) for number in numbers[:MOST_NUMBERS])
    return f"{shown}, …" if len(numbers) > MOST_NUMBERS else shown


_PARTS = ("once, before the samples", "for all samples n", "once, after the samples")


def _statements(view: View, *, backward: bool) -> list[str]:
    """The statements of one direction, as many as fit a page or two."""
    lines: list[tuple[str, str]] = []
    shown = total = 0
    for title, part in zip(_PARTS, view.parts, strict=True):
        inner: list[tuple[str, str]] = []
        for passage in part:
            count = sum(is_backward(s) == backward for groups in passage.body for s in groups[0].statements)
            total += count
            if count and shown < MOST_LISTED:
                shown += count
                inner += _passage(view, passage, backward)
        if inner and view.program.batched:
            lines += [(f"{title}:", ""), *((f"  {text}", axes) for text, axes in inner)]
        else:
            lines += inner
    if total > shown:
        lines.append((f"… {_count(total - shown, 'more statement')}", ""))
    column = max([COLUMN // 2, *(len(text) + 2 for text, axes in lines if axes and len(text) <= COLUMN)])
    return [f"  {text:<{column}}  {axes}".rstrip() for text, axes in lines]


def _passage(view: View, passage: Passage, backward: bool) -> Iterator[tuple[str, str]]:
    """The lines of a passage, each with the axes that it is done for."""
    indent = ""
    if passage.times > 1:
        yield f"for {ITERATION} in 0..{passage.times - 1}:", ""
        indent = "  "
    for groups in passage.body:
        text = GroupText(groups, view.arrays)
        lines = [line for line in text.lines if line.backward == backward]
        others = [line for line in text.lines if line.backward != backward]
        beside = [f"beside {others[0].name}"] if others and backward else []
        if len(lines) == 1:
            yield indent + lines[0].text, ", ".join([*text.axes, *lines[0].axes, *beside])
        elif lines:
            yield f"{indent}for {', '.join(text.axes)}:" if text.axes else f"{indent}together:", ", ".join(beside)
            for line in lines:
                yield f"{indent}  {line.text}", ", ".join(line.axes)


_NOTES = (
    (r"\w < \d", "i < 16        for i = 0, 1, ..., 15"),
    (r"\bn\b", "n             counts the samples"),
    (r"\bsum_", "sum_k         the sum over all k"),
    (r"\bmax_|max=", "max_k, max=   the largest over all k; the larger of the old and the new number"),
    (r"\bfinite\(", "finite(x)     x, or 0 where x is infinite or nan"),
    (r"\blet ", "let           a number that stays in a register: it has no array"),
    (r"together:", "together      statements without an axis"),
    (r"\bbeside ", "beside v3     in the same pass as v3"),
    (r"\bbackward\n", "dv3           the derivative of the loss with respect to v3"),
    (r"\.flat\[", "w.flat[i]     number i of all of w, row after row"),
    (r"\bt\d+\[", "t0[i]         a number from a table, where places follow no rule"),
    (r"\bseed\b", "seed          the derivative of the result with respect to the loss of one sample"),
    (r"for t in", "t             counts the iterations of a loop"),
    (r"\(\d*[+-]?\d*t\)", "v(3+2t)       v3 at t = 0, v5 at t = 1, and so on"),
)
