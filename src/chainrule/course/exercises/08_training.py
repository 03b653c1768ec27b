# %% [markdown]
# # Exercise 8 · Training
#
# You have a network with random parameters, whose outputs mean nothing yet, and a `backward()` that
# says for every parameter in which direction a result would grow. What is missing is a result that
# should be small, and a loop. At the end of this exercise, your network has learnt to tell two
# kinds of points apart, and every line of code that it took is yours.
#
# ## The formula
#
# A *loss* says in one number how wrong the network is. For each point, take the network's output
# (the *prediction*) minus the output that it should have (the *target*), and square the difference,
# so that too much and too little are both bad, and a large error counts much more than a small one.
# The loss is the mean over all points:
#
#     loss = mean of (prediction - target)²
#
# The gradient of the loss points to where it grows fastest. *Gradient descent* goes the other way,
# a little at a time:
#
#     p.data  becomes  p.data - learning_rate * p.grad        for every parameter p
#
# The *learning rate* says how far to go. After each step all gradients are different, so everything
# is computed again.
#
# Here is the smallest possible training: a single linear neuron, `w * x + b`, and a single point,
# `x = 2` with the target 0. It begins at `w = 1` and `b = 0`, and the learning rate is 0.05. The
# gradients are `2 * (prediction - target) * x` for `w`, and the same without `x` for `b`.
#
# | step | prediction | loss | gradient of w | gradient of b | w after it | b after it |
# |---|---|---|---|---|---|---|
# | 1 | 2 | 4 | 8 | 4 | 0.6 | -0.2 |
# | 2 | 1 | 1 | 4 | 2 | 0.4 | -0.3 |
# | 3 | 0.5 | 0.25 | 2 | 1 | 0.3 | -0.35 |
#
# With more points, the loss over `w` and `b` is a valley, and the steps walk down into it. The
# picture shows this valley for three points as a map: on each ring the loss is the same, and the
# cross is the lowest point. From the black dot, twelve steps were made. How far they get depends on
# the learning rate:
#
# ![The same descent with three learning rates: too small, good, and too large](pictures/08_training.svg)
#
# ## What to do
#
# Write two functions. A model is anything that is called with a point and gives one Value, and that
# has `parameters()`.
#
# - `loss_of(model, points, targets)` is a Value: the mean of `(model(point) - target) ** 2` over
#   all points.
# - `train(model, points, targets, steps, learning_rate)` makes `steps` steps of gradient descent.
#   In each step, compute the loss of all points, call its `backward()`, and move the data of every
#   parameter. It changes the model that it is given, and returns a list of the losses, as plain
#   numbers: one for each step, computed before the parameters move.
#
# Your `backward()` begins by setting the gradients to zero. In libraries where `backward()` adds to
# the gradients that are there, such as PyTorch, the loop has one more line: `model.zero_grad()`,
# before `backward()`. Here you can leave it out.

# %% tags=["given", "from-5"]

# %% tags=["given", "from-7"]


# %% tags=["work"]
def loss_of(model, points, targets):
    """How wrong a model is: the mean squared error, a Value"""
    # <<< return the mean of the squared differences between predictions and targets
    # A Value from end to end: from this one number, backward() reaches every parameter.
    errors = [(model(point) - target) ** 2 for point, target in zip(points, targets, strict=True)]
    return sum(errors) / len(errors)
    # >>>


def train(model, points, targets, steps, learning_rate):
    """Gradient descent: the loss at each step"""
    # <<< in each step, compute the loss and its gradients, and move each parameter's data
    losses = []
    for _ in range(steps):
        # A new graph at each step, with the parameters as they are now.
        loss = loss_of(model, points, targets)
        loss.backward()
        for parameter in model.parameters():
            # The Value stays, and its number changes. The minus is what makes it a descent.
            parameter.data -= learning_rate * parameter.grad
        losses.append(loss.data)
    return losses
    # >>>


# %% [markdown]
# ## Try it
#
# The first cell trains on the four points of exercise 7: the target is 1 where the signs are the
# same, and -1 where they differ. There you set the weights by hand; now the network finds its own.
# The loss should go from about 1 to nearly 0.

# %% tags=["try"]
points = [[1, 1], [1, -1], [-1, 1], [-1, -1]]
targets = [1, -1, -1, 1]

model = MLP(2, [4, 1], rng=random.Random(1))
losses = train(model, points, targets, steps=100, learning_rate=0.1)
for step in (0, 10, 20, 40, 99):
    print(f"step {step:2}: loss {losses[step]:.6f}")
for point, target in zip(points, targets, strict=True):
    print(point, "should be", target, "and is", round(model(point).data, 3))

# %% [markdown]
# What do 0.01, 0.5 and 1.0 in place of 0.1 do? Make a new model each time; otherwise you continue
# with the trained one.
#
# The next data are two half moons, one inside the other: 30 points with targets 1 and -1. A point
# counts as right if the sign of the output is right. Your own Values need a second or two for this.
# With a million parameters a single step would take them minutes; exercise 11 is about that.

# %% tags=["try"]
from chainrule.data import moons

data = moons(30, noise=0.1, seed=1)
points, targets = data.inputs, [2 * kind - 1 for kind in data.targets]

model = MLP(2, [6, 1], rng=random.Random(3))
losses = train(model, points, targets, steps=120, learning_rate=0.25)
right = 0
for point, target in zip(points, targets, strict=True):
    if (model(point).data > 0) == (target > 0):
        right += 1
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}, {right} of {len(points)} right")

# %% [markdown]
# The next two cells draw the loss at each step, and the network's output at every point of the
# plane. The line is where its output is 0.

# %% tags=["try"]
from chainrule.course import show
from chainrule.plots import plot_loss

show(plot_loss(losses, title="moons"), "08_my_loss")

# %% tags=["try"]
from chainrule.plots import plot_decision_boundary

picture = plot_decision_boundary(lambda point: model(point).data, points, targets, title="moons")
show(picture, "08_my_moons")

# %% [markdown]
# This is how the line comes about: before the first step, after 30, and after 120.
#
# ![The line between the two moons before training, after 30 steps, and after 120](pictures/08_training_moons.svg)

# %% [markdown] tags=["hint"]
# The loss is a formula over Values like any other, only a long one: a sum over all points, divided
# by how many there are. What has to happen again in each step of the loop, and what only once,
# before the loop?

# %% [markdown] tags=["hint"]
# In each step: `loss = loss_of(model, points, targets)`, then `loss.backward()`, then move the
# parameters, then `losses.append(loss.data)`. To move a parameter is to change its number,
# `parameter.data`, by `learning_rate * parameter.grad`. If you write `parameter = ...`, the network
# does not notice.

# %% [markdown] tags=["hint"]
# ```python
# def loss_of(model, points, targets):
#     errors = [(model(point) - target) ** 2 for point, target in zip(points, targets)]
#     return sum(errors) / ...
#
# def train(model, points, targets, steps, learning_rate):
#     losses = []
#     for _ in range(steps):
#         loss = ...
#         loss.backward()
#         for parameter in model.parameters():
#             parameter.data -= ...
#         losses.append(loss.data)
#     return losses
# ```

# %% [markdown] tags=["question"]
# In the table above, each step halves the prediction. What happens with the learning rates 0.1, 0.2
# and 0.3? Work it out on paper, then try it.
#
# <details><summary>An answer</summary>
#
# One step changes `w` by `-learning_rate * 4 * prediction` and `b` by `-learning_rate * 2 *
# prediction`, and so the prediction `2 * w + b` by `-learning_rate * 10 * prediction`. With 0.05
# half of it is left. With 0.1 nothing is left: a single step, and the loss is 0. With 0.2 the
# prediction goes from 2 to -2 and back for ever, and the loss stays 4. With 0.3 it goes from 2 to
# -4, to 8, to -16: each step overshoots by more than it corrects, and the loss grows without end.
#
# </details>

# %% [markdown] tags=["question"]
# You put every point into the list twice. What does that change if the loss is a mean, and what if
# it is a sum?
#
# <details><summary>An answer</summary>
#
# The mean stays the same, and so do every gradient and the whole training, which is only slower.
# The sum becomes twice as large, and each gradient too; every step is twice as long, as if the
# learning rate had been doubled, and a training that went well may now overshoot. With the mean, a
# learning rate means the same for 4 points and for 4,000.
#
# </details>
