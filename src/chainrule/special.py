"""The logarithm of the gamma function and its derivatives, on floats: DLMF, chapter 5.

For positive arguments the error is some units in the last place: where a function is 0, a power series about that point keeps its digits;
elsewhere the recurrence leads to where the asymptotic series holds. The reflection formula leads to negative arguments, where digits are
lost near the zeros. Coefficients were computed with mpmath.
"""

from __future__ import annotations

import math

INFINITY, NAN = math.inf, math.nan
HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
ASYMPTOTIC = 10.0  # from here on the asymptotic series are exact

# lgamma(2 + z) = z (1 - gamma) + sum of (-1)^k (zeta(k) - 1) / k z^k, k = 2, 3, ...: DLMF 5.7.3
ONE_MINUS_EULER = 0.42278433509846713
ABOUT_TWO = (
    *(0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986, 0.0028905103307415234),
    *(-0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939, 9.945751278180853e-05, -4.492623673813314e-05),
    *(2.050721277567069e-05, -9.439488275268397e-06, 4.374866789907488e-06, -2.039215753801366e-06, 9.55141213040742e-07),
    *(-4.492469198764566e-07, 2.1207184805554665e-07, -1.0043224823968099e-07, 4.7698101693639804e-08, -2.2711094608943164e-08),
    *(1.0838659214896955e-08, -5.183475041970047e-09, 2.4836745438024785e-09, -1.1921401405860912e-09, 5.731367241678862e-10),
    *(-2.7595228851242334e-10, 1.330476437424449e-10, -6.4229645638381e-11),
)
# B(2k) / (2k (2k - 1)), k = 1, 2, ...: DLMF 5.11.1
STIRLING = (
    *(0.08333333333333333, -0.002777777777777778, 0.0007936507936507937, -0.0005952380952380953),
    *(0.0008417508417508417, -0.0019175269175269176, 0.00641025641025641, -0.029550653594771242),
)
# The zero of digamma, in two parts, and the derivatives there over the factorials.
ZERO_OF_DIGAMMA = 1.4616321449683622, 9.549995429965697e-17
ABOUT_ZERO = (
    *(0.9676722454476212, -0.4427631689835921, 0.258499760955651, -0.16394270544240652, 0.10782405069126237, -0.07219956125645471),
    *(0.04880428816414311, -0.03316112647484736, 0.022597648232218104, -0.01542476590494896, 0.010538791616612175),
    *(-0.007204534386356869, 0.004926781395729853, -0.003369801655439328, 0.002305126326734928, -0.0015769367714301972),
    *(0.0010788252019162967, -0.0007380709389960052, 0.000504953265834602, -0.0003454680251063077, 0.00023635601564027053),
    *(-0.00016170622091974803, 0.0001106337276874741, -7.569179582195066e-05, 5.178575795222081e-05),
)
BERNOULLI = (  # B(2k), k = 1, 2, ...
    *(0.16666666666666666, -0.03333333333333333, 0.023809523809523808, -0.03333333333333333, 0.07575757575757576),
    *(-0.2531135531135531, 1.1666666666666667, -7.092156862745098, 54.971177944862156, -529.1242424242424),
)


def lgamma(a: float) -> float:
    """The logarithm of the absolute value of the gamma function: inf at 0, -1, -2, ... and at both infinities."""
    if a != a or math.isinf(a):
        return abs(a)
    if a <= 0.0 and a == math.floor(a):
        return INFINITY
    if a < -0.5:
        return math.log(math.pi) - math.log(abs(math.sin(math.pi * _from_nearest(a)))) - math.log(-a) - lgamma(-a)
    if a < 0.5:
        return _about_two(a) - math.log1p(a) - math.log(abs(a))
    if a < 1.5:
        return _about_two(a - 1.0) - math.log(a)
    if a >= ASYMPTOTIC:
        try:
            return (a - 0.5) * (math.log(a) - 1.0) + (HALF_LOG_TWO_PI - 0.5 + _polynomial(STIRLING, 1.0 / (a * a)) / a)
        except OverflowError:
            return INFINITY
    product = 1.0
    while a >= 2.5:
        a -= 1.0
        product *= a
    return _about_two(a - 2.0) + math.log(product)


def digamma(a: float) -> float:
    """The derivative of `lgamma`: an infinity at 0, nan at -1, -2, ... and at -inf."""
    if a == 0.0:
        return -math.copysign(INFINITY, a)
    if a < 0.0:
        if a == -INFINITY or a == math.floor(a):
            return NAN
        return digamma(1.0 - a) - math.pi * _cotangent(a)
    if a == INFINITY:
        return a
    from_zero = a - ZERO_OF_DIGAMMA[0]
    if abs(from_zero) < 0.3:
        z = from_zero - ZERO_OF_DIGAMMA[1]
        return z * _polynomial(ABOUT_ZERO, z)
    terms = []
    while a < ASYMPTOTIC:
        terms.append(-1.0 / a)
        a += 1.0
    square = 1.0 / (a * a)
    series = sum(number / (2.0 * k) * square**k for k, number in enumerate(BERNOULLI, 1))
    return math.fsum([*terms, math.log(a), -0.5 / a, -series])


def polygamma(n: float, a: float) -> float:
    """The derivative of order `n` of `digamma`; nan if `n` is not a whole number from 0 to 100."""
    if not 0.0 <= n <= 100.0 or n != math.floor(n) or a != a:
        return NAN
    if n == 0.0:
        return digamma(a)
    sign = 1.0 if n % 2.0 else -1.0  # that of the function for positive arguments
    try:
        if a > 0.0:
            return sign * _zeta(int(n), a)
        if a == 0.0:
            return INFINITY if sign > 0.0 else -math.copysign(INFINITY, a)
        if -1e-160 < a < 0.0:
            return INFINITY
        if a == -INFINITY or a == math.floor(a):
            return INFINITY if sign > 0.0 and a > -INFINITY else NAN
        cotangent = _derivative_of_cotangent(int(n), _cotangent(a))
        return -_zeta(int(n), 1.0 - a) - math.pi ** (n + 1.0) * cotangent
    except OverflowError:
        return sign * INFINITY if a > 0.0 else INFINITY


def _zeta(n: int, a: float) -> float:
    """`n!` times the sum of `1 / (a + k)^(n + 1)`, k = 0, 1, ...: DLMF 5.15.1, 25.11.43."""
    factorial = math.factorial(n)
    total = 0.0
    while a < ASYMPTOTIC + n:
        total += _quotient(factorial, a, n + 1)
        a += 1.0
    total += _quotient(math.factorial(n - 1), a, n) + 0.5 * _quotient(factorial, a, n + 1)
    for k, number in enumerate(BERNOULLI, 1):
        total += number * (math.factorial(2 * k + n - 1) / math.factorial(2 * k)) * a ** -(2.0 * k + n)
    return total


def _quotient(numerator: int, a: float, power: int) -> float:
    """`numerator / a^power`, an infinity where it overflows."""
    try:
        return numerator * a**-power
    except (OverflowError, ZeroDivisionError):
        return INFINITY


def _derivative_of_cotangent(n: int, cotangent: float) -> float:
    """The derivative of order n of the cotangent, from the cotangent: each is a polynomial in it, as `c' = -(1 + c^2)`."""
    coefficients = [0.0, 1.0]
    for _ in range(n):
        slopes = [k * c for k, c in enumerate(coefficients)][1:]
        coefficients = [-(a + b) for a, b in zip([*slopes, 0.0, 0.0], [0.0, 0.0, *slopes], strict=True)]
    return _polynomial(tuple(coefficients), cotangent)


def _about_two(z: float) -> float:
    """`lgamma(2 + z)` for z between -1/2 and 1/2."""
    return z * (ONE_MINUS_EULER + z * _polynomial(ABOUT_TWO, z))


def _cotangent(a: float) -> float:
    """That of `pi a`, whose argument is exact near its poles and near its zeros."""
    distance = _from_nearest(a)
    if abs(distance) <= 0.25:
        return 1.0 / math.tan(math.pi * distance)
    return math.copysign(math.tan(math.pi * (0.5 - abs(distance))), distance)


def _from_nearest(a: float) -> float:
    return a - round(a)


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    total = 0.0
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total
