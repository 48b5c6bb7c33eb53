"""Helpers on shapes that generated Keras models contain where they use them, word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportReturnType=false, reportArgumentType=false, reportOptionalMemberAccess=false
# pyright: reportGeneralTypeIssues=false, reportOptionalSubscript=false, reportIndexIssue=false
# pyright: reportOptionalIterable=false, reportAssignmentType=false

from typing import Any

import keras
from keras import KerasTensor, layers, ops


@keras.saving.register_keras_serializable(package="dslc")
class Spread(layers.Layer):
    """Stretches a value along some axes to the size of another, one axis after the other.

    TensorFlow itself stretches no values whose long and short axes alternate more than five times.
    """

    def __init__(self, *axes: int, **options: Any) -> None:
        super().__init__(**options)
        self.axes = axes

    def call(self, x: KerasTensor, other: KerasTensor) -> KerasTensor:
        for axis in self.axes:
            shape = [*ops.shape(x)]
            shape[axis] = ops.shape(other)[axis]
            x = ops.broadcast_to(x, shape)
        return x

    def compute_output_spec(self, x: KerasTensor, other: KerasTensor) -> KerasTensor:
        shape = [other.shape[k] if k in self.axes else size for k, size in enumerate(x.shape)]
        return KerasTensor(shape, dtype=x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Spread":
        return cls(*config.pop("axes"), **config)
