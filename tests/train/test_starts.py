"""A run that starts from a file of another model: its names, a fused projection, a turned matrix, a new head."""

from argparse import Namespace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from dslc.passes.pipeline import check_file
from dslc.tools.backends import project
from dslc.train.runtime import weights
from dslc.train.steps import as_read, load_script
from dslc.weights.starting import starting_weights
from tests.train.projects import BACKENDS, SPECS, batches, checked

WEIGHTS = """
weights:
  file: before.safetensors
  rename:
    "body.attn.*": {to: [attention.query.*, attention.key.*, attention.value.*], split: 0}
    "body.proj.*": attention.out.*
    "fc.*": first.*
  transpose: [fc.weight]
  new: ["head.**"]
  drop: ["classifier.**"]
"""
PARTS = ("query", "key", "value")
LORA = "  lora:"
Arrays = dict[str, np.ndarray]


def before() -> Arrays:
    """The weights that the run is to start from, under their names in the model."""
    found = starting_weights(checked("adapted").weights(), 5)
    return {name: array for name, array in found.items() if not name.startswith("head.")}


def elsewhere(given: Arrays) -> Arrays:
    """The same as another library keeps them."""
    found: Arrays = {"classifier.weight": np.ones((7, 32), np.float32)}
    for kind in ("weight", "bias"):
        parts = [given[f"attention.{part}.{kind}"] for part in PARTS]
        found[f"body.attn.{kind}"] = np.concatenate(parts)
        found[f"body.proj.{kind}"] = given[f"attention.out.{kind}"]
    found["fc.weight"] = np.ascontiguousarray(given["first.weight"].T)
    found["fc.bias"] = given["first.bias"]
    rest = {name: given[name] for name in given if name.startswith(("stem", "batch_norm"))}
    return found | rest


@cache
def started(backend: str, *, adapts: bool) -> tuple[Arrays, list[float]]:
    """The weights that a run begins with, and the losses of three steps."""
    lines = (SPECS / "adapted.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if adapts or not line.startswith(LORA))
    with TemporaryDirectory() as name:
        folder = Path(name)
        weights.write(folder / "before.safetensors", elsewhere(before()))
        (folder / "net.yaml").write_text(text + WEIGHTS, encoding="utf-8")
        files = project(backend, check_file(str(folder / "net.yaml")))
        script: Any = load_script(files)
        script.START = folder / "start.safetensors"
        script.START.write_bytes(files["start.safetensors"])
        trainer = script.begin(Namespace(seed=0, device="cpu", output=folder), None)
    found = {name: np.array(array) for name, array in trainer.weights().items()}
    rows = [as_read(script, batch) for batch in batches("adapted", 3)]
    return found, [float(trainer.step(batch, script.LEARNING_RATE)) for batch in rows]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("adapts", [False, True])
def test_a_run_starts_from_a_strangers_file(backend: str, adapts: bool) -> None:
    begun, losses = started(backend, adapts=adapts)
    for name, array in before().items():
        np.testing.assert_array_equal(begun[name], array, err_msg=name)
    reference, expected = started("torch", adapts=adapts)
    np.testing.assert_array_equal(begun["head.weight"], reference["head.weight"])
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
