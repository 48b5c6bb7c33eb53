"""Helpers for attention and positions, put into generated PyTorch modules word for word."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Attention of each head; what a query sees is told by a mask, its place and a window."""
    t, s = q.shape[2], k.shape[2]
    is_causal = causal and window is None and mask is None and bias is None and t == s
    if window is not None or (causal and not is_causal):
        ahead = torch.arange(s, device=q.device) - torch.arange(s - t, s, device=q.device)[:, None]
        seen = ahead <= 0 if causal else ahead < (window or s)
        seen = seen if window is None else seen & (ahead > -window)
        mask = seen if mask is None else mask & seen
    if bias is not None:
        mask = bias if mask is None else torch.where(mask, bias, float("-inf"))
    grouped = q.shape[1] != k.shape[1]
    return F.scaled_dot_product_attention(
        q, k, v, mask, dropout, is_causal, scale=scale, enable_gqa=grouped
    )


def rotate(
    x: Tensor,
    positions: Tensor | None = None,
    base: float = 10000.0,
    dim: int | None = None,
    interleaved: bool = False,
) -> Tensor:
    """Turns pairs of the first `dim` numbers by angles that grow with the place. [N, …, T, D]."""
    dim = dim or x.shape[-1]
    places = torch.arange(x.shape[-2], device=x.device) if positions is None else positions
    dtype = torch.promote_types(x.dtype, torch.float32)  # bfloat16 tells no far places apart
    rates = base ** (-torch.arange(0, dim, 2, device=x.device, dtype=dtype) / dim)
    angles = places.unsqueeze(-1) * rates
    angles = angles.unsqueeze(1) if angles.ndim == 3 and x.ndim == 4 else angles
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    turned, rest = x[..., :dim], x[..., dim:]
    a, b = (turned[..., ::2], turned[..., 1::2]) if interleaved else turned.chunk(2, -1)
    pairs = torch.stack((a * cos - b * sin, b * cos + a * sin), -1 if interleaved else -2)
    return torch.cat((pairs.flatten(-2), rest), -1)


class GroupedAttention(nn.Module):
    """Attention between learned projections, whose heads of queries may share those of keys.

    f32[N, T, D], f32[N, S, E] -> f32[N, T, D]; mask is true where attended, [N, S] or broadcastable
    to [N, heads, T, S], and bias is added to the scores; query t stands at place t + S - T.
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
    ) -> None:
        super().__init__()
        size, shared = head_dim or dim // heads, kv_heads or heads
        self.size, self.scale, self.causal, self.window = size, scale, causal, window
        self.base, self.turned, self.interleaved = rotary_base, rotary_dim, interleaved
        self.rate = dropout
        self.query = nn.Linear(dim, heads * size, bias="query" in bias)
        self.key = nn.Linear(key_dim or dim, shared * size, bias="key" in bias)
        self.value = nn.Linear(value_dim or key_dim or dim, shared * size, bias="value" in bias)
        self.out = nn.Linear(heads * size, dim, bias="out" in bias)
        self.query_norm = nn.Identity() if qk_norm is None else nn.RMSNorm(size, qk_norm)
        self.key_norm = nn.Identity() if qk_norm is None else nn.RMSNorm(size, qk_norm)

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        *,
        mask: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> Tensor:
        key = query if key is None else key
        value = key if value is None else value
        q, k, v = (
            layer(x).unflatten(2, (-1, self.size)).transpose(1, 2)
            for layer, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        q, k = self.query_norm(q), self.key_norm(k)
        if self.base is not None:
            s = k.shape[2]
            own, places = (torch.arange(n, s, device=k.device) for n in (s - q.shape[2], 0))
            options = (self.base, self.turned, self.interleaved)
            q, k = rotate(q, own, *options), rotate(k, places, *options)
        mask = mask[:, None, None] if mask is not None and mask.ndim == 2 else mask
        return self.out(self.attend(q, k, v, mask, bias).transpose(1, 2).flatten(2))

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, bias: Tensor | None
    ) -> Tensor:
        """Attention of each head, [N, heads, T, size]."""
        rate, near = self.rate if self.training else 0.0, self.window
        seen = (q, k, v, mask, bias)
        return attend(*seen, causal=self.causal, window=near, scale=self.scale, dropout=rate)


def attend_dropping(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    dropout: nn.Module,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> Tensor:
    """Attention of each head whose weights go through a module, as no fused kernel lets them."""
    t, s, groups = q.shape[2], k.shape[2], q.shape[1] // k.shape[1]
    k, v = (part.repeat_interleave(groups, 1) for part in (k, v))
    scores = q @ k.mT * (q.shape[-1] ** -0.5 if scale is None else scale)
    scores = scores if bias is None else scores + bias
    if causal or window is not None:
        ahead = torch.arange(s, device=q.device) - torch.arange(s - t, s, device=q.device)[:, None]
        seen = ahead <= 0 if causal else ahead < (window or s)
        seen = seen if window is None else seen & (ahead > -window)
        mask = seen if mask is None else mask & seen
    if mask is None:
        return dropout(scores.softmax(-1)) @ v
    weights = scores.masked_fill(~mask, float("-inf")).softmax(-1)
    return dropout(weights.masked_fill(~mask, 0)) @ v  # a query that sees no key gets zeros


class DroppingAttention(GroupedAttention):
    """Attention between learned projections, whose weights go through a module."""

    def __init__(self, dim: int, heads: int, *, dropout: nn.Module, **options: Any) -> None:
        super().__init__(dim, heads, **options)
        self.dropout = dropout

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, bias: Tensor | None
    ) -> Tensor:
        """Attention of each head, [N, heads, T, size]."""
        drop, near = self.dropout, self.window
        seen = (q, k, v, mask, bias)
        return attend_dropping(
            *seen, causal=self.causal, window=near, scale=self.scale, dropout=drop
        )


def waves(
    positions: Tensor, dim: int, *, base: float = 10000.0, interleaved: bool = True
) -> Tensor:
    """The sines and cosines of places, in turn or one after the other."""
    dtype = positions.dtype if positions.is_floating_point() else torch.float32
    rates = base ** (-torch.arange(0, dim, 2, device=positions.device, dtype=dtype) / dim)
    angles = positions.unsqueeze(-1) * rates
    return torch.stack((angles.sin(), angles.cos()), -1 if interleaved else -2).flatten(-2)


def alibi(query: Tensor, key: Tensor, heads: int) -> Tensor:
    """What each head adds to its scores, less the farther a key is. [heads, T, S]."""
    power = 1 << (heads.bit_length() - 1)
    slopes = [2 ** (-8 * (k + 1) / power) for k in range(power)]
    slopes += [2 ** (-4 * (2 * k + 1) / power) for k in range(heads - power)]
    t, s = query.shape[1], key.shape[1]
    own, places = (torch.arange(n, s, device=query.device) for n in (s - t, 0))
    distance = (places - own[:, None]).abs()
    return -torch.tensor(slopes, dtype=query.dtype, device=query.device)[:, None, None] * distance


class RelativePositionBias(nn.Module):
    """A learned number for each head and each way from one place of a window to another.

    -> f32[heads, P, P] of the P places of the window
    """

    index: Tensor

    def __init__(self, window: tuple[int, ...], heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(math.prod(2 * n - 1 for n in window), heads))
        axes = torch.meshgrid(*(torch.arange(n) for n in window), indexing="ij")
        index = torch.zeros(1, dtype=torch.int64)
        for axis, n in zip(axes, window, strict=True):
            place = axis.flatten()
            index = index * (2 * n - 1) + place[:, None] - place + n - 1
        self.register_buffer("index", index, persistent=False)

    def forward(self) -> Tensor:
        return self.weight[self.index].permute(2, 0, 1)
