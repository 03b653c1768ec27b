"""Saved models: a network, and what is needed to use it, as JSON that a person can read.

Every weight is written with enough digits to restore the same bits. Nothing in a file is ever run: each part is checked, and an error says
what is wrong with a part that is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.data import CLASSIFICATION, REGRESSION, TASKS, Standardization
from chainrule.files import read_file, write_atomically
from chainrule.foreign import clean, quoted
from chainrule.nn import ACTIVATIONS, MLP

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

FORMAT = "chainrule model"
VERSION = 1
LOOKED_AT = 1 << 24  # bytes; a larger file is taken apart only if it says somewhere that it is a model
LONGEST_PROBLEM = 500  # characters
MAX_DIGITS = 600  # of a whole number; the largest float has 309
KEYS = ("format", "version", "network", "task", "features", "target", "classes", "standardization", "target_standardization", "weights")


class ModelFileError(ValueError):
    """A file does not hold a model that can be used; the message says why."""


class SavedModel(NamedTuple):
    """A network, and what its inputs and outputs mean.

    Arguments:
        model: the network.
        task: `"classification"` or `"regression"`; None if it was not said.
        feature_names: what each input is called.
        target_name: what is predicted.
        class_names: the names of the classes, in the order of their indices. A network with one output tells two classes apart by its
            sign; otherwise each class has an output, and the largest wins.
        standardization: what to do to the inputs first.
        target_standardization: what the numbers predicted were scaled by, for regression.
    """

    model: MLP
    task: str | None = None
    feature_names: list[str] | None = None
    target_name: str | None = None
    class_names: list[str] | None = None
    standardization: Standardization | None = None
    target_standardization: Standardization | None = None

    def outputs(self, row: Sequence[float]) -> list[float]:
        """The outputs of the network for one row of features."""
        inputs = self.standardization.apply([row])[0] if self.standardization else list(row)
        out = self.model(inputs)
        return [value.data for value in (out if isinstance(out, list) else [out])]

    def predict(self, row: Sequence[float]) -> float:
        """Predict for one row of features: the index of a class, or a number in the units of the target."""
        return self.prediction(self.outputs(row))

    def prediction(self, outputs: Sequence[float]) -> float:
        """Turn the outputs of the network into a prediction: the index of a class, or a number in the units of the target."""
        if self.task == CLASSIFICATION:
            return class_of(outputs)
        return self.target_standardization.undo(outputs)[0] if self.target_standardization else outputs[0]


def class_of(outputs: Sequence[float]) -> int:
    """Return the index of the predicted class: the sign of a single output decides, or the position of the largest output."""
    return int(outputs[0] > 0) if len(outputs) == 1 else max(range(len(outputs)), key=outputs.__getitem__)


def save_model(
    path: str | os.PathLike[str],
    model: MLP,
    *,
    task: str | None = None,
    feature_names: Sequence[str] | None = None,
    target_name: str | None = None,
    class_names: Sequence[str] | None = None,
    standardization: Standardization | None = None,
    target_standardization: Standardization | None = None,
) -> None:
    """Write a model as JSON; the file is written completely or not at all.

    Arguments:
        path: the file; one that exists is replaced once the new one is complete.
        model: the network; its activation must be one of `chainrule.nn.ACTIVATIONS`.
        task, feature_names, target_name, class_names, standardization, target_standardization: see `SavedModel`.

    Raises:
        ValueError: if a weight is nan or infinite, the activation is a function of your own, or the arguments do not fit together.
        OSError: if the file cannot be written.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "network": _network(model),
        "task": task,
        "features": feature_names and list(feature_names),
        "target": target_name,
        "classes": class_names and list(class_names),
        "standardization": standardization and standardization._asdict(),
        "target_standardization": target_standardization and target_standardization._asdict(),
        "weights": model.state_dict(),
    }
    for name, weight in model.state_dict().items():
        if not math.isfinite(weight):
            raise ValueError(f"the weight {name} is {weight}; a model with such a weight is useless and is not saved")
    document["checksum"] = _checksum(document)
    _Document(path, document).model()
    write_atomically(path, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())


def _network(model: MLP) -> dict[str, Any]:
    """What is needed to make the network again, weights aside."""
    if type(model) is not MLP:
        raise ValueError(f"only an MLP can be saved as a model, got {type(model).__name__}; save_safetensors() takes any state_dict()")
    sizes = [len(layer.neurons) for layer in model.layers]
    hidden = [neuron for layer in model.layers[:-1] for neuron in layer.neurons]
    activations = {neuron.activation for neuron in hidden} or {ACTIVATIONS["relu"]}
    name = next((name for name, function in ACTIVATIONS.items() if {function} == activations), None)
    if name is None or not all(neuron.nonlin for neuron in hidden) or any(neuron.nonlin for neuron in model.layers[-1].neurons):
        raise ValueError(
            f"{model!r} cannot be saved as a model: its hidden layers must share one activation of chainrule.nn.ACTIVATIONS, and "
            "its last layer must be linear; save_safetensors() takes any state_dict()"
        )
    return {"kind": "MLP", "inputs": len(model.layers[0].neurons[0].w), "layers": sizes, "activation": name}


def load_model(path: str | os.PathLike[str]) -> SavedModel:
    """Read a model that `save_model` wrote.

    A file is read up to a limit of 256 MiB, which the environment variable `CHAINRULE_MAX_BYTES` changes.

    Returns:
        The model, with the same weights to the last bit.

    Raises:
        ModelFileError: if the file is missing, too large, damaged, truncated, of another kind, or newer; the message says which.
    """
    name = clean(path)
    try:
        raw = read_file(path)
    except FileNotFoundError:
        raise ModelFileError(f"{name}: there is no such file") from None
    except IsADirectoryError:
        raise ModelFileError(f"{name} is a folder; the file in it that holds the model is called model.json") from None
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > LOOKED_AT and FORMAT.encode() not in raw:  # before so much is taken apart
        raise ModelFileError(f"{name}: this is not a chainrule model")
    try:
        text = raw.decode("utf-8-sig")
        content = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant, parse_int=_integer)
        return _Document(path, content).model()
    except json.JSONDecodeError as error:
        raise ModelFileError(f"{name} is truncated or not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError:
        raise ModelFileError(f"{name} is not a model: it is not text in UTF-8") from None
    except RecursionError:
        raise ModelFileError(f"{name} is not a model: it is nested too deeply") from None
    except _NoModelError as error:
        raise ModelFileError(f"{name} is not a model: {error}") from None


class _NoModelError(ValueError):
    """JSON that no model is."""


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _NoModelError(f"{quoted(name)} occurs twice")
            seen.add(name)
    return found


def _refuse_constant(name: str) -> float:
    raise _NoModelError(f"{name} is not a number that a model can hold")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _NoModelError(f"the number {text[:20]}... has too many digits, {len(text.lstrip('-')):,}; no number in a model has that many")
    return int(text)


def _checksum(document: Mapping[str, Any]) -> str:
    content = {key: document[key] for key in document if key != "checksum"}
    return "sha256:" + hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class _Document:
    """The content of a model file, while it is being checked."""

    def __init__(self, path: object, content: Any) -> None:
        self.path = path
        self.content = content

    def error(self, problem: str) -> ModelFileError:
        return ModelFileError(f"{clean(self.path)}: {clean(problem, longest=LONGEST_PROBLEM)}")

    def model(self) -> SavedModel:
        """The model in the file, built only after everything about it has been checked."""
        self.check_envelope()
        inputs, layers, activation = self.network()
        weights = self.weights(inputs, layers)
        task, classes = self.content["task"], self.names("classes")
        if task not in (None, *TASKS):
            raise self.error(f"the task is {task!r}; it must be one of {', '.join(TASKS)}")
        outputs_needed = 1 if task == REGRESSION or (classes is not None and len(classes) == 2) else len(classes or ())
        if task == CLASSIFICATION and (classes is None or len(classes) < 2):
            raise self.error("the task is classification, but there are fewer than two classes")
        if task == REGRESSION and classes is not None:
            raise self.error("the task is regression, but there are classes")
        if task is not None and layers[-1] not in (outputs_needed, len(classes or ())):
            raise self.error(f"the network has {layers[-1]} outputs, but the task needs {outputs_needed}")
        features, target = self.names("features", inputs), self.content["target"]
        if not isinstance(target, str | None):
            raise self.error("'target' must be a string")
        scales = self.scales("standardization", inputs), self.scales("target_standardization", layers[-1])
        try:
            model = MLP(inputs, layers, activation=activation)
            model.load_state_dict(weights)
        except (KeyError, TypeError, ValueError) as error:
            raise self.error(str(error.args[0] if error.args else error)) from None
        return SavedModel(model, task, features, target, classes, *scales)

    def check_envelope(self) -> None:
        """Whether this is a model at all, of a version that is known, complete, and as it was written."""
        content = self.content
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise self.error("this is JSON, but not a chainrule model")
        version = content.get("version")
        if type(version) is int and version > VERSION:
            raise self.error(
                f"this model was written by a newer chainrule (format version {version}; this one reads up to {VERSION}); "
                "upgrade with `pip install --upgrade chainrule`"
            )
        if type(version) is not int or version < 1:
            raise self.error(f"the format version is {version!r}; it must be {VERSION}")
        missing = [key for key in KEYS if key not in content]
        foreign = [key for key in content if key not in (*KEYS, "checksum")]
        if missing or foreign:
            raise self.error(f"{missing[0]!r} is missing" if missing else f"{foreign[0][:60]!r} does not belong in a model")
        if "checksum" in content and content["checksum"] != _checksum(content):
            raise self.error(
                "the checksum does not match: the file was damaged, or changed by hand; if that was meant, remove the line 'checksum'"
            )

    def network(self) -> tuple[int, list[int], str]:
        """The number of inputs, the number of neurons in each layer, and the name of the activation."""
        network = self.content["network"]
        if not isinstance(network, dict) or network.keys() != {"kind", "inputs", "layers", "activation"}:
            raise self.error("'network' must hold kind, inputs, layers and activation")
        if network["kind"] != "MLP":
            raise self.error(f"the network is of the kind {network['kind']!r}; only MLP is known")
        inputs, layers, activation = network["inputs"], network["layers"], network["activation"]
        if not isinstance(layers, list) or not layers or any(type(size) is not int or size < 1 for size in (inputs, *layers)):
            raise self.error("'inputs' must be a whole number of at least 1, and 'layers' a list of such numbers")
        if not isinstance(activation, str):
            raise self.error("'activation' must be a name")
        return inputs, layers, activation

    def weights(self, inputs: int, layers: list[int]) -> dict[str, float]:
        """The weights by name; as many as the layers need, which is known before any layer is made."""
        weights = self.content["weights"]
        if not isinstance(weights, dict):
            raise self.error("'weights' must hold a number for each weight")
        needed = sum((fan_in + 1) * size for fan_in, size in zip([inputs, *layers], layers, strict=False))
        if len(weights) != needed:
            raise self.error(f"there are {len(weights):,} weights, but a network of {inputs} inputs and layers {layers} has {needed:,}")
        return {name: self.number(weight, f"the weight {name!r}") for name, weight in weights.items()}

    def number(self, number: Any, what: str) -> float:
        try:
            if type(number) in (int, float) and math.isfinite(number):
                return float(number)
        except OverflowError:
            pass
        raise self.error(f"{what[:100]} is not a finite number")

    def names(self, key: str, count: int | None = None) -> list[str] | None:
        names = self.content[key]
        if names is None:
            return None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise self.error(f"{key!r} must be a list of different names")
        if count is not None and len(names) != count:
            raise self.error(f"there are {len(names)} {key}, but the network has {count} inputs")
        return names

    def scales(self, key: str, count: int) -> Standardization | None:
        scales = self.content[key]
        if scales is None:
            return None
        if not isinstance(scales, dict) or scales.keys() != {"mean", "scale"}:
            raise self.error(f"{key!r} must hold mean and scale")
        for part in ("mean", "scale"):
            if not isinstance(scales[part], list) or len(scales[part]) != count:
                raise self.error(f"{part!r} in {key!r} must be a list of {count} numbers")
        mean, scale = ([self.number(number, f"{part!r} in {key!r}") for number in scales[part]] for part in ("mean", "scale"))
        if not all(number > 0 for number in scale):
            raise self.error(f"'scale' in {key!r} must be positive")
        return Standardization(mean, scale)


# --- safetensors --------------------------------------------------------------------------------------------------------------------


def save_safetensors(path: str | os.PathLike[str], state_dict: Mapping[str, float]) -> None:
    """Write a state dict in the safetensors format, as float64; the file is written completely or not at all.

    Numbers whose names end in 0, 1, 2 and so on, such as `w.0`, `w.1` and `w.2`, become one vector `w`; others stay scalars.

    Arguments:
        path: the file.
        state_dict: a number for each name, as from `Module.state_dict()`.

    Raises:
        ImportError: if safetensors is not installed.
        TypeError: if a name is not a string, or its entry is not a number.
        ValueError: if a name is `__metadata__`, which means something else in such a file.
        OSError: if the file cannot be written.
    """
    for name in state_dict:
        if not isinstance(name, str):
            raise TypeError(f"the names in a state dict must be strings, got {type(name).__name__}: {name!r:.60}")
    if "__metadata__" in state_dict:
        raise ValueError("a number called '__metadata__' cannot be saved: safetensors uses this name for its metadata; rename it")
    numpy, safetensors = _import_safetensors()
    groups: dict[str, list[str]] = {}
    for name in state_dict:
        prefix = re.sub(r"\.(0|[1-9][0-9]*)$", "", name)
        groups.setdefault(prefix, []).append(name)
    tensors = {}
    for prefix, names in groups.items():
        ordered = [f"{prefix}.{i}" for i in range(len(names))]
        if set(ordered) == set(names) and prefix not in state_dict:
            tensors[prefix] = numpy.array([state_dict[name] for name in ordered], dtype=numpy.float64)
        else:
            tensors.update({name: numpy.array(state_dict[name], dtype=numpy.float64) for name in names})
    write_atomically(path, safetensors.save(tensors))


def load_safetensors(path: str | os.PathLike[str]) -> dict[str, float]:
    """Read a state dict from a safetensors file; an element of a vector `w` is called `w.0`, one of a matrix `w.0.1`.

    At most 256 MiB are read, or as many bytes as the environment variable `CHAINRULE_MAX_BYTES` says.

    Returns:
        A number for each name, in the order of the names in the file.

    Raises:
        ModelFileError: if the file is missing, damaged, or of another kind; if it is too large, or two of its numbers would have the same
            name.
    """
    from chainrule.tensors import numbers_in

    try:
        content = read_file(path)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ModelFileError(f"{path} cannot be read: {error}") from None
    try:
        return numbers_in(content)
    except ValueError as error:
        raise ModelFileError(f"{path} is not a safetensors file that can be read: {error}") from None


def _import_safetensors() -> tuple[Any, Any]:
    try:
        import numpy
        import safetensors.numpy
    except ImportError:
        raise ImportError('this needs the package safetensors: pip install "chainrule[safetensors]"') from None
    return numpy, safetensors.numpy
