"""Each primitive as instructions, for a number or a vector of numbers.

The elementary functions are those of `functions/table.py`. Products and sums may be contracted into one rounding; nothing else is relaxed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from chainrule import primitives
from chainrule.compiler.codegen.expanding import expanded
from chainrule.compiler.functions import table as vector_math
from chainrule.compiler.ir.expressions import Apply, Constant, Expression, Load

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainrule.compiler.codegen.llvm_text import Text
    from chainrule.compiler.ir.expressions import Access
    from chainrule.row import Primitive

MOST_MULTIPLICATIONS = 8  # of a power with a whole exponent


class Scalars:
    """Writes expressions into a function.

    Arguments:
        text: the function.
        needed: gathers the elementary functions that are called.
    """

    def __init__(self, text: Text, needed: set[tuple[str, str, int]]) -> None:
        self.text = text
        self.needed = needed

    def evaluate(self, value: Expression, width: int, load: Callable[[Access], str]) -> str:
        """The name of an expression's value: a vector of `width`, or a number if that is 1."""
        return self._part(expanded(value, has_code), width, load, {})

    def _part(self, value: Expression, width: int, load: Callable[[Access], str], known: dict[int, str]) -> str:
        """The name of the value of a part; that of each `Apply` is written once, and goes into `known` by its `id`."""
        if isinstance(value, Constant):
            return self.text.constant(value.number, width)
        if isinstance(value, Load):
            return load(value.access)
        if id(value) not in known:
            known[id(value)] = self._applied(value, width, load, known)
        return known[id(value)]

    def _applied(self, value: Expression, width: int, load: Callable[[Access], str], known: dict[int, str]) -> str:
        assert isinstance(value, Apply)
        row, operands = value.primitive, value.operands()
        if row is primitives.power and isinstance(operands[1], Constant):
            return self._power(self._part(operands[0], width, load, known), operands[1].number, width)
        if row is primitives.select:
            condition = self._condition(operands[0], width, load, known)
            a, b = (self._part(operand, width, load, known) for operand in operands[1:])
            return self.choose(condition, a, b, width)
        names = [self._part(operand, width, load, known) for operand in operands]
        return self.apply(row, names, width)

    def apply(self, row: Primitive, x: list[str], width: int) -> str:
        """A primitive of values at hand."""
        if row in _ARITHMETIC:
            return self.binary(_ARITHMETIC[row], *x, width=width)
        if row in _WRITTEN_OUT:
            return _WRITTEN_OUT[row](self, *x, width)
        return self.call(_CALLED.get(row.name, row.name), x, width)

    def call(self, name: str, x: list[str], width: int) -> str:
        """An elementary function of values at hand."""
        key = (name, self.text.dtype, width)
        self.needed.add(key)
        kind = self.text.type(width)
        return self.text.get(f"call {kind} {vector_math.symbol(*key)}({', '.join(f'{kind} {operand}' for operand in x)})")

    def binary(self, instruction: str, a: str, b: str, *, width: int) -> str:
        """`fadd`, `fsub`, `fmul`, `fdiv`."""
        relaxed = "" if instruction == "fdiv" else " contract"
        return self.text.get(f"{instruction}{relaxed} {self.text.type(width)} {a}, {b}")

    def compare(self, how: str, a: str, b: str, width: int) -> str:
        """The truth values of a comparison."""
        return self.text.get(f"fcmp {how} {self.text.type(width)} {a}, {b}")

    def choose(self, condition: str, a: str, b: str, width: int) -> str:
        """`a` where the condition holds, else `b`."""
        kind = self.text.type(width)
        return self.text.get(f"select {self.text.truth(width)} {condition}, {kind} {a}, {kind} {b}")

    def zero(self, width: int) -> str:
        """0."""
        return self.text.constant(0.0, width)

    def one(self, width: int) -> str:
        """1."""
        return self.text.constant(1.0, width)

    def _condition(self, value: Expression, width: int, load: Callable[[Access], str], known: dict[int, str]) -> str:
        if isinstance(value, Apply) and value.primitive in _COMPARISONS:
            a, b = (self._part(operand, width, load, known) for operand in value.operands())
            return self.compare(_COMPARISONS[value.primitive], a, b, width)
        return self.compare("une", self._part(value, width, load, known), self.zero(width), width)

    def _power(self, x: str, exponent: float, width: int) -> str:
        if exponent == 0.0:
            return self.one(width)
        if abs(exponent) == 0.5:
            # pow takes -inf to inf, and -0 to 0, where the square root has nan and -0
            negative_infinity = self.compare("oeq", x, self.text.constant(-math.inf, width), width)
            plus = self.binary("fadd", x, self.zero(width), width=width)
            root = self.choose(negative_infinity, self.text.constant(math.inf, width), self.call("sqrt", [plus], width), width)
            return root if exponent > 0 else self.binary("fdiv", self.one(width), root, width=width)
        if exponent.is_integer() and abs(exponent) <= MOST_MULTIPLICATIONS:
            result, square, rest = None, x, int(abs(exponent))
            while rest:
                if rest & 1:
                    result = square if result is None else self.binary("fmul", result, square, width=width)
                rest >>= 1
                if rest:
                    square = self.binary("fmul", square, square, width=width)
            assert result is not None
            return result if exponent > 0 else self.binary("fdiv", self.one(width), result, width=width)
        return self.call("power", [x, self.text.constant(exponent, width)], width)

    # --- operations that are a few instructions -----------------------------------------------------------------------------------------

    def _negative(self, a: str, width: int) -> str:
        return self.text.get(f"fneg {self.text.type(width)} {a}")

    def _same(self, a: str, width: int) -> str:
        return a

    def _xlogy(self, a: str, b: str, width: int) -> str:
        """`a log(b)`; 0 where a is 0 and b is a number."""
        zero, ordered = self.compare("oeq", a, self.zero(width), width), self.compare("ord", b, b, width)
        product = self.binary("fmul", a, self.call("log", [b], width), width=width)
        return self.choose(self.text.get(f"and {self.text.truth(width)} {zero}, {ordered}"), self.zero(width), product, width)

    def _absolute(self, a: str, width: int) -> str:
        kind = self.text.type(width)
        suffix = ("" if width == 1 else f"v{width}") + ("f64" if self.text.dtype == "float64" else "f32")
        return self.text.get(f"call {kind} @llvm.fabs.{suffix}({kind} {a})")

    def _greater(self, a: str, b: str, width: int) -> str:
        return self.choose(self.compare("ogt", a, b, width), self.one(width), self.zero(width), width)

    def _equal(self, a: str, b: str, width: int) -> str:
        return self.choose(self.compare("oeq", a, b, width), self.one(width), self.zero(width), width)

    def _maximum(self, a: str, b: str, width: int) -> str:
        return self._extreme("ogt", a, b, width)

    def _minimum(self, a: str, b: str, width: int) -> str:
        return self._extreme("olt", a, b, width)

    def _extreme(self, how: str, a: str, b: str, width: int) -> str:
        """`a` if it compares so or is nan, else `b`, which may be nan."""
        beyond, unordered = self.compare(how, a, b, width), self.compare("uno", a, a, width)
        return self.choose(self.text.get(f"or {self.text.truth(width)} {beyond}, {unordered}"), a, b, width)

    def _relu(self, a: str, width: int) -> str:
        return self.choose(self.compare("olt", a, self.zero(width), width), self.zero(width), a, width)

    def _leaky_relu(self, a: str, slope: str, width: int) -> str:
        scaled = self.binary("fmul", slope, a, width=width)
        return self.choose(self.compare("ogt", a, self.zero(width), width), a, scaled, width)

    def _elu(self, a: str, alpha: str, width: int) -> str:
        scaled = self.binary("fmul", alpha, self.call("expm1", [a], width), width=width)
        return self.choose(self.compare("ogt", a, self.zero(width), width), a, scaled, width)


_ARITHMETIC = {primitives.add: "fadd", primitives.subtract: "fsub", primitives.multiply: "fmul", primitives.divide: "fdiv"}
_COMPARISONS = {primitives.greater: "ogt", primitives.equal: "oeq"}
_CALLED = {"**": "power"}
_WRITTEN_OUT: dict[Primitive, Callable[..., str]] = {
    primitives.negative: Scalars._negative,
    primitives.stop_gradient: Scalars._same,
    primitives.xlogy: Scalars._xlogy,
    primitives.absolute: Scalars._absolute,
    primitives.greater: Scalars._greater,
    primitives.equal: Scalars._equal,
    primitives.maximum: Scalars._maximum,
    primitives.minimum: Scalars._minimum,
    primitives.relu: Scalars._relu,
    primitives.leaky_relu: Scalars._leaky_relu,
    primitives.elu: Scalars._elu,
}


def has_code(row: Primitive) -> bool:
    """Whether there are instructions for an operation, so that it need not be expanded into others."""
    return row in _WRITTEN_OUT or row in _ARITHMETIC or row is primitives.select or _CALLED.get(row.name, row.name) in vector_math.FUNCTIONS
