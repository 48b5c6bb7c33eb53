"""A GRU's two biases, which are one variable in Keras: optimisers that look at a weight as a whole."""

import numpy as np
import pytest

from dslc.api import loads
from dslc.emit.backend import BuildError
from dslc.tools.backends import find_backend
from dslc.weights.starting import starting_weights
from tests.train.projects import BACKENDS, batches

TEXT = """dslc: 1
name: Gated
inputs: {features: "f32[N, 13]"}
steps:
  - l2_normalize
  - unsqueeze: 1
  - gru: 8
    name: gru
  - flatten
  - linear: 3
    name: head
outputs: {logits: head}
train:
  inputs: {label: "i64[N]"}
  data: wine
  loss: cross_entropy
  optimizer: {OPTIMIZER: {lr: 0.01}}
  epochs: 1
  batch: 16
"""
STEPS = 6


@pytest.mark.parametrize("optimizer", ["adafactor", "muon", "adamw"])
def test_they_move_apart(optimizer: str) -> None:
    spec = loads(TEXT.replace("OPTIMIZER", optimizer)).checked
    assert spec.train is not None
    start = starting_weights(spec.train.weights(), 0)
    rows = batches("wine", STEPS)
    found = [find_backend(name).train_steps(spec, start, rows, STEPS) for name in BACKENDS]
    for losses, weights in found[1:]:
        np.testing.assert_allclose(losses, found[0][0], rtol=1e-6)
        for path, array in found[0][1].items():
            np.testing.assert_allclose(weights[path], array, rtol=2e-5, atol=2e-6, err_msg=path)


def test_keras_cannot_clip_each() -> None:
    text = TEXT.replace("OPTIMIZER: {lr: 0.01}}", "sgd: {lr: 0.01}}\n  clip: {each: 0.1}")
    spec = loads(text).checked
    with pytest.raises(BuildError, match="cannot each be clipped"):
        find_backend("keras").project(spec)
