"""Helpers for boxes, put into generated JAX modules word for word."""

import math

import jax.numpy as jnp
from jax import Array


def box_iou(boxes: Array, others: Array) -> Array:
    """The shared area of each pair of boxes, as a share of both together. [..., R, S]."""
    a, b = boxes[..., :, None, :], others[..., None, :, :]
    low, high = jnp.maximum(a[..., :2], b[..., :2]), jnp.minimum(a[..., 2:], b[..., 2:])
    shared = jnp.maximum(high - low, 0).prod(-1)
    return shared / (
        (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - shared
    )


def box_encode(anchors: Array, boxes: Array) -> Array:
    """What leads from anchors to boxes: moves of the centre, logarithms of the growth."""
    sizes, grown = anchors[..., 2:] - anchors[..., :2], boxes[..., 2:] - boxes[..., :2]
    moved = (boxes[..., :2] + grown / 2 - anchors[..., :2] - sizes / 2) / sizes
    return jnp.concatenate([moved, jnp.log(grown / sizes)], -1)


def box_decode(anchors: Array, moves: Array) -> Array:
    """The boxes to which moves lead from anchors."""
    sizes = anchors[..., 2:] - anchors[..., :2]
    centre = anchors[..., :2] + sizes / 2 + moves[..., :2] * sizes
    half = sizes * jnp.exp(jnp.minimum(moves[..., 2:], math.log(1000 / 16))) / 2
    return jnp.concatenate([centre - half, centre + half], -1)


def match_boxes(
    anchors: Array,
    boxes: Array,
    valid: Array | None = None,
    *,
    high: float = 0.5,
    low: float | None = None,
    best: bool = False,
) -> tuple[Array, Array, Array]:
    """The box that each anchor overlaps most, and the anchors that are taken for it or for none."""
    overlap = box_iou(anchors, boxes)
    if valid is not None:
        overlap = jnp.where(valid[:, None], overlap, -1)
    most, ids = overlap.max(-1), overlap.argmax(-1)
    positive = most >= high
    if best:
        top, place = overlap.max(1, keepdims=True), overlap.argmax(1, keepdims=True)
        own = jnp.arange(overlap.shape[1])[:, None] == place
        positive = positive | (own & (top > 0)).any(-1)
    return ids, positive, (most < (high if low is None else low)) & ~positive
