"""`program.draw()`: the arrays of a program and what is done with them, as a picture that fits a page.

It is the forward part of what `listing` prints: a box for each array, and a dark node for each group of statements that are done together,
which says in a few words what they do. The steps of a loop are drawn once, in a frame.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

from chainrule.compiler.ir.expressions import Apply, Constant, Load
from chainrule.compiler.ir.statements import BATCH, Group, Statement
from chainrule.compiler.show.arrays import direct, registers_of
from chainrule.compiler.show.notation import plain
from chainrule.compiler.show.shapes import SAMPLE, Array, coordinates, in_step
from chainrule.compiler.show.view import Passage, View, is_backward
from chainrule.drawing import RANKDIRS, Drawing
from chainrule.formulas import short
from chainrule.pictures import BETWEEN, CONSTANT, FAINT, INK, INPUT, LOOKS, OPERATION, PARAMETER, RESULT, Look

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.compiler.ir.expressions import Expression
    from chainrule.compiler.pipeline import Recovered

MOST_GROUPS = 24
WIDEST = 22  # characters of a line in the picture
MOST_LINES = 4
LONGEST_NAME = 30

_KINDS = {"parameter": PARAMETER, "input": INPUT, "constant": CONSTANT, "value": BETWEEN, "output": RESULT}
_LOOKS = {**LOOKS, CONSTANT: LOOKS[CONSTANT]._replace(legend="constant"), BETWEEN: LOOKS[BETWEEN]._replace(legend="value in memory")}
_GROUP = OPERATION._replace(legend="done together")


class Diagram(Drawing):
    """A picture of a program; made by `diagram`.

    Attributes:
        dot: the picture in the DOT language. `str()` gives the same.
        svg: the picture as SVG, legend included.
    """

    def __init__(self, dot: str, titles: dict[str, str], legend: list[Look]) -> None:
        self.dot = dot
        self._nodes = len(titles)
        self._titles = titles
        self._legend = legend


def diagram(program: Recovered, *, rankdir: str = "TB", max_groups: int = MOST_GROUPS) -> Diagram:
    """Draw a program's arrays and how each is made from others.

    Arguments:
        program: the program.
        rankdir: where the arrows point: "TB" (downwards), "LR" (left to right), "RL" or "BT".
        max_groups: draw at most this many groups of statements; a note counts the others.

    Returns:
        A picture that Jupyter displays, with `.svg`, `.dot` and `.save(path)`.

    Raises:
        ValueError: if `rankdir` or `max_groups` is not valid.
    """
    if rankdir not in RANKDIRS:
        raise ValueError(f"rankdir must be one of {', '.join(RANKDIRS)}, got {rankdir!r}")
    if max_groups < 1:
        raise ValueError(f"max_groups must be at least 1, got {max_groups}")
    return _Sketch(View(program), max_groups).diagram(rankdir)


class _Written(NamedTuple):
    """The box of an array, and in which iteration of which loop it is written."""

    node: str
    passage: int
    iteration: int


class _Sketch:
    """A diagram in the making.

    Arguments:
        view: the program.
        limit: how many groups to draw.
    """

    def __init__(self, view: View, limit: int) -> None:
        self.view = view
        self.limit = limit
        self.lines: list[str] = []
        self.edges: dict[str, None] = {}
        self.titles: dict[str, str] = {}
        self.kinds: dict[str, None] = {}
        self.boxes: dict[str, _Written] = {}
        passages = [passage for part in view.parts for passage in part]
        self._begun: dict[str, Group] = {}  # which group first stores to an array, other than a number to begin a sum with
        for group in view.groups:
            for statement in _forward(group):
                if not isinstance(statement.value, Constant):
                    self._begun.setdefault(view.arrays.of(statement.store, statement.sizes)[0].name, group)
        self._read = {array.name for passage in passages for groups in passage.body for group in groups for array in self._reads(group)}
        drawn = left_out = 0
        for number, passage in enumerate(passages):
            body = [groups for groups in passage.body if _forward(groups[0])]
            if drawn + len(body) > limit and drawn:
                left_out += len(body)
                self._leave_out(number, body)
            elif body:
                drawn += len(body)
                self._passage(number, Passage(passage.times, body))
        if left_out:
            self.lines.append(f'  more [label="… {left_out:,} more", shape=plaintext, style="", fontcolor="{FAINT}"]')

    def diagram(self, rankdir: str) -> Diagram:
        """The picture."""
        head = [
            "digraph {",
            f"  graph [rankdir={rankdir}, bgcolor=transparent, nodesep=0.22, ranksep=0.22]",
            f'  graph [fontname="Courier", fontsize=12, fontcolor="{FAINT}"]',
            f'  node [fontname="Courier", fontsize=12, fontcolor="{INK}", shape=box, style="rounded,filled"]',
            '  node [height=0.2, width=0.2, margin="0.1,0.05"]',
            f'  edge [color="{FAINT}", arrowsize=0.6, fontname="Courier", fontsize=11, fontcolor="{FAINT}"]',
        ]
        legend = [look for kind, look in _LOOKS.items() if kind in self.kinds]
        return Diagram("\n".join([*head, *self.lines, *self.edges, "}"]), self.titles, [*legend, _GROUP])

    # --- what is drawn ------------------------------------------------------------------------------------------------------------------

    def _passage(self, number: int, passage: Passage) -> None:
        """The groups of a loop, in a frame; or one group."""
        written = [self._writes(groups, number) for groups in passage.body]
        lines = []
        for k, (groups, made) in enumerate(zip(passage.body, written, strict=True)):
            if made:
                operation = f"o{number}_{k}"
                words = "\\n".join(_in_dot(line) for line in _wrapped(", ".join(dict.fromkeys(_words(self.view, groups[0])))))
                lines.append(
                    f'  {operation} [label="{words}", fillcolor="{OPERATION.fill}", color="{OPERATION.line}", fontcolor="#ffffff"]'
                )
                self.titles[operation] = "done together"
                sources = self._arrive(operation, number, groups)
                self.edges |= dict.fromkeys(f"  {operation} -> {node}" for node in made if node not in sources)
        boxes = [node for made in written for node in made]
        if passage.times > 1 and lines:
            frame = f'  subgraph cluster{number} {{ style="rounded,dashed"; color="{FAINT}"; label="t = 0 to {passage.times - 1}"'
            self.lines += [frame, *lines, *(f"  {node}" for node in dict.fromkeys(boxes)), "  }"]
        else:
            self.lines += lines

    def _writes(self, groups: list[Group], number: int) -> list[str]:
        """Boxes for what a group makes and others read, or that is a result."""
        nodes = []
        for k, (statement, kept) in enumerate(zip(groups[0].statements, groups[0].kept, strict=True)):
            arrays = [self.view.arrays.of(group.statements[k].store, group.statements[k].sizes)[0] for group in groups]
            if is_backward(statement) or not kept or isinstance(statement.value, Constant) or arrays[0].buffer.role == "adjoint":
                continue
            if any(array.name in self._read for array in arrays) or arrays[0].buffer.role == "output":
                if arrays[0].name not in self.boxes:
                    node = self._box(arrays)
                    self.boxes |= {array.name: _Written(node, number, iteration) for iteration, array in enumerate(arrays)}
                nodes.append(self.boxes[arrays[0].name].node)
        return list(dict.fromkeys(nodes))

    def _arrive(self, operation: str, number: int, groups: list[Group]) -> set[str]:
        """Arrows from what a group reads; back again, too, to what it adds to."""
        sources = set()
        for where in self._places(groups[0]):
            rows = [self._at(group, *where) for group in groups]
            is_added_to = where[1:] == (0, False)
            new = [array for array in rows if array.name not in self.boxes]
            if new:
                node = self._box(new)
                self.boxes |= {array.name: _Written(node, -1, 0) for array in new}
            for iteration, array in enumerate(rows):
                node, passage, made = self.boxes[array.name]
                carried = passage == number and made != iteration
                look = ' [style=dashed, constraint=false, label="next"]' if carried else " [dir=both]" if is_added_to else ""
                self.edges[f"  {node} -> {operation}{look}"] = None
                sources |= {node} if is_added_to else set()
        return sources

    def _leave_out(self, number: int, body: list[list[Group]]) -> None:
        """Arrows to and from the note that stands for what is not drawn."""
        for groups in body:
            for array in self._reads(groups[0]):
                if array.name in self.boxes and array.buffer.role == "value":
                    self.edges[f"  {self.boxes[array.name].node} -> more [style=dashed]"] = None
            for statement in groups[0].statements:
                array = self.view.arrays.of(statement.store, statement.sizes)[0]
                if array.buffer.role == "output":
                    if array.name not in self.boxes:
                        self.boxes[array.name] = _Written(self._box([array]), number, 0)
                    self.edges[f"  more -> {self.boxes[array.name].node} [style=dashed]"] = None

    def _box(self, arrays: Sequence[Array]) -> str:
        """The box of an array, or of those that take turns in a loop."""
        array = arrays[0]
        names = list(dict.fromkeys(one.name for one in arrays))
        name = in_step(names) if len(names) > 1 else array.name
        kind = _KINDS.get(array.buffer.role, CONSTANT)
        self.kinds[kind] = None
        node = f"a{len(self.boxes)}_{len(self.titles)}"
        look = _LOOKS[kind]
        sizes = [*([SAMPLE] if array.buffer.per_sample else []), *map(str, array.shape)]
        between = " " if kind == BETWEEN else "\\n"  # leaves stand side by side, values below one another
        text = _in_dot(name) + (f"{between}[{', '.join(sizes)}]" if sizes else "")
        bold = "" if kind == BETWEEN else ', class="labelled"'
        self.lines.append(f'  {node} [label="{text}", fillcolor="{look.fill}", color="{look.line}"{bold}]')
        self.titles[node] = f"{array._replace(name=name)}: {look.legend}"
        return node

    def _reads(self, group: Group) -> list[Array]:
        """The arrays that the forward statements of a group fetch from memory."""
        return [self._at(group, *where) for where in self._places(group)]

    def _at(self, group: Group, number: int, position: int, looked_up: bool) -> Array:
        """The array at a place among the accesses of a group."""
        statement = group.statements[number]
        access = statement.accesses()[position]
        if looked_up and access.lookup is not None:
            access = direct(access.lookup)
        return self.view.arrays.of(access, statement.sizes)[0]

    def _places(self, group: Group) -> list[tuple[int, int, bool]]:
        """Where among the accesses of a group each array that it fetches comes first."""
        registers = registers_of(group)
        seen: set[Array] = set()
        found = []
        for number, statement in enumerate(group.statements):
            if is_backward(statement):
                continue
            for position, access in enumerate(statement.accesses()):
                lookups = [True] if access.lookup is not None and access.lookup.buffer.role == "input" else []
                for looked_up in [False, *lookups]:
                    array = self._at(group, number, position, looked_up)
                    is_read = looked_up or position > 0 or self._adds_to(group, statement, array)
                    if is_read and array not in seen and array.buffer not in registers and array.buffer.role in _KINDS:
                        seen.add(array)
                        found.append((number, position, looked_up))
            seen.add(self._at(group, number, 0, False))
        return found

    def _adds_to(self, group: Group, statement: Statement, array: Array) -> bool:
        """Whether a statement adds to what another group has begun."""
        return statement.accumulate and self._begun.get(array.name, group) is not group


def _forward(group: Group) -> list[Statement]:
    return [statement for statement in group.statements if not is_backward(statement)]


# --- what a group does, in words ----------------------------------------------------------------------------------------------------------


def _words(view: View, group: Group) -> Iterator[str]:
    """What the forward statements of a group do: `matmul over 16`, `relu`."""
    begun = set()
    for statement in _forward(group):
        value = plain(statement.value)
        if isinstance(value, Constant):
            continue
        inner = list(_functions(value))
        if any(access.lookup is not None for access in statement.value.loads()):
            yield "gather"
        yield from inner
        reduced = statement.sizes[len(group.sizes) :]
        if reduced:
            over = "x".join("samples" if size == BATCH else str(size) for size in reduced)
            yield f"{_kind(view, statement, len(group.sizes))} over {over}"
        elif not inner:
            yield from _signs(value)
        if statement.store.lookup is not None:
            yield "scatter"
        elif statement.accumulate and statement.store.buffer in begun and statement.reduction == "sum":
            yield "+"
        begun.add(statement.store.buffer)


def _kind(view: View, statement: Statement, parallel: int) -> str:
    """What a sum over axes is called."""
    if statement.reduction == "max":
        return "max"
    factors = []
    for factor in _factors(statement.value):
        axes = {axis for access in factor.loads() for axis, stride in enumerate(access.strides) if stride}
        if any(axis >= parallel for axis in axes):
            factors.append(axes)
    if len(factors) < 2:
        return "sum"
    for access in statement.value.loads():
        array, base, terms = view.arrays.of(access, statement.sizes)
        for _, steps in coordinates(array.shape, base, terms) or []:
            sides = {int(term.text) < parallel for term in steps if term.text.isdigit()}
            if len(sides) == 2:
                return "convolution"
    own = [{axis for axis in axes if axis < parallel} for axes in factors[:2]]
    if own[0] - own[1] and own[1] - own[0]:
        return "matmul"
    return "matrix-vector product" if own[0] != own[1] and parallel else "dot product"


def _factors(value: Expression) -> Iterator[Expression]:
    if isinstance(value, Apply) and value.primitive.name in ("*", "neg"):
        for operand in value.operands():
            yield from _factors(operand)
    else:
        yield value


def _functions(value: Expression) -> Iterator[str]:
    for part in value.parts():
        if isinstance(part, Apply) and part.primitive.name not in _SIGNS:
            exponent = part.operands()[-1]
            if part.primitive.name == "**":
                yield f"**{short(exponent.number)}" if isinstance(exponent, Constant) else "**"
            else:
                yield part.primitive.name


_SIGNS = {"+": "+", "-": "-", "*": "*", "/": "/", "neg": "-"}


def _signs(value: Expression) -> Iterator[str]:
    if isinstance(value, Load):
        return
    for part in value.parts():
        if isinstance(part, Apply):
            yield _SIGNS[part.primitive.name]


def _in_dot(text: str) -> str:
    """A text in quotes as DOT wants it; a long one keeps both of its ends."""
    text = "".join(character if character.isprintable() else "?" for character in text)
    if len(text) > LONGEST_NAME:
        text = f"{text[: LONGEST_NAME // 2]}…{text[-LONGEST_NAME // 2 :]}"
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def _wrapped(text: str) -> list[str]:
    lines = textwrap.wrap(text, WIDEST) or ["copy"]
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], f"{lines[MOST_LINES - 1][: WIDEST - 2]} …"]
