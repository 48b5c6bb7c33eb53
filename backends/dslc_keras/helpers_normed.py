"""Helpers for layers whose weight is made of others, put into generated models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

import math
from typing import Any

import keras
from keras import KerasTensor, layers, ops


def called_with(layer: Any, kernel: KerasTensor, x: KerasTensor) -> KerasTensor:
    """A layer called with another kernel."""
    others = [(v, v.value) for v in layer.variables if v is not layer.kernel]
    with keras.StatelessScope(state_mapping=[*others, (layer.kernel, kernel)]):
        return layer(x)


@keras.saving.register_keras_serializable(package="dslc")
class WeightNorm(layers.Wrapper):
    """A layer whose kernel has a learned length and direction for each output."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        out = self.layer.kernel.shape[-1]
        self.scale = self.add_weight(shape=(out,), initializer="ones", name="scale")

    def call(self, x: KerasTensor) -> KerasTensor:
        kernel: Any = ops.convert_to_tensor(self.layer.kernel)
        axes = tuple(range(len(kernel.shape) - 1))
        length = ops.sqrt(ops.sum(kernel * kernel, axis=axes))
        return called_with(self.layer, kernel * (self.scale / length), x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)


@keras.saving.register_keras_serializable(package="dslc")
class SpectralNorm(layers.Wrapper):
    """A layer whose kernel is divided by an estimate of its largest singular value.

    In training each run moves the estimate by one power iteration, unless the layer is frozen.
    """

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        *sizes, out = self.layer.kernel.shape
        options = {"initializer": "ones", "trainable": False}
        self.u = self.add_weight(shape=(out,), name="u", **options)
        self.v = self.add_weight(shape=(math.prod(sizes),), name="v", **options)

    def call(self, x: KerasTensor, training: bool | None = None) -> KerasTensor:
        kernel: Any = ops.convert_to_tensor(self.layer.kernel)
        rank = len(kernel.shape)
        turned = ops.transpose(kernel, (rank - 1, rank - 2, *range(rank - 2)))
        matrix = ops.reshape(turned, (kernel.shape[-1], -1))
        u, v = self.u.value, self.v.value
        if training and self.trainable:
            fixed = ops.stop_gradient(matrix)
            u = ops.matmul(fixed, v)
            u = u / ops.maximum(ops.norm(u), 1e-12)
            v = ops.matmul(u, fixed)
            v = v / ops.maximum(ops.norm(v), 1e-12)
            self.u.assign(u)
            self.v.assign(v)
        return called_with(self.layer, kernel / ops.sum(u * ops.matmul(matrix, v)), x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)


@keras.saving.register_keras_serializable(package="dslc")
class NormalizeGroups(layers.Layer):
    """Each group of channels of each row at mean 0 and variance 1, however many there are."""

    def __init__(self, groups: int, eps: float = 1e-5, **options: Any) -> None:
        super().__init__(**options)
        self.groups, self.eps = groups, eps

    def call(self, x: KerasTensor) -> KerasTensor:
        rows, channels = ops.shape(x)[0], ops.shape(x)[-1]
        y = ops.reshape(x, (rows, -1, self.groups, channels // self.groups))
        mean, variance = (find(y, axis=(1, 3), keepdims=True) for find in (ops.mean, ops.var))
        return ops.reshape((y - mean) * ops.rsqrt(variance + self.eps), ops.shape(x))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups, "eps": self.eps}
