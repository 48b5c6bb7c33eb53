"""Helpers that draw the same bits in every framework, put into generated modules word for word."""

import math
from functools import cache
from statistics import NormalDist

import torch
from torch import Tensor, nn


def mix_bits(x: Tensor) -> Tensor:
    """Scatters the bits of 32-bit integers (Wellons, lowbias32)."""
    x = (x ^ (x >> 16 & 0xFFFF)) * 0x7FEB352D
    x = (x ^ (x >> 15 & 0x1FFFF)) * -0x7B935975
    return x ^ (x >> 16 & 0xFFFF)


@cache
def normal_table(device: torch.device) -> Tensor:
    """4096 numbers: the sum of any two, drawn apart, is normal with deviation 1."""
    quantiles = [NormalDist().inv_cdf((k + 0.5) / 4096) for k in range(4096)]
    spread = math.sqrt(2 * sum(q * q for q in quantiles) / 4096)
    return torch.tensor([q / spread for q in quantiles], device=device)


class Seeded(nn.Module):
    """Draws by a key, the number of the call and each place alone: the same in every framework."""

    key: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        key = torch.randint(2**31, (), dtype=torch.int32)
        self.register_buffer("key", key, persistent=False)
        self.register_buffer("count", torch.zeros_like(key), persistent=False)

    def bits(self, shape: tuple[int, ...]) -> Tensor:
        """Integers of 24 random bits."""
        places = torch.arange(math.prod(shape), dtype=torch.int32, device=self.key.device)
        found = mix_bits(mix_bits(places ^ self.key) ^ self.count) >> 8 & 0xFFFFFF
        self.count = self.count + 1  # a new tensor: what is compiled may still need the old one
        return found.reshape(shape)

    def shares(self, shape: tuple[int, ...]) -> Tensor:
        """Numbers between 0 and 1, both excluded."""
        return ((self.bits(shape) >> 1).float() + 0.5) * 2.0**-23

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        """Normal numbers."""
        bits, table = self.bits(shape), normal_table(self.key.device)
        return table[bits >> 12] + table[bits & 0xFFF]


class SeededDropout(Seeded):
    """Dropout; with `kept` the axes from there on share a number."""

    def __init__(self, rate: float, kept: int | None = None) -> None:
        super().__init__()
        self.rate, self.kept = rate, kept

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.rate):
            return x
        shape = x.shape if self.kept is None else x.shape[: self.kept]
        stays = self.bits((*shape, *(1,) * (x.ndim - len(shape)))) >= round(self.rate * 2**24)
        return x * (stays.to(x.dtype) * (1 / (1 - self.rate)))


class SeededNoise(Seeded):
    """In training adds normal numbers of a standard deviation."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: Tensor) -> Tensor:
        return x + self.std * self.normal(x.shape).to(x.dtype) if self.training else x


class SeededNormal(Seeded):
    """Normal numbers of a mean and a deviation."""

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, *shape: int) -> Tensor:
        return self.mean + self.std * self.normal(shape)


class SeededUniform(Seeded):
    """Numbers spread evenly between two bounds."""

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, *shape: int) -> Tensor:
        return self.low + (self.high - self.low) * self.shares(shape)


class SeededInteger(Seeded):
    """Integers from `low` up to, not including, `high`."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, *shape: int) -> Tensor:
        steps = (self.shares(shape) * (self.high - self.low)).floor().long()
        return self.low + steps.clamp(max=self.high - self.low - 1)


class SeededCategorical(Seeded):
    """A class for each row of logits, drawn at a temperature; at 0 it is the likeliest."""

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, logits: Tensor) -> Tensor:
        noise = -(-self.shares(logits.shape).log()).log()
        return (logits + self.temperature * noise.to(logits.dtype)).argmax(-1)


class SeededBernoulli(Seeded):
    """1 with a probability, else 0."""

    def forward(self, probability: Tensor) -> Tensor:
        return (self.shares(probability.shape) < probability).to(probability.dtype)


class SeededReparameterize(Seeded):
    """Normal numbers of a mean and a variance, through which gradients pass."""

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        std = (log_variance / 2).exp()
        shape = torch.broadcast_shapes(mean.shape, std.shape)
        return mean + self.temperature * std * self.normal(shape).to(mean.dtype)
