"""Helpers for sampling images, put into generated JAX modules word for word."""

import jax.numpy as jnp
from jax import Array


def affine_grid(theta: Array, high: int, wide: int) -> Array:
    """Where the pixels of an image are under an affine map, x and y from -1 to 1. [N, H, W, 2]."""
    x, y = (((2 * jnp.arange(n) + 1) / n - 1).astype(theta.dtype) for n in (wide, high))
    y, x = jnp.meshgrid(y, x, indexing="ij")
    return jnp.einsum("hwk,nik->nhwi", jnp.stack((x, y, jnp.ones_like(x)), -1), theta)


def places_in(place: Array, size: int, padding: str, align_corners: bool) -> Array:
    """Places from -1 to 1 as numbers of pixels; what is outside goes where its padding says."""
    start, span = (0, max(size - 1, 1)) if align_corners else (-0.5, size)
    place = (place + 1) / 2 * (size - 1) if align_corners else ((place + 1) * size - 1) / 2
    if padding == "reflection":
        away = abs(place - start)
        turns = jnp.floor(away / span)
        rest = away - turns * span
        place = jnp.where(turns % 2 == 0, rest, span - rest) + start
    return place if padding == "zeros" else jnp.clip(place, 0, size - 1)


def grid_sample(
    image: Array,
    grid: Array,
    *,
    padding: str = "zeros",
    nearest: bool = False,
    align_corners: bool = False,
) -> Array:
    """An image sampled at places, blended of the pixels around each. [N, C, h, w]."""
    n, _, high, wide = image.shape
    x, y = (
        places_in(grid[..., k], size, padding, align_corners) for k, size in enumerate((wide, high))
    )
    if nearest:
        taps = [(jnp.round(y), jnp.round(x))]
    else:
        taps = [(jnp.floor(y) + k // 2, jnp.floor(x) + k % 2) for k in range(4)]
    pixels, rows = image.transpose(0, 2, 3, 1), jnp.arange(n)[:, None, None]
    total = jnp.zeros((), image.dtype)
    for i, j in taps:
        inside = (i >= 0) & (i < high) & (j >= 0) & (j < wide)
        share = 1 if nearest else (1 - abs(y - i)) * (1 - abs(x - j))
        share = jnp.where(inside, share, 0)
        places = (jnp.clip(k, 0, s - 1).astype(int) for k, s in ((i, high), (j, wide)))
        total = total + share[..., None] * pixels[rows, *places]
    return jnp.moveaxis(total, -1, 1)


def resize_bicubic(x: Array, height: int, width: int) -> Array:
    """An image blended from the sixteen elements around each place, as PyTorch and ONNX do."""
    for axis, after in ((1, height), (2, width)):
        before = x.shape[axis]
        place = (jnp.arange(after) + 0.5) * before / after - 0.5
        low = jnp.floor(place)
        parts: list[Array] = []
        for near in (-1, 0, 1, 2):
            far = jnp.abs(place - low - near)
            inner = (1.25 * far - 2.25) * far**2 + 1
            outer = ((-0.75 * far + 3.75) * far - 6) * far + 3
            share = jnp.where(far <= 1, inner, outer).astype(x.dtype)
            taken = jnp.clip(low + near, 0, before - 1).astype(int)
            share = share[:, None, None] if axis == 1 else share[:, None]
            parts.append(share * jnp.take(x, taken, axis=axis))
        x = parts[0] + parts[1] + (parts[2] + parts[3])
    return x
