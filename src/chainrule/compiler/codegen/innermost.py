"""The innermost code of a group: its statements at one block of points, and the loops of their reductions."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from chainrule.compiler.codegen.loads import index
from chainrule.compiler.ir.statements import Group, Statement, is_injective

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from chainrule.compiler.codegen.loads import Cursor, Index, Writer
    from chainrule.compiler.codegen.vectorize import Plan
    from chainrule.compiler.ir.expressions import Access

    Spot: TypeAlias = tuple[int, ...]  # a point of a block: the steps along each of its axes

UNROLLED = 4  # copies of a short sum that are under way at a time; see `benchmarks/compiled.py --only mnist`


class Point:
    """The innermost code of a group: its statements, at one block of points."""

    def __init__(self, writer: Writer, group: Group, plan: Plan, cursor: Cursor, counts: dict[int, int]) -> None:
        self.writer = writer
        self.text = writer.text
        self.group = group
        self.plan = plan
        self.cursor = cursor
        # The vectors of a row together: so the number that they share need not stay in a register longer.
        self.counts = {axis: counts[axis] for axis in sorted(counts, key=lambda axis: axis == cursor.vector) if counts[axis] > 1}
        self.spots: list[Spot] = list(product(*[range(count) for count in self.counts.values()]))
        self.loaded: dict[object, str] = {}
        self.forwarded: dict[tuple[Access, Spot], str] = {}  # what was stored here, by a store of this group

    def write(self) -> None:
        """Write the statements."""
        with self.text.inside():
            for statement, within in zip(self.group.statements, self.plan.within, strict=True):
                in_turn = statement.accumulate and not is_injective(statement, len(self.group.sizes))
                values = self._reduce(statement, within) if statement.reduced else self._evaluate(statement)
                for spot, value in zip(self.spots, values, strict=True):
                    if statement.accumulate:
                        before = self._load(self._trimmed(statement.store), spot, fresh=in_turn)
                        value = self.writer.joined(statement.reduction, before, value, self.cursor.width)
                    if in_turn:
                        self.writer.store(self._trimmed(statement.store), value, self._at(spot))
                    else:
                        self.forwarded[self._trimmed(statement.store), spot] = value
            self._store()

    def _store(self) -> None:
        last = {statement.store: kept for statement, kept in zip(self.group.statements, self.group.kept, strict=True)}
        for store, kept in last.items():
            if kept:
                for spot in self.spots:
                    value = self.forwarded.get((self._trimmed(store), spot))
                    if value is not None:
                        self.writer.store(self._trimmed(store), value, self._at(spot))

    def _trimmed(self, access: Access) -> Access:
        """An access without the strides of reduced axes, along which it does not move."""
        parallel = len(self.group.sizes)
        return access.with_strides(lambda strides: strides[:parallel])

    def _at(self, spot: Spot, cursor: Cursor | None = None) -> Cursor:
        """The place of a point of the block."""
        cursor = self.cursor if cursor is None else cursor
        for axis, step in zip(self.counts, spot, strict=True):
            start, more = cursor.indices[axis]
            cursor = cursor.at(axis, (start, more + (step * self.cursor.width if axis == self.cursor.vector else step)))
        return cursor

    def _evaluate(self, statement: Statement) -> list[str]:
        return [
            self.writer.scalars.evaluate(statement.value, self.cursor.width, lambda access, spot=spot: self._load(access, spot))  # type: ignore[misc]
            for spot in self.spots
        ]

    def _load(self, access: Access, spot: Spot, *, fresh: bool = False) -> str:
        known = self.forwarded.get((self._trimmed(access), spot))
        if known is not None:
            return known
        return self._load_at(access, self._at(spot), self.loaded, fresh)

    def _load_at(self, access: Access, cursor: Cursor, loaded: dict[object, str], fresh: bool = False) -> str:
        """Load, or take what was loaded from the same address before."""
        along = 0 if cursor.vector is None or cursor.width == 1 else access.strides[cursor.vector]
        key = (access.buffer, self.writer.address(access, cursor), along, cursor.width)
        if fresh or key not in loaded:
            loaded[key] = self.writer.load(access, cursor)
        return loaded[key]

    # --- reductions ---------------------------------------------------------------------------------------------------------------------

    def _reduce(self, statement: Statement, within: int | None) -> list[str]:
        """The sums, or the largest values, for all points of the block."""
        if within is not None:
            return self._reduce_within(statement, within)
        width = self.cursor.width
        sums = self._accumulate(statement, self.spots, width, lambda spot: self._at(spot), statement.reduced)
        return [sums[spot] for spot in self.spots]

    def _reduce_within(self, statement: Statement, within: int) -> list[str]:
        """Where vectors lie along a reduced axis: a vector of partial sums for each result, whose lanes are added up in the end."""
        rows, count = self.cursor.vector, self.cursor.width
        spots = [(*spot, row) for row in range(count) for spot in self.spots]
        axes = tuple(axis for axis in statement.reduced if axis != within)
        totals: list[str] = []

        def at(spot: Spot) -> Cursor:
            cursor = self._at(spot[:-1])
            if rows is not None:
                start, more = cursor.indices[rows]
                cursor = cursor.at(rows, (start, more + spot[-1]))
            return cursor

        for width, begin, end in self.writer.cut(statement.sizes[within], self.writer.width):
            sums = self._accumulate(statement, spots, width, at, axes, (within, begin, end))
            found = [self._lanes(statement.reduction, [sums[(*spot, row)] for row in range(count)], width) for spot in self.spots]
            totals = [self.writer.joined(statement.reduction, a, b, count) for a, b in zip(totals, found, strict=True)] if totals else found
        return totals

    def _accumulate(
        self,
        statement: Statement,
        spots: list[Spot],
        width: int,
        at: Callable[[Spot], Cursor],
        axes: tuple[int, ...],
        within: tuple[int, str | int, str | int] | None = None,
    ) -> dict[Spot, str]:
        """Loops over reduced axes that join the statement's values; `within` is an axis cut into vectors: (axis, begin, end)."""
        text, writer = self.text, self.writer
        kind = text.type(width)
        nothing = text.constant(0.0 if statement.reduction == "sum" else float("-inf"), width)
        loops: list[tuple[int, str | int, str | int, int]] = [(axis, 0, writer.length(statement.sizes[axis]), 1) for axis in axes]
        if within is not None:
            loops.insert(0, (within[0], within[1], within[2], width))
        copies = UNROLLED if len(spots) < UNROLLED and _is_long(loops[-1]) else 1
        sums = {(spot, copy): text.variable(kind) for spot in spots for copy in range(copies)}
        for variable in sums.values():
            text.do(f"store {kind} {nothing}, ptr {variable}")

        def body(indices: dict[int, Index], copy: int) -> None:
            loaded: dict[object, str] = {}
            for spot in spots:
                cursor = at(spot)
                cursor = cursor._replace(indices={**cursor.indices, **indices})
                if within is not None:
                    cursor = cursor._replace(vector=within[0], width=width)
                value = writer.scalars.evaluate(
                    statement.value,
                    width,
                    lambda access, cursor=cursor, spot=spot: self._inner_load(access, cursor, spot, loaded, within),  # type: ignore[misc]
                )
                variable = sums[spot, copy]
                before = text.fresh(f"load {kind}, ptr {variable}")
                text.do(f"store {kind} {writer.joined(statement.reduction, before, value, width)}, ptr {variable}")

        def nest(depth: int, indices: dict[int, Index]) -> None:
            axis, begin, end, step = loops[depth]
            if depth + 1 < len(loops):
                text.loop(begin, end, step, lambda i: nest(depth + 1, {**indices, axis: index(i)}))
                return
            middle = begin
            if copies > 1:
                middle = self._whole(begin, end, step * copies)

                def several(i: str | int) -> None:
                    start, more = index(i)
                    for copy in range(copies):
                        body({**indices, axis: (start, more + copy * step)}, copy)

                text.loop(begin, middle, step * copies, several)
            text.loop(middle, end, step, lambda i: body({**indices, axis: index(i)}, 0))

        nest(0, {})
        out = {}
        for spot in spots:
            parts = [text.fresh(f"load {kind}, ptr {sums[spot, copy]}") for copy in range(copies)]
            while len(parts) > 1:
                parts = [writer.joined(statement.reduction, a, b, width) for a, b in zip(parts[::2], parts[1::2], strict=True)]
            out[spot] = parts[0]
        return out

    def _inner_load(
        self, access: Access, cursor: Cursor, spot: Spot, loaded: dict[object, str], within: tuple[int, str | int, str | int] | None
    ) -> str:
        if (
            within is None
            and (known := self.forwarded.get((self._trimmed(access), spot))) is not None
            and not any(access.strides[len(self.group.sizes) :])
        ):
            return known
        return self._load_at(access, cursor, loaded)

    def _whole(self, begin: str | int, end: str | int, step: int) -> str | int:
        """The end of the last whole step."""
        if isinstance(begin, int) and isinstance(end, int):
            return begin + (end - begin) // step * step
        length = end if begin == 0 else self.text.get(f"sub i64 {end}, {begin}")
        rest = self.text.get(f"urem i64 {length}, {step}")
        return self.text.get(f"sub i64 {end}, {rest}")

    def _lanes(self, reduction: str, vectors: list[str], width: int) -> str:
        """Add up the lanes of each vector; the sums, a power of two of them, become the lanes of one."""
        text = self.text
        done = 1  # how many different sums a vector holds
        while len(vectors) > 1:
            low = [lane for group in range(0, width, 2 * done) for part in (0, width) for lane in range(part + group, part + group + done)]
            if width == 1:
                break
            high = [lane + done for lane in low]
            vectors = [
                self._joined_lanes(reduction, text.shuffle(a, b, width, low), text.shuffle(a, b, width, high), width)
                for a, b in zip(vectors[::2], vectors[1::2], strict=True)
            ]
            done *= 2
            if done == width:
                break
        if len(vectors) > 1 or done == width:
            return self._gathered(vectors, done)
        vector = vectors[0]
        while width > done:
            half = width // 2
            a = text.shuffle(vector, vector, width, list(range(half)))
            b = text.shuffle(vector, vector, width, list(range(half, width)))
            if half == 1:
                a, b = (text.get(f"extractelement <2 x {text.number}> {vector}, i32 {lane}") for lane in range(2))
            vector = self._joined_lanes(reduction, a, b, half)
            width = half
        return vector

    def _gathered(self, vectors: list[str], width: int) -> str:
        """One vector of the lanes of several."""
        text = self.text
        if len(vectors) == 1:
            return vectors[0]
        total = len(vectors) * width
        whole = "poison"
        for number, vector in enumerate(vectors):
            for lane in range(width):
                x = vector if width == 1 else text.get(f"extractelement {text.type(width)} {vector}, i32 {lane}")
                whole = text.get(f"insertelement {text.type(total)} {whole}, {text.number} {x}, i32 {number * width + lane}")
        return whole

    def _joined_lanes(self, reduction: str, a: str, b: str, width: int) -> str:
        return self.writer.joined(reduction, a, b, width)


def _is_long(loop: tuple[int, str | int, str | int, int]) -> bool:
    _, begin, end, step = loop
    return not (isinstance(begin, int) and isinstance(end, int)) or (end - begin) // step >= 2 * UNROLLED
