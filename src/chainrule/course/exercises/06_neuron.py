# %% [markdown]
# # Exercise 6 · A neuron
#
# So far you chose every number in a formula yourself. Now you leave some of them open: the formula
# has numbers that can be turned, like the knobs of a radio, and the gradient says which way to turn
# each of them. Such numbers are called *parameters*, and a neuron is the smallest useful formula
# that has them. Networks, small and huge, are this one formula many times over.
#
# ## The formula
#
# A neuron multiplies each input by a *weight*, adds the products and a *bias*, and applies an
# *activation* to the sum, a function that bends it:
#
#     out = activation(w[0] * x[0] + w[1] * x[1] + ... + b)
#
# | activation | what comes out | what it is good for |
# |---|---|---|
# | `"tanh"` | from -1 to 1; steep around 0 | a soft yes or no |
# | `"relu"` | the sum where it is positive, else 0 | cheap, and its slope stays 1 however large the sum is |
# | `"linear"` | the sum itself | results that may be any number |
#
# The size of a weight says how strongly an input counts, and its sign says in which direction. The
# bias shifts the point at which the neuron says yes. With two inputs,
# `w[0] * x[0] + w[1] * x[1] + b = 0` is a straight line in the plane: on one side the sum is
# positive, on the other negative. That is all a single neuron can do, and there is a neuron for
# every line.
#
# ![A neuron with two inputs, in numbers, and the three activations](pictures/06_neuron.svg)
#
# Why do the weights begin at random? Two neurons with the same weights give the same output and get
# the same gradients, so they stay the same for ever, and one of them is useless. Random numbers
# make them differ. The bias may begin at 0.
#
# ## What to do
#
# `Module` is the common base class of everything that has parameters. `parameters()` lists them; a
# bare Module has none, and this method is written already. Write `zero_grad()`, which sets the
# gradient of every parameter to 0 and leaves its data alone. Your `backward()` zeroes the gradients
# of the graph it goes through; `zero_grad()` also reaches the parameters that are in no graph.
#
# Then write `Neuron(inputs, activation="tanh", rng=random)`, which is a Module:
#
# - `neuron.w` is a list with a Value for each input, whose number is drawn with
#   `rng.uniform(-1, 1)`. `rng` is Python's module `random`, or a `random.Random(seed)` if the same
#   numbers are wanted again.
# - `neuron.b` is a Value of 0.
# - `neuron(x)`, which calls `__call__`, gives a Value: the result of the formula above for a list
#   `x` of plain numbers or Values. The activation is `"tanh"`, `"relu"` or `"linear"`.
# - If the number of elements in `x` is not the number of weights, the call raises a `ValueError`.
# - `neuron.parameters()` is one flat list of the weights and the bias.

# %% tags=["given", "from-5"]

# %% tags=["work"]
import random


class Module:
    """Something with parameters: a neuron, and later a layer and a network."""

    def parameters(self):
        """All Values that training may change. A subclass says which they are."""
        return []

    def zero_grad(self):
        """Set the gradient of every parameter to 0."""
        # <<< set the grad of each of self.parameters() to 0.0
        # self may be any Module: its own parameters() is called, not the one above.
        for parameter in self.parameters():
            parameter.grad = 0.0
        # >>>


class Neuron(Module):
    """A weighted sum of its inputs and a bias, then an activation."""

    def __init__(self, inputs, activation="tanh", rng=random):
        # <<< set self.w to a list of random Values, self.b to a Value of 0, and keep the activation
        # A new draw for each: [Value(...)] * inputs would be one Value, many times.
        self.w = [Value(rng.uniform(-1, 1)) for _ in range(inputs)]
        self.b = Value(0.0)
        self.activation = activation
        # >>>

    def __call__(self, x):
        """The neuron's output for a list of inputs, numbers or Values"""
        # <<< return the activation of the weighted sum and the bias; refuse an x of another length
        # The sum begins with the bias. strict=True raises the ValueError; without it, zip stops at the
        # end of the shorter list and says nothing.
        total = self.b
        for weight, number in zip(self.w, x, strict=True):
            total = total + weight * number
        if self.activation == "tanh":
            return total.tanh()
        if self.activation == "relu":
            return total.relu()
        return total
        # >>>

    def parameters(self):
        """The weights and the bias"""
        # <<< return one flat list of the weights and the bias
        # A new list: self.w.append(self.b) would make a weight of the bias.
        return [*self.w, self.b]
        # >>>


# %% [markdown]
# ## Try it
#
# This cell makes a neuron, and shows its output for two inputs and the graph behind it. Which of
# the gradients can you tell from the inputs at a glance?

# %% tags=["try"]
from chainrule.course import draw, show

neuron = Neuron(2, rng=random.Random(4))
neuron.w[0].label, neuron.w[1].label, neuron.b.label = "w0", "w1", "b"

out = neuron([2.0, -1.0])
out.label = "out"
out.backward()
for p in neuron.parameters():
    print(f"{p.label:3} data {p.data:8.4f}   grad {p.grad:8.4f}")
show(draw(out), "06_neuron_graph")

# %% [markdown]
# If you turn every knob a little in the direction of its gradient, the output grows. If you turn it
# the other way, as here, the output falls.

# %% tags=["try"]
for step in range(6):
    out = neuron([2.0, -1.0])
    print(f"step {step}: out = {out.data:.4f}")
    out.backward()
    for p in neuron.parameters():
        p.data -= 0.2 * p.grad

# %% [markdown]
# This shows the output of a neuron with two inputs at every point of the plane: `+` for a positive
# output, `-` for a negative one. Change the weights and the bias, and see how the line between them
# turns and shifts.

# %% tags=["try"]
neuron.w[0].data, neuron.w[1].data, neuron.b.data = 1.0, 2.0, 0.5
for row in range(8, -9, -2):
    print(" ".join("+" if neuron([column / 4, row / 4]).data > 0 else "-" for column in range(-8, 9)))

# %% [markdown] tags=["hint"]
# `zip(self.w, x)` gives the pairs of weight and input. A sum of Values can begin with any Value;
# which one must be in this sum anyway? What would `zip` do if `x` were too long?

# %% [markdown] tags=["hint"]
# Keep the sum in a variable that begins as `self.b`, and add `weight * number` for each pair of
# `zip(self.w, x, strict=True)`; with `strict=True`, it raises a `ValueError` if the lists have
# different lengths. The activation comes after the sum: one of the methods `tanh` and `relu` that
# you wrote in exercise 5, or none.

# %% [markdown] tags=["hint"]
# ```python
# self.w = [Value(rng.uniform(-1, 1)) for _ in range(inputs)]
#
# def __call__(self, x):
#     total = self.b
#     for weight, number in zip(self.w, x, strict=True):
#         total = ...                    # one product more
#     if self.activation == "tanh":
#         return total.tanh()
#     ...                                # and the same for "relu"; "linear" returns the sum
#
# def parameters(self):
#     return [*self.w, ...]              # a star takes the weights out of their list
# ```

# %% [markdown] tags=["question"]
# Without an activation, could several neurons in a row do more than a single one?
#
# <details><summary>An answer</summary>
#
# No. Put the sum `3 * x + 1` into another linear neuron, `2 * h - 5`, and you get `6 * x - 3`: a
# weighted sum and a bias again. However many linear neurons you chain, one linear neuron does the
# same. Only the bend of an activation between them makes the chain worth more than its links.
#
# </details>

# %% [markdown] tags=["question"]
# A neuron with tanh gets the inputs `[100.0, 80.0]`, and its weights are around 1. What is its
# output, and what are the gradients of its weights? What would you do about it?
#
# <details><summary>An answer</summary>
#
# The sum is far from 0, and the output is 1 or -1 to many digits. There the tanh is flat: its slope
# `1 - out**2` is 0 or nearly so, and every gradient is multiplied by it. The neuron is *saturated*;
# a step along such gradients changes nothing. The remedy is to make the inputs smaller, by dividing
# them by their standard deviation, or to start with smaller weights; the more inputs there are, the
# smaller they should be. Exercise 10 shows this failure and others at work.
#
# </details>
