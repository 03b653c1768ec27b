"""Writes `rows.h`: the operations of `primitives.py` and the rules of `updates.py` as C, before `setup.py` compiles the C engine.

The functions of a row are run on C text in place of numbers, as `explain` runs them on formulas. An operator makes a longer text; a
function of `math` becomes a call of the same function in C, and a row a call of its own function in C. Where a function asks whether a
condition holds, it is run once for each answer, and the two texts become the branches of an `if`. A row treats a text as it treats a
float, since `float` means `Text` in its module.

A row that cannot be written in this way has no C: the engine calls it in Python. That is so where a function of `math` is Python's own and
not that of the C library, where an exception decides what the result is, and where a loop has no fixed length. The exceptions that
`ieee.py` turns into infinities and nan are known here.
"""

from __future__ import annotations

import functools
import gc
import importlib.util
import math
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Finish = Callable[[Any], list[str]]  # the lines that end a function

# Functions of `math` that are those of the C library, bit for bit. Outside of their domain the second kind makes a nan whose sign is the
# processor's; that of primitives.py has none.
SAME = {"exp", "expm1", "tanh", "atan", "atan2", "erf", "erfc", "sinh", "cosh", "fabs", "copysign"}
SAME_IN_THEIR_DOMAIN = {"sin", "cos", "tan", "asin", "acos", "sqrt", "log", "log1p", "log2", "log10", "exp2", "asinh", "acosh", "atanh"}
QUESTIONS = {"isnan": "isnan", "isinf": "isinf", "isfinite": "isfinite"}
KNOWN = {"divide": "ieee_divide", "power": "ieee_power"}  # of arithmetic.h: functions of ieee.py in which an exception decides
LETTERS = "abc"
RULES = {"sgd": ("p", "m"), "adam": ("p", "m", "v", "largest")}  # of updates.py: what each returns anew
MOST_QUESTIONS = 8  # one after another


class CannotWriteError(Exception):
    """A function cannot be written in C; the message says why."""


class _Branch(Exception):  # noqa: N818 - a question that has not been answered yet
    def __init__(self, condition: str) -> None:
        self.condition = condition


class Writer:
    """One run of a function: the answers to its questions, and the lines of C that it has written since the last of them.

    Arguments:
        answers: to the first questions; the next one stops the run.
    """

    def __init__(self, answers: tuple[bool, ...]) -> None:
        self.answers = list(answers)
        self.lines: list[str] = []
        self.calls: dict[str, Text] = {}

    def call(self, text: str) -> Text:
        """The result of a call, which is made once."""
        if text not in self.calls:
            name = f"t{len(self.calls) + 1}"
            self.calls[text] = Text(name)
            self.lines.append(f"const double {name} = {text};")
        return self.calls[text]

    def decide(self, condition: str) -> bool:
        """Whether a condition holds."""
        if not self.answers:
            raise _Branch(condition)
        self.lines.clear()
        return self.answers.pop(0)


_writer = Writer(())


class Condition:
    """A question that a function asks."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __bool__(self) -> bool:
        return _writer.decide(self.text)


class Text:
    """A number as C writes it. Stands for `float` in the module of the rows: what is not a text becomes a float."""

    def __new__(cls, x: Any = 0.0) -> Any:
        """The text of a string; what else there is becomes a float, as with `float`."""
        if isinstance(x, str):
            text = super().__new__(cls)
            text.text = x
            return text
        return x if isinstance(x, Text) else float(x)

    text: str

    def _apply(self, row: Any, operands: tuple[Any, ...]) -> Any:
        return row.forward(*operands)

    def __add__(self, other: Any) -> Any:
        return Text(f"({self.text} + {written(other)})")

    def __radd__(self, other: Any) -> Any:
        return Text(f"({written(other)} + {self.text})")

    def __sub__(self, other: Any) -> Any:
        return Text(f"({self.text} - {written(other)})")

    def __rsub__(self, other: Any) -> Any:
        return Text(f"({written(other)} - {self.text})")

    def __mul__(self, other: Any) -> Any:
        return Text(f"({self.text} * {written(other)})")

    def __rmul__(self, other: Any) -> Any:
        return Text(f"({written(other)} * {self.text})")

    def __truediv__(self, other: Any) -> Any:
        return Text(f"({self.text} / {written(other)})")

    def __rtruediv__(self, other: Any) -> Any:
        return Text(f"({written(other)} / {self.text})")

    def __neg__(self) -> Any:
        return Text(f"(-{self.text})")

    def __abs__(self) -> Any:
        return Text(f"fabs({self.text})")

    def __lt__(self, other: Any) -> Any:
        return Condition(f"{self.text} < {written(other)}")

    def __le__(self, other: Any) -> Any:
        return Condition(f"{self.text} <= {written(other)}")

    def __gt__(self, other: Any) -> Any:
        return Condition(f"{self.text} > {written(other)}")

    def __ge__(self, other: Any) -> Any:
        return Condition(f"{self.text} >= {written(other)}")

    def __eq__(self, other: object) -> Any:
        return Condition(f"{self.text} == {written(other)}")

    def __ne__(self, other: object) -> Any:
        return Condition(f"{self.text} != {written(other)}")

    def __hash__(self) -> int:
        raise CannotWriteError("it looks a number up, in a dict or a set")

    def __bool__(self) -> bool:
        return _writer.decide(f"{self.text} != 0.0")


def written(x: Any) -> str:
    """A number in C.

    Raises:
        CannotWriteError: if it is not a number.
    """
    if isinstance(x, Text):
        return x.text
    if not isinstance(x, (int, float)):
        raise CannotWriteError(f"{x!r} is not a number")
    number = float(x)
    if math.isnan(number):
        return "(double)NAN"
    text = "HUGE_VAL" if math.isinf(number) else repr(abs(number))
    return f"(-{text})" if math.copysign(1.0, number) < 0 else text


class _Math(types.ModuleType):
    """`math`, whose functions take texts as well."""

    def __getattr__(self, name: str) -> Any:
        theirs = getattr(math, name)
        if callable(theirs):
            theirs = _on_texts(name, theirs)
        setattr(self, name, theirs)  # one object, however often it is asked for
        return theirs


def _on_texts(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def either(*operands: Any) -> Any:
        if not any(isinstance(operand, Text) for operand in operands):
            return function(*operands)
        texts = ", ".join(map(written, operands))
        if name in QUESTIONS:
            return Condition(f"{QUESTIONS[name]}({texts})")
        if name in SAME:
            return _writer.call(f"{name}({_bare(texts)})")
        if name in SAME_IN_THEIR_DOMAIN and len(operands) == 1:
            return _writer.call(f"in_domain({name}({_bare(texts)}), {_bare(texts)})")
        raise CannotWriteError(f"math.{name} is not known to be that of the C library")

    return either


class Row(NamedTuple):
    """A row of the table in C.

    Arguments:
        name: of the variable in primitives.py.
        arity: how many operands it has.
        parametric: whether a plain number as the second operand belongs to the operation.
        functions: the text of its functions: `forward_name`, and `partial_name_0` and so on.
        shares: what it passes to each operand, as calls of the macros of pushing.h and of the functions of the partial derivatives; None
            for nothing.
    """

    name: str
    arity: int
    parametric: bool
    functions: list[str]
    shares: list[str | None]


def rows_of(module: Any) -> tuple[list[Row], dict[str, str]]:
    """The rows of a table that can be written in C, and for each of the others the reason why it cannot.

    Arguments:
        module: `primitives.py`, as `loaded` has it.
    """
    names: dict[Any, str] = {}
    for name, row in vars(module).items():
        if isinstance(row, module.Primitive) and row not in names:
            names[row] = name
    forwards: dict[Any, str] = {}
    reasons: dict[str, str] = {}
    originals = {row: row.forward for row in names}
    for row, name in names.items():
        row.forward = _called(name, originals[row], forwards, row)
    waiting = [row for row in names if row.arity is not None and 1 <= row.arity <= len(LETTERS)]
    reasons.update((name, "it has any number of operands, or many") for row, name in names.items() if row not in waiting)
    forwards.update((row, "") for row in waiting)  # so that they can call one another
    for row in waiting:
        try:
            forwards[row] = _forward(names[row], originals[row], LETTERS[: row.arity])
        except CannotWriteError as error:
            reasons[names[row]] = str(error)
            del forwards[row]
    found = []
    for row in waiting:
        if row in forwards:
            try:
                found.append(_row(module, row, names[row], forwards[row]))
            except CannotWriteError as error:
                reasons[names[row]] = str(error)
    return found, reasons


def loaded(source: Path) -> Any:
    """The module of the rows, in which numbers may be texts. It is a copy that nobody else has."""
    package = types.ModuleType("chainrule")
    package.__path__ = [str(source.parent)]  # where the modules lie that it imports; the package itself need not be there
    module = _executed(source, {"math": _Math("math"), "chainrule": package})
    for functions in (module.zero, module.Primitive.__call__, module.ieee.divide):  # in the modules of these
        functions.__globals__["float"] = Text
    return module


def _executed(source: Path, in_place: dict[str, Any]) -> Any:
    """A file as a module, for which the modules `in_place` are what it imports under their names."""
    specification = importlib.util.spec_from_file_location(f"copy_of_{source.stem}", source)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    before = dict(sys.modules)
    for name in before:
        if name.split(".")[0] == "chainrule":
            del sys.modules[name]
    sys.modules.update({module.__name__: module, **in_place})
    try:
        specification.loader.exec_module(module)
    finally:
        sys.modules.clear()
        sys.modules.update(before)
    return module


def rules_of(source: Path, module: Any) -> list[str]:
    """The rules of optimisers as functions in C, which change what they are given by address.

    Arguments:
        source: the file `updates.py`.
        module: `primitives.py`, as `loaded` has it, after `rows_of`.
    """
    package = types.ModuleType("chainrule")
    vars(package)["primitives"] = module
    updates = _executed(source, {"chainrule": package, "chainrule.primitives": module})
    # C's own operators and functions, which make infinities and nan too; what sign a nan has is not looked at here.
    arithmetic = updates.Arithmetic(
        lambda a, b: Text(f"({written(a)} / {written(b)})"),
        lambda a: _writer.call(f"sqrt({_bare(written(a))})"),
        updates.ON_FLOATS.maximum,
    )
    functions = []
    for rule, changed in RULES.items():
        make = getattr(updates, rule)
        options = make.__code__.co_varnames[: make.__code__.co_argcount - len(make.__defaults__ or ())]
        update = make(*map(Text, options), *([arithmetic] if make.__defaults__ else []))
        numbers = update.__code__.co_varnames[: update.__code__.co_argcount]
        arguments = [*(f"double *{x}" if x in changed else f"double {x}" for x in numbers), *(f"double {x}" for x in options)]
        operands = [Text(f"*{x}" if x in changed else x) for x in numbers]
        body = _body(update, operands, functools.partial(_stored, changed))
        functions.append("\n".join([f"static INLINE void update_{rule}({', '.join(arguments)}) {{", *body, "}"]))
    return functions


def _stored(names: Sequence[str], results: Sequence[Any]) -> list[str]:
    """The results, written to the addresses of these names."""
    texts = {name: _bare(written(result)) for name, result in zip(names, results, strict=True)}
    new = {name: text for name, text in texts.items() if text != f"*{name}"}
    return [*[f"const double new_{x} = {text};" for x, text in new.items()], *[f"*{x} = new_{x};" for x in new], "return;"]


def _called(name: str, original: Callable[..., Any], forwards: dict[Any, str], row: Any) -> Callable[..., Any]:
    """What stands for a row's forward function while others are written."""

    def forward(*operands: Any) -> Any:
        if not any(isinstance(operand, Text) for operand in operands):
            return original(*operands)
        if row not in forwards:
            raise CannotWriteError(f"{name} is called in Python")
        return _writer.call(f"forward_{name}({', '.join(_bare(written(operand)) for operand in operands)})")

    return forward


def _row(module: Any, row: Any, name: str, forward: str) -> Row:
    functions, shares = [forward], list[str | None]()
    operands = [*LETTERS[: row.arity], "out"]
    for position, partial in enumerate(row.partials):
        if partial is module.zero:
            shares.append(None)
            continue
        body = list(_body(partial, [Text(x) for x in operands], _returned))
        if body == ["    return 1.0;"]:
            shares.append(f"PASS({LETTERS[position]})")
            continue
        used = [x for x in operands if any(_mentions(line, x) for line in body)]
        functions.append(_function(f"partial_{name}_{position}", used, body))
        macro = "CHOOSE" if position in row.choices else "SHARE"
        shares.append(f"{macro}({LETTERS[position]}, partial_{name}_{position}({', '.join(used)}))")
    return Row(name, row.arity, row.parametric, functions, shares)


def _function(name: str, operands: Sequence[str], body: list[str]) -> str:
    head = f"static inline double {name}({', '.join(f'double {operand}' for operand in operands) or 'void'})"
    return "\n".join([f"{head} {{", *body, "}"])


def _forward(name: str, function: Callable[..., Any], operands: Sequence[str]) -> str:
    known = KNOWN.get(getattr(function, "__name__", ""))
    body = [f"    return {known}({', '.join(operands)});"] if known else list(_body(function, [Text(x) for x in operands], _returned))
    return _function(f"forward_{name}", operands, body)


def _returned(result: Any) -> list[str]:
    return [f"return {_bare(written(result))};"]


def _mentions(line: str, operand: str) -> bool:
    return operand in "".join(c if c.isalnum() or c in "_." else " " for c in line).split()


def _body(function: Callable[..., Any], operands: list[Any], finish: Finish, answers: tuple[bool, ...] = ()) -> Iterator[str]:
    """The lines of C after some answers: those up to the next question, and both branches of that; or all up to the end."""
    global _writer
    indent = "    " * (1 + sum(answers))
    _writer = writer = Writer(answers)
    try:
        result = _watched(function, operands)
        yield from (indent + line for line in [*writer.lines, *finish(result)])
    except _Branch as question:
        if len(answers) >= MOST_QUESTIONS:
            raise CannotWriteError("it asks too many questions, as a loop does that has no fixed length") from None
        yield from (indent + line for line in writer.lines)
        yield f"{indent}if ({_bare(question.condition)}) {{"
        yield from _body(function, operands, finish, (*answers, True))
        yield f"{indent}}}"
        yield from _body(function, operands, finish, (*answers, False))
    except CannotWriteError:
        raise
    except Exception as error:
        raise CannotWriteError(f"{type(error).__name__}: {error}") from error


def _watched(function: Callable[..., Any], operands: list[Any]) -> Any:
    """Call a function that must not handle exceptions. A collection of garbage may call others, and has to wait."""
    profile, collects = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(_refuse_handlers)
    try:
        return function(*operands)
    finally:
        sys.setprofile(profile)
        if collects:
            gc.enable()


def _refuse_handlers(frame: types.FrameType, event: str, argument: object) -> None:
    """Called with every function that is entered: one that handles exceptions decides by them, and C has none."""
    code = frame.f_code
    if event != "call" or code.co_filename == __file__ or not code.co_exceptiontable:
        return
    if code.co_qualname != "of_math.<locals>.forward":  # which only makes infinities and nan of them, as C does
        raise CannotWriteError(f"in {code.co_name} an exception decides")


def _bare(text: str) -> str:
    """Without parentheses around all of it."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and position < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") else text


def header(folder: Path) -> str:
    """The text of `rows.h`.

    Arguments:
        folder: that of `primitives.py` and `updates.py`.
    """
    module = loaded(folder / "primitives.py")
    rows, reasons = rows_of(module)
    lines = ["/* The operations of primitives.py in C. Written by write_rows.py. In Python remain:", " *"]
    lines += [f" * {name}: {reason}" for name, reason in reasons.items()]
    lines += [" */", ""]
    for row in rows:
        lines.append(row.functions[0].split(" {")[0] + ";")
    for row in rows:
        lines += ["", *"\n\n".join(row.functions).split("\n")]
    for function in rules_of(folder / "updates.py", module):
        lines += ["", function]
    for kind, members in _kinds(rows).items():
        entries = [f"    X(OP_{(row.name + suffix).upper()}, {row.name})" for row, suffix, _ in members]
        shares = [f"    X(OP_{(row.name + suffix).upper()}, {'; '.join(passed)})" for row, suffix, passed in members]
        lines += ["", f"#define {kind}_ROWS(X) \\", *_continued(entries), "", f"#define {kind}_SHARES(X) \\", *_continued(shares)]
    return "\n".join(lines) + "\n"


def _kinds(rows: list[Row]) -> dict[str, list[tuple[Row, str, list[str]]]]:
    """The rows of each kind, with what their name ends in as an operation, and what they pass on."""
    by_arity = {1: "UNARY", 2: "BINARY", 3: "TERNARY"}
    kinds: dict[str, list[tuple[Row, str, list[str]]]] = {kind: [] for kind in ("BINARY", "NUMBER", "UNARY", "TERNARY")}
    for row in rows:
        kinds[by_arity[row.arity]].append((row, "", [_of_node(share, "b->data") for share in row.shares if share]))
        if row.parametric and row.arity == 2:
            kinds["NUMBER"].append((row, "_number", [_of_node(share, "v->number") for share in row.shares[:1] if share]))
    return kinds


def _of_node(share: str, second: str) -> str:
    """A share with the numbers of a node `v` and of its operands, of which the second may be a number that belongs to the operation."""
    macro, arguments = share.rstrip(")").split("(", 1)
    operand, *partial = arguments.split(", ", 1)
    if not partial:
        return share
    function, used = partial[0].split("(")
    numbers = {"a": "a->data", "b": second, "c": "c->data", "out": "v->data"}
    return f"{macro}({operand}, {function}({', '.join(numbers[x] for x in used.split(', ') if x)}))"


def _continued(lines: list[str]) -> list[str]:
    return [line + " \\" for line in lines[:-1]] + lines[-1:]


if __name__ == "__main__":
    sys.stdout.write(header(Path(__file__).parent.parent))
