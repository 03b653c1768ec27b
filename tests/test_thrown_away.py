"""backward() warns when it throws away what another result left and nobody has looked at; else it is silent."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import chainrule
from chainrule import MLP, SGD, GradientWarning


def samples(V: Any) -> None:
    w = V(1.0)
    w.grad = 0
    for x in (1.0, 2.0, 4.0):
        (w * x).backward()


def two_losses(V: Any) -> None:
    a, b, c = V(1.0), V(2.0), V(3.0)
    (a * b).backward()
    (b * c).backward()


def accumulated_and_lost(V: Any) -> None:
    w = V(1.0)
    (w * 2.0).backward(accumulate=True)
    (w * 3.0).backward()


def by_hand(V: Any) -> None:
    w = V(1.0)
    for slope in (2.0, 3.0):
        V(1.0, (w,), (slope,)).backward()


@pytest.mark.parametrize("program", [samples, two_losses, accumulated_and_lost, by_hand])
def test_it_warns_once_at_the_line(program: Callable[[Any], None], Value: type) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program(Value)
    assert [warning.category for warning in caught] == [GradientWarning]
    assert "accumulate=True" in str(caught[0].message)
    assert "chainrule.micrograd" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_it_warns_again_when_one_has_been_read_since(Value: type) -> None:
    w = Value(1.0)
    for _ in range(2):
        w.grad = 0.0
        (w * 2.0).backward()
        with pytest.warns(GradientWarning):
            (w * 3.0).backward()
        assert w.grad == 3.0


def silent(V: Any) -> dict[str, Callable[[], None]]:
    a, b, x = V(1.0), V(2.0), V(3.0)

    def twice() -> None:
        total = a * b
        total.backward()
        total.backward()

    def others() -> None:
        (a * 2.0).backward()
        (b * 2.0).backward()

    def read() -> None:
        for _ in range(3):
            (a * x).backward()
            a.data -= 0.1 * a.grad

    def printed() -> None:
        (a * x).backward()
        repr(a)
        (a * x).backward()

    def added() -> None:
        for _ in range(3):
            (a * x).backward(accumulate=True)

    def of_no_effect() -> None:
        (a * 0.0).backward()
        (a * 2.0).backward()

    def alone() -> None:
        (a * 2.0).backward()
        a.grad = 0.0
        (a * 2.0).backward()

    return {f.__name__: f for f in (twice, others, read, printed, added, of_no_effect, alone)}


@pytest.mark.parametrize("name", ["twice", "others", "read", "printed", "added", "of_no_effect", "alone"])
def test_it_is_silent_where_nothing_is_lost(name: str, Value: type) -> None:
    Value(1.0).grad = 0.0
    silent(Value)[name]()


def test_two_networks_that_train_against_each_other(engine: ModuleType) -> None:
    generator, critic = (MLP(1, [2, 1], activation=lambda v: v.tanh()) for _ in range(2))
    steps = [SGD(net.parameters(), lr=0.01) for net in (critic, generator)]
    for _ in range(2):  # each steps before the next loss: nothing is lost
        for loss, optimizer in zip((lambda: critic([generator([1.0])]), lambda: -critic([generator([1.0])])), steps, strict=True):
            loss().backward()
            optimizer.step()
    critic([generator([1.0])]).backward()
    with pytest.warns(GradientWarning):
        (-critic([generator([1.0])])).backward()


def test_a_compiled_loss_warns_too() -> None:
    pytest.importorskip("llvmlite")
    w = [chainrule.Value(float(i)) for i in range(8)]
    loss = chainrule.compile(lambda x: sum(wi * xi for wi, xi in zip(w, x, strict=True)))
    w[0].grad = 0.0
    loss([1.0] * 8).backward()
    with pytest.warns(GradientWarning):
        loss([2.0] * 8).backward()
    assert w[0].grad == 2.0
