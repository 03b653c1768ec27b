"""What a traced function returned: its Values, and the lists, tuples and dicts around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.engine import Value, constant

if TYPE_CHECKING:
    from collections.abc import Callable


class Plain(NamedTuple):
    """A number among the results that is not a Value, and the place of its constant."""

    place: int
    number: Any


class Results:
    """The Values that a function returned, in the shape in which it returned them: lists, tuples and dicts.

    Arguments:
        result: what it returned.
        function: its name.
    """

    def __init__(self, result: Any, function: str) -> None:
        self.function = function
        self.values: list[Value] = []
        self.single: list[int] = []  # the Values that stand in no list
        self._columns: dict[int, np.ndarray | None] = {}  # of the lists, by their ids
        self.shape = self._shape(result, in_list=False, is_all=True)

    @property
    def is_scalar(self) -> bool:
        """Whether it returned one Value."""
        return self.shape == 0 and type(self.shape) is int

    def join(self) -> None:
        """Treat a list of one Value, which a column of targets leads to, as the Value."""
        shape = self.shape
        while type(shape) is list and len(shape) == 1:
            (shape,) = shape
        if type(shape) is int and len(self.values) == 1:
            self.shape, self.single = 0, [0]

    def _shape(self, result: Any, *, in_list: bool, is_all: bool = False) -> Any:
        """What was returned, with the number of each Value in place of it."""
        place = len(self.values)
        if isinstance(result, Value):
            self.values.append(result)
            self.single += [] if in_list else [place]
            return place
        if isinstance(result, dict):
            return {key: self._shape(part, in_list=in_list) for key, part in result.items()}
        if isinstance(result, tuple):
            return _made_like(result, [self._shape(part, in_list=in_list) for part in result])
        if isinstance(result, list) or (isinstance(result, np.ndarray) and result.ndim):
            return [self._shape(part, in_list=True) for part in result]
        number = result.item() if isinstance(result, np.ndarray) else result
        try:
            self.values.append(number if isinstance(number, Value) else constant(number))
        except TypeError:
            raise TypeError(
                f"{self.function} must return Values, numbers, or lists, tuples and dicts of them; it returned {type(result).__name__}"
            ) from None
        if is_all or isinstance(number, Value):
            self.single += [] if in_list else [place]
            return place
        return place if in_list else Plain(place, number)

    def filled(self, numbers: np.ndarray, single: Callable[[int], Any], plain: Callable[[Any], Any] = lambda number: number) -> Any:
        """The results in their shape: arrays in place of lists of Values.

        Arguments:
            numbers: one column for each Value, behind any axis for samples; numbers, or Values.
            single: makes the result in place of a Value outside a list, from its number.
            plain: makes the result in place of a plain number outside a list.
        """

        def fill(shape: Any) -> Any:
            if isinstance(shape, Plain):
                return plain(shape.number)
            if isinstance(shape, dict):
                return {key: fill(part) for key, part in shape.items()}
            if isinstance(shape, tuple):
                return _made_like(shape, [fill(part) for part in shape])
            if isinstance(shape, list):
                if id(shape) not in self._columns:
                    self._columns[id(shape)] = _columns(shape)
                columns = self._columns[id(shape)]
                return [fill_in_list(part) for part in shape] if columns is None else numbers[..., columns]
            return single(shape)

        def fill_in_list(shape: Any) -> Any:
            if type(shape) is not int:
                return fill(shape)
            found = numbers[..., shape]
            return found if numbers.dtype == object and numbers.ndim == 1 else found.copy() if numbers.ndim > 1 else float(found)

        return fill(self.shape)


def _made_like(shape: tuple[Any, ...], parts: list[Any]) -> tuple[Any, ...]:
    """A tuple of these parts, of the class of another one if that has named fields."""
    made: tuple[Any, ...] = type(shape)._make(parts) if hasattr(shape, "_make") else tuple(parts)
    return made


def _columns(shape: Any) -> np.ndarray | None:
    """The numbers of the Values of nested lists, if they are of one length at each depth and hold nothing else."""
    try:
        columns = np.array(shape)
    except ValueError:
        return None
    if not columns.size:
        return columns.astype(np.int64)
    return columns if columns.dtype.kind == "i" else None


__all__ = ["Plain", "Results"]
