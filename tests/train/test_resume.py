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
    rows = [json.loads(line) for line in (folder / "whole" / "metrics.jsonl").open()]
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
    """A run of a generated trainer in this process, with dropout and a moment for each weight."""

    def __init__(self, backend: str, folder: Path) -> None:
        self.script = load_script(project("shift", backend))
        self.batches = [as_read(self.script, batch) for batch in batches("shift", STEPS)]
        self.folder = folder

    def trained(self, trainer: Any, first: int, last: int) -> list[float]:
        """The losses of some steps."""
        return [float(trainer.step(batch, 0.01)) for batch in self.batches[first:last]]

    def unbroken(self) -> tuple[list[float], Arrays]:
        trainer = self.script.Trainer(0, "cpu")
        return self.trained(trainer, 0, STEPS), copied(trainer)

    def saved(self) -> checkpoint.Checkpoint:
        """A checkpoint after half of the steps."""
        trainer = self.script.Trainer(0, "cpu")
        self.trained(trainer, 0, STEPS // 2)
        groups = {"weights": trainer.weights(), "optimizer": trainer.moments()}
        checkpoint.save(self.folder, STEPS // 2, groups, {"seed": 0}, "spec")
        found = checkpoint.newest(self.folder)
        assert found is not None
        return found

    def resumed(self, found: checkpoint.Checkpoint, first: int) -> tuple[list[float], Arrays]:
        trainer = self.script.Trainer(0, "cpu")
        trainer.restore(found)
        return self.trained(trainer, first, first + STEPS // 2), copied(trainer)


def copied(trainer: Any) -> Arrays:
    return {name: np.array(array) for name, array in trainer.weights().items()}


def same(left: Arrays, right: Arrays) -> bool:
    return all((left[name] == right[name]).all() for name in left)


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_missing_from_a_checkpoint(backend: str, tmp_path: Path) -> None:
    this = Run(backend, tmp_path)
    losses, whole = this.unbroken()
    found = this.saved()
    rest, resumed = this.resumed(found, STEPS // 2)
    assert rest == losses[STEPS // 2 :]
    assert same(resumed, whole)

    assert not same(this.resumed(found, 0)[1], whole), "the position in the data"
    elsewhere = checkpoint.Checkpoint(found.path, 0, found.spec, found.state)
    assert not same(this.resumed(elsewhere, STEPS // 2)[1], whole), "the number of the step"
    for group in ("weights", "optimizer"):
        file = found.path / f"{group}.safetensors"
        kept = file.read_bytes()
        arrays = weights.read(file)
        name = next(name for name in arrays if name.endswith("wte.weight"))
        weights.write(file, {**arrays, name: arrays[name] * np.float32(1.001)})
        assert not same(this.resumed(found, STEPS // 2)[1], whole), group
        file.write_bytes(kept)


@pytest.mark.parametrize("backend", BACKENDS)
def test_dropout_depends_on_seed_and_step(backend: str) -> None:
    script = load_script(project("shift", backend))
    batch = as_read(script, batches("shift", 1)[0])
    first, again, other = (script.Trainer(seed, "cpu") for seed in (0, 0, 1))
    other.load(first.weights())
    losses = [float(trainer.step(batch, 0.0)) for trainer in (first, again, other)]
    assert losses[0] == losses[1] != losses[2]
    assert float(first.step(batch, 0.0)) != losses[0]


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
