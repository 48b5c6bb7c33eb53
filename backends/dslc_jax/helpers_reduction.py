"""Reductions that generated JAX modules contain where they need them, word for word."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def largest(x: Array, axes: tuple[int, ...], *, keepdims: bool = False) -> Array:
    """The maximum over some axes, whose gradient goes in equal parts to every place that has it.

    `jnp.max` finds these places by comparing; but XLA may compute `x` once more for that, rounded
    in another way, so that no place is found and the gradient is not finite. Here the first one
    always is.
    """

    @jax.custom_jvp
    def top(x: Array) -> Array:
        return x.max(axes, keepdims=keepdims)

    def slope(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        (x,), (change,) = primals, tangents
        order = tuple(k for k in range(x.ndim) if k not in axes) + axes
        rows = x.transpose(order).reshape(*(x.shape[k] for k in order[: -len(axes)]), -1)
        places = jnp.arange(rows.shape[-1])
        found = (rows == rows.max(-1, keepdims=True)) | (places == rows.argmax(-1, keepdims=True))
        shares: Any = found / found.sum(-1, keepdims=True)
        parts = change.transpose(order).reshape(rows.shape) * shares.astype(x.dtype)
        total = parts.sum(-1)
        return top(x), jnp.expand_dims(total, sorted(axes)) if keepdims else total

    top.defjvp(slope)
    return top(x)


def vector_norm(
    x: Array, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False
) -> Array:
    """Euclid's norm, whose gradient is 0 where the norm is: that of a root would be infinite."""
    squares = (x * x).sum(axis, keepdims=keepdims)
    is_zero = squares == 0
    return jnp.where(is_zero, 0, jnp.sqrt(jnp.where(is_zero, 1, squares)))


def adaptive_pool(x: Array, *counts: int, largest_of: bool = False) -> Array:
    """The mean or the largest of as many windows as are asked for; [N, ..., C].

    Where a size does not divide, windows overlap: their places are looked up.
    """
    for axis, count in enumerate(counts, 1):
        size = x.shape[axis]
        begins = np.arange(count + 1) * size // count
        ends = -(-np.arange(1, count + 1) * size // count)
        lengths = ends - begins[:-1]
        if size % count == 0:
            x = x.reshape(*x.shape[:axis], count, size // count, *x.shape[axis + 1 :])
        else:
            places = begins[:-1, None] + np.arange(lengths.max())
            x = jnp.take(x, np.minimum(places, ends[:, None] - 1), axis)
        if largest_of:
            x = largest(x, (axis + 1,))
        elif size % count == 0:
            x = x.mean(axis + 1)
        else:
            inside = np.arange(lengths.max()) < lengths[:, None]
            share = (inside / lengths[:, None]).reshape(*inside.shape, *(1,) * (x.ndim - axis - 2))
            x = (x * share.astype(x.dtype)).sum(axis + 1)
    return x
