"""`chainrule learn`: the course, in Jupyter or in the terminal."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
from pathlib import Path

import click

from chainrule.cli.errors import BadInput
from chainrule.foreign import clean, quoted


@click.command(short_help="Build it yourself: the course, with checks.")
@click.argument("folder", default="chainrule-course", type=click.Path(file_okay=False, path_type=Path))
@click.option("--terminal", is_flag=True, help="Work with plain files and an editor of your own, in place of Jupyter.")
@click.option("--jupyter", metavar="OPTIONS", default="", help='Options for JupyterLab, such as "--no-browser --port 9999".')
@click.option("--no-start", is_flag=True, help="Only write the exercises; do not open them.")
def learn(folder: Path, terminal: bool, jupyter: str, no_start: bool) -> None:
    """Build autodiff and neural networks yourself, exercise by exercise.

    The exercises are written to FOLDER, as notebooks for Jupyter or, with --terminal, as plain files. Files that exist already are not
    changed, so that you can go on with your work.
    """
    try:
        options = shlex.split(jupyter)
    except ValueError as error:
        raise click.BadParameter(f"{quoted(jupyter)} cannot be divided into options: {error}", param_hint="'--jupyter'") from None
    from chainrule.course.folder import FILES, NOTEBOOKS, Folder, FolderError

    if not terminal:
        missing = [name for name in ("jupyterlab", "jupytext") if importlib.util.find_spec(name) is None]
        if missing and not (no_start and missing == ["jupyterlab"]):
            raise BadInput(
                f"notebooks need {' and '.join(missing)}: pip install 'chainrule[learn]'. "
                "Or work with plain files and an editor of your own: chainrule learn --terminal"
            )
    try:
        place = Folder(folder, FILES if terminal else NOTEBOOKS)
        made = place.lay_out()
    except FolderError as error:
        raise BadInput(str(error)) from None
    if made:
        click.echo(f"{len(made)} exercises were written to {clean(folder)}")
    if no_start:
        return
    if terminal:
        from rich.console import Console

        from chainrule.course.terminal import Terminal

        Terminal(place, Console()).run()
        return
    for note in place.notes:
        click.echo(clean(note))
    current = place.file(place.current)
    click.echo(f"JupyterLab opens {clean(current.name)}; Ctrl-C here ends it")
    status = subprocess.run([sys.executable, "-m", "jupyterlab", *options, current.name], cwd=folder, check=False).returncode
    if status not in (0, -2, 130):
        raise click.ClickException(f"JupyterLab ended with status {status}")
