"""The weights that a spec starts from: read from whatever wrote them, in the portable form.

A safetensors file is read here. Keras's and orbax's are read by their backends, as arrays alone:
never a pickle, never a model that brings code along. Where the spec's `weights` section renames
nothing, such a file is that of this spec's own model, and its layouts are known; else its arrays have
the file's own names, and `rename` and `transpose` say the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dslc.limits import DEFAULT_LIMITS
from dslc.passes.given import read_given
from dslc.tools.backends import find_backend, require
from dslc.tools.weights import WeightsError, read_weights
from dslc.weights.matching import Matching, fault_text, match_weights
from dslc.weights.starting import starting_weights

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dslc.ir.given import Given
    from dslc.limits import Limits
    from dslc.passes.pipeline import Checked
    from dslc.passes.weights import WeightInfo

    Array = NDArray[Any]

KERAS = (".h5", ".hdf5", ".keras")
PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".npy", ".npz", ".msgpack")
SAVED = "with safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"


def section_of(checked: Checked) -> Given | None:
    """The `weights` section of a spec that passed."""
    from dslc.diagnostics import Report

    return read_given((checked.whole or checked).program, Report())


def first_weights(
    checked: Checked, seed: int = 0, limits: Limits = DEFAULT_LIMITS
) -> dict[str, Array]:
    """Every weight that a spec's model begins with: those of its file, else the initial values.

    Args:
        checked: The spec, or one of its models by itself.
        seed: Of the initial values.
        limits: The limit of the bytes of all weights.

    Raises:
        WeightsError: the spec's file is broken, or does not fit the model.
    """
    found: dict[str, Array] = dict(starting_weights(checked.weights(), seed))
    given = given_weights(checked, limits)
    return {name: given.get(name, array) for name, array in found.items()}


def start_file(checked: Checked) -> dict[str, str | bytes]:
    """What a project has to start from: for its training the file's weights, else all of them."""
    from safetensors.numpy import save

    if checked.train is not None:
        return {"start.safetensors": save(given_weights(checked))}
    return {"weights.safetensors": save(first_weights(checked))}


def given_weights(checked: Checked, limits: Limits = DEFAULT_LIMITS) -> dict[str, Array]:
    """The weights that the spec's file gives, by the model's names; none without a section."""
    given = section_of(checked)
    if given is None:
        return {}
    path = file_of(checked, given)
    found = matching(checked, path, given, limits)
    if found.faults:
        raise WeightsError(fault_text(found.faults, str(path)))
    return found.arrays


def matching(
    checked: Checked, path: Path, given: Given | None, limits: Limits = DEFAULT_LIMITS
) -> Matching:
    """A file's weights put at the names of a spec's.

    Raises:
        WeightsError: the file cannot be read.
    """
    spec = checked.whole or checked
    keeps_names = given is None or not (given.rename or given.transpose)
    arrays = arrays_of(path, spec, limits, is_own=keeps_names)
    return match_weights(infos_of(spec), arrays, given)


def infos_of(spec: Checked) -> list[WeightInfo]:
    """Every weight of a spec's models, and of what only training has."""
    found = {info.path: info for info in spec.weights()}
    for info in () if spec.train is None else spec.train.weights():
        found.setdefault(info.path, info)
    return list(found.values())


def file_of(checked: Checked, given: Given) -> Path:
    """Where a spec's file of weights is, which is below the spec's own folder, through links too."""
    folder = Path(checked.source.path).parent.resolve()
    path = (folder / given.file).resolve()
    if not path.is_relative_to(folder):
        raise WeightsError(f"{given.file} leads out of the spec's folder, {folder}")
    return path


def arrays_of(
    path: str | os.PathLike[str], spec: Checked, limits: Limits, *, is_own: bool
) -> Mapping[str, Array]:
    """The arrays of a file by name.

    Args:
        path: A safetensors file, a Keras file, or a folder that orbax wrote.
        spec: The spec.
        limits: The limit of the bytes of all weights.
        is_own: Whether the file is of the spec's own model, so that portable names can be found.
    """
    path = Path(path)
    if not path.exists():
        raise WeightsError(f"{path}: no such file")
    backend = "jax" if path.is_dir() else "keras" if path.suffix in KERAS else None
    if backend is None:
        refuse_pickle(path)
        return read_weights(path)
    found = find_backend(backend)
    require(backend, found)
    try:
        if is_own:
            return found.portable_weights(spec, path, limits.weight_bytes)
        return found.read_weights(path, limits.weight_bytes)
    except (ValueError, KeyError, OSError) as error:
        raise WeightsError(f"{path}: {' '.join(str(error).split())[:500]}") from error


def refuse_pickle(path: Path) -> None:
    """Refuses what can hold code, or what this reads no arrays out of."""
    if not path.is_file():
        raise WeightsError(f"{path}: not a regular file")
    with path.open("rb") as file:
        is_archive = file.read(4) == b"PK\3\4"
    if path.suffix in PICKLES or is_archive:
        message = f"{path}: this is no safetensors file, and what may hold a pickle is never read"
        raise WeightsError(f"{message}; where you trust it, write it anew {SAVED}")
