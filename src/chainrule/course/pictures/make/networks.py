"""The picture of exercise 7: a network of two inputs and layers of 3, 4 and 1 neurons."""

from __future__ import annotations

from pathlib import Path

from schemes import FAINT, INK, LOOKS, card, text

XS = (90, 262, 434, 606)
MIDDLE, APART, RADIUS = 138, 58, 17
COLUMNS = (
    ("inputs", "", 2),
    ("layer 0", "tanh", 3),
    ("layer 1", "tanh", 4),
    ("layer 2", "linear", 1),
)
PARAMETERS = ("3 · (2 + 1) = 9", "4 · (3 + 1) = 16", "1 · (4 + 1) = 5")
CHOSEN = (2, 1)  # the neuron whose arrows are dark


def make(folder: Path) -> None:
    """Write the picture into a folder."""
    (folder / "07_networks.svg").write_text(network(), encoding="utf-8")


def network() -> str:
    """The network, one of its neurons with its weights."""
    places = [[(x, MIDDLE + APART * (row - (count - 1) / 2)) for row in range(count)] for x, (_, _, count) in zip(XS, COLUMNS, strict=True)]
    faint, dark = [], []
    for column in range(1, len(places)):
        for row, (x, y) in enumerate(places[column]):
            is_chosen = (column, row) == CHOSEN
            for px, py in places[column - 1]:
                width, stroke = (2.4, LOOKS["parameter"].line) if is_chosen else (1.0, "#b4bcc6")
                path = f'<path d="M{px + RADIUS} {py:g}L{x - RADIUS} {y:g}" stroke="{stroke}" stroke-width="{width}"/>'
                (dark if is_chosen else faint).append(path)
    parts = faint + dark
    for column, ((title, activation, count), nodes) in enumerate(zip(COLUMNS, places, strict=True)):
        look = LOOKS["result" if column == 3 else "between" if column else "constant"]
        for row, (x, y) in enumerate(nodes):
            is_chosen = (column, row) == CHOSEN
            fill, edge, width = (LOOKS["parameter"].fill, LOOKS["parameter"].line, 2.4) if is_chosen else (look.fill, look.line, 1.3)
            parts.append(f'<circle cx="{x}" cy="{y:g}" r="{RADIUS}" fill="{fill}" stroke="{edge}" stroke-width="{width}"/>')
            if not column:
                parts.append(text(x, y + 4, f"x[{row}]", size=11, anchor="middle"))
        x = XS[column]
        parts.append(text(x, 24, title, size=14, anchor="middle", bold=True))
        if column:
            neurons = f"{count} neuron" + ("s" if count > 1 else "")
            parts.append(text(x, 278, f"{neurons}, {activation}", size=12, anchor="middle"))
            parts.append(text(x, 298, PARAMETERS[column - 1], size=12, anchor="middle", fill=LOOKS["parameter"].line))
        else:
            parts.append(text(x, 278, "2 numbers", size=12, anchor="middle"))
            parts.append(text(x, 298, "parameters:", size=12, anchor="middle", fill=LOOKS["parameter"].line))
    parts.append(
        f'<path d="M{XS[3] + RADIUS} {MIDDLE}L{XS[3] + RADIUS + 26} {MIDDLE}" stroke="{INK}" stroke-width="1.4" marker-end="url(#head)"/>'
    )
    parts.append(text(XS[3] + RADIUS + 30, MIDDLE + 4, "out", size=13, bold=True))
    parts.append(
        text(352, 328, "every line is a weight; the marked neuron has three, and a bias of its own", size=12, anchor="middle", fill=FAINT)
    )
    label = (
        "two inputs, then layers of 3, 4 and 1 neurons; a line from every node to every neuron of the next layer; "
        "the layers have 9, 16 and 5 parameters"
    )
    return card(704, 344, label, parts)


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
