"""The pictures of exercise 11: six sums as one product of matrices, and a program that the compiler found."""

from __future__ import annotations

import random
from pathlib import Path

from schemes import FAINT, arrow, box, card, text

import chainrule
from chainrule import MLP

CELL, HIGH = 50, 30
SAMPLE, NEURON = 1, 2  # what is told apart by a heavier line


def make(folder: Path) -> None:
    """Write the pictures into a folder."""
    (folder / "11_tensors.svg").write_text(product(), encoding="utf-8")
    (folder / "11_program.svg").write_text(program(), encoding="utf-8")


def grid(
    x: float, y: float, rows: int, columns: int, name: str, look: str, bold: tuple[int | None, int | None], flipped: bool = False
) -> list[str]:
    """An array as cells with names; those of a row, a column or both are bold."""
    parts = []
    for i in range(rows):
        for j in range(columns):
            heavy = bold != (None, None) and bold[0] in (None, i) and bold[1] in (None, j)
            indices = f"{j},{i}" if flipped else f"{i},{j}"
            words = f"{name}[{j}]" if name == "b" else f"{name}[{indices}]"
            cell = box(x + CELL * j, y + HIGH * i, CELL, HIGH, look)
            parts.append(cell.replace('stroke-width="1.3"', 'stroke-width="3"') if heavy else cell)
            parts.append(text(x + CELL * (j + 0.5), y + HIGH * i + 19, words, size=11.5, anchor="middle", bold=heavy))
    return parts


def product() -> str:
    """Sums of single numbers on the left, and what they are together on the right."""
    parts = [text(18, 34, "one number at a time", bold=True), text(400, 34, "all at once: Z = X @ W.T + b", bold=True)]
    y = 66
    for n in range(2):
        parts.append(text(18, y, f"sample {n}", size=12, fill=FAINT))
        for i in range(3):
            y += 24
            words = f"z[{n},{i}] = b[{i}] + x[{n},0]*w[{i},0] + x[{n},1]*w[{i},1]"
            parts.append(text(18, y, words, size=12, bold=(n, i) == (SAMPLE, NEURON)))
        y += 34
    left, top = 540, 66
    # the neuron's own column of W.T is drawn last, so that its heavy lines are not covered
    parts += sorted_last(grid(left, top, 2, 3, "w", "parameter", (None, NEURON), flipped=True))
    parts += sorted_last(grid(400, top + 84, 2, 2, "x", "input", (SAMPLE, None)))
    parts += sorted_last(grid(left, top + 84, 2, 3, "z", "result", (SAMPLE, NEURON)))
    parts += sorted_last(grid(left, top + 166, 1, 3, "b", "parameter", (None, NEURON)))
    parts.append(text(left - 12, top + 26, "W.T", anchor="end", bold=True))
    parts.append(text(left - 12, top + 44, "a column for each neuron", size=11, anchor="end", fill=FAINT))
    parts.append(text(400, top + 162, "X: a row per sample", size=11, fill=FAINT))
    parts.append(text(left - 12, top + 186, "b, added to every row", size=11, anchor="end", fill=FAINT))
    parts.append(arrow(f"M504 {top + 129}L534 {top + 129}"))
    parts.append(arrow(f"M{left + 2.5 * CELL} {top + 62}L{left + 2.5 * CELL} {top + 80}"))
    label = (
        "six sums such as z[1,2] = b[2] + x[1,0]*w[2,0] + x[1,1]*w[2,1] are one product of matrices, X @ W.T + b: "
        "row 1 of X and the column of neuron 2 in W.T meet in the cell z[1,2]"
    )
    return card(704, 284, label, parts)


def sorted_last(parts: list[str]) -> list[str]:
    """The cells with heavy lines after the others."""
    pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
    return [part for pair in sorted(pairs, key=lambda pair: 'stroke-width="3"' in pair[0]) for part in pair]


def program() -> str:
    """What is found in a network of three neurons and one."""
    model = MLP(2, [3, 1], activation="tanh", rng=random.Random(0))
    loss = chainrule.compile(lambda x, y: (model(x) - y) ** 2, batch="mean", target="generic")
    loss([[1.0, 2.0]], [1.0])
    return loss.program.draw().svg


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
