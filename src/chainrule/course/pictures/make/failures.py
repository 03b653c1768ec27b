"""The pictures of exercise 10: four failures and their mending, from runs with the exercise's own functions."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from figures import save
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chainrule import MLP
from chainrule.course.exercises import by_number
from chainrule.data import moons, standardization
from chainrule.plots import COLORS

GOOD, BAD = COLORS[0], COLORS[1]
OURS: dict[str, Any] = {}
exec(by_number("10").work, OURS)

DATA = moons(40, noise=0.1, seed=1)
POINTS, TARGETS = DATA.inputs, [2 * target - 1 for target in DATA.targets]


def loss_of(model: MLP, inputs: Sequence[Any]) -> Any:
    """The mean squared error."""
    return sum((model(x) - y) ** 2 for x, y in zip(inputs, TARGETS, strict=True)) / len(inputs)


def train(
    model: MLP, inputs: Sequence[Any], rate: float, steps: int, clip: float | None = None, look: Callable[..., float] | None = None
) -> tuple[list[float], list[float]]:
    """The losses, and what was seen at each step."""
    losses, seen = [], []
    for _ in range(steps):
        loss = loss_of(model, inputs)
        loss.backward()
        losses.append(loss.data)
        if look is not None:
            seen.append(look(model, inputs))
        if clip is not None:
            OURS["clip_gradients"](model.parameters(), clip)
        for p in model.parameters():
            p.data -= rate * p.grad
    return losses, seen


def panels(first: str, second: str) -> tuple[Figure, Axes, Axes]:
    """A figure of two panels with titles."""
    figure = Figure(figsize=(9.0, 3.1), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    left, right = figure.subplots(1, 2)
    for axes, title in ((left, first), (right, second)):
        axes.set_title(title, fontsize=12)
        axes.grid(color="#e3e6ea", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=10)
    return figure, left, right


def dead() -> Figure:
    """A learning rate that kills relus, and one that does not."""
    figure, left, right = panels("dead hidden neurons", "loss")
    for rate, color in ((0.5, BAD), (0.1, GOOD)):
        losses, shares = train(MLP(2, [8, 8, 1], rng=random.Random(3)), POINTS, rate, 40, look=OURS["dead_relus"])
        left.plot([100 * share for share in shares], color=color, linewidth=2)
        right.plot(losses, color=color, linewidth=2, label=f"learning rate {rate}")
    left.set_ylim(-3, 103)
    left.yaxis.set_major_formatter("{x:.0f}%")
    right.set_yscale("log")
    right.set_yticks([0.2, 0.5, 1, 3, 10, 30], ["0.2", "0.5", "1", "3", "10", "30"])
    right.minorticks_off()
    for axes in (left, right):
        axes.set_xlabel("step", fontsize=11)
    right.legend(frameon=False, fontsize=11)
    return figure


def saturation() -> Figure:
    """Raw inputs and scaled ones."""
    figure, left, right = panels("outputs of the first layer, before training", "loss")
    raw = [[170 + 10 * x, 70 + 10 * y] for x, y in POINTS]
    for name, inputs, color in (("raw inputs, around 170 and 70", raw, BAD), ("scaled inputs", standardization(raw).apply(raw), GOOD)):
        model = MLP(2, [8, 8, 1], activation="tanh", init=OURS["initial_weight"], rng=random.Random(2))
        outputs = [output for x in inputs for output in OURS["hidden_outputs"](model, x)[0]]
        left.hist(outputs, bins=[k / 10 for k in range(-10, 11)], color=color, alpha=0.75)
        losses, _ = train(model, inputs, 0.1, 40)
        right.plot(losses, color=color, linewidth=2, label=name)
    left.set_xlabel("output of tanh", fontsize=11)
    left.set_xticks([-1, -0.5, 0, 0.5, 1])
    left.set_ylabel("how many", fontsize=11)
    right.set_ylim(0, 1.15)
    right.set_xlabel("step", fontsize=11)
    right.legend(frameon=False, fontsize=11, loc="lower left")
    return figure


def exploding() -> Figure:
    """Eight layers with weights between -1 and 1, with scaled ones, and with clipping."""
    figure, left, right = panels("norm of the gradients, layer by layer", "loss")

    def deep(**options: Any) -> MLP:
        return MLP(2, [16] * 7 + [1], rng=random.Random(0), **options)

    for color, options in ((BAD, {}), (GOOD, {"init": OURS["initial_weight"]})):
        model = deep(**options)
        loss_of(model, POINTS).backward()
        left.plot(range(1, 9), OURS["gradient_norms"](model), color=color, linewidth=2, marker="o", markersize=5)
    left.set_yscale("log")
    left.minorticks_off()
    left.set_xticks(range(1, 9))
    left.set_xlabel("layer", fontsize=11)
    runs = (
        ("weights from -1 to 1", BAD, "-", deep(), 0.01, None),
        ("the same, clipped to 1", BAD, "--", deep(), 0.1, 1.0),
        ("initial_weight", GOOD, "-", deep(init=OURS["initial_weight"]), 0.05, None),
    )
    for name, color, style, model, rate, clip in runs:
        losses, _ = train(model, POINTS, rate, 4 if color == BAD and clip is None else 40, clip)
        losses = [loss for loss in losses if math.isfinite(loss)]
        right.plot(losses, color=color, linestyle=style, linewidth=2, label=name)
    right.set_yscale("log")
    right.minorticks_off()
    right.set_ylim(0.1, 3e6)
    right.annotate("inf at step 3", (1.0, 6e5), xytext=(12, 0), textcoords="offset points", fontsize=11, color=BAD, va="center")
    right.set_xlabel("step", fontsize=11)
    right.legend(frameon=False, fontsize=11, loc="upper right", bbox_to_anchor=(1.0, 0.82))
    return figure


def rates() -> Figure:
    """Short runs with seven learning rates."""
    figure, left, right = panels("loss with seven learning rates", "last loss")
    losses: dict[float, list[float]] = {}
    for rate in (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0):
        model = MLP(2, [8, 1], activation="tanh", init=OURS["initial_weight"], rng=random.Random(0))
        losses[rate] = train(model, POINTS, rate, 30)[0]
    best = OURS["best_learning_rate"](losses)
    ends = {0.001: 0.0, 0.01: 0.0, 0.03: 0.015, 0.1: 0.006, 0.3: -0.04}
    for rate, column in losses.items():
        color = GOOD if rate == best else BAD if rate >= 1 else "#9aa4af"
        left.plot(column, color=color, linewidth=2.4 if rate == best else 1.6)
        if rate in ends:
            left.annotate(
                f"{rate:g}", (29, column[-1] + ends[rate]), xytext=(6, 0), textcoords="offset points", va="center", fontsize=10, color=color
            )
    left.annotate("1 and 10", (0.5, 1.14), xytext=(10, 0), textcoords="offset points", va="center", fontsize=10, color=BAD)
    left.set_ylim(0.25, 1.2)
    left.set_xlim(-0.5, 33)
    left.set_xlabel("step", fontsize=11)
    last = [min(column[-1], 1.15) for column in losses.values()]
    colors = [GOOD if rate == best else BAD if rate >= 1 else "#9aa4af" for rate in losses]
    right.bar(range(len(losses)), last, color=colors, width=0.65)
    for place, column in enumerate(losses.values()):
        text = f"{column[-1]:.2f}" if column[-1] < 10 else "over\n1e50"  # its exact size depends on the last bits of every number
        right.annotate(text, (place, last[place]), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=10, color=colors[place])
    right.set_xticks(range(len(losses)), [f"{rate:g}" for rate in losses])
    right.set_xlabel("learning rate", fontsize=11)
    right.set_ylim(0, 1.3)
    right.grid(visible=False)
    right.set_yticks([])
    return figure


def make(folder: Path) -> None:
    """Write the pictures into a folder."""
    save(dead(), folder / "10_dead.svg", "dead relus, and a smaller learning rate")
    save(saturation(), folder / "10_saturated.svg", "saturated neurons, and scaled inputs")
    save(exploding(), folder / "10_exploding.svg", "exploding gradients, and two ways to mend them")
    save(rates(), folder / "10_rates.svg", "losses with seven learning rates")


if __name__ == "__main__":
    make(Path(__file__).parents[1])
