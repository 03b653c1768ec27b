"""The vector functions against mpmath over the whole range of their type, and against the rows of `primitives` at special values."""

from __future__ import annotations

import ctypes
import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest

import chainrule
from chainrule.compiler.functions import table as vector_math
from chainrule.primitives import PRIMITIVES
from chainrule.row import Primitive
from reference import WITHOUT_CODE

DTYPES = ("float64", "float32")
WIDTHS = (1, 2, 4, 8, 16)
llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
HAS_FMA = bool(llvm.get_host_cpu_features().get("fma", llvm.get_process_triple().startswith(("aarch64", "arm64"))))


# --- compiling, as the product does ---------------------------------------------------------------------------------------------------
def loop(name: str, dtype: str, width: int, fma: bool) -> str:
    """A module with a function that maps arrays of a multiple of `width` elements."""
    scalar = {"float64": "double", "float32": "float"}[dtype]
    vector = scalar if width == 1 else f"<{width} x {scalar}>"
    operands = "xy"[: vector_math.FUNCTIONS[name]]
    align = np.dtype(dtype).itemsize
    loads = "".join(
        f"  %p{a} = getelementptr {scalar}, ptr %in_{a}, i64 %i\n  %{a} = load {vector}, ptr %p{a}, align {align}\n" for a in operands
    )
    body = f"""
define void @loop(ptr noalias %in_x, ptr noalias %in_y, ptr noalias %out, i64 %n) {{
entry:
  br label %body
body:
  %i = phi i64 [ 0, %entry ], [ %j, %next ]
{loads}  %r = call {vector} {vector_math.symbol(name, dtype, width)}({", ".join(f"{vector} %{a}" for a in operands)})
  br label %next
next:
  %q = getelementptr {scalar}, ptr %out, i64 %i
  store {vector} %r, ptr %q, align {align}
  %j = add i64 %i, {width}
  %more = icmp ult i64 %j, %n
  br i1 %more, label %body, label %end
end:
  ret void
}}
"""
    text = body + vector_math.definitions([(name, dtype, width)], fma=fma)
    return text + vector_math.declarations(text)


def machine(fma: bool) -> llvm.TargetMachine:
    target = llvm.Target.from_default_triple()
    if fma:
        return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=1)
    return target.create_target_machine(opt=1)


def optimise(text: str, target_machine: llvm.TargetMachine) -> llvm.ModuleRef:
    module = llvm.parse_assembly(text)
    module.verify()
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, llvm.create_pass_builder(target_machine, llvm.create_pipeline_tuning_options(speed_level=1)))
    return module


@functools.cache
def compiled(name: str, dtype: str, width: int, fma: bool) -> Callable[..., np.ndarray]:
    target_machine = machine(fma)
    engine = llvm.create_mcjit_compiler(optimise(loop(name, dtype, width, fma), target_machine), target_machine)
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)(engine.get_function_address("loop"))

    def run(*operands: np.ndarray) -> np.ndarray:
        n = len(operands[0])
        padded = [np.append(x, np.ones(-n % width, dtype)).astype(dtype) for x in operands]
        out = np.empty_like(padded[0])
        function(padded[0].ctypes.data, padded[-1].ctypes.data, out.ctypes.data, len(out))
        return out[:n]

    run.keep = engine, target_machine  # type: ignore[attr-defined]  # the code lives as long as these
    return run


# --- where to look --------------------------------------------------------------------------------------------------------------------
def exact_power(x: mpmath.mpf, y: mpmath.mpf) -> mpmath.mpf:
    if x > 0 or not mpmath.isint(y):
        return x**y
    return (-x) ** y * (-1 if int(y) % 2 else 1)


HALF = mpmath.mpf(1) / 2
EXACT: dict[str, Callable[..., mpmath.mpf]] = {
    "tanh_slope": lambda x: 1 / mpmath.cosh(x) ** 2,
    "erfc": lambda x: mpmath.erfc(x) if abs(x) < 50 else mpmath.mpf(2 if x < 0 else 0),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "sigmoid_slope": lambda x: 1 / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * mpmath.erfc(-x * mpmath.sqrt(HALF)) / 2 if abs(x) < 50 else max(x, 0),
    "power": exact_power,
    "round": mpmath.nint,
    **{name: getattr(mpmath, name) for name in vector_math.FUNCTIONS if hasattr(mpmath, name) and name not in ("power", "erfc")},
}


def signed(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return x * rng.choice([-1.0, 1.0], len(x))


def any_bits(n: int, dtype: str, rng: np.random.Generator) -> np.ndarray:
    """Random representations, without nan and the infinities."""
    bits = rng.integers(0, 2 ** (64 if dtype == "float64" else 32), n, dtype=np.uint64)
    x = bits.view(np.float64) if dtype == "float64" else bits.astype(np.uint32).view(np.float32)
    return x[np.isfinite(x)].astype(np.float64)


def around(points: list[float] | np.ndarray, dtype: str, steps: int = 3) -> np.ndarray:
    """Each point and its neighbours in the type."""
    x = np.asarray(points, dtype)
    return np.concatenate([x + k * np.spacing(abs(x)) for k in range(-steps, steps + 1)]).astype(np.float64)


def unary_points(name: str, n: int, dtype: str, rng: np.random.Generator) -> np.ndarray:
    digits, largest = (53, 709.78) if dtype == "float64" else (24, 88.72)
    parts = [
        any_bits(n, dtype, rng),
        signed(2.0 ** rng.uniform(-1.5 * digits, 20, n), rng),
        rng.uniform(-2, 2, n),
        rng.uniform(-8, 8, 2 * n),
        around([0.0, 0.25, 0.5, 1.0, 2.0, math.sqrt(0.5), math.sqrt(2.0), 0.41421356, 2.41421356], dtype),
        around([-0.5, -1.0, -2.0, 4.0, 5.95, 6.0, 8.3, 10.0, -10.0, 16.0, 22.0, 40.0, -40.0], dtype),
        around(math.log(2) * (np.arange(-20, 20) + 0.5), dtype),
    ]
    if name.startswith(("exp", "sinh", "cosh", "sigmoid", "softplus", "silu", "gelu", "tanh", "erf")):
        parts.append(rng.uniform(-1.08 * largest, 1.01 * largest, n))
        parts.append(rng.uniform(-40, 40, n))
        parts.append(around([largest, -largest, largest + math.log(2), -largest - 30], dtype))
    if name in ("log", "log1p", "asin", "acos"):
        parts.append(1 - 2.0 ** rng.uniform(-digits, -1, n))
        parts.append(1 + 2.0 ** rng.uniform(-digits, -1, n))
        parts.append(-1 + 2.0 ** rng.uniform(-digits, -1, n))
        parts.append(rng.integers(1, 10**5, n) * 2.0 ** (-1074 if dtype == "float64" else -149))
    if name in ("sin", "cos", "tan"):
        k = np.concatenate([np.arange(1, 200), rng.integers(1, 127324, n // 2), rng.integers(1, 2**45, n // 4)])
        parts.append(around([float(v * mpmath.pi / 2) for v in k.tolist()], dtype, 1))
        parts.append(around([vector_math.trigonometry.LARGE], dtype))
        # The numbers of each type that come nearest to a multiple of pi / 2 (Muller, Elementary Functions, on range reduction).
        parts.append(around([6381956970095103 * 2.0**797 if dtype == "float64" else 16367173 * 2.0**72], dtype))
    x = np.concatenate(parts).astype(dtype).astype(np.float64)
    low, high = {"log": (0, math.inf), "sqrt": (0, math.inf), "log1p": (-1, math.inf), "asin": (-1, 1), "acos": (-1, 1)}.get(
        name, (-math.inf, math.inf)
    )
    return x[(x >= low) & (x <= high) & np.isfinite(x) & ((x > low) | (name in ("asin", "acos", "sqrt")))]


def binary_points(name: str, n: int, dtype: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    digits, largest = (53, 745.0) if dtype == "float64" else (24, 103.0)
    x = [any_bits(n, dtype, rng), signed(2.0 ** rng.uniform(-20, 20, 2 * n), rng), rng.uniform(-3, 3, n)]
    y = [any_bits(n, dtype, rng), signed(2.0 ** rng.uniform(-20, 20, 2 * n), rng), rng.uniform(-3, 3, n)]
    if name == "power":
        base = np.concatenate(
            [abs(any_bits(3 * n, dtype, rng)), 1 + signed(2.0 ** rng.uniform(-digits, -1, n), rng), rng.uniform(0.5, 2, n)]
        )
        base = base.astype(dtype).astype(np.float64)
        base = base[(base > 0) & (base != 1)]
        x.append(base)  # results over the whole range
        y.append(rng.uniform(-largest, largest, len(base)) / np.log(base))
        x.append(rng.integers(-9, 10, n) + rng.choice([0.0, 0.5], n))
        y.append(rng.integers(-40, 41, n).astype(np.float64))
        x.append(rng.uniform(0, 100, n))
        y.append(rng.choice([-2.0, -1.0, -0.5, 0.5, 1.5, 2.0, 3.0, 10.0], n))
    else:
        x.append(any_bits(n, dtype, rng))
        with np.errstate(over="ignore"):
            y.append(x[-1] * 2.0 ** rng.uniform(-3, 3, len(x[-1])))
        size = 2.0 ** rng.uniform(-40, 40, n)
        x.append(size)
        y.append(size * rng.choice([0.41421356237309503, 1.0, 2.414213562373095, 1e-8, 1e9], n))
    with np.errstate(over="ignore"):
        X, Y = (np.concatenate([v[: min(len(v), len(w))] for v, w in zip(a, b, strict=True)]).astype(dtype) for a, b in ((x, y), (y, x)))
    keep = np.isfinite(X) & np.isfinite(Y) & (X != 0) & (Y != 0)
    if name == "power":
        keep &= (X > 0) | (np.floor(Y) == Y)
    return X[keep].astype(np.float64), Y[keep].astype(np.float64)


def nearest_float(x: mpmath.mpf) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.copysign(math.inf, x)


@functools.cache
def reference(name: str, dtype: str, n: int, seed: int) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """Operands, and the exact results as sums of two f64."""
    rng = np.random.default_rng(seed)
    operands = (unary_points(name, n, dtype, rng),) if vector_math.FUNCTIONS[name] == 1 else binary_points(name, n, dtype, rng)
    high, low = np.empty(len(operands[0])), np.empty(len(operands[0]))
    with mpmath.workprec(130):
        for i, values in enumerate(zip(*(x.tolist() for x in operands), strict=True)):
            exact = EXACT[name](*map(mpmath.mpf, values))
            high[i] = nearest_float(exact)
            low[i] = float(exact - high[i]) if math.isfinite(high[i]) else 0.0
    return operands, high, low


def errors(got: np.ndarray, high: np.ndarray, low: np.ndarray, dtype: str) -> np.ndarray:
    """In units in the last place; infinite where one of the two is an infinity or nan and the other is not the same."""
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = high.astype(dtype)
        ulp = np.spacing(np.minimum(abs(rounded), np.finfo(dtype).max)).astype(np.float64)
        got = got.astype(np.float64)
        error = abs((got - high) - low) / ulp
        # One ulp below the largest number, either is right.
        top = np.isinf(got) & (abs(high) >= float(np.finfo(dtype).max) * (1 - 2.0 ** (-22 if dtype == "float32" else -51)))
        same = (got == rounded) | (top & (np.sign(got) == np.sign(high)))
        return np.where(same & ~np.isfinite(got), 0.0, np.where(np.isfinite(got) & np.isfinite(high), error, np.inf))


def check(name: str, dtype: str, fma: bool, width: int, n: int, seed: int) -> float:
    operands, high, low = reference(name, dtype, n, seed)
    error = errors(compiled(name, dtype, width, fma)(*operands), high, low, dtype)
    worst = int(np.argmax(error))
    bound = vector_math.ULP[name][DTYPES.index(dtype)]
    at = [float(x[worst]) for x in operands]
    assert error[worst] <= bound, f"{name}{tuple(at)}: {error[worst]:.3f} ulp ({', '.join(v.hex() for v in at)}; exact {high[worst]!r})"
    return float(error[worst])


# --- the tests ------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", vector_math.FUNCTIONS)
@pytest.mark.parametrize("fma", [pytest.param(True, marks=pytest.mark.skipif(not HAS_FMA, reason="no fma here")), False])
def test_error_is_within_the_bound(name: str, dtype: str, fma: bool) -> None:
    check(name, dtype, fma, 8, 300, 1)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", vector_math.FUNCTIONS)
def test_error_is_within_the_bound_at_many_points(name: str, dtype: str) -> None:
    for fma in {HAS_FMA, False}:
        check(name, dtype, fma, 8, 10_000, 2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", vector_math.FUNCTIONS)
def test_every_width_computes_the_same(name: str, dtype: str) -> None:
    operands, _, _ = reference(name, dtype, 120, 1)
    expected = compiled(name, dtype, 8, HAS_FMA)(*operands)
    for width in WIDTHS:
        np.testing.assert_array_equal(compiled(name, dtype, width, HAS_FMA)(*operands), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", vector_math.FUNCTIONS)
@pytest.mark.parametrize("fma", [pytest.param(True, marks=pytest.mark.skipif(not HAS_FMA, reason="no fma here")), False])
def test_special_values_are_those_of_the_primitives(name: str, dtype: str, fma: bool) -> None:
    kind = np.finfo(dtype)
    sizes = [0.0, math.inf, 1.0, 0.5, 2.0, 3.0, float(kind.max), float(kind.tiny), float(kind.smallest_subnormal)]
    values = [math.nan, *sizes, *(-v for v in sizes)]
    if name == "power":
        values += [2.5, -2.5, 1e-5, 2.0**53 - 1, -(2.0**53 - 1), 2.0**24 - 1, 2.0**53, 1.5, 5.0, -5.0, 1 + float(kind.eps)]
    row = PRIMITIVES["**" if name == "power" else name]
    operands = list(itertools.product(values, repeat=vector_math.FUNCTIONS[name]))
    columns = [np.array(column, dtype) for column in zip(*operands, strict=True)]
    got = compiled(name, dtype, 4, fma)(*columns)
    for i, arguments in enumerate(zip(*(c.astype(np.float64).tolist() for c in columns), strict=True)):
        with np.errstate(over="ignore"):
            expected = float(np.asarray(row.forward(*arguments)).astype(dtype))
        value, at = float(got[i]), f"{name}{arguments}"
        if math.isnan(expected) or math.isinf(expected) or expected == 0:
            assert value == expected or (value != value and expected != expected), (at, value, expected)
            assert value != value or math.copysign(1, value) == math.copysign(1, expected), (at, value, expected)
        else:
            several = 16 if name == "gelu" else 4  # the row rounds the operand of erfc
            assert value == pytest.approx(expected, rel=several * float(kind.eps), abs=4 * float(kind.smallest_subnormal)), at


def test_definitions_come_once_and_call_no_library() -> None:
    needed = [(name, dtype, width) for name in vector_math.FUNCTIONS for dtype in DTYPES for width in (1, 4)]
    for fma in (True, False):
        text = vector_math.definitions(needed + needed, fma=fma)
        text += vector_math.declarations(text)
        defined = Counter(re.findall(r"^define .* (@\w+)\(", text, re.MULTILINE))
        assert {defined[vector_math.symbol(*each)] for each in needed} == {1}
        assert max(defined.values()) == 1
        module = llvm.parse_assembly(text)
        module.verify()
        assert ("llvm.fma" in text) == fma
        assert {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")} == set()


@pytest.mark.parametrize("triple", ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"])
@pytest.mark.parametrize("name", vector_math.FUNCTIONS)
def test_machine_code_calls_nothing_outside(name: str, triple: str) -> None:
    """Neither a C library nor the compiler's own, on the plainest machine of its kind."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target_machine = llvm.Target.from_triple(triple).create_target_machine(opt=1)
    for dtype in DTYPES:
        text = f'target triple = "{triple}"\n' + loop(name, dtype, 4, triple.startswith("aarch64"))
        assembly = target_machine.emit_assembly(optimise(text, target_machine))
        called = re.findall(r"^\s+(?:callq?|bl|jmp)\s+([A-Za-z_]\w*)|(\w+)@(?:PLT|GOT)|:got:(\w+)", assembly, re.MULTILINE)
        assert all("chainrule" in "".join(symbol) for symbol in called), called


def test_declarations_read_calls_of_every_form() -> None:
    text = """
  %a = call reassoc contract <8 x double> @llvm.fma.v8f64(<8 x double> %x, <8 x double> <double 1.0, double 2.0>, <8 x double> %y)
  %b = call double @llvm.vector.reduce.fadd.v8f64(double -0.0, <8 x double> %a)
  %c = call i128 @llvm.ctlz.i128(i128 %f, i1 false)
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 80, i1 false)
  %d = call double @llvm.fabs.f64(double %b)
  %e = call double @llvm.fabs.f64(double %d)
"""
    assert vector_math.declarations(text).splitlines() == [
        "declare <8 x double> @llvm.fma.v8f64(<8 x double>, <8 x double>, <8 x double>)",
        "declare double @llvm.vector.reduce.fadd.v8f64(double, <8 x double>)",
        "declare i128 @llvm.ctlz.i128(i128, i1)",
        "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)",
        "declare double @llvm.fabs.f64(double)",
    ]


def test_every_vector_function_is_a_row() -> None:
    assert {name: PRIMITIVES["**" if name == "power" else name].arity for name in vector_math.FUNCTIONS} == vector_math.FUNCTIONS
    assert vector_math.ULP.keys() == vector_math.FUNCTIONS.keys() == EXACT.keys()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "row", [row for row in PRIMITIVES.values() if row.arity is not None and row.name not in WITHOUT_CODE], ids=lambda row: row.name
)
def test_every_row_has_its_vector_code(row: Primitive, dtype: str) -> None:
    """A row without code for vectors, of its own or from other rows, does not get here: a function that falls back warns of it."""
    assert row.arity is not None
    points = [[0.25, 0.5, 0.75, 0.5, 0.125][k : k + 3] for k in range(row.arity)]
    compiled = chainrule.compile(row, batch=None, dtype=dtype)
    found = compiled(*(np.array(column) for column in points))
    assert found == pytest.approx([row.forward(*point) for point in zip(*points, strict=True)], rel=1e-12 if dtype == "float64" else 1e-5)
    code = "".join(compiled.program.kernel(inputs=True).functions(set()))
    name = "power" if row.name == "**" else row.name
    assert (f"@chainrule_{name}_f{dtype[-2:]}x" in code) == (name in vector_math.FUNCTIONS)
