"""Helpers for sampling images, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

from typing import Any

import keras
from keras import KerasTensor, layers, ops


def affine_grid(theta: KerasTensor, high: int, wide: int) -> KerasTensor:
    """Where the pixels of an image are under an affine map, x and y from -1 to 1. [N, H, W, 2]."""
    x, y = ((2 * ops.arange(n, dtype=theta.dtype) + 1) / n - 1 for n in (wide, high))
    y, x = ops.meshgrid(y, x, indexing="ij")
    return ops.einsum("hwk,nik->nhwi", ops.stack((x, y, ops.ones_like(x)), axis=-1), theta)


@keras.saving.register_keras_serializable(package="dslc")
class GridSample(layers.Layer):
    """An image sampled at places, blended of the four pixels around each. [N, C, h, w]."""

    def __init__(self, border: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.border = border

    def call(self, image: KerasTensor, grid: KerasTensor) -> KerasTensor:
        n, _, high, wide = ops.shape(image)
        sizes = [ops.cast(size, grid.dtype) for size in (wide, high)]
        x, y = (((grid[..., k] + 1) * size - 1) / 2 for k, size in enumerate(sizes))
        if self.border:
            x, y = (
                ops.minimum(ops.maximum(k, 0), s - 1) for k, s in zip((x, y), sizes, strict=True)
            )
        pixels = ops.reshape(ops.transpose(image, (0, 2, 3, 1)), (n, high * wide, image.shape[1]))
        parts: list[Any] = []
        for down in (0, 1):
            for right in (0, 1):
                i, j = ops.floor(y) + down, ops.floor(x) + right
                ends = [
                    ops.minimum(ops.maximum(k, 0), s - 1) for k, s in ((i, sizes[1]), (j, sizes[0]))
                ]
                inside = ops.logical_and(ops.equal(i, ends[0]), ops.equal(j, ends[1]))
                share = (1 - ops.abs(y - i)) * (1 - ops.abs(x - j)) * ops.cast(inside, x.dtype)
                places = ops.cast(ends[0], "int32") * wide + ops.cast(ends[1], "int32")
                found = ops.take_along_axis(pixels, ops.reshape(places, (n, -1, 1)), axis=1)
                parts.append(ops.reshape(share, (n, -1, 1)) * found)
        total = ops.transpose(parts[0] + parts[1] + (parts[2] + parts[3]), (0, 2, 1))
        return ops.reshape(total, (n, image.shape[1], *ops.shape(grid)[1:3]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "border": self.border}
