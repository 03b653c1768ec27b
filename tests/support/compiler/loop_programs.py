"""Loops, sums and wiring: one small network or none, written in every order that people write it in."""

# ruff: noqa: B905 (zip as people write it)

from __future__ import annotations

import random

import numpy as np

import chainrule
from chainrule import MLP, Module, Value, dot, exp, mean, relu, tanh
from registry import Built, flat, labels, matrix, program, samples, signs, vector


@program
def scalars_only(rng: random.Random) -> Built:
    """The expression of micrograd's README."""
    a, b = Value(-4.0), Value(2.0)

    def loss() -> Value:
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + (b + a).relu()
        d += 3 * d + (b - a).relu()
        e = c - d
        f = e**2
        g = f / 2.0
        g += 10.0 / f
        return g

    return Built([a, b], loss)


@program
def one_parameter_itself(rng: random.Random) -> Built:
    p = Value(rng.uniform(-1, 1))
    return Built([p], lambda: p)


@program
def integers_as_numbers(rng: random.Random) -> Built:
    """XOR from chainrule's README, its points and targets as lists of ints."""
    model = MLP(2, [4, 4, 1], activation="tanh", rng=rng)
    points, targets = [[1, 1], [1, -1], [-1, 1], [-1, -1]], [1, -1, -1, 1]

    def loss(points, targets):
        return sum((model(x) - y) ** 2 for x, y in zip(points, targets))

    return Built(flat(model), loss, (points, targets))


@program
def numbers_as_arguments(rng: random.Random) -> Built:
    w = vector(rng, 3)

    def loss(temperature, x):
        return sum((wi * xi / temperature).tanh() for wi, xi in zip(w, x)) * temperature

    return Built(w, loss, (rng.uniform(1, 2), samples(rng, 3)))


@program
def comprehensions(rng: random.Random) -> Built:
    W, b, v = matrix(rng, 8, 3), vector(rng, 8), vector(rng, 8)

    def loss(X, y):
        hidden = [[relu(sum((w * xi for w, xi in zip(row, x)), bias)) for row, bias in zip(W, b)] for x in X]
        scores = [sum(vi * hi for vi, hi in zip(v, h)) for h in hidden]
        return sum((score - yi) ** 2 for score, yi in zip(scores, y)) / len(y)

    return Built(flat(W, b, v), loss, (samples(rng, 20, 3), samples(rng, 20)))


@program
def running_sums(rng: random.Random) -> Built:
    W, b, v = matrix(rng, 8, 3), vector(rng, 8), vector(rng, 8)

    def loss(X, y):
        total = 0
        for n in range(len(X)):
            hidden = []
            for j in range(8):
                act = b[j]
                for i in range(3):
                    act = act + X[n][i] * W[j][i]
                hidden.append(act.tanh())
            out = hidden[0] * v[0]
            for j in range(1, 8):
                out += hidden[j] * v[j]
            total += (out - y[n]) ** 2
        return total / len(X)

    return Built(flat(W, b, v), loss, (samples(rng, 20, 3), samples(rng, 20)))


@program
def sums_that_grow_on_the_left(rng: random.Random) -> Built:
    W, v = matrix(rng, 5, 4), vector(rng, 5)

    def loss(X):
        total = Value(0.0)
        for x in X:
            out = 0.5
            for row, vj in zip(W, v):
                act = 0.0
                for w, xi in zip(row, x):
                    act = xi * w + act
                out = vj * tanh(act) + out
            total = out * out + total
        return 0.1 * total

    return Built(flat(W, v), loss, (samples(rng, 11, 4),))


@program
def inputs_in_the_outer_loop(rng: random.Random) -> Built:
    W, b, v = matrix(rng, 3, 8), vector(rng, 8), vector(rng, 8)

    def loss(X):
        total = 0
        for x in X:
            z = list(b)
            for i in range(3):
                for j in range(8):
                    z[j] = z[j] + W[i][j] * x[i]
            total += (sum(p * q.relu() for p, q in zip(v, z)) - 1) ** 2
        return total / 20

    return Built(flat(W, b, v), loss, (samples(rng, 20, 3),))


@program
def layer_by_layer(rng: random.Random) -> Built:
    layers = [(matrix(rng, m, n), vector(rng, m)) for n, m in ((4, 6), (6, 5), (5, 1))]

    def loss(X, y):
        rows = X
        for W, b in layers:
            rows = [[tanh(sum(w * q for w, q in zip(weights, row)) + bias) for weights, bias in zip(W, b)] for row in rows]
        return mean((row[0] - yi) ** 2 for row, yi in zip(rows, y))

    return Built(flat(layers), loss, (samples(rng, 13, 4), samples(rng, 13)))


@program
def samples_in_the_inner_loop(rng: random.Random) -> Built:
    W, v = matrix(rng, 7, 4), vector(rng, 7)

    def loss(X, y):
        scores = [0.0] * len(X)
        for j in range(7):
            for n in range(len(X)):
                act = 0.0
                for i in range(4):
                    act += W[j][i] * X[n][i]
                scores[n] += v[j] * tanh(act)
        return sum((s - t) * (s - t) for s, t in zip(scores, y))

    return Built(flat(W, v), loss, (samples(rng, 10, 4), samples(rng, 10)))


@program
def data_as_constants(rng: random.Random) -> Built:
    model = MLP(3, [5, 1], activation="tanh", rng=rng)
    X, y = samples(rng, 12, 3).tolist(), [rng.uniform(-1, 1) for _ in range(12)]

    def loss():
        return sum((model(x) - t) ** 2 for x, t in zip(X, y)) * (1.0 / len(X))

    return Built(flat(model), loss)


@program
def data_as_values(rng: random.Random) -> Built:
    """As in micrograd's demo, where inputs are wrapped by hand, anew in each call."""
    model = MLP(2, [6, 1], rng=rng, fused=False)

    def loss(X, y):
        inputs = [[Value(0.0) + xi for xi in row] for row in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores)]
        return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())

    return Built(flat(model), loss, (samples(rng, 15, 2), signs(rng, 15)))


@program
def only_nonzero_constants(rng: random.Random) -> Built:
    """Python decides, from plain numbers, which products there are."""
    W, b = matrix(rng, 8, 6), vector(rng, 8)
    X = [[rng.choice([0, 0, 1.0, 2.0]) for _ in range(6)] for _ in range(20)]

    def loss():
        total = 0
        for x in X:
            for row, bias in zip(W, b):
                total = total + (sum((row[i] * x[i] for i in range(6) if x[i]), bias)).relu() ** 2
        return total / 20

    return Built(flat(W, b), loss)


@program
def zeros_in_a_residual(rng: random.Random) -> Built:
    """Sums leave out numbers that are 0: so samples with a 0 in this place are computed otherwise than those with another number there."""
    W, out = matrix(rng, 4, 4), vector(rng, 4)
    X = [[0.0 if k == place else rng.uniform(-1, 1) for k in range(4)] for place in (1, 1, 1, 2, 2, 4, 4, 4, 4, 4, 0, 0)]

    def loss():
        total = 0
        for x in X:
            h = [xi + tanh(dot(row, x)) for xi, row in zip(x, W)]
            total = total + (dot(out, h) * h[1]) ** 2
        return total / len(X)

    return Built(flat(W, out), loss)


@program
def sparse_wiring(rng: random.Random) -> Built:
    wires = [sorted(rng.sample(range(6), 3)) for _ in range(8)]
    W = matrix(rng, 8, 3)

    def loss(X):
        total = 0
        for x in X:
            for row, wire in zip(W, wires):
                total += tanh(sum(w * x[i] for w, i in zip(row, wire)))
        return total / len(X)

    return Built(flat(W), loss, (samples(rng, 20, 6),))


@program
def sparse_wiring_of_any_degree(rng: random.Random) -> Built:
    """A graph network: each vertex takes from its neighbours, of which it has one to five."""
    vertices = 9
    neighbours = [sorted(rng.sample(range(vertices), rng.randint(1, 5))) for _ in range(vertices)]
    own, theirs, out = matrix(rng, 4, 3), matrix(rng, 4, 3), vector(rng, 4)

    def loss(features, targets):
        total = 0
        for vertex in range(vertices):
            gathered = [sum(features[other][c] for other in neighbours[vertex]) / len(neighbours[vertex]) for c in range(3)]
            hidden = [(dot(a, features[vertex]) + dot(b, gathered)).tanh() for a, b in zip(own, theirs)]
            total += (dot(out, hidden) - targets[vertex]) ** 2
        return total / vertices

    return Built(flat(own, theirs, out), loss, (samples(rng, vertices, 3), samples(rng, vertices)))


@program
def permutations(rng: random.Random) -> Built:
    orders = [rng.sample(range(8), 8) for _ in range(3)]
    scales = matrix(rng, 3, 8, 1.0)

    def loss(X):
        total = 0
        for x in X:
            for order, scale in zip(orders, scales):
                x = [tanh(x[i] * scale[i]) + xi for i, xi in zip(order, x)]
            total += sum(xi * xi for xi in x[::2]) - x[-1]
        return total / len(X)

    return Built(flat(scales), loss, (samples(rng, 9, 8),))


@program
def dead_code(rng: random.Random) -> Built:
    W, unread = matrix(rng, 4, 3), vector(rng, 3)

    def loss(X):
        total, history = 0, []
        for x in X:
            out = [tanh(dot(row, x)) for row in W]
            history.append(sum(exp(u * xi) for u, xi in zip(unread, x)))
            ignored = [o * o for o in out]
            ignored[0] = ignored[0] / 3
            total += out[1] * out[2] - out[3]
        return total

    return Built(flat(W, unread), loss, (samples(rng, 7, 3),))


@program
def parameters_the_loss_does_not_depend_on(rng: random.Random) -> Built:
    model, other = MLP(3, [4, 2], activation="tanh", rng=rng), MLP(3, [4, 2], rng=rng)

    def loss(X):
        return mean(model(x)[0] ** 2 for x in X)  # nor on the weights of the second output

    return Built(flat(model, other), loss, (samples(rng, 6, 3),))


@program
def parameters_that_cancel(rng: random.Random) -> Built:
    a, b, c = vector(rng, 3, 1.0)

    def loss(x):
        return sum((a - a) * xi + (b * xi - b * xi) + c * xi * xi for xi in x)

    return Built([a, b, c], loss, (samples(rng, 5),))


@program
def a_constant_loss(rng: random.Random) -> Built:
    a = Value(rng.uniform(-1, 1))

    def loss(x):
        return a * 0 + sum(xi * 0.0 for xi in x) + 2

    return Built([a], loss, (samples(rng, 5),))


@program
def tied_weights(rng: random.Random) -> Built:
    """An autoencoder that decodes with the transposed matrix it encodes with."""
    W, b, c = matrix(rng, 3, 7), vector(rng, 3), vector(rng, 7)

    def loss(X):
        total = 0
        for x in X:
            code = [(sum(w * xi for w, xi in zip(row, x)) + bias).sigmoid() for row, bias in zip(W, b)]
            back = [sum(W[j][i] * code[j] for j in range(3)) + c[i] for i in range(7)]
            total += sum((r - xi) ** 2 for r, xi in zip(back, x))
        return total / len(X)

    return Built(flat(W, b, c), loss, (samples(rng, 10, 7),))


@program
def one_matrix_applied_again_and_again(rng: random.Random) -> Built:
    W = matrix(rng, 5, 5)

    def loss(X):
        total = 0
        for x in X:
            for _ in range(6):
                x = [tanh(dot(row, x)) for row in W]
            total += sum(x)
        return total

    return Built(flat(W), loss, (samples(rng, 4, 5),))


@program
def matrix_factorization(rng: random.Random) -> Built:
    """Parameters on both sides of each product; which ratings exist is known when the graph is made."""
    users, items = matrix(rng, 9, 3, 1.0), matrix(rng, 12, 3, 1.0)
    user_bias, item_bias = vector(rng, 9), vector(rng, 12)
    rated = [(rng.randrange(9), rng.randrange(12)) for _ in range(40)]

    def loss(ratings):
        total = 0
        for (user, item), rating in zip(rated, ratings):
            guess = sum(p * q for p, q in zip(users[user], items[item])) + user_bias[user] + item_bias[item]
            total += (guess - rating) ** 2
        penalty = sum(p * p for row in users + items for p in row)
        return total / len(rated) + 0.01 * penalty

    return Built(flat(users, items, user_bias, item_bias), loss, (samples(rng, 40),))


@program
def dense_matrix_factorization(rng: random.Random) -> Built:
    U, V = matrix(rng, 6, 2, 1.0), matrix(rng, 7, 2, 1.0)

    def loss(table):
        return sum((sum(u * v for u, v in zip(U[i], V[j])) - table[i][j]) ** 2 for i in range(6) for j in range(7))

    return Built(flat(U, V), loss, (samples(rng, 6, 7).tolist(),))


@program
def matrix_products(rng: random.Random) -> Built:
    """A X B C, all written as one writes matrices without matrices."""
    A, B, C = matrix(rng, 3, 5), matrix(rng, 4, 6), matrix(rng, 6, 2)

    def product(P, Q):
        return [[sum(P[i][k] * Q[k][j] for k in range(len(Q))) for j in range(len(Q[0]))] for i in range(len(P))]

    def loss(X):
        out = product(product(A, X), product(B, C))
        return sum(entry * entry for row in out for entry in row)

    return Built(flat(A, B, C), loss, (samples(rng, 5, 4),))


@program
def bilinear_forms(rng: random.Random) -> Built:
    M = matrix(rng, 5, 5)

    def loss(X, Y):
        total = 0
        for x, y in zip(X, Y):
            form = sum(x[i] * M[i][j] * y[j] for i in range(5) for j in range(5))
            total += (form - 0.5) ** 2
        return total / len(X)

    return Built(flat(M), loss, (samples(rng, 8, 5), samples(rng, 8, 5)))


@program
def powers_of_a_matrix(rng: random.Random) -> Built:
    M = matrix(rng, 4, 4)

    def loss():
        power = M
        trace = sum(M[i][i] for i in range(4))
        for _ in range(5):
            power = [[sum(power[i][k] * M[k][j] for k in range(4)) for j in range(4)] for i in range(4)]
            trace = trace + sum(power[i][i] for i in range(4))
        return trace

    return Built(flat(M), loss)


@program
def prefix_sums(rng: random.Random) -> Built:
    w = vector(rng, 10, 1.0)

    def loss(X):
        total = 0
        for x in X:
            run, seen = 0, []
            for wi, xi in zip(w, x):
                run = run + wi * xi
                seen.append(run)
            total += sum(tanh(s) * s for s in seen)
        return total / len(X)

    return Built(w, loss, (samples(rng, 6, 10),))


@program
def cumulative_products(rng: random.Random) -> Built:
    p = vector(rng, 9)

    def loss(x):
        survival, total = 1.0, 0.0
        for pi, xi in zip(p, x):
            survival = survival * (1 - pi.sigmoid() * 0.3)
            total = total + survival * xi
        return total * total

    return Built(p, loss, (samples(rng, 9),))


@program
def triangles_of_pairs(rng: random.Random) -> Built:
    """A factorization machine: each pair once, in a double loop whose inner length shrinks."""
    factors, linear = matrix(rng, 7, 3, 1.0), vector(rng, 7)

    def loss(X, y):
        total = 0
        for x, target in zip(X, y):
            score = sum(w * xi for w, xi in zip(linear, x))
            for i in range(7):
                for j in range(i + 1, 7):
                    score = score + sum(a * b for a, b in zip(factors[i], factors[j])) * x[i] * x[j]
            total += (score - target) ** 2
        return total / len(X)

    return Built(flat(factors, linear), loss, (samples(rng, 8, 7), samples(rng, 8)))


@program
def windows_and_strides(rng: random.Random) -> Built:
    """Every second element, backwards, and each with the one three places on, around the end."""
    w = vector(rng, 6, 1.0)

    def loss(X):
        total = 0
        for x in X:
            ahead = [x[i] * x[(i + 3) % 12] for i in range(12)]
            some = [a - b for a, b in zip(ahead[::2], x[::-2])]
            total += sum(wi * s for wi, s in zip(w, some)) ** 2
        return total

    return Built(w, loss, (samples(rng, 5, 12),))


@program
def random_wiring(rng: random.Random) -> Built:
    """An irregular graph of a few hundred nodes, in which there is no array to find."""
    leaves = vector(rng, 10)
    steps = [(rng.randrange(5), rng.randrange(30), rng.random()) for _ in range(400)]

    def loss():
        nodes = list(leaves)
        for kind, back, where in steps:
            x, y = nodes[-1 - back % len(nodes)], nodes[int(where * len(nodes))]
            if kind == 0:
                nodes.append(x + y * 0.1)
            elif kind == 1:
                nodes.append((x * y).tanh())
            elif kind == 2:
                nodes.append((x - y).sin())
            elif kind == 3:
                nodes.append(x.tanh())
            else:
                nodes.append((x * x + y + 0.3).softplus() * 0.5)
        return sum(nodes[-20:])

    return Built(leaves, loss)


@program
def a_module_of_ones_own(rng: random.Random) -> Built:
    class Gate(Module):
        def __init__(self, size):
            self.weights = {"in": vector(rng, size), "out": vector(rng, size)}
            self.scale = Value(0.7)

        def __call__(self, x):
            opened = dot(self.weights["in"], x).sigmoid()
            return [opened * w * xi + self.scale * xi for w, xi in zip(self.weights["out"], x)]

    gates = [Gate(5) for _ in range(3)]

    def loss(x):
        for gate in gates:
            x = gate(x)
        return sum(xi**2 for xi in x)

    return Built(flat(gates), loss, (samples(rng, 17, 5),), batched=True)


@program
def one_sample_summed_over_the_batch(rng: random.Random) -> Built:
    model = MLP(3, [6, 2], activation="silu", rng=rng)

    def loss(x, y):
        return sum((out - yi) ** 2 for out, yi in zip(model(x), y))

    return Built(flat(model), loss, (samples(rng, 7, 3), samples(rng, 7, 2)), batched=True, reduction="sum")


@program
def a_batch_of_one(rng: random.Random) -> Built:
    model = MLP(3, [4, 1], activation="tanh", rng=rng)

    def loss(x, y):
        return (model(x) - y) ** 2

    return Built(flat(model), loss, (samples(rng, 1, 3), samples(rng, 1)), batched=True)


@program
def a_batch_of_hundreds(rng: random.Random) -> Built:
    model = MLP(2, [5, 1], activation="sigmoid", rng=rng)

    def loss(x, y):
        return (model(x) - y) ** 2 + 0.1 * model(x) * x[0]

    return Built(flat(model), loss, (samples(rng, 301, 2), samples(rng, 301)), batched=True)


@program
def a_parameter_in_every_sample(rng: random.Random) -> Built:
    """The penalty stands inside the function of one sample, where only parameters meet."""
    w, b = vector(rng, 4), Value(0.1)

    def loss(x, y):
        score = dot(w, x, b)
        return (score - y).softplus() + 0.05 * sum(wi * wi for wi in w) + b.exp() * 0.01

    return Built(flat(w, b), loss, (samples(rng, 19, 4), samples(rng, 19)), batched=True)


@program
def dropout_masks_as_inputs(rng: random.Random) -> Built:
    W, v = matrix(rng, 8, 3), vector(rng, 8)

    def loss(X, masks):
        total = 0
        for x, mask in zip(X, masks):
            hidden = [relu(sum(w * xi for w, xi in zip(row, x))) * m * 2 for row, m in zip(W, mask)]
            total += (sum(vi * h for vi, h in zip(v, hidden)) - 1) ** 2
        return total / len(X)

    return Built(flat(W, v), loss, (samples(rng, 20, 3), labels(rng, 20, 8, below=2).astype(float)))


@program
def dropout_masks_as_constants(rng: random.Random) -> Built:
    W, v = matrix(rng, 8, 3), vector(rng, 8)
    masks = [[rng.random() < 0.5 for _ in range(8)] for _ in range(20)]

    def loss(X):
        total = 0
        for x, mask in zip(X, masks):
            hidden = [relu(dot(row, x)) * m * 2 for row, m in zip(W, mask)]
            total += (dot(v, hidden) - 1) ** 2
        return total / len(X)

    return Built(flat(W, v), loss, (samples(rng, 20, 3),))


@program
def weights_that_are_computed(rng: random.Random) -> Built:
    """Weight normalization: the weights that meet the samples are themselves results."""
    directions, gains = matrix(rng, 5, 4, 1.0), vector(rng, 5, 1.0)

    def loss(X):
        W = []
        for direction, gain in zip(directions, gains):
            length = sum(d * d for d in direction).sqrt()
            W.append([gain * d / length for d in direction])
        return mean(sum(tanh(dot(row, x)) for row in W) ** 2 for x in X)

    return Built(flat(directions, gains), loss, (samples(rng, 9, 4),))


@program
def a_network_that_makes_weights(rng: random.Random) -> Built:
    maker = MLP(2, [5, 6], activation="tanh", rng=rng)

    def loss(contexts, X):
        total = 0
        for context, x in zip(contexts, X):
            weights = maker(context)
            total += (sum(w * xi for w, xi in zip(weights, x)) - 0.3) ** 2
        return total / len(X)

    return Built(flat(maker), loss, (samples(rng, 6, 2), samples(rng, 6, 6)))


@program
def embeddings_and_targets_by_constant_index(rng: random.Random) -> Built:
    table, W, b = matrix(rng, 10, 4), matrix(rng, 10, 8), vector(rng, 10)
    trigrams = [(rng.randrange(10), rng.randrange(10), rng.randrange(10)) for _ in range(30)]

    def loss():
        losses = []
        for first, second, target in trigrams:
            x = table[first] + table[second]
            e = [exp(sum(w * xi for w, xi in zip(row, x)) + bias) for row, bias in zip(W, b)]
            losses.append(-(e[target] / sum(e)).log())
        return sum(losses) / len(losses)

    return Built(flat(table, W, b), loss)


@program
def numpy_made_the_constants(rng: random.Random) -> Built:
    """Factors that are NumPy's scalars, float32 and integers among them, on either side."""
    w = vector(rng, 6)
    scales = np.array([0.25, 0.5, 0.75, 1.0, 1.25, 1.5], dtype=np.float32)
    counts = np.arange(1, 7)

    def loss(x):
        return sum(scale * wi * xi + wi * count / np.int64(3) for scale, count, wi, xi in zip(scales, counts, w, x)) ** 2

    return Built(w, loss, (samples(rng, 6),))


@program
def a_loss_of_losses(rng: random.Random) -> Built:
    """Two tasks on one trunk, weighted by their learned uncertainties (Kendall, Gal, Cipolla, arXiv:1705.07115)."""
    trunk, first, second = MLP(4, [6, 5], activation="gelu", rng=rng), vector(rng, 5), matrix(rng, 3, 5)
    log_variances = vector(rng, 2)

    def loss(X, y, classes):
        features = [[relu(f) + 0.1 * f for f in trunk(x)] for x in X]
        squares = mean((dot(first, f) - t) ** 2 for f, t in zip(features, y))
        surprise = chainrule.cross_entropy([[dot(row, f) for row in second] for f in features], classes)
        return sum(exp(-s) * part + s for s, part in zip(log_variances, (squares, surprise)))

    arguments = (samples(rng, 9, 4), samples(rng, 9), labels(rng, 9, below=3))
    return Built(flat(trunk, first, second, log_variances), loss, arguments)
