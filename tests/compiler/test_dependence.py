"""The dependence tests are conservative: what they call apart never meets, and what they call the same point is."""

from __future__ import annotations

import random
from itertools import product

import numpy as np

from chainrule.compiler.ir.expressions import Access, Buffer, Load, Lookup
from chainrule.compiler.ir.statements import Statement
from chainrule.compiler.transform.dependence import LOADED, STORED, Reach, at_same_point, may_meet, reaches

ADDRESSES = {"x": 0, "y": 100}


def drawn(rng: random.Random, buffer: Buffer) -> tuple[tuple[int, ...], Access, int]:
    """Sizes of axes, an access in the first iteration of a loop, and how much further on it is in each."""
    sizes = tuple(rng.randint(1, 4) for _ in range(rng.randint(0, 2)))
    strides = tuple(rng.choice([0, 1, -1, 2, 3, 4, -3]) for _ in sizes)
    return sizes, Access(buffer, rng.randint(20, 40), strides), rng.choice([0, 0, 1, -1, 2, -2, 3, 4])


def reach(sizes: tuple[int, ...], access: Access, advance: int, how: int) -> Reach:
    moved = access._replace(base=access.base + advance)
    store = Access(Buffer("other", 1, "value"), 0, (0,) * len(sizes))
    if how == STORED:
        return reaches([Statement(sizes, one, Load(store)) for one in (access, moved)], address)[0]
    return reaches([Statement(sizes, store, Load(one)) for one in (access, moved)], address)[1]


def address(buffer: Buffer) -> tuple[object, int]:
    return "arena", ADDRESSES.get(buffer.name, 1000)


def places(sizes: tuple[int, ...], access: Access, advance: int, t: int) -> list[int]:
    """Where an access is at every point, one after another."""
    return [access.base + advance * t + int(np.dot(point, access.strides)) for point in product(*map(range, sizes))]


def test_accesses_that_are_called_apart_never_meet() -> None:
    rng, buffer = random.Random(1), Buffer("x", 100, "value")
    apart = precise = 0
    for _ in range(2000):
        one, other = drawn(rng, buffer), drawn(rng, buffer)
        count = rng.randint(1, 6)
        met = any(set(places(*one, t)) & set(places(*other, t)) for t in range(count))
        found = may_meet(reach(*one, STORED), reach(*other, rng.choice([STORED, LOADED])), count)
        assert found or not met, (one, other, count)
        apart += not met
        precise += not found
    assert precise > 0.7 * apart  # and most of those that are apart are called so


def test_single_places_are_compared_exactly() -> None:
    rng, buffer = random.Random(2), Buffer("x", 100, "value")
    for _ in range(500):
        (one, a), (other, b) = ((Access(buffer, rng.randint(20, 40), ()), rng.randint(-3, 3)) for _ in range(2))
        count = rng.randint(1, 6)
        met = any(one.base + a * t == other.base + b * t for t in range(count))
        assert may_meet(reach((), one, a, STORED), reach((), other, b, LOADED), count) == met


def test_what_is_called_the_same_point_is_the_same_in_every_iteration() -> None:
    rng, buffer = random.Random(3), Buffer("x", 100, "value")
    same = 0
    for _ in range(5000):
        sizes = (rng.randint(2, 3),)
        (_, one, a), (_, other, b) = drawn(rng, buffer), drawn(rng, buffer)
        one, other = (access._replace(base=rng.choice([20, 21]), strides=(rng.choice([1, 2]),)) for access in (one, other))
        is_same = all(places(sizes, one, a, t) == places(sizes, other, b, t) for t in range(4))
        assert at_same_point(reach(sizes, one, a, STORED), reach(sizes, other, b, LOADED), 1) == is_same
        same += is_same
    assert same > 30


def test_what_is_looked_up_may_be_anywhere_in_its_buffer_and_in_none_beside_it() -> None:
    x, y, index = Buffer("x", 100, "value"), Buffer("y", 10, "value"), Buffer("index", 3, "input")
    looked_up = Statement((3,), Access(Buffer("out", 3, "value"), 0, (1,)), Load(Access(x, 5, (0,), Lookup(index, 0, (1,)))))
    _, load, offset = reaches([looked_up], address)
    (_, inside), (_, beside) = (
        reaches([Statement((), Access(Buffer("z", 1, "value"), 0, ()), Load(Access(b, 0, ())))], address) for b in (x, y)
    )
    assert may_meet(load, inside._replace(how=STORED), 1)
    assert not may_meet(load, beside._replace(how=STORED), 1)
    assert not at_same_point(load, load, 1)
    assert offset.space == "arena"


def test_two_loads_do_not_hinder_each_other() -> None:
    buffer = Buffer("x", 100, "value")
    load = reach((3,), Access(buffer, 20, (1,)), 1, LOADED)
    assert not may_meet(load, load, 3)
