"""Rows that stay on disk: of a batch only its own are read, and changed when they are."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = dict[str, Array]


class OnDisk:
    """Rows of an array on disk: only those of a batch are read, and changed when they are.

    Args:
        array: a memory-mapped array, several side by side, or rows that differ in length.
        dtype: what is read becomes.
        rows: those of the array that these are; all of them by default.
        changes: what is done with rows that were read, in order.
    """

    def __init__(
        self,
        array: Any,
        dtype: str,
        rows: Array | None = None,
        changes: tuple[Callable[[Array], Array], ...] = (),
    ) -> None:
        self.array = array
        self.dtype = dtype
        self.rows = np.arange(len(array)) if rows is None else rows
        self.changes = changes

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        for rows in chunks(self, 16):
            yield from rows

    def __getitem__(self, rows: Array) -> Array:
        found = np.ascontiguousarray(self.array[self.rows[rows]], self.dtype)
        for change in self.changes:
            found = change(found)
        return found

    def part(self, rows: Array) -> "OnDisk":
        """Some of these rows."""
        return OnDisk(self.array, self.dtype, self.rows[rows], self.changes)

    def then(self, change: Callable[[Array], Array]) -> "OnDisk":
        """These rows with a change of their values."""
        return OnDisk(self.array, self.dtype, self.rows, (*self.changes, change))


def each(array: Any, change: Callable[[Array], Array]) -> Any:
    """A column whose rows are changed: at once, or where it lies on disk when they are read."""
    return array.then(change) if isinstance(array, OnDisk) else change(array)


def chunks(array: Any, rows: int = 4096) -> Iterator[Array]:
    """A column in order, some rows at a time."""
    for start in range(0, len(array), rows):
        yield array[np.arange(start, min(start + rows, len(array)))]


def side_by_side(parts: Sequence[Array]) -> Any:
    """Columns as one array, on disk if they are."""
    on_disk = isinstance(parts[0], np.memmap)
    return Joined(parts) if on_disk else np.stack(parts, axis=1)


class Joined:
    """Columns on disk, side by side: only the rows that are asked for are read."""

    def __init__(self, parts: Sequence[Array]) -> None:
        self.parts = parts
        self.dtype = np.result_type(*parts)
        self.shape = (len(parts[0]), len(parts), *parts[0].shape[1:])
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Array) -> Array:
        return np.stack([part[rows] for part in self.parts], axis=1)


def rows_of(items: Iterable[Any]) -> Array:
    """Rows that may differ in length."""
    listed = list(items)
    rows = np.empty(len(listed), object)
    rows[:] = listed
    return rows


def room(file: Path, dtype: Any, shape: tuple[int, ...]) -> Array:
    """An array of zeros in a new file; who still reads an old one of that name keeps it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    return np.lib.format.open_memmap(file, "w+", dtype, shape)


class Uneven:
    """Rows that differ in length, one after the other on disk: texts in UTF-8, or lists of ids.

    Args:
        numbers: all of them, mapped.
        bounds: where each row begins, and the end of the last.
        store: the folder that holds what is made of them.
    """

    dtype = np.dtype(object)
    ndim = 1

    def __init__(self, numbers: Array, bounds: Array, store: Path) -> None:
        self.numbers = numbers
        self.bounds = bounds
        self.store = store
        self.shape = (len(bounds) - 1,)
        self.is_text = numbers.dtype == np.uint8

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        for row in range(len(self)):
            yield self[np.array([row])][0]

    def __getitem__(self, rows: Array) -> Array:
        parts = ((self.bounds[row], self.bounds[row + 1]) for row in rows)
        return rows_of(np.array(self.numbers[first:end]) for first, end in parts)


def to_disk(rows: Iterable[Array], store: Path, dtype: str) -> Uneven:
    """Rows that differ in length, in a file that is gone when the program ends."""
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=store) as file:

        def written() -> Iterator[int]:
            yield 0
            for row in rows:
                file.write(np.asarray(row, dtype).tobytes())
                yield len(row)

        bounds = np.cumsum(np.fromiter(written(), np.int64))
        file.flush()
        numbers = np.memmap(file, dtype, "r") if bounds[-1] else np.zeros(0, dtype)
    return Uneven(numbers, bounds, store)


def texts_to_disk(texts: Iterable[str], store: Path) -> Uneven:
    """Texts in a file that is gone when the program ends."""
    return to_disk((np.frombuffer(text.encode(), np.uint8) for text in texts), store, "uint8")


def as_texts(rows: Array) -> Array:
    """The texts of rows of UTF-8."""
    return rows_of(row.tobytes().decode() for row in rows)


def as_bytes(texts: OnDisk) -> OnDisk:
    """Texts on disk as the bytes that they are there."""
    return OnDisk(texts.array, "object", texts.rows)
