"""Exercise 2: wrong answers, for each known mistake one, and right ones in other styles."""

WRONG = {
    "a float instead of a Value": [("return Value(self.data + other.data)", "return self.data + other.data")],
    "a float instead of a Value, in the product": [("return Value(self.data * other.data)", "return self.data * other.data")],
    "nothing is returned": [("return Value(self.data + other.data)", "total = Value(self.data + other.data)")],
    "nothing is returned from the product": [("return Value(self.data * other.data)", "product = Value(self.data * other.data)")],
    "a Value is made from a Value": [("other if isinstance(other, Value) else Value(other)", "Value(other)")],
    "a reflected form that reads other.data": [("return self * other", "return Value(self.data * other.data)")],
    "a method that begins with async def": [("def __radd__", "async def __radd__")],
    "a reflected form that gives no Value": [("return self + other", "return self.data + other")],
    "sum is the name of something else": [("class Value:", "sum = 4\n\n\nclass Value:")],
    "a reflected product that adds": [("return self * other", "return self + other")],
    "the gradients are added or multiplied too": [
        (
            "return Value(self.data + other.data)",
            "out = Value(self.data + other.data)\n        out.grad = self.grad + other.grad\n        return out",
        )
    ],
    "the operand is changed": [("return Value(self.data + other.data)", "self.data += other.data\n        return self")],
    "a plain number on the right": [
        (
            "        other = other if isinstance(other, Value) else Value(other)\n        return Value(self.data +",
            "        return Value(self.data +",
        )
    ],
    "a plain number on the right of a product": [
        (
            "        other = other if isinstance(other, Value) else Value(other)\n        return Value(self.data *",
            "        return Value(self.data *",
        )
    ],
    "with a plain number, no Value is returned": [
        (
            "        other = other if isinstance(other, Value) else Value(other)\n        return Value(self.data *",
            "        if not isinstance(other, Value):\n            return self.data * other\n        return Value(self.data *",
        )
    ],
    "no reflected sum": [("def __radd__", "def radd")],
    "no reflected product": [("def __rmul__", "def _rmul_")],
    "a reflected form that calls itself": [("return self + other", "return other + self")],
    "a product that adds": [("self.data * other.data", "self.data + other.data")],
}

RIGHT = {
    "in terms of each other": """
class Value:
    def __init__(self, data):
        self.data, self.grad = float(data), 0.0

    def __repr__(self):
        return "Value(data=%s, grad=%s)" % (self.data, self.grad)

    def __add__(self, other):
        return Value(self.data + getattr(other, "data", other))

    def __mul__(self, other):
        return Value(self.data * getattr(other, "data", other))

    __radd__ = __add__
    __rmul__ = __mul__
""",
    "functions put into the class": """
import operator

class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

def binary(function):
    def method(self, other):
        if not isinstance(other, Value):
            other = Value(other)
        return Value(function(self.data, other.data))
    return method

for name, function in (("add", operator.add), ("mul", operator.mul)):
    setattr(Value, f"__{name}__", binary(function))
    setattr(Value, f"__r{name}__", binary(function))
""",
    "it refuses what it does not know": """
from numbers import Real

class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        match other:
            case Value():
                return Value(self.data + other.data)
            case Real():
                return Value(self.data + other)
        return NotImplemented

    def __mul__(self, other):
        match other:
            case Value():
                return Value(self.data * other.data)
            case Real():
                return Value(self.data * other)
        return NotImplemented

    def __radd__(self, number):
        return Value(number) + self

    def __rmul__(self, number):
        return Value(number) * self
""",
    "everything through float": """
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __float__(self):
        return self.data

    def __add__(self, other):
        return Value(float(self) + float(other))

    def __mul__(self, other):
        return Value(float(self) * float(other))

    def __radd__(self, other):
        return self.__add__(other)

    def __rmul__(self, other):
        return self.__mul__(other)
""",
}
