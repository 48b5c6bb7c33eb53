"""Specs for the tests of the Keras backend, models with random weights, and fresh processes."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dslc.api import load, loads
from dslc.passes.pipeline import Checked
from dslc.weights import random_weights

ROOT = Path(__file__).parents[2]
Arrays = dict[str, np.ndarray[Any, Any]]

NETWORKS: dict[str, tuple[str, dict[str, object]]] = {
    "digits": ("examples/digits/net.yaml", {}),
    "resnet": ("specs/zoo/resnet50.yaml", {"depths": [1, 2], "classes": 7}),
    "gpt": ("specs/zoo/gpt.yaml", {"depth": 2, "dim": 24, "vocab": 17, "context": 16}),
    "lstm": ("specs/zoo/lstm_classifier.yaml", {"vocab": 23, "dim": 6, "hidden": 8}),
    "captured": ("tests/networks/specs/captured.yaml", {}),
    "mixed": ("tests/networks/specs/mixed.yaml", {}),
}
"""Networks by name: the spec and the params that make it small."""


@cache
def network(name: str) -> Checked:
    """One of the networks."""
    path, params = NETWORKS[name]
    return load(ROOT / path, **params).checked


def spec(text: str, **params: object) -> Checked:
    """A spec given as text, without its first lines."""
    return loads(f"dslc: 1\nname: Net\n{text}", **params).checked


def source(checked: Checked, io_layout: str = "spec") -> str:
    """The text of a spec's `model.py`."""
    from dslc_keras import backend

    return backend.model_source(checked, io_layout=io_layout)


def weights_of(checked: Checked, seed: int = 0) -> Arrays:
    """Random portable weights, running statistics among them."""
    infos = [info for info in checked.weights() if info.tied is None]
    shapes: Any = {info.path: info.shape for info in infos}
    return random_weights(shapes, seed, [i.path for i in infos if i.role == "zeros"])


def model_with(checked: Checked, weights: Arrays, io_layout: str = "spec") -> Any:
    """The Keras model with given weights."""
    from dslc_keras import backend
    from dslc_keras.runtime.portable import load_weights

    model = backend.build(checked, io_layout=io_layout)
    load_weights(model, weights)
    return model


def inputs_of(checked: Checked, sizes: dict[str, int], seed: int = 0) -> Arrays:
    """Random inputs; ids are small, since every table has a few rows."""
    random = np.random.default_rng(seed)
    found: Arrays = {}
    for name, type in checked.instance.inputs.items():
        shape = [size if isinstance(size, int) else sizes[str(size)] for size in type.shape]
        if type.dtype == "f32":
            found[name] = random.standard_normal(shape).astype(np.float32)
        else:
            found[name] = random.integers(0, 10, shape)
    return found


def reference(checked: Checked, weights: Arrays, inputs: Arrays) -> Arrays:
    """The outputs of the generated PyTorch module in float64."""
    from tests.numeric.frameworks import backend_named

    driver = backend_named("torch").driver(checked, dtype="f64")
    driver.load(weights)
    return driver.forward(inputs)


def agrees(checked: Checked) -> list[str]:
    """What `verify` finds wrong with Keras: values, gradients, training mode, in both layouts."""
    from dslc.tools.verify import verify

    (found,) = verify(checked, ["keras"]).backends
    return [*found.problems, *found.excesses()]


def run_alone(code: str, folder: Path, keras_backend: str) -> str:
    """Runs Python where dslc cannot be imported, in a folder, on one of Keras's backends."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": keras_backend,
        "JAX_PLATFORMS": "cpu",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
    }
    alone = "import sys; sys.modules['dslc'] = sys.modules['dslc_keras'] = None\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", alone + code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
