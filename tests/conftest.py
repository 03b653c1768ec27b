"""What every test shares: how long hypothesis searches, and the engine whose `Value` is under test."""

from __future__ import annotations

import os
from types import ModuleType

import hypothesis
import pytest

import chainrule

# The searches are the same in every run, so that a failure met anywhere is met everywhere. HYPOTHESIS_PROFILE=long searches further.
hypothesis.settings.register_profile("short", deadline=None, derandomize=True, max_examples=60, database=None)
hypothesis.settings.register_profile("long", deadline=None, derandomize=True, max_examples=2_000, database=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


@pytest.fixture(scope="session", params=[chainrule.value], ids=["python"])
def engine(request: pytest.FixtureRequest) -> ModuleType:
    """A module that defines `Value` and `topological_order`; every engine passes the same tests."""
    return request.param


@pytest.fixture(scope="session")
def Value(engine: ModuleType) -> type[chainrule.Value]:  # noqa: N802
    return engine.Value
