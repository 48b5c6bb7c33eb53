"""Phases: what each one moves, what it draws, and that a run goes on where it was left."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dslc.api import loads
from dslc.emit.backend import BuildError
from dslc.tools.backends import find_backend
from dslc.tools.verify_training import labels_of
from dslc.train.runtime import checkpoint
from dslc.train.runtime.initial import random_numbers
from dslc.train.steps import as_read, load_script, rate_of
from dslc.weights.starting import starting_weights
from tests.train.projects import BACKENDS, SPECS, batches, checked, project, run, write_project
from tests.train.test_agreement import first_steps
from tests.train.test_resume import copied, same

NAMES = ("gan", "counterfeit", "tutors", "inside", "around", "steeps", "through")
RATES = {"critic": 1e-2, "generator": 1e-2}


@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.parametrize("name", NAMES)
def test_weights_and_statistics_agree_after_ten_steps(name: str, backend: str) -> None:
    expected, found = first_steps(name, BACKENDS[0])[1], first_steps(name, backend)[1]
    for path, array in expected.items():
        np.testing.assert_allclose(found[path], array, rtol=2e-6, atol=3e-5, err_msg=path)


def trainer_of(backend: str) -> tuple[Any, list[Any]]:
    """A fresh trainer of the GAN, and batches for it."""
    script = load_script(project("gan", backend))
    return script.Trainer(0, "cpu"), [as_read(script, batch) for batch in batches("gan", 6)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_phase_moves_its_models_and_runs_on_its_batches(backend: str) -> None:
    trainer, found = trainer_of(backend)
    before = copied(trainer)

    def moved() -> set[str]:
        after = copied(trainer)
        return {name.partition(".")[0] for name in before if (before[name] != after[name]).any()}

    assert list(trainer.step(found[0], RATES)) == ["critic_loss"]
    assert moved() == {"critic"}
    assert list(trainer.step(found[1], RATES)) == ["critic_loss", "generator_loss"]
    assert moved() == {"critic", "generator"}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("done", [1, 3])
def test_a_resumed_run_ends_on_the_same_bits(backend: str, done: int, tmp_path: Path) -> None:
    unbroken, found = trainer_of(backend)
    for batch in found[:done]:
        unbroken.step(batch, RATES)
    groups = {"weights": unbroken.weights(), "optimizer": unbroken.moments()}
    checkpoint.save(tmp_path, done, groups, {"seed": 0}, "spec")
    losses = [unbroken.step(batch, RATES) for batch in found[done:]]
    other, _ = trainer_of(backend)
    newest = checkpoint.newest(tmp_path)
    assert newest is not None
    other.restore(newest)
    again = [other.step(batch, RATES) for batch in found[done:]]
    assert [numbers(row) for row in again] == [numbers(row) for row in losses]
    assert same(copied(other), copied(unbroken))
    assert same(dict(other.moments()), dict(unbroken.moments()))


def numbers(losses: dict[str, Any]) -> dict[str, float]:
    return {name: float(loss) for name, loss in losses.items()}


def test_a_run_reports_each_loss_and_can_be_resumed(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project", "gan", "torch")
    for arguments in (("--epochs", "1"), ("--epochs", "2", "--resume")):
        done = run(folder, *arguments)
        assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    steps = [row for row in rows if "critic_loss" in row]
    assert len(steps) == 16
    assert [("generator_loss" in row) for row in steps] == [False, True] * 8
    assert {"held_out_critic_loss", "held_out_generator_loss"} <= rows[-1].keys()
    whole = write_project(tmp_path / "whole", "gan", "torch")
    assert run(whole).returncode == 0
    # the schedule of the first run was that of one epoch, so only the critic's own can be the same
    assert [row["critic_loss"] for row in rows[:2]] == [
        json.loads(line)["critic_loss"]
        for line in (whole / "metrics.jsonl").read_text().splitlines()[:2]
    ]


def test_draws_depend_on_name_seed_and_step_alone() -> None:
    def drawn(name: str, seed: int, step: int | str) -> np.ndarray:
        return random_numbers(name, (3,), seed, step).normal(1.0)

    first = drawn("critic.noise", 0, 7)
    assert (first == drawn("critic.noise", 0, 7)).all()
    others = [("critic.noise", 0, 8), ("critic.noise", 1, 7), ("generator.noise", 0, 7)]
    assert all((first != drawn(*key)).any() for key in others)
    even = random_numbers("share", (1000,), 0, 0).uniform(-1.0, 3.0)
    assert even.dtype == np.float32
    assert -1 < even.min() < -0.9
    assert 2.9 < even.max() < 3


def test_a_draw_in_a_graph_without_phases(tmp_path: Path) -> None:
    text = (SPECS / "slope.yaml").read_text(encoding="utf-8")
    text = text.replace(
        "    - flip: 0\n      name: others\n", "    - random_normal: [N, 30]\n      name: others\n"
    )
    found = loads(text).checked
    losses = []
    for backend in BACKENDS:
        script = load_script(find_backend(backend).project(found))
        trainer = script.Trainer(0, "cpu")
        batch = as_read(script, batches("slope", 1)[0])
        rate = rate_of(script, 0, 1)
        losses.append([float(trainer.step(batch, rate)) for _ in range(2)])
        assert trainer.measure(batch) == trainer.measure(batch)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-6)


def test_losses_are_labelled_by_step_and_phase() -> None:
    assert labels_of(checked("gan"), 2) == [
        "step 0, critic",
        "step 1, critic",
        "step 1, generator",
    ]
    assert labels_of(checked("wine"), 2) == ["step 0", "step 1"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_steps_of_a_phase_that_nothing_reads_keep_their_weights(backend: str) -> None:
    text = (SPECS / "steeps.yaml").read_text(encoding="utf-8")
    spec = loads(text.replace("          from: [both, other]\n", "", 1)).checked
    assert spec.train is not None
    start = starting_weights(spec.train.weights(), 0)
    losses, weights = find_backend(backend).train_steps(spec, start, batches("steeps", 3), 3)
    assert {path: array.shape for path, array in weights.items()} == {
        path: array.shape for path, array in start.items()
    }
    unread = [path for path in start if ".both." in path or path.startswith("both.")]
    assert unread
    for path in unread:
        np.testing.assert_array_equal(weights[path], start[path])
    expected = find_backend("torch").train_steps(spec, start, batches("steeps", 3), 3)[0]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["around", "steeps"])
def test_figures_of_steps_in_several_parts_agree(name: str) -> None:
    found = []
    for backend in BACKENDS:
        script = load_script(project(name, backend))
        found.append(script.Trainer(0, "cpu").measure(as_read(script, batches(name, 1)[0])))
    for other in found[1:]:
        assert other.keys() == found[0].keys()
        for key, value in found[0].items():
            np.testing.assert_allclose(other[key], value, rtol=1e-5, err_msg=key)


def test_steps_in_other_parts_may_not_share_weights() -> None:
    text = (SPECS / "around.yaml").read_text(encoding="utf-8")
    text = text.replace(
        "        - linear: 13\n          name: rebuilt\n",
        "        - linear: 13\n        - reuse: bent\n          name: rebuilt\n",
    )
    with pytest.raises(
        BuildError, match="has weights of a step that the model or a gradient parts"
    ):
        find_backend("torch").project(loads(text).checked)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_phase_moves_the_weights_of_its_own_steps(backend: str) -> None:
    spec = checked("tutors").train
    assert spec is not None
    start = starting_weights(spec.weights(), 0)
    _, after = find_backend(backend).train_steps(checked("tutors"), start, batches("tutors", 1), 1)
    moved = {name.partition(".")[0] for name in start if (after[name] != start[name]).any()}
    assert moved == {"encoder", "encoder_steps"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_phase_of_a_single_model_leaves_the_steps_of_others(backend: str) -> None:
    trainer = load_script(project("inside", backend)).Trainer(0, "cpu")
    moments = {name.split(".", 1)[0] + "." + name.split(".", 2)[2] for name in trainer.moments()}
    assert "task.task_steps.early.weight" in moments
    assert "change.change_steps.guess.linear.weight" in moments
    assert not any(name.startswith(("task.change_steps", "change.task_steps")) for name in moments)
