"""What is written from the table of primitives is what the table says now."""

from __future__ import annotations

from pathlib import Path

import pytest

from derived import FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_file_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path](), f"{path.name} is old: run `python tests/support/derived.py`"
