"""Read data by position.

In pandas, `series[i]` looks `i` up in the index, and iterating over a DataFrame gives the names of its columns; a set has no order at all.
Rows would silently be paired with the wrong targets, so all data that are indexed by sample are read through this module.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, Set
from typing import Any

_ORDERED = (list, tuple, range)


def by_position(name: str, given: Any) -> Any:
    """Return a sequence in which `[i]` is the entry at position `i`.

    Lists, tuples and other sequences are returned as they are. Objects that can be converted to an array, such as a pandas Series, become
    arrays; a DataFrame becomes an array of its rows. The samples in a list are converted likewise.

    Arguments:
        name: what the data are called, for messages.
        given: the data.

    Raises:
        TypeError: if they have no positions: a set, a dict, an iterator, a single number.
        ValueError: if some of the numbers are masked.
    """
    if type(given) in _ORDERED:
        odd = {kind for kind in set(map(type, given)) if _becomes_array(kind)} if type(given) is not range else ()
        return [_array(f"{name}[{k}]", x)[()] if type(x) in odd else x for k, x in enumerate(given)] if odd else given
    if isinstance(given, (KeysView, ItemsView)):  # sets whose order is that of their dict
        return list(given)
    if isinstance(given, (Set, Mapping)):
        why = (
            "its order may differ from run to run; give a sorted list"
            if isinstance(given, Set)
            else "its entries have keys and no positions; give a list of its values"
        )
        raise TypeError(f"{name} is a {type(given).__name__}, but data are read by position: {why}")
    if isinstance(given, Iterator):
        raise TypeError(
            f"{name} is an iterator ({type(given).__name__}), which can be read only once; give a list of all samples: list(...)"
        )
    if isinstance(given, memoryview) and given.ndim > 1:
        return given.tolist()
    if _becomes_array(type(given)):
        array = _array(name, given)
        if not array.ndim:
            raise TypeError(f"{name} is a single number, {given!r:.60}; put it in a list")
        return array
    if not hasattr(type(given), "__len__") or hasattr(given, "toarray"):
        way_out = "; call its toarray()" if hasattr(given, "toarray") else ""
        raise TypeError(f"{name} must be a sequence, such as a list or an array, got {type(given).__name__}: {given!r:.60}{way_out}")
    return given if hasattr(type(given), "__getitem__") else list(given)


def listed(name: str, given: Any) -> list[Any]:
    """Return the same as a list; an iterator is read to its end.

    Raises:
        TypeError: if the data have no order, or are a single number.
        ValueError: if some of the numbers are masked.
    """
    return list(by_position(name, list(given) if isinstance(given, Iterator) else given))


def _becomes_array(kind: type) -> bool:
    """Whether things of a type answer by label, or in some other way of their own, and can be arrays: pandas, polars, pyarrow, torch."""
    return hasattr(kind, "__array__") and hasattr(kind, "__len__") and not issubclass(kind, str)


def _array(name: str, given: Any) -> Any:
    import numpy as np

    if type(given) is np.ndarray:
        return given
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise ValueError(
            f"{name} has {int(np.ma.getmaskarray(given).sum())} masked numbers, which have no value; fill them in, or leave them out"
        )
    try:
        return np.asarray(given)
    except Exception as error:  # whatever the library that made it raises
        raise TypeError(f"{name}, a {type(given).__name__}, cannot be read as an array: {error}") from error
