"""Portable weights: one safetensors file for every framework, under PyTorch's names and layouts.

`read` trusts nothing. It takes regular files only (a pipe would hang), refuses what the format
forbids and the safetensors library lets pass (a name twice), and says which file and why. `match`
compares names, shapes and dtypes with what a model expects before anything is copied into it.
"""

import difflib
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

Array = NDArray[Any]
Shape = tuple[int, ...]

_LONGEST_HEADER = 100_000_000  # bytes; the safetensors library's own limit
_DTYPES = {
    "BOOL": "bool",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "F16": "float16",
    "BF16": "uint16",  # NumPy has none: read as bits, then widened to float32, which is exact
    "F32": "float32",
    "F64": "float64",
}


def write(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Writes a safetensors file whole or not at all.

    The bytes go to a file beside, reach the disk, and only then take the name.
    """
    path = Path(path)
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(save(whole))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _flush_folder(path.parent)


def read(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Reads a safetensors file.

    Returns:
        The arrays by name; bfloat16 comes as float32.

    Raises:
        OSError: The file cannot be opened.
        ValueError: It is no whole, well-formed safetensors file; names the file and the reason.
    """
    path = Path(path)
    size = path.stat().st_size
    if not path.is_file():
        raise ValueError(f"{path}: not a regular file")
    try:
        with path.open("rb") as file:
            header, start = _read_header(file, size)
            entries = _check_entries(header, size - start)
            return {name: _read_array(file, start, *entry) for name, entry in entries.items()}
    except RecursionError:
        raise ValueError(f"{path}: its header is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def match(
    arrays: Mapping[str, Array], shapes: Mapping[str, Shape], *, source: str = "the weights"
) -> dict[str, NDArray[np.float32]]:
    """Checks weights against what a model expects, all of them before any is used.

    Args:
        arrays: weights by name.
        shapes: every weight that the model has, with its shape.
        source: what the message calls the weights, such as their file.

    Returns:
        The weights in float32, in the order of `shapes`.

    Raises:
        ValueError: A name is missing or not known, or a shape or dtype differs; all are listed.
    """
    missing = [name for name in shapes if name not in arrays]
    unexpected = [name for name in arrays if name not in shapes]
    faults = [f"{name}: missing{_nearest(name, unexpected)}" for name in missing]
    faults += [f"{name}: not in the model{_nearest(name, missing)}" for name in unexpected]
    for name, shape in shapes.items():
        array = arrays.get(name)
        if array is None:
            continue
        if array.shape != tuple(shape):
            faults.append(f"{name}: has shape {list(array.shape)}, expected {list(shape)}")
        elif array.dtype.name not in ("float32", "float16"):
            faults.append(f"{name}: is {array.dtype}, expected float32")
    if faults:
        shown = faults[:20] + ([f"and {len(faults) - 20} more"] if len(faults) > 20 else [])
        raise ValueError("\n  ".join([f"{source} do not fit the model:", *shown]))
    return {name: np.asarray(arrays[name], np.float32) for name in shapes}


def _flush_folder(folder: Path) -> None:
    """Makes a rename last, where the system has folders that can be flushed."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _nearest(name: str, others: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(others)[:1000], n=1)
    return f" (nearest: {close[0]})" if close else ""


def _read_header(file: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    """The parsed header, and where the arrays' bytes begin."""
    length = int.from_bytes(file.read(8), "little") if size >= 8 else 0
    if not 2 <= length <= min(size - 8, _LONGEST_HEADER):
        raise ValueError("not a safetensors file, or cut short in its header")
    try:
        header = json.loads(file.read(length), object_pairs_hook=_without_duplicates)
    except UnicodeDecodeError:
        raise ValueError("its header is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"its header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")
    return header, 8 + length


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"{_short(key)} is in its header twice")
        result[key] = value
    return result


Entry = tuple[str, Shape, int]  # dtype, shape, offset of its first byte


def _check_entries(header: dict[str, Any], size: int) -> dict[str, Entry]:
    """The header's arrays, which must fill the rest of the file without gap or overlap."""
    entries: dict[str, Entry] = {}
    spans: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"{_short(name)} needs a dtype, a shape and data_offsets")
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(dtype, str) or dtype not in _DTYPES:
            raise ValueError(f"{_short(name)} has a dtype that is not read here: {_short(dtype)}")
        if not _are_sizes(shape) or len(shape) > 32:
            raise ValueError(f"{_short(name)} has an impossible shape: {_short(shape)}")
        if not _are_sizes(offsets) or len(offsets) != 2:
            raise ValueError(f"{_short(name)} has impossible offsets: {_short(offsets)}")
        needed = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
        if offsets[1] - offsets[0] != needed:
            found = offsets[1] - offsets[0]
            raise ValueError(f"{_short(name)} needs {needed} bytes by its shape and has {found}")
        entries[name] = (dtype, tuple(shape), offsets[0])
        spans.append((offsets[0], offsets[1], name))
    _check_spans(spans, size)
    return entries


def _check_spans(spans: list[tuple[int, int, str]], size: int) -> None:
    end = 0
    for first, last, name in sorted(spans):
        if first != end:
            fault = "overlaps another array" if first < end else "leaves a gap before it"
            raise ValueError(f"{_short(name)} {fault}")
        end = last
    if end != size:
        raise ValueError(f"its arrays take {end} bytes and it holds {size}: cut short or damaged")


def _are_sizes(value: object) -> bool:
    return isinstance(value, list) and all(
        type(size) is int and 0 <= size < 2**48 for size in value
    )


def _read_array(file: BinaryIO, start: int, dtype: str, shape: Shape, offset: int) -> Array:
    file.seek(start + offset)
    kind = np.dtype(_DTYPES[dtype]).newbyteorder("<")
    array = np.fromfile(file, kind, math.prod(shape)).reshape(shape)
    if dtype == "BF16":
        array = (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return array


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."
