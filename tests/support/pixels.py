"""How much of a picture is drawn: its pixels by colour."""

from __future__ import annotations

import io

from PIL import Image


def ink(png: bytes, color: str) -> int:
    """How many pixels of a PNG have a colour, written as in "#0072b2". A picture that is blank has none but those of its background."""
    wanted = tuple(int(color[k : k + 2], 16) for k in (1, 3, 5))
    image = Image.open(io.BytesIO(png)).convert("RGB")
    colors = image.getcolors(image.width * image.height)
    assert colors is not None
    return sum(count for count, found in colors if found == wanted)
