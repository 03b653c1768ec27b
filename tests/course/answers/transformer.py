"""Exercise 12: wrong answers, for each known mistake one, and right ones in other styles."""

SCORES = "scores = [dot(query, key) / len(query) ** 0.5 for key in keys]"
COLUMNS = "return [dot(weights, column) for column in zip(*values)]"
NORM = "scale = (dot(x, x) / len(x) + 0.00001) ** -0.5"
SCALED = "    return [xi * scale for xi in x]"
FOUND = "found += attend(queries[t][part], seen_keys, seen_values)"
OUT = "results.append(linear(model.out, found))"
RETURN_BLOCK = "return [add(x, linear(model.narrow, h)) for x, h in zip(xs, hidden)]"
LOSS = "return cross_entropy(logits(model, tokens[:-1]), tokens[1:])"
PROBABILITIES = "probabilities = [p.data for p in softmax(logits(model, tokens)[-1])]"
DRAW = "token = rng.choices(range(len(probabilities)), probabilities)[0]"

WRONG = {
    "no softmax": [("weights = softmax(scores)", "weights = scores")],
    "the scores are not scaled": [(SCORES, "scores = [dot(query, key) for key in keys]")],
    "scaled by d, not by its root": [(SCORES, "scores = [dot(query, key) / len(query) for key in keys]")],
    "scaled by the number of keys": [(SCORES, "scores = [dot(query, key) / len(keys) ** 0.5 for key in keys]")],
    "the keys are mixed in place of the values": [(COLUMNS, "return [dot(weights, column) for column in zip(*keys)]")],
    "one number for each position": [(COLUMNS, "return [dot(weights, value) for value in values]")],
    "division by zero": [(NORM, "scale = (dot(x, x) / len(x)) ** 0.5"), (SCALED, "    return [xi / scale for xi in x]")],
    "a sum of squares instead of their mean": [(NORM, "scale = (dot(x, x) + 0.00001) ** -0.5")],
    "the root is forgotten": [(NORM, "scale = (dot(x, x) / len(x) + 0.00001) ** -1")],
    "multiplied instead of divided": [(NORM, "scale = (dot(x, x) / len(x) + 0.00001) ** 0.5")],
    "the mean is subtracted": [(NORM, "middle = sum(x) / len(x)\n    x = [xi - middle for xi in x]\n    " + NORM)],
    "0.00001 outside the root": [(NORM, "scale = 1 / ((dot(x, x) / len(x)) ** 0.5 + 0.00001)")],
    "a position does not see itself": [("keys[: t + 1]", "keys[:t]"), ("values[: t + 1]", "values[:t]")],
    "a position sees the future": [("keys[: t + 1]", "keys"), ("values[: t + 1]", "values")],
    "the heads are not joined": [(FOUND, FOUND.replace("+=", "="))],
    "every second number for a head": [("part = slice(head * size, (head + 1) * size)", "part = slice(head, None, model.heads)")],
    "the heads make no difference": [
        ("queries[t][part]", "queries[t]"),
        ("key[part] for", "key for"),
        ("value[part] for", "value for"),
        ("range(model.heads)", "range(1)"),
    ],
    "model.out is forgotten": [(OUT, "results.append(found)")],
    "values without model.value": [("values = [linear(model.value, x) for x in xs]", "values = xs")],
    "the perceptron replaces the vector": [(RETURN_BLOCK, "return [linear(model.narrow, h) for x, h in zip(xs, hidden)]")],
    "attention replaces the vector": [("xs = [add(x, f) for x, f in zip(xs, found)]", "xs = found")],
    "the normalised vector is kept": [
        ("found = attention(model, [rmsnorm(x) for x in xs])", "xs = [rmsnorm(x) for x in xs]\n    found = attention(model, xs)")
    ],
    "the relu is forgotten": [("[h.relu() for h in linear(model.widen, rmsnorm(x))]", "linear(model.widen, rmsnorm(x))")],
    "attention reads vectors that are not normalised": [("attention(model, [rmsnorm(x) for x in xs])", "attention(model, xs)")],
    "the perceptron reads vectors that are not normalised": [("linear(model.widen, rmsnorm(x))", "linear(model.widen, x)")],
    "the position is forgotten": [
        (
            "xs = [add(take(model.token, token), place) for token, place in zip(tokens, model.position)]",
            "xs = [take(model.token, token) for token in tokens]",
        )
    ],
    "the scores of one position only": [("for x in block(model, xs)]", "for x in block(model, xs)][-1]")],
    "probabilities instead of scores": [("[linear(model.unembed, rmsnorm(x)) for", "[softmax(linear(model.unembed, rmsnorm(x))) for")],
    "no norm before the scores": [("linear(model.unembed, rmsnorm(x))", "linear(model.unembed, x)")],
    "a token is used as an index while tracing": [("take(model.token, token)", "model.token[token]")],
    "predictions and targets differ in number": [(LOSS, "return cross_entropy(logits(model, tokens), tokens[1:])")],
    "the same token is predicted": [(LOSS, "return cross_entropy(logits(model, tokens[:-1]), tokens[:-1])")],
    "a number instead of a Value": [(LOSS, LOSS + ".data")],
    "a sum over the positions": [(LOSS, LOSS + " * (len(tokens) - 1)")],
    "divided by the number of tokens": [(LOSS, LOSS + " * (len(tokens) - 1) / len(tokens)")],
    "the loss has the wrong sign": [(LOSS, LOSS.replace("return ", "return -"))],
    "scores are taken for probabilities": [(PROBABILITIES, "probabilities = [s.data for s in logits(model, tokens)[-1]]")],
    "the marks are part of the word": [("return tokens[1:]", "return tokens")],
    "only the last token is read": [(PROBABILITIES, PROBABILITIES.replace("logits(model, tokens)", "logits(model, tokens[-1:])"))],
    "a word that does not end": [("while len(tokens) <= len(model.position)", "while True")],
    "the same word every time": [(DRAW, "token = probabilities.index(max(probabilities))")],
    "rng is not used": [(DRAW, DRAW.replace("rng.choices", "random.choices"))],
}

GIVEN = """
import math
import random
from chainrule import Module, Value, dot, exp, log, log_softmax, maximum, mean, softmax, sqrt, take

def vector(*numbers):
    return [Value(number) for number in numbers]

def linear(matrix, x):
    return [dot(row, x) for row in matrix]

def add(a, b):
    return [ai + bi for ai, bi in zip(a, b)]

class Transformer(Module):
    def __init__(self, tokens, positions, size=8, heads=2, rng=random):
        def matrix(rows, columns):
            return [vector(*(rng.gauss(0.0, 0.3) for _ in range(columns))) for _ in range(rows)]

        self.heads = heads
        self.token = matrix(tokens, size)
        self.position = matrix(positions, size)
        self.query = matrix(size, size)
        self.key = matrix(size, size)
        self.value = matrix(size, size)
        self.out = matrix(size, size)
        self.widen = matrix(2 * size, size)
        self.narrow = matrix(size, 2 * size)
        self.unembed = matrix(tokens, size)
"""

RIGHT = {
    "a mask, and everything written out": GIVEN
    + """
def attend(query, keys, values, seen=None):
    seen = len(keys) if seen is None else seen
    scores = []
    for s, key in enumerate(keys):
        score = 0.0
        for q, k in zip(query, key):
            score = score + q * k
        scores.append(score / math.sqrt(len(query)) if s < seen else Value(-1e9))
    weights = softmax(scores)
    result = [0.0] * len(values[0])
    for weight, value in zip(weights, values):
        for i, v in enumerate(value):
            result[i] = result[i] + weight * v
    return result

def rmsnorm(x):
    return [xi / sqrt(sum(xj**2 for xj in x) / len(x) + 1e-5) for xi in x]

def attention(model, xs):
    size = len(xs[0]) // model.heads
    found = [[] for _ in xs]
    for head in range(model.heads):
        rows = slice(head * size, head * size + size)
        queries, keys, values = ([linear(m[rows], x) for x in xs] for m in (model.query, model.key, model.value))
        for t, query in enumerate(queries):
            found[t] = found[t] + attend(query, keys, values, t + 1)
    return [linear(model.out, f) for f in found]

def block(model, xs):
    new = []
    for x, a in zip(xs, attention(model, list(map(rmsnorm, xs)))):
        x = add(x, a)
        hidden = [maximum(h, 0.0) for h in linear(model.widen, rmsnorm(x))]
        new.append(add(x, linear(model.narrow, hidden)))
    return new

def logits(model, tokens):
    n = len(tokens)
    xs = [[t + p for t, p in zip(take(model.token, tokens[i]), model.position[i])] for i in range(n)]
    return [linear(model.unembed, rmsnorm(x)) for x in block(model, xs)]

def loss_of(model, tokens):
    scores = logits(model, tokens)[:-1]
    return mean(-take(log_softmax(row), target) for row, target in zip(scores, tokens[1:]))

def generate(model, rng):
    word = []
    for _ in model.position:
        scores = [s.data for s in logits(model, [0] + word)[-1]]
        top = max(scores)
        chances = [math.exp(s - top) for s in scores]
        left = rng.random() * sum(chances)
        token = 0
        while left > chances[token] and token < len(chances) - 1:
            left -= chances[token]
            token += 1
        if not token:
            return word
        word.append(token)
    return word
""",
    "tuples, recursion and generators": GIVEN
    + """
from chainrule import cross_entropy

def attend(query, keys, values):
    heights = [exp(dot(query, key) / sqrt(len(query))) for key in keys]
    total = sum(heights)
    return tuple(sum(h / total * v for h, v in zip(heights, column)) for column in zip(*values))

def rmsnorm(x):
    size = (mean(xi * xi for xi in x) + 1e-5) ** 0.5
    return [xi / size for xi in x]

def attention(model, xs):
    d = len(xs[0]) // model.heads

    def split(matrix):
        rows = [linear(matrix, x) for x in xs]
        return [[row[h * d : (h + 1) * d] for row in rows] for h in range(model.heads)]

    Q, K, V = split(model.query), split(model.key), split(model.value)
    results = []
    for t in range(1, len(xs) + 1):
        parts = [attend(q[t - 1], k[:t], v[:t]) for q, k, v in zip(Q, K, V)]
        results.append(linear(model.out, [number for part in parts for number in part]))
    return results

def block(model, xs):
    xs = [add(x, a) for x, a in zip(xs, attention(model, [rmsnorm(x) for x in xs]))]
    def perceptron(x):
        return linear(model.narrow, [h.relu() for h in linear(model.widen, x)])
    return [add(x, perceptron(rmsnorm(x))) for x in xs]

def logits(model, tokens):
    xs = [add(take(model.token, t), take(model.position, i)) for i, t in enumerate(tokens)]
    return [linear(model.unembed, rmsnorm(x)) for x in block(model, xs)]

def loss_of(model, tokens):
    losses = [cross_entropy([scores], [target]) for scores, target in zip(logits(model, tokens), tokens[1:])]
    return sum(losses) / len(losses)

def generate(model, rng, word=()):
    if len(word) == len(model.position):
        return list(word)
    scores = logits(model, [0, *word])[-1]
    token = rng.choices(range(len(scores)), [p.data for p in softmax(scores)])[0]
    return generate(model, rng, (*word, token)) if token else list(word)
""",
}
