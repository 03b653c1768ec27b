"""The picture of exercise 5b: one graph as lines of text, in DOT, and drawn."""

from __future__ import annotations

from pathlib import Path

from schemes import CARD_LINE, FAINT, arrow, box, card, line, text

DUMP = ("a = 3.0, grad 12.0", "b = 2.0, grad 9.0", "c = *(a, b) = 6.0, grad 3.0", "L = *(c, a) = 18.0, grad 1.0")
DOT = (
    "digraph {",
    '  n0 [label="a\\ndata 3\\ngrad 12"]',
    '  n1 [label="b\\ndata 2\\ngrad 9"]',
    '  n2 [label="c *\\ndata 6\\ngrad 3"]',
    '  n3 [label="L *\\ndata 18\\ngrad 1"]',
    "  n0 -> n2",
    "  n1 -> n2",
    "  n2 -> n3",
    "  n0 -> n3",
    "}",
)


def make(folder: Path) -> None:
    """Write the picture into a folder."""
    parts = [text(24, 32, "dump_graph(L)", bold=True), text(390, 32, "to_dot(L)", bold=True)]
    parts += [text(24, 64 + 22 * i, words, size=13) for i, words in enumerate(DUMP)]
    parts += [text(390, 64 + 22 * i, words.replace("  ", "\u00a0\u00a0"), size=13) for i, words in enumerate(DOT)]
    parts = ['<g style="font-variant-ligatures:none">', *parts, "</g>"]  # or -> may look like one character
    parts += [
        line(366, 18, 366, 280, stroke=CARD_LINE),
        line(18, 292, 686, 292, stroke=CARD_LINE),
        text(24, 318, "the same, drawn", size=13, fill=FAINT),
    ]
    nodes = (
        ("a", "input", 150, 336, "data 3", "grad 12"),
        ("b", "input", 150, 418, "data 2", "grad 9"),
        ("c *", "between", 310, 418, "data 6", "grad 3"),
        ("L *", "result", 470, 376, "data 18", "grad 1"),
    )
    for name, look, x, y, data, grad in nodes:
        parts.append(box(x, y, 90, 62, look))
        for i, words in enumerate((name, data, grad)):
            parts.append(text(x + 45, y + 18 + 18 * i, words, size=13, anchor="middle", bold=i == 0))
    parts += [arrow("M240 385L308 430"), arrow("M240 449L308 449"), arrow("M240 358C330 352 400 366 468 394"), arrow("M400 440L468 420")]
    label = "the graph of c = a * b and L = c * a as four lines of text, as a text in DOT, and drawn: a and b lead to c, c and a lead to L"
    (folder / "05b_inspecting.svg").write_text(card(704, 498, label, parts), encoding="utf-8")


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
