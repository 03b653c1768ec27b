"""`grad`: derivatives as Values, which can be differentiated again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from chainrule.changes import check
from chainrule.engine import Value, topological_order
from chainrule.primitives import Primitive, equal, take, where, zero

if TYPE_CHECKING:
    from collections.abc import Sequence


@overload
def grad(output: Value, inputs: Value) -> Value: ...
@overload
def grad(output: Value, inputs: Sequence[Value]) -> list[Value]: ...
def grad(output: Value, inputs: Value | Sequence[Value]) -> Value | list[Value]:
    """Differentiate a Value; the derivatives are Values too, with graphs of their own.

    The sweep is the one that `backward()` makes, but each step is recorded: the partial derivatives of `primitives.py` are applied to
    the nodes themselves instead of their numbers. No `grad` attribute is changed.

        x = Value(2.0)
        y = x ** 3
        dy = grad(y, x)      # 12
        ddy = grad(dy, x)    # 12, the derivative 6 x

    Arguments:
        output: the result to differentiate.
        inputs: a Value, or a list of Values, with respect to which. They need not be leaves.

    Returns:
        `d output / d input`: one Value, or a list of Values in the order of `inputs`; 0 for an input that the output does not depend on.

    Raises:
        TypeError: if `output` or an input is not a Value, or an operation made by hand lies between them: its `_backward` computes
            numbers, which cannot be differentiated again.
        ChangedNumberError: if a number was changed after others had been computed from it.
    """
    targets = [inputs] if isinstance(inputs, Value) else list(inputs)
    for what in (output, *targets):
        if not isinstance(what, Value):
            raise TypeError(f"grad() takes Values, got {type(what).__name__}: {what!r}")

    check(output)
    order = topological_order(output)
    between = {id(target) for target in targets}  # the nodes that depend on an input; by id, as a subclass may compare by data
    for node in order:
        if any(id(parent) in between for parent in node._prev) and not _passes_nothing(node._rule):
            between.add(id(node))

    adjoints: dict[int, Any] = {id(output): 1.0}
    for node in reversed(order):
        adjoint = adjoints.get(id(node))
        if adjoint is None or id(node) not in between or _passes_nothing(node._rule):
            continue
        operands = node._operands
        if not any(isinstance(operand, Value) and id(operand) in between for operand in operands):
            continue
        primitive = node._rule
        if primitive is None or primitive.arity not in (None, len(operands)):
            raise TypeError(
                f"grad() cannot differentiate {node._op!r}, an operation made by hand: its _backward computes numbers, not Values. "
                "Use backward(), or write the operation with those of chainrule"
            )
        for position, operand in enumerate(operands):
            is_zero = primitive.partials[position] is zero if primitive.each is None else primitive is take and position == 0
            if not isinstance(operand, Value) or id(operand) not in between or is_zero:
                continue
            if primitive is take:
                share = _if_taken(adjoint, operands[0], position)
            else:
                share = _times(adjoint, primitive.partial(position, operands, node))
            if id(operand) in adjoints:
                share = adjoints[id(operand)] + share
            adjoints[id(operand)] = share

    taken = {id(node) for node in order}
    results = [_new_value(adjoints.get(id(target), 0.0), taken) for target in targets]
    return results[0] if isinstance(inputs, Value) else results


def _passes_nothing(primitive: Primitive | None) -> bool:
    return primitive is not None and (primitive.each is zero or set(primitive.partials) == {zero})


def _if_taken(adjoint: Any, index: Any, position: int) -> Any:
    """What `take` passes to an operand: a product with 0 for those that are not taken would be nan where the adjoint is infinite."""
    is_taken = equal(index, position - 1.0)
    return is_taken if type(adjoint) is float and adjoint == 1.0 else where(is_taken, adjoint, 0.0)


def _times(adjoint: Any, derivative: Any) -> Any:
    """Their product, without a node where one of them is the number 1."""
    if type(derivative) is float and derivative == 1.0:
        return adjoint
    if type(adjoint) is float and adjoint == 1.0:
        return derivative
    return derivative * adjoint


def _new_value(x: Any, taken: set[int]) -> Value:
    """A Value of the caller's own, so that giving it a label changes no other: d(a*b)/da is equal to b, and is not b."""
    if not isinstance(x, Value):
        return Value(x)
    if id(x) in taken:
        x = x * 1.0
    taken.add(id(x))
    return x
