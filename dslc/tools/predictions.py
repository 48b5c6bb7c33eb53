"""What a trained model gives for the rows of some data, and the files that this is written to."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.emit.script import DTYPES
from dslc.tools.backends import find_backend
from dslc.tools.prediction_changed import changes_of, load_changed
from dslc.tools.prediction_data import load
from dslc.train.runtime.data import Column
from dslc.train.runtime.weights import read

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from dslc.passes.pipeline import Checked

    Arrays = dict[str, NDArray[Any]]


class PredictionError(ValueError):
    """The data do not fit the model; the message says where."""


def read_inputs(checked: Checked, path: str, folder: Path) -> Arrays:
    """The columns that a model takes, under the names that training has for them.

    Args:
        checked: The model.
        path: The data.
        folder: The run's.

    Raises:
        PredictionError: The file cannot be read, or a column is missing or of another type.
    """
    train = (checked.whole or checked).train
    known = {} if train is None else train.columns
    columns: dict[str, Column] = {}
    for name, type in checked.instance.inputs.items():
        shape = tuple(size if isinstance(size, int) else None for size in type.shape[1:])
        column = known.get(name)
        source, below = (name, None) if column is None else (column.source, column.below)
        columns[name] = Column(source, DTYPES[type.dtype], shape, below)
    try:
        if train is not None and changes_of(train.data, checked.instance.inputs):
            return load_changed(train, checked.instance.inputs, path, folder)
        return load(path, columns)
    except (OSError, ValueError) as error:
        raise PredictionError(str(error)) from None


def predict(
    checked: Checked, backend: str, weights: str, inputs: Arrays, options: Namespace
) -> Arrays:
    """The outputs by name, computed some rows at a time.

    Args:
        checked: The model.
        backend: Whose code computes.
        weights: A safetensors file with at least the model's weights.
        inputs: Columns of equal length by the model's names.
        options: `batch`, the rows at a time, and `device`.

    Raises:
        PredictionError: An output has no row for each row of data, and there are several batches.
        ValueError: The weights are not the model's.
    """
    driver = find_backend(backend).driver(checked, device=options.device)
    arrays = read(weights)
    names = [info.path for info in checked.weights() if info.tied is None]
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"{weights}: there is no `{missing[0]}`, which the model has")
    driver.load({name: arrays[name] for name in names})
    count = len(next(iter(inputs.values())))
    parts: dict[str, list[Any]] = {}
    for start in range(0, count, options.batch):
        rows = slice(start, start + options.batch)
        size = len(range(count)[rows])
        for name, array in driver.forward({k: v[rows] for k, v in inputs.items()}).items():
            if size < count and (array.ndim == 0 or len(array) != size):
                hint = f"`--batch {count}` computes all rows at once"
                raise PredictionError(f"the output `{name}` has no row for each of data: {hint}")
            parts.setdefault(name, []).append(array)
    return {
        name: np.concatenate(found) if len(found) > 1 else found[0] for name, found in parts.items()
    }


def encoded(outputs: Mapping[str, Any], kind: str) -> bytes:
    """Outputs as the bytes of a file; tables have a column for each number of a row.

    Raises:
        PredictionError: A table cannot hold them, as they differ in rows.
    """
    if kind == ".npz":
        whole = io.BytesIO()
        np.savez(whole, **outputs)
        return whole.getvalue()
    columns = flattened(outputs)
    if kind == ".csv":
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(zip(*(map(str, column) for column in columns.values()), strict=True))
        return text.getvalue().encode()
    from importlib import import_module

    table = import_module("pyarrow").table(columns)
    whole = io.BytesIO()
    import_module("pyarrow.parquet").write_table(table, whole)
    return whole.getvalue()


def flattened(outputs: Mapping[str, Any]) -> Arrays:
    """Columns of numbers: an output of several a row has `name.0`, `name.1` and so on."""
    counts = {name: len(array) if array.ndim else None for name, array in outputs.items()}
    if len(set(counts.values())) > 1 or None in counts.values():
        raise PredictionError(f"a table needs outputs of equal rows: {counts}; write a .npz")
    columns: Arrays = {}
    for name, array in outputs.items():
        if array.ndim == 1:
            columns[name] = array
            continue
        wide = array.reshape(len(array), -1)
        columns |= {f"{name}.{k}": wide[:, k] for k in range(wide.shape[1])}
    return columns
