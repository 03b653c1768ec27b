"""The examples run and end where their docstrings say."""

import gc
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / name))


@pytest.fixture(autouse=True)
def without_collection() -> Iterator[None]:
    """Graphs hold no cycles; the cyclic collector would only walk them over and over, which doubles the time."""
    gc.disable()
    yield
    gc.enable()


def test_four_points_ends_with_every_sign_right(capsys: pytest.CaptureFixture[str]) -> None:
    names = example("four_points.py")
    main: Callable[[], list[float]] = names["main"]
    assert (names["STEPS"], names["LEARNING_RATE"], names["SEED"]) == (50, 0.1, 1337)
    predictions = main()
    assert [prediction > 0 for prediction in predictions] == [target > 0 for target in names["ys"]]
    printed = capsys.readouterr().out
    assert "MLP(2, [4, 4, 1], activation=relu) with 37 parameters" in printed
    assert printed.count("loss") == 6
    assert printed.count("prediction") == 4


def test_moons_reaches_every_point(capsys: pytest.CaptureFixture[str]) -> None:
    names = example("moons.py")
    assert names["main"]() == 1.0
    printed = capsys.readouterr().out
    assert "with 337 parameters" in printed
    assert printed.rstrip().endswith("accuracy 100%")
