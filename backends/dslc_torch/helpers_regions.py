"""Helpers for regions of images, put into generated PyTorch modules word for word."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def anchor_boxes(
    x: Tensor,
    sizes: Sequence[float],
    ratios: Sequence[float],
    stride: int,
    *,
    offset: float = 0.0,
    rounded: bool = False,
) -> Tensor:
    """Boxes of all sizes and ratios around each place of an image. [H * W * ratios * sizes, 4]."""
    high, wide = x.shape[2:]
    size, ratio = (torch.tensor(n, dtype=x.dtype, device=x.device) for n in (sizes, ratios))
    roots = ratio.sqrt().reshape(-1, 1)
    half = torch.stack([(size / roots).flatten(), (size * roots).flatten()], -1) / 2
    half = half.round() if rounded else half
    xs, ys = (
        (torch.arange(n, dtype=x.dtype, device=x.device) + offset) * stride for n in (wide, high)
    )
    centre = torch.stack(torch.meshgrid(xs, ys, indexing="xy"), -1)[:, :, None]
    return torch.cat([centre - half, centre + half], -1).flatten(0, 2)


def sample_balanced(
    positive: Tensor,
    negative: Tensor,
    most: int,
    *,
    share: float = 0.5,
    shuffle: bool = True,
    order: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Places of each row, positive ones first, and which of the `most` there are. [N, most]."""
    count = positive.shape[1]
    ordered = 1 - torch.arange(1, count + 1, device=positive.device) / 2**22  # exact
    if order is None:
        order = torch.rand(positive.shape, device=positive.device) if shuffle else ordered
    least = torch.full((), -1.0, device=positive.device)
    own, wanted = torch.where(positive, order, least), int(most * share)
    limit = F.pad(own, (0, wanted), value=-1.0).topk(wanted).values[:, -1:]
    others = torch.where(negative & ~positive, order, least)
    scores = torch.where(positive & (own >= limit), order + 1, others)
    found, ids = F.pad(scores, (0, most), value=-1.0).topk(most)
    return ids.masked_fill(found < 0, 0), found >= 1, found >= 0


def non_max_suppression(
    boxes: Tensor,
    scores: Tensor,
    classes: Tensor | None = None,
    *,
    most: int,
    iou: float = 0.5,
    score: float = float("-inf"),
) -> tuple[Tensor, Tensor]:
    """The boxes that no better one overlaps too much, and which of the `most` there are."""
    left = scores.detach().masked_fill(scores <= score, float("-inf"))
    sides = boxes.detach().movedim(-1, 0).contiguous()
    x1, y1, x2, y2 = sides
    areas = (x2 - x1) * (y2 - y1)
    found: list[Tensor] = []
    valid: list[Tensor] = []
    for _ in range(most):
        best, place = left.max(-1, keepdim=True)
        a, b, c, d = sides.gather(2, place.expand(4, -1, -1))
        wide = (torch.minimum(x2, c) - torch.maximum(x1, a)).clamp_(min=0)
        shared = wide.mul_((torch.minimum(y2, d) - torch.maximum(y1, b)).clamp_(min=0))
        gone = shared > iou * (areas + (c - a) * (d - b) - shared)
        if classes is not None:
            gone &= classes == classes.gather(1, place)
        left = left.masked_fill_(gone, float("-inf")).scatter_(1, place, float("-inf"))
        found.append(place)
        valid.append(best > float("-inf"))
    there = torch.cat(valid, 1)
    return torch.cat(found, 1).masked_fill(~there, 0), there


def roi_align(
    x: Tensor,
    boxes: Tensor,
    out: int | tuple[int, int],
    *,
    scale: float = 1.0,
    samples: int = 2,
    aligned: bool = True,
) -> Tensor:
    """What is seen inside boxes. [N, C, H, W], [N, R, 4] -> [N * R, C, *out]."""
    (n, _, *sizes), r = x.shape, boxes.shape[1]
    counts = [k * samples for k in ((out, out) if isinstance(out, int) else out)]
    boxes = boxes * scale - (0.5 if aligned else 0.0)
    places: list[Tensor] = []
    for axis, (size, count) in enumerate(zip(sizes[::-1], counts[::-1], strict=True)):
        start, end = boxes[..., axis, None], boxes[..., axis + 2, None]
        length = end - start if aligned else (end - start).clamp(min=1)
        cells = (torch.arange(count, dtype=x.dtype, device=x.device) + 0.5) / count
        at = start + length * cells
        inside = (at >= -1) & (at <= size)
        at = (2 * at.clamp(0, size - 1) + 1) / size - 1
        places.append(at.masked_fill(~inside, -4))  # as far outside as to be 0
    shape = (n, r, *counts)
    pairs = (places[0][:, :, None], places[1][..., None])
    grid = torch.stack([part.expand(shape) for part in pairs], -1).flatten(1, 2)
    seen = F.avg_pool2d(F.grid_sample(x, grid, align_corners=False), samples)
    return seen.unflatten(2, (r, -1)).transpose(1, 2).flatten(0, 1)
