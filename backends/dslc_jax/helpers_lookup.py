"""Helpers for values by place, put into generated JAX modules word for word."""

import jax
import jax.numpy as jnp
from jax import Array


def top_k(x: Array, k: int, axis: int) -> tuple[Array, Array]:
    """The largest along an axis, the largest first, and their places."""
    values, indices = jax.lax.top_k(jnp.moveaxis(x, axis, -1), k)
    return jnp.moveaxis(values, -1, axis), jnp.moveaxis(indices, -1, axis)


def scatter_add(x: Array, ids: Array, updates: Array, axis: int) -> Array:
    """Adds each update at the place that its id names along an axis."""
    places = list(jnp.indices(ids.shape, sparse=True))
    places[axis] = ids
    return x.at[tuple(places)].add(updates)


def patchify(x: Array, size: int) -> Array:
    """Square patches of an image, row by row, each its channels' pixels in a row."""
    n, c, h, w = x.shape
    patches = x.reshape(n, c, h // size, size, w // size, size).transpose(0, 2, 4, 1, 3, 5)
    return patches.reshape(n, -1, c * size * size)
