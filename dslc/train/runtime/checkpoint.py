"""Checkpoints that a kill at any moment, a full disk or a flipped bit cannot spoil.

A checkpoint is a folder of safetensors files and a JSON one. It is written under a temporary
name, every file reaches the disk, a manifest of sizes and SHA-256 sums comes last, and only then
the folder takes its name. Older ones go after that. So there is always a whole one to resume from,
and its weights, optimiser and position belong to the same step.
"""

import difflib
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

Array = NDArray[Any]

TEXT = "spec"

_MANIFEST = "manifest.json"
_PARTIAL = ".partial-"  # being written, or being removed
_REPLACED = ".replaced-"  # about to give way to a new one of the same step


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint on disk.

    Attributes:
        path: its folder.
        step: optimiser steps done.
        spec: hash of the spec that it belongs to.
        state: all that is not an array: the position in the data, the best metric and the like.
    """

    path: Path
    step: int
    spec: str
    state: dict[str, Any]


def save(
    root: Path,
    step: int,
    arrays: Mapping[str, Mapping[str, Array]],
    state: Mapping[str, Any],
    spec: str,
    keep: int = 2,
) -> Path:
    """Writes a checkpoint, then removes all but the last few.

    Args:
        root: folder of the run's checkpoints; made if need be.
        step: optimiser steps done.
        arrays: groups of named arrays, such as `weights` and `optimizer`: a file each.
        state: whatever else is needed to go on, as JSON.
        spec: hash of the spec.
        keep: how many to keep, this one included.

    Returns:
        The checkpoint's folder.

    Raises:
        OSError: It could not be written; what was there before is still there.
    """
    root.mkdir(parents=True, exist_ok=True)
    final = root / f"step-{step:08d}"
    partial = root / f"{_PARTIAL}{final.name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        for name, group in arrays.items():
            whole = {key: np.asarray(array, order="C") for key, array in group.items()}
            _save_file(whole, partial / f"{name}.safetensors")
        _write_json(partial / "state.json", dict(state))
        files = {file.name: _size_and_sum(file) for file in sorted(partial.iterdir())}
        _write_json(partial / _MANIFEST, {"step": step, "spec": spec, "files": files})
        for path in (*partial.iterdir(), partial):
            _flush(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _move_into_place(partial, final)
    older = [path for path in _folders(root) if _order(path) < _order(final)]
    for path in older[: max(0, len(older) - keep + 1)]:
        _remove(path)
    return final


def newest(root: Path) -> Checkpoint | None:
    """The newest whole checkpoint; a broken one is named in a warning and passed over."""
    for path in reversed(_folders(root)):
        try:
            return _verify(path)
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            warnings.warn(f"{path}: broken, passed over: {error}", stacklevel=2)
    return None


def to_resume(
    root: Path, spec: str, state: Mapping[str, Any], *, resume: bool
) -> Checkpoint | None:
    """Cleans up after a kill and finds the checkpoint to go on from, if there is one.

    Args:
        root: folder of the run's checkpoints.
        spec: hash of the spec that is trained now.
        state: what a checkpoint must have in its state to be of the same run, such as the seed;
            `TEXT` is the spec itself, so that a message can say what differs.
        resume: whether the caller wants to go on.

    Raises:
        ValueError: There is a run that the caller does not want to go on with, or it is another.
    """
    clean(root)
    found = newest(root)
    if found is None:
        return None
    if not resume:
        raise ValueError(f"{root.parent} holds a run already: --resume it, or choose another")
    if found.spec != spec:
        what = _difference(str(found.state.get(TEXT, "")), str(state.get(TEXT, "")))
        raise ValueError(f"{found.path} is of another spec{what}: choose another folder")
    for name, value in state.items():
        if found.state.get(name) != value and name != TEXT:
            before = found.state.get(name)
            raise ValueError(f"{found.path} has another {name}: {before!r}, and not {value!r}")
    return found


def load(checkpoint: Checkpoint) -> dict[str, dict[str, Array]]:
    """The arrays of a checkpoint, by group and name."""
    return {file.stem: load_file(file) for file in sorted(checkpoint.path.glob("*.safetensors"))}


def clean(root: Path) -> None:
    """Removes what a killed run left half written. Call it before the first save of a run."""
    for path in root.glob(f"{_REPLACED}*"):
        final = root / path.name.removeprefix(_REPLACED)
        if not final.exists():
            path.rename(final)
    for pattern in (f"{_PARTIAL}*", f"{_REPLACED}*"):
        for path in root.glob(pattern):
            shutil.rmtree(path, ignore_errors=True)


def _difference(before: str, now: str) -> str:
    """The first lines in which two texts differ, as a part of a sentence."""
    if not before or not now:
        return ""
    lines = [
        line
        for line in difflib.unified_diff(before.splitlines(), now.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    shown = [f"\n  {line}" for line in lines[:8]]
    more = f"\n  and {len(lines) - 8} lines more" if len(lines) > 8 else ""
    return f", with other lines (+ is asked for now){''.join(shown)}{more}\n" if shown else ""


def _save_file(arrays: Mapping[str, Array], path: Path) -> None:
    """Writes a file of arrays; a full disk is an OSError, as everywhere."""
    try:
        save_file(dict(arrays), path)
    except SafetensorError as error:
        raise OSError(f"{path}: {error}") from None


def _folders(root: Path) -> list[Path]:
    """The folders that have a checkpoint's name, the oldest first."""
    found = (path for path in root.glob("step-*") if path.is_dir())
    return sorted(found, key=_order)


def _order(path: Path) -> tuple[int, str]:
    return len(path.name), path.name  # more digits than eight come after all others


def _verify(path: Path) -> Checkpoint:
    """Reads every byte of a checkpoint and compares it with the manifest."""
    manifest = _read_json(path / _MANIFEST)
    files: dict[str, Any] = manifest["files"]
    found = {file.name for file in path.iterdir()} - {_MANIFEST}
    if found != set(files):
        raise ValueError(f"its files are {sorted(found)}, expected {sorted(files)}")
    for name, expected in files.items():
        if _size_and_sum(path / name) != expected:
            raise ValueError(f"{name} is not what was written")
    step = int(manifest["step"])
    if path.name != f"step-{step:08d}":
        raise ValueError(f"it is of step {step}")
    return Checkpoint(path, step, str(manifest["spec"]), _read_json(path / "state.json"))


def _size_and_sum(path: Path) -> dict[str, Any]:
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{path.name} is not a regular file")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{path.name} is missing")
    value: Any = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} is not a JSON object")
    return value


def _move_into_place(partial: Path, final: Path) -> None:
    replaced = final.with_name(f"{_REPLACED}{final.name}")
    if final.exists():
        shutil.rmtree(replaced, ignore_errors=True)
        final.rename(replaced)
    partial.rename(final)
    _flush(final.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def _remove(path: Path) -> None:
    """Takes the name away first: a folder half removed must not look like a checkpoint."""
    doomed = path.with_name(f"{_PARTIAL}{path.name}")
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _flush(path: Path) -> None:
    """Brings a file or folder to the disk (Windows cannot flush folders)."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
