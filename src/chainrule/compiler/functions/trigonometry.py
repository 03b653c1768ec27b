"""Sine, cosine, tangent and their inverses as vector code in a `Body`.

A vector with an element beyond `LARGE` takes a branch to a function out of line, which reduces it exactly, element by element; everything
else is branch-free. The polynomials are fitted as in `exponential`.
"""

from __future__ import annotations

import math

from .vector_ir import Body, Vector

LARGE = 2.0e5
# pi in three parts. A fused multiply-add makes the first product exact with whatever digits; else it takes f64, and parts of 36 bits,
# whose products with a multiple of 1/2 below 2^16 are exact.
PI_PARTS = {
    "float64": (3.141592653589793, 1.2246467991473532e-16, -2.9947698097183397e-33),
    "float32": (3.1415927410125732, -8.742277657347586e-08, -3.4302490200117637e-15),
}
PI_SHORT_PARTS = (3.1415926535846666, 5.1266883031679116e-12, 2.1125998133974852e-23)
# Each constant as the nearest number and what that leaves.
PI = {"float64": (3.141592653589793, 1.2246467991473532e-16), "float32": (3.1415927410125732, -8.742277657347586e-08)}
HALF_PI = {"float64": (1.5707963267948966, 6.123233995736766e-17), "float32": (1.5707963705062866, -4.371138828673793e-08)}
# 2 / pi in words of 64 bits, behind a word of zeros.
TWO_OVER_PI = (
    *(0, 0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561, 0xB7246E3A424DD2E0, 0x06492EEA09D1921C),
    *(0xFE1DEB1CB129A73E, 0xE88235F52EBB4484, 0xE99C7026B45F7E41, 0x3991D639835339F4, 0x9C845F8BBDF9283B, 0x1FF897FFDE05980F),
    *(0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D, 0x7527BAC7EBE5F17B, 0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08),
    0x56033046FC7B6BAB,
)
TABLE = f"@chainrule_two_over_pi = internal constant [20 x i64] [{', '.join(f'i64 {word}' for word in TWO_OVER_PI)}]"

# (sin(r) / r - 1) / r^2 in r^2, |r| <= pi / 2: 2^-61.1 and 2^-27.3 of the sine.
SIN = {
    "float64": (
        *(-0.16666666666666666, 0.008333333333333207, -0.00019841269841211395, 2.7557319211191506e-06, -2.505210685438633e-08),
        *(1.605893782981524e-10, -7.642922370807087e-13, 2.72026924079339e-15),
    ),
    "float32": (-0.16666659712791443, 0.008333069272339344, -0.00019809778314083815, 2.606102725621895e-06),
}
# The same, and (cos(r) - 1 + r^2 / 2) / r^4, for |r| <= pi / 4: 2^-58.0 and 2^-64.2.
SIN_QUARTER = (
    *(-0.16666666666666632, 0.008333333333322486, -0.00019841269829853542, 2.755731370518408e-06, -2.5050759915802817e-08),
    1.5896888369677337e-10,
)
COS_QUARTER = (
    *(0.0416666666666666, -0.001388888888887447, 2.4801587289667132e-05, -2.755731439941202e-07, 2.0875729025052287e-09),
    -1.1359919448956393e-11,
)
# (asin(s) / s - 1) / s^2 in s^2, |s| <= 1/2: 2^-59.8 and 2^-31.7 of the arcsine.
ASIN = {
    "float64": (
        *(0.16666666666666763, 0.07499999999970118, 0.0446428571752712, 0.030381942675887598, 0.022372215890727108),
        *(0.0173515957477502, 0.013981015791404153, 0.011397314058919637, 0.0107892099692721, 0.003672584257040016),
        *(0.021789718994812704, -0.0211154583729636, 0.03270140206374678),
    ),
    "float32": (
        *(0.16666659712791443, 0.07500521093606949, 0.04451363533735275, 0.031836047768592834, 0.014329245314002037),
        0.03767300024628639,
    ),
}
# (atan(r) / r - 1) / r^2 in r^2, |r| <= tan(pi / 8): 2^-59.4 and 2^-30.4 of the arctangent.
ATAN = {
    "float64": (
        *(-0.333333333333332, 0.19999999999953633, -0.1428571428019065, 0.11111110782792857, -0.09090897730109754),
        *(0.07692059597171634, -0.06663095761705709, 0.05847820668368198, -0.050389609526540736, 0.03805501600329434),
        -0.01789592968521442,
    ),
    "float32": (-0.33333316445350647, 0.19998528063297272, -0.14244379103183746, 0.1059897392988205, -0.06089279055595398),
}


# --- argument reduction ---------------------------------------------------------------------------------------------------------------
def _subtract_multiple(b: Body, x: Vector, k: Vector) -> Vector:
    """`x - k pi`, rounded."""
    if b.has_fma:
        first, second, third = PI_PARTS[b.dtype]
        return b.fma(k, -third, b.fma(k, -second, b.fma(k, -first, x)))
    high, low = _subtract_multiple_in_two(b, x, k)
    return high + low


def _subtract_multiple_in_two(b: Body, x: Vector, k: Vector) -> tuple[Vector, Vector]:
    """`x - k pi` as an unevaluated sum of two f64 (Cody and Waite 1980, chapter 8)."""
    first, second, third = PI_SHORT_PARTS
    t = b.fma(k, -first, x)
    high = b.fma(k, -second, t)
    return b.fast_two_sum(high, b.fma(k, -third, b.fma(k, -second, t - high)))


def _nearest(b: Body, x: Vector, factor: float, offset: float = 0.0) -> tuple[Vector, Vector]:
    """The integer nearest to `x * factor + offset`: as a real, and in the low bits of an integer."""
    magic = 1.5 * (2.0**52 if b.double else 2.0**23)
    shifted = b.fma(x, factor, offset) + magic if offset else b.fma(x, factor, magic)
    return shifted - magic, b.bits(shifted)


def _reduce_exactly(b: Body, x: Vector, quarter: bool, minus_half_pi: bool) -> tuple[Vector, Vector, Vector]:
    """What one f64 from 2^17 on leaves modulo pi (pi / 2 if `quarter`), in two parts, and the multiple taken away, in the low bits.

    Payne and Hanek, SIGNUM Newsletter 18 (1983) 19-24: multiply by those 192 bits of 2 / pi that matter modulo 4.
    """
    bits = b.bits(x)
    significand = b.cast("zext", (bits & ((1 << 52) - 1)) | (1 << 52), "i128")
    first = (bits >> 52) - (1075 + 2 - 64)
    words = []
    for i in range(4):
        pointer = b.emit("ptr", f"getelementptr [20 x i64], ptr @chainrule_two_over_pi, i64 0, {((first >> 6) + i).typed}")
        words.append(b.emit("i64", f"load i64, {pointer.typed}, align 8"))
    shift = first & 63
    opposite = b.constant(63, "i64") - shift
    window = [b.cast("zext", (words[i] << shift) | ((words[i + 1] >> 1) >> opposite), "i128") for i in range(3)]
    middle = significand * window[1] + ((significand * window[2]) >> 64)
    product = ((significand * window[0]) << 64) + middle  # x * 2 / pi modulo 4, in units of 2^-126
    if minus_half_pi:
        product = product - (1 << 126)
    places = 2 if quarter else 1
    multiple = b.cast("trunc", (product + (1 << (127 - places))) >> (128 - places), "i64")
    fraction = product << places
    negative = fraction < 0
    fraction = b.select(negative, -fraction, fraction)
    # No f64 comes so near to a multiple of pi / 2 that the upper word were 0.
    upper, lower = b.cast("trunc", fraction >> 64, "i64"), b.cast("trunc", fraction, "i64")
    zeros = b.emit("i64", f"call i64 @llvm.ctlz.i64({upper.typed}, i1 false)")
    upper = (upper << zeros) | ((lower >> 1) >> (b.constant(63, "i64") - zeros))
    lower = lower << zeros
    high = b.cast("sitofp", upper >> 11, "double")
    low = b.cast("sitofp", ((upper & 0x7FF) << 42) | (lower >> 22), "double") * 2.0**-53
    c, c_low = HALF_PI["float64"] if quarter else PI["float64"]
    p, p_low = b.two_product(high, b.constant(c))
    p, p_low = b.fast_two_sum(p, p_low + b.fma(high, c_low, low * c))
    scale = b.from_bits((1023 - 53 - zeros) << 52)
    scale = b.select(negative, -scale, scale)
    return p * scale, p_low * scale, multiple


def _unless_large(b: Body, name: str, x: Vector, result: Vector) -> Vector:
    """`result`, or where |x| is large what the function `large_<name>` says."""
    large = b.absolute(x) > LARGE
    slow, done = b.label("large"), b.label("done")
    b.branch(b.any(large), slow, done)
    before = b.block(slow)
    corrected = b.select(large, b.call(f"large_{name}", b.select(large, x, LARGE)), result)
    b.jump(done)
    after = b.block(done)
    return b.emit(result.element, f"phi {b.type(result.element)} [ {result.name}, %{before} ], [ {corrected.name}, %{after} ]")


def large(b: Body, x: Vector, *, name: str) -> Vector:
    """The function where |x| is large, called lane by lane; nan for an infinity."""
    if b.width > 1:
        return b.lane_by_lane(x, f"large_{name}")
    if not b.double:
        w = b.like("float64")
        return b.cast("fptrunc", w.call(f"large_{name}", b.cast("fpext", x, "double")), "float")
    r, low, multiple = _reduce_exactly(b, b.absolute(x), name == "tan", name == "cos")
    if name == "tan":
        result = _flip(b, _tan_of(b, r, low, multiple), b.bits(x))
    else:
        result = _flip(b, _sin_of(b, r), multiple << 63)
        result = _flip(b, result, b.bits(x)) if name == "sin" else -result
    return result + (x - x)


# --- sine, cosine, tangent ------------------------------------------------------------------------------------------------------------
def _flip(b: Body, x: Vector, sign: Vector) -> Vector:
    """Negate `x` where the top bit of `sign` is set."""
    return b.from_bits(b.bits(x) ^ (sign & (-(1 << 63) if sign.element == "i64" else -(1 << 31))))


def _sin_of(b: Body, r: Vector) -> Vector:
    z = r * r
    return b.fma(b.polynomial(z, SIN[b.dtype]) * z, r, r)


def _through_double(b: Body, function: str, x: Vector) -> Vector:
    w = b.like("float64")
    return b.cast("fptrunc", {"sin": sin, "cos": cos, "tan": tan}[function](w, b.cast("fpext", x, "double")), "float")


def sin(b: Body, x: Vector) -> Vector:
    """The sine."""
    if not (b.double or b.has_fma):
        return _through_double(b, "sin", x)  # no short parts of pi would have exact products
    a = b.absolute(x)
    k, parity = _nearest(b, a, 1.0 / math.pi)
    result = _sin_of(b, _subtract_multiple(b, a, k))
    result = _flip(b, result, b.bits(x) ^ (parity << (63 if b.double else 31)))
    return _unless_large(b, "sin", x, result)


def cos(b: Body, x: Vector) -> Vector:
    """The cosine: cos(x) = -sin(x - pi / 2)."""
    if not (b.double or b.has_fma):
        return _through_double(b, "cos", x)
    k, parity = _nearest(b, b.absolute(x), 1.0 / math.pi, -0.5)
    result = _sin_of(b, _subtract_multiple(b, b.absolute(x), k + 0.5))
    result = _flip(b, result, ~parity << (63 if b.double else 31))
    return _unless_large(b, "cos", x, result)


def _tan_of(b: Body, r: Vector, low: Vector, multiple: Vector) -> Vector:
    """The tangent of `r + low + multiple pi / 2`."""
    z = r * r
    s = r + b.fma(b.polynomial(z, SIN_QUARTER) * z, r, low)
    half = z * 0.5
    w = 1.0 - half
    c = w + (((1.0 - w) - half) + b.fma(b.polynomial(z, COS_QUARTER) * z, z, -(r * low)))
    odd = (multiple & 1).equals(1)
    return b.select(odd, -c, s) / b.select(odd, s, c)


def tan(b: Body, x: Vector) -> Vector:
    """The tangent."""
    if not b.double:
        return _through_double(b, "tan", x)
    a = b.absolute(x)
    k, multiple = _nearest(b, a, 2.0 / math.pi)
    r, low = _subtract_multiple_in_two(b, a, k * 0.5)
    return _unless_large(b, "tan", x, _flip(b, _tan_of(b, r, low, multiple), b.bits(x)))


# --- the inverses ---------------------------------------------------------------------------------------------------------------------
def _asin_parts(b: Body, x: Vector) -> tuple[Vector, Vector, Vector]:
    """Where |x| > 1/2, and `asin(s)` as s and what to add, s being |x| or there sqrt((1 - |x|) / 2)."""
    a = b.absolute(x)
    beyond = a > 0.5
    z = b.select(beyond, (1.0 - a) * 0.5, a * a)
    root = b.sqrt(z)
    square, lost = b.two_product(root, root)
    correction = ((z - square) - lost) / b.select(root.equals(0.0), 1.0, root * 2.0)
    s = b.select(beyond, root, a)
    return beyond, s, b.fma(b.polynomial(z, ASIN[b.dtype]) * z, s, b.select(beyond, correction, 0.0))


def asin(b: Body, x: Vector) -> Vector:
    """The arcsine: as fdlibm, e_asin.c, with a polynomial."""
    high, low = HALF_PI[b.dtype]
    beyond, s, rest = _asin_parts(b, x)
    total, lost = b.fast_two_sum(b.constant(high), s * -2.0)
    return b.with_sign(b.select(beyond, total + (lost - (rest * 2.0 - low)), s + rest), x)


def acos(b: Body, x: Vector) -> Vector:
    """The arccosine."""
    high, low = HALF_PI[b.dtype]
    beyond, s, rest = _asin_parts(b, x)
    near_one = (s + rest) * 2.0
    near_minus_one = PI[b.dtype][0] - (near_one - PI[b.dtype][1])
    signed, signed_rest = b.with_sign(s, x), _flip(b, rest, b.bits(x))
    total, lost = b.fast_two_sum(b.constant(high), -signed)
    middle = total + (lost - (signed_rest - low))
    return b.select(beyond, b.select(x < 0.0, near_minus_one, near_one), middle)


def _atan_of_ratio(b: Body, y: Vector, x: Vector, left: Vector | None) -> Vector:
    """`atan(y / x)` for y, x >= 0, and its complement to pi in the lanes `left`."""
    steep, middle = y > x * 2.414213562373095, y > x * 0.4142135623730951
    numerator = b.select(steep, -x, b.select(middle, y - x, y))
    denominator = b.select(steep, y, b.select(middle, y + x, x))
    r = numerator / denominator
    (pi, pi_low), (half, half_low) = PI[b.dtype], HALF_PI[b.dtype]
    base = b.select(steep, half, b.select(middle, half * 0.5, 0.0))
    base_low = b.select(steep, half_low, b.select(middle, half_low * 0.5, 0.0))
    z = r * r
    rest = b.polynomial(z, ATAN[b.dtype]) * z * r
    if left is not None:
        base, base_low = b.select(left, pi - base, base), b.select(left, pi_low - base_low, base_low)
        r, rest = b.select(left, -r, r), b.select(left, -rest, rest)
    total, lost = b.two_sum(base, r)
    return total + (lost + (rest + base_low))


def atan(b: Body, x: Vector) -> Vector:
    """The arctangent: the ranges of Moshier's Cephes, atan.c."""
    a = b.absolute(x)
    return b.with_sign(_atan_of_ratio(b, a, b.constant(1.0), None), x)


def atan2(b: Body, y: Vector, x: Vector) -> Vector:
    """The angle of the point (x, y), as C's atan2."""
    ay, ax = b.absolute(y), b.absolute(x)
    both_infinite = ay.equals(math.inf) & ax.equals(math.inf)
    ay, ax = b.select(both_infinite, 1.0, ay), b.select(both_infinite, 1.0, ax)
    ax = b.select(ay.equals(0.0) & ax.equals(0.0), 1.0, ax)
    limit, step = (2.0**900, 2.0**200) if b.double else (2.0**100, 2.0**60)
    larger = b.select(ax > ay, ax, ay)
    scale = b.select(larger > limit, 1.0 / step, b.select(larger < 1.0 / limit, step, 1.0))
    left = b.bits(x) < 0
    return b.with_sign(_atan_of_ratio(b, ay * scale, ax * scale, left), y)
