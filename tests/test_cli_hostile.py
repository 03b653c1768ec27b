"""Whatever is typed, and whatever files hold: one line says what is wrong, nothing steers the terminal or ends in a traceback."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from chainrule.cli.commands import commands
from chainrule.cli.results import keep
from chainrule.data import Standardization, load_csv
from chainrule.models import load_model, save_model
from chainrule.nn import MLP
from chainrule.tables import read_table

pytestmark = pytest.mark.usefixtures("quick")

ESCAPES = "\x1b[31m\x9b2J\x1b]0;t\x07\r\b\x7f\u202e\u2066\u2028"
HOSTILE = [ESCAPES, f"a{ESCAPES}b", "\x1b", "\r", "a\nError: all is well", "[red]a[/red]", "$\\frac{", "%s%n{}", "\udc80", "x" * 100_000]
NUMBERS = [
    *("nan", "inf", "-inf", "-1", "0", "1e400", "1e308", "-1e308", "1e-400", "", " ", "x", "1_0", "１", "0x10", "1e3", "-", ",", "1,,1"),
    *("9" * 20, "1" * 5000, "9" * 100_000, "1," * 10_000 + "1"),
]
MOST = 3000  # characters of a message
TABLE = "a,b,kind\n" + "".join(f"{i},{i % 3},{'xy'[i % 2]}\n" for i in range(12))
USUAL = {
    "train": ["t.csv", "--steps=2", "--hidden=2"],
    "predict": ["model.json", "t.csv"],
    "explain": ["a*b", "a=1", "b=2"],
    "draw": ["a*b", "a=1", "b=2"],
    "learn": ["course", "--no-start"],
    "info": [],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own, with a table and a model; no pictures are drawn."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("chainrule.cli.results.add_pictures", lambda *arguments: {})
    Path("t.csv").write_text(TABLE)
    meaning = {"task": "classification", "feature_names": ["a", "b"], "target_name": "kind", "class_names": ["x", "y"]}
    save_model("model.json", MLP(2, [2, 1], rng=random.Random(0)), standardization=Standardization([6, 1], [3, 1]), **meaning)
    Path("m").mkdir()
    return tmp_path


def steers(character: str) -> bool:
    return (unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") and character != "\n") or (
        unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    )


def run(*arguments: str) -> Result:
    """Run the command, and check what must be true of any run."""
    result = CliRunner().invoke(commands, arguments, prog_name="chainrule")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert not any(map(steers, result.output)), repr(result.output[:500])
    assert len(result.stderr) < MOST
    assert "Traceback" not in result.output
    if result.exit_code:
        *usage, last = result.stderr.removesuffix("\n").split("\nError: ")
        assert "\n" not in last or "^" in last
        assert len(usage) <= 1
    return result


def options() -> Iterator[tuple[str, click.Option]]:
    for name in USUAL:
        for parameter in commands.commands[name].params:
            if isinstance(parameter, click.Option) and not parameter.is_flag:
                yield name, parameter


@pytest.mark.slow
@pytest.mark.parametrize(("command", "option"), list(options()), ids=lambda thing: thing if isinstance(thing, str) else thing.name)
def test_every_option_with_every_value(command: str, option: click.Option) -> None:
    is_number = isinstance(option.type, (click.IntRange, click.FloatRange)) or option.name in ("seed", "hidden")
    for value in [*NUMBERS, *HOSTILE]:
        long = max(option.opts, key=len)
        usual = [other for other in USUAL[command] if not (long == "--epochs" and other.startswith("--steps"))]
        source = ["moons", "--points=8", *usual[1:]] if option.name == "noise" else usual
        result = run(command, *source, f"{long}={value}")
        assert result.exit_code in (0, 2), result.output
        if is_number and value.strip() and value in HOSTILE:
            assert result.exit_code == 2


@pytest.mark.parametrize(("command", "option"), list(options()), ids=lambda thing: thing if isinstance(thing, str) else thing.name)
def test_every_option_with_some_values(command: str, option: click.Option) -> None:
    for value in ("nan", "-1", "1e400", "9" * 100_000, ESCAPES):
        assert run(command, *USUAL[command], f"{max(option.opts, key=len)}={value}").exit_code in (0, 2)


POSITIVE, FROM_ZERO = ("hidden", "lr", "steps", "epochs", "points"), ("noise", "l2", "test-split")
OUT_OF_RANGE = ["1e308", "1e400", "nan", "inf", "-1", "1" * 5000, "9" * 100_000]


@pytest.mark.parametrize(
    ("option", "value"),
    [*((option, value) for option in POSITIVE + FROM_ZERO for value in OUT_OF_RANGE), *((option, "0") for option in POSITIVE)],
)
def test_numbers_out_of_range_are_wrong_input(option: str, value: str) -> None:
    assert run("train", "moons", f"--{option}={value}").exit_code == 2
    assert not Path("runs").exists()


@pytest.mark.parametrize("hidden", ["10000,10000", ",".join(["1"] * 101)])
def test_a_network_that_is_too_large_is_refused(hidden: str) -> None:
    assert "at most" in run("train", "moons", "--hidden", hidden).stderr


@pytest.mark.slow
@pytest.mark.parametrize("hostile", [*HOSTILE, *NUMBERS])
def test_every_argument(hostile: str) -> None:
    run(hostile)
    run("--" + hostile)
    run("train", "t.csv", "--" + hostile)
    for command, usual in USUAL.items():
        for place in range(len(usual)):
            run(command, *usual[:place], hostile, *usual[place + 1 :])
            run(command, *usual[:place], f"a={hostile}", *usual[place + 1 :])
            run(command, *usual[:place], f"{hostile}=1", *usual[place + 1 :])


NAMES = [hostile for hostile in HOSTILE if len(hostile) < 200]
PLACES = {  # tables with a hostile text in one place
    "feature": lambda text: [[text, "b", "kind"], ["1", "2", "x"], ["2", "1", "y"]],
    "label": lambda text: [["a", "b", text], ["1", "2", "x"], ["2", "1", "y"]],
    "twice": lambda text: [["a", text, text], ["1", "2", "x"], ["2", "1", "y"]],
    "cell": lambda text: [["a", "b", "kind"], ["1", text, "x"], ["2", "1", "y"]],
    "class": lambda text: [["a", "b", "kind"], ["1", "2", text], ["2", "1", "y"]],
    "classes": lambda text: [["a", "b", "kind"], *[[str(i), "2", text + str(i)] for i in range(50)]],
    "constant": lambda text: [["a", "b", "kind"], ["1", "2", text], ["2", "1", text]],
    "number": lambda text: [["a", "b", "kind"], ["1", "2", "1.5"], ["2", "1", "2.5"], ["3", "1", text]],
    "other": lambda text: [["a", "b", text, "kind"], ["1", "2", text, "x"], ["2", "1", text, "y"]],
    "alone": lambda text: [[text], ["x"], ["y"]],
}


@pytest.mark.parametrize("hostile", [*NAMES, "=cmd|' /C calc'!A0", "x" * 20_000], ids=lambda text: repr(text[:10]))
@pytest.mark.parametrize("place", PLACES)
def test_every_place_in_a_table(place: str, hostile: str) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(PLACES[place](hostile))
    Path("hostile.csv").write_bytes(text.getvalue().encode(errors="surrogateescape"))
    trained = run("train", "hostile.csv", "--steps=2", "--hidden=2", "-o", "h")
    for model in ("model.json", "h/model.json"):
        run("predict", model, "t.csv")
        run("predict", model, "hostile.csv")
        run("predict", model, "hostile.csv", "-o", "out.csv")
    if place == "class" and trained.exit_code == 0:
        found, known = set(read_table("out.csv").texts("predicted_kind")), set(load_model("h/model.json").class_names or ())
        assert found
        assert found <= known


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names_of_files(name: str) -> None:
    name = name.replace("/", "")
    table, model = f"{name}.csv", f"{name}.json"
    os.rename("t.csv", table)
    os.rename("model.json", model)
    assert run("train", table, "--steps=2", "--hidden=2").exit_code == 0
    assert run("predict", model, table).exit_code == 0
    assert run("predict", model, table, "-o", f"{name}.out").exit_code == 0
    assert run("draw", "a", "a=1", "-o", f"{name}.svg").exit_code == 0
    os.mkdir(f"{name}.svg.csv")
    for arguments in (
        ["train", f"{name}.none"],
        ["train", name],
        ["train", table, "--label", name],
        ["train", f"{name}.svg.csv"],
        ["train", table, "-o", f"{table}/below"],
        ["predict", table, table],
        ["predict", model, model],
        ["predict", model, table, "-o", f"{name}.svg.csv"],
        ["predict", model, table, "-o", f"{name}.none/out"],
        ["draw", "a", "a=1", "-o", f"{name}/g.svg"],
        ["draw", name, "a=1"],
    ):
        assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    "hostile", [*HOSTILE, 10**300, [1] * 10_000, {"\x1b": "\x1b"}, True, None, 0.5], ids=lambda thing: repr(thing)[:10]
)
def test_every_entry_of_a_model(hostile: object) -> None:
    document = json.loads(Path("model.json").read_text())
    del document["checksum"]
    changed = [{**document, key: hostile} for key in document]
    changed += [{**document, "network": {**document["network"], key: hostile}} for key in document["network"]]
    changed += [{**document, key: [hostile, *document[key][1:]]} for key in ("features", "classes")]
    changed += [{**document, str(hostile): 1}, {**document, "weights": {**document["weights"], str(hostile): 1}}]
    changed += [{**document, "standardization": {**document["standardization"], "mean": [hostile, 1]}}]
    for content in changed:
        Path("hostile.json").write_text(json.dumps(content))
        run("predict", "hostile.json", "t.csv")
        run("predict", "hostile.json", "t.csv", "-o", "out.csv")


def test_formulas_are_no_formulas_and_come_back() -> None:
    """Labels that a spreadsheet would run are written with an apostrophe, numbers are not, and reading takes the apostrophe away."""
    formula = "=cmd|' /C calc'!A0"
    for labels, written in (
        (["-1", "+1"], {"-1", "+1"}),
        (["-1.5e3", "word"], {"-1.5e3", "word"}),
        ([formula, "@home"], {"'" + formula, "'@home"}),
        (["-x", "--"], {"'-x", "'--"}),
    ):
        rows = [[str(i), str(i % 3), labels[i % 2], formula, "-3"] for i in range(12)]
        text = io.StringIO()
        csv.writer(text).writerows([["a", "b", "kind", "=other", "-1"], *rows])
        Path("f.csv").write_text(text.getvalue())
        Path("small.csv").write_text("\n".join(",".join(line[:3]) for line in csv.reader(io.StringIO(text.getvalue()))))
        assert run("train", "small.csv", "--steps=30", "--hidden=4", "-o", "f").exit_code == 0
        for _ in range(2):  # what was predicted can be predicted again
            result = run("predict", "f/model.json", "f.csv", "-o", "f.csv")
            assert f"on 12 rows, by their column {'kind'!r}" in result.stderr
        with open("f.csv", newline="") as file:
            found = list(csv.DictReader(file))
        assert {row["kind"] for row in found} == written
        assert {row["predicted_kind"] for row in found} <= written
        assert {(row["'=other"], row["-1"]) for row in found} == {("'" + formula, "-3")}
        assert set(load_csv("small.csv").class_names or ()) == set(labels)
        for path in Path().glob("f/*"):
            path.unlink()
        Path("f").rmdir()


# --- a place that cannot be written


def test_a_trained_model_is_kept_in_a_second_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the folder is taken away while the network learns."""
    from chainrule.cli import train

    (folder / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder / "tmp"))
    usual = train.learn

    def learn(*arguments: object) -> object:
        result = usual(*arguments)
        (folder / "runs").rmdir()
        (folder / "runs").touch()
        return result

    monkeypatch.setattr(train, "learn", learn)
    result = run("train", "t.csv", "--steps=2", "--hidden=2")
    assert result.exit_code == 1
    told = result.stderr.splitlines()[-1]
    assert told.startswith("Error: the folder runs/t could not be made (")
    place = Path(told.split("the results are in ")[1].removesuffix(" instead"))
    assert place.is_relative_to(folder / "tmp")
    assert place.parent.stat().st_mode & 0o777 == 0o700
    load_model(place / "model.json")
    assert json.loads((place / "options.json").read_text())["steps_done"] == 2
    assert not list(folder.rglob("*.partial"))


@pytest.mark.parametrize("places", range(4))
def test_the_first_place_that_takes_the_results_has_them(places: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("wanted", "tmp", "home", "here"):
        (folder / name).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder / "tmp"))
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.chdir(folder / "here")
    tried = []

    def write(new: Path) -> None:
        tried.append(new)
        (new / "half").touch()
        if len(tried) <= places:
            raise OSError(28, "No space left on device", str(new / "model.json"))

    place, problem = keep(folder / "wanted" / "t", write)
    assert place.resolve().is_relative_to(folder / ["wanted", "tmp", "home", "here"][places])
    assert problem == ("No space left on device" if places else "")
    assert [path.name for path in folder.rglob("*") if path.is_file() and path.name == "half"] == ["half"]
    assert not list(folder.rglob("*.partial"))


def test_if_there_is_no_place_the_error_names_the_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder / "none"))
    monkeypatch.setenv("HOME", str(folder / "none"))

    def write(new: Path) -> None:
        raise OSError(28, "No space left on device", "model.json")

    with pytest.raises(OSError, match=r"No space left on device: '.*/wanted'"):
        keep(folder / "wanted", write)
    assert not list(folder.glob("*wanted*")) + list(folder.glob("chainrule-*"))


@pytest.mark.parametrize("name", ["n" * 256, "new/" + "n" * 256, "é" * 128, "t.csv/below", "/proc/none", ".", "..", "a\0b"])
def test_a_place_that_cannot_be_written_is_refused_before_training(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise AssertionError("trained already")

    monkeypatch.setattr("chainrule.cli.train.learn", fail)
    before = sorted(os.listdir())
    assert run("train", "t.csv", "-o", name).exit_code == 2
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("name", ["n" * 255, "😀" * 63])
def test_the_longest_name_of_a_folder(name: str) -> None:
    assert run("train", "t.csv", "--steps=2", "--hidden=2", "-o", name).exit_code == 0
    load_model(Path(name, "model.json"))
    assert "File name too long" in run("train", "t.csv", "--steps=2", "-o", name).stderr  # name-2, since results are never replaced


def test_an_empty_folder_keeps_its_permissions() -> None:
    Path("private").mkdir(0o700)
    assert run("train", "t.csv", "--steps=2", "--hidden=2", "-o", "private").exit_code == 0
    assert Path("private").stat().st_mode & 0o777 == 0o700
    assert Path("private/model.json").exists()


@pytest.mark.parametrize("command", [["draw", "a", "a=1", "-o"], ["predict", "model.json", "t.csv", "-o"]])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_computed(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise AssertionError("computed already")

    for place in ("chainrule.cli.say.evaluate", "chainrule.models.load_model"):
        monkeypatch.setattr(place, fail)
    for name in ("n" * 300 + ".svg", "none/x.svg", "t.csv/x.svg", "m", "a\0b.svg"):
        assert run(*command, name).exit_code == 2


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_nothing_is_left_where_the_command_is_asked_to_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chainrule", "train", "moons", "--steps", "1000000", "-o", "run"]
    place = tmp_path / "place"
    place.mkdir()
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        while b"step" not in process.stdout.readline():
            pass
        process.terminate()
        process.stdout.read()
    assert (process.returncode, list(place.iterdir())) == (128 + signal.SIGTERM, [])
