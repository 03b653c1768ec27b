# %% [markdown]
# # Exercise 0 · Derivatives as sensitivity
#
# At the end of this course you will have built and trained a network yourself. A network is a
# formula with many numbers that can be turned, like knobs, and training means turning them until
# the formula does what it should. For each knob there is one question: if I turn it a little, does
# the result get better or worse, and how fast?
#
# The answer is a derivative. You know it from school as a rule, "x² becomes 2x". Here you measure
# it: turn the knob a little, and see what happens. That works for every function that a computer
# can calculate, without any rule, and it is how everything that you build later will be tested.
#
# ## The mathematics
#
# The derivative of `f` at `x` is how far `f(x)` moves for each unit that `x` moves, if `x` moves
# very little. If it is 12, then `x + 0.01` gives about `0.12` more. If it is -4, the result falls
# four times as fast as `x` grows. If it is 0, a small nudge changes almost nothing.
#
# To measure it, nudge `x` by a small `h` and divide how far the result moved by how far `x` moved.
# There are two ways:
#
# | | formula | at x = 2 for f(x) = x³, h = 0.1 | h = 0.01 |
# |---|---|---|---|
# | to one side | (f(x + h) - f(x)) / h | 12.61 | 12.0601 |
# | to both sides | (f(x + h) - f(x - h)) / (2h) | 12.01 | 12.0001 |
#
# The true value is 3 · 2² = 12. The error of the one-sided formula shrinks in proportion to h. That
# of the two-sided formula shrinks in proportion to h², because the bend of the curve adds on the
# right what it takes away on the left. The two-sided formula is called the *central difference*.
#
# ![Chords to one side and to both, and their error for each h](pictures/00_derivatives.svg)
#
# The right half of the picture shows why h should not be as small as possible. A computer keeps
# about 16 digits. The closer the two points are, the more digits of the two results agree, and what
# is left when they are subtracted is mostly rounding. Between an h that is too large and one that
# is too small, the error has a wide valley, and `h = 1e-6` is in it.
#
# ## Several inputs
#
# A function of several inputs has one derivative for each of them: nudge that one, and hold the
# others fixed. Take `f(a, b, c) = a * b + c` at a = 2, b = -3, c = 10:
#
# | input | raised by 0.1 | result | change | change per unit |
# |---|---|---|---|---|
# | none | | 4.0 | | |
# | a | 2.1 · -3 + 10 | 3.7 | -0.3 | -3 |
# | b | 2 · -2.9 + 10 | 4.2 | 0.2 | 2 |
# | c | 2 · -3 + 10.1 | 4.1 | 0.1 | 1 |
#
# The list `[-3, 2, 1]` is called the *gradient*. It says that the result is most sensitive to a,
# and in which direction: to make the result larger, make a smaller.
#
# ## What to do
#
# 1. `numerical_derivative(f, x, h=1e-6)` returns the central difference of `f` at `x`.
# 2. `sensitivities(f, inputs, h=1e-6)` returns a list with the derivative for each input, in the
#    order of the inputs, each computed by a central difference with this `h`. `inputs` is a list of
#    numbers, and `f` takes each of them as a separate argument: `f(*inputs)`. The function must
#    leave the list `inputs` as it was.


# %% tags=["work"]
def numerical_derivative(f, x, h=1e-6):
    """How fast f(x) changes when x changes, measured by nudging x to either side"""
    # <<< return how far f moves between x - h and x + h, for each unit that x moves
    # The parentheses matter: without those on the right, Python would divide by 2 and multiply by h.
    return (f(x + h) - f(x - h)) / (2 * h)
    # >>>


def sensitivities(f, inputs, h=1e-6):
    """How fast f(*inputs) changes with each of its inputs, while the others are held fixed"""
    # <<< return a list with one derivative for each input, nudging one at a time
    slopes = []
    for i in range(len(inputs)):
        # Fresh copies in each round: the caller's list stays as it is, and the last nudge is gone.
        up, down = list(inputs), list(inputs)
        up[i] += h
        down[i] -= h
        slopes.append((f(*up) - f(*down)) / (2 * h))
    return slopes
    # >>>


# %% [markdown]
# ## Try it
#
# This is what a drive costs, and what the cost depends on most. Each number says by how many euros
# the cost rises: for one kilometre more, for one litre more on 100 km, for a price that is one euro
# higher.


# %% tags=["try"]
def cost(kilometres, litres_per_100, price):
    return kilometres / 100 * litres_per_100 * price


inputs = [320.0, 6.5, 1.80]
print(f"It costs {cost(*inputs):.2f} euros.")
names = ["kilometres", "litres per 100 km", "price"]
for name, slope in zip(names, sensitivities(cost, inputs), strict=True):
    print(f"one more of {name:18} {slope:+8.3f}")

# %% [markdown]
# Now look at the valley: this is the derivative of x³ at 2, which is 12, measured with smaller and
# smaller h. Where is the error least, and what happens at the end?

# %% tags=["try"]
for digits in range(1, 17):
    h = 10.0**-digits
    slope = numerical_derivative(lambda x: x**3, 2.0, h)
    print(f"h = {h:<7.0e} {slope:20.15f}   error {abs(slope - 12):.0e}")

# %% [markdown] tags=["hint"]
# Two points: `x + h` and `x - h`. How far apart are they, and how far apart are the two results?
# The derivative is the second distance divided by the first.

# %% [markdown] tags=["hint"]
# For several inputs, go through them by position, `for i in range(len(inputs))`. In each round make
# two copies of the list with `list(inputs)`, and change only their element `i`. A plain
# `up = inputs` is not a copy: it is the same list under a second name.

# %% [markdown] tags=["hint"]
# ```python
# def numerical_derivative(f, x, h=1e-6):
#     return (f(x + h) - ...) / (2 * h)
#
# def sensitivities(f, inputs, h=1e-6):
#     slopes = []
#     for i in range(len(inputs)):
#         up = list(inputs)
#         up[i] += h
#         ...                            # and another copy, one h down
#         slopes.append(...)             # f(*up) is f with all inputs, number i nudged
#     return slopes
# ```

# %% [markdown] tags=["question"]
# A small language model has a hundred million numbers that can be turned, and computes its result
# in a tenth of a second. How long does one call of `sensitivities` take?
#
# <details><summary>An answer</summary>
#
# For each number it calls f twice: 2 · 100 000 000 · 0.1 s are 20 million seconds, or about 230
# days, for a single small turn of the knobs. Training takes many thousands of such turns. Exercises
# 1 to 5 build a method that finds all derivatives together, in the time of a few calls, however
# many inputs there are. This method is called backpropagation, and it is the reason why large
# networks exist.
#
# </details>

# %% [markdown] tags=["question"]
# For `f(x) = abs(x)`, what does `numerical_derivative(f, 0.0)` give, and is it right?
#
# <details><summary>An answer</summary>
#
# It gives 0: both neighbours are equally high. But there is no derivative at 0, where the curve has
# a corner: to the right the slope is 1, to the left it is -1, and the central difference gives the
# mean of the two. A measurement always gives some number; whether that number means something is
# another question. In exercise 5 you will meet a function with such a corner, relu, that nearly
# every network uses.
#
# </details>
