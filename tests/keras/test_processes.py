"""Generated projects and saved models in fresh processes, on each of Keras's own backends."""

from pathlib import Path

import numpy as np
import pytest

from dslc.weights import write
from tests.keras.networks import (
    NETWORKS,
    inputs_of,
    model_with,
    network,
    reference,
    run_alone,
    weights_of,
)

SIZES = ({"N": 2, "H": 32, "W": 40, "T": 6}, {"N": 3, "H": 40, "W": 32, "T": 9})
ODD = ({"N": 2, "H": 33, "W": 38, "T": 7}, {"N": 1, "H": 35, "W": 41, "T": 10})

RUN = """
import importlib.util, keras, numpy as np
from pathlib import Path

worst = 0.0
for folder in sorted(path for path in Path().iterdir() if path.is_dir()):
    sys.path.insert(0, str(folder))
    for name in ("model", "portable", "weights"):
        sys.modules.pop(name, None)
    import model, portable
    functions = [f for f in vars(model).values() if getattr(f, "__module__", "") == "model"]
    network = functions[-1]()
    portable.load_weights(network, folder / "weights.safetensors")
    for case in sorted(folder.glob("*.npz")):
        arrays = dict(np.load(case))
        given = {k[3:]: v for k, v in arrays.items() if k.startswith("in_")}
        expected = {k[4:]: v for k, v in arrays.items() if k.startswith("out_")}
        found = network.predict_on_batch(given if len(given) > 1 else next(iter(given.values())))
        found = found if isinstance(found, dict) else dict.fromkeys(expected, found)
        for name, value in expected.items():
            assert found[name].shape == value.shape, (folder, name, value.shape)
            worst = max(worst, float(abs(found[name] - value).max() / abs(value).max()))
    sys.path.pop(0)
assert keras.backend.backend() == "{backend}"

case = np.load("saved.npz")
saved = keras.saving.load_model("saved.keras")
found = saved.predict_on_batch(case["image"])
worst = max(worst, float(abs(found - case["logits"]).max() / abs(case["logits"]).max()))
print(worst)
"""


@pytest.fixture(scope="module")
def projects(tmp_path_factory) -> Path:
    """Every network's project with weights, and inputs with what PyTorch makes of them."""
    from dslc_keras import backend

    root = tmp_path_factory.mktemp("projects")
    for name in NETWORKS:
        checked, folder = network(name), root / name
        folder.mkdir()
        for path, content in backend.project(checked).items():
            data = content.encode() if isinstance(content, str) else content
            (folder / path).write_bytes(data)
        weights = weights_of(checked)
        write(folder / "weights.safetensors", weights)
        for number, sizes in enumerate(SIZES if name == "mixed" else ODD):
            inputs = inputs_of(checked, sizes, seed=number)
            outputs = reference(checked, weights, inputs)
            named = {f"in_{k}": v for k, v in inputs.items()}
            named |= {f"out_{k}": v for k, v in outputs.items()}
            np.savez(folder / f"{number}.npz", **named)
    save_digits(root)
    return root


def save_digits(folder: Path) -> None:
    """A saved model, all of whose layers are Keras's own, and what it computes."""
    checked = network("digits")
    inputs = inputs_of(checked, {"N": 2, "H": 9, "W": 10})
    model = model_with(checked, weights_of(checked))
    model.save(folder / "saved.keras")
    logits = np.asarray(model(inputs["image"], training=False))
    np.savez(folder / "saved.npz", image=inputs["image"], logits=logits)


@pytest.mark.parametrize("keras_backend", ["tensorflow", "jax", "torch"])
def test_projects_and_saved_models_run_without_our_code(projects, keras_backend):
    worst = float(run_alone(RUN.replace("{backend}", keras_backend), projects, keras_backend))
    assert worst < 5e-6
