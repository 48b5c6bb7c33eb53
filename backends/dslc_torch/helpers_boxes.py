"""Helpers for boxes, put into generated PyTorch modules word for word."""

import math

import torch
from torch import Tensor


def box_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """The shared area of each pair of boxes, as a share of both together. [..., R, S]."""
    a, b = boxes[..., :, None, :], others[..., None, :, :]
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    return shared / (
        (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - shared
    )


def box_encode(anchors: Tensor, boxes: Tensor) -> Tensor:
    """What leads from anchors to boxes: moves of the centre, logarithms of the growth."""
    sizes, grown = anchors[..., 2:] - anchors[..., :2], boxes[..., 2:] - boxes[..., :2]
    moved = (boxes[..., :2] + grown / 2 - anchors[..., :2] - sizes / 2) / sizes
    return torch.cat([moved, (grown / sizes).log()], -1)


def box_decode(anchors: Tensor, moves: Tensor) -> Tensor:
    """The boxes to which moves lead from anchors."""
    sizes = anchors[..., 2:] - anchors[..., :2]
    centre = anchors[..., :2] + sizes / 2 + moves[..., :2] * sizes
    half = sizes * moves[..., 2:].clamp(max=math.log(1000 / 16)).exp() / 2
    return torch.cat([centre - half, centre + half], -1)


def match_boxes(
    anchors: Tensor,
    boxes: Tensor,
    valid: Tensor | None = None,
    *,
    high: float = 0.5,
    low: float | None = None,
    best: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """The box that each anchor overlaps most, and the anchors that are taken for it or for none."""
    overlap = box_iou(anchors.detach(), boxes.detach())
    if valid is not None:
        overlap = overlap.masked_fill(~valid[:, None], -1)
    most, ids = overlap.max(-1)
    positive = most >= high
    if best:
        top, place = overlap.max(1, keepdim=True)
        own = torch.arange(overlap.shape[1], device=boxes.device)[:, None] == place
        positive = positive | (own & (top > 0)).any(-1)
    return ids, positive, (most < (high if low is None else low)) & ~positive
