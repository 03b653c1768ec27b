"""Exercise 3: wrong answers, for each known mistake one, and right ones in other styles."""

HEAD = 'def __init__(self, data, parents=(), operation="", label=""):'
PARENTS, LABEL = "self.parents = tuple(parents)", "self.label = label"
SUM, PRODUCT = 'return Value(self.data + other.data, (self, other), "+")', 'return Value(self.data * other.data, (self, other), "*")'
CONVERT = "        other = other if isinstance(other, Value) else Value(other)\n"

WRONG = {
    "the new arguments have no defaults": [(HEAD, "def __init__(self, data, parents, operation, label):")],
    "__init__ does not take the parents": [
        (HEAD, "def __init__(self, data):\n        parents, operation, label = (), '', ''"),
    ],
    "__init__ does not take a label": [(HEAD, 'def __init__(self, data, parents=(), operation=""):\n        label = ""')],
    "something is not kept, or has another name": [(PARENTS, "self._prev = tuple(parents)"), ("self.operation =", "self._op =")],
    "a leaf has parents": [(PARENTS, "self.parents = [self, *parents]")],
    "parents and operation have changed places": [
        ('(self, other), "+"', '"+", (self, other)'),
        ('(self, other), "*"', '"*", (self, other)'),
    ],
    "the same parent twice": [('(self, other), "*"', '(self, self), "*"')],
    "the parents are None": [("parents=()", "parents=None"), (PARENTS, "self.parents = parents")],
    "the operation or the label is None": [('label=""', "label=None")],
    "the label is not the one given": [(LABEL, 'self.label = ""')],
    "the parents are passed one by one": [(SUM, "return Value(self.data + other.data, self, other)")],
    "the parents are a single Value": [(PARENTS, "self.parents = parents"), (", (self, other)", ", (self)")],
    "the operands get the parents": [
        (SUM, 'out = Value(self.data + other.data, (), "+")\n        self.parents = other.parents = (out,)\n        return out')
    ],
    "all Values share one list of parents": [
        ("parents=()", "parents=[]"),
        (PARENTS, "self.parents = parents"),
        (SUM, 'out = Value(self.data + other.data, operation="+")\n        out.parents += [self, other]\n        return out'),
    ],
    "a sum without parents": [(SUM, 'return Value(self.data + other.data, operation="+")')],
    "a product without parents": [(PRODUCT, "return Value(self.data * other.data)")],
    "numbers as parents": [(", (self, other)", ", (self.data, other.data)")],
    "only one parent": [(", (self, other)", ", (self,)")],
    "copies as parents": [(", (self, other)", ", (Value(self.data), Value(other.data))")],
    "the plain number itself as a parent": [
        (CONVERT, "        number = other.data if isinstance(other, Value) else other\n"),
        ("self.data + other.data", "self.data + number"),
        ("self.data * other.data", "self.data * number"),
    ],
    "a plain number is left out": [
        (
            CONVERT + "        " + SUM,
            "        if not isinstance(other, Value):\n"
            '            return Value(self.data + other, (self,), "+")\n'
            '        return Value(self.data + other.data, (self, other), "+")',
        )
    ],
    "a reflected form without parents": [("return self * other", "return Value(other * self.data)")],
    "no operation": [('(self, other), "+")', "(self, other))"), ('(self, other), "*")', "(self, other))")],
    "the operation is that of the sum": [('"*"', '"+"')],
    "the operation is a word": [('"+"', '"add"'), ('"*"', '"mul"')],
    "the operation is a function": [('"+"', "float.__add__"), ('"*"', "float.__mul__")],
}

RIGHT = {
    "sets for parents": [(PARENTS, "self.parents = set(parents)")],
    "lists, filled afterwards": """
class Value:
    def __init__(self, data, parents=None, operation="", label=""):
        self.data, self.grad = float(data), 0.0
        self.parents = [] if parents is None else list(parents)
        self.operation, self.label = operation, label

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad}, label={self.label!r})"

    def _made(self, other, operation):
        other = other if isinstance(other, Value) else Value(other)
        result = Value(self.data + other.data if operation == "+" else self.data * other.data)
        result.operation = operation
        result.parents.append(self)
        result.parents.append(other)
        return result

    def __add__(self, other):
        return self._made(other, "+")

    def __mul__(self, other):
        return self._made(other, "*")

    __radd__, __rmul__ = __add__, __mul__
""",
    "a data class": """
import operator
from dataclasses import dataclass, field

@dataclass(eq=False)
class Value:
    data: float
    parents: tuple = ()
    operation: str = ""
    label: str = ""
    grad: float = field(default=0.0, kw_only=True)

    def __post_init__(self):
        self.data = float(self.data)

def define(sign, function):
    def method(self, other):
        if not isinstance(other, Value):
            other = Value(other)
        return Value(function(self.data, other.data), (self, other), sign)
    return method

Value.__add__ = Value.__radd__ = define("+", operator.add)
Value.__mul__ = Value.__rmul__ = define("*", operator.mul)
""",
    "the reflected forms put their operand first": """
class Value:
    def __init__(self, data, parents=(), operation="", label=""):
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents
        self.operation = operation
        self.label = label

    def __add__(self, other):
        if isinstance(other, (int, float)):
            return self + Value(other)
        return Value(self.data + other.data, parents=[self, other], operation="+")

    def __mul__(self, other):
        if isinstance(other, (int, float)):
            return self * Value(other)
        return Value(self.data * other.data, parents=[self, other], operation="*")

    def __radd__(self, other):
        return Value(other) + self

    def __rmul__(self, other):
        return Value(other) * self
""",
}
