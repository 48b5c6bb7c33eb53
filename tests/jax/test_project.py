"""A generated project runs where dslc cannot be imported, with weights from a file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dslc_jax import backend
from safetensors.numpy import save_file

import dslc
from dslc.files import write_tree
from dslc.passes.pipeline import check_file
from tests.jax.harness import weights_of

pytestmark = pytest.mark.jax

DIGITS = Path(__file__).parents[2] / "examples/digits/net.yaml"
SCRIPT = """
import sys
sys.modules["dslc"] = sys.modules["dslc_jax"] = None

import numpy as np
from flax import nnx

from model import DigitsNet
from portable import load_weights, made_with, to_portable

image = np.load("image.npy")
model = DigitsNet(rngs=nnx.Rngs(0))
load_weights(model, "weights.safetensors")
model.eval()
native = made_with(lambda: DigitsNet(io_layout="native", rngs=nnx.Rngs(0)), to_portable(model))
native.eval()
np.savez("out.npz", spec=model(image), native=native(image.transpose(0, 2, 3, 1)))
"""


def test_it_runs_alone(tmp_path: Path) -> None:
    checked = check_file(str(DIGITS))
    write_tree(tmp_path, backend.project(checked), force=False)
    weights = weights_of(checked)
    save_file(weights, tmp_path / "weights.safetensors")
    image = np.random.default_rng(0).standard_normal((2, 1, 8, 8)).astype(np.float32)
    np.save(tmp_path / "image.npy", image)
    (tmp_path / "run.py").write_text(SCRIPT)
    subprocess.run([sys.executable, "run.py"], cwd=tmp_path, check=True)
    found = np.load(tmp_path / "out.npz")
    driver = backend.driver(checked)
    driver.load(weights)
    expected = driver.forward({"image": image})["logits"]
    for name in ("spec", "native"):
        assert np.abs(found[name] - expected).max() < 5e-6 * np.abs(expected).max()


def test_the_layout_of_the_project_is_the_models_default() -> None:
    checked = check_file(str(DIGITS))
    spec, native = (backend.project(checked, io_layout=name) for name in ("spec", "native"))
    assert ' = "spec",' in str(spec["model.py"])
    assert ' = "native",' in str(native["model.py"])
    assert "image f32[N, H, W, 1] -> " in str(native["model.py"])
    with pytest.raises(dslc.emit.backend.BuildError):
        backend.project(checked, io_layout="last")


def test_the_api_gives_a_module() -> None:
    from flax import nnx

    model = dslc.load(DIGITS, width=4).jax()
    assert isinstance(model, nnx.Module)
    assert model.stem.kernel.shape == (3, 3, 1, 4)
