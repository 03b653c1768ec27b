# %% [markdown]
# # Exercise 1 · A smart number
#
# Nudging finds the derivative for one input at a time, and each time the whole formula is
# calculated again. There is a better way. When you calculate a formula by hand and write down every
# step, you can go back through your notes afterwards and see what each step did to the result. The
# notes contain everything that you need; nothing has to be calculated again.
#
# A plain `float` takes no notes. `2.0 * -3.0` is `-6.0`, and the -6.0 does not know where it came
# from. So the first thing to build is a number of our own, an object with room for notes. It is
# called `Value`, and everything that follows is built from it. In this exercise it holds only two
# things; it will learn to calculate in exercise 2, to remember in exercise 3, and to go backward in
# exercise 4.
#
# ## The mathematics
#
# Let L be the result of a long calculation, and a one of the numbers in it. Two numbers belong to a:
#
# | name | what it is | when it is known |
# |---|---|---|
# | `a.data` | the number itself | at once |
# | `a.grad` | dL/da, how fast L changes when a changes: its *gradient* | later, when L has been calculated |
#
# The gradient is one of the sensitivities of exercise 0. Until something has been calculated from
# a, nobody can know it, so it starts at 0.0.
#
# ![A float is a bare number; a Value has a gradient too, and room for notes](pictures/01_value.svg)
#
# ## What to do
#
# Write two methods of the class `Value`. Both names have two underscores on either side; Python
# calls such methods by itself.
#
# 1. `__init__(self, data)` is called when you write `Value(2)`. It keeps the number in `self.data`,
#    as a float: 2 becomes 2.0. And it sets `self.grad` to 0.0.
# 2. `__repr__(self)` is called when a Value is printed or shown. It returns a text like
#    `Value(data=2.0, grad=0.0)`, with the numbers that this Value has now.


# %% tags=["work"]
class Value:
    """A number that will remember how it was made."""

    def __init__(self, data):
        # <<< keep the number as a float, in self.data, and set self.grad to 0.0
        # float() turns 2 into 2.0, and refuses a list or None here, not three calls later.
        self.data = float(data)
        # The gradient is not known yet. Until backward() is written, it is zero.
        self.grad = 0.0
        # >>>

    def __repr__(self):
        # <<< return the text Value(data=2.0, grad=0.0), with this Value's numbers
        return f"Value(data={self.data}, grad={self.grad})"
        # >>>


# %% [markdown]
# ## Try it
#
# These lines print a Value, a list of Values, and a Value with a gradient that was set by hand. The
# last line shows what a Value cannot do yet; exercise 2 adds it.

# %% tags=["try"]
a = Value(2)
b = Value(-3.5)
print(a)
print([a, b])
a.grad = 0.25
print(a, "the gradient can be changed")

try:
    print(a + b)
except TypeError as error:
    print("a + b:", error)

# %% [markdown]
# The course can draw your own Values. A single Value makes a small picture; look at it again in
# exercise 3.

# %% tags=["try"]
from chainrule.course import draw, show

show(draw(a), "01_value")

# %% [markdown] tags=["hint"]
# Inside a method, `self` is the object. What you assign to `self.something` stays with the object
# and can be read from outside; a plain variable is gone when the method ends.

# %% [markdown] tags=["hint"]
# `float(data)` makes a float of any number. For the text, an f-string puts numbers in: with
# `x = 2.0`, the text `f"x={x}"` is `x=2.0`. Return it; do not print it.

# %% [markdown] tags=["hint"]
# ```python
# def __init__(self, data):
#     self.data = float(...)
#     self.grad = ...
#
# def __repr__(self):
#     return f"Value(data={self.data}, ...)"
# ```

# %% [markdown] tags=["question"]
# `Value(2.0) == Value(2.0)` is False. Why, and is that a bug?
#
# <details><summary>An answer</summary>
#
# As long as a class does not say what `==` means, Python asks whether both are the same object, and
# these are two objects. It is not a bug: two inputs of a formula may both be 2 by chance, and yet
# have different gradients. In exercise 0, code that looked up inputs by their value confused them.
# A Value stands for a place in a calculation, not only for a number. To compare numbers, write
# `a.data == b.data`.
#
# </details>

# %% [markdown] tags=["question"]
# Why are gradients in the object, `a.grad`, and not in a list beside it, as `sensitivities`
# returned them?
#
# <details><summary>An answer</summary>
#
# With a list, somebody has to know that number 17 is the weight of the third neuron. A real
# calculation has thousands of numbers, and the intermediate results have gradients too, which are
# not in a list of inputs. If each number carries its own gradient, whoever has the number also has
# its gradient.
#
# </details>
