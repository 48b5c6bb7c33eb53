"""Helpers for graphs, put into generated JAX modules word for word."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array


def segment_sum(x: Array, ids: Array, segments: int) -> Array:
    """The sum of the rows of each segment."""
    return jax.ops.segment_sum(x, ids, segments)


def segment_mean(x: Array, ids: Array, segments: int) -> Array:
    """The mean of the rows of each segment; of none it is 0."""
    count = jnp.maximum(jax.ops.segment_sum(jnp.ones(len(x), x.dtype), ids, segments), 1)
    total = jax.ops.segment_sum(x, ids, segments)
    return total / count.reshape(-1, *(1,) * (x.ndim - 1))


def segment_max(x: Array, ids: Array, segments: int) -> Array:
    """The largest of the rows of each segment, place by place; of none it is 0."""
    found = jax.ops.segment_max(x, ids, segments)
    return jnp.where(jnp.isneginf(found), 0, found)


def propagate(x: Array, edges: Array) -> Array:
    """Each row and its neighbours, divided by the root of both degrees, summed. [N, D]."""
    source, target = edges
    scale = jax.lax.rsqrt(jnp.ones(len(x), x.dtype).at[target].add(1))[:, None]
    y = x * scale
    return scale * y.at[target].add(y[source])


def mean_of_neighbours(x: Array, edges: Array) -> Array:
    """The mean of the rows from which edges end at a row; of none it is 0. [N, D]."""
    source, target = edges
    count = jnp.maximum(jnp.zeros(len(x), x.dtype).at[target].add(1), 1)
    return jnp.zeros_like(x).at[target].add(x[source]) / count[:, None]


class GatConv(nnx.Module):
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
        rngs: nnx.Rngs,
    ) -> None:
        self.mean, self.slope = mean, slope
        start = nnx.initializers.variance_scaling(1 / 3, "fan_in", "uniform", -1, -2)
        self.weight = nnx.Param(start(rngs.params(), (heads * out, dim)))
        self.source = nnx.Param(start(rngs.params(), (heads, out)))
        self.target = nnx.Param(start(rngs.params(), (heads, out)))
        self.bias = nnx.Param(jnp.zeros(out if mean else heads * out)) if bias else None
        self.dropout = nnx.Dropout(dropout, rngs=rngs)

    def __call__(self, x: Array, edges: Array) -> Array:
        source, target = edges
        y = (x @ self.weight[...].T).reshape(len(x), *self.source.shape)
        told, asked = (y * self.source[...]).sum(-1), (y * self.target[...]).sum(-1)
        own = nnx.leaky_relu(told + asked, self.slope)
        scores = nnx.leaky_relu(told[source] + asked[target], self.slope)
        most = jax.lax.stop_gradient(own).at[target].max(jax.lax.stop_gradient(scores))
        own, scores = jnp.exp(own - most), jnp.exp(scores - most[target])
        total = own.at[target].add(scores)
        own, scores = (self.dropout(w)[..., None] for w in (own / total, scores / total[target]))
        heard = (own * y).at[target].add(scores * y[source])
        z = heard.mean(1) if self.mean else heard.reshape(len(x), -1)
        return z if self.bias is None else z + self.bias[...]
