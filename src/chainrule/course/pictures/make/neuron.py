"""The picture of exercise 6: a neuron in numbers, and the three activations."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from schemes import CARD_LINE, FAINT, LOOKS, arrow, box, card, line, text

CURVE = LOOKS["input"].line
POINT = LOOKS["result"].line
SUM = -1.75
SPAN = 3.0  # the activations are drawn from minus this to this
WIDE, HIGH, UNIT = 190, 118, 26.0  # a panel, and how long 1 is in it


def make(folder: Path) -> None:
    """Write the picture into a folder."""
    (folder / "06_neuron.svg").write_text(neuron(), encoding="utf-8")


def neuron() -> str:
    """The neuron above, the activations below."""
    parts = []
    for row, (x, w, product) in enumerate((("x[0] = 2", "w[0] = 0.5", "0.5 · 2 = 1"), ("x[1] = 3", "w[1] = -1", "-1 · 3 = -3"))):
        y = 40 + 56 * row
        parts += [
            box(16, y, 86, 34, "constant"),
            text(59, y + 22, x, size=13, anchor="middle"),
            arrow(f"M102 {y + 17}L224 {y + 17}"),
            text(159, y + 10, w, size=13, anchor="middle", fill=LOOKS["parameter"].line, bold=True),
            box(224, y, 110, 34, "between"),
            text(279, y + 22, product, size=13, anchor="middle"),
            arrow(f"M334 {y + 17}C366 {y + 17} 366 {(96, 106)[row]} 398 {(96, 106)[row]}"),
        ]
    parts += [
        box(224, 152, 110, 34, "parameter"),
        text(279, 174, "b = 0.25", size=13, anchor="middle", bold=True),
        arrow("M334 169C366 169 366 116 398 116"),
        box(398, 80, 156, 52, "between"),
        text(476, 101, "sum", size=13, anchor="middle", fill=FAINT),
        text(476, 120, "1 - 3 + 0.25 = -1.75", size=12, anchor="middle"),
        arrow("M554 106L598 106"),
        text(576, 98, "tanh", size=13, anchor="middle", fill=CURVE, bold=True),
        box(598, 80, 90, 52, "result"),
        text(643, 101, "out", size=13, anchor="middle", bold=True),
        text(643, 120, "-0.941", size=13, anchor="middle"),
    ]
    for x, words in ((59, "inputs"), (279, "products, and bias"), (476, "added up"), (643, "bent")):
        parts.append(text(x, 24, words, size=12, anchor="middle", fill=FAINT))
    parts.append(line(12, 204, 692, 204, stroke=CARD_LINE))
    activations: tuple[tuple[str, Callable[[float], float], str], ...] = (
        ("tanh", math.tanh, "-0.941"),
        ("relu", lambda x: max(0.0, x), "0"),
        ("linear", lambda x: x, "-1.75"),
    )
    for number, (name, function, result) in enumerate(activations):
        parts += panel(24 + 233 * number, 242, name, function, result)
    label = (
        "a neuron: the inputs 2 and 3 are multiplied by the weights 0.5 and -1, the products 1 and -3 and the bias 0.25 make -1.75, "
        "and tanh makes -0.941 of it; below, the curves of tanh, relu and linear, which make -0.941, 0 and -1.75 of the same sum"
    )
    return card(704, 384, label, parts)


def panel(left: float, top: float, name: str, function: Callable[[float], float], result: str) -> list[str]:
    """An activation's curve, with what it makes of the sum."""
    middle_x, middle_y = left + WIDE / 2, top + HIGH / 2

    def place(x: float) -> tuple[float, float]:
        return middle_x + UNIT * x, middle_y - UNIT * max(-2.2, min(2.2, function(x)))

    steps = [-SPAN + SPAN * k / 30 for k in range(61)]
    shown = [x for x in steps if abs(function(x)) <= 2.2]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in map(place, shown))
    px, py = place(SUM)
    return [
        text(left, top - 14, name, size=14, bold=True, fill=CURVE),
        text(
            left + WIDE,
            top - 14,
            f"{name}(-1.75) = {result}" if name != "linear" else f"-1.75 stays {result}",
            size=12,
            anchor="end",
            fill=POINT,
        ),
        line(middle_x - UNIT * SPAN, middle_y, middle_x + UNIT * SPAN, middle_y),
        line(middle_x, top, middle_x, top + HIGH),
        *(line(middle_x - 3, middle_y - UNIT * k, middle_x + 3, middle_y - UNIT * k) for k in (-2, -1, 1, 2)),
        *(line(middle_x + UNIT * k, middle_y - 3, middle_x + UNIT * k, middle_y + 3) for k in (-3, -2, -1, 1, 2, 3)),
        text(middle_x + 6, middle_y - UNIT + 4, "1", size=11, fill=FAINT),
        text(middle_x + UNIT, middle_y + 15, "1", size=11, anchor="middle", fill=FAINT),
        f'<path d="M{path}" fill="none" stroke="{CURVE}" stroke-width="2.4" stroke-linecap="round"/>',
        f'<path d="M{px:.1f} {middle_y:.1f}L{px:.1f} {py:.1f}" stroke="{POINT}" stroke-width="1.2" stroke-dasharray="3 3"/>',
        f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4.5" fill="{POINT}" stroke="#ffffff" stroke-width="1.2"/>',
    ]


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
