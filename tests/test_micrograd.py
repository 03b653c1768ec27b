"""chainrule.micrograd against micrograd itself: the same numbers, however often backward() is called, and the same texts."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
import chainrule.micrograd.nn
from chainrule import GradientWarning, compile, grad
from chainrule.micrograd import MLP, Value

oracle = pytest.importorskip("micrograd.engine")
networks = pytest.importorskip("micrograd.nn")

OPERATIONS = [
    lambda a, b, k: a + b,
    lambda a, b, k: a * b,
    lambda a, b, k: a - b,
    lambda a, b, k: -a,
    lambda a, b, k: a.relu(),
    lambda a, b, k: a**2,
    lambda a, b, k: a + k,
    lambda a, b, k: k - a,
    lambda a, b, k: a / 4,
    lambda a, b, k: k * a,
    lambda a, b, k: a - k,
    lambda a, b, k: 2 / (b * b + 2) if b.data in (0, 1.0) else a,
]
STEPS = st.lists(st.tuples(st.integers(0, 11), st.integers(0), st.integers(0), st.integers(-3, 3), st.booleans()), min_size=1, max_size=14)


def run(V: Any, leaves: list[int], steps: list[Any]) -> list[Any]:
    """All nodes after a random program, in which backward() is called here and there; they are exact, so that their order is free."""
    nodes = [V(x / 4) for x in leaves]
    for which, a, b, k, sweeps in steps:
        node = OPERATIONS[which](nodes[a % len(nodes)], nodes[b % len(nodes)], k)
        nodes.append(node * 2**-10 if abs(node.data) > 100 else node)
        if sweeps:
            nodes[b % len(nodes)].backward()
    for _ in range(2):
        nodes[-1].backward()
    return nodes


def numbers(nodes: list[Any]) -> list[tuple[float, float]]:
    return [(node.data, node.grad) for node in nodes]


@given(leaves=st.lists(st.integers(-8, 8), min_size=1, max_size=4), steps=STEPS)
def test_every_number_is_micrograds(leaves: list[int], steps: list[Any]) -> None:
    assert numbers(run(Value, leaves, steps)) == numbers(run(oracle.Value, leaves, steps))


@given(
    leaves=st.lists(st.integers(-8, 8), min_size=1, max_size=3),
    steps=STEPS,
    changes=st.lists(st.tuples(st.integers(0), st.integers(-8, 8)), min_size=1, max_size=3),
)
def test_every_number_is_micrograds_after_a_number_was_changed(leaves: list[int], steps: list[Any], changes: list[Any]) -> None:
    found = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", GradientWarning)
        for V in (Value, oracle.Value):
            nodes = run(V, leaves, steps)
            for which, number in changes:
                nodes[which % len(leaves)].data = number / 4
            nodes[-1].backward()
            found.append(numbers(nodes))
    assert found[0] == found[1]
    assert all(str(warning.message).startswith(("a number was changed after ", "the result of ")) for warning in told)


def test_a_number_that_was_changed_is_told() -> None:
    w = Value(0.5, label="w")
    loss = w * 2.0 * w
    loss.backward()
    w.data -= 0.1 * w.grad
    with pytest.warns(
        GradientWarning, match=r"^a number was changed after the result of '\*' was computed from it, and before backward\(\)"
    ):
        loss.backward()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = w.grad
        with pytest.raises(GradientWarning):
            loss.backward()
        assert w.grad == before
        with pytest.raises(chainrule.ChangedNumberError):
            grad(loss, w)
        loss = w * 2.0 * w
        loss.backward()


def test_the_same_on_the_other_engine() -> None:
    if chainrule.engine.ENGINE == "python":
        pytest.skip("this is it")
    code = "import sys; import pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', sys.argv[1], '-k', 'not other_engine']))"
    environment = {**os.environ, "CHAINRULE_ENGINE": "python"}
    done = subprocess.run([sys.executable, "-c", code, __file__], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_quotients_are_rounded_as_there() -> None:
    for a, b in ((1.0, 3.0), (7.3, 0.7), (0.1, 49.0)):
        quotients = [[(V(a) / V(b)).data, (a / V(b)).data, (V(a) / b).data] for V in (Value, oracle.Value)]
        assert quotients[0] == quotients[1]


def test_networks_are_micrograds() -> None:
    models = []
    for nn in (networks, chainrule.micrograd.nn):
        random.seed(1337)
        models.append(nn.MLP(2, [4, 3, 1]))
    theirs, ours = models
    assert repr(ours) == repr(theirs)
    for _ in range(3):
        for model in models:
            score = model([0.5, -1.0])
            (score * score + score.relu()).backward()
        assert [p.grad for p in ours.parameters()] == pytest.approx([p.grad for p in theirs.parameters()], rel=1e-12)
    for model in models:
        model.zero_grad()
    assert [(p.data, p.grad) for p in ours.parameters()] == [(p.data, p.grad) for p in theirs.parameters()]
    assert [name for name, _ in ours.named_parameters()][:2] == ["layers.0.neurons.0.w.0", "layers.0.neurons.0.w.1"]


def test_texts_and_types() -> None:
    for number in (2.0, 2, -0.5):
        assert repr(Value(number)) == repr(oracle.Value(number))
    v = Value(2)
    assert ["a", "b", "c"][v.data] == "c"
    assert {type(out) for out in (v + 1, 1 - v, v / 3, 1 / v, -v, v**2, v.relu(), v.tanh(), chainrule.dot([v], [2.0]))} == {Value}
    assert grad(v * v, v).data == 4.0


def test_gradients_add_up_without_a_word_where_ours_would_warn() -> None:
    w = Value(1.0)
    for x in (1.0, 2.0, 4.0):
        (w * x).backward()
    assert w.grad == 7.0
    plain = chainrule.Value(1.0)
    (plain * 2.0).backward()
    with pytest.warns(GradientWarning):
        (plain * 3.0).backward()


def test_compiled_functions_add_up_too() -> None:
    pytest.importorskip("llvmlite")
    rng = random.Random(1)
    batches = [([[rng.uniform(-1, 1) for _ in range(2)] for _ in range(6)], [rng.choice([-1.0, 1.0]) for _ in range(6)]) for _ in range(4)]

    def train(compiled: bool) -> list[float]:
        random.seed(3)
        model = MLP(2, [4, 1])

        def loss(points: Any, signs: Any) -> Any:
            return sum((1 - sign * model(point)).relu() for point, sign in zip(points, signs, strict=True))

        step = compile(loss) if compiled else loss
        for number, batch in enumerate(batches):
            step(*batch).backward()
            if number % 2:
                for p in model.parameters():
                    p.data -= 0.1 * p.grad
                model.zero_grad()
        last = step(*batches[0])
        last.backward()
        if compiled:
            with pytest.raises(TypeError, match=r"^backward\(\) was called twice on one result of a compiled function"):
                last.backward()
        return [*(p.data for p in model.parameters()), *(p.grad for p in model.parameters())]

    assert train(compiled=True) == pytest.approx(train(compiled=False), rel=1e-12)
