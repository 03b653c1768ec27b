"""Exercise 4, backward(): the sweep through the graph."""

from __future__ import annotations

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.backpropagation.examples import AB, CHAIN, SHARED
from chainrule.course.outcomes import has, one_of

DIAGNOSES = (
    # --- the sweep
    Diagnosis(
        Case(CHAIN, "(b.grad, a.grad)", (4.0, 12.0), look="Value.backward"),
        Mistake(
            "the sweep goes forward",
            wrong=(4.0, 0.0),
            says="b got its gradient, but its own rule ran before that (and passed on 0), or did not run at all. Go from the result to "
            "the leaves: for node in reversed(order), and call the _backward of each node.",
        ),
    ),
    Diagnosis(
        Case(CHAIN, "(b.grad, a.grad)", (4.0, 12.0), look="Value.__mul__"),
        Mistake(
            "the product forgets what arrives",
            wrong=(4.0, 3.0),
            says="db/da is 3, and dL/db is 4; the chain rule multiplies them. Here only the 3 was added: it lacks the factor out.grad.",
        ),
    ),
    Diagnosis(
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
    Diagnosis(
        Case(
            "a = Value(2.0)\nb = Value(-3.0)\nL = 2 * (a + b) + 3 * (b + a)\nL.backward()",
            "(a.grad, b.grad)",
            (5.0, 5.0),
            look="Value.__add__",
        ),
        Mistake(
            "= instead of += in the sum",
            wrong=has(2.0, 3.0),
            says="a and b are used twice here: one use adds 2, the other 3, and the gradient is their sum, 5. Only one of them is left: "
            "with =, the second replaces the first. Write += for both operands.",
        ),
    ),
    Diagnosis(
        Case("a = Value(2.0)\nb = Value(-3.0)\nL = a * b + b * a\nL.backward()", "(a.grad, b.grad)", (-6.0, 4.0), look="Value.__mul__"),
        Mistake(
            "= instead of += in the product",
            wrong=has(-3.0, 2.0),
            says="a is used twice here, and each use adds -3; the gradient is their sum, -6 (and 2 + 2 = 4 for b). One of them is lost: "
            "with =, the second replaces the first. Write += for both operands.",
        ),
    ),
    Diagnosis(
        Case(
            "a = Value(3.0)\nb = a + a\nb.backward()\nfirst = a.grad\nc = a * a\nc.backward()",
            "(first, a.grad)",
            (2.0, 6.0),
            look="Value.__add__",
        ),
        Mistake(
            "the same Value on both sides counts once",
            wrong=lambda found: found[0] == 1.0 or found[1] == 3.0,
            says="In a + a, the a on the left adds 1 and the a on the right adds 1; in a * a, each adds 3. One of the two is lost: a set "
            "or dict of parents holds a only once, so keep the slope of each operand in a tuple or list.",
        ),
    ),
    Diagnosis(
        Case(SHARED, "(b.grad, a.grad)", (9.0, 27.0), look="Value.backward"),
        Mistake(
            "a shared node passes its gradient on twice",
            wrong=one_of((9.0, 39.0), (9.0, 42.0), (9.0, 54.0)),
            says="b has two uses, so its gradient is 4 + 5 = 9, and a's is 3 * 9 = 27. Here b's rule ran once for each use. Call the "
            "_backward of each node once, in the reverse of topological_order(); if a node calls the backward() of its parents, the "
            "rule runs once for each path.",
        ),
        Mistake(
            "a shared node passes its gradient on too early",
            wrong=one_of((9.0, 12.0), (9.0, 15.0)),
            says="b has two uses, so its gradient is 4 + 5 = 9, and a's is 3 * 9 = 27. Here b's rule ran when only one of the two had "
            "arrived. A node's turn comes after all nodes that use it: go through topological_order() in reverse.",
        ),
    ),
    # --- a second time
    Diagnosis(
        Case(f"{AB}L = a * b\nL.backward()\nL.backward()", "(a.grad, b.grad)", (-3.0, 2.0), look="Value.backward"),
        Mistake(
            "a second backward adds to the first",
            wrong=one_of((-6.0, 4.0), (-9.0, 6.0)),
            says="L is the same, so its derivatives are the same, -3 and 2; but the second backward() added to the gradients of the "
            "first. Set the gradient of every node to zero before the sweep.",
        ),
    ),
    Diagnosis(
        Case(f"{CHAIN}\nL.backward()", "(b.grad, a.grad)", (4.0, 12.0), look="Value.backward"),
        Mistake(
            "the gradients in between are kept",
            wrong=lambda found: found[0] in (8.0, 12.0),
            says="The second backward() found b with the 4 of the first, and added to it. Set the gradients of all nodes of the graph to "
            "zero first, not only those of the leaves and the result.",
        ),
    ),
)
