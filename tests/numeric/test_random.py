"""What random ops draw: the right distribution, in use as in training, and anew in each run."""

import numpy as np
import pytest

from tests.numeric.frameworks import backend_named, backend_params
from tests.numeric.table import check

SPEC = """
dslc: 1
name: Net
inputs: {x: "f32[N, 3]", p: "f32[N, 8]"}
steps:
  - {random_normal: {shape: [N, 8], mean: 2, std: 0.5}, name: normal}
  - {random_uniform: {shape: [N, 8], low: -1, high: 3}, name: uniform}
  - {random_integer: {shape: [N, 8], low: 2, high: 5}, name: integer}
  - {random_categorical: 1, name: drawn, from: x}
  - {random_categorical: 0, name: likeliest, from: x}
  - {bernoulli: , name: coin, from: p}
  - {reparameterize: , name: latent, from: [p, p]}
outputs: {normal: normal, uniform: uniform, integer: integer, drawn: drawn, likeliest: likeliest,
  coin: coin, latent: latent}
"""


def draw(backend: str, training: bool) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    driver = backend_named(backend).driver(check(SPEC))
    driver.load({})
    logits = np.log(np.array([[0.2, 0.7, 0.1]], np.float32)).repeat(2000, axis=0)
    inputs = {"x": logits, "p": np.full((2000, 8), 0.25, np.float32)}
    return tuple(driver.forward(inputs, training=training) for _ in range(2))  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize("backend", backend_params())
def test_distributions(backend: str) -> None:
    modes = [False] if backend == "onnx" else [False, True]  # a file is for use, not for training
    for training in modes:
        check_draws(*draw(backend, training))


def check_draws(found: dict[str, np.ndarray], again: dict[str, np.ndarray]) -> None:
    assert abs(found["normal"].mean() - 2) < 0.02
    assert abs(found["normal"].std() - 0.5) < 0.02
    assert -1 <= found["uniform"].min() < -0.95
    assert 2.95 < found["uniform"].max() <= 3
    assert abs(found["uniform"].mean() - 1) < 0.05
    assert np.allclose(
        np.bincount(found["integer"].ravel()) / 16000, [0, 0, *[1 / 3] * 3], atol=0.02
    )
    assert np.allclose(np.bincount(found["drawn"]) / 2000, [0.2, 0.7, 0.1], atol=0.04)
    assert (found["likeliest"] == 1).all()
    assert set(np.unique(found["coin"])) == {0.0, 1.0}
    assert abs(found["coin"].mean() - 0.25) < 0.02
    assert abs(found["latent"].mean() - 0.25) < 0.04
    assert abs(found["latent"].std() - np.exp(0.125)) < 0.04
    for name in ("normal", "uniform", "integer", "coin", "latent"):
        assert (found[name] != again[name]).any(), name
