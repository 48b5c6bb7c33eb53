"""Helpers for positions, put into generated JAX modules word for word."""

import math

import jax.numpy as jnp
from flax import nnx
from jax import Array


def sinusoidal_position(
    positions: Array, dim: int, base: float = 10000.0, interleaved: bool = True
) -> Array:
    """Sines and cosines of positions at `dim // 2` frequencies, each sine before its cosine or all."""
    place = jnp.arange(dim)
    pair = place // 2 if interleaved else place % (dim // 2)
    is_sine = place % 2 == 0 if interleaved else place < dim // 2
    angles = positions[..., None] * base ** (-2 * pair / dim)
    return jnp.where(is_sine, jnp.sin(angles), jnp.cos(angles))


class RelativePositionBias(nnx.Module):
    """A learned number for each head and each way from one place of a window to another.

    -> f32[heads, P, P] of the P places of the window
    """

    def __init__(self, window: tuple[int, ...], heads: int) -> None:
        self.window = window
        self.weight = nnx.Param(jnp.zeros((math.prod(2 * n - 1 for n in window), heads)))

    def __call__(self) -> Array:
        index = jnp.zeros(1, int)
        for axis, n in zip(jnp.indices(self.window), self.window, strict=True):
            place = axis.ravel()
            index = index * (2 * n - 1) + place[:, None] - place + n - 1
        return self.weight[...][index].transpose(2, 0, 1)
