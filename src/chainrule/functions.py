"""Functions of Values and of plain numbers alike: `exp(v)` is a Value, `exp(1.0)` a float.

Each is a row of `primitives.py` or a combination of a few; all follow IEEE 754 (`log(0.0)` is -inf) instead of raising.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeVar

from chainrule import primitives
from chainrule.conditions import number_of, require
from chainrule.elementary import *  # noqa: F403
from chainrule.engine import Value
from chainrule.positions import by_position
from chainrule.reals import real

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import SupportsIndex, TypeAlias

    Scalar: TypeAlias = Value | float

S = TypeVar("S", Value, float)


def norm(values: Iterable[Scalar]) -> Any:
    """The square root of the sum of the squares, without overflow of intermediate results. If all values are 0, the derivatives are 0.

    Raises:
        ValueError: if there are no values.
    """
    values = list(values)
    if not values:
        raise ValueError("norm() needs at least one value; check that the list or generator is not empty")
    largest = primitives.largest(*(primitives.absolute(x) for x in values))
    scale = primitives.maximum(largest, 2.0**-1000)  # whose reciprocal is a float, and which no subnormal number vanishes beside
    scaled = [primitives.divide(x, scale) for x in values]
    squares = sum(x * x for x in scaled)
    root = primitives.sqrt(squares)
    return primitives.where(primitives.equal(squares, 0.0), 0.0, root * scale)


def where(condition: Scalar | bool, a: Scalar, b: Scalar) -> Any:
    """Choose `a` where the condition holds (is not 0), else `b`.

    Arguments:
        condition: a bool or number, which is decided at once, or a Value such as `greater(x, 0)`, which becomes part of the graph.
        a: the result where the condition holds.
        b: the result where it does not.

    Raises:
        TypeError: if one of the three is neither a real number nor a Value.
    """
    condition, a, b = (x if hasattr(x, "_apply") else real(x) for x in (condition, a, b))
    return primitives.where(condition, a, b)


def take(values: Sequence[Any], index: Value | SupportsIndex) -> Any:
    """Return `values[index]`. If the index is a Value, the choice becomes part of the graph.

    If `values` are rows, a row is taken: `take(matrix, index)` looks up an embedding. The derivative is 1 for what is taken and 0 for all
    other values; no gradient passes to the index.

    Arguments:
        values: Values or numbers, or rows of them, all of the same length; they are read by position, and an index of pandas is ignored.
        index: the position, counted from 0: an integer, which is decided at once, or a Value whose data is an integer.

    Returns:
        `values[index]` itself for an integer; for a Value, a new Value, or a list of new Values for a row. They are nan where the index
        is not an integer from 0 to `len(values) - 1`.

    Raises:
        IndexError: if an integer is out of range, or negative.
        TypeError: if the index is neither an integer nor a Value, if some of the values are rows and others are not, or the values have no
            positions.
        ValueError: if there are no values, or the index is a Value and the rows differ in length.
    """
    if type(values) not in (list, tuple):
        values = by_position("what take() chooses from", values)
    if not hasattr(index, "_apply"):
        return values[_checked_index(index, len(values), "take()")]
    values = list(values)
    if not values:
        raise ValueError("take() needs at least one value")
    lengths = [len(row) if hasattr(row, "__len__") else None for row in values]
    for position, length in enumerate(lengths):
        if length != lengths[0]:
            first, other = ("a single number" if count is None else f"a row of {count}" for count in (lengths[0], length))
            mistake = TypeError if None in (length, lengths[0]) else ValueError
            raise mistake(f"take() needs numbers, or rows of the same length, but values[0] is {first} and values[{position}] is {other}")
    if lengths[0] is None:
        return primitives.take(index, *values)
    return [take(column, index) for column in zip(*values, strict=True)]


def one_hot(index: Value | SupportsIndex, count: SupportsIndex) -> list[Any]:
    """Return a list of `count` numbers: 1 at the position `index`, counted from 0, and 0 elsewhere.

    Arguments:
        index: an integer, or a Value whose data is an integer.
        count: the length of the list.

    Returns:
        A list of floats if the index is an integer, of Values if it is a Value.

    Raises:
        IndexError: if the index is out of range, negative, or a Value whose data is not an integer; a compiled function checks it at every
            call.
        TypeError: if the index is neither an integer nor a Value, or the count is not an integer.
    """
    try:
        count = operator.index(count)
    except TypeError:
        raise TypeError(f"the count of one_hot() must be an integer, got {type(count).__name__}: {count!r}") from None
    if hasattr(index, "_apply"):
        require(index, "the index of one_hot()", number_of(count))
        return [primitives.equal(index, float(k)) for k in range(count)]
    chosen = _checked_index(index, count, "one_hot()")
    return [1.0 if k == chosen else 0.0 for k in range(count)]


def _checked_index(index: Any, count: int, function: str) -> int:
    try:
        number = operator.index(index)
    except TypeError:
        raise TypeError(f"the index of {function} must be an integer or a Value, got {type(index).__name__}: {index!r}") from None
    if number < 0 < count:
        raise IndexError(f"{function} counts from 0, got index {number}; of {count} the last has index {count - 1}")
    if not 0 <= number < count:
        there = f"{count}, with indices from 0 to {count - 1}" if count > 0 else "none"
        raise IndexError(f"{function} got index {number}, but there are {there}")
    return number


def mean(values: Iterable[Scalar]) -> Any:
    """The sum of the values divided by their number.

    Raises:
        ValueError: if there are none.
    """
    values = list(values)
    if not values:
        raise ValueError("mean() needs at least one value; check that the list or generator is not empty")
    return sum(values) / len(values)


def logsumexp(values: Iterable[Scalar]) -> Any:
    """`log(exp(values[0]) + exp(values[1]) + ...)`, computed without overflow by subtracting the largest value first.

    If all values are -inf, it is -inf, with derivatives of 0.

    Raises:
        ValueError: if there are no values.
    """
    values, largest = _with_largest(values, "logsumexp")
    return primitives.log_total(sum(primitives.exp(x - largest) for x in values)) + largest


def softmax(values: Iterable[Scalar]) -> list[Any]:
    """`exp(x) / sum of exp` for each of the values, computed without overflow.

    Returns:
        A list with a positive number for each value; they add up to 1.

    Raises:
        ValueError: if there are no values.
    """
    values, largest = _with_largest(values, "softmax")
    exponentials = [primitives.exp(x - largest) for x in values]
    total = sum(exponentials)
    return [primitives.divide(e, total) for e in exponentials]


def log_softmax(values: Iterable[Scalar]) -> list[Any]:
    """The logarithms of `softmax(values)`, exact where the softmax itself would underflow to 0.

    Raises:
        ValueError: if there are no values.
    """
    values, largest = _with_largest(values, "log_softmax")
    shifted = [x - largest for x in values]
    normalizer = primitives.log(sum(primitives.exp(x) for x in shifted))
    return [x - normalizer for x in shifted]


def _with_largest(values: Iterable[Scalar], name: str) -> tuple[list[Scalar], Any]:
    """The values as a list, and the largest of them as a constant: a shift by it changes neither result nor gradient."""
    values = list(values)
    if not values:
        raise ValueError(f"{name}() needs at least one value; check that the list or generator is not empty")
    return values, primitives.largest(*values)
