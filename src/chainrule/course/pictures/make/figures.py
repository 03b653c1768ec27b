"""How figures of Matplotlib become pictures of the course."""

from __future__ import annotations

import io
import re
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

DRAWN_WITH = "3.11"  # the version of Matplotlib that the pictures were drawn with: another one may draw the same figure in another way


def save(figure: Figure, path: Path, label: str) -> None:
    """Write a figure such that the same run gives the same file, in which no number has more digits than can be seen."""
    content = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "chainrule", "svg.fonttype": "path"}):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}, facecolor="white")
    svg = content.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(?<= d=")[^"]+|(?<= [xy]=")[^"]+', _rounded, svg)
    width, height = (float(x) for x in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    size = f'width="{width:g}" height="{height:g}" style="max-width:100%;height:auto" role="img" aria-label="{label}"'
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, svg, count=1)
    path.write_text("\n".join(line.strip() for line in svg.splitlines()) + "\n", encoding="utf-8")


def _rounded(match: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", match[0])
