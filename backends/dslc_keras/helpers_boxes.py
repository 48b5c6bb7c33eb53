"""Helpers for boxes, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

import math

from keras import KerasTensor, ops


def box_iou(boxes: KerasTensor, others: KerasTensor) -> KerasTensor:
    """The shared area of each pair of boxes, as a share of both together. [..., R, S]."""
    a, b = ops.expand_dims(boxes, -2), ops.expand_dims(others, -3)
    low, high = ops.maximum(a[..., :2], b[..., :2]), ops.minimum(a[..., 2:], b[..., 2:])
    shared = ops.prod(ops.maximum(high - low, 0), axis=-1)
    areas = [ops.prod(x[..., 2:] - x[..., :2], axis=-1) for x in (a, b)]
    return shared / (areas[0] - (shared - areas[1]))


def box_encode(anchors: KerasTensor, boxes: KerasTensor) -> KerasTensor:
    """What leads from anchors to boxes: moves of the centre, logarithms of the growth."""
    sizes, grown = anchors[..., 2:] - anchors[..., :2], boxes[..., 2:] - boxes[..., :2]
    moved = (boxes[..., :2] + grown / 2 - anchors[..., :2] - sizes / 2) / sizes
    return ops.concatenate([moved, ops.log(grown / sizes)], axis=-1)


def box_decode(anchors: KerasTensor, moves: KerasTensor) -> KerasTensor:
    """The boxes to which moves lead from anchors."""
    sizes = anchors[..., 2:] - anchors[..., :2]
    centre = moves[..., :2] * sizes + (anchors[..., :2] + sizes / 2)
    half = sizes * ops.exp(ops.minimum(moves[..., 2:], math.log(1000 / 16))) / 2
    return ops.concatenate([centre - half, centre + half], axis=-1)


def match_boxes(
    anchors: KerasTensor,
    boxes: KerasTensor,
    valid: KerasTensor | None = None,
    *,
    high: float = 0.5,
    low: float | None = None,
    best: bool = False,
) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
    """The box that each anchor overlaps most, and the anchors that are taken for it or for none."""
    overlap = box_iou(anchors, boxes)
    if valid is not None:
        overlap = ops.where(valid[:, None], overlap, -1.0)
    most, ids = ops.max(overlap, axis=-1), ops.argmax(overlap, axis=-1)
    positive = most >= high
    if best:
        top, place = ops.max(overlap, axis=1), ops.argmax(overlap, axis=1)
        numbers = ops.cumsum(ops.ones_like(ids), axis=1) - 1
        own = ops.equal(numbers[..., None], place[:, None])
        own = ops.logical_and(own, (top > 0)[:, None])
        positive = ops.logical_or(positive, ops.any(own, axis=-1))
    negative = most < (high if low is None else low)
    return ids, positive, ops.logical_and(negative, ops.logical_not(positive))
