"""The transformer of examples/ with 16 positions: its initial weights as arrays, and the losses of the eager engine, the reference."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

from problems import BETAS, EMBEDDING, HEADS, LAYERS, POSITIONS, RATE, STEPS, TOKENS, Array, documents

sys.path.append(str(Path(__file__).parents[1] / "examples"))

import tiny_transformer


def model() -> tiny_transformer.Transformer:
    """A new model, always with the same weights."""
    if (tiny_transformer.EMBEDDING, tiny_transformer.HEADS, tiny_transformer.LAYERS) != (EMBEDDING, HEADS, LAYERS):
        raise SystemExit("examples/tiny_transformer.py is of another size than the peers'")
    tiny_transformer.LONGEST = POSITIONS
    return tiny_transformer.Transformer(TOKENS, random.Random(42))


def initial_matrices() -> dict[str, Array]:
    """The weights by name: token, position, head, query, key, value, out, widen and narrow."""
    made = model()
    parts: dict[str, Any] = {"token": made.token, "position": made.position, "head": made.head, **vars(made.blocks[0])}
    return {name: np.array([[weight.data for weight in row] for row in matrix]) for name, matrix in parts.items()}


def reference_losses(count: int) -> list[float]:
    """The loss of each of the first documents before its step, from eager Values and the example's own Adam."""
    made = model()
    optimizer = tiny_transformer.Adam(made.parameters(), RATE, STEPS, *BETAS)
    losses = []
    for document in documents()[:count]:
        loss = tiny_transformer.loss_of(made, document)
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    return losses
