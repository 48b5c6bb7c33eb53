"""Helpers for mixtures of experts, put into generated JAX modules word for word."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array


def route(logits: Array, k: int) -> Array:
    """The softmax over the k largest numbers of each row, 0 at all others.

    Comparing alone may leave some out: XLA may compute `logits` once more, rounded otherwise.
    """
    largest, places = jax.lax.top_k(logits, k)
    found = (places[..., None] == jnp.arange(logits.shape[-1])).any(-2)
    return nnx.softmax(jnp.where(found | (logits >= largest[..., -1:]), logits, -jnp.inf))


def within_capacity(gates: Array, k: int, capacity: float) -> Array:
    """The gates of the rows that each expert has room for, which come first; 0 for the others."""
    taken = (gates > 0).reshape(-1, gates.shape[-1])
    rows, experts = taken.shape
    limit = -(-rows * k * round(1000 * capacity) // (1000 * experts))
    return gates * (taken.cumsum(0) <= limit).reshape(gates.shape)


class MixtureOfExperts(nnx.Module):
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
        activation: Callable[[Array], Array] | None = None,
        rngs: nnx.Rngs,
    ) -> None:
        self.k, self.capacity, self.activation = k, capacity, activation
        start = nnx.initializers.normal(0.02)
        self.router = nnx.Param(start(rngs.params(), (experts, dim)))
        self.inner = nnx.Param(start(rngs.params(), (experts, hidden, dim)))
        self.outer = nnx.Param(start(rngs.params(), (experts, dim, hidden)))

    def __call__(self, x: Array) -> tuple[Array, Array]:
        logits = x @ self.router[...].T
        gates = whole = route(logits, self.k)
        if self.capacity is not None:
            gates = within_capacity(gates, self.k, self.capacity)
        h = jnp.einsum("...d,ehd->...eh", x, self.inner[...])
        h = nnx.gelu(h, approximate=False) if self.activation is None else self.activation(h)
        y = jnp.einsum("...eh,edh,...e->...d", h, self.outer[...], gates)
        rows = tuple(range(x.ndim - 1))
        share, wanted = (whole > 0).mean(rows), nnx.softmax(logits).mean(rows)
        return y, (share * wanted).sum() * logits.shape[-1] / self.k
