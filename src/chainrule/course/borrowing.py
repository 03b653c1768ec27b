"""What a teacher should look at in an answer that passes: code that takes chainrule's classes for its own, or reads the course or Python's
inner parts, as an answer that writes its own verdict has to.

It goes by the text alone, before anything runs. It is a sign, and no proof: much code that looks so is honest.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from chainrule.course.exercises import is_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.course.exercises import Exercise
    from chainrule.course.running import Part

PICTURES = {"draw", "dump_graph", "explain", "show", "mirror"}  # of chainrule.course, for answers of any exercise
INSIDE = {"gc", "inspect", "importlib", "ctypes", "pkgutil", "runpy", "traceback", "atexit", "builtins", "__main__", "imp", "types"}
ATTRIBUTES = {
    "modules",
    "_getframe",
    "__subclasses__",
    "__globals__",
    "__builtins__",
    "__loader__",
    "f_back",
    "tb_frame",
    "_exit",
    "settrace",
}
CALLS = {"exec", "eval", "compile", "__import__", "globals", "open"}
MOST = 3  # things that are named


def notes_on(exercise: Exercise, parts: Sequence[Part]) -> str:
    """What to look at in an answer, in a sentence; "" if there is nothing.

    Arguments:
        exercise: what it answers.
        parts: the answer.
    """
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
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=attribute, ctx=ast.Store()) if module in imported:
                yield f"{module}.{attribute} = ...", node.lineno
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno) for alias in names if _is_inside(alias.name))
            case ast.ImportFrom(module=str(module), names=names):
                taken = {alias.name for alias in names}
                if _is_inside(module) and not (module == "chainrule.course" and taken <= PICTURES):
                    needed = sorted(taken & {*exercise.checks.requires}) if module.startswith("chainrule") else []
                    yield f"{module}.{needed[0]}" if needed else module, node.lineno
            case ast.Attribute(attr=attribute) if attribute in ATTRIBUTES:
                yield attribute, node.lineno
            case ast.Name(id=name) if name in CALLS or name in ATTRIBUTES:
                yield name, node.lineno
            case ast.Constant(value=str(text)) if "chainrule" in text or "answer.json" in text:
                yield f"the text {text[:30]!r}", node.lineno


def _is_inside(module: str) -> bool:
    return module.partition(".")[0] in {*INSIDE, "chainrule"}


__all__ = ["notes_on"]
