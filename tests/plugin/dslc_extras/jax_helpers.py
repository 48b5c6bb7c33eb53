"""Copied into generated JAX modules word for word."""

from flax import nnx
from jax import Array, random


class LowRank(nnx.Module):
    """A linear map through `rank` values."""

    def __init__(self, width: int, out: int, rank: int, *, rngs: nnx.Rngs) -> None:
        self.down = nnx.Param(0.1 * random.normal(rngs.params(), (rank, width)))
        self.up = nnx.Param(0.1 * random.normal(rngs.params(), (out, rank)))

    def __call__(self, x: Array) -> Array:
        return x @ self.down.T @ self.up.T
