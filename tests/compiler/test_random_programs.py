"""Random programs agree with the eager engine. More of them: `python tests/support/compiler/random_programs.py FIRST LAST`."""

from __future__ import annotations

import pytest

from compare import TOLERANCE
from programs import chunks
from random_programs import largest_error, random_program

FEW, PROGRAMS, CHUNK = 12, 500, 24


@pytest.mark.parametrize("seeds", chunks(FEW, PROGRAMS, CHUNK))
def test_compiled_random_programs_agree_with_the_eager_engine(seeds: range) -> None:
    wrong = []
    for seed in seeds:
        built = random_program(seed)
        if not (apart := largest_error(built)) <= TOLERANCE:
            wrong.append(f"seed {seed}: {built.told}: {apart:.3g}")
    assert not wrong, "\n".join(wrong)
