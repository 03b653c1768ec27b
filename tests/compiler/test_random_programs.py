"""Random programs agree with the eager engine. More of them: `python tests/compiler/random_programs.py FIRST LAST`."""

from __future__ import annotations

import pytest

from compare import TOLERANCE
from random_programs import largest_error, random_program

FEW, PROGRAMS, CHUNK = 25, 500, 25


@pytest.mark.parametrize(
    "first", [pytest.param(first, marks=[pytest.mark.slow] if first >= FEW else []) for first in range(0, PROGRAMS, CHUNK)]
)
def test_compiled_random_programs_agree_with_the_eager_engine(first: int) -> None:
    wrong = []
    for seed in range(first, first + CHUNK):
        built = random_program(seed)
        if not (apart := largest_error(built)) <= TOLERANCE:
            wrong.append(f"seed {seed}: {built.told}: {apart:.3g}")
    assert not wrong, "\n".join(wrong)
