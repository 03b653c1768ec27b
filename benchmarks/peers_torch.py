"""PyTorch, eager, on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.functional import cross_entropy, linear

from harness import repeated
from peers_numpy import price_and_slopes, trained
from problems import OPTIONS, TRAININGS, check, flat, options, price

torch.set_num_threads(1)


def training_row(name: str, dtype: str) -> Iterator[dict[str, float]]:
    """Steps one after another."""
    exact = TRAININGS[name]()
    training = exact.cast(dtype)
    inputs = torch.tensor(training.inputs)
    targets = torch.tensor(training.targets, dtype=torch.long if training.loss == "cross entropy" else inputs.dtype)
    batches = list(zip(inputs, targets, strict=True))
    layers = [tuple(torch.tensor(p, requires_grad=True) for p in layer) for layer in training.layers]
    parameters = [p for layer in layers for p in layer]

    def loss_of(outputs: Any, targets: Any) -> Any:
        for weights, biases in layers[:-1]:
            outputs = torch.relu(linear(outputs, weights, biases))
        outputs = linear(outputs, *layers[-1])
        if training.loss == "cross entropy":
            return cross_entropy(outputs, targets)
        outputs = outputs[:, 0]
        loss = torch.relu(1 - targets * outputs).mean() if training.loss == "hinge" else ((outputs - targets) ** 2).mean()
        return loss + training.penalty * sum((p * p).sum() for p in parameters) if training.penalty else loss

    def epoch() -> None:
        for batch in batches:
            loss_of(*batch).backward()
            with torch.no_grad():
                for p in parameters:
                    p -= training.rate * p.grad
                    p.grad = None

    for _ in range(training.checked):
        epoch()
    check(flat([[p.detach().numpy() for p in layer] for layer in layers]), trained(exact), dtype)
    yield from repeated(epoch, "µs/step", 1e-6, len(batches))


def options_row(dtype: str) -> Iterator[dict[str, float]]:
    """All options at once, differentiated backwards."""
    arguments = [torch.tensor(column, dtype=getattr(torch, dtype), requires_grad=True) for column in options()]

    def run() -> list[Any]:
        prices = price(*arguments, torch)
        return [prices, *torch.autograd.grad(prices.sum(), arguments)]

    for got, want in zip(run(), price_and_slopes(*options()), strict=True):
        check(got.detach().numpy(), want, dtype)
    yield from repeated(run, "ns/option", 1e-9, OPTIONS)
