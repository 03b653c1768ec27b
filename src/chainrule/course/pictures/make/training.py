"""The pictures of exercise 8: a descent with three learning rates, and how the line between the moons comes about."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from chainrule import MLP
from chainrule.course.exercises import by_number
from chainrule.data import moons
from chainrule.plots import COLORS, MARKERS

INK, LINE = "#1b222b", "#d5dae0"
OURS: dict[str, Any] = {}
exec(by_number("8").work, OURS)

XS, TARGETS = np.array([-1.0, 0.5, 2.0]), np.array([-1.0, 0.5, 1.5])  # three points for a line w * x + b
START = (-0.9, 1.6)
RATES = ((0.03, "0.03: too small"), (0.25, "0.25: good"), (0.55, "0.55: too large"))
STEPS = 12


def make(folder: Path) -> None:
    """Write the pictures into a folder."""
    matplotlib.rcParams.update({"svg.hashsalt": "chainrule", "svg.fonttype": "path", "font.size": 11})
    (folder / "08_training.svg").write_text(descent(), encoding="utf-8")
    (folder / "08_training_moons.svg").write_text(boundaries(), encoding="utf-8")


def descent() -> str:
    """The loss over w and b as a map, and the ways of three learning rates on it."""
    w, b = np.meshgrid(np.linspace(-1.4, 2.6, 36), np.linspace(-2.0, 2.4, 36))
    loss = np.mean([(w * x + b - t) ** 2 for x, t in zip(XS, TARGETS, strict=True)], axis=0)
    figure = Figure(figsize=(9.0, 3.5), layout="constrained")
    for axes, (rate, title) in zip(figure.subplots(1, 3, sharey=True), RATES, strict=True):
        axes.contour(w, b, loss, levels=[0.1, 0.4, 1, 2, 3.5, 5.5, 8, 12], colors="#aab3bd", linewidths=0.8)
        way = [START]
        for _ in range(STEPS):
            here_w, here_b = way[-1]
            errors = here_w * XS + here_b - TARGETS
            way.append((here_w - rate * np.mean(2 * errors * XS), here_b - rate * np.mean(2 * errors)))
        path = np.array(way)
        colour = COLORS[0] if "good" in title else COLORS[1]
        axes.plot(path[:, 0], path[:, 1], "o-", color=colour, linewidth=1.4, markersize=4)
        axes.plot(*START, "o", color=INK, markersize=6)
        best = np.polyfit(XS, TARGETS, 1)
        axes.plot(*best, "x", color=INK, markersize=8, markeredgewidth=2)
        axes.set(xlabel="w", xlim=(-1.4, 2.6), ylim=(-2.0, 2.4))
        axes.set_title(f"learning rate {title}", fontsize=11.5)
    figure.axes[0].set_ylabel("b", rotation=0)
    return svg(figure, "three maps of the loss over w and b with 12 steps each: small steps that do not arrive, good ones, and a zigzag")


def boundaries() -> str:
    """What the network of the exercise says of the plane, at three moments of its training."""
    data = moons(30, noise=0.1, seed=1)
    points, targets = np.array(data.inputs), [2 * kind - 1 for kind in data.targets]
    model = MLP(2, [6, 1], activation="tanh", rng=random.Random(3))
    across, upward = np.linspace(-1.6, 2.6, 45), np.linspace(-1.1, 1.6, 36)
    figure = Figure(figsize=(9.0, 2.9), layout="constrained")
    for axes, (done, steps) in zip(figure.subplots(1, 3, sharey=True), ((0, 0), (30, 30), (120, 90)), strict=True):
        OURS["train"](model, data.inputs, targets, steps, 0.25)
        loss = OURS["loss_of"](model, data.inputs, targets).data
        says = np.array([[model([float(x), float(y)]).data for x in across] for y in upward])
        axes.contourf(across, upward, says > 0, levels=[-0.5, 0.5, 1.5], cmap=ListedColormap(COLORS[:2]), alpha=0.2)
        axes.contour(across, upward, says, levels=[0.0], colors="#333333", linewidths=1.4)
        for kind in (0, 1):
            chosen = points[[target == kind for target in data.targets]]
            axes.scatter(*chosen.T, s=26, color=COLORS[kind], marker=MARKERS[kind], edgecolor="white", linewidth=0.6)
        axes.set_title(f"{done} steps: loss {loss:.2f}" if done else f"before: loss {loss:.2f}", fontsize=11.5)
        axes.set(xticks=[-1, 0, 1, 2], yticks=[-1, 0, 1])
    return svg(figure, "30 points in two moons, and the line where the network says 0: before training, after 30 steps and after 120")


def svg(figure: Figure, label: str) -> str:
    """A figure as SVG text, with a label for those who cannot see it."""
    figure.set_facecolor("white")
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None}, facecolor="white")
    drawn = out.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<!--.*?-->\n? *|<metadata>.*?</metadata>\n? *", "", drawn, flags=re.DOTALL)
    # a tenth of a pixel is enough for every number but the scale of letters
    drawn = re.sub(
        r"scale\([^)]*\)|-?\d+\.\d{2,}",
        lambda match: match[0] if match[0].startswith("s") else f"{float(match[0]):.1f}".removesuffix(".0"),
        drawn,
    )
    width, height = (72 * length for length in figure.get_size_inches())
    size = f'width="{width:g}" height="{height:g}" style="max-width:100%;height:auto" role="img" aria-label="{label}"'
    drawn = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, drawn, count=1)
    return "\n".join(line.strip() for line in drawn.splitlines()) + "\n"


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
