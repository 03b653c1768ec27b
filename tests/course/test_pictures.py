"""The pictures of the exercises are what the files in pictures/make draw, so they follow the library and the exercises."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from chainrule.course.exercises import PICTURES

MAKERS = PICTURES / "make"
SHARED = {"__main__", "figures", "schemes"}  # files that draw no picture of their own
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
KEY = re.compile(r"\b[hmp][0-9a-f]{10}\b")  # Matplotlib makes it from what it names
NEAR = 1.0  # pixels: more can be seen


@pytest.fixture
def makers(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(MAKERS))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(MAKERS)):
            del sys.modules[name]


def differs(kept: str, drawn: str, *, closely: bool = True) -> str:
    """How two pictures differ; "" if nobody can see a difference.

    Arguments:
        kept: one picture.
        drawn: the other.
        closely: whether to compare every part, or only the size and the text that is read aloud.
    """
    if not closely:
        kept, drawn = (" ".join(re.findall(r'(?:viewBox|aria-label)="[^"]*"', picture)) for picture in (kept, drawn))
    texts, numbers = zip(*((NUMBER.split(text), NUMBER.findall(text)) for text in (KEY.sub("", kept), KEY.sub("", drawn))), strict=True)
    if len(numbers[0]) != len(numbers[1]):
        return f"there were {len(numbers[0])} numbers in it, and there are {len(numbers[1])}"
    for before, after in zip(*texts, strict=True):
        if before != after:
            return f"{before.strip()[-60:]!r} has become {after.strip()[-60:]!r}"
    farthest = max((abs(float(a) - float(b)) for a, b in zip(*numbers, strict=True)), default=0.0)
    return f"something has moved by {farthest:g} pixels" if farthest > NEAR else ""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in MAKERS.glob("*.py") if path.stem not in SHARED))
def test_pictures_are_as_they_are_drawn(name: str, makers: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    import matplotlib

    makers(name).make(tmp_path)
    is_same_version = matplotlib.__version__.startswith(f"{makers('figures').DRAWN_WITH}.")
    drawn = sorted(tmp_path.glob("*.svg"))
    assert drawn
    for path in drawn:
        picture = path.read_text(encoding="utf-8")
        closely = is_same_version or "DejaVuSans" not in picture  # Matplotlib's letters
        how = differs((PICTURES / path.name).read_text(encoding="utf-8"), picture, closely=closely)
        assert not how, f"{path.name} is not what pictures/make/{name}.py draws: {how}. To draw it: python {MAKERS} {name}"


def test_every_picture_is_drawn_by_a_file() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in MAKERS.glob("*.py"))
    assert [path.name for path in PICTURES.glob("*.svg") if f'"{path.name}"' not in code] == []


def test_how_pictures_differ() -> None:
    circle = '<svg viewBox="0 0 9 9" aria-label="a circle"><circle r="{}"/></svg>'
    assert differs(circle.format("2.5"), circle.format("2.51")) == ""
    assert differs(circle.format("2.5"), circle.format("7")) == "something has moved by 4.5 pixels"
    assert differs(circle.format("2.5"), circle.format("2.5").replace("circle", "rect")).startswith('\'" aria-label="a circle')
    assert differs(circle.format("2.5"), circle.format("2.5 2")) == "there were 5 numbers in it, and there are 6"
    assert differs("p0123456789 2", "pabcdef0123 2") == ""
    assert differs(circle.format("2.5"), circle.format("7"), closely=False) == ""
    assert differs(circle.format("2.5"), circle.format("2.5").replace("a circle", "a dot"), closely=False) != ""
