"""Operations that a program defines itself, "made by hand": how their arguments are written, their gradients, and what may be changed of
a graph afterwards.

Programs written for microgpt make an operation from its number, its parents, and its derivative with respect to each of them:
`Value(math.log(x.data), (x,), (1 / x.data,))`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.caution import caution
from chainrule.ieee import NAN
from chainrule.primitives import passing_positions
from chainrule.reals import numbers_of, real
from chainrule.refusals import refuse_backward, refuse_child, refuse_label, refuse_name, refuse_parents
from chainrule.row import Primitive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

BY_HAND = Primitive("", lambda *data: NAN)
"""The rule of a node whose operation was made by hand."""

_UNORDERED = (set, frozenset, dict)


class LocalGradients:
    """The `_backward` of a node that was made with local gradients. It is called with the node, and holds numbers only.

    Arguments:
        slopes: a real number for each parent, or a Value, whose data is used.
        count: how many parents there are.

    Raises:
        TypeError: if a slope is neither a real number nor a Value.
        ValueError: if there are not as many slopes as parents.
    """

    __slots__ = ("slopes",)
    takes_node = True

    def __init__(self, slopes: Iterable[Any], count: int) -> None:
        self.slopes = tuple(real(slope) for slope in slopes)
        if len(self.slopes) != count:
            raise ValueError(
                f"there must be one local gradient for each child, got {count} children and {len(self.slopes)} local gradients"
            )

    def __call__(self, node: Any) -> None:
        """Add the node's share to its parents' gradients."""
        arriving = node.grad
        for parent, slope in zip(node._prev, self.slopes, strict=True):
            before = parent.grad
            parent.grad = (0.0 if before is None else before) + slope * arriving


def arguments(children: Any, op: Any, named: Mapping[str, Any]) -> tuple[tuple[Any, ...], str, LocalGradients | None]:
    """Sort the arguments that `Value()` was given for an operation made by hand.

    Arguments:
        children: its second argument, the parents.
        op: its third, the name of the operation or, as in microgpt, the local gradients.
        named: what was given by names that only other engines have: `children` (microgpt) and `_prev` (EurekaLabs' micrograd) for the
            parents, `local_grads` or `_local_grads` for the local gradients.

    Returns:
        The parents, the name, and the local gradients if there are any.
    """
    slopes = None
    for name, thing in named.items():
        if name in ("children", "_prev"):
            if len(children := tuple(children)) and thing is not children:
                raise TypeError("Value.__init__() got multiple values for argument '_children'")
            children = thing
        elif name in ("local_grads", "_local_grads"):
            if slopes is not None:
                raise TypeError("Value.__init__() got multiple values for argument 'local_grads'")
            slopes = thing
        else:
            raise TypeError(f"Value.__init__() got an unexpected keyword argument {name!r}")
    if op is None:
        op = ""
    elif not isinstance(op, str):
        if slopes is not None or not hasattr(op, "__iter__") or isinstance(op, (bytes, dict)):
            refuse_name(op)
        op, slopes = "", op
    if slopes is not None and (isinstance(slopes, _UNORDERED) or isinstance(children, _UNORDERED)):
        raise TypeError("local gradients are matched to children by position: give both as tuples or lists, not as sets or dicts")
    children = tuple(children)
    return children, op, None if slopes is None else LocalGradients(slopes, len(children))


def local_gradients(node: Any) -> tuple[float, ...]:
    """The derivative of a node's result with respect to each of its parents, in the order of `_prev`, at the numbers they have now.

    If the user wrote the `_backward` of an operation, it is run with the parents' gradients set to 0 and the node's own gradient set to 1;
    then all gradients are restored. For a parent that occurs twice, its first place has the whole derivative.
    """
    rule, function = node._primitive, node._function
    if isinstance(function, LocalGradients):
        return function.slopes
    if function is not None:
        return _by_running(node)
    if rule is None or node._rule is not rule:  # a leaf, or an operation made by hand that passes nothing on
        return (0.0,) * len(node._prev)
    operands = node._operands
    parents = [position for position, operand in enumerate(operands) if type(operand) is not float]
    numbers = numbers_of(operands)
    passing = passing_positions(rule, numbers)
    return tuple(float(rule.partial(position, numbers, node._data)) if position in passing else 0.0 for position in parents)


def _by_running(node: Any) -> tuple[float, ...]:
    parents = node._prev
    before = [(each, each.grad) for each in (*parents, node)]
    try:
        for parent in parents:
            parent.grad = 0.0
        node.grad = 1.0
        node._backward()
        found = []
        for parent in parents:
            found.append(parent.grad)
            parent.grad = 0.0
    finally:
        for each, grad in before:
            each.grad = grad
    return tuple(found)


def set_parents(node: Any, parents: Iterable[Any]) -> None:
    """Assign `_prev`: without parents the node becomes a leaf and keeps its number; an operation made by hand gets the new parents.

    Raises:
        TypeError: if a parent is not a Value, or the node is the result of an operation of the table, whose operands are its parents.
        ValueError: if the number of parents differs from the number of the node's local gradients.
    """
    parents, function = tuple(parents), node._function
    for parent in parents:
        if not hasattr(parent, "_apply"):
            refuse_child(parent)
    known = node._prev
    if len(parents) == len(known) and all(one is other for one, other in zip(parents, known, strict=True)):
        return
    if not parents:
        node._become((), "", None)
    elif node._primitive is not None:
        refuse_parents(node)
    else:
        if isinstance(function, LocalGradients):
            function = LocalGradients(function.slopes, len(parents))
        node._become(parents, node._op, function)


def set_name(node: Any, name: str) -> None:
    """Assign `_op`: the node is shown under another name, and remains the same operation.

    Raises:
        TypeError: if the name is not a string.
    """
    if not isinstance(name, str):
        refuse_name(name)
    attributes = vars(node)
    attributes.pop("_named", None)
    if name != node._op:
        attributes["_named"] = name


def caution_of_cycle(node: Any) -> None:
    """Warn if a node has been given parents that depend on it: such a graph does not describe a computation, and has no derivatives."""
    stack, seen = [*node._prev], set()
    while stack:
        other = stack.pop()
        if other is node:
            caution(
                f"{shown(node)} was given parents by __init__ that were computed from it, so it depends on itself: "
                "the gradients of such a graph are meaningless; make a new Value instead"
            )
            return
        if id(other) not in seen:
            seen.add(id(other))
            stack += other._prev


def shown(node: Any) -> str:
    """The text of a node in messages, with its label if it has one."""
    return f"{node.label} ({node!r})" if node.label else repr(node)


def takes_node(function: object) -> bool:
    """Whether the class of a `_backward` says that it is called with the node: it then need not hold the node, and closes no cycle."""
    return getattr(type(function), "takes_node", False) is True


def run(node: Any) -> None:
    """Call the `_backward` of a node, if it has one."""
    function = node._function
    if function is not None:
        _ = function(node) if takes_node(function) else function()


class ByHand:
    """The part of Value for operations made by hand."""

    __slots__ = ()

    _by_hand: tuple[str, Callable[..., object] | None, Primitive | None]  # its name; its `_backward`; the row that computed its number
    _seen: list[float] | None  # the parents' numbers when the user's `_backward` was assigned

    def _check_and_fill(self: Any, number: float, children: Any, op: Any, label: str, named: Mapping[str, Any]) -> None:
        """The rest of `__init__`; if it raises an error, nothing has changed."""
        if label and not isinstance(label, str):
            refuse_label(label)
        parents, op, function = arguments(children, op, named)
        for parent in parents:
            if not isinstance(parent, ByHand):
                refuse_child(parent)
        is_made_anew = hasattr(self, "_rule")
        self._data, self._grad = number, 0.0
        if label:
            self.label = label
        self._become(parents, op, function)
        if is_made_anew and self._rule is not None:
            caution_of_cycle(self)

    def _become(self: Any, parents: tuple[Any, ...], op: str, function: Callable[..., object] | None) -> None:
        """Be an operation made by hand from now on, or a leaf if there is none of these."""
        if parents or op or function is not None:
            self._hold(BY_HAND, parents)
            self._by_hand = op, function, None
        else:
            if hasattr(self, "_by_hand"):
                del self._by_hand  # whose function may lead anywhere
            self._hold(None, ())

    @property
    def _function(self: Any) -> Callable[..., object] | None:
        """The `_backward` that the user assigned, if any."""
        return self._by_hand[1] if self._rule is BY_HAND else None

    @property
    def _primitive(self: Any) -> Primitive | None:
        """The row of the table of primitives that computed `data`; None for a leaf and for an operation made by hand."""
        return self._by_hand[2] if self._rule is BY_HAND else self._rule

    @property
    def _backward(self: Any) -> Callable[[], object]:
        """A function that adds this node's share to its parents' gradients, once. Assign one to define an operation by hand."""
        function: Callable[[], object] | None = self._function
        return self._push_alone if function is None or takes_node(function) else function

    @_backward.setter
    def _backward(self: Any, function: Callable[..., object]) -> None:
        if not callable(function):
            refuse_backward(function)
        parents, op, rule = self._prev, self._op, self._primitive
        self._hold(BY_HAND, parents)
        self._by_hand = op, function, rule
        self._seen = None if takes_node(function) else [parent._data for parent in parents]

    def _push_alone(self: Any) -> None:
        """Pass on the gradient, by hand, of one node after another: a gradient that is None is 0."""
        for each in (self, *self._prev):
            if each.grad is None:
                each._grad = 0.0
        self._push()

    @property
    def _children(self: Any) -> tuple[Any, ...]:
        """The same as `_prev`, by microgpt's name."""
        parents: tuple[Any, ...] = self._prev
        return parents

    @_children.setter
    def _children(self: Any, parents: Iterable[Any]) -> None:
        set_parents(self, parents)

    @property
    def _local_grads(self) -> tuple[float, ...]:
        """The derivative of this node with respect to each of its parents, as microgpt keeps it."""
        return local_gradients(self)
