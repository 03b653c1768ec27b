"""From a solution to what a learner begins with: marked lines are taken out, and what the learner has written before is kept.

In a solution, the lines that a learner is to write stand between two marks:

    def __mul__(self, other):
        # <<< multiply the data
        return Value(self.data * other.data)
        # >>>

The blank has `raise NotImplementedError("Exercise 2: multiply the data")` in their place. An exercise that continues an earlier one
begins with the learner's text, not with the solution's: what is new is added to it, and what must change is marked.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from typing import NamedTuple

_MARKED = re.compile(r"^(?P<indent> *)# <<< (?P<task>.*)\n(?P<lines>(?:.*\n)*?) *# >>>\n?", re.MULTILINE)
_MARK = re.compile(r"^ *# (<<< .*|>>>)\n", re.MULTILINE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def solved(marked: str) -> str:
    """The solution, without the marks."""
    return _MARK.sub("", marked + "\n").rstrip("\n")


def blanked(marked: str, exercise: str) -> str:
    """The solution's text with its marked lines taken out."""
    return _MARKED.sub(lambda match: f"{match['indent']}{_refusal(exercise, match['task'])}\n", marked + "\n").rstrip("\n")


def _refusal(exercise: str, task: str) -> str:
    return f"raise NotImplementedError({json.dumps(f'Exercise {exercise}: {task}', ensure_ascii=False)})"


def blanks_in(code: str) -> list[tuple[int, str]]:
    """The blanks that are left in a text: the line of each, and its task. Empty if the text is not Python."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and (task := _task(node)) is not None:
            found.append((node.lineno, task))
    return sorted(found)


def _task(node: ast.Raise) -> str | None:
    call = node.exc
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "NotImplementedError" and call.args):
        return None
    text = call.args[0]
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value.startswith("Exercise ")):
        return None
    return text.value.partition(": ")[2]


# --- going on from earlier work -----------------------------------------------------------------------------------------------------------


class _Edit(NamedTuple):
    """Lines to put in before a line, numbered from 0; how many to take out there; and how deep they are indented."""

    place: int
    lines: list[str]
    removed: int = 0
    depth: int = 0


def carried(earlier: str, marked: str, exercise: str, source: str) -> str:
    """What a learner begins an exercise with, having written something before.

    Arguments:
        earlier: what was written for an earlier exercise.
        marked: this exercise's solution, with marks.
        exercise: its number.
        source: that of the earlier exercise.

    Returns:
        The earlier text. Definitions that are new are added, with their blanks; in those that have to change, the first line says so.

    Raises:
        ValueError: if the earlier text is not Python, so that nothing can be added to it.
    """
    new = blanked(marked, exercise)
    try:
        merge = _Merge(earlier.splitlines(), new, exercise, source)
        merge.bodies(ast.parse(earlier).body, ast.parse(new).body, len(merge.lines), "", 2)
        found = merge.result()
        ast.parse(found)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"nothing can be added to the text of exercise {source}: {error}") from None
    return found


class _Merge:
    """Putting what is new into a text.

    Arguments:
        lines: the text.
        new: where what is new comes from.
        exercise: the number of the exercise that is new.
        source: the exercise that the text was written for.
    """

    def __init__(self, lines: list[str], new: str, exercise: str, source: str) -> None:
        self.lines = lines
        self.new = new
        self.exercise = exercise
        self.source = source
        self.edits: list[_Edit] = []

    def result(self) -> str:
        """The text with all that was found to be new."""
        lines = list(self.lines)
        for edit in sorted(self.edits, key=lambda edit: (edit.place, -edit.depth))[::-1]:
            lines[edit.place : edit.place + edit.removed] = edit.lines
        return "\n".join(lines).strip("\n")

    def bodies(self, mine: list[ast.stmt], theirs: list[ast.stmt], end: int, indent: str, gap: int) -> None:
        """Find what has to be put into one body of statements so that it has all that another has.

        Arguments:
            mine: the body.
            theirs: the other.
            end: the line after the body.
            indent: what its lines begin with.
            gap: how many empty lines there are between definitions.
        """
        known = {name: node for node in mine for name in _names(node)}
        for node in theirs:
            names = _names(node)
            if not names:
                continue
            if not names <= known.keys():
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    self._add_import(mine, node)
                else:
                    text = textwrap.indent(textwrap.dedent(_text(self.new, node)), indent)
                    self.edits.append(_Edit(end, [*[""] * gap, *text.splitlines()], depth=len(indent)))
                continue
            own = known[min(names)]
            if isinstance(node, ast.ClassDef) and isinstance(own, ast.ClassDef):
                self.bodies(own.body, node.body, own.end_lineno or end, self._indent(own.body[-1]), 1)
            elif isinstance(node, Function) and isinstance(own, Function) and (task := _first_task(node)) is not None:
                self._change(own, task)

    def _add_import(self, mine: list[ast.stmt], node: ast.stmt) -> None:
        imports = [own for own in mine if isinstance(own, (ast.Import, ast.ImportFrom))]
        if imports:
            self.edits.append(_Edit(imports[-1].end_lineno or 0, [ast.unparse(node)]))
            return
        first = next((own for own in mine if not _is_docstring(own)), None)
        place = self._above_comments(_first_line(first), 0) if first is not None else len(self.lines)
        self.edits.append(_Edit(place, [ast.unparse(node), "", ""]))

    def _change(self, own: Function, task: str) -> None:
        """Put a line at the top of a function that is to be changed."""
        body = own.body[1:] if _is_docstring(own.body[0]) and len(own.body) > 1 else own.body
        notes = f"# Below is yours, from exercise {self.source}. Change it, and delete these two lines."
        refusal = _refusal(self.exercise, task)
        line = _first_line(body[0])
        head = self.lines[line].encode()[: body[0].col_offset].decode()
        if head.strip():  # all in one line: def f(x): return x
            indent = f"{self._indent(own)}    "
            rest = self.lines[line].encode()[body[0].col_offset :].decode()
            self.edits.append(_Edit(line, [head.rstrip(), *(f"{indent}{part}" for part in (notes, refusal, rest))], removed=1))
            return
        place = self._above_comments(line, own.lineno)
        self.edits.append(_Edit(place, [f"{self._indent(body[0])}{part}" for part in (notes, refusal)]))

    def _above_comments(self, line: int, least: int) -> int:
        """The line where the comments above a line begin."""
        while line > least and self.lines[line - 1].strip().startswith("#"):
            line -= 1
        return line

    def _indent(self, node: ast.stmt) -> str:
        """What the line of a statement begins with."""
        line = self.lines[_first_line(node)]
        return line[: len(line) - len(line.lstrip())]


def _first_line(node: ast.stmt) -> int:
    """The line where a statement begins, with its decorators; from 0 on."""
    return min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))]) - 1


def _first_task(node: Function) -> str | None:
    tasks = [task for inner in ast.walk(node) if isinstance(inner, ast.Raise) and (task := _task(inner)) is not None]
    return tasks[0] if tasks else None


def _names(node: ast.stmt) -> set[str]:
    """What a statement defines."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {ast.unparse(target) for target in targets}
    return set()


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _text(code: str, node: ast.stmt) -> str:
    """The lines of a statement, with its decorators and the comments above it."""
    lines = code.splitlines()
    begin = _first_line(node)
    while begin and lines[begin - 1].lstrip().startswith("#"):
        begin -= 1
    return "\n".join(lines[begin : node.end_lineno])


__all__ = ["blanked", "blanks_in", "carried", "solved"]
