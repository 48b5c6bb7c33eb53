"""The examples, in small: each reads its own data and its loss falls over a few steps."""

import shutil
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from dslc.passes.pipeline import check_file
from dslc.tools.backends import project
from dslc.train.runtime import weights
from dslc.train.steps import load_script, rate_of

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = 6


def few_steps(path: Path, folder: Path, backend: str = "torch") -> Any:
    """A trainer after some steps on one batch, by which the loss has fallen."""
    checked = check_file(str(path))
    assert checked.train is not None
    script = load_script(project(backend, checked))
    source = checked.train.data.source
    place = str(path.parent / source) if checked.train.data.is_path else source
    if hasattr(script, "learned_rows"):
        training, _ = script.learned_rows(Namespace(data=place, output=folder))
    else:
        training = script.load_rows(place)
    batches = script.Batches(training, script.BATCH, 0)
    trainer = script.Trainer(0, "cpu")
    batch = next(iter(batches.epoch(0)))
    losses = [float(trainer.step(batch, rate_of(script, k + 60, 200))) for k in range(STEPS)]
    assert losses[-1] < losses[0]
    return trainer


@pytest.mark.parametrize("name", ["gpt", "ratings", "sentiment", "vae"])
def test_its_loss_falls(name: str, tmp_path: Path) -> None:
    few_steps(EXAMPLES / name / "net.yaml", tmp_path)


def test_what_was_pre_trained_is_tuned(tmp_path: Path) -> None:
    folder = tmp_path / "masked"
    shutil.copytree(EXAMPLES / "masked", folder)
    before = few_steps(folder / "pretrain.yaml", tmp_path).weights()
    weights.write(folder / "pretrained.safetensors", before)
    files = project("torch", check_file(str(folder / "finetune.yaml")))
    (tmp_path / "start.safetensors").write_bytes(bytes(files["start.safetensors"]))
    start = weights.read(tmp_path / "start.safetensors")
    assert {name.partition(".")[0] for name in start} >= {"words", "layer", "norm"}
    assert all((before[name] == array).all() for name, array in start.items() if name in before)
    few_steps(folder / "finetune.yaml", tmp_path)
