"""Recurrent layers of one layer and direction: the framework's own, or as plain, with lengths too."""

import pytest

from dslc.api import loads
from dslc.tools.backends import find_backend

NET = """
dslc: 1
name: Ragged
inputs: {x: "f32[N, T, 8]", n: "i64[N]"}
steps:
  - lstm: {hidden: 6}
    name: one
    from: [x, n]
  - gru: {hidden: 5}
    name: two
    from: [one, n]
outputs: {y: two, last: one.last}
"""


@pytest.mark.parametrize("backend", ["torch", "keras", "jax"])
def test_one_layer_with_lengths_is_no_loop_over_layers(backend: str) -> None:
    source = find_backend(backend).project(loads(NET).checked)["model.py"]
    assert isinstance(source, str)
    assert "class Recurrent" not in source
    assert "for k" not in source
    if backend == "keras":
        assert 'layers.GRU(5, return_sequences=True, name="two")' in source
        assert "mask=mask" in source
    if backend == "jax":
        assert "self.one = LSTM(8, 6, rngs=rngs)" in source
