"""Steps of a generated `train.py` in this process: the code that people get, on given batches."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from types import ModuleType

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]


def train_steps(
    files: Mapping[str, str | bytes],
    weights: Arrays,
    batches: Sequence[Arrays],
    steps: int,
    device: str = "cpu",
) -> tuple[list[float], dict[str, NDArray[Any]]]:
    """Trains on batches, again from the first one where there are fewer than steps.

    Args:
        files: A generated project.
        weights: The weights to start from, by their portable names.
        batches: Columns by name, in the spec's layout.
        steps: How many steps; the schedule is that of a run of so many, and so are its epochs.
        device: What computes them, as `train.py --device` names it.

    Returns:
        The loss of each step's batch before the step, of each phase that it has, one after the
        other, and the weights after the last one.
    """
    script = load_script(files)
    trainer = script.Trainer(0, device)
    trainer.load(weights)
    losses: list[float] = []
    epoch = -1
    with importable(script):
        for step in range(steps):
            if hasattr(trainer, "thaw") and step * script.EPOCHS // steps > epoch:
                epoch = step * script.EPOCHS // steps
                trainer.thaw(epoch)
            batch = as_read(script, batches[step % len(batches)])
            found: Any = trainer.step(batch, rate_of(script, step, steps))
            losses += map(float, found.values() if hasattr(script, "make_phases") else [found])
    after = trainer.adapted_weights if hasattr(script, "LORA") else trainer.weights
    return losses, {name: np.array(array) for name, array in after().items()}


def rate_of(script: ModuleType, step: int, steps: int) -> Any:
    """What the optimisers of a script take as their rates at a step."""
    for name in ("learning_rates", "learning_rate"):
        if hasattr(script, name):
            return getattr(script, name)(step, steps)
    return getattr(script, "LEARNING_RATES", None) or script.LEARNING_RATE


def as_read(script: ModuleType, batch: Arrays) -> dict[str, NDArray[Any]]:
    """A batch as the script itself would have made it of what it read."""
    arrays = {name: as_column(array, script.COLUMNS.get(name)) for name, array in batch.items()}
    return script.to_native(arrays) if hasattr(script, "to_native") else arrays


def as_column(array: NDArray[Any], column: Any) -> NDArray[Any]:
    """An array in a column's dtype, unless transforms make another kind of what is read."""
    kinds = {"b": "b", "i": "i", "u": "i", "f": "f"}
    found = np.asarray(array, order="C")
    if column is None or column.dtype in ("str", "tokens"):
        return found
    dtype = np.dtype(column.dtype)
    return found.astype(dtype) if kinds[dtype.kind] == kinds[found.dtype.kind] else found


def load_script(files: Mapping[str, str | bytes]) -> ModuleType:
    """Imports the `train.py` of a project; its modules stay apart from those of other projects."""
    folder = Path(tempfile.mkdtemp(prefix="dslc-project-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    local = [name.removesuffix(".py") for name in files if name.endswith(".py")]
    others = {name: sys.modules.pop(name) for name in local if name in sys.modules}
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        script = importlib.import_module("train")
        modules = {name: sys.modules[name] for name in local if name in sys.modules}
        script.__dict__["MODULES"] = modules
        return script
    finally:
        sys.path.remove(str(folder))
        for name in local:
            sys.modules.pop(name, None)
        sys.modules.update(others)


@contextlib.contextmanager
def importable(script: ModuleType) -> Generator[None]:
    """Has a project's own modules under their names, where a compiler of Python looks for them."""
    others = {name: sys.modules.pop(name) for name in script.MODULES if name in sys.modules}
    sys.modules.update(script.MODULES)
    try:
        yield
    finally:
        for name in script.MODULES:
            sys.modules.pop(name, None)
        sys.modules.update(others)
