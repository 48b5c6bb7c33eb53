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
    own = {info.path: info for info in infos if info.tied is None}
    found: dict[str, NDArray[np.float32]] = {}

    def draw(path: str) -> NDArray[np.float32] | None:
        if path not in found and path in own:
            kind, *numbers = own[path].initialiser
            make: Any = getattr(initial, str(kind))
            fill = make(**dict(numbers))  # pyright: ignore[reportArgumentType, reportCallIssue]
            found[path] = fill(initial.Weight(path, shapes, seed, draw))
        return found.get(path)

    for path in own:
        draw(path)
    return {path: found[path] for path in own}
