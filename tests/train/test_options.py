"""What a run does beside its steps: pieces of a batch, averages, groups, penalties, an early end."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dslc.api import loads
from dslc.tools.backends import find_backend
from dslc.train.runtime import checkpoint
from dslc.train.steps import as_read, load_script, rate_of
from dslc.weights.starting import starting_weights
from tests.train.projects import BACKENDS, SPECS, batches, checked, project, run, write_project
from tests.train.test_agreement import first_steps
from tests.train.test_resume import copied, same

TEXT = (SPECS / "options.yaml").read_text(encoding="utf-8")
PLAIN = """
  optimizer: {sgd: {lr: 0.1}}
"""


def section(*lines: str) -> str:
    """The spec with a plain optimiser and some options."""
    head, tail = TEXT.split("  optimizer:\n")[0], "  epochs: 6\n  batch: 16\n"
    return head + PLAIN + "".join(f"  {line}\n" for line in lines) + tail


def weights_after(text: str, backend: str, steps: int = 3) -> dict[str, np.ndarray]:
    spec = loads(text).checked
    assert spec.train is not None
    start = starting_weights(spec.train.weights(), 0)
    _, after = find_backend(backend).train_steps(spec, start, batches("options", steps), steps)
    return dict(after)


@cache
def trainer(backend: str, name: str = "options") -> tuple[Any, list[Any]]:
    """A trainer of the spec with all options after three steps, and the batches behind them."""
    script = load_script(project(name, backend))
    made = script.Trainer(0, "cpu")
    given = [as_read(script, batch) for batch in batches(name, 6)]
    for step, batch in enumerate(given[:3]):
        made.step(batch, rate_of(script, step, 6))
    return made, given[3:]


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_weights_and_averages_agree(backend: str) -> None:
    expected, found = first_steps("options", "torch"), first_steps("options", backend)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
    for name, array in expected[1].items():
        np.testing.assert_allclose(found[1][name], array, atol=1e-5, err_msg=name)
    left, right = trainer("torch")[0].averaged(), trainer(backend)[0].averaged()
    for name, array in left.items():
        np.testing.assert_allclose(right[name], array, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_averages_of_phases_agree(backend: str) -> None:
    left, right = (trainer(name, "tutors")[0].averaged() for name in ("torch", backend))
    for name, array in left.items():
        np.testing.assert_allclose(right[name], array, atol=1e-6, err_msg=name)
    start = load_script(project("tutors", "torch")).Trainer(0, "cpu").weights()
    assert (left["encoder.hidden.bias"] == start["encoder.hidden.bias"]).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_phases_go_on_with_their_averages(backend: str, tmp_path: Path) -> None:
    made, given = trainer(backend, "tutors")
    kinds = {"weights": made.weights, "optimizer": made.moments, "averages": made.kept_averages}
    groups = {kind: {k: np.array(a) for k, a in found().items()} for kind, found in kinds.items()}
    checkpoint.save(tmp_path, 3, groups, {}, "spec")
    script = load_script(project("tutors", backend))
    other = script.Trainer(1, "cpu")
    other.seed = 0
    other.restore(checkpoint.newest(tmp_path))
    for step, batch in enumerate(given):
        for one in (made, other):
            one.step(batch, rate_of(script, 3 + step, 6))
    trainer.cache_clear()
    assert same(dict(made.averaged()), dict(other.averaged()))


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_average_follows_the_weights(backend: str) -> None:
    script = load_script(project("options", backend))
    made = script.Trainer(0, "cpu")
    weights = copied(made)
    average = {name: array.astype(np.float64) for name, array in weights.items()}
    for step, batch in enumerate(batches("options", 3)):
        made.step(as_read(script, batch), rate_of(script, step, 6))
        weights = copied(made)
        average = {name: a + 0.1 * (weights[name] - a) for name, a in average.items()}
    found = made.averaged()
    for name, array in average.items():
        np.testing.assert_allclose(found[name], array, atol=1e-6, err_msg=name)
    assert same(weights, copied(made)), "the weights themselves stay"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_batch_in_pieces_is_the_batch(backend: str) -> None:
    whole, parts = (
        weights_after(section(), backend),
        weights_after(section("accumulate: 4"), backend),
    )
    for name, array in whole.items():
        np.testing.assert_allclose(parts[name], array, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_group_has_its_own_rate(backend: str) -> None:
    start = starting_weights(checked("options").train.weights(), 0)  # pyright: ignore
    plain = weights_after(section(), backend, 1)
    text = section().replace("{lr: 0.1}", "{lr: 0.1, groups: [{of: ['head.**'], lr: 0.025}]}")
    grouped = weights_after(text, backend, 1)
    for name, array in start.items():
        factor = 0.25 if name.startswith("head.") else 1.0
        moved = factor * (plain[name] - array)
        np.testing.assert_allclose(grouped[name] - array, moved, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("backend", BACKENDS)
def test_penalties_are_what_they_say(backend: str) -> None:
    start = starting_weights(checked("options").train.weights(), 0)  # pyright: ignore
    plain = weights_after(section(), backend, 1)
    options = (
        "regularize: [{l2: {factor: 0.3, of: [head.weight]}}, {l1: {factor: 0.2, of: [head.bias]}}]"
    )
    dear = weights_after(section(options), backend, 1)
    slopes = {
        "head.weight": 0.6 * start["head.weight"],
        "head.bias": 0.2 * np.sign(start["head.bias"]),
    }
    for name, array in plain.items():
        np.testing.assert_allclose(
            dear[name], array - 0.1 * slopes.get(name, np.zeros(1)), atol=1e-6, err_msg=name
        )


@pytest.mark.parametrize("backend", BACKENDS)
def test_frozen_globs_stay(backend: str) -> None:
    start = starting_weights(checked("options").train.weights(), 0)  # pyright: ignore
    after = weights_after(section('freeze: ["**.bias", "stem.**"]'), backend, 2)
    moved = {name for name, array in start.items() if (after[name] != array).any()}
    assert moved == {"hidden.weight", "norm.weight", "head.weight"}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("group", ["weights", "optimizer", "averages"])
def test_every_part_of_a_checkpoint_counts(backend: str, group: str, tmp_path: Path) -> None:
    script = load_script(project("options", backend))
    given = [as_read(script, batch) for batch in batches("options", 6)]
    rate = rate_of(script, 0, 6)
    unbroken = script.Trainer(0, "cpu")
    for batch in given[:3]:
        unbroken.step(batch, rate)
    groups = {
        "weights": unbroken.weights(),
        "optimizer": unbroken.moments(),
        "averages": unbroken.kept_averages(),
    }
    groups = {kind: {k: np.array(a) for k, a in found.items()} for kind, found in groups.items()}
    checkpoint.save(tmp_path / "whole", 3, groups, {}, "spec")
    spoilt = {k: np.float32(1.001) * a for k, a in groups[group].items()}
    checkpoint.save(tmp_path / "spoilt", 3, groups | {group: spoilt}, {}, "spec")
    losses = [float(unbroken.step(batch, rate)) for batch in given[3:]]

    def resumed(folder: str) -> tuple[list[float], dict[str, np.ndarray]]:
        other, found = script.Trainer(1, "cpu"), checkpoint.newest(tmp_path / folder)
        other.restore(found)
        again = [float(other.step(batch, rate)) for batch in given[3:]]
        return again, {name: np.array(array) for name, array in other.averaged().items()}

    found, averages = resumed("whole")
    assert found == losses
    assert same(averages, dict(unbroken.averaged()))
    assert not same(resumed("spoilt")[1], dict(unbroken.averaged()))


def test_a_run_ends_early_and_keeps_its_best(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "whole", "options", "torch")
    done = run(folder, "--epochs", "40")
    assert done.returncode == 0, done.stderr
    assert "got no better for 2 epochs" in done.stderr
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    found = [row["held_out_accuracy"] for row in rows if "held_out_accuracy" in row]
    assert 3 <= len(found) < 40
    best = max(found[:-2])
    assert max(found[-2:]) <= best + 1e-3
    assert (folder / "best.safetensors").is_file()

    broken = write_project(tmp_path / "broken", "options", "torch")
    assert run(broken, "--epochs", "40").returncode == 0
    again = run(broken, "--epochs", "40", "--resume")
    assert again.returncode == 0, again.stderr
    for name in ("weights.safetensors", "metrics.jsonl", "best.safetensors"):
        assert (folder / name).read_bytes() == (broken / name).read_bytes(), name
