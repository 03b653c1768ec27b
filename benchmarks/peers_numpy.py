"""NumPy by hand: the gradients are written out. Its results are the reference for all others."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from harness import repeated
from problems import OPTIONS, TRAININGS, Array, Layers, Training, check, flat, options


def slope_of_loss(loss: str, scores: Array, targets: Array) -> Array:
    """The derivative of the mean loss with respect to each score."""
    samples = len(targets)
    if loss == "hinge":
        return np.where(targets * scores[:, 0] < 1, targets * (-1 / samples), targets.dtype.type(0))[:, None]
    if loss == "squares":
        return (2 / samples) * (scores - targets[:, None])
    exponentials = np.exp(scores - scores.max(1, keepdims=True))
    slope = exponentials / exponentials.sum(1, keepdims=True)
    slope[np.arange(samples), targets] -= 1
    slope /= samples
    return slope


def step(training: Training, layers: Layers, batch: int) -> Layers:
    """One step of gradient descent."""
    rate, penalty, count = training.rate, training.penalty, len(layers)
    outputs = [training.inputs[batch]]
    for depth, (weights, biases) in enumerate(layers):
        sums = outputs[-1] @ weights.T + biases
        outputs.append(sums if depth == count - 1 else np.maximum(sums, 0))
    slope = slope_of_loss(training.loss, outputs[-1], training.targets[batch])
    updated = []
    for depth in range(count - 1, -1, -1):
        weights, biases = layers[depth]
        below = outputs[depth]
        weights_slope, biases_slope = slope.T @ below, slope.sum(0)
        if depth:
            slope = (slope @ weights) * (below > 0)
        if penalty:
            weights_slope += (2 * penalty) * weights
            biases_slope += (2 * penalty) * biases
        updated.append((weights - rate * weights_slope, biases - rate * biases_slope))
    return updated[::-1]


def trained(training: Training) -> Array:
    """The parameters after the epochs that are checked."""
    layers = training.layers
    for _ in range(training.checked):
        for batch in range(len(training.inputs)):
            layers = step(training, layers, batch)
    return flat(layers)


def training_row(name: str, dtype: str) -> Iterator[dict[str, float]]:
    """Steps one after another."""
    exact = TRAININGS[name]()
    training = exact.cast(dtype)
    check(trained(training), trained(exact), dtype)
    layers = training.layers

    def epoch() -> None:
        nonlocal layers
        for batch in range(len(training.inputs)):
            layers = step(training, layers, batch)

    yield from repeated(epoch, "µs/step", 1e-6, len(training.inputs))


def price_and_slopes(spot: Array, strike: Array, time: Array, rate: Array, volatility: Array) -> list[Array]:
    """The price of each option and its five derivatives."""
    from scipy.special import erf

    root = np.sqrt(time)
    spread = volatility * root
    d1 = (np.log(spot / strike) + (rate + volatility * volatility / 2) * time) / spread
    d2 = d1 - spread
    n1, n2 = 0.5 * (1 + erf(d1 * math.sqrt(0.5))), 0.5 * (1 + erf(d2 * math.sqrt(0.5)))
    discount = np.exp(-rate * time)
    paid = strike * discount * n2
    density = spot * np.exp(d1 * d1 * -0.5) * (1 / math.sqrt(2 * math.pi))
    return [spot * n1 - paid, n1, -discount * n2, density * volatility / (2 * root) + rate * paid, time * paid, density * root]


def options_row(dtype: str) -> Iterator[dict[str, float]]:
    """All options at once."""
    arguments = [column.astype(dtype) for column in options()]
    for got, want in zip(price_and_slopes(*arguments), price_and_slopes(*options()), strict=True):
        check(got, want, dtype)
    yield from repeated(lambda: price_and_slopes(*arguments), "ns/option", 1e-9, OPTIONS)
