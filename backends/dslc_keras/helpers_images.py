"""Helpers that work on images, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

import math
from typing import Any

import keras
from keras import KerasTensor, layers, ops


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
    """The mean or the largest value of as many windows as are asked for.

    Where a size does not divide, or only a run knows it, places of windows are looked up.
    """

    def __init__(self, out: int | tuple[int, ...], way: str = "mean", **options: Any) -> None:
        super().__init__(**options)
        self.out, self.way = out, way

    def call(self, x: KerasTensor) -> KerasTensor:
        count = len(x.shape) - 2
        counts = (self.out,) * count if isinstance(self.out, int) else self.out
        pool = ops.mean if self.way == "mean" else ops.max
        for axis, out in enumerate(counts, 1):
            _, *sizes = ops.shape(x)
            size = sizes[axis - 1]
            if out == 1:
                x = pool(x, axis=axis, keepdims=True)
            elif isinstance(x.shape[axis], int) and size % out == 0:
                cut = [*sizes[: axis - 1], out, size // out, *sizes[axis:]]
                x = pool(ops.reshape(x, (-1, *cut)), axis=axis + 1)
            else:
                x = self.looked_up(x, axis, out, size)
        return x

    def looked_up(self, x: KerasTensor, axis: int, out: int, size: Any) -> KerasTensor:
        """One axis, by the places of its windows."""
        begins = ops.arange(out) * size // out
        ends = ((ops.arange(out) + 1) * size + out - 1) // out
        places = begins[:, None] + ops.arange(size // out + 2)
        found = ops.take(x, ops.minimum(places, ends[:, None] - 1), axis=axis)
        if self.way != "mean":
            return ops.max(found, axis=axis + 1)
        lengths = ops.cast(ends - begins, x.dtype)[:, None]
        share = ops.cast(places < ends[:, None], x.dtype) / lengths
        for _ in range(len(x.shape) - axis - 1):
            share = share[..., None]
        return ops.sum(found * share, axis=axis + 1)

    def get_config(self) -> dict[str, Any]:
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


class MaxPooling3D(layers.MaxPooling3D):
    """A pool whose gradient goes to one place of a window, where several hold its largest value.

    TensorFlow's goes to each of them whole: too much behind another pool, whose windows overlap. So
    this one pools the two last axes, then the first. It is saved as Keras's own layer.
    """

    __module__ = "keras.layers"

    def call(self, inputs: KerasTensor) -> KerasTensor:
        (deep, *kernel), (step, *steps) = self.pool_size, self.strides
        _, depth, high, wide, channels = ops.shape(inputs)
        x = ops.reshape(inputs, (-1, high, wide, channels))
        x = ops.max_pool(x, kernel, strides=steps, padding=self.padding)
        _, high, wide, _ = ops.shape(x)
        x = ops.reshape(x, (-1, depth, high * wide, channels))
        x = ops.max_pool(x, (deep, 1), strides=(step, 1), padding=self.padding)
        return ops.reshape(x, (-1, ops.shape(x)[1], high, wide, channels))


def padded_max_pool3d(
    x: KerasTensor,
    kernel: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...],
) -> KerasTensor:
    """The largest value of each window, padded on both sides alike; padding never wins."""
    sizes = (padding,) * 3 if isinstance(padding, int) else padding
    x = ops.pad(x, ((0, 0), *((n, n) for n in sizes), (0, 0)), constant_values=float("-inf"))
    return MaxPooling3D(kernel, strides=stride)(x)


def ceil_max_pool3d(
    x: KerasTensor,
    kernel: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...] = 0,
) -> KerasTensor:
    """The largest value of each window, the size rounded up; padding never wins."""
    pads = [(0, 0), *ceil_pads(3, kernel, stride, padding), (0, 0)]
    x = ops.pad(x, pads, constant_values=float("-inf"))
    return MaxPooling3D(kernel, strides=stride)(x)


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


def ceil_pads(
    count: int,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...],
) -> list[tuple[int, int]]:
    """Padding with which a last window that begins inside is taken, where it reaches beyond too."""
    windows = ((n,) * count if isinstance(n, int) else n for n in (kernel, stride, padding))
    return [(p, min(p + s, k) - 1) for k, s, p in zip(*windows, strict=True)]


def ceil_max_pool(
    x: KerasTensor,
    kernel: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...] = 0,
) -> KerasTensor:
    """The largest value of each window, the size rounded up; padding never wins."""
    pads = [(0, 0), *ceil_pads(len(x.shape) - 2, kernel, stride, padding), (0, 0)]
    return ops.max_pool(ops.pad(x, pads, constant_values=float("-inf")), kernel, strides=stride)


def ceil_lp_pool(
    x: KerasTensor,
    kernel: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...] = 0,
    p: int = 2,
) -> KerasTensor:
    """The p-norm of each window, the size rounded up."""
    pads = [(0, 0), *ceil_pads(len(x.shape) - 2, kernel, stride, padding), (0, 0)]
    return lp_pool(ops.pad(x, pads), kernel, strides=stride, p=p)


def ceil_avg_pool(
    x: KerasTensor,
    kernel: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...] = 0,
    count_padding: bool = False,
) -> KerasTensor:
    """The mean of each window, the size rounded up; padding counts only where asked for."""
    pads = [(0, 0), *ceil_pads(len(x.shape) - 2, kernel, stride, padding), (0, 0)]
    ones = ops.ones_like(x)
    if count_padding:
        own = [(before, before) for before, _ in pads]
        x, ones = ops.pad(x, own), ops.pad(ones, own, constant_values=1.0)
        pads = [(0, after - before) for before, after in pads]
    total, count = (
        ops.average_pool(ops.pad(part, pads), kernel, strides=stride) for part in (x, ones)
    )
    return total / count


@keras.saving.register_keras_serializable(package="dslc")
class ConvTranspose(layers.Layer):
    """A convolution turned around: what PyTorch computes, its weight as PyTorch has it.

    The weight is [channels, out // groups, *kernel]; `padding` elements are cut off on both sides.
    """

    portable: tuple[str, ...]

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
        **options: Any,
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
        return ops.reshape(
            ops.pad(x, pads), (*shape[:axis], shape[axis] * stride, *shape[axis + 1 :])
        )

    def get_config(self) -> dict[str, Any]:
        own = {"out": self.out, "groups": self.groups, "use_bias": self.use_bias}
        return {**super().get_config(), **self.window, **own}


@keras.saving.register_keras_serializable(package="dslc")
class PixelShuffle(layers.Layer):
    """Channels put side by side, the channel before the place in the block."""

    def __init__(self, factor: int, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, x: KerasTensor) -> KerasTensor:
        r = self.factor
        _, h, w, c = ops.shape(x)
        blocks = ops.reshape(x, (-1, h, w, c // r**2, r, r))
        return ops.reshape(ops.transpose(blocks, (0, 1, 4, 2, 5, 3)), (-1, h * r, w * r, c // r**2))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="dslc")
class SpaceToDepth(layers.Layer):
    """Blocks of an image as channels, the place in the block before the channel."""

    def __init__(self, factor: int, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, x: KerasTensor) -> KerasTensor:
        r = self.factor
        _, h, w, c = ops.shape(x)
        blocks = ops.reshape(x, (-1, h // r, r, w // r, r, c))
        return ops.reshape(
            ops.transpose(blocks, (0, 1, 3, 2, 4, 5)), (-1, h // r, w // r, c * r**2)
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


def local_response_norm(
    x: KerasTensor, size: int, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> KerasTensor:
    """Divides by a power of the mean square over `size` channels around each one."""
    wide = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))  # squares overflow float16
    padded = ops.pad(ops.square(wide), [(0, 0)] * (len(x.shape) - 1) + [(size // 2, size // 2)])
    total = sum(padded[..., start : start - size + 1 or None] for start in range(size))
    return ops.cast(wide / (k + alpha / size * total) ** beta, x.dtype)
