"""Metrics: what people read beside the loss. Each is a mean, so means of batches can be averaged."""

from __future__ import annotations

from dslc.ops.attributes import Axis, Integer
from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.loss import classes_axis
from dslc.ops.shapes import resolve_axis
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class Accuracy(Op):
    """The share of places whose largest logit is that of the target class; the first of equals.

    Shape: `[N, C, …]`, integers `[N, …]` (the shape without `axis`) → scalar.
    Source: ONNX ArgMax and Equal; `sklearn.metrics.accuracy_score`.
    """

    family = "metric"
    passes_gradient = False
    inputs = (Input("logits"), Input("target", "integer"))
    layout = "axes"
    axis = Axis(1, doc="the axis of the classes")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        classes_axis(self, check, *types)
        return types[0].with_shape().with_dtype("f32")

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return None, types[0].shape[resolve_axis(self.axis, types[0].rank)]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements


class TopKAccuracy(Op):
    """The share of places whose target class is among those of the `k` largest logits.

    Shape: `[N, C, …]`, integers `[N, …]` (the shape without `axis`) → scalar.
    Source: ONNX TopK; `sklearn.metrics.top_k_accuracy_score`.
    """

    family = "metric"
    passes_gradient = False
    primary = "k"
    inputs = (Input("logits"), Input("target", "integer"))
    layout = "axes"
    k = Integer(5, minimum=1, doc="how many classes count")
    axis = Axis(1, doc="the axis of the classes")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        axis = classes_axis(self, check, *types)
        classes = types[0].shape[axis]
        if isinstance(classes, int) and classes < self.k:
            message = f"there are {classes} classes, fewer than the {self.k} that count"
            raise OpError("E0504", message, attribute="k")
        return types[0].with_shape().with_dtype("f32")

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return None, types[0].shape[resolve_axis(self.axis, types[0].rank)]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements
