"""Of which class results are, and that a subclass is as light as Value."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from chainrule import sigmoid


def classes(V: Any) -> dict[str, tuple[type, bool]]:
    """Subclasses, and whether results are of them."""

    class Named(V):
        pass

    class Slotted(V):
        __slots__ = ()

    class Same(V):
        def __init__(self, data, _children=(), _op="", label=""):
            super().__init__(data, _children, _op, label)

    class Microgpt(V):
        def __init__(self, data, children=(), local_grads=()):
            super().__init__(data, children, local_grads)

    class Passing(V):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

    class Weight(V):
        def __init__(self, data, decay=0.1):
            super().__init__(data)
            self.decay = decay

    class Asking(V):
        def __init__(self, data, name):
            super().__init__(data, label=name)

    class Bare(V):
        def __init__(self):
            super().__init__(1.0)

    extend = {kind.__name__: (kind, True) for kind in (Named, Slotted, Same, Microgpt, Passing)}
    return extend | {kind.__name__: (kind, False) for kind in (Weight, Asking, Bare)}


NAMES = ["Named", "Slotted", "Same", "Microgpt", "Passing", "Weight", "Asking", "Bare"]


def made(kind: type) -> Any:
    return kind() if kind.__name__ == "Bare" else kind(2.0, "name") if kind.__name__ == "Asking" else kind(2.0)


@pytest.mark.parametrize("name", NAMES)
def test_results_are_of_a_class_that_is_made_as_value_is(name: str, Value: type) -> None:
    kind, extends = classes(Value)[name]
    x, y = made(kind), Value(3.0)
    expected = kind if extends else Value
    results = [
        x + y,
        y + x,
        x + x,
        x * 2.0,
        2.0 * x,
        x - y,
        y / x,
        -x,
        x**2,
        2**x,
        x.tanh(),
        x.sin(),
        x.maximum(y),
        sigmoid(x),
        sum([x, y]),
    ]
    assert {type(out) for out in results} == {expected}
    total = sum(results)
    total.backward()
    assert x.grad != 0.0


def test_the_nearest_class_that_can_be_made_is_taken(Value: type) -> None:
    class Mine(Value):  # type: ignore[misc,valid-type]
        pass

    class Weight(Mine):
        def __init__(self, data: float, decay: float) -> None:
            super().__init__(data)
            self.decay = decay

    w = Weight(2.0, 0.1)
    assert {type(out) for out in (w * 2.0, w + Value(1.0), Value(1.0) + w, w.exp(), w * w, w + Mine(1.0))} == {Mine}
    assert w.decay == 0.1


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if number % 3 else []) for number, name in enumerate(NAMES)])
def test_objects_of_a_subclass_die_with_their_last_reference(name: str, Value: type) -> None:
    kind, _ = classes(Value)[name]
    gc.collect()
    died = []

    class Told:
        def __del__(self) -> None:
            died.append(1)

    def use() -> None:
        x = made(kind)
        x.told = Told()
        y = x
        for _ in range(50_000):
            y = y * 1.0 + x
        y.backward()

    gc.disable()
    try:
        use()
        assert died == [1]
    finally:
        gc.enable()
    x = made(kind)
    x.itself, x.told = [x], Told()
    y = x * 2.0
    y.told, y.leads = Told(), {"x": x}
    x.leads = [y]
    del x, y
    gc.collect()
    assert died == [1, 1, 1]


def test_weak_references_and_finalizers_work(Value: type) -> None:
    class Finalized(Value):  # type: ignore[misc,valid-type]
        ended = 0

        def __del__(self) -> None:
            type(self).ended += 1

    class Weak(Value):  # type: ignore[misc,valid-type]
        pass

    class Derived(Weak):
        __slots__ = ("extra",)

    x = Finalized(1.0)
    y = x * 2.0 + x
    del x, y
    gc.collect()
    assert Finalized.ended == 3
    for kind in (Weak, Derived):
        x = kind(1.0)
        seen = weakref.ref(x)
        again = weakref.ref(x * 2.0)
        assert (seen(), again()) == (x, None)
        del x
        assert seen() is None
    Weak.__del__ = lambda self: Finalized(1.0)
    Weak(1.0)
    assert Finalized.ended == 4
