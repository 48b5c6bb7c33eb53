"""Helpers for losses, put into generated JAX modules word for word."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array


def masked_cross_entropy(
    logits: Array,
    target: Array,
    ignore_index: int,
    axis: int = -1,
    label_smoothing: float = 0.0,
) -> Array:
    """The mean of `-log softmax(logits)[target]` over the places whose target is another."""
    scores, kept = nnx.log_softmax(logits, axis), target != ignore_index
    places = jnp.expand_dims(jnp.where(kept, target, 0), axis)
    picked = jnp.take_along_axis(scores, places, axis).squeeze(axis)
    each = (1 - label_smoothing) * picked + label_smoothing * scores.mean(axis)
    return -jnp.where(kept, each, 0).sum() / kept.sum()


def weighted_cross_entropy(
    logits: Array,
    target: Array,
    weights: list[float],
    axis: int,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Array:
    """The mean of `-log softmax(logits)[target]` in which each place counts as its class does."""
    scores, factors = jnp.moveaxis(nnx.log_softmax(logits, axis), axis, -1), jnp.array(weights)
    kept = target == target if ignore_index is None else target != ignore_index
    ids = jnp.where(kept, target, 0)
    each = factors[ids] * kept
    picked = jnp.take_along_axis(scores, ids[..., None], -1)[..., 0]
    right = (each * picked).sum() * (1 - label_smoothing)
    spread = (scores @ factors * kept).sum() * label_smoothing / len(weights)
    return -(right + spread) / each.sum()


def focal(x: Array, target: Array, gamma: float = 2.0, alpha: float | None = None) -> Array:
    """Binary cross-entropy of logits that counts easy places less."""
    entropy, p = nnx.softplus(x) - x * target, nnx.sigmoid(x)
    missed = p + target - 2 * p * target
    share = 1.0 if alpha is None else alpha * target + (1 - alpha) * (1 - target)
    return (share * missed**gamma * entropy).mean()


def dice(x: Array, target: Array, smooth: float = 1.0) -> Array:
    """How far probabilities are from covering the targets, the mean over rows."""
    x, target = x.reshape(len(x), -1), target.reshape(len(target), -1)
    whole = x.sum(1) + target.sum(1) + smooth
    return (1 - (2 * (x * target).sum(1) + smooth) / whole).mean()


def gaussian_kl(mean: Array, log_variance: Array) -> Array:
    """The divergence of normal distributions from the standard one, the mean over rows."""
    parts = mean**2 + jnp.exp(log_variance) - 1 - log_variance
    return parts.sum() / (2 * len(mean))


def triplet(anchor: Array, positive: Array, negative: Array, margin: float = 1.0) -> Array:
    """How much nearer the negative is than it should be, the mean over rows."""
    near, far = (((anchor - x) ** 2).sum(1) + 1e-12 for x in (positive, negative))
    return nnx.relu(jnp.sqrt(near) - jnp.sqrt(far) + margin).mean()


def contrastive(x: Array, y: Array, temperature: float = 0.07) -> Array:
    """The cross-entropy of each row finding its own among all others."""
    norms = (jnp.maximum((z * z).sum(1, keepdims=True), 1e-16) for z in (x, y))
    x, y = (z * jax.lax.rsqrt(norm) for z, norm in zip((x, y), norms, strict=True))
    return -jnp.diagonal(nnx.log_softmax(x @ y.T / temperature)).mean()


def ctc(
    logits: Array,
    target: Array,
    lengths: Array | None = None,
    target_lengths: Array | None = None,
    *,
    blank: int = 0,
) -> Array:
    """How unlikely logits make a target, however aligned, the mean over rows. [N, T, C], [N, S]."""
    (n, t, _), s = logits.shape, target.shape[1]
    lengths = jnp.full(n, t) if lengths is None else lengths
    target_lengths = jnp.full(n, s) if target_lengths is None else target_lengths
    beyond, unread = (
        jnp.arange(k) >= own[:, None] for k, own in ((t, lengths), (s, target_lengths))
    )
    paddings = beyond.astype(logits.dtype), unread.astype(logits.dtype)
    each = optax.ctc_loss(logits, paddings[0], target, paddings[1], blank_id=blank)
    repeats = ((target[:, 1:] == target[:, :-1]) & ~unread[:, 1:]).sum(1)
    fits = target_lengths + repeats <= lengths
    return jnp.where(fits, each / jnp.maximum(target_lengths, 1), 0).mean()


def negative_sampling(x: Array, table: Array, target: Array, negatives: Array) -> Array:
    """What tells each row's target from negatives, by its products with rows of a table."""
    right = (x * table[target]).sum(-1)
    wrong = jnp.einsum("nd,nkd->nk", x, table[negatives])
    return (nnx.softplus(-right) + nnx.softplus(wrong).sum(-1)).mean()


def sampled_softmax(x: Array, table: Array, target: Array, negatives: Array) -> Array:
    """The cross-entropy of each row's target among itself and negatives."""
    right = (x * table[target]).sum(-1, keepdims=True)
    wrong = jnp.einsum("nd,nkd->nk", x, table[negatives])
    wrong = jnp.where(negatives == target[:, None], -jnp.inf, wrong)
    scores = jnp.concatenate((right, wrong), 1)
    return (jax.nn.logsumexp(scores, 1) - right[:, 0]).mean()
