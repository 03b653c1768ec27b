"""`Value`: a number that remembers how it was computed, so that `backward()` can apply the chain rule.

Arithmetic on Values builds a graph. Each result keeps its operands (its parents in the graph) and the row of `primitives.py` that made
it; `backward()` walks that graph from the result back to the leaves and adds up `d result / d node` in every node's `grad`.

This is the reference engine, in plain Python.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from typing import TYPE_CHECKING, Any

from chainrule import by_hand, conversions, copies, kinds, operators, primitives, thrown_away
from chainrule.elementary import Methods
from chainrule.primitives import Primitive, Whole, add, is_whole, multiply, passing_positions, power, real, zero
from chainrule.primitives import dot as dot_row
from chainrule.refusals import refuse_backward, refuse_child, refuse_data, refuse_label, refuse_lengths, refuse_root, stand_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Self, SupportsFloat

BY_HAND = Primitive("", lambda *data: primitives.NAN)  # the rule of a node whose operation the user wrote: Value(data, parents, op)
CONSTANT: Any = object()  # what a leaf holds in _a that stands for a number of the program, such as the 2.0 of `2.0 * x`
watching: dict[int, list[Value]] = {}  # for each thread that has a guard, the list to which it adds the leaves that it makes
ZERO = float("0")  # the gradient that results start with: a new object after each assignment of a number, to tell which are older
FIRST_ZERO = ZERO  # no number has been assigned yet
wholes = False  # whether there has been a Value of an int
EVERY = object()  # the gradients that `_zeroed_order` is to list
unread: Any = None  # of the last backward(), until a gradient is read or set: see `_remember`


class Value(Methods):
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

    # A leaf has no rule, and nothing in _a or, if it is a constant, a mark. A result has its operands in _a and _b; with other than one
    # or two, _a is a tuple of them. _b lives in the instance dictionary, where CPython keeps the first entry in line: so a node takes 128
    # bytes and may have attributes of the user's.
    __slots__ = ("__dict__", "_a", "_data", "_grad", "_rule")
    _checks_numbers = True  # whether backward() refuses a graph with numbers that were changed; see changes.py
    # NumPy's scalars, whose priority is lower, leave arithmetic to us; its arrays, whose priority is 0, go through it element by element.
    __array_priority__ = -1.0

    _a: Any
    _b: Any
    _data: float
    _grad: Any
    _named: str | None = None
    _whole: float | None = None  # the very object in _data, if that was an int
    _rule: Primitive | None
    _by_hand: tuple[str, Callable[[], object] | None, Primitive | None]
    _made_at: tuple[str, int]
    _seen: list[float] | None  # the parents' numbers when the user's `_backward` was assigned
    _is_set: bool  # whether the number of a result was assigned
    _kind: type[Value]
    _adds_up = False

    def __init_subclass__(cls, **named: Any) -> None:
        """Decide of which class the results of operations on objects of a subclass are."""
        super().__init_subclass__(**named)
        cls._kind = kinds.result_class(cls, Value)
        if cls._kind is not cls:
            for name, row in (("__add__", add), ("__mul__", multiply)):
                if getattr(cls, name) is vars(Value)[name]:
                    setattr(cls, name, lambda self, other, row=row: _binary(self, row, self, other))

    def __init__(
        self, data: SupportsFloat, _children: Iterable[Value] = (), _op: str | Iterable[Any] = "", label: str = "", **named: Any
    ) -> None:
        if isinstance(data, Value):
            stand_for(self, data, label)
            return
        if type(data) is float:
            number = data
        else:
            number = real(data)
            if is_whole(data, number):
                global wholes
                self._whole, wholes = number, True
        if label or _children or _op or named:
            self._check_and_fill(number, _children, _op, label, named)
            return
        self._data = number
        self._grad = 0.0
        self._rule = None
        self._a = None
        if watching:
            note_leaf(self)

    def _check_and_fill(
        self, number: float, _children: Iterable[Value], _op: str | Iterable[Any], label: str, named: dict[str, Any]
    ) -> None:
        """The rest of `__init__`, which changes nothing if it refuses anything."""
        if label and not isinstance(label, str):
            refuse_label(label)
        children, op, function = by_hand.arguments(_children, _op, named)
        for child in children:
            if not isinstance(child, Value):
                refuse_child(child)
        again = hasattr(self, "_rule")
        self._data = number
        self._grad = 0.0
        if label:
            self.label = label
        if children or op:
            self._become(children, op, function)
        else:
            self._rule = None
            self._a = None
            if watching:
                note_leaf(self)
        if again and self._rule is not None:
            vars(self).pop("_b", None)
            note_assignment(())
            copies.caution_of_cycle(self)

    # --- what a node holds ----------------------------------------------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number itself."""
        number = self._data
        return Whole(number) if wholes and number is self._whole else number

    @data.setter
    def data(self, number: SupportsFloat) -> None:
        global ZERO, wholes
        if type(number) is float:
            self._data = number
        else:
            self._data = real(number)
            if type(number) is Whole:
                self._whole, wholes = self._data, True
        ZERO = ZERO + 0.0  # a new object
        if self._rule is not None:
            note_assignment((self,))

    @property
    def grad(self) -> Any:
        """The derivative of the result that `backward()` was last called on, with respect to this node; None if that was assigned."""
        global unread
        unread = None
        return self._grad

    @grad.setter
    def grad(self, number: SupportsFloat | None) -> None:
        global unread
        unread = None  # and each assignment keeps a float object of its own: see `settle_gradients`
        self._grad = number * 1.0 if type(number) is float else None if number is None else real(number) * 1.0

    @property
    def label(self) -> str:
        """A name to show in pictures and tables; "" if none was given."""
        try:
            return self._label
        except AttributeError:
            return ""

    @label.setter
    def label(self, text: str) -> None:
        if not isinstance(text, str):
            refuse_label(text)
        self._label: str = text

    @property
    def _prev(self) -> tuple[Value, ...]:
        """The parents: the Values this one was computed from, in the order of the operands."""
        return tuple(operand for operand in self._operands if isinstance(operand, Value))

    @_prev.setter
    def _prev(self, parents: Iterable[Value]) -> None:
        by_hand.set_parents(self, parents)

    @property
    def _children(self) -> tuple[Value, ...]:
        """The same as `_prev`, by microgpt's name."""
        return self._prev

    @_children.setter
    def _children(self, parents: Iterable[Value]) -> None:
        by_hand.set_parents(self, parents)

    @property
    def _local_grads(self) -> tuple[float, ...]:
        """The derivative of this node with respect to each of its parents, as microgpt keeps it."""
        return by_hand.local_gradients(self)

    @property
    def _operands(self) -> tuple[Any, ...]:
        """The parents, and the numbers that belong to the operation, such as the 2.0 of `x ** 2`."""
        rule = self._rule
        if rule is None:
            return ()
        if rule.arity == 1:
            return (self._a,)
        if rule.arity == 2:
            return (self._a, self._b)
        operands: tuple[Any, ...] = self._a
        return operands

    @property
    def _op(self) -> str:
        """The name of the operation that made this node: "+", "*", "**2", "tanh"; "" for a leaf. Another may be assigned."""
        if self._named is not None:
            return self._named
        rule = self._rule
        if rule is None:
            return ""
        if rule is BY_HAND:
            return self._by_hand[0]
        return operation_name(rule, self._operands) if rule.parametric else rule.shown

    @_op.setter
    def _op(self, name: str) -> None:
        by_hand.set_name(self, name)

    @property
    def _backward(self) -> Callable[[], object]:
        """A function that adds this node's share to its parents' gradients, once. Assign one to define an operation by hand."""
        if self._rule is BY_HAND and self._by_hand[1] is not None and not takes_node(self._by_hand[1]):
            return self._by_hand[1]
        return lambda: _push_alone(self)

    @_backward.setter
    def _backward(self, function: Callable[..., object]) -> None:
        if not callable(function):
            refuse_backward(function)
        parents, op, rule = self._prev, self._op, self._primitive
        self._a, self._rule, self._by_hand = parents, BY_HAND, (op, function, rule)
        self._seen = None if takes_node(function) else [parent._data for parent in parents]

    def _become(self, parents: tuple[Value, ...], op: str, function: Callable[..., object] | None) -> None:
        """Be an operation made by hand from now on, or a leaf if there is none of these."""
        if parents or op or function is not None:
            self._a, self._rule, self._by_hand = parents, BY_HAND, (op, function, None)
        else:
            for name in ("_b", "_by_hand"):
                vars(self).pop(name, None)
            self._rule = self._a = None

    @property
    def _function(self) -> Callable[[], object] | None:
        """The `_backward` that the user assigned, if any."""
        return self._by_hand[1] if self._rule is BY_HAND else None

    @property
    def _primitive(self) -> Primitive | None:
        """The row of the table of primitives that computed `data`; None for a leaf and for an operation made by hand."""
        return self._by_hand[2] if self._rule is BY_HAND else self._rule

    # --- building the graph ---------------------------------------------------------------------------------------------------------

    def _apply(self, primitive: Primitive, operands: tuple[Any, ...]) -> Value:
        """Make the node for `primitive` of `operands`; numbers among them become leaves, but for a parameter of the operation."""
        if primitive.arity == 1:
            kind = type(self)
            out = _new(kind if kind is Value else kind._kind)
            out._data = primitive.forward(self._data)
            out._grad = ZERO
            out._rule = primitive
            out._a = self
            return out
        data: list[float] = []
        nodes: list[Any] = []
        kind = Value
        for position, operand in enumerate(operands):
            if isinstance(operand, Value):
                if type(operand) is not Value and issubclass(type(operand)._kind, kind):
                    kind = type(operand)._kind
                data.append(operand._data)
                nodes.append(operand)
            else:
                number = real(operand)
                data.append(number)
                nodes.append(number if primitive.parametric and position == 1 else _leaf(number))
        out = _new(kind)
        out._data = primitive.forward(*data)
        out._grad = ZERO
        out._rule = primitive
        out._set_operands(nodes)
        return out

    def _set_operands(self, operands: Sequence[Any]) -> None:
        arity = self._rule.arity if self._rule is not None else 0
        if arity == 1:
            (self._a,) = operands
        elif arity == 2:
            self._a, self._b = operands
        else:
            self._a = tuple(operands)

    def __add__(self, other: Value | SupportsFloat) -> Value:
        if type(other) is not Value and type(other) is not type(self):
            return _binary(self, add, self, other)
        out = _new(type(self))
        out._data = self._data + other._data
        out._grad = ZERO
        out._rule = add
        out._a = self
        out._b = other
        return out

    def __mul__(self, other: Value | SupportsFloat) -> Value:
        if type(other) is not Value and type(other) is not type(self):
            return _binary(self, multiply, self, other)
        out = _new(type(self))
        out._data = self._data * other._data
        out._grad = ZERO
        out._rule = multiply
        out._a = self
        out._b = other
        return out

    def __pos__(self) -> Value:
        return self

    # --- the chain rule -------------------------------------------------------------------------------------------------------------

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
        before = [(node, node._grad) for node in topological_order(self) if node._rule is None] if accumulate else ()
        last = unread
        may_lose = last is not None and not accumulate and self._grad is not last[0] and last[2] == get_ident()
        try:
            order, nothing, lost = _zeroed_order(self, last[1] if may_lose else None)
            self._grad = one = float("1")
            sweep(order, nothing)
        except BaseException:
            _put_back(before)
            raise
        for node, grad in before:
            node._grad = (0.0 if grad is None else grad) + node._grad
        _remember(last, one, nothing, bool(lost))

    def _add_up(self) -> None:
        """As micrograd's `backward()`: nothing is zeroed first, and every gradient on the way is added to."""
        global unread
        order, _, before = _zeroed_order(self, EVERY)
        _put_back(before)
        self._grad = 1.0
        sweep(order, float("0"))
        unread = None

    # --- a number among numbers -----------------------------------------------------------------------------------------------------

    def __float__(self) -> float:
        frame = _getframe(1)
        code = frame.f_code
        if silent_places.get(frame.f_lasti) is not code:
            conversions.look_once(frame)
        return self._data

    def __int__(self) -> int:
        return int(self._data)

    def __bool__(self) -> bool:
        return True

    def __lt__(self, other: Value | SupportsFloat) -> bool:
        return NotImplemented if (number := _number(other)) is None else self._data < number

    def __le__(self, other: Value | SupportsFloat) -> bool:
        return NotImplemented if (number := _number(other)) is None else self._data <= number

    def __gt__(self, other: Value | SupportsFloat) -> bool:
        return NotImplemented if (number := _number(other)) is None else self._data > number

    def __ge__(self, other: Value | SupportsFloat) -> bool:
        return NotImplemented if (number := _number(other)) is None else self._data >= number

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else str(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(data={self._data}, grad={self.grad})"

    # --- copies ---------------------------------------------------------------------------------------------------------------------

    @classmethod
    def _bare(cls) -> Self:
        """A leaf of this class with data 0, made without `__init__`."""
        leaf = _new(cls)
        leaf._data = leaf._grad = 0.0
        leaf._rule = None
        if watching:
            note_leaf(leaf)
        return leaf

    def _attributes(self) -> dict[str, Any]:
        """The attributes that this node has beside those of every node, in a new dictionary."""
        return {name: attribute for name, attribute in vars(self).items() if name not in _OWN}

    def _copy(self, operands: Sequence[Any]) -> Self:
        """A node of the same operation, data, gradient and attributes, with these operands."""
        twin = self._bare()
        twin._data, twin._grad, twin._rule = self._data, self._grad, self._rule
        vars(twin).update(vars(self))
        if self._rule is not None:
            twin._set_operands(operands)
        return twin

    def __copy__(self) -> Self:
        return copies.shallow_copy(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return copies.deep_copy(topological_order(self), memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copies.reduce(self)


_OWN = {"_b", "_by_hand", "_seen", "_is_set", "_whole"}


def note_assignment(nodes: Iterable[Value]) -> None:
    """Take note that nodes have been given other numbers: what was computed before may not follow from them.

    Where an operation was made by hand, the number of its node is the right one, whatever it is.
    """
    global ZERO
    ZERO = float("0")
    for node in nodes:
        if node._rule is BY_HAND:
            if getattr(node, "_seen", None) is not None:
                node._seen = [parent._data for parent in node._prev]
        elif node._rule is not None:
            node._is_set = True


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


def _zeroed_order(root: Value, keep: object) -> tuple[list[Value], float, list[tuple[Value, float]]]:
    """Set the gradient of every node to 0, and list the nodes in topological order but for the leaves, which pass nothing on.

    This is the walk of `topological_order`, faster: each call has a zero object of its own, and a node that holds it has been seen. A leaf
    keeps it as the mark of the last call that reached it, in the place of the second operand, which a leaf has not.

    Arguments:
        root: the result.
        keep: which gradients to list that were there: EVERY one, or the first of a leaf with this mark, or none if it is None.

    Returns:
        The nodes; that zero, which a node that has been passed nothing still holds in the sweep; and the gradients to `keep` that were
        not 0, with their nodes.
    """
    zero, newest = float("0"), ZERO
    order: list[Value] = []
    suspects: list[Value] = []
    before: list[tuple[Value, float]] = []
    stack: list[Any] = [root]
    pop, push, done = stack.pop, stack.append, order.append
    while stack:
        node = pop()
        if node is None:
            done(pop())
            continue
        grad = node._grad
        if grad is not newest:
            if grad is zero:
                continue
            suspects.append(node)
            if keep is not None and grad:
                keep = _list(node, keep, before)
        node._grad = zero
        rule = node._rule
        if rule is add or rule is multiply:
            a, b = node._a, node._b
            if a._rule is None:
                if keep is not None and a._grad:
                    keep = _list(a, keep, before)
                a._grad = a._b = zero
            if b._rule is None:
                if keep is not None and b._grad:
                    keep = _list(b, keep, before)
                b._grad = b._b = zero
            if a._grad is zero and b._grad is zero:
                done(node)
                continue
            push(node)
            push(None)
            if b._grad is not zero:
                push(b)
            if a._grad is not zero:
                push(a)
        elif rule is None:
            node._b = zero
        else:
            push(node)
            push(None)
            if rule.arity == 1:
                push(node._a)
            elif rule is dot_row:
                stack += [operand for operand in reversed(node._a) if operand._grad is not zero]
            else:
                stack += reversed(node._prev)
    if newest is not FIRST_ZERO:
        try:
            changes.refuse_changed(root, suspects)
        except BaseException:
            if keep is EVERY:
                _put_back(before)
            raise
    return order, zero, before


def _put_back(before: Iterable[tuple[Value, float]]) -> None:
    for node, grad in before:
        node._grad = grad


def _list(node: Value, keep: object, before: list[tuple[Value, float]]) -> object:
    """List the gradient of a node if it is one to keep, and return which ones are to be kept from then on."""
    if keep is EVERY:
        before.append((node, node._grad))
    elif node._rule is None and getattr(node, "_b", None) is keep and getattr(node, "_a", None) is not CONSTANT:
        before.append((node, node._grad))
        return None
    return keep


def _remember(last: Any, one: float, mark: float, lost: bool) -> None:
    """At the end of a backward(): remember which it was, and warn if it threw away what the last one left and nobody has looked at.

    Arguments:
        last: what was remembered of the last call; None if a gradient has been read or set since.
        one: the gradient that the result has now.
        mark: that of the leaves which it reached.
        lost: whether it replaced a gradient of a leaf that has the mark of the last call, which was of another result in this thread.
    """
    global unread
    told = last is not None and last[3]  # the last call lost gradients itself, which was said then
    unread = one, mark, get_ident(), lost
    if lost and not told:
        thrown_away.warn()


def sweep(order: list[Value], nothing: float) -> None:
    """Apply the chain rule from the last node of a topological order to the first: each passes its gradient on to its parents.

    A node that nothing was passed to, since only a condition looks at it or a choice left it out, passes nothing on. That is more than
    to pass on 0: times an infinite derivative, 0 would be nan. The operations that make up nearly every graph are written out here; all
    others are read from the table.

    Arguments:
        order: the nodes.
        nothing: the zero object that a node holds as its gradient until something is passed to it.
    """
    for node in reversed(order):
        grad = node._grad
        if grad is nothing:
            continue
        rule = node._rule
        if rule is multiply:
            a, b = node._a, node._b
            a._grad += b._data * grad
            b._grad += a._data * grad
        elif rule is add:
            node._a._grad += grad
            node._b._grad += grad
        elif rule is dot_row:
            _push_dot(node._a, grad)
        else:
            _push(node)


def _push(node: Value) -> None:
    """Add a node's share to its parents' gradients: gradient arriving times local derivative."""
    rule = node._rule
    if rule is None:
        return
    if rule is BY_HAND:
        function: Any = node._by_hand[1]
        if function is not None:
            _ = function(node) if takes_node(function) else function()
        return
    if rule.arity == 1:
        slope = rule.partials[0](node._a._data, node._data)
        if slope != 0.0 or not (rule.choices or rule.partials[0] is zero):
            node._a._grad += slope * node._grad
        return
    operands = node._operands
    data = [operand._data if isinstance(operand, Value) else operand for operand in operands]
    if rule.arity is None:
        for position in reversed(passing_positions(rule, data)):
            operands[position]._grad += rule.partial(position, data, node._data) * node._grad
        return
    for position, (operand, partial) in enumerate(zip(operands, rule.partials, strict=True)):
        if isinstance(operand, Value) and partial is not zero:
            slope = partial(*data, node._data)
            if slope != 0.0 or position not in rule.choices:
                operand._grad += slope * node._grad


def _push_alone(node: Value) -> None:
    """The same, by hand, one node after another: a gradient that is None is 0."""
    global unread
    unread = None
    for each in (node, *node._prev):
        if each._grad is None:
            each._grad = 0.0
    _push(node)


def takes_node(function: object) -> bool:
    """Whether the class of a `_backward` says that it is called with the node: it then need not hold the node, and closes no cycle."""
    return getattr(type(function), "takes_node", False) is True


def _push_dot(operands: tuple[Value, ...], grad: float) -> None:
    """The share of a dot product's operands: from the last product to the first, then the bias, as its elementary graph would be swept."""
    start = len(operands) % 2
    for i in range(len(operands) - 2, start - 1, -2):
        weight, x = operands[i], operands[i + 1]
        weight._grad += x._data * grad
        x._grad += weight._data * grad
    if start:
        operands[0]._grad += grad


def _binary(self: Value, primitive: Primitive, a: Any, b: Any) -> Any:
    """`a (operation) b`, one of which is `self`; NotImplemented if the other is no real number, so that Python asks the other type."""
    other = a if b is self else b
    if not isinstance(other, Value):
        try:
            number = real(other)
        except TypeError:
            if hasattr(other, "__array__") and not hasattr(type(other), "__len__"):  # a complex scalar of NumPy's, which is no operand
                raise
            return NotImplemented
        a, b = (number, b) if b is self else (a, number)
    return self._apply(primitive, (a, b))


def _number(x: object) -> float | None:
    if isinstance(x, Value):
        return x._data
    try:
        return real(x)
    except TypeError:
        return None


def _leaf(data: float) -> Value:
    leaf = _new(Value)
    leaf._data = data
    leaf._grad = 0.0
    leaf._rule = None
    leaf._a = CONSTANT
    return leaf


def constant(number: SupportsFloat, /) -> Value:
    """A leaf that stands for a number of the program, as the 2.0 of `2.0 * x` does: `flatten` marks it, and a compiled graph keeps it.

    Raises:
        TypeError: if it is not a real number.
    """
    if isinstance(number, Value):
        refuse_data(number)
    return _leaf(real(number))


def dot(
    weights: Iterable[Value | SupportsFloat], inputs: Iterable[Value | SupportsFloat], bias: Value | SupportsFloat | None = None
) -> Any:
    """`bias + weights[0] * inputs[0] + weights[1] * inputs[1] + ...`, added in this order, as one node of the graph.

    The result has the very number of `sum((w * x for w, x in zip(weights, inputs)), bias)` for a fraction of the time and memory.
    `backward()` adds to the gradients from the last product to the first, then to the bias's.

    Arguments:
        weights: Values or numbers.
        inputs: as many Values or numbers.
        bias: where the sum starts; None is 0.

    Returns:
        A Value; a float if there is no Value among the operands.

    Raises:
        ValueError: if there are not as many weights as inputs.
        TypeError: if an operand is neither a real number nor a Value.
    """
    weights, inputs = list(weights), list(inputs)
    if len(weights) != len(inputs):
        refuse_lengths(len(weights), len(inputs))
    operands = [] if bias is None else [bias]
    for pair in zip(weights, inputs, strict=True):
        operands += pair
    return dot_row(*operands)


def operation_name(rule: Primitive, operands: Sequence[Any]) -> str:
    """The name of a parametric operation, with the number that belongs to it: "**2", "leaky_relu(0.01)"."""
    parameter = operands[1]
    if type(parameter) is not float:
        return rule.name
    number = repr(parameter).removesuffix(".0")
    return f"**{number}" if rule is power else f"{rule.name}({number})"


_new = object.__new__
_getframe = sys._getframe
silent_places = conversions.recent
Value._kind = Value
operators.add_to(Value, primitives.PRIMITIVES.values(), _binary)

# CPython gives instances room for few attributes in line once a class has made some without any: then one place is left, for _b. It
# must be the first to be set, or every result would need a dictionary of its own.
for _ in range(32):
    _first = _new(Value)
_first._b = None

# The rest of what an engine has; it builds on the above.
from chainrule import changes  # noqa: E402
from chainrule.bulk import (  # noqa: E402, F401
    adam_step,
    add_grad,
    flatten,
    mark_gradients,
    read_data,
    read_grad,
    settle_gradients,
    sgd_step,
    write_data,
    write_grad,
)
from chainrule.changes import changed  # noqa: E402, F401
from chainrule.guards import forget_other_threads, guard, note_leaf  # noqa: E402, F401
