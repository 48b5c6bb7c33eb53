"""Helpers for attention and positions, put into generated JAX modules word for word."""

import math
from collections.abc import Callable

import jax.numpy as jnp
from flax import nnx
from jax import Array


def attend(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None = None,
    bias: Array | None = None,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
    dropout: Callable[[Array], Array] | None = None,
) -> Array:
    """Attention of each head; what a query sees is told by a mask, its place and a window."""
    t, s, groups = q.shape[2], k.shape[2], q.shape[1] // k.shape[1]
    if groups > 1:
        k, v = (jnp.repeat(part, groups, axis=1) for part in (k, v))
    if causal or window is not None:
        ahead = jnp.arange(s) - jnp.arange(s - t, s)[:, None]
        seen = ahead <= 0 if causal else ahead < (window or s)
        seen = seen if window is None else seen & (ahead > -window)
        mask = seen if mask is None else mask & seen
    factor = q.shape[-1] ** -0.5 if scale is None else scale
    scores = jnp.einsum("nhtd,nhsd->nhts", q, k) * factor
    weights = nnx.softmax(scores if bias is None else scores + bias, where=mask)
    weights = weights if dropout is None else dropout(weights)
    return jnp.einsum("nhts,nhsd->nhtd", weights, v)


def rotate(
    x: Array,
    positions: Array | None = None,
    base: float = 10000.0,
    dim: int | None = None,
    interleaved: bool = False,
) -> Array:
    """Turns pairs of the first `dim` numbers by angles that grow with the place. [N, …, T, D]."""
    dim = dim or x.shape[-1]
    places = jnp.arange(x.shape[-2]) if positions is None else positions
    dtype = jnp.promote_types(x.dtype, jnp.float32)  # bfloat16 tells no far places apart
    angles = places[..., None] * base ** (-jnp.arange(0, dim, 2, dtype) / dim)
    angles = angles[:, None] if angles.ndim == 3 and x.ndim == 4 else angles
    cos, sin = jnp.cos(angles).astype(x.dtype), jnp.sin(angles).astype(x.dtype)
    turned, rest = x[..., :dim], x[..., dim:]
    a, b = (turned[..., ::2], turned[..., 1::2]) if interleaved else jnp.split(turned, 2, -1)
    pairs = jnp.stack((a * cos - b * sin, b * cos + a * sin), -1 if interleaved else -2)
    return jnp.concatenate((pairs.reshape(turned.shape), rest), -1)


class GroupedAttention(nnx.Module):
    """Attention between learned projections, whose heads of queries may share those of keys.

    f32[N, T, D], f32[N, S, E] -> f32[N, T, D]; query t stands at place t + S - T. A `mask` is true
    where attended, [N, S] or broadcastable to [N, heads, T, S]. The `bias` is added to the scores.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        head_dim: int | None = None,
        key_dim: int | None = None,
        value_dim: int | None = None,
        scale: float | None = None,
        causal: bool = False,
        window: int | None = None,
        qk_norm: float | None = None,
        rotary_base: float | None = None,
        rotary_dim: int | None = None,
        interleaved: bool = False,
        dropout: float = 0.0,
        bias: tuple[str, ...] = ("query", "key", "value", "out"),
        rngs: nnx.Rngs,
    ) -> None:
        size, shared = head_dim or dim // heads, kv_heads or heads
        self.size, self.scale, self.causal, self.window = size, scale, causal, window
        self.base, self.turned, self.interleaved = rotary_base, rotary_dim, interleaved
        self.qk_norm = qk_norm is not None
        self.query = nnx.Linear(dim, heads * size, use_bias="query" in bias, rngs=rngs)
        self.key = nnx.Linear(key_dim or dim, shared * size, use_bias="key" in bias, rngs=rngs)
        width = value_dim or key_dim or dim
        self.value = nnx.Linear(width, shared * size, use_bias="value" in bias, rngs=rngs)
        self.out = nnx.Linear(heads * size, dim, use_bias="out" in bias, rngs=rngs)
        if qk_norm is not None:
            self.query_norm = nnx.RMSNorm(size, epsilon=qk_norm, rngs=rngs)
            self.key_norm = nnx.RMSNorm(size, epsilon=qk_norm, rngs=rngs)
        self.dropout = nnx.Dropout(dropout, rngs=rngs) if dropout else None

    def __call__(
        self,
        query: Array,
        key: Array | None = None,
        value: Array | None = None,
        *,
        mask: Array | None = None,
        bias: Array | None = None,
    ) -> Array:
        key = query if key is None else key
        value = key if value is None else value
        q, k, v = (
            layer(x)
            .reshape(*x.shape[:2], layer.out_features // self.size, self.size)
            .swapaxes(1, 2)
            for layer, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        if self.qk_norm:
            q, k = self.query_norm(q), self.key_norm(k)
        if self.base is not None:
            s = k.shape[2]
            own, places = jnp.arange(s - q.shape[2], s), jnp.arange(s)
            q = rotate(q, own, self.base, self.turned, self.interleaved)
            k = rotate(k, places, self.base, self.turned, self.interleaved)
        if mask is not None and mask.ndim == 2:
            mask = mask[:, None, None]
        y = attend(
            q,
            k,
            v,
            mask=mask,
            bias=bias,
            causal=self.causal,
            window=self.window,
            scale=self.scale,
            dropout=self.dropout,
        )
        return self.out(y.swapaxes(1, 2).reshape(*query.shape[:2], self.query.out_features))


def waves(positions: Array, dim: int, *, base: float = 10000.0, interleaved: bool = True) -> Array:
    """The sines and cosines of places, in turn or one after the other."""
    angles = positions[..., None] * base ** (-jnp.arange(0, dim, 2, dtype=float) / dim)
    parts = jnp.stack((jnp.sin(angles), jnp.cos(angles)), -1 if interleaved else -2)
    return parts.reshape(*positions.shape, dim)


def alibi(query: Array, key: Array, heads: int) -> Array:
    """What each head adds to its scores, less the farther a key is. [heads, T, S]."""
    power = 1 << (heads.bit_length() - 1)
    slopes = [2 ** (-8 * (k + 1) / power) for k in range(power)]
    slopes += [2 ** (-4 * (2 * k + 1) / power) for k in range(heads - power)]
    t, s = query.shape[1], key.shape[1]
    distance = jnp.abs(jnp.arange(s) - jnp.arange(s - t, s)[:, None])
    return -jnp.array(slopes, query.dtype)[:, None, None] * distance


class RelativePositionBias(nnx.Module):
    """A learned number for each head and each way from one place of a window to another.

    -> f32[heads, P, P] of the P places of the window
    """

    def __init__(self, window: tuple[int, ...], heads: int) -> None:
        self.window = window
        self.weight = nnx.Param(jnp.zeros((math.prod(2 * n - 1 for n in window), heads)))

    def __call__(self) -> Array:
        index = jnp.zeros(1, int)
        for axis, n in zip(jnp.indices(self.window), self.window, strict=True):
            place = axis.ravel()
            index = index * (2 * n - 1) + place[:, None] - place + n - 1
        return self.weight[...][index].transpose(2, 0, 1)
