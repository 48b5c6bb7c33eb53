"""What the training rows alone say, and what is done with it."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dslc.train.runtime.data_disk import Array, chunks

Learned = dict[str, Any]


def statistics(column: Any) -> dict[str, list[float]]:
    """Mean and deviation of a column for each feature (axis 1)."""
    count, total = 0, 0.0
    for rows in chunks(column):
        total = total + rows.sum(_other_axes(rows), np.float64)
        count += rows.size // (rows.shape[1] if rows.ndim > 1 else 1)
    mean: Any = total / count
    squares = 0.0
    for rows in chunks(column):
        squares = squares + np.square(rows - wide(mean, rows)).sum(_other_axes(rows), np.float64)
    std = np.sqrt(squares / count)
    std = np.where(std > 0, std, 1.0)  # a feature that never changes becomes zero
    found = {"mean": mean, "std": std}
    return {name: np.float32(value).reshape(-1).tolist() for name, value in found.items()}


def _other_axes(rows: Array) -> tuple[int, ...]:
    return tuple(axis for axis in range(rows.ndim) if axis != 1)


def wide(values: Any, rows: Array) -> Array:
    """A value for each feature, so that it meets axis 1 of rows."""
    return np.reshape(values, (-1, *[1] * (rows.ndim - 2)) if rows.ndim > 1 else (1,))


def normalised(rows: Array, mean: Sequence[float], std: Sequence[float]) -> Array:
    """Rows less a mean, divided by a deviation."""
    center, width = (wide(np.array(part, np.float32), rows) for part in (mean, std))
    return (rows - center) / width


def class_weights(labels: Array, classes: int) -> list[float]:
    """A weight for each class, so that all count the same together and the mean weight is 1."""
    counts = np.bincount(np.concatenate([*chunks(labels)]), minlength=classes)
    there = np.count_nonzero(counts)
    weights = counts.sum() / (there * np.maximum(counts, 1.0))
    return np.where(counts > 0, weights, 1.0).astype(np.float32).tolist()


def weights_of(labels: Array, weights: Sequence[float]) -> Array:
    """The weight of each row's class."""
    return np.array(weights, np.float32)[labels]


def one_hot(labels: Array, classes: int) -> Array:
    """Class numbers as rows of zeros with a one."""
    return np.eye(classes, dtype=np.float32)[labels]


def write_learned(path: Path, learned: Learned) -> None:
    """Keeps what was learned beside the run, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.tmp")
    beside.write_text(json.dumps(learned, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(beside, path)


def read_learned(path: Path) -> Learned:
    """What a run learned from its training rows."""
    try:
        found: Learned = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not what a run has learned: {error}") from None
    return found
