"""Every Python block of the READMEs and the docs runs, and prints what it says it prints; every console block too.

`pytest tests/test_docs.py --update-examples` writes what the Python blocks print now into the pages.
"""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_examples import CodeExample, EvalExample, find_examples

from chainrule.cli.commands import commands as command_line

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")])
FILES = {"shapes.csv": "width,height,kind\n" + "1.0,2.0,tall\n2.0,1.0,wide\n1.1,2.2,tall\n2.1,0.9,wide\n" * 3}  # what pages train on
ELSEWHERE = ("make", "git", "pip", "cd")  # what installs into the environment that runs this, and is run by CI itself
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def python_blocks(page: Path) -> list[CodeExample]:
    return [example for example in find_examples(str(page)) if example.prefix in ("python", "py")]


def commands(page: Path) -> list[tuple[str, str]]:
    """The `$ command` lines of a page's console blocks, each with the output that is shown below it, if any."""
    found = []
    for block in CONSOLE.findall(page.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if command.split()[0] not in ELSEWHERE:
                found.append((command, output.strip()))
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)], ids=lambda page: str(page.relative_to(ROOT)))
def test_python_blocks(page: Path, eval_example: EvalExample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in python_blocks(page):
        eval_example.set_config(line_length=140)
        run = eval_example.run_print_update if eval_example.update_examples else eval_example.run_print_check
        names |= run(example, module_globals=names)


@pytest.mark.parametrize(
    ("page", "folder", "files"),
    [("CONTRIBUTING.md", "src/chainrule", "*.*"), ("src/chainrule/compiler/README.md", "src/chainrule/compiler", "**/*.*")],
)
def test_the_maps_name_every_file(page: str, folder: str, files: str) -> None:
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / page).read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w/]+\.(?:py|c))`", row)}
    found = {path for path in (ROOT / folder).glob(files) if path.suffix in (".py", ".c")}
    assert named == {str(path.relative_to(ROOT / folder)) for path in found if path.name not in ("__init__.py", "__main__.py")}


def test_the_tests_that_contributors_are_sent_to_are_there() -> None:
    named = re.findall(r"`(?:python )?(tests/[\w/*.]+)", (ROOT / "CONTRIBUTING.md").read_text())
    assert len(named) > 20
    assert [path for path in named if not list(ROOT.glob(path))] == []


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: str(page.relative_to(ROOT)))
def test_console_blocks(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, which has loaded what the commands load; that the command starts in one of its own is tested in test_cli.py."""
    monkeypatch.chdir(tmp_path)
    for name, block in FILES.items():
        (tmp_path / name).write_text(block)
    for command, shown in commands(page):
        program, *arguments = shlex.split(command)
        assert program == "chainrule", f"{page.name}: `{command}` is not a command of ours"
        result = CliRunner().invoke(command_line, arguments, prog_name="chainrule", env={"COLUMNS": "100"})
        assert result.exit_code == 0, f"{page.name}: `{command}` failed:\n{result.output}"
        if not shown:
            continue
        pattern = ".*".join(re.escape(piece.strip()) for piece in shown.split("..."))
        printed = "\n".join(line.rstrip() for line in result.stdout.splitlines())
        assert re.fullmatch(rf"\s*{pattern}\s*", printed, re.DOTALL), f"{page.name}: `{command}` printed\n{result.stdout}"
