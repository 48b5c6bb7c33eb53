"""Graphs: `ScatterND` that adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from dslc.ops.graph import GatConv, GcnConv, SageConv, SegmentMax, SegmentMean, SegmentSum
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
    """The largest of each segment over the least number; 0 where nothing is above it."""
    ids, type = wide_ids(at, 1)
    least = at.number(LEAST[at.type.dtype])
    begun = filled(at, LEAST[at.type.dtype], at.type, "begun")
    found = raised(at, begun, at.type, (ids, type), (at.input(), at.operand().type), "largest")
    some = at.emit("Greater", found, least, type=at.type.with_dtype("bool"), label="some")
    return at.emit("Where", some, found, at.number(0.0))


def raised(
    at: Lowering[Any],
    begun: ir.Value,
    type: TensorType,
    ids: tuple[ir.Value, TensorType],
    rows: tuple[ir.Value, TensorType],
    label: str,
) -> ir.Value:
    """A start raised to the largest of the rows that ids give it, place by place.

    Before opset 18 `ScatterND` does not compare: all rows are then seen by every segment.
    """
    if at.graph.opset >= 18:
        places = column(at, *ids, f"{label}_places")
        options: dict[str, Any] = {"type": type, "label": label, "reduction": "max"}
        return at.emit("ScatterND", begun, places, rows[0], **options)
    rank, segments, count = type.rank, type.shape[0], ids[1].shape[0]
    line_type = ids[1].with_shape(segments)
    ends = [at.number(0, "i64"), scalar(at, segments), at.number(1, "i64")]
    line = at.emit("Range", *ends, type=line_type, label=f"{label}_segments")
    upright = line_type.with_shape(segments, 1)
    line = at.emit("Unsqueeze", line, at.graph.integers(1), type=upright, label=f"{label}_numbers")
    flags = line_type.with_shape(segments, count).with_dtype("bool")
    seen = at.emit("Equal", line, ids[0], type=flags, label=f"{label}_seen")
    if rank > 1:
        wide = flags.with_shape(segments, count, *[1] * (rank - 1))
        axes = at.graph.integers(*range(2, rank + 1))
        seen = at.emit("Unsqueeze", seen, axes, type=wide, label=f"{label}_wide")
    full = type.with_shape(segments, *rows[1].shape)
    least = at.number(LEAST[type.dtype])
    parts = at.emit("Where", seen, rows[0], least, type=full, label=f"{label}_parts")
    found = reduced(at, "ReduceMax", parts, [1], type, f"{label}_found", keep=False)
    return at.emit("Max", begun, found, type=type, label=label)


def scalar(at: Lowering[Any], size: DimLike) -> ir.Value:
    """A size as a value of no axes."""
    if isinstance(size, int):
        return at.number(size, "i64")
    type = at.type.with_shape().with_dtype("i64")
    return at.emit("Squeeze", at.sizes.size(size), type=type, label="size")


def ends_of(at: Lowering[Any]) -> tuple[ir.Value, ir.Value, TensorType]:
    """Where edges begin and where they end, `[E]` each, and their type."""
    edges, type = wide_ids(at, 1)
    row = type.with_shape(type.shape[1])
    source, target = (
        at.emit("Gather", edges, at.number(k, "i64"), type=row, label=label, axis=0)
        for k, label in ((0, "source"), (1, "target"))
    )
    return source, target, row


def places_of(at: Lowering[Any]) -> tuple[ir.Value, ir.Value, DimLike]:
    """Where edges begin, `[E]`, where they end, `[E, 1]`, and how many there are."""
    source, target, row = ends_of(at)
    return source, column(at, target, row, "places"), row.shape[0]


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
    source, target, count = places_of(at)
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
    source, target, count = places_of(at)
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


@RULES.add(GatConv)
def gat_conv(at: Lowering[GatConv]) -> Result:
    """Scores of rows and edges, their softmax by `ScatterND`, and what is told summed by it."""
    source, target, edges = ends_of(at)
    places, count = column(at, target, edges, "places"), edges.shape[0]
    rows, heads, out = at.type.shape[0], at.op.heads, at.op.out
    flat = at.type.with_shape(rows, heads * out)
    wide, scores = at.type.with_shape(rows, heads, out), at.type.with_shape(rows, heads)
    far, near = wide.with_shape(count, heads, out), scores.with_shape(count, heads)
    y = at.emit("Gemm", at.input(), at.weight("weight"), type=flat, label="flat", transB=1)
    y = at.sizes.reshape(y, flat, wide, f"{at.path}/y")
    told, asked = (score(at, y, wide, name) for name in ("source", "target"))
    own = attention(at, told, asked, scores, "own")
    from_, to = (
        at.emit("Gather", value, where, type=near, label=label, axis=0)
        for value, where, label in ((told, source, "told"), (asked, target, "asked"))
    )
    each = attention(at, from_, to, near, "each")
    most = raised(at, own, scores, (target, edges), (each, near), "most")
    own = exponential(at, own, most, scores, "own")
    limit = at.emit("Gather", most, target, type=near, label="limit", axis=0)
    each = exponential(at, each, limit, near, "each")
    total = added(at, own, scores, places, each, "total")
    told_rows = at.emit("Gather", y, source, type=far, label="rows", axis=0)
    heard = added(
        *(at, weighed(at, y, own, wide, "own"), wide, places),
        *(weighed(at, told_rows, each, far, "each"), "heard"),
    )
    upright = scores.with_shape(rows, heads, 1)
    divisor = at.emit("Unsqueeze", total, at.graph.integers(2), type=upright, label="divisor")
    label = "" if not at.op.bias and at.op.join == "concat" else "near"
    z = at.emit("Div", heard, divisor, type=wide, label="weighed")
    if at.op.join == "mean":
        label = "near" if at.op.bias else ""
        z = reduced(at, "ReduceMean", z, [1], at.type, label, keep=False)
    else:
        z = at.sizes.reshape(z, wide, flat, f"{at.path}/{label}".rstrip("/"))
    return at.emit("Add", z, at.weight("bias")) if at.op.bias else z


def score(at: Lowering[Any], y: ir.Value, type: TensorType, name: str) -> ir.Value:
    """What a row has to say, or asks for, in each head."""
    parts = at.emit("Mul", y, at.weight(name), type=type, label=f"{name}_parts")
    found = type.with_shape(*type.shape[:2])
    return reduced(at, "ReduceSum", parts, [2], found, f"{name}_score", keep=False)


def attention(
    at: Lowering[GatConv], told: ir.Value, asked: ir.Value, type: TensorType, label: str
) -> ir.Value:
    """The scores of pairs."""
    total = at.emit("Add", told, asked, type=type, label=f"{label}_sum")
    return at.emit("LeakyRelu", total, type=type, label=f"{label}_score", alpha=at.op.slope)


def exponential(
    at: Lowering[Any], x: ir.Value, most: ir.Value, type: TensorType, label: str
) -> ir.Value:
    """The exponential of what is left below the largest."""
    below = at.emit("Sub", x, most, type=type, label=f"{label}_below")
    return at.emit("Exp", below, type=type, label=f"{label}_share")


def weighed(
    at: Lowering[Any], y: ir.Value, share: ir.Value, type: TensorType, label: str
) -> ir.Value:
    """Rows times the share of each head."""
    upright = type.with_shape(*type.shape[:2], 1)
    axis = at.graph.integers(2)
    factor = at.emit("Unsqueeze", share, axis, type=upright, label=f"{label}_factor")
    return at.emit("Mul", y, factor, type=type, label=f"{label}_told")
