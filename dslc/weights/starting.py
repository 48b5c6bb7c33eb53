"""The values that training starts from: the spec's initialisers, the same bits in every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.train.runtime import initial

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dslc.passes.weights import WeightInfo


def starting_weights(infos: Sequence[WeightInfo], seed: int) -> dict[str, NDArray[np.float32]]:
    """Every weight and running statistic by its path, but for tied ones.

    Args:
        infos: The weights of a checked spec.
        seed: Another seed gives other weights.
    """
    shapes = {info.path: tuple(int(size) for size in info.shape) for info in infos}  # pyright: ignore[reportArgumentType]
    found: dict[str, NDArray[np.float32]] = {}
    for info in infos:
        if info.tied is not None:
            continue
        kind, *numbers = info.initialiser
        make: Any = getattr(initial, str(kind))
        fill = make(**dict(numbers))  # pyright: ignore[reportArgumentType, reportCallIssue]
        found[info.path] = fill(initial.Weight(info.path, shapes, seed))
    return found
