"""Data: loading it with its types checked, splitting it, and reading it in a repeatable order.

The order depends on a seed alone: step k of an epoch takes the k-th batch of that epoch's
permutation, and with several processes each takes its own contiguous slice of it. So every
framework, and every number of devices, sees the same batches, and a position is two numbers
that a checkpoint can hold. The split has a seed of its own: training with another seed never
moves a row from one side to the other.
"""

import csv
import hashlib
import importlib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = dict[str, Array]

BUILT_IN = ("digits", "wine", "breast_cancer", "iris", "diabetes")  # scikit-learn's, no network


@dataclass(frozen=True)
class Column:
    """What one input of the model or the loss takes from the data.

    Attributes:
        source: the column of the data; of a table also several, side by side.
        dtype: a NumPy dtype, such as `float32` or `int64`.
        shape: the shape of one row; None where any size is right.
        below: for class numbers and ids, how many there are.
    """

    source: str | tuple[str, ...]
    dtype: str
    shape: tuple[int | None, ...] = ()
    below: int | None = None


def load(source: str, columns: Mapping[str, Column]) -> Arrays:
    """Loads data and checks it against the types that the model needs.

    Args:
        source: a built-in set (`BUILT_IN`), or the path of an .npz, .npy or .csv file. An .npy
            file is one column, named after the file.
        columns: what each input takes.

    Returns:
        One array per input, all of the same number of rows.

    Raises:
        ValueError: A column is missing or of another type, or a value is impossible; names the
            source, the column and, where it can, the row (counted from 0).
        OSError: The file cannot be read.
    """
    kind = source if source in BUILT_IN else Path(source).suffix.lower()
    if kind in BUILT_IN:
        raw = _built_in(source)
    elif kind in (".npz", ".npy"):
        raw = _numpy_file(Path(source))
    elif kind == ".csv":
        raw = _csv_file(Path(source), _sources(columns))
    else:
        known = ", ".join(BUILT_IN)
        raise ValueError(f"{source}: neither a built-in set ({known}) nor .npz, .npy or .csv")
    arrays = {name: _column(source, raw, column) for name, column in columns.items()}
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"{source}: the columns differ in rows: {counts}")
    return arrays


def _sources(columns: Mapping[str, Column]) -> set[str]:
    names: set[str] = set()
    for column in columns.values():
        names.update([column.source] if isinstance(column.source, str) else column.source)
    return names


def _built_in(name: str) -> Arrays:
    datasets = importlib.import_module("sklearn.datasets")
    loaded: Any = getattr(datasets, f"load_{name}")()
    if name == "digits":
        image = (loaded.images / 16).astype(np.float32)[:, None]  # 0..16 -> 0..1, [n, 1, 8, 8]
        return {"image": image, "label": loaded.target.astype(np.int64)}
    features = loaded.data.astype(np.float32)
    if name == "diabetes":
        return {"features": features, "target": loaded.target.astype(np.float32)}
    return {"features": features, "label": loaded.target.astype(np.int64)}


def _numpy_file(path: Path) -> Arrays:
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with path.open("rb") as file:
            loaded: Any = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {path.stem: loaded}
            return {name: loaded[name] for name in loaded.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: not a whole NumPy file of plain arrays: {error}") from None


def _csv_file(path: Path, wanted: set[str]) -> Arrays:
    """The wanted columns of a table with a header, as int64 where all are whole, else float64."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, *rows = csv.reader(file, strict=True)
    except (csv.Error, ValueError) as error:
        raise ValueError(f"{path}: not a table of comma-separated values: {error}") from None
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(f"{path}: row {number} has {len(row)} fields, not {len(header)}")
    arrays: Arrays = {}
    for name in sorted(wanted.intersection(header)):
        if header.count(name) > 1:
            raise ValueError(f"{path}: has two columns {name!r}")
        index = header.index(name)
        arrays[name] = _numbers(path, name, [row[index] for row in rows])
    return arrays


def _numbers(path: Path, name: str, texts: Sequence[str]) -> Array:
    values = np.empty(len(texts), np.float64)
    for row, text in enumerate(texts):
        try:
            values[row] = float(text.replace("_", "no digit"))
        except ValueError:
            place = f"{path}: row {row} of column {name!r}"
            raise ValueError(f"{place} is no number: {text[:80]!r}") from None
    whole = bool(np.all(np.abs(values) < 2.0**53)) and bool(np.all(values == np.floor(values)))
    return values.astype(np.int64) if whole else values


def _column(source: str, raw: Arrays, column: Column) -> Array:
    """One input's array: found in the data, checked and converted."""
    names = (column.source,) if isinstance(column.source, str) else column.source
    for name in names:
        if name not in raw:
            known = ", ".join(sorted(raw)) or "none of those asked for"
            raise ValueError(f"{source}: has no column {name!r} (it has: {known})")
    parts = [raw[name] for name in names]
    array = parts[0] if isinstance(column.source, str) else np.stack(parts, axis=1)
    place = f"{source}: column {', '.join(names)}"
    shape = array.shape[1:]
    fits = len(shape) == len(column.shape) and all(
        size in (None, found) for size, found in zip(column.shape, shape, strict=True)
    )
    if array.ndim == 0 or not fits:
        expected = [("any" if size is None else size) for size in column.shape]
        raise ValueError(f"{place}: a row has shape {list(shape)}, expected {expected}")
    if len(array) == 0:
        raise ValueError(f"{place}: has no rows")
    _check_values(place, array, column)
    return np.ascontiguousarray(array, dtype=column.dtype)


def _check_values(place: str, array: Array, column: Column) -> None:
    expected = np.dtype(column.dtype)
    ranks = {"b": 0, "u": 1, "i": 1, "f": 2}
    if array.dtype.kind not in ranks or ranks[array.dtype.kind] > ranks[expected.kind]:
        raise ValueError(f"{place}: is {array.dtype}, expected {expected}")
    if array.dtype.kind == "f":
        _refuse(place, array, ~np.isfinite(array), "is not finite")
        if expected.kind == "f":
            too_large = np.abs(array) > float(np.finfo(expected).max)
            _refuse(place, array, too_large, f"is no {expected}")
    if expected.kind in "iu":
        limits = np.iinfo(expected)
        _refuse(place, array, (array < limits.min) | (array > limits.max), f"is no {expected}")
    if column.below is not None:
        wrong = (array < 0) | (array >= column.below)
        _refuse(place, array, wrong, f"is not in 0..{column.below - 1}")


def _refuse(place: str, array: Array, wrong: Array, why: str) -> None:
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{place}: row {index[0]} {why}: {array[index]}")


def split(
    arrays: Arrays, fraction: float, seed: int = 0, stratify: str | None = None
) -> tuple[Arrays, Arrays]:
    """Holds a fixed part of the rows out of training.

    Args:
        arrays: columns of equal length.
        fraction: the share of rows to hold out.
        seed: of the split alone; keep it when the training seed changes.
        stratify: a column whose values keep their shares on both sides, such as the label.

    Returns:
        The rows to train on and those held out, both in the order of the data.
    """
    held = held_out_rows(arrays, fraction, seed, stratify)
    return take(arrays, np.flatnonzero(~held)), take(arrays, np.flatnonzero(held))


def held_out_rows(
    arrays: Arrays, fraction: float, seed: int = 0, stratify: str | None = None
) -> NDArray[np.bool_]:
    """Which rows `split` holds out."""
    count = _rows(arrays)
    keys = random_keys(count, seed, "split")
    groups = np.zeros(count, np.int64)
    if stratify is not None:
        groups = np.unique(arrays[stratify], return_inverse=True)[1].reshape(-1)
    held = np.zeros(count, np.bool_)
    for group in range(int(groups.max()) + 1):
        rows = np.flatnonzero(groups == group)
        chosen = np.argsort(keys[rows], kind="stable")[: int(len(rows) * fraction + 0.5)]
        held[rows[chosen]] = True
    if held.all() or not held.any():
        raise ValueError(f"holding out {fraction} of {count} rows leaves one side empty")
    return held


def take(arrays: Arrays, rows: Array) -> Arrays:
    """The given rows of every column."""
    return {name: array[rows] for name, array in arrays.items()}


def random_keys(count: int, seed: int, use: str) -> NDArray[np.uint64]:
    """Raw 64-bit random numbers, the same on every machine, from a stream of their own."""
    digest = hashlib.sha256(f"{seed}\n{use}".encode()).digest()
    bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))
    return bits.random_raw(count)


class Batches:
    """Training batches in an order that depends on the seed alone; the last partial one is left.

    Args:
        arrays: columns of equal length.
        batch: rows of a step, over all processes together.
        seed: of the order.
        process: which of the processes this is; it gets its slice of every batch.
        processes: how many there are.
    """

    def __init__(
        self, arrays: Arrays, batch: int, seed: int, process: int = 0, processes: int = 1
    ) -> None:
        self.arrays = arrays
        self.batch = batch
        self.seed = seed
        self.count = _rows(arrays)
        self.steps = self.count // batch  # in an epoch
        if not 1 <= batch <= self.count:
            raise ValueError(f"a batch of {batch} does not fit {self.count} rows")
        if batch % processes:
            raise ValueError(f"a batch of {batch} cannot be shared by {processes} processes")
        share = batch // processes
        self._mine = slice(process * share, (process + 1) * share)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Arrays]:
        """The batches of an epoch, from a step on: to resume, pass the step that comes next."""
        order = self._order(epoch)
        for step in range(start, self.steps):
            rows = order[step * self.batch : (step + 1) * self.batch]
            yield take(self.arrays, rows[self._mine])

    def rows(self, step: int) -> NDArray[np.int64]:
        """The rows of a step, counted from the beginning of the run."""
        epoch, step = divmod(step, self.steps)
        return self._order(epoch)[step * self.batch : (step + 1) * self.batch]

    def _order(self, epoch: int) -> NDArray[np.int64]:
        keys = random_keys(self.count, self.seed, f"epoch {epoch}")
        return np.argsort(keys, kind="stable")


def evaluation_batches(arrays: Arrays, batch: int) -> Iterator[tuple[Arrays, NDArray[np.bool_]]]:
    """Every row once, in order, in batches of one size.

    Yields:
        A batch, padded with its first row, and a mask that is true for the real rows.
    """
    count = _rows(arrays)
    for start in range(0, count, batch):
        rows = np.arange(start, start + batch)
        mask = rows < count
        yield take(arrays, np.where(mask, rows, start)), mask


def pieces(batch: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """The rows of a batch in equal parts, in order."""
    rows = next(iter(batch.values())).shape[0] // count
    starts = range(0, rows * count, rows)
    return [{name: array[k : k + rows] for name, array in batch.items()} for k in starts]


def average(
    measure: Callable[[Arrays], Mapping[str, float]], arrays: Arrays, batch: int
) -> dict[str, float]:
    """The means over all rows of what is measured on batches in order; the last may be smaller.

    Args:
        measure: from a batch to means over its rows, by name.
        arrays: columns of equal length.
        batch: the largest number of rows at a time.
    """
    count = _rows(arrays)
    totals: dict[str, float] = {}
    for start in range(0, count, batch):
        rows = np.arange(start, min(start + batch, count))
        for name, value in measure(take(arrays, rows)).items():
            totals[name] = totals.get(name, 0.0) + value * len(rows)
    return {name: total / count for name, total in totals.items()}


def statistics(arrays: Arrays, names: Sequence[str]) -> dict[str, tuple[Array, Array]]:
    """Mean and deviation of some columns per feature (axis 1): of the training rows only."""
    found: dict[str, tuple[Array, Array]] = {}
    for name in names:
        array = arrays[name]
        axes = tuple(axis for axis in range(array.ndim) if axis != 1)
        mean = array.mean(axes, np.float64, keepdims=True)
        std = array.std(axes, np.float64, keepdims=True)
        std = np.where(std > 0, std, 1.0)  # a feature that never changes becomes zero
        found[name] = (mean[0].astype(np.float32), std[0].astype(np.float32))
    return found


def normalise(arrays: Arrays, found: Mapping[str, tuple[Array, Array]]) -> Arrays:
    """The columns with mean 0 and deviation 1, by statistics found before."""
    changed = {name: (arrays[name] - mean) / std for name, (mean, std) in found.items()}
    return {**arrays, **changed}


def _rows(arrays: Arrays) -> int:
    return len(next(iter(arrays.values())))
