"""Weights that each framework saved come back to the portable form; broken and hostile files do not."""

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import dslc
from dslc.cli.main import main
from tests.train.projects import run as run_training

NET = """
dslc: 1
name: Net
inputs: {image: "f32[N, 3, 8, 8]"}
blocks:
  Unit:
    params: {out: int}
    steps:
      - conv2d: {out: out, kernel: 3, padding: 1, bias: false}
        name: conv
      - batch_norm:
        name: norm
      - relu
steps:
  - Unit: {out: 4 * (i + 1)}
    name: unit
    repeat: {times: 2, index: i}
  - flatten
  - unsqueeze: 1
  - lstm: 3
    name: lstm
  - linear: 5
    from: lstm.last
    name: head
outputs: {logits: head}
"""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.yaml"
    path.write_text(NET)
    return path


def reference(net: Path) -> dict[str, Any]:
    """Random weights under their portable names, the LSTM's second bias zero."""
    from dslc.weights import random_weights

    infos = dslc.load(net).checked.weights()
    shapes = {info.path: tuple(int(str(size)) for size in info.shape) for info in infos}
    return random_weights(shapes, 1, zeros={i.path for i in infos if i.role == "zeros"})


def save_torch(net: Path, arrays: dict[str, Any]) -> Path:
    import torch
    from safetensors.torch import save_file as save

    model = dslc.load(net).torch()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    save(model.state_dict(), "torch.safetensors")
    assert any("num_batches" in name for name in load_file("torch.safetensors"))
    return Path("torch.safetensors")


def save_keras(net: Path, arrays: dict[str, Any], *, whole: bool) -> Path:
    from dslc_keras.runtime.portable import load_weights

    model = dslc.load(net).keras()
    load_weights(model, arrays)
    path = Path("net.keras" if whole else "net.weights.h5")
    if whole:
        model.save(path)
    else:
        model.save_weights(path)
    return path


def save_orbax(net: Path, arrays: dict[str, Any], *, pure: bool) -> Path:
    import orbax.checkpoint as ocp
    from dslc_jax.runtime.portable import load_weights
    from flax import nnx

    model = dslc.load(net).jax()
    load_weights(model, arrays)
    state = nnx.state(model)
    path = Path("checkpoint").resolve()
    with ocp.StandardCheckpointer() as writer:
        writer.save(path, nnx.to_pure_dict(state) if pure else state)
    return path


SAVERS: dict[str, Callable[[Path, dict[str, Any]], Path]] = {
    "torch": save_torch,
    "keras weights": lambda net, arrays: save_keras(net, arrays, whole=False),
    "keras model": lambda net, arrays: save_keras(net, arrays, whole=True),
    "orbax state": lambda net, arrays: save_orbax(net, arrays, pure=False),
    "orbax tree": lambda net, arrays: save_orbax(net, arrays, pure=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("saver", SAVERS)
def test_what_a_framework_saved_comes_back(net: Path, saver: str) -> None:
    expected = reference(net)
    source = SAVERS[saver](net, expected)
    assert main(["weights", str(net), str(source), "-o", "w.safetensors"]) == 0
    found = load_file("w.safetensors")
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(found[name], array), name


@pytest.mark.slow
def test_a_strangers_keras_file_is_renamed_and_turned(net: Path) -> None:
    import keras

    layers = [keras.layers.Dense(4, name="first"), keras.layers.Dense(3, name="last")]
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.save_weights("other.weights.h5")
    net.write_text(
        "dslc: 1\nname: Net\ninputs: {x: 'f32[N, 6]'}\nsteps:\n  - linear: 4\n    name: hidden\n"
        "  - linear: 3\n    name: head\nweights:\n  file: other.weights.h5\n"
        "  rename: {first.0: hidden.weight, first.1: hidden.bias, last.0: head.weight,\n"
        "           last.1: head.bias}\n  transpose: ['*.0']\n"
    )
    assert main(["weights", str(net), "-o", "w.safetensors"]) == 0
    found = load_file("w.safetensors")
    assert np.array_equal(found["hidden.weight"], np.asarray(layers[0].kernel).T)
    assert np.array_equal(found["head.bias"], np.asarray(layers[1].bias))


SMALL = "dslc: 1\nname: Net\ninputs: {x: 'f32[N, 4]'}\nsteps:\n  - linear: 3\n    name: head\n"


@pytest.mark.torch
def test_models_and_exports_start_from_the_file(net: Path) -> None:
    arrays = {"other.weight": np.ones((3, 4), np.float32), "other.bias": np.ones(3, np.float32)}
    save_file(arrays, "start.safetensors")
    net.write_text(
        f"{SMALL}weights: {{file: start.safetensors, rename: {{'other.*': 'head.*'}}}}\n"
    )
    model = dslc.load(net).torch()
    assert (model.head.weight == 1).all()
    assert main(["build", str(net), "--backend", "torch", "-o", "out"]) == 0
    assert (load_file("out/weights.safetensors")["head.bias"] == 1).all()


TRAINED = (
    SMALL
    + """\
outputs: {y: head}
train:
  inputs: {t: "f32[N, 3]"}
  data: {source: data.npz, columns: {x: x, t: t}, split: 0}
  loss: mse
  optimizer: {sgd: {lr: 0.001}}
  epochs: 1
  batch: 4
weights: {file: start.safetensors, new: [head.bias]}
"""
)


@pytest.mark.torch
@pytest.mark.slow
def test_training_starts_from_the_file(net: Path) -> None:
    save_file({"head.weight": np.full((3, 4), 7, np.float32)}, "start.safetensors")
    net.write_text(TRAINED)
    assert main(["build", str(net), "--backend", "torch", "-o", "out"]) == 0
    assert list(load_file("out/start.safetensors")) == ["head.weight"]
    np.savez("out/data.npz", x=np.zeros((8, 4), np.float32), t=np.zeros((8, 3), np.float32))
    done = run_training(Path("out"), "--data", "out/data.npz")
    assert done.returncode == 0, done.stderr
    assert (load_file("out/weights.safetensors")["head.weight"] == 7).all()


class Danger:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch ran",)


def write_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Danger()))


def write_torch_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Danger()))


def write_bomb(path: Path) -> None:
    header = json.dumps(
        {"head.weight": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4]}}
    )
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + b"\0" * 4)


BROKEN: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a pickle": ("w.pt", write_pickle),
    "a pickle by another name": ("w.safetensors", write_pickle),
    "an archive of PyTorch's": ("w.bin", write_torch_archive),
    "an archive by another name": ("w.safetensors", write_torch_archive),
    "a header that lies": ("w.safetensors", write_bomb),
    "nothing": ("w.safetensors", lambda path: path.write_bytes(b"")),
    "a pipe": ("w.safetensors", lambda path: os.mkfifo(path)),
    "an empty folder": ("w", lambda path: path.mkdir()),
    "no HDF5": ("w.weights.h5", lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\nabc")),
    "no archive": ("w.keras", lambda path: path.write_bytes(b"PK\3\4abc")),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_or_hostile_is_refused(
    net: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, write = BROKEN[case]
    net.write_text(SMALL)
    write(Path(name))
    assert main(["weights", str(net), name, "-o", "out.safetensors"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("dslc: w")
    assert "bug" not in printed.err
    assert not Path("ran").exists()
    assert not Path("out.safetensors").exists()


def make_external(file: Any) -> None:
    import h5py

    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/")


def make_vast(file: Any) -> None:
    file.create_dataset("layers/dense/vars/0", (1 << 40,), "f4", chunks=(1 << 20,))


def make_text(file: Any) -> None:
    file["layers/dense/vars/0"] = "text"


def make_outside(file: Any) -> None:
    file.create_dataset("layers/dense/vars/0", (4,), "f4", external=[("/etc/passwd", 0, 16)])


@pytest.mark.parametrize("make", [make_external, make_vast, make_text, make_outside])
def test_an_hdf5_file_that_points_elsewhere_is_refused(
    net: Path, make: Callable[[Any], None], capsys: pytest.CaptureFixture[str]
) -> None:
    import h5py

    with h5py.File("w.weights.h5", "w") as file:
        make(file)
    net.write_text(SMALL + "weights: {file: w.weights.h5, rename: {a: head.weight}}\n")
    assert main(["weights", str(net), "--limit", "weight_bytes=1000000"]) == 1
    assert "dslc: " in capsys.readouterr().err


def test_a_truncated_file_is_refused(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net.write_text(SMALL)
    save_file(
        {"head.weight": np.ones((3, 4), np.float32), "head.bias": np.ones(3, np.float32)}, "w"
    )
    whole = Path("w").read_bytes()
    for length in (0, 4, 8, 20, len(whole) // 2, len(whole) - 1):
        Path("w.safetensors").write_bytes(whole[:length])
        assert main(["weights", str(net), "w.safetensors"]) == 1
        assert "w.safetensors" in capsys.readouterr().err


def test_a_file_outside_the_folder_is_not_read(
    net: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = net.parent.parent / f"{net.parent.name}.safetensors"
    save_file({"head.weight": np.ones((3, 4), np.float32)}, outside)
    Path("link.safetensors").symlink_to(outside)
    net.write_text(SMALL + "weights: link.safetensors\n")
    assert main(["weights", str(net)]) == 1
    assert "leads out of the spec's folder" in capsys.readouterr().err


MODELS = """
dslc: 1
name: Pair
models:
  Left:
    inputs: {x: "f32[N, 4]"}
    steps:
      - linear: 3
        name: head
  Right:
    inputs: {x: "f32[N, 4]"}
    steps:
      - linear: 3
        name: head
weights: {file: w.safetensors, rename: {"old.*": "left.head.*"}, new: ["right.**"]}
"""


@pytest.mark.torch
def test_several_models_start_from_one_file(net: Path) -> None:
    net.write_text(MODELS)
    arrays = {"old.weight": np.ones((3, 4), np.float32), "old.bias": np.ones(3, np.float32)}
    save_file(arrays, "w.safetensors")
    pair = dslc.load(net)
    assert (pair.torch().left.head.weight == 1).all()
    assert (pair.models["Left"].torch().left.head.bias == 1).all()
    assert not (pair.torch().right.head.weight == 1).all()


def test_a_file_that_the_call_names_and_is_not_there(net: Path) -> None:
    net.write_text(SMALL)
    assert main(["weights", str(net), "missing.safetensors"]) == 2


def test_a_model_lists_its_weights(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net.write_text(SMALL)
    assert main(["weights", str(net)]) == 0
    assert capsys.readouterr().out == "head.weight  [3, 4]\nhead.bias    [3]\n"
    assert main(["weights", str(net), "-o", "w.safetensors"]) == 2


def test_the_report_as_json(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net.write_text(SMALL + "weights: {file: w.safetensors, new: head.bias, drop: 'old.**'}\n")
    save_file({"head.weight": np.ones((3, 4), np.float32), "old.a": np.ones(1)}, "w.safetensors")
    assert main(["weights", str(net), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert found["weights"] == {"head.weight": "head.weight"}
    assert found["new"] == ["head.bias"]
    assert found["unused"] == ["old.a"]
