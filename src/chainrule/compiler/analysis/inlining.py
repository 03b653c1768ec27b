"""Choose the classes that need no memory: a class that is cheap to compute, and used by only one sum, is computed where it is used.

It is written there once for each time that it is an operand, and in the gradient once more for each number that it reads. So the amount of
computation in one place is bounded; beyond the bound a class gets memory, and the text of a program stays proportional to the number of
classes.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from chainrule import primitives
from chainrule.compiler.analysis.classes import Class, Slot

MOST_TERMS = 8  # of a sum that is computed where it is used
LONGEST_TERM = 16  # operations and numbers in one term of a sum, with all that is computed there

_CHEAP = {
    primitives.multiply,
    primitives.negative,
    primitives.relu,
    primitives.absolute,
    primitives.maximum,
    primitives.minimum,
    primitives.clip,
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
    users: dict[int, list[tuple[Use, Slot]]] = {}
    for number, found in enumerate(classes):
        for k, slot in enumerate([*found.slots, *(each.slot for each in found.terms)]):
            users.setdefault(slot.of, []).append(((number, k), slot))
    copies: dict[int, Counter[Use]] = {}  # of what is inlined: in which terms, how often
    lengths: Counter[Use] = Counter()  # of the terms, less the one number that each of them is without anything inlined
    for number in reversed(range(len(classes))):
        found = classes[number]
        by = users.get(number, [])
        if not by or number in roots or sum(slot.nodes.size for _, slot in by) != found.size:
            continue
        if any(classes[user].kind != "sum" and user not in copies for (user, _), _ in by):
            continue
        is_cheap = _is_elementwise(found) if found.kind == "sum" else found.primitive in _CHEAP or _is_small_power(found)
        if not is_cheap:
            continue
        places: Counter[Use] = Counter()
        for use, _ in by:
            places.update(copies.get(use[0], {use: 1}))
        more = max(1, 2 * len(found.terms) - 2) if found.kind == "sum" else len(found.slots)
        if all(1 + lengths[term] + times * more <= LONGEST_TERM for term, times in places.items()):
            copies[number] = places
            lengths.update({term: times * more for term, times in places.items()})
    return set(copies)


Use: TypeAlias = tuple[int, int]
"""An operand or a term: the number of the class that it belongs to, and which of that class's it is."""


def _is_elementwise(found: Class) -> bool:
    return 0 < len(found.terms) <= MOST_TERMS and all(each.sums is None and each.slot.nodes.shape[1] == 1 for each in found.terms)


def _is_small_power(found: Class) -> bool:
    return found.primitive is primitives.power and found.number in (2.0, 3.0)
