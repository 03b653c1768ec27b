"""How a picture looks: its colours and fonts, the card and the legend around Graphviz's drawing, and the SVG as a PNG."""

from __future__ import annotations

import math
import re
from html import escape
from typing import NamedTuple

from chainrule.layout import missing


class Look(NamedTuple):
    """How nodes of one kind are drawn, and what the legend calls them."""

    fill: str
    line: str
    legend: str


# The fills are light enough for dark text and differ in lightness as well as hue, so that they hold for colour-blind readers too.
RESULT, PARAMETER, INPUT, CONSTANT, BETWEEN = "result", "parameter", "input", "constant", "between"
LOOKS = {
    RESULT: Look("#ffc98f", "#b35900", "result"),
    PARAMETER: Look("#b9d7ff", "#1f5fb0", "parameter"),
    INPUT: Look("#c9efc4", "#2f7d32", "input"),
    CONSTANT: Look("#dde1e6", "#6b7580", "constant (no label)"),
    BETWEEN: Look("#ffffff", "#8a94a0", "in between"),
}
INK, FAINT, CARD, CARD_LINE = "#1b222b", "#6b7580", "#fafbfc", "#d5dae0"
OPERATION = Look("#39424e", "#76818e", "operation")
REPEATED = Look("none", INK, "the same node, drawn again")

FONTS = "ui-monospace, 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
_EM = 0.6  # of the font size: how wide a character of these fonts is
_MARGIN, _LINE, _SWATCH = 12.0, 20.0, 12.0
_LARGEST_PNG = 40e6  # pixels


def compose(drawn: str, titles: dict[str, str], legend: list[Look]) -> str:
    """Put Graphviz's drawing and a legend on a card of their own, which looks the same on a light page and on a dark one."""
    box = re.search(r'viewBox="0\.00 0\.00 ([\d.]+) ([\d.]+)"', drawn)
    body = re.search(r"<g id=\"graph0\".*</g>(?=\s*</svg>)", drawn, re.DOTALL)
    if box is None or body is None:
        raise RuntimeError(f"Graphviz returned an SVG that cannot be read: {drawn[:200]}")
    width, height = float(box[1]), float(box[2])
    swatches, legend_width, legend_height = _legend(legend, max(width, 330.0))
    total_width = max(width, legend_width) + 2 * _MARGIN
    total_height = height + legend_height + 3 * _MARGIN

    graph = re.sub(r"<title>([^<]*)</title>\n?", lambda match: _title_element(titles.get(re.sub(r"r\d+$", "", match[1]))), body[0])
    graph = re.sub(r"<!--.*?-->\n?", "", graph)
    graph = re.sub(r' font-family="[^"]*"| id="[^"]*"', "", graph)
    graph = re.sub(r'(class="node labelled">.*?<text )', r'\1font-weight="bold" ', graph, flags=re.DOTALL)
    graph_left = (total_width - width) / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_width:.0f} {total_height:.0f}" width="{total_width:.0f}" '
        f'height="{total_height:.0f}" style="max-width:100%;height:auto" role="img" aria-label="computation graph" '
        f'font-family="{FONTS}">\n'
        f'<rect x="0.5" y="0.5" width="{total_width - 1:.0f}" height="{total_height - 1:.0f}" rx="8" fill="{CARD}" stroke="{CARD_LINE}"/>\n'
        f'<g transform="translate({graph_left:.1f} {_MARGIN:.1f})">\n{graph}\n</g>\n'
        f'<g transform="translate({_MARGIN:.1f} {height + 2 * _MARGIN:.1f})" font-size="12" fill="{INK}">\n{swatches}\n</g>\n</svg>\n'
    )


def _title_element(text: str | None) -> str:
    return f"<title>{escape(text, quote=False)}</title>\n" if text else ""


def _legend(looks: list[Look], width: float) -> tuple[str, float, float]:
    """The legend's entries side by side, in as many lines as the width needs; with the width and height they take."""
    x = y = widest = 0.0
    parts = []
    for look in looks:
        text = x + _SWATCH + 6
        entry = _SWATCH + 6 + 12 * _EM * len(look.legend) + 18
        if x and x + entry - 18 > width:
            x, y, text = 0.0, y + _LINE, _SWATCH + 6
        dashes = ' stroke-dasharray="3 2"' if look is REPEATED else ""
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{_SWATCH}" height="{_SWATCH}" rx="3" fill="{look.fill}" stroke="{look.line}"{dashes}/>'
            f'<text x="{text:.1f}" y="{y + 10:.1f}">{look.legend}</text>'
        )
        x += entry
        widest = max(widest, x - 18)
    return "\n".join(parts), widest, y + _SWATCH


def rasterize(svg: str) -> bytes:
    """A picture that `compose` made, as the content of a PNG file."""
    try:
        import fontpkg
        import resvg_py

        font = fontpkg.path("JetBrains Mono")
    except ImportError as error:
        raise missing(error) from error
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert size is not None  # compose wrote it
    pixels = float(size[1]) * float(size[2])
    # The font is passed by name, so that text appears, and looks the same, on a machine that has no fonts at all. Those of the system
    # stay loaded for the letters that it lacks.
    named = svg.replace(f'font-family="{FONTS}"', 'font-family="JetBrains Mono"', 1)
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=named,
            zoom=min(2.0, math.sqrt(_LARGEST_PNG / pixels)),
            font_files=[str(font)],
            font_family="JetBrains Mono",
            skip_system_fonts=False,
        )
    )
