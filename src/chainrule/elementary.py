"""The elementary functions, one for each row of the table that has a text; `elementary.pyi` has their types and docstrings.

`tests/support/derived.py` writes that file from the table, and a test holds it current.
"""

from chainrule.operators import function_of, public_rows

FUNCTIONS = {row.name: function_of(row) for row in public_rows()}
globals().update(FUNCTIONS)

__all__ = sorted(FUNCTIONS)


class Methods:
    """Tells type checkers about the methods that `operators.add_to` gives to Value; at run time it is empty."""

    __slots__ = ()
