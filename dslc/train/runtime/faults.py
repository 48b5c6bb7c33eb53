"""Where a loss that is no number comes from: its step is done once more, and every layer watched.

Nothing is watched before that, so that a run pays nothing for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Sight:
    """What a layer took or gave in the order of the computation.

    Attributes:
        layer: its path.
        given: whether it is what the layer gave; else what it took.
        nan: whether there are numbers in it that are none.
        infinite: whether there are infinite ones.
        rows: where its first axis is the batch, the rows with such numbers.
    """

    layer: str
    given: bool
    nan: bool
    infinite: bool
    rows: tuple[int, ...] = ()


def sight(layer: str, given: bool, arrays: Sequence[Array], batch: int) -> Sight:
    """What stands in the arrays that a layer took or gave."""
    floats = [array for array in arrays if array.dtype.kind == "f"]
    rows: set[int] = set()
    for array in floats:
        if array.ndim and len(array) == batch:
            wrong = ~np.isfinite(array.reshape(batch, -1)).all(1)
            rows |= set(np.flatnonzero(wrong).tolist())
    nan = any(np.isnan(array).any() for array in floats)
    infinite = any(np.isinf(array).any() for array in floats)
    return Sight(layer, given, nan, infinite, tuple(sorted(rows)))


def describe(seen: Sequence[Sight], batch: int) -> str:
    """The layer where a number that is none first appears, as a part of a sentence."""
    wrong = [item for item in seen if item.nan or item.infinite]
    if not wrong:
        return "every layer gives finite numbers: it comes from what is computed of them"
    first = wrong[0]
    text = f"{_kind(first)} first appears in {_place(first)}{_rows(first, batch)}"
    later = next((item for item in wrong if item.nan), None)
    if later is not None and not first.nan:
        text += f", and nan in {_place(later)}{_rows(later, batch)}"
    return text


def first_fault(trainer: Any, compute: Callable[[], Sequence[Sight]], batch: int) -> str:
    """Where a step goes wrong: in a weight that is none before it, or in a layer.

    Args:
        trainer: the trainer before the step.
        compute: does the step and says what the layers took and gave.
        batch: rows of the step.
    """
    weights: dict[str, Array] = trainer.weights()
    broken = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        return f"the step before it made `{broken[-1]}`{more} no number: its gradient was none"
    return describe(compute(), batch)


def listed(rows: Sequence[int], most: int = 32) -> str:
    """Row numbers as text, not all where there are many."""
    shown = ", ".join(map(str, rows[:most]))
    return f"{shown} and {len(rows) - most} more" if len(rows) > most else shown


def _kind(item: Sight) -> str:
    return "nan" if item.nan else "inf"


def _place(item: Sight) -> str:
    where = f"`{item.layer}`" if item.layer else "the model"
    return f"the output of {where}" if item.given else f"the input of {where}"


def _rows(item: Sight, batch: int) -> str:
    if not item.rows or len(item.rows) == batch:
        return ""
    return f" (its row{'s' if len(item.rows) > 1 else ''} {listed(item.rows)})"
