"""The map of the house in CONTRIBUTING.md, written from the docstrings of the modules: `python tests/support/house.py` writes it anew.

The order is that of the layers in pyproject.toml, which `make lint` holds, from the ground up.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "chainrule"
PAGE = ROOT / "CONTRIBUTING.md"
HEAD = "| in `src/chainrule/` | its job |\n|---|---|\n"
READMES = {"compiler": "[its README](src/chainrule/compiler/README.md) has the map of its rooms"}
READMES["course"] = "[its README](src/chainrule/course/README.md) says how an exercise is made"


def layers() -> list[list[str]]:
    """The modules and sub-packages of chainrule, layer by layer, from the ground up."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (house,) = (contract for contract in contracts if contract["id"] == "house")
    return [re.split(r"\s*[|:]\s*", layer) for layer in reversed(house["layers"])]


def job(name: str) -> str:
    """The first sentence of a module's docstring."""
    path = PACKAGE / name / "__init__.py" if (PACKAGE / name).is_dir() else PACKAGE / f"{name}.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    sentence = re.split(r"(?<=[.!?])\s+(?=[A-Z`\"(])", " ".join(text.partition("\n\n")[0].split()))[0]
    return f"{sentence.rstrip('.')}; {READMES[name]}" if name in READMES else sentence.rstrip(".")


def written() -> str:
    """The table of CONTRIBUTING.md."""
    rows = [
        f"| `{name}/` | {job(name)} |" if (PACKAGE / name).is_dir() else f"| `{name}.py` | {job(name)} |"
        for layer in layers()
        for name in layer
        if name != "__main__"
    ]
    return HEAD + "\n".join(rows) + "\n"


def shown() -> str:
    """The table that stands in CONTRIBUTING.md."""
    page = PAGE.read_text(encoding="utf-8")
    start = page.index(HEAD)
    return page[start : page.index("\n\n", start) + 1]


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(shown(), written()), encoding="utf-8")
