# %% [markdown]
# # Exercise 9 · Classification
#
# The network of exercise 8 gives one number, and the loss measures how far off it is. That does not
# fit the question which of ten digits is in a picture: if it is a 3, then the answer 8 is not worse
# than the answer 4. You need a probability for each digit, a loss that depends on the probability
# of the right digit, and an optimiser that needs seconds rather than minutes. At the end of this
# exercise, your loss and your optimiser read handwritten digits.
#
# From here on the Values and networks are chainrule's own, which are like yours and faster. Their
# `backward()` sets all gradients to zero first, as yours does, so you need not do it.
#
# ## From numbers to probabilities
#
# The last layer is linear and gives one number for each class, which may be any number. These
# numbers are called *logits*. `exp` makes them positive, and dividing by their sum makes them add
# up to 1. For two classes one logit is enough, with the other fixed at 0:
#
# | name | formula | what it says |
# |---|---|---|
# | sigmoid | `1 / (1 + exp(-x))` | the probability of the second of two classes |
# | softmax | `p[k] = exp(x[k]) / (exp(x[0]) + exp(x[1]) + ...)` | the probability of class k |
# | cross-entropy | `-log(p[target])` | the loss: 0 if the target is certain, large if it seems impossible |
#
# The gradient of the cross-entropy is simple: the derivative of the loss with respect to logit k is
# `p[k] - 1` for the right class and `p[k]` for every other class. So each logit gets a gradient
# that is exactly the error of its probability.
#
# ![Three logits become positive by exp, add up to 1 after division, and the loss is minus the
# logarithm of the target's share](pictures/09_classification.svg)
#
# ## Where the formulas break
#
# The largest float is about 1e308, and `exp(710)` is larger. chainrule gives `inf` there, and
# `inf / inf` is `nan`. If a gradient is `nan`, the whole network is `nan` after the next step. The
# remedy is to rewrite the formulas so that they give the same result without large numbers on the
# way:
#
# - softmax stays the same if the same number is subtracted from all logits. Subtract the
#   **largest**: then no exponent is above 0.
# - `-log(p[target])` is `log(exp(x[0]) + exp(x[1]) + ...) - x[target]`. In this form nothing is
#   divided, and no logarithm sees a probability that was rounded to 0. The largest logit, m, is
#   taken out of the sum here too: `log(exp(x[0] - m) + exp(x[1] - m) + ...) + m - x[target]`.
# - the sigmoid of a negative `x` is also `exp(x) / (1 + exp(x))`, where the exponent is negative
#   again.
#
# ## Better steps
#
# Plain gradient descent, `p = p - lr * g`, is slow in a valley that is steep across and flat along.
# Momentum gathers speed where successive gradients agree. Adam gives each parameter a step of its
# own size: it divides an average of the gradient by the root of an average of its square. With `g`
# for the gradient of a parameter `p`, which has its own `m` and `v`, 0 at first:
#
# | SGD with momentum | Adam, at step t = 1, 2, 3, ... |
# |---|---|
# | `m = momentum * m + g` | `m = beta1 * m + (1 - beta1) * g` |
# | `p = p - lr * m` | `v = beta2 * v + (1 - beta2) * g**2` |
# | | `p = p - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)` |
#
# Both averages of Adam begin at 0 and are too small at first. The divisions by `1 - beta**t`
# correct exactly that; they are called the bias correction. (Polyak described momentum in 1964;
# Kingma and Ba published Adam in 2014, [arXiv:1412.6980][adam].)
#
# [adam]: https://arxiv.org/abs/1412.6980
#
# ![In a narrow valley, plain gradient descent crawls, momentum swings from side to side and
# arrives, and Adam takes steps of equal length, a little too far, and comes
# back](pictures/09_optimisers.svg)
#
# ## What to do
#
# - `sigmoid(x)` takes a Value and returns a Value. Its data and its gradient must be right for
#   `x` = 1000 and for -1000 too.
# - `softmax(logits)` takes a list of Values and returns a list of Values that add up to 1, also for
#   logits of 1000.
# - `cross_entropy(logits, target)` is the loss of one sample, a Value. `logits` is a list of
#   Values, and `target` is the number of the right class, counted from 0.
# - `SGD(params, lr, momentum=0.0)` and `Adam(params, lr=0.001, betas=(0.9, 0.999), eps=1e-8)`:
#   `params` is a list of Values. `step()` reads the `grad` of each and changes its `data`; it
#   neither calls `backward()` nor changes the `grad`.
#
# A Value has the methods `exp()` and `log()`, and two functions of chainrule may be of use in the
# loss: `maximum(a, b)` is the larger of two Values, and `take(logits, target)` is `logits[target]`.
# They do what `max` and `[...]` do, and they can also be compiled, as the last cell below shows.

# %% tags=["work"]
import math
from functools import reduce

from chainrule import Value, maximum, take


def sigmoid(x):
    """The probability that a logit stands for, between 0 and 1"""
    # <<< return 1 / (1 + exp(-x)), such that neither a large nor a very negative x overflows
    # The exponent is never positive: exp is at most 1, whatever x is.
    if x.data >= 0:
        return 1 / (1 + (-x).exp())
    e = x.exp()
    return e / (1 + e)
    # >>>


def softmax(logits):
    """The probability of each class: positive, and adding up to 1"""
    # <<< subtract the largest logit, take exp of each, and divide by the sum
    largest = max(logit.data for logit in logits)
    exponentials = [(logit - largest).exp() for logit in logits]
    total = sum(exponentials)
    return [e / total for e in exponentials]
    # >>>


def cross_entropy(logits, target):
    """Minus the logarithm of the probability of the right class"""
    # <<< return log(sum of exp) - logit of the target, with the largest logit taken out of the sum
    # `maximum` for `max`, and `take` for `[target]`, so that chainrule.compile can follow.
    largest = reduce(maximum, logits)
    total = sum((logit - largest).exp() for logit in logits)
    return total.log() + largest - take(logits, target)
    # >>>


class SGD:
    """Gradient descent with momentum."""

    def __init__(self, params, lr, momentum=0.0):
        # <<< keep the arguments, and make an m for each parameter
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.m = [0.0] * len(self.params)
        # >>>

    def step(self):
        """Change the data of every parameter once, by its grad"""
        # <<< for each parameter: m = momentum * m + g, then p = p - lr * m
        for i, p in enumerate(self.params):
            self.m[i] = self.momentum * self.m[i] + p.grad
            p.data -= self.lr * self.m[i]
        # >>>


class Adam:
    """Steps that are scaled, for each parameter, by the size of its gradients."""

    def __init__(self, params, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        # <<< keep the arguments; make an m and a v for each parameter, and count the steps
        self.params = list(params)
        self.lr = lr
        self.betas = betas
        self.eps = eps
        self.t = 0
        self.m = [0.0] * len(self.params)
        self.v = [0.0] * len(self.params)
        # >>>

    def step(self):
        """Change the data of every parameter once, by its grad"""
        # <<< count the step; for each parameter new m and v, their bias correction, and the change
        self.t += 1  # once for all parameters, and before it is used: at t = 0 one would divide by 0
        beta1, beta2 = self.betas
        for i, p in enumerate(self.params):
            self.m[i] = beta1 * self.m[i] + (1 - beta1) * p.grad
            self.v[i] = beta2 * self.v[i] + (1 - beta2) * p.grad**2
            m = self.m[i] / (1 - beta1**self.t)
            v = self.v[i] / (1 - beta2**self.t)
            p.data -= self.lr * m / (math.sqrt(v) + self.eps)
        # >>>


# %% [markdown]
# ## Try it
#
# First look at the loss in detail. The gradients are the probabilities, minus 1 for the right
# class: compare both lines.

# %% tags=["try"]
logits = [Value(2.0), Value(1.0), Value(-1.0)]
loss = cross_entropy(logits, 0)
loss.backward()
print("probabilities", [round(p.data, 3) for p in softmax(logits)])
print("gradients    ", [round(x.grad, 3) for x in logits], " loss", round(loss.data, 3))
print("huge logits  ", [p.data for p in softmax([Value(1000.0), Value(999.0), Value(-1000.0)])])


# %% [markdown]
# Next is the valley of the picture, which is twenty times as steep in y as in x. How far from the
# lowest point is each optimiser after 30 steps? Try other learning rates: from 0.1 on, plain
# gradient descent does not come down at all.


# %% tags=["try"]
def valley(optimiser, steps=30, **options):
    x, y = Value(-2.0), Value(0.8)
    walk = optimiser([x, y], **options)
    for _ in range(steps):
        height = 0.5 * (x**2 + 20 * y**2)
        height.backward()
        walk.step()
    return round(math.hypot(x.data, y.data), 3)


print("plain   ", valley(SGD, lr=0.02))
print("momentum", valley(SGD, lr=0.02, momentum=0.8))
print("Adam    ", valley(Adam, lr=0.2))

# %% [markdown]
# The next data are digits: 1,797 pictures of 8 by 8 pixels, which come with scikit-learn. They are
# learned with your loss and your optimiser, in minibatches of 32, in three passes through the data.
# The first loss is close to 2.3: see the first question.

# %% tags=["try"]
import random

from chainrule import MLP
from chainrule.data import digits, train_test_split

train, test = train_test_split(digits(), 0.2, seed=0)
train_rows = [[pixel / 16 for pixel in row] for row in train.inputs]
test_rows = [[pixel / 16 for pixel in row] for row in test.inputs]


def accuracy(model):
    right = 0
    for row, target in zip(test_rows, test.targets, strict=True):
        logits = [logit.data for logit in model(row)]
        right += logits.index(max(logits)) == target
    return right / len(test_rows)


rng = random.Random(0)
model = MLP(64, [16, 10], activation="tanh", init="xavier", rng=rng)
optimizer = Adam(model.parameters(), lr=0.02)
order = list(range(len(train_rows)))
for epoch in range(3):
    rng.shuffle(order)
    losses = []
    for begin in range(0, len(order), 32):
        batch = order[begin : begin + 32]
        loss = sum(cross_entropy(model(train_rows[i]), train.targets[i]) for i in batch) / len(batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    print(f"epoch {epoch + 1}: first loss {losses[0]:.2f}, last {losses[-1]:.2f}")
print(f"right on pictures it has never seen: {accuracy(model):.1%}")

# %% [markdown]
# The last cell does the same with `chainrule.compile`, which turns your loss, as you wrote it for
# one sample, into machine code for batches. It cannot follow a function that reads numbers, as
# `max(...)` and `.data` do: then it names the line, and says what to write instead.

# %% tags=["try"]
import chainrule

model = MLP(64, [32, 10], activation="tanh", init="xavier", rng=random.Random(0))
try:
    history = chainrule.fit(
        chainrule.compile(lambda row, target: cross_entropy(model(row), target), batch="mean"),
        (train_rows, train.targets),
        params=model.parameters(),
        optimizer=Adam(model.parameters(), lr=0.02),
        epochs=3,
        batch_size=32,
    )
    print(f"{len(history.loss)} steps, right on new pictures: {accuracy(model):.1%}")
except chainrule.TraceError as error:
    print(error)
except ImportError as error:
    print(error)

# %% [markdown] tags=["hint"]
# Start with the formulas as they are in the tables, and only then with 1000 and -1000. For the
# optimisers: which numbers must be kept from one step to the next, and how many are there of each?
# (One for each parameter.)

# %% [markdown] tags=["hint"]
# - `sigmoid`: look at the sign of `x.data`, and choose the form whose exponent is not positive.
# - `softmax`: `largest = max(logit.data for logit in logits)`, and `exp` of `logit - largest`.
# - `cross_entropy`: do not use `softmax`. Its probabilities may be 0, and `log(0)` is minus
#   infinity.
# - `SGD`: `self.m = [0.0] * len(params)`, and a loop over `enumerate(self.params)`.
# - `Adam`: `self.t += 1` comes before the loop.

# %% [markdown] tags=["hint"]
# ```python
# def cross_entropy(logits, target):
#     largest = max(logit.data for logit in logits)
#     total = sum((logit - largest).exp() for logit in logits)
#     return ... + largest - ...         # the log of the total; the logit of the target
#
# def step(self):                        # of Adam
#     self.t += 1
#     beta1, beta2 = self.betas
#     for i, p in enumerate(self.params):
#         self.m[i] = beta1 * self.m[i] + (1 - beta1) * p.grad
#         self.v[i] = ...                # the same with beta2, and the square of the gradient
#         m = self.m[i] / (1 - beta1**self.t)
#         v = ...
#         p.data -= self.lr * m / (...)  # the root of v, plus eps
# ```

# %% [markdown] tags=["question"]
# Before any training, the cross-entropy of ten classes is about 2.3. Why that number, and what does
# a loss of 15 tell you?
#
# <details><summary>An answer</summary>
#
# A network that knows nothing gives each of ten classes about a tenth, and `-log(1/10)` is 2.303,
# the logarithm of 10. A first loss of 15 means that it is certain of wrong answers before it has
# seen anything: `exp(-15)` is a probability of three in ten million. The weights of the last layer
# are too large then, or the inputs are; the first steps will do nothing but shrink them. To check
# that the first loss is the logarithm of the number of classes is the cheapest test there is.
#
# </details>

# %% [markdown] tags=["question"]
# A parameter whose first gradient is 0.001, and one whose first gradient is 1000: how far does Adam
# move each in its first step?
#
# <details><summary>An answer</summary>
#
# Equally far, by `lr`. After one step the corrected `m` is `g` and the corrected `v` is `g**2`, so
# the change is `lr * g / (abs(g) + eps)`: the sign of the gradient, times `lr`. That is why Adam
# needs less care with the scale of a problem, and why its learning rate can be read as the size of
# a step. That is also its weakness: where a gradient is nothing but noise around 0, Adam still
# makes steps of the usual size.
#
# </details>
