"""How good predictions are: the scores of each task."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from chainrule.data import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def accuracy(predictions: Sequence[float], targets: Sequence[float]) -> float:
    """The share of predictions that are right, from 0 to 1; nan if there are none."""
    return sum(p == t for p, t in zip(predictions, targets, strict=True)) / len(targets) if targets else math.nan


def root_mean_squared_error(predictions: Sequence[float], targets: Sequence[float]) -> float:
    """The typical size of an error, in the units of the target; nan if there are no predictions."""
    if not targets:
        return math.nan
    return math.hypot(*_errors(predictions, targets)) / math.sqrt(len(targets))


def r_squared(predictions: Sequence[float], targets: Sequence[float]) -> float:
    """The share of the targets' variance that the predictions explain: 1 is perfect, 0 no better than their mean, nan for a constant."""
    if not targets:
        return math.nan
    largest = max(map(abs, targets))
    mean = largest * (math.fsum(t / largest for t in targets) / len(targets)) if largest else 0.0  # the sum itself might overflow
    # Lengths, not their squares, which of numbers such as 1e200 and 1e-200 would overflow and vanish.
    spread = math.hypot(*(t - mean for t in targets))
    unexplained = math.hypot(*_errors(predictions, targets)) / spread if spread else math.nan
    return 1.0 - unexplained * unexplained


def _errors(predictions: Sequence[float], targets: Sequence[float]) -> list[float]:
    return [p - t for p, t in zip(predictions, targets, strict=True)]


def scores(task: str, predictions: Sequence[float], targets: Sequence[float]) -> dict[str, float]:
    """The scores for a task, by name; nan if there are no samples."""
    if task == CLASSIFICATION:
        return {"accuracy": accuracy(predictions, targets)}
    return {"RMSE": root_mean_squared_error(predictions, targets), "R2": r_squared(predictions, targets)}


def in_words(scores: Mapping[str, float]) -> str:
    """Write scores as text, such as `accuracy 98.7 %`."""
    return ", ".join(f"{name} {percent(score) if name == 'accuracy' else _number(score)}" for name, score in scores.items())


def percent(share: float) -> str:
    """A share as a percentage with one decimal, rounded down, so that only a perfect score is 100 %; a dash for nan."""
    return "-" if math.isnan(share) else f"{math.floor(share * 1000 + 1e-9) / 10:.1f} %"


def _number(number: float) -> str:
    return "-" if math.isnan(number) else f"{number:.4g}"
