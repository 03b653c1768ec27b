"""Exercise 5b: inspecting the graph."""

from __future__ import annotations

from chainrule.course.checking import Case, Checks, Diagnosis, Mistake
from chainrule.course.dot_reader import dot_arrows, dot_count, dot_labels, dot_nodes
from chainrule.course.outcomes import COLLECTION, Predicate, Raises, has, one_of

LEAF = 'a = Value(2.0, label="a")\n'
ONE = f'{LEAF}b = Value(4.0, (a,), "square", "b")\nb.grad, a.grad = 1.0, 4.0\n'
NAMELESS = 'a = Value(2.0)\nb = Value(4.0, (a,), "square")\n'
PRODUCT = 'a = Value(2.0, label="a")\nb = Value(-3.0, label="b")\nc = a * b\nc.label = "c"\nc.backward()\n'
SHARED = f'{LEAF}b = Value(4.0, (a,), "square", "b")\nc = a + b\nc.label = "c"\nd = b * c\nd.label = "d"\n'
FIRST = f'{SHARED}names = [line.partition(" = ")[0] for line in dump_graph(d).splitlines()]'
SHARED_ARROWS = ["a -> b", "a -> c", "b -> c", "b -> d", "c -> d"]
TWO_W = 'w = Value(2.0, label="w")\nu = Value(2.0, label="w")\ns = w + u\ns.label = "s"\n'


def _repeated(*parts: str) -> Predicate:
    """All of these parts are there, and some of them more than once."""
    return lambda found: len(found) > len(parts) and set(found) == set(parts)


DIAGNOSES = (
    # --- dump_graph
    Diagnosis(
        Case(f"{LEAF}text = dump_graph(a)", "type(text).__name__", "str", look="dump_graph"),
        Mistake(
            "dump_graph prints, and returns nothing",
            wrong="NoneType",
            says="dump_graph(a) returns None. It should return the text, so that the caller can print it, or compare it with another text.",
        ),
        Mistake(
            "dump_graph gives a list",
            wrong=COLLECTION,
            says='The lines are there, but the result should be one text: "\\n".join(lines) puts them together.',
        ),
    ),
    Diagnosis(
        Case(f"{ONE}text = dump_graph(b)", "text", "a = 2.0, grad 4.0\nb = square(a) = 4.0, grad 1.0", look="dump_graph"),
        Mistake(
            "return inside the loop",
            wrong=lambda found: found.strip() == "a = 2.0, grad 4.0",
            says="The text has one line, but there are two Values. Is the return inside the loop? There it ends the function in the "
            "first round. It is also possible that only the first Value is visited.",
        ),
        Mistake(
            "the lines run together",
            wrong=lambda found: "\n" not in found.strip() and "grad 4.0" in found and "grad 1.0" in found,
            says='Both Values are there, on one line. Join them with a line break: "\\n".join(lines).',
        ),
    ),
    Diagnosis(
        Case(f"{LEAF}text = dump_graph(a)", "text", "a = 2.0, grad 0.0", look="dump_graph"),
        Mistake(
            "a leaf with empty parentheses",
            wrong=has("()"),
            says="a has no parents and no operation, so its line must not have that part: empty parentheses would say that something was "
            "calculated.",
        ),
    ),
    Diagnosis(
        Case(f"{ONE}text = dump_graph(b)", "text", "a = 2.0, grad 4.0\nb = square(a) = 4.0, grad 1.0", look="dump_graph"),
        Mistake(
            "parents as Values, not as names",
            wrong=has("Value"),
            says="Between the parentheses are whole Values, as repr writes them, and there should be their names: look up each parent in "
            "names(order).",
        ),
    ),
    Diagnosis(
        Case(FIRST, "names", ["a", "b", "c", "d"], look="dump_graph"),
        Mistake(
            "from the result to the leaves",
            wrong=["d", "c", "b", "a"],
            says="The result comes first here. In topological order parents come first, so that every name in a line has its own line "
            "above it.",
        ),
        Mistake(
            "a shared Value has several lines",
            wrong=_repeated(*"abcd"),
            says="There are four Values, and each has one line, however often it is used. Go through root.topological_order(), which "
            "contains each Value once, and do not go from parents to their parents.",
        ),
    ),
    Diagnosis(
        Case(f"{NAMELESS}text = dump_graph(b)", "text", "v0 = 2.0, grad 0.0\nv1 = square(v0) = 4.0, grad 0.0", look="dump_graph"),
        Mistake(
            "a Value without a label has no name",
            wrong=lambda found: found.lstrip().startswith(("=", "None", "''", '""')),
            says="Neither Value has a label, so the text does not say which is which. The name of such a Value is v and its place in the "
            "order: v0, v1.",
        ),
        Mistake(
            "places are counted from one",
            wrong=lambda found: found.startswith("v1 = 2.0"),
            says="The first place in the order is 0, as in a list: v0. enumerate(order) counts in this way.",
        ),
    ),
    # --- to_dot
    Diagnosis(
        Case(f"{LEAF}text = to_dot(a)", "type(text).__name__", "str", look="to_dot"),
        Mistake(
            "to_dot prints, and returns nothing",
            wrong=one_of("NoneType", "list"),
            says='to_dot(a) does not return a text. Collect the lines in a list, and at the end return "\\n".join(lines).',
        ),
    ),
    Diagnosis(
        Case(f"{PRODUCT}text = to_dot(c)", "dot_nodes(text)", ["a", "b", "c"], look="to_dot"),
        Mistake(
            "the text is not DOT",
            wrong=Raises("ValueError", "DOT"),
            says='The text cannot be read as a graph. It is digraph { ... } with one line for each node, such as n0 [label="a 2.0"], and '
            "one for each arrow, such as n0 -> n2.",
        ),
        Mistake(
            "the operations are nodes too",
            wrong=lambda found: "*" in found or (len(found) == 4 and {"a", "b", "c"} < set(found)),
            says="There are three Values, and four nodes in the text: the operation has one of its own. That can be a good picture, but "
            "here every node is a Value; write the operation into the label of its result.",
        ),
        Mistake(
            "the nodes have no labels",
            wrong=lambda found: len(found) == 3 and not {"a", "b", "c"} & set(found),
            says="There are three nodes, but no label says which Values they are. Write a line for each, with its key and its label, "
            'such as n0 [label="a 2.0"], and begin the label with the name.',
        ),
        Mistake(
            "the leaves have no nodes",
            wrong=lambda found: "c" in found and "a" not in found and "b" not in found,
            says="Only c has a line of its own with a label. The leaves a and b are Values of the graph too: write a node for each Value "
            "in root.topological_order(), and then the arrows.",
        ),
    ),
    Diagnosis(
        Case(f"{PRODUCT}text = to_dot(c)", "dot_arrows(text)", ["a -> c", "b -> c"], look="to_dot"),
        Mistake(
            "the arrows point backward",
            wrong=["c -> a", "c -> b"],
            says="These arrows go from the result to its operands. An arrow shows where a number goes: from the parent to the result.",
        ),
    ),
    Diagnosis(
        Case(f"{SHARED}text = to_dot(d)", "dot_nodes(text)", ["a", "b", "c", "d"], look="to_dot"),
        Mistake(
            "a shared Value has several nodes",
            wrong=_repeated(*"abcd"),
            says="There are four Values, and each has one node, however often it is used. Go through root.topological_order(), which "
            "contains each Value once.",
        ),
    ),
    Diagnosis(
        Case(f"{SHARED}text = to_dot(d)", "dot_arrows(text)", SHARED_ARROWS, look="to_dot"),
        Mistake(
            "a shared Value has arrows twice",
            wrong=_repeated(*SHARED_ARROWS),
            says="Each arrow is one operand of one operation: five here. Some are written once for each path from d to them. Write a "
            "node's arrows once, in the loop over root.topological_order().",
        ),
    ),
    Diagnosis(
        Case(f"{TWO_W}text = to_dot(s)", "dot_count(text)", 3, look="to_dot"),
        Mistake(
            "Values with one label become one node",
            wrong=2,
            says="Two Values are called w here. In DOT, the word before the bracket is the key of the node, and the same key means the "
            "same node. Use a key that no two Values share, such as n0, n1, ... by their place in the order, and put the label into "
            "label=.",
        ),
    ),
    Diagnosis(
        Case(f"{NAMELESS}text = to_dot(b)", "dot_nodes(text)", ["v0", "v1"], look="to_dot"),
        Mistake(
            "a node without a label has no name",
            wrong=lambda found: len(found) == 2 and "v0" not in found,
            says="Neither Value has a label, so the label of a node begins with v and its place in the order: v0, v1. names(order) gives "
            "these names.",
        ),
    ),
)

CHECKS = Checks(
    requires=("dump_graph", "to_dot"),
    names={"dot_count": dot_count, "dot_labels": dot_labels, "dot_nodes": dot_nodes, "dot_arrows": dot_arrows},
    diagnoses=DIAGNOSES,
    cases=(
        Case(f"{LEAF}text = dump_graph(a)", "text.splitlines()", look="dump_graph"),
        Case(f"{ONE}text = dump_graph(b)", "text.splitlines()", look="dump_graph"),
        Case(f"{NAMELESS}text = dump_graph(b)", "text.splitlines()", look="dump_graph"),
        Case(
            f'{PRODUCT}text = dump_graph(c).replace("(b, a)", "(a, b)")',
            "sorted(text.splitlines())",
            look="dump_graph",
        ),
        Case(FIRST, "names", look="dump_graph"),
        Case(
            'a = Value(2.0, label="a")\nb = Value(4.0, (a,), "square")\nc = Value(0.25, (b,), "**-1", "c")\ntext = dump_graph(c)',
            "text.splitlines()",
            says="Some Values have a label here, and one has none: its name is v1, from its place in the order.",
            look="dump_graph",
        ),
        Case(f"{TWO_W}text = dump_graph(s)", "len(text.splitlines())", look="dump_graph"),
        Case(f"{PRODUCT}text = dump_graph(a)", "text.splitlines()", says="The graph of a is a alone.", look="dump_graph"),
        Case(f"{LEAF}text = to_dot(a)", "(dot_nodes(text), dot_arrows(text))", look="to_dot"),
        Case(f"{ONE}text = to_dot(b)", "(dot_nodes(text), dot_arrows(text))", look="to_dot"),
        Case(f"{PRODUCT}text = to_dot(c)", "(dot_nodes(text), dot_arrows(text))", look="to_dot"),
        Case(f"{SHARED}text = to_dot(d)", "(dot_nodes(text), dot_arrows(text))", look="to_dot"),
        Case(
            'a = Value(2.5, label="a")\nb = Value(6.25, (a,), "square", "b")\nb.grad, a.grad = 1.5, 7.5\n'
            "first, second = dot_labels(to_dot(b))",
            '("2.5" in first, "7.5" in first, "square" in second, "6.25" in second, "1.5" in second)',
            right=(True, True, True, True, True),
            says="The label of each node contains its name, its operation if it has one, its data and its gradient.",
            look="to_dot",
        ),
        Case(
            'rate = Value(0.5, label="learning rate")\ntext = to_dot(rate)',
            '"learning rate" in dot_labels(text)[0]',
            right=True,
            says="A label may contain a space: put it in quotes.",
            look="to_dot",
        ),
        Case(
            'a = Value(2.0, label="a")\nb = a * a\nb.label = "b"\ntext = to_dot(b)',
            "len(dot_arrows(text)) == len(b.parents)",
            right=True,
            says="There is an arrow for each of b's parents: two, because a is on both sides.",
            look="to_dot",
        ),
        Case(
            f"{PRODUCT}dump_graph(c)\nto_dot(c)",
            "(a.data, b.data, c.data, a.grad, b.grad, c.grad)",
            says="dump_graph and to_dot change nothing in the graph.",
        ),
    ),
)
