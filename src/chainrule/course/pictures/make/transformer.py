"""The pictures of exercise 12: how the vectors pass the block, and where a trained model looks."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from schemes import FAINT, INK, arrow, box, card, line, text

import chainrule
from chainrule import Adam, fit
from chainrule.course.exercises import by_number

LINE = 86  # where the vectors pass
LETTERS = "aoueiklmnrst"


def make(folder: Path) -> None:
    """Write the pictures into a folder."""
    (folder / "12_transformer.svg").write_text(block(), encoding="utf-8")
    (folder / "12_attention.svg").write_text(attention(), encoding="utf-8")


def named(x: float, y: float, width: float, words: str, look: str = "between") -> list[str]:
    """A box with a word in it."""
    return [box(x, y, width, 30, look), text(x + width / 2, y + 19, words, size=12, anchor="middle")]


def plus(x: float, y: float) -> list[str]:
    """Where two vectors are added."""
    return [
        f'<circle cx="{x:g}" cy="{y:g}" r="11" fill="#ffffff" stroke="{INK}" stroke-width="1.4"/>',
        line(x - 6, y, x + 6, y, stroke=INK),
        line(x, y - 6, x, y + 6, stroke=INK),
    ]


def block() -> str:
    """From tokens to scores."""
    parts = [
        *named(16, 42, 80, "token", "parameter"),
        *named(16, 100, 80, "position", "parameter"),
        arrow(f"M96 57L120 57Q128 57 128 {LINE - 12}"),
        arrow(f"M96 115L120 115Q128 115 128 {LINE + 12}"),
        *plus(128, LINE),
        f'<rect x="152" y="22" width="338" height="226" rx="8" fill="none" stroke="{FAINT}" stroke-dasharray="5 4"/>',
        text(164, 42, "block", size=13, bold=True),
    ]
    for left, words, note in (
        (166, "attention", "no looking ahead"),
        (330, "perceptron", "each for itself"),
    ):
        parts += [
            arrow(f"M{left + 36} {LINE}L{left + 36} 120"),
            *named(left, 122, 74, "rmsnorm"),
            arrow(f"M{left + 36} 152L{left + 36} 178"),
            *named(left, 180, 148, words, "parameter"),
            arrow(f"M{left + 124} 180L{left + 124} {LINE + 12}"),
        ]
        parts.append(text(left + 74, 228, note, size=11, anchor="middle", fill=FAINT))
    for begin, end in ((139, 278), (301, 442), (465, 508), (582, 604)):
        parts.append(arrow(f"M{begin} {LINE}L{end} {LINE}"))
    parts += [*plus(290, LINE), *plus(454, LINE)]
    parts += [
        *named(508, LINE - 15, 74, "rmsnorm"),
        *named(606, LINE - 15, 80, "unembed", "parameter"),
        arrow(f"M646 {LINE + 15}L646 178"),
        *named(606, 180, 80, "scores", "result"),
        text(686, 228, "for each next token", size=11, anchor="end", fill=FAINT),
    ]
    label = (
        "the rows for token and position are added; in the block, attention of the normalised vector is added, then the perceptron of "
        "the normalised sum; after a last normalisation, unembed gives the scores"
    )
    return card(704, 264, label, parts)


def trained() -> tuple[dict[str, Any], Any, str]:
    """The names of the solution, a model that has been trained as in the exercise, and a word."""
    names: dict[str, Any] = {}
    for cell in by_number("12").solution_cells():
        if "work" in cell.tags:
            exec(cell.text, names)
    rng = random.Random(1)

    def invent() -> str:
        vowels = rng.choice(["aou", "ei"])
        return "".join(rng.choice("klmnrst") + rng.choice(vowels) for _ in range(3))

    words = [invent() for _ in range(500)]
    data = [[0, *(LETTERS.index(letter) + 1 for letter in word), 0] for word in words]
    model = names["Transformer"](tokens=13, positions=8, rng=random.Random(0))
    loss = chainrule.compile(lambda tokens: names["loss_of"](model, tokens), batch="mean", target="generic")
    fit(loss, (data,), optimizer=Adam(model.parameters(), lr=0.02), epochs=40, batch_size=20, rng=random.Random(3))
    return names, model, words[0]


def attention() -> str:
    """How much each position of a word looks at which, for both heads."""
    names, model, word = trained()
    tokens = [0, *(LETTERS.index(letter) + 1 for letter in word)]
    letters = "." + word
    xs = [names["rmsnorm"](names["add"](model.token[t], place)) for t, place in zip(tokens, model.position, strict=False)]
    queries, keys = ([names["linear"](matrix, x) for x in xs] for matrix in (model.query, model.key))
    half, cell, top = len(xs[0]) // 2, 36, 84
    parts = [text(18, 32, f"where it looks while it writes {word}", bold=True)]
    for head in range(2):
        left = 70 + head * 346
        part = slice(head * half, (head + 1) * half)
        parts.append(text(left - 4, 60, f"head {head}", size=13, bold=True))
        for s, letter in enumerate(letters):
            parts.append(text(left + cell * (s + 0.5), top - 6, letter, size=14, anchor="middle"))
        for t, letter in enumerate(letters):
            parts.append(text(left - 8, top + cell * (t + 0.5) + 5, letter, size=14, anchor="end"))
            units = [names["vector"](*(float(i == j) for j in range(t + 1))) for i in range(t + 1)]
            weights = names["attend"](queries[t][part], [key[part] for key in keys[: t + 1]], units)
            for s in range(len(letters)):
                x, y = left + cell * s, top + cell * t
                if s > t:
                    parts.append(f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="none" stroke="#e3e7ec"/>')
                    continue
                share = weights[s].data
                fill = "#" + "".join(f"{round(light + (dark - light) * share):02x}" for light, dark in ((255, 31), (255, 95), (255, 176)))
                parts.append(f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="{fill}" stroke="#c4ccd6"/>')
                ink = "#ffffff" if share > 0.6 else INK
                parts.append(text(x + cell / 2, y + 22, f"{100 * share:.0f}", size=11, anchor="middle", fill=ink))
    parts.append(text(18, top + 7 * cell + 26, "A row: after reading this letter, how many percent look at each letter so far.", size=12))
    parts.append(text(18, top + 7 * cell + 44, "After m and n a vowel comes next, and both heads look back at an earlier vowel.", size=12))
    return card(704, top + 7 * cell + 60, f"attention of two heads in the word {word}", parts)


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
