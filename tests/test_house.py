"""The map of the house in CONTRIBUTING.md is what the modules say of themselves, and what is there to be read stays short."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import house


def test_the_map_is_what_the_modules_say() -> None:
    assert house.shown() == house.written(), "run `python tests/support/house.py`"


def test_the_map_has_every_module_once() -> None:
    here = {path.stem for path in house.PACKAGE.glob("*.py")} | {path.parent.name for path in house.PACKAGE.glob("*/__init__.py")}
    listed = [name for layer in house.layers() for name in layer]
    assert sorted(listed) == sorted(here - {"__init__"})


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "src/chainrule/compiler/README.md"])
def test_the_files_that_pages_name_are_there(page: str) -> None:
    """By the ends of their paths: the pages say `graph.py`, `codegen/native.py` and `tests/conftest.py`."""
    code = " ".join(re.findall(r"`([^`\n]+)`", (house.ROOT / page).read_text(encoding="utf-8")))
    named = set(re.findall(r"(?<![\w.*/])(?:\w+/)*\w+\.(?:py|pyi|h|c|toml)\b", code))
    here = [f"/{path.name}" for path in house.ROOT.iterdir()]
    here += [path.as_posix() for folder in ("src", "tests", "benchmarks") for path in (house.ROOT / folder).rglob("*.*")]
    assert len(named) > 5
    assert not {name for name in named if not any(path.endswith(f"/{name}") for path in here)}


def test_the_reference_is_read_in_one_sitting() -> None:
    assert len((house.PACKAGE / "value.py").read_text(encoding="utf-8").splitlines()) <= 250


def test_what_the_readme_speaks_of_is_read_in_an_evening() -> None:
    """The table, `Value` and the networks: the README says that they have under 1,000 lines together."""
    lines = [len((house.PACKAGE / name).read_text(encoding="utf-8").splitlines()) for name in ("primitives.py", "value.py", "nn.py")]
    assert sum(lines) < 1000, lines


def test_the_sweep_knows_no_operation() -> None:
    text = (house.PACKAGE / "value.py").read_text(encoding="utf-8")
    for name in ("add", "multiply", "power", "dot"):
        assert f"import {name}" not in text
        assert f" {name}," not in text


def test_nothing_is_loaded_that_runs_only_without_c(tmp_path: Path) -> None:
    """`import chainrule` with the C engine reads the reference, and not the fast Python engine."""
    import subprocess

    pytest.importorskip("chainrule._value")
    program = "import sys, chainrule; print(chainrule.engine.ENGINE, 'chainrule.fast' in sys.modules, 'chainrule.value' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PATH": ""}, cwd=tmp_path)
    assert done.stdout.split() == ["c", "False", "True"]
