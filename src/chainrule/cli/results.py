"""The folder that a training leaves behind: it appears with a complete model or not at all, and never in place of an earlier one.

Pictures are added afterwards, each complete or not at all.
"""

from __future__ import annotations

import itertools
import json
import secrets
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.errors import BadInput, told
from chainrule.cli.interrupts import DRAWING, KEEPING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chainrule.cli.interrupts import Interrupts
    from chainrule.data import Dataset
    from chainrule.models import SavedModel
    from chainrule.training import History

SMALL_GRAPH = 60  # nodes; a network of no more is drawn as a whole


def check_place(wanted: Path) -> None:
    """Find out before the training whether its results can be written.

    Raises:
        BadInput: if they cannot.
    """
    try:
        _temporary(wanted).rmdir()
    except OSError as error:
        raise BadInput(f"the folder {wanted} cannot be made: {error.strerror}") from None


def publish(wanted: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a new folder, then give it its name: the one wanted, or that with -2, -3, ... where something is there already.

    Returns:
        Where the folder is.
    """
    temporary = _temporary(wanted)
    try:
        write(temporary)
        for candidate in _candidates(wanted):
            if candidate.is_symlink() or (candidate.exists() and not (candidate.is_dir() and not any(candidate.iterdir()))):
                continue
            try:
                if candidate.exists():  # an empty folder, which some systems do not replace
                    candidate.rmdir()
                temporary.rename(candidate)
            except OSError:  # another training took this name in the meantime
                if candidate.exists():
                    continue
                raise
            return candidate
        raise AssertionError("there is a number that is free")
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _candidates(wanted: Path) -> Iterator[Path]:
    yield wanted
    yield from (wanted.with_name(f"{wanted.name}-{number}") for number in itertools.count(2))


def _temporary(wanted: Path) -> Path:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    temporary = wanted.with_name(f".{wanted.name[:100]}.{secrets.token_hex(8)}.partial")
    temporary.mkdir()
    return temporary


def write_model(folder: Path, saved: SavedModel, options: dict[str, Any]) -> None:
    """Write model.json, and the options as options.json, to an empty folder."""
    from chainrule.models import save_model

    meaning: dict[str, Any] = saved._asdict()
    save_model(folder / "model.json", meaning.pop("model"), **meaning)
    (folder / "options.json").write_text(json.dumps(options, indent=1, allow_nan=False) + "\n")


def add_pictures(folder: Path, saved: SavedModel, data: Dataset, history: History, ctrl_c: Interrupts) -> dict[str, str]:
    """Add the pictures that can be made, until Ctrl-C.

    Arguments:
        folder: where the model is.
        saved: what was learned.
        data: the samples that it was learned from.
        history: the losses.
        ctrl_c: what handles it; afterwards it only takes note.

    Returns:
        For each file what it shows; or why it was left out.
    """
    pictures: dict[str, tuple[str, Callable[[Path], str]]] = {
        "loss.png": ("the loss at each step", lambda path: _draw_loss(path, history)),
        "graph.svg": ("", lambda path: _draw_graph(path, saved, data)),
    }
    if len(data.feature_names) == 2 and data.class_names is not None:
        pictures["boundary.png"] = ("where the model draws the line between the classes", lambda path: _draw_boundary(path, saved, data))
    found = {}
    with suppress(KeyboardInterrupt):
        ctrl_c.enter(DRAWING)
        for name, (what, draw) in pictures.items():
            if ctrl_c.asked:  # and the exception was lost in a library
                break
            try:
                found[name] = _add(folder / name, draw) or what
            except (ImportError, OSError) as error:
                found[name] = f"left out: {told(error)}"
        ctrl_c.enter(KEEPING)
    return {name: found.get(name, "left out, because Ctrl-C was pressed") for name in pictures}


def _add(path: Path, draw: Callable[[Path], str]) -> str:
    """Draw elsewhere, so that no half a picture is left."""
    from chainrule.files import write_atomically

    with tempfile.TemporaryDirectory() as scratch:
        drawn = Path(scratch) / path.name
        what = draw(drawn)
        write_atomically(path, drawn.read_bytes())
    return what


def _draw_loss(path: Path, history: History) -> str:
    from chainrule.plots import plot_loss

    plot_loss(history).savefig(path)
    return ""


def _draw_boundary(path: Path, saved: SavedModel, data: Dataset) -> str:
    from chainrule.plots import plot_decision_boundary

    names = dict(enumerate(data.class_names or ()))
    figure = plot_decision_boundary(saved.outputs, data.inputs, data.targets, feature_names=data.feature_names, class_names=names)
    figure.savefig(path)
    return ""


def _draw_graph(path: Path, saved: SavedModel, data: Dataset) -> str:
    """Draw the whole network if it is small, else the neuron with the fewest inputs, for a sample that moves it much."""
    from chainrule.drawing import draw
    from chainrule.engine import Value
    from chainrule.graph import topological_order

    def inputs(row: list[float], names: list[str]) -> list[Value]:
        return [Value(x, label=name) for x, name in zip(row, names, strict=True)]

    rows = saved.standardization.apply(data.inputs[:20]) if saved.standardization else data.inputs[:20]
    out = saved.model(inputs(rows[0], data.feature_names))
    if isinstance(out, Value) and len(topological_order(out)) <= SMALL_GRAPH:
        out.label, what = saved.target_name or "out", "the graph of the whole network, for one sample"
    else:
        place, layer = min(enumerate(saved.model.layers), key=lambda numbered: len(numbered[1].neurons[0].w))
        for earlier in saved.model.layers[:place]:
            rows = [[value.data for value in _listed(earlier(row))] for row in rows]
        names = data.feature_names if place == 0 else [f"layers.{place - 1}.{i}" for i in range(len(rows[0]))]
        out = max((layer.neurons[0](inputs(row, names)) for row in rows), key=lambda value: value.data)
        out.label = f"layers.{place}.neurons.0"
        what = f"the graph of one neuron, {out.label}, for one sample"
    out.backward()
    draw(out).save(str(path))
    return what


def _listed(out: Any) -> list[Any]:
    return out if isinstance(out, list) else [out]
