"""Exercise 5b: wrong answers, for each known mistake one, and right ones in other styles."""

DUMP = """def dump_graph(root):
    order = root.topological_order()
    name = {node: node.label or f"v{place}" for place, node in enumerate(order)}
    text = ""
    for node in order:
        text += name[node] + " = "
        if node.parents:
            text += node.operation + "(" + ", ".join(name[parent] for parent in node.parents) + ") = "
        text += f"{node.data}, grad {node.grad}\\n"
    return text


"""
WALK = "{function}\n\n\ndef walk(node):\n    for parent in node.parents:\n        yield from walk(parent)\n    yield node\n"
ARROWS = """    for node in order:
        for parent in node.parents:
            lines.append(f"  {key[parent]} -> {key[node]}")
"""
LOOP = "    for node in order:\n        title ="
LINE = 'lines.append(f"{name[node]} = {made}{node.data}, grad {node.grad}")'
JOINED = f'{LINE}\n    return "\\n".join(lines)'
NODE_LINE = """lines.append(f'  {key[node]} [label="{label}"]')"""

WRONG = {
    "dump_graph prints, and returns nothing": [(JOINED, f'{LINE}\n    print("\\n".join(lines))')],
    "dump_graph gives a list": [(JOINED, f"{LINE}\n    return lines")],
    "return inside the loop": [(JOINED, f'{LINE}\n        return "\\n".join(lines)')],
    "the lines run together": [(JOINED, f'{LINE}\n    return " ".join(lines)')],
    "a leaf with empty parentheses": [("        if node.parents:\n", "        if True:\n")],
    "parents as Values, not as names": [
        ("', '.join(name[parent] for parent in node.parents)", "', '.join(str(parent) for parent in node.parents)")
    ],
    "from the result to the leaves": [("    lines = []\n    for node in order:", "    lines = []\n    for node in reversed(order):")],
    "a shared Value has several lines": [
        ("    lines = []\n    for node in order:", "    lines = []\n    for node in walk(root):"),
        ("def dump_graph", WALK.format(function="").lstrip("\n") + "\n\ndef dump_graph"),
    ],
    "a Value without a label has no name": [('node.label or f"v{place}"', "node.label")],
    "places are counted from one": [("enumerate(order)}\n\n\ndef dump", "enumerate(order, 1)}\n\n\ndef dump")],
    "to_dot prints, and returns nothing": [
        ('    lines.append("}")\n    return "\\n".join(lines)', '    lines.append("}")\n    print("\\n".join(lines))')
    ],
    "the text is not DOT": [("""[label="{label}"]""", """[label={label}]""")],
    "the operations are nodes too": [
        (
            ARROWS,
            """    for node in order:
        if node.parents:
            lines.append(f'  {key[node]}made [label="{node.operation}"]')
            lines.append(f"  {key[node]}made -> {key[node]}")
        for parent in node.parents:
            lines.append(f"  {key[parent]} -> {key[node]}made")
""",
        )
    ],
    "the nodes have no labels": [(NODE_LINE, "lines.append(f'  {key[node]}')")],
    "the leaves have no nodes": [(NODE_LINE, f"if node.parents:\n            {NODE_LINE}")],
    "the arrows point backward": [("{key[parent]} -> {key[node]}", "{key[node]} -> {key[parent]}")],
    "a shared Value has several nodes": [
        (LOOP, LOOP.replace("in order", "in walk(root)")),
        ("def dump_graph", WALK.format(function="").lstrip("\n") + "\n\ndef dump_graph"),
    ],
    "a shared Value has arrows twice": [
        (ARROWS, ARROWS.replace("in order", "in walk(root)")),
        ("def dump_graph", WALK.format(function="").lstrip("\n") + "\n\ndef dump_graph"),
    ],
    "Values with one label become one node": [('key = {node: f"n{place}" for place, node in enumerate(order)}', "key = name")],
    "a node without a label has no name": [('{name[node]} {node.operation}"', '{node.label} {node.operation}"')],
}

RIGHT = {
    "text put together piece by piece, bare quotes for keys": DUMP
    + """
def to_dot(root):
    order = root.topological_order()
    text = "digraph G{"
    for place, node in enumerate(order):
        title = node.label or "v" + str(place)
        label = f"{{{title} | {node.operation} | data {node.data:.4f} | grad {node.grad:.4f}}}"
        text += f\'"{place}"[shape=record, label="{label}"];\'
        for parent in node.parents:
            text += f\'"{order.index(parent)}"->"{place}";\'
    return text + "}"
""",
    "keys from id(), several arrows on a line, comments": DUMP
    + '''
def to_dot(root):
    """Strict in form."""
    lines = ["// made by hand", "digraph graph_of_a_value", "{", "graph [rankdir=TB];", "edge [color=gray];"]
    order = list(root.topological_order())
    for node in order:
        title = node.label if node.label else "v%d" % order.index(node)
        values = (id(node), title, node.operation or "hand", node.data, node.grad)
        lines.append('%d [label="%s\\\\nmade by %s\\\\n%r, %r", shape="box"];' % values)
    for node in order:
        if node.parents:
            for parent in node.parents:
                lines.append("%d -> %d [arrowsize=0.5]; /* one operand */" % (id(parent), id(node)))
    lines += ["}", ""]
    return "\\n".join(lines)
''',
    "a generator, and labels in HTML": """
def lines_of(root):
    order = root.topological_order()
    for place, node in enumerate(order):
        parents = ", ".join(parent.label or f"v{order.index(parent)}" for parent in node.parents)
        made = f"{node.operation}({parents}) = " if parents else ""
        yield (node.label or f"v{place}") + " = " + made + f"{node.data!r}, grad {node.grad!r}"


def dump_graph(root):
    return "\\n".join(lines_of(root))


def to_dot(root):
    order = root.topological_order()
    out = ["digraph {", "node [shape=plain]"]
    for place, node in enumerate(order):
        title = node.label or "v" + str(place)
        out.append(f"v{place} [label=<<b>{title}</b><br/>{node.operation} {node.data:g}<br/><i>{node.grad:g}</i>>]")
    out += [f"v{order.index(parent)} -> v{place}" for place, node in enumerate(order) for parent in node.parents]
    return "\\n".join([*out, "}"])
""",
}
