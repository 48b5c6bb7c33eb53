"""Helpers for metrics, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

from keras import KerasTensor, ops

from dslc_keras.helpers_values import argmax


def precision(
    logits: KerasTensor, target: KerasTensor, axis: int = 1, positive: int = 1
) -> KerasTensor:
    """The share of the places taken for a class that are of it; 0 where none is taken for it."""
    found, _, both = counts(logits, target, axis, positive)
    return both / ops.maximum(found, 1)


def recall(
    logits: KerasTensor, target: KerasTensor, axis: int = 1, positive: int = 1
) -> KerasTensor:
    """The share of the places of a class that are taken for it; 0 where there are none."""
    _, there, both = counts(logits, target, axis, positive)
    return both / ops.maximum(there, 1)


def f1(logits: KerasTensor, target: KerasTensor, axis: int = 1, positive: int = 1) -> KerasTensor:
    """The harmonic mean of precision and recall of a class; 0 where both are."""
    found, there, both = counts(logits, target, axis, positive)
    return 2 * both / ops.maximum(found + there, 1)


def counts(
    logits: KerasTensor, target: KerasTensor, axis: int, positive: int
) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
    """How many places are taken for a class, are of it, and both."""
    found = ops.cast(ops.equal(argmax(logits, axis=axis), positive), "float32")
    there = ops.cast(ops.equal(target, positive), "float32")
    return ops.sum(found), ops.sum(there), ops.sum(found * there)


def mean_iou(logits: KerasTensor, target: KerasTensor, axis: int = 1) -> KerasTensor:
    """The mean over classes of intersection over union, of those that are found or there."""
    others = tuple(k for k in range(len(logits.shape)) if k != axis % len(logits.shape))
    classes = ops.cast(ops.cumsum(ops.ones_like(logits), axis=axis) - 1, "int32")
    ids = (argmax(logits, axis=axis), target)
    found, there = (
        ops.cast(ops.equal(ops.expand_dims(ops.cast(x, "int32"), axis), classes), "float32")
        for x in ids
    )
    both = ops.sum(ops.minimum(found, there), axis=others)
    either = ops.sum(ops.maximum(found, there), axis=others)
    return ops.sum(both / ops.maximum(either, 1)) / ops.sum(ops.cast(either > 0, "float32"))


def auc(scores: KerasTensor, target: KerasTensor) -> KerasTensor:
    """The share of pairs whose place of class 1 scores higher; equal scores count as half."""
    scores, target = ops.reshape(scores, (-1,)), ops.reshape(target, (-1,))
    apart = scores[:, None] - scores
    wins = (ops.sign(apart) + 1) / 2
    positive, negative = (ops.cast(ops.equal(target, k), "float32") for k in (1, 0))
    pairs = positive[:, None] * negative
    return ops.sum(wins * pairs) / ops.maximum(ops.sum(pairs), 1)


def r2(x: KerasTensor, target: KerasTensor) -> KerasTensor:
    """1 less the squared errors' share of the target's variance."""
    return 1 - ops.sum(ops.square(target - x)) / ops.sum(ops.square(target - ops.mean(target)))
