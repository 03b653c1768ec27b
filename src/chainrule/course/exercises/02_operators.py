# %% [markdown]
# # Exercise 2 · Operators
#
# A number is useful only if you can calculate with it. Exercise 1 ended with `a + b`, and with
# Python's complaint that it does not know how to add them. Python lets a class say what `+` and `*`
# mean, and when this exercise is done, a formula over Values looks like any other formula. That is
# worth the effort: a network will be ordinary Python, and nobody has to learn a new language for
# it.
#
# ## What happens when you write `2 * a`
#
# For each operator there is a method: `a + b` calls `a.__add__(b)`, and `a * b` calls
# `a.__mul__(b)`. Python first asks the left operand. In `2 * a` that is the `int` 2, which knows
# nothing of your class and answers `NotImplemented`. Then Python asks the right operand, by calling
# `a.__rmul__(2)`. The method with the r in its name is the *reflected* form. Without it, `a * 2`
# works and `2 * a` fails.
#
# | you write | Python calls |
# |---|---|
# | `a + b` | `a.__add__(b)` |
# | `a + 2` | `a.__add__(2)` |
# | `2 + a` | `a.__radd__(2)`, after the int 2 has answered `NotImplemented` |
# | `2 * a + b` | `a.__rmul__(2)`, and then `__add__(b)` on its result |
# | `sum([a, b])` | `0 + a + b`, so `a.__radd__(0)` first |
#
# ![2 * a: Python asks the left operand, which does not know how, then the right one](pictures/02_operators.svg)
#
# ## The mathematics
#
# This exercise needs only one fact: the order of the operands matters neither for a sum nor for a
# product. So `2 + a` can be calculated as `a + 2`, which you have already.
#
# ## What to do
#
# The cell below begins with your own code from exercise 1. Add four methods:
#
# 1. `__add__(self, other)` and `__mul__(self, other)` return a **new** Value, whose data is the sum
#    or the product, and whose gradient is 0.0 like that of every new Value. The operands stay as
#    they are. `other` is a Value or a plain number; turn a plain number into a Value first.
# 2. `__radd__(self, other)` and `__rmul__(self, other)` are the reflected forms.

# %% tags=["work", "from-1"]
class Value:
    """A number that will remember how it was made."""

    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        """self + other"""
        # <<< return a new Value with the sum; other may be a plain number
        # A plain number becomes a Value first, so that below there is only one case.
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data)
        # >>>

    def __mul__(self, other):
        """self * other"""
        # <<< return a new Value with the product; other may be a plain number
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data)
        # >>>

    def __radd__(self, other):
        """other + self, where other is a plain number"""
        # <<< say what 2 + a is; a sum does not depend on the order
        return self + other
        # >>>

    def __rmul__(self, other):
        """other * self, where other is a plain number"""
        # <<< say what 2 * a is; a product does not depend on the order
        return self * other
        # >>>


# %% [markdown]
# ## Try it
#
# This calculates a formula over Values at two points. `sum` works too, and so does any function
# that only adds and multiplies, whether it was written for Values or not. Change the numbers.


# %% tags=["try"]
def area(width, height):
    return 2 * width * height + 1


print(area(Value(3.0), Value(4.0)))
print(area(Value(3.5), Value(4.0)))
print(area(3.0, 4.0), "with plain numbers")
print(sum([Value(1.0), Value(2.0), Value(3.0)]))

# %% [markdown]
# Now watch which methods Python calls. This class is yours, with a print at the start of two of its
# methods.


# %% tags=["try"]
class Watched(Value):
    def __add__(self, other):
        print(f"  {self}.__add__({other})")
        return Watched(super().__add__(other).data)

    def __rmul__(self, other):
        print(f"  {self}.__rmul__({other})")
        return Watched(super().__rmul__(other).data)


a, b = Watched(3.0), Watched(4.0)
print("2 * a + b")
print(2 * a + b)

# %% [markdown] tags=["hint"]
# `a + b` gives a new Value. What is its data? What do you have to write to make a `Value(...)` from
# it?

# %% [markdown] tags=["hint"]
# `other` may be the number 2, and `(2).data` does not exist. Begin with a line that turns it into a
# Value if it is not one; `isinstance(other, Value)` says whether it is. In a reflected form, `self`
# is the right operand and `other` is the plain number on the left; `self + other` works already.

# %% [markdown] tags=["hint"]
# ```python
# def __add__(self, other):
#     other = other if isinstance(other, Value) else Value(other)
#     return Value(...)          # the sum of the two data
#
# def __radd__(self, other):     # 2 + a arrives here with other = 2
#     return self + other
# ```

# %% [markdown] tags=["question"]
# Why must `a + b` make a new Value? What would go wrong if it changed `a.data` and returned `a`?
#
# <details><summary>An answer</summary>
#
# `a` is a number with a name, and it may be used again: in `c = a + b; d = a * 2`, the second line
# expects the old `a`. There is a second reason, which exercise 4 is about: to go backward through a
# calculation, every intermediate result must still be there.
#
# </details>

# %% [markdown] tags=["question"]
# `sum([a, b])` fails without `__radd__`, although you see no `+` with a plain number on its left.
# Where does that number come from?
#
# <details><summary>An answer</summary>
#
# `sum` begins with the integer 0 and adds one element after the other: `0 + a`, then `+ b`. The
# first of these is `a.__radd__(0)`.
#
# </details>
