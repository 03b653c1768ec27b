"""Exercise 4, topological_order(): which nodes, in which order."""

from __future__ import annotations

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.backpropagation.examples import AB, LADDER
from chainrule.course.outcomes import Raises, has, one_of

DIAGNOSES = (
    # --- first, for what is remembered would spoil every example below
    Diagnosis(
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
            says="Two calls for c give two different answers, so something is kept from call to call. A list or set that is a default "
            "argument (or belongs to the class) is made once, not at each call: make it inside the function.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)", "type(a.topological_order()).__name__", "list", look="Value.topological_order"),
        Mistake(
            "the order is not returned",
            wrong="NoneType",
            says="topological_order() returns None. Return the list that it has made: end with return order, in the function itself, not "
            "in visit.",
        ),
    ),
    # --- what an operation gives
    Diagnosis(
        Case(f"{AB}c = a + b\nd = a * b", "(type(c).__name__, type(d).__name__)", ("Value", "Value"), look="Value.__add__"),
        Mistake(
            "the result is not returned",
            wrong=has("NoneType"),
            says="One of them gives None. The method now contains an inner function; its last line must still be return out.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nL = a * 3 + 1\nL.backward()", "a.grad", look="Value.__mul__"),
        Mistake(
            "a plain number is left as it is",
            wrong=Raises("AttributeError", "'int' object has no attribute"),
            says="Here 3 and 1 are still plain numbers: they have no data, parents or grad. Turn them into Values at the top of __add__ "
            "and __mul__, so that they are nodes like all others.",
        ),
        Mistake(
            "other is made a Value too late",
            wrong=Raises("UnboundLocalError"),
            says="A name that is assigned inside _backward is local to _backward, and has no value there before that line. Assign it "
            "above the inner function, and only read it inside.",
        ),
    ),
    # --- the order
    Diagnosis(
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
            says="There are three Values, and each must be in the list once: a node that is there twice passes its gradient on twice. "
            "Keep a set of the Values that have been visited, and return at once if the node is in it.",
        ),
    ),
    Diagnosis(
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
            says="a and b both hold 2, but they are two different Values; when one had been visited, the other was treated as visited "
            "too. Keep the Values themselves, visited.add(node), and not their data.",
        ),
    ),
    Diagnosis(
        Case(LADDER, "order", ["a", "b", "c", "d"], look="Value.topological_order"),
        Mistake(
            "the result is not in the order",
            wrong=lambda found: sorted(found) == ["a", "b", "c"],
            says="d, the Value for which the order was made, is missing: it belongs at the end, after its parents. Visit self, not only "
            "its parents.",
        ),
    ),
    Diagnosis(
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
            says="Only d and its own parent are there; b and a, from which c was made, are missing. Either visiting a parent does not "
            "visit that parent's own parents, or it goes through self.parents each time. A visit of a node must visit the parents "
            "of that node: for parent in node.parents.",
        ),
    ),
    Diagnosis(
        Case(LADDER, "order", ["a", "b", "c", "d"], look="Value.topological_order"),
        Mistake(
            "the leaves are not in the order",
            wrong=lambda found: sorted(found) == ["b", "c", "d"],
            says="The leaf a is missing. It has no parents, but it is a node of the graph like the others, and its gradient is the one "
            "that you want. Visit and append every node, also one without parents.",
        ),
        Mistake(
            "the order is reversed",
            wrong=["d", "c", "b", "a"],
            says="This list goes from the result to the leaf. topological_order() gives parents first; backward() then goes through it "
            "in reverse.",
        ),
        Mistake(
            "a node comes before one of its parents",
            wrong=lambda found: sorted(found) == ["a", "b", "c", "d"] and found != ["a", "b", "c", "d"],
            says="c = a * b and d = b * c, so b must come before c, and c before d. It is not enough to list nodes as you meet them: "
            "append a node only after all of its parents have been appended.",
        ),
    ),
    Diagnosis(
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
            says="There are 12 sums, and this is how many times the parents of a sum were read. Each sum is reached twice from the next "
            "one, and each time everything before it is visited again: with 30 sums, that is two thousand million visits. Check "
            "whether a node has been visited before you go to its parents, not after; if it has, return at once.",
        ),
    ),
)
