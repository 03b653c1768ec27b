"""Random programs: layers of every kind, one after another, in every order of loops, with numbers from every source.

`python tests/support/compiler/random_programs.py FIRST LAST` compares the programs of these seeds with the eager engine, prints those that
fail, how many there were, and the largest error.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import chainrule
from chainrule import Value, logsumexp, mean, topological_order
from compare import as_value, call, compile_function, compiled_graph, eager, error, evaluate
from random_layers import BATCHES, LAYERS, PER_SAMPLE, VOCABULARY, WIDEST, Drawing, Layer, Row, elementwise
from registry import Built, labels, samples
from seeds import compare_programs

ELEMENTWISE = 5  # how much oftener than another layer: there are many functions
LARGEST = 100.0  # of all numbers and adjoints on the way
NEAREST = 1e-6  # to a jump of a function or a derivative


@dataclass(frozen=True)
class RandomProgram(Built):
    """A random program, and what it consists of."""

    seed: int = 0
    told: str = ""
    attempt: int = 0

    def with_other_arguments(self) -> tuple[Any, ...]:
        """Arguments of the same shape: every second one backwards."""
        return tuple(argument[::-1] if position % 2 == 0 else argument for position, argument in enumerate(self.arguments))


def random_program(seed: int) -> RandomProgram:
    """Draw a program; until there is one whose numbers stay tame, draw again."""
    for attempt in range(1000):
        built = drawn(seed, attempt)
        if built is not None and tame(built, built.arguments) and tame(built, built.with_other_arguments()):
            return built
    raise AssertionError(f"seed {seed}: no tame program in a thousand")


def drawn(seed: int, attempt: int) -> RandomProgram | None:
    draw = Drawing(f"{seed}/{attempt}")
    rng = draw.rng
    loops = rng.choice(["sample by sample", "layer by layer", "one sample"])
    size, width = rng.choice(BATCHES), rng.randint(1, WIDEST)
    batched = loops == "one sample"
    source = rng.choice(["array", "lists"] if batched else ["array", "lists", "constants", "parameters", "products"])

    # what the function is called with
    X: Any = samples(rng, size, width) if source == "array" else samples(rng, size, width).tolist()
    tokens, targets = labels(rng, size, below=VOCABULARY), samples(rng, size)
    if source == "parameters":
        X = draw.matrix(size, width, 1.0)
    start = draw.vector(width, 1.0)

    layers: list[Layer] = []
    for _ in range(rng.randint(1, 6)):
        made = rng.choice([*LAYERS, *[elementwise] * ELEMENTWISE])(draw, layers[-1].width if layers else width)
        if made is None or (loops != "layer by layer" and made.rows) or (batched and made.name in PER_SAMPLE):
            continue
        layers.append(made)
    last = layers[-1].width if layers else width
    ending = rng.choice(["squares", "error", "cross-entropy", "logsumexp", "sum"])
    if ending == "cross-entropy" and last < 2:
        ending = "error"
    if ending == "cross-entropy":
        classes = labels(rng, size, below=last)
        targets = classes
    penalty = rng.choice([0.0, 0.0, 0.01])
    reduction = rng.choice(["mean", "sum"])
    adding = rng.choice(["mean", "sum", "running sum"])

    def of_sample(outs: Row, target: Any) -> Any:
        if ending == "squares":
            return mean(o * o for o in outs)
        if ending == "error":
            return (sum(outs) - target) ** 2
        if ending == "cross-entropy":
            return chainrule.cross_entropy(outs, target)
        return logsumexp(outs) if ending == "logsumexp" else sum(outs)

    def finish(loss: Any) -> Any:
        return loss + penalty * sum(p * p for p in draw.parameters) if penalty else loss

    def of_one(x: Row, token: Any, target: Any) -> Any:
        for step in layers:
            x = step.row(x, token, 0)
        return finish(of_sample(x, target))

    def of_all(X: Any, tokens: Any, targets: Any) -> Any:
        rows = [[xi * p for xi, p in zip(x, start, strict=True)] for x in X] if source == "products" else X
        if loops == "layer by layer":
            for step in layers:
                rows = (
                    step.rows(rows) if step.rows else [step.row(x, token, n) for n, (x, token) in enumerate(zip(rows, tokens, strict=True))]
                )
        else:
            done = []
            for n, (x, token) in enumerate(zip(rows, tokens, strict=True)):
                for step in layers:
                    x = step.row(x, token, n)
                done.append(x)
            rows = done
        losses = [of_sample(x, target) for x, target in zip(rows, targets, strict=True)]
        if adding == "running sum":
            total = 0.0
            for loss in losses:
                total = total + loss
            return finish(total / size)
        return finish(mean(losses) if adding == "mean" else sum(losses))

    told = f"{loops}, {size} of {width} {source}: {', '.join(step.name for step in layers)}; {ending}, {reduction if batched else adding}"
    told += ", penalty" if penalty else ""
    if batched:
        return RandomProgram(draw.parameters, of_one, (X, tokens, targets), batched, reduction, seed, told, attempt)
    if source in ("array", "lists"):
        return RandomProgram(draw.parameters, of_all, (X, tokens, targets), seed=seed, told=told, attempt=attempt)

    def of_labels(tokens: Any, targets: Any) -> Any:
        return of_all(X, tokens, targets)

    return RandomProgram(draw.parameters, of_labels, (tokens, targets), seed=seed, told=told, attempt=attempt)


def tame(built: Built, arguments: Sequence[Any]) -> bool:
    """Whether all numbers and adjoints are of moderate size, no jump is near, and the loss and its gradient are not noise."""
    loss = as_value(evaluate(built, arguments))
    for parameter in built.parameters:
        parameter.grad = 0.0
    if not math.isfinite(loss.data):
        return False
    loss.backward()
    nodes = topological_order(loss)
    if not all(abs(node.data) < LARGEST and abs(node.grad) < LARGEST for node in nodes):
        return False
    if any(distance_to_jump(node) < NEAREST for node in nodes):
        return False
    return abs(loss.data) > 1e-2 and max(abs(parameter.grad) for parameter in built.parameters) > 1e-2


def distance_to_jump(node: Value) -> float:
    """How far the operands of a node are from where its operation, or the derivative of that, jumps."""
    name = node._op
    if name in ("greater", "equal", "maximum", "minimum"):
        a, b = (float(x) for x in node._operands)
        return abs(a - b)
    if name in ("abs", "relu", "hypot") or name.startswith(("leaky_relu", "elu", "**")):
        return abs(float(node._operands[0]))
    return math.inf


# --- what it computes ---------------------------------------------------------------------------------------------------------------------


def largest_error(built: RandomProgram) -> float:
    """Of loss and gradients, of the function in three calls and of the graph."""
    function = compile_function(built)
    errors = [apart(call(function, built), eager(built)), apart(compiled_graph(built), eager(built))]
    arguments = built.with_other_arguments()
    errors.append(apart(call(function, built, arguments), eager(built, arguments)))
    before = [parameter.data for parameter in built.parameters]
    for parameter in built.parameters:
        parameter.data *= 0.999
    errors.append(apart(call(function, built), eager(built)))
    for parameter, data in zip(built.parameters, before, strict=True):
        parameter.data = data
    return max(errors)


def apart(found: tuple[float, list[float]], expected: tuple[float, list[float]]) -> float:
    return max(error([found[0]], [expected[0]]), error(found[1], expected[1]))


if __name__ == "__main__":
    sys.exit(compare_programs(random_program, largest_error))
