"""Helpers for positions, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

import math
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers, ops


def sinusoidal_position(
    positions: KerasTensor, dim: int, *, base: float = 10000.0, interleaved: bool = True
) -> KerasTensor:
    """Sines and cosines of positions at `dim // 2` frequencies, each sine before its cosine or all."""
    place = np.arange(dim)
    pair = place // 2 if interleaved else place % (dim // 2)
    is_sine = place % 2 == 0 if interleaved else place < dim // 2
    frequencies = (base ** (-2 * pair / dim)).astype("float32")
    angles = ops.expand_dims(ops.cast(positions, "float32"), -1) * frequencies
    return ops.where(is_sine, ops.sin(angles), ops.cos(angles))


@keras.saving.register_keras_serializable(package="dslc")
class RelativePositionBias(layers.Layer):
    """A learned number for each head and each way from one place of a window to another.

    -> f32[heads, P, P] of the P places; called on any tensor, since a graph begins at its inputs
    """

    portable = ("weight",)

    def __init__(self, window: tuple[int, ...], heads: int, **options: Any) -> None:
        super().__init__(**options)
        self.window, self.heads = tuple(window), heads
        ways = math.prod(2 * n - 1 for n in window)
        self.weight = self.add_weight(shape=(ways, heads), initializer="zeros", name="weight")
        self.index = np.zeros(1, "int32")
        for axis, n in zip(np.indices(self.window), self.window, strict=True):
            place = axis.ravel()
            self.index = self.index * (2 * n - 1) + place[:, None] - place + n - 1

    def call(self, _: KerasTensor) -> KerasTensor:
        return ops.transpose(ops.take(self.weight, self.index, axis=0), (2, 0, 1))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "window": self.window, "heads": self.heads}
