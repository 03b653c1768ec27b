"""`chainrule explain` and `chainrule draw`: the chain rule for an expression, in words and as a picture."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chainrule.cli.errors import check_file
from chainrule.foreign import clean, quoted

if TYPE_CHECKING:
    from chainrule.engine import Value

# So that an expression may begin with a minus sign.
SETTINGS = {"ignore_unknown_options": True}


def evaluate(expression: str, assignments: tuple[str, ...]) -> Value:
    """Compute an expression with names set as in `a=2`, and call backward() on the result.

    Raises:
        ExpressionError: if one of them cannot be read.
    """
    from chainrule.expressions import ExpressionError, parse
    from chainrule.tables import number_in

    values: dict[str, float] = {}
    for assignment in assignments:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals or not name:
            raise ExpressionError(f"{quoted(assignment)} does not give a value to a name; write, for example, a=2")
        number = number_in(text)
        if number is None:
            raise ExpressionError(f"{quoted(assignment)}: {quoted(text)} is not a number")
        if name in values:
            raise ExpressionError(f"{quoted(assignment)}: {clean(name)} has been given the value {values[name]:g} already")
        values[name] = number
    value = parse(expression, values)
    value.backward()
    return value


@click.command(context_settings=SETTINGS, short_help="Explain the chain rule for an expression, step by step.")
@click.argument("expression")
@click.argument("assignments", nargs=-1, metavar="[NAME=NUMBER]...")
def explain(expression: str, assignments: tuple[str, ...]) -> None:
    """Explain how EXPRESSION depends on each of its numbers, with the chain rule, step by step.

    \b
    Example:
      chainrule explain "(a*b + c).tanh()" a=2 b=-3 c=10
    """
    value = evaluate(expression, assignments)
    from rich.console import Console

    from chainrule.explaining import explain as explained

    Console().print(explained(value))


@click.command(context_settings=SETTINGS, short_help="Draw the graph of an expression.")
@click.argument("expression")
@click.argument("assignments", nargs=-1, metavar="[NAME=NUMBER]...")
@click.option("-o", "--output", default="graph.svg", show_default=True, help="The file to write; its name ends in .svg, .png or .dot.")
def draw(expression: str, assignments: tuple[str, ...], output: str) -> None:
    """Draw the graph of EXPRESSION, with the gradient of each number.

    \b
    Example:
      chainrule draw "(a*b + c).tanh()" a=2 b=-3 c=10 -o graph.svg
    """
    suffix = Path(output).suffix.lower()
    if suffix not in (".svg", ".png", ".dot"):
        raise click.BadParameter(f"{quoted(output)} must end in .svg, .png or .dot", param_hint="'--output'")
    check_file(output)
    value = evaluate(expression, assignments)
    from chainrule.drawing import draw as drawn
    from chainrule.files import write_atomically

    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / f"graph{suffix}"
        drawn(value).save(str(picture))
        write_atomically(output, picture.read_bytes())
    click.echo(clean(output))
