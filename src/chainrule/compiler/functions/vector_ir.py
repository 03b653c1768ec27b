"""Write LLVM IR for branch-free vector functions with Python's operators: one `Body` is one function being written.

A `Vector` is an SSA value: `x * 2 + y` on vectors appends an `fmul` and an `fadd` to the body they belong to. No fast-math flag is ever
set, so that error-free transformations mean what they say.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence

SUFFIX = {"double": "f64", "float": "f32", "i64": "i64", "i32": "i32", "i1": "i1", "i128": "i128"}


def symbol(name: str, dtype: str, width: int) -> str:
    """What the function is called in IR: `@chainrule_exp_f64x8`.

    Arguments:
        name: a name in `vector_math.FUNCTIONS`.
        dtype: `"float64"` or `"float32"`.
        width: how many elements; 1 for plain scalars.
    """
    return f"@chainrule_{name}_{'f64' if dtype == 'float64' else 'f32'}x{width}"


class Vector:
    """An SSA value: its elements' LLVM type, and its name or literal in the text."""

    __slots__ = ("body", "element", "name")

    def __init__(self, body: Body, element: str, name: str) -> None:
        self.body = body
        self.element = element
        self.name = name

    @property
    def typed(self) -> str:
        """The value as an operand: `<8 x double> %v3`."""
        return f"{self.body.type(self.element)} {self.name}"

    def _binary(self, real: str, integer: str, other: Vector | float, *, reflected: bool = False) -> Vector:
        b = self.body
        if not isinstance(other, Vector):
            other = b.constant(other, self.element)
        left, right = (other, self) if reflected else (self, other)
        return b.emit(self.element, f"{real if self.element in ('double', 'float') else integer} {left.typed}, {right.name}")

    def __add__(self, other: Vector | float) -> Vector:
        return self._binary("fadd", "add", other)

    def __radd__(self, other: float) -> Vector:
        return self._binary("fadd", "add", other, reflected=True)

    def __sub__(self, other: Vector | float) -> Vector:
        return self._binary("fsub", "sub", other)

    def __rsub__(self, other: float) -> Vector:
        return self._binary("fsub", "sub", other, reflected=True)

    def __mul__(self, other: Vector | float) -> Vector:
        return self._binary("fmul", "mul", other)

    def __rmul__(self, other: float) -> Vector:
        return self._binary("fmul", "mul", other, reflected=True)

    def __truediv__(self, other: Vector | float) -> Vector:
        return self._binary("fdiv", "", other)

    def __rtruediv__(self, other: float) -> Vector:
        return self._binary("fdiv", "", other, reflected=True)

    def __neg__(self) -> Vector:
        if self.element in ("double", "float"):
            return self.body.emit(self.element, f"fneg {self.typed}")
        return self._binary("", "sub", 0, reflected=True)

    def __and__(self, other: Vector | int) -> Vector:
        return self._binary("", "and", other)

    def __or__(self, other: Vector | int) -> Vector:
        return self._binary("", "or", other)

    def __xor__(self, other: Vector | int) -> Vector:
        return self._binary("", "xor", other)

    def __invert__(self) -> Vector:
        return self._binary("", "xor", -1)

    def __lshift__(self, other: Vector | int) -> Vector:
        return self._binary("", "shl", other)

    def __rshift__(self, other: Vector | int) -> Vector:
        """The logical shift: zeros come in from the left."""
        return self._binary("", "lshr", other)

    def _compare(self, real: str, integer: str, other: Vector | float) -> Vector:
        b = self.body
        if not isinstance(other, Vector):
            other = b.constant(other, self.element)
        operation = f"fcmp {real}" if self.element in ("double", "float") else f"icmp {integer}"
        return b.emit("i1", f"{operation} {self.typed}, {other.name}")

    def __lt__(self, other: Vector | float) -> Vector:
        return self._compare("olt", "slt", other)

    def __le__(self, other: Vector | float) -> Vector:
        return self._compare("ole", "sle", other)

    def __gt__(self, other: Vector | float) -> Vector:
        return self._compare("ogt", "sgt", other)

    def __ge__(self, other: Vector | float) -> Vector:
        return self._compare("oge", "sge", other)

    def equals(self, other: Vector | float) -> Vector:
        """Where the two are equal; nan equals nothing. (`==` stays identity.)"""
        return self._compare("oeq", "eq", other)

    def below(self, other: Vector | int) -> Vector:
        """`<` of integers without sign."""
        return self._compare("", "ult", other)

    def is_nan(self) -> Vector:
        """Where this is nan."""
        return self._compare("uno", "", self)


class Body:
    """The instructions of one function: what `Vector`s append to, with the operations that are no Python operator.

    Arguments:
        dtype: `"float64"` or `"float32"`, the type of `real`.
        width: how many elements a vector has; 1 means plain scalars.
        fma: whether the target has a fused multiply-add. Without, `fma` rounds twice and `two_product` splits its operands.
    """

    def __init__(self, dtype: str, width: int, *, fma: bool) -> None:
        self.dtype, self.width, self.has_fma = dtype, width, fma
        self.double = dtype == "float64"
        self.real, self.integer = ("double", "i64") if self.double else ("float", "i32")
        self.lines: list[str] = []
        self.calls: list[tuple[str, str, int]] = []
        self.blocks = ["entry"]
        self.number = itertools.count()

    def like(self, dtype: str) -> Body:
        """The same function being written, with another type of reals."""
        other = Body(dtype, self.width, fma=self.has_fma)
        other.lines, other.calls, other.blocks, other.number = self.lines, self.calls, self.blocks, self.number
        return other

    # --- text -------------------------------------------------------------------------------------------------------------------------
    def type(self, element: str) -> str:
        """The LLVM type of a vector of such elements."""
        return element if self.width == 1 else f"<{self.width} x {element}>"

    def label(self, stem: str) -> str:
        """A name for a block that no other block of this function has."""
        return f"{stem}{next(self.number)}"

    def emit(self, element: str, instruction: str) -> Vector:
        """Append an instruction and return its result."""
        name = f"%v{next(self.number)}"
        self.lines.append(f"{name} = {instruction}")
        return Vector(self, element, name)

    def constant(self, value: float, element: str | None = None) -> Vector:
        """The same number in every lane; a real one unless `element` says otherwise."""
        element = element or self.real
        if element in ("double", "float"):
            number = struct.unpack("<f", struct.pack("<f", value))[0] if element == "float" else float(value)
            literal = f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
        else:
            literal = ("true" if value else "false") if element == "i1" else str(int(value))
        if self.width > 1:
            literal = "<" + ", ".join([f"{element} {literal}"] * self.width) + ">"
        return Vector(self, element, literal)

    def intrinsic(self, name: str, *operands: Vector) -> Vector:
        """Call an intrinsic whose result has the type of its operands."""
        element = operands[0].element
        suffix = SUFFIX[element] if self.width == 1 else f"v{self.width}{SUFFIX[element]}"
        return self.emit(element, f"call {self.type(element)} @llvm.{name}.{suffix}({', '.join(v.typed for v in operands)})")

    def cast(self, operation: str, x: Vector, element: str) -> Vector:
        """Convert by the LLVM instruction of this name."""
        return self.emit(element, f"{operation} {x.typed} to {self.type(element)}")

    def call(self, name: str, *operands: Vector, width: int | None = None) -> Vector:
        """Call another function of these modules; `width` 1 calls it on an element."""
        width = width or self.width
        self.calls.append((name, self.dtype, width))
        kind = self.type(self.real) if width == self.width else self.real
        operands_text = ", ".join(f"{kind} {v.name}" for v in operands)
        return self.emit(self.real, f"call {kind} {symbol(name, self.dtype, width)}({operands_text})")

    # --- blocks -----------------------------------------------------------------------------------------------------------------------
    def any(self, condition: Vector) -> Vector:
        """Whether the condition holds in any lane: one i1."""
        if self.width == 1:
            return condition
        mask = self.emit("mask", f"bitcast {condition.typed} to i{self.width}")
        return self.emit("i1", f"icmp ne i{self.width} {mask.name}, 0")

    def branch(self, condition: Vector, yes: str, no: str) -> None:
        """End the block: go on in one of two."""
        self.lines.append(f"br i1 {condition.name}, label %{yes}, label %{no}")

    def jump(self, label: str) -> None:
        """End the block: go on in another."""
        self.lines.append(f"br label %{label}")

    def block(self, label: str) -> str:
        """Begin a block; return the label of the one before."""
        self.lines.append(f"{label}:")
        self.blocks.append(label)
        return self.blocks[-2]

    def lane_by_lane(self, x: Vector, name: str) -> Vector:
        """Call a function on one element after another."""
        array = f"[{self.width} x {self.real}]"
        memory = self.emit("ptr", f"alloca {array}, align 64")
        self.lines.append(f"store {x.typed}, ptr {memory.name}, align 64")
        before, begin, end = self.blocks[-1], self.label("lane"), self.label("end")
        self.jump(begin)
        self.block(begin)
        scalar = Body(self.dtype, 1, fma=self.has_fma)
        scalar.lines, scalar.calls, scalar.number = self.lines, self.calls, self.number
        following = f"%next{next(self.number)}"
        lane = scalar.emit("i64", f"phi i64 [ 0, %{before} ], [ {following}, %{begin} ]")
        pointer = scalar.emit("ptr", f"getelementptr {array}, ptr {memory.name}, i64 0, {lane.typed}")
        result = scalar.call(name, scalar.emit(self.real, f"load {self.real}, {pointer.typed}"))
        self.lines.append(f"store {result.typed}, {pointer.typed}")
        self.lines.append(f"{following} = add i64 {lane.name}, 1")
        more = scalar.emit("i1", f"icmp ult i64 {following}, {self.width}")
        self.branch(more, begin, end)
        self.block(end)
        return self.emit(self.real, f"load {self.type(self.real)}, ptr {memory.name}, align 64")

    # --- arithmetic -------------------------------------------------------------------------------------------------------------------
    def fma(self, a: Vector, b: Vector | float, c: Vector | float) -> Vector:
        """`a * b + c`, rounded once where the target can; use it where either rounding will do."""
        if not self.has_fma:
            return a * b + c
        b = b if isinstance(b, Vector) else self.constant(b, a.element)
        c = c if isinstance(c, Vector) else self.constant(c, a.element)
        return self.intrinsic("fma", a, b, c)

    def select(self, condition: Vector, a: Vector | float, b: Vector | float) -> Vector:
        """`a` in the lanes where the condition holds, else `b`."""
        element = next((v.element for v in (a, b) if isinstance(v, Vector)), self.real)
        a = a if isinstance(a, Vector) else self.constant(a, element)
        b = b if isinstance(b, Vector) else self.constant(b, element)
        return self.emit(element, f"select {condition.typed}, {a.typed}, {b.typed}")

    def at_most(self, x: Vector, bound: float) -> Vector:
        """The smaller of the two; nan stays nan."""
        return self.select(x > bound, bound, x)

    def at_least(self, x: Vector, bound: float) -> Vector:
        """The larger of the two; nan stays nan."""
        return self.select(x < bound, bound, x)

    def at_least_integer(self, x: Vector, bound: int) -> Vector:
        """The larger of two signed integers."""
        return self.select(x < bound, bound, x)

    def absolute(self, x: Vector) -> Vector:
        """`x` without its sign."""
        return self.intrinsic("fabs", x)

    def sqrt(self, x: Vector) -> Vector:
        """The square root, correctly rounded."""
        return self.intrinsic("sqrt", x)

    def with_sign(self, magnitude: Vector, sign: Vector) -> Vector:
        """The magnitude of one and the sign of the other."""
        return self.intrinsic("copysign", magnitude, sign)

    def bits(self, x: Vector) -> Vector:
        """The representation of a real as an integer."""
        return self.cast("bitcast", x, "i64" if x.element == "double" else "i32")

    def from_bits(self, x: Vector) -> Vector:
        """The real that an integer represents."""
        return self.cast("bitcast", x, "double" if x.element == "i64" else "float")

    def polynomial(self, x: Vector, coefficients: Sequence[float]) -> Vector:
        """`c0 + c1 x + c2 x^2 + ...`: even and odd powers apart, so that two chains of operations run side by side."""
        if len(coefficients) < 6:
            return self._horner(x, coefficients)
        square, (first, *rest) = x * x, coefficients  # the first is added last, since its rounding weighs most
        return self.fma(self.fma(self._horner(square, rest[1::2]), x, self._horner(square, rest[0::2])), x, first)

    def _horner(self, x: Vector, coefficients: Sequence[float]) -> Vector:
        total = self.constant(coefficients[-1], x.element)
        for c in coefficients[-2::-1]:
            total = self.fma(total, x, c)
        return total

    # --- sums and products with their rounding errors: Dekker 1971; Knuth, The Art of Computer Programming 2, 4.2.2 -------------------
    def two_sum(self, a: Vector, b: Vector | float) -> tuple[Vector, Vector]:
        """The rounded sum, and what the rounding lost."""
        total = a + b
        part = total - a
        return total, (a - (total - part)) + (b - part)

    def fast_two_sum(self, a: Vector, b: Vector) -> tuple[Vector, Vector]:
        """The same where `a` is the larger in magnitude."""
        total = a + b
        return total, b - (total - a)

    def two_product(self, a: Vector, b: Vector) -> tuple[Vector, Vector]:
        """The rounded product, and what the rounding lost, if neither over- nor underflows."""
        product = a * b
        if self.has_fma:
            return product, self.intrinsic("fma", a, b, -product)
        (ah, al), (bh, bl) = self._split(a), self._split(b)
        return product, ((ah * bh - product) + ah * bl + al * bh) + al * bl

    def _split(self, a: Vector) -> tuple[Vector, Vector]:
        scaled = a * (134217729.0 if a.element == "double" else 4097.0)
        high = scaled - (scaled - a)
        return high, a - high
