# %% [markdown]
# # Exercise 5b · Inspecting the graph
#
# The engine is complete. Before you build networks with it, build tools to look inside. When a
# gradient is 0 and should not be, or when a sum is twice as large as it should be, the question is
# always the same: what does the graph *really* look like? So far, chainrule's `draw` and `explain`
# showed you. Now you write such tools yourself. They are short, and that is the point: everything
# that they show is in `data`, `grad`, `parents`, `operation` and `label`, and `topological_order()`
# lists all Values.
#
# ## The idea
#
# On paper, a graph is circles and arrows. As text, it is a list of two kinds of facts: there is
# this node, and there is an arrow from this node to that one. Two loops find them:
#
#     for node in root.topological_order():        # every node, once
#         for parent in node.parents:              # every arrow that ends at it
#
# How many lines will that be? A graph with n Values has n nodes, and one arrow for each parent of
# each of them. For `L = (a * b) * a` that is 4 nodes and 4 arrows.
#
# A common language for this is DOT. It belongs to a program named Graphviz, which decides where the
# nodes go, and nearly every program that draws graphs understands it. This part of DOT is enough:
#
# | in DOT | means |
# |---|---|
# | `digraph { ... }` | a graph with arrows; between the braces, one fact per line |
# | `n0 [label="a\ndata 3"]` | there is a node n0, and this is written on it, in two lines |
# | `n0 -> n2` | there is an arrow from n0 to n2 |
# | `node [shape=box]`, `rankdir=LR` | if you like: boxes, and from left to right |
#
# The word before the bracket is the *key* of the node, which the picture does not show; it shows
# the label. Two Values may well have the same label, or none, but no two may have the same key.
#
# ![The same graph as lines of text, in DOT, and drawn](pictures/05b_inspecting.svg)
#
# ## What to do
#
# Your Value from exercise 5 comes first. One function is written already: `names(order)` returns a
# dictionary with a name for each Value. The name is its label or, if it has none, `v` and its place
# in the order: `v0`, `v1` and so on.
#
# **`dump_graph(root)`** returns (it does not print) a text with one line for each Value that root
# was made from, and root itself, in the order of `root.topological_order()`. Each line has one of
# two forms:
#
#     NAME = DATA, grad GRAD                            for a leaf
#     NAME = OPERATION(PARENTS) = DATA, grad GRAD       for any other
#
# The numbers are written as Python prints them. PARENTS are the names of the parents, in the order
# of `parents`, with a comma and a space between two names. For example:
#
#     a = 3.0, grad 12.0
#     b = 2.0, grad 9.0
#     c = *(a, b) = 6.0, grad 3.0
#     L = *(c, a) = 18.0, grad 1.0
#
# **`to_dot(root)`** returns a text in DOT, which begins with `digraph`. It has
#
# - a node for each Value, written once, and no others. Its label begins with the name that `names`
#   gives it; the label also contains the operation (if there is one), the data and the gradient.
# - an arrow for each parent of each Value, from the parent to the Value.
#
# Everything else is up to you: keys, shapes, colours, how numbers are rounded, what comes first.

# %% tags=["given", "from-5"]

# %% tags=["work"]
def names(order):
    """What to call each Value: by its label, or v0, v1, ... by its place where it has none."""
    return {node: node.label or f"v{place}" for place, node in enumerate(order)}


def dump_graph(root):
    """The graph behind a Value as text: a line for each Value, parents first."""
    # <<< return the lines as one text
    order = root.topological_order()
    name = names(order)
    lines = []
    for node in order:
        made = ""
        if node.parents:
            made = f"{node.operation}({', '.join(name[parent] for parent in node.parents)}) = "
        lines.append(f"{name[node]} = {made}{node.data}, grad {node.grad}")
    return "\n".join(lines)
    # >>>


def to_dot(root):
    """The graph behind a Value in the DOT language: a node for each Value, an arrow per operand."""
    # <<< return the text: digraph, a node for each Value, an arrow for each operand
    order = root.topological_order()
    name = names(order)
    # Labels may be empty, or the same for two Values; places are not.
    key = {node: f"n{place}" for place, node in enumerate(order)}
    lines = ["digraph {", "  rankdir=LR", "  node [shape=box]"]
    for node in order:
        title = f"{name[node]} {node.operation}".rstrip()
        rows = [title, f"data {node.data:.6g}", f"grad {node.grad:.6g}"]
        # In a label of DOT, a backslash and an n begin a new line; r"" keeps the backslash.
        label = r"\n".join(rows)
        lines.append(f'  {key[node]} [label="{label}"]')
    for node in order:
        for parent in node.parents:
            lines.append(f"  {key[parent]} -> {key[node]}")
    lines.append("}")
    return "\n".join(lines)
    # >>>


# %% [markdown]
# ## Try it
#
# These cells show your text, then chainrule's text for the same graph (it is arranged in columns),
# and then your text in DOT, drawn by Graphviz. `show` takes a text in DOT as well as a drawing.

# %% tags=["try"]
from chainrule import course
from chainrule.course import draw, explain, show

a, b = Value(3.0, label="a"), Value(2.0, label="b")
c = a * b
c.label = "c"
L = (c / 8).tanh() * a
L.label = "L"
L.backward()
print(dump_graph(L))
print()
course.dump_graph(L)

# %% tags=["try"]
print(to_dot(L))
show(to_dot(L), "05b_mine")

# %% [markdown]
# Compare that with what chainrule draws. It gives each operation a small node of its own, and its
# colours distinguish results, inputs and constants; the facts are the same.

# %% tags=["try"]
show(draw(L), "05b_chainrule")

# %% [markdown]
# Texts like these show what a formula hides. Below is the square of the distance from (x, y) to the
# point (4, 2). How many nodes does its graph have, and which of its leaves have no label? Follow
# the gradients down to x in your text, and compare with what `explain` says.

# %% tags=["try"]
x, y = Value(1.0, label="x"), Value(-2.0, label="y")
L = (x - 4) ** 2 + (y - 2) ** 2
L.label = "L"
L.backward()
print(dump_graph(L))
print()
print(explain(L))

# %% [markdown] tags=["hint"]
# Both functions begin alike: `order = root.topological_order()` and `name = names(order)`; then
# `name[node]` is the name of a node. Collect the lines in a list, and join them at the end. What
# must a line look like if `node.parents` is empty, and what must it look like if not?

# %% [markdown] tags=["hint"]
# Write the names of the parents with commas between them:
# `", ".join(name[parent] for parent in node.parents)`. Join all lines into one text:
# `"\n".join(lines)`. For DOT, give each Value a key by its place:
# `key = {node: f"n{place}" for place, node in enumerate(order)}`. A text that contains double
# quotes can be written between single quotes: `f'{key[node]} [label="..."]'`.

# %% [markdown] tags=["hint"]
# ```python
# def dump_graph(root):
#     order = root.topological_order()
#     name = names(order)
#     lines = []
#     for node in order:
#         made = ""
#         if node.parents:
#             made = f"{node.operation}(...) = "        # with the names of the parents
#         lines.append(f"{name[node]} = {made}{node.data}, grad {node.grad}")
#     return "\n".join(lines)
#
# def to_dot(root):
#     ...                                               # order, name, key
#     lines = ["digraph {"]
#     for node in order:
#         lines.append(f'{key[node]} [label="{name[node]} ..."]')
#     for node in order:
#         for parent in node.parents:
#             lines.append(...)                         # an arrow
#     lines.append("}")
#     return "\n".join(lines)
# ```

# %% [markdown] tags=["question"]
# In the last example there are leaves without a label, which come from the plain numbers in the
# formula. Do they get gradients too? Is that of any use?
#
# <details><summary>An answer</summary>
#
# They do. In `x - 4`, the 4 (or the -4) became a Value, and in the graph it is a leaf like x. Its
# gradient says by how much L would grow if that number were a little larger. The gradient is
# correct, but nobody will read it, since no variable refers to that leaf. It costs a little work
# and memory, and leaving such gradients out is one of the first things that a faster library does.
# The graph does not know which leaf is a parameter, an input or a constant; only you do.
#
# </details>

# %% [markdown] tags=["question"]
# A network with 300 parameters, applied to 100 points, has a graph of some 100,000 nodes. What are
# `dump_graph` and a drawing good for then? What would you rather look at?
#
# <details><summary>An answer</summary>
#
# The whole graph at once is of no use to anybody. But the same loops can answer narrower questions:
# only the last 20 lines; only nodes whose gradient is 0, or not a number; how many nodes of each
# operation there are; the largest and the smallest gradient in each layer. You can also make the
# graph small: take one point, and a network with two neurons. Nearly every mistake that a large
# network has, a tiny one has too, and there you can see it. For large graphs, chainrule's
# `dump_graph` and `draw` have a limit, `max_nodes`.
#
# </details>
