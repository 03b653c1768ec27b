"""The blocks of random programs over shared arrays: each reads some arrays by patterns, makes others, and may add to the loss."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from chainrule import logsumexp, softmax, take
from index_patterns import Drawn, formula, inner_range, pattern

LONGEST = 60  # steps of a recurrence
Array = Sequence[Any]
Result = tuple[list[Array], Any]  # arrays, and what is added to the loss


class Block(NamedTuple):
    """A part of a program.

    Arguments:
        told: what it does.
        sizes: of the arrays that it makes.
        run: from all arrays so far, and the indices that are given as arguments, to new arrays and what is added to the loss.
    """

    told: str
    sizes: list[int]
    run: Callable[[list[Array], Array], Result]


class Drawing:
    """The random choices of a program, and the sizes of the arrays that there are so far."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)
        self.sizes: list[int] = []
        self.choices: list[int] = []  # for each integer that is given as an argument, from how many numbers it takes one
        self.regular = self.rng.random() < 0.5  # whether patterns are such that loops are rolled
        self.curves = self.rng.choice([0.0, 0.0, 0.1, 0.3])  # how many elementary functions there are

    def array(self) -> int:
        """One of the arrays; oftenest the first one, which so gets gradients from several places."""
        return self.rng.choice([self.rng.randrange(len(self.sizes)), len(self.sizes) - 1, 0, 0])

    def steps(self) -> int:
        """How many steps a loop makes."""
        return self.rng.choice([self.rng.randint(3, 9), self.rng.randint(6, 24), self.rng.randint(12, LONGEST)])

    def read(self, *, two: bool = False) -> Read:
        """A place that is read in a loop: an array, and where."""
        array = self.array()
        return Read(array, self.pattern(self.sizes[array], two=two))

    def pattern(self, size: int, *, two: bool = False) -> Drawn:
        """A pattern for an array of `size` numbers."""
        return pattern(self.rng, size, two=two, regular=self.regular)

    def formula(self, operands: int) -> Drawn:
        """A formula of some numbers."""
        return formula(self.rng, operands, self.curves)


class Read(NamedTuple):
    """A place that is read in a loop."""

    array: int
    at: Drawn

    def __call__(self, arrays: Sequence[Array], i: int, j: int = 0) -> Any:
        return arrays[self.array][self.at.call(i, j)]

    def __str__(self) -> str:
        return f"{'ABCDEFGHIJKLMNOP'[self.array]}[{self.at.told}]"


def told(f: Drawn, *operands: object) -> str:
    return f"{f.told} of {', '.join(map(str, operands))}"


BLOCKS: list[Callable[[Drawing], Block]] = []
RECURRENT: list[Callable[[Drawing], Block]] = []


def block(draw: Callable[[Drawing], Block]) -> Callable[[Drawing], Block]:
    BLOCKS.append(draw)
    return draw


def recurrent(draw: Callable[[Drawing], Block]) -> Callable[[Drawing], Block]:
    RECURRENT.append(draw)
    return draw


# --- loops whose iterations do not depend on each other -----------------------------------------------------------------------------------


@block
def elementwise(draw: Drawing) -> Block:
    n, operands = draw.rng.randint(3, 16), draw.rng.randint(1, 3)
    f, reads = draw.formula(operands), [draw.read() for _ in range(operands)]
    return Block(
        f"[{told(f, *reads)} for i<{n}]", [n], lambda arrays, _: ([[f.call(*(read(arrays, i) for read in reads)) for i in range(n)]], 0.0)
    )


@block
def contraction(draw: Drawing) -> Block:
    n, m = draw.rng.randint(2, 9), draw.rng.randint(2, 8)
    js, f, g = inner_range(draw.rng, m), draw.formula(2), draw.formula(1)
    reads = [draw.read(two=True), draw.read(two=True)]

    def run(arrays: list[Array], _: Array) -> Result:
        return [[g.call(sum(f.call(*(read(arrays, i, j) for read in reads)) for j in js.call(i))) for i in range(n)]], 0.0

    return Block(f"[{g.told} of sum({told(f, *reads)} for {js.told}) for i<{n}]", [n], run)


@block
def terms(draw: Drawing) -> Block:
    n, m, operands = draw.rng.randint(2, 9), draw.rng.randint(1, 6), draw.rng.randint(2, 3)
    js, f, reads = inner_range(draw.rng, m), draw.formula(operands), [draw.read(two=True) for _ in range(operands)]

    def run(arrays: list[Array], _: Array) -> Result:
        return [], sum(f.call(*(read(arrays, i, j) for read in reads)) for i in range(n) for j in js.call(i))

    return Block(f"loss += {told(f, *reads)} for i<{n} for {js.told}", [], run)


@block
def scatter(draw: Drawing) -> Block:
    n, m = draw.rng.randint(3, 24), draw.rng.randint(2, 9)
    into, f, reads = draw.pattern(m), draw.formula(2), [draw.read(), draw.read()]
    from_zero = draw.rng.random() < 0.5

    def run(arrays: list[Array], _: Array) -> Result:
        out = [0.0] * m if from_zero else [arrays[0][k % len(arrays[0])] for k in range(m)]
        for i in range(n):
            out[into.call(i, 0)] = out[into.call(i, 0)] + f.call(*(read(arrays, i) for read in reads))
        return [[x + 0.1 for x in out]], 0.0

    return Block(f"out[{into.told}] += {told(f, *reads)} for i<{n}", [m], run)


@block
def normalized(draw: Drawing) -> Block:
    n, m = draw.rng.randint(1, 6), draw.rng.randint(2, 6)
    reads, f, whole = [draw.read(two=True), draw.read(two=True)], draw.formula(2), draw.rng.random() < 0.5
    size, function = (n * m, "softmax") if whole else (n, "logsumexp")

    def run(arrays: list[Array], _: Array) -> Result:
        rows = [[f.call(*(read(arrays, i, j) for read in reads)) for j in range(m)] for i in range(n)]
        return [[x for row in rows for x in softmax(row)] if whole else [logsumexp(row) for row in rows]], 0.0

    return Block(f"{function} of {told(f, *reads)} for i<{n} for j<{m}", [size], run)


@block
def taken(draw: Drawing) -> Block:
    n, m = draw.rng.randint(1, 8), draw.rng.randint(2, 6)
    first, f, reads = len(draw.choices), draw.formula(2), [draw.read(two=True), draw.read()]
    draw.choices += [m] * n
    same = draw.rng.random() < 0.5  # choose from the same numbers each time

    def run(arrays: list[Array], indices: Array) -> Result:
        chosen = [take([reads[0](arrays, 0 if same else i, j) for j in range(m)], indices[first + i]) for i in range(n)]
        return [[f.call(x, reads[1](arrays, i)) for i, x in enumerate(chosen)]], 0.0

    return Block(f"{told(f, f'take({reads[0]} for j<{m})', reads[1])} for {'0,' if same else ''}i<{n}", [n], run)


# --- loops whose iterations depend on each other ------------------------------------------------------------------------------------------


@recurrent
def recurrence(draw: Drawing) -> Block:
    """Some states, each computed anew in every step from others, from arrays, and from what they were some steps ago."""
    rng, steps = draw.rng, draw.steps()
    count = rng.randint(1, 3)
    together = rng.random() < 0.5  # all states change at once
    moves = []
    for k in range(count):
        f = draw.formula(3)
        back = draw.pattern(rng.randint(1, 4)) if rng.random() < 0.4 else None
        moves.append((f, rng.choice([k, k, rng.randrange(count)]), draw.read(), draw.read(), rng.randrange(count), back))
    starts = [(draw.array(), rng.randrange(3)) for _ in range(count)]
    adds = (draw.formula(2), rng.randrange(count), draw.read()) if rng.random() < 0.6 else None

    def run(arrays: list[Array], _: Array) -> Result:
        states: list[Any] = [arrays[array][k % len(arrays[array])] for array, k in starts]
        histories: list[list[Any]] = [[s] for s in states]
        loss: Any = 0.0
        for t in range(steps):
            now = list(states)
            for k, (f, own, x, y, other, back) in enumerate(moves):
                seen = now if together else states
                third = y(arrays, t) if back is None else histories[other][max(0, len(histories[other]) - 1 - back.call(t, 0))]
                states[k] = f.call(seen[own], x(arrays, t), third)
            for history, state in zip(histories, states, strict=True):
                history.append(state)
            if adds is not None:
                g, k, z = adds
                loss = loss + g.call(states[k], z(arrays, t))
        return histories, loss

    said = [f"s{k} = {told(f, f's{own}', x, y if back is None else f's{other} ({back.told}) steps ago')}"
            for k, (f, own, x, y, other, back) in enumerate(moves)]  # fmt: skip
    if adds is not None:
        said.append(f"loss += {told(adds[0], f's{adds[1]}', adds[2])}")
    return Block(f"{steps} steps: {'; '.join(said)}{', at once' if together else ''}", [steps + 1] * count, run)


@recurrent
def queue(draw: Drawing) -> Block:
    """A list that grows, and is read at another pace: a queue, a heap, a fold."""
    rng, steps = draw.rng, draw.steps()
    start, pushes = draw.array(), []
    for _ in range(rng.randint(1, 2)):
        a, b, k = rng.choice([1, 1, 2]), rng.randrange(4), rng.choice([1, 1, 2, 3])
        pushes.append((draw.formula(3), (a, b, k), rng.randint(1, 3), draw.read()))

    def run(arrays: list[Array], _: Array) -> Result:
        items = list(arrays[start])
        for t in range(steps):
            for f, (a, b, k), last, x in pushes:
                items.append(f.call(items[min((a * t + b) // k, len(items) - 1)], items[-min(last, len(items))], x(arrays, t)))
        return [items], 0.0

    said = [f"push {told(f, f'q[({a}t+{b})//{k}]', f'q[-{last}]', x)}" for f, (a, b, k), last, x in pushes]
    return Block(f"{steps} steps: {'; '.join(said)}", [draw.sizes[start] + steps * len(pushes)], run)


@recurrent
def ring(draw: Drawing) -> Block:
    """An array whose numbers are replaced, one in each step."""
    rng, steps = draw.rng, draw.steps()
    start = draw.array()
    n = draw.sizes[start]
    f, into, other, x = draw.formula(3), draw.pattern(n), draw.pattern(n), draw.read()
    adds = draw.formula(1) if rng.random() < 0.4 else None

    def run(arrays: list[Array], _: Array) -> Result:
        items, loss = list(arrays[start]), 0.0
        for t in range(steps):
            items[into.call(t, 0)] = f.call(items[into.call(t, 0)], items[other.call(t, 0)], x(arrays, t))
            if adds is not None:
                loss = loss + adds.call(items[other.call(t + 1, 0)])
        return [items], loss

    return Block(f"{steps} steps: b[{into.told}] = {told(f, 'it', f'b[{other.told}]', x)}{', added' if adds else ''}", [n], run)


@recurrent
def stencil(draw: Drawing) -> Block:
    """An array that is computed anew in each step, from neighbours."""
    rng = draw.rng
    steps, n, f, x = rng.randint(3, 12), rng.randint(2, 6), draw.formula(3), draw.read(two=True)
    start, offset, around = draw.read(), rng.choice([1, -1, 2]), rng.random() < 0.6

    def run(arrays: list[Array], _: Array) -> Result:
        u = [start(arrays, i) for i in range(n)]
        for t in range(steps):
            u = [f.call(u[i], u[(i + offset) % n if around else max(0, min(i + offset, n - 1))], x(arrays, t, i)) for i in range(n)]
        return [u], 0.0

    return Block(f"{steps} steps: u[i<{n}] = {told(f, 'u[i]', f'u[i+{offset}]', x)}", [n], run)


def ending(draw: Drawing) -> Block:
    """What becomes of the last arrays: a sum of products with the first one."""
    rng = draw.rng
    arrays_read = sorted({len(draw.sizes) - 1, draw.array()})
    weights = {k: draw.pattern(draw.sizes[0]) for k in arrays_read}
    weighted = rng.random() < 0.5

    def run(arrays: list[Array], _: Array) -> Result:
        return [], sum(
            (arrays[k][i] * arrays[0][weights[k].call(i, 0)] if weighted else arrays[k][i])
            for k in arrays_read
            for i in range(len(arrays[k]))
        )

    said = [f"{'ABCDEFGHIJKLMNOP'[k]}[i]" + (f"*A[{weights[k].told}]" if weighted else "") for k in arrays_read]
    return Block(f"loss += sum {' + '.join(said)}", [], run)
