"""Sizes that do not fill the vectors and blocks in which machine code goes through a program give the same numbers as those that do."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import MLP, SGD, fit
from chainrule.compiler.codegen.vectorize import SIDE_BY_SIDE
from chainrule.compiler.ir.machine import host
from compare import TOLERANCE, error

BITS = (128, 256, 512)
SHAPES = ((1, 1), (5, 3), (9, 17), (33, 7), (70, 37))
FEW = (7, 24)
BATCHES = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 16, 17, 23, 31, 32, 33, 47)


def machine(bits: int) -> Any:
    return host()._replace(vector_bits=bits)


def step_by_hand(numbers: np.ndarray, inputs: np.ndarray, targets: np.ndarray, hidden: int, rate: float) -> np.ndarray:
    """The parameters of a network with one layer of relus and one output, after a step down the mean of the squared errors."""
    width = inputs.shape[1]
    ends = np.cumsum([hidden * width, hidden, hidden, 1])
    weights, biases, out, bias = np.split(numbers, ends[:-1])
    values = np.maximum(inputs @ weights.reshape(hidden, width).T + biases, 0.0)
    errors = 2.0 * (values @ out + bias - targets) / len(inputs)
    slopes = np.outer(errors, out) * (values > 0.0)
    gradient = np.concatenate([(slopes.T @ inputs).ravel(), slopes.sum(0), errors @ values, [errors.sum()]])
    return numbers - rate * gradient


def check_steps(bits: int, shape: tuple[int, int], batches: tuple[int, ...]) -> None:
    """Compare a step by `fit`, whose code knows the number of samples, and one by a call, whose code does not."""
    width, hidden = shape
    model = MLP(width, [hidden, 1], rng=random.Random(1))
    parameters = [p for layer in model.layers for p in layer_parameters(layer)]
    start = np.array([p.data for p in parameters])
    loss = chainrule.compile(lambda x, y: (model(x) - y) ** 2, batch="mean", target=machine(bits))
    rng = np.random.default_rng(3)
    for samples in batches:
        inputs, targets = rng.normal(size=(samples, width)), rng.normal(size=samples)
        want = step_by_hand(start, inputs, targets, hidden, 0.1)
        for way in ("fit", "called"):
            for p, number in zip(parameters, start.tolist(), strict=True):
                p.data = number
            optimizer = SGD(parameters, lr=0.1)
            if way == "fit":
                fit(loss, (inputs, targets), optimizer=optimizer, steps=1, batch_size=samples, shuffle=False)
            else:
                loss(inputs, targets).backward()
                optimizer.step()
            assert error([p.data for p in parameters], want) <= TOLERANCE, f"{samples} samples, {way}"


def layer_parameters(layer: Any) -> list[Any]:
    """Weights first, then biases."""
    return [w for neuron in layer.neurons for w in neuron.w] + [neuron.b for neuron in layer.neurons]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("bits", BITS)
def test_networks_of_any_size(bits: int, shape: tuple[int, int]) -> None:
    check_steps(bits, shape, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("bits", BITS)
def test_networks_of_any_size_and_batches_of_many(bits: int, shape: tuple[int, int]) -> None:
    check_steps(bits, shape, BATCHES)


def chain(calls: int, functions: Any) -> Any:
    """A formula that calls so many elementary functions, one after the other."""

    def formula(x: Any, y: Any) -> Any:
        for k in range(calls):
            x = (functions.tanh, functions.exp, functions.sin)[k % 3](x * y - 0.1 * k)
        return x

    return formula


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("calls", [1, *(most + 1 for most in SIDE_BY_SIDE)])
def test_formulas_of_any_length_for_any_number_of_samples(calls: int, bits: int) -> None:
    formula = chainrule.compile(chain(calls, chainrule), batch=None, target=machine(bits))
    rng = np.random.default_rng(calls)
    for samples in (*range(1, 20), 31, 32, 33, 63, 64, 65, 127, 257):
        x, y = rng.normal(size=samples), rng.uniform(-0.5, 0.5, size=samples)  # small factors: so errors do not grow along the chain
        assert error(formula(x, y), chain(calls, np)(x, y)) <= TOLERANCE
        results, slopes = formula.value_and_grad(x, y)
        alone = [formula.value_and_grad(x[k : k + 1], y[k : k + 1]) for k in (0, samples // 2, samples - 1)]
        for at, (result, slope) in zip((0, samples // 2, samples - 1), alone, strict=True):
            assert results[at] == pytest.approx(result[0], rel=TOLERANCE)
            assert [s[at] for s in slopes] == pytest.approx([s[0] for s in slope], rel=TOLERANCE, abs=TOLERANCE)
