"""Index patterns and formulas: what random programs of gathers, scatters and recurrences are drawn from."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import chainrule
from chainrule import greater, maximum, minimum, where

Pattern = Callable[[int, int], int]
"""From the indices of two loops to a place in an array; a loop alone has the second index 0."""


class Drawn(NamedTuple):
    """Something drawn, and what it is called."""

    call: Callable[..., Any]
    told: str


# --- where ------------------------------------------------------------------------------------------------------------------------------


def pattern(rng: random.Random, size: int, *, two: bool = False, regular: bool = False) -> Drawn:
    """A pattern for an array of `size` numbers: of two indices, or of the first one; regular, so that loops are rolled, or any."""
    choice = rng.choice((REGULAR_OF_TWO if regular else TWO_INDICES) if two else REGULAR if regular else ONE_INDEX)
    call, told = choice(rng, size)
    return Drawn(call, told)


def _affine(rng: random.Random, n: int) -> tuple[Pattern, str]:
    a, b = rng.choice([1, 1, 2, 3, -1, -2, n - 1]), rng.randrange(n)
    return lambda i, j: (a * i + b) % n, f"({a}i+{b})%{n}"


def _modular(rng: random.Random, n: int) -> tuple[Pattern, str]:
    m = rng.choice([rng.randint(1, min(5, n)), n])
    return lambda i, j: i % m, f"i%{m}"


def _constant(rng: random.Random, n: int) -> tuple[Pattern, str]:
    c = rng.randrange(n)
    return lambda i, j: c, f"{c}"


def _reversed(rng: random.Random, n: int) -> tuple[Pattern, str]:
    m, b = rng.choice([rng.randint(1, min(5, n)), n]), rng.randrange(4)
    return lambda i, j: m - 1 - (i + b) % m, f"{m - 1}-(i+{b})%{m}"


def _permuted(rng: random.Random, n: int) -> tuple[Pattern, str]:
    order = rng.sample(range(n), n)
    return lambda i, j: order[i % n], f"{order}[i%{n}]"


def _listed(rng: random.Random, n: int) -> tuple[Pattern, str]:
    places = [rng.randrange(n) for _ in range(rng.randint(2, 6))]
    return lambda i, j: places[i % len(places)], f"{places}[i%{len(places)}]"


def _repeated(rng: random.Random, n: int) -> tuple[Pattern, str]:
    k = rng.randint(2, 4)
    return lambda i, j: i // k % n, f"i//{k}%{n}"


def _two_level(rng: random.Random, n: int) -> tuple[Pattern, str]:
    k, a, b = rng.randint(2, 4), rng.randint(1, 4), rng.randint(1, 3)
    return lambda i, j: (i // k * a + i % k * b) % n, f"(i//{k}*{a}+i%{k}*{b})%{n}"


def _triangle(rng: random.Random, n: int) -> tuple[Pattern, str]:
    return lambda i, j: i * (i + 1) // 2 % n, f"i(i+1)/2%{n}"


def _clamped(rng: random.Random, n: int) -> tuple[Pattern, str]:
    a, b = rng.choice([1, 2]), rng.randrange(3)
    return lambda i, j: min(a * i + b, n - 1), f"min({a}i+{b},{n - 1})"


def _falling(rng: random.Random, n: int) -> tuple[Pattern, str]:
    b = rng.randrange(n)
    return lambda i, j: max(b - i, 0), f"max({b}-i,0)"


def _mirrored(rng: random.Random, n: int) -> tuple[Pattern, str]:
    b = rng.randrange(n)
    return lambda i, j: min(abs(i - b), n - 1), f"min(|i-{b}|,{n - 1})"


def _strided(rng: random.Random, n: int) -> tuple[Pattern, str]:
    a, b, c = rng.choice([1, 2, 3, -1]), rng.choice([1, 2, 3, -1, n - 1]), rng.randrange(n)
    return lambda i, j: (a * i + b * j + c) % n, f"({a}i+{b}j+{c})%{n}"


def _band(rng: random.Random, n: int) -> tuple[Pattern, str]:
    b = rng.randrange(n)
    return lambda i, j: min(abs(i - j + b), n - 1), f"min(|i-j+{b}|,{n - 1})"


def _diagonal(rng: random.Random, n: int) -> tuple[Pattern, str]:
    m = rng.randint(2, 5)
    return lambda i, j: (i * (m + 1) + j) % n, f"({m + 1}i+j)%{n}"


def _rows(rng: random.Random, n: int) -> tuple[Pattern, str]:
    m = rng.randint(2, 5)
    return lambda i, j: (i * m + j) % n, f"({m}i+j)%{n}"


def _columns(rng: random.Random, n: int) -> tuple[Pattern, str]:
    m = rng.randint(2, 5)
    return lambda i, j: (j * m + i) % n, f"({m}j+i)%{n}"


def _product(rng: random.Random, n: int) -> tuple[Pattern, str]:
    return lambda i, j: i * j % n, f"ij%{n}"


def _packed(rng: random.Random, n: int) -> tuple[Pattern, str]:
    return lambda i, j: (i * (i + 1) // 2 + j) % n, f"(i(i+1)/2+j)%{n}"


def _halved(rng: random.Random, n: int) -> tuple[Pattern, str]:
    k = rng.randint(2, 3)
    return lambda i, j: abs(i - j) // k % n, f"|i-j|//{k}%{n}"


def _inner(rng: random.Random, n: int) -> tuple[Pattern, str]:
    call, told = rng.choice(ONE_INDEX)(rng, n)
    return lambda i, j: call(j, 0), f"{told} for i=j"


REGULAR = [_affine, _affine, _modular, _modular, _constant, _constant, _reversed, _clamped]
REGULAR_OF_TWO = [_strided, _strided, _diagonal, _rows, _columns, _inner, *REGULAR[2:]]
ONE_INDEX = [*REGULAR, *REGULAR, _permuted, _listed, _repeated, _two_level, _triangle, _falling, _mirrored]
TWO_INDICES = [_strided, _strided, _band, _diagonal, _rows, _columns, _product, _packed, _halved, _inner, _inner, *ONE_INDEX[:8]]


def inner_range(rng: random.Random, length: int) -> Drawn:
    """The inner indices that a loop of two goes through, for each outer one."""
    w = rng.randint(1, 2)
    return rng.choice(
        [
            Drawn(lambda i: range(length), f"j<{length}"),
            Drawn(lambda i: range(length), f"j<{length}"),
            Drawn(lambda i: range(min(i + 1, length)), f"j<=i<{length}"),
            Drawn(lambda i: range(min(i, length - 1), length), f"i<=j<{length}"),
            Drawn(lambda i: range(max(0, min(i, length - 1) - w), min(length, i + w + 1)), f"|i-j|<={w},j<{length}"),
            Drawn(lambda i: range(i % 2, length, 2), f"j<{length} by 2 from i%2"),
            Drawn(lambda i: range(length - 1, -1, -1), f"j<{length} backwards"),
        ]
    )


# --- what -------------------------------------------------------------------------------------------------------------------------------

FORMULAS: dict[int, dict[str, Callable[..., Any]]] = {
    1: {
        "a": lambda a: a,
        "0.7a+0.1": lambda a: 0.7 * a + 0.1,
        "a*a": lambda a: a * a,
        "a**3": lambda a: a**3,
        "-a": lambda a: -a,
        "|a|": lambda a: abs(a + 0.05),
        "relu(a)": lambda a: chainrule.relu(a + 0.1),
        "1/(1+a*a)": lambda a: 1 / (1 + a * a),
        "sqrt(a*a+0.5)": lambda a: chainrule.sqrt(a * a + 0.5),
        "max(a,0.2)": lambda a: maximum(a, 0.2),
    },
    2: {
        "a*b": lambda a, b: a * b,
        "a+b": lambda a, b: a + b,
        "0.6a-0.3b": lambda a, b: 0.6 * a - 0.3 * b,
        "a*b+0.1": lambda a, b: a * b + 0.1,
        "a*(1-b)": lambda a, b: a * (1 - b),
        "a/(1+b*b)": lambda a, b: a / (1 + b * b),
        "max(a,b)": maximum,
        "min(a,b)": minimum,
        "where(a>0.1,b,0.5a)": lambda a, b: where(greater(a, 0.1), b, 0.5 * a),
        "a*a*b": lambda a, b: a * a * b,
    },
    3: {
        "a*b+c": lambda a, b, c: a * b + c,
        "a*b*c": lambda a, b, c: a * b * c,
        "a+b*c": lambda a, b, c: a + b * c,
        "0.5*(a+b)*c": lambda a, b, c: 0.5 * (a + b) * c,
        "a+c*(b-a)": lambda a, b, c: a + c * (b - a),
        "where(a>b,a*c,c)": lambda a, b, c: where(greater(a, b), a * c, c),
        "max(a,b)*c": lambda a, b, c: maximum(a, b) * c,
        "max(a*b,c)": lambda a, b, c: maximum(a * b, c),
        "a/(1+b*b)+c": lambda a, b, c: a / (1 + b * b) + c,
    },
}

CURVES: dict[str, Callable[[Any], Any]] = {
    "tanh": chainrule.tanh,
    "sin": chainrule.sin,
    "exp": lambda a: chainrule.exp(0.3 * a),
    "sigmoid": chainrule.sigmoid,
    "log": lambda a: chainrule.log(a * a + 0.5),
}
"""Elementary functions; LLVM takes long over them, so a program has few."""


def formula(rng: random.Random, operands: int, curves: float = 0.1) -> Drawn:
    """A formula of some numbers; with a chance of `curves`, an elementary function of it."""
    told, call = rng.choice(list(FORMULAS[operands].items()))
    if rng.random() >= curves:
        return Drawn(call, told)
    name, curve = rng.choice(list(CURVES.items()))
    return Drawn(lambda *numbers: curve(call(*numbers)), f"{name}({told})")
