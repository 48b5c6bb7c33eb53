"""Training steps of every backend from the same weights and batches, loss by loss.

The reference is PyTorch as it trains, in float32: losses of well-conditioned nets agree within 1e-6
over ten steps. How far rounding alone parts two runs is measured by running PyTorch again from
weights whose last digit is another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.emit.backend import BuildError
from dslc.passes.determine import without_chance
from dslc.tools.verify_figures import TRAINING, distance, largest, slack_of
from dslc.tools.verify_inputs import ceilings, draw_inputs, floors
from dslc.tools.verify_sizes import settings
from dslc.weights.starting import starting_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from dslc.ir.dims import DimLike
    from dslc.passes.pipeline import Checked
    from dslc.tools.verify import Comparison
    from dslc.tools.verify_report import Compared

    Arrays = Mapping[str, NDArray[Any]]
    Steps = Callable[[Arrays], NDArray[Any]]

ROWS = 17


def compare_training(
    comparison: Comparison, backends: Sequence[Any], results: Sequence[Compared], steps: int
) -> None:
    """Adds the difference of the losses to each backend that trains.

    Raises:
        BuildError: The spec has no `train` section.
    """
    checked = comparison.checked
    checked = checked if checked.program.deterministic else without_chance(checked)
    batches = draw_batches(checked, steps, comparison.seed)
    weights = with_training(checked, comparison)
    labels = labels_of(checked, steps)
    expected = losses_of(comparison.judge, checked, batches, steps)(weights)

    def noise() -> float:
        other = losses_of(comparison.judge, checked, batches, steps)(nudged(weights))
        return distance(other, expected, largest(expected), "").max_rel

    assert checked.train is not None
    tolerance = TRAINING * slack_of([checked.train.run.precision])

    def work(backend: Any, result: Compared) -> None:
        found = losses_of(backend, checked, batches, steps, comparison.device)(weights)
        for label, loss, wanted in zip(labels, found, expected, strict=True):
            difference = distance(loss[None], wanted[None], abs(float(wanted)), label)
            result.train.append(difference.allow(tolerance, noise))

    for backend, result in zip(backends, results, strict=True):
        if hasattr(backend, "train_steps"):
            comparison.guarded(result, lambda b=backend, r=result: work(b, r))


def labels_of(checked: Checked, steps: int) -> list[str]:
    """What each loss is called: its step, and its phase where there are several."""
    assert checked.train is not None
    return [
        f"step {step}, {phase.name}" if phase.name else f"step {step}"
        for step in range(steps)
        for phase in checked.train.phases
        if (step + 1) % phase.every == 0
    ]


def with_training(checked: Checked, comparison: Comparison) -> dict[str, NDArray[np.float32]]:
    """The weights that are compared, with the initial ones of what exists in training only."""
    assert checked.train is not None
    infos = checked.train.weights()
    return {**starting_weights(infos, comparison.seed), **comparison.weights}


def losses_of(
    backend: Any, checked: Checked, batches: Sequence[Arrays], steps: int, device: str = "cpu"
) -> Steps:
    """A backend's losses as a function of the weights that it starts from."""

    def run(weights: Arrays) -> NDArray[Any]:
        losses, _ = backend.train_steps(checked, weights, batches, steps, device)
        return np.asarray(losses, np.float64)

    return run


def draw_batches(checked: Checked, steps: int, seed: int) -> list[dict[str, NDArray[Any]]]:
    """A batch for each step, of the columns that the training graph reads."""
    training = checked.train
    if training is None:
        raise BuildError("the spec has no `train` section, so there are no steps to compare")
    types = {name: column.type for name, column in training.columns.items()}
    sizes = settings(types, checked.facts, rows=ROWS, count=1)[0]
    below: dict[str, tuple[DimLike, ...]] = {}
    least: dict[str, int] = {}
    for phase in training.phases:
        for name, sizes_above in ceilings(phase.instance).items():
            below[name] = (*below.get(name, ()), *sizes_above)
        for name, start in floors(phase.instance).items():
            least[name] = max(start, least.get(name, 0))
    return [draw_inputs(types, below, sizes, seed + step, least) for step in range(steps)]


def nudged(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Weights whose last digit is another; what is zero stays zero."""
    return {
        name: np.where(array == 0, array, np.nextafter(array, np.float32(np.inf)))
        for name, array in weights.items()
    }
