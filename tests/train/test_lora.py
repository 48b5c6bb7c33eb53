"""Adapters of low rank: what moves, what a checkpoint keeps, and the sum that a run ends on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dslc.tools.backends import find_backend
from dslc.train.runtime import checkpoint
from dslc.train.steps import as_read, load_script
from dslc.weights.starting import starting_weights
from tests.train.projects import BACKENDS, batches, checked, project

STEPS = 4
MOVED = {
    *("first.weight", "attention.query.weight", "attention.value.weight", "attention.out.weight"),
    *("head.weight", "head.bias"),
}


def steps(script: Any, trainer: Any, first: int, last: int) -> list[float]:
    """The losses of some steps."""
    rows = [as_read(script, batch) for batch in batches("adapted", STEPS)[first:last]]
    return [float(trainer.step(batch, script.LEARNING_RATE)) for batch in rows]


@pytest.mark.parametrize("backend", BACKENDS)
def test_adapters_alone_move_and_come_back_from_a_checkpoint(backend: str, tmp_path: Path) -> None:
    script = load_script(project("adapted", backend))
    trainer, other = script.Trainer(0, "cpu"), script.Trainer(0, "cpu")
    start = {path: np.array(array) for path, array in trainer.weights().items()}
    steps(script, trainer, 0, 2)
    checkpoint.save(tmp_path, 2, script.kept_of(trainer), {}, "spec")
    losses = steps(script, trainer, 2, STEPS)
    steps(script, other, 0, 1)
    other.restore(checkpoint.newest(tmp_path))
    assert steps(script, other, 2, STEPS) == losses
    own, sums = trainer.weights(), trainer.adapted_weights()
    assert all((sums[path] == array).all() for path, array in other.adapted_weights().items())
    assert {path for path in start if (sums[path] != start[path]).any()} == MOVED
    assert {path for path in start if (own[path] != start[path]).any()} == {
        *("head.weight", "head.bias")
    }
    change = sums["first.weight"] - start["first.weight"]
    assert np.linalg.matrix_rank(change, tol=1e-5) == 4


def test_the_sum_is_what_other_tools_compute_with() -> None:
    spec = checked("adapted")
    start, rows = starting_weights(spec.train.weights(), 0), batches("adapted", STEPS)
    after = find_backend("torch").train_steps(spec, start, rows, STEPS)[1]
    found = find_backend("jax").train_steps(spec, start, rows, STEPS)[1]
    for path, array in after.items():
        np.testing.assert_allclose(found[path], array, atol=2e-5)
    driver = find_backend("onnx").driver(spec)
    driver.load(after)
    logits = driver.forward({"image": rows[0]["image"]})["logits"]
    script = load_script(project("adapted", "torch"))
    trainer = script.Trainer(0, "cpu")
    trainer.load(after)
    scores = logits - logits.max(1, keepdims=True)
    picked = scores[np.arange(len(scores)), rows[0]["label"]]
    loss = (np.log(np.exp(scores).sum(1)) - picked).mean()
    measured = trainer.measure(as_read(script, rows[0]))
    np.testing.assert_allclose(measured["loss"], loss, rtol=1e-5)
