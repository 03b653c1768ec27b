"""The picture of exercise 2: whom Python asks for a product."""

from __future__ import annotations

from pathlib import Path

from schemes import FAINT, INK, arrow, box, card, line, text


def make(folder: Path) -> None:
    """Write the picture into a folder."""
    parts = [
        text(24, 30, "a = Value(3.0)", size=13, fill=FAINT),
        '<g transform="translate(0 14)">',
        text(24, 82, "2 * a", size=17, bold=True),
        arrow("M86 76L128 76"),
        box(134, 56, 190, 40, "constant"),
        text(229, 81, "(2).__mul__(a)", anchor="middle"),
        text(134, 48, "1. ask the left operand", size=12, fill=FAINT),
        arrow("M324 76L366 76"),
        text(374, 72, "NotImplemented:", size=13),
        text(374, 90, "“I do not know Values”", size=13),
        arrow("M430 98L430 116Q430 124 422 124L237 124Q229 124 229 132L229 152", dashed=True),
        box(134, 158, 190, 40, "parameter"),
        text(229, 183, "a.__rmul__(2)", anchor="middle"),
        text(340, 144, "2. ask the right operand", size=12, fill=FAINT),
        arrow("M324 178L366 178"),
        box(372, 158, 160, 40, "result"),
        text(452, 183, "Value(6.0)", anchor="middle"),
        line(24, 222, 596, 222, stroke="#d5dae0"),
        # a * 2
        text(24, 272, "a * 2", size=17, bold=True),
        arrow("M86 266L128 266"),
        box(134, 246, 190, 40, "parameter"),
        text(229, 271, "a.__mul__(2)", anchor="middle"),
        text(134, 238, "1. ask the left operand, and be done", size=12, fill=FAINT),
        arrow("M324 266L366 266"),
        box(372, 246, 160, 40, "result"),
        text(452, 271, "Value(6.0)", anchor="middle", fill=INK),
        "</g>",
    ]
    svg = card(
        620, 322, "for 2 * a, Python asks the int 2, which passes, and then a.__rmul__(2); for a * 2, a.__mul__(2) answers at once", parts
    )
    (folder / "02_operators.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
