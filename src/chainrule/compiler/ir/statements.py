"""The one form that programs have: statements over axes, and loops of statements.

A statement says, for every point of its axes, `store (+)= value`. Axes along which the store does not move are reduced: their values are
added up, or the largest is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from chainrule.compiler.ir.expressions import Access, Expression

BATCH = -1
"""The size of the axis of samples, known only when the program is called. It is always the first."""


@dataclass(frozen=True)
class Statement:
    """`store (+)= value`, for every point of the axes.

    Arguments:
        sizes: the size of each axis; BATCH for that of the samples.
        store: where the result goes. A stride of 0 reduces the axis, unless the store is looked up along it.
        value: what is computed at each point.
        accumulate: whether to add to the number that is stored there already.
        reduction: how values that go to the same place are joined: "sum", or "max".
    """

    sizes: tuple[int, ...]
    store: Access
    value: Expression
    accumulate: bool = False
    reduction: str = "sum"

    @property
    def reduced(self) -> tuple[int, ...]:
        """The axes along which the store has stride 0."""
        lookup = self.store.lookup
        return tuple(
            axis for axis, stride in enumerate(self.store.strides) if stride == 0 and (lookup is None or lookup.strides[axis] == 0)
        )

    @property
    def scattered(self) -> tuple[int, ...]:
        """The axes along which the store is looked up: two points may meet in the same place."""
        lookup = self.store.lookup
        return () if lookup is None else tuple(axis for axis, stride in enumerate(lookup.strides) if stride != 0)

    @property
    def per_sample(self) -> bool:
        """Whether it is done for each sample of the batch."""
        return BATCH in self.sizes

    def accesses(self) -> tuple[Access, ...]:
        """The store, then every load."""
        return (self.store, *self.value.loads())

    def map(self, change: Callable[[Access], Access]) -> Statement:
        """The same statement with each access changed."""
        return replace(self, store=change(self.store), value=self.value.map(change))


@dataclass(frozen=True)
class Group:
    """Statements over the same parallel axes, done together at each point: what one stores, the next may take from a register.

    Arguments:
        sizes: the parallel axes.
        statements: each has these axes first, then those it reduces.
        kept: for each statement, whether its store must reach memory.
    """

    sizes: tuple[int, ...]
    statements: tuple[Statement, ...]
    kept: tuple[bool, ...]

    @property
    def per_sample(self) -> bool:
        """Whether it is done for each sample of the batch."""
        return any(statement.per_sample for statement in self.statements)

    def map(self, change: Callable[[Access], Access]) -> Group:
        """The same group with each access changed."""
        return replace(self, statements=tuple(statement.map(change) for statement in self.statements))


@dataclass(frozen=True)
class Loop:
    """A body that is repeated; in each iteration, every access moves on by its `advance`."""

    count: int
    body: tuple[Step, ...]

    @property
    def per_sample(self) -> bool:
        """Whether it is done for each sample of the batch."""
        return any(step.per_sample for step in self.body)


Step: TypeAlias = "Statement | Group | Loop"


def statements_of(steps: Sequence[Step]) -> Iterator[Statement]:
    """Every statement, those in groups and loops included."""
    for step in steps:
        if isinstance(step, Statement):
            yield step
        elif isinstance(step, Group):
            yield from step.statements
        else:
            yield from statements_of(step.body)


def is_injective(statement: Statement, parallel: int) -> bool:
    """Whether a statement stores to a different place at each point of its parallel axes."""
    if statement.store.lookup is not None:
        return False
    span = 0
    for stride, size in sorted(
        (abs(stride), size) for stride, size in zip(statement.store.strides[:parallel], statement.sizes, strict=False) if size != 1
    ):
        if stride <= span:
            return False
        if size == BATCH:
            return span < statement.store.buffer.size or not statement.store.buffer.per_sample
        span += stride * (size - 1)
    return True
