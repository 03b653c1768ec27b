"""Memory between pages that nobody may touch, and a program that runs compiled functions in it; `test_guard_pages.py` runs it by itself.

Every buffer of generated code (arguments, parameters, gradients, results, temporaries) ends where a page ends, or begins where one begins,
and the pages before and after cannot be read or written: what touches a number outside a buffer ends the process.
"""

from __future__ import annotations

import ctypes
import itertools
import mmap
import random
import sys
import warnings
from array import array as Array  # noqa: N812
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

import chainrule
from chainrule import SGD, Value, cross_entropy, fit, one_hot, take
from chainrule.compiler.capture import arguments
from chainrule.compiler.codegen import memory as buffers
from chainrule.compiler.runtime import calls, function, parameters
from chainrule.compiler.runtime import graph as graphs
from chainrule.compiler.training import fit as training
from chainrule.compiler.training import steps as loop

PAGE = mmap.PAGESIZE
_protect = ctypes.CDLL(None, use_errno=True).mprotect
_protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_sides = itertools.cycle(("end", "begin"))


def between_pages(like: np.ndarray, side: str = "") -> np.ndarray:
    """A copy, with its bytes in the same order, that begins or ends at a page that cannot be touched."""
    if not like.nbytes or like.dtype.hasobject:
        return like
    pages = -(-like.nbytes // PAGE)
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    whole = np.frombuffer(memory, np.uint8)
    for guard in (0, (pages + 1) * PAGE):
        if _protect(whole.ctypes.data + guard, PAGE, 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    begin = PAGE if (side or next(_sides)) == "begin" else (pages + 1) * PAGE - like.nbytes
    out = whole[begin : begin + like.nbytes].view(like.dtype).reshape(like.shape)
    out[...] = like
    return out


class Numpy:
    """NumPy, whose new arrays lie between such pages."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def empty(self, *args: Any, **options: Any) -> np.ndarray:
        return between_pages(np.empty(*args, **options))

    def zeros(self, *args: Any, **options: Any) -> np.ndarray:
        return between_pages(np.zeros(*args, **options))

    def array(self, *args: Any, **options: Any) -> np.ndarray:
        return between_pages(np.array(*args, **options))

    def ascontiguousarray(self, given: Any, dtype: Any = None) -> np.ndarray:
        found = np.ascontiguousarray(given, dtype)
        return found if found is given else between_pages(found)


def aligned(size: int, dtype: Any) -> np.ndarray:
    """What the compiler takes its memory from."""
    return between_pages(np.zeros(size, dtype))


def surround() -> None:
    """Let all memory of generated code lie between such pages."""
    for module in (arguments, calls, function, graphs, parameters, training, loop):
        module.np = Numpy()  # type: ignore[attr-defined]
    buffers.aligned = loop.aligned = aligned


# --- indices ----------------------------------------------------------------------------------------------------------------------------

ROWS = 5
TABLE = [[Value(10.0 * i + j) for j in range(3)] for i in range(ROWS)]
NUMBERS = np.array([[v._data for v in row] for row in TABLE])
REFUSALS = (TypeError, ValueError, IndexError, OverflowError)


class Strange(np.ndarray):
    """A subclass that says of itself that all is well."""

    def __lt__(self, other: Any) -> Any:
        return np.ones(self.shape, bool)

    __ge__ = __lt__

    def __getitem__(self, key: Any) -> Any:
        return np.zeros(self.shape)[key]

    def astype(self, *args: Any, **options: Any) -> Any:
        return np.zeros(self.shape)


class Pretends:
    """Not an array, but something that NumPy can make one of."""

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.numbers if dtype is None else self.numbers.astype(dtype)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, key: Any) -> Any:
        return self.numbers[key]


class Lends:
    """The same by another way."""

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers
        self.__array_interface__ = numbers.__array_interface__

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, key: Any) -> Any:
        return self.numbers[key]


ODD = [
    -1,
    -3,
    ROWS,
    ROWS + 1,
    255,
    2**31 - 1,
    2**31,
    -(2**31),
    10**10,
    2**53,
    2**62,
    2**63 - 1,
    -(2**63),
    2**63,
    2**64 - 1,
    10**30,
    -(10**30),
]
ODD_FLOATS = [-1.0, -1e-300, 0.5, ROWS - 0.5, ROWS - 1e-9, float(ROWS), 1e10, 1e18, 1.8446744073709552e19, 1e300, -1e300]
ODD_FLOATS += [float("nan"), float("inf"), float("-inf"), 5e-324, float(2**31), float(2**32 + 1), float(2**63)]
KINDS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "g", "?", ">i2", ">i8", ">u8", ">f4", ">f8", "O"]


def layouts(plain: np.ndarray) -> dict[str, Any]:
    """The same numbers in other places, orders and disguises."""
    n = len(plain)
    spread = np.zeros(2 * n, plain.dtype)
    spread[::2] = plain
    frozen = between_pages(plain)
    frozen.flags.writeable = False
    out: dict[str, Any] = {
        "at the end of a page": between_pages(plain, "end"),
        "at the beginning of a page": between_pages(plain, "begin"),
        "backwards": between_pages(plain[::-1].copy(), "begin")[::-1],
        "every second": between_pages(spread)[::2],
        "all the same": np.broadcast_to(plain[:1], (n,)),
        "read-only": frozen,
        "a column": np.asfortranarray(np.stack([plain, plain], 1))[:, 1],
        "masked, nothing hidden": np.ma.masked_array(plain, mask=False),
        "masked": np.ma.masked_array(plain, mask=[k == n - 1 for k in range(n)]),
        "strange": plain.view(Strange),
        "pretends": Pretends(plain),
        "a list": plain.tolist(),
        "a tuple": tuple(plain.tolist()),
        "numpy numbers": list(plain),
        "a masked list": [*plain[:-1].tolist(), np.ma.masked_array(plain[-1], mask=True)],
        "a matrix": np.asmatrix(np.atleast_2d(plain)),
        "a record array": np.rec.array(plain) if plain.dtype.kind != "O" else plain,
        "an empty array": plain[:0],
        "a number": plain[0],
        "two axes": plain[:, None],
    }
    if plain.dtype.kind != "O":
        out["unaligned"] = between_pages(np.zeros(plain.nbytes + 1, np.uint8), "begin")[1:].view(plain.dtype)
        out["unaligned"][...] = plain
        out["lends"] = Lends(plain)
        out["a memoryview"] = memoryview(plain) if plain.dtype.isnative else plain
    if plain.dtype == np.float64:
        out["array.array"] = Array("d", plain.tolist())
    return out


def columns(rng: random.Random, most: int) -> Any:
    """Columns of indices: for each kind of number, right ones and so many wrong ones in every layout; for a few kinds, if only one."""
    for kind in KINDS if most > 1 else ["i8", "u8", "f8", ">f4"]:
        dtype = np.dtype(kind)
        odd: list[Any] = [*ODD_FLOATS, *ODD] if dtype.kind in "fO" else ODD if dtype.kind in "iu" else []
        for wrong in [None, *rng.sample(odd, min(len(odd), most))]:
            for n in (1, 4, 9) if most > 1 else (4,):
                right: list[Any] = [rng.randrange(min(ROWS, 2 if kind == "?" else ROWS)) for _ in range(n)]
                if wrong is not None:
                    right[rng.randrange(n)] = wrong
                try:
                    with np.errstate(all="ignore"):
                        plain = np.array(right, dtype)
                except OverflowError:
                    continue
                for name, given in layouts(plain).items():
                    yield f"{kind} {name} {wrong}", given


def expected(given: Any) -> np.ndarray | None:
    """The rows that a column of indices means; None if it is none."""
    if isinstance(given, np.ma.MaskedArray) and np.ma.count_masked(given):
        return None
    if isinstance(given, list) and any(isinstance(x, np.ma.MaskedArray) for x in given):
        return None
    try:
        numbers = np.array(np.asarray(given).view(np.ndarray), float)
    except (TypeError, ValueError, OverflowError):
        return None
    if numbers.ndim != 1 or not all(0 <= x < ROWS and x == int(x) for x in numbers.tolist()):
        return None
    return NUMBERS[numbers.astype(int)]


def weighted(rows: np.ndarray) -> np.ndarray:
    return rows @ np.array([1.0, 2.0, 3.0])


def one(k: Any) -> Any:
    a, b, c = take(TABLE, k)
    return a + 2.0 * b + 3.0 * c


def all_of(ks: Any) -> Any:
    return sum(one(k) for k in ks)


def try_indices(most: int, dtypes: Sequence[str]) -> Counter[str]:
    """Give each column to functions of every form."""
    counts: Counter[str] = Counter()
    leaves = [v for row in TABLE for v in row]
    forms: dict[str, Any] = {}
    for dtype in dtypes:
        forms |= {f"{mode} {dtype}": chainrule.compile(one, batch=mode, dtype=dtype) for mode in ("mean", None)}
        forms[f"whole {dtype}"] = chainrule.compile(all_of, dtype=dtype)
    if most > 1:
        forms |= {"sum": chainrule.compile(one, batch="sum"), "threads": chainrule.compile(one, batch="mean", threads=3)}
    joins = {"mean": np.mean, "sum": np.sum, "whole": np.sum, "threads": np.mean}
    for name, given in columns(random.Random(0), most):
        rows = expected(given)
        for form, compiled in forms.items():
            for way in ("call", "value_and_grad"):
                counts["index arrays tried"] += 1
                try:
                    found = compiled(given) if way == "call" else compiled.value_and_grad(given)[0]
                except REFUSALS:
                    counts["index arrays refused"] += 1
                    if rows is not None and len(rows) and "O" not in name and "record" not in name:
                        raise
                    continue
                assert rows is not None, (form, name, found)
                number = np.array(found._data if isinstance(found, Value) else found)
                join = joins.get(form.split()[0])
                right = weighted(rows) if join is None else join(weighted(rows))
                assert np.allclose(number, right, rtol=1e-5), (form, name, number, right)
                if isinstance(found, Value) and len(rows):
                    found.backward()
                    share = 1.0 / len(rows) if form.startswith(("mean", "threads")) else 1.0
                    use = np.bincount(np.array(np.asarray(given).view(np.ndarray), float).astype(int), minlength=ROWS)
                    assert np.allclose([v.grad for v in leaves], np.outer(use * share, [1.0, 2.0, 3.0]).ravel(), rtol=1e-5), (form, name)
                    counts["backward passes"] += 1
    return counts


DTYPES = ("float64", "float32")

# --- shapes -----------------------------------------------------------------------------------------------------------------------------


def try_shapes(sizes: Sequence[int], samples: Sequence[int], dtypes: Sequence[str]) -> Counter[str]:
    """Networks and sums of sizes that fill vectors and blocks, and that do not, with arguments that overlap."""
    counts: Counter[str] = Counter()
    for size, dtype in itertools.product(sizes, dtypes):
        rng = random.Random(size)
        w = [[Value(rng.uniform(-1.0, 1.0)) for _ in range(size)] for _ in range(3)]

        def sample(x: Any, y: Any, k: Any, w: Any = w) -> Any:
            scores = [sum(a * b for a, b in zip(row, x, strict=True)).tanh() for row in w]
            chosen = sum(h * s for h, s in zip(one_hot(k, 3), scores, strict=True))
            return cross_entropy(scores, k) + (chosen - y) ** 2 + sum(a * a for a in x) * 0.01

        def whole(X: Any, Y: Any, K: Any, sample: Any = sample) -> Any:
            return sum(sample(x, y, k) for x, y, k in zip(X, Y, K, strict=True))

        for n in samples:
            line = between_pages(np.random.default_rng(n).normal(size=n * size + n))
            X, Y = line[: n * size].reshape(n, size), line[n * size - n : n * size]  # which overlap
            K = between_pages(np.arange(n) % 3)
            right = whole(X.tolist(), Y.tolist(), K.tolist())
            right.backward()
            gradient = [v.grad for row in w for v in row]
            for given in ((X, Y, K), (X[:, ::-1][:, ::-1], Y[::-1][::-1], K.astype(">i4")), (np.asfortranarray(X), Y, K.astype(np.uint8))):
                for form in (whole, sample):
                    compiled = chainrule.compile(form, dtype=dtype, **({} if form is whole else {"batch": "sum"}))
                    for _ in range(3):  # from the second call on, they go a shorter way
                        found = compiled(*given)
                        found.backward()
                        assert np.isclose(found.data, right.data, rtol=1e-4), (size, n, dtype)
                        assert np.allclose([v.grad for row in w for v in row], gradient, rtol=1e-3, atol=1e-4)
                        counts["calls"] += 1
                    assert np.isclose(compiled.value_and_grad(*given)[0], right.data, rtol=1e-4)
                    counts["calls"] += 1
            mean = chainrule.compile(sample, batch="mean", dtype=dtype)
            for batch in {1, 2, n}:
                fit(mean, (X, Y, K), optimizer=SGD([v for row in w for v in row], lr=1e-3), epochs=2, batch_size=batch)
                counts["trainings"] += 1
            ragged = [row[: 1 + k % size].tolist() for k, row in enumerate(X)]
            some = chainrule.compile(
                lambda x, y, w=w: (sum(a * b for a, b in zip(w[0], x, strict=False)) - y) ** 2, batch="mean", dtype=dtype
            )
            fit(some, (ragged, Y), optimizer=SGD(w[0], lr=1e-3), epochs=2, batch_size=1)
            counts["trainings"] += 1
    return counts


def main(thorough: bool) -> None:
    warnings.simplefilter("ignore")
    surround()
    if thorough:
        counts = try_indices(len(ODD_FLOATS) + len(ODD), DTYPES) + try_shapes([1, 2, 3, 5, 8, 13, 16, 31], [1, 3, 17], DTYPES)
    else:
        counts = try_indices(1, DTYPES[:1]) + try_shapes([3], [3], DTYPES[:1])
    print(", ".join(f"{number} {what}" for what, number in counts.items()))


if __name__ == "__main__":
    main("thorough" in sys.argv)
