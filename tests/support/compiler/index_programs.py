"""Random programs of index patterns: gathers, scatters, triangles, bands, recurrences, queues, heaps, over shared parameters and arrays.

Each is compiled in all three forms: as a graph, as a function of some of its arrays, and as a function of one sample. Value and every
gradient are compared with the eager engine.

`python tests/support/compiler/index_programs.py FIRST LAST` does that for the programs of these seeds, prints those that fail, how many
there were, and the largest error. Most of them are translated by LLVM without optimisation, which takes a third of the time and changes
nothing before LLVM; every EXACTLY-th as users have it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest import mock

import llvmlite.binding as llvm
import numpy as np

import chainrule
from chainrule import Value, topological_order
from chainrule.compiler.codegen import native
from chainrule.compiler.ir.machine import Target
from chainrule.compiler.transform import arenas
from chainrule.compiler.transform.arenas import SMALLEST_BLOCK
from compare import as_value, as_values, error, gradients_of
from index_blocks import BLOCKS, RECURRENT, Block, Drawing, ending
from random_programs import LARGEST, NEAREST, distance_to_jump
from registry import vector
from seeds import compare_programs

MOST_NODES = 1500
SMALLEST = 1e-2  # of a loss, and of the largest of its gradients
EXACTLY = 8


@dataclass(frozen=True)
class IndexProgram:
    """A random program.

    Arguments:
        seed: what it was drawn from.
        told: what it does.
        arrays: the Values of its parameters, in arrays.
        given: which of the arrays are arguments of the function, and of the function of one sample.
        samples: for the latter, these arrays with a row for each sample.
        indices: integers that are arguments, where something is taken by them; a row for each sample.
        reduction: of the samples: "mean", "sum" or None.
        threads: how many the samples are spread over.
        small_blocks: whether the samples are taken in blocks as small as there are.
        target: the machine that it is compiled for.
        blocks: its parts.
    """

    seed: int
    told: str
    arrays: list[list[Value]]
    given: list[int]
    samples: list[np.ndarray]
    indices: np.ndarray
    reduction: str | None
    threads: int
    small_blocks: bool
    target: str | None
    blocks: list[Block]

    @property
    def parameters(self) -> list[Value]:
        """The Values of the arrays that are no arguments."""
        return [p for number, array in enumerate(self.arrays) if number not in self.given for p in array]

    def loss(self, *arguments: Any) -> Any:
        """The loss, of the arrays that are given, and of the indices if there are any."""
        return self.of(dict(zip(self.given, arguments, strict=False)), arguments[-1] if self.indices.size else [])

    def leaves(self, number: int) -> list[list[Value]]:
        """New Values for the arrays that are given, with the numbers of a sample."""
        return [[Value(x) for x in rows[number].tolist()] for rows in self.samples]

    def sample(self, number: int) -> tuple[Value, list[Value]]:
        """The loss of a sample, computed eagerly, and the Values of the arrays that are given."""
        leaves = self.leaves(number)
        loss = as_value(self.of(dict(zip(self.given, leaves, strict=True)), self.indices[number].tolist()))
        return loss, [p for row in leaves for p in row]

    def of(self, instead: dict[int, Any], indices: Sequence[Any]) -> Any:
        """The loss, with other arrays instead of some."""
        arrays: list[Any] = [instead.get(number, array) for number, array in enumerate(self.arrays)]
        total: Any = 0.0
        for part in self.blocks:
            made, term = part.run(arrays, indices)
            arrays += made
            total = total + term
        return total


def index_program(seed: int) -> IndexProgram:
    """Draw a program; until there is one whose numbers stay tame, draw again."""
    for attempt in range(1000):
        built = drawn(seed, attempt)
        if built is not None:
            return built
    raise AssertionError(f"seed {seed}: no tame program in a thousand")


def drawn(seed: int, attempt: int) -> IndexProgram | None:
    draw = Drawing(f"index {seed}/{attempt}")
    rng = draw.rng
    arrays = [vector(rng, rng.choice([rng.randint(2, 12), rng.randint(8, 40)]), 0.9) for _ in range(rng.choice([1, 1, 2, 3]))]
    draw.sizes = [len(array) for array in arrays]
    blocks = []
    for _ in range(rng.choice([1, 1, 2, 2, 3])):
        blocks.append(rng.choice(rng.choice([BLOCKS, RECURRENT]))(draw))
        draw.sizes += blocks[-1].sizes
    blocks.append(ending(draw))
    given = sorted(rng.sample(range(len(arrays)), rng.choice([len(arrays), rng.randint(1, len(arrays))])))
    small_blocks = rng.random() < 0.05
    size = SMALLEST_BLOCK + 3 if small_blocks else rng.choice([1, 2, 3, 5])
    samples = [
        np.array([[p.data for p in arrays[k]]] + [[rng.uniform(-0.9, 0.9) for _ in arrays[k]] for _ in range(size - 1)]) for k in given
    ]
    indices = np.array([[rng.randrange(m) for m in draw.choices] for _ in range(size)], dtype=int)
    told = (
        f"{', '.join(f'{chr(65 + k)} of {n}' for k, n in enumerate(draw.sizes))}; given {given}; {'; '.join(part.told for part in blocks)}"
    )
    reduction = rng.choice(["mean", "sum", "sum", None])
    threads = 2 if size > 1 and rng.random() < 0.1 else 1
    target = rng.choice([None, None, "generic"])
    built = IndexProgram(seed, told, arrays, given, samples, indices, reduction, threads, small_blocks, target, blocks)
    return built if all(is_tame(built, number) for number in range(size)) else None


def is_tame(built: IndexProgram, sample: int) -> bool:
    """Whether all numbers and adjoints are of moderate size, no jump is near, and loss and gradient are not noise."""
    loss, leaves = built.sample(sample)
    nodes = topological_order(loss)
    if len(nodes) > MOST_NODES or not math.isfinite(loss.data) or not SMALLEST < abs(loss.data) < LARGEST:
        return False
    loss.backward()
    if not all(abs(node.data) < LARGEST and abs(node.grad) < LARGEST for node in nodes):
        return False
    return max(abs(p.grad) for p in leaves) > SMALLEST and all(distance_to_jump(node) >= NEAREST for node in nodes)


# --- compiling in a third of the time -----------------------------------------------------------------------------------------------------


def _machine_without_optimisation(target: Target) -> Any:
    return llvm.Target.from_default_triple().create_target_machine(cpu=target.cpu, features=target.features, opt=0)


@cache
def _inlining(target: Target) -> tuple[Any, Any]:
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    return passes, llvm.create_pass_builder(_machine_without_optimisation(target), llvm.create_pipeline_tuning_options(speed_level=0))


@contextmanager
def quickly() -> Iterator[None]:
    """Let LLVM translate what it is given as it is: it inlines what it must, and does not optimise."""
    before = native._machine, native._passes
    native._machine, native._passes = _machine_without_optimisation, _inlining
    try:
        yield
    finally:
        native._machine, native._passes = before


# --- what it computes -------------------------------------------------------------------------------------------------------------------

Found = tuple[list[float], list[float]]  # values and gradients


def eager_sample(built: IndexProgram, number: int) -> tuple[float, list[float], list[float]]:
    """The loss of a sample, and its gradients: of the arrays that are given, and of the others."""
    loss, leaves = built.sample(number)
    for p in built.parameters:
        p.grad = 0.0
    loss.backward()
    return loss.data, [p.grad for p in leaves], [p.grad for p in built.parameters]


def graph(built: IndexProgram) -> Found:
    """The loss of the first sample as a compiled graph, and its gradients."""
    loss, leaves = built.sample(0)
    step = chainrule.compile(loss, target=built.target)
    for p in built.parameters:
        p.grad = 0.0
    return [step()], [p.grad for p in leaves + built.parameters]


def function(built: IndexProgram) -> Found:
    """The same by a compiled function of the arrays that are given."""
    compiled = chainrule.compile(built.loss, target=built.target)
    indices = [built.indices[0]] if built.indices.size else []
    if not built.parameters:
        value, gradients = compiled.value_and_grad(*[rows[0] for rows in built.samples], *indices)
        return [value], np.concatenate(gradients[: len(built.given)]).tolist()
    leaves = built.leaves(0)
    loss = compiled(*leaves, *indices)
    for p in built.parameters:
        p.grad = 0.0
    loss.backward()
    return [loss.data], [p.grad for row in leaves for p in row] + [p.grad for p in built.parameters]


def batch(built: IndexProgram) -> Found:
    """The losses of all samples by a compiled function of one, joined or not, and the gradients; those of parameters if they are joined."""
    with mock.patch.object(arenas, "CACHE", 1 if built.small_blocks else arenas.CACHE):
        return _batch(built)


def _batch(built: IndexProgram) -> Found:
    compiled = chainrule.compile(built.loss, batch=built.reduction, threads=built.threads, target=built.target)
    indices = [built.indices] if built.indices.size else []
    if built.reduction is None or not built.parameters:
        values, gradients = compiled.value_and_grad(*built.samples, *indices)
        of_samples = [x for row in zip(*gradients[: len(built.given)], strict=True) for x in np.concatenate(row).tolist()]
        return np.ravel(values).tolist(), of_samples
    arguments = [as_values(rows) for rows in built.samples]
    loss = compiled(*arguments, *indices)
    for p in built.parameters:
        p.grad = 0.0
    loss.backward()
    of_samples = [x for row in zip(*map(gradients_of, arguments), strict=True) for x in np.concatenate(row).tolist()]
    return [loss.data], of_samples + [p.grad for p in built.parameters]


def largest_error(built: IndexProgram) -> float:
    """Of values and gradients, in all three forms."""
    each = [eager_sample(built, number) for number in range(len(built.indices))]
    first: Found = ([each[0][0]], each[0][1] + each[0][2])
    losses, of_samples = [loss for loss, _, _ in each], [x for _, row, _ in each for x in row]
    expected: Found = (losses, of_samples)
    if built.reduction is not None:
        scale = 1.0 / len(each) if built.reduction == "mean" else 1.0
        of_parameters = np.sum([row for _, _, row in each], axis=0).tolist()
        expected = ([scale * sum(losses)], [scale * x for x in of_samples + of_parameters])
    found = batch(built)
    joined = (found[0] + losses, found[1]), (expected[0] + losses, expected[1])  # relative to the losses too: their sum may cancel
    return max(apart(graph(built), first), apart(function(built), first), apart(*joined))


def apart(found: Found, expected: Found) -> float:
    return max(error(found[0], expected[0]), error(found[1], expected[1]))


if __name__ == "__main__":
    sys.exit(compare_programs(index_program, largest_error, lambda seed: nullcontext() if seed % EXACTLY == 0 else quickly()))
