"""The picture of exercise 5: exp, tanh and relu, and their slopes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from schemes import CARD_LINE, FAINT, LOOKS, card, line, text

if TYPE_CHECKING:
    from collections.abc import Callable

CURVE, SLOPE = LOOKS["parameter"].line, LOOKS["result"].line
SIDE, LEFT, TOP, GAP = 196.0, 26.0, 44.0, 36.0
FROM, TO, LOW, HIGH = -3.0, 3.0, -1.5, 3.5


def make(folder: Path) -> None:
    """Write the picture into a folder."""
    parts = []
    for number, (name, function, slope, points) in enumerate(
        (
            ("exp(x)", math.exp, math.exp, 80),
            ("tanh(x)", math.tanh, lambda x: 1 - math.tanh(x) ** 2, 80),
            ("relu(x)", lambda x: max(0.0, x), lambda x: 1.0 if x > 0 else 0.0, 600),
        )
    ):
        parts += [f'<g transform="translate({LEFT + number * (SIDE + GAP):g} {TOP:g})">', *panel(function, slope, points)]
        parts += [text(SIDE / 2, -14, name, anchor="middle", bold=True), "</g>"]
    below = TOP + SIDE + 46
    parts += [
        f'<path d="M{LEFT} {below - 5}h34" stroke="{CURVE}" stroke-width="2.4"/>',
        text(LEFT + 42, below, "the function", size=13),
        f'<path d="M{LEFT + 180} {below - 5}h34" stroke="{SLOPE}" stroke-width="2.4" stroke-dasharray="6 4"/>',
        text(LEFT + 222, below, "its slope (on exp, the same curve)", size=13),
    ]
    label = (
        "exp is its own slope; tanh goes from -1 to 1 and its slope is 1 at 0 and near 0 far away; "
        "relu is 0 with slope 0 for negative x, and x with slope 1 for positive x"
    )
    svg = card(716, int(below + 18), label, parts)
    (folder / "05_operations.svg").write_text(svg, encoding="utf-8")


def panel(function: Callable[[float], float], slope: Callable[[float], float], points: int) -> list[str]:
    """Axes, the function and its slope."""
    parts = []
    for x in range(-3, 4):
        parts.append(line(across(x), 0, across(x), SIDE, stroke=FAINT if x == 0 else CARD_LINE))
        if x % 2 or x == 0:
            parts.append(text(across(x), SIDE + 16, str(x), size=11, anchor="middle", fill=FAINT))
    for y in range(-1, 4):
        parts.append(line(0, up(y), SIDE, up(y), stroke=FAINT if y == 0 else CARD_LINE))
        parts.append(text(-6, up(y) + 4, str(y), size=11, anchor="end", fill=FAINT))
    parts.append(curve(function, points, f'stroke="{CURVE}" stroke-width="2.4"'))
    parts.append(curve(slope, points, f'stroke="{SLOPE}" stroke-width="2.4" stroke-dasharray="6 4"'))
    return parts


def across(x: float) -> float:
    """Where x is in a panel."""
    return (x - FROM) / (TO - FROM) * SIDE


def up(y: float) -> float:
    """Where y is in a panel."""
    return (HIGH - y) / (HIGH - LOW) * SIDE


def curve(function: Callable[[float], float], points: int, style: str) -> str:
    """A curve, as far as it is in the panel. Points in a straight line with their neighbours are left out."""
    xs = [FROM + (TO - FROM) * i / points for i in range(points + 1)]
    inside = [(across(x), up(function(x))) for x in xs if LOW <= function(x) <= HIGH]
    kept = [
        here
        for before, here, after in zip([inside[0], *inside], inside, [*inside[1:], None], strict=False)
        if after is None or abs((here[1] - before[1]) - (after[1] - here[1])) > 1e-9 or here is inside[0]
    ]
    return f'<path d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in kept)}" fill="none" {style}/>'


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
