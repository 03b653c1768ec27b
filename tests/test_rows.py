"""To add an operation is to add one row: a copy of the package gets a row that nobody has heard of, and can do all with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule

ROWS = """
gompertz: Primitive = Primitive(
    "gompertz",
    lambda a, b: math.exp(-b * math.exp(-a)),
    lambda a, b, out: out * b * exp(-a),
    lambda a, b, out: -out * exp(-a),
    text="`exp(-rate * exp(-x))`, a curve of growth.",
    operands=("x", "rate"),
    defaults=(1.0,),
    aliases=("gompertz_curve",),
    expansion=lambda a, b: exp(-b * exp(-a)),
)
opaque: Primitive = Primitive("opaque", lambda a: 2.0 * a, lambda a, out: 2.0, text="Twice `x`.")
"""
PROGRAM = """
import math
import warnings
import chainrule
from chainrule import *
from chainrule.engine import ENGINE
from chainrule.expressions import parse

assert ENGINE == {engine!r} and chainrule.__file__.startswith({home!r}), (ENGINE, chainrule.__file__)
number = math.exp(-0.5 * math.exp(-0.3))
x, rate = Value(0.3, label="x"), Value(0.5, label="rate")
out = gompertz(x, rate)
assert (out.data, out._op, gompertz(0.3, 0.5)) == (number, "gompertz", number)
assert x.gompertz(rate=0.5).data == x.gompertz_curve(0.5).data == number
assert x.gompertz().data == gompertz(0.3)
assert "gompertz" in chainrule.__all__ and "opaque" in chainrule.__all__
assert gompertz.__doc__ == "`exp(-rate * exp(-x))`, a curve of growth."
assert Value.gompertz.__doc__ == "`exp(-rate * exp(-self))`, a curve of growth."
out.backward()
assert math.isclose(x.grad, number * 0.5 * math.exp(-0.3)) and math.isclose(rate.grad, -number * math.exp(-0.3))
assert math.isclose(grad(grad(out, x), x).data, x.grad * (0.5 * math.exp(-0.3) - 1.0))
assert check_gradients(lambda x, rate: gompertz(x, rate), [0.3, 0.5])
assert parse("gompertz(a, 0.5) + a.gompertz()", {{"a": 0.3}}).data == number + gompertz(0.3)
assert "gompertz(x, rate)" in str(explain(out))
dot = draw(out).dot
assert "gompertz" in dot and "1st" in dot, dot
compiled = chainrule.compile(lambda x, rate: gompertz(x, rate) * 2.0)
loss, slopes = compiled.value_and_grad(0.3, 0.5)
assert math.isclose(loss, 2.0 * number) and math.isclose(slopes[0], 2.0 * x.grad) and math.isclose(slopes[1], 2.0 * rate.grad)
assert "gompertz(x, rate)" in str(compiled.program), compiled.program
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert chainrule.compile(lambda x: opaque(x) + 1.0)(Value(2.0)).data == 5.0
(warning,) = caught
assert "no code for the operation 'opaque'" in str(warning.message), warning.message
print("all done")
"""


@pytest.mark.parametrize("asked", ["python", "c"])
def test_a_new_row_is_all_that_a_new_operation_takes(asked: str, tmp_path: Path) -> None:
    from chainrule import engine

    if asked == "c" and engine.ENGINE != "c":
        pytest.skip("there is no C engine here")
    home = Path(chainrule.__file__).parent
    shutil.copytree(home, tmp_path / "chainrule", ignore=shutil.ignore_patterns("course", "__pycache__"))
    table = tmp_path / "chainrule" / "primitives.py"
    text = table.read_text(encoding="utf-8")
    begin = text.index("PRIMITIVES: dict[str, Primitive] =")
    table.write_text(text[:begin] + ROWS + "\n" + text[begin:], encoding="utf-8")
    program = PROGRAM.format(engine=asked, home=str(tmp_path))
    environment = {"PYTHONPATH": str(tmp_path), "CHAINRULE_ENGINE": asked}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120, check=False
    )
    assert done.stdout == "all done\n", done.stderr
