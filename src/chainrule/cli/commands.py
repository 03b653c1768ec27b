"""The commands train, predict, explain, draw and info, and how they report errors.

Wrong input ends with a message on standard error and exit status 2; a training that diverges, or a file that cannot be written, with 1.
Libraries that take long to load are imported where they are used, so that the command starts at once.
"""

from __future__ import annotations

from typing import Any

import click

from chainrule import __version__
from chainrule.cli.course import course
from chainrule.cli.errors import BadInput, cleaned, told
from chainrule.cli.info import info
from chainrule.cli.learn import learn
from chainrule.cli.predict import predict
from chainrule.cli.say import draw, explain
from chainrule.cli.train import train


class Commands(click.Group):
    """A group that turns the errors of the library into one line and an exit status."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read what was typed."""
        with cleaned():
            return super().make_context(*arguments, **options)

    @cleaned()
    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        from chainrule.expressions import ExpressionError
        from chainrule.models import ModelFileError
        from chainrule.tables import DataError

        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # click ends quietly
        except (DataError, ExpressionError, ModelFileError, ImportError) as error:
            raise BadInput(str(error)) from None
        except (FloatingPointError, OSError) as error:
            raise click.ClickException(told(error)) from None
        except MemoryError:
            raise click.ClickException("there is not enough memory for this") from None


@click.group(cls=Commands, invoke_without_command=True, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="chainrule", message="%(prog)s %(version)s")
@click.pass_context
def commands(ctx: click.Context) -> None:
    """Train small networks, and see the chain rule at work, one number at a time."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for command in (train, predict, explain, draw, learn, course, info):
    commands.add_command(command)
