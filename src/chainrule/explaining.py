"""`explain`: the chain rule in words, one line for each gradient that one node passes to another, as it is written by hand.

The sweep is the one of `backward()`, done beside the graph: no `grad` is read or changed. The local derivatives come from
`primitives.py` twice, as numbers and, applied to names, as formulas.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.by_hand import BY_HAND, LocalGradients
from chainrule.consistency import refuse_or_find_set
from chainrule.engine import Value, topological_order
from chainrule.formulas import ATOM, SUM, Formula, short
from chainrule.graph import names
from chainrule.primitives import dot, largest, passing_positions, relu, stop_gradient, take
from chainrule.row import CALL, COMPARISON, POWER, PRODUCT, SIGN, Primitive
from chainrule.row import SUM as SUM_BINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_NAME = 16  # an expression of more characters gets a short name, such as v7
MOST_TERMS = 6  # of a sum of contributions, or operands of one operation, that are written out


def explain(value: Value, *, max_steps: int = 100) -> Explanation:
    """Show how the derivatives of a result are computed, step by step; `backward()` need not have been called.

    Each step is one use of the chain rule, `dL/da = dL/d(a*b) · b = 6.0 · -3.0 = -18.0`: a node passes to each operand its own gradient
    times the local derivative of its operation. If an operand is used several times, its contributions are added with `+=`, and a line with
    their sum follows. A node is named by its label, by its formula if that is short (`a*b`), or by a name such as `v7`, which its own line
    defines. Leaves without a label count as constants, whose derivatives are left out, unless no leaf has a label.

    Arguments:
        value: the result; it goes by its label, or by `L`.
        max_steps: tell at most so many steps, from the result on, and count the nodes left out.

    Returns:
        Something to print; Jupyter and rich show it as a table.

    Raises:
        TypeError: if `value` is not a Value.
        ValueError: if `max_steps` is less than 1.
        ChangedNumberError: if a number was changed after others had been computed from it: the numbers would not fit together.
    """
    if not isinstance(value, Value):
        raise TypeError(f"explain() takes a Value, got {type(value).__name__}: {value!r}")
    if max_steps < 1:
        raise ValueError(f"max_steps must be at least 1, got {max_steps}")
    return _Sweep(value).told(max_steps)


class Step(NamedTuple):
    """One line of an explanation.

    Attributes:
        number: its place in the sweep, from 0 for the result itself.
        operation: the operation with numbers put in; "" if it is the same as in the line before.
        local: its local derivative, as a formula and a number.
        gradient: the chain rule, with numbers put in.
    """

    number: int
    operation: str
    local: str
    gradient: str


class Explanation:
    """The chain rule, step by step; made by `explain`.

    Attributes:
        steps: the lines.
        gradients: for every node that the sweep reached, the derivative of the result with respect to it, as `backward()` computes it. A
            node is missing if an operation made by hand passes a gradient to it, which is not known without running the operation.
        note: what was left out, in words; "" if nothing was.
    """

    def __init__(self, steps: list[Step], gradients: dict[Value, float], note: str) -> None:
        self.steps = steps
        self.gradients = gradients
        self.note = note

    def __str__(self) -> str:
        table = [_HEADINGS, *_cells(self.steps)]
        widths = [max(len(row[column]) for row in table) for column in range(3)]
        lines = ["  ".join([row[0].rjust(widths[0]), row[1].ljust(widths[1]), row[2].ljust(widths[2]), row[3]]).rstrip() for row in table]
        return "\n".join([*lines, self.note] if self.note else lines)

    __repr__ = __str__

    def __rich__(self) -> Any:
        """A table for the terminal, for `rich.print`."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, caption=self.note or None, caption_justify="left", pad_edge=False)
        for heading in _HEADINGS:
            table.add_column(heading, justify="right" if heading == "step" else "left", overflow="fold")
        for row in _cells(self.steps):
            table.add_row(*(Text(cell) for cell in row))  # Text, since a label in brackets would pass for markup
        return table

    def _repr_html_(self) -> str:
        from html import escape

        def row(cells: Sequence[str], tag: str) -> str:
            style = "text-align:left;vertical-align:top;padding:0.2em 0.8em;white-space:pre-wrap"
            return "<tr>" + "".join(f'<{tag} style="{style}">{escape(cell)}</{tag}>' for cell in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in _cells(self.steps))
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return (
            '<div style="overflow-x:auto"><table style="color:inherit;font-family:monospace;border-collapse:collapse">'
            f"<thead>{row(_HEADINGS, 'th')}</thead><tbody>{body}</tbody></table>{note}</div>"
        )


_HEADINGS = ("step", "operation", "local derivative", "gradient")


def _cells(steps: list[Step]) -> list[tuple[str, str, str, str]]:
    return [(str(step.number), *step[1:]) for step in steps]


# --- the sweep ------------------------------------------------------------------------------------------------------------------------


class _Sweep:
    """The backward sweep over one graph, with its own table of gradients."""

    def __init__(self, root: Value) -> None:
        self.root = root
        self.set_to = refuse_or_find_set(root)
        self.order = topological_order(root)
        self.namer = _Namer(self.order, root)
        self.gradients: defaultdict[Value, float] = defaultdict(float, {root: 1.0})
        self.reached = {root}  # nodes that were passed something: only a condition looks at others, or a choice left them out
        self.uses = Counter(chain.from_iterable(map(_receivers, self.order)))
        self.shares: dict[Value, list[str]] = {}  # of nodes used more than once: what they have been passed
        self.unknown: set[Value] = set()  # nodes to which an operation made by hand passes on we know not what
        self.steps: list[Step] = []

    def told(self, max_steps: int) -> Explanation:
        self._tell("", "", f"{self._d(self.root)} = 1")
        gradients = {}
        visited = 0
        for node in reversed(self.order):
            if len(self.steps) > max_steps:
                break
            visited += 1
            if len(self.shares.get(node, ())) > 1:
                self._tell("", "", f"{self._d(node)} = {_terms(self.shares[node])} = {self._number(node)}")
            if node not in self.unknown:
                gradients[node] = self.gradients[node]
            if node._rule is BY_HAND:
                self._tell_by_hand(node)
            elif node._rule is not None:
                self._pass_on(node)
        left_out = len(self.order) - visited
        note = f"… and so on, through {left_out:,} more nodes (see max_steps)" if left_out else ""
        return Explanation(self.steps, gradients, note)

    def _pass_on(self, node: Value) -> None:
        """Multiply the gradient that has arrived at a node by each local derivative, as backward() does, and tell so."""
        data = [operand.data if isinstance(operand, Value) else operand for operand in node._operands]
        operation = self._operation(node)
        to_tell = [operand for operand in node._prev if operand not in self.namer.constants]
        for operand, position in _pairs(node):
            derivative = node._rule.partial(position, data, node.data)  # type: ignore[union-attr]
            passes = node in self.reached and (derivative != 0.0 or position not in node._rule.choices)  # type: ignore[union-attr]
            share = derivative * self.gradients[node] if passes else 0.0
            self.gradients[operand] += share
            if passes:
                self.reached.add(operand)
            if node in self.unknown:
                self.unknown.add(operand)
            if operand not in self.namer.constants:
                self._tell_share(operation, node, operand, position, derivative, share)
                operation = ""
        if operation and to_tell:
            self._tell(operation, _why_zero(node._rule), "passes nothing on")

    def _tell_share(self, operation: str, node: Value, operand: Value, position: int, derivative: float, share: float) -> None:
        formula = self.namer.formula(node, position)
        name, target = self.namer.name(node), self.namer.name(operand)
        local = f"d{_held(name)}/d{_held(target)} = {formula}"
        if not formula.is_number:
            local += f" = {_told(derivative)}"
        if formula.why:
            local += f", as {formula.why}"
        arriving, passed = (self._number(node), "?" if node in self.unknown else _told(share))
        several = self.uses[operand] > 1
        if several:
            self.shares.setdefault(operand, []).append(passed)
        product = f"{self._d(node)} · {formula.as_factor()} = {arriving} · {_told(derivative)} = {passed}"
        self._tell(operation, local, f"{self._d(operand)} {'+=' if several else '='} {product}")

    def _tell_by_hand(self, node: Value) -> None:
        fate = "it has no _backward: it passes nothing on"
        if isinstance(node._function, LocalGradients):
            self._tell_local_gradients(node, node._function)
            return
        if _runs_by_hand(node):
            fate = "its _backward was not run, so what it passes on is not known"
            self.unknown.update(node._prev)
            for operand in node._prev:
                if self.uses[operand] > 1:
                    self.shares.setdefault(operand, []).append("?")
        self._tell(self._operation(node), "made by hand", fate)

    def _operation(self, node: Value) -> str:
        """The operation with numbers put in; if the result was set to another number, with both numbers."""
        if id(node) not in self.set_to:
            return self.namer.operation(node, _told(node.data))
        return self.namer.operation(node, f"{_told(self.set_to[id(node)])}, set to {_told(node.data)}")

    def _tell_local_gradients(self, node: Value, function: LocalGradients) -> None:
        """Multiply the gradient that has arrived at a node by each of the local gradients that it was made with."""
        operation = self._operation(node)
        for operand, slope in zip(node._prev, function.slopes, strict=True):
            share = slope * self.gradients[node]
            self.gradients[operand] += share
            if node in self.unknown:
                self.unknown.add(operand)
            passed = "?" if node in self.unknown else _told(share)
            several = self.uses[operand] > 1
            if several:
                self.shares.setdefault(operand, []).append(passed)
            local = f"d{_held(self.namer.name(node))}/d{_held(self.namer.name(operand))} = {_told(slope)}, as given"
            product = f"{self._d(node)} · {_told(slope)} = {self._number(node)} · {_told(slope)} = {passed}"
            self._tell(operation, local, f"{self._d(operand)} {'+=' if several else '='} {product}")
            operation = ""

    def _tell(self, operation: str, local: str, gradient: str) -> None:
        self.steps.append(Step(len(self.steps), operation, local, gradient))

    def _d(self, node: Value) -> str:
        return f"d{_held(self.namer.name(self.root))}/d{_held(self.namer.name(node))}"

    def _number(self, node: Value) -> str:
        return "?" if node in self.unknown else _told(self.gradients[node])


def _why_zero(rule: Primitive | None) -> str:
    """The local derivatives of a node that passes no gradient to any operand."""
    if rule in (largest, stop_gradient):
        return "0, as it counts as a constant"
    if rule is take:
        return "0, as no value is taken"
    return "0, as it is a condition" if rule is not None and rule.binds == COMPARISON else "0 at every point"


def _runs_by_hand(node: Value) -> bool:
    return node._function is not None


def _receivers(node: Value) -> Sequence[Value]:
    """The operands that a node passes a gradient to."""
    if node._rule is None or node._rule is dot or _runs_by_hand(node):
        return node._prev
    return [operand for operand, _ in _pairs(node)]


def _pairs(node: Value) -> list[tuple[Value, int]]:
    """The operands that a node passes a gradient to, each with its position."""
    rule = node._rule
    if rule is None or rule is BY_HAND:
        return []
    operands = node._operands
    positions = passing_positions(rule, [operand.data if isinstance(operand, Value) else operand for operand in operands])
    return [(operands[position], position) for position in positions if isinstance(operands[position], Value)]


def _terms(shares: list[str]) -> str:
    return _listed(shares, " + ", "terms")


def _listed(parts: list[str], glue: str, what: str) -> str:
    if len(parts) <= MOST_TERMS:
        return glue.join(parts)
    return glue.join([*parts[: MOST_TERMS - 2], f"… ({len(parts)} {what})", parts[-1]])


def _told(x: float) -> str:
    """A number as Python would show it, to six digits: 6.0, -18.0, 0.00134095."""
    text = f"{x:.6g}"
    return text + ".0" if text.lstrip("-").isdigit() else text


def _held(name: str) -> str:
    """A name behind a d: in parentheses if it is more than one word."""
    return name if re.fullmatch(r"[\w#']+", name) else f"({name})"


# --- names ----------------------------------------------------------------------------------------------------------------------------


class _Namer:
    """What the nodes of one graph are called."""

    def __init__(self, order: list[Value], root: Value) -> None:
        labels = {node: node.label for node in order}
        leaves_have_labels = any(label and node._rule is None for node, label in labels.items())
        self.constants = {node for node, label in labels.items() if leaves_have_labels and node._rule is None and not label} - {root}
        self._names = names(order)
        taken = set(labels.values())
        if not root.label and "L" not in taken:
            self._names[root] = "L"
            taken.add("L")
        self._binding: dict[Value, int] = {}  # how tightly the names hold together that are expressions
        for node, label in labels.items():
            if node in self.constants:
                self._names[node] = short(node.data)
                self._binding[node] = CALL if node.data >= 0 else SIGN
            elif node._rule is not None and not label and node is not root:
                plain = all(labels[operand] or operand in self._binding for operand in node._prev)  # no v7 among them
                text, binding = self._by_operands(node) if plain else ("", 0)
                if text and len(text) <= LONGEST_NAME and text not in taken:
                    taken.add(text)
                    self._names[node], self._binding[node] = text, binding

    def name(self, node: Value) -> str:
        return self._names[node]

    def operation(self, node: Value, result: str) -> str:
        """`e = a*b + c = -6.0 + 10.0 = 4.0`, of which the 4.0 is given."""
        name = self._names[node]
        text, _ = self._by_operands(node)
        data = [operand.data if isinstance(operand, Value) else operand for operand in node._operands]
        numbers, _ = _written(node, [(_told(x), CALL if x >= 0 else SIGN) for x in data], " ")
        return " = ".join([*([name] if name != text else []), text, numbers, result])

    def _by_operands(self, node: Value) -> tuple[str, int]:
        return _written(node, [self._operand(operand) for operand in node._operands], "")

    def _operand(self, operand: Value | float) -> tuple[str, int]:
        if not isinstance(operand, Value):
            return short(operand), CALL if operand >= 0 else SIGN
        name = self._names[operand]
        return name, self._binding.get(operand, CALL if re.fullmatch(r"[\w#'.]+", name) else 0)

    def formula(self, node: Value, position: int) -> Formula:
        """A partial derivative of the operation that made a node, in the names of its operands and its own."""
        rule: Primitive = node._rule  # type: ignore[assignment]
        operands = [self._as_formula(operand) for operand in node._operands]
        out = self._as_formula(node)
        if node in self._binding:  # called by how it is computed: let the formula see into that, to write -a/b² and not -(a/b)/b
            out = out._apply(rule, tuple(operands))
        if rule is relu:  # the result is over 0 just where the operand is, and that is how people say it
            (out,) = operands
        derivative = rule.as_written(position, operands, out)
        return derivative if isinstance(derivative, Formula) else Formula.of_number(float(derivative))

    def _as_formula(self, operand: Value | float) -> Any:
        if not isinstance(operand, Value):
            return operand
        if operand in self.constants:
            return Formula.of_number(operand.data)
        text, binding = self._operand(operand)
        return Formula.named(text, operand.data, ATOM if binding == CALL else SUM)


def _written_sum(operands: list[tuple[str, int]]) -> tuple[str, int]:
    """A dot product as a program writes it: b + w1*x1 + w2*x2, or its ends if it is long."""
    start = len(operands) % 2
    factors = [text if binding >= PRODUCT else f"({text})" for text, binding in operands[start:]]
    terms = [text for text, _ in operands[:start]] + [f"{w}*{x}" for w, x in zip(factors[::2], factors[1::2], strict=True)]
    return _terms(terms) if terms else "0", SUM_BINDS if len(terms) > 1 else PRODUCT


def _written(node: Value, operands: list[tuple[str, int]], space: str) -> tuple[str, int]:
    """An operation as a program writes it, and how tightly it binds."""
    rule = node._rule
    if rule is dot:
        return _written_sum(operands)
    if rule is BY_HAND or rule is None or not (rule.special and rule.sign):
        name = node._op if rule is BY_HAND or rule is None else rule.name
        return f"{name or '?'}({_listed([text for text, _ in operands], ', ', 'operands')})", CALL
    if len(operands) == 1:
        text, inner = operands[0]
        return f"{rule.sign}{text}" if inner > rule.binds else f"{rule.sign}({text})", rule.binds
    (left, left_binds), (right, right_binds) = operands
    from_the_right = rule.binds == POWER  # a ** b ** c is a ** (b ** c), where a - b - c is (a - b) - c
    if left_binds < rule.binds + from_the_right:
        left = f"({left})"
    if right_binds < rule.binds + (-1 if from_the_right else 1):
        right = f"({right})"
    space = " " if rule.binds == SUM_BINDS else space
    return f"{left}{space}{rule.sign}{space}{right}", rule.binds
