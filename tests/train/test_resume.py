"""A run that was killed and resumed ends on the same bits as one that was not."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dslc.train.runtime import checkpoint, weights
from dslc.train.steps import as_read, load_script
from tests.train.projects import BACKENDS, batches, environment, project, run, write_project

STEPS = 6
Arrays = dict[str, np.ndarray]


def test_a_killed_run_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project", "digits", "torch")
    command = [sys.executable, "train.py", "--device", "cpu", "--epochs", "4", "-o"]
    whole = subprocess.Popen([*command, "whole"], cwd=folder, env=environment())
    broken = subprocess.Popen([*command, "broken"], cwd=folder, env=environment())
    wait_for(folder / "broken" / "checkpoints" / "step-00000044", broken)
    time.sleep(0.1)
    broken.send_signal(signal.SIGKILL)
    broken.wait()
    assert not (folder / "broken" / "weights.safetensors").exists()
    refused = run(folder, "--epochs", "4", "-o", str(folder / "broken"))
    assert refused.returncode == 1
    assert "holds a run already" in refused.stderr
    done = run(folder, "--epochs", "4", "--resume", "-o", str(folder / "broken"))
    assert done.returncode == 0, done.stderr
    assert whole.wait() == 0
    for name in ("weights.safetensors", "metrics.jsonl", "metrics.csv"):
        assert (folder / "whole" / name).read_bytes() == (folder / "broken" / name).read_bytes()
    text = (folder / "whole" / "metrics.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert len([row for row in rows if "loss" in row]) == 88
    assert rows[-1]["held_out_accuracy"] > 0.95


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Waits until something is there, as long as a process that makes it lives."""
    until = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < until
        time.sleep(0.02)


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
    with pytest.raises(ValueError, match="another spec"):
        checkpoint.to_resume(tmp_path, "other", state, resume=True)
    with pytest.raises(ValueError, match="another seed: 0, and not 1"):
        checkpoint.to_resume(tmp_path, "spec", {**state, "seed": 1}, resume=True)
    shutil.rmtree(tmp_path)
    assert checkpoint.to_resume(tmp_path, "spec", state, resume=True) is None
