"""Helpers that generated Keras models contain where they need them, word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false

from collections.abc import Callable
from functools import reduce
from typing import Any

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
            dtype = self.moving_variance.dtype
            count = ops.cast(ops.size(inputs) // inputs.shape[self.axis], dtype)
            added = self.moving_variance - kept
            self.moving_variance.assign_add(added / ops.maximum(count - 1, 1))
        return outputs


@keras.saving.register_keras_serializable(package="dslc")
class TwiceBatchNormalization(BatchNormalization):
    """A batch normalisation that is right where it is differentiated twice.

    Keras takes the mean within the variance for a constant, which only a first derivative may.
    """

    def _moments(
        self, inputs: KerasTensor, mask: KerasTensor | None
    ) -> tuple[KerasTensor, KerasTensor]:
        del mask
        axes = tuple(range(len(inputs.shape) - 1))
        return ops.mean(inputs, axes), ops.var(inputs, axes)


@keras.saving.register_keras_serializable(package="dslc")
class TwiceLayerNormalization(layers.LayerNormalization):
    """A layer normalisation that is right where it is differentiated twice, as Keras's is not."""

    def call(self, inputs: KerasTensor) -> KerasTensor:
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean, variance = (find(x, -1, keepdims=True) for find in (ops.mean, ops.var))
        y = (x - mean) * ops.rsqrt(variance + self.epsilon) * self.gamma
        return ops.cast(y + self.beta if self.center else y, self.compute_dtype)


@keras.saving.register_keras_serializable(package="dslc")
class TwiceGroupNormalization(layers.GroupNormalization):
    """A group normalisation that is right where it is differentiated twice, as Keras's is not."""

    def call(self, inputs: KerasTensor) -> KerasTensor:
        rows, channels = ops.shape(inputs)[0], ops.shape(inputs)[-1]
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        x = ops.reshape(x, (rows, -1, self.groups, channels // self.groups))
        mean, variance = (find(x, (1, 3), keepdims=True) for find in (ops.mean, ops.var))
        y = ops.reshape((x - mean) * ops.rsqrt(variance + self.epsilon), ops.shape(inputs))
        y = y * self.gamma if self.scale else y
        return ops.cast(y + self.beta if self.center else y, self.compute_dtype)


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
class Keep(layers.Layer):
    """Passes on the first of its inputs; the layers behind the others stay, and run before."""

    def __init__(self, **options: Any) -> None:
        super().__init__(autocast=False, **options)

    def call(self, inputs: list[KerasTensor]) -> KerasTensor:
        return inputs[0]


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
        sizes = ops.shape(x)[1:-1]
        totals = [self.total(size, axis) for axis, size in enumerate(sizes)]
        return ops.pad(x, [(0, 0), *((n // 2, n - n // 2) for n in totals), (0, 0)])

    def total(self, size: Any, axis: int) -> Any:
        """The zeros before and after."""
        window = (self.kernel, self.stride, self.dilation)
        kernel, stride, dilation = (n if isinstance(n, int) else n[axis] for n in window)
        total = ((size - 1) // stride) * stride + dilation * (kernel - 1) + 1 - size
        return max(total, 0) if isinstance(size, int) else ops.maximum(total, 0)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """What is known of the sizes before the model runs."""
        sizes = enumerate(shape[1:-1])
        known = [None if n is None else n + self.total(n, axis) for axis, n in sizes]
        return shape[0], *known, shape[-1]

    def get_config(self) -> dict[str, Any]:
        sizes = {"kernel": self.kernel, "stride": self.stride, "dilation": self.dilation}
        return {**super().get_config(), **sizes}


def least(*sizes: Any) -> Any:
    """The smallest of some sizes, which TensorFlow may only know when it runs."""
    known = all(isinstance(size, int) for size in sizes)
    return min(sizes) if known else reduce(ops.minimum, sizes)


def greatest(*sizes: Any) -> Any:
    """The largest of some sizes, which TensorFlow may only know when it runs."""
    known = all(isinstance(size, int) for size in sizes)
    return max(sizes) if known else reduce(ops.maximum, sizes)


def add(x: KerasTensor, y: KerasTensor) -> KerasTensor:
    """A sum that broadcasts any axis; on TensorFlow, Keras's own takes some `y` for a bias."""
    return x - ops.negative(y)


def lower_triangle(x: KerasTensor, k: int) -> KerasTensor:
    """Zeros above the k-th diagonal; Keras's own takes none beyond the matrix."""
    above = ops.triu(ops.ones_like(x), k=k + 1)
    return ops.where(ops.equal(above, 0), x, ops.zeros_like(x))


def upper_triangle(x: KerasTensor, k: int) -> KerasTensor:
    """Zeros below the k-th diagonal; Keras's own takes none beyond the matrix."""
    below = ops.tril(ops.ones_like(x), k=k - 1)
    return ops.where(ops.equal(below, 0), x, ops.zeros_like(x))


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
    return layers.MaxPooling2D(kernel, strides=stride, dtype=x.dtype)(x)


def avg_pool2d(
    x: KerasTensor,
    kernel: int | tuple[int, int],
    *,
    stride: int | tuple[int, int],
    padding: int | tuple[int, int],
) -> KerasTensor:
    """The mean of each window, padded on both sides alike; padding does not count."""
    pad = layers.ZeroPadding2D(padding, dtype=x.dtype)
    pool = layers.AveragePooling2D(kernel, strides=stride, dtype=x.dtype)
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


def shared(block: Callable[..., Any], *arguments: Any, name: str, **options: Any) -> keras.Model:
    """A block as one layer: every call of it has the same weights."""
    tensors = [x for x in arguments if isinstance(x, KerasTensor)]
    copies = [keras.Input(batch_shape=x.shape, dtype=x.dtype) for x in tensors]
    outputs = block(*copies, *arguments[len(copies) :], name=name, **options)
    return keras.Model(copies[0] if len(copies) == 1 else copies, outputs, name=name)


class SharedRounds:
    """A block whose every call has the same weights, and may be given other numbers."""

    def __init__(self, block: Callable[..., Any], *, name: str) -> None:
        self.block, self.name = block, name
        self.layers: dict[str, keras.Layer] = {}

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        tensors = [x for x in arguments if isinstance(x, KerasTensor)]
        copies = [keras.Input(batch_shape=x.shape, dtype=x.dtype) for x in tensors]
        outputs = self.block(*copies, *arguments[len(copies) :], name=self.name, **options)
        made = keras.models.clone_model(keras.Model(copies, outputs), clone_function=self.known)
        return made.call(tensors)  # its steps become those of the graph around

    def known(self, step: Any) -> Any:
        """The layer of the first call in place of one with its name; any other step as it is."""
        if isinstance(step, layers.Layer) and step.name.startswith(f"{self.name}-"):
            return self.layers.setdefault(step.name, step)
        return step


@keras.saving.register_keras_serializable(package="dslc")
class DropRows(layers.Layer):
    """In training zeroes what lies at each place of the first axes, and scales the rest."""

    def __init__(self, rate: float, kept: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.rate, self.kept = rate, kept
        self.dropout = layers.Dropout(rate, dtype=self.dtype_policy, name="dropout")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Has no weights."""

    def call(self, x: KerasTensor) -> KerasTensor:
        first = x[(..., *(slice(0, 1),) * (len(x.shape) - self.kept))]
        return x * self.dropout(ops.ones_like(first))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "kept": self.kept}
