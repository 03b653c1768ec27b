"""`Value`: a number that remembers how it was computed, so that `backward()` can apply the chain rule.

Arithmetic on Values builds a graph. Each result keeps its operands (its parents in the graph) and the row of `primitives.py` that made
it; `backward()` walks that graph from the result back to the leaves and adds up `d result / d node` in every node's `grad`.

This is the reference, which is there to be read; `fast.py` and `value_c/` compute the same numbers faster. The base classes add other
things: the table's operators and functions, plain numbers, names, operations that a program defines itself, and copies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import by_hand, changes, kinds, operators, thrown_away
from chainrule.by_hand import BY_HAND, ByHand
from chainrule.conversions import Number, binary
from chainrule.copies import Copyable, deep_copy
from chainrule.elementary import Methods
from chainrule.naming import Named
from chainrule.primitives import PRIMITIVES, passing_positions
from chainrule.reals import Whole, is_whole, numbers_of, real
from chainrule.refusals import refuse_root, stand_for
from chainrule.row import Primitive

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self, SupportsFloat


class Value(Methods, Number, Named, ByHand, Copyable):
    """A number in a computation graph.

    Arguments:
        data: a real number, kept as a float.
        _children: the Values this one was computed from; only for an operation made by hand.
        _op: the name of that operation; or, as in microgpt, its local gradients: a number for each of the children.
        label: a name to show in pictures and tables.
        named: names that other engines have: `children` and `_prev` for `_children`, `local_grads` and `_local_grads` for the
            local gradients.

    An operation made by hand can be given its local gradients, the derivatives with respect to its children:

        out = Value(math.sin(x.data), (x,), (math.cos(x.data),))

    Or one assigns its `_backward`, a function without arguments that adds to its parents' gradients:

        out = Value(math.sin(x.data), (x,), "sin")
        def push():
            x.grad += math.cos(x.data) * out.grad
        out._backward = push

    Values compare by their data (`<`, `<=`, `>`, `>=`); `==` and `hash` are identity, so that Values can be members of a set.

    Raises:
        TypeError: if `data` is not a real number, a child is not a Value, or `_op` is neither a string nor numbers.
        ValueError: if there are not as many local gradients as children.
    """

    # A result has the row of its operation as its rule, and operands; a leaf has neither. What else a node has is in its `__dict__`.
    __slots__ = ("__dict__", "_data", "_grad", "_operands", "_rule")

    _data: float
    _grad: Any
    _operands: tuple[Any, ...]  # the parents, and the numbers that belong to the operation, such as the 2.0 of `x ** 2`
    _rule: Primitive | None
    _whole: float | None = None  # the very object in _data, if that was an int
    _kind: type[Value]  # of the results of operations on objects of this class

    def __init_subclass__(cls, **named: Any) -> None:
        """Choose the class of the results of operations on objects of a subclass."""
        super().__init_subclass__(**named)
        cls._kind = kinds.result_class(cls, Value)

    def __init__(
        self, data: SupportsFloat, _children: Iterable[Value] = (), _op: str | Iterable[Any] = "", label: str = "", **named: Any
    ) -> None:
        if isinstance(data, Value):
            stand_for(self, data, label)
            return
        number = real(data)
        if label or _children or _op or named:
            self._check_and_fill(number, _children, _op, label, named)
        else:
            self._data, self._grad = number, 0.0
            self._hold(None, ())
        if is_whole(data, number):
            self._whole = number

    def _hold(self, rule: Primitive | None, operands: tuple[Any, ...]) -> None:
        """Become the result of an operation on these operands, or a leaf if there is no rule."""
        self._rule, self._operands = rule, operands

    @property
    def data(self) -> float:
        """The number itself."""
        return Whole(self._data) if self._data is self._whole else self._data

    @data.setter
    def data(self, number: SupportsFloat) -> None:
        self._data = real(number)
        if type(number) is Whole:
            self._whole = self._data
        changes.note_assignment((self,))

    @property
    def grad(self) -> Any:
        """The derivative of the result that `backward()` was last called on, with respect to this node; None if that was assigned."""
        thrown_away.looked_at()
        return self._grad

    @grad.setter
    def grad(self, number: SupportsFloat | None) -> None:
        thrown_away.looked_at()
        self._grad = None if number is None else real(number) * 1.0  # an object of its own, by which `settle_gradients` knows it

    @property
    def _prev(self) -> tuple[Value, ...]:
        """The parents: the Values this one was computed from, in the order of the operands."""
        return tuple(operand for operand in self._operands if isinstance(operand, Value))

    @_prev.setter
    def _prev(self, parents: Iterable[Value]) -> None:
        by_hand.set_parents(self, parents)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(data={self._data}, grad={self.grad})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return deep_copy(topological_order(self), memo)

    # --- building the graph, and the chain rule -------------------------------------------------------------------------------------

    def _apply(self, primitive: Primitive, operands: Sequence[Any]) -> Value:
        """Make the node for `primitive` of `operands`; numbers among them become leaves, but for a parameter of the operation."""
        held: list[Any] = []
        for position, operand in enumerate(operands):
            if isinstance(operand, Value):
                held.append(operand)
            elif primitive.parametric and position == 1:
                held.append(real(operand))
            else:
                held.append(Value._constant(real(operand)))
        out: Value = object.__new__(kinds.kind_of_result(held, Value))
        out._data = primitive.forward(*numbers_of(held))
        out._grad = 0.0
        out._hold(primitive, tuple(held))
        return out

    def _push(self) -> None:
        """Add this node's share to its parents' gradients: gradient arriving times local derivative."""
        rule, operands, data = self._rule, self._operands, numbers_of(self._operands)
        if rule is BY_HAND:
            by_hand.run(self)
        elif rule is not None:
            for position in passing_positions(rule, data):
                slope = rule.partial(position, data, self._data)
                if isinstance(operands[position], Value) and (slope != 0.0 or position not in rule.choices):  # a choice may leave it out
                    operands[position]._grad += slope * self._grad

    def backward(self, *, accumulate: bool = False) -> None:
        """Compute the derivative of this Value with respect to every node it depends on, into their `grad`.

        Every gradient in the graph is set to zero first, so calling this twice gives the same numbers.

        Arguments:
            accumulate: add to the gradients that the leaves already have, for the sum of several calls (minibatches). If the sweep
                fails, in a `_backward` made by hand, the leaves get back what they had.

        Raises:
            ChangedNumberError: if a number was changed after others had been computed from it, so that the derivatives would be those at
                no point. A result that was set to another number itself is warned of.
        """
        order = topological_order(self)
        before = [(node, node._grad) for node in order if accumulate and node._rule is None]
        nothing, one = float("0"), float("1")  # objects of their own: a node whose gradient still is `nothing` was passed nothing
        call = thrown_away.begin(self, order, nothing, accumulate)
        for node in order:
            node._grad = nothing
        try:
            changes.report(self, changes.found(order))
            self._grad = one
            sweep(order, nothing)
        except BaseException:
            for node, grad in before:
                node._grad = grad
            raise
        for node, grad in before:
            node._grad = (0.0 if grad is None else grad) + node._grad
        thrown_away.end(call, one, nothing)

    def _add_up(self) -> None:
        """As micrograd's `backward()`: nothing is zeroed first, and every gradient on the way is added to."""
        order = topological_order(self)
        thrown_away.begin(self, order, float("0"), True)
        for node in order:
            node._grad = node._grad or 0.0  # which may be None
        changes.report(self, changes.found(order))
        self._grad = 1.0
        sweep(order, None)
        thrown_away.looked_at()


def sweep(order: Sequence[Value], nothing: float | None) -> None:
    """Apply the chain rule from the last node of a topological order to the first: each passes its gradient on to its parents.

    A node that nothing was passed to passes nothing on. To pass on 0 would be wrong: times an infinite derivative, 0 is nan.

    Arguments:
        order: the nodes.
        nothing: the zero object that a node holds as its gradient until something is passed to it.
    """
    for node in reversed(order):
        if node._grad is not nothing:
            node._push()


def topological_order(root: Value) -> list[Value]:
    """List every node that `root` depends on, each once, after its parents; operands are visited from left to right.

    Arguments:
        root: the result to start from; it comes last.

    Returns:
        The nodes. The walk keeps its own stack, so a graph may be as deep as memory allows.

    Raises:
        TypeError: if `root` is not a Value.
    """
    if not isinstance(root, Value):
        refuse_root(root)
    return order_below((root,))


def order_below(roots: Sequence[Value]) -> list[Value]:
    """The topological order of all that several results depend on, as if they were the parents of one; without that one."""
    order: list[Value] = []
    seen: set[int] = set()  # by id: a subclass may compare its Values by their data
    stack: list[Any] = [*reversed(roots)]
    while stack:
        node = stack.pop()
        if node is None:  # the parents of the node below are done
            order.append(stack.pop())
        elif id(node) not in seen:
            seen.add(id(node))
            stack += (node, None, *reversed(node._prev))
    return order


Value._kind = Value
operators.add_to(Value, PRIMITIVES.values(), binary)
