"""The arguments of compiled functions: numbers, arrays and nested lists, checked before anything runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.engine import Value, read_data

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Argument:
    """One argument as an array of numbers.

    Arguments:
        name: what the function calls it.
        given: what was passed.
        batched: whether its first axis is that of the samples.
    """

    __slots__ = ("array", "batched", "integer", "is_array", "is_own", "name", "values")

    def __init__(self, name: str, given: Any, *, batched: bool) -> None:
        self.name = name
        self.batched = batched
        self.is_array = isinstance(given, np.ndarray)
        self.values: list[Value] | None = None
        self.array = given if type(given) is np.ndarray and given.dtype.kind in "fiub" else self._converted(given)
        self.is_own = type(given) is list  # the array was made here, and nobody else can change it
        self.integer = self.array.dtype.kind in "iu"
        if batched and self.array.ndim == 0:
            raise TypeError(f"{name} must have a leading axis for the samples, got a single number: {given!r}; put it in a list")

    def _converted(self, given: Any) -> np.ndarray:
        plain = type(given) in _PLAIN or (type(given) is list and _PLAIN.issuperset(map(type, given)))
        if not plain and (hidden := _masked(given)):
            raise TypeError(
                f"{self.name} has {hidden} masked number{'s' if hidden > 1 else ''}, and a compiled function cannot leave them out. "
                f"Pass {self.name}.filled(0.0), and the mask as another argument; choose by the mask with where()"
            )
        try:
            array = np.asarray(given)  # a plain array, whatever subclass it was
        except ValueError:
            raise ValueError(
                f"{self.name} is a list of parts of different lengths, but compiled functions take arrays and regular lists: "
                "pad the parts, or compile a function for each length. fit() takes samples of different lengths as they are, if the loss "
                "is written for one sample and compiled with batch='mean' or 'sum'"
            ) from None
        if array.dtype.kind == "O":
            flat = array.ravel().tolist()
            if not flat or not all(isinstance(x, Value) or _is_number(x) for x in flat):
                odd = next((x for x in flat if not isinstance(x, Value) and not _is_number(x)), given)
                raise TypeError(self._refusal(odd))
            self.values = [x if isinstance(x, Value) else Value(x) for x in flat]
            numbers = np.empty(len(flat))
            read_data(self.values, numbers)
            return numbers.reshape(array.shape)
        if array.dtype.kind not in "fiub":
            raise TypeError(self._refusal(given))
        return array

    def _refusal(self, given: Any) -> str:
        return (
            f"{self.name} must be a number, an array of numbers, or nested lists of them, got {type(given).__name__}: {given!r:.60}; "
            "pass other objects by closure, as `self`, or with functools.partial"
        )

    def first(self, samples: int) -> Argument:
        """The first samples, as an argument without an axis for them."""
        argument = Argument(self.name, self.array[:samples], batched=False)
        argument.is_array = self.is_array
        return argument

    def at(self, samples: Sequence[int]) -> Argument:
        """Some samples, as an argument without an axis for them."""
        return Argument(self.name, self.array[list(samples)], batched=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that the function sees: without the axis of the samples."""
        return self.array.shape[1:] if self.batched else self.array.shape

    @property
    def key(self) -> tuple[Any, ...]:
        """What a trace depends on: the shape and kind of the argument."""
        return (self.shape, self.integer, self.is_array, self.values is not None)

    def sample(self) -> list[float]:
        """The numbers with which a trace computes."""
        numbers: list[float] = (self.array[0] if self.batched else self.array).ravel().tolist()
        return numbers

    def shaped(self, leaves: Sequence[Any]) -> Any:
        """Values in the form of the argument: an array for an array, lists for lists."""
        shape = self.shape
        if not shape:
            return leaves[0]
        array = np.empty(len(leaves), object)
        array[:] = leaves
        array = array.reshape(shape)
        return array if self.is_array else array.tolist()

    def leaves(self) -> list[Any]:
        """What the function gets on the eager engine: the Values that were passed, new ones, or integers, which may be indices."""
        if self.values is not None:
            return self.values
        numbers = self.array.ravel().tolist()
        return numbers if self.integer else [Value(x) for x in numbers]

    def for_samples(self, leaves: Sequence[Any]) -> list[Any]:
        """What the function gets for each sample, if it runs on the eager engine."""
        samples = len(self.array) if self.batched else 1
        size = len(leaves) // samples
        return [self.shaped(leaves[k * size : (k + 1) * size]) for k in range(samples)]

    def numbers(self, dtype: str, bounds: np.ndarray | None = None) -> np.ndarray:
        """All its numbers, in one contiguous array; the caller's own array if possible.

        Arguments:
            dtype: the dtype of the machine code.
            bounds: for each number the length of what it indexes; None if none is an index. Indices are copied before they are checked, so
                that nobody can change them in between.

        Raises:
            IndexError: if a number that is used as an index is not whole and in range.
        """
        if bounds is None:
            array = np.ascontiguousarray(self.array, dtype)
            return array if array is not self.array or array.flags.aligned else array.copy()
        copy = np.array(self.array, order="C", subok=False)
        array = copy.astype(dtype, copy=False)
        self.check(bounds, copy, array)
        return array

    def check(self, bounds: np.ndarray, copy: np.ndarray, numbers: np.ndarray) -> None:
        """Check that numbers that are used as indices are whole and in range.

        Arguments:
            bounds: for each number the length of what it indexes.
            copy: a copy of the numbers as they were given, which nobody else can change.
            numbers: the numbers that machine code reads.

        Raises:
            IndexError: if an index is not whole or not in range.
        """
        self._check(bounds, copy)
        if not np.can_cast(copy.dtype, numbers.dtype):  # rounding may make another index of one
            self._check(bounds, numbers)

    def _check(self, bounds: np.ndarray, numbers: np.ndarray) -> None:
        flat = numbers.reshape(-1, len(bounds)) if len(bounds) else numbers
        good = (flat >= 0) & (flat < bounds)  # a nan is neither
        if not self.integer:
            good &= np.floor(flat) == flat
        bad = ~good & (bounds < np.iinfo(np.int64).max)
        if bad.any():
            at = tuple(int(k) for k in np.argwhere(bad.reshape(numbers.shape))[0])
            where = "".join(f"[{k}]" for k in at)
            most = int(np.broadcast_to(bounds, flat.shape).reshape(numbers.shape)[at])
            given = int(numbers[at]) if self.integer else numbers[at]
            raise IndexError(
                f"{self.name}{where} is {given}, but is used as an index into {most} values: it must be a whole number from 0 to {most - 1}"
            )


_PLAIN = {float, int, np.ndarray}


def _masked(given: Any) -> int:
    """How many numbers of a masked array are masked, or of one in a list."""
    if isinstance(given, (list, tuple)):
        return next((hidden for part in given if type(part) not in _PLAIN and (hidden := _masked(part))), 0)
    masked: Any = getattr(sys.modules.get("numpy.ma"), "MaskedArray", ())
    return int(np.ma.getmaskarray(given).sum()) if isinstance(given, masked) else 0


def _is_number(x: object) -> bool:
    return isinstance(x, (bool, int, float, np.number, np.bool_))


def columns_among(arguments: Sequence[Argument], error: Exception) -> str:
    """Say what to do about columns of shape (n, 1), if an error comes from an array in place of a number; else return ""."""
    names = [argument.name for argument in arguments if argument.array.ndim > 1 and argument.array.shape[-1] == 1]
    if not names or "array" not in str(error):
        return ""
    told = (
        f"{name} has the shape (n, 1): each of its rows is an array of one number. To pass numbers, write {name}[:, 0]" for name in names
    )
    return "\n".join([str(error), *told])


def batch_length(arguments: Sequence[Argument]) -> int:
    """The number of samples.

    Raises:
        ValueError: if the arguments have different numbers of samples, if there are no arguments, or no samples.
    """
    if not arguments:
        raise ValueError("a function compiled with batch= needs an argument with samples, but was called without any")
    lengths = [len(argument.array) for argument in arguments]
    if len(set(lengths)) > 1:
        told = ", ".join(f"{argument.name} has {length}" for argument, length in zip(arguments, lengths, strict=True))
        raise ValueError(f"all arguments must have the same number of samples, but {told}")
    if lengths[0] == 0:
        raise ValueError("the batch is empty: there is no sample to compute with")
    return lengths[0]


def names_of(function: Callable[..., Any], count: int) -> list[str]:
    """What a function calls its first arguments, for messages."""
    import inspect

    try:
        names = [p.name for p in inspect.signature(function).parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        names = []
    return [*names, *(f"argument {k + 1}" for k in range(len(names), count))][:count]
