"""C by hand, compiled by gcc for this machine, with and without `-ffast-math`, which brings in the vector functions of glibc."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness import repeated
from peers_numpy import price_and_slopes
from problems import OPTIONS, check, options

HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "benchmarks"


def options_row(dtype: str, fast: bool) -> Iterator[dict[str, float]]:
    """One loop over all options, into arrays that are there already."""
    run = _compiled(dtype, fast).price_and_slopes
    run.argtypes, run.restype = [ctypes.c_long, *[ctypes.c_void_p] * 11], None
    arguments, results = [column.astype(dtype) for column in options()], np.empty((6, OPTIONS), dtype)
    pointers = [array.ctypes.data for array in (*arguments, *results)]
    run(OPTIONS, *pointers)
    for got, want in zip(results, price_and_slopes(*options()), strict=True):
        check(got, want, dtype)
    yield from repeated(lambda: run(OPTIONS, *pointers), "ns/option", 1e-9, OPTIONS)


def _compiled(dtype: str, fast: bool) -> ctypes.CDLL:
    BUILD.mkdir(parents=True, exist_ok=True)
    target = BUILD / f"blackscholes_{dtype}{'_fast' if fast else ''}.so"
    flags = ["-O3", "-march=native", "-mprefer-vector-width=512", *(["-ffast-math"] if fast else [])]
    real = {"float64": "double", "float32": "float"}[dtype]
    command = ["gcc", *flags, f"-DREAL={real}", "-fPIC", "-shared", str(HERE / "_blackscholes.c"), "-o", str(target), "-lm"]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(target))
