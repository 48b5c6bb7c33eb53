"""The same spec, the same seed, the same curve: the digits network in three frameworks."""

import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from dslc.api import loads
from dslc.tools.backends import find_backend
from dslc.train.runtime import data
from dslc.train.runtime.data_order import Batches, average
from dslc.train.steps import as_read, load_script
from dslc.weights.starting import starting_weights
from tests.train.projects import BACKENDS, SPECS, batches, checked, columns, project

STEPS = 10
Result = tuple[list[float], dict[str, np.ndarray]]


@cache
def first_steps(name: str, backend: str) -> Result:
    spec = checked(name)
    assert spec.train is not None
    weights = starting_weights(spec.train.weights(), 0)
    losses, after = find_backend(backend).train_steps(spec, weights, batches(name, STEPS), STEPS)
    return losses, dict(after)


@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.parametrize(
    "name",
    [
        *("digits", "wine", "diabetes", "reader", "frozen", "couple", "contrast", "heads", "slope"),
        *(
            "penalty",
            "gan",
            "counterfeit",
            "imported",
            "dropping",
            "normed",
            "tutors",
            "inside",
            "around",
            "steeps",
            "twins",
            "thawed",
            "adapted",
            "through",
            "waves",
        ),
    ],
)
def test_the_first_batch_losses_agree(name: str, backend: str) -> None:
    expected, found = first_steps(name, BACKENDS[0])[0], first_steps(name, backend)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_loss_falls_and_every_trained_weight_moves() -> None:
    start = starting_weights(checked("digits").weights(), 0)
    for backend in BACKENDS:
        losses, after = first_steps("digits", backend)
        assert losses[-1] < 0.9 * losses[0]
        trained = [w.path for w in checked("digits").weights() if w.role == "trained"]
        assert all((after[path] != start[path]).any() for path in trained)


def test_frozen_weights_and_statistics_stay() -> None:
    start = starting_weights(checked("frozen").weights(), 0)
    for backend in BACKENDS:
        _, after = first_steps("frozen", backend)
        moved = {path for path, array in after.items() if (array != start[path]).any()}
        assert moved == {path for path in start if not path.startswith("stem.")}, backend


def test_frozen_weights_thaw_after_their_epochs() -> None:
    start = starting_weights(checked("thawed").weights(), 0)
    for backend in BACKENDS:
        spec = checked("thawed")
        half = find_backend(backend).train_steps(spec, start, batches("thawed", 1), 1)[1]
        moved = {path for path, array in half.items() if (array != start[path]).any()}
        first = {"even.weight", "even.bias", "body.weight", "head.weight", "head.bias"}
        assert moved == first, backend
        after = first_steps("thawed", backend)[1]
        stayed = {path for path, array in after.items() if (array == start[path]).all()}
        assert stayed == {"body.bias"}, backend


def test_losses_in_float16_are_those_in_float32() -> None:
    text = (SPECS / "scaled.yaml").read_text(encoding="utf-8")
    spec = loads(text.replace("precision: f16", "precision: f32")).checked
    weights, rows = starting_weights(spec.weights(), 0), batches("scaled", STEPS)
    wanted = find_backend("torch").train_steps(spec, weights, rows, STEPS)[0]
    assert wanted[-1] < wanted[0]
    for backend in BACKENDS:
        np.testing.assert_allclose(first_steps("scaled", backend)[0], wanted, rtol=0.005)


def test_zeros_stay_zero() -> None:
    for backend in BACKENDS:
        assert not first_steps("reader", backend)[1]["lstm.bias_hh_l0"].any()


def test_arithmetic_in_bfloat16_is_coarser_and_close() -> None:
    found = [first_steps("half", backend)[0] for backend in BACKENDS]
    for losses in found[1:]:
        np.testing.assert_allclose(losses, found[0], rtol=0.02)
        assert losses != found[0]
    _, after = first_steps("half", "jax")
    assert {array.dtype.name for array in after.values()} == {"float32"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_three_epochs_reach_an_accuracy_and_a_page_shows_it(backend: str) -> None:
    script = load_script(project("digits", backend))
    rows: Any = as_read(script, columns("digits"))
    training, held_out = data.split(rows, 0.2, script.SPLIT_SEED, script.STRATIFY)
    order = Batches(training, script.BATCH, 0)
    trainer = script.Trainer(0, "cpu")
    total = 3 * order.steps
    for epoch in range(3):
        for k, batch in enumerate(order.epoch(epoch)):
            trainer.step(batch, script.learning_rate(epoch * order.steps + k, total))
    accuracy = average(trainer.measure, held_out, script.BATCH)["accuracy"]
    assert accuracy > 0.95
    cells = re.findall(r"<td[^>]*>(\d*)</td>", script.shown(trainer, held_out))
    table = np.array([int(cell or 0) for cell in cells]).reshape(10, 10)
    np.testing.assert_array_equal(table.sum(1), np.bincount(held_out["label"]))
    np.testing.assert_allclose(np.trace(table) / table.sum(), accuracy, rtol=1e-6)
