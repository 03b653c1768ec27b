"""A character-level transformer made of scalar Values, which learns to invent names: `python examples/tiny_transformer.py --steps 200`.

The model is GPT-2's in small (Radford et al., Language models are unsupervised multitask learners, 2019): embeddings of tokens and
positions, causal multi-head attention (Vaswani et al., arXiv:1706.03762), a two-layer perceptron, residual connections; with RMS
normalization (Zhang and Sennrich, arXiv:1910.07467) in place of layer normalization. Adam (Kingma and Ba, arXiv:1412.6980) is written out.

Nothing but Values: every weight is a number, every gradient comes out of `backward()`. The same numbers come out of both engines, to the
last bit; compare `CHAINRULE_ENGINE=python` with `CHAINRULE_ENGINE=c`.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from itertools import pairwise

from chainrule import Value, dot, log_softmax, relu, softmax
from chainrule.engine import ENGINE

# Names of an invented people: an opening, a middle now and then, and an ending.
OPENINGS = ["ka", "me", "lo", "ti", "ra", "no", "sel", "bri", "dan", "or"]
MIDDLES = ["ri", "la", "mo", "ne", "vi"]
ENDINGS = ["na", "ro", "lin", "dar", "mis", "tel"]

EMBEDDING = 16
HEADS = 4
LAYERS = 1
LONGEST = 12  # positions a name may take, with the mark at its end

Vector = list[Value]
Matrix = list[Vector]


def names(count: int, rng: random.Random) -> list[str]:
    """Draw names from the syllables."""
    return [rng.choice(OPENINGS) + (rng.choice(MIDDLES) if rng.random() < 0.5 else "") + rng.choice(ENDINGS) for _ in range(count)]


# --- the model -------------------------------------------------------------------------------------------------------------------------


def matrix(rows: int, columns: int, rng: random.Random, deviation: float = 0.08) -> Matrix:
    """Weights drawn from a normal distribution, one row for each output."""
    return [[Value(rng.gauss(0.0, deviation)) for _ in range(columns)] for _ in range(rows)]


class Block:
    """One layer: attention over the positions so far, then a perceptron; each adds to its input."""

    def __init__(self, rng: random.Random) -> None:
        self.query, self.key, self.value, self.out = (matrix(EMBEDDING, EMBEDDING, rng) for _ in range(4))
        self.widen = matrix(4 * EMBEDDING, EMBEDDING, rng)
        self.narrow = matrix(EMBEDDING, 4 * EMBEDDING, rng)

    def __call__(self, x: Vector, keys: list[Vector], values: list[Vector]) -> Vector:
        """Take one position through the layer; `keys` and `values` hold those of the positions before it, and get its own."""
        normal = normalize(x)
        keys.append(linear(self.key, normal))
        values.append(linear(self.value, normal))
        x = add(x, linear(self.out, attend(linear(self.query, normal), keys, values)))
        hidden = [relu(h) for h in linear(self.widen, normalize(x))]
        return add(x, linear(self.narrow, hidden))

    def matrices(self) -> list[Matrix]:
        """All weights of the layer."""
        return [self.query, self.key, self.value, self.out, self.widen, self.narrow]


class Transformer:
    """A model of the next character, given those before it."""

    def __init__(self, tokens: int, rng: random.Random) -> None:
        self.token = matrix(tokens, EMBEDDING, rng)
        self.position = matrix(LONGEST, EMBEDDING, rng)
        self.blocks = [Block(rng) for _ in range(LAYERS)]
        self.head = matrix(tokens, EMBEDDING, rng)

    def parameters(self) -> list[Value]:
        """All weights."""
        matrices = [self.token, self.position, self.head, *(m for block in self.blocks for m in block.matrices())]
        return [weight for m in matrices for row in m for weight in row]

    def start(self) -> list[tuple[list[Vector], list[Vector]]]:
        """The keys and values of no positions yet, for each layer."""
        return [([], []) for _ in self.blocks]

    def __call__(self, token: int, position: int, seen: list[tuple[list[Vector], list[Vector]]]) -> Vector:
        """Read one token; return the score of each token as the next."""
        x = normalize(add(self.token[token], self.position[position]))
        for block, (keys, values) in zip(self.blocks, seen, strict=True):
            x = block(x, keys, values)
        return linear(self.head, x)


def linear(weights: Matrix, x: Vector) -> Vector:
    """Multiply a matrix and a vector."""
    return [dot(row, x) for row in weights]


def add(a: Vector, b: Vector) -> Vector:
    """Add two vectors."""
    return [x + y for x, y in zip(a, b, strict=True)]


def normalize(x: Vector) -> Vector:
    """Divide by the root of the mean square."""
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def attend(query: Vector, keys: list[Vector], values: list[Vector]) -> Vector:
    """For each head, the mean of the values of all positions, weighted by how well their keys meet the query."""
    size = EMBEDDING // HEADS
    out: Vector = []
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        weights = softmax([dot(query[part], key[part]) / math.sqrt(size) for key in keys])
        out += [dot(weights, [value[i] for value in values]) for i in range(part.start, part.stop)]
    return out


# --- training --------------------------------------------------------------------------------------------------------------------------


def loss_of(model: Transformer, tokens: list[int]) -> Value:
    """The mean surprise, in nats, at each next token of a name."""
    seen = model.start()
    surprises = [-log_softmax(model(token, position, seen))[following] for position, (token, following) in enumerate(pairwise(tokens))]
    return sum(surprises) * (1.0 / len(surprises))


class Adam:
    """Keeps its two running means in attributes of the parameters themselves."""

    def __init__(self, parameters: list[Value], rate: float, steps: int, beta1: float = 0.85, beta2: float = 0.99) -> None:
        self.parameters, self.rate, self.steps, self.beta1, self.beta2 = parameters, rate, steps, beta1, beta2
        self.taken = 0
        for p in parameters:
            p.mean = p.square = 0.0

    def step(self) -> None:
        """Move every parameter against its gradient; the rate falls to 0 in a straight line."""
        rate = self.rate * (1.0 - self.taken / self.steps)
        self.taken += 1
        for p in self.parameters:
            gradient = p.grad
            p.mean = self.beta1 * p.mean + (1.0 - self.beta1) * gradient
            p.square = self.beta2 * p.square + (1.0 - self.beta2) * gradient * gradient
            mean, square = p.mean / (1.0 - self.beta1**self.taken), p.square / (1.0 - self.beta2**self.taken)
            p.data -= rate * mean / (math.sqrt(square) + 1e-8)
            p.grad = 0.0  # the next name may not use this letter or position, and backward() sets only what the loss depends on


def sample(model: Transformer, characters: str, rng: random.Random, temperature: float = 0.6) -> str:
    """Invent a name, character by character; token 0 marks the beginning and the end."""
    token, name, seen = 0, "", model.start()
    for position in range(LONGEST):
        scores = model(token, position, seen)
        chances = [p.data for p in softmax([score / temperature for score in scores])]
        token = rng.choices(range(len(chances)), chances)[0]
        if token == 0:
            break
        name += characters[token - 1]
    return name


def train(steps: int, seed: int = 42, every: int = 20) -> tuple[list[float], list[str]]:
    """Train on one name a step.

    Returns:
        The losses, and names that the trained model invents.
    """
    rng = random.Random(seed)  # draws the names, then the weights, then the samples
    text = names(200, rng)
    characters = "".join(sorted(set("".join(text))))
    model = Transformer(len(characters) + 1, rng)
    optimizer = Adam(model.parameters(), rate=0.02, steps=steps)
    print(f"{len(text)} names of {len(characters)} characters, {len(optimizer.parameters):,} parameters, {ENGINE} engine")
    losses = []
    start = time.perf_counter()
    for step in range(steps):
        tokens = [0, *(characters.index(c) + 1 for c in text[step % len(text)]), 0]
        loss = loss_of(model, tokens)
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
        if step % every == 0 or step == steps - 1:
            print(f"step {step:4}  loss {loss.data:.6f}")
    print(f"{(time.perf_counter() - start) / steps * 1e3:.1f} ms a step")
    return losses, [sample(model, characters, rng) for _ in range(10)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200, help="names to train on, one a step")
    parser.add_argument("--seed", type=int, default=42, help="of the names, the weights and the samples")
    arguments = parser.parse_args()
    losses, invented = train(arguments.steps, arguments.seed)
    print(f"mean of the last 10 losses: {math.fsum(losses[-10:]) / len(losses[-10:])!r}")
    print("it invents:", ", ".join(invented))
