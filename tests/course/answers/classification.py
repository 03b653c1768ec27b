"""Exercise 9: wrong answers, for each known mistake one, and right ones in other styles."""

SIGMOID = """    if x.data >= 0:
        return 1 / (1 + (-x).exp())
    e = x.exp()
    return e / (1 + e)
"""
LARGEST = "    largest = max(logit.data for logit in logits)\n"
EXPONENTIALS = "    exponentials = [(logit - largest).exp() for logit in logits]\n"
SOFTMAX = "    return [e / total for e in exponentials]\n"
LOSS = "    return total.log() + largest - take(logits, target)\n"
SGD_M = "            self.m[i] = self.momentum * self.m[i] + p.grad\n"
ADAM_M = "            self.m[i] = beta1 * self.m[i] + (1 - beta1) * p.grad\n"
ADAM_V = "            self.v[i] = beta2 * self.v[i] + (1 - beta2) * p.grad**2\n"
DENOMINATOR = "(math.sqrt(v) + self.eps)"
COUNT = "        self.t += 1  # once for all parameters, and before it is used: at t = 0 one would divide by 0\n"
CORRECTED_M, CORRECTED_V = "m = self.m[i] / (1 - beta1**self.t)", "v = self.v[i] / (1 - beta2**self.t)"

WRONG = {
    "the sigmoid is a float": [(SIGMOID, "    return 1 / (1 + math.exp(-x.data))\n")],
    "the sigmoid is upside down": [(SIGMOID, "    return 1 / (1 + x.exp())\n")],
    "the sigmoid of a large number is nan": [(SIGMOID, "    return x.exp() / (1 + x.exp())\n")],
    "the sigmoid's gradient is nan far to the left": [(SIGMOID, "    return 1 / (1 + (-x).exp())\n")],
    "the sigmoid overflows far to the left": [(SIGMOID, "    return Value(1 / (1 + math.exp(-x.data)), (x,))\n")],
    "the softmax is made of floats": [("(logit - largest).exp()", "math.exp(logit.data - largest)")],
    "exponentials that are not divided by their sum": [(SOFTMAX, "    return exponentials\n")],
    "the sum is over other exponentials": [("    total = sum(exponentials)\n", "    total = sum(logit.exp() for logit in logits)\n")],
    "the softmax is upside down": [("(logit - largest).exp() for logit in logits]", "(largest - logit).exp() for logit in logits]")],
    "shares of the logits, without exp": [(EXPONENTIALS, "    exponentials = logits\n")],
    "large logits are nan": [(LARGEST, "    largest = 0\n")],
    "very negative logits are nan": [(LARGEST, "    largest = max(abs(logit.data) for logit in logits)\n")],
    "the most probable class, in the loss": [
        (LOSS, "    data = [logit.data for logit in logits]\n    return Value(0.0 if data.index(max(data)) == target else 1.0)\n")
    ],
    "the cross-entropy is a float": [(LOSS, "    return -math.log(softmax(logits)[target].data)\n")],
    "the sign of the cross-entropy": [(LOSS, "    return take(logits, target) - largest - total.log()\n")],
    "the largest logit is not added back": [(LOSS, "    return total.log() - take(logits, target)\n")],
    "the loss of the other class": [("take(logits, target)", "logits[target - 1]")],
    "all classes in the loss": [(LOSS, "    return sum(-p.log() for p in softmax(logits)) / len(logits)\n")],
    "divided by the number of classes": [(LOSS, "    return (total.log() + largest - take(logits, target)) / len(logits)\n")],
    "a probability instead of its logarithm": [(LOSS, "    return 1 - softmax(logits)[target]\n")],
    "the squared error of the probabilities": [(LOSS, "    return sum((p - (k == target)) ** 2 for k, p in enumerate(softmax(logits)))\n")],
    "softmax applied twice": [("    largest = reduce(maximum, logits)", "    logits = softmax(logits)\n    largest = max(logits)")],
    "an epsilon inside the logarithm": [(LOSS, "    return -(softmax(logits)[target] + 1e-12).log()\n")],
    "the logarithm of 0": [(LOSS, "    return -softmax(logits)[target].log()\n")],
    "the parameter is not changed": [("            p.data -= self.lr * self.m[i]\n", "            p = p - self.lr * self.m[i]\n")],
    "the learning rate twice": [(SGD_M, "            self.m[i] = self.momentum * self.m[i] + self.lr * p.grad\n")],
    "uphill": [("p.data -= self.lr * self.m[i]", "p.data += self.lr * self.m[i]")],
    "momentum as an average": [(SGD_M, "            self.m[i] = self.momentum * self.m[i] + (1 - self.momentum) * p.grad\n")],
    "momentum forgotten": [(SGD_M, "            self.m = [0.0] * len(self.params)\n" + SGD_M)],
    "only the last gradient is remembered": [
        (
            SGD_M + "            p.data -= self.lr * self.m[i]\n",
            "            p.data -= self.lr * (self.momentum * self.m[i] + p.grad)\n            self.m[i] = p.grad\n",
        )
    ],
    "the sign of the momentum": [(SGD_M, "            self.m[i] = p.grad - self.momentum * self.m[i]\n")],
    "one m for all parameters": [
        (SGD_M, "            self.m = self.momentum * self.m + p.grad\n"),
        ("p.data -= self.lr * self.m[i]", "p.data -= self.lr * self.m"),
        (
            "        self.momentum = momentum\n        self.m = [0.0] * len(self.params)\n",
            "        self.momentum = momentum\n        self.m = 0.0\n",
        ),
    ],
    "steps counted from 0": [(COUNT, ""), (DENOMINATOR, DENOMINATOR + "\n        self.t += 1")],
    "no bias correction": [(CORRECTED_M, "m = self.m[i]"), (CORRECTED_V, "v = self.v[i]")],
    "bias correction of only one of the two": [(CORRECTED_V, "v = self.v[i]")],
    "the gradient in place of its square": [(ADAM_V, "            self.v[i] = beta2 * self.v[i] + (1 - beta2) * p.grad\n")],
    "the root is missing": [(DENOMINATOR, "(v + self.eps)")],
    "Adam goes uphill": [("p.data -= self.lr * m", "p.data += self.lr * m")],
    "division by 0 where the gradient is 0": [(DENOMINATOR, "math.sqrt(v)")],
    "eps inside the root": [(DENOMINATOR, "math.sqrt(v + self.eps)")],
    "eps before the bias correction": [
        (CORRECTED_V, "v = self.v[i]"),
        (DENOMINATOR, "(math.sqrt(v) + self.eps) * math.sqrt(1 - beta2**self.t)"),
    ],
    "steps counted for each parameter": [
        (COUNT, ""),
        (
            "        for i, p in enumerate(self.params):\n            self.m[i] = beta1",
            "        for i, p in enumerate(self.params):\n            self.t += 1\n            self.m[i] = beta1",
        ),
    ],
    "one m and v for all parameters": [
        (ADAM_M, ADAM_M.replace("[i]", "[0]")),
        (ADAM_V, ADAM_V.replace("[i]", "[0]")),
        (CORRECTED_M, CORRECTED_M.replace("[i]", "[0]")),
        (CORRECTED_V, CORRECTED_V.replace("[i]", "[0]")),
    ],
    "the averages start again in each step": [
        (COUNT, COUNT + "        self.m = [0.0] * len(self.params)\n        self.v = [0.0] * len(self.params)\n")
    ],
    "the corrected averages are kept": [
        (CORRECTED_M, CORRECTED_M.replace("m =", "m = self.m[i] =")),
        (CORRECTED_V, CORRECTED_V.replace("v =", "v = self.v[i] =")),
    ],
    "beta1 and beta2 the wrong way round": [("beta1, beta2 = self.betas", "beta2, beta1 = self.betas")],
}

RIGHT = {
    "tanh, a logarithm of shares, and dicts": """
import math


def sigmoid(x):
    return 0.5 + 0.5 * (0.5 * x).tanh()


def softmax(logits):
    largest = max(logits)
    exponentials = [2.718281828459045 ** (x - largest) for x in logits]
    return tuple(e * sum(exponentials) ** -1 for e in exponentials)


def cross_entropy(logits, target):
    own = logits[target]
    top = max(x.data for x in logits)
    rest = sum(((x - top).exp() for x in logits), 0)
    return -((own - top) - rest.log())


class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.lr, self.momentum = lr, momentum
        self.velocity = {p: 0 for p in params}

    def step(self):
        for p, velocity in self.velocity.items():
            self.velocity[p] = velocity * self.momentum - self.lr * p.grad
            p.data += self.velocity[p]


class Adam:
    def __init__(self, params, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        self.lr, self.eps, (self.b1, self.b2) = lr, eps, betas
        self.state = [(p, {"m": 0, "v": 0, "t": 0}) for p in params]

    def step(self):
        for p, s in self.state:
            s["t"] += 1
            s["m"] += (1 - self.b1) * (p.grad - s["m"])
            s["v"] += (1 - self.b2) * (p.grad * p.grad - s["v"])
            size = (s["v"] / (1 - self.b2 ** s["t"])) ** 0.5 + self.eps
            p.data = p.data - self.lr / (1 - self.b1 ** s["t"]) * s["m"] / size
""",
    "chainrule's own functions, and powers of beta kept": """
from chainrule import Value, exp, log_softmax, softplus
from math import sqrt


def sigmoid(x):
    return exp(-softplus(-x))


def softmax(logits):
    return [exp(x) for x in log_softmax(logits)]


def cross_entropy(logits, target):
    return sum(-(k == target) * x for k, x in enumerate(log_softmax(logits)))


class Optimiser:
    def __init__(self, params, change):
        self.steps = [change(p) for p in params]

    def step(self):
        for step in self.steps:
            step()


class SGD(Optimiser):
    def __init__(self, params, lr, momentum=0.0):
        def change(p, m=0.0):
            def step():
                nonlocal m
                m = momentum * m + p.grad
                p.data -= lr * m
            return step
        super().__init__(params, change)


class Adam(Optimiser):
    def __init__(self, params, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        def change(p):
            m = v = 0.0
            left1 = left2 = 1.0
            def step():
                nonlocal m, v, left1, left2
                left1, left2 = left1 * betas[0], left2 * betas[1]
                m, v = betas[0] * m + (1 - betas[0]) * p.grad, betas[1] * v + (1 - betas[1]) * p.grad ** 2
                p.data -= lr * (m / (1 - left1)) / (sqrt(v / (1 - left2)) + eps)
            return step
        super().__init__(params, change)
""",
}
