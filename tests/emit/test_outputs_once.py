"""A block hands out each value once, however many names the spec has for it."""

from typing import Any

import numpy as np
import pytest

from dslc.api import loads
from dslc.tools.backends import find_backend
from dslc.weights.starting import starting_weights
from tests.numeric.frameworks import backend_named, backend_params

NET = """
dslc: 1
name: Twice
inputs: {x: "f32[N, 8]"}
blocks:
  Layer:
    steps:
      - linear: 8
        name: dense
      - tanh:
        name: active
    outputs: {active: active, again: active, early: dense, late: dense}
steps:
  - Layer:
    name: layer
    repeat: 2
  - Layer:
    name: other
  - add:
    name: sum
    from: [other.again, "layer[0].active", other.late, layer.early, "layer[1].late"]
outputs: {sum: sum}
"""


def test_each_value_has_one_name() -> None:
    source = find_backend("torch").project(loads(NET).checked)["model.py"]
    assert isinstance(source, str)
    assert "return torch.tanh(dense), dense" in source
    assert "x, early = layer(x)" in source
    assert "actives.append(x)" in source


@pytest.mark.parametrize("backend", backend_params())
def test_further_names_mean_the_first(backend: str) -> None:
    checked = loads(NET).checked
    driver: Any = backend_named(backend).driver(checked)
    weights = starting_weights(checked.weights(), 0)
    driver.load(weights)
    x = np.random.default_rng(0).normal(size=(3, 8)).astype("float32")
    found = driver.forward({"x": x})["sum"]

    def layer(name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        dense = x @ weights[f"{name}.dense.weight"].T + weights[f"{name}.dense.bias"]
        return np.tanh(dense), dense

    first, _ = layer("layer.0", x)
    second, early = layer("layer.1", first)
    other, late = layer("other", second)
    np.testing.assert_allclose(found, other + first + late + 2 * early, rtol=1e-5, atol=1e-6)
