# %% [markdown]
# # Exercise 4 · Backpropagation
#
# In exercise 0 you found a slope by nudging: move `a` a little, calculate everything again, see by
# how much the result has moved. For a thousand inputs, that is a thousand calculations. Your Values
# remember how they were made, and so there is a better way: one walk through the graph, from the
# result back to the leaves, finds the slope of the result in *every* Value at once. This is
# backpropagation. All training of networks is based on it, and it takes about forty lines.
#
# After `L.backward()`, the `grad` of each Value that L was made from says by how much L grows if
# this Value grows by 1, for small changes: `a.grad` is dL/da, the *gradient* of a.
#
# ## The mathematics
#
# **One operation.** How much does a result grow with an operand? You know these slopes from school,
# and each can be calculated from the operands alone, without looking at the rest of the graph:
#
# | operation | slope in a | slope in b |
# |---|---|---|
# | `c = a + b` | 1 | 1 |
# | `c = a * b` | b | a |
#
# **One after the other: multiply.** If c grows 2 times as fast as a, and L grows 15 times as fast
# as c, then L grows 2 · 15 = 30 times as fast as a. This is the chain rule:
#
#     dL/da = dc/da · dL/dc
#
# The second factor is `c.grad`. So an operation needs to know only two things to do its part: its
# own slopes, and the gradient that has arrived at its result.
#
# **Side by side: add.** If a is used in two places, a nudge of a reaches L along two paths, and
# their effects add up:
#
#     dL/da = dc/da · dL/dc + dd/da · dL/dd        where a is used in c and in d
#
# That is why each use *adds* to `a.grad`, by `+=`, and does not set it. The same holds for `a * a`,
# where one operation uses a twice.
#
# ## A worked example
#
# Take a = 3 and b = 2, and
#
#     c = a * b        # 6
#     d = c + a        # 9
#     L = c * d        # 54
#
# Here a is used twice, in c and in d, and c is used twice, in d and in L. The picture goes backward
# through the graph. At each step one node (orange) takes the gradient that has arrived at it, and
# passes to each of its operands this gradient times the slope in that operand.
#
# ![In four steps from result to leaves, the gradients fill in](pictures/04_backpropagation.svg)
#
# Check it with school calculus: L = ab · (ab + a) = a²b² + a²b. So dL/da = 2ab² + 2ab = 24 + 12
# = 36, and dL/db = 2a²b + a² = 36 + 9 = 45. The walk through the graph found both without a formula
# for the whole.
#
# ## Whose turn is it?
#
# Look at step 1 again. After it, c has received 9. Could c pass that on at once? No: 6 more will
# arrive through d. A node's turn comes when *all* nodes that use it have had theirs. A node that
# goes too early passes on too little, and a node that goes twice passes on too much.
#
# So put the Values in a row in which each one stands after its parents. This is a *topological
# order*. Then every arrow points to the right, and walking from right to left, you meet a node only
# after everything that uses it.
#
# ![a, b, c, d, L in a row; all arrows point to the right](pictures/04_order.svg)
#
# To find such an order, visit the result. To visit a node: if it has been visited before, do
# nothing; otherwise visit its parents, and *then* append it to the list. When a node is appended,
# its parents are in the list already.
#
# | visit | what happens | the list then |
# |---|---|---|
# | L | first its parents: c, then d | |
# | L → c | first its parents: a, then b | |
# | L → c → a | has no parents: append it | a |
# | L → c → b | has no parents: append it | a, b |
# | back in c | both parents are done: append it | a, b, c |
# | L → d | first its parents: c and a; both visited before | a, b, c |
# | back in d | append it | a, b, c, d |
# | back in L | append it | a, b, c, d, L |
#
# There may be several such orders, and any will do: b, a, c, d, L is as good.
#
# ## What to do
#
# The cell below begins with your own code from exercise 3. Where something changes, a line says so.
#
# 1. Each Value gets an attribute `_backward`: a function without arguments that passes the Value's
#    gradient on to its parents. A leaf has no parents, so `__init__` sets a function that does
#    nothing: `self._backward = lambda: None`.
# 2. `__add__` and `__mul__` make their result, `out`, define an inner function `_backward` that
#    adds to `self.grad` and `other.grad` what reaches them from `out`, store it in `out._backward`,
#    and return `out`. An inner function still knows `self`, `other` and `out` when it is called
#    later.
# 3. `topological_order()` returns a list of this Value and all Values that it was made from, each
#    of them once, and each after its parents. So this Value comes last.
# 4. `backward()` sets the gradients of all these to 0, then its own to 1, because dL/dL = 1, and
#    then calls each node's `_backward()`, from the last to the first. If it is called twice, it
#    gives the same gradients twice.
#
# Inner functions are one way to do it, and the hints follow this way. You may also keep the slopes
# in a tuple, or use a stack instead of a function that calls itself: the check looks only at
# `topological_order()`, `backward()` and the gradients.

# %% tags=["work", "from-3"]
class Value:
    """A number that remembers how it was made, and can say what it depends on."""

    def __init__(self, data, parents=(), operation="", label=""):
        # <<< add self._backward, a function that does nothing yet
        self.data = float(data)
        self.grad = 0.0
        self.parents = tuple(parents)
        self.operation = operation
        self.label = label
        # A leaf has no parents to pass anything to, so its rule does nothing.
        self._backward = lambda: None
        # >>>

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        """self + other"""
        # <<< make out, give it a _backward that adds to both grads, return out
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            # d(a + b)/da = 1. The += matters: self may be used elsewhere too, or twice here.
            self.grad += 1.0 * out.grad
            other.grad += 1.0 * out.grad

        out._backward = _backward
        return out
        # >>>

    def __mul__(self, other):
        """self * other"""
        # <<< make out, give it a _backward that adds to both grads, return out
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            # d(a * b)/da = b: each operand's slope is the other's number.
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out
        # >>>

    def __radd__(self, other):
        """other + self, where other is a plain number"""
        return self + other

    def __rmul__(self, other):
        """other * self, where other is a plain number"""
        return self * other

    def topological_order(self):
        """This Value and all that it was made from: each once, and after its parents."""
        # <<< return a list of them, parents first, this Value last
        order, visited = [], set()

        def visit(node):
            if node in visited:
                return
            visited.add(node)
            for parent in node.parents:
                visit(parent)
            # All parents are in the list by now, so this is the moment for the node itself.
            order.append(node)

        visit(self)
        return order
        # >>>

    def backward(self):
        """Fill the grad of every Value that this one was made from."""
        # <<< all gradients to zero, this one's to 1, then each _backward, result first
        order = self.topological_order()
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            node._backward()
        # >>>


# %% [markdown]
# ## Try it
#
# This is the worked example, calculated by your own code. `draw`, `explain` and `dump_graph` come
# with chainrule and show any graph that has data, grad, parents and operations. `explain` writes
# the chain rule down, step by step: compare it with the picture above.

# %% tags=["try"]
from chainrule.course import draw, explain, show

a, b = Value(3.0, label="a"), Value(2.0, label="b")
c = a * b
c.label = "c"
d = c + a
d.label = "d"
L = c * d
L.label = "L"
L.backward()
print([node.label for node in L.topological_order()])
print(explain(L))
show(draw(L), "04_graph")

# %% [markdown]
# Is it true? Nudge a, as in exercise 0, and compare the slope with `a.grad`.


# %% tags=["try"]
def formula(a, b):
    c = a * b
    d = c + a
    return c * d


h = 1e-6
print("by nudging:   ", (formula(3.0 + h, 2.0) - formula(3.0 - h, 2.0)) / (2 * h))
print("by backward():", a.grad)

# %% [markdown] tags=["hint"]
# Begin with `__mul__`, and with one operation: `L = a * b`, a = 3, b = 2. If a grows by 1, by how
# much does L grow? That number, times `out.grad`, is what has to be added to `self.grad`. The same
# for b and `other.grad`. For the order, read the table above line by line: it is the program.

# %% [markdown] tags=["hint"]
# The result has to exist before its rule can refer to it, so `return Value(...)` becomes three
# steps: make `out`, define the function, store it in `out._backward` (without parentheses: store
# it, do not call it). In `topological_order`, an inner function `visit(node)` and a set of visited
# Values do the work; `order.append(node)` is its last line. In `backward`, first zero all, then set
# the 1, then go through `reversed(order)`.

# %% [markdown] tags=["hint"]
# ```python
# def __mul__(self, other):
#     other = other if isinstance(other, Value) else Value(other)
#     out = Value(self.data * other.data, (self, other), "*")
#
#     def _backward():
#         self.grad += ... * out.grad      # the slope of a product in its first factor
#         other.grad += ... * out.grad     # and in its second
#
#     out._backward = _backward
#     return out
#
# def topological_order(self):
#     order, visited = [], set()
#
#     def visit(node):
#         if node in visited:
#             return
#         visited.add(node)
#         ...                              # visit each of its parents
#         order.append(node)
#
#     visit(self)
#     return order
# ```

# %% [markdown] tags=["question"]
# Let `b = a`, and then do `b = b + a` 2,000 times in a loop. What does `b.backward()` do now, and
# how could `topological_order` be written so that it does not happen?
#
# <details><summary>An answer</summary>
#
# If `visit` calls itself, it does so once for each step away from the result: 2,000 calls inside
# each other, and Python gives up at about 1,000, with a RecursionError. A graph as deep as that is
# not exotic: a sum over 2,000 examples, added one by one, is one. The remedy is to keep the nodes
# that are still to be done in a list, a *stack*: take the last node from it; if not all of its
# parents are in the order yet, put it back and its missing parents on top; otherwise append it to
# the order. chainrule does it this way, and walks through graphs of a million nodes.
#
# </details>

# %% [markdown] tags=["question"]
# A network has a million weights and one loss. How often must the network be calculated to find all
# slopes by nudging, and what does `backward()` cost? When would nudging be better?
#
# <details><summary>An answer</summary>
#
# By nudging: at least once for each weight, so more than a million times. `backward()` goes through
# the graph once, with a multiplication and an addition for each arrow, which is about as much work
# as calculating the loss once or twice more. That is the whole secret of why networks can be
# trained. It works because there is *one* result. If there were one input and a million results,
# going backward would have to start a million times, and it would be better to carry slopes
# forward, starting at the input; that is called forward mode. Nudging the one input would be cheap
# then, too.
#
# </details>
