"""Losses over many classes that look at the target and a few others.

The others are an input, so that whoever draws them says how: `random_integer: {shape: [N, 5], high:
vocab}` draws each class alike. A `parameter` is a table for both the loss and what is used later.
"""

from __future__ import annotations

from dslc.ops.base import Check, Input, Op
from dslc.ops.shapes import need_rank, same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Sampled(Op):
    """What scores rows by their products with rows of a table."""

    inputs = (
        Input("x"),
        Input("table"),
        Input("target", "integer"),
        Input("negatives", "integer"),
    )

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, table, target, negatives = types
        same_dtype(self.name, (x, table))
        forms = ("[N, D]", "a table [V, D]", "a target [N]", "negatives [N, K]")
        for position, (type, form) in enumerate(zip(types, forms, strict=True)):
            need_rank(self.name, type, 1 if type is target else 2, form, input=position)
        for position, axis, left, right, what in (
            (
                1,
                1,
                x.shape[1],
                table.shape[1],
                "the table's rows have {} places, and those of x {}",
            ),
            (2, 0, x.shape[0], target.shape[0], "the target has {} places for {} rows"),
            (3, 0, x.shape[0], negatives.shape[0], "there are negatives for {} rows, and {} rows"),
        ):
            message = what.format(right, left)
            check.require("==", left, right, message, code="E0304", input=position, axis=axis)
        return x.with_shape()

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        classes = types[1].shape[0]
        return None, None, classes, classes

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 2 * types[0].elements * (types[3].shape[1] + 1)


class NegativeSampling(_Sampled):
    """The mean of `softplus(-x t) + sum(softplus(x n))`, t the target's row and n the negatives'.

    Shape: `[N, D]`, a table `[V, D]`, integers `[N]` and `[N, K]` below V → scalar.
    Source: Mikolov et al. 2013, equation 4, as a loss; ONNX Gather and Softplus.
    """

    family = "loss"


class SampledSoftmax(_Sampled):
    """The mean cross-entropy of the target among itself and the negatives, scores being `x row`.

    A negative that is the target counts nothing. It is the loss of all classes where negatives are
    drawn with one chance for each class.
    Shape: `[N, D]`, a table `[V, D]`, integers `[N]` and `[N, K]` below V → scalar.
    Source: Jean et al. 2015; `tf.nn.sampled_softmax_loss`; ONNX Gather and LogSoftmax.
    """

    family = "loss"
