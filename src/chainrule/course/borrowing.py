"""What a teacher should look at in an answer that passes: code that takes chainrule's classes for its own, or imports what could reach the
course, files, processes or Python's inner parts, as an answer that writes its own verdict has to.

It goes by the text alone, before anything runs. It is a sign, not a proof: much code that looks like this is honest.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from chainrule.course.exercises import is_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.course.exercises import Exercise
    from chainrule.course.running import Part

PICTURES = {"draw", "dump_graph", "explain", "show", "mirror"}  # of chainrule.course, for answers of any exercise
NEEDED = {
    *("__future__", "abc", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses", "decimal", "enum", "fractions"),
    *("functools", "graphlib", "heapq", "itertools", "math", "matplotlib", "numbers", "numpy", "operator", "pprint", "random", "re"),
    *("statistics", "string", "textwrap", "time", "typing", "typing_extensions", "warnings"),
}
"""The modules that an answer may import without a word: with any other, it could reach files, processes or Python's inner parts."""
ATTRIBUTES = {
    "modules", "_getframe", "_current_frames", "__subclasses__", "__globals__", "__builtins__", "__loader__", "__spec__", "__closure__",
    "f_back", "f_locals", "f_globals", "f_builtins", "tb_frame", "gi_frame", "cr_frame", "ag_frame", "_exit", "settrace", "setprofile",
}  # fmt: skip
CALLS = {
    "exec", "eval", "compile", "__import__", "globals", "locals", "vars", "open", "breakpoint", "setattr", "delattr", "attrgetter",
    "methodcaller",
}  # fmt: skip
LONGEST = 1 << 18  # characters that are looked through
MOST = 3  # things that are named


def notes_on(exercise: Exercise, parts: Sequence[Part]) -> str:
    """What to look at in an answer, in a sentence; "" if there is nothing.

    Arguments:
        exercise: what it answers.
        parts: the answer.
    """
    if (length := sum(len(part.code) for part in parts)) > LONGEST:
        return f"It has {length:,} characters, which are too many to look through."
    given = {name for cell in exercise.solution_cells() if is_answer(cell) for name, _ in _signs(cell.text, exercise)}
    found = [(name, part.line + line - 1) for part in parts for name, line in _signs(part.code, exercise) if name not in given]
    if not found:
        return ""
    first = list({name: f"{name} (line {line})" for name, line in reversed(found)}.values())[::-1]
    more = f" and {len(first) - MOST} more" if len(first) > MOST else ""
    return f"It uses {', '.join(first[:MOST])}{more}, which the exercise does not need."


def _signs(code: str, exercise: Exercise) -> Iterator[tuple[str, int]]:
    """What is used that an answer does not need, and in which line."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    imported = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    bases = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=attribute, ctx=ast.Store()) if module in imported:
                yield f"{module}.{attribute} = ...", node.lineno
            case ast.Attribute(value=ast.Name(id=module), attr=attribute) if module in imported and _is_inner(attribute):
                yield f"{module}.{attribute}", node.lineno
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno) for alias in names if _is_inside(alias.name))
            case ast.ImportFrom(module=str(module), names=names):
                taken = {alias.name for alias in names}
                if _is_inside(module) and not (module == "chainrule.course" and taken <= PICTURES):
                    needed = sorted(taken & {*exercise.checks.requires}) if module.startswith("chainrule") else []
                    yield f"{module}.{needed[0]}" if needed else module, node.lineno
                yield from ((f"{module}.{name}", node.lineno) for name in sorted(taken) if name in CALLS or _is_inner(name))
            case ast.Attribute(attr=attribute) if attribute in ATTRIBUTES or attribute in ("attrgetter", "methodcaller"):
                yield attribute, node.lineno
            case ast.MatchClass(kwd_attrs=names):
                yield from ((name, node.lineno) for name in names if name in ATTRIBUTES)
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str()), *_]):
                pass
            case ast.Call(func=ast.Name(id="getattr")):
                yield "getattr", node.lineno
            case ast.Name(id=name) if name in CALLS or name in ATTRIBUTES:
                yield name, node.lineno
            case ast.Name(id=name, ctx=ast.Load()) if name in imported and id(node) not in bases:
                yield f"the module {name} as a value", node.lineno
            case ast.Constant(value=str(text)) if "chainrule" in text or "answer.json" in text or ATTRIBUTES & {*text.split(".")}:
                yield f"the text {text[:30]!r}", node.lineno


def _is_inside(module: str) -> bool:
    return module.partition(".")[0] not in NEEDED


def _is_inner(name: str) -> bool:
    """Whether what a module holds by this name is a matter of its own, such as another module that it has imported."""
    is_special = name.startswith("__") and name.endswith("__") and name not in ATTRIBUTES
    return (name.startswith("_") and not is_special) or (name in sys.stdlib_module_names and _is_inside(name))


__all__ = ["notes_on"]
