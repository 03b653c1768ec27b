"""Exercise 5: wrong answers, for each known mistake one, and right ones in other styles."""

NEG, SUB, RSUB = "return self * -1", "return self + (-1 * other)", "return other + (-self)"
DIV, RDIV = "return self * other**-1", "return other * self**-1"
CONVERT = "        other = other if isinstance(other, Value) else Value(other)\n"
POW = 'out = Value(self.data**exponent, (self,), f"**{exponent}")'
POW_RULE = "self.grad += exponent * self.data ** (exponent - 1) * out.grad"
EXP, EXP_RULE = 'out = Value(math.exp(self.data), (self,), "exp")', "self.grad += out.data * out.grad"
TANH, TANH_RULE = 'out = Value(math.tanh(self.data), (self,), "tanh")', "self.grad += (1.0 - out.data**2) * out.grad"
RELU, RELU_RULE = 'out = Value(max(0.0, self.data), (self,), "relu")', "self.grad += (1.0 if self.data > 0 else 0.0) * out.grad"

MUL_RULE = """            other.grad += self.data * out.grad

        out._backward = _backward"""


def own(data: str, first: str, second: str = "") -> str:
    """The lines of an operation with a rule of its own: the data, and the slopes in its operands."""
    rule = f"        self.grad += {first} * out.grad\n"
    if second:
        rule += f"            other.grad += {second} * out.grad\n"
    parents = "(self, other)" if second else "(self,)"
    return f"out = Value({data}, {parents})\n\n        def _backward():\n    {rule}\n        out._backward = _backward\n        return out"


WRONG = {
    "-a passes on 1": [(NEG, own("-self.data", "1.0"))],
    "a difference that calls itself without end": [(RSUB, "return other - self")],
    "a - b gives b - a": [(SUB, "return other + (-1 * self)")],
    "2 - a gives a - 2": [(RSUB, "return self - other")],
    "a difference passes on 1 to both": [(SUB, CONVERT.lstrip() + "        " + own("self.data - other.data", "1.0", "1.0"))],
    "2 - a passes on 1": [(RSUB, own("other - self.data", "1.0"))],
    "a float instead of a Value, in a power": [(POW, "return self.data**exponent")],
    "the rule of a sum or product is kept in an operand": [
        (MUL_RULE, MUL_RULE.replace("out._backward = ", "self._backward = ")),
    ],
    "the power's slope without parentheses": [(POW_RULE, "self.grad += exponent * self.data**exponent - 1 * out.grad")],
    "tanh of tanh in its slope": [(TANH_RULE, "self.grad += (1.0 - math.tanh(out.data)**2) * out.grad")],
    "relu gives back the operand itself": [(RELU, f"if self.data > 0:\n            return self\n        {RELU}")],
    "relu of a negative number has no parent": [(RELU, f"if self.data <= 0:\n            return Value(0.0)\n        {RELU}")],
    "a power by repeated multiplication": [
        (POW, "out = self\n        for _ in range(exponent - 1):\n            out = out * self\n        return out")
    ],
    "a power calculated by the logarithm": [(POW, POW.replace("self.data**exponent", "math.exp(exponent * math.log(self.data))"))],
    "the power's slope without its factor": [(POW_RULE, "self.grad += self.data ** (exponent - 1) * out.grad")],
    "the power's slope with the old exponent": [(POW_RULE, "self.grad += exponent * self.data**exponent * out.grad")],
    "the power's slope loses the sign of the exponent": [(POW_RULE, f"{POW_RULE.replace('+= exponent', '+= abs(exponent)')}")],
    "the power's slope in the exponent": [(POW_RULE, "self.grad += out.data * math.log(self.data) * out.grad")],
    "nothing is passed on by a power": [(POW, "return Value(self.data**exponent)")],
    "the gradient from above is missing in a power": [(POW_RULE, "self.grad += exponent * self.data ** (exponent - 1)")],
    "= instead of += in a power": [(POW_RULE, POW_RULE.replace("+=", "="))],
    "a quotient that calls itself without end": [(RDIV, "return other / self")],
    "a plain number as the denominator": [
        (f"{CONVERT}        {DIV}", "        " + own("self.data / other.data", "1 / other.data", "-self.data / other.data**2"))
    ],
    "2 / a gives a / 2": [(RDIV, "return self / other")],
    "a / b drops its remainder": [(DIV, "return Value(self.data // other.data, (self, other))")],
    "a quotient grows with its denominator": [(DIV, own("self.data / other.data", "1 / other.data", "self.data / other.data**2"))],
    "a float instead of a Value, in exp": [(EXP, "return math.exp(self.data)")],
    "exp with the slope of a power": [(EXP_RULE, "self.grad += self.data * math.exp(self.data - 1) * out.grad")],
    "exp with its input as its slope": [(EXP_RULE, "self.grad += self.data * out.grad")],
    "nothing is passed on by exp": [(EXP, "return Value(math.exp(self.data))")],
    "the gradient from above is missing in exp": [(EXP_RULE, "self.grad += out.data")],
    "= instead of += in exp": [(EXP_RULE, "self.grad = out.data * out.grad")],
    "a float instead of a Value, in tanh": [(TANH, "return math.tanh(self.data)")],
    "tanh overflows": [(TANH, "e = (2 * self).exp()\n        return (e - 1) / (e + 1)")],
    "tanh with the input in its slope": [(TANH_RULE, "self.grad += (1.0 - self.data**2) * out.grad")],
    "tanh without the square in its slope": [(TANH_RULE, "self.grad += (1.0 - out.data) * out.grad")],
    "nothing is passed on by tanh": [
        ("        out._backward = _backward\n        return out\n\n    def relu", "        return out\n\n    def relu")
    ],
    "the gradient from above is missing in tanh": [(TANH_RULE, "self.grad += 1.0 - out.data**2")],
    "= instead of += in tanh": [(TANH_RULE, TANH_RULE.replace("+=", "="))],
    "a float instead of a Value, in relu": [(RELU, "return max(0.0, self.data)")],
    "relu lets negative numbers through": [(RELU, RELU.replace("max(0.0, self.data)", "self.data"))],
    "relu with a slope below zero": [(RELU_RULE, "self.grad += out.grad")],
    "relu with its input as its slope": [(RELU_RULE, "self.grad += out.data * out.grad")],
    "relu with a slope of 1 at zero": [(RELU_RULE, RELU_RULE.replace("self.data > 0", "out.data >= 0 and self.data >= 0"))],
    "nothing is passed on by relu": [(RELU, "return Value(max(0.0, self.data))")],
    "the gradient from above is missing in relu": [(RELU_RULE, "self.grad += 1.0 if self.data > 0 else 0.0")],
    "= instead of += in relu": [(RELU_RULE, RELU_RULE.replace("+=", "="))],
}

KEEP = "        out._backward = _backward\n        return out"
for name, made, rule in (("a power", POW, POW_RULE), ("exp", EXP, EXP_RULE), ("tanh", TANH, TANH_RULE), ("relu", RELU, RELU_RULE)):
    kept = f"            {rule}\n\n{KEEP}"
    WRONG[f"parents without a comma in {name}"] = [(made, made.replace("(self,)", "(self)"))]
    WRONG[f"the rule is called, not kept, in {name}"] = [(kept, kept.replace("= _backward", "= _backward()"))]
    WRONG[f"nothing is returned by {name}"] = [(kept, kept.replace("        return out", ""))]
    WRONG[f"the rule is kept in the operand, in {name}"] = [(kept, kept.replace("out._backward =", "self._backward ="))]
for name, line, number in (
    ("-a", NEG, "-self.data"),
    ("a - b", SUB, 'self.data - getattr(other, "data", other)'),
    ("2 - a", RSUB, "other - self.data"),
    ("a / b", DIV, "self.data / other.data"),
    ("2 / a", RDIV, "other / self.data"),
):
    WRONG[f"nothing is returned by {name}"] = [(line, line.replace("return ", "out = "))]
    WRONG[f"a float instead of a Value, in {name}"] = [(line, f"return {number}")]

RIGHT = {
    "local slopes kept in a tuple, and one rule for all": """
import math


class Value:
    def __init__(self, data, parents=(), operation="", label="", slopes=()):
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents
        self.operation = operation
        self.label = label
        self.slopes = slopes

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), "+", "", (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), "*", "", (other.data, self.data))

    def __pow__(self, k):
        return Value(self.data**k, (self,), f"**{k}", "", (k * self.data ** (k - 1),))

    def exp(self):
        e = math.exp(self.data)
        return Value(e, (self,), "exp", "", (e,))

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, (self,), "tanh", "", (1 - t * t,))

    def relu(self):
        return Value(self.data * (self.data > 0), (self,), "relu", "", (float(self.data > 0),))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return -1 * self

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return self**-1 * other

    def topological_order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, parents_are_done = stack.pop()
            if parents_are_done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent in node.parents)
        return order

    def backward(self):
        order = self.topological_order()
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad
""",
    "a rule of its own for each, with sets of parents": [
        ("self.parents = tuple(parents)", "self.parents = set(parents)"),
        (NEG, own("-self.data", "-1")),
        (SUB, CONVERT.lstrip() + "        " + own("self.data - other.data", "1", "-1")),
        (RSUB, own("other - self.data", "-1")),
        (DIV, own("self.data / other.data", "1 / other.data", "-out.data / other.data")),
        (RDIV, own("other / self.data", "-out.data / self.data")),
        (RELU_RULE, "if out.data > 0:\n                self.grad += out.grad"),
    ],
    "functions made of other operations": [
        (RSUB, "return Value(other) - self"),
        (RDIV, "return Value(other) / self"),
        (SUB, "return self + (-other)"),
        (NEG, "return Value(0) + self * Value(-1.0)"),
        (
            TANH,
            "if self.data > 0:\n            return -(-self).tanh()\n        e = (2 * self).exp()\n        return (e - 1) / (e + 1)",
        ),
        (RELU, "return self * (self.data > 0)"),
    ],
    "made by a factory, aliases, and rules as lambdas": """
import math


class Value:
    def __init__(self, data, parents=(), operation="", label=""):
        self.data, self.grad = float(data), 0.0
        self.parents, self.operation, self.label = list(parents), operation, label
        self.push = lambda: None

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def topological_order(self):
        done = {}

        def visit(node):
            if node not in done:
                for parent in node.parents:
                    visit(parent)
                done[node] = True

        visit(self)
        return list(done)

    def backward(self):
        order = self.topological_order()
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        while order:
            order.pop().push()


def operation(name, function, *slopes):
    def method(*operands):
        operands = [x if isinstance(x, Value) else Value(x) for x in operands]
        numbers = [x.data for x in operands]
        out = Value(function(*numbers), operands, name)

        def push():
            for x, slope in zip(operands, slopes):
                x.grad += slope(*numbers) * out.grad

        out.push = push
        return out

    return method


def swapped(method):
    return lambda self, other: method(other, self)


Value.__add__ = Value.__radd__ = operation("+", lambda x, y: x + y, lambda x, y: 1, lambda x, y: 1)
Value.__mul__ = Value.__rmul__ = operation("*", lambda x, y: x * y, lambda x, y: y, lambda x, y: x)
Value.__sub__ = operation("-", lambda x, y: x - y, lambda x, y: 1, lambda x, y: -1)
Value.__truediv__ = operation("/", lambda x, y: x / y, lambda x, y: 1 / y, lambda x, y: -x / y**2)
Value.__rsub__, Value.__rtruediv__ = swapped(Value.__sub__), swapped(Value.__truediv__)
Value.__neg__ = operation("neg", lambda x: -x, lambda x: -1)
Value.__pow__ = operation("**", lambda x, k: x**k, lambda x, k: k * x ** (k - 1))
Value.exp = operation("exp", math.exp, math.exp)
Value.tanh = operation("tanh", math.tanh, lambda x: 1 - math.tanh(x) ** 2)
Value.relu = operation("relu", lambda x: max(x, 0), lambda x: x > 0)
""",
}
