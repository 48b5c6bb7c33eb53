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


def places_in(place: Any, size: Any, padding: str, align_corners: bool) -> Any:
    """Places from -1 to 1 as numbers of pixels; what is outside goes where its padding says."""
    start, span = (0.0, ops.maximum(size - 1, 1)) if align_corners else (-0.5, size)
    place = (place + 1) / 2 * (size - 1) if align_corners else ((place + 1) * size - 1) / 2
    if padding == "reflection":
        away = ops.abs(place - start)
        turns = ops.floor(away / span)
        rest = away - turns * span
        place = ops.where(ops.equal(turns % 2, 0), rest, span - rest) + start
    return place if padding == "zeros" else ops.minimum(ops.maximum(place, 0), size - 1)


@keras.saving.register_keras_serializable(package="dslc")
class GridSample(layers.Layer):
    """An image sampled at places, blended of the pixels around each. [N, C, h, w]."""

    def __init__(
        self,
        padding: str = "zeros",
        nearest: bool = False,
        align_corners: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.padding, self.nearest, self.align_corners = padding, nearest, align_corners

    def call(self, image: KerasTensor, grid: KerasTensor) -> KerasTensor:
        n, channels, high, wide = ops.shape(image)
        sizes = [ops.cast(size, grid.dtype) for size in (wide, high)]
        x, y = (
            places_in(grid[..., k], size, self.padding, self.align_corners)
            for k, size in enumerate(sizes)
        )
        if self.nearest:
            taps = [(ops.round(y), ops.round(x))]
        else:
            taps = [(ops.floor(y) + k // 2, ops.floor(x) + k % 2) for k in range(4)]
        pixels = ops.reshape(ops.transpose(image, (0, 2, 3, 1)), (n, high * wide, channels))
        parts: list[Any] = []
        for i, j in taps:
            ends = [
                ops.minimum(ops.maximum(k, 0), s - 1) for k, s in ((i, sizes[1]), (j, sizes[0]))
            ]
            inside = ops.logical_and(ops.equal(i, ends[0]), ops.equal(j, ends[1]))
            share = ops.cast(inside, x.dtype)
            if not self.nearest:
                share = share * (1 - ops.abs(y - i)) * (1 - ops.abs(x - j))
            places = ops.cast(ends[0], "int32") * wide + ops.cast(ends[1], "int32")
            found = ops.take_along_axis(pixels, ops.reshape(places, (n, -1, 1)), axis=1)
            parts.append(ops.reshape(share, (n, -1, 1)) * found)
        total = ops.transpose(sum(parts[1:], start=parts[0]), (0, 2, 1))
        return ops.reshape(total, (n, channels, *ops.shape(grid)[1:3]))

    def get_config(self) -> dict[str, Any]:
        own = {"padding": self.padding, "nearest": self.nearest}
        return {**super().get_config(), **own, "align_corners": self.align_corners}
