"""A hundred steps of a smooth network: three frameworks draw one curve, whatever moves the weights."""

import os
from functools import cache

import numpy as np
import pytest

from dslc.api import loads
from dslc.tools.backends import find_backend
from dslc.weights.starting import starting_weights
from tests.train.projects import BACKENDS, batches

STEPS = 100
SPEC = """
dslc: 1
name: Smooth
inputs: {image: "f32[N, 1, 8, 8]"}
steps:
  - conv2d: {out: 6, kernel: 3, padding: 1}
    name: stem
  - gelu
  - avg_pool2d: 2
  - flatten
  - layer_norm:
    name: norm
  - linear: 16
    name: hidden
  - tanh
  - dropout: DROPPED
  - linear: 10
    name: head
outputs: {logits: head}
train:
  inputs: {label: "i64[N]"}
  data: digits
  loss: cross_entropy
  optimizer: {OPTIMIZER}
  schedule: {SCHEDULE}
  epochs: 1
  batch: 32
  deterministic: true
"""
PLAIN = [
    ("sgd: {lr: 0.05, momentum: 0.9}", "cosine: {warmup: 10}", 0.0, 1e-6),
    ("adamw: {lr: 3e-3, weight_decay: 0.05}", "linear: {warmup: 5, final: 0.1}", 0.0, 2e-5),
]
REST = [
    ("sgd: {lr: 0.05, momentum: 0.9, nesterov: true}", "polynomial", 0.1, 1e-6),
    ("adamw: {lr: 3e-3}", "one_cycle", 0.1, 2e-5),
    ("adam: 3e-3", "one_cycle", 0.0, 2e-5),
    ("rmsprop: 1e-3", "step: {every: 30, factor: 0.5}", 0.0, 2e-5),
    ("adagrad: 0.02", "polynomial: {power: 2}", 0.0, 2e-5),
    ("lion: 1e-3", "cosine", 0.0, 2e-5),
    ("adafactor: 0.01", "constant: {warmup: 10}", 0.0, 2e-5),
    ("muon: 0.01", "linear", 0.0, 2e-5),
]
"""What moves the weights, the schedule, dropout, and how near the curves are, of the loss."""
CASES = [*PLAIN, *(REST if os.environ.get("DSLC_WHOLE") else [])]


@cache
def curve(backend: str, optimizer: str, schedule: str, dropped: float) -> np.ndarray:
    text = SPEC.replace("OPTIMIZER", optimizer).replace("SCHEDULE", schedule)
    spec = loads(text.replace("DROPPED", str(dropped))).checked
    start = starting_weights(spec.weights(), 0)
    losses, after = find_backend(backend).train_steps(spec, start, batches("digits", STEPS), STEPS)
    assert all((np.asarray(after[name]) != array).any() for name, array in start.items())
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    return np.array(losses)


@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.parametrize(("optimizer", "schedule", "dropped", "near"), CASES)
def test_a_hundred_steps_agree(
    backend: str, optimizer: str, schedule: str, dropped: float, near: float
) -> None:
    wanted = curve(BACKENDS[0], optimizer, schedule, dropped)
    np.testing.assert_allclose(curve(backend, optimizer, schedule, dropped), wanted, rtol=near)
