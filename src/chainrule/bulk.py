"""Many nodes at once, as arrays: a graph as `flatten` lays it out, numbers read and written in one call, and the steps of optimisers.

These are the reference in Python; the C engine has the same functions, which are the fast ones. They look at the nodes themselves: what a
subclass makes of `data` and `grad` counts for the optimisers' steps only, and no guard is asked.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from chainrule import changes, thrown_away, updates
from chainrule.by_hand import BY_HAND
from chainrule.copies import CONSTANT
from chainrule.reals import real
from chainrule.refusals import refuse_count, refuse_node, refuse_numbers, refuse_root
from chainrule.value import Value, order_below, topological_order

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from chainrule.changes import Change
    from chainrule.row import Primitive

    Ints: TypeAlias = memoryview[int]
    Floats: TypeAlias = memoryview[float]

LEAF_CODE, CONSTANT_CODE, BY_HAND_CODE = -1, -2, -3


def flatten(roots: Sequence[Value], /) -> tuple[list[Value], Ints, list[Primitive], Ints, Ints, Ints, Floats, Floats, Ints, list[Value]]:
    """Lay out the graph below some results as arrays.

    The nodes are numbered in topological order, as `topological_order` would list them for a node whose parents are the roots: each
    once, after its parents. A node's operands are the Values among them; a number that belongs to the operation, as the 2 of `x ** 2`,
    is its parameter, and `x ** 2` has one operand where `x ** Value(2)` has two.

    Arguments:
        roots: the results, in a list or tuple.

    Returns:
        Ten things. Arrays are memoryviews, which are sequences of numbers and what `numpy.frombuffer` takes, of these types:

        - leaves: a list of the leaves, constants among them, in topological order.
        - leaf_positions (int32): where they stand in the order.
        - rows: a list of the rows of `primitives.py` that occur, each once, in the order in which they first do.
        - codes (int32): for every node its row, as an index into `rows`; -1 for a leaf, -2 for a constant, that is a leaf that stands for
          a number of the program, and -3 for an operation made by hand.
        - starts (int64): where in `operands` those of a node begin; one entry more than there are nodes, so that they end where those of
          the next begin.
        - operands (int32): the positions of the operands of one node after another.
        - parameters (float64): for every node the number that belongs to its operation, else 0.
        - data (float64): the number of every node.
        - root_positions (int32): where the roots stand in the order.
        - by_hand: a list of the nodes whose operation was made by hand, in topological order.

    Raises:
        TypeError: if a root is not a Value.
    """
    roots = tuple(roots)
    for root in roots:
        if not isinstance(root, Value):
            refuse_root(root)
    order = order_below(roots)
    position = {id(node): i for i, node in enumerate(order)}
    leaves: list[Value] = []
    by_hand: list[Value] = []
    index: dict[Primitive, int] = {}
    leaf_positions, codes, operands, root_positions = (array("i") for _ in range(4))
    starts, parameters, data = array("q", [0]), array("d"), array("d")
    for node in order:
        rule = node._rule
        parameter = 0.0
        if rule is None:
            codes.append(CONSTANT_CODE if node._operands is CONSTANT else LEAF_CODE)
            leaf_positions.append(position[id(node)])
            leaves.append(node)
        elif rule is BY_HAND:
            codes.append(BY_HAND_CODE)
            by_hand.append(node)
        else:
            codes.append(index.setdefault(rule, len(index)))
        for operand in node._operands:
            if isinstance(operand, Value):
                operands.append(position[id(operand)])
            else:
                parameter = operand
        starts.append(len(operands))
        parameters.append(parameter)
        data.append(node._data)
    root_positions.extend(position[id(root)] for root in roots)
    return (
        leaves,
        _view(leaf_positions),
        [*index],
        _view(codes),
        _view(starts),
        _view(operands),
        _view(parameters),
        _view(data),
        _view(root_positions),
        by_hand,
    )


def changed(root: Value, /) -> list[Change]:
    """Find the nodes below a result whose numbers differ from what their operations now give for their operands, to the last bit.

    Arguments:
        root: the result.

    Returns:
        For each such node, in topological order: the node; the number that its operation now gives or, for an operation made by hand, the
        numbers that its operands had when its `_backward` was assigned; and whether the node's own number was assigned.

    Raises:
        TypeError: if `root` is not a Value.
    """
    return changes.found(topological_order(root))


def _view(numbers: array[Any]) -> memoryview[Any]:
    return memoryview(numbers)


# --- numbers of many nodes --------------------------------------------------------------------------------------------------------------


def read_data(nodes: Sequence[Value], out: Any, /) -> None:
    """Write the data of the nodes into a buffer.

    Arguments:
        nodes: a list or tuple of Values.
        out: a buffer of as many float64, such as a NumPy array or `array.array("d", ...)`; it is overwritten.

    Raises:
        TypeError: if a node is not a Value, or `out` is not a C-contiguous buffer of float64 that can be written to.
        ValueError: if there are not as many numbers as nodes.
    """
    numbers = _numbers(nodes, out, writable=True)
    for i, node in enumerate(nodes):
        numbers[i] = node._data


def write_data(nodes: Sequence[Value], numbers: Any, /) -> None:
    """Set the data of the nodes to the numbers in a buffer.

    Arguments:
        nodes: a list or tuple of Values.
        numbers: a buffer of as many float64.

    Raises:
        TypeError: if a node is not a Value, or `numbers` is not a C-contiguous buffer of float64.
        ValueError: if there are not as many numbers as nodes.
    """
    for node, number in zip(nodes, _numbers(nodes, numbers), strict=True):
        node._data = number
    changes.note_assignment(nodes)


def read_grad(nodes: Sequence[Value], out: Any, /) -> None:
    """Write the gradients of the nodes into a buffer.

    Arguments:
        nodes: a list or tuple of Values.
        out: a buffer of as many float64; it is overwritten.

    Raises:
        TypeError: if a node is not a Value, or `out` is not a C-contiguous buffer of float64 that can be written to.
        ValueError: if there are not as many numbers as nodes.
    """
    numbers = _numbers(nodes, out, writable=True)
    thrown_away.looked_at()
    for i, node in enumerate(nodes):
        numbers[i] = 0.0 if node._grad is None else node._grad


def write_grad(nodes: Sequence[Value], numbers: Any, /) -> None:
    """Set the gradients of the nodes to the numbers in a buffer.

    Arguments:
        nodes: a list or tuple of Values.
        numbers: a buffer of as many float64.

    Raises:
        TypeError: if a node is not a Value, or `numbers` is not a C-contiguous buffer of float64.
        ValueError: if there are not as many numbers as nodes.
    """
    for node, number in zip(nodes, _numbers(nodes, numbers), strict=True):
        node._grad = number
    thrown_away.looked_at()


def add_grad(nodes: Sequence[Value], numbers: Any, scale: float, /) -> None:
    """Add `scale` times the numbers in a buffer to the gradients of the nodes.

    Arguments:
        nodes: a list or tuple of Values; a node that is in it twice gets both.
        numbers: a buffer of as many float64.
        scale: what each number is multiplied by.

    Raises:
        TypeError: if a node is not a Value, or `numbers` is not a C-contiguous buffer of float64.
        ValueError: if there are not as many numbers as nodes.
    """
    scale = real(scale)
    for node, number in zip(nodes, _numbers(nodes, numbers), strict=True):
        node._grad = (0.0 if node._grad is None else node._grad) + scale * number
    thrown_away.looked_at()


def _numbers(nodes: Sequence[Value], buffer: Any, *, writable: bool = False) -> memoryview[float]:
    """The buffer as so many float64 one after another."""
    if not isinstance(nodes, (list, tuple)):
        refuse_node(-1, nodes)
    for position, node in enumerate(nodes):
        if not isinstance(node, Value):
            refuse_node(position, node)
    try:
        view = memoryview(buffer)
    except TypeError:
        refuse_numbers(buffer, writable)
    if view.format != "d" or not view.c_contiguous or (writable and view.readonly):
        refuse_numbers(buffer, writable)
    if view.nbytes != 8 * len(nodes):
        refuse_count(len(nodes), view.nbytes // 8)
    return (view.cast("B") if view.nbytes else memoryview(b"")).cast("d")


# --- gradients that no backward() has reached -------------------------------------------------------------------------------------------


def mark_gradients(params: Sequence[Value], /) -> Any:
    """A mark for `settle_gradients`: what is written to gradients from now on is newer."""
    return [p._grad for p in params]  # every gradient that is written is a float object of its own


def settle_gradients(params: Sequence[Value], mark: Any, /) -> Any:
    """Set to 0 the gradients of those parameters that nothing has written since the mark, if any of them was written.

    A gradient is written by a `backward()` that reaches the parameter, by assigning it, and by `write_grad` and `add_grad`. One that is
    None stays so. Where nothing at all was written, all gradients stay as they are.

    Arguments:
        params: the parameters, in a list.
        mark: what `mark_gradients` or this function returned last.

    Returns:
        A mark for the next time.

    Raises:
        TypeError: if `params` is not a list of Values, or `mark` is not what these functions return.
    """
    if not isinstance(params, list) or not all(isinstance(p, Value) for p in params) or not isinstance(mark, list):
        raise TypeError("settle_gradients() takes a list of Values and what mark_gradients() returned")
    thrown_away.looked_at()
    stale = [p for p, known in zip(params, mark, strict=False) if p._grad is known and p._rule is None]
    if len(stale) < len(params):
        for p in stale:
            if p._grad is not None:
                p._grad = 0.0
    return mark_gradients(params)


# --- the steps of optimisers ------------------------------------------------------------------------------------------------------------


def sgd_step(
    params: Sequence[Value],
    buffer: array[float],
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first: bool,
    mark: Any = None,
    /,
) -> Any:
    """Change every parameter once, as `SGD` does.

    Arguments:
        params: the parameters, in a list.
        buffer: the momentum of each, which is changed too; not looked at if `momentum` is 0.
        lr: the learning rate.
        momentum: how much of the last step's direction is kept.
        dampening: how much of the gradient is left out of the momentum.
        weight_decay: the strength of an L2 penalty.
        nesterov: use Nesterov's momentum.
        maximize: climb instead of descend.
        first: whether this is the first step, at which the momentum is the gradient.
        mark: for `settle_gradients`, which comes first, or None to leave all gradients as they are.

    Returns:
        A mark for the next step, if there was one.
    """
    if mark is not None:
        mark = settle_gradients(params, mark)
    update = updates.sgd(lr, momentum, momentum, 1.0 - dampening, weight_decay, nesterov, maximize, first)
    if not momentum:
        for p in params:
            if (gradient := p.grad) is not None:  # else it is left out, as in PyTorch
                p.data, _ = update(p.data, gradient, 0.0)
        return mark
    for i, p in enumerate(params):
        if (gradient := p.grad) is not None:
            p.data, buffer[i] = update(p.data, gradient, buffer[i])
    return mark


def adam_step(
    params: Sequence[Value],
    m: array[float],
    v: array[float],
    largest: array[float] | None,
    rate: float,
    correction: float,
    beta1: float,
    beta2: float,
    eps: float,
    l2: float,
    decay_factor: float,
    maximize: bool,
    mark: Any = None,
    /,
) -> Any:
    """Change every parameter once, as `Adam` and `AdamW` do.

    Arguments:
        params: the parameters, in a list.
        m: the mean of the gradients of each, which is changed too.
        v: the mean of their squares, likewise.
        largest: with amsgrad the largest such mean so far, likewise; else None.
        rate: the learning rate over `1 - beta1 ** steps`.
        correction: the square root of `1 - beta2 ** steps`.
        beta1: how much of `m` is kept.
        beta2: how much of `v` is kept.
        eps: added to the denominator.
        l2: the strength of an L2 penalty.
        decay_factor: what each parameter is multiplied by first.
        maximize: climb instead of descend.
        mark: for `settle_gradients`, which comes first, or None to leave all gradients as they are.

    Returns:
        A mark for the next step, if there was one.
    """
    if mark is not None:
        mark = settle_gradients(params, mark)
    amsgrad = largest is not None
    update = updates.adam(rate, correction, beta1, beta2, eps, l2, decay_factor, maximize, amsgrad, updates.ON_FLOATS)
    for i, p in enumerate(params):
        if (gradient := p.grad) is None:
            continue
        if largest is None:
            p.data, m[i], v[i], _ = update(p.data, gradient, m[i], v[i], 0.0)
        else:
            p.data, m[i], v[i], largest[i] = update(p.data, gradient, m[i], v[i], largest[i])
    return mark
