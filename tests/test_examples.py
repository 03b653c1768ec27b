"""The examples run and end where their docstrings say."""

import gc
import os
import runpy
import subprocess
import sys
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


def test_tiny_transformer_has_the_same_losses_on_both_engines() -> None:
    told = []
    for choice in ({}, {"CHAINRULE_ENGINE": "python"}):
        result = subprocess.run(
            [sys.executable, str(EXAMPLES / "tiny_transformer.py"), "--steps", "4"],
            capture_output=True,
            text=True,
            env={**os.environ, **choice},
            check=True,
        )
        told.append([line for line in result.stdout.splitlines() if "engine" not in line and "ms a step" not in line])
    assert told[0] == told[1]
    losses = [float(line.split()[-1]) for line in told[0] if line.startswith("step")]
    assert losses[-1] < losses[0] < 3.0
