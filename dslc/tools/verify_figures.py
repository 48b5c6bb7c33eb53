"""How far arrays are apart, and how far they may be.

Forward values and running statistics are held against the largest value of the reference's array.
Gradients are held weight by weight against the largest entry of that weight's own gradient, but not
against less than `FLOOR` of the largest entry of any: what is zero in exact arithmetic (an
attention's key bias, a convolution's bias before batch norm) is rounding noise of the size of what
cancels.

What float32 cannot compute better is no fault: where a figure exceeds its tolerance, the reference
tells how far rounding alone moves it, in float64 from weights and inputs that are rounded as float32
rounds, and in float32 itself. A net that this moves by more than a tenth of the tolerance (fifty
layers of batch norm on a small batch, a layer norm of what has saturated) is held to `MARGIN` times
that, and never to more than `MOST`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]

FORWARD = 5e-6
GRADIENT = 1e-5
TRAINING = 1e-6
COARSER = {"f16": 2.0**11, "bf16": 2.0**14}
"""How many times more a net may differ that computes in floats of sixteen bits somewhere."""
FLOOR = 0.1
MARGIN = 10
MOST = 0.05
"""The largest difference that rounding may excuse: beyond it nothing is shown."""
TINY = 1e-30


@final
class Difference:
    """The largest differences found in one comparison.

    Attributes:
        max_abs: Absolute.
        max_rel: Relative to the scale.
        where: The place of the latter.
        allowed: How large it may be.
    """

    __slots__ = ("allowed", "max_abs", "max_rel", "where")

    def __init__(
        self, max_abs: float = 0.0, max_rel: float = 0.0, where: str = "", allowed: float = FORWARD
    ) -> None:
        self.max_abs = max_abs
        self.max_rel = max_rel
        self.where = where
        self.allowed = allowed

    @property
    def ok(self) -> bool:
        """Whether it is small enough."""
        return self.max_rel <= self.allowed

    def allow(self, tolerance: float, noise: Callable[[], float]) -> Difference:
        """Sets what is allowed: the tolerance, or more where float32 can do no better."""
        self.allowed = tolerance
        if not self.ok:
            self.allowed = max(tolerance, min(MARGIN * noise(), MOST))
        return self

    def __repr__(self) -> str:
        return f"Difference({self.max_abs:.2e}, {self.max_rel:.2e}, {self.where!r})"


def slack_of(dtypes: Iterable[str]) -> float:
    """How many times more than in float32 values of these dtypes may differ."""
    return max((COARSER.get(dtype, 1.0) for dtype in dtypes), default=1.0)


def rounded(weights: Arrays, slack: float) -> dict[str, NDArray[Any]]:
    """Weights that the coarsest dtype of a net holds exactly, so that they come out as they go in."""
    if slack == COARSER["f16"]:
        return {
            name: array.astype(np.float16).astype(array.dtype) for name, array in weights.items()
        }
    if slack == COARSER["bf16"]:
        return {name: to_bf16(array) for name, array in weights.items()}
    return dict(weights)


def to_bf16(array: NDArray[Any]) -> NDArray[Any]:
    """An array of float32 with the last sixteen bits of each number zero."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).reshape(array.shape)


def worst(differences: Iterable[Difference]) -> Difference:
    """The largest figures, and whether all are small enough.

    Where one exceeds what it is allowed, the one that does so most is what is told.
    """
    found = list(differences)
    if not found:
        return Difference()
    first = max(found, key=lambda item: item.max_rel / item.allowed)
    max_abs = max(item.max_abs for item in found)
    if not first.ok:
        return Difference(max_abs, first.max_rel, first.where, first.allowed)
    largest_one = max(found, key=lambda item: item.max_rel)
    return Difference(max_abs, largest_one.max_rel, largest_one.where, largest_one.allowed)


def largest(array: NDArray[Any]) -> float:
    """The largest absolute value; 0 of nothing."""
    return float(np.abs(array.astype(np.float64)).max()) if array.size else 0.0


def distance(found: NDArray[Any], expected: NDArray[Any], scale: float, where: str) -> Difference:
    """How far two arrays are apart; infinitely where shapes differ or one alone is finite."""
    if found.shape != expected.shape:
        return Difference(np.inf, np.inf, f"{where}: {found.shape}, not {expected.shape}")
    left, right = found.astype(np.float64), expected.astype(np.float64)
    if not np.isfinite(left).all() or not np.isfinite(right).all():
        same = np.array_equal(left, right, equal_nan=True)
        return Difference(0.0, 0.0, where) if same else Difference(np.inf, np.inf, where)
    error = largest(left - right)
    exact = not np.issubdtype(expected.dtype, np.floating)
    relative = (np.inf if error else 0.0) if exact else error / max(scale, TINY)
    return Difference(error, relative, where)


def values_apart(found: Arrays, expected: Arrays) -> Difference:
    """Arrays by name, each held against the largest value of its own reference."""
    missing = expected.keys() ^ found.keys()
    if missing:
        return Difference(np.inf, np.inf, f"only on one side: {', '.join(sorted(missing)[:3])}")
    return worst(
        distance(found[name], array, largest(array), name) for name, array in expected.items()
    )


def gradients_apart(found: Arrays, expected: Arrays) -> Difference:
    """Gradients by name, each held against its own scale, with a floor from the largest of all."""
    missing = expected.keys() ^ found.keys()
    if missing:
        return Difference(np.inf, np.inf, f"only on one side: {', '.join(sorted(missing)[:3])}")
    floor = FLOOR * max(map(largest, expected.values()), default=0.0)
    return worst(
        distance(found[name], array, max(largest(array), floor), name)
        for name, array in expected.items()
    )
