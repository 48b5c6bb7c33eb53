"""Helpers for metrics, put into generated JAX modules word for word."""

import jax.numpy as jnp
from flax import nnx
from jax import Array


def precision(logits: Array, target: Array, axis: int = 1, positive: int = 1) -> Array:
    """The share of the places taken for a class that are of it; 0 where none is taken for it."""
    found, there = logits.argmax(axis) == positive, target == positive
    return (found & there).sum() / jnp.maximum(found.sum(), 1)


def recall(logits: Array, target: Array, axis: int = 1, positive: int = 1) -> Array:
    """The share of the places of a class that are taken for it; 0 where there are none."""
    found, there = logits.argmax(axis) == positive, target == positive
    return (found & there).sum() / jnp.maximum(there.sum(), 1)


def f1(logits: Array, target: Array, axis: int = 1, positive: int = 1) -> Array:
    """The harmonic mean of precision and recall of a class; 0 where both are."""
    found, there = logits.argmax(axis) == positive, target == positive
    return 2 * (found & there).sum() / jnp.maximum(found.sum() + there.sum(), 1)


def mean_iou(logits: Array, target: Array, axis: int = 1) -> Array:
    """The mean over classes of intersection over union, of those that are found or there."""
    classes = logits.shape[axis]
    ids = (logits.argmax(axis), target)
    found, there = (nnx.one_hot(x, classes).reshape(-1, classes) for x in ids)
    both, either = jnp.minimum(found, there).sum(0), jnp.maximum(found, there).sum(0)
    return (both / jnp.maximum(either, 1)).sum() / (either > 0).sum()


def auc(scores: Array, target: Array) -> Array:
    """The share of pairs whose place of class 1 scores higher; equal scores count as half."""
    scores, target = scores.ravel(), target.ravel()
    apart = scores[:, None] - scores
    wins = (apart > 0) + (apart == 0) / 2
    pairs = (target == 1)[:, None] & (target == 0)
    return (wins * pairs).sum() / jnp.maximum(pairs.sum(), 1)


def r2(x: Array, target: Array) -> Array:
    """1 less the squared errors' share of the target's variance."""
    return 1 - jnp.square(target - x).sum() / jnp.square(target - target.mean()).sum()
