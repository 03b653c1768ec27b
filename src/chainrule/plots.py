"""Pictures of training with matplotlib: the loss curve, and the decision boundary of a classifier.

Figures are made without pyplot: no window opens, no global state changes, and Jupyter shows what is returned. Every figure has a white
background of its own, so that it reads the same on a dark page. Colours are those of Okabe and Ito, "Color Universal Design" (2008),
which colour-blind readers can tell apart.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from chainrule.reals import real

try:
    import numpy as np
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
except ImportError as error:
    raise ImportError(f'plots need matplotlib, which is not installed ({error}): pip install "chainrule[plots]"') from error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#555555")
MARKERS = "os^DvPX*"
_RESOLUTION = 80  # points of the grid along each axis; the model is called for each pair


class Picture(Figure):
    """A matplotlib figure that Jupyter displays even if pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png")
        return content.getvalue()


def plot_loss(
    history: Any,
    *,
    metrics: Mapping[str, Sequence[float]] | None = None,
    log: bool = False,
    title: str = "",
) -> Figure:
    """Plot the loss at each step, and below it other metrics such as accuracies, if there are any.

    Arguments:
        history: a list of losses, or what `fit` returns: an object with a list `loss` and, optionally, a list `step` and a dict `metrics`.
        metrics: lists to plot in a second panel, by name, such as `{"train accuracy": [...], "test accuracy": [...]}`; those of the
            history by default. A list shorter than the losses is spread evenly over the steps.
        log: a logarithmic axis for the loss; losses that are not positive leave a gap.
        title: a title above the figure.

    Returns:
        The figure; `figure.savefig("loss.png")` writes it, `figure.axes` are its panels.

    Raises:
        ValueError: if there are no losses, or more metrics or step numbers than losses.
        TypeError: if `history` is not a history, or a loss is not a number.
    """
    losses, steps, metrics = _curves(history, metrics)
    metrics = {name: series for name, series in metrics.items() if series}
    figure = Picture(figsize=(7.0, 5.6 if metrics else 3.8), dpi=130, layout="constrained", facecolor="white")
    panels: list[Axes] = list(figure.subplots(2 if metrics else 1, 1, sharex=True, squeeze=False)[:, 0])
    panels[0].plot(steps, losses, color=COLORS[0], linewidth=1.6, marker="o" if len(losses) == 1 else None)
    panels[0].set_ylabel("loss")
    if log:
        panels[0].set_yscale("log", nonpositive="mask")
    for number, (name, series) in enumerate(metrics.items()):
        places = steps if len(series) == len(steps) else np.linspace(steps[0], steps[-1], len(series)).tolist()
        color = COLORS[(number + 1) % len(COLORS)]
        kept = [(place, y) for place, y in zip(places, series, strict=True) if not math.isnan(y)]  # nan: a step that was not measured
        panels[1].plot(*zip(*kept, strict=True), color=color, linewidth=1.6, label=name, marker="o" if len(kept) < 30 else None, ms=4)
    if metrics:
        panels[1].set_ylabel("accuracy" if all("accuracy" in name for name in metrics) else "metrics")
        panels[1].legend(frameon=False)
    panels[-1].set_xlabel("step")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    for panel in panels:
        panel.grid(color="#e3e6ea", linewidth=0.8)
        panel.spines[["top", "right"]].set_visible(False)
    if title:
        figure.suptitle(title)
    return figure


def _curves(history: Any, metrics: Mapping[str, Sequence[float]] | None) -> tuple[list[float], list[float], dict[str, list[float]]]:
    losses = _numbers(getattr(history, "loss", history), "the losses")
    if not losses:
        raise ValueError("there are no losses to plot: the history is empty")
    steps = _numbers(getattr(history, "step", None) or range(1, len(losses) + 1), "the step numbers")
    if len(steps) != len(losses):
        raise ValueError(f"there are {len(losses)} losses but {len(steps)} step numbers")
    if metrics is None:
        own = getattr(history, "metrics", None) or {}
        accuracy = getattr(history, "accuracy", None)
        metrics = {"accuracy": accuracy, **own} if accuracy is not None else own
    series = {name: _numbers(column, f"the metric {name!r}") for name, column in metrics.items()}
    for name, column in series.items():
        if len(column) > len(losses):
            raise ValueError(f"the metric {name!r} has {len(column)} entries for {len(losses)} losses")
    return losses, steps, {name: column for name, column in series.items() if not all(map(math.isnan, column))}


def _numbers(column: Any, what: str) -> list[float]:
    if isinstance(column, str) or not hasattr(column, "__iter__"):
        raise TypeError(f"{what} must be a list of numbers, got {type(column).__name__}: {column!r}")
    return [real(x) for x in column]


def plot_decision_boundary(
    model: Callable[[list[float]], Any],
    X: Sequence[Sequence[float]],
    y: Sequence[Any],
    *,
    feature_names: Sequence[str] = ("x1", "x2"),
    class_names: Mapping[Any, str] | Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Plot the points of a two-dimensional data set over the regions in which a model predicts each class.

    Arguments:
        model: a function of a point, a list of two floats. It returns one score, a number or Value, whose sign decides between two
            classes (above 0 is the second in sorted order), or a list of scores, one for each class, of which the largest decides.
        X: the points, pairs of numbers.
        y: their classes, of any sort that can be sorted: 0 and 1, -1 and +1, 0 to 9, strings.
        feature_names: what the axes are called.
        class_names: what the classes are called in the legend: by class, or in sorted order; the classes themselves by default.
        title: a title above the figure.

    Returns:
        The figure. A region has the colour of its class's points; the line is where the score is 0 or two classes tie.

    Raises:
        ValueError: if there are no points, a point is not a pair of finite numbers, X and y differ in length, or the number of scores
            does not fit the number of classes.
    """
    points, labels = _points(X, y)
    classes = sorted(set(labels))
    names = _class_names(classes, class_names)
    (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
    pad_x, pad_y = (0.08 * (right - left) or 1.0), (0.08 * (top - bottom) or 1.0)
    across = np.linspace(left - pad_x, right + pad_x, _RESOLUTION)
    upward = np.linspace(bottom - pad_y, top + pad_y, _RESOLUTION)
    scores = np.array([_scores(model([float(x1), float(x2)]), classes) for x2 in upward for x1 in across])
    scores = scores.reshape(_RESOLUTION, _RESOLUTION, -1)

    figure = Picture(figsize=(6.4, 5.2), dpi=130, layout="constrained", facecolor="white")
    axes = figure.subplots()
    colors = [COLORS[number % len(COLORS)] for number in range(max(len(classes), scores.shape[2], 2))]
    _draw_regions(axes, across, upward, scores, colors)
    for number, label in enumerate(classes):
        chosen = points[[other == label for other in labels]]
        axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=28,
            color=colors[number],
            marker=MARKERS[number % len(MARKERS)],
            edgecolor="white",
            linewidth=0.7,
            label=names[label],
        )
    axes.set(xlabel=feature_names[0], ylabel=feature_names[1], xlim=(across[0], across[-1]), ylim=(upward[0], upward[-1]))
    axes.legend(title="class", loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    if title:
        axes.set_title(title)
    return figure


def _draw_regions(axes: Axes, across: Any, upward: Any, scores: Any, colors: list[str]) -> None:
    """Tint the grid by class and draw the lines between: where one score is 0, or where a class's lead over the others is."""
    if scores.shape[2] == 1:
        winner = (scores[:, :, 0] > 0).astype(int)
        leads = [scores[:, :, 0]]
    else:
        winner = scores.argmax(axis=2)
        leads = [scores[:, :, k] - np.delete(scores, k, axis=2).max(axis=2) for k in range(scores.shape[2])]
    count = max(2, scores.shape[2])
    tints = ListedColormap(colors[:count])
    axes.pcolormesh(
        across, upward, winner, cmap=tints, vmin=-0.5, vmax=count - 0.5, alpha=0.22, shading="nearest", linewidth=0, rasterized=True
    )
    for lead in leads:
        if lead.min() < 0 < lead.max():  # contour() warns if there is no line to draw
            axes.contour(across, upward, lead, levels=[0.0], colors="#333333", linewidths=1.2)


def _points(X: Any, y: Any) -> tuple[Any, list[Any]]:
    rows, labels = [list(row) for row in X], [label.item() if hasattr(label, "item") else label for label in y]
    if not rows:
        raise ValueError("there are no points to plot: X is empty")
    if len(rows) != len(labels):
        raise ValueError(f"X has {len(rows)} points but y has {len(labels)} classes")
    for number, row in enumerate(rows):
        if len(row) != 2:
            raise ValueError(f"a decision boundary is drawn for points of two numbers, but point {number} has {len(row)}: {row!r}")
        if not all(math.isfinite(real(x)) for x in row):
            raise ValueError(f"point {number} is not finite: {row!r}")
    return np.array([[real(x) for x in row] for row in rows]), labels


def _class_names(classes: list[Any], class_names: Mapping[Any, str] | Sequence[str] | None) -> dict[Any, str]:
    if class_names is None:
        return {label: f"{label:g}" if isinstance(label, float) else str(label) for label in classes}
    if hasattr(class_names, "keys"):
        return {label: class_names[label] for label in classes}
    if len(class_names) < len(classes):
        raise ValueError(f"there are {len(classes)} classes ({classes}) but {len(class_names)} names: {list(class_names)!r}")
    return dict(zip(classes, class_names, strict=False))


def _scores(result: Any, classes: list[Any]) -> list[float]:
    scores = [real(x) for x in result] if hasattr(result, "__iter__") else [real(result)]
    if len(scores) == 1 and len(classes) > 2:
        raise ValueError(f"the model gives one score, which tells two classes apart, but y has {len(classes)}: {classes}")
    if not scores or 1 < len(scores) < len(classes):
        raise ValueError(f"the model gives {len(scores)} scores, but y has {len(classes)} classes: {classes}")
    return scores
