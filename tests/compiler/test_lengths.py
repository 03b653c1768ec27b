"""The text of a program is proportional to its classes: nothing is written out more than a bounded number of times."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import Value, greater, hypot, leaky_relu, maximum, mean, minimum, primitives, softplus, where
from chainrule.compiler.analysis import inlining
from chainrule.compiler.analysis.classes import find_classes
from chainrule.compiler.capture.tape import record
from chainrule.compiler.codegen import pieces
from chainrule.compiler.codegen.llvm_text import Text
from chainrule.compiler.codegen.operations import Scalars
from chainrule.compiler.codegen.vectorize import choose
from chainrule.compiler.ir.expressions import Access, Apply, Buffer, Expression, Load
from chainrule.compiler.ir.interpret import Memory, interpret
from chainrule.compiler.ir.machine import host
from chainrule.compiler.ir.statements import Group, Loop, Statement
from chainrule.compiler.runtime.program import Program
from chainrule.compiler.show.notation import write
from chainrule.compiler.transform.rolling import with_coefficients
from chainrule.compiler.transform.slopes import slopes
from compare import close, eager
from programs import PROGRAMS

MOST_COPIES = 32  # of an operation or operand of a class, its gradient included
SHARED = 60  # levels of an expression that is 2**60 long where it is written out

Numbers = list[Value]
FAMILIES: dict[str, Callable[[Numbers], Any]] = {}


def family(function: Callable[[Numbers], Any]) -> Callable[[Numbers], Any]:
    """Enter a function of any number of numbers, 8 at least."""
    FAMILIES[function.__name__] = function
    return function


def tournament(join: Callable[[Any, Any], Any], x: Numbers) -> Any:
    while len(x) > 1:
        x = [join(a, b) for a, b in zip(x[::2], x[1::2], strict=False)] + x[len(x) // 2 * 2 :]
    return x[0]


def pairs(x: Numbers) -> list[tuple[Value, Value]]:
    return list(zip(x[::2], x[1::2], strict=False))


def in_rows(x: Numbers) -> list[Numbers]:
    length = int(len(x) ** 0.5)
    return [x[i : i + length] for i in range(0, length * length, length)]


@family
def chain_of_largest(x: Numbers) -> Any:
    return reduce(maximum, x) + 1.0


@family
def tournament_of_largest(x: Numbers) -> Any:
    return tournament(maximum, x) + 1.0


@family
def largest_and_smallest_in_turns(x: Numbers) -> Any:
    return reduce(lambda y, pair: minimum(y, maximum(pair[0], 1.0 - pair[1])), pairs(x), 1.0) + 1.0


@family
def largest_of_a_sum_in_turns(x: Numbers) -> Any:
    return reduce(lambda y, pair: maximum(y + pair[0], pair[1]), pairs(x[1:]), x[0]) + 1.0


@family
def clamps_inside_each_other(x: Numbers) -> Any:
    return reduce(lambda y, a: minimum(maximum(y + a, -1.0), 1.0), x, 0.0) + 1.0


@family
def clamps_added_up(x: Numbers) -> Any:
    return sum(minimum(maximum(a, -1.0), 1.0) for a in x)


@family
def tree_of_choices(x: Numbers) -> Any:
    return tournament(lambda a, b: where(greater(a, b), a * b, b - a), x) + 1.0


@family
def tree_of_choices_by_one_number(x: Numbers) -> Any:
    return tournament(lambda a, b: where(greater(0.3 * a, 0.1), a, b), x) + 1.0


@family
def softplus_inside_softplus(x: Numbers) -> Any:
    return reduce(lambda y, a: softplus(y - a), x, 0.0) + 1.0


@family
def absolute_values_inside_each_other(x: Numbers) -> Any:
    return reduce(lambda y, a: abs(y - a), x) + 1.0


@family
def one_number_folded(x: Numbers) -> Any:
    return reduce(lambda y, k: abs(y - 0.1 * k), range(len(x)), x[0]) + 1.0


@family
def folds_added_up(x: Numbers) -> Any:
    return sum(reduce(lambda y, k: abs(y - 0.5**k), range(1, 20), a) for a in x)


@family
def leaky_layers_of_one(x: Numbers) -> Any:
    return reduce(lambda y, a: leaky_relu(y * a + 0.1, 0.2), x) + 1.0


@family
def long_product(x: Numbers) -> Any:
    return reduce(lambda a, b: a * b, x) + 1.0


@family
def tree_of_products(x: Numbers) -> Any:
    return tournament(lambda a, b: a * b, x) + 1.0


@family
def horner(x: Numbers) -> Any:
    return reduce(lambda y, a: y * x[0] + a, x[1:], 0.0) + 1.0


@family
def polynomials_added_up(x: Numbers) -> Any:
    return sum(reduce(lambda y, k: y * a + 1.0 / k, range(1, 20), 0.0) for a in x)


@family
def complex_product(x: Numbers) -> Any:
    y: Any = (1.0, 0.0)
    for a, b in pairs(x):
        y = (y[0] * a - y[1] * b, y[0] * b + y[1] * a)
    return y[0] * y[0] + y[1]


@family
def squares_added_up(x: Numbers) -> Any:
    return sum(a**2 for a in x)


@family
def squares_inside_each_other(x: Numbers) -> Any:
    return reduce(lambda y, a: (0.5 * y - 0.3 * a) ** 2 - 0.3, x, 0.1) + 1.0


@family
def sums_times_sums(x: Numbers) -> Any:
    while len(x) > 7:
        x = [sum(x[i : i + 4]) * x[i + 4] for i in range(0, len(x) - 4, 5)]
    return sum(x)


@family
def tree_of_hypot(x: Numbers) -> Any:
    return tournament(hypot, x) + 1.0


@family
def largest_of_squares(x: Numbers) -> Any:
    return tournament(maximum, [(0.3 * a - b) ** 2 for a, b in pairs(x)]) + 1.0


@family
def rows_of_largest(x: Numbers) -> Any:
    rows = in_rows(x)
    columns = list(zip(*rows, strict=True))
    each = [[(a * softplus(b * a)) ** 2 for a, b in zip(row, column, strict=True)] for row, column in zip(rows, columns, strict=True)]
    return mean(reduce(maximum, row) for row in each)


@family
def rows_of_smallest_and_clamps(x: Numbers) -> Any:
    return sum(minimum(maximum(reduce(minimum, row), -1.0), abs(row[0])) for row in in_rows(x))


@family
def hinges_inside_hinges(x: Numbers) -> Any:
    return tournament(lambda a, b: (a - b + (a * b).relu()).relu() - 0.1 * a, x) + 1.0


def drawn(count: int) -> list[float]:
    rng = random.Random(count)
    return [rng.uniform(0.8, 1.2) for _ in range(count)]


every_family = pytest.mark.parametrize("name", FAMILIES)
some_families = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if number % 4 else []) for number, name in enumerate(FAMILIES)]
)
every_size = pytest.mark.parametrize("count", [9, 40, pytest.param(130, marks=pytest.mark.slow), pytest.param(512, marks=pytest.mark.slow)])


# --- how much is written ----------------------------------------------------------------------------------------------------------------


@every_size
@every_family
def test_what_is_written_is_proportional_to_the_classes(name: str, count: int) -> None:
    tape = record([FAMILIES[name]([Value(x) for x in drawn(count)])])
    computed = [found for found in find_classes(tape).classes if found.slots or found.terms]
    distinct = sum(1 + len(found.slots) + len(found.terms) for found in computed)
    parts, _ = Program(tape).parts(True, False)
    written = sum(len(list(statement.value.parts())) for part in parts for statement in part)
    assert written <= MOST_COPIES * distinct


@every_family
def test_the_terms_of_a_sum_have_a_bounded_length(name: str) -> None:
    program = Program(record([FAMILIES[name]([Value(x) for x in drawn(60)])]))
    for statement in program.lowered.statements:
        terms, sums = 0, [statement.value]
        while sums:
            part = sums.pop()
            is_sum = isinstance(part, Apply) and part.primitive in (primitives.add, primitives.subtract)
            sums += part.operands() if is_sum else ()
            terms += not is_sum
        assert len(list(statement.value.parts())) <= 2 * terms * inlining.LONGEST_TERM


# --- what is computed -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["graph", *[pytest.param(form, marks=pytest.mark.slow) for form in ("function", "batch")]])
@pytest.mark.parametrize("count", [20, pytest.param(100, marks=pytest.mark.slow)])
@some_families
def test_values_and_gradients_are_those_of_the_eager_engine(name: str, count: int, form: str) -> None:
    numbers = drawn(count)

    def function(x: Any) -> Any:
        return FAMILIES[name](list(x))

    leaves = [Value(x) for x in numbers]
    expected = FAMILIES[name](leaves)
    expected.backward()
    gradients = [leaf.grad for leaf in leaves]
    if form == "graph":
        step = chainrule.compile(FAMILIES[name](leaves))
        found, found_gradients = step(), [leaf.grad for leaf in leaves]
    elif form == "function":
        value, of_arguments = chainrule.compile(function).value_and_grad(np.array(numbers))
        found, found_gradients = float(value), np.ravel(of_arguments).tolist()
    else:
        value, of_arguments = chainrule.compile(function, batch="mean").value_and_grad(np.array([numbers, numbers]))
        found, found_gradients = float(value), (2.0 * np.reshape(of_arguments, (2, -1))[1]).tolist()
    assert close(found, expected.data)
    assert close(found_gradients, gradients)


# --- parts that are shared --------------------------------------------------------------------------------------------------------------

PLACE = Access(Buffer("x", 1, "value"), 0, ())


def doubled() -> Expression:
    """An expression of which each level has the one below it twice."""
    value: Expression = Load(PLACE)
    for _ in range(SHARED):
        value = Apply(primitives.multiply, (value, value))
    return value


def test_an_expression_is_compared_changed_and_counted_part_by_part() -> None:
    value = doubled()
    assert value == doubled()
    assert hash(value) == hash(doubled())
    elsewhere = value.map(lambda access: access._replace(base=1))
    assert elsewhere != value
    assert elsewhere.map(lambda access: access._replace(base=0)) == value
    assert len(list(elsewhere.parts())) == SHARED + 1
    assert value.occurrences()[Load(PLACE)] == 2**SHARED


def test_an_expression_is_written_part_by_part() -> None:
    text = Text("float64")
    Scalars(text, set()).evaluate(doubled(), 1, lambda access: "%x")
    assert len(text.lines) == SHARED
    assert write(doubled(), lambda access: ("x", 5))[0]


def test_a_statement_is_carried_out_planned_and_made_alike_part_by_part() -> None:
    result = Buffer("y", 1, "value")
    statement = Statement((), Access(result, 0, ()), doubled())
    memory = Memory()
    memory[PLACE.buffer] = [1.0]
    interpret([statement], memory)
    assert memory[result] == [1.0]
    assert choose(Group((), (statement,), (True,)), 4, 16).width == 1
    assert with_coefficients([statement]) == [statement]


def test_slopes_share_their_parts() -> None:
    (slope,) = slopes(doubled(), None, {PLACE.buffer}).values()
    assert len(list(getattr(slope, "slope", slope).parts())) <= 5 * SHARED


# --- functions --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("name", ["rnn_with_a_loss_at_every_step", pytest.param("mlp_gelu_written_out", marks=pytest.mark.slow)])
def test_functions_are_cut_where_they_are_long(name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    built = next(program for program in PROGRAMS if program.name == name).build(random.Random(1))
    options = {"batch": built.reduction} if built.batched else {}
    expected_loss, expected = eager(built)
    monkeypatch.setattr(pieces, "MOST_GROUPS", most)
    function = chainrule.compile(built.loss, **options)
    loss = function(*built.arguments)
    loss.backward()
    assert close(loss.data, expected_loss)
    assert close([parameter.grad for parameter in built.parameters], expected)
    assert len(function.program.kernel(parameters=True).functions(set())) > 6


def test_loops_are_cut_inside() -> None:
    target = host()
    buffer = Buffer("values", 100, "value")
    groups = [
        Group((), (Statement((), Access(buffer, k, (), advance=1), Load(Access(buffer, k + 1, (), advance=1))),), (True,))
        for k in range(80)
    ]
    functions = pieces.Pieces([buffer], "float64", target, set(), None).write("block", [groups[0], Loop(5, tuple(groups)), *groups])
    assert all(function.count("store double") <= pieces.MOST_GROUPS for function in functions)
    assert sum(function.count("store double") for function in functions) == 1 + 2 * len(groups)
    names = [function.split("@")[1].split("(")[0] for function in functions]
    assert names[-1] == "block"
    assert len(set(names)) == len(names)
    assert all(f"call void @{name}(" in "".join(functions) for name in names[:-1])
