# %% [markdown]
# # Exercise 5 · More operations
#
# Your Values know `+` and `*`. With these alone, every formula is a polynomial: no division, no
# square root, and nothing that levels off. A network needs a little more. In this exercise your
# Value learns the rest of arithmetic, and three functions that bend: `exp`, `tanh` and `relu`.
#
# The engine does not change at all. `backward()` neither knows nor asks what an operation is; it
# only calls its rule. To teach it a new operation, you write down one slope. That is what makes
# this method so powerful, and it is how libraries with hundreds of operations are built too.
#
# ## Two ways to add an operation
#
# **Express it by operations that you have.** If `a - b` is calculated as `a + (-1) * b`, its
# gradients come out right by themselves, since the sum and the product have theirs. You need not
# derive anything:
#
# | operation | the same as |
# |---|---|
# | `-a` | `a * -1` |
# | `a - b` | `a + (-b)` |
# | `2 - a` | `2 + (-a)` |
# | `a / b` | `a * b**-1` |
# | `2 / a` | `2 * a**-1` |
#
# **Or derive its slope,** and write a `_backward` as in exercise 4:
#
# | operation | slope in a | at a = 0.5, for example |
# |---|---|---|
# | `a**k`, with a plain number k | k · a**(k - 1) | for k = 3: 3 · 0.5² = 0.75 |
# | `a.exp()`, which is e to the a | exp(a), the result itself | 1.6487 |
# | `a.tanh()` | 1 - tanh(a)², that is 1 - result² | 1 - 0.4621² = 0.7864 |
# | `a.relu()`: a if positive, else 0 | 1 if a is positive, else 0 | 1 |
#
# For exp and tanh, the slope can be calculated from the result, `out.data`, which is known already.
# Each slope is only half of the rule: what is added to `self.grad` is the slope *times* `out.grad`.
#
# ![exp, tanh and relu with their slopes](pictures/05_operations.svg)
#
# What are they for? `exp` makes any number positive. `tanh` squeezes any number between -1 and 1:
# it is steepest at 0, and far from 0 it is flat, so its slope is nearly 0 there. `relu` is a
# straight line with a bend in it, and very cheap to calculate. At the bend, at 0, it has no slope;
# one has to be chosen, and here, as almost everywhere, it is 0.
#
# ## What to do
#
# Your Value from exercise 4 gets nine more methods. All of them return a new Value, and where there
# is a second operand, it may be a plain number, as in exercise 2.
#
# 1. `__neg__` is `-a`, `__sub__` is `a - b`, and `__rsub__` is `2 - a`. Here the reflected form is
#    not the same as the plain one: in `__rsub__(self, other)`, `other` stands on the left of the
#    minus sign.
# 2. `__pow__` is `a**k`. The exponent k is a plain number; it may be negative, such as -1, or
#    a fraction, such as 0.5.
# 3. `__truediv__` is `a / b`, and `__rtruediv__` is `2 / a`.
# 4. `exp`, `tanh` and `relu` are methods without arguments: `a.exp()`. `tanh` gives a number for
#    every a, also for 1000 and -1000. `relu` passes nothing on where a is 0 or negative.
#
# If you give the results the operations `"**3"` (with the exponent), `"exp"`, `"tanh"` and
# `"relu"`, pictures and explanations of your graphs recognise them. `math.exp` and `math.tanh` work
# with plain numbers: `import math` is there already, above the class.

# %% tags=["work", "from-4"]
import math


class Value:
    """A number that remembers how it was made, and can say what it depends on."""

    def __init__(self, data, parents=(), operation="", label=""):
        self.data = float(data)
        self.grad = 0.0
        self.parents = tuple(parents)
        self.operation = operation
        self.label = label
        self._backward = lambda: None

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        """self + other"""
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad += 1.0 * out.grad
            other.grad += 1.0 * out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        """self * other"""
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __radd__(self, other):
        """other + self, where other is a plain number"""
        return self + other

    def __rmul__(self, other):
        """other * self, where other is a plain number"""
        return self * other

    def topological_order(self):
        """This Value and all that it was made from: each once, and after its parents."""
        order, visited = [], set()

        def visit(node):
            if node in visited:
                return
            visited.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

        visit(self)
        return order

    def backward(self):
        """Fill the grad of every Value that this one was made from."""
        order = self.topological_order()
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            node._backward()

    def __neg__(self):
        """-self"""
        # <<< express -a by a product
        return self * -1
        # >>>

    def __sub__(self, other):
        """self - other"""
        # <<< express a - b by a sum
        return self + (-1 * other)
        # >>>

    def __rsub__(self, other):
        """other - self, where other is a plain number"""
        # <<< say what 2 - a is
        return other + (-self)
        # >>>

    def __pow__(self, exponent):
        """self ** exponent, where the exponent is a plain number"""
        # <<< the data, and a _backward: the derivative of x**k is k * x**(k - 1)
        out = Value(self.data**exponent, (self,), f"**{exponent}")

        def _backward():
            self.grad += exponent * self.data ** (exponent - 1) * out.grad

        out._backward = _backward
        return out
        # >>>

    def __truediv__(self, other):
        """self / other"""
        # <<< express a / b by a product and a power
        other = other if isinstance(other, Value) else Value(other)
        return self * other**-1
        # >>>

    def __rtruediv__(self, other):
        """other / self, where other is a plain number"""
        # <<< say what 2 / a is
        return other * self**-1
        # >>>

    def exp(self):
        """e to the power of self"""
        # <<< the data, and a _backward: the derivative of exp(x) is exp(x) itself
        out = Value(math.exp(self.data), (self,), "exp")

        def _backward():
            # out.data is exp(x) already: nothing has to be computed again.
            self.grad += out.data * out.grad

        out._backward = _backward
        return out
        # >>>

    def tanh(self):
        """The hyperbolic tangent: from -1 to 1, and steep at 0"""
        # <<< the data, and a _backward: the derivative of tanh(x) is 1 - tanh(x)**2
        # math.tanh works for every x; a quotient of exponentials overflows for large ones.
        out = Value(math.tanh(self.data), (self,), "tanh")

        def _backward():
            self.grad += (1.0 - out.data**2) * out.grad

        out._backward = _backward
        return out
        # >>>

    def relu(self):
        """self where it is positive, else 0"""
        # <<< the data, and a _backward: the derivative is 1 where positive, 0 elsewhere
        out = Value(max(0.0, self.data), (self,), "relu")

        def _backward():
            self.grad += (1.0 if self.data > 0 else 0.0) * out.grad

        out._backward = _backward
        return out
        # >>>


# %% [markdown]
# ## Try it
#
# This is a neuron, the subject of exercise 6: it has two inputs, a weight for each, a bias, and
# tanh. Which of the five numbers would you change, and in which direction, to make the result
# larger?

# %% tags=["try"]
from chainrule.course import draw, explain, show

x1, x2 = Value(2.0, label="x1"), Value(0.5, label="x2")
w1, w2 = Value(-0.5, label="w1"), Value(1.5, label="w2")
b = Value(0.75, label="b")
s = w1 * x1 + w2 * x2 + b
s.label = "s"
out = s.tanh()
out.label = "out"
out.backward()
for value in (x1, x2, w1, w2, b, s):
    print(f"{value.label:3} data {value.data:6.3f}   grad {value.grad:6.3f}")
show(draw(out), "05_neuron")

# %% [markdown]
# At s = 0.5 the slope of tanh is 0.786, and everything below it in the graph is multiplied by that.
# Make `b` larger, such as 5, and run the cell again: all gradients nearly vanish, because tanh is
# flat there.
#
# The next cell is a test that you can use from now on, for any operation that you invent: it
# compares the gradient with the slope that nudging finds.


# %% tags=["try"]
def compare(name, function, x, h=1e-6):
    a = Value(x)
    function(a).backward()
    nudged = (function(Value(x + h)).data - function(Value(x - h)).data) / (2 * h)
    print(f"{name:12} at {x:5.2f}: backward {a.grad:10.6f}   nudged {nudged:10.6f}")


for x in (-1.5, 0.5, 2.0):
    compare("1 / (a*a+1)", lambda a: 1 / (a * a + 1), x)
    compare("(3 - a)**3", lambda a: (3 - a) ** 3, x)
    compare("exp", lambda a: a.exp(), x)
    compare("tanh", lambda a: a.tanh(), x)
    compare("relu", lambda a: a.relu(), x)

# %% [markdown]
# The last cell explains the chain rule for a function of a function, step by step:

# %% tags=["try"]
a = Value(0.5, label="a")
L = (a**2).exp()
L.label = "L"
L.backward()
print(explain(L))

# %% [markdown] tags=["hint"]
# Five of the nine methods need no slope; each is one line that uses operations that you have. Which
# ones? For the other four, take your `__mul__` as a model: `out`, `_backward`, `return out`. There
# is one parent now, so the tuple is `(self,)`, with a comma, and `_backward` has one line.

# %% [markdown] tags=["hint"]
# Power: `self.data**exponent` is the data, and in the slope, the exponent comes down as a factor
# and gets smaller by 1. exp: what is the slope of exp? You have computed it already: it is
# `out.data`. tanh: the slope is 1 minus the square of `out.data`. relu: the data is
# `max(0.0, self.data)`, and the slope depends on whether `self.data` is larger than 0. In all four,
# multiply by `out.grad`, and add with `+=`.

# %% [markdown] tags=["hint"]
# ```python
# def __rsub__(self, other):               # 2 - a arrives here with other = 2
#     return other + (-self)
#
# def __pow__(self, exponent):
#     out = Value(self.data**exponent, (self,), f"**{exponent}")
#
#     def _backward():
#         self.grad += ... * out.grad      # k * x**(k - 1)
#
#     out._backward = _backward
#     return out
#
# def __truediv__(self, other):
#     other = other if isinstance(other, Value) else Value(other)
#     return self * ...                    # other to the power of -1
# ```

# %% [markdown] tags=["question"]
# One could leave `tanh` out and write `(e**(2a) - 1) / (e**(2a) + 1)` with `exp` and the rest: it
# is the same function. The gradients would be right. Why is a method of its own better?
#
# <details><summary>An answer</summary>
#
# For one thing, it is smaller and faster: one node with one slope in place of half a dozen. The
# more important reason is that the long formula fails where the function itself is harmless: for
# a = 1000, e**2000 is larger than any float, and Python raises an OverflowError, though tanh(1000)
# is simply 1. An operation may be as large as you like, as long as you know its slope. Choosing the
# pieces so that no step in between overflows is half of the art of numerical libraries.
#
# </details>

# %% [markdown] tags=["question"]
# Why may the exponent in `a**k` not be a Value here? What would it take?
#
# <details><summary>An answer</summary>
#
# Then the result would depend on two Values, and need a slope for each. In the base it is
# k · a**(k - 1), as before; in the exponent it is a**k · log(a). That is one more line in
# `_backward`, but it opens a question: the logarithm of a negative number does not exist, so
# (-2)**k has a value for k = 2 and yet no slope in k. Plain numbers avoid all this, and they are
# nearly always enough. chainrule's own Value takes both.
#
# </details>
