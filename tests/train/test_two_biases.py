"""A GRU's two biases, which are one variable in Keras: optimisers that look at a weight as a whole."""

import numpy as np
import pytest

from dslc.api import loads
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
  epochs: 2
  batch: 16
"""
STEPS = 6


SETTINGS = {
    "adafactor": "adafactor: {lr: 0.01}",
    "muon": "muon: {lr: 0.01}",
    "adamw": "adamw: {lr: 0.01}",
    "clipped": "sgd: {lr: 0.5}}\n  clip: {each: 0.02",
    "clipped muon": "muon: {lr: 0.01, adamw: ['gru.weight_ih*']}}\n  clip: {each: 0.02",
    "clipped in f16": "sgd: {lr: 0.5}}\n  precision: f16\n  clip: {each: 0.02",
    "clipped and thawed": "sgd: {lr: 0.5}}\n  freeze: [{'head.*': 1}]\n  clip: {each: 0.02",
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_they_move_apart(kind: str) -> None:
    spec = loads(TEXT.replace("OPTIMIZER: {lr: 0.01}", SETTINGS[kind])).checked
    assert spec.train is not None
    start = starting_weights(spec.train.weights(), 0)
    rows = batches("wine", STEPS)
    found = [find_backend(name).train_steps(spec, start, rows, STEPS) for name in BACKENDS]
    rough = 100 if "f16" in kind else 1
    for losses, weights in found[1:]:
        np.testing.assert_allclose(losses, found[0][0], rtol=rough * 1e-6)
        for path, array in found[0][1].items():
            near = {"rtol": rough * 2e-5, "atol": rough * 2e-6}
            np.testing.assert_allclose(weights[path], array, **near, err_msg=path)
