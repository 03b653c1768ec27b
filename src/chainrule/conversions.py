"""Values among plain numbers: comparisons, arithmetic, and conversions to plain numbers.

If a Value silently becomes a plain number, as in `math.exp(v)` and `np.array([v], dtype=float)`, its gradient is lost: warn of it.

Python calls a Value's `__float__` without saying for whom. `float(v)` and formatting mean the number; a function of `math` means the Value.
So this module inspects the place in the program: the instruction that runs in the calling frame, and the names in its expression. A place
that never needs a warning is remembered, so that `float(v)` stays cheap.
"""

from __future__ import annotations

import sys
from functools import partial
from types import BuiltinFunctionType, BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.caution import caution
from chainrule.reals import real
from chainrule.users_line import is_own

if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import SupportsFloat

    from chainrule.row import Primitive

NUMERICAL = {"math", "cmath", "statistics", "numpy", "pandas", "scipy", "polars", "torch", "jax"}
"""The packages that work with numbers: what they compute from a Value has a derivative that is lost."""

SHOWING = {"matplotlib", "mpl_toolkits", "seaborn", "plotly", "bokeh", "altair", "IPython", "rich", "pytest", "_pytest"}
"""The packages that show numbers, for which nothing is lost."""

# Questions about a number, and functions whose derivative is 0.
_HARMLESS = {"isnan", "isinf", "isfinite", "isclose", "allclose", "floor", "ceil", "trunc", "ulp", "array_equal"}
_CONVERTING = (float, int, complex, bool, round, format, str, repr, print, isinstance, len)
_IN_OTHER_WORDS = {"pow": "v ** w", "fabs": "abs(v)", "fsum": "sum(vs)"}
_IN_OTHER_WORDS |= {
    "square": "v ** 2",
    "dist": "chainrule.hypot(v, w)",
    "degrees": "v * (180 / math.pi)",
}
_IN_OTHER_WORDS |= {"radians": "v * (math.pi / 180)", "fmean": "chainrule.mean(vs)", "prod": "a product of Values"}
_LOADS = ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT")
_SILENT = ("BINARY_OP", "FORMAT", "BUILD", "COMPARE")  # instructions, none of which takes the number for a function of it
_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
_MOST_LOOKED_INTO = 64  # entries of a container
_MOST_REMEMBERED = 4096
_getframe = sys._getframe

recent: dict[int, CodeType] = {}  # of the silent places, the last one at each offset
_silent: dict[int, CodeType] = {}  # by the id of the code, which is kept so that the id stays its own, plus the offset of the instruction


class Name(NamedTuple):
    """A name in an expression, such as `math.exp`."""

    parts: tuple[str, ...]
    is_callee: bool  # of the instruction that is looked at
    is_fixed: bool  # whether it is not a local variable, which may refer to another object the next time


class Place(NamedTuple):
    """An instruction: its name, and the names in its expression that are not called in there."""

    instruction: str
    names: tuple[Name, ...]


_places: dict[tuple[int, int], tuple[CodeType, Place]] = {}


def look(frame: FrameType | None) -> bool:
    """Warn if the running instruction of a frame takes a Value's number where a function of the Value is meant.

    Arguments:
        frame: the frame that called `__float__`.

    Returns:
        Whether this place never needs a warning.
    """
    if frame is None or is_own(frame):
        return True
    what = ""
    inner = frame
    harmless = False
    while _package(frame) in NUMERICAL and frame.f_back is not None:  # a function of theirs that is written in Python
        what = f"{_package(frame)}.{frame.f_code.co_name}"
        harmless |= frame.f_code.co_name in _HARMLESS or ".testing" in frame.f_globals.get("__name__", "")
        frame = frame.f_back
    if _package(frame) in SHOWING or harmless or is_own(frame):
        return frame is inner
    place = _place(frame.f_code, frame.f_lasti)
    found = _culprit(frame, place)
    if found or what:
        caution(_message(what or found), frame)
        return False
    return frame is inner and _is_silent_for_good(frame, place)


def look_once(frame: FrameType) -> None:
    """Look at the running instruction of a frame, and remember it if it never needs a warning; for the Python engine."""
    code, offset = frame.f_code, frame.f_lasti
    key = id(code) + offset
    if _silent.get(key) is not code:
        if not look(frame):
            return
        if len(_silent) >= _MOST_REMEMBERED:
            _silent.clear()
        _silent[key] = code
    recent[offset] = code


def _message(what: str) -> str:
    function = what.rpartition(".")[2]
    if function in getattr(sys.modules[__package__], "__all__", ()):
        instead = f"chainrule.{function}(v)"
    else:
        instead = _IN_OTHER_WORDS.get(function, "it with operators and chainrule's functions (keep Values in lists)")
    return f"{what}() turned a Value into a plain number, so its gradient is lost; write {instead}, or v.data if you want only the number"


def _package(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__", "")
    return name.partition(".")[0] if isinstance(name, str) else ""


class Number:
    """The part of Value for its use among plain numbers."""

    __slots__ = ()

    # NumPy's scalars, whose priority is lower, leave arithmetic to us; its arrays, whose priority is 0, go through it element by element.
    __array_priority__ = -1.0
    _data: float

    def __float__(self) -> float:
        frame = _getframe(1)
        if recent.get(frame.f_lasti) is not frame.f_code:
            look_once(frame)
        return self._data

    def __int__(self) -> int:
        return int(self._data)

    def __bool__(self) -> bool:
        return True

    def __pos__(self: Any) -> Any:
        return self

    def __lt__(self, other: Number | SupportsFloat) -> bool:
        return NotImplemented if (number := _number(other)) is None else self._data < number

    def __le__(self, other: Number | SupportsFloat) -> bool:
        return NotImplemented if (number := _number(other)) is None else self._data <= number

    def __gt__(self, other: Number | SupportsFloat) -> bool:
        return NotImplemented if (number := _number(other)) is None else self._data > number

    def __ge__(self, other: Number | SupportsFloat) -> bool:
        return NotImplemented if (number := _number(other)) is None else self._data >= number

    def __format__(self: Any, spec: str) -> str:
        return format(self.data, spec) if spec else str(self)


def binary(self: Any, primitive: Primitive, a: Any, b: Any) -> Any:
    """`a (operation) b`, one of which is `self`; NotImplemented if the other is not a real number, so that Python asks the other type."""
    other = a if b is self else b
    if not isinstance(other, Number):
        try:
            number = real(other)
        except TypeError:
            if hasattr(other, "__array__") and not hasattr(type(other), "__len__"):  # a complex scalar of NumPy's: not an operand
                raise
            return NotImplemented
        a, b = (number, b) if b is self else (a, number)
    return self._apply(primitive, (a, b))


def _number(x: object) -> float | None:
    if isinstance(x, Number):
        return x._data
    try:
        return real(x)
    except TypeError:
        return None


# --- what an instruction is made of -----------------------------------------------------------------------------------------------------


def _place(code: CodeType, offset: int) -> Place:
    key = (id(code), offset)
    if key not in _places or _places[key][0] is not code:
        if len(_places) >= _MOST_REMEMBERED:
            _places.clear()
        _places[key] = (code, _read(code, offset))
    return _places[key][1]


def _read(code: CodeType, offset: int) -> Place:
    """The instruction at an offset, with the names between the ends of its expression."""
    import dis

    positions = list(code.co_positions())

    def span(at: int) -> tuple[tuple[int, int], tuple[int, int]]:
        line, last_line, column, last_column = positions[at // 2]
        return (line or 0, column or 0), (last_line or line or 0, 10**9 if last_column is None else last_column)

    start, end = span(offset)
    inside = [each for each in dis.get_instructions(code) if start <= span(each.offset)[0] and span(each.offset)[1] <= end]
    instruction = next((each.opname for each in inside if each.offset == offset), "")
    calls = {span(each.offset) for each in inside if each.opname.startswith(("CALL", "PRECALL"))}
    names: list[Name] = []
    for i, each in enumerate(inside):
        if not each.opname.startswith(_LOADS) or each.offset > offset:
            continue
        roots = each.argval if isinstance(each.argval, tuple) else (each.argval,)
        parts, first, last = [roots[-1]], *span(each.offset)
        for following in inside[i + 1 :]:
            if not following.opname.startswith(_ATTRIBUTES):
                break
            parts.append(following.argval)
            last = span(following.offset)[1]
        called_by = [call for call in calls if call[0] == first and call[1] > last]
        is_fixed = not each.opname.startswith(("LOAD_FAST", "LOAD_DEREF"))
        names += [Name((root,), False, False) for root in roots[:-1]]
        if not called_by or (start, end) in called_by:
            names.append(Name((*parts,), (start, end) in called_by, is_fixed))
    return Place(instruction, (*names,))


# --- who is it --------------------------------------------------------------------------------------------------------------------------


def _culprit(frame: FrameType, place: Place) -> str:
    """The name of the numerical function in an instruction's expression; "" if it has none."""
    if place.instruction.startswith(_SILENT):
        return ""
    is_store = place.instruction.startswith("STORE")
    callees = [name for name in place.names if name.is_callee]
    for name in callees:
        owner, thing = _resolve(frame, name.parts)
        if thing in _CONVERTING or isinstance(getattr(thing, "__self__", None), str):
            return ""
        if found := _numerical(thing) or _numerical(owner, of_instance=True):
            return _harmful(found, name)
    for name in place.names:
        owner, thing = _resolve(frame, name.parts)
        if is_store and (found := _numerical(thing, of_instance=True)):
            return f"{found}.__setitem__"
        if not is_store and not name.is_callee and (found := _numerical(thing)):
            return _harmful(found, name)
    return ""


def _is_silent_for_good(frame: FrameType, place: Place) -> bool:
    """Whether nothing that a name may stand for the next time makes a place one to warn of."""
    if place.instruction.startswith(_SILENT):
        return True
    return any(name.is_callee and name.is_fixed and _resolve(frame, name.parts)[1] in _CONVERTING for name in place.names)


def _harmful(found: str, name: Name) -> str:
    return "" if found.rpartition(".")[2] in _HARMLESS or name.parts[-1] in _HARMLESS else found


def _resolve(frame: FrameType, parts: tuple[str, ...]) -> tuple[Any, Any]:
    """What a name stands for, and what it is an attribute of (None for neither)."""
    thing: Any = None
    for scope in (frame.f_locals, frame.f_globals, frame.f_builtins):
        if parts[0] in scope:
            thing = scope[parts[0]]
            break
    owner = None
    for part in parts[1:]:
        owner = thing
        is_plain = isinstance(thing, (ModuleType, type, str))  # of another object, properties may run code of the user's
        thing = getattr(thing, part, None) if is_plain else getattr(thing, "__dict__", {}).get(part)
    return owner, thing


def _numerical(thing: Any, *, of_instance: bool = False) -> str:
    """The full name of a function or class of a numerical package, or of one that is wrapped or contained in `thing`; else ""."""
    if of_instance:
        kind = type(thing)
        return f"{_root(kind)}.{kind.__name__}" if _root(kind) in NUMERICAL and not isinstance(thing, (ModuleType, float, int)) else ""
    if isinstance(thing, partial):
        return _numerical(thing.func)
    if type(thing) in (map, filter):
        return _numerical(thing.__reduce__()[1][0])
    if type(thing) in (list, tuple, dict):
        entries = list(thing.values() if isinstance(thing, dict) else thing)[:_MOST_LOOKED_INTO]
        return next((found for entry in entries if callable(entry) and (found := _numerical(entry))), "")
    if isinstance(thing, (BuiltinFunctionType, BuiltinMethodType, FunctionType, MethodType, type)):
        return f"{_root(thing)}.{thing.__name__}" if _root(thing) in NUMERICAL else ""
    kind = type(thing)  # a ufunc, or another thing that is called
    named = getattr(thing, "__name__", None) if _root(kind) in NUMERICAL and callable(thing) else None
    return f"{_root(kind)}.{named}" if isinstance(named, str) else ""


def _root(thing: Any) -> str:
    module = getattr(thing, "__module__", None)
    return module.partition(".")[0] if isinstance(module, str) else ""
