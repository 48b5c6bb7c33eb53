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
        """Raises unless both are `[…, 4]`, of one rank."""
        same_dtype(self.name, types)
        for position, value in enumerate(types):
            if value.rank < 2 or value.rank != types[0].rank:
                message = f"`{self.name}` takes boxes [R, 4] or [N, R, 4], not {value}"
                raise OpError("E0303", message, input=position)
            message = f"the last axis of boxes is 4, not {value.shape[-1]}"
            sizes = (value.shape[-1], 4)
            axis = value.rank - 1
            check.require("==", *sizes, message, code="E0304", input=position, axis=axis)

    def check_alike(
        self, check: Check, left: TensorType, right: TensorType, axes: Sequence[int]
    ) -> None:
        """Raises unless some axes of both are alike."""
        for axis in axes:
            sizes = (left.shape[axis], right.shape[axis])
            message = f"axis {axis} of both is {sizes[0]} and {sizes[1]}"
            check.require("==", *sizes, message, code="E0304", input=1, axis=axis)


class BoxIou(_Boxes):
    """The shared area of each pair of boxes, as a share of the area of both together.

    Shape: `[…, R, 4]`, `[…, S, 4]` → `[…, R, S]`. Source: ONNX Min, Max and Div;
    `torchvision.ops.box_iou`.
    """

    family = "detection"
    inputs = (Input("boxes"), Input("others"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        self.check_boxes(check, types)
        boxes, others = types
        self.check_alike(check, boxes, others, range(boxes.rank - 2))
        return boxes.with_shape(*boxes.shape[:-1], others.shape[-2])

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 12 * outputs[0].elements


class BoxEncode(_Boxes):
    """What leads from anchors to boxes: how far the centre moves and the logarithm of the growth.

    `((x - xa) / wa, (y - ya) / ha, log(w / wa), log(h / ha))` of centres and sizes.
    Shape: `[…, R, 4]` twice → `[…, R, 4]`. Source: ONNX Div and Log; Ren et al. 2015.
    """

    family = "detection"
    inputs = (Input("anchors"), Input("boxes"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        self.check_boxes(check, types)
        anchors, other = types
        self.check_alike(check, anchors, other, range(anchors.rank - 1))
        return anchors

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * outputs[0].elements


class BoxDecode(_Boxes):
    """The boxes to which moves lead from anchors: `box_encode` turned around.

    A side grows by at most `1000 / 16`. Shape: `[…, R, 4]` twice → `[…, R, 4]`.
    Source: ONNX Mul and Exp; Ren et al. 2015.
    """

    family = "detection"
    inputs = (Input("anchors"), Input("moves"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        self.check_boxes(check, types)
        anchors, other = types
        self.check_alike(check, anchors, other, range(anchors.rank - 1))
        return anchors

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * outputs[0].elements
