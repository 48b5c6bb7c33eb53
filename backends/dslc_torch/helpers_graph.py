"""Helpers for graphs, put into generated PyTorch modules word for word."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def segment_sum(x: Tensor, ids: Tensor, segments: int) -> Tensor:
    """The sum of the rows of each segment."""
    return x.new_zeros(segments, *x.shape[1:]).index_add(0, ids.long(), x)


def segment_mean(x: Tensor, ids: Tensor, segments: int) -> Tensor:
    """The mean of the rows of each segment; of none it is 0."""
    count = x.new_zeros(segments).index_add(0, ids.long(), x.new_ones(len(x))).clamp(min=1)
    return segment_sum(x, ids, segments) / count.reshape(-1, *(1,) * (x.ndim - 1))


def segment_max(x: Tensor, ids: Tensor, segments: int) -> Tensor:
    """The largest of the rows of each segment, place by place; of none it is 0."""
    places = ids.long().reshape(-1, *(1,) * (x.ndim - 1)).expand_as(x)
    found = x.new_zeros(segments, *x.shape[1:])
    return found.scatter_reduce(0, places, x, "amax", include_self=False)


def propagate(x: Tensor, edges: Tensor) -> Tensor:
    """Each row and its neighbours, divided by the root of both degrees, summed. [N, D]."""
    source, target = edges.long()
    degree = x.new_ones(len(x)).index_add(0, target, x.new_ones(len(target)))
    scale = degree.rsqrt()[:, None]
    y = x * scale
    return scale * y.index_add(0, target, y[source])


def mean_of_neighbours(x: Tensor, edges: Tensor) -> Tensor:
    """The mean of the rows from which edges end at a row; of none it is 0. [N, D]."""
    source, target = edges.long()
    count = x.new_zeros(len(x)).index_add(0, target, x.new_ones(len(target)))
    return torch.zeros_like(x).index_add(0, target, x[source]) / count.clamp(min=1)[:, None]


class GatConv(nn.Module):
    """Each row and its neighbours, weighed by the attention of each head. [N, D], [2, E]."""

    def __init__(
        self,
        dim: int,
        out: int,
        heads: int = 1,
        *,
        mean: bool = False,
        slope: float = 0.2,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.mean, self.slope = mean, slope
        self.weight = nn.Parameter(torch.empty(heads * out, dim))
        self.source = nn.Parameter(torch.empty(heads, out))
        self.target = nn.Parameter(torch.empty(heads, out))
        for weight in (self.weight, self.source, self.target):
            nn.init.kaiming_uniform_(weight, math.sqrt(5))
        self.bias = nn.Parameter(torch.zeros(out if mean else heads * out)) if bias else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        source, target = edges.long()
        y = F.linear(x, self.weight).unflatten(1, self.source.shape)
        told, asked = (y * self.source).sum(-1), (y * self.target).sum(-1)
        own = F.leaky_relu(told + asked, self.slope)
        scores = F.leaky_relu(told[source] + asked[target], self.slope)
        places = target[:, None].expand_as(scores)
        most = own.detach().scatter_reduce(0, places, scores.detach(), "amax")
        own, scores = (own - most).exp(), (scores - most[target]).exp()
        total = own.index_add(0, target, scores)
        own, scores = (self.dropout(w)[..., None] for w in (own / total, scores / total[target]))
        heard = (own * y).index_add(0, target, scores * y[source])
        z = heard.mean(1) if self.mean else heard.flatten(1)
        return z if self.bias is None else z + self.bias
