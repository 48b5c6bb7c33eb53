"""Boxes in images: corners `[x1, y1, x2, y2]`, how far two overlap, and what leads to one from another."""

from __future__ import annotations

from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.shapes import same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Boxes(Op):
    """What ops of two lists of boxes share."""

    def check_boxes(self, check: Check, types: Sequence[TensorType]) -> None:
        """Raises unless both are `[R, 4]` or `[N, R, 4]`, and the first has no more axes."""
        same_dtype(self.name, types)
        for position, value in enumerate(types):
            if value.rank not in (2, 3) or value.rank < types[0].rank:
                message = f"`{self.name}` takes boxes [R, 4] or [N, R, 4], not {value}"
                raise OpError("E0303", message, input=position)
            check_corners(check, value, position)

    def check_alike(self, check: Check, left: TensorType, right: TensorType, first: int) -> None:
        """Raises unless the axes of the left are those of the right, up to one from the end."""
        for place in range(-left.rank, first):
            sizes, axis = (left.shape[place], right.shape[place]), place + right.rank
            message = f"axis {axis} of both is {sizes[0]} and {sizes[1]}"
            check.require("==", *sizes, message, code="E0304", input=1, axis=axis)


def check_corners(check: Check, boxes: TensorType, position: int) -> None:
    """Raises unless the last axis holds four corners."""
    message = f"the last axis of boxes is 4, not {boxes.shape[-1]}"
    sizes, axis = (boxes.shape[-1], 4), boxes.rank - 1
    check.require("==", *sizes, message, code="E0304", input=position, axis=axis)


class BoxIou(_Boxes):
    """The shared area of each pair of boxes, as a share of the area of both together.

    Boxes of rank 2 are the same for every image. Shape: `[…, R, 4]`, `[…, S, 4]` → `[…, R, S]`.
    Source: ONNX Min, Max and Div; `torchvision.ops.box_iou`.
    """

    family = "detection"
    inputs = (Input("boxes"), Input("others"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        self.check_boxes(check, types)
        boxes, others = types
        self.check_alike(check, boxes, others, -2)
        return others.with_shape(*others.shape[:-2], boxes.shape[-2], others.shape[-2])

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 12 * outputs[0].elements


class BoxEncode(_Boxes):
    """What leads from anchors to boxes: how far the centre moves and the logarithm of the growth.

    `((x - xa) / wa, (y - ya) / ha, log(w / wa), log(h / ha))` of centres and sizes.
    Anchors of rank 2 are the same for every image. Shape: `[…, R, 4]` twice → `[…, R, 4]`.
    Source: ONNX Div and Log; Ren et al. 2015.
    """

    family = "detection"
    inputs = (Input("anchors"), Input("boxes"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        self.check_boxes(check, types)
        anchors, other = types
        self.check_alike(check, anchors, other, -1)
        return other

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * outputs[0].elements


class BoxDecode(_Boxes):
    """The boxes to which moves lead from anchors: `box_encode` turned around.

    A side grows by at most `1000 / 16`. Anchors of rank 2 are the same for every image.
    Shape: `[…, R, 4]` twice → `[…, R, 4]`.
    Source: ONNX Mul and Exp; Ren et al. 2015.
    """

    family = "detection"
    inputs = (Input("anchors"), Input("moves"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        self.check_boxes(check, types)
        anchors, other = types
        self.check_alike(check, anchors, other, -1)
        return other

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * outputs[0].elements
