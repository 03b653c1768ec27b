"""The picture of exercise 1: a float, and a Value."""

from __future__ import annotations

from pathlib import Path

from schemes import FAINT, box, card, line, text


def make(folder: Path) -> None:
    """Write the picture into a folder."""
    parts = [
        text(30, 38, "x = 2.0", bold=True),
        box(30, 52, 120, 36, "constant"),
        text(90, 75, "2.0", anchor="middle"),
        text(30, 112, "a float:", size=13, fill=FAINT),
        text(30, 130, "the number,", size=13, fill=FAINT),
        text(30, 148, "nothing else", size=13, fill=FAINT),
        text(220, 38, "a = Value(2.0)", bold=True),
        box(220, 52, 170, 144, "input"),
        text(236, 76, "data"),
        text(374, 76, "2.0", anchor="end"),
        line(220, 88, 390, 88),
        text(236, 112, "grad"),
        text(374, 112, "0.0", anchor="end"),
        line(220, 124, 390, 124),
        box(230, 132, 150, 56, "between", dashed=True),
        text(305, 156, "how it", size=13, anchor="middle", fill=FAINT),
        text(305, 174, "was made", size=13, anchor="middle", fill=FAINT),
        text(408, 76, "the number", size=13),
        text(408, 112, "its gradient, not known yet", size=13),
        text(408, 156, "its notes: from exercise 3 on", size=13, fill=FAINT),
    ]
    svg = card(660, 216, "a float holds a number; a Value holds data, grad, and later how it was made", parts)
    (folder / "01_value.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
