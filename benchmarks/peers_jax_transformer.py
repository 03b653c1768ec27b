"""The transformer of examples/ in JAX, padded to all positions, with what is beyond the end masked.

A program for each length is slower when lengths alternate: 175 µs a document, where padded it is 100 (one core of an AMD EPYC, double
precision).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from harness import repeated
from problems import BETAS, EMBEDDING, EPSILON, HEADS, POSITIONS, RATE, STEPS, check, documents
from transformer import initial_matrices, reference_losses

jax.config.update("jax_enable_x64", True)


def normalize(x: Any) -> Any:
    """Divide each row by the root of its mean square."""
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-5)


def loss_of(weights: Any, tokens: Any, targets: Any, length: Any) -> Any:
    """The mean surprise at the first `length` targets."""
    count = len(tokens)
    x = normalize(weights["token"][tokens] + weights["position"][:count])
    normal = normalize(x)
    query, key, value = (
        (normal @ weights[name].T).reshape(count, HEADS, EMBEDDING // HEADS).transpose(1, 0, 2) for name in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) * (EMBEDDING // HEADS) ** -0.5
    scores = jnp.where(jnp.tril(jnp.ones((count, count), bool)), scores, -jnp.inf)
    attended = (jax.nn.softmax(scores, axis=-1) @ value).transpose(1, 0, 2).reshape(count, EMBEDDING)
    x = x + attended @ weights["out"].T
    x = x + jax.nn.relu(normalize(x) @ weights["widen"].T) @ weights["narrow"].T
    surprises = -jax.nn.log_softmax(x @ weights["head"].T)[jnp.arange(count), targets]
    return jnp.sum(jnp.where(jnp.arange(count) < length, surprises, 0)) / length


def step(unravel: Callable[[Any], Any], state: Any, document: Any) -> tuple[Any, Any]:
    """One step of Adam: (the new weights, means and step count; the loss before). Weights in one array are faster than in nine."""
    weights, means, squares, taken = state
    dtype = weights.dtype
    loss, slopes = jax.value_and_grad(lambda weights: loss_of(unravel(weights), *document))(weights)
    beta1, beta2 = BETAS
    rate = (RATE * (1 - taken / STEPS)).astype(dtype)
    taken = taken + 1
    first, second = (1 / (1 - beta1**taken)).astype(dtype), (1 / (1 - beta2**taken)).astype(dtype)
    means = beta1 * means + (1 - beta1) * slopes
    squares = beta2 * squares + (1 - beta2) * slopes * slopes
    weights = weights - rate * (means * first) / (jnp.sqrt(squares * second) + EPSILON)
    return (weights, means, squares, taken), loss


def row(dtype: str, looped: bool) -> Iterator[dict[str, float]]:
    """Time per document of a jitted step, or of a jitted scan over all documents."""
    weights, unravel = ravel_pytree({name: jnp.array(matrix, dtype) for name, matrix in initial_matrices().items()})
    state = (weights, jnp.zeros_like(weights), jnp.zeros_like(weights), jnp.array(0.0))
    one_step = partial(step, unravel)
    batch = [_padded(document) for document in documents()]
    if looped:
        columns = tuple(jnp.stack([document[i] for document in batch]) for i in range(3))
        run = jax.jit(lambda state, columns: jax.lax.scan(one_step, state, columns))
        _, losses = run(state, tuple(column[:3] for column in columns))
        check(losses, reference_losses(3), dtype)

        def go() -> None:
            jax.block_until_ready(run(state, columns))
    else:
        call = jax.jit(one_step)
        checked, losses = state, []
        for document in batch[:3]:
            checked, loss = call(checked, document)
            losses.append(loss)
        check(losses, reference_losses(3), dtype)

        def go() -> None:
            reached = state
            for document in batch:
                reached, _ = call(reached, document)
            jax.block_until_ready(reached)

    yield from repeated(go, "µs/document", 1e-6, len(batch))


def _padded(document: list[int]) -> tuple[Any, Any, Any]:
    """Tokens, targets and their number."""
    tokens, targets = np.zeros((2, POSITIONS), np.int32)
    count = len(document) - 1
    tokens[:count], targets[:count] = document[:-1], document[1:]
    return jnp.array(tokens), jnp.array(targets), jnp.array(count, jnp.int32)
