"""What every test shares: how far hypothesis searches, and the engine whose `Value` is under test."""

from __future__ import annotations

from types import ModuleType

import hypothesis
import pytest

import chainrule

# The searches are the same in every run, so that a failure met anywhere is met everywhere. Tests marked slow search further.
hypothesis.settings.register_profile("chainrule", deadline=None, derandomize=True, max_examples=60, database=None)
hypothesis.settings.load_profile("chainrule")


@pytest.fixture(scope="session", params=[chainrule.value], ids=["python"])
def engine(request: pytest.FixtureRequest) -> ModuleType:
    """A module that defines `Value` and `topological_order`. An engine that is added here has to pass the same tests."""
    return request.param


@pytest.fixture(scope="session")
def Value(engine: ModuleType) -> type[chainrule.Value]:  # noqa: N802
    return engine.Value
