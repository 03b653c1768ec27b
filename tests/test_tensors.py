"""Reading safetensors files: what the format's own library reads is read alike, and nothing else is read at all."""

import contextlib
import json
import math
import os
import random
import struct
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chainrule import load_safetensors, save_safetensors
from chainrule.models import ModelFileError
from chainrule.tensors import numbers_in


def content(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape: Any, begin: Any, end: Any, dtype: Any = "F64") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def by_name(tensors: dict[str, np.ndarray]) -> dict[str, float]:
    return {".".join([name, *map(str, at)]): float(x) for name, array in tensors.items() for at, x in np.ndenumerate(array)}


TYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"]


@given(
    st.dictionaries(
        st.sampled_from(["w", "b", "deep.layer", "é", "x y"]),
        st.sampled_from(TYPES).flatmap(
            lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
        ),
    )
)
def test_tensors_of_every_type_and_shape_are_read(tensors: dict[str, np.ndarray]) -> None:
    found, wanted = numbers_in(safetensors.numpy.save(tensors)), by_name(tensors)
    assert found.keys() == wanted.keys()
    assert all(found[name] == x or (math.isnan(found[name]) and math.isnan(x)) for name, x in wanted.items())


def test_a_bfloat16_is_the_upper_half_of_a_float32() -> None:
    numbers = [1.0, -2.5, 0.0, math.inf, 2.0**-130]
    upper = b"".join(struct.pack("<f", x)[2:] for x in numbers)
    assert list(numbers_in(content({"w": entry([5], 0, 10, "BF16")}, upper)).values()) == numbers


def test_metadata_are_passed_over() -> None:
    assert numbers_in(content({"__metadata__": {"format": "pt"}, "w": entry([1], 0, 8)}, struct.pack("<d", 3.0))) == {"w.0": 3.0}


EIGHT = struct.pack("<d", 1.0)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "it has 0 bytes"),
        (struct.pack("<Q", 2**63) + b"{}", "its header would have 9223372036854775808 bytes, but there are 2"),
        (content(b"{"), "its header is not JSON"),
        (content(b"\xff\xfe"), "its header is not JSON"),
        (content(b"[" * 100_000), "its header is not JSON"),
        (content([]), "its header must be a JSON object"),
        (content(b'{"w": 1, "w": 2}'), "its header has two entries named 'w'"),
        (content({"w": 1}), "the tensor 'w' must have dtype, shape and data_offsets"),
        (content({"w": entry([1], 0, 8, "F128")}, EIGHT), "has the type 'F128'"),
        (content({"w": entry([1], 0, 8, ["F64"])}, EIGHT), "has the type"),
        (content({"w": entry([-1], 0, 8)}, EIGHT), "the shape of the tensor 'w' must be"),
        (content({"w": entry([True], 0, 8)}, EIGHT), "the shape of the tensor 'w' must be"),
        (content({"w": entry([1.0], 0, 8)}, EIGHT), "the shape of the tensor 'w' must be"),
        (content({"w": entry([1] * 17, 0, 8)}, EIGHT), "the shape of the tensor 'w' must be"),
        (content({"w": entry([2**62] * 16, 0, 8)}, EIGHT), r"needs more than 2\*\*63 bytes, but has 8"),
        (content({"w": entry([2**32, 2**32], 0, 0)}), r"needs more than 2\*\*63 bytes, but has 0"),
        (content({"w": entry([2], 0, 8)}, EIGHT), "needs 16 bytes, but has 8"),
        (content({"w": entry([1], 8, 0)}, EIGHT), "data_offsets of the tensor 'w' must say"),
        (content({"w": entry([1], 0, 16)}, EIGHT), "needs 8 bytes, but has 16"),
        (content({"w": entry([2], 0, 16)}, EIGHT), "the tensors take 16 bytes, but there are 8"),
        (content({"w": entry([1], 0, 8)}, EIGHT * 2), "the tensors take 8 bytes, but there are 16"),
        (content({"w": entry([1], 8, 16)}, EIGHT * 2), "the tensor 'w' begins at byte 8, but the one before it ends at 0"),
        (
            content({"v": entry([1], 0, 8), "w": entry([1], 0, 8)}, EIGHT),
            "the tensor 'w' begins at byte 0, but the one before it ends at 8",
        ),
        (
            content({"w": entry([1], 0, 8), "w.0": entry([], 8, 16)}, EIGHT * 2),
            "the number 'w.0' is in the tensor 'w.0' and in an earlier one",
        ),
        (
            content({"w.0": entry([1], 0, 8), "w": entry([1, 1], 8, 16)}, EIGHT * 2),
            r"the number 'w.0.0' is in the tensor 'w' and in an earlier one",
        ),
    ],
)
def test_what_is_not_such_a_file_is_refused_with_the_reason(file: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        numbers_in(file)


@pytest.mark.parametrize(
    "file",
    [
        content({"w": entry([0, 2**40], 0, 0)}),
        content({"w": entry([2**62, 0], 0, 0), "v": entry([0] * 16, 0, 0)}),
        content({"w": entry([0], 0, 0, "U8")} | {f"w{k}": entry([], k, k + 1, "U8") for k in range(1000)}, bytes(1000)),
        content({"w": entry([20_000_000], 0, 20_000_000, "U8")}, bytes(20_000_000)),
        content({"w" * 1_000_000: entry([10_000], 0, 10_000, "U8")}, bytes(10_000)),
        content({f"{k}": entry([1], 0, 8) for k in range(10_000)}, EIGHT),
    ],
)
def test_a_file_takes_no_more_than_its_bytes_warrant(file: bytes) -> None:
    begin = time.perf_counter()
    tracemalloc.start()
    with contextlib.suppress(ValueError):
        numbers_in(file)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 30_000_000
    assert time.perf_counter() - begin < 5


def mutated(file: bytes, rng: random.Random) -> bytes:
    """A file with some bytes changed, left out, doubled, or a number in its header exchanged for another."""
    changed = bytearray(file)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[at : at + rng.randint(1, 9)]
            case 2:
                changed[at:at] = changed[at : at + rng.randint(1, 9)]
            case 3:
                digits = [k for k, byte in enumerate(changed) if chr(byte).isdigit()]
                if digits:
                    where = rng.choice(digits)
                    changed[where : where + 1] = str(rng.choice([0, 1, 2, 8, 9, 2**31, 2**63, 2**64 - 1])).encode()
            case 4 if len(changed) >= 8:
                changed[:8] = struct.pack("<Q", len(changed) - 8 - rng.randrange(len(changed) - 7))
    return bytes(changed)


def check_mutations(count: int) -> None:
    rng = random.Random(0)
    files = [
        safetensors.numpy.save({"w": np.arange(6.0).reshape(2, 3), "b": np.float32([1, 2]), "e": np.zeros((0, 3))}),
        safetensors.numpy.save({"w": np.arange(3.0)}, metadata={"format": "np"}),
        content({"w": entry([2], 0, 16), "w.0": entry([0], 16, 16)}, EIGHT * 2),
    ]
    read = 0
    for _ in range(count):
        file = mutated(rng.choice(files), rng)
        try:
            found = numbers_in(file)
        except ValueError:
            continue
        read += 1
        wanted = by_name(safetensors.numpy.load(file))  # refuses what is not in order
        assert found.keys() == wanted.keys()
        assert np.array_equal(list(found.values()), [wanted[name] for name in found], equal_nan=True)
    assert count / 50 < read < count


def test_damaged_files_are_refused_or_read_as_others_read_them() -> None:
    check_mutations(1000)


@pytest.mark.slow
def test_many_damaged_files_are_refused_or_read_as_others_read_them() -> None:
    check_mutations(100_000)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ModelFileError, match=r"it is a device, not a file|it is a pipe, and no data came from it"):
            load_safetensors(path)
    with pytest.raises(ModelFileError, match="cannot be read: Is a directory"):
        load_safetensors(tmp_path)
    with open(tmp_path / "large", "wb") as file:
        file.truncate(2**31)
    with pytest.raises(ModelFileError, match="it has 2,147,483,648 bytes, but at most 268,435,456 bytes of a file are read"):
        load_safetensors(tmp_path / "large")


def test_names_that_cannot_be_saved_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a number called '__metadata__' cannot be saved"):
        save_safetensors(tmp_path / "w", {"__metadata__": 1.0})
    with pytest.raises(TypeError, match="the names in a state dict must be strings, got int: 1"):
        save_safetensors(tmp_path / "w", {1: 1.0})  # type: ignore[dict-item]
    assert not (tmp_path / "w").exists()
