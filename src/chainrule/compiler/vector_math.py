"""The elementary functions as LLVM IR text, for vectors of any width: self-contained, branch-free, with stated errors.

The text is IR that any target compiles to its own instructions: no call of a C library, nothing that is x86's alone. Its pieces are
`vector_ir` (the notation), `vector_exponential` and `vector_trigonometry` (the algorithms). Only sin, cos and tan have a branch, for
arguments beyond `vector_trigonometry.LARGE`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial

from chainrule.primitives import PRIMITIVES

from . import vector_exponential as exponential
from . import vector_trigonometry as trigonometry
from .vector_ir import Body, Vector, symbol

__all__ = ["FUNCTIONS", "ULP", "declarations", "definitions", "symbol"]

_WRITERS: dict[str, Callable[..., Vector]] = {
    "exp": exponential.exp,
    "expm1": exponential.expm1,
    "log": exponential.log,
    "log1p": exponential.log1p,
    "sqrt": exponential.sqrt,
    "sin": trigonometry.sin,
    "cos": trigonometry.cos,
    "tan": trigonometry.tan,
    "asin": trigonometry.asin,
    "acos": trigonometry.acos,
    "atan": trigonometry.atan,
    "atan2": trigonometry.atan2,
    "hypot": exponential.hypot,
    "sinh": exponential.sinh,
    "cosh": exponential.cosh,
    "tanh": exponential.tanh,
    "tanh_slope": exponential.tanh_slope,
    "erf": exponential.erf,
    "erfc": exponential.erfc,
    "sigmoid": exponential.sigmoid,
    "sigmoid_slope": exponential.sigmoid_slope,
    "softplus": exponential.softplus,
    "silu": exponential.silu,
    "gelu": exponential.gelu,
    "power": exponential.power,
    "floor": exponential.floor,
    "round": exponential.round_half_even,
}
_OUT_OF_LINE: dict[str, Callable[..., Vector]] = {f"large_{name}": partial(trigonometry.large, name=name) for name in ("sin", "cos", "tan")}

_ROWS = {"power" if name == "**" else name: row for name, row in PRIMITIVES.items()}
FUNCTIONS: dict[str, int] = {name: _ROWS[name].arity or 0 for name in _WRITERS}
"""The functions, by name, and how many operands each has. The names are those of `primitives`; `"power"` is `**`."""

ULP: dict[str, tuple[float, float]] = {name: bound for name in _WRITERS if (bound := _ROWS[name].ulp) is not None}
"""The largest error of each function in units in the last place, f64 and f32, with fused multiply-adds and without, as its row says.

What was measured and about a tenth: in f32 at one of 61 of all numbers, in f64 at some 80,000 points of every kind, and no less than in f32
where both compute the same way. It is a bound that the tests keep watch over, not one that was proved.
"""


def _definition(name: str, dtype: str, width: int, *, fma: bool) -> tuple[str, list[tuple[str, str, int]]]:
    """One function's text, and which others it calls."""
    b = Body(dtype, width, fma=fma)
    out_of_line = name in _OUT_OF_LINE
    kind = b.type(b.real)
    operands = [Vector(b, b.real, f"%{letter}") for letter in "xy"[: 1 if out_of_line else FUNCTIONS[name]]]
    result = (_OUT_OF_LINE if out_of_line else _WRITERS)[name](b, *operands)
    signature = f"{kind} {symbol(name, dtype, width)}({', '.join(v.typed for v in operands)})"
    attributes = "noinline cold nounwind" if out_of_line else "alwaysinline nounwind"
    body = "\n".join(line if line.endswith(":") else f"  {line}" for line in b.lines)
    return f"define internal {signature} {attributes} {{\nentry:\n{body}\n  ret {result.typed}\n}}\n", b.calls


def definitions(needed: Iterable[tuple[str, str, int]], *, fma: bool) -> str:
    """Write the functions that a module needs, and those that they call.

    Arguments:
        needed: name, dtype and width of each, duplicates allowed.
        fma: whether the target has a fused multiply-add instruction.

    Returns:
        IR text: each function once, alwaysinline, without the declarations of the intrinsics.
    """
    pending, written, text = sorted(set(needed)), set[tuple[str, str, int]](), ""
    while pending:
        key = pending.pop()
        if key not in written:
            written.add(key)
            definition, calls = _definition(*key, fma=fma)
            text += definition
            pending += calls
    return f"{trigonometry.TABLE}\n{text}" if "@chainrule_two_over_pi" in text else text


_CALL = re.compile(r"call (?:fast |nnan |ninf |nsz |arcp |contract |afn |reassoc )*(<[^>]*>|[\w.]+) (@llvm\.[\w.]+)\(")
_TYPE = re.compile(r"<[^>]*>|[\w.]+")
_OPENING, _CLOSING = "<([{", ">)]}"


def declarations(ir_text: str) -> str:
    """Declare the intrinsics that are called in a text.

    Arguments:
        ir_text: any IR; calls of `@llvm...` in it state their types.

    Returns:
        One `declare` line for each intrinsic.
    """
    found = {}
    for call in _CALL.finditer(ir_text):
        result, name = call.groups()
        if name not in found:
            found[name] = f"declare {result} {name}({', '.join(_operand_types(ir_text, call.end()))})\n"
    return "".join(found.values())


def _operand_types(text: str, start: int) -> list[str]:
    """The types of a call's operands, whose list begins at `start`."""
    operands, depth, i = [""], 0, start
    while depth or text[i] != ")":
        depth += (text[i] in _OPENING) - (text[i] in _CLOSING)
        if text[i] == "," and not depth:
            operands.append("")
        else:
            operands[-1] += text[i]
        i += 1
    return [_TYPE.match(operand.strip()).group() for operand in operands]  # type: ignore[union-attr]
