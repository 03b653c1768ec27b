"""Exponentials, logarithms, powers and the functions built from them, as branch-free vector code in a `Body`.

Every polynomial is a minimax fit of our own (Remez's exchange on a grid at 60 digits, the coefficients rounded one after another), every
quotient of two is one by least squares with Lawson's weights; the comment at each names interval and relative error of the function.
"""

from __future__ import annotations

import math

from .vector_ir import Body, Vector

INVERSE_LN2 = 1.0 / math.log(2.0)
# ln 2 in two parts; the first has so many trailing zeros that its product with an exponent is exact (fdlibm, e_log.c, e_logf.c).
LN2 = {"float64": (6.93147180369123816490e-01, 1.90821492927058770002e-10), "float32": (6.9313812256e-01, 9.0580006145e-06)}
# The bits below the point and the exponent's bias.
FORMAT = {"float64": (52, 1023), "float32": (23, 127)}
SMALLEST_NORMAL = {"float64": 2.0**-1022, "float32": 2.0**-126}

# (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2: 2^-57.8 and 2^-28.2 of exp.
EXP = {
    "float64": (
        *(0.5000000000000011, 0.1666666666666656, 0.04166666666653172, 0.008333333333427811, 0.0013888888942680548),
        *(0.00019841269614266865, 2.4801494312276555e-05, 2.7557511857987497e-06, 2.762978235766067e-07, 2.5018808957842193e-08),
    ),
    "float32": (0.4999999403953552, 0.16666516661643982, 0.04166824743151665, 0.008369079791009426, 0.001381890382617712),
}
# The same for expm1: 2^-61.5 and 2^-28.2 of exp(r) - 1.
EXPM1 = {
    "float64": (
        *(0.5, 0.16666666666666677, 0.04166666666666669, 0.008333333333321112, 0.0013888888888858252, 0.00019841269887992306),
        *(2.4801587404116876e-05, 2.7557241896915885e-06, 2.755718350401574e-07, 2.510996584620527e-08, 2.094923871301995e-09),
    ),
    "float32": (0.5, 0.16666635870933533, 0.041666511446237564, 0.008341618813574314, 0.001393049256876111, 0.00014917540829628706),
}
# (sinh(r) / r - 1) / r^2 and (cosh(r) - 1) / r^2 in r^2, |r| <= ln(2) / 2: 2^-61.7 and 2^-69.9; 2^-26.2 and 2^-33.2.
SINH = {
    "float64": (0.16666666666666677, 0.008333333333321386, 0.0001984126988681374, 2.7557243456128472e-06, 2.5109318876683053e-08),
    "float32": (0.1666654348373413, 0.0083665382117033),
}
COSH = {
    "float64": (0.5, 0.041666666666666685, 0.0013888888888873283, 2.4801587349193213e-05, 2.755725185017197e-07, 2.092175000280141e-09),
    "float32": (0.5, 0.041666459292173386, 0.0013935426250100136),
}
# (2 atanh(s) - 2 s) / s^3 in s^2, |s| <= 3 - 2 sqrt(2): 2^-59.5 and 2^-30.2 of the logarithm.
LOG = {
    "float64": (
        *(0.6666666666666734, 0.39999999999416397, 0.2857142874211794, 0.22222198593063736, 0.18183563593697505),
        *(0.15314063216008728, 0.14795873111091515),
    ),
    "float32": (0.6666677594184875, 0.39977580308914185, 0.29870930314064026),
}
# The same from the fifth power on, (2 atanh(s) - 2 s - 2/3 s^3) / s^5: 2^-73.5 of the logarithm.
LOG_TAIL = (
    *(0.3999999999999998, 0.28571428571443847, 0.22222222217787574, 0.18181818844319544, 0.15384558403567838),
    *(0.13336265531380995, 0.11675758676265749, 0.1198194400014199),
)
TWO_THIRDS = (2.0 / 3.0, 3.700743415417188e-17)
# log(1 - erf(x)) = -x (2 / sqrt(pi) + ...). In f64 the rest is x times a quotient, x <= 5.95: 2^-55.3 of erf. In f32 it is a polynomial
# that begins with what the first coefficient lacks, x <= 4: 2^-30.7.
ERF_FIRST = {"float64": -1.1283791670955126, "float32": -1.128379225730896}
ERF_NUMERATOR = (
    *(-0.6366197723675824, -1.1671070296459647, -1.0004965611552237, -0.507341558158805),
    *(-0.1610235468246933, -0.031167020945384538, -0.0032338667345685676, -0.00011827924781364276),
)
ERF_DENOMINATOR = (
    *(1.0, 1.6718526073826154, 1.3317279798151085, 0.6325055597075601),
    *(0.1887260398586675, 0.03440501227295769, 0.003364913537016729, 0.00011830028256664787),
)
ERF_REST = (
    *(5.9109368066856405e-08, -0.6366198062896729, -0.10277167707681656, 0.01911971904337406, 0.00024804819258861244),
    *(-0.0017925120191648602, 0.0007353061810135841, -0.00016506474639754742, 2.0781279090442695e-05, -1.137775143433828e-06),
)
ERF_IS_ONE = {"float64": 5.95, "float32": 4.0}
# exp(a^2 / 2) Phi(-a), Phi the normal distribution, as a quotient: a <= 39, 2^-53.2; a <= 15, 2^-25.1.
NORMAL_NUMERATOR = {
    "float64": (
        *(0.5, 0.7748804489501037, 0.5940559885056789, 0.289339754579624, 0.09770262349399277, 0.023623448645167744),
        *(0.0040895357081205345, 0.0004904501788351166, 3.725720253155659e-05, 1.3858399775733846e-06),
    ),
    "float32": (0.5, 0.4392928183078766, 0.18397606909275055, 0.04088344797492027, 0.00415356969460845),
}
NORMAL_DENOMINATOR = {
    "float64": (
        *(1.0, 2.3476454587030626, 2.561262042749816, 1.7144097401517948, 0.7820586434427093, 0.2549683127624541),
        *(0.06043763345784426, 0.010344335782202157, 0.0012328500714370847, 9.338995729711908e-05, 3.4737856719097455e-06),
    ),
    "float32": (1.0, 1.6764706373214722, 1.2055771350860596, 0.47142696380615234, 0.10248571634292603, 0.010411343537271023),
}


# --- exp and its kin: Cody and Waite, Software Manual for the Elementary Functions (1980), chapter 6 ----------------------------------
def _multiple_of_ln2(b: Body, x: Vector, bias: int) -> tuple[Vector, Vector]:
    """The integer n nearest to `x / ln 2`: an integer whose low bits are `n + bias`, and n as a real."""
    magic = 1.5 * 2.0 ** FORMAT[b.dtype][0] + bias  # adding it rounds to an integer and leaves that in the low bits
    shifted = b.fma(x, INVERSE_LN2, magic)
    return b.bits(shifted), shifted - magic


def _reduce(b: Body, x: Vector, bias: int) -> tuple[Vector, Vector, Vector]:
    """Write `x` as `n ln 2 + r + low`, low being what the rounding of r lost.

    Returns:
        An integer whose low bits are `n + bias`, and r, and low.
    """
    biased, n = _multiple_of_ln2(b, x, bias)
    high_ln2, low_ln2 = LN2[b.dtype]
    t = b.fma(n, -high_ln2, x)
    r = b.fma(n, -low_ln2, t)
    return biased, r, b.fma(n, -low_ln2, t - r)


def _power_of_two(b: Body, biased: Vector) -> Vector:
    """`2^n` from the bits of `n + bias`, for a normal result."""
    return b.from_bits(biased << FORMAT[b.dtype][0])


def exp_in_two(b: Body, x: Vector, low: Vector | None = None) -> tuple[Vector, Vector]:
    """`exp(x + low)` as a product of two, the second a power of two, since `2^n` alone may not be a normal number."""
    mantissa, bias = FORMAT[b.dtype]
    biased, r, _ = _reduce(b, x, 2 * bias)
    r = r if low is None else r + low
    half = (biased << (mantissa - 1)) & -(1 << mantissa)
    rest = (biased << mantissa) - half
    first = b.from_bits(half)
    return b.fma(b.fma(b.polynomial(r, EXP[b.dtype]), r * r, r), first, first), b.from_bits(rest)


EXP_RANGE = {"float64": (-760.0, 710.0), "float32": (-110.0, 89.0)}


def _over_sum(b: Body, x: Vector, c: float, e: Vector) -> Vector:
    """`x / (c + e)` where the sum is between 1 and 2: its rounding error counts most near 1, where it is taken back."""
    total = e + c
    quotient = x / total
    return b.fma(quotient, (total - c) - e, quotient)


def exp(b: Body, x: Vector) -> Vector:
    """The exponential."""
    low, high = EXP_RANGE[b.dtype]
    p, scale = exp_in_two(b, b.at_least(b.at_most(x, high), low))
    return p * scale


def _exp_of_negative(b: Body, x: Vector) -> Vector:
    p, scale = exp_in_two(b, b.at_least(x, EXP_RANGE[b.dtype][0]))
    return p * scale


def _expm1_of_negative(b: Body, x: Vector, *, exact: bool) -> Vector:
    """`exp(x) - 1` for -45 <= x <= 0 (f64) or -20 <= x <= 0 (f32); if the argument is `exact`, so is the reduction."""
    if exact:
        biased, r, low = _reduce(b, x, FORMAT[b.dtype][1])
        q = r + b.fma(b.polynomial(r, EXPM1[b.dtype]), r * r, low)
    else:
        biased, n = _multiple_of_ln2(b, x, FORMAT[b.dtype][1])
        r = b.fma(n, -math.log(2.0), x)
        q = b.fma(b.polynomial(r, EXPM1[b.dtype]), r * r, r)
    scale = _power_of_two(b, biased)
    return b.fma(q, scale, scale - 1.0)


def expm1(b: Body, x: Vector) -> Vector:
    """`exp(x) - 1`, accurate near 0."""
    low, high = (-45.0, 710.0) if b.double else (-20.0, 89.0)
    biased, r, rest = _reduce(b, b.at_least(b.at_most(x, high), low), FORMAT[b.dtype][1] - 1)
    half = _power_of_two(b, biased)
    q = r + b.fma(b.polynomial(r, EXPM1[b.dtype]), r * r, rest)
    # Halved on the way, since 2^1024 overflows; a tiny x would lose a bit by that.
    return b.select(b.absolute(x) < 2.0**-60, x, b.fma(q, half, half - 0.5) * 2.0)


def _sinh_cosh(b: Body, x: Vector) -> tuple[Vector, Vector, Vector, Vector]:
    """For x >= 0: sinh(r), cosh(r) - 1, (2^n - 2^-n) / 4 and (2^n + 2^-n) / 4, where x = n ln 2 + r."""
    mantissa, bias = FORMAT[b.dtype]
    x = b.at_most(x, 710.7 if b.double else 89.6)
    biased, r, low = _reduce(b, x, bias - 2)
    up = _power_of_two(b, biased)
    down = b.from_bits(b.at_least_integer((2 * bias - 4) - (biased & ((1 << 12) - 1)), 0) << mantissa)
    z = r * r
    sinh_r = r + b.fma(b.polynomial(z, SINH[b.dtype]), z * r, low)
    return sinh_r, b.polynomial(z, COSH[b.dtype]) * z, up - down, up + down


def sinh(b: Body, x: Vector) -> Vector:
    """The hyperbolic sine."""
    a = b.absolute(x)
    s, c, minus, plus = _sinh_cosh(b, a)
    result = (minus + b.fma(minus, c, plus * s)) * 2.0
    return b.with_sign(b.select(a < 2.0**-60, a, result), x)


def cosh(b: Body, x: Vector) -> Vector:
    """The hyperbolic cosine."""
    s, c, minus, plus = _sinh_cosh(b, b.absolute(x))
    return (plus + b.fma(plus, c, minus * s)) * 2.0


def tanh(b: Body, x: Vector) -> Vector:
    """The hyperbolic tangent."""
    a = b.absolute(x)
    e = _expm1_of_negative(b, b.at_most(a, 22.0 if b.double else 10.0) * -2.0, exact=True)
    return b.with_sign(_over_sum(b, e, 2.0, e), x)


def sigmoid(b: Body, x: Vector) -> Vector:
    """`1 / (1 + exp(-x))`."""
    e = _exp_of_negative(b, -b.absolute(x))
    return _over_sum(b, b.select(x < 0.0, e, 1.0), 1.0, e)


def sigmoid_slope(b: Body, x: Vector) -> Vector:
    """`1 / ((1 + exp(-x)) (1 + exp(x)))`, the derivative of the sigmoid."""
    e = _exp_of_negative(b, -b.absolute(x))
    total = e + 1.0
    return e / (total * total)


def tanh_slope(b: Body, x: Vector) -> Vector:
    """`1 / cosh(x)^2`, the derivative of tanh."""
    e = _exp_of_negative(b, b.absolute(x) * -2.0)
    total = e + 1.0
    return e * 4.0 / (total * total)


def silu(b: Body, x: Vector) -> Vector:
    """`x / (1 + exp(-x))`; at -inf nan, as the product is."""
    limit = EXP_RANGE[b.dtype][0]
    size, negative = b.absolute(x), x < 0.0
    p, scale = exp_in_two(b, b.at_least(-size, limit))
    numerator = b.select(negative, b.at_least(x, limit) * p, x)
    result = _over_sum(b, numerator, 1.0, p * scale) * b.select(negative, scale, 1.0)
    return b.select(size.equals(math.inf), x + math.inf, result)


# --- log: the argument is 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); then as fdlibm, e_log.c -------------------------------------------
EXPONENT_OFFSET = 64  # above the bias, so that the exponents of subnormal numbers are positive too


def _split(b: Body, x: Vector, *, subnormal: bool) -> tuple[Vector, Vector, Vector]:
    """The exponent in bits, `k`, and `1 + f`, of a positive finite `x = 2^k (1 + f)`; the first is `k + bias + EXPONENT_OFFSET`."""
    mantissa, bias = FORMAT[b.dtype]
    offset = bias + EXPONENT_OFFSET
    sqrt_half = 0x3FE6A09E667F3BCD if b.double else 0x3F3504F3
    to_exponent = b.constant((offset << mantissa) - sqrt_half, b.integer)
    if subnormal:
        digits = mantissa + 2
        small = x < SMALLEST_NORMAL[b.dtype]
        x = b.select(small, x * 2.0**digits, x)
        to_exponent = b.select(small, ((offset - digits) << mantissa) - sqrt_half, to_exponent)
    shifted = b.bits(x) + to_exponent
    exponent = shifted >> mantissa
    significand = b.from_bits((shifted & ((1 << mantissa) - 1)) + sqrt_half)
    magic = 2.0**mantissa
    k = b.from_bits(exponent | ((mantissa + bias) << mantissa)) - (magic + offset)
    return exponent, k, significand


def _log_of(b: Body, f: Vector, k: Vector) -> Vector:
    """`log(2^k (1 + f))`: f - s (f - s^2 P(s^2)) + k ln 2, s = f / (2 + f)."""
    high_ln2, low_ln2 = LN2[b.dtype]
    s = f / (f + 2.0)
    z = s * s
    t = b.fma(b.polynomial(z, [-c for c in LOG[b.dtype]]), z, f)
    return b.fma(k, high_ln2, f - b.fma(s, t, k * -low_ln2))


def log(b: Body, x: Vector) -> Vector:
    """The natural logarithm."""
    _, k, significand = _split(b, x, subnormal=True)
    infinity = b.bits(b.constant(math.inf))
    positive = (b.bits(x) - 1).below(infinity - 1)
    elsewhere = b.select(x.equals(0.0), -math.inf, b.select(x < 0.0, math.nan, x))
    return b.select(positive, _log_of(b, significand - 1.0, k), elsewhere)


def _log1p_of(b: Body, x: Vector) -> Vector:
    """`log(1 + x)` for -1 < x < inf; the sign of a zero is lost."""
    mantissa, bias = FORMAT[b.dtype]
    u = x + 1.0
    lost = x - (u - 1.0)  # exact below 2^(mantissa + 1), and beyond it too small to matter
    exponent, k, significand = _split(b, u, subnormal=False)
    scale = b.from_bits((2 * bias + 1 + EXPONENT_OFFSET - exponent) << mantissa)  # 2^(1-k), since k may be bias + 1
    return _log_of(b, b.fma(lost, scale * 0.5, significand - 1.0), k)


def log1p(b: Body, x: Vector) -> Vector:
    """`log(1 + x)`, accurate near 0."""
    result = b.select(x < math.inf, b.with_sign(_log1p_of(b, x), x), x)
    return b.select(x > -1.0, result, b.select(x.equals(-1.0), -math.inf, math.nan))


def softplus(b: Body, x: Vector) -> Vector:
    """`log(1 + exp(x))`."""
    return b.select(x < 0.0, 0.0, x) + _log1p_of(b, _exp_of_negative(b, -b.absolute(x)))


# --- erf and gelu ---------------------------------------------------------------------------------------------------------------------
def erf(b: Body, x: Vector) -> Vector:
    """The error function, as `1 - exp(log(1 - erf(|x|)))`: one formula for the whole range."""
    a = b.at_most(b.absolute(x), ERF_IS_ONE[b.dtype])
    rest = b.polynomial(a, ERF_NUMERATOR) / b.polynomial(a, ERF_DENOMINATOR) * (a * a) if b.double else b.polynomial(a, ERF_REST) * a
    return b.with_sign(_expm1_of_negative(b, b.fma(a, ERF_FIRST[b.dtype], rest), exact=False), x)


def erfc(b: Body, x: Vector) -> Vector:
    """`1 - erf(x)`, accurate also where that is small: 2 Phi(-sqrt(2) x), Phi the normal distribution."""
    a = b.at_most(b.absolute(x), 27.5 if b.double else 10.5)
    square, lost = b.two_product(a, a)
    p, scale = exp_in_two(b, -square, -lost)
    scaled = a * math.sqrt(2.0)
    p = p * (b.polynomial(scaled, NORMAL_NUMERATOR[b.dtype]) / b.polynomial(scaled, NORMAL_DENOMINATOR[b.dtype]) * 2.0)
    beyond = p * scale
    return b.select(x < 0.0, 2.0 - beyond, beyond)


def gelu(b: Body, x: Vector) -> Vector:
    """`x Phi(x)`, Phi the normal distribution, accurate also where Phi is small; at -inf nan, as the product is."""
    size = b.absolute(x)
    a = b.at_most(size, 40.0 if b.double else 16.0)
    square, lost = b.two_product(a, a)
    p, scale = exp_in_two(b, square * -0.5, lost * -0.5)
    p = p * (b.polynomial(a, NORMAL_NUMERATOR[b.dtype]) / b.polynomial(a, NORMAL_DENOMINATOR[b.dtype]))
    positive = x * (1.0 - p * scale)
    result = b.select(x < 0.0, p * -a * scale, b.select(x < 10.0, positive, x))
    return b.select(size.equals(math.inf), x + math.inf, result)


# --- power ----------------------------------------------------------------------------------------------------------------------------
def _log_in_two(b: Body, x: Vector) -> tuple[Vector, Vector]:
    """The logarithm of a positive f64 as an unevaluated sum, with a relative error of about 2^-66."""
    _, k, significand = _split(b, x, subnormal=True)
    f = significand - 1.0
    # s = f / (2 + f) in two parts
    d, d_low = b.fast_two_sum(b.constant(2.0), f)
    inverse = 1.0 / d
    s = f * inverse
    p, p_low = b.two_product(s, d)
    s_low = ((f - p) - p_low - s * d_low) * inverse
    # 2 s + s^3 (2/3 + z T(z)), z = s^2
    z, z_low = b.two_product(s, s)
    z_low = b.fma(s * 2.0, s_low, z_low)
    tail = b.polynomial(z, LOG_TAIL) * z
    c, c_low = b.fast_two_sum(b.constant(TWO_THIRDS[0]), tail)
    c_low = c_low + TWO_THIRDS[1]
    cube, cube_low = b.two_product(s, z)
    cube_low = cube_low + b.fma(s, z_low, s_low * z)
    t, t_low = b.two_product(cube, c)
    t_low = t_low + b.fma(cube, c_low, cube_low * c)
    high_ln2, low_ln2 = LN2["float64"]
    total, e1 = b.two_sum(k * high_ln2, s * 2.0)
    total, e2 = b.two_sum(total, t)
    low = (e1 + e2) + b.fma(k, low_ln2, b.fma(s_low, 2.0, t_low))
    return b.fast_two_sum(total, low)


def _round(b: Body, x: Vector) -> Vector:
    """The integer nearest to x >= 0."""
    magic = 2.0 ** FORMAT[b.dtype][0]
    return b.select(x < magic, (x + magic) - magic, x)


def round_half_even(b: Body, x: Vector) -> Vector:
    """The integer nearest to x, the even one of two; with the sign of x, also of 0."""
    return b.with_sign(_round(b, b.absolute(x)), x)


def floor(b: Body, x: Vector) -> Vector:
    """The largest integer that is not above x."""
    nearest = round_half_even(b, x)
    return b.select(nearest > x, nearest - 1.0, nearest)


def power(b: Body, x: Vector, y: Vector) -> Vector:
    """`x ** y` as C's pow: IEEE 754-2019, 9.2.1."""
    a = b.absolute(x)
    if b.double:
        # An exponent beyond 2^65 over- or underflows with every base but 1, and would do so in the products already.
        exponent = b.at_least(b.at_most(y, 2.0**65), -(2.0**65))
        high, low = _log_in_two(b, a)
        product, product_low = b.two_product(high, exponent)
        product_low = b.fma(low, exponent, product_low)
        minimum, maximum = EXP_RANGE[b.dtype]
        inside = (product > minimum) & (product < maximum)
        p, scale = exp_in_two(b, b.at_least(b.at_most(product, maximum), minimum), b.select(inside, product_low, 0.0))
        magnitude = p * scale
        zero_or_infinite = a.equals(0.0) | a.equals(math.inf)
        grows = (a > 1.0) ^ (y < 0.0)
        magnitude = b.select(zero_or_infinite, b.select(grows, math.inf, 0.0), magnitude)
    else:
        w = b.like("float64")
        logarithm = log(w, b.cast("fpext", a, "double"))
        magnitude = b.cast("fptrunc", exp(w, logarithm * b.cast("fpext", y, "double")), "float")
    y_size = b.absolute(y)
    half = y_size * 0.5
    integer = _round(b, y_size).equals(y_size)
    odd = integer & ~_round(b, half).equals(half)
    result = b.select(odd, b.with_sign(magnitude, x), magnitude)
    result = b.select((x < 0.0) & (a < math.inf) & ~integer, math.nan, result)
    result = b.select(x.is_nan() | y.is_nan(), math.nan, result)
    one = y.equals(0.0) | x.equals(1.0) | (a.equals(1.0) & y_size.equals(math.inf))
    return b.select(one, 1.0, result)


def hypot(b: Body, x: Vector, y: Vector) -> Vector:
    """`sqrt(x^2 + y^2)` without over- or underflow on the way; inf if either is infinite, even beside nan."""
    ax, ay = b.absolute(x), b.absolute(y)
    larger = b.select(ax > ay, ax, ay)
    limit, step = (2.0**500, 2.0**600) if b.double else (2.0**60, 2.0**88)
    huge, tiny = larger > limit, larger < 1.0 / limit
    down = b.select(huge, 1.0 / step, b.select(tiny, step, 1.0))
    up = b.select(huge, step, b.select(tiny, 1.0 / step, 1.0))
    p, q = ax * down, ay * down
    result = b.sqrt(b.fma(p, p, q * q)) * up
    return b.select(ax.equals(math.inf) | ay.equals(math.inf), math.inf, result)


def sqrt(b: Body, x: Vector) -> Vector:
    """The square root."""
    return b.sqrt(x)
