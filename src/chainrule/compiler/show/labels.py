"""Names for arrays of parameters, from the labels of their Values: `layers.0.w` from `layers.0.neurons.3.w.1` and others."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from chainrule.compiler.show.shapes import span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.compiler.ir.expressions import Buffer
    from chainrule.compiler.show.shapes import Array, Term


def segments_of(
    arrays: list[tuple[int, int]], labels: Sequence[str | None], places: set[tuple[int, tuple[Term, ...]]]
) -> list[tuple[int, int]]:
    """Cut the parameters' buffer into arrays: where labels change, unless a statement goes through both sides as through one."""
    spans = [(*span(base, terms), len(terms)) for base, terms in places]
    segments = []
    for begin, size in arrays:
        end = begin + size
        here = [(low, high + 1) for low, high, axes in spans if axes > 1 and begin <= low and high < end]
        patterns = [_pattern(label or "") for label in labels[begin:end]]
        cuts = {begin + k for k in range(1, size) if patterns[k] != patterns[k - 1]}
        if not cuts:
            cuts = {edge for span in here for edge in span}
        kept = sorted(cut for cut in cuts if begin < cut < end and not any(low < cut < high for low, high in here))
        segments += [(a, b - a) for a, b in pairwise([begin, *kept, end])]
    return segments


def _pattern(label: str) -> tuple[str, ...]:
    """A label with a star for each number in which the parts of one array differ: `layers.0.neurons.*.w.*`."""
    tokens = re.split(r"(\d+)", label)
    if tokens[0] == "layers.":
        return (*tokens[:2], *tokens[2::2])
    return tuple(tokens[::2])


def names_of(arrays: list[tuple[int, int]], segments: list[tuple[int, int]], labels: Sequence[str | None]) -> dict[tuple[int, int], str]:
    """A name for each segment of the parameters; "" for those without labels."""
    found = {segment: _name([label or "" for label in labels[segment[0] : segment[0] + segment[1]]]) for segment in segments}
    plain = {segment: re.sub(r"\bneurons\.\d+\.", "", name) for segment, name in found.items()}
    used = list(plain.values())
    return {segment: plain[segment] if used.count(plain[segment]) == 1 else name for segment, name in found.items()}


def _name(labels: list[str]) -> str:
    """What the labels of an array have in common: `layers.0.w` of `layers.0.neurons.3.w.1` and others."""
    runs = list(dict.fromkeys(_pattern(label) for label in labels))
    if len(runs) > 1:
        names = [_name([label for label in labels if _pattern(label) == run]) for run in runs]
        return "|".join(names) if all(names) and len("|".join(names)) <= 30 else f"{names[0]}…{names[-1]}" if names[0] and names[-1] else ""
    tokens = [re.split(r"(\d+)", label) for label in labels]
    same = [len({row[k] for row in tokens}) == 1 for k in range(len(tokens[0]))]
    words = "".join(token if fixed else "*" for token, fixed in zip(tokens[0], same, strict=True)).split(".")
    last = max((k for k, word in enumerate(words) if word.strip("*")), default=-1)
    kept = [word for k, word in enumerate(words) if word != "*" and (k == last or words[k + 1 : k + 2] != ["*"])]
    return re.sub(r"\[\*\]|\(\*[, *]*\)|[_, ]?\*", "", ".".join(kept)).strip("._")


def shapes_of(labels: Sequence[str | None]) -> list[tuple[int, ...]]:
    """The shape whose indices are the numbers in the labels, row by row; none if there is no such shape."""
    rows = [[int(digits) for digits in re.findall(r"\d+", label or "")] for label in labels]
    if not rows[0] or len({len(row) for row in rows}) != 1:
        return []
    columns = [column for column in zip(*rows, strict=True) if len(set(column)) > 1]
    shape = tuple(max(column) - min(column) + 1 for column in columns)
    places = [
        sum((x - min(column)) * math.prod(shape[k + 1 :]) for k, (x, column) in enumerate(zip(point, columns, strict=True)))
        for point in zip(*columns, strict=True)
    ]
    return [shape] if shape and places == list(range(len(labels))) else []


def number_unnamed(known: dict[tuple[Buffer, int, int], Array], names: dict[tuple[int, int], str]) -> None:
    """Give arrays of parameters without labels a number, and those of the same name different ones."""
    taken = {array.name for (buffer, begin, size), array in known.items() if buffer.role != "parameter" or (begin, size) not in names}
    count = 0
    for area in sorted((area for area in known if area[0].role == "parameter" and area[1:] in names), key=lambda area: area[1]):
        array = known[area]
        name = names[area[1:]]
        if not name:
            count += 1
            name = f"{'W' if len(array.shape) > 1 else 'w'}{count}"
        unique, again = name, 2
        while unique in taken:
            unique, again = f"{name}_{again}", again + 1
        taken.add(unique)
        known[area] = array._replace(name=unique)


__all__ = ["names_of", "number_unnamed", "segments_of", "shapes_of"]
