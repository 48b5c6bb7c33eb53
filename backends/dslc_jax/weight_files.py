"""Weights out of a folder that orbax wrote, as NumPy arrays wherever and however it was saved."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from dslc.passes.pipeline import Checked

    Array = NDArray[Any]

METADATA = "_METADATA"
ITEMS = ("default", "state", "model", "params")
"""What a checkpoint manager's folder holds the tree in."""
LEAF = "value"
"""The last part of a path of a state that was saved with its variables."""
RANDOM = ("key", "count")
"""What a random state holds."""


def read_arrays(path: Path, most_bytes: int) -> dict[str, Array]:
    """The arrays of a checkpoint by their paths in its tree.

    Raises:
        ValueError: it is no whole checkpoint, or declares too much.
    """
    import orbax.checkpoint as ocp

    folder = tree_folder(path)
    try:
        with quiet(), ocp.PyTreeCheckpointer() as reader:
            tree: Any = reader.metadata(folder).item_metadata.tree
            leaves = dict(flat(tree))
            sizes = [np.prod(leaf.shape, dtype=float) * itemsize(leaf) for leaf in leaves.values()]
            if sum(sizes) > most_bytes:
                raise ValueError(f"declares more than {most_bytes} bytes of weights")
            wanted = {name: leaf for name, leaf in leaves.items() if not is_random(name)}
            item = nested(wanted, 0)
            plain = nested(wanted, ocp.RestoreArgs(restore_type=np.ndarray))
            found = reader.restore(folder, item=item, restore_args=plain, transforms={})
    except ValueError:
        raise
    except Exception as error:  # orbax and tensorstore raise whatever they meet
        raise ValueError(
            f"is no whole orbax checkpoint: {type(error).__name__}: {error}"
        ) from error
    return {".".join(strip(name)): np.asarray(array) for name, array in flat(found)}


def portable_arrays(spec: Checked, path: Path, most_bytes: int) -> dict[str, Array]:
    """The weights of the spec's own NNX model out of a checkpoint, in the portable form."""
    from flax import nnx

    from dslc_jax.project import backend
    from dslc_jax.runtime.portable import names_of, to_portable

    arrays = read_arrays(path, most_bytes)
    model = backend.build(spec)
    nodes = dict(nnx.iter_graph(model))
    faults: list[str] = []
    for place in names_of(model):
        name, variable = ".".join(map(str, place)), nodes[place]
        array = arrays.pop(name, None)
        if array is None:
            faults.append(f"{name} is missing")
        elif array.shape != variable.shape:
            faults.append(f"{name} has shape {list(array.shape)}, not {list(variable.shape)}")
        elif array.dtype.kind not in "fV":
            faults.append(f"{name} is {array.dtype}")
        else:
            variable.set_value(np.asarray(array, variable.dtype))
    faults += [f"{name} is not in the model" for name in arrays]
    if faults:
        shown = "; ".join(faults[:10])
        raise ValueError(f"is no checkpoint of this spec's model: {shown}")
    return dict(to_portable(model))


@contextmanager
def quiet() -> Generator[None]:
    """Keeps to itself what orbax says about its own plans."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def tree_folder(path: Path) -> Path:
    """The folder of the tree itself: this one, or the only one in it that holds one."""
    path = path.resolve()
    for folder in (path, *(path / name for name in ITEMS)):
        if (folder / METADATA).is_file():
            return folder
    raise ValueError("is no folder that orbax wrote: it has no _METADATA")


def flat(tree: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The leaves of a tree of dicts and lists by their paths."""
    if isinstance(tree, dict | list | tuple):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, value in items:
            yield from flat(value, (*above, str(key)))
    elif tree is not None:
        yield above, tree


def nested(leaves: dict[tuple[str, ...], Any], value: object) -> dict[str, Any]:
    """A tree of dicts with one value for each leaf."""
    tree: dict[str, Any] = {}
    for path in leaves:
        inner = tree
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value
    return tree


def strip(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path without what only says that a variable's value stands there."""
    return path[:-1] if len(path) > 1 and path[-1] == LEAF else path


def is_random(path: tuple[str, ...]) -> bool:
    """Whether a leaf is part of a random state, which is no weight."""
    return "rngs" in path or strip(path)[-1] in RANDOM


def itemsize(leaf: Any) -> int:
    """The bytes of one element; 8 where the dtype is none of NumPy's."""
    try:
        return np.dtype(leaf.dtype).itemsize
    except TypeError:
        return 8
