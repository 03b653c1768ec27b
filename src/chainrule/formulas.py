"""`Formula`: a derivative as it is written by hand, made by applying the rules of `primitives.py` to names instead of numbers.

A formula is a number times factors, `2·x` or `-a/b²`; anything else, such as a sum or a function, is a single factor. A formula also knows
its value, so that a choice (`where`, `greater`) shows the branch that was taken, and remembers why: the derivative of `relu(x)` at 3 is
`1`, as `x > 0`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule import primitives
from chainrule.row import Primitive

if TYPE_CHECKING:
    from collections.abc import Callable

SUM, POWER, ATOM = range(3)  # how tightly a factor's own text holds together

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SIGNS = {"<": "<", "=": "=", ">": ">", "<=": "≤", "=>": "≥"}  # "<>" is every other point, and not worth a word


class Factor(NamedTuple):
    """A text raised to a power; `binding` says whether the text needs parentheses in company."""

    text: str
    binding: int
    exponent: float = 1.0


class Formula:
    """A number times factors; see `named` and `of_number`, which make one.

    Attributes:
        data: the value of the formula.
        reasons: for each pair of texts that was compared, which of "<", "=" and ">" may hold between them.
    """

    __slots__ = ("coefficient", "data", "factors", "reasons")

    def __init__(self, coefficient: float, factors: tuple[Factor, ...], data: float, reasons: dict[tuple[str, str], str]) -> None:
        self.coefficient = coefficient
        self.factors = factors if coefficient != 0.0 else ()
        self.data = data
        self.reasons = reasons

    @classmethod
    def of_number(cls, number: float) -> Formula:
        """A number written as itself."""
        return cls(number, (), number, {})

    @classmethod
    def named(cls, text: str, data: float, binding: int = ATOM) -> Formula:
        """Something that has a name, or is written in a way of its own."""
        return cls(1.0, (Factor(text, binding),), data, {})

    def _apply(self, primitive: Primitive, operands: tuple[Any, ...]) -> Formula:
        """What `primitive` of these operands looks like; this is how the rules of `primitives.py` come to write formulas."""
        formulas = [operand if isinstance(operand, Formula) else Formula.of_number(float(operand)) for operand in operands]
        data = primitive.forward(*(formula.data for formula in formulas))
        if primitive in _WRITERS:
            written = _WRITERS[primitive](*formulas)
        else:
            written = Formula.named(f"{primitive.name}({', '.join(map(str, formulas))})", data)
            written.reasons = _merged(*formulas)
        written.data = data
        if not written.factors:
            written.coefficient = data
        return written

    def __add__(self, other: Any) -> Formula:
        return self._apply(primitives.add, (self, other))

    def __radd__(self, other: Any) -> Formula:
        return self._apply(primitives.add, (other, self))

    def __sub__(self, other: Any) -> Formula:
        return self._apply(primitives.subtract, (self, other))

    def __rsub__(self, other: Any) -> Formula:
        return self._apply(primitives.subtract, (other, self))

    def __mul__(self, other: Any) -> Formula:
        return self._apply(primitives.multiply, (self, other))

    def __rmul__(self, other: Any) -> Formula:
        return self._apply(primitives.multiply, (other, self))

    def __truediv__(self, other: Any) -> Formula:
        return self._apply(primitives.divide, (self, other))

    def __rtruediv__(self, other: Any) -> Formula:
        return self._apply(primitives.divide, (other, self))

    def __neg__(self) -> Formula:
        return self._apply(primitives.negative, (self,))

    def __str__(self) -> str:
        above = [factor for factor in self.factors if factor.exponent > 0]
        below = [factor._replace(exponent=-factor.exponent) for factor in self.factors if factor.exponent < 0]
        number = short(abs(self.coefficient))
        alone = len(self.factors) == 1 and self.coefficient == 1.0
        parts = [_raised_text(factor, alone=alone) for factor in above]
        if number != "1" or not above:
            parts.insert(0, number)
        text = "·".join(parts)
        if below:
            under = "·".join(_raised_text(factor) for factor in below)
            text += f"/{under}" if len(below) == 1 else f"/({under})"
        return f"-{text}" if self.coefficient < 0 else text

    def __repr__(self) -> str:
        return f"Formula({str(self)!r}, data={self.data!r})"

    def as_factor(self) -> str:
        """The formula as a factor of a product: a sum is put in parentheses."""
        text = str(self)
        alone = len(self.factors) == 1 and self.coefficient == 1.0 and self.factors[0].exponent == 1.0
        return f"({text})" if alone and self.factors[0].binding == SUM else text

    @property
    def is_number(self) -> bool:
        """Whether it is only a number."""
        return not self.factors

    @property
    def why(self) -> str:
        """The comparisons on which the formula depends, such as `x > 0`; "" if there are none."""
        told = []
        for (left, right), signs in self.reasons.items():
            if signs in _SIGNS:
                told.append(f"{left} {_SIGNS[signs]} {right}")
            elif not signs:
                told.append(f"{left} or {right} is nan")
        return " and ".join(told)


def short(x: float) -> str:
    """A number in a formula: six digits, and no ".0"."""
    return f"{x:.6g}"


def _raised_text(factor: Factor, *, alone: bool = False) -> str:
    text, binding, exponent = factor
    if exponent == 1.0:
        return text if alone or binding > SUM else f"({text})"
    base = text if binding == ATOM else f"({text})"
    digits = short(exponent)
    return base + (digits.translate(_SUPERSCRIPTS) if digits.isdigit() else f"^{digits}")


def _merged(*formulas: Formula) -> dict[tuple[str, str], str]:
    """The reasons of all of them; where two speak of the same pair, what both allow."""
    merged: dict[tuple[str, str], str] = {}
    for formula in formulas:
        for pair, signs in formula.reasons.items():
            merged[pair] = "".join(sign for sign in merged.get(pair, "<=>") if sign in signs)
    return merged


def _sum(a: Formula, b: Formula) -> Formula:
    reasons = _merged(a, b)
    if a.is_number and b.is_number:
        return Formula(1.0, (), 0.0, reasons)  # the caller fills in the number
    if (a.is_number and a.coefficient == 0.0) or (b.is_number and b.coefficient == 0.0):
        kept = b if a.is_number else a
        return Formula(kept.coefficient, kept.factors, kept.data, reasons)
    right = str(b)
    text = f"{a} - {right[1:]}" if right.startswith("-") else f"{a} + {right}"
    return Formula(1.0, (Factor(text, SUM),), 0.0, reasons)


def _difference(a: Formula, b: Formula) -> Formula:
    return _sum(a, _negative(b))


def _negative(a: Formula) -> Formula:
    return Formula(-a.coefficient, a.factors, -a.data, a.reasons)


def _product(a: Formula, b: Formula) -> Formula:
    # Two conditions multiplied are a guard at a pole or a corner, no part of the formula as people write it: forget their reasons. And a 0
    # that is one at every point makes the product 0, whatever the other factor rests on.
    is_guard = a.is_number and b.is_number and a.reasons and b.reasons
    reasons = {} if is_guard or _is_always_zero(a) or _is_always_zero(b) else _merged(a, b)
    exponents: dict[tuple[str, int], float] = {}
    for text, binding, exponent in a.factors + b.factors:
        exponents[text, binding] = exponents.get((text, binding), 0.0) + exponent
    factors = tuple(Factor(text, binding, exponent) for (text, binding), exponent in exponents.items() if exponent != 0.0)
    return Formula(a.coefficient * b.coefficient, factors, 0.0, reasons)


def _is_always_zero(a: Formula) -> bool:
    return a.is_number and a.coefficient == 0.0 and not a.reasons


def _quotient(a: Formula, b: Formula) -> Formula:
    inverse = tuple(factor._replace(exponent=-factor.exponent) for factor in b.factors)
    return _product(a, Formula(primitives.divide(1.0, b.coefficient), inverse, 0.0, b.reasons))


def _raised(a: Formula, b: Formula) -> Formula:
    reasons = _merged(a, b)
    if (a.is_number and b.is_number) or (b.is_number and b.coefficient == 0.0):
        return Formula(1.0, (), 0.0, reasons)
    if a.is_number and a.coefficient == 1.0:  # the replacement of the base at a pole
        return Formula(1.0, (), 0.0, reasons)
    if b.is_number:
        if b.coefficient == 1.0:
            return a
        if a.coefficient == 1.0 and len(a.factors) == 1 and a.factors[0].exponent == 1.0:
            return Formula(1.0, (a.factors[0]._replace(exponent=b.coefficient),), 0.0, reasons)
        return Formula(1.0, (Factor(str(a), SUM, b.coefficient),), 0.0, reasons)
    base, exponent = (str(x) if _is_one_word(x) else f"({x})" for x in (a, b))
    return Formula(1.0, (Factor(f"{base}^{exponent}", POWER),), 0.0, reasons)


def _is_one_word(formula: Formula) -> bool:
    if formula.is_number:
        return formula.coefficient >= 0
    return formula.coefficient == 1.0 and len(formula.factors) == 1 and formula.factors[0][1:] == (ATOM, 1.0)


def _compared(a: Formula, b: Formula, holds: str) -> Formula:
    """The number 1 or 0, by which of "<", "=" and ">" hold between the two; the reason is kept for whoever shows the formula."""
    truth = "<" if a.data < b.data else "=" if a.data == b.data else ">" if a.data > b.data else ""
    allowed = "" if not truth else holds if truth in holds else "".join(sign for sign in "<=>" if sign not in holds)
    left, right = str(a), str(b)
    if (a.is_number and b.is_number) or left == right:
        return Formula(1.0, (), 0.0, {})
    if a.is_number or (not b.is_number and right < left):  # the variable first, and a pair always in the same order
        left, right = right, left
        allowed = "".join(sign for sign in "<=>" if {"<": ">", "=": "=", ">": "<"}[sign] in allowed)
    return Formula(1.0, (), 0.0, {(left, right): allowed})


def _chosen(condition: Formula, a: Formula, b: Formula) -> Formula:
    chosen = a if condition.data else b
    return Formula(chosen.coefficient, chosen.factors, chosen.data, _merged(condition, chosen))


def _magnitude(a: Formula) -> Formula:
    return Formula(1.0, (Factor(f"|{a}|", ATOM),), 0.0, a.reasons)


_WRITERS: dict[Primitive, Callable[..., Formula]] = {
    primitives.add: _sum,
    primitives.subtract: _difference,
    primitives.multiply: _product,
    primitives.divide: _quotient,
    primitives.negative: _negative,
    primitives.power: _raised,
    primitives.absolute: _magnitude,
    primitives.greater: lambda a, b: _compared(a, b, ">"),
    primitives.equal: lambda a, b: _compared(a, b, "="),
    primitives.select: _chosen,
}
