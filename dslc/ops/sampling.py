"""Images sampled at places: the places that an affine map gives, and what is found there."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Sizes, Word
from dslc.ops.base import Check, Input, Op
from dslc.ops.shapes import need_rank, same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class AffineGrid(Op):
    """Where the pixels of an image of a size are under an affine map: x and y from -1 to 1.

    -1 and 1 are the outer edges of the image. Shape: `[N, 2, 3]` → `[N, H, W, 2]`.
    Source: ONNX AffineGrid; `torch.nn.functional.affine_grid` with `align_corners=False`;
    Jaderberg et al. 2015.
    """

    family = "tensor"
    primary = "size"
    inputs = (Input("theta"),)
    size = Sizes(2, minimum=1, doc="the height and width of the grid")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (theta,) = types
        need_rank(self.name, theta, 3, "[N, 2, 3]")
        for axis, wanted in ((1, 2), (2, 3)):
            message = f"axis {axis} of an affine map is {wanted}, not {theta.shape[axis]}"
            sizes = (theta.shape[axis], wanted)
            check.require("==", *sizes, message, code="E0304", input=0, axis=axis)
        return theta.with_shape(theta.shape[0], *self.size, 2)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * outputs[0].elements


class GridSample(Op):
    """An image sampled at places, x and y from -1 to 1, blended of the four pixels around each.

    With `nearest` it is the nearest pixel, which of two alike has an even number. -1 and 1 are the
    outer edges of the image, with `align_corners` the middles of its outer pixels. Outside the image
    it is 0, with `border` its nearest pixel, with `reflection` its mirror image.
    Shape: `[N, C, H, W]`, grid `[N, h, w, 2]` → `[N, C, h, w]`.
    Source: ONNX GridSample; `torch.nn.functional.grid_sample`; Jaderberg et al. 2015.
    """

    family = "tensor"
    primary = "padding"
    inputs = (Input("x"), Input("grid"))
    padding = Word(
        "zeros", words=("zeros", "border", "reflection"), doc="what is outside the image"
    )
    mode = Word("bilinear", words=("bilinear", "nearest"), doc="how pixels are blended")
    align_corners = Boolean(False, doc="whether -1 and 1 are the middles of the outer pixels")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, grid = types
        same_dtype(self.name, types)
        need_rank(self.name, x, 4, "[N, C, H, W]")
        need_rank(self.name, grid, 4, "[N, h, w, 2]", input=1)
        for axis, wanted in ((0, x.shape[0]), (3, 2)):
            message = f"axis {axis} of the grid is {grid.shape[axis]}, not {wanted}"
            sizes = (grid.shape[axis], wanted)
            check.require("==", *sizes, message, code="E0304", input=1, axis=axis)
        return x.with_shape(*x.shape[:2], *grid.shape[1:3])

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 8 * outputs[0].elements
