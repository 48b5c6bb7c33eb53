"""Graphs: `ScatterND` that adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from dslc.ops.graph import GcnConv, SageConv, SegmentMax, SegmentMean, SegmentSum
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.types import DTYPES, numpy_dtype

if TYPE_CHECKING:
    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result

LEAST = {"f16": -6e4, "bf16": -1e38, "f32": -3.4e38, "f64": -1e308}
"""What hides a row from a maximum."""


def filled(at: Lowering[Any], number: float, type: TensorType, label: str) -> ir.Value:
    """One number in every place of a type."""
    value = ir.tensor(np.array([number], numpy_dtype(type.dtype)))
    shape = at.sizes.shape(type.shape)
    return at.emit("ConstantOfShape", shape, type=type, label=label, value=value)


def wide_ids(at: Lowering[Any], position: int) -> tuple[ir.Value, TensorType]:
    """Ids in i64."""
    type = at.operand(position).type
    if type.dtype == "i64":
        return at.input(position), type
    wide = type.with_dtype("i64")
    to = DTYPES["i64"].value
    return at.emit("Cast", at.input(position), type=wide, label="ids", to=to), wide


def added(
    at: Lowering[Any], onto: ir.Value, type: TensorType, ids: ir.Value, rows: ir.Value, label: str
) -> ir.Value:
    """Rows added at the places that ids, `[E, 1]`, name."""
    return at.emit("ScatterND", onto, ids, rows, type=type, label=label, reduction="add")


def column(at: Lowering[Any], ids: ir.Value, type: TensorType, label: str) -> ir.Value:
    """Ids `[E]` as `[E, 1]`."""
    upright = type.with_shape(type.shape[0], 1)
    return at.emit("Unsqueeze", ids, at.graph.integers(1), type=upright, label=label)


def counts(at: Lowering[Any], ids: ir.Value, edges: DimLike, rows: DimLike, start: int) -> ir.Value:
    """How many ids name each row, beside a start."""
    dtype = at.type.dtype
    vector, many = (at.type.with_shape(size).with_dtype(dtype) for size in (rows, edges))
    begun = filled(at, float(start), vector, "begun")
    return added(at, begun, vector, ids, filled(at, 1.0, many, "ones"), "count")


@RULES.add(SegmentSum)
def segment_sum(at: Lowering[SegmentSum]) -> Result:
    """Rows added to zeros."""
    ids, type = wide_ids(at, 1)
    zeros = filled(at, 0.0, at.type, "zeros")
    return added(at, zeros, at.type, column(at, ids, type, "places"), at.input(), "")


@RULES.add(SegmentMean)
def segment_mean(at: Lowering[SegmentMean]) -> Result:
    """The sum, by the count where there is one."""
    ids, type = wide_ids(at, 1)
    places, segments = column(at, ids, type, "places"), at.type.shape[0]
    zeros = filled(at, 0.0, at.type, "zeros")
    total = added(at, zeros, at.type, places, at.input(), "total")
    vector = at.type.with_shape(segments)
    count = counts(at, places, type.shape[0], segments, 0)
    some = at.emit("Max", count, at.number(1.0), type=vector, label="some")
    if at.type.rank > 1:
        axes = at.graph.integers(*range(1, at.type.rank))
        upright = vector.with_shape(segments, *[1] * (at.type.rank - 1))
        some = at.emit("Unsqueeze", some, axes, type=upright, label="divisor")
    return at.emit("Div", total, some)


@RULES.add(SegmentMax)
def segment_max(at: Lowering[SegmentMax]) -> Result:
    """`ReduceMax` over all rows, those of other segments hidden; 0 where none is left."""
    ids, type = wide_ids(at, 1)
    segments, rows = at.type.shape[0], type.shape[0]
    rank = at.type.rank
    axes = at.graph.integers(*range(1, rank))
    own = type.with_shape(rows, *[1] * (rank - 1))
    if rank > 1:
        ids = at.emit("Unsqueeze", ids, axes, type=own, label="own")
    numbers = type.with_shape(segments, 1, *[1] * (rank - 1))
    ends = [at.number(0, "i64"), scalar(at, segments), at.number(1, "i64")]
    line = at.emit("Range", *ends, type=type.with_shape(segments), label="segments")
    behind = at.graph.integers(*range(1, rank + 1))
    line = at.emit("Unsqueeze", line, behind, type=numbers, label="numbers")
    flags = type.with_shape(segments, rows, *[1] * (rank - 1)).with_dtype("bool")
    seen = at.emit("Equal", line, ids, type=flags, label="seen")
    full = at.type.with_shape(segments, *at.operand().type.shape)
    least = at.number(LEAST[at.type.dtype])
    parts = at.emit("Where", seen, at.input(), least, type=full, label="parts")
    largest = reduced(at, "ReduceMax", parts, [1], at.type, "largest", keep=False)
    flag = at.type.with_dtype("bool")
    some = at.emit("Greater", largest, least, type=flag, label="some")
    return at.emit("Where", some, largest, at.number(0.0))


def scalar(at: Lowering[Any], size: DimLike) -> ir.Value:
    """A size as a value of no axes."""
    if isinstance(size, int):
        return at.number(size, "i64")
    type = at.type.with_shape().with_dtype("i64")
    return at.emit("Squeeze", at.sizes.size(size), type=type, label="size")


def ends_of(at: Lowering[Any]) -> tuple[ir.Value, ir.Value, DimLike]:
    """Where edges begin, `[E]`, where they end, `[E, 1]`, and how many there are."""
    edges, type = wide_ids(at, 1)
    row = type.with_shape(type.shape[1])
    source, target = (
        at.emit("Gather", edges, at.number(k, "i64"), type=row, label=label, axis=0)
        for k, label in ((0, "source"), (1, "target"))
    )
    return source, column(at, target, row, "places"), type.shape[1]


def upright(at: Lowering[Any], vector: ir.Value, label: str) -> ir.Value:
    """A number for each row, `[N]`, as `[N, 1]`."""
    type = at.type.with_shape(at.type.shape[0], 1)
    return at.emit("Unsqueeze", vector, at.graph.integers(1), type=type, label=label)


def mapped(at: Lowering[Any], rows: ir.Value) -> ir.Value:
    """The linear map."""
    bias = [at.weight("bias")] if at.op.bias else []
    return at.emit("Gemm", rows, at.weight("weight"), *bias, transB=1)


@RULES.add(GcnConv)
def gcn_conv(at: Lowering[GcnConv]) -> Result:
    """Scaled rows added where edges end, scaled again, and the linear map."""
    source, target, count = ends_of(at)
    x, vector = at.operand().type, at.type.with_shape(at.type.shape[0])
    degree = counts(at, target, count, vector.shape[0], 1)
    root = at.emit("Sqrt", degree, type=vector, label="root")
    scale = upright(at, at.emit("Reciprocal", root, type=vector, label="inverse"), "scale")
    y = at.emit("Mul", at.input(), scale, type=x, label="scaled")
    told = x.with_shape(count, x.shape[1])
    rows = at.emit("Gather", y, source, type=told, label="told", axis=0)
    total = added(at, y, x, target, rows, "heard")
    return mapped(at, at.emit("Mul", total, scale, type=x, label="near"))


@RULES.add(SageConv)
def sage_conv(at: Lowering[SageConv]) -> Result:
    """Rows beside the mean of what ends there, and the linear map."""
    source, target, count = ends_of(at)
    x, vector = at.operand().type, at.type.with_shape(at.type.shape[0])
    rows = at.emit(
        *("Gather", at.input(), source),
        type=x.with_shape(count, x.shape[1]),
        label="told",
        axis=0,
    )
    total = added(at, filled(at, 0.0, x, "zeros"), x, target, rows, "heard")
    number = counts(at, target, count, vector.shape[0], 0)
    some = upright(at, at.emit("Max", number, at.number(1.0), type=vector, label="some"), "divisor")
    near = at.emit("Div", total, some, type=x, label="near")
    both = x.with_shape(x.shape[0], 2 * x.shape[1])
    return mapped(at, at.emit("Concat", at.input(), near, type=both, label="both", axis=1))
