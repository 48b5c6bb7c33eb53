"""Graphs: values summed by segment, and layers that read the values of neighbours.

Edges are `i64[2, E]`: the row that an edge leaves, and the row at which it ends.
"""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Size
from dslc.ops.base import Check, Input, Op, OpError, Weight
from dslc.ops.linear import FAN_IN, KAIMING
from dslc.ops.shapes import need_rank
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Segment(Op):
    """Rows put together by the segment that each belongs to."""

    primary = "segments"
    inputs = (Input("x"), Input("ids", "integer"))
    segments = Size(minimum=1, doc="how many segments there are")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, ids = types
        if not x.rank:
            raise OpError("E0303", f"`{self.name}` takes rows, not {x}", input=0)
        need_rank(self.name, ids, 1, "[E]", input=1)
        message = f"there are {x.shape[0]} rows and {ids.shape[0]} ids"
        check.require("==", x.shape[0], ids.shape[0], message, code="E0304", input=1, axis=0)
        return x.with_shape(self.segments, *x.shape[1:])

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return None, self.segments

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements


class SegmentSum(_Segment):
    """The sum of the rows of each segment; of none it is 0.

    Shape: `[E, …]`, ids `[E]` → `[segments, …]`. Ids must lie in `0 … segments - 1`.
    Source: ONNX ScatterND (`add`); `jax.ops.segment_sum`.
    """

    family = "graph"


class SegmentMean(_Segment):
    """The mean of the rows of each segment; of none it is 0.

    Shape: `[E, …]`, ids `[E]` → `[segments, …]`. Ids must lie in `0 … segments - 1`.
    Source: ONNX ScatterND (`add`) and Div.
    """

    family = "graph"


class SegmentMax(_Segment):
    """The largest of the rows of each segment, place by place; of none it is 0.

    Shape: `[E, …]`, ids `[E]` → `[segments, …]`. Ids must lie in `0 … segments - 1`.
    Source: ONNX ReduceMax over rows that are hidden elsewhere; `jax.ops.segment_max`.
    """

    family = "graph"


class _Convolution(Op):
    """A linear map of what the neighbours of each row tell."""

    primary = "out"
    inputs = (Input("x"), Input("edges", "integer"))
    out = Size(minimum=1, doc="the number of outputs of each row")
    bias = Boolean(True, doc="whether a bias is added")

    def width(self, x: TensorType) -> DimLike:
        """How many numbers of a row the linear map reads."""
        return x.shape[1]

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, edges = types
        need_rank(self.name, x, 2, "[N, D]")
        need_rank(self.name, edges, 2, "[2, E]", input=1)
        message = f"edges are [2, E], and axis 0 is {edges.shape[0]}"
        check.require("==", edges.shape[0], 2, message, code="E0304", input=1, axis=0)
        return x.with_shape(x.shape[0], self.out)

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return None, types[0].shape[0]

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        weight = Weight("weight", (self.out, self.width(types[0])), KAIMING)
        return (weight, Weight("bias", (self.out,), FAN_IN)) if self.bias else (weight,)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        x, edges = types
        told = 2 * edges.shape[1] * x.shape[1]
        return told + 2 * x.shape[0] * self.width(x) * self.out


class GcnConv(_Convolution):
    """A linear map of each row and its neighbours, each divided by the root of both degrees.

    `weight (D^-1/2 (A + I) D^-1/2 x) + bias`, where a row's degree counts the edges that end there
    and itself. Shape: `[N, D]`, edges `[2, E]` → `[N, out]`.
    Source: ONNX ScatterND and Gemm; Kipf and Welling 2017.
    """

    family = "graph"


class SageConv(_Convolution):
    """A linear map of each row beside the mean of the rows from which edges end there.

    Weights: `weight` `[out, 2 * D]`, the row's own numbers first. Without neighbours the mean is 0.
    Shape: `[N, D]`, edges `[2, E]` → `[N, out]`.
    Source: ONNX ScatterND, Concat and Gemm; Hamilton et al. 2017.
    """

    family = "graph"

    def width(self, x: TensorType) -> DimLike:
        return 2 * x.shape[1]
