"""Readers: from files and sets that ship to the data's own columns, not yet checked."""

import csv
import importlib
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from dslc.train.runtime.data_disk import Array, Arrays, room, texts_to_disk


def read_digits() -> Arrays:
    """The handwritten digits of scikit-learn; no network is needed."""
    loaded: Any = importlib.import_module("sklearn.datasets").load_digits()
    image = (loaded.images / 16).astype(np.float32)[:, None]  # 0..16 -> 0..1, [n, 1, 8, 8]
    return {"image": image, "label": loaded.target.astype(np.int64)}


def read_table(name: str) -> Arrays:
    """One of scikit-learn's tables; no network is needed."""
    loaded: Any = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")()
    features = loaded.data.astype(np.float32)
    if loaded.target.dtype.kind == "f":
        return {"features": features, "target": loaded.target.astype(np.float32)}
    return {"features": features, "label": loaded.target.astype(np.int64)}


def read_numpy(path: Path) -> Arrays:
    """The arrays of an .npz file by name, or the one of an .npy file under the file's."""
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


def read_mapped(path: Path) -> Arrays:
    """An .npy file, or all of a folder, by the files' names: mapped, so that they stay on disk."""
    files = sorted(path.glob("*.npy")) if path.is_dir() else [path]
    if not files:
        raise ValueError(f"{path}: a folder without .npy files")
    found: Arrays = {}
    for file in files:
        if not file.is_file():
            raise ValueError(f"{file}: no such file")
        try:
            found[file.stem] = np.load(file, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise ValueError(f"{file}: not a whole NumPy file of plain arrays: {error}") from None
    return found


def read_csv(path: Path, wanted: set[str]) -> Arrays:
    """The wanted columns of a table with a header: int64 where all are whole, else float64."""
    return {name: _numbers(path, name, texts) for name, texts in csv_texts(path, wanted).items()}


def read_csv_to_disk(
    path: Path, wanted: set[str], store: Path, texts: Collection[str] = ()
) -> dict[str, Any]:
    """As `read_csv`, of what is larger than memory: read more than once, and kept in `store`.

    Columns of `texts` hold texts.
    """
    _, header = next(csv_blocks(path, wanted))
    count, numbers = 0, header.keys() - texts
    dtypes: dict[str, str] = {}
    for first, block in csv_blocks(path, numbers):
        for name, column in block.items():
            dtype = _numbers(path, name, column, first).dtype.name
            dtypes[name] = dtype if dtypes.get(name, "int64") == "int64" else "float64"
            count = first + len(column)
    found: dict[str, Any] = {
        name: room(store / f"{name}.npy", dtype, (count,)) for name, dtype in dtypes.items()
    }
    for first, block in csv_blocks(path, numbers):
        for name, column in block.items():
            found[name][first : first + len(column)] = _numbers(path, name, column, first)
    for name in header.keys() - numbers:
        blocks = (block[name] for _, block in csv_blocks(path, {name}, rows=1024))
        found[name] = texts_to_disk(chain.from_iterable(blocks), store)
    return found


def csv_texts(path: Path, wanted: set[str]) -> dict[str, list[str]]:
    """The wanted columns of a table with a header, as they are written."""
    found: dict[str, list[str]] = {}
    for _, block in csv_blocks(path, wanted):
        for name, texts in block.items():
            found.setdefault(name, []).extend(texts)
    return found


def csv_blocks(
    path: Path, wanted: set[str], rows: int = 65536
) -> Iterator[tuple[int, dict[str, list[str]]]]:
    """The wanted columns of a table with a header, some rows at a time behind their number."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, None)
            if header is None:
                raise ValueError(f"{path}: not a table of comma-separated values: it is empty")
            names = sorted(wanted.intersection(header))
            for name in names:
                if header.count(name) > 1:
                    raise ValueError(f"{path}: has two columns {name!r}")
            first = 0
            yield first, {name: [] for name in names}
            while block := list(islice(reader, rows)):
                for number, row in enumerate(block, first):
                    if len(row) != len(header):
                        text = f"row {number} has {len(row)} fields, not {len(header)}"
                        raise ValueError(f"{path}: {text}")
                yield first, {name: [row[header.index(name)] for row in block] for name in names}
                first += len(block)
    except (csv.Error, UnicodeError) as error:
        raise ValueError(f"{path}: not a table of comma-separated values: {error}") from None


def _numbers(path: Path, name: str, texts: Sequence[str], first: int = 0) -> Array:
    values = np.empty(len(texts), np.float64)
    for row, text in enumerate(texts):
        try:
            values[row] = float(text.replace("_", "no digit"))
        except ValueError:
            place = f"{path}: row {first + row} of column {name!r}"
            raise ValueError(f"{place} is no number: {text[:80]!r}") from None
    whole = bool(np.all(np.abs(values) < 2.0**53)) and bool(np.all(values == np.floor(values)))
    return values.astype(np.int64) if whole else values


def read_csv_with_texts(path: Path, wanted: set[str], texts: set[str]) -> Arrays:
    """As `read_csv`; some columns hold texts."""
    return {
        name: np.array(found, object) if name in texts else _numbers(path, name, found)
        for name, found in csv_texts(path, wanted).items()
    }


def files_by_class(path: Path, suffixes: Sequence[str]) -> Iterator[tuple[Path, int]]:
    """The files of a folder's folders with their numbers, or its own files, all of class 0."""
    if not path.is_dir():
        raise ValueError(f"{path}: no such folder")
    folders = sorted(part for part in path.iterdir() if part.is_dir())
    count = 0
    for number, folder in enumerate(folders or [path]):
        for file in sorted(part for part in folder.rglob("*") if part.suffix.lower() in suffixes):
            if file.is_file():
                count += 1
                yield file, number
    if not count:
        raise ValueError(f"{path}: no {', '.join(suffixes)} in it or in its folders")
