"""`grad`: derivatives as Values, which can be differentiated again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from chainrule import primitives
from chainrule.consistency import check
from chainrule.engine import Value, topological_order
from chainrule.primitives import equal, take, where, zero
from chainrule.row import Primitive

if TYPE_CHECKING:
    from collections.abc import Sequence


@overload
def grad(output: Value, inputs: Value) -> Value: ...
@overload
def grad(output: Value, inputs: Sequence[Value]) -> list[Value]: ...
def grad(output: Value, inputs: Value | Sequence[Value]) -> Value | list[Value]:
    """Differentiate a Value; the derivatives are Values too, with graphs of their own.

    The sweep is the one that `backward()` makes, but each step is recorded: the partial derivatives of `primitives.py` are applied to
    the nodes themselves instead of their numbers. No `grad` attribute is changed. An operand that a choice does not choose gets no
    gradient, as in `backward()`: where a derivative further back may be infinite, the condition becomes part of the result.

        x = Value(2.0)
        y = x ** 3
        dy = grad(y, x)      # 12
        ddy = grad(dy, x)    # 12, the derivative 6 x

    Arguments:
        output: the result to differentiate.
        inputs: the Value, or the list of Values, with respect to which to differentiate. They need not be leaves.

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

    singular = _singular(order)
    adjoints: dict[int, Share] = {id(output): Share(1.0, None)}
    for node in reversed(order):
        if id(node) not in adjoints or id(node) not in between or _passes_nothing(node._rule):
            continue
        adjoint = adjoints[id(node)]
        operands = node._operands
        if not any(isinstance(operand, Value) and id(operand) in between for operand in operands):
            continue
        primitive = node._rule
        if primitive is None or primitive.arity not in (None, len(operands)):
            raise TypeError(
                f"grad() cannot differentiate {node._op!r}, an operation made by hand: its _backward computes numbers, not Values. "
                "Use backward(), or write the operation with chainrule's own"
            )
        for position, operand in enumerate(operands):
            is_zero = primitive.partials[position] is zero if primitive.each is None else primitive is take and position == 0
            if not isinstance(operand, Value) or id(operand) not in between or is_zero:
                continue
            share = _share(adjoint, node, position, singular)
            if share is not None:
                adjoints[id(operand)] = _joined(adjoints[id(operand)], share) if id(operand) in adjoints else share

    taken = {id(node) for node in order}
    results = [_new_value(adjoints[id(target)].gradient if id(target) in adjoints else 0.0, taken) for target in targets]
    return results[0] if isinstance(inputs, Value) else results


class Share(NamedTuple):
    """A gradient that is being passed back.

    Arguments:
        gradient: a Value or a float.
        passes: a Value that is 0 if no gradient is passed back; None if one always is.
    """

    gradient: Any
    passes: Any


def _share(adjoint: Share, node: Value, position: int, singular: set[int]) -> Share | None:
    """What a node passes to its operand at a position; None if that is nothing."""
    primitive, operands = node._rule, node._operands
    gradient, passes = adjoint
    if primitive is take or primitive is primitives.select:
        chosen = equal(operands[0], position - 1.0) if primitive is take else where(operands[0], 2.0 - position, position - 1.0)
        passing = chosen if type(gradient) is float and gradient == 1.0 else where(chosen, gradient, 0.0)
        return Share(passing, _both(passes, chosen))
    assert primitive is not None
    slope = primitive.partial(position, operands, node)
    if position in primitive.choices:
        if not isinstance(slope, Value):
            return Share(_times(gradient, slope), passes) if slope else None
        passes = _both(passes, slope)
        if type(gradient) is float and gradient == 1.0:
            return Share(slope, passes)
        chosen = passes if _may_be_infinite(slope, node, singular) else slope
        return Share(where(chosen, _times(gradient, slope), 0.0), passes)
    share = _times(gradient, slope)
    if passes is not None and isinstance(slope, Value) and _may_be_infinite(slope, node, singular):
        share = where(passes, share, 0.0)
    return Share(share, passes)


def _singular(order: list[Value]) -> set[int]:
    """The nodes that are made by operations without bounds or depend on one: these may be infinite, whatever numbers the leaves get."""
    found: set[int] = set()
    for node in order:
        rule = node._rule
        if (rule is not None and rule.bounds is None) or any(id(parent) in found for parent in node._prev):
            found.add(id(node))
    return found


def _may_be_infinite(slope: Value, node: Value, singular: set[int]) -> bool:
    return id(node) in singular or not math.isfinite(slope._data)


def _both(a: Any, b: Any) -> Any:
    return b if a is None else where(a, b, 0.0)


def _joined(a: Share, b: Share) -> Share:
    """What comes on two ways."""
    gradient = a.gradient + b.gradient
    if a.passes is None or b.passes is None:
        return Share(gradient, None)
    return Share(gradient, where(a.passes, 1.0, b.passes))


def _passes_nothing(primitive: Primitive | None) -> bool:
    return primitive is not None and (primitive.each is zero or set(primitive.partials) == {zero})


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
