"""Which classes need no memory: what is cheap, and used by one sum alone, is computed where it is used."""

from __future__ import annotations

from chainrule import primitives
from chainrule.compiler.classes import Class, Slot

MOST_TERMS = 8  # of a sum that is computed where it is used
DEEPEST = 12  # operations that are computed where they are used, one inside the other

_CHEAP = {
    primitives.multiply,
    primitives.negative,
    primitives.relu,
    primitives.absolute,
    primitives.maximum,
    primitives.minimum,
    primitives.leaky_relu,
    primitives.greater,
    primitives.equal,
    primitives.select,
}


def choose_inlined(classes: list[Class], roots: set[int]) -> set[int]:
    """Choose the classes that need no buffer: cheap operations whose members are used once each, by sums or by other such classes.

    Arguments:
        classes: all classes.
        roots: those of the results, which are kept.

    Returns:
        The numbers of the classes that are computed where they are used.
    """
    users: dict[int, list[tuple[int, Slot]]] = {}
    for number, found in enumerate(classes):
        for slot in [*found.slots, *(run.slot for run in found.runs)]:
            users.setdefault(slot.of, []).append((number, slot))
    inlined: set[int] = set()
    depth: dict[int, int] = {}  # of the expressions that they are part of
    for number in reversed(range(len(classes))):
        found = classes[number]
        by = users.get(number, [])
        if not by or number in roots or sum(slot.nodes.size for _, slot in by) != found.size:
            continue
        if any(classes[consumer].kind != "sum" and consumer not in inlined for consumer, _ in by):
            continue
        is_cheap = _is_elementwise(found) if found.kind == "sum" else found.primitive in _CHEAP or _is_small_power(found)
        below = 1 + max(depth.get(consumer, 0) for consumer, _ in by)
        if is_cheap and below <= DEEPEST:
            inlined.add(number)
            depth[number] = below
    return inlined


def _is_elementwise(found: Class) -> bool:
    return 0 < len(found.runs) <= MOST_TERMS and all(run.sums is None and run.slot.nodes.shape[1] == 1 for run in found.runs)


def _is_small_power(found: Class) -> bool:
    return found.primitive is primitives.power and found.number in (2.0, 3.0)
