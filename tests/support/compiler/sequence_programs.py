"""Networks over sequences and sets: recurrence, attention, normalization, and indexes that are arguments."""

# ruff: noqa: B905, RUF007 (zip as people write it)

from __future__ import annotations

import math
import random

import chainrule
from chainrule import MLP, Layer, Value, dot, exp, log, log_softmax, mean, relu, sigmoid, softmax, sqrt, tanh
from registry import Built, flat, labels, matrix, program, samples, vector

# --- recurrence -------------------------------------------------------------------------------------------------------------------------


def recurrent(rng: random.Random, sequences: int, length: int) -> Built:
    Wx, Wh, b, v = matrix(rng, 6, 2), matrix(rng, 6, 6), vector(rng, 6), vector(rng, 6)

    def loss(X):
        total = 0
        for xs in X:
            h = [0.0] * 6
            for x in xs:
                h = [tanh(sum(w * q for w, q in zip(Wx[j], x)) + sum(w * q for w, q in zip(Wh[j], h)) + b[j]) for j in range(6)]
            total += (sum(p * q for p, q in zip(v, h)) - 0.3) ** 2
        return total / len(X)

    return Built(flat(Wx, Wh, b, v), loss, (samples(rng, sequences, length, 2),))


@program
def rnn(rng: random.Random) -> Built:
    return recurrent(rng, 10, 8)


@program
def rnn_of_a_hundred_steps(rng: random.Random) -> Built:
    return recurrent(rng, 3, 100)


@program
def rnn_with_a_loss_at_every_step(rng: random.Random) -> Built:
    cell, read, start = MLP(5, [4], rng=rng), vector(rng, 4), vector(rng, 4)

    def loss(x, y):
        h, total = start, 0
        for xt, yt in zip(x, y):
            h = [tanh(z) for z in cell([xt, *h])]
            total += (dot(read, h) - yt) ** 2
        return total / len(x)

    return Built(flat(cell, read, start), loss, (samples(rng, 5, 12), samples(rng, 5, 12)), batched=True)


@program
def gru(rng: random.Random) -> Built:
    update, reset, candidate = (matrix(rng, 4, 7) for _ in range(3))
    read = vector(rng, 4)

    def loss(x, y):
        h = [0.0] * 4
        for xt in x:
            both = [*xt, *h, 1.0]
            z = [sigmoid(dot(row, both)) for row in update]
            r = [sigmoid(dot(row, both)) for row in reset]
            partly = [*xt, *(ri * hi for ri, hi in zip(r, h)), 1.0]
            new = [tanh(dot(row, partly)) for row in candidate]
            h = [(1 - zi) * hi + zi * ni for zi, hi, ni in zip(z, h, new)]
        return (dot(read, h) - y) ** 2

    return Built(flat(update, reset, candidate, read), loss, (samples(rng, 6, 7, 2), samples(rng, 6)), batched=True)


@program
def lstm(rng: random.Random) -> Built:
    gates = [[Layer(5, 3, nonlin=False, rng=rng) for _ in range(4)] for _ in range(2)]

    def loss(X):
        total = 0
        for xs in X:
            for layer in gates:
                h, c, outs = [0.0] * 3, [0.0] * 3, []
                for x in xs:
                    forget, enter, leave, new = (gate([*x, *h]) for gate in layer)
                    c = [f.sigmoid() * ci + e.sigmoid() * n.tanh() for f, e, n, ci in zip(forget, enter, new, c)]
                    h = [o.sigmoid() * ci.tanh() for o, ci in zip(leave, c)]
                    outs.append(h[:2])
                xs = outs
            total += sum(h)
        return total / len(X)

    return Built(flat(gates), loss, (samples(rng, 4, 6, 2),))


@program
def recurrence_through_samples(rng: random.Random) -> Built:
    """An exponential moving average whose rate is learned: each sample needs the one before."""
    rate, gain = Value(0.3), Value(1.2)

    def loss(x):
        level, total = x[0], 0
        for xt in x[1:]:
            total += (gain * level - xt) ** 2
            level = level + rate.sigmoid() * (xt - level)
        return total / (len(x) - 1)

    return Built([rate, gain], loss, (samples(rng, 60),))


# --- attention and normalization --------------------------------------------------------------------------------------------------------


def attend(q, keys, values):
    """A weighted mean of the values, by how well the keys meet the query."""
    weights = softmax([dot(q, key) / math.sqrt(len(q)) for key in keys])
    return [sum(w * value[c] for w, value in zip(weights, values)) for c in range(len(values[0]))]


@program
def causal_attention(rng: random.Random) -> Built:
    """Each position attends to those up to itself, so that the sums have lengths 1, 2, 3, ..."""
    Q, K, V = (matrix(rng, 4, 4, 1.0) for _ in range(3))

    def loss(X):
        q, k, v = ([[dot(row, x) for row in M] for x in X] for M in (Q, K, V))
        out = [attend(q[t], k[: t + 1], v[: t + 1]) for t in range(len(X))]
        return mean((o - x) ** 2 for row, target in zip(out, X) for o, x in zip(row, target))

    return Built(flat(Q, K, V), loss, (samples(rng, 9, 4),))


@program
def attention_written_plainly(rng: random.Random) -> Built:
    Q, K, V = (matrix(rng, 3, 3, 1.0) for _ in range(3))

    def loss(x):
        total = 0
        for t in range(len(x)):
            q = [sum(w * xi for w, xi in zip(row, x[t])) for row in Q]
            e = []
            for s in range(t + 1):
                k = [sum(w * xi for w, xi in zip(row, x[s])) for row in K]
                e.append(exp(sum(a * b for a, b in zip(q, k)) * 0.5))
            norm = sum(e)
            for c in range(3):
                out = sum(e[s] / norm * sum(w * xi for w, xi in zip(V[c], x[s])) for s in range(t + 1))
                total = total + out * out
        return total / len(x)

    return Built(flat(Q, K, V), loss, (samples(rng, 4, 6, 3),), batched=True)


@program
def multi_head_attention(rng: random.Random) -> Built:
    """As microgpt writes it: one token after another, keys and values kept, heads as slices."""
    Q, K, V, O = (matrix(rng, 6, 6) for _ in range(4))

    def loss(X):
        keys, values, total = [], [], 0
        for x in X:
            q = [dot(row, x) for row in Q]
            keys.append([dot(row, x) for row in K])
            values.append([dot(row, x) for row in V])
            heads = []
            for h in range(0, 6, 2):
                heads += attend(q[h : h + 2], [k[h : h + 2] for k in keys], [v[h : h + 2] for v in values])
            total += sum((a - b) ** 2 for a, b in zip([dot(row, heads) for row in O], x))
        return total / len(X)

    return Built(flat(Q, K, V, O), loss, (samples(rng, 8, 6),))


@program
def attention_over_batches_of_sequences(rng: random.Random) -> Built:
    Q, K, V = (matrix(rng, 4, 3, 1.0) for _ in range(3))

    def loss(X):
        q, k, v = ([[[dot(row, x) for row in M] for x in xs] for xs in X] for M in (Q, K, V))
        out = [[attend(query, k[n], v[n]) for query in q[n]] for n in range(len(X))]
        return sum(o * o for xs in out for row in xs for o in row) / len(X)

    return Built(flat(Q, K, V), loss, (samples(rng, 3, 5, 3),))


@program
def attention_within_a_window(rng: random.Random) -> Built:
    q, k, v = (vector(rng, 2, 1.0) for _ in range(3))

    def loss(X):
        total = 0
        for t, x in enumerate(X):
            near = X[max(0, t - 2) : t + 3]  # 3, 4, 5, 5, ..., 4, 3 of them
            weights = softmax([dot(q, x) * dot(k, other) for other in near])
            total += sum(w * dot(v, other) for w, other in zip(weights, near)) ** 2
        return total

    return Built(flat(q, k, v), loss, (samples(rng, 10, 2),))


def root_mean_square_norm(x):
    scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def transformer(rng: random.Random, characters: int, longest: int, size: int = 6, heads: int = 2):
    tokens, positions, head = matrix(rng, characters, size), matrix(rng, longest, size), matrix(rng, characters, size)
    Q, K, V, O = (matrix(rng, size, size) for _ in range(4))
    up, down = matrix(rng, 2 * size, size), matrix(rng, size, 2 * size)

    def logits(embedding, position, keys, values):
        x = root_mean_square_norm([a + b for a, b in zip(embedding, positions[position])])
        normal = root_mean_square_norm(x)
        q = [dot(row, normal) for row in Q]
        keys.append([dot(row, normal) for row in K])
        values.append([dot(row, normal) for row in V])
        mixed, part = [], size // heads
        for h in range(0, size, part):
            mixed += attend(q[h : h + part], [k[h : h + part] for k in keys], [v[h : h + part] for v in values])
        x = [a + dot(row, mixed) for a, row in zip(x, O)]
        hidden = [relu(dot(row, root_mean_square_norm(x))) for row in up]
        x = [a + dot(row, hidden) for a, row in zip(x, down)]
        return [dot(row, x) for row in head]

    return tokens, logits, flat(tokens, positions, head, Q, K, V, O, up, down)


@program
def transformer_over_a_constant_document(rng: random.Random) -> Built:
    tokens, logits, parameters = transformer(rng, characters=7, longest=8)
    document = [rng.randrange(7) for _ in range(9)]

    def loss():
        keys, values, surprises = [], [], []
        for position, (token, target) in enumerate(zip(document, document[1:])):
            surprises.append(-log_softmax(logits(tokens[token], position, keys, values))[target])
        return mean(surprises)

    return Built(parameters, loss)


@program
def transformer_over_a_document_as_argument(rng: random.Random) -> Built:
    tokens, logits, parameters = transformer(rng, characters=7, longest=8)

    def loss(document):
        keys, values, total = [], [], 0
        for position in range(len(document) - 1):
            row = logits(chainrule.take(tokens, document[position]), position, keys, values)
            total += chainrule.cross_entropy(row, document[position + 1])
        return total / (len(document) - 1)

    return Built(parameters, loss, (labels(rng, 9, below=7),))


@program
def batch_norm(rng: random.Random) -> Built:
    W, b, gain, shift, v = matrix(rng, 6, 3), vector(rng, 6), vector(rng, 6, 1.0), vector(rng, 6), vector(rng, 6)

    def loss(X, y):
        Z = [[dot(row, x, bias) for row, bias in zip(W, b)] for x in X]
        n = len(Z)
        means = [sum(z[j] for z in Z) / n for j in range(6)]
        variances = [sum((z[j] - means[j]) ** 2 for z in Z) / n for j in range(6)]
        total = 0
        for z, target in zip(Z, y):
            h = [relu(gain[j] * (z[j] - means[j]) * (variances[j] + 1e-5) ** -0.5 + shift[j]) for j in range(6)]
            total += (dot(v, h) - target) ** 2
        return total / n

    return Built(flat(W, b, gain, shift, v), loss, (samples(rng, 16, 3), samples(rng, 16)))


@program
def layer_norm(rng: random.Random) -> Built:
    W, gain, shift = matrix(rng, 7, 4, 1.0), vector(rng, 7, 1.0), vector(rng, 7)

    def loss(x, y):
        z = [dot(row, x) for row in W]
        middle = sum(z) / len(z)
        spread = sum((zi - middle) ** 2 for zi in z) / len(z)
        normal = [g * (zi - middle) / sqrt(spread + 1e-5) + s for g, zi, s in zip(gain, z, shift)]
        return (sum(tanh(n) for n in normal) - y) ** 2

    return Built(flat(W, gain, shift), loss, (samples(rng, 14, 4), samples(rng, 14)), batched=True)


@program
def residual_network_with_norms(rng: random.Random) -> Built:
    blocks, b = [matrix(rng, 8, 8) for _ in range(2)], vector(rng, 8)

    def loss(X):
        total = 0
        for x in X:
            x = [xi + bias for xi, bias in zip(x, b)]
            for W in blocks:
                normal = root_mean_square_norm(x)
                x = [a + relu(sum(w * q for w, q in zip(row, normal))) for a, row in zip(x, W)]
            total += sum(q * q for q in x)
        return total / len(X)

    return Built(flat(blocks, b), loss, (samples(rng, 12, 8),))


@program
def squeeze_and_excite(rng: random.Random) -> Built:
    narrow, widen = matrix(rng, 2, 5, 1.0), matrix(rng, 5, 2, 1.0)

    def loss(channels):
        squeezed = [mean(channel) for channel in channels]
        gates = [sigmoid(dot(row, [relu(dot(r, squeezed)) for r in narrow])) for row in widen]
        return sum(sum((g * c) ** 2 for c in channel) for g, channel in zip(gates, channels))

    return Built(flat(narrow, widen), loss, (samples(rng, 6, 5, 4),), batched=True)


# --- indexes as arguments ---------------------------------------------------------------------------------------------------------------


@program
def bigrams(rng: random.Random) -> Built:
    table = matrix(rng, 8, 8)

    def loss(first, second):
        return chainrule.cross_entropy(chainrule.take(table, first), second)

    return Built(flat(table), loss, (labels(rng, 25, below=8), labels(rng, 25, below=8)), batched=True)


@program
def bigrams_by_one_hot(rng: random.Random) -> Built:
    W = matrix(rng, 8, 8)

    def loss(firsts, seconds):
        total = 0
        for first, second in zip(firsts, seconds):
            x, y = chainrule.one_hot(first, 8), chainrule.one_hot(second, 8)
            logits = [sum(w * xi for w, xi in zip(row, x)) for row in W]
            total = total - sum(yi * s for yi, s in zip(y, log_softmax(logits)))
        return total / len(firsts)

    return Built(flat(W), loss, (labels(rng, 11, below=8), labels(rng, 11, below=8)))


@program
def context_of_three_characters(rng: random.Random) -> Built:
    """Embeddings side by side and a perceptron (Bengio et al., 2003), as in makemore."""
    table, model = matrix(rng, 9, 2, 1.0), MLP(6, [8, 9], activation="tanh", rng=rng)

    def loss(contexts, targets):
        logits = []
        for context in contexts:
            x = [number for token in context for number in chainrule.take(table, token)]
            logits.append(model(x))
        return chainrule.cross_entropy(logits, targets)

    return Built(flat(table, model), loss, (labels(rng, 15, 3, below=9), labels(rng, 15, below=9)))


@program
def bag_of_words(rng: random.Random) -> Built:
    table, v = matrix(rng, 12, 4, 1.0), vector(rng, 4, 1.0)

    def loss(words, target):
        rows = [chainrule.take(table, word) for word in words]
        features = [tanh(sum(row[c] for row in rows)) for c in range(4)]
        return (dot(v, features) - target) ** 2

    return Built(flat(table, v), loss, (labels(rng, 10, 5, below=12), samples(rng, 10)), batched=True)


@program
def tied_embeddings(rng: random.Random) -> Built:
    """The table that reads the token also scores the next one."""
    table, mix = matrix(rng, 7, 3, 1.0), matrix(rng, 3, 3, 1.0)

    def loss(token, following):
        x = chainrule.take(table, token)
        x = [tanh(dot(row, x)) for row in mix]
        return -log(chainrule.take(softmax([dot(row, x) for row in table]), following))

    return Built(flat(table, mix), loss, (labels(rng, 20, below=7), labels(rng, 20, below=7)), batched=True)


@program
def factorization_of_ratings_as_arguments(rng: random.Random) -> Built:
    users, items = matrix(rng, 6, 3, 1.0), matrix(rng, 8, 3, 1.0)

    def loss(user, item, rating):
        return (dot(chainrule.take(users, user), chainrule.take(items, item)) - rating) ** 2

    arguments = (labels(rng, 30, below=6), labels(rng, 30, below=8), samples(rng, 30))
    return Built(flat(users, items), loss, arguments, batched=True)


@program
def an_index_into_results(rng: random.Random) -> Built:
    """What is taken from is itself computed, from the sample and from parameters."""
    W = matrix(rng, 5, 3, 1.0)

    def loss(x, which):
        outs = [[tanh(dot(row, x)), dot(row, row)] for row in W]
        first, second = chainrule.take(outs, which)
        return first * second + first

    return Built(flat(W), loss, (samples(rng, 13, 3), labels(rng, 13, below=5)), batched=True)


@program
def an_index_into_unlike_results(rng: random.Random) -> Built:
    """What is taken from is computed in a different way for each index, as logits that are running sums are."""
    a, b, steps = Value(0.7), Value(-0.4), vector(rng, 4, 1.0)

    def loss(x, which):
        level, logits = 0, []
        for step, xi in zip(steps, x):
            level = level + step * xi
            logits.append(level)
        branch = chainrule.take([tanh(a * x[0]), a * b, x[1] * x[2], 0.3], which)
        return branch**2 + chainrule.cross_entropy(logits, which)

    return Built([a, b, *steps], loss, (samples(rng, 9, 4), labels(rng, 9, below=4)), batched=True)


@program
def an_index_into_numbers(rng: random.Random) -> Built:
    """Plain constants, taken by an argument."""
    w = vector(rng, 2, 1.0)
    scales = [rng.uniform(0.5, 1.5) for _ in range(4)]
    points = [[rng.uniform(-1, 1) for _ in range(2)] for _ in range(4)]

    def loss(which):
        return chainrule.take(scales, which) * tanh(dot(w, chainrule.take(points, which)))

    return Built(w, loss, (labels(rng, 9, below=4),), batched=True)
