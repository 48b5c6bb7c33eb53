"""Losses that compare two values place by place, and probabilities with what they should be."""

from __future__ import annotations

from dslc.ops.attributes import Axis, Number
from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.loss import classes_axis
from dslc.ops.shapes import need_rank, resolve_axis
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Distance(Op):
    """The mean of a function of two values of one shape."""

    inputs = (Input("x"), Input("target"))
    layout = "elementwise"
    cost: ClassVar[int] = 3

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        equal_shapes(self.name, check, *types)
        return types[0].with_shape()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return self.cost * types[0].elements


def equal_shapes(op: str, check: Check, x: TensorType, other: TensorType) -> None:
    """Raises unless two values have one shape."""
    if x.rank != other.rank:
        raise OpError("E0304", f"`{op}` needs equal shapes, not {x} and {other}", input=1)
    for axis, (left, right) in enumerate(zip(x.shape, other.shape, strict=True)):
        message = f"`{op}` needs equal shapes: axis {axis} is {right}, not {left}"
        check.require("==", left, right, message, code="E0304", input=1, axis=axis)


class Mae(_Distance):
    """The mean of the magnitudes of the differences. Shape: two equal shapes → scalar.

    Source: `torch.nn.functional.l1_loss`.
    """

    family = "loss"


class Huber(_Distance):
    """The mean of `d² / 2` for small differences d, and of `delta * (|d| - delta / 2)` beyond.

    Shape: two equal shapes → scalar. Source: `torch.nn.functional.huber_loss`; Huber 1964.
    """

    family = "loss"
    primary = "delta"
    cost = 6
    delta = Number(1.0, minimum=1e-6, doc="the difference from which on it is linear")


class Bce(_Distance):
    """The mean of `-(t log p + (1 - t) log(1 - p))` of probabilities p; a logarithm is -100 at least.

    Shape: two equal shapes → scalar. Source: `torch.nn.functional.binary_cross_entropy`.
    """

    family = "loss"
    cost = 14


class BceWithLogits(_Distance):
    """`bce` of `sigmoid(x)`, without its loss of precision: the mean of `softplus(x) - t x`.

    Shape: two equal shapes → scalar.
    Source: `torch.nn.functional.binary_cross_entropy_with_logits`.
    """

    family = "loss"
    cost = 9
    log_odds = True


class Hinge(_Distance):
    """The mean of `max(1 - t x, 0)` for targets -1 and 1. Shape: two equal shapes → scalar.

    Source: `sklearn.metrics.hinge_loss`.
    """

    family = "loss"


class KlDiv(Op):
    """The divergence of probabilities t from x, their logarithms: `sum(t (log t - x))` over classes.

    The mean over all places is taken; where t is 0 nothing is added. Shape: two equal shapes →
    scalar. Source: `torch.nn.functional.kl_div` with `reduction="batchmean"` for `[N, C]`.
    """

    family = "loss"
    layout = "axes"
    inputs = (Input("x"), Input("target"))
    axis = Axis(1, doc="the axis of the classes")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        equal_shapes(self.name, check, *types)
        resolve_axis(self.axis, types[0].rank)
        return types[0].with_shape()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 8 * types[0].elements


class Nll(Op):
    """The mean of `-x[target]` over all places, x the logarithms of probabilities.

    Shape: `[N, C, …]`, integers `[N, …]` (the shape without `axis`) → scalar.
    Source: ONNX NegativeLogLikelihoodLoss; `torch.nn.functional.nll_loss`.
    """

    family = "loss"
    layout = "axes"
    inputs = (Input("x"), Input("target", "integer"))
    axis = Axis(1, doc="the axis of the classes")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        classes_axis(self, check, *types)
        return types[0].with_shape()

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return None, types[0].shape[resolve_axis(self.axis, types[0].rank)]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[1].elements


class CosineEmbedding(Op):
    """The mean of `1 - cos` where the target is 1, of `max(cos - margin, 0)` where it is not.

    `cos` is the cosine between the rows of two values; a norm counts as 1e-8 at least. Shape:
    `[N, D]` twice, integers `[N]` → scalar. Source: `torch.nn.functional.cosine_embedding_loss`.
    """

    family = "loss"
    primary = "margin"
    inputs = (Input("x"), Input("y"), Input("target", "integer"))
    margin = Number(0.0, minimum=-1, maximum=1, doc="the cosine that unlike rows may have")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, y, target = types
        need_rank(self.name, x, 2, "[N, D]")
        equal_shapes(self.name, check, x, y)
        need_rank(self.name, target, 1, "a target [N]", input=2)
        message = f"the target has {target.shape[0]} places for {x.shape[0]} rows"
        check.require("==", x.shape[0], target.shape[0], message, code="E0304", input=2, axis=0)
        return x.with_shape()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 9 * types[0].elements
