"""What a statement computes at one point: an expression of numbers in memory, with the primitives of `primitives.py`.

Expressions answer `_apply`, so the partial derivatives of the table run on them unchanged; that is how the adjoint is derived.

Expressions share parts: a part may be an operand of several others. Written out in full, an expression can be far longer than its list of
different parts; so whatever walks through an expression visits each part only once.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from chainrule import primitives
from chainrule.ieee import INFINITY
from chainrule.primitives import SMALLEST_NORMAL
from chainrule.reals import real
from chainrule.row import Primitive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np


class Buffer:
    """A piece of memory of the program.

    Arguments:
        name: what listings call it.
        size: how many numbers it holds; for one sample, if `per_sample`.
        role: "parameter", "input", "constant", "table", "value", "output", "adjoint", or "mark"; with `of`, the adjoint or the marks of
            another buffer.
        per_sample: whether there is one such piece for each sample of the batch, one after another.
        numbers: what a constant or table holds.
        of: the buffer whose adjoint this is, or that it marks.
    """

    __slots__ = ("name", "numbers", "of", "per_sample", "role", "size")

    def __init__(
        self, name: str, size: int, role: str, *, per_sample: bool = False, numbers: np.ndarray | None = None, of: Buffer | None = None
    ) -> None:
        self.name = name
        self.size = size
        self.role = role
        self.per_sample = per_sample
        self.numbers = numbers
        self.of = of

    def __repr__(self) -> str:
        return self.name


class Lookup(NamedTuple):
    """An offset that is read from memory: `scale` times the integer at this place of `buffer`."""

    buffer: Buffer
    base: int
    strides: tuple[int, ...]
    scale: int = 1
    advance: int = 0


class Access(NamedTuple):
    """A place in a buffer for each point of a statement's axes: `base + sum(stride * index)`, plus a looked-up offset.

    In a loop, `advance` is added for each iteration.
    """

    buffer: Buffer
    base: int
    strides: tuple[int, ...]
    lookup: Lookup | None = None
    advance: int = 0

    def map(self, change: Change) -> Access:
        """The same access with one change made to its own place, and then to the place at which it looks its offset up."""
        if self.lookup is None:
            return change(self)
        return change(self)._replace(lookup=change(self.lookup))

    def with_strides(self, change: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Access:
        """The same access along other axes: of the statement's, in place of its strides."""
        return self.map(lambda place: place._replace(strides=change(place.strides)))


Place = TypeVar("Place", Access, Lookup)
"""An access, or what it looks its offset up with."""


class Change(Protocol):
    """A change of places."""

    def __call__(self, place: Place, /) -> Place:
        """The changed place."""


class Expression:
    """A number computed at one point of a statement's axes."""

    __slots__ = ()

    def _apply(self, primitive: Primitive, operands: tuple[Any, ...]) -> Expression:
        return apply(primitive, *operands)

    def __add__(self, other: Any) -> Expression:
        return apply(primitives.add, self, other)

    def __radd__(self, other: Any) -> Expression:
        return apply(primitives.add, other, self)

    def __sub__(self, other: Any) -> Expression:
        return apply(primitives.subtract, self, other)

    def __rsub__(self, other: Any) -> Expression:
        return apply(primitives.subtract, other, self)

    def __mul__(self, other: Any) -> Expression:
        return apply(primitives.multiply, self, other)

    def __rmul__(self, other: Any) -> Expression:
        return apply(primitives.multiply, other, self)

    def __truediv__(self, other: Any) -> Expression:
        return apply(primitives.divide, self, other)

    def __neg__(self) -> Expression:
        return apply(primitives.negative, self)

    def operands(self) -> tuple[Expression, ...]:
        """The expressions this one is computed from."""
        return ()

    def map(self, change: Callable[[Access], Access]) -> Expression:
        """The same expression with each access changed."""
        return self.replaced(lambda leaf: Load(change(leaf.access)) if isinstance(leaf, Load) else leaf, {})

    def replaced(self, leaf: Callable[[Expression], Expression], known: dict[int, Expression]) -> Expression:
        """The same expression with each load and each constant replaced; shared parts stay shared.

        Arguments:
            leaf: makes the replacement of a load or a constant.
            known: is filled with the replacement of each part, by the part's `id`.
        """
        return leaf(self)

    def loads(self) -> tuple[Access, ...]:
        """Every place it reads, each once, in order."""
        return ()

    def parts(self) -> Iterator[Expression]:
        """This expression and all those below it, each once, operands first."""
        seen: set[Expression] = set()
        stack: list[tuple[Expression, bool]] = [(self, False)]
        while stack:
            part, done = stack.pop()
            if done:
                yield part
            elif part not in seen:
                seen.add(part)
                stack.append((part, True))
                stack += [(operand, False) for operand in reversed(part.operands())]

    def occurrences(self) -> Counter[Expression]:
        """How often each part occurs if the expression is written out in full; operands come first."""
        parts = list(self.parts())
        times = Counter({self: 1})
        for part in reversed(parts):
            for operand in part.operands():
                times[operand] += times[part]
        return Counter({part: times[part] for part in parts})


class Load(Expression):
    """The number in memory at an access."""

    __slots__ = ("_hash", "access")

    def __init__(self, access: Access) -> None:
        self.access = access
        self._hash = hash(access)

    def loads(self) -> tuple[Access, ...]:
        """Every place it reads, each once, in order."""
        return (self.access,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Load) and self._hash == other._hash and self.access == other.access

    def __hash__(self) -> int:
        return self._hash


class Constant(Expression):
    """A number that is known."""

    __slots__ = ("number",)

    def __init__(self, number: float) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and (self.number, str(self.number)) == (other.number, str(other.number))

    def __hash__(self) -> int:
        return hash(self.number)


class Apply(Expression):
    """A primitive of expressions."""

    __slots__ = ("_hash", "_loads", "_operands", "primitive")

    def __init__(self, primitive: Primitive, operands: tuple[Expression, ...]) -> None:
        self.primitive = primitive
        self._operands = operands
        self._hash = hash((primitive.name, operands))
        self._loads: tuple[Access, ...] | None = None  # not known yet

    def loads(self) -> tuple[Access, ...]:
        """Every place it reads, each once, in order."""
        if self._loads is None:
            self._loads = tuple(dict.fromkeys(self._accesses()))
        return self._loads

    def _accesses(self) -> Iterator[Access]:
        """Every place it reads, in order, some of them more than once."""
        seen: set[int] = set()
        stack: list[Expression] = [self]
        while stack:
            part = stack.pop()
            if not isinstance(part, Apply) or part._loads is not None:
                yield from part.loads()
            elif id(part) not in seen:
                seen.add(id(part))
                stack += reversed(part._operands)

    def operands(self) -> tuple[Expression, ...]:
        """The expressions this one is computed from."""
        return self._operands

    def replaced(self, leaf: Callable[[Expression], Expression], known: dict[int, Expression]) -> Expression:
        """The same expression with each load and each constant replaced; shared parts stay shared."""
        found = known.get(id(self))
        if found is None:
            found = known[id(self)] = Apply(self.primitive, tuple([operand.replaced(leaf, known) for operand in self._operands]))
        return found

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Apply) and self._hash == other._hash and _are_equal(self, other))

    def __hash__(self) -> int:
        return self._hash


def _are_equal(a: Expression, b: Expression) -> bool:
    """Whether two expressions are the same, part by part; no pair of parts is compared twice."""
    pairs, seen = [(a, b)], set()
    while pairs:
        a, b = pairs.pop()
        if a is b or (id(a), id(b)) in seen:
            continue
        if not (isinstance(a, Apply) and isinstance(b, Apply)):
            if a != b:
                return False
            continue
        if a._hash != b._hash or a.primitive is not b.primitive or len(a.operands()) != len(b.operands()):
            return False
        seen.add((id(a), id(b)))
        pairs += zip(a.operands(), b.operands(), strict=True)
    return True


ZERO, ONE, MINUS_ONE = Constant(0.0), Constant(1.0), Constant(-1.0)


def expression(x: Any) -> Expression:
    """`x` itself if it is an expression, else the constant."""
    return x if isinstance(x, Expression) else Constant(real(x))


def apply(primitive: Primitive, *operands: Any) -> Expression:
    """Apply a primitive; constants are folded, and factors of 1 are left out.

    A factor of 0 stays: 0 times infinity is nan.
    """
    parts = tuple(expression(operand) for operand in operands)
    numbers = [part.number for part in parts if isinstance(part, Constant)]
    if len(numbers) == len(parts):
        return Constant(primitive.forward(*numbers))
    if primitive is primitives.multiply:
        return _product(*parts)
    if primitive is primitives.negative:
        return _product(MINUS_ONE, parts[0])
    if primitive is primitives.add and ZERO in parts:
        return parts[1] if parts[0] == ZERO else parts[0]
    if primitive is primitives.subtract and parts[1] == ZERO:
        return parts[0]
    if primitive is primitives.divide and isinstance(parts[1], Constant) and _is_power_of_two(parts[1].number):
        return _product(Constant(1.0 / parts[1].number), parts[0])
    return Apply(primitive, parts)


def _product(a: Expression, b: Expression) -> Expression:
    """`a * b`, with what is known of both gathered in front, `coefficient * rest`, where that makes no difference."""
    (p, x), (q, y) = _scaled(a), _scaled(b)
    coefficient = p * q
    rest = x if y is None else y if x is None else Apply(primitives.multiply, (x, y))
    if rest is None:
        return Constant(coefficient)
    if not _may_be_gathered(p, q, alone=x is None or y is None):
        return Apply(primitives.multiply, (b, a) if isinstance(b, Constant) else (a, b))
    if coefficient == 1.0:
        return rest
    if coefficient == -1.0:
        return Apply(primitives.negative, (rest,))
    return Apply(primitives.multiply, (Constant(coefficient), rest))


def _may_be_gathered(p: float, q: float, *, alone: bool) -> bool:
    """Whether `p * (q * x)` is `(p * q) * x` for every `x`; or, if not alone, `(p * x) * (q * y)` is `(p * q) * (x * y)`.

    It is not where something overflows or vanishes on one of the ways only. Factors of moderate size count as harmless.
    """
    p, q = abs(p), abs(q)
    if all(1.0 / MODERATE <= factor <= MODERATE for factor in (p, q)):
        return True
    if not alone:
        return False
    if p == 1.0 or q == 1.0:
        return True
    same_side = (p > 1.0) == (q > 1.0)
    return same_side and 0.0 < p < INFINITY and 0.0 < q < INFINITY and SMALLEST_NORMAL <= p * q < INFINITY


MODERATE = 2.0**32


def _scaled(e: Expression) -> tuple[float, Expression | None]:
    """The known factor of an expression, and what remains."""
    if isinstance(e, Constant):
        return e.number, None
    if isinstance(e, Apply):
        if e.primitive is primitives.negative:
            return -1.0, e.operands()[0]
        if e.primitive is primitives.multiply and isinstance(e.operands()[0], Constant):
            return e.operands()[0].number, e.operands()[1]  # type: ignore[attr-defined]
    return 1.0, e


def _is_power_of_two(x: float) -> bool:
    import math

    return x != 0.0 and math.isfinite(x) and abs(math.frexp(x)[0]) == 0.5 and math.isfinite(1.0 / x)
