"""Exercise 1: wrong answers, for each known mistake one, and right ones in other styles."""

KEPT, REPR = "self.data = float(data)", 'return f"Value(data={self.data}, grad={self.grad})"'

WRONG = {
    "__init__ has another name": [("def __init__", "def __int__")],
    "__init__ lacks an argument": [("def __init__(self, data):", "def __init__(data):")],
    "__init__ returns something": [("self.grad = 0.0", "self.grad = 0.0\n        return self")],
    "the number is kept under another name": [(KEPT, "self.value = float(data)")],
    "the number is not kept": [(KEPT, "data = float(data)")],
    "no gradient": [("self.grad = 0.0", "grad = 0.0")],
    "all Values share one number": [(KEPT, "Value.data = float(data)")],
    "the number is cut to an integer": [(KEPT, "self.data = int(data)")],
    "an integer stays an integer": [(KEPT, "self.data = data")],
    "the gradient is None": [("self.grad = 0.0", "self.grad = None")],
    "the gradient begins at one": [("self.grad = 0.0", "self.grad = 1.0")],
    "the gradient begins as the data": [("self.grad = 0.0", "self.grad = self.data")],
    "__str__ instead of __repr__": [("def __repr__", "def __str__")],
    "no __repr__": [("def __repr__", "def _repr_")],
    "__repr__ lacks self": [("def __repr__(self)", "def __repr__()")],
    "data instead of self.data": [("{self.data}", "{data}")],
    "the text has other spaces or quotes": [(REPR, 'return f"Value(data={self.data},grad={self.grad})"')],
    "the text lacks the gradient": [(", grad={self.grad}", "")],
    "__repr__ prints instead of returning": [(REPR, 'print(f"Value(data={self.data}, grad={self.grad})")')],
    "__repr__ returns no text": [(REPR, "return self.data, self.grad")],
    "a text without its numbers": [('return f"Value', 'return "Value')],
    "the text is always the same": [(REPR, 'return "Value(data=2.0, grad=0.0)"')],
    "the text has a gradient of its own": [(REPR, 'return f"Value(data={self.data}, grad=0.0)"')],
    "the text rounds": [(REPR, 'return f"Value(data={self.data:.1f}, grad={self.grad:.1f})"')],
}

RIGHT = {
    "a data class": """
from dataclasses import dataclass

@dataclass
class Value:
    data: float
    grad: float = 0.0

    def __post_init__(self):
        self.data = float(self.data)
""",
    "slots and the old formatting": """
class Value:
    __slots__ = ("data", "grad")

    def __init__(self, data):
        self.data, self.grad = 1.0 * data, 0.0

    def __repr__(self):
        return "Value(data=%r, grad=%r)" % (self.data, self.grad)
""",
    "a property": """
class Value(object):
    grad = 0.0

    def __init__(self, data):
        self.data = data

    @property
    def data(self):
        return self._data

    @data.setter
    def data(self, number):
        self._data = float(number)

    def __repr__(self):
        return "Value(data=" + str(self.data) + ", grad=" + str(self.grad) + ")"

    __str__ = __repr__
""",
    "a text made from the attributes": """
class Value:
    def __init__(self, data):
        vars(self).update(data=float(data), grad=0.0)

    def __repr__(self):
        inner = ", ".join(f"{name}={number}" for name, number in vars(self).items())
        return f"{type(self).__name__}({inner})"
""",
}
