"""Helpers for regions of images, put into generated JAX modules word for word."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array


def anchor_boxes(
    x: Array,
    sizes: Sequence[float],
    ratios: Sequence[float],
    stride: int,
    *,
    offset: float = 0.0,
    rounded: bool = False,
) -> Array:
    """Boxes of all sizes and ratios around each place of an image. [H * W * ratios * sizes, 4]."""
    _, high, wide, _ = x.shape
    size, roots = jnp.array(sizes), jnp.sqrt(jnp.array(ratios)).reshape(-1, 1)
    half = jnp.stack([(size / roots).ravel(), (size * roots).ravel()], -1) / 2
    half = jnp.round(half) if rounded else half
    places = ((jnp.arange(n) + offset) * stride for n in (wide, high))
    centre = jnp.stack(jnp.meshgrid(*places), -1)[:, :, None]
    return jnp.concatenate([centre - half, centre + half], -1).reshape(-1, 4).astype(x.dtype)


def sample_balanced(
    positive: Array,
    negative: Array,
    most: int,
    *,
    share: float = 0.5,
    key: Array | None = None,
    order: Array | None = None,
) -> tuple[Array, Array, Array]:
    """Places of each row, positive ones first, and which of the `most` there are. [N, most]."""
    count = positive.shape[1]
    if key is not None:
        order = jax.random.uniform(key, positive.shape)
    if order is None:
        order = 1 - jnp.arange(1, count + 1) / 2**22  # exact, so equal each time it is computed
    own, wanted = jnp.where(positive, order, -1), int(most * share)
    padded = jnp.pad(own, ((0, 0), (0, wanted)), constant_values=-1)
    limit = jax.lax.top_k(padded, wanted)[0][:, -1:]
    others = jnp.where(negative & ~positive, order, -1)
    scores = jnp.where(positive & (own >= limit), order + 1, others)
    padded = jnp.pad(scores, ((0, 0), (0, most)), constant_values=-1)
    found, ids = jax.lax.top_k(padded, most)
    return jnp.where(found < 0, 0, ids), found >= 1, found >= 0


def non_max_suppression(
    boxes: Array,
    scores: Array,
    classes: Array | None = None,
    *,
    most: int,
    iou: float = 0.5,
    score: float = float("-inf"),
) -> tuple[Array, Array]:
    """The boxes that no better one overlaps too much, and which of the `most` there are."""
    rows, sides = jnp.arange(len(boxes)), jnp.moveaxis(jax.lax.stop_gradient(boxes), -1, 0)
    x1, y1, x2, y2 = sides
    areas = (x2 - x1) * (y2 - y1)

    def step(left: Array, _: None) -> tuple[Array, tuple[Array, Array]]:
        place = left.argmax(-1)
        a, b, c, d = sides[:, rows, place, None]
        wide = jnp.maximum(jnp.minimum(x2, c) - jnp.maximum(x1, a), 0)
        shared = wide * jnp.maximum(jnp.minimum(y2, d) - jnp.maximum(y1, b), 0)
        gone = shared > iou * (areas + (c - a) * (d - b) - shared)
        if classes is not None:
            gone &= classes == classes[rows, place, None]
        valid = left[rows, place] > -jnp.inf
        left = jnp.where(gone, -jnp.inf, left).at[rows, place].set(-jnp.inf)
        return left, (jnp.where(valid, place, 0), valid)

    left = jax.lax.stop_gradient(jnp.where(scores > score, scores, -jnp.inf))
    ids, valid = jax.lax.scan(step, left, length=most)[1]
    return ids.T, valid.T


def roi_align(
    x: Array,
    boxes: Array,
    out: int | tuple[int, int],
    *,
    scale: float = 1.0,
    samples: int = 2,
    aligned: bool = True,
) -> Array:
    """What is seen inside boxes. [N, H, W, C], [N, R, 4] -> [N * R, *out, C]."""
    n, high, wide, c = x.shape
    rows, columns = (out, out) if isinstance(out, int) else out
    boxes = boxes * scale - (0.5 if aligned else 0.0)

    def places(axis: int, size: int, count: int) -> tuple[Array, Array, Array]:
        start, end = boxes[..., axis, None], boxes[..., axis + 2, None]
        length = end - start if aligned else jnp.maximum(end - start, 1)
        at = start + length * (jnp.arange(count) + 0.5) / count
        inside = (at >= -1) & (at <= size)
        at = jnp.clip(at, 0, size - 1)
        low = jnp.floor(jax.lax.stop_gradient(at))
        near = jnp.stack([low, jnp.minimum(low + 1, size - 1)], -1).astype(int)
        far = at - low
        return near, far, inside

    (i, down, above), (j, right, beside) = (
        places(1, high, rows * samples),
        places(0, wide, columns * samples),
    )
    images = jnp.arange(n)[:, None, None, None]
    total = jnp.zeros((), x.dtype)
    for a, y in ((0, 1 - down), (1, down)):
        for b, z in ((0, 1 - right), (1, right)):
            share = (y * above)[..., None] * (z * beside)[:, :, None]
            seen = x[images, i[..., None, a], j[:, :, None, :, b]]
            total = total + share[..., None] * seen
    cells = total.reshape(-1, rows, samples, columns, samples, c)
    return cells.mean((2, 4))
