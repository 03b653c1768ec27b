"""What the compiler's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Here backward() is often called for what it does to a compiled function, and nobody reads the gradients; tests/test_thrown_away.py
    has the warning of that. All other warnings are errors here too."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:backward.. starts from zero:chainrule.GradientWarning"))
