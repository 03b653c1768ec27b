"""The folder with the results of a training: it appears with a complete model or not at all, and never replaces an earlier one.

Pictures are added afterwards, each complete or not at all.
"""

from __future__ import annotations

import itertools
import json
import secrets
import shutil
import stat
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.errors import BadInput, reason, told
from chainrule.cli.interrupts import DRAWING, KEEPING
from chainrule.files import check_place, temporary_name, write_atomically
from chainrule.foreign import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chainrule.cli.interrupts import Interrupts
    from chainrule.data import Dataset
    from chainrule.models import SavedModel
    from chainrule.training import History

SMALL_GRAPH = 60  # nodes; a network of no more is drawn as a whole


def check_folder(wanted: Path, size: int) -> None:
    """Check before the training that its results can be written: names, permissions and disk space. Nothing stays behind.

    Arguments:
        wanted: the folder.
        size: about how many bytes will be written.

    Raises:
        BadInput: if they cannot be written.
    """
    if wanted.name in ("", ".."):
        raise BadInput(f"{clean(wanted)} cannot be the folder for the results; give the name of a new folder")
    made: list[Path] = []
    try:
        made += [parent for parent in wanted.parents if not parent.exists()]
        temporary = _temporary(wanted)
        try:
            check_place(temporary / "model.json", size)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        if not wanted.exists() or not _is_free(wanted):
            # The name may be too long for the system, which that of the temporary folder is not.
            named = wanted if _is_free(wanted) else wanted.with_name(f"{wanted.name}-{secrets.token_hex(2)}")
            named.mkdir()
            try:
                check_place(named / "boundary.png")
            finally:
                shutil.rmtree(named, ignore_errors=True)
    except (OSError, ValueError) as error:
        for parent in made:
            with suppress(OSError):
                parent.rmdir()
        raise BadInput(f"the folder {clean(wanted)} cannot be made: {reason(error)}") from None


def keep(wanted: Path, write: Callable[[Path], None]) -> tuple[Path, str]:
    """Publish a new folder in the wanted place or, if that has become impossible, in the first possible one of some other places.

    Returns:
        Where the folder is, and why it is not in the wanted place; the reason is empty if it is there.

    Raises:
        OSError: if it cannot be written anywhere.
    """
    try:
        return publish(wanted, write), ""
    except OSError as error:
        problem = error
    for elsewhere in _other_places():
        with suppress(OSError):
            place = Path(tempfile.mkdtemp(prefix="chainrule-", dir=elsewhere))
            try:
                return publish(place / wanted.name[:60], write), reason(problem)
            except BaseException:
                shutil.rmtree(place, ignore_errors=True)
                raise
    if problem.filename:
        problem.filename = str(wanted)  # in place of the temporary folder
    raise problem


def _other_places() -> Iterator[Path]:
    with suppress(OSError):  # there is none that can be written to
        yield Path(tempfile.gettempdir())
    with suppress(RuntimeError):
        yield Path.home()
    yield Path()


def publish(wanted: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a new folder, then give it the wanted name, with -2, -3, ... added if that name is taken.

    Returns:
        Where the folder is.
    """
    temporary = _temporary(wanted)
    try:
        write(temporary)
        for candidate in filter(_is_free, _candidates(wanted)):
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


def _is_free(candidate: Path) -> bool:
    """Whether nothing is there, or an empty folder."""
    return not candidate.is_symlink() and (not candidate.exists() or (candidate.is_dir() and not any(candidate.iterdir())))


def _temporary(wanted: Path) -> Path:
    """A new folder beside the one wanted, with the permissions of the empty one that it may replace."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    temporary = wanted.with_name(temporary_name(wanted.name))
    if not wanted.is_symlink() and wanted.is_dir() and _is_free(wanted):
        mode = stat.S_IMODE(wanted.stat().st_mode)
        temporary.mkdir(mode & 0o777)
        temporary.chmod(mode)
    else:
        temporary.mkdir()
    return temporary


def write_model(folder: Path, saved: SavedModel, options: dict[str, Any]) -> None:
    """Write model.json, and the options as options.json, to an empty folder."""
    from chainrule.models import save_model

    meaning: dict[str, Any] = saved._asdict()
    save_model(folder / "model.json", meaning.pop("model"), **meaning)
    write_atomically(folder / "options.json", (json.dumps(options, indent=1, allow_nan=False) + "\n").encode())


def add_pictures(folder: Path, saved: SavedModel, data: Dataset, history: History, ctrl_c: Interrupts) -> dict[str, str]:
    """Add the pictures that can be made, until Ctrl-C.

    Arguments:
        folder: where the model is.
        saved: what was learned.
        data: the samples that it was learned from.
        history: the losses.
        ctrl_c: the handler of Ctrl-C; afterwards it only notes that it was pressed.

    Returns:
        For each file, what it shows or why it was left out.
    """
    pictures: dict[str, tuple[str, Callable[[Path], str]]] = {
        "loss.png": ("the loss at each step", lambda path: _draw_loss(path, history)),
        "graph.svg": ("", lambda path: _draw_graph(path, saved, data)),
    }
    if len(data.feature_names) == 2 and data.class_names is not None:
        pictures["boundary.png"] = ("the decision boundary between the classes", lambda path: _draw_boundary(path, saved, data))
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
    """Draw in another place first, so that no incomplete picture is left."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as that of a letter which a font lacks
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

    names = dict(enumerate(map(_in_picture, data.class_names or ())))
    features = [_in_picture(name) for name in data.feature_names]
    figure = plot_decision_boundary(saved.outputs, data.inputs, data.targets, feature_names=features, class_names=names)
    figure.savefig(path)
    return ""


def _in_picture(name: str) -> str:
    """Escape a name for matplotlib, in which a dollar sign would begin a formula."""
    return clean(name, longest=40).replace("$", r"\$")


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
