"""What every test shares: how far hypothesis searches, and the engine whose `Value` is under test."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from types import ModuleType

import hypothesis
import pytest

import chainrule
from chainrule import fast, reference

# The searches are the same in every run, so that a failure met anywhere is met everywhere. Tests marked slow search further.
hypothesis.settings.register_profile("chainrule", deadline=None, derandomize=True, max_examples=60, database=None)
hypothesis.settings.load_profile("chainrule")

# A shell that runs the tests in the background makes them deaf to Ctrl-C, which some of them send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ENGINES = {"reference": reference, "python": fast}  # the reference is not chosen by users, and passes the same tests
try:
    from chainrule import _value

    ENGINES["c"] = _value
except ImportError:
    if chainrule.engine.ENGINE == "c":
        raise


@pytest.fixture(scope="module", autouse=True)
def _nothing_old_to_collect() -> None:
    """Let Python's garbage collector pass over what is there before the tests of a file, or each of its many runs takes a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def quick() -> Iterator[None]:
    """LLVM translates what it is given as it is, in a third of the time: for tests of what comes before LLVM, or after it."""
    pytest.importorskip("llvmlite")
    from index_programs import quickly

    with quickly():
        yield


def pytest_report_header() -> str:
    return f"chainrule: engines tested: {', '.join(ENGINES)}; running: {chainrule.engine.ENGINE}, because {chainrule.engine.REASON}"


PARTS_OF_ENGINES = {f"chainrule.{name}" for name in ("value", "reference", "fast", "sweeping", "bulk", "guards", "products", "_value")}


@pytest.fixture(scope="session", params=ENGINES.values(), ids=ENGINES.keys())
def engine(request: pytest.FixtureRequest) -> ModuleType:
    """A module that defines `Value` and `topological_order`. An engine that is added here has to pass the same tests."""
    return request.param


@pytest.fixture(scope="session")
def Value(engine: ModuleType) -> type[chainrule.Value]:  # noqa: N802
    return engine.Value


@pytest.fixture(autouse=True)
def _everywhere(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that takes an engine gets it in its own module and all those of the package: what they import is replaced."""
    if "engine" not in request.fixturenames or request.getfixturevalue("engine") is ENGINES[chainrule.engine.ENGINE]:
        yield
        return
    running, wanted = ENGINES[chainrule.engine.ENGINE], request.getfixturevalue("engine")
    with pytest.MonkeyPatch.context() as patch:
        package = [module for name, module in sys.modules.items() if name.split(".")[0] == "chainrule" and name not in PARTS_OF_ENGINES]
        for module in [*package, request.module]:
            for shared in chainrule.engine.SHARED:
                if getattr(module, shared, None) is getattr(running, shared):
                    patch.setattr(module, shared, getattr(wanted, shared))
        yield
