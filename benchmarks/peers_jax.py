"""JAX: called from Python for each step, and in a loop of its own, `lax.fori_loop` around `lax.scan`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from harness import clock, keep_memory, repeated
from peers_numpy import price_and_slopes, trained
from problems import OPTIONS, TRAININGS, Training, check, flat, options, price

jax.config.update("jax_enable_x64", True)


def loss_of(training: Training, layers: Any, inputs: Any, targets: Any) -> Any:
    """The mean loss of a batch."""
    outputs = inputs
    for depth, (weights, biases) in enumerate(layers):
        outputs = outputs @ weights.T + biases
        if depth < len(layers) - 1:
            outputs = jax.nn.relu(outputs)
    if training.loss == "cross entropy":
        loss = -jnp.mean(jax.nn.log_softmax(outputs)[jnp.arange(len(targets)), targets])
    elif training.loss == "hinge":
        loss = jnp.mean(jax.nn.relu(1 - targets * outputs[:, 0]))
    else:
        loss = jnp.mean((outputs[:, 0] - targets) ** 2)
    if training.penalty:
        loss += training.penalty * sum(jnp.sum(weights * weights) + jnp.sum(biases * biases) for weights, biases in layers)
    return loss


def step(training: Training, layers: Any, inputs: Any, targets: Any) -> Any:
    """One step of gradient descent."""
    slopes = jax.grad(partial(loss_of, training))(layers, inputs, targets)
    return jax.tree.map(lambda p, slope: p - training.rate * slope, layers, slopes)


def training_row(name: str, dtype: str, looped: bool) -> Iterator[dict[str, float]]:
    """Time per step of a jitted step, or of a jitted loop over many."""
    exact = TRAININGS[name]()
    training = exact.cast(dtype)
    inputs, targets = jnp.array(training.inputs), jnp.array(training.targets)
    layers = jax.tree.map(jnp.array, training.layers)
    batches = len(inputs)
    if looped:
        run = _loop(training, inputs, targets)
        calls = 1
    else:
        run = _epochs(training, inputs, targets)
        calls = max(1, 50 // batches)
    check(flat(run(layers, training.checked)), trained(exact), dtype)
    epochs = training.looped if looped else calls

    def go() -> None:
        nonlocal layers
        layers = jax.block_until_ready(run(layers, epochs))

    yield from repeated(go, "µs/step", 1e-6, epochs * batches)


def _epochs(training: Training, inputs: Any, targets: Any) -> Any:
    """A Python loop over a jitted step. A single batch is a constant of the program, which is faster."""
    if len(inputs) == 1:
        alone = jax.jit(lambda layers: step(training, layers, inputs[0], targets[0]))
        batches: list[Any] = [()]
        call = alone
    else:
        batches = list(zip(list(inputs), list(targets), strict=True))
        call = jax.jit(partial(step, training))

    def run(layers: Any, epochs: int) -> Any:
        for _ in range(epochs):
            for batch in batches:
                layers = call(layers, *batch)
        return layers

    return run


def _loop(training: Training, inputs: Any, targets: Any) -> Any:
    """The epochs and their batches in one jitted program."""

    def epoch(_: Any, layers: Any) -> Any:
        if len(inputs) == 1:
            return step(training, layers, inputs[0], targets[0])
        return jax.lax.scan(lambda layers, batch: (step(training, layers, *batch), None), layers, (inputs, targets))[0]

    return jax.jit(lambda layers, epochs: jax.lax.fori_loop(0, epochs, epoch, layers))


class Functions:
    """What the price of an option is made of."""

    log, exp, sqrt, erf = jnp.log, jnp.exp, jnp.sqrt, jax.scipy.special.erf


def options_row(dtype: str, kept: bool) -> Iterator[dict[str, float]]:
    """One option differentiated, all mapped."""
    if kept:
        keep_memory()
    run = jax.jit(jax.vmap(jax.value_and_grad(lambda *one: price(*one, Functions), argnums=(0, 1, 2, 3, 4))))
    arguments = [jnp.array(column, dtype) for column in options()]
    prices, slopes = run(*arguments)
    for got, want in zip((prices, *slopes), price_and_slopes(*options()), strict=True):
        check(got, want, dtype)
    yield from repeated(lambda: jax.block_until_ready(run(*arguments)), "ns/option", 1e-9, OPTIONS)


def compile_row(name: str) -> Iterator[dict[str, float]]:
    """Milliseconds to trace and compile the step, each time anew."""

    training = TRAININGS[name]()
    inputs, targets = jnp.array(training.inputs[0]), jnp.array(training.targets[0])
    layers = jax.tree.map(jnp.array, training.layers)
    while True:
        jax.clear_caches()
        start = clock()
        jax.jit(lambda layers: step(training, layers, inputs, targets)).lower(layers).compile()
        yield {"ms compile": (clock() - start) * 1e3}
