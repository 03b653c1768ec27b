"""Networks of layers, their losses, and convolutions."""

# ruff: noqa: B905 (zip as people write it)

from __future__ import annotations

import random

import chainrule
from chainrule import MLP, Layer, Value, dot, exp, log, log_softmax, logsumexp, maximum, mean, relu, sigmoid, softmax, tanh
from chainrule.nn import ACTIVATIONS
from registry import PROGRAMS, Built, Program, flat, labels, matrix, program, samples, signs, vector


def perceptron(activation: str, fused: bool) -> Program:
    def build(rng: random.Random) -> Built:
        model = MLP(3, [6, 5, 2], activation=activation, fused=fused, rng=rng)

        def loss(X, y):
            return sum(sum((a - b) ** 2 for a, b in zip(model(x), row)) for x, row in zip(X, y)) / len(X)

        return Built(flat(model), loss, (samples(rng, 9, 3), samples(rng, 9, 2)))

    return Program(f"mlp_{activation}_{'fused' if fused else 'written_out'}", build)


PROGRAMS += [perceptron(activation, fused) for activation in ACTIVATIONS for fused in (True, False)]


@program
def moons(rng: random.Random) -> Built:
    """The recipe of micrograd's demo: hinge loss and a penalty on every weight."""
    model = MLP(2, [16, 16, 1], rng=rng)

    def loss(X, y):
        scores = list(map(model, X))
        losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores)]
        return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())

    return Built(flat(model), loss, (samples(rng, 30, 2, low=-2, high=2), signs(rng, 30)))


@program
def deep_mlp(rng: random.Random) -> Built:
    model = MLP(4, [6] * 29 + [1], activation="tanh", rng=rng)

    def loss(X, y):
        return mean((model(x) - t) ** 2 for x, t in zip(X, y))

    return Built(flat(model), loss, (samples(rng, 8, 4), samples(rng, 8)))


@program
def deep_residual_network(rng: random.Random) -> Built:
    matrices = [matrix(rng, 6, 6) for _ in range(30)]

    def loss(X):
        total = 0
        for x in X:
            for W in matrices:
                x = [a + 0.1 * tanh(sum(w * q for w, q in zip(row, x))) for a, row in zip(x, W)]
            total += sum(q * q for q in x)
        return total / len(X)

    return Built(flat(matrices), loss, (samples(rng, 8, 6),))


@program
def hidden_layers_of_one_neuron(rng: random.Random) -> Built:
    model = MLP(1, [1, 3, 1, 1], activation="tanh", rng=rng)

    def loss(X):
        return mean((model(x) - 0.2) ** 2 for x in X)

    return Built(flat(model), loss, (samples(rng, 6, 1),))


@program
def two_towers(rng: random.Random) -> Built:
    left, right = MLP(3, [6, 4], activation="tanh", rng=rng), MLP(5, [6, 4], activation="tanh", rng=rng)

    def loss(a, b, same):
        u, v = left(a), right(b)
        cosine = dot(u, v) / (dot(u, u) * dot(v, v) + 1e-6) ** 0.5
        return (cosine - same) ** 2

    return Built(flat(left, right), loss, (samples(rng, 12, 3), samples(rng, 12, 5), signs(rng, 12).astype(float)), batched=True)


@program
def mixture_of_experts(rng: random.Random) -> Built:
    experts = [MLP(3, [4, 2], activation="relu", rng=rng) for _ in range(4)]
    gate = Layer(3, 4, nonlin=False, rng=rng)

    def loss(x, y):
        opinions = [expert(x) for expert in experts]
        trust = softmax(gate(x))
        blend = [sum(t * opinion[k] for t, opinion in zip(trust, opinions)) for k in range(2)]
        return sum((p - q) ** 2 for p, q in zip(blend, y))

    return Built(flat(experts, gate), loss, (samples(rng, 10, 3), samples(rng, 10, 2)), batched=True)


# --- losses -----------------------------------------------------------------------------------------------------------------------------


@program
def max_margin_loss(rng: random.Random) -> Built:
    model = MLP(2, [8, 1], activation="leaky_relu", rng=rng)

    def loss(X):
        return chainrule.max_margin([model(x) for x in X], targets) + chainrule.l2_penalty(model.parameters(), 1e-2)

    targets = [rng.choice([-1, 1]) for _ in range(14)]
    return Built(flat(model), loss, (samples(rng, 14, 2),))


@program
def binary_cross_entropy_loss(rng: random.Random) -> Built:
    model = MLP(2, [8, 1], activation="elu", rng=rng)
    targets = [rng.choice([0, 1]) for _ in range(14)]

    def loss(X):
        return chainrule.binary_cross_entropy([model(x) for x in X], targets)

    return Built(flat(model), loss, (samples(rng, 14, 2),))


@program
def binary_cross_entropy_of_probabilities(rng: random.Random) -> Built:
    w, b = vector(rng, 4), Value(0.1)

    def loss(x, y):
        p = sigmoid(sum(wi * xi for wi, xi in zip(w, x)) + b)
        return -(y * log(p) + (1 - y) * log(1 - p))

    return Built(flat(w, b), loss, (samples(rng, 23, 4), labels(rng, 23, below=2)), batched=True)


@program
def losses_of_targets_as_arguments(rng: random.Random) -> Built:
    model = MLP(3, [6, 3], activation="tanh", rng=rng)

    def loss(X, y, sides, answers):
        first, second, third = zip(*(model(x) for x in X))
        squares = chainrule.mean_squared_error(first, y)
        return squares + chainrule.max_margin(second, sides) + 0.5 * chainrule.binary_cross_entropy(third, answers)

    arguments = (samples(rng, 10, 3), samples(rng, 10), signs(rng, 10), labels(rng, 10, below=2))
    return Built(flat(model), loss, arguments)


@program
def softmax_written_plainly(rng: random.Random) -> Built:
    W, b = matrix(rng, 5, 3), vector(rng, 5)
    targets = [rng.randrange(5) for _ in range(24)]

    def loss(X):
        losses = []
        for x, target in zip(X, targets):
            e = [sum((w * xi for w, xi in zip(row, x)), bias).exp() for row, bias in zip(W, b)]
            total = sum(e)
            probabilities = [ei / total for ei in e]
            losses.append(-probabilities[target].log())
        return sum(losses) / len(losses)

    return Built(flat(W, b), loss, (samples(rng, 24, 3),))


@program
def softmax_with_one_hot_targets(rng: random.Random) -> Built:
    model = MLP(4, [7, 3], rng=rng)

    def loss(x, target):
        e = [exp(logit) for logit in model(x)]
        total = sum(e)
        return -sum(t * (ei / total).log() for t, ei in zip(target, e))

    targets = [[1.0 if k == label else 0.0 for k in range(3)] for label in labels(rng, 16, below=3)]
    return Built(flat(model), loss, (samples(rng, 16, 4), targets), batched=True)


@program
def cross_entropy_of_constant_targets(rng: random.Random) -> Built:
    model = MLP(4, [7, 5], rng=rng)
    targets = [rng.randrange(5) for _ in range(16)]

    def loss(X):
        return chainrule.cross_entropy([model(x) for x in X], targets)

    return Built(flat(model), loss, (samples(rng, 16, 4),))


@program
def cross_entropy_of_targets_as_arguments(rng: random.Random) -> Built:
    model = MLP(4, [7, 5], rng=rng)

    def loss(X, targets):
        return chainrule.cross_entropy([model(x) for x in X], targets)

    return Built(flat(model), loss, (samples(rng, 16, 4), labels(rng, 16, below=5)))


@program
def cross_entropy_of_one_sample(rng: random.Random) -> Built:
    model = MLP(4, [7, 5], activation="tanh", rng=rng)

    def loss(x, target):
        return chainrule.cross_entropy(model(x), target)

    return Built(flat(model), loss, (samples(rng, 21, 4), labels(rng, 21, below=5)), batched=True)


@program
def logsumexp_less_the_target(rng: random.Random) -> Built:
    W = matrix(rng, 6, 3)

    def loss(x, target):
        logits = [dot(row, x) for row in W]
        return logsumexp(logits) - chainrule.take(logits, target)

    return Built(flat(W), loss, (samples(rng, 18, 3), labels(rng, 18, below=6)), batched=True, reduction="sum")


@program
def smoothed_labels(rng: random.Random) -> Built:
    W = matrix(rng, 6, 3)

    def loss(x, target):
        surprise = [-s for s in log_softmax([dot(row, x) for row in W])]
        return 0.9 * chainrule.take(surprise, target) + 0.1 * mean(surprise)

    return Built(flat(W), loss, (samples(rng, 18, 3), labels(rng, 18, below=6)), batched=True)


@program
def focal_loss(rng: random.Random) -> Built:
    model = MLP(3, [5, 4], activation="gelu", rng=rng)

    def loss(x, weights):
        p = softmax(model(x))
        return sum(-w * (1 - pi) ** 2 * pi.log() for w, pi in zip(weights, p))

    return Built(flat(model), loss, (samples(rng, 12, 3), samples(rng, 12, 4, low=0)), batched=True)


@program
def logits_of_any_size(rng: random.Random) -> Built:
    """Shifts that keep exp in range: by the library, and by hand with maximum."""
    W = matrix(rng, 4, 3, 400.0)

    def loss(X):
        total = 0
        for x in X:
            logits = [dot(row, x) for row in W]
            largest = logits[0]
            for logit in logits[1:]:
                largest = maximum(largest, logit)
            by_hand = log(sum(exp(logit - largest) for logit in logits)) + largest
            total += by_hand + logsumexp(logits) - 2 * logits[1]
        return total / len(X)

    return Built(flat(W), loss, (samples(rng, 8, 3),))


@program
def triplets_with_a_margin(rng: random.Random) -> Built:
    embed = MLP(3, [6, 4], activation="tanh", rng=rng)

    def loss(anchors, friends, strangers):
        total = 0
        for triple in zip(anchors, friends, strangers):
            a, f, s = (embed(x) for x in triple)
            near, far = sum((p - q) ** 2 for p, q in zip(a, f)), sum((p - q) ** 2 for p, q in zip(a, s))
            total += maximum(0.0, near - far + 0.5)
        return total / len(anchors)

    return Built(flat(embed), loss, (samples(rng, 7, 3), samples(rng, 7, 3), samples(rng, 7, 3)))


@program
def contrast_within_the_batch(rng: random.Random) -> Built:
    """Every sample against every other: a matrix of similarities, and cross-entropy over its rows."""
    left, right = matrix(rng, 3, 4, 1.0), matrix(rng, 3, 4, 1.0)

    def loss(X, Y):
        a, b = [[dot(row, x) for row in left] for x in X], [[dot(row, y) for row in right] for y in Y]
        similar = [[dot(p, q) / 0.5 for q in b] for p in a]
        return mean(logsumexp(row) - row[n] for n, row in enumerate(similar))

    return Built(flat(left, right), loss, (samples(rng, 7, 4), samples(rng, 7, 4)))


# --- convolutions -----------------------------------------------------------------------------------------------------------------------


@program
def convolution(rng: random.Random) -> Built:
    kernels, v = matrix(rng, 4, 5), vector(rng, 4 * 8)

    def loss(X):
        total = 0
        for x in X:
            features = [relu(sum(k[j] * x[t + j] for j in range(5))) for k in kernels for t in range(8)]
            total = total + (sum(a * b for a, b in zip(v, features)) - 1) ** 2
        return total * (1 / len(X))

    return Built(flat(kernels, v), loss, (samples(rng, 16, 12),))


@program
def convolution_by_slices(rng: random.Random) -> Built:
    kernels, biases = matrix(rng, 3, 4), vector(rng, 3)

    def loss(x):
        maps = [[(dot(k, x[t : t + 4]) + b).tanh() for t in range(0, len(x) - 3, 2)] for k, b in zip(kernels, biases)]
        return sum(sum(row) ** 2 for row in maps) / len(maps[0])

    return Built(flat(kernels, biases), loss, (samples(rng, 6, 14),), batched=True)


@program
def two_layers_of_convolution(rng: random.Random) -> Built:
    first, second, v = matrix(rng, 4, 3), [matrix(rng, 4, 3) for _ in range(2)], vector(rng, 2 * 8)

    def loss(X):
        total = 0
        for x in X:
            once = [[relu(sum(k[j] * x[t + j] for j in range(3))) for t in range(10)] for k in first]
            twice = [relu(sum(k[c][j] * once[c][t + j] for c in range(4) for j in range(3))) for k in second for t in range(8)]
            total += (sum(a * b for a, b in zip(v, twice)) - 1) ** 2
        return total / len(X)

    return Built(flat(first, second, v), loss, (samples(rng, 12, 12),))


@program
def padded_dilated_convolution(rng: random.Random) -> Built:
    """Zeros around the edge, and taps two places apart."""
    kernel = vector(rng, 3, 1.0)

    def loss(X):
        total = 0
        for x in X:
            padded = [0.0, 0.0, *x, 0.0, 0.0]
            out = [tanh(sum(kernel[j] * padded[t + 2 * j] for j in range(3))) for t in range(len(x))]
            total += sum(o * xi for o, xi in zip(out, x))
        return total

    return Built(kernel, loss, (samples(rng, 5, 9),))


@program
def image_network(rng: random.Random) -> Built:
    """Two layers of 3x3 and 2x2 kernels, a largest-of-four pooling between, a mean pooling after."""
    first, second = [matrix(rng, 3, 3) for _ in range(3)], [[matrix(rng, 2, 2) for _ in range(3)] for _ in range(2)]
    head = matrix(rng, 3, 2, 1.0)

    def convolve(maps, kernels):
        rows, columns = len(maps[0]) - len(kernels[0]) + 1, len(maps[0][0]) - len(kernels[0][0]) + 1
        return [
            [
                sum(k[a][b] * m[i + a][j + b] for k, m in zip(kernels, maps) for a in range(len(k)) for b in range(len(k[0])))
                for j in range(columns)
            ]
            for i in range(rows)
        ]

    def loss(images, targets):
        logits = []
        for image in images:
            once = [[[tanh(v) for v in row] for row in convolve([image], [k])] for k in first]
            pooled = [
                [
                    [maximum(maximum(m[i][j], m[i][j + 1]), maximum(m[i + 1][j], m[i + 1][j + 1])) for j in range(0, len(m[0]) - 1, 2)]
                    for i in range(0, len(m) - 1, 2)
                ]
                for m in once
            ]
            twice = [convolve(pooled, kernels) for kernels in second]
            features = [mean(relu(v) for row in m for v in row) for m in twice]
            logits.append([dot(row, features) for row in head])
        return chainrule.cross_entropy(logits, targets)

    return Built(flat(first, second, head), loss, (samples(rng, 4, 8, 8), labels(rng, 4, below=3)))
