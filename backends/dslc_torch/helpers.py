"""Helpers that generated PyTorch modules contain where they need them, word for word."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def without(layer: nn.Module, *weights: str) -> nn.Module:
    """A layer that has none of some weights: it is given other layers' where it is called."""
    for path in weights:
        part, _, name = path.rpartition(".")
        place = layer.get_submodule(part)
        if isinstance(
            place, nn.RNNBase
        ):  # which keeps a list of its weights: one that is in no file
            weight = place.get_parameter(name).detach()
            delattr(place, name)
            place.register_buffer(name, weight, persistent=False)
        else:
            place.register_parameter(name, None)
    return layer


def same_pads(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Padding before and after for an output of ceil(size / stride), the odd element after."""
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def as_tuple(value: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else value


def pad_same(
    x: Tensor,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
    value: float = 0.0,
) -> Tensor:
    """Pads the spatial axes so that a strided window gives ceil(size / stride) places."""
    count = x.ndim - 2
    kernels, strides = as_tuple(kernel, count), as_tuple(stride, count)
    sizes = zip(x.shape[2:], kernels, strides, as_tuple(dilation, count), strict=True)
    pads = [same_pads(*item) for item in sizes]
    return F.pad(x, [side for pair in reversed(pads) for side in pair], value=value)


def max_pool_same(
    x: Tensor, kernel: int | tuple[int, ...], stride: int | tuple[int, ...]
) -> Tensor:
    """Max pooling with ceil(size / stride) places."""
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.ndim - 3]
    return pool(pad_same(x, kernel, stride, value=float("-inf")), kernel, stride)


def avg_pool3d(
    x: Tensor,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...],
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Average pooling of volumes, also of those smaller than the window without padding."""
    kernels, strides, pads = (as_tuple(value, 3) for value in (kernel, stride, padding))
    if all(size >= window for size, window in zip(x.shape[2:], kernels, strict=True)):
        return F.avg_pool3d(x, kernel, stride, padding, ceil_mode, count_include_pad)
    ends = [
        min(p + s - 1, k - 1) - p if ceil_mode else 0
        for k, s, p in zip(kernels, strides, pads, strict=True)
    ]
    inner = [side for pad in reversed(pads) for side in (pad, pad)]
    outer = [side for end in reversed(ends) for side in (0, end)]
    counted = F.pad(torch.ones_like(x[:1, :1]), inner, value=float(count_include_pad))
    sums = F.avg_pool3d(F.pad(F.pad(x, inner), outer), kernel, stride)
    return sums / F.avg_pool3d(F.pad(counted, outer), kernel, stride)


def avg_pool_same(
    x: Tensor,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    count_padding: bool = False,
) -> Tensor:
    """Average pooling with ceil(size / stride) places; padding counts only where asked for."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.ndim - 3]
    y = pool(pad_same(x, kernel, stride), kernel, stride)
    if count_padding:
        return y
    ones = pad_same(torch.ones_like(x[:1, :1]), kernel, stride)
    return y / pool(ones, kernel, stride)


class Bias(nn.Module):
    """A bias whose weight is another layer's."""

    def __init__(self, out: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(out))


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention of several heads between learned projections.

    f32[N, T, D], f32[N, S, E] -> f32[N, T, D]. A `mask` is true where attended, [N, S] or
    broadcastable to [N, heads, T, S]. If `causal`, query t sees keys up to t + S - T.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        head_dim: int | None = None,
        key_dim: int | None = None,
        value_dim: int | None = None,
        causal: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.dropout = dropout
        inner = heads * (head_dim or dim // heads)
        self.query = nn.Linear(dim, inner, bias=bias)
        self.key = nn.Linear(key_dim or dim, inner, bias=bias)
        self.value = nn.Linear(value_dim or key_dim or dim, inner, bias=bias)
        self.out = nn.Linear(inner, dim, bias=bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        *,
        mask: Tensor | None = None,
    ) -> Tensor:
        key = query if key is None else key
        value = key if value is None else value
        q, k, v = (
            layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        is_causal = self.causal
        if mask is not None and mask.ndim == 2:
            mask = mask[:, None, None, :]
        if is_causal and (mask is not None or query.shape[1] != key.shape[1]):
            t, s = query.shape[1], key.shape[1]
            seen = torch.ones(t, s, dtype=torch.bool, device=query.device).tril(s - t)
            mask = seen if mask is None else mask & seen
            is_causal = False
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=is_causal
        )
        return self.out(y.transpose(1, 2).flatten(2))


def quick_gelu(x: Tensor) -> Tensor:
    """`x * sigmoid(1.702 * x)`."""
    return x * torch.sigmoid(1.702 * x)


def swiglu(x: Tensor) -> Tensor:
    """The first half of the last axis through SiLU, times the second."""
    a, b = x.chunk(2, dim=-1)
    return F.silu(a) * b


def geglu(x: Tensor, approximate: str = "none") -> Tensor:
    """The first half of the last axis through GELU, times the second."""
    a, b = x.chunk(2, dim=-1)
    return F.gelu(a, approximate=approximate) * b


class LayerScale(nn.Module):
    """A learned factor for each place of an axis, with `after` more axes behind it."""

    def __init__(self, size: int, value: float = 1e-5, after: int = 0) -> None:
        super().__init__()
        self.shape = (-1,) + (1,) * after
        self.weight = nn.Parameter(torch.full((size,), value))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(self.shape)


def lp_pool(
    x: Tensor,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...] = 0,
    p: int = 2,
    *,
    ceil: bool = False,
) -> Tensor:
    """The p-norm of each window; with `ceil` the last one may reach beyond the end."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.ndim - 3]
    count = math.prod(as_tuple(kernel, x.ndim - 2))
    if ceil:
        sides = zip(*(as_tuple(n, x.ndim - 2) for n in (kernel, stride, padding)), strict=True)
        ends = [n for k, s, side in list(sides)[::-1] for n in (side, min(side + s, k) - 1)]
        x, padding = F.pad(x, ends), 0
    sides = [side for pad in reversed(as_tuple(padding, x.ndim - 2)) for side in (pad, pad)]
    powers = F.pad(x.abs() ** p, sides)
    return (pool(powers, kernel, stride) * count) ** (1 / p)


class SeparableConv2d(nn.Module):
    """A convolution of each channel by itself, then one of window 1 over the channels."""

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        multiplier: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        inner = channels * multiplier
        window = (kernel, stride, padding, dilation)
        self.depthwise = nn.Conv2d(channels, inner, *window, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(inner, out, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


def pad_by_index(x: Tensor, pads: tuple[tuple[int, int], ...], mode: str) -> Tensor:
    """Pads axes by their mirror image or their edge."""
    for axis, (before, after) in enumerate(pads):
        if before or after:
            last = x.shape[axis] - 1
            index = torch.arange(-before, last + 1 + after, device=x.device)
            index = last - (last - index.abs()).abs() if mode == "reflect" else index.clamp(0, last)
            x = x.index_select(axis, index)
    return x


def space_to_depth(x: Tensor, factor: int) -> Tensor:
    """Blocks of an image as channels, the place in the block before the channel."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // factor, factor, w // factor, factor)
    return blocks.permute(0, 3, 5, 1, 2, 4).reshape(n, -1, h // factor, w // factor)


def gather(x: Tensor, ids: Tensor, axis: int, batch: int) -> Tensor:
    """The places that ids name along an axis, after `batch` axes that both share."""
    flat = (*ids.shape[:batch], *(1,) * (axis - batch), -1, *(1,) * (x.ndim - axis - 1))
    y = torch.take_along_dim(x, ids.reshape(flat), axis)
    return y.reshape(*x.shape[:axis], *ids.shape[batch:], *x.shape[axis + 1 :])


def cosine_embedding(x: Tensor, y: Tensor, target: Tensor, margin: float = 0.0) -> Tensor:
    """The mean of `1 - cos` for alike rows, of what `cos` is above the margin for others."""
    cosine = F.cosine_similarity(x, y, dim=-1)
    return torch.where(target == 1, 1 - cosine, F.relu(cosine - margin)).mean()


def drop_path(x: Tensor, rate: float, training: bool) -> Tensor:
    """In training zeroes each row with a probability, and scales the others."""
    return x * F.dropout(x.new_ones(len(x), *(1,) * (x.ndim - 1)), rate) if training else x


def gaussian_noise(x: Tensor, std: float, training: bool) -> Tensor:
    """In training adds normal numbers."""
    return x + std * torch.randn_like(x) if training else x
