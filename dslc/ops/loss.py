"""Losses: from predictions and targets to one number, the mean over all places."""

from __future__ import annotations

from dslc.ops.attributes import Axis, Integer, Maybe, Number, Numbers
from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.shapes import count_axes, resolve_axis
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class CrossEntropy(Op):
    """The mean of `-log softmax(logits)[target]` over all places.

    `label_smoothing` e mixes the target with the uniform distribution: `(1 - e) * onehot + e / C`.
    Places whose target is `ignore_index` count nothing. With `class_weights` a place counts as much as
    its target's class: the sum over places is divided by the sum of their weights, and in the smoothed
    part each class has its own.
    Shape: `[N, C, …]`, integers `[N, …]` (the shape without `axis`) → scalar.
    Source: ONNX SoftmaxCrossEntropyLoss; `torch.nn.functional.cross_entropy`.
    """

    family = "loss"
    inputs = (Input("logits"), Input("target", "integer"))
    layout = "axes"
    axis = Axis(1, doc="the axis of the classes")
    label_smoothing = Number(0.0, minimum=0, below=1, doc="the share given to all classes alike")
    ignore_index = Maybe(Integer(doc="the target of places that do not count"))
    class_weights = Maybe(Numbers(minimum=0, doc="how much each class counts, in order"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        axis = classes_axis(self, check, *types)
        if self.class_weights is not None:
            classes, given = types[0].shape[axis], len(self.class_weights)
            message = f"there are {classes} classes, and {given} `class_weights`"
            check.require("==", classes, given, message, code="E0308", attribute="class_weights")
        return types[0].with_shape()

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        logits, _ = types
        return None, logits.shape[resolve_axis(self.axis, logits.rank)]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * types[0].elements


class Mse(Op):
    """The mean of the squared differences. Shape: two equal shapes → scalar.

    Source: `torch.nn.functional.mse_loss`.
    """

    family = "loss"
    inputs = (Input("x"), Input("target"))
    layout = "elementwise"

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, target = types
        if x.rank != target.rank:
            raise OpError("E0304", f"`mse` needs equal shapes, not {x} and {target}", input=1)
        for axis, (left, right) in enumerate(zip(x.shape, target.shape, strict=True)):
            message = f"`mse` needs equal shapes: axis {axis} is {right}, not {left}"
            check.require("==", left, right, message, code="E0304", input=1, axis=axis)
        return x.with_shape()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 3 * types[0].elements


def classes_axis(op: Op, check: Check, *types: TensorType) -> int:
    """The axis of the classes, after checking that a target is the logits without it."""
    logits, target = types
    axis = resolve_axis(op.values["axis"], logits.rank)
    expected = logits.shape[:axis] + logits.shape[axis + 1 :]
    if target.rank != len(expected):
        message = (
            f"`{op.name}` needs a target with {count_axes(len(expected))} for {logits}, "
            f"and {target} has {count_axes(target.rank)}"
        )
        raise OpError("E0304", message, input=1)
    for k, (left, right) in enumerate(zip(expected, target.shape, strict=True)):
        message = f"axis {k} of the target is {right}, not {left}"
        check.require("==", left, right, message, code="E0304", input=1, axis=k)
    return axis
