"""Exercise 4: backpropagation."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from chainrule.course.checking import Case, Checks, Mistake, Question
from chainrule.course.outcomes import Raises, has, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

AB = "a = Value(2.0)\nb = Value(-3.0)\n"
LADDER = (
    'a = Value(2.0, label="a")\n'
    'b = a * a\nb.label = "b"\n'
    'c = a * b\nc.label = "c"\n'
    'd = b * c\nd.label = "d"\n'
    "order = [node.label for node in d.topological_order()]"
)
SHARED = "a = Value(2.0)\nb = a * 3\nL = b * 4 + b * 5\nL.backward()"
CHAIN = "a = Value(2.0)\nb = a * 3\nL = b * 4\nL.backward()"
BY_HAND = "a.grad, b.grad, L.grad = 10.0, 10.0, 1.0\nL._backward()"


def _only_one(found: Any) -> bool:
    """Only one of the operands got a gradient."""
    return 0.0 in found and found != (0.0, 0.0)


def _in_an_operand(operation: str, right: tuple[float, float], look: str, name: str) -> Question:
    """The mistake of keeping the rule in an operand in place of the result."""
    example = (
        f'{AB}before = [getattr(node, "_backward", None) for node in (a, b)]\n'
        f"L = (a {operation} b) + (a {operation} b)\n"
        'changed = before != [getattr(node, "_backward", None) for node in (a, b)]\nL.backward()'
    )
    return Question(
        Case(example, "(changed, a.grad, b.grad)", (False, *right), look=look),
        Mistake(
            f"the {name}'s rule is kept in an operand",
            wrong=lambda found: found[0] is True and found[1:] != right,
            says=f"a {operation} b has changed the rule of one of its operands: the function was kept in self._backward or "
            "other._backward. There is room for one there, so a second use of the operand replaces the first. A rule belongs to the "
            "result: out._backward = _backward.",
        ),
    )


def _too_early(operation: str, right: tuple[float, float], look: str, name: str) -> Question:
    """The mistake of reading the result's gradient when the rule is made, not when it is called."""
    example = (
        f"{AB}L = a {operation} b\n"
        "kept = [cell.cell_contents for cell in L._backward.__closure__ or ()] + list(L._backward.__defaults__ or ())\n"
        "numbers = [number for number in kept if isinstance(number, (int, float))]\nL.backward()"
    )
    return Question(
        Case(example, "(0.0 in numbers, a.grad, b.grad)", (False, *right), look=look),
        Mistake(
            f"the {name} reads its gradient too early",
            wrong=(True, 0.0, 0.0),
            says="The rule keeps a 0.0, and multiplies by it: that is what out.grad was when out was made. The gradient arrives later, "
            "during backward(), so read out.grad inside the inner function, which runs then.",
        ),
    )


def _never(operation: str, right: tuple[float, float], look: str, name: str) -> Question:
    """The mistake of a rule that does not run, or does nothing."""
    return Question(
        Case(f"{AB}L = a {operation} b\nL.backward()", "(L.grad, a.grad, b.grad)", (1.0, *right), look=look),
        Mistake(
            f"the {name}'s rule is never called",
            wrong=(1.0, 0.0, 0.0),
            says="L has its gradient, 1, but a and b got nothing. Either the function is never kept (out._backward = _backward, without "
            "parentheses), or backward() never calls it (node._backward(), with parentheses), or it is called and what it works out is "
            "not added (self.grad += ..., and the same for other.grad).",
        ),
    )


def random_programs() -> Iterator[Case]:
    """Formulas in which Values are used again and again, the short ones first."""
    rng = random.Random(4)
    for lines in (1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 10, 12):
        names = ["a", "b"]
        text = f"a = Value({rng.choice((2.0, -1.5, 3.0))})\nb = Value({rng.choice((-3.0, 0.5, 4.0))})\n"
        for number in range(lines):
            new = "L" if number == lines - 1 else f"v{number}"
            left = names[-1] if number else rng.choice(names)
            right = rng.choice([*names, *names, "2", "0.5"])
            if rng.random() < 0.5 and left != right and right in names:
                left, right = right, left
            text += f"{new} = {left} {rng.choice('+*')} {right}\n"
            names.append(new)
        shown = ", ".join(f"{name}.grad" for name in names if name in ("a", "b", *text.partition("L = ")[2].split()))
        yield Case(f"{text}L.backward()", f"({shown})", look="Value.backward")


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
    # --- what backward starts with
    Question(
        Case(f"{AB}L = a * b\nL.backward()", "(a.grad, b.grad)", look="Value.__mul__"),
        Mistake(
            "the rule is called, not kept",
            wrong=Raises("TypeError", "'NoneType' object is not callable"),
            says="_backward() with parentheses calls the function at once and keeps what it returns, None. Keep the function itself, "
            "without parentheses: out._backward = _backward.",
        ),
    ),
    _in_an_operand("+", (2.0, 2.0), "Value.__add__", "sum"),
    _in_an_operand("*", (-6.0, 4.0), "Value.__mul__", "product"),
    Question(
        Case(
            f"{AB}L = a * b\nrule, seen = L._backward, []\ndef watched():\n    rule()\n    seen.extend([L.grad, a.grad])\n\n"
            "L._backward = watched\nL.backward()",
            "(seen, [L.grad, a.grad])",
            ([1.0, -3.0], [1.0, -3.0]),
            look="Value.backward",
        ),
        Mistake(
            "the gradients are wiped out after use",
            wrong=lambda found: len(found[0]) == 2 and found[0][0] == 1.0 and any(b == 0.0 != a for a, b in zip(*found, strict=True)),
            says="The first list was written down right after L's rule had run, the second after backward(): what was there has become 0. "
            "The gradients are what backward() is asked for, so they have to stay. Set all of them to zero before the sweep, in a "
            "loop of its own, and none in the sweep or after it.",
        ),
    ),
    Question(
        Case(f"{AB}L = a * b\nL.backward()", "(L.grad, a.grad, b.grad)", (1.0, -3.0, 2.0), look="Value.backward"),
        Mistake(
            "no seed",
            wrong=lambda found: found[0] == 0.0,
            says="dL/dL is 1, but L.grad is 0 after backward(). Either it was never set to 1, or it was set to 0 again later. First set "
            "the gradients of all nodes to zero, then self.grad = 1.0, and only then begin the sweep, which sets none to zero.",
        ),
    ),
    Question(
        Case(f"{AB}L = a + b\nL.backward()", "(L.grad, a.grad, b.grad)", (1.0, 1.0, 1.0), look="Value.backward"),
        Mistake(
            "every gradient begins at 1",
            wrong=(1.0, 2.0, 2.0),
            says="a got 1 from L, and there was a 1 before. Only the gradient of the result begins at 1, since dL/dL is 1; all others "
            "begin at 0.",
        ),
    ),
    Question(
        Case(
            f"{AB}L = a * b\nL.backward()\nfound = a.grad, b.grad\na.grad, b.grad, L.grad = 0.0, 0.0, 1.0\n"
            "L._backward()\nrule_alone = a.grad, b.grad",
            "(found, rule_alone)",
            ((-3.0, 2.0), (-3.0, 2.0)),
            look="Value.backward",
        ),
        Mistake(
            "every node's backward is called",
            wrong=((1.0, 1.0), (-3.0, 2.0)),
            says="The product's rule alone is right, and after L.backward() a and b have a 1: each began anew as if it were the result. "
            "backward() is for the result; for every node in the order it calls _backward(), with the underscore.",
        ),
    ),
    # --- the rules, one operation at a time
    Question(
        Case(f"{AB}L = a + b\n{BY_HAND}", "(a.grad, b.grad)", (11.0, 11.0), look="Value.__add__"),
        Mistake(
            "the sum's rule takes the wrong gradient",
            wrong=has(20.0),
            says="L.grad is 1, so each operand gets 1 more than it had. Here an operand's own gradient was taken in place of the "
            "result's: what arrives from above is in out.grad.",
        ),
    ),
    Question(
        Case(f"{AB}L = a * b\n{BY_HAND}", "(a.grad, b.grad)", (7.0, 12.0), look="Value.__mul__"),
        Mistake(
            "the product's rule takes the wrong gradient",
            wrong=has(-20.0, -30.0, 30.0, 20.0),
            says="L.grad is 1, so a gets b.data * 1 = -3 more than it had. Here an operand's own gradient was multiplied in place of the "
            "result's: what arrives from above is in out.grad.",
        ),
    ),
    _too_early("*", (-3.0, 2.0), "Value.__mul__", "product"),
    _too_early("+", (1.0, 1.0), "Value.__add__", "sum"),
    _never("*", (-3.0, 2.0), "Value.__mul__", "product"),
    _never("+", (1.0, 1.0), "Value.__add__", "sum"),
    Question(
        Case(f"{AB}L = a * b\nL.backward()", "(a.grad, b.grad)", (-3.0, 2.0), look="Value.__mul__"),
        Mistake(
            "the product's factors are swapped",
            wrong=(2.0, -3.0),
            says="Each got its own number. If a grows by 1, a * b grows by b: the slope of a product in one factor is the other factor.",
        ),
        Mistake(
            "the product multiplies by out.data",
            wrong=(18.0, -12.0),
            says="Each slope, -3 and 2, was multiplied by -6, which is out.data, the product itself. What arrives from above is the "
            "gradient of the result: out.grad, here 1.",
        ),
        Mistake(
            "the product takes its own number for the slope",
            wrong=(-6.0, -6.0),
            says="Each got -6, which is the product itself. If a grows by 1, a * b grows by b: the slope in one factor is the other.",
        ),
        Mistake(
            "the product passes on 1",
            wrong=(1.0, 1.0),
            says="This is the rule of the sum, copied. If a grows by 1, a * b grows by b: multiply what arrives by the other factor.",
        ),
    ),
    Question(
        Case(f"{AB}L = a + b\nL.backward()", "(a.grad, b.grad)", (1.0, 1.0), look="Value.__add__"),
        Mistake(
            "the sum passes on the operands",
            wrong=one_of((-3.0, 2.0), (2.0, -3.0)),
            says="If a grows by 1, a + b grows by 1, whatever the numbers are: the sum passes on what arrives as it is.",
        ),
        Mistake(
            "the sum passes on its own number",
            wrong=(-1.0, -1.0),
            says="Each got -1, which is out.data, the sum itself. What a sum passes on is what arrives from above: out.grad, here 1.",
        ),
    ),
    Question(
        Case(f"{AB}L = a * b\nL.backward()", "(a.grad, b.grad)", (-3.0, 2.0), look="Value.__mul__"),
        Mistake(
            "only the first factor gets a gradient",
            wrong=_only_one,
            says="L depends on both factors, so _backward has a line for each: one for self.grad and one for other.grad.",
        ),
    ),
    Question(
        Case(f"{AB}L = a + b\nL.backward()", "(a.grad, b.grad)", (1.0, 1.0), look="Value.__add__"),
        Mistake(
            "only the first summand gets a gradient",
            wrong=_only_one,
            says="L depends on both summands, so _backward has a line for each: one for self.grad and one for other.grad.",
        ),
    ),
    # --- the sweep
    Question(
        Case(CHAIN, "(b.grad, a.grad)", (4.0, 12.0), look="Value.backward"),
        Mistake(
            "the sweep goes forward",
            wrong=(4.0, 0.0),
            says="b got its gradient, but its own rule ran before that (and passed on 0), or did not run at all. Go from the result to "
            "the leaves: for node in reversed(order), and call each one's _backward.",
        ),
    ),
    Question(
        Case(CHAIN, "(b.grad, a.grad)", (4.0, 12.0), look="Value.__mul__"),
        Mistake(
            "the product forgets what arrives",
            wrong=(4.0, 3.0),
            says="db/da is 3, and dL/db is 4; the chain rule multiplies them. Here only the 3 was added: it lacks the factor out.grad.",
        ),
    ),
    Question(
        Case(
            "a = Value(2.0)\nb = Value(-3.0)\nc = a + b\nL = c * 4\nL.backward()",
            "(c.grad, a.grad, b.grad)",
            (4.0, 4.0, 4.0),
            look="Value.__add__",
        ),
        Mistake(
            "the sum forgets what arrives",
            wrong=(4.0, 1.0, 1.0),
            says="dc/da is 1, and dL/dc is 4; the chain rule multiplies them. Here only the 1 was added: it lacks the factor out.grad.",
        ),
    ),
    # --- a node with several uses
    Question(
        Case(
            "a = Value(2.0)\nb = Value(-3.0)\nL = 2 * (a + b) + 3 * (b + a)\nL.backward()",
            "(a.grad, b.grad)",
            (5.0, 5.0),
            look="Value.__add__",
        ),
        Mistake(
            "= instead of += in the sum",
            wrong=has(2.0, 3.0),
            says="a and b are used twice here: one use brings 2, the other 3, and the gradient is their sum, 5. Only one of them is left: "
            "with =, the second wipes out the first. Write += for both operands.",
        ),
    ),
    Question(
        Case("a = Value(2.0)\nb = Value(-3.0)\nL = a * b + b * a\nL.backward()", "(a.grad, b.grad)", (-6.0, 4.0), look="Value.__mul__"),
        Mistake(
            "= instead of += in the product",
            wrong=has(-3.0, 2.0),
            says="a is used twice here, and each use brings -3; the gradient is their sum, -6 (and 2 + 2 = 4 for b). One of them is lost: "
            "with =, the second wipes out the first. Write += for both operands.",
        ),
    ),
    Question(
        Case(
            "a = Value(3.0)\nb = a + a\nb.backward()\nfirst = a.grad\nc = a * a\nc.backward()",
            "(first, a.grad)",
            (2.0, 6.0),
            look="Value.__add__",
        ),
        Mistake(
            "the same Value on both sides counts once",
            wrong=lambda found: found[0] == 1.0 or found[1] == 3.0,
            says="In a + a, the a on the left brings 1 and the a on the right brings 1; in a * a, each brings 3. One of the two is lost: "
            "a set or dict of parents holds a only once, so keep what belongs to each operand in a tuple or list.",
        ),
    ),
    Question(
        Case(SHARED, "(b.grad, a.grad)", (9.0, 27.0), look="Value.backward"),
        Mistake(
            "a shared node passes its gradient on twice",
            wrong=one_of((9.0, 39.0), (9.0, 42.0), (9.0, 54.0)),
            says="b has two uses, so its gradient is 4 + 5 = 9, and a's is 3 * 9 = 27. Here b's rule ran once for each use. Call each "
            "node's _backward once, in the reverse of topological_order(): going from a node to its parents' backward() calls it once "
            "per path.",
        ),
        Mistake(
            "a shared node passes its gradient on too early",
            wrong=one_of((9.0, 12.0), (9.0, 15.0)),
            says="b has two uses, so its gradient is 4 + 5 = 9, and a's is 3 * 9 = 27. Here b's rule ran when only one of the two had "
            "arrived. A node's turn comes after all that use it: go through topological_order() in reverse.",
        ),
    ),
    # --- a second time
    Question(
        Case(f"{AB}L = a * b\nL.backward()\nL.backward()", "(a.grad, b.grad)", (-3.0, 2.0), look="Value.backward"),
        Mistake(
            "a second backward adds to the first",
            wrong=one_of((-6.0, 4.0), (-9.0, 6.0)),
            says="L is the same, so its derivatives are the same, -3 and 2; these are what the first backward() left, with the second on "
            "top. Set the gradient of every node to zero before the sweep.",
        ),
    ),
    Question(
        Case(f"{CHAIN}\nL.backward()", "(b.grad, a.grad)", (4.0, 12.0), look="Value.backward"),
        Mistake(
            "the gradients in between are kept",
            wrong=lambda found: found[0] in (8.0, 12.0),
            says="The second backward() found b with the 4 of the first, and added to it. Not only the leaves and the result: every node "
            "of the graph begins at zero.",
        ),
    ),
)

CHECKS = Checks(
    requires=("Value",),
    questions=QUESTIONS,
    cases=(
        Case(f"{AB}L = a + b", "L.data", look="Value.__add__"),
        Case(f"{AB}L = a * b", "L.data", look="Value.__mul__"),
        Case(
            'a = Value(2.0, label="a")\nb = Value(-3.0, label="b")\nL = a * b',
            "(sorted(node.label for node in L.parents), L.operation)",
            says="A product still has its parents and its operation, as in exercise 3.",
            look="Value.__mul__",
        ),
        Case(
            'a = Value(2.0, label="a")\nb = Value(-3.0, label="b")\nL = a + b',
            "(sorted(node.label for node in L.parents), L.operation)",
            says="A sum still has its parents and its operation, as in exercise 3.",
            look="Value.__add__",
        ),
        Case("a = Value(2.0)", "len(list(a.topological_order()))", look="Value.topological_order"),
        Case(
            'a = Value(2.0, label="a")\nb = Value(2.0, label="b")\nL = a * b\nL.label = "L"',
            "sorted(node.label for node in L.topological_order())",
            says="a and b hold the same number, and are two Values all the same.",
            look="Value.topological_order",
        ),
        Case(LADDER, "order", look="Value.topological_order"),
        Case("a = Value(2.0)\na.backward()", "a.grad", says="The derivative of a Value by itself is 1.", look="Value.backward"),
        Case(f"{AB}L = a + b\nL.backward()", "(L.grad, a.grad, b.grad)", look="Value.__add__"),
        Case(f"{AB}L = a * b\nL.backward()", "(L.grad, a.grad, b.grad)", look="Value.__mul__"),
        Case("a = Value(2.0)\nL = 3 * a\nL.backward()", "a.grad", look="Value.__rmul__"),
        Case("a = Value(2.0)\nL = 1 + a\nL.backward()", "a.grad", look="Value.__radd__"),
        Case("a = Value(3.0)\nL = a + a\nL.backward()", "a.grad", look="Value.__add__"),
        Case("a = Value(3.0)\nL = a * a\nL.backward()", "a.grad", look="Value.__mul__"),
        Case("a = Value(0.0)\nL = a * a + a\nL.backward()", "a.grad", look="Value.__mul__"),
        Case(CHAIN, "(b.grad, a.grad)", look="Value.backward"),
        Case(SHARED, "(b.grad, a.grad)", look="Value.backward"),
        Case("a = Value(2.0)\nb = a * a\nc = a * b\nL = b * c\nL.backward()", "(c.grad, b.grad, a.grad)", look="Value.backward"),
        Case(f"{AB}c = a * b\nd = c + a\nL = d * c\nL.backward()\nL.backward()", "(d.grad, c.grad, a.grad, b.grad)", look="Value.backward"),
        Case(
            "a = Value(1.0)\nb = a\nfor _ in range(30):\n    b = b + b\nb.backward()",
            "(b.data, a.grad)",
            says="Each sum doubles both the number and the slope. There are only 31 Values, and each is visited once.",
            look="Value.topological_order",
        ),
        Case(
            f"{AB}L = a * b\nL.backward()\nM = a + b\nM.backward()",
            "(a.grad, b.grad)",
            says="The gradients are those of M now, whatever was asked before.",
            look="Value.backward",
        ),
        Case(
            f"{AB}L = a * b\nL.backward()",
            "(a.data, b.data, L.data)",
            says="backward() leaves the data as they are.",
            look="Value.backward",
        ),
    ),
    more=random_programs,
)
