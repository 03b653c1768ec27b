"""Functions that return several Values."""

# ruff: noqa: B905 (zip as people write it)

from __future__ import annotations

import random

import chainrule
from chainrule import MLP, Value, dot, exp, sin, softmax, tanh
from registry import Built, flat, labels, matrix, returns, samples, vector


@returns
def a_list(rng: random.Random) -> Built:
    model = MLP(3, [5, 4], activation="tanh", rng=rng)

    def outputs(x):
        return softmax(model(x))

    return Built(flat(model), outputs, (samples(rng, 3),))


@returns
def a_nested_list(rng: random.Random) -> Built:
    W = matrix(rng, 4, 3)

    def outputs(X):
        return [[tanh(dot(row, x)) for row in W] for x in X]

    return Built(flat(W), outputs, (samples(rng, 6, 3),))


@returns
def a_tuple_of_different_things(rng: random.Random) -> Built:
    W, b = matrix(rng, 4, 3), Value(0.3)

    def outputs(x):
        hidden = [tanh(dot(row, x) + b) for row in W]
        return hidden, sum(hidden), [[h * h, h] for h in hidden]

    return Built(flat(W, b), outputs, (samples(rng, 3),))


@returns
def a_dict(rng: random.Random) -> Built:
    model = MLP(2, [4, 1], rng=rng)

    def outputs(X, y):
        scores = [model(x) for x in X]
        errors = [(s - t) ** 2 for s, t in zip(scores, y)]
        return {"loss": sum(errors) / len(errors), "scores": scores, "parts": {"errors": errors, "first": errors[0]}}

    return Built(flat(model), outputs, (samples(rng, 5, 2), samples(rng, 5)))


@returns
def outputs_that_are_not_computed(rng: random.Random) -> Built:
    """An argument, a parameter, a constant, and the same result twice."""
    w = vector(rng, 2)

    def outputs(x):
        both = w[0] * x[0] + w[1] * x[1]
        return {"argument": x, "parameter": w[0], "constant": 2.5, "twice": [both, both, -both]}

    return Built(w, outputs, (samples(rng, 2),))


@returns
def inference_of_a_batch(rng: random.Random) -> Built:
    """A model as it is."""
    model = MLP(3, [5, 2], rng=rng)
    return Built(flat(model), model, (samples(rng, 9, 3),), batched=True, reduction=None)


@returns
def inference_with_one_output(rng: random.Random) -> Built:
    model = MLP(3, [5, 1], activation="gelu", rng=rng)
    return Built(flat(model), model, (samples(rng, 9, 3),), batched=True, reduction=None)


@returns
def a_dict_for_each_sample(rng: random.Random) -> Built:
    W = matrix(rng, 3, 2)

    def outputs(x, token):
        logits = [dot(row, x) for row in W]
        chances = softmax(logits)
        return {"chances": chances, "surprise": -chainrule.take(chances, token).log(), "pair": (logits[0], [logits[1:], [sin(logits[0])]])}

    return Built(flat(W), outputs, (samples(rng, 8, 2), labels(rng, 8, below=3)), batched=True, reduction=None)


@returns
def a_trajectory(rng: random.Random) -> Built:
    a, b = Value(0.9), Value(-0.4)

    def outputs(x):
        places = [x]
        for _ in range(12):
            x = [tanh(a * x[0] + b * x[1]), exp(b) * x[0]]
            places.append(x)
        return places

    return Built([a, b], outputs, (samples(rng, 2),))
