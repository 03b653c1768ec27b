"""`Primitive`: what a row of the table in `primitives.py` says of its operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.reals import real

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    Operand: TypeAlias = Any  # a float, a Value, or anything with an `_apply` method

COMPARISON, SUM, PRODUCT, SIGN, POWER, CALL = range(6)  # how tightly Python's operators bind; a call or a name binds tightest


class Primitive:
    """One operation: its name, its value, and its partial derivatives.

    Arguments:
        name: its name, such as `"*"` or `"tanh"`.
        forward: the operation on floats; returns a float and never raises.
        partials: for each operand, a function of the operands and the result that returns the partial derivative.
        parametric: whether a plain number as the second operand belongs to the operation, as the 2 of `x ** 2` does, and is not a node.
        each: for an operation of any number of operands, in place of `partials`: a function of an operand's position, the operands and
            the result that returns the partial derivative with respect to that operand; `zero` if no gradient passes to any operand.
            Such a row has None as its arity.
        choices: the positions of the operands among which the operation chooses: where such a partial derivative is 0, no gradient passes.
            This differs from a gradient of 0, which an infinite derivative further back would turn into nan.
        written: the partial derivatives as people write them, for `explain`, if `partials` look different because they compute more
            exactly.
        shown: the name in graphs, if it is another one.
        text: the docstring of the function and of the method of this name, with the operands between backticks. A row without one is
            internal: there is no such function.
        operands: the names of the function's arguments.
        defaults: the default values of the last operands.
        is_method: whether a Value has a method of this name too.
        aliases: other names of the method.
        special: the operator that applies the row, by the name of Python's method for it without underscores, such as `"sub"`.
        call: the function to call instead of applying the row to the arguments, if more than that is to be done.
        sign: the sign with which people write the operation, if it has one.
        binds: the precedence of the sign.
        commutes: whether the order of the operands does not matter.
        bounds: the bounds of the results for finite operands; None if a result or a derivative can be infinite or nan.
        expansion: the operation in terms of others, for the compiler, if it has no code of its own for it.
        ulp: the largest error of the compiler's own code for it, in units in the last place, in double and in single precision.
    """

    __slots__ = (
        *("aliases", "arity", "binds", "bounds", "call", "choices", "commutes", "defaults", "each", "expansion", "forward", "is_method"),
        *("name", "operands", "parametric", "partials", "shown", "sign", "special", "text", "ulp", "written"),
    )

    def __init__(
        self,
        name: str,
        forward: Callable[..., float],
        *partials: Callable[..., Operand],
        parametric: bool = False,
        each: Callable[[int, Sequence[Operand], Operand], Operand] | None = None,
        choices: tuple[int, ...] = (),
        written: tuple[Callable[..., Operand], ...] | None = None,
        shown: str = "",
        text: str = "",
        operands: tuple[str, ...] = (),
        defaults: tuple[float | None, ...] = (),
        is_method: bool = True,
        aliases: tuple[str, ...] = (),
        special: str = "",
        call: Callable[..., Operand] | None = None,
        sign: str = "",
        binds: int = CALL,
        commutes: bool = False,
        bounds: tuple[float, float] | None = None,
        expansion: Callable[..., Operand] | None = None,
        ulp: tuple[float, float] | None = None,
    ) -> None:
        self.name = name
        self.shown = shown or name
        self.forward = forward
        self.partials = partials
        self.each = each
        self.arity = len(partials) if each is None else None
        self.parametric = parametric
        self.choices = choices
        self.written = partials if written is None else written
        self.text = text
        self.operands = operands or ("x", "y", "z")[: self.arity]
        self.defaults = defaults
        self.is_method = is_method
        self.aliases = aliases
        self.special = special
        self.call = call
        self.sign = sign
        self.binds = binds
        self.commutes = commutes
        self.bounds = bounds
        self.expansion = expansion
        self.ulp = ulp

    def partial(self, position: int, operands: Sequence[Operand], out: Operand) -> Operand:
        """The partial derivative with respect to the operand at `position`."""
        if self.each is not None:
            return self.each(position, operands, out)
        return self.partials[position](*operands, out)

    def as_written(self, position: int, operands: Sequence[Operand], out: Operand) -> Operand:
        """The same as people write it."""
        return self.partial(position, operands, out) if self.each is not None else self.written[position](*operands, out)

    def __call__(self, *operands: Operand) -> Operand:
        """Apply the operation to floats, Values, or a mixture.

        Returns:
            A float if every operand is a number, else what the first operand that is not a number makes of it: a Value for Values.

        Raises:
            TypeError: if an operand is neither a real number nor a Value.
        """
        for operand in operands:
            if type(operand) is not float:
                break
        else:
            return self.forward(*operands)
        for operand in operands:
            if hasattr(operand, "_apply"):
                return operand._apply(self, operands)
        return self.forward(*map(real, operands))

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"
