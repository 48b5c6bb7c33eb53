"""Helpers that draw the same bits in every framework, put into generated modules word for word."""

import math
from functools import cache
from statistics import NormalDist

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array


def mix_bits(x: Array) -> Array:
    """Scatters the bits of 32-bit integers (Wellons, lowbias32)."""
    x = (x ^ x >> 16) * jnp.uint32(0x7FEB352D)
    x = (x ^ x >> 15) * jnp.uint32(0x846CA68B)
    return x ^ x >> 16


@cache
def normal_table() -> tuple[float, ...]:
    """4096 numbers: the sum of any two, drawn apart, is normal with deviation 1."""
    quantiles = [NormalDist().inv_cdf((k + 0.5) / 4096) for k in range(4096)]
    spread = math.sqrt(2 * sum(q * q for q in quantiles) / 4096)
    return tuple(q / spread for q in quantiles)


class Seeded(nnx.Module):
    """Draws by a key, the number of the call and each place alone: the same in every framework.

    Places count in the spec's order; with `last` the channels of what is drawn are its last axis.
    """

    def __init__(self, *, last: bool = False, rngs: nnx.Rngs) -> None:
        self.last = last
        self.deterministic = False
        self.key = nnx.RngKey(jax.random.bits(rngs.draws(), (), jnp.uint32) >> 1, tag="draws")
        self.count = nnx.RngCount(jnp.zeros((), jnp.uint32), tag="draws")

    def bits(self, shape: tuple[int, ...]) -> Array:
        """Integers of 24 random bits."""
        shape = (shape[0], shape[-1], *shape[1:-1]) if self.last else shape
        places = jnp.arange(math.prod(shape), dtype=jnp.uint32)
        found = mix_bits(mix_bits(places ^ self.key[...]) ^ self.count[...]) >> 8
        self.count[...] += 1
        found = found.astype(jnp.int32).reshape(shape)
        return jnp.moveaxis(found, 1, -1) if self.last else found

    def shares(self, shape: tuple[int, ...]) -> Array:
        """Numbers between 0 and 1, both excluded."""
        return ((self.bits(shape) >> 1).astype(jnp.float32) + 0.5) * 2.0**-23

    def normal(self, shape: tuple[int, ...]) -> Array:
        """Normal numbers."""
        bits, table = self.bits(shape), jnp.array(normal_table(), jnp.float32)
        return table[bits >> 12] + table[bits & 0xFFF]


class SeededDropout(Seeded):
    """Dropout, in whose mask some axes share a number."""

    def __init__(
        self,
        rate: float,
        broadcast_dims: tuple[int, ...] = (),
        *,
        last: bool = False,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(last=last, rngs=rngs)
        self.rate, self.broadcast_dims = rate, broadcast_dims

    def __call__(self, x: Array) -> Array:
        if self.deterministic or not self.rate:
            return x
        shape = tuple(1 if k in self.broadcast_dims else size for k, size in enumerate(x.shape))
        stays = self.bits(shape) >= round(self.rate * 2**24)
        return x * (stays.astype(x.dtype) * (1 / (1 - self.rate)))


class SeededNoise(Seeded):
    """In training adds normal numbers of a standard deviation."""

    def __init__(self, std: float, *, last: bool = False, rngs: nnx.Rngs) -> None:
        super().__init__(last=last, rngs=rngs)
        self.std = std

    def __call__(self, x: Array) -> Array:
        if self.deterministic or not self.std:
            return x
        return x + self.std * self.normal(x.shape).astype(x.dtype)


class SeededNormal(Seeded):
    """Normal numbers of a mean and a deviation."""

    def __init__(self, mean: float = 0.0, std: float = 1.0, *, rngs: nnx.Rngs) -> None:
        super().__init__(rngs=rngs)
        self.mean, self.std = mean, std

    def __call__(self, *shape: int) -> Array:
        return self.mean + self.std * self.normal(shape)


class SeededUniform(Seeded):
    """Numbers spread evenly between two bounds."""

    def __init__(self, low: float = 0.0, high: float = 1.0, *, rngs: nnx.Rngs) -> None:
        super().__init__(rngs=rngs)
        self.low, self.high = low, high

    def __call__(self, *shape: int) -> Array:
        return self.low + (self.high - self.low) * self.shares(shape)


class SeededInteger(Seeded):
    """Integers from `low` up to, not including, `high`."""

    def __init__(self, low: int, high: int, *, rngs: nnx.Rngs) -> None:
        super().__init__(rngs=rngs)
        self.low, self.high = low, high

    def __call__(self, *shape: int) -> Array:
        steps = jnp.floor(self.shares(shape) * (self.high - self.low)).astype(jnp.int32)
        return self.low + jnp.minimum(steps, self.high - self.low - 1)


class SeededCategorical(Seeded):
    """A class for each row of logits, drawn at a temperature; at 0 it is the likeliest."""

    def __init__(self, temperature: float = 1.0, *, rngs: nnx.Rngs) -> None:
        super().__init__(rngs=rngs)
        self.temperature = temperature

    def __call__(self, logits: Array) -> Array:
        noise = -jnp.log(-jnp.log(self.shares(logits.shape)))
        return (logits + self.temperature * noise.astype(logits.dtype)).argmax(-1)


class SeededBernoulli(Seeded):
    """1 with a probability, else 0."""

    def __call__(self, probability: Array) -> Array:
        return (self.shares(probability.shape) < probability).astype(probability.dtype)


class SeededReparameterize(Seeded):
    """Normal numbers of a mean and a variance, through which gradients pass."""

    def __init__(self, temperature: float = 1.0, *, last: bool = False, rngs: nnx.Rngs) -> None:
        super().__init__(last=last, rngs=rngs)
        self.temperature = temperature

    def __call__(self, mean: Array, log_variance: Array) -> Array:
        std = jnp.exp(log_variance / 2)
        noise = self.normal(jnp.broadcast_shapes(mean.shape, std.shape))
        return mean + self.temperature * std * noise.astype(mean.dtype)
