"""What an example gives, compared with the right answer and with those of mistakes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.outcomes import (
    COLLECTION,
    PLAIN_NUMBER,
    Raises,
    about,
    gives,
    has,
    has_nan,
    is_nan,
    is_none,
    one_of,
    other_than,
    same,
)  # fmt: skip


@pytest.mark.parametrize(
    ("found", "expected", "is_same"),
    [
        (1.0, 1, True),
        (1 + 1e-12, 1.0, True),
        (1 + 1e-6, 1.0, False),
        (float("nan"), float("nan"), True),
        (float("inf"), float("inf"), True),
        (float("inf"), float("-inf"), False),
        ([1, 2], (1.0, 2.0), True),
        ([1], [1, 2], False),
        ("a", "a", True),
        (None, 0.0, False),
        (True, 1, False),
        ({"a": 1.0}, {"a": 1}, True),
        ({1}, {1}, True),
    ],
)
def test_results_are_the_same_to_rounding(found: Any, expected: Any, is_same: bool) -> None:
    assert same(found, expected) is is_same


def test_mistakes_are_known_by_what_the_example_gives() -> None:
    large, none, error = Mistake("large", lambda found: found > 3, "."), Mistake("none", is_none, "."), Mistake("error", Raises("E"), ".")
    diagnosis = Diagnosis(Case("", "x", 1), large, none, error, Mistake("two", 2, "."))
    assert [diagnosis.mistake_in(found) for found in (4, None, 2.0, 1)] == [large, none, diagnosis.mistakes[3], None]
    assert diagnosis.mistake_in(type("E", (Exception,), {})()) is error
    assert diagnosis.mistake_in(ValueError()) is None
    assert diagnosis.mistake_in("a text, which cannot be compared with 3") is None


@pytest.mark.parametrize(
    ("wrong", "those", "others"),
    [
        (Raises("ValueError", "no"), [ValueError("oh no")], [ValueError("oh"), TypeError("no"), "no"]),
        (one_of(1, "a", (2, 3)), [1.0, "a", [2, 3]], [2, "b", (2,), None]),
        (about(1 / 3), [0.33333334], [0.3334, "1/3"]),
        (other_than([1.0, 2.0]), [[1.0], [2.0, 1.0], None], [[1, 2], (1.0, 2.0 + 1e-12)]),
        (has("a", 0), [["a"], [0.0, 1], "bar"], [["b"], "b", 7]),
        (is_none, [None], [0, "None"]),
        (is_nan, [math.nan], [math.inf, "nan", None]),
        (has_nan, [[1.0, math.nan], (math.nan,)], [[1.0], math.nan, "nan"]),
        (PLAIN_NUMBER, ["float", "int"], ["Value", 1.0]),
        (COLLECTION, ["list", "tuple", "generator"], ["Value", []]),
    ],
)
def test_what_a_wrong_answer_may_be(wrong: Any, those: list[Any], others: list[Any]) -> None:
    assert [gives(found, wrong) for found in those] == [True] * len(those)
    assert [gives(found, wrong) for found in others] == [False] * len(others)
