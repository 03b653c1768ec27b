# %% [markdown]
# # Exercise 12 · A tiny transformer
#
# Language models are transformers. They are many million times as large as what you have built, but
# they consist of the same parts: sums, products, exponentials, and gradients that `backward()`
# finds. In this exercise you build one from single Values, and it learns the words of an invented
# language:
#
#     kolanu  mitele  sutoka  rineri  tamolu  lisemi
#
# Look at the vowels. A word has either only a, o, u or only e, i; Finnish and Turkish have rules of
# this kind. To write such a word letter by letter, you must look back at the vowels that came
# before. The letter just before does not help: it is a consonant, and says nothing. Looking back is
# what *attention* does.
#
# ## The mathematics
#
# The text is a list of *tokens*, which are small integers: 0 is a mark before and after each word,
# and 1 to 12 are the letters. Each token becomes a vector (a list of 8 Values that are learned),
# the vectors are transformed, and in the end each position gives a score for every possible next
# token.
#
# **Attention.** Every position makes three vectors out of its own: a *query*, which says what it
# looks for; a *key*, which says what it offers; and a *value*, which it passes on to those that
# look at it. For a query q of d numbers, and the keys k and values v of some positions:
#
# | | |
# |---|---|
# | how well does each key match the query? | `score[s] = (q · k[s]) / sqrt(d)` |
# | as weights, which are positive and add up to 1 | `weight = softmax(score)` |
# | the mean of the values with these weights | `result[i] = sum over s of weight[s] * v[s][i]` |
#
# The `sqrt(d)` keeps the scores at about the same size for every d: a sum of d random products
# grows like the root of d, and a softmax of large scores picks one position and has no slope left
# to learn from.
#
# A position may look at itself and at those before it, and never ahead, or it would see the answer:
# this is called *causal* attention. And there are several *heads*: each looks with its own part of
# the vectors, the first with the first half, the second with the second, so that one can look for
# vowels while the other does something else.
#
# **The block.** Attention and a perceptron, and each only *adds* to the vector that passes through,
# as in the picture. So the gradient has a straight way from the end to the beginning (the
# derivative of `x + f(x)` has a 1 in it). Before each, the vector is divided by its root mean
# square, so that its size does not matter: `rmsnorm(x)[i] = x[i] / sqrt(m + 0.00001)`, where m is
# the mean of the squares of x.
#
# ![The vectors pass the block from left to right; attention and the perceptron add to them](pictures/12_transformer.svg)
#
# ## What to do
#
# The weights are given, in the class `Transformer`: each is a matrix, a list of rows.
# `linear(matrix, x)` multiplies. Write
#
# - `attend(query, keys, values)`: the three lines above. `query` is a list of Values; `keys` and
#   `values` are lists with such a list for each position. Two functions of chainrule are there:
#   `softmax(scores)`, which is yours of exercise 9, and `dot(a, b)`, the dot product of two lists
#   of the same length, `a[0] * b[0] + a[1] * b[1] + ...`, which is the `q · k[s]` above.
# - `rmsnorm(x)`: the line above, for a list of Values.
# - `attention(model, xs)`: `xs` has a vector for each position; return a vector for each position.
#   Queries, keys and values come from `linear` with `model.query`, `model.key` and `model.value`.
#   Position t attends to the positions 0 to t. If a vector has n numbers and there are
#   `model.heads` heads, head 0 uses the numbers from 0 up to `n // model.heads` of queries, keys
#   and values, head 1 the same number of numbers after them, and so on. The results of the heads
#   are put one after another, and `linear` with `model.out` turns them into the position's result.
# - `block(model, xs)`: to each vector add the result of attention on the normalised vectors; to
#   each of these sums add the result of the perceptron on the normalised sum. The perceptron:
#   `linear` with `model.widen`, relu, `linear` with `model.narrow`.
# - `logits(model, tokens)`: the vector of a position is the row of `model.token` for its token,
#   plus the row of `model.position` for its place. Then the block, `rmsnorm`, and `linear` with
#   `model.unembed`. Return the scores for each position. Write `take(model.token, t)` for
#   `model.token[t]`: it means the same, and it can be compiled.
# - `loss_of(model, tokens)`: the mean `cross_entropy` of the predictions: from `tokens[0]` predict
#   `tokens[1]`, from the first two `tokens[2]`, and so on. `logits` gives all of these at once. In
#   exercise 9 you wrote `cross_entropy(logits, target)` for one sample. chainrule's function takes
#   lists too: `cross_entropy(rows, targets)`, with a row of scores and a target for each sample, is
#   the mean over all samples.
# - `generate(model, rng)`: begin with `[0]`, draw the next token with the probabilities that the
#   model gives, and continue until 0 is drawn or the word has as many tokens as `model.position`
#   has rows. Return a list of the word's tokens, without the marks.
#   `rng.choices(range(n), weights)[0]` draws.

# %% tags=["work"]
import random

from chainrule import Module, Value, cross_entropy, dot, softmax, take


def vector(*numbers):
    """Numbers as a list of Values"""
    return [Value(number) for number in numbers]


def linear(matrix, x):
    """A matrix times a vector: a number for each row"""
    return [dot(row, x) for row in matrix]


def add(a, b):
    """The sum of two vectors"""
    return [ai + bi for ai, bi in zip(a, b, strict=True)]


class Transformer(Module):
    """The weights of a transformer with one block"""

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


def attend(query, keys, values):
    """The mean of the values, weighted by how well their keys match the query"""
    # <<< make scores of query and keys, weights of the scores, and the weighted mean of the values
    scores = [dot(query, key) / len(query) ** 0.5 for key in keys]
    weights = softmax(scores)
    # zip(*values) goes through the columns: the first numbers of all values, then the second, ...
    return [dot(weights, column) for column in zip(*values)]
    # >>>


def rmsnorm(x):
    """x, divided by the root of the mean of its squares"""
    # <<< divide each number by the root of the mean of the squares plus 0.00001
    scale = (dot(x, x) / len(x) + 0.00001) ** -0.5
    return [xi * scale for xi in x]
    # >>>


def attention(model, xs):
    """What each position finds at itself and the positions before it"""
    # <<< let each head attend with its part of the vectors, join the results, apply model.out
    queries = [linear(model.query, x) for x in xs]
    keys = [linear(model.key, x) for x in xs]
    values = [linear(model.value, x) for x in xs]
    size = len(xs[0]) // model.heads
    results = []
    for t in range(len(xs)):
        found = []
        for head in range(model.heads):
            part = slice(head * size, (head + 1) * size)
            # Up to t and with t: whatever comes later is still unknown where t is read.
            seen_keys = [key[part] for key in keys[: t + 1]]
            seen_values = [value[part] for value in values[: t + 1]]
            found += attend(queries[t][part], seen_keys, seen_values)
        results.append(linear(model.out, found))
    return results
    # >>>


def block(model, xs):
    """The vectors, with what attention and then the perceptron add to them"""
    # <<< add the attention of the normalised vectors, then the perceptron of the normalised sums
    found = attention(model, [rmsnorm(x) for x in xs])
    xs = [add(x, f) for x, f in zip(xs, found)]
    hidden = [[h.relu() for h in linear(model.widen, rmsnorm(x))] for x in xs]
    return [add(x, linear(model.narrow, h)) for x, h in zip(xs, hidden)]
    # >>>


def logits(model, tokens):
    """For each position, the scores of all tokens as the next one"""
    # <<< add up the rows for token and position; block, rmsnorm, model.unembed
    xs = [add(take(model.token, token), place) for token, place in zip(tokens, model.position)]
    return [linear(model.unembed, rmsnorm(x)) for x in block(model, xs)]
    # >>>


def loss_of(model, tokens):
    """The mean cross-entropy of the next token, over all positions of a word"""
    # <<< compare the scores of each position with the token that follows it
    # Nothing follows the last token, and nothing comes before the first.
    return cross_entropy(logits(model, tokens[:-1]), tokens[1:])
    # >>>


def generate(model, rng):
    """A new word: its tokens, without the marks"""
    # <<< draw one token after another, with the probabilities of the last position, until 0 is drawn
    tokens = [0]
    while len(tokens) <= len(model.position):
        probabilities = [p.data for p in softmax(logits(model, tokens)[-1])]
        token = rng.choices(range(len(probabilities)), probabilities)[0]
        if token == 0:
            break
        tokens.append(token)
    return tokens[1:]
    # >>>


# %% [markdown]
# ## Try it
#
# The first cell makes the language, and a model that knows nothing of it yet. Its loss is close to
# that of pure guessing, `log(13)` = 2.565.


# %% tags=["try"]
import math

LETTERS = "aoueiklmnrst"
rng = random.Random(1)


def invent():
    vowels = rng.choice(["aou", "ei"])
    return "".join(rng.choice("klmnrst") + rng.choice(vowels) for _ in range(3))


def tokens_of(word):
    return [0, *(LETTERS.index(letter) + 1 for letter in word), 0]


def text_of(tokens):
    return "".join(LETTERS[token - 1] for token in tokens)


words = [invent() for _ in range(500)]
data = [tokens_of(word) for word in words]
model = Transformer(tokens=13, positions=8, rng=random.Random(0))

print(words[0], data[0])
print(len(model.parameters()), "weights; loss of the first word:", loss_of(model, data[0]).data)
print("untrained, it writes:", *(text_of(generate(model, rng)) for _ in range(5)))

# %% [markdown]
# Now the model is trained. Compiled, a thousand steps take a second or two, most of it for
# compiling. Without the compiler (`pip install "chainrule[compile]"`),
# `loss = lambda rows: sum(loss_of(model, row) for row in rows) / len(rows)` does the same, but
# takes much longer.
#
# How far down can the loss come? A word is made by 3 draws of one of 7 consonants, one draw of one
# of two kinds of vowels, and 3 draws of one of 3 or of 2 vowels; no model can predict these draws
# better than by their probabilities. If the loss falls below the limit that follows from this, the
# model has begun to learn the 500 words by heart.

# %% tags=["try"]
import chainrule
from chainrule import Adam, fit

loss = chainrule.compile(lambda tokens: loss_of(model, tokens), batch="mean")
optimizer = Adam(model.parameters(), lr=0.02)
history = fit(loss, (data,), optimizer=optimizer, epochs=40, batch_size=20, rng=random.Random(3))
print("loss", history.loss[0], "->", sum(history.loss[-50:]) / 50)

least = (3 * math.log(7) + math.log(2) + 3 * (math.log(3) + math.log(2)) / 2) / 7
print("it cannot come below", least, "on words that it has not seen")

# %% [markdown]
# Does it know the rule? A model that knows which letters may stand where, but does not look back at
# the vowels, gets a quarter of the words right.

# %% tags=["try"]
invented = [text_of(generate(model, rng)) for _ in range(100)]
pure = [word for word in invented if not (set(word) & set("aou") and set(word) & set("ei"))]
new = [word for word in invented if word not in words]
print(*invented[:12])
print(f"{len(pure)} of {len(invented)} have vowels of one kind only; {len(new)} are new words")

# %% [markdown]
# Where does it look? If the values are the unit vectors, the result of `attend` is the weights
# themselves. Each row is a position, and shows how many percent of its attention it gives to each
# position. Compare with this picture:
#
# ![Weights of two heads for the word ramano: after m and n, both look back at the vowel a](pictures/12_attention.svg)

# %% tags=["try"]
word = words[0]
tokens = data[0][:-1]
xs = [rmsnorm(add(model.token[token], place)) for token, place in zip(tokens, model.position)]
queries, keys = [linear(model.query, x) for x in xs], [linear(model.key, x) for x in xs]
half = len(xs[0]) // 2
for head in range(2):
    part = slice(head * half, (head + 1) * half)
    print(f"\nhead {head}   " + "".join(f"{letter:>5}" for letter in "." + word))
    for t, letter in enumerate("." + word):
        units = [vector(*(float(i == j) for j in range(t + 1))) for i in range(t + 1)]
        weights = attend(queries[t][part], [key[part] for key in keys[: t + 1]], units)
        print(f"after {letter}   " + "".join(f"{100 * weight.data:5.0f}" for weight in weights))

# %% [markdown] tags=["hint"]
# Write the functions in the order of the list, and look at shapes: `query` is one list; `keys` and
# `values` are lists of lists, one for each position. How many scores are there? How many weights?
# How many numbers does the result have: as many as there are positions, or as many as a value has?
#
# In `loss_of`, write a word down, such as 0 5 3 0. Which tokens does the model read, and which is
# it asked for?

# %% [markdown] tags=["hint"]
# - `[dot(query, key) ... for key in keys]` are the scores. Number i of the result is the `dot` of
#   the weights and the numbers `value[i]` of all values.
# - In `attention`, go through the positions t, and within it through the heads. `keys[: t + 1]` are
#   the keys up to and with t; `key[part]` with `part = slice(head * size, (head + 1) * size)` is
#   what one head sees of a key. `found += [...]` puts lists one after another.
# - In `block`, there are four steps, and each goes over all positions: attention, add, perceptron,
#   add.
# - In `generate`, only the scores of the last position matter, because its next token is not known
#   yet; `softmax` turns scores into probabilities.

# %% [markdown] tags=["hint"]
# ```python
# def attend(query, keys, values):
#     weights = softmax([dot(query, key) / ... for key in keys])
#     return [dot(weights, [value[i] for value in values]) for i in range(len(values[0]))]
#
# def attention(model, xs):
#     queries = [linear(model.query, x) for x in xs]         # and so the keys and the values
#     size = len(xs[0]) // model.heads
#     results = []
#     for t in range(len(xs)):
#         found = []
#         for head in range(model.heads):
#             part = slice(head * size, (head + 1) * size)
#             found += attend(queries[t][part], ..., ...)
#         results.append(linear(model.out, found))
#     return results
#
# def block(model, xs):
#     found = attention(model, [rmsnorm(x) for x in xs])
#     xs = [add(x, f) for x, f in zip(xs, found)]
#     hidden = [[h.relu() for h in linear(model.widen, ...)] for x in xs]
#     return [add(..., linear(model.narrow, h)) for x, h in zip(xs, hidden)]
#
# def loss_of(model, tokens):
#     return cross_entropy(logits(model, tokens[:-1]), ...)
# ```

# %% [markdown] tags=["question"]
# Take the row of `model.position` out of `logits`. Attention alone then cannot tell the order of
# the letters. Why, and why does the model still know something about the order?
#
# <details><summary>An answer</summary>
#
# A weighted mean is a sum, and a sum does not depend on the order: if two earlier letters change
# places, their keys and values do too, and the result stays. What the last position sees of the
# past is a bag of letters. Causality helps a little: the first position sees one letter and the
# third sees three, so the weights say roughly how many letters there were. Our words end after six
# letters. With positions, the model learns this in no time.
#
# </details>

# %% [markdown] tags=["question"]
# In training, one word of six letters gives seven predictions at once. When generating, each letter
# needs a pass of its own. Why, and what does `generate` compute again and again that need not be
# computed again?
#
# <details><summary>An answer</summary>
#
# In training all letters are known, and thanks to the causal rule the result at a position is the
# same as if the rest did not exist: so one pass makes all seven predictions. When generating, the
# next letter is known only after it has been drawn.
#
# And since no position looks ahead, the vectors of earlier positions never change when a letter is
# added, nor do their keys and values. `generate` computes them again for every letter. Real programs
# keep them in the *key-value cache*, which takes a large part of the memory if the text is long.
#
# </details>
