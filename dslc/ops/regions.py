"""Regions of images: which boxes are kept, and what is seen inside them."""

from __future__ import annotations

from dslc.ir.types import TensorType
from dslc.ops.attributes import Boolean, Maybe, Number, Size, Sizes
from dslc.ops.base import Check, Input, Op
from dslc.ops.boxes import check_corners
from dslc.ops.proposals import same_images
from dslc.ops.shapes import need_rank, same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike


class NonMaxSuppression(Op):
    """The boxes of each image, best score first, that no better one overlaps too much.

    A box is left out where the overlap (`box_iou`) with one that is kept is above `iou`; of boxes
    with `classes`, only one of its own class counts. At most `max` are kept, none whose score is not
    above `score`; behind the last one ids are 0 and `valid` is false. Among equals the first counts.
    Outputs: `ids` `i64[N, max]` and `valid` `bool[N, max]`.
    Shape: boxes `[N, R, 4]`, scores `[N, R]`, classes (integers) `[N, R]`.
    Source: ONNX NonMaxSuppression; `torchvision.ops.batched_nms`.
    """

    family = "detection"
    primary = "max"
    passes_gradient = False
    inputs = (Input("boxes"), Input("scores"), Input("classes", "integer", default="none"))
    outputs = ("ids", "valid")
    max = Size(minimum=1, doc="how many boxes are kept")
    iou = Number(0.5, minimum=0, maximum=1, doc="the overlap above which the worse box is left out")
    score = Maybe(Number(doc="the score that boxes must be above; by default any will do"))

    def infer(self, check: Check, *types: TensorType) -> tuple[TensorType, ...]:
        boxes = types[0]
        same_dtype(self.name, types[:2])
        need_rank(self.name, boxes, 3, "boxes [N, R, 4]")
        check_corners(check, boxes, 0)
        for position, value in enumerate(types[1:], 1):
            what = self.inputs[position].name
            need_rank(self.name, value, 2, f"{what} [N, R]", input=position)
            for axis in (0, 1):
                sizes = (boxes.shape[axis], value.shape[axis])
                message = f"axis {axis} of the {what} is {sizes[1]} for {sizes[0]} boxes"
                check.require("==", *sizes, message, code="E0304", input=position, axis=axis)
        ids = TensorType("i64", (boxes.shape[0], self.max))
        return ids, ids.with_dtype("bool")

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 14 * outputs[0].elements * types[1].shape[1]


class RoiAlign(Op):
    """What is seen inside boxes: a grid of means of the image, sampled between its pixels.

    Each cell of the grid is the mean of `samples` times `samples` places, each blended of the four
    pixels around it; beyond the edge by a pixel and more there is 0. `scale` leads from the boxes'
    pixels to the image's. Rows are those of the first image's boxes, then those of the next one's.
    Shape: `[N, C, H, W]`, boxes `[N, R, 4]` → `[N * R, C, *out]`.
    Source: ONNX RoiAlign (`half_pixel`, or `output_half_pixel` without `aligned`);
    `torchvision.ops.roi_align`; He et al. 2017.
    """

    family = "detection"
    layout = "channels"
    primary = "out"
    inputs = (Input("x"), Input("boxes"))
    out = Sizes(2, minimum=1, doc="the height and width of the grid")
    scale = Number(1.0, minimum=1e-6, doc="the image's size by that of what the boxes lie in")
    samples = Size(2, minimum=1, doc="the places that a cell's side is sampled at")
    aligned = Boolean(True, doc="whether a pixel's place is its middle; else sides are 1 at least")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, boxes = types
        same_dtype(self.name, types)
        need_rank(self.name, x, 4, "[N, C, H, W]")
        need_rank(self.name, boxes, 3, "boxes [N, R, 4]", input=1)
        check_corners(check, boxes, 1)
        same_images(check, x, boxes, 1)
        rows = boxes.shape[0] * boxes.shape[1]
        return x.with_shape(rows, x.shape[1], *self.out)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 9 * outputs[0].elements * self.samples * self.samples
