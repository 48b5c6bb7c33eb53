"""Helpers for values by place, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

from typing import Any

import keras
from keras import KerasTensor, layers, ops


def top_k(x: KerasTensor, k: int, axis: int) -> tuple[KerasTensor, KerasTensor]:
    """The largest along an axis, the largest first, and their places."""
    values, indices = ops.top_k(ops.moveaxis(x, axis, -1), k)
    return ops.moveaxis(values, -1, axis), ops.moveaxis(indices, -1, axis)


@keras.saving.register_keras_serializable(package="dslc")
class ScatterAdd(layers.Layer):
    """Adds each update at the place that its id names along an axis."""

    def __init__(self, axis: int, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis

    def build(self, *_: Any) -> None:
        """Has no weights."""

    def call(self, x: KerasTensor, ids: KerasTensor, updates: KerasTensor) -> KerasTensor:
        shape = ops.shape(ids)
        places: list[Any] = []
        for axis, size in enumerate(shape):
            form = [1] * len(shape)
            form[axis] = -1
            places.append(ops.broadcast_to(ops.reshape(ops.arange(size), form), shape))
        places[self.axis] = ids
        columns = [ops.reshape(ops.cast(place, "int32"), (-1,)) for place in places]
        where = ops.stack(columns, axis=-1)
        return x + ops.scatter(where, ops.reshape(updates, (-1,)), ops.shape(x))

    def compute_output_spec(self, x: KerasTensor, *_: KerasTensor) -> KerasTensor:
        return KerasTensor(x.shape, dtype=x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


@keras.saving.register_keras_serializable(package="dslc")
class Patchify(layers.Layer):
    """Square patches of an image, row by row, each its channels' pixels in a row."""

    def __init__(self, size: int, **options: Any) -> None:
        super().__init__(**options)
        self.size = size

    def call(self, x: KerasTensor) -> KerasTensor:
        n, c, h, w = ops.shape(x)
        size = self.size
        cut = ops.reshape(x, (n, c, h // size, size, w // size, size))
        patches = ops.transpose(cut, (0, 2, 4, 1, 3, 5))
        return ops.reshape(patches, (n, (h // size) * (w // size), c * size * size))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}
