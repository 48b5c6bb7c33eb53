"""Helpers that generated Keras models contain where they need them, word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false

from collections.abc import Callable
from typing import Any

import math

import keras
from keras import KerasTensor, layers, ops


class BatchNormalization(layers.BatchNormalization):
    """A batch normalisation whose running variance is unbiased, as PyTorch's is.

    It is saved as Keras's own layer, so that a saved model loads without this file.
    """

    __module__ = "keras.layers"

    def call(
        self, inputs: KerasTensor, training: bool | None = None, mask: KerasTensor | None = None
    ) -> KerasTensor:
        kept = self.momentum * self.moving_variance
        outputs = super().call(inputs, training=training, mask=mask)
        if training and self.trainable:
            count = ops.cast(ops.size(inputs) // inputs.shape[self.axis], "float32")
            added = self.moving_variance - kept
            self.moving_variance.assign_add(added / ops.maximum(count - 1, 1))
        return outputs


@keras.saving.register_keras_serializable(package="dslc")
class Parameter(layers.Layer):
    """A learned tensor; it is called on any tensor, since a graph begins at its inputs."""

    def __init__(self, shape: tuple[int, ...], **options: Any) -> None:
        super().__init__(**options)
        self.shape = tuple(shape)
        self.value = self.add_weight(shape=self.shape, initializer="zeros", name="value")

    def call(self, _: KerasTensor) -> KerasTensor:
        return ops.convert_to_tensor(self.value)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shape": self.shape}


@keras.saving.register_keras_serializable(package="dslc")
class CausalMask(layers.Layer):
    """Which keys a query may see: query t sees keys up to t + S - T. [1, 1, T, S]."""

    def call(self, query: KerasTensor, key: KerasTensor) -> KerasTensor:
        t, s = ops.shape(query)[1], ops.shape(key)[1]
        seen = ops.arange(s)[None, :] <= ops.arange(t)[:, None] + (s - t)
        return seen[None, None]


@keras.saving.register_keras_serializable(package="dslc")
class PadSame(layers.Layer):
    """Pads images so that a strided window gives ceil(size / stride) places, the odd zero after."""

    def __init__(
        self,
        kernel: int | tuple[int, ...],
        stride: int | tuple[int, ...],
        dilation: int | tuple[int, ...] = 1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.kernel, self.stride, self.dilation = kernel, stride, dilation

    def call(self, x: KerasTensor) -> KerasTensor:
        pads = [(0, 0)]
        for axis in range(1, len(x.shape) - 1):
            window = (self.kernel, self.stride, self.dilation)
            kernel, stride, dilation = (n if isinstance(n, int) else n[axis - 1] for n in window)
            size = ops.shape(x)[axis]
            total = ((size - 1) // stride) * stride + dilation * (kernel - 1) + 1 - size
            total = ops.maximum(total, 0)
            pads.append((total // 2, total - total // 2))
        return ops.pad(x, [*pads, (0, 0)])

    def get_config(self) -> dict[str, Any]:
        sizes = {"kernel": self.kernel, "stride": self.stride, "dilation": self.dilation}
        return {**super().get_config(), **sizes}


def add(x: KerasTensor, y: KerasTensor) -> KerasTensor:
    """A sum that broadcasts any axis; on TensorFlow, Keras's own takes some `y` for a bias."""
    return x - ops.negative(y)


def max_pool2d(
    x: KerasTensor,
    kernel: int | tuple[int, int],
    *,
    stride: int | tuple[int, int],
    padding: int | tuple[int, int],
) -> KerasTensor:
    """The largest value of each window, padded on both sides alike; padding never wins."""
    high, wide = (padding, padding) if isinstance(padding, int) else padding
    pads = ((0, 0), (high, high), (wide, wide), (0, 0))
    x = ops.pad(x, pads, constant_values=float("-inf"))
    return layers.MaxPooling2D(kernel, strides=stride)(x)


def avg_pool2d(
    x: KerasTensor,
    kernel: int | tuple[int, int],
    *,
    stride: int | tuple[int, int],
    padding: int | tuple[int, int],
) -> KerasTensor:
    """The mean of each window, padded on both sides alike; padding does not count."""
    pad, pool = layers.ZeroPadding2D(padding), layers.AveragePooling2D(kernel, strides=stride)
    return pool(pad(x)) / pool(pad(ops.ones_like(x)))


def cross_entropy(
    logits: KerasTensor,
    target: KerasTensor,
    *,
    axis: int = -1,
    label_smoothing: float = 0.0,
) -> KerasTensor:
    """The mean of -log softmax(logits)[target] over all places."""
    scores = ops.log_softmax(logits, axis=axis)
    picked = ops.take_along_axis(scores, ops.expand_dims(target, axis), axis=axis)
    spread = ops.mean(scores, axis=axis, keepdims=True)
    return -ops.mean((1 - label_smoothing) * picked + label_smoothing * spread)


def shared(
    block: Callable[..., KerasTensor], *inputs: KerasTensor, name: str, **arguments: Any
) -> keras.Model:
    """A block as one layer: every call of it has the same weights."""
    copies = [keras.Input(batch_shape=x.shape, dtype=x.dtype) for x in inputs]
    outputs = block(*copies, name=name, **arguments)
    return keras.Model(copies[0] if len(copies) == 1 else copies, outputs, name=name)


def quick_gelu(x: KerasTensor) -> KerasTensor:
    return x * ops.sigmoid(1.702 * x)


def swiglu(x: KerasTensor, *, axis: int = -1) -> KerasTensor:
    """The first half of an axis through SiLU, times the second."""
    a, b = ops.split(x, 2, axis=axis)
    return ops.silu(a) * b


def geglu(x: KerasTensor, *, axis: int = -1, approximate: bool = False) -> KerasTensor:
    """The first half of an axis through GELU, times the second."""
    a, b = ops.split(x, 2, axis=axis)
    return ops.gelu(a, approximate=approximate) * b


def maxout(x: KerasTensor, pieces: int, *, axis: int) -> KerasTensor:
    """The largest of every few neighbours along an axis."""
    before = (slice(None),) * axis
    y = x[(*before, slice(0, None, pieces))]
    for k in range(1, pieces):
        y = ops.maximum(y, x[(*before, slice(k, None, pieces))])
    return y


@keras.saving.register_keras_serializable(package="dslc")
class LayerScale(layers.Layer):
    """A learned factor for each place of an axis."""

    portable = ("weight",)

    def __init__(self, value: float = 1e-5, axis: int = -1, **options) -> None:
        super().__init__(**options)
        self.value, self.axis = value, axis

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.after = len(shape) - 1 - self.axis % len(shape)
        size, initial = (shape[self.axis],), keras.initializers.Constant(self.value)
        self.weight = self.add_weight(shape=size, initializer=initial, name="weight")

    def call(self, x: KerasTensor) -> KerasTensor:
        return x * ops.reshape(self.weight, (-1,) + (1,) * self.after)

    def get_config(self) -> dict:
        return {**super().get_config(), "value": self.value, "axis": self.axis}


def local_response_norm(
    x: KerasTensor, size: int, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> KerasTensor:
    """Divides by a power of the mean square over `size` channels around each one."""
    padded = ops.pad(ops.square(x), [(0, 0)] * (len(x.shape) - 1) + [(size // 2, size // 2)])
    total = sum(padded[..., start : start - size + 1 or None] for start in range(size))
    return x / (k + alpha / size * total) ** beta


def l2_normalize(x: KerasTensor, *, axis: int = -1, eps: float = 1e-12) -> KerasTensor:
    """Divides by the norm over an axis, which counts as `eps` at least."""
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), eps**2))


def lp_pool(
    x: KerasTensor,
    kernel: int | tuple[int, ...],
    *,
    strides: int | tuple[int, ...],
    p: int = 2,
) -> KerasTensor:
    """The p-norm of each window."""
    count = kernel ** (len(x.shape) - 2) if isinstance(kernel, int) else math.prod(kernel)
    return (ops.average_pool(ops.abs(x) ** p, kernel, strides=strides) * count) ** (1 / p)


@keras.saving.register_keras_serializable(package="dslc")
class AdaptivePool(layers.Layer):
    """The mean or the largest value of as many windows of an image, all alike, as are asked for."""

    def __init__(self, out: int | tuple[int, int], way: str = "mean", **options) -> None:
        super().__init__(**options)
        self.out, self.way = out, way

    def call(self, x: KerasTensor) -> KerasTensor:
        high, wide = (self.out, self.out) if isinstance(self.out, int) else self.out
        _, height, width, channels = ops.shape(x)
        windows = ops.reshape(x, (-1, high, height // high, wide, width // wide, channels))
        pool = ops.mean if self.way == "mean" else ops.max
        return pool(windows, axis=(2, 4))

    def get_config(self) -> dict:
        return {**super().get_config(), "out": self.out, "way": self.way}


def padded_max_pool(
    x: KerasTensor,
    kernel: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...],
) -> KerasTensor:
    """The largest value of each window, padded on both sides alike; padding never wins."""
    sizes = (padding,) * (len(x.shape) - 2) if isinstance(padding, int) else padding
    x = ops.pad(x, ((0, 0), *((n, n) for n in sizes), (0, 0)), constant_values=float("-inf"))
    return ops.max_pool(x, kernel, strides=stride)


def padded_avg_pool(
    x: KerasTensor,
    kernel: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...],
) -> KerasTensor:
    """The mean of each window, padded on both sides alike; padding does not count."""
    sizes = (padding,) * (len(x.shape) - 2) if isinstance(padding, int) else padding
    pads = ((0, 0), *((n, n) for n in sizes), (0, 0))
    parts = (ops.pad(part, pads) for part in (x, ops.ones_like(x)))
    total, count = (ops.average_pool(part, kernel, strides=stride) for part in parts)
    return total / count


@keras.saving.register_keras_serializable(package="dslc")
class ConvTranspose(layers.Layer):
    """A convolution turned around: what PyTorch computes, its weight as PyTorch has it.

    The weight is [channels, out // groups, *kernel]; `padding` elements are cut off on both sides.
    """

    def __init__(
        self,
        out: int,
        kernel: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        output_padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        use_bias: bool = True,
        **options,
    ) -> None:
        super().__init__(**options)
        self.out, self.groups, self.use_bias = out, groups, use_bias
        self.window = {
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
            "output_padding": output_padding,
            "dilation": dilation,
        }
        self.portable = ("weight", "bias") if use_bias else ("weight",)

    def build(self, shape: tuple[int | None, ...]) -> None:
        rank = len(shape) - 2
        sizes = {k: (n,) * rank if isinstance(n, int) else n for k, n in self.window.items()}
        self.windows = list(zip(*sizes.values(), strict=True))
        weight = (shape[-1], self.out // self.groups, *sizes["kernel"])
        self.weight = self.add_weight(shape=weight, name="weight")
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.out,), initializer="zeros", name="bias")

    def call(self, x: KerasTensor) -> KerasTensor:
        strides = [stride for _, stride, *_ in self.windows]
        for axis, stride in enumerate(strides, 1):
            x = self.spread(x, axis, stride)
        pads = [
            (d * (k - 1) - p, d * (k - 1) - p + more - (stride - 1))
            for k, stride, p, more, d in self.windows
        ]
        x = ops.pad(x, [(0, 0), *((max(b, 0), max(a, 0)) for b, a in pads), (0, 0)])
        x = x[(slice(None), *(slice(max(-b, 0), min(a, 0) or None) for b, a in pads))]
        axes = range(2, len(x.shape))
        weight = ops.flip(ops.convert_to_tensor(self.weight), tuple(axes))
        weight = ops.transpose(weight, (*axes, 0, 1))
        dilation = tuple(d for *_, d in self.windows)
        parts = zip(
            ops.split(x, self.groups, axis=-1), ops.split(weight, self.groups, axis=-2), strict=True
        )
        convolved = [ops.conv(part, own, dilation_rate=dilation) for part, own in parts]
        y = ops.concatenate(convolved, axis=-1) if self.groups > 1 else convolved[0]
        return y + self.bias if self.use_bias else y

    def spread(self, x: KerasTensor, axis: int, stride: int) -> KerasTensor:
        """Every element with zeros behind it, so many that they stand `stride` apart."""
        if stride == 1:
            return x
        shape = ops.shape(x)
        x = ops.expand_dims(x, axis + 1)
        pads = [(0, 0)] * len(x.shape)
        pads[axis + 1] = (0, stride - 1)
        return ops.reshape(ops.pad(x, pads), (*shape[:axis], shape[axis] * stride, *shape[axis + 1 :]))

    def get_config(self) -> dict:
        own = {"out": self.out, "groups": self.groups, "use_bias": self.use_bias}
        return {**super().get_config(), **self.window, **own}


@keras.saving.register_keras_serializable(package="dslc")
class Bilinear(layers.Layer):
    """A map of two values, linear in each: `y[k] = x @ weight[k] @ z + bias[k]`."""

    def __init__(self, out: int, use_bias: bool = True, **options) -> None:
        super().__init__(**options)
        self.out, self.use_bias = out, use_bias
        self.portable = ("weight", "bias") if use_bias else ("weight",)

    def build(self, x_shape: tuple[int | None, ...], z_shape: tuple[int | None, ...]) -> None:
        self.weight = self.add_weight(shape=(self.out, x_shape[-1], z_shape[-1]), name="weight")
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.out,), initializer="zeros", name="bias")

    def call(self, x: KerasTensor, z: KerasTensor) -> KerasTensor:
        y = ops.einsum("...i,kij,...j->...k", x, self.weight, z)
        return y + self.bias if self.use_bias else y

    def get_config(self) -> dict:
        return {**super().get_config(), "out": self.out, "use_bias": self.use_bias}


def pad_edge(x: KerasTensor, pads: tuple[tuple[int, int], ...]) -> KerasTensor:
    """Pads axes with their edges, again and again."""
    for axis, (before, after) in enumerate(pads):
        index = (slice(None),) * axis
        first, last = x[(*index, slice(0, 1))], x[(*index, slice(-1, None))]
        parts = [ops.repeat(first, before, axis=axis)] if before else []
        parts += [x, *([ops.repeat(last, after, axis=axis)] if after else [])]
        x = ops.concatenate(parts, axis=axis) if len(parts) > 1 else x
    return x


@keras.saving.register_keras_serializable(package="dslc")
class PixelShuffle(layers.Layer):
    """Channels put side by side, the channel before the place in the block."""

    def __init__(self, factor: int, **options) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, x: KerasTensor) -> KerasTensor:
        r = self.factor
        _, h, w, c = ops.shape(x)
        blocks = ops.reshape(x, (-1, h, w, c // r**2, r, r))
        return ops.reshape(ops.transpose(blocks, (0, 1, 4, 2, 5, 3)), (-1, h * r, w * r, c // r**2))

    def get_config(self) -> dict:
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="dslc")
class SpaceToDepth(layers.Layer):
    """Blocks of an image as channels, the place in the block before the channel."""

    def __init__(self, factor: int, **options) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, x: KerasTensor) -> KerasTensor:
        r = self.factor
        _, h, w, c = ops.shape(x)
        blocks = ops.reshape(x, (-1, h // r, r, w // r, r, c))
        return ops.reshape(ops.transpose(blocks, (0, 1, 3, 2, 4, 5)), (-1, h // r, w // r, c * r**2))

    def get_config(self) -> dict:
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="dslc")
class Gather(layers.Layer):
    """The places that ids name along an axis, after `batch` axes that both share."""

    def __init__(self, axis: int, batch: int, **options) -> None:
        super().__init__(**options)
        self.axis, self.batch = axis, batch

    def call(self, x: KerasTensor, ids: KerasTensor) -> KerasTensor:
        axis, batch = self.axis, self.batch
        shape, named = ops.shape(x), ops.shape(ids)
        ones = (1,) * (axis - batch), (1,) * (len(shape) - axis - 1)
        flat = ops.reshape(ids, (*named[:batch], *ones[0], -1, *ones[1]))
        y = ops.take_along_axis(x, flat, axis=axis)
        return ops.reshape(y, (*shape[:axis], *named[batch:], *shape[axis + 1 :]))

    def get_config(self) -> dict:
        return {**super().get_config(), "axis": self.axis, "batch": self.batch}


@keras.saving.register_keras_serializable(package="dslc")
class ResizeNearest(layers.Layer):
    """An image whose elements are those at `floor(place * before / after)`."""

    def __init__(self, size: int | tuple[int, int], **options) -> None:
        super().__init__(**options)
        self.size = size

    def call(self, x: KerasTensor) -> KerasTensor:
        sizes = (self.size, self.size) if isinstance(self.size, int) else self.size
        for axis, size in enumerate(sizes, 1):
            x = ops.take(x, ops.arange(size) * ops.shape(x)[axis] // size, axis=axis)
        return x

    def get_config(self) -> dict:
        return {**super().get_config(), "size": self.size}


def huber(x: KerasTensor, target: KerasTensor, *, delta: float = 1.0) -> KerasTensor:
    """The mean of half the squares of small differences, growing in a line beyond `delta`."""
    size = ops.abs(x - target)
    small = ops.minimum(size, delta)
    return ops.mean(small * (size - small / 2))


def bce(p: KerasTensor, target: KerasTensor) -> KerasTensor:
    """The mean of `-(t log p + (1 - t) log(1 - p))`; a logarithm is -100 at least."""
    yes, no = (ops.maximum(ops.log(part), -100.0) for part in (p, 1 - p))
    return -ops.mean(target * yes + (1 - target) * no)


def bce_with_logits(x: KerasTensor, target: KerasTensor) -> KerasTensor:
    """Binary cross-entropy of logits."""
    return ops.mean(ops.softplus(x) - x * target)


def kl_div(x: KerasTensor, target: KerasTensor, *, axis: int) -> KerasTensor:
    """The divergence of probabilities from others' logarithms, summed over an axis."""
    own = ops.log(ops.maximum(target, 1e-37))
    return ops.mean(ops.sum(target * (own - x), axis=axis))


def nll(x: KerasTensor, target: KerasTensor, *, axis: int) -> KerasTensor:
    """The mean of `-x[target]` over all places."""
    return -ops.mean(ops.take_along_axis(x, ops.expand_dims(target, axis), axis=axis))


def cosine_embedding(
    x: KerasTensor, y: KerasTensor, target: KerasTensor, *, margin: float = 0.0
) -> KerasTensor:
    """The mean of `1 - cos` for alike rows, of what `cos` is above the margin for others."""
    cosine = ops.sum(l2_normalize(x, eps=1e-8) * l2_normalize(y, eps=1e-8), axis=-1)
    return ops.mean(ops.where(ops.equal(target, 1), 1 - cosine, ops.relu(cosine - margin)))
