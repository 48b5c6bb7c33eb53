"""Readers of Arrow's formats: Parquet files, and data sets that Hugging Face's `datasets` saved."""

import importlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from dslc.train.runtime.data_disk import Array, Arrays, room, rows_of, texts_to_disk, to_disk


def read_parquet(
    path: Path, wanted: set[str], store: Path | None = None, uneven: Collection[str] = ()
) -> Arrays:
    """The wanted columns of a .parquet file; lists of one length become an axis.

    Args:
        path: the file.
        wanted: the columns' names.
        store: where they are kept on disk; else in memory.
        uneven: of those on disk, the columns of texts, or of lists of any length.
    """
    parquet = importlib.import_module("pyarrow.parquet")
    errors = importlib.import_module("pyarrow").ArrowException
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with parquet.ParquetFile(path) as file:
            names = [name for name in file.schema_arrow.names if name in wanted]
            plain = [name for name in names if name not in uneven]
            batches = file.iter_batches(columns=plain)
            found = _from_arrow(path, batches, plain, file.metadata.num_rows, store)
            for name in names:
                if name in uneven and store is not None:
                    found[name] = _kept(path, file.iter_batches(columns=[name]), name, store)
            return found
    except (errors, OSError) as error:
        raise ValueError(f"{path}: not a whole Parquet file: {error}") from None


def read_dataset(
    path: Path, wanted: set[str], store: Path | None = None, uneven: Collection[str] = ()
) -> Arrays:
    """The wanted columns of a data set that `save_to_disk` wrote, as `read_parquet` gives them."""
    arrow, ipc = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.ipc"))
    try:
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        names = [str(entry["filename"]) for entry in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        parts = sorted(part.parent.name for part in path.glob("*/state.json"))
        hint = f"; it holds {', '.join(parts)}: name one of them" if parts else f": {error}"
        raise ValueError(f"{path}: not a data set that `save_to_disk` wrote{hint}") from None
    batches: list[Any] = []
    for name in names:
        file = path / Path(name).name
        try:
            batches += list(ipc.open_stream(arrow.memory_map(str(file))))  # read when they are used
        except (arrow.ArrowException, OSError) as error:
            raise ValueError(f"{file}: not a whole Arrow file: {error}") from None
    known = [name for name in (batches[0].schema.names if batches else []) if name in wanted]
    plain = [name for name in known if name not in uneven]
    found = _from_arrow(path, batches, plain, sum(batch.num_rows for batch in batches), store)
    for name in known:
        if name in uneven and store is not None:
            found[name] = _kept(path, batches, name, store)
    return found


def _from_arrow(
    path: Path, batches: Iterable[Any], names: Sequence[str], count: int, store: Path | None
) -> Arrays:
    """Columns out of record batches."""
    found: Arrays = {}
    for first, name, part in _parts(path, batches, names):
        whole = found[name] if name in found else _room(name, part, count, store)
        if part.shape[1:] != whole.shape[1:]:
            whole, part = rows_of(whole), rows_of(part)
        whole[first : first + len(part)] = part
        found[name] = whole
    return found


def _parts(
    path: Path, batches: Iterable[Any], names: Sequence[str]
) -> Iterator[tuple[int, str, Array]]:
    """The columns of each batch behind its first row; a row without a value is an error."""
    first = 0
    for batch in batches:
        for name in names:
            column = batch.column(name)
            missing = column.is_null().to_numpy(zero_copy_only=False)
            if missing.any():
                row = first + int(np.argmax(missing))
                raise ValueError(f"{path}: row {row} of column {name!r} has no value")
            yield first, name, _array(column)
        first += batch.num_rows


def _kept(path: Path, batches: Iterable[Any], name: str, store: Path) -> Any:
    """A column of texts, or of lists of integers, on disk."""
    rows = (row for _, _, part in _parts(path, batches, [name]) for row in part)
    begun = list(islice(rows, 1))
    rows = chain(begun, rows)
    if begun and isinstance(begun[0], str):
        return texts_to_disk(rows, store)
    return to_disk((_integers(path, name, row) for row in rows), store, "int64")


def _integers(path: Path, name: str, row: Any) -> Array:
    """A row, which has to be a list of integers."""
    found = np.asarray(row)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "bui"):
        text = f"holds {found.dtype}, expected texts, or lists of integers"
        raise ValueError(f"{path}: column {name!r} {text}")
    return found


def _room(name: str, part: Array, count: int, store: Path | None) -> Array:
    """An array for all rows of a column, like some of them."""
    shape = (count, *part.shape[1:])
    if store is None or part.dtype == object:
        return np.empty(shape, part.dtype)
    return room(store / f"{name}.npy", part.dtype, shape)


def _array(column: Any) -> Array:
    """An Arrow column: numbers, texts, or lists of one length or several."""
    types = importlib.import_module("pyarrow.types")
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_string(column.type) or types.is_large_string(column.type):
        return np.array(column.to_pylist(), object)
    nested = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    if not any(test(column.type) for test in nested):
        return column.to_numpy(zero_copy_only=False)
    lengths = {len(item) for item in column}
    if len(lengths) > 1:
        return rows_of(np.array(row, None if row else int) for row in column.to_pylist())
    inner = _array(column.flatten())
    return inner.reshape(len(column), -1, *inner.shape[1:])
