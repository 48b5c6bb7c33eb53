"""Graphs: values summed by segment, and layers that read the values of neighbours.

Edges are `i64[2, E]`: the row that an edge leaves, and the row at which it ends.
"""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Number, Size, Word
from dslc.ops.base import Check, Input, Op, OpError, Weight
from dslc.ops.normed import FAN_IN, KAIMING
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
        check_edges(self.name, check, x, edges)
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


def check_edges(op: str, check: Check, x: TensorType, edges: TensorType) -> None:
    """Raises unless there are rows, and edges between them."""
    need_rank(op, x, 2, "[N, D]")
    need_rank(op, edges, 2, "[2, E]", input=1)
    message = f"edges are [2, E], and axis 0 is {edges.shape[0]}"
    check.require("==", edges.shape[0], 2, message, code="E0304", input=1, axis=0)


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


class GatConv(Op):
    """The mean of a linear map of each row and its neighbours, weighed by attention.

    For each head `sum(a[j] y[j])` with `y = weight x` and
    `a[j] = softmax(leaky_relu(source . y[j] + target . y[i]))` over the rows j from which edges end
    at row i, and i itself. Heads stand side by side, or their mean is taken.
    Weights: `weight` `[heads * out, D]`, `source` and `target` `[heads, out]`, `bias`.
    Shape: `[N, D]`, edges `[2, E]` → `[N, heads * out]`, or `[N, out]` with `join: mean`.
    Source: ONNX ScatterND, Softmax and Gemm; Velickovic et al. 2018.
    """

    family = "graph"
    primary = "out"
    inputs = (Input("x"), Input("edges", "integer"))
    chance = ("dropout",)
    out = Size(minimum=1, doc="the number of outputs of each head")
    heads = Size(1, minimum=1, doc="how many attentions there are")
    join = Word("concat", words=("concat", "mean"), doc="how heads are put together")
    slope = Number(0.2, minimum=0, doc="the factor of negative scores")
    bias = Boolean(True, doc="whether a bias is added")
    dropout = Number(0.0, minimum=0, below=1, doc="dropout of the attention")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, edges = types
        check_edges(self.name, check, x, edges)
        return x.with_shape(x.shape[0], self.width)

    @property
    def width(self) -> DimLike:
        """How many outputs each row has."""
        return self.out if self.join == "mean" else self.heads * self.out

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return None, types[0].shape[0]

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        weight = Weight("weight", (self.heads * self.out, types[0].shape[1]), KAIMING)
        ends = (Weight(name, (self.heads, self.out), KAIMING) for name in ("source", "target"))
        return weight, *ends, *([Weight("bias", (self.width,), ("zeros",))] if self.bias else [])

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        x, edges = types
        rows, width = x.shape[0], self.heads * self.out
        attention = 9 * self.heads + 2 * width
        return rows * width * (2 * x.shape[1] + 4) + (rows + edges.shape[1]) * attention
