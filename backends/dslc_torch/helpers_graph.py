"""Helpers for graphs, put into generated PyTorch modules word for word."""

import torch
from torch import Tensor


def segment_sum(x: Tensor, ids: Tensor, segments: int) -> Tensor:
    """The sum of the rows of each segment."""
    return x.new_zeros(segments, *x.shape[1:]).index_add(0, ids, x)


def segment_mean(x: Tensor, ids: Tensor, segments: int) -> Tensor:
    """The mean of the rows of each segment; of none it is 0."""
    count = x.new_zeros(segments).index_add(0, ids, x.new_ones(len(x))).clamp(min=1)
    return segment_sum(x, ids, segments) / count.reshape(-1, *(1,) * (x.ndim - 1))


def segment_max(x: Tensor, ids: Tensor, segments: int) -> Tensor:
    """The largest of the rows of each segment, place by place; of none it is 0."""
    places = ids.long().reshape(-1, *(1,) * (x.ndim - 1)).expand_as(x)
    found = x.new_zeros(segments, *x.shape[1:])
    return found.scatter_reduce(0, places, x, "amax", include_self=False)


def propagate(x: Tensor, edges: Tensor) -> Tensor:
    """Each row and its neighbours, divided by the root of both degrees, summed. [N, D]."""
    source, target = edges
    degree = x.new_ones(len(x)).index_add(0, target, x.new_ones(len(target)))
    scale = degree.rsqrt()[:, None]
    y = x * scale
    return scale * y.index_add(0, target, y[source])


def mean_of_neighbours(x: Tensor, edges: Tensor) -> Tensor:
    """The mean of the rows from which edges end at a row; of none it is 0. [N, D]."""
    source, target = edges
    count = x.new_zeros(len(x)).index_add(0, target, x.new_ones(len(target)))
    return torch.zeros_like(x).index_add(0, target, x[source]) / count.clamp(min=1)[:, None]
