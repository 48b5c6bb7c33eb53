"""What regularisers draw in training: whole channels, whole rows, noise; and that use is without."""

import numpy as np
import pytest

from tests.numeric.frameworks import backend_named, backend_params
from tests.numeric.table import check

SPEC = """
dslc: 1
name: Net
inputs: {x: "f32[N, 6, H, W]", rows: "f32[N, T, 4]"}
steps:
  - {spatial_dropout: 0.5, name: channels, from: x}
  - {drop_path: 0.25, name: kept, from: rows}
  - {gaussian_noise: 0.5, name: noisy, from: rows}
outputs: {channels: channels, kept: kept, noisy: noisy}
"""


@pytest.mark.parametrize("backend", [p for p in backend_params() if p.values[0] != "onnx"])
def test_training_draws_and_use_does_not(backend: str) -> None:
    driver = backend_named(backend).driver(check(SPEC))
    ones = {
        "x": np.ones((64, 6, 3, 2), np.float32),
        "rows": np.ones((64, 5, 4), np.float32),
    }
    found = driver.forward(ones, training=True)
    channels = found["channels"].reshape(64, 6, -1)
    assert (channels == channels[:, :, :1]).all()
    assert set(np.unique(channels)) == {0.0, 2.0}
    assert 0.35 < (channels[:, :, 0] > 0).mean() < 0.65
    kept = found["kept"].reshape(64, -1)
    assert (kept == kept[:, :1]).all()
    assert np.allclose(np.unique(kept), [0, 4 / 3])
    noise = found["noisy"] - 1
    assert abs(noise.mean()) < 0.06
    assert 0.45 < noise.std() < 0.55
    for name, array in driver.forward(ones).items():
        assert (array == 1).all(), name
