"""RMSprop, Adagrad, Lion, Adafactor and Muon: their formulas, their state, matrices in every layout."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from dslc.diagnostics import Report
from dslc.passes.pipeline import check_source
from dslc.source import Source
from dslc.tools.backends import find_backend
from dslc.train.runtime import checkpoint
from dslc.train.steps import as_read, load_script, rate_of
from dslc.weights.starting import starting_weights
from tests.train import formulas
from tests.train.projects import BACKENDS, batches, checked, project
from tests.train.test_optimizers import RATES, SPEC, STEPS, gradients, problem
from tests.train.test_resume import copied, same

CASES = {
    "rmsprop: {lr: 0.1, beta: 0.9, momentum: 0.5, weight_decay: 0.2}": formulas.rmsprop(
        0.9, 0.5, 0.2
    ),
    "adagrad: {lr: 0.1, weight_decay: 0.2}": formulas.adagrad(0.2),
    "lion: {lr: 0.1, weight_decay: 0.2}": formulas.lion(decay=0.2),
    "adafactor: {lr: 0.1, weight_decay: 0.2}": formulas.adafactor(decay=0.2),
    "muon: {lr: 0.1, momentum: 0.8}": formulas.muon(0.8),
}
"""Each with a rate of 0.1."""


def script_of(backend: str, optimizer: str) -> Any:
    found = check_source(Source("net.yaml", SPEC.format(optimizer=optimizer)), Report())
    assert found is not None
    return load_script(find_backend(backend).project(found))


def exact(formula: formulas.Formula) -> dict[str, np.ndarray]:
    """The weights after the steps, in float64."""
    weights, given = problem()
    kept: dict[str, formulas.Kept] = {name: {} for name in weights}
    found = {name: array.astype(np.float64) for name, array in weights.items()}
    for t, (factor, batch) in enumerate(zip(RATES, given, strict=True), 1):
        slopes = gradients(found, batch)
        found = {n: formula(w, slopes[n], kept[n], 0.1 * factor, t) for n, w in found.items()}
    return found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("optimizer", CASES)
def test_formula_and_state(optimizer: str, backend: str, tmp_path: Path) -> None:
    script = script_of(backend, optimizer)
    weights, given = problem()
    made, half = script.Trainer(0, "cpu"), STEPS // 2
    made.load(weights)
    for step, batch in enumerate(given):
        if step == half:
            groups = {"weights": made.weights(), "optimizer": made.moments()}
            checkpoint.save(tmp_path, half, groups, {}, "spec")
        made.step(batch, rate_of(script, step, STEPS))
    found = copied(made)
    for name, array in exact(CASES[optimizer]).items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=5e-6)
    made.restore(checkpoint.newest(tmp_path))
    for step, batch in enumerate(given[half:], half):
        made.step(batch, rate_of(script, step, STEPS))
    assert same(copied(made), found)


@cache
def matrices(backend: str) -> tuple[list[float], dict[str, np.ndarray]]:
    """Four steps of phases with both of them, of which the last two are gone back over."""
    script = load_script(project("matrices", backend))
    spec, made = checked("matrices").train, script.Trainer(0, "cpu")
    assert spec is not None
    made.load(starting_weights(spec.weights(), 0))
    given = [as_read(script, batch) for batch in batches("matrices", 4)]
    losses: list[float] = []
    with TemporaryDirectory() as folder:
        for step, batch in enumerate(given):
            if step == 2:
                groups = {"weights": made.weights(), "optimizer": made.moments()}
                checkpoint.save(Path(folder), 2, groups, {}, "spec")
            losses += map(float, made.step(batch, rate_of(script, step, 4)).values())
        found = copied(made)
        made.restore(checkpoint.newest(Path(folder)))
    for step, batch in enumerate(given[2:], 2):
        made.step(batch, rate_of(script, step, 4))
    assert same(copied(made), found)
    assert {name.split(".")[1] for name in made.moments()} == {"mean", "square", "row", "column"}
    return losses, found


@pytest.mark.parametrize("backend", BACKENDS)
def test_matrices_are_those_of_the_file(backend: str) -> None:
    losses, after = matrices(backend)
    expected, wanted = matrices(BACKENDS[0])
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    for name, array in wanted.items():
        if not name.endswith("attention.key.bias"):  # its gradient is nothing but rounding
            np.testing.assert_allclose(after[name], array, atol=1e-5, err_msg=name)
