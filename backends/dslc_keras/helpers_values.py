"""Helpers that work on any value, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

import math
from typing import Any

import keras
from keras import KerasTensor, layers, ops


def argmax(x: KerasTensor, *, axis: int = -1) -> KerasTensor:
    """The place of the largest number, the first of equals: for Keras alone, -0 is less than 0."""
    return ops.argmax(ops.where(ops.equal(x, 0), ops.zeros_like(x), x), axis=axis)


def quick_gelu(x: KerasTensor) -> KerasTensor:
    """`x * sigmoid(1.702 * x)`."""
    return x * ops.sigmoid(1.702 * x)


def swiglu(x: KerasTensor, *, axis: int = -1) -> KerasTensor:
    """The first half of an axis through SiLU, times the second."""
    a, b = ops.split(x, 2, axis=axis)
    return ops.silu(a) * b


def geglu(x: KerasTensor, *, axis: int = -1, approximate: bool = False) -> KerasTensor:
    """The first half of an axis through GELU, times the second."""
    a, b = ops.split(x, 2, axis=axis)
    return ops.gelu(a, approximate=approximate) * b


@keras.saving.register_keras_serializable(package="dslc")
def exact_gelu(x: KerasTensor, approximate: bool = False) -> KerasTensor:
    """GELU, the numbers of which Keras's own rounds to float32 on TensorFlow."""
    if approximate:
        return x * (1 + ops.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2
    return x * (1 + ops.erf(x / math.sqrt(2))) / 2


def exact_geglu(x: KerasTensor, *, axis: int = -1, approximate: bool = False) -> KerasTensor:
    """The first half of an axis through `exact_gelu`, times the second."""
    a, b = ops.split(x, 2, axis=axis)
    return exact_gelu(a, approximate) * b


def exact_leaky_relu(x: KerasTensor, slope: float) -> KerasTensor:
    """A leaky ReLU, the slope of which Keras's own rounds to float32 on TensorFlow."""
    return ops.where(x > 0, x, slope * x)


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

    def __init__(self, value: float = 1e-5, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.value, self.axis = value, axis

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.after = len(shape) - 1 - self.axis % len(shape)
        size, initial = (shape[self.axis],), keras.initializers.Constant(self.value)
        self.weight = self.add_weight(shape=size, initializer=initial, name="weight")

    def call(self, x: KerasTensor) -> KerasTensor:
        return x * ops.reshape(self.weight, (-1,) + (1,) * self.after)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value": self.value, "axis": self.axis}


def instance_norm(x: KerasTensor, *, eps: float) -> KerasTensor:
    """Each channel of each row at mean 0 and variance 1 over its places."""
    places = tuple(range(1, len(x.shape) - 1))
    mean, variance = (find(x, places, keepdims=True) for find in (ops.mean, ops.var))
    return (x - mean) * ops.rsqrt(variance + eps)


def l2_normalize(x: KerasTensor, *, axis: int = -1, eps: float = 1e-12) -> KerasTensor:
    """Divides by the norm over an axis, which counts as `eps` at least."""
    wide = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))  # squares overflow float16
    squares = ops.maximum(ops.sum(ops.square(wide), axis=axis, keepdims=True), eps**2)
    return ops.cast(wide * ops.rsqrt(squares), x.dtype)


def vector_norm(
    x: KerasTensor, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> KerasTensor:
    """Euclid's norm, whose gradient is 0 where the norm is: that of a root would be infinite."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=keepdims)
    is_zero = ops.equal(squares, 0)
    return ops.where(is_zero, 0.0, ops.sqrt(ops.where(is_zero, 1.0, squares)))


@keras.saving.register_keras_serializable(package="dslc")
class Bilinear(layers.Layer):
    """A map of two values, linear in each: `y[k] = x @ weight[k] @ z + bias[k]`."""

    portable: tuple[str, ...]

    def __init__(self, out: int, use_bias: bool = True, **options: Any) -> None:
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

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "out": self.out, "use_bias": self.use_bias}


def pad_edge(x: KerasTensor, pads: tuple[tuple[int, int], ...]) -> KerasTensor:
    """Pads axes with their edges, again and again."""
    for axis, (before, after) in enumerate(pads):
        index = (slice(None),) * axis
        first, last = x[(*index, slice(0, 1))], x[(*index, slice(-1, None))]
        parts = [ops.repeat(first, before, axis=axis), x, ops.repeat(last, after, axis=axis)]
        kept = [part for part in parts if part.shape[axis] != 0]
        x = ops.concatenate(kept, axis=axis) if len(kept) > 1 else x
    return x


@keras.saving.register_keras_serializable(package="dslc")
class Gather(layers.Layer):
    """The places that ids name along an axis, after `batch` axes that both share."""

    def __init__(self, axis: int, batch: int, **options: Any) -> None:
        super().__init__(**options)
        self.axis, self.batch = axis, batch

    def call(self, x: KerasTensor, ids: KerasTensor) -> KerasTensor:
        axis, batch = self.axis, self.batch
        shape, named = ops.shape(x), ops.shape(ids)
        ones = (1,) * (axis - batch), (1,) * (len(shape) - axis - 1)
        flat = ops.reshape(ids, (*named[:batch], *ones[0], -1, *ones[1]))
        y = ops.take_along_axis(x, flat, axis=axis)
        return ops.reshape(y, (*shape[:axis], *named[batch:], *shape[axis + 1 :]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "batch": self.batch}


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
