"""Data with their types checked, and a part of the rows that is held out.

The split has a seed of its own: training with another seed never moves a row from one side to the
other. A project's `data.py` has what it uses of this file and of those beside it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dslc.train.runtime.data_disk import (
    Array,
    Arrays,
    Joined,
    OnDisk,
    Uneven,
    as_texts,
    side_by_side,
)

# Decided when a project's `data.py` is generated:
LISTS = True  # whether a column holds lists that differ in length
MAPPED = True  # whether columns stay on disk
JOINED = True  # whether an input takes several of them
TEXTS = True  # whether a column holds texts


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


def checked(source: str, raw: Arrays, columns: Mapping[str, Column]) -> Arrays:
    """The columns that are asked for, each checked against what its input takes.

    Args:
        source: what messages call the data.
        raw: the data's own columns.
        columns: what each input takes.

    Returns:
        One array per input, all of the same number of rows.

    Raises:
        ValueError: A column is missing or of another type, or a value is impossible; names the
            source, the column and, where it can, the row (counted from 0).
    """
    arrays = {name: _column(source, raw, column) for name, column in columns.items()}
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"{source}: the columns differ in rows: {counts}")
    return arrays


def sources_of(columns: Mapping[str, Column]) -> set[str]:
    """The columns of the data that the inputs take."""
    names: set[str] = set()
    for column in columns.values():
        names.update([column.source] if isinstance(column.source, str) else column.source)
    return names


def _column(source: str, raw: Arrays, column: Column) -> Array:
    """One input's array: found in the data, checked and converted."""
    names = (column.source,) if isinstance(column.source, str) else column.source
    for name in names:
        if name not in raw:
            known = ", ".join(sorted(raw)) or "none of those asked for"
            raise ValueError(f"{source}: has no column {name!r} (it has: {known})")
    if TEXTS and column.dtype == "str":
        return _texts(source, names[0], raw[names[0]])
    if LISTS and column.dtype == "tokens":
        return _lists(source, names[0], raw[names[0]], column)
    parts = [raw[name] for name in names]
    if JOINED:
        array = parts[0] if isinstance(column.source, str) else side_by_side(parts)
    else:
        array = parts[0] if isinstance(column.source, str) else np.stack(parts, axis=1)
    place = f"{source}: column {', '.join(names)}"
    shape = array.shape[1:]
    fits = len(shape) == len(column.shape) and all(
        size in (None, found) for size, found in zip(column.shape, shape, strict=True)
    )
    if array.dtype.kind == "O":
        raise ValueError(f"{place}: holds texts, or lists that differ in length")
    if array.ndim == 0 or not fits:
        expected = [("any" if size is None else size) for size in column.shape]
        raise ValueError(f"{place}: a row has shape {list(shape)}, expected {expected}")
    if len(array) == 0:
        raise ValueError(f"{place}: has no rows")
    if JOINED and isinstance(array, Joined):
        return _on_disk(place, array, column)
    if MAPPED and isinstance(array, np.memmap):
        return _on_disk(place, array, column)
    _check_values(place, array, column)
    return np.ascontiguousarray(array, dtype=column.dtype)


def _on_disk(place: str, array: Any, column: Column) -> Any:
    """A column that stays where it is, its values checked some at a time."""
    for start in range(0, len(array), 4096):
        _check_values(place, array[start : start + 4096], column, start)
    return OnDisk(array, column.dtype)


def _texts(source: str, name: str, column: Any) -> Any:
    """A column of texts."""
    if MAPPED and isinstance(column, Uneven) and column.is_text:
        column = OnDisk(column, "object", changes=(as_texts,))
    elif column.dtype != object or not all(isinstance(text, str) for text in column):
        raise ValueError(f"{source}: column {name}: is {column.dtype}, expected texts")
    if len(column) == 0:
        raise ValueError(f"{source}: column {name}: has no rows")
    return column


def _lists(source: str, name: str, rows: Any, column: Column) -> Any:
    """A column of lists of integers, which may differ in length."""
    if MAPPED and isinstance(rows, Uneven) and rows.is_text:
        raise ValueError(f"{source}: column {name}: holds texts, expected lists of integers")
    if rows.ndim == 1 and rows.dtype != object:
        raise ValueError(f"{source}: column {name}: is {rows.dtype}, expected lists of integers")
    if MAPPED and isinstance(rows, Uneven | np.memmap):
        rows = OnDisk(rows, rows.dtype.name)
    wanted = Column(name, "int64", (), column.below)
    for number, row in enumerate(rows):
        _check_values(f"{source}: column {name}, row {number}", row, wanted)
    return rows


def _check_values(place: str, array: Array, column: Column, first: int = 0) -> None:
    expected = np.dtype(column.dtype)
    ranks = {"b": 0, "u": 1, "i": 1, "f": 2}
    if array.dtype.kind not in ranks or ranks[array.dtype.kind] > ranks[expected.kind]:
        raise ValueError(f"{place}: is {array.dtype}, expected {expected}")
    if array.dtype.kind == "f":
        _refuse(place, array, ~np.isfinite(array), "is not finite", first)
        if expected.kind == "f" and array.dtype.itemsize > expected.itemsize:
            too_large = np.abs(array) > float(np.finfo(expected).max)
            _refuse(place, array, too_large, f"is no {expected}", first)
    if expected.kind in "iu":
        limits = np.iinfo(expected)
        _refuse(
            place, array, (array < limits.min) | (array > limits.max), f"is no {expected}", first
        )
    if column.below is not None:
        wrong = (array < 0) | (array >= column.below)
        _refuse(place, array, wrong, f"is not in 0..{column.below - 1}", first)


def _refuse(place: str, array: Array, wrong: Array, why: str, first: int) -> None:
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{place}: row {first + index[0]} {why}: {array[index]}")


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
    if MAPPED:
        return part_of(arrays, np.flatnonzero(~held)), part_of(arrays, np.flatnonzero(held))
    else:  # noqa: RET505
        return take(arrays, np.flatnonzero(~held)), take(arrays, np.flatnonzero(held))


def held_out_rows(
    arrays: Arrays, fraction: float, seed: int = 0, stratify: str | None = None
) -> NDArray[np.bool_]:
    """Which rows `split` holds out."""
    count = count_of(arrays)
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


def part_of(arrays: Arrays, rows: Array) -> Arrays:
    """The given rows of every column; what lies on disk stays there."""
    return {
        name: array.part(rows) if isinstance(array, OnDisk) else array[rows]
        for name, array in arrays.items()
    }  # pyright: ignore[reportReturnType]


def random_keys(count: int, seed: int, use: str) -> NDArray[np.uint64]:
    """Raw 64-bit random numbers, the same on every machine, from a stream of their own."""
    digest = hashlib.sha256(f"{seed}\n{use}".encode()).digest()
    bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))
    return bits.random_raw(count)


def count_of(arrays: Arrays) -> int:
    """How many rows there are."""
    return len(next(iter(arrays.values())))
