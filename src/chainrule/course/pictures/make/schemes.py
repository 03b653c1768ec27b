"""What hand-made pictures consist of: a card, boxes, arrows and text, in the look of the pictures that `draw` makes."""

from __future__ import annotations

from html import escape

from chainrule.pictures import CARD, CARD_LINE, FAINT, FONTS, INK, LOOKS

CHARACTER = 0.6  # of the font size: how wide a character is


def card(width: int, height: int, label: str, parts: list[str]) -> str:
    """An SVG: a card with parts on it, and a label for those who cannot see it."""
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'style="max-width:100%;height:auto" role="img" aria-label="{escape(label)}" font-family="{FONTS}">\n'
        f'<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L10 5L0 10z" fill="{INK}"/></marker></defs>\n'
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" fill="{CARD}" stroke="{CARD_LINE}"/>\n{body}\n</svg>\n'
    )


def text(x: float, y: float, words: str, *, size: float = 14, anchor: str = "start", fill: str = INK, bold: bool = False) -> str:
    """A line of text; y is its baseline."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" fill="{fill}"{weight}>{escape(words, quote=False)}</text>'
    )


def box(x: float, y: float, width: float, height: float, look: str = "between", *, dashed: bool = False) -> str:
    """A box that looks like a kind of node."""
    fill, line, _ = LOOKS[look]
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" fill="{fill}" stroke="{line}" stroke-width="1.3"{dashes}/>'
    )


def line(x1: float, y1: float, x2: float, y2: float, *, stroke: str = FAINT) -> str:
    """A thin line."""
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" fill="none" stroke="{stroke}" stroke-width="1"/>'


def arrow(path: str, *, dashed: bool = False) -> str:
    """An arrow along an SVG path."""
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="1.4"{dashes} marker-end="url(#head)"/>'


__all__ = ["CARD", "CARD_LINE", "CHARACTER", "FAINT", "FONTS", "INK", "LOOKS", "arrow", "box", "card", "line", "text"]
