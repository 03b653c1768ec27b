"""The pictures of exercise 3: a graph, and the objects that it consists of."""

from __future__ import annotations

from pathlib import Path

from schemes import FAINT, arrow, box, card, line, text

from chainrule import Value, draw


def make(folder: Path) -> None:
    """Write the pictures into a folder."""
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    result = a * b + c
    result.label = "L"
    draw(result).save(folder / "03_graph.svg")
    (folder / "03_parents.svg").write_text(objects(), encoding="utf-8")


def made(x: float, y: float, look: str, label: str, data: str, operation: str, parents: str) -> list[str]:
    """An object with its attributes; 150 wide and 104 high."""
    rows = (("label", label), ("data", data), ("operation", operation), ("parents", parents))
    parts = [box(x, y, 150, 104, look)]
    for i, (name, held) in enumerate(rows):
        parts += [
            text(x + 10, y + 18 + 26 * i, name, size=12.5, fill="#39424e"),
            text(x + 140, y + 18 + 26 * i, held, size=13, anchor="end"),
        ]
        parts += [line(x, y + 26 * i, x + 150, y + 26 * i)] if i else []
    return parts


def objects() -> str:
    """The objects, and what leads from each to its parents."""
    parts = [
        *made(20, 20, "input", '"a"', "2.0", '""', "()"),
        *made(20, 144, "input", '"b"', "-3.0", '""', "()"),
        *made(20, 268, "input", '"c"', "10.0", '""', "()"),
        *made(265, 82, "between", '""', "-6.0", '"*"', "(•, •)"),
        *made(510, 175, "result", '"L"', "4.0", '"+"', "(•, •)"),
        # from the dots in the parents' row to the parents; the first dot is at 114 of 150, the second at 132
        arrow("M265 173C225 173 230 80 174 72"),
        arrow("M265 173C235 173 225 196 174 196"),
        arrow("M510 266C465 266 475 150 419 134"),
        arrow("M510 266C420 266 400 320 174 320"),
        text(419, 40, "The arrows are what the objects", size=12, fill=FAINT),
        text(419, 57, "hold: from L back to the leaves.", size=12, fill=FAINT),
    ]
    label = "the objects a, b, c, the product and L; L holds the product and c as its parents, the product holds a and b"
    return card(680, 392, label, parts)


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
