"""The names of a node: its label, and the name of its operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.by_hand import BY_HAND, set_name
from chainrule.primitives import power
from chainrule.refusals import refuse_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.row import Primitive


class Named:
    """The part of Value for its names."""

    __slots__ = ()

    _label: str
    _named: str | None = None  # the name that was assigned to `_op`

    @property
    def label(self) -> str:
        """A name to show in pictures and tables; "" if none was given."""
        try:
            return self._label
        except AttributeError:
            return ""

    @label.setter
    def label(self: Any, text: str) -> None:
        if not isinstance(text, str):
            refuse_label(text)
        self._label = text

    @property
    def _op(self: Any) -> str:
        """The name of the operation that made this node: "+", "*", "**2", "tanh"; "" for a leaf. Another may be assigned."""
        rule = self._rule
        if self._named is not None or rule is None:
            return self._named or ""
        if rule is BY_HAND:
            return self._by_hand[0]
        return operation_name(rule, self._operands) if rule.parametric else rule.shown

    @_op.setter
    def _op(self, name: str) -> None:
        set_name(self, name)


def operation_name(rule: Primitive, operands: Sequence[Any]) -> str:
    """The name of a parametric operation, with the number that belongs to it: "**2", "leaky_relu(0.01)"."""
    parameter = operands[1]
    if type(parameter) is not float:
        return rule.name
    number = repr(parameter).removesuffix(".0")
    return f"**{number}" if rule is power else f"{rule.name}({number})"
