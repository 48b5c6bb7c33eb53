"""Helpers that bring images to another size, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

from typing import Any

import keras
from keras import KerasTensor, layers, ops


def resize_nearest(x: KerasTensor, size: tuple[int, int]) -> KerasTensor:
    """An image whose elements are those at `floor(place * before / after)`."""
    for axis, after in enumerate(size, 1):
        x = ops.take(x, ops.arange(after) * ops.shape(x)[axis] // after, axis=axis)
    return x


def resize_bilinear(x: KerasTensor, size: tuple[int, int]) -> KerasTensor:
    """An image blended from the four elements around each place, without antialiasing."""
    for axis, after in enumerate(size, 1):
        before = ops.shape(x)[axis]
        place = (ops.cast(ops.arange(after), x.dtype) + 0.5) * ops.cast(before / after, x.dtype)
        place = ops.maximum(place - 0.5, 0)
        low = ops.cast(ops.floor(place), "int32")
        share = ops.reshape(place - ops.floor(place), (-1, 1, 1) if axis == 1 else (-1, 1))
        high = ops.minimum(low + 1, before - 1)
        x = (1 - share) * ops.take(x, low, axis=axis) + share * ops.take(x, high, axis=axis)
    return x


@keras.saving.register_keras_serializable(package="dslc")
class ResizeNearest(layers.Layer):
    """An image whose elements are those at `floor(place * before / after)`."""

    def __init__(self, size: int | tuple[int, int], **options: Any) -> None:
        super().__init__(**options)
        self.size = size

    def call(self, x: KerasTensor) -> KerasTensor:
        sizes = (self.size, self.size) if isinstance(self.size, int) else self.size
        for axis, size in enumerate(sizes, 1):
            x = ops.take(x, ops.arange(size) * ops.shape(x)[axis] // size, axis=axis)
        return x

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="dslc")
class ResizeBilinear(layers.Layer):
    """An image blended from the four elements around each place; it can be differentiated twice."""

    def __init__(
        self,
        scale: int | tuple[int, int] = 1,
        size: int | tuple[int, int] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.scale, self.size = scale, size

    def call(self, x: KerasTensor) -> KerasTensor:
        given = self.scale if self.size is None else self.size
        height, width = (given, given) if isinstance(given, int) else given
        if self.size is None:
            height, width = height * ops.shape(x)[1], width * ops.shape(x)[2]
        return resize_bilinear(x, (height, width))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "size": self.size}


@keras.saving.register_keras_serializable(package="dslc")
class ResizeBicubic(layers.Layer):
    """An image blended from the sixteen elements around each place, as PyTorch and ONNX do."""

    def __init__(
        self,
        scale: int | tuple[int, int] = 1,
        size: int | tuple[int, int] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.scale, self.size = scale, size

    def call(self, x: KerasTensor) -> KerasTensor:
        given = self.scale if self.size is None else self.size
        for axis, number in enumerate((given, given) if isinstance(given, int) else given, 1):
            before = ops.shape(x)[axis]
            after = before * number if self.size is None else number
            edge, ratio = (ops.cast(n, x.dtype) for n in (before - 1, before / after))
            place = (ops.cast(ops.arange(after), x.dtype) + 0.5) * ratio - 0.5
            low = ops.floor(place)
            parts: list[Any] = []
            for near in (-1, 0, 1, 2):
                far = ops.abs(place - low - near)
                inner = (1.25 * far - 2.25) * far**2 + 1
                outer = ((-0.75 * far + 3.75) * far - 6) * far + 3
                share = ops.where(far <= 1, inner, outer)
                taken = ops.cast(ops.minimum(ops.maximum(low + near, 0), edge), "int32")
                share = ops.reshape(share, (-1, 1, 1) if axis == 1 else (-1, 1))
                parts.append(share * ops.take(x, taken, axis=axis))
            x = parts[0] + parts[1] + (parts[2] + parts[3])
        return x

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "size": self.size}
