"""Metrics beyond the share of hits: of one class, of areas, of ranks, of variance explained."""

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


class _OfClasses(Op):
    """A number that comes from logits of classes and the classes themselves."""

    inputs = (Input("logits"), Input("target", "integer"))
    layout = "axes"
    axis = Axis(1, doc="the axis of the classes")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        classes_axis(self, check, *types)
        return types[0].with_shape().with_dtype("f32")

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return None, types[0].shape[resolve_axis(self.axis, types[0].rank)]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 3 * types[0].elements


class _OfOneClass(_OfClasses):
    """A number about one class against the rest."""

    primary = "positive"
    positive = Integer(1, minimum=0, doc="the class that is meant")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        found = super().infer(check, *types)
        classes = types[0].shape[resolve_axis(self.axis, types[0].rank)]
        if isinstance(classes, int) and classes <= self.positive:
            message = f"there are {classes} classes, and none is called {self.positive}"
            raise OpError("E0504", message, attribute="positive")
        return found


class Precision(_OfOneClass):
    """The share of the places taken for a class that are of it; 0 where none is taken for it.

    Shape: `[N, C, …]`, integers `[N, …]` (the shape without `axis`) → scalar.
    Source: ONNX ArgMax and Equal; `sklearn.metrics.precision_score`.
    """

    family = "metric"
    passes_gradient = False


class Recall(_OfOneClass):
    """The share of the places of a class that are taken for it; 0 where there are none.

    Shape: `[N, C, …]`, integers `[N, …]` (the shape without `axis`) → scalar.
    Source: ONNX ArgMax and Equal; `sklearn.metrics.recall_score`.
    """

    family = "metric"
    passes_gradient = False


class F1(_OfOneClass):
    """The harmonic mean of precision and recall of a class; 0 where both are.

    Shape: `[N, C, …]`, integers `[N, …]` (the shape without `axis`) → scalar.
    Source: ONNX ArgMax and Equal; `sklearn.metrics.f1_score`.
    """

    family = "metric"
    passes_gradient = False


class MeanIou(_OfClasses):
    """The mean over classes of intersection over union, of those that are found or there.

    Shape: `[N, C, …]`, integers `[N, …]` (the shape without `axis`) → scalar.
    Source: ONNX ArgMax and OneHot; Everingham et al. 2010.
    """

    family = "metric"
    passes_gradient = False


class Perplexity(_OfClasses):
    """The exponential of the mean of `-log softmax(logits)[target]`.

    Shape: `[N, C, …]`, integers `[N, …]` (the shape without `axis`) → scalar.
    Source: ONNX SoftmaxCrossEntropyLoss and Exp; Jelinek et al. 1977.
    """

    family = "metric"
    falls = True


class _OfAlike(Op):
    """A number that comes from two values of one shape."""

    layout = "elementwise"

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, target = types
        if x.rank != target.rank:
            message = f"`{self.name}` needs equal shapes, not {x} and {target}"
            raise OpError("E0304", message, input=1)
        for axis, (left, right) in enumerate(zip(x.shape, target.shape, strict=True)):
            message = f"`{self.name}` needs equal shapes: axis {axis} is {right}, not {left}"
            check.require("==", left, right, message, code="E0304", input=1, axis=axis)
        return x.with_shape().with_dtype("f32")


class Auc(_OfAlike):
    """The area under the ROC curve: the share of pairs whose place of class 1 scores higher.

    Equal scores count as half, and it is 0 where one of both classes is missing. It compares all
    pairs. Shape: scores and integers 0 and 1 alike → scalar. Source: ONNX Greater and ReduceSum;
    Hanley and McNeil 1982; `sklearn.metrics.roc_auc_score`.
    """

    family = "metric"
    passes_gradient = False
    inputs = (Input("scores"), Input("target", "integer"))

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return None, 2

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 4 * types[0].elements * types[0].elements


class R2(_OfAlike):
    """How much of the target's variance is explained: 1 less the squared errors' share of it.

    Shape: two equal shapes → scalar. Source: ONNX ReduceSumSquare; `sklearn.metrics.r2_score`.
    """

    family = "metric"
    inputs = (Input("x"), Input("target"))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 6 * types[0].elements
