# %% [markdown]
# # Exercise 3 · The computation graph
#
# After `L = a * b + c`, your Value L knows that it is 4, and nothing else. The product in the
# middle is not even an object that you have a name for. But how L moves when a is nudged depends on
# the steps from a to L, so something has to remember these steps.
#
# Now your Values begin to take notes. Each result keeps three things: the Values that it was made
# from, its *parents*; how it was made from them, the *operation*; and a *label*, if you gave it a
# name, so that you can find it in a picture. That is enough: from the last result you can go to its
# parents, to their parents, and so on, back to the numbers that everything started with.
#
# ## The mathematics
#
# Values and their parents form a *graph*: dots, and arrows from one dot to another. These are the
# terms for its parts, which will come up again:
#
# | name | what it is | in `L = a * b + c` |
# |---|---|---|
# | leaf | a Value without parents: it was given, not made | a, b, c |
# | node | any Value in the graph | a, b, c, the product, L |
# | result, root | the node at which you start when you go back | L |
#
# A result is always made after its parents. So the graph has no cycles: if you follow the arrows,
# you never come back to where you started. A Value that is used twice is one node with two arrows
# going out of it, not two nodes.
#
# ![The graph of L = a * b + c, with a = 2, b = -3, c = 10](pictures/03_graph.svg)
#
# The arrows in this picture follow the calculation, from left to right. The references in your
# objects point the other way: L knows the Values that it was made from, while a does not know that
# it was used.
#
# ![The same as objects: through its parents, L leads back to a, b and c](pictures/03_parents.svg)
#
# ## What to do
#
# The cell below begins with your own code from exercise 2. Change three methods:
#
# 1. `__init__(self, data, parents=(), operation="", label="")` takes three more arguments; change
#    its first line to this. Keep them in `self.parents`, `self.operation` and `self.label`. A Value
#    that is given, such as `Value(2.0)` or `Value(2.0, label="a")`, has no parents, and `""` as its
#    operation, and as its label if none is given.
# 2. `__add__` gives its result both operands as parents, and the operation `"+"`.
# 3. `__mul__` does the same with `"*"`.
#
# The parents are the operands themselves, not copies of them and not their numbers. In `a + 1`, the
# second parent is the Value that was made from 1. They may be kept in a tuple, a list or a set.
# The reflected forms need no change if they go through `self + other` and `self * other`.

# %% tags=["work", "from-2"]
class Value:
    """A number that remembers how it was made."""

    def __init__(self, data, parents=(), operation="", label=""):
        # <<< also take parents=(), operation='' and label='', and keep them
        self.data = float(data)
        self.grad = 0.0
        # The Values that this one was made from; none, if it was given.
        self.parents = tuple(parents)
        self.operation = operation
        self.label = label
        # >>>

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        """self + other"""
        # <<< give the new Value its parents, self and other, and its operation, '+'
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), "+")
        # >>>

    def __mul__(self, other):
        """self * other"""
        # <<< give the new Value its parents, self and other, and its operation, '*'
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), "*")
        # >>>

    def __radd__(self, other):
        """other + self, where other is a plain number"""
        return self + other

    def __rmul__(self, other):
        """other * self, where other is a plain number"""
        return self * other


# %% [markdown]
# ## Try it
#
# First go back by hand, one step at a time. Then see the whole graph, drawn from your own objects.

# %% tags=["try"]
from chainrule.course import draw, dump_graph, show

a = Value(2.0, label="a")
b = Value(-3.0, label="b")
c = Value(10.0, label="c")
L = a * b + c
L.label = "L"

print("L was made by", L.operation, "from", L.parents)
for parent in L.parents:
    print(" ", parent, "was made by", parent.operation or "nobody", "from", parent.parents)

show(draw(L), "03_graph")

# %% [markdown]
# The next cell prints a graph as text, for a formula that uses `s` twice: `s` is one node, and it
# is written once. Change the formula, guess what the graph will look like, and look.

# %% tags=["try"]
s = a + b
s.label = "s"
twice = s * s + 2 * s
dump_graph(twice)
show(draw(twice), "03_twice")

# %% [markdown] tags=["hint"]
# Begin with `__init__`: give it the three new arguments with their defaults, and keep each in
# `self`. After that, `Value(2.0)` must work as it did before. Then turn to `__add__`: which Values
# are the parents of the new one? Both have names there.

# %% [markdown] tags=["hint"]
# The new arguments come after the data, so a call may look like `Value(5.0, (a, b), "+")`. The
# parents are **one** argument, a tuple: both Values in parentheses, with a comma between. The
# second parent is `other` after it has been turned into a Value, not the plain number.

# %% [markdown] tags=["hint"]
# ```python
# def __init__(self, data, parents=(), operation="", label=""):
#     self.data = float(data)
#     self.grad = 0.0
#     self.parents = tuple(parents)
#     ...                            # and the other two
#
# def __add__(self, other):
#     other = other if isinstance(other, Value) else Value(other)
#     return Value(self.data + other.data, (self, ...), ...)
# ```

# %% [markdown] tags=["question"]
# Someone keeps the parents in a set. What is `a + a` then, and for which operation would a set be a
# mistake?
#
# <details><summary>An answer</summary>
#
# The set holds a once, so `a + a` seems to have one parent. A program that draws the graph can tell
# from the operation that both operands were the same, since a sum needs two. But a set has no order
# either. For + and * that does no harm; 2 - 3 and 3 - 2 differ, and so a graph with subtractions,
# quotients or powers cannot be read from sets alone. A tuple keeps both the number of operands and
# their order, and costs nothing more.
#
# </details>

# %% [markdown] tags=["question"]
# A loop does `total = total + x` a million times, with Values. Only `total` has a name in the end.
# How many Values are in memory?
#
# <details><summary>An answer</summary>
#
# All of them: `total` refers to its parents, which are the total before it and x; that total refers
# to its own parents, and so on down to the first. Python frees an object when nothing refers to it
# any more, and here a chain of references leads from `total` to each of them. That is the price of
# the notes, and real libraries pay it too: during training, most of the memory holds intermediate
# results that the way back will need. When `total` is deleted, all of them can be freed.
#
# </details>
