"""Plots hold the numbers that they were given, and leave matplotlib's global state alone."""

from __future__ import annotations

import io
import math
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from chainrule import Value
from chainrule.plots import COLORS, plot_decision_boundary, plot_loss
from chainrule.training import History
from pixels import ink

POINTS = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]


def curve(axes: Any, number: int = 0) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in axes.lines[number].get_xydata()]


def legend(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def lines_between_classes(axes: Any) -> list[Any]:
    return [artist for artist in axes.collections if type(artist).__name__ == "QuadContourSet"]


@pytest.mark.parametrize(
    "history", [[3.0, 2.0, 1.0], (3, 2, 1), [Value(3.0), Value(2.0), Value(1.0)], SimpleNamespace(loss=[3.0, 2.0, 1.0])]
)
def test_the_loss_is_plotted_step_by_step(history: Any) -> None:
    (axes,) = plot_loss(history).axes
    assert curve(axes) == [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "loss")


def test_a_history_brings_its_metrics() -> None:
    history = History(step=[5, 6, 7], loss=[3.0, 2.0, 1.0], metrics={"train accuracy": [0.5, 0.7, 0.9], "test accuracy": [math.nan, 0.6]})
    loss, accuracy = plot_loss(history, log=True, title="moons").axes
    assert loss.get_yscale() == "log"
    assert curve(loss)[0] == (5.0, 3.0)
    assert curve(accuracy) == [(5.0, 0.5), (6.0, 0.7), (7.0, 0.9)]
    assert legend(accuracy) == ["train accuracy", "test accuracy"]
    assert accuracy.get_ylabel() == "accuracy"


def test_accuracy_may_be_an_attribute_and_metrics_an_argument() -> None:
    assert legend(plot_loss(SimpleNamespace(loss=[2.0, 1.0], accuracy=[0.5, 1.0])).axes[1]) == ["accuracy"]
    assert legend(plot_loss([2.0, 1.0], metrics={"margin": [0.5, 1.0]}).axes[1]) == ["margin"]
    assert len(plot_loss([2.0, 1.0], metrics={"unmeasured": [math.nan], "none": []}).axes) == 1


@pytest.mark.parametrize("log", [False, True])
def test_losses_that_are_not_finite_or_not_positive_are_no_trouble(log: bool) -> None:
    figure = plot_loss([math.nan, 3.0, 1.0, math.inf, 2.0, 0.5, 0.0, -1.0], log=log)
    assert [y for _, y in curve(figure.axes[0])][1:] == [3.0, 1.0, math.inf, 2.0, 0.5, 0.0, -1.0]
    assert all(map(math.isfinite, figure.axes[0].get_ylim()))
    assert ink(figure._repr_png_(), COLORS[0]) > 100  # the line itself
    assert ink(plot_loss([math.nan], log=log)._repr_png_(), COLORS[0]) == 0


def test_two_classes_are_parted_where_the_score_is_zero() -> None:
    figure = plot_decision_boundary(lambda x: Value(x[0]) - 0.5, POINTS, [-1, 1, -1, 1], feature_names=("width", "height"))
    (axes,) = figure.axes
    (line,) = lines_between_classes(axes)
    assert {round(float(x), 6) for path in line.get_paths() for x in path.vertices[:, 0]} == {0.5}
    assert legend(axes) == ["-1", "1"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width", "height")


def test_several_classes_have_a_score_each() -> None:
    figure = plot_decision_boundary(
        lambda x: [Value(x[0]), Value(x[1]), 0.5], POINTS, ["a", "b", "c", "a"], class_names={"a": "first", "b": "second", "c": "third"}
    )
    assert legend(figure.axes[0]) == ["first", "second", "third"]
    assert len(lines_between_classes(figure.axes[0])) == 3


def test_a_model_that_sees_one_class_everywhere_draws_no_line() -> None:
    figure = plot_decision_boundary(lambda x: 1.0, [[2.0, 3.0]], [0])
    assert not lines_between_classes(figure.axes[0])
    assert ink(figure._repr_png_(), COLORS[0]) > 20  # the point, and its like in the legend


def test_figures_are_opaque_and_pyplot_is_left_alone() -> None:
    before = "matplotlib.pyplot" in sys.modules
    for figure in (plot_loss([2.0, 1.0]), plot_decision_boundary(lambda x: x[0], POINTS, [0, 1, 0, 1])):
        png = figure._repr_png_()
        assert Image.open(io.BytesIO(png)).convert("RGBA").getextrema()[3] == (255, 255)
        assert ink(png, "#ffffff") > 100_000
        assert ink(png, COLORS[0]) > 20
    assert ("matplotlib.pyplot" in sys.modules) == before


@pytest.mark.parametrize(
    ("history", "options", "error", "message"),
    [
        ([], {}, ValueError, "no losses to plot"),
        (None, {}, TypeError, "the losses must be a list of numbers, got NoneType"),
        ("abc", {}, TypeError, "the losses must be a list of numbers, got str"),
        (["a"], {}, TypeError, "expected a real number"),
        (SimpleNamespace(loss=[1.0, 2.0], step=[1]), {}, ValueError, "2 losses but 1 step numbers"),
        ([1.0], {"metrics": {"acc": [1.0, 2.0]}}, ValueError, "the metric 'acc' has 2 entries for 1 losses"),
    ],
)
def test_a_history_that_cannot_be_plotted_is_refused(history: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plot_loss(history, **options)


@pytest.mark.parametrize(
    ("model", "X", "y", "message"),
    [
        (lambda x: 0.0, [], [], "X is empty"),
        (lambda x: 0.0, POINTS, [0, 1], "X has 4 points but y has 2 classes"),
        (lambda x: 0.0, [[1.0, 2.0, 3.0]], [0], "point 0 has 3"),
        (lambda x: 0.0, [[1.0, math.nan]], [0], "point 0 is not finite"),
        (lambda x: 0.0, POINTS, [0, 1, 2, 2], "one score, which tells two classes apart, but y has 3"),
        (lambda x: [0.0, 1.0], POINTS, [0, 1, 2, 2], "2 scores, but y has 3 classes"),
        (lambda x: [], POINTS, [0, 1, 1, 1], "0 scores, but y has 2 classes"),
    ],
)
def test_data_that_cannot_be_plotted_are_refused(model: Any, X: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_decision_boundary(model, X, y)
    with pytest.raises(ValueError, match="there are 2 classes"):
        plot_decision_boundary(lambda x: 0.0, POINTS, [0, 1, 0, 1], class_names=["only one"])


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "chainrule.plots")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "chainrule\[plots\]"'):
        import chainrule.plots  # noqa: F401
