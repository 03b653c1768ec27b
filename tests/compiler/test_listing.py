"""`print(program)` shows the arrays that were found, in a notation that explains itself and is true to what runs."""

from __future__ import annotations

import itertools
import random
import re

import numpy as np
import pytest

import chainrule
from chainrule import MLP, Neuron, Value
from chainrule.compiler.ir.machine import generic
from chainrule.compiler.ir.statements import BATCH
from chainrule.compiler.show.listing import listing
from chainrule.compiler.show.shapes import place_text
from chainrule.compiler.show.view import View, reached
from compare import traced
from programs import OUTPUTS, PROGRAMS, Program, named

every_program = pytest.mark.parametrize("program", named(PROGRAMS + OUTPUTS))

NARROW = generic()  # which has vectors of 128 bits everywhere


# --- how it looks -----------------------------------------------------------------------------------------------------------------------


def test_a_neuron_over_three_samples() -> None:
    random.seed(1)
    neuron = Neuron(2)
    samples = [[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]]
    loss = sum(neuron(x) for x in samples)
    assert listing(chainrule.compile(loss, target=NARROW).program, times=False) == NEURON


def test_a_network_of_two_layers_and_a_mean_over_the_batch() -> None:
    random.seed(1)
    model = MLP(3, [4, 1])

    @chainrule.compile(batch="mean", target=NARROW)
    def loss(x: list[Value], y: Value) -> Value:
        return (model(x) - y) ** 2

    loss(np.zeros((5, 3)), np.zeros(5))
    assert listing(loss.program, times=False) == NETWORK


def test_layers_that_repeat_are_a_loop() -> None:
    random.seed(1)
    model = MLP(4, [4] * 8 + [1])
    text = listing(chainrule.compile(model([1.0, 2.0, 3.0, 4.0]), target=NARROW).program)
    assert "for t in 0.." in text
    assert re.search(r"layers\.\(\d?\+?t\)\.w\[i, j\] \* v\(\d+\+\dt\)\[j\]", text), text


def test_lookups_and_convolutions_have_a_notation_of_their_own() -> None:
    rng = random.Random(1)
    rows = [[Value(rng.gauss(0, 1), label=f"E.{i}.{j}") for j in range(4)] for i in range(5)]
    kernel = [Value(rng.gauss(0, 1), label=f"w{i}") for i in range(3)]

    @chainrule.compile
    def embedded(tokens: list[Value]) -> Value:
        return sum(chainrule.take([row[j] for row in rows], t).tanh() for t in tokens for j in range(4))

    @chainrule.compile
    def convolved(x: list[Value]) -> Value:
        return sum(sum(w * x[2 * i + k] for k, w in enumerate(kernel)).tanh() for i in range(6))

    embedded(np.array([1, 0, 3]))
    convolved(np.zeros(20))
    assert re.search(r"E\[j, \w+\[i\]\]", str(embedded.program)), str(embedded.program)
    assert re.search(r"sum_j w\[j\] \* \w+\[2\*i \+ j\]", str(convolved.program)), str(convolved.program)


def test_a_largest_is_a_max() -> None:
    scores = [[Value(float(i * j % 5)) for j in range(4)] for i in range(6)]
    loss = sum(chainrule.logsumexp(row) for row in scores)
    assert re.search(r"finite\(max_j W1\[i, j\]\)", listing(chainrule.compile(loss).program))


def test_a_program_is_listed_before_it_has_run() -> None:
    compiled = chainrule.compile(batch=None)(lambda x: x.exp())
    program = compiled.trace(np.zeros(3)).program
    before = dict(program.seconds)
    assert "exp(" in str(program)
    assert program.seconds == before
    assert "LLVM" not in str(program)
    compiled(np.zeros(3))
    assert "LLVM" in str(program)


def test_a_long_program_is_cut_short() -> None:
    random.seed(3)
    x = [Value(float(k)) for k in range(300)]
    total = sum(
        random.choice([a * b, a.exp() / b, (a - b).tanh(), a.sin() * b.cos()]) * float(k) for k, (a, b) in enumerate(itertools.pairwise(x))
    )
    text = listing(chainrule.compile(total * x[0]).program)
    assert len(text.splitlines()) < 220


# --- for every program ------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@every_program
def test_the_same_program_has_the_same_text(program: Program) -> None:
    first, second = (listing(one, times=False) for one in (traced(program), traced.__wrapped__(program)))
    assert first == second
    assert max(map(len, first.splitlines())) < 1000


@pytest.mark.slow
@every_program
def test_every_letter_is_explained(program: Program) -> None:
    text = listing(traced(program), times=False)
    body, notes = text.split("\n\nforward\n")[1].split("\n\nnotation\n")
    outer: list[tuple[int, set[str]]] = []
    for line in body.splitlines():
        indent = len(line) - len(line.lstrip())
        outer = [(depth, letters) for depth, letters in outer if depth < indent]
        declared = set(re.findall(r"\b([a-z]\d*)(?: < \d+)", line)) | set(re.findall(r"(?:  |, |for )(n)(?:,|:|$)", line))
        if line.lstrip().startswith("for "):
            outer.append((indent, declared | set(re.findall(r"for (t) in", line))))
        statement = re.sub(r"(\s{2,}|, )[a-z]\d* < .*|\s{2,}n(,.*)?$|\s{2,}beside.*", "", line.strip())
        used = {letter for place in re.findall(r"\[([^\[\]]*)\]", statement) for letter in re.findall(r"\b([i-z])\b", place)}
        used |= set(re.findall(r"\b(?:sum|max)_(\w)\b", statement)) | set(re.findall(r"\(\d*[+-]?\d*(t)\)", statement))
        known = declared.union(*(letters for _, letters in outer))
        assert used <= known, f"{line}\nuses {used - known}"
    for mark, note in (
        ("sum_", "sum_k"),
        ("max_", "max_k"),
        ("let ", "let"),
        (".flat[", "w.flat"),
        ("beside ", "beside"),
        ("seed", "seed"),
    ):
        if re.search(rf"(?<!\w){re.escape(mark)}" if mark[0].isalpha() else re.escape(mark), body):
            assert note in notes, f"{mark} is not explained"


@pytest.mark.slow
@every_program
def test_indices_are_the_places_that_are_read(program: Program) -> None:
    """What is written between brackets, worked out, is the address that the statement has."""
    view = View(traced(program))
    rng = random.Random(2)
    checked = 0
    for group in rng.sample(view.groups, min(60, len(view.groups))):
        for statement in group.statements:
            for access in statement.accesses():
                letters = [f"a{axis}" for axis in range(len(statement.sizes))]
                array, base, terms = reached(view.arrays, [access], statement.sizes, letters)
                if access.lookup is not None:
                    continue
                text = place_text(array, base, terms)
                point = [rng.randrange(3 if size == BATCH else size) for size in statement.sizes]
                places = dict(zip(letters, point, strict=True))
                index = (
                    [eval(part, {}, {**places, "n": 0}) for part in re.findall(r"\[(.*)\]", text)[-1].split(", ")] if "[" in text else []
                )
                index = index[1:] if array.buffer.per_sample else index
                if ".flat" not in text:
                    assert all(0 <= i < size for i, size in zip(index, array.shape, strict=True)), text
                flat = index[0] if ".flat" in text else int(np.ravel_multi_index(index, array.shape)) if index else 0
                steps = zip(point, access.strides, statement.sizes, strict=True)
                assert array.begin + flat == access.base + sum(i * stride for i, stride, size in steps if size != BATCH), text
                checked += 1
    assert checked > 0


NEURON = """\
25 nodes -> 4 statements forward, 4 backward -> 5 groups, 0 loops
float64, 2 numbers to a vector; arrays of 160 bytes

arrays
  parameters  w[2], b
  constants   c0[3, 2] = 1, 2, 3, -1, …
  values      v3[3]
  results     output

forward
  v3[i] = b + sum_j w[j] * c0[i, j]       i < 3, j < 2
  output = sum_i relu(v3[i])              i < 3

backward
  dv5 = 1                                    beside output
  dv3[i] = where(relu(v3[i]) > 0, dv5, 0)    i < 3
  dw[i] = sum_j dv3[j] * c0[j, i]            i < 2, j < 3
  db = sum_i dv3[i]                          i < 3

notation
  i < 16        for i = 0, 1, ..., 15
  sum_k         the sum over all k
  beside v3     in the same pass as v3
  dv3           the derivative of the loss with respect to v3"""

NETWORK = """\
52 nodes -> 8 statements forward, 8 backward -> 9 groups, 0 loops
float64, 2 numbers to a vector; arrays of 352 bytes, and 112 for each sample

arrays
  parameters  layers.0.b[4], layers.0.w[4, 3], layers.1.w[4], layers.1.b
  inputs      x[n, 3], y[n], seed
  values      v4[n, 4]
  results     loss, output[n]

forward
  once, before the samples:
    loss = 0
  for all samples n:
    v4[n, i] = layers.0.b[i] + sum_j layers.0.w[i, j] * x[n, j]            n, i < 4, j < 3
    for n:
      let v7 = layers.1.b - y[n] + sum_i layers.1.w[i] * relu(v4[n, i])    i < 4
      output[n] = v7**2
    loss += sum_n output[n] * seed                                         n

backward
  once, before the samples:
    dparameters[i] = 0                                                  i < 21
  for all samples n:
    dv7[n] = 2 * seed * v7                                              n, beside v7
    dlayers.1.b += sum_n dv7[n]                                         n, beside loss
    dv4[n, i] = where(relu(v4[n, i]) > 0, dv7[n] * layers.1.w[i], 0)    n, i < 4
    dlayers.1.w[i] += sum_n dv7[n] * relu(v4[n, i])                     i < 4, n
    dlayers.0.w[i, j] += sum_n dv4[n, i] * x[n, j]                      i < 4, j < 3, n
    dlayers.0.b[i] += sum_n dv4[n, i]                                   i < 4, n

notation
  i < 16        for i = 0, 1, ..., 15
  n             counts the samples
  sum_k         the sum over all k
  let           a number that stays in a register: it has no array
  beside v3     in the same pass as v3
  dv3           the derivative of the loss with respect to v3
  seed          the derivative of the result with respect to the loss of one sample"""
