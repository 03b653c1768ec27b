"""The pictures of exercise 4: gradients filled in step by step, and the order in which that is done."""

from __future__ import annotations

from pathlib import Path

from schemes import CARD_LINE, FAINT, LOOKS, arrow, box, card, line, text

BACK = LOOKS["result"].line
HEADS = (
    f'<defs><marker id="back" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="5" markerHeight="5" orient="auto">'
    f'<path d="M0 0L10 5L0 10z" fill="{BACK}"/></marker>'
    f'<marker id="faint" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" markerHeight="6" orient="auto">'
    f'<path d="M0 0L10 5L0 10z" fill="{FAINT}"/></marker></defs>'
)
WIDTH, HEIGHT, ROW = 94, 42, 140
PLACES = {"a": (206, 16), "b": (206, 84), "c": (344, 84), "d": (462, 16), "L": (592, 50)}
DATA = {"a": "a = 3", "b": "b = 2", "c": "c = 6", "d": "d = 9", "L": "L = 54"}
# from an operand to its result: the two ends, and where the amount that comes back is written
EDGES = {
    "ac": ((300, 50), (344, 92), (342, 71)),
    "bc": ((300, 105), (344, 105), (322, 121)),
    "ad": ((300, 32), (462, 32), (381, 26)),
    "cd": ((424, 84), (470, 58), (434, 66)),
    "cL": ((438, 108), (592, 82), (520, 112)),
    "dL": ((556, 34), (592, 58), (584, 38)),
}
STEPS = (
    ("Start", ("every gradient is 0,", "but dL/dL = 1"), "L", {}, {"L": "1"}),
    ("L = c * d", ("to c: d · 1 = 9", "to d: c · 1 = 6"), "L", {"cL": "+9", "dL": "+6"}, {"L": "1", "c": "9", "d": "6"}),
    ("d = c + a", ("to c: 1 · 6 = 6", "to a: 1 · 6 = 6"), "d", {"cd": "+6", "ad": "+6"}, {"L": "1", "c": "9+6=15", "d": "6", "a": "6"}),
    (
        "c = a * b",
        ("to a: b · 15 = 30", "to b: a · 15 = 45"),
        "c",
        {"ac": "+30", "bc": "+45"},
        {"L": "1", "c": "15", "d": "6", "a": "6+30=36", "b": "45"},
    ),
)


def make(folder: Path) -> None:
    """Write the pictures into a folder."""
    (folder / "04_backpropagation.svg").write_text(steps(), encoding="utf-8")
    (folder / "04_order.svg").write_text(order(), encoding="utf-8")


def steps() -> str:
    """The graph four times, with more and more gradients."""
    parts = [HEADS]
    for number, (title, lines, active, amounts, gradients) in enumerate(STEPS):
        parts.append(f'<g transform="translate(0 {number * ROW + 6})">')
        if number:
            parts.append(line(14, -2, 690, -2, stroke=CARD_LINE))
        parts.append(text(18, 40, f"{number}. {title}", bold=True))
        parts += [text(18, 66 + 20 * i, words, size=13) for i, words in enumerate(lines)]
        for edge, (tail, head, place) in EDGES.items():
            if edge in amounts:
                parts.append(
                    f'<path d="M{head[0]} {head[1]}L{tail[0]} {tail[1]}" fill="none" stroke="{BACK}" stroke-width="2.2" '
                    f'marker-end="url(#back)"/>'
                )
                parts.append(text(*place, amounts[edge], size=13, anchor="middle", fill=BACK, bold=True))
            else:
                parts.append(
                    f'<path d="M{tail[0]} {tail[1]}L{head[0]} {head[1]}" fill="none" stroke="{FAINT}" stroke-width="1" '
                    f'marker-end="url(#faint)"/>'
                )
        for name, (x, y) in PLACES.items():
            look = "result" if name == active else "input" if name in "ab" else "between"
            parts.append(box(x, y, WIDTH, HEIGHT, look))
            parts.append(text(x + WIDTH / 2, y + 17, DATA[name], size=13, anchor="middle", bold=True))
            parts.append(text(x + WIDTH / 2, y + 34, f"grad {gradients.get(name, '0')}", size=12, anchor="middle"))
        parts.append("</g>")
    label = (
        "four steps: L begins with the gradient 1; L = c * d passes 9 to c and 6 to d; d = c + a passes 6 to c, making 15, and 6 to a; "
        "c = a * b passes 30 to a, which makes 36, and 45 to b"
    )
    return card(704, 4 * ROW + 8, label, parts)


def order() -> str:
    """The nodes in a row, with every arrow pointing to the right."""
    xs = {name: 34 + 136 * place for place, name in enumerate("abcdL")}
    parts = [HEADS]
    for edge, height in {"ac": 62, "bc": 26, "ad": 92, "cd": 26, "cL": 62, "dL": 26}.items():
        tail, head = xs[edge[0]] + 64, xs[edge[1]] + 20
        parts.append(arrow(f"M{tail} 112C{tail + 8} {112 - height} {head - 8} {112 - height} {head} 112"))
    for name, x in xs.items():
        look = "result" if name == "L" else "input" if name in "ab" else "between"
        parts += [
            box(x, 114, 84, 34, look),
            text(x + 42, 136, {"c": "c = a*b", "d": "d = c+a", "L": "L = c*d"}.get(name, name), anchor="middle"),
        ]
    parts.append(f'<path d="M662 176L34 176" fill="none" stroke="{BACK}" stroke-width="2.2" marker-end="url(#back)"/>')
    parts.append(text(348, 198, "backward() goes this way: whoever uses c comes before c", size=13, anchor="middle", fill=BACK))
    return card(704, 214, "a, b, c, d and L in a row, so that every arrow points to the right; backward goes to the left", parts)


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
