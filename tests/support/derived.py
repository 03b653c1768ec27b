"""The files that are written from the table of primitives: `python tests/support/derived.py` writes them; a test holds them current."""

from __future__ import annotations

import builtins
import re
import textwrap
from pathlib import Path
from typing import Any

from chainrule.compiler.functions.table import ULP
from chainrule.operators import alias_text, method_operands, method_text, public_rows
from chainrule.primitives import PRIMITIVES
from chainrule.row import Primitive

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "chainrule"
GUIDE = ROOT / "docs" / "guide" / "values.md"
COMPILING = ROOT / "docs" / "guide" / "compiling.md"

STUB = '''"""The elementary functions and the methods of Value as type checkers and documentation see them.

Written by tests/support/derived.py from the table of primitives; do not edit.
"""

from typing import Any, SupportsFloat, TypeAlias, TypeVar

from chainrule.value import Value

Scalar: TypeAlias = Value | float
S = TypeVar("S", Value, float)

'''


def stub() -> str:
    """The text of `elementary.pyi`."""
    rows = public_rows()
    text = STUB + "__all__ = [\n" + "".join(f'    "{row.name}",\n' for row in sorted(rows, key=lambda row: sort_key(row.name))) + "]\n\n"
    text += "\n".join(_function(row) for row in rows)
    text += '\nclass Methods:\n    """The operators and methods of Value that the table has."""\n\n'
    text += "".join(_operators(row) for row in PRIMITIVES.values() if row.special)
    return text + "\n".join(_methods(row) for row in rows if row.is_method)


def _function(row: Primitive) -> str:
    if row.arity == 1:
        return f"def {row.name}({row.operands[0]}: S) -> S:\n" + _body(row.text, "")
    return f"def {row.name}({_arguments(row, row.operands, 'Scalar')}) -> Any:\n" + _body(row.text, "")


def _methods(row: Primitive) -> str:
    arguments = _arguments(row, method_operands(row)[1:], "Value | SupportsFloat")
    arguments = f"self, {arguments}" if arguments else "self"
    named = [(row.name, method_text(row)), *((alias, alias_text(row)) for alias in row.aliases)]
    return "\n".join(f"    def {name}({arguments}) -> Value:\n" + _body(text, "    ") for name, text in named)


def _operators(row: Primitive) -> str:
    if row.arity == 1:
        return f"    def __{row.special}__(self) -> Value: ...\n"
    return (
        f"    def __{row.special}__(self, other: Value | SupportsFloat, /) -> Value: ...\n"
        f"    def __r{row.special}__(self, other: SupportsFloat, /) -> Value: ...\n"
    )


def _arguments(row: Primitive, names: tuple[str, ...], kind: str) -> str:
    """The arguments with their types, and the last of them with the defaults that the row has."""
    defaults = (None,) * (len(names) - len(row.defaults)) + tuple(map(str, row.defaults))
    none = {"None": " | None"}
    parts = [f"{name}: {kind}{none.get(d or '', '')}" + ("" if d is None else f" = {d}") for name, d in zip(names, defaults, strict=True)]
    return ", ".join(parts)


def _body(text: str, indent: str) -> str:
    quoted = textwrap.fill(f'"""{text}"""', 138 - len(indent), break_long_words=False, break_on_hyphens=False)
    if "\n" in quoted:
        quoted = quoted.removesuffix('"""') + '\n"""'
    return textwrap.indent(f"{quoted}\n", indent + "    ")


def sort_key(name: str) -> tuple[Any, ...]:
    """Sorted as ruff does it: constants such as MLP, then classes, then functions; log2 before log10."""
    parts = [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
    return not name.isupper(), not name[0].isupper(), parts


def public_names() -> str:
    """The text of `__init__.py`, with the functions of the table in its list of public names."""
    text = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    begin, end = text.index("__all__ = ["), text.index("]\n", text.index("__all__ = ["))
    names = set(re.findall(r'"(\w+)"', text[begin:end])) | {row.name for row in public_rows() if not hasattr(builtins, row.name)}
    ordered = sorted(names, key=sort_key)
    return text[:begin] + "__all__ = [\n" + "".join(f'    "{name}",\n' for name in ordered) + text[end:]


def guide() -> str:
    """The text of the guide to Values, with the functions of the table in its list of what one can write."""
    text = GUIDE.read_text(encoding="utf-8")
    begin, end = text.index("- Functions, as methods"), text.index("\n- Functions of several")
    names = ", ".join(f"`{row.name}`" for row in public_rows() if row.is_method)
    item = f"- Functions, as methods (`v.tanh()`) or from the package (`chainrule.tanh(v)`, which also takes plain floats): {names}."
    return text[:begin] + textwrap.fill(item, 140, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) + text[end:]


def compiling() -> str:
    """The text of the guide to compiling, with the bounds of errors that the rows have: what its block prints."""
    text = COMPILING.read_text(encoding="utf-8")
    block = text.index("import ULP\n")
    begin = text.index('"""\n', block) + len('"""\n')
    lines = "".join(f"{name:14}{double:4}{single:6}\n" for name, (double, single) in ULP.items())
    return text[:begin] + lines + text[text.index('"""\n', begin) :]


FILES = {PACKAGE / "elementary.pyi": stub, PACKAGE / "__init__.py": public_names, GUIDE: guide, COMPILING: compiling}


if __name__ == "__main__":
    for path, write in FILES.items():
        path.write_text(write(), encoding="utf-8")
