"""The Python engine: `value.py` made fast, for where there is no C, such as in a browser. The numbers are the same, to the last bit.

A node keeps one or two operands in attributes of their own, so that nothing is packed and unpacked. Additions and multiplications, which
make up nearly every graph, are written out. `sweeping.py` has the walk and the sweep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import changes, thrown_away, value
from chainrule.bulk import (
    adam_step,
    add_grad,
    changed,
    flatten,
    mark_gradients,
    read_data,
    read_grad,
    settle_gradients,
    sgd_step,
    write_data,
    write_grad,
)
from chainrule.conversions import binary
from chainrule.copies import CONSTANT
from chainrule.guards import forget_other_threads, guard
from chainrule.primitives import add, multiply
from chainrule.products import dot
from chainrule.reals import Whole, is_whole, real
from chainrule.refusals import refuse_data, stand_for
from chainrule.replacing import CLASSES
from chainrule.row import Primitive
from chainrule.sweeping import EVERY, push, put_back, sweep, zeroed_order
from chainrule.thrown_away import unread
from chainrule.value import topological_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import SupportsFloat

__all__ = [
    "Value",
    "adam_step",
    "add_grad",
    "changed",
    "constant",
    "dot",
    "flatten",
    "forget_other_threads",
    "guard",
    "mark_gradients",
    "read_data",
    "read_grad",
    "settle_gradients",
    "sgd_step",
    "topological_order",
    "write_data",
    "write_grad",
]

ZERO = float("0")  # the gradient that results start with: a new object after each assignment of a number, to tell which are older
_FIRST = ZERO  # no number has been assigned yet
wholes = False  # whether there has been a Value of an int
_new = object.__new__


class Value(value.Value):  # noqa: D101
    __doc__ = value.Value.__doc__

    # A leaf has no rule, and nothing in _a or, if it is a constant, a mark. A result has its operands in _a and _b; with other than one
    # or two, _a is a tuple of them. _a is the place where the reference keeps its operands. _b lives in the instance dictionary, where
    # CPython keeps the first entry in line: so a node takes 128 bytes and may have attributes of the user's.
    __slots__ = ()

    if TYPE_CHECKING:
        _a: Any
        _b: Any
    else:
        _a = vars(value.Value)["_operands"]

    def __init_subclass__(cls, **named: Any) -> None:
        """Choose the class of the results of operations on objects of a subclass."""
        super().__init_subclass__(**named)
        if cls._kind is not cls:
            for name, row in (("__add__", add), ("__mul__", multiply)):
                if getattr(cls, name) is vars(Value)[name]:
                    setattr(cls, name, lambda self, other, row=row: binary(self, row, self, other))

    def __init__(
        self, data: SupportsFloat, _children: Iterable[value.Value] = (), _op: str | Iterable[Any] = "", label: str = "", **named: Any
    ) -> None:
        if type(data) is float:
            number = data
        elif isinstance(data, value.Value):
            stand_for(self, data, label)
            return
        else:
            number = real(data)
            if is_whole(data, number):
                global wholes
                self._whole, wholes = number, True
        if label or _children or _op or named:
            is_made_anew = hasattr(self, "_rule")
            self._check_and_fill(number, _children, _op, label, named)
            if is_made_anew and self._rule is not None:
                _renew()  # what was computed from it may not follow any more
            return
        self._data = number
        self._grad = 0.0
        self._rule = None
        self._a = None

    def _hold(self, rule: Primitive | None, operands: Sequence[Any]) -> None:
        """Become the result of an operation on these operands, or a leaf if there is no rule."""
        self._rule = rule
        if rule is not None and rule.arity == 2:
            self._a, self._b = operands
            return
        if hasattr(self, "_b"):
            del self._b
        if rule is None:
            self._a = CONSTANT if operands is CONSTANT else None
        else:
            self._a = operands[0] if rule.arity == 1 else operands

    @property
    def _operands(self) -> tuple[Any, ...]:  # type: ignore[override]
        rule = self._rule
        if rule is None:
            return () if self._a is None else self._a
        if rule.arity == 1:
            return (self._a,)
        if rule.arity == 2:
            return (self._a, self._b)
        operands: tuple[Any, ...] = self._a
        return operands

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
            changes.note_assignment((self,))

    @property
    def grad(self) -> Any:
        """The derivative of the result that `backward()` was last called on, with respect to this node; None if that was assigned."""
        unread[0] = None
        return self._grad

    @grad.setter
    def grad(self, number: SupportsFloat | None) -> None:
        unread[0] = None
        self._grad = number * 1.0 if type(number) is float else None if number is None else real(number) * 1.0

    def _apply(self, primitive: Primitive, operands: Sequence[Any]) -> value.Value:
        if primitive.arity == 1:
            kind = type(self)
            out: Any = _new(kind if kind is Value else kind._kind)
            out._data = primitive.forward(self._data)
            out._grad = ZERO
            out._rule = primitive
            out._a = self
            return out
        data: list[float] = []
        nodes: list[Any] = []
        result: type[value.Value] = Value
        for position, operand in enumerate(operands):
            if isinstance(operand, Value):
                if type(operand) is not Value and issubclass(type(operand)._kind, result):
                    result = type(operand)._kind
                data.append(operand._data)
                nodes.append(operand)
            else:
                number = real(operand)
                data.append(number)
                nodes.append(number if primitive.parametric and position == 1 else _leaf(number))
        out = _new(result)
        out._data = primitive.forward(*data)
        out._grad = ZERO
        out._rule = primitive
        if primitive.arity == 2:
            out._a, out._b = nodes
        else:
            out._a = tuple(nodes)
        return out

    def __add__(self, other: value.Value | SupportsFloat) -> value.Value:
        if type(other) is not Value and type(other) is not type(self):
            return binary(self, add, self, other)
        out: Value = _new(type(self))
        out._data = self._data + other._data
        out._grad = ZERO
        out._rule = add
        out._a = self
        out._b = other
        return out

    def __mul__(self, other: value.Value | SupportsFloat) -> value.Value:
        if type(other) is not Value and type(other) is not type(self):
            return binary(self, multiply, self, other)
        out: Value = _new(type(self))
        out._data = self._data * other._data
        out._grad = ZERO
        out._rule = multiply
        out._a = self
        out._b = other
        return out

    def backward(self, *, accumulate: bool = False) -> None:  # noqa: D102
        before = [(node, node._grad) for node in topological_order(self) if node._rule is None] if accumulate else ()
        (last,), at_stake = unread, thrown_away.at_stake(self, accumulate)
        try:
            order, nothing, lost = zeroed_order(self, ZERO, ZERO is not _FIRST, None if at_stake is None else at_stake.mark)
            self._grad = one = float("1")
            sweep(order, nothing)
        except BaseException:
            put_back(before)
            raise
        for node, grad in before:
            node._grad = (0.0 if grad is None else grad) + node._grad
        thrown_away.end((last, bool(lost)), one, nothing)

    backward.__doc__ = value.Value.backward.__doc__

    def _add_up(self) -> None:
        order, _, before = zeroed_order(self, ZERO, ZERO is not _FIRST, EVERY)
        put_back(before)
        self._grad = 1.0
        sweep(order, None)
        thrown_away.looked_at()

    def _push(self) -> None:
        push(self)


def _leaf(data: float) -> Value:
    leaf: Value = _new(Value)
    leaf._data = data
    leaf._grad = 0.0
    leaf._rule = None
    leaf._a = CONSTANT
    return leaf


def constant(number: SupportsFloat, /) -> Value:
    """A leaf for a constant of the program, such as the 2.0 of `2.0 * x`; `flatten` marks it, and a compiled graph keeps its number.

    Raises:
        TypeError: if it is not a real number.
    """
    if isinstance(number, Value):
        refuse_data(number)
    return _leaf(real(number))


def _renew() -> None:
    global ZERO
    ZERO = float("0")


changes.renew = _renew
CLASSES.append(Value)

# CPython gives instances room for few attributes in line once a class has made some without any: then one place is left, for _b. It
# must be the first to be set, or every result would need a dictionary of its own.
for _ in range(32):
    _first = _new(Value)
_first._b = None
