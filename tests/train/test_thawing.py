"""What a checkpoint keeps of weights that thaw, and of a loss that is scaled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dslc.train.runtime import checkpoint
from dslc.train.steps import as_read, load_script
from tests.train.projects import BACKENDS, batches, project

STEPS = 4


def moved(script: Any, trainer: Any, name: str, first: int, last: int) -> list[float]:
    """The losses of some steps of a run of two epochs."""
    losses: list[float] = []
    for step in range(first, last):
        if hasattr(trainer, "thaw") and (step == first or step == STEPS // 2):
            trainer.thaw(2 * step // STEPS)
        batch = as_read(script, batches(name, STEPS)[step])
        losses.append(float(trainer.step(batch, script.LEARNING_RATE)))
    return losses


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["thawed", "scaled"])
def test_a_run_goes_on_in_an_epoch_in_which_weights_have_thawed(
    name: str, backend: str, tmp_path: Path
) -> None:
    script = load_script(project(name, backend))
    made = script.Trainer(0, "cpu")
    moved(script, made, name, 0, 3)
    checkpoint.save(tmp_path, 3, script.kept_of(made), {}, "spec")
    losses = moved(script, made, name, 3, STEPS)
    other = script.Trainer(1, "cpu")
    found = checkpoint.newest(tmp_path)
    other.restore(found)
    assert moved(script, other, name, 3, STEPS) == losses
    left, right = made.weights(), other.weights()
    assert all((np.array(left[path]) == np.array(right[path])).all() for path in left)
    if name == "scaled":
        leaves_out_what_is_not_finite(script, other, tmp_path)


def leaves_out_what_is_not_finite(script: Any, trainer: Any, folder: Path) -> None:
    """A step whose scaled gradients are not finite moves nothing, and the next scale is half."""
    groups = script.kept_of(trainer)
    groups["scaling"] = {**groups["scaling"], "scale": np.array(2.0**120, np.float32)}
    checkpoint.save(folder, STEPS, groups, {}, "spec")
    trainer.restore(checkpoint.newest(folder))
    before = {path: np.array(array) for path, array in trainer.weights().items()}
    moved(script, trainer, "scaled", 0, 1)
    assert all((np.array(a) == before[path]).all() for path, a in trainer.weights().items())
    assert float(trainer.scaling()["scale"]) == 2.0**119
