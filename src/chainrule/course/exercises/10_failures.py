# %% [markdown]
# # Exercise 10 · Why training fails
#
# The code is right, every check passes, and the network learns nothing. The loss does not change,
# or it is `nan` in the third step. No exception says why, because no code is wrong: the numbers
# have reached a region where gradients are 0, or where they are huge. Four such failures cause most
# of the trouble. In this exercise you produce each of them on purpose, write a small function that
# detects it, and repair it.
#
# ## Dead relus
#
# A relu neuron passes on `max(0, b + w[0] * x[0] + ...)`. If the sum is negative **at every point
# of the data**, its output is 0 everywhere, so is its derivative, and the gradients of its weights
# are 0 too. No step changes them again: the neuron is dead, unless the outputs of the layers before
# it change. One step that is too large can kill a neuron, and a layer in which all neurons are dead
# gives the same output for every point.
#
# *How to detect it*: the share of hidden neurons that are 0 at all points. *How to repair it*:
# smaller steps; smaller weights to begin with; or `leaky_relu`, whose slope is not quite 0 on the
# left.
#
# ![With a learning rate of 0.5 nearly all neurons are dead after a few steps and the loss stays at
# 1; with 0.1 hardly any are, and it falls](pictures/10_dead.svg)
#
# ## Saturation
#
# `tanh` is flat far from 0. Where its output is 0.99, its derivative `1 - 0.99**2` is 0.02, fifty
# times less than at 0. With two such layers in a row, the first gets 1/2,500 of the gradient.
# Saturation comes from weights that are too large, or from inputs that are too large. If the inputs
# are heights in centimetres and weights in kilograms, for example, all points are far from 0 on the
# same side, all sums are in the hundreds, and the first layer gives the same output for all points.
#
# *How to detect it*: the share of hidden outputs that are above 0.99 or below -0.99. *How to repair
# it*: inputs that are shifted and scaled to mean 0 and standard deviation 1, which is what
# `standardization` in `chainrule.data` does; and weights that are not too large (see below).
#
# ![With inputs such as 170 and 70 all outputs of the first layer are at -1 or 1, and the loss stays
# at 1; with scaled inputs they are spread, and it falls](pictures/10_saturated.svg)
#
# ## Exploding gradients
#
# On its way back, the gradient is multiplied by a layer's weights, once for each layer. Factors of
# 2 in eight layers are 256. A huge gradient makes a huge step, after which the loss is larger and
# the next gradient is larger still: after a few steps the loss is `inf`, then `nan`.
#
# *How to detect it*: for each layer the norm of its gradients, the root of the sum of their
# squares. *How to repair it*: weights drawn with the standard deviation `1 / sqrt(nin)`. A sum of
# `nin` products is then about as large as one input, however many inputs there are. Another remedy
# is clipping: if the norm of **all** gradients together is larger than some limit, all are
# multiplied by the same number, so that their norm becomes the limit. The direction of the step
# stays the same, and its length is bounded.
#
# ![With weights between -1 and 1 gradients are more than a thousand times as large as with scaled
# weights, and the loss is infinite after three steps; clipped, it falls, and with scaled weights it
# falls further](pictures/10_exploding.svg)
#
# ## Wrong learning rates
#
# If the learning rate is too small, training takes for ever. If it is too large, the steps jump
# over the valley. The good rates in between span a factor of about ten, and no formula says where
# they are. So try several rates for a few steps each, and make each of them three or ten times the
# one before.
#
# *How to detect it*: the losses of a few short runs. *How to repair it*: taking the rate whose last
# loss is the smallest, and not the one that was best somewhere on its way to `nan`.
#
# ![Losses of seven learning rates: the small ones crawl, the large ones jump, and one in the middle
# is best](pictures/10_rates.svg)
#
# ## What to do
#
# `hidden_outputs` is there already. It gives a model's outputs at one point: for each hidden layer
# (all but the last) a list of numbers, one for each neuron. Write:
#
# | function | result |
# |---|---|
# | `dead_relus(model, points)` | the share of hidden neurons whose output is 0 at every point |
# | `saturated(model, points, limit=0.99)` | the share of hidden outputs, over all points, above `limit` or below `-limit` |
# | `gradient_norms(model)` | for each layer, also the last, the norm of its parameters' `grad`; a list |
# | `clip_gradients(params, largest)` | the norm of all `grad`; if it is larger than `largest`, all `grad` are scaled down to it |
# | `initial_weight(rng, nin, nout)` | a number drawn from `rng`: mean 0, standard deviation `1 / sqrt(nin)` |
# | `best_learning_rate(losses)` | the rate whose **last** loss is smallest; `nan` does not count |
#
# Both shares are numbers from 0 to 1, over all hidden layers together. `losses` is a dict: for each
# rate, the list of its losses. `rng` is a `random.Random`, and `rng.gauss(mean, deviation)` draws a
# number. `nout` is not needed, but chainrule's networks pass it. They take your function as it is:
# `MLP(2, [8, 1], init=initial_weight)`.

# %% tags=["work"]
import math


def hidden_outputs(model, point):
    """The outputs of the hidden neurons at one point: for each hidden layer a list of numbers"""
    outputs, values = [], point
    for layer in model.layers[:-1]:
        values = layer(values)
        values = values if isinstance(values, list) else [values]  # a layer of one neuron
        outputs.append([value.data for value in values])
    return outputs


def dead_relus(model, points):
    """The share of the hidden neurons that are 0 at every point"""
    # <<< put the outputs at each point in one row; a dead neuron is a column of zeros
    rows = []
    for point in points:
        rows.append([output for layer in hidden_outputs(model, point) for output in layer])
    neurons = list(zip(*rows, strict=True))  # for each neuron, its outputs at all points
    return sum(all(output == 0 for output in neuron) for neuron in neurons) / len(neurons)
    # >>>


def saturated(model, points, limit=0.99):
    """The share of the hidden outputs that are near -1 or 1"""
    # <<< of all outputs of hidden neurons at all points, the share with an absolute value over limit
    outputs = [y for point in points for layer in hidden_outputs(model, point) for y in layer]
    return sum(abs(y) > limit for y in outputs) / len(outputs)
    # >>>


def gradient_norms(model):
    """For each layer the norm of the gradients of its parameters"""
    # <<< for each of model.layers, the root of the sum of the squared grad of its parameters()
    return [math.sqrt(sum(p.grad * p.grad for p in layer.parameters())) for layer in model.layers]
    # >>>


def clip_gradients(params, largest):
    """Scale all gradients down such that their norm is at most `largest`; return what it was"""
    # <<< one norm for all; if it is over largest, scale each grad by largest / norm; return it
    norm = math.sqrt(sum(p.grad * p.grad for p in params))
    if norm > largest:
        for p in params:
            p.grad *= largest / norm  # the same factor for all: the direction stays
    return norm
    # >>>


def initial_weight(rng, nin, nout):
    """A random weight for a neuron with `nin` inputs"""
    # <<< return a number drawn from rng with mean 0 and standard deviation 1 / sqrt(nin)
    return rng.gauss(0, 1 / math.sqrt(nin))
    # >>>


def best_learning_rate(losses):
    """The learning rate whose last loss is the smallest number"""
    # <<< of the rates whose last loss is not nan, return the one with the smallest last loss
    # Every comparison with nan is False, so min() could return a nan that it met first.
    numbers = {rate: column[-1] for rate, column in losses.items() if not math.isnan(column[-1])}
    return min(numbers, key=numbers.get)
    # >>>


# %% [markdown]
# ## Try it
#
# This cell has forty points of the two moons, and a training loop that measures something in every
# tenth step.

# %% tags=["try"]
import random

from chainrule import MLP
from chainrule.data import moons

data = moons(40, noise=0.1, seed=1)
points, targets = data.inputs, [2 * target - 1 for target in data.targets]


def short(numbers):
    return ", ".join(f"{number:.3g}" for number in numbers)


def loss_of(model, inputs):
    return sum((model(x) - y) ** 2 for x, y in zip(inputs, targets, strict=True)) / len(inputs)


def train(model, inputs, rate, steps=40, clip=None, look=None):
    losses = []
    for step in range(steps):
        loss = loss_of(model, inputs)
        loss.backward()
        losses.append(loss.data)
        if look and step % 10 == 0:
            share = f"{look.__name__} {look(model, inputs):.0%}"
            print(f"  step {step:2}: loss {loss.data:9.3g}, {share}")
        if clip:
            clip_gradients(model.parameters(), clip)
        for p in model.parameters():
            p.data -= rate * p.grad
    return losses


# %% [markdown]
# **Dead relus.** When all neurons of a layer are dead, the network gives the same number for all
# points, and the loss is 1. The second run begins with the same weights and makes smaller steps.

# %% tags=["try"]
for rate in (0.5, 0.1):
    print(f"learning rate {rate}")
    train(MLP(2, [8, 8, 1], rng=random.Random(3)), points, rate, look=dead_relus)

# %% [markdown]
# **Saturation.** The same points in other units, around 170 and 70. The first layer is saturated
# throughout, which is 50%: 8 of the 16 hidden outputs at each point. Its gradients are 0: only the
# later layers learn, and they get the same input for every point. In the second run the inputs are
# scaled.

# %% tags=["try"]
from chainrule.data import standardization

raw = [[170 + 10 * x, 70 + 10 * y] for x, y in points]
for told, inputs in (("raw", raw), ("scaled", standardization(raw).apply(raw))):
    model = MLP(2, [8, 8, 1], activation="tanh", init=initial_weight, rng=random.Random(2))
    loss_of(model, inputs).backward()
    print(f"{told} inputs, gradient norms by layer:", short(gradient_norms(model)))
    train(model, inputs, 0.1, look=saturated)

# %% [markdown]
# **Exploding gradients.** Eight layers, with weights between -1 and 1. What happens without
# clipping, with it, and with your weights?


# %% tags=["try"]
def deep(**options):
    return MLP(2, [16] * 7 + [1], rng=random.Random(0), **options)


for told, model in (("uniform weights", deep()), ("initial_weight ", deep(init=initial_weight))):
    loss_of(model, points).backward()
    print(told, "norms by layer:", short(gradient_norms(model)))

print("plain  ", short(train(deep(), points, 0.01, steps=5)))
print("clipped", short(train(deep(), points, 0.1, steps=24, clip=1.0)[::6]))
print("yours  ", short(train(deep(init=initial_weight), points, 0.05, steps=24)[::6]))

# %% [markdown]
# **Learning rates.** This makes a short run with each rate, and your function chooses one.

# %% tags=["try"]
losses = {}
for rate in (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0):
    model = MLP(2, [8, 1], activation="tanh", init=initial_weight, rng=random.Random(0))
    losses[rate] = train(model, points, rate, steps=30)
    print(f"rate {rate:<6} last loss {losses[rate][-1]:.3g}")
print("the best is", best_learning_rate(losses))

# %% [markdown] tags=["hint"]
# Say in words what is counted, and out of how many. Dead: count *neurons* that are 0 at *all*
# points. Saturated: count *outputs*, of every neuron at every point. For the gradients:
# `model.layers` are the layers, and each has `parameters()`.

# %% [markdown] tags=["hint"]
# - `dead_relus`: `[output for layer in hidden_outputs(model, point) for output in layer]` is one
#   row with all hidden neurons. With a row for each point, `zip(*rows)` goes through the columns,
#   and a column is a neuron.
# - `clip_gradients`: first the norm of all, in a loop of its own; only then, if it is too large,
#   change the gradients.
# - `best_learning_rate`: `nan < 1` is False, and so is `nan > 1`. Ask `math.isnan(...)` before you
#   compare.

# %% [markdown] tags=["hint"]
# ```python
# def dead_relus(model, points):
#     rows = [
#         [output for layer in hidden_outputs(model, point) for output in layer]
#         for point in points
#     ]
#     neurons = list(zip(*rows))
#     return sum(all(... for output in neuron) for neuron in neurons) / ...
#
# def clip_gradients(params, largest):
#     norm = math.sqrt(sum(... for p in params))
#     if norm > largest:
#         for p in params:
#             p.grad *= ...
#     return norm
#
# def initial_weight(rng, nin, nout):
#     return rng.gauss(0, ...)
# ```

# %% [markdown] tags=["question"]
# The standard deviation `1 / sqrt(nin)` keeps the size of the numbers from layer to layer, if there
# is no activation between the layers. With relu, they still shrink: which factor makes up for it?
#
# <details><summary>An answer</summary>
#
# A sum of `nin` products, of inputs with mean square `q` and weights with variance `1 / nin`, has
# the variance `nin * q * (1 / nin) = q`. But relu then sets the negative half of the sums to 0, and
# the mean square of what is left is `q / 2`. So each layer halves it, and eight layers divide it
# by 256. If the weights have the variance `2 / nin`, and so the standard deviation `sqrt(2 / nin)`,
# they give the factor 2 back. That is what `init="he"` does, after He, Zhang, Ren and Sun,
# [arXiv:1502.01852](https://arxiv.org/abs/1502.01852). `init="xavier"` also considers the way back,
# where gradients are sums over `nout` neurons.
#
# </details>

# %% [markdown] tags=["question"]
# Clipping let the deep network train with its bad weights. Why not always clip, and draw weights as
# you like?
#
# <details><summary>An answer</summary>
#
# Where clipping acts in every step, all steps are equally long: only the direction is left of the
# gradient, and the learning rate alone decides how far to go, near the goal as well as far from it.
# That is why the dashed line in the picture goes up and down at the end. And clipping limits the
# effect, not the cause: the outputs of such a network are as wild as before, and a small change of
# one weight still changes all of them. Clipping is good against the rare large gradient in a
# network that is otherwise healthy. If it acts all the time, look at the weights, the inputs and
# the learning rate.
#
# </details>
