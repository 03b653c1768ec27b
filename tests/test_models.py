"""Models come back to the last bit; files that are not as they should be are refused with the reason."""

from __future__ import annotations

import json
import math
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import Standardization
from chainrule.files import write_atomically
from chainrule.models import ModelFileError, SavedModel, class_of, load_model, load_safetensors, save_model, save_safetensors
from chainrule.nn import ACTIVATIONS, MLP, Neuron

MEANING: dict[str, Any] = {
    "task": "classification",
    "feature_names": ["x", "y"],
    "target_name": "kind",
    "class_names": ["a", "b"],
    "standardization": Standardization([0.1, -2.0], [1.5, 3.0]),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A model file."""
    path = tmp_path / "model.json"
    save_model(path, MLP(2, [3, 1], activation="tanh", rng=random.Random(0)), **MEANING)
    return path


def bits(state: dict[str, float]) -> dict[str, str]:
    return {name: number.hex() for name, number in state.items()}


# --- there and back


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=13, max_size=13), st.sampled_from(sorted(ACTIVATIONS)))
def test_weights_come_back_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, weights: list[float], activation: str) -> None:
    model = MLP(2, [3, 1], activation=activation)
    model.load_state_dict(dict(zip(model.state_dict(), weights, strict=True)))
    path = tmp_path_factory.getbasetemp() / "model.json"
    save_model(path, model)
    loaded = load_model(path)
    assert bits(loaded.model.state_dict()) == bits(model.state_dict())
    assert repr(loaded.model) == repr(model).replace("linear", "identity")
    assert loaded == SavedModel(loaded.model)


def test_the_meaning_comes_back(path: Path) -> None:
    saved = load_model(path)
    assert saved == SavedModel(saved.model, **MEANING)
    text = path.read_text()
    assert '"layers.0.neurons.2.w.1": ' in text
    assert json.loads(text)["network"] == {"kind": "MLP", "inputs": 2, "layers": [3, 1], "activation": "tanh"}


def test_predictions(path: Path) -> None:
    saved = load_model(path)
    row = [0.7, 1.3]
    score = saved.model([(0.7 - 0.1) / 1.5, (1.3 + 2.0) / 3.0]).data
    assert saved.outputs(row) == [score]
    assert saved.predict(row) == int(score > 0)
    numbers = SavedModel(saved.model, "regression", target_standardization=Standardization([10.0], [2.0]))
    assert numbers.predict(row) == 10 + 2 * saved.model(row).data
    assert SavedModel(saved.model).predict(row) == saved.model(row).data
    assert [class_of([-1.0]), class_of([0.1]), class_of([0.0, 3.0, 3.0])] == [0, 1, 1]


def test_one_layer_and_no_hidden_ones(tmp_path: Path) -> None:
    model = MLP(3, [2])
    save_model(tmp_path / "m.json", model)
    assert load_model(tmp_path / "m.json").model.state_dict() == model.state_dict()


# --- what cannot be saved


def test_what_cannot_be_saved_leaves_the_earlier_file(path: Path) -> None:
    before = path.read_bytes()
    broken = MLP(2, [3, 1])
    broken.layers[0].neurons[1].w[0].data = math.nan
    mixed = MLP(2, [3, 1])
    mixed.layers[0].neurons[0].activation = ACTIVATIONS["tanh"]
    longer = MLP(2, [3, 1])
    longer.extra = Neuron(2)
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (broken, {}, r"the weight layers.0.neurons.1.w.0 is nan"),
        (MLP(2, [3, 1], activation=lambda v: v * v), {}, "share one activation of"),
        (mixed, {}, "share one activation"),
        (Neuron(2), {}, "only an MLP can be saved as a model, got Neuron"),
        (longer, {}, "there are 16 weights"),
        (MLP(2, [3, 1]), {"feature_names": ["x"]}, "there are 1 features, but the network has 2 inputs"),
        (MLP(2, [3, 1]), {"task": "guess"}, "the task is 'guess'"),
        (MLP(2, [3, 1]), {"task": "classification"}, "fewer than two classes"),
        (MLP(2, [3, 1]), {"task": "classification", "class_names": ["a", "b", "c"]}, "1 outputs, but the task needs 3"),
        (MLP(2, [3, 1]), {"standardization": Standardization([0.0, math.inf], [1.0, 1.0])}, "not a finite number"),
    ]
    for model, meaning, message in cases:
        with pytest.raises(ValueError, match=message):
            save_model(path, model, **meaning)
    assert path.read_bytes() == before


def test_a_failing_write_leaves_the_earlier_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()
    for call in ("fsync", "replace"):
        with monkeypatch.context() as patch:

            def fail(*arguments: object) -> None:
                raise OSError(28, "No space left on device")

            patch.setattr(os, call, fail)
            with pytest.raises(OSError, match="No space left"):
                save_model(path, MLP(2, [4, 1]))
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["model.json"]


def test_writing_keeps_mode_and_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    write_atomically(target, b"1")
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask()
    target.chmod(0o640)
    link.symlink_to(target)
    write_atomically(link, b"2")
    assert (link.is_symlink(), target.read_bytes(), target.stat().st_mode & 0o777) == (True, b"2", 0o640)
    write_atomically("/dev/null", b"3")
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, b"4")


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# --- what is refused


def changed(path: Path, **entries: Any) -> Path:
    """The file with some entries changed by someone who also mended the checksum."""
    document = {**json.loads(path.read_text()), **entries}
    del document["checksum"]
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"version": 2}, "written by a newer chainrule (format version 2; this one reads up to 1); upgrade"),
        ({"version": "1"}, "the format version is '1'"),
        ({"version": True}, "the format version is True"),
        ({"format": "something else"}, "this is JSON, but not a chainrule model"),
        ({"surprise": 1}, "'surprise' does not belong in a model"),
        ({"network": {"kind": "CNN", "inputs": 2, "layers": [3, 1], "activation": "tanh"}}, "of the kind 'CNN'"),
        ({"network": {"kind": "MLP", "inputs": 2, "layers": [], "activation": "tanh"}}, "'layers' a list of such numbers"),
        ({"network": {"kind": "MLP", "inputs": 2, "layers": [3, -1], "activation": "tanh"}}, "'layers' a list of such numbers"),
        ({"network": {"kind": "MLP", "inputs": 2.0, "layers": [3, 1], "activation": "tanh"}}, "'inputs' must be a whole number"),
        (
            {"network": {"kind": "MLP", "inputs": 2, "layers": [10**12, 10**12, 1], "activation": "tanh"}},
            "there are 13 weights, but a network",
        ),
        ({"network": {"kind": "MLP", "inputs": 2, "layers": [3, 1], "activation": "os.system"}}, "unknown activation 'os.system'"),
        ({"network": {"kind": "MLP", "inputs": 2, "layers": [3, 1], "activation": ["tanh"]}}, "'activation' must be a name"),
        ({"network": []}, "'network' must hold kind, inputs, layers and activation"),
        ({"task": 7}, "the task is 7"),
        ({"task": "regression"}, "the task is regression, but there are classes"),
        ({"classes": ["a", "a"]}, "'classes' must be a list of different names"),
        ({"classes": ["a", "b", "c"]}, "1 outputs, but the task needs 3"),
        ({"features": ["x"]}, "there are 1 features, but the network has 2 inputs"),
        ({"features": [1, 2]}, "'features' must be a list of different names"),
        ({"target": []}, "'target' must be a string"),
        ({"standardization": {"mean": [0.0, 0.0]}}, "'standardization' must hold mean and scale"),
        ({"standardization": {"mean": [0.0], "scale": [1.0, 1.0]}}, "'mean' in 'standardization' must be a list of 2 numbers"),
        ({"standardization": {"mean": [0.0, 0.0], "scale": [1.0, 0.0]}}, "'scale' in 'standardization' must be positive"),
        ({"standardization": {"mean": [0.0, "0"], "scale": [1.0, 1.0]}}, "'mean' in 'standardization' is not a finite number"),
        ({"weights": [1.0] * 13}, "'weights' must hold a number for each weight"),
        ({"weights": {}}, "there are 0 weights"),
        ({"weights": {str(i): 0.5 for i in range(13)}}, "this state does not fit MLP(2, [3, 1]"),
        ({"weights": {str(i): "0.5" for i in range(13)}}, "the weight '0' is not a finite number"),
        ({"weights": {str(i): True for i in range(13)}}, "the weight '0' is not a finite number"),
        ({"weights": {str(i): 10**400 for i in range(13)}}, "the weight '0' is not a finite number"),
    ],
)
def test_a_file_with_a_wrong_entry(path: Path, entries: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        load_model(changed(path, **entries))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_an_entry(path: Path) -> None:
    whole = json.loads(path.read_text())
    for key in whole:
        if key != "checksum":
            path.write_text(json.dumps({other: whole[other] for other in whole if other != key}))
            with pytest.raises(ModelFileError, match=f"'{key}' is missing|not a chainrule model|format version is None"):
                load_model(path)


def test_without_a_checksum_an_edit_is_accepted(path: Path) -> None:
    document = json.loads(path.read_text())
    document["weights"]["layers.1.neurons.0.b"] = 7
    path.write_text(json.dumps(document))
    with pytest.raises(ModelFileError, match="the checksum does not match"):
        load_model(path)
    assert load_model(changed(path)).model.layers[1].neurons[0].b.data == 7.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated or not JSON: line 1, column 1"),
        (b"\x80\x04K*.", "not text in UTF-8"),
        (b"PK\x03\x04", "truncated or not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (
            b'{"version": -' + b"1" * 5000 + b"}",
            "the number -1111111111111111111... has too many digits, 5,000; no number in a model has that many",
        ),
        (b"[1, 2]", "not a chainrule model"),
        (b'"chainrule model"', "not a chainrule model"),
        (b'{"weights": NaN}', "NaN is not a number that a model can hold"),
        (b'{"a": 1, "a": 2}', "'a' occurs twice"),
    ],
)
def test_files_of_other_kinds(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert message in str(caught.value)
    with pytest.raises(ModelFileError, match="there is no such file"):
        load_model(tmp_path / "none.json")
    with pytest.raises(ModelFileError, match=r"is a folder; the file in it that holds the model is called model\.json"):
        load_model(tmp_path)


def test_damage_anywhere_is_noticed(path: Path) -> None:
    """Every truncation, and every change of a character that changes what the JSON says, is refused."""
    whole = path.read_text()
    rng = random.Random(1)
    for end in rng.sample(range(len(whole) - 2), 60):
        path.write_text(whole[:end])
        with pytest.raises(ModelFileError):
            load_model(path)
    for place in rng.sample(range(len(whole)), 300):
        damaged = whole[:place] + rng.choice('0123456789abc",.-{}[]: ') + whole[place + 1 :]
        path.write_text(damaged)
        try:
            same = json.loads(damaged) == json.loads(whole)
        except ValueError:
            same = False
        if same:
            load_model(path)
        else:
            with pytest.raises(ModelFileError):
                load_model(path)


# --- safetensors


@given(st.lists(st.floats(), min_size=13, max_size=13))
def test_safetensors_there_and_back(tmp_path_factory: pytest.TempPathFactory, weights: list[float]) -> None:
    state = dict(zip(MLP(2, [3, 1]).state_dict(), weights, strict=True))
    path = tmp_path_factory.getbasetemp() / "weights.safetensors"
    save_safetensors(path, state)
    assert bits(load_safetensors(path)) == bits(state)


def test_safetensors_are_what_others_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    state = {"w.0": 1.0, "w.1": 2.0, "b": 3.0, "odd.1": 4.0, "odd.x": 5.0, "b.0": 6.0}
    save_safetensors(path, state)
    tensors = safetensors.numpy.load_file(path)
    assert {name: tensor.tolist() for name, tensor in tensors.items()} == {
        "w": [1.0, 2.0],
        "b": 3.0,
        "odd.1": 4.0,
        "odd.x": 5.0,
        "b.0": 6.0,
    }
    assert all(tensor.dtype == np.float64 for tensor in tensors.values())
    assert load_safetensors(path) == state
    state = {"a.0": 1.0, "a.2": 2.0, "a.0.0": 3.0}  # a vector a.0 would take the place of the number a.0
    save_safetensors(path, state)
    assert load_safetensors(path) == state


def test_safetensors_of_others(tmp_path: Path) -> None:
    path = tmp_path / "theirs.safetensors"
    safetensors.numpy.save_file({"m": np.arange(6, dtype=np.float32).reshape(2, 3)}, path)
    assert load_safetensors(path) == {"m.0.0": 0, "m.0.1": 1, "m.0.2": 2, "m.1.0": 3, "m.1.1": 4, "m.1.2": 5}
    for content in (b"", b"{}", b"\xff" * 100):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match="is not a safetensors file"):
            load_safetensors(path)
    with pytest.raises(ModelFileError, match="cannot be read: No such file"):
        load_safetensors(tmp_path / "none")


def test_safetensors_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r'pip install "chainrule\[safetensors\]"'):
        save_safetensors(tmp_path / "w", {})
