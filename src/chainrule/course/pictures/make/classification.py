"""The pictures of exercise 9: from logits to the loss, and three ways down a valley."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from figures import save
from matplotlib.figure import Figure

from chainrule import SGD, Adam, Value, softmax
from chainrule.plots import COLORS

BLUE, RED, GREEN, PINK = COLORS[:4]
LOGITS = (2.0, 1.0, -1.0)
WALKS = (
    ("plain, lr = 0.02", RED, lambda params: SGD(params, lr=0.02)),
    ("momentum 0.8, lr = 0.02", GREEN, lambda params: SGD(params, lr=0.02, momentum=0.8)),
    ("Adam, lr = 0.2", BLUE, lambda params: Adam(params, lr=0.2)),
)


def softmax_figure() -> Figure:
    """Three logits, their exponentials, their probabilities, and the loss that goes with each target."""
    exponentials = [math.exp(x) for x in LOGITS]
    probabilities = [p.data for p in softmax([Value(x) for x in LOGITS])]
    losses = [-math.log(p) for p in probabilities]
    panels = (
        ("logits x", LOGITS, "{:g}"),
        ("exp(x): positive", exponentials, "{:.2f}"),
        ("divided by the sum: p", probabilities, "{:.3f}"),
        ("the loss, -log(p), if this\nclass is the target", losses, "{:.2f}"),
    )
    figure = Figure(figsize=(9.4, 2.9), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    for axes, (title, numbers, form) in zip(figure.subplots(1, 4), panels, strict=True):
        color = RED if title.startswith("the loss") else BLUE
        axes.bar(range(3), numbers, color=color, width=0.62)
        low, high = min(0.0, *numbers), max(numbers)
        axes.set_ylim(low - 0.14 * (high - low) * (low < 0), high + 0.16 * (high - low))
        for k, number in enumerate(numbers):
            above = number >= 0
            axes.annotate(
                form.format(number),
                (k, number),
                xytext=(0, 3 if above else -3),
                textcoords="offset points",
                ha="center",
                va="bottom" if above else "top",
                fontsize=11,
            )
        axes.axhline(0, color="#555555", linewidth=0.8)
        axes.set_title(title, fontsize=11)
        axes.set_xticks(range(3), [f"class {k}" for k in range(3)], fontsize=10)
        axes.tick_params(axis="x", length=0)
        axes.set_yticks([])
        axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    return figure


def walk(make: Any, steps: int = 30) -> np.ndarray:
    """Where an optimiser goes in the valley of the exercise."""
    x, y = Value(-2.0), Value(0.8)
    optimizer = make([x, y])
    places = [(x.data, y.data)]
    for _ in range(steps):
        height = 0.5 * (x**2 + 20 * y**2)
        height.backward()
        optimizer.step()
        places.append((x.data, y.data))
    return np.array(places)


def valley_figure() -> Figure:
    """The three walks over lines of equal height."""
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    axes = figure.subplots()
    across, upward = np.meshgrid(np.linspace(-2.3, 1.0, 120), np.linspace(-0.75, 1.15, 90))
    axes.contour(across, upward, 0.5 * (across**2 + 20 * upward**2), levels=[0.05, 0.3, 0.9, 2, 4, 7], colors="#cfd5db", linewidths=1)
    for name, color, make in WALKS:
        places = walk(make)
        axes.plot(*places.T, color=color, linewidth=1.6, marker="o", markersize=3.4, label=name)
    axes.plot(0, 0, marker="*", color="#1b222b", markersize=13, zorder=5)
    line = {"arrowstyle": "-", "color": "#6b7580"}
    axes.annotate("lowest point", (0.01, -0.05), xytext=(0.1, -0.6), fontsize=11, arrowprops=line)
    axes.annotate("start", (-2.0, 0.8), xytext=(-6, 6), textcoords="offset points", fontsize=11, ha="right")
    axes.set_title("30 steps in the valley (x**2 + 20 * y**2) / 2", fontsize=12)
    axes.set_xlabel("x", fontsize=11)
    axes.set_ylabel("y", fontsize=11)
    axes.legend(frameon=False, fontsize=11, loc="upper right", ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def make(folder: Path) -> None:
    """Write the pictures into a folder."""
    save(softmax_figure(), folder / "09_classification.svg", "from logits to probabilities to the loss")
    save(valley_figure(), folder / "09_optimisers.svg", "three optimisers in a narrow valley")


if __name__ == "__main__":
    make(Path(__file__).parents[1])
