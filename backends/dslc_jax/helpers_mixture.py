"""Helpers for mixtures of experts, put into generated JAX modules word for word."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array


def route(logits: Array, k: int) -> Array:
    """The softmax over the k largest numbers of each row, 0 at all others."""
    least = jax.lax.top_k(logits, k)[0][..., -1:]
    return nnx.softmax(jnp.where(logits < least, -jnp.inf, logits))


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
        activation: Callable[[Array], Array] | None = None,
        rngs: nnx.Rngs,
    ) -> None:
        self.k, self.activation = k, activation
        start = nnx.initializers.normal(0.02)
        self.router = nnx.Param(start(rngs.params(), (experts, dim)))
        self.inner = nnx.Param(start(rngs.params(), (experts, hidden, dim)))
        self.outer = nnx.Param(start(rngs.params(), (experts, dim, hidden)))

    def __call__(self, x: Array) -> tuple[Array, Array]:
        logits = x @ self.router[...].T
        gates = route(logits, self.k)
        h = jnp.einsum("...d,ehd->...eh", x, self.inner[...])
        h = nnx.gelu(h, approximate=False) if self.activation is None else self.activation(h)
        y = jnp.einsum("...eh,edh,...e->...d", h, self.outer[...], gates)
        rows = tuple(range(x.ndim - 1))
        share, wanted = (gates > 0).mean(rows), nnx.softmax(logits).mean(rows)
        return y, (share * wanted).sum() * logits.shape[-1] / self.k
