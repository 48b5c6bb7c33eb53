"""Helpers for mixtures of experts, put into generated PyTorch modules word for word."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def route(logits: Tensor, k: int) -> Tensor:
    """The softmax over the k largest numbers of each row, 0 at all others."""
    least = logits.topk(k).values[..., -1:]
    return logits.masked_fill(logits < least, float("-inf")).softmax(-1)


def within_capacity(gates: Tensor, k: int, capacity: float) -> Tensor:
    """The gates of the rows that each expert has room for, which come first; 0 for the others."""
    taken = (gates > 0).flatten(0, -2)
    rows, experts = taken.shape
    limit = -(-rows * k * round(1000 * capacity) // (1000 * experts))
    return gates * (taken.cumsum(0) <= limit).view(gates.shape)


class MixtureOfExperts(nn.Module):
    """Small networks side by side, of which each row is given to the k that a router picks.

    f32[..., D] -> f32[..., D], and how unevenly rows are spread, 1 where evenly.
    """

    def __init__(
        self,
        dim: int,
        experts: int,
        hidden: int,
        *,
        k: int = 2,
        capacity: float | None = None,
        activation: Callable[[Tensor], Tensor] = F.gelu,
    ) -> None:
        super().__init__()
        self.k, self.capacity, self.activation = k, capacity, activation
        self.router = nn.Parameter(torch.randn(experts, dim) * 0.02)
        self.inner = nn.Parameter(torch.randn(experts, hidden, dim) * 0.02)
        self.outer = nn.Parameter(torch.randn(experts, dim, hidden) * 0.02)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = F.linear(x, self.router)
        gates = whole = route(logits, self.k)
        if self.capacity is not None:
            gates = within_capacity(gates, self.k, self.capacity)
        h = self.activation(torch.einsum("...d,ehd->...eh", x, self.inner))
        y = torch.einsum("...eh,edh,...e->...d", h, self.outer, gates)
        share = (whole > 0).to(gates.dtype).flatten(0, -2).mean(0)
        wanted = logits.softmax(-1).flatten(0, -2).mean(0)
        return y, (share * wanted).sum() * logits.shape[-1] / self.k
