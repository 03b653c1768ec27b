"""Read safetensors files: every tensor is checked against the bytes in the file before any number is read.

A file is eight bytes with the length of a header, the header, which is JSON, and the numbers of all tensors one after another. The header
gives each tensor's type, shape, and place among these bytes. The format is described at https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import itertools
import json
import math
import struct
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_HEADER_BYTES = 100_000_000  # the format's own limit
MOST_AXES = 16
MOST_NUMBERS = 10_000_000  # each becomes a name and a float
MOST_CHARACTERS = 1 << 30  # of all names together

FORMATS = {
    "F64": "d",
    "F32": "f",
    "F16": "e",
    "BF16": "H",  # the upper half of an F32
    "I64": "q",
    "I32": "i",
    "I16": "h",
    "I8": "b",
    "U64": "Q",
    "U32": "I",
    "U16": "H",
    "U8": "B",
    "BOOL": "?",
}
"""How `struct` calls each type of number."""


class _Tensor(NamedTuple):
    name: str
    dtype: str
    shape: Sequence[int]
    begin: int
    end: int

    def names(self) -> Iterator[str]:
        """What each number is called: `w.0.1` in a matrix `w`."""
        parts = itertools.product(*([f".{i}" for i in range(size)] for size in self.shape)) if self.begin < self.end else iter(())
        return (self.name + "".join(part) for part in parts)

    def numbers(self, data: memoryview) -> list[float]:
        """The numbers, in the order of their names."""
        piece = data[self.begin : self.end]
        found = struct.unpack(f"<{len(piece) // _size(self.dtype)}{FORMATS[self.dtype]}", piece)
        if self.dtype == "BF16":
            found = struct.unpack(f"<{len(found)}f", struct.pack(f"<{len(found)}I", *(bits << 16 for bits in found)))
        return list(map(float, found))


def numbers_in(content: bytes) -> dict[str, float]:
    """Read the numbers of all tensors; an element of a vector `w` is called `w.0`, one of a matrix `w.0.1`.

    Arguments:
        content: the bytes of a safetensors file.

    Returns:
        A number for each name, in the order of the tensors' names in the file.

    Raises:
        ValueError: if the bytes are not such a file, or two of its numbers would have the same name.
    """
    tensors, data = _tensors(content)
    result: dict[str, float] = {}
    for tensor in tensors:
        names = list(tensor.names())
        if clash := next((name for name in names if name in result), None):
            raise ValueError(
                f"the number {clash!r:.100} is in the tensor {tensor.name!r:.100} and in an earlier one; rename one of the two"
            )
        result.update(zip(names, tensor.numbers(data), strict=True))
    return result


def _tensors(content: bytes) -> tuple[list[_Tensor], memoryview]:
    """What the header says of each tensor, and the bytes behind the header, which it accounts for exactly."""
    if len(content) < 8:
        raise ValueError(f"it has {len(content)} bytes, but the length of the header alone takes 8")
    length = int.from_bytes(content[:8], "little")
    if length > min(len(content) - 8, MOST_HEADER_BYTES):
        raise ValueError(f"its header would have {length} bytes, but there are {len(content) - 8}")
    data = memoryview(content)[8 + length :]
    entries = _header(content[8 : 8 + length])
    tensors = [_tensor(name, entry) for name, entry in entries if name != "__metadata__"]
    end = 0
    for tensor in sorted(tensors, key=lambda tensor: (tensor.begin, tensor.end)):
        if tensor.begin != end:
            raise ValueError(f"the tensor {tensor.name!r:.100} begins at byte {tensor.begin}, but the one before it ends at {end}")
        end = tensor.end
    if end != len(data):
        raise ValueError(f"the tensors take {end} bytes, but there are {len(data)}")
    _check_size(tensors)
    return tensors, data


def _header(text: bytes) -> list[tuple[str, Any]]:
    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise ValueError(f"its header has two entries named {twice!r:.100}")
        return found

    try:
        header = json.loads(text.decode(), object_pairs_hook=distinct)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"its header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise ValueError(f"its header must be a JSON object, but is a {type(header).__name__}")
    return list(header.items())


def _tensor(name: str, entry: Any) -> _Tensor:
    """One entry of the header, checked."""
    what = f"the tensor {name!r:.100}"
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{what} must have dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in FORMATS:
        raise ValueError(f"{what} has the type {dtype!r:.60}; the types that can be read are {', '.join(FORMATS)}")
    if not _are_sizes(shape) or len(shape) > MOST_AXES:
        raise ValueError(f"the shape of {what} must be a list of at most {MOST_AXES} integers of 0 or more, got {shape!r:.60}")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(f"data_offsets of {what} must say where it begins and where it ends, got {offsets!r:.60}")
    needed, there = math.prod(shape) * _size(dtype), offsets[1] - offsets[0]
    if needed != there:
        raise ValueError(f"{what} of the shape {shape!r:.60} and the type {dtype} needs {_count(needed)} bytes, but has {_count(there)}")
    return _Tensor(name, dtype, shape, *offsets)


def _check_size(tensors: Sequence[_Tensor]) -> None:
    """Refuse what would take very much memory as names and floats."""
    numbers = characters = 0
    for tensor in tensors:
        count = (tensor.end - tensor.begin) // _size(tensor.dtype)
        numbers += count
        characters += count * (len(tensor.name) + sum(1 + len(str(size)) for size in tensor.shape))
    if numbers > MOST_NUMBERS or characters > MOST_CHARACTERS:
        raise ValueError(
            f"it holds {numbers:,} numbers, with {characters:,} characters in their names, and each becomes a name and a float of its own; "
            f"at most {MOST_NUMBERS:,} numbers with {MOST_CHARACTERS:,} characters are read"
        )


def _are_sizes(x: Any) -> bool:
    return isinstance(x, list) and all(type(n) is int and 0 <= n < 1 << 63 for n in x)


def _size(dtype: str) -> int:
    return struct.calcsize("<" + FORMATS[dtype])


def _count(n: int) -> str:
    return f"{n:,}" if n < 1 << 63 else "more than 2**63"
