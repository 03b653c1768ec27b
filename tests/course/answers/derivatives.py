"""Exercise 0: wrong answers, for each known mistake one, and right ones in other styles."""

ONE = "return (f(x + h) - f(x - h)) / (2 * h)"
NUDGE_UP, NUDGE_DOWN = "up, down = list(inputs), list(inputs)", "down[i] -= h"
APPEND, RETURN = "slopes.append((f(*up) - f(*down)) / (2 * h))", "    return slopes"

WRONG = {
    "nothing is returned": [(ONE, "print((f(x + h) - f(x - h)) / (2 * h))")],
    "h is added to the result, not to x": [(ONE, "return ((f(x) + h) - (f(x) - h)) / (2 * h)")],
    "the two results are added": [(ONE, "return (f(x + h) + f(x - h)) / (2 * h)")],
    "the difference is not divided": [(ONE, "return f(x + h) - f(x - h)")],
    "divided by h instead of 2h": [(ONE, "return (f(x + h) - f(x - h)) / h")],
    "the quotient lacks its parentheses": [(ONE, "return (f(x + h) - f(x - h)) / 2 * h")],
    "the difference is the wrong way round": [(ONE, "return (f(x - h) - f(x + h)) / (2 * h)")],
    "one side only": [(ONE, "return (f(x + h) - f(x)) / h")],
    "one side only, and divided by 2h": [(ONE, "return (f(x + h) - f(x)) / (2 * h)")],
    "the sign is lost": [(ONE, "return abs(f(x + h) - f(x - h)) / (2 * h)")],
    "the result is cut to an integer": [(ONE, "return (f(x + h) - f(x - h)) // (2 * h)")],
    "the h that is given is not used": [(ONE, "h = 1e-6\n    " + ONE)],
    "h is far too small": [("def numerical_derivative(f, x, h=1e-6)", "def numerical_derivative(f, x, h=1e-15)")],
    "h is far too large": [("def numerical_derivative(f, x, h=1e-6)", "def numerical_derivative(f, x, h=0.01)")],
    "f is not given all its inputs": [(APPEND, "slopes.append((f(up) - f(down)) / (2 * h))")],
    "no list is returned": [(RETURN, "")],
    "the loop ends in its first round": [(RETURN, "        return slopes")],
    "all inputs are nudged at once": [
        (NUDGE_UP, "up, down = [v + h for v in inputs], [v - h for v in inputs]"),
        ("up[i] += h", ""),
        (NUDGE_DOWN, ""),
    ],
    "the last input is nudged in each round": """
def numerical_derivative(f, x, h=1e-6):
    return (f(x + h) - f(x - h)) / (2 * h)

def sensitivities(f, inputs, h=1e-6):
    alone = []
    for i in range(len(inputs)):
        alone.append(lambda v: f(*inputs[:i], v, *inputs[i + 1:]))
    return [numerical_derivative(function, x, h) for function, x in zip(alone, inputs)]
""",
    "one number for all inputs": [(RETURN, "    return sum(slopes)")],
    "earlier nudges stay": [("    for i in", "    up, down = list(inputs), list(inputs)\n    for i in"), ("        " + NUDGE_UP, "")],
    "the caller's list is changed": [(NUDGE_UP, "up, down = inputs, list(inputs)")],
    "equal inputs are confused": [("for i in range(len(inputs)):", "for x in inputs:\n        i = inputs.index(x)")],
    "one side only, for several inputs": [(APPEND, "slopes.append((f(*up) - f(*inputs)) / h)")],
    "the differences are not divided by 2h": [(APPEND, "slopes.append((f(*up) - f(*down)) / h)")],
    "h is not passed on": [("    slopes = []", "    h = 1e-6\n    slopes = []")],
}

RIGHT = {
    "one through the other": """
def numerical_derivative(f, x, h=1e-6):
    up, down = f(x + h), f(x - h)
    return (up - down) / 2 / h

def sensitivities(f, inputs, h=1e-6):
    def alone(i):
        return lambda v: f(*inputs[:i], v, *inputs[i + 1:])
    return [numerical_derivative(alone(i), x, h) for i, x in enumerate(inputs)]
""",
    "recursion": """
def numerical_derivative(f, x, h=1e-6):
    return 0.5 * (f(x + h) / h - f(x - h) / h)

def sensitivities(f, inputs, h=1e-6):
    if not inputs:
        return []
    first, *rest = inputs
    slope = numerical_derivative(lambda v: f(v, *rest), first, h)
    return [slope] + sensitivities(lambda *others: f(first, *others), rest, h)
""",
    "nudged in place and put back": """
def sensitivities(f, inputs, h=1e-6):
    slopes = [0.0] * len(inputs)
    for i in range(len(inputs)):
        before = inputs[i]
        inputs[i] = before + h
        slopes[i] += f(*inputs)
        inputs[i] = before - h
        slopes[i] -= f(*inputs)
        slopes[i] /= 2 * h
        inputs[i] = before
    return slopes

def numerical_derivative(f, x, h=1e-6):
    return sensitivities(f, [x], h)[0]
""",
    "the mean of both sides": """
def numerical_derivative(f, x, h=1e-6):
    forward = (f(x + h) - f(x)) / h
    backward = (f(x) - f(x - h)) / h
    return (forward + backward) / 2

def sensitivities(f, inputs, h=1e-6):
    n = len(inputs)
    def moved(i, step):
        return f(*[v + step * (i == j) for j, v in enumerate(inputs)])
    return tuple((moved(i, h) - moved(i, -h)) / (2 * h) for i in range(n))
""",
    "a formula with five points": """
def numerical_derivative(f, x, h=1e-6):
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)

def sensitivities(f, inputs, h=1e-6):
    result = []
    for i in range(len(inputs)):
        def along(t, i=i):
            point = list(inputs)
            point[i] = t
            return f(*point)
        result.append(numerical_derivative(along, inputs[i], h=h))
    return result
""",
}
