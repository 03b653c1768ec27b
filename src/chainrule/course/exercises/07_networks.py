# %% [markdown]
# # Exercise 7 · Layers and networks
#
# A single neuron can only draw a straight line. Take four points, with the target 1 where the two
# inputs have the same sign, and -1 where the signs differ. No straight line separates the two
# kinds, so no single neuron can learn this, however long it is trained. Two neurons draw two lines,
# and a third one that looks at their outputs instead of the inputs can combine them. That is a
# network.
#
# ## The formula
#
# A *layer* is a list of neurons side by side. All of them get the same inputs, and each has weights
# of its own. Its output is a list, one number for each neuron. A *network* is a list of layers, one
# after another: the outputs of one are the inputs of the next.
#
#     h = layer0(x)        # a list, one Value for each neuron of layer0
#     g = layer1(h)        # its neurons take as many inputs as layer0 has neurons
#     out = layer2(g)
#
# Such a network is called a *multi-layer perceptron*, MLP for short. A list of numbers describes
# its shape. `MLP(2, [3, 4, 1])` takes 2 inputs and has layers of 3, 4 and 1 neurons:
#
# | layer | inputs of each neuron | neurons | parameters |
# |---|---|---|---|
# | 0 | 2 | 3 | 3 · (2 + 1) = 9 |
# | 1 | 3 | 4 | 4 · (3 + 1) = 16 |
# | 2 | 4 | 1 | 1 · (4 + 1) = 5 |
#
# ![A network of two inputs and layers of 3, 4 and 1 neurons](pictures/07_networks.svg)
#
# The last layer has no activation. A tanh there would keep every output between -1 and 1, a relu
# would keep it from being negative, and the network should be able to give any number.
#
# ## What to do
#
# Write two more Modules. Your `Module` and `Neuron` are there already.
#
# `Layer(inputs, outputs, activation="tanh", rng=random)`:
#
# - `layer.neurons` is a list of `outputs` neurons. Each takes `inputs` inputs, and gets the
#   activation and the rng of the layer.
# - `layer(x)` is a list with the output of each neuron. It is always a list, even if there is only
#   one neuron.
# - `layer.parameters()` is one flat list of the parameters of all its neurons.
#
# `MLP(inputs, sizes, activation="tanh", rng=random)`:
#
# - `model.layers` is a list of Layers, one for each number in `sizes`, which says how many neurons
#   it has. The last of them is `"linear"`, the others have the activation that is given.
# - `model(x)` sends `x` through all layers, and gives what comes out of the last: a list, or, if
#   the last layer is a single neuron, its Value itself.
# - `model.parameters()` is one flat list of the parameters of all its layers.

# %% tags=["given", "from-5"]

# %% tags=["work", "from-6"]
import random


class Module:
    """Something with parameters: a neuron, a layer, a network."""

    def parameters(self):
        """All Values that training may change. A subclass says which they are."""
        return []

    def zero_grad(self):
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0


class Neuron(Module):
    """A weighted sum of its inputs and a bias, then an activation."""

    def __init__(self, inputs, activation="tanh", rng=random):
        self.w = [Value(rng.uniform(-1, 1)) for _ in range(inputs)]
        self.b = Value(0.0)
        self.activation = activation

    def __call__(self, x):
        """The neuron's output for a list of inputs, numbers or Values"""
        total = self.b
        for weight, number in zip(self.w, x, strict=True):
            total = total + weight * number
        if self.activation == "tanh":
            return total.tanh()
        if self.activation == "relu":
            return total.relu()
        return total

    def parameters(self):
        """The weights and the bias"""
        return [*self.w, self.b]


class Layer(Module):
    """Neurons side by side, which share their inputs."""

    def __init__(self, inputs, outputs, activation="tanh", rng=random):
        # <<< set self.neurons to a list of as many neurons as there are outputs
        # A new neuron for each output; one and the same rng for all, so that each draws other numbers.
        self.neurons = [Neuron(inputs, activation, rng) for _ in range(outputs)]
        # >>>

    def __call__(self, x):
        """A list of the neurons' outputs"""
        # <<< return a list with the output of each neuron for x
        return [neuron(x) for neuron in self.neurons]
        # >>>

    def parameters(self):
        """The parameters of all neurons"""
        # <<< return one flat list of the parameters of all neurons
        # Two loops in one comprehension: for each neuron, and in it for each of its parameters.
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]
        # >>>


class MLP(Module):
    """A multi-layer perceptron: layers one after another, the last of them linear."""

    def __init__(self, inputs, sizes, activation="tanh", rng=random):
        # <<< set self.layers to a list of Layers that fit together, the last of them linear
        self.layers = []
        for number, size in enumerate(sizes):
            is_last = number == len(sizes) - 1
            self.layers.append(Layer(inputs, size, "linear" if is_last else activation, rng))
            # What this layer gives is what the next one takes.
            inputs = size
        # >>>

    def __call__(self, x):
        """The outputs of the last layer; if that is a single neuron, its output itself"""
        # <<< send x through all layers; a last list of one is opened
        for layer in self.layers:
            x = layer(x)
        # A loss is easier to write for a Value than for a list of one.
        return x[0] if len(x) == 1 else x
        # >>>

    def parameters(self):
        """The parameters of all layers"""
        # <<< return one flat list of the parameters of all layers
        return [parameter for layer in self.layers for parameter in layer.parameters()]
        # >>>


# %% [markdown]
# ## Try it
#
# This is the network of the picture. How many parameters does it have, and what is its output?

# %% tags=["try"]
model = MLP(2, [3, 4, 1], rng=random.Random(7))
print(len(model.parameters()), "parameters")
out = model([1.0, -2.0])
print(out)

out.backward()
for number, layer in enumerate(model.layers):
    largest = max(abs(p.grad) for p in layer.parameters())
    print(f"layer {number}: {len(layer.parameters()):2} parameters, the largest gradient {largest:.4f}")

# %% [markdown]
# This cell draws the graph of a very small network. Find the two neurons of the first layer, and
# the place where their outputs meet.

# %% tags=["try"]
from chainrule.course import draw, show

tiny = MLP(1, [2, 1], rng=random.Random(1))
for name, neuron in zip("abc", [*tiny.layers[0].neurons, *tiny.layers[1].neurons], strict=True):
    neuron.b.label = f"{name}.b"
    for number, weight in enumerate(neuron.w):
        weight.label = f"{name}.w{number}"

out = tiny([2.0])
out.label = "out"
out.backward()
show(draw(out), "07_networks_graph")

# %% [markdown]
# Three neurons can do what a single one cannot. With these weights, which are set by hand, the
# network gives 1 where the signs are the same, and -1 where they differ. The first says whether
# both inputs are positive, the second whether both are negative, and the third whether one of the
# two said yes.

# %% tags=["try"]
same_sign = MLP(2, [2, 1])
both_positive, both_negative = same_sign.layers[0].neurons
one_of_them = same_sign.layers[1].neurons[0]
for neuron, weights, bias in (
    (both_positive, [5, 5], -5),
    (both_negative, [-5, -5], -5),
    (one_of_them, [1, 1], 1),
):
    neuron.b.data = bias
    for weight, number in zip(neuron.w, weights, strict=True):
        weight.data = number
for x in ([1, 1], [1, -1], [-1, 1], [-1, -1]):
    print(x, round(same_sign(x).data, 3))

# %% [markdown] tags=["hint"]
# Each of the three methods of a layer goes through its neurons: to make them, to call them, or to
# collect their parameters. The methods of a network go through its layers in the same way, with one
# difference: a layer's outputs are the inputs of the next layer.

# %% [markdown] tags=["hint"]
# Layer number `i` of the network takes `[inputs, *sizes][i]` inputs and has `sizes[i]` neurons. In
# the call, give the same name to what goes into a layer and what comes out: `x = layer(x)`. For a
# flat list of parameters, begin with an empty one and add to it with `+=` or `extend`; `append`
# would put a list into the list.

# %% [markdown] tags=["hint"]
# ```python
# # Layer
# self.neurons = [Neuron(inputs, activation, rng) for _ in range(outputs)]
# return [neuron(x) for neuron in self.neurons]
# return [parameter for neuron in self.neurons for parameter in neuron.parameters()]
#
# # MLP
# self.layers = []
# for number, size in enumerate(sizes):
#     is_last = number == len(sizes) - 1
#     self.layers.append(Layer(inputs, size, ..., rng))    # "linear", or the activation
#     inputs = ...                                         # what the next layer takes
# ```

# %% [markdown] tags=["question"]
# How many parameters does `MLP(784, [100, 10])` have, a network for pictures of 28 by 28 pixels?
# Where are most of them?
#
# <details><summary>An answer</summary>
#
# The first layer has 100 · (784 + 1) = 78,500, the second 10 · (100 + 1) = 1,010: together 79,510.
# Nearly all are weights between a pixel and a neuron of the first layer. The number of weights is
# the product of the widths of two neighbouring layers, so a wide layer is expensive, and two wide
# ones next to each other are the most expensive of all.
#
# </details>

# %% [markdown] tags=["question"]
# In a `Layer`, swap two neurons with all their weights, and in the layer after it, swap the two
# weights of each neuron that belong to them. What does the network compute now? What does that say
# about the best network for a task?
#
# <details><summary>An answer</summary>
#
# The same as before: the sum in each neuron of the next layer has the same terms in another order.
# So a network has many twins with other parameters and the same outputs; with 8 neurons in a layer
# there are 8! = 40,320 of them. There is no single best set of parameters that training would have
# to find. Many are equally good, and the starting point decides which of them training finds.
#
# </details>
