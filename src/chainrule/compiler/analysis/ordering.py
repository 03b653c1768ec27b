"""In which order the members of a class are laid out, and the terms of sums are added up, so that operands are regular."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule import primitives
from chainrule.compiler.analysis.classes import Class, Slot, Terms
from chainrule.compiler.analysis.strides import factor

if TYPE_CHECKING:
    from chainrule.compiler.analysis.rows import Rows
    from chainrule.compiler.analysis.strides import Nest


def order_members(rows: Rows, number: int) -> None:
    """Order the members by their operands, data before parameters, if this order is regular and that of the tape is not."""
    found = rows.classes[number]
    if found.size < 4 or found.kind == "max" or found.primitive is primitives.take or any(each.sums is not None for each in found.terms):
        return
    before = rows.parameter_buffer.size, len(rows.arrays)
    natural, keys = _irregularity(rows, found)
    if natural == 0:
        return
    rows.unassign(*before)
    order = np.lexsort(keys[::-1])
    changed = _reordered(found, order)
    better, _ = _irregularity(rows, changed)
    if better >= natural:
        rows.unassign(*before)
        return
    rank = np.empty(found.size, np.int64)
    rank[order] = np.arange(found.size)
    nodes = np.flatnonzero(rows.class_of == number)
    rows.position[nodes] = rank[rows.position[nodes]]
    found.members, found.slots, found.terms = changed.members, changed.slots, changed.terms


def _irregularity(rows: Rows, found: Class) -> tuple[int, list[np.ndarray]]:
    """How irregular the operands of a class are, and for each member what to sort it by: its first places, data first."""
    worst = 0
    data: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    columns = [(slot.of, slot.nodes) for slot in found.slots] + [(each.slot.of, each.slot.nodes) for each in found.terms]
    for of, nodes in columns:
        rows.begin(np.repeat(np.arange(found.size), nodes.shape[1]))
        rows.operand(of, nodes.ravel())
        worst += irregular(factor(np.stack(rows.rows)))
        constants = {row for row, _ in rows.known}
        for number, row in enumerate(rows.rows[1:], 1):
            first = row.reshape(found.size, -1)[:, 0]
            if number not in constants:
                (weights if rows.buffer_of.get(number) is rows.parameter_buffer else data).append(first)
    return worst, [*data, *weights] or [np.arange(found.size)]


def sorted_terms(rows: Rows, terms: Terms, store: np.ndarray) -> Terms:
    """The same terms in another order where that makes them regular: a sum does not mind."""
    nodes = terms.slot.nodes
    if breaks(rows, terms, store) == 0:
        return terms
    rows.begin(np.repeat(store, nodes.shape[1]))
    rows.operand(terms.slot.of, nodes.ravel())
    keys = [row.reshape(nodes.shape) for row in rows.rows[1:]]
    order = np.lexsort(keys[::-1], axis=-1)
    changed = Terms(terms.sign, Slot(terms.slot.of, np.take_along_axis(nodes, order, 1)), None)
    return changed if breaks(rows, changed, store) < breaks(rows, terms, store) else terms


def breaks(rows: Rows, terms: Terms, store: np.ndarray) -> int:
    """How irregular terms are: 0 if one nest holds it."""
    rows.begin(np.repeat(store, terms.slot.nodes.shape[1]))
    rows.operand(terms.slot.of, terms.slot.nodes.ravel())
    return irregular(factor(np.stack(rows.rows)))


def irregular(nests: list[Nest]) -> int:
    """How far nests are from a single one without a table."""
    return sum(nest.irregular for nest in nests) + len(nests) - 1


def _reordered(found: Class, order: np.ndarray) -> Class:
    return Class(
        found.kind,
        found.members[order],
        found.primitive,
        found.number,
        [Slot(slot.of, slot.nodes[order]) for slot in found.slots],
        [Terms(each.sign, Slot(each.slot.of, each.slot.nodes[order]), None) for each in found.terms],
    )


__all__ = ["breaks", "irregular", "order_members", "sorted_terms"]
