"""Programs whose loops read, write and add up at different paces: the same place is met again in some iterations only."""

from __future__ import annotations

import random
from typing import Any

from chainrule import cos, sigmoid, sin, tanh
from registry import Built, program, vector


@program
def hour_of_day(rng: random.Random) -> Built:
    """A leaky state driven by a bias for each hour of a day of eight; one of them also scales what is observed."""
    b, x = vector(rng, 8), vector(rng, 1)

    def loss() -> Any:
        h, total = 0.0, 0.0
        for t in range(24):
            h = tanh(0.5 * h + b[t % 8] + x[0])
            total = total + sigmoid(h * b[3])
        return total

    return Built([*b, *x], loss)


@program
def ring_of_weights_there_and_back(rng: random.Random) -> Built:
    """Weights on a ring, read forwards in the state and backwards in the output."""
    w, x = vector(rng, 5, 0.9), vector(rng, 1)

    def loss() -> Any:
        h, total, steps = x[0], 0.0, 12
        for t in range(steps):
            h = tanh(h * w[t % 5])
            total = total + tanh(h + w[(steps - 1 - t) % 5])
        return total

    return Built([*w, *x], loss)


@program
def state_and_output_share_their_biases(rng: random.Random) -> Built:
    d, q = vector(rng, 4), vector(rng, 2, 0.9)

    def loss() -> Any:
        h, total = q[0], 0.0
        for t in range(7):
            h = tanh(q[1] * h + d[t % 4])
            total = total + tanh(d[0] * h)
        return total

    return Built([*d, *q], loss)


@program
def products_at_two_strides(rng: random.Random) -> Built:
    p = vector(rng, 9, 0.9)
    return Built(p, lambda: sum(p[(2 * i + j) % 9] * p[j + 3] for i in range(5) for j in range(2)))


@program
def squares_of_sums_at_two_strides(rng: random.Random) -> Built:
    p = vector(rng, 9, 0.9)
    return Built(p, lambda: sum(sum(p[(2 * i + j) % 9] * p[j + 3] for j in range(2)) ** 2 for i in range(5)))


@program
def triangle_of_thirds(rng: random.Random) -> Built:
    p = vector(rng, 7, 0.9)
    return Built(p, lambda: sum(sum(p[j] * p[(i - j) // 3] for j in range(i + 1)) for i in range(7)))


@program
def queue_read_at_half_the_speed_at_which_it_grows(rng: random.Random) -> Built:
    p = vector(rng, 2)

    def loss() -> Any:
        q: list[Any] = list(p)
        for t in range(4):
            q.append(sin(q[min(len(q) - 1, t + 2)]))
            q.append(tanh(q[-1]))
        return sum(q)

    return Built(p, loss)


@program
def queue_with_a_look_back(rng: random.Random) -> Built:
    p = vector(rng, 2)

    def loss() -> Any:
        q: list[Any] = list(p)
        for t in range(5):
            q.append(sin(q[t + 1]))
            q.append(q[-2] + 0.1 * q[-1])
        return sum(q)

    return Built(p, loss)


@program
def heap(rng: random.Random) -> Built:
    """A binary tree, breadth first."""
    p = vector(rng, 2)

    def loss() -> Any:
        q: list[Any] = list(p)
        for t in range(1, 9):
            q += [sin(q[t]), cos(q[t])]
        return sum(q)

    return Built(p, loss)


@program
def fold_of_halves(rng: random.Random) -> Built:
    p = vector(rng, 2)

    def loss() -> Any:
        a: list[Any] = list(p)
        for t in range(2, 16):
            a.append(sin(a[t // 2] * a[t - 1]))
        return sum(a)

    return Built(p, loss)


@program
def heap_that_multiplies_upwards(rng: random.Random) -> Built:
    p = vector(rng, 2)

    def loss() -> Any:
        a: list[Any] = list(p)
        for t in range(1, 10):
            a += [tanh(a[t] + 0.1), a[t] * a[-1]]
        return a[-1] + sum(a)

    return Built(p, loss)
