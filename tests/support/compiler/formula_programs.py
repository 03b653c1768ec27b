"""Formulas and algorithms from outside of neural networks: finance, physics, statistics, numerical analysis."""

# ruff: noqa: B905, RUF007 (zip as people write it)

from __future__ import annotations

import math
import random

import numpy as np

import chainrule
from chainrule import (
    Value,
    cos,
    dot,
    equal,
    erf,
    exp,
    greater,
    hypot,
    log,
    logsumexp,
    maximum,
    mean,
    minimum,
    sin,
    sqrt,
    tanh,
    where,
)
from registry import Built, flat, matrix, program, samples, vector


@program
def scalar_mixture(rng: random.Random) -> Built:
    a, b, c = vector(rng, 3, 1.0)

    def loss(X):
        return sum(((a * x + b) / (c * c + 1) + 2 - (y - a) ** 2 * 0.5) ** 2 for x, y in X) / len(X)

    return Built([a, b, c], loss, (samples(rng, 50, 2),))


@program
def every_function(rng: random.Random) -> Built:
    """All of functions.py, of numbers and parameters, inside the domains and away from the corners."""
    w = vector(rng, 3)

    def loss(X):
        total = 0
        for x in X:
            u = 0.8 * tanh(w[0] * x[0] + w[1] * x[1] + w[2])  # between -0.8 and 0.8
            p = u * u + 0.5
            total += chainrule.exp(u) + chainrule.expm1(u) * chainrule.log(p) + chainrule.log1p(p) - chainrule.sqrt(p)
            total += chainrule.sin(u) * chainrule.cos(u) + chainrule.tan(u) + chainrule.asin(u) * chainrule.acos(u)
            total += chainrule.atan(u) + chainrule.atan2(u, p) + chainrule.atan2(x[0], 2 + u) + chainrule.hypot(u, p)
            total += chainrule.sinh(u) * chainrule.cosh(u) - chainrule.tanh(u) + chainrule.erf(u)
            total += chainrule.sigmoid(u) + chainrule.softplus(u) * chainrule.relu(u + 0.3) + chainrule.silu(u) - chainrule.gelu(u)
            total += chainrule.leaky_relu(u, 0.1) * chainrule.leaky_relu(u) + chainrule.elu(u) - chainrule.elu(u, 0.5)
            total += chainrule.maximum(u, 0.1) - chainrule.minimum(u, x[1]) + chainrule.maximum(x[0], x[1])
            total += chainrule.where(chainrule.greater(u, x[0]), u * p, p) + chainrule.where(chainrule.equal(u, 9.0), 100.0, u)
            total += abs(u) + abs(u - 2) - u**3 + p**1.5 + p**u + 2**u + p**-1 + (-u) * +u
            total += chainrule.mean([u, p, x[0]]) + chainrule.logsumexp([u, p, x[1]]) + dot([u, p], [p, x[0]], x[1])
            total += chainrule.softmax([u, p, 0.5])[1] - chainrule.log_softmax([u, p, x[0]])[2]
        return total / len(X)

    return Built(w, loss, (samples(rng, 12, 2),))


@program
def every_function_of_the_arguments(rng: random.Random) -> Built:
    """No parameters: derivatives are those with respect to the arguments."""

    def loss(x, y, z):
        total = sin(x) * cos(y) + exp(-(x * x)) * erf(z) + log(2 + x) / sqrt(2 + y) + tanh(x * y * z)
        total += chainrule.sinh(x) * chainrule.cosh(y) - chainrule.atan2(y, 3 + z) + hypot(x, 2 + y) ** 1.5
        total += chainrule.silu(x) + chainrule.gelu(y) * chainrule.softplus(z) + chainrule.sigmoid(x - y)
        return total + chainrule.asin(0.9 * x) * chainrule.acos(0.9 * y) + (2 + z) ** x + chainrule.log1p(y / 2)

    return Built([], loss, (samples(rng, 15), samples(rng, 15), samples(rng, 15)), batched=True)


@program
def no_parameters_and_no_batch(rng: random.Random) -> Built:
    def loss(x):
        """Rosenbrock's function."""
        return sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in zip(x, x[1:]))

    return Built([], loss, (samples(rng, 8),))


@program
def black_scholes(rng: random.Random) -> Built:
    def normal(x):
        return 0.5 * (1 + erf(x / math.sqrt(2)))

    def price(spot, strike, rate, volatility, time):
        spread = volatility * sqrt(time)
        up = (log(spot / strike) + (rate + volatility**2 / 2) * time) / spread
        return spot * normal(up) - strike * exp(-rate * time) * normal(up - spread)

    ranges = [(80, 120), (80, 120), (0.01, 0.06), (0.1, 0.5), (0.2, 2.0)]
    return Built([], price, tuple(samples(rng, 40, low=low, high=high) for low, high in ranges), batched=True, reduction="sum")


@program
def implied_volatility_surface(rng: random.Random) -> Built:
    """Parameters inside a pricing formula: a smile fitted to prices."""
    level, slope, bend = Value(0.3), Value(-0.1), Value(0.2)

    def loss(moneyness, time, price):
        volatility = level + slope * moneyness + bend * moneyness**2
        spread = volatility * time**0.5
        up = -moneyness / spread + spread / 2
        model = 0.5 * (1 + erf(up / 2**0.5)) - exp(moneyness) * 0.5 * (1 + erf((up - spread) / 2**0.5))
        return (model - price) ** 2

    arguments = (samples(rng, 18, low=-0.3, high=0.3), samples(rng, 18, low=0.2, high=2.0), samples(rng, 18, low=0, high=0.3))
    return Built([level, slope, bend], loss, arguments, batched=True)


@program
def mixture_density(rng: random.Random) -> Built:
    """The likelihood of points under five Gaussians."""
    means, spreads, shares = matrix(rng, 5, 2, 2.0), matrix(rng, 5, 2), vector(rng, 5)

    def loss(x):
        terms = []
        for middle, spread, share in zip(means, spreads, shares):
            terms.append(share - sum(0.5 * ((xi - m) / exp(s)) ** 2 + s for xi, m, s in zip(x, middle, spread)))
        return logsumexp(shares) - logsumexp(terms)

    return Built(flat(means, spreads, shares), loss, (samples(rng, 33, 2, low=-2, high=2),), batched=True)


@program
def poisson_and_gamma_regression(rng: random.Random) -> Built:
    w, shape = vector(rng, 3), Value(0.4)

    def loss(x, count, amount):
        rate = exp(dot(w, x))
        scale = rate / (shape.exp() + 0.1)
        return rate - count * log(rate) + amount / scale + shape * log(scale)

    arguments = (samples(rng, 20, 3), np.array([rng.randrange(5) for _ in range(20)]), samples(rng, 20, low=0.1, high=2))
    return Built(flat(w, shape), loss, arguments, batched=True)


@program
def choices(rng: random.Random) -> Built:
    w = vector(rng, 4, 1.0)

    def loss(X):
        total = 0
        for a, b in X:
            u, v = w[0] * a + w[1] * b, w[2] * a - w[3] * b
            total += where(greater(u, v), u * u, v * 3) + maximum(u, 0.2) * minimum(v, b) + abs(u - v)
            total += where(greater(a, 0), sin(u), cos(v)) - where(equal(u, v), 50.0, 0.5 * v)
            total += greater(a, b) * u - (1 - greater(a, b)) * v
        return total / len(X)

    return Built(w, loss, (samples(rng, 25, 2),))


@program
def decision_tree(rng: random.Random) -> Built:
    """A tree with thresholds in constants and answers in parameters; of each answer, only some samples' gradients arrive."""
    leaves = vector(rng, 4, 1.0)

    def loss(x, y):
        left = where(greater(x[0], 0.3), leaves[0], leaves[1])
        right = where(greater(x[1], -0.2), leaves[2], leaves[3])
        return (where(greater(x[2], 0.0), left, right) - y) ** 2

    return Built(leaves, loss, (samples(rng, 31, 3), samples(rng, 31)), batched=True)


@program
def clipped_and_robust(rng: random.Random) -> Built:
    w = vector(rng, 3, 2.0)

    def loss(X, y):
        total = 0
        for x, target in zip(X, y):
            error = minimum(maximum(dot(w, x), -1), 1) - target
            size = abs(error)
            total += where(greater(size, 0.5), 0.5 * (size - 0.25), 0.5 * error**2)  # Huber
        return total / len(X)

    return Built(w, loss, (samples(rng, 24, 3), samples(rng, 24)))


@program
def horner(rng: random.Random) -> Built:
    coefficients = vector(rng, 9, 1.0)

    def loss(X, y):
        total = 0
        for x, target in zip(X, y):
            out = 0.0
            for c in reversed(coefficients):
                out = out * x + c
            total += (out - target) ** 2
        return total / len(X)

    return Built(coefficients, loss, (samples(rng, 20), samples(rng, 20)))


@program
def polynomial_in_powers(rng: random.Random) -> Built:
    coefficients, center = vector(rng, 6, 1.0), Value(0.3)

    def loss(X):
        return sum(sum(c * (x - center) ** k for k, c in enumerate(coefficients)) ** 2 for x in X)

    return Built([*coefficients, center], loss, (samples(rng, 16),))


@program
def exponents_that_are_values(rng: random.Random) -> Built:
    a, b, c = Value(1.3), Value(0.7), Value(-0.4)

    def loss(x, y):
        return a * x**b + 2**c * y**-2 + (x + y) ** (b * c) - x**y + (1 + a * a) ** 0.5 + x**0 + y**1

    return Built([a, b, c], loss, (samples(rng, 17, low=0.5, high=2), samples(rng, 17, low=0.5, high=2)), batched=True)


@program
def rational_function(rng: random.Random) -> Built:
    p, q = vector(rng, 4, 1.0), vector(rng, 3, 0.3)

    def loss(X, y):
        total = 0
        for x, target in zip(X, y):
            top = p[0] + x * (p[1] + x * (p[2] + x * p[3]))
            bottom = 1 + (q[0] * x + q[1] * x**2 + q[2] * x**3) ** 2
            total += (top / bottom - target / (1 + p[0] ** 2)) ** 2 / (2 + bottom)
        return total / (len(X) + p[1] ** 2)

    return Built(flat(p, q), loss, (samples(rng, 22), samples(rng, 22)))


@program
def continued_fraction(rng: random.Random) -> Built:
    terms = [Value(rng.uniform(1, 2)) for _ in range(12)]

    def loss(x):
        total = 0
        for xi in x:
            out = 2.0
            for term in reversed(terms):
                out = term + xi / out
            total += 1 / out
        return total

    return Built(terms, loss, (samples(rng, 7, low=0.1),))


@program
def variance_in_two_passes(rng: random.Random) -> Built:
    w = vector(rng, 3, 1.0)

    def loss(X):
        scores = [tanh(dot(w, x)) for x in X]
        middle = sum(scores) / len(scores)
        variance = sum((s - middle) ** 2 for s in scores) / (len(scores) - 1)
        skew = mean((s - middle) ** 3 for s in scores) / variance**1.5
        return variance.sqrt() + 0.1 * skew

    return Built(w, loss, (samples(rng, 20, 3),))


@program
def correlation(rng: random.Random) -> Built:
    w, v = vector(rng, 3, 1.0), vector(rng, 4, 1.0)

    def loss(X, Y):
        a, b = [dot(w, x) for x in X], [dot(v, y) for y in Y]
        ma, mb = mean(a), mean(b)
        across = sum((p - ma) * (q - mb) for p, q in zip(a, b))
        return -across / (sum((p - ma) ** 2 for p in a) * sum((q - mb) ** 2 for q in b)) ** 0.5

    return Built(flat(w, v), loss, (samples(rng, 15, 3), samples(rng, 15, 4)))


@program
def euler_integration(rng: random.Random) -> Built:
    """Lotka and Volterra's hares and lynxes, 300 steps."""
    a, b, x0, y0 = (Value(rng.uniform(0.5, 1.5)) for _ in range(4))

    def loss():
        x, y = x0, y0
        for _ in range(300):
            x, y = x + (a * x - b * x * y) * 0.01, y + (b * x * y - a * y) * 0.01
        return (x - 1) ** 2 + (y - 2) ** 2

    return Built([a, b, x0, y0], loss)


@program
def runge_kutta(rng: random.Random) -> Built:
    mass, spring, drag = Value(1.2), Value(2.0), Value(0.3)

    def slope(place, speed):
        return speed, -(spring * sin(place) + drag * speed) / mass

    def loss(place, speed, target):
        h = 0.1
        for _ in range(15):
            k1 = slope(place, speed)
            k2 = slope(place + h / 2 * k1[0], speed + h / 2 * k1[1])
            k3 = slope(place + h / 2 * k2[0], speed + h / 2 * k2[1])
            k4 = slope(place + h * k3[0], speed + h * k3[1])
            place = place + h / 6 * (k1[0] + 2 * k2[0] + 2 * k3[0] + k4[0])
            speed = speed + h / 6 * (k1[1] + 2 * k2[1] + 2 * k3[1] + k4[1])
        return (place - target) ** 2 + 0.1 * speed**2

    return Built([mass, spring, drag], loss, (samples(rng, 6), samples(rng, 6), samples(rng, 6)), batched=True)


@program
def heat_equation(rng: random.Random) -> Built:
    """Neighbours left and right, fixed ends, 40 steps."""
    conductivity, source = Value(0.2), vector(rng, 8)

    def loss(start, target):
        u = list(start)
        for _ in range(40):
            u = [u[0], *(u[i] + conductivity * (u[i - 1] - 2 * u[i] + u[i + 1]) + 0.01 * source[i] for i in range(1, 7)), u[7]]
        return sum((a - b) ** 2 for a, b in zip(u, target))

    return Built([conductivity, *source], loss, (samples(rng, 8), samples(rng, 8)))


@program
def pairwise_distances(rng: random.Random) -> Built:
    points = matrix(rng, 8, 2, 1.0)

    def loss(distances):
        stress = 0
        for i in range(8):
            for j in range(i):
                apart = hypot(points[i][0] - points[j][0], points[i][1] - points[j][1])
                stress += (apart - distances[i][j]) ** 2
        return stress

    return Built(flat(points), loss, (samples(rng, 8, 8, low=0.5, high=2),))


@program
def energy_of_particles(rng: random.Random) -> Built:
    """Lennard-Jones, every pair; the places are the argument and the forces its gradient."""
    strength, reach = Value(0.8), Value(0.9)

    def loss(places):
        total = 0
        for i in range(len(places)):
            for j in range(i + 1, len(places)):
                squared = sum((a - b) ** 2 for a, b in zip(places[i], places[j]))
                ratio = (reach**2 / squared) ** 3
                total += 4 * strength * (ratio**2 - ratio)
        return total

    grid = [[x + rng.uniform(-0.1, 0.1), y + rng.uniform(-0.1, 0.1), rng.uniform(-0.1, 0.1)] for x in range(3) for y in range(2)]
    return Built([strength, reach], loss, (grid,))


@program
def kernel_machine(rng: random.Random) -> Built:
    weights, width = vector(rng, 10, 1.0), Value(0.8)
    centers = [[rng.uniform(-1, 1) for _ in range(2)] for _ in range(10)]

    def loss(x, y):
        out = sum(w * exp(-width * sum((a - b) ** 2 for a, b in zip(x, center))) for w, center in zip(weights, centers))
        return (out - y) ** 2

    return Built([*weights, width], loss, (samples(rng, 16, 2), samples(rng, 16)), batched=True)


@program
def forward_substitution(rng: random.Random) -> Built:
    """Solve L x = y for a lower triangle of parameters: each unknown needs those before it."""
    lower = [[Value(rng.uniform(1, 2) if i == j else rng.uniform(-0.5, 0.5)) for j in range(i + 1)] for i in range(7)]

    def loss(right):
        solution = []
        for i, row in enumerate(lower):
            known = sum(row[j] * solution[j] for j in range(i))
            solution.append((right[i] - known) / row[i])
        return sum(s * s for s in solution) + sum(row[-1].log() for row in lower)

    return Built(flat(lower), loss, (samples(rng, 7),))


@program
def cholesky(rng: random.Random) -> Built:
    """Log-likelihood of a Gaussian process: a kernel matrix, its Cholesky factor, a triangular solve."""
    scale, length, noise = Value(1.1), Value(0.7), Value(0.4)
    n = 6

    def loss(x, y):
        K = [[scale**2 * exp(-((x[i] - x[j]) ** 2) / (2 * length**2)) + (noise**2 if i == j else 0) for j in range(n)] for i in range(n)]
        L = [[0.0] * n for _ in range(n)]
        for i in range(n):
            for j in range(i + 1):
                rest = K[i][j] - sum(L[i][k] * L[j][k] for k in range(j))
                L[i][j] = sqrt(rest) if i == j else rest / L[j][j]
        z = []
        for i in range(n):
            z.append((y[i] - sum(L[i][j] * z[j] for j in range(i))) / L[i][i])
        return 0.5 * sum(zi * zi for zi in z) + sum(log(L[i][i]) for i in range(n))

    return Built([scale, length, noise], loss, (samples(rng, n, low=-2, high=2), samples(rng, n)))


@program
def kalman_filter(rng: random.Random) -> Built:
    drift, process, measurement = Value(0.95), Value(-1.0), Value(-0.5)

    def loss(observations):
        state, variance, total = 0.0, 1.0, 0.0
        q, r = process.exp(), measurement.exp()
        for observation in observations:
            state, variance = drift * state, drift * drift * variance + q
            surprise, spread = observation - state, variance + r
            gain = variance / spread
            total = total + 0.5 * (surprise * surprise / spread + spread.log())
            state, variance = state + gain * surprise, (1 - gain) * variance
        return total / len(observations)

    return Built([drift, process, measurement], loss, (samples(rng, 40),))


@program
def fixed_point_iteration(rng: random.Random) -> Built:
    """Kepler's equation by twelve rounds of Newton's method."""
    eccentricity, anomaly = Value(0.4), vector(rng, 5, 2.0)

    def loss():
        total = 0
        for m in anomaly:
            e = m
            for _ in range(12):
                e = e - (e - eccentricity * sin(e) - m) / (1 - eccentricity * cos(e))
            total += cos(e) * e
        return total

    return Built([eccentricity, *anomaly], loss)


@program
def square_roots_by_hand(rng: random.Random) -> Built:
    a = Value(rng.uniform(1, 3))

    def loss(x):
        total = 0
        for xi in x:
            root = 1.0
            for _ in range(8):
                root = 0.5 * (root + (a + xi * xi) / root)
            total += root
        return total

    return Built([a], loss, (samples(rng, 9),))


@program
def unrolled_gradient_descent(rng: random.Random) -> Built:
    """Hyperparameters that are learned: the inner steps, with their derivative written out, are part of the program."""
    rate, decay, start = Value(0.2), Value(0.1), vector(rng, 3)

    def loss(X, y):
        w = start
        for _ in range(8):
            errors = [dot(w, x) - t for x, t in zip(X, y)]
            slopes = [mean(e * x[i] for e, x in zip(errors, X)) for i in range(3)]
            w = [wi * (1 - rate * decay) - rate * s for wi, s in zip(w, slopes)]
        return mean((dot(w, x) - t) ** 2 for x, t in zip(X, y))

    return Built([rate, decay, *start], loss, (samples(rng, 7, 3), samples(rng, 7)))


@program
def hidden_markov_model(rng: random.Random) -> Built:
    """The forward algorithm, with the observations known when the graph is made."""
    moves, emits = matrix(rng, 3, 3, 1.0), matrix(rng, 3, 4, 1.0)
    observations = [rng.randrange(4) for _ in range(12)]

    def loss():
        A, B = [chainrule.softmax(row) for row in moves], [chainrule.log_softmax(row) for row in emits]
        alpha = [B[s][observations[0]] - math.log(3) for s in range(3)]
        for observed in observations[1:]:
            alpha = [logsumexp([alpha[p] + log(A[p][s]) for p in range(3)]) + B[s][observed] for s in range(3)]
        return -logsumexp(alpha) / len(observations)

    return Built(flat(moves, emits), loss)


@program
def shortest_paths(rng: random.Random) -> Built:
    """Dynamic programming over an edit distance with soft minima, costs in parameters."""
    skip, cost = Value(0.6), matrix(rng, 5, 6, 1.0)

    def softmin(*options):
        return -logsumexp([-o for o in options])

    def loss():
        table = [[skip * (i + j) if i * j == 0 else None for j in range(7)] for i in range(6)]
        for i in range(1, 6):
            for j in range(1, 7):
                table[i][j] = softmin(table[i - 1][j] + skip, table[i][j - 1] + skip, table[i - 1][j - 1] + cost[i - 1][j - 1])
        return table[-1][-1]

    return Built([skip, *flat(cost)], loss)


@program
def fourier_series(rng: random.Random) -> Built:
    amplitudes, phases, pitch = vector(rng, 5, 1.0), vector(rng, 5, 3.0), Value(1.3)

    def loss(t, y):
        wave = sum(a * sin((k + 1) * pitch * t + p) for k, (a, p) in enumerate(zip(amplitudes, phases)))
        return (wave - y) ** 2

    return Built([*amplitudes, *phases, pitch], loss, (samples(rng, 32, low=-3, high=3), samples(rng, 32)), batched=True)


@program
def quaternion_rotations(rng: random.Random) -> Built:
    q = [Value(1.0), *vector(rng, 3)]

    def loss(points, targets):
        w, x, y, z = (qi / sum(qj * qj for qj in q) ** 0.5 for qi in q)
        total = 0
        for (a, b, c), target in zip(points, targets):
            turned = [
                (1 - 2 * (y * y + z * z)) * a + 2 * (x * y - w * z) * b + 2 * (x * z + w * y) * c,
                2 * (x * y + w * z) * a + (1 - 2 * (x * x + z * z)) * b + 2 * (y * z - w * x) * c,
                2 * (x * z - w * y) * a + 2 * (y * z + w * x) * b + (1 - 2 * (x * x + y * y)) * c,
            ]
            total += sum((t - u) ** 2 for t, u in zip(turned, target))
        return total / len(points)

    return Built(q, loss, (samples(rng, 9, 3), samples(rng, 9, 3)))


@program
def neural_differential_equation(rng: random.Random) -> Built:
    field = chainrule.MLP(3, [6, 2], activation="tanh", rng=rng)

    def loss(state, target):
        for step in range(20):
            state = [s + 0.05 * d for s, d in zip(state, field([*state, step * 0.05]))]
        return sum((s - t) ** 2 for s, t in zip(state, target))

    return Built(flat(field), loss, (samples(rng, 5, 2), samples(rng, 5, 2)), batched=True)
