"""Helpers for losses, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

import math
from typing import Any

import keras
from keras import KerasTensor, layers, ops


def masked_cross_entropy(
    logits: KerasTensor,
    target: KerasTensor,
    ignore_index: int,
    *,
    axis: int = -1,
    label_smoothing: float = 0.0,
) -> KerasTensor:
    """The mean of -log softmax(logits)[target] over the places whose target is another."""
    scores = ops.log_softmax(logits, axis=axis)
    kept = ops.not_equal(target, ignore_index)
    places = ops.expand_dims(ops.where(kept, target, ops.zeros_like(target)), axis)
    picked = ops.squeeze(ops.take_along_axis(scores, places, axis=axis), axis)
    each = (1 - label_smoothing) * picked + label_smoothing * ops.mean(scores, axis=axis)
    kept = ops.cast(kept, each.dtype)
    return -ops.sum(each * kept) / ops.sum(kept)


def weighted_cross_entropy(
    logits: KerasTensor,
    target: KerasTensor,
    weights: list[float],
    *,
    axis: int = -1,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> KerasTensor:
    """The mean of -log softmax(logits)[target] in which each place counts as its class does."""
    scores = ops.moveaxis(ops.log_softmax(logits, axis=axis), axis, -1)
    factors = ops.convert_to_tensor(weights, scores.dtype)
    kept = (
        ops.equal(target, target) if ignore_index is None else ops.not_equal(target, ignore_index)
    )
    ids = ops.where(kept, target, ops.zeros_like(target))
    kept = ops.cast(kept, scores.dtype)
    each = ops.take(factors, ids) * kept
    picked = ops.take_along_axis(scores, ops.expand_dims(ids, -1), axis=-1)[..., 0]
    right = ops.sum(each * picked) * (1 - label_smoothing)
    spread = ops.sum(ops.sum(scores * factors, axis=-1) * kept) * label_smoothing / len(weights)
    return -(right + spread) / ops.sum(each)


def focal(
    x: KerasTensor, target: KerasTensor, *, gamma: float = 2.0, alpha: float | None = None
) -> KerasTensor:
    """Binary cross-entropy of logits that counts easy places less."""
    entropy, p = ops.softplus(x) - x * target, ops.sigmoid(x)
    missed = p + target - 2 * p * target
    share = 1.0 if alpha is None else alpha * target + (1 - alpha) * (1 - target)
    return ops.mean(share * missed**gamma * entropy)


def dice(x: KerasTensor, target: KerasTensor, *, smooth: float = 1.0) -> KerasTensor:
    """How far probabilities are from covering the targets, the mean over rows."""
    axes = tuple(range(1, len(x.shape)))
    whole = ops.sum(x, axis=axes) + ops.sum(target, axis=axes) + smooth
    return ops.mean(1 - (2 * ops.sum(x * target, axis=axes) + smooth) / whole)


def gaussian_kl(mean: KerasTensor, log_variance: KerasTensor) -> KerasTensor:
    """The divergence of normal distributions from the standard one, the mean over rows."""
    parts = ops.square(mean) + ops.exp(log_variance) - 1 - log_variance
    return ops.mean(ops.sum(parts, axis=tuple(range(1, len(mean.shape))))) / 2


def triplet(
    anchor: KerasTensor, positive: KerasTensor, negative: KerasTensor, *, margin: float = 1.0
) -> KerasTensor:
    """How much nearer the negative is than it should be, the mean over rows."""
    near, far = (
        ops.sqrt(ops.sum(ops.square(anchor - x), axis=1) + 1e-12) for x in (positive, negative)
    )
    return ops.mean(ops.relu(near - far + margin))


def contrastive(x: KerasTensor, y: KerasTensor, *, temperature: float = 0.07) -> KerasTensor:
    """The cross-entropy of each row finding its own among all others."""
    norms = (ops.maximum(ops.sum(ops.square(z), axis=1, keepdims=True), 1e-16) for z in (x, y))
    x, y = (z * ops.rsqrt(norm) for z, norm in zip((x, y), norms, strict=True))
    logits = ops.matmul(x, ops.transpose(y)) / temperature
    return -ops.mean(ops.diagonal(ops.log_softmax(logits, axis=1)))


@keras.saving.register_keras_serializable(package="dslc")
class Ctc(layers.Layer):
    """How unlikely logits make a target, however aligned, the mean over rows. [N, T, C], [N, S]."""

    def __init__(self, blank: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.blank = blank

    def call(
        self,
        logits: KerasTensor,
        target: KerasTensor,
        lengths: KerasTensor | None = None,
        target_lengths: KerasTensor | None = None,
    ) -> KerasTensor:
        (n, t, _), s = ops.shape(logits), ops.shape(target)[1]
        lengths = ops.full((n,), t) if lengths is None else lengths
        wanted = ops.full((n,), s) if target_lengths is None else target_lengths
        lengths, wanted = ops.cast(lengths, "int32"), ops.cast(wanted, "int32")
        read = ops.arange(1, s) < wanted[:, None]
        repeats = ops.logical_and(ops.equal(target[:, 1:], target[:, :-1]), read)
        fits = wanted + ops.sum(ops.cast(repeats, "int32"), axis=1) <= lengths
        known = ops.where(fits, wanted, 0)  # what does not fit has no gradient either
        each = ops.ctc_loss(target, logits, known, lengths, mask_index=self.blank)
        each = each / ops.cast(ops.maximum(wanted, 1), each.dtype)
        return ops.cast(ops.mean(ops.where(fits, each, 0.0)), logits.dtype)

    def compute_output_spec(self, logits: KerasTensor, *_: Any, **__: Any) -> KerasTensor:
        return KerasTensor((), dtype=logits.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "blank": self.blank}


def negative_sampling(
    x: KerasTensor, table: KerasTensor, target: KerasTensor, negatives: KerasTensor
) -> KerasTensor:
    """What tells each row's target from negatives, by its products with rows of a table."""
    right = ops.sum(x * ops.take(table, target, axis=0), axis=-1)
    wrong = ops.einsum("nd,nkd->nk", x, ops.take(table, negatives, axis=0))
    return ops.mean(ops.softplus(-right) + ops.sum(ops.softplus(wrong), axis=-1))


def sampled_softmax(
    x: KerasTensor, table: KerasTensor, target: KerasTensor, negatives: KerasTensor
) -> KerasTensor:
    """The cross-entropy of each row's target among itself and negatives."""
    right = ops.sum(x * ops.take(table, target, axis=0), axis=-1, keepdims=True)
    wrong = ops.einsum("nd,nkd->nk", x, ops.take(table, negatives, axis=0))
    wrong = ops.where(ops.equal(negatives, ops.expand_dims(target, 1)), -math.inf, wrong)
    scores = ops.log_softmax(ops.concatenate([right, wrong], axis=1), axis=1)
    return -ops.mean(scores[:, 0])
