"""Every optimiser in every backend against its formula in NumPy, through the code that people get."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from dslc.diagnostics import Report
from dslc.passes.pipeline import check_source
from dslc.source import Source
from dslc.tools.backends import find_backend
from tests.runtime import reference_optimizers as reference
from tests.train.projects import BACKENDS

SPEC = """
dslc: 1
name: Line
inputs: {{x: "f32[N, 3]"}}
steps:
  - linear: 2
    name: map
outputs: {{y: map}}
train:
  inputs: {{target: "f32[N, 2]"}}
  data: none.npz
  loss: mse
  optimizer: {{{optimizer}}}
  schedule: {{linear: {{warmup: 2, final: 0.5}}}}
  epochs: 1
  batch: 4
"""
STEPS = 6
RATES = [0.5, 1.0, 1.0, 0.875, 0.75, 0.625]
CASES = {
    "sgd: 0.1": (0.1, reference.SGD()),
    "sgd: {lr: 0.1, weight_decay: 0.2}": (0.1, reference.SGD(weight_decay=0.2)),
    "sgd: {lr: 0.1, momentum: 0.9}": (0.1, reference.SGD(0.9)),
    "sgd: {lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.1}": (
        0.1,
        reference.SGD(0.9, nesterov=True, weight_decay=0.1),
    ),
    "adamw: {lr: 0.1, weight_decay: 0.3}": (0.1, reference.AdamW(weight_decay=0.3)),
    "adamw: {lr: 0.1, betas: [0.5, 0.75], eps: 1e-3, weight_decay: 0}": (
        0.1,
        reference.AdamW((0.5, 0.75), 1e-3),
    ),
    "adam: {lr: 0.1}": (0.1, reference.AdamW()),
}
KEPT = {
    "sgd: {lr: 0.1, weight_decay: 0.5, no_decay: ['**.bias']}": reference.SGD,
    "adam: {lr: 0.1, weight_decay: 0.5, no_decay: ['**.bias']}": None,
    "adamw: {lr: 0.1, weight_decay: 0.5, no_decay: ['**.bias']}": reference.AdamW,
}
Arrays = dict[str, np.ndarray]


def problem() -> tuple[Arrays, list[Arrays]]:
    generator = np.random.default_rng(1)
    weights = {"map.weight": generator.normal(size=(2, 3)), "map.bias": generator.normal(size=2)}
    batches = [
        {"x": generator.normal(size=(4, 3)), "target": generator.normal(size=(4, 2))}
        for _ in range(STEPS)
    ]
    as_float = [{name: a.astype(np.float32) for name, a in batch.items()} for batch in batches]
    return {name: a.astype(np.float32) for name, a in weights.items()}, as_float


def gradients(weights: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray]) -> Arrays:
    """Of the mean of squares of `x @ weight.T + bias - target`."""
    x = batch["x"].astype(np.float64)
    error = x @ weights["map.weight"].T + weights["map.bias"] - batch["target"]
    slope = 2 * error / error.size
    return {"map.weight": slope.T @ x, "map.bias": slope.sum(0)}


def train(backend: str, optimizer: str) -> Mapping[str, np.ndarray]:
    checked = check_source(Source("net.yaml", SPEC.format(optimizer=optimizer)), Report())
    assert checked is not None
    weights, batches = problem()
    _, found = find_backend(backend).train_steps(checked, weights, batches, STEPS)
    return found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("optimizer", CASES)
def test_formula(optimizer: str, backend: str) -> None:
    rate, formula = CASES[optimizer]
    weights, batches = problem()
    exact: Arrays = {name: array.astype(np.float64) for name, array in weights.items()}
    fresh = type(formula)(**settings(formula))
    for factor, batch in zip(RATES, batches, strict=True):
        exact = fresh.step(exact, gradients(exact, batch), rate * factor)
    found = train(backend, optimizer)
    for name, array in exact.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=2e-6)


def settings(formula: reference.SGD | reference.AdamW) -> dict[str, object]:
    """What a reference was made with: its state must not pass from test to test."""
    names = ("momentum", "nesterov", "weight_decay", "betas", "epsilon")
    return {name: getattr(formula, name) for name in names if hasattr(formula, name)}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("optimizer", KEPT)
def test_weights_that_do_not_decay(optimizer: str, backend: str) -> None:
    kept = train(backend, optimizer)
    all_decay = train(backend, optimizer.replace(", no_decay: ['**.bias']", ""))
    none_decay = train(backend, optimizer.replace("weight_decay: 0.5", "weight_decay: 0"))
    assert np.abs(kept["map.weight"] - none_decay["map.weight"]).max() > 1e-2
    assert np.abs(kept["map.bias"] - all_decay["map.bias"]).max() > 1e-2
    first = train_first_bias(backend, optimizer)
    np.testing.assert_allclose(first, train_first_bias(backend, none(optimizer)), rtol=1e-6)


def none(optimizer: str) -> str:
    return optimizer.replace("weight_decay: 0.5", "weight_decay: 0")


def train_first_bias(backend: str, optimizer: str) -> np.ndarray:
    """The bias after one step, whose gradient no decay has touched yet."""
    checked = check_source(Source("net.yaml", SPEC.format(optimizer=optimizer)), Report())
    assert checked is not None
    weights, batches = problem()
    _, found = find_backend(backend).train_steps(checked, weights, batches, 1)
    return found["map.bias"]


def test_decay_in_adams_gradient_is_pytorchs(tmp_path: Path) -> None:
    torch_, jax_, keras_ = (train(b, "adam: {lr: 0.1, weight_decay: 0.4}") for b in BACKENDS)
    for name, array in torch_.items():
        np.testing.assert_allclose(jax_[name], array, rtol=0, atol=2e-6)
        np.testing.assert_allclose(keras_[name], array, rtol=0, atol=2e-6)
