"""Weights out of Keras's own files, as arrays alone: no model is made from what a file says.

A `.weights.h5` file is HDF5, and a `.keras` file a ZIP archive that holds one. Of both only arrays of
numbers are read, after their declared sizes: an HDF5 file may point at other files, and may declare
more than any memory holds.
"""

from __future__ import annotations

import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from dslc.passes.pipeline import Checked

    Array = NDArray[Any]

INSIDE = "model.weights.h5"
"""What the weights are called in a `.keras` archive."""
MOST_GROUPS = 100_000
DEEPEST = 64
NO_MODEL = "is no file of this spec's model"


def read_arrays(path: Path, most_bytes: int) -> dict[str, Array]:
    """The arrays of a file by their layers' names and numbers (`dense.0`, the kernel; `dense.1`).

    Raises:
        ValueError: it is broken, or holds something else than arrays.
    """
    with hdf5_file(path, most_bytes) as (file, _):
        return {name: np.asarray(dataset) for name, dataset in checked(file, most_bytes).items()}


def portable_arrays(spec: Checked, path: Path, most_bytes: int) -> dict[str, Array]:
    """The weights of a file that the spec's own Keras model saved, in the portable form."""
    from dslc_keras.project import backend
    from dslc_keras.runtime.portable import to_portable

    model = backend.build(spec)
    with hdf5_file(path, most_bytes) as (file, plain):
        own = sum(variable.value.numpy().nbytes for variable in model.variables)
        checked(file, min(most_bytes, own + 1_000_000))
        try:
            model.load_weights(plain)
        except (ValueError, KeyError, OSError, AttributeError) as error:
            raise ValueError(f"{NO_MODEL}: {error}") from error
    return dict(to_portable(model))


@contextmanager
def hdf5_file(path: Path, most_bytes: int) -> Generator[tuple[h5py.File, Path]]:
    """An open HDF5 file and a path of it that Keras takes for weights."""
    if not path.is_file():
        raise ValueError("is not a regular file")
    with tempfile.TemporaryDirectory(prefix="dslc-") as folder:
        plain = Path(folder) / INSIDE
        if path.suffix == ".keras":
            plain.write_bytes(unpacked(path, most_bytes))
        else:
            plain.symlink_to(path.resolve())
        try:
            file = h5py.File(plain, "r")
        except OSError as error:
            raise ValueError(f"is no whole HDF5 file: {error}") from error
        with file:
            yield file, plain


def unpacked(path: Path, most_bytes: int) -> bytes:
    """The HDF5 file inside a `.keras` archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo(INSIDE)
            if entry.file_size > 2 * most_bytes:
                raise ValueError(f"holds more than {most_bytes} bytes of weights")
            return archive.read(entry)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"is no whole .keras archive: {error}") from error


def checked(file: Any, most_bytes: int) -> dict[str, Any]:
    """Every array of a file by name, once links, dtypes and declared sizes are known to be plain."""
    found: dict[str, Any] = {}
    waiting: list[tuple[Any, str, int]] = [(file, "", 0)]
    total = seen = 0
    while waiting:
        group, name, depth = waiting.pop()
        for key in group:
            seen += 1
            if seen > MOST_GROUPS or depth > DEEPEST:
                raise ValueError("holds more groups than any model has layers")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ValueError(f"{key!r} is a link, maybe to another file")
            item = group[key]
            if isinstance(item, h5py.Group):
                waiting.append((item, name_of(item, name, key), depth + 1))
                continue
            total += refuse_odd(item, key)
            if total > most_bytes:
                raise ValueError(f"declares more than {most_bytes} bytes of weights")
            own = ".".join(part for part in (name, key.partition(":")[0]) if part)
            if own in found:
                raise ValueError(f"two arrays are called {own!r}")
            found[own] = item
    return found


def refuse_odd(item: Any, key: str) -> int:
    """The declared bytes of an array; raises where it is none, or lies elsewhere."""
    if not isinstance(item, h5py.Dataset) or item.shape is None:
        raise ValueError(f"{key!r} is no array")
    if item.dtype.kind not in "fiub" or item.dtype.fields is not None:
        raise ValueError(f"{key!r} is an array of {item.dtype}, not of numbers")
    if item.is_virtual or item.external:
        raise ValueError(f"{key!r} lies in another file")
    return item.size * item.dtype.itemsize


def name_of(group: Any, above: str, key: str) -> str:
    """The path of a group: its layer's name, where Keras noted it; lists of layers add nothing."""
    if key in ("layers", "vars", "model_weights"):
        return above
    noted = group["vars"].attrs.get("name") if isinstance(group.get("vars"), h5py.Group) else None
    own = noted if isinstance(noted, str) and noted else key
    return f"{above}.{own}" if above else own
