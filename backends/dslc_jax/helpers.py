"""Helpers that generated JAX modules contain where they need them, word for word."""

import copy
import functools
import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array


def without(layer: nnx.Module, *weights: str) -> Any:
    """A layer that has none of some weights: it is given other layers' where it is called."""
    for path in weights:
        *parts, name = path.split(".")
        setattr(functools.reduce(getattr, parts, layer), name, None)
    return layer


def with_weights(layer: nnx.Module, weights: Mapping[str, Any]) -> Any:
    """The layer as it computes with other layers' weights, whose state is its own still."""
    layer = copy.copy(layer)
    for path, weight in weights.items():
        *parts, name = path.split(".")
        place = vars(layer)  # in a scan Flax sets no attribute of what was made outside
        for part in parts:
            place[part] = copy.copy(place[part])
            place = vars(place[part])
        place[name] = weight
    return layer


def cross_entropy(
    logits: Array, target: Array, axis: int = -1, label_smoothing: float = 0.0
) -> Array:
    """The mean of `-log softmax(logits)[target]` over all places.

    Smoothing mixes the target with the uniform distribution over the classes.
    """
    log_probabilities = nnx.log_softmax(logits, axis)
    picked = jnp.take_along_axis(log_probabilities, jnp.expand_dims(target, axis), axis)
    right = (1 - label_smoothing) * picked.mean()
    return -(right + label_smoothing * log_probabilities.mean())


class BatchNorm(nnx.BatchNorm):
    """Batch norm whose running variance is the unbiased one, n / (n - 1) of the batch's."""

    def __call__(
        self, x: Array, use_running_average: bool | None = None, *, mask: Array | None = None
    ) -> Array:
        frozen = self.use_running_average if use_running_average is None else use_running_average
        before = self.momentum * self.var[...]
        y = super().__call__(x, frozen, mask=mask)
        if not frozen:
            count = x.size if mask is None else jnp.broadcast_to(mask, x.shape).sum()
            rest = jnp.maximum(count / x.shape[-1] - 1, 1)
            self.var[...] += jax.lax.stop_gradient(self.var[...] - before) / rest
        return y


class MultiHeadAttention(nnx.Module):
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
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        self.heads = heads
        self.causal = causal
        inner = heads * (head_dim or dim // heads)
        self.query = nnx.Linear(dim, inner, use_bias=use_bias, rngs=rngs)
        self.key = nnx.Linear(key_dim or dim, inner, use_bias=use_bias, rngs=rngs)
        self.value = nnx.Linear(value_dim or key_dim or dim, inner, use_bias=use_bias, rngs=rngs)
        self.out = nnx.Linear(inner, dim, use_bias=use_bias, rngs=rngs)
        self.dropout = nnx.Dropout(dropout, rngs=rngs) if dropout else None

    def __call__(
        self,
        query: Array,
        key: Array | None = None,
        value: Array | None = None,
        *,
        mask: Array | None = None,
    ) -> Array:
        key = query if key is None else key
        value = key if value is None else value
        q, k, v = (
            self.split(layer, x)
            for layer, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        drops = self.dropout is not None and not self.dropout.deterministic
        if mask is not None or drops or (self.causal and query.shape[1] != key.shape[1]):
            y = self.attend(q, k, v, mask)
        else:
            y = jax.nn.dot_product_attention(q, k, v, is_causal=self.causal)
        kernel = self.out.kernel[...].reshape(self.heads, -1, query.shape[-1])
        y = jnp.einsum("nthd,hde->nte", y, kernel)
        return y if self.out.bias is None else y + self.out.bias[...]

    def split(self, layer: nnx.Linear, x: Array) -> Array:
        """What a projection gives each head. [N, T, E] -> [N, T, heads, D]."""
        kernel = layer.kernel[...].reshape(x.shape[-1], self.heads, -1)
        y = jnp.einsum("nte,ehd->nthd", x, kernel)  # no copy between it and the scores
        return y if layer.bias is None else y + layer.bias[...].reshape(self.heads, -1)

    def attend(self, q: Array, k: Array, v: Array, mask: Array | None) -> Array:
        """Attention with a mask or dropout; a query that sees no key gets zeros."""
        if mask is not None and mask.ndim == 2:
            mask = mask[:, None, None, :]
        if self.causal:
            t, s = q.shape[1], k.shape[1]
            seen = jnp.tril(jnp.ones((t, s), bool), s - t)
            mask = seen if mask is None else mask & seen
        scores = jnp.einsum("nthd,nshd->nhts", q, k) / q.shape[-1] ** 0.5
        weights = nnx.softmax(scores, where=mask)
        weights = weights if self.dropout is None else self.dropout(weights)
        return jnp.einsum("nhts,nshd->nthd", weights, v)


class PReLU(nnx.Module):
    """A learned slope where the input is negative: one for all, or one for each channel."""

    def __init__(self, slopes: int = 1) -> None:
        self.weight = nnx.Param(jnp.full(slopes, 0.25))

    def __call__(self, x: Array) -> Array:
        return jnp.where(x >= 0, x, self.weight[...] * x)


def quick_gelu(x: Array) -> Array:
    """`x * sigmoid(1.702 * x)`."""
    return x * nnx.sigmoid(1.702 * x)


def swiglu(x: Array, axis: int = -1) -> Array:
    """The first half of an axis through SiLU, times the second."""
    a, b = jnp.split(x, 2, axis)
    return nnx.silu(a) * b


def geglu(x: Array, axis: int = -1, approximate: bool = False) -> Array:
    """The first half of an axis through GELU, times the second."""
    a, b = jnp.split(x, 2, axis)
    return nnx.gelu(a, approximate=approximate) * b


def maxout(x: Array, pieces: int, axis: int) -> Array:
    """The largest of every few neighbours along an axis."""
    parts = x.reshape(*x.shape[:axis], -1, pieces, *x.shape[axis + 1 :])
    return functools.reduce(jnp.maximum, jnp.unstack(parts, axis=axis + 1))


class LayerScale(nnx.Module):
    """A learned factor for each place of an axis, with `after` more axes behind it."""

    def __init__(self, size: int, value: float = 1e-5, after: int = 0) -> None:
        self.after = after
        self.weight = nnx.Param(jnp.full(size, value))

    def __call__(self, x: Array) -> Array:
        return x * self.weight[...].reshape(-1, *(1,) * self.after)


def local_response_norm(
    x: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Array:
    """Divides by a power of the mean square over `size` channels around each one."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))  # squares overflow float16
    padded = jnp.pad(wide * wide, [(0, 0)] * (x.ndim - 1) + [(size // 2, size // 2)])
    total = sum(padded[..., start : start + x.shape[-1]] for start in range(size))
    return (wide / (k + alpha / size * total) ** beta).astype(x.dtype)


def normalize_instances(x: Array, eps: float = 1e-5) -> Array:
    """Each channel of each row at mean 0 and variance 1 over its places."""
    places = tuple(range(1, x.ndim - 1))
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))  # squares overflow float16
    mean, variance = (find(wide, places, keepdims=True) for find in (jnp.mean, jnp.var))
    return ((wide - mean) * jax.lax.rsqrt(variance + eps)).astype(x.dtype)


def normalize_groups(x: Array, groups: int, eps: float = 1e-5) -> Array:
    """Each group of channels of each row at mean 0 and variance 1."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))  # squares overflow float16
    y = wide.reshape(x.shape[0], -1, groups, x.shape[-1] // groups)
    mean, variance = (find(y, (1, 3), keepdims=True) for find in (jnp.mean, jnp.var))
    return ((y - mean) * jax.lax.rsqrt(variance + eps)).reshape(x.shape).astype(x.dtype)


def l2_normalize(x: Array, axis: int = -1, eps: float = 1e-12) -> Array:
    """Divides by the norm over an axis, which counts as `eps` at least."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))  # squares overflow float16
    squares = jnp.maximum((wide * wide).sum(axis, keepdims=True), eps**2)
    return (wide * jax.lax.rsqrt(squares)).astype(x.dtype)


def lp_pool(
    x: Array,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    padding: str | tuple[tuple[int, int], ...] = "VALID",
    p: int = 2,
) -> Array:
    """The p-norm of each window."""
    mean = nnx.avg_pool(jnp.abs(x) ** p, kernel, strides, padding)  # pyright: ignore[reportArgumentType]
    return (mean * math.prod(kernel)) ** (1 / p)


class ConvTranspose(nnx.Module):
    """A convolution turned around: what PyTorch computes, its weight as PyTorch has it.

    The weight is [channels, out // groups, *kernel]; `padding` elements are cut off on both sides.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: tuple[int, ...],
        *,
        stride: tuple[int, ...] | None = None,
        padding: tuple[int, ...] | None = None,
        output_padding: tuple[int, ...] | None = None,
        dilation: tuple[int, ...] | None = None,
        groups: int = 1,
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
        self.stride, self.dilation, self.groups = stride or ones, dilation or ones, groups
        window = zip(kernel, self.dilation, padding or zeros, output_padding or zeros, strict=True)
        self.pads = tuple((d * (k - 1) - p, d * (k - 1) - p + more) for k, d, p, more in window)
        shape = (channels, out // groups, *kernel)
        self.weight = nnx.Param(nnx.initializers.lecun_normal()(rngs.params(), shape))
        self.bias = nnx.Param(jnp.zeros(out)) if use_bias else None

    def __call__(self, x: Array) -> Array:
        channels, out, *kernel = self.weight.shape
        groups = self.groups
        weight = self.weight[...].reshape(groups, channels // groups, out, *kernel)
        weight = jnp.moveaxis(weight, 0, 1).reshape(channels // groups, groups * out, *kernel)
        weight = jnp.flip(weight, range(2, weight.ndim))
        space = "DHW"[-len(kernel) :]
        y = jax.lax.conv_general_dilated(
            x,
            weight,
            window_strides=(1,) * len(kernel),
            padding=self.pads,
            lhs_dilation=self.stride,
            rhs_dilation=self.dilation,
            dimension_numbers=(f"N{space}C", f"IO{space}", f"N{space}C"),
            feature_group_count=groups,
        )
        return y if self.bias is None else y + self.bias[...]


class SeparableConv2d(nnx.Module):
    """A convolution of each channel by itself, then one of window 1 over the channels."""

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: tuple[int, int],
        *,
        strides: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        multiplier: int = 1,
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        inner = channels * multiplier
        self.depthwise = nnx.Conv(
            channels,
            inner,
            kernel,
            strides,
            padding=padding,
            kernel_dilation=dilation,
            feature_group_count=channels,
            use_bias=False,
            rngs=rngs,
        )
        self.pointwise = nnx.Conv(inner, out, (1, 1), use_bias=use_bias, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        return self.pointwise(self.depthwise(x))


class Bilinear(nnx.Module):
    """A map of two values, linear in each: `y[k] = x @ weight[k] @ z + bias[k]`."""

    def __init__(
        self, left: int, right: int, out: int, *, use_bias: bool = True, rngs: nnx.Rngs
    ) -> None:
        initial = nnx.initializers.lecun_normal()
        self.weight = nnx.Param(initial(rngs.params(), (out, left, right)))
        self.bias = nnx.Param(jnp.zeros(out)) if use_bias else None

    def __call__(self, x: Array, z: Array) -> Array:
        y = jnp.einsum("...i,kij,...j->...k", x, self.weight[...], z)
        return y if self.bias is None else y + self.bias[...]


def pixel_shuffle(x: Array, factor: int) -> Array:
    """Channels put side by side, the channel before the place in the block."""
    n, h, w, c = x.shape
    blocks = x.reshape(n, h, w, -1, factor, factor).transpose(0, 1, 4, 2, 5, 3)
    return blocks.reshape(n, h * factor, w * factor, c // factor**2)


def space_to_depth(x: Array, factor: int) -> Array:
    """Blocks of an image as channels, the place in the block before the channel."""
    n, h, w, c = x.shape
    blocks = x.reshape(n, h // factor, factor, w // factor, factor, c).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(n, h // factor, w // factor, -1)


def gather(x: Array, ids: Array, axis: int, batch: int) -> Array:
    """The places that ids name along an axis, after `batch` axes that both share."""
    flat = (*ids.shape[:batch], *(1,) * (axis - batch), -1, *(1,) * (x.ndim - axis - 1))
    y = jnp.take_along_axis(x, ids.reshape(flat), axis)
    return y.reshape(*x.shape[:axis], *ids.shape[batch:], *x.shape[axis + 1 :])


def resize_nearest(x: Array, height: int, width: int) -> Array:
    """An image whose elements are those at `floor(place * before / after)`."""
    _, h, w, _ = x.shape
    rows, columns = jnp.arange(height) * h // height, jnp.arange(width) * w // width
    return x[:, rows][:, :, columns]


def resize_bilinear(x: Array, height: int, width: int) -> Array:
    """An image blended from the four elements around each place, without antialiasing."""
    n, _, _, c = x.shape
    return jax.image.resize(x, (n, height, width, c), "bilinear", antialias=False)


def huber(x: Array, target: Array, delta: float = 1.0) -> Array:
    """The mean of half the squares of small differences, growing in a line beyond `delta`."""
    size = jnp.abs(x - target)
    small = jnp.minimum(size, delta)
    return (small * (size - small / 2)).mean()


def bce(p: Array, target: Array) -> Array:
    """The mean of `-(t log p + (1 - t) log(1 - p))`; a logarithm is -100 at least."""
    yes, no = (jnp.maximum(jnp.log(part), -100.0) for part in (p, 1 - p))
    return -(target * yes + (1 - target) * no).mean()


def bce_with_logits(x: Array, target: Array) -> Array:
    """Binary cross-entropy of logits."""
    return (nnx.softplus(x) - x * target).mean()


def kl_div(x: Array, target: Array, axis: int) -> Array:
    """The divergence of probabilities from others' logarithms, summed over an axis."""
    return (jax.scipy.special.xlogy(target, target) - target * x).sum(axis).mean()


def cosine_embedding(x: Array, y: Array, target: Array, margin: float = 0.0) -> Array:
    """The mean of `1 - cos` for alike rows, of what `cos` is above the margin for others."""
    cosine = (l2_normalize(x, eps=1e-8) * l2_normalize(y, eps=1e-8)).sum(-1)
    return jnp.where(target == 1, 1 - cosine, nnx.relu(cosine - margin)).mean()


class GaussianNoise(nnx.Module):
    """In training adds normal numbers of a standard deviation."""

    def __init__(self, std: float, *, rngs: nnx.Rngs) -> None:
        self.std = std
        self.deterministic = False
        self.rngs = rngs.noise.fork()

    def __call__(self, x: Array) -> Array:
        if self.deterministic or not self.std:
            return x
        return x + self.std * jax.random.normal(self.rngs(), x.shape, x.dtype)
