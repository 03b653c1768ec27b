"""The operations in C are written from the rows of primitives.py: which of them can be, and that they are the same to the last bit."""

from __future__ import annotations

import itertools
import math
import random
import runpy
import shutil
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import chainrule
from chainrule import updates
from chainrule.primitives import PRIMITIVES
from chainrule.row import Primitive

PACKAGE = Path(chainrule.__file__).parent
WRITER = PACKAGE / "value_c" / "write_rows.py"

EDGES = [0.0, -0.0, 1e-310, 0.3, -0.3, 1.0, -1.0, 1.99, 2.0, -2.0, 3.5, -40.0, 710.0, -745.2, 1e17, -1e308, math.inf, -math.inf, math.nan]


@pytest.fixture(scope="module")
def writer() -> dict[str, Any]:
    """The names of write_rows.py."""
    if not WRITER.exists():
        pytest.skip("the sources of the C engine are not installed")
    return runpy.run_path(str(WRITER))


def bits(x: float) -> bytes:
    return b"nan" if math.isnan(x) else struct.pack("d", x)


def numbers_of(engine: ModuleType, row: Primitive, operands: list[float], *, parameter: bool) -> list[bytes]:
    """The result and the gradients of one node, with `parameter` of one to which the second number belongs."""
    leaves = [engine.Value(x) for x in operands]
    given: list[Any] = [*leaves]
    if parameter:
        given[1] = operands[1]
    node = leaves[0]._apply(row, tuple(given))
    node.backward()
    return [bits(node.data), *[bits(leaf.grad) for leaf in leaves]]


@pytest.mark.parametrize("row", [row for row in PRIMITIVES.values() if row.arity], ids=lambda row: row.name)
def test_results_and_gradients_are_the_same_to_the_last_bit(row: Primitive, engine: ModuleType) -> None:
    rng = random.Random(row.name)
    points = [list(point) for point in itertools.product(EDGES, repeat=min(row.arity, 2))]
    points += [[rng.gauss(0.0, 3.0) for _ in range(2)] for _ in range(200)]
    for point in points:
        operands = [*point, rng.choice(EDGES)][: row.arity]
        for parameter in (False, True) if row.parametric else (False,):
            expected = numbers_of(chainrule.value, row, operands, parameter=parameter)
            assert numbers_of(engine, row, operands, parameter=parameter) == expected, operands


def test_rows_that_need_no_python_are_in_c(writer: dict[str, Any]) -> None:
    rows, reasons = writer["rows_of"](writer["loaded"](PACKAGE / "primitives.py"))
    names = {row.name for row in rows}
    assert {"add", "multiply", "divide", "power", "exp", "log", "tanh", "sigmoid", "relu", "sin", "erf", "select", "gelu", "elu"} <= names
    assert not names & set(reasons)
    assert "math.hypot is not known" in reasons["hypot"]  # Python has an algorithm of its own


TABLE = """
def _tried(a):
    try:
        return math.gamma(a)
    except ValueError:
        return math.nan

def _until(a):
    while a < 100.0:
        a = a + 1.0
    return a

def _ramp(a):
    return 0.0 if a < 0.0 else a if a < 1.0 else 1.0

tried = Primitive("tried", _tried, lambda a, out: out)
until = Primitive("until", _until, lambda a, out: 1.0)
powered = Primitive("powered", lambda a: a ** 3.0, lambda a, out: 3.0)
ramp = Primitive("ramp", _ramp, lambda a, out: ramp(a) * math.exp(-a), choices=(0,))
constant = Primitive("constant", lambda a: 1.0, zero)
sought = Primitive("sought", lambda a: {2.0: 5.0}.get(a, 1.0), zero)
"""


def test_what_cannot_be_written_is_left_to_python(writer: dict[str, Any], tmp_path: Path) -> None:
    for module in PACKAGE.glob("*.py"):
        shutil.copy(module, tmp_path)
    source = tmp_path / "primitives.py"
    before = writer["rows_of"](writer["loaded"](source))
    source.write_text(source.read_text(encoding="utf-8") + TABLE, encoding="utf-8")
    rows, reasons = writer["rows_of"](writer["loaded"](source))
    found = {row.name: row for row in rows}
    assert set(found) == {row.name for row in before[0]} | {"ramp", "constant"}
    assert set(reasons) == set(before[1]) | {"tried", "until", "powered", "sought"}
    assert reasons["tried"] == "in _tried an exception decides"
    assert "no fixed length" in reasons["until"]
    assert reasons["sought"] == "it looks a number up, in a dict or a set"
    assert found["ramp"].functions == [
        "static inline double forward_ramp(double a) {\n    if (a < 0.0) {\n        return 0.0;\n    }\n"
        "    if (a < 1.0) {\n        return a;\n    }\n    return 1.0;\n}",
        "static inline double partial_ramp_0(double a) {\n    const double t1 = forward_ramp(a);\n    const double t2 = exp(-a);\n"
        "    return t1 * t2;\n}",
    ]
    assert found["ramp"].shares == ["CHOOSE(a, partial_ramp_0(a))"]
    assert found["constant"].shares == [None]


def test_a_row_that_is_added_while_the_program_runs(engine: ModuleType) -> None:
    cube = Primitive("cube", lambda a: a * a * a, lambda a, out: 3.0 * a * a)
    x = engine.Value(2.0)
    y = x._apply(cube, (x,))
    y.backward()
    assert (y.data, x.grad, y._op) == (8.0, 12.0, "cube")


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_the_rules_of_optimisers_are_one(rule: str, maximize: bool, engine: ModuleType) -> None:
    rng = random.Random(7)
    for _ in range(50):
        p, g, m, v, largest = rng.gauss(0, 1), rng.gauss(0, 1), rng.gauss(0, 1), rng.random(), rng.random()
        weight_decay, flag = rng.choice([0.0, 0.1]), rng.random() < 0.5
        node = engine.Value(p)
        node.grad = g
        buffers = [chainrule.optim.array("d", [x]) for x in (m, v, largest)]
        if rule == "sgd":
            momentum = rng.choice([0.0, 0.9])
            engine.sgd_step([node], buffers[0], 0.1, momentum, 0.0, weight_decay, flag, maximize, False)
            expected = updates.sgd(0.1, momentum, momentum, 1.0, weight_decay, flag, maximize, False)(p, g, m)
            found = (node.data, buffers[0][0])
        else:
            options = 0.1, 0.7, 0.9, 0.99, 1e-8, weight_decay, rng.choice([1.0, 0.97])
            engine.adam_step([node], buffers[0], buffers[1], buffers[2] if flag else None, *options, maximize)
            expected = updates.adam(*options, maximize, flag)(p, g, m, v, largest)
            found = (node.data, *[buffer[0] for buffer in buffers])
        assert found == expected
