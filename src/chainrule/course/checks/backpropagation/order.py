"""Exercise 4, topological_order(): which nodes, in which order."""

from __future__ import annotations

from chainrule.course.checking import Case, Mistake, Question
from chainrule.course.checks.backpropagation.examples import AB, LADDER
from chainrule.course.outcomes import Raises, has, one_of

QUESTIONS = (
    # --- first, for what is remembered would spoil every example below
    Question(
        Case(
            'a = Value(2.0, label="a")\nb = a * a\nb.label = "b"\nc = a + a\nc.label = "c"\n'
            "first = [node.label for node in c.topological_order()]\nb.topological_order()\n"
            "again = [node.label for node in c.topological_order()]",
            "(first, again)",
            (["a", "c"], ["a", "c"]),
            look="Value.topological_order",
        ),
        Mistake(
            "the order is kept from call to call",
            wrong=lambda found: found[0] != found[1],
            says="Asked twice, c gives two answers: something is remembered from call to call. A list or set that is a default argument "
            "(or belongs to the class) is made once, not at each call: make it inside the function.",
        ),
    ),
    Question(
        Case("a = Value(2.0)", "type(a.topological_order()).__name__", "list", look="Value.topological_order"),
        Mistake(
            "the order is not returned",
            wrong="NoneType",
            says="topological_order() gives None. The list was made inside it, and has to be handed out: end with return order, at the "
            "level of the function itself, not of visit.",
        ),
    ),
    # --- what an operation gives
    Question(
        Case(f"{AB}c = a + b\nd = a * b", "(type(c).__name__, type(d).__name__)", ("Value", "Value"), look="Value.__add__"),
        Mistake(
            "the result is not returned",
            wrong=has("NoneType"),
            says="One gives None. With the inner function in it, the method has grown; its last line must still be return out.",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nL = a * 3 + 1\nL.backward()", "a.grad", look="Value.__mul__"),
        Mistake(
            "a plain number is left as it is",
            wrong=Raises("AttributeError", "'int' object has no attribute"),
            says="Here 3 and 1 are still plain numbers: they have no data, parents or grad. Make Values of them at the top of __add__ and "
            "__mul__, so that they are nodes like all others.",
        ),
        Mistake(
            "other is made a Value too late",
            wrong=Raises("UnboundLocalError"),
            says="A name that is assigned inside _backward belongs to _backward alone, and has no value there before that line. Assign it "
            "outside, above the inner function; inside, only read it.",
        ),
    ),
    # --- the order
    Question(
        Case(
            'a = Value(2.0, label="a")\nb = a * a\nb.label = "b"\nc = b + b\nc.label = "c"\n'
            "order = [node.label for node in c.topological_order()]",
            "order",
            ["a", "b", "c"],
            look="Value.topological_order",
        ),
        Mistake(
            "a node is listed more than once",
            wrong=lambda found: {"a", "b", "c"} >= set(found) and len(found) > len(set(found)),
            says="There are three Values, and each may stand in the list once: one that is there twice passes its gradient on twice. Keep "
            "a set of the Values that have been visited, and return at once if the node is in it.",
        ),
    ),
    Question(
        Case(
            'a = Value(2.0, label="a")\nb = Value(2.0, label="b")\nL = a * b\nL.label = "L"\n'
            "order = [node.label for node in L.topological_order()]",
            "sorted(order)",
            ["L", "a", "b"],
            look="Value.topological_order",
        ),
        Mistake(
            "Values with the same number are taken for one",
            wrong=one_of(["L", "a"], ["L", "b"]),
            says="a and b both hold 2, and are two Values all the same; one of them was taken for visited when the other had been. "
            "Remember the Values themselves, visited.add(node), and not their data.",
        ),
    ),
    Question(
        Case(LADDER, "order", ["a", "b", "c", "d"], look="Value.topological_order"),
        Mistake(
            "the result is not in the order",
            wrong=lambda found: sorted(found) == ["a", "b", "c"],
            says="The Value that the order is asked of, d, is missing: it belongs at the end, after its parents. Visit self, not only its "
            "parents.",
        ),
    ),
    Question(
        Case(
            'a = Value(2.0, label="a")\nb = a * a\nb.label = "b"\nc = b * b\nc.label = "c"\nd = c * c\nd.label = "d"\n'
            "order = [node.label for node in d.topological_order()]",
            "order",
            ["a", "b", "c", "d"],
            look="Value.topological_order",
        ),
        Mistake(
            "the visit goes no further than the result's parents",
            wrong=["c", "d"],
            says="Only d and its own parent are there; b and a, which c was made from, are missing. Either the visit does not go on from "
            "a parent to that one's parents, or it goes through self.parents each time. To visit a node is to visit the parents of "
            "that node: for parent in node.parents.",
        ),
    ),
    Question(
        Case(LADDER, "order", ["a", "b", "c", "d"], look="Value.topological_order"),
        Mistake(
            "the leaves are not in the order",
            wrong=lambda found: sorted(found) == ["b", "c", "d"],
            says="The leaf a is missing. It has no parents, but it is a Value of the graph like the others, and its gradient is the one "
            "that is wanted. Visit and append every node, also one that has no parents.",
        ),
        Mistake(
            "the order is turned round",
            wrong=["d", "c", "b", "a"],
            says="This goes from the result to the leaf. topological_order() gives parents first; it is backward() that goes through it "
            "in reverse.",
        ),
        Mistake(
            "a node comes before one of its parents",
            wrong=lambda found: sorted(found) == ["a", "b", "c", "d"] and found != ["a", "b", "c", "d"],
            says="c = a * b and d = b * c, so b must come before c, and c before d. It is not enough to list nodes as they are met: a "
            "node may be appended only when all of its parents have been.",
        ),
    ),
    Question(
        Case(
            "seen = []\nclass Watched(tuple):\n    def __iter__(self):\n        seen.append(1)\n"
            "        return super().__iter__()\n"
            "    def __getitem__(self, i):\n        seen.append(1)\n        return super().__getitem__(i)\n\n"
            "b = Value(1.0)\nfor _ in range(12):\n    b = b + b\n    b.parents = Watched(b.parents)\nb.topological_order()",
            "len(seen)",
            12,
            look="Value.topological_order",
        ),
        Mistake(
            "a node is visited again and again",
            wrong=lambda found: found > 1000,
            says="There are 12 sums, and this is how often the parents of one were gone through. Each sum is reached twice from the next, "
            "and each time all that lies before it is walked through again: with 30 sums, two thousand million times. Ask whether a "
            "node has been visited before you go to its parents, not after: if so, return at once.",
        ),
    ),
)
