"""Helpers for layers whose weight is made of others, put into generated modules word for word."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array


def with_kernel(layer: Any, kernel: Array) -> Any:
    """A layer with another kernel."""
    parts: tuple[Any, Any] = nnx.split(layer)
    graph, state = parts
    state["kernel"] = state["kernel"].replace(kernel)
    return nnx.merge(graph, state)


class WeightNorm(nnx.Module):
    """A layer whose kernel has a learned length and direction for each output."""

    portable_names = (  # in the weight file
        ("weight", "parametrizations.weight.original1"),
        ("scale", "parametrizations.weight.original0"),
    )

    def __init__(self, layer: Any) -> None:
        kernel = layer.kernel[...]
        self.layer = layer
        self.scale = nnx.Param(jnp.ones((kernel.shape[-1], *(1,) * (kernel.ndim - 1))))

    def __call__(self, x: Array) -> Array:
        kernel = self.layer.kernel[...]
        length = jnp.sqrt((kernel * kernel).sum(range(kernel.ndim - 1)))
        return with_kernel(self.layer, kernel * (self.scale[...].ravel() / length))(x)


class SpectralNorm(nnx.Module):
    """A layer whose kernel is divided by an estimate of its largest singular value.

    In training each run moves the estimate by one power iteration.
    """

    portable_names = (  # in the weight file
        ("weight", "parametrizations.weight.original"),
        ("u", "parametrizations.weight.0._u"),
        ("v", "parametrizations.weight.0._v"),
    )

    def __init__(self, layer: Any) -> None:
        kernel = layer.kernel[...]
        self.layer = layer
        self.deterministic = False
        self.u = nnx.BatchStat(jnp.ones(kernel.shape[-1]))
        self.v = nnx.BatchStat(jnp.ones(kernel.size // kernel.shape[-1]))

    def __call__(self, x: Array) -> Array:
        kernel = self.layer.kernel[...]
        rank = kernel.ndim
        matrix = kernel.transpose(rank - 1, rank - 2, *range(rank - 2)).reshape(len(self.u), -1)
        u, v = self.u[...], self.v[...]
        if not self.deterministic:
            fixed = jax.lax.stop_gradient(matrix)
            u = fixed @ v
            u = u / jnp.maximum(jnp.linalg.norm(u), 1e-12)
            v = u @ fixed
            v = v / jnp.maximum(jnp.linalg.norm(v), 1e-12)
            self.u[...], self.v[...] = u, v
        return with_kernel(self.layer, kernel / (u @ (matrix @ v)))(x)
