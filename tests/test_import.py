"""Importing chainrule is cheap, and its public names are the ones it says."""

from __future__ import annotations

import builtins
import re
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule
from derived import sort_key

HEAVY = ["numpy", "llvmlite", "rich", "click", "matplotlib", "sklearn", "jax", "safetensors"]


def test_import_loads_nothing_heavy() -> None:
    """In an interpreter of its own: in this one, the tests have loaded some of these."""
    program = f"import sys, chainrule; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
    assert done.stderr == ""


def test_what_the_docs_name_is_there_without_an_import_of_its_own() -> None:
    root = Path(__file__).parent.parent
    pages = [root / "README.md", *(root / "docs").rglob("*.md")]
    names = {
        name for page in pages for name in re.findall(r"(?<![\w./-])chainrule\.([a-z][a-z_]*)\b(?!\.(?:ipynb|svg|html))", page.read_text())
    }
    assert {"schedules", "compile"} <= names
    program = f"import chainrule; print([name for name in {sorted(names)} if not hasattr(chainrule, name)])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_other_attributes_are_refused() -> None:
    for name in ("scheduels", "_nothing", "schedules.LinearLR"):
        with pytest.raises(AttributeError, match=f"module 'chainrule' has no attribute '{name}'"):
            getattr(chainrule, name)


@pytest.mark.parametrize("name", chainrule.__all__)
def test_public_names_exist_and_are_documented(name: str) -> None:
    assert getattr(chainrule, name).__doc__


def test_the_list_of_public_names_is_sorted_and_complete() -> None:
    assert chainrule.__all__ == sorted(chainrule.__all__, key=sort_key)
    assert len(set(chainrule.__all__)) == len(chainrule.__all__)
    own = {
        name
        for name, thing in vars(chainrule).items()
        if not name.startswith("_") and getattr(thing, "__module__", "").startswith("chainrule.")
    }
    assert own - set(dir(builtins)) <= set(chainrule.__all__)


def test_star_import_gives_the_public_names() -> None:
    namespace: dict[str, object] = {}
    exec("from chainrule import *", namespace)
    assert set(chainrule.__all__) <= namespace.keys()


def test_the_version_is_there() -> None:
    assert [part.isdigit() for part in chainrule.__version__.split(".")] == [True, True, True]
