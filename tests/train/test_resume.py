"""A run that was killed and resumed ends on the same bits as one that was not."""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dslc.train.runtime import checkpoint, weights
from dslc.train.steps import as_read, load_script
from tests.train.projects import BACKENDS, batches, environment, project, write_project

STEPS = 6
Arrays = dict[str, np.ndarray]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_killed_three_times_ends_as_an_unbroken_one(backend: str, tmp_path: Path) -> None:
    folder, seed = write_project(tmp_path, "resumed", backend), str(random.randrange(10**6))
    asked = ("SIGTERM", "SIGINT") if backend == "torch" else ()  # the loop is the same everywhere
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.killing", str(folder), seed, *asked],
        cwd=Path(__file__).parents[2],
        env=environment() | cache,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    assert done.stdout.split() == (["SIGTERM", "143", "SIGINT", "130"] if asked else [])
    for name in ("weights.safetensors", "metrics.jsonl", "metrics.csv"):
        whole, broken = ((folder / run / name).read_bytes() for run in ("whole", "broken"))
        assert whole == broken, f"seed {seed}: {name}"
    record = json.loads((folder / "broken" / "run.json").read_text())
    assert record["backend"] == backend
    assert record["options"]["seed"] == 0
    assert set(record["versions"]) > {"python", "numpy"}
    text = (folder / "whole" / "metrics.jsonl").read_text()
    assert len([row for row in map(json.loads, text.splitlines()) if "loss" in row]) == 60


class Run:
    """A run of a generated trainer in this process, with dropout and moments for each weight."""

    def __init__(self, backend: str) -> None:
        self.script = load_script(project("shift", backend))
        self.batches = [as_read(self.script, batch) for batch in batches("shift", STEPS)]

    def trainer(self, seed: int = 0) -> Any:
        return self.script.Trainer(seed, "cpu")

    def steps(self, trainer: Any, first: int, last: int) -> list[float]:
        """The losses of some steps."""
        return [float(trainer.step(batch, 0.01)) for batch in self.batches[first:last]]

    def resumed(self, trainer: Any, found: checkpoint.Checkpoint, first: int) -> Arrays:
        """The weights after the rest of the steps from a checkpoint."""
        trainer.restore(found)
        self.steps(trainer, first, first + STEPS // 2)
        return copied(trainer)


def copied(trainer: Any) -> Arrays:
    return {name: np.array(array) for name, array in trainer.weights().items()}


def same(left: Arrays, right: Arrays) -> bool:
    return all((left[name] == right[name]).all() for name in left)


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_missing_from_a_checkpoint(backend: str, tmp_path: Path) -> None:
    this = Run(backend)
    unbroken = this.trainer()
    this.steps(unbroken, 0, STEPS // 2)
    groups = {"weights": unbroken.weights(), "optimizer": unbroken.moments()}
    checkpoint.save(tmp_path, STEPS // 2, groups, {"seed": 0}, "spec")
    losses = this.steps(unbroken, STEPS // 2, STEPS)
    whole = copied(unbroken)

    found = checkpoint.newest(tmp_path)
    assert found is not None
    other = this.trainer()
    other.restore(found)
    assert this.steps(other, STEPS // 2, STEPS) == losses
    assert same(copied(other), whole)

    assert not same(this.resumed(other, found, 0), whole), "the position in the data"
    elsewhere = checkpoint.Checkpoint(found.path, 0, found.spec, found.state)
    assert not same(this.resumed(other, elsewhere, STEPS // 2), whole), "the number of the step"
    for group in ("weights", "optimizer"):
        file = found.path / f"{group}.safetensors"
        kept = file.read_bytes()
        arrays = weights.read(file)
        name = next(name for name in arrays if name.endswith("wte.weight"))
        weights.write(file, {**arrays, name: arrays[name] * np.float32(1.001)})
        assert not same(this.resumed(other, found, STEPS // 2), whole), group
        file.write_bytes(kept)
    assert same(this.resumed(other, found, STEPS // 2), whole)


@pytest.mark.parametrize("backend", BACKENDS)
def test_dropout_depends_on_seed_and_step(backend: str) -> None:
    this = Run(backend)
    batch = this.batches[0]
    first, other = this.trainer(0), this.trainer(1)
    other.load(first.weights())
    loss = float(first.step(batch, 0.0))
    assert float(other.step(batch, 0.0)) != loss
    assert float(first.step(batch, 0.0)) != loss
    first.steps = 0
    assert float(first.step(batch, 0.0)) == loss


def test_another_run_is_refused(tmp_path: Path) -> None:
    arrays = {"weights": {"a": np.zeros(2, np.float32)}}
    checkpoint.save(tmp_path, 3, arrays, {"seed": 0, "batch": 4}, "spec")
    state = {"seed": 0, "batch": 4}
    found = checkpoint.to_resume(tmp_path, "spec", state, resume=True)
    assert found is not None
    assert found.step == 3
    with pytest.raises(ValueError, match="holds a run already"):
        checkpoint.to_resume(tmp_path, "spec", state, resume=False)
    with pytest.raises(ValueError, match="another spec: choose"):
        checkpoint.to_resume(tmp_path, "other", state, resume=True)
    with pytest.raises(ValueError, match="another seed: 0, and not 1"):
        checkpoint.to_resume(tmp_path, "spec", {**state, "seed": 1}, resume=True)
    one, two = (f"width: 16\nsteps:\n  - adamw: {{lr: {rate}}}\n" for rate in ("1e-2", "1e-3"))
    checkpoint.save(tmp_path, 4, arrays, {**state, "spec": one}, "one")
    with pytest.raises(ValueError, match=r"-  - adamw: {lr: 1e-2}\n  \+  - adamw: {lr: 1e-3}\n"):
        checkpoint.to_resume(tmp_path, "two", {**state, "spec": two}, resume=True)
    shutil.rmtree(tmp_path)
    assert checkpoint.to_resume(tmp_path, "spec", state, resume=True) is None
