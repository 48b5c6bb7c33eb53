"""A loss that is no number ends a run, which names the layer, the rows and what to do."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from dslc.train.runtime.checkpoint import newest
from dslc.train.runtime.progress import NoNumberError
from dslc.train.steps import load_script
from tests.train.projects import BACKENDS, environment, project, run, write_project


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_layer_and_the_rows_are_named(backend: str, tmp_path: Path) -> None:
    script = load_script(project("faulty", backend))
    called = argparse.Namespace(output=tmp_path, seed=0, device="cpu", epochs=1)
    whole = script.load_rows(script.DATA)
    training, _ = script.split(whole, script.HELD_OUT, script.SPLIT_SEED)
    batches = script.Batches(training, script.BATCH, 0)
    fault = NoNumberError("`loss` is nan", 1, in_step=True)
    found = script.locate(fault, called, batches)
    batch = next(batches.epoch(0))["features"]
    rows = [int((whole["features"] == row).all(1).argmax()) for row in batch]
    place = "nan first appears in the input of `head.last`"
    assert found == f"{place}; its batch is of rows {str(rows)[1:-1]}"
    after = NoNumberError("`held_out_loss` is nan", 1, in_step=False)
    assert "its gradient was none" in script.locate(after, called, batches)


def test_a_run_ends_with_one_line(tmp_path: Path) -> None:
    folder = write_project(tmp_path, "faulty", "torch")
    done = run(folder)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("train.py: `loss` is nan at step 1 of 8, in epoch 0: nan first appears")
    assert "try a smaller learning rate" in line
    assert newest(folder / "checkpoints") is None


def test_a_full_disk_ends_a_run_with_one_line_and_a_whole_checkpoint(tmp_path: Path) -> None:
    folder = write_project(tmp_path, "frozen", "torch")
    assert run(folder).returncode == 0
    before = newest(folder / "checkpoints")
    assert before is not None

    script = f"ulimit -f 2; exec {sys.executable} train.py --device cpu --resume --epochs 2"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stderr.splitlines()[-1].endswith("--resume goes on from it")
    after = newest(folder / "checkpoints")
    assert after is not None
    assert after.step == before.step
