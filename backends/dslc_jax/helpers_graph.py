"""Helpers for graphs, put into generated JAX modules word for word."""

import jax
import jax.numpy as jnp
from jax import Array


def segment_sum(x: Array, ids: Array, segments: int) -> Array:
    """The sum of the rows of each segment."""
    return jax.ops.segment_sum(x, ids, segments)


def segment_mean(x: Array, ids: Array, segments: int) -> Array:
    """The mean of the rows of each segment; of none it is 0."""
    count = jnp.maximum(jax.ops.segment_sum(jnp.ones(len(x), x.dtype), ids, segments), 1)
    total = jax.ops.segment_sum(x, ids, segments)
    return total / count.reshape(-1, *(1,) * (x.ndim - 1))


def segment_max(x: Array, ids: Array, segments: int) -> Array:
    """The largest of the rows of each segment, place by place; of none it is 0."""
    found = jax.ops.segment_max(x, ids, segments)
    return jnp.where(jnp.isneginf(found), 0, found)


def propagate(x: Array, edges: Array) -> Array:
    """Each row and its neighbours, divided by the root of both degrees, summed. [N, D]."""
    source, target = edges
    scale = jax.lax.rsqrt(jnp.ones(len(x), x.dtype).at[target].add(1))[:, None]
    y = x * scale
    return scale * y.at[target].add(y[source])


def mean_of_neighbours(x: Array, edges: Array) -> Array:
    """The mean of the rows from which edges end at a row; of none it is 0. [N, D]."""
    source, target = edges
    count = jnp.maximum(jnp.zeros(len(x), x.dtype).at[target].add(1), 1)
    return jnp.zeros_like(x).at[target].add(x[source]) / count[:, None]
