"""The layers of random programs: each is drawn for a number of inputs, and written as somebody would write it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import chainrule
from chainrule import Value, dot, greater, log_softmax, maximum, mean, minimum, softmax, tanh, where
from registry import flat, matrix, vector

Row = Sequence[Any]
BATCHES = [1, 2, 3, 7, 16, 33]
WIDEST = 7
VOCABULARY = 5


class Layer(NamedTuple):
    """A step of a random program.

    Arguments:
        name: what it is.
        width: how many numbers it returns for each sample.
        row: from the numbers of one sample, its token and its place in the batch, to new numbers.
        rows: the same for all samples at once, where they meet each other.
    """

    name: str
    width: int
    row: Callable[[Row, Any, int], Row] | None = None
    rows: Callable[[Sequence[Row]], Sequence[Row]] | None = None


class Drawing:
    """The random numbers of a program, and the parameters drawn so far."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)
        self.parameters: list[Value] = []

    def vector(self, size: int, spread: float = 0.8) -> list[Value]:
        self.parameters += (drawn := vector(self.rng, size, spread))
        return drawn

    def matrix(self, rows: int, columns: int, spread: float = 0.8) -> list[list[Value]]:
        self.parameters += flat(drawn := matrix(self.rng, rows, columns, spread))
        return drawn

    def value(self, low: float = -0.8, high: float = 0.8) -> Value:
        self.parameters.append(drawn := Value(self.rng.uniform(low, high)))
        return drawn

    def constants(self, size: int) -> list[float]:
        return [self.rng.choice([0, 1, -1, 0.0, 1.0, -1.0, self.rng.uniform(-1, 1)]) for _ in range(size)]

    def width(self) -> int:
        return self.rng.randint(1, WIDEST)


# --- layers: from a drawing and the number of inputs ------------------------------------------------------------------------------------

LAYERS: list[Callable[[Drawing, int], Layer | None]] = []


def layer(draw: Callable[[Drawing, int], Layer | None]) -> Callable[[Drawing, int], Layer | None]:
    LAYERS.append(draw)
    return draw


@layer
def linear(draw: Drawing, width: int) -> Layer:
    out = draw.width()
    W, b = draw.matrix(out, width), draw.vector(out)
    return Layer(
        "linear", out, lambda x, *_: [sum((w * xi for w, xi in zip(row, x, strict=True)), bias) for row, bias in zip(W, b, strict=True)]
    )


@layer
def linear_with_inputs_in_the_outer_loop(draw: Drawing, width: int) -> Layer:
    out = draw.width()
    W, b = draw.matrix(out, width), draw.vector(out)

    def row(x: Row, *_: Any) -> Row:
        z: list[Any] = list(b)
        for i in range(len(x)):
            for j in range(out):
                z[j] = z[j] + x[i] * W[j][i]
        return z

    return Layer("linear, inputs outside", out, row)


@layer
def linear_with_samples_in_the_inner_loop(draw: Drawing, width: int) -> Layer:
    out = draw.width()
    W = draw.matrix(out, width)

    def rows(X: Sequence[Row]) -> Sequence[Row]:
        Z: list[list[Any]] = [[0.0] * out for _ in X]
        for j in range(out):
            for i in range(width):
                for z, x in zip(Z, X, strict=True):
                    z[j] += W[j][i] * x[i]
        return Z

    return Layer("linear, samples inside", out, rows=rows)


@layer
def fused_linear(draw: Drawing, width: int) -> Layer:
    out, biased = draw.width(), draw.rng.random() < 0.7
    W, b = draw.matrix(out, width), draw.vector(out) if biased else [None] * out
    return Layer("dot" if biased else "dot without bias", out, lambda x, *_: [dot(row, x, bias) for row, bias in zip(W, b, strict=True)])


@layer
def neurons(draw: Drawing, width: int) -> Layer:
    out = draw.width()
    activation = draw.rng.choice(list(chainrule.nn.ACTIVATIONS))
    module = chainrule.Layer(width, out, activation=activation, fused=draw.rng.random() < 0.7, init="xavier", rng=draw.rng)
    for neuron in module.neurons:
        neuron.b.data = draw.rng.uniform(-0.3, 0.3)
    draw.parameters += module.parameters()
    return Layer(f"neurons, {activation}", out, lambda x, *_: module(x) if out > 1 else [module(x)])


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "tanh": tanh,
    "relu": lambda x: chainrule.relu(x + 0.1),
    "sigmoid": chainrule.sigmoid,
    "gelu": chainrule.gelu,
    "silu": chainrule.silu,
    "softplus": chainrule.softplus,
    "leaky_relu": chainrule.leaky_relu,
    "elu": lambda x: chainrule.elu(x, 0.7),
    "sin": chainrule.sin,
    "cos": lambda x: chainrule.cos(x * 0.5),
    "erf": chainrule.erf,
    "exp": lambda x: chainrule.exp(0.3 * x),
    "expm1": lambda x: chainrule.expm1(0.3 * x),
    "log": lambda x: chainrule.log(x * x + 0.5),
    "log1p": lambda x: chainrule.log1p(x * x),
    "sqrt": lambda x: chainrule.sqrt(x * x + 0.5),
    "atan": chainrule.atan,
    "sinh": lambda x: chainrule.sinh(0.3 * x),
    "cosh": lambda x: chainrule.cosh(0.3 * x),
    "abs": abs,
    "negative": lambda x: -x,
    "square": lambda x: x**2,
    "cube": lambda x: 0.3 * x**3,
    "reciprocal": lambda x: 1 / (1 + x * x),
    "hypot": lambda x: chainrule.hypot(x, 0.5),
}


@layer
def elementwise(draw: Drawing, width: int) -> Layer:
    name = draw.rng.choice(list(FUNCTIONS))
    return Layer(name, width, lambda x, *_: [FUNCTIONS[name](xi) for xi in x])


@layer
def plain_softmax(draw: Drawing, width: int) -> Layer:
    def row(x: Row, *_: Any) -> Row:
        e = [chainrule.exp(xi) for xi in x]
        total = sum(e)
        return [ei / total for ei in e]

    return Layer("softmax, plainly", width, row)


@layer
def library_softmax(draw: Drawing, width: int) -> Layer:
    logarithmic = draw.rng.random() < 0.4
    return Layer("log_softmax" if logarithmic else "softmax", width, lambda x, *_: log_softmax(x) if logarithmic else softmax(x))


@layer
def convolution(draw: Drawing, width: int) -> Layer:
    taps = draw.rng.randint(1, min(3, width))
    kernel = draw.vector(taps)
    out = width - taps + 1
    return Layer("convolution", out, lambda x, *_: [sum(kernel[j] * x[t + j] for j in range(taps)) for t in range(out)])


@layer
def root_mean_square_norm(draw: Drawing, width: int) -> Layer:
    def row(x: Row, *_: Any) -> Row:
        scale = (sum(xi * xi for xi in x) / len(x) + 0.1) ** -0.5
        return [xi * scale for xi in x]

    return Layer("rms norm", width, row)


@layer
def layer_norm(draw: Drawing, width: int) -> Layer:
    gain, shift = draw.vector(width), draw.vector(width)

    def row(x: Row, *_: Any) -> Row:
        middle = mean(x)
        spread = chainrule.sqrt(mean((xi - middle) ** 2 for xi in x) + 0.1)
        return [g * (xi - middle) / spread + s for g, xi, s in zip(gain, x, shift, strict=True)]

    return Layer("layer norm", width, row)


@layer
def batch_norm(draw: Drawing, width: int) -> Layer:
    def rows(X: Sequence[Row]) -> Sequence[Row]:
        middles = [sum(x[j] for x in X) / len(X) for j in range(width)]
        spreads = [sum((x[j] - middles[j]) ** 2 for x in X) / len(X) for j in range(width)]
        return [[(x[j] - middles[j]) * (spreads[j] + 0.1) ** -0.5 for j in range(width)] for x in X]

    return Layer("batch norm", width, rows=rows)


@layer
def running_mean_over_samples(draw: Drawing, width: int) -> Layer:
    rate = draw.value(0.2, 0.8)

    def rows(X: Sequence[Row]) -> Sequence[Row]:
        out: list[Row] = [X[0]]
        for x in X[1:]:
            out.append([before + rate * (xi - before) for before, xi in zip(out[-1], x, strict=True)])
        return out

    return Layer("running mean over samples", width, rows=rows)


@layer
def reversal(draw: Drawing, width: int) -> Layer:
    return Layer("residual, reversed", width, lambda x, *_: [a + tanh(b) for a, b in zip(x, reversed(x), strict=True)])


@layer
def residual(draw: Drawing, width: int) -> Layer:
    W = draw.matrix(width, width)
    return Layer("residual", width, lambda x, *_: [xi + tanh(dot(row, x)) for xi, row in zip(x, W, strict=True)])


@layer
def sparse(draw: Drawing, width: int) -> Layer:
    out = draw.width()
    wires = [[(draw.rng.randrange(width), draw.value()) for _ in range(draw.rng.randint(1, 3))] for _ in range(out)]
    return Layer("sparse", out, lambda x, *_: [sum(w * x[i] for i, w in wire) for wire in wires])


@layer
def permutation(draw: Drawing, width: int) -> Layer:
    order = draw.rng.sample(range(width), width)
    return Layer("permutation", width, lambda x, *_: [x[i] for i in order])


@layer
def scale(draw: Drawing, width: int) -> Layer:
    factor = draw.value()
    return Layer("scale", width, lambda x, *_: [xi * factor for xi in x])


@layer
def shared_vector(draw: Drawing, width: int) -> Layer:
    p = draw.vector(width)
    return Layer("shared vector", width, lambda x, *_: [xi * pi + pi for xi, pi in zip(x, p, strict=True)])


@layer
def one_matrix_twice(draw: Drawing, width: int) -> Layer:
    W = draw.matrix(width, width, 0.5)

    def row(x: Row, *_: Any) -> Row:
        hidden = [tanh(sum(w * xi for w, xi in zip(weights, x, strict=True))) for weights in W]
        return [sum(W[j][i] * hidden[j] for j in range(width)) for i in range(width)]

    return Layer("a matrix and its transpose", width, row)


@layer
def constants(draw: Drawing, width: int) -> Layer:
    factors, terms = draw.constants(width), draw.constants(width)
    return Layer("constants", width, lambda x, *_: [xi * a + b for xi, a, b in zip(x, factors, terms, strict=True)])


@layer
def nonzero_constants(draw: Drawing, width: int) -> Layer:
    W, p = [draw.constants(width) for _ in range(width)], draw.value()
    return Layer("nonzero constants", width, lambda x, *_: [sum((a * xi for a, xi in zip(row, x, strict=True) if a), p) for row in W])


@layer
def pairs(draw: Drawing, width: int) -> Layer:
    return Layer("pairs", width, lambda x, *_: [x[i] * x[i - 1] for i in range(width)])


@layer
def all_pairs(draw: Drawing, width: int) -> Layer:
    M = draw.matrix(width, width, 0.5)
    return Layer("all pairs", 1, lambda x, *_: [sum(x[i] * M[i][j] * x[j] for i in range(width) for j in range(i, width))])


@layer
def prefix_sums(draw: Drawing, width: int) -> Layer:
    def row(x: Row, *_: Any) -> Row:
        run: Any = 0
        out = []
        for xi in x:
            run = run + xi
            out.append(run * 0.5)
        return out

    return Layer("prefix sums", width, row)


@layer
def prefix_products(draw: Drawing, width: int) -> Layer:
    def row(x: Row, *_: Any) -> Row:
        run: Any = 1.0
        out = []
        for xi in x:
            run = run * tanh(xi)
            out.append(run)
        return out

    return Layer("prefix products", width, row)


@layer
def recurrence(draw: Drawing, width: int) -> Layer:
    size = draw.rng.randint(1, 3)
    W, u, b = draw.matrix(size, size), draw.vector(size), draw.vector(size)

    def row(x: Row, *_: Any) -> Row:
        h: Row = [0.0] * size
        for xi in x:
            h = [tanh(dot(weights, h) + ui * xi + bi) for weights, ui, bi in zip(W, u, b, strict=True)]
        return h

    return Layer("recurrence", size, row)


@layer
def clipping(draw: Drawing, width: int) -> Layer:
    low, high = draw.rng.uniform(-1, 0), draw.rng.uniform(0, 1)
    return Layer("clipping", width, lambda x, *_: [minimum(maximum(low, xi), high) + 0.3 * xi for xi in x])


@layer
def larger_neighbour(draw: Drawing, width: int) -> Layer | None:
    return Layer("larger neighbour", width - 1, lambda x, *_: [maximum(a, b) for a, b in pairwise(x)]) if width > 1 else None


@layer
def choice(draw: Drawing, width: int) -> Layer:
    threshold, other = draw.value(), draw.vector(width)
    return Layer("choice", width, lambda x, *_: [where(greater(xi, threshold), xi * o, o - xi) for xi, o in zip(x, other, strict=True)])


@layer
def causal_attention(draw: Drawing, width: int) -> Layer:
    size = draw.rng.randint(1, 2)
    q, k, v = draw.vector(size), draw.vector(size), draw.vector(size)
    plainly = draw.rng.random() < 0.5

    def row(x: Row, *_: Any) -> Row:
        out = []
        for t in range(width):
            scores = [sum((qi * x[t]) * (ki * x[s]) for qi, ki in zip(q, k, strict=True)) for s in range(t + 1)]
            if plainly:
                e = [chainrule.exp(score) for score in scores]
                total = sum(e)
                weights = [ei / total for ei in e]
            else:
                weights = softmax(scores)
            out.append(sum(w * x[s] * vi for s, w in enumerate(weights) for vi in v))
        return out

    return Layer("causal attention", width, row)


@layer
def attention_over_samples(draw: Drawing, width: int) -> Layer:
    Q, K = draw.matrix(2, width), draw.matrix(2, width)

    def rows(X: Sequence[Row]) -> Sequence[Row]:
        queries, keys = [[dot(row, x) for row in Q] for x in X], [[dot(row, x) for row in K] for x in X]
        out = []
        for n, query in enumerate(queries):
            weights = softmax([dot(query, key) for key in keys[: n + 1]])
            out.append([sum(w * x[c] for w, x in zip(weights, X, strict=False)) for c in range(width)])
        return out

    return Layer("attention over samples", width, rows=rows)


@layer
def embedding_by_constant_index(draw: Drawing, width: int) -> Layer:
    table, choices = draw.matrix(VOCABULARY, width), [draw.rng.randrange(VOCABULARY) for _ in range(max(BATCHES))]
    return Layer("constant embedding", width, lambda x, token, n: [xi + e for xi, e in zip(x, table[choices[n]], strict=True)])


@layer
def embedding_by_argument(draw: Drawing, width: int) -> Layer:
    table = draw.matrix(VOCABULARY, width)
    return Layer("embedding", width, lambda x, token, n: [xi + e for xi, e in zip(x, chainrule.take(table, token), strict=True)])


@layer
def one_hot(draw: Drawing, width: int) -> Layer:
    W = draw.matrix(width, VOCABULARY)
    return Layer(
        "one-hot", width, lambda x, token, n: [xi + dot(row, chainrule.one_hot(token, VOCABULARY)) for xi, row in zip(x, W, strict=True)]
    )


@layer
def element_by_argument(draw: Drawing, width: int) -> Layer | None:
    if width < VOCABULARY:
        return None
    return Layer("element", width, lambda x, token, n: [xi - chainrule.take(x, token) for xi in x])


@layer
def division(draw: Drawing, width: int) -> Layer:
    p = draw.vector(width)
    return Layer("division", width, lambda x, *_: [xi / (1 + pi * pi) + pi / (1 + xi * xi) for xi, pi in zip(x, p, strict=True)])


@layer
def power(draw: Drawing, width: int) -> Layer:
    exponent = draw.rng.choice([0.5, 1.5, -0.5, -1, 3, 0.7, None])
    p = draw.value() if exponent is None else exponent
    return Layer(f"power {exponent}", width, lambda x, *_: [(xi * xi + 0.5) ** p for xi in x])


PER_SAMPLE = {"constant embedding"}  # layers that a function of one sample cannot have, since they ask for its place
