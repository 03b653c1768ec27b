"""Draw the pictures of the exercises: `python src/chainrule/course/pictures/make [NAME ...]`.

A NAME is that of a file here, such as `graph`; without one, all pictures are drawn. tests/course/test_pictures.py fails while a picture is
not what its file here draws.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHARED = ("__main__", "figures", "schemes")  # files that draw no picture of their own


def makers() -> list[str]:
    """The names of the files that draw pictures."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in SHARED)


if __name__ == "__main__":
    for name in sys.argv[1:] or makers():
        importlib.import_module(name).make(HERE.parent)
