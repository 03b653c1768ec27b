"""Exercise 4: wrong answers, for each known mistake one, and right ones in other styles."""

BACKWARD = """        order = self.topological_order()
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            node._backward()"""
ORDER = """        order, visited = [], set()

        def visit(node):
            if node in visited:
                return
            visited.add(node)
            for parent in node.parents:
                visit(parent)
            # All parents are in the list by now, so this is the moment for the node itself.
            order.append(node)

        visit(self)
        return order"""
CONVERT = "        other = other if isinstance(other, Value) else Value(other)\n"
SUM = """            self.grad += 1.0 * out.grad
            other.grad += 1.0 * out.grad"""
PRODUCT = """            self.grad += other.data * out.grad
            other.grad += self.data * out.grad"""

# Goes from node to node without looking at topological_order(): zeroes, seeds, and then calls a function of the answer's.
OWN_WAY = """        for node in self.topological_order():
            node.grad = 0.0
        self.grad = 1.0
        """

KEEP = "        out._backward = _backward\n        return out"
SUM_KEPT, PRODUCT_KEPT = f"{SUM}\n\n{KEEP}", f"{PRODUCT}\n\n{KEEP}"
MADE_SUM, MADE_PRODUCT = (f'out = Value(self.data {sign} other.data, (self, other), "{sign}")' for sign in "+*")

WRONG = {
    "the order is not returned": [("        visit(self)\n        return order", "        visit(self)")],
    "the visit goes no further than the result's parents": [("for parent in node.parents", "for parent in self.parents")],
    "a node is visited again and again": [
        ("            if node in visited:\n                return\n            visited.add(node)\n", ""),
        (
            "            order.append(node)",
            "            if node not in visited:\n                visited.add(node)\n                order.append(node)",
        ),
    ],
    "the sum's rule is kept in an operand": [(SUM_KEPT, SUM_KEPT.replace("out._backward", "self._backward"))],
    "the product's rule is kept in an operand": [(PRODUCT_KEPT, PRODUCT_KEPT.replace("out._backward", "self._backward"))],
    "the gradients are wiped out after use": [
        ("            node._backward()", "            node._backward()\n            node.grad = 0.0")
    ],
    "the sum reads its gradient too early": [
        (MADE_SUM, f"{MADE_SUM}\n        g = out.grad"),
        ("+= 1.0 * out.grad", "+= 1.0 * g"),
    ],
    "the product reads its gradient too early": [
        (MADE_PRODUCT, f"{MADE_PRODUCT}\n        g = out.grad"),
        (PRODUCT, PRODUCT.replace("out.grad", "g")),
    ],
    "the product multiplies by out.data": [(PRODUCT, PRODUCT.replace("out.grad", "out.data"))],
    "the product uses its own number as the slope": [
        (PRODUCT, PRODUCT.replace("other.data *", "out.data *").replace("self.data *", "out.data *"))
    ],
    "the sum passes on its own number": [("+= 1.0 * out.grad", "+= out.data")],
    "the sum's rule is never called": [(SUM_KEPT, SUM_KEPT.replace("        out._backward = _backward\n", ""))],
    "the result is not returned": [("        out._backward = _backward\n        return out", "        out._backward = _backward")],
    "a plain number is left as it is": [
        (CONVERT, ""),
        ("self.data + other.data", "self.data + (other.data if isinstance(other, Value) else other)"),
        ("Value(self.data * other.data,", "Value(self.data * (other.data if isinstance(other, Value) else other),"),
    ],
    "other is made a Value too late": [
        (f'{CONVERT}        out = Value(self.data * other.data, (self, other), "*")', '        out = Value(self.data * 3, (self,), "*")'),
        (PRODUCT, f"    {CONVERT}{PRODUCT}"),
    ],
    "the order is kept from call to call": [
        ("def topological_order(self):", "def topological_order(self, order=[], visited=set()):"),
        ("        order, visited = [], set()\n", ""),
    ],
    "a node is listed more than once": [("            if node in visited:\n                return\n", "")],
    "Values with the same number are taken for one": [
        ("if node in visited", "if node.data in visited"),
        ("visited.add(node)", "visited.add(node.data)"),
    ],
    "the result is not in the order": [
        ("        visit(self)\n", "        visited.add(self)\n        for parent in self.parents:\n            visit(parent)\n")
    ],
    "the leaves are not in the order": [
        ("            order.append(node)", "            if node.parents:\n                order.append(node)")
    ],
    "the order is reversed": [("        return order", "        return order[::-1]"), ("reversed(order)", "order")],
    "a node comes before one of its parents": [
        (
            ORDER,
            """        order, visited = [], set()

        def visit(node):
            if node not in visited:
                visited.add(node)
                order.append(node)
                for parent in node.parents:
                    visit(parent)

        visit(self)
        return order[::-1]""",
        )
    ],
    "the rule is called, not kept": [("out._backward = _backward\n", "out._backward = _backward()\n")],
    "no seed": [
        ("        order = self.topological_order()\n", "        self.grad = 1.0\n        order = self.topological_order()\n"),
        ("        self.grad = 1.0\n        for", "        for"),
    ],
    "every gradient begins at 1": [("            node.grad = 0.0\n", "            node.grad = 1.0\n")],
    "every node's backward is called": [
        (
            BACKWARD,
            "        self.grad = 1.0\n        self._backward()\n        for parent in self.parents:\n            parent.backward()",
        )
    ],
    "the sum's rule takes the wrong gradient": [("self.grad += 1.0 * out.grad", "self.grad += 1.0 * self.grad")],
    "the product's rule takes the wrong gradient": [
        ("self.grad += other.data * out.grad", "self.grad += other.data * self.grad"),
        ("other.grad += self.data * out.grad", "other.grad += self.data * other.grad"),
    ],
    "the product's rule is never called": [("node._backward()", "node._backward")],
    "the product's factors are swapped": [
        ("self.grad += other.data * out.grad", "self.grad += self.data * out.grad"),
        ("other.grad += self.data * out.grad", "other.grad += other.data * out.grad"),
    ],
    "the product passes on 1": [(PRODUCT, SUM)],
    "the sum passes on the operands": [(SUM, PRODUCT)],
    "only the first factor gets a gradient": [("            other.grad += self.data * out.grad\n", "")],
    "only the first summand gets a gradient": [("            other.grad += 1.0 * out.grad\n", "")],
    "the sweep goes forward": [("for node in reversed(order)", "for node in order")],
    "the product forgets what arrives": [
        ("self.grad += other.data * out.grad", "self.grad += other.data"),
        ("other.grad += self.data * out.grad", "other.grad += self.data"),
    ],
    "the sum forgets what arrives": [("+= 1.0 * out.grad", "+= 1.0")],
    "= instead of += in the sum": [("+= 1.0 * out.grad", "= 1.0 * out.grad")],
    "= instead of += in the product": [
        ("self.grad += other.data * out.grad", "self.grad = other.data * out.grad"),
        ("other.grad += self.data * out.grad", "other.grad = self.data * out.grad"),
    ],
    "the same Value on both sides counts once": [
        (SUM, "            for parent in {self, other}:\n                parent.grad += out.grad"),
        (
            PRODUCT,
            "            for parent, slope in {self: other.data, other: self.data}.items():\n"
            "                parent.grad += slope * out.grad",
        ),
    ],
    "a shared node passes its gradient on twice": [
        (
            BACKWARD,
            OWN_WAY
            + """def visit(node):
            node._backward()
            for parent in node.parents:
                visit(parent)

        visit(self)""",
        )
    ],
    "a shared node passes its gradient on too early": [
        (
            BACKWARD,
            OWN_WAY
            + """visited = set()

        def visit(node):
            if node not in visited:
                visited.add(node)
                node._backward()
                for parent in node.parents:
                    visit(parent)

        visit(self)""",
        )
    ],
    "a second backward adds to the first": [("        for node in order:\n            node.grad = 0.0\n", "")],
    "the gradients in between are kept": [
        ("            node.grad = 0.0\n", "            if not node.parents:\n                node.grad = 0.0\n")
    ],
}

RIGHT = {
    "a stack on which a node waits for its parents, by index": [
        (
            ORDER,
            """        order, done, todo = [], set(), [self]
        while todo:
            node = todo[-1]
            missing = [node.parents[i] for i in range(len(node.parents)) if node.parents[i] not in done]
            if missing:
                todo += missing
                continue
            if todo.pop() not in done:
                done.add(node)
                order.append(node)
        return order""",
        )
    ],
    "round after round, whatever has all its parents": [
        (
            ORDER,
            """        found, order = [self], []
        for node in found:
            found += [parent for parent in set(node.parents) if parent not in found]
        while len(order) < len(found):
            order += [node for node in found if node not in order and all(parent in order for parent in node.parents)]
        return order""",
        )
    ],
    "local slopes kept in a tuple, one rule for all, an explicit stack": """
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
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data + other.data, (self, other), "+", slopes=(1.0, 1.0))

    def __mul__(self, other):
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data * other.data, (self, other), "*", slopes=(other.data, self.data))

    __radd__ = __add__
    __rmul__ = __mul__

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
    "Kahn's algorithm, sets of parents": """
class Value:
    def __init__(self, data, parents=(), operation="", label=""):
        self.data, self.grad = float(data), 0.0
        self.parents, self.operation, self.label = set(parents), operation, label
        self._backward = None

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def push():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = push
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def push():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = push
        return out

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def topological_order(self):
        uses, found = {self: 0}, [self]
        for node in found:
            for parent in node.parents:
                if parent not in uses:
                    uses[parent] = 0
                    found.append(parent)
                uses[parent] += 1
        ready, order = [self], []
        while ready:
            node = ready.pop(0)
            order.append(node)
            for parent in node.parents:
                uses[parent] -= 1
                if not uses[parent]:
                    ready.append(parent)
        order.reverse()
        return tuple(order)

    def backward(self):
        order = self.topological_order()
        for node in order:
            node.grad = float(node is self)
        for node in order[::-1]:
            if node._backward:
                node._backward()
""",
    "sorted by birth, a method with a case for each operation, lists of parents": """
from itertools import count

births = count()

class Value:
    def __init__(self, data, parents=(), operation="", label=""):
        self.data = float(data)
        self.grad = 0.0
        self.parents = list(parents)
        self.operation = operation
        self.label = label
        self.birth = next(births)

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, [self, other], "+")

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, [self, other], "*")

    __radd__, __rmul__ = __add__, __mul__

    def _backward(self):
        if self.operation == "+":
            for parent in self.parents:
                parent.grad += self.grad
        elif self.operation == "*":
            left, right = self.parents
            left.grad += right.data * self.grad
            right.grad += left.data * self.grad

    def topological_order(self):
        found, todo = {self}, [self]
        while todo:
            new = set(todo.pop().parents) - found
            found |= new
            todo += new
        return sorted(found, key=lambda node: node.birth)

    def backward(self):
        *before, last = self.topological_order()
        for node in before:
            node.grad = 0.0
        last.grad = 1.0
        for node in [last, *before[::-1]]:
            node._backward()
""",
    "a generator, and rules that return what each parent gets": """
class Value:
    def __init__(self, data, parents=(), operation="", label="", rule=None):
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents
        self.operation = operation
        self.label = label
        self.rule = rule or (lambda gradient: ())

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, (self, other), "+", rule=lambda gradient: (gradient, gradient))

    def __mul__(self, other):
        other = as_value(other)
        return Value(
            self.data * other.data, (self, other), "*", rule=lambda gradient: (other.data * gradient, self.data * gradient)
        )

    def __radd__(self, other):
        return as_value(other) + self

    def __rmul__(self, other):
        return as_value(other) * self

    def _walk(self, visited):
        if id(self) not in visited:
            visited.add(id(self))
            for parent in self.parents:
                yield from parent._walk(visited)
            yield self

    def topological_order(self):
        return list(self._walk(set()))

    def backward(self):
        gradients = {id(self): 1.0}
        for node in reversed(self.topological_order()):
            node.grad = gradients[id(node)]
            for parent, gradient in zip(node.parents, node.rule(node.grad)):
                gradients[id(parent)] = gradients.get(id(parent), 0.0) + gradient


def as_value(x):
    return x if isinstance(x, Value) else Value(x)
""",
}
