"""The machine that programs are compiled for, and how the points of an axis fill its vectors."""

from __future__ import annotations

import platform
from functools import cache
from typing import NamedTuple

import llvmlite.binding as llvm

from chainrule.compiler.ir.statements import BATCH

ASSUMED_BATCH = 64  # samples, where costs are compared; only their order of magnitude matters


class Target(NamedTuple):
    """What machine to compile for.

    Arguments:
        cpu: LLVM's name of the processor.
        features: LLVM's list of its features.
        vector_bits: the size of the vectors that programs use.
        fma: whether it multiplies and adds with one rounding.
    """

    cpu: str
    features: str
    vector_bits: int
    fma: bool

    @property
    def registers(self) -> int:
        """How many vector registers there are."""
        return 32 if self.vector_bits == 512 or _is_arm() else 16

    def lanes(self, dtype: str) -> int:
        """How many numbers a vector holds."""
        return self.vector_bits // (64 if dtype == "float64" else 32)


@cache
def host() -> Target:
    """This machine, with all that its processor can do."""
    features = dict(llvm.get_host_cpu_features())
    bits = 512 if features.get("avx512f") else 256 if features.get("avx") else 128
    return Target(llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), bits, bool(features.get("fma")) or _is_arm())


@cache
def generic() -> Target:
    """Any machine of this kind: what every processor of the architecture can do."""
    return Target("generic", "", 128, _is_arm())


def _is_arm() -> bool:
    return platform.machine().lower() in ("aarch64", "arm64")


def lanes(size: int, width: int) -> float:
    """How many points an average vector holds, if an axis is cut into vectors of `width` and of smaller powers of two."""
    if size == BATCH:
        return width
    return size / (size // width + (size % width).bit_count())


def length(size: int) -> int:
    """The size of an axis, or a guess for that of the samples."""
    return ASSUMED_BATCH if size == BATCH else size


__all__ = ["Target", "generic", "host", "lanes", "length"]
