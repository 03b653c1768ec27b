"""What the compiler is measured on: numbers that every peer starts from, and NumPy's results, which all must reproduce."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Layers = list[tuple[Array, Array]]  # weights, one row for each neuron, and biases

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


def check(got: Any, want: Any, dtype: str) -> None:
    """End this process unless the largest difference, relative to the largest number wanted, is within the precision's tolerance."""
    got, want = np.asarray(got, float).ravel(), np.asarray(want, float).ravel()
    if got.shape != want.shape:
        raise SystemExit(f"wrong result: {got.size} numbers, not {want.size}")
    error = float(np.max(np.abs(got - want)) / np.max(np.abs(want)))
    if not error <= TOLERANCE[dtype]:
        raise SystemExit(f"wrong result: a relative error of {error:.1e}, over {TOLERANCE[dtype]:.0e}")


# --- networks trained by gradient descent ------------------------------------------------------------------------------------------------


class Training(NamedTuple):
    """A multi-layer perceptron with relu, its samples in batches, and how it is trained.

    Arguments:
        loss: "hinge", "squares" or "cross entropy", the mean over a batch; the targets of the last are the numbers of classes.
        inputs: shape (batches, samples, inputs).
        targets: shape (batches, samples).
        layers: the initial parameters.
        rate: the learning rate.
        penalty: what the sum of all parameters' squares is multiplied with in the loss.
        checked: after how many epochs, once through all batches each, the parameters are compared.
        looped: how many epochs a peer makes in a loop of its own, so many that the call itself hardly counts.
    """

    loss: str
    inputs: Array
    targets: Array
    layers: Layers
    rate: float
    penalty: float
    checked: int
    looped: int

    def cast(self, dtype: str) -> Training:
        """The same in another precision; numbers of classes stay integers."""
        targets = self.targets if self.loss == "cross entropy" else self.targets.astype(dtype)
        layers = [(weights.astype(dtype), biases.astype(dtype)) for weights, biases in self.layers]
        return self._replace(inputs=self.inputs.astype(dtype), targets=targets, layers=layers)


def initial(sizes: list[int], scaled: bool) -> Layers:
    """Weights from -1 to 1 in the order in which micrograd draws them, over the root of the number of inputs if `scaled`; biases 0."""
    rng = random.Random(1337)
    layers = []
    for inputs, outputs in pairwise(sizes):
        weights = np.array([[rng.uniform(-1, 1) for _ in range(inputs)] for _ in range(outputs)])
        layers.append((weights / np.sqrt(inputs) if scaled else weights, np.zeros(outputs)))
    return layers


def flat(layers: Any) -> Array:
    """All parameters in the order of `MLP.parameters()`: each neuron's weights, then its bias."""
    return np.concatenate([np.column_stack([np.asarray(weights), np.asarray(biases)]).ravel() for weights, biases in layers])


def moons() -> Training:
    """The demo of micrograd: 100 points in one batch."""
    from sklearn.datasets import make_moons

    points, classes = make_moons(n_samples=100, noise=0.1, random_state=1337)
    return Training("hinge", points[None], (2.0 * classes - 1)[None], initial([2, 16, 16, 1], False), 0.1, 1e-4, checked=10, looped=1000)


def four_points() -> Training:
    """The last example of micrograd's notebook, with two inputs."""
    points, targets = np.array([[2.0, 3.0], [1.0, -1.0], [-1.0, -2.0], [-2.0, 2.0]]), np.array([1.0, -1.0, -1.0, 1.0])
    return Training("squares", points[None], targets[None], initial([2, 4, 4, 1], False), 0.1, 0.0, checked=10, looped=1000)


BATCH = 128


def digits() -> Training:
    """The 8x8 digits of scikit-learn, as many as fill whole batches."""
    from sklearn.datasets import load_digits

    data = load_digits()
    batches = len(data.data) // BATCH
    inputs, targets = data.data[: batches * BATCH] / 16, data.target[: batches * BATCH]
    return _in_batches(inputs, targets, [64, 32, 10], checked=1, looped=50)


def mnist_sized() -> Training:
    """Random numbers of MNIST's size, with its share of zeros."""
    rng = np.random.default_rng(0)
    inputs = rng.random((20 * BATCH, 784)) * (rng.random((20 * BATCH, 784)) < 0.19)
    return _in_batches(inputs, rng.integers(0, 10, 20 * BATCH), [784, 50, 10], checked=1, looped=10)


def _in_batches(inputs: Array, targets: Array, sizes: list[int], checked: int, looped: int) -> Training:
    layers = initial(sizes, scaled=True)
    inputs, targets = inputs.reshape(-1, BATCH, sizes[0]), targets.astype(np.int32).reshape(-1, BATCH)
    return Training("cross entropy", inputs, targets, layers, 0.1, 0.0, checked, looped)


TRAININGS: dict[str, Callable[[], Training]] = {"moons": moons, "four": four_points, "digits": digits, "mnist": mnist_sized}


# --- the price of an option --------------------------------------------------------------------------------------------------------------

OPTIONS = 1_000_000


@cache
def options() -> list[Array]:
    """Spot price, strike price, time to maturity, interest rate and volatility of each option."""
    rng = np.random.default_rng(1)
    return [rng.uniform(low, high, OPTIONS) for low, high in ((50, 150), (50, 150), (0.1, 2), (0, 0.08), (0.1, 0.6))]


def price(spot: Any, strike: Any, time: Any, rate: Any, volatility: Any, functions: Any) -> Any:
    """The price of a European call (Black and Scholes, The pricing of options and corporate liabilities, 1973).

    `functions` supplies log, exp, sqrt and erf; this is what every automatic differentiation differentiates.
    """
    spread = volatility * functions.sqrt(time)
    d1 = (functions.log(spot / strike) + (rate + volatility * volatility * 0.5) * time) / spread

    def normal(x: Any) -> Any:
        return 0.5 + 0.5 * functions.erf(x * 0.7071067811865476)

    return spot * normal(d1) - strike * functions.exp(-rate * time) * normal(d1 - spread)


# --- documents for a small transformer ---------------------------------------------------------------------------------------------------

TOKENS, POSITIONS, EMBEDDING, HEADS, LAYERS = 27, 16, 16, 4, 1
RATE, STEPS, BETAS, EPSILON = 0.01, 10_000_000, (0.85, 0.99), 1e-8  # the rate falls to 0 over so many steps


def documents() -> list[list[int]]:
    """64 documents of 1 to 16 transitions, four of each length in a random order; token 0 marks the beginning and the end."""
    rng = random.Random(0)
    lengths = [length for length in range(1, POSITIONS + 1) for _ in range(4)]
    rng.shuffle(lengths)
    return [[0, *(rng.randrange(1, TOKENS) for _ in range(length - 1)), 0] for length in lengths]
