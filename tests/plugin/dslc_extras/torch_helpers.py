"""Copied into generated PyTorch modules word for word."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class LowRank(nn.Module):
    """A linear map through `rank` values."""

    def __init__(self, width: int, out: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, width) * 0.1)
        self.up = nn.Parameter(torch.randn(out, rank) * 0.1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(functional.linear(x, self.down), self.up)
