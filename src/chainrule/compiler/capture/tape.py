"""The graph as arrays: one entry a node, in topological order, with the operands of all nodes one after another.

`record` reads it off real Values. Weighted sums made by `dot` are written out as products and a sum here, so that later stages know only
sums, largest-ofs and operations of a fixed number of operands.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule import primitives
from chainrule.by_hand import LocalGradients
from chainrule.compiler.capture.tracing import passing
from chainrule.engine import Value, flatten
from chainrule.row import Primitive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PARAMETER, CONSTANT, BY_HAND = -1, -2, -3
"""The codes of leaves whose data are read at each call, of leaves that never change, and of operations made by hand. Those of inputs are
lower: -4 for the first argument, -5 for the second, and so on."""

FIRST_INPUT = -4


class HandMadeError(TypeError):
    """An operation was made by hand, so there is no rule that could be compiled."""


class Tape(NamedTuple):
    """A graph as arrays.

    Arguments:
        rows: the primitives that occur.
        codes: for each node, the index of its primitive, or one of the codes of leaves.
        starts: where each node's operands begin in `operands`; one entry more than there are nodes.
        operands: positions of nodes.
        numbers: the data of leaves; for operations, the operation's constant, such as the 2.0 of `x ** 2`.
        roots: the positions of the results.
        parameters: the Values behind the nodes with the code PARAMETER, by position.
        places: for inputs, their place in the argument.
    """

    rows: list[Primitive]
    codes: np.ndarray
    starts: np.ndarray
    operands: np.ndarray
    numbers: np.ndarray
    roots: np.ndarray
    parameters: dict[int, Value]
    places: np.ndarray

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.codes)


class Flattened(NamedTuple):
    """What an engine's `flatten` reads off a graph: one entry a node, in topological order, as buffers of bytes where nothing else is said.

    Arguments:
        leaves: the leaves, a list.
        leaf_positions: for each of them its position.
        rows: the primitives that occur, a list.
        codes: int32; for each node the index of its primitive, or the code of a leaf.
        starts: int64; where each node's operands begin, and one entry more.
        operands: int32; positions of nodes.
        numbers: float64; the number that belongs to an operation, such as the 2.0 of `x ** 2`.
        data: float64; the data of each node.
        root_positions: for each of the roots its position.
        by_hand: the nodes whose operation was made by hand, a list.
    """

    leaves: Any
    leaf_positions: Any
    rows: Any
    codes: Any
    starts: Any
    operands: Any
    numbers: Any
    data: Any
    root_positions: Any
    by_hand: Any


def record(roots: Sequence[Value], inputs: Mapping[int, tuple[int, int]] | None = None) -> Tape:
    """Read the graph below some results.

    Arguments:
        roots: the results.
        inputs: for the id of each Value that was made for an argument of the traced function, the number of the argument and the
            Value's place in it.

    Raises:
        HandMadeError: if an operation in the graph was made by hand.
    """
    graph = Flattened._make(flatten(roots))
    _check_not_by_hand([node for node in graph.by_hand if node._function is not passing])
    codes = np.frombuffer(graph.codes, np.int32).copy()
    numbers = np.where(codes >= 0, np.frombuffer(graph.numbers, np.float64), np.frombuffer(graph.data, np.float64))
    places = np.zeros(len(codes), np.int64)
    parameters: dict[int, Value] = {}
    inputs = inputs or {}
    for leaf, position in zip(graph.leaves, graph.leaf_positions, strict=True):
        if (place := inputs.get(id(leaf))) is not None:
            codes[position] = FIRST_INPUT - place[0]
            places[position] = place[1]
        elif codes[position] == PARAMETER:
            parameters[position] = leaf
    tape = Tape(
        rows=list(graph.rows),
        codes=codes,
        starts=np.frombuffer(graph.starts, np.int64),
        operands=np.frombuffer(graph.operands, np.int32),
        numbers=numbers,
        roots=np.array(graph.root_positions, np.int64),
        parameters=parameters,
        places=places,
    )
    return _without_dot(_without_passing(tape))


def _check_not_by_hand(nodes: Sequence[Any]) -> None:
    """Refuse operations that were made by hand.

    Raises:
        HandMadeError: if there is one.
    """
    if not nodes:
        return
    first = nodes[0]
    if first._op == "compiled":
        raise HandMadeError(
            "the graph contains the result of a compiled function, and compile() cannot see how it was computed. Compile the function "
            "that makes the whole graph; it may call compiled functions"
        )
    fixed = isinstance(first._function, LocalGradients)
    why = "its local gradients are numbers for these operands only" if fixed else "its _backward is a Python function"
    raise HandMadeError(
        f"{first._op or 'an operation'!r} was made by hand: {why}, which cannot be compiled. "
        "Write it with the operations of chainrule, or use backward() without compile()"
    )


def settled(tape: Tape, made: list[Value]) -> Tape:
    """Make the leaves that a traced function made into constants, except those that the user has kept.

    A weight that a network makes at its first call outlives the trace, and is a parameter. A leaf counts as kept if there is a reference to
    it; so call this when the graph is freed, and when only the user can hold the leaves.

    Arguments:
        tape: the graph.
        made: the leaves that the function made; the list is emptied.
    """
    ids = set(map(id, made))
    made.clear()
    found: dict[int, Any] = {position: leaf for position, leaf in tape.parameters.items() if id(leaf) in ids}
    if not found:
        return tape
    for position in found:
        del tape.parameters[position]
    codes = tape.codes.copy()
    found[-1] = object()  # which nobody else holds
    references = {position: sys.getrefcount(leaf) for position, leaf in found.items()}
    for position, count in references.items():
        if count > references[-1]:
            tape.parameters[position] = found[position]
        elif position >= 0:
            codes[position] = CONSTANT
    return tape._replace(codes=codes)


def _without_passing(tape: Tape) -> Tape:
    """Leave out the Values around arguments: who uses one uses what is in it."""
    around = np.flatnonzero(tape.codes == BY_HAND)
    if not len(around):
        return tape
    instead = np.arange(tape.size)
    for node in around:
        instead[node] = instead[tape.operands[tape.starts[node]]]
    return without(tape, tape.codes != BY_HAND, instead)


def reached(tape: Tape, roots: Sequence[int]) -> list[int]:
    """For each node, which of some results depend on it: a number with a bit for each of them."""
    masks = [0] * tape.size
    for bit, root in enumerate(roots):
        masks[root] |= 1 << bit
    starts, operands = tape.starts.tolist(), tape.operands.tolist()
    for node in range(tape.size - 1, -1, -1):
        if masks[node]:
            for operand in operands[starts[node] : starts[node + 1]]:
                masks[operand] |= masks[node]
    return masks


def without(tape: Tape, keep: np.ndarray, instead: np.ndarray) -> Tape:
    """Leave out nodes.

    Arguments:
        tape: the graph.
        keep: which nodes stay.
        instead: for each node, the node to use in its place, which stays if the node is used.
    """
    moved = (np.cumsum(keep) - 1)[instead]
    count = np.diff(tape.starts)
    return tape._replace(
        codes=tape.codes[keep],
        starts=np.concatenate([[0], np.cumsum(count[keep])]),
        operands=moved[tape.operands[np.repeat(keep, count)]].astype(np.int32),
        numbers=tape.numbers[keep],
        roots=moved[tape.roots],
        parameters={int(moved[position]): leaf for position, leaf in tape.parameters.items() if keep[position]},
        places=tape.places[keep],
    )


def _without_dot(tape: Tape) -> Tape:
    """Write every weighted sum out: a node for each product, just before the sum of them."""
    if primitives.dot not in tape.rows:
        return tape
    rows = [primitives.add if row is primitives.dot else row for row in tape.rows]
    is_dot = tape.codes == tape.rows.index(primitives.dot)
    if primitives.multiply not in rows:
        rows.append(primitives.multiply)
    count = np.diff(tape.starts)
    products = np.where(is_dot, count // 2, 0)
    bias = np.where(is_dot, count % 2, 0)
    moved = np.arange(tape.size) + np.cumsum(products)  # where each node goes, behind its own products
    size = int(tape.size + products.sum())

    def spread(values: np.ndarray, fill: Any) -> np.ndarray:
        out = np.full(size, fill, values.dtype)
        out[moved] = values
        return out

    is_product = np.ones(size, bool)
    is_product[moved] = False
    lengths = spread(np.where(is_dot, bias + products, count), 2)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    operands = np.empty(starts[-1], np.int32)

    old = moved[tape.operands]
    owner = np.repeat(np.arange(tape.size), count)
    within = np.arange(len(old)) - np.repeat(tape.starts[:-1], count)
    plain = ~is_dot[owner]
    operands[starts[moved[owner[plain]]] + within[plain]] = old[plain]
    is_bias = ~plain & (bias[owner] == 1) & (within == 0)
    operands[starts[moved[owner[is_bias]]]] = old[is_bias]
    factor = ~plain & ~is_bias
    place = within[factor] - bias[owner[factor]]  # w1, x1, w2, x2, ... in the products of the owner
    first = moved[owner[factor]] - products[owner[factor]]
    operands[starts[first + place // 2] + place % 2] = old[factor]
    term = np.flatnonzero(is_product)
    dots = np.flatnonzero(is_dot)
    slot = np.arange(len(term)) - np.repeat(np.cumsum(products[dots]) - products[dots], products[dots])
    parent = np.repeat(dots, products[dots])
    operands[starts[moved[parent]] + bias[parent] + slot] = term

    codes = spread(tape.codes, rows.index(primitives.multiply))
    return tape._replace(
        rows=rows,
        codes=codes,
        starts=starts,
        operands=operands,
        numbers=spread(tape.numbers, 0.0),
        roots=moved[tape.roots],
        parameters={int(moved[position]): leaf for position, leaf in tape.parameters.items()},
        places=spread(tape.places, 0),
    )
