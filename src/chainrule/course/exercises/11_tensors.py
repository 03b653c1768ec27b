# %% [markdown]
# # Exercise 11 · From scalars to tensors
#
# So far you have calculated with single numbers, and every number knew its parents. That is the
# whole of backpropagation, and it is slow: a network of a few hundred weights on a few hundred
# points makes a graph of a hundred thousand nodes, for one step. PyTorch and JAX have the same
# chain rule, but a node of their graphs is an array with thousands of numbers in it, a *tensor*.
#
# How do you get from the one to the other? Your scalar code calculates the same kind of sum for
# every neuron, and the same neurons for every sample. What repeats can be written as an array. In
# this exercise a compiler finds the arrays in your scalar code, and then you write them yourself,
# forward and backward, and see that the numbers are the same.
#
# This exercise needs NumPy and llvmlite: `pip install "chainrule[compile]"`.
#
# ## The mathematics
#
# A layer is a list of neurons. With an index for the sample (n), the neuron (i) and the input (j),
# all of its sums are one line:
#
#     Z[n, i] = b[i] + sum over j of X[n, j] * W[i, j]
#
# `W` has a row for each neuron, `X` a row for each sample. A sum over an index that two arrays
# share is a matrix product, and NumPy writes it `@`: `Z = X @ W.T + b`. The `.T` transposes W,
# because `@` sums over the last index of the left array and the first of the right one. Adding `b`
# adds it to every row.
#
# ![Six sums of single numbers become one product of two matrices](pictures/11_tensors.svg)
#
# Backward, each weight's gradient is a sum too. `W[i, j]` is used once for every sample, and the
# `+=` of exercise 4 adds up what comes back from each of these uses. Write `dZ` for the derivative
# of the loss with respect to `Z`, an array of the same shape as `Z`. Then
#
# | with single numbers | with arrays |
# |---|---|
# | `dW[i, j] = sum over n of dZ[n, i] * X[n, j]` | `dW = dZ.T @ X` |
# | `db[i] = sum over n of dZ[n, i]` | `db = dZ.sum(axis=0)` |
# | `dX[n, j] = sum over i of dZ[n, i] * W[i, j]` | `dX = dZ @ W` |
# | `dZ[n, i] = dH[n, i] * (1 - H[n, i]**2)` for `H = tanh(Z)` | `dZ = dH * (1 - H**2)` |
#
# You need not remember the table. A gradient has the same shape as the array it belongs to, and
# usually only one product has that shape.
#
# ## What to do
#
# `model` is an `MLP` of chainrule, with tanh: as in your own, `model.layers` is a list of layers,
# each layer has `.neurons`, a list of neurons, and each neuron has `.w`, a list of Values, and
# `.b`, a Value. The last layer is linear and has one neuron.
#
# - `compile_loss(model)`: write a function `loss(x, y)` of **one** sample, the square of
#   `model(x) - y`, and return `chainrule.compile(loss, batch="mean")`. The compiled function is
#   called with a whole batch, in which X has a row for each sample, and gives the mean.
# - `matrices(model)`: a list with a pair `(W, b)` for each layer. `W` is a NumPy array of numbers
#   with a row for each neuron, `b` an array with a number for each neuron.
# - `forward(weights, X)`: `weights` is what `matrices` gives. Return the list
#   `[X, H1, H2, ..., P]`: X, and then what each layer gives for the whole batch. There is tanh
#   after every layer but the last.
# - `backward(weights, outputs, Y)`: `outputs` is what `forward` gives, and `Y` an array with one
#   number for each sample. Return a list with a pair `(dW, db)` for each layer, in the order of
#   `weights`: the gradients of the mean of the squares of `P - Y`.
# - `huber(error)`: the function below, written so that it can be compiled. The compiler runs a
#   function once, which is called a *trace*, and so follows only one path through it. An `if` on a
#   number would be decided once and for all, so the compiler refuses it (`TraceError`). Calculate
#   both sides and let `where(condition, a, b)` choose; `greater(a, b)` is 1 where a > b, and 0
#   elsewhere.
#
# ```python
# def huber(error):                  # half the square of a small error; large errors count less
#     if abs(error) > 1:
#         return abs(error) - 0.5
#     return error**2 / 2
# ```

# %% tags=["work"]
import numpy as np

import chainrule
from chainrule import MLP, greater, where


def compile_loss(model):
    """The mean squared error of a model, as a compiled function of X and Y"""

    # <<< write loss(x, y) of one sample, and return it compiled, as the mean of a batch
    def loss(x, y):
        # Scalar code, as ever. The compiler runs it once, on Values, and looks for what repeats.
        return (model(x) - y) ** 2

    return chainrule.compile(loss, batch="mean")
    # >>>


def matrices(model):
    """The numbers of each layer, put together: a list of pairs (W, b)"""
    # <<< make an array W with a row for each neuron, and an array b, for each layer
    return [
        (
            np.array([[w.data for w in neuron.w] for neuron in layer.neurons]),
            np.array([neuron.b.data for neuron in layer.neurons]),
        )
        for layer in model.layers
    ]
    # >>>


def forward(weights, X):
    """X, and what each layer gives for all samples: a list of arrays with a row for each sample"""
    # <<< append to [X] what each layer makes of the array before; no tanh after the last
    outputs = [X]
    for number, (W, b) in enumerate(weights):
        # (samples, inputs) @ (inputs, neurons): all neurons of the layer, for all samples at once.
        Z = outputs[-1] @ W.T + b
        is_last = number == len(weights) - 1
        outputs.append(Z if is_last else np.tanh(Z))
    return outputs
    # >>>


def backward(weights, outputs, Y):
    """The gradients of the mean squared error: a pair (dW, db) for each layer"""
    # <<< begin with dZ of the last layer, and go back from layer to layer
    # P has one column. So must Y have: (n, 1) minus (n,) would be an array of n times n.
    P = outputs[-1]
    dZ = 2 * (P - Y.reshape(-1, 1)) / len(Y)
    gradients = []
    for number in reversed(range(len(weights))):
        W, _ = weights[number]
        H = outputs[number]  # what went into this layer
        gradients.append((dZ.T @ H, dZ.sum(axis=0)))
        if number > 0:
            # First through the product, and then through the tanh that H came out of.
            dZ = (dZ @ W) * (1 - H**2)
    return gradients[::-1]
    # >>>


def huber(error):
    """error**2 / 2 up to 1 and down to -1, and abs(error) - 0.5 beyond; it can be compiled"""
    # <<< compute both sides, and choose with where and greater
    return where(greater(abs(error), 1), abs(error) - 0.5, error**2 / 2)
    # >>>


# %% [markdown]
# ## Try it
#
# The first cell prints the program that the compiler found. Under `arrays` are the matrices, with
# their names and sizes. Under `forward`, find the line of each layer; under `backward`, find the
# lines of the table above (`dv4` is the derivative of the loss with respect to `v4`).
#
# `draw` shows the forward part. For a network with layers of three neurons and one neuron, it looks
# like this; in `[n, ...]`, n counts the samples.
#
# ![The arrays of a compiled network: weights and inputs meet in a matmul, and the last array is the
# loss](pictures/11_program.svg)


# %% tags=["try"]
import random

from chainrule.course import show

rng = random.Random(0)
X = np.array([[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(200)])
Y = X[:, 0] * X[:, 1]

model = MLP(2, [8, 8, 1], activation="tanh", rng=random.Random(1))
loss = compile_loss(model)
found = loss(X, Y)
print(found)
print(loss.program)
show(loss.program.draw(), "11_program")

# %% [markdown]
# The next cell compares it with your arrays: do they give the same loss and the same gradients as
# the compiled scalar code?

# %% tags=["try"]
weights = matrices(model)
outputs = forward(weights, X)
print("loss by hand:", np.mean((outputs[-1][:, 0] - Y) ** 2), "  compiled:", found.data)

found.backward()
furthest = 0.0
for layer, (dW, db) in zip(model.layers, backward(weights, outputs, Y)):
    for i, neuron in enumerate(layer.neurons):
        furthest = max(furthest, abs(neuron.b.grad - db[i]))
        furthest = max(furthest, *(abs(w.grad - dW[i, j]) for j, w in enumerate(neuron.w)))
print("gradients differ by", furthest, "at most")

# %% [markdown]
# How long does it take to calculate the loss and all gradients in each of the three ways? Your
# numbers depend on your machine.

# %% tags=["try"]
import time


def milliseconds(work, times):
    work()
    begin = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - begin) / times * 1000


def one_by_one():
    total = sum((model(x) - y) ** 2 for x, y in zip(X.tolist(), Y.tolist())) / len(Y)
    total.backward()
    return [p.grad for p in model.parameters()]


def by_hand():
    backward(weights, forward(weights, X), Y)


def compiled():
    loss(X, Y).backward()
    return [p.grad for p in model.parameters()]


print(f"one number at a time  {milliseconds(one_by_one, 3):9.3f} ms")
print(f"arrays by hand        {milliseconds(by_hand, 200):9.3f} ms")
print(f"compiled              {milliseconds(compiled, 200):9.3f} ms")

# %% [markdown]
# The last cell makes two thousand steps of training in a moment, and shows what `huber` is good
# for: it fits a line to points of which one is wrong.

# %% tags=["try"]
from chainrule import SGD, Adam, Value, fit

optimizer = Adam(model.parameters(), lr=0.01)
history = fit(loss, (X, Y), optimizer=optimizer, epochs=500, batch_size=50, rng=random.Random(2))
print(history, history.loss[0], "->", history.loss[-1])

xs = [0.0, 1.0, 2.0, 3.0, 4.0]
ys = [0.0, 1.0, 2.0, 3.0, 40.0]  # the last should have been 4
for name, penalty in (("squares", lambda error: error**2), ("huber", huber)):
    slope = Value(0.0)

    def line(x, y, slope=slope, penalty=penalty):
        return penalty(slope * x - y)

    compiled_line = chainrule.compile(line, batch="mean")
    fit(compiled_line, (xs, ys), optimizer=SGD([slope], lr=0.05), steps=500, rng=random.Random(0))
    print(f"{name}: slope {slope.data:.2f}")

# %% [markdown] tags=["hint"]
# Write the shape of every array beside it, such as `X (n, 2)`, `W (3, 2)`, `b (3,)`. `A @ B` needs
# the last number of A's shape to be the first of B's, and it vanishes from the result. Which of
# `X @ W`, `X @ W.T` and `W @ X` has the shape (n, 3)?

# %% [markdown] tags=["hint"]
# `backward` walks through the layers from the last to the first and carries one array along, `dZ`,
# with a row for each sample and a column for each neuron of the layer. At each layer: the two
# gradients from `dZ` and the layer's *input*, which is `outputs[number]`; then `dZ` of the layer
# before, by the last two lines of the table.
#
# For `huber`, the three arguments of `where` are the condition, the result where it is true, and
# the result where it is not.

# %% [markdown] tags=["hint"]
# ```python
# def forward(weights, X):
#     outputs = [X]
#     for number, (W, b) in enumerate(weights):
#         Z = outputs[-1] @ ... + ...
#         outputs.append(Z if number == len(weights) - 1 else np.tanh(Z))
#     return outputs
#
# def backward(weights, outputs, Y):
#     dZ = 2 * (outputs[-1] - Y.reshape(-1, 1)) / len(Y)     # (n, 1)
#     gradients = []
#     for number in reversed(range(len(weights))):
#         W, b = weights[number]
#         gradients.append((..., ...))                       # shapes of W and b
#         if number > 0:
#             dZ = (...) * (1 - outputs[number] ** 2)
#     return gradients[::-1]                                 # the first layer first
#
# def huber(error):
#     return where(greater(abs(error), 1), ..., ...)
# ```

# %% [markdown] tags=["question"]
# A tensor library has one node for `X @ W.T`, where the scalar engine has thousands. What must the
# `_backward` of this one node do, and is it still the chain rule of exercise 4?
#
# <details><summary>An answer</summary>
#
# It is given `dZ`, and it adds `dZ.T @ X` to W's gradient and `dZ @ W` to X's. That is exactly the
# sum of what the `_backward` of all the products and sums inside would have done; nobody needs to
# see them one by one. The order of nodes, the += and the walk from the result to the leaves are
# those of exercise 4. So a tensor library is your engine with larger numbers: `data` and `grad` are
# arrays, and each operation has a rule such as the lines of the table.
#
# What is new is bookkeeping: where adding `b` has copied it to every row, its gradient must be
# summed over the rows.
#
# </details>

# %% [markdown] tags=["question"]
# Why does the compiler refuse `if abs(error) > 1`, although the eager engine accepts it?
#
# <details><summary>An answer</summary>
#
# The eager engine builds a new graph for every sample, so each may take its own path through the
# function. The compiler runs the function once and keeps the graph. With an `if`, that graph would
# hold the branch that the first sample took, and every later sample would go the same way: wrong
# numbers, and no error. `where` puts both branches and the choice into the graph. That has a price:
# both are computed, always. In `where(greater(x, 0), log(x), 0)` the logarithm of a negative number
# is calculated even where it is not chosen.
#
# </details>
