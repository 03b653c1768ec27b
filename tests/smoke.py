"""A check of an installation by itself, without pytest: `python tests/smoke.py ENGINE`, where ENGINE is the one that should run."""

from __future__ import annotations

import sys

import chainrule
from chainrule import MLP, Value, dot
from chainrule.engine import ENGINE, REASON


def main(expected: str) -> None:
    if expected != ENGINE:
        raise SystemExit(f"the {ENGINE} engine runs, because {REASON}; expected {expected}")
    a, b = Value(2.0), Value(-3.0)
    total = (a * b + 10).tanh() + dot([a, 1.5], [b, a], 0.5) + a**2 / b - abs(b).log()
    total.backward()
    if (total.data, a.grad) != (-3.9326163222623762, -2.8373561853824105):
        raise SystemExit(f"wrong numbers: {total.data!r}, {a.grad!r}")
    model = MLP(2, [4, 1])
    (model([1.0, 2.0]) ** 2).backward()
    print(f"chainrule {chainrule.__version__}: the {ENGINE} engine runs, because {REASON}")


if __name__ == "__main__":
    main(*sys.argv[1:])
